/* softmax_run.h: the row kernels of softmax and its kin along any dim of tensors of any layout. */
#ifndef HONE_OPS_SOFTMAX_RUN_H
#define HONE_OPS_SOFTMAX_RUN_H

#include "core/core.h"

typedef enum {
    HONE__SOFTMAX,
    HONE__LOG_SOFTMAX,
    HONE__LOGSUMEXP,
    HONE__SOFTMAX_BACKWARD,     /* a: dy, b: y */
    HONE__LOG_SOFTMAX_BACKWARD, /* a: dy, b: y */
} hone__softmax_kind;

/** x, cast to f32 if it is no float. NULL: failed. */
hone_tensor *hone__softmax_input(hone_tensor *x);

/** Runs a kernel on each row of `a` (and `b`, or NULL) along `dim` into `out`: contiguous, a's
 * shape, without `dim` (or with 1) for LOGSUMEXP. All f32 or all f64. False: out of memory. */
bool hone__softmax_run(hone__softmax_kind kind, int dim, hone_tensor *out, const hone_tensor *a,
                       const hone_tensor *b);

#endif
