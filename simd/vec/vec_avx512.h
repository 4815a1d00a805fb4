/* vec_avx512.h: the vocabulary (defined in vec_scalar.h) on AVX-512 F, BW, DQ, VL. */
#ifndef HONE_VEC_AVX512_H
#define HONE_VEC_AVX512_H

#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HONE__INLINE         static inline __attribute__((always_inline))
#define HONE__IN_REGISTER(v) __asm__("" : "+v"(v))

#define HONE__ISA_NAME     "avx512"
#define HONE__VECTOR_BYTES 64
#define F32_LANES          16
#define F64_LANES          8

typedef __m512 vf32;
typedef __m512d vf64;
typedef __m512i vi32;
typedef __m512i vi64;
typedef __mmask16 mf32;
typedef __mmask8 mf64;
typedef __mmask16 xf32;

/* ---- f32 ---- */

HONE__INLINE vf32 f32_set(float x)
{
    return _mm512_set1_ps(x);
}
HONE__INLINE vf32 f32_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
HONE__INLINE vf32 f32_load_far(const float *p) /* in halves: 8 % more from two streams */
{
    const vf32 low = _mm512_castps256_ps512(_mm256_loadu_ps(p));
    return _mm512_insertf32x8(low, _mm256_loadu_ps(p + 8), 1);
}
HONE__INLINE void f32_store(float *p, vf32 x)
{
    _mm512_storeu_ps(p, x);
}
HONE__INLINE void f32_store_past(float *p, vf32 x)
{
    _mm512_stream_ps(p, x);
}
HONE__INLINE vf32 f32_load_n(const float *p, int64_t n, vf32 fill)
{
    return _mm512_mask_loadu_ps(fill, (__mmask16)((1u << n) - 1), p);
}
HONE__INLINE void f32_store_n(float *p, vf32 x, int64_t n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), x);
}
HONE__INLINE vf32 f32_keep_n(vf32 x, int64_t n, vf32 fill)
{
    return _mm512_mask_mov_ps(fill, (__mmask16)((1u << n) - 1), x);
}
HONE__INLINE __mmask16 part_lanes_32(int64_t rest)
{
    return _mm512_cmpgt_epi32_mask(
        _mm512_set1_epi32((int)rest),
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}
HONE__INLINE vf32 f32_load_part(const float *p, int64_t rest, vf32 fill)
{
    return _mm512_mask_loadu_ps(fill, part_lanes_32(rest), p);
}
HONE__INLINE vf32 f32_keep_part(vf32 x, int64_t rest, vf32 fill)
{
    return _mm512_mask_mov_ps(fill, part_lanes_32(rest), x);
}
HONE__INLINE vf32 f32_down(vf32 x, int h)
{
    if (h == 8)
        return _mm512_shuffle_f32x4(x, x, 0x0e);
    if (h == 4)
        return _mm512_shuffle_f32x4(x, x, 0x01);
    return h == 2 ? _mm512_permute_ps(x, 0x0e) : _mm512_permute_ps(x, 0x01);
}
HONE__INLINE float f32_first(vf32 x)
{
    return _mm512_cvtss_f32(x);
}
HONE__INLINE xf32 f32_lanes(int64_t from, int64_t end)
{
    const uint32_t low = from <= 0 ? 0 : from >= 16 ? 0xffff : (1u << from) - 1;
    const uint32_t high = end <= 0 ? 0 : end >= 16 ? 0xffff : (1u << end) - 1;
    return (__mmask16)(high & ~low);
}
HONE__INLINE vf32 f32_load_lanes(const float *p, xf32 lanes)
{
    return _mm512_maskz_loadu_ps(lanes, p);
}
HONE__INLINE vf32 f32_keep_lanes(vf32 x, xf32 lanes)
{
    return _mm512_maskz_mov_ps(lanes, x);
}
HONE__INLINE vf32 f32_slide(vf32 a, vf32 b, const int n)
{
    return _mm512_castsi512_ps(
        n == 1 ? _mm512_alignr_epi32(_mm512_castps_si512(b), _mm512_castps_si512(a), 1)
               : _mm512_alignr_epi32(_mm512_castps_si512(b), _mm512_castps_si512(a), 15));
}
HONE__INLINE vf32 f32_even(vf32 a, vf32 b)
{
    return _mm512_permutex2var_ps(
        a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b);
}
HONE__INLINE vf32 f32_odd(vf32 a, vf32 b)
{
    return _mm512_permutex2var_ps(
        a, _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), b);
}
HONE__INLINE vf32 f32_zip_low(vf32 a, vf32 b)
{
    return _mm512_permutex2var_ps(
        a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b);
}
HONE__INLINE vf32 f32_zip_high(vf32 a, vf32 b)
{
    return _mm512_permutex2var_ps(
        a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), b);
}
HONE__INLINE vf32 f32_folded(const int n, const vf32 *v)
{
    const vf32 zero = _mm512_setzero_ps();
    vf32 x[16];
    for (int i = 0; i < 16; i++)
        x[i] = i < n ? v[i] : zero;
    for (int i = 0; i < 8; i++) /* of 8 lanes each: i and i + 8 */
        if (i < n)
            x[i] = _mm512_add_ps(_mm512_shuffle_f32x4(x[i], x[i + 8], 0x44),
                                 _mm512_shuffle_f32x4(x[i], x[i + 8], 0xee));
    for (int i = 0; i < 4; i++) /* i, i + 8, i + 4, i + 12, a quarter each */
        if (i < n)
            x[i] = _mm512_add_ps(_mm512_shuffle_f32x4(x[i], x[i + 4], 0x88),
                                 _mm512_shuffle_f32x4(x[i], x[i + 4], 0xdd));
    for (int i = 0; i < 2; i++)
        if (i < n)
            x[i] = _mm512_add_ps(_mm512_shuffle_ps(x[i], x[i + 2], 0x44),
                                 _mm512_shuffle_ps(x[i], x[i + 2], 0xee));
    x[0] = _mm512_add_ps(_mm512_shuffle_ps(x[0], x[1], 0x88), _mm512_shuffle_ps(x[0], x[1], 0xdd));
    /* in each quarter q, 0 8 4 12's: q, q + 2, q + 1, q + 3 */
    return _mm512_permutexvar_ps(
        _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15), x[0]);
}

