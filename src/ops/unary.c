/* unary.c: ops on one tensor, and gradients of some as ops. */
#include "ops/unary.h"

#include "loops/bf16_table.h"

hone_tensor *hone__unary_run(hone_context *ctx, hone_tensor *x, hone_dtype dtype,
                             const hone__elementwise_kernel *kernel, hone__kept keep)
{
    if (keep == HONE__KEEP_INPUT && !HONE__SAVE(ctx, x))
        return NULL;
    hone_tensor *out = hone__out_along(ctx, dtype, x->ndim, x->shape);
    if (!out || !hone__elementwise(kernel, out, &(hone__operand){ .t = x }))
        return NULL;
    if (keep == HONE__KEEP_OUTPUT && !HONE__SAVE(ctx, out))
        return NULL;
    return out;
}

hone_tensor *hone__unary_real(hone_context *ctx, hone_tensor *x, int k, hone__kept keep)
{
    const hone_dtype dtype =
        hone_dtype_is_float((hone_dtype)x->dtype) ? (hone_dtype)x->dtype : HONE_F32;
    hone__elementwise_kernel kernel = hone__unary_kernel(k, dtype);
    if (dtype == HONE_BF16)
        hone__bf16_table_unary(k, x->numel, &kernel);
    return hone__unary_run(ctx, x, dtype, &kernel, keep);
}

hone_tensor *hone__unary_number(hone_context *ctx, hone_tensor *x, int k, hone__kept keep)
{
    const hone_dtype dtype = (hone_dtype)x->dtype;
    if (dtype == HONE_BOOL) {
        hone_error_set(HONE_E_DTYPE, "%s: %s isn't possible, f32, f64, i64, i32 or u8 is wanted",
                       hone__call_name(ctx), hone__tensor_text(x).s);
        return NULL;
    }
    const hone__elementwise_kernel kernel = hone__unary_kernel(k, dtype);
    return hone__unary_run(ctx, x, dtype, &kernel, keep);
}

/* ---- neg: -x */

static void neg_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    (void)ctx;
    dx[0] = hone_neg(dy[0]);
}

HONE__NUMBER_OP(neg, HONE__K_NEG, HONE__KEEP_NOTHING)

/* ---- abs: |x|; d|x| = sign(x), 0 at NaN */

static void abs_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_sign(hone_saved(ctx, 0)));
}

HONE__NUMBER_OP(abs, HONE__K_ABS, HONE__KEEP_INPUT)

/* ---- sign: -1, 0, 1; 0 of NaN. Needed for abs alone, so plain loops do; piecewise constant. */

#define SIGN_KERNEL(NAME, name, type, ...)                                                         \
    static void sign_##name(int64_t n, void *yv, int64_t sy, const void *xv, int64_t sx)           \
    {                                                                                              \
        type *y = yv;                                                                              \
        const type *x = xv, zero = 0;                                                              \
        const bool dense = sx == 1 && sy == 1; /* a loop of its own, which becomes vector code */  \
        for (int64_t i = 0; dense && i < n; i++)                                                   \
            y[i] = (type)((type)(x[i] > zero) - (type)(x[i] < zero));                              \
        for (int64_t i = 0; !dense && i < n; i++) {                                                \
            const type v = x[i * sx];                                                              \
            y[i * sy] = (type)((type)(v > zero) - (type)(v < zero));                               \
        }                                                                                          \
    }
#define SIGN_FLOAT(NAME, name, type)               /* a formula */
#define SIGN_INTEGER(NAME, name, type)             SIGN_KERNEL(NAME, name, type)
#define SIGN_BOOL(NAME, name, type)                SIGN_KERNEL(NAME, name, type)
#define SIGN_OF(NAME, name, type, size, kind, ...) SIGN_##kind(NAME, name, type)
HONE__EACH_DTYPE(SIGN_OF, )

static hone_tensor *sign_of(hone_context *ctx, hone_tensor *x)
{
#define SIGN_ENTRY_FLOAT(NAME, name)
#define SIGN_ENTRY_INTEGER(NAME, name)                [HONE_##NAME] = sign_##name,
#define SIGN_ENTRY_BOOL(NAME, name)                   [HONE_##NAME] = sign_##name,
#define SIGN_ENTRY(NAME, name, type, size, kind, ...) SIGN_ENTRY_##kind(NAME, name)
    static const hone__unary_fn kernels[HONE_DTYPES] = { HONE__EACH_DTYPE(SIGN_ENTRY, ) };
    const hone_dtype dtype = (hone_dtype)x->dtype;
    hone__elementwise_kernel kernel = {
        .arity = HONE__UNARY, .fn.unary = kernels[dtype], .reads = { dtype }, .ns = HONE__NS_MATH
    };
    if (hone_dtype_is_float(dtype))
        kernel = hone__formula_kernel(HONE__K_FORMULA_SIGN, dtype, NULL);
    return hone__unary_run(ctx, x, dtype, &kernel, HONE__KEEP_NOTHING);
}

