/* linear.c: x W + b and an activation of it, with bias and activation in the product's last
 * pass. */
#include "loops/elementwise.h"
#include "loops/product.h"
#include "op/half.h"
#include "ops/common.h"

static bool bias_fits(const char *name, const hone_tensor *weight, const hone_tensor *bias)
{
    if (bias->dtype == weight->dtype && bias->ndim == 1 && bias->shape[0] == weight->shape[1])
        return true;
    hone_error_set(bias->dtype == weight->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: the bias %s doesn't fit the weight %s; it must be [out] of the same dtype",
                   name, hone__tensor_text(bias).s, hone__tensor_text(weight).s);
    return false;
}

/* What the gradient needs: for ReLU the output, for GELU also what went into it. */
static bool save(hone_context *ctx, hone_tensor *const *in, hone_tensor *out, hone_tensor *before)
{
    if (before)
        return HONE__SAVE(ctx, in[0], in[1], in[2], before);
    hone_tensor *const saved[] = { in[0], in[1], out };
    return hone__save(ctx, out ? 3 : 2, saved);
}

/* Of f16 (op/half.h): a few columns of the weight at a time become f32, with the same bits. */
static bool forward_in_parts(hone_context *ctx, const hone__op *op, hone_tensor *const *in,
                             hone_tensor **out)
{
    hone_tensor *x = in[0], *weight = in[1];
    const int64_t n = weight->shape[1], least = HONE__HALF_PART_COLUMNS;
    const int64_t wanted = HONE__HALF_PART / weight->shape[0];
    const int64_t columns = wanted > least ? wanted : least;
    hone__product product;
    if (!hone__product_of(hone__call_name(ctx), x, weight, &product) ||
        (hone__is_real(in[2]) && !bias_fits(hone__call_name(ctx), weight, in[2])))
        return false;
    out[0] = hone__out(ctx, 0, HONE_F16, product.out.ndim, product.out.shape);
    bool ok = out[0];
    for (int64_t from = 0, to; ok && from < n; from = to) {
        HONE_SCOPE();
        to = n - from < columns + least ? n : from + columns;
        hone_tensor *bias = hone__is_real(in[2]) ? hone_slice(in[2], 0, from, to, 1) : HONE_NONE;
        hone_tensor *y = hone__call(op, IN(x, hone_slice(weight, 1, from, to, 1), bias), NULL);
        hone_tensor *place = hone_slice(out[0], -1, from, to, 1);
        ok = y && place && hone__copy_elements(place, y);
    }
    return ok;
}

static bool forward(hone_context *ctx, const hone__op *op, hone_tensor *const *in,
                    hone_tensor **out, hone__gemm_act act)
{
    hone_tensor *x = in[0], *weight = in[1], *bias = in[2];
    const char *name = hone__call_name(ctx);
    if (!hone__is_real(weight) || weight->ndim != 2) {
        hone_error_set(HONE_E_SHAPE, "%s: the weight must be [in, out], got %s", name,
                       hone__tensor_text(weight).s);
        return false;
    }
    if (weight->dtype == HONE_F16)
        return forward_in_parts(ctx, op, in, out);
    hone__product product;
    if (!hone__product_of(name, x, weight, &product))
        return false;
    if (hone__is_real(bias)) {
        if (!bias_fits(name, weight, bias))
            return false;
        if (hone__is_half((hone_dtype)bias->dtype) && !(bias = hone_to(bias, HONE_F32)))
            return false;
        product.gemm.bias = hone__data(bias);
        product.gemm.bias_cs = bias->stride[0];
    }
    product.gemm.act = act;
    product.gemm.b_trained = hone_needs_input_grad(ctx, 1);
    hone_tensor *y = hone__out(ctx, 0, (hone_dtype)x->dtype, product.out.ndim, product.out.shape);
    hone_tensor *before = NULL;
    out[0] = y;
    if (y && act > HONE__GEMM_RELU && hone__records(ctx)) {
        before = hone_empty_like(y);
        if (!before)
            return false;
        product.gemm.activated = hone__data(y);
    }
    if (!y || !hone__product_run(&product, before ? before : y))
        return false;
    return save(ctx, in, act == HONE__GEMM_RELU ? y : NULL, before);
}

/* ---- gradients */

/* Of x: dy W^T, of the weight: x^T dy over all samples; of the bias: dy, summed by the engine. The weight's
 * comes first: where x is made again (core/again.h) it is gone before dx is there. */
static void backward(hone_context *ctx, hone_tensor *dy, hone_tensor **dx)
{
    hone_tensor *w = hone_needs_input_grad(ctx, 0) ? hone_saved(ctx, 1) : NULL;
    const bool one =
        dx[0] && dx[0] == dx[1]; /* x is the weight: its sum goes on in the inputs' order */
    if (w && one)
        hone__give_product(ctx, 0, dx, dy, hone_transpose(w, 0, 1));
    if (hone_needs_input_grad(ctx, 1)) {
        HONE_SCOPE();
        hone__give_matrix_product(ctx, 1, dx, w, hone_saved(ctx, 0), dy);
        if (dx[1])
            hone_scope_return(dx[1]);
    }
    if (w && !one)
        hone__give_product(ctx, 0, dx, dy, hone_transpose(w, 0, 1));
    dx[2] = dy;
}

/* What went into the GELU; made again where it must be known as a function of the inputs: for the
 * gradient's own gradient. */
static hone_tensor *before_gelu(hone_context *ctx)
{
    if (!hone_grad_enabled())
        return hone_saved(ctx, 3);
    return hone_linear(hone_saved(ctx, 0), hone_saved(ctx, 1), hone_saved(ctx, 2));
}

/* ---- the ops */

static void cost(const hone__cost_call *call, hone__cost *c)
{
    hone__cost_of_product(call, c, 0, 1);
}

#define LINEAR(name_, act, dy_before_the_act)                                                      \
    static bool name_##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,               \
                                hone_tensor **out)                                                 \
    {                                                                                              \
        (void)n_in;                                                                                \
        return forward(ctx, &hone__op_##name_, in, out, act);                                      \
    }                                                                                              \
    static void name_##_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)      \
    {                                                                                              \
        backward(ctx, dy_before_the_act, dx);                                                      \
    }                                                                                              \
    const hone__op hone__op_##name_ = {                                                            \
        .name = #name_,                                                                            \
        .forward = name_##_forward,                                                                \
        .backward = name_##_backward,                                                              \
        .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL } },                               \
        .adds = true,                                                                              \
        .anywhere = true,                                                                          \
        .cost = cost,                                                                              \
    };                                                                                             \
    HONE__ENTRY_XXX(name_, x, weight, bias)

LINEAR(linear, HONE__GEMM_NO_ACT, dy[0])
LINEAR(linear_relu, HONE__GEMM_RELU, hone_relu_backward(dy[0], hone_saved(ctx, 2)))
LINEAR(linear_gelu, HONE__GEMM_GELU, hone_gelu_backward(dy[0], before_gelu(ctx)))
LINEAR(linear_gelu_tanh, HONE__GEMM_GELU_TANH, hone_gelu_tanh_backward(dy[0], before_gelu(ctx)))
