/* vec_avx2.h: the vocabulary (defined in vec_scalar.h) on AVX2 and FMA. */
#ifndef HONE_VEC_AVX2_H
#define HONE_VEC_AVX2_H

#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HONE__INLINE         static inline __attribute__((always_inline))
#define HONE__IN_REGISTER(v) __asm__("" : "+x"(v))

#define HONE__ISA_NAME     "avx2"
#define HONE__VECTOR_BYTES 32
#define F32_LANES          8
#define F64_LANES          4

typedef __m256 vf32;
typedef __m256d vf64;
typedef __m256i vi32;
typedef __m256i vi64;
typedef __m256 mf32; /* all bits of a lane set or none */
typedef __m256d mf64;
typedef __m256i xf32;

/* The first n of 8 (4) lanes: a window on ones followed by zeros. */
HONE__INLINE __m256i first_lanes_32(int64_t n)
{
    static const int32_t ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    return _mm256_loadu_si256((const __m256i *)(ones + 8 - n));
}
HONE__INLINE __m256i first_lanes_64(int64_t n)
{
    static const int64_t ones[8] = { -1, -1, -1, -1 };
    return _mm256_loadu_si256((const __m256i *)(ones + 4 - n));
}

/* ---- f32 ---- */

HONE__INLINE vf32 f32_set(float x)
{
    return _mm256_set1_ps(x);
}
HONE__INLINE vf32 f32_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
HONE__INLINE vf32 f32_load_far(const float *p)
{
    return f32_load(p);
}
HONE__INLINE void f32_store(float *p, vf32 x)
{
    _mm256_storeu_ps(p, x);
}
HONE__INLINE void f32_store_past(float *p, vf32 x)
{
    _mm256_stream_ps(p, x);
}
HONE__INLINE vf32 f32_load_n(const float *p, int64_t n, vf32 fill)
{
    const __m256i mask = first_lanes_32(n);
    return _mm256_blendv_ps(fill, _mm256_maskload_ps(p, mask), _mm256_castsi256_ps(mask));
}
HONE__INLINE void f32_store_n(float *p, vf32 x, int64_t n)
{
    _mm256_maskstore_ps(p, first_lanes_32(n), x);
}
HONE__INLINE vf32 f32_keep_n(vf32 x, int64_t n, vf32 fill)
{
    return _mm256_blendv_ps(fill, x, _mm256_castsi256_ps(first_lanes_32(n)));
}
HONE__INLINE __m256i part_lanes_32(int64_t rest)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)rest),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
HONE__INLINE vf32 f32_load_part(const float *p, int64_t rest, vf32 fill)
{
    const __m256i mask = part_lanes_32(rest);
    return _mm256_blendv_ps(fill, _mm256_maskload_ps(p, mask), _mm256_castsi256_ps(mask));
}
HONE__INLINE vf32 f32_keep_part(vf32 x, int64_t rest, vf32 fill)
{
    return _mm256_blendv_ps(fill, x, _mm256_castsi256_ps(part_lanes_32(rest)));
}
HONE__INLINE vf32 f32_down(vf32 x, int h)
{
    if (h == 4)
        return _mm256_permute2f128_ps(x, x, 0x01);
    return h == 2 ? _mm256_permute_ps(x, 0x0e) : _mm256_permute_ps(x, 0x01);
}
HONE__INLINE float f32_first(vf32 x)
{
    return _mm256_cvtss_f32(x);
}
HONE__INLINE xf32 f32_lanes(int64_t from, int64_t end)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32((int)from), lane),
                               _mm256_cmpgt_epi32(_mm256_set1_epi32((int)end), lane));
}
HONE__INLINE vf32 f32_load_lanes(const float *p, xf32 lanes)
{
    return _mm256_maskload_ps(p, lanes);
}
HONE__INLINE vf32 f32_keep_lanes(vf32 x, xf32 lanes)
{
    return _mm256_and_ps(x, _mm256_castsi256_ps(lanes));
}
HONE__INLINE vf32 f32_slide(vf32 a, vf32 b, const int n)
{
    const __m256i low = _mm256_castps_si256(n == 1 ? a : _mm256_permute2f128_ps(a, b, 0x21));
    const __m256i high = _mm256_castps_si256(n == 1 ? _mm256_permute2f128_ps(a, b, 0x21) : b);
    return _mm256_castsi256_ps(n == 1 ? _mm256_alignr_epi8(high, low, 4)
                                      : _mm256_alignr_epi8(high, low, 12));
}
HONE__INLINE vf32 f32_even(vf32 a, vf32 b)
{
    return _mm256_castpd_ps(
        _mm256_permute4x64_pd(_mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88)), 0xd8));
}
HONE__INLINE vf32 f32_odd(vf32 a, vf32 b)
{
    return _mm256_castpd_ps(
        _mm256_permute4x64_pd(_mm256_castps_pd(_mm256_shuffle_ps(a, b, 0xdd)), 0xd8));
}
HONE__INLINE vf32 f32_zip_low(vf32 a, vf32 b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
HONE__INLINE vf32 f32_zip_high(vf32 a, vf32 b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}
HONE__INLINE vf32 f32_folded(const int n, const vf32 *v)
{
    vf32 x[8];
    for (int i = 0; i < 8; i++)
        x[i] = i < n ? v[i] : _mm256_setzero_ps();
    for (int i = 0; i < 4; i++) /* i and i + 4, a half each */
        if (i < n)
            x[i] = _mm256_add_ps(_mm256_permute2f128_ps(x[i], x[i + 4], 0x20),
                                 _mm256_permute2f128_ps(x[i], x[i + 4], 0x31));
    for (int i = 0; i < 2; i++)
        if (i < n)
            x[i] = _mm256_add_ps(_mm256_shuffle_ps(x[i], x[i + 2], 0x44),
                                 _mm256_shuffle_ps(x[i], x[i + 2], 0xee));
    x[0] = _mm256_add_ps(_mm256_shuffle_ps(x[0], x[1], 0x88), _mm256_shuffle_ps(x[0], x[1], 0xdd));
    return _mm256_permutevar8x32_ps(x[0], _mm256_setr_epi32(0, 2, 1, 3, 4, 6, 5, 7));
}

HONE__INLINE vf32 f32_add(vf32 a, vf32 b)
{
    return _mm256_add_ps(a, b);
}
HONE__INLINE vf32 f32_sub(vf32 a, vf32 b)
{
    return _mm256_sub_ps(a, b);
}
HONE__INLINE vf32 f32_mul(vf32 a, vf32 b)
{
    return _mm256_mul_ps(a, b);
}
HONE__INLINE vf32 f32_div(vf32 a, vf32 b)
{
    return _mm256_div_ps(a, b);
}
HONE__INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c)
{
    return _mm256_fmadd_ps(a, b, c);
}
HONE__INLINE vf32 f32_fnma(vf32 a, vf32 b, vf32 c)
{
    return _mm256_fnmadd_ps(a, b, c);
}
HONE__INLINE vf32 f32_sqrt(vf32 x)
{
    return _mm256_sqrt_ps(x);
}
HONE__INLINE vf32 f32_whole_near(vf32 x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf32 f32_whole_below(vf32 x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf32 f32_whole_within(vf32 x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf32 f32_neg(vf32 x)
{
    return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f));
}
HONE__INLINE vf32 f32_abs(vf32 x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}
HONE__INLINE vf32 f32_copysign(vf32 x, vf32 sign)
{
    const vf32 mask = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_and_ps(mask, sign), _mm256_andnot_ps(mask, x));
}
HONE__INLINE vf32 f32_max(vf32 a, vf32 b)
{
    const vf32 nan = _mm256_cmp_ps(b, b, _CMP_UNORD_Q);
    return _mm256_blendv_ps(_mm256_max_ps(b, a), b, nan);
}
HONE__INLINE vf32 f32_min(vf32 a, vf32 b)
{
    const vf32 nan = _mm256_cmp_ps(b, b, _CMP_UNORD_Q);
    return _mm256_blendv_ps(_mm256_min_ps(b, a), b, nan);
}

