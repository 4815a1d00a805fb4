/* moments.h: sums of squared deviations from the mean, f32 and f64. (fragment: reduce_cols.h)
 *
 * A block is read twice, the second time from L1 or L2: its mean, then the deviations from it, both
 * in the order of sums. Blocks are joined pairwise in order by Chan, Golub and LeVeque's formula
 * (Updating formulae and a pairwise algorithm for computing sample variances, 1979), so memory is
 * read once and the error doesn't grow with the mean. */

typedef struct {
    REAL mean, m2; /* m2: the sum of (x - mean)^2 */
    int64_t n;
} R(moments);

static R(moments) R(moments_block)(int64_t n, const REAL *x)
{
    R(moments) m;
    m.n = n;
    m.mean = R(sum_block)(n, x) / (REAL)n;
    m.m2 = R(steps_block)(n, x, R(deviation_step), m.mean);
    return m;
}

/* a and b as vectors of means and sums, counts the same in all lanes -> a. */
HONE__INLINE void R(moments_join_lanes)(VREAL *mean, VREAL *m2, int64_t n, VREAL b_mean, VREAL b_m2,
                                        int64_t b_n)
{
    const REAL share = (REAL)b_n / (REAL)(n + b_n);
    const VREAL d = R(sub)(b_mean, *mean);
    *mean = R(fma)(d, R(set)(share), *mean);
    *m2 = R(fma)(R(mul)(d, d), R(set)((REAL)n * share), R(add)(*m2, b_m2));
}

static R(moments) R(moments_join)(R(moments) a, R(moments) b)
{
    VREAL mean = R(set)(a.mean), m2 = R(set)(a.m2);
    R(moments_join_lanes)(&mean, &m2, a.n, R(set)(b.mean), R(set)(b.m2), b.n);
    R(moments) joined;
    joined.mean = R(first)(mean);
    joined.m2 = R(first)(m2);
    joined.n = a.n + b.n;
    return joined;
}

static R(moments) R(moments_row)(int64_t n, const REAL *x)
{
    if (n <= BLOCK)
        return R(moments_block)(n, x);
    R(moments) level[MAX_LEVELS];
    int top = 0;
    for (int64_t i = 0, b = 1; i < n; i += BLOCK, b++) {
        level[top++] = R(moments_block)(n - i < BLOCK ? n - i : BLOCK, x + i);
        for (int64_t bits = b; bits % 2 == 0; bits /= 2, top--)
            level[top - 2] = R(moments_join)(level[top - 2], level[top - 1]);
    }
    for (; top > 1; top--)
        level[top - 2] = R(moments_join)(level[top - 2], level[top - 1]);
    return level[0];
}

static void R(k_m2_rows)(int64_t rows, int64_t cols, const void *x, int64_t sx, void *out,
                         int64_t so)
{
    for (int64_t r = 0; r < rows; r++)
        ((REAL *)out)[r * so] = cols > 0 ? R(moments_row)(cols, (const REAL *)x + r * sx).m2 : 0;
}

static void R(k_m2_blocks)(int64_t cols, const void *x, int64_t begin, int64_t end,
                           hone__partial *out)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t rest = cols - b * BLOCK;
        const R(moments) m =
            R(moments_block)(rest < BLOCK ? rest : BLOCK, (const REAL *)x + b * BLOCK);
        memcpy(&out[b - begin].value, &m.m2, sizeof m.m2);
        memcpy(&out[b - begin].mean, &m.mean, sizeof m.mean);
        out[b - begin].index = m.n;
    }
}

static R(moments) R(moments_of)(const hone__partial *p)
{
    R(moments) m;
    m.m2 = R(partial)(p);
    memcpy(&m.mean, &p->mean, sizeof m.mean);
    m.n = p->index;
    return m;
}

static void R(k_m2_combine)(int64_t n, hone__partial *p, void *out)
{
    for (; n > 1; n = (n + 1) / 2) {
        for (int64_t i = 0; i + 1 < n; i += 2) {
            const R(moments) m = R(moments_join)(R(moments_of)(p + i), R(moments_of)(p + i + 1));
            memcpy(&p[i / 2].value, &m.m2, sizeof m.m2);
            memcpy(&p[i / 2].mean, &m.mean, sizeof m.mean);
            p[i / 2].index = m.n;
        }
        if (n % 2 == 1)
            p[n / 2] = p[n - 1];
    }
    *(REAL *)out = R(partial)(p);
}

/* ---- along the rows ---- */

HONE__INLINE void R(deviation_rows)(int n, int64_t cols, const REAL *x, int64_t sx,
                                    const REAL *mean, REAL *m2)
{
    int64_t j = 0;
    for (; j + LANES <= cols; j += LANES) {
        const VREAL centre = R(load)(mean + j);
        VREAL acc = R(load)(m2 + j);
        for (int k = 0; k < n; k++)
            acc = R(deviation_step)(acc, R(load)(x + k * sx + j), centre);
        R(store)(m2 + j, acc);
    }
    if (j < cols) {
        const VREAL zero = R(set)(0), centre = R(load_n)(mean + j, cols - j, zero);
        VREAL acc = R(load_n)(m2 + j, cols - j, zero);
        for (int k = 0; k < n; k++)
            acc = R(deviation_step)(acc, R(load_n)(x + k * sx + j, cols - j, zero), centre);
        R(store_n)(m2 + j, acc, cols - j);
    }
}

