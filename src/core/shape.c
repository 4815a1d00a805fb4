/* shape.c: extents, strides, broadcasting, and how they are written in messages. */
#include "core/core.h"
#include "runtime/memory.h"

#include <string.h>

hone__text hone__shape_text(int ndim, const int64_t *shape)
{
    hone__text text;
    int at = hone__format(text.s, sizeof text.s, "[");
    for (int d = 0; d < ndim && at < (int)sizeof text.s; d++)
        at += hone__format(text.s + at, sizeof text.s - (size_t)at, "%s%lld", d ? ", " : "",
                           (long long)shape[d]);
    if (at < (int)sizeof text.s)
        at += hone__format(text.s + at, sizeof text.s - (size_t)at, "]");
    if (at >= (int)sizeof text.s)
        memcpy(text.s + sizeof text.s - 5, "...]", 5);
    return text;
}

hone__text hone__tensor_text(const hone_tensor *t)
{
    hone__text text;
    if (!t || t == HONE_NONE) {
        hone__format(text.s, sizeof text.s, "%s", t ? "none" : "NULL");
        return text;
    }
    const hone__text shape = hone__shape_text(t->ndim, t->shape);
    hone__format(text.s, sizeof text.s, "%s %.110s", hone_dtype_name((hone_dtype)t->dtype),
                 shape.s);
    return text;
}

int hone__dim_index(const char *op, const hone_tensor *t, int64_t dim)
{
    const int64_t n = t->ndim > 0 ? t->ndim : 1;
    if (dim < -n || dim >= n) {
        hone_error_set(HONE_E_SHAPE, "%s: dim %lld is out of range for %s (%lld..%lld is allowed)",
                       op, (long long)dim, hone__tensor_text(t).s, (long long)-n, (long long)n - 1);
        return -1;
    }
    return (int)(dim < 0 ? dim + n : dim);
}

int64_t hone__numel_of(const char *op, int ndim, const int64_t *shape)
{
    /* An extent of 0 makes every product fit, so overflow is judged on the others alone: a view of
     * an empty tensor must not suddenly have a size that doesn't. */
    int64_t numel = 1;
    bool empty = false, overflow = false;
    for (int d = 0; d < ndim; d++) {
        if (shape[d] < 0) {
            hone_error_set(HONE_E_SHAPE, "%s: negative extent in %s", op,
                           hone__shape_text(ndim, shape).s);
            return -1;
        }
        if (shape[d] == 0)
            empty = true;
        else
            overflow |= !hone__times(numel, shape[d], &numel);
    }
    if (overflow) {
        hone_error_set(HONE_E_SHAPE, "%s: %s has more elements than an int64 can count", op,
                       hone__shape_text(ndim, shape).s);
        return -1;
    }
    return empty ? 0 : numel;
}

static bool broadcast_failed(const char *op, hone_tensor *const *t, int n)
{
    char shapes[400];
    int at = 0;
    for (int i = 0; i < n && at < (int)sizeof shapes; i++)
        if (hone__is_real(t[i]))
            at += hone__format(shapes + at, sizeof shapes - (size_t)at, "%s%s", at ? " and " : "",
                               hone__shape_text(t[i]->ndim, t[i]->shape).s);
    hone_error_set(HONE_E_SHAPE, "%s: shapes can't be broadcast together: %s", op, shapes);
    return false;
}

bool hone__broadcast(const char *op, hone_tensor *const *t, int n, hone__shape *out)
{
    if (n == 2 && hone__is_real(t[0]) && hone__is_real(t[1]) && hone__same_shape(t[0], t[1])) {
        out->ndim = t[0]->ndim;
        for (int d = 0; d < out->ndim; d++)
            out->shape[d] = t[0]->shape[d];
        return true;
    }
    out->ndim = 0;
    for (int i = 0; i < n; i++)
        if (hone__is_real(t[i]) && t[i]->ndim > out->ndim)
            out->ndim = t[i]->ndim;
    for (int d = 0; d < out->ndim; d++)
        out->shape[d] = 1;
    for (int i = 0; i < n; i++) {
        if (!hone__is_real(t[i]))
            continue;
        int64_t *aligned = out->shape + (out->ndim - t[i]->ndim);
        for (int d = 0; d < t[i]->ndim; d++) {
            const int64_t extent = t[i]->shape[d];
            if (aligned[d] == 1)
                aligned[d] = extent;
            else if (extent != 1 && extent != aligned[d])
                return broadcast_failed(op, t, n);
        }
    }
    return true;
}

void hone__broadcast_strides(const hone_tensor *t, const hone__shape *shape, int64_t *stride)
{
    const int missing = shape->ndim - t->ndim;
    for (int d = 0; d < shape->ndim; d++) {
        const bool own = d >= missing && t->shape[d - missing] != 1;
        stride[d] = own ? t->stride[d - missing] : 0;
    }
}

bool hone__read_dims(const char *op, const int64_t *dims_then_end, hone__shape *out)
{
    out->ndim = 0;
    if (!dims_then_end) {
        hone__error_null(op);
        return false;
    }
    for (const int64_t *dim = dims_then_end; *dim != HONE_END_DIM; dim++) {
        if (out->ndim == HONE_MAX_DIMS) {
            hone_error_set(HONE_E_SHAPE, "%s: more than %d dims were given", op, HONE_MAX_DIMS);
            return false;
        }
        out->shape[out->ndim++] = *dim;
    }
    return true;
}
