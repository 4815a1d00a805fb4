/* formulas.h: the formulas of kernels.def: several steps an element, which ops on whole tensors would
 * take one after the other. Each step rounds as that op does. (fragment: real_begin.h, map.h,
 * elementwise.h, the math of the type) */

/* x: the operands, s: the numbers */
typedef VREAL (*R(formula))(const VREAL *x, const VREAL *s);

/* ---- the loops: an operand that isn't dense comes through a buffer, as in map.h */

HONE__INLINE void R(formula_dense)(int64_t n, REAL *y, const REAL *const *x, int inputs,
                                   const VREAL *s, R(formula) f)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        VREAL v[3];
        for (int k = 0; k < inputs; k++)
            v[k] = R(load)(x[k] + i);
        R(store)(y + i, f(v, s));
    }
    if (i < n) {
        VREAL v[3];
        for (int k = 0; k < inputs; k++)
            v[k] = R(load_n)(x[k] + i, n - i, R(set)(1));
        R(store_n)(y + i, f(v, s), n - i);
    }
}

HONE__INLINE void R(run_formula)(const double *numbers, int64_t n, char *const *at,
                                 const int64_t *stride, int inputs, R(formula) f)
{
    VREAL s[HONE__FORMULA_NUMBERS];
    for (int k = 0; k < HONE__FORMULA_NUMBERS; k++)
        s[k] = R(set)(numbers ? (REAL)numbers[k] : 0);
    bool dense = stride[0] == 1;
    for (int k = 1; k <= inputs; k++)
        dense = dense && stride[k] == 1;
    REAL room[3][STAGE], result[STAGE];
    for (int64_t i = 0, m; i < n; i += m) {
        const REAL *x[3];
        REAL *const y = (REAL *)at[0] + i * stride[0];
        m = dense || n - i < STAGE ? n - i : STAGE;
        for (int k = 0; k < inputs; k++) {
            const REAL *from = (const REAL *)at[k + 1] + i * stride[k + 1];
            x[k] = from;
            if (stride[k + 1] == 1)
                continue;
            R(gather)(m, room[k], from, stride[k + 1]);
            x[k] = room[k];
        }
        R(formula_dense)(m, stride[0] == 1 ? y : result, x, inputs, s, f);
        if (stride[0] != 1)
            R(scatter)(m, y, stride[0], result);
    }
}

/* ---- activations */

HONE__INLINE VREAL R(leaky_relu)(const VREAL *x, const VREAL *s)
{
    return R(select)(R(gt)(x[0], R(set)(0)), x[0], R(mul)(x[0], s[0]));
}

HONE__INLINE VREAL R(limited)(const VREAL *x, const VREAL *s)
{
    return R(min)(R(max)(x[0], s[0]), s[1]);
}

HONE__INLINE VREAL R(hinge)(VREAL x)
{
    return R(min)(R(max)(R(add)(x, R(set)(3)), R(set)(0)), R(set)(6));
}

HONE__INLINE VREAL R(hardsigmoid)(const VREAL *x, const VREAL *s)
{
    (void)s;
    return R(div)(R(hinge)(x[0]), R(set)(6));
}

HONE__INLINE VREAL R(hardswish)(const VREAL *x, const VREAL *s)
{
    (void)s;
    return R(div)(R(mul)(x[0], R(hinge)(x[0])), R(set)(6));
}

HONE__INLINE VREAL R(softsign)(const VREAL *x, const VREAL *s)
{
    (void)s;
    return R(div)(x[0], R(add)(R(abs)(x[0]), R(set)(1)));
}

HONE__INLINE VREAL R(elu)(const VREAL *x, const VREAL *s)
{
    const VREAL low = R(mul)(R(expm1)(R(mul)(x[0], s[0])), s[2]);
    return R(select)(R(gt)(x[0], R(set)(0)), R(mul)(x[0], s[1]), low);
}

/* ---- signs, parts, what is no number */

HONE__INLINE VREAL R(nan_to_num)(const VREAL *x, const VREAL *s)
{
    const VREAL inf = R(set)((REAL)INFINITY);
    VREAL y = R(select)(R(isnan)(x[0]), s[0], x[0]);
    y = R(select)(R(eq)(x[0], inf), s[1], y);
    return R(select)(R(eq)(x[0], R(neg)(inf)), s[2], y);
}

HONE__INLINE VREAL R(frac)(const VREAL *x, const VREAL *s)
{
    (void)s;
    return R(sub)(x[0], R(trunc)(x[0]));
}

HONE__INLINE VREAL R(sign)(const VREAL *x, const VREAL *s)
{
    (void)s;
    const VREAL zero = R(set)(0), low = R(select)(R(lt)(x[0], zero), R(set)(-1), zero);
    return R(select)(R(gt)(x[0], zero), R(set)(1), low);
}

