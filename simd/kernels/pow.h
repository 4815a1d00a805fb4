/* pow.h: x^y = e^(y log x) with the logarithm in two parts of about 66 bits. (fragment: needs
 * math_f64.h)
 *
 * f32's pow is f64's, rounded: half the speed of what f32 alone could do, but within half an ulp.
 */

/* a + b = *sum + *error exactly, for |a| >= |b| or a = 0 */
HONE__INLINE vf64 f64_two_sum(vf64 a, vf64 b, vf64 *error)
{
    const vf64 sum = f64_add(a, b);
    *error = f64_add(f64_sub(a, sum), b);
    return sum;
}

/* log(x) = result + *low for a positive finite x:
 * log m = s (2 + z (2/3 + z P(z))), s = (m - 1) / (m + 1), z = s^2, every piece in two parts but P.
 */
HONE__INLINE vf64 f64_log_parts(vf64 x, vf64 *low)
{
    vf64 k, error;
    const vf64 one = f64_set(1.0), two = f64_set(2.0), m = f64_log_split_any(x, &k);
    const vf64 num = f64_sub(m, one), den = f64_add(m, one); /* num is exact */
    const vf64 den_low = f64_sub(m, f64_sub(den, one));
    const vf64 s = f64_div(num, den);
    const vf64 s_low = f64_div(f64_fnma(s, den_low, f64_fnma(s, den, num)), den);
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

HONE__INLINE vf64 f64_pow(vf64 x, vf64 y)
{
    vf64 low;
    vi64 n;
    const vf64 zero = f64_set(0.0), limit = f64_set(800.0);
    const vf64 log = f64_log_parts(f64_abs(x), &low);
    const vf64 product = f64_mul(y, log);
    const vf64 rest = f64_fma(y, low, f64_fma(y, log, f64_neg(product)));
    const mf64 far = mf64_not(f64_lt(f64_abs(product), limit)); /* e^800 is far past the ends */
    const vf64 end = f64_copysign(limit, product);
    const vf64 p =
        f64_exp_parts_corrected(f64_select(far, end, product), f64_select(far, zero, rest), &n);
    return f64_pow_special(x, y, f64_scale(p, n));
}
