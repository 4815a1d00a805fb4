/* test_move.c: which results are views, composites, errors. */
#include "support.h"

#include <hone/hone.h>

SUITE(move);

static bool shares(hone_tensor *a, hone_tensor *b)
{
    cr_assert(a && b, "%s", hone_error_message());
    return hone_data(a) == hone_data(b);
}

Test(move, reshape_copies_only_where_it_must)
{
    hone_tensor *x = hone_arange(HONE_F32, 0, 24, 1), *a = hone_reshape(x, 2, 3, 4);
    hone_tensor *t = hone_transpose(a, 0, 1);
    cr_assert(shares(x, a));
    cr_assert(shares(x, hone_reshape(t, 3, 2, 2, 2)));
    cr_assert(shares(x, hone_reshape(t, 3, 1, 2, 4, 1)));
    cr_assert_not(shares(x, hone_reshape(t, 6, 4)));
    cr_assert(shares(x, hone_reshape(hone_slice(a, 0, 0, 1, 1), 12)));
    cr_assert_not(shares(x, hone_reshape(hone_slice(a, 1, 0, 2, 1), 16)));
    cr_assert(shares(x, hone_reshape(hone_slice(a, 1, 0, 2, 1), 2, 8)));
    hone_tensor *one = hone_expand(hone_slice(x, 0, 0, 1, 1), 6);
    cr_assert(shares(x, hone_reshape(one, 2, 3)));
    cr_assert_eq(hone_stride(hone_reshape(one, 2, 3), 0), 0);
}

/* Writing through a view is seen in its base, also through a reshaped one. */
Test(move, views_share_what_they_show)
{
    hone_tensor *x = hone_zeros(HONE_I64, 2, 3);
    hone_fill_(hone_select(hone_transpose(x, 0, 1), 0, -1), 7);
    hone_fill_(hone_slice(hone_reshape(x, 6), 0, 0, 4, 3), 5);
    CHECK_VALUES(x, HONE_I64, (2, 3), 5, 0, 7, 5, 0, 7);
}

Test(move, flatten)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 3, 4);
    cr_assert_eq(hone_size(hone_flatten(x, 1), 1), 12);
    cr_assert_eq(hone_dim(hone_flatten(x, 0)), 1);
    cr_assert_eq(hone_dim(hone_flatten(x, -1)), 3);
    cr_assert_eq(hone_dim(hone_flatten(hone_scalar(HONE_F32, 1), 0)), 1);
    CHECK_FAILS(hone_flatten(x, 3), HONE_E_SHAPE, "flatten: dim 3");
    CHECK_FAILS(hone_flatten(NULL, 0), HONE_E_NULL, "flatten");
}

Test(move, split)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (5), 1, 2, 3, 4, 5), true);
    hone_tensor_list parts = hone_split(x, 2, 0);
    cr_assert_eq(parts.n, 3, "%s", hone_error_message());
    CHECK_VALUES(hone_detach(parts.at[2]), HONE_F64, (1), 5);
    cr_assert(shares(x, parts.at[0]));
    CHECK_OK(hone_backward(hone_sum(hone_mul(parts.at[0], parts.at[1]))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (5), 3, 4, 1, 2, 0);
    cr_assert_eq(hone_split(x, 100, -1).n, 1);
    cr_assert_eq(hone_split(hone_zeros(HONE_F32, 0, 3), 0, 0).n, 1);
    cr_assert_null(hone_split(x, 0, 0).at);
    CHECK_ERROR(HONE_E_VALUE, "split: dim 0 of f64 [5] can't be split by 0");
    cr_assert_null(hone_split(x, -1, 0).at);
    CHECK_ERROR(HONE_E_VALUE, "-1");
    cr_assert_null(hone_split(hone_scalar(HONE_F32, 1), 1, 0).at);
    CHECK_ERROR(HONE_E_SHAPE, "split: a 0-d tensor");
    cr_assert_null(hone_split(NULL, 1, 0).at);
    CHECK_ERROR(HONE_E_NULL, "split");
}

static bool split_and_join(void)
{
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 7, 2);
    return hone_cat(hone_split(x, 3, 0), 0) != NULL;
}

Test(move, no_allocation_of_a_split_may_leak)
{
    test_each_allocation_fails(split_and_join);
}

