/* test_layout.c: results of elementwise ops that lie as their operands do (core/layout.h) keep what is
 * promised elsewhere: contiguous .grad, out=, bits for any cut of the batch. What strides they have:
 * golden/layouts.txt. */
#include "support.h"

#include <hone/call.h>
#include <hone/hone.h>

#include <stdlib.h>

SUITE(layout);

enum { N = 5, K = 37 };

static const int64_t orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                      { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

/* Whole numbers' sums hide no order. */
static hone_tensor *thirds(hone_tensor *t)
{
    return hone_mul_scalar(hone_cos(t), 1.0 / 3);
}

/* Samples [begin, end) of [N, K, n], memory in that order; alone: in memory of their own. */
static hone_tensor *samples(const int64_t *order, int64_t n, int64_t begin, int64_t end, bool alone)
{
    const int64_t extent[] = { alone ? end - begin : N, K, n };
    const int64_t back[] = { order[0], order[1], order[2], HONE_END_DIM };
    hone_tensor *x =
        thirds(hone_reshape(hone_arange(HONE_F32, 0, (double)(N * K * n), 1), N, K, n));
    if (alone)
        x = hone_slice(x, 0, begin, end, 1);
    hone_tensor *memory = hone_contiguous(hone_permute_v(x, back));
    int64_t there[4] = { 0, 0, 0, HONE_END_DIM };
    for (int d = 0; d < 3; d++)
        there[order[d]] = d;
    x = hone_permute_v(memory, there);
    cr_assert_eq(hone_size(x, 1), extent[1]);
    return alone ? x : hone_slice(x, 0, begin, end, 1);
}

/* Their products by B and by its transpose, of the samples as they lie and through elementwise ops. */
static hone_tensor *product(hone_tensor *x, int way)
{
    hone_tensor *h = way == 0 ? x : way == 1 ? hone_relu(x) : hone_add(hone_neg(x), x);
    hone_tensor *rows = thirds(hone_reshape(hone_arange(HONE_F32, 0, 3 * K, 1), 3, K));
    if (way == 2)
        h = hone_where(hone_gt_scalar(x, 0), x, h);
    return hone_matmul(rows, h);
}

static void check_cuts(const int64_t *order, int64_t n, int way)
{
    HONE_SCOPE();
    hone_tensor *whole = product(samples(order, n, 0, N, false), way);
    for (int64_t i = 0; i < N; i++)
        for (int64_t each = 1; each <= 2 && i + each <= N; each++)
            for (int alone = 0; alone < 2; alone++) {
                hone_tensor *part = product(samples(order, n, i, i + each, alone), way);
                cr_expect(test_same_bits(part, hone_slice(whole, 0, i, i + each, 1)),
                          "order %d %d %d, n %d, way %d, samples %d to %d, alone %d", (int)order[0],
                          (int)order[1], (int)order[2], (int)n, way, (int)i, (int)(i + each),
                          alone);
            }
}

/* A product's sums have another order where B is contiguous along k: hone/ops.h. */
Test(layout, any_cut_of_the_batch)
{
    static const int64_t columns[] = { 1, 2, 8, 9 };
    for (int o = 0; o < 6; o++)
        for (int way = 0; way < 3; way++)
            for (int i = 0; i < 4; i++)
                if (way > 0 ||
                    orders[o][2] != 0) /* the samples of what is no result may lie innermost */
                    check_cuts(orders[o], columns[i], way);
}

Test(layout, gradients_of_leaves_are_contiguous)
{
    hone_tensor *w = hone_requires_grad_(T(HONE_F32, (2, 3), 1, -2, 3, -4, 5, -6), true);
    hone_tensor *y = hone_relu(hone_transpose(w, 0, 1));
    cr_assert_eq(hone_stride(y, 0), 1);
    cr_assert_eq(hone_stride(y, 1), 3);
    hone_tensor *factor = test_transposed(T(HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6), 0, 1);
    CHECK_OK(hone_backward(hone_sum(hone_mul(y, factor))));
    cr_assert(hone_is_contiguous(hone_grad(w)));
    CHECK_VALUES(hone_grad(w), HONE_F32, (2, 3), 1, 0, 3, 0, 5, 0);
}

Test(layout, copies_and_what_is_given_stay_as_they_are)
{
    hone_tensor *x = test_transposed(T(HONE_F32, (2, 3), 1, -2, 3, -4, 5, -6), 0, 1);
    cr_assert(hone_is_contiguous(hone_clone(x)));
    cr_assert(hone_is_contiguous(hone_contiguous(hone_neg(x))));
    cr_assert(hone_is_contiguous(hone_zeros_like(x)));
    hone_tensor *to = hone_empty(HONE_F32, 3, 2);
    HONE_NO_GRAD();
    CHECK_OK(hone_call_out("neg", hone_list(x), NULL, hone_list(to)));
    cr_assert(hone_is_contiguous(to));
    CHECK_VALUES(to, HONE_F32, (3, 2), -1, 4, 2, -5, -3, 6);
    hone_abs_(x);
    cr_assert(!hone_is_contiguous(x));
    CHECK_VALUES(x, HONE_F32, (3, 2), 1, 4, 2, 5, 3, 6);
}

/* Floats of 16 bits lie as f32 does, whatever copies the op computed with. */
Test(layout, halves)
{
    hone_tensor *wide = hone_permute(hone_randn(HONE_F32, 4, 6, 5), 1, 2, 0);
    hone_tensor *all[] = { wide, hone_slice(wide, 0, 0, 6, 2), hone_slice(wide, 2, 1, 3, 1) };
    for (int i = 0; i < 3; i++)
        for (int bf16 = 0; bf16 <= 1; bf16++) {
            const hone_dtype dtype = bf16 ? HONE_BF16 : HONE_F16;
            hone_tensor *y = hone_silu(hone_to(all[i], dtype));
            hone_tensor *z = hone_sub(y, hone_to(hone_contiguous(all[i]), dtype));
            for (int d = 0; d < 3; d++) {
                cr_expect_eq(hone_stride(y, d), hone_stride(hone_silu(all[i]), d));
                cr_expect_eq(hone_stride(z, d), hone_stride(y, d));
            }
        }
}
