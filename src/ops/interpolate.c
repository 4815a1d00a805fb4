/* interpolate.c: images in another size. A result is a weighted sum of elements, along each axis by
 * itself; its gradient the same with the taps turned round. */
#include "core/reserve.h"
#include "loops/elementwise.h"
#include "loops/resample.h"
#include "op/options.h"
#include "ops/pool.h"

#include <math.h>
#include <string.h>

typedef struct {
    hone_interpolate_options o;
    int64_t extent[3]; /* of x, for the gradient: of as many dims as it has */
} options;

static const char *const modes[] = { "nearest", "nearest-exact", "linear", "bilinear",
                                     "bicubic", "trilinear",     NULL };
enum { CUBIC_TAPS = 4 };

#define FIELD(name_, field, kind_, ...)                                                            \
    {                                                                                              \
        .name = name_, .kind = kind_, .offset = offsetof(options, field), __VA_ARGS__              \
    }
#define INTERPOLATE_OPTIONS                                                                        \
    FIELD("size", o.size, HONE__OPT_TRIPLE, .some = true, .max = INT32_MAX),                       \
        FIELD("scale_factor", o.scale_factor, HONE__OPT_FLOATS, .some = true, .max = INFINITY),    \
        FIELD("mode", o.mode, HONE__OPT_CHOICE, .max = HONE_INTERPOLATE_TRILINEAR,                 \
              .choices = modes),                                                                   \
        FIELD("align_corners", o.align_corners, HONE__OPT_BOOL),                                   \
        FIELD("recompute_scale_factor", o.recompute_scale_factor, HONE__OPT_BOOL)
static const hone__option table[] = { INTERPOLATE_OPTIONS, { NULL } };
static const hone__option backward_table[] = {
    FIELD("extent", extent, HONE__OPT_TRIPLE, .some = true, .required = true, .max = INT32_MAX),
    INTERPOLATE_OPTIONS,
    { NULL },
};

/* ---- sizes */

/* How many numbers are given; one for all dims counts as one. */
static int given(int dims, const double *at)
{
    int n = 3;
    while (n > 0 && at[n - 1] == 0)
        n--;
    return n > dims && at[1] == at[0] && (n == 2 || at[2] == at[0]) ? 1 : n;
}

static bool suits_mode(const hone_interpolate_options *o, const hone_tensor *x)
{
    static const int of_mode[] = { 0, 0, 1, 2, 2, 3 };
    static const char *const images[] = { "L", "H, W", "D, H, W" };
    const int dims = of_mode[o->mode];
    if (dims != 0 && x->ndim != dims + 2)
        hone_error_set(HONE_E_SHAPE, "interpolate: x is %s, but mode %s wants [N, C, %s]",
                       hone__tensor_text(x).s, modes[o->mode], images[dims - 1]);
    else if (dims == 0 && o->align_corners)
        hone_error_set(HONE_E_VALUE, "interpolate: mode %s has no align_corners", modes[o->mode]);
    else
        return true;
    return false;
}

static bool suits_x(const hone_tensor *x, bool bytes)
{
    bool fits = x->ndim >= 3 && x->ndim <= 5;
    for (int d = 1; fits && d < x->ndim; d++)
        fits = x->shape[d] > 0 && x->shape[d] <= INT32_MAX;
    if (!hone_dtype_is_float((hone_dtype)x->dtype) && !(bytes && x->dtype == HONE_U8))
        hone_error_set(HONE_E_DTYPE,
                       "interpolate: needs f32, f64 or u8, got %s; cast it with hone_to first",
                       hone__tensor_text(x).s);
    else if (!fits)
        hone_error_set(HONE_E_SHAPE,
                       "interpolate: x is %s, but [N, C, L], [N, C, H, W] or [N, C, D, H, W] is "
                       "wanted, of which only N may be 0",
                       hone__tensor_text(x).s);
    else
        return true;
    return false;
}

