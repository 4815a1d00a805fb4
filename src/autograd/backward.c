/* backward.c: the walk from outputs to leaves.
 *
 * A node's inputs were made by nodes of smaller seq, so taking nodes from a heap, largest seq
 * first, meets every node after all its users, and sums gradients in an order that depends on
 * nothing but the program. No recursion, no dependency counts. */
#include "core/reserve.h"
#include "autograd/anomaly.h"
#include "autograd/fit.h"
#include "autograd/leaf.h"
#include "autograd/run_hooks.h"
#include "autograd/trees.h"
#include "autograd/update.h"
#include "autograd/walk.h"
#include "autograd/walk_state.h"
#include "ops/samples.h"
#include "op/mode.h"
#include "op/node.h"
#include "op/observe.h"
#include "op/part.h"

#include <hone/ops.h>

#include "gemm/pairs.h"
#include "runtime/memory.h"

#include <string.h>

/* ---- sums ---- */

/* *slot += grad; the slot holds its tensor. */
static bool add_to(hone_tensor **slot, hone_tensor *grad)
{
    hone_tensor *old = *slot;
    if (!old) {
        *slot = hone_retain(grad);
        return true;
    }
    if (!hone_grad_enabled() && hone__only_ours(old))
        return hone_add_(old, grad) != NULL;
    hone_tensor *sum = hone_add(old, grad);
    if (!sum)
        return false;
    *slot = hone_retain(sum);
    hone_release(old);
    return true;
}

static bool hand_over_parcels(hone__walk_state *w)
{
    if (w->n_parcels == 0)
        return true;
    HONE_SCOPE(); /* of the copies */
    bool ok = !w->tiles.leaf || hone__tiles_end(&w->tiles);
    for (int i = 0; i < w->n_parcels; i++) {
        ok = ok && hone__leaf_add(w->parcels[i].leaf, w->parcels[i].use, w->parcels[i].grad);
        hone_release(w->parcels[i].grad);
    }
    w->n_parcels = 0;
    return ok;
}

static bool post(hone__walk_state *w, hone_tensor *leaf, int use, hone_tensor *grad)
{
    if (w->n_parcels == w->room_parcels) {
        hone__parcel *more =
            hone__grown(w->parcels, w->inline_parcels, &w->room_parcels, sizeof *more);
        if (!more)
            return false;
        w->parcels = more;
    }
    w->parcels[w->n_parcels++] = (hone__parcel){ leaf, use, hone_retain(grad) };
    return true;
}

static bool deliver_to_captures(hone__walk_state *w, const hone_tensor *leaf, hone_tensor *grad)
{
    for (int i = 0; i < w->n_captures; i++)
        if (w->captures[i].input == leaf && !add_to(&w->captures[i].grad, grad))
            return false;
    return true;
}

/* Nobody asks for what is below a captured input: it is neither run nor freed. */
static bool must_run(const hone__walk_state *w, const hone_context *node)
{
    return !w->captures || node->runs;
}

static bool deliver_to_node(hone__walk_state *w, hone_context *node, int out, hone_tensor *grad)
{
    if (!hone__node_claim(node))
        return false;
    if (w->captures && !node->needed) {
        hone__node_leave(node);
        return true;
    }
    if (node->freed && must_run(w, node))
        return hone__walk_was_freed(node);
    if (!hone__tiles_end_of(&w->tiles, node->grads[out]) || !add_to(&node->grads[out], grad))
        return false;
    return node->queued || hone__walk_push(w, node);
}

/* ---- one node ---- */

static bool is_captured(const void *ctx, const hone_context *node)
{
    const hone__walk_state *w = ctx;
    if (node->hooked)
        return true;
    for (int i = 0; i < w->n_captures; i++)
        if (w->captures[i].input->node == node)
            return true;
    return false;
}

/* The leaf to which this input's gradient goes past the views of it; NULL: to e->node. */
static hone_tensor *find_leaf(const hone__walk_state *w, const hone__edge *e)
{
    if (!e->leaf && !(e->node && e->node->outputs[e->out].shows))
        return NULL;
    hone_tensor *leaf = hone__leaf_of(e, is_captured, w);
    return leaf && (!w->captures || hone__find_capture(w, leaf)) ? leaf : NULL;
}

