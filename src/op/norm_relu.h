/* norm_relu.h: a batch norm whose ReLU is computed in its pass. */
#ifndef HONE_OP_NORM_RELU_H
#define HONE_OP_NORM_RELU_H

#include <hone/ops.h>

/** hone_relu(hone_batch_norm(..)), the same bits with the same gradients: forward and backward in the
 * passes of the norm. options may not be NULL. */
hone_tensor *hone__batch_norm_relu(hone_tensor *x, hone_tensor *running_mean,
                                   hone_tensor *running_var, hone_tensor *weight, hone_tensor *bias,
                                   const hone_batch_norm_options *options);

#endif
