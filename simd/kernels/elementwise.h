/* elementwise.h: the unary and binary kernels of kernels.def for f32 and f64. (fragment:
 * real_begin.h, map.h, the math of the type) */

HONE__INLINE VREAL R(square)(VREAL x)
{
    return R(mul)(x, x);
}

HONE__INLINE VREAL R(relu)(VREAL x)
{
    return R(select)(R(le)(x, R(set)(0)), R(set)(0), x);
}

HONE__INLINE VREAL R(reciprocal)(VREAL x)
{
    return R(div)(R(set)(1), x);
}

HONE__INLINE VREAL R(rsqrt)(VREAL x)
{
    return R(div)(R(set)(1), R(sqrt)(x));
}

HONE__INLINE VREAL R(round)(VREAL x)
{
    return R(whole_near)(x);
}

HONE__INLINE VREAL R(trunc)(VREAL x)
{
    return R(whole_within)(x);
}

HONE__INLINE VREAL R(floor)(VREAL x)
{
    return R(whole_below)(x);
}

HONE__INLINE VREAL R(ceil)(VREAL x)
{
    return R(neg)(R(floor)(R(neg)(x)));
}

/* ---- powers with a way that is faster than pow and within its bound: their intermediate results
 * overflow, or lose digits in the subnormals, only where the last one is past the ends too */

HONE__INLINE VREAL R(pow_3)(VREAL x)
{
    return R(mul)(R(mul)(x, x), x);
}

HONE__INLINE VREAL R(pow_4)(VREAL x)
{
    return R(square)(R(square)(x));
}

HONE__INLINE VREAL R(pow_minus_2)(VREAL x)
{
    return R(square)(R(reciprocal)(x));
}

/* As sqrt, but annex F wants +0 for -0 and inf for -inf. */
HONE__INLINE VREAL R(pow_half)(VREAL x)
{
    const VREAL inf = R(set)((REAL)INFINITY), root = R(sqrt)(R(add)(x, R(set)(0)));
    return R(select)(R(eq)(x, R(neg)(inf)), inf, root);
}

HONE__INLINE VREAL R(pow_3_halves)(VREAL x)
{
    return R(mul)(R(abs)(x), R(pow_half)(x));
}

HONE__INLINE VREAL R(pow_minus_half)(VREAL x)
{
    return R(reciprocal)(R(pow_half)(x));
}

HONE__INLINE VREAL R(maximum)(VREAL a, VREAL b)
{
    return R(max)(a, b);
}

HONE__INLINE VREAL R(minimum)(VREAL a, VREAL b)
{
    return R(min)(a, b);
}

/* ---- fused: what would be several ops, in one pass */

HONE__INLINE VREAL R(relu_backward)(VREAL dy, VREAL y)
{
    return R(select)(R(le)(y, R(set)(0)), R(set)(0), dy); /* dy where y is NaN, as PyTorch */
}

HONE__INLINE VREAL R(sigmoid_backward)(VREAL dy, VREAL y)
{
    return R(mul)(dy, R(mul)(y, R(sub)(R(set)(1), y)));
}

HONE__INLINE VREAL R(tanh_backward)(VREAL dy, VREAL y)
{
    return R(mul)(dy, R(fnma)(y, y, R(set)(1)));
}

#if !HONE__REAL_IS_F64
/* pow is made of doubles and rounded: through a buffer, because half as many fit a vector. Strides of
 * 1 are loops of their own. */
HONE__INLINE void f32_widen(int64_t n, double *to, const float *from, int64_t stride)
{
    if (stride == 1) {
        for (int64_t i = 0; i < n; i++)
            to[i] = (double)from[i];
    } else {
        for (int64_t i = 0; i < n; i++)
            to[i] = (double)from[i * stride];
    }
}

HONE__INLINE void f32_narrow(int64_t n, float *to, int64_t stride, const double *from)
{
    if (stride == 1) {
        for (int64_t i = 0; i < n; i++)
            to[i] = (float)from[i];
    } else {
        for (int64_t i = 0; i < n; i++)
            to[i * stride] = (float)from[i];
    }
}

static void f32_k_pow(int64_t n, void *out, int64_t so, const void *a, int64_t sa, const void *b,
                      int64_t sb)
{
    const float *x = a, *y = b;
    float *power = out;
    double base[STAGE], exponent[STAGE];
    for (int64_t i = 0; i < n; i += STAGE) {
        const int64_t m = n - i < STAGE ? n - i : STAGE;
        f32_widen(m, base, x + i * sa, sa);
        f32_widen(m, exponent, y + i * sb, sb);
        f64_dense_short_pow(m, base, base, exponent);
        f32_narrow(m, power + i * so, so, base);
    }
}
#endif

