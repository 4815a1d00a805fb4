/* fractional_pool.c: FractionalMaxPool2d and 3d: maxima of windows that overlap or skip elements by
 * chance, so that planes shrink by a fraction: Graham, Fractional max-pooling (2014). Window i of n
 * along a dim begins at floor((i + u) a) - floor(u a), a = (extent - window) / (n - 1), the last at
 * extent - window; u in [0, 1) is drawn for each plane and dim. As in PyTorch, u's are [N, C, 2] of
 * width, height, or [N, C, 3] of depth, height, width, and that arithmetic is x's own, f32 or f64.
 * The windows are gathered, a dim at a time, and then pooled: memory is their number times their
 * size. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/autograd.h>
#include <hone/index.h>
#include <hone/ops.h>
#include <hone/pool.h>

#include <math.h>

enum { KERNEL, SIZE, RATIO, INDICES };
#define FRACTIONAL(dims)                                                                            \
    [KERNEL] = { "kernel_size", HONE__WHOLES, .count = (dims), .min = 1, .max = INFINITY, SILENT }, \
    [SIZE] = { "output_size", HONE__WHOLES, "None",          .count = (dims),                       \
               .none = true,  .min = 1,     .max = INFINITY, SILENT },                              \
    [RATIO] = { "output_ratio", HONE__REALS, "None", .count = (dims), .none = true, SILENT },       \
    [INDICES] = { "return_indices", HONE__TRUTH, "False", SILENT }
#define SILENT .shown = HONE__HIDDEN_ARGUMENT

typedef struct {
    hone__plain plain;
    int dims;
    double ratio[3]; /* 0: output_size says it */
} fractional;

static bool refuses_ratio(const hone__layer *layer)
{
    hone_error_set(HONE_E_VALUE,
                   "%s: output_ratio is one number or one for each dim, more than 0 and less than "
                   "1",
                   layer->name);
    return false;
}

static bool read_ratio(fractional *l, const hone__argument *a)
{
    if (a->none)
        return true;
    HONE_SCOPE();
    hone_tensor *ratio = hone__argument_tensor(a, HONE_F64);
    if (!ratio)
        return false;
    if (ratio->numel != 1 && ratio->numel != l->dims)
        return refuses_ratio(l->plain.layer);
    for (int d = 0; d < l->dims; d++) {
        l->ratio[d] = ((const double *)hone__data(ratio))[ratio->numel == 1 ? 0 : d];
        if (!(l->ratio[d] > 0 && l->ratio[d] < 1))
            return refuses_ratio(l->plain.layer);
    }
    return true;
}

static hone_module *fractional_new(const hone__layer *layer, const hone__argument *a, int dims)
{
    if (a[INDICES].truth)
        return hone__argument_refused(layer->name, "return_indices", "a layer gives one tensor");
    if (a[SIZE].none == a[RATIO].none) {
        hone_error_set(HONE_E_VALUE, "%s: wants either output_size or output_ratio", layer->name);
        return NULL;
    }
    fractional *l = (fractional *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    l->dims = dims;
    if (read_ratio(l, &a[RATIO]))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

/* ---- where windows begin */

typedef struct {
    int64_t extent, window, n;
    bool narrow; /* the arithmetic is f32's */
} row;

/* Of one operation that was made in f64. */
static double rounded(const row *r, double value)
{
    return r->narrow ? (double)(float)value : value;
}

static int64_t begins_at(const row *r, double u, int64_t i)
{
    const int64_t last = r->extent - r->window;
    if (i == r->n - 1)
        return last;
    const double a = rounded(r, (double)last / (double)(r->n - 1));
    const int64_t at =
        (int64_t)rounded(r, rounded(r, (double)i + u) * a) - (int64_t)rounded(r, u * a);
    return at < last ? at : last;
}

/* The elements of the windows along a dim, one window after the other: i64 of x's shape, with the
 * windows in place of that dim. u: of a plane, `step` numbers from the next plane's. */
static hone_tensor *elements(const hone_tensor *x, const row *r, int dim, const double *u, int step)
{
    int64_t shape[HONE_MAX_DIMS + 1], room[HONE_MAX_DIMS + 2] = { HONE_I64 };
    for (int d = 0; d < x->ndim; d++) {
        shape[d] = d == dim ? r->n * r->window : x->shape[d];
        room[d + 1] = d == dim || d < 2 ? shape[d] : 1;
    }
    shape[x->ndim] = room[x->ndim + 1] = HONE_END_DIM;
    hone_tensor *index = hone_empty_v(room);
    if (!index)
        return NULL;
    int64_t *to = hone__data(index);
    for (int64_t plane = 0; plane < x->shape[0] * x->shape[1]; plane++)
        for (int64_t i = 0; i < r->n; i++) {
            const int64_t begin = begins_at(r, u[plane * step], i);
            for (int64_t k = 0; k < r->window; k++)
                *to++ = begin + k;
        }
    return hone_expand_v(index, shape);
}

/* ---- forward */

static bool suits(const fractional *l, const hone_tensor *x)
{
    const char *name = l->plain.layer->name;
    if (hone_dtype_is_float((hone_dtype)x->dtype) &&
        (x->ndim == l->dims + 1 || x->ndim == l->dims + 2))
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: wants floats of %d dims, or %d for one sample, got %s", name,
                   l->dims + 2, l->dims + 1, hone__tensor_text(x).s);
    return false;
}

/* f64 [N, C, dims], given or drawn; NULL + the error. */
static hone_tensor *samples(const fractional *l, hone_tensor *x, hone_tensor *given)
{
    if (given == HONE_NONE)
        return hone_to(hone_rand(HONE_F32, x->shape[0], x->shape[1], l->dims), HONE_F64);
    if (!hone_dtype_is_float((hone_dtype)given->dtype) || given->ndim != 3 ||
        given->shape[0] != x->shape[0] || given->shape[1] != x->shape[1] ||
        given->shape[2] != l->dims) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: the random samples are %s, floats [%lld, %lld, %d] are wanted",
                       l->plain.layer->name, hone__tensor_text(given).s, (long long)x->shape[0],
                       (long long)x->shape[1], l->dims);
        return NULL;
    }
    hone_tensor *u = hone_contiguous(hone_to(hone_detach(given), HONE_F64));
    for (int64_t i = 0; u && i < u->numel; i++) {
        const double value = ((const double *)hone__data(u))[i];
        if (value >= 0 && value < 1)
            continue;
        hone_error_set(HONE_E_VALUE, "%s: random sample %lld is %g, 0 to below 1 is wanted",
                       l->plain.layer->name, (long long)i, value);
        return NULL;
    }
    return u;
}

