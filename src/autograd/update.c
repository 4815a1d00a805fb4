/* update.c: see update.h. */
#include "autograd/update.h"
#include "autograd/leaf.h"
#include "autograd/search.h"
#include "autograd/walk.h"

#include "runtime/memory.h"

#include <hone/autograd.h>

#include <stdlib.h>

/* How many updates are set: without any no graph is searched. */
static atomic_int n_set;

int64_t hone__update_set(const char *where, hone_tensor *leaf,
                         hone_status (*update)(hone_tensor *leaf, void *user), void *user)
{
    if (!hone__leaf_not_updated(where, leaf) || !hone__leaf_is_whole(where, leaf))
        return 0;
    if (leaf->grad) {
        hone_error_set(HONE_E_STATE,
                       "%s: %s has a gradient already, which no backward would complete; "
                       "hone_optim_zero_grad_with(.set_to_none) comes first",
                       where, hone__tensor_text(leaf).s);
        return 0;
    }
    hone__leaf_reset(leaf, true);
    hone__mark_held(leaf);
    hone__hooks **place = hone__leaf_hooks_place(leaf);
    const hone__grad_hook hook = { .kind = HONE__HOOK_UPDATE, .accumulated = update, .user = user };
    const int64_t id = place ? hone__hooks_add(place, hook) : 0;
    if (id)
        atomic_fetch_add_explicit(&n_set, 1, memory_order_relaxed);
    return id;
}

void hone__update_unset(hone_tensor *leaf, int64_t id)
{
    if (hone__hooks_remove(hone__leaf_hooks(leaf), id))
        atomic_fetch_sub_explicit(&n_set, 1, memory_order_relaxed);
}

bool hone__refuse_updated(const char *what, const hone_tensor *leaf)
{
    hone_error_set(HONE_E_STATE,
                   "%s: %s is stepped within the backward (hone_optim_in_backward), and its "
                   "gradient given back then",
                   what, hone__tensor_text(leaf).s);
    return false;
}

static bool has_update(const hone_tensor *leaf)
{
    const hone__hooks *hooks = hone__leaf_hooks(leaf);
    return hooks && hone__hooks_have(hooks, HONE__HOOK_UPDATE);
}

bool hone__leaf_not_updated(const char *what, const hone_tensor *leaf)
{
    return !has_update(leaf) || hone__refuse_updated(what, leaf);
}

/* ---- of a graph */

static bool note(hone__updates *u, hone_tensor *leaf, uint64_t seq)
{
    for (int i = 0; i < u->n; i++) {
        if (u->at[i].leaf != leaf)
            continue;
        u->at[i].first = seq < u->at[i].first ? seq : u->at[i].first;
        return true;
    }
    if (!hone__grow(&u->at, &u->room, u->n + 1, sizeof *u->at))
        return false;
    u->at[u->n++] = (hone__update){ hone_retain(leaf), seq };
    return true;
}

static bool look_at(hone__updates *u, hone__search *s, hone_context *node)
{
    const bool before = hone__node_is_claimed(node);
    bool ok = hone__node_claim(node);
    if (!ok)
        return false;
    for (int i = 0; ok && i < node->n_in; i++) {
        const hone__edge *e = &node->edges[i];
        ok = hone__meet(s, e->node) &&
             (!e->leaf || !has_update(e->leaf) || note(u, e->leaf, node->seq));
    }
    if (!before)
        hone__node_leave(node);
    return ok;
}

/* Larger numbers first; of one node in any order: none depends on another. */
static int by_first(const void *a, const void *b)
{
    const uint64_t x = ((const hone__update *)a)->first, y = ((const hone__update *)b)->first;
    return (x < y) - (x > y);
}

bool hone__updates_find(hone__updates *u, hone_tensor *t)
{
    if (!t->node || atomic_load_explicit(&n_set, memory_order_relaxed) == 0)
        return true;
    hone__search s;
    hone__search_begin(&s);
    bool ok = hone__meet(&s, t->node);
    for (hone_context *node; (node = hone__search_next(&s));) {
        ok = ok && look_at(u, &s, node);
        hone__node_drop(node);
    }
    hone__search_end(&s);
    if (u->n > 0)
        qsort(u->at, (size_t)u->n, sizeof *u->at, by_first);
    return ok;
}

bool hone__updates_run(hone__updates *u, uint64_t seq)
{
    bool ok = true;
    while (ok && u->done < u->n && u->at[u->done].first > seq)
        ok = hone__leaf_hooks_end(u->at[u->done++].leaf, true);
    return ok;
}

void hone__updates_end(hone__updates *u)
{
    for (int i = 0; i < u->n; i++)
        hone_release(u->at[i].leaf);
    hone__free(u->at);
}