/* The leaf's sum as the input shows it, if the walk may add to it: the leaf is locked. */
static hone_tensor *begun_sum(const hone__edge *e, bool *ok)
{
    hone_tensor *sum = hone__leaf_sum(e->into, e->use);
    return sum ? hone__shown(e, sum, ok) : NULL;
}

/* A gradient for each sample, begun with the leaf's sum. *done: it went there. */
static bool go_on(const hone__walk_state *w, const hone__edge *e, hone_tensor *grad, bool *done)
{
    bool ok = true;
    if (w->captures || hone_grad_enabled() || hone__is_half(e->dtype))
        return true;
    const unsigned lock = hone__leaf_lock(e->into);
    hone_tensor *sum = begun_sum(e, &ok);
    *done = sum;
    ok = ok && (!sum || hone__add_samples(sum, grad));
    hone__leaves_unlock(lock);
    return ok;
}

/* ---- gradients of views that lie side by side */

static hone_tensor *blank(hone_dtype dtype, int ndim, const int64_t *shape)
{
    return hone__own(hone__new("backward", dtype, ndim, shape));
}

/* Is it the newest gradient on its way to that leaf? Sums are in the order of deliveries. */
static bool lays_for(const hone__walk_state *w, const hone_tensor *leaf)
{
    return w->tiles.leaf == leaf && w->parcels[w->n_parcels - 1].grad == w->tiles.whole;
}

/* Of views of a leaf that one op has as operands: the leaf gets them as one gradient. The sum over one
 * sample begins with +0, as every one. */
static bool lay_for_leaf(hone__walk_state *w, const hone__edge *e, hone_tensor *grad, bool samples,
                         bool *done)
{
    hone_tensor *leaf = e->into;
    const bool more = lays_for(w, leaf);
    if (e->leaf || w->captures || w->in_parts || hone_grad_enabled() ||
        (samples && (grad->ndim != e->shape.ndim || grad->shape[0] != 1)) ||
        (!more && grad->numel == leaf->numel))
        return true;
    HONE_SCOPE();
    bool ok = true;
    hone_tensor *whole =
        more ? w->tiles.whole : blank((hone_dtype)leaf->dtype, leaf->ndim, leaf->shape);
    hone_tensor *view = whole ? hone__shown(e, whole, &ok) : NULL;
    if (!whole || !ok ||
        (view && !hone__tiles_lay(&w->tiles, whole, view, grad, !samples, true, done)))
        return false;
    if (!*done || more)
        return true;
    w->tiles.leaf = leaf;
    return post(w, leaf, e->use, whole);
}

/* Of a view of an inner tensor, which has no other gradient yet than of such. */
static bool lay_for_node(hone__walk_state *w, hone_context *node, bool *done)
{
    const hone__edge *e = node->edges;
    hone_context *to = e->node;
    hone_tensor *grad = node->grads[0];
    if (!node->outputs[0].shows || !grad || !e->wanted || e->into || !to || to->freed ||
        w->anomaly || hone_grad_enabled() || (w->captures && !to->needed) ||
        grad->numel == hone__numel_of("backward", e->shape.ndim, e->shape.shape))
        return true;
    hone_tensor **sum = &to->grads[e->out];
    const bool more = *sum && *sum == w->tiles.whole;
    if (*sum && !more)
        return true;
    if (!hone__node_claim(to))
        return false;
    HONE_SCOPE(); /* nobody else sees the sum behind it */
    hone_tensor *whole = more ? *sum : blank(e->dtype, e->shape.ndim, e->shape.shape);
    hone_tensor *view = whole ? hone__call(node->op, &whole, 1, node->options) : NULL;
    if (!view || !hone__tiles_lay(&w->tiles, whole, view, grad, true, !node->op->adds, done))
        return false;
    if (!*done || more)
        return true;
    *sum = hone_retain(whole);
    return to->queued || hone__walk_push(w, to);
}

static bool deliver_to_leaf(hone__walk_state *w, hone_context *node, int i, hone_tensor *grad)
{
    const hone__edge *e = &node->edges[i];
    bool samples, done = false;
    hone_tensor *within = hone__sum_within(node, i, grad, &samples);
    if (e->in_shards)
        return within && (samples ? hone__trees_add(node, i, within) : hone__trees_refuse(node, i));
    if (!within || (samples && !go_on(w, e, within, &done)))
        return false;
    if (!done && !lay_for_leaf(w, e, within, samples, &done))
        return false;
    if (done)
        return true;
    grad = hone__brought_to_leaf(e, samples ? hone__sum_over(node, i, within) : within);
    if (!grad)
        return false;
    return w->captures ? deliver_to_captures(w, e->into, grad) : post(w, e->into, e->use, grad);
}

