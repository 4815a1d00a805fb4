/* relu_pool.h: max pooling layers, and the ReLU before them. */
#ifndef HONE_NN_RELU_POOL_H
#define HONE_NN_RELU_POOL_H

#include <hone/nn.h>

/** If a ReLU of x before it can be computed in its pass: MaxPool2d(2) that nobody has a hook on, and nobody
 * writes down. */
bool hone__pool_takes_relu(const hone_module *module, const hone_tensor *x);
/** Both; owned by the current scope. */
hone_tensor *hone__relu_pool(hone_module *pool, hone_tensor *x);

#endif
