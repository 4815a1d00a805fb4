/* bf16.h: kernels of products of bf16, one table for each set of instructions, in units of their own
 * (bf16_<instructions>.c), since those of isa.h take minutes to compile. */
#ifndef HONE_ISA_BF16_H
#define HONE_ISA_BF16_H

#include "gemm/bf16_kernels.h"

/** Those in use for the order `tiles`, or for `pairs`: hone__k's ISA's, the best of them unless
 * hone__bf16_use said otherwise. */
const hone__bf16_kernel *hone__bf16_in(bool tiles);

/** For `pairs`, and for what has no order; they know the other one, too. */
static inline const hone__bf16_kernel *hone__bf16(void)
{
    return hone__bf16_in(false);
}

/** The i-th this machine can run, plainest first; NULL past the end. */
const hone__bf16_kernel *hone__bf16_available(int i);

/** By name; NULL if there is none or this machine lacks it. */
const hone__bf16_kernel *hone__bf16_find(const char *name);

/** Uses `kernel`, as long as hone__k is of its ISA and for the orders it knows; NULL: the best. Called
 * before any kernel runs, and by tests. */
void hone__bf16_use(const hone__bf16_kernel *kernel);

/** Bytes of a packed panel over k. */
static inline size_t hone__bf16_panel_bytes(const hone__bf16_kernel *kernel, bool tiles, int width,
                                            int64_t k)
{
    if (kernel->tiled) {
        const int64_t blocks = (k + HONE__BF16_TILE_K - 1) / HONE__BF16_TILE_K;
        return (size_t)blocks * HONE__BF16_TILE_K * (size_t)width * sizeof(uint16_t);
    }
    const int64_t pairs = tiles ? (k + 3) / 4 * 2 : (k + 1) / 2;
    return (size_t)(kernel->paired ? pairs : k) * (size_t)width * sizeof(uint32_t);
}

extern const hone__bf16_kernel hone__bf16_scalar;
#if defined(__x86_64__)
extern const hone__bf16_kernel hone__bf16_avx2, hone__bf16_avx512, hone__bf16_avx512_bf16,
    hone__bf16_avx512_amx;
#elif defined(__aarch64__)
extern const hone__bf16_kernel hone__bf16_neon;
#endif

#endif
