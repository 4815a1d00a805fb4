/* Shapes, indices, searches and distributions where the catalog does not go: lists, PyTorch's corners, and
 * what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(shapes);

static hone_tensor *counted(int64_t n)
{
    return hone_arange(HONE_F64, 1, (double)n + 1, 1);
}

Test(shapes, lists)
{
    hone_tensor *x = counted(7);
    hone_tensor_list parts = hone_split_with_sizes(x, 0, 2, 0, 5);
    cr_assert_eq(parts.n, 3);
    CHECK_VALUES(parts.at[0], HONE_F64, (2), 1, 2);
    CHECK_VALUES(parts.at[2], HONE_F64, (5), 3, 4, 5, 6, 7);
    parts = hone_tensor_split(x, 3, 0);
    cr_assert_eq(parts.n, 3);
    CHECK_VALUES(parts.at[0], HONE_F64, (3), 1, 2, 3);
    CHECK_VALUES(parts.at[2], HONE_F64, (2), 6, 7);
    hone_tensor_list grid = hone_meshgrid(hone_list(counted(2), counted(3)), false);
    CHECK_VALUES(hone_contiguous(grid.at[0]), HONE_F64, (2, 3), 1, 1, 1, 2, 2, 2);
    grid = hone_meshgrid(hone_list(counted(2), counted(3)), true);
    CHECK_VALUES(hone_contiguous(grid.at[0]), HONE_F64, (3, 2), 1, 2, 1, 2, 1, 2);
    CHECK_VALUES(hone_cartesian_prod(hone_list(counted(2), counted(2))), HONE_F64, (4, 2), 1, 1, 1,
                 2, 2, 1, 2, 2);
    grid = hone_broadcast_tensors(hone_list(hone_reshape(counted(2), 2, 1), counted(2)));
    CHECK_VALUES(hone_contiguous(grid.at[1]), HONE_F64, (2, 2), 1, 2, 1, 2);
    CHECK_FAILS(hone_split_with_sizes(x, 0, 2, 4).at, HONE_E_VALUE, "don't make dim 0 of f64 [7]");
    CHECK_FAILS(hone_tensor_split(x, 0, 0).at, HONE_E_VALUE, "tensor_split: 0 sections");
    CHECK_FAILS(hone_tensor_split(x, 2, 1).at, HONE_E_SHAPE, "tensor_split");
    CHECK_FAILS(hone_meshgrid(hone_list(hone_ones(HONE_F32, 2, 2)), false).at, HONE_E_SHAPE,
                "meshgrid");
    CHECK_FAILS(hone_broadcast_tensors(hone_list(x, counted(3))).at, HONE_E_SHAPE,
                "broadcast_tensors");
}

/* What torch 2.13 gives: equal ones share, means count what was there. */
Test(shapes, scatter_reduce_gradients)
{
    hone_tensor *z = hone_requires_grad_(T(HONE_F64, (2), 4, 1), true);
    hone_tensor *s = hone_requires_grad_(T(HONE_F64, (3), 2, 4, 6), true);
    hone_tensor *at = T(HONE_I64, (3), 0, 0, 1);
    hone_tensor *y = hone_scatter_reduce(z, 0, at, s, HONE_SCATTER_AMAX, true);
    hone_backward(hone_sum(y));
    CHECK_VALUES(y, HONE_F64, (2), 4, 6);
    CHECK_VALUES(hone_grad(z), HONE_F64, (2), 0.5, 0);
    CHECK_VALUES(hone_grad(s), HONE_F64, (3), 0, 0.5, 1);
    hone_tensor *p = hone_requires_grad_(T(HONE_F64, (3), 0, 3, 0), true);
    y = hone_scatter_reduce(T(HONE_F64, (2), 2, 5), 0, at, p, HONE_SCATTER_PROD, true);
    hone_backward(hone_sum(y));
    CHECK_VALUES(y, HONE_F64, (2), 0, 0);
    CHECK_VALUES(hone_grad(p), HONE_F64, (3), 6, 0, 5);
    CHECK_VALUES(hone_scatter_reduce(T(HONE_I64, (2), 9, 9), 0, at, T(HONE_I64, (3), -5, -6, 7),
                                     HONE_SCATTER_MEAN, false),
                 HONE_I64, (2), -6, 7);
    CHECK_VALUES(hone_scatter_reduce(T(HONE_I64, (2), 9, 9), 0, at, T(HONE_I64, (3), -5, -6, 7),
                                     HONE_SCATTER_AMAX, false),
                 HONE_I64, (2), -5, 7);
}

