/* pool.c: poolings. */
#include <hone/nn.h>
#include "core/core.h"
#include "core/reserve.h"
#include "nn/layer.h"
#include "nn/relu_pool.h"
#include "op/relu_pool.h"
#include "op/trace.h"
#include "runtime/watch.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)

/* ---- windows that slide: a table begins with these three */

enum { KERNEL, STRIDE, PADDING, DILATION, INDICES, CEIL_MAX };
enum { CEIL = 3, COUNT_PAD, DIVISOR };

#define SILENT .shown = HONE__HIDDEN_ARGUMENT
/* PyTorch prints "(2,)" for 2 in AvgPool1d alone. */
#define WINDOW(dims, spread_)                                                                      \
    [KERNEL] = { "kernel_size", HONE__WHOLES,    .count = (dims),                                  \
                 .min = 1,      .max = INFINITY, .spread = (spread_) },                            \
    [STRIDE] = { "stride",     HONE__WHOLES, "None",          .count = (dims),                     \
                 .none = true, .min = 1,     .max = INFINITY, .spread = (spread_) },               \
    [PADDING] = { "padding",       HONE__WHOLES,    "0",                                           \
                  .count = (dims), .max = INFINITY, .spread = (spread_) }

/* Without a stride it is the window; PyTorch prints that. */
static hone_module *window_new(const hone__layer *layer, const hone__argument *a)
{
    hone__plain *l = (hone__plain *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    if (l->at[STRIDE].none)
        l->at[STRIDE] = l->at[KERNEL];
    return &l->base;
}

/* One that can give the places of its maxima, too: in hone its op does. */
static bool gives_one(const hone__layer *layer, const hone__argument *indices, const char *op)
{
    if (!indices->truth)
        return true;
    hone_error_set(
        HONE_E_VALUE,
        "%s: return_indices is True, but a layer gives one tensor: %s_with_indices gives "
        "both",
        layer->name, op);
    return false;
}

static hone_module *max_window_new(const hone__layer *layer, const hone__argument *a,
                                   const char *op)
{
    return gives_one(layer, &a[INDICES], op) ? window_new(layer, a) : NULL;
}

#define MAX_POOL(dims)                                                                             \
    WINDOW(dims, false), [DILATION] = { "dilation",      HONE__WHOLES, "1",                        \
                                        .count = (dims), .min = 1,     .max = INFINITY },          \
                         [INDICES] = { "return_indices", HONE__TRUTH, "False", SILENT },           \
                         [CEIL_MAX] = { "ceil_mode", HONE__TRUTH, "False" }

#define TRIPLE(a)                                                                                  \
    {                                                                                              \
        (a).at[0], (a).at[1], (a).at[2]                                                            \
    }

extern const hone__layer hone__layer_MaxPool1d, hone__layer_MaxPool2d, hone__layer_MaxPool3d,
    hone__layer_AvgPool1d, hone__layer_AvgPool2d, hone__layer_AvgPool3d,
    hone__layer_AdaptiveMaxPool1d, hone__layer_AdaptiveMaxPool2d, hone__layer_AdaptiveMaxPool3d;

static const hone__parameter max_pool1d_arguments[] = { MAX_POOL(1), { 0 } };
FORWARD(max_pool1d)
{
    const hone__argument *a = self->at;
    return hone_max_pool1d(in[0], &(hone_max_pool1d_options){ .kernel_size = a[KERNEL].at[0],
                                                              .stride = a[STRIDE].at[0],
                                                              .padding = a[PADDING].at[0],
                                                              .dilation = a[DILATION].at[0],
                                                              .ceil_mode = a[CEIL_MAX].truth });
}
static hone_module *make_max_pool1d(const hone__argument *a)
{
    return max_window_new(&hone__layer_MaxPool1d, a, "hone_max_pool1d");
}
const hone__layer hone__layer_MaxPool1d =
    HONE__MADE_PLAIN("MaxPool1d", 1, max_pool1d, max_pool1d_arguments, make_max_pool1d);

static const hone__parameter max_pool2d_arguments[] = { MAX_POOL(2), { 0 } };
FORWARD(max_pool2d)
{
    const hone__argument *a = self->at;
    return hone_max_pool2d(
        in[0], &(hone_max_pool2d_options){ .kernel_size = { a[KERNEL].at[0], a[KERNEL].at[1] },
                                           .stride = { a[STRIDE].at[0], a[STRIDE].at[1] },
                                           .padding = { a[PADDING].at[0], a[PADDING].at[1] },
                                           .dilation = { a[DILATION].at[0], a[DILATION].at[1] },
                                           .ceil_mode = a[CEIL_MAX].truth });
}
static hone_module *make_max_pool2d(const hone__argument *a)
{
    return max_window_new(&hone__layer_MaxPool2d, a, "hone_max_pool2d");
}
const hone__layer hone__layer_MaxPool2d =
    HONE__MADE_PLAIN("MaxPool2d", 1, max_pool2d, max_pool2d_arguments, make_max_pool2d);

/* ... behind a ReLU */

static bool are(const hone__argument *a, int64_t number)
{
    return a->at[0] == number && a->at[1] == number;
}

bool hone__pool_takes_relu(const hone_module *module, const hone_tensor *x)
{
    const hone__argument *a = ((const hone__plain *)module)->at;
    return module->type == &hone__layer_MaxPool2d.type && !module->own.hooks &&
           !module->recomputes && !hone__tracing && are(&a[KERNEL], 2) && are(&a[STRIDE], 2) &&
           are(&a[PADDING], 0) && are(&a[DILATION], 1) && !a[CEIL_MAX].truth &&
           hone__relu_pool_takes(x);
}

hone_tensor *hone__relu_pool(hone_module *pool, hone_tensor *x)
{
    hone__span_mark mark;
    hone__span_begin(&mark, HONE__SPAN_MODULE, pool);
    hone_tensor *y = hone__relu_max_pool2d(x);
    hone__span_end(&mark, HONE__SPAN_MODULE, pool);
    return y;
}

static const hone__parameter max_pool3d_arguments[] = { MAX_POOL(3), { 0 } };
FORWARD(max_pool3d)
{
    const hone__argument *a = self->at;
    return hone_max_pool3d(in[0], &(hone_max_pool3d_options){ .kernel_size = TRIPLE(a[KERNEL]),
                                                              .stride = TRIPLE(a[STRIDE]),
                                                              .padding = TRIPLE(a[PADDING]),
                                                              .dilation = TRIPLE(a[DILATION]),
                                                              .ceil_mode = a[CEIL_MAX].truth });
}
static hone_module *make_max_pool3d(const hone__argument *a)
{
    return max_window_new(&hone__layer_MaxPool3d, a, "hone_max_pool3d");
}
const hone__layer hone__layer_MaxPool3d =
    HONE__MADE_PLAIN("MaxPool3d", 1, max_pool3d, max_pool3d_arguments, make_max_pool3d);

static const hone__parameter avg_pool1d_arguments[] = {
    WINDOW(1, true),
    [CEIL] = { "ceil_mode", HONE__TRUTH, "False", SILENT },
    [COUNT_PAD] = { "count_include_pad", HONE__TRUTH, "True", SILENT },
    { 0 }
};
FORWARD(avg_pool1d)
{
    const hone__argument *a = self->at;
    return hone_avg_pool1d(in[0],
                           &(hone_avg_pool1d_options){ .kernel_size = a[KERNEL].at[0],
                                                       .stride = a[STRIDE].at[0],
                                                       .padding = a[PADDING].at[0],
                                                       .ceil_mode = a[CEIL].truth,
                                                       .count_exclude_pad = !a[COUNT_PAD].truth });
}
static hone_module *make_avg_pool1d(const hone__argument *a)
{
    return window_new(&hone__layer_AvgPool1d, a);
}
const hone__layer hone__layer_AvgPool1d =
    HONE__MADE_PLAIN("AvgPool1d", 1, avg_pool1d, avg_pool1d_arguments, make_avg_pool1d);

#define AVG_POOL(dims)                                                                             \
    WINDOW(dims, false), [CEIL] = { "ceil_mode", HONE__TRUTH, "False", SILENT },                   \
                         [COUNT_PAD] = { "count_include_pad", HONE__TRUTH, "True", SILENT },       \
                         [DIVISOR] = { "divisor_override", HONE__WHOLE, "None",                    \
                                       .none = true,       SILENT,      .min = 1,                  \
                                       .max = INFINITY }
static const hone__parameter avg_pool2d_arguments[] = { AVG_POOL(2), { 0 } };
FORWARD(avg_pool2d)
{
    const hone__argument *a = self->at;
    return hone_avg_pool2d(
        in[0], &(hone_avg_pool2d_options){ .kernel_size = { a[KERNEL].at[0], a[KERNEL].at[1] },
                                           .stride = { a[STRIDE].at[0], a[STRIDE].at[1] },
                                           .padding = { a[PADDING].at[0], a[PADDING].at[1] },
                                           .divisor_override = a[DIVISOR].at[0],
                                           .ceil_mode = a[CEIL].truth,
                                           .count_exclude_pad = !a[COUNT_PAD].truth });
}
static hone_module *make_avg_pool2d(const hone__argument *a)
{
    return window_new(&hone__layer_AvgPool2d, a);
}
const hone__layer hone__layer_AvgPool2d =
    HONE__MADE_PLAIN("AvgPool2d", 1, avg_pool2d, avg_pool2d_arguments, make_avg_pool2d);

static const hone__parameter avg_pool3d_arguments[] = { AVG_POOL(3), { 0 } };
FORWARD(avg_pool3d)
{
    const hone__argument *a = self->at;
    return hone_avg_pool3d(in[0],
                           &(hone_avg_pool3d_options){ .kernel_size = TRIPLE(a[KERNEL]),
                                                       .stride = TRIPLE(a[STRIDE]),
                                                       .padding = TRIPLE(a[PADDING]),
                                                       .divisor_override = a[DIVISOR].at[0],
                                                       .ceil_mode = a[CEIL].truth,
                                                       .count_exclude_pad = !a[COUNT_PAD].truth });
}
static hone_module *make_avg_pool3d(const hone__argument *a)
{
    return window_new(&hone__layer_AvgPool3d, a);
}
const hone__layer hone__layer_AvgPool3d =
    HONE__MADE_PLAIN("AvgPool3d", 1, avg_pool3d, avg_pool3d_arguments, make_avg_pool3d);

/* ---- windows that cover the plane */

/* None is the input's own extent, which the ops know as -1. */
#define SIZE(dims)                                                                                 \
    {                                                                                              \
        "output_size", HONE__WHOLES, .count = (dims), .none = (dims) > 1, .min = 1,                \
                                     .max = INFINITY                                               \
    }
#define MAX_INDICES                                                                                \
    {                                                                                              \
        "return_indices", HONE__TRUTH, "False", SILENT                                             \
    }
static const hone__parameter length[] = { SIZE(1), { 0 } };
static const hone__parameter plane[] = { SIZE(2), { 0 } };
static const hone__parameter volume[] = { SIZE(3), { 0 } };
static const hone__parameter max_length[] = { SIZE(1), MAX_INDICES, { 0 } };
static const hone__parameter max_plane[] = { SIZE(2), MAX_INDICES, { 0 } };
static const hone__parameter max_volume[] = { SIZE(3), MAX_INDICES, { 0 } };

static int64_t extent(const hone__plain *self, int i)
{
    return self->at[0].none ? -1 : self->at[0].at[i];
}

static hone_module *adaptive_max_new(const hone__layer *layer, const hone__argument *a,
                                     const char *op)
{
    return gives_one(layer, &a[1], op) ? hone__plain_new(layer, a) : NULL;
}

FORWARD(adaptive_avg_pool1d)
{
    return hone_adaptive_avg_pool1d(in[0], self->at[0].at[0]);
}
const hone__layer hone__layer_AdaptiveAvgPool1d =
    HONE__PLAIN("AdaptiveAvgPool1d", 1, adaptive_avg_pool1d, length);

FORWARD(adaptive_avg_pool2d)
{
    return hone_adaptive_avg_pool2d(in[0], extent(self, 0), extent(self, 1));
}
const hone__layer hone__layer_AdaptiveAvgPool2d =
    HONE__PLAIN("AdaptiveAvgPool2d", 1, adaptive_avg_pool2d, plane);

FORWARD(adaptive_avg_pool3d)
{
    return hone_adaptive_avg_pool3d(in[0], extent(self, 0), extent(self, 1), extent(self, 2));
}
const hone__layer hone__layer_AdaptiveAvgPool3d =
    HONE__PLAIN("AdaptiveAvgPool3d", 1, adaptive_avg_pool3d, volume);

FORWARD(adaptive_max_pool1d)
{
    return hone_adaptive_max_pool1d(in[0], self->at[0].at[0]);
}
static hone_module *make_adaptive_max_pool1d(const hone__argument *a)
{
    return adaptive_max_new(&hone__layer_AdaptiveMaxPool1d, a, "hone_adaptive_max_pool1d");
}
const hone__layer hone__layer_AdaptiveMaxPool1d = HONE__MADE_PLAIN(
    "AdaptiveMaxPool1d", 1, adaptive_max_pool1d, max_length, make_adaptive_max_pool1d);

FORWARD(adaptive_max_pool2d)
{
    return hone_adaptive_max_pool2d(in[0], extent(self, 0), extent(self, 1));
}
static hone_module *make_adaptive_max_pool2d(const hone__argument *a)
{
    return adaptive_max_new(&hone__layer_AdaptiveMaxPool2d, a, "hone_adaptive_max_pool2d");
}
const hone__layer hone__layer_AdaptiveMaxPool2d = HONE__MADE_PLAIN(
    "AdaptiveMaxPool2d", 1, adaptive_max_pool2d, max_plane, make_adaptive_max_pool2d);

FORWARD(adaptive_max_pool3d)
{
    return hone_adaptive_max_pool3d(in[0], extent(self, 0), extent(self, 1), extent(self, 2));
}
static hone_module *make_adaptive_max_pool3d(const hone__argument *a)
{
    return adaptive_max_new(&hone__layer_AdaptiveMaxPool3d, a, "hone_adaptive_max_pool3d");
}
const hone__layer hone__layer_AdaptiveMaxPool3d = HONE__MADE_PLAIN(
    "AdaptiveMaxPool3d", 1, adaptive_max_pool3d, max_volume, make_adaptive_max_pool3d);

/* ---- by functions of their own */

typedef struct {
    char s[64];
} pair_text;

/* "2", or "(2, 3)" where the two differ; a 0 is its own default. */
static pair_text text_of(const int64_t *pair, const int64_t *zero)
{
    pair_text text;
    const long long a = pair[0] ? pair[0] : zero[0], b = pair[1] ? pair[1] : zero[1];
    if (a == b)
        hone__format(text.s, sizeof text.s, "%lld", a);
    else
        hone__format(text.s, sizeof text.s, "(%lld, %lld)", a, b);
    return text;
}

hone_module *hone_nn_max_pool2d_with(const hone_max_pool2d_options *options)
{
    const hone_max_pool2d_options *o = options;
    static const int64_t none[2] = { 0, 0 }, one[2] = { 1, 1 };
    if (!o) {
        hone_error_set(HONE_E_NULL,
                       "nn_max_pool2d: the options are NULL (a kernel_size is wanted)");
        return NULL;
    }
    if (!HONE__KNOWS_OPTIONS("nn_max_pool2d", o))
        return NULL;
    if (o->kernel_size[0] < 1 || o->kernel_size[1] < 1) {
        hone_error_set(HONE_E_VALUE, "nn_max_pool2d: kernel_size %lld, %lld (at least 1 is wanted)",
                       (long long)o->kernel_size[0], (long long)o->kernel_size[1]);
        return NULL;
    }
    char text[320];
    hone__format(text, sizeof text, "%s, %s, %s, %s, ceil_mode=%s", text_of(o->kernel_size, none).s,
                 text_of(o->stride, o->kernel_size).s, text_of(o->padding, none).s,
                 text_of(o->dilation, one).s, o->ceil_mode ? "True" : "False");
    return hone__layer_make(&hone__layer_MaxPool2d, text);
}

hone_module *hone_nn_max_pool2d(int64_t kernel_size)
{
    return hone_nn_max_pool2d_with(
        &(hone_max_pool2d_options){ .kernel_size = { kernel_size, kernel_size } });
}
