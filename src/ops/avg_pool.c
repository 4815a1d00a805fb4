/* avg_pool.c: avg_pool2d, avg_pool3d and their gradients. */
#include "core/reserve.h"
#include "loops/elementwise.h"
#include "op/options.h"
#include "ops/pool.h"

#include <string.h>

typedef struct {
    int64_t kernel_size[3], stride[3], padding[3];
    int64_t divisor_override;
    bool ceil_mode, count_exclude_pad;
    int64_t extent[3]; /* of x, for the gradient */
} options;

#define FIELD(name_, field, kind_, ...)                                                            \
    {                                                                                              \
        .name = name_, .kind = kind_, .offset = offsetof(options, field), __VA_ARGS__              \
    }
#define AVG_OPTIONS(kind, d)                                                                       \
    FIELD("kernel_size", kernel_size[d], kind, .max = INT32_MAX, .required = true, .min = 1),      \
        FIELD("stride", stride[d], kind, .max = INT32_MAX), /* 0: the kernel's size */             \
        FIELD("padding", padding[d], kind, .max = INT32_MAX),                                      \
        FIELD("divisor_override", divisor_override, HONE__OPT_INT),                                \
        FIELD("ceil_mode", ceil_mode, HONE__OPT_BOOL),                                             \
        FIELD("count_exclude_pad", count_exclude_pad, HONE__OPT_BOOL)
#define EXTENT(name_, d)                                                                           \
    FIELD(name_, extent[d], HONE__OPT_INT, .required = true, .min = 1, .max = INT32_MAX)
static const hone__option table2d[] = { AVG_OPTIONS(HONE__OPT_PAIR, 1), { NULL } };
static const hone__option table3d[] = { AVG_OPTIONS(HONE__OPT_TRIPLE, 0), { NULL } };
static const hone__option backward2d_table[] = {
    EXTENT("height", 1), EXTENT("width", 2), AVG_OPTIONS(HONE__OPT_PAIR, 1), { NULL }
};
static const hone__option backward3d_table[] = {
    EXTENT("depth", 0), EXTENT("height", 1), EXTENT("width", 2), AVG_OPTIONS(HONE__OPT_TRIPLE, 0),
    { NULL },
};

/* Axis d of places of that extent. */
static bool take_axis(hone_context *ctx, const options *o, int64_t extent, int d,
                      hone__window_axis *to)
{
    hone__pool_axis a = { .extent = extent,
                          .kernel = o->kernel_size[d],
                          .stride = o->stride[d],
                          .padding = o->padding[d],
                          .dilation = 1 };
    if (!hone__pool_axis_take(ctx, hone__pool_axes[d], o->ceil_mode, &a) ||
        !hone__window_axis_make(a.extent, a.windows, to))
        return false;
    int64_t *begin = to->room, *last = begin + a.windows, *divisor = last + a.windows;
    for (int64_t k = 0; k < a.windows; k++) {
        const int64_t at = k * a.stride - a.padding, end = at + a.kernel;
        begin[k] = at < 0 ? 0 : at;
        last[k] = end < a.extent ? end : a.extent;
        /* what lies past the padding never counts */
        const int64_t padded = (end < a.extent + a.padding ? end : a.extent + a.padding) - at;
        divisor[k] = o->count_exclude_pad ? last[k] - begin[k] : padded;
    }
    return true;
}

static bool take_axes(hone_context *ctx, const int64_t *extent, hone__window_axis *a)
{
    const options *o = hone__options(ctx);
    a[0] = hone__window_axis_one();
    for (int d = 3 - hone__call_dims(ctx); d < 3; d++)
        if (!take_axis(ctx, o, extent[d], d, a + d))
            return false;
    return true;
}

/* Of integers: sums in i64, which wrap, and a division that cuts, as in PyTorch. */
static int64_t mean_of(const int64_t *x, const hone__window_axis *a, const int64_t *o,
                       int64_t override)
{
    int64_t sum = 0, divisor = override;
    for (int64_t d = a[0].begin[o[0]]; d < a[0].end[o[0]]; d++)
        for (int64_t h = a[1].begin[o[1]]; h < a[1].end[o[1]]; h++)
            for (int64_t w = a[2].begin[o[2]]; w < a[2].end[o[2]]; w++)
                sum += x[(d * a[1].extent + h) * a[2].extent + w];
    if (divisor == 0)
        divisor = a[0].divisor[o[0]] * a[1].divisor[o[1]] * a[2].divisor[o[2]];
    return divisor == -1 ? -sum : sum / divisor;
}

static bool average_integers(hone_context *ctx, hone_tensor *x, int dims,
                             const hone__window_axis *a, int64_t override, hone_tensor **out)
{
    const int64_t results[] = { a[0].results, a[1].results, a[2].results };
    const hone__shape shape = hone__pooled_shape(x, dims, results);
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    hone_tensor *from = hone_contiguous(hone_to(x, HONE_I64));
    hone_tensor *means = y ? hone_to(hone_zeros_like(y), HONE_I64) : NULL;
    if (!from || !means)
        return false;
    const int64_t in = a[0].extent * a[1].extent * a[2].extent;
    const int64_t each = results[0] * results[1] * results[2];
    int64_t *to = hone__data(means);
    for (int64_t i = 0; i < means->numel; i++) {
        const int64_t at = i % each, plane = results[1] * results[2];
        const int64_t o[] = { at / plane, at / results[2] % results[1], at % results[2] };
        to[i] = mean_of((const int64_t *)hone__data(from) + i / each * in, a, o, override);
    }
    means = hone_to(means, (hone_dtype)x->dtype);
    return means && hone__copy_elements(y, means);
}

