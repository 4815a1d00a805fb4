/* test_index.c: indexing by tensors: who comes first, what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <string.h>

SUITE(index_ops);

Test(index_ops, the_lectures_pick)
{
    hone_tensor *h = hone_requires_grad_(T(HONE_F32, (3, 2), 1, 2, 3, 4, 5, 6), true);
    hone_tensor *picked = hone_index(h, hone_arange(HONE_I64, 0, 3, 1), T(HONE_I64, (3), 1, 0, -1));
    CHECK_VALUES(hone_detach(picked), HONE_F32, (3), 2, 3, 6);
    CHECK_OK(hone_backward(hone_sum(hone_square(picked))));
    CHECK_VALUES(hone_grad(h), HONE_F32, (3, 2), 0, 4, 6, 0, 0, 12);
}

/* Contributions to one place are added in the order of the indices: 1e8 swallows a 1 before it. */
Test(index_ops, contributions_come_in_order)
{
    const int64_t dims[] = { 2, HONE_END_DIM };
    hone_tensor *at = T(HONE_I64, (4), 1, 1, 1, 1), *dy = T(HONE_F32, (4), 1, 1e8, -1e8, 1);
    hone_tensor *indices[] = { at, HONE_END_TENSOR };
    CHECK_VALUES(hone_index_backward_v(dy, dims, indices), HONE_F32, (2), 0, 1);
    CHECK_VALUES(hone_scatter_add(hone_zeros(HONE_F32, 2), 0, at, dy), HONE_F32, (2), 0, 1);
}

/* Also of 16 bits, whose sums are rounded once. */
Test(index_ops, gradients_of_gather_are_sums_at_the_indices)
{
    static const hone_dtype dtypes[] = { HONE_F32, HONE_BF16, HONE_F16 };
    hone_tensor *at = hone_empty(HONE_I64, 6, 40);
    for (int64_t i = 0; i < 240; i++)
        ((int64_t *)hone_data(at))[i] = i * i % 5;
    for (int k = 0; k < 6; k++) {
        const hone_dtype dtype = dtypes[k / 2];
        hone_tensor *x = hone_requires_grad_(hone_ones(dtype, 6, 40), true);
        hone_tensor *dy = hone_to(hone_randn(HONE_F32, 6, 40), dtype);
        hone_tensor *y = hone_gather(x, k % 2, at);
        CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = dy }));
        hone_tensor *want = hone_scatter_add(hone_zeros(dtype, 6, 40), k % 2, at, dy);
        cr_assert(test_same_bits(hone_grad(x), want), "%s, dim %d", hone_dtype_name(dtype), k % 2);
    }
}

Test(index_ops, an_index_may_not_change_before_its_gradient)
{
    hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F32, 3), true);
    hone_tensor *at = T(HONE_I64, (2), 0, 1), *y = hone_sum(hone_index(x, at));
    hone_fill_(at, 2);
    CHECK_FAILS(hone_backward(y), HONE_E_STATE, "index");
}

Test(index_ops, as_many_indices_as_dims)
{
    hone_tensor *x = hone_requires_grad_(hone_arange(HONE_F64, 0, 64, 1), true);
    hone_tensor *one = T(HONE_I64, (1), 1), *six = hone_reshape(x, 2, 2, 2, 2, 2, 2);
    hone_tensor *y = hone_index(six, one, one, one, one, one, one);
    CHECK_VALUES(hone_detach(y), HONE_F64, (1), 63);
    CHECK_OK(hone_backward(hone_sum(y)));
    cr_assert_eq(hone_at(hone_grad(x), 63), 1);
    cr_assert_eq(hone_item(hone_sum(hone_grad(x))), 1);
}

Test(index_ops, everything_and_nothing)
{
    hone_tensor *x = T(HONE_I32, (2, 2), 1, 2, 3, 4);
    CHECK_VALUES(hone_index(x, HONE_NONE, HONE_NONE), HONE_I32, (2, 2), 1, 2, 3, 4);
    CHECK_VALUES(hone_index(x, hone_scalar(HONE_I64, -1)), HONE_I32, (2), 3, 4);
    CHECK_VALUES(hone_index(x, hone_gt_scalar(x, 2)), HONE_I32, (2), 3, 4);
    cr_assert_eq(hone_numel(hone_index(x, hone_zeros(HONE_BOOL, 2))), 0);
}