HONE__INLINE mf32 f32_eq(vf32 a, vf32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}
HONE__INLINE mf32 f32_lt(vf32 a, vf32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}
HONE__INLINE mf32 f32_le(vf32 a, vf32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_LE_OQ);
}
HONE__INLINE mf32 f32_gt(vf32 a, vf32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_GT_OQ);
}
HONE__INLINE mf32 f32_ge(vf32 a, vf32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_GE_OQ);
}
HONE__INLINE vf32 f32_larger(vf32 a, vf32 b)
{
    return _mm256_max_ps(b, a);
}
HONE__INLINE vf32 f32_smaller(vf32 a, vf32 b)
{
    return _mm256_min_ps(b, a);
}
HONE__INLINE mf32 f32_unordered(vf32 a, vf32 b)
{
    return _mm256_cmp_ps(a, b, _CMP_UNORD_Q);
}
HONE__INLINE mf32 f32_isnan(vf32 x)
{
    return _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
}
HONE__INLINE vf32 f32_select(mf32 m, vf32 yes, vf32 no)
{
    return _mm256_blendv_ps(no, yes, m);
}
HONE__INLINE mf32 mf32_and(mf32 a, mf32 b)
{
    return _mm256_and_ps(a, b);
}
HONE__INLINE mf32 mf32_or(mf32 a, mf32 b)
{
    return _mm256_or_ps(a, b);
}
HONE__INLINE mf32 mf32_not(mf32 a)
{
    return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1)));
}
HONE__INLINE bool mf32_any(mf32 a)
{
    return _mm256_movemask_ps(a) != 0;
}
HONE__INLINE int mf32_where(mf32 a)
{
    return __builtin_ctz((unsigned)_mm256_movemask_ps(a));
}
HONE__INLINE bool mf32_all(mf32 a)
{
    return _mm256_movemask_ps(a) == 0xff;
}

