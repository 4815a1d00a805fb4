/* avg_pool.c: avg_pool2d and the adaptive poolings, and their gradients.
 *
 * A mean is a sum over a window, divided: see windows.h. Its gradient is dy, divided, summed over
 * the windows that an element lies in, which are neighbours: the same loop the other way round. */
#include "core/reserve.h"
#include "loops/elementwise.h"
#include "loops/windows.h"
#include "op/options.h"
#include "ops/pool.h"

/* One axis of the planes and of the results. */
typedef struct {
    int64_t extent, results;
    int64_t *begin, *end; /* of the result's window */
    int64_t *divisor;     /* its share of what a window's sum is divided by */
} axis;

/* Room for an axis, which the scope owns. */
static bool make_axis(int64_t extent, int64_t results, axis *a)
{
    hone_tensor *room = hone_empty(HONE_I64, 3, results);
    if (!room)
        return false;
    int64_t *at = hone__data(room);
    *a = (axis){ extent, results, at, at + results, at + 2 * results };
    return true;
}

/* The windows that each element lies in, as the axis of the gradient. */
static bool turn_axis(const axis *a, axis *back)
{
    if (!make_axis(a->results, a->extent, back))
        return false;
    int64_t first = 0, last = 0;
    for (int64_t i = 0; i < a->extent; i++) {
        while (first < a->results && a->end[first] <= i)
            first++;
        while (last < a->results && a->begin[last] <= i)
            last++;
        back->begin[i] = first;
        back->end[i] = last > first ? last : first;
        back->divisor[i] = 1;
    }
    return true;
}

static hone__windows windows_of(const axis *a)
{
    return (hone__windows){ a->results, a->begin, a->end };
}

/* What the windows' sums are divided by, [height, width]; override: that number for all. */
static hone_tensor *divisors(hone_dtype dtype, const axis *a, int64_t override)
{
    hone_tensor *t = hone_empty(dtype, a[0].results, a[1].results);
    if (!t)
        return NULL;
    for (int64_t i = 0; i < t->numel; i++) {
        const int64_t n = a[0].divisor[i / a[1].results] * a[1].divisor[i % a[1].results];
        if (dtype == HONE_F32)
            ((float *)hone__data(t))[i] = (float)(override ? override : n);
        else
            ((double *)hone__data(t))[i] = (double)(override ? override : n);
    }
    return t;
}

/* t / divisors -> out, which may be t. */
static bool divide(hone_tensor *t, hone_tensor *by, hone_tensor *out)
{
    const hone__elementwise_kernel kernel =
        hone__binary_kernel(HONE__K_DIV, (hone_dtype)out->dtype);
    return by && hone__elementwise(&kernel, out, (hone__operand[]){ { .t = t }, { .t = by } });
}

static hone_tensor *planes_out(hone_context *ctx, const hone_tensor *x, int64_t height,
                               int64_t width)
{
    hone__shape shape = hone__shape_of(x);
    shape.shape[shape.ndim - 2] = height;
    shape.shape[shape.ndim - 1] = width;
    return hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
}

/* Means of the windows of x. */
static bool average(hone_context *ctx, const hone_tensor *x, const axis *a, int64_t override,
                    hone_tensor **out)
{
    hone_tensor *y = out[0] = planes_out(ctx, x, a[0].results, a[1].results);
    const hone__windows h = windows_of(a), w = windows_of(a + 1);
    if (!y || y->numel == 0)
        return y;
    hone__sum_windows(x, &h, &w, y);
    return divide(y, divisors((hone_dtype)y->dtype, a, override), y);
}

/* Their gradient: dy -> dx of the axes' extents. */
static bool spread(hone_context *ctx, hone_tensor *dy, const axis *a, int64_t override,
                   hone_tensor **out)
{
    axis back[2];
    hone_tensor *dx = out[0] = planes_out(ctx, dy, a[0].extent, a[1].extent);
    hone_tensor *shares = hone_empty_like(dy);
    if (!dx || !shares || !turn_axis(a, back) || !turn_axis(a + 1, back + 1))
        return false;
    if (dx->numel == 0)
        return true;
    const hone__windows h = windows_of(back), w = windows_of(back + 1);
    if (!divide(dy, divisors((hone_dtype)dy->dtype, a, override), shares))
        return false;
    hone__sum_windows(shares, &h, &w, dx);
    return true;
}

