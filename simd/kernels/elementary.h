/* elementary.h: arcs, hyperbolic functions and their inverses, logarithms and powers of 2 and 10, the
 * inverse error function, hypot. (fragment, of each type: real_begin.h, map.h, activations.h)
 *
 * Polynomials interpolate at Chebyshev's points with 60 digits, rounded to the type. Errors are named in
 * kernels.def. Where a function ends (beyond 1, or overflows) it takes what the formula gives: NaN of a
 * root or logarithm of less than 0, inf of a product. */

#if HONE__REAL_IS_F64
static const double f64_atan_tail[] = {
    -0x1.5555555555555p-2, 0x1.9999999999953p-3, -0x1.249249248d7dcp-3, 0x1.c71c71c303dbbp-4,
    -0x1.745d165dc9713p-4, 0x1.3b1392d519db1p-4, -0x1.110e87b4357d2p-4, 0x1.e19a0bfa3eef9p-5,
    -0x1.ac7a5a79b3f26p-5, 0x1.74dccfb93fffp-5,  -0x1.1b311bb48c215p-5, 0x1.0acd9e91a5a35p-6
};
static const double f64_asin_tail[] = {
    0x1.5555555555555p-3,  0x1.3333333333388p-4, 0x1.6db6db6dac1ep-5,  0x1.f1c71c7a52ba3p-6,
    0x1.6e8ba123e494cp-6,  0x1.1c4efce23019fp-6, 0x1.c990ad3d8fdcap-7, 0x1.7b027ee1dd585p-7,
    0x1.3b49de7121487p-7,  0x1.31622469ce5adp-7, 0x1.8f193743418ffp-9, 0x1.406192d124629p-6,
    -0x1.3b416bb7d9257p-6, 0x1.e529c6fce9bb4p-6
};
static const double f64_erfinv_low[] = {
    0x1.a755e7c99ae86p0,    0x1.ebd80d9b13df9p-3,   -0x1.8b6c33114ea71p-8,  -0x1.845769483523p-11,
    0x1.879c2a20b13ap-13,   -0x1.d1d1f7ca61a14p-17, -0x1.6e8a53ca14edfp-20, 0x1.c6b4f898a7553p-22,
    -0x1.f36cee3c60d01p-26, -0x1.1a9eb3bfcd07cp-28, 0x1.20f53f519ed0ap-30,  -0x1.dc3e5172ac9cfp-35,
    -0x1.c8a5ab52e0019p-37, 0x1.7231a3e48d582p-39,  -0x1.6ba68d1796bcfp-44, -0x1.682f41a549495p-45,
    0x1.d63b2bb633bd2p-48,  -0x1.97658b3d58e2ep-55, -0x1.1ac450727647cp-53, 0x1.2702e1128be12p-56,
    0x1.7997aa9237e9cp-61,  -0x1.bed537ed97e92p-62, 0x1.61fa58bed690ap-66,  0x1.493dd47a7b686p-68,
    -0x1.98901e99d9c27p-72, -0x1.71e85cb7c66e7p-76
};
static const double f64_erfinv_mid[] = {
    0x1.8abcc380d5a48p1,    0x1.0158a6d641d54p0,    0x1.5ffcfe5b6cdf1p-8,   -0x1.ebadabb9fbc24p-9,
    0x1.468eeca93f733p-9,   -0x1.ba9240da8b306p-10, 0x1.f3cc545f83fd5p-11,  -0x1.7448bc373ebfbp-12,
    0x1.932e8d102d857p-16,  0x1.1e6aa5fbf1f1ep-14,  -0x1.8cf45a16de60fp-15, 0x1.a245be6e20b5fp-17,
    0x1.89984a140efedp-19,  -0x1.0b96b91e8b479p-18, 0x1.8dc25dc0df161p-20,  -0x1.9856b31be2091p-26,
    -0x1.07e13aaa994e8p-22, 0x1.0ef2cc0802555p-23,  -0x1.63934d43c8c68p-26, -0x1.7b4174a43c47dp-27,
    0x1.053a5b69dbae9p-27,  -0x1.8c3857d0faac1p-30
};
static const double f64_erfinv_high[] = {
    0x1.3664ddd1ad7fbp2,   0x1.02a30d1fba10bp0,    -0x1.22ea5df1c7fd2p-13, -0x1.c2f36aa150b16p-13,
    0x1.3ebf4efa29c41p-14, -0x1.4a349049e7d7cp-16, 0x1.2fbcfe3cc1ecbp-18,  -0x1.0a9030c634318p-20,
    0x1.ebe28f935a9a3p-23, -0x1.2239236d4f356p-24, 0x1.f29972f6648fbp-26,  -0x1.055d2d8ee1bbfp-26,
    0x1.0c76c6df77d3ep-27, -0x1.e5c85fefc54a2p-29, 0x1.6cd361c135ca4p-30,  -0x1.a24f24e70beb5p-32,
    0x1.08365bfb488dp-34,  0x1.007c5c8dc19d4p-36,  -0x1.181aa959e7907p-36, 0x1.9ff3c8e7dac02p-38,
    -0x1.f964df9652e6dp-41
};
#define QUARTER_PI     0x1.921fb54442d18p-1
#define QUARTER_PI_LOW 0x1.1a62633145c07p-55
#define LN2            0x1.62e42fefa39efp-1
#define LN2_LOW        0x1.abc9e3b39803fp-56
#define LOG2_E         0x1.71547652b82fep0
#define LOG2_E_LOW     0x1.777d0ffda0d24p-56
#define LOG10_E        0x1.bcb7b1526e50ep-2
#define LOG10_E_LOW    0x1.95355baaafad3p-57
#define LOG10_2        0x1.34413509f78p-2 /* 43 bits */
#define LOG10_2_LOW    0x1.fef311f12b358p-46
#define EXP_NEAR       709.0
#define SQUARE_FAR     0x1p28 /* x^2 + 1 is x^2 from here on */
#define HUGE_REAL      0x1p1000
#else
static const float f32_atan_tail[] = { -0x1.555554p-2f, 0x1.99973p-3f, -0x1.24202ep-3f,
                                       0x1.b80f88p-4f, -0x1.08432cp-4f };
