/* test_reduce.c: what the catalog can't say about reductions and softmax: special values, ties,
 * layouts that must not change a bit, the pairwise order, errors. */
#include "support.h"

#include "isa/isa.h"

#include <hone/hone.h>

#include <math.h>
#include <string.h>

SUITE(reduce);

/* ---- special values */

Test(reduce, nothing_to_reduce)
{
    CHECK_VALUE0(hone_sum(hone_zeros(HONE_F32, 0, 3)), HONE_F32, 0);
    CHECK_VALUE0(hone_sum(hone_zeros(HONE_U8, 0)), HONE_I64, 0);
    CHECK_VALUE0(hone_mean(hone_zeros(HONE_F64, 0)), HONE_F64, NAN);
    CHECK_VALUES(hone_sum_dim(hone_zeros(HONE_F32, 2, 0), 1, false), HONE_F32, (2), 0, 0);
    CHECK_VALUES(hone_mean_dim(hone_zeros(HONE_F32, 2, 0), 1, false), HONE_F32, (2), NAN, NAN);
    CHECK_VALUES(hone_logsumexp(hone_zeros(HONE_F32, 2, 0), 1, false), HONE_F32, (2), -INFINITY,
                 -INFINITY);
    cr_assert_eq(hone_numel(hone_max_dim(hone_zeros(HONE_F32, 0, 3), 1, false)), 0);
    CHECK_FAILS(hone_max(hone_zeros(HONE_F32, 0)), HONE_E_SHAPE, "max: there is nothing");
    CHECK_FAILS(hone_min_dim(hone_zeros(HONE_I64, 2, 0), 1, true), HONE_E_SHAPE, "min_dim");
    CHECK_FAILS(hone_argmax(hone_zeros(HONE_F32, 0, 3), 0, false), HONE_E_SHAPE, "argmax");
    CHECK_FAILS(hone_max_dims(hone_zeros(HONE_F32, 2, 0), false, 0, 1), HONE_E_SHAPE, "f32 [2, 0]");
}

Test(reduce, nan_wins_and_the_first_place_is_taken)
{
    hone_tensor *x = T(HONE_F32, (2, 4), 1, NAN, 9, NAN, 7, 7, -1, -1);
    CHECK_VALUES(hone_max_dim(x, 1, false), HONE_F32, (2), NAN, 7);
    CHECK_VALUES(hone_min_dim(x, 1, false), HONE_F32, (2), NAN, -1);
    CHECK_VALUES(hone_argmax(x, 1, false), HONE_I64, (2), 1, 0);
    CHECK_VALUES(hone_argmin(x, -1, true), HONE_I64, (2, 1), 1, 2);
    CHECK_VALUES(hone_argmax(x, 0, false), HONE_I64, (4), 1, 0, 0, 0);
    CHECK_VALUE0(hone_max(x), HONE_F32, NAN);
    CHECK_VALUES(hone_argmax(test_transposed(x, 0, 1), 0, false), HONE_I64, (2), 1, 0);
}

Test(reduce, infinities)
{
    hone_tensor *x = T(HONE_F32, (3, 2), -INFINITY, -INFINITY, INFINITY, 0, 1000, 1000);
    hone_tensor *y = hone_logsumexp(x, 1, false);
    CHECK_CLOSE(y, 1e-6, 0, HONE_F32, (3), -INFINITY, INFINITY, 1000 + log(2));
    CHECK_CLOSE(hone_logsumexp_dims(hone_reshape(x, 3, 1, 2), true, -1, 1), 1e-6, 0, HONE_F32,
                (3, 1, 1), -INFINITY, INFINITY, 1000 + log(2));
    CHECK_CLOSE(hone_logsumexp_dims(hone_slice(x, 0, 2, 3, 1), true, 1, 0), 1e-6, 0, HONE_F32,
                (1, 1), 1000 + log(2));
    CHECK_VALUES(hone_softmax(hone_slice(x, 0, 2, 3, 1), 1), HONE_F32, (1, 2), 0.5, 0.5);
    CHECK_VALUE0(hone_sum(T(HONE_F32, (2), INFINITY, -INFINITY)), HONE_F32, NAN);
}

