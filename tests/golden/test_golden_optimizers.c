/* The first 20 losses of a small network agree with PyTorch's for every optimizer, from the same
 * weights and samples: optimizers.txt, of which make_optimizers_golden.py tells. */
#include <criterion/criterion.h>
#include <hone/hone.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 20, BATCH = 16, IN = 13, HIDDEN = 17, OUT = 5, LINE = 2048 };

static uint64_t hashed(uint64_t stream, uint64_t i)
{
    uint64_t z = ((stream << 32) + i) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static hone_tensor *numbers(hone_dtype dtype, uint64_t stream, int64_t rows, int64_t columns,
                            double scale)
{
    hone_tensor *t = hone_empty(HONE_F64, rows, columns);
    cr_assert(t, "%s", hone_error_message());
    double *at = hone_data(t);
    for (int64_t i = 0; i < rows * columns; i++)
        at[i] = ((double)(hashed(stream, (uint64_t)i) >> 40) / 16777216.0 - 0.5) * scale;
    return hone_to(t, dtype);
}

static hone_tensor *parameter(hone_tensor *t)
{
    return hone_requires_grad_(hone_clone(t), true);
}

static double step(hone_tensor *const *p, hone_optim *optim, hone_tensor *x, hone_tensor *y)
{
    HONE_SCOPE();
    hone_tensor *hidden = hone_tanh(hone_linear(x, p[0], p[1]));
    hone_tensor *loss = hone_mean(hone_square(hone_sub(hone_linear(hidden, p[2], p[3]), y)));
    hone_optim_zero_grad(optim);
    hone_backward(loss);
    hone_optim_step(optim);
    return hone_item(loss);
}

static double tolerance(const char *name, hone_dtype dtype)
{
    if (strcmp(name, "muon") == 0)
        return 1e-2; /* bf16 inside PyTorch's */
    if (dtype == HONE_F32)
        return 1e-5;
    return strcmp(name, "nadam") == 0 ? 1e-7 : 1e-11; /* PyTorch keeps a product in f32 */
}

static void run(const char *row, const double *wanted, double *worst)
{
    HONE_SCOPE();
    char name[40], options[200];
    const char *dtype_name = strrchr(row, ' ') + 1;
    const hone_dtype dtype = strcmp(dtype_name, "f64") == 0 ? HONE_F64 : HONE_F32;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(row, " "), row);
    snprintf(options, sizeof options, "%.*s", (int)(dtype_name - row - (int)strlen(name)),
             row + strlen(name));
    hone_tensor *x = numbers(dtype, 1, BATCH, IN, 4), *y = numbers(dtype, 2, BATCH, OUT, 2);
    hone_tensor *p[] = { parameter(numbers(dtype, 3, IN, HIDDEN, 1)),
                         parameter(hone_reshape(numbers(dtype, 4, 1, HIDDEN, 0.5), -1)),
                         parameter(numbers(dtype, 5, HIDDEN, OUT, 1)),
                         parameter(hone_reshape(numbers(dtype, 6, 1, OUT, 0.5), -1)) };
    const hone_tensor_list trained =
        strcmp(name, "muon") == 0 ? hone_list(p[0], p[2]) : hone_list_n(p, 4);
    hone_optim *optim = hone_optim_by_name(name, trained, options);
    cr_assert(optim, "%s: %s", row, hone_error_message());
    for (int i = 0; i < STEPS; i++) {
        const double loss = step(p, optim, x, y), off = fabs(loss - wanted[i]) / wanted[i];
        cr_assert(off <= tolerance(name, dtype), "%s, step %d: %.17g, PyTorch %.17g, %s", row,
                  i + 1, loss, wanted[i], hone_error_message());
        *worst = fmax(*worst, off);
    }
    cr_assert(wanted[STEPS - 1] < wanted[0]);
    hone_optim_free(optim);
}

Test(golden_optimizers, twenty_steps)
{
    static char line[LINE];
    FILE *f = fopen(HONE_SOURCE_DIR "/tests/golden/optimizers.txt", "r");
    cr_assert(f);
    int n = 0;
    while (fgets(line, sizeof line, f)) {
        double wanted[STEPS], worst = 0;
        char *at = strstr(line, ": ");
        if (line[0] == '#')
            continue;
        cr_assert(at, "%.40s", line);
        *at++ = 0;
        for (int i = 0; i < STEPS; i++)
            wanted[i] = strtod(at, &at);
        run(line, wanted, &worst);
        printf("%s: largest relative difference %.2g\n", line, worst);
        n++;
    }
    fclose(f);
    cr_assert(n == 44, "%d runs", n);
    for (int i = 0; i < hone_optim_kinds(); i++) { /* each is among them */
        f = fopen(HONE_SOURCE_DIR "/tests/golden/optimizers.txt", "r");
        bool found = false;
        while (!found && fgets(line, sizeof line, f))
            found = strncmp(line, hone_optim_kind(i), strcspn(line, " ")) == 0;
        fclose(f);
        cr_assert(found, "%s", hone_optim_kind(i));
    }
}
