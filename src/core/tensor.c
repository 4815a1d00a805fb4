/* tensor.c: handles: how they are made, shared, dropped, and what they answer about themselves. */
#include "core/again.h"
#include "core/core.h"
#include "core/hooks.h"
#include "core/storage.h"
#include "runtime/memory.h"

#include <string.h>

hone_tensor hone_none;
hone_tensor hone_end_tensor;

void (*hone__node_release)(hone_context *node);
void (*hone__later_free)(struct hone__later *later);

/* ---- making ------------------------------------------------------------------------------- */

/* Checks a shape and gives its elements and bytes; -1 on error. */
static int64_t measure(const char *op, hone_dtype dtype, int ndim, const int64_t *shape,
                       size_t *bytes)
{
    const size_t size = hone_dtype_size(dtype);
    if (size == 0) {
        hone_error_set(HONE_E_DTYPE, "%s: %d is no dtype", op, (int)dtype);
        return -1;
    }
    if (ndim < 0 || ndim > HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "%s: %d dims, but 0 to %d are possible", op, ndim,
                       HONE_MAX_DIMS);
        return -1;
    }
    const int64_t numel = hone__numel_of(op, ndim, shape);
    int64_t wide;
    if (numel < 0)
        return -1;
    if (!hone__times(numel, (int64_t)size, &wide)) {
        hone_error_set(HONE_E_SHAPE, "%s: %s %s has more bytes than an int64 can count", op,
                       hone_dtype_name(dtype), hone__shape_text(ndim, shape).s);
        return -1;
    }
    *bytes = (size_t)wide;
    return numel;
}

/* Elements, where all extents are positive and the bytes can be counted; 0: measure() sees to it. */
static inline int64_t usual_numel(hone_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t numel = 1;
    if ((unsigned)dtype >= HONE_DTYPES || (unsigned)ndim > HONE_MAX_DIMS)
        return 0;
    for (int d = 0; d < ndim; d++)
        if (shape[d] <= 0 || !hone__times(numel, shape[d], &numel))
            return 0;
    return numel <= INT64_MAX / 16 ? numel : 0;
}

/* A handle onto `storage`, whose reference it takes over; drops it on failure. Shape and strides are
 * still to be written. */
static inline hone_tensor *handle_new(const char *op, hone__storage *storage, hone_dtype dtype,
                                      int ndim, int64_t numel)
{
    if (!storage)
        return NULL;
    hone_tensor *t = hone__obj_take(HONE__OBJ_TENSOR, sizeof *t);
    if (!t) {
        hone__storage_release(storage);
        return NULL;
    }
    /* All but shape and stride, which are most of it and are written as far as they count. */
    memset(t, 0, offsetof(hone_tensor, shape));
    memset(&t->storage, 0, sizeof *t - offsetof(hone_tensor, storage));
    atomic_init(&t->refs, 1);
    atomic_init(&t->state, HONE__LIVE);
    t->made_by = op;
    t->dtype = (uint8_t)dtype;
    t->ndim = (uint8_t)ndim;
    t->numel = numel;
    t->storage = storage;
    return t;
}

static inline hone_tensor *lay_out(hone_tensor *t, int ndim, const int64_t *shape)
{
    int64_t step = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        t->shape[d] = shape[d];
        t->stride[d] = step;
        step *= shape[d] > 1 ? shape[d] : 1;
    }
    t->dense = true;
    return t;
}

hone_tensor *hone__new(const char *op, hone_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t numel = usual_numel(dtype, ndim, shape);
    size_t bytes;
    if (__builtin_expect(numel > 0, 1))
        bytes = (size_t)numel * hone__size_of((uint8_t)dtype);
    else if ((numel = measure(op, dtype, ndim, shape, &bytes)) < 0)
        return NULL;
    hone_tensor *t = handle_new(op, hone__storage_new(bytes), dtype, ndim, numel);
    return t ? lay_out(t, ndim, shape) : NULL;
}

/* Views of whole rows do, as batches and what is reshaped: ops take their short ways with them, too. */
static inline bool lies_densely(const hone_tensor *t)
{
    int64_t step = 1;
    for (int d = t->ndim - 1; d >= 0; d--) {
        if (t->shape[d] == 1)
            continue; /* the stride of an extent of 1 is never used */
        if (t->stride[d] != step)
            return t->numel == 0;
        step *= t->shape[d];
    }
    return true;
}

