/* link.c: see link.h. The sums go round a ring from the last rank that has samples. */
#include "dist/link.h"

#include "runtime/memory.h"

#include <stdatomic.h>

/* One direction: messages one after the other, a tile each. */
typedef struct {
    int peer; /* -1: nobody */
    int done; /* tiles */
    bool under_way;
    hone__message message;
} lane;

struct hone__link {
    hone__work work;
    hone_tensor *sum; /* held */
    int64_t bytes, tile_bytes;
    int n;                         /* tiles */
    lane in, out, all_in, all_out; /* of the chain, and of its end */
    atomic_int arrived;            /* tiles of the chain; n where no rank is before this one */
    atomic_int given;
    bool is_last;
};

static bool has_samples(const hone__cut *cut, int64_t rank)
{
    return hone__shard_begin(cut, rank + 1) > hone__shard_begin(cut, rank);
}

/* The next rank with samples from `from` on in that direction; -1: none. */
static int next_with_samples(const hone__cut *cut, int from, int step)
{
    for (int r = from; r >= 0 && r < cut->n; r += step)
        if (has_samples(cut, r))
            return r;
    return -1;
}

static void set_peers(hone__link *l, const hone__cut *cut)
{
    const int rank = hone__world_rank(), size = hone__world_size();
    const int last = next_with_samples(cut, size - 1, -1);
    const bool has_some = has_samples(cut, rank);
    l->is_last = rank == last;
    l->in.peer = has_some ? next_with_samples(cut, rank - 1, -1) : -1;
    l->out.peer = has_some ? next_with_samples(cut, rank + 1, 1) : -1;
    l->all_in.peer = l->is_last ? -1 : (rank + size - 1) % size;
    l->all_out.peer = (rank + 1) % size == last ? -1 : (rank + 1) % size;
    if (l->in.peer < 0)
        l->arrived = l->n;
    if (!has_some)
        l->given = l->n;
}

static hone__span *span_of_tile(const hone__link *l, int tile, int *n)
{
    const int64_t begin = tile * l->tile_bytes, left = l->bytes - begin;
    return hone__spans_of((char *)hone__data(l->sum) + begin,
                          left < l->tile_bytes ? left : l->tile_bytes, n);
}

/* The lane's messages up to `most` tiles. -1: MPI fails. */
static int go(hone__link *l, lane *to, bool sends, int tag, int most)
{
    while (to->peer >= 0 && to->done < most) {
        int n = 0;
        if (!to->under_way) {
            hone__span *span = span_of_tile(l, to->done, &n);
            if (sends)
                hone__message_send(&to->message, span, n, to->peer, tag, l->work.large);
            else
                hone__message_receive(&to->message, span, n, to->peer, tag);
            to->under_way = true;
        }
        const int state = hone__message_test(&to->message);
        if (state <= 0)
            return state;
        to->under_way = false;
        to->done++;
    }
    return 0;
}

static bool is_done(const hone__link *l, const lane *of)
{
    return of->peer < 0 || of->done == l->n;
}

static int step(hone__work *work)
{
    hone__link *l = (hone__link *)work;
    const int given = atomic_load_explicit(&l->given, memory_order_acquire);
    const int before = l->in.done, tag = l->work.tag;
    int state = go(l, &l->in, false, tag, l->n);
    if (l->in.done > before) {
        atomic_store_explicit(&l->arrived, l->in.done, memory_order_release);
        hone__world_tell();
    }
    state = state < 0 ? state : go(l, &l->out, true, tag, given);
    /* a tile's place is free for its end once it has left, or where it was never summed */
    const int free = l->out.peer >= 0 ? l->out.done : given;
    state = state < 0 ? state : go(l, &l->all_in, false, tag + 1, free);
    const int whole = l->is_last ? given : l->all_in.done;
    state = state < 0 ? state : go(l, &l->all_out, true, tag + 1, whole);
    if (state < 0)
        return state;
    return given == l->n && is_done(l, &l->in) && is_done(l, &l->out) && is_done(l, &l->all_in) &&
           is_done(l, &l->all_out);
}

hone__link *hone__link_begin(hone_tensor *sum, const hone__cut *cut, int64_t tile_bytes)
{
    hone__link *l = hone__calloc(sizeof *l);
    if (!l)
        return NULL;
    l->sum = hone_retain(sum);
    l->bytes = sum->numel * (int64_t)hone__size_of(sum->dtype);
    l->tile_bytes = tile_bytes > 0 ? tile_bytes : 1;
    l->n = (int)((l->bytes + l->tile_bytes - 1) / l->tile_bytes);
    set_peers(l, cut);
    l->work.step = step;
    l->work.large = true;
    hone__work_begin(&l->work);
    return l;
}

typedef struct {
    const hone__link *link;
    int tile;
} wanted;

static bool has_arrived(void *ctx)
{
    const wanted *w = ctx;
    return atomic_load_explicit(&w->link->arrived, memory_order_acquire) > w->tile ||
           w->link->work.state < 0;
}

bool hone__link_take(hone__link *l, int tile)
{
    if (atomic_load_explicit(&l->arrived, memory_order_acquire) <= tile)
        hone__world_wait(has_arrived, &(wanted){ l, tile });
    return atomic_load_explicit(&l->arrived, memory_order_acquire) > tile ||
           hone__work_wait(&l->work);
}

void hone__link_give(hone__link *l, int tile)
{
    atomic_store_explicit(&l->given, tile + 1, memory_order_release);
}

void hone__link_let_go(hone__link *l)
{
    hone__link_give(l, l->n - 1);
}

bool hone__link_end(hone__link *l)
{
    const bool ok = hone__work_wait(&l->work);
    hone_release(l->sum);
    hone__free(l);
    return ok;
}
