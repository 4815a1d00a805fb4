/* gemm_transpose_avx2.h: packing and turning of columns that are contiguous in k, by 4 x 4
 * transposes inside 128-bit lanes. */
#ifndef HONE_GEMM_TRANSPOSE_AVX2_H
#define HONE_GEMM_TRANSPOSE_AVX2_H

#include "gemm/gemm_kernels.h"

#include <immintrin.h>

/* Lane l holds the columns 4 l .. 4 l + 3: from four vectors that hold, per lane, four k of one
 * column each. */
static inline __m256 hone__f32_gemm_two_columns(const float *x, int64_t apart)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x)), _mm_loadu_ps(x + apart),
                                1);
}

/* Four k of eight columns. */
static inline void hone__f32_gemm_pack4x8(int64_t width, float *to, const float *x, int64_t ps)
{
    const __m256 c0 = hone__f32_gemm_two_columns(x, 4 * ps);
    const __m256 c1 = hone__f32_gemm_two_columns(x + ps, 4 * ps);
    const __m256 c2 = hone__f32_gemm_two_columns(x + 2 * ps, 4 * ps);
    const __m256 c3 = hone__f32_gemm_two_columns(x + 3 * ps, 4 * ps);
    const __m256 lo01 = _mm256_unpacklo_ps(c0, c1), hi01 = _mm256_unpackhi_ps(c0, c1);
    const __m256 lo23 = _mm256_unpacklo_ps(c2, c3), hi23 = _mm256_unpackhi_ps(c2, c3);
    _mm256_storeu_ps(to, _mm256_shuffle_ps(lo01, lo23, 0x44));
    _mm256_storeu_ps(to + width, _mm256_shuffle_ps(lo01, lo23, 0xee));
    _mm256_storeu_ps(to + 2 * width, _mm256_shuffle_ps(hi01, hi23, 0x44));
    _mm256_storeu_ps(to + 3 * width, _mm256_shuffle_ps(hi01, hi23, 0xee));
}

/* Four k of four columns. */
static inline void hone__f32_gemm_pack4x4(int64_t width, float *to, const float *x, int64_t ps)
{
    const __m128 c0 = _mm_loadu_ps(x), c1 = _mm_loadu_ps(x + ps);
    const __m128 c2 = _mm_loadu_ps(x + 2 * ps), c3 = _mm_loadu_ps(x + 3 * ps);
    const __m128 lo01 = _mm_unpacklo_ps(c0, c1), hi01 = _mm_unpackhi_ps(c0, c1);
    const __m128 lo23 = _mm_unpacklo_ps(c2, c3), hi23 = _mm_unpackhi_ps(c2, c3);
    _mm_storeu_ps(to, _mm_movelh_ps(lo01, lo23));
    _mm_storeu_ps(to + width, _mm_movehl_ps(lo23, lo01));
    _mm_storeu_ps(to + 2 * width, _mm_movelh_ps(hi01, hi23));
    _mm_storeu_ps(to + 3 * width, _mm_movehl_ps(hi23, hi01));
}

/* Four k of two columns. */
static inline void hone__f32_gemm_pack4x2(int64_t width, float *to, const float *x, int64_t ps)
{
    const __m128 c0 = _mm_loadu_ps(x), c1 = _mm_loadu_ps(x + ps);
    const __m128 low = _mm_unpacklo_ps(c0, c1), high = _mm_unpackhi_ps(c0, c1);
    _mm_storel_pi((__m64 *)(void *)to, low);
    _mm_storeh_pi((__m64 *)(void *)(to + width), low);
    _mm_storel_pi((__m64 *)(void *)(to + 2 * width), high);
    _mm_storeh_pi((__m64 *)(void *)(to + 3 * width), high);
}

/* Eight, four or two columns. What is left of k is done with some that is done already. */
static inline void hone__f32_gemm_pack_group(const int columns, int64_t k, int64_t width,
                                             float *panel, const float *x, int64_t ps)
{
    for (int64_t p = 0; k >= 4 && p < k; p += 4) {
        const int64_t at = p + 4 <= k ? p : k - 4;
        if (columns == 8) {
            hone__f32_gemm_pack4x8(width, panel + at * width, x + at, ps);
        } else if (columns == 4) {
            hone__f32_gemm_pack4x4(width, panel + at * width, x + at, ps);
        } else {
            hone__f32_gemm_pack4x2(width, panel + at * width, x + at, ps);
        }
    }
    for (int64_t p = 0; k < 4 && p < k; p++) {
        for (int j = 0; j < columns; j++) {
            panel[p * width + j] = x[j * ps + p];
        }
    }
}

/* So are columns: of fewer than four two are done, one is left alone. */
static inline int hone__f32_gemm_pack_columns_avx2(int64_t k, int64_t width, int valid,
                                                   float *panel, const float *x, int64_t ps)
{
    int j = 0;
    for (; j + 8 <= valid; j += 8) {
        hone__f32_gemm_pack_group(8, k, width, panel + j, x + j * ps, ps);
    }
    if (valid - j > 4) {
        hone__f32_gemm_pack_group(4, k, width, panel + j, x + j * ps, ps);
        j += 4;
    }
    if (j < valid && valid >= 4) {
        j = valid - 4;
        hone__f32_gemm_pack_group(4, k, width, panel + j, x + j * ps, ps);
        j = valid;
    }
    if (valid - j >= 2) {
        hone__f32_gemm_pack_group(2, k, width, panel + j, x + j * ps, ps);
        j += 2;
    }
    return j;
}