static bool deliver(hone__walk_state *w, hone_context *node, int i, hone_tensor *grad)
{
    const hone__edge *e = &node->edges[i];
    if (e->into)
        return deliver_to_leaf(w, node, i, grad);
    bool samples = false;
    if (!hone__fits(e, grad))
        grad = hone__sum_within(node, i, grad, &samples);
    if (grad && samples)
        grad = hone__sum_over(node, i, grad);
    return grad && deliver_to_node(w, e->node, e->out, grad);
}

static bool fill_missing_grads(hone_context *node)
{
    HONE_SCOPE();
    for (int o = 0; o < node->n_out; o++) {
        const hone__output *out = &node->outputs[o];
        if (node->grads[o] || !out->differentiable)
            continue;
        node->grads[o] =
            hone_retain(hone__walk_zeros(out->dtype, out->shape.ndim, out->shape.shape));
        if (!node->grads[o])
            return false;
    }
    return true;
}

/* A user's backward may write to what it gets. */
static bool gradients_ready(hone_context *node)
{
    if (node->n_out > 1 && !fill_missing_grads(node))
        return false;
    for (int o = 0; node->op == &hone__op_function && o < node->n_out; o++)
        if (node->grads[o] && !hone__walk_own(&node->grads[o]))
            return false;
    return true;
}

/* Where the gradients of the inputs go, and how often the walk has been there. */
static bool find_ways(hone__walk_state *w, hone_context *node)
{
    bool ok = true;
    for (int i = 0; i < node->n_in; i++) {
        hone__edge *e = &node->edges[i];
        e->wanted = hone__walk_wants(w, e);
        e->begun = false;
        e->into = e->wanted ? find_leaf(w, e) : NULL;
        e->in_shards = e->into && w->in_shards;
        if (e->into && !w->captures)
            ok = (e->use = hone__walk_use(w, e->into)) >= 0 && ok;
    }
    return ok;
}

/* The sum of a leaf's other uses, for ops that add to it as it lies. */
static hone_tensor *whole_sum(const hone_context *node, const hone__edge *e, bool *ok)
{
    hone_tensor *sum = node->op->adds_whole ? hone__leaf_whole(e->into, e->use) : NULL;
    sum = sum ? hone__shown(e, sum, ok) : NULL;
    return sum && hone__contiguous(sum) ? sum : NULL;
}

/* The sums that have begun: of inner nodes, and of leaves, which are locked. *copied: some of these
 * lie so that the op gets a copy. */
static bool find_sums(hone__walk_state *w, hone_context *node, hone_tensor **dx, bool *copied)
{
    bool ok = true;
    for (int i = 0; i < node->n_in; i++) {
        hone__edge *e = &node->edges[i];
        if (hone__is_half(e->dtype) && !node->op->view)
            continue; /* each gradient is computed in f32, and rounded */
        if (e->into) {
            dx[i] = w->captures || w->in_shards ? NULL : begun_sum(e, &ok);
            e->begun = dx[i];
            if (!e->begun && !w->captures && !w->in_shards)
                dx[i] = whole_sum(node, e, &ok);
            if (dx[i] && !node->op->anywhere && !hone__contiguous(dx[i])) {
                *copied = true;
                ok = (dx[i] = hone_contiguous(dx[i])) && ok;
            }
            continue;
        }
        if (!e->wanted || !e->node || (w->captures && !e->node->needed))
            continue;
        hone_tensor *sum = e->node->grads[e->out];
        ok = hone__tiles_end_of(&w->tiles, sum) && ok;
        if (sum && hone__only_ours(sum))
            dx[i] = sum;
    }
    return ok;
}

/* What was added to copies. */
static bool store_sums(const hone_context *node, hone_tensor *const *dx, hone_tensor *const *sums)
{
    bool ok = true;
    for (int i = 0; ok && i < node->n_in; i++) {
        const hone__edge *e = &node->edges[i];
        if (!e->into || !e->begun || dx[i] != sums[i])
            continue;
        hone_tensor *sum = begun_sum(e, &ok);
        if (sum && sum->storage != dx[i]->storage)
            ok = hone_copy_(sum, dx[i]) && ok;
    }
    return ok;
}

