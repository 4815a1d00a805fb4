/* linear.c: x W + b and an activation of it, with bias and activation in the product's last
 * pass. */
#include "ops/op.h"
#include "ops/product.h"

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

static hone_tensor *forward(hone_context *ctx, hone_tensor *const *in, hone__gemm_act act)
{
    hone_tensor *x = in[0], *weight = in[1], *bias = in[2];
    const char *name = hone__call_name(ctx);
    if (!hone__is_real(weight) || weight->ndim != 2) {
        hone_error_set(HONE_E_SHAPE, "%s: the weight must be [in, out], got %s", name,
                       hone__tensor_text(weight).s);
        return NULL;
    }
    hone__product product;
    if (!hone__product_of(name, x, weight, &product))
        return NULL;
    if (hone__is_real(bias)) {
        if (!bias_fits(name, weight, bias))
            return NULL;
        product.gemm.bias = hone__data(bias);
        product.gemm.bias_cs = bias->stride[0];
    }
    product.gemm.act = act;
    product.gemm.b_trained = hone_needs_input_grad(ctx, 1);
    hone_tensor *out = hone__out(ctx, (hone_dtype)x->dtype, product.out.ndim, product.out.shape);
    hone_tensor *before = NULL;
    if (out && act > HONE__GEMM_RELU && hone__records(ctx)) {
        before = hone_empty_like(out);
        if (!before)
            return NULL;
        product.gemm.activated = hone__data(out);
    }
    if (!out || !hone__product_run(&product, before ? before : out))
        return NULL;
    return save(ctx, in, act == HONE__GEMM_RELU ? out : NULL, before) ? out : NULL;
}

static hone_tensor *linear(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return forward(ctx, in, HONE__GEMM_NO_ACT);
}

static hone_tensor *linear_relu(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return forward(ctx, in, HONE__GEMM_RELU);
}

static hone_tensor *linear_gelu(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return forward(ctx, in, HONE__GEMM_GELU);
}

static hone_tensor *linear_gelu_tanh(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return forward(ctx, in, HONE__GEMM_GELU_TANH);
}

/* ---- gradients */

/* t with all dims but the last made one. */
static hone_tensor *flat(hone_context *ctx, hone_tensor *t, int64_t last)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    int64_t rows = 1;
    for (int d = 0; d < x->ndim - 1; d++)
        rows *= x->shape[d];
    return x->ndim == 2 ? t : hone_reshape(t, rows, last);
}

static hone_tensor *grad_x(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    return hone_matmul(dy, hone_transpose(hone_saved(ctx, 1), 0, 1));
}

/* Over all rows, of x: dy W^T, of the weight: x^T dy. */
static bool factors(hone_context *ctx, hone_tensor *dy, int input, hone_tensor *factor[2])
{
    if (input > 1)
        return false;
    const int64_t *weight = hone__input_shape(ctx, 1)->shape;
    dy = flat(ctx, dy, weight[1]);
    hone_tensor *other = hone_transpose(
        input == 0 ? hone_saved(ctx, 1) : flat(ctx, hone_saved(ctx, 0), weight[0]), 0, 1);
    factor[0] = input == 0 ? dy : other;
    factor[1] = input == 0 ? other : dy;
    return dy && other;
}

static hone_tensor *grad_weight(hone_context *ctx, hone_tensor *dy, int input)
{
    hone_tensor *factor[2];
    return factors(ctx, dy, input, factor) ? hone_matmul(factor[0], factor[1]) : NULL;
}

static hone_tensor *grad_bias(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    return hone_sum_dim(flat(ctx, dy, hone__input_shape(ctx, 1)->shape[1]), 0, false);
}

/* The gradient before the ReLU, which all three inputs share. */
static hone_tensor *masked(hone_context *ctx, hone_tensor *dy)
{
    return hone_relu_backward(dy, hone_saved(ctx, 2));
}

/* What went into the GELU; made again where it must be known as a function of the inputs: for the
 * gradient's own gradient. */
static hone_tensor *before_gelu(hone_context *ctx)
{
    if (!hone_grad_enabled())
        return hone_saved(ctx, 3);
    return hone_linear(hone_saved(ctx, 0), hone_saved(ctx, 1), hone_saved(ctx, 2));
}

static hone_tensor *before_gelu_grad(hone_context *ctx, hone_tensor *dy)
{
    return hone_gelu_backward(dy, before_gelu(ctx));
}

static hone_tensor *before_gelu_tanh_grad(hone_context *ctx, hone_tensor *dy)
{
    return hone_gelu_tanh_backward(dy, before_gelu(ctx));
}

const hone__op hone__op_linear = {
    .name = "linear",
    .forward = linear,
    .grad = { grad_x, grad_weight, grad_bias },
    .factors = factors,
    .optional = true,
};
const hone__op hone__op_linear_relu = {
    .name = "linear_relu",
    .forward = linear_relu,
    .shared = masked,
    .grad = { grad_x, grad_weight, grad_bias },
    .factors = factors,
    .optional = true,
};
const hone__op hone__op_linear_gelu = {
    .name = "linear_gelu",
    .forward = linear_gelu,
    .shared = before_gelu_grad,
    .grad = { grad_x, grad_weight, grad_bias },
    .factors = factors,
    .optional = true,
};
const hone__op hone__op_linear_gelu_tanh = {
    .name = "linear_gelu_tanh",
    .forward = linear_gelu_tanh,
    .shared = before_gelu_tanh_grad,
    .grad = { grad_x, grad_weight, grad_bias },
    .factors = factors,
    .optional = true,
};
