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

/* 4 x 4 in every lane of 128 bits. */
static HONE__GEMM_INLINE void hone__f32_gemm_turn_lanes(const __m512 *x, __m512 *out)
{
    const __m512 lo01 = _mm512_unpacklo_ps(x[0], x[1]), hi01 = _mm512_unpackhi_ps(x[0], x[1]);
    const __m512 lo23 = _mm512_unpacklo_ps(x[2], x[3]), hi23 = _mm512_unpackhi_ps(x[2], x[3]);
    out[0] = _mm512_shuffle_ps(lo01, lo23, 0x44);
    out[1] = _mm512_shuffle_ps(lo01, lo23, 0xee);
    out[2] = _mm512_shuffle_ps(hi01, hi23, 0x44);
    out[3] = _mm512_shuffle_ps(hi01, hi23, 0xee);
}

/* Four column pairs from x on: t[q] holds, by lanes of 128 bits, k = q and k = 4 + q of the first
 * columns, then the same of the second. */
static inline void hone__f32_gemm_four_pairs(__m512 *t, const float *x, int64_t ps, __mmask8 n)
{
    const __m512 pairs[4] = { hone__f32_gemm_column_pair(x, ps, n),
                              hone__f32_gemm_column_pair(x + ps, ps, n),
                              hone__f32_gemm_column_pair(x + 2 * ps, ps, n),
                              hone__f32_gemm_column_pair(x + 3 * ps, ps, n) };
    hone__f32_gemm_turn_lanes(pairs, t);
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

/* Whole lines of eight columns, 16 k at a time. L2 gives lines that share a place of L1 one by one
 * where more are asked for at once than it has ways. Returns how many k it did. */
static inline int64_t hone__f32_gemm_pack_lines(int64_t k, int64_t width, float *panel,
                                                const float *x, int64_t ps)
{
    const __m512i low = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    int64_t p = 0;
    for (; p + 16 <= k; p += 16) {
        __m512 columns[8], t[4], u[4];
        HONE__GEMM_UNROLL
        for (int j = 0; j < 8; j++) {
            columns[j] = _mm512_loadu_ps(x + j * ps + p);
        }
        hone__f32_gemm_turn_lanes(columns, t);
        hone__f32_gemm_turn_lanes(columns + 4, u);
        HONE__GEMM_UNROLL
        for (int q = 0; q < 4; q++) {
            const __m512 first = _mm512_permutex2var_ps(t[q], low, u[q]);
            const __m512 second = _mm512_permutex2var_ps(t[q], high, u[q]);
            float *to = panel + (p + q) * width;
            _mm256_storeu_ps(to, _mm512_castps512_ps256(first));
            _mm256_storeu_ps(to + 4 * width, _mm512_extractf32x8_ps(first, 1));
            _mm256_storeu_ps(to + 8 * width, _mm512_castps512_ps256(second));
            _mm256_storeu_ps(to + 12 * width, _mm512_extractf32x8_ps(second, 1));
        }
    }
    return p;
}

static inline int hone__f32_gemm_pack_columns_avx512(int64_t k, int64_t width, int valid,
                                                     float *panel, const float *x, int64_t ps)
{
    int j = 0;
    for (; hone__gemm_share_lines(4 * ps) && j + 8 <= valid; j += 8) {
        const float *from = x + j * ps;
        const int64_t p = hone__f32_gemm_pack_lines(k, width, panel + j, from, ps);
        hone__f32_gemm_pack_group(8, k - p, width, panel + p * width + j, from + p, ps);
    }
    for (; j + 16 <= valid; j += 16) {
        hone__f32_gemm_pack16(k, width, panel + j, x + j * ps, ps);
    }
    if (j > 0 && j < valid) { /* the last ones with some that are done already */
        j = valid - j > 8 ? valid - 16 : valid - j > 4 ? valid - 8 : valid - 4;
    }
    return j + hone__f32_gemm_pack_columns_avx2(k, width, valid - j, panel + j, x + j * ps, ps);
}

/* n <= 4 elements from x on. */
static HONE__GEMM_INLINE __m128 hone__f32_gemm_some(const float *x, const int n)
{
    return n == 4 ? _mm_loadu_ps(x) : _mm_maskz_loadu_ps((__mmask8)((1u << n) - 1), x);
}

/* A masked store of a lane of 128 bits may become an instruction that touches all of it. */
static HONE__GEMM_INLINE void hone__f32_gemm_store_some(float *x, __m128 v, const int n)
{
    if (n == 4) {
        _mm_storeu_ps(x, v);
        return;
    }
    if (n >= 2) {
        _mm_storel_pi((__m64 *)(void *)x, v);
    }
    if (n != 2) {
        _mm_store_ss(x + n - 1, n == 3 ? _mm_movehl_ps(v, v) : v);
    }
}

/* Of two rows, one a lane of 128 bits. */
static HONE__GEMM_INLINE __m256 hone__f32_gemm_some_of_two(const float *x, const float *y,
                                                           const int n)
{
    const __m128 low = hone__f32_gemm_some(x, n), high = hone__f32_gemm_some(y, n);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1);
}

static HONE__GEMM_INLINE __m512 hone__f32_gemm_some_of_four(float *const *x, int64_t at,
                                                            const int n)
{
    const __m256 low = hone__f32_gemm_some_of_two(x[0] + at, x[1] + at, n);
    const __m256 high = hone__f32_gemm_some_of_two(x[2] + at, x[3] + at, n);
    return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}

