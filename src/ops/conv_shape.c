/* conv_shape.c: a convolution's options, and what follows from them and the operands' shapes. */
#include "ops/conv.h"

#include <string.h>

/* ---- options */

static const char *const pads[] = { "explicit", "valid", "same", NULL };

#define MOST 2147483647.0
#define CONV_OPTIONS(type, prefix)                                                                 \
    { .name = "stride",                                                                            \
      .kind = HONE__OPT_PAIR,                                                                      \
      .offset = offsetof(type, prefix stride),                                                     \
      .standard = 1,                                                                               \
      .min = 1,                                                                                    \
      .max = MOST },                                                                               \
        { .name = "padding",                                                                       \
          .kind = HONE__OPT_PAIR,                                                                  \
          .offset = offsetof(type, prefix padding),                                                \
          .max = MOST },                                                                           \
        { .name = "dilation",                                                                      \
          .kind = HONE__OPT_PAIR,                                                                  \
          .offset = offsetof(type, prefix dilation),                                               \
          .standard = 1,                                                                           \
          .min = 1,                                                                                \
          .max = MOST },                                                                           \
        { .name = "groups",                                                                        \
          .kind = HONE__OPT_INT,                                                                   \
          .offset = offsetof(type, prefix groups),                                                 \
          .standard = 1,                                                                           \
          .min = 1,                                                                                \
          .max = MOST },                                                                           \
    {                                                                                              \
        .name = "auto_pad", .kind = HONE__OPT_CHOICE, .offset = offsetof(type, prefix auto_pad),   \
        .max = 2, .choices = pads                                                                  \
    }

const hone__option hone__conv_table[] = { CONV_OPTIONS(hone_conv2d_options, ), { NULL } };
const hone__option hone__conv_grad_table[] = {
    { .name = "height",
      .kind = HONE__OPT_INT,
      .offset = offsetof(hone__conv_grad_options, extent[0]),
      .required = true,
      .min = 1,
      .max = MOST },
    { .name = "width",
      .kind = HONE__OPT_INT,
      .offset = offsetof(hone__conv_grad_options, extent[1]),
      .required = true,
      .min = 1,
      .max = MOST },
    CONV_OPTIONS(hone__conv_grad_options, conv.),
    { NULL },
};

/* ---- operands */

static bool wrong_shapes(const char *name, const hone__conv *c, const char *wanted)
{
    hone_error_set(HONE_E_SHAPE, "%s: %s and %s, but %s are wanted", name,
                   hone__tensor_text(c->given[0]).s, hone__tensor_text(c->given[1]).s, wanted);
    return false;
}

static bool is_image(const hone_tensor *t)
{
    return t->ndim == 3 || t->ndim == 4;
}

static bool dtypes_fit(const char *name, const hone_tensor *a, const hone_tensor *b)
{
    if (a->dtype == b->dtype && hone_dtype_is_float((hone_dtype)a->dtype))
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: both operands must be f32 or both f64, got %s and %s", name,
                   hone__tensor_text(a).s, hone__tensor_text(b).s);
    return false;
}

