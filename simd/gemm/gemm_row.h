/* gemm_row.h: body of `row` (contract: gemm_kernels.h), written for f32 and f64 (real_begin.h): one
 * row of A times a B that is read where it lies. A group of rows of B passes at a time: y is loaded
 * and stored once for as many FMAs.
 *
 * Prefetchers follow a row to the end of its page and not beyond. While the rows of a group pass
 * through a page, the beginnings of what comes after it are asked for, a line of each row every
 * four lines: the rest is up to the prefetchers again. (fragment) */

/* Rows of a group. From L2 and memory a y that does not fit L1 is hidden; from L3 it costs, so
 * there a short run of y has to stay in L1 while HONE__GEMM_ROWS rows pass through. */
#define ROWS_NEAR 4
#define ROWS_FAR  8

#define ROW_PAGE (4096 / (int64_t)sizeof(REAL))
#define ROW_STEP (256 / (int64_t)sizeof(REAL)) /* four lines */

/* y[0..n) over `rows` rows of B; n < LANES for a tail. */
static HONE__GEMM_INLINE void R(gemm_row_vector)(const int rows, const int full, int64_t n,
                                                 const VREAL *xv, const REAL *b, int64_t b_rs,
                                                 REAL *y, const int fresh)
{
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

/* Up to a page of each row; what comes next is asked for, or not if it is NULL. */
static HONE__GEMM_INLINE void R(gemm_row_page)(const int rows, int64_t n, const VREAL *xv,
                                               const REAL *b, int64_t b_rs, REAL *y,
                                               const int fresh, const REAL *next)
{
    int64_t j = 0;
    for (; next && j + ROW_STEP <= n; j += ROW_STEP) {
        HONE__GEMM_UNROLL
        for (int r = 0; r < rows; r++) {
            __builtin_prefetch(next + r * b_rs + j / 4, 0, 3);
        }
        HONE__GEMM_UNROLL
        for (int64_t i = 0; i < ROW_STEP; i += LANES) {
            R(gemm_row_vector)(rows, 1, LANES, xv, b + j + i, b_rs, y + j + i, fresh);
        }
    }
    for (; j + LANES <= n; j += LANES) {
        R(gemm_row_vector)(rows, 1, LANES, xv, b + j, b_rs, y + j, fresh);
    }
    if (j < n) {
        R(gemm_row_vector)(rows, 0, n - j, xv, b + j, b_rs, y + j, fresh);
    }
}

/* `rows` rows from b on. */
static HONE__GEMM_INLINE void R(gemm_row_group)(const int rows, const int asks, int64_t n,
                                                const REAL *x, int64_t sx, const REAL *b,
                                                int64_t b_rs, REAL *y, const int fresh)
{
    VREAL xv[ROWS_FAR];
    HONE__GEMM_UNROLL
    for (int r = 0; r < rows; r++) {
        xv[r] = R(set)(x[r * sx]);
    }
    int64_t j = 0;
    for (; asks && j + ROW_PAGE < n; j += ROW_PAGE) {
        R(gemm_row_page)(rows, ROW_PAGE, xv, b + j, b_rs, y + j, fresh, b + j + ROW_PAGE);
    }
    R(gemm_row_page)(rows, n - j, xv, b + j, b_rs, y + j, fresh, asks ? b + rows * b_rs : NULL);
}

/* As many whole groups as k has, at least one; how many rows that is. */
static HONE__GEMM_INLINE int64_t R(gemm_row_groups)(const int rows, const int asks, int64_t k,
                                                    int64_t n, const REAL *x, int64_t sx,
                                                    const REAL *b, int64_t b_rs, REAL *y, int fresh)
{
    int64_t p = 0;
    if (fresh) {
        R(gemm_row_group)(rows, asks, n, x, sx, b, b_rs, y, 1);
        p = rows;
    }
    for (; p + rows <= k; p += rows) {
        R(gemm_row_group)(rows, asks, n, x + p * sx, sx, b + p * b_rs, b_rs, y, 0);
    }
    return p;
}

/* clang-format off */
#define ROW_GROUPS(name, rows, asks)                                                               \
    static HONE__GEMM_NOINLINE int64_t R(gemm_row_##name)(int64_t k, int64_t n, const REAL *x,     \
                                                          int64_t sx, const REAL *b, int64_t b_rs, \
                                                          REAL *y, int fresh)                      \
    {                                                                                              \
        return R(gemm_row_groups)(rows, asks, k, n, x, sx, b, b_rs, y, fresh);                     \
    }
ROW_GROUPS(single, 1, 0)
ROW_GROUPS(near, ROWS_NEAR, 0)
ROW_GROUPS(away, HONE__GEMM_ROWS, 1)
ROW_GROUPS(far, ROWS_FAR, 1)
/* clang-format on */

static void R(gemm_row)(int64_t k, int64_t n, const void *x, int64_t sx, const void *b,
                        int64_t b_rs, void *y, int resume, hone__gemm_distance distance)
{
    int64_t p = 0;
    if (distance == HONE__GEMM_L2 && k >= ROWS_NEAR) {
        p = R(gemm_row_near)(k, n, x, sx, b, b_rs, y, !resume);
    } else if (distance == HONE__GEMM_L3 && k >= HONE__GEMM_ROWS) {
        p = R(gemm_row_away)(k, n, x, sx, b, b_rs, y, !resume);
    } else if (distance == HONE__GEMM_MEMORY && k >= ROWS_FAR) {
        p = R(gemm_row_far)(k, n, x, sx, b, b_rs, y, !resume);
    }
    if (p < k) {
        R(gemm_row_single)
        (k - p, n, (const REAL *)x + p * sx, sx, (const REAL *)b + p * b_rs, b_rs, y,
         p == 0 && !resume);
    }
}

#undef ROW_GROUPS
#undef ROWS_NEAR
#undef ROWS_FAR
#undef ROW_PAGE
#undef ROW_STEP
