/* bucket.c: see bucket.h. */
#include "dist/bucket.h"

#include "runtime/memory.h"

#include <string.h>

enum { TILE = 1024 }; /* elements that are added at a time */

typedef struct {
    int64_t n;    /* elements */
    char *result; /* the first sum, if there is one */
    char **sum;   /* of the forest, owned */
    hone_tensor *
        *held; /* [1 + n_trees]: whose memory that is, also if the batch comes to nothing */
} item;

/* A sum that a rank sends, in the order of the tree. */
typedef struct {
    int rank, tree; /* of its forest */
    int joins;      /* how often the last two are added then */
} block;

struct hone__bucket {
    hone__work work;
    hone__cut cut;
    hone_dtype dtype;
    int64_t room;
    int n_items, n_trees, size, rank;
    int64_t n, size_of; /* elements; bytes of one */
    item *items;
    int *trees; /* of each rank's forest */
    block *blocks;
    int n_blocks, depth; /* at most so many wait to be added */
    bool begun, folded;
    char **arrived; /* from each rank: its sums of this rank's slice, one after the other */
    char *tiles;    /* [depth + 1][TILE] */
    hone__message *sums_out, *sums_in, *out, *in; /* one a rank */
};

static void drop_item(const hone__bucket *b, item *it)
{
    for (int i = 0; it->held && i <= b->n_trees; i++)
        hone_release(it->held[i]);
    hone__free(it->held);
    hone__free(it->sum);
}

void hone__bucket_free(hone__bucket *b)
{
    if (!b)
        return;
    for (int i = 0; i < b->n_items; i++)
        drop_item(b, &b->items[i]);
    for (int r = 0; b->arrived && r < b->size; r++)
        hone__free(b->arrived[r]);
    hone__free(b->arrived);
    hone__free(b->items);
    hone__free(b->trees);
    hone__free(b->blocks);
    hone__free(b->tiles);
    hone__free(b->sums_out);
    hone__free(b);
}

/* ---- the order in which what all ranks send is added */

static bool plan(hone__bucket *b)
{
    const hone__cut whole = hone__cut_of(b->cut.n, b->cut.whole, 0, 1);
    hone__forest all = { 0 };
    int room = 0;
    for (int r = 0; r < b->size; r++) {
        const hone__cut cut = hone__cut_of(b->cut.n, b->cut.whole, r, b->size);
        room += b->trees[r] = hone__forest_of(&cut).n;
    }
    b->n_trees = b->trees[b->rank];
    b->blocks = hone__calloc(hone__bytes(room ? room : 1, sizeof *b->blocks));
    for (int r = 0; b->blocks && r < b->size; r++) {
        const hone__cut cut = hone__cut_of(b->cut.n, b->cut.whole, r, b->size);
        const hone__forest f = hone__forest_of(&cut);
        for (int i = 0; i < f.n; i++) {
            b->depth = all.n + 1 > b->depth ? all.n + 1 : b->depth;
            b->blocks[b->n_blocks++] =
                (block){ r, i, hone__forest_push(&all, &whole, f.tree[i].lo, f.tree[i].hi) };
        }
    }
    return b->blocks;
}

hone__bucket *hone__bucket_new(const hone__cut *cut, hone_dtype dtype)
{
    hone__bucket *b = hone__calloc(sizeof *b);
    if (!b)
        return NULL;
    b->cut = *cut;
    b->dtype = dtype;
    b->size_of = (int64_t)hone_dtype_size(dtype);
    b->size = hone__world_size();
    b->rank = hone__world_rank();
    b->trees = hone__calloc(hone__bytes(b->size, sizeof *b->trees));
    b->arrived = hone__calloc(hone__bytes(b->size, sizeof *b->arrived));
    b->sums_out = hone__calloc(hone__bytes(4 * (int64_t)b->size, sizeof *b->sums_out));
    if (!b->trees || !b->arrived || !b->sums_out || !plan(b) ||
        !(b->tiles = hone__malloc(hone__bytes(b->depth + 1, TILE * (size_t)b->size_of)))) {
        hone__bucket_free(b);
        return NULL;
    }
    b->sums_in = b->sums_out + b->size;
    b->out = b->sums_in + b->size;
    b->in = b->out + b->size;
    return b;
}

