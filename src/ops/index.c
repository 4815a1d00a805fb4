/* index.c: x[i0, i1, ...] with tensors as indices, and its gradient.
 *
 * The indices, broadcast together, become one list of offsets into x. Kept dims before their place
 * are rows, kept dims after it columns: the result is [rows][offsets][columns]. */
#include "loops/elementwise.h"
#include "loops/indices.h"
#include "ops/common.h"
#include "loops/rows.h"

#include "runtime/parallel.h"

#include <string.h>

#define NS_PER_PLACE   4.0
#define NS_PER_ELEMENT 0.3
#define AHEAD          4 /* rows asked for before their turn */

typedef struct {
    hone_tensor *at[HONE_MAX_DIMS]; /* by dim of x; HONE_NONE: the whole dim */
    int n;                          /* dims spoken of; the rest is whole too */
} per_dim;

typedef struct {
    hone__shape shape;     /* of the result */
    int64_t count;         /* places */
    const int64_t *offset; /* of each, in elements of x */
    hone__rows kept;       /* x without the indexed dims */
} plan;

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

static bool add_offsets(const char *name, const hone_tensor *x, int dim, hone_tensor *index,
                        const hone__shape *shape, int64_t *offset)
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
        offset[i] += (at[i] < 0 ? at[i] + extent : at[i]) * step;
    }
    return true;
}

static bool make_offsets(const char *name, const hone_tensor *x, const per_dim *dims,
                         hone__shape *shape, plan *p)
{
    if (!hone__broadcast(name, dims->at, dims->n, shape))
        return false;
    hone_tensor *offsets = hone__own(hone__new(name, HONE_I64, shape->ndim, shape->shape));
    if (!offsets)
        return false;
    int64_t *offset = hone__data(offsets);
    p->count = offsets->numel;
    p->offset = offset;
    if (p->count)
        memset(offset, 0, sizeof *offset * (size_t)p->count);
    for (int d = 0; d < dims->n; d++)
        if (hone__is_real(dims->at[d]) && !add_offsets(name, x, d, dims->at[d], shape, offset))
            return false;
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
                  const hone__shape *indices, plan *p)
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
    p->kept = hone__rows_of(view, ~((1u << before) - 1));
    p->shape.ndim = 0;
    append(&p->shape, kept.shape, before);
    append(&p->shape, indices->shape, indices->ndim);
    append(&p->shape, kept.shape + before, kept.ndim - before);
    return true;
}

static bool make_plan(const char *name, const hone_tensor *x, hone_tensor *const *in, int n_in,
                      plan *p)
{
    per_dim dims;
    hone__shape indices;
    return spread(name, x, in, n_in, &dims) && make_offsets(name, x, &dims, &indices, p) &&
           place(name, x, &dims, &indices, p);
}

/* True if the columns of a place follow each other in memory. */
static bool whole_rows(const hone__rows *kept)
{
    return kept->n_col_dims == 1 && kept->col_stride[0] == 1;
}

/* ---- index */

typedef struct {
    const plan *p;
    char *out;      /* index: [rows][count][cols], written */
    const char *dy; /* index_backward: the same, read */
} job;

static void copy_places(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const plan *p = j->p;
    hone__rows from = p->kept;
    const int64_t size = from.size, cols = from.cols;
    for (int64_t i = begin; i < end;) {
        const int64_t row = i / p->count, stop = hone__min(end, (row + 1) * p->count);
        const char *base = p->kept.data + hone__rows_offset(&p->kept, row, 0) * size;
        const int64_t *offset = p->offset - row * p->count;
        if (cols == 1) {
            for (; i < stop; i++)
                hone__copy_one(size, j->out + i * size, base + offset[i] * size);
            continue;
        }
        if (whole_rows(&from)) {
            for (; i < stop; i++) {
                if (i + AHEAD < stop)
                    __builtin_prefetch(base + offset[i + AHEAD] * size);
                memcpy(j->out + i * cols * size, base + offset[i] * size, (size_t)(cols * size));
            }
            continue;
        }
        for (; i < stop; i++) {
            from.data = p->kept.data + offset[i] * size;
            hone__rows_gather(&from, (hone__rect){ row, row + 1, 0, cols },
                              j->out + i * cols * size, cols);
        }
    }
}

