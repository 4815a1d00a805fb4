/* bf16_pack_avx512.h: `pack` into paired panels (bf16_kernels.h). Of two k the earlier goes to the
 * upper half. (fragment of simd/isa/bf16_avx512_bf16.c) */
#include "gemm/bf16_turn_avx512.h"

/* 32 columns of two k: 16 pairs each in out[0] and out[1]. */
static HONE__GEMM_INLINE void pair_up(__m512i first, __m512i second, __m512i *out)
{
    /* word 2i from `second` (0 ..), 2i + 1 from `first` (32 ..) */
    const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i low = _mm512_or_si512(
        _mm512_slli_epi32(_mm512_add_epi32(steps, _mm512_set1_epi32(32)), 16), steps);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(16 << 16 | 16));
    out[0] = _mm512_permutex2var_epi16(second, low, first);
    out[1] = _mm512_permutex2var_epi16(second, high, first);
}

/* Columns are neighbours. */
static void pack_across(int64_t k, int width, int valid, uint32_t *panel, const uint16_t *x,
                        int64_t ks, uint16_t pad)
{
    const __mmask32 mask = valid < 32 ? (__mmask32)((1u << valid) - 1) : ~(__mmask32)0;
    const __mmask16 low = (__mmask16)(width < 16 ? (1u << width) - 1 : 0xFFFF);
    const __mmask16 high = width > 16 ? (__mmask16)((1u << (width - 16)) - 1) : 0;
    const __m512i missing = _mm512_set1_epi16((short)pad);
    for (int64_t p = 0; p < k; p += 2, x += 2 * ks, panel += width) {
        __m512i out[2];
        const __m512i second = p + 1 < k ? _mm512_maskz_loadu_epi16(mask, x + ks)
                                         : _mm512_maskz_mov_epi16(mask, missing);
        pair_up(_mm512_maskz_loadu_epi16(mask, x), second, out);
        _mm512_mask_storeu_epi32(panel, low, out[0]);
        if (high) {
            _mm512_mask_storeu_epi32(panel + 16, high, out[1]);
        }
    }
}

/* 32 k of a column, of which `some` are there, as pairs. */
static HONE__GEMM_INLINE __m512i column(const uint16_t *x, int64_t some, uint16_t pad)
{
    const __mmask32 mask = some < 32 ? (__mmask32)((1u << some) - 1) : ~(__mmask32)0;
    __m512i v = _mm512_maskz_loadu_epi16(mask, x);
    if (some % 2) {
        v = _mm512_mask_mov_epi16(v, (__mmask32)1 << some, _mm512_set1_epi16((short)pad));
    }
    return _mm512_rol_epi32(v, 16);
}

/* t[q]: by lanes of 128 bits, pairs q, 4 + q, 8 + q, 12 + q of four columns, of which n are there. */
static HONE__GEMM_INLINE void four_columns(__m512i *t, const uint16_t *x, int64_t ps, int n,
                                           int64_t some, uint16_t pad)
{
    const __m512i none = _mm512_setzero_si512();
    const __m512i c0 = n > 0 ? column(x, some, pad) : none;
    const __m512i c1 = n > 1 ? column(x + ps, some, pad) : none;
    const __m512i c2 = n > 2 ? column(x + 2 * ps, some, pad) : none;
    const __m512i c3 = n > 3 ? column(x + 3 * ps, some, pad) : none;
    turn_words(c0, c1, c2, c3, t);
}

/* Up to 32 k of 8 columns: pair p of them goes to panel + p * width. */
static HONE__GEMM_INLINE void turn_8(int64_t some, int width, int n, uint32_t *panel,
                                     const uint16_t *x, int64_t ps, uint16_t pad)
{
    __m512i t[4], u[4];
    four_columns(t, x, ps, n, some, pad);
    four_columns(u, x + 4 * ps, ps, n - 4, some, pad);
    const int64_t pairs = (some + 1) / 2;
    HONE__GEMM_UNROLL
    for (int q = 0; q < 4; q++) {
        const __m512i even = _mm512_shuffle_i64x2(t[q], u[q], 0x88); /* t0 t2 u0 u2 */
        const __m512i odd = _mm512_shuffle_i64x2(t[q], u[q], 0xdd);  /* t1 t3 u1 u3 */
        const __m512i e = _mm512_shuffle_i64x2(even, even, 0xd8);    /* t0 u0 t2 u2 */
        const __m512i o = _mm512_shuffle_i64x2(odd, odd, 0xd8);      /* t1 u1 t3 u3 */
        const __m256i out[4] = { _mm512_castsi512_si256(e), _mm512_castsi512_si256(o),
                                 _mm512_extracti64x4_epi64(e, 1), _mm512_extracti64x4_epi64(o, 1) };
        HONE__GEMM_UNROLL
        for (int l = 0; l < 4; l++) {
            if (4 * l + q < pairs) {
                _mm256_storeu_si256((__m256i *)(void *)(panel + (4 * l + q) * width), out[l]);
            }
        }
    }
}

/* Columns lie along k; the panel is a multiple of 8 wide. */
static void pack_along(int64_t k, int width, int valid, uint32_t *panel, const uint16_t *x,
                       int64_t ps, uint16_t pad)
{
    for (int64_t p = 0; p < k; p += 32, panel += 16 * width) {
        const int64_t some = k - p < 32 ? k - p : 32;
        for (int j = 0; j < width; j += 8) {
            const int n = valid - j < 8 ? valid - j : 8;
            if (n == 8 && some == 32) {
                turn_8(32, width, 8, panel + j, x + p + j * ps, ps, pad);
            } else {
                turn_8(some, width, n, panel + j, x + p + j * ps, ps, pad);
            }
        }
    }
}

static void pack(int64_t k, int width, int valid, uint32_t *panel, const uint16_t *x, int64_t ps,
                 int64_t ks, uint16_t pad)
{
    if (ps == 1 && width <= 32) {
        pack_across(k, width, valid, panel, x, ks, pad);
    } else if (ks == 1 && width % 8 == 0) {
        pack_along(k, width, valid, panel, x, ps, pad);
    } else {
        for (int64_t p = 0; p < k; p += 2, panel += width) {
            for (int j = 0; j < width; j++) {
                const uint16_t *from = x + j * ps + p * ks;
                const uint32_t second = p + 1 < k && j < valid ? from[ks] : pad;
                panel[j] = j < valid ? (uint32_t)from[0] << 16 | second : 0;
            }
        }
    }
}
