/* trees.c: see trees.h. */
#include "autograd/trees.h"

#include "autograd/fit.h"
#include "autograd/leaf.h"
#include "isa/isa.h"
#include "loops/elementwise.h"
#include "op/part.h"
#include "ops/samples.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <hone/autograd.h>
#include <hone/ops.h>

struct hone__trees {
    hone_tensor *open; /* held: the chain of the shard that runs; NULL: none does */
    bool sent;
    struct hone__link
        *link; /* by which the chain goes on; NULL: not begun, or it is no such chain */
    int n_tiles;
    int64_t tile_rows;
    bool holds_grad;
    hone__forest forest;
    hone_tensor *sum[HONE__FOREST]; /* held */
};

void hone__trees_free(hone__trees *trees)
{
    if (!trees)
        return;
    hone_release(trees->open);
    for (int i = 0; i < trees->forest.n; i++)
        hone_release(trees->sum[i]);
    hone__free(trees);
}

static hone_tensor *empty_like(const hone_tensor *leaf)
{
    return hone__new("accumulate", (hone_dtype)leaf->dtype, leaf->ndim, leaf->shape);
}

static hone__trees *trees_of(hone_tensor *leaf, int use)
{
    hone__trees **slot = hone__leaf_trees(leaf, use);
    if (slot && !*slot)
        *slot = hone__calloc(sizeof **slot);
    return slot ? *slot : NULL;
}

/* The last of n + 1 sums is added to the one before it, that one to the one before it ...: a tile at a
 * time, so that what is between them stays in the cache. */
typedef struct {
    hone_tensor *const *sum;
    int n;
} joining;

static void join_tiles(void *ctx, int64_t begin, int64_t end)
{
    enum { TILE = 8 << 10 }; /* bytes */
    _Alignas(64) char room[TILE];
    const joining *j = ctx;
    const hone_dtype dtype = (hone_dtype)j->sum[0]->dtype;
    const int64_t size = (int64_t)hone_dtype_size(dtype);
    const hone__binary_fn add = hone__k->binary[HONE__K_ADD][dtype];
    for (int64_t i = begin, n; i < end; i += n) {
        n = end - i < TILE / size ? end - i : TILE / size;
        const char *right = (const char *)hone__data(j->sum[j->n]) + i * size;
        for (int k = j->n - 1; k >= 0; k--) {
            char *left = (char *)hone__data(j->sum[k]) + i * size;
            add(n, k ? room : left, 1, left, 1, right, 1);
            right = room;
        }
    }
}

static void join(hone_tensor *const *sum, int n)
{
    joining j = { sum, n };
    hone__bump(sum[0]);
    if (sum[0]->numel > 0)
        hone__parallel_for(sum[0]->numel, 1024, 0.3 * n, join_tiles, &j);
}

/* The shard's chain is complete: it joins those that wait for it. */
static void close_shard(hone__trees *trees, const hone__part *part, int64_t shard)
{
    const int at = trees->forest.n;
    const int joined = hone__forest_push(&trees->forest, &part->cut, shard, shard);
    trees->sum[at] = trees->open;
    trees->open = NULL;
    if (joined)
        join(trees->sum + at - joined, joined);
    for (int i = 0; i < joined; i++)
        hone_release(trees->sum[at - i]);
}

static bool send(hone__trees *trees, const hone_tensor *leaf, const hone__part *part)
{
    if (trees->sent || !part->ranks || part->handed_on)
        return true;
    trees->sent = true;
    const int n = trees->forest.n;
    if (n == 0 && !(trees->sum[0] = empty_like(leaf)))
        return false;
    trees->forest.n = n ? n : 1; /* a ghost has room for what the others send */
    return part->ranks->send(part->ranks, trees->sum[0], &part->cut, n, trees->sum);
}

static bool run_piece(const hone__edge *e, hone__trees *trees, const hone__piece *piece,
                      hone__chain chain, void *user)
{
    HONE_SCOPE();
    const bool fresh = !trees->open;
    bool ok = true;
    if (fresh && !(trees->open = empty_like(e->into)))
        return false;
    const bool partly = fresh && !e->leaf; /* the input may show some elements only */
    if (partly)
        hone__fill_elements(trees->open, 0);
    hone_tensor *sum = hone__shown(e, trees->open, &ok);
    if (ok && !sum)
        hone_error_set(HONE_E_STATE,
                       "backward: %s isn't seen where it lies: its shards can't be summed",
                       hone__tensor_text(e->into).s);
    if (!ok || !sum || !chain(user, sum, fresh && !partly, piece->first, piece->n))
        return false;
    if (piece->ends)
        close_shard(trees, hone__part_now(), piece->shard);
    return true;
}

/* ---- a chain that is handed on */

/* Tiles are rows of a matrix: enough of each that the product's own tiles are full, and not so many that
 * what a product does once, packing, becomes much of it. */
static void choose_tiles(hone__trees *trees, const hone__edge *e, bool by_rows)
{
    enum { LEAST_BYTES = 1 << 20, LEAST_ROWS = 64, MOST = 8 };
    const hone_tensor *leaf = e->into;
    trees->n_tiles = 1;
    trees->tile_rows = leaf->ndim > 0 ? leaf->shape[0] : 1;
    if (!by_rows || !e->leaf || leaf->ndim != 2)
        return;
    const int64_t bytes = leaf->numel * (int64_t)hone__size_of(leaf->dtype);
    int64_t n = bytes / LEAST_BYTES;
    n = n < leaf->shape[0] / LEAST_ROWS ? n : leaf->shape[0] / LEAST_ROWS;
    n = n < MOST ? n : MOST;
    if (n < 2)
        return;
    trees->tile_rows = (leaf->shape[0] + n - 1) / n;
    trees->n_tiles = (int)((leaf->shape[0] + trees->tile_rows - 1) / trees->tile_rows);
}

