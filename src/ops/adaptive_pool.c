/* adaptive_pool.c: poolings of windows that cover planes and volumes: window o of n along an axis is
 * [floor(o extent / n), ceil((o + 1) extent / n)). */
#include "ops/pool.h"

typedef struct {
    int64_t depth, height, width; /* of the results: -1 is that of x; of x, for the gradient */
} extents;

#define EXTENT(field, ...)                                                                         \
    HONE__OPTION(extents, field, HONE__OPT_INT, .required = true, __VA_ARGS__)
#define SOME(field) EXTENT(field, .min = 1, .max = INT32_MAX)
#define ANY(field)  EXTENT(field, )
static const hone__option table2d[] = { ANY(height), ANY(width), { NULL } };
static const hone__option table3d[] = { ANY(depth), ANY(height), ANY(width), { NULL } };
static const hone__option backward2d_table[] = { SOME(height), SOME(width), { NULL } };
static const hone__option backward3d_table[] = { SOME(depth), SOME(height), SOME(width), { NULL } };

/* ---- axes */

static bool make(int64_t extent, int64_t results, hone__window_axis *a)
{
    if (!hone__window_axis_make(extent, results, a))
        return false;
    for (int64_t o = 0; o < results; o++) {
        int64_t *at = a->room + o;
        at[0] = o * extent / results;
        at[results] = ((o + 1) * extent + results - 1) / results;
        at[2 * results] = at[results] - at[0];
    }
    return true;
}

/* The axes of x, whose results the options tell. */
static bool take_axes(hone_context *ctx, const hone_tensor *x, hone__window_axis *a)
{
    const extents *o = hone__options(ctx);
    const int dims = hone__call_dims(ctx);
    if (!hone__suits_pool(ctx, "x", x, dims))
        return false;
    const int64_t given[] = { o->depth, o->height, o->width };
    int64_t extent[3];
    hone__extents_of(dims, x->ndim, x->shape, extent);
    a[0] = hone__window_axis_one();
    for (int d = 3 - dims; d < 3; d++) {
        if (given[d] < -1 || given[d] == 0 || given[d] > INT32_MAX) {
            hone_error_set(HONE_E_VALUE, "%s: %s is %lld, -1 or 1 to 2^31 - 1 is wanted",
                           hone__call_name(ctx), hone__pool_axes[d], (long long)given[d]);
            return false;
        }
        if (!make(extent[d], given[d] < 0 ? extent[d] : given[d], a + d))
            return false;
    }
    return true;
}

/* Those of a gradient by an x of the options' extents. */
static bool take_axes_of(hone_context *ctx, const hone_tensor *dy, hone__window_axis *a)
{
    const extents *o = hone__options(ctx);
    const int dims = hone__call_dims(ctx);
    const int64_t given[] = { o->depth, o->height, o->width };
    int64_t results[3];
    for (int d = 3 - dims; d < 3; d++)
        if (given[d] < 1) {
            char text[80];
            hone_error_set(HONE_E_VALUE, "%s: %s of %s have no elements", hone__call_name(ctx),
                           dims == 3 ? "volumes" : "planes",
                           hone__joined(dims, given, text, sizeof text));
            return false;
        }
    if (!hone__suits_pool(ctx, "dy", dy, dims))
        return false;
    hone__extents_of(dims, dy->ndim, dy->shape, results);
    a[0] = hone__window_axis_one();
    for (int d = 3 - dims; d < 3; d++)
        if (!make(given[d], results[d], a + d))
            return false;
    return true;
}

/* ---- means */

static bool avg_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__window_axis a[3];
    (void)n_in;
    return take_axes(ctx, in[0], a) && hone__average(ctx, in[0], hone__call_dims(ctx), a, 0, out);
}

static bool avg_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    hone__window_axis a[3];
    (void)n_in;
    return take_axes_of(ctx, in[0], a) && hone__spread(ctx, in[0], hone__call_dims(ctx), a, 0, out);
}

/* The op of so many dims, with the extents of the input. */
static hone_tensor *back(hone_context *ctx, const hone__op *two, const hone__op *three,
                         hone_tensor *dy)
{
    const hone__shape *s = hone__input_shape(ctx, 0);
    const int dims = hone__call_dims(ctx);
    int64_t extent[3];
    hone__extents_of(dims, s->ndim, s->shape, extent);
    return hone__call(dims == 3 ? three : two, IN(dy),
                      &(extents){ extent[0], extent[1], extent[2] });
}

