/* bf16_turn_avx512.h: words of two k of four columns, turned. (fragment of simd/isa/bf16_avx512.c and
 * bf16_avx512_bf16.c) */
#ifndef BF16_TURN_AVX512_H
#define BF16_TURN_AVX512_H

/* t[q]: by lanes of 128 bits, word q of each column. */
static HONE__GEMM_INLINE void turn_words(__m512i c0, __m512i c1, __m512i c2, __m512i c3, __m512i *t)
{
    const __m512i lo01 = _mm512_unpacklo_epi32(c0, c1), hi01 = _mm512_unpackhi_epi32(c0, c1);
    const __m512i lo23 = _mm512_unpacklo_epi32(c2, c3), hi23 = _mm512_unpackhi_epi32(c2, c3);
    t[0] = _mm512_unpacklo_epi64(lo01, lo23);
    t[1] = _mm512_unpackhi_epi64(lo01, lo23);
    t[2] = _mm512_unpacklo_epi64(hi01, hi23);
    t[3] = _mm512_unpackhi_epi64(hi01, hi23);
}

#endif
