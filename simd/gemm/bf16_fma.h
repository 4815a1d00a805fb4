/* bf16_fma.h: `tile`, `rows`, those of `tiles` (bf16_kernels.h) by the FMAs of an ISA whose
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

enum { ROWS_K = 8, ROWS_PAIR = 2 * F32_LANES };

/* Sums of neighbours in the order in which words of two columns give them: the even ones of two
 * vectors, then the odd ones; or back. */
static HONE__GEMM_NOINLINE void reorder(bool back, int rows, int64_t n, float *c, int64_t c_rs)
{
    for (int i = 0; i < rows; i++) {
        float *y = c + i * c_rs;
        for (int64_t j = 0; j < n; j += ROWS_PAIR) {
            const vf32 low = f32_load(y + j), high = f32_load(y + j + F32_LANES);
            f32_store(y + j, back ? f32_zip_low(low, high) : f32_even(low, high));
            f32_store(y + j + F32_LANES, back ? f32_zip_high(low, high) : f32_odd(low, high));
        }
    }
}

/* A k of two vectors of columns. */
static HONE__GEMM_INLINE void rows_one(const int rows, int q, float (*x)[ROWS_K], const uint16_t *b,
                                       vf32 (*acc)[2])
{
    const vf32 even = widened_even(b), odd = widened_odd(b);
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        const vf32 a = f32_set(x[i][q]);
        acc[i][0] = f32_fma(a, even, acc[i][0]);
        acc[i][1] = f32_fma(a, odd, acc[i][1]);
    }
}

/* ROWS_K of them of columns, of which each two vectors are whole: sums wait in c, which stays in L1. */
static HONE__GEMM_INLINE void rows_step(const int rows, int64_t n, float (*x)[ROWS_K],
                                        const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs)
{
    for (int64_t j = 0; j < n; j += ROWS_PAIR) {
        vf32 acc[HONE__BF16_ROWS][2];
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            acc[i][0] = f32_load(c + i * c_rs + j);
            acc[i][1] = f32_load(c + i * c_rs + j + F32_LANES);
        }
        HONE__GEMM_UNROLL
        for (int q = 0; q < ROWS_K; q++) {
            rows_one(rows, q, x, b + q * b_rs + j, acc);
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            f32_store(c + i * c_rs + j, acc[i][0]);
            f32_store(c + i * c_rs + j + F32_LANES, acc[i][1]);
        }
    }
}

/* Of two vectors of columns those that are there, and so of k; filled up with zeros. */
static HONE__GEMM_NOINLINE void some_of_b(int depth, int64_t n, const uint16_t *b, int64_t b_rs,
                                          uint16_t *to)
{
    memset(to, 0, ROWS_K * ROWS_PAIR * sizeof *to);
    for (int q = 0; q < depth; q++) {
        memcpy(to + q * ROWS_PAIR, b + q * b_rs,
               (size_t)(n < ROWS_PAIR ? n : ROWS_PAIR) * sizeof *b);
    }
}

/* ROWS_K elements of each row of A; -0 for those that are missing, which adds nothing. */
static HONE__GEMM_NOINLINE void some_of_a(int rows, int depth, const uint16_t *a, int64_t a_rs,
                                          int64_t a_cs, float (*x)[ROWS_K])
{
    for (int i = 0; i < rows; i++) {
        for (int q = 0; q < ROWS_K; q++) {
            x[i][q] = q < depth ? hone__bf16_widen(a[i * a_rs + q * a_cs]) : -0.0f;
        }
    }
}

/* rest: sums of the columns that make no two vectors. */
static HONE__GEMM_INLINE void rows_of(const int rows, int64_t k, int64_t n, const uint16_t *a,
                                      int64_t a_rs, int64_t a_cs, const uint16_t *b, int64_t b_rs,
                                      float *c, int64_t c_rs, float *rest)
{
    const int64_t whole = n - n % ROWS_PAIR;
    for (int64_t p = 0; p < k; p += ROWS_K) {
        const int depth = (int)(k - p < ROWS_K ? k - p : ROWS_K);
        float x[HONE__BF16_ROWS][ROWS_K];
        some_of_a(rows, depth, a + p * a_cs, a_rs, a_cs, x);
        for (int64_t j = 0, some; j < n; j += some) {
            const uint16_t *from = b + p * b_rs + j;
            uint16_t filled[ROWS_K * ROWS_PAIR];
            const bool as_it_is = j < whole && depth == ROWS_K;
            some = as_it_is ? whole : ROWS_PAIR;
            if (!as_it_is) {
                some_of_b(depth, n - j, from, b_rs, filled);
            }
            rows_step(rows, some, x, as_it_is ? from : filled, as_it_is ? b_rs : ROWS_PAIR,
                      j < whole ? c + j : rest, j < whole ? c_rs : ROWS_PAIR);
        }
    }
}

static HONE__GEMM_NOINLINE void fma_rows(int64_t k, int rows, int64_t n, const uint16_t *a,
                                         int64_t a_rs, int64_t a_cs, const uint16_t *b,
                                         int64_t b_rs, float *c, int64_t c_rs)
{
    const int64_t whole = n - n % ROWS_PAIR;
    const size_t bytes = (size_t)(n - whole) * sizeof *c;
    float rest[HONE__BF16_ROWS * ROWS_PAIR] = { 0 };
    for (int i = 0; i < rows; i++) {
        memcpy(rest + i * ROWS_PAIR, c + i * c_rs + whole, bytes);
    }
    reorder(false, rows, whole, c, c_rs);
    reorder(false, rows, ROWS_PAIR, rest, ROWS_PAIR);
    HONE__BF16_BY_ROWS(rows, rows_of, k, n, a, a_rs, a_cs, b, b_rs, c, c_rs, rest);
    reorder(true, rows, whole, c, c_rs);
    reorder(true, rows, ROWS_PAIR, rest, ROWS_PAIR);
    for (int i = 0; i < rows; i++) {
        memcpy(c + i * c_rs + whole, rest + i * ROWS_PAIR, bytes);
    }
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