static const float f32_asin_tail[] = { 0x1.555554p-3f, 0x1.33343p-4f,  0x1.6d5bbap-5f,
                                       0x1.fd8da2p-6f, 0x1.18f91ep-6f, 0x1.13fed4p-5f };
static const float f32_erfinv_low[] = { 0x1.805c5ep0f,    0x1.f91e8ap-3f,  -0x1.11c506p-8f,
                                        -0x1.48650cp-10f, 0x1.c9e97p-13f,  -0x1.4db186p-18f,
                                        -0x1.d0edap-19f,  0x1.f6a6f8p-22f, 0x1.90e8acp-26f,
                                        -0x1.32e60ep-27f };
static const float f32_erfinv_high[] = { 0x1.6a9efcp1f,   0x1.006dcap0f,    0x1.3580fap-7f,
                                         -0x1.f4ec1ep-8f, 0x1.74c098p-8f,   -0x1.d30b2ap-9f,
                                         0x1.826b42p-10f, -0x1.0c436ap-13f, -0x1.1f2d4cp-12f,
                                         0x1.5c42e8p-13f, -0x1.14631cp-15f };
#define QUARTER_PI     0x1.921fb6p-1f
#define QUARTER_PI_LOW -0x1.777a5cp-26f
#define LN2            0x1.62e43p-1f
#define LN2_LOW        -0x1.05c61p-29f
#define LOG2_E         0x1.715476p0f
#define LOG2_E_LOW     0x1.4ae0cp-26f
#define LOG10_E        0x1.bcb7b2p-2f
#define LOG10_E_LOW    -0x1.5b235ep-27f
#define LOG10_2        0x1.344p-2f /* 16 bits */
#define LOG10_2_LOW    0x1.3509f8p-18f
#define EXP_NEAR       88.0f
#define SQUARE_FAR     0x1p13f
#define HUGE_REAL      0x1p120f
#endif
#define COUNT(c) ((int)(sizeof(c) / sizeof *(c)))

/* ---- arcs */

