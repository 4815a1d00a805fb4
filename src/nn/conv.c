/* conv.c: Conv1d, 2d and 3d, ConvTranspose1d, 2d and 3d. */
#include <hone/nn.h>
#include "core/core.h"
#include "core/reserve.h"
#include "nn/layer.h"
#include "runtime/fpmode.h"
#include "runtime/streams.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>
#include <string.h>

#define TRIPLE(of)                                                                                 \
    {                                                                                              \
        (of)[0], (of)[1], (of)[2]                                                                  \
    }

enum { MOST_DIMS = 3 }; /* of the image */

typedef struct {
    int64_t kernel[MOST_DIMS], stride[MOST_DIMS], padding[MOST_DIMS], dilation[MOST_DIMS],
        output_padding[MOST_DIMS];
    int64_t in, out, groups;
    hone_auto_pad auto_pad;
    hone_pad_mode mode; /* HONE_PAD_CONSTANT: zeros, which the op adds itself */
} geometry;

typedef struct conv conv;
typedef struct {
    hone_module_class type;
    int dims;
    bool transposed;
    hone_tensor *(*op)(const conv *l, hone_tensor *x, hone_tensor *bias);
} conv_kind;

struct conv {
    hone_module base;
    hone_tensor *weight; /* [out, in / groups, ..], transposed [in, out / groups, ..] */
    hone_tensor *bias;   /* [out] or NULL */
    const conv_kind *kind;
    geometry g;
};

/* ---- forward */

static hone_tensor *conv1d(const conv *l, hone_tensor *x, hone_tensor *bias)
{
    const geometry *g = &l->g;
    return hone_conv1d(x, l->weight, bias,
                       &(hone_conv1d_options){ .stride = g->stride[0],
                                               .padding = g->padding[0],
                                               .dilation = g->dilation[0],
                                               .groups = g->groups,
                                               .auto_pad = g->auto_pad });
}

static hone_tensor *conv2d(const conv *l, hone_tensor *x, hone_tensor *bias)
{
    const geometry *g = &l->g;
    return hone_conv2d(x, l->weight, bias,
                       &(hone_conv2d_options){ .stride = { g->stride[0], g->stride[1] },
                                               .padding = { g->padding[0], g->padding[1] },
                                               .dilation = { g->dilation[0], g->dilation[1] },
                                               .groups = g->groups,
                                               .auto_pad = g->auto_pad });
}

static hone_tensor *conv3d(const conv *l, hone_tensor *x, hone_tensor *bias)
{
    const geometry *g = &l->g;
    return hone_conv3d(x, l->weight, bias,
                       &(hone_conv3d_options){ .stride = TRIPLE(g->stride),
                                               .padding = TRIPLE(g->padding),
                                               .dilation = TRIPLE(g->dilation),
                                               .groups = g->groups,
                                               .auto_pad = g->auto_pad });
}

static hone_tensor *conv_transpose1d(const conv *l, hone_tensor *x, hone_tensor *bias)
{
    const geometry *g = &l->g;
    return hone_conv_transpose1d(
        x, l->weight, bias,
        &(hone_conv_transpose1d_options){ .stride = g->stride[0],
                                          .padding = g->padding[0],
                                          .output_padding = g->output_padding[0],
                                          .dilation = g->dilation[0],
                                          .groups = g->groups });
}

static hone_tensor *conv_transpose2d(const conv *l, hone_tensor *x, hone_tensor *bias)
{
    const geometry *g = &l->g;
    return hone_conv_transpose2d(
        x, l->weight, bias,
        &(hone_conv_transpose2d_options){
            .stride = { g->stride[0], g->stride[1] },
            .padding = { g->padding[0], g->padding[1] },
            .output_padding = { g->output_padding[0], g->output_padding[1] },
            .dilation = { g->dilation[0], g->dilation[1] },
            .groups = g->groups });
}

static hone_tensor *conv_transpose3d(const conv *l, hone_tensor *x, hone_tensor *bias)
{
    const geometry *g = &l->g;
    return hone_conv_transpose3d(
        x, l->weight, bias,
        &(hone_conv_transpose3d_options){ .stride = TRIPLE(g->stride),
                                          .padding = TRIPLE(g->padding),
                                          .output_padding = TRIPLE(g->output_padding),
                                          .dilation = TRIPLE(g->dilation),
                                          .groups = g->groups });
}

