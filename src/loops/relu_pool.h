/* relu_pool.h: ReLU and the largest element of windows of 2 x 2 side by side, in one pass. */
#ifndef HONE_LOOPS_RELU_POOL_H
#define HONE_LOOPS_RELU_POOL_H

#include "core/core.h"

/** The widest plane of floats of 16 bits. */
enum { HONE__RELU_POOL_WIDTH = 4096 };

/** All contiguous; height and width are at least 2, halves of them are rounded down. */
typedef struct {
    hone_dtype dtype; /* of x and y: f32, bf16 or f16 */
    int64_t planes, height, width;
    void *x;        /* [planes, height, width]; of the gradient dx */
    void *y;        /* [planes, height / 2, width / 2]; of the gradient dy */
    uint8_t *which; /* the same: the element of a window that was the largest, in the order of rows;
                       HONE__POOL_BELOW: none is more than 0 */
} hone__relu_pooling;

/** y and `which`, as hone__max_pool (pool.h) takes the largest of relu(x). */
void hone__relu_max_pool(const hone__relu_pooling *p);
/** dx. */
void hone__relu_max_pool_back(const hone__relu_pooling *p);

#endif