static void sign_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    (void)ctx;
    dx[0] = hone_zeros_like(dy[0]);
}

HONE__UNARY_BLOCK(sign, sign_of(ctx, in[0]), HONE__BOTH)
HONE__ENTRY_X_(sign)

/* ---- exp: dy * y */

static void exp_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_saved(ctx, 0));
}

HONE__REAL_OP(exp, HONE__K_EXP, HONE__KEEP_OUTPUT)

/* ---- log: dy / x */

static void log_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_div(dy[0], hone_saved(ctx, 0));
}

HONE__REAL_OP(log, HONE__K_LOG, HONE__KEEP_INPUT)

/* ---- sqrt: dy / (2 y) */

static void sqrt_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_div(dy[0], hone_mul_scalar(hone_saved(ctx, 0), 2));
}

HONE__REAL_OP(sqrt, HONE__K_SQRT, HONE__KEEP_OUTPUT)

/* ---- square: x * x (bool: i64, as PyTorch's x ** 2); dy * 2x */

static hone_tensor *square_of(hone_context *ctx, hone_tensor *x)
{
    const hone_dtype own = (hone_dtype)x->dtype, dtype = own == HONE_BOOL ? HONE_I64 : own;
    const hone__elementwise_kernel kernel = hone__unary_kernel(HONE__K_SQUARE, dtype);
    return hone__unary_run(ctx, x, dtype, &kernel, HONE__KEEP_INPUT);
}

static void square_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_mul_scalar(hone_saved(ctx, 0), 2));
}

HONE__UNARY_BLOCK(square, square_of(ctx, in[0]), HONE__BOTH)
HONE__ENTRY_X_(square)

/* ---- reciprocal: 1 / x; -dy * y^2 */

static void reciprocal_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_neg(hone_mul(dy[0], hone_square(hone_saved(ctx, 0))));
}

HONE__REAL_OP(reciprocal, HONE__K_RECIPROCAL, HONE__KEEP_OUTPUT)

/* ---- relu: max(x, 0); 0 where y <= 0, else dy */

static void relu_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_relu_backward(dy[0], hone_saved(ctx, 0));
}

HONE__NUMBER_OP(relu, HONE__K_RELU, HONE__KEEP_OUTPUT)

/* ---- sigmoid: dy y (1 - y) */

static void sigmoid_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_sigmoid_backward(dy[0], hone_saved(ctx, 0));
}

HONE__REAL_OP(sigmoid, HONE__K_SIGMOID, HONE__KEEP_OUTPUT)

/* ---- tanh: dy (1 - y^2) */

static void tanh_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_tanh_backward(dy[0], hone_saved(ctx, 0));
}

HONE__REAL_OP(tanh, HONE__K_TANH, HONE__KEEP_OUTPUT)

/* ---- log1p: log(1 + x); dy / (1 + x) */

static void log1p_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_div(dy[0], hone_add_scalar(hone_saved(ctx, 0), 1));
}

HONE__REAL_OP(log1p, HONE__K_LOG1P, HONE__KEEP_INPUT)

/* ---- expm1: e^x - 1; dy (y + 1) */

static void expm1_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_add_scalar(hone_saved(ctx, 0), 1));
}

HONE__REAL_OP(expm1, HONE__K_EXPM1, HONE__KEEP_OUTPUT)

/* ---- rsqrt: 1 / sqrt(x); -dy y^3 / 2 */

static void rsqrt_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *y = hone_saved(ctx, 0);
    dx[0] = hone_mul(dy[0], hone_mul_scalar(hone_mul(hone_square(y), y), -0.5));
}

HONE__REAL_OP(rsqrt, HONE__K_RSQRT, HONE__KEEP_OUTPUT)

/* ---- sin: dy cos(x) */

static void sin_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_cos(hone_saved(ctx, 0)));
}

HONE__REAL_OP(sin, HONE__K_SIN, HONE__KEEP_INPUT)

/* ---- cos: -dy sin(x) */

static void cos_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_neg(hone_mul(dy[0], hone_sin(hone_saved(ctx, 0))));
}

HONE__REAL_OP(cos, HONE__K_COS, HONE__KEEP_INPUT)

