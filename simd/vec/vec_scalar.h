/* vec_scalar.h: the vocabulary of vector operations, and its plainest meaning: one lane.
 *
 * vec_avx2.h, vec_avx512.h and vec_neon.h define exactly these names with more lanes; the kernel
 * bodies (simd/kernels) use nothing else. Where several readings are possible this file is the
 * definition: same bits in each lane, on every ISA.
 *
 *   types   vf32 vf64       F32_LANES, F64_LANES floats
 *           vi32 vi64       as many integers of the same width (two's complement, wrapping)
 *           mf32 mf64       one truth value a lane
 *           xf32            a run of lanes
 *   memory  load store      any alignment
 *           load_far        load, the way that is fastest from memory
 *           store_past      past the caches where the ISA can, p a multiple of the vector's bytes;
 *                           store_past_end() is called when all are done
 *           load_n store_n  only the first n lanes, 0 < n < LANES; nothing past them is touched,
 *                           load_n gives `fill` there
 *           load_part       load_n of what is left of a row: n >= LANES is all lanes, n <= 0 none
 *           keep_part       (and no touch); load_lanes: those of lanes(from, end), +0 in others, which
 *                           aren't touched (keep_lanes: of a vector); where(mask) is the first true lane of one that has any
 *   whole   whole_near whole_below whole_within: to the nearest whole number (of two the even one),
 *           down, towards 0; signs of zeros stay
 *   lanes   down(v, h)      lane j is v's lane j + h for j < h (the others: anything); h a power
 *                           of two < LANES
 *           first(v)        lane 0
 *           slide(a, b, n)  lanes n, n + 1, .. of a and b behind it; n is 1 or LANES - 1
 *           even(a, b) odd(a, b)            every second lane of a and b behind it
 *           zip_low(a, b) zip_high(a, b)    the halves of a's and b's lanes in turn
 *           folded(n, v)    lane i: v[i] folded by halves, lane j + lane j + h for h = LANES / 2, .., 1; i < n
 */
#ifndef HONE_VEC_SCALAR_H
#define HONE_VEC_SCALAR_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HONE__INLINE static inline __attribute__((always_inline))

/* A vector that is used twice is loaded once: compilers would rather load it at each use. */
#define HONE__IN_REGISTER(v) ((void)(v))

#define HONE__ISA_NAME     "scalar"
#define HONE__VECTOR_BYTES 8
#define F32_LANES          1
#define F64_LANES          1

typedef float vf32;
typedef double vf64;
typedef int32_t vi32;
typedef int64_t vi64;
typedef bool mf32;
typedef bool mf64;
typedef bool xf32;

/* Each call of a function of the C library has a relocation: 9000 of them are 200 KB of a static
 * library. */
#ifdef __FP_FAST_FMA
#define call_fma  fma
#define call_fmaf fmaf
#else
static __attribute__((noinline)) double call_fma(double a, double b, double c)
{
    return fma(a, b, c);
}
static __attribute__((noinline)) float call_fmaf(float a, float b, float c)
{
    return fmaf(a, b, c);
}
#endif

/* ---- f32 ---- */

HONE__INLINE vf32 f32_set(float x)
{
    return x;
}
HONE__INLINE vf32 f32_load(const float *p)
{
    return *p;
}
HONE__INLINE vf32 f32_load_far(const float *p)
{
    return f32_load(p);
}
HONE__INLINE void f32_store(float *p, vf32 x)
{
    *p = x;
}
HONE__INLINE void f32_store_past(float *p, vf32 x)
{
    f32_store(p, x);
}
HONE__INLINE vf32 f32_load_n(const float *p, int64_t n, vf32 fill)
{
    return n > 0 ? *p : fill;
}
HONE__INLINE void f32_store_n(float *p, vf32 x, int64_t n)
{
    if (n > 0)
        *p = x;
}
HONE__INLINE vf32 f32_keep_n(vf32 x, int64_t n, vf32 fill)
{
    return n > 0 ? x : fill;
}
HONE__INLINE vf32 f32_load_part(const float *p, int64_t rest, vf32 fill)
{
    return f32_load_n(p, rest, fill);
}
HONE__INLINE vf32 f32_keep_part(vf32 x, int64_t rest, vf32 fill)
{
    return f32_keep_n(x, rest, fill);
}
HONE__INLINE vf32 f32_down(vf32 x, int h)
{
    (void)h;
    return x;
}
HONE__INLINE float f32_first(vf32 x)
{
    return x;
}
HONE__INLINE xf32 f32_lanes(int64_t from, int64_t end)
{
    return from <= 0 && end > 0;
}
HONE__INLINE vf32 f32_load_lanes(const float *p, xf32 lanes)
{
    return lanes ? *p : 0;
}
HONE__INLINE vf32 f32_keep_lanes(vf32 x, xf32 lanes)
{
    return lanes ? x : 0;
}
HONE__INLINE vf32 f32_slide(vf32 a, vf32 b, const int n)
{
    return n == 0 ? a : b; /* LANES - 1 is 0 */
}
HONE__INLINE vf32 f32_even(vf32 a, vf32 b)
{
    (void)b;
    return a;
}
HONE__INLINE vf32 f32_odd(vf32 a, vf32 b)
{
    (void)a;
    return b;
}
HONE__INLINE vf32 f32_zip_low(vf32 a, vf32 b)
{
    (void)b;
    return a;
}
HONE__INLINE vf32 f32_zip_high(vf32 a, vf32 b)
{
    (void)a;
    return b;
}
HONE__INLINE vf32 f32_folded(const int n, const vf32 *v)
{
    (void)n;
    return v[0];
}

