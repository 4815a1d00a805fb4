/* region.h: one thread's part of a product. */
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

#endif
