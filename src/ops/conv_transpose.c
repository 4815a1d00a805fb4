/* conv_transpose.c: transposed convolutions: a convolution's gradient by its image. They record
 * themselves. A row is an image one row high. */
#include "core/reserve.h"
#include "op/options.h"
#include "ops/conv.h"

#include <string.h>

bool hone__conv_operands(hone_context *ctx, int dims, const hone_tensor *x,
                         const hone_tensor *weight)
{
    static const char *const of[] = { "[N, C, L] or [C, L] and a weight of 3 dims",
                                      "[N, C, H, W] or [C, H, W] and a weight of 4 dims",
                                      "[N, C, D, H, W] or [C, D, H, W] and a weight of 5 dims" };
    const char *name = hone__call_name(ctx);
    if (x->dtype == HONE_BOOL || weight->dtype != x->dtype) {
        hone_error_set(HONE_E_DTYPE, "%s: x and weight must be numbers of one dtype, got %s and %s",
                       name, hone__tensor_text(x).s, hone__tensor_text(weight).s);
        return false;
    }
    if ((x->ndim == dims + 1 || x->ndim == dims + 2) && weight->ndim == dims + 2)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: wants x %s, got %s and %s", name, of[dims - 1],
                   hone__tensor_text(x).s, hone__tensor_text(weight).s);
    return false;
}

/* ---- options */

/* Of depth, height and width; those of fewer dims are of the last ones. */
typedef struct {
    int64_t stride[3], padding[3], output_padding[3], dilation[3];
    int64_t groups;
} options;

#define FIELD(field, kind_, first, ...)                                                            \
    {                                                                                              \
        .name = #field, .kind = kind_, .offset = offsetof(options, field) + 8 * (first),           \
        .max = 2147483647.0, __VA_ARGS__                                                           \
    }
#define TABLE(kind, first)                                                                         \
    {                                                                                              \
        FIELD(stride, kind, first, .standard = 1, .min = 1),                                       \
            FIELD(padding, kind, first, .min = 0), FIELD(output_padding, kind, first, .min = 0),   \
            FIELD(dilation, kind, first, .standard = 1, .min = 1),                                 \
            FIELD(groups, HONE__OPT_INT, 0, .standard = 1, .min = 1),                              \
        {                                                                                          \
            NULL                                                                                   \
        }                                                                                          \
    }
static const hone__option table1d[] = TABLE(HONE__OPT_INT, 2);
static const hone__option table2d[] = TABLE(HONE__OPT_PAIR, 1);
static const hone__option table3d[] = TABLE(HONE__OPT_TRIPLE, 0);

/* ---- shapes */

/* Extents of the result without padding and output_padding. False: some option is impossible. */
static bool full_extents(const char *name, int dims, const options *o, const hone_tensor *x,
                         const hone_tensor *weight, int64_t *full)
{
    static const char *const axes[] = { "depth", "height", "width" };
    for (int d = 3 - dims; d < 3; d++) {
        const int64_t most = o->stride[d] > o->dilation[d] ? o->stride[d] : o->dilation[d];
        if (o->output_padding[d] >= most) {
            hone_error_set(HONE_E_VALUE,
                           "%s: output_padding of the %s is %lld, but must be less than the stride "
                           "or the dilation",
                           name, axes[d], (long long)o->output_padding[d]);
            return false;
        }
        int64_t in, kernel;
        const int64_t places = x->shape[x->ndim - 3 + d],
                      taps = weight->shape[weight->ndim - 3 + d];
        const bool wide = __builtin_mul_overflow(places - 1, o->stride[d], &in) ||
                          __builtin_mul_overflow(taps - 1, o->dilation[d], &kernel) ||
                          __builtin_add_overflow(in, kernel + 1, &full[d]) || full[d] > INT32_MAX;
        if (!wide && places > 0 && taps > 0 &&
            full[d] - 2 * o->padding[d] + o->output_padding[d] > 0)
            continue;
        hone_error_set(HONE_E_SHAPE,
                       "%s: the result's %s would have no elements, or more than 2^31 - 1: x %s, "
                       "weight %s, padding %lld",
                       name, axes[d], hone__tensor_text(x).s, hone__tensor_text(weight).s,
                       (long long)o->padding[d]);
        return false;
    }
    return true;
}

/* ---- what it is */

/* The gradient by an image that gives x. Where output_padding reaches past what a convolution with
 * that stride and padding gives back, the image without padding, cut and filled up. */
static hone_tensor *image_of(int dims, const options *o, hone_tensor *x, hone_tensor *weight,
                             const int64_t *full)
{
    hone__conv_options conv = { .groups = o->groups };
    int64_t rim[7];
    bool direct = true;
    for (int d = 3 - dims; d < 3; d++) {
        direct = direct && o->output_padding[d] < o->stride[d];
        conv.stride[d] = o->stride[d];
        conv.dilation[d] = o->dilation[d];
        conv.padding[d] = o->padding[d];
        conv.extent[d] = full[d] - 2 * o->padding[d] + o->output_padding[d];
        rim[4 - 2 * d] = -o->padding[d];
        rim[5 - 2 * d] = o->output_padding[d] - o->padding[d];
    }
    const hone__op *gradient = hone__conv_ops_of(dims)->input;
    if (direct)
        return hone__call(gradient, IN(x, weight), &conv);
    memset(conv.padding, 0, sizeof conv.padding);
    memcpy(conv.extent + 3 - dims, full + 3 - dims, (size_t)dims * sizeof *full);
    rim[2 * dims] = HONE_END_DIM;
    return hone_pad_v(hone__call(gradient, IN(x, weight), &conv), rim, HONE_PAD_CONSTANT, 0);
}