#define UNARY(name)                                                                                \
    static void R(dense_##name)(int64_t n, REAL * y, const REAL *x)                                \
    {                                                                                              \
        R(map1_dense)(n, y, x, R(name));                                                           \
    }                                                                                              \
    static void R(k_##name)(int64_t n, void *y, int64_t sy, const void *x, int64_t sx)             \
    {                                                                                              \
        if (sy == 1 && sx == 1)                                                                    \
            R(dense_##name)(n, y, x);                                                              \
        else                                                                                       \
            R(staged1)(n, y, sy, x, sx, R(dense_##name));                                          \
    }
#define DENSE2(name)                                                                               \
    static void R(dense_##name)(int64_t n, REAL * out, const REAL *a, const REAL *b)               \
    {                                                                                              \
        R(map2_dense)(n, out, a, b, R(name));                                                      \
    }
#define BINARY_DENSE(name)                                                                         \
    DENSE2(name)                                                                                   \
    static void R(k_##name)(int64_t n, void *out, int64_t so, const void *a, int64_t sa,           \
                            const void *b, int64_t sb)                                             \
    {                                                                                              \
        if (so == 1 && sa == 1 && sb == 1)                                                         \
            R(dense_##name)(n, out, a, b);                                                         \
        else                                                                                       \
            R(staged2)(n, out, so, a, sa, b, sb, R(dense_##name));                                 \
    }
/* A cheap one is worth loops of its own for an operand that is one number. */
#define BINARY_BROADCAST(name)                                                                     \
    DENSE2(name)                                                                                   \
    static void R(k_##name)(int64_t n, void *out, int64_t so, const void *a, int64_t sa,           \
                            const void *b, int64_t sb)                                             \
    {                                                                                              \
        if (so == 1 && sa == 1 && sb == 1)                                                         \
            R(dense_##name)(n, out, a, b);                                                         \
        else if (so == 1 && sa == 1 && sb == 0 && n > 0)                                           \
            R(map2_right)(n, out, a, *(const REAL *)b, R(name));                                   \
        else if (so == 1 && sa == 0 && sb == 1 && n > 0)                                           \
            R(map2_left)(n, out, *(const REAL *)a, b, R(name));                                    \
        else                                                                                       \
            R(staged2)(n, out, so, a, sa, b, sb, R(dense_##name));                                 \
    }

#define BINARY_OWN(name)

#define UNARY_KERNEL(NAME, name, ...)                             UNARY(name)
#define BINARY_KERNEL(NAME, name, dtypes, cost, past, loops, ...) BINARY_##loops(name)
#include "kernels/kernels.def"

#if HONE__REAL_IS_F64
BINARY_DENSE(pow)
DENSE2(short_pow)
#endif

#undef UNARY
#undef DENSE2
#undef BINARY_DENSE
#undef BINARY_BROADCAST
#undef BINARY_OWN

static void R(k_add_scaled)(int64_t n, void *outv, int64_t so, const void *av, int64_t sa,
                            const void *bv, int64_t sb, double factor)
{
    REAL *out = outv, left[STAGE], right[STAGE];
    const REAL *a = av, *b = bv;
    const REAL s = (REAL)factor;
    const VREAL vs = R(set)(s);
    const bool dense = so == 1 && sa == 1 && sb == 1;
    for (int64_t i = 0; i < n; i += STAGE) {
        const int64_t m = n - i < STAGE ? n - i : STAGE;
        const REAL *p = a + i, *q = b + i;
        REAL *to = out + i;
        if (!dense) {
            R(gather)(m, left, a + i * sa, sa);
            R(gather)(m, right, b + i * sb, sb);
            p = to = left;
            q = right;
        }
        int64_t j = 0;
        for (; j + LANES <= m; j += LANES)
            R(store)(to + j, R(fma)(vs, R(load)(q + j), R(load)(p + j)));
        if (j < m) {
            const VREAL x = R(load_n)(q + j, m - j, vs), y = R(load_n)(p + j, m - j, vs);
            R(store_n)(to + j, R(fma)(vs, x, y), m - j);
        }
        if (!dense)
            R(scatter)(m, out + i * so, so, left);
    }
}

/* ---- those that wait for memory, with a result that goes past the caches ---- */

#if CAN_GO_PAST
#define UNARY_PAST(name)                                                                           \
    static void R(past_##name)(int64_t n, void *y, int64_t sy, const void *x, int64_t sx)          \
    {                                                                                              \
        (void)sy, (void)sx;                                                                        \
        R(map1_past)(n, y, x, R(name), R(k_##name));                                               \
    }
#define BINARY_PAST(name)                                                                          \
    static void R(past_##name)(int64_t n, void *out, int64_t so, const void *a, int64_t sa,        \
                               const void *b, int64_t sb)                                          \
    {                                                                                              \
        (void)so;                                                                                  \
        R(map2_past)(n, out, a, sa, b, sb, R(name), R(k_##name));                                  \
    }

#define UNARY_CACHED(name)
#define BINARY_CACHED(name)

#define UNARY_KERNEL(NAME, name, dtypes, cost, past, ...)  UNARY_##past(name)
#define BINARY_KERNEL(NAME, name, dtypes, cost, past, ...) BINARY_##past(name)
#include "kernels/kernels.def"

#undef UNARY_PAST
#undef UNARY_CACHED
#undef BINARY_PAST
#undef BINARY_CACHED
#endif
