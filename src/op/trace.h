/* trace.h: somebody who is told of each call of an op on this thread: what writes a network down. */
#ifndef HONE_OP_TRACE_H
#define HONE_OP_TRACE_H

#include "op/node.h"

typedef struct hone__tracer {
    /** Whether it takes this op as it is. A composite one that it doesn't know is told by the ops that
     * it is made of. */
    bool (*knows)(const hone__op *op);
    /** After the forward: ctx->in, the plain options, and what came out. */
    void (*called)(struct hone__tracer *tracer, const hone_context *ctx, hone_tensor *const *out);
} hone__tracer;

/** NULL: nobody. */
extern _Thread_local hone__tracer *hone__tracing __attribute__((tls_model("initial-exec")));

/** Around a forward: ops inside of one that is told aren't told themselves. */
static inline hone__tracer *hone__trace_begin(const hone_context *ctx)
{
    hone__tracer *tracer = hone__tracing;
    if (__builtin_expect(tracer != NULL, 0) && (!ctx->op->composite || tracer->knows(ctx->op)))
        hone__tracing = NULL;
    return tracer;
}

static inline void hone__trace_end(hone__tracer *tracer, const hone_context *ctx,
                                   hone_tensor *const *out, bool ok)
{
    if (__builtin_expect(tracer == NULL, 1))
        return;
    const bool told = hone__tracing == NULL;
    if (ok && told)
        tracer->called(tracer, ctx, out);
    hone__tracing = tracer;
}

#endif
