/* pow.h: x^y = e^(y log x) with the logarithm in two parts of about 66 bits. (fragment: needs
 * math_f64.h)
 *
 * f32's pow is made of doubles too, with polynomials that are shorter because 2^-28 is enough; it
 * is right but for an input in 30. Where a vector has a base that isn't positive and finite or a
 * result that overflows or underflows, the far versions take over. */

/* a + b = *sum + *error exactly, for |a| >= |b| or a = 0 */
HONE__INLINE vf64 f64_two_sum(vf64 a, vf64 b, vf64 *error)
{
    const vf64 sum = f64_add(a, b);
    *error = f64_add(f64_sub(a, sum), b);
    return sum;
}

/* log(x) = result + *low for a positive finite x (that `split` can take): log m = s (2 + z (2/3 + z
 * P(z))), s = (m - 1) / (m + 1), z = s^2, every piece in two parts but P.
 */
typedef vf64 (*f64_splitter)(vf64 x, vf64 *k);

HONE__INLINE vf64 f64_log_parts(vf64 x, f64_splitter split, vf64 *low)
{
    vf64 k, error;
    const vf64 one = f64_set(1.0), two = f64_set(2.0), m = split(x, &k);
    const vf64 num = f64_sub(m, one), den = f64_add(m, one); /* num is exact */
    const vf64 den_low = f64_sub(m, f64_sub(den, one));
    const vf64 inverse = f64_div(one, den), s = f64_mul(num, inverse);
    const vf64 s_low = f64_mul(f64_fnma(s, den_low, f64_fnma(s, den, num)), inverse);
    const vf64 z = f64_mul(s, s);
    const vf64 z_low = f64_fma(f64_mul(s, two), s_low, f64_fma(s, s, f64_neg(z)));

    vf64 p = f64_set(0x1.da90f5caa85ep-4);
    p = f64_fma(p, z, f64_set(0x1.a779c0b9f3896p-4));
    p = f64_fma(p, z, f64_set(0x1.e24262bf8df8p-4));
    p = f64_fma(p, z, f64_set(0x1.110fa3b85f56fp-3));
    p = f64_fma(p, z, f64_set(0x1.3b13b7ffe89d8p-3));
    p = f64_fma(p, z, f64_set(0x1.745d1731c58c1p-3));
    p = f64_fma(p, z, f64_set(0x1.c71c71c73fedep-3));
    p = f64_fma(p, z, f64_set(0x1.2492492492385p-2));
    p = f64_fma(p, z, f64_set(0x1.999999999999ap-2));

    const vf64 u = f64_two_sum(f64_set(0x1.5555555555555p-1), f64_mul(p, z), &error);
    const vf64 u_low = f64_add(f64_set(0x1.5555555555555p-55), error);
    const vf64 v = f64_mul(z, u);
    const vf64 v_low = f64_fma(z, u_low, f64_fma(z_low, u, f64_fma(z, u, f64_neg(v))));
    const vf64 w = f64_two_sum(two, v, &error), w_low = f64_add(error, v_low);
    const vf64 log_m = f64_mul(s, w);
    const vf64 log_low = f64_fma(s, w_low, f64_fma(s_low, w, f64_fma(s, w, f64_neg(log_m))));

    const vf64 high = f64_two_sum(f64_mul(k, f64_set(F64_LN2_42)), log_m, &error);
    return f64_two_sum(high, f64_fma(k, f64_set(F64_LN2_REST), f64_add(error, log_low)), low);
}

/* whether |y| < 2^53 is an integer; larger ones are even integers */
HONE__INLINE mf64 f64_is_integer(vf64 ay)
{
    const vf64 big = f64_set(0x1p52);
    return mf64_or(f64_ge(ay, big), f64_eq(f64_sub(f64_add(ay, big), big), ay));
}

/* The cases of C99's annex F around |x|^y, later ones win. */
HONE__INLINE vf64 f64_pow_special(vf64 x, vf64 y, vf64 power)
{
    const vf64 zero = f64_set(0.0), one = f64_set(1.0), inf = f64_set(INFINITY),
               nan = f64_set((double)NAN);
    const vf64 ax = f64_abs(x), ay = f64_abs(y);
    const mf64 integer = f64_is_integer(ay);
    const mf64 even =
        mf64_or(f64_ge(ay, f64_set(0x1p53)), f64_is_integer(f64_mul(ay, f64_set(0.5))));
    const mf64 odd = mf64_and(integer, mf64_not(even)), rising = f64_gt(y, zero);

    power = f64_select(mf64_and(f64_lt(x, zero), mf64_not(integer)), nan, power);
    const mf64 to_zero =
        mf64_or(mf64_and(f64_eq(ax, inf), mf64_not(rising)), mf64_and(f64_eq(ax, zero), rising));
    const mf64 to_inf =
        mf64_or(mf64_and(f64_eq(ax, inf), rising), mf64_and(f64_eq(ax, zero), mf64_not(rising)));
    power = f64_select(to_zero, zero, f64_select(to_inf, inf, power));
    const mf64 grows = f64_gt(ax, one);
    const vf64 far =
        f64_select(mf64_or(mf64_and(grows, rising), mf64_not(mf64_or(grows, rising))), inf, zero);
    power = f64_select(f64_eq(ay, inf), f64_select(f64_eq(ax, one), one, far), power);
    power = f64_select(odd, f64_copysign(power, x), power);
    power = f64_select(mf64_or(f64_isnan(x), f64_isnan(y)), nan, power);
    return f64_select(mf64_or(f64_eq(x, one), f64_eq(y, zero)), one, power);
}

