/* shards.c: see shards.h. */
#include "op/shards.h"

#include "op/node.h"
#include "op/part.h"
#include "runtime/memory.h"

#include <string.h>

bool (*hone__shard_sums)(hone_context *ctx, int i, int64_t rows, hone__chain chain, void *user,
                         int64_t *first_row);

static _Thread_local hone__sharding sharding;

hone__sharding *hone__sharding_now(void)
{
    return &sharding;
}

bool hone__in_shards(const hone_context *ctx, int i)
{
    return ctx->edges[i].in_shards;
}

/* ---- the cut */

int64_t hone__shard_begin(const hone__cut *cut, int64_t i)
{
    return (int64_t)((__int128)i * cut->whole / cut->n);
}

int64_t hone__shard_of(const hone__cut *cut, int64_t i)
{
    return (int64_t)((((__int128)i + 1) * cut->n - 1) / cut->whole);
}

hone__cut hone__cut_of(int64_t shards, int64_t whole, int rank, int size)
{
    return (hone__cut){ .n = shards,
                        .whole = whole,
                        .first = (int64_t)((__int128)rank * shards / size),
                        .end = (int64_t)(((__int128)rank + 1) * shards / size) };
}

hone__cut hone__cut_now(int64_t whole)
{
    const hone__ranks *ranks = sharding.ranks;
    return hone__cut_of(sharding.n, whole, ranks ? ranks->rank : 0, ranks ? ranks->size : 1);
}

bool hone__share_of(const hone__cut *cut, int64_t *first, int64_t *n)
{
    *first = 0;
    *n = cut->whole;
    if (cut->n == 0)
        return true;
    *first = hone__shard_begin(cut, cut->first);
    *n = hone__shard_begin(cut, cut->end) - *first;
    if (*n > 0)
        return true;
    *first = 0;
    *n = 1;
    return false;
}

/* ---- the tree */

/* Shards below the lowest node that has both i and j, i < j, on different sides. */
static int64_t extent_over(int64_t shards, int64_t i, int64_t j)
{
    int64_t lo = 0, hi = shards;
    for (;;) {
        int64_t half = 1;
        while (2 * half < hi - lo)
            half *= 2;
        if (j < lo + half)
            hi = lo + half;
        else if (i >= lo + half)
            lo += half;
        else
            return hi - lo;
    }
}

/* The same of a shard and the next one that has samples, on either side: the tree's nodes above
 * are wider. */
static int64_t extent_after(const hone__cut *cut, int64_t shard)
{
    const int64_t next = hone__shard_begin(cut, shard + 1);
    return next < cut->whole ? extent_over(cut->n, shard, hone__shard_of(cut, next)) : INT64_MAX;
}

static int64_t extent_before(const hone__cut *cut, int64_t shard)
{
    const int64_t last = hone__shard_begin(cut, shard) - 1;
    return last >= 0 ? extent_over(cut->n, hone__shard_of(cut, last), shard) : INT64_MAX;
}

int hone__forest_push(hone__forest *f, const hone__cut *cut, int64_t lo, int64_t hi)
{
    const int64_t right = extent_after(cut, hi);
    int joined = 0;
    HONE_ASSERT(f->n < HONE__FOREST);
    f->tree[f->n].lo = lo;
    f->tree[f->n++].hi = hi;
    for (; f->n > 1; f->n--, joined++) {
        const int a = f->n - 2, b = f->n - 1;
        const int64_t over = extent_over(cut->n, f->tree[a].hi, f->tree[b].lo);
        const int64_t left = a > 0 ? extent_over(cut->n, f->tree[a - 1].hi, f->tree[a].lo)
                                   : extent_before(cut, f->tree[a].lo);
        if (over > right || over > left)
            break;
        f->tree[a].hi = f->tree[b].hi;
    }
    return joined;
}

hone__forest hone__forest_of(const hone__cut *cut)
{
    hone__forest forest = { 0 };
    int64_t at = hone__shard_begin(cut, cut->first);
    const int64_t end = hone__shard_begin(cut, cut->end);
    while (at < end) {
        const int64_t shard = hone__shard_of(cut, at);
        hone__forest_push(&forest, cut, shard, shard);
        at = hone__shard_begin(cut, shard + 1);
    }
    return forest;
}

