/* Convolutions, poolings, interpolations and the like give PyTorch's values and gradients:
 * make_spatial_golden.py says what the file holds. */
#include "support.h"

#include <hone/autograd.h>
#include <hone/call.h>
#include <hone/io.h>
#include <hone/nn.h>
#include <hone/ops.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

SUITE(golden_spatial);

#define GOLDEN HONE_SOURCE_DIR "/tests/golden/pytorch_spatial.safetensors"

enum { MOST = 4 };

/* The case's tensors of a kind; how many there are. */
static int find(hone_named_list all, const char *name, int length, const char *kind,
                hone_tensor **found)
{
    for (int n = 0; n < MOST; n++) {
        char wanted[200];
        snprintf(wanted, sizeof wanted, "%.*s|%s%d", length, name, kind, n);
        found[n] = NULL;
        for (int i = 0; i < all.n; i++)
            if (strcmp(all.at[i].name, wanted) == 0)
                found[n] = all.at[i].tensor;
        if (!found[n])
            return n;
    }
    return MOST;
}

/* 1, 2, 3, 4, 5, 1, 2, ... in t's shape. */
static hone_tensor *weights_like(hone_tensor *t)
{
    hone_tensor *i = hone_arange(HONE_F64, 0, (double)hone_numel(t), 1);
    hone_tensor *fives = hone_to(hone_to(hone_div_scalar(i, 5), HONE_I64), HONE_F64);
    hone_tensor *w = hone_add_scalar(hone_sub(i, hone_mul_scalar(fives, 5)), 1);
    hone_tensor *like = hone_zeros_like(hone_detach(t));
    return hone_add_(hone_reshape(like, -1), hone_to(w, hone_dtype_of(t))) ? like : NULL;
}

static bool is_close(hone_tensor *got, hone_tensor *want, double within)
{
    got = hone_detach(got);
    if (!hone_dtype_is_float(hone_dtype_of(want)))
        return test_same_bits(hone_contiguous(got), want);
    return hone_allclose(hone_to(got, HONE_F64), want, within, within);
}

static void run(hone_named_list all, const char *name, hone_dtype dtype, double within)
{
    HONE_SCOPE();
    hone_tensor *in[MOST], *out[MOST], *grad[MOST];
    const int length = (int)strcspn(name, "|");
    const int n_in = find(all, name, length, "in", in), n_out = find(all, name, length, "out", out);
    const int n_grad = find(all, name, length, "grad", grad);
    char op[40], attributes[160] = "";
    cr_assert(n_in > 0 && n_out > 0 && n_grad > 0 &&
              sscanf(name, "%*d %39s %159[^|]", op, attributes) >= 1);
    for (int i = 0; i < n_in; i++)
        if (hone_dtype_is_float(hone_dtype_of(in[i])))
            in[i] = hone_requires_grad_(hone_clone(hone_to(in[i], dtype)), true);
    const hone_tensor_list got = hone_call(op, hone_list_n(in, n_in), attributes);
    cr_assert(got.n >= n_out, "%s: %s", name, hone_error_message());
    for (int i = 0; i < n_out; i++)
        cr_expect(is_close(got.at[i], out[i], within), "%s: output %d", name, i);
    hone_tensor *loss = hone_sum(hone_mul(got.at[0], weights_like(got.at[0])));
    cr_assert_eq(hone_backward(loss), HONE_OK, "%s: %s", name, hone_error_message());
    for (int i = 0, g = 0; i < n_in; i++) {
        if (!hone_dtype_is_float(hone_dtype_of(in[i])))
            continue;
        cr_expect(is_close(hone_grad(in[i]), grad[g], within), "%s: gradient %d", name, g);
        g++;
    }
}

static void run_all(hone_dtype dtype, double within)
{
    const hone_named_list all = hone_safetensors_load(GOLDEN, NULL);
    int cases = 0;
    for (int i = 0; i < all.n; i++) {
        const char *kind = strchr(all.at[i].name, '|');
        if (!kind || strcmp(kind, "|in0") != 0)
            continue;
        run(all, all.at[i].name, dtype, within);
        cases++;
    }
    cr_assert(cases >= 100, "%d cases", cases);
}

Test(golden_spatial, as_pytorch_in_f64)
{
    run_all(HONE_F64, 1e-12);
}

Test(golden_spatial, as_pytorch_in_f32)
{
    run_all(HONE_F32, 2e-5);
}