/* TURN and TURN_BACK (gemm_turn.h) of 16 rows. */
static HONE__GEMM_INLINE void hone__f32_gemm_turn(float *const *x, int64_t rs, const int n,
                                                  __m512 *out)
{
    __m512 rows[4];
    int64_t third = 3 * rs;
    HONE__GEMM_OPAQUE(third); /* else it is two additions for each of the pointers */
    HONE__GEMM_UNROLL
    for (int r = 0; r < 4; r++) {
        rows[r] = hone__f32_gemm_some_of_four(x, r < 3 ? r * rs : third, n);
    }
    hone__f32_gemm_turn_lanes(rows, out);
}

/* TURN_LINE, as few instructions for a vector as there can be: half lines of two columns meet in a
 * vector, four of which are turned, and of those two have all 16 columns of a k between them. */
static HONE__GEMM_INLINE void hone__f32_gemm_turn_line(float *const *x, int64_t rs, __m512 *out)
{
    __m512 halves[4][4]; /* of columns 0 .. 7, k < 8 and the rest, then of 8 .. 15 */
    int64_t third = 3 * rs;
    HONE__GEMM_OPAQUE(third);
    HONE__GEMM_UNROLL
    for (int g = 0; g < 2; g++) {
        HONE__GEMM_UNROLL
        for (int r = 0; r < 4; r++) {
            const int64_t at = r < 3 ? r * rs : third;
            const float *low = x[2 * g] + at, *high = x[2 * g + 1] + at;
            HONE__GEMM_UNROLL
            for (int half = 0; half < 2; half++) {
                halves[2 * g + half][r] =
                    _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(low + 8 * half)),
                                       _mm256_loadu_ps(high + 8 * half), 1);
            }
        }
    }
    HONE__GEMM_UNROLL
    for (int half = 0; half < 2; half++) {
        __m512 first[4], second[4];
        hone__f32_gemm_turn_lanes(halves[half], first);
        hone__f32_gemm_turn_lanes(halves[2 + half], second);
        HONE__GEMM_UNROLL
        for (int q = 0; q < 4; q++) {
            out[8 * half + q] = _mm512_shuffle_f32x4(first[q], second[q], 0x88);
            out[8 * half + q + 4] = _mm512_shuffle_f32x4(first[q], second[q], 0xdd);
        }
    }
}

static HONE__GEMM_INLINE void hone__f32_gemm_turn_back(float *const *x, int64_t rs, const int n,
                                                       const __m512 *from)
{
    const __m512 none = _mm512_setzero_ps();
    const __m512 all[4] = { from[0], n > 1 ? from[1] : none, n > 2 ? from[2] : none,
                            n > 3 ? from[3] : none };
    __m512 rows[4];
    hone__f32_gemm_turn_lanes(all, rows);
    HONE__GEMM_UNROLL
    for (int r = 0; r < 4; r++) {
        hone__f32_gemm_store_some(x[0] + r * rs, _mm512_castps512_ps128(rows[r]), n);
        hone__f32_gemm_store_some(x[1] + r * rs, _mm512_extractf32x4_ps(rows[r], 1), n);
        hone__f32_gemm_store_some(x[2] + r * rs, _mm512_extractf32x4_ps(rows[r], 2), n);
        hone__f32_gemm_store_some(x[3] + r * rs, _mm512_extractf32x4_ps(rows[r], 3), n);
    }
}

/* n <= 2 elements from x on. */
static HONE__GEMM_INLINE __m128d hone__f64_gemm_some(const double *x, const int n)
{
    return n == 2 ? _mm_loadu_pd(x) : _mm_load_sd(x);
}

static HONE__GEMM_INLINE void hone__f64_gemm_store_some(double *x, __m128d v, const int n)
{
    if (n == 2) {
        _mm_storeu_pd(x, v);
    } else {
        _mm_store_sd(x, v);
    }
}

static HONE__GEMM_INLINE __m256d hone__f64_gemm_some_of_two(const double *x, const double *y,
                                                            const int n)
{
    const __m128d low = hone__f64_gemm_some(x, n), high = hone__f64_gemm_some(y, n);
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(low), high, 1);
}

static HONE__GEMM_INLINE __m512d hone__f64_gemm_some_of_four(double *const *x, int64_t at,
                                                             const int n)
{
    const __m256d low = hone__f64_gemm_some_of_two(x[0] + at, x[1] + at, n);
    const __m256d high = hone__f64_gemm_some_of_two(x[2] + at, x[3] + at, n);
    return _mm512_insertf64x4(_mm512_castpd256_pd512(low), high, 1);
}

/* TURN and TURN_BACK of 8 rows. */
static HONE__GEMM_INLINE void hone__f64_gemm_turn(double *const *x, int64_t rs, const int n,
                                                  __m512d *out)
{
    const __m512d even = hone__f64_gemm_some_of_four(x, 0, n);
    const __m512d odd = hone__f64_gemm_some_of_four(x, rs, n);
    out[0] = _mm512_unpacklo_pd(even, odd);
    out[1] = _mm512_unpackhi_pd(even, odd);
}

static HONE__GEMM_INLINE void hone__f64_gemm_turn_back(double *const *x, int64_t rs, const int n,
                                                       const __m512d *from)
{
    const __m512d last = n > 1 ? from[1] : _mm512_setzero_pd();
    const __m512d rows[2] = { _mm512_unpacklo_pd(from[0], last),
                              _mm512_unpackhi_pd(from[0], last) };
    HONE__GEMM_UNROLL
    for (int r = 0; r < 2; r++) {
        hone__f64_gemm_store_some(x[0] + r * rs, _mm512_castpd512_pd128(rows[r]), n);
        hone__f64_gemm_store_some(x[1] + r * rs, _mm512_extractf64x2_pd(rows[r], 1), n);
        hone__f64_gemm_store_some(x[2] + r * rs, _mm512_extractf64x2_pd(rows[r], 2), n);
        hone__f64_gemm_store_some(x[3] + r * rs, _mm512_extractf64x2_pd(rows[r], 3), n);
    }
}

#endif
