/* recompute.c: see recompute.h. */
#include "op/recompute.h"
#include "op/node.h"
#include "op/part.h"
#include "gemm/pairs.h"
#include "runtime/memory.h"

#include <hone/random.h>

#include <string.h>

/* A call of the part, as far as the second run must repeat it. */
typedef struct {
    const hone__op *op;
    uint64_t operands; /* a hash of their shapes, dtypes and versions */
    int n_saved, first;
} call;

struct hone__recomputed {
    atomic_int refs; /* the call's and one a node */
    hone_checkable run;
    void *user;
    int n_in;
    hone_tensor **in;           /* held: handles onto the inputs, without history */
    uint32_t *versions;         /* of the inputs */
    hone_generator_state drawn; /* before the first run */
    bool draws;                 /* the thread had a generator */
    uint8_t autocast, order;    /* of the first run; of products: hone__bf16_order */
    int losses;                 /* of the batch's part, before the first run */
    int n_calls;
    int64_t room_calls;
    call *calls;
    int n_saved;        /* of all calls */
    int at;             /* the call that the second run comes to */
    bool ran;           /* the second run is over */
    hone__saved *saved; /* of the second run: held until the call's node gives them back */
};

_Thread_local hone__recomputing hone__recomputes;

static void drop(hone__recomputed *p)
{
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < p->n_in; i++)
        hone_release(p->in[i]);
    for (int i = 0; p->saved && i < p->n_saved; i++)
        hone_release(p->saved[i].tensor);
    hone__free(p->in);
    hone__free(p->versions);
    hone__free(p->calls);
    hone__free(p->saved);
    hone__free(p);
}

/* ---- what a call was made of */

static bool is_input(const hone__recomputed *p, const hone_tensor *t)
{
    for (int i = 0; i < p->n_in; i++)
        if (hone__is_real(p->in[i]) && p->in[i]->storage == t->storage)
            return true;
    return false;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}

/* Inputs of the part are leaves in the second run alone; their versions are looked at before it. */
static uint64_t hash_of(const hone__recomputed *p, const hone_context *node)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < node->n_in; i++) {
        const hone__edge *e = &node->edges[i];
        hash = mix(hash, (uint64_t)e->shape.ndim << 1 | e->needs);
        for (int d = 0; d < e->shape.ndim; d++)
            hash = mix(hash, (uint64_t)e->shape.shape[d]);
        if (e->leaf && !is_input(p, e->leaf))
            hash = mix(hash, e->version);
    }
    return hash;
}

/* ---- the first run */

static bool note_call(hone__recomputed *p, const hone_context *node)
{
    if (!hone__grow(&p->calls, &p->room_calls, p->n_calls + 1, sizeof *p->calls))
        return false;
    p->calls[p->n_calls++] = (call){ node->op, hash_of(p, node), node->n_saved, p->n_saved };
    return true;
}

/* Leaves stay where they are all the same, and HONE_NONE is nothing. */
static bool is_kept(const hone_tensor *t)
{
    return !hone__is_real(t) || (t->requires_grad && !t->node);
}

static bool take_first(hone__recomputed *p, hone_context *node)
{
    if (!note_call(p, node))
        return false;
    node->part = p;
    node->part_call = p->n_calls - 1;
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    for (int i = 0; i < node->n_saved; i++) {
        hone__saved *s = &node->saved[i];
        if (is_kept(s->tensor))
            continue;
        hone_release(s->tensor);
        s->tensor = NULL;
    }
    p->n_saved += node->n_saved;
    return true;
}

/* ---- the second run */

static bool differs(const hone__recomputed *p, const char *what, const char *name)
{
    hone_error_set(HONE_E_STATE,
                   "recompute: run again, the part's call %d (%s) %s; a part must do the same each "
                   "time, and what it reads may not change in between",
                   p->at, name, what);
    return false;
}

/* Handles without history: the second run's graph ends with it. */
static bool take_again(hone__recomputed *p, hone_context *node)
{
    const char *name = hone__call_name(node);
    if (p->at >= p->n_calls)
        return differs(p, "is one more than at first", name);
    const call *c = &p->calls[p->at];
    if (c->op != node->op)
        return differs(p, "is another op than at first", name);
    if (c->n_saved != node->n_saved || c->operands != hash_of(p, node))
        return differs(p, "has other operands than at first", name);
    p->at++;
    for (int i = 0; i < node->n_saved; i++) {
        const hone__saved *s = &node->saved[i];
        hone_tensor *t = s->tensor;
        if (!hone__is_real(t))
            continue;
        hone_tensor *own = hone__alias(t, t->ndim, t->shape, t->stride, t->offset);
        if (!own)
            return false;
        hone_release(p->saved[c->first + i].tensor); /* of a run that failed */
        p->saved[c->first + i] = *s;
        p->saved[c->first + i].tensor = own;
    }
    for (int i = 0; i < node->n_saved; i++)
        hone_release(node->saved[i].tensor);
    node->n_saved = 0;
    return true;
}

bool hone__recompute_take(hone_context *node)
{
    hone__recomputed *p = hone__recomputes.part;
    return hone__recomputes.again ? take_again(p, node) : take_first(p, node);
}

/* The generator of this thread, which needn't have one; leaves no error behind. */
static hone_generator *generator(hone_generator_state *state)
{
    const bool in_order = hone_error_code() == HONE_OK;
    hone_generator *g = hone_generator_current();
    if (!g && in_order)
        hone_error_clear();
    return g && hone_generator_get(g, state) == HONE_OK ? g : NULL;
}