/* An image and a weight, or two images, in this order. */
static bool take_operands(const char *name, hone_tensor *a, hone_tensor *b, bool images,
                          hone__conv *c)
{
    c->given[0] = a;
    c->given[1] = b;
    c->image_dims = a->ndim;
    if (!dtypes_fit(name, a, b))
        return false;
    if (!is_image(a) || b->ndim != (images ? a->ndim : 4))
        return wrong_shapes(name, c,
                            images
                                ? "images [N, O, H, W] and [N, C, H, W], or both without N,"
                                : "an image [N, C, H, W] or [C, H, W] and a weight of four dims");
    c->a = a->ndim == 3 ? hone_unsqueeze(a, 0) : a;
    c->b = b->ndim == 3 ? hone_unsqueeze(b, 0) : b;
    return c->a && c->b;
}

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
    const hone_conv2d_options *o = &c->o;
    for (int d = 0; d < 2; d++) {
        c->before[d] = c->after[d] = o->padding[d];
        if (o->auto_pad == HONE_PAD_EXPLICIT)
            continue;
        if (o->padding[d] != 0 || (o->auto_pad == HONE_PAD_SAME && o->stride[d] != 1)) {
            hone_error_set(HONE_E_VALUE,
                           "%s: auto_pad=%s wants %s, got padding (%lld, %lld) and stride (%lld, "
                           "%lld)",
                           name, pads[o->auto_pad],
                           o->padding[d] != 0 ? "no other padding" : "stride 1",
                           (long long)o->padding[0], (long long)o->padding[1],
                           (long long)o->stride[0], (long long)o->stride[1]);
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
    for (int d = 0; d < 2; d++) {
        const bool sane = c->in[d] <= LARGEST && c->kernel[d] <= LARGEST;
        const int64_t span = sane ? c->o.dilation[d] * (c->kernel[d] - 1) + 1 : 0;
        const int64_t room = sane ? c->in[d] + c->before[d] + c->after[d] : 0;
        if (c->kernel[d] > 0 && sane && span <= room) {
            c->out[d] = (room - span) / c->o.stride[d] + 1;
            continue;
        }
        hone_error_set(HONE_E_SHAPE,
                       "%s: a kernel of %lld x %lld with dilation (%lld, %lld) doesn't fit into an "
                       "image of %lld x %lld with padding (%lld, %lld) before and (%lld, %lld) "
                       "after it",
                       name, (long long)c->kernel[0], (long long)c->kernel[1],
                       (long long)c->o.dilation[0], (long long)c->o.dilation[1],
                       (long long)c->in[0], (long long)c->in[1], (long long)c->before[0],
                       (long long)c->before[1], (long long)c->after[0], (long long)c->after[1]);
        return false;
    }
    return true;
}

/* What remains to be known once the extents of x and the kernel are. */
static bool complete(const char *name, hone__conv *c)
{
    return channels_fit(name, c) && pad(name, c) && windows_fit(name, c);
}

static void take_image(hone__conv *c, const hone_tensor *x)
{
    c->n = x->shape[0];
    c->channels = x->shape[1];
    memcpy(c->in, x->shape + 2, sizeof c->in);
}

static void take_kernel(hone__conv *c, const hone_tensor *weight)
{
    c->outputs = weight->shape[0];
    c->group_channels = weight->shape[1];
    memcpy(c->kernel, weight->shape + 2, sizeof c->kernel);
}

/* dy is as large as the forward's result. */
static bool gradient_fits(const char *name, const hone__conv *c)
{
    const int64_t want[] = { c->n, c->outputs, c->out[0], c->out[1] };
    if (memcmp(c->a->shape, want, sizeof want) == 0)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: dy is %s, but the result of this convolution is %s", name,
                   hone__tensor_text(c->given[0]).s,
                   hone__shape_text(c->image_dims, want + 4 - c->image_dims).s);
    return false;
}

bool hone__conv_take(const char *name, const hone_conv2d_options *o, hone_tensor *x,
                     hone_tensor *weight, hone__conv *c)
{
    *c = (hone__conv){ .o = *o };
    if (!take_operands(name, x, weight, false, c))
        return false;
    take_image(c, c->a);
    take_kernel(c, weight);
    return complete(name, c);
}

bool hone__conv_take_input(const char *name, const hone__conv_grad_options *o, hone_tensor *dy,
                           hone_tensor *weight, hone__conv *c)
{
    *c = (hone__conv){ .o = o->conv };
    if (!take_operands(name, dy, weight, false, c))
        return false;
    take_kernel(c, weight);
    c->n = c->a->shape[0];
    c->channels = c->group_channels * o->conv.groups;
    memcpy(c->in, o->extent, sizeof c->in);
    return complete(name, c) && gradient_fits(name, c);
}

bool hone__conv_take_weight(const char *name, const hone__conv_grad_options *o, hone_tensor *dy,
                            hone_tensor *x, hone__conv *c)
{
    *c = (hone__conv){ .o = o->conv };
    if (!take_operands(name, dy, x, true, c))
        return false;
    take_image(c, c->b);
    c->outputs = c->a->shape[1];
    c->group_channels = c->channels / o->conv.groups;
    memcpy(c->kernel, o->extent, sizeof c->kernel);
    return complete(name, c) && gradient_fits(name, c);
}
