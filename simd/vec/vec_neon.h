/* vec_neon.h: the vocabulary (defined in vec_scalar.h) on AArch64's Advanced SIMD. */
#ifndef HONE_VEC_NEON_H
#define HONE_VEC_NEON_H

#include <arm_neon.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HONE__INLINE         static inline __attribute__((always_inline))
#define HONE__IN_REGISTER(v) __asm__("" : "+w"(v))

#define HONE__ISA_NAME     "neon"
#define HONE__VECTOR_BYTES 16
#define F32_LANES          4
#define F64_LANES          2

typedef float32x4_t vf32;
typedef float64x2_t vf64;
typedef int32x4_t vi32;
typedef int64x2_t vi64;
typedef uint32x4_t mf32; /* all bits of a lane set or none */
typedef uint64x2_t mf64;
typedef struct {
    int64_t from, end;
} xf32;

/* ---- f32 ---- */

HONE__INLINE vf32 f32_set(float x)
{
    return vdupq_n_f32(x);
}
HONE__INLINE vf32 f32_load(const float *p)
{
    return vld1q_f32(p);
}
HONE__INLINE vf32 f32_load_far(const float *p)
{
    return f32_load(p);
}
HONE__INLINE void f32_store(float *p, vf32 x)
{
    vst1q_f32(p, x);
}
HONE__INLINE void f32_store_past(float *p, vf32 x)
{
    f32_store(p, x);
}
HONE__INLINE vf32 f32_load_n(const float *p, int64_t n, vf32 fill)
{
    fill = vld1q_lane_f32(p, fill, 0);
    if (n > 1)
        fill = vld1q_lane_f32(p + 1, fill, 1);
    return n > 2 ? vld1q_lane_f32(p + 2, fill, 2) : fill;
}
HONE__INLINE void f32_store_n(float *p, vf32 x, int64_t n)
{
    vst1q_lane_f32(p, x, 0);
    if (n > 1)
        vst1q_lane_f32(p + 1, x, 1);
    if (n > 2)
        vst1q_lane_f32(p + 2, x, 2);
}
HONE__INLINE vf32 f32_keep_n(vf32 x, int64_t n, vf32 fill)
{
    static const uint32_t lane[4] = { 0, 1, 2, 3 };
    return vbslq_f32(vcltq_u32(vld1q_u32(lane), vdupq_n_u32((uint32_t)n)), x, fill);
}
HONE__INLINE vf32 f32_load_part(const float *p, int64_t rest, vf32 fill)
{
    if (rest >= F32_LANES)
        return f32_load(p);
    return rest > 0 ? f32_load_n(p, rest, fill) : fill;
}
HONE__INLINE vf32 f32_keep_part(vf32 x, int64_t rest, vf32 fill)
{
    const int64_t n = rest > 0 ? rest : 0;
    return n < F32_LANES ? f32_keep_n(x, n, fill) : x;
}
HONE__INLINE vf32 f32_down(vf32 x, int h)
{
    return h == 2 ? vextq_f32(x, x, 2) : vextq_f32(x, x, 1);
}
HONE__INLINE float f32_first(vf32 x)
{
    return vgetq_lane_f32(x, 0);
}
HONE__INLINE xf32 f32_lanes(int64_t from, int64_t end)
{
    return (xf32){ from, end };
}
HONE__INLINE vf32 f32_load_lanes(const float *p, xf32 lanes)
{
    if (lanes.from <= 0 && lanes.end >= 4)
        return f32_load(p);
    vf32 x = vdupq_n_f32(0);
    if (lanes.from <= 0 && lanes.end > 0)
        x = vld1q_lane_f32(p, x, 0);
    if (lanes.from <= 1 && lanes.end > 1)
        x = vld1q_lane_f32(p + 1, x, 1);
    if (lanes.from <= 2 && lanes.end > 2)
        x = vld1q_lane_f32(p + 2, x, 2);
    return lanes.from <= 3 && lanes.end > 3 ? vld1q_lane_f32(p + 3, x, 3) : x;
}
HONE__INLINE vf32 f32_keep_lanes(vf32 x, xf32 lanes)
{
    static const int32_t ordinals[4] = { 0, 1, 2, 3 };
    const int32x4_t lane = vld1q_s32(ordinals);
    const uint32x4_t kept = vandq_u32(vcgeq_s32(lane, vdupq_n_s32((int32_t)lanes.from)),
                                      vcltq_s32(lane, vdupq_n_s32((int32_t)lanes.end)));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), kept));
}
HONE__INLINE vf32 f32_slide(vf32 a, vf32 b, const int n)
{
    return n == 1 ? vextq_f32(a, b, 1) : vextq_f32(a, b, 3);
}
HONE__INLINE vf32 f32_even(vf32 a, vf32 b)
{
    return vuzp1q_f32(a, b);
}
HONE__INLINE vf32 f32_odd(vf32 a, vf32 b)
{
    return vuzp2q_f32(a, b);
}
HONE__INLINE vf32 f32_zip_low(vf32 a, vf32 b)
{
    return vzip1q_f32(a, b);
}
HONE__INLINE vf32 f32_zip_high(vf32 a, vf32 b)
{
    return vzip2q_f32(a, b);
}
HONE__INLINE vf32 f32_folded(const int n, const vf32 *v)
{
    vf32 x[4];
    for (int i = 0; i < 4; i++) { /* lanes 0 + 2 and 1 + 3, twice */
        const vf32 y = i < n ? v[i] : vdupq_n_f32(0);
        x[i] = vaddq_f32(y, vextq_f32(y, y, 2));
    }
    const vf32 low = vzip1q_f32(x[0], x[2]), high = vzip1q_f32(x[1], x[3]);
    return vaddq_f32(vzip1q_f32(low, high), vzip2q_f32(low, high));
}