/* ---- of several tensors */

HONE__INLINE VREAL R(addcmul)(const VREAL *x, const VREAL *s)
{
    return R(add)(x[0], R(mul)(R(mul)(x[1], s[0]), x[2]));
}

HONE__INLINE VREAL R(addcdiv)(const VREAL *x, const VREAL *s)
{
    return R(add)(x[0], R(div)(R(mul)(x[1], s[0]), x[2]));
}

HONE__INLINE VREAL R(lerp)(const VREAL *x, const VREAL *s)
{
    return R(add)(x[0], R(mul)(R(sub)(x[1], x[0]), s[0]));
}

HONE__INLINE VREAL R(lerp_back)(const VREAL *x, const VREAL *s)
{
    return R(sub)(x[1], R(mul)(R(sub)(x[1], x[0]), s[0]));
}

HONE__INLINE VREAL R(logaddexp)(const VREAL *x, const VREAL *s)
{
    (void)s;
    const VREAL size = R(abs)(R(sub)(x[0], x[1]));
    const VREAL apart = R(select)(R(eq)(x[0], x[1]), R(set)(0), size); /* of infinities, too */
    return R(add)(R(max)(x[0], x[1]), R(log1p)(R(exp)(R(neg)(apart))));
}

#if HONE__REAL_IS_F64

/* ---- small quotients: times b they are exact, and so is what is left. One that was rounded up to
 * the next whole number leaves less than nothing. What isn't small becomes NaN. */

HONE__INLINE VREAL R(fmod_parts)(const VREAL *x, VREAL *times)
{
    const VREAL a = R(abs)(x[0]), b = R(abs)(x[1]);
    const VMASK small =
        MASK(and)(R(lt)(a, R(mul)(b, R(set)((REAL)0x1p28))), R(lt)(b, R(set)((REAL)INFINITY)));
    const VREAL q = R(select)(small, R(trunc)(R(div)(a, b)), R(set)((REAL)NAN));
    const VREAL left = R(sub)(a, R(mul)(q, b));
    const VMASK over = R(lt)(left, R(set)(0));
    *times = R(select)(over, R(sub)(q, R(set)(1)), q);
    return R(copysign)(R(select)(over, R(add)(left, b), left), x[0]);
}

HONE__INLINE VREAL R(fmod_small)(const VREAL *x, const VREAL *s)
{
    (void)s;
    VREAL times;
    return R(fmod_parts)(x, &times);
}

/* True where a rest is there and b's sign isn't its own. */
HONE__INLINE VMASK R(other_sign)(VREAL rest, VREAL b)
{
    const VREAL zero = R(set)(0);
    const VMASK below = MASK(and)(R(gt)(rest, zero), R(lt)(b, zero));
    return MASK(or)(below, MASK(and)(R(lt)(rest, zero), R(gt)(b, zero)));
}

HONE__INLINE VREAL R(remainder_small)(const VREAL *x, const VREAL *s)
{
    (void)s;
    VREAL times;
    const VREAL rest = R(fmod_parts)(x, &times);
    return R(select)(R(other_sign)(rest, x[1]), R(add)(rest, x[1]), rest);
}

HONE__INLINE VREAL R(floor_divide_small)(const VREAL *x, const VREAL *s)
{
    (void)s;
    VREAL times;
    const VREAL rest = R(fmod_parts)(x, &times), one = R(set)(1);
    const VREAL signed_times = R(copysign)(times, R(mul)(R(copysign)(one, x[0]), x[1]));
    return R(select)(R(other_sign)(rest, x[1]), R(sub)(signed_times, one), signed_times);
}

/* ---- lgamma: c0 + c1 log(v). lgamma(x) / ((x - 1) (x - 2)) by powers of x - 2 on 1 .. 3, recurrence
 * up to 8; from there on (lgamma(x) - Stirling's first terms) x by powers of 1 / x^2. No fma: what was
 * pinned has none. */

