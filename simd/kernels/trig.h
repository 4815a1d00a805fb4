/* trig.h: sin, cos, tan of both types. (fragment: needs math_f32.h, math_f64.h)
 *
 * x = n pi/2 + r. As long as n is small, n times three pieces of pi/2 is taken off with fma: exact
 * but for the last piece. Larger arguments go lane by lane through the bits of 2/pi (M. Payne, R.
 * Hanek, "Radian reduction for trigonometric functions", 1983). */

#define PI_2_HIGH 0x1.921fb54442d18p0
#define PI_2_MID  0x1.1a62633145c07p-54
#define PI_2_LOW  -0x1.f1976b7ed8fbcp-110

/* 64 zero bits, then the first 1280 bits of 2/pi */
static const uint64_t two_over_pi[21] = {
    0,
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
};

/* For a finite |x| >= 2: x = n pi/2 + (result + *dr) modulo 2 pi; *n is 0..3. With x = m 2^e, the
 * product of m and 192 bits of 2/pi that begin at 2^(2-e) is x 2/pi modulo 4, to 2^-137. */
static double reduce_far(double x, double *dr, int *n)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int exponent = (int)(bits >> 52 & 0x7ff) - 1075, skip = exponent - 2 + 64;
    const uint64_t m = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    uint64_t w[3];
    for (int i = 0; i < 3; i++) {
        const uint64_t *t = two_over_pi + skip / 64 + i;
        w[i] = skip % 64 ? t[0] << skip % 64 | t[1] >> (64 - skip % 64) : t[0];
    }
    const unsigned __int128 low = (unsigned __int128)m * w[2];
    const unsigned __int128 mid = (unsigned __int128)m * w[1] + (uint64_t)(low >> 64);
    const uint64_t high = m * w[0] + (uint64_t)(mid >> 64);
    /* high:mid has two bits of quarter, then the fraction; a fraction from 1/2 on belongs to the
     * next quarter */
    const unsigned __int128 turned =
        (unsigned __int128)high << 66 | (unsigned __int128)(uint64_t)mid << 2 | (uint64_t)low >> 62;
    const __int128 fraction = (__int128)turned;
    const int quarter = (int)(high >> 62) + (fraction < 0);
    const double f = (double)fraction, f_low = (double)(fraction - (__int128)f);
    const double r = f * PI_2_HIGH;
    const double rest = fma(f, PI_2_MID, fma(f, PI_2_HIGH, -r)) + f_low * PI_2_HIGH;
    *n = (x < 0 ? -quarter : quarter) & 3;
    *dr = (x < 0 ? -rest : rest) * 0x1p-128;
    return (x < 0 ? -r : r) * 0x1p-128;
}

/* ---- f32 ---- */

#define F32_NEAR 0x1p17f

static __attribute__((noinline)) vf32 f32_trig_far(vf32 x, vf32 near, vf32 *dr, vi32 *n)
{
    float lanes[F32_LANES], r[F32_LANES], rest[F32_LANES];
    int32_t quarter[F32_LANES];
    f32_store(lanes, x);
    f32_store(r, near);
    f32_store(rest, *dr);
    i32_store(quarter, *n);
    for (int i = 0; i < F32_LANES; i++) {
        double low;
        int q;
        if (fabsf(lanes[i]) < F32_NEAR)
            continue;
        r[i] = NAN;
        if (lanes[i] - lanes[i] == 0) {
            const double exact = reduce_far((double)lanes[i], &low, &q);
            r[i] = (float)exact;
            rest[i] = (float)(exact - (double)r[i]);
            quarter[i] = q;
        }
    }
    *n = i32_load(quarter);
    *dr = f32_load(rest);
    return f32_load(r);
}

/* round(x 2/pi) as a float and, in its low bits, as an integer */
HONE__INLINE vf32 f32_quarters(vf32 x, vi32 *n)
{
    const vf32 magic = f32_set(0x1.8p23f), shifted = f32_fma(x, f32_set(0x1.45f306p-1f), magic);
    *n = i32_sub(f32_bits(shifted), f32_bits(magic));
    return f32_sub(shifted, magic);
}

#define F32_PI_2_HIGH 0x1.921fb6p0f
#define F32_PI_2_MID  -0x1.777a5cp-25f
#define F32_PI_2_LOW  -0x1.ee59dap-50f

HONE__INLINE mf32 f32_trig_is_far(vf32 x)
{
    return mf32_not(f32_lt(f32_abs(x), f32_set(F32_NEAR)));
}

