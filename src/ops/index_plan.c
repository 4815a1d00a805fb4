/* index_plan.c: from the arguments of indexing ops to offsets. */
#include "ops/index_plan.h"

#include "loops/indices.h"

#include <string.h>

typedef struct {
    hone_tensor *at[HONE_MAX_DIMS]; /* by dim of x; HONE_NONE: the whole dim */
    int n;                          /* dims spoken of; the rest is whole too */
} per_dim;

/* ---- from arguments to one index a dim */

/* A mask is as good as the coordinates of its true elements, one index tensor for each dim. */
static bool add_mask(const char *name, const hone_tensor *x, hone_tensor *mask, per_dim *dims)
{
    bool fits = mask->ndim > 0 && dims->n + mask->ndim <= x->ndim;
    for (int d = 0; fits && d < mask->ndim; d++)
        fits = mask->shape[d] == x->shape[dims->n + d];
    if (!fits) {
        hone_error_set(HONE_E_SHAPE, "%s: the mask %s doesn't fit dims %d.. of %s", name,
                       hone__tensor_text(mask).s, dims->n, hone__tensor_text(x).s);
        return false;
    }
    mask = hone_contiguous(mask);
    if (!mask)
        return false;
    const uint8_t *is_set = hone__data(mask);
    int64_t count = 0, *to[HONE_MAX_DIMS];
    for (int64_t i = 0; i < mask->numel; i++)
        count += is_set[i] != 0;
    for (int d = 0; d < mask->ndim; d++) {
        hone_tensor *index = hone__own(hone__new(name, HONE_I64, 1, &count));
        if (!index)
            return false;
        dims->at[dims->n++] = index;
        to[d] = hone__data(index);
    }
    for (int64_t i = 0, found = 0; found < count && i < mask->numel; i++) {
        if (!is_set[i])
            continue;
        int64_t rest = i;
        for (int d = mask->ndim - 1; d >= 0; rest /= mask->shape[d--])
            to[d][found] = rest % mask->shape[d];
        found++;
    }
    return true;
}

static bool spread(const char *name, const hone_tensor *x, hone_tensor *const *in, int n_in,
                   per_dim *dims)
{
    dims->n = 0;
    for (int i = 0; i < n_in; i++) {
        if (hone__is_real(in[i]) && in[i]->dtype == HONE_BOOL) {
            if (!add_mask(name, x, in[i], dims))
                return false;
            continue;
        }
        if (dims->n == x->ndim) {
            hone_error_set(HONE_E_INDEX, "%s: more indices than %s has dims", name,
                           hone__tensor_text(x).s);
            return false;
        }
        dims->at[dims->n++] = in[i];
    }
    return true;
}

/* ---- from indices to offsets */

/* `first`: the offsets aren't begun yet. */
static bool add_offsets(const char *name, const hone_tensor *x, int dim, hone_tensor *index,
                        const hone__shape *shape, bool first, int64_t *offset)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    memcpy(dims, shape->shape, sizeof(int64_t) * (size_t)shape->ndim);
    dims[shape->ndim] = HONE_END_DIM;
    index = hone__indices_of(name, index);
    index = hone_contiguous(hone_expand_v(index, dims));
    if (!index)
        return false;
    const int64_t extent = x->shape[dim], step = x->stride[dim], *at = hone__data(index);
    for (int64_t i = 0; i < index->numel; i++) {
        if (at[i] < -extent || at[i] >= extent) {
            hone_error_set(HONE_E_INDEX,
                           "%s: index %lld (number %lld for dim %d) is out of range for extent "
                           "%lld of %s",
                           name, (long long)at[i], (long long)i, dim, (long long)extent,
                           hone__tensor_text(x).s);
            return false;
        }
        const int64_t o = (at[i] < 0 ? at[i] + extent : at[i]) * step;
        offset[i] = first ? o : offset[i] + o;
    }
    return true;
}

/* True if the indices are offsets as they are: neighbours lie side by side in x, none counts from the
 * end, all are in range, and what is written into x leaves them alone. */
static bool are_offsets(const hone_tensor *x, int dim, const hone_tensor *index)
{
    if (index->dtype != HONE_I64 || x->stride[dim] != 1 || index->storage == x->storage ||
        !hone__contiguous(index))
        return false;
    const int64_t last = x->shape[dim] - 1, *at = hone__data(index);
    int64_t signs = 0;
    for (int64_t i = 0; i < index->numel; i++)
        signs |= at[i] | (last - at[i]);
    return signs >= 0;
}

