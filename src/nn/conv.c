/* conv.c: Conv2d. */
#include <hone/nn.h>
#include "core/core.h"
#include "core/reserve.h"
#include "nn/layer.h"
#include "runtime/fpmode.h"
#include "runtime/streams.h"

#include <hone/ops.h>

#include <math.h>

typedef struct {
    hone_module base;
    hone_tensor *weight; /* [out, in / groups, height, width] */
    hone_tensor *bias;   /* [out] or NULL */
    hone_conv2d_options conv;
} conv2d;

static hone_tensor *conv2d_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const conv2d *l = (const conv2d *)self;
    if (!hone__takes_inputs(self, n_in, 1))
        return NULL;
    return hone_conv2d(in[0], l->weight, l->bias ? l->bias : HONE_NONE, &l->conv);
}

static int64_t or_one(int64_t n)
{
    return n ? n : 1;
}

/* As PyTorch: what is a default is left out, but for the stride. */
static int conv2d_print(const hone_module *self, char *text, size_t size)
{
    const conv2d *l = (const conv2d *)self;
    const hone_conv2d_options *o = &l->conv;
    const int64_t groups = or_one(o->groups);
    char padding[64] = "", dilation[64] = "", grouped[32] = "";
    if (o->auto_pad != HONE_PAD_EXPLICIT)
        hone__format(padding, sizeof padding, ", padding=%s",
                     o->auto_pad == HONE_PAD_SAME ? "same" : "valid");
    else if (o->padding[0] || o->padding[1])
        hone__format(padding, sizeof padding, ", padding=(%lld, %lld)", (long long)o->padding[0],
                     (long long)o->padding[1]);
    if (or_one(o->dilation[0]) > 1 || or_one(o->dilation[1]) > 1)
        hone__format(dilation, sizeof dilation, ", dilation=(%lld, %lld)",
                     (long long)or_one(o->dilation[0]), (long long)or_one(o->dilation[1]));
    if (groups > 1)
        hone__format(grouped, sizeof grouped, ", groups=%lld", (long long)groups);
    return hone__format(
        text, size, "%lld, %lld, kernel_size=(%lld, %lld), stride=(%lld, %lld)%s%s%s%s",
        (long long)(hone_size(l->weight, 1) * groups), (long long)hone_size(l->weight, 0),
        (long long)hone_size(l->weight, 2), (long long)hone_size(l->weight, 3),
        (long long)or_one(o->stride[0]), (long long)or_one(o->stride[1]), padding, dilation,
        grouped, l->bias ? "" : ", bias=False");
}

static const hone_field conv2d_fields[] = { HONE_PARAM(conv2d, weight), HONE_PARAM(conv2d, bias),
                                            HONE_FIELDS_END };

static const hone_module_class conv2d_class = {
    .name = "Conv2d",
    .size = sizeof(conv2d),
    .fields = conv2d_fields,
    .forward = conv2d_forward,
    .print = conv2d_print,
};

static bool options_fit(int64_t in, int64_t out, int64_t height, int64_t width,
                        const hone_nn_conv2d_options *o)
{
    const hone_conv2d_options *c = &o->conv;
    const int64_t groups = or_one(c->groups);
    if (in < 1 || out < 1 || height < 1 || width < 1)
        hone_error_set(HONE_E_VALUE,
                       "nn_conv2d: %lld to %lld channels, a kernel of %lld x %lld (at least 1 is "
                       "wanted)",
                       (long long)in, (long long)out, (long long)height, (long long)width);
    else if (groups < 1 || in % groups || out % groups)
        hone_error_set(HONE_E_VALUE, "nn_conv2d: %lld groups don't divide %lld to %lld channels",
                       (long long)groups, (long long)in, (long long)out);
    else if (or_one(c->stride[0]) < 1 || or_one(c->stride[1]) < 1 || or_one(c->dilation[0]) < 1 ||
             or_one(c->dilation[1]) < 1 || c->padding[0] < 0 || c->padding[1] < 0)
        hone_error_set(
            HONE_E_VALUE,
            "nn_conv2d: stride %lld, %lld, padding %lld, %lld, dilation %lld, %lld (none "
            "may be negative)",
            (long long)c->stride[0], (long long)c->stride[1], (long long)c->padding[0],
            (long long)c->padding[1], (long long)c->dilation[0], (long long)c->dilation[1]);
    else if (!hone_dtype_is_float(o->dtype))
        hone_error_set(HONE_E_DTYPE, "nn_conv2d: dtype %s (f32 or f64 is wanted)",
                       hone_dtype_name(o->dtype));
    else
        return true;
    return false;
}

