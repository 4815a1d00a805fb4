/* integers.h: arithmetic and reductions of i64, i32 and u8, wrapping. (fragment: T, P(name), T_MIN,
 * T_MAX, and T_WIDE, an unsigned type that C's promotions leave alone) */

HONE__INLINE T P(neg)(T x)
{
    return (T)(0 - (T_WIDE)x);
}
HONE__INLINE T P(abs)(T x)
{
    return x > 0 ? x : P(neg)(x);
}
HONE__INLINE T P(square)(T x)
{
    return (T)((T_WIDE)x * (T_WIDE)x);
}
HONE__INLINE T P(pow_3)(T x)
{
    return (T)((T_WIDE)x * (T_WIDE)x * (T_WIDE)x);
}
HONE__INLINE T P(pow_4)(T x)
{
    return P(square)(P(square)(x));
}
HONE__INLINE T P(relu)(T x)
{
    return x > 0 ? x : 0;
}
HONE__INLINE T P(add)(T a, T b)
{
    return (T)((T_WIDE)a + (T_WIDE)b);
}
HONE__INLINE T P(sub)(T a, T b)
{
    return (T)((T_WIDE)a - (T_WIDE)b);
}
HONE__INLINE T P(mul)(T a, T b)
{
    return (T)((T_WIDE)a * (T_WIDE)b);
}
HONE__INLINE T P(div)(T a, T b)
{
    if (b == 0)
        return 0;
    return b == (T)-1 && T_MIN < 0 ? P(neg)(a) : (T)(a / b);
}
HONE__INLINE T P(maximum)(T a, T b)
{
    return a > b ? a : b;
}
HONE__INLINE T P(minimum)(T a, T b)
{
    return a < b ? a : b;
}
HONE__INLINE T P(pow)(T base, T exponent)
{
    if (exponent != 0 && !(exponent > 0)) /* u8 has no such case */
        return base == 1 ? 1 : base != (T)-1 ? 0 : exponent % 2 == 0 ? 1 : base;
    T_WIDE power = 1, square = (T_WIDE)base;
    for (; exponent > 0; exponent /= 2, square *= square)
        if (exponent % 2 == 1)
            power *= square;
    return (T)power;
}

HONE__INLINE void P(map1)(int64_t n, void *yv, int64_t sy, const void *xv, int64_t sx, T (*op)(T))
{
    T *y = yv;
    const T *x = xv;
    if (sy == 1 && sx == 1) {
        for (int64_t i = 0; i < n; i++)
            y[i] = op(x[i]);
    } else {
        for (int64_t i = 0; i < n; i++)
            y[i * sy] = op(x[i * sx]);
    }
}

HONE__INLINE void P(map2)(int64_t n, void *outv, int64_t so, const void *av, int64_t sa,
                          const void *bv, int64_t sb, T (*op)(T, T))
{
    T *out = outv;
    const T *a = av, *b = bv;
    if (so == 1 && sa == 1 && sb == 1) {
        for (int64_t i = 0; i < n; i++)
            out[i] = op(a[i], b[i]);
    } else {
        for (int64_t i = 0; i < n; i++)
            out[i * so] = op(a[i * sa], b[i * sb]);
    }
}

#define UNARY(name)                                                                                \
    static void P(k_##name)(int64_t n, void *y, int64_t sy, const void *x, int64_t sx)             \
    {                                                                                              \
        P(map1)(n, y, sy, x, sx, P(name));                                                         \
    }
#define BINARY(name)                                                                               \
    static void P(k_##name)(int64_t n, void *out, int64_t so, const void *a, int64_t sa,           \
                            const void *b, int64_t sb)                                             \
    {                                                                                              \
        P(map2)(n, out, so, a, sa, b, sb, P(name));                                                \
    }

/* the rows with integers */
#define UNARY_REALS(name)
#define UNARY_NUMBERS(name) UNARY(name)
#define BINARY_REALS(name)
#define BINARY_NUMBERS(name) BINARY(name)
#define BINARY_OR(name)      BINARY(name)
#define BINARY_AND(name)     BINARY(name)

#define UNARY_KERNEL(NAME, name, dtypes, ...)  UNARY_##dtypes(name)
#define BINARY_KERNEL(NAME, name, dtypes, ...) BINARY_##dtypes(name)
#include "kernels/kernels.def"

#undef UNARY
#undef UNARY_REALS
#undef UNARY_NUMBERS
#undef BINARY
#undef BINARY_REALS
#undef BINARY_NUMBERS
#undef BINARY_OR
#undef BINARY_AND
