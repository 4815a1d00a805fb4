/* optimize.h: optimizer steps as fused ops, for src/optim. */
#ifndef HONE_OPS_OPTIMIZE_H
#define HONE_OPS_OPTIMIZE_H

#include <hone/tensor.h>

/** One step of PyTorch's SGD, in place and recording nothing:
 *      g = grad + weight_decay param
 *      buffer = first ? g : momentum buffer + (1 - dampening) g     (momentum != 0)
 *      param -= lr (momentum == 0 ? g : nesterov ? g + momentum buffer : buffer)
 *  @param param, grad       f32 or f64, the same shape and dtype, any strides.
 *  @param momentum_buffer   like param and contiguous; HONE_NONE if momentum is 0.
 *  @param first             the buffer holds nothing yet.
 *  With momentum and weight_decay 0 the bits are those of hone_sub_(param, hone_mul_scalar(grad,
 * lr)). Errors: HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_STATE (an expanded param), HONE_E_NOMEM. */
hone_status hone__sgd_step(hone_tensor *param, hone_tensor *grad, hone_tensor *momentum_buffer,
                           double lr, double momentum, double dampening, double weight_decay,
                           bool nesterov, bool first);

#endif
