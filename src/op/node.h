/* node.h: an autograd node. One struct serves as the context of a running forward (on the stack
 * when nothing is recorded) and, when it is recorded, as the graph's node.
 *
 *   output --node--> hone_context --edge.node--> hone_context of the op that made the input ...
 *                                 --edge.leaf--> leaf tensor that collects .grad
 *
 * References only point towards the inputs: a saved output is an alias without history, and before
 * an op in place cycle.c sees to it that what the op leads to doesn't hold its target. So there are no
 * cycles. */
#ifndef HONE_OP_NODE_H
#define HONE_OP_NODE_H

#include "op/half.h"
#include "op/hooks.h"
#include "op/op.h"
#include "op/recompute.h"

enum { HONE__INLINE_EDGES = 3, HONE__INLINE_SAVED = 4 };

/** What a call's check of its inputs has seen of them. */
enum {
    HONE__HISTORY = 1, /* one requires a gradient */
    HONE__VIEW = 2,    /* one is a view */
    HONE__LARGE = 4,   /* one is worth a thought about where it lies: op/observe.h */
    HONE__HALF = 8,    /* one is of floats of 16 bits */
    HONE__ACROSS = 16, /* one isn't contiguous */
};

/** Where the gradient of one input goes. */
typedef struct {
    hone_context *node; /* held; NULL: leaf or nobody */
    hone_tensor *leaf;  /* held; NULL: node or nobody */
    int out;            /* which output of node the input was */
    bool needs;         /* somebody asks for this gradient and the op has one */
    bool wanted;        /* the running walk does */
    bool begun;         /* ... and the op's sum begins with the leaf's */
    bool in_shards;     /* ... and has a chain a shard */
    int use;            /* of `into`, counted by the walk */
    hone_tensor *into;  /* the leaf that the input is or is a view of, for the walk */
    uint32_t version;   /* of the input before the call */
    hone_dtype dtype;   /* of the input, like its shape */
    hone__shape shape;
} hone__edge;

typedef struct hone__saved {
    hone_tensor *tensor; /* held; for an output an alias without history; NULL: see `part` */
    uint32_t version;    /* of its storage when it was saved */
    int16_t output;      /* which output it is; -1: none */
    int16_t input;  /* which input it is a copy of, of 16 bits; -1: it has a history of its own */
    bool widen;     /* the op knows it as f32 */
    uint8_t rounds; /* a weight: what autocast rounded it to, which is done again; else F32 */
    struct hone__again
        *again; /* instead of the tensor: how it is made again (core/again.h); a user */
} hone__saved;

typedef struct {
    hone_dtype dtype;
    bool differentiable;
    bool shows; /* elements of the first input where they lie, none twice */
    hone__shape shape;
} hone__output;

struct hone_context {
    atomic_int refs;
    bool recording;
    uint8_t target;               /* hone__target */
    bool written;                 /* the running in-place forward has changed in[0] */
    bool freed;                   /* a walk gave back what it held */
    bool queued;                  /* in the running walk's heap */
    bool needed;                  /* the running walk has to bring it its gradient */
    bool runs;                    /* ... and to go on from it: not only a captured input's */
    bool hooked;                  /* `hooks` has some, of its outputs' gradients */
    bool noted;                   /* `hooks` has the place of the call: anomaly mode */
    bool widened;                 /* the op computes in f32 for floats of 16 bits: half.h */
    uint8_t order;                /* of its products' sums: hone__bf16_order */
    uint8_t inputs;               /* HONE__HISTORY ...: what some of the running call's are */
    _Atomic(const void *) walker; /* names the thread whose walk has come here; NULL: none */
    uint64_t seq; /* order of creation: a node's inputs come from nodes of smaller seq */
    const hone__op *op;
    atomic_uint_fast64_t met; /* by the search with this stamp: see cycle.c */
    hone_tensor *const *in;   /* while the forward runs */
    hone_tensor **out;        /* the same; with HONE__INTO_GIVEN what was given */
    hone__half_call *half;    /* while the forward runs: how its operands are given; NULL */
    int n_in, n_out, n_saved;
    hone__edge *edges;
    hone__saved *saved;
    hone__output *outputs;
    hone_tensor **grads; /* the running walk's sums, one an output, held; NULL: none so far */
    hone_context *next;  /* list of nodes to be freed */

