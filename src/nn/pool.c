/* pool.c: MaxPool2d. */
#include <hone/nn.h>
#include "core/core.h"
#include "core/reserve.h"
#include "nn/layer.h"

#include <hone/ops.h>

#include <math.h>

typedef struct {
    hone_module base;
    hone_max_pool2d_options pool;
} max_pool2d;

static hone_tensor *max_pool2d_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const max_pool2d *l = (const max_pool2d *)self;
    return hone__takes_inputs(self, n_in, 1) ? hone_max_pool2d(in[0], &l->pool) : NULL;
}

typedef struct {
    char s[48];
} pair_text;

/* "2", or "(2, 3)" where the two differ. */
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

static int max_pool2d_print(const hone_module *self, char *text, size_t size)
{
    const hone_max_pool2d_options *o = &((const max_pool2d *)self)->pool;
    static const int64_t none[2] = { 0, 0 }, one[2] = { 1, 1 };
    return hone__format(
        text, size, "kernel_size=%s, stride=%s, padding=%s, dilation=%s, ceil_mode=%s",
        text_of(o->kernel_size, none).s, text_of(o->stride, o->kernel_size).s,
        text_of(o->padding, none).s, text_of(o->dilation, one).s, o->ceil_mode ? "True" : "False");
}

static const hone_module_class max_pool2d_class = {
    .name = "MaxPool2d",
    .size = sizeof(max_pool2d),
    .forward = max_pool2d_forward,
    .print = max_pool2d_print,
};

hone_module *hone_nn_max_pool2d_with(const hone_max_pool2d_options *options)
{
    if (!options) {
        hone_error_set(HONE_E_NULL,
                       "nn_max_pool2d: the options are NULL (a kernel_size is wanted)");
        return NULL;
    }
    if (!HONE__KNOWS_OPTIONS("nn_max_pool2d", options))
        return NULL;
    if (options->kernel_size[0] < 1 || options->kernel_size[1] < 1) {
        hone_error_set(HONE_E_VALUE, "nn_max_pool2d: kernel_size %lld, %lld (at least 1 is wanted)",
                       (long long)options->kernel_size[0], (long long)options->kernel_size[1]);
        return NULL;
    }
    max_pool2d *l = hone_module_new(&max_pool2d_class);
    if (!l)
        return NULL;
    l->pool = *options;
    return &l->base;
}

hone_module *hone_nn_max_pool2d(int64_t kernel_size)
{
    return hone_nn_max_pool2d_with(
        &(hone_max_pool2d_options){ .kernel_size = { kernel_size, kernel_size } });
}

enum { KERNEL, STRIDE, PADDING, DILATION, CEIL };
static const hone__parameter arguments[] = {
    [KERNEL] = { "kernel_size", HONE__WHOLES, .count = 2, .min = 1, .max = INFINITY },
    [STRIDE] = { "stride", HONE__WHOLES, "None", .count = 2, .none = true, .min = 1,
                 .max = INFINITY },
    [PADDING] = { "padding", HONE__WHOLES, "0", .count = 2, .max = INFINITY },
    [DILATION] = { "dilation", HONE__WHOLES, "1", .count = 2, .min = 1, .max = INFINITY },
    [CEIL] = { "ceil_mode", HONE__TRUTH, "False", .named = true },
    { 0 }
};

static hone_module *make(const hone__argument *a)
{
    return hone_nn_max_pool2d_with(&(hone_max_pool2d_options){
        .kernel_size = { a[KERNEL].at[0], a[KERNEL].at[1] },
        .stride = { a[STRIDE].at[0], a[STRIDE].at[1] },
        .padding = { a[PADDING].at[0], a[PADDING].at[1] },
        .dilation = { a[DILATION].at[0], a[DILATION].at[1] },
        .ceil_mode = a[CEIL].truth,
    });
}

const hone__layer hone__layer_MaxPool2d = { "MaxPool2d", arguments, make };
