/* lu.h: triangular factors of one row-major n x n matrix in f64, and what is solved by them. Each element is one
 * chain: what is taken away from it goes in the order of the steps, never fused. */
#ifndef HONE_LOOPS_LU_H
#define HONE_LOOPS_LU_H

#include <stdbool.h>
#include <stdint.h>

/** P a = L U in place: the row of the largest magnitude, of equal ones the first, gives the pivot; row[k] is the
 * one that row k was exchanged with. The first pivot that is 0, from 1 on; 0: none is. */
int64_t hone__lu(int64_t n, double *a, int64_t *row);

/** L U x = P b in place; b: n rows of m. A pivot that is 0 gives infinities. */
void hone__lu_solve(int64_t n, int64_t m, const double *lu, const int64_t *row, double *b);

/** a x = b in place by the upper or lower triangle of a, whose diagonal counts as ones if `unit`. */
void hone__substitute(int64_t n, int64_t m, const double *a, bool upper, bool unit, double *b);

/** a = L L^T in place from a's lower triangle, zeros above. The first leading minor that isn't positive, from 1
 * on; 0: all are. */
int64_t hone__cholesky(int64_t n, double *a);

#endif
