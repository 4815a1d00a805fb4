/* Ops on bf16 and f16 beside PyTorch's, and autocast's list: make_halves_golden.py says what the files
 * hold. */
#include "core/core.h"
#include "support.h"

#include <hone/autocast.h>
#include <hone/autograd.h>
#include <hone/call.h>
#include <hone/files.h>
#include <hone/ops.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

SUITE(golden_halves);

#define GOLDEN(name) HONE_SOURCE_DIR "/tests/golden/" name

static const hone_file_options kept = { .keep_halves = true };

static hone_tensor *tensor(const hone_file *f, int n, const char *what)
{
    char name[32];
    snprintf(name, sizeof name, "%d.%s", n, what);
    hone_tensor *t = hone_file_read_with(f, name, &kept);
    cr_assert(t, "%s", hone_error_message());
    return t;
}

/* One unit in the last place of a value of the dtype. What is f32 comes of operands of 16 bits, whose
 * gradients PyTorch rounds on the way. */
static double unit(hone_dtype dtype, double value)
{
    const int digits = dtype == HONE_F16 ? 11 : 8;
    const int least = dtype == HONE_F16 ? -24 : -133;
    int exponent;
    frexp(value, &exponent);
    return ldexp(1, exponent - digits < least ? least : exponent - digits);
}

/* Beside the rounding of small values of a row of larger ones: their own unit is not the measure. */
static double scale_of(hone_tensor *t)
{
    const double most = hone_numel(t) ? hone_item(hone_max(hone_abs(hone_to(t, HONE_F64)))) : 0;
    return isfinite(most) ? most / 16 : 0;
}

static void check(const char *line, const char *what, hone_tensor *got, hone_tensor *want,
                  int units)
{
    cr_assert(got, "%s: %s: %s", line, what, hone_error_message());
    cr_assert_eq(hone_dtype_of(got), hone_dtype_of(want), "%s: %s is %s, not %s", line, what,
                 hone_dtype_name(hone_dtype_of(got)), hone_dtype_name(hone_dtype_of(want)));
    cr_assert(hone__same_shape(got, want), "%s: %s: shapes", line, what);
    hone_tensor *a = hone_contiguous(hone_to(hone_detach(got), HONE_F64));
    hone_tensor *b = hone_contiguous(hone_to(want, HONE_F64));
    const double *x = hone_data(a), *y = hone_data(b), scale = scale_of(want);
    for (int64_t i = 0; i < hone_numel(want); i++) {
        const double most = fmax(fabs(y[i]), units ? scale : 0);
        const bool same = x[i] == y[i] || (isnan(x[i]) && isnan(y[i]));
        cr_expect(same || fabs(x[i] - y[i]) <= units * unit(hone_dtype_of(want), most),
                  "%s: %s: element %d is %a, PyTorch's %a", line, what, (int)i, x[i], y[i]);
    }
}

static void check_gradients(const hone_file *f, int n, const char *line, hone_tensor **in, int n_in,
                            hone_tensor *y, int units)
{
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = tensor(f, n, "dy") }));
    for (int i = 0; i < n_in; i++) {
        char what[16];
        snprintf(what, sizeof what, "g%d", i);
        if (hone_dtype_is_float(hone_dtype_of(in[i])))
            check(line, what, hone_grad(in[i]), tensor(f, n, what), units);
    }
}

static void check_line(const hone_file *f, int n, const char *line)
{
    HONE_SCOPE();
    char op[40], attributes[80] = "";
    int units, grad, n_in, n_out;
    const char *rest = strchr(line, '|');
    cr_assert(rest && sscanf(line, "%39[^|]", op) == 1);
    sscanf(rest, "|%79[^|]", attributes);
    rest = strchr(rest + 1, '|');
    cr_assert_eq(sscanf(rest, "|%d|%d|%d|%d", &units, &grad, &n_in, &n_out), 4, "%s", line);
    hone_tensor *in[4];
    for (int i = 0; i < n_in; i++) {
        char what[16];
        snprintf(what, sizeof what, "%d", i);
        in[i] = tensor(f, n, what);
        if (grad && hone_dtype_is_float(hone_dtype_of(in[i])))
            in[i] = hone_requires_grad_(in[i], true);
    }
    hone_tensor_list y = hone_call(op, (hone_tensor_list){ in, n_in }, attributes);
    cr_assert(y.at, "%s: %s", line, hone_error_message());
    for (int i = 0; i < n_out; i++) {
        char what[16];
        snprintf(what, sizeof what, "y%d", i);
        check(line, what, y.at[i], tensor(f, n, what), units);
    }
    if (grad)
        check_gradients(f, n, line, in, n_in, y.at[0], units + 1);
}

Test(golden_halves, ops_give_what_pytorch_gives)
{
    hone_file *f = hone_file_open(GOLDEN("halves.safetensors"));
    FILE *lines = fopen(GOLDEN("halves.txt"), "r");
    cr_assert(f && lines, "%s", hone_error_message());
    char line[200];
    int n = 0;
    for (; fgets(line, sizeof line, lines); n++) {
        line[strcspn(line, "\n")] = 0;
        check_line(f, n, line);
    }
    cr_assert(n > 150);
    fclose(lines);
    hone_file_close(f);
}

Test(golden_halves, autocast_has_pytorchs_list)
{
    FILE *lines = fopen(GOLDEN("autocast.txt"), "r");
    char op[64], rule[16];
    int n = 0;
    cr_assert(lines);
    for (; fscanf(lines, "%63s %15s", op, rule) == 2; n++)
        cr_expect_str_eq(hone_op_autocast(op), strcmp(rule, "-") == 0 ? "" : rule, "%s", op);
    cr_assert(n > 40);
    fclose(lines);
}
