/* gemm_few.h: body of `few` (contract: gemm_kernels.h), written for f32 and f64 (real_begin.h):
 * columns of B are turned in registers, and each turned vector is one step of a chain an output.
 * The ISA's file gives FEW_TURN(col, p, v), which sets v[q] to element p + q of LANES columns, for
 * FEW_STEP q, a power of two.
 *
 * A line of B is done with before the next columns', because columns that are pages apart share a
 * few lines of L1. Groups of columns take turns, as each waits for its chain. (fragment) */

enum { R(gemm_few_most) = 3, R(gemm_few_groups) = 4, R(gemm_few_line) = 64 / (int)sizeof(REAL) };

typedef struct {
    int64_t k, n;
    const REAL *a;
    int64_t a_rs, a_cs;
    const REAL *b;
    int64_t b_cs;
    REAL *c;
    int64_t c_rs;
    int resume;
} R(gemm_few_job);

/* A vector of columns from j on: the last one stands for those that are not there. */
typedef struct {
    const REAL *col[LANES];
    VREAL acc[R(gemm_few_most)];
} R(gemm_few_group);

static HONE__GEMM_INLINE void R(gemm_few_begin)(const int rows, const R(gemm_few_job) * job,
                                                int64_t j, R(gemm_few_group) * g)
{
    const int64_t there = job->n - j < LANES ? job->n - j : LANES;
    for (int i = 0; i < LANES; i++) {
        g->col[i] = job->b + (j + (i < there ? i : there - 1)) * job->b_cs;
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        g->acc[i] = R(set)(0);
        if (job->resume) {
            g->acc[i] = R(load_n)(job->c + i * job->c_rs + j, there, g->acc[i]);
        }
    }
}

static HONE__GEMM_INLINE void R(gemm_few_end)(const int rows, const R(gemm_few_job) * job,
                                              int64_t j, const R(gemm_few_group) * g)
{
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        REAL *to = job->c + i * job->c_rs + j;
        if (job->n - j < LANES) {
            R(store_n)(to, g->acc[i], job->n - j);
        } else {
            R(store)(to, g->acc[i]);
        }
    }
}

/* Whole steps of k. */
static HONE__GEMM_INLINE void R(gemm_few_steps)(const int rows, const R(gemm_few_job) * job,
                                                int64_t begin, int64_t end, R(gemm_few_group) * g)
{
    for (int64_t p = begin; p < end; p += FEW_STEP) {
        VREAL v[FEW_STEP];
        FEW_TURN(g->col, p, v);
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            const REAL *a = job->a + i * job->a_rs + p * job->a_cs;
            HONE__GEMM_UNROLL
            for (int q = 0; q < FEW_STEP; q++) {
                g->acc[i] = R(fma)(R(set)(a[q * job->a_cs]), v[q], g->acc[i]);
            }
        }
    }
}

/* One k at a time. */
static void R(gemm_few_rest)(int rows, const R(gemm_few_job) * job, int64_t begin,
                             R(gemm_few_group) * g)
{
    for (int64_t p = begin; p < job->k; p++) {
        REAL turned[LANES];
        for (int i = 0; i < LANES; i++) {
            turned[i] = g->col[i][p];
        }
        for (int i = 0; i < rows; i++) {
            const REAL a = job->a[i * job->a_rs + p * job->a_cs];
            g->acc[i] = R(fma)(R(set)(a), R(load)(turned), g->acc[i]);
        }
    }
}

/* Some groups of columns from j on. */
static HONE__GEMM_INLINE void R(gemm_few_columns)(const int rows, const int groups,
                                                  const R(gemm_few_job) * job, int64_t j)
{
    R(gemm_few_group) g[R(gemm_few_groups)];
    const int64_t steps = job->k & -FEW_STEP;
    HONE__GEMM_UNROLL
    for (int i = 0; i < groups; i++) {
        R(gemm_few_begin)(rows, job, j + i * LANES, &g[i]);
    }
    int64_t p = 0;
    for (; p + R(gemm_few_line) <= job->k; p += R(gemm_few_line)) {
        HONE__GEMM_UNROLL
        for (int i = 0; i < groups; i++) {
            R(gemm_few_steps)(rows, job, p, p + R(gemm_few_line), &g[i]);
        }
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < groups; i++) {
        R(gemm_few_steps)(rows, job, p, steps, &g[i]);
        if (steps < job->k) {
            R(gemm_few_rest)(rows, job, steps, &g[i]);
        }
        R(gemm_few_end)(rows, job, j + i * LANES, &g[i]);
    }
}

static HONE__GEMM_INLINE void R(gemm_few_rows)(const int rows, const int groups,
                                               const R(gemm_few_job) * job)
{
    int64_t j = 0;
    for (; j + (groups - 1) * LANES < job->n; j += groups * LANES) {
        R(gemm_few_columns)(rows, groups, job, j);
    }
    for (; j < job->n; j += LANES) {
        R(gemm_few_columns)(rows, 1, job, j);
    }
}

static void R(gemm_few)(int64_t k, int rows, int64_t n, const void *a, int64_t a_rs, int64_t a_cs,
                        const void *b, int64_t b_cs, void *c, int64_t c_rs, int resume)
{
    const R(gemm_few_job) job = { k, n, a, a_rs, a_cs, b, b_cs, c, c_rs, resume };
    switch (rows) {
    case 1:
        R(gemm_few_rows)(1, 4, &job);
        break;
    case 2:
        R(gemm_few_rows)(2, 2, &job);
        break;
    default:
        R(gemm_few_rows)(3, 2, &job);
    }
}

#undef FEW_TURN
#undef FEW_STEP
