/* bf16_gemm_avx512_bf16_8x32.h: the micro-kernel (bf16_kernels.h) of vdpbf16ps, and `rows`.
 * (fragment of simd/isa/bf16_avx512_bf16.c) */
enum { TILE_MR = 8, TILE_NR = 32, TILE_LANES = 16, TILE_VECTORS = TILE_NR / TILE_LANES };

/* Panels come from L2, whose prefetchers stop at pages: how many pairs of k ahead they are asked for. */
enum { ASKS_A = 32, ASKS_B = 8 };

static HONE__GEMM_INLINE __m512 step_two(__m512 acc, __m512i a, __m512i b)
{
    return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b);
}

/* A row of sums, `last` in the last vector, as bf16. The instructions flush denormals, which no sum is
 * after a step. */
static HONE__GEMM_INLINE void store_rounded(const int nv, const __m512 *acc, uint16_t *to, int last)
{
    const __mmask32 mask = (__mmask32)(((uint64_t)1 << ((nv - 1) * TILE_LANES + last)) - 1);
    if (nv == 1) {
        _mm256_mask_storeu_epi16(to, (__mmask16)mask, (__m256i)_mm512_cvtneps_pbh(acc[0]));
    } else {
        _mm512_mask_storeu_epi16(to, mask, (__m512i)_mm512_cvtne2ps_pbh(acc[1], acc[0]));
    }
}

/* Sums go to C, or with `narrow` rounded to `to`. */
static HONE__GEMM_INLINE void tile_of(const int mr, const int nv, const hone__gemm_tile *t,
                                      const int narrow, uint16_t *to, int64_t to_rs)
{
    __m512 acc[TILE_MR][TILE_VECTORS];
    const int last = t->nr - (nv - 1) * TILE_LANES;
    const __mmask16 mask = (__mmask16)((1u << last) - 1);
    HONE__GEMM_UNROLL
    for (int i = 0; i < mr; i++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            const float *c = (const float *)t->c + i * t->c_rs + j * TILE_LANES;
            acc[i][j] = !t->resume    ? _mm512_setzero_ps()
                        : j == nv - 1 ? _mm512_maskz_loadu_ps(mask, c)
                                      : _mm512_loadu_ps(c);
        }
    }
    const int *a = t->a, *b = t->b;
    HONE__GEMM_UNROLL_2
    for (int64_t p = (t->k + 1) / 2; p > 0; p--) {
        __m512i bv[TILE_VECTORS];
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            __builtin_prefetch(b + ASKS_B * TILE_NR + j * TILE_LANES, 0, 3);
        }
        __builtin_prefetch(a + ASKS_A * TILE_MR, 0, 3);
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            bv[j] = _mm512_loadu_si512(b + j * TILE_LANES);
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < mr; i++) {
            const __m512i av = _mm512_set1_epi32(a[i]);
            HONE__GEMM_UNROLL
            for (int j = 0; j < nv; j++) {
                acc[i][j] = step_two(acc[i][j], av, bv[j]);
            }
        }
        a += TILE_MR;
        b += TILE_NR;
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < mr; i++) {
        if (narrow) {
            store_rounded(nv, acc[i], to + i * to_rs, last);
            continue;
        }
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            float *c = (float *)t->c + i * t->c_rs + j * TILE_LANES;
            if (j == nv - 1) {
                _mm512_mask_storeu_ps(c, mask, acc[i][j]);
            } else {
                _mm512_storeu_ps(c, acc[i][j]);
            }
        }
    }
}

/* ... of rows + 4. */
static HONE__GEMM_INLINE void tile_of_5(const int rows, const int nv, const hone__gemm_tile *t,
                                        const int narrow, uint16_t *to, int64_t to_rs)
{
    tile_of(rows + 4, nv, t, narrow, to, to_rs);
}

static HONE__GEMM_INLINE void tile_rows(const int nv, const hone__gemm_tile *t, const int narrow,
                                        uint16_t *to, int64_t to_rs)
{
    if (t->mr == 8) {
        tile_of(8, nv, t, narrow, to, to_rs);
    } else if (t->mr > 4) {
        HONE__BF16_BY_ROWS(t->mr - 4, tile_of_5, nv, t, narrow, to, to_rs);
    } else {
        HONE__BF16_BY_ROWS(t->mr, tile_of, nv, t, narrow, to, to_rs);
    }
}

static HONE__GEMM_INLINE void tile_columns(const hone__gemm_tile *t, const int narrow, uint16_t *to,
                                           int64_t to_rs)
{
    if (t->nr > TILE_LANES) {
        tile_rows(2, t, narrow, to, to_rs);
    } else {
        tile_rows(1, t, narrow, to, to_rs);
    }
}

static void tile(const hone__gemm_tile *t)
{
    tile_columns(t, 0, NULL, 0);
}

static void tile_narrow(const hone__gemm_tile *t, uint16_t *to, int64_t to_rs)
{
    tile_columns(t, 1, to, to_rs);
}

