/* finish.h: sums that wait beside C. */
#ifndef HONE_GEMM_FINISH_H
#define HONE_GEMM_FINISH_H

#include "gemm/parts.h"

/** sums[i] += more[i] for n elements. */
void hone__gemm_add(hone__gemm_dtype dtype, int64_t n, void *sums, const void *more);

/** What C holds, as the beginning of a region's sums that wait elsewhere. */
void hone__gemm_fetch(const hone__gemm_plan *plan, const hone__gemm_region *region, char *sums,
                      int64_t sums_rs);

/** The activation over rows of a finished region that are still in L1: `rows` from `c` on, n wide.
 */
void hone__gemm_activate(const hone__gemm_plan *plan, const hone__gemm_region *region, char *c,
                         int64_t rows, int64_t n);

/** C's elements of a finished region from their sums: what the tile does where it can't. */
void hone__gemm_finish(const hone__gemm_plan *plan, const hone__gemm_region *region,
                       const void *sums, int64_t sums_rs);

#endif
