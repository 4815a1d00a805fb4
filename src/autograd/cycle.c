/* cycle.c: an in-place op must not tie its target to a graph that holds the target, as in
 * y -= log(y):
 *
 *      y --node--> sub --edge--> log --saved--> y
 *
 * Nobody could free that. What a node saved before the change it can't use after it, so the node
 * gets a handle of its own onto what the target was until then. There being no cycles before the
 * call, none goes through the target's history so far: only what lies below the other operands, and
 * not below that history, is looked at. */
#include "autograd/node.h"

#include "runtime/memory.h"

#include <string.h>

enum { INLINE_STACK = 32 };

typedef struct {
    hone_tensor *target;
    uint64_t stamp; /* in every node that was met */
    int n, room;
    hone_context **stack; /* met, but not yet looked at */
    hone_context *inline_stack[INLINE_STACK];
} search;

static bool meet(search *s, hone_context *node)
{
    if (!node || atomic_load_explicit(&node->met, memory_order_relaxed) == s->stamp)
        return true;
    atomic_store_explicit(&node->met, s->stamp, memory_order_relaxed);
    if (s->n == s->room) {
        hone_context **more = hone__grown(s->stack, s->inline_stack, &s->room, sizeof *more);
        if (!more)
            return false;
        s->stack = more;
    }
    s->stack[s->n++] = node;
    return true;
}

/* Another handle onto what the target is until the call. */
static hone_tensor *stand_in(const hone_tensor *t)
{
    hone_tensor *other = hone__alias(t, t->ndim, t->shape, t->stride, t->offset);
    if (!other)
        return NULL;
    other->is_view = t->is_view;
    other->view_version = t->view_version;
    other->hides_history = t->hides_history;
    other->node = hone__node_retain(t->node);
    other->out_index = t->out_index;
    return other;
}

static bool look_at_saved(search *s, hone__saved *saved)
{
    if (saved->tensor != s->target)
        return !hone__is_real(saved->tensor) || meet(s, saved->tensor->node);
    hone_tensor *other = stand_in(s->target);
    if (!other)
        return false;
    saved->tensor = other;
    hone_release(s->target);
    return true;
}

static bool look_at_edge(search *s, hone__edge *e)
{
    if (e->leaf == s->target) { /* it was a leaf then and requires no gradient any more */
        e->leaf = NULL;
        e->needs = false;
        hone_release(s->target);
    }
    return meet(s, e->node);
}

static bool look_at(search *s, hone_context *node)
{
    bool ok = true;
    for (int i = 0; ok && i < node->n_saved; i++)
        ok = look_at_saved(s, &node->saved[i]);
    for (int i = 0; ok && i < node->n_in; i++)
        ok = look_at_edge(s, &node->edges[i]);
    return ok;
}

bool hone__cut_cycles(hone_context *ctx, hone_tensor *target)
{
    static atomic_uint_fast64_t stamps;
    if (!ctx->recording || !atomic_load_explicit(&target->held, memory_order_relaxed))
        return true;
    search s = { .target = target,
                 .stamp = atomic_fetch_add_explicit(&stamps, 1, memory_order_relaxed) + 1,
                 .room = INLINE_STACK,
                 .stack = s.inline_stack };
    if (target->node)
        atomic_store_explicit(&target->node->met, s.stamp, memory_order_relaxed);
    bool ok = look_at(&s, ctx);
    while (ok && s.n > 0)
        ok = look_at(&s, s.stack[--s.n]);
    if (s.stack != s.inline_stack)
        hone__free(s.stack);
    return ok;
}
