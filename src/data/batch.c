/* batch.c: batches of samples, of every kind of set, and single samples. */
#include "core/core.h"
#include "data/data.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

void hone__batch_drop(hone__batch *b)
{
    for (int f = 0; f < HONE_SAMPLE_FIELDS; f++)
        hone_release(b->at[f]);
    *b = (hone__batch){ 0 };
}

/* Makes *slot a tensor of this dtype and shape. The one of the batch before serves again if nobody
 * else can see it and nothing was made of it. */
static bool room(const char *where, hone_tensor **slot, hone_dtype dtype, int ndim,
                 const int64_t *shape)
{
    hone_tensor *t = *slot;
    const bool free = t && atomic_load(&t->refs) == 1 && atomic_load(&t->storage->refs) == 1 &&
                      !t->requires_grad && !t->node && t->dtype == dtype && t->ndim == ndim &&
                      memcmp(t->shape, shape, (size_t)ndim * sizeof *shape) == 0;
    if (free) {
        hone__bump(t);
        return true;
    }
    hone_release(t);
    *slot = hone__new(where, dtype, ndim, shape);
    return *slot != NULL;
}

/* The same for `size` samples of one shape. */
static bool room_for(const char *where, hone_tensor **slot, hone_dtype dtype, int ndim,
                     const int64_t *sample, int64_t size)
{
    int64_t shape[HONE_MAX_DIMS];
    if (ndim >= HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "%s: samples of %d dims leave none for the batch", where,
                       ndim);
        return false;
    }
    shape[0] = size;
    memcpy(shape + 1, sample, (size_t)ndim * sizeof *shape);
    return room(where, slot, dtype, ndim + 1, shape);
}

/* ---- of sets in memory */

typedef struct {
    const char *from;
    char *to;
    size_t row_bytes;
    const int64_t *index;
} gathering;

static void gather_range(void *ctx, int64_t begin, int64_t end)
{
    const gathering *g = ctx;
    for (int64_t i = begin; i < end; i++)
        memcpy(g->to + (size_t)i * g->row_bytes, g->from + (size_t)g->index[i] * g->row_bytes,
               g->row_bytes);
}

/* to[i] = from[index[i]] */
static void gather(const hone_tensor *from, hone_tensor *to, const int64_t *index)
{
    const int64_t n = to->shape[0];
    gathering g = { hone__data(from), hone__data(to), 0, index };
    g.row_bytes = n > 0 ? (size_t)(to->numel / n) * hone_dtype_size(hone_dtype_of(to)) : 0;
    if (g.row_bytes > 0)
        hone__parallel_for(n, 1, 20 + (double)g.row_bytes / 8, gather_range, &g);
}

static bool gather_field(const char *where, const hone_tensor *from, hone_tensor **to,
                         const int64_t *index, int64_t n)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const hone_tensor *whole = hone__contiguous(from) ? from : hone_contiguous((hone_tensor *)from);
    if (!whole || !room_for(where, to, hone_dtype_of(from), from->ndim - 1, from->shape + 1, n))
        return false;
    gather(whole, *to, index);
    return true;
}

static bool fill_from_memory(const char *where, const hone_dataset *set, const int64_t *index,
                             int64_t n, hone__batch *b)
{
    b->n_targets = set->y != HONE_NONE;
    b->n = 1 + b->n_targets;
    return gather_field(where, set->x, &b->at[0], index, n) &&
           (!b->n_targets || gather_field(where, set->y, &b->at[1], index, n));
}

/* ---- of sets that give tensors */

/* Copies a sample to its row of the batch; all must be like the first. */
static bool put_sample(const char *where, const hone_dataset *set, const int64_t *index,
                       hone__batch *b, int field, int64_t row, hone_tensor *sample)
{
    hone_tensor *batch = b->at[field];
    const bool fits =
        sample->dtype == batch->dtype && sample->ndim == batch->ndim - 1 &&
        memcmp(sample->shape, batch->shape + 1, (size_t)sample->ndim * sizeof *sample->shape) == 0;
    if (!fits) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: the samples of %s differ: %s of sample %lld is %s, that of sample "
                       "%lld in the same batch %s %s",
                       where, set->type->name, field == 0 ? "x" : "y", (long long)index[row],
                       hone__tensor_text(sample).s, (long long)index[0],
                       hone_dtype_name((hone_dtype)batch->dtype),
                       hone__shape_text(batch->ndim - 1, batch->shape + 1).s);
        return false;
    }
    const size_t bytes = (size_t)sample->numel * hone_dtype_size(hone_dtype_of(sample));
    return hone_copy_out(sample, (char *)hone__data(batch) + (size_t)row * bytes, bytes) == HONE_OK;
}

