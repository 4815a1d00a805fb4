/* node.c: life of a node: made before a forward, tied to its outputs after it, freed when nobody
 * can reach it. */
#include "op/node.h"
#include "op/mode.h"
#include "core/again.h"
#include "core/hooks.h"
#include "core/storage.h"
#include "gemm/pairs.h"

#include "runtime/memory.h"

#include <string.h>

/* Numbers that a thread has drawn for its nodes, so that they aren't fetched one by one by a locked
 * instruction. One that is to come after another thread's newer number draws anew: all those drawn
 * before are smaller. */
enum { DRAWN = 256 };
static atomic_uint_fast64_t drawn = 1; /* by all threads: the next of nobody's */
static _Thread_local struct {
    uint64_t next, end;
} numbers __attribute__((tls_model("initial-exec")));

static __attribute__((noinline)) void draw_numbers(void)
{
    numbers.next = atomic_fetch_add_explicit(&drawn, DRAWN, memory_order_relaxed);
    numbers.end = numbers.next + DRAWN;
}

/* A number for a node after those that its inputs come from. */
static uint64_t number_after(const hone_context *ctx)
{
    uint64_t newest = 0;
    for (int i = 0; i < ctx->n_in; i++)
        if (ctx->edges[i].node && ctx->edges[i].node->seq > newest)
            newest = ctx->edges[i].node->seq;
    if (__builtin_expect(numbers.next == numbers.end || numbers.next <= newest, 0))
        draw_numbers();
    return numbers.next++;
}

/* core releases nodes it knows nothing of: the last handle of a computed tensor may be its graph's
 * last holder. */
__attribute__((constructor)) static void install(void)
{
    hone__node_release = hone__node_drop;
    hone__node_name = hone__call_name;
}

/* One by one: wider moves would wait for what stored them a moment ago. */
static inline void copy_extents(hone__shape *shape, const hone_tensor *t)
{
    shape->ndim = t->ndim;
    for (int d = 0; d < t->ndim; d++)
        shape->shape[d] = t->shape[d];
}

static void fill_edges(hone_context *ctx, hone_tensor *const *in)
{
    for (int i = 0; i < ctx->n_in; i++) {
        hone__edge *e = &ctx->edges[i];
        hone_tensor *t = in[i];
        e->node = NULL;
        e->leaf = NULL;
        e->needs = e->wanted = e->begun = false;
        e->into = NULL;
        e->shape.ndim = 0;
        if (!hone__is_real(t))
            continue;
        e->dtype = (hone_dtype)t->dtype;
        copy_extents(&e->shape, t);
        if (!hone__requires_grad(t) || !hone__has_gradient(ctx->op, i))
            continue;
        e->needs = e->wanted = true;
        e->version = hone__version(t);
        if (t->node) {
            e->node = hone__node_retain(t->node);
            e->out = t->out_index;
        } else {
            e->leaf = hone_retain(t);
            hone__mark_held(t);
        }
    }
}

/* Where a call is made, for anomaly mode. */
__attribute__((cold, noinline)) static bool note_place(hone_context *ctx)
{
    ctx->hooks = hone__calloc(sizeof *ctx->hooks);
    if (!ctx->hooks)
        return false;
    ctx->hooks->site = hone__scope_site();
    return ctx->noted = true;
}

hone_context *hone__node_new(const hone__op *op, hone_tensor *const *in, int n_in)
{
    hone_context *ctx = hone__obj_take(HONE__OBJ_NODE, sizeof *ctx);
    if (!ctx)
        return NULL;
    /* most of it is room: not zeroed */
    hone__context_begin(ctx, op, in, n_in);
    ctx->recording = true;
    ctx->order = (uint8_t)hone__bf16_order_now();
    atomic_init(&ctx->refs, 1);
    atomic_init(&ctx->walker, NULL);
    ctx->queued = ctx->needed = ctx->runs = ctx->hooked = ctx->noted = false;
    ctx->outputs = &ctx->inline_output;
    ctx->grads = &ctx->inline_grad;
    ctx->inline_grad = NULL;
    ctx->part = NULL;
    ctx->again = NULL;
    ctx->saved = ctx->inline_saved;
    ctx->edges = ctx->inline_edges;
    if (n_in > HONE__INLINE_EDGES) {
        ctx->edges = hone__calloc(hone__bytes(n_in, sizeof *ctx->edges));
        if (!ctx->edges) {
            hone__obj_free(HONE__OBJ_NODE, ctx);
            return NULL;
        }
    }
    fill_edges(ctx, in);
    if (__builtin_expect(hone__anomaly_on, 0) && !note_place(ctx)) {
        hone__node_drop(ctx);
        return NULL;
    }
    return ctx;
}

/* A saved output must not hold the node that will hold it: it is kept as an alias without history.
 */
