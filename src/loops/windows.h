/* windows.h: sums and maxima over rectangles of planes. */
#ifndef HONE_LOOPS_WINDOWS_H
#define HONE_LOOPS_WINDOWS_H

#include "core/core.h"

/** Along one axis: result o is of the elements [begin[o], end[o]), 0 <= begin <= end <= extent; of
 * none it is 0. */
typedef struct {
    int64_t results;
    const int64_t *begin, *end;
} hone__windows;

/** y[.., oy, ox] = the sum of x[.., i, j] over i and j in the windows, one chain from +0 in the
 * order (i, j).
 *  x: f32 or f64, 3 or 4 dims, any strides. y: contiguous, with elements. */
void hone__sum_windows(const hone_tensor *x, const hone__windows *h, const hone__windows *w,
                       hone_tensor *y);

/** The largest x[.., i, j] of the windows, and its place i extent + j in its plane, extent being
 * that of the last dim: the first of equal ones in the order (i, j), the last NaN if there is one.
 * Windows hold at least one element. indices: as y. */
void hone__max_windows(const hone_tensor *x, const hone__windows *h, const hone__windows *w,
                       hone_tensor *y, int64_t *indices);

#endif
