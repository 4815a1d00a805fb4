/* bf16_exact.h: `tile`, `rows` and those of `tiles` (bf16_kernels.h) step by step, in plain C: of the
 * scalar ISA, and where a CPU's own flushing isn't a step's. (fragment of an ISA's file) */
#include "gemm/bf16_kernels.h"
#include "gemm/bf16_step.h"

/* Over widened panels, or an A of widened elements anywhere. */
static HONE__GEMM_NOINLINE void exact_tile(const hone__gemm_tile *t)
{
    for (int i = 0; i < t->mr; i++) {
        for (int j = 0; j < t->nr; j++) {
            const float *a = (const float *)t->a + i * t->a_rs, *b = (const float *)t->b + j;
            float *c = (float *)t->c + i * t->c_rs + j;
            float acc = t->resume ? *c : 0;
            for (int64_t p = 0; p < t->k; p++) {
                acc = hone__bf16_step(a[p * t->a_cs], b[p * t->b_rs], hone__bf16_flush(acc));
            }
            *c = acc;
        }
    }
}

/* B's strides are of any kind. */
static HONE__GEMM_NOINLINE void exact_strided(int64_t k, int rows, int64_t n, const uint16_t *a,
                                              int64_t a_rs, int64_t a_cs, const uint16_t *b,
                                              int64_t b_rs, int64_t b_cs, float *c, int64_t c_rs,
                                              bool resume)
{
    for (int i = 0; i < rows; i++) {
        float *y = c + i * c_rs;
        for (int64_t j = 0; j < n && !resume; j++) {
            y[j] = 0;
        }
        for (int64_t p = 0; p < k; p++) {
            const float x = hone__bf16_widen(a[i * a_rs + p * a_cs]);
            for (int64_t j = 0; j < n; j++) {
                y[j] = hone__bf16_step(x, hone__bf16_widen(b[p * b_rs + j * b_cs]),
                                       hone__bf16_flush(y[j]));
            }
        }
    }
}

static void exact_rows(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs,
                       int64_t a_cs, const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs,
                       bool resume)
{
    exact_strided(k, rows, n, a, a_rs, a_cs, b, b_rs, 1, c, c_rs, resume);
}

/* ---- in the order `tiles` */

static HONE__GEMM_NOINLINE void exact_tiles(const hone__gemm_tile *t)
{
    for (int i = 0; i < t->mr; i++) {
        for (int j = 0; j < t->nr; j++) {
            const float *a = (const float *)t->a + i, *b = (const float *)t->b + j;
            float *c = (float *)t->c + i * t->c_rs + j;
            float acc = t->resume ? *c : 0, sums[2] = { 0, 0 };
            for (int64_t p = 0; p < t->k; p++) {
                sums[p % 2] = hone__bf16_step(a[p * t->a_cs], b[p * t->b_rs], sums[p % 2]);
                if ((p + 1) % HONE__BF16_TILE_K == 0 || p + 1 == t->k) {
                    acc = hone__bf16_add(acc, hone__bf16_add(sums[0], sums[1]));
                    sums[0] = sums[1] = 0;
                }
            }
            *c = acc;
        }
    }
}

static HONE__GEMM_NOINLINE void exact_tiles_rows(int64_t k, int rows, int64_t n, const uint16_t *a,
                                                 int64_t a_rs, int64_t a_cs, const uint16_t *b,
                                                 int64_t b_rs, float *c, int64_t c_rs, bool resume)
{
    float column[HONE__BF16_TILE_K], row[HONE__BF16_TILE_K];
    for (int64_t p = 0; p < k; p += HONE__BF16_TILE_K) {
        const int64_t some = k - p < HONE__BF16_TILE_K ? k - p : HONE__BF16_TILE_K;
        for (int i = 0; i < rows; i++) {
            for (int64_t q = 0; q < some; q++) {
                row[q] = hone__bf16_widen(a[i * a_rs + (p + q) * a_cs]);
            }
            for (int64_t j = 0; j < n; j++) {
                for (int64_t q = 0; q < some; q++) {
                    column[q] = hone__bf16_widen(b[(p + q) * b_rs + j]);
                }
                const hone__gemm_tile t = { .k = some,
                                            .a = row,
                                            .a_cs = 1,
                                            .b = column,
                                            .b_rs = 1,
                                            .c = c + i * c_rs + j,
                                            .mr = 1,
                                            .nr = 1,
                                            .resume = resume || p > 0 };
                exact_tiles(&t);
            }
        }
    }
    for (int i = 0; k == 0 && !resume && i < rows; i++) {
        memset(c + i * c_rs, 0, (size_t)n * sizeof *c);
    }
}
