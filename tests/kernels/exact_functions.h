/* exact_functions.h: what the unary rows of kernels.def compute, in one type. (fragment: define
 * REAL, E(name), a name for a function, and F(name), the C library's function of the type) */

#define EXACT(name, value)                                                                         \
    static inline REAL E(name)(REAL x)                                                             \
    {                                                                                              \
        return value;                                                                              \
    }

EXACT(neg, -x)
EXACT(abs, F(fabs)(x))
EXACT(square, x *x)
EXACT(relu, x <= 0 ? 0 : x)
EXACT(sqrt, F(sqrt)(x))
EXACT(reciprocal, 1 / x)
EXACT(exp, F(exp)(x))
EXACT(log, F(log)(x))
EXACT(sigmoid, 1 / (1 + F(exp)(-x)))
EXACT(tanh, F(tanh)(x))
EXACT(log1p, F(log1p)(x))
EXACT(expm1, F(expm1)(x))
EXACT(rsqrt, 1 / F(sqrt)(x))
EXACT(sin, F(sin)(x))
EXACT(cos, F(cos)(x))
EXACT(tan, F(tan)(x))
EXACT(erf, F(erf)(x))
EXACT(asin, F(asin)(x))
EXACT(acos, F(acos)(x))
EXACT(atan, F(atan)(x))
EXACT(sinh, F(sinh)(x))
EXACT(cosh, F(cosh)(x))
EXACT(asinh, F(asinh)(x))
EXACT(acosh, F(acosh)(x))
EXACT(atanh, F(atanh)(x))
EXACT(log2, F(log2)(x))
EXACT(log10, F(log10)(x))
EXACT(exp2, F(exp2)(x))
EXACT(floor, F(floor)(x))
EXACT(ceil, F(ceil)(x))
EXACT(trunc, F(trunc)(x))
EXACT(round, F(nearbyint)(x))
EXACT(pow_3, F(pow)(x, 3))
EXACT(pow_4, F(pow)(x, 4))
EXACT(pow_minus_2, F(pow)(x, -2))
EXACT(pow_half, F(pow)(x, (REAL)0.5))
EXACT(pow_3_halves, F(pow)(x, (REAL)1.5))
EXACT(pow_minus_half, F(pow)(x, (REAL)-0.5))
EXACT(silu, isinf(x) && x < 0 ? (REAL)-0.0 : x / (1 + F(exp)(-x)))
EXACT(softplus, isnan(x) ? x : (x > 0 ? x : 0) + F(log1p)(F(exp)(-F(fabs)(x))))

/* erfc magnifies its argument's error by 2 z^2: what the rounding of z = -x sqrt(1/2) lost is made
 * good with its derivative. */
static inline REAL E(gelu)(REAL x)
{
    const REAL root = F(sqrt)((REAL)0.5), root_low = F(fma)(-root, root, (REAL)0.5) / (2 * root);
    if (isinf(x))
        return x < 0 ? (REAL)-0.0 : x;
    const REAL z = -x * root, rest = F(fma)(-x, root, -z) - x * root_low;
    const REAL slope = -2 / F(sqrt)(F(acos)(-1)) * F(exp)(-z * z);
    return (REAL)0.5 * x * (F(erfc)(z) + slope * rest);
}

static inline REAL E(gelu_tanh)(REAL x)
{
    const REAL k = 2 * F(sqrt)(2 / F(acos)(-1)), u = x + (REAL)0.044715L * x * x * x;
    return isinf(x) && x < 0 ? (REAL)-0.0 : x / (1 + F(exp)(-k * u));
}

/* The zero of erf(y) = x by Halley's steps; near 1 that of erfc(y) = 1 - x. */
static inline REAL E(erfinv)(REAL x)
{
    const REAL a = F(fabs)(x), rest = 1 - a;
    if (!(rest > 0))
        return rest == 0 ? F(copysign)((REAL)INFINITY, x) : (REAL)NAN;
    REAL y = a < (REAL)0.7 ? a : F(sqrt)(-F(log)(rest * (1 + a)));
    for (int i = 0; i < 30; i++) {
        const REAL off = a < (REAL)0.5 ? F(erf)(y) - a : rest - F(erfc)(y);
        const REAL step = off / (2 / F(sqrt)(F(acos)(-1)) * F(exp)(-y * y));
        y -= step / (1 + y * step);
    }
    return F(copysign)(y, x);
}

#undef EXACT
