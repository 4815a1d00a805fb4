/* attention.h: attention in blocks of queries and keys that stay in the caches: no more of its
 * matrix of weights is ever there than a block a thread.
 *
 * A query's keys come in blocks of HONE__KEY_BLOCK from the first key on. A score is one chain over
 * E; block by block the sum of weights and the row of the result go on (hone__attend), the result as
 * one chain over the keys. Keys that a query doesn't see are in none of these, so what it gets
 * depends on nothing but them; blocks of queries change no bit.
 *
 * Of f32 and f64 the queries are scaled and the products are chains of fma. Of bf16 they are products
 * of bf16 (gemm/pairs.h) in the thread's order, tiles counting from the first key or query; scores,
 * dq and dk are scaled after their sums, weights and their gradients rounded where they multiply,
 * which is what PyTorch's kernels for CPUs round, too. */
#ifndef HONE_LOOPS_ATTENTION_H
#define HONE_LOOPS_ATTENTION_H

#include "core/core.h"

enum { HONE__KEY_BLOCK = 128, HONE__QUERY_BLOCK = 256 };

/** All have the same dims before the last two, but the third from the end may be fewer heads of key
 * and value, each for `groups` of the query's. Rows are contiguous (the last stride is 1). */
typedef struct {
    hone_tensor *q, *k, *v; /* [.., L, E], [.., S, E], [.., S, Ev] */
    hone_tensor *mask;      /* [.., L, S] of any strides, bool or q's dtype; HONE_NONE */
    hone_tensor *out;       /* [.., L, Ev], contiguous */
    hone_tensor *stats; /* [2, queries], of bf16 f32: max and sum of each; HONE_NONE: not wanted */
    bool causal;
    double scale;
} hone__attention;

/** False: out of memory. */
bool hone__attention_run(const hone__attention *a);

/** dq, dk, dv: contiguous, of q's, k's and v's shapes, or HONE_NONE where dq, or both of the others,
 * aren't wanted. dout: as out; of f32 and f64 its rows are contiguous. dq is a chain over the keys,
 * times scale, dk and dv are chains over the query heads of the group and their queries. */
bool hone__attention_back(const hone__attention *a, hone_tensor *dout, hone_tensor *dq,
                          hone_tensor *dk, hone_tensor *dv);

#endif