Test(reduce, integers_sum_into_i64)
{
    CHECK_VALUE0(hone_sum(T(HONE_U8, (3), 255, 255, 255)), HONE_I64, 765);
    CHECK_VALUES(hone_sum_dim(T(HONE_BOOL, (2, 2), 1, 1, 0, 1), 0, false), HONE_I64, (2), 1, 2);
    CHECK_VALUE0(hone_sum(hone_full(HONE_I32, 2e9, 100)), HONE_I64, 2e11);
}

Test(reduce, a_large_mean_costs_the_variance_nothing)
{
    hone_tensor *x = hone_add_scalar(hone_mul_scalar(hone_randn(HONE_F32, 300, 5000), 1e-3), 1000);
    hone_tensor *exact = hone_to(x, HONE_F64);
    for (int d = 0; d < 2; d++) {
        hone_tensor *got = hone_to(hone_var_dim(x, d, 1, false), HONE_F64);
        hone_tensor *want = hone_var_dim(exact, d, 1, false);
        const double off =
            hone_item(hone_max(hone_abs(hone_sub(hone_div(got, want), hone_ones_like(want)))));
        cr_assert_lt(off, 1e-6, "dim %d: off by %g", d, off);
    }
    CHECK_VALUE0(hone_var(T(HONE_F32, (2), 1e7, 1e7 + 1), 1), HONE_F32, 0.5);
}

Test(reduce, a_variance_is_inf_where_it_overflows_and_not_where_a_sum_does)
{
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        for (int n = 2; n <= 70; n++) {
            hone_tensor *x = hone_full(HONE_F32, 3e38, n), *y = hone_full(HONE_F64, 1e308, n, 1);
            CHECK_VALUE0(hone_var(x, 1), HONE_F32, 0);
            CHECK_VALUES(hone_var_dim(y, 0, 1, false), HONE_F64, (1), 0);
            hone_neg_(hone_select(x, 0, n / 2));
            hone_neg_(hone_select(y, 0, n / 2));
            CHECK_VALUE0(hone_var(x, 1), HONE_F32, INFINITY);
            CHECK_VALUES(hone_var_dim(y, 0, 1, false), HONE_F64, (1), INFINITY);
        }
    }
}

/* ---- gradients that a finite difference can't see */

Test(reduce, ties_share_or_the_first_takes_all)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (2, 3), 5, 1, 5, 5, 2, 3), true);
    CHECK_OK(hone_backward(hone_max(x)));
    CHECK_CLOSE(hone_grad(x), 1e-15, 0, HONE_F64, (2, 3), 1. / 3, 0, 1. / 3, 1. / 3, 0, 0);
    hone_set_grad(x, HONE_NONE);
    CHECK_OK(hone_backward(hone_sum(hone_max_dims(x, false, 1))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (2, 3), 0.5, 0, 0.5, 1, 0, 0);
    hone_set_grad(x, HONE_NONE);
    CHECK_OK(hone_backward(hone_sum(hone_max_dim(x, 1, true))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (2, 3), 1, 0, 0, 1, 0, 0);
    hone_set_grad(x, HONE_NONE);
    CHECK_OK(hone_backward(hone_sum(hone_min_dim(hone_neg(x), 0, false))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (2, 3), -1, 0, -1, 0, -1, 0);
}

/* As PyTorch's max() and amax(): among all elements NaNs share, along dims all of them get NaN. */
Test(reduce, nans_share_the_gradient_or_spoil_their_row)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (4), 5, NAN, 9, NAN), true);
    CHECK_OK(hone_backward(hone_max(x)));
    CHECK_VALUES(hone_grad(x), HONE_F64, (4), 0, 0.5, 0, 0.5);
    hone_set_grad(x, HONE_NONE);
    CHECK_OK(hone_backward(hone_min(x)));
    CHECK_VALUES(hone_grad(x), HONE_F64, (4), 0, 0.5, 0, 0.5);
    hone_tensor *(*const extremes[])(hone_tensor *, bool, const int64_t *) = { hone_max_dims_v,
                                                                               hone_min_dims_v };
    for (int k = 0; k < 2; k++)
        for (hone_dtype t = HONE_F32; t <= HONE_F64; t++)
            for (int keepdim = 0; keepdim < 2; keepdim++) {
                x = hone_requires_grad_(T(t, (2, 3), 1, NAN, 2, 4, 4, 4), true);
                const int64_t dims[] = { 1, HONE_END_DIM }, none[] = { HONE_END_DIM };
                CHECK_OK(hone_backward(hone_sum(extremes[k](x, keepdim, dims))));
                const double third = t == HONE_F32 ? (double)(1.0f / 3) : 1.0 / 3;
                CHECK_VALUES(hone_grad(x), t, (2, 3), NAN, NAN, NAN, third, third, third);
                hone_set_grad(x, HONE_NONE);
                CHECK_OK(hone_backward(hone_sum(extremes[k](x, keepdim, none))));
                CHECK_VALUES(hone_grad(x), t, (2, 3), NAN, NAN, NAN, NAN, NAN, NAN);
            }
}