/* ---- pieces of a part */

bool hone__piece_next(const char *op, int64_t rows, hone__piece *piece)
{
    const hone__part *part = hone__part_now();
    if (part->samples == 0 || rows % part->samples != 0) {
        hone_error_set(HONE_E_SHAPE, "%s: %lld rows in a part of %lld samples", op, (long long)rows,
                       (long long)part->samples);
        return false;
    }
    const int64_t each = rows / part->samples, at = piece->first + piece->n;
    if (part->ghost || at == rows)
        return false;
    const int64_t sample = part->first + (each ? at / each : 0);
    piece->shard = hone__shard_of(&part->cut, sample);
    const int64_t end = hone__shard_begin(&part->cut, piece->shard + 1);
    const int64_t stop = part->first + part->samples;
    piece->ends = end <= stop;
    piece->first = at;
    piece->n = ((end < stop ? end : stop) - sample) * each;
    return true;
}

/* ---- rows of numbers */

int64_t hone__fold_room(void)
{
    const hone__part *part = hone__part_now();
    int64_t all = 0, depth = 2;
    for (int64_t n = part->cut.n; n > 0; n /= 2)
        depth += 2;
    for (int r = 0; part->ranks && r < part->ranks->size; r++) {
        const hone__cut cut = hone__cut_of(part->cut.n, part->cut.whole, r, part->ranks->size);
        all += hone__forest_of(&cut).n;
    }
    return all > depth ? all : depth;
}

/* The last two rows are added, so many times; `last` is where the last one lies. */
static void join(const hone__fold *fold, double *last, int times)
{
    for (; times > 0; times--, last -= fold->width)
        fold->add(fold->width, last - fold->width, last);
}

void hone__fold_push(hone__fold *fold, int64_t shard)
{
    double *last = hone__fold_row(fold);
    join(fold, last, hone__forest_push(&fold->forest, &hone__part_now()->cut, shard, shard));
}

/* Rows of all processes become one. */
static void fold_all(hone__fold *fold, const hone__part *part, int size)
{
    const hone__cut whole = hone__cut_of(part->cut.n, part->cut.whole, 0, 1);
    const size_t bytes = (size_t)fold->width * sizeof *fold->rows;
    int64_t row = 0;
    fold->forest.n = 0;
    for (int r = 0; r < size; r++) {
        const hone__cut cut = hone__cut_of(part->cut.n, part->cut.whole, r, size);
        const hone__forest f = hone__forest_of(&cut);
        for (int i = 0; i < f.n; i++, row++) { /* rows are read before they are written over */
            double *last = hone__fold_row(fold);
            memmove(last, fold->rows + row * fold->width, bytes);
            join(fold, last, hone__forest_push(&fold->forest, &whole, f.tree[i].lo, f.tree[i].hi));
        }
    }
}

bool hone__fold_finish(hone__fold *fold)
{
    const hone__part *part = hone__part_now();
    hone__ranks *ranks = part->ranks;
    if (!ranks)
        return true;
    HONE_SCOPE();
    const size_t bytes = (size_t)fold->width * sizeof *fold->rows;
    int64_t *begin = hone__own_block(hone__calloc(hone__bytes(ranks->size + 1, sizeof *begin)));
    if (!begin)
        return false;
    for (int r = 0; r < ranks->size; r++) {
        const hone__cut cut = hone__cut_of(part->cut.n, part->cut.whole, r, ranks->size);
        begin[r + 1] = begin[r] + hone__forest_of(&cut).n;
    }
    memmove(fold->rows + begin[ranks->rank] * fold->width, fold->rows,
            bytes * (size_t)(part->ghost ? 0 : fold->forest.n));
    if (!ranks->gather(ranks, fold->rows, (int64_t)bytes, begin))
        return false;
    fold_all(fold, part, ranks->size);
    return true;
}
