/* loader.c: batches, epoch after epoch. */
#include <hone/data.h>
#include "core/core.h"
#include "core/reserve.h"
#include "data/data.h"
#include "loops/shuffle.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"
#include "runtime/streams.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

#define MOST_EPOCHS (INT64_C(1) << 53) /* those that follow have streams, too */

struct hone_loader {
    hone_dataset set; /* in memory: x and y contiguous, a reference to each */
    int64_t n, batch_size, batches;
    uint64_t seed;
    int64_t epoch, next; /* the batch that comes next */
    int64_t *order;      /* of the samples in this epoch; NULL without shuffle */
    hone_tensor *x, *y;  /* the batch given out */
};

static void shuffle(hone_loader *l)
{
    hone__shuffle(l->n, l->order, l->seed, hone__stream(HONE__STREAM_SHUFFLE, (uint64_t)l->epoch));
}

/* ---- making a batch */

static void drop_batch(hone_loader *l)
{
    hone_release(l->x);
    hone_release(l->y);
    l->x = l->y = NULL;
}

/* A view of rows begin..end. */
static hone_tensor *rows(const hone_tensor *t, int64_t begin, int64_t end)
{
    int64_t shape[HONE_MAX_DIMS];
    memcpy(shape, t->shape, sizeof shape);
    shape[0] = end - begin;
    return hone__alias(t, t->ndim, shape, t->stride, t->offset + begin * t->stride[0]);
}

/* Makes *slot a tensor of `size` samples like `sample` (its dims from `from` on). The one of the
 * batch before serves again if nobody else can see it and nothing was made of it. */
static bool room(hone_tensor **slot, const hone_tensor *sample, int from, int64_t size)
{
    int64_t shape[HONE_MAX_DIMS + 1];
    const int ndim = sample->ndim - from + 1;
    shape[0] = size;
    memcpy(shape + 1, sample->shape + from, (size_t)(ndim - 1) * sizeof *shape);
    hone_tensor *t = *slot;
    const bool free = t && atomic_load(&t->refs) == 1 && atomic_load(&t->storage->refs) == 1 &&
                      !t->requires_grad && !t->node && t->dtype == sample->dtype &&
                      t->ndim == ndim && memcmp(t->shape, shape, (size_t)ndim * sizeof *shape) == 0;
    if (free) {
        hone__bump(t);
        return true;
    }
    hone_release(t);
    *slot = hone__new("loader", hone_dtype_of(sample), ndim, shape);
    return *slot != NULL;
}

typedef struct {
    const char *from;
    char *to;
    size_t row_bytes;
    const int64_t *order;
} gathering;

static void gather_range(void *ctx, int64_t begin, int64_t end)
{
    const gathering *g = ctx;
    for (int64_t i = begin; i < end; i++)
        memcpy(g->to + (size_t)i * g->row_bytes, g->from + (size_t)g->order[i] * g->row_bytes,
               g->row_bytes);
}

/* to[i] = from[order[i]] */
static void gather(const hone_tensor *from, hone_tensor *to, const int64_t *order)
{
    const int64_t n = to->shape[0];
    gathering g = { hone__data(from), hone__data(to), 0, order };
    g.row_bytes = (size_t)(to->numel / n) * hone_dtype_size(hone_dtype_of(to));
    if (g.row_bytes > 0)
        hone__parallel_for(n, 1, 20 + (double)g.row_bytes / 8, gather_range, &g);
}

static bool batch_in_memory(hone_loader *l, int64_t begin, int64_t end)
{
    if (!l->order) {
        drop_batch(l);
        l->x = rows(l->set.x, begin, end);
        l->y = rows(l->set.y, begin, end);
        return l->x && l->y;
    }
    if (!room(&l->x, l->set.x, 1, end - begin) || !room(&l->y, l->set.y, 1, end - begin))
        return false;
    gather(l->set.x, l->x, l->order + begin);
    gather(l->set.y, l->y, l->order + begin);
    return true;
}

static int64_t sample_at(const hone_loader *l, int64_t place)
{
    return l->order ? l->order[place] : place;
}

/* Copies a sample to its row of the batch that begins at `begin`; all must be like the first. */
static bool put_sample(const hone_loader *l, hone_tensor *batch, int64_t begin, int64_t row,
                       hone_tensor *sample)
{
    const bool fits =
        sample->dtype == batch->dtype && sample->ndim == batch->ndim - 1 &&
        memcmp(sample->shape, batch->shape + 1, (size_t)sample->ndim * sizeof *sample->shape) == 0;
    if (!fits) {
        hone_error_set(HONE_E_SHAPE,
                       "loader: the samples of %s differ: %s of sample %lld is %s, that of sample "
                       "%lld in the same batch %s %s",
                       l->set.type->name, batch == l->x ? "x" : "y",
                       (long long)sample_at(l, begin + row), hone__tensor_text(sample).s,
                       (long long)sample_at(l, begin), hone_dtype_name((hone_dtype)batch->dtype),
                       hone__shape_text(batch->ndim - 1, batch->shape + 1).s);
        return false;
    }
    const size_t bytes = (size_t)sample->numel * hone_dtype_size(hone_dtype_of(sample));
    return hone_copy_out(sample, (char *)hone__data(batch) + (size_t)row * bytes, bytes) == HONE_OK;
}

