/* observe.h: the one place through which every op's run is seen: where its operands lie, for the
 * cost model (runtime/cost.h), what HONE_DEBUG prints, and, with the walk's one place, what a profile
 * records. */
#ifndef HONE_OP_OBSERVE_H
#define HONE_OP_OBSERVE_H

#include "op/node.h"
#include "runtime/parallel.h"
#include "runtime/watch.h"

/* Less than this is not worth a thought. */
#define HONE__OBSERVE_LARGE (8 << 10)

/** Nor is a batch of a data set, which nobody is going to change. */
static inline bool hone__lies_large(const hone_tensor *t)
{
    const size_t all = t->storage->bytes;
    return __builtin_expect(all >= HONE__OBSERVE_LARGE, 0) &&
           2 * (size_t)t->numel * hone__size_of(t->dtype) >= all;
}
static inline bool hone__observe_large(const hone_tensor *t)
{
    return hone__is_real(t) && hone__lies_large(t);
}

void hone__observe_operands(const hone_context *ctx);
void hone__observe_large_new(const hone_tensor *t);
void hone__observe_run(const hone_context *ctx, unsigned regions, hone_tensor *const *out,
                       int n_out);

/** Before the forward; gives back what was said of the op that calls this one. */
static inline hone__data_place hone__observe_begin(const hone_context *ctx)
{
    const hone__data_place outer = hone__data_now;
    hone__data_now.near_bytes = hone__data_now.spread_bytes = 0;
    hone__data_now.passing_near = hone__data_now.read_bytes = 0;
    hone__data_now.large = false;
    if (ctx->inputs & HONE__LARGE)
        hone__observe_operands(ctx);
    return outer;
}

/** A tensor that the forward has made. */
static inline void hone__observe_new(const hone_tensor *t)
{
    if (hone__observe_large(t))
        hone__observe_large_new(t);
}

/** After the forward; out[0..n_out-1], n_out is 0 if it failed. */
static inline void hone__observe_end(const hone_context *ctx, hone__data_place outer,
                                     hone_tensor *const *out, int n_out)
{
    if (n_out > 0 && (hone__data_now.large || hone__debug() >= 2))
        hone__observe_run(ctx, outer.regions, out, n_out);
    hone__data_now.near_bytes = outer.near_bytes;
    hone__data_now.spread_bytes = outer.spread_bytes;
    hone__data_now.passing_near = outer.passing_near;
    hone__data_now.read_bytes = outer.read_bytes;
    hone__data_now.large |= outer.large;
}

/** What there is of it in memory: an expanded one's elements are more. */
static inline int64_t hone__observe_bytes(const hone_tensor *t)
{
    const int64_t all = (int64_t)t->storage->bytes;
    const int64_t own = t->numel * (int64_t)hone__size_of(t->dtype);
    return own < all ? own : all;
}

/** Before something that is no op reads `t`; gives back what hone__observe_read_end wants. */
static inline hone__data_place hone__observe_read(const hone_tensor *t)
{
    const hone__data_place outer = hone__data_now;
    if (hone__observe_large(t)) {
        const int64_t bytes = hone__observe_bytes(t);
        const bool spread = atomic_load_explicit(&t->storage->spread, memory_order_relaxed);
        hone__data_now.near_bytes = spread ? 0 : bytes / HONE__COST_SHARED;
        hone__data_now.spread_bytes = spread ? bytes / HONE__COST_MOVED : 0;
    }
    return outer;
}
static inline void hone__observe_read_end(hone__data_place outer)
{
    hone__data_now.near_bytes = outer.near_bytes;
    hone__data_now.spread_bytes = outer.spread_bytes;
}

/* ---- a profile's observer, called while one runs */

typedef int (*hone__run_call)(const hone__op *op, hone_tensor *const *in, int n_in,
                              const void *options, hone__target target, hone_tensor **out);
typedef bool (*hone__run_node)(void *walk, hone_context *node);

typedef struct {
    /* Each calls `run` with what it was given, and gives back what that does. */
    int (*op)(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
              hone__target target, hone_tensor **out, hone__run_call run);
    bool (*node)(void *walk, hone_context *node, hone__run_node run);
} hone__observer;
/** Set by src/profile at its first profile, before the flag. */
extern hone__observer hone__observed;

/** hone__call_name of a call that has no context yet. */
const char *hone__name_of_call(const hone__op *op, const void *options);

#endif
