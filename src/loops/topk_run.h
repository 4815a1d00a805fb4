/* topk_run.h: the best k of each row. */
#ifndef HONE_LOOPS_TOPK_RUN_H
#define HONE_LOOPS_TOPK_RUN_H

#include "core/core.h"

/** The k best elements of x along dim and their places (i64), the first of equal ones before the
 * others: best first if `sorted`, else in the order of their places. NaN counts as the largest. Any
 * dtype but bool; results are contiguous and not empty, of x's shape but for k along dim. False:
 * out of memory. */
bool hone__topk(const hone_tensor *x, int dim, bool largest, bool sorted, hone_tensor *values,
                hone_tensor *indices);

#endif
