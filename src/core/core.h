/* core.h: what a tensor is inside. For src/ only; users see include/hone/tensor.h. */
#ifndef HONE_CORE_CORE_H
#define HONE_CORE_CORE_H

#include "core/dtypes.h"
#include "core/text.h"
#include "runtime/readiness.h"

#include <hone/runtime.h>
#include <hone/tensor.h>

#include <stdatomic.h>

/* ---- asserts: internal invariants, always on */

#define HONE_ASSERT(cond)                                                                          \
    ((cond) ? (void)0 : hone__assert_failed(#cond, __FILE__, __LINE__, __func__))
_Noreturn void hone__assert_failed(const char *cond, const char *file, int line, const char *func);

/* ---- errors */

/** hone_error_code() without a call: every op asks before it runs. */
extern _Thread_local hone_status hone__error_pending __attribute__((tls_model("initial-exec")));
/** Errors this thread has had since it began, to be taken before a callback runs. */
uint64_t hone__error_count(void);
/** True if an error is pending and one has come since the count was taken: the callback failed. One
 * that it cleared itself (a probe) is none. */
bool hone__error_since(uint64_t count);
/** Puts a text before the pending message, to say where it comes from. */
void hone__error_prefix(const char *prefix);
/** What an action returns when something in it failed: the status of the last error, whether it was
 * kept or an older one is pending. */
hone_status hone__error_last(void);
/** The NULL rule: keeps a pending error, else sets E_NULL naming `where` and what is missing there
 * ("a loader"; hone__error_null: "a tensor"). Returns the pending code. */
hone_status hone__error_missing(const char *where, const char *what);
hone_status hone__error_null(const char *where);

/** "[32, 784]" for messages: a small by-value buffer, so that several fit one printf:
 * hone__shape_text(..).s */
typedef struct {
    char s[120];
} hone__text;
hone__text hone__shape_text(int ndim, const int64_t *shape);
hone__text hone__tensor_text(const hone_tensor *t); /* "f32 [32, 784]"; "none", "NULL" */

/* ---- environment */

/** Level of HONE_DEBUG, 0 by default. */
extern atomic_int hone__debug_level; /* negative: not read yet */
int hone__debug_read(void);
static inline int hone__debug(void)
{
    const int level = atomic_load_explicit(&hone__debug_level, memory_order_relaxed);
    return __builtin_expect(level >= 0, 1) ? level : hone__debug_read();
}
void hone__debug_print(int level, const char *format, ...) HONE_PRINTF(2, 3);
/** Runs hone_init once; cheap afterwards. False: the environment can't be used and the error is
 * set. Every op calls it. */
bool hone__become_ready(void);
static inline bool hone__ready(void)
{
    return __builtin_expect(hone__readiness_now() >> HONE__SET_UP_BITS == 0, 1) ||
           hone__become_ready();
}
/** What the first call of hone__ready() runs, under its lock: src/init.c. False: one line in
 * `message`. */
bool hone__set_up(char *message, size_t size);
/** Reads a whole number from an environment variable: unset or empty leaves *value, anything else
 * outside min..max is false with one line in `message` that says what is wanted. */
bool hone__env_int(const char *name, long min, long max, long *value, char *message, size_t size);

/* ---- storage and tensors */

typedef struct hone__storage {
    atomic_int refs;
    atomic_uint version;      /* bumped by every in-place change */
    uint32_t history_version; /* version after the last in-place change that autograd recorded */
    atomic_bool spread;       /* the op that used it last ran on the team: see runtime/cost.h */
    bool joined;              /* the data lie right behind, in one block */
    bool plain;               /* ... and it has no site: its end is that of the block */
    uint16_t site;            /* where a profile saw it come into being; 0: it didn't */
    size_t bytes;
    void *data; /* 64-byte aligned; NULL if bytes is 0 */
    void (*release)(void *user,
                    void *data); /* memory that isn't ours (mmap ...); NULL: the pool's */
    void *user;
    struct hone__again *again; /* how its data can be made again: core/again.h; NULL */
} hone__storage;

/** What it says of data that can be made again: they are changed; the storage goes. */
void hone__storage_changes(const hone__storage *storage);
void hone__storage_forgets(hone__storage *storage);

typedef struct hone_context hone_context; /* an autograd node, see src/autograd/node.h */

/** Whether a handle is a tensor (still). The sentinels, zeroed, are in none of these states. */
enum { HONE__DEAD = 0xDE, HONE__LIVE = 0xFE, HONE__KEPT = 0xFF };

struct hone_tensor {
    atomic_int refs;       /* a free handle's first 12 bytes belong to the pool */
    uint32_t view_version; /* storage version when the view was made */
    bool requires_grad;    /* a leaf that collects .grad; non-leaves have a node instead */
    bool hides_history;    /* a view, made without recording, of a tensor that needs a gradient */
    bool is_view;          /* shares its storage with another tensor by a differentiable view op */
    atomic_bool held;      /* a node has held it: it saved it, or collects its gradient */
    bool grad_is_zero;     /* grad is NULL and stands for zeros: see autograd/leaf.h */
    uint8_t dtype;         /* hone_dtype */
    uint8_t ndim;
    uint8_t out_index;   /* which output of its node */
    atomic_uchar state;  /* LIVE; KEPT: live, and known to have an owner that is no scope; DEAD */
    bool dense;          /* contiguous */
    const char *made_by; /* name of the op, a constant; NULL: unknown */
    int64_t numel;
    int64_t offset; /* in elements */
    int64_t shape[HONE_MAX_DIMS];
    int64_t stride[HONE_MAX_DIMS]; /* in elements; >= 0. Of a dead one: see core/dead.h */
    hone__storage *storage;
    hone_context *node;        /* what computed it while recording; NULL: leaf */
    hone_tensor *grad;         /* leaf's gradient */
    uint64_t walk;             /* leaf's last walk or part, and how often it delivered so far: */
    int uses;                  /* see autograd/leaf.h */
    bool in_parts;             /* parts of a batch add to it */
    struct hone__later *later; /* the sums of its second use and those after it */
};

/** What dtypes.h says of each dtype. */
typedef struct {
    const char *name, *file_name, *torch_name;
    uint8_t size, rank;
    hone__kind kind;
    int64_t least, most;
} hone__dtype_traits;
extern const hone__dtype_traits hone__dtypes[HONE_DTYPES];

/** hone_dtype_size of a dtype that is one. */
#define SIZE_OF_DTYPE(NAME, name, type, size, ...) [HONE_##NAME] = size,
static inline size_t hone__size_of(uint8_t dtype)
{
    static const uint8_t sizes[HONE_DTYPES] = { HONE__EACH_STORED(SIZE_OF_DTYPE, ) };
    return sizes[dtype];
}
#undef SIZE_OF_DTYPE

/** The dtypes that are only stored: ops compute in f32 for them. */
static inline bool hone__is_half(hone_dtype dtype)
{
    return dtype == HONE_BF16 || dtype == HONE_F16;
}

static inline void *hone__data(const hone_tensor *t)
{
    char *data = t->storage->data; /* NULL: empty, whatever the offset of the view */
    return data ? data + (size_t)t->offset * hone__size_of(t->dtype) : NULL;
}

/** False for NULL, HONE_NONE, the end mark, and for what is no tensor any more. */
static inline bool hone__is_real(const hone_tensor *t)
{
    return t && atomic_load_explicit(&t->state, memory_order_relaxed) >= HONE__LIVE;
}

/** Says why t is refused, and gives false. */
bool hone__refuse_tensor(const char *where, const hone_tensor *t);
/** The check that every public function makes of each tensor it needs: else false with E_NULL
 * (NULL keeps a pending error, HONE_NONE, the end mark) or E_STATE (a tensor whose last reference
 * is gone, as far as that can be seen: core/dead.h) in the name of `where`. */
static inline bool hone__needs_tensor(const char *where, const hone_tensor *t)
{
    return __builtin_expect(hone__is_real(t), 1) || hone__refuse_tensor(where, t);
}
/** The same where HONE_NONE is allowed: an optional tensor. */
static inline bool hone__needs_tensor_or_none(const char *where, const hone_tensor *t)
{
    return t == HONE_NONE || hone__needs_tensor(where, t);
}
/** hone_requires_grad() of a tensor that may be anything. */
static inline bool hone__requires_grad(const hone_tensor *t)
{
    return hone__is_real(t) && (t->requires_grad || t->node);
}
/** True if two elements share one place in memory (an expanded tensor): in-place ops refuse it. */
bool hone__overlaps_itself(const hone_tensor *t);

/** Raw constructors: one reference, owned by NOBODY's scope (pass through hone__own). NULL + error
 * on failure. hone__new checks extents (negative, product overflow, ndim > 8) and says so in the
 * name of `op`. Contents uninitialised. */
hone_tensor *hone__new(const char *op, hone_dtype dtype, int ndim, const int64_t *shape);
/** A handle onto t's storage with another geometry; no autograd meta. */
hone_tensor *hone__alias(const hone_tensor *t, int ndim, const int64_t *shape,
                         const int64_t *stride, int64_t offset);
/** A tensor over memory that isn't hone's; release(user, data), unless NULL, is called with the
 * last reference (also when this fails). */
hone_tensor *hone__wrap(const char *op, hone_dtype dtype, int ndim, const int64_t *shape,
                        void *data, void (*release)(void *user, void *data), void *user);
/** Hands a fresh reference to the current scope; returns t. NULL in, NULL out. If the scope can't
 * grow: drops t, NULL + E_NOMEM. */
hone_tensor *hone__own(hone_tensor *t);
/** The same for a block of hone__malloc memory (list arrays), freed at the scope's end. */
void *hone__own_block(void *block);
/** Room for n handles, freed at the end of the current scope; the block holds no references: each
 * tensor put in must be owned by a scope itself (hone__own). at == NULL on failure. */
hone_tensor_list hone__list_new(int n);

static inline void hone__bump(hone_tensor *t)
{
    atomic_fetch_add_explicit(&t->storage->version, 1u, memory_order_relaxed);
    if (__builtin_expect(t->storage->again != NULL, 0))
        hone__storage_changes(t->storage);
}
static inline uint32_t hone__version(const hone_tensor *t)
{
    return atomic_load_explicit(&t->storage->version, memory_order_relaxed);
}

/** True if this thread's scopes have all references of t that there are: nobody else keeps it. */
bool hone__scopes_own_alone(const hone_tensor *t);

/** Where a scope was opened; function == NULL: unknown. */
typedef struct {
    const char *function, *file;
    int line;
} hone__site;
/** The scope that is being left right now on this thread. */
hone__site hone__scope_leaving(void);
/** "the scope that main opened (train.c:42)". */
hone__text hone__site_text(hone__site site);

/** How many tensors this thread's scopes hold: the current one, all, and the one that has most. */
typedef struct {
    int64_t current, all, most;
    hone__site fullest;
    bool fullest_is_root; /* nobody opened it */
} hone__holdings;
hone__holdings hone__scope_holdings(void);
/** "4096 tensors in the scope that main opened (train.c:42)". */
hone__text hone__holdings_text(const hone__holdings *holdings);

/** Between the two calls the current scope may come to own anything; settle drops it again, but for
 * one reference of t that is among it (t may be NULL or not among it). Cheaper than a scope of
 * one's own. */
size_t hone__scope_mark(void);
void hone__scope_settle(size_t mark, hone_tensor *t);

/** Drops what a scope that stays open has come to own, but for what returns to its parent. */
void hone__scope_empty(hone_scope scope);

/** Called when the last reference to a tensor with a node goes (set by src/autograd): must not
 * recurse deeply. */
extern void (*hone__node_release)(hone_context *node);
/** What printing writes as grad_fn=<...> ("MulBackward"); set by src/autograd. */
extern const char *(*hone__node_name)(const hone_context *node);

/* ---- shapes */

/** Row-major strides of a shape. */
static inline void hone__contiguous_strides(int ndim, const int64_t *shape, int64_t *stride)
{
    int64_t step = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        stride[d] = step;
        step *= shape[d] > 1 ? shape[d] : 1;
    }
}
static inline bool hone__contiguous(const hone_tensor *t)
{
    return t->dense || t->numel == 0;
}
/** dim in -ndim..ndim-1 -> 0..ndim-1 (a 0-d tensor counts as 1-d, as in PyTorch); -1 + E_SHAPE in
 * the name of `op`. */
int hone__dim_index(const char *op, const hone_tensor *t, int64_t dim);
/** Product of extents; -1 + error on a negative extent or overflow. */
int64_t hone__numel_of(const char *op, int ndim, const int64_t *shape);
static inline bool hone__same_shape(const hone_tensor *a, const hone_tensor *b)
{
    if (a->ndim != b->ndim)
        return false;
    for (int d = 0; d < a->ndim; d++)
        if (a->shape[d] != b->shape[d])
            return false;
    return true;
}

typedef struct {
    int ndim;
    int64_t shape[HONE_MAX_DIMS];
} hone__shape;
/** PyTorch's broadcasting of n tensors (HONE_NONE skipped); false + E_SHAPE naming op and all
 * shapes. */
bool hone__broadcast(const char *op, hone_tensor *const *t, int n, hone__shape *out);
/** Strides of t seen as `shape` (0 on broadcast dims). The shapes must fit. */
void hone__broadcast_strides(const hone_tensor *t, const hone__shape *shape, int64_t *stride);
/** The kind of a dtype, as PyTorch orders them: bool, integer, float. */
static inline hone__kind hone__category(hone_dtype dtype)
{
    return hone__dtypes[dtype].kind;
}
/** Result dtype of n operands by PyTorch's rule: 0-d tensors only raise the category (bool <
 * integer < float). */
hone_dtype hone__promoted_dtype(hone_tensor *const *t, int n);
static inline hone_dtype hone__result_dtype(hone_tensor *const *t, int n)
{
    if (n == 2 && hone__is_real(t[0]) && hone__is_real(t[1]) && t[0]->dtype == t[1]->dtype)
        return (hone_dtype)t[0]->dtype;
    return hone__promoted_dtype(t, n);
}
/** dims_then_end -> count and array (up to 8); false + E_SHAPE if there are more. */
bool hone__read_dims(const char *op, const int64_t *dims_then_end, hone__shape *out);

#endif
