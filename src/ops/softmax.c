/* softmax.c: softmax and log_softmax along any dim, and their gradients as ops of their own. */
#include "ops/op.h"
#include "ops/softmax_run.h"

/* The dim, normalised in the call's arguments. */
static bool take_dim(hone_context *ctx, const hone_tensor *x)
{
    hone__args *args = hone__call_args(ctx);
    args->dim = hone__dim_index(hone__call_name(ctx), x, args->dim);
    return args->dim >= 0;
}

static hone_tensor *forward(hone_context *ctx, hone_tensor *in, hone__softmax_kind kind)
{
    hone_tensor *x = hone__softmax_input(in);
    if (!x || !take_dim(ctx, x))
        return NULL;
    hone_tensor *y = hone__out(ctx, (hone_dtype)x->dtype, x->ndim, x->shape);
    if (!y || !hone__softmax_run(kind, hone__call_args(ctx)->dim, y, x, NULL))
        return NULL;
    return HONE__SAVE(ctx, y) ? y : NULL;
}

static hone_tensor *softmax(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return forward(ctx, in[0], HONE__SOFTMAX);
}

static hone_tensor *log_softmax(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return forward(ctx, in[0], HONE__LOG_SOFTMAX);
}

static hone_tensor *softmax_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    return hone_softmax_backward(dy, hone_saved(ctx, 0), hone__call_args(ctx)->dim);
}

static hone_tensor *log_softmax_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    return hone_log_softmax_backward(dy, hone_saved(ctx, 0), hone__call_args(ctx)->dim);
}

/* ---- the gradients */

static hone_tensor *backward(hone_context *ctx, hone_tensor *const *in, hone__softmax_kind kind)
{
    hone_tensor *dy = in[0], *y = in[1];
    const char *name = hone__call_name(ctx);
    if (!hone_dtype_is_float((hone_dtype)y->dtype) || dy->dtype != y->dtype) {
        hone_error_set(HONE_E_DTYPE, "%s: dy and y must both be f32 or both f64, got %s and %s",
                       name, hone__tensor_text(dy).s, hone__tensor_text(y).s);
        return NULL;
    }
    if (!hone__same_shape(dy, y)) {
        hone_error_set(HONE_E_SHAPE, "%s: dy %s and y %s must have one shape", name,
                       hone__tensor_text(dy).s, hone__tensor_text(y).s);
        return NULL;
    }
    if (!take_dim(ctx, y) || !HONE__SAVE(ctx, in[0], in[1]))
        return NULL;
    hone_tensor *dx = hone__out(ctx, (hone_dtype)y->dtype, y->ndim, y->shape);
    return dx && hone__softmax_run(kind, hone__call_args(ctx)->dim, dx, dy, y) ? dx : NULL;
}

static hone_tensor *softmax_backward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return backward(ctx, in, HONE__SOFTMAX_BACKWARD);
}

static hone_tensor *log_softmax_backward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return backward(ctx, in, HONE__LOG_SOFTMAX_BACKWARD);
}

/* dx = y (dy - sum(dy y)): linear in dy ... */
static hone_tensor *softmax_backward_dy(hone_context *ctx, hone_tensor *g, int input)
{
    (void)input;
    return hone_softmax_backward(g, hone_saved(ctx, 1), hone__call_args(ctx)->dim);
}

/* ... and by y: g (dy - sum(dy y)) - dy sum(g y). */
static hone_tensor *softmax_backward_y(hone_context *ctx, hone_tensor *g, int input)
{
    (void)input;
    const int dim = hone__call_args(ctx)->dim;
    hone_tensor *dy = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    hone_tensor *dot = hone_sum_dim(hone_mul(dy, y), dim, true);
    hone_tensor *dot_g = hone_sum_dim(hone_mul(g, y), dim, true);
    return hone_sub(hone_mul(g, hone_sub(dy, dot)), hone_mul(dy, dot_g));
}

/* dx = dy - e^y sum(dy), so by dy: g - sum(g e^y) ... */
static hone_tensor *log_softmax_backward_dy(hone_context *ctx, hone_tensor *g, int input)
{
    (void)input;
    hone_tensor *p = hone_exp(hone_saved(ctx, 1));
    return hone_sub(g, hone_sum_dim(hone_mul(g, p), hone__call_args(ctx)->dim, true));
}

/* ... and by y: -g e^y sum(dy). */
static hone_tensor *log_softmax_backward_y(hone_context *ctx, hone_tensor *g, int input)
{
    (void)input;
    hone_tensor *p = hone_exp(hone_saved(ctx, 1));
    hone_tensor *total = hone_sum_dim(hone_saved(ctx, 0), hone__call_args(ctx)->dim, true);
    return hone_neg(hone_mul(hone_mul(g, p), total));
}

/* ---- the ops */

const hone__op hone__op_softmax = {
    .name = "softmax",
    .forward = softmax,
    .grad = { softmax_grad },
};
const hone__op hone__op_log_softmax = {
    .name = "log_softmax",
    .forward = log_softmax,
    .grad = { log_softmax_grad },
};
const hone__op hone__op_softmax_backward = {
    .name = "softmax_backward",
    .forward = softmax_backward,
    .grad = { softmax_backward_dy, softmax_backward_y },
};
const hone__op hone__op_log_softmax_backward = {
    .name = "log_softmax_backward",
    .forward = log_softmax_backward,
    .grad = { log_softmax_backward_dy, log_softmax_backward_y },
};
