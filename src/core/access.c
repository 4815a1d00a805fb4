/* access.c: reading and writing elements one by one, for looking at tensors and for tests. */
#include "core/access.h"
#include "core/core.h"
#include "core/half.h"
#include "runtime/fpmode.h"
#include "runtime/memory.h"

#include <math.h>
#include <string.h>

double hone__element(hone_dtype dtype, const void *p)
{
#define ELEMENT(NAME, name, type, ...)                                                             \
    case HONE_##NAME:                                                                              \
        return (double)*(const type *)p;
    switch (dtype) {
        HONE__EACH_DTYPE(ELEMENT, )
    case HONE_BF16:
        return (double)hone__f32_of_bits(hone__bf16_bits(*(const uint16_t *)p));
    case HONE_F16:
        return (double)hone__f32_of_bits(hone__f16_bits(*(const uint16_t *)p));
    }
    return NAN;
#undef ELEMENT
}

int64_t hone__element_i64(hone_dtype dtype, const void *p)
{
    if (dtype == HONE_I64)
        return *(const int64_t *)p;
    const double value = hone__element(dtype, p);
    if (value != value)
        return 0;
    if (value >= 0x1p63)
        return INT64_MAX;
    return value < -0x1p63 ? INT64_MIN : (int64_t)value;
}

/* Visits rows along the last dim in row-major order; stops when `row` says false. */
bool hone__visit_rows(const hone_tensor *t, hone__row_fn row, void *user)
{
    if (t->numel == 0)
        return true;
    const size_t size = hone_dtype_size((hone_dtype)t->dtype);
    const int outer = t->ndim > 0 ? t->ndim - 1 : 0;
    const int64_t n = t->ndim > 0 ? t->shape[outer] : 1;
    const int64_t stride = t->ndim > 0 ? t->stride[outer] : 1;
    const char *p = hone__data(t);
    int64_t index[HONE_MAX_DIMS] = { 0 };
    for (;;) {
        if (!row(user, p, n, stride))
            return false;
        int d = outer - 1;
        for (; d >= 0; d--) {
            p += t->stride[d] * (int64_t)size;
            if (++index[d] < t->shape[d])
                break;
            p -= t->stride[d] * t->shape[d] * (int64_t)size;
            index[d] = 0;
        }
        if (d < 0)
            return true;
    }
}

/* ---- single elements ---------------------------------------------------------------------- */

static bool one_element(const char *where, const hone_tensor *t)
{
    if (!hone__needs_tensor(where, t))
        return false;
    if (t->numel == 1)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: exactly one element is wanted, not %s", where,
                   hone__tensor_text(t).s);
    return false;
}

double hone_item(hone_tensor *t)
{
    HONE__FP_GUARD();
    return one_element("item", t) ? hone__element((hone_dtype)t->dtype, hone__data(t)) : NAN;
}

int64_t hone_item_i64(hone_tensor *t)
{
    HONE__FP_GUARD();
    return one_element("item_i64", t) ? hone__element_i64((hone_dtype)t->dtype, hone__data(t)) : 0;
}

double hone_at_v(hone_tensor *t, const int64_t *indices_then_end)
{
    HONE__FP_GUARD();
    hone__shape at;
    if (!hone__needs_tensor("at", t) || !hone__read_dims("at", indices_then_end, &at))
        return NAN;
    if (at.ndim != t->ndim) {
        hone_error_set(HONE_E_INDEX, "at: %d indices for %s", at.ndim, hone__tensor_text(t).s);
        return NAN;
    }
    int64_t offset = 0;
    for (int d = 0; d < at.ndim; d++) {
        const int64_t n = t->shape[d], i = at.shape[d] < 0 ? at.shape[d] + n : at.shape[d];
        if (i < 0 || i >= n) {
            hone_error_set(HONE_E_INDEX, "at: index %lld is out of range for dim %d of %s",
                           (long long)at.shape[d], d, hone__tensor_text(t).s);
            return NAN;
        }
        offset += i * t->stride[d];
    }
    const size_t size = hone_dtype_size((hone_dtype)t->dtype);
    return hone__element((hone_dtype)t->dtype,
                         (const char *)hone__data(t) + offset * (int64_t)size);
}

/* ---- all elements ------------------------------------------------------------------------- */

void hone__make_bools(uint8_t *at, int64_t n, int64_t stride)
{
    for (int64_t i = 0; i < n; i++)
        at[i * stride] = at[i * stride] != 0;
}

struct copy {
    char *plain; /* the next element of the row-major side */
    size_t size;
    bool in, bools;
};

static bool copy_row(void *user, const char *p, int64_t n, int64_t stride)
{
    struct copy *copy = user;
    const size_t size = copy->size, bytes = (size_t)n * size;
    char *row = (char *)p; /* of a tensor, never of a constant */
    if (stride == 1 || n == 1) {
        memcpy(copy->in ? row : copy->plain, copy->in ? copy->plain : row, bytes);
    } else {
        const int64_t step = stride * (int64_t)size;
        char *to = row;
        for (size_t at = 0; at < bytes; at += size, to += step)
            memcpy(copy->in ? to : copy->plain + at, copy->in ? copy->plain + at : to, size);
    }
    if (copy->in && copy->bools)
        hone__make_bools((uint8_t *)row, n, stride);
    copy->plain += bytes;
    return true;
}