static bool inputs_unchanged(const hone__recomputed *p)
{
    for (int i = 0; i < p->n_in; i++)
        if (hone__is_real(p->in[i]) && hone__version(p->in[i]) != p->versions[i]) {
            hone_error_set(HONE_E_STATE,
                           "recompute: input %d (%s) was modified in place since the part ran "
                           "first (version %u, now %u)",
                           i, hone__tensor_text(p->in[i]).s, p->versions[i],
                           hone__version(p->in[i]));
            return false;
        }
    return true;
}

static bool call_part(hone__recomputed *p)
{
    HONE_SCOPE();
    const uint64_t errors = hone__error_count();
    const hone__recomputing outer = hone__recomputes;
    const bool enabled = hone_set_grad_enabled(true);
    const uint8_t autocast = hone__autocast_dtype;
    hone__autocast_dtype = p->autocast;
    const hone__bf16_order order = hone__bf16_order_set((hone__bf16_order)p->order);
    hone__recomputes = (hone__recomputing){ p, true };
    p->at = 0;
    hone_tensor *y = p->run(p->in, p->n_in, p->user);
    hone__recomputes = outer;
    hone__autocast_dtype = autocast;
    hone__bf16_order_set(order);
    hone_set_grad_enabled(enabled);
    if (!y && !hone__error_since(errors))
        hone__error_null("recompute: the part's result");
    if (!y || hone__error_since(errors))
        return false;
    return p->at == p->n_calls || differs(p, "is missing", p->calls[p->at].op->name);
}

/* Under the conditions of the first run. */
static bool run_again(hone__recomputed *p)
{
    hone_generator_state now;
    hone__part *part = hone__part_now();
    const int losses = part->n_calls;
    if (!inputs_unchanged(p))
        return false;
    if (!p->saved && !(p->saved = hone__calloc(hone__bytes(p->n_saved, sizeof *p->saved))))
        return false;
    hone_generator *g = p->draws ? generator(&now) : NULL;
    if (g && hone_generator_set(g, &p->drawn) != HONE_OK)
        return false;
    part->n_calls = p->losses;
    const bool ok = call_part(p);
    part->n_calls = losses;
    if (g)
        hone_generator_set(g, &now);
    p->ran = ok;
    return ok;
}

bool hone__recompute_ready(hone_context *node)
{
    hone__recomputed *p = node->part;
    if (p->ran)
        return true;
    if (p != hone__recomputes.part)
        return run_again(p);
    hone_error_set(HONE_E_STATE, "recompute: a backward within a part, through the part itself");
    return false;
}

const hone__saved *hone__recompute_saved(hone_context *node, int i)
{
    const hone__recomputed *p = node->part;
    return hone__recompute_ready(node) ? &p->saved[p->calls[node->part_call].first + i] : NULL;
}

void hone__recompute_drop(hone_context *node)
{
    hone__recomputed *p = node->part;
    const call *c = &p->calls[node->part_call];
    for (int i = 0; p->saved && i < c->n_saved; i++) {
        hone_release(p->saved[c->first + i].tensor);
        p->saved[c->first + i].tensor = NULL;
    }
    node->part = NULL;
    drop(p);
}

/* ---- the call */

static bool take_inputs(hone__recomputed *p, hone_tensor_list inputs)
{
    p->in = hone__calloc(hone__bytes((int64_t)inputs.n + 1, sizeof *p->in));
    p->versions = hone__calloc(hone__bytes((int64_t)inputs.n + 1, sizeof *p->versions));
    if (!p->in || !p->versions)
        return false;
    for (; p->n_in < inputs.n; p->n_in++) {
        hone_tensor *t = inputs.at[p->n_in], *own = t;
        if (hone__is_real(t)) {
            own = hone__alias(t, t->ndim, t->shape, t->stride, t->offset);
            if (!own)
                return false;
            own->requires_grad = t->requires_grad || t->node;
            p->versions[p->n_in] = hone__version(t);
        }
        p->in[p->n_in] = own;
    }
    p->in[inputs.n] = HONE_END_TENSOR;
    return true;
}

static hone__recomputed *begin(hone_checkable run, void *user, hone_tensor_list inputs)
{
    hone__recomputed *p = hone__calloc(sizeof *p);
    if (!p)
        return NULL;
    atomic_init(&p->refs, 1);
    p->run = run;
    p->user = user;
    p->autocast = hone__autocast_dtype;
    p->order = (uint8_t)hone__bf16_order_now();
    p->draws = generator(&p->drawn);
    p->losses = hone__part_now()->n_calls;
    if (take_inputs(p, inputs))
        return p;
    drop(p);
    return NULL;
}

hone_tensor *hone_recompute(hone_checkable part, void *user, hone_tensor_list inputs)
{
    if (!part || !inputs.at) {
        hone__error_missing("recompute", part ? "inputs" : "a function");
        return NULL;
    }
    for (int i = 0; i < inputs.n; i++)
        if (!hone__needs_tensor_or_none("recompute", inputs.at[i]))
            return NULL;
    if (hone__recomputes.part || !hone_grad_enabled())
        return part(inputs.at, inputs.n, user);
    hone__recomputed *p = begin(part, user, inputs);
    if (!p)
        return NULL;
    HONE_SCOPE(); /* what nobody keeps dies here */
    hone__recomputes = (hone__recomputing){ p, false };
    hone_tensor *y = part(inputs.at, inputs.n, user);
    hone__recomputes = (hone__recomputing){ NULL, false };
    drop(p);
    return y ? hone_scope_return(y) : NULL;
}