/* One axis: extents before and after, and the factor that coordinates go by, 0: that of extents. */
typedef struct {
    int64_t in, out;
    double factor;
} scaling;

/* Of the dims of places that x of these extents has. */
static bool take_sizes(const hone_interpolate_options *o, int dims, const int64_t *extent,
                       scaling *axes)
{
    double size[3];
    for (int d = 0; d < 3; d++)
        size[d] = (double)o->size[d];
    const bool by_size = size[0] != 0, by_factor = o->scale_factor[0] != 0;
    if (by_size == by_factor) {
        hone_error_set(HONE_E_VALUE, "interpolate: either size or scale_factor is wanted, not %s",
                       by_size ? "both" : "neither");
        return false;
    }
    const double *numbers = by_size ? size : o->scale_factor;
    const int n = given(dims, numbers);
    if (n != 1 && n != dims) {
        hone_error_set(HONE_E_SHAPE, "interpolate: %s has %d numbers, but x has %d dims of places",
                       by_size ? "size" : "scale_factor", n, dims);
        return false;
    }
    for (int d = 0; d < dims; d++) {
        const double number = numbers[n == 1 ? 0 : d];
        const double out = by_size ? number : floor((double)extent[d] * number);
        if (!(out >= 1 && out <= INT32_MAX)) {
            hone_error_set(HONE_E_VALUE,
                           "interpolate: %s %g of %lld elements gives %g, 1 to 2^31 - 1 is wanted",
                           by_size ? "size" : "scale_factor", number, (long long)extent[d], out);
            return false;
        }
        axes[d] = (scaling){ extent[d], (int64_t)out,
                             by_factor && !o->recompute_scale_factor ? number : 0 };
    }
    return true;
}

/* ---- taps */

typedef struct {
    int n; /* taps of a result */
    int64_t results;
    hone_tensor *index, *weight; /* [results, n] */
} forward_taps;

static void put(const forward_taps *t, int64_t o, int k, int64_t index, double weight)
{
    const int64_t at = o * t->n + k;
    ((int64_t *)hone__data(t->index))[at] = index;
    if (t->weight->dtype == HONE_F32)
        ((float *)hone__data(t->weight))[at] = (float)weight;
    else
        ((double *)hone__data(t->weight))[at] = weight;
}

static int64_t clamp(int64_t i, int64_t most)
{
    return i < 0 ? 0 : i > most ? most : i;
}

/* In f32 for both dtypes, as PyTorch does: another rounding would name another element. */
static void put_nearest(const scaling *a, bool exact, int64_t o, const forward_taps *t)
{
    const float step = a->factor != 0 ? (float)(1.0 / a->factor) : (float)a->in / (float)a->out;
    const float at = exact ? ((float)o + 0.5f) * step : (float)o * step;
    put(t, o, 0, clamp((int64_t)at, a->in - 1), 1);
}

/* Where result o lies, in elements of x. */
static double source(const scaling *a, bool align_corners, int64_t o)
{
    if (align_corners)
        return a->out > 1 ? (double)(a->in - 1) / (double)(a->out - 1) * (double)o : 0;
    const double step = a->factor != 0 ? 1.0 / a->factor : (double)a->in / (double)a->out;
    return step * ((double)o + 0.5) - 0.5;
}

static void put_linear(const scaling *a, bool align_corners, int64_t o, const forward_taps *t)
{
    if (a->in == a->out) { /* a copy, but for 0 inf */
        put(t, o, 0, o, 1);
        put(t, o, 1, o, 0);
        return;
    }
    double at = source(a, align_corners, o);
    at = at < 0 ? 0 : at;
    const int64_t i = clamp((int64_t)at, a->in - 1);
    double share = at - (double)i;
    share = share > 1 ? 1 : share;
    put(t, o, 0, i, 1 - share);
    put(t, o, 1, clamp(i + 1, a->in - 1), share);
}

