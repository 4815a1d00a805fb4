/* loader.c: batches, epoch after epoch. */
#include <hone/data.h>
#include "core/core.h"
#include "core/reserve.h"
#include "data/crew.h"
#include "data/data.h"
#include "data/order.h"
#include "op/shards.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

#define MOST_EPOCHS (INT64_C(1) << 53) /* those that follow have streams, too */
enum { MOST_WORKERS = 1024 };

struct hone_loader {
    hone_dataset set; /* in memory: x and y contiguous, a reference to each */
    int64_t n, batch_size, batches;
    uint64_t seed;
    int rank, ranks;
    int64_t epoch, next; /* the batch that comes next */
    int64_t shards;      /* a batch is cut into, of which it gives this rank's; 0: rows */
    hone__order order;
    int64_t *index;      /* of the samples in epoch `index_epoch`; in order: of one batch */
    int64_t index_epoch; /* -1: none yet */
    hone__batch batch;   /* the one given out */

    int workers, prefetch;
    hone__crew *crew;                /* NULL: the caller makes the batches */
    int64_t ahead_epoch, ahead_next; /* the batch that the crew is given next */
};

/* ---- which samples */

/* Samples begin .. begin + n - 1 of an epoch's order. */
typedef struct {
    int64_t begin, n, all; /* all: of all ranks */
} part;

/* Those of this thread's batches (hone/dist.h), if several ranks share them. */
static void take_shards(hone_loader *l)
{
    const hone__sharding *sharding = hone__sharding_now();
    if (!sharding->ranks)
        return;
    l->shards = sharding->n;
    l->rank = sharding->ranks->rank;
    l->ranks = sharding->ranks->size;
}

static part part_of(const hone_loader *l, int64_t batch)
{
    const int64_t begin = batch * l->batch_size;
    const int64_t all = l->batch_size < l->n - begin ? l->batch_size : l->n - begin;
    if (l->ranks < 1)
        return (part){ begin, all, all };
    if (l->shards) {
        const hone__cut cut = hone__cut_of(l->shards, all, l->rank, l->ranks);
        int64_t first, n;
        hone__share_of(&cut, &first, &n);
        return (part){ begin + first, n, all };
    }
    const int64_t from = all * l->rank / l->ranks, to = all * (l->rank + 1) / l->ranks;
    return (part){ begin + from, to - from, all };
}

/* Room for the epoch's order, or for a batch where it needs none. */
static bool index_room(hone_loader *l)
{
    const int64_t n = l->order.kind == HONE__IN_ORDER ? l->batch_size : l->n;
    if (!l->index)
        l->index = hone__malloc(hone__bytes(n, sizeof *l->index));
    return l->index != NULL;
}