/* Windows [.., h, 2, w, b] over dims 1 and 3, as a pooling has them, against plain loops; `turned`:
 * another layout of the input. Large ones are made of other ops. */
static void check_windows(hone_dtype t, int64_t a, int64_t b, bool turned, bool keepdim)
{
    enum { N = 3, H = 5 };
    hone_tensor *x = hone_to(hone_randint(HONE_I64, 0, 4, N, a, H, b), t);
    if (turned)
        x = hone_transpose(hone_contiguous(hone_transpose(x, 0, 3)), 0, 3);
    hone_requires_grad_(x, true);
    hone_tensor *y = hone_min_dims(x, keepdim, 3, 1);
    hone_tensor *dy = hone_reshape(hone_transpose(hone_randn(t, H, N), 0, 1), N, H);
    hone_tensor *given = keepdim ? hone_reshape(dy, N, 1, H, 1) : dy;
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = given }));
    for (int64_t n = 0; n < N; n++)
        for (int64_t h = 0; h < H; h++) {
            double least = INFINITY;
            int ties = 0;
            for (int64_t i = 0; i < a * b; i++) {
                const double v = hone_at(x, n, i / b, h, i % b);
                ties = v < least ? 1 : ties + (v == least);
                least = fmin(v, least);
            }
            const double g = hone_at(dy, n, h);
            const double share = t == HONE_F32 ? (double)((float)g / (float)ties) : g / ties;
            for (int64_t i = 0; i < a * b; i++) {
                const double want = hone_at(x, n, i / b, h, i % b) == least ? share : 0;
                cr_assert_eq(hone_at(hone_grad(x), n, i / b, h, i % b), want);
            }
        }
}

Test(reduce, gradients_of_windows)
{
    for (hone_dtype t = HONE_F32; t <= HONE_F64; t++)
        for (int turned = 0; turned < 2; turned++)
            for (int keepdim = 0; keepdim < 2; keepdim++) {
                check_windows(t, 2, 2, turned, keepdim);
                check_windows(t, 1, 3, turned, keepdim);
                check_windows(t, 1, 1, turned, keepdim);
                check_windows(t, 8, 8, turned, keepdim);
                check_windows(t, 5, 13, turned, keepdim); /* more than a window's 64 */
            }
    hone_tensor *none = hone_requires_grad_(hone_zeros(HONE_F32, 0, 2), true);
    CHECK_OK(hone_backward(hone_sum(hone_max_dims(none, false, 1))));
    cr_expect_eq(hone_numel(hone_grad(none)), 0);
    hone_tensor *item = hone_requires_grad_(T0(HONE_F32, 3), true);
    const int64_t all[] = { HONE_END_DIM };
    CHECK_OK(hone_backward(hone_max_dims_v(item, false, all)));
    CHECK_VALUE0(hone_grad(item), HONE_F32, 1);
}

