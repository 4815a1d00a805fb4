/* pool.c: max_pool2d, max_pool3d and their gradients. */
#include "core/reserve.h"
#include "loops/elementwise.h"
#include "loops/indices.h"
#include "loops/rows.h"
#include "op/half.h"
#include "op/options.h"
#include "ops/pool.h"

#include <string.h>

/* ---- arguments */

typedef struct {
    int64_t kernel_size[3], stride[3], padding[3], dilation[3];
    bool ceil_mode;
} options;

#define FIELD(name_, field, kind_, ...)                                                            \
    {                                                                                              \
        .name = name_, .kind = kind_, .offset = offsetof(options, field), __VA_ARGS__              \
    }
#define NUMBERS(field, kind, d, ...) FIELD(#field, field[d], kind, .max = INT32_MAX, __VA_ARGS__)
#define POOL_OPTIONS(kind, d)                                                                      \
    NUMBERS(kernel_size, kind, d, .required = true, .min = 1),                                     \
        NUMBERS(stride, kind, d, .min = 0), /* 0: the kernel's size */                             \
        NUMBERS(padding, kind, d, .min = 0), NUMBERS(dilation, kind, d, .standard = 1, .min = 1),  \
        FIELD("ceil_mode", ceil_mode, HONE__OPT_BOOL)
static const hone__option table2d[] = { POOL_OPTIONS(HONE__OPT_PAIR, 1), { NULL } };
static const hone__option table3d[] = { POOL_OPTIONS(HONE__OPT_TRIPLE, 0), { NULL } };

const char *const hone__pool_axes[] = { "depth", "height", "width" };

void hone__extents_of(int dims, int ndim, const int64_t *shape, int64_t *extent)
{
    for (int d = 0; d < 3; d++)
        extent[d] = d < 3 - dims ? 1 : shape[ndim - 3 + d];
}

hone__shape hone__pooled_shape(const hone_tensor *like, int dims, const int64_t *extent)
{
    hone__shape shape = hone__shape_of(like);
    for (int d = 3 - dims; d < 3; d++)
        shape.shape[shape.ndim - 3 + d] = extent[d];
    return shape;
}

static bool fits_pool(hone_context *ctx, const char *what, const hone_tensor *x, int dims)
{
    static const char *const places[] = { "L", "H, W", "D, H, W" };
    const char *name = hone__call_name(ctx), *of = places[dims - 1];
    bool fits = x->ndim == dims + 1 || x->ndim == dims + 2;
    for (int d = x->ndim - dims - 1; fits && d < x->ndim; d++)
        fits = x->shape[d] > 0;
    if (!fits) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: %s is %s, but [N, C, %s] or [C, %s] is wanted, of which only N may be "
                       "0",
                       name, what, hone__tensor_text(x).s, of, of);
        return false;
    }
    int64_t most = INT32_MAX;
    for (int d = x->ndim - dims; d < x->ndim; d++)
        most /= x->shape[d];
    if (most > 0)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: the %s of %s %s have more than 2^31 - 1 elements", name,
                   dims == 3 ? "volumes" : "planes", what, hone__tensor_text(x).s);
    return false;
}

static bool wrong_dtype(hone_context *ctx, const char *wanted, const hone_tensor *x)
{
    hone_error_set(HONE_E_DTYPE, "%s: needs %s, got %s; cast it with hone_to first",
                   hone__call_name(ctx), wanted, hone__tensor_text(x).s);
    return false;
}

bool hone__suits_pool(hone_context *ctx, const char *what, const hone_tensor *x, int dims)
{
    return hone_dtype_is_float((hone_dtype)x->dtype) ? fits_pool(ctx, what, x, dims)
                                                     : wrong_dtype(ctx, "f32 or f64", x);
}