static const double lgamma_near[] = {
    0x1.b0ee6072093cep-2,  -0x1.9ae6509ea109ep-4,  0x1.0e0c9df29353p-5,    -0x1.95ce223a9d24ap-7,
    0x1.47974853aa7eap-8,  -0x1.145121f959a87p-9,  0x1.dfebcf8e001b7p-11,  -0x1.a96a403976f3ap-12,
    0x1.7ed733d21cbf4p-13, -0x1.5c86af6d067p-14,   0x1.402f0a28dedaep-15,  -0x1.285110f192ea9p-16,
    0x1.13e4c880cb8b8p-17, -0x1.022302a40660bp-18, 0x1.e541e1a331356p-20,  -0x1.cb3ff70f30455p-21,
    0x1.b2c54c427ef3ap-22, -0x1.8ff67cc7ad32ep-23, 0x1.7c7b8a8a19b6ep-24,  -0x1.bdb9f4ce42d8dp-25,
    0x1.ab61d22b40baep-26, -0x1.f849c85b95e9dp-31, 0x1.a42ed42bf95cbp-32,  -0x1.3103f029c7bap-27,
    0x1.27da3dedba7f8p-28, 0x1.4ff438323b2c8p-29,  -0x1.47270e5b04eaap-30, -0x1.c035341ec058fp-31,
    0x1.b3541ab4a559ep-32
};
static const double lgamma_far[] = { 0x1.5555555555555p-4,  -0x1.6c16c16c16b29p-9,
                                     0x1.a01a019ee0dbep-11, -0x1.38137ec070147p-11,
                                     0x1.b94f6d6592192p-11, -0x1.f5ff2fdcdf048p-10,
                                     0x1.96db40614b193p-8,  -0x1.55b3a71b66a2ep-6 };
#define HALF_LOG_2PI 0.91893853320467274178

HONE__INLINE VREAL R(even_and_odd)(VREAL x, const double *c, int n)
{
    const VREAL z = R(mul)(x, x);
    VREAL even = R(set)((REAL)c[n - 1]), odd = R(set)((REAL)c[n - 2]);
    for (int i = n - 3; i >= 0; i -= 2)
        even = R(add)(R(mul)(even, z), R(set)((REAL)c[i]));
    for (int i = n - 4; i >= 0; i -= 2)
        odd = R(add)(R(mul)(odd, z), R(set)((REAL)c[i]));
    return n % 2 ? R(add)(R(mul)(odd, x), even) : R(add)(R(mul)(even, x), odd);
}

HONE__INLINE VREAL R(lgamma_size)(const VREAL *at, const VREAL *s)
{
    (void)s;
    enum {
        N_NEAR = sizeof lgamma_near / sizeof(double),
        N_FAR = sizeof lgamma_far / sizeof(double)
    };
    const VREAL x = R(abs)(at[0]), one = R(set)(1), two = R(set)(2);
    const VREAL inf = R(set)((REAL)INFINITY);
    const VMASK below_1 = R(lt)(x, one), far = R(ge)(x, R(set)(8));
    VREAL v = R(select)(below_1, x, one), c1 = R(select)(below_1, R(set)(-1), one);
    VREAL first = R(select)(below_1, x, R(sub)(x, one)); /* and one less: exact factors */
    for (int round = 0; round < 5; round++) {
        const VMASK more = R(gt)(first, two);
        if (!MASK(any)(more))
            break;
        const VREAL less = R(sub)(first, one);
        v = R(select)(more, R(mul)(v, R(add)(less, one)), v);
        first = R(select)(more, less, first);
    }
    const VREAL f = R(sub)(first, one);
    VREAL c0 = R(mul)(R(mul)(first, f), R(even_and_odd)(f, lgamma_near, N_NEAR));
    if (MASK(any)(far)) {
        const VMASK huge = R(ge)(x, R(set)(0x1p500));
        const VREAL inverse = R(select)(huge, R(set)(0), R(div)(one, x));
        const VREAL tail = R(even_and_odd)(R(mul)(inverse, inverse), lgamma_far, N_FAR);
        const VREAL start = R(sub)(R(set)((REAL)HALF_LOG_2PI), x);
        c0 = R(select)(far, R(add)(start, R(mul)(tail, inverse)), c0);
        c1 = R(select)(far, R(sub)(x, R(set)((REAL)0.5)), c1);
        v = R(select)(far, x, v);
    }
    const VREAL y = R(add)(c0, R(mul)(c1, R(log)(v)));
    return R(select)(R(eq)(x, inf), inf, y); /* not inf * inf - inf */
}

#endif

#define FORMULA_OF(name, inputs)                                                                   \
    static void R(k_formula_##name)(const void *numbers, int64_t n, char *const *at,               \
                                    const int64_t *stride)                                         \
    {                                                                                              \
        R(run_formula)(numbers, n, at, stride, inputs, R(name));                                   \
    }
#define FORMULA_OF_REALS(name, inputs) FORMULA_OF(name, inputs)
#if HONE__REAL_IS_F64
#define FORMULA_OF_F64(name, inputs) FORMULA_OF(name, inputs)
#else
#define FORMULA_OF_F64(name, inputs)
#endif
#define FORMULA_KERNEL(NAME, name, dtypes, inputs, cost) FORMULA_OF_##dtypes(name, inputs)
#include "kernels/kernels.def"
#undef FORMULA_OF
#undef FORMULA_OF_REALS
#undef FORMULA_OF_F64
