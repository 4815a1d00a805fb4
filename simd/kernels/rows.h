/* rows.h: softmax, logsumexp, cross-entropy and their backward passes, row by row, f32 and f64.
 * (fragment: reduce.h) */

/* y[i] = exp(x[i] - shift) (y may be NULL) and the sum of one block of them. The absent lanes' +0
 * changes no sum: a row's sum is at least 1. */
HONE__INLINE REAL R(exp_block)(int64_t n, REAL *y, const REAL *x, REAL shift)
{
    const VREAL none = R(set)((REAL)-INFINITY), by = R(set)(shift);
    VREAL acc[N_ACC];
    for (int v = 0; v < N_ACC; v++)
        acc[v] = R(set)((REAL)-0.0);
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES) {
        for (int v = 0; v < N_ACC; v++) {
            const VREAL e = R(exp)(R(sub)(R(load)(x + i + v * LANES), by));
            acc[v] = R(add)(acc[v], e);
            if (y)
                R(store)(y + i + v * LANES, e);
        }
    }
    for (int v = 0; v < N_ACC && i < n; v++, i += LANES) {
        const bool whole = n - i >= LANES;
        const VREAL e = R(exp)(R(sub)(whole ? R(load)(x + i) : R(load_n)(x + i, n - i, none), by));
        acc[v] = R(add)(acc[v], e);
        if (y && whole)
            R(store)(y + i, e);
        else if (y)
            R(store_n)(y + i, e, n - i);
    }
    for (int h = N_ACC / 2; h >= 1; h /= 2)
        for (int v = 0; v < h; v++)
            acc[v] = R(add)(acc[v], acc[v + h]);
    return R(fold)(acc[0], R(sum_step));
}

HONE__INLINE REAL R(exp_row)(int64_t n, REAL *y, const REAL *x, REAL shift)
{
    if (n <= BLOCK)
        return R(exp_block)(n, y, x, shift);
    R(tree) tree;
    tree.top = 0;
    tree.count = 0;
    for (int64_t i = 0; i < n; i += BLOCK) {
        REAL *to = y ? y + i : NULL;
        const REAL sum = R(exp_block)(n - i < BLOCK ? n - i : BLOCK, to, x + i, shift);
        R(tree_add)(&tree, sum, R(sum_step));
    }
    return R(tree_total)(&tree, R(sum_step));
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
    for (int h = N_ACC / 2; h >= 1; h /= 2)
        for (int v = 0; v < h; v++)
            acc[v] = R(add)(acc[v], acc[v + h]);
    return R(fold)(acc[0], R(sum_step));
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
        R(tree_add)(&tree, dot, R(sum_step));
    }
    return R(tree_total)(&tree, R(sum_step));
}

static REAL R(row_max)(int64_t n, const REAL *x)
{
    return R(row)(n, x, R(max), R(max), (REAL)-INFINITY);
}

HONE__INLINE REAL R(log_one)(REAL x)
{
    return R(first)(R(log)(R(set)(x)));
}

/* ---- forward ---- */

static void R(k_softmax)(int64_t rows, int64_t cols, void *yv, int64_t sy, const void *xv,
                         int64_t sx)
{
    for (int64_t r = 0; r < rows && cols > 0; r++) {
        REAL *y = (REAL *)yv + r * sy;
        const REAL *x = (const REAL *)xv + r * sx;
        const REAL sum = R(exp_row)(cols, y, x, R(row_max)(cols, x));
        R(map2_right)(cols, y, y, 1 / sum, R(mul));
    }
}

static void R(k_log_softmax)(int64_t rows, int64_t cols, void *yv, int64_t sy, const void *xv,
                             int64_t sx)
{
    for (int64_t r = 0; r < rows && cols > 0; r++) {
        REAL *y = (REAL *)yv + r * sy;
        const REAL *x = (const REAL *)xv + r * sx;
        const REAL max = R(row_max)(cols, x);
        const REAL log_sum = R(log_one)(R(exp_row)(cols, NULL, x, max));
        R(map2_right)(cols, y, x, max, R(sub));
        R(map2_right)(cols, y, y, log_sum, R(sub));
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
    REAL *out = outv;
    for (int64_t r = 0; r < rows; r++) {
        const REAL *x = (const REAL *)xv + r * sx;
        if (cols == 0) {
            out[r * so] = (REAL)-INFINITY;
            continue;
        }
        const REAL shift = R(shift)(cols, x);
        out[r * so] = shift + R(log_one)(R(exp_row)(cols, NULL, x, shift));
    }
}

static void R(k_cross_entropy)(int64_t rows, int64_t cols, void *lossv, void *maxv, void *log_sumv,
                               const void *xv, int64_t sx, const int64_t *target)
{
    REAL *loss = lossv, *max = maxv, *log_sum = log_sumv;
    for (int64_t r = 0; r < rows; r++) {
        const REAL *x = (const REAL *)xv + r * sx;
        max[r] = R(shift)(cols, x);
        log_sum[r] = R(log_one)(R(exp_row)(cols, NULL, x, max[r]));
        loss[r] = log_sum[r] - (x[target[r]] - max[r]);
    }
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
        const REAL total = R(row)(cols, dy, R(sum_step), R(sum_step), (REAL)-0.0);
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
