/* gemm_transpose_avx512.h: like gemm_transpose_avx2.h, sixteen columns at a time. */
#ifndef HONE_GEMM_TRANSPOSE_AVX512_H
#define HONE_GEMM_TRANSPOSE_AVX512_H

#include "gemm/gemm_kernels.h"
#include "gemm/gemm_transpose_avx2.h"

/* Eight k, of which `n` are there, of column i and of column i + 8. */
static inline __m512 hone__f32_gemm_column_pair(const float *x, int64_t ps, __mmask8 n)
{
    const __m256 low = _mm256_maskz_loadu_ps(n, x), high = _mm256_maskz_loadu_ps(n, x + 8 * ps);
    const __m512d both = _mm512_castps_pd(_mm512_castps256_ps512(low));
    return _mm512_castpd_ps(_mm512_insertf64x4(both, _mm256_castps_pd(high), 1));
}

/* Four column pairs from x on: t[q] holds, by lanes of 128 bits, k = q and k = 4 + q of the first
 * columns, then the same of the second. */
static inline void hone__f32_gemm_four_pairs(__m512 *t, const float *x, int64_t ps, __mmask8 n)
{
    const __m512 c0 = hone__f32_gemm_column_pair(x, ps, n);
    const __m512 c1 = hone__f32_gemm_column_pair(x + ps, ps, n);
    const __m512 c2 = hone__f32_gemm_column_pair(x + 2 * ps, ps, n);
    const __m512 c3 = hone__f32_gemm_column_pair(x + 3 * ps, ps, n);
    const __m512 lo01 = _mm512_unpacklo_ps(c0, c1), hi01 = _mm512_unpackhi_ps(c0, c1);
    const __m512 lo23 = _mm512_unpacklo_ps(c2, c3), hi23 = _mm512_unpackhi_ps(c2, c3);
    t[0] = _mm512_shuffle_ps(lo01, lo23, 0x44);
    t[1] = _mm512_shuffle_ps(lo01, lo23, 0xee);
    t[2] = _mm512_shuffle_ps(hi01, hi23, 0x44);
    t[3] = _mm512_shuffle_ps(hi01, hi23, 0xee);
}

/* n <= 8 k of 16 columns. */
static HONE__GEMM_INLINE void hone__f32_gemm_pack8x16(int n, int64_t width, float *panel,
                                                      const float *x, int64_t ps)
{
    const __m512i low = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27);
    const __m512i four = _mm512_set1_epi32(4);
    const __mmask8 mask = (__mmask8)((1u << n) - 1);
    __m512 t[4], u[4];
    hone__f32_gemm_four_pairs(t, x, ps, mask);
    hone__f32_gemm_four_pairs(u, x + 4 * ps, ps, mask);
    for (int q = 0; q < 4 && q < n; q++) {
        _mm512_storeu_ps(panel + q * width, _mm512_permutex2var_ps(t[q], low, u[q]));
    }
    for (int q = 4; q < n; q++) {
        const __m512i high = _mm512_add_epi32(low, four);
        _mm512_storeu_ps(panel + q * width, _mm512_permutex2var_ps(t[q - 4], high, u[q - 4]));
    }
}

static inline void hone__f32_gemm_pack16(int64_t k, int64_t width, float *panel, const float *x,
                                         int64_t ps)
{
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) {
        hone__f32_gemm_pack8x16(8, width, panel + p * width, x + p, ps);
    }
    if (p < k) {
        hone__f32_gemm_pack8x16((int)(k - p), width, panel + p * width, x + p, ps);
    }
}

static inline int hone__f32_gemm_pack_columns_avx512(int64_t k, int64_t width, int valid,
                                                     float *panel, const float *x, int64_t ps)
{
    int j = 0;
    for (; j + 16 <= valid; j += 16) {
        hone__f32_gemm_pack16(k, width, panel + j, x + j * ps, ps);
    }
    return j + hone__f32_gemm_pack_columns_avx2(k, width, valid - j, panel + j, x + j * ps, ps);
}

#endif