/* m pi/4 + w, for m = 0 .. 4 */
HONE__INLINE VREAL R(add_quarters)(VREAL m, VREAL w)
{
    const VREAL quarter = R(set)(QUARTER_PI), high = R(mul)(m, quarter);
    const VREAL rest = R(fma)(m, quarter, R(neg)(high));
    return R(add)(high, R(add)(w, R(fma)(m, R(set)(QUARTER_PI_LOW), rest)));
}

/* The angle of (x, y), y >= 0 and of x the size and whether it is negative: of the octants' tangents,
 * 0 .. 1, those above tan(pi/8) are turned by pi/4. `unit` (a constant): x is 1, so that nothing has to
 * be scaled and neither 0 / 0 nor the left side can be. */
HONE__INLINE VREAL R(angle)(VREAL y, VREAL x, VMASK left, bool unit)
{
    const VREAL zero = R(set)(0), one = R(set)(1), two = R(set)(2), inf = R(set)((REAL)INFINITY);
    const VMASK steep = R(gt)(y, x);
    VREAL high = R(select)(steep, y, x), low = R(select)(steep, x, y);
    if (!unit) {
        VREAL scale = R(select)(R(gt)(high, R(set)(HUGE_REAL)), R(set)((REAL)0x1p-10), one);
        scale = R(select)(R(lt)(high, R(set)(LEAST_NORMAL * 1024)), R(set)((REAL)0x1p30), scale);
        high = R(mul)(high, scale);
        low = R(mul)(low, scale);
    }
    VMASK turned = R(gt)(low, R(mul)(high, R(set)((REAL)0.41421356237309503)));
    if (!unit)
        turned = MASK(or)(turned, R(eq)(low, inf));
    const VREAL num = R(select)(turned, R(sub)(low, high), low);
    const VREAL den = R(select)(turned, R(add)(low, high), high);
    VREAL t = R(div)(num, den);
    if (!unit)
        t = R(select)(MASK(or)(R(eq)(high, zero), R(eq)(low, inf)), zero, t);
    const VREAL z = R(mul)(t, t);
    const VREAL w = R(fma)(R(mul)(t, z), R(poly)(z, R(atan_tail), COUNT(R(atan_tail))), t);
    VREAL m = R(select)(turned, one, zero), sign = one;
    m = R(select)(steep, R(sub)(two, m), m);
    sign = R(select)(steep, R(neg)(sign), sign);
    if (!unit) {
        m = R(select)(left, R(sub)(R(set)(4), m), m);
        sign = R(select)(left, R(neg)(sign), sign);
    }
    return R(add_quarters)(m, R(mul)(sign, w));
}

HONE__INLINE VREAL R(atan)(VREAL x)
{
    const VREAL one = R(set)(1), y = R(angle)(R(abs)(x), one, R(lt)(one, one), true);
    return R(select)(R(isnan)(x), x, R(copysign)(y, x));
}

HONE__INLINE VREAL R(atan2)(VREAL y, VREAL x)
{
    const VMASK left = R(lt)(R(copysign)(R(set)(1), x), R(set)(0));
    const VREAL a = R(copysign)(R(angle)(R(abs)(y), R(abs)(x), left, false), y);
    return R(select)(MASK(or)(R(isnan)(x), R(isnan)(y)), R(add)(x, y), a);
}

/* asin(t) = t + *tail for t = |x| up to 1/2; beyond, of half the angle's complement: t = sqrt((1 - |x|)
 * / 2) */
HONE__INLINE VREAL R(arc_parts)(VREAL x, VMASK *far, VREAL *tail)
{
    const VREAL half = R(set)((REAL)0.5), a = R(abs)(x);
    *far = R(gt)(a, half);
    const VREAL z = R(select)(*far, R(mul)(half, R(sub)(R(set)(1), a)), R(mul)(a, a));
    const VREAL t = R(select)(*far, R(sqrt)(z), a);
    *tail = R(mul)(R(mul)(t, z), R(poly)(z, R(asin_tail), COUNT(R(asin_tail))));
    return t;
}