/* ---- tan: dy (1 + y^2) */

static void tan_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_add_scalar(hone_square(hone_saved(ctx, 0)), 1));
}

HONE__REAL_OP(tan, HONE__K_TAN, HONE__KEEP_OUTPUT)

#define TWO_OVER_SQRT_PI 1.12837916709551257390
/* ---- erf: dy 2 / sqrt(pi) e^(-x^2) */

static void erf_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *bell = hone_exp(hone_neg(hone_square(hone_saved(ctx, 0))));
    dx[0] = hone_mul(dy[0], hone_mul_scalar(bell, TWO_OVER_SQRT_PI));
}

HONE__REAL_OP(erf, HONE__K_ERF, HONE__KEEP_INPUT)

/* ---- gelu: x Phi(x), Phi the normal distribution, phi its density; dy (Phi(x) + x phi(x)) */

/* Of bf16 the product behind it needs to keep no copy of it. */
static hone_tensor *gelu_of(hone_context *ctx, hone_tensor *x, int k, hone__again_run run)
{
    hone_tensor *y = hone__unary_real(ctx, x, k, HONE__KEEP_INPUT);
    return y && hone__make_again(ctx, y, run, 1, &x) ? y : NULL;
}

static void gelu_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_gelu_backward(dy[0], hone_saved(ctx, 0));
}

static hone_tensor *gelu_again(hone_tensor *const *x)
{
    return hone_gelu(x[0]);
}

HONE__UNARY_BLOCK(gelu, gelu_of(ctx, in[0], HONE__K_GELU, gelu_again), HONE__FRESH)

/* ---- gelu_tanh: x s(u), s the sigmoid, u = c (x + a x^3); dy (s + x u' s (1 - s)) */

static void gelu_tanh_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_gelu_tanh_backward(dy[0], hone_saved(ctx, 0));
}

static hone_tensor *gelu_tanh_again(hone_tensor *const *x)
{
    return hone_gelu_tanh(x[0]);
}

HONE__UNARY_BLOCK(gelu_tanh, gelu_of(ctx, in[0], HONE__K_GELU_TANH, gelu_tanh_again), HONE__FRESH)

/* ---- silu: x s(x), s the sigmoid; dy (s + x s (1 - s)) */

static void silu_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_silu_backward(dy[0], hone_saved(ctx, 0));
}

HONE__REAL_OP(silu, HONE__K_SILU, HONE__KEEP_INPUT)

/* ---- softplus: log(1 + e^x); dy s(x), s the sigmoid */

static void softplus_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_softplus_backward(dy[0], hone_saved(ctx, 0));
}

HONE__REAL_OP_FRESH(softplus, HONE__K_SOFTPLUS, HONE__KEEP_INPUT)

#define ONE_OVER_SQRT_2PI 0.39894228040143267794
#define SQRT_2_OVER_PI    0.79788456080286535588

/* ---- gradients as ops of their own, one pass and differentiable themselves: of relu, sigmoid and
 * tanh from dy and the output y, of the others from dy and the input x */

static bool backward(hone_context *ctx, hone_tensor *const *in, hone_tensor **out, int k)
{
    const hone_dtype dtype = hone__result_dtype(in, 2);
    hone__shape shape;
    if (!hone_dtype_is_float((hone_dtype)in[0]->dtype) ||
        !hone_dtype_is_float((hone_dtype)in[1]->dtype)) {
        hone_error_set(HONE_E_DTYPE, "%s: %s and %s, f32 or f64 are wanted", hone__call_name(ctx),
                       hone__tensor_text(in[0]).s, hone__tensor_text(in[1]).s);
        return false;
    }
    if (!hone__broadcast(hone__call_name(ctx), in, 2, &shape) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    out[0] = hone__out_along(ctx, dtype, shape.ndim, shape.shape);
    hone__elementwise_kernel kernel = hone__binary_kernel(k, dtype);
    if (in[0]->dtype == HONE_BF16 && in[1]->dtype == HONE_BF16)
        hone__bf16_table_slope(k, in[1]->numel, &kernel);
    const hone__operand operands[] = { { .t = in[0] }, { .t = in[1] } };
    return out[0] && hone__elementwise(&kernel, out[0], operands);
}

/* The block of a gradient, whose <of>_backward_backward stands above it; `from` is what it is made
 * from besides dy. */
#define BACKWARD_OP(of, from, k)                                                                   \
    static bool of##_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,         \
                                      hone_tensor **out)                                           \
    {                                                                                              \
        (void)n_in;                                                                                \
        return backward(ctx, in, out, k);                                                          \
    }                                                                                              \
    const hone__op hone__op_##of##_backward = {                                                    \
        .name = #of "_backward",                                                                   \
        .forward = of##_backward_forward,                                                          \
        .backward = of##_backward_backward,                                                        \
        .in = { { "dy" }, { #from } },                                                             \
    };                                                                                             \
    HONE__ENTRY_XX(of##_backward, dy, from)

static void relu_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    if (hone_needs_input_grad(ctx, 0)) /* linear in dy, piecewise constant in y */
        dx[0] = hone_relu_backward(g[0], hone_saved(ctx, 1));
}

BACKWARD_OP(relu, y, HONE__K_RELU_BACKWARD)

static void sigmoid_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    hone_tensor *y = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_sigmoid_backward(g[0], y);
    if (!hone_needs_input_grad(ctx, 1))
        return;
    /* g dy (1 - 2y) */
    hone_tensor *slope = hone_add_scalar(hone_mul_scalar(y, -2), 1);
    dx[1] = hone_mul(hone_mul(g[0], hone_saved(ctx, 0)), slope);
}

