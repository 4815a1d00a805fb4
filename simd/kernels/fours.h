/* fours.h: sums of f32 down columns in four chains: one vector of 16 bytes holds those of a column that lies
 * along memory, which needs no turning, and four rows side by side are one, read in memory's order.
 * (fragment: reduce_cols.h) */

enum {
    FOURS = 4,
    FOURS_TOGETHER = 8, /* columns that lie along memory */
    FOURS_FAR = 131072, /* bytes of a block, which may be one of many */
};
typedef float fours_sums __attribute__((vector_size(16)));
typedef float fours_there __attribute__((vector_size(16), aligned(4), may_alias));

static void k_sum_fours(int64_t rows, int64_t cols, const float *x, int64_t sx, float *out)
{
    _Alignas(64) float chain[FOURS * HONE__FOURS_COLS];
    const bool far = f32_goes_by_rows(rows, cols, sx, sx == cols ? FOURS_FAR : FAR_SUMS);
    if (sx == cols) { /* four rows are one */
        const int64_t whole = rows / FOURS, rest = rows % FOURS * cols;
        f32_sum_cols_block(whole, FOURS * cols, x, FOURS * cols, chain, far);
        x += whole * FOURS * cols;
        for (int64_t i = 0; i < rest; i++)
            chain[i] += x[i];
    } else {
        for (int64_t c = 0; c < FOURS; c++)
            f32_sum_cols_block((rows - c + FOURS - 1) / FOURS, cols, x + c * sx, FOURS * sx,
                               chain + c * cols, far);
    }
    for (int64_t j = 0; j < cols; j++)
        out[j] = (chain[j] + chain[2 * cols + j]) + (chain[cols + j] + chain[3 * cols + j]);
}

/* n columns (a constant). */
HONE__INLINE void fours_across(int n, int64_t rows, const float *x, int64_t sc, float *out)
{
    fours_sums sum[FOURS_TOGETHER];
    int64_t r = 0;
    for (int c = 0; c < n; c++)
        sum[c] = -(fours_sums){ 0 };
    for (; r + FOURS <= rows; r += FOURS)
        for (int c = 0; c < n; c++)
            sum[c] += *(const fours_there *)(x + c * sc + r);
    for (int c = 0; c < n; c++) {
        for (int64_t i = 0; r + i < rows; i++)
            sum[c][i] += x[c * sc + r + i];
        out[c] = (sum[c][0] + sum[c][2]) + (sum[c][1] + sum[c][3]);
    }
}

static void k_sum_fours_across(int64_t rows, int64_t cols, const float *x, int64_t sc, float *out)
{
    int64_t c = 0;
    for (; c + FOURS_TOGETHER <= cols; c += FOURS_TOGETHER)
        fours_across(FOURS_TOGETHER, rows, x + c * sc, sc, out + c);
    for (; c < cols; c++)
        fours_across(1, rows, x + c * sc, sc, out + c);
}
