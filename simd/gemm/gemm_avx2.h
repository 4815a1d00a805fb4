/* gemm_avx2.h: the matrix product's kernels for AVX2 with FMA, for simd/isa/avx2.c (after
 * vec/vec_avx2.h). */
#ifndef HONE_GEMM_GEMM_AVX2_H
#define HONE_GEMM_GEMM_AVX2_H

#include "gemm/gemm_kernels.h"
#include "gemm/gemm_transpose_avx2.h"

#define HONE__REAL_IS_F64 0
#include "kernels/real_begin.h"
#define DOT_ROWS     1
#define DOT_COLS     1
#define DOT_TALL     1
#define PACK_COLUMNS hone__f32_gemm_pack_columns_avx2
#include "gemm/f32_gemm_avx2_6x16.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "kernels/real_end.h"

#define HONE__REAL_IS_F64 1
#include "kernels/real_begin.h"
#define DOT_ROWS     1
#define DOT_COLS     1
#define DOT_TALL     1
#define PACK_COLUMNS hone__f64_gemm_pack_columns_avx2
#include "gemm/f64_gemm_avx2_6x8.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "kernels/real_end.h"

#define HONE__GEMM_KERNELS                                                                         \
    {                                                                                              \
        .of = {                                                                                    \
            HONE__GEMM_KERNEL(f32, avx2_6x16, .small = hone__f32_gemm_avx2_6x16_small,             \
                              .small_rows = { 0, 12, 6 }, .vl = 8, .mr = 6, .nr = 16, .wide = 16,  \
                              .rows = { 0, 6, 6 }, .flops_per_ns = 80, .blocks = { 768, 768 }),    \
            HONE__GEMM_KERNEL(f64, avx2_6x8, .small = hone__f64_gemm_avx2_6x8_small,               \
                              .small_rows = { 0, 12, 6 }, .vl = 4, .mr = 6, .nr = 8, .wide = 8,    \
                              .rows = { 0, 6, 6 }, .flops_per_ns = 40, .blocks = { 768, 384 }),    \
        }                                                                                          \
    }

#endif
