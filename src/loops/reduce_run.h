/* reduce_run.h: the two rules of summation (contract 1) applied to tensors of any layout. */
#ifndef HONE_LOOPS_REDUCE_RUN_H
#define HONE_LOOPS_REDUCE_RUN_H

#include "core/core.h"

/** Reduces x over the dims whose bits are set into `out` (contiguous, the kept dims in row-major
 * order, dtype as kernels.h says for `kind`, a HONE__K_SUM ...).
 *
 * Which rule holds is a matter of shape alone: if the last dim of extent > 1 is reduced, each
 * output is the reduction of a ROW, the reduced dims' elements in row-major order; else outputs are
 * COLUMNS and the reduced dims' elements the rows. Two kinds of sums have orders of their own, in
 * which memory is read as it lies, whether that is along or across the sum:
 *   - of floats over all dims, the last of which (of extent > 1) has 512 elements or more: that of
 *     the rows' sums along it, as one row;
 *   - of f32 over dim 0 (and others), of columns, 512 rows or more and 1024 columns or fewer: blocks
 *     are of HONE__FOURS_BLOCK rows, of four chains each (kernels.h). Where dim 0 is kept it counts
 *     among the columns, and no bit may depend on the batch's size.
 * Layout and threads never change a bit. False: out of memory. MAX, MIN, ARGMAX and ARGMIN need
 * something to choose from. */
bool hone__reduce(int kind, const hone_tensor *x, uint32_t dims, void *out);

/** The dims of a tensor, those of the mask behind the others, ended as the public functions want
 * them -> how many others there are. */
int hone__reduced_order(int ndim, uint32_t mask, int64_t *order);

/** HONE__K_M2 of f32 or f64 into m2, and the means of the same elements as base + shift (as m2);
 * base is close to them and never rounded again (kernels.h). x is not empty. */
bool hone__moments(const hone_tensor *x, uint32_t dims, void *m2, void *base, void *shift);

/** All of `out` (contiguous, f32 or f64) by a number, rounded to the dtype. */
void hone__divide(hone_tensor *out, double by);

#endif
