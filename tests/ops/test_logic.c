/* test_logic.c: rounding at its edges, truth values, nan_to_num, logaddexp, diagonals: PyTorch's corners. */
#include "support.h"

#include <hone/hone.h>

#include <float.h>
#include <math.h>

SUITE(logic);

/* Zeros with their signs, numbers that are whole already, halves, neighbours of whole numbers. */
static void rounds(hone_dtype dtype, double whole)
{
    const double all[] = { 0,
                           -0.0,
                           0.25,
                           -0.25,
                           0.5,
                           -0.5,
                           0.75,
                           -0.75,
                           1,
                           -1,
                           1.5,
                           -1.5,
                           2.5,
                           -2.5,
                           3.5,
                           whole - 0.5,
                           0.5 - whole,
                           whole,
                           -whole,
                           whole + 1,
                           2 * whole + 2,
                           (double)INFINITY,
                           -(double)INFINITY,
                           (double)FLT_MIN,
                           -(double)FLT_MIN };
    const int n = sizeof all / sizeof *all;
    hone_tensor *x = hone_to(hone_from_data(HONE_F64, all, n), dtype);
    hone_tensor *const got[] = { hone_floor(x), hone_ceil(x), hone_trunc(x), hone_round(x) };
    for (int i = 0; i < n; i++) {
        const double v = hone_at(x, i), want[] = { floor(v), ceil(v), trunc(v), nearbyint(v) };
        for (int k = 0; k < 4; k++) {
            const double y = hone_at(got[k], i);
            cr_expect(y == want[k] && !signbit(y) == !signbit(want[k]), "%d of %g: %g", k, v, y);
        }
    }
}

Test(logic, rounding)
{
    rounds(HONE_F32, 0x1p23);
    rounds(HONE_F64, 0x1p52);
    cr_expect(isnan(hone_item(hone_floor(hone_scalar(HONE_F32, (double)NAN)))));
    CHECK_VALUES(hone_round(T(HONE_F64, (4), .5, 1.5, 2.5, -.5)), HONE_F64, (4), 0, 2, 2, -0.0);
    CHECK_VALUES(hone_floor(T(HONE_I64, (2), -3, 4)), HONE_I64, (2), -3, 4);
    hone_tensor *x = T(HONE_F32, (2), 1.5, -1.5);
    cr_expect_eq(hone_trunc_(x), x);
    CHECK_VALUES(x, HONE_F32, (2), 1, -1);
    CHECK_VALUES(hone_frac(T(HONE_F32, (2), 1.25, -1.25)), HONE_F32, (2), 0.25, -0.25);
    CHECK_FAILS(hone_ceil(hone_zeros(HONE_BOOL, 2)), HONE_E_DTYPE, "ceil: bool [2] isn't possible");
    CHECK_FAILS(hone_frac(hone_zeros(HONE_I64, 2)), HONE_E_DTYPE, "frac: needs f32 or f64");
}

Test(logic, truth)
{
    hone_tensor *x = T(HONE_F32, (4), NAN, INFINITY, -INFINITY, 0);
    CHECK_VALUES(hone_isnan(x), HONE_BOOL, (4), 1, 0, 0, 0);
    CHECK_VALUES(hone_isinf(x), HONE_BOOL, (4), 0, 1, 1, 0);
    CHECK_VALUES(hone_isfinite(x), HONE_BOOL, (4), 0, 0, 0, 1);
    CHECK_VALUES(hone_logical_not(x), HONE_BOOL, (4), 0, 0, 0, 1);
    CHECK_VALUES(hone_isfinite(hone_zeros(HONE_BOOL, 1)), HONE_BOOL, (1), 1);
    CHECK_VALUES(hone_logical_xor(x, T(HONE_I64, (1), 2)), HONE_BOOL, (4), 0, 0, 0, 1);
    CHECK_FAILS(hone_logical_and(x, hone_zeros(HONE_F32, 3)), HONE_E_SHAPE, "logical_and");
}

Test(logic, nan_to_num)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F32, (4), NAN, INFINITY, -INFINITY, 2), true);
    hone_tensor *y = hone_nan_to_num(x, 0, (double)INFINITY, -(double)INFINITY);
    CHECK_VALUES(hone_detach(y), HONE_F32, (4), 0, (double)FLT_MAX, -(double)FLT_MAX, 2);
    CHECK_OK(hone_backward(hone_sum(y)));
    CHECK_VALUES(hone_grad(x), HONE_F32, (4), 0, 0, 0, 1);
    CHECK_VALUES(hone_nan_to_num(T(HONE_I64, (1), 7), 0, 1, 2), HONE_I64, (1), 7);
}