hone_module *hone_nn_conv2d_with(int64_t in_channels, int64_t out_channels, int64_t height,
                                 int64_t width, const hone_nn_conv2d_options *options)
{
    const hone_nn_conv2d_options o = options ? *options : (hone_nn_conv2d_options){ 0 };
    if (!HONE__KNOWS_OPTIONS("nn_conv2d", options) ||
        !HONE__KNOWS_OPTIONS("nn_conv2d", options ? &options->conv : NULL) ||
        !options_fit(in_channels, out_channels, height, width, &o))
        return NULL;
    conv2d *l = hone_module_new(&conv2d_class);
    if (!l)
        return NULL;
    HONE_SCOPE();
    HONE__FP_GUARD();
    const int64_t each = in_channels / or_one(o.conv.groups);
    const double bound = 1 / sqrt((double)each * (double)height * (double)width);
    hone_generator *before = hone__draw_from(o.generator);
    l->conv = o.conv;
    l->weight = hone__even_parameter(o.dtype, bound, 4,
                                     (const int64_t[]){ out_channels, each, height, width });
    if (l->weight && !o.no_bias)
        l->bias = hone__even_parameter(o.dtype, bound, 1, &out_channels);
    hone__draw_from(before);
    if (!l->weight || (!o.no_bias && !l->bias)) {
        hone_module_free(&l->base);
        return NULL;
    }
    return &l->base;
}

hone_module *hone_nn_conv2d(int64_t in_channels, int64_t out_channels, int64_t kernel_size)
{
    return hone_nn_conv2d_with(in_channels, out_channels, kernel_size, kernel_size, NULL);
}

static const char *const paddings[] = { "valid", "same", NULL };
static const char *const padding_modes[] = { "zeros", NULL };
enum { IN, OUT, KERNEL, STRIDE, PADDING, DILATION, GROUPS, BIAS, MODE, DTYPE };
static const hone__parameter arguments[] = {
    [IN] = { "in_channels", HONE__WHOLE, .min = 1, .max = INFINITY },
    [OUT] = { "out_channels", HONE__WHOLE, .min = 1, .max = INFINITY },
    [KERNEL] = { "kernel_size", HONE__WHOLES, .count = 2, .min = 1, .max = INFINITY },
    [STRIDE] = { "stride", HONE__WHOLES, "1", .count = 2, .min = 1, .max = INFINITY },
    [PADDING] = { "padding", HONE__WHOLES, "0", .count = 2, .max = INFINITY, .choices = paddings },
    [DILATION] = { "dilation", HONE__WHOLES, "1", .count = 2, .min = 1, .max = INFINITY },
    [GROUPS] = { "groups", HONE__WHOLE, "1", .min = 1, .max = INFINITY },
    [BIAS] = { "bias", HONE__TRUTH, "True" },
    [MODE] = { "padding_mode", HONE__CHOICE, "'zeros'", .choices = padding_modes },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static hone_module *make(const hone__argument *a)
{
    static const hone_auto_pad auto_pads[] = { HONE_PAD_EXPLICIT, HONE_PAD_VALID, HONE_PAD_SAME };
    const hone_nn_conv2d_options o = {
        .conv = { .stride = { a[STRIDE].at[0], a[STRIDE].at[1] },
                  .padding = { a[PADDING].at[0], a[PADDING].at[1] },
                  .dilation = { a[DILATION].at[0], a[DILATION].at[1] },
                  .groups = a[GROUPS].at[0],
                  .auto_pad = auto_pads[1 + a[PADDING].choice] },
        .no_bias = !a[BIAS].truth,
        .dtype = a[DTYPE].dtype,
    };
    return hone_nn_conv2d_with(a[IN].at[0], a[OUT].at[0], a[KERNEL].at[0], a[KERNEL].at[1], &o);
}

const hone__layer hone__layer_Conv2d = { "Conv2d", arguments, make };
