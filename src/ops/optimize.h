/* optimize.h: optimizer steps as fused ops, for src/optim. */
#ifndef HONE_OPS_OPTIMIZE_H
#define HONE_OPS_OPTIMIZE_H

#include "kernels/kernels.h"

#include <hone/tensor.h>

/** hone__<name>_step: one step by a kernel of kernels.def, in place and recording nothing.
 *  @param param, grad  f32 or f64, the same shape and dtype, any strides.
 *  @param state        as many tensors as the row says for `args`, like param and contiguous; NULL
 *                      if that is none.
 *  hone__sgd_step with momentum and weight_decay 0 has the bits of hone_sub_(param,
 * hone_mul_scalar(grad, lr)). Errors: HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_STATE (an expanded param),
 * HONE_E_NOMEM. */
#define STEP_KERNEL(NAME, name, ...)                                                               \
    hone_status hone__##name##_step(hone_tensor *param, hone_tensor *grad,                         \
                                    hone_tensor *const *state, const hone__##name##_args *args);
#include "kernels/kernels.def"

#endif