HONE__INLINE vf32 f32_add(vf32 a, vf32 b)
{
    return a + b;
}
HONE__INLINE vf32 f32_sub(vf32 a, vf32 b)
{
    return a - b;
}
HONE__INLINE vf32 f32_mul(vf32 a, vf32 b)
{
    return a * b;
}
HONE__INLINE vf32 f32_div(vf32 a, vf32 b)
{
    return a / b;
}
/* a * b + c and c - a * b, rounded once */
HONE__INLINE vf32 f32_fma(vf32 a, vf32 b, vf32 c)
{
    return call_fmaf(a, b, c);
}
HONE__INLINE vf32 f32_fnma(vf32 a, vf32 b, vf32 c)
{
    return call_fmaf(-a, b, c);
}
HONE__INLINE vf32 f32_sqrt(vf32 x)
{
    return sqrtf(x);
}
HONE__INLINE vf32 f32_whole_near(vf32 x)
{
    const float size = __builtin_fabsf(x), most = 0x1p23f; /* its neighbours are 1 away */
    return size < most ? __builtin_copysignf((size + most) - most, x) : x;
}
HONE__INLINE vf32 f32_whole_below(vf32 x)
{
    const float near = f32_whole_near(x);
    return near > x ? near - 1 : near;
}
HONE__INLINE vf32 f32_whole_within(vf32 x)
{
    return __builtin_copysignf(f32_whole_below(__builtin_fabsf(x)), x);
}
HONE__INLINE vf32 f32_neg(vf32 x)
{
    return -x;
}
HONE__INLINE vf32 f32_abs(vf32 x)
{
    return fabsf(x);
}
HONE__INLINE vf32 f32_copysign(vf32 x, vf32 sign)
{
    return copysignf(x, sign);
}
/* a NaN on either side is kept; a tie gives a (it matters for +0 and -0) */
HONE__INLINE vf32 f32_max(vf32 a, vf32 b)
{
    return b > a || b != b ? b : a;
}
HONE__INLINE vf32 f32_min(vf32 a, vf32 b)
{
    return b < a || b != b ? b : a;
}

/* false for a NaN */
HONE__INLINE mf32 f32_eq(vf32 a, vf32 b)
{
    return a == b;
}
HONE__INLINE mf32 f32_lt(vf32 a, vf32 b)
{
    return a < b;
}
HONE__INLINE mf32 f32_le(vf32 a, vf32 b)
{
    return a <= b;
}
HONE__INLINE mf32 f32_gt(vf32 a, vf32 b)
{
    return a > b;
}
HONE__INLINE mf32 f32_ge(vf32 a, vf32 b)
{
    return a >= b;
}
/* cheaper than max and min where no operand is a NaN: b > a ? b : a, b < a ? b : a */
HONE__INLINE vf32 f32_larger(vf32 a, vf32 b)
{
    return b > a ? b : a;
}
HONE__INLINE vf32 f32_smaller(vf32 a, vf32 b)
{
    return b < a ? b : a;
}
/* either is a NaN */
HONE__INLINE mf32 f32_unordered(vf32 a, vf32 b)
{
    return a != a || b != b;
}
HONE__INLINE mf32 f32_isnan(vf32 x)
{
    return x != x;
}
HONE__INLINE vf32 f32_select(mf32 m, vf32 yes, vf32 no)
{
    return m ? yes : no;
}
HONE__INLINE mf32 mf32_and(mf32 a, mf32 b)
{
    return a && b;
}
HONE__INLINE mf32 mf32_or(mf32 a, mf32 b)
{
    return a || b;
}
HONE__INLINE mf32 mf32_not(mf32 a)
{
    return !a;
}
HONE__INLINE bool mf32_any(mf32 a)
{
    return a;
}
HONE__INLINE int mf32_where(mf32 a)
{
    (void)a;
    return 0;
}
HONE__INLINE bool mf32_all(mf32 a)
{
    return a;
}

