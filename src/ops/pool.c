/* pool.c: max_pool2d and its gradient. */
#include "core/reserve.h"
#include "loops/indices.h"
#include "op/options.h"
#include "ops/pool.h"

/* ---- arguments */

#define PAIR(field, ...)                                                                           \
    HONE__OPTION(hone_max_pool2d_options, field, HONE__OPT_PAIR, .max = INT32_MAX, __VA_ARGS__)
static const hone__option pool_table[] = {
    PAIR(kernel_size, .required = true, .min = 1),
    PAIR(stride, .min = 0), /* 0: the kernel's size */
    PAIR(padding, .min = 0),
    PAIR(dilation, .standard = 1, .min = 1),
    HONE__OPTION(hone_max_pool2d_options, ceil_mode, HONE__OPT_BOOL),
    { NULL },
};
#undef PAIR

bool hone__suits_pool(hone_context *ctx, const char *what, const hone_tensor *x, int dims)
{
    const char *name = hone__call_name(ctx);
    if (!hone_dtype_is_float((hone_dtype)x->dtype)) {
        hone_error_set(HONE_E_DTYPE, "%s: needs f32 or f64, got %s; cast it with hone_to first",
                       name, hone__tensor_text(x).s);
        return false;
    }
    bool fits = x->ndim == dims + 1 || x->ndim == dims + 2;
    for (int d = x->ndim - dims - 1; fits && d < x->ndim; d++)
        fits = x->shape[d] > 0;
    if (!fits) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: %s is %s, but [N, C, %s] or [C, %s] is wanted, of which "
                       "only N may be 0",
                       name, what, hone__tensor_text(x).s, dims == 1 ? "L" : "H, W",
                       dims == 1 ? "L" : "H, W");
        return false;
    }
    if (x->shape[x->ndim - dims] <= INT32_MAX / (dims == 1 ? 1 : x->shape[x->ndim - 1]))
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: the planes of %s %s have more than 2^31 - 1 elements", name,
                   what, hone__tensor_text(x).s);
    return false;
}

/* Steps that are longer than what there is may miss it. */
static bool windows_hold_something(const hone__pool_axis *a)
{
    for (int64_t o = 0; a->dilation > a->extent && o < a->windows; o++)
        if (hone__pool_first(a, o) >= hone__pool_last(a, o))
            return false;
    return true;
}

bool hone__pool_axis_take(hone_context *ctx, const char *which, bool ceil_mode, hone__pool_axis *a)
{
    const char *name = hone__call_name(ctx);
    a->stride = a->stride ? a->stride : a->kernel;
    if (a->padding > a->kernel / 2) {
        hone_error_set(HONE_E_VALUE,
                       "%s: padding of the %s is %lld, more than half the kernel's %lld", name,
                       which, (long long)a->padding, (long long)a->kernel);
        return false;
    }
    const int64_t room = a->extent + 2 * a->padding - a->dilation * (a->kernel - 1) - 1;
    a->windows = 0;
    if (room >= 0 || (ceil_mode && room + a->stride > 0)) {
        a->windows = (room + (ceil_mode ? a->stride - 1 : 0)) / a->stride + 1;
        if ((a->windows - 1) * a->stride >= a->extent + a->padding)
            a->windows--; /* it would begin behind what there is */
    }
    if (a->windows == 0 || !windows_hold_something(a)) {
        hone_error_set(
            HONE_E_SHAPE,
            "%s: a kernel of %lld with dilation %lld doesn't fit into the %s of x, %lld, with "
            "padding %lld",
            name, (long long)a->kernel, (long long)a->dilation, which, (long long)a->extent,
            (long long)a->padding);
        return false;
    }
    return true;
}

/* i: 0 height, 1 width. */
static bool take_axis(hone_context *ctx, const hone_tensor *x, int i, hone__pool_axis *a)
{
    const hone_max_pool2d_options *o = hone__options(ctx);
    *a = (hone__pool_axis){ .extent = x->shape[x->ndim - 2 + i],
                            .kernel = o->kernel_size[i],
                            .stride = o->stride[i],
                            .padding = o->padding[i],
                            .dilation = o->dilation[i] };
    return hone__pool_axis_take(ctx, i == 0 ? "height" : "width", o->ceil_mode, a);
}

/* ---- max_pool2d */

static bool max_pool2d_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    hone__pool2d p = { .x = x };
    if (!hone__suits_pool(ctx, "x", x, 2) || !take_axis(ctx, x, 0, &p.h) ||
        !take_axis(ctx, x, 1, &p.w))
        return false;
    hone__shape shape = hone__shape_of(x);
    shape.shape[shape.ndim - 2] = p.h.windows;
    shape.shape[shape.ndim - 1] = p.w.windows;
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    out[1] = out[0] ? hone__out(ctx, 1, HONE_I64, shape.ndim, shape.shape) : NULL;
    if (!out[1] || !HONE__SAVE(ctx, out[1]))
        return false;
    if (out[0]->numel == 0)
        return true;
    p.values = hone__data(out[0]);
    p.indices = hone__data(out[1]);
    hone__max_pool2d(&p);
    return true;
}

