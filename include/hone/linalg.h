/** @file linalg.h
 * Linear algebra of matrices [.., n, m], each of the leading dims' one for itself, with the semantics of
 * torch.linalg. What ops.h says of ops holds here, too. f32 and f64 (HONE_E_DTYPE); all is computed in f64 by
 * plain chains whose order the shape tells, and f32 is rounded once. HONE_E_SHAPE: no matrix, or not square
 * where it has to be. HONE_E_VALUE names the first matrix, as a number among all of them, that can't be done.
 */
#ifndef HONE_LINALG_H
#define HONE_LINALG_H

#include <hone/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/** L, lower with zeros above, of x = L L^T; of x only the lower triangle is read. HONE_E_VALUE: not positive
 * definite, which leading minor. Grad: symmetric, L^-T S L^-1 / 2 with S the lower triangle of L^T dy mirrored. */
HONE_API hone_tensor *hone_cholesky(hone_tensor *x);

/** X of a X = b (left) or X a = b (not left); of a only the upper or lower triangle is read, its diagonal as ones
 * if unitriangular. Leading dims broadcast. Zeros on the diagonal give infinities and NaN. Defaults of hone_call:
 * left true, unitriangular false. Grad: db solves with a^T; da = -db X^T, that triangle of it. */
HONE_API hone_tensor *hone_solve_triangular(hone_tensor *a, hone_tensor *b, bool upper, bool left,
                                            bool unitriangular);

/** X of a X = b by LU with partial pivoting. b is [.., n, m]; or [n], or a's shape without the last dim: then
 * vectors. Leading dims broadcast. HONE_E_VALUE: singular, which pivot is 0. Grad: db solves with a^T; da = -db X^T. */
HONE_API hone_tensor *hone_solve(hone_tensor *a, hone_tensor *b);

/** x^-1 by LU with partial pivoting. HONE_E_VALUE: singular, which pivot is 0. Grad: -y^T dy y^T. */
HONE_API hone_tensor *hone_inverse(hone_tensor *x);

/** The determinant, the product of the pivots of LU in order, [..]; 1 of 0x0. Grad: dy times the cofactors, of
 * singular matrices too; the second gradient of those is NaN. */
HONE_API hone_tensor *hone_det(hone_tensor *x);

/** Sign (-1, 0 or 1; no gradient) and logarithm of the magnitude of the determinant, the sum of the pivots'; -inf
 * of singular matrices. Both NULL on error. Grad: dy x^-T, infinities and NaN where x is singular. */
typedef struct {
    hone_tensor *sign, *logabsdet;
} hone_sign_log;
HONE_API hone_sign_log hone_slogdet(hone_tensor *x);

/* ---- orthogonal factors; both or all NULL on error */

/** x = q r by Householder's reflections: of [.., n, m] with k = min(n, m) q is [.., n, k], r [.., k, m] with zeros
 * below its diagonal, whose signs are LAPACK's. Grad: of q and r; the first k columns have to be independent. */
typedef struct {
    hone_tensor *q, *r;
} hone_q_r;
HONE_API hone_q_r hone_qr(hone_tensor *x);

/** Eigenvalues [.., n], rising, and eigenvectors in the columns of [.., n, n], of the symmetric matrix that the lower
 * triangle of x tells, by cyclic Jacobi. Each vector's element of largest magnitude, of equal ones the first, is
 * positive. NaN and infinities give NaN. Grad: the symmetric part of v (diag(dvalues) + v^T dvectors / E) v^T,
 * E[i, j] = values[j] - values[i]; not finite where values are equal and the vectors are asked for. */
typedef struct {
    hone_tensor *values, *vectors;
} hone_eigen;
HONE_API hone_eigen hone_eigh(hone_tensor *x);

/** x = u diag(s) vt by one-sided Jacobi: of [.., n, m] with k = min(n, m) u is [.., n, k], s [.., k] falls, vt is
 * [.., k, m]. Each left vector's (where n < m, each right one's) element of largest magnitude, of equal ones the
 * first, is positive. Grad: as PyTorch's; not finite where values are equal or 0 and the vectors are asked for. */
typedef struct {
    hone_tensor *u, *s, *vt;
} hone_singular;
HONE_API hone_singular hone_svd(hone_tensor *x);

#ifdef __cplusplus
}
#endif
#endif