Test(move, cat_promotes)
{
    hone_tensor *joined =
        hone_cat(hone_list(T(HONE_U8, (2), 1, 2), T(HONE_F64, (1), 0.5), T(HONE_I64, (1), -3)), 0);
    CHECK_VALUES(joined, HONE_F64, (4), 1, 2, 0.5, -3);
    joined = hone_cat(hone_list(T(HONE_BOOL, (1), 1), T(HONE_I32, (1), 7)), 0);
    CHECK_VALUES(joined, HONE_I32, (2), 1, 7);
}

/* As in PyTorch: they fit to anything, only their dtype counts. */
Test(move, cat_skips_empty_tensors_of_one_dim)
{
    hone_tensor *none = hone_requires_grad_(hone_zeros(HONE_F64, 0), true);
    hone_tensor *x = hone_requires_grad_(T(HONE_F32, (2, 1), 1, 2), true);
    hone_tensor *y = hone_cat(hone_list(none, x, none, x), -1);
    CHECK_VALUES(hone_detach(y), HONE_F64, (2, 2), 1, 1, 2, 2);
    CHECK_OK(hone_backward(hone_sum(hone_mul(y, T(HONE_F64, (2, 2), 1, 2, 3, 4)))));
    CHECK_VALUES(hone_grad(x), HONE_F32, (2, 1), 3, 7);
    cr_assert(hone_equal(hone_grad(none), hone_zeros(HONE_F64, 0)));
    cr_assert(hone_equal(hone_cat(hone_list(none, none), 0), hone_detach(none)));
    CHECK_FAILS(hone_cat(hone_list(none, x), 2), HONE_E_SHAPE, "dim 2");
    CHECK_FAILS(hone_cat(hone_list(none, none), 1), HONE_E_SHAPE, "dim 1");
    CHECK_FAILS(hone_cat(hone_list(none, x, hone_zeros(HONE_F32, 0, 2)), 1), HONE_E_SHAPE,
                "tensor 2 is f32 [0, 2], tensor 1 is f32 [2, 1]");
}

Test(move, cat_gives_back_gradients_in_each_dtype)
{
    hone_tensor *a = hone_requires_grad_(T(HONE_F32, (1), 1), true);
    hone_tensor *b = hone_requires_grad_(T(HONE_F64, (2), 2, 3), true);
    hone_tensor *y = hone_cat(hone_list(a, b, a, b, a), 0);
    CHECK_OK(hone_backward(hone_sum(hone_mul(y, T(HONE_F64, (7), 1, 2, 3, 4, 5, 6, 7)))));
    CHECK_VALUES(hone_grad(a), HONE_F32, (1), 12);
    CHECK_VALUES(hone_grad(b), HONE_F64, (2), 7, 9);
}

Test(move, shape_errors)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 3), *none = hone_zeros(HONE_F32, 0, 3);
    CHECK_FAILS(hone_reshape(x, 4, 2), HONE_E_SHAPE,
                "reshape: [2, 3] (6 elements) doesn't fit into [4, 2]");
    CHECK_FAILS(hone_reshape(x, 4, -1), HONE_E_SHAPE, "[4, -1]");
    CHECK_FAILS(hone_reshape(x, -1, -1), HONE_E_SHAPE, "reshape");
    CHECK_FAILS(hone_reshape(x, -2, 3), HONE_E_SHAPE, "negative");
    CHECK_FAILS(hone_reshape(none, 0, -1), HONE_E_SHAPE, "can be anything");
    cr_assert_eq(hone_dim(hone_reshape(none, -1, 3)), 2);
    CHECK_FAILS(hone_transpose(x, 0, 2), HONE_E_SHAPE, "transpose: dim 2");
    CHECK_FAILS(hone_transpose(x, -3, 0), HONE_E_SHAPE, "transpose: dim -3");
    CHECK_FAILS(hone_permute(x, 0), HONE_E_SHAPE, "permute: [0] isn't an order of the 2 dims");
    CHECK_FAILS(hone_permute(x, 1, 1), HONE_E_SHAPE, "[1, 1]");
    CHECK_FAILS(hone_permute(x, 1, 2), HONE_E_SHAPE, "dim 2");
    CHECK_FAILS(hone_squeeze(x, 2), HONE_E_SHAPE, "squeeze: dim 2");
    CHECK_FAILS(hone_unsqueeze(x, 3), HONE_E_SHAPE, "unsqueeze: dim 3");
    CHECK_FAILS(hone_unsqueeze(x, -4), HONE_E_SHAPE, "unsqueeze: dim -4");
    hone_tensor *most = hone_ones(HONE_F32, 1, 1, 1, 1, 1, 1, 1, 1);
    CHECK_FAILS(hone_unsqueeze(most, 0), HONE_E_SHAPE, "at most 8 dims");
    CHECK_FAILS(hone_expand(x, 2, 4), HONE_E_SHAPE,
                "expand: f32 [2, 3] can't be expanded to [2, 4]");
    CHECK_FAILS(hone_expand(x, 3), HONE_E_SHAPE, "[3]");
    CHECK_FAILS(hone_expand(x, -1, 2, 3), HONE_E_SHAPE, "[-1, 2, 3]");
    CHECK_FAILS(hone_expand(hone_ones(HONE_F32, 1), INT64_MAX, INT64_MAX, 1), HONE_E_SHAPE,
                "more elements");
}

