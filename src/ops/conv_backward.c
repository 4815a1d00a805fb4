/* conv_backward.c: the gradients of a convolution: by its input, by its weight, by its bias. */
#include "ops/conv.h"

#include "core/reserve.h"
#include "op/options.h"
#include "op/shards.h"

#include <string.h>

static hone_tensor *call_gradient(const hone__op *op, hone_tensor *a, hone_tensor *b,
                                  const hone__conv_options *given)
{
    hone__conv_options plain;
    return hone__options_resolve(op, given, &plain) ? hone__call(op, IN(a, b), &plain) : NULL;
}

static hone_tensor *call_gradient2d(const hone__op *op, hone_tensor *a, hone_tensor *b,
                                    int64_t height, int64_t width, const hone_conv2d_options *o)
{
    hone__conv_options given = hone__conv2d_given(o);
    given.extent[1] = height;
    given.extent[2] = width;
    return HONE__KNOWS_OPTIONS(op->name, o) ? call_gradient(op, a, b, &given) : NULL;
}

static hone_tensor *call_gradient3d(const hone__op *op, hone_tensor *a, hone_tensor *b,
                                    const int64_t *extent, const hone_conv3d_options *o)
{
    hone__conv_options given = hone__conv3d_given(o);
    memcpy(given.extent, extent, sizeof given.extent);
    return HONE__KNOWS_OPTIONS(op->name, o) ? call_gradient(op, a, b, &given) : NULL;
}

/* ---- by the input */

static bool input_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__conv c;
    (void)n_in;
    if (!hone__conv_take_input(ctx, in[0], in[1], &c) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    hone_tensor *dx = out[0] = hone__conv_image_out(ctx, &c, c.channels, c.in);
    if (dx && !hone_dtype_is_float((hone_dtype)dx->dtype))
        return hone__conv_of_integers(&c, in[1], HONE_NONE, true, dx);
    hone_tensor *weight = hone_contiguous(in[1]);
    if (!dx || !weight)
        return false;
    if (dx->numel > 0 && dx->dtype == HONE_BF16)
        return hone__conv_input_of_halves(&c, weight, dx);
    return dx->numel == 0 || hone__conv_input(&c, weight, dx);
}

static void input_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    const hone__conv_options *o = hone__options(ctx);
    const hone__conv_ops *ops = hone__conv_ops_of(hone__call_dims(ctx));
    hone_tensor *u0 = hone__single(u[0]);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone__call(ops->forward, IN(u0, hone__single(hone_saved(ctx, 1)), HONE_NONE), o);
    if (hone_needs_input_grad(ctx, 1)) {
        const hone__conv_options of_w =
            hone__conv_with_extents(o, hone__call_dims(ctx), hone__input_shape(ctx, 1));
        hone__conv_give_weight(ctx, 1, dx, ops, hone__single(hone_saved(ctx, 0)), u0, &of_w);
    }
}

static void input_cost(const hone__cost_call *call, hone__cost *cost)
{
    hone__conv_cost(call->in[0], call->in[1], 0, 1, cost);
}

#define BY_INPUT(op, dims_, table)                                                                 \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .dims = dims_,                                                                             \
        .forward = input_forward,                                                                  \
        .backward = input_backward,                                                                \
        .in = { { "dy" }, { "weight" } },                                                          \
        .options = table,                                                                          \
        .options_bytes = sizeof(hone__conv_options),                                               \
        .adds = true,                                                                              \
        .cost = input_cost,                                                                        \
    }
BY_INPUT(conv2d_backward_input, 2, hone__conv2d_grad_table);
BY_INPUT(conv3d_backward_input, 3, hone__conv3d_grad_table);

hone_tensor *hone_conv2d_backward_input(hone_tensor *dy, hone_tensor *weight, int64_t height,
                                        int64_t width, const hone_conv2d_options *options)
{
    return call_gradient2d(&hone__op_conv2d_backward_input, dy, weight, height, width, options);
}

hone_tensor *hone_conv3d_backward_input(hone_tensor *dy, hone_tensor *weight, int64_t depth,
                                        int64_t height, int64_t width,
                                        const hone_conv3d_options *options)
{
    return call_gradient3d(&hone__op_conv3d_backward_input, dy, weight,
                           (int64_t[]){ depth, height, width }, options);
}

/* ---- by the weight, and the same added to what is there */

static bool weight_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__conv c;
    (void)n_in;
    if (!hone__conv_take_weight(ctx, in[0], in[1], &c) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    hone_tensor *dw = out[0] = hone__conv_weight_out(ctx, &c);
    return dw && hone__conv_add_weight(&c, dw, true);
}