static bool index_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    plan p;
    if (!make_plan("index", in[0], in + 1, n_in - 1, &p) || !hone__save(ctx, n_in - 1, in + 1))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, p.kept.dtype, p.shape.ndim, p.shape.shape);
    if (!y || y->numel == 0)
        return y;
    job j = { .p = &p, .out = hone__data(y) };
    hone__parallel_for(p.kept.rows * p.count, 1,
                       NS_PER_PLACE + NS_PER_ELEMENT * (double)p.kept.cols, copy_places, &j);
    return true;
}

/* The indices of the call, ended as the public functions want them. */
static hone_tensor *const *saved_indices(hone_context *ctx, hone_tensor **list)
{
    const int n = hone__input_count(ctx) - 1;
    for (int i = 0; i < n; i++)
        list[i] = hone_saved(ctx, i);
    list[n] = HONE_END_TENSOR;
    return list;
}

static bool add_at(hone_tensor *dx, hone_tensor *dy, hone_tensor *const *indices, int n);

static void index_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *list[HONE_MAX_DIMS + 1];
    int64_t room[HONE_MAX_DIMS + 1];
    hone_tensor *sum = hone__begun(ctx, 0, dx);
    if (sum) {
        saved_indices(ctx, list);
        hone__bump(sum);
        add_at(sum, dy[0], list, hone__input_count(ctx) - 1);
        return;
    }
    dx[0] = hone_index_backward_v(dy[0], hone__ended(hone__input_shape(ctx, 0), room),
                                  saved_indices(ctx, list));
}

/* first, then tensors..END */
static hone_tensor *call_list(const hone__op *op, hone_tensor *first,
                              hone_tensor *const *tensors_end, const void *options)
{
    hone_tensor *in[1 + HONE_MAX_DIMS] = { first };
    int n = 1;
    if (!tensors_end) {
        hone__error_null(op->name);
        return NULL;
    }
    for (; *tensors_end != HONE_END_TENSOR; tensors_end++) {
        if (n > HONE_MAX_DIMS) {
            hone_error_set(HONE_E_INDEX, "%s: more than %d indices", op->name, HONE_MAX_DIMS);
            return NULL;
        }
        in[n++] = *tensors_end;
    }
    return hone__call(op, in, n, options);
}

#define INDICES                                                                                    \
    {                                                                                              \
        "indices", HONE__OPTIONAL | HONE__CONSTANT | HONE__LIST                                    \
    }

const hone__op hone__op_index = {
    .name = "index",
    .forward = index_forward,
    .backward = index_of_dy,
    .in = { { "x" }, INDICES },
    .adds = true,
};

hone_tensor *hone_index_v(hone_tensor *x, hone_tensor *const *indices_end)
{
    return call_list(&hone__op_index, x, indices_end, NULL);
}

/* ---- index_backward */

/* Columns of one place, run by run. */
static void add_columns(const plan *p, int64_t row, int64_t place_offset, const char *dy)
{
    const hone__rows *to = &p->kept;
    const int d = to->n_col_dims - 1;
    const int64_t run = to->col_shape[d], step = to->col_stride[d];
    const hone__binary_fn add = hone__k->binary[HONE__K_ADD][to->dtype];
    if (whole_rows(to)) {
        char *at = to->data + (hone__rows_offset(to, row, 0) + place_offset) * to->size;
        add(run, at, 1, at, 1, dy, 1);
        return;
    }
    for (int64_t c = 0; c < to->cols; c += run) {
        char *at = to->data + (hone__rows_offset(to, row, c) + place_offset) * to->size;
        add(run, at, step, at, step, dy + c * to->size, 1);
    }
}

