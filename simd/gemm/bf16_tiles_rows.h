/* bf16_tiles_rows.h: `tiles_rows` (bf16_kernels.h) by the FMAs of an ISA whose vocabulary (simd/vec)
 * was included before: fma_tiles_rows, to be called where the CPU flushes denormals. (fragment of an
 * ISA's file) */
#include "gemm/bf16_kernels.h"
#include "gemm/bf16_step.h"

typedef uint16_t some_bf16 __attribute__((vector_size(2 * F32_LANES), aligned(2)));
typedef uint32_t some_bits __attribute__((vector_size(4 * F32_LANES)));

static HONE__GEMM_INLINE vf32 of_bits(some_bits bits)
{
    vf32 value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static HONE__GEMM_INLINE vf32 widened(const uint16_t *b)
{
    some_bf16 half;
    memcpy(&half, b, sizeof half);
    return of_bits(__builtin_convertvector(half, some_bits) << 16);
}

/* Of two vectors of columns each second one, from the first or from the second on: a word is two. */
static HONE__GEMM_INLINE vf32 widened_even(const uint16_t *b)
{
    some_bits word;
    memcpy(&word, b, sizeof word);
    return of_bits(word << 16);
}

static HONE__GEMM_INLINE vf32 widened_odd(const uint16_t *b)
{
    some_bits word;
    memcpy(&word, b, sizeof word);
    return of_bits(word & 0xFFFF0000);
}

/* A tile's k, `some` of them, of `nv` vectors of columns. */
static HONE__GEMM_INLINE void tile_rows_part(const int rows, const int nv, int64_t some,
                                             float (*x)[HONE__BF16_TILE_K], const uint16_t *b,
                                             int64_t b_rs, float *c, int64_t c_rs)
{
    vf32 sums[2][HONE__BF16_ROWS][2];
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        HONE__GEMM_UNROLL
        for (int v = 0; v < nv; v++) {
            sums[0][i][v] = sums[1][i][v] = f32_set(0);
        }
    }
    for (int64_t q = 0; q < some; q += 2) {
        HONE__GEMM_UNROLL
        for (int odd = 0; odd < 2; odd++) {
            if (odd && q + 1 == some) {
                break;
            }
            HONE__GEMM_UNROLL
            for (int v = 0; v < nv; v++) {
                const vf32 w = widened(b + (q + odd) * b_rs + v * F32_LANES);
                HONE__GEMM_UNROLL
                for (int i = 0; i < rows; i++) {
                    sums[odd][i][v] = f32_fma(f32_set(x[i][q + odd]), w, sums[odd][i][v]);
                }
            }
        }
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        HONE__GEMM_UNROLL
        for (int v = 0; v < nv; v++) {
            float *y = c + i * c_rs + v * F32_LANES;
            f32_store(y, f32_add(f32_load(y), f32_add(sums[0][i][v], sums[1][i][v])));
        }
    }
}

/* Columns that fill no vector: in one that is filled up with zeros. */
static HONE__GEMM_INLINE void tile_rows_rest(const int rows, int64_t some, size_t columns,
                                             float (*x)[HONE__BF16_TILE_K], const uint16_t *b,
                                             int64_t b_rs, float *c, int64_t c_rs)
{
    uint16_t some_b[HONE__BF16_TILE_K * F32_LANES] = { 0 };
    float some_c[HONE__BF16_ROWS * F32_LANES] = { 0 };
    for (int64_t q = 0; q < some; q++) {
        memcpy(some_b + q * F32_LANES, b + q * b_rs, columns * sizeof *b);
    }
    for (int i = 0; i < rows; i++) {
        memcpy(some_c + i * F32_LANES, c + i * c_rs, columns * sizeof *c);
    }
    tile_rows_part(rows, 1, some, x, some_b, F32_LANES, some_c, F32_LANES);
    for (int i = 0; i < rows; i++) {
        memcpy(c + i * c_rs, some_c + i * F32_LANES, columns * sizeof *c);
    }
}

static HONE__GEMM_INLINE void tiles_rows_of(const int rows, int64_t k, int64_t n, const uint16_t *a,
                                            int64_t a_rs, int64_t a_cs, const uint16_t *b,
                                            int64_t b_rs, float *c, int64_t c_rs)
{
    for (int64_t p = 0; p < k; p += HONE__BF16_TILE_K) {
        const int64_t some = k - p < HONE__BF16_TILE_K ? k - p : HONE__BF16_TILE_K;
        const uint16_t *from = b + p * b_rs;
        float x[HONE__BF16_ROWS][HONE__BF16_TILE_K];
        for (int i = 0; i < rows; i++) {
            for (int64_t q = 0; q < some; q++) {
                x[i][q] = hone__bf16_widen(a[i * a_rs + (p + q) * a_cs]);
            }
        }
        int64_t j = 0;
        for (; j + 2 * F32_LANES <= n; j += 2 * F32_LANES) {
            tile_rows_part(rows, 2, some, x, from + j, b_rs, c + j, c_rs);
        }
        for (; j < n; j += F32_LANES) {
            const size_t columns = (size_t)(n - j < F32_LANES ? n - j : F32_LANES);
            tile_rows_rest(rows, some, columns, x, from + j, b_rs, c + j, c_rs);
        }
    }
}

/* Onto C. */
static HONE__GEMM_NOINLINE void fma_tiles_rows(int64_t k, int rows, int64_t n, const uint16_t *a,
                                               int64_t a_rs, int64_t a_cs, const uint16_t *b,
                                               int64_t b_rs, float *c, int64_t c_rs)
{
    HONE__BF16_BY_ROWS(rows, tiles_rows_of, k, n, a, a_rs, a_cs, b, b_rs, c, c_rs);
}
