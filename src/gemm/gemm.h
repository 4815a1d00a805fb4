/* gemm.h: C = act(alpha * A B (+ C) + bias) for f32 and f64, any strides, batched and broadcast.
 *
 * The order of every sum is fixed by n, k, dtype and whether B lies along k, of the operands as they
 * are given: never by threads, ISA or cache sizes (contract 1), nor by m, the batch dims or a stride
 * of A. So a row of C has the same bits whatever other rows there are (contract 7): samples are rows
 * of A, and what puts them along n gives that up.
 *
 * - dot: k > 1, n <= 8, B contiguous in k (b_rs 1, or n 1). The reductions' rule (kernels.h) with
 *   acc = fma(a, b, acc); a lane starts at a * b.
 * - split: else, if n <= 64 and k >= 4096. min(k / 2048, 64) pieces of K of equal length (the last
 *   may be shorter), each a chain; their sums are added in order.
 * - chain: else, and always if the arguments say so or C is where the sum begins. acc = fma(a[i,k],
 *   b[k,j], acc) in the order of k, from +0, or from what C holds.
 *
 * Nothing here knows tensors: operands are pointers with strides in elements. */
#ifndef HONE_GEMM_GEMM_H
#define HONE_GEMM_GEMM_H

#include "gemm/args.h"

/** Runs it, on as many threads as pay off. The caller's rounding must be hone's (fpmode.h), which
 * an op's is. Returns 0, or -1 with HONE_E_NOMEM set (then C is untouched). */
int hone__gemm(const hone__gemm_args *args);

/** The same product with A from a source: args->a and a_batch say what it gets as its base, a_rs
 * and a_cs nothing. Its order is `chain` for every shape. */
int hone__gemm_from(const hone__gemm_args *args, const hone__gemm_source *a);

#endif
