/* activations.h: log1p, expm1, erf and the activations that are made of them. (fragment: needs
 * math_f32.h, math_f64.h)
 *
 * What is small for a negative x (gelu, silu) is a product with e^-y that is scaled last: so it
 * keeps its digits down to the subnormals. */

/* ---- f32 ---- */

/* u = 1 + x rounded, c what that lost: log(u) + c / u, with c put into f */
HONE__INLINE vf32 f32_log1p_inner(vf32 x)
{
    vi32 exponent;
    const vf32 one = f32_set(1.0f), u = f32_add(one, x);
    const vf32 lost = f32_sub(x, f32_sub(u, one));
    const vf32 f = f32_log_split(u, &exponent);
    const vf32 scale = i32_as_f32(i32_shl(i32_sub(i32_set(127), exponent), 23)); /* 2^-k */
    const mf32 far =
        f32_ge(x, f32_set(0x1p30f)); /* nothing was lost there, and 2^-k may not exist */
    return f32_log_sum(i32_to_f32(exponent), f32_select(far, f, f32_fma(lost, scale, f)));
}

HONE__INLINE vf32 f32_log1p(vf32 x)
{
    const vf32 y = f32_log_special(f32_add(f32_set(1.0f), x), f32_log1p_inner(x));
    return f32_select(f32_eq(x, f32_set(0.0f)), x, y);
}

/* as f64_expm1 */
HONE__INLINE vf32 f32_expm1(vf32 x)
{
    const vf32 low = f32_set(-40.0f), high = f32_set(89.0f);
    vf32 t = f32_select(f32_lt(x, low), low, x);
    t = f32_select(f32_gt(t, high), high, t);
    vi32 n;
    const vf32 r = f32_exp_reduce(t, &n), tail = f32_mul(f32_mul(r, r), f32_exp_poly(r));
    const vf32 p = f32_add(r, tail), p_low = f32_add(f32_sub(r, p), tail);
    const vf32 half_power = i32_as_f32(i32_shl(i32_add(n, i32_set(126)), 23));
    const vf32 big = f32_sub(half_power, f32_set(0.5f)), small = f32_mul(half_power, p);
    const vf32 sum = f32_add(big, small), error = f32_add(f32_sub(big, sum), small);
    const vf32 half = f32_add(sum, f32_fma(half_power, p_low, error));
    return f32_select(f32_eq(x, f32_set(0.0f)), x, f32_add(half, half));
}

/* x + x P(x^2), or from 0.92 on 1 - e^-G(|x|) with G = -log(erfc) */
HONE__INLINE vf32 f32_erf(vf32 x)
{
    static const float p[] = { 0x1.06eba8p-3f, -0x1.812742p-2f,  0x1.ce2ddep-4f, -0x1.b80ae6p-6f,
                               0x1.54a362p-8f, -0x1.a8f242p-11f, 0x1.587252p-14f };
    static const float g[] = { 0x1.75d688p-13f, 0x1.20b3fcp0f,  0x1.462d6ap-1f,  0x1.aa1e06p-4f,
                               -0x1.6cf33p-6f,  0x1.906e06p-9f, -0x1.9d66aap-13f };
    const vf32 one = f32_set(1.0f), four = f32_set(4.0f), ax = f32_abs(x), z = f32_mul(x, x);
    const vf32 small = f32_fma(ax, f32_poly(z, p, 7), ax);
    const vf32 a = f32_select(f32_gt(ax, four), four, ax); /* erf(4) is 1 */
    const vf32 big = f32_sub(one, f32_exp(f32_neg(f32_poly(a, g, 7))));
    return f32_copysign(f32_select(f32_lt(ax, f32_set(0.92f)), small, big), x);
}

/* gelu, silu: x times a gate of x that goes from 0 to 1. The bodies need a = |x| small enough for
 * their e^-..; where the result is no subnormal either (nearly always), scaling is one
 * multiplication; otherwise the far versions take over. */

/* x where it is so large that its gate is 0 or 1 */
HONE__INLINE vf32 f32_past(vf32 x, mf32 past, vf32 y)
{
    const vf32 end = f32_select(f32_lt(x, f32_set(0.0f)), f32_set(-0.0f), x);
    return f32_select(past, end, y);
}

