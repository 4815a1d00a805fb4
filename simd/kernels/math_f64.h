/* math_f64.h: exp, log, tanh, pow ... of f64 lanes; the same plans as math_f32.h. (fragment: needs
 * a vocabulary) */

/* c[0] + c[1] x + ... + c[n - 1] x^(n - 1) */
HONE__INLINE vf64 f64_horner(vf64 x, const double *c, int n)
{
    vf64 p = f64_set(c[n - 1]);
#pragma GCC unroll 32
    for (int i = n - 2; i >= 0; i--)
        p = f64_fma(p, x, f64_set(c[i]));
    return p;
}

/* The same; long ones as two chains, even and odd, that don't wait for each other. */
HONE__INLINE vf64 f64_poly(vf64 x, const double *c, int n)
{
    if (n < 12)
        return f64_horner(x, c, n);
    const vf64 z = f64_mul(x, x);
    vf64 p = f64_set(c[n - 1]), q = f64_set(c[n - 2]);
#pragma GCC unroll 16
    for (int i = n - 3; i >= 0; i -= 2)
        p = f64_fma(p, z, f64_set(c[i]));
#pragma GCC unroll 16
    for (int i = n - 4; i >= 0; i -= 2)
        q = f64_fma(q, z, f64_set(c[i]));
    return n % 2 == 1 ? f64_fma(q, x, p) : f64_fma(p, x, q);
}

/* p * 2^n for -2044 <= n <= 2046, rounded once. */
HONE__INLINE vf64 f64_scale(vf64 p, vi64 n)
{
    const vi64 half = i64_sub(i64_shr(i64_add(n, i64_set(4096)), 1), i64_set(2048));
    const vi64 bias = i64_set(1023);
    const vf64 a = i64_as_f64(i64_shl(i64_add(half, bias), 52));
    const vf64 b = i64_as_f64(i64_shl(i64_add(i64_sub(n, half), bias), 52));
    return f64_mul(f64_mul(p, a), b);
}
/* The same where p is no NaN and p and the result are normal (or n is 0). */
HONE__INLINE vf64 f64_scale_near(vf64 p, vi64 n)
{
    return i64_as_f64(i64_add(f64_bits(p), i64_shl(n, 52)));
}

#define F64_LN2      0x1.62e42fefa39efp-1 /* and what is left of ln 2: */
#define F64_LN2_LOW  0x1.abc9e3b39803fp-56
#define F64_LN2_42   0x1.62e42fefa38p-1 /* 42 bits, so that k times it is exact */
#define F64_LN2_REST 0x1.ef35793c7673p-45

/* round(x log2 e) as a float and, in its low bits, as an integer */
HONE__INLINE vf64 f64_exp_whole(vf64 x, vi64 *n)
{
    const vf64 magic = f64_set(0x1.8p52);
    const vf64 shifted = f64_fma(x, f64_set(0x1.71547652b82fep0), magic);
    *n = i64_sub(f64_bits(shifted), f64_bits(magic));
    return f64_sub(shifted, magic);
}

/* (e^r - 1 - r) / r^2 for |r| <= ln2 / 2 */
HONE__INLINE vf64 f64_exp_poly(vf64 r)
{
    vf64 q = f64_set(0x1.1f8dc2a6f34bbp-29);
    q = f64_fma(q, r, f64_set(0x1.af5f375490e2p-26));
    q = f64_fma(q, r, f64_set(0x1.27e4cb0b7886fp-22));
    q = f64_fma(q, r, f64_set(0x1.71ddf808a221p-19));
    q = f64_fma(q, r, f64_set(0x1.a01a01add9244p-16));
    q = f64_fma(q, r, f64_set(0x1.a01a01b006151p-13));
    q = f64_fma(q, r, f64_set(0x1.6c16c16c14f5fp-10));
    q = f64_fma(q, r, f64_set(0x1.111111110f65p-7));
    q = f64_fma(q, r, f64_set(0x1.5555555555558p-5));
    q = f64_fma(q, r, f64_set(0x1.5555555555559p-3));
    return f64_fma(q, r, f64_set(0.5));
}

/* x = n ln2 + r + *rest, |r| <= ln2 / 2; *rest is what r's rounding lost. |x| <= 800. */
HONE__INLINE vf64 f64_exp_reduce(vf64 x, vf64 *rest, vi64 *n)
{
    const vf64 whole = f64_exp_whole(x, n);
    const vf64 exact = f64_fnma(whole, f64_set(F64_LN2), x);
    const vf64 r = f64_fnma(whole, f64_set(F64_LN2_LOW), exact);
    *rest = f64_fnma(whole, f64_set(F64_LN2_LOW), f64_sub(exact, r));
    return r;
}

