/* extreme_run.h: the gradient of a maximum or minimum over small windows, as pooling has them. */
#ifndef HONE_LOOPS_EXTREME_RUN_H
#define HONE_LOOPS_EXTREME_RUN_H

#include "core/core.h"

enum { HONE__WINDOW = 64 }; /* elements of an output at most */

/** dx = dy shared evenly by those of a window that equal its extreme y, 0 for the others; NaN for
 * all of a window whose y is NaN. x and dx have one shape, any strides; y and dy are contiguous and
 * hold a window's numbers in the order of the dims that are not in the mask `dims`; all f32 or all
 * f64; 0 < elements of a window <= HONE__WINDOW. */
void hone__extreme_backward_run(hone_tensor *dx, const hone_tensor *x, const hone_tensor *y,
                                const hone_tensor *dy, uint32_t dims);

#endif