static hone_status copy_all(const char *where, hone_tensor *t, char *data, size_t bytes, bool in)
{
    const size_t size = hone_dtype_size((hone_dtype)t->dtype);
    int64_t wanted;
    if (!hone__times(t->numel, (int64_t)size, &wanted)) /* an expanded tensor can have so many */
        return hone_error_set(HONE_E_SHAPE, "%s: %s has more bytes than an int64 can count", where,
                              hone__tensor_text(t).s);
    if (bytes != (size_t)wanted)
        return hone_error_set(HONE_E_SHAPE, "%s: %zu bytes were given, %s has %lld", where, bytes,
                              hone__tensor_text(t).s, (long long)wanted);
    if (!data && wanted > 0)
        return hone__error_missing(where, "memory");
    struct copy copy = { data, size, in, t->dtype == HONE_BOOL };
    hone__visit_rows(t, copy_row, &copy);
    return HONE_OK;
}

bool hone__overlaps_itself(const hone_tensor *t)
{
    for (int d = 0; d < t->ndim; d++)
        if (t->shape[d] > 1 && t->stride[d] == 0)
            return t->numel > 0;
    return false;
}

hone_status hone_copy_out(hone_tensor *t, void *data, size_t bytes)
{
    if (!hone__needs_tensor("copy_out", t))
        return hone__error_last();
    return copy_all("copy_out", t, data, bytes, false);
}

hone_status hone__can_copy_in(const char *where, const hone_tensor *t)
{
    if (!hone__needs_tensor(where, t))
        return hone__error_last();
    if (t->node)
        return hone_error_set(HONE_E_STATE,
                              "%s: %s was computed from tensors that require a gradient; detach it",
                              where, hone__tensor_text(t).s);
    if (hone__overlaps_itself(t))
        return hone_error_set(HONE_E_STATE,
                              "%s: %s is expanded: several elements share one place in memory",
                              where, hone__tensor_text(t).s);
    return HONE_OK;
}

hone_status hone_copy_in(hone_tensor *t, const void *data, size_t bytes)
{
    hone_status status = hone__can_copy_in("copy_in", t);
    if (status == HONE_OK)
        status = copy_all("copy_in", t, (char *)data, bytes, true);
    if (status == HONE_OK)
        hone__bump(t);
    return status;
}

/* ---- comparing ---------------------------------------------------------------------------- */

struct compare {
    const hone_tensor *a;
    int64_t at; /* row-major index of b's row in a */
    double rtol, atol;
    bool exact;
};

static const char *element_at(const hone_tensor *t, int64_t index)
{
    int64_t offset = 0;
    for (int d = t->ndim - 1; d >= 0; d--) {
        offset += index % t->shape[d] * t->stride[d];
        index /= t->shape[d];
    }
    return (const char *)hone__data(t) + offset * (int64_t)hone_dtype_size((hone_dtype)t->dtype);
}

static bool same(const struct compare *compare, hone_dtype dtype, const char *a, const char *b)
{
    if (dtype == HONE_I64 && compare->exact)
        return *(const int64_t *)a == *(const int64_t *)b;
    const double x = hone__element(dtype, a), y = hone__element(dtype, b);
    if (compare->exact || x == y)
        return x == y;
    if (x != x || y != y)
        return x != x && y != y;
    return isfinite(x) && isfinite(y) && fabs(x - y) <= compare->atol + compare->rtol * fabs(y);
}

static bool compare_row(void *user, const char *p, int64_t n, int64_t stride)
{
    struct compare *compare = user;
    const hone_tensor *a = compare->a;
    const hone_dtype dtype = (hone_dtype)a->dtype;
    const int64_t size = (int64_t)hone_dtype_size(dtype);
    const int64_t a_stride = a->ndim > 0 ? a->stride[a->ndim - 1] : 1;
    const char *q = element_at(a, compare->at);
    for (int64_t i = 0; i < n; i++)
        if (!same(compare, dtype, q + i * a_stride * size, p + i * stride * size))
            return false;
    compare->at += n;
    return true;
}

static bool compare_all(const char *where, hone_tensor *a, hone_tensor *b, struct compare *compare)
{
    if (!hone__needs_tensor(where, a) || !hone__needs_tensor(where, b))
        return false;
    if (a->dtype != b->dtype || !hone__same_shape(a, b))
        return false;
    HONE__FP_GUARD();
    compare->a = a;
    return hone__visit_rows(b, compare_row, compare);
}

bool hone_equal(hone_tensor *a, hone_tensor *b)
{
    struct compare compare = { .exact = true };
    return compare_all("equal", a, b, &compare);
}

bool hone_allclose(hone_tensor *a, hone_tensor *b, double rtol, double atol)
{
    struct compare compare = { .rtol = rtol, .atol = atol };
    return compare_all("allclose", a, b, &compare);
}