/* Sample `index`, owned by the current scope. */
static bool give_sample(const char *where, const hone_dataset *set, int64_t index,
                        hone_tensor *pair[2])
{
    const uint64_t errors = hone__error_count();
    pair[0] = pair[1] = NULL;
    if (set->type->sample(set, index, &pair[0], &pair[1]) != HONE_OK || !pair[0] || !pair[1]) {
        if (hone__error_count() == errors)
            hone_error_set(HONE_E_NULL, "%s: %s gave no sample %lld", where, set->type->name,
                           (long long)index);
        return false;
    }
    return hone__needs_tensor(where, pair[0]) && hone__needs_tensor_or_none(where, pair[1]);
}

static bool fill_from_samples(const char *where, const hone_dataset *set, const int64_t *index,
                              int64_t n, hone__batch *b)
{
    for (int64_t i = 0; i < n; i++) {
        HONE_SCOPE();
        hone_tensor *pair[2];
        if (!give_sample(where, set, index[i], pair))
            return false;
        if (i == 0) {
            b->n_targets = pair[1] != HONE_NONE;
            b->n = 1 + b->n_targets;
        }
        for (int f = 0; f < b->n; f++) {
            if (!hone__needs_tensor(where, pair[f]))
                return false;
            if (i == 0 && !room_for(where, &b->at[f], hone_dtype_of(pair[f]), pair[f]->ndim,
                                    pair[f]->shape, n))
                return false;
            if (!put_sample(where, set, index, b, f, i, pair[f]))
                return false;
        }
    }
    return true;
}

/* ---- of sets that write into buffers */

static bool same_in_all(const hone_sample_layout *layout)
{
    for (int f = 0; f < layout->n; f++)
        for (int d = 0; d < layout->field[f].ndim; d++)
            if (layout->field[f].shape[d] < 0)
                return false;
    return true;
}

bool hone__batch_read(const hone_dataset *set, const int64_t *index, int64_t begin, int64_t end,
                      const hone_sample_place *of, const hone__batch *b)
{
    for (int64_t i = begin; i < end; i++) {
        void *out[HONE_SAMPLE_FIELDS];
        for (int f = 0; f < b->n; f++)
            out[f] =
                (char *)hone__data(b->at[f]) +
                (size_t)(b->at[f]->numel / b->at[f]->shape[0] * i) * hone__size_of(b->at[f]->dtype);
        const hone_sample_place place = { index[i], of->epoch, of->seed };
        if (hone_dataset_read(set, &place, out) != HONE_OK)
            return false;
    }
    return true;
}

/* Samples of their own extents, each a list of tensors of the current scope. */
static hone_tensor **read_apart(const char *where, const hone_dataset *set, const int64_t *index,
                                int64_t n, const hone_sample_place *of, int n_fields)
{
    hone_tensor **sample = hone__own_block(hone__calloc(hone__bytes(n * n_fields, sizeof *sample)));
    for (int64_t i = 0; sample && i < n; i++) {
        hone_sample_layout own;
        void *out[HONE_SAMPLE_FIELDS];
        if (hone_dataset_layout(set, index[i], &own) != HONE_OK)
            return NULL;
        for (int f = 0; f < n_fields; f++) {
            const hone_sample_field *field = &own.field[f];
            hone_tensor *t = hone__own(hone__new(where, field->dtype, field->ndim, field->shape));
            if (!t)
                return NULL;
            sample[i * n_fields + f] = t;
            out[f] = hone__data(t);
        }
        const hone_sample_place place = { index[i], of->epoch, of->seed };
        if (hone_dataset_read(set, &place, out) != HONE_OK)
            return NULL;
    }
    return sample;
}

static bool collate(const char *where, const hone_dataset *set, const int64_t *index, int64_t n,
                    const hone_sample_place *of, const hone_sample_layout *layout, hone__batch *b)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *made[HONE_SAMPLE_FIELDS] = { NULL };
    hone_tensor **sample = read_apart(where, set, index, n, of, layout->n);
    if (!sample)
        return false;
    const uint64_t errors = hone__error_count();
    const hone_status status = set->type->collate(set, sample, n, layout->n, made);
    int n_made = 0;
    while (n_made < HONE_SAMPLE_FIELDS && made[n_made])
        n_made++;
    if (status != HONE_OK || n_made == 0) {
        if (hone__error_count() == errors)
            hone_error_set(HONE_E_NULL, "%s: %s collated no batch", where, set->type->name);
        return false;
    }
    hone__batch_drop(b);
    b->n = n_made;
    b->n_targets = layout->n_targets < n_made ? layout->n_targets : n_made - 1;
    for (int f = 0; f < n_made; f++)
        if (!hone__needs_tensor(where, made[f]) || !(b->at[f] = hone_retain(made[f])))
            return false;
    return true;
}