/* dy must have the results of the axes. */
static bool suits_axes(hone_context *ctx, const hone_tensor *dy, const axis *a)
{
    const int64_t *shape = dy->shape + dy->ndim - 2;
    if (shape[0] == a[0].results && shape[1] == a[1].results)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: dy is %s, but planes of %lld x %lld give %lld x %lld",
                   hone__call_name(ctx), hone__tensor_text(dy).s, (long long)a[0].extent,
                   (long long)a[1].extent, (long long)a[0].results, (long long)a[1].results);
    return false;
}

/* ---- avg_pool2d */

typedef struct {
    hone_avg_pool2d_options avg;
    int64_t height, width; /* of x, for the gradient */
} gradient_options;

#define EXTENT(type, field)                                                                        \
    HONE__OPTION(type, field, HONE__OPT_INT, .required = true, .min = 1, .max = INT32_MAX)
#define PAIR(type, prefix, field, ...)                                                             \
    {                                                                                              \
        .name = #field, .kind = HONE__OPT_PAIR, .offset = offsetof(type, prefix field),            \
        .max = INT32_MAX, __VA_ARGS__                                                              \
    }
#define AVG_OPTIONS(type, prefix)                                                                  \
    PAIR(type, prefix, kernel_size, .required = true, .min = 1), PAIR(type, prefix, stride),       \
        PAIR(type, prefix, padding),                                                               \
        { .name = "divisor_override",                                                              \
          .kind = HONE__OPT_INT,                                                                   \
          .offset = offsetof(type, prefix divisor_override) },                                     \
        { .name = "ceil_mode",                                                                     \
          .kind = HONE__OPT_BOOL,                                                                  \
          .offset = offsetof(type, prefix ceil_mode) },                                            \
    {                                                                                              \
        .name = "count_exclude_pad", .kind = HONE__OPT_BOOL,                                       \
        .offset = offsetof(type, prefix count_exclude_pad)                                         \
    }
static const hone__option avg_table[] = { AVG_OPTIONS(hone_avg_pool2d_options, ), { NULL } };
static const hone__option avg_backward_table[] = {
    EXTENT(gradient_options, height),
    EXTENT(gradient_options, width),
    AVG_OPTIONS(gradient_options, avg.),
    { NULL },
};

/* Axis i (0 height, 1 width) of planes of that extent. */
static bool take_sliding(hone_context *ctx, const hone_avg_pool2d_options *o, int64_t extent, int i,
                         axis *to)
{
    hone__pool_axis a = { .extent = extent,
                          .kernel = o->kernel_size[i],
                          .stride = o->stride[i],
                          .padding = o->padding[i],
                          .dilation = 1 };
    if (!hone__pool_axis_take(ctx, i == 0 ? "height" : "width", o->ceil_mode, &a) ||
        !make_axis(a.extent, a.windows, to))
        return false;
    for (int64_t k = 0; k < a.windows; k++) {
        const int64_t at = k * a.stride - a.padding, end = at + a.kernel;
        to->begin[k] = at < 0 ? 0 : at;
        to->end[k] = end < a.extent ? end : a.extent;
        /* what lies past the padding never counts */
        const int64_t padded = (end < a.extent + a.padding ? end : a.extent + a.padding) - at;
        to->divisor[k] = o->count_exclude_pad ? to->end[k] - to->begin[k] : padded;
    }
    return true;
}

static bool avg_pool2d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const hone_avg_pool2d_options *o = hone__options(ctx);
    const hone_tensor *x = in[0];
    axis a[2];
    return hone__suits_pool(ctx, "x", x, 2) && take_sliding(ctx, o, x->shape[x->ndim - 2], 0, a) &&
           take_sliding(ctx, o, x->shape[x->ndim - 1], 1, a + 1) &&
           average(ctx, x, a, o->divisor_override, out);
}

static void avg_pool2d_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    const gradient_options o = { *(const hone_avg_pool2d_options *)hone__options(ctx),
                                 x->shape[x->ndim - 2], x->shape[x->ndim - 1] };
    dx[0] = hone__call(&hone__op_avg_pool2d_backward, IN(dy[0]), &o);
}