static void avg_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = back(ctx, &hone__op_adaptive_avg_pool2d_backward,
                 &hone__op_adaptive_avg_pool3d_backward, dy[0]);
}

static void avg_backward_of_g(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    dx[0] = back(ctx, &hone__op_adaptive_avg_pool2d, &hone__op_adaptive_avg_pool3d, g[0]);
}

#define AVG_POOL(op, dims_, x, forward_, backward_, table)                                         \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .dims = dims_,                                                                             \
        .forward = forward_,                                                                       \
        .backward = backward_,                                                                     \
        .in = { { x } },                                                                           \
        .options = table,                                                                          \
        .options_bytes = sizeof(extents),                                                          \
    }
AVG_POOL(adaptive_avg_pool2d, 2, "x", avg_forward, avg_of_dy, table2d);
AVG_POOL(adaptive_avg_pool3d, 3, "x", avg_forward, avg_of_dy, table3d);
AVG_POOL(adaptive_avg_pool2d_backward, 2, "dy", avg_backward_forward, avg_backward_of_g,
         backward2d_table);
AVG_POOL(adaptive_avg_pool3d_backward, 3, "dy", avg_backward_forward, avg_backward_of_g,
         backward3d_table);

/* ---- maxima */

static bool max_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const hone_tensor *x = in[0];
    const int dims = hone__call_dims(ctx);
    hone__window_axis a[3];
    hone__windows windows[3];
    (void)n_in;
    if (!take_axes(ctx, x, a))
        return false;
    const hone__shape shape =
        hone__pooled_shape(x, dims, (int64_t[]){ a[0].results, a[1].results, a[2].results });
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    hone_tensor *at = out[1] = y ? hone__out(ctx, 1, HONE_I64, y->ndim, y->shape) : NULL;
    if (!at || !HONE__SAVE(ctx, at))
        return false;
    hone__windows_of(a, windows);
    if (y->numel > 0)
        hone__max_windows(x, dims, windows, y, hone__data(at));
    return true;
}

HONE__MAX_POOL(adaptive_max_pool2d, 2, table2d, extents);
HONE__MAX_POOL(adaptive_max_pool3d, 3, table3d, extents);

/* ---- public functions */

hone_tensor *hone_adaptive_avg_pool2d(hone_tensor *x, int64_t height, int64_t width)
{
    return hone__call(&hone__op_adaptive_avg_pool2d, IN(x), &(extents){ 0, height, width });
}

hone_tensor *hone_adaptive_avg_pool3d(hone_tensor *x, int64_t depth, int64_t height, int64_t width)
{
    return hone__call(&hone__op_adaptive_avg_pool3d, IN(x), &(extents){ depth, height, width });
}

hone_tensor *hone_adaptive_avg_pool2d_backward(hone_tensor *dy, int64_t height, int64_t width)
{
    return hone__call(&hone__op_adaptive_avg_pool2d_backward, IN(dy),
                      &(extents){ 0, height, width });
}

hone_tensor *hone_adaptive_avg_pool3d_backward(hone_tensor *dy, int64_t depth, int64_t height,
                                               int64_t width)
{
    return hone__call(&hone__op_adaptive_avg_pool3d_backward, IN(dy),
                      &(extents){ depth, height, width });
}

hone_values_indices hone_adaptive_max_pool2d_with_indices(hone_tensor *x, int64_t height,
                                                          int64_t width)
{
    return hone__call_values_indices(&hone__op_adaptive_max_pool2d, x,
                                     &(extents){ 0, height, width });
}

hone_values_indices hone_adaptive_max_pool3d_with_indices(hone_tensor *x, int64_t depth,
                                                          int64_t height, int64_t width)
{
    return hone__call_values_indices(&hone__op_adaptive_max_pool3d, x,
                                     &(extents){ depth, height, width });
}

hone_tensor *hone_adaptive_max_pool2d(hone_tensor *x, int64_t height, int64_t width)
{
    HONE_SCOPE(); /* the indices live on with the graph alone */
    return hone_scope_return(hone_adaptive_max_pool2d_with_indices(x, height, width).values);
}

hone_tensor *hone_adaptive_max_pool3d(hone_tensor *x, int64_t depth, int64_t height, int64_t width)
{
    HONE_SCOPE(); /* the indices live on with the graph alone */
    return hone_scope_return(hone_adaptive_max_pool3d_with_indices(x, depth, height, width).values);
}