/* The sum, and the way it goes. The first process's begins with what .grad holds. */
static bool begin_link(hone__trees *trees, const hone__edge *e, bool by_rows)
{
    const hone__part *part = hone__part_now();
    hone_tensor *leaf = e->into, *grad = e->use == 0 ? hone__leaf_sum(leaf, 0) : NULL;
    const bool is_first = !part->ghost && part->begin == 0;
    if (!(trees->sum[0] = empty_like(leaf)))
        return false;
    trees->forest.n = 1;
    trees->holds_grad = grad;
    if (is_first && grad && !hone__copy_elements(trees->sum[0], grad))
        return false;
    choose_tiles(trees, e, by_rows);
    const int64_t bytes = leaf->numel * (int64_t)hone__size_of(leaf->dtype);
    const int64_t tile = trees->n_tiles > 1 ? bytes / leaf->shape[0] * trees->tile_rows : bytes;
    trees->link = part->ranks->hand_on(part->ranks, trees->sum[0], &part->cut, tile);
    trees->sent = true;
    return trees->link;
}

/* One tile of the sum, as the input shows it. */
static bool run_tile(const hone__edge *e, hone__trees *trees, int tile, bool fresh,
                     const hone__piece *piece, hone__chain chain, void *user, int64_t *first_row)
{
    HONE_SCOPE();
    hone_tensor *all = trees->sum[0];
    bool ok = true;
    if (fresh && !e->leaf) { /* the input may show some elements only */
        hone__fill_elements(all, 0);
        fresh = false;
    }
    hone_tensor *sum = hone__shown(e, all, &ok);
    if (ok && !sum)
        hone_error_set(HONE_E_STATE,
                       "backward: %s isn't seen where it lies: its chain can't be handed on",
                       hone__tensor_text(e->into).s);
    if (first_row)
        *first_row = -1;
    if (ok && sum && trees->n_tiles > 1) {
        const int64_t row = *first_row = tile * trees->tile_rows, end = row + trees->tile_rows;
        sum = hone_slice(sum, 0, row, end < all->shape[0] ? end : all->shape[0], 1);
    }
    return ok && sum && chain(user, sum, fresh, piece->first, piece->n);
}

static bool hand_on(hone_context *node, int i, int64_t rows, hone__chain chain, void *user,
                    int64_t *first_row)
{
    const hone__edge *e = &node->edges[i];
    hone__trees *trees = trees_of(e->into, e->use);
    const hone__part *part = hone__part_now();
    const hone__ranks *ranks = part->ranks;
    hone__piece piece = { 0 };
    HONE_NO_GRAD();
    const bool begins = trees && !trees->link;
    if (!trees || (begins && !begin_link(trees, e, first_row)))
        return false;
    const bool fresh = begins && part->begin == 0 && !trees->holds_grad;
    const uint64_t errors = hone__error_count();
    if (!hone__piece_next(hone__call_name(node), rows, &piece))
        return !hone__error_since(errors);
    for (int tile = 0; tile < trees->n_tiles && e->into->numel > 0; tile++) {
        if ((begins && !ranks->take(trees->link, tile)) ||
            !run_tile(e, trees, tile, fresh, &piece, chain, user, first_row))
            return false;
        if (hone__part_is_last(part))
            ranks->give(trees->link, tile);
    }
    return true;
}

bool hone__trees_chain(hone_context *node, int i, int64_t rows, hone__chain chain, void *user,
                       int64_t *first_row)
{
    const hone__edge *e = &node->edges[i];
    const hone__part *part = hone__part_now();
    if (part->handed_on)
        return hand_on(node, i, rows, chain, user, first_row);
    const uint64_t errors = hone__error_count();
    hone__trees *trees = trees_of(e->into, e->use);
    hone__piece piece = { 0 };
    HONE_NO_GRAD();
    if (first_row)
        *first_row = -1;
    while (trees && hone__piece_next(hone__call_name(node), rows, &piece))
        if (!run_piece(e, trees, &piece, chain, user))
            return false;
    if (!trees || hone__error_since(errors))
        return false;
    return !hone__part_is_last(part) || send(trees, e->into, part);
}

static bool add_rows(void *user, hone_tensor *sum, bool fresh, int64_t first, int64_t n)
{
    if (fresh)
        hone__fill_elements(sum, 0);
    return hone__add_samples(sum, hone_slice((hone_tensor *)user, 0, first, first + n, 1));
}

bool hone__trees_add(hone_context *node, int i, hone_tensor *grad)
{
    return hone__trees_chain(node, i, grad->shape[0], add_rows, grad, NULL);
}

bool hone__trees_refuse(const hone_context *node, int i)
{
    hone_error_set(HONE_E_STATE,
                   "%s: its gradient for the leaf %s comes as one sum, which has no shards (use "
                   "none, or what sums over samples: linear, conv, norms, embedding, broadcasting)",
                   hone__call_name(node), hone__tensor_text(node->edges[i].into).s);
    return false;
}

bool hone__trees_send(hone_tensor *leaf)
{
    bool ok = true;
    hone__trees **slot;
    for (int use = 0; ok && (slot = hone__leaf_trees_there(leaf, use)); use++)
        ok = !*slot || send(*slot, leaf, hone__part_now());
    return ok;
}

hone_tensor *hone__trees_take(hone__trees *trees, bool *holds_grad)
{
    *holds_grad = trees && trees->holds_grad;
    if (!trees || trees->forest.n == 0)
        return NULL;
    hone_tensor *sum = trees->sum[0];
    for (int i = 1; i < trees->forest.n; i++)
        hone_release(trees->sum[i]);
    trees->forest.n = 0;
    return sum;
}