HONE__INLINE vf32 f32_add(vf32 a, vf32 b)
{
    return vaddq_f32(a, b);
}
HONE__INLINE vf32 f32_sub(vf32 a, vf32 b)
{
    return vsubq_f32(a, b);
}
HONE__INLINE vf32 f32_mul(vf32 a, vf32 b)
{
    return vmulq_f32(a, b);
}
HONE__INLINE vf32 f32_div(vf32 a, vf32 b)
{
    return vdivq_f32(a, b);
}
HONE__INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c)
{
    return vfmaq_f32(c, a, b);
}
HONE__INLINE vf32 f32_fnma(vf32 a, vf32 b, vf32 c)
{
    return vfmsq_f32(c, a, b);
}
HONE__INLINE vf32 f32_sqrt(vf32 x)
{
    return vsqrtq_f32(x);
}
HONE__INLINE vf32 f32_whole_near(vf32 x)
{
    return vrndnq_f32(x);
}
HONE__INLINE vf32 f32_whole_below(vf32 x)
{
    return vrndmq_f32(x);
}
HONE__INLINE vf32 f32_whole_within(vf32 x)
{
    return vrndq_f32(x);
}
HONE__INLINE vf32 f32_neg(vf32 x)
{
    return vnegq_f32(x);
}
HONE__INLINE vf32 f32_abs(vf32 x)
{
    return vabsq_f32(x);
}
HONE__INLINE vf32 f32_copysign(vf32 x, vf32 sign)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, x);
}
HONE__INLINE vf32 f32_max(vf32 a, vf32 b)
{
    const mf32 number = vceqq_f32(b, b);
    return vbslq_f32(vornq_u32(vcgtq_f32(b, a), number), b, a);
}
HONE__INLINE vf32 f32_min(vf32 a, vf32 b)
{
    const mf32 number = vceqq_f32(b, b);
    return vbslq_f32(vornq_u32(vcltq_f32(b, a), number), b, a);
}