Test(logic, logaddexp)
{
    hone_tensor *a = T(HONE_F64, (4), INFINITY, -INFINITY, -INFINITY, 1000);
    hone_tensor *b = T(HONE_F64, (4), INFINITY, -INFINITY, 3, 1000);
    CHECK_CLOSE(hone_logaddexp(a, b), 1e-15, 0, HONE_F64, (4), INFINITY, -INFINITY, 3,
                1000 + log(2));
    hone_requires_grad_(a, true);
    CHECK_OK(hone_backward(hone_sum(hone_logaddexp(a, b))));
    cr_expect(isnan(hone_at(hone_grad(a), 1)));
    cr_expect_eq(hone_at(hone_grad(a), 2), 0);
    cr_expect_eq(hone_at(hone_grad(a), 3), 0.5);
    CHECK_FAILS(hone_logaddexp(hone_ones(HONE_I64, 2), hone_ones(HONE_I64, 2)), HONE_E_DTYPE,
                "logaddexp: floats are wanted");
}

Test(logic, views)
{
    hone_tensor *x = hone_zeros(HONE_F32, 2, 3);
    hone_fill_(hone_diagonal(x, 1, 0, 1), 5);
    CHECK_VALUES(x, HONE_F32, (2, 3), 0, 5, 0, 0, 0, 5);
    cr_expect_eq(hone_numel(hone_diagonal(x, INT64_MIN, 0, 1)), 0);
    cr_expect_eq(hone_numel(hone_diagonal(x, INT64_MAX, 0, 1)), 0);
    CHECK_FAILS(hone_diagonal(x, 0, 0, -2), HONE_E_SHAPE,
                "diagonal: two dims are wanted, got 0 and -2");
    CHECK_FAILS(hone_diagonal(x, 0, 0, 2), HONE_E_SHAPE, "diagonal: dim 2");
    CHECK_FAILS(hone_diagonal(hone_ones(HONE_F32, 3), 0, 0, 1), HONE_E_SHAPE, "diagonal: two dims");
    CHECK_FAILS(hone_movedim(x, 0, 2), HONE_E_SHAPE, "movedim: dim 2");
    hone_tensor *y = hone_requires_grad_(T(HONE_F64, (2, 2), 1, 2, 3, 4), true);
    hone_tensor_list rows = hone_unbind(y, 1);
    cr_assert_eq(rows.n, 2, "%s", hone_error_message());
    CHECK_VALUES(hone_detach(rows.at[1]), HONE_F64, (2), 2, 4);
    CHECK_OK(hone_backward(hone_sum(hone_mul(rows.at[0], rows.at[1]))));
    CHECK_VALUES(hone_grad(y), HONE_F64, (2, 2), 2, 1, 4, 3);
    cr_assert_null(hone_unbind(hone_scalar(HONE_F32, 1), 0).at);
    CHECK_ERROR(HONE_E_SHAPE, "unbind");
    cr_assert_null(hone_unbind(x, 2).at);
    CHECK_ERROR(HONE_E_SHAPE, "unbind: dim 2");
}

/* Against the C library's, which is exact, too: far apart, subnormal, special. */
Test(logic, remainders)
{
    const double all[] = { 0,
                           -0.0,
                           1,
                           -1,
                           5,
                           -5,
                           3,
                           -3,
                           0.1,
                           1e300,
                           -1e300,
                           0x1p-1074,
                           0x1.8p-1060,
                           -0x1.921fbp-1022,
                           0x1.fffffffffffffp1023,
                           1e-300,
                           (double)INFINITY,
                           -(double)INFINITY,
                           (double)NAN,
                           0x1p52,
                           0x1.921fb54442d18p1 };
    const int n = sizeof all / sizeof *all;
    hone_tensor *x = hone_from_data(HONE_F64, all, n);
    hone_tensor *y = hone_fmod(hone_unsqueeze(x, 1), x),
                *z = hone_remainder(hone_unsqueeze(x, 1), x);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            const double f = fmod(all[i], all[k]), got = hone_at(y, i, k);
            const double r = f != 0 && (all[k] < 0) != (f < 0) ? f + all[k] : f;
            cr_expect((isnan(f) && isnan(got)) || (f == got && !signbit(f) == !signbit(got)),
                      "fmod(%a, %a) is %a, not %a", all[i], all[k], got, f);
            cr_expect((isnan(r) && isnan(hone_at(z, i, k))) || hone_at(z, i, k) == r,
                      "remainder(%a, %a) is %a, not %a", all[i], all[k], hone_at(z, i, k), r);
        }
    hone_tensor *a = T(HONE_I64, (3), -5, 5, -5), *b = T(HONE_I64, (3), 3, -3, -3);
    CHECK_VALUES(hone_remainder(a, b), HONE_I64, (3), 1, -1, -2);
    CHECK_VALUES(hone_fmod(a, b), HONE_I64, (3), -2, 2, -2);
    hone_tensor *least = hone_from_data(HONE_I64, ((const int64_t[]){ INT64_MIN }), 1);
    CHECK_VALUES(hone_fmod_scalar(least, -1), HONE_I64, (1), 0);
    CHECK_VALUES(hone_remainder_scalar(T(HONE_U8, (2), 7, 200), 6), HONE_U8, (2), 1, 2);
    CHECK_FAILS(hone_remainder(a, T(HONE_I64, (3), 1, 0, 1)), HONE_E_VALUE,
                "remainder: a division of integers by 0");
    CHECK_FAILS(hone_fmod_scalar(a, 0), HONE_E_VALUE, "fmod_scalar: a division of integers by 0");
    CHECK_FAILS(hone_fmod(hone_zeros(HONE_BOOL, 2), hone_ones(HONE_BOOL, 2)), HONE_E_DTYPE, "bool");
    CHECK_FAILS(hone_fmod_(a, hone_ones(HONE_F32, 3)), HONE_E_DTYPE, "fmod_");
    CHECK_FAILS(hone_fmod(a, hone_ones(HONE_I64, 2)), HONE_E_SHAPE, "fmod");
}

