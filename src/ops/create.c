/* create.c: tensors from nothing. They record nothing, so they are plain functions and no ops. */
#include "core/access.h"
#include "loops/elementwise.h"
#include "core/core.h"

#include <hone/ops.h>
#include "runtime/fpmode.h"

#include <math.h>
#include <string.h>

/* A fresh tensor that the current scope owns. */
static hone_tensor *create(const char *name, hone_dtype dtype, int ndim, const int64_t *shape)
{
    return hone__ready() ? hone__own(hone__new(name, dtype, ndim, shape)) : NULL;
}

static hone_tensor *create_v(const char *name, hone_dtype dtype, const int64_t *dims_end)
{
    hone__shape shape;
    return hone__read_dims(name, dims_end, &shape) ? create(name, dtype, shape.ndim, shape.shape)
                                                   : NULL;
}

/* For lists that begin with the dtype. */
static hone_tensor *create_dtype_v(const char *name, const int64_t *dtype_dims_end)
{
    if (!dtype_dims_end) {
        hone__error_null(name);
        return NULL;
    }
    const int64_t dtype = dtype_dims_end[0];
    if (dtype < 0 || dtype >= HONE_DTYPES) {
        hone_error_set(HONE_E_DTYPE, "%s: the first argument is a dtype, and %lld is none", name,
                       (long long)dtype);
        return NULL;
    }
    return create_v(name, (hone_dtype)dtype, dtype_dims_end + 1);
}

static hone_tensor *filled(hone_tensor *t, double value)
{
    HONE__FP_GUARD();
    if (t)
        hone__fill_elements(t, value);
    return t;
}

/* ---- empty, zeros, ones, full, scalar */

hone_tensor *hone_empty_v(const int64_t *dtype_dims_end)
{
    return create_dtype_v("empty", dtype_dims_end);
}

hone_tensor *hone_zeros_v(const int64_t *dtype_dims_end)
{
    return filled(create_dtype_v("zeros", dtype_dims_end), 0);
}

hone_tensor *hone_ones_v(const int64_t *dtype_dims_end)
{
    return filled(create_dtype_v("ones", dtype_dims_end), 1);
}

hone_tensor *hone_full_v(hone_dtype dtype, double value, const int64_t *dims_end)
{
    return hone__number_fits("full", dtype, value)
               ? filled(create_v("full", dtype, dims_end), value)
               : NULL;
}

hone_tensor *(hone_scalar)(hone_dtype dtype, double value)
{
    return hone__number_fits("scalar", dtype, value)
               ? filled(create("scalar", dtype, 0, NULL), value)
               : NULL;
}

/* ---- from_data */

hone_tensor *hone_from_data_v(hone_dtype dtype, const void *data, const int64_t *dims_end)
{
    if (!data) {
        hone__error_null("from_data");
        return NULL;
    }
    hone_tensor *t = create_v("from_data", dtype, dims_end);
    if (!t || t->numel == 0)
        return t;
    memcpy(hone__data(t), data, (size_t)t->numel * hone_dtype_size(dtype));
    if (dtype == HONE_BOOL)
        hone__make_bools(hone__data(t), t->numel, 1);
    return t;
}

/* ---- arange, eye */

/* start + i * step for i < n: integers as integers, anything else in double, cast as hone_to
 * does. */
typedef struct {
    int64_t n;
    double start, step;
    bool whole;
    int64_t whole_start, whole_step;
} range;

static bool is_whole(double x)
{
    return x >= -0x1p63 && x < 0x1p63 && x == floor(x);
}

static bool no_range(double start, double end, double step)
{
    hone_error_set(HONE_E_VALUE, "arange: no way from %g to %g in steps of %g", start, end, step);
    return false;
}

/* Everything is between start and end, so that nothing overflows; 2^63 may be the end. */
static bool plan_whole(range *r, hone_dtype dtype, double end)
{
    const bool up = r->step > 0;
    const double last_end = up ? ceil(end) : floor(end);
    if (!(up ? last_end >= r->start : last_end <= r->start) || fabs(last_end) > 0x1p63)
        return no_range(r->start, end, r->step);
    const uint64_t from = (uint64_t)r->whole_start, by = (uint64_t)r->whole_step;
    const uint64_t to = last_end == 0x1p63 ? (uint64_t)1 << 63 : (uint64_t)(int64_t)last_end;
    /* one less than the distance, which may be 2^64 */
    const uint64_t inside = up ? to - 1 - from : from - 1 - to;
    const uint64_t steps = last_end == r->start ? 0 : inside / (up ? by : -by);
    if (steps >= (uint64_t)1 << 53)
        return no_range(r->start, end, r->step);
    r->n = last_end == r->start ? 0 : (int64_t)steps + 1;
    const int64_t last = (int64_t)(from + steps * by);
    return r->n == 0 || dtype == HONE_I64 ||
           (hone__number_fits("arange", dtype, r->start) &&
            hone__number_fits("arange", dtype, (double)last));
}

