/* softmax.c: softmax and log_softmax along any dim, and their gradients as ops of their own. */
#include "loops/softmax_run.h"
#include "ops/common.h"

static bool forward(hone_context *ctx, hone_tensor *in, hone_tensor **out, hone__softmax_kind kind)
{
    hone_tensor *x = hone__as_float(in);
    const int dim = x ? hone__take_dim(ctx, x) : -1;
    if (dim < 0)
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    return y && hone__softmax_run(kind, dim, y, x, NULL) && HONE__SAVE(ctx, y);
}

static bool backward(hone_context *ctx, hone_tensor *const *in, hone_tensor **out,
                     hone__softmax_kind kind)
{
    hone_tensor *dy = in[0], *y = in[1];
    const char *name = hone__call_name(ctx);
    if (!hone_dtype_is_float((hone_dtype)y->dtype) || dy->dtype != y->dtype) {
        hone_error_set(HONE_E_DTYPE, "%s: dy and y must both be f32 or both f64, got %s and %s",
                       name, hone__tensor_text(dy).s, hone__tensor_text(y).s);
        return false;
    }
    if (!hone__same_shape(dy, y)) {
        hone_error_set(HONE_E_SHAPE, "%s: dy %s and y %s must have one shape", name,
                       hone__tensor_text(dy).s, hone__tensor_text(y).s);
        return false;
    }
    const int dim = hone__take_dim(ctx, y);
    if (dim < 0 || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    out[0] = hone__out(ctx, 0, (hone_dtype)y->dtype, y->ndim, y->shape);
    return out[0] && hone__softmax_run(kind, dim, out[0], dy, y);
}

/* ---- the gradients' gradients */

/* Of dx = y (dy - sum(dy y)): linear in dy, and by y: g (dy - sum(dy y)) - dy sum(g y). */
static void softmax_backward_backward(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    const int dim = hone__dim_of(ctx);
    hone_tensor *dy = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_softmax_backward(g[0], y, dim);
    if (!hone_needs_input_grad(ctx, 1))
        return;
    hone_tensor *dot = hone_sum_dim(hone_mul(dy, y), dim, true);
    hone_tensor *dot_g = hone_sum_dim(hone_mul(g[0], y), dim, true);
    dx[1] = hone_sub(hone_mul(g[0], hone_sub(dy, dot)), hone_mul(dy, dot_g));
}

/* Of dx = dy - e^y sum(dy): by dy g - sum(g e^y), by y -g e^y sum(dy). */
static void log_softmax_backward_backward(hone_context *ctx, hone_tensor *const *g,
                                          hone_tensor **dx)
{
    const int dim = hone__dim_of(ctx);
    hone_tensor *gp = hone_mul(g[0], hone_exp(hone_saved(ctx, 1)));
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_sub(g[0], hone_sum_dim(gp, dim, true));
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_neg(hone_mul(gp, hone_sum_dim(hone_saved(ctx, 0), dim, true)));
}

/* ---- the ops */

#define SOFTMAX(name_, kind)                                                                       \
    static bool name_##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,               \
                                hone_tensor **out)                                                 \
    {                                                                                              \
        (void)n_in;                                                                                \
        return forward(ctx, in[0], out, kind);                                                     \
    }                                                                                              \
    static void name_##_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)         \
    {                                                                                              \
        dx[0] = hone_##name_##_backward(dy[0], hone_saved(ctx, 0), hone__dim_of(ctx));             \
    }                                                                                              \
    const hone__op hone__op_##name_ = {                                                            \
        .name = #name_,                                                                            \
        .forward = name_##_forward,                                                                \
        .backward = name_##_of_dy,                                                                 \
        .in = { { "x" } },                                                                         \
        .options = hone__dim_table,                                                                \
        .options_bytes = sizeof(hone__dim_options),                                                \
    };                                                                                             \
    hone_tensor *hone_##name_(hone_tensor *x, int dim)                                             \
    {                                                                                              \
        return hone__call(&hone__op_##name_, IN(x), &(hone__dim_options){ dim });                  \
    }

#define SOFTMAX_BACKWARD(name_, kind)                                                              \
    static bool name_##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,               \
                                hone_tensor **out)                                                 \
    {                                                                                              \
        (void)n_in;                                                                                \
        return backward(ctx, in, out, kind);                                                       \
    }                                                                                              \
    const hone__op hone__op_##name_ = {                                                            \
        .name = #name_,                                                                            \
        .forward = name_##_forward,                                                                \
        .backward = name_##_backward,                                                              \
        .in = { { "dy" }, { "y" } },                                                               \
        .options = hone__dim_table,                                                                \
        .options_bytes = sizeof(hone__dim_options),                                                \
    };                                                                                             \
    hone_tensor *hone_##name_(hone_tensor *dy, hone_tensor *y, int dim)                            \
    {                                                                                              \
        return hone__call(&hone__op_##name_, IN(dy, y), &(hone__dim_options){ dim });              \
    }

SOFTMAX(softmax, HONE__SOFTMAX)
SOFTMAX(log_softmax, HONE__LOG_SOFTMAX)
SOFTMAX_BACKWARD(softmax_backward, HONE__SOFTMAX_BACKWARD)
SOFTMAX_BACKWARD(log_softmax_backward, HONE__LOG_SOFTMAX_BACKWARD)
