/* gemm_avx512.h: the matrix product's kernels for AVX-512, for simd/isa/avx512.c (after
 * vec/vec_avx512.h). */
#ifndef HONE_GEMM_GEMM_AVX512_H
#define HONE_GEMM_GEMM_AVX512_H

#include "gemm/gemm_kernels.h"
#include "gemm/gemm_transpose_avx2.h"
#include "gemm/gemm_transpose_avx512.h"

/* Four sums over the lanes at once, each by the tree of gemm_dot_fold_vector: halves, quarters and
 * so on of several vectors meet in one. Where a's lanes stay in place and b's, too, a blend has the
 * one addend and one shuffle the other. */
static HONE__GEMM_INLINE void hone__f32_gemm_fold_4_avx512(__m512 a, __m512 b, __m512 c, __m512 d,
                                                           float *out)
{
    const __m512i quarters =
        _mm512_setr_epi32(4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 24, 25, 26, 27);
    const __m512 ac =
        _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, a, c), _mm512_shuffle_f32x4(a, c, 0x4E));
    const __m512 bd =
        _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, b, d), _mm512_shuffle_f32x4(b, d, 0x4E));
    __m512 v = _mm512_add_ps(_mm512_mask_blend_ps(0xF0F0, ac, bd),
                             _mm512_permutex2var_ps(ac, quarters, bd));
    v = _mm512_add_ps(v, _mm512_permute_ps(v, 0xEE));
    v = _mm512_add_ps(v, _mm512_permute_ps(v, 0x55));
    const __m512i first = _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
    _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_permutexvar_ps(first, v)));
}

static HONE__GEMM_INLINE void hone__f64_gemm_fold_4_avx512(__m512d a, __m512d b, __m512d c,
                                                           __m512d d, double *out)
{
    const __m512i quarters = _mm512_setr_epi64(2, 3, 8, 9, 6, 7, 12, 13);
    const __m512d ac =
        _mm512_add_pd(_mm512_mask_blend_pd(0xF0, a, c), _mm512_shuffle_f64x2(a, c, 0x4E));
    const __m512d bd =
        _mm512_add_pd(_mm512_mask_blend_pd(0xF0, b, d), _mm512_shuffle_f64x2(b, d, 0x4E));
    __m512d v =
        _mm512_add_pd(_mm512_mask_blend_pd(0xCC, ac, bd), _mm512_permutex2var_pd(ac, quarters, bd));
    v = _mm512_add_pd(v, _mm512_permute_pd(v, 0xFF));
    const __m512i first = _mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6);
    _mm256_storeu_pd(out, _mm512_castpd512_pd256(_mm512_permutexvar_pd(first, v)));
}

/* Vectors of 256 bits for `few`. */
#define HALF_PS_load(p)      _mm256_loadu_ps(p)
#define HALF_PS_store(p, v)  _mm256_storeu_ps(p, v)
#define HALF_PS_set(x)       _mm256_set1_ps(x)
#define HALF_PS_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define HALF_PD_load(p)      _mm256_loadu_pd(p)
#define HALF_PD_store(p, v)  _mm256_storeu_pd(p, v)
#define HALF_PD_set(x)       _mm256_set1_pd(x)
#define HALF_PD_fma(a, b, c) _mm256_fmadd_pd(a, b, c)

#define HONE__REAL_IS_F64 0
#include "kernels/real_begin.h"
#define DOT_ROWS      3
#define DOT_TALL      4
#define DOT_SHORT     (VIRTUAL_LANES / 2)
#define DOT_WIDE_SUMS 16
#define DOT_FOLD_4    hone__f32_gemm_fold_4_avx512
#define PACK_COLUMNS  hone__f32_gemm_pack_columns_avx512
#include "gemm/f32_gemm_avx512_8x48.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "gemm/gemm_dot_wide.h"
#define FEW_LANES     8
#define FEW_VECTOR    __m256
#define FEW_KEPT      2
#define FEW(name)     HALF_PS_##name
#define FEW_STEP      4
#define FEW_TURN      hone__f32_gemm_turn_4x8
#define FEW_WIDE_TURN hone__f32_gemm_turn
#define FEW_WIDE_LINE hone__f32_gemm_turn_line
#include "gemm/gemm_few.h"
#include "kernels/real_end.h"

#define HONE__REAL_IS_F64 1
#include "kernels/real_begin.h"
#define DOT_ROWS      3
#define DOT_TALL      4
#define DOT_SHORT     (VIRTUAL_LANES / 2)
#define DOT_WIDE_SUMS 16
#define DOT_FOLD_4    hone__f64_gemm_fold_4_avx512
#define PACK_COLUMNS  hone__f64_gemm_pack_columns_avx2
#include "gemm/f64_gemm_avx512_8x24.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "gemm/gemm_dot_wide.h"
#define FEW_LANES  4
#define FEW_VECTOR __m256d
#define FEW_KEPT   2
#define FEW(name)  HALF_PD_##name
#define FEW_STEP   2
#define FEW_TURN   hone__f64_gemm_turn_2x4
#include "gemm/gemm_few.h"
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
                .flops_per_ns = 100, .few_rows = 20, .dot_tree = 3, .blocks = { 1024, 768 }),      \
            HONE__GEMM_KERNEL(                                                                     \
                f64, avx512_8x24, .small = hone__f64_gemm_avx512_8x24_small,                       \
                .small_rows = { 0, 16, 16, 12, 12, 8, 8, 6, 6 }, .turning_columns = 14,            \
                .turning_tile = hone__f64_gemm_avx512_8x24_turning, .vl = 8, .mr = 8, .nr = 24,    \
                .wide = 32, .rows = { 0, 16, 12, 8, 6 }, .short_k = 257,                           \
                .short_rows = { 0, 10, 12, 8, 6 }, .direct_tails = 1, .half_tails = 1,             \
                .flops_per_ns = 50, .few_rows = 8, .dot_tree = 3, .blocks = { 1024, 384 }),        \
        }                                                                                          \
    }

#endif
