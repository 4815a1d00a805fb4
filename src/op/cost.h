/* cost.h: what a call has to do at least, from its shapes alone: multiply-adds and bytes. Said beside
 * an op's declaration by a rule; most ops need none: no multiply-adds count, and what is read and
 * written is the operands' memory, each once.
 *
 * Multiply-adds are those of products, convolutions, attention and recurrences, as people count them
 * by hand: bias, activation, norms and element by element work are bytes. */
#ifndef HONE_OP_COST_H
#define HONE_OP_COST_H

#include "core/core.h"

typedef struct hone__op_declaration hone__op;

enum { HONE__COST_INPUTS = 8 };

/** A call, after it has run. */
typedef struct {
    const hone__op *op;
    const void *options; /* NULL: it has none */
    int n_in; /* at most HONE__COST_INPUTS: more operands of a list count by their bytes */
    const hone__shape *in[HONE__COST_INPUTS]; /* NULL: none given */
    const hone__shape *out;                   /* the first output's */
} hone__cost_call;

typedef struct {
    double madds;                   /* of the forward */
    double back[HONE__COST_INPUTS]; /* of the gradient of each input */
    double read, written;           /* bytes; set by the default before a rule is asked */
} hone__cost;

/** May be given odd shapes: ops take what they take before a rule is asked, but a rule checks what it
 * indexes. */
typedef void (*hone__cost_rule)(const hone__cost_call *call, hone__cost *cost);

static inline double hone__cost_numel(const hone__shape *s)
{
    double n = 1;
    for (int d = 0; s && d < s->ndim; d++)
        n *= (double)s->shape[d];
    return s ? n : 0;
}
/** Extent `from_end` dims before the end (1: the last); 1 where there is none. */
static inline double hone__cost_extent(const hone__shape *s, int from_end)
{
    return s && s->ndim >= from_end ? (double)s->shape[s->ndim - from_end] : 1;
}

/** What reads of its first or second operand no more than its result has: an index. */
void hone__cost_of_rows(const hone__cost_call *call, hone__cost *cost);

/** in[a] x in[b] as hone_matmul: a sum over in[a]'s last dim an output element; the gradients of both
 * cost as much. */
void hone__cost_of_product(const hone__cost_call *call, hone__cost *cost, int a, int b);

#endif