/* As PyTorch's: 0 for what is finite, NaN for an infinity itself. */
Test(reduce, gradients_of_logsumexp_at_infinities)
{
    for (hone_dtype t = HONE_F32; t <= HONE_F64; t++)
        for (int dim = 0; dim < 2; dim++)
            for (int keepdim = 0; keepdim < 2; keepdim++) {
                hone_tensor *rows =
                    T(t, (4, 2), 1, INFINITY, INFINITY, -INFINITY, 0, -INFINITY, 3, 3);
                hone_tensor *x = dim ? rows : hone_contiguous(test_transposed(rows, 0, 1));
                hone_requires_grad_(x, true);
                CHECK_OK(hone_backward(hone_sum(hone_logsumexp(x, dim, keepdim))));
                hone_tensor *got = dim ? hone_grad(x) : test_transposed(hone_grad(x), 0, 1);
                CHECK_CLOSE(got, 1e-6, 0, t, (4, 2), 0, NAN, NAN, 0, 1, 0, 0.5, 0.5);
                hone_set_grad(x, HONE_NONE);
                CHECK_OK(hone_backward(hone_sum(hone_logsumexp_dims(x, keepdim, dim))));
                got = dim ? hone_grad(x) : test_transposed(hone_grad(x), 0, 1);
                CHECK_CLOSE(got, 1e-6, 0, t, (4, 2), 0, NAN, NAN, 0, 1, 0, 0.5, 0.5);
            }
    hone_tensor *one = hone_requires_grad_(T0(HONE_F32, INFINITY), true);
    CHECK_OK(hone_backward(hone_logsumexp(one, 0, false)));
    CHECK_VALUE0(hone_grad(one), HONE_F32, NAN);
}

/* ---- bits */

static void check_layout(hone_tensor *view)
{
    HONE_SCOPE();
    hone_tensor *x = hone_clone(view);
    const int ndim = hone_dim(x);
    cr_assert(test_same_bits(hone_sum(view), hone_sum(x)));
    cr_assert(test_same_bits(hone_max(view), hone_max(x)));
    cr_assert(test_same_bits(hone_var(view, 1), hone_var(x, 1)));
    for (int d = 0; d < ndim; d++) {
        cr_assert(test_same_bits(hone_sum_dim(view, d, true), hone_sum_dim(x, d, true)));
        cr_assert(test_same_bits(hone_min_dim(view, d, true), hone_min_dim(x, d, true)));
        cr_assert(test_same_bits(hone_argmax(view, d, true), hone_argmax(x, d, true)));
        cr_assert(test_same_bits(hone_var_dim(view, d, 0, true), hone_var_dim(x, d, 0, true)));
        cr_assert(test_same_bits(hone_logsumexp(view, d, true), hone_logsumexp(x, d, true)));
        cr_assert(test_same_bits(hone_softmax(view, d), hone_softmax(x, d)));
        for (int e = 0; e < ndim; e++)
            if (e != d) {
                cr_assert(test_same_bits(hone_sum_dims(view, false, d, e),
                                         hone_sum_dims(x, false, d, e)));
                cr_assert(test_same_bits(hone_var_dims(view, 1, false, d, e),
                                         hone_var_dims(x, 1, false, d, e)));
                cr_assert(test_same_bits(hone_logsumexp_dims(view, false, d, e),
                                         hone_logsumexp_dims(x, false, d, e)));
            }
    }
}

/* As batch norm sums images: a channel's rows lie in pieces, blocks begin and end within them. */
Test(reduce, rows_in_pieces_give_the_bits_of_gathered_ones)
{
    static const int64_t runs[] = { 50, 196, 700, 5000 };
    for (hone_dtype dtype = HONE_F32; dtype <= HONE_F64; dtype++)
        for (int i = 0; i < 4; i++) {
            HONE_SCOPE();
            const int64_t n = 10000 / runs[i] * runs[i];
            hone_tensor *x = hone_randn((hone_dtype)dtype, n / runs[i], 3, runs[i]);
            hone_tensor *rows = hone_reshape(hone_permute(x, 1, 0, 2), 3, n);
            cr_assert(test_same_bits(hone_sum_dims(x, false, 0, 2), hone_sum_dim(rows, 1, false)));
            cr_assert(test_same_bits(hone_max_dims(x, false, 0, 2), hone_max_dims(rows, false, 1)));
            cr_assert(test_same_bits(hone_min_dims(x, false, 0, 2), hone_min_dims(rows, false, 1)));
        }
}

static void check_across(hone_tensor *x, hone_tensor *copy)
{
    cr_expect(test_same_bits(hone_sum(x), hone_sum(copy)));
    cr_expect(test_same_bits(hone_max(x), hone_max(copy)));
    cr_expect(test_same_bits(hone_argmax(hone_reshape(x, -1), 0, false),
                             hone_argmax(hone_reshape(copy, -1), 0, false)));
    cr_expect(test_same_bits(hone_sum_dim(x, -1, false), hone_sum_dim(copy, -1, false)));
    cr_expect(test_same_bits(hone_argmin(x, -1, false), hone_argmin(copy, -1, false)));
    if (hone_dtype_is_float(hone_dtype_of(x)))
        cr_expect(test_same_bits(hone_var(x, 1), hone_var(copy, 1)));
}

