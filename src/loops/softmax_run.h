/* softmax_run.h: the row kernels of softmax and its kin along any dim of tensors of any layout. */
#ifndef HONE_LOOPS_SOFTMAX_RUN_H
#define HONE_LOOPS_SOFTMAX_RUN_H

#include "core/core.h"
#include "kernels/kernels.h"

/** Runs a kernel on `a` (and `b`, or NULL) along `dim` into `out`, by the rule of rows if no dim
 * behind `dim` has more than one element, else by that of columns (contract 1): contiguous, a's
 * shape, without `dim` (or with 1) for LOGSUMEXP. All f32 or all f64. False: out of memory. */
bool hone__softmax_run(hone__softmax_kind kind, int dim, hone_tensor *out, hone_tensor *a,
                       hone_tensor *b);
/** The same for a dim that is not the innermost one. */
bool hone__softmax_cols_run(hone__softmax_kind kind, int dim, hone_tensor *out, hone_tensor *a,
                            hone_tensor *b);

#endif
