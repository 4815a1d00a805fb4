/* conv1d.c: conv1d, conv_transpose1d and conv_transpose2d by conv2d's products: a row is an image
 * one row high, a transposed convolution the gradient of one by its image. They record
 * themselves. */
#include "core/reserve.h"
#include "op/options.h"
#include "ops/common.h"

#define MOST 2147483647.0
#define NUMBER(type, kind_, field, least, standard_)                                               \
    HONE__OPTION(type, field, HONE__OPT_##kind_, .standard = standard_, .min = least, .max = MOST)

static bool is_float(const char *name, const hone_tensor *x, const hone_tensor *weight)
{
    if (hone_dtype_is_float((hone_dtype)x->dtype) && weight->dtype == x->dtype)
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: x and weight must both be f32 or both f64, got %s and %s",
                   name, hone__tensor_text(x).s, hone__tensor_text(weight).s);
    return false;
}

/* x and weight of `dims` dims of places. */
static bool has_dims(const char *name, int dims, const hone_tensor *x, const hone_tensor *weight)
{
    const char *of = dims == 1 ? "[N, C, L] or [C, L] and a weight of 3 dims"
                               : "[N, C, H, W] or [C, H, W] and a weight of 4 dims";
    if ((x->ndim == dims + 1 || x->ndim == dims + 2) && weight->ndim == dims + 2)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: wants x %s, got %s and %s", name, of, hone__tensor_text(x).s,
                   hone__tensor_text(weight).s);
    return false;
}

/* ---- conv1d */

static const char *const pads[] = { "explicit", "valid", "same", NULL };
static const hone__option conv1d_table[] = {
    NUMBER(hone_conv1d_options, INT, stride, 1, 1),
    NUMBER(hone_conv1d_options, INT, padding, 0, 0),
    NUMBER(hone_conv1d_options, INT, dilation, 1, 1),
    NUMBER(hone_conv1d_options, INT, groups, 1, 1),
    HONE__OPTION(hone_conv1d_options, auto_pad, HONE__OPT_CHOICE, .max = 2, .choices = pads),
    { NULL },
};

static bool conv1d_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone_conv1d_options *o = hone__options(ctx);
    if (!is_float("conv1d", in[0], in[1]) || !has_dims("conv1d", 1, in[0], in[1]))
        return false;
    const hone_conv2d_options image = { .stride = { 1, o->stride },
                                        .padding = { 0, o->padding },
                                        .dilation = { 1, o->dilation },
                                        .groups = o->groups,
                                        .auto_pad = o->auto_pad };
    hone_tensor *y =
        hone_conv2d(hone_unsqueeze(in[0], -2), hone_unsqueeze(in[1], -2), in[2], &image);
    return hone__give(out, hone_squeeze(y, -2));
}

#define OPERANDS                                                                                   \
    {                                                                                              \
        { "x" }, { "weight" },                                                                     \
        {                                                                                          \
            "bias", HONE__OPTIONAL                                                                 \
        }                                                                                          \
    }

const hone__op hone__op_conv1d = {
    .name = "conv1d",
    .forward = conv1d_forward,
    .in = OPERANDS,
    .options = conv1d_table,
    .options_bytes = sizeof(hone_conv1d_options),
    .composite = true,
};

hone_tensor *hone_conv1d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                         const hone_conv1d_options *options)
{
    hone_conv1d_options plain;
    if (!HONE__KNOWS_OPTIONS("conv1d", options) ||
        !hone__options_resolve(&hone__op_conv1d, options, &plain))
        return NULL;
    return hone__call(&hone__op_conv1d, IN(x, weight, bias), &plain);
}

/* ---- conv_transpose2d */