HONE__INLINE VREAL R(asin)(VREAL x)
{
    VMASK far;
    VREAL tail;
    const VREAL t = R(arc_parts)(x, &far, &tail), minus_two = R(set)(-2);
    const VREAL turned = R(fma)(minus_two, tail, R(set)(2 * (REAL)QUARTER_PI_LOW));
    const VREAL beyond = R(add)(R(fma)(minus_two, t, R(set)(2 * (REAL)QUARTER_PI)), turned);
    return R(copysign)(R(select)(far, beyond, R(add)(t, tail)), x);
}

HONE__INLINE VREAL R(acos)(VREAL x)
{
    VMASK far;
    VREAL tail;
    const VREAL t = R(arc_parts)(x, &far, &tail), two = R(set)(2);
    const VMASK negative = R(lt)(x, R(set)(0));
    const VREAL sign = R(select)(negative, R(set)(-1), R(set)(1));
    const VREAL twice = R(mul)(two, R(add)(t, tail));
    const VREAL beyond = R(select)(
        negative,
        R(sub)(R(set)(4 * (REAL)QUARTER_PI), R(sub)(twice, R(set)(4 * (REAL)QUARTER_PI_LOW))),
        twice);
    const VREAL low = R(fma)(sign, tail, R(set)(-2 * (REAL)QUARTER_PI_LOW));
    const VREAL near = R(sub)(R(set)(2 * (REAL)QUARTER_PI), R(fma)(sign, t, low));
    return R(select)(far, beyond, near);
}

/* ---- hyperbolic functions: e^(x/2) twice where e^x alone is too large */

HONE__INLINE VREAL R(half_power)(VREAL a)
{
    const VREAL half = R(set)((REAL)0.5), root = R(exp)(R(mul)(half, a));
    return R(mul)(R(mul)(half, root), root);
}

HONE__INLINE VREAL R(sinh)(VREAL x)
{
    const VREAL a = R(abs)(x), m = R(expm1)(a);
    const VMASK near = R(le)(a, R(set)(EXP_NEAR));
    VREAL y = R(mul)(R(set)((REAL)0.5), R(add)(m, R(div)(m, R(add)(m, R(set)(1)))));
    if (!MASK(all)(near))
        y = R(select)(near, y, R(half_power)(a));
    return R(copysign)(R(select)(R(lt)(a, R(set)(LEAST_NORMAL)), a, y), x);
}

HONE__INLINE VREAL R(cosh)(VREAL x)
{
    const VREAL a = R(abs)(x), half = R(set)((REAL)0.5), e = R(exp)(a);
    const VMASK near = R(le)(a, R(set)(EXP_NEAR));
    const VREAL y = R(fma)(half, e, R(div)(half, e));
    return MASK(all)(near) ? y : R(select)(near, y, R(half_power)(a));
}

HONE__INLINE VREAL R(asinh)(VREAL x)
{
    const VREAL a = R(abs)(x), one = R(set)(1);
    const VMASK near = R(lt)(a, R(set)(SQUARE_FAR));
    const VREAL t = R(select)(near, a, one), z = R(mul)(t, t);
    VREAL y = R(log1p)(R(add)(t, R(div)(z, R(add)(one, R(sqrt)(R(add)(z, one))))));
    if (!MASK(all)(near))
        y = R(select)(near, y, R(add)(R(log)(a), R(set)(LN2)));
    return R(copysign)(R(select)(R(lt)(a, R(set)(LEAST_NORMAL)), a, y), x);
}

HONE__INLINE VREAL R(acosh)(VREAL x)
{
    const VREAL one = R(set)(1);
    const VMASK near = R(lt)(x, R(set)(SQUARE_FAR)), none = R(lt)(x, one);
    const VREAL t = R(select)(near, R(sub)(x, one), one);
    VREAL y = R(log1p)(R(add)(t, R(sqrt)(R(fma)(t, t, R(add)(t, t)))));
    if (!MASK(all)(near))
        y = R(select)(near, y, R(add)(R(log)(x), R(set)(LN2)));
    return R(select)(none, R(set)((REAL)NAN), y);
}

HONE__INLINE VREAL R(atanh)(VREAL x)
{
    const VREAL a = R(abs)(x), one = R(set)(1), twice = R(add)(a, a);
    const VREAL y = R(mul)(R(set)((REAL)0.5), R(log1p)(R(div)(twice, R(sub)(one, a))));
    return R(copysign)(R(select)(R(lt)(a, R(set)(LEAST_NORMAL)), a, y), x);
}