Test(logic, nonzero)
{
    CHECK_VALUES(hone_nonzero(T(HONE_F32, (2, 2), 0, NAN, -0.0, 3)), HONE_I64, (2, 2), 0, 1, 1, 1);
    hone_tensor *none = hone_nonzero(hone_zeros(HONE_F32, 2, 3));
    cr_expect(hone_size(none, 0) == 0 && hone_size(none, 1) == 2);
    none = hone_nonzero(hone_scalar(HONE_F32, 5));
    cr_expect(hone_size(none, 0) == 1 && hone_size(none, 1) == 0);
}

Test(logic, creation)
{
    CHECK_VALUES(hone_linspace(HONE_I64, -1, 1, 4), HONE_I64, (4), -1, 0, 0, 1);
    CHECK_VALUES(hone_linspace(HONE_F32, 0, 1, 5), HONE_F32, (5), 0, 0.25, 0.5, 0.75, 1);
    CHECK_VALUES(hone_linspace(HONE_F64, 3, 9, 1), HONE_F64, (1), 3);
    cr_expect_eq(hone_numel(hone_linspace(HONE_F64, 3, 9, 0)), 0);
    hone_tensor *x = hone_linspace(HONE_F64, 0.1, 0.7, 1001);
    cr_expect_eq(hone_at(x, 1000), 0.7);
    CHECK_FAILS(hone_linspace(HONE_F64, 0, 1, -1), HONE_E_VALUE, "linspace: -1 steps");
    CHECK_FAILS(hone_linspace(HONE_U8, 0, 300, 3), HONE_E_VALUE,
                "linspace: 300 doesn't fit into u8");
    CHECK_VALUES(hone_full_like(hone_zeros(HONE_I32, 2), 7), HONE_I32, (2), 7, 7);
    CHECK_FAILS(hone_full_like(hone_zeros(HONE_U8, 2), -1), HONE_E_VALUE, "full_like");
}

/* Rows of f32 go by f64 where their quotients are small. */
Test(logic, rests_of_rows)
{
    hone_tensor *x = hone_sub_scalar(hone_arange(HONE_F32, 0, 600, 1), 300);
    hone_tensor *large = hone_mul_scalar(x, 1e30);
    cr_expect(hone_equal(hone_fmod_scalar(x, (double)INFINITY), x));
    cr_expect_eq(hone_item(hone_all(hone_isnan(hone_fmod_scalar(x, -0.0)))), 1);
    hone_tensor *const of[] = { x, large };
    for (int i = 0; i < 2; i++) {
        hone_tensor *wide = hone_to(of[i], HONE_F64);
        cr_expect(
            hone_equal(hone_fmod_scalar(of[i], 7), hone_to(hone_fmod_scalar(wide, 7), HONE_F32)));
        cr_expect(hone_equal(hone_remainder_scalar(of[i], -2.5),
                             hone_to(hone_remainder_scalar(wide, -2.5), HONE_F32)));
        cr_expect(hone_equal(hone_floor_divide_scalar(of[i], 2.5),
                             hone_to(hone_floor_divide_scalar(wide, 2.5), HONE_F32)));
    }
}
