/* conv.c: 2-D and 3-D convolution as an implicit GEMM. Its gradients (conv_backward.c) are ops of their
 * own, each other's. */
#include "ops/conv.h"

#include "core/reserve.h"
#include "loops/elementwise.h"
#include "op/options.h"
#include "op/shards.h"

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

static bool conv_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__conv c;
    (void)n_in;
    if (!hone__conv_take(ctx, in[0], in[1], &c) || !bias_fits(hone__call_name(ctx), in[1], in[2]) ||
        !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    hone_tensor *y = out[0] = hone__conv_image_out(ctx, &c, c.outputs, c.out);
    if (y && !hone_dtype_is_float((hone_dtype)y->dtype))
        return hone__conv_of_integers(&c, in[1], in[2], false, y);
    hone_tensor *weight = hone_contiguous(in[1]);
    if (!y || !weight)
        return false;
    if (y->numel > 0 && y->dtype == HONE_BF16)
        return hone__conv_forward_of_halves(&c, weight, in[2], y);
    return y->numel == 0 || hone__conv_forward(&c, weight, in[2], y);
}

/* An image of any dims as one of two. */
static hone_tensor *flat_image(hone_tensor *dy, int dims)
{
    if (!dy || dims == 2)
        return dy;
    const hone__shape s = hone__shape_of(dy);
    int64_t shape[HONE_MAX_DIMS] = { 0 };
    for (int d = 0; d < s.ndim - 3; d++)
        shape[d] = s.shape[d];
    shape[s.ndim - 3] = s.shape[s.ndim - 3] * s.shape[s.ndim - 2];
    shape[s.ndim - 2] = s.shape[s.ndim - 1];
    shape[s.ndim - 1] = HONE_END_DIM;
    return hone_reshape_v(dy, shape);
}

/* For a shard's samples: to the weight, or with no x to the bias. */
typedef struct {
    const hone__conv_ops *ops;
    hone_tensor *dy, *x;
    const hone__conv_options *options;
} shard_job;

static bool chain_samples(void *user, hone_tensor *sum, bool fresh, int64_t first, int64_t n)
{
    const shard_job *j = user;
    if (fresh && !j->x)
        hone__fill_elements(sum, 0);
    hone_tensor *dy = hone_slice(j->dy, 0, first, first + n, 1);
    hone_tensor *x = j->x ? hone_slice(j->x, 0, first, first + n, 1) : NULL;
    if (!dy || (j->x && !x))
        return false;
    if (!j->x)
        return hone__call_(&hone__op_conv2d_add_bias, IN(sum, dy), NULL);
    if (fresh && dy->dtype != HONE_BF16)
        return hone__run(j->ops->weight, IN(dy, x), j->options, HONE__INTO_GIVEN, &sum) > 0;
    if (fresh)
        hone__fill_elements(sum, 0);
    return hone__call_(j->ops->add_weight, IN(sum, dy, x), j->options);
}

/* An image alone is one sample. */
static hone_tensor *as_batch(hone_tensor *t, int dims)
{
    return t && t->ndim == dims + 1 ? hone_unsqueeze(t, 0) : t;
}

static void weight_by_shards(hone_context *ctx, int i, const hone__conv_ops *ops, hone_tensor *dy,
                             hone_tensor *x, const hone__conv_options *options)
{
    const int dims = hone__call_dims(ctx);
    shard_job j = { ops, as_batch(dy, dims), as_batch(x, dims), options };
    if (j.dy && j.x)
        hone__shard_sums(ctx, i, j.dy->shape[0], chain_samples, &j, NULL);
}

static hone_tensor *zeros_like(hone_dtype dtype, const hone__shape *shape)
{
    hone_tensor *t = hone__own(hone__new("conv2d", dtype, shape->ndim, shape->shape));
    if (t)
        hone__fill_elements(t, 0);
    return t;
}

void hone__conv_give_weight(hone_context *ctx, int i, hone_tensor **dx, const hone__conv_ops *ops,
                            hone_tensor *dy, hone_tensor *x, const hone__conv_options *options)
{
    if (hone__in_shards(ctx, i)) {
        weight_by_shards(ctx, i, ops, dy, x, options);
        return;
    }
    const bool halves = dy && x && dy->dtype == HONE_BF16; /* the gradient is f32 all the same */
    hone_tensor *sum = halves ? hone__sum_begun(ctx, i, dx) : hone__begun(ctx, i, dx);
    if (halves && !sum)
        sum = dx[i] = zeros_like(HONE_F32, hone__input_shape(ctx, i));
    if (sum)
        hone__call_(ops->add_weight, IN(sum, dy, x), options);
    else if (!halves)
        dx[i] = hone__call(ops->weight, IN(dy, x), options);
}

static void bias_by_shards(hone_context *ctx, hone_tensor *dy)
{
    shard_job j = { .dy = as_batch(flat_image(dy, hone__call_dims(ctx)), 2) };
    if (j.dy)
        hone__shard_sums(ctx, 2, j.dy->shape[0], chain_samples, &j, NULL);
}