/* Blocks that begin and end within lines, lines of more than a strip's room, a last strip of few lines. */
Test(reduce, strips_that_lie_across_give_the_bits_of_a_copy)
{
    static const int64_t shapes[][2] = { { 1000, 77 }, { 77, 1000 }, { 16, 2048 }, { 17, 2049 },
                                         { 5003, 3 },  { 40, 1024 }, { 300, 300 } };
    static const hone_dtype dtypes[] = { HONE_F32, HONE_F64, HONE_I64, HONE_U8 };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
            HONE_SCOPE();
            hone_tensor *r = hone_mul_scalar(hone_rand(HONE_F32, shapes[s][1], shapes[s][0]), 200);
            hone_tensor *x = hone_transpose(hone_to(r, dtypes[d]), 0, 1);
            check_across(x, hone_contiguous(x));
            hone_tensor *part = hone_slice(x, 0, 3, shapes[s][0], 1);
            check_across(part, hone_contiguous(part));
        }
}

Test(reduce, a_view_gives_the_bits_of_its_copy)
{
    hone_tensor *x = hone_randn(HONE_F32, 6, 150, 70), *long_row = hone_randn(HONE_F64, 3, 9000);
    check_layout(hone_transpose(x, 0, 2));
    check_layout(hone_permute(x, 1, 2, 0));
    check_layout(hone_slice(x, 2, 3, 70, 2));
    check_layout(hone_slice(x, 1, 1, 140, 3));
    check_layout(hone_expand(hone_slice(x, 1, 7, 8, 1), -1, 150, -1));
    check_layout(hone_transpose(long_row, 0, 1));
    check_layout(hone_slice(long_row, 1, 1, 9000, 2));
    check_layout(hone_unsqueeze(hone_transpose(long_row, 0, 1), 1));
}

/* The order of contract 1, written down once more, plainly. */
static float pairwise(const float *blocks, int64_t n)
{
    float values[64];
    memcpy(values, blocks, sizeof *values * (size_t)n);
    for (; n > 1; n = (n + 1) / 2)
        for (int64_t i = 0; i < (n + 1) / 2; i++)
            values[i] = 2 * i + 1 < n ? values[2 * i] + values[2 * i + 1] : values[2 * i];
    return values[0];
}

