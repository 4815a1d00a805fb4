/* dot.h: the DOT order. */
#ifndef HONE_GEMM_DOT_H
#define HONE_GEMM_DOT_H

#include "gemm/parts.h"

/** The DOT order, all of it. 0, or -1 when out of memory. */
int hone__gemm_dot(const hone__gemm_plan *plan);

#endif