static void max_pool2d_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    dx[0] = hone_max_pool2d_backward(dy[0], hone_saved(ctx, 0), x->shape[x->ndim - 2],
                                     x->shape[x->ndim - 1]);
}

const hone__op hone__op_max_pool2d = {
    .name = "max_pool2d",
    .forward = max_pool2d_forward,
    .backward = max_pool2d_of_dy,
    .in = { { "x" } },
    .out = { { "values" }, { "indices", HONE__CONSTANT } },
    .options = pool_table,
    .options_bytes = sizeof(hone_max_pool2d_options),
};

hone_values_indices hone_max_pool2d_with_indices(hone_tensor *x,
                                                 const hone_max_pool2d_options *options)
{
    const hone__op *op = &hone__op_max_pool2d;
    hone_max_pool2d_options plain;
    if (!hone__needs_tensor(op->name, x) || !HONE__KNOWS_OPTIONS(op->name, options) ||
        !hone__options_resolve(op, options, &plain))
        return (hone_values_indices){ NULL, NULL };
    return hone__call_values_indices(op, x, &plain);
}

hone_tensor *hone_max_pool2d(hone_tensor *x, const hone_max_pool2d_options *options)
{
    HONE_SCOPE(); /* the indices live on with the graph alone */
    return hone_scope_return(hone_max_pool2d_with_indices(x, options).values);
}

/* ---- max_pool2d_backward */

typedef struct {
    int64_t height, width;
} unpool_options;

static const hone__option unpool_table[] = {
    HONE__OPTION(unpool_options, height, HONE__OPT_INT, .required = true, .min = 1,
                 .max = INT32_MAX),
    HONE__OPTION(unpool_options, width, HONE__OPT_INT, .required = true, .min = 1,
                 .max = INT32_MAX),
    { NULL },
};

static bool indices_fit(const hone_tensor *indices, int64_t plane)
{
    const int64_t *at = hone__data(indices);
    for (int64_t i = 0; i < indices->numel; i++) {
        if (at[i] >= 0 && at[i] < plane)
            continue;
        hone_error_set(HONE_E_INDEX,
                       "max_pool2d_backward: index %lld is not in a plane of %lld elements",
                       (long long)at[i], (long long)plane);
        return false;
    }
    return true;
}

static bool max_pool2d_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    (void)n_in;
    const unpool_options *o = hone__options(ctx);
    if (!hone__suits_pool(ctx, "dy", in[0], 2))
        return false;
    if (!hone__same_shape(in[0], in[1])) {
        hone_error_set(HONE_E_SHAPE, "max_pool2d_backward: indices %s must have the shape of dy %s",
                       hone__tensor_text(in[1]).s, hone__tensor_text(in[0]).s);
        return false;
    }
    hone_tensor *indices = hone__indices_of("max_pool2d_backward", in[1]);
    hone_tensor *dy = indices ? hone_contiguous(in[0]) : NULL;
    if (!dy || !indices_fit(indices, o->height * o->width) || !HONE__SAVE(ctx, in[1]))
        return false;
    hone__shape shape = hone__shape_of(dy);
    const int64_t windows = shape.shape[shape.ndim - 2] * shape.shape[shape.ndim - 1];
    shape.shape[shape.ndim - 2] = o->height;
    shape.shape[shape.ndim - 1] = o->width;
    hone_tensor *dx = out[0] = hone__out(ctx, 0, (hone_dtype)dy->dtype, shape.ndim, shape.shape);
    if (dx && dx->numel > 0)
        hone__unpool_add((hone_dtype)dx->dtype, dy->numel / windows, o->height * o->width, windows,
                         hone__data(dx), hone__data(dy), hone__data(indices));
    return dx;
}

/* t with its last two dims as one. */
static hone_tensor *flat_planes(hone_tensor *t)
{
    return hone_flatten(t, -2);
}

/* Linear in dy: what the indices name of g. */
static void max_pool2d_backward_of_g(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    int64_t room[HONE_MAX_DIMS + 1];
    hone_tensor *taken = hone_gather(flat_planes(g[0]), -1, flat_planes(hone_saved(ctx, 0)));
    dx[0] = hone_reshape_v(taken, hone__ended(hone__input_shape(ctx, 0), room));
}

const hone__op hone__op_max_pool2d_backward = {
    .name = "max_pool2d_backward",
    .forward = max_pool2d_backward_forward,
    .backward = max_pool2d_backward_of_g,
    .in = { { "dy" }, { "indices", HONE__CONSTANT } },
    .options = unpool_table,
    .options_bytes = sizeof(unpool_options),
};

hone_tensor *hone_max_pool2d_backward(hone_tensor *dy, hone_tensor *indices, int64_t height,
                                      int64_t width)
{
    return hone__call(&hone__op_max_pool2d_backward, IN(dy, indices),
                      &(unpool_options){ height, width });
}