/* x with what a padding mode other than zeros puts around it; the op pads no more then. */
static hone_tensor *padded(const conv *l, hone_tensor *x)
{
    const geometry *g = &l->g;
    int64_t pad[2 * MOST_DIMS + 1];
    int n = 0;
    for (int d = l->kind->dims - 1; d >= 0; d--) {
        const int64_t total =
            g->auto_pad == HONE_PAD_SAME ? g->dilation[d] * (g->kernel[d] - 1) : 2 * g->padding[d];
        pad[n++] = total / 2;
        pad[n++] = total - total / 2;
    }
    pad[n] = HONE_END_DIM;
    return hone_pad_v(x, pad, g->mode, 0);
}

static hone_tensor *forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const conv *l = (const conv *)self;
    if (!hone__takes_inputs(self, n_in, 1))
        return NULL;
    hone_tensor *bias = l->bias ? l->bias : HONE_NONE;
    if (l->g.mode == HONE_PAD_CONSTANT)
        return l->kind->op(l, in[0], bias);
    conv bare = *l;
    memset(bare.g.padding, 0, sizeof bare.g.padding);
    bare.g.auto_pad = HONE_PAD_EXPLICIT;
    return l->kind->op(&bare, padded(l, in[0]), bias);
}

/* ---- text */

/* In the order of hone_pad_mode. */
static const char *const modes[] = { "zeros", "reflect", "replicate", "circular", NULL };

typedef struct {
    char s[80];
} tuple_text;

static tuple_text text_of(const int64_t *numbers, int n)
{
    tuple_text text = { "(" };
    size_t used = 1;
    for (int i = 0; i < n; i++)
        used += (size_t)hone__format(text.s + used, sizeof text.s - used, i ? ", %lld" : "%lld",
                                     (long long)numbers[i]);
    hone__format(text.s + used, sizeof text.s - used, n == 1 ? ",)" : ")");
    return text;
}

static bool all_are(const int64_t *numbers, int n, int64_t value)
{
    for (int i = 0; i < n; i++)
        if (numbers[i] != value)
            return false;
    return true;
}

/* As PyTorch: what is a default is left out, but for the stride. */
static int print(const hone_module *self, char *text, size_t size)
{
    const conv *l = (const conv *)self;
    const geometry *g = &l->g;
    const int n = l->kind->dims;
    char padding[100] = "", dilation[100] = "", output_padding[100] = "", groups[40] = "",
         mode[40] = "";
    if (g->auto_pad != HONE_PAD_EXPLICIT)
        hone__format(padding, sizeof padding, ", padding=%s",
                     g->auto_pad == HONE_PAD_SAME ? "same" : "valid");
    else if (!all_are(g->padding, n, 0))
        hone__format(padding, sizeof padding, ", padding=%s", text_of(g->padding, n).s);
    if (!all_are(g->dilation, n, 1))
        hone__format(dilation, sizeof dilation, ", dilation=%s", text_of(g->dilation, n).s);
    if (!all_are(g->output_padding, n, 0))
        hone__format(output_padding, sizeof output_padding, ", output_padding=%s",
                     text_of(g->output_padding, n).s);
    if (g->groups > 1)
        hone__format(groups, sizeof groups, ", groups=%lld", (long long)g->groups);
    if (g->mode != HONE_PAD_CONSTANT)
        hone__format(mode, sizeof mode, ", padding_mode=%s", modes[g->mode]);
    return hone__format(text, size, "%lld, %lld, kernel_size=%s, stride=%s%s%s%s%s%s%s",
                        (long long)g->in, (long long)g->out, text_of(g->kernel, n).s,
                        text_of(g->stride, n).s, padding, dilation, output_padding, groups,
                        l->bias ? "" : ", bias=False", mode);
}

/* ---- making */

static const hone_field fields[] = { HONE_PARAM(conv, weight), HONE_PARAM(conv, bias),
                                     HONE_FIELDS_END };

#define KIND(name_, dims_, transposed_, op_)                                                       \
    {                                                                                              \
        .type = { .name = (name_),                                                                 \
                  .size = sizeof(conv),                                                            \
                  .fields = fields,                                                                \
                  .forward = forward,                                                              \
                  .print = print },                                                                \
        .dims = (dims_), .transposed = (transposed_), .op = (op_)                                  \
    }
static const conv_kind conv1d_kind = KIND("Conv1d", 1, false, conv1d);
static const conv_kind conv2d_kind = KIND("Conv2d", 2, false, conv2d);
static const conv_kind conv3d_kind = KIND("Conv3d", 3, false, conv3d);
static const conv_kind conv_transpose1d_kind = KIND("ConvTranspose1d", 1, true, conv_transpose1d);
static const conv_kind conv_transpose2d_kind = KIND("ConvTranspose2d", 2, true, conv_transpose2d);
static const conv_kind conv_transpose3d_kind = KIND("ConvTranspose3d", 3, true, conv_transpose3d);

