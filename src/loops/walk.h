/* walk.h: the walk over the operands of an elementwise op, and its ways when an operand lies across:
 * shared by elementwise.c and crossing.c. */
#ifndef HONE_LOOPS_WALK_H
#define HONE_LOOPS_WALK_H

#include "loops/elementwise.h"

enum { HONE__OPERANDS = 1 + HONE__ELEMENTWISE_INPUTS }; /* the result first */

/** The whole walk: dims outermost first, strides in elements. */
typedef struct {
    const hone__elementwise_kernel *kernel;
    int n; /* operands */
    int ndim;
    int64_t shape[HONE_MAX_DIMS];
    int64_t stride[HONE__OPERANDS][HONE_MAX_DIMS];
    char *data[HONE__OPERANDS];
    int64_t size[HONE__OPERANDS];       /* bytes of an element */
    hone__cast_fn cast[HONE__OPERANDS]; /* NULL: the kernel reads it as it is */
    bool casts;
    bool past, in_pieces; /* the result goes past the caches; in pieces: by no kernel of its own */
    uint64_t local[HONE__OPERANDS]; /* room for a number */
} hone__walk;

static inline void hone__walk_call_fn(hone__arity arity, const hone__elementwise_fn *fn, int64_t n,
                                      char *const *at, const int64_t *stride)
{
    switch (arity) {
    case HONE__UNARY:
        fn->unary(n, at[0], stride[0], at[1], stride[1]);
        break;
    case HONE__BINARY:
        fn->binary(n, at[0], stride[0], at[1], stride[1], at[2], stride[2]);
        break;
    case HONE__COMPARE:
        fn->compare(n, (uint8_t *)at[0], stride[0], at[1], stride[1], at[2], stride[2]);
        break;
    case HONE__WHERE:
        fn->where(n, at[0], stride[0], (const uint8_t *)at[1], stride[1], at[2], stride[2], at[3],
                  stride[3]);
        break;
    case HONE__FILL:
        fn->fill(n, at[0], stride[0], at[1]);
        break;
    case HONE__UPDATE:
    case HONE__FORMULA:
        fn->update.run(fn->update.args, n, at, stride);
        break;
    }
}

static inline void hone__walk_call(const hone__elementwise_kernel *k, int64_t n, char *const *at,
                                   const int64_t *stride)
{
    hone__walk_call_fn(k->arity, &k->fn, n, at, stride);
}

/** One row of n elements, of which some operands are cast on the way. */
void hone__walk_casting(const hone__walk *w, int64_t n, char *const *at, const int64_t *stride);

/** The walk over out and in: its dims in the order of the result's memory, without those of extent
 * 1, neighbours merged; w->kernel, n and the result's data and size are set already. */
void hone__walk_plan(hone__walk *w, const hone_tensor *out, const hone__operand *in);

/** What the walk reads and writes: nothing twice, as dims of stride 0 would. */
int64_t hone__walk_bytes(const hone__walk *w);

/* ---- crossing.c */

/** The dim along which operand o is contiguous while it jumps along the innermost; -1: none. */
int hone__walk_cross_dim(const hone__walk *w, int o);

/** The dim that blocks are worth, -1 if none. *other: an operand that lies across along a dim of
 * its own, 0 if none. */
int hone__walk_cross(const hone__walk *w, int64_t numel, int *other);

/** Runs the walk by blocks that gather the operands that lie across along that dim. */
void hone__walk_blocks(const hone__walk *w, int cross, const hone__operand *in);

/** A copy whose contiguous direction changes; false if it doesn't. */
bool hone__walk_transposing(hone_tensor *out, hone_tensor *x,
                            const hone__elementwise_kernel *kernel);

#endif
