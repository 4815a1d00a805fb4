/* across.h: sums of f32 down columns whose elements lie along memory, which transpose.h's squares turn in
 * registers: of a buffer's stores and loads nothing would be hidden. (fragment: transpose.h) */

enum { ACROSS = sizeof(row_of_4) / sizeof(float), ACROSS_TOGETHER = 3 };
typedef float across_sums __attribute__((vector_size(sizeof(row_of_4))));
typedef float across_there
    __attribute__((vector_size(sizeof(row_of_4)), aligned(sizeof(float)), may_alias));

/* n vectors of columns (a constant): one chain alone waits for each of its sums. */
HONE__INLINE void sum_across(int n, int64_t rows, const float *x, int64_t sc, float *out)
{
    across_sums sum[ACROSS_TOGETHER];
    int64_t r = 0;
    for (int v = 0; v < n; v++)
        sum[v] = -(across_sums){ 0 };
    for (; r + 4 <= rows; r += 4)
        for (int v = 0; v < n; v++) {
            row_of_4 column[4];
            size4_turn(column, (const uint32_t *)(const void *)(x + v * ACROSS * sc + r), sc);
            for (int i = 0; i < 4; i++)
                sum[v] += (across_sums)column[i];
        }
    for (int v = 0; v < n; v++)
        *(across_there *)(out + v * ACROSS) = sum[v];
    for (; r < rows; r++)
        for (int c = 0; c < n * ACROSS; c++)
            out[c] += x[c * sc + r];
}

static void k_sum_across(int64_t rows, int64_t cols, const float *x, int64_t sc, float *out)
{
    int64_t c = 0;
    for (; c + ACROSS_TOGETHER * ACROSS <= cols; c += ACROSS_TOGETHER * ACROSS)
        sum_across(ACROSS_TOGETHER, rows, x + c * sc, sc, out + c);
    for (; c + ACROSS <= cols; c += ACROSS)
        sum_across(1, rows, x + c * sc, sc, out + c);
    for (; c < cols; c++) {
        out[c] = -0.0F;
        for (int64_t r = 0; r < rows; r++)
            out[c] += x[c * sc + r];
    }
}
