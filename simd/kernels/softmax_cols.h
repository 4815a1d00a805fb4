/* softmax_cols.h: softmax and its kin along the rows, f32 and f64: many columns at once, blocks of
 * rows as kernels.h says. (fragment: norm.h, the exp of the type) */

#ifndef EXP_ROWS
#define EXP_ROWS 4 /* whose exponentials are in flight together */
#endif

/* Rows of a matrix that is worked on in vectors of columns: element [k][0] at p + k * stride. */
typedef struct {
    REAL *out;
    const REAL *a, *b;
    int64_t so, sa, sb;
} R(lines);

/* `m` from the first row of a block on. */
static R(lines) R(lines_at)(const hone__softmax_cols *m, int64_t block)
{
    const int64_t r = block * HONE__COLS_BLOCK;
    R(lines) l;
    l.out = m->out ? (REAL *)m->out + r * m->so : NULL;
    l.a = (const REAL *)m->a + r * m->sa;
    l.b = m->b ? (const REAL *)m->b + r * m->sb : NULL;
    l.so = m->so;
    l.sa = m->sa;
    l.sb = m->sb;
    return l;
}

static int64_t R(block_rows)(const hone__softmax_cols *m, int64_t block)
{
    const int64_t rest = m->rows - block * HONE__COLS_BLOCK;
    return rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK;
}

/* ---- begin: n rows (a constant) and `count` lanes into the sums of one vector of columns ---- */

HONE__INLINE VREAL R(finite_or_0)(VREAL x)
{
    const VREAL zero = R(set)(0);
    return R(select)(R(eq)(R(sub)(x, x), zero), x, zero);
}

/* e = exp(x - max), summed and, if `keep`, written. */
HONE__INLINE VREAL R(exp_part)(int n, int64_t count, R(lines) l, VREAL sum, VREAL shift, bool keep)
{
    VREAL e[EXP_ROWS];
    for (int k = 0; k < n; k++)
        e[k] = R(exp)(R(sub)(R(take)(l.a + k * l.sa, count), shift));
    for (int k = 0; k < n; k++) {
        sum = R(add)(sum, e[k]);
        if (keep)
            R(put)(l.out + k * l.so, e[k], count);
    }
    return sum;
}

HONE__INLINE void R(exp_block_cols)(int64_t rows, int64_t cols, R(lines) l, const REAL *max,
                                    REAL *sum, bool keep)
{
    for (int64_t r = 0; r < rows; r += EXP_ROWS, l.a += EXP_ROWS * l.sa) {
        for (int64_t j = 0; j < cols; j += LANES) {
            const int64_t count = cols - j < LANES ? cols - j : LANES;
            const VREAL shift = R(finite_or_0)(R(take)(max + j, count));
            VREAL acc = r == 0 ? R(set)((REAL)-0.0) : R(take)(sum + j, count);
            R(lines) at = l;
            at.a += j;
            if (keep)
                at.out += j;
            if (rows - r >= EXP_ROWS && count == LANES) {
                acc = R(exp_part)(EXP_ROWS, LANES, at, acc, shift, keep);
            } else {
                for (int64_t k = r; k < rows && k < r + EXP_ROWS; k++, at.a += at.sa) {
                    acc = R(exp_part)(1, count, at, acc, shift, keep);
                    if (keep)
                        at.out += at.so;
                }
            }
            R(put)(sum + j, acc, count);
        }
        if (keep)
            l.out += EXP_ROWS * l.so;
    }
}

/* sum over rows of a * b */
HONE__INLINE void R(dot_block_cols)(int64_t rows, int64_t cols, R(lines) l, REAL *sum)
{
    for (int64_t r = 0; r < rows; r++, l.a += l.sa, l.b += l.sb) {
        for (int64_t j = 0; j < cols; j += LANES) {
            const int64_t count = cols - j < LANES ? cols - j : LANES;
            const VREAL acc = r == 0 ? R(set)((REAL)-0.0) : R(take)(sum + j, count);
            R(put)(sum + j, R(fma)(R(take)(l.a + j, count), R(take)(l.b + j, count), acc), count);
        }
    }
}

static void R(k_softmax_cols_begin)(const hone__softmax_cols *m, int64_t block)
{
    const int64_t n = R(block_rows)(m, block), cols = m->cols;
    const R(lines) l = R(lines_at)(m, block);
    const bool far = R(is_far)(m->rows, m->sa, FAR_EXTREMES);
    REAL *max = (REAL *)m->stats + block * cols, *sum = max + hone__cols_blocks(m->rows) * cols;
    switch (m->kind) {
    case HONE__SOFTMAX:
        R(cols_block)(n, cols, l.a, l.sa, max, R(max_chain), (REAL)-INFINITY, far);
        R(exp_block_cols)(n, cols, l, max, sum, true);
        break;
    case HONE__LOG_SOFTMAX:
    case HONE__LOGSUMEXP:
        R(cols_block)(n, cols, l.a, l.sa, max, R(max_chain), (REAL)-INFINITY, far);
        R(exp_block_cols)(n, cols, l, max, sum, false);
        break;
    case HONE__SOFTMAX_BACKWARD:
        R(dot_block_cols)(n, cols, l, sum);
        break;
    case HONE__LOG_SOFTMAX_BACKWARD:
        R(cols_block)(n, cols, l.a, l.sa, sum, R(sum_chain), (REAL)-0.0, far);
        break;
    }
}

