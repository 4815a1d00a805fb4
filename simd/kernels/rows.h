/* rows.h: softmax, logsumexp, cross-entropy and their backward passes, row by row, f32 and f64.
 * (fragment: reduce.h) */

#ifndef LOGS
#define LOGS 64 /* rows whose logarithms are taken together */
#endif

/* Of exp(x[i] - shift) over one block what the sum's lanes have, folded to a vector's; if `keep`
 * they go to y. Meanwhile what lies `ahead` of x, the next row, is asked for: its memory comes while
 * this row is computed. */
HONE__INLINE VREAL R(exp_lanes)(int64_t n, REAL *y, const REAL *x, int64_t ahead, VREAL shift,
                                bool keep)
{
    const VREAL none = R(set)((REAL)-0.0);
    VREAL acc[N_ACC];
    for (int v = 0; v < N_ACC; v++)
        acc[v] = none;
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES) {
        for (int line = 0; line < VIRTUAL_LANES * (int)sizeof(REAL); line += 64)
            __builtin_prefetch((const char *)(x + ahead + i) + line);
        for (int v = 0; v < N_ACC; v += EXP_GROUP) {
            VREAL e[EXP_GROUP];
            for (int k = 0; k < EXP_GROUP; k++)
                e[k] = R(sub)(R(load)(x + i + (v + k) * LANES), shift);
            R(exp_group)(e);
            for (int k = 0; k < EXP_GROUP; k++) {
                acc[v + k] = R(add)(acc[v + k], e[k]);
                if (keep)
                    R(store)(y + i + (v + k) * LANES, e[k]);
            }
        }
    }
    for (int v = 0; v < N_ACC && i < n; v += EXP_GROUP, i += EXP_GROUP * LANES) {
        VREAL e[EXP_GROUP];
        for (int k = 0; k < EXP_GROUP; k++)
            e[k] = R(sub)(R(load_part)(x + i + k * LANES, n - i - k * LANES, shift), shift);
        if (n - i > EXP_GROUP / 2 * LANES)
            R(exp_group)(e);
        else
            for (int k = 0; k < EXP_GROUP / 2 && k * LANES < n - i; k++)
                e[k] = R(exp)(e[k]);
        for (int k = 0; k < EXP_GROUP; k++) {
            const int64_t rest = n - i - k * LANES;
            if (rest <= 0)
                continue;
            acc[v + k] = R(add)(acc[v + k], rest >= LANES ? e[k] : R(keep_n)(e[k], rest, none));
            if (keep)
                R(put)(y + i + k * LANES, e[k], rest < LANES ? rest : LANES);
        }
    }
    return R(fold_lanes)(acc, R(add));
}

HONE__INLINE REAL R(exp_block)(int64_t n, REAL *y, const REAL *x, int64_t ahead, REAL by, bool keep)
{
    return R(fold)(R(exp_lanes)(n, y, x, ahead, R(set)(by), keep), R(add));
}

/* Up to two vectors' worth stays in registers: e[0], e[1] (the absent lanes -0.0) and their sum. */
HONE__INLINE REAL R(exp_short)(int64_t n, VREAL e[2], const REAL *x, REAL by)
{
    const VREAL shift = R(set)(by), none = R(set)((REAL)-0.0);
    const int64_t rest = n - LANES;
    if (rest < 0) {
        e[0] = R(keep_n)(R(exp)(R(sub)(R(load_n)(x, n, shift), shift)), n, none);
        return R(fold)(e[0], R(add));
    }
    e[0] = R(exp)(R(sub)(R(load)(x), shift));
    if (rest == 0)
        return R(fold)(e[0], R(add));
    if (rest == LANES)
        e[1] = R(exp)(R(sub)(R(load)(x + LANES), shift));
    else
        e[1] = R(keep_n)(R(exp)(R(sub)(R(load_n)(x + LANES, rest, shift), shift)), rest, none);
    return R(fold)(R(add)(e[0], e[1]), R(add));
}

HONE__INLINE void R(store_short)(int64_t n, REAL *y, const VREAL e[2])
{
    if (n < LANES) {
        R(store_n)(y, e[0], n);
        return;
    }
    R(store)(y, e[0]);
    if (n == 2 * LANES)
        R(store)(y + LANES, e[1]);
    else if (n > LANES)
        R(store_n)(y + LANES, e[1], n - LANES);
}

/* The same over a row; y may be NULL. */
static REAL R(exp_row)(int64_t n, REAL *y, const REAL *x, int64_t ahead, REAL shift)
{
    if (!y && n <= 2 * LANES) {
        VREAL e[2];
        return R(exp_short)(n, e, x, shift);
    }
    if (n <= BLOCK)
        return y ? R(exp_block)(n, y, x, ahead, shift, true)
                 : R(exp_block)(n, NULL, x, ahead, shift, false);
    R(tree) tree;
    tree.top = 0;
    tree.count = 0;
    for (int64_t i = 0; i < n; i += BLOCK)
        R(tree_add)
    (&tree, R(exp_row)(n - i < BLOCK ? n - i : BLOCK, y ? y + i : NULL, x + i, ahead, shift),
     R(add));
    return R(tree_total)(&tree, R(add));
}

