/* pool1d.c: the poolings of [N, C, L]: those of planes that are one row high. They record
 * themselves. */
#include "core/reserve.h"
#include "op/options.h"
#include "ops/pool.h"

/* x as planes of one row. NULL: it is none of this. */
static hone_tensor *as_planes(hone_context *ctx, hone_tensor *x)
{
    return hone__suits_pool(ctx, "x", x, 1) ? hone_unsqueeze(x, -2) : NULL;
}

static hone_tensor *numbers_as_planes(hone_context *ctx, hone_tensor *x)
{
    return hone__numbers_suit_pool(ctx, "x", x, 1) ? hone_unsqueeze(x, -2) : NULL;
}

static hone_tensor *as_row(hone_tensor *y)
{
    return hone_squeeze(y, -2);
}

#define NUMBER(type, field, ...)                                                                   \
    HONE__OPTION(type, field, HONE__OPT_INT, .max = INT32_MAX, __VA_ARGS__)

/* ---- max_pool1d */

static const hone__option max_table[] = {
    NUMBER(hone_max_pool1d_options, kernel_size, .required = true, .min = 1),
    NUMBER(hone_max_pool1d_options, stride, .min = 0), /* 0: the kernel's size */
    NUMBER(hone_max_pool1d_options, padding, .min = 0),
    NUMBER(hone_max_pool1d_options, dilation, .standard = 1, .min = 1),
    HONE__OPTION(hone_max_pool1d_options, ceil_mode, HONE__OPT_BOOL),
    { NULL },
};

static bool max_pool1d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const hone_max_pool1d_options *o = hone__options(ctx);
    hone_tensor *x = numbers_as_planes(ctx, in[0]);
    hone__pool_axis a = { .extent = x ? x->shape[x->ndim - 1] : 0,
                          .kernel = o->kernel_size,
                          .stride = o->stride,
                          .padding = o->padding,
                          .dilation = o->dilation };
    if (!x || !hone__pool_axis_take(ctx, "length", o->ceil_mode, &a))
        return false;
    const hone_max_pool2d_options planes = { .kernel_size = { 1, o->kernel_size },
                                             .stride = { 1, a.stride },
                                             .padding = { 0, o->padding },
                                             .dilation = { 1, o->dilation },
                                             .ceil_mode = o->ceil_mode };
    const hone_values_indices r = hone_max_pool2d_with_indices(x, &planes);
    out[0] = as_row(r.values);
    out[1] = as_row(r.indices);
    return out[1] != NULL;
}

const hone__op hone__op_max_pool1d = {
    .name = "max_pool1d",
    .forward = max_pool1d_forward,
    .in = { { "x" } },
    .out = { { "values" }, { "indices", HONE__CONSTANT } },
    .options = max_table,
    .options_bytes = sizeof(hone_max_pool1d_options),
    .composite = true,
};

hone_values_indices hone_max_pool1d_with_indices(hone_tensor *x,
                                                 const hone_max_pool1d_options *options)
{
    const hone__op *op = &hone__op_max_pool1d;
    hone_max_pool1d_options plain;
    if (!hone__needs_tensor(op->name, x) || !HONE__KNOWS_OPTIONS(op->name, options) ||
        !hone__options_resolve(op, options, &plain))
        return (hone_values_indices){ NULL, NULL };
    return hone__call_values_indices(op, x, &plain);
}

hone_tensor *hone_max_pool1d(hone_tensor *x, const hone_max_pool1d_options *options)
{
    HONE_SCOPE(); /* the indices live on with the graph alone */
    return hone_scope_return(hone_max_pool1d_with_indices(x, options).values);
}

/* ---- avg_pool1d */

static const hone__option avg_table[] = {
    NUMBER(hone_avg_pool1d_options, kernel_size, .required = true, .min = 1),
    NUMBER(hone_avg_pool1d_options, stride, .min = 0), /* 0: the kernel's size */
    NUMBER(hone_avg_pool1d_options, padding, .min = 0),
    HONE__OPTION(hone_avg_pool1d_options, ceil_mode, HONE__OPT_BOOL),
    HONE__OPTION(hone_avg_pool1d_options, count_exclude_pad, HONE__OPT_BOOL),
    { NULL },
};

