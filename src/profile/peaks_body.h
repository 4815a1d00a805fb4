/* profile/peaks_body.h: the loops of profile/peaks.h on the vocabulary that was included before; the
 * file that includes it defines BENCH_TABLE and the ends of SLEEF's names. (fragment) */
#include "profile/peaks.h"

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Two units with a latency of 4 or 5 want 10; 12 leave room for x and y in 16 registers. */
enum { CHAINS = 12, ACCUMULATORS = 8 };

static float fma_f32(int64_t rounds)
{
    vf32 acc[CHAINS];
    const vf32 x = f32_set(0.999f), y = f32_set(1e-3f);
    UNROLL
    for (int c = 0; c < CHAINS; c++)
        acc[c] = f32_set((float)c);
    for (int64_t i = 0; i < rounds; i++) {
        UNROLL
        for (int c = 0; c < CHAINS; c++)
            acc[c] = f32_fma(acc[c], x, y);
    }
    UNROLL
    for (int c = 1; c < CHAINS; c++)
        acc[0] = f32_add(acc[0], acc[c]);
    return f32_first(acc[0]);
}

static double fma_f64(int64_t rounds)
{
    vf64 acc[CHAINS];
    const vf64 x = f64_set(0.999), y = f64_set(1e-3);
    UNROLL
    for (int c = 0; c < CHAINS; c++)
        acc[c] = f64_set((double)c);
    for (int64_t i = 0; i < rounds; i++) {
        UNROLL
        for (int c = 0; c < CHAINS; c++)
            acc[c] = f64_fma(acc[c], x, y);
    }
    UNROLL
    for (int c = 1; c < CHAINS; c++)
        acc[0] = f64_add(acc[0], acc[c]);
    return f64_first(acc[0]);
}

enum { STEP = ACCUMULATORS * F32_LANES };

static float stream_read(int64_t n, float *to, const float *a, const float *b)
{
    (void)to;
    (void)b;
    vf32 acc[ACCUMULATORS];
    UNROLL
    for (int c = 0; c < ACCUMULATORS; c++)
        acc[c] = f32_set(0);
    for (int64_t i = 0; i < n; i += STEP) {
        UNROLL
        for (int c = 0; c < ACCUMULATORS; c++)
            acc[c] = f32_add(acc[c], f32_load(a + i + c * F32_LANES));
    }
    UNROLL
    for (int c = 1; c < ACCUMULATORS; c++)
        acc[0] = f32_add(acc[0], acc[c]);
    return f32_first(acc[0]);
}

static float stream_write(int64_t n, float *to, const float *a, const float *b)
{
    (void)a;
    (void)b;
    const vf32 x = f32_set(1);
    for (int64_t i = 0; i < n; i += STEP) {
        UNROLL
        for (int c = 0; c < ACCUMULATORS; c++)
            f32_store(to + i + c * F32_LANES, x);
    }
    return to[0];
}

static float stream_copy(int64_t n, float *to, const float *a, const float *b)
{
    (void)b;
    for (int64_t i = 0; i < n; i += STEP) {
        UNROLL
        for (int c = 0; c < ACCUMULATORS; c++)
            f32_store(to + i + c * F32_LANES, f32_load(a + i + c * F32_LANES));
    }
    return to[0];
}

static float stream_add(int64_t n, float *to, const float *a, const float *b)
{
    for (int64_t i = 0; i < n; i += STEP) {
        UNROLL
        for (int c = 0; c < ACCUMULATORS; c++) {
            const int64_t at = i + c * F32_LANES;
            f32_store(to + at, f32_add(f32_load(a + at), f32_load(b + at)));
        }
    }
    return to[0];
}

/* Its values stay finite however often it runs. */
static float stream_update(int64_t n, float *to, const float *a, const float *b)
{
    (void)b;
    for (int64_t i = 0; i < n; i += STEP) {
        UNROLL
        for (int c = 0; c < ACCUMULATORS; c++) {
            const int64_t at = i + c * F32_LANES;
            f32_store(to + at, f32_sub(f32_load(a + at), f32_load(to + at)));
        }
    }
    return to[0];
}

#ifdef __AVX2__
static float past_write(int64_t n, float *to, const float *a, const float *b)
{
    (void)a;
    (void)b;
    for (int64_t i = 0; i < n; i += 8)
        _mm256_stream_ps(to + i, _mm256_set1_ps(1));
    _mm_sfence();
    return to[0];
}

static float past_copy(int64_t n, float *to, const float *a, const float *b)
{
    (void)b;
    for (int64_t i = 0; i < n; i += 8)
        _mm256_stream_ps(to + i, _mm256_loadu_ps(a + i));
    _mm_sfence();
    return to[0];
}

static float past_add(int64_t n, float *to, const float *a, const float *b)
{
    for (int64_t i = 0; i < n; i += 8)
        _mm256_stream_ps(to + i, _mm256_add_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
    _mm_sfence();
    return to[0];
}
#endif

static void map_f32(int64_t n, float *out, const float *a, const float *b, void (*f)(void))
{
    vf32 (*const one)(vf32) = (vf32(*)(vf32))f;
    vf32 (*const two)(vf32, vf32) = (vf32(*)(vf32, vf32))f;
    for (int64_t i = 0; !b && i < n; i += F32_LANES)
        f32_store(out + i, one(f32_load(a + i)));
    for (int64_t i = 0; b && i < n; i += F32_LANES)
        f32_store(out + i, two(f32_load(a + i), f32_load(b + i)));
}

static void map_f64(int64_t n, double *out, const double *a, const double *b, void (*f)(void))
{
    vf64 (*const one)(vf64) = (vf64(*)(vf64))f;
    vf64 (*const two)(vf64, vf64) = (vf64(*)(vf64, vf64))f;
    for (int64_t i = 0; !b && i < n; i += F64_LANES)
        f64_store(out + i, one(f64_load(a + i)));
    for (int64_t i = 0; b && i < n; i += F64_LANES)
        f64_store(out + i, two(f64_load(a + i), f64_load(b + i)));
}

const hone__peaks BENCH_TABLE = {
    .isa = HONE__ISA_NAME,
    .fma_f32 = fma_f32,
    .fma_f64 = fma_f64,
#ifdef BENCH_DOT_BF16
    .dot_bf16 = BENCH_DOT_BF16,
    .tiles_bf16 = BENCH_TILES_BF16,
#endif
    .chains = CHAINS,
    .lanes_f32 = F32_LANES,
    .lanes_f64 = F64_LANES,
    .map_f32 = map_f32,
    .map_f64 = map_f64,
    .sleef_f32 = BENCH_SLEEF_F32,
    .sleef_f64 = BENCH_SLEEF_F64,
    .stream = { stream_read, stream_write, stream_copy, stream_add, stream_update },
#ifdef __AVX2__
    .past = { [HONE__STREAM_WRITE] = past_write,
              [HONE__STREAM_COPY] = past_copy,
              [HONE__STREAM_ADD] = past_add },
#endif
};