Test(move, reshape_says_what_is_wrong_with_the_extents)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 3);
    CHECK_FAILS(hone_reshape(x, -1, -1), HONE_E_SHAPE, "reshape: more than one -1 in [-1, -1]");
    CHECK_FAILS(hone_reshape(x, 2, -1, 3, -1), HONE_E_SHAPE, "more than one -1 in [2, -1, 3, -1]");
    CHECK_FAILS(hone_reshape(x, -1, -3), HONE_E_SHAPE, "reshape: a negative extent in [-1, -3]");
    CHECK_FAILS(hone_reshape(x, 4, -1), HONE_E_SHAPE, "doesn't fit into [4, -1]");
}

Test(move, part_errors)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 3), *number = hone_scalar(HONE_F32, 1);
    CHECK_FAILS(hone_select(x, 1, 3), HONE_E_INDEX, "select: index 3 is out of range for dim 1");
    CHECK_FAILS(hone_select(x, 0, -3), HONE_E_INDEX, "index -3");
    CHECK_FAILS(hone_select(x, 2, 0), HONE_E_SHAPE, "select: dim 2");
    CHECK_FAILS(hone_select(number, 0, 0), HONE_E_SHAPE, "0-d");
    CHECK_FAILS(hone_slice(x, 0, 0, 1, 0), HONE_E_VALUE, "step 0");
    CHECK_FAILS(hone_slice(x, 0, 1, 0, -1), HONE_E_VALUE, "step -1");
    CHECK_FAILS(hone_slice(x, 5, 0, 1, 1), HONE_E_SHAPE, "slice: dim 5");
    CHECK_FAILS(hone_slice(number, 0, 0, 1, 1), HONE_E_SHAPE, "0-d");
    const int64_t dims[] = { 4, 3, HONE_END_DIM };
    CHECK_FAILS(hone_slice_backward_v(x, dims, 0, 0, 3, 1), HONE_E_SHAPE,
                "slice_backward: dy is f32 [2, 3], the slice of f32 [4, 3] is f32 [3, 3]");
    CHECK_FAILS(hone_slice_backward_v(x, dims, 0, 0, 2, 0), HONE_E_VALUE, "step 0");
    CHECK_FAILS(hone_cat((hone_tensor_list){ &x, 0 }, 0), HONE_E_SHAPE, "at least one");
    CHECK_FAILS(hone_cat(hone_list(x, hone_ones(HONE_F32, 2, 4)), 0), HONE_E_SHAPE,
                "cat: tensor 1 is f32 [2, 4], tensor 0 is f32 [2, 3]");
    CHECK_FAILS(hone_cat(hone_list(x, number), 0), HONE_E_SHAPE, "tensor 1");
    CHECK_FAILS(hone_cat(hone_list(number), 0), HONE_E_SHAPE, "0-d");
    CHECK_FAILS(hone_cat(hone_list(x, x), 2), HONE_E_SHAPE, "cat: dim 2");
    hone_tensor *quarter = hone_expand(hone_ones(HONE_F32, 1), INT64_C(1) << 62);
    CHECK_FAILS(hone_cat(hone_list(quarter, quarter, quarter, quarter), 0), HONE_E_SHAPE,
                "cat: dim 0 has more elements than an int64 can count");
    cr_assert_eq(hone_split(quarter, (INT64_C(1) << 62) - 1, 0).n, 2);
    CHECK_FAILS(hone_cat(hone_list(x, NULL), 0), HONE_E_NULL, "list");
}
