/* math_f32.h: exp, log, tanh ... of f32 lanes. (fragment: needs a vocabulary)
 *
 * Polynomials are minimax fits whose coefficients were rounded to f32 one after another, the rest
 * refitted each time. The errors named are the worst over all 2^32 inputs
 * (tests/kernels/test_slow_kernels_math.c). */

#define EXP_GROUP 4 /* vectors whose exponentials are taken together */

/* c[0] + c[1] x + ... + c[n - 1] x^(n - 1). Long ones as two chains, even and odd, that don't wait
 * for each other. */
HONE__INLINE vf32 f32_poly(vf32 x, const float *c, int n)
{
    const int step = n < 12 ? 1 : 2;
    const vf32 z = step == 1 ? x : f32_mul(x, x);
    vf32 p = f32_set(c[n - 1]), q = f32_set(c[n - 2]);
#pragma GCC unroll 16
    for (int i = n - 1 - step; i >= 0; i -= step)
        p = f32_fma(p, z, f32_set(c[i]));
    if (step == 1)
        return p;
#pragma GCC unroll 16
    for (int i = n - 4; i >= 0; i -= 2)
        q = f32_fma(q, z, f32_set(c[i]));
    return n % 2 == 1 ? f32_fma(q, x, p) : f32_fma(p, x, q);
}

/* x + this is x rounded to a whole number, which its low bits hold; the lowest nine of its own are 0. */
#define F32_WHOLE 0x1.8p23f

/* p * 2^n for -252 <= n <= 254, rounded once: two exact factors, so that a result may be subnormal.
 * `low` are n or the bits of F32_WHOLE + n: what those have more is shifted out. */
HONE__INLINE vf32 f32_scale(vf32 p, vi32 low)
{
    const vi32 n = i32_sub(low, f32_bits(f32_set(F32_WHOLE)));
    const vi32 half = i32_sar(n, 1), bias = i32_set(127);
    const vf32 a = i32_as_f32(i32_shl(i32_add(half, bias), 23));
    const vf32 b = i32_as_f32(i32_shl(i32_add(i32_sub(n, half), bias), 23));
    return f32_mul(f32_mul(p, a), b);
}
/* The same where p is no NaN and p and the result are normal (or n is 0). */
HONE__INLINE vf32 f32_scale_near(vf32 p, vi32 low)
{
    return i32_as_f32(i32_add(f32_bits(p), i32_shl(low, 23)));
}

/* x = n ln2 + r, |r| <= ln2 / 2; *low: the bits of F32_WHOLE + n. */
HONE__INLINE vf32 f32_exp_reduce(vf32 x, vi32 *low)
{
    const vf32 magic = f32_set(F32_WHOLE);
    const vf32 shifted = f32_fma(x, f32_set(0x1.715476p0f), magic);
    const vf32 whole = f32_sub(shifted, magic);
    *low = f32_bits(shifted);
    const vf32 r = f32_fnma(whole, f32_set(0x1.62e43p-1f), x); /* exact */
    return f32_fnma(whole, f32_set(-0x1.05c61p-29f), r);
}

/* (e^r - 1 - r) / r^2 for |r| <= ln2 / 2 */
HONE__INLINE vf32 f32_exp_poly(vf32 r)
{
    vf32 q = f32_set(0x1.6d5cf2p-10f);
    q = f32_fma(q, r, f32_set(0x1.123bdep-7f));
    q = f32_fma(q, r, f32_set(0x1.5554dap-5f));
    q = f32_fma(q, r, f32_set(0x1.55548ep-3f));
    return f32_fma(q, r, f32_set(0.5f));
}

/* e^x = p * 2^n before the scaling, for -120 <= x <= 89; *low: the bits of F32_WHOLE + n. */
HONE__INLINE vf32 f32_exp_parts(vf32 x, vi32 *low)
{
    const vf32 r = f32_exp_reduce(x, low), one = f32_set(1.0f);
    return f32_fma(f32_fma(f32_exp_poly(r), r, one), r, one);
}

/* e^(x + dx), dx a correction below an ulp of x */
HONE__INLINE vf32 f32_exp_parts_corrected(vf32 x, vf32 dx, vi32 *low)
{
    const vf32 p = f32_exp_parts(x, low);
    return f32_fma(p, dx, p);
}

/* e^x where neither x nor the result is anything special: |x| <= 87 */
HONE__INLINE vf32 f32_exp_near(vf32 x)
{
    vi32 low;
    const vf32 p = f32_exp_parts(x, &low);
    return f32_scale_near(p, low);
}

/* The same for any x. What would be 0 is not computed: making a subnormal only to lose it is slow
 * on many CPUs. */
static __attribute__((noinline)) vf32 f32_exp_far(vf32 x)
{
    const vf32 high = f32_set(89.0f), zero = f32_set(0.0f);
    const mf32 none = f32_lt(x, f32_set(-104.0f));
    x = f32_select(none, zero, x);
    x = f32_select(f32_gt(x, high), high, x); /* inf; a NaN stays */
    vi32 low;
    const vf32 p = f32_exp_parts(x, &low);
    return f32_select(none, zero, f32_scale(p, low));
}

HONE__INLINE vf32 f32_exp(vf32 x)
{
    const mf32 near = f32_le(f32_abs(x), f32_set(87.0f));
    return mf32_all(near) ? f32_exp_near(x) : f32_exp_far(x);
}

/* The same of several, with one look at all of them. */
HONE__INLINE void f32_exp_group(vf32 x[EXP_GROUP])
{
    mf32 near = f32_le(f32_abs(x[0]), f32_set(87.0f));
    for (int i = 1; i < EXP_GROUP; i++)
        near = mf32_and(near, f32_le(f32_abs(x[i]), f32_set(87.0f)));
    if (mf32_all(near))
        for (int i = 0; i < EXP_GROUP; i++)
            x[i] = f32_exp_near(x[i]);
    else
        for (int i = 0; i < EXP_GROUP; i++)
            x[i] = f32_exp(x[i]);
}

