/** @file math.h
 * More functions of one and two tensors, element by element; what ops.h says of ops holds here, too.
 * All are hone's own: the same bits on every machine. The errors named are bounds that tests check.
 */
#ifndef HONE_MATH_H
#define HONE_MATH_H

#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- of one; integers and bool give f32 */

/** Arc sine and arc cosine, within 2 ulp; NaN beyond 1. Grad: dy / sqrt(1 - x^2); minus that. */
HONE_API hone_tensor *hone_asin(hone_tensor *x);
HONE_API hone_tensor *hone_asin_(hone_tensor *x);
HONE_API hone_tensor *hone_acos(hone_tensor *x);
HONE_API hone_tensor *hone_acos_(hone_tensor *x);
/** Arc tangent, within 3 ulp. Grad: dy / (1 + x^2). */
HONE_API hone_tensor *hone_atan(hone_tensor *x);
HONE_API hone_tensor *hone_atan_(hone_tensor *x);
/** Hyperbolic sine and cosine, within 3 ulp. Grad: dy cosh(x); dy sinh(x). */
HONE_API hone_tensor *hone_sinh(hone_tensor *x);
HONE_API hone_tensor *hone_sinh_(hone_tensor *x);
HONE_API hone_tensor *hone_cosh(hone_tensor *x);
HONE_API hone_tensor *hone_cosh_(hone_tensor *x);
/** Their inverses and that of tanh, within 3 ulp. Grad: dy / sqrt(x^2 + 1); dy / sqrt(x^2 - 1); dy / (1 -
 * x^2). */
HONE_API hone_tensor *hone_asinh(hone_tensor *x);
HONE_API hone_tensor *hone_asinh_(hone_tensor *x);
HONE_API hone_tensor *hone_acosh(hone_tensor *x);
HONE_API hone_tensor *hone_acosh_(hone_tensor *x);
HONE_API hone_tensor *hone_atanh(hone_tensor *x);
HONE_API hone_tensor *hone_atanh_(hone_tensor *x);
/** Logarithms to base 2 (of powers of 2 exact) and 10, within 2 ulp. Grad: dy / (x ln 2); dy / (x ln 10).
 */
HONE_API hone_tensor *hone_log2(hone_tensor *x);
HONE_API hone_tensor *hone_log2_(hone_tensor *x);
HONE_API hone_tensor *hone_log10(hone_tensor *x);
HONE_API hone_tensor *hone_log10_(hone_tensor *x);
/** 2^x, within 1 ulp, of whole numbers exact. Grad: dy y ln 2. */
HONE_API hone_tensor *hone_exp2(hone_tensor *x);
HONE_API hone_tensor *hone_exp2_(hone_tensor *x);
/** The inverse of erf, within 4 ulp: inf at 1, NaN beyond. Grad: dy sqrt(pi) / 2 e^(y^2). Source: Giles,
 * Approximating the erfinv function (2010). */
HONE_API hone_tensor *hone_erfinv(hone_tensor *x);
HONE_API hone_tensor *hone_erfinv_(hone_tensor *x);
/** The logarithm of |gamma(x)|, f64 within 8 ulp for x > 0 (below, zeros lie where it cancels: within
 * 8e-16 of the larger part), f32 rounded from that. inf at 0 and negative whole numbers. Grad: dy
 * digamma(x). */
HONE_API hone_tensor *hone_lgamma(hone_tensor *x);
HONE_API hone_tensor *hone_lgamma_(hone_tensor *x);
/** The slope of lgamma, f64 within 8 ulp for x > 0, f32 rounded from that; at 0 an infinity, NaN at
 * negative whole numbers, as PyTorch. Grad: dy polygamma(x, 1). */
HONE_API hone_tensor *hone_digamma(hone_tensor *x);
HONE_API hone_tensor *hone_digamma_(hone_tensor *x);
/** The n-th derivative of digamma, n = 1 .. 60, computed in f64 within 1e-14 of its value. Grad: dy
 * polygamma(x, n + 1). HONE_E_VALUE: another n (also that of a gradient). */