const hone__op hone__op_avg_pool2d = {
    .name = "avg_pool2d",
    .forward = avg_pool2d_forward,
    .backward = avg_pool2d_of_dy,
    .in = { { "x" } },
    .options = avg_table,
    .options_bytes = sizeof(hone_avg_pool2d_options),
};

hone_tensor *hone_avg_pool2d(hone_tensor *x, const hone_avg_pool2d_options *options)
{
    hone_avg_pool2d_options plain;
    if (!HONE__KNOWS_OPTIONS("avg_pool2d", options) ||
        !hone__options_resolve(&hone__op_avg_pool2d, options, &plain))
        return NULL;
    return hone__call(&hone__op_avg_pool2d, IN(x), &plain);
}

static bool avg_pool2d_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    (void)n_in;
    const gradient_options *o = hone__options(ctx);
    hone_tensor *dy = in[0];
    if (!hone__suits_pool(ctx, "dy", dy, 2))
        return false;
    axis a[2];
    return take_sliding(ctx, &o->avg, o->height, 0, a) &&
           take_sliding(ctx, &o->avg, o->width, 1, a + 1) && suits_axes(ctx, dy, a) &&
           spread(ctx, dy, a, o->avg.divisor_override, out);
}

static void avg_pool2d_backward_of_g(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    const gradient_options *o = hone__options(ctx);
    dx[0] = hone__call(&hone__op_avg_pool2d, IN(g[0]), &o->avg);
}

const hone__op hone__op_avg_pool2d_backward = {
    .name = "avg_pool2d_backward",
    .forward = avg_pool2d_backward_forward,
    .backward = avg_pool2d_backward_of_g,
    .in = { { "dy" } },
    .options = avg_backward_table,
    .options_bytes = sizeof(gradient_options),
};

hone_tensor *hone_avg_pool2d_backward(hone_tensor *dy, int64_t height, int64_t width,
                                      const hone_avg_pool2d_options *options)
{
    gradient_options plain;
    if (!HONE__KNOWS_OPTIONS("avg_pool2d_backward", options) ||
        !hone__options_resolve(&hone__op_avg_pool2d, options, &plain.avg))
        return NULL;
    plain.height = height;
    plain.width = width;
    return hone__call(&hone__op_avg_pool2d_backward, IN(dy), &plain);
}

/* ---- adaptive poolings: window o of n is [floor(o extent / n), ceil((o + 1) extent / n)) */

typedef struct {
    int64_t height, width; /* of the results: -1 is that of x; of x, for the gradient */
} extents;

static const hone__option adaptive_table[] = {
    HONE__OPTION(extents, height, HONE__OPT_INT, .required = true),
    HONE__OPTION(extents, width, HONE__OPT_INT, .required = true),
    { NULL },
};
static const hone__option adaptive_backward_table[] = {
    EXTENT(extents, height),
    EXTENT(extents, width),
    { NULL },
};

static bool make_adaptive(int64_t extent, int64_t results, axis *a)
{
    if (!make_axis(extent, results, a))
        return false;
    for (int64_t o = 0; o < results; o++) {
        a->begin[o] = o * extent / results;
        a->end[o] = ((o + 1) * extent + results - 1) / results;
        a->divisor[o] = a->end[o] - a->begin[o];
    }
    return true;
}

/* The axes of x, whose results the options tell. */
static bool take_adaptive(hone_context *ctx, const hone_tensor *x, axis *a)
{
    const extents *o = hone__options(ctx);
    if (!hone__suits_pool(ctx, "x", x, 2))
        return false;
    const int64_t *shape = x->shape + x->ndim - 2, given[] = { o->height, o->width };
    for (int i = 0; i < 2; i++) {
        if (given[i] < -1 || given[i] == 0 || given[i] > INT32_MAX) {
            hone_error_set(HONE_E_VALUE, "%s: %s is %lld, -1 or 1 to 2^31 - 1 is wanted",
                           hone__call_name(ctx), i == 0 ? "height" : "width", (long long)given[i]);
            return false;
        }
        if (!make_adaptive(shape[i], given[i] < 0 ? shape[i] : given[i], a + i))
            return false;
    }
    return true;
}

static bool adaptive_avg_pool2d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    (void)n_in;
    axis a[2];
    return take_adaptive(ctx, in[0], a) && average(ctx, in[0], a, 0, out);
}