static const hone__option transpose2d_table[] = {
    NUMBER(hone_conv_transpose2d_options, PAIR, stride, 1, 1),
    NUMBER(hone_conv_transpose2d_options, PAIR, padding, 0, 0),
    NUMBER(hone_conv_transpose2d_options, PAIR, output_padding, 0, 0),
    NUMBER(hone_conv_transpose2d_options, PAIR, dilation, 1, 1),
    NUMBER(hone_conv_transpose2d_options, INT, groups, 1, 1),
    { NULL },
};

/* Extents of the result without padding and output_padding. False: some option is impossible. */
static bool full_extents(const char *name, const hone_conv_transpose2d_options *o,
                         const hone_tensor *x, const hone_tensor *weight, int64_t full[2])
{
    static const char *const axes[] = { "height", "width" };
    for (int i = 0; i < 2; i++) {
        const int64_t most = o->stride[i] > o->dilation[i] ? o->stride[i] : o->dilation[i];
        if (o->output_padding[i] >= most) {
            hone_error_set(HONE_E_VALUE,
                           "%s: output_padding of the %s is %lld, but must be less than the stride "
                           "or the dilation",
                           name, axes[i], (long long)o->output_padding[i]);
            return false;
        }
        int64_t in, kernel;
        const int64_t places = x->shape[x->ndim - 2 + i], taps = weight->shape[2 + i];
        const bool wide = __builtin_mul_overflow(places - 1, o->stride[i], &in) ||
                          __builtin_mul_overflow(taps - 1, o->dilation[i], &kernel) ||
                          __builtin_add_overflow(in, kernel + 1, &full[i]) || full[i] > INT32_MAX;
        if (!wide && places > 0 && taps > 0 &&
            full[i] - 2 * o->padding[i] + o->output_padding[i] > 0)
            continue;
        hone_error_set(HONE_E_SHAPE,
                       "%s: the result's %s would have no elements, or more than 2^31 - 1: x %s, "
                       "weight %s, padding %lld",
                       name, axes[i], hone__tensor_text(x).s, hone__tensor_text(weight).s,
                       (long long)o->padding[i]);
        return false;
    }
    return true;
}

/* The gradient by an image that gives x. Where output_padding reaches past what a convolution with
 * that stride and padding gives back, the image without padding, cut and filled up. */
static hone_tensor *image_of(const hone_conv_transpose2d_options *o, hone_tensor *x,
                             hone_tensor *weight, const int64_t full[2])
{
    hone_conv2d_options conv = { .stride = { o->stride[0], o->stride[1] },
                                 .dilation = { o->dilation[0], o->dilation[1] },
                                 .groups = o->groups };
    int64_t extent[2], rim[5] = { [4] = HONE_END_DIM };
    bool direct = true;
    for (int i = 0; i < 2; i++) {
        direct = direct && o->output_padding[i] < o->stride[i];
        conv.padding[i] = o->padding[i];
        extent[i] = full[i] - 2 * o->padding[i] + o->output_padding[i];
        rim[2 - 2 * i] = -o->padding[i];
        rim[3 - 2 * i] = o->output_padding[i] - o->padding[i];
    }
    if (direct)
        return hone_conv2d_backward_input(x, weight, extent[0], extent[1], &conv);
    conv.padding[0] = conv.padding[1] = 0;
    hone_tensor *whole = hone_conv2d_backward_input(x, weight, full[0], full[1], &conv);
    return hone_pad_v(whole, rim, HONE_PAD_CONSTANT, 0);
}

/* y + bias, one for each of its channels. */
static hone_tensor *with_bias(const char *name, hone_tensor *y, hone_tensor *bias)
{
    if (!y || bias == HONE_NONE)
        return y;
    if (bias->ndim == 1 && bias->shape[0] == y->shape[y->ndim - 3] && bias->dtype == y->dtype)
        return hone_add(y, hone_reshape(bias, bias->numel, 1, 1));
    hone_error_set(bias->dtype == y->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: the bias %s must have an element for each of the result's channels, %lld",
                   name, hone__tensor_text(bias).s, (long long)y->shape[y->ndim - 3]);
    return NULL;
}