HONE__INLINE vi32 f32_bits(vf32 x)
{
    return _mm256_castps_si256(x);
}
HONE__INLINE vf32 i32_as_f32(vi32 x)
{
    return _mm256_castsi256_ps(x);
}
HONE__INLINE vi32 i32_set(int32_t x)
{
    return _mm256_set1_epi32(x);
}
HONE__INLINE vi32 i32_load(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}
HONE__INLINE void i32_store(int32_t *p, vi32 x)
{
    _mm256_storeu_si256((__m256i *)p, x);
}
HONE__INLINE void i32_store4(int32_t *p, vi32 a, vi32 b, vi32 c, vi32 d)
{
    const __m256i ab_low = _mm256_unpacklo_epi32(a, b), ab_high = _mm256_unpackhi_epi32(a, b);
    const __m256i cd_low = _mm256_unpacklo_epi32(c, d), cd_high = _mm256_unpackhi_epi32(c, d);
    const __m256i u0 = _mm256_unpacklo_epi64(ab_low, cd_low); /* groups 0 and 4, then 1 and 5 ... */
    const __m256i u1 = _mm256_unpackhi_epi64(ab_low, cd_low);
    const __m256i u2 = _mm256_unpacklo_epi64(ab_high, cd_high);
    const __m256i u3 = _mm256_unpackhi_epi64(ab_high, cd_high);
    i32_store(p, _mm256_permute2x128_si256(u0, u1, 0x20));
    i32_store(p + 8, _mm256_permute2x128_si256(u2, u3, 0x20));
    i32_store(p + 16, _mm256_permute2x128_si256(u0, u1, 0x31));
    i32_store(p + 24, _mm256_permute2x128_si256(u2, u3, 0x31));
}
HONE__INLINE vi32 i32_add(vi32 a, vi32 b)
{
    return _mm256_add_epi32(a, b);
}
HONE__INLINE vi32 i32_sub(vi32 a, vi32 b)
{
    return _mm256_sub_epi32(a, b);
}
HONE__INLINE vi32 i32_and(vi32 a, vi32 b)
{
    return _mm256_and_si256(a, b);
}
HONE__INLINE vi32 i32_or(vi32 a, vi32 b)
{
    return _mm256_or_si256(a, b);
}
HONE__INLINE vi32 i32_xor(vi32 a, vi32 b)
{
    return _mm256_xor_si256(a, b);
}
HONE__INLINE vi32 i32_shl(vi32 a, int by)
{
    return _mm256_slli_epi32(a, by);
}
HONE__INLINE vi32 i32_shr(vi32 a, int by)
{
    return _mm256_srli_epi32(a, by);
}
HONE__INLINE mf32 i32_eq(vi32 a, vi32 b)
{
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b));
}
HONE__INLINE vi32 i32_sar(vi32 a, int by)
{
    return _mm256_srai_epi32(a, by);
}
HONE__INLINE vf32 i32_to_f32(vi32 x)
{
    return _mm256_cvtepi32_ps(x);
}
HONE__INLINE vi32 u32_mullo(vi32 a, vi32 b)
{
    return _mm256_mullo_epi32(a, b);
}
HONE__INLINE vi32 u32_mulhi(vi32 a, vi32 b)
{
    const __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(a, b), 32);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    return _mm256_blend_epi32(even, odd, 0xaa);
}