static bool plan(const fractional *l, const hone_tensor *x, int d, row *r)
{
    const hone__argument *a = l->plain.at;
    const int64_t extent = x->shape[2 + d];
    *r = (row){ .extent = extent, .window = a[KERNEL].at[d], .narrow = x->dtype != HONE_F64 };
    r->n = a[SIZE].none ? (int64_t)((double)extent * l->ratio[d]) : a[SIZE].at[d];
    if (r->n >= 1 && r->window <= extent && r->n <= extent - r->window + 1)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: %lld windows of %lld don't fit dim %d of %s",
                   l->plain.layer->name, (long long)r->n, (long long)r->window, 2 + d,
                   hone__tensor_text(x).s);
    return false;
}

static hone_tensor *pooled(const fractional *l, hone_tensor *x)
{
    const int64_t *k = l->plain.at[KERNEL].at;
    if (l->dims == 2)
        return hone_max_pool2d(x, &(hone_max_pool2d_options){ .kernel_size = { k[0], k[1] } });
    return hone_max_pool3d(x, &(hone_max_pool3d_options){ .kernel_size = { k[0], k[1], k[2] } });
}

static hone_tensor *fractional_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const fractional *l = (const fractional *)self;
    if ((n_in != 2 && !hone__takes_inputs(self, n_in, 1)) || !suits(l, in[0]))
        return NULL;
    const bool alone = in[0]->ndim == l->dims + 1;
    hone_tensor *x = alone ? hone_unsqueeze(in[0], 0) : in[0];
    row rows[3];
    for (int d = 0; d < l->dims; d++)
        if (!x || !plan(l, x, d, &rows[d]))
            return NULL;
    hone_tensor *u = samples(l, x, n_in == 2 ? in[1] : HONE_NONE);
    for (int d = 0; u && x && d < l->dims; d++) {
        const int of = l->dims == 2 ? 1 - d : d;
        x = hone_gather(x, 2 + d,
                        elements(x, &rows[d], 2 + d, (double *)hone__data(u) + of, l->dims));
    }
    x = u && x ? pooled(l, x) : NULL;
    return alone ? hone_squeeze(x, 0) : x;
}

#define LAYER(name_, dims)                                                                         \
    static const hone__parameter arguments##dims[] = { FRACTIONAL(dims), { 0 } };                  \
    extern const hone__layer hone__layer_##name_;                                                  \
    static hone_module *make##dims(const hone__argument *a)                                        \
    {                                                                                              \
        return fractional_new(&hone__layer_##name_, a, dims);                                      \
    }                                                                                              \
    const hone__layer hone__layer_##name_ = { .name = #name_,                                      \
                                              .arguments = arguments##dims,                        \
                                              .make = make##dims,                                  \
                                              .type = { .name = #name_,                            \
                                                        .size = sizeof(fractional),                \
                                                        .forward = fractional_forward,             \
                                                        .print = hone__plain_print } };
LAYER(FractionalMaxPool2d, 2)
LAYER(FractionalMaxPool3d, 3)
