/* pairs.c: functions of two tensors into the reals: atan2, hypot, copysign, xlogy; heaviside. */
#include "loops/elementwise.h"
#include "ops/common.h"

#include <math.h>

/* The dtype of both: integers and bool give f32. */
static hone_dtype real_dtype(hone_tensor *const *in, int n_in)
{
    const hone_dtype dtype = hone__result_dtype(in, n_in);
    return hone_dtype_is_float(dtype) ? dtype : HONE_F32;
}

/* Both are saved; the kernel's result into output 0. */
static bool run(hone_context *ctx, hone_tensor *const *in, hone_dtype dtype,
                const hone__elementwise_kernel *kernel, hone_tensor **out)
{
    hone__shape shape;
    if (!hone__broadcast(hone__call_name(ctx), in, 2, &shape) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    out[0] = hone__out_along(ctx, dtype, shape.ndim, shape.shape);
    return out[0] &&
           hone__elementwise(kernel, out[0], (hone__operand[]){ { .t = in[0] }, { .t = in[1] } });
}

#define PAIR(op, kernel_of, a, b)                                                                  \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        const hone_dtype dtype = real_dtype(in, n_in);                                             \
        const hone__elementwise_kernel kernel = kernel_of;                                         \
        return run(ctx, in, dtype, &kernel, out);                                                  \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = op##_backward,                                                                 \
        .in = { { #a }, { #b } },                                                                  \
        .forms = HONE__BOTH,                                                                       \
    };                                                                                             \
    HONE__ENTRY_XX(op, a, b)                                                                       \
    HONE__ENTRY_XX_(op, a, b)

static hone_tensor *zero_like(const hone_tensor *t)
{
    return t ? hone_scalar((hone_dtype)t->dtype, 0) : NULL;
}

/* ---- atan2: the angle of (b, a); da = dy b / (a^2 + b^2), db = -dy a / (a^2 + b^2), 0 at the origin */

static void atan2_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 1);
    hone_tensor *square = hone_add(hone_square(a), hone_square(b));
    hone_tensor *one = square ? hone_scalar((hone_dtype)square->dtype, 1) : NULL;
    hone_tensor *origin = hone_eq_scalar(square, 0);
    hone_tensor *scaled = hone_div(dy[0], hone_where(origin, one, square));
    scaled = hone_where(origin, zero_like(scaled), scaled);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_mul(scaled, b);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_neg(hone_mul(scaled, a));
}

PAIR(atan2, hone__binary_kernel(HONE__K_ATAN2, dtype), a, b)

/* ---- hypot: the root of a^2 + b^2; da = dy a / y, db = dy b / y */

static void hypot_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *t[] = { hone_saved(ctx, 0), hone_saved(ctx, 1) }, *y = hone_hypot(t[0], t[1]);
    for (int i = 0; i < 2; i++)
        if (hone_needs_input_grad(ctx, i))
            dx[i] = hone_mul(dy[0], hone_div(t[i], y));
}

PAIR(hypot, hone__binary_kernel(HONE__K_HYPOT, dtype), a, b)

/* ---- copysign: |a| with b's sign; da = dy, -dy where the sign changes, 0 where a is 0 */

#define COPYSIGN(name, type, function)                                                             \
    static inline __attribute__((always_inline)) void copysign_##name(                             \
        int64_t n, type *out, int64_t so, const type *a, int64_t sa, const type *b, int64_t sb)    \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            out[i * so] = function(a[i * sa], b[i * sb]);                                          \
    }                                                                                              \
    static void copysign_##name##_row(int64_t n, void *out, int64_t so, const void *a, int64_t sa, \
                                      const void *b, int64_t sb)                                   \
    {                                                                                              \
        if (so == 1 && sa == 1 && sb == 1)                                                         \
            copysign_##name(n, out, 1, a, 1, b, 1);                                                \
        else                                                                                       \
            copysign_##name(n, out, so, a, sa, b, sb);                                             \
    }
COPYSIGN(f32, float, __builtin_copysignf)
COPYSIGN(f64, double, __builtin_copysign)

static hone__elementwise_kernel copysign_kernel(hone_dtype dtype)
{
    return (hone__elementwise_kernel){ .arity = HONE__BINARY,
                                       .fn.binary =
                                           dtype == HONE_F32 ? copysign_f32_row : copysign_f64_row,
                                       .reads = { dtype, dtype },
                                       .ns = HONE__NS_MOVE };
}

static void copysign_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_mul(dy[0], hone_mul(hone_sign(a), hone_copysign(hone_ones_like(a), b)));
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_zeros_like(dy[0]);
}

PAIR(copysign, copysign_kernel(dtype), a, b)

/* ---- xlogy: x log(y), 0 where x is 0 and y no NaN; dx = dy log(y), dy = dy x / y */

static hone_tensor *none_of(hone_tensor *x, hone_tensor *y)
{
    return hone_logical_and(hone_eq_scalar(x, 0), hone_logical_not(hone_isnan(y)));
}

static bool xlogy_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__shape shape;
    const hone_dtype dtype = real_dtype(in, n_in);
    if (!hone__broadcast(hone__call_name(ctx), in, 2, &shape) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    hone_tensor *x = hone_to(in[0], dtype), *y = hone_to(in[1], dtype);
    return hone__give(out,
                      hone_where(none_of(x, y), hone_scalar(dtype, 0), hone_mul(x, hone_log(y))));
}

/* As PyTorch: by x, log(y), but 0 where x is 0 and y is not above 0. */
static void xlogy_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0)) {
        hone_tensor *end = hone_logical_and(hone_eq_scalar(x, 0), hone_le_scalar(y, 0));
        hone_tensor *real = y ? hone_to(y, (hone_dtype)dy[0]->dtype) : NULL;
        hone_tensor *one = hone_scalar((hone_dtype)dy[0]->dtype, 1);
        dx[0] = hone_mul(dy[0], hone_log(hone_where(end, one, real)));
    }
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_mul(dy[0], hone_div(x, y));
}

const hone__op hone__op_xlogy = {
    .name = "xlogy",
    .forward = xlogy_forward,
    .backward = xlogy_backward,
    .in = { { "x" }, { "y" } },
};
HONE__ENTRY_XX(xlogy, x, y)

/* ---- heaviside: 0, values, 1 where x is below 0 (or NaN), at 0, above it */

static bool heaviside_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    hone__shape shape;
    hone_tensor *x = in[0];
    (void)ctx, (void)n_in;
    if (x->dtype != in[1]->dtype) {
        hone_error_set(HONE_E_DTYPE,
                       "heaviside: x is %s and the values are %s, one dtype is wanted",
                       hone__tensor_text(x).s, hone__tensor_text(in[1]).s);
        return false;
    }
    if (!hone__broadcast("heaviside", in, 2, &shape))
        return false;
    hone_tensor *step = hone_to(hone_gt_scalar(x, 0), (hone_dtype)x->dtype);
    return hone__give(out, hone_where(hone_eq_scalar(x, 0), in[1], step));
}

const hone__op hone__op_heaviside = {
    .name = "heaviside",
    .forward = heaviside_forward,
    .in = { { "x" }, { "values" } },
    .why = "a step, as in PyTorch",
};
HONE__ENTRY_XX(heaviside, x, values)