/* Bytes other than 0 and 1 in a bool are the caller's mistake, but not one to read past the end
 * for.
 */
Test(index_ops, a_mask_counts_elements_not_bytes)
{
    hone_tensor *x = hone_arange(HONE_F32, 0, 4, 1), *mask = hone_zeros(HONE_BOOL, 4);
    const uint8_t bytes[] = { 255, 0, 0, 2 };
    memcpy(hone_data(mask), bytes, sizeof bytes);
    CHECK_VALUES(hone_index(x, mask), HONE_F32, (2), 0, 3);
    CHECK_OK(hone_copy_in(mask, bytes, sizeof bytes));
    CHECK_VALUES(hone_index(x, mask), HONE_F32, (2), 0, 3);
    CHECK_VALUE0(hone_sum(mask), HONE_I64, 2);
}

Test(index_ops, errors)
{
    hone_tensor *x = hone_ones(HONE_F32, 10, 3), *at = T(HONE_I64, (3), 0, 9, 12);
    CHECK_FAILS(
        hone_index(x, at), HONE_E_INDEX,
        "index: index 12 (number 2 for dim 0) is out of range for extent 10 of f32 [10, 3]");
    CHECK_FAILS(hone_index(x, HONE_NONE, T(HONE_I32, (2), 0, -4)), HONE_E_INDEX, "index -4");
    CHECK_FAILS(hone_index(x, at, at, at), HONE_E_INDEX, "more indices than f32 [10, 3] has dims");
    CHECK_FAILS(hone_index(x, hone_ones(HONE_F32, 2)), HONE_E_DTYPE, "got f32 [2]");
    CHECK_FAILS(hone_index(x, hone_ones(HONE_U8, 2)), HONE_E_DTYPE, "got u8 [2]");
    CHECK_FAILS(hone_index(x, T(HONE_I64, (2), 0, 1), at), HONE_E_SHAPE, "broadcast");
    CHECK_FAILS(hone_index(x, hone_ones(HONE_BOOL, 9)), HONE_E_SHAPE, "the mask bool [9]");
    CHECK_FAILS(hone_index(x, hone_ones(HONE_BOOL, 10, 3, 1)), HONE_E_SHAPE, "mask");
    CHECK_FAILS(hone_index(x, hone_scalar(HONE_BOOL, 1)), HONE_E_SHAPE, "mask");
    CHECK_FAILS(hone_index(x, hone_zeros(HONE_I64, 1, 1, 1, 1, 1, 1, 1, 1)), HONE_E_SHAPE,
                "would have 9 dims");
    CHECK_FAILS(hone_index(hone_zeros(HONE_F32, 0), T(HONE_I64, (1), 0)), HONE_E_INDEX, "extent 0");
    CHECK_FAILS(hone_index(x, NULL), HONE_E_NULL, "index");
    const int64_t dims[] = { 10, 3, HONE_END_DIM };
    hone_tensor *indices[] = { hone_zeros(HONE_I64, 2), HONE_END_TENSOR };
    CHECK_FAILS(hone_index_backward_v(hone_ones(HONE_F32, 3, 3), dims, indices), HONE_E_SHAPE,
                "index_backward: dy is f32 [3, 3], the indices take [2, 3] from f32 [10, 3]");
}

/* So many indices are checked while they are followed. */
Test(index_ops, gather_error_far_in)
{
    hone_tensor *x = hone_ones(HONE_F32, 3, 5000), *at = hone_zeros(HONE_I64, 3, 5000);
    int64_t *places = hone_data(at);
    places[14999] = 5000;
    CHECK_FAILS(hone_gather(x, 1, at), HONE_E_INDEX,
                "gather: index 5000 (element 14999 of i64 [3, 5000]) is out of range for dim 1");
    places[7] = -1;
    CHECK_FAILS(hone_gather(x, 1, at), HONE_E_INDEX, "gather: index -1 (element 7");
    places[7] = 4999;
    places[14999] = 0;
    cr_assert(hone_gather(x, 1, at));
}

