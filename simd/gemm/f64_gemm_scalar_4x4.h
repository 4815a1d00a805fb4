/* f64 micro-kernel in plain C, 4 x 4, vectors of one element. */
#define TILE_NAME       hone__f64_gemm_scalar_4x4
#define TILE_VECTORS    4
#define TILE_ROWS(nv)   4
#define TILE_TAIL(p, n) ((void)(n), *(p))
#include "gemm/gemm_tile.h"