/* The sum of a[i] * b[i] in the order of a sum, each step an fma. */
HONE__INLINE REAL R(dot_block)(int64_t n, const REAL *a, const REAL *b)
{
    const VREAL none = R(set)((REAL)-0.0), zero = R(set)(0);
    VREAL acc[N_ACC];
    for (int v = 0; v < N_ACC; v++)
        acc[v] = none;
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES)
        for (int v = 0; v < N_ACC; v++)
            acc[v] = R(fma)(R(load)(a + i + v * LANES), R(load)(b + i + v * LANES), acc[v]);
    for (int v = 0; v < N_ACC && i < n; v++, i += LANES) {
        if (n - i >= LANES)
            acc[v] = R(fma)(R(load)(a + i), R(load)(b + i), acc[v]);
        else /* -0 times 0 leaves an absent lane -0 */
            acc[v] = R(fma)(R(load_n)(a + i, n - i, none), R(load_n)(b + i, n - i, zero), acc[v]);
    }
    return R(fold)(R(fold_lanes)(acc, R(add)), R(add));
}

static REAL R(dot_row)(int64_t n, const REAL *a, const REAL *b)
{
    if (n <= BLOCK)
        return R(dot_block)(n, a, b);
    R(tree) tree;
    tree.top = 0;
    tree.count = 0;
    for (int64_t i = 0; i < n; i += BLOCK) {
        const REAL dot = R(dot_block)(n - i < BLOCK ? n - i : BLOCK, a + i, b + i);
        R(tree_add)(&tree, dot, R(add));
    }
    return R(tree_total)(&tree, R(add));
}

static REAL R(row_max)(int64_t n, const REAL *x)
{
    return R(row)(n, x, R(max_block), R(max));
}

/* ---- forward ---- */

static void R(softmax_short)(int64_t n, REAL *y, const REAL *x)
{
    VREAL e[2] = { R(set)(0), R(set)(0) };
    const VREAL scale = R(set)(1 / R(exp_short)(n, e, x, R(row_max)(n, x)));
    e[0] = R(mul)(e[0], scale);
    e[1] = R(mul)(e[1], scale);
    R(store_short)(n, y, e);
}

static void R(k_softmax)(int64_t rows, int64_t cols, void *yv, int64_t sy, const void *xv,
                         int64_t sx)
{
    for (int64_t r = 0; r < rows && cols > 0; r++) {
        REAL *y = (REAL *)yv + r * sy;
        const REAL *x = (const REAL *)xv + r * sx;
        if (cols <= 2 * LANES) {
            R(softmax_short)(cols, y, x);
            continue;
        }
        const REAL sum = R(exp_row)(cols, y, x, sx, R(row_max)(cols, x));
        R(map2_right)(cols, y, y, 1 / sum, R(mul));
    }
}

/* y = (x - max) - log_sum */
static void R(log_softmax_row)(int64_t n, REAL *y, const REAL *x, REAL max, REAL log_sum)
{
    const VREAL a = R(set)(max), b = R(set)(log_sum);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(store)(y + i, R(sub)(R(sub)(R(load)(x + i), a), b));
    if (i < n)
        R(store_n)(y + i, R(sub)(R(sub)(R(load_n)(x + i, n - i, a), a), b), n - i);
}

static void R(k_log_softmax)(int64_t rows, int64_t cols, void *yv, int64_t sy, const void *xv,
                             int64_t sx)
{
    REAL max[LOGS], sum[LOGS];
    for (int64_t r = 0; r < rows && cols > 0; r += LOGS) {
        const int64_t n = rows - r < LOGS ? rows - r : LOGS;
        const REAL *x = (const REAL *)xv + r * sx;
        REAL *y = (REAL *)yv + r * sy;
        for (int64_t k = 0; k < n; k++) {
            max[k] = R(row_max)(cols, x + k * sx);
            sum[k] = R(exp_row)(cols, NULL, x + k * sx, sx, max[k]);
        }
        R(dense_log)(n, sum, sum);
        for (int64_t k = 0; k < n; k++)
            R(log_softmax_row)(cols, y + k * sy, x + k * sx, max[k], sum[k]);
    }
}

/* The max to subtract; one that is not finite would make inf - inf. */
static REAL R(shift)(int64_t n, const REAL *x)
{
    const REAL max = R(row_max)(n, x);
    return max - max == 0 ? max : 0;
}

