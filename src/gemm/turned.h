/* turned.h: columns by vectors along m, for an A that the kernel turns. */
#ifndef HONE_GEMM_TURNED_H
#define HONE_GEMM_TURNED_H

#include "gemm/parts.h"

/** upright.h's two where A is contiguous along k and the kernel turns it (turned.c). */
int64_t hone__gemm_turned_columns(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                                  int64_t m, int64_t n);
void hone__gemm_turned(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                       const hone__gemm_region *region);

#endif
