/* relu_pool.h: a ReLU that is computed in the pass of the max pooling behind it. */
#ifndef HONE_OP_RELU_POOL_H
#define HONE_OP_RELU_POOL_H

#include <hone/tensor.h>

/** If hone__relu_max_pool2d takes x: [N, C, H, W] or [C, H, W] of f32, bf16 or f16, H and W at least 2. */
bool hone__relu_pool_takes(const hone_tensor *x);
/** hone_max_pool2d(hone_relu(x)) of windows of 2 x 2 side by side, the same bits with the same
 * gradients: relu(x) isn't written, and dx is once. */
hone_tensor *hone__relu_max_pool2d(hone_tensor *x);

#endif