static inline __m256d hone__f64_gemm_two_columns(const double *x, int64_t apart)
{
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(x)), _mm_loadu_pd(x + apart),
                                1);
}

/* Four columns. */
static inline void hone__f64_gemm_pack4(int64_t k, int64_t width, double *panel, const double *x,
                                        int64_t ps)
{
    int64_t p = 0;
    for (; p + 2 <= k; p += 2) {
        const __m256d c0 = hone__f64_gemm_two_columns(x + p, 2 * ps);
        const __m256d c1 = hone__f64_gemm_two_columns(x + p + ps, 2 * ps);
        _mm256_storeu_pd(panel + p * width, _mm256_unpacklo_pd(c0, c1));
        _mm256_storeu_pd(panel + (p + 1) * width, _mm256_unpackhi_pd(c0, c1));
    }
    if (p < k) {
        for (int j = 0; j < 4; j++) {
            panel[p * width + j] = x[j * ps + p];
        }
    }
}

/* Two columns. */
static inline void hone__f64_gemm_pack2(int64_t k, int64_t width, double *panel, const double *x,
                                        int64_t ps)
{
    int64_t p = 0;
    for (; p + 2 <= k; p += 2) {
        const __m128d c0 = _mm_loadu_pd(x + p), c1 = _mm_loadu_pd(x + p + ps);
        _mm_storeu_pd(panel + p * width, _mm_unpacklo_pd(c0, c1));
        _mm_storeu_pd(panel + (p + 1) * width, _mm_unpackhi_pd(c0, c1));
    }
    if (p < k) {
        panel[p * width] = x[p];
        panel[p * width + 1] = x[p + ps];
    }
}

static inline int hone__f64_gemm_pack_columns_avx2(int64_t k, int64_t width, int valid,
                                                   double *panel, const double *x, int64_t ps)
{
    int j = 0;
    for (; j + 4 <= valid; j += 4) {
        hone__f64_gemm_pack4(k, width, panel + j, x + j * ps, ps);
    }
    if (j < valid && valid >= 4) {
        j = valid - 4;
        hone__f64_gemm_pack4(k, width, panel + j, x + j * ps, ps);
        j = valid;
    }
    if (valid - j >= 2) {
        hone__f64_gemm_pack2(k, width, panel + j, x + j * ps, ps);
        j += 2;
    }
    return j;
}

/* ---- for `few` (gemm_few.h) */

static HONE__GEMM_INLINE int64_t hone__gemm_column(int column, int there)
{
    return column < there ? column : there - 1;
}

/* Four k of eight columns, each a vector. */
static HONE__GEMM_INLINE void hone__f32_gemm_turn_4x8(const float *x, int64_t bs, const int there,
                                                      __m256 *v)
{
    __m256 c[4];
    const float *fifth = x + 4 * bs;
    int64_t third = 3 * bs;
    HONE__GEMM_OPAQUE(fifth); /* else a compiler would keep an address for each column */
    HONE__GEMM_OPAQUE(third);
    HONE__GEMM_UNROLL
    for (int i = 0; i < 4; i++) {
        const int64_t at = i < 3 ? i * bs : third;
        const float *low = there == 8 ? x + at : x + hone__gemm_column(i, there) * bs;
        const float *high = there == 8 ? fifth + at : x + hone__gemm_column(i + 4, there) * bs;
        c[i] =
            _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
    }
    const __m256 lo01 = _mm256_unpacklo_ps(c[0], c[1]), hi01 = _mm256_unpackhi_ps(c[0], c[1]);
    const __m256 lo23 = _mm256_unpacklo_ps(c[2], c[3]), hi23 = _mm256_unpackhi_ps(c[2], c[3]);
    v[0] = _mm256_shuffle_ps(lo01, lo23, 0x44);
    v[1] = _mm256_shuffle_ps(lo01, lo23, 0xee);
    v[2] = _mm256_shuffle_ps(hi01, hi23, 0x44);
    v[3] = _mm256_shuffle_ps(hi01, hi23, 0xee);
}

/* Two k of four columns. */
static HONE__GEMM_INLINE void hone__f64_gemm_turn_2x4(const double *x, int64_t bs, const int there,
                                                      __m256d *v)
{
    __m256d c[2];
    HONE__GEMM_UNROLL
    for (int i = 0; i < 2; i++) {
        const double *low = x + hone__gemm_column(i, there) * bs;
        const double *high = x + hone__gemm_column(i + 2, there) * bs;
        c[i] =
            _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(low)), _mm_loadu_pd(high), 1);
    }
    v[0] = _mm256_unpacklo_pd(c[0], c[1]);
    v[1] = _mm256_unpackhi_pd(c[0], c[1]);
}

#endif
