/* f32 micro-kernel for NEON: 8 x 12, 24 accumulators, 3 vectors of B, 2 of A whose lanes are
 * multiplied one by one (a load that broadcasts would take an arithmetic pipe on many cores). */

static HONE__GEMM_INLINE void hone__f32_gemm_neon_lanes(const int nv, const hone__gemm_tile *t,
                                                        float32x4_t acc[][HONE__GEMM_MAX_VECTORS])
{
    const float *a = t->a, *b = t->b;
    HONE__GEMM_UNROLL_2
    for (int64_t p = t->k; p > 0; p--) {
        const float32x4_t low = vld1q_f32(a), high = vld1q_f32(a + 4);
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            const float32x4_t bv = vld1q_f32(b + 4 * j);
            acc[0][j] = vfmaq_laneq_f32(acc[0][j], bv, low, 0);
            acc[1][j] = vfmaq_laneq_f32(acc[1][j], bv, low, 1);
            acc[2][j] = vfmaq_laneq_f32(acc[2][j], bv, low, 2);
            acc[3][j] = vfmaq_laneq_f32(acc[3][j], bv, low, 3);
            acc[4][j] = vfmaq_laneq_f32(acc[4][j], bv, high, 0);
            acc[5][j] = vfmaq_laneq_f32(acc[5][j], bv, high, 1);
            acc[6][j] = vfmaq_laneq_f32(acc[6][j], bv, high, 2);
            acc[7][j] = vfmaq_laneq_f32(acc[7][j], bv, high, 3);
        }
        a += t->a_cs;
        b += t->b_rs;
    }
}

#define TILE_NAME     hone__f32_gemm_neon_8x12
#define TILE_VECTORS  3
#define TILE_ROWS(nv) 8
#define TILE_LANES    hone__f32_gemm_neon_lanes
#include "gemm/gemm_tile.h"
