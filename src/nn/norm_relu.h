/* norm_relu.h: batch norm layers, and the ReLU behind them. */
#ifndef HONE_NN_NORM_RELU_H
#define HONE_NN_NORM_RELU_H

#include <hone/nn.h>

/** If a ReLU behind it can be computed in its pass: a batch norm in training that nobody has a hook on
 * (what is exported runs in evaluation, op by op). */
bool hone__norm_takes_relu(const hone_module *module);
/** Both; owned by the current scope. */
hone_tensor *hone__norm_relu(hone_module *norm, hone_tensor *x);

#endif
