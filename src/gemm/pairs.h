/* pairs.h: products of bf16, dtype HONE__GEMM_BF16 of args.h.
 *
 * The order of every sum is `pairs` (bf16_kernels.h says it): one chain over all of k in k's order,
 * from +0 or from what C holds, of steps (bf16_step.h) that are fma(a, b, acc) where denormals don't
 * exist. It depends on nothing but k: not on m, n, strides, threads, ISA, nor on where k is cut
 * (contracts 1 and 7). As long as nothing is denormal it is the chain of f32 on widened operands.
 *
 * Or, if the calling thread wants it, `tiles`, AMX's order: in each 32 k a chain of the even elements
 * and one of the odd ones, whose sum is added to C. A sum over samples that isn't a product a sample
 * is one if a sample has a multiple of 32 positions (args->positions); else
 * tiles would show how a batch is cut, and it is a chain in `pairs`. So it depends on k, where it
 * begins, and that.
 *
 * What follows the last k is done in f32, where denormals do exist: alpha, C, bias, ReLU as args.h
 * says. With `narrow` the result is rounded once to bf16 (to nearest even); GELU takes what C holds
 * then, and its values are rounded, too. */
#ifndef HONE_GEMM_PAIRS_H
#define HONE_GEMM_PAIRS_H

#include "gemm/args.h"

typedef enum { HONE__BF16_PAIRS, HONE__BF16_TILES } hone__bf16_order;

/** What products of the calling thread sum in. */
hone__bf16_order hone__bf16_order_now(void);
static inline bool hone__bf16_tiles_now(void)
{
    return hone__bf16_order_now() == HONE__BF16_TILES;
}
/** Sets it; gives back what was. */
hone__bf16_order hone__bf16_order_set(hone__bf16_order order);
/** What threads begin with. Called before any product. */
void hone__bf16_order_begin(hone__bf16_order order);

/** As hone__gemm: on as many threads as pay off; 0, or -1 with HONE_E_NOMEM set, C untouched. */
int hone__gemm_pairs(const hone__gemm_args *args);

/** A B for many products, of any m: how many bytes it takes packed, and what args->b_packed of those
 * may be from then on, as long as B isn't changed. */
size_t hone__gemm_pairs_packed_bytes(const hone__gemm_args *args);
void hone__gemm_pairs_pack(const hone__gemm_args *args, void *packed);

/** As hone__gemm_from: A's panels are written by a source, elements being uint16_t. */
int hone__gemm_pairs_from(const hone__gemm_args *args, const hone__gemm_source *a);

#endif