HONE__INLINE vi32 f32_bits(vf32 x)
{
    vi32 y;
    memcpy(&y, &x, sizeof y);
    return y;
}
HONE__INLINE vf32 i32_as_f32(vi32 x)
{
    vf32 y;
    memcpy(&y, &x, sizeof y);
    return y;
}
HONE__INLINE vi32 i32_set(int32_t x)
{
    return x;
}
HONE__INLINE vi32 i32_load(const int32_t *p)
{
    return *p;
}
HONE__INLINE void i32_store(int32_t *p, vi32 x)
{
    *p = x;
}
/* a[0] b[0] c[0] d[0] a[1] b[1] ... */
HONE__INLINE void i32_store4(int32_t *p, vi32 a, vi32 b, vi32 c, vi32 d)
{
    p[0] = a;
    p[1] = b;
    p[2] = c;
    p[3] = d;
}
HONE__INLINE vi32 i32_add(vi32 a, vi32 b)
{
    return a + b;
}
HONE__INLINE vi32 i32_sub(vi32 a, vi32 b)
{
    return a - b;
}
HONE__INLINE vi32 i32_and(vi32 a, vi32 b)
{
    return a & b;
}
HONE__INLINE vi32 i32_or(vi32 a, vi32 b)
{
    return a | b;
}
HONE__INLINE vi32 i32_xor(vi32 a, vi32 b)
{
    return a ^ b;
}
HONE__INLINE vi32 i32_shl(vi32 a, int by)
{
    return (int32_t)((uint32_t)a << by);
}
HONE__INLINE vi32 i32_shr(vi32 a, int by) /* zeros come in */
{
    return (int32_t)((uint32_t)a >> by);
}
HONE__INLINE mf32 i32_eq(vi32 a, vi32 b)
{
    return a == b;
}
HONE__INLINE vi32 i32_sar(vi32 a, int by) /* the sign comes in */
{
    return a >> by;
}
HONE__INLINE vf32 i32_to_f32(vi32 x)
{
    return (float)x;
}
/* low and high half of the unsigned product */
HONE__INLINE vi32 u32_mullo(vi32 a, vi32 b)
{
    return (int32_t)((uint32_t)a * (uint32_t)b);
}
HONE__INLINE vi32 u32_mulhi(vi32 a, vi32 b)
{
    return (int32_t)(((uint64_t)(uint32_t)a * (uint32_t)b) >> 32);
}

/* ---- f64 ---- */

HONE__INLINE vf64 f64_set(double x)
{
    return x;
}
HONE__INLINE vf64 f64_load(const double *p)
{
    return *p;
}
HONE__INLINE vf64 f64_load_far(const double *p)
{
    return f64_load(p);
}
HONE__INLINE void f64_store(double *p, vf64 x)
{
    *p = x;
}
HONE__INLINE void f64_store_past(double *p, vf64 x)
{
    f64_store(p, x);
}
/* After the last store_past. */
HONE__INLINE void store_past_end(void) {}
HONE__INLINE vf64 f64_load_n(const double *p, int64_t n, vf64 fill)
{
    return n > 0 ? *p : fill;
}
HONE__INLINE void f64_store_n(double *p, vf64 x, int64_t n)
{
    if (n > 0)
        *p = x;
}
HONE__INLINE vf64 f64_keep_n(vf64 x, int64_t n, vf64 fill)
{
    return n > 0 ? x : fill;
}
HONE__INLINE vf64 f64_load_part(const double *p, int64_t rest, vf64 fill)
{
    return f64_load_n(p, rest, fill);
}
HONE__INLINE vf64 f64_keep_part(vf64 x, int64_t rest, vf64 fill)
{
    return f64_keep_n(x, rest, fill);
}
HONE__INLINE vf64 f64_down(vf64 x, int h)
{
    (void)h;
    return x;
}
HONE__INLINE double f64_first(vf64 x)
{
    return x;
}