static float block_sum(const float *x, int64_t n)
{
    float lanes[64];
    for (int i = 0; i < 64; i++)
        lanes[i] = -0.0F;
    for (int64_t i = 0; i < n; i++)
        lanes[i % 64] = i < 64 ? x[i] : lanes[i % 64] + x[i];
    for (int half = 32; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}

Test(reduce, sums_follow_the_two_rules)
{
    const int64_t n = 4096 * 5 + 77;
    hone_tensor *x = hone_randn(HONE_F32, n);
    const float *at = hone_data(x);
    float blocks[6], chain[3];
    for (int b = 0; b < 6; b++)
        blocks[b] = block_sum(at + 4096 * b, b < 5 ? 4096 : 77);
    CHECK_VALUE0(hone_sum(x), HONE_F32, (double)pairwise(blocks, 6));

    hone_tensor *columns = hone_reshape(hone_slice(x, 0, 0, 300 * 2, 1), 300, 2);
    for (int b = 0; b < 3; b++) {
        chain[b] = at[256 * b];
        for (int r = 1; r < (b < 2 ? 128 : 44); r++)
            chain[b] += at[256 * b + 2 * r];
    }
    const double wanted = (double)pairwise(chain, 3);
    cr_assert_eq(hone_at(hone_sum_dim(columns, 0, false), 0), wanted);
}

/* Of f32, 512 rows or more: blocks of 512, four chains each. */
static float sum_in_fours(hone_tensor *x, int64_t column)
{
    float blocks[64];
    int64_t n = 0;
    for (int64_t r = 0; r < hone_size(x, 0); r += 512, n++) {
        float chain[4] = { -0.0F, -0.0F, -0.0F, -0.0F };
        for (int64_t i = r; i < r + 512 && i < hone_size(x, 0); i++)
            chain[i % 4] += (float)hone_at(x, i, column);
        blocks[n] = (chain[0] + chain[2]) + (chain[1] + chain[3]);
    }
    return pairwise(blocks, n);
}

static void check_long_columns(hone_tensor *x)
{
    HONE_SCOPE();
    hone_tensor *sums = hone_sum_dim(x, 0, false);
    for (int64_t c = 0; c < hone_size(x, 1); c++)
        cr_assert_eq(hone_at(sums, c), (double)sum_in_fours(x, c), "%d of %d x %d", (int)c,
                     (int)hone_size(x, 0), (int)hone_size(x, 1));
}

Test(reduce, sums_of_long_columns_are_in_fours)
{
    static const int64_t sizes[][2] = { { 512, 3 }, { 513, 65 }, { 1539, 9 }, { 700, 1024 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        HONE_SCOPE();
        hone_tensor *x = hone_randn(HONE_F32, sizes[i][0], sizes[i][1]);
        check_long_columns(x);
        check_long_columns(hone_transpose(hone_contiguous(hone_transpose(x, 0, 1)), 0, 1));
        check_long_columns(hone_slice(hone_randn(HONE_F32, sizes[i][0], sizes[i][1] + 3), 1, 3,
                                      sizes[i][1] + 3, 1));
        check_long_columns(hone_slice(x, 1, 0, sizes[i][1], 2));
    }
}

/* However many there are of them. */
Test(reduce, sums_within_samples_are_the_samples_own)
{
    for (int64_t cols = 2; cols < 600; cols += 299) {
        hone_tensor *x = hone_randn(HONE_F32, 9, 640, cols), *all = hone_sum_dim(x, 1, false);
        for (int64_t n = 0; n < 9; n++)
            cr_expect(test_same_bits(hone_sum_dim(hone_slice(x, 0, n, n + 1, 1), 1, false),
                                     hone_slice(all, 0, n, n + 1, 1)));
    }
}

/* ---- errors */

Test(reduce, errors)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 3);
    CHECK_FAILS(hone_sum_dim(x, 2, false), HONE_E_SHAPE, "sum_dim: dim 2 is out of range");
    CHECK_FAILS(hone_mean_dims(x, false, 0, -3), HONE_E_SHAPE, "mean_dims: dim -3");
    CHECK_FAILS(hone_sum_dims(x, false, 1, -1), HONE_E_SHAPE, "sum_dims: dim 1 is given twice");
    CHECK_FAILS(hone_mean(hone_ones(HONE_I64, 2)), HONE_E_DTYPE, "got i64 [2]");
    CHECK_FAILS(hone_argmin(x, -3, false), HONE_E_SHAPE, "argmin: dim -3");
    CHECK_FAILS(hone_logsumexp(x, 5, false), HONE_E_SHAPE, "logsumexp: dim 5");
    CHECK_FAILS(hone_logsumexp_dims(x, false, 0, -2), HONE_E_SHAPE, "dim 0 is given twice");
    CHECK_FAILS(hone_softmax(x, -3), HONE_E_SHAPE, "softmax: dim -3");
    CHECK_FAILS(hone_softmax_backward(x, hone_ones(HONE_F32, 2), 0), HONE_E_SHAPE, "f32 [2]");
    CHECK_FAILS(hone_log_softmax_backward(x, hone_ones(HONE_F64, 2, 3), 0), HONE_E_DTYPE, "f64");
    CHECK_FAILS(hone_sum_dims_v(x, false, NULL), HONE_E_NULL, "sum_dims");
    CHECK_FAILS(hone_sum(HONE_NONE), HONE_E_NULL, "sum");
}

