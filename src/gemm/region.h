/* region.h: one thread's part of a product (region.c), and what its sums become (finish.c). */
#ifndef HONE_GEMM_REGION_H
#define HONE_GEMM_REGION_H

#include "gemm/parts.h"

/** Bytes of workspace a thread needs (0: none). */
size_t hone__gemm_workspace(const hone__gemm_plan *plan);

void hone__gemm_run_region(const hone__gemm_plan *plan, const hone__gemm_region *region,
                           char *workspace);

/** The same over pieces of K, one after the other, whose sums are added in order. */
void hone__gemm_run_pieces(const hone__gemm_plan *plan, const hone__gemm_region *region,
                           char *workspace);

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
