/* f64 micro-kernel for NEON: 8 x 6, 24 accumulators, 3 vectors of B, 4 of A whose lanes are
 * multiplied one by one. */

static HONE__GEMM_INLINE void hone__f64_gemm_neon_lanes(const int nv, const hone__gemm_tile *t,
                                                        float64x2_t acc[][HONE__GEMM_MAX_VECTORS])
{
    const double *a = t->a, *b = t->b;
    for (int64_t p = t->k; p > 0; p--) {
        float64x2_t bv[HONE__GEMM_MAX_VECTORS];
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            bv[j] = vld1q_f64(b + 2 * j);
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < 8; i += 2) {
            const float64x2_t av = vld1q_f64(a + i);
            HONE__GEMM_UNROLL
            for (int j = 0; j < nv; j++) {
                acc[i][j] = vfmaq_laneq_f64(acc[i][j], bv[j], av, 0);
                acc[i + 1][j] = vfmaq_laneq_f64(acc[i + 1][j], bv[j], av, 1);
            }
        }
        a += t->a_cs;
        b += t->b_rs;
    }
}

#define TILE_NAME     hone__f64_gemm_neon_8x6
#define TILE_VECTORS  3
#define TILE_ROWS(nv) 8
#define TILE_LANES    hone__f64_gemm_neon_lanes
#include "gemm/gemm_tile.h"