static bool detach_saved_outputs(hone_context *ctx, hone_tensor *const *out, int n_out)
{
    for (int i = 0; i < ctx->n_saved; i++) {
        hone__saved *s = &ctx->saved[i];
        if (s->again)
            continue;
        for (int16_t o = 0; o < n_out && s->output < 0; o++) {
            if (s->tensor != out[o])
                continue;
            hone_tensor *alias =
                hone__alias(out[o], out[o]->ndim, out[o]->shape, out[o]->stride, out[o]->offset);
            if (!alias)
                return false;
            hone_release(s->tensor);
            s->tensor = alias;
            s->output = o;
        }
        if (s->output < 0 && hone__is_real(s->tensor))
            hone__mark_held(s->tensor);
    }
    return true;
}

static bool room_for_outputs(hone_context *ctx, int n_out)
{
    if (n_out <= 1)
        return true;
    ctx->outputs = hone__calloc(hone__bytes(n_out, sizeof *ctx->outputs));
    ctx->grads = hone__calloc(hone__bytes(n_out, sizeof *ctx->grads));
    return ctx->outputs && ctx->grads;
}

/* Of a node that no other thread has seen so far: without a locked instruction. */
static void add_holder(hone_context *ctx, int n)
{
    const int refs = atomic_load_explicit(&ctx->refs, memory_order_relaxed);
    atomic_store_explicit(&ctx->refs, refs + n, memory_order_relaxed);
}

static void tie(hone_context *ctx, hone_tensor *t, int o)
{
    const hone__slot *slot = &ctx->op->out[o < HONE__OP_OUTPUTS ? o : 0];
    hone__output *out = &ctx->outputs[o];
    out->differentiable = out->shows = false;
    out->shape.ndim = 0;
    if (!t)
        return; /* an output that was not made */
    out->dtype = (hone_dtype)t->dtype;
    copy_extents(&out->shape, t);
    out->differentiable =
        hone__category(out->dtype) == HONE__KIND_FLOAT && !(slot->is & HONE__CONSTANT);
    if (!out->differentiable)
        return;
    out->shows = ctx->op->view && !ctx->op->repeats && t->storage == ctx->in[0]->storage;
    hone__node_drop(t->node); /* in place: the history so far, which the edges hold now */
    t->node = ctx;
    add_holder(ctx, 1);
    t->out_index = (uint8_t)o;
    t->requires_grad = false;
}

bool hone__node_finish(hone_context *ctx, hone_tensor *const *out, bool record)
{
    const int n_out = ctx->n_out;
    const bool tied = record && room_for_outputs(ctx, n_out) &&
                      detach_saved_outputs(ctx, out, n_out) &&
                      (!hone__recomputes.part || hone__recompute_take(ctx));
    ctx->n_out = 0; /* until all of them are there */
    for (int o = 0; tied && o < n_out; o++)
        tie(ctx, out[o], o);
    if (tied) {
        ctx->n_out = n_out;
        ctx->seq = number_after(ctx);
        ctx->in = NULL;
        ctx->out = NULL;
    }
    if (atomic_load_explicit(&ctx->refs, memory_order_relaxed) > 1)
        add_holder(ctx, -1); /* the call itself, which held it so far */
    else
        hone__node_drop(ctx);
    return !record || tied;
}

void *hone__grown(void *array, const void *inline_array, int *room, size_t element_bytes)
{
    const size_t bytes = hone__bytes(*room, element_bytes);
    void *more = hone__realloc(array == inline_array ? NULL : array, 2 * bytes);
    if (more && array == inline_array)
        memcpy(more, inline_array, bytes);
    if (more)
        *room *= 2;
    return more;
}

void hone__node_clear(hone_context *node)
{
    for (int i = 0; i < node->n_saved; i++) {
        if (node->saved[i].again)
            hone__again_drop(node->saved[i].again);
        hone_release(node->saved[i].tensor);
    }
    node->n_saved = 0;
    if (node->again)
        hone__again_drop(node->again);
    node->again = NULL;
    if (node->part)
        hone__recompute_drop(node);
    for (int i = 0; i < node->n_in; i++) {
        hone__edge *e = &node->edges[i];
        hone_context *below = e->node;
        hone_tensor *leaf = e->leaf;
        e->node = NULL;
        e->leaf = NULL;
        hone__node_drop(below);
        hone_release(leaf);
    }
    node->freed = true;
}

static void destroy(hone_context *node)
{
    hone__node_clear(node);
    if (node->hooked || node->noted)
        hone__hooks_free(node->hooks);
    for (int o = 0; o < node->n_out; o++)
        hone_release(node->grads[o]);
    if (node->edges != node->inline_edges)
        hone__free(node->edges);
    if (node->saved != node->inline_saved)
        hone__free(node->saved);
    if (node->outputs != &node->inline_output)
        hone__free(node->outputs);
    if (node->grads != &node->inline_grad)
        hone__free(node->grads);
    hone__obj_free(HONE__OBJ_NODE, node);
}

void hone__node_drop(hone_context *node)
{
    static _Thread_local hone_context *dead __attribute__((tls_model("initial-exec")));
    static _Thread_local bool running __attribute__((tls_model("initial-exec")));

    if (!node || !hone__refs_drop(&node->refs))
        return;
    node->next = dead;
    dead = node;
    if (running)
        return; /* the loop below, further up this stack, takes it */
    running = true;
    while (dead) {
        hone_context *n = dead;
        dead = n->next;
        destroy(n);
    }
    running = false;
}
