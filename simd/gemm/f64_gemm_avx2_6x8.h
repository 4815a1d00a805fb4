/* f64 micro-kernel for AVX2: 6 x 8, 12 accumulators, 2 vectors of B, 1 broadcast of A. */
#define TILE_NAME     hone__f64_gemm_avx2_6x8
#define TILE_VECTORS  2
#define TILE_ROWS(nv) 6
#include "gemm/gemm_tile.h"
