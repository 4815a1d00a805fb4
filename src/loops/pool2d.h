/* pool2d.h: windows that slide over planes. */
#ifndef HONE_LOOPS_POOL2D_H
#define HONE_LOOPS_POOL2D_H

#include "core/core.h"

/** Along one axis: element i of window o lies at o * stride - padding + i * dilation. */
typedef struct {
    int64_t extent, kernel, stride, padding, dilation;
    int64_t windows;
} hone__pool_axis;

/** The first element of window o that lies in the plane, and the one behind the last. */
int64_t hone__pool_first(const hone__pool_axis *a, int64_t o);
int64_t hone__pool_last(const hone__pool_axis *a, int64_t o);

typedef struct {
    hone__pool_axis h, w; /* h.extent * w.extent <= INT32_MAX */
    const hone_tensor *x; /* [.., h, w] of f32 or f64, one or two leading dims, any strides */
    char *values;         /* [.., h.windows, w.windows], contiguous */
    int64_t *indices;     /* the same */
} hone__pool2d;

/** The largest element of each window and its place h * extent + w in its plane: the first of equal
 * ones, the last NaN if there is one, the window's first element where all are -inf. Windows hold
 * at least one element. */
void hone__max_pool2d(const hone__pool2d *p);

/** dx [planes, in] += dy [planes, out] at the indices, contribution after contribution in the order
 * of dy; dx begins with zeros. f32 or f64, all contiguous, 0 <= index < in. */
void hone__unpool_add(hone_dtype dtype, int64_t planes, int64_t in, int64_t out, void *dx,
                      const void *dy, const int64_t *indices);

#endif
