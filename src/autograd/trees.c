/* trees.c: see trees.h. */
#include "autograd/trees.h"

#include "autograd/fit.h"
#include "autograd/leaf.h"
#include "loops/elementwise.h"
#include "op/part.h"
#include "ops/samples.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

struct hone__trees {
    hone_tensor *open; /* held: the chain of the shard that runs; NULL: none does */
    bool sent;
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

static hone_tensor *zeros_like(const hone_tensor *leaf)
{
    hone_tensor *t = hone__new("accumulate", (hone_dtype)leaf->dtype, leaf->ndim, leaf->shape);
    if (t)
        hone__fill_elements(t, 0);
    return t;
}

static hone__trees *trees_of(hone_tensor *leaf, int use)
{
    hone__trees **slot = hone__leaf_trees(leaf, use);
    if (slot && !*slot)
        *slot = hone__calloc(sizeof **slot);
    return slot ? *slot : NULL;
}

/* The shard's chain is complete: it joins those that wait for it. */
static bool close_shard(hone__trees *trees, const hone__part *part, int64_t shard)
{
    HONE_NO_GRAD();
    int at = trees->forest.n, joined = hone__forest_push(&trees->forest, &part->cut, shard, shard);
    bool ok = true;
    trees->sum[at] = trees->open;
    trees->open = NULL;
    for (; joined > 0; joined--, at--) {
        ok = ok && hone_add_(trees->sum[at - 1], trees->sum[at]);
        hone_release(trees->sum[at]);
    }
    return ok;
}

static bool send(hone__trees *trees, const hone_tensor *leaf, const hone__part *part)
{
    if (trees->sent || !part->ranks)
        return true;
    trees->sent = true;
    const int n = trees->forest.n;
    if (n == 0 && !(trees->sum[0] = zeros_like(leaf)))
        return false;
    trees->forest.n = n ? n : 1; /* a ghost has room for what the others send */
    return part->ranks->send(part->ranks, trees->sum[0], &part->cut, n, trees->sum);
}

static bool run_piece(const hone__edge *e, hone__trees *trees, const hone__piece *piece,
                      hone__chain chain, void *user)
{
    HONE_SCOPE();
    bool ok = true;
    if (!trees->open && !(trees->open = zeros_like(e->into)))
        return false;
    hone_tensor *sum = hone__shown(e, trees->open, &ok);
    if (ok && !sum)
        hone_error_set(HONE_E_STATE,
                       "backward: %s isn't seen where it lies: its shards can't be summed",
                       hone__tensor_text(e->into).s);
    return ok && sum && chain(user, sum, piece->first, piece->n) &&
           (!piece->ends || close_shard(trees, hone__part_now(), piece->shard));
}

bool hone__trees_chain(hone_context *node, int i, int64_t rows, hone__chain chain, void *user)
{
    const hone__edge *e = &node->edges[i];
    const uint64_t errors = hone__error_count();
    hone__trees *trees = trees_of(e->into, e->use);
    hone__piece piece = { 0 };
    HONE_NO_GRAD();
    while (trees && hone__piece_next(hone__call_name(node), rows, &piece))
        if (!run_piece(e, trees, &piece, chain, user))
            return false;
    if (!trees || hone__error_since(errors))
        return false;
    const hone__part *part = hone__part_now();
    return !hone__part_is_last(part) || send(trees, e->into, part);
}

static bool add_rows(void *user, hone_tensor *sum, int64_t first, int64_t n)
{
    return hone__add_samples(sum, hone_slice((hone_tensor *)user, 0, first, first + n, 1));
}

bool hone__trees_add(hone_context *node, int i, hone_tensor *grad)
{
    return hone__trees_chain(node, i, grad->shape[0], add_rows, grad);
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

hone_tensor *hone__trees_take(hone__trees *trees)
{
    if (!trees || trees->forest.n == 0)
        return NULL;
    hone_tensor *sum = trees->sum[0];
    for (int i = 1; i < trees->forest.n; i++)
        hone_release(trees->sum[i]);
    trees->forest.n = 0;
    return sum;
}