/* Keys' cubic convolution with a = -3/4. */
static void put_cubic(const scaling *a, bool align_corners, int64_t o, const forward_taps *t)
{
    const double c = -0.75, at = source(a, align_corners, o), low = floor(at), x = at - low;
    for (int k = 0; k < CUBIC_TAPS; k++) {
        const double d = fabs(x + 1 - k);
        const double weight = d <= 1 ? ((c + 2) * d - (c + 3)) * d * d + 1
                                     : ((c * d - 5 * c) * d + 8 * c) * d - 4 * c;
        put(t, o, k, clamp((int64_t)low + k - 1, a->in - 1), weight);
    }
}

/* The taps of an axis; false: out of memory. */
static bool make_forward(const hone_interpolate_options *o, hone_dtype dtype, const scaling *a,
                         forward_taps *t)
{
    const bool nearest = o->mode <= HONE_INTERPOLATE_NEAREST_EXACT;
    const bool cubic = o->mode == HONE_INTERPOLATE_BICUBIC;
    t->n = nearest ? 1 : cubic ? CUBIC_TAPS : 2;
    t->results = a->out;
    t->index = hone_empty(HONE_I64, a->out, t->n);
    t->weight = t->index ? hone_empty(dtype, a->out, t->n) : NULL;
    for (int64_t i = 0; t->weight && i < a->out; i++) {
        if (nearest)
            put_nearest(a, o->mode == HONE_INTERPOLATE_NEAREST_EXACT, i, t);
        else if (cubic)
            put_cubic(a, o->align_corners, i, t);
        else
            put_linear(a, o->align_corners, i, t);
    }
    return t->weight != NULL;
}

/* As the loop wants them. */
static bool as_taps(const forward_taps *t, hone__taps *to)
{
    hone_tensor *begin = hone_arange(HONE_I64, 0, (double)(t->results + 1) * t->n, t->n);
    if (!begin)
        return false;
    *to = (hone__taps){ t->results, hone__data(begin), hone__data(t->index),
                        t->n == 1 ? NULL : hone__data(t->weight) };
    return true;
}

/* Turned round: element i of x is in the results that the taps with its index are of, in order. */
static bool as_turned_taps(const forward_taps *t, int64_t extent, hone__taps *to)
{
    const hone_dtype dtype = (hone_dtype)t->weight->dtype;
    const int64_t n = t->results * t->n, *index = hone__data(t->index);
    hone_tensor *begin = hone_zeros(HONE_I64, extent + 2), *results = hone_empty(HONE_I64, n);
    hone_tensor *weight = hone_empty(dtype, n);
    if (!begin || !results || !weight)
        return false;
    int64_t *next = (int64_t *)hone__data(begin) + 1; /* of element i, while they are put in */
    for (int64_t k = 0; k < n; k++)
        next[index[k] + 1]++;
    for (int64_t i = 0; i < extent; i++)
        next[i + 1] += next[i];
    for (int64_t k = 0; k < n; k++) {
        const int64_t at = next[index[k]]++;
        ((int64_t *)hone__data(results))[at] = k / t->n;
        if (dtype == HONE_F32)
            ((float *)hone__data(weight))[at] = ((const float *)hone__data(t->weight))[k];
        else
            ((double *)hone__data(weight))[at] = ((const double *)hone__data(t->weight))[k];
    }
    *to = (hone__taps){ extent, hone__data(begin), hone__data(results), hone__data(weight) };
    return true;
}

/* All axes' taps; those of depth and height that aren't there are one. */
static bool make_taps(const hone_interpolate_options *o, hone_dtype dtype, int dims,
                      const scaling *axes, bool turned, hone__taps *taps)
{
    static const int64_t begin[] = { 0, 1 }, index[] = { 0 };
    for (int d = 0; d < 3; d++) {
        taps[d] = (hone__taps){ 1, begin, index, NULL };
        if (d < 3 - dims)
            continue;
        const scaling *a = &axes[d - 3 + dims];
        forward_taps t;
        if (!make_forward(o, dtype, a, &t) ||
            !(turned ? as_turned_taps(&t, a->in, &taps[d]) : as_taps(&t, &taps[d])))
            return false;
    }
    return true;
}

