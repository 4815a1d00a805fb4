/* softmax_cols.h: softmax and its kin along the rows, f32 and f64: many columns at once, blocks of
 * rows as kernels.h says. (fragment: norm.h, the exp of the type) */

#ifndef EXP_TOGETHER
#define EXP_TOGETHER 4          /* vectors whose exponentials are in flight together */
enum { DROP, KEEP, KEEP_PAST }; /* what becomes of them beside their sum */
#endif

/* Rows of a matrix that is worked on in vectors of columns: element [k][0] at p + k * stride. */
typedef struct {
    REAL *out;
    const REAL *a, *b;
    int64_t so, sa, sb;
} R(lines);

static R(lines) R(lines_of)(const hone__softmax_cols *m)
{
    R(lines) l;
    l.out = m->out;
    l.a = m->a;
    l.b = m->b;
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

/* Vectors whose exponentials are in flight together: e = exp(x - shift), added to their sums. Side
 * by side in a row ... */
HONE__INLINE void R(exp_across)(const REAL *a, REAL *out, const REAL *shift, REAL *sum, int fate)
{
    VREAL e[EXP_TOGETHER];
    for (int k = 0; k < EXP_TOGETHER; k++)
        e[k] = R(exp)(R(sub)(R(load)(a + k * LANES), R(load)(shift + k * LANES)));
    for (int k = 0; k < EXP_TOGETHER; k++) {
        R(store)(sum + k * LANES, R(add)(R(load)(sum + k * LANES), e[k]));
        if (fate == KEEP)
            R(store)(out + k * LANES, e[k]);
        else if (fate == KEEP_PAST)
            R(store_past)(out + k * LANES, e[k]);
    }
}

/* n columns of a row, whole groups; the same ones of the next block are asked for. */
HONE__INLINE void R(exp_wide)(int64_t n, const REAL *a, const REAL *ahead, REAL *out,
                              const REAL *shift, REAL *sum, int fate)
{
    const int64_t group = EXP_TOGETHER * LANES;
    for (int64_t j = 0; j < n; j += group) {
        FORGET(fate); /* one loop for all */
        R(ask_for)(ahead + j, group);
        R(exp_across)(a + j, fate == DROP ? NULL : out + j, shift + j, sum + j, fate);
    }
}

/* ... or `count` lanes of n rows (a constant). */
HONE__INLINE VREAL R(exp_down)(int n, int64_t count, R(lines) l, VREAL shift, VREAL sum, bool keep)
{
    VREAL e[EXP_TOGETHER];
    FORGET(keep); /* as above */
    for (int k = 0; k < n; k++)
        e[k] = R(exp)(R(sub)(R(take)(l.a + k * l.sa, count), shift));
    for (int k = 0; k < n; k++) {
        sum = R(add)(sum, e[k]);
        if (keep)
            R(put)(l.out + k * l.so, e[k], count);
    }
    return sum;
}

/* `count` columns of a block. */
HONE__INLINE void R(exp_narrow)(int64_t rows, int64_t count, R(lines) l, const REAL *shift,
                                REAL *sum, bool keep)
{
    const VREAL by = R(take)(shift, count);
    VREAL acc = R(set)((REAL)-0.0);
    int64_t r = 0;
    for (; r + EXP_TOGETHER <= rows; r += EXP_TOGETHER) {
        acc = R(exp_down)(EXP_TOGETHER, count, l, by, acc, keep);
        l.a += EXP_TOGETHER * l.sa;
        l.out = keep ? l.out + EXP_TOGETHER * l.so : NULL;
    }
    for (; r < rows; r++) {
        acc = R(exp_down)(1, count, l, by, acc, keep);
        l.a += l.sa;
        l.out = keep ? l.out + l.so : NULL;
    }
    R(put)(sum, acc, count);
}

/* Memory takes one row after the other better than four in turn; meanwhile the same rows of the next
 * block are asked for. Only what is left of the columns goes down them. */
HONE__INLINE void R(exp_block_cols)(int64_t rows, int64_t cols, R(lines) l, const REAL *max,
                                    REAL *sum, int fate)
{
    const bool keep = fate != DROP;
    const int64_t group = EXP_TOGETHER * LANES, wide = cols - cols % group;
    REAL shift[HONE__SOFTMAX_COLS_BYTES / sizeof(REAL)];
    for (int64_t j = 0; j < cols; j += LANES) {
        const int64_t count = cols - j < LANES ? cols - j : LANES;
        R(put)(shift + j, R(finite_or_0)(R(take)(max + j, count)), count);
        R(put)(sum + j, R(set)((REAL)-0.0), count);
    }
    for (int64_t r = 0; r < rows; r++) {
        const REAL *a = l.a + r * l.sa, *ahead = a + HONE__COLS_BLOCK * l.sa;
        R(exp_wide)(wide, a, ahead, keep ? l.out + r * l.so : NULL, shift, sum, fate);
        R(ask_for)(ahead + wide, cols - wide);
    }
    l.a += wide;
    l.out = keep ? l.out + wide : NULL;
    int64_t j = wide;
    for (; j + LANES <= cols; j += LANES, l.a += LANES, l.out = keep ? l.out + LANES : NULL)
        R(exp_narrow)(rows, LANES, l, shift + j, sum + j, keep);
    if (j < cols)
        R(exp_narrow)(rows, cols - j, l, shift + j, sum + j, keep);
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
    const R(lines) l = R(lines_of)(m);
    const bool far = R(is_far)(m->rows, m->sa, FAR_EXTREMES);
    REAL *max = (REAL *)m->stats + block * cols, *sum = max + hone__cols_blocks(m->rows) * cols;
    int fate = DROP;
    /* Rows that begin with a line go past the caches: every other one was seen to be slower. */
    if (m->kind == HONE__SOFTMAX) {
        const bool lines = ((uintptr_t)l.out | (uintptr_t)l.so * sizeof(REAL)) % 64 == 0;
        fate = m->past && lines ? KEEP_PAST : KEEP;
    }
    switch (m->kind) {
    case HONE__SOFTMAX:
    case HONE__LOG_SOFTMAX:
    case HONE__LOGSUMEXP:
        R(max_cols_block)(n, cols, l.a, l.sa, max, far);
        R(exp_block_cols)(n, cols, l, max, sum, fate);
        if (fate == KEEP_PAST)
            store_past_end();
        break;
    case HONE__SOFTMAX_BACKWARD:
        R(dot_block_cols)(n, cols, l, sum);
        break;
    case HONE__LOG_SOFTMAX_BACKWARD:
        R(sum_cols_block)(n, cols, l.a, l.sa, sum, far);
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
        R(cols_combine)(m->rows, cols, sum, sum, R(sum_join));
        return;
    }
    if (m->kind == HONE__LOGSUMEXP)
        R(rescale)(blocks, cols, max, sum, top, true);
    else
        R(rescale)(blocks, cols, max, sum, top, false);
    R(cols_combine)(m->rows, cols, sum, sum, R(sum_join));
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

/* Columns [j, j + count) of a row. */
HONE__INLINE void R(end_part)(hone__softmax_kind kind, int64_t j, int64_t count, R(lines) l,
                              const REAL *p, const REAL *q)
{
    const VREAL a = R(take)(p + j, count), b = R(take)(q + j, count);
    R(put)(l.out + j, R(end_vector)(kind, count, l.out + j, l.a + j, l.b + j, a, b), count);
}

/* `past` (a constant): rows are written past the caches, from their first whole vector on. */
HONE__INLINE void R(end_block)(hone__softmax_kind kind, int64_t rows, int64_t cols, R(lines) l,
                               const REAL *p, const REAL *q, bool past)
{
    for (int64_t r = 0; r < rows; r++, l.out += l.so, l.a += l.sa, l.b += l.sb) {
        int64_t j = 0;
        if (past) {
            j = (int64_t)(-(uintptr_t)l.out % (LANES * sizeof(REAL)) / sizeof(REAL));
            j = j < cols ? j : cols;
            if (j > 0)
                R(end_part)(kind, 0, j, l, p, q);
        }
        for (; j + LANES <= cols; j += LANES) {
            const VREAL y = R(end_vector)(kind, LANES, l.out + j, l.a + j, l.b + j, R(load)(p + j),
                                          R(load)(q + j));
            if (past)
                R(store_past)(l.out + j, y);
            else
                R(store)(l.out + j, y);
        }
        if (j < cols)
            R(end_part)(kind, j, cols - j, l, p, q);
    }
}

HONE__INLINE void R(end_rows)(hone__softmax_kind kind, const hone__softmax_cols *m, int64_t rows,
                              R(lines) l, const REAL *p, const REAL *q)
{
    if (m->past) {
        R(end_block)(kind, rows, m->cols, l, p, q, true);
        store_past_end();
    } else {
        R(end_block)(kind, rows, m->cols, l, p, q, false);
    }
}

static void R(k_softmax_cols_end)(const hone__softmax_cols *m, int64_t block)
{
    const int64_t n = R(block_rows)(m, block), cols = m->cols;
    const REAL *p = m->stats, *q = p + hone__cols_blocks(m->rows) * cols;
    R(lines) l = R(lines_of)(m);
    if (!l.b) { /* an address for those that have no b */
        l.b = l.a;
        l.sb = l.sa;
    }
    switch (m->kind) {
    case HONE__SOFTMAX: /* out was read just now */
        R(end_block)(HONE__SOFTMAX, n, cols, l, p + block * cols, q, false);
        break;
    case HONE__LOG_SOFTMAX:
        R(end_rows)(HONE__LOG_SOFTMAX, m, n, l, p, q);
        break;
    case HONE__SOFTMAX_BACKWARD:
        R(end_rows)(HONE__SOFTMAX_BACKWARD, m, n, l, q, q);
        break;
    case HONE__LOG_SOFTMAX_BACKWARD:
        R(end_rows)(HONE__LOG_SOFTMAX_BACKWARD, m, n, l, q, q);
        break;
    case HONE__LOGSUMEXP:
        break;
    }
}