bool hone__numbers_suit_pool(hone_context *ctx, const char *what, const hone_tensor *x, int dims)
{
    return x->dtype != HONE_BOOL ? fits_pool(ctx, what, x, dims) : wrong_dtype(ctx, "numbers", x);
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

static bool take_axes(hone_context *ctx, const hone_tensor *x, hone__pool *p)
{
    const options *o = hone__options(ctx);
    int64_t extent[3];
    hone__extents_of(p->dims, x->ndim, x->shape, extent);
    p->axis[0] = (hone__pool_axis){ 1, 1, 1, 0, 1, 1 };
    for (int d = 3 - p->dims; d < 3; d++) {
        p->axis[d] = (hone__pool_axis){ .extent = extent[d],
                                        .kernel = o->kernel_size[d],
                                        .stride = o->stride[d],
                                        .padding = o->padding[d],
                                        .dilation = o->dilation[d] };
        if (!hone__pool_axis_take(ctx, hone__pool_axes[d], o->ceil_mode, &p->axis[d]))
            return false;
    }
    return true;
}

/* ---- max_pool2d, max_pool3d */

/* Elements of x or dx that f32 copies of 16 bits have at once: they stay in the caches. */
enum { NEAR = 1 << 17 };

static int64_t at_once(const hone_tensor *x)
{
    const int64_t each = x->numel / x->shape[0];
    return each < NEAR ? NEAR / each : 1;
}

/* Of 16 bits: planes of some samples (or channels, without samples) at a time, in f32, whose results
 * are exact. */
static bool pool_halves(hone__pool *p, hone_tensor *x, hone_tensor *values)
{
    const int64_t each = values->numel / values->shape[0];
    int64_t *const indices = p->indices;
    bool ok = true;
    for (int64_t first = 0, n; ok && first < x->shape[0]; first += n) {
        HONE_SCOPE();
        n = hone__min(at_once(x), x->shape[0] - first);
        hone_tensor *part = hone_slice(x, 0, first, first + n, 1);
        hone_tensor *to = hone_slice(values, 0, first, first + n, 1), *best = NULL;
        p->x = part = part ? hone__half_cast(part, HONE_F32) : NULL;
        ok = part && to && (best = hone__own(hone__new("max_pool", HONE_F32, to->ndim, to->shape)));
        if (!ok)
            break;
        p->values = hone__data(best);
        p->indices = indices + first * each;
        hone__max_pool(p);
        ok = hone__copy_elements(to, best);
    }
    return ok;
}

static bool max_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    hone__pool p = { .x = x, .dims = hone__call_dims(ctx) };
    if (!hone__numbers_suit_pool(ctx, "x", x, p.dims) || !take_axes(ctx, x, &p))
        return false;
    const hone__shape shape = hone__pooled_shape(
        x, p.dims, (int64_t[]){ p.axis[0].windows, p.axis[1].windows, p.axis[2].windows });
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    out[1] = out[0] ? hone__out(ctx, 1, HONE_I64, shape.ndim, shape.shape) : NULL;
    if (!out[1] || !HONE__SAVE(ctx, out[1]))
        return false;
    if (out[0]->numel == 0)
        return true;
    p.values = hone__data(out[0]);
    p.indices = hone__data(out[1]);
    if (hone__is_half((hone_dtype)x->dtype))
        return pool_halves(&p, x, out[0]);
    hone__max_pool(&p);
    return true;
}

HONE__MAX_POOL(max_pool2d, 2, table2d, options);
HONE__MAX_POOL(max_pool3d, 3, table3d, options);

static hone_values_indices call(const hone__op *op, hone_tensor *x, const options *given)
{
    options plain;
    return hone__options_resolve(op, given, &plain) ? hone__call_values_indices(op, x, &plain)
                                                    : (hone_values_indices){ NULL, NULL };
}

hone_values_indices hone_max_pool2d_with_indices(hone_tensor *x, const hone_max_pool2d_options *o)
{
    options given = { .ceil_mode = o && o->ceil_mode };
    for (int d = 1; o && d < 3; d++) {
        given.kernel_size[d] = o->kernel_size[d - 1];
        given.stride[d] = o->stride[d - 1];
        given.padding[d] = o->padding[d - 1];
        given.dilation[d] = o->dilation[d - 1];
    }
    if (!hone__needs_tensor("max_pool2d", x) || !HONE__KNOWS_OPTIONS("max_pool2d", o))
        return (hone_values_indices){ NULL, NULL };
    return call(&hone__op_max_pool2d, x, &given);
}

