/* walk_state.c: see walk_state.h. */
#include "autograd/walk_state.h"
#include "autograd/leaf.h"
#include "autograd/walk.h"
#include "op/mode.h"

#include <hone/ops.h>

#include "runtime/memory.h"

#include <string.h>

/* Never 0, nor that of another walk or part. */
uint64_t hone__walk_id(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

void hone__walk_begin(hone__walk_state *w)
{
    w->anomaly = hone__anomaly_on;
    w->heap = w->inline_heap;
    w->room = HONE__INLINE_HEAP;
    w->parcels = w->inline_parcels;
    w->room_parcels = HONE__INLINE_PARCELS;
}

/* ---- the heap ---- */

bool hone__walk_push(hone__walk_state *w, hone_context *node)
{
    if (w->n == w->room) {
        hone_context **more = hone__grown(w->heap, w->inline_heap, &w->room, sizeof *more);
        if (!more)
            return false;
        w->heap = more;
    }
    int i = w->n++;
    for (; i > 0 && w->heap[(i - 1) / 2]->seq < node->seq; i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = hone__node_retain(node);
    node->queued = true;
    return true;
}

hone_context *hone__walk_pop(hone__walk_state *w)
{
    hone_context *top = w->heap[0], *last = w->heap[--w->n];
    int i = 0;
    for (;;) {
        int child = 2 * i + 1;
        if (child >= w->n)
            break;
        if (child + 1 < w->n && w->heap[child + 1]->seq > w->heap[child]->seq)
            child++;
        if (w->heap[child]->seq <= last->seq)
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    top->queued = false;
    return top;
}

void hone__drop_grads(hone_context *node)
{
    for (int o = 0; o < node->n_out; o++) {
        hone_release(node->grads[o]);
        node->grads[o] = NULL;
    }
}

/* ---- leaves with hooks */

/* Their gradients are complete. */
bool hone__walk_end_hooked(hone__walk_state *w, bool good)
{
    for (int i = 0; i < w->n_hooked; i++) {
        good = hone__leaf_hooks_end(w->hooked[i], good) && good;
        hone_release(w->hooked[i]);
    }
    hone__free(w->hooked);
    w->hooked = NULL;
    w->n_hooked = 0;
    w->room_hooked = 0;
    return good;
}

/* A batch in parts has its own list: accumulate.c. */
__attribute__((cold, noinline)) static bool begin_hooked(hone__walk_state *w, hone_tensor *leaf)
{
    bool first;
    if (w->in_parts && hone__hooks_have(hone__leaf_hooks(leaf), HONE__HOOK_UPDATE))
        return hone__refuse_updated("backward: a batch in parts", leaf);
    if (!hone__grow(&w->hooked, &w->room_hooked, w->n_hooked + 1, sizeof *w->hooked) ||
        !hone__leaf_hooks_begin(leaf, &first))
        return false;
    if (first && !w->in_parts)
        w->hooked[w->n_hooked++] = hone_retain(leaf);
    return true;
}

/* Counts a delivery to the leaf; -1: an error. */
int hone__walk_use(hone__walk_state *w, hone_tensor *leaf)
{
    const int use = hone__leaf_use(leaf, w->id, w->in_parts);
    return use >= 0 && __builtin_expect(hone__leaf_hooks(leaf) != NULL, 0) && !begin_hooked(w, leaf)
               ? -1
               : use;
}

void hone__walk_end(hone__walk_state *w)
{
    hone__walk_end_hooked(w, false);
    while (w->n > 0) {
        hone_context *node = hone__walk_pop(w);
        hone__drop_grads(node);
        hone__node_leave(node);
        hone__node_drop(node);
    }
    while (w->n_parcels > 0)
        hone_release(w->parcels[--w->n_parcels].grad);
    if (w->heap != w->inline_heap)
        hone__free(w->heap);
    if (w->parcels != w->inline_parcels)
        hone__free(w->parcels);
}

/* ---- what both ways in need */

bool hone__walk_own(hone_tensor **slot)
{
    if (hone__unshared(*slot))
        return true;
    HONE_SCOPE();
    hone_tensor *own = hone_retain(hone_clone(*slot));
    if (!own)
        return false;
    hone_release(*slot);
    *slot = own;
    return true;
}

hone__capture *hone__find_capture(const hone__walk_state *w, const hone_tensor *leaf)
{
    for (int i = 0; i < w->n_captures; i++)
        if (w->captures[i].input == leaf)
            return &w->captures[i];
    return NULL;
}

bool hone__walk_wants(const hone__walk_state *w, const hone__edge *e)
{
    if (!e->needs)
        return false;
    if (!w->captures)
        return true;
    return e->node ? e->node->needed : hone__find_capture(w, e->leaf) != NULL;
}

bool hone__walk_was_freed(const hone_context *node)
{
    hone_error_set(HONE_E_STATE,
                   "backward: the graph was freed by an earlier walk (at %s); use retain_graph",
                   hone__call_name(node));
    return false;
}

hone_tensor *hone__walk_zeros(hone_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t dims[HONE_MAX_DIMS + 2] = { dtype };
    memcpy(dims + 1, shape, sizeof *shape * (size_t)ndim);
    dims[1 + ndim] = HONE_END_DIM;
    return hone_zeros_v(dims);
}
