/* test_linalg.c: corners of linear algebra: what is refused, and by which words; degenerate matrices. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(linalg);

static hone_tensor *singular(void)
{
    return T(HONE_F64, (2, 2, 2), 1, 2, 3, 4, 1, 2, 2, 4);
}

Test(linalg, what_cannot_be_done_is_named)
{
    hone_tensor *flat = hone_ones(HONE_F64, 2, 3), *line = hone_ones(HONE_F32, 3);
    hone_tensor *eye = hone_eye(HONE_F32, 3, 3);
    CHECK_FAILS(hone_cholesky(flat), HONE_E_SHAPE,
                "cholesky: square matrices are wanted, got f64 [2, 3]");
    CHECK_FAILS(hone_inverse(line), HONE_E_SHAPE, "inverse: at least 2 dims are wanted");
    CHECK_FAILS(hone_det(hone_ones(HONE_I64, 2, 2)), HONE_E_DTYPE, "det: f32 or f64 is wanted");
    CHECK_FAILS(hone_slogdet(flat).sign, HONE_E_SHAPE, "slogdet: square matrices are wanted");
    CHECK_FAILS(hone_solve(eye, hone_ones(HONE_F32, 2)), HONE_E_SHAPE, "don't fit for a X = b");
    CHECK_FAILS(hone_solve(eye, hone_ones(HONE_F64, 3)), HONE_E_DTYPE, "don't fit for a X = b");
    CHECK_FAILS(hone_solve(eye, hone_scalar(HONE_F32, 1)), HONE_E_SHAPE, "don't fit for a X = b");
    CHECK_FAILS(hone_solve(hone_ones(HONE_F32, 2, 3, 3), hone_ones(HONE_F32, 4, 3, 1)),
                HONE_E_SHAPE, "solve: the leading dims of");
    CHECK_FAILS(hone_solve_triangular(eye, hone_ones(HONE_F32, 2, 3), true, true, false),
                HONE_E_SHAPE, "don't fit for a X = b");
    CHECK_FAILS(hone_solve_triangular(eye, hone_ones(HONE_F32, 3, 2), true, false, false),
                HONE_E_SHAPE, "don't fit for X a = b");
}

Test(linalg, what_has_no_factors_is_named)
{
    hone_tensor *flat = hone_ones(HONE_F64, 2, 3), *line = hone_ones(HONE_F32, 3);
    CHECK_FAILS(hone_qr(line).q, HONE_E_SHAPE, "qr: at least 2 dims are wanted");
    CHECK_FAILS(hone_eigh(flat).values, HONE_E_SHAPE, "eigh: square matrices are wanted");
    CHECK_FAILS(hone_svd(hone_ones(HONE_I32, 2, 2)).s, HONE_E_DTYPE, "svd: f32 or f64 is wanted");
}

/* Equal values: theirs is a gradient, the vectors' isn't asked for. */
Test(linalg, degenerate_factors)
{
    const double nan = (double)NAN;
    hone_tensor *x = hone_requires_grad_(hone_eye(HONE_F64, 2, 2), true);
    CHECK_OK(hone_backward(hone_sum(hone_eigh(x).values)));
    CHECK_VALUES(hone_grad(x), HONE_F64, (2, 2), 1, 0, 0, 1);
    CHECK_OK(hone_set_grad(x, HONE_NONE));
    CHECK_OK(hone_backward(hone_sum(hone_svd(x).s)));
    CHECK_VALUES(hone_grad(x), HONE_F64, (2, 2), 1, 0, 0, 1);
    hone_tensor *y = hone_requires_grad_(T(HONE_F64, (2, 2), 1, 9, 2, 3), true);
    CHECK_OK(hone_backward(hone_sum(hone_eigh(y).vectors)));
    cr_expect(hone_equal(hone_transpose(hone_grad(y), 0, 1), hone_grad(y)));
    const hone_singular zero = hone_svd(hone_zeros(HONE_F32, 3, 2));
    CHECK_VALUES(zero.u, HONE_F32, (3, 2), 1, 0, 0, 1, 0, 0);
    CHECK_VALUES(zero.s, HONE_F32, (2), 0, 0);
    CHECK_VALUES(zero.vt, HONE_F32, (2, 2), 1, 0, 0, 1);
    CHECK_VALUES(hone_eigh(hone_full(HONE_F64, nan, 2, 2)).values, HONE_F64, (2), nan, nan);
    CHECK_VALUES(hone_svd(hone_full(HONE_F64, nan, 2, 2)).s, HONE_F64, (2), nan, nan);
}