/* ---- halves of a vector that are two rows */

/* Lanes of a, and of b those of the high half. */
HONE__INLINE vf32 f32_load_two(const float *a, xf32 low, const float *b, xf32 high)
{
    return _mm512_mask_loadu_ps(_mm512_maskz_loadu_ps(low, a), high, b - 8);
}
HONE__INLINE void f32_store_two(float *a, xf32 low, float *b, xf32 high, vf32 x)
{
    _mm512_mask_storeu_ps(a, low, x);
    _mm512_mask_storeu_ps(b - 8, high, x);
}
HONE__INLINE vf32 f32_set_two(float low, float high)
{
    return _mm512_mask_mov_ps(_mm512_set1_ps(low), 0xff00, _mm512_set1_ps(high));
}
/* Lanes move by one inside their half, where one of +0 comes in. */
HONE__INLINE vf32 f32_two_up(vf32 x)
{
    return _mm512_castsi512_ps(
        _mm512_maskz_alignr_epi32(0xfefe, _mm512_castps_si512(x), _mm512_castps_si512(x), 15));
}
HONE__INLINE vf32 f32_two_down(vf32 x)
{
    return _mm512_castsi512_ps(
        _mm512_maskz_alignr_epi32(0x7f7f, _mm512_castps_si512(x), _mm512_castps_si512(x), 1));
}
/* Nine vectors, each half folded by halves: nine sums of the low ones, then nine of the high ones. */
HONE__INLINE void f32_two_folded(const vf32 *v, vf32 *sums)
{
    vf32 x[5], y[3], z[2];
    for (int i = 0; i < 5; i++) { /* quarters: two of 2 i's, two of 2 i + 1's */
        const vf32 a = v[2 * i], b = v[i < 4 ? 2 * i + 1 : 8];
        x[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
    }
    for (int i = 0; i < 3; i++) {
        const vf32 a = x[2 * i], b = x[i < 2 ? 2 * i + 1 : 4];
        y[i] = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
    }
    for (int i = 0; i < 2; i++) { /* in quarters: 0 2 4 6's low ones, the high ones, 1 3 5 7's */
        const vf32 a = y[2 * i], b = y[i < 1 ? 1 : 2];
        z[i] = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xdd));
    }
    sums[0] = _mm512_permutex2var_ps(
        z[0], _mm512_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11, 16, 4, 12, 5, 13, 6, 14, 7), z[1]);
    sums[1] = _mm512_permutex2var_ps(
        z[0], _mm512_setr_epi32(15, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), z[1]);
}

