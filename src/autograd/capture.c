/* capture.c: hone_autograd_grad: a walk whose gradients go to its caller instead of the leaves. */
#include "core/reserve.h"
#include "autograd/leaf.h"
#include "autograd/run_hooks.h"
#include "autograd/walk.h"
#include "autograd/walk_state.h"

#include "runtime/memory.h"

/* A freed node no longer says what was below it: could that be a captured input? Those that are
 * inner tensors are older than what was computed from them. */
static bool may_hide_input(const hone__walk_state *w, const hone_context *node)
{
    for (int i = 0; i < w->n_captures; i++) {
        const hone_context *wanted_node = w->captures[i].input->node;
        if (!wanted_node || wanted_node->seq < node->seq)
            return true;
    }
    return false;
}

static bool collect(hone__walk_state *all, hone_context *node)
{
    return hone__node_claim(node) && (node->queued || hone__walk_push(all, node));
}

/* Marks the nodes that lead from the outputs to a captured input: collects all nodes in order of
 * seq, then decides upwards. */
static bool mark_needed(hone__walk_state *w, hone_tensor_list outputs)
{
    hone__walk_state all = { .n = 0 };
    hone__walk_begin(&all);
    hone_context **order = NULL;
    int n = 0;
    int64_t room = 0;
    bool ok = true;

    for (int i = 0; ok && i < outputs.n; i++)
        if (outputs.at[i]->node)
            ok = collect(&all, outputs.at[i]->node);
    while (ok && all.n > 0) {
        if (!hone__grow(&order, &room, n + 1, sizeof *order)) {
            ok = false;
            break;
        }
        hone_context *node =
            hone__walk_pop(&all); /* the graph keeps it alive: the outputs are held by the caller */
        hone__node_drop(node);
        order[n++] = node;
        if (node->freed && may_hide_input(w, node))
            ok = hone__walk_was_freed(node);
        for (int i = 0; ok && i < node->n_in; i++)
            if (node->edges[i].node)
                ok = collect(&all, node->edges[i].node);
    }
    while (n-- > 0) {
        hone_context *node = order[n];
        node->runs = false;
        for (int i = 0; i < node->n_in; i++) {
            hone__capture *leaf =
                node->edges[i].leaf ? hone__find_capture(w, node->edges[i].leaf) : NULL;
            if (leaf)
                leaf->connected = true;
            node->runs = node->runs || hone__walk_wants(w, &node->edges[i]);
        }
        node->needed = node->runs;
        for (int i = 0; i < w->n_captures; i++)
            if (w->captures[i].input->node == node)
                node->needed = w->captures[i].connected = true;
        if (!ok || !node->needed)
            hone__node_leave(node);
    }
    hone__walk_end(&all);
    hone__free(order);
    return ok;
}

static bool list_given(const char *what, hone_tensor_list list)
{
    for (int i = 0; i < list.n && list.at; i++)
        if (!hone__needs_tensor(what, list.at[i]))
            return false;
    if (list.at && list.n > 0)
        return true;
    hone__error_null(what);
    return false;
}

/* Leaves' hooks see the whole gradient that is handed out. */
static bool hook_captures(hone__walk_state *w)
{
    bool ok = true;
    for (int i = 0; ok && i < w->n_captures; i++) {
        hone__capture *c = &w->captures[i], *first = hone__find_capture(w, c->input);
        hone__hooks *hooks = c->input->node ? NULL : hone__leaf_hooks(c->input);
        if (!hooks || !c->grad)
            continue;
        if (c == first)
            ok = hone__hooks_run(hooks, "a leaf", 0, &c->grad);
        else
            ok = hone_assign(&c->grad, first->grad) == HONE_OK;
    }
    return ok;
}