typedef vi32 f32_int;
typedef vf32 (*f32_scaler)(vf32 p, vi32 n);

/* e^(-a^2/2) = (1 + result) 2^n; one fma makes a^2 and takes n ln2 off, with one rounding */
HONE__INLINE vf32 f32_bell_parts(vf32 a, vi32 *n)
{
    const vf32 magic = f32_set(0x1.8p23f), half = f32_mul(a, f32_set(-0.5f));
    const vf32 shifted = f32_fma(f32_mul(half, a), f32_set(0x1.715476p0f), magic);
    const vf32 whole = f32_sub(shifted, magic);
    *n = i32_sub(f32_bits(shifted), f32_bits(magic));
    vf32 r = f32_fma(half, a, f32_mul(whole, f32_set(-0x1.62e4p-1f))); /* 16 bits: exact */
    r = f32_fnma(whole, f32_set(0x1.7f7d1cp-20f), r);
    return f32_fma(f32_mul(r, r), f32_exp_poly(r), r);
}

/* erfcx(a / sqrt(2)) / 2 = H(s) / (a + shift) with s = a / (a + shift) */
#define f32_GELU_SHIFT 2.5f

HONE__INLINE vf32 f32_gelu_tail(vf32 s)
{
    static const float h[] = { 0x1.e8a7a4p-1f,  -0x1.1a56d4p0f,  0x1.8ede44p-2f,  0x1.12b172p-2f,
                               -0x1.b42f38p-4f, -0x1.3022a4p-3f, -0x1.a0d31ap-6f, 0x1.0d58f8p-4f,
                               0x1.9f781cp-4f,  -0x1.49ad04p-4f };
    return f32_poly(f32_sub(s, f32_set(0.25f)), h, 10);
}

/* gelu: x N(x), N the normal distribution, is max(x, 0) - e^(-a^2/2) s H(s); H is near enough to a
 * constant not to mind the roundings of s. */
HONE__INLINE vf32 f32_gelu_body(vf32 x, vf32 a, f32_scaler scale)
{
    vi32 n;
    const vf32 e = f32_bell_parts(a, &n);
    const vf32 s = f32_div(a, f32_add(a, f32_set(f32_GELU_SHIFT)));
    const vf32 g = f32_mul(s, f32_gelu_tail(s)), tail = scale(f32_fma(g, e, g), n);
    /* The sign apart: of x < 0 ? -0 : x clang makes a max, which takes +0 for -0. */
    return f32_sub(f32_copysign(f32_larger(x, f32_set(0.0f)), x), tail);
}

static __attribute__((noinline)) vf32 f32_gelu_far(vf32 x)
{
    const mf32 none = f32_gt(f32_abs(x), f32_set(14.75f));
    const vf32 a = f32_select(none, f32_set(1.0f), f32_abs(x));
    return f32_past(x, none, f32_gelu_body(x, a, f32_scale));
}

HONE__INLINE vf32 f32_gelu(vf32 x)
{
    const vf32 a = f32_abs(x);
    return mf32_all(f32_le(a, f32_set(12.0f))) ? f32_gelu_body(x, a, f32_scale_near)
                                               : f32_gelu_far(x);
}

/* a / (1 + e^-w) with e^-w = p 2^n, and for a negative x that times e^-w */
HONE__INLINE vf32 f32_gated(vf32 x, vf32 a, vf32 p, vi32 n, f32_scaler scale)
{
    const vf32 q = f32_div(a, f32_add(f32_set(1.0f), scale(p, n)));
    return f32_copysign(f32_select(f32_lt(x, f32_set(0.0f)), scale(f32_mul(p, q), n), q), x);
}

HONE__INLINE vf32 f32_silu_body(vf32 x, vf32 a, f32_scaler scale)
{
    vi32 n;
    const vf32 p = f32_exp_parts(f32_neg(a), &n);
    return f32_gated(x, a, p, n, scale);
}

static __attribute__((noinline)) vf32 f32_silu_far(vf32 x)
{
    const mf32 none = f32_gt(f32_abs(x), f32_set(110.0f));
    return f32_past(x, none,
                    f32_silu_body(x, f32_select(none, f32_set(1.0f), f32_abs(x)), f32_scale));
}