/* x = n pi/2 + r, |r| <= pi / 4 */
HONE__INLINE vf32 f32_trig_reduce(vf32 x, vi32 *n)
{
    const vf32 whole = f32_quarters(x, n);
    vf32 r = f32_fnma(whole, f32_set(F32_PI_2_HIGH), x), dr = f32_set(0.0f); /* exact */
    r = f32_fnma(whole, f32_set(F32_PI_2_MID), r);
    r = f32_fnma(whole, f32_set(F32_PI_2_LOW), r);
    return mf32_any(f32_trig_is_far(x)) ? f32_trig_far(x, r, &dr, n) : r;
}

/* x = n pi/2 + r + *dr. `exact` may cancel with the next piece's product p; their difference still
 * shows its own rounding error, because `exact` is a multiple of an ulp of p. */
HONE__INLINE vf32 f32_trig_reduce_parts(vf32 x, vf32 *dr, vi32 *n)
{
    const vf32 whole = f32_quarters(x, n), mid = f32_set(F32_PI_2_MID);
    const vf32 exact = f32_fnma(whole, f32_set(F32_PI_2_HIGH), x), p = f32_mul(whole, mid);
    const vf32 near = f32_sub(exact, p), error = f32_sub(f32_sub(exact, near), p);
    const vf32 lost = f32_sub(error, f32_fma(whole, mid, f32_neg(p)));
    const vf32 rest = f32_fnma(whole, f32_set(F32_PI_2_LOW), lost), r = f32_add(near, rest);
    *dr = f32_add(f32_sub(near, r), rest);
    return mf32_any(f32_trig_is_far(x)) ? f32_trig_far(x, r, dr, n) : r;
}

/* sin and cos of r, |r| <= pi / 4 */
HONE__INLINE vf32 f32_sin_poly(vf32 r)
{
    const vf32 z = f32_mul(r, r);
    vf32 p = f32_set(0x1.7869fep-19f);
    p = f32_fma(p, z, f32_set(-0x1.a04a8p-13f));
    p = f32_fma(p, z, f32_set(0x1.111166p-7f));
    p = f32_fma(p, z, f32_set(-0x1.555556p-3f));
    return f32_fma(f32_mul(r, z), p, r);
}
HONE__INLINE vf32 f32_cos_poly(vf32 r)
{
    const vf32 z = f32_mul(r, r);
    vf32 p = f32_set(0x1.99eacep-16f);
    p = f32_fma(p, z, f32_set(-0x1.6c0c2ep-10f));
    p = f32_fma(p, z, f32_set(0x1.55554ap-5f));
    p = f32_fma(p, z, f32_set(-0.5f));
    return f32_fma(z, p, f32_set(1.0f));
}

/* sin and cos from the polynomials of the reduced argument and its quadrant (the low two bits of n)
 */
HONE__INLINE vf32 f32_quadrant(vf32 sine, vf32 cosine, vi32 n)
{
    const mf32 even = i32_eq(i32_and(n, i32_set(1)), i32_set(0));
    const vi32 sign = i32_shl(i32_and(n, i32_set(2)), 30);
    return i32_as_f32(i32_xor(f32_bits(f32_select(even, sine, cosine)), sign));
}

HONE__INLINE vf32 f32_sin(vf32 x)
{
    vi32 n;
    const vf32 r = f32_trig_reduce(x, &n);
    const vf32 y = f32_quadrant(f32_sin_poly(r), f32_cos_poly(r), n);
    return f32_select(f32_eq(x, f32_set(0.0f)), x, y);
}

HONE__INLINE vf32 f32_cos(vf32 x)
{
    vi32 n;
    const vf32 r = f32_trig_reduce(x, &n);
    return f32_quadrant(f32_sin_poly(r), f32_cos_poly(r), i32_add(n, i32_set(1)));
}

