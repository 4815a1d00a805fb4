/* pool.h: windows that slide over planes and volumes. */
#ifndef HONE_LOOPS_POOL_H
#define HONE_LOOPS_POOL_H

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
    int dims;                /* 2 or 3 */
    hone__pool_axis axis[3]; /* depth, height, width: of planes depth has extent and kernel 1 */
    const hone_tensor *x;    /* [.., extents] of numbers, one or two leading dims, any strides */
    char *values;            /* [.., windows], contiguous */
    int64_t *indices;        /* the same */
} hone__pool;

/** The largest element of each window and its place (d height + h) width + w, the extents'
 * product being at most INT32_MAX: the first of equal ones, the last NaN if there is one, the
 * window's first element where all are -inf. Windows hold at least one element. */
void hone__max_pool(const hone__pool *p);

/** x [planes, in], zeros to begin with, gets y [planes, out] at the indices, one after the other in
 * the order of y: added, or put there. f32 or f64, all contiguous. False: an index isn't in [0, in), and x is
 * half done. */
bool hone__unpool(hone_dtype dtype, int64_t planes, int64_t in, int64_t out, void *x, const void *y,
                  const int64_t *indices, bool add);

#endif