static bool avg_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const options *o = hone__options(ctx);
    hone_tensor *x = in[0];
    const int dims = hone__call_dims(ctx);
    int64_t extent[3];
    hone__window_axis a[3];
    if (!hone__numbers_suit_pool(ctx, "x", x, dims))
        return false;
    hone__extents_of(dims, x->ndim, x->shape, extent);
    if (!take_axes(ctx, extent, a))
        return false;
    return hone_dtype_is_float((hone_dtype)x->dtype)
               ? hone__average(ctx, x, dims, a, o->divisor_override, out)
               : average_integers(ctx, x, dims, a, o->divisor_override, out);
}

static void avg_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    options o = *(const options *)hone__options(ctx);
    hone__extents_of(hone__call_dims(ctx), x->ndim, x->shape, o.extent);
    dx[0] = hone__call(hone__call_dims(ctx) == 3 ? &hone__op_avg_pool3d_backward
                                                 : &hone__op_avg_pool2d_backward,
                       IN(dy[0]), &o);
}

static bool avg_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    (void)n_in;
    const options *o = hone__options(ctx);
    const int dims = hone__call_dims(ctx);
    hone__window_axis a[3];
    return hone__suits_pool(ctx, "dy", in[0], dims) && take_axes(ctx, o->extent, a) &&
           hone__suits_axes(ctx, in[0], dims, a) &&
           hone__spread(ctx, in[0], dims, a, o->divisor_override, out);
}

static void avg_backward_of_g(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    const options *o = hone__options(ctx);
    dx[0] = hone__call(hone__call_dims(ctx) == 3 ? &hone__op_avg_pool3d : &hone__op_avg_pool2d,
                       IN(g[0]), o);
}

#define AVG_POOL(op, dims_, x, forward_, backward_, table)                                         \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .dims = dims_,                                                                             \
        .forward = forward_,                                                                       \
        .backward = backward_,                                                                     \
        .in = { { x } },                                                                           \
        .options = table,                                                                          \
        .options_bytes = sizeof(options),                                                          \
    }
AVG_POOL(avg_pool2d, 2, "x", avg_forward, avg_of_dy, table2d);
AVG_POOL(avg_pool3d, 3, "x", avg_forward, avg_of_dy, table3d);
AVG_POOL(avg_pool2d_backward, 2, "dy", avg_backward_forward, avg_backward_of_g, backward2d_table);
AVG_POOL(avg_pool3d_backward, 3, "dy", avg_backward_forward, avg_backward_of_g, backward3d_table);

/* ---- public functions */

static options given2d(const hone_avg_pool2d_options *o)
{
    options all = { .divisor_override = 0 };
    for (int d = 1; o && d < 3; d++) {
        all.kernel_size[d] = o->kernel_size[d - 1];
        all.stride[d] = o->stride[d - 1];
        all.padding[d] = o->padding[d - 1];
    }
    all.divisor_override = o ? o->divisor_override : 0;
    all.ceil_mode = o && o->ceil_mode;
    all.count_exclude_pad = o && o->count_exclude_pad;
    return all;
}

static options given3d(const hone_avg_pool3d_options *o)
{
    options all = { .divisor_override = o ? o->divisor_override : 0,
                    .ceil_mode = o && o->ceil_mode,
                    .count_exclude_pad = o && o->count_exclude_pad };
    for (int d = 0; o && d < 3; d++) {
        all.kernel_size[d] = o->kernel_size[d];
        all.stride[d] = o->stride[d];
        all.padding[d] = o->padding[d];
    }
    return all;
}

/* The options as the forward takes them also for the gradient, whose extents come after. */
static hone_tensor *call(const hone__op *op, const hone__op *forward, hone_tensor *x,
                         const options *given, const int64_t *extent)
{
    options plain;
    if (!hone__options_resolve(forward, given, &plain))
        return NULL;
    if (extent)
        memcpy(plain.extent, extent, sizeof plain.extent);
    return hone__call(op, IN(x), &plain);
}

hone_tensor *hone_avg_pool2d(hone_tensor *x, const hone_avg_pool2d_options *o)
{
    const options given = given2d(o);
    const hone__op *op = &hone__op_avg_pool2d;
    return HONE__KNOWS_OPTIONS("avg_pool2d", o) ? call(op, op, x, &given, NULL) : NULL;
}

hone_tensor *hone_avg_pool3d(hone_tensor *x, const hone_avg_pool3d_options *o)
{
    const options given = given3d(o);
    const hone__op *op = &hone__op_avg_pool3d;
    return HONE__KNOWS_OPTIONS("avg_pool3d", o) ? call(op, op, x, &given, NULL) : NULL;
}

hone_tensor *hone_avg_pool2d_backward(hone_tensor *dy, int64_t height, int64_t width,
                                      const hone_avg_pool2d_options *o)
{
    const options given = given2d(o);
    return HONE__KNOWS_OPTIONS("avg_pool2d_backward", o)
               ? call(&hone__op_avg_pool2d_backward, &hone__op_avg_pool2d, dy, &given,
                      (int64_t[]){ 0, height, width })
               : NULL;
}

hone_tensor *hone_avg_pool3d_backward(hone_tensor *dy, int64_t depth, int64_t height, int64_t width,
                                      const hone_avg_pool3d_options *o)
{
    const options given = given3d(o);
    return HONE__KNOWS_OPTIONS("avg_pool3d_backward", o)
               ? call(&hone__op_avg_pool3d_backward, &hone__op_avg_pool3d, dy, &given,
                      (int64_t[]){ depth, height, width })
               : NULL;
}