HONE__INLINE mf32 f32_eq(vf32 a, vf32 b)
{
    return vceqq_f32(a, b);
}
HONE__INLINE mf32 f32_lt(vf32 a, vf32 b)
{
    return vcltq_f32(a, b);
}
HONE__INLINE mf32 f32_le(vf32 a, vf32 b)
{
    return vcleq_f32(a, b);
}
HONE__INLINE mf32 f32_gt(vf32 a, vf32 b)
{
    return vcgtq_f32(a, b);
}
HONE__INLINE mf32 f32_ge(vf32 a, vf32 b)
{
    return vcgeq_f32(a, b);
}
HONE__INLINE mf32 f32_isnan(vf32 x)
{
    return vmvnq_u32(vceqq_f32(x, x));
}
HONE__INLINE vf32 f32_select(mf32 m, vf32 yes, vf32 no)
{
    return vbslq_f32(m, yes, no);
}
HONE__INLINE mf32 mf32_and(mf32 a, mf32 b)
{
    return vandq_u32(a, b);
}
HONE__INLINE mf32 mf32_or(mf32 a, mf32 b)
{
    return vorrq_u32(a, b);
}
HONE__INLINE mf32 mf32_not(mf32 a)
{
    return vmvnq_u32(a);
}
HONE__INLINE bool mf32_any(mf32 a)
{
    return vmaxvq_u32(a) != 0;
}
HONE__INLINE int mf32_where(mf32 a)
{
    return __builtin_ctzll(vget_lane_u64(vreinterpret_u64_u16(vmovn_u32(a)), 0)) / 16;
}
HONE__INLINE bool mf32_all(mf32 a)
{
    return vminvq_u32(a) != 0;
}

HONE__INLINE vf32 f32_larger(vf32 a, vf32 b)
{
    return f32_select(f32_gt(b, a), b, a);
}
HONE__INLINE vf32 f32_smaller(vf32 a, vf32 b)
{
    return f32_select(f32_lt(b, a), b, a);
}
HONE__INLINE mf32 f32_unordered(vf32 a, vf32 b)
{
    return mf32_or(f32_isnan(a), f32_isnan(b));
}
HONE__INLINE vi32 f32_bits(vf32 x)
{
    return vreinterpretq_s32_f32(x);
}
HONE__INLINE vf32 i32_as_f32(vi32 x)
{
    return vreinterpretq_f32_s32(x);
}
HONE__INLINE vi32 i32_set(int32_t x)
{
    return vdupq_n_s32(x);
}
HONE__INLINE vi32 i32_load(const int32_t *p)
{
    return vld1q_s32(p);
}
HONE__INLINE void i32_store(int32_t *p, vi32 x)
{
    vst1q_s32(p, x);
}
HONE__INLINE void i32_store4(int32_t *p, vi32 a, vi32 b, vi32 c, vi32 d)
{
    vst4q_s32(p, ((int32x4x4_t){ { a, b, c, d } }));
}
HONE__INLINE vi32 i32_add(vi32 a, vi32 b)
{
    return vaddq_s32(a, b);
}
HONE__INLINE vi32 i32_sub(vi32 a, vi32 b)
{
    return vsubq_s32(a, b);
}
HONE__INLINE vi32 i32_and(vi32 a, vi32 b)
{
    return vandq_s32(a, b);
}
HONE__INLINE vi32 i32_or(vi32 a, vi32 b)
{
    return vorrq_s32(a, b);
}
HONE__INLINE vi32 i32_xor(vi32 a, vi32 b)
{
    return veorq_s32(a, b);
}
HONE__INLINE vi32 i32_shl(vi32 a, int by)
{
    return vshlq_s32(a, vdupq_n_s32(by));
}
HONE__INLINE vi32 i32_shr(vi32 a, int by)
{
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vdupq_n_s32(-by)));
}
HONE__INLINE mf32 i32_eq(vi32 a, vi32 b)
{
    return vceqq_s32(a, b);
}
HONE__INLINE vi32 i32_sar(vi32 a, int by)
{
    return vshlq_s32(a, vdupq_n_s32(-by));
}
HONE__INLINE vf32 i32_to_f32(vi32 x)
{
    return vcvtq_f32_s32(x);
}
HONE__INLINE vi32 u32_mullo(vi32 a, vi32 b)
{
    return vmulq_s32(a, b);
}
HONE__INLINE vi32 u32_mulhi(vi32 a, vi32 b)
{
    const uint32x4_t ua = vreinterpretq_u32_s32(a), ub = vreinterpretq_u32_s32(b);
    const uint64x2_t low = vmull_u32(vget_low_u32(ua), vget_low_u32(ub));
    const uint64x2_t high = vmull_high_u32(ua, ub);
    return vreinterpretq_s32_u32(
        vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high)));
}