bool hone__batch_by_rows(const hone_dataset *set)
{
    return set->type && !set->type->sample && !set->type->collate;
}

/* only: the one sample that the batch is made of; -1: any n. */
static bool make_room(const char *where, const hone_dataset *set, int64_t only, int64_t n,
                      hone__batch *b)
{
    hone_sample_layout layout;
    if (hone_dataset_layout(set, -1, &layout) != HONE_OK)
        return false;
    if (only >= 0 && !same_in_all(&layout) && hone_dataset_layout(set, only, &layout) != HONE_OK)
        return false;
    if (!same_in_all(&layout)) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: the samples of %s differ in their extents, and it doesn't say how they "
                       "are collated",
                       where, set->type->name);
        return false;
    }
    b->n = layout.n;
    b->n_targets = layout.n_targets;
    for (int f = 0; f < b->n; f++)
        if (!room_for(where, &b->at[f], layout.field[f].dtype, layout.field[f].ndim,
                      layout.field[f].shape, n))
            return false;
    return true;
}

bool hone__batch_room(const char *where, const hone_dataset *set, int64_t n, hone__batch *b)
{
    return make_room(where, set, -1, n, b);
}

static bool fill_from_buffers(const char *where, const hone_dataset *set, const int64_t *index,
                              int64_t n, const hone_sample_place *of, hone__batch *b)
{
    hone_sample_layout layout;
    if (set->type->collate)
        return hone_dataset_layout(set, -1, &layout) == HONE_OK &&
               collate(where, set, index, n, of, &layout, b);
    return make_room(where, set, n == 1 ? index[0] : -1, n, b) &&
           hone__batch_read(set, index, 0, n, of, b);
}

bool hone__batch_fill(const char *where, const hone_dataset *set, const int64_t *index, int64_t n,
                      const hone_sample_place *of, hone__batch *b)
{
    if (!set->type)
        return fill_from_memory(where, set, index, n, b);
    if (n == 0) /* a rank's part of a small last batch: as the layout has it */
        return hone__batch_room(where, set, n, b);
    if (set->type->sample)
        return fill_from_samples(where, set, index, n, b);
    return fill_from_buffers(where, set, index, n, of, b);
}

/* ---- the public functions */

hone_tensor_list hone_dataset_batch(const hone_dataset *set, const int64_t *index, int64_t n)
{
    const char *const where = "dataset_batch";
    const hone_tensor_list none = { NULL, 0 };
    if (!set || !index) {
        hone__error_missing(where, set ? "the samples' numbers" : "a data set");
        return none;
    }
    if (!hone__ready() || (!set->type && set->x && !hone__dataset_fits(where, set->x, set->y)))
        return none;
    const int64_t size = hone_dataset_size(set);
    for (int64_t i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= size)
            return hone_error_set(HONE_E_VALUE, "dataset_batch: sample %lld of %lld",
                                  (long long)index[i], (long long)size),
                   none;
    if (n < 1)
        return hone_error_set(HONE_E_VALUE, "dataset_batch: %lld samples (at least 1 is wanted)",
                              (long long)n),
               none;
    hone__batch b = { 0 };
    const hone_sample_place place = { 0 };
    hone_tensor_list list = none;
    if (hone__batch_fill(where, set, index, n, &place, &b))
        list = hone_list_n(b.at, b.n);
    hone__batch_drop(&b);
    return list;
}

static void read_row(const hone_tensor *from, int64_t index, void *out)
{
    const size_t bytes = (size_t)(from->numel / from->shape[0]) * hone__size_of(from->dtype);
    if (bytes > 0)
        memcpy(out, (const char *)hone__data(from) + (size_t)index * bytes, bytes);
}

