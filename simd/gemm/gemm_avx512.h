/* gemm_avx512.h: the matrix product's kernels for AVX-512, for simd/isa/avx512.c (after
 * vec/vec_avx512.h). */
#ifndef HONE_GEMM_GEMM_AVX512_H
#define HONE_GEMM_GEMM_AVX512_H

#include "gemm/gemm_kernels.h"
#include "gemm/gemm_transpose_avx2.h"
#include "gemm/gemm_transpose_avx512.h"

#define HONE__REAL_IS_F64 0
#include "kernels/real_begin.h"
#define DOT_ROWS     2
#define DOT_COLS     3
#define DOT_TALL     4
#define PACK_COLUMNS hone__f32_gemm_pack_columns_avx512
#include "gemm/f32_gemm_avx512_8x48.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "kernels/real_end.h"

#define HONE__REAL_IS_F64 1
#include "kernels/real_begin.h"
#define DOT_ROWS     2
#define DOT_COLS     3
#define DOT_TALL     4
#define PACK_COLUMNS hone__f64_gemm_pack_columns_avx2
#include "gemm/f64_gemm_avx512_8x24.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "kernels/real_end.h"

#define HONE__GEMM_KERNELS                                                                         \
    {                                                                                              \
        .of = {                                                                                    \
            HONE__GEMM_KERNEL(                                                                     \
                f32, avx512_8x48, .small = hone__f32_gemm_avx512_8x48_small,                       \
                .small_rows = { 0, 16, 16, 12, 12, 8, 8, 6, 6 }, .turning_columns = 14,            \
                .turning_tile = hone__f32_gemm_avx512_8x48_turning, .vl = 16, .mr = 8, .nr = 48,   \
                .wide = 64, .rows = { 0, 16, 12, 8, 6 }, .short_k = 257,                           \
                .short_rows = { 0, 10, 12, 8, 6 }, .direct_tails = 1, .half_tails = 1,             \
                .flops_per_ns = 100, .blocks = { 1024, 768 }),                                     \
            HONE__GEMM_KERNEL(                                                                     \
                f64, avx512_8x24, .small = hone__f64_gemm_avx512_8x24_small,                       \
                .small_rows = { 0, 16, 16, 12, 12, 8, 8, 6, 6 }, .turning_columns = 14,            \
                .turning_tile = hone__f64_gemm_avx512_8x24_turning, .vl = 8, .mr = 8, .nr = 24,    \
                .wide = 32, .rows = { 0, 16, 12, 8, 6 }, .short_k = 257,                           \
                .short_rows = { 0, 10, 12, 8, 6 }, .direct_tails = 1, .half_tails = 1,             \
                .flops_per_ns = 50, .blocks = { 1024, 384 }),                                      \
        }                                                                                          \
    }

#endif