/* What lies across memory is reduced by other ways than what lies along it: to the same bits. */
static void check_sizes(hone_dtype dtype, int64_t rows, int64_t cols)
{
    HONE_SCOPE();
    hone_tensor *memory = hone_mul_scalar(
        hone_cos(hone_reshape(hone_arange(dtype, 0, (double)(rows * cols), 1), cols, rows)), 1.25);
    hone_tensor *across = hone_transpose(memory, 0, 1), *along = hone_contiguous(across);
    hone_tensor *x[] = { across, along }, *y[2][14];
    int n = 0;
    for (int k = 0; k < 2; k++) {
        n = 0;
        y[k][n++] = hone_sum(x[k]);
        y[k][n++] = hone_sum_dim(x[k], 0, false);
        y[k][n++] = hone_sum_dim(x[k], 1, false);
        y[k][n++] = hone_mean_dim(x[k], 1, true);
        y[k][n++] = hone_norm_dim(x[k], 1, 2, false);
        y[k][n++] = hone_prod(x[k]);
        y[k][n++] = hone_prod_dim(x[k], 0, false);
        y[k][n++] = hone_prod_dim(x[k], 1, false);
        y[k][n++] = hone_prod_dim(hone_exp(hone_mul_scalar(x[k], 10)), 1, false);
        y[k][n++] = hone_max(x[k]);
        y[k][n++] = hone_min(hone_relu(x[k]));
        y[k][n++] = hone_topk(x[k], 3, 1, true, true).values;
        y[k][n++] = hone_topk(x[k], 3, 1, false, true).values;
        y[k][n++] = hone_flip(x[k], 0, 1);
    }
    for (int i = 0; i < n; i++)
        cr_expect(test_same_bits(hone_contiguous(y[0][i]), y[1][i]), "%d of %d x %d", i, (int)rows,
                  (int)cols);
}

Test(reduce, across_memory_is_as_along_it)
{
    static const int64_t sizes[][2] = { { 33, 3 },     { 1, 70 },   { 40, 64 },
                                        { 65, 100 },   { 300, 65 }, { 70, 9001 },
                                        { 1030, 129 }, { 2, 5000 }, { 1100, 515 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int f64 = 0; f64 < 2; f64++)
            check_sizes(f64 ? HONE_F64 : HONE_F32, sizes[i][0], sizes[i][1]);
}

static void check_sum_of_all(hone_tensor *x)
{
    hone_tensor *flat = hone_reshape(x, -1), *one = hone_reshape(x, 1, -1, hone_size(x, -1), 1);
    const bool by_rows = hone_size(x, -1) >= 512;
    cr_expect(test_same_bits(
        hone_sum(x), hone_sum(by_rows ? hone_flatten(hone_sum_dim(x, -1, false), 0) : flat)));
    cr_expect(test_same_bits(hone_sum(one), hone_sum(x)));
    cr_expect(test_same_bits(hone_norm(x, 2), hone_norm(one, 2)));
    cr_expect(test_same_bits(hone_sum_dims(x, false, 0, 1, -1), hone_sum(x)));
}

/* Over everything, long rows are summed first: a matter of shape alone. */
Test(reduce, a_sum_of_all_is_that_of_the_sums_of_long_rows)
{
    static const int64_t sizes[][3] = {
        { 2, 3, 511 }, { 2, 3, 512 }, { 1, 40, 700 }, { 3, 40, 4100 }, { 1, 1, 600 }
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int f64 = 0; f64 < 2; f64++) {
            HONE_SCOPE();
            const int64_t *n = sizes[i];
            hone_tensor *x = hone_randn(f64 ? HONE_F64 : HONE_F32, n[0], n[1], n[2]);
            check_sum_of_all(x);
            hone_tensor *across = hone_transpose(hone_contiguous(hone_transpose(x, 0, 2)), 0, 2);
            cr_expect(test_same_bits(hone_sum(across), hone_sum(x)));
            cr_expect(test_same_bits(hone_norm(across, 2), hone_norm(x, 2)));
            cr_expect(test_same_bits(hone_mean(across), hone_mean(x)));
        }
}

/* Of zeros of both signs the order decides, wherever they lie. */
Test(reduce, extreme_of_zeros_across_memory)
{
    HONE_SCOPE();
    for (int at = 0; at < 12; at++) {
        hone_tensor *zeros = hone_zeros(HONE_F32, 3, 4);
        ((float *)hone_data(zeros))[at] = -0.0F;
        hone_tensor *across = hone_transpose(zeros, 0, 1), *along = hone_contiguous(across);
        cr_expect(test_same_bits(hone_max(across), hone_max(along)));
        cr_expect(test_same_bits(hone_min(across), hone_min(along)));
    }
}