/* One sample of a set without a `read`: a row in memory, or by way of a batch of one. */
static hone_status read_one(const hone_dataset *set, int64_t index, void *const *out)
{
    if (!set->type && hone__contiguous(set->x) &&
        (set->y == HONE_NONE || hone__contiguous(set->y))) {
        read_row(set->x, index, out[0]);
        if (set->y != HONE_NONE)
            read_row(set->y, index, out[1]);
        return HONE_OK;
    }
    HONE_SCOPE();
    hone__batch b = { 0 };
    const hone_sample_place place = { 0 };
    bool done = hone__batch_fill("dataset_read", set, &index, 1, &place, &b);
    for (int f = 0; done && f < b.n; f++)
        done = hone_copy_out(b.at[f], out[f],
                             (size_t)b.at[f]->numel * hone__size_of(b.at[f]->dtype)) == HONE_OK;
    hone__batch_drop(&b);
    return done ? HONE_OK : hone__error_last();
}

hone_status hone_dataset_read(const hone_dataset *set, const hone_sample_place *place,
                              void *const *out)
{
    if (!set || !place || !out)
        return hone__error_missing("dataset_read", !set     ? "a data set"
                                                   : !place ? "a place"
                                                            : "buffers");
    const int64_t n = hone_dataset_size(set);
    if (place->index < 0 || place->index >= n)
        return hone_error_set(HONE_E_VALUE, "dataset_read: sample %lld of %lld",
                              (long long)place->index, (long long)n);
    if (!set->type || set->type->sample)
        return read_one(set, place->index, out);
    const uint64_t errors = hone__error_count();
    const hone_status status = set->type->read(set, place, out);
    if (status != HONE_OK && hone__error_count() == errors)
        hone_error_set(status, "%s can't read sample %lld", set->type->name,
                       (long long)place->index);
    return status;
}

static void field_of(const char *name, const hone_tensor *t, int from, hone_sample_field *field)
{
    *field =
        (hone_sample_field){ .name = name, .dtype = (hone_dtype)t->dtype, .ndim = t->ndim - from };
    memcpy(field->shape, t->shape + from, (size_t)field->ndim * sizeof *field->shape);
}

static hone_status layout_of_tensors(const hone_tensor *x, const hone_tensor *y, int from,
                                     hone_sample_layout *layout)
{
    layout->n_targets = y != HONE_NONE;
    layout->n = 1 + layout->n_targets;
    if (x->ndim - from >= HONE_MAX_DIMS || (layout->n_targets && y->ndim - from >= HONE_MAX_DIMS))
        return hone_error_set(HONE_E_SHAPE,
                              "dataset_layout: samples of %d dims leave none for the "
                              "batch",
                              HONE_MAX_DIMS);
    field_of("x", x, from, &layout->field[0]);
    if (layout->n_targets)
        field_of("y", y, from, &layout->field[1]);
    return HONE_OK;
}

/* What a class tells is a user's: it is looked at before it is used. */
static bool makes_sense(const hone_sample_layout *l, int64_t index)
{
    bool good = l->n >= 1 && l->n <= HONE_SAMPLE_FIELDS && l->n_targets >= 0 && l->n_targets < l->n;
    for (int f = 0; good && f < l->n; f++) {
        const hone_sample_field *field = &l->field[f];
        good = hone_dtype_size(field->dtype) > 0 && field->ndim >= 0 && field->ndim < HONE_MAX_DIMS;
        for (int d = 0; good && d < field->ndim; d++)
            good = field->shape[d] >= (index < 0 ? -1 : 0);
    }
    return good;
}

hone_status hone_dataset_layout(const hone_dataset *set, int64_t index, hone_sample_layout *layout)
{
    const char *const where = "dataset_layout";
    if (!set || !layout)
        return hone__error_missing(where, set ? "a layout" : "a data set");
    *layout = (hone_sample_layout){ 0 };
    if (!set->type && set->x && !hone__dataset_fits(where, set->x, set->y))
        return hone__error_last();
    const int64_t n = hone_dataset_size(set);
    if (n < 1 || index < -1 || index >= n)
        return hone_error_set(HONE_E_VALUE, "dataset_layout: sample %lld of %lld", (long long)index,
                              (long long)n);
    if (!set->type)
        return layout_of_tensors(set->x, set->y, 1, layout);
    if (set->type->sample) {
        HONE_SCOPE();
        hone_tensor *pair[2];
        return give_sample(where, set, index < 0 ? 0 : index, pair)
                   ? layout_of_tensors(pair[0], pair[1], 0, layout)
                   : hone__error_last();
    }
    const hone_status status = set->type->layout(set, index, layout);
    if (status == HONE_OK && !makes_sense(layout, index))
        return hone_error_set(HONE_E_VALUE, "dataset_layout: %s gives a layout that makes no sense",
                              set->type->name);
    return status;
}