Test(index_ops, scatter_add_error_far_in)
{
    hone_tensor *x = hone_zeros(HONE_F32, 3, 5000), *at = hone_zeros(HONE_I64, 3, 5000);
    hone_tensor *ones = hone_ones(HONE_F32, 3, 5000);
    int64_t *places = hone_data(at);
    for (int i = 4999; i < 15000; i += 5000) { /* rows in pairs and the one that is left */
        places[i] = 5000;
        CHECK_FAILS(hone_scatter_add(x, 1, at, ones), HONE_E_INDEX, "scatter_add: index 5000");
        places[i] = 1;
    }
    hone_tensor *y = hone_scatter_add(x, 1, at, ones);
    cr_assert(y);
    for (int r = 0; r < 3; r++) {
        const float *row = (const float *)hone_data(y) + (int64_t)r * 5000;
        cr_assert(row[0] == 4999 && row[1] == 1 && row[2] == 0);
    }
}

/* Rows are copied as they are written to, if each has indices: whatever the index leaves out is kept. */
Test(index_ops, scatter_keeps_what_no_index_names)
{
    static const int64_t sizes[][2] = { { 5, 7 }, { 5, 3 }, { 3, 7 }, { 4, 0 } };
    for (int k = 0; k < 16; k++) {
        HONE_SCOPE();
        const int64_t rows = sizes[k / 4][0], cols = sizes[k / 4][1];
        hone_tensor *x = hone_reshape(hone_arange(HONE_F32, 0, 35, 1), 5, 7);
        x = k & 1 ? hone_transpose(hone_contiguous(hone_transpose(x, 0, 1)), 0, 1) : x;
        hone_tensor *at = hone_full(HONE_I64, 2, rows, cols);
        hone_tensor *src = hone_ones(HONE_F32, rows, cols);
        hone_tensor *y = k & 2 ? hone_scatter(x, 1, at, src) : hone_scatter_add(x, 1, at, src);
        y = hone_contiguous(y);
        for (int64_t i = 0; i < 35; i++) {
            const bool hit = i % 7 == 2 && i / 7 < rows && cols > 0;
            const float want = hit ? k & 2 ? 1 : (float)(i + cols) : (float)i;
            cr_assert(((const float *)hone_data(y))[i] == want, "%d: %d", k, (int)i);
        }
        cr_assert(hone_item(hone_sum(x)) == 595); /* x stays */
    }
}

Test(index_ops, gather_errors)
{
    hone_tensor *x = hone_ones(HONE_F32, 4, 3), *at = hone_zeros(HONE_I64, 2, 3);
    CHECK_FAILS(hone_gather(x, 0, hone_full(HONE_I64, 4, 1, 1)), HONE_E_INDEX,
                "gather: index 4 (element 0 of i64 [1, 1]) is out of range for dim 0");
    CHECK_FAILS(hone_gather(x, 1, hone_full(HONE_I32, -1, 1, 1)), HONE_E_INDEX, "index -1");
    CHECK_FAILS(hone_gather(x, 2, at), HONE_E_SHAPE, "gather: dim 2");
    CHECK_FAILS(hone_gather(x, 0, hone_zeros(HONE_I64, 2)), HONE_E_SHAPE, "as many dims");
    CHECK_FAILS(hone_gather(x, 0, hone_zeros(HONE_I64, 2, 4)), HONE_E_SHAPE, "no extent larger");
    CHECK_FAILS(hone_gather(x, 0, hone_zeros(HONE_F32, 2, 3)), HONE_E_DTYPE, "f32 [2, 3]");
    CHECK_FAILS(hone_scatter_add(x, 0, at, hone_ones(HONE_F32, 2, 2)), HONE_E_SHAPE, "at least");
    CHECK_FAILS(hone_scatter_add(x, 0, at, hone_ones(HONE_F64, 2, 3)), HONE_E_DTYPE, "f64");
    CHECK_FAILS(hone_scatter_add(x, 0, hone_full(HONE_I64, 9, 1, 1), hone_ones(HONE_F32, 1, 1)),
                HONE_E_INDEX, "scatter_add: index 9");
    CHECK_FAILS(hone_scatter_add(x, -3, at, x), HONE_E_SHAPE, "scatter_add: dim -3");
}
