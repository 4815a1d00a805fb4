/* f32 micro-kernel for AVX2: 6 x 16, 12 accumulators, 2 vectors of B, 1 broadcast of A. */
#define TILE_NAME     hone__f32_gemm_avx2_6x16
#define TILE_VECTORS  2
#define TILE_ROWS(nv) 6
#include "gemm/gemm_tile.h"