/* Evenly within 1 / sqrt(weight.size(1) kernel), which of a transposed one is not what an output is
 * the sum of: so PyTorch has it. */
static bool begin(conv *l, bool bias, hone_dtype dtype)
{
    const geometry *g = &l->g;
    const int64_t first = l->kind->transposed ? g->in : g->out;
    const int64_t second = (l->kind->transposed ? g->out : g->in) / g->groups;
    int64_t shape[2 + MOST_DIMS] = { first, second };
    double window = (double)second;
    for (int d = 0; d < l->kind->dims; d++) {
        shape[2 + d] = g->kernel[d];
        window *= (double)g->kernel[d];
    }
    HONE_SCOPE();
    HONE__FP_GUARD();
    l->weight = hone__even_parameter(dtype, 1 / sqrt(window), 2 + l->kind->dims, shape);
    if (l->weight && bias)
        l->bias = hone__even_parameter(dtype, 1 / sqrt(window), 1, &g->out);
    return l->weight && (l->bias || !bias);
}

static hone_module *conv_new(const conv_kind *kind, const geometry *g, bool bias, hone_dtype dtype)
{
    conv *l = hone_module_new(&kind->type);
    if (!l)
        return NULL;
    l->kind = kind;
    l->g = *g;
    if (begin(l, bias, dtype))
        return &l->base;
    hone_module_free(&l->base);
    return NULL;
}

/* ---- by functions of their own */

static int64_t or_one(int64_t n)
{
    return n ? n : 1;
}

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
        hone_error_set(HONE_E_DTYPE, "nn_conv2d: dtype %s (a float is wanted)",
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
    const geometry g = {
        .kernel = { height, width },
        .stride = { or_one(o.conv.stride[0]), or_one(o.conv.stride[1]) },
        .padding = { o.conv.padding[0], o.conv.padding[1] },
        .dilation = { or_one(o.conv.dilation[0]), or_one(o.conv.dilation[1]) },
        .in = in_channels,
        .out = out_channels,
        .groups = or_one(o.conv.groups),
        .auto_pad = o.conv.auto_pad,
    };
    hone_generator *before = hone__draw_from(o.generator);
    hone_module *made = conv_new(&conv2d_kind, &g, !o.no_bias, o.dtype);
    hone__draw_from(before);
    return made;
}

hone_module *hone_nn_conv2d(int64_t in_channels, int64_t out_channels, int64_t kernel_size)
{
    return hone_nn_conv2d_with(in_channels, out_channels, kernel_size, kernel_size, NULL);
}

/* ---- by name */

static const char *const paddings[] = { "valid", "same", NULL };
static const char *const zeros[] = { "zeros", NULL };

enum { IN, OUT, KERNEL, STRIDE, PADDING, DILATION, GROUPS, BIAS, MODE, DTYPE };
#define BEGIN(n)                                                                                   \
    [IN] = { "in_channels", HONE__WHOLE, .min = 1, .max = INFINITY },                              \
    [OUT] = { "out_channels", HONE__WHOLE, .min = 1, .max = INFINITY },                            \
    [KERNEL] = { "kernel_size", HONE__WHOLES, .count = (n), .min = 1, .max = INFINITY },           \
    [STRIDE] = { "stride", HONE__WHOLES, "1", .count = (n), .min = 1, .max = INFINITY }
#define CONV(n)                                                                                    \
    BEGIN(n),                                                                                      \
        [PADDING] = { "padding",    HONE__WHOLES,    "0",                                          \
                      .count = (n), .max = INFINITY, .choices = paddings },                        \
        [DILATION] = { "dilation", HONE__WHOLES, "1", .count = (n), .min = 1, .max = INFINITY },   \
        [GROUPS] = { "groups", HONE__WHOLE, "1", .min = 1, .max = INFINITY },                      \
        [BIAS] = { "bias", HONE__TRUTH, "True" },                                                  \
        [MODE] = { "padding_mode", HONE__CHOICE, "'zeros'", .choices = modes },                    \
        [DTYPE] = HONE__DTYPE_ARGUMENT

enum { T_OUTPUT_PADDING = 5, T_GROUPS, T_BIAS, T_DILATION, T_MODE, T_DTYPE };
#define CONV_TRANSPOSE(n)                                                                          \
    BEGIN(n), [PADDING] = { "padding", HONE__WHOLES, "0", .count = (n), .max = INFINITY },         \
              [T_OUTPUT_PADDING] = { "output_padding", HONE__WHOLES, "0", .count = (n),            \
                                     .max = INFINITY },                                            \
              [T_GROUPS] = { "groups", HONE__WHOLE, "1", .min = 1, .max = INFINITY },              \
              [T_BIAS] = { "bias", HONE__TRUTH, "True" }, [T_DILATION] = { "dilation",             \
                                                                           HONE__WHOLES,           \
                                                                           "1",                    \
                                                                           .count = (n),           \
                                                                           .min = 1,               \
                                                                           .max = INFINITY },      \
              [T_MODE] = { "padding_mode", HONE__CHOICE, "'zeros'", .choices = zeros },            \
              [T_DTYPE] = HONE__DTYPE_ARGUMENT