/* ---- logarithms and powers: x = 2^k (1 + f) as log has it */

#if HONE__REAL_IS_F64
HONE__INLINE VREAL f64_log_pieces(VREAL x, VREAL *k)
{
    return f64_sub(f64_log_split_any(x, k), f64_set(1.0));
}

/* of normal ones alone */
HONE__INLINE VREAL f64_log_pieces_near(VREAL x, VREAL *k)
{
    return f64_sub(f64_log_split(x, k), f64_set(1.0));
}
#else
HONE__INLINE VREAL f32_log_pieces(VREAL x, VREAL *k)
{
    vi32 exponent;
    const mf32 tiny = f32_lt(x, f32_set(0x1p-126f));
    const vf32 f = f32_log_split(f32_select(tiny, f32_mul(x, f32_set(0x1p23f)), x), &exponent);
    *k = f32_sub(i32_to_f32(exponent), f32_select(tiny, f32_set(23.0f), f32_set(0.0f)));
    return f;
}

HONE__INLINE VREAL f32_log_pieces_near(VREAL x, VREAL *k)
{
    vi32 exponent;
    const vf32 f = f32_log_split(x, &exponent);
    *k = i32_to_f32(exponent);
    return f;
}
#endif

HONE__INLINE VREAL R(log_far_by)(VREAL x, R(op2) sum)
{
    VREAL k;
    const VREAL f = R(log_pieces)(x, &k);
    return R(log_special)(x, sum(k, f));
}

/* `sum` and `far`, what does it for all numbers, are constants. */
HONE__INLINE VREAL R(log_by)(VREAL x, R(op2) sum, R(op1) far)
{
    const VMASK normal =
        MASK(and)(R(ge)(x, R(set)(LEAST_NORMAL)), R(lt)(x, R(set)((REAL)INFINITY)));
    if (!MASK(all)(normal))
        return far(x);
    VREAL k;
    const VREAL f = R(log_pieces_near)(x, &k);
    return sum(k, f);
}

/* log(1 + f): what log_sum makes for k = 0, with what is 0 there left out */
HONE__INLINE VREAL R(log_of_pieces)(VREAL f)
{
#if HONE__REAL_IS_F64
    return f64_log_sum(f64_set(0), f);
#else
    return f32_add(f, f32_log_tail(f));
#endif
}

HONE__INLINE VREAL R(log2_sum)(VREAL k, VREAL f)
{
    const VREAL l = R(log_of_pieces)(f), part = R(mul)(l, R(set)(LOG2_E));
    const VREAL low = R(fma)(l, R(set)(LOG2_E), R(neg)(part));
    return R(add)(k, R(add)(part, R(fma)(l, R(set)(LOG2_E_LOW), low)));
}

static __attribute__((noinline)) VREAL R(log2_far)(VREAL x)
{
    return R(log_far_by)(x, R(log2_sum));
}

HONE__INLINE VREAL R(log2)(VREAL x)
{
    return R(log_by)(x, R(log2_sum), R(log2_far));
}

HONE__INLINE VREAL R(log10_sum)(VREAL k, VREAL f)
{
    const VREAL l = R(log_of_pieces)(f);
    const VREAL whole = R(mul)(k, R(set)(LOG10_2)),
                part = R(mul)(l, R(set)(LOG10_E)); /* exact, not */
    const VREAL sum = R(add)(whole, part), error = R(add)(R(sub)(whole, sum), part);
    VREAL low = R(fma)(l, R(set)(LOG10_E), R(neg)(part));
    low = R(fma)(l, R(set)(LOG10_E_LOW), R(fma)(k, R(set)(LOG10_2_LOW), low));
    return R(add)(sum, R(add)(low, error));
}

static __attribute__((noinline)) VREAL R(log10_far)(VREAL x)
{
    return R(log_far_by)(x, R(log10_sum));
}

HONE__INLINE VREAL R(log10)(VREAL x)
{
    return R(log_by)(x, R(log10_sum), R(log10_far));
}

