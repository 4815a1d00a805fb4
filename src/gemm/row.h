/* row.h: one row of A, or one column of B. */
#ifndef HONE_GEMM_ROW_H
#define HONE_GEMM_ROW_H

#include "gemm/parts.h"

/** A region of a plan by_row, without its epilogue: its sums to y (row.c). */
void hone__gemm_row(const hone__gemm_plan *plan, const hone__gemm_region *region, char *y);

/** One row or one column, done at once without a plan; false if it is none. */
bool hone__gemm_small_row(const hone__gemm_args *args);

#endif