/* One block of 0 < rows <= HONE__COLS_BLOCK, so few columns that L2 holds it. */
static void R(moments_cols_block)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *m2,
                                  REAL *mean, bool far)
{
    R(cols_block)(rows, cols, x, sx, mean, R(sum_chain), (REAL)-0.0, far);
    R(map2_right)(cols, mean, mean, (REAL)rows, R(div));
    for (int64_t j = 0; j < cols; j++)
        m2[j] = (REAL)-0.0;
    int64_t r = 0;
    for (; r + ROWS_AT_ONCE <= rows; r += ROWS_AT_ONCE)
        R(deviation_rows)(ROWS_AT_ONCE, cols, x + r * sx, sx, mean, m2);
    for (; r < rows; r++)
        R(deviation_rows)(1, cols, x + r * sx, sx, mean, m2);
}

/* Columns of n rows, m2 and mean, and those of b_n rows behind them -> `to` (one of them or none).
 */
static void R(moments_cols_join)(int64_t cols, REAL *to_m2, REAL *to_mean, const REAL *m2,
                                 const REAL *mean, int64_t n, const REAL *b_m2, const REAL *b_mean,
                                 int64_t b_n)
{
    const VREAL zero = R(set)(0);
    for (int64_t j = 0; j < cols; j += LANES) {
        const bool whole = cols - j >= LANES;
        const int64_t rest = cols - j;
        VREAL mean_a = whole ? R(load)(mean + j) : R(load_n)(mean + j, rest, zero);
        VREAL m2_a = whole ? R(load)(m2 + j) : R(load_n)(m2 + j, rest, zero);
        const VREAL mean_b = whole ? R(load)(b_mean + j) : R(load_n)(b_mean + j, rest, zero);
        const VREAL m2_b = whole ? R(load)(b_m2 + j) : R(load_n)(b_m2 + j, rest, zero);
        R(moments_join_lanes)(&mean_a, &m2_a, n, mean_b, m2_b, b_n);
        if (whole) {
            R(store)(to_mean + j, mean_a);
            R(store)(to_m2 + j, m2_a);
        } else {
            R(store_n)(to_mean + j, mean_a, rest);
            R(store_n)(to_m2 + j, m2_a, rest);
        }
    }
}

/* A block's partial result: m2 of all columns, then their means. */
static void R(k_m2_cols_blocks)(int64_t rows, int64_t cols, const void *xv, int64_t sx,
                                int64_t begin, int64_t end, void *out)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t r = b * HONE__COLS_BLOCK, rest = rows - r;
        const int64_t n = rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK;
        const REAL *x = (const REAL *)xv + r * sx;
        REAL *m2 = (REAL *)out + (b - begin) * 2 * cols;
        for (int64_t j = 0; j < cols; j += 2 * PANEL)
            R(moments_cols_block)
        (n, cols - j < 2 * PANEL ? cols - j : 2 * PANEL, x + j, sx, m2 + j, m2 + cols + j,
         R(is_far)(rows, sx, FAR_SUMS));
    }
}

static void R(k_m2_cols_combine)(int64_t rows, int64_t cols, void *partials, void *out)
{
    REAL *p = partials;
    const size_t block = (size_t)(2 * cols) * sizeof(REAL);
    int64_t each = HONE__COLS_BLOCK; /* rows of all partial results but the last one */
    for (int64_t n = hone__cols_blocks(rows); n > 1; n = (n + 1) / 2, each *= 2) {
        for (int64_t i = 0; i + 1 < n; i += 2) {
            REAL *a = p + i * 2 * cols, *b = a + 2 * cols, *to = p + i * cols;
            R(moments_cols_join)
            (cols, to, to + cols, a, a + cols, each, b, b + cols,
             i + 2 < n ? each : rows - (i + 1) * each);
        }
        if (n % 2 == 1)
            memmove(p + n / 2 * 2 * cols, p + (n - 1) * 2 * cols, block);
    }
    memmove(out, p, block / 2);
}

static void R(k_m2_cols)(int64_t rows, int64_t cols, const void *xv, int64_t sx, void *out)
{
    REAL level[COLS_LEVELS][2][PANEL];
    for (int64_t j = 0; j < cols; j += PANEL) {
        const int64_t m = cols - j < PANEL ? cols - j : PANEL;
        const REAL *x = (const REAL *)xv + j;
        int64_t count[COLS_LEVELS + 1];
        int top = 0;
        for (int64_t r = 0, b = 1; r < rows; r += HONE__COLS_BLOCK, b++) {
            const int64_t n = rows - r < HONE__COLS_BLOCK ? rows - r : HONE__COLS_BLOCK;
            R(moments_cols_block)
            (n, m, x + r * sx, sx, level[top][0], level[top][1], R(is_far)(rows, sx, FAR_SUMS));
            count[top++] = n;
            for (int64_t bits = b; top > 1 && (bits % 2 == 0 || r + n == rows); bits /= 2) {
                REAL(*a)[PANEL] = level[top - 2], (*c)[PANEL] = level[top - 1];
                R(moments_cols_join)
                (m, a[0], a[1], a[0], a[1], count[top - 2], c[0], c[1], count[top - 1]);
                count[top - 2] += count[top - 1];
                top--;
            }
        }
        if (rows > 0)
            memcpy((REAL *)out + j, level[0][0], (size_t)m * sizeof(REAL));
        else
            memset((REAL *)out + j, 0, (size_t)m * sizeof(REAL));
    }
}