static void R(k_logsumexp)(int64_t rows, int64_t cols, void *outv, int64_t so, const void *xv,
                           int64_t sx)
{
    REAL *out = outv, max[LOGS], sum[LOGS];
    for (int64_t r = 0; r < rows; r += LOGS) {
        const int64_t n = rows - r < LOGS ? rows - r : LOGS;
        const REAL *x = (const REAL *)xv + r * sx;
        for (int64_t k = 0; k < n; k++) {
            max[k] = cols > 0 ? R(shift)(cols, x + k * sx) : 0;
            sum[k] = cols > 0 ? R(exp_row)(cols, NULL, x + k * sx, sx, max[k]) : 0;
        }
        R(dense_log)(n, sum, sum);
        for (int64_t k = 0; k < n; k++)
            out[(r + k) * so] = max[k] + sum[k];
    }
}

static void R(k_cross_entropy)(int64_t rows, int64_t cols, void *lossv, void *maxv, void *log_sumv,
                               const void *xv, int64_t sx, const int64_t *target)
{
    REAL *loss = lossv, *max = maxv, *log_sum = log_sumv;
    const REAL *x = xv;
    for (int64_t r = 0; r < rows; r++) {
        max[r] = R(shift)(cols, x + r * sx);
        log_sum[r] = R(exp_row)(cols, NULL, x + r * sx, sx, max[r]);
    }
    R(dense_log)(rows, log_sum, log_sum);
    for (int64_t r = 0; r < rows; r++)
        loss[r] = log_sum[r] - (x[r * sx + target[r]] - max[r]);
}

/* ---- backward ---- */

static void R(k_softmax_backward)(int64_t rows, int64_t cols, void *dxv, int64_t sdx,
                                  const void *dyv, int64_t sdy, const void *yv, int64_t sy)
{
    for (int64_t r = 0; r < rows && cols > 0; r++) {
        REAL *dx = (REAL *)dxv + r * sdx;
        const REAL *dy = (const REAL *)dyv + r * sdy, *y = (const REAL *)yv + r * sy;
        const VREAL dot = R(set)(R(dot_row)(cols, dy, y));
        int64_t i = 0;
        for (; i + LANES <= cols; i += LANES)
            R(store)(dx + i, R(mul)(R(load)(y + i), R(sub)(R(load)(dy + i), dot)));
        if (i < cols) {
            const VREAL p = R(load_n)(y + i, cols - i, dot), q = R(load_n)(dy + i, cols - i, dot);
            R(store_n)(dx + i, R(mul)(p, R(sub)(q, dot)), cols - i);
        }
    }
}

static void R(k_log_softmax_backward)(int64_t rows, int64_t cols, void *dxv, int64_t sdx,
                                      const void *dyv, int64_t sdy, const void *yv, int64_t sy)
{
    for (int64_t r = 0; r < rows && cols > 0; r++) {
        REAL *dx = (REAL *)dxv + r * sdx;
        const REAL *dy = (const REAL *)dyv + r * sdy, *y = (const REAL *)yv + r * sy;
        const REAL total = R(row)(cols, dy, R(sum_block), R(add));
        const VREAL sum = R(set)(total);
        int64_t i = 0;
        for (; i + LANES <= cols; i += LANES)
            R(store)(dx + i, R(fnma)(R(exp)(R(load)(y + i)), sum, R(load)(dy + i)));
        if (i < cols) {
            const VREAL p = R(load_n)(y + i, cols - i, sum), q = R(load_n)(dy + i, cols - i, sum);
            R(store_n)(dx + i, R(fnma)(R(exp)(p), sum, q), cols - i);
        }
    }
}

HONE__INLINE VREAL R(probability)(VREAL x, VREAL max, VREAL log_sum)
{
    return R(exp)(R(sub)(R(sub)(x, max), log_sum));
}

static void R(k_cross_entropy_backward)(int64_t rows, int64_t cols, void *dxv, int64_t sdx,
                                        const void *xv, int64_t sx, const void *maxv,
                                        const void *log_sumv, const int64_t *target,
                                        const void *scalev, int64_t ss)
{
    for (int64_t r = 0; r < rows; r++) {
        REAL *dx = (REAL *)dxv + r * sdx;
        const REAL *x = (const REAL *)xv + r * sx;
        const VREAL max = R(set)(((const REAL *)maxv)[r]);
        const VREAL log_sum = R(set)(((const REAL *)log_sumv)[r]);
        const VREAL scale = R(set)(((const REAL *)scalev)[r * ss]);
        const VREAL hit = R(probability)(R(set)(x[target[r]]), max, log_sum);
        int64_t i = 0;
        for (; i + LANES <= cols; i += LANES)
            R(store)(dx + i, R(mul)(R(probability)(R(load)(x + i), max, log_sum), scale));
        if (i < cols) {
            const VREAL rest = R(probability)(R(load_n)(x + i, cols - i, max), max, log_sum);
            R(store_n)(dx + i, R(mul)(rest, scale), cols - i);
        }
        dx[target[r]] = R(first)(R(mul)(R(sub)(hit, R(set)(1)), scale));
    }
}