/* e^x = p * 2^n before the scaling, for |x| <= 800. */
HONE__INLINE vf64 f64_exp_parts(vf64 x, vi64 *n)
{
    vf64 rest;
    const vf64 r = f64_exp_reduce(x, &rest, n), one = f64_set(1.0);
    return f64_fma(f64_fma(f64_exp_poly(r), r, one), r, one);
}

/* e^(x + dx), dx a correction below an ulp of x */
HONE__INLINE vf64 f64_exp_parts_corrected(vf64 x, vf64 dx, vi64 *n)
{
    vf64 lost;
    const vf64 r = f64_exp_reduce(x, &lost, n), rest = f64_add(lost, dx);
    const vf64 curve = f64_mul(f64_mul(r, r), f64_exp_poly(r));
    const vf64 tail = f64_add(curve, f64_fma(rest, f64_add(r, curve), rest)); /* rest * e^r */
    return f64_add(f64_set(1.0), f64_add(r, tail));
}

HONE__INLINE vf64 f64_exp_near(vf64 x)
{
    vi64 n;
    const vf64 p = f64_exp_parts(x, &n);
    return f64_scale_near(p, n);
}

static __attribute__((noinline)) vf64 f64_exp_far(vf64 x)
{
    const vf64 high = f64_set(710.0), zero = f64_set(0.0);
    const mf64 none = f64_lt(x, f64_set(-746.0));
    x = f64_select(none, zero, x);
    x = f64_select(f64_gt(x, high), high, x); /* inf; a NaN stays */
    vi64 n;
    const vf64 p = f64_exp_parts(x, &n);
    return f64_select(none, zero, f64_scale(p, n));
}

HONE__INLINE vf64 f64_exp(vf64 x)
{
    const mf64 near = f64_le(f64_abs(x), f64_set(708.0));
    return mf64_all(near) ? f64_exp_near(x) : f64_exp_far(x);
}

/* The same of several, with one look at all of them. */
HONE__INLINE void f64_exp_group(vf64 x[EXP_GROUP])
{
    mf64 near = f64_le(f64_abs(x[0]), f64_set(708.0));
    for (int i = 1; i < EXP_GROUP; i++)
        near = mf64_and(near, f64_le(f64_abs(x[i]), f64_set(708.0)));
    if (mf64_all(near))
        for (int i = 0; i < EXP_GROUP; i++)
            x[i] = f64_exp_near(x[i]);
    else
        for (int i = 0; i < EXP_GROUP; i++)
            x[i] = f64_exp(x[i]);
}

/* x = 2^k m, sqrt(1/2) <= m < sqrt(2), for a positive normal x */
HONE__INLINE vf64 f64_log_split(vf64 x, vf64 *k)
{
    const vi64 bits = f64_bits(x), root_half = i64_set(0x3fe6a09e667f3bcd);
    /* the biased exponent stays positive, so it turns into a float by way of 2^52's low bits */
    const vi64 one_up = i64_add(i64_sub(bits, root_half), i64_set(INT64_C(1023) << 52));
    const vi64 biased = i64_shr(one_up, 52);
    *k = f64_sub(i64_as_f64(i64_or(biased, i64_set(0x4330000000000000))), f64_set(0x1p52 + 1023));
    return i64_as_f64(i64_sub(bits, i64_shl(i64_sub(biased, i64_set(1023)), 52)));
}

/* the same with subnormals */
HONE__INLINE vf64 f64_log_split_any(vf64 x, vf64 *k)
{
    const mf64 tiny = f64_lt(x, f64_set(0x1p-1022));
    const vf64 m = f64_log_split(f64_select(tiny, f64_mul(x, f64_set(0x1p54)), x), k);
    *k = f64_sub(*k, f64_select(tiny, f64_set(54.0), f64_set(0.0)));
    return m;
}

HONE__INLINE vf64 f64_log_special(vf64 x, vf64 y)
{
    const vf64 zero = f64_set(0.0);
    y = f64_select(f64_eq(x, zero), f64_set(-INFINITY), y);
    y = f64_select(f64_lt(x, zero), f64_set((double)NAN), y);
    return f64_select(mf64_or(f64_isnan(x), f64_eq(x, f64_set(INFINITY))), x, y);
}

