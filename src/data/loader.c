/* loader.c: batches, epoch after epoch. */
#include <hone/data.h>
#include "core/core.h"
#include "core/reserve.h"
#include "data/data.h"
#include "loops/shuffle.h"
#include "runtime/memory.h"
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
    int64_t *order;      /* of the samples in this epoch; without shuffle, of this batch */
    bool shuffles;
    hone__batch batch; /* the one given out */
};

static void shuffle(hone_loader *l)
{
    hone__shuffle(l->n, l->order, l->seed, hone__stream(HONE__STREAM_SHUFFLE, (uint64_t)l->epoch));
}

/* ---- making a batch */

/* A view of rows begin..end. */
static hone_tensor *rows(const hone_tensor *t, int64_t begin, int64_t end)
{
    int64_t shape[HONE_MAX_DIMS];
    memcpy(shape, t->shape, sizeof shape);
    shape[0] = end - begin;
    return hone__alias(t, t->ndim, shape, t->stride, t->offset + begin * t->stride[0]);
}

/* Of a set in memory without shuffle. */
static bool batch_of_views(hone_loader *l, int64_t begin, int64_t end)
{
    hone__batch_drop(&l->batch);
    l->batch.n_targets = l->set.y != HONE_NONE;
    l->batch.n = 1 + l->batch.n_targets;
    l->batch.at[0] = rows(l->set.x, begin, end);
    if (l->batch.n_targets)
        l->batch.at[1] = rows(l->set.y, begin, end);
    return l->batch.at[0] && (!l->batch.n_targets || l->batch.at[1]);
}

static bool make_batch(hone_loader *l, int64_t begin, int64_t end)
{
    if (!l->set.type && !l->shuffles)
        return batch_of_views(l, begin, end);
    if (!l->order && !(l->order = hone__malloc(hone__bytes(l->batch_size, sizeof *l->order))))
        return false;
    for (int64_t i = begin; !l->shuffles && i < end; i++)
        l->order[i - begin] = i;
    const hone_sample_place place = { 0, l->epoch, l->seed };
    return hone__batch_fill("loader", &l->set, l->order + (l->shuffles ? begin : 0), end - begin,
                            &place, &l->batch);
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
        hone__batch_drop(&l->batch);
        l->next = 0;
        l->epoch++;
        return false;
    }
    if (l->next == 0 && l->shuffles)
        shuffle(l);
    const int64_t begin = l->next * l->batch_size;
    const int64_t end = l->batch_size < l->n - begin ? begin + l->batch_size : l->n;
    if (!make_batch(l, begin, end)) {
        hone__batch_drop(&l->batch);
        return false;
    }
    const int target = l->batch.n - l->batch.n_targets;
    *batch = (hone_batch){ l->batch.at[0], target < l->batch.n ? l->batch.at[target] : HONE_NONE,
                           end - begin, l->next, l->epoch };
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
    l->set.y = set->y == HONE_NONE ? HONE_NONE : hone_retain(hone_contiguous(set->y));
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
    l->shuffles = o.shuffle;
    if (o.shuffle)
        l->order = hone__malloc(hone__bytes(n, sizeof *l->order));
    if ((o.shuffle && !l->order) || !keep_set(l, set)) {
        hone_loader_free(l);
        return NULL;
    }
    return l;
}

hone_tensor_list hone_loader_fields(hone_loader *l)
{
    const hone_tensor_list none = { NULL, 0 };
    if (!l)
        return hone__error_missing("loader_fields", "a loader"), none;
    if (l->batch.n == 0)
        return hone_error_set(HONE_E_STATE, "loader_fields: no batch is given out"), none;
    return hone_list_n(l->batch.at, l->batch.n);
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
    hone__batch_drop(&l->batch);
    hone_release(l->set.x);
    hone_release(l->set.y);
    hone__free(l->order);
    hone__free(l);
}