/* log(1 + f) - f for sqrt(1/2) <= 1 + f < sqrt(2) */
HONE__INLINE vf32 f32_log_tail(vf32 f)
{
    vf32 p = f32_set(-0x1.38c83p-4f);
    p = f32_fma(p, f, f32_set(0x1.055e3p-3f));
    p = f32_fma(p, f, f32_set(-0x1.0d823ap-3f));
    p = f32_fma(p, f, f32_set(0x1.22d93ap-3f));
    p = f32_fma(p, f, f32_set(-0x1.54728cp-3f));
    p = f32_fma(p, f, f32_set(0x1.99a01cp-3f));
    p = f32_fma(p, f, f32_set(-0x1.000226p-2f));
    p = f32_fma(p, f, f32_set(0x1.555554p-2f));
    p = f32_fma(p, f, f32_set(-0.5f));
    return f32_mul(f32_mul(f, f), p);
}

/* k ln2 + log(1 + f). The sum k ln2 + f keeps its rounding error, so that only the last addition
 * rounds. */
HONE__INLINE vf32 f32_log_sum(vf32 k, vf32 f)
{
    const vf32 k_ln2 = f32_mul(k, f32_set(0x1.62e4p-1f)); /* exact: 16 bits */
    const vf32 sum = f32_add(k_ln2, f);
    const vf32 error = f32_add(f32_sub(k_ln2, sum), f);
    const vf32 tail = f32_fma(k, f32_set(0x1.7f7d1cp-20f), f32_log_tail(f));
    return f32_add(sum, f32_add(tail, error));
}

/* x = 2^k (1 + f) for a positive normal x; -> f */
HONE__INLINE vf32 f32_log_split(vf32 x, vi32 *k)
{
    const vi32 root_half = i32_set(0x3f3504f3), bits = f32_bits(x);
    *k = i32_sar(i32_sub(bits, root_half), 23);
    return f32_sub(i32_as_f32(i32_sub(bits, i32_shl(*k, 23))), f32_set(1.0f));
}

HONE__INLINE vf32 f32_log_special(vf32 x, vf32 y)
{
    const vf32 zero = f32_set(0.0f);
    y = f32_select(f32_eq(x, zero), f32_set(-INFINITY), y);
    y = f32_select(f32_lt(x, zero), f32_set(NAN), y);
    return f32_select(mf32_or(f32_isnan(x), f32_eq(x, f32_set(INFINITY))), x, y);
}

static __attribute__((noinline)) vf32 f32_log_far(vf32 x)
{
    vi32 exponent;
    const mf32 tiny = f32_lt(x, f32_set(0x1p-126f));
    const vf32 scaled = f32_select(tiny, f32_mul(x, f32_set(0x1p23f)), x);
    const vf32 f = f32_log_split(scaled, &exponent);
    const vf32 shift = f32_select(tiny, f32_set(23.0f), f32_set(0.0f));
    return f32_log_special(x, f32_log_sum(f32_sub(i32_to_f32(exponent), shift), f));
}

HONE__INLINE vf32 f32_log(vf32 x)
{
    const mf32 normal = mf32_and(f32_ge(x, f32_set(0x1p-126f)), f32_lt(x, f32_set(INFINITY)));
    if (!mf32_all(normal))
        return f32_log_far(x);
    vi32 exponent;
    const vf32 f = f32_log_split(x, &exponent);
    return f32_log_sum(i32_to_f32(exponent), f);
}

/* 1 / (1 + e^-x), from e = e^-|x| so that the small side keeps its digits. Far out, e / (1 + e) = e
 * - e (e / (1 + e)) saves the rounding of 1 + e. */
HONE__INLINE vf32 f32_sigmoid(vf32 x)
{
    const vf32 one = f32_set(1.0f), e = f32_exp(f32_neg(f32_abs(x)));
    const mf32 negative = f32_lt(x, f32_set(0.0f));
    const vf32 q = f32_div(f32_select(negative, e, one), f32_add(one, e));
    const mf32 far = mf32_and(negative, f32_lt(e, f32_set(0.25f)));
    return f32_select(far, f32_fnma(e, q, e), q);
}

HONE__INLINE vf32 f32_tanh(vf32 x)
{
    const vf32 one = f32_set(1.0f), two = f32_set(2.0f), ax = f32_abs(x), z = f32_mul(x, x);
    vf32 p = f32_set(-0x1.769e9cp-8f);
    p = f32_fma(p, z, f32_set(0x1.525342p-6f));
    p = f32_fma(p, z, f32_set(-0x1.b8439cp-5f));
    p = f32_fma(p, z, f32_set(0x1.110762p-3f));
    p = f32_fma(p, z, f32_set(-0x1.555534p-2f));
    const vf32 small = f32_fma(f32_mul(ax, z), p, ax);
    const vf32 ten = f32_set(10.0f), t = f32_select(f32_gt(ax, ten), ten, ax); /* tanh(10) is 1 */
    vi32 low;
    const vf32 power = f32_exp_parts(f32_add(t, t), &low); /* n >= 0, of any bits for a NaN */
    const vf32 e = f32_mul(power, i32_as_f32(i32_shl(i32_add(low, i32_set(127)), 23)));
    const vf32 big = f32_sub(one, f32_div(two, f32_add(e, one)));
    return f32_copysign(f32_select(f32_lt(ax, f32_set(0.625f)), small, big), x);
}
