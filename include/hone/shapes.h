/** @file shapes.h
 * More ways to take tensors apart and put them together, search in them and multiply them. What ops.h says of
 * ops holds here, too.
 */
#ifndef HONE_SHAPES_H
#define HONE_SHAPES_H

#include <hone/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- views and shapes */

/** View of a contiguous x by sizes and strides (in elements, none below 0) from element `offset` on;
 * elements may show up several times. Grad: dy added where each came from, in order. HONE_E_STATE: x is not
 * contiguous; HONE_E_SHAPE: it would leave x. */
#define hone_as_strided(x, size, stride, offset)                                                   \
    hone_as_strided_v(x, HONE_DIM_ARGS size, HONE_DIM_ARGS stride, offset)
HONE_API hone_tensor *hone_as_strided_v(hone_tensor *x, const int64_t *size_end,
                                        const int64_t *stride_end, int64_t offset);
/** k quarter turns of dim0 towards dim1, a copy. HONE_E_SHAPE. */
HONE_API hone_tensor *hone_rot90(hone_tensor *x, int64_t k, int dim0, int dim1);
/** One dim as several: hone_unflatten(x, 1, 2, -1). HONE_E_SHAPE: the sizes don't make it. */
#define hone_unflatten(x, dim, ...) hone_unflatten_v(x, dim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_unflatten_v(hone_tensor *x, int dim, const int64_t *sizes_end);
/** The last dim as diagonal of dims dim1 and dim2 of the result, which is 0 elsewhere; the inverse of
 * hone_diagonal. Defaults of hone_call: offset 0, dims -2 and -1. Grad: the diagonal of dy. */
HONE_API hone_tensor *hone_diag_embed(hone_tensor *x, int64_t offset, int dim1, int dim2);
/** Of [n] the matrix with that diagonal, of a matrix the diagonal, a copy; and its sum. HONE_E_SHAPE. */
HONE_API hone_tensor *hone_diag(hone_tensor *x, int64_t diagonal);
HONE_API hone_tensor *hone_trace(hone_tensor *x);
/** x with src (cast to x's dtype) in place of what hone_select, hone_slice or hone_diagonal would show. Grad: dx
 * = dy, 0 there; dsrc = what they show of dy. HONE_E_SHAPE: src has another shape. */
HONE_API hone_tensor *hone_select_scatter(hone_tensor *x, hone_tensor *src, int dim, int64_t index);
HONE_API hone_tensor *hone_slice_scatter(hone_tensor *x, hone_tensor *src, int dim, int64_t start,
                                         int64_t end, int64_t step);
HONE_API hone_tensor *hone_diagonal_scatter(hone_tensor *x, hone_tensor *src, int64_t offset,
                                            int dim1, int dim2);
/** Views of dim cut into parts of these sizes / into `sections` parts, of which the first ones have one more
 * where it doesn't go up; at most 4096. HONE_E_VALUE. */
#define hone_split_with_sizes(x, dim, ...)                                                         \
    hone_split_with_sizes_v(x, HONE_DIM_ARGS(__VA_ARGS__), dim)
HONE_API hone_tensor_list hone_split_with_sizes_v(hone_tensor *x, const int64_t *sizes_end,
                                                  int dim);
HONE_API hone_tensor_list hone_tensor_split(hone_tensor *x, int64_t sections, int dim);
/** Views of all in the shape that they broadcast to. */
HONE_API hone_tensor_list hone_broadcast_tensors(hone_tensor_list tensors);
/** Views [n0, n1, ...] of the 1-d tensors, tensor i along dim i; with `xy` the first two dims change places.
 * HONE_E_SHAPE, HONE_E_DTYPE. */
HONE_API hone_tensor_list hone_meshgrid(hone_tensor_list tensors, bool xy);
/** All choices of one element of each: [n0 n1 .., how many tensors]; of one tensor itself. */
HONE_API hone_tensor *hone_cartesian_prod(hone_tensor_list tensors);

/* ---- by index */

/** x with alpha source added to / source put at / a number put at the indices i64|i32 [n] of dim, in their
 * order (negative ones count from the end). Grad: as of hone_index_put. HONE_E_INDEX, HONE_E_SHAPE,
 * HONE_E_DTYPE (the source has another), HONE_E_VALUE (a number that doesn't fit). */
HONE_API hone_tensor *hone_index_add(hone_tensor *x, int dim, hone_tensor *index,
                                     hone_tensor *source, double alpha);
HONE_API hone_tensor *hone_index_copy(hone_tensor *x, int dim, hone_tensor *index,
                                      hone_tensor *source);
