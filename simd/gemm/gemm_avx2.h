/* gemm_avx2.h: the matrix product's kernels for AVX2 with FMA, for simd/isa/avx2.c (after
 * vec/vec_avx2.h). */
#ifndef HONE_GEMM_GEMM_AVX2_H
#define HONE_GEMM_GEMM_AVX2_H

#include "gemm/gemm_kernels.h"
#include "gemm/gemm_transpose_avx2.h"

/* The first n <= 8 elements of v, by parts: a masked store takes twenty times as long on some
 * CPUs. */
static HONE__GEMM_INLINE void hone__f32_gemm_store_some_avx2(float *p, __m256 v, int n)
{
    if (n == 8) {
        _mm256_storeu_ps(p, v);
        return;
    }
    __m128 part = _mm256_castps256_ps128(v);
    if (n & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)p, part);
        part = _mm_movehl_ps(part, part);
        p += 2;
    }
    if (n & 1) {
        _mm_store_ss(p, part);
    }
}

/* n <= 4. */
static HONE__GEMM_INLINE void hone__f64_gemm_store_some_avx2(double *p, __m256d v, int n)
{
    if (n == 4) {
        _mm256_storeu_pd(p, v);
        return;
    }
    __m128d part = _mm256_castpd256_pd128(v);
    if (n & 2) {
        _mm_storeu_pd(p, part);
        part = _mm256_extractf128_pd(v, 1);
        p += 2;
    }
    if (n & 1) {
        _mm_store_sd(p, part);
    }
}

/* Four sums over the lanes at once, each by the tree of gemm_dot_fold_vector. */
static HONE__GEMM_INLINE void hone__f32_gemm_fold_4_avx2(__m256 a, __m256 b, __m256 c, __m256 d,
                                                         float *out)
{
    const __m256 ab =
        _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    const __m256 cd =
        _mm256_add_ps(_mm256_permute2f128_ps(c, d, 0x20), _mm256_permute2f128_ps(c, d, 0x31));
    __m256 v = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xEE));
    v = _mm256_add_ps(_mm256_shuffle_ps(v, v, 0x88), _mm256_shuffle_ps(v, v, 0xDD));
    _mm_storeu_ps(out, _mm_unpacklo_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)));
}

static HONE__GEMM_INLINE void hone__f64_gemm_fold_4_avx2(__m256d a, __m256d b, __m256d c, __m256d d,
                                                         double *out)
{
    const __m256d ab =
        _mm256_add_pd(_mm256_permute2f128_pd(a, b, 0x20), _mm256_permute2f128_pd(a, b, 0x31));
    const __m256d cd =
        _mm256_add_pd(_mm256_permute2f128_pd(c, d, 0x20), _mm256_permute2f128_pd(c, d, 0x31));
    const __m256d v = _mm256_add_pd(_mm256_unpacklo_pd(ab, cd), _mm256_unpackhi_pd(ab, cd));
    _mm256_storeu_pd(out, _mm256_permute4x64_pd(v, 0xD8));
}

#define HONE__REAL_IS_F64 0
#include "kernels/real_begin.h"
#define DOT_ROWS     1
#define DOT_TALL     1
#define DOT_SHORT    0
#define PACK_COLUMNS hone__f32_gemm_pack_columns_avx2
#define DOT_FOLD_4   hone__f32_gemm_fold_4_avx2
#include "gemm/f32_gemm_avx2_6x16.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "gemm/gemm_dot_wide.h"
#define FEW_STEP 4
#define FEW_TURN hone__f32_gemm_turn_4x8
#include "gemm/gemm_few.h"
#include "kernels/real_end.h"

#define HONE__REAL_IS_F64 1
#include "kernels/real_begin.h"
#define DOT_ROWS     1
#define DOT_TALL     1
#define DOT_SHORT    0
#define PACK_COLUMNS hone__f64_gemm_pack_columns_avx2
#define DOT_FOLD_4   hone__f64_gemm_fold_4_avx2
#include "gemm/f64_gemm_avx2_6x8.h"
#include "gemm/gemm_pack.h"
#include "gemm/gemm_row.h"
#include "gemm/gemm_dot.h"
#include "gemm/gemm_dot_wide.h"
#define FEW_STEP 2
#define FEW_TURN hone__f64_gemm_turn_2x4
#include "gemm/gemm_few.h"
#include "kernels/real_end.h"

#define HONE__GEMM_KERNELS                                                                         \
    {                                                                                              \
        .of = {                                                                                    \
            HONE__GEMM_KERNEL(f32, avx2_6x16, .small = hone__f32_gemm_avx2_6x16_small,             \
                              .small_rows = { 0, 12, 6 }, .vl = 8, .mr = 6, .nr = 16, .wide = 16,  \
                              .rows = { 0, 6, 6 }, .flops_per_ns = 80, .dot_tree = 10,             \
                                                                                                   \
                              .blocks = { 768, 768 }),                                             \
            HONE__GEMM_KERNEL(f64, avx2_6x8, .small = hone__f64_gemm_avx2_6x8_small,               \
                              .small_rows = { 0, 12, 6 }, .vl = 4, .mr = 6, .nr = 8, .wide = 8,    \
                              .rows = { 0, 6, 6 }, .flops_per_ns = 40, .dot_tree = 10,             \
                                                                                                   \
                              .blocks = { 768, 384 }),                                             \
        }                                                                                          \
    }

#endif
