/* scan.h: running sums and products along a dim, and products of all its elements. */
#ifndef HONE_LOOPS_SCAN_H
#define HONE_LOOPS_SCAN_H

#include "core/core.h"

typedef enum {
    HONE__SCAN_SUM,    /* y[i] = y[i - 1] + x[i], before the first: 0 */
    HONE__SCAN_PROD,   /* y[i] = y[i - 1] * x[i], before the first: 1 */
    HONE__SCAN_LINEAR, /* y[i] = a[i] * y[i - 1] + x[i], before the first: 0; not of integers */
} hone__scan_kind;

/** The scan of x along dim into out, from the end if `reverse`; a: HONE__SCAN_LINEAR's. All contiguous,
 * of one shape and dtype: f32, f64 or i64. Each line is one chain, in f64 for f32. */
void hone__scan(hone__scan_kind kind, const hone_tensor *x, const hone_tensor *a, int dim,
                bool reverse, hone_tensor *out);

/** The products along dim of x, f32, f64 or i64 of any layout, into out (the others' shape, contiguous),
 * in f64 for f32. Where dims behind it have more than one element: one chain an output. Else, in pieces
 * of 4096 elements: 8 chains, element i in chain i modulo 8, multiplied as a tree of neighbours, and the
 * pieces in order. dim -1: of all elements; where the last dim of more than one has 64 and isn't alone,
 * the products along it, as one row. False: out of memory. */
bool hone__prod(hone_tensor *x, int dim, hone_tensor *out);

#endif