HONE__INLINE vf32 f32_silu(vf32 x)
{
    const vf32 a = f32_abs(x);
    return mf32_all(f32_le(a, f32_set(80.0f))) ? f32_silu_body(x, a, f32_scale_near)
                                               : f32_silu_far(x);
}

/* w = a (k1 + k2 a^2) = result + *w_low: an error in w is one in the result w times as large */
HONE__INLINE vf32 f32_gelu_tanh_gate(vf32 a, vf32 *w_low)
{
    const vf32 k1 = f32_set(0x1.988454p0f), k2 = f32_set(0x1.2444f2p-4f);
    const vf32 z = f32_mul(a, a), z_low = f32_fma(a, a, f32_neg(z)), t = f32_mul(k2, z);
    const vf32 t_low =
        f32_fma(f32_set(0x1.49b16ap-29f), z, f32_fma(k2, z_low, f32_fma(k2, z, f32_neg(t))));
    const vf32 c = f32_add(k1, t), back = f32_sub(c, k1);
    const vf32 error = f32_add(f32_sub(k1, f32_sub(c, back)), f32_sub(t, back));
    const vf32 c_low = f32_add(f32_add(error, t_low), f32_set(-0x1.857936p-25f));
    const vf32 w = f32_mul(a, c);
    *w_low = f32_fma(a, c_low, f32_fma(a, c, f32_neg(w)));
    return w;
}

HONE__INLINE vf32 f32_gelu_tanh_body(vf32 x, vf32 a, f32_scaler scale)
{
    vi32 n;
    vf32 w_low;
    const vf32 w = f32_gelu_tanh_gate(a, &w_low);
    const vf32 p = f32_exp_parts_corrected(f32_neg(w), f32_neg(w_low), &n);
    return f32_gated(x, a, p, n, scale);
}

static __attribute__((noinline)) vf32 f32_gelu_tanh_far(vf32 x)
{
    const mf32 none = f32_gt(f32_abs(x), f32_set(11.0f));
    return f32_past(x, none,
                    f32_gelu_tanh_body(x, f32_select(none, f32_set(1.0f), f32_abs(x)), f32_scale));
}

HONE__INLINE vf32 f32_gelu_tanh(vf32 x)
{
    const vf32 a = f32_abs(x);
    return mf32_all(f32_le(a, f32_set(9.0f))) ? f32_gelu_tanh_body(x, a, f32_scale_near)
                                              : f32_gelu_tanh_far(x);
}

/* log(1 + e^x) = max(x, 0) + log1p(e^-|x|) */
HONE__INLINE vf32 f32_softplus(vf32 x)
{
    const vf32 zero = f32_set(0.0f), rest = f32_log1p_inner(f32_exp(f32_neg(f32_abs(x))));
    return f32_add(f32_select(f32_gt(x, zero), x, zero), rest);
}

/* ---- f64, in the same ways ---- */

HONE__INLINE vf64 f64_log1p_inner(vf64 x)
{
    vf64 k;
    const vf64 one = f64_set(1.0), u = f64_add(one, x);
    const vf64 lost = f64_sub(x, f64_sub(u, one));
    const vf64 m = f64_log_split(u, &k);
    const vf64 scale = f64_div(m, u); /* 2^-k */
    return f64_log_sum(k, f64_fma(lost, scale, f64_sub(m, one)));
}

HONE__INLINE vf64 f64_log1p(vf64 x)
{
    const vf64 y = f64_log_special(f64_add(f64_set(1.0), x), f64_log1p_inner(x));
    return f64_select(f64_eq(x, f64_set(0.0)), x, y);
}

