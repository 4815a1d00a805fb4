/* observe.h: the one place through which every op's run is seen: where its operands lie, for the
 * cost model (runtime/cost.h), and what HONE_DEBUG prints. */
#ifndef HONE_OP_OBSERVE_H
#define HONE_OP_OBSERVE_H

#include "op/node.h"
#include "runtime/parallel.h"

/* Less than this is not worth a thought. */
#define HONE__OBSERVE_LARGE (8 << 10)

static inline bool hone__observe_large(const hone_tensor *t)
{
    return hone__is_real(t) && t->storage->bytes >= HONE__OBSERVE_LARGE;
}

void hone__observe_operands(const hone_context *ctx);
void hone__observe_large_new(const hone_tensor *t);
void hone__observe_run(const hone_context *ctx, unsigned regions, hone_tensor *const *out,
                       int n_out);

/** Before the forward; gives back what was said of the op that calls this one. */
static inline hone__data_place hone__observe_begin(const hone_context *ctx)
{
    const hone__data_place outer = hone__data_now;
    bool large = false;
    for (int i = 0; i < ctx->n_in; i++)
        large |= hone__observe_large(ctx->in[i]);
    hone__data_now.near_bytes = hone__data_now.spread_bytes = 0;
    hone__data_now.large = false;
    if (large)
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
    hone__data_now.large |= outer.large;
}

#endif
