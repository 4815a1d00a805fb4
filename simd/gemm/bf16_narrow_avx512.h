/* bf16_narrow_avx512.h: `narrow` (bf16_kernels.h), as core/half.h rounds: vcvtneps2bf16 would flush
 * denormals. (fragment of bf16_narrow.h) */
#include <immintrin.h>

/* Rounded in the upper halves. */
static inline __m512i rounded_words(__m512 x)
{
    const __m512i bits = _mm512_castps_si512(x);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
    const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    return _mm512_mask_or_epi32(up, nan, bits, _mm512_set1_epi32(0x400000));
}

static void narrow(int64_t rows, int64_t n, uint16_t *restrict to, int64_t to_rs,
                   const float *restrict from, int64_t from_rs)
{
    static const uint16_t upper[32] = { 1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21,
                                        23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
                                        45, 47, 49, 51, 53, 55, 57, 59, 61, 63 };
    const __m512i places = _mm512_loadu_si512(upper);
    for (int64_t i = 0; i < rows; i++, to += to_rs, from += from_rs) {
        int64_t j = 0;
        for (; j + 32 <= n; j += 32) {
            const __m512i low = rounded_words(_mm512_loadu_ps(from + j));
            const __m512i high = rounded_words(_mm512_loadu_ps(from + j + 16));
            _mm512_storeu_si512(to + j, _mm512_permutex2var_epi16(low, places, high));
        }
        for (; j < n; j += 16) {
            const __mmask16 mask = (__mmask16)(n - j < 16 ? (1u << (n - j)) - 1 : 0xFFFF);
            const __m512i words = rounded_words(_mm512_maskz_loadu_ps(mask, from + j));
            _mm512_mask_cvtepi32_storeu_epi16(to + j, mask, _mm512_srli_epi32(words, 16));
        }
    }
}