/* By dy and x, which are the inputs from `first` on and saved as 0 and 1. */
static void weight_grads(hone_context *ctx, hone_tensor *u, int first, hone_tensor **dx)
{
    const hone__conv_options *o = hone__options(ctx);
    const hone__conv_ops *ops = hone__conv_ops_of(hone__call_dims(ctx));
    if (hone_needs_input_grad(ctx, first))
        dx[first] = hone__call(ops->forward, IN(hone__single(hone_saved(ctx, 1)), u, HONE_NONE), o);
    if (hone_needs_input_grad(ctx, first + 1)) {
        const hone__conv_options of_x =
            hone__conv_with_extents(o, hone__call_dims(ctx), hone__input_shape(ctx, first + 1));
        dx[first + 1] = hone__call(ops->input, IN(hone__single(hone_saved(ctx, 0)), u), &of_x);
    }
}

static void weight_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    weight_grads(ctx, u[0], 0, dx);
}

static void weight_cost(const hone__cost_call *call, hone__cost *cost)
{
    hone__conv_cost(call->in[0], call->out, 0, 1, cost);
}

#define BY_WEIGHT(op, dims_, table)                                                                \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .dims = dims_,                                                                             \
        .forward = weight_forward,                                                                 \
        .backward = weight_backward,                                                               \
        .in = { { "dy" }, { "x" } },                                                               \
        .options = table,                                                                          \
        .options_bytes = sizeof(hone__conv_options),                                               \
        .cost = weight_cost,                                                                       \
    }
BY_WEIGHT(conv2d_backward_weight, 2, hone__conv2d_grad_table);
BY_WEIGHT(conv3d_backward_weight, 3, hone__conv3d_grad_table);

hone_tensor *hone_conv2d_backward_weight(hone_tensor *dy, hone_tensor *x, int64_t height,
                                         int64_t width, const hone_conv2d_options *options)
{
    return call_gradient2d(&hone__op_conv2d_backward_weight, dy, x, height, width, options);
}

hone_tensor *hone_conv3d_backward_weight(hone_tensor *dy, hone_tensor *x, int64_t depth,
                                         int64_t height, int64_t width,
                                         const hone_conv3d_options *options)
{
    return call_gradient3d(&hone__op_conv3d_backward_weight, dy, x,
                           (int64_t[]){ depth, height, width }, options);
}

static bool add_weight_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    hone__conv c;
    (void)n_in;
    if (!hone__conv_take_weight(ctx, in[1], in[2], &c) || !HONE__SAVE(ctx, in[1], in[2]))
        return false;
    out[0] = hone__conv_weight_out(ctx, &c);
    if (out[0] && c.a->dtype == HONE_BF16)
        return hone__conv_add_weight_of_halves(&c, out[0]);
    return out[0] && hone__conv_add_weight(&c, out[0], false);
}

static void add_weight_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    dx[0] = u[0];
    weight_grads(ctx, u[0], 1, dx);
}

static void add_weight_cost(const hone__cost_call *call, hone__cost *cost)
{
    hone__conv_cost(call->in[1], call->in[0], 1, 2, cost);
}

/* sum, contiguous, += the gradient by the weight. */
#define TO_WEIGHT(op, dims_, table)                                                                \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .dims = dims_,                                                                             \
        .forward = add_weight_forward,                                                             \
        .backward = add_weight_backward,                                                           \
        .in = { { "sum" }, { "dy" }, { "x" } },                                                    \
        .options = table,                                                                          \
        .options_bytes = sizeof(hone__conv_options),                                               \
        .forms = HONE__PRIVATE,                                                                    \
        .cost = add_weight_cost,                                                                   \
    }
TO_WEIGHT(conv2d_add_weight, 2, hone__conv2d_grad_table);
TO_WEIGHT(conv3d_add_weight, 3, hone__conv3d_grad_table);

/* ---- the bias's: added to what is there, sample by sample */

static void add_samples(const hone_tensor *of, hone_tensor *sum)
{
    const int64_t n = of->shape[0], outputs = of->shape[1];
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < outputs; o++) {
            if (of->dtype == HONE_F32)
                ((float *)hone__data(sum))[o] += ((const float *)hone__data(of))[i * outputs + o];
            else
                ((double *)hone__data(sum))[o] += ((const double *)hone__data(of))[i * outputs + o];
        }
}

static bool conv2d_add_bias_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                    hone_tensor **out)
{
    (void)n_in;
    hone_tensor *dy = in[1]->ndim == 3 ? hone_unsqueeze(in[1], 0) : in[1];
    hone_tensor *by_sample = hone_sum_dims(dy, false, 2, 3);
    if (!by_sample || !(out[0] = hone__out(ctx, 0, (hone_dtype)dy->dtype, 1, dy->shape + 1)))
        return false;
    add_samples(by_sample, out[0]);
    return true;
}

static void conv2d_add_bias_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    int64_t room[HONE_MAX_DIMS + 1];
    dx[0] = u[0];
    dx[1] = hone_expand_v(hone_unsqueeze(hone_unsqueeze(u[0], -1), -1),
                          hone__ended(hone__input_shape(ctx, 1), room));
}

/* sum, contiguous, += dy summed to it. */
const hone__op hone__op_conv2d_add_bias = {
    .name = "conv2d_add_bias",
    .forward = conv2d_add_bias_forward,
    .backward = conv2d_add_bias_backward,
    .in = { { "sum" }, { "dy" } },
    .forms = HONE__PRIVATE,
};
