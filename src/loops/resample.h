/* resample.h: weighted sums along the axes of images, each axis by itself. */
#ifndef HONE_LOOPS_RESAMPLE_H
#define HONE_LOOPS_RESAMPLE_H

#include "core/core.h"

/** Along one axis: result o is the sum of weight[k] x[index[k]] for begin[o] <= k < begin[o + 1]. */
typedef struct {
    int64_t results;
    const int64_t *begin, *index;
    const void *weight; /* of x's dtype; NULL: all are 1 */
} hone__taps;

/** y[.., z, y, x] = the sums along width, of these along height, of these along depth; each begins
 * with its first product, to which the others are added, product and sum rounded; of none +0.
 *  x: f32 or f64 [N, C, places], `dims` (1 to 3) of places, any strides. taps: of depth, height and
 *  width, also of those that aren't there: one result of one tap. y: contiguous, with elements. */
void hone__resample(const hone_tensor *x, int dims, const hone__taps *taps, const hone_tensor *y);

#endif