static void adaptive_avg_pool2d_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    dx[0] = hone_adaptive_avg_pool2d_backward(dy[0], x->shape[x->ndim - 2], x->shape[x->ndim - 1]);
}

const hone__op hone__op_adaptive_avg_pool2d = {
    .name = "adaptive_avg_pool2d",
    .forward = adaptive_avg_pool2d_forward,
    .backward = adaptive_avg_pool2d_of_dy,
    .in = { { "x" } },
    .options = adaptive_table,
    .options_bytes = sizeof(extents),
};

hone_tensor *hone_adaptive_avg_pool2d(hone_tensor *x, int64_t height, int64_t width)
{
    return hone__call(&hone__op_adaptive_avg_pool2d, IN(x), &(extents){ height, width });
}

static bool adaptive_avg_pool2d_backward_forward(hone_context *ctx, hone_tensor *const *in,
                                                 int n_in, hone_tensor **out)
{
    (void)n_in;
    const extents *o = hone__options(ctx);
    hone_tensor *dy = in[0];
    axis a[2];
    if (o->height < 1 || o->width < 1) {
        hone_error_set(HONE_E_VALUE, "%s: planes of %lld x %lld have no elements",
                       hone__call_name(ctx), (long long)o->height, (long long)o->width);
        return false;
    }
    return hone__suits_pool(ctx, "dy", dy, 2) &&
           make_adaptive(o->height, dy->shape[dy->ndim - 2], a) &&
           make_adaptive(o->width, dy->shape[dy->ndim - 1], a + 1) && spread(ctx, dy, a, 0, out);
}

static void adaptive_avg_pool2d_backward_of_g(hone_context *ctx, hone_tensor *const *g,
                                              hone_tensor **dx)
{
    const hone__shape *dy = hone__input_shape(ctx, 0);
    dx[0] = hone_adaptive_avg_pool2d(g[0], dy->shape[dy->ndim - 2], dy->shape[dy->ndim - 1]);
}

const hone__op hone__op_adaptive_avg_pool2d_backward = {
    .name = "adaptive_avg_pool2d_backward",
    .forward = adaptive_avg_pool2d_backward_forward,
    .backward = adaptive_avg_pool2d_backward_of_g,
    .in = { { "dy" } },
    .options = adaptive_backward_table,
    .options_bytes = sizeof(extents),
};

hone_tensor *hone_adaptive_avg_pool2d_backward(hone_tensor *dy, int64_t height, int64_t width)
{
    return hone__call(&hone__op_adaptive_avg_pool2d_backward, IN(dy), &(extents){ height, width });
}

/* ---- adaptive_max_pool2d */

static bool adaptive_max_pool2d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    axis a[2];
    if (!take_adaptive(ctx, x, a))
        return false;
    hone_tensor *y = out[0] = planes_out(ctx, x, a[0].results, a[1].results);
    hone_tensor *at = out[1] = y ? hone__out(ctx, 1, HONE_I64, y->ndim, y->shape) : NULL;
    if (!at || !HONE__SAVE(ctx, at))
        return false;
    const hone__windows h = windows_of(a), w = windows_of(a + 1);
    if (y->numel > 0)
        hone__max_windows(x, &h, &w, y, hone__data(at));
    return true;
}

static void adaptive_max_pool2d_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    dx[0] = hone_max_pool2d_backward(dy[0], hone_saved(ctx, 0), x->shape[x->ndim - 2],
                                     x->shape[x->ndim - 1]);
}

const hone__op hone__op_adaptive_max_pool2d = {
    .name = "adaptive_max_pool2d",
    .forward = adaptive_max_pool2d_forward,
    .backward = adaptive_max_pool2d_of_dy,
    .in = { { "x" } },
    .out = { { "values" }, { "indices", HONE__CONSTANT } },
    .options = adaptive_table,
    .options_bytes = sizeof(extents),
};

hone_values_indices hone_adaptive_max_pool2d_with_indices(hone_tensor *x, int64_t height,
                                                          int64_t width)
{
    return hone__call_values_indices(&hone__op_adaptive_max_pool2d, x, &(extents){ height, width });
}

hone_tensor *hone_adaptive_max_pool2d(hone_tensor *x, int64_t height, int64_t width)
{
    HONE_SCOPE(); /* the indices live on with the graph alone */
    return hone_scope_return(hone_adaptive_max_pool2d_with_indices(x, height, width).values);
}