/* ---- rows: B where it lies ---- */

/* 32 columns of two k, or of one. `some`: of the columns that `mask` says. */
static HONE__GEMM_INLINE void two_k(const uint16_t *b, int64_t b_rs, bool both, bool some,
                                    __mmask32 mask, __m512i *out)
{
    __m512i second = _mm512_setzero_si512();
    const __m512i first = some ? _mm512_maskz_loadu_epi16(mask, b) : _mm512_loadu_si512(b);
    if (both) {
        second = some ? _mm512_maskz_loadu_epi16(mask, b + b_rs) : _mm512_loadu_si512(b + b_rs);
    }
    pair_up(first, second, out);
}

/* `pairs` pairs of k of 32 columns, of which those in `mask` are there: sums wait in c. */
static HONE__GEMM_INLINE void rows_columns(const int pairs, const int rows, bool both, bool some,
                                           __mmask32 mask, int x[4][HONE__BF16_ROWS],
                                           const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs)
{
    const __mmask16 low = (__mmask16)mask, high = (__mmask16)(mask >> 16);
    __m512i w[4][2];
    HONE__GEMM_UNROLL
    for (int q = 0; q < pairs; q++) {
        two_k(b + 2 * q * b_rs, b_rs, both, some, mask, w[q]);
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        float *y = c + i * c_rs;
        __m512 acc0 = some ? _mm512_maskz_loadu_ps(low, y) : _mm512_loadu_ps(y);
        __m512 acc1 = some ? _mm512_maskz_loadu_ps(high, y + 16) : _mm512_loadu_ps(y + 16);
        HONE__GEMM_UNROLL
        for (int q = 0; q < pairs; q++) {
            const __m512i av = _mm512_set1_epi32(x[q][i]);
            acc0 = step_two(acc0, av, w[q][0]);
            acc1 = step_two(acc1, av, w[q][1]);
        }
        if (some) {
            _mm512_mask_storeu_ps(y, low, acc0);
            _mm512_mask_storeu_ps(y + 16, high, acc1);
        } else {
            _mm512_storeu_ps(y, acc0);
            _mm512_storeu_ps(y + 16, acc1);
        }
    }
}

/* The same of a run, which stays in L1. `asks`: for the rows of B that come next. */
static HONE__GEMM_INLINE void rows_step(const int pairs, const int rows, bool both, bool asks,
                                        int64_t n, int x[4][HONE__BF16_ROWS], const uint16_t *b,
                                        int64_t b_rs, float *c, int64_t c_rs)
{
    int64_t j = 0;
    for (; j + 32 <= n; j += 32) {
        if (asks) {
            HONE__GEMM_UNROLL
            for (int q = 0; q < 2 * pairs; q++) {
                __builtin_prefetch(b + (2 * pairs + q) * b_rs + j, 0, 3);
            }
        }
        rows_columns(pairs, rows, both, false, ~(__mmask32)0, x, b + j, b_rs, c + j, c_rs);
    }
    if (j < n) {
        const __mmask32 mask = ((__mmask32)1 << (n - j)) - 1;
        rows_columns(pairs, rows, both, true, mask, x, b + j, b_rs, c + j, c_rs);
    }
}

static HONE__GEMM_INLINE void rows_of(const int rows, int64_t k, int64_t n, const uint16_t *a,
                                      int64_t a_rs, int64_t a_cs, const uint16_t *b, int64_t b_rs,
                                      float *c, int64_t c_rs)
{
    for (int64_t p = 0; p < k; p += 8) {
        const int64_t some = k - p < 8 ? k - p : 8;
        const int pairs = (int)(some + 1) / 2;
        int x[4][HONE__BF16_ROWS];
        for (int i = 0; i < rows; i++) {
            const uint16_t *from = a + i * a_rs + p * a_cs;
            for (int q = 0; q < pairs; q++) {
                const uint32_t first = from[2 * q * a_cs];
                const uint32_t second =
                    2 * q + 1 < some ? from[(2 * q + 1) * a_cs] : HONE__BF16_PAD_A;
                x[q][i] = (int)(first << 16 | second);
            }
        }
        const uint16_t *at = b + p * b_rs;
        if (some == 8) {
            rows_step(4, rows, true, false, n, x, at, b_rs, c, c_rs);
        } else {
            for (int q = 0; q < pairs; q++) {
                rows_step(1, rows, 2 * q + 1 < some, false, n, x + q, at + 2 * q * b_rs, b_rs, c,
                          c_rs);
            }
        }
    }
}

static void rows(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs, int64_t a_cs,
                 const uint16_t *b, int64_t b_rs, float *c, int64_t c_rs, bool resume)
{
    for (int i = 0; i < rows && !resume; i++) {
        memset(c + i * c_rs, 0, (size_t)n * sizeof *c);
    }
    HONE__BF16_BY_ROWS(rows, rows_of, k, n, a, a_rs, a_cs, b, b_rs, c, c_rs);
}