/* The gradients of an op that computes in f32 for floats of 16 bits. */
static bool widen_gradients(hone_context *node, hone_tensor **wide)
{
    bool ok = node->n_out <= HONE_MAX_OUTPUTS;
    for (int o = 0; ok && o < node->n_out; o++) {
        hone_tensor *dy = node->grads[o];
        const bool half = dy && hone__is_half((hone_dtype)dy->dtype);
        ok = !half || (dy = hone_to(dy, HONE_F32));
        wide[o] = dy;
    }
    return ok;
}

/* Calls the op's backward: dx[i], before what of the gradients' sums it may add to itself, after it
 * those or its own gradients. */
static bool call_backward(hone__walk_state *w, hone_context *node, hone_tensor **dx,
                          hone_tensor **sums)
{
    const uint64_t errors = hone__error_count();
    const bool adds = node->op->adds && !hone_grad_enabled();
    const unsigned locks = adds && !w->captures && !w->in_shards ? hone__leaves_lock(node) : 0;
    bool copied = false, ok = !adds || find_sums(w, node, dx, &copied);
    if (adds)
        memcpy(sums, dx, sizeof *dx * (size_t)node->n_in);
    const uint64_t nan_sums = w->anomaly ? hone__nan_sums(node, sums) : 0;
    hone_tensor *wide[HONE_MAX_OUTPUTS], **dy = node->grads;
    if (__builtin_expect(node->widened, 0))
        ok = ok && widen_gradients(node, dy = wide);
    const hone__bf16_order order = hone__bf16_order_set((hone__bf16_order)node->order);
    if (ok)
        node->op->backward(node, dy, dx);
    hone__bf16_order_set(order);
    ok = ok && !hone__error_since(errors);
    if (w->anomaly)
        ok = ok && hone__no_nan(node, dx, sums, nan_sums);
    if (copied)
        ok = ok && store_sums(node, dx, sums);
    hone__leaves_unlock(locks);
    return ok;
}

static bool run_op(void *walk_, hone_context *node)
{
    hone__walk_state *w = walk_;
    enum { INLINE_GRADS = 8 };
    hone_tensor *inline_grads[2 * INLINE_GRADS], **dx = inline_grads;
    const size_t bytes = 2 * hone__bytes(node->n_in, sizeof *dx);
    const bool many = node->n_in > INLINE_GRADS;
    if (many && !(dx = hone__malloc(bytes)))
        return false;
    memset(dx, 0, bytes);
    hone_tensor **sums = dx + node->n_in;
    bool ok =
        (!node->part || hone__recompute_ready(node)) && find_ways(w, node) && gradients_ready(node);
    bool done = false;
    ok = ok && lay_for_node(w, node, &done) && (done || call_backward(w, node, dx, sums));
    for (int i = 0; ok && i < node->n_in; i++)
        if (dx[i] && dx[i] != HONE_NONE && dx[i] != sums[i] && node->edges[i].wanted)
            ok = (hone__is_real(dx[i]) || hone__refuse_tensor(hone__call_name(node), dx[i])) &&
                 deliver(w, node, i, dx[i]);
    if (many)
        hone__free(dx);
    return ok;
}

static bool capture_inner(hone__walk_state *w, const hone_context *node)
{
    for (int i = 0; i < w->n_captures; i++) {
        const hone_tensor *t = w->captures[i].input;
        if (t->node == node && node->grads[t->out_index] &&
            !add_to(&w->captures[i].grad, node->grads[t->out_index]))
            return false;
    }
    return true;
}

__attribute__((cold, noinline)) static bool run_hooks(hone_context *node)
{
    bool ok = true;
    for (int o = 0; ok && o < node->n_out; o++)
        ok = !node->grads[o] ||
             hone__hooks_run(node->hooks, hone__call_name(node), o, &node->grads[o]);
    return ok;
}

static bool run_node(hone__walk_state *w, hone_context *node)
{
    for (int o = 0; w->tiles.whole && o < node->n_out; o++)
        if (!hone__tiles_end_of(&w->tiles, node->grads[o]))
            return false;
    if (__builtin_expect(node->hooked, 0) && !run_hooks(node))
        return false;
    if (!capture_inner(w, node))
        return false;
    if (!must_run(w, node))
        return true;
    if (hone__profiled())
        return hone__observed.node(w, node, run_op);
    return run_op(w, node);
}

