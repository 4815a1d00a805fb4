/* position_sums.h: what a sample's positions add up to, of bf16, in f32: a bias's gradient. */
#ifndef HONE_LOOPS_POSITION_SUMS_H
#define HONE_LOOPS_POSITION_SUMS_H

#include "core/core.h"

/** True if x is of bf16, contiguous, not empty, and `dims`, ended by HONE_END_DIM, are all but its
 * first and its last, which counts columns (one column would be a row: reduce_run.h). */
bool hone__sums_positions(const hone_tensor *x, const int64_t *dims);

/** The sums over those dims to out, f32 [first dim, last dim], with the bits that the sum of an f32
 * copy has, which nobody makes. False: out of memory. */
bool hone__sum_positions(const hone_tensor *x, void *out);

#endif
