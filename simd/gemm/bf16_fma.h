/* bf16_fma.h: `tile`, `rows` and those of `tiles` (bf16_kernels.h) by the FMAs of an ISA whose
 * vocabulary (simd/vec) and bf16_widened.h were included before, and that says what TILES_MR and
 * TILES_NV are. (fragment of an ISA's file) */
#include "gemm/bf16_exact.h"
#include "gemm/bf16_mode.h"
#include "gemm/bf16_tiles.h"
#include "gemm/bf16_tiles_rows.h"

/* Where the CPU flushes denormals; exactly, should that not be what a step does. */
static void run_tile(void (*fast)(const hone__gemm_tile *), void (*exact)(const hone__gemm_tile *),
                     const hone__gemm_tile *t)
{
    enum { MOST = 16 * 64 };
    float before[MOST]; /* C, should it be computed again */
#ifdef __aarch64__
    for (int i = 0; i < t->mr && t->resume; i++) {
        memcpy(before + i * t->nr, (const float *)t->c + i * t->c_rs,
               (size_t)t->nr * sizeof *before);
    }
#endif
    const hone__bf16_mode mode = hone__bf16_enter();
    fast(t);
    if (hone__bf16_leave(mode)) {
        for (int i = 0; i < t->mr && t->resume; i++) {
            memcpy((float *)t->c + i * t->c_rs, before + i * t->nr, (size_t)t->nr * sizeof *before);
        }
        exact(t);
    }
}

static void tile(const hone__gemm_tile *t)
{
    run_tile(f32_kernel()->tile, exact_tile, t);
}

static void tiles(const hone__gemm_tile *t)
{
    run_tile(fma_tiles, exact_tiles, t);
}

/* `depth` k of a run of whole vectors: sums wait in c, which stays in L1. */
static HONE__GEMM_INLINE void rows_step(const int depth, const int rows, int64_t n, float (*x)[4],
                                        const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs)
{
    for (int64_t j = 0; j < n; j += F32_LANES) {
        vf32 w[4];
        HONE__GEMM_UNROLL
        for (int q = 0; q < depth; q++) {
            w[q] = widened(b + q * b_rs + j);
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            vf32 acc = f32_load(c + i * c_rs + j);
            HONE__GEMM_UNROLL
            for (int q = 0; q < depth; q++) {
                acc = f32_fma(f32_set(x[i][q]), w[q], acc);
            }
            f32_store(c + i * c_rs + j, acc);
        }
    }
}

/* Four k of A from p on; -0 for those that are missing, which adds nothing. */
static HONE__GEMM_INLINE void four_of_a(const int rows, int64_t left, const uint16_t *a,
                                        int64_t a_rs, int64_t a_cs, float (*x)[4])
{
    for (int i = 0; i < rows; i++) {
        for (int q = 0; q < 4; q++) {
            x[i][q] = q < left ? hone__bf16_widen(a[i * a_rs + q * a_cs]) : -0.0f;
        }
    }
}

/* n columns that fill no vector, or k that make no four: in some that are filled up with zeros. */
static HONE__GEMM_INLINE void rows_rest(const int rows, int64_t k, int64_t n, float (*x)[4],
                                        const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs)
{
    for (int64_t j = 0; j < n; j += F32_LANES) {
        const size_t some = (size_t)(n - j < F32_LANES ? n - j : F32_LANES);
        uint16_t some_b[4 * F32_LANES] = { 0 };
        float some_c[HONE__BF16_ROWS * F32_LANES] = { 0 };
        for (int64_t q = 0; q < k; q++) {
            memcpy(some_b + q * F32_LANES, b + q * b_rs + j, some * sizeof *b);
        }
        for (int i = 0; i < rows; i++) {
            memcpy(some_c + i * F32_LANES, c + i * c_rs + j, some * sizeof *c);
        }
        rows_step(4, rows, F32_LANES, x, some_b, F32_LANES, some_c, F32_LANES);
        for (int i = 0; i < rows; i++) {
            memcpy(c + i * c_rs + j, some_c + i * F32_LANES, some * sizeof *c);
        }
    }
}

static HONE__GEMM_INLINE void rows_of(const int rows, int64_t k, int64_t n, const uint16_t *a,
                                      int64_t a_rs, int64_t a_cs, const uint16_t *b, int64_t b_rs,
                                      float *c, int64_t c_rs)
{
    const int64_t vectors = n - n % F32_LANES;
    for (int64_t p = 0; p < k; p += 4) {
        const int64_t some = k - p < 4 ? k - p : 4, whole = some == 4 ? vectors : 0;
        const uint16_t *from = b + p * b_rs;
        float x[HONE__BF16_ROWS][4];
        four_of_a(rows, some, a + p * a_cs, a_rs, a_cs, x);
        rows_step(4, rows, whole, x, from, b_rs, c, c_rs);
        if (whole < n) {
            rows_rest(rows, some, n - whole, x, from + whole, b_rs, c + whole, c_rs);
        }
    }
}

static HONE__GEMM_NOINLINE void fma_rows(int64_t k, int rows, int64_t n, const uint16_t *a,
                                         int64_t a_rs, int64_t a_cs, const uint16_t *b,
                                         int64_t b_rs, float *c, int64_t c_rs)
{
    HONE__BF16_BY_ROWS(rows, rows_of, k, n, a, a_rs, a_cs, b, b_rs, c, c_rs);
}

typedef void fast_rows(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs,
                       int64_t a_cs, const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs);
typedef void exact_rows_of(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs,
                           int64_t a_cs, const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs,
                           bool resume);

static HONE__GEMM_INLINE void run_rows(fast_rows *fast, exact_rows_of *exact, int64_t k, int rows,
                                       int64_t n, const uint16_t *a, int64_t a_rs, int64_t a_cs,
                                       const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs,
                                       bool resume)
{
#ifdef __aarch64__
    float before[HONE__BF16_ROWS * HONE__BF16_RUN];
    for (int i = 0; i < rows && resume; i++) {
        memcpy(before + i * n, c + i * c_rs, (size_t)n * sizeof *c);
    }
#endif
    for (int i = 0; i < rows && !resume; i++) {
        memset(c + i * c_rs, 0, (size_t)n * sizeof *c);
    }
    const hone__bf16_mode mode = hone__bf16_enter();
    fast(k, rows, n, a, a_rs, a_cs, b, b_rs, c, c_rs);
    if (hone__bf16_leave(mode)) {
#ifdef __aarch64__
        for (int i = 0; i < rows && resume; i++) {
            memcpy(c + i * c_rs, before + i * n, (size_t)n * sizeof *c);
        }
#endif
        exact(k, rows, n, a, a_rs, a_cs, b, b_rs, c, c_rs, resume);
    }
}

static void rows(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs, int64_t a_cs,
                 const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs, bool resume)
{
    run_rows(fma_rows, exact_rows, k, rows, n, a, a_rs, a_cs, b, b_rs, c, c_rs, resume);
}

static void tiles_rows(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs,
                       int64_t a_cs, const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs,
                       bool resume)
{
    run_rows(fma_tiles_rows, exact_tiles_rows, k, rows, n, a, a_rs, a_cs, b, b_rs, c, c_rs, resume);
}
