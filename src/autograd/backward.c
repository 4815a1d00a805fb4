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
#include "ops/samples.h"
#include "op/mode.h"
#include "op/node.h"
#include "op/observe.h"
#include "op/part.h"

#include <hone/ops.h>

#include "runtime/memory.h"

#include <string.h>

enum { INLINE_HEAP = 64, INLINE_PARCELS = 8 };

typedef struct {
    const hone_tensor *input; /* whose gradient is asked for */
    hone_tensor *grad;        /* held; NULL: none yet */
    bool connected;           /* some output depends on it, if only by a gradient of zero */
} capture;

/* A gradient on its way to a leaf. It is handed over when the node that made it is done, because
 * only then is it known who else has it. */
typedef struct {
    hone_tensor *leaf; /* held below the node */
    int use;
    hone_tensor *grad; /* held */
} parcel;

typedef struct {
    bool create_graph, retain_graph;
    bool in_parts;     /* of a batch: the leaves' uses are counted on */
    bool in_shards;    /* which has some: each has chains of its own */
    bool anomaly;      /* looks for NaN */
    uint64_t id;       /* of the walk, or of the part */
    capture *captures; /* hone_autograd_grad: gradients go here; NULL: to the leaves' .grad */
    int n_captures;
    int n, room;
    hone_context **heap; /* max-heap by seq; holds its nodes */
    hone_context *inline_heap[INLINE_HEAP];
    int n_parcels, room_parcels;
    parcel *parcels;
    parcel inline_parcels[INLINE_PARCELS];
    int n_hooked, room_hooked;
    hone_tensor **hooked;  /* held: leaves with hooks that the walk brings a gradient */
    hone__updates updates; /* those that are stepped on the way */
} walk;