/* The numbers of a part's samples. */
static const int64_t *samples_of(hone_loader *l, int64_t epoch, const part *p)
{
    if (l->order.kind == HONE__IN_ORDER) {
        for (int64_t i = 0; i < p->n; i++)
            l->index[i] = p->begin + i;
        return l->index;
    }
    if (l->index_epoch != epoch)
        hone__order_fill(&l->order, epoch, l->index);
    l->index_epoch = epoch;
    return l->index + p->begin;
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

/* Of a set in memory in its order. */
static bool batch_of_views(hone_loader *l, const part *p)
{
    hone__batch_drop(&l->batch);
    l->batch.n_targets = l->set.y != HONE_NONE;
    l->batch.n = 1 + l->batch.n_targets;
    l->batch.at[0] = rows(l->set.x, p->begin, p->begin + p->n);
    if (l->batch.n_targets)
        l->batch.at[1] = rows(l->set.y, p->begin, p->begin + p->n);
    return l->batch.at[0] && (!l->batch.n_targets || l->batch.at[1]);
}

static bool make_batch(hone_loader *l, const part *p)
{
    if (!l->set.type && l->order.kind == HONE__IN_ORDER)
        return batch_of_views(l, p);
    if (!index_room(l))
        return false;
    const hone_sample_place place = { 0, l->epoch, l->seed };
    return hone__batch_fill("loader", &l->set, samples_of(l, l->epoch, p), p->n, &place, &l->batch);
}

/* ---- by workers */

/* How many batches ahead: there should be a run of samples for each worker, so more where batches are
 * small. */
static int prefetch_of(const hone_loader *l)
{
    const int64_t wanted = 1 + (2 * (int64_t)l->workers - 1) / l->batch_size;
    return l->prefetch > 0 ? l->prefetch : wanted < 2 ? 2 : (int)wanted;
}

/* Gives the crew the batches to come, those of the next epoch too. */
static bool fill_crew(hone_loader *l)
{
    for (int64_t *to; (to = hone__crew_next(l->crew)) != NULL;) {
        const part p = part_of(l, l->ahead_next);
        memcpy(to, samples_of(l, l->ahead_epoch, &p), (size_t)p.n * sizeof *to);
        if (!hone__crew_add(l->crew, p.n, l->ahead_epoch))
            return false;
        if (++l->ahead_next == l->batches) {
            l->ahead_next = 0;
            l->ahead_epoch++;
        }
    }
    return true;
}

/* What was made ahead is of no use any more. */
static void turn_back(hone_loader *l)
{
    if (l->crew)
        hone__crew_forget(l->crew);
    l->ahead_epoch = l->next == l->batches ? l->epoch + 1 : l->epoch;
    l->ahead_next = l->next == l->batches ? 0 : l->next;
}

static bool take_batch(hone_loader *l)
{
    if (!hone__crew_is_here("loader_next", l->crew))
        return false;
    if (fill_crew(l) && hone__crew_take(l->crew, &l->batch) && fill_crew(l))
        return true;
    turn_back(l);
    return false;
}

/* False: an error is set. Where the system makes no thread the caller goes on alone. */
static bool start_crew(hone_loader *l)
{
    if (l->workers < 1 || l->crew)
        return true;
    const uint64_t errors = hone__error_count();
    l->crew = index_room(l)
                  ? hone__crew_new(&l->set, l->seed, l->workers, prefetch_of(l), l->batch_size)
                  : NULL;
    if (!l->crew)
        l->workers = 0;
    turn_back(l);
    return l->crew || hone__error_count() == errors;
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
        if (!l->crew) /* a crew's next batch takes its memory */
            hone__batch_drop(&l->batch);
        l->next = 0;
        l->epoch++;
        return false;
    }
    const part p = part_of(l, l->next);
    if (!start_crew(l) || !(l->crew ? take_batch(l) : make_batch(l, &p))) {
        hone__batch_drop(&l->batch);
        return false;
    }
    const int target = l->batch.n - l->batch.n_targets;
    *batch = (hone_batch){ l->batch.at[0], target < l->batch.n ? l->batch.at[target] : HONE_NONE,
                           p.all, l->next, l->epoch };
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

static bool options_fit(const hone_loader_options *o, int64_t n)
{
    const int64_t batch_size = o->batch_size ? o->batch_size : 1;
    if (n < 1 || batch_size < 1 || (o->drop_last && batch_size > n))
        hone_error_set(HONE_E_VALUE, "loader: batches of %lld out of %lld samples%s",
                       (long long)batch_size, (long long)n,
                       o->drop_last ? ", and a smaller last one left out" : "");
    else if (o->workers < 0 || o->workers > MOST_WORKERS)
        hone_error_set(HONE_E_VALUE, "loader: %d workers (0 to %d are wanted)", o->workers,
                       MOST_WORKERS);
    else if (o->ranks < 0 || o->rank < 0 || (o->rank > 0 && o->rank >= o->ranks))
        hone_error_set(HONE_E_VALUE, "loader: rank %d of %d", o->rank, o->ranks);
    else if (o->ranks > batch_size)
        hone_error_set(HONE_E_VALUE, "loader: batches of %lld samples for %d ranks",
                       (long long)batch_size, o->ranks);
    else
        return true;
    return false;
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
    if (!options_fit(&o, n))
        return NULL;
    hone_loader *l = hone__calloc(sizeof *l);
    if (!l)
        return NULL;
    l->n = n;
    l->batch_size = batch_size < n ? batch_size : n;
    l->batches = o.drop_last ? n / batch_size : (n - 1) / l->batch_size + 1;
    l->seed = o.seed;
    l->rank = o.rank;
    l->ranks = o.ranks;
    if (!o.ranks)
        take_shards(l);
    l->index_epoch = -1;
    l->workers = set->type ? o.workers : 0;
    l->prefetch = o.prefetch;
    if (!hone__order_begin(set, &o, &l->order) ||
        (l->order.kind != HONE__IN_ORDER && !index_room(l)) || !keep_set(l, set)) {
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
    if (l->crew && !hone__crew_is_here(where, l->crew))
        return hone__error_last();
    l->epoch = epoch;
    l->next = batch;
    turn_back(l);
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
    hone__crew_free(l->crew);
    hone__batch_drop(&l->batch);
    hone_release(l->set.x);
    hone_release(l->set.y);
    hone__order_end(&l->order);
    hone__free(l->index);
    hone__free(l);
}
