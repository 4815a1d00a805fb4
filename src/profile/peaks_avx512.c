/* peaks_avx512.c: the peaks on the vocabulary of avx512. */
#include "vec/vec_avx512.h"

#define BENCH_TABLE      hone__peaks_avx512
#define BENCH_SLEEF_F32  "f16_u10avx512f"
#define BENCH_SLEEF_F64  "d8_u10avx512f"
#define BENCH_DOT_BF16   dot_bf16
#define BENCH_TILES_BF16 tiles_bf16

#include <stdint.h>

__attribute__((target("avx512bf16"))) static float dot_bf16(int64_t rounds)
{
    enum { CHAINS_OF_PAIRS = 12 };
    __m512 acc[CHAINS_OF_PAIRS];
    const __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(1e-3f), _mm512_set1_ps(1e-3f));
#pragma GCC unroll 16
    for (int c = 0; c < CHAINS_OF_PAIRS; c++)
        acc[c] = _mm512_set1_ps((float)c);
    for (int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 16
        for (int c = 0; c < CHAINS_OF_PAIRS; c++)
            acc[c] = _mm512_dpbf16_ps(acc[c], x, x);
    }
#pragma GCC unroll 16
    for (int c = 1; c < CHAINS_OF_PAIRS; c++)
        acc[0] = _mm512_add_ps(acc[0], acc[c]);
    return _mm512_cvtss_f32(acc[0]);
}

__attribute__((target("amx-tile,amx-bf16"))) static void tiles_bf16(int64_t rounds)
{
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (int64_t i = 0; i < rounds; i++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
}

#include "profile/peaks_body.h"
