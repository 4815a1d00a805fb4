/* running.h: scans that keep more than a sum: the extreme so far, the logarithm of the sum of powers. */
#ifndef HONE_LOOPS_RUNNING_H
#define HONE_LOOPS_RUNNING_H

#include "core/core.h"

/** The largest (or smallest) element of x so far along dim and its place, the last of equal ones; a NaN
 * stays, the last one's place too. All contiguous, of x's shape; any dtype, i64 places. */
void hone__running_extreme(const hone_tensor *x, int dim, bool largest, hone_tensor *values,
                           hone_tensor *places);

/** log(e^x[0] + ... + e^x[i]) along the last dim of x, contiguous f32 or f64, into out. One chain a line in
 * f64: s = s e^(m - m') + e^(x - m'), m the largest so far; f32 is rounded once. */
void hone__running_logsumexp(const hone_tensor *x, hone_tensor *out);

#endif
