/* linalg.h: what the ops of matrices share: each works in place on contiguous copies in f64, a matrix a step. */
#ifndef HONE_OPS_LINALG_H
#define HONE_OPS_LINALG_H

#include "ops/common.h"
#include "runtime/parallel.h"

#include <hone/linalg.h>

/** f32 or f64 and at least 2 dims, the last two equal if `square`; else false + error. */
bool hone__is_matrices(hone_context *ctx, const hone_tensor *x, bool square);

/** How many matrices there are. */
int64_t hone__matrices(const hone_tensor *x);

/** A contiguous copy of x in f64; NULL on error. */
hone_tensor *hone__working_copy(hone_tensor *x);

/** The leading dims of a and b broadcast, then the last two of `last`, ended; false + E_SHAPE. */
bool hone__batch_shape(hone_context *ctx, const hone_tensor *a, const hone_tensor *b,
                       const hone_tensor *last, int64_t *shape);

/** Zeros [number of matrices] of i64: where a step says what didn't work, from 1 on. */
hone_tensor *hone__places_of_failure(const hone_tensor *x);
/** False + E_VALUE that names the first matrix that has one: "is `wrong` 2 of 3". */
bool hone__all_succeeded(hone_context *ctx, hone_tensor *x, const hone_tensor *failures,
                         const char *wrong);

/** LU of each matrix; lu NULL: error. */
typedef struct {
    hone_tensor *lu, *rows, *failures; /* f64 [.., n, n]; i64 [matrices n]: exchanges; [matrices] */
    int64_t n;
} hone__factors;
hone__factors hone__factors_of(hone_tensor *x);
/** b, a working copy [.., n, m], becomes the solution. */
void hone__solve_each(const hone__factors *f, hone_tensor *b);

static inline hone_tensor *hone__turned(hone_tensor *x)
{
    return hone_transpose(x, -2, -1);
}

#endif