hone_values_indices hone_max_pool3d_with_indices(hone_tensor *x, const hone_max_pool3d_options *o)
{
    options given = { .ceil_mode = o && o->ceil_mode };
    for (int d = 0; o && d < 3; d++) {
        given.kernel_size[d] = o->kernel_size[d];
        given.stride[d] = o->stride[d];
        given.padding[d] = o->padding[d];
        given.dilation[d] = o->dilation[d];
    }
    if (!hone__needs_tensor("max_pool3d", x) || !HONE__KNOWS_OPTIONS("max_pool3d", o))
        return (hone_values_indices){ NULL, NULL };
    return call(&hone__op_max_pool3d, x, &given);
}

hone_tensor *hone_max_pool2d(hone_tensor *x, const hone_max_pool2d_options *o)
{
    HONE_SCOPE(); /* the indices live on with the graph alone */
    return hone_scope_return(hone_max_pool2d_with_indices(x, o).values);
}

hone_tensor *hone_max_pool3d(hone_tensor *x, const hone_max_pool3d_options *o)
{
    HONE_SCOPE(); /* the indices live on with the graph alone */
    return hone_scope_return(hone_max_pool3d_with_indices(x, o).values);
}

/* ---- max_pool2d_backward, max_pool3d_backward */

typedef struct {
    int64_t extent[3];
} extents;

#define EXTENT(name_, d)                                                                           \
    {                                                                                              \
        .name = name_, .kind = HONE__OPT_INT, .offset = offsetof(extents, extent[d]),              \
        .required = true, .min = 1, .max = INT32_MAX                                               \
    }
static const hone__option unpool2d_table[] = { EXTENT("height", 1), EXTENT("width", 2), { NULL } };
static const hone__option unpool3d_table[] = {
    EXTENT("depth", 0),
    EXTENT("height", 1),
    EXTENT("width", 2),
    { NULL },
};

/* False + E_INDEX: an index that is none of the places. */
static bool places_fit(hone_context *ctx, const hone_tensor *indices, int64_t places)
{
    const int64_t *at = hone__data(indices);
    for (int64_t i = 0; i < indices->numel; i++) {
        if (at[i] >= 0 && at[i] < places)
            continue;
        hone_error_set(HONE_E_INDEX, "%s: index %lld is not in a %s of %lld elements",
                       hone__call_name(ctx), (long long)at[i],
                       hone__call_dims(ctx) == 3 ? "volume" : "plane", (long long)places);
        return false;
    }
    return true;
}

bool hone__unpooled(hone_context *ctx, int64_t places, hone_tensor *to, const hone_tensor *from,
                    const hone_tensor *indices, bool add)
{
    if (to->numel == 0)
        return places_fit(ctx, indices, places);
    const int64_t volumes = to->numel / places;
    return hone__unpool((hone_dtype)to->dtype, volumes, places, from->numel / volumes,
                        hone__data(to), hone__data(from), hone__data(indices), add) ||
           places_fit(ctx, indices, places);
}

/* As pool_halves: sums are f32, rounded once. */
static bool unpool_halves(hone_context *ctx, int64_t places, hone_tensor *dy,
                          const hone_tensor *indices, hone_tensor *dx)
{
    const int64_t each = dy->numel / dy->shape[0], volumes = dx->numel / places;
    bool ok = true;
    for (int64_t first = 0, n; ok && first < dx->shape[0]; first += n) {
        HONE_SCOPE();
        n = hone__min(at_once(dx), dx->shape[0] - first);
        hone_tensor *part = hone_slice(dy, 0, first, first + n, 1);
        hone_tensor *to = hone_slice(dx, 0, first, first + n, 1), *sums = NULL;
        part = part ? hone__half_cast(part, HONE_F32) : NULL;
        ok = part && to && (sums = hone__own(hone__new("max_pool", HONE_F32, to->ndim, to->shape)));
        if (!ok)
            break;
        if (!hone__unpool(HONE_F32, sums->numel / places, places, dy->numel / volumes,
                          hone__data(sums), hone__data(part),
                          (const int64_t *)hone__data(indices) + first * each, true))
            return places_fit(ctx, indices, places);
        ok = hone__copy_elements(to, sums);
    }
    return ok;
}