static bool walk_captures(hone__walk_state *w, hone_tensor_list outputs, hone_tensor_list grads)
{
    HONE_SCOPE(); /* of the outputs' own gradients */
    bool enabled = hone_set_grad_enabled(w->create_graph);
    bool ok = mark_needed(w, outputs);
    for (int i = 0; ok && i < outputs.n; i++)
        ok = hone__walk_start(w, "autograd_grad", i, outputs.at[i],
                              i < grads.n ? grads.at[i] : NULL);
    ok = ok && hone__walk_run(w) && hook_captures(w);
    hone__walk_end(w);
    hone_set_grad_enabled(enabled);
    return ok;
}

/* The gradient of an input: what came in, zeros if only gradients of zero lead to it. */
static hone_tensor *handed_out(const hone__walk_state *w, int i, bool allow_unused)
{
    hone__capture *c = &w->captures[i];
    const hone__capture *first =
        hone__find_capture(w, c->input); /* an input may be asked for twice */
    if (c->grad && !hone__walk_own(&c->grad))
        return NULL;
    if (c->grad) {
        hone_tensor *grad = c->grad;
        c->grad = NULL;
        return hone__own(grad);
    }
    if (first->connected)
        return hone__walk_zeros((hone_dtype)c->input->dtype, c->input->ndim, c->input->shape);
    if (allow_unused)
        return HONE_NONE;
    hone_error_set(HONE_E_STATE,
                   "autograd_grad: no output depends on input %d (%s); use allow_unused", i,
                   hone__tensor_text(c->input).s);
    return NULL;
}

static bool hand_out(const hone__walk_state *w, bool allow_unused, hone_tensor_list result)
{
    const bool enabled = hone_set_grad_enabled(w->create_graph); /* for the copies */
    bool ok = true;
    for (int i = 0; ok && i < w->n_captures; i++)
        ok = (result.at[i] = handed_out(w, i, allow_unused)) != NULL;
    hone_set_grad_enabled(enabled);
    return ok;
}

hone_tensor_list hone_autograd_grad(hone_tensor_list outputs, hone_tensor_list inputs,
                                    const hone_autograd_options *options)
{
    const hone_tensor_list failed = { NULL, 0 };
    const hone_autograd_options o =
        options ? *options : (hone_autograd_options){ .retain_graph = false };
    if (!HONE__KNOWS_OPTIONS("autograd_grad", options) ||
        !list_given("autograd_grad: outputs", outputs) ||
        !list_given("autograd_grad: inputs", inputs))
        return failed;
    for (int i = 0; i < o.grad_outputs.n; i++)
        if (!hone__needs_tensor_or_none("autograd_grad: grad_outputs",
                                        o.grad_outputs.at ? o.grad_outputs.at[i] : NULL))
            return failed;
    if (o.grad_outputs.n && o.grad_outputs.n != outputs.n) {
        hone_error_set(HONE_E_SHAPE, "autograd_grad: %d outputs but %d grad_outputs", outputs.n,
                       o.grad_outputs.n);
        return failed;
    }
    for (int i = 0; i < inputs.n; i++) {
        if (hone__is_stale(inputs.at[i]))
            hone__refuse_stale("autograd_grad", "input", i, inputs.at[i]);
        else if (hone_requires_grad(inputs.at[i]))
            continue;
        else
            hone_error_set(HONE_E_STATE, "autograd_grad: input %d (%s) doesn't require a gradient",
                           i, hone__tensor_text(inputs.at[i]).s);
        return failed;
    }
    hone_tensor_list result = hone__list_new(inputs.n);
    hone__capture *captures =
        result.at ? hone__calloc(hone__bytes(inputs.n, sizeof *captures)) : NULL;
    if (!captures)
        return failed;
    hone__walk_state w = {
        .create_graph = o.create_graph,
        .retain_graph = o.retain_graph || o.create_graph,
        .captures = captures,
        .n_captures = inputs.n,
    };
    hone__walk_begin(&w);
    for (int i = 0; i < inputs.n; i++)
        captures[i].input = inputs.at[i];
    bool ok = walk_captures(&w, outputs, o.grad_outputs) && hand_out(&w, o.allow_unused, result);
    for (int i = 0; i < inputs.n; i++)
        hone_release(captures[i].grad);
    hone__free(captures);
    return ok ? result : failed;
}