/* x + x P(x^2), or from 1 on 1 - e^-G(|x|) with G = -log(erfc) */
HONE__INLINE vf64 f64_erf(vf64 x)
{
    static const double p[] = { 0x1.06eba8214db68p-3,  -0x1.812746b0379b2p-2,
                                0x1.ce2f21a0408dp-4,   -0x1.b82ce311ee06bp-6,
                                0x1.565bccf7e2615p-8,  -0x1.c02db0149fc3dp-11,
                                0x1.f9a2b755d6e91p-14, -0x1.f4ca205992841p-17,
                                0x1.b97e44af5285ap-20, -0x1.5bfe793598cc9p-23,
                                0x1.d6e3ef7256281p-27, -0x1.ab15ed78a2051p-31 };
    static const double g[] = {
        0x1.4d0cf5044e1fp-23,   0x1.20dd5a320ed8bp0,    0x1.45f406ddab9bbp-1,
        0x1.a4dd82950e37dp-4,   -0x1.38aca08bdd56bp-6,  -0x1.1d1c99ab5bddfp-12,
        0x1.cd435b9784cbbp-10,  -0x1.4beddbc3011ep-11,  0x1.4a2817e726641p-15,
        0x1.338242438cc09p-14,  -0x1.8476a22e11d41p-15, 0x1.1c6153e489757p-16,
        -0x1.2a55dd47c5b83p-18, 0x1.d61f77de4e70dp-21,  -0x1.16a85d8e222fbp-23,
        0x1.e4c82fa66a133p-27,  -0x1.24df90a3e5bc8p-30, 0x1.b7b47e88e2f9ep-35,
        -0x1.350039946c1dbp-40
    };
    const vf64 one = f64_set(1.0), six = f64_set(6.0), ax = f64_abs(x), z = f64_mul(x, x);
    const vf64 small = f64_fma(ax, f64_poly(z, p, 12), ax);
    const vf64 a = f64_select(f64_gt(ax, six), six, ax); /* erf(6) is 1 */
    const vf64 big = f64_sub(one, f64_exp(f64_neg(f64_poly(a, g, 19))));
    return f64_copysign(f64_select(f64_lt(ax, one), small, big), x);
}

HONE__INLINE vf64 f64_past(vf64 x, mf64 past, vf64 y)
{
    const vf64 end = f64_select(f64_lt(x, f64_set(0.0)), f64_set(-0.0), x);
    return f64_select(past, end, y);
}

typedef vi64 f64_int;
typedef vf64 (*f64_scaler)(vf64 p, vi64 n);

HONE__INLINE vf64 f64_bell_parts(vf64 a, vi64 *n)
{
    const vf64 magic = f64_set(0x1.8p52), half = f64_mul(a, f64_set(-0.5));
    const vf64 shifted = f64_fma(f64_mul(half, a), f64_set(0x1.71547652b82fep0), magic);
    const vf64 whole = f64_sub(shifted, magic);
    *n = i64_sub(f64_bits(shifted), f64_bits(magic));
    vf64 r = f64_fma(half, a, f64_mul(whole, f64_set(-F64_LN2_42)));
    r = f64_fnma(whole, f64_set(F64_LN2_REST), r);
    return f64_fma(f64_mul(r, r), f64_exp_poly(r), r);
}

#define f64_GELU_SHIFT 3.0

HONE__INLINE vf64 f64_gelu_tail(vf64 s)
{
    static const double h[] = {
        0x1.0bdb2e039df32p+0,  -0x1.890c892e9fc68p+0,  0x1.1caebd6060bc2p+0,  -0x1.b01218562c1e6p-4,
        -0x1.57042b2be69e0p-2, 0x1.a1d3691350195p-6,   0x1.29462af67ad23p-3,  0x1.29f124acc84acp-5,
        -0x1.c37791031270cp-5, -0x1.8ac6bff0fc382p-5,  0x1.12720606445f3p-11, 0x1.c68fd35e5fef3p-6,
        0x1.4cb027d8079bcp-6,  -0x1.470da7926a4d5p-11, -0x1.9332a3bc45199p-7, -0x1.a5bd95ef432a4p-7,
        -0x1.02ab3d4548096p-7, 0x1.d95c57656fb5ap-6,   -0x1.21dc23deb0880p-7, -0x1.312d2b39562c6p-4,
        0x1.dbe8b7b6fde63p-3,  -0x1.2ff2a7f777e42p-2,  0x1.67aede3eee34cp-3,  -0x1.48aac47cc5bffp-5
    };
    return f64_horner(f64_sub(s, f64_set(0.25)), h, 24); /* two chains would cancel */
}

HONE__INLINE vf64 f64_gelu_body(vf64 x, vf64 a, f64_scaler scale)
{
    vi64 n;
    const vf64 e = f64_bell_parts(a, &n);
    const vf64 s = f64_div(a, f64_add(a, f64_set(f64_GELU_SHIFT)));
    const vf64 g = f64_mul(s, f64_gelu_tail(s)), tail = scale(f64_fma(g, e, g), n);
    return f64_sub(f64_copysign(f64_larger(x, f64_set(0.0)), x), tail);
}

