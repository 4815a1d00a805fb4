/* pool.h: what the poolings share. */
#ifndef HONE_OPS_POOL_H
#define HONE_OPS_POOL_H

#include "loops/pool2d.h"
#include "ops/common.h"

/** f32 or f64 [N, C, H, W] or [C, H, W] (`dims` 2), [N, C, L] or [C, L] (1), of which only N may be
 * empty. Else the error that names the call; `what` is the operand's name. */
bool hone__suits_pool(hone_context *ctx, const char *what, const hone_tensor *x, int dims);

/** From extent, kernel, stride (0: as the kernel), padding and dilation of an axis its windows;
 * `which` is its name. False + the error that names the call: padding that is more than half the
 * kernel, no window that fits. */
bool hone__pool_axis_take(hone_context *ctx, const char *which, bool ceil_mode, hone__pool_axis *a);

#endif