/* ---- the ops */

static bool run(hone_context *ctx, const hone_tensor *x, const scaling *axes, bool turned,
                hone_tensor **out)
{
    const int dims = x->ndim - 2;
    hone__shape shape = hone__shape_of(x);
    hone__taps taps[3];
    for (int d = 0; d < dims; d++)
        shape.shape[2 + d] = turned ? axes[d].in : axes[d].out;
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    if (!y || y->numel == 0)
        return y;
    const options *o = hone__options(ctx);
    if (!make_taps(&o->o, (hone_dtype)x->dtype, dims, axes, turned, taps))
        return false;
    hone__resample(x, dims, taps, y);
    return true;
}

/* u8 by way of f32: exact where elements are taken as they are, else rounded to the nearest number. */
static bool bytes(hone_context *ctx, const options *o, hone_tensor *x, hone_tensor **out)
{
    hone_tensor *y = hone__call(&hone__op_interpolate, IN(hone_to(x, HONE_F32)), o);
    y = hone_to(hone_clamp(hone_round(y), 0, 255), HONE_U8);
    out[0] = y ? hone__out(ctx, 0, HONE_U8, y->ndim, y->shape) : NULL;
    return out[0] && hone__copy_elements(out[0], y);
}

static bool interpolate_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                hone_tensor **out)
{
    const options *o = hone__options(ctx);
    const hone_tensor *x = in[0];
    scaling axes[3];
    (void)n_in;
    if (x->dtype == HONE_U8)
        return suits_x(x, true) && bytes(ctx, o, in[0], out);
    return suits_x(x, false) && suits_mode(&o->o, x) &&
           take_sizes(&o->o, x->ndim - 2, x->shape + 2, axes) && run(ctx, x, axes, false, out);
}

static void interpolate_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    options o = *(const options *)hone__options(ctx);
    for (int d = 0; d < 3; d++)
        o.extent[d] = d < x->ndim - 2 ? x->shape[2 + d] : 0;
    dx[0] = hone__call(&hone__op_interpolate_backward, IN(dy[0]), &o);
}

const hone__op hone__op_interpolate = {
    .name = "interpolate",
    .forward = interpolate_forward,
    .backward = interpolate_backward,
    .in = { { "x" } },
    .options = table,
    .options_bytes = sizeof(options),
};

hone_tensor *hone_interpolate(hone_tensor *x, const hone_interpolate_options *options_)
{
    const hone_interpolate_options none = { .align_corners = false };
    const options given = { .o = options_ ? *options_ : none };
    options plain;
    return HONE__KNOWS_OPTIONS("interpolate", options_) &&
                   hone__options_resolve(&hone__op_interpolate, &given, &plain)
               ? hone__call(&hone__op_interpolate, IN(x), &plain)
               : NULL;
}

/* dy of a result, options and extents of its x. */
static bool interpolate_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                         hone_tensor **out)
{
    const options *o = hone__options(ctx);
    scaling axes[3];
    (void)n_in;
    return take_sizes(&o->o, in[0]->ndim - 2, o->extent, axes) && run(ctx, in[0], axes, true, out);
}

static void interpolate_backward_backward(hone_context *ctx, hone_tensor *const *u,
                                          hone_tensor **dx)
{
    dx[0] = hone__call(&hone__op_interpolate, IN(u[0]), hone__options(ctx));
}

const hone__op hone__op_interpolate_backward = {
    .name = "interpolate_backward",
    .forward = interpolate_backward_forward,
    .backward = interpolate_backward_backward,
    .in = { { "dy" } },
    .options = backward_table,
    .options_bytes = sizeof(options),
    .forms = HONE__PRIVATE,
};