/* ---- f64 ---- */

HONE__INLINE vf64 f64_set(double x)
{
    return vdupq_n_f64(x);
}
HONE__INLINE vf64 f64_load(const double *p)
{
    return vld1q_f64(p);
}
HONE__INLINE vf64 f64_load_far(const double *p)
{
    return f64_load(p);
}
HONE__INLINE void f64_store(double *p, vf64 x)
{
    vst1q_f64(p, x);
}
HONE__INLINE void f64_store_past(double *p, vf64 x)
{
    f64_store(p, x);
}
/* After the last store_past. */
HONE__INLINE void store_past_end(void) {}
HONE__INLINE vf64 f64_load_n(const double *p, int64_t n, vf64 fill)
{
    (void)n; /* it can only be 1 */
    return vld1q_lane_f64(p, fill, 0);
}
HONE__INLINE void f64_store_n(double *p, vf64 x, int64_t n)
{
    (void)n;
    vst1q_lane_f64(p, x, 0);
}
HONE__INLINE vf64 f64_keep_n(vf64 x, int64_t n, vf64 fill)
{
    static const uint64_t lane[2] = { 0, 1 };
    return vbslq_f64(vcltq_u64(vld1q_u64(lane), vdupq_n_u64((uint64_t)n)), x, fill);
}
HONE__INLINE vf64 f64_load_part(const double *p, int64_t rest, vf64 fill)
{
    if (rest >= F64_LANES)
        return f64_load(p);
    return rest > 0 ? f64_load_n(p, rest, fill) : fill;
}
HONE__INLINE vf64 f64_keep_part(vf64 x, int64_t rest, vf64 fill)
{
    const int64_t n = rest > 0 ? rest : 0;
    return n < F64_LANES ? f64_keep_n(x, n, fill) : x;
}
HONE__INLINE vf64 f64_down(vf64 x, int h)
{
    (void)h; /* it can only be 1 */
    return vextq_f64(x, x, 1);
}
HONE__INLINE double f64_first(vf64 x)
{
    return vgetq_lane_f64(x, 0);
}

HONE__INLINE vf64 f64_add(vf64 a, vf64 b)
{
    return vaddq_f64(a, b);
}
HONE__INLINE vf64 f64_sub(vf64 a, vf64 b)
{
    return vsubq_f64(a, b);
}
HONE__INLINE vf64 f64_mul(vf64 a, vf64 b)
{
    return vmulq_f64(a, b);
}
HONE__INLINE vf64 f64_div(vf64 a, vf64 b)
{
    return vdivq_f64(a, b);
}
HONE__INLINE vf64 f64_fma(vf64 a, vf64 b, vf64 c)
{
    return vfmaq_f64(c, a, b);
}
HONE__INLINE vf64 f64_fnma(vf64 a, vf64 b, vf64 c)
{
    return vfmsq_f64(c, a, b);
}
HONE__INLINE vf64 f64_sqrt(vf64 x)
{
    return vsqrtq_f64(x);
}
HONE__INLINE vf64 f64_whole_near(vf64 x)
{
    return vrndnq_f64(x);
}
HONE__INLINE vf64 f64_whole_below(vf64 x)
{
    return vrndmq_f64(x);
}
HONE__INLINE vf64 f64_whole_within(vf64 x)
{
    return vrndq_f64(x);
}
HONE__INLINE vf64 f64_neg(vf64 x)
{
    return vnegq_f64(x);
}
HONE__INLINE vf64 f64_abs(vf64 x)
{
    return vabsq_f64(x);
}
HONE__INLINE vf64 f64_copysign(vf64 x, vf64 sign)
{
    return vbslq_f64(vdupq_n_u64(UINT64_C(1) << 63), sign, x);
}
HONE__INLINE vf64 f64_max(vf64 a, vf64 b)
{
    const mf64 number = vceqq_f64(b, b);
    return vbslq_f64(vornq_u64(vcgtq_f64(b, a), number), b, a);
}
HONE__INLINE vf64 f64_min(vf64 a, vf64 b)
{
    const mf64 number = vceqq_f64(b, b);
    return vbslq_f64(vornq_u64(vcltq_f64(b, a), number), b, a);
}