static bool plan_real(range *r, hone_dtype dtype, double end)
{
    const double count = ceil((end - r->start) / r->step);
    if (!(count >= 0 && count <= 0x1p53))
        return no_range(r->start, end, r->step);
    r->n = (int64_t)count;
    if (r->n == 0 || hone_dtype_is_float(dtype))
        return true;
    const double last = r->start + (count - 1) * r->step;
    if (fabs(r->start) > 0x1p53 || fabs(last) > 0x1p53) {
        hone_error_set(HONE_E_VALUE,
                       "arange: from %g in steps of %g to %s, but fractions past 2^53 are lost",
                       r->start, r->step, hone_dtype_name(dtype));
        return false;
    }
    return hone__number_fits("arange", dtype, r->start) && hone__number_fits("arange", dtype, last);
}

static bool plan_range(range *r, hone_dtype dtype, double start, double end, double step)
{
    if (!isfinite(start) || !isfinite(end) || !isfinite(step) || step == 0)
        return no_range(start, end, step);
    *r = (range){ .start = start, .step = step };
    r->whole = !hone_dtype_is_float(dtype) && is_whole(start) && is_whole(step);
    if (!r->whole)
        return plan_real(r, dtype, end);
    r->whole_start = (int64_t)start;
    r->whole_step = (int64_t)step;
    return plan_whole(r, dtype, end);
}

enum { STRETCH = 256 };

static void fill_range(hone_tensor *t, const range *r)
{
    const size_t size = hone_dtype_size((hone_dtype)t->dtype);
    const hone__cast_fn cast = hone__k->cast[r->whole ? HONE__I64 : HONE__F64][t->dtype];
    union {
        double real[STRETCH];
        int64_t whole[STRETCH];
    } values;
    for (int64_t begin = 0; begin < r->n; begin += STRETCH) {
        const int64_t n = r->n - begin < STRETCH ? r->n - begin : STRETCH;
        for (int64_t i = 0; i < n; i++) {
            if (r->whole)
                values.whole[i] = (int64_t)((uint64_t)r->whole_start +
                                            (uint64_t)(begin + i) * (uint64_t)r->whole_step);
            else
                values.real[i] = r->start + (double)(begin + i) * r->step;
        }
        cast(n, (char *)hone__data(t) + (size_t)begin * size, 1, &values, 1);
    }
}

hone_tensor *(hone_arange)(hone_dtype dtype, double start, double end, double step)
{
    HONE__FP_GUARD();
    range r;
    if (!plan_range(&r, dtype, start, end, step))
        return NULL;
    hone_tensor *t = create("arange", dtype, 1, &r.n);
    if (t)
        fill_range(t, &r);
    return t;
}

/* Element i of n from start to end, from the end it is nearer to. */
static double between(double start, double end, int64_t n, int64_t i)
{
    const double step = n > 1 ? (end - start) / (double)(n - 1) : 0;
    return i < n / 2 || n == 1 ? start + (double)i * step : end - (double)(n - 1 - i) * step;
}

hone_tensor *(hone_linspace)(hone_dtype dtype, double start, double end, int64_t steps)
{
    HONE__FP_GUARD();
    if (steps < 0) {
        hone_error_set(HONE_E_VALUE, "linspace: %lld steps, 0 or more are wanted",
                       (long long)steps);
        return NULL;
    }
    if (!hone__number_fits("linspace", dtype, start) || !hone__number_fits("linspace", dtype, end))
        return NULL;
    hone_tensor *t = create("linspace", dtype, 1, &steps);
    if (!t)
        return NULL;
    const size_t size = hone_dtype_size(dtype);
    double values[STRETCH];
    for (int64_t begin = 0; begin < steps; begin += STRETCH) {
        const int64_t n = steps - begin < STRETCH ? steps - begin : STRETCH;
        for (int64_t i = 0; i < n; i++)
            values[i] = between(start, end, steps, begin + i);
        hone__k->cast[HONE__F64][dtype](n, (char *)hone__data(t) + (size_t)begin * size, 1, values,
                                        1);
    }
    return t;
}

hone_tensor *(hone_eye)(hone_dtype dtype, int64_t n, int64_t m)
{
    hone_tensor *t = filled(create("eye", dtype, 2, (const int64_t[]){ n, m }), 0);
    if (!t)
        return NULL;
    uint64_t one;
    const size_t size = hone_dtype_size(dtype);
    hone__number(dtype, 1, &one);
    for (int64_t i = 0; i < n && i < m; i++)
        memcpy((char *)hone__data(t) + (size_t)(i * m + i) * size, &one, size);
    return t;
}

/* ---- like another tensor */

static hone_tensor *create_like(const char *name, const hone_tensor *x)
{
    return hone__needs_tensor(name, x) ? create(name, (hone_dtype)x->dtype, x->ndim, x->shape)
                                       : NULL;
}

hone_tensor *hone_empty_like(hone_tensor *x)
{
    return create_like("empty_like", x);
}

hone_tensor *hone_zeros_like(hone_tensor *x)
{
    return filled(create_like("zeros_like", x), 0);
}

hone_tensor *hone_ones_like(hone_tensor *x)
{
    return filled(create_like("ones_like", x), 1);
}

hone_tensor *hone_full_like(hone_tensor *x, double value)
{
    return hone__needs_tensor("full_like", x) &&
                   hone__number_fits("full_like", (hone_dtype)x->dtype, value)
               ? filled(create_like("full_like", x), value)
               : NULL;
}
