/* cycle.c: an in-place op must not tie its target to a graph that holds the target, as in
 * y -= log(y):
 *
 *      y --node--> sub --edge--> log --saved--> y
 *
 * Nobody could free that. What a node saved before the change it can't use after it, so the node
 * gets a handle of its own onto what the target was until then. So does a leaf whose .grad the target
 * is (grad += 0.1 * leaf). There being no cycles before the
 * call, none goes through the target's history so far: only what lies below the other operands, and
 * not below that history, is looked at. */
#include "autograd/leaf.h"
#include "autograd/search.h"

typedef struct {
    hone__search nodes;
    hone_tensor *target;
} search;

static bool meet(search *s, hone_context *node)
{
    return hone__meet(&s->nodes, node);
}

/* A leaf leads to its gradient, whose history an op in place may have made. */
static bool look_at_gradient(search *s, hone_tensor *leaf)
{
    hone_context *history;
    bool ok = hone__leaf_part(leaf, s->target, &history);
    ok = ok && meet(s, history);
    hone__node_drop(history);
    return ok;
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
    hone_tensor *t = saved->tensor;
    if (!hone__is_real(t))
        return true;
    if (t != s->target)
        return meet(s, t->node) && look_at_gradient(s, t);
    hone_tensor *other = stand_in(t);
    if (!other)
        return false;
    saved->tensor = other;
    hone_release(t);
    return true;
}

static bool look_at_edge(search *s, hone__edge *e)
{
    if (!e->leaf)
        return meet(s, e->node);
    if (e->leaf != s->target)
        return look_at_gradient(s, e->leaf);
    e->leaf = NULL; /* it was a leaf then and requires no gradient any more */
    e->needs = false;
    hone_release(s->target);
    return true;
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

bool hone__find_and_cut_cycles(hone_context *ctx, hone_tensor *target)
{
    if (!ctx->recording || !atomic_load_explicit(&target->held, memory_order_relaxed))
        return true;
    search s = { .target = target };
    hone__search_begin(&s.nodes);
    if (target->node)
        atomic_store_explicit(&target->node->met, s.nodes.stamp, memory_order_relaxed);
    bool ok = look_at(&s, ctx);
    for (hone_context *node; (node = hone__search_next(&s.nodes));) {
        ok = ok && look_at(&s, node);
        hone__node_drop(node);
    }
    hone__search_end(&s.nodes);
    return ok;
}
