/* variance.h: variance and standard deviation of the whole range of f32 and f64, and what their
 * gradients are made of. */
#ifndef HONE_OPS_VARIANCE_H
#define HONE_OPS_VARIANCE_H

#include "core/core.h"

/** The variance of x (f32 or f64) over the dims of a mask, divided by `by`, or its `root`, -> out,
 * contiguous. False: out of memory. */
bool hone__variance(const hone_tensor *x, uint32_t dims, double by, bool root, hone_tensor *out);

/** (x - mean) g over the last n_dims dims, g [.., 1..] or HONE_NONE; by_std: x - mean is divided by
 * the standard deviation (correction 0) first, and 0 where that is 0. For any finite x, whatever
 * squares and sums come to. Differentiable by x and g, any number of times. */
hone_tensor *hone__deviation(hone_tensor *x, hone_tensor *g, int n_dims, bool by_std);

/** The last n dims of a tensor, ended as the public functions want them. */
const int64_t *hone__last_dims(int n, int64_t *dims);

#endif
