/* variance.h: variance and standard deviation of the whole range of f32 and f64, and what their
 * gradients are made of. */
#ifndef HONE_OPS_VARIANCE_H
#define HONE_OPS_VARIANCE_H

#include "core/core.h"

/** The variance of x (f32 or f64) over the dims of a mask, divided by `by`, or its `root`, -> out,
 * contiguous. False: out of memory. */
bool hone__variance(const hone_tensor *x, uint32_t dims, double by, bool root, hone_tensor *out);

/** Their gradients: dy 2 (x - mean) / freedom and dy (x - mean) / (y freedom), 0 where y is 0; dy
 * and y are like the result with keepdim. For any finite x, whatever squares and sums come to.
 * Differentiable any number of times. */
hone_tensor *hone__variance_grad(hone_tensor *x, uint32_t dims, hone_tensor *dy, double freedom);
hone_tensor *hone__std_grad(hone_tensor *x, uint32_t dims, hone_tensor *dy, hone_tensor *y,
                            double freedom);

/** The last n dims of a tensor, ended as the public functions want them. */
const int64_t *hone__last_dims(int n, int64_t *dims);

#endif
