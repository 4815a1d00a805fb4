/* f32 micro-kernel for AVX-512: 8 x 48, 24 accumulators, 3 vectors of B, 1 broadcast of A; with
 * fewer vectors it is taller, with 4 (for B where it lies: fewer passes over A) 6 tall. */
#define TILE_NAME       hone__f32_gemm_avx512_8x48
#define TILE_VECTORS    4
#define TILE_ROWS(nv)   ((nv) == 1 ? 16 : (nv) == 2 ? 12 : (nv) == 3 ? 8 : 6)
#define TILE_TAIL(p, n) _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p)
#define TILE_HALF_TAIL(p, n)                                                                       \
    _mm512_castps256_ps512(_mm256_maskz_loadu_ps((__mmask8)((1u << (n)) - 1), p))
#define TILE_HALF_FMA(a, b, acc)                                                                   \
    _mm512_castps256_ps512(_mm256_fmadd_ps(_mm512_castps512_ps256(a), _mm512_castps512_ps256(b),   \
                                           _mm512_castps512_ps256(acc)))
#define TILE_HALF_SET(x) _mm512_castps256_ps512(_mm256_set1_ps(x))
#define TURN_COLUMNS     14
#define TURN_K           4
#define TURN             hone__f32_gemm_turn
#define TURN_LINE        hone__f32_gemm_turn_line
#define TURN_BACK        hone__f32_gemm_turn_back
#define SMALL_TAIL       TILE_TAIL
/* clang-format off */
#define SMALL_TILES(each)                                                                          \
    SMALL_16(each, 1, 1) SMALL_16(each, 1, 0) SMALL_12(each, 2, 1) SMALL_12(each, 2, 0)            \
    SMALL_8(each, 3, 1) SMALL_8(each, 3, 0) SMALL_6(each, 4, 1) SMALL_6(each, 4, 0)
/* clang-format on */
#define SMALL_WIDTH(nv, half) (2 * (nv) - (half))
#ifndef HONE_SANITIZE
#define TILE_WHOLE  "gemm/gemm_whole_avx512.h"
#define WHOLE_P     "ps"
#define WHOLE_S     "ss"
#define WHOLE_SHIFT "2"
#endif
#include "gemm/gemm_tile.h"
