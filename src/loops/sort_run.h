/* sort_run.h: rows in order. */
#ifndef HONE_LOOPS_SORT_RUN_H
#define HONE_LOOPS_SORT_RUN_H

#include "core/core.h"

/** The elements of x along dim in ascending or descending order (values; NULL: not wanted) and their
 * places (i64). Stable: equal ones keep their order. NaN counts as the largest. Any dtype; results are
 * contiguous, of x's shape, and not empty. False: out of memory. */
bool hone__sort(const hone_tensor *x, int dim, bool descending, hone_tensor *values,
                hone_tensor *indices);

#endif