/* Never 0, nor that of another walk or part. */
uint64_t hone__walk_id(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

static void walk_begin(walk *w)
{
    w->anomaly = hone__anomaly_on;
    w->heap = w->inline_heap;
    w->room = INLINE_HEAP;
    w->parcels = w->inline_parcels;
    w->room_parcels = INLINE_PARCELS;
}

/* ---- gradients that leave the walk ---- */

/* *slot, a held gradient, becomes one whose memory nobody else can see (the caller of the walk, a
 * node that saved it, another input): whoever gets it may write to it. */
static bool make_unshared(hone_tensor **slot)
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

/* ---- the heap ---- */

static bool push(walk *w, hone_context *node)
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

static hone_context *pop(walk *w)
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

static void drop_grads(hone_context *node)
{
    for (int o = 0; o < node->n_out; o++) {
        hone_release(node->grads[o]);
        node->grads[o] = NULL;
    }
}

/* ---- leaves with hooks */

/* Their gradients are complete. */
static bool end_hooked(walk *w, bool good)
{
    for (int i = 0; i < w->n_hooked; i++) {
        good = hone__leaf_hooks_end(w->hooked[i], good) && good;
        hone_release(w->hooked[i]);
    }
    hone__free(w->hooked);
    w->hooked = NULL;
    w->n_hooked = w->room_hooked = 0;
    return good;
}

/* A batch in parts has its own list: accumulate.c. */
__attribute__((cold, noinline)) static bool begin_hooked(walk *w, hone_tensor *leaf)
{
    bool first;
    if (w->in_parts && hone__hooks_have(hone__leaf_hooks(leaf), HONE__HOOK_UPDATE))
        return hone__refuse_updated("backward: a batch in parts", leaf);
    if (w->n_hooked == w->room_hooked) {
        const int room = w->room_hooked ? 2 * w->room_hooked : 8;
        hone_tensor **more = hone__realloc(w->hooked, hone__bytes(room, sizeof *more));
        if (!more)
            return false;
        w->hooked = more;
        w->room_hooked = room;
    }
    if (!hone__leaf_hooks_begin(leaf, &first))
        return false;
    if (first && !w->in_parts)
        w->hooked[w->n_hooked++] = hone_retain(leaf);
    return true;
}

/* Counts a delivery to the leaf; -1: an error. */
static int use_of(walk *w, hone_tensor *leaf)
{
    const int use = hone__leaf_use(leaf, w->id, w->in_parts);
    return use >= 0 && __builtin_expect(hone__leaf_hooks(leaf) != NULL, 0) && !begin_hooked(w, leaf)
               ? -1
               : use;
}

static void walk_end(walk *w)
{
    end_hooked(w, false);
    while (w->n > 0) {
        hone_context *node = pop(w);
        drop_grads(node);
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

static bool hand_over_parcels(walk *w)
{
    if (w->n_parcels == 0)
        return true;
    HONE_SCOPE(); /* of the copies */
    bool ok = true;
    for (int i = 0; i < w->n_parcels; i++) {
        ok = ok && hone__leaf_add(w->parcels[i].leaf, w->parcels[i].use, w->parcels[i].grad);
        hone_release(w->parcels[i].grad);
    }
    w->n_parcels = 0;
    return ok;
}

static bool post(walk *w, hone_tensor *leaf, int use, hone_tensor *grad)
{
    if (w->n_parcels == w->room_parcels) {
        parcel *more = hone__grown(w->parcels, w->inline_parcels, &w->room_parcels, sizeof *more);
        if (!more)
            return false;
        w->parcels = more;
    }
    w->parcels[w->n_parcels++] = (parcel){ leaf, use, hone_retain(grad) };
    return true;
}

static capture *find_capture(const walk *w, const hone_tensor *leaf)
{
    for (int i = 0; i < w->n_captures; i++)
        if (w->captures[i].input == leaf)
            return &w->captures[i];
    return NULL;
}

static bool deliver_to_captures(walk *w, const hone_tensor *leaf, hone_tensor *grad)
{
    for (int i = 0; i < w->n_captures; i++)
        if (w->captures[i].input == leaf && !add_to(&w->captures[i].grad, grad))
            return false;
    return true;
}

/* Nobody asks for what is below a captured input: it is neither run nor freed. */
static bool must_run(const walk *w, const hone_context *node)
{
    return !w->captures || node->runs;
}

static bool was_freed(const hone_context *node)
{
    hone_error_set(HONE_E_STATE,
                   "backward: the graph was freed by an earlier walk (at %s); use retain_graph",
                   hone__call_name(node));
    return false;
}

static bool deliver_to_node(walk *w, hone_context *node, int out, hone_tensor *grad)
{
    if (!hone__node_claim(node))
        return false;
    if (w->captures && !node->needed) {
        hone__node_leave(node);
        return true;
    }
    if (node->freed && must_run(w, node))
        return was_freed(node);
    if (!add_to(&node->grads[out], grad))
        return false;
    return node->queued || push(w, node);
}

/* ---- one node ---- */

static bool is_captured(const void *ctx, const hone_context *node)
{
    const walk *w = ctx;
    if (node->hooked)
        return true;
    for (int i = 0; i < w->n_captures; i++)
        if (w->captures[i].input->node == node)
            return true;
    return false;
}

/* The leaf to which this input's gradient goes past the views of it; NULL: to e->node. */
static hone_tensor *find_leaf(const walk *w, const hone__edge *e)
{
    if (!e->leaf && !(e->node && e->node->outputs[e->out].shows))
        return NULL;
    hone_tensor *leaf = hone__leaf_of(e, is_captured, w);
    return leaf && (!w->captures || find_capture(w, leaf)) ? leaf : NULL;
}

/* The leaf's sum as the input shows it, if the walk may add to it: the leaf is locked. */
static hone_tensor *begun_sum(const hone__edge *e, bool *ok)
{
    hone_tensor *sum = hone__leaf_sum(e->into, e->use);
    return sum ? hone__shown(e, sum, ok) : NULL;
}

/* A gradient for each sample, begun with the leaf's sum. *done: it went there. */
static bool go_on(const walk *w, const hone__edge *e, hone_tensor *grad, bool *done)
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

static bool deliver_to_leaf(walk *w, hone_context *node, int i, hone_tensor *grad)
{
    const hone__edge *e = &node->edges[i];
    bool samples, done = false;
    hone_tensor *within = hone__sum_within(node, i, grad, &samples);
    if (e->in_shards)
        return within && (samples ? hone__trees_add(node, i, within) : hone__trees_refuse(node, i));
    if (!within || (samples && !go_on(w, e, within, &done)))
        return false;
    if (done)
        return true;
    grad = hone__brought_to_leaf(e, samples ? hone__sum_over(node, i, within) : within);
    if (!grad)
        return false;
    return w->captures ? deliver_to_captures(w, e->into, grad) : post(w, e->into, e->use, grad);
}

static bool deliver(walk *w, hone_context *node, int i, hone_tensor *grad)
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

/* Does the walk want this input's gradient? */
static bool wanted(const walk *w, const hone__edge *e)
{
    if (!e->needs)
        return false;
    if (!w->captures)
        return true;
    return e->node ? e->node->needed : find_capture(w, e->leaf) != NULL;
}

static hone_tensor *zeros(hone_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t dims[HONE_MAX_DIMS + 2] = { dtype };
    memcpy(dims + 1, shape, sizeof *shape * (size_t)ndim);
    dims[1 + ndim] = HONE_END_DIM;
    return hone_zeros_v(dims);
}

static bool fill_missing_grads(hone_context *node)
{
    HONE_SCOPE();
    for (int o = 0; o < node->n_out; o++) {
        const hone__output *out = &node->outputs[o];
        if (node->grads[o] || !out->differentiable)
            continue;
        node->grads[o] = hone_retain(zeros(out->dtype, out->shape.ndim, out->shape.shape));
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
        if (node->grads[o] && !make_unshared(&node->grads[o]))
            return false;
    return true;
}

/* Where the gradients of the inputs go, and how often the walk has been there. */
static bool find_ways(walk *w, hone_context *node)
{
    bool ok = true;
    for (int i = 0; i < node->n_in; i++) {
        hone__edge *e = &node->edges[i];
        e->wanted = wanted(w, e);
        e->begun = false;
        e->into = e->wanted ? find_leaf(w, e) : NULL;
        e->in_shards = e->into && w->in_shards;
        if (e->into && !w->captures)
            ok = (e->use = use_of(w, e->into)) >= 0 && ok;
    }
    return ok;
}

/* The sums that have begun: of inner nodes, and of leaves, which are locked. */
static bool find_sums(const walk *w, hone_context *node, hone_tensor **dx)
{
    bool ok = true;
    for (int i = 0; i < node->n_in; i++) {
        hone__edge *e = &node->edges[i];
        if (hone__is_half(e->dtype))
            continue; /* each gradient is computed in f32, and rounded */
        if (e->into) {
            dx[i] = w->captures || w->in_shards ? NULL : begun_sum(e, &ok);
            e->begun = dx[i];
            continue;
        }
        if (!e->wanted || !e->node || (w->captures && !e->node->needed))
            continue;
        hone_tensor *sum = e->node->grads[e->out];
        if (sum && hone__only_ours(sum))
            dx[i] = sum;
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
static bool call_backward(const walk *w, hone_context *node, hone_tensor **dx, hone_tensor **sums)
{
    const uint64_t errors = hone__error_count();
    const bool adds = node->op->adds && !hone_grad_enabled();
    const unsigned locks = adds && !w->captures && !w->in_shards ? hone__leaves_lock(node) : 0;
    bool ok = !adds || find_sums(w, node, dx);
    if (adds)
        memcpy(sums, dx, sizeof *dx * (size_t)node->n_in);
    const uint64_t nan_sums = w->anomaly ? hone__nan_sums(node, sums) : 0;
    hone_tensor *wide[HONE_MAX_OUTPUTS], **dy = node->grads;
    if (__builtin_expect(node->widened, 0))
        ok = ok && widen_gradients(node, dy = wide);
    if (ok)
        node->op->backward(node, dy, dx);
    ok = ok && !hone__error_since(errors);
    if (w->anomaly)
        ok = ok && hone__no_nan(node, dx, sums, nan_sums);
    hone__leaves_unlock(locks);
    return ok;
}

static bool run_op(void *walk_, hone_context *node)
{
    walk *w = walk_;
    enum { INLINE_GRADS = 8 };
    hone_tensor *inline_grads[2 * INLINE_GRADS], **dx = inline_grads;
    const size_t bytes = 2 * hone__bytes(node->n_in, sizeof *dx);
    const bool many = node->n_in > INLINE_GRADS;
    if (many && !(dx = hone__malloc(bytes)))
        return false;
    memset(dx, 0, bytes);
    hone_tensor **sums = dx + node->n_in;
    bool ok = (!node->part || hone__recompute_ready(node)) && find_ways(w, node) &&
              gradients_ready(node) && call_backward(w, node, dx, sums);
    for (int i = 0; ok && i < node->n_in; i++)
        if (dx[i] && dx[i] != HONE_NONE && dx[i] != sums[i] && node->edges[i].wanted)
            ok = (hone__is_real(dx[i]) || hone__refuse_tensor(hone__call_name(node), dx[i])) &&
                 deliver(w, node, i, dx[i]);
    if (many)
        hone__free(dx);
    return ok;
}

static bool capture_inner(walk *w, const hone_context *node)
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

static bool run_node(walk *w, hone_context *node)
{
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

static bool run(walk *w)
{
    hone__span_mark mark;
    hone__span_begin(&mark, HONE__SPAN_BACKWARD, NULL);
    bool enabled = hone_set_grad_enabled(w->create_graph), ok = hand_over_parcels(w);
    const uint8_t autocast = hone__autocast_dtype; /* gradients run in the dtypes of the forward */
    hone__autocast_dtype = (uint8_t)HONE_F32;
    const hone_scope formulas = hone_scope_enter_at(__func__, __FILE__, __LINE__);
    while (ok && w->n > 0) {
        hone_context *node = pop(w);
        ok = run_node(w, node);
        hone__scope_empty(formulas); /* sums hold what lives on */
        drop_grads(node);
        ok = ok && hand_over_parcels(w);
        ok = ok &&
             (w->updates.n == 0 || hone__updates_run(&w->updates, w->n > 0 ? w->heap[0]->seq : 0));
        if (!w->retain_graph && must_run(w, node))
            hone__node_clear(node);
        hone__node_leave(node);
        hone__node_drop(node);
    }
    hone_scope_leave(formulas);
    ok = end_hooked(w, ok);
    hone__autocast_dtype = autocast;
    hone_set_grad_enabled(enabled);
    hone__span_end(&mark, HONE__SPAN_BACKWARD, NULL);
    return ok;
}

/* ---- the two ways in ---- */

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

static bool start(walk *w, const char *name, int i, hone_tensor *t, hone_tensor *given)
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
    const int use = use_of(w, t);
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
    walk w = { .retain_graph = options && options->retain_graph,
               .in_parts = part->open,
               .in_shards = part->open && part->cut.n > 0,
               .id = part->open ? part->id : hone__walk_id() };
    walk_begin(&w);
    HONE_NO_GRAD();
    const bool ok =
        hone__updates_find(&w.updates, t) && start(&w, "backward", 0, t, gradient) && run(&w);
    walk_end(&w);
    hone__updates_end(&w.updates);
    return ok ? HONE_OK : hone__error_last();
}

hone_status hone_backward(hone_tensor *t)
{
    return hone_backward_with(t, NULL);
}

/* A freed node no longer says what was below it: could that be a captured input? Those that are
 * inner tensors are older than what was computed from them. */
static bool may_hide_input(const walk *w, const hone_context *node)
{
    for (int i = 0; i < w->n_captures; i++) {
        const hone_context *wanted_node = w->captures[i].input->node;
        if (!wanted_node || wanted_node->seq < node->seq)
            return true;
    }
    return false;
}

static bool collect(walk *all, hone_context *node)
{
    return hone__node_claim(node) && (node->queued || push(all, node));
}

/* Marks the nodes that lead from the outputs to a captured input: collects all nodes in order of
 * seq, then decides upwards. */
static bool mark_needed(walk *w, hone_tensor_list outputs)
{
    walk all = { .n = 0 };
    walk_begin(&all);
    hone_context **order = NULL;
    int n = 0, room = 0;
    bool ok = true;

    for (int i = 0; ok && i < outputs.n; i++)
        if (outputs.at[i]->node)
            ok = collect(&all, outputs.at[i]->node);
    while (ok && all.n > 0) {
        if (n == room) {
            room = room ? 2 * room : 256;
            hone_context **more = hone__realloc(order, hone__bytes(room, sizeof *order));
            if (!more) {
                ok = false;
                break;
            }
            order = more;
        }
        hone_context *node =
            pop(&all); /* the graph keeps it alive: the outputs are held by the caller */
        hone__node_drop(node);
        order[n++] = node;
        if (node->freed && may_hide_input(w, node))
            ok = was_freed(node);
        for (int i = 0; ok && i < node->n_in; i++)
            if (node->edges[i].node)
                ok = collect(&all, node->edges[i].node);
    }
    while (n-- > 0) {
        hone_context *node = order[n];
        node->runs = false;
        for (int i = 0; i < node->n_in; i++) {
            capture *leaf = node->edges[i].leaf ? find_capture(w, node->edges[i].leaf) : NULL;
            if (leaf)
                leaf->connected = true;
            node->runs = node->runs || wanted(w, &node->edges[i]);
        }
        node->needed = node->runs;
        for (int i = 0; i < w->n_captures; i++)
            if (w->captures[i].input->node == node)
                node->needed = w->captures[i].connected = true;
        if (!ok || !node->needed)
            hone__node_leave(node);
    }
    walk_end(&all);
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
static bool hook_captures(walk *w)
{
    bool ok = true;
    for (int i = 0; ok && i < w->n_captures; i++) {
        capture *c = &w->captures[i], *first = find_capture(w, c->input);
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

static bool walk_captures(walk *w, hone_tensor_list outputs, hone_tensor_list grads)
{
    HONE_SCOPE(); /* of the outputs' own gradients */
    bool enabled = hone_set_grad_enabled(w->create_graph);
    bool ok = mark_needed(w, outputs);
    for (int i = 0; ok && i < outputs.n; i++)
        ok = start(w, "autograd_grad", i, outputs.at[i], i < grads.n ? grads.at[i] : NULL);
    ok = ok && run(w) && hook_captures(w);
    walk_end(w);
    hone_set_grad_enabled(enabled);
    return ok;
}

/* The gradient of an input: what came in, zeros if only gradients of zero lead to it. */
static hone_tensor *handed_out(const walk *w, int i, bool allow_unused)
{
    capture *c = &w->captures[i];
    const capture *first = find_capture(w, c->input); /* an input may be asked for twice */
    if (c->grad && !make_unshared(&c->grad))
        return NULL;
    if (c->grad) {
        hone_tensor *grad = c->grad;
        c->grad = NULL;
        return hone__own(grad);
    }
    if (first->connected)
        return zeros((hone_dtype)c->input->dtype, c->input->ndim, c->input->shape);
    if (allow_unused)
        return HONE_NONE;
    hone_error_set(HONE_E_STATE,
                   "autograd_grad: no output depends on input %d (%s); use allow_unused", i,
                   hone__tensor_text(c->input).s);
    return NULL;
}

static bool hand_out(const walk *w, bool allow_unused, hone_tensor_list result)
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
    capture *captures = result.at ? hone__calloc(hone__bytes(inputs.n, sizeof *captures)) : NULL;
    if (!captures)
        return failed;
    walk w = {
        .create_graph = o.create_graph,
        .retain_graph = o.retain_graph || o.create_graph,
        .captures = captures,
        .n_captures = inputs.n,
    };
    walk_begin(&w);
    for (int i = 0; i < inputs.n; i++)
        captures[i].input = inputs.at[i];
    bool ok = walk_captures(&w, outputs, o.grad_outputs) && hand_out(&w, o.allow_unused, result);
    for (int i = 0; i < inputs.n; i++)
        hone_release(captures[i].grad);
    hone__free(captures);
    return ok ? result : failed;
}
