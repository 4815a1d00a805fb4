/** @file statistics.h
 * Reductions by rank and count, and scans that keep an extreme: what ops.h says of ops holds here, too.
 * name(x) is over all elements, name_dim over one dim, name_dims over several.
 */
#ifndef HONE_STATISTICS_H
#define HONE_STATISTICS_H

#include <hone/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- by rank: any dtype; no elements: HONE_E_SHAPE */

/** The median, of an even number the lower of the two in the middle; NaN if there is one (nanmedian: of what
 * is no NaN). _dim gives its first index, too. Grad: over all shared evenly by what equals it; else to
 * the index. */
HONE_API hone_tensor *hone_median(hone_tensor *x);
HONE_API hone_values_indices hone_median_dim(hone_tensor *x, int dim, bool keepdim);
HONE_API hone_tensor *hone_nanmedian(hone_tensor *x);
HONE_API hone_values_indices hone_nanmedian_dim(hone_tensor *x, int dim, bool keepdim);
/** The k-th smallest along dim, k from 1 (HONE_E_VALUE), and its first index; NaN counts as the largest.
 * Default of hone_call: dim -1. Grad: to the index. */
HONE_API hone_values_indices hone_kthvalue(hone_tensor *x, int64_t k, int dim, bool keepdim);
/** The most frequent value along dim, of several the smallest, and its last index. Grad: to the index. */
HONE_API hone_values_indices hone_mode(hone_tensor *x, int dim, bool keepdim);
/** What stands at rank q (n - 1) of the n sorted elements where that is no whole number. */
typedef enum {
    HONE_QUANTILE_LINEAR, /**< between the neighbours, by the rank's fraction */
    HONE_QUANTILE_LOWER,
    HONE_QUANTILE_HIGHER,
    HONE_QUANTILE_NEAREST, /**< halves: the even rank */
    HONE_QUANTILE_MIDPOINT
} hone_quantile_mode;
/** Quantiles of x (f32, f64) for q of the same dtype in 0 .. 1 (HONE_E_VALUE), 0-d, or 1-d: then the result
 * has its extent as a first dim. NaN where there is one (nanquantile: of what is no NaN). The order is that
 * of hone_sort. Grad: to the elements it is blended of, and to q. */
HONE_API hone_tensor *hone_quantile(hone_tensor *x, hone_tensor *q,
                                    hone_quantile_mode interpolation);
HONE_API hone_tensor *hone_quantile_dim(hone_tensor *x, hone_tensor *q, int dim, bool keepdim,
                                        hone_quantile_mode interpolation);
HONE_API hone_tensor *hone_nanquantile(hone_tensor *x, hone_tensor *q,
                                       hone_quantile_mode interpolation);
HONE_API hone_tensor *hone_nanquantile_dim(hone_tensor *x, hone_tensor *q, int dim, bool keepdim,
                                           hone_quantile_mode interpolation);

/* ---- without NaN, counts, both ends */

/** Sum and mean of what is no NaN, in the order of hone_sum with zeros for NaN; nanmean of floats only,
 * NaN of none. Grad: dy (over the count), 0 at NaN. */
HONE_API hone_tensor *hone_nansum(hone_tensor *x);
HONE_API hone_tensor *hone_nansum_dim(hone_tensor *x, int dim, bool keepdim);
#define hone_nansum_dims(x, keepdim, ...) hone_nansum_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_nansum_dims_v(hone_tensor *x, bool keepdim, const int64_t *dims_end);
HONE_API hone_tensor *hone_nanmean(hone_tensor *x);
HONE_API hone_tensor *hone_nanmean_dim(hone_tensor *x, int dim, bool keepdim);
#define hone_nanmean_dims(x, keepdim, ...)                                                         \
    hone_nanmean_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_nanmean_dims_v(hone_tensor *x, bool keepdim, const int64_t *dims_end);
/** How many elements are not 0 (NaN isn't): i64. No gradient. */
HONE_API hone_tensor *hone_count_nonzero(hone_tensor *x);
HONE_API hone_tensor *hone_count_nonzero_dim(hone_tensor *x, int dim, bool keepdim);
#define hone_count_nonzero_dims(x, keepdim, ...)                                                   \
    hone_count_nonzero_dims_v(x, keepdim, HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_count_nonzero_dims_v(hone_tensor *x, bool keepdim,
                                                const int64_t *dims_end);
/** The smallest and the largest; both NULL on error. Grad: shared evenly by ties, as of hone_min_dims. */
typedef struct {
    hone_tensor *min, *max;
} hone_min_max;
HONE_API hone_min_max hone_aminmax(hone_tensor *x);
HONE_API hone_min_max hone_aminmax_dim(hone_tensor *x, int dim, bool keepdim);

/* ---- running */

/** The largest / smallest element so far along dim and its index, of equal ones the last; a NaN stays.
 * Grad: dy added where the values came from, in order. */
HONE_API hone_values_indices hone_cummax(hone_tensor *x, int dim);
HONE_API hone_values_indices hone_cummin(hone_tensor *x, int dim);
/** log(e^x[0] + ... + e^x[i]) along dim without overflow, one chain a line in f64 that keeps the largest so
 * far apart; f32 is rounded once, integers give f32. Grad: the sum over j from i of dy[j] e^(x[i] - y[j]);
 * NaN where y is -inf. */
HONE_API hone_tensor *hone_logcumsumexp(hone_tensor *x, int dim);

#ifdef __cplusplus
}
#endif
#endif