HONE_API hone_tensor *hone_polygamma(hone_tensor *x, int64_t n);
/** To the nearest multiple of 10^-decimals (of two the even one), -300 .. 300: round(x 10^decimals) /
 * 10^decimals, each step rounded; integers stay where decimals is at least 0; no bool. Grad: 0. */
HONE_API hone_tensor *hone_round_decimals(hone_tensor *x, int64_t decimals);

/* ---- of two, broadcast */

/** The angle of the point (b, a), within 3 ulp, in all four quadrants as C17's annex F has it; integers
 * give f32. Grad: da = dy b / (a^2 + b^2), db = -dy a / (a^2 + b^2), 0 at the origin. */
HONE_API hone_tensor *hone_atan2(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_atan2_(hone_tensor *a, hone_tensor *b);
/** sqrt(a^2 + b^2), within 2 ulp, without overflow; integers give f32. Grad: da = dy a / y, db = dy b / y.
 */
HONE_API hone_tensor *hone_hypot(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_hypot_(hone_tensor *a, hone_tensor *b);
/** |a| with the sign of b, that of a zero or NaN, too; integers give f32. Grad: da = dy, or -dy where the
 * sign changed, 0 where a is 0; db = 0. */
HONE_API hone_tensor *hone_copysign(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_copysign_(hone_tensor *a, hone_tensor *b);
/** x log(y), 0 where x is 0 and y is no NaN; integers give f32. Grad: dx = dy log(y), 0 where x is 0 and y
 * <= 0; dy x / y. */
HONE_API hone_tensor *hone_xlogy(hone_tensor *x, hone_tensor *y);
/** 0, values or 1 where x is below 0 (or NaN, as in PyTorch), at 0 or above it. HONE_E_DTYPE: two dtypes.
 * No gradient. */
HONE_API hone_tensor *hone_heaviside(hone_tensor *x, hone_tensor *values);
/** a / b to a whole number, down (floor_divide) or towards 0: PyTorch's rounding_mode. Integers by 0:
 * HONE_E_VALUE; no bool. The number s takes the tensor's dtype as of hone_add_scalar. Grad: 0. */
HONE_API hone_tensor *hone_floor_divide(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_floor_divide_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_floor_divide_(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_floor_divide_scalar_(hone_tensor *x, double s);
HONE_API hone_tensor *hone_trunc_divide(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_trunc_divide_scalar(hone_tensor *x, double s);
HONE_API hone_tensor *hone_trunc_divide_(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_trunc_divide_scalar_(hone_tensor *x, double s);

/* ---- bits of integers and bool; no gradient. HONE_E_DTYPE: floats */

/** ~x; of bool: not. */
HONE_API hone_tensor *hone_bitwise_not(hone_tensor *x);
/** And, or, exclusive or. A number must fit the dtype (HONE_E_VALUE); bool beside another than 0 and 1 gives
 * i64. */
HONE_API hone_tensor *hone_bitwise_and(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_and_scalar(hone_tensor *x, int64_t s);
HONE_API hone_tensor *hone_bitwise_and_(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_and_scalar_(hone_tensor *x, int64_t s);
HONE_API hone_tensor *hone_bitwise_or(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_or_scalar(hone_tensor *x, int64_t s);
HONE_API hone_tensor *hone_bitwise_or_(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_or_scalar_(hone_tensor *x, int64_t s);
HONE_API hone_tensor *hone_bitwise_xor(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_xor_scalar(hone_tensor *x, int64_t s);
HONE_API hone_tensor *hone_bitwise_xor_(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_xor_scalar_(hone_tensor *x, int64_t s);
/** a moved by b bits; below 0 and from the width on nothing is left but, to the right, the sign. No bool. */
HONE_API hone_tensor *hone_bitwise_left_shift(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_left_shift_scalar(hone_tensor *x, int64_t s);
HONE_API hone_tensor *hone_bitwise_left_shift_(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_left_shift_scalar_(hone_tensor *x, int64_t s);
HONE_API hone_tensor *hone_bitwise_right_shift(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_right_shift_scalar(hone_tensor *x, int64_t s);
HONE_API hone_tensor *hone_bitwise_right_shift_(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bitwise_right_shift_scalar_(hone_tensor *x, int64_t s);

#ifdef __cplusplus
}
#endif
#endif
