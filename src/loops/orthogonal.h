/* orthogonal.h: orthogonal factors of one row-major matrix in f64: Householder's reflections, Jacobi's rotations.
 * Each sum is one chain in the order of the rows; no function but sqrt. */
#ifndef HONE_LOOPS_ORTHOGONAL_H
#define HONE_LOOPS_ORTHOGONAL_H

#include <stdint.h>

/** a [n, m] becomes R in its first k = min(n, m) rows, zeros below its diagonal, q [n, k] gets Q; R's diagonal has
 * the sign opposite to that of what was reflected, as LAPACK's. reflections: room for n k numbers. */
void hone__qr(int64_t n, int64_t m, double *a, double *q, double *reflections);

/** Eigenvalues, rising, and eigenvectors in the columns of v, of the symmetric a [n, n], which is changed; only its
 * lower triangle is read. Each vector's element of largest magnitude, of equal ones the first, is positive.
 * NaN and infinities give NaN. */
void hone__eigh(int64_t n, double *a, double *values, double *v);

/** Singular values s [m], falling, of a [n, m] with n >= m, whose columns become the left vectors; v [m, m] gets the
 * right ones in its columns, with signs as above. */
void hone__svd(int64_t n, int64_t m, double *a, double *s, double *v);

#endif
