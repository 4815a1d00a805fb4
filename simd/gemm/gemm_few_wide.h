/* gemm_few_wide.h: columns of B turned as many at a time as the widest vector has lanes, for
 * gemm_few.h where FEW_WIDE_TURN and FEW_WIDE_LINE are (fragment):
 *
 *   FEW_WIDE_TURN(x, bs, n, v)  TURN of gemm_turn.h, TURN_K elements
 *   FEW_WIDE_LINE(x, bs, v)     the same of a whole line of each column, a column's at once
 *
 * Three rows and more have work enough for what the wider vectors' turning takes. Of columns that
 * share lines of L1, each line is read once: a half of them would have left before a second time. */

enum {
    R(gemm_few_lines) = LANES * (int)sizeof(REAL) / 16,
    R(gemm_few_turned) = 16 / (int)sizeof(REAL)
};

typedef struct {
    REAL *x[R(gemm_few_lines)];
} R(gemm_few_wide_rows);

/* The turned vectors of n k. */
static HONE__GEMM_INLINE void R(gemm_few_wide_add)(const int rows, const int n, const REAL *a,
                                                   const VREAL *v, VREAL *acc)
{
    HONE__GEMM_UNROLL
    for (int q = 0; q < n; q++) {
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            acc[i] = R(fma)(R(set)(a[q * rows + i]), v[q], acc[i]);
        }
    }
}

static HONE__GEMM_INLINE void R(gemm_few_wide_move)(R(gemm_few_wide_rows) * b, int n)
{
    HONE__GEMM_UNROLL
    for (int l = 0; l < R(gemm_few_lines); l++) {
        b->x[l] += n;
        HONE__GEMM_OPAQUE(b->x[l]);
    }
}

/* The first k of LANES columns, then what is left of k one at a time. */
static HONE__GEMM_INLINE void R(gemm_few_wide_columns)(const int rows, const int by_lines,
                                                       const R(gemm_few_job) * job, int64_t j)
{
    VREAL acc[HONE__GEMM_FEW_ROWS];
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        acc[i] = job->resume ? R(load)(job->c + i * job->c_rs + j) : R(set)(0);
    }
    const int64_t bs = job->b_cs;
    const REAL *a = job->a;
    R(gemm_few_wide_rows) b;
    HONE__GEMM_UNROLL
    for (int l = 0; l < R(gemm_few_lines); l++) {
        b.x[l] = (REAL *)job->b + (j + l * (LANES / R(gemm_few_lines))) * bs;
    }
    int64_t left = job->k;
    for (; by_lines && left >= R(gemm_few_line); left -= R(gemm_few_line)) {
        VREAL v[R(gemm_few_line)];
        FEW_WIDE_LINE(b.x, bs, v);
        R(gemm_few_wide_move)(&b, R(gemm_few_line));
        R(gemm_few_wide_add)(rows, R(gemm_few_line), a, v, acc);
        a += R(gemm_few_line) * rows;
    }
    for (; left >= R(gemm_few_turned); left -= R(gemm_few_turned)) {
        VREAL v[R(gemm_few_turned)];
        FEW_WIDE_TURN(b.x, bs, R(gemm_few_turned), v);
        R(gemm_few_wide_move)(&b, R(gemm_few_turned));
        R(gemm_few_wide_add)(rows, R(gemm_few_turned), a, v, acc);
        a += R(gemm_few_turned) * rows;
    }
    for (; left > 0; left--) {
        REAL turned[LANES];
        const REAL *from = job->b + j * bs + job->k - left;
        for (int l = 0; l < LANES; l++) {
            turned[l] = from[l * bs];
        }
        const VREAL v = R(load)(turned);
        R(gemm_few_wide_add)(rows, 1, a, &v, acc);
        a += rows;
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        R(store)(job->c + i * job->c_rs + j, acc[i]);
    }
}

/* How many of the first columns are done. */
static HONE__GEMM_INLINE int64_t R(gemm_few_wide)(const int rows, bool by_lines,
                                                  const R(gemm_few_job) * job)
{
    enum { LEAST = 3 };
    int64_t j = 0;
    for (; by_lines && j + LANES <= job->n; j += LANES) {
        R(gemm_few_wide_columns)(rows, 1, job, j);
    }
    for (; rows >= LEAST && j + LANES <= job->n; j += LANES) {
        R(gemm_few_wide_columns)(rows, 0, job, j);
    }
    return j;
}
