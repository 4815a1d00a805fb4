/* test_put.c: what is put at indices or masks: PyTorch's corners, places in place, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(put);

Test(put, index_select)
{
    hone_tensor *x = T(HONE_F32, (3), 1, 2, 3);
    CHECK_VALUES(hone_index_select(x, 0, T0(HONE_I64, 1)), HONE_F32, (1), 2);
    cr_assert_eq(hone_dim(hone_index_select(hone_scalar(HONE_F32, 5), 0, T(HONE_I32, (1), 0))), 0);
    CHECK_FAILS(hone_index_select(x, 0, T(HONE_I64, (2), 0, -1)), HONE_E_INDEX,
                "index_select: index -1 (element 1) is out of range for dim 0 of f32 [3]");
    CHECK_FAILS(hone_index_select(x, 0, T(HONE_I64, (1), 3)), HONE_E_INDEX, "index 3");
    CHECK_FAILS(hone_index_select(x, 1, T(HONE_I64, (1), 0)), HONE_E_SHAPE, "index_select: dim 1");
    CHECK_FAILS(hone_index_select(x, 0, T(HONE_I64, (1, 1), 0)), HONE_E_SHAPE, "must be [n]");
    CHECK_FAILS(hone_index_select(x, 0, T(HONE_F32, (1), 0)), HONE_E_DTYPE, "index_select");
    CHECK_FAILS(hone_index_select(hone_scalar(HONE_F32, 5), 0, T(HONE_I64, (2), 0, 0)),
                HONE_E_SHAPE, "must be [1]");
}

Test(put, repeats)
{
    hone_tensor *x = T(HONE_F32, (3), 1, 2, 3);
    CHECK_VALUES(hone_repeat_interleave_tensor(x, T(HONE_I64, (3), 2, 0, 1), 0), HONE_F32, (3), 1,
                 1, 3);
    CHECK_FAILS(hone_repeat_interleave_tensor(x, T(HONE_I64, (3), 2, -1, 1), 0), HONE_E_VALUE,
                "index 1 of x f32 [3] can't be repeated -1 times");
    CHECK_FAILS(hone_repeat_interleave_tensor(x, T(HONE_I64, (2), 2, 1), 0), HONE_E_SHAPE,
                "must be [3] or [1]");
    CHECK_FAILS(hone_repeat_interleave_tensor(x, T(HONE_F32, (1), 2), 0), HONE_E_DTYPE, "repeat");
    hone_tensor *most = hone_from_data(HONE_I64, ((const int64_t[]){ INT64_MAX }), 1);
    CHECK_FAILS(hone_repeat_interleave_tensor(x, most, 0), HONE_E_VALUE, "can't be repeated");
}

/* The last value stays; its gradient is 1 for all of them, as PyTorch's. */
Test(put, places_that_come_twice)
{
    hone_tensor *at = T(HONE_I64, (3), 0, 2, 0);
    hone_tensor *x = hone_requires_grad_(hone_zeros(HONE_F64, 3), true);
    hone_tensor *v = hone_requires_grad_(T(HONE_F64, (3), 1, 2, 3), true);
    hone_tensor *w = T(HONE_F64, (3), 10, 20, 30);
    CHECK_VALUES(hone_detach(hone_index_put(x, v, false, at)), HONE_F64, (3), 3, 0, 2);
    CHECK_VALUES(hone_detach(hone_index_put(x, v, true, at)), HONE_F64, (3), 4, 0, 2);
    CHECK_VALUES(hone_detach(hone_scatter(x, 0, at, v)), HONE_F64, (3), 3, 0, 2);
    CHECK_OK(hone_backward(hone_sum(hone_mul(w, hone_index_put(x, v, false, at)))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 0, 20, 0);
    CHECK_VALUES(hone_grad(v), HONE_F64, (3), 10, 30, 10);
    hone_set_grad(x, HONE_NONE), hone_set_grad(v, HONE_NONE);
    CHECK_OK(hone_backward(hone_sum(hone_mul(w, hone_scatter(x, 0, at, v)))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 0, 20, 0);
    CHECK_VALUES(hone_grad(v), HONE_F64, (3), 10, 30, 10);
}

Test(put, in_place)
{
    hone_tensor *x = hone_zeros(HONE_F32, 3, 2), *t = hone_transpose(x, 0, 1);
    cr_assert_eq(hone_index_put_(t, T(HONE_F32, (3), 1, 2, 3), false, T(HONE_I64, (1), -1)), t);
    CHECK_VALUES(x, HONE_F32, (3, 2), 0, 1, 0, 2, 0, 3);
    hone_index_put_(x, T0(HONE_F32, 7), false, T(HONE_BOOL, (3), 1, 0, 1));
    CHECK_VALUES(x, HONE_F32, (3, 2), 7, 7, 0, 2, 7, 7);
    hone_scatter_(x, 1, T(HONE_I64, (3, 1), 0, 1, 0), hone_ones(HONE_F32, 3, 1));
    CHECK_VALUES(x, HONE_F32, (3, 2), 1, 7, 0, 1, 1, 7);
    hone_scatter_add_(x, 1, T(HONE_I64, (3, 1), 0, 1, 0), hone_ones(HONE_F32, 3, 1));
    CHECK_VALUES(x, HONE_F32, (3, 2), 2, 7, 0, 2, 2, 7);
    hone_masked_fill_scalar_(x, hone_eq_scalar(x, 7), -1);
    CHECK_VALUES(x, HONE_F32, (3, 2), 2, -1, 0, 2, 2, -1);
    /* what is put is read before it is written over */
    hone_tensor *y = T(HONE_F32, (3), 1, 2, 3);
    hone_index_put_(y, hone_slice(y, 0, 0, 2, 1), false, T(HONE_I64, (2), 1, 2));
    CHECK_VALUES(y, HONE_F32, (3), 1, 1, 2);
    y = T(HONE_F32, (3), 1, 2, 3);
    hone_scatter_(y, 0, T(HONE_I64, (2), 1, 2), y);
    CHECK_VALUES(y, HONE_F32, (3), 1, 1, 2);
}

/* index_put_ of x at `index`, x itself or a view of it, as if the index had been copied before. */
static void check_own_index(hone_tensor *x, hone_tensor *index, bool accumulate)
{
    hone_tensor *values = hone_neg(hone_sub_scalar(index, 9)); /* indices, too: 9 - i */
    hone_tensor *want = hone_index_put(hone_clone(x), values, accumulate, hone_clone(index));
    cr_assert_eq(hone_index_put_(x, values, accumulate, index), x, "%s", hone_error_message());
    cr_assert(test_same_bits(x, want));
}

Test(put, indices_that_are_written_over)
{
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        for (int64_t n = 10; n <= 10000; n *= 10) {
            HONE_SCOPE();
            hone_tensor *digits = hone_remainder_scalar(hone_arange(HONE_I64, 0, (double)n, 1), 10);
            hone_tensor *x = hone_clone(digits),
                        *table = hone_reshape(hone_clone(digits), 10, n / 10);
            check_own_index(x, x, accumulate);
            x = hone_flip(digits, 0);
            check_own_index(x, hone_slice(x, 0, 0, n, 2), accumulate);
            x = hone_clone(digits);
            check_own_index(hone_slice(x, 0, 0, n, 1), hone_slice(x, 0, n / 2, n, 1), accumulate);
            check_own_index(hone_select(table, 1, 0), hone_select(table, 1, 0), accumulate);
        }
    }
}

/* Nothing is changed by a call that fails, however long the index is. */
Test(put, bad_indices)
{
    hone_tensor *x = hone_zeros(HONE_F32, 3), *at = hone_zeros(HONE_I64, 10000);
    hone_tensor *ones = hone_ones(HONE_F32, 10000);
    hone_fill_(hone_slice(at, 0, 9999, 10000, 1), 3);
    CHECK_FAILS(hone_scatter_(x, 0, at, ones), HONE_E_INDEX, "scatter: index 3 (element 9999");
    CHECK_FAILS(hone_scatter_add_(x, 0, at, ones), HONE_E_INDEX, "scatter_add: index 3");
    CHECK_FAILS(hone_scatter_scalar_(x, 0, at, 1), HONE_E_INDEX, "scatter_scalar: index 3");
    CHECK_FAILS(hone_index_put_(x, ones, false, at), HONE_E_INDEX, "index_put: index 3");
    CHECK_VALUES(x, HONE_F32, (3), 0, 0, 0);
    hone_tensor *minus = T(HONE_I64, (1), -1), *one = hone_ones(HONE_F32, 1);
    CHECK_FAILS(hone_scatter(x, 0, minus, one), HONE_E_INDEX, "index -1");
    CHECK_FAILS(hone_scatter(x, 0, at, one), HONE_E_SHAPE, "scatter: src f32 [1] must be at least");
    CHECK_FAILS(hone_scatter(x, 0, at, hone_ones(HONE_F64, 10000)), HONE_E_DTYPE, "scatter");
    CHECK_FAILS(hone_scatter_scalar(hone_zeros(HONE_U8, 3), 0, minus, 300), HONE_E_VALUE,
                "300 doesn't fit into u8");
    CHECK_FAILS(hone_index_put(x, hone_ones(HONE_F64, 1), false, minus), HONE_E_DTYPE,
                "index_put: values are f64 [1], x is f32 [3]");
    CHECK_FAILS(hone_index_put(x, hone_ones(HONE_F32, 2), false, minus), HONE_E_SHAPE,
                "index_put: values f32 [2] can't be broadcast to the [1] of f32 [3]");
}

Test(put, masks)
{
    hone_tensor *x = T(HONE_I64, (2), 1, 2), *mask = T(HONE_BOOL, (2), 1, 0);
    CHECK_VALUES(hone_masked_fill(x, mask, T0(HONE_F64, 1.5)), HONE_I64, (2), 1, 2);
    CHECK_VALUES(hone_masked_fill_scalar(x, mask, -7), HONE_I64, (2), -7, 2);
    CHECK_VALUES(hone_masked_fill_scalar(T(HONE_F32, (1), NAN), T(HONE_BOOL, (1), 1), 0), HONE_F32,
                 (1), 0);
    CHECK_FAILS(hone_masked_fill(x, T(HONE_I64, (2), 1, 0), T0(HONE_I64, 1)), HONE_E_DTYPE,
                "masked_fill: the mask is i64 [2], bool is wanted");
    CHECK_FAILS(hone_masked_fill(x, mask, T(HONE_I64, (1), 1)), HONE_E_SHAPE,
                "masked_fill: the value is i64 [1], a 0-d tensor");
    CHECK_FAILS(hone_masked_fill_scalar(hone_zeros(HONE_U8, 2), mask, 300), HONE_E_VALUE, "300");
    CHECK_FAILS(hone_masked_fill_scalar_(hone_zeros(HONE_F32, 1), mask, 5), HONE_E_SHAPE,
                "masked_fill_scalar_: the result [2] doesn't fit");
    CHECK_FAILS(hone_masked_fill_scalar(hone_zeros(HONE_F32, 3), mask, 5), HONE_E_SHAPE,
                "masked_fill_scalar");
}

static void clamped(hone_tensor *min, hone_tensor *max, hone_tensor *values, hone_tensor *dx,
                    hone_tensor *dmin, hone_tensor *dmax)
{
    hone_tensor *x = T(HONE_F64, (8), 0, 1, 2, 3, 4, NAN, 2, 2);
    hone_requires_grad_(x, true);
    hone_tensor *y = hone_clamp_tensor(x, min, max);
    cr_assert(hone_allclose(hone_detach(y), values, 0, 0));
    CHECK_OK(hone_backward(hone_sum(y)));
    cr_expect(hone_equal(hone_grad(x), dx));
    cr_expect(!dmin || hone_equal(hone_grad(min), dmin));
    cr_expect(!dmax || hone_equal(hone_grad(max), dmax));
}

/* Values and gradients that torch.clamp gave. */
Test(put, clamp_as_pytorch)
{
#define LIMITS(...) hone_requires_grad_(T(HONE_F64, (8), __VA_ARGS__), true)
#define V(...)      T(HONE_F64, (8), __VA_ARGS__)
    clamped(LIMITS(1, 1, 1, 1, 1, 1, 3, NAN), LIMITS(3, 3, 3, 3, 3, 3, 1, 3),
            V(1, 1, 2, 3, 3, NAN, 1, NAN), V(0, 1, 1, 1, 0, 0, 0, 0), V(1, 0, 0, 0, 0, 0, 0, 0),
            V(0, 0, 0, 0, 1, 0, 1, 0));
    clamped(LIMITS(1, 1, 1, 1, 1, 1, 3, NAN), HONE_NONE, V(1, 1, 2, 3, 4, NAN, 3, NAN),
            V(0, 1, 1, 1, 1, 0, 0, 0), V(1, 0, 0, 0, 0, 0, 1, 0), NULL);
    clamped(HONE_NONE, LIMITS(3, 3, 3, 3, 3, 3, 1, 3), V(0, 1, 2, 3, 3, NAN, 1, 2),
            V(1, 1, 1, 1, 0, 0, 0, 1), NULL, V(0, 0, 0, 0, 1, 0, 1, 0));
    hone_tensor *x = T(HONE_I64, (2), 1, 2);
    CHECK_VALUES(hone_clamp_tensor(x, T(HONE_F32, (2), 1.5, 0), HONE_NONE), HONE_F32, (2), 1.5, 2);
    CHECK_FAILS(hone_clamp_tensor(x, HONE_NONE, HONE_NONE), HONE_E_VALUE,
                "clamp_tensor: neither min nor max is given");
    CHECK_FAILS(hone_clamp_tensor(x, T(HONE_I64, (3), 1, 2, 3), HONE_NONE), HONE_E_SHAPE, "[3]");
}
