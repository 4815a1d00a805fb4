/* small.h: products that take less time than a plan. */
#ifndef HONE_GEMM_SMALL_H
#define HONE_GEMM_SMALL_H

#include "gemm/parts.h"

/** A small product, done at once without a plan; false if it is none. */
bool hone__gemm_small(const hone__gemm_args *args);

#endif