static bool batch_of_samples(hone_loader *l, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++) {
        HONE_SCOPE();
        hone_tensor *x = NULL, *y = NULL;
        const int64_t index = sample_at(l, i);
        const uint64_t errors = hone__error_count();
        if (l->set.type->sample(&l->set, index, &x, &y) != HONE_OK || !x || !y) {
            if (hone__error_count() == errors)
                hone_error_set(HONE_E_NULL, "loader: %s gave no sample %lld", l->set.type->name,
                               (long long)index);
            return false;
        }
        if (!hone__needs_tensor("loader", x) || !hone__needs_tensor("loader", y))
            return false;
        if (i == begin && (!room(&l->x, x, 0, end - begin) || !room(&l->y, y, 0, end - begin)))
            return false;
        if (!put_sample(l, l->x, begin, i - begin, x) || !put_sample(l, l->y, begin, i - begin, y))
            return false;
    }
    return true;
}

/* ---- the public functions */

bool hone_loader_next(hone_loader *l, hone_batch *batch)
{
    if (!l || !batch) {
        hone__error_missing("loader_next", "a loader");
        return false;
    }
    *batch = (hone_batch){ 0 };
    if (l->next == l->batches) {
        drop_batch(l);
        l->next = 0;
        l->epoch++;
        return false;
    }
    if (l->next == 0 && l->order)
        shuffle(l);
    const int64_t begin = l->next * l->batch_size;
    const int64_t end = l->batch_size < l->n - begin ? begin + l->batch_size : l->n;
    if (!(l->set.type ? batch_of_samples(l, begin, end) : batch_in_memory(l, begin, end))) {
        drop_batch(l);
        return false;
    }
    *batch = (hone_batch){ l->x, l->y, end - begin, l->next, l->epoch };
    l->next++;
    return true;
}

/* Takes what the loader needs of the set. */
static bool keep_set(hone_loader *l, const hone_dataset *set)
{
    l->set = (hone_dataset){ .type = set->type, .state = set->state };
    if (set->type)
        return true;
    HONE_SCOPE();
    HONE_NO_GRAD();
    l->set.x = hone_retain(hone_contiguous(set->x));
    l->set.y = hone_retain(hone_contiguous(set->y));
    return l->set.x && l->set.y;
}

hone_loader *hone_loader_new(const hone_dataset *set, const hone_loader_options *options)
{
    const hone_loader_options o = options ? *options : (hone_loader_options){ 0 };
    if (!set) {
        hone__error_missing("loader", "a data set");
        return NULL;
    }
    if (!hone__ready() || !HONE__KNOWS_OPTIONS("loader", options))
        return NULL;
    const bool in_memory = !set->type && set->x; /* filled by hand, perhaps */
    if (in_memory && !hone__dataset_fits("loader", set->x, set->y))
        return NULL;
    const int64_t n = hone_dataset_size(set), batch_size = o.batch_size ? o.batch_size : 1;
    if (n < 1 || batch_size < 1 || (o.drop_last && batch_size > n)) {
        hone_error_set(HONE_E_VALUE, "loader: batches of %lld out of %lld samples%s",
                       (long long)batch_size, (long long)n,
                       o.drop_last ? ", and a smaller last one left out" : "");
        return NULL;
    }
    hone_loader *l = hone__calloc(sizeof *l);
    if (!l)
        return NULL;
    l->n = n;
    l->batch_size = batch_size < n ? batch_size : n;
    l->batches = o.drop_last ? n / batch_size : (n - 1) / l->batch_size + 1;
    l->seed = o.seed;
    if (o.shuffle)
        l->order = hone__malloc(hone__bytes(n, sizeof *l->order));
    if ((o.shuffle && !l->order) || !keep_set(l, set)) {
        hone_loader_free(l);
        return NULL;
    }
    return l;
}

int64_t hone_loader_batches(const hone_loader *l)
{
    if (!l) {
        hone__error_missing("loader_batches", "a loader");
        return -1;
    }
    return l->batches;
}

static hone_status go_to(const char *where, hone_loader *l, int64_t epoch, int64_t batch)
{
    if (!l)
        return hone__error_missing(where, "a loader");
    if (epoch < 0 || epoch > MOST_EPOCHS)
        return hone_error_set(HONE_E_VALUE, "%s: epoch %lld (0 to 2^53 are wanted)", where,
                              (long long)epoch);
    if (batch < 0 || batch > l->batches)
        return hone_error_set(HONE_E_VALUE, "%s: batch %lld of an epoch of %lld", where,
                              (long long)batch, (long long)l->batches);
    l->epoch = epoch;
    l->next = batch;
    if (batch > 0 && l->order)
        shuffle(l);
    return HONE_OK;
}

hone_status hone_loader_set_epoch(hone_loader *l, int64_t epoch)
{
    return go_to("loader_set_epoch", l, epoch, 0);
}

hone_status hone_loader_set_position(hone_loader *l, int64_t epoch, int64_t batch)
{
    return go_to("loader_set_position", l, epoch, batch);
}

hone_status hone_loader_position(const hone_loader *l, int64_t *epoch, int64_t *batch)
{
    if (!l || !epoch || !batch)
        return hone__error_missing("loader_position", l ? "a place for the answer" : "a loader");
    *epoch = l->epoch;
    *batch = l->next;
    return HONE_OK;
}

void hone_loader_free(hone_loader *l)
{
    if (!l)
        return;
    drop_batch(l);
    hone_release(l->set.x);
    hone_release(l->set.y);
    hone__free(l->order);
    hone__free(l);
}
