/* conv_shape.c: a convolution's options, and what follows from them and the operands' shapes. */
#include "ops/conv.h"

#include <string.h>

/* ---- options */

static const char *const pads[] = { "explicit", "valid", "same", NULL };

#define MOST 2147483647.0
#define FIELD(field, ...)                                                                          \
    {                                                                                              \
        .name = #field, .offset = offsetof(hone__conv_options, field), .max = MOST, __VA_ARGS__    \
    }
#define PAIR(field, ...)                                                                           \
    {                                                                                              \
        .name = #field, .kind = HONE__OPT_PAIR, .offset = offsetof(hone__conv_options, field[1]),  \
        .max = MOST, __VA_ARGS__                                                                   \
    }
#define TRIPLE(field, ...) FIELD(field, .kind = HONE__OPT_TRIPLE, __VA_ARGS__)
#define CONV_OPTIONS(NUMBERS)                                                                      \
    NUMBERS(stride, .standard = 1, .min = 1), NUMBERS(padding, .min = 0),                          \
        NUMBERS(dilation, .standard = 1, .min = 1),                                                \
        FIELD(groups, .kind = HONE__OPT_INT, .standard = 1, .min = 1),                             \
    {                                                                                              \
        .name = "auto_pad", .kind = HONE__OPT_CHOICE,                                              \
        .offset = offsetof(hone__conv_options, auto_pad), .max = 2, .choices = pads                \
    }
#define EXTENT(name_, d)                                                                           \
    {                                                                                              \
        .name = name_, .kind = HONE__OPT_INT, .offset = offsetof(hone__conv_options, extent[d]),   \
        .required = true, .min = 1, .max = MOST                                                    \
    }

const hone__option hone__conv2d_table[] = { CONV_OPTIONS(PAIR), { NULL } };
const hone__option hone__conv3d_table[] = { CONV_OPTIONS(TRIPLE), { NULL } };
const hone__option hone__conv2d_grad_table[] = {
    EXTENT("height", 1), EXTENT("width", 2), CONV_OPTIONS(PAIR), { NULL }
};
const hone__option hone__conv3d_grad_table[] = {
    EXTENT("depth", 0), EXTENT("height", 1), EXTENT("width", 2), CONV_OPTIONS(TRIPLE), { NULL },
};

hone__conv_options hone__conv2d_given(const hone_conv2d_options *o)
{
    if (!o)
        return (hone__conv_options){ .groups = 0 };
    return (hone__conv_options){ .stride = { 0, o->stride[0], o->stride[1] },
                                 .padding = { 0, o->padding[0], o->padding[1] },
                                 .dilation = { 0, o->dilation[0], o->dilation[1] },
                                 .groups = o->groups,
                                 .auto_pad = o->auto_pad };
}

hone__conv_options hone__conv3d_given(const hone_conv3d_options *o)
{
    hone__conv_options all = { .groups = 0 };
    if (!o)
        return all;
    memcpy(all.stride, o->stride, sizeof all.stride);
    memcpy(all.padding, o->padding, sizeof all.padding);
    memcpy(all.dilation, o->dilation, sizeof all.dilation);
    all.groups = o->groups;
    all.auto_pad = o->auto_pad;
    return all;
}

hone__conv_options hone__conv_with_extents(const hone__conv_options *o, int dims,
                                           const hone__shape *of)
{
    hone__conv_options with = *o;
    memcpy(with.extent + 3 - dims, of->shape + of->ndim - dims, (size_t)dims * sizeof *of->shape);
    return with;
}

const hone__conv_ops *hone__conv_ops_of(int dims)
{
    static const hone__conv_ops two = { &hone__op_conv2d, &hone__op_conv2d_backward_input,
                                        &hone__op_conv2d_backward_weight,
                                        &hone__op_conv2d_add_weight };
    static const hone__conv_ops three = { &hone__op_conv3d, &hone__op_conv3d_backward_input,
                                          &hone__op_conv3d_backward_weight,
                                          &hone__op_conv3d_add_weight };
    return dims == 3 ? &three : &two;
}

/* ---- operands */

static bool wrong_shapes(const char *name, const hone__conv *c, const char *wanted)
{
    hone_error_set(HONE_E_SHAPE, "%s: %s and %s, but %s are wanted", name,
                   hone__tensor_text(c->given[0]).s, hone__tensor_text(c->given[1]).s, wanted);
    return false;
}

static bool dtypes_fit(const char *name, bool integers, const hone_tensor *a, const hone_tensor *b)
{
    const bool number =
        hone_dtype_is_float((hone_dtype)a->dtype) || (integers && a->dtype != HONE_BOOL);
    if (a->dtype == b->dtype && number)
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: both operands must be %s, got %s and %s", name,
                   integers ? "numbers of one dtype" : "f32 or both f64", hone__tensor_text(a).s,
                   hone__tensor_text(b).s);
    return false;
}