int64_t hone__bucket_bytes(const hone__bucket *b)
{
    return b->n * b->size_of;
}

bool hone__bucket_takes(const hone__bucket *b, hone_dtype dtype)
{
    return b->dtype == dtype;
}

bool hone__bucket_add(hone__bucket *b, hone_tensor *result, int n, hone_tensor *const *sum)
{
    HONE_ASSERT(n == b->n_trees);
    if (result->numel == 0)
        return true;
    if (!hone__grow(&b->items, &b->room, b->n_items + 1, sizeof *b->items))
        return false;
    item *it = &b->items[b->n_items];
    *it = (item){ result->numel, hone__data(result),
                  hone__malloc(hone__bytes(n ? n : 1, sizeof *it->sum)),
                  hone__calloc(hone__bytes((int64_t)n + 1, sizeof *it->held)) };
    if (!it->sum || !it->held) {
        drop_item(b, it);
        return false;
    }
    it->held[n] = hone_retain(result);
    for (int i = 0; i < n; i++) {
        it->held[i] = hone_retain(sum[i]);
        it->sum[i] = hone__data(sum[i]);
    }
    b->n_items++;
    b->n += it->n;
    return true;
}

/* ---- slices */

static int64_t slice_begin(const hone__bucket *b, int rank)
{
    return (int64_t)((__int128)rank * b->n / b->size);
}

static int64_t slice_length(const hone__bucket *b, int rank)
{
    return slice_begin(b, rank + 1) - slice_begin(b, rank);
}

/* The spans of rank r's slice of tree i, or of the results (i < 0), appended. */
static int put_spans(const hone__bucket *b, int r, int i, hone__span *spans, int n)
{
    int64_t at = 0;
    const int64_t begin = slice_begin(b, r), end = slice_begin(b, r + 1);
    for (int k = 0; k < b->n_items; at += b->items[k++].n) {
        const item *it = &b->items[k];
        const int64_t from = begin > at ? begin - at : 0;
        const int64_t to = end - at < it->n ? end - at : it->n;
        if (from < to)
            spans[n++] = (hone__span){ (i < 0 ? it->result : it->sum[i]) + from * b->size_of,
                                       (size_t)((to - from) * b->size_of) };
    }
    return n;
}

static hone__span *spans_for(const hone__bucket *b, int trees)
{
    return hone__malloc(
        hone__bytes((int64_t)b->n_items * (trees ? trees : 1) + 1, sizeof(hone__span)));
}

/* ---- the sums of this rank's slice */

static void add(const hone__bucket *b, char *to_, const char *from_, int64_t n)
{
    if (b->dtype == HONE_F32) {
        float *to = (float *)to_;
        const float *from = (const float *)from_;
        for (int64_t i = 0; i < n; i++)
            to[i] += from[i];
    } else {
        double *to = (double *)to_;
        const double *from = (const double *)from_;
        for (int64_t i = 0; i < n; i++)
            to[i] += from[i];
    }
}

/* n elements of item `it` from `from` on, which lie at `at` of the slice. */
static void fold_tile(const hone__bucket *b, const item *it, int64_t from, int64_t at, int64_t n)
{
    const int64_t bytes = n * b->size_of, length = slice_length(b, b->rank);
    char *top = b->tiles;
    for (int i = 0; i < b->n_blocks; i++) {
        const block *k = &b->blocks[i];
        const char *sum = k->rank == b->rank
                              ? it->sum[k->tree] + from * b->size_of
                              : b->arrived[k->rank] + (k->tree * length + at) * b->size_of;
        memcpy(top, sum, (size_t)bytes);
        top += bytes;
        for (int j = 0; j < k->joins; j++, top -= bytes)
            add(b, top - 2 * bytes, top - bytes, n);
    }
    memcpy(it->result + from * b->size_of, b->tiles, (size_t)bytes);
}