/* y + bias, one for each of its channels. */
static hone_tensor *with_bias(const char *name, int dims, hone_tensor *y, hone_tensor *bias)
{
    if (!y || bias == HONE_NONE)
        return y;
    const int64_t outputs = y->shape[y->ndim - dims - 1];
    if (bias->ndim == 1 && bias->shape[0] == outputs && bias->dtype == y->dtype) {
        int64_t shape[5] = { bias->numel, 1, 1, 1 };
        shape[dims + 1] = HONE_END_DIM;
        return hone_add(y, hone_reshape_v(bias, shape));
    }
    hone_error_set(bias->dtype == y->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: the bias %s must have an element for each of the result's channels, %lld",
                   name, hone__tensor_text(bias).s, (long long)outputs);
    return NULL;
}

static hone_tensor *transposed(const char *name, int dims, const options *o, hone_tensor *x,
                               hone_tensor *weight, hone_tensor *bias)
{
    int64_t full[3];
    if (!full_extents(name, dims, o, x, weight, full))
        return NULL;
    if (weight->shape[0] != x->shape[x->ndim - dims - 1] || weight->shape[0] % o->groups) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: x %s and weight %s must have as many channels, a multiple of the %lld "
                       "groups",
                       name, hone__tensor_text(x).s, hone__tensor_text(weight).s,
                       (long long)o->groups);
        return NULL;
    }
    return with_bias(name, dims, image_of(dims, o, x, weight, full), bias);
}

/* ---- conv_transpose1d */

static bool conv_transpose1d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                     hone_tensor **out)
{
    (void)n_in;
    if (!hone__conv_operands(ctx, 1, in[0], in[1]))
        return false;
    options o = *(const options *)hone__options(ctx);
    o.stride[1] = o.dilation[1] = 1;
    hone_tensor *x = hone_unsqueeze(in[0], -2), *weight = hone_unsqueeze(in[1], -2);
    if (!x || !weight)
        return false;
    return hone__give(out,
                      hone_squeeze(transposed(hone__call_name(ctx), 2, &o, x, weight, in[2]), -2));
}

const hone__op hone__op_conv_transpose1d = {
    .name = "conv_transpose1d",
    .forward = conv_transpose1d_forward,
    .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL } },
    .options = table1d,
    .options_bytes = sizeof(options),
    .composite = true,
};

hone_tensor *hone_conv_transpose1d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                   const hone_conv_transpose1d_options *o)
{
    options given = { .groups = 0 }, plain;
    if (o)
        given = (options){ .stride[2] = o->stride,
                           .padding[2] = o->padding,
                           .output_padding[2] = o->output_padding,
                           .dilation[2] = o->dilation,
                           .groups = o->groups };
    if (!HONE__KNOWS_OPTIONS("conv_transpose1d", o) ||
        !hone__options_resolve(&hone__op_conv_transpose1d, &given, &plain))
        return NULL;
    return hone__call(&hone__op_conv_transpose1d, IN(x, weight, bias), &plain);
}

/* ---- conv_transpose2d, conv_transpose3d */

static bool transpose_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    const int dims = hone__call_dims(ctx);
    (void)n_in;
    return hone__conv_operands(ctx, dims, in[0], in[1]) &&
           hone__give(out, transposed(hone__call_name(ctx), dims, hone__options(ctx), in[0], in[1],
                                      in[2]));
}

const hone__op hone__op_conv_transpose2d = {
    .name = "conv_transpose2d",
    .dims = 2,
    .forward = transpose_forward,
    .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL } },
    .options = table2d,
    .options_bytes = sizeof(options),
    .composite = true,
};

hone_tensor *hone_conv_transpose2d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                   const hone_conv_transpose2d_options *o)
{
    options given = { .groups = o ? o->groups : 0 }, plain;
    for (int d = 1; o && d < 3; d++) {
        given.stride[d] = o->stride[d - 1];
        given.padding[d] = o->padding[d - 1];
        given.output_padding[d] = o->output_padding[d - 1];
        given.dilation[d] = o->dilation[d - 1];
    }
    if (!HONE__KNOWS_OPTIONS("conv_transpose2d", o) ||
        !hone__options_resolve(&hone__op_conv_transpose2d, &given, &plain))
        return NULL;
    return hone__call(&hone__op_conv_transpose2d, IN(x, weight, bias), &plain);
}

const hone__op hone__op_conv_transpose3d = {
    .name = "conv_transpose3d",
    .dims = 3,
    .forward = transpose_forward,
    .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL } },
    .options = table3d,
    .options_bytes = sizeof(options),
    .composite = true,
};

hone_tensor *hone_conv_transpose3d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                   const hone_conv_transpose3d_options *o)
{
    options given = { .groups = o ? o->groups : 0 }, plain;
    for (int d = 0; o && d < 3; d++) {
        given.stride[d] = o->stride[d];
        given.padding[d] = o->padding[d];
        given.output_padding[d] = o->output_padding[d];
        given.dilation[d] = o->dilation[d];
    }
    if (!HONE__KNOWS_OPTIONS("conv_transpose3d", o) ||
        !hone__options_resolve(&hone__op_conv_transpose3d, &given, &plain))
        return NULL;
    return hone__call(&hone__op_conv_transpose3d, IN(x, weight, bias), &plain);
}