/* x = n + f, 2^f = e^(f ln 2) */
HONE__INLINE VREAL R(exp2)(VREAL x)
{
#if HONE__REAL_IS_F64
    const vf64 low = f64_set(-1080.0), high = f64_set(1030.0), magic = f64_set(0x1.8p52);
#else
    const vf32 low = f32_set(-155.0f), high = f32_set(130.0f), magic = f32_set(F32_WHOLE);
#endif
    VREAL t = R(select)(R(lt)(x, low), low, x);
    t = R(select)(R(gt)(t, high), high, t);
    const VREAL shifted = R(add)(t, magic), f = R(sub)(t, R(sub)(shifted, magic));
    const VREAL r = R(mul)(f, R(set)(LN2)), one = R(set)(1);
    const VREAL rest = R(fma)(f, R(set)(LN2_LOW), R(fma)(f, R(set)(LN2), R(neg)(r)));
    const VREAL tail = R(fma)(R(mul)(r, r), R(exp_poly)(r), rest);
    const VREAL p = R(add)(one, R(add)(r, tail));
#if HONE__REAL_IS_F64
    return f64_scale(p, i64_sub(f64_bits(shifted), f64_bits(magic)));
#else
    return f32_scale(p, f32_bits(shifted));
#endif
}

/* ---- x P(w), w = -log(1 - x^2), in pieces. Source: Giles, Approximating the erfinv function (2010). */

HONE__INLINE VREAL R(erfinv)(VREAL x)
{
    const VREAL a = R(abs)(x), one = R(set)(1);
    const VREAL w = R(neg)(R(log)(R(mul)(R(sub)(one, a), R(add)(one, a)))), root = R(sqrt)(w);
#if HONE__REAL_IS_F64
    VREAL p = f64_poly(f64_sub(w, f64_set(3.125)), f64_erfinv_low, COUNT(f64_erfinv_low));
    const mf64 far = f64_ge(w, f64_set(6.25));
    if (mf64_any(far)) {
        const vf64 mid =
            f64_poly(f64_sub(root, f64_set(3.25)), f64_erfinv_mid, COUNT(f64_erfinv_mid));
        const vf64 high =
            f64_poly(f64_sub(root, f64_set(5.0)), f64_erfinv_high, COUNT(f64_erfinv_high));
        p = f64_select(far, f64_select(f64_lt(w, f64_set(16.0)), mid, high), p);
    }
#else
    VREAL p = f32_poly(f32_sub(w, f32_set(2.5f)), f32_erfinv_low, COUNT(f32_erfinv_low));
    const mf32 far = f32_ge(w, f32_set(5.0f));
    if (mf32_any(far)) {
        const vf32 high =
            f32_poly(f32_sub(root, f32_set(3.0f)), f32_erfinv_high, COUNT(f32_erfinv_high));
        p = f32_select(far, high, p);
    }
#endif
    const VREAL end = R(copysign)(R(set)((REAL)INFINITY), x);
    return R(select)(R(eq)(a, one), end, R(mul)(x, p));
}

/* The larger times a root that is at most sqrt(2). */
HONE__INLINE VREAL R(hypot)(VREAL a, VREAL b)
{
    const VREAL x = R(abs)(a), y = R(abs)(b), zero = R(set)(0), inf = R(set)((REAL)INFINITY);
    const VMASK steep = R(gt)(y, x);
    const VREAL high = R(select)(steep, y, x), low = R(select)(steep, x, y);
    const VREAL t = R(select)(R(eq)(R(add)(x, y), zero), zero, R(div)(low, high));
    const VREAL size = R(mul)(high, R(sqrt)(R(fma)(t, t, R(set)(1))));
    return R(select)(MASK(or)(R(eq)(x, inf), R(eq)(y, inf)), inf, size);
}

#undef COUNT
#undef QUARTER_PI
#undef QUARTER_PI_LOW
#undef LN2
#undef LN2_LOW
#undef LOG2_E
#undef LOG2_E_LOW
#undef LOG10_E
#undef LOG10_E_LOW
#undef LOG10_2
#undef LOG10_2_LOW
#undef EXP_NEAR
#undef SQUARE_FAR
#undef HUGE_REAL
