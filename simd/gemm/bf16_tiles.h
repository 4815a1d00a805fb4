/* bf16_tiles.h: `tiles` (bf16_kernels.h) by the FMAs of an ISA whose vocabulary was included before,
 * on widened panels of TILES_MR rows, an even number, and TILES_NV vectors of columns: fma_tiles, to
 * be called where the CPU flushes denormals. Both chains of half a tile's rows stay in registers.
 * (fragment of an ISA's file) */
#include "gemm/bf16_kernels.h"

enum { TILES_HALF = TILES_MR / 2, TILES_NR = TILES_NV * F32_LANES };

static HONE__GEMM_INLINE void tiles_step(const float *a, const float *b,
                                         vf32 acc[TILES_HALF][TILES_NV])
{
    vf32 w[TILES_NV];
    HONE__GEMM_UNROLL
    for (int v = 0; v < TILES_NV; v++) {
        w[v] = f32_load(b + v * F32_LANES);
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < TILES_HALF; i++) {
        const vf32 x = f32_set(a[i]);
        HONE__GEMM_UNROLL
        for (int v = 0; v < TILES_NV; v++) {
            acc[i][v] = f32_fma(x, w[v], acc[i][v]);
        }
    }
}

/* A tile's k, `some` of them, of half the rows: onto sums, TILES_NR apart. */
static HONE__GEMM_INLINE void tiles_half(int64_t some, const float *a, const float *b, float *sums)
{
    vf32 even[TILES_HALF][TILES_NV], odd[TILES_HALF][TILES_NV];
    HONE__GEMM_UNROLL
    for (int i = 0; i < TILES_HALF; i++) {
        HONE__GEMM_UNROLL
        for (int v = 0; v < TILES_NV; v++) {
            even[i][v] = odd[i][v] = f32_set(0);
        }
    }
    int64_t q = 0;
    for (; q + 2 <= some; q += 2, a += 2 * TILES_MR, b += 2 * TILES_NR) {
        tiles_step(a, b, even);
        tiles_step(a + TILES_MR, b + TILES_NR, odd);
    }
    if (q < some) {
        tiles_step(a, b, even);
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < TILES_HALF; i++) {
        HONE__GEMM_UNROLL
        for (int v = 0; v < TILES_NV; v++) {
            float *c = sums + i * TILES_NR + v * F32_LANES;
            f32_store(c, f32_add(f32_load(c), f32_add(even[i][v], odd[i][v])));
        }
    }
}

static HONE__GEMM_NOINLINE void fma_tiles(const hone__gemm_tile *t)
{
    float sums[TILES_MR * TILES_NR] = { 0 };
    const size_t row_bytes = (size_t)t->nr * sizeof *sums;
    for (int i = 0; i < t->mr && t->resume; i++) {
        memcpy(sums + i * TILES_NR, (const float *)t->c + i * t->c_rs, row_bytes);
    }
    const float *a = t->a, *b = t->b;
    for (int64_t p = 0; p < t->k; p += HONE__BF16_TILE_K) {
        const int64_t some = t->k - p < HONE__BF16_TILE_K ? t->k - p : HONE__BF16_TILE_K;
        tiles_half(some, a + p * TILES_MR, b + p * TILES_NR, sums);
        if (t->mr > TILES_HALF) {
            tiles_half(some, a + p * TILES_MR + TILES_HALF, b + p * TILES_NR,
                       sums + TILES_HALF * TILES_NR);
        }
    }
    for (int i = 0; i < t->mr; i++) {
        memcpy((float *)t->c + i * t->c_rs, sums + i * TILES_NR, row_bytes);
    }
}