HONE__INLINE mf64 f64_eq(vf64 a, vf64 b)
{
    return vceqq_f64(a, b);
}
HONE__INLINE mf64 f64_lt(vf64 a, vf64 b)
{
    return vcltq_f64(a, b);
}
HONE__INLINE mf64 f64_le(vf64 a, vf64 b)
{
    return vcleq_f64(a, b);
}
HONE__INLINE mf64 f64_gt(vf64 a, vf64 b)
{
    return vcgtq_f64(a, b);
}
HONE__INLINE mf64 f64_ge(vf64 a, vf64 b)
{
    return vcgeq_f64(a, b);
}
HONE__INLINE mf64 f64_isnan(vf64 x)
{
    return vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(vceqq_f64(x, x))));
}
HONE__INLINE vf64 f64_select(mf64 m, vf64 yes, vf64 no)
{
    return vbslq_f64(m, yes, no);
}
HONE__INLINE mf64 mf64_and(mf64 a, mf64 b)
{
    return vandq_u64(a, b);
}
HONE__INLINE mf64 mf64_or(mf64 a, mf64 b)
{
    return vorrq_u64(a, b);
}
HONE__INLINE mf64 mf64_not(mf64 a)
{
    return vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(a)));
}
HONE__INLINE bool mf64_any(mf64 a)
{
    return vmaxvq_u32(vreinterpretq_u32_u64(a)) != 0;
}
HONE__INLINE int mf64_where(mf64 a)
{
    return __builtin_ctzll(vget_lane_u64(vreinterpret_u64_u32(vmovn_u64(a)), 0)) / 32;
}
HONE__INLINE bool mf64_all(mf64 a)
{
    return vminvq_u32(vreinterpretq_u32_u64(a)) != 0;
}

HONE__INLINE vf64 f64_larger(vf64 a, vf64 b)
{
    return f64_select(f64_gt(b, a), b, a);
}
HONE__INLINE vf64 f64_smaller(vf64 a, vf64 b)
{
    return f64_select(f64_lt(b, a), b, a);
}
HONE__INLINE mf64 f64_unordered(vf64 a, vf64 b)
{
    return mf64_or(f64_isnan(a), f64_isnan(b));
}
HONE__INLINE vi64 f64_bits(vf64 x)
{
    return vreinterpretq_s64_f64(x);
}
HONE__INLINE vf64 i64_as_f64(vi64 x)
{
    return vreinterpretq_f64_s64(x);
}
HONE__INLINE vi64 i64_set(int64_t x)
{
    return vdupq_n_s64(x);
}
HONE__INLINE vi64 i64_load(const int64_t *p)
{
    return vld1q_s64(p);
}
HONE__INLINE void i64_store(int64_t *p, vi64 x)
{
    vst1q_s64(p, x);
}
HONE__INLINE vi64 i64_add(vi64 a, vi64 b)
{
    return vaddq_s64(a, b);
}
HONE__INLINE vi64 i64_sub(vi64 a, vi64 b)
{
    return vsubq_s64(a, b);
}
HONE__INLINE vi64 i64_and(vi64 a, vi64 b)
{
    return vandq_s64(a, b);
}
HONE__INLINE vi64 i64_or(vi64 a, vi64 b)
{
    return vorrq_s64(a, b);
}
HONE__INLINE vi64 i64_xor(vi64 a, vi64 b)
{
    return veorq_s64(a, b);
}
HONE__INLINE vi64 i64_shl(vi64 a, int by)
{
    return vshlq_s64(a, vdupq_n_s64(by));
}
HONE__INLINE vi64 i64_shr(vi64 a, int by)
{
    return vreinterpretq_s64_u64(vshlq_u64(vreinterpretq_u64_s64(a), vdupq_n_s64(-by)));
}
HONE__INLINE mf64 i64_eq(vi64 a, vi64 b)
{
    return vceqq_s64(a, b);
}

#endif