/* Of bf16 where the gradient will be, and nobody differentiates it. */
static hone_tensor *input_gradient(hone_context *ctx, const hone__conv_ops *ops, hone_tensor *dy,
                                   const hone__conv_options *options)
{
    hone_tensor *weight = hone_saved(ctx, 1);
    const bool halves = weight && dy->dtype == HONE_BF16 && weight->dtype == HONE_BF16 &&
                        hone__input_dtype(ctx, 0) == HONE_BF16 && hone__call_dims(ctx) == 2;
    if (halves && !hone_grad_enabled())
        return hone__call(ops->input, IN(dy, weight), options);
    return hone__call(ops->input, IN(hone__single(dy), hone__single(weight)), options);
}

/* Of a dy of 16 bits some samples at a time, whose f32 copies stay in the caches. */
static hone_tensor *add_bias(hone_tensor *sum, hone_tensor *dy)
{
    enum { NEAR = 1 << 17 }; /* elements */
    const int64_t n = dy->ndim == 4 ? dy->shape[0] : 1;
    const int64_t fit = dy->numel > NEAR ? NEAR * n / dy->numel : n, step = fit > 1 ? fit : 1;
    if (!hone__is_half((hone_dtype)dy->dtype) || hone_grad_enabled() || step >= n)
        return hone__call_(&hone__op_conv2d_add_bias, IN(sum, hone__single(dy)), NULL);
    for (int64_t i = 0; i < n; i += step) {
        HONE_SCOPE();
        hone_tensor *some = hone__single(hone_slice(dy, 0, i, n - i < step ? n : i + step, 1));
        if (!some || !hone__call_(&hone__op_conv2d_add_bias, IN(sum, some), NULL))
            return NULL;
    }
    return sum;
}

static void conv_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__conv_options *o = hone__options(ctx);
    const int dims = hone__call_dims(ctx);
    const hone__conv_ops *ops = hone__conv_ops_of(dims);
    const hone__shape *w = hone__input_shape(ctx, 1);
    const hone__conv_options of_x = hone__conv_with_extents(o, dims, hone__input_shape(ctx, 0));
    const hone__conv_options of_w = hone__conv_with_extents(o, dims, w);
    hone_tensor *x = hone_saved(ctx, 0);
    if (!dy[0] || !x)
        return;
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = input_gradient(ctx, ops, dy[0], &of_x);
    if (hone_needs_input_grad(ctx, 1)) {
        if (dims == 2 && dy[0]->dtype == HONE_BF16 && x->dtype == HONE_BF16)
            hone__conv_give_weight(ctx, 1, dx, ops, dy[0], x, &of_w);
        else
            hone__conv_give_weight(ctx, 1, dx, ops, hone__single(dy[0]), hone__single(x), &of_w);
    }
    if (!hone_needs_input_grad(ctx, 2))
        return;
    if (hone__in_shards(ctx, 2)) {
        bias_by_shards(ctx, hone__single(dy[0]));
    } else {
        const bool half = hone__is_half((hone_dtype)dy[0]->dtype);
        const int64_t outputs[] = { half ? HONE_F32 : dy[0]->dtype, w->shape[0], HONE_END_DIM };
        hone_tensor *begun = hone__begun(ctx, 2, dx), *flat = flat_image(dy[0], dims);
        hone_tensor *sum = begun ? begun : hone_zeros_v(outputs);
        dx[2] = flat && sum ? add_bias(sum, flat) : NULL;
    }
}

void hone__conv_cost(const hone__shape *places, const hone__shape *weight, int a, int b,
                     hone__cost *cost)
{
    const double channels = weight && weight->ndim > 0 ? (double)weight->shape[0] : 1;
    const double taps = channels > 0 ? hone__cost_numel(weight) / channels : 0;
    cost->madds = hone__cost_numel(places) * taps;
    cost->back[a] = cost->back[b] = cost->madds;
}

static void conv_cost(const hone__cost_call *call, hone__cost *cost)
{
    hone__conv_cost(call->out, call->in[1], 0, 1, cost);
}

const hone__op hone__op_conv2d = {
    .name = "conv2d",
    .dims = 2,
    .forward = conv_forward,
    .backward = conv_backward,
    .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL } },
    .options = hone__conv2d_table,
    .options_bytes = sizeof(hone__conv_options),
    .adds = true,
    .cost = conv_cost,
};

const hone__op hone__op_conv3d = {
    .name = "conv3d",
    .dims = 3,
    .forward = conv_forward,
    .backward = conv_backward,
    .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL } },
    .options = hone__conv3d_table,
    .options_bytes = sizeof(hone__conv_options),
    .adds = true,
    .cost = conv_cost,
};

hone_tensor *hone_conv2d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                         const hone_conv2d_options *options)
{
    const hone__conv_options given = hone__conv2d_given(options);
    hone__conv_options plain;
    if (!HONE__KNOWS_OPTIONS("conv2d", options) ||
        !hone__options_resolve(&hone__op_conv2d, &given, &plain))
        return NULL;
    return hone__call(&hone__op_conv2d, IN(x, weight, bias), &plain);
}

hone_tensor *hone_conv3d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                         const hone_conv3d_options *options)
{
    const hone__conv_options given = hone__conv3d_given(options);
    hone__conv_options plain;
    if (!HONE__KNOWS_OPTIONS("conv3d", options) ||
        !hone__options_resolve(&hone__op_conv3d, &given, &plain))
        return NULL;
    return hone__call(&hone__op_conv3d, IN(x, weight, bias), &plain);
}