bool hone__walk_run(hone__walk_state *w)
{
    hone__span_mark mark;
    hone__span_begin(&mark, HONE__SPAN_BACKWARD, NULL);
    bool enabled = hone_set_grad_enabled(w->create_graph), ok = hand_over_parcels(w);
    const uint8_t autocast = hone__autocast_dtype; /* gradients run in the dtypes of the forward */
    hone__autocast_dtype = (uint8_t)HONE_F32;
    const hone_scope formulas = hone_scope_enter_at(__func__, __FILE__, __LINE__);
    while (ok && w->n > 0) {
        hone_context *node = hone__walk_pop(w);
        ok = run_node(w, node);
        hone__scope_empty(formulas); /* sums hold what lives on */
        hone__drop_grads(node);
        ok = ok && hand_over_parcels(w);
        ok = ok &&
             (w->updates.n == 0 || hone__updates_run(&w->updates, w->n > 0 ? w->heap[0]->seq : 0));
        if (!w->retain_graph && must_run(w, node))
            hone__node_clear(node);
        hone__node_leave(node);
        hone__node_drop(node);
    }
    hone_scope_leave(formulas);
    ok = hone__walk_end_hooked(w, ok);
    hone__autocast_dtype = autocast;
    hone_set_grad_enabled(enabled);
    hone__span_end(&mark, HONE__SPAN_BACKWARD, NULL);
    return ok;
}

/* ---- the way in ---- */

static hone_tensor *seed_gradient(const char *name, int i, hone_tensor *t, hone_tensor *given)
{
    if (!hone_requires_grad(t)) {
        hone_error_set(HONE_E_STATE, "%s: %s doesn't require a gradient", name,
                       hone__tensor_text(t).s);
        return NULL;
    }
    if (hone__is_stale(t)) {
        hone__refuse_stale(name, "output", i, t);
        return NULL;
    }
    if (hone__is_real(given)) {
        if (given->dtype == t->dtype && hone__same_shape(given, t))
            return given;
        hone_error_set(HONE_E_SHAPE, "%s: the gradient given is %s, the tensor is %s", name,
                       hone__tensor_text(given).s, hone__tensor_text(t).s);
        return NULL;
    }
    if (t->numel != 1) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: %s has more than one element (or none); give its gradient", name,
                       hone__tensor_text(t).s);
        return NULL;
    }
    return hone_ones_like(t);
}

bool hone__walk_start(hone__walk_state *w, const char *name, int i, hone_tensor *t,
                      hone_tensor *given)
{
    hone_tensor *grad = seed_gradient(name, i, t, given);
    if (!grad)
        return false;
    if (t->node)
        return deliver_to_node(w, t->node, t->out_index, grad);
    if (w->captures)
        return deliver_to_captures(w, t, grad);
    if (w->in_shards) {
        hone_error_set(HONE_E_STATE, "%s: the leaf %s has no samples for the batch's shards", name,
                       hone__tensor_text(t).s);
        return false;
    }
    const int use = hone__walk_use(w, t);
    return use >= 0 && post(w, t, use, grad);
}

hone_status hone_backward_with(hone_tensor *t, const hone_backward_options *options)
{
    hone_tensor *gradient = options ? options->gradient : NULL;
    if (!hone__needs_tensor("backward", t) ||
        (gradient && !hone__needs_tensor("backward", gradient)))
        return hone__error_last();
    if (!HONE__KNOWS_OPTIONS("backward", options))
        return hone__error_last();
    HONE_SCOPE();
    const hone__part *part = hone__part_now();
    if (part->open && !part->id)
        return hone_error_set(HONE_E_STATE,
                              "backward: hone_accumulate_begin() has announced a batch "
                              "in parts, but none has begun: hone_accumulate_part()");
    hone__walk_state w = { .retain_graph = options && options->retain_graph,
                           .in_parts = part->open,
                           .in_shards = part->open && part->cut.n > 0,
                           .id = part->open ? part->id : hone__walk_id() };
    hone__walk_begin(&w);
    HONE_NO_GRAD();
    const bool ok = hone__updates_find(&w.updates, t) &&
                    hone__walk_start(&w, "backward", 0, t, gradient) && hone__walk_run(&w);
    hone__walk_end(&w);
    hone__updates_end(&w.updates);
    return ok ? HONE_OK : hone__error_last();
}

hone_status hone_backward(hone_tensor *t)
{
    return hone_backward_with(t, NULL);
}