static bool max_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    (void)n_in;
    const int dims = hone__call_dims(ctx);
    const char *name = hone__call_name(ctx);
    int64_t extent[3], places = 1;
    memcpy(extent, ((const extents *)hone__options(ctx))->extent, sizeof extent);
    extent[0] = dims == 3 ? extent[0] : 1;
    if (!hone__suits_pool(ctx, "dy", in[0], dims))
        return false;
    if (!hone__same_shape(in[0], in[1])) {
        hone_error_set(HONE_E_SHAPE, "%s: indices %s must have the shape of dy %s", name,
                       hone__tensor_text(in[1]).s, hone__tensor_text(in[0]).s);
        return false;
    }
    for (int d = 0; d < 3; d++)
        if (__builtin_mul_overflow(places, extent[d], &places)) {
            hone_error_set(HONE_E_SHAPE, "%s: %lld x %lld x %lld elements are too many", name,
                           (long long)extent[0], (long long)extent[1], (long long)extent[2]);
            return false;
        }
    hone_tensor *indices = hone__indices_of(name, in[1]);
    hone_tensor *dy = indices ? hone_contiguous(in[0]) : NULL;
    if (!dy || !HONE__SAVE(ctx, in[1]))
        return false;
    const hone__shape shape = hone__pooled_shape(dy, dims, extent);
    hone_tensor *dx = out[0] = hone__out(ctx, 0, (hone_dtype)dy->dtype, shape.ndim, shape.shape);
    if (dx && dx->numel > 0 && hone__is_half((hone_dtype)dx->dtype))
        return unpool_halves(ctx, places, dy, indices, dx);
    return dx && hone__unpooled(ctx, places, dx, dy, indices, true);
}

hone_tensor *hone__places_taken(hone_context *ctx, hone_tensor *g, hone_tensor *indices)
{
    int64_t room[HONE_MAX_DIMS + 1];
    const int dims = hone__call_dims(ctx);
    hone_tensor *taken = hone_gather(hone_flatten(g, -dims), -1, hone_flatten(indices, -dims));
    return hone_reshape_v(taken, hone__ended(hone__input_shape(ctx, 0), room));
}

/* Linear in dy. */
static void max_backward_of_g(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    dx[0] = hone__places_taken(ctx, g[0], hone_saved(ctx, 0));
}

#define MAX_POOL_BACKWARD(op, dims_, table)                                                        \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .dims = dims_,                                                                             \
        .forward = max_backward_forward,                                                           \
        .backward = max_backward_of_g,                                                             \
        .in = { { "dy" }, { "indices", HONE__CONSTANT } },                                         \
        .options = table,                                                                          \
        .options_bytes = sizeof(extents),                                                          \
    }
MAX_POOL_BACKWARD(max_pool2d_backward, 2, unpool2d_table);
MAX_POOL_BACKWARD(max_pool3d_backward, 3, unpool3d_table);

void hone__max_pool_gradient(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    const int dims = hone__call_dims(ctx);
    extents o;
    hone__extents_of(dims, x->ndim, x->shape, o.extent);
    dx[0] = hone__call(dims == 3 ? &hone__op_max_pool3d_backward : &hone__op_max_pool2d_backward,
                       IN(dy[0], hone_saved(ctx, 0)), &o);
}

hone_tensor *hone_max_pool2d_backward(hone_tensor *dy, hone_tensor *indices, int64_t height,
                                      int64_t width)
{
    return hone__call(&hone__op_max_pool2d_backward, IN(dy, indices),
                      &(extents){ { 0, height, width } });
}

hone_tensor *hone_max_pool3d_backward(hone_tensor *dy, hone_tensor *indices, int64_t depth,
                                      int64_t height, int64_t width)
{
    return hone__call(&hone__op_max_pool3d_backward, IN(dy, indices),
                      &(extents){ { depth, height, width } });
}
