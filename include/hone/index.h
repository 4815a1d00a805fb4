/** @file index.h
 * Indexing by tensors, and sorting: a part of ops.h, which includes it. What ops.h says above its ops
 * holds here, too.
 */
#ifndef HONE_INDEX_H
#define HONE_INDEX_H

#include <hone/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- indexing by tensors */

/** x[i0, i1, ...] as in NumPy and PyTorch: hone_index(H, rows, columns). Indices are i64 or i32
 * tensors, broadcast together, negative ones count from the end, or one bool mask of leading
 * dims; HONE_NONE stands for `:`. Fewer than x has dims: the rest is `:`. The result is a copy.
 * HONE_E_INDEX if an index is out of range. Grad: dy added at the indices. */
#define hone_index(x, ...) hone_index_v(x, HONE_TENSOR_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_index_v(hone_tensor *x, hone_tensor *const *indices_end);
/** Zeros of the given shape with dy added at the indices, in index order. */
HONE_API hone_tensor *hone_index_backward_v(hone_tensor *dy, const int64_t *shape_end,
                                            hone_tensor *const *indices_end);
/** out[i][j] = x[index[i][j]][j] (dim 0): index i64|i32 [same number of dims, extents <= x's but
 * along dim] -> [same as index]. Grad: scatter_add. */
HONE_API hone_tensor *hone_gather(hone_tensor *x, int dim, hone_tensor *index);
/** Where x isn't 0: i64 [how many, dims of x], the coordinates of each in row-major order. No
 * gradient. */
HONE_API hone_tensor *hone_nonzero(hone_tensor *x);
/** The index i64|i32 [n] of dim, none below 0 -> x's shape with n in place of dim; a 0-d x takes [1]
 * and stays 0-d. Grad: dy added at the indices. HONE_E_INDEX, HONE_E_SHAPE. */
HONE_API hone_tensor *hone_index_select(hone_tensor *x, int dim, hone_tensor *index);
/** x with values put at the places that hone_index(x, indices) would read, one after the other, so
 * that the last stays where an index comes twice; with `accumulate` they are added, in that order.
 *  @param values  of x's dtype, broadcast to what hone_index would give.
 *  Grad:    of values: dy at the indices, also (as PyTorch) for those that didn't stay; of x: dy, with
 *           0 put at the indices unless `accumulate`.
 *  Errors:  as hone_index; HONE_E_DTYPE, HONE_E_SHAPE. In place nothing is changed then. */
#define hone_index_put(x, values, accumulate, ...)                                                 \
    hone_index_put_v(x, values, HONE_TENSOR_ARGS(__VA_ARGS__), accumulate)
#define hone_index_put_(x, values, accumulate, ...)                                                \
    hone_index_put__v(x, values, HONE_TENSOR_ARGS(__VA_ARGS__), accumulate)
HONE_API hone_tensor *hone_index_put_v(hone_tensor *x, hone_tensor *values,
                                       hone_tensor *const *indices_end, bool accumulate);
HONE_API hone_tensor *hone_index_put__v(hone_tensor *x, hone_tensor *values,
                                        hone_tensor *const *indices_end, bool accumulate);
/** x with src added at the places gather would read, in index order. src: of x's dtype, at least as
 * large as the index. Grad: dx = dy, dsrc = gather(dy). In place nothing is changed if there is an
 * error. */
HONE_API hone_tensor *hone_scatter_add(hone_tensor *x, int dim, hone_tensor *index,
                                       hone_tensor *src);
HONE_API hone_tensor *hone_scatter_add_(hone_tensor *x, int dim, hone_tensor *index,
                                        hone_tensor *src);
/** The same with src put there: the last stays where an index comes twice. Grad: dx = dy, 0 at the
 * places; dsrc = gather(dy), also (as PyTorch) for what didn't stay. */
HONE_API hone_tensor *hone_scatter(hone_tensor *x, int dim, hone_tensor *index, hone_tensor *src);
HONE_API hone_tensor *hone_scatter_(hone_tensor *x, int dim, hone_tensor *index, hone_tensor *src);
/** The same with a number; HONE_E_VALUE: x's dtype can't hold it. */
HONE_API hone_tensor *hone_scatter_scalar(hone_tensor *x, int dim, hone_tensor *index, double s);
HONE_API hone_tensor *hone_scatter_scalar_(hone_tensor *x, int dim, hone_tensor *index, double s);
/** value, 0-d and cast to x's dtype, where mask (bool, broadcast with x) is true, else x. Grad: dx = dy
 * where it is false; dvalue = the sum of dy where it is true. HONE_E_DTYPE, HONE_E_SHAPE. */
HONE_API hone_tensor *hone_masked_fill(hone_tensor *x, hone_tensor *mask, hone_tensor *value);
HONE_API hone_tensor *hone_masked_fill_(hone_tensor *x, hone_tensor *mask, hone_tensor *value);
/** The same with a number; HONE_E_VALUE: x's dtype can't hold it. */
HONE_API hone_tensor *hone_masked_fill_scalar(hone_tensor *x, hone_tensor *mask, double s);
HONE_API hone_tensor *hone_masked_fill_scalar_(hone_tensor *x, hone_tensor *mask, double s);
/** x, but at least min and at most max (which wins where min > max), all broadcast and promoted; one of
 * min and max may be HONE_NONE. NaN in any of them wins. hone_clamp has numbers. Grad, as PyTorch's:
 * dx = dy where min <= x <= max; dmin = dy where x < min < max; dmax = dy where x > max or max < min.
 * HONE_E_VALUE: neither is given. */
HONE_API hone_tensor *hone_clamp_tensor(hone_tensor *x, hone_tensor *min, hone_tensor *max);

/* ---- sorting */

/** The k largest (or smallest) elements along dim and their indices.
 *  @param x       any dtype but bool, any strides.
 *  @param k       0..extent of dim (1 for a 0-d x).
 *  @param sorted  best first; else in the order of their indices.
 *  @return  values [k along dim] of x's dtype and indices i64 [same], contiguous.
 *  Order:   stable: of equal elements (-0 and 0 are equal) the one with the smaller index is taken,
 *           and comes, first. NaN counts as larger than inf, so it is first among the largest and
 *           last among the smallest (PyTorch: the same, but its order among ties is not fixed).
 *  Grad:    dy put at the indices, zeros elsewhere. Twice differentiable.
 *  Errors:  HONE_E_SHAPE (dim), HONE_E_DTYPE, HONE_E_VALUE (k), HONE_E_NOMEM. */
HONE_API hone_values_indices hone_topk(hone_tensor *x, int64_t k, int dim, bool largest,
                                       bool sorted);
/** All elements along dim in order, and their indices i64; any dtype. Always stable (PyTorch's
 * stable=True): equal elements (-0 and 0 are equal) keep their order, also where `descending`. NaN
 * counts as larger than inf. Defaults of hone_call: dim -1, ascending.
 *  Grad:    dy put back at the indices. Twice differentiable. Errors: HONE_E_SHAPE (dim). */
HONE_API hone_values_indices hone_sort(hone_tensor *x, int dim, bool descending);
/** The indices alone. No gradient. */
HONE_API hone_tensor *hone_argsort(hone_tensor *x, int dim, bool descending);

#ifdef __cplusplus
}
#endif
#endif
