/* select_run.h: of each row the element that has a rank. */
#ifndef HONE_LOOPS_SELECT_RUN_H
#define HONE_LOOPS_SELECT_RUN_H

#include "core/core.h"

typedef enum {
    HONE__RANK_KTH,       /* the k-th smallest, k from 0; NaN counts as the largest */
    HONE__RANK_MEDIAN,    /* the lower one of the two in the middle; NaN if there is one */
    HONE__RANK_NANMEDIAN, /* that of what is no NaN, if there is any */
} hone__rank;

/** Of x along dim the element of that rank and the first place (i64) of one that equals it. Any dtype; the
 * results are contiguous, of x's shape without dim, and not empty. False: out of memory. */
bool hone__select(const hone_tensor *x, int dim, hone__rank rank, int64_t k, hone_tensor *values,
                  hone_tensor *indices);

#endif
