/* upright.h: columns by vectors along m, for an A that is contiguous there. */
#ifndef HONE_GEMM_UPRIGHT_H
#define HONE_GEMM_UPRIGHT_H

#include "gemm/parts.h"

/** How many of the last columns of m x n outputs are best done upright. */
int64_t hone__gemm_upright_columns(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                                   int64_t m, int64_t n);

/** A region by vectors along m, all of its k at once; its epilogue NULL for sums as they are. */
void hone__gemm_upright(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                        const hone__gemm_region *region);

#endif
