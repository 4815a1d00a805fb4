/* create.c: tensors from nothing. They record nothing, so they are plain functions and no ops. */
#include "core/access.h"
#include "ops/elementwise.h"
#include "ops/op.h"
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

hone_tensor *hone_scalar(hone_dtype dtype, double value)
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

/* start + i * step in double, cast as hone_to does. */
static void fill_range(hone_tensor *t, double start, double step)
{
    const size_t size = hone_dtype_size((hone_dtype)t->dtype);
    const hone__cast_fn cast = hone__k->cast[HONE__F64][t->dtype];
    double values[256];
    for (int64_t begin = 0; begin < t->numel; begin += 256) {
        const int64_t n = t->numel - begin < 256 ? t->numel - begin : 256;
        for (int64_t i = 0; i < n; i++)
            values[i] = start + (double)(begin + i) * step;
        cast(n, (char *)hone__data(t) + (size_t)begin * size, 1, values, 1);
    }
}

hone_tensor *hone_arange(hone_dtype dtype, double start, double end, double step)
{
    HONE__FP_GUARD();
    const double count = ceil((end - start) / step);
    if (!isfinite(start) || !isfinite(end) || !isfinite(step) || step == 0 || count < 0 ||
        count > 0x1p53) {
        hone_error_set(HONE_E_VALUE, "arange: no way from %g to %g in steps of %g", start, end,
                       step);
        return NULL;
    }
    const int64_t n = (int64_t)count;
    if (n > 0 && (!hone__number_fits("arange", dtype, start) ||
                  !hone__number_fits("arange", dtype, start + (double)(n - 1) * step)))
        return NULL;
    hone_tensor *t = create("arange", dtype, 1, &n);
    if (t && n > 0)
        fill_range(t, start, step);
    return t;
}

hone_tensor *hone_eye(hone_dtype dtype, int64_t n, int64_t m)
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
