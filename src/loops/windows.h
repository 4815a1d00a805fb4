/* windows.h: sums and maxima over rectangles of planes and boxes of volumes. */
#ifndef HONE_LOOPS_WINDOWS_H
#define HONE_LOOPS_WINDOWS_H

#include "core/core.h"

/** Along one axis: result o is of the elements [begin[o], end[o]), 0 <= begin <= end <= extent; of
 * none it is 0. */
typedef struct {
    int64_t results;
    const int64_t *begin, *end;
} hone__windows;

/** y[.., oz, oy, ox] = the sum of x[.., k, i, j] over k, i and j in the windows of depth, height and
 * width, one chain from +0 in the order (k, i, j).
 *  x: f32 or f64, one or two dims before the last `dims` (2 or 3), any strides; planes have the one
 *  window [0, 1) of depth. y: contiguous, with elements. */
void hone__sum_windows(const hone_tensor *x, int dims, const hone__windows *windows,
                       hone_tensor *y);

/** The largest x[.., k, i, j] of the windows, and its place (k height + i) width + j: the first of
 * equal ones in the order (k, i, j), the last NaN if there is one. Windows hold at least one
 * element. indices: as y. */
void hone__max_windows(const hone_tensor *x, int dims, const hone__windows *windows, hone_tensor *y,
                       int64_t *indices);

#endif
