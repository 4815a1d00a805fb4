/** @file pool.h
 * Pooling, a part of ops.h, which includes it. What ops.h says above its ops holds here, too.
 */
#ifndef HONE_POOL_H
#define HONE_POOL_H

#include <hone/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- hone_max_pool2d */

/** Options of hone_max_pool2d: pairs of height and width, each number with its own default. With
 * ceil_mode a last window that reaches past the padding counts, too, unless it begins past the
 * plane. */
typedef struct {
    int64_t kernel_size[2]; /**< needed */
    int64_t stride[2];      /**< default: as kernel_size */
    int64_t padding[2];     /**< default 0; at most half of kernel_size */
    int64_t dilation[2];    /**< default 1 */
    bool ceil_mode;
    HONE_RESERVE(31);
} hone_max_pool2d_options;

/** The largest element of each window that slides over the planes; padding is -inf, NaN wins.
 *  @param x  [N, C, H, W] or [C, H, W] of numbers, any strides; only N may be 0.
 *  @param options  with a kernel_size.
 *  @return   [N, C, OH, OW] (or without N), contiguous; NULL on error. OH = floor((H + 2 padding -
 *            dilation (kernel_size - 1) - 1) / stride) + 1, rounded up with ceil_mode.
 *  Grad:     to that element alone, by hone_max_pool2d_backward. Twice differentiable.
 *  Errors:   HONE_E_SHAPE (also: a window that would be empty, a plane of 2^31 elements or more),
 *            HONE_E_DTYPE, HONE_E_VALUE (an option missing or out of range), HONE_E_NOMEM. */
HONE_API hone_tensor *hone_max_pool2d(hone_tensor *x, const hone_max_pool2d_options *options);
/** The same with the places: i64 h * W + w in the plane, of the first of equal elements, of the
 * last NaN if there is one (both as PyTorch). */
HONE_API hone_values_indices hone_max_pool2d_with_indices(hone_tensor *x,
                                                          const hone_max_pool2d_options *options);
/** Its gradient: zeros [.., height, width] to which dy is added at the indices (i64|i32 [same as
 * dy]), one after the other in the order of the windows. Grad: dy's elements at the indices.
 * Errors: as above; HONE_E_INDEX. Source: torch.nn.functional.max_pool2d, whose values all of these
 * have. */
HONE_API hone_tensor *hone_max_pool2d_backward(hone_tensor *dy, hone_tensor *indices,
                                               int64_t height, int64_t width);

/* ---- the others. f32|f64, any strides; results are contiguous.
 * Errors: HONE_E_SHAPE (also: a window that would be empty, a plane of 2^31 elements or more),
 * HONE_E_DTYPE, HONE_E_VALUE (an option missing or out of range), HONE_E_NOMEM. Source: the function
 * of that name in torch.nn.functional. */

/** Options of hone_avg_pool2d: pairs of height and width, each number with its own default. With
 * ceil_mode a last window that reaches past the padding counts, too, unless it begins past the
 * plane. */
typedef struct {
    int64_t kernel_size[2];   /**< needed */
    int64_t stride[2];        /**< default: as kernel_size */
    int64_t padding[2];       /**< default 0; at most half of kernel_size */
    int64_t divisor_override; /**< what sums are divided by; default: elements and padding there */
    bool ceil_mode;
    bool count_exclude_pad; /**< don't count the padding: PyTorch's count_include_pad=False */
    HONE_RESERVE(38);
} hone_avg_pool2d_options;

/** The mean of each window that slides over the planes, padding counting as zeros.
 *  @param x  [N, C, H, W] or [C, H, W]; only N may be 0.
 *  @return   [N, C, OH, OW] (or without N), as hone_max_pool2d's.
 *  Order:    one chain of additions from +0 over the window's elements (row by row; padding is left
 *            out), then a division by the number of its elements and of those in the padding; what
 *            lies past the padding never counts.
 *  Grad:     by hone_avg_pool2d_backward. Twice differentiable. */
HONE_API hone_tensor *hone_avg_pool2d(hone_tensor *x, const hone_avg_pool2d_options *options);
/** Its gradient by an x of height x width: dy [.., OH, OW] -> [.., height, width]. Order: dy is
 * divided, then one chain of additions from +0 over the windows that an element lies in (row by
 * row). Grad: hone_avg_pool2d. */
HONE_API hone_tensor *hone_avg_pool2d_backward(hone_tensor *dy, int64_t height, int64_t width,
                                               const hone_avg_pool2d_options *options);
/** Means of height x width windows that cover the planes: window i of n along an extent L is
 * [floor(i L / n), ceil((i + 1) L / n)), so neighbours may share elements.
 *  @param height, width  of the result, at least 1; -1: that of x (PyTorch's None).
 *  @return   [N, C, height, width] (or without N).
 *  Order, Grad: as hone_avg_pool2d. */
HONE_API hone_tensor *hone_adaptive_avg_pool2d(hone_tensor *x, int64_t height, int64_t width);
HONE_API hone_tensor *hone_adaptive_avg_pool2d_backward(hone_tensor *dy, int64_t height,
                                                        int64_t width);
/** The largest elements of the same windows; with their places i64 h * W + w as
 * hone_max_pool2d_with_indices. Grad: by hone_max_pool2d_backward. */
HONE_API hone_tensor *hone_adaptive_max_pool2d(hone_tensor *x, int64_t height, int64_t width);
HONE_API hone_values_indices hone_adaptive_max_pool2d_with_indices(hone_tensor *x, int64_t height,
                                                                   int64_t width);

