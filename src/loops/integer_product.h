/* integer_product.h: matrix products of integers. */
#ifndef HONE_LOOPS_INTEGER_PRODUCT_H
#define HONE_LOOPS_INTEGER_PRODUCT_H

#include "core/core.h"
#include "gemm/args.h"

/** C = A B, or with HONE__GEMM_BEGIN C + A B, of i64, i32 or u8, modulo their range. What else the
 * arguments can ask for (activation, bias, alpha) isn't there. */
void hone__integer_product(hone_dtype dtype, const hone__gemm_args *g);

#endif