static hone_tensor *transposed(const char *name, const hone_conv_transpose2d_options *o,
                               hone_tensor *x, hone_tensor *weight, hone_tensor *bias)
{
    int64_t full[2];
    if (!full_extents(name, o, x, weight, full))
        return NULL;
    if (weight->shape[0] != x->shape[x->ndim - 3] || weight->shape[0] % o->groups) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: x %s and weight %s must have as many channels, a multiple of the %lld "
                       "groups",
                       name, hone__tensor_text(x).s, hone__tensor_text(weight).s,
                       (long long)o->groups);
        return NULL;
    }
    return with_bias(name, image_of(o, x, weight, full), bias);
}

static bool conv_transpose2d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                     hone_tensor **out)
{
    (void)n_in;
    const char *name = hone__call_name(ctx);
    return is_float(name, in[0], in[1]) && has_dims(name, 2, in[0], in[1]) &&
           hone__give(out, transposed(name, hone__options(ctx), in[0], in[1], in[2]));
}

const hone__op hone__op_conv_transpose2d = {
    .name = "conv_transpose2d",
    .forward = conv_transpose2d_forward,
    .in = OPERANDS,
    .options = transpose2d_table,
    .options_bytes = sizeof(hone_conv_transpose2d_options),
    .composite = true,
};

hone_tensor *hone_conv_transpose2d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                   const hone_conv_transpose2d_options *options)
{
    hone_conv_transpose2d_options plain;
    if (!HONE__KNOWS_OPTIONS("conv_transpose2d", options) ||
        !hone__options_resolve(&hone__op_conv_transpose2d, options, &plain))
        return NULL;
    return hone__call(&hone__op_conv_transpose2d, IN(x, weight, bias), &plain);
}

/* ---- conv_transpose1d */

static const hone__option transpose1d_table[] = {
    NUMBER(hone_conv_transpose1d_options, INT, stride, 1, 1),
    NUMBER(hone_conv_transpose1d_options, INT, padding, 0, 0),
    NUMBER(hone_conv_transpose1d_options, INT, output_padding, 0, 0),
    NUMBER(hone_conv_transpose1d_options, INT, dilation, 1, 1),
    NUMBER(hone_conv_transpose1d_options, INT, groups, 1, 1),
    { NULL },
};

static bool conv_transpose1d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                     hone_tensor **out)
{
    (void)n_in;
    const hone_conv_transpose1d_options *o = hone__options(ctx);
    const char *name = hone__call_name(ctx);
    if (!is_float(name, in[0], in[1]) || !has_dims(name, 1, in[0], in[1]))
        return false;
    const hone_conv_transpose2d_options image = { .stride = { 1, o->stride },
                                                  .padding = { 0, o->padding },
                                                  .output_padding = { 0, o->output_padding },
                                                  .dilation = { 1, o->dilation },
                                                  .groups = o->groups };
    hone_tensor *x = hone_unsqueeze(in[0], -2), *weight = hone_unsqueeze(in[1], -2);
    return x && weight &&
           hone__give(out, hone_squeeze(transposed(name, &image, x, weight, in[2]), -2));
}

const hone__op hone__op_conv_transpose1d = {
    .name = "conv_transpose1d",
    .forward = conv_transpose1d_forward,
    .in = OPERANDS,
    .options = transpose1d_table,
    .options_bytes = sizeof(hone_conv_transpose1d_options),
    .composite = true,
};

hone_tensor *hone_conv_transpose1d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                   const hone_conv_transpose1d_options *options)
{
    hone_conv_transpose1d_options plain;
    if (!HONE__KNOWS_OPTIONS("conv_transpose1d", options) ||
        !hone__options_resolve(&hone__op_conv_transpose1d, options, &plain))
        return NULL;
    return hone__call(&hone__op_conv_transpose1d, IN(x, weight, bias), &plain);
}
