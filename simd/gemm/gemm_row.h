/* gemm_row.h: body of `row` (contract: gemm_kernels.h), written for f32 and f64 (real_begin.h): one
 * row of A times a B that is read where it lies. Four rows of B pass at a time: y is loaded and
 * stored once for four FMAs, and B is read in few long runs, in which the memory is fastest.
 * (fragment) */

#define GEMM_ROWS 4

/* y[0..n) over `rows` rows of B; n <= LANES only if it is a tail. */
static HONE__GEMM_INLINE void R(gemm_row_step)(const int rows, int n, const VREAL *xv,
                                               const REAL *b, int64_t b_rs, REAL *y, int fresh)
{
    const int full = n == LANES;
    VREAL acc = R(set)(0);
    if (!fresh) {
        acc = full ? R(load)(y) : R(load_n)(y, n, acc);
    }
    HONE__GEMM_UNROLL
    for (int r = 0; r < rows; r++) {
        const REAL *p = b + r * b_rs;
        acc = R(fma)(xv[r], full ? R(load)(p) : R(load_n)(p, n, R(set)(0)), acc);
    }
    if (full) {
        R(store)(y, acc);
    } else {
        R(store_n)(y, acc, n);
    }
}

static HONE__GEMM_INLINE void R(gemm_row_group)(const int rows, int64_t n, const REAL *x,
                                                int64_t sx, const REAL *b, int64_t b_rs, REAL *y,
                                                int fresh)
{
    VREAL xv[GEMM_ROWS];
    HONE__GEMM_UNROLL
    for (int r = 0; r < rows; r++) {
        xv[r] = R(set)(x[r * sx]);
    }
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        R(gemm_row_step)(rows, LANES, xv, b + j, b_rs, y + j, fresh);
    }
    if (j < n) {
        R(gemm_row_step)(rows, (int)(n - j), xv, b + j, b_rs, y + j, fresh);
    }
}

static void R(gemm_row)(int64_t k, int64_t n, const void *x, int64_t sx, const void *b,
                        int64_t b_rs, void *y, int resume)
{
    const int64_t chunk = 8192 / (int64_t)sizeof(REAL); /* of y, stays in L1 */
    for (int64_t j = 0; j < n; j += chunk) {
        const int64_t cols = n - j < chunk ? n - j : chunk;
        int64_t p = 0;
        for (; p + GEMM_ROWS <= k; p += GEMM_ROWS) {
            R(gemm_row_group)
            (GEMM_ROWS, cols, (const REAL *)x + p * sx, sx, (const REAL *)b + p * b_rs + j, b_rs,
             (REAL *)y + j, p == 0 && !resume);
        }
        for (; p < k; p++) {
            R(gemm_row_group)
            (1, cols, (const REAL *)x + p * sx, sx, (const REAL *)b + p * b_rs + j, b_rs,
             (REAL *)y + j, p == 0 && !resume);
        }
    }
}

#undef GEMM_ROWS
