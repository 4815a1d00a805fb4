/* f32 micro-kernel for AVX2: 6 x 16, 12 accumulators, 2 vectors of B, 1 broadcast of A. */
#define TILE_NAME             hone__f32_gemm_avx2_6x16
#define TILE_VECTORS          2
#define TILE_ROWS(nv)         6
#define SMALL_TAIL(p, n)      _mm256_maskload_ps(p, first_lanes_32(n))
#define SMALL_STORE           hone__f32_gemm_store_some_avx2
#define SMALL_TILES(each)     SMALL_12(each, 1, 0) SMALL_6(each, 2, 0)
#define SMALL_WIDTH(nv, half) (nv)
#include "gemm/gemm_tile.h"