Test(shapes, searches)
{
    const double nan = (double)NAN, inf = INFINITY;
    CHECK_VALUES(hone_bucketize(counted(3), counted(2), false), HONE_I64, (3), 0, 1, 2);
    CHECK_VALUES(
        hone_searchsorted(T(HONE_F64, (3), 1, 2, nan), T(HONE_F64, (3), nan, 5, inf), true),
        HONE_I64, (3), 3, 2, 2);
    const hone_unique_values u = hone_unique(T(HONE_F64, (4), nan, 2, nan, 2));
    CHECK_VALUES(u.values, HONE_F64, (3), 2, nan, nan);
    CHECK_VALUES(u.counts, HONE_I64, (3), 2, 1, 1);
}

/* Shares of draws come near their probabilities. */
Test(shapes, distributions)
{
    hone_seed(3);
    hone_tensor *p = hone_full(HONE_F32, 0.25, 20000);
    cr_expect_lt(fabs(hone_item(hone_mean(hone_bernoulli(p))) - 0.25), 0.02);
    hone_tensor *e = hone_exponential_like(p, 2);
    cr_expect_lt(fabs(hone_item(hone_mean(e)) - 0.5), 0.02);
    hone_tensor *n = hone_normal(hone_scalar(HONE_F32, 3), hone_full(HONE_F32, 2, 20000));
    cr_expect_lt(fabs(hone_item(hone_mean(n)) - 3), 0.1);
    cr_expect_lt(fabs(hone_item(hone_std(n, 1)) - 2), 0.1);
    hone_tensor *w = T(HONE_F32, (4), 0, 1, 3, 0);
    hone_tensor *m = hone_multinomial(w, 20000, true);
    cr_expect_lt(fabs(hone_item(hone_sum(hone_eq_scalar(m, 2))) / 20000 - 0.75), 0.02);
    cr_expect_eq(hone_item(hone_sum(hone_eq_scalar(m, 0))), 0);
    m = hone_sort(hone_multinomial(w, 2, false), 0, false).values;
    CHECK_VALUES(m, HONE_I64, (2), 1, 2);
    CHECK_CLOSE(hone_logspace(HONE_F64, 0, 2, 3, 10), 1e-15, 0, HONE_F64, (3), 1, 10, 100);
    CHECK_VALUES(hone_tri(HONE_I64, 2, 3, 0), HONE_I64, (2, 3), 1, 0, 0, 1, 1, 0);
    CHECK_FAILS(hone_multinomial(w, 3, false), HONE_E_VALUE, "not enough weights above 0");
    CHECK_FAILS(hone_multinomial(hone_neg(w), 1, true), HONE_E_VALUE, "below 0");
    CHECK_FAILS(hone_bernoulli(n), HONE_E_VALUE, "outside of 0 .. 1");
    CHECK_FAILS(hone_bernoulli(hone_ones(HONE_I64, 2)), HONE_E_DTYPE, "bernoulli");
    CHECK_FAILS(hone_normal(n, hone_scalar(HONE_F32, -1)), HONE_E_VALUE, "below 0");
    CHECK_FAILS(hone_exponential_like(p, 0), HONE_E_VALUE, "the rate is 0");
}