hone_tensor *hone__alias(const hone_tensor *t, int ndim, const int64_t *shape,
                         const int64_t *stride, int64_t offset)
{
    const int64_t numel = hone__numel_of("alias", ndim, shape);
    if (numel < 0)
        return NULL;
    hone_tensor *view =
        handle_new("alias", hone__storage_retain(t->storage), (hone_dtype)t->dtype, ndim, numel);
    if (!view)
        return NULL;
    for (int d = 0; d < ndim; d++) {
        view->shape[d] = shape[d];
        view->stride[d] = stride[d];
    }
    view->offset = offset;
    view->dense = lies_densely(view);
    return view;
}

hone_tensor *hone__wrap(const char *op, hone_dtype dtype, int ndim, const int64_t *shape,
                        void *data, void (*release)(void *user, void *data), void *user)
{
    size_t bytes;
    const int64_t numel = measure(op, dtype, ndim, shape, &bytes);
    if (numel < 0) {
        if (release)
            release(user, data);
        return NULL;
    }
    hone_tensor *t =
        handle_new(op, hone__storage_wrap(data, bytes, release, user), dtype, ndim, numel);
    return t ? lay_out(t, ndim, shape) : NULL;
}

/* ---- references --------------------------------------------------------------------------- */

hone_tensor *hone_retain(hone_tensor *t)
{
    if (hone__is_real(t))
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    else if (t && t != HONE_NONE && !hone__refuse_tensor("retain", t))
        return NULL;
    return t;
}

void hone_release(hone_tensor *t)
{
    if (!hone__is_real(t)) {
        if (t && t != HONE_NONE)
            hone__refuse_tensor("release", t);
        return;
    }
    /* A gradient may have a gradient in turn: a loop, so that no chain can exhaust the stack. */
    while (t && hone__refs_drop(&t->refs)) {
        hone_tensor *grad = t->grad;
        hone_context *node = t->node;
        if (atomic_load_explicit(&t->held, memory_order_relaxed) && t->later) /* its hooks */
            hone__later_free(t->later);
        hone__storage_release(t->storage);
        atomic_store_explicit(&t->state, HONE__DEAD, memory_order_relaxed);
        hone__obj_free(HONE__OBJ_TENSOR, t);
        if (node)
            hone__node_release(node);
        t = grad;
    }
}

hone_status hone_assign(hone_tensor **slot, hone_tensor *t)
{
    if (!slot)
        return hone__error_missing("assign", "a place for a tensor");
    if (!hone__needs_tensor_or_none("assign", t))
        return hone__error_last();
    hone_retain(t);
    hone_release(*slot);
    *slot = t;
    return HONE_OK;
}

/* ---- questions ---------------------------------------------------------------------------- */

hone_dtype hone_dtype_of(const hone_tensor *t)
{
    return hone__needs_tensor("dtype_of", t) ? (hone_dtype)t->dtype : HONE_F32;
}

int hone_dim(const hone_tensor *t)
{
    return hone__needs_tensor("dim", t) ? t->ndim : -1;
}

/* A 0-d tensor has no extent to ask for, unlike in ops, where it counts as 1-d. */
static int existing_dim(const char *where, const hone_tensor *t, int dim)
{
    if (!hone__needs_tensor(where, t))
        return -1;
    if (t->ndim > 0)
        return hone__dim_index(where, t, dim);
    hone_error_set(HONE_E_SHAPE, "%s: a 0-d tensor has no dim %d", where, dim);
    return -1;
}

int64_t hone_size(const hone_tensor *t, int dim)
{
    const int d = existing_dim("size", t, dim);
    return d < 0 ? -1 : t->shape[d];
}

int64_t hone_stride(const hone_tensor *t, int dim)
{
    const int d = existing_dim("stride", t, dim);
    return d < 0 ? -1 : t->stride[d];
}

const int64_t *hone_shape(const hone_tensor *t)
{
    return hone__needs_tensor("shape", t) ? t->shape : NULL;
}

int64_t hone_numel(const hone_tensor *t)
{
    return hone__needs_tensor("numel", t) ? t->numel : -1;
}

bool hone_is_contiguous(const hone_tensor *t)
{
    return hone__needs_tensor("is_contiguous", t) && hone__contiguous(t);
}

void *hone_data(hone_tensor *t)
{
    if (!hone__needs_tensor("data", t))
        return NULL;
    if (t->storage->again)
        hone__storage_shown(t->storage);
    return hone__data(t);
}
