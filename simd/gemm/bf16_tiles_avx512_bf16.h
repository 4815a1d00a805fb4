/* bf16_tiles_avx512_bf16.h: the order `tiles` (bf16_kernels.h) by vdpbf16ps, whose pairs are of one
 * chain each in a regrouped panel. Both chains of half a tile's rows stay in registers. (fragment of
 * simd/isa/bf16_avx512_bf16.c) */
#include "gemm/bf16_tiles_rows.h"

/* x, y: two rows of pairs, of k 0 1 and 2 3. */
static void regroup(int64_t k, int width, uint32_t *panel, uint16_t pad)
{
    const __m512i first = _mm512_set1_epi32((int)0xFFFF0000);
    const __m512i none = _mm512_set1_epi32((int)((uint32_t)pad << 16 | pad));
    for (int64_t p = 0; p < k; p += 4, panel += 2 * width) {
        for (int j = 0; j < width; j += TILE_LANES) {
            const __mmask16 mask =
                (__mmask16)(width - j < TILE_LANES ? (1u << (width - j)) - 1 : 0xFFFF);
            uint32_t *at = panel + j, *next = at + width;
            const __m512i x = _mm512_maskz_loadu_epi32(mask, at);
            const __m512i y = p + 2 < k ? _mm512_maskz_loadu_epi32(mask, next) : none;
            const __m512i low = _mm512_srli_epi32(y, 16), high = _mm512_slli_epi32(x, 16);
            _mm512_mask_storeu_epi32(at, mask, _mm512_or_si512(_mm512_and_si512(x, first), low));
            _mm512_mask_storeu_epi32(next, mask,
                                     _mm512_or_si512(high, _mm512_andnot_si512(first, y)));
        }
    }
}

enum { TILES_HALF = TILE_MR / 2 };

/* Two k of one chain. */
static HONE__GEMM_INLINE void tiles_step(const int *a, const int *b,
                                         __m512 acc[TILES_HALF][TILE_VECTORS])
{
    __m512i w[TILE_VECTORS];
    HONE__GEMM_UNROLL
    for (int v = 0; v < TILE_VECTORS; v++) {
        w[v] = _mm512_loadu_si512(b + v * TILE_LANES);
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < TILES_HALF; i++) {
        const __m512i x = _mm512_set1_epi32(a[i]);
        HONE__GEMM_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) {
            acc[i][v] = step_two(acc[i][v], x, w[v]);
        }
    }
}

/* A tile's k, `rows` rows of a panel, of half of C's: onto sums, TILE_NR apart. */
static HONE__GEMM_INLINE void tiles_half(int64_t rows, const int *a, const int *b, float *sums)
{
    __m512 even[TILES_HALF][TILE_VECTORS], odd[TILES_HALF][TILE_VECTORS];
    HONE__GEMM_UNROLL
    for (int i = 0; i < TILES_HALF; i++) {
        HONE__GEMM_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) {
            even[i][v] = odd[i][v] = _mm512_setzero_ps();
        }
    }
    for (int64_t q = 0; q < rows; q += 2, a += 2 * TILE_MR, b += 2 * TILE_NR) {
        tiles_step(a, b, even);
        tiles_step(a + TILE_MR, b + TILE_NR, odd);
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < TILES_HALF; i++) {
        HONE__GEMM_UNROLL
        for (int v = 0; v < TILE_VECTORS; v++) {
            float *c = sums + i * TILE_NR + v * TILE_LANES;
            const __m512 sum = _mm512_add_ps(even[i][v], odd[i][v]);
            _mm512_storeu_ps(c, _mm512_add_ps(_mm512_loadu_ps(c), sum));
        }
    }
}

/* To be called where the CPU flushes denormals, since sums of sums are. */
static HONE__GEMM_NOINLINE void paired_tiles(const hone__gemm_tile *t)
{
    float sums[TILE_MR * TILE_NR] = { 0 };
    const size_t row_bytes = (size_t)t->nr * sizeof *sums;
    for (int i = 0; i < t->mr && t->resume; i++) {
        memcpy(sums + i * TILE_NR, (const float *)t->c + i * t->c_rs, row_bytes);
    }
    const int *a = t->a, *b = t->b;
    for (int64_t p = 0; p < t->k; p += HONE__BF16_TILE_K) {
        const int64_t some = t->k - p < HONE__BF16_TILE_K ? t->k - p : HONE__BF16_TILE_K;
        const int64_t rows = (some + 3) / 4 * 2, at = p / 2;
        tiles_half(rows, a + at * TILE_MR, b + at * TILE_NR, sums);
        if (t->mr > TILES_HALF) {
            tiles_half(rows, a + at * TILE_MR + TILES_HALF, b + at * TILE_NR,
                       sums + TILES_HALF * TILE_NR);
        }
    }
    for (int i = 0; i < t->mr; i++) {
        memcpy((float *)t->c + i * t->c_rs, sums + i * TILE_NR, row_bytes);
    }
}

static void tiles(const hone__gemm_tile *t)
{
    const hone__bf16_mode mode = hone__bf16_enter();
    paired_tiles(t);
    hone__bf16_leave(mode);
}

/* A few rows wait for B, not for FMAs. */
static void tiles_rows(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs,
                       int64_t a_cs, const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs,
                       bool resume)
{
    for (int i = 0; i < rows && !resume; i++) {
        memset(c + i * c_rs, 0, (size_t)n * sizeof *c);
    }
    const hone__bf16_mode mode = hone__bf16_enter();
    fma_tiles_rows(k, rows, n, a, a_rs, a_cs, b, b_rs, c, c_rs);
    hone__bf16_leave(mode);
}