static bool make_offsets(const char *name, const hone_tensor *x, const per_dim *dims,
                         hone__shape *shape, hone__index_plan *p)
{
    if (!hone__broadcast(name, dims->at, dims->n, shape))
        return false;
    int n = 0, only = 0;
    for (int d = 0; d < dims->n; d++)
        if (hone__is_real(dims->at[d])) {
            n++;
            only = d;
        }
    if (n == 1 && are_offsets(x, only, dims->at[only])) {
        p->count = dims->at[only]->numel;
        p->offset = hone__data(dims->at[only]);
        return true;
    }
    hone_tensor *offsets = hone__own(hone__new(name, HONE_I64, shape->ndim, shape->shape));
    if (!offsets)
        return false;
    int64_t *offset = hone__data(offsets);
    p->count = offsets->numel;
    p->offset = offset;
    if (n == 0 && p->count)
        memset(offset, 0, sizeof *offset * (size_t)p->count);
    bool first = true;
    for (int d = 0; d < dims->n; d++) {
        if (!hone__is_real(dims->at[d]))
            continue;
        if (!add_offsets(name, x, d, dims->at[d], shape, first, offset))
            return false;
        first = false;
    }
    return true;
}

/* ---- the plan */

static void append(hone__shape *to, const int64_t *extents, int n)
{
    for (int d = 0; d < n; d++)
        to->shape[to->ndim++] = extents[d];
}

/* Indexed dims that are neighbours put the indices' shape in their place; separated ones put it
 * first (NumPy's rule). */
static bool place(const char *name, const hone_tensor *x, const per_dim *dims,
                  const hone__shape *indices, hone__index_plan *p)
{
    hone__shape kept = { 0 };
    int64_t stride[HONE_MAX_DIMS];
    int first = -1, last = -1, n_indexed = 0;
    for (int d = 0; d < x->ndim; d++) {
        if (d < dims->n && hone__is_real(dims->at[d])) {
            first = first < 0 ? d : first;
            last = d;
            n_indexed++;
            continue;
        }
        stride[kept.ndim] = x->stride[d];
        kept.shape[kept.ndim++] = x->shape[d];
    }
    const int before = n_indexed && last - first + 1 == n_indexed ? first : 0;
    if (kept.ndim + indices->ndim > HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "%s: the result would have %d dims, at most %d are possible",
                       name, kept.ndim + indices->ndim, HONE_MAX_DIMS);
        return false;
    }
    hone_tensor *view = hone__own(hone__alias(x, kept.ndim, kept.shape, stride, x->offset));
    if (!view)
        return false;
    hone__rows_of(&p->kept, view, ~((1u << before) - 1));
    p->shape.ndim = 0;
    append(&p->shape, kept.shape, before);
    append(&p->shape, indices->shape, indices->ndim);
    append(&p->shape, kept.shape + before, kept.ndim - before);
    return true;
}

bool hone__index_plan_of(const char *name, const hone_tensor *x, hone_tensor *const *in, int n_in,
                         hone__index_plan *p)
{
    per_dim dims;
    hone__shape indices;
    return spread(name, x, in, n_in, &dims) && make_offsets(name, x, &dims, &indices, p) &&
           place(name, x, &dims, &indices, p);
}

/* ---- the calls of ops that have indices */

hone_tensor *const *hone__saved_indices(hone_context *ctx, int n, hone_tensor **list)
{
    for (int i = 0; i < n; i++)
        list[i] = hone_saved(ctx, i);
    list[n] = HONE_END_TENSOR;
    return list;
}

hone_tensor *hone__call_indices(const hone__op *op, hone_tensor *const *first, int n,
                                hone_tensor *const *indices_end, const void *options, bool in_place)
{
    hone_tensor *in[2 + HONE_MAX_DIMS];
    const int most = n + HONE_MAX_DIMS;
    if (!indices_end) {
        hone__error_null(op->name);
        return NULL;
    }
    for (int i = 0; i < n; i++)
        in[i] = first[i];
    for (; *indices_end != HONE_END_TENSOR; indices_end++) {
        if (n == most) {
            hone_error_set(HONE_E_INDEX, "%s: more than %d indices", op->name, HONE_MAX_DIMS);
            return NULL;
        }
        in[n++] = *indices_end;
    }
    return in_place ? hone__call_(op, in, n, options) : hone__call(op, in, n, options);
}