/* k ln2 + log(1 + f), log(1 + f) = f - (f^2/2 - s (f^2/2 + R(s^2))), s = f / (2 + f) */
HONE__INLINE vf64 f64_log_sum(vf64 k, vf64 f)
{
    const vf64 s = f64_div(f, f64_add(f64_set(2.0), f)), z = f64_mul(s, s);
    vf64 p = f64_set(0x1.2f03fa1fdd611p-3);
    p = f64_fma(p, z, f64_set(0x1.39a1e402457a2p-3));
    p = f64_fma(p, z, f64_set(0x1.74663d0c78998p-3));
    p = f64_fma(p, z, f64_set(0x1.c71c52140b4d4p-3));
    p = f64_fma(p, z, f64_set(0x1.24924941e14c8p-2));
    p = f64_fma(p, z, f64_set(0x1.999999997ff1ep-2));
    p = f64_fma(p, z, f64_set(0x1.5555555555592p-1));
    const vf64 half_square = f64_mul(f64_mul(f, f), f64_set(0.5));
    const vf64 tail = f64_fma(s, f64_fma(p, z, half_square), f64_neg(half_square));

    const vf64 k_ln2 = f64_mul(k, f64_set(F64_LN2_42)); /* exact */
    const vf64 sum = f64_add(k_ln2, f);
    const vf64 error = f64_add(f64_sub(k_ln2, sum), f);
    return f64_add(sum, f64_add(f64_fma(k, f64_set(F64_LN2_REST), tail), error));
}

static __attribute__((noinline)) vf64 f64_log_far(vf64 x)
{
    vf64 k;
    const vf64 f = f64_sub(f64_log_split_any(x, &k), f64_set(1.0));
    return f64_log_special(x, f64_log_sum(k, f));
}

HONE__INLINE vf64 f64_log(vf64 x)
{
    const mf64 normal = mf64_and(f64_ge(x, f64_set(0x1p-1022)), f64_lt(x, f64_set(INFINITY)));
    if (!mf64_all(normal))
        return f64_log_far(x);
    vf64 k;
    const vf64 f = f64_sub(f64_log_split(x, &k), f64_set(1.0));
    return f64_log_sum(k, f);
}

HONE__INLINE vf64 f64_sigmoid(vf64 x)
{
    const vf64 one = f64_set(1.0), e = f64_exp(f64_neg(f64_abs(x)));
    const mf64 negative = f64_lt(x, f64_set(0.0));
    const vf64 q = f64_div(f64_select(negative, e, one), f64_add(one, e));
    const mf64 far = mf64_and(negative, f64_lt(e, f64_set(0.25)));
    return f64_select(far, f64_fnma(e, q, e), q);
}

/* e^x - 1 = 2 (h p + (h - 1/2)), h = 2^(n-1), p = e^r - 1; rounded about once */
HONE__INLINE vf64 f64_expm1(vf64 x)
{
    const vf64 low = f64_set(-60.0), high = f64_set(710.0); /* beyond: -1 and inf; a NaN stays */
    vf64 t = f64_select(f64_lt(x, low), low, x);
    t = f64_select(f64_gt(t, high), high, t);
    vi64 n;
    vf64 rest;
    const vf64 r = f64_exp_reduce(t, &rest, &n);
    const vf64 tail = f64_fma(f64_mul(r, r), f64_exp_poly(r), f64_fma(rest, r, rest));
    const vf64 p = f64_add(r, tail), p_low = f64_add(f64_sub(r, p), tail);
    const vf64 half_power = i64_as_f64(i64_shl(i64_add(n, i64_set(1022)), 52));
    const vf64 big = f64_sub(half_power, f64_set(0.5)), small = f64_mul(half_power, p);
    const vf64 sum = f64_add(big, small), error = f64_add(f64_sub(big, sum), small);
    const vf64 half = f64_add(sum, f64_fma(half_power, p_low, error));
    return f64_select(f64_eq(x, f64_set(0.0)), x, f64_add(half, half));
}

/* q = m / (m + 2), m = e^2|x| - 1; while it matters, what m + 2 lost is made good: 1 / (m + 2) = (1
 * - q) / 2 */
HONE__INLINE vf64 f64_tanh(vf64 x)
{
    const vf64 limit = f64_set(44.0), two = f64_set(2.0), ax = f64_abs(x), t = f64_add(ax, ax);
    const vf64 m = f64_expm1(f64_select(f64_gt(t, limit), limit, t));
    const vf64 den = f64_add(m, two), q = f64_div(m, den);
    const vf64 lost = f64_select(f64_lt(m, two), f64_sub(m, f64_sub(den, two)), f64_set(0.0));
    const vf64 half_rest = f64_mul(f64_sub(f64_set(1.0), q), f64_set(0.5));
    return f64_copysign(f64_fnma(f64_mul(q, half_rest), lost, q), x);
}
