/* gemm_transpose_avx512.h: like gemm_transpose_avx2.h, sixteen columns at a time. */
#ifndef HONE_GEMM_TRANSPOSE_AVX512_H
#define HONE_GEMM_TRANSPOSE_AVX512_H

#include "gemm/gemm_transpose_avx2.h"

static inline __m512 hone__f32_gemm_four_columns(const float *x, int64_t apart)
{
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(x));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(x + apart), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(x + 2 * apart), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(x + 3 * apart), 3);
}

static inline void hone__f32_gemm_pack16(int64_t k, int64_t width, float *panel, const float *x,
                                         int64_t ps)
{
    int64_t p = 0;
    for (; p + 4 <= k; p += 4) {
        const __m512 c0 = hone__f32_gemm_four_columns(x + p, 4 * ps);
        const __m512 c1 = hone__f32_gemm_four_columns(x + p + ps, 4 * ps);
        const __m512 c2 = hone__f32_gemm_four_columns(x + p + 2 * ps, 4 * ps);
        const __m512 c3 = hone__f32_gemm_four_columns(x + p + 3 * ps, 4 * ps);
        const __m512 lo01 = _mm512_unpacklo_ps(c0, c1), hi01 = _mm512_unpackhi_ps(c0, c1);
        const __m512 lo23 = _mm512_unpacklo_ps(c2, c3), hi23 = _mm512_unpackhi_ps(c2, c3);
        float *to = panel + p * width;
        _mm512_storeu_ps(to, _mm512_shuffle_ps(lo01, lo23, 0x44));
        _mm512_storeu_ps(to + width, _mm512_shuffle_ps(lo01, lo23, 0xee));
        _mm512_storeu_ps(to + 2 * width, _mm512_shuffle_ps(hi01, hi23, 0x44));
        _mm512_storeu_ps(to + 3 * width, _mm512_shuffle_ps(hi01, hi23, 0xee));
    }
    for (; p < k; p++) {
        for (int j = 0; j < 16; j++) {
            panel[p * width + j] = x[j * ps + p];
        }
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