/* ---- combine ---- */

/* Block maxima to exp(m_b - M), sums scaled by that; M goes to `top`. */
HONE__INLINE void R(rescale)(int64_t blocks, int64_t cols, REAL *max, REAL *sum, REAL *top,
                             bool finite)
{
    for (int64_t j = 0; j < cols; j += LANES) {
        const int64_t count = cols - j < LANES ? cols - j : LANES;
        VREAL most = R(take)(max + j, count);
        for (int64_t b = 1; b < blocks; b++)
            most = R(max)(most, R(take)(max + b * cols + j, count));
        if (finite)
            most = R(finite_or_0)(most);
        for (int64_t b = 0; b < blocks; b++) {
            REAL *s = sum + b * cols + j, *f = max + b * cols + j;
            const VREAL factor = R(exp)(R(sub)(R(take)(f, count), most));
            R(put)(s, R(mul)(R(take)(s, count), factor), count);
            R(put)(f, factor, count);
        }
        R(put)(top + j, most, count);
    }
}

static void R(k_softmax_cols_combine)(const hone__softmax_cols *m)
{
    const int64_t blocks = hone__cols_blocks(m->rows), cols = m->cols;
    REAL *max = m->stats, *sum = max + blocks * cols, top[HONE__SOFTMAX_COLS_BYTES / sizeof(REAL)];
    if (m->kind == HONE__SOFTMAX_BACKWARD || m->kind == HONE__LOG_SOFTMAX_BACKWARD) {
        R(cols_combine)(m->rows, cols, sum, sum, R(add));
        return;
    }
    if (m->kind == HONE__LOGSUMEXP)
        R(rescale)(blocks, cols, max, sum, top, true);
    else
        R(rescale)(blocks, cols, max, sum, top, false);
    R(cols_combine)(m->rows, cols, sum, sum, R(add));
    if (m->kind == HONE__SOFTMAX) {
        for (int64_t b = 0; b < blocks; b++)
            R(map2_dense)(cols, max + b * cols, max + b * cols, sum, R(div));
        return;
    }
    R(dense_log)(cols, sum, sum);
    if (m->kind == HONE__LOGSUMEXP)
        R(map2_dense)(cols, m->out, top, sum, R(add));
    else
        memcpy(max, top, (size_t)cols * sizeof(REAL));
}

/* ---- end ---- */

/* One vector of a row; p and q are what `combine` left for its columns. */
HONE__INLINE VREAL R(end_vector)(hone__softmax_kind kind, int64_t count, const REAL *out,
                                 const REAL *a, const REAL *b, VREAL p, VREAL q)
{
    switch (kind) {
    case HONE__SOFTMAX:
        return R(mul)(R(take)(out, count), p);
    case HONE__LOG_SOFTMAX:
        return R(sub)(R(sub)(R(take)(a, count), p), q);
    case HONE__SOFTMAX_BACKWARD:
        return R(mul)(R(take)(b, count), R(sub)(R(take)(a, count), q));
    default:
        return R(fnma)(R(exp)(R(take)(b, count)), q, R(take)(a, count));
    }
}

HONE__INLINE void R(end_block)(hone__softmax_kind kind, int64_t rows, int64_t cols, R(lines) l,
                               const REAL *p, const REAL *q)
{
    for (int64_t r = 0; r < rows; r++, l.out += l.so, l.a += l.sa, l.b += l.sb) {
        int64_t j = 0;
        for (; j + LANES <= cols; j += LANES)
            R(store)
        (l.out + j,
         R(end_vector)(kind, LANES, l.out + j, l.a + j, l.b + j, R(load)(p + j), R(load)(q + j)));
        if (j < cols)
            R(put)
        (l.out + j,
         R(end_vector)(kind, cols - j, l.out + j, l.a + j, l.b + j, R(take)(p + j, cols - j),
                       R(take)(q + j, cols - j)),
         cols - j);
    }
}

static void R(k_softmax_cols_end)(const hone__softmax_cols *m, int64_t block)
{
    const int64_t n = R(block_rows)(m, block), cols = m->cols;
    const REAL *p = m->stats, *q = p + hone__cols_blocks(m->rows) * cols;
    R(lines) l = R(lines_at)(m, block);
    if (!l.b) { /* an address for those that have no b */
        l.b = l.a;
        l.sb = l.sa;
    }
    switch (m->kind) {
    case HONE__SOFTMAX:
        R(end_block)(HONE__SOFTMAX, n, cols, l, p + block * cols, q);
        break;
    case HONE__LOG_SOFTMAX:
        R(end_block)(HONE__LOG_SOFTMAX, n, cols, l, p, q);
        break;
    case HONE__SOFTMAX_BACKWARD:
        R(end_block)(HONE__SOFTMAX_BACKWARD, n, cols, l, q, q);
        break;
    case HONE__LOG_SOFTMAX_BACKWARD:
        R(end_block)(HONE__LOG_SOFTMAX_BACKWARD, n, cols, l, q, q);
        break;
    case HONE__LOGSUMEXP:
        break;
    }
}