Test(shapes, refusals)
{
    hone_tensor *x = hone_ones(HONE_F32, 2, 3), *at = T(HONE_I64, (2), 0, 5),
                *in = T(HONE_I64, (2), 0, 1);
    hone_tensor *mask = hone_ones(HONE_BOOL, 2, 3), *v = hone_ones(HONE_F32, 2);
    CHECK_FAILS(hone_select_scatter(x, v, 2, 0), HONE_E_SHAPE, "dim");
    CHECK_FAILS(hone_select_scatter(x, v, 0, 0), HONE_E_SHAPE,
                "select_scatter: the part is f32 [3]");
    CHECK_FAILS(hone_slice_scatter(x, v, 0, 0, 1, 1), HONE_E_SHAPE, "slice_scatter");
    CHECK_FAILS(hone_diagonal_scatter(x, v, 0, 1, 1), HONE_E_SHAPE, "two dims are wanted");
    CHECK_FAILS(hone_diag_embed(x, 0, 0, 5), HONE_E_SHAPE, "diag_embed: two dims of 3");
    CHECK_FAILS(hone_diag(hone_ones(HONE_F32, 2, 2, 2), 0), HONE_E_SHAPE, "diag: 1 or 2 dims");
    CHECK_FAILS(hone_trace(v), HONE_E_SHAPE, "trace: a matrix is wanted");
    CHECK_FAILS(hone_index_add(x, 1, at, x, 1), HONE_E_SHAPE, "index_add");
    CHECK_FAILS(hone_index_add(x, 0, at, x, 1), HONE_E_INDEX, "out of range");
    CHECK_FAILS(hone_index_add(hone_ones(HONE_I32, 2), 0, in, hone_ones(HONE_I32, 2), 0.5),
                HONE_E_VALUE, "integers want a whole one");
    CHECK_FAILS(hone_index_copy(x, 0, in, hone_ones(HONE_F64, 2, 3)), HONE_E_DTYPE,
                "the source is f64");
    CHECK_FAILS(hone_index_copy(x, 0, mask, x), HONE_E_SHAPE, "1-d is wanted");
    CHECK_FAILS(hone_index_fill(hone_ones(HONE_U8, 2), 0, in, -1), HONE_E_VALUE, "index_fill");
    CHECK_FAILS(hone_take(x, T(HONE_I64, (1), 6)), HONE_E_INDEX, "out of range");
    CHECK_FAILS(hone_take_along_dim(x, in, 1), HONE_E_SHAPE, "have not as many dims");
    CHECK_FAILS(hone_take_along_dim(x, hone_zeros(HONE_I64, 3, 1), 1), HONE_E_SHAPE,
                "don't broadcast");
    CHECK_FAILS(hone_masked_select(x, v), HONE_E_DTYPE, "the mask is f32");
    CHECK_FAILS(hone_masked_select(v, mask), HONE_E_SHAPE, "masked_select");
    CHECK_FAILS(hone_masked_scatter(x, mask, v), HONE_E_SHAPE, "6 places, the source f32 [2]");
    CHECK_FAILS(hone_masked_scatter(x, mask, hone_ones(HONE_F64, 9)), HONE_E_DTYPE,
                "the source is f64");
    CHECK_FAILS(hone_scatter_reduce(x, 0, in, x, HONE_SCATTER_SUM, true), HONE_E_SHAPE,
                "scatter_reduce");
    CHECK_FAILS(hone_scatter_reduce(v, 0, at, v, HONE_SCATTER_AMAX, true), HONE_E_INDEX,
                "out of range");
    CHECK_FAILS(hone_scatter_reduce(v, 0, in, hone_ones(HONE_F64, 2), HONE_SCATTER_SUM, true),
                HONE_E_DTYPE, "src is f64");
    CHECK_FAILS(hone_searchsorted(x, v, false), HONE_E_SHAPE,
                "searchsorted: f32 [2, 3] has no rows");
    CHECK_FAILS(hone_bucketize(v, x, false), HONE_E_SHAPE, "1-d is wanted");
    CHECK_FAILS(hone_as_strided(x, (2, 3), (3, 2), 0), HONE_E_SHAPE, "as_strided");
    CHECK_FAILS(hone_as_strided(x, (2), (INT64_MAX), 0), HONE_E_SHAPE, "as_strided");
    CHECK_FAILS(hone_as_strided(hone_transpose(x, 0, 1), (2), (1), 0), HONE_E_STATE,
                "not contiguous");
    CHECK_FAILS(hone_rot90(x, 1, 0, 0), HONE_E_SHAPE, "rot90: two dims are wanted");
    CHECK_FAILS(hone_unflatten(x, 1, 2, 2), HONE_E_SHAPE, "unflatten: the sizes don't make dim 1");
    CHECK_FAILS(hone_tensordot(x, x, (1), (0)), HONE_E_SHAPE, "tensordot: the dims of f32 [2, 3]");
    CHECK_FAILS(hone_inner(x, v), HONE_E_SHAPE, "inner: the dims");
    CHECK_FAILS(hone_kron(x, hone_ones(HONE_F32, 1, 1, 1, 1, 1)), HONE_E_SHAPE,
                "kron: up to 4 dims");
    CHECK_FAILS(hone_cross(v, v, 0), HONE_E_SHAPE, "cross: vectors of 3 along dim 0");
    CHECK_FAILS(hone_bilinear(x, x, x, HONE_NONE), HONE_E_SHAPE, "bilinear");
    CHECK_FAILS(hone_cdist(x, v, 2), HONE_E_SHAPE, "cdist: [.., n, k]");
    CHECK_FAILS(hone_cdist(x, x, -1), HONE_E_VALUE, "p is -1");
    CHECK_FAILS(hone_pdist(v, 2), HONE_E_SHAPE, "pdist: a matrix is wanted");
}