static void begin(hone__conv *c, const hone_context *ctx, const hone__conv_options *o)
{
    *c = (hone__conv){ .o = *o, .dims = hone__call_dims(ctx), .in = { 1 }, .kernel = { 1 } };
    if (c->dims == 2)
        c->o.stride[0] = c->o.dilation[0] = 1;
}

/* An image and a weight, or two images, in this order. */
static bool take_operands(const char *name, hone_tensor *a, hone_tensor *b, bool images,
                          hone__conv *c)
{
    static const char *const pair[] = {
        "images [N, O, H, W] and [N, C, H, W], or both without N,",
        "images [N, O, D, H, W] and [N, C, D, H, W], or both without N,"
    };
    static const char *const image[] = {
        "an image [N, C, H, W] or [C, H, W] and a weight of four dims",
        "an image [N, C, D, H, W] or [C, D, H, W] and a weight of five dims"
    };
    const int dims = c->dims;
    c->given[0] = a;
    c->given[1] = b;
    c->image_dims = a->ndim;
    if (!dtypes_fit(name, !images, a, b)) /* a gradient by the weight is of floats */
        return false;
    if ((a->ndim != dims + 1 && a->ndim != dims + 2) || b->ndim != (images ? a->ndim : dims + 2))
        return wrong_shapes(name, c, images ? pair[dims - 2] : image[dims - 2]);
    c->a = a->ndim == dims + 1 ? hone_unsqueeze(a, 0) : a;
    c->b = b->ndim == dims + 1 ? hone_unsqueeze(b, 0) : b;
    return c->a && c->b;
}

/* "2 x 3" or "2, 3": a number for each dim of places. */
static const char *list(const hone__conv *c, const int64_t *at, const char *between, char *text,
                        size_t size)
{
    size_t used = 0;
    for (int d = 3 - c->dims; d < 3 && used < size; d++)
        used += (size_t)hone__format(text + used, size - used, "%s%lld",
                                     d > 3 - c->dims ? between : "", (long long)at[d]);
    return text;
}
#define LIST(c, at, between) list(c, at, between, (char[80]){ "" }, 80)

static bool channels_fit(const char *name, hone__conv *c)
{
    const int64_t groups = c->o.groups;
    c->group_outputs = c->outputs / groups;
    if (c->channels == c->group_channels * groups && c->outputs % groups == 0)
        return true;
    hone_error_set(HONE_E_SHAPE,
                   "%s: %s and %s with %lld groups: %lld input channels must be groups times the "
                   "weight's %lld, and %lld output channels a multiple of groups",
                   name, hone__tensor_text(c->given[0]).s, hone__tensor_text(c->given[1]).s,
                   (long long)groups, (long long)c->channels, (long long)c->group_channels,
                   (long long)c->outputs);
    return false;
}

static bool pad(const char *name, hone__conv *c)
{
    const hone__conv_options *o = &c->o;
    for (int d = 0; d < 3; d++) {
        c->before[d] = c->after[d] = o->padding[d];
        if (o->auto_pad == HONE_PAD_EXPLICIT)
            continue;
        if (o->padding[d] != 0 || (o->auto_pad == HONE_PAD_SAME && o->stride[d] != 1)) {
            hone_error_set(HONE_E_VALUE,
                           "%s: auto_pad=%s wants %s, got padding (%s) and stride (%s)", name,
                           pads[o->auto_pad], o->padding[d] != 0 ? "no other padding" : "stride 1",
                           LIST(c, o->padding, ", "), LIST(c, o->stride, ", "));
            return false;
        }
        const int64_t all = o->auto_pad == HONE_PAD_SAME ? o->dilation[d] * (c->kernel[d] - 1) : 0;
        c->before[d] = all / 2;
        c->after[d] = all - c->before[d];
    }
    return true;
}

static const int64_t LARGEST = INT64_C(1) << 31; /* so that no position overflows */

static bool windows_fit(const char *name, hone__conv *c)
{
    for (int d = 0; d < 3; d++) {
        const bool sane = c->in[d] <= LARGEST && c->kernel[d] <= LARGEST;
        const int64_t span = sane ? c->o.dilation[d] * (c->kernel[d] - 1) + 1 : 0;
        const int64_t room = sane ? c->in[d] + c->before[d] + c->after[d] : 0;
        if (c->kernel[d] > 0 && sane && span <= room) {
            c->out[d] = (room - span) / c->o.stride[d] + 1;
            continue;
        }
        hone_error_set(HONE_E_SHAPE,
                       "%s: a kernel of %s with dilation (%s) doesn't fit into an image of %s with "
                       "padding (%s) before and (%s) after it",
                       name, LIST(c, c->kernel, " x "), LIST(c, c->o.dilation, ", "),
                       LIST(c, c->in, " x "), LIST(c, c->before, ", "), LIST(c, c->after, ", "));
        return false;
    }
    return true;
}