static void put(int64_t *to, const hone__argument *a)
{
    for (int d = 0; d < a->n && d < MOST_DIMS; d++)
        to[d] = a->at[d];
}

static bool groups_fit(const conv_kind *kind, const geometry *g)
{
    if (g->in % g->groups == 0 && g->out % g->groups == 0)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %lld groups don't divide %lld to %lld channels",
                   kind->type.name, (long long)g->groups, (long long)g->in, (long long)g->out);
    return false;
}

static bool same_fits(const conv_kind *kind, const geometry *g)
{
    if (g->auto_pad != HONE_PAD_SAME || all_are(g->stride, kind->dims, 1))
        return true;
    hone_error_set(HONE_E_VALUE, "%s: stride %s with padding='same', which wants a stride of 1",
                   kind->type.name, text_of(g->stride, kind->dims).s);
    return false;
}

static hone_module *make(const conv_kind *kind, const hone__argument *a)
{
    static const hone_auto_pad auto_pads[] = { HONE_PAD_EXPLICIT, HONE_PAD_VALID, HONE_PAD_SAME };
    const bool t = kind->transposed;
    geometry g = { .in = a[IN].at[0],
                   .out = a[OUT].at[0],
                   .groups = a[t ? T_GROUPS : GROUPS].at[0],
                   .auto_pad = auto_pads[1 + a[PADDING].choice],
                   .mode = (hone_pad_mode)a[t ? T_MODE : MODE].choice };
    put(g.kernel, &a[KERNEL]);
    put(g.stride, &a[STRIDE]);
    put(g.padding, &a[PADDING]);
    put(g.dilation, &a[t ? T_DILATION : DILATION]);
    if (t)
        put(g.output_padding, &a[T_OUTPUT_PADDING]);
    if (!groups_fit(kind, &g) || !same_fits(kind, &g))
        return NULL;
    return conv_new(kind, &g, a[t ? T_BIAS : BIAS].truth, a[t ? T_DTYPE : DTYPE].dtype);
}

static const hone__parameter conv1d_arguments[] = { CONV(1), { 0 } };
static hone_module *make_conv1d(const hone__argument *a)
{
    return make(&conv1d_kind, a);
}
const hone__layer hone__layer_Conv1d = { "Conv1d", conv1d_arguments, make_conv1d };

static const hone__parameter conv2d_arguments[] = { CONV(2), { 0 } };
static hone_module *make_conv2d(const hone__argument *a)
{
    return make(&conv2d_kind, a);
}
const hone__layer hone__layer_Conv2d = { "Conv2d", conv2d_arguments, make_conv2d };

static const hone__parameter conv3d_arguments[] = { CONV(3), { 0 } };
static hone_module *make_conv3d(const hone__argument *a)
{
    return make(&conv3d_kind, a);
}
const hone__layer hone__layer_Conv3d = { "Conv3d", conv3d_arguments, make_conv3d };

static const hone__parameter conv_transpose1d_arguments[] = { CONV_TRANSPOSE(1), { 0 } };
static hone_module *make_conv_transpose1d(const hone__argument *a)
{
    return make(&conv_transpose1d_kind, a);
}
const hone__layer hone__layer_ConvTranspose1d = { "ConvTranspose1d", conv_transpose1d_arguments,
                                                  make_conv_transpose1d };

static const hone__parameter conv_transpose2d_arguments[] = { CONV_TRANSPOSE(2), { 0 } };
static hone_module *make_conv_transpose2d(const hone__argument *a)
{
    return make(&conv_transpose2d_kind, a);
}
const hone__layer hone__layer_ConvTranspose2d = { "ConvTranspose2d", conv_transpose2d_arguments,
                                                  make_conv_transpose2d };

static const hone__parameter conv_transpose3d_arguments[] = { CONV_TRANSPOSE(3), { 0 } };
static hone_module *make_conv_transpose3d(const hone__argument *a)
{
    return make(&conv_transpose3d_kind, a);
}
const hone__layer hone__layer_ConvTranspose3d = { "ConvTranspose3d", conv_transpose3d_arguments,
                                                  make_conv_transpose3d };