/* t = r + r^3 P(r^2) and in the odd quarters -1 / t, t in two parts */
HONE__INLINE vf32 f32_tan(vf32 x)
{
    static const float p[] = { 0x1.555556p-2f, 0x1.111052p-3f,  0x1.ba618p-5f, 0x1.6179eap-6f,
                               0x1.4b0662p-7f, 0x1.0396cap-10f, 0x1.0296b4p-8f };
    vi32 n;
    vf32 dr;
    const vf32 r = f32_trig_reduce_parts(x, &dr, &n), z = f32_mul(r, r), one = f32_set(1.0f);
    const vf32 curve = f32_mul(f32_mul(r, z), f32_poly(z, p, 7));
    const vf32 tail = f32_add(curve, f32_fma(z, dr, dr)); /* the slope is 1 + t^2 */
    const vf32 t = f32_add(r, tail), t_low = f32_add(f32_sub(r, t), tail);
    const vf32 q = f32_div(f32_set(-1.0f), t);
    const vf32 rest = f32_fma(q, t_low, f32_fma(q, t, one));
    const mf32 even = i32_eq(i32_and(n, i32_set(1)), i32_set(0));
    const vf32 y = f32_select(even, t, f32_fma(q, rest, q));
    return f32_select(f32_eq(x, f32_set(0.0f)), x, y);
}

/* cos(2 pi t) and sin(2 pi t), 0 <= t < 1: quarters are taken off exactly */
HONE__INLINE vf32 f32_circle(vf32 t, vf32 *sine)
{
    const vf32 magic = f32_set(0x1.8p23f), shifted = f32_fma(t, f32_set(4.0f), magic);
    const vi32 n = i32_sub(f32_bits(shifted), f32_bits(magic));
    const vf32 rest = f32_fnma(f32_sub(shifted, magic), f32_set(0.25f), t);
    const vf32 r = f32_mul(rest, f32_set(0x1.921fb6p2f));
    const vf32 s = f32_sin_poly(r), c = f32_cos_poly(r);
    *sine = f32_quadrant(s, c, n);
    return f32_quadrant(s, c, i32_add(n, i32_set(1)));
}

/* ---- f64 ---- */

#define F64_NEAR 0x1p30

static __attribute__((noinline)) vf64 f64_trig_far(vf64 x, vf64 near, vf64 *dr, vi64 *n)
{
    double lanes[F64_LANES], r[F64_LANES], rest[F64_LANES];
    int64_t quarter[F64_LANES];
    f64_store(lanes, x);
    f64_store(r, near);
    f64_store(rest, *dr);
    i64_store(quarter, *n);
    for (int i = 0; i < F64_LANES; i++) {
        int q;
        if (fabs(lanes[i]) < F64_NEAR)
            continue;
        r[i] = (double)NAN;
        if (lanes[i] - lanes[i] == 0) {
            r[i] = reduce_far(lanes[i], rest + i, &q);
            quarter[i] = q;
        }
    }
    *n = i64_load(quarter);
    *dr = f64_load(rest);
    return f64_load(r);
}

HONE__INLINE vf64 f64_trig_reduce(vf64 x, vf64 *dr, vi64 *n)
{
    const vf64 magic = f64_set(0x1.8p52);
    const vf64 shifted = f64_fma(x, f64_set(0x1.45f306dc9c883p-1), magic);
    const vf64 whole = f64_sub(shifted, magic);
    *n = i64_sub(f64_bits(shifted), f64_bits(magic));
    const vf64 exact = f64_fnma(whole, f64_set(PI_2_HIGH), x), mid = f64_set(PI_2_MID);
    const vf64 p = f64_mul(whole, mid), near = f64_sub(exact, p); /* as f32_trig_reduce_parts */
    const vf64 error = f64_sub(f64_sub(exact, near), p);
    const vf64 lost = f64_sub(error, f64_fma(whole, mid, f64_neg(p)));
    const vf64 rest = f64_fnma(whole, f64_set(PI_2_LOW), lost);
    vf64 r = f64_add(near, rest);
    *dr = f64_add(f64_sub(near, r), rest);
    if (mf64_any(mf64_not(f64_lt(f64_abs(x), f64_set(F64_NEAR)))))
        r = f64_trig_far(x, r, dr, n);
    return r;
}

/* sin and cos of r + dr, |r| <= pi / 4, dr a correction below an ulp of r; *low is what the
 * result's rounding lost */