/* What a matrix is made of, and that this is orthogonal; of a rank below the extents, too. */
Test(linalg, factors_make_the_matrix)
{
    hone_seed(5);
    hone_tensor *x = hone_matmul(hone_randn(HONE_F64, 90, 60), hone_randn(HONE_F64, 60, 70));
    const hone_singular s = hone_svd(x);
    cr_expect(hone_allclose(hone_matmul(hone_mul(s.u, s.s), s.vt), x, 0, 1e-11));
    hone_tensor *eye = hone_eye(HONE_F64, 70, 70);
    cr_expect(hone_allclose(hone_matmul(hone_transpose(s.u, 0, 1), s.u), eye, 0, 1e-11));
    cr_expect(hone_allclose(hone_matmul(s.vt, hone_transpose(s.vt, 0, 1)), eye, 0, 1e-12));
    hone_tensor *square = hone_matmul(hone_transpose(x, 0, 1), x);
    const hone_eigen e = hone_eigh(square);
    hone_tensor *made = hone_matmul(hone_mul(e.vectors, e.values), hone_transpose(e.vectors, 0, 1));
    cr_expect(hone_allclose(made, square, 0, 1e-8));
    const hone_q_r f = hone_qr(x);
    cr_expect(hone_allclose(hone_matmul(f.q, f.r), x, 0, 1e-11));
    cr_expect(hone_allclose(hone_matmul(hone_transpose(f.q, 0, 1), f.q), eye, 0, 1e-12));
}

Test(linalg, singular_matrices_are_named)
{
    CHECK_FAILS(hone_inverse(singular()), HONE_E_VALUE,
                "inverse: matrix 1 of f64 [2, 2, 2] is singular: 0 is pivot 2 of 2");
    CHECK_FAILS(hone_solve(singular(), hone_ones(HONE_F64, 2)), HONE_E_VALUE,
                "solve: matrix 1 of f64 [2, 2, 2] is singular: 0 is pivot 2 of 2");
    CHECK_FAILS(hone_cholesky(T(HONE_F32, (2, 2), 1, 9, 2, 4)), HONE_E_VALUE,
                "cholesky: matrix 0 of f32 [2, 2] is not positive definite: leading minor 2 of 2");
    CHECK_FAILS(hone_cholesky(T(HONE_F32, (1, 1), NAN)), HONE_E_VALUE, "leading minor 1 of 1");
}

/* As PyTorch's, but that det's gradient is the cofactors without a graph, too. */
Test(linalg, determinants_of_singular_matrices)
{
    const double inf = INFINITY;
    hone_tensor *x = hone_requires_grad_(singular(), true);
    hone_tensor *det = hone_det(x);
    CHECK_CLOSE(hone_detach(det), 1e-15, 1e-15, HONE_F64, (2), -2, 0);
    CHECK_OK(hone_backward(hone_sum(det)));
    CHECK_CLOSE(hone_grad(x), 1e-14, 1e-14, HONE_F64, (2, 2, 2), 4, -3, -2, 1, 4, -2, -2, 1);
    const hone_sign_log both = hone_slogdet(singular());
    CHECK_VALUES(both.sign, HONE_F64, (2), -1, 0);
    CHECK_CLOSE(both.logabsdet, 1e-15, 1e-15, HONE_F64, (2), log(2), -inf);
    hone_tensor *z = hone_requires_grad_(hone_zeros(HONE_F64, 3, 3), true);
    CHECK_OK(hone_backward(hone_det(z)));
    CHECK_VALUES(hone_grad(z), HONE_F64, (3, 3), 0, 0, 0, 0, 0, 0, 0, 0, 0);
    CHECK_VALUE0(hone_det(hone_zeros(HONE_F32, 0, 0)), HONE_F32, 1);
    hone_tensor *u = hone_requires_grad_(hone_select(singular(), 0, 1), true);
    CHECK_OK(hone_backward(hone_slogdet(u).logabsdet));
    CHECK_VALUE0(hone_all(hone_isinf(hone_grad(u))), HONE_BOOL, 1);
}

/* torch.linalg.solve_triangular doesn't look either. */
Test(linalg, zeros_on_the_diagonal_of_a_triangle_divide)
{
    hone_tensor *x = hone_solve_triangular(T(HONE_F32, (2, 2), 1, 7, 3, 0),
                                           hone_ones(HONE_F32, 2, 1), false, true, false);
    CHECK_VALUES(x, HONE_F32, (2, 1), 1, -INFINITY);
}

/* A product of a thousand pivots is out of f32's range, its logarithm isn't. */
Test(linalg, slogdet_where_det_overflows)
{
    hone_tensor *x = hone_mul_scalar(hone_eye(HONE_F32, 200, 200), -10);
    const hone_sign_log both = hone_slogdet(x);
    CHECK_VALUE0(hone_det(x), HONE_F32, INFINITY);
    CHECK_VALUE0(both.sign, HONE_F32, 1);
    cr_expect_float_eq(hone_item(both.logabsdet), 460.517, 1e-3);
}
