/* isa.h: one table of kernels for each instruction set, and the choice between them.
 *
 * Each ISA is one translation unit (scalar.c, avx2.c, avx512.c, neon.c) that instantiates the
 * kernel bodies on its vocabulary (simd/vec) and exports one const table. Nothing else in it is
 * non-static: a shared inline function compiled for AVX-512 could be picked by the linker for a
 * caller on a lesser CPU. */
#ifndef HONE_ISA_ISA_H
#define HONE_ISA_ISA_H

#include "gemm/gemm_kernels.h"
#include "kernels/kernels.h"

#include <stddef.h>

typedef struct hone__isa {
    const char *name; /* "scalar", "avx2", "avx512", "neon" */
    int vector_bytes;

    hone__unary_fn unary[HONE__K_N_UNARY][HONE__N_DTYPES];
    hone__binary_fn binary[HONE__K_N_BINARY][HONE__N_DTYPES];
    hone__compare_fn compare[HONE__K_N_COMPARE][HONE__N_DTYPES];
    hone__formula_fn formula[HONE__K_N_FORMULA][HONE__N_DTYPES];
    hone__where_fn where[HONE__N_DTYPES];
    hone__add_scaled_fn add_scaled[HONE__N_DTYPES];
    hone__cast_fn cast[HONE__N_DTYPES][HONE__N_DTYPES]; /* [from][to] */
    hone__copy_fn copy[HONE__N_DTYPES];
    hone__fill_fn fill[HONE__N_DTYPES];
    /* the same past the caches (kernels.h); NULL: there is none */
    hone__unary_fn unary_past[HONE__K_N_UNARY][HONE__N_DTYPES];
    hone__binary_fn binary_past[HONE__K_N_BINARY][HONE__N_DTYPES];
    hone__where_fn where_past[HONE__N_DTYPES];
    hone__copy_fn copy_past[HONE__N_DTYPES];
    hone__fill_fn fill_past[HONE__N_DTYPES];
    hone__transpose_fn transpose[HONE__N_DTYPES];
    hone__transpose_fn transpose_past[HONE__N_DTYPES];
    hone__write_past_fn write_past; /* NULL: this ISA can't */
    void (*past_end)(void);         /* makes what write_past wrote visible to other threads */

    hone__reduce_rows_fn reduce_rows[HONE__K_N_REDUCE][HONE__N_DTYPES];
    hone__reduce_blocks_fn reduce_blocks[HONE__K_N_REDUCE][HONE__N_DTYPES];
    hone__reduce_pieces_fn reduce_pieces[HONE__K_N_REDUCE][HONE__N_DTYPES]; /* or NULL */
    hone__reduce_combine_fn reduce_combine[HONE__K_N_REDUCE][HONE__N_DTYPES];
    hone__reduce_cols_fn reduce_cols[HONE__K_N_REDUCE][HONE__N_DTYPES];
    hone__reduce_cols_blocks_fn reduce_cols_blocks[HONE__K_N_REDUCE][HONE__N_DTYPES];
    hone__reduce_cols_combine_fn reduce_cols_combine[HONE__K_N_REDUCE][HONE__N_DTYPES];

    hone__product_fn product_rows[HONE__N_DTYPES];
    hone__product_fn product_cols[HONE__N_DTYPES];
    hone__product_fn product_eights;
    hone__sum_across_fn sum_across;
    hone__sum_fours_fn sum_fours, sum_fours_across;

    hone__softmax_fn softmax[HONE__N_DTYPES];
    hone__softmax_fn log_softmax[HONE__N_DTYPES];
    hone__logsumexp_fn logsumexp[HONE__N_DTYPES];
    hone__softmax_backward_fn softmax_backward[HONE__N_DTYPES];
    hone__softmax_backward_fn log_softmax_backward[HONE__N_DTYPES];
    hone__softmax_cols_block_fn softmax_cols_begin[HONE__N_DTYPES];
    hone__softmax_cols_combine_fn softmax_cols_combine[HONE__N_DTYPES];
    hone__softmax_cols_block_fn softmax_cols_end[HONE__N_DTYPES];
    hone__layer_norm_fn layer_norm[HONE__N_DTYPES];
    hone__layer_norm_backward_fn layer_norm_backward[HONE__N_DTYPES];
    hone__layer_norm_weight_backward_fn layer_norm_weight_backward[HONE__N_DTYPES];
    hone__deviation_fn deviation[HONE__N_DTYPES];
    hone__moments_fn moments[HONE__N_DTYPES];
    hone__batch_norm_fn batch_norm[HONE__N_DTYPES];
    hone__batch_norm_dx_fn batch_norm_dx[HONE__N_DTYPES];
    hone__batch_norm_sums_fn batch_norm_sums[HONE__N_DTYPES];
    hone__cross_entropy_fn cross_entropy[HONE__N_DTYPES];
    hone__cross_entropy_backward_fn cross_entropy_backward[HONE__N_DTYPES];

    hone__attend_fn attend[HONE__N_DTYPES];
    hone__attend_end_fn attend_end[HONE__N_DTYPES];
    hone__attend_dots_fn attend_dots[HONE__N_DTYPES];
    hone__attend_back_fn attend_back[HONE__N_DTYPES];
    hone__recurrent_step_fn recurrent_step[HONE__N_DTYPES];
    hone__recurrent_back_fn recurrent_back[HONE__N_DTYPES];

    hone__step_fn step[HONE__K_N_STEP][HONE__N_DTYPES];

    hone__gemm_kernels gemm;

    hone__random_fn random_u32;
    hone__random_fn uniform[HONE__N_DTYPES];
    hone__random_fn normal[HONE__N_DTYPES];
} hone__isa;

/** The table in use. Never NULL: the scalar one until hone__isa_use. */
extern const hone__isa *hone__k;

/** Sets the table in use. Called once, before any kernel runs. */
void hone__isa_use(const hone__isa *isa);

/** The i-th ISA this machine can run, the plainest (scalar) first and the best last; NULL past the
 * end. */
const hone__isa *hone__isa_available(int i);
const hone__isa *hone__isa_best(void);

/** By name; NULL if there is no such ISA or this machine lacks it. */
const hone__isa *hone__isa_find(const char *name);

/** One sentence on why hone__isa_find(name) gave NULL, with what this machine has:
 *  "HONE_ISA=sse9 is unknown (this machine has scalar, avx2, avx512)". */
void hone__isa_explain(const char *name, char *text, size_t size);

#endif
