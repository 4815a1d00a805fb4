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