HONE__INLINE vf64 f64_add(vf64 a, vf64 b)
{
    return a + b;
}
HONE__INLINE vf64 f64_sub(vf64 a, vf64 b)
{
    return a - b;
}
HONE__INLINE vf64 f64_mul(vf64 a, vf64 b)
{
    return a * b;
}
HONE__INLINE vf64 f64_div(vf64 a, vf64 b)
{
    return a / b;
}
/* a * b + c and c - a * b, rounded once */
HONE__INLINE vf64 f64_fma(vf64 a, vf64 b, vf64 c)
{
    return call_fma(a, b, c);
}
HONE__INLINE vf64 f64_fnma(vf64 a, vf64 b, vf64 c)
{
    return call_fma(-a, b, c);
}
HONE__INLINE vf64 f64_sqrt(vf64 x)
{
    return sqrt(x);
}
HONE__INLINE vf64 f64_whole_near(vf64 x)
{
    const double size = __builtin_fabs(x), most = 0x1p52; /* its neighbours are 1 away */
    return size < most ? __builtin_copysign((size + most) - most, x) : x;
}
HONE__INLINE vf64 f64_whole_below(vf64 x)
{
    const double near = f64_whole_near(x);
    return near > x ? near - 1 : near;
}
HONE__INLINE vf64 f64_whole_within(vf64 x)
{
    return __builtin_copysign(f64_whole_below(__builtin_fabs(x)), x);
}
HONE__INLINE vf64 f64_neg(vf64 x)
{
    return -x;
}
HONE__INLINE vf64 f64_abs(vf64 x)
{
    return fabs(x);
}
HONE__INLINE vf64 f64_copysign(vf64 x, vf64 sign)
{
    return copysign(x, sign);
}
/* a NaN on either side is kept; a tie gives a (it matters for +0 and -0) */
HONE__INLINE vf64 f64_max(vf64 a, vf64 b)
{
    return b > a || b != b ? b : a;
}
HONE__INLINE vf64 f64_min(vf64 a, vf64 b)
{
    return b < a || b != b ? b : a;
}

/* false for a NaN */
HONE__INLINE mf64 f64_eq(vf64 a, vf64 b)
{
    return a == b;
}
HONE__INLINE mf64 f64_lt(vf64 a, vf64 b)
{
    return a < b;
}
HONE__INLINE mf64 f64_le(vf64 a, vf64 b)
{
    return a <= b;
}
HONE__INLINE mf64 f64_gt(vf64 a, vf64 b)
{
    return a > b;
}
HONE__INLINE mf64 f64_ge(vf64 a, vf64 b)
{
    return a >= b;
}
HONE__INLINE vf64 f64_larger(vf64 a, vf64 b)
{
    return b > a ? b : a;
}
HONE__INLINE vf64 f64_smaller(vf64 a, vf64 b)
{
    return b < a ? b : a;
}
HONE__INLINE mf64 f64_unordered(vf64 a, vf64 b)
{
    return a != a || b != b;
}
HONE__INLINE mf64 f64_isnan(vf64 x)
{
    return x != x;
}
HONE__INLINE vf64 f64_select(mf64 m, vf64 yes, vf64 no)
{
    return m ? yes : no;
}
HONE__INLINE mf64 mf64_and(mf64 a, mf64 b)
{
    return a && b;
}
HONE__INLINE mf64 mf64_or(mf64 a, mf64 b)
{
    return a || b;
}
HONE__INLINE mf64 mf64_not(mf64 a)
{
    return !a;
}
HONE__INLINE bool mf64_any(mf64 a)
{
    return a;
}
HONE__INLINE int mf64_where(mf64 a)
{
    (void)a;
    return 0;
}
HONE__INLINE bool mf64_all(mf64 a)
{
    return a;
}

HONE__INLINE vi64 f64_bits(vf64 x)
{
    vi64 y;
    memcpy(&y, &x, sizeof y);
    return y;
}
HONE__INLINE vf64 i64_as_f64(vi64 x)
{
    vf64 y;
    memcpy(&y, &x, sizeof y);
    return y;
}
HONE__INLINE vi64 i64_set(int64_t x)
{
    return x;
}
HONE__INLINE vi64 i64_load(const int64_t *p)
{
    return *p;
}
HONE__INLINE void i64_store(int64_t *p, vi64 x)
{
    *p = x;
}
HONE__INLINE vi64 i64_add(vi64 a, vi64 b)
{
    return a + b;
}
HONE__INLINE vi64 i64_sub(vi64 a, vi64 b)
{
    return a - b;
}
HONE__INLINE vi64 i64_and(vi64 a, vi64 b)
{
    return a & b;
}
HONE__INLINE vi64 i64_or(vi64 a, vi64 b)
{
    return a | b;
}
HONE__INLINE vi64 i64_xor(vi64 a, vi64 b)
{
    return a ^ b;
}
HONE__INLINE vi64 i64_shl(vi64 a, int by)
{
    return (int64_t)((uint64_t)a << by);
}
HONE__INLINE vi64 i64_shr(vi64 a, int by) /* zeros come in */
{
    return (int64_t)((uint64_t)a >> by);
}
HONE__INLINE mf64 i64_eq(vi64 a, vi64 b)
{
    return a == b;
}

/* Bodies that are to be small are not copied to each place that they are used: where vectors are the
 * rule, these kernels are what those are checked by. */
#ifdef __OPTIMIZE_SIZE__
#undef HONE__INLINE
#define HONE__INLINE static inline
#endif

#endif