BACKWARD_OP(sigmoid, y, HONE__K_SIGMOID_BACKWARD)

static void tanh_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    hone_tensor *y = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_tanh_backward(g[0], y);
    if (!hone_needs_input_grad(ctx, 1))
        return;
    /* -2 g dy y */
    dx[1] = hone_mul(hone_mul(g[0], hone_saved(ctx, 0)), hone_mul_scalar(y, -2));
}

BACKWARD_OP(tanh, y, HONE__K_TANH_BACKWARD)

static void gelu_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_gelu_backward(g[0], x);
    if (!hone_needs_input_grad(ctx, 1))
        return;
    /* g dy phi (2 - x^2), phi = e^(-x^2 / 2) / sqrt(2 pi) */
    hone_tensor *square = hone_square(x), *bell = hone_exp(hone_mul_scalar(square, -0.5));
    hone_tensor *curve = hone_mul_scalar(hone_add_scalar(square, -2), -ONE_OVER_SQRT_2PI);
    dx[1] = hone_mul(hone_mul(g[0], hone_saved(ctx, 0)), hone_mul(bell, curve));
}

BACKWARD_OP(gelu, x, HONE__K_GELU_BACKWARD)

static void gelu_tanh_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    const double a = 0.044715, c = 2 * SQRT_2_OVER_PI;
    hone_tensor *x = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_gelu_tanh_backward(g[0], x);
    if (!hone_needs_input_grad(ctx, 1))
        return;
    /* u = c (x + a x^3); the slope's slope is s' (2 u' + x u'' + x u'^2 (1 - 2 s)), s' = s (1 - s),
     * and 2 u' + x u'' = 2 c (1 + 6 a x^2) */
    hone_tensor *square = hone_square(x);
    hone_tensor *u = hone_mul(x, hone_add_scalar(hone_mul_scalar(square, c * a), c));
    hone_tensor *du = hone_add_scalar(hone_mul_scalar(square, 3 * c * a), c);
    hone_tensor *first = hone_add_scalar(hone_mul_scalar(square, 12 * c * a), 2 * c);
    hone_tensor *s = hone_sigmoid(u), *turn = hone_add_scalar(hone_mul_scalar(s, -2), 1);
    hone_tensor *curve = hone_add(first, hone_mul(hone_mul(x, hone_square(du)), turn));
    dx[1] = hone_sigmoid_backward(hone_mul(hone_mul(g[0], hone_saved(ctx, 0)), curve), s);
}

BACKWARD_OP(gelu_tanh, x, HONE__K_GELU_TANH_BACKWARD)

static void silu_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_silu_backward(g[0], x);
    if (!hone_needs_input_grad(ctx, 1))
        return;
    /* g dy s' (2 + x (1 - 2 s)), s' = s (1 - s) */
    hone_tensor *s = hone_sigmoid(x), *turn = hone_add_scalar(hone_mul_scalar(s, -2), 1);
    hone_tensor *curve = hone_add_scalar(hone_mul(x, turn), 2);
    dx[1] = hone_sigmoid_backward(hone_mul(hone_mul(g[0], hone_saved(ctx, 0)), curve), s);
}

BACKWARD_OP(silu, x, HONE__K_SILU_BACKWARD)

static void softplus_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_softplus_backward(g[0], x);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_sigmoid_backward(hone_mul(g[0], hone_saved(ctx, 0)), hone_sigmoid(x));
}

BACKWARD_OP(softplus, x, HONE__K_SOFTPLUS_BACKWARD)