static void fold(const hone__bucket *b)
{
    int64_t at = 0;
    const int64_t begin = slice_begin(b, b->rank), end = slice_begin(b, b->rank + 1);
    for (int k = 0; k < b->n_items; at += b->items[k++].n) {
        const item *it = &b->items[k];
        const int64_t to = end - at < it->n ? end - at : it->n;
        for (int64_t i = begin > at ? begin - at : 0, n; i < to; i += n) {
            n = to - i < TILE ? to - i : TILE;
            fold_tile(b, it, i, at + i - begin, n);
        }
    }
}

/* ---- steps */

static bool begin(hone__bucket *b)
{
    const int64_t mine = slice_length(b, b->rank) * b->size_of;
    int n;
    for (int r = 0; r < b->size; r++) {
        if (r == b->rank)
            continue;
        if (b->trees[r] && mine) {
            b->arrived[r] = hone__malloc(hone__bytes(b->trees[r], (size_t)mine));
            if (!b->arrived[r])
                return false;
            hone__span *spans = hone__spans_of(b->arrived[r], b->trees[r] * mine, &n);
            hone__message_receive(&b->sums_in[r], spans, n, r, b->work.tag);
        }
        if (b->n_trees && slice_length(b, r)) {
            hone__span *spans = spans_for(b, b->n_trees);
            n = 0;
            for (int i = 0; spans && i < b->n_trees; i++)
                n = put_spans(b, r, i, spans, n);
            hone__message_send(&b->sums_out[r], spans, n, r, b->work.tag, b->work.large);
        }
    }
    return true;
}

static int test_all(const hone__bucket *b, hone__message *m)
{
    int state = 1;
    for (int r = 0; r < b->size; r++) {
        const int one = hone__message_test(&m[r]);
        state = one < 0 ? one : state < 0 ? state : state && one;
    }
    return state;
}

static void send_results(hone__bucket *b)
{
    for (int r = 0; r < b->size; r++)
        if (r != b->rank && slice_length(b, b->rank)) {
            hone__span *spans = spans_for(b, 1);
            const int n = spans ? put_spans(b, b->rank, -1, spans, 0) : 0;
            hone__message_send(&b->out[r], spans, n, r, b->work.tag + 1, b->work.large);
        }
}

/* The memory for rank r's results is free once what it sums has left. */
static int take_results(hone__bucket *b)
{
    int state = 1;
    for (int r = 0; r < b->size; r++) {
        if (r == b->rank || !slice_length(b, r))
            continue;
        int one = hone__message_test(&b->sums_out[r]);
        if (one == 1 && b->in[r].tag == 0) {
            hone__span *spans = spans_for(b, 1);
            const int n = spans ? put_spans(b, r, -1, spans, 0) : 0;
            hone__message_receive(&b->in[r], spans, n, r, b->work.tag + 1);
        }
        one = one == 1 ? hone__message_test(&b->in[r]) : one;
        state = one < 0 ? one : state < 0 ? state : state && one;
    }
    return state;
}

static int step(hone__work *work)
{
    hone__bucket *b = (hone__bucket *)work;
    if (!b->begun && !begin(b))
        return -1;
    b->begun = true;
    if (!b->folded) {
        const int arrived = test_all(b, b->sums_in);
        if (arrived < 0)
            return arrived;
        if (arrived) {
            b->folded = true;
            fold(b);
            send_results(b);
        }
    }
    const int in = take_results(b), out = b->folded ? test_all(b, b->out) : 0;
    return in < 0 || out < 0 ? -1 : in && out;
}

void hone__bucket_begin(hone__bucket *b, bool large)
{
    b->work.step = step;
    b->work.large = large;
    hone__work_begin(&b->work);
}

bool hone__bucket_end(hone__bucket *b)
{
    const bool ok = hone__work_wait(&b->work);
    hone__bucket_free(b);
    return ok;
}
