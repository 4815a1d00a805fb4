/* slopes.h: derivatives of gelu, gelu_tanh and silu, times dy. (fragment: real_begin.h, the math of
 * the type)
 *
 * The slopes f'(x) and f'(-x) add up to 1: one is t(|x|), the other 1 - t(|x|), and t falls to 0.
 * |x| stops where t has done so, which keeps infinities away. */

HONE__INLINE VREAL R(slope)(VREAL dy, VREAL x, VREAL t)
{
    const VREAL slope = R(select)(R(lt)(x, R(set)(0)), t, R(sub)(R(set)(1), t));
    return R(mul)(dy, slope);
}

HONE__INLINE VREAL R(size_up_to)(VREAL x, REAL limit)
{
    const VREAL a = R(abs)(x), most = R(set)(limit);
    return R(select)(R(gt)(a, most), most, a); /* a NaN stays */
}

/* t = 1 - N(a) - a N'(a), N the normal distribution: e^(-a^2/2) (H(s) / (a + 3) - a / sqrt(2 pi))
 */
HONE__INLINE VREAL R(gelu_backward)(VREAL dy, VREAL x)
{
    R(int) n;
    const VREAL a = R(size_up_to)(x, HONE__REAL_IS_F64 ? 39 : 15), e = R(bell_parts)(a, &n);
    const VREAL inverse = R(div)(R(set)(1), R(add)(a, R(set)(R(GELU_SHIFT))));
    const VREAL minus_density = R(set)((REAL)-0.39894228040143267794);
    const VREAL rest = R(mul)(R(gelu_tail)(R(mul)(a, inverse)), inverse);
    const VREAL u = R(fma)(minus_density, a, rest);
    return R(slope)(dy, x, R(scale)(R(fma)(u, e, u), n));
}

/* Of x s(w), s the sigmoid, with e^-|w| = e and |x| w' = xdw: t = s(-|w|) (1 - xdw s(|w|)) */
HONE__INLINE VREAL R(gate_slope)(VREAL dy, VREAL x, VREAL e, VREAL xdw)
{
    const VREAL one = R(set)(1), s = R(div)(one, R(add)(one, e)), q = R(mul)(e, s);
    return R(slope)(dy, x, R(fnma)(R(mul)(xdw, s), q, q));
}

HONE__INLINE VREAL R(silu_backward)(VREAL dy, VREAL x)
{
    const VREAL a = R(size_up_to)(x, HONE__REAL_IS_F64 ? 800 : 120);
    return R(gate_slope)(dy, x, R(exp)(R(neg)(a)), a);
}

HONE__INLINE VREAL R(gelu_tanh_backward)(VREAL dy, VREAL x)
{
    R(int) n;
    VREAL w_low;
    const VREAL a = R(size_up_to)(x, HONE__REAL_IS_F64 ? 22 : 11);
    const VREAL w = R(gelu_tanh_gate)(a, &w_low);
    const VREAL p = R(exp_parts_corrected)(R(neg)(w), R(neg)(w_low), &n);
    const double k = 1.59576912160573071176;
    const VREAL dw = R(fma)(R(set)((REAL)(3 * 0.044715 * k)), R(mul)(a, a), R(set)((REAL)k));
    return R(gate_slope)(dy, x, R(scale)(p, n), R(mul)(a, dw));
}

HONE__INLINE VREAL R(softplus_backward)(VREAL dy, VREAL x)
{
    return R(mul)(dy, R(sigmoid)(x));
}