HONE__INLINE vf64 f64_sin_poly(vf64 r, vf64 dr, vf64 *low)
{
    static const double c[] = { -0x1.5555555555549p-3,  0x1.111111110f8a6p-7,
                                -0x1.a01a019c160afp-13, 0x1.71de357aff0b2p-19,
                                -0x1.ae5e687bf5febp-26, 0x1.5d9396eb84c6ep-33 };
    const vf64 z = f64_mul(r, r), tail = f64_fma(f64_mul(r, z), f64_poly(z, c, 6), dr);
    const vf64 y = f64_add(r, tail);
    *low = f64_add(f64_sub(r, y), tail);
    return y;
}
HONE__INLINE vf64 f64_cos_poly(vf64 r, vf64 dr, vf64 *low)
{
    static const double c[] = { 0x1.555555555554cp-5,  -0x1.6c16c16c15225p-10,
                                0x1.a01a019cc041ep-16, -0x1.27e4f81371a54p-22,
                                0x1.1ee9f1d9961d7p-29, -0x1.8fb178056e8aap-37 };
    const vf64 z = f64_mul(r, r), one = f64_set(1.0);
    const vf64 half = f64_mul(z, f64_set(0.5)), w = f64_sub(one, half);
    const vf64 error = f64_sub(f64_sub(one, w), half); /* of w */
    const vf64 tail = f64_fma(f64_mul(z, z), f64_poly(z, c, 6), f64_fnma(r, dr, error));
    const vf64 y = f64_add(w, tail);
    *low = f64_add(f64_sub(w, y), tail);
    return y;
}

HONE__INLINE vf64 f64_quadrant(vf64 sine, vf64 cosine, vi64 n)
{
    const mf64 even = i64_eq(i64_and(n, i64_set(1)), i64_set(0));
    const vi64 sign = i64_shl(i64_and(n, i64_set(2)), 62);
    return i64_as_f64(i64_xor(f64_bits(f64_select(even, sine, cosine)), sign));
}

HONE__INLINE vf64 f64_sin(vf64 x)
{
    vi64 n;
    vf64 dr, lost;
    const vf64 r = f64_trig_reduce(x, &dr, &n);
    const vf64 y = f64_quadrant(f64_sin_poly(r, dr, &lost), f64_cos_poly(r, dr, &lost), n);
    return f64_select(f64_eq(x, f64_set(0.0)), x, y);
}

HONE__INLINE vf64 f64_cos(vf64 x)
{
    vi64 n;
    vf64 dr, lost;
    const vf64 r = f64_trig_reduce(x, &dr, &n);
    return f64_quadrant(f64_sin_poly(r, dr, &lost), f64_cos_poly(r, dr, &lost),
                        i64_add(n, i64_set(1)));
}

/* sin / cos, both in two parts; -cos / sin in the odd quarters */
HONE__INLINE vf64 f64_tan(vf64 x)
{
    vi64 n;
    vf64 dr, sine_low, cosine_low;
    const vf64 r = f64_trig_reduce(x, &dr, &n);
    const vf64 sine = f64_sin_poly(r, dr, &sine_low), cosine = f64_cos_poly(r, dr, &cosine_low);
    const mf64 even = i64_eq(i64_and(n, i64_set(1)), i64_set(0));
    const vf64 num = f64_select(even, sine, f64_neg(cosine));
    const vf64 num_low = f64_select(even, sine_low, f64_neg(cosine_low));
    const vf64 den = f64_select(even, cosine, sine),
               den_low = f64_select(even, cosine_low, sine_low);
    const vf64 q = f64_div(num, den);
    const vf64 rest = f64_fnma(q, den_low, f64_add(f64_fnma(q, den, num), num_low));
    return f64_select(f64_eq(x, f64_set(0.0)), x, f64_add(q, f64_div(rest, den)));
}

/* cos(2 pi t) and sin(2 pi t), 0 <= t < 1 */
HONE__INLINE vf64 f64_circle(vf64 t, vf64 *sine)
{
    const vf64 magic = f64_set(0x1.8p52), shifted = f64_fma(t, f64_set(4.0), magic);
    const vi64 n = i64_sub(f64_bits(shifted), f64_bits(magic));
    const vf64 rest = f64_fnma(f64_sub(shifted, magic), f64_set(0.25), t);
    const vf64 two_pi = f64_set(0x1.921fb54442d18p2), r = f64_mul(rest, two_pi);
    const vf64 dr =
        f64_fma(rest, f64_set(0x1.1a62633145c07p-52), f64_fma(rest, two_pi, f64_neg(r)));
    vf64 lost;
    const vf64 s = f64_sin_poly(r, dr, &lost), c = f64_cos_poly(r, dr, &lost);
    *sine = f64_quadrant(s, c, n);
    return f64_quadrant(s, c, i64_add(n, i64_set(1)));
}

#undef F32_NEAR
#undef F32_PI_2_HIGH
#undef F32_PI_2_MID
#undef F32_PI_2_LOW
#undef F64_NEAR