HONE__INLINE vf32 f32_add(vf32 a, vf32 b)
{
    return _mm512_add_ps(a, b);
}
HONE__INLINE vf32 f32_sub(vf32 a, vf32 b)
{
    return _mm512_sub_ps(a, b);
}
HONE__INLINE vf32 f32_mul(vf32 a, vf32 b)
{
    return _mm512_mul_ps(a, b);
}
HONE__INLINE vf32 f32_div(vf32 a, vf32 b)
{
    return _mm512_div_ps(a, b);
}
HONE__INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c)
{
    return _mm512_fmadd_ps(a, b, c);
}
HONE__INLINE vf32 f32_fnma(vf32 a, vf32 b, vf32 c)
{
    return _mm512_fnmadd_ps(a, b, c);
}
HONE__INLINE vf32 f32_sqrt(vf32 x)
{
    return _mm512_sqrt_ps(x);
}
HONE__INLINE vf32 f32_whole_near(vf32 x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf32 f32_whole_below(vf32 x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf32 f32_whole_within(vf32 x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf32 f32_neg(vf32 x)
{
    return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
}
HONE__INLINE vf32 f32_abs(vf32 x)
{
    return _mm512_abs_ps(x);
}
/* 0xca: bit by bit, mask ? sign : x */
HONE__INLINE vf32 f32_copysign(vf32 x, vf32 sign)
{
    const __m512i mask = _mm512_set1_epi32(INT32_MIN);
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(mask, _mm512_castps_si512(sign), _mm512_castps_si512(x), 0xca));
}
HONE__INLINE vf32 f32_max(vf32 a, vf32 b)
{
    const __mmask16 nan = _mm512_cmp_ps_mask(b, b, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(_mm512_max_ps(b, a), nan, b);
}
HONE__INLINE vf32 f32_min(vf32 a, vf32 b)
{
    const __mmask16 nan = _mm512_cmp_ps_mask(b, b, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(_mm512_min_ps(b, a), nan, b);
}

HONE__INLINE mf32 f32_eq(vf32 a, vf32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
HONE__INLINE mf32 f32_lt(vf32 a, vf32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
HONE__INLINE mf32 f32_le(vf32 a, vf32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}
HONE__INLINE mf32 f32_gt(vf32 a, vf32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
HONE__INLINE mf32 f32_ge(vf32 a, vf32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}
HONE__INLINE vf32 f32_larger(vf32 a, vf32 b)
{
    return _mm512_max_ps(b, a);
}
HONE__INLINE vf32 f32_smaller(vf32 a, vf32 b)
{
    return _mm512_min_ps(b, a);
}
HONE__INLINE mf32 f32_unordered(vf32 a, vf32 b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q);
}
HONE__INLINE mf32 f32_isnan(vf32 x)
{
    return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
}
HONE__INLINE vf32 f32_select(mf32 m, vf32 yes, vf32 no)
{
    return _mm512_mask_mov_ps(no, m, yes);
}
HONE__INLINE mf32 mf32_and(mf32 a, mf32 b)
{
    return (mf32)(a & b);
}
HONE__INLINE mf32 mf32_or(mf32 a, mf32 b)
{
    return (mf32)(a | b);
}
HONE__INLINE mf32 mf32_not(mf32 a)
{
    return (mf32)~a;
}
HONE__INLINE bool mf32_any(mf32 a)
{
    return a != 0;
}
HONE__INLINE int mf32_where(mf32 a)
{
    return __builtin_ctz((unsigned)a);
}
HONE__INLINE bool mf32_all(mf32 a)
{
    return a == (__mmask16)-1;
}

HONE__INLINE vi32 f32_bits(vf32 x)
{
    return _mm512_castps_si512(x);
}
HONE__INLINE vf32 i32_as_f32(vi32 x)
{
    return _mm512_castsi512_ps(x);
}
HONE__INLINE vi32 i32_set(int32_t x)
{
    return _mm512_set1_epi32(x);
}
HONE__INLINE vi32 i32_load(const int32_t *p)
{
    return _mm512_loadu_si512(p);
}
HONE__INLINE void i32_store(int32_t *p, vi32 x)
{
    _mm512_storeu_si512(p, x);
}
HONE__INLINE void i32_store4(int32_t *p, vi32 a, vi32 b, vi32 c, vi32 d)
{
    const __m512i ab_low = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
    const __m512i cd_low = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);
    const __m512i u0 = _mm512_unpacklo_epi64(ab_low, cd_low); /* groups 0 4 8 12, then 1 5 ... */
    const __m512i u1 = _mm512_unpackhi_epi64(ab_low, cd_low);
    const __m512i u2 = _mm512_unpacklo_epi64(ab_high, cd_high);
    const __m512i u3 = _mm512_unpackhi_epi64(ab_high, cd_high);
    const __m512i v0 = _mm512_shuffle_i32x4(u0, u1, 0x44), v1 = _mm512_shuffle_i32x4(u2, u3, 0x44);
    const __m512i v2 = _mm512_shuffle_i32x4(u0, u1, 0xee), v3 = _mm512_shuffle_i32x4(u2, u3, 0xee);
    i32_store(p, _mm512_shuffle_i32x4(v0, v1, 0x88));
    i32_store(p + 16, _mm512_shuffle_i32x4(v0, v1, 0xdd));
    i32_store(p + 32, _mm512_shuffle_i32x4(v2, v3, 0x88));
    i32_store(p + 48, _mm512_shuffle_i32x4(v2, v3, 0xdd));
}
HONE__INLINE vi32 i32_add(vi32 a, vi32 b)
{
    return _mm512_add_epi32(a, b);
}
HONE__INLINE vi32 i32_sub(vi32 a, vi32 b)
{
    return _mm512_sub_epi32(a, b);
}
HONE__INLINE vi32 i32_and(vi32 a, vi32 b)
{
    return _mm512_and_si512(a, b);
}
HONE__INLINE vi32 i32_or(vi32 a, vi32 b)
{
    return _mm512_or_si512(a, b);
}
HONE__INLINE vi32 i32_xor(vi32 a, vi32 b)
{
    return _mm512_xor_si512(a, b);
}
HONE__INLINE vi32 i32_shl(vi32 a, int by)
{
    return _mm512_slli_epi32(a, (unsigned)by);
}
HONE__INLINE vi32 i32_shr(vi32 a, int by)
{
    return _mm512_srli_epi32(a, (unsigned)by);
}
HONE__INLINE mf32 i32_eq(vi32 a, vi32 b)
{
    return _mm512_cmpeq_epi32_mask(a, b);
}
HONE__INLINE vi32 i32_sar(vi32 a, int by)
{
    return _mm512_srai_epi32(a, (unsigned)by);
}
HONE__INLINE vf32 i32_to_f32(vi32 x)
{
    return _mm512_cvtepi32_ps(x);
}
HONE__INLINE vi32 u32_mullo(vi32 a, vi32 b)
{
    return _mm512_mullo_epi32(a, b);
}
HONE__INLINE vi32 u32_mulhi(vi32 a, vi32 b)
{
    const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(a, b), 32);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    return _mm512_mask_mov_epi32(even, 0xaaaa, odd);
}

/* ---- f64 ---- */

HONE__INLINE vf64 f64_set(double x)
{
    return _mm512_set1_pd(x);
}
HONE__INLINE vf64 f64_load(const double *p)
{
    return _mm512_loadu_pd(p);
}
HONE__INLINE vf64 f64_load_far(const double *p)
{
    const vf64 low = _mm512_castpd256_pd512(_mm256_loadu_pd(p));
    return _mm512_insertf64x4(low, _mm256_loadu_pd(p + 4), 1);
}
HONE__INLINE void f64_store(double *p, vf64 x)
{
    _mm512_storeu_pd(p, x);
}
HONE__INLINE void f64_store_past(double *p, vf64 x)
{
    _mm512_stream_pd(p, x);
}
/* After the last store_past. */
HONE__INLINE void store_past_end(void)
{
    _mm_sfence();
}
HONE__INLINE vf64 f64_load_n(const double *p, int64_t n, vf64 fill)
{
    return _mm512_mask_loadu_pd(fill, (__mmask8)((1u << n) - 1), p);
}
HONE__INLINE void f64_store_n(double *p, vf64 x, int64_t n)
{
    _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), x);
}
HONE__INLINE vf64 f64_keep_n(vf64 x, int64_t n, vf64 fill)
{
    return _mm512_mask_mov_pd(fill, (__mmask8)((1u << n) - 1), x);
}
HONE__INLINE __mmask8 part_lanes_64(int64_t rest)
{
    return _mm512_cmpgt_epi64_mask(_mm512_set1_epi64(rest),
                                   _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
}
HONE__INLINE vf64 f64_load_part(const double *p, int64_t rest, vf64 fill)
{
    return _mm512_mask_loadu_pd(fill, part_lanes_64(rest), p);
}
HONE__INLINE vf64 f64_keep_part(vf64 x, int64_t rest, vf64 fill)
{
    return _mm512_mask_mov_pd(fill, part_lanes_64(rest), x);
}
HONE__INLINE vf64 f64_down(vf64 x, int h)
{
    if (h == 4)
        return _mm512_shuffle_f64x2(x, x, 0x0e);
    return h == 2 ? _mm512_shuffle_f64x2(x, x, 0x01) : _mm512_permute_pd(x, 0x01);
}
HONE__INLINE double f64_first(vf64 x)
{
    return _mm512_cvtsd_f64(x);
}

HONE__INLINE vf64 f64_add(vf64 a, vf64 b)
{
    return _mm512_add_pd(a, b);
}
HONE__INLINE vf64 f64_sub(vf64 a, vf64 b)
{
    return _mm512_sub_pd(a, b);
}
HONE__INLINE vf64 f64_mul(vf64 a, vf64 b)
{
    return _mm512_mul_pd(a, b);
}
HONE__INLINE vf64 f64_div(vf64 a, vf64 b)
{
    return _mm512_div_pd(a, b);
}
HONE__INLINE vf64 f64_fma(vf64 a, vf64 b, vf64 c)
{
    return _mm512_fmadd_pd(a, b, c);
}
HONE__INLINE vf64 f64_fnma(vf64 a, vf64 b, vf64 c)
{
    return _mm512_fnmadd_pd(a, b, c);
}
HONE__INLINE vf64 f64_sqrt(vf64 x)
{
    return _mm512_sqrt_pd(x);
}
HONE__INLINE vf64 f64_whole_near(vf64 x)
{
    return _mm512_roundscale_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf64 f64_whole_below(vf64 x)
{
    return _mm512_roundscale_pd(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf64 f64_whole_within(vf64 x)
{
    return _mm512_roundscale_pd(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf64 f64_neg(vf64 x)
{
    return _mm512_xor_pd(x, _mm512_set1_pd(-0.0));
}
HONE__INLINE vf64 f64_abs(vf64 x)
{
    return _mm512_abs_pd(x);
}
/* 0xca: bit by bit, mask ? sign : x */
HONE__INLINE vf64 f64_copysign(vf64 x, vf64 sign)
{
    const __m512i mask = _mm512_set1_epi64(INT64_MIN);
    return _mm512_castsi512_pd(
        _mm512_ternarylogic_epi64(mask, _mm512_castpd_si512(sign), _mm512_castpd_si512(x), 0xca));
}
HONE__INLINE vf64 f64_max(vf64 a, vf64 b)
{
    const __mmask8 nan = _mm512_cmp_pd_mask(b, b, _CMP_UNORD_Q);
    return _mm512_mask_mov_pd(_mm512_max_pd(b, a), nan, b);
}
HONE__INLINE vf64 f64_min(vf64 a, vf64 b)
{
    const __mmask8 nan = _mm512_cmp_pd_mask(b, b, _CMP_UNORD_Q);
    return _mm512_mask_mov_pd(_mm512_min_pd(b, a), nan, b);
}

HONE__INLINE mf64 f64_eq(vf64 a, vf64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
}
HONE__INLINE mf64 f64_lt(vf64 a, vf64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}
HONE__INLINE mf64 f64_le(vf64 a, vf64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ);
}
HONE__INLINE mf64 f64_gt(vf64 a, vf64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ);
}
HONE__INLINE mf64 f64_ge(vf64 a, vf64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ);
}
HONE__INLINE vf64 f64_larger(vf64 a, vf64 b)
{
    return _mm512_max_pd(b, a);
}
HONE__INLINE vf64 f64_smaller(vf64 a, vf64 b)
{
    return _mm512_min_pd(b, a);
}
HONE__INLINE mf64 f64_unordered(vf64 a, vf64 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_UNORD_Q);
}
HONE__INLINE mf64 f64_isnan(vf64 x)
{
    return _mm512_cmp_pd_mask(x, x, _CMP_UNORD_Q);
}
HONE__INLINE vf64 f64_select(mf64 m, vf64 yes, vf64 no)
{
    return _mm512_mask_mov_pd(no, m, yes);
}
HONE__INLINE mf64 mf64_and(mf64 a, mf64 b)
{
    return (mf64)(a & b);
}
HONE__INLINE mf64 mf64_or(mf64 a, mf64 b)
{
    return (mf64)(a | b);
}
HONE__INLINE mf64 mf64_not(mf64 a)
{
    return (mf64)~a;
}
HONE__INLINE bool mf64_any(mf64 a)
{
    return a != 0;
}
HONE__INLINE int mf64_where(mf64 a)
{
    return __builtin_ctz((unsigned)a);
}
HONE__INLINE bool mf64_all(mf64 a)
{
    return a == (__mmask8)-1;
}

HONE__INLINE vi64 f64_bits(vf64 x)
{
    return _mm512_castpd_si512(x);
}
HONE__INLINE vf64 i64_as_f64(vi64 x)
{
    return _mm512_castsi512_pd(x);
}
HONE__INLINE vi64 i64_set(int64_t x)
{
    return _mm512_set1_epi64(x);
}
HONE__INLINE vi64 i64_load(const int64_t *p)
{
    return _mm512_loadu_si512(p);
}
HONE__INLINE void i64_store(int64_t *p, vi64 x)
{
    _mm512_storeu_si512(p, x);
}
HONE__INLINE vi64 i64_add(vi64 a, vi64 b)
{
    return _mm512_add_epi64(a, b);
}
HONE__INLINE vi64 i64_sub(vi64 a, vi64 b)
{
    return _mm512_sub_epi64(a, b);
}
HONE__INLINE vi64 i64_and(vi64 a, vi64 b)
{
    return _mm512_and_si512(a, b);
}
HONE__INLINE vi64 i64_or(vi64 a, vi64 b)
{
    return _mm512_or_si512(a, b);
}
HONE__INLINE vi64 i64_xor(vi64 a, vi64 b)
{
    return _mm512_xor_si512(a, b);
}
HONE__INLINE vi64 i64_shl(vi64 a, int by)
{
    return _mm512_slli_epi64(a, (unsigned)by);
}
HONE__INLINE vi64 i64_shr(vi64 a, int by)
{
    return _mm512_srli_epi64(a, (unsigned)by);
}
HONE__INLINE mf64 i64_eq(vi64 a, vi64 b)
{
    return _mm512_cmpeq_epi64_mask(a, b);
}

#endif
