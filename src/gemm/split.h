/* split.h: how a product is cut among threads. */
#ifndef HONE_GEMM_SPLIT_H
#define HONE_GEMM_SPLIT_H

#include "gemm/parts.h"

/** Team and regions (split.c). `products` of piece_k each are to be computed (batch times pieces).
 */
void hone__gemm_plan_threads(hone__gemm_plan *plan, int64_t products);

/** Part i of `total` cut into `parts` at multiples of `unit`, as even as can be: where it
 * begins. */
int64_t hone__gemm_cut(int64_t total, int64_t unit, int64_t parts, int64_t i);

/** Region i of the split_m * split_n of a matrix. Threads take neighbours in this order. */
hone__gemm_area hone__gemm_area_of(const hone__gemm_plan *plan, int64_t i);

#endif