HONE_API hone_tensor *hone_index_fill(hone_tensor *x, int dim, hone_tensor *index, double value);
/** x in row-major order, at the indices: [same as index]. */
HONE_API hone_tensor *hone_take(hone_tensor *x, hone_tensor *index);
/** hone_gather, but the dims besides dim are broadcast. */
HONE_API hone_tensor *hone_take_along_dim(hone_tensor *x, hone_tensor *index, int dim);
/** The elements where mask (bool, broadcast with x) is true: [how many]. Grad: dy put back. */
HONE_API hone_tensor *hone_masked_select(hone_tensor *x, hone_tensor *mask);
/** x with the next element of source, in row-major order, wherever mask is true. Grad: dx = dy, 0 there;
 * dsource = dy there. HONE_E_SHAPE: the source is too short. */
HONE_API hone_tensor *hone_masked_scatter(hone_tensor *x, hone_tensor *mask, hone_tensor *source);
/** How what goes to one place is put together. */
typedef enum {
    HONE_SCATTER_SUM,
    HONE_SCATTER_PROD,
    HONE_SCATTER_MEAN, /**< of integers rounded down */
    HONE_SCATTER_AMAX,
    HONE_SCATTER_AMIN
} hone_scatter_mode;
/** x with src put together with what is at the places that gather would read, in index order; without
 * include_self x's own elements don't count where something comes. Default of hone_call: include_self.
 * Grad, as PyTorch's: sum: dx = dy, dsrc = gather(dy); mean: over the count; amax, amin: shared evenly by all
 * that equal the result, x's too; prod: the product of the others. */
HONE_API hone_tensor *hone_scatter_reduce(hone_tensor *x, int dim, hone_tensor *index,
                                          hone_tensor *src, hone_scatter_mode reduce,
                                          bool include_self);

/* ---- order: no gradients */

/** How many elements of the sorted row are below each value (with `right`: not above it), i64 [values]; NaN is
 * above all. sorted is [n], or has a row for each of the values' rows. bucketize: the other way round. */
HONE_API hone_tensor *hone_searchsorted(hone_tensor *sorted, hone_tensor *values, bool right);
HONE_API hone_tensor *hone_bucketize(hone_tensor *x, hone_tensor *boundaries, bool right);
/** The different values of x, ascending (each NaN is one of its own) / of runs of equal neighbours, in
 * row-major order; for each element of x which one it is (i64, x's shape); how often each comes (i64). */
typedef struct {
    hone_tensor *values, *inverse, *counts;
} hone_unique_values;
HONE_API hone_unique_values hone_unique(hone_tensor *x);
HONE_API hone_unique_values hone_unique_consecutive(hone_tensor *x);

/* ---- products and distances: sums in the order of hone_matmul and hone_norm */

/** Over the dims dims_a of a and dims_b of b: hone_tensordot(a, b, (1, 2), (0, 1)). HONE_E_SHAPE. */
#define hone_tensordot(a, b, dims_a, dims_b)                                                       \
    hone_tensordot_v(a, b, HONE_DIM_ARGS dims_a, HONE_DIM_ARGS dims_b)
HONE_API hone_tensor *hone_tensordot_v(hone_tensor *a, hone_tensor *b, const int64_t *dims_a_end,
                                       const int64_t *dims_b_end);
/** Over the last dim of both; a 0-d tensor is a factor. */
HONE_API hone_tensor *hone_inner(hone_tensor *a, hone_tensor *b);
/** Every element of a times b, side by side; up to 4 dims. */
HONE_API hone_tensor *hone_kron(hone_tensor *a, hone_tensor *b);
/** Of vectors of 3 along dim, broadcast. Default of hone_call: dim -1. */
HONE_API hone_tensor *hone_cross(hone_tensor *a, hone_tensor *b, int dim);
/** y[.., o] = sum over i, j of x1[.., i] weight[o, i, j] x2[.., j] (+ bias [o] or HONE_NONE). */
HONE_API hone_tensor *hone_bilinear(hone_tensor *x1, hone_tensor *x2, hone_tensor *weight,
                                    hone_tensor *bias);
/** p-norms of the differences of all rows of x1 [.., n, k] and x2 [.., m, k]: [.., n, m]; of the pairs of rows
 * of x [n, k]: [n (n - 1) / 2]. The differences are all in memory at once. Default of hone_call: p 2. */
HONE_API hone_tensor *hone_cdist(hone_tensor *x1, hone_tensor *x2, double p);
HONE_API hone_tensor *hone_pdist(hone_tensor *x, double p);

#ifdef __cplusplus
}
#endif
#endif