/* y log x = result + *rest */
HONE__INLINE vf64 f64_log_power(vf64 x, vf64 y, f64_splitter split, vf64 *rest)
{
    vf64 low;
    const vf64 log = f64_log_parts(x, split, &low), product = f64_mul(y, log);
    *rest = f64_fma(y, low, f64_fma(y, log, f64_neg(product)));
    return product;
}

static __attribute__((noinline)) vf64 f64_pow_far(vf64 x, vf64 y)
{
    vf64 rest;
    vi64 n;
    const vf64 zero = f64_set(0.0), limit = f64_set(800.0); /* e^800 is far past the ends */
    const vf64 log = f64_log_power(f64_abs(x), y, f64_log_split_any, &rest);
    const mf64 past = mf64_not(f64_lt(f64_abs(log), limit));
    const vf64 end = f64_copysign(limit, log);
    const vf64 p =
        f64_exp_parts_corrected(f64_select(past, end, log), f64_select(past, zero, rest), &n);
    return f64_pow_special(x, y, f64_scale(p, n));
}

/* lanes whose base is positive, normal and finite and whose exponent of e or 2 is below `limit` */
HONE__INLINE mf64 f64_pow_is_near(vf64 x, vf64 power, double limit)
{
    const mf64 normal = mf64_and(f64_ge(x, f64_set(0x1p-1022)), f64_lt(x, f64_set(INFINITY)));
    return mf64_and(normal, f64_lt(f64_abs(power), f64_set(limit)));
}

HONE__INLINE vf64 f64_pow(vf64 x, vf64 y)
{
    vf64 rest;
    vi64 n;
    const vf64 log = f64_log_power(x, y, f64_log_split, &rest);
    if (!mf64_all(f64_pow_is_near(x, log, 700)))
        return f64_pow_far(x, y);
    const vf64 p = f64_exp_parts_corrected(log, rest, &n);
    return f64_scale_near(p, n);
}

/* ---- for f32: x and y are floats, and so will the result be */

/* log2(x) of a positive normal x to 2^-37: s L(s^2), s = (m - 1) / (m + 1) */
HONE__INLINE vf64 f64_short_log2(vf64 x)
{
    static const double c[] = { 0x1.71547652bedf3p+1, 0x1.ec709d12cf855p-1, 0x1.27777fe8b2738p-1,
                                0x1.a58d88a32ffc4p-2, 0x1.5ce857fc6435fp-2 };
    vf64 k;
    const vf64 one = f64_set(1.0), m = f64_log_split(x, &k);
    const vf64 s = f64_div(f64_sub(m, one), f64_add(m, one));
    return f64_fma(s, f64_poly(f64_mul(s, s), c, 5), k);
}

/* 2^t for |t| <= 1000, to 2^-28 */
HONE__INLINE vf64 f64_short_exp2(vf64 t)
{
    static const double c[] = { 1,
                                0x1.62e430af29195p-1,
                                0x1.ebfbdc3c24d0cp-3,
                                0x1.c6aee88c901f7p-5,
                                0x1.3b2d4cf6bfb3bp-7,
                                0x1.5f3e53be17732p-10,
                                0x1.41fbba252fdb4p-13 };
    const vf64 magic = f64_set(0x1.8p52), shifted = f64_add(t, magic);
    const vf64 r = f64_sub(t, f64_sub(shifted, magic)); /* exact */
    return f64_scale_near(f64_poly(r, c, 7), i64_sub(f64_bits(shifted), f64_bits(magic)));
}

static __attribute__((noinline)) vf64 f64_short_pow_far(vf64 x, vf64 y)
{
    const vf64 limit = f64_set(1000.0), t = f64_mul(y, f64_short_log2(f64_abs(x)));
    const mf64 inside = f64_lt(f64_abs(t), limit);
    const vf64 end = f64_copysign(limit, t);
    return f64_pow_special(x, y, f64_short_exp2(f64_select(inside, t, end)));
}

HONE__INLINE vf64 f64_short_pow(vf64 x, vf64 y)
{
    const vf64 t = f64_mul(y, f64_short_log2(x));
    return mf64_all(f64_pow_is_near(x, t, 1000)) ? f64_short_exp2(t) : f64_short_pow_far(x, y);
}