    hone__edge inline_edges[HONE__INLINE_EDGES];
    hone__saved inline_saved[HONE__INLINE_SAVED];
    hone__output inline_output;
    hone_tensor *inline_grad;
    _Alignas(8) char options[HONE__OPTIONS_BYTES]; /* op->options_bytes of them count */
    hone__hooks *hooks;                            /* hooked or noted */
    hone__recomputed *part;    /* held: runs again for what is saved; NULL: none */
    int part_call;             /* which of its calls this is */
    struct hone__again *again; /* how the result is made again; a user of it */
};

/** What is said of input i: the last slot serves all of a list. */
static inline const hone__slot *hone__slot_of(const hone__op *op, int i)
{
    const hone__slot *slot = &op->in[i < HONE__OP_INPUTS ? i : HONE__OP_INPUTS - 1];
    if (__builtin_expect(slot->name != NULL, 1))
        return slot;
    while (!slot->name && slot > op->in)
        slot--;
    return slot;
}

/** Has the op a gradient for input i? */
static inline bool hone__has_gradient(const hone__op *op, int i)
{
    return op->backward && !(hone__slot_of(op, i)->is & HONE__CONSTANT);
}

/** A view's history says what it showed when it was made: it is stale once its base got another
 * history. HONE_NONE never is. */
static inline bool hone__is_stale(const hone_tensor *t)
{
    return t->is_view && (int32_t)(t->storage->history_version - t->view_version) > 0;
}
/** Called when an in-place op changed t's history: views made before are stale from now on. */
static inline void hone__mark_history(hone_tensor *t)
{
    t->storage->history_version = hone__version(t);
}

/** Sets the error of a stale view, E_STATE; what, i: "operand", 0. Always false. */
bool hone__refuse_stale(const char *name, const char *what, int i, const hone_tensor *t);
/** t shares the memory of `of`, an input of the call that made it. */
void hone__mark_view(hone_tensor *t, const hone_tensor *of, bool recording);

/** Called when a node comes to hold t: see cycle.c. */
static inline void hone__mark_held(hone_tensor *t)
{
    if (!atomic_load_explicit(&t->held, memory_order_relaxed))
        atomic_store_explicit(&t->held, true, memory_order_relaxed);
}

static inline hone_context *hone__node_retain(hone_context *node)
{
    if (node)
        atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    return node;
}

/** Twice the room of an array that begins as an inline one; NULL: out of memory. */
void *hone__grown(void *array, const void *inline_array, int *room, size_t element_bytes);

/** Before an in-place call: nothing that ctx leads to holds the target any longer, so that the target
 * may hold ctx. False: out of memory. Set by src/init.c: autograd/cycle.c. */
extern bool (*hone__cut_cycles)(hone_context *ctx, hone_tensor *target);
/** Drops a reference; frees iteratively, however long the graph. */
void hone__node_drop(hone_context *node);
/** Gives back saved tensors and edges (after a walk). */
void hone__node_clear(hone_context *node);

/** Which operand of the running call its forward got a copy of, if t is that copy; -1: none. */
int hone__copied_input(const hone_context *ctx, const hone_tensor *t);

static inline void hone__context_begin(hone_context *ctx, const hone__op *op,
                                       hone_tensor *const *in, int n_in)
{
    ctx->op = op;
    ctx->target = HONE__INTO_FRESH;
    ctx->written = ctx->freed = ctx->widened = false;
    ctx->half = NULL;
    ctx->in = in;
    ctx->n_in = n_in;
    ctx->n_out = ctx->n_saved = 0;
}

/** Has the op a gradient for an input that requires one? */
static inline bool hone__must_record(const hone__op *op, hone_tensor *const *in, int n_in)
{
    for (int i = 0; op->backward && i < n_in; i++)
        if (hone__requires_grad(in[i]) && hone__has_gradient(op, i))
            return true;
    return false;
}
/** A node of the graph for a call, begun; of its options nothing is there yet. NULL + E_NOMEM. */
hone_context *hone__node_new(const hone__op *op, hone_tensor *const *in, int n_in);
/** Ties the outputs that are floats, if `record` says so, to the node; drops it. False: out of
 * memory. */
bool hone__node_finish(hone_context *ctx, hone_tensor *const *out, bool record);

/** The op that all of a user's functions are calls of: its options begin with the hone_function. */
extern const hone__op hone__op_function;

#endif