static __attribute__((noinline)) vf64 f64_gelu_far(vf64 x)
{
    const mf64 none = f64_gt(f64_abs(x), f64_set(39.0));
    return f64_past(x, none,
                    f64_gelu_body(x, f64_select(none, f64_set(1.0), f64_abs(x)), f64_scale));
}

HONE__INLINE vf64 f64_gelu(vf64 x)
{
    const vf64 a = f64_abs(x);
    return mf64_all(f64_le(a, f64_set(36.0))) ? f64_gelu_body(x, a, f64_scale_near)
                                              : f64_gelu_far(x);
}

HONE__INLINE vf64 f64_gated(vf64 x, vf64 a, vf64 p, vi64 n, f64_scaler scale)
{
    const vf64 q = f64_div(a, f64_add(f64_set(1.0), scale(p, n)));
    return f64_copysign(f64_select(f64_lt(x, f64_set(0.0)), scale(f64_mul(p, q), n), q), x);
}

HONE__INLINE vf64 f64_silu_body(vf64 x, vf64 a, f64_scaler scale)
{
    vi64 n;
    const vf64 p = f64_exp_parts(f64_neg(a), &n);
    return f64_gated(x, a, p, n, scale);
}

static __attribute__((noinline)) vf64 f64_silu_far(vf64 x)
{
    const mf64 none = f64_gt(f64_abs(x), f64_set(760.0));
    return f64_past(x, none,
                    f64_silu_body(x, f64_select(none, f64_set(1.0), f64_abs(x)), f64_scale));
}

HONE__INLINE vf64 f64_silu(vf64 x)
{
    const vf64 a = f64_abs(x);
    return mf64_all(f64_le(a, f64_set(690.0))) ? f64_silu_body(x, a, f64_scale_near)
                                               : f64_silu_far(x);
}

HONE__INLINE vf64 f64_gelu_tanh_gate(vf64 a, vf64 *w_low)
{
    const vf64 k1 = f64_set(0x1.9884533d43651p0), k2 = f64_set(0x1.2444f2a4d8b4bp-4);
    const vf64 z = f64_mul(a, a), z_low = f64_fma(a, a, f64_neg(z)), t = f64_mul(k2, z);
    const vf64 t_low =
        f64_fma(f64_set(-0x1.6c843a29d1c7p-61), z, f64_fma(k2, z_low, f64_fma(k2, z, f64_neg(t))));
    const vf64 c = f64_add(k1, t), back = f64_sub(c, k1);
    const vf64 error = f64_add(f64_sub(k1, f64_sub(c, back)), f64_sub(t, back));
    const vf64 c_low = f64_add(f64_add(error, t_low), f64_set(-0x1.cbc0d30ebfd15p-54));
    const vf64 w = f64_mul(a, c);
    *w_low = f64_fma(a, c_low, f64_fma(a, c, f64_neg(w)));
    return w;
}

HONE__INLINE vf64 f64_gelu_tanh_body(vf64 x, vf64 a, f64_scaler scale)
{
    vi64 n;
    vf64 w_low;
    const vf64 w = f64_gelu_tanh_gate(a, &w_low);
    const vf64 p = f64_exp_parts_corrected(f64_neg(w), f64_neg(w_low), &n);
    return f64_gated(x, a, p, n, scale);
}

static __attribute__((noinline)) vf64 f64_gelu_tanh_far(vf64 x)
{
    const mf64 none = f64_gt(f64_abs(x), f64_set(22.0));
    return f64_past(x, none,
                    f64_gelu_tanh_body(x, f64_select(none, f64_set(1.0), f64_abs(x)), f64_scale));
}

HONE__INLINE vf64 f64_gelu_tanh(vf64 x)
{
    const vf64 a = f64_abs(x);
    return mf64_all(f64_le(a, f64_set(20.0))) ? f64_gelu_tanh_body(x, a, f64_scale_near)
                                              : f64_gelu_tanh_far(x);
}

HONE__INLINE vf64 f64_softplus(vf64 x)
{
    const vf64 zero = f64_set(0.0), rest = f64_log1p_inner(f64_exp(f64_neg(f64_abs(x))));
    return f64_add(f64_select(f64_gt(x, zero), x, zero), rest);
}
