/* conv.c: 2-D convolution as an implicit GEMM. Its gradients (conv_backward.c) are ops of their
 * own, each other's. */
#include "ops/conv.h"

#include "core/reserve.h"
#include "op/options.h"

static bool bias_fits(const char *name, const hone_tensor *weight, const hone_tensor *bias)
{
    if (!hone__is_real(bias))
        return true;
    const bool same = bias->dtype == weight->dtype;
    if (same && bias->ndim == 1 && bias->shape[0] == weight->shape[0])
        return true;
    hone_error_set(same ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: the bias %s doesn't fit the weight %s; it must be [outputs] of the same "
                   "dtype",
                   name, hone__tensor_text(bias).s, hone__tensor_text(weight).s);
    return false;
}

static bool conv2d_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__conv c;
    (void)n_in;
    if (!hone__conv_take("conv2d", hone__options(ctx), in[0], in[1], &c) ||
        !bias_fits("conv2d", in[1], in[2]) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    const int64_t shape[] = { c.n, c.outputs, c.out[0], c.out[1] };
    hone_tensor *y = out[0] =
        hone__out(ctx, 0, (hone_dtype)in[0]->dtype, c.image_dims, shape + 4 - c.image_dims);
    hone_tensor *weight = hone_contiguous(in[1]);
    if (!y || !weight)
        return false;
    return y->numel == 0 || hone__conv_forward(&c, weight, in[2], y);
}

static void conv2d_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone_conv2d_options *o = hone__options(ctx);
    const hone__shape *x = hone__input_shape(ctx, 0);
    const int64_t *w = hone__input_shape(ctx, 1)->shape;
    const hone__conv_grad_options of_x = hone__conv_with_extents(o, x->shape + x->ndim - 2);
    const hone__conv_grad_options of_w = hone__conv_with_extents(o, w + 2);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone__call(&hone__op_conv2d_backward_input, IN(dy[0], hone_saved(ctx, 1)), &of_x);
    if (hone_needs_input_grad(ctx, 1) && hone__begun(ctx, 1, dx))
        hone__call_(&hone__op_conv2d_add_weight, IN(dx[1], dy[0], hone_saved(ctx, 0)), &of_w);
    else if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone__call(&hone__op_conv2d_backward_weight, IN(dy[0], hone_saved(ctx, 0)), &of_w);
    if (hone_needs_input_grad(ctx, 2)) {
        const int64_t outputs[] = { dy[0]->dtype, w[0], HONE_END_DIM };
        hone_tensor *begun = hone__begun(ctx, 2, dx);
        hone_tensor *sum = begun ? begun : hone_zeros_v(outputs);
        dx[2] = hone__call_(&hone__op_conv2d_add_bias, IN(sum, dy[0]), NULL);
    }
}

const hone__op hone__op_conv2d = {
    .name = "conv2d",
    .forward = conv2d_forward,
    .backward = conv2d_backward,
    .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL } },
    .options = hone__conv_table,
    .options_bytes = sizeof(hone_conv2d_options),
    .adds = true,
};

hone_tensor *hone_conv2d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                         const hone_conv2d_options *options)
{
    hone_conv2d_options plain;
    if (!HONE__KNOWS_OPTIONS("conv2d", options) ||
        !hone__options_resolve(&hone__op_conv2d, options, &plain))
        return NULL;
    return hone__call(&hone__op_conv2d, IN(x, weight, bias), &plain);
}
