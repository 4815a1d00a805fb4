/* columns.h: windows of images as columns of a matrix, and back. */
#ifndef HONE_LOOPS_COLUMNS_H
#define HONE_LOOPS_COLUMNS_H

#include "loops/pool.h"

/** y [N, C kh kw, L] = x [N, C, H, W] or [C, H, W], any strides: element (c, ky, kx) of window l, +0
 * outside of x. axis: of height and width. y: contiguous, with elements. f32 or f64. */
void hone__unfold(const hone_tensor *x, const hone__pool_axis *axis, const hone_tensor *y);

/** y [N, C, H, W] = the sum of x [N, C kh kw, L] at the places that it would be taken from, one chain
 * an element from +0 over (ky, kx). Both contiguous, y with elements. */
void hone__fold(const hone_tensor *x, const hone__pool_axis *axis, const hone_tensor *y);

#endif