static bool avg_pool1d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const hone_avg_pool1d_options *o = hone__options(ctx);
    hone_tensor *x = numbers_as_planes(ctx, in[0]);
    hone__pool_axis a = { .extent = x ? x->shape[x->ndim - 1] : 0,
                          .kernel = o->kernel_size,
                          .stride = o->stride,
                          .padding = o->padding,
                          .dilation = 1 };
    if (!x || !hone__pool_axis_take(ctx, "length", o->ceil_mode, &a))
        return false;
    const hone_avg_pool2d_options planes = { .kernel_size = { 1, o->kernel_size },
                                             .stride = { 1, a.stride },
                                             .padding = { 0, o->padding },
                                             .ceil_mode = o->ceil_mode,
                                             .count_exclude_pad = o->count_exclude_pad };
    return hone__give(out, as_row(hone_avg_pool2d(x, &planes)));
}

const hone__op hone__op_avg_pool1d = {
    .name = "avg_pool1d",
    .forward = avg_pool1d_forward,
    .in = { { "x" } },
    .options = avg_table,
    .options_bytes = sizeof(hone_avg_pool1d_options),
    .composite = true,
};

hone_tensor *hone_avg_pool1d(hone_tensor *x, const hone_avg_pool1d_options *options)
{
    hone_avg_pool1d_options plain;
    if (!HONE__KNOWS_OPTIONS("avg_pool1d", options) ||
        !hone__options_resolve(&hone__op_avg_pool1d, options, &plain))
        return NULL;
    return hone__call(&hone__op_avg_pool1d, IN(x), &plain);
}

/* ---- adaptive_avg_pool1d, adaptive_max_pool1d */

typedef struct {
    int64_t length;
} length_options;
static const hone__option length_table[] = {
    HONE__OPTION(length_options, length, HONE__OPT_INT, .required = true),
    { NULL },
};

/* x as planes, where the length of the results is a number that can be one. */
static hone_tensor *take_length(hone_context *ctx, hone_tensor *x, int64_t *length)
{
    *length = ((const length_options *)hone__options(ctx))->length;
    if (*length >= 1 && *length <= INT32_MAX)
        return as_planes(ctx, x);
    hone_error_set(HONE_E_VALUE, "%s: length is %lld, 1 to 2^31 - 1 is wanted",
                   hone__call_name(ctx), (long long)*length);
    return NULL;
}

static bool adaptive_avg_pool1d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    (void)n_in;
    int64_t length;
    hone_tensor *x = take_length(ctx, in[0], &length);
    return x && hone__give(out, as_row(hone_adaptive_avg_pool2d(x, 1, length)));
}

const hone__op hone__op_adaptive_avg_pool1d = {
    .name = "adaptive_avg_pool1d",
    .forward = adaptive_avg_pool1d_forward,
    .in = { { "x" } },
    .options = length_table,
    .options_bytes = sizeof(length_options),
    .composite = true,
};

hone_tensor *hone_adaptive_avg_pool1d(hone_tensor *x, int64_t length)
{
    return hone__call(&hone__op_adaptive_avg_pool1d, IN(x), &(length_options){ length });
}

static bool adaptive_max_pool1d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    (void)n_in;
    int64_t length;
    hone_tensor *x = take_length(ctx, in[0], &length);
    if (!x)
        return false;
    const hone_values_indices r = hone_adaptive_max_pool2d_with_indices(x, 1, length);
    out[0] = as_row(r.values);
    out[1] = as_row(r.indices);
    return out[1] != NULL;
}

const hone__op hone__op_adaptive_max_pool1d = {
    .name = "adaptive_max_pool1d",
    .forward = adaptive_max_pool1d_forward,
    .in = { { "x" } },
    .out = { { "values" }, { "indices", HONE__CONSTANT } },
    .options = length_table,
    .options_bytes = sizeof(length_options),
    .composite = true,
};

hone_values_indices hone_adaptive_max_pool1d_with_indices(hone_tensor *x, int64_t length)
{
    return hone__call_values_indices(&hone__op_adaptive_max_pool1d, x, &(length_options){ length });
}

hone_tensor *hone_adaptive_max_pool1d(hone_tensor *x, int64_t length)
{
    HONE_SCOPE(); /* the indices live on with the graph alone */
    return hone_scope_return(hone_adaptive_max_pool1d_with_indices(x, length).values);
}