/* ---- f64 ---- */

HONE__INLINE vf64 f64_set(double x)
{
    return _mm256_set1_pd(x);
}
HONE__INLINE vf64 f64_load(const double *p)
{
    return _mm256_loadu_pd(p);
}
HONE__INLINE vf64 f64_load_far(const double *p)
{
    return f64_load(p);
}
HONE__INLINE void f64_store(double *p, vf64 x)
{
    _mm256_storeu_pd(p, x);
}
HONE__INLINE void f64_store_past(double *p, vf64 x)
{
    _mm256_stream_pd(p, x);
}
/* After the last store_past. */
HONE__INLINE void store_past_end(void)
{
    _mm_sfence();
}
HONE__INLINE vf64 f64_load_n(const double *p, int64_t n, vf64 fill)
{
    const __m256i mask = first_lanes_64(n);
    return _mm256_blendv_pd(fill, _mm256_maskload_pd(p, mask), _mm256_castsi256_pd(mask));
}
HONE__INLINE void f64_store_n(double *p, vf64 x, int64_t n)
{
    _mm256_maskstore_pd(p, first_lanes_64(n), x);
}
HONE__INLINE vf64 f64_keep_n(vf64 x, int64_t n, vf64 fill)
{
    return _mm256_blendv_pd(fill, x, _mm256_castsi256_pd(first_lanes_64(n)));
}
HONE__INLINE __m256i part_lanes_64(int64_t rest)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(rest), _mm256_setr_epi64x(0, 1, 2, 3));
}
HONE__INLINE vf64 f64_load_part(const double *p, int64_t rest, vf64 fill)
{
    const __m256i mask = part_lanes_64(rest);
    return _mm256_blendv_pd(fill, _mm256_maskload_pd(p, mask), _mm256_castsi256_pd(mask));
}
HONE__INLINE vf64 f64_keep_part(vf64 x, int64_t rest, vf64 fill)
{
    return _mm256_blendv_pd(fill, x, _mm256_castsi256_pd(part_lanes_64(rest)));
}
HONE__INLINE vf64 f64_down(vf64 x, int h)
{
    return h == 2 ? _mm256_permute2f128_pd(x, x, 0x01) : _mm256_permute_pd(x, 0x01);
}
HONE__INLINE double f64_first(vf64 x)
{
    return _mm256_cvtsd_f64(x);
}