/** The same of x [N, C, L] or [C, L]: as the ops above of planes that are one row high. */
typedef struct {
    int64_t kernel_size; /**< needed */
    int64_t stride;      /**< default: as kernel_size */
    int64_t padding;     /**< default 0; at most half of kernel_size */
    int64_t dilation;    /**< default 1 */
    bool ceil_mode;
    HONE_RESERVE(31);
} hone_max_pool1d_options;
HONE_API hone_tensor *hone_max_pool1d(hone_tensor *x, const hone_max_pool1d_options *options);
HONE_API hone_values_indices hone_max_pool1d_with_indices(hone_tensor *x,
                                                          const hone_max_pool1d_options *options);

typedef struct {
    int64_t kernel_size; /**< needed */
    int64_t stride;      /**< default: as kernel_size */
    int64_t padding;     /**< default 0; at most half of kernel_size */
    bool ceil_mode;
    bool count_exclude_pad; /**< PyTorch's count_include_pad=False */
    HONE_RESERVE(38);
} hone_avg_pool1d_options;
HONE_API hone_tensor *hone_avg_pool1d(hone_tensor *x, const hone_avg_pool1d_options *options);
HONE_API hone_tensor *hone_adaptive_avg_pool1d(hone_tensor *x, int64_t length);
HONE_API hone_tensor *hone_adaptive_max_pool1d(hone_tensor *x, int64_t length);
HONE_API hone_values_indices hone_adaptive_max_pool1d_with_indices(hone_tensor *x, int64_t length);

/** The same of x [N, C, D, H, W] or [C, D, H, W]: triples are (depth, height, width). */
typedef struct {
    int64_t kernel_size[3]; /**< needed */
    int64_t stride[3];      /**< default: as kernel_size */
    int64_t padding[3];     /**< default 0; at most half of kernel_size */
    int64_t dilation[3];    /**< default 1 */
    bool ceil_mode;
    HONE_RESERVE(31);
} hone_max_pool3d_options;
/** As hone_max_pool2d, of volumes; indices are (d H + h) W + w. */
HONE_API hone_tensor *hone_max_pool3d(hone_tensor *x, const hone_max_pool3d_options *options);
HONE_API hone_values_indices hone_max_pool3d_with_indices(hone_tensor *x,
                                                          const hone_max_pool3d_options *options);
HONE_API hone_tensor *hone_max_pool3d_backward(hone_tensor *dy, hone_tensor *indices, int64_t depth,
                                               int64_t height, int64_t width);

typedef struct {
    int64_t kernel_size[3];   /**< needed */
    int64_t stride[3];        /**< default: as kernel_size */
    int64_t padding[3];       /**< default 0; at most half of kernel_size */
    int64_t divisor_override; /**< default: elements and padding there */
    bool ceil_mode;
    bool count_exclude_pad; /**< PyTorch's count_include_pad=False */
    HONE_RESERVE(46);
} hone_avg_pool3d_options;
/** As hone_avg_pool2d, of volumes: a chain goes over (d, h, w). */
HONE_API hone_tensor *hone_avg_pool3d(hone_tensor *x, const hone_avg_pool3d_options *options);
HONE_API hone_tensor *hone_avg_pool3d_backward(hone_tensor *dy, int64_t depth, int64_t height,
                                               int64_t width,
                                               const hone_avg_pool3d_options *options);
HONE_API hone_tensor *hone_adaptive_avg_pool3d(hone_tensor *x, int64_t depth, int64_t height,
                                               int64_t width);
HONE_API hone_tensor *hone_adaptive_avg_pool3d_backward(hone_tensor *dy, int64_t depth,
                                                        int64_t height, int64_t width);
HONE_API hone_tensor *hone_adaptive_max_pool3d(hone_tensor *x, int64_t depth, int64_t height,
                                               int64_t width);
HONE_API hone_values_indices hone_adaptive_max_pool3d_with_indices(hone_tensor *x, int64_t depth,
                                                                   int64_t height, int64_t width);

typedef struct {
    int64_t kernel_size; /**< needed */
    int64_t stride;      /**< default: as kernel_size */
    int64_t padding;     /**< default 0 */
    int64_t output_size; /**< default (L - 1) stride - 2 padding + kernel_size; less than a stride
                              from that */
    HONE_RESERVE(32);
} hone_max_unpool1d_options;
typedef struct {
    int64_t kernel_size[2];
    int64_t stride[2];
    int64_t padding[2];
    int64_t output_size[2];
    HONE_RESERVE(32);
} hone_max_unpool2d_options;
typedef struct {
    int64_t kernel_size[3];
    int64_t stride[3];
    int64_t padding[3];
    int64_t output_size[3];
    HONE_RESERVE(32);
} hone_max_unpool3d_options;
/** Zeros with x's elements at the indices (i64|i32 [same as x]) that a pooling with maxima gave, each
 * in its plane; of elements with one index the last (PyTorch: one of them). The plane's size follows from that pooling's
 * options: several sizes give x, output_size tells which.
 *  Grad:    dy's elements at the indices. Twice differentiable.
 *  Errors:  HONE_E_INDEX too. */
HONE_API hone_tensor *hone_max_unpool1d(hone_tensor *x, hone_tensor *indices,
                                        const hone_max_unpool1d_options *options);
HONE_API hone_tensor *hone_max_unpool2d(hone_tensor *x, hone_tensor *indices,
                                        const hone_max_unpool2d_options *options);
HONE_API hone_tensor *hone_max_unpool3d(hone_tensor *x, hone_tensor *indices,
                                        const hone_max_unpool3d_options *options);

#ifdef __cplusplus
}
#endif
#endif
