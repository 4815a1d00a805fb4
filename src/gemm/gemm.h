/* gemm.h: C = act(alpha * A B (+ C) + bias) for f32 and f64, any strides, batched and broadcast.
 *
 * The order of every sum is fixed by shape, strides and dtype alone (contract 1), never by threads,
 * ISA or cache sizes. With m counting also the batch dims that share B and continue A's and C's
 * rows:
 *
 * - dot: k > 1, A contiguous in k (a_cs 1, or m 1), B too (b_rs 1, or n 1), and m <= 8 or n <= 8.
 *   The reductions' rule (kernels.h) with acc = fma(a, b, acc); a lane starts at a * b.
 * - split: else, if m n <= 16384 and k >= 4096. min(k / 2048, 64) pieces of K of equal length (the
 *   last may be shorter), each a chain; their sums are added in order.
 * - chain: else. acc = fma(a[i,k], b[k,j], acc) in the order of k, from +0.
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