HONE__INLINE vf64 f64_add(vf64 a, vf64 b)
{
    return _mm256_add_pd(a, b);
}
HONE__INLINE vf64 f64_sub(vf64 a, vf64 b)
{
    return _mm256_sub_pd(a, b);
}
HONE__INLINE vf64 f64_mul(vf64 a, vf64 b)
{
    return _mm256_mul_pd(a, b);
}
HONE__INLINE vf64 f64_div(vf64 a, vf64 b)
{
    return _mm256_div_pd(a, b);
}
HONE__INLINE vf64 f64_fma(vf64 a, vf64 b, vf64 c)
{
    return _mm256_fmadd_pd(a, b, c);
}
HONE__INLINE vf64 f64_fnma(vf64 a, vf64 b, vf64 c)
{
    return _mm256_fnmadd_pd(a, b, c);
}
HONE__INLINE vf64 f64_sqrt(vf64 x)
{
    return _mm256_sqrt_pd(x);
}
HONE__INLINE vf64 f64_whole_near(vf64 x)
{
    return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf64 f64_whole_below(vf64 x)
{
    return _mm256_round_pd(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf64 f64_whole_within(vf64 x)
{
    return _mm256_round_pd(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
HONE__INLINE vf64 f64_neg(vf64 x)
{
    return _mm256_xor_pd(x, _mm256_set1_pd(-0.0));
}
HONE__INLINE vf64 f64_abs(vf64 x)
{
    return _mm256_andnot_pd(_mm256_set1_pd(-0.0), x);
}
HONE__INLINE vf64 f64_copysign(vf64 x, vf64 sign)
{
    const vf64 mask = _mm256_set1_pd(-0.0);
    return _mm256_or_pd(_mm256_and_pd(mask, sign), _mm256_andnot_pd(mask, x));
}
HONE__INLINE vf64 f64_max(vf64 a, vf64 b)
{
    const vf64 nan = _mm256_cmp_pd(b, b, _CMP_UNORD_Q);
    return _mm256_blendv_pd(_mm256_max_pd(b, a), b, nan);
}
HONE__INLINE vf64 f64_min(vf64 a, vf64 b)
{
    const vf64 nan = _mm256_cmp_pd(b, b, _CMP_UNORD_Q);
    return _mm256_blendv_pd(_mm256_min_pd(b, a), b, nan);
}

HONE__INLINE mf64 f64_eq(vf64 a, vf64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_EQ_OQ);
}
HONE__INLINE mf64 f64_lt(vf64 a, vf64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_LT_OQ);
}
HONE__INLINE mf64 f64_le(vf64 a, vf64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_LE_OQ);
}
HONE__INLINE mf64 f64_gt(vf64 a, vf64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_GT_OQ);
}
HONE__INLINE mf64 f64_ge(vf64 a, vf64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_GE_OQ);
}
HONE__INLINE vf64 f64_larger(vf64 a, vf64 b)
{
    return _mm256_max_pd(b, a);
}
HONE__INLINE vf64 f64_smaller(vf64 a, vf64 b)
{
    return _mm256_min_pd(b, a);
}
HONE__INLINE mf64 f64_unordered(vf64 a, vf64 b)
{
    return _mm256_cmp_pd(a, b, _CMP_UNORD_Q);
}
HONE__INLINE mf64 f64_isnan(vf64 x)
{
    return _mm256_cmp_pd(x, x, _CMP_UNORD_Q);
}
HONE__INLINE vf64 f64_select(mf64 m, vf64 yes, vf64 no)
{
    return _mm256_blendv_pd(no, yes, m);
}
HONE__INLINE mf64 mf64_and(mf64 a, mf64 b)
{
    return _mm256_and_pd(a, b);
}
HONE__INLINE mf64 mf64_or(mf64 a, mf64 b)
{
    return _mm256_or_pd(a, b);
}
HONE__INLINE mf64 mf64_not(mf64 a)
{
    return _mm256_xor_pd(a, _mm256_castsi256_pd(_mm256_set1_epi32(-1)));
}
HONE__INLINE bool mf64_any(mf64 a)
{
    return _mm256_movemask_pd(a) != 0;
}
HONE__INLINE int mf64_where(mf64 a)
{
    return __builtin_ctz((unsigned)_mm256_movemask_pd(a));
}
HONE__INLINE bool mf64_all(mf64 a)
{
    return _mm256_movemask_pd(a) == 0xf;
}

HONE__INLINE vi64 f64_bits(vf64 x)
{
    return _mm256_castpd_si256(x);
}
HONE__INLINE vf64 i64_as_f64(vi64 x)
{
    return _mm256_castsi256_pd(x);
}
HONE__INLINE vi64 i64_set(int64_t x)
{
    return _mm256_set1_epi64x(x);
}
HONE__INLINE vi64 i64_load(const int64_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}
HONE__INLINE void i64_store(int64_t *p, vi64 x)
{
    _mm256_storeu_si256((__m256i *)p, x);
}
HONE__INLINE vi64 i64_add(vi64 a, vi64 b)
{
    return _mm256_add_epi64(a, b);
}
HONE__INLINE vi64 i64_sub(vi64 a, vi64 b)
{
    return _mm256_sub_epi64(a, b);
}
HONE__INLINE vi64 i64_and(vi64 a, vi64 b)
{
    return _mm256_and_si256(a, b);
}
HONE__INLINE vi64 i64_or(vi64 a, vi64 b)
{
    return _mm256_or_si256(a, b);
}
HONE__INLINE vi64 i64_xor(vi64 a, vi64 b)
{
    return _mm256_xor_si256(a, b);
}
HONE__INLINE vi64 i64_shl(vi64 a, int by)
{
    return _mm256_slli_epi64(a, by);
}
HONE__INLINE vi64 i64_shr(vi64 a, int by)
{
    return _mm256_srli_epi64(a, by);
}
HONE__INLINE mf64 i64_eq(vi64 a, vi64 b)
{
    return _mm256_castsi256_pd(_mm256_cmpeq_epi64(a, b));
}

#endif
