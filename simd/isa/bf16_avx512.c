/* bf16_avx512.c: products of bf16 on AVX-512's FMAs; compiled as avx512.c. */
#include "isa/bf16.h"
#include "isa/tables.h"

#include "vec/vec_avx512.h"

static inline const hone__gemm_kernel *f32_kernel(void)
{
    return &hone__isa_avx512.gemm.of[0];
}

enum { TILES_MR = 8, TILES_NV = 3 };

#include "gemm/bf16_widened.h"
#include "gemm/bf16_fma.h"
#include "gemm/bf16_narrow.h"

/* The earlier k of a pair is its upper half. */
static HONE__GEMM_INLINE __m512 step_two(__m512 acc, __m512i a, __m512i b)
{
    const __m512i upper = _mm512_set1_epi32((int)0xFFFF0000);
    acc = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(a, upper)),
                          _mm512_castsi512_ps(_mm512_and_si512(b, upper)), acc);
    return _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(a, 16)),
                           _mm512_castsi512_ps(_mm512_slli_epi32(b, 16)), acc);
}

#include "gemm/bf16_few_avx512.h"

static HONE__GEMM_NOINLINE void few_fast(int64_t k, int rows, int64_t n, const uint16_t *a,
                                         int64_t a_rs, int64_t a_cs, const uint16_t *b,
                                         int64_t b_cs, float *c, int64_t c_rs)
{
    few_all(k, rows, n, a, a_rs, a_cs, b, b_cs, c, c_rs, true);
}

#include "gemm/bf16_few_run.h"

const hone__bf16_kernel hone__bf16_avx512 = {
    .name = "avx512",
    .isa = "avx512",
    .shape = { .name = "bf16_gemm_avx512_8x48", .mr = 8, .nr = 48, .vl = 48, .flops_per_ns = 100 },
    .pack = pack,
    .tile = tile,
    .rows = rows,
    .few = few,
    .tiles = tiles,
    .tiles_rows = tiles_rows,
    .narrow = narrow,
    .follow = follow,
};
