/* test_bf16_tables.c: functions of bf16 that are looked up, and sums of it: the bits of f32's kernels,
 * rounded. */
#include "core/core.h"
#include "ops/common.h"
#include "support.h"

#include <hone/autocast.h>
#include <hone/hone.h>

#include <stdlib.h>
#include <string.h>

static void force_threads(void)
{
    setenv("HONE_FORCE_THREADS", "3", 1);
    test_begin();
}

TestSuite(bf16_tables, .init = force_threads, .fini = test_end);

/* Every value there is, in 256 rows. */
static hone_tensor *all_values(void)
{
    hone_tensor *x = hone_empty(HONE_BF16, 256, 256);
    uint16_t *at = hone_data(x);
    for (int i = 0; i < 1 << 16; i++)
        at[i] = (uint16_t)i;
    return x;
}

/* The same bits; a NaN is one. */
static void check_same(const char *what, hone_tensor *got, hone_tensor *want)
{
    cr_assert(got && want, "%s: %s", what, hone_error_message());
    cr_assert(got->dtype == want->dtype && got->numel == want->numel, "%s", what);
    got = hone_to(hone_contiguous(got), HONE_F32);
    want = hone_to(hone_contiguous(want), HONE_F32);
    const float *a = hone_data(got), *b = hone_data(want);
    for (int64_t i = 0; i < got->numel; i++)
        cr_assert((a[i] != a[i] && b[i] != b[i]) || memcmp(a + i, b + i, sizeof *a) == 0,
                  "%s at %lld: %a, not %a", what, (long long)i, (double)a[i], (double)b[i]);
}

#define FUNCTIONS(X) X(sigmoid) X(tanh) X(gelu) X(gelu_tanh) X(silu)
#define SLOPES(X)    X(gelu_backward) X(gelu_tanh_backward) X(silu_backward)

Test(bf16_tables, functions)
{
    HONE_SCOPE();
    hone_tensor *x = all_values(), *across = hone_transpose(x, 0, 1);
    hone_tensor *few = hone_slice(x, 1, 3, 250, 2);
#define CHECK_FUNCTION(op)                                                                         \
    check_same(#op, hone_##op(x), hone_to(hone_##op(hone_to(x, HONE_F32)), HONE_BF16));            \
    check_same(#op, hone_##op(across), hone_to(hone_##op(hone_to(across, HONE_F32)), HONE_BF16));  \
    check_same(#op, hone_##op(few), hone_to(hone_##op(hone_to(few, HONE_F32)), HONE_BF16));
    FUNCTIONS(CHECK_FUNCTION)
}

Test(bf16_tables, slopes)
{
    HONE_SCOPE();
    hone_tensor *x = all_values(), *wide = hone_to(x, HONE_F32);
    hone_tensor *dy[] = { hone_to(hone_randn(HONE_F32, 256, 256), HONE_BF16),
                          hone_transpose(x, 0, 1), hone_flip(x, 0), hone_slice(x, 1, 64, 65, 1) };
    for (int i = 0; i < 4; i++) {
        hone_tensor *dy_wide = hone_to(dy[i], HONE_F32);
#define CHECK_SLOPE(op)                                                                            \
    check_same(#op, hone_##op(dy[i], x), hone_to(hone_##op(dy_wide, wide), HONE_BF16));
        SLOPES(CHECK_SLOPE)
    }
}

Test(bf16_tables, sums_of_positions)
{
    static const int64_t positions[] = { 1, 2, 127, 128, 129, 300 }, cols[] = { 2, 33, 512, 700 };
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 4; k++) {
            HONE_SCOPE();
            hone_tensor *x = hone_to(hone_randn(HONE_F32, 3, positions[i], cols[k]), HONE_BF16);
            check_same("sum_positions", hone__call(&hone__op_sum_positions, IN(x), NULL),
                       hone_sum_dims(hone_to(x, HONE_F32), false, 1));
            hone_tensor *image = hone_reshape(x, 3, positions[i], 1, cols[k]);
            check_same("sum_positions of images",
                       hone__call(&hone__op_sum_positions, IN(image), NULL),
                       hone_sum_dims(hone_to(image, HONE_F32), false, 1, 2));
        }
}

Test(bf16_tables, gradients_of_a_bias)
{
    HONE_SCOPE();
    hone_tensor *b = hone_requires_grad_(hone_randn(HONE_F32, 70), true);
    hone_tensor *c = hone_randn(HONE_F32, 3, 200, 70), *dy = hone_to(c, HONE_BF16);
    {
        HONE_AUTOCAST(HONE_BF16);
        hone_tensor *y =
            hone_linear(hone_randn(HONE_F32, 3, 200, 9), hone_randn(HONE_F32, 9, 70), b);
        hone_backward(hone_sum(hone_mul(hone_to(y, HONE_F32), c)));
    }
    hone_tensor *samples = hone_sum_dims(hone_to(dy, HONE_F32), false, 1);
    check_same("a bias's gradient", hone_grad(b), hone_sum_dims(samples, false, 0));
}

Test(bf16_tables, gradient_of_sums_of_positions)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_zeros(HONE_BF16, 3, 5, 2, 4), true);
    hone_tensor *c = hone_randn(HONE_F32, 3, 4);
    hone_backward(hone_sum(hone_mul(hone__call(&hone__op_sum_positions, IN(x), NULL), c)));
    hone_tensor *want = hone_to(hone_reshape(c, 3, 1, 1, 4), HONE_BF16);
    check_same("its gradient", hone_grad(x), hone_expand(want, 3, 5, 2, 4));
}