/* A destination belongs to one thread, which meets its contributions in the order of the indices.
 * Spreading them by a hash keeps a few popular places from landing on one thread. */
static void add_places(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const plan *p = j->p;
    const hone__rows *to = &p->kept;
    for (int64_t row = 0; row < to->rows; row++) {
        const char *dy = j->dy + row * p->count * to->cols * to->size;
        char *base = to->data + hone__rows_offset(to, row, 0) * to->size;
        for (int64_t i = 0; i < p->count; i++) {
            const uint64_t hash = (uint64_t)p->offset[i] * UINT64_C(0x9E3779B97F4A7C15) >> 40;
            if (hash % (unsigned)n_threads != (unsigned)thread)
                continue;
            if (to->cols == 1)
                hone__add_one(to->dtype, base + p->offset[i] * to->size, dy + i * to->size);
            else
                add_columns(p, row, p->offset[i], dy + i * to->cols * to->size);
        }
    }
}

typedef struct {
    hone__shape shape;
} backward_options;

static const hone__option backward_table[] = {
    HONE__OPTION(backward_options, shape, HONE__OPT_DIMS, .required = true),
    { NULL },
};

/* dx, which is zeros or what the sum begins with, += dy at the places. False: an error. */
static bool add_at(hone_tensor *dx, hone_tensor *dy, hone_tensor *const *indices, int n)
{
    plan p;
    if (!make_plan("index_backward", dx, indices, n, &p))
        return false;
    bool fits = dy->ndim == p.shape.ndim;
    for (int d = 0; fits && d < p.shape.ndim; d++)
        fits = dy->shape[d] == p.shape.shape[d];
    if (!fits) {
        hone_error_set(HONE_E_SHAPE, "index_backward: dy is %s, the indices take %s from %s",
                       hone__tensor_text(dy).s, hone__shape_text(p.shape.ndim, p.shape.shape).s,
                       hone__tensor_text(dx).s);
        return false;
    }
    if (!(dy = hone_contiguous(dy)))
        return false;
    if (dy->numel == 0)
        return true;
    job j = { .p = &p, .dy = hone__data(dy) };
    /* A scan over all places costs every thread the same, so only long columns are worth a team. */
    const double ns =
        (double)(p.kept.rows * p.count) * (NS_PER_PLACE + NS_PER_ELEMENT * (double)p.kept.cols);
    hone__parallel_team(hone__team_for(ns, p.kept.cols >= 16 ? p.count : 1), add_places, &j);
    return true;
}

static bool backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const hone__shape *shape = &((const backward_options *)hone__options(ctx))->shape;
    hone_tensor *dx = out[0] =
        hone__out(ctx, 0, (hone_dtype)in[0]->dtype, shape->ndim, shape->shape);
    if (!dx || !hone__save(ctx, n_in - 1, in + 1))
        return false;
    hone__fill_elements(dx, 0.0);
    return add_at(dx, in[0], in + 1, n_in - 1);
}

static void backward_of_g(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    hone_tensor *list[HONE_MAX_DIMS + 1];
    dx[0] = hone_index_v(g[0], saved_indices(ctx, list));
}

const hone__op hone__op_index_backward = {
    .name = "index_backward",
    .forward = backward_forward,
    .backward = backward_of_g,
    .in = { { "dy" }, INDICES },
    .options = backward_table,
    .options_bytes = sizeof(backward_options),
};

hone_tensor *hone_index_backward_v(hone_tensor *dy, const int64_t *dims_end,
                                   hone_tensor *const *indices_end)
{
    backward_options options;
    return hone__read_dims("index_backward", dims_end, &options.shape)
               ? call_list(&hone__op_index_backward, dy, indices_end, &options)
               : NULL;
}