/* What remains to be known once the extents of x and the kernel are. */
static bool complete(const char *name, hone__conv *c)
{
    return channels_fit(name, c) && pad(name, c) && windows_fit(name, c);
}

/* The last extents of t, as many as there are dims of places. */
static void take_extents(const hone__conv *c, const hone_tensor *t, int64_t *to)
{
    memcpy(to + 3 - c->dims, t->shape + t->ndim - c->dims, (size_t)c->dims * sizeof *to);
}

static void take_image(hone__conv *c, const hone_tensor *x)
{
    c->n = x->shape[0];
    c->channels = x->shape[1];
    take_extents(c, x, c->in);
}

static void take_kernel(hone__conv *c, const hone_tensor *weight)
{
    c->outputs = weight->shape[0];
    c->group_channels = weight->shape[1];
    take_extents(c, weight, c->kernel);
}

/* [n, channels, extent] with the dims that images have. */
static const int64_t *image_shape(const hone__conv *c, int64_t channels, const int64_t *extent,
                                  int64_t *room)
{
    room[0] = c->n;
    room[1] = channels;
    memcpy(room + 2, extent + 3 - c->dims, (size_t)c->dims * sizeof *room);
    return room + c->dims + 2 - c->image_dims;
}

hone_tensor *hone__conv_image_out(hone_context *ctx, const hone__conv *c, int64_t channels,
                                  const int64_t *extent)
{
    int64_t room[5];
    return hone__out(ctx, 0, (hone_dtype)c->a->dtype, c->image_dims,
                     image_shape(c, channels, extent, room));
}

hone_tensor *hone__conv_weight_out(hone_context *ctx, const hone__conv *c)
{
    int64_t shape[5] = { c->outputs, c->group_channels };
    memcpy(shape + 2, c->kernel + 3 - c->dims, (size_t)c->dims * sizeof *shape);
    const hone_dtype dtype = c->a->dtype == HONE_BF16 ? HONE_F32 : (hone_dtype)c->a->dtype;
    return hone__out(ctx, 0, dtype, c->dims + 2, shape);
}

/* dy is as large as the forward's result. */
static bool gradient_fits(const char *name, const hone__conv *c)
{
    int64_t room[5];
    const int64_t *want = image_shape(c, c->outputs, c->out, room);
    if (memcmp(c->given[0]->shape, want, (size_t)c->image_dims * sizeof *want) == 0 &&
        c->a->shape[0] == c->n)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: dy is %s, but the result of this convolution is %s", name,
                   hone__tensor_text(c->given[0]).s, hone__shape_text(c->image_dims, want).s);
    return false;
}

bool hone__conv_take(hone_context *ctx, hone_tensor *x, hone_tensor *weight, hone__conv *c)
{
    const char *name = hone__call_name(ctx);
    begin(c, ctx, hone__options(ctx));
    if (!take_operands(name, x, weight, false, c))
        return false;
    take_image(c, c->a);
    take_kernel(c, weight);
    return complete(name, c);
}

bool hone__conv_take_input(hone_context *ctx, hone_tensor *dy, hone_tensor *weight, hone__conv *c)
{
    const hone__conv_options *o = hone__options(ctx);
    const char *name = hone__call_name(ctx);
    begin(c, ctx, o);
    if (!take_operands(name, dy, weight, false, c))
        return false;
    take_kernel(c, weight);
    c->n = c->a->shape[0];
    c->channels = c->group_channels * o->groups;
    memcpy(c->in + 3 - c->dims, o->extent + 3 - c->dims, (size_t)c->dims * sizeof *c->in);
    return complete(name, c) && gradient_fits(name, c);
}

bool hone__conv_take_weight(hone_context *ctx, hone_tensor *dy, hone_tensor *x, hone__conv *c)
{
    const hone__conv_options *o = hone__options(ctx);
    const char *name = hone__call_name(ctx);
    begin(c, ctx, o);
    if (!take_operands(name, dy, x, true, c))
        return false;
    take_image(c, c->b);
    c->outputs = c->a->shape[1];
    c->group_channels = c->channels / o->groups;
    memcpy(c->kernel + 3 - c->dims, o->extent + 3 - c->dims, (size_t)c->dims * sizeof *c->in);
    return complete(name, c) && gradient_fits(name, c);
}
