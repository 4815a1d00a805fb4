/* norm.h: layer norm and its backward passes, row by row, f32 and f64. (fragment: moments.h)
 *
 * A row is read from memory once: what follows its mean finds it in L1. The backward passes make
 * mean and deviation again rather than have them kept. */

#ifndef NORM_ROWS
#define NORM_ROWS 4 /* that are normalised together */
#endif

/* What a row is normalised by: (x - mean) * scale. */
typedef struct {
    REAL mean, scale;
} R(norm);

HONE__INLINE R(norm) R(norm_of)(R(moments) m, REAL eps)
{
    R(norm) norm;
    norm.mean = m.base + m.shift;
    norm.scale = R(first)(R(rsqrt)(R(set)(m.m2 / (REAL)m.n + eps)));
    return norm;
}

HONE__INLINE VREAL R(normal)(VREAL x, VREAL mean, VREAL scale)
{
    return R(mul)(R(sub)(x, mean), scale);
}

HONE__INLINE void R(norm_lanes)(int64_t count, REAL *y, const REAL *x, const REAL *weight,
                                const REAL *bias, VREAL mean, VREAL scale)
{
    VREAL v = R(normal)(R(take)(x, count), mean, scale);
    if (weight && bias)
        v = R(fma)(v, R(take)(weight, count), R(take)(bias, count));
    else if (weight)
        v = R(mul)(v, R(take)(weight, count));
    else if (bias)
        v = R(add)(v, R(take)(bias, count));
    R(put)(y, v, count);
}

/* Meanwhile what lies `ahead` of x is asked for: the rows that are summed next. */
HONE__INLINE void R(norm_row)(int64_t n, REAL *y, const REAL *x, int64_t ahead, const REAL *weight,
                              const REAL *bias, R(norm) norm)
{
    const VREAL mean = R(set)(norm.mean), scale = R(set)(norm.scale);
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES) {
        for (int line = 0; line < VIRTUAL_LANES * (int)sizeof(REAL); line += 64)
            __builtin_prefetch((const char *)(x + ahead + i) + line, 0, 2);
        for (int64_t j = i; j < i + VIRTUAL_LANES; j += LANES)
            R(norm_lanes)
        (LANES, y + j, x + j, weight ? weight + j : NULL, bias ? bias + j : NULL, mean, scale);
    }
    for (; i < n; i += LANES)
        R(norm_lanes)
    (n - i < LANES ? n - i : LANES, y + i, x + i, weight ? weight + i : NULL,
     bias ? bias + i : NULL, mean, scale);
}

/* What n <= NORM_ROWS rows are normalised by; those of one block go through each step together: the
 * fold that ends one row's step waits for its own additions while the next row's begin. */
static void R(norms_of)(int64_t n, int64_t cols, const REAL *x, int64_t sx, REAL eps,
                        R(norm) * norm)
{
    REAL base[NORM_ROWS];
    R(moments) m[NORM_ROWS];
    for (int64_t k = 0; k < n && cols > BLOCK; k++)
        m[k] = R(moments_row)(cols, x + k * sx);
    for (int64_t k = 0; k < n && cols <= BLOCK; k++)
        base[k] = R(sum_block)(cols, x + k * sx) / (REAL)cols;
    for (int64_t k = 0; k < n && cols <= BLOCK; k++)
        m[k] = R(moments_about)(cols, x + k * sx, base[k]);
    for (int64_t k = 0; k < n; k++)
        norm[k] = R(norm_of)(m[k], eps);
}

static void R(k_layer_norm)(int64_t rows, int64_t cols, void *yv, int64_t sy, const void *xv,
                            int64_t sx, const void *weight, const void *bias, double eps)
{
    const int64_t at_once = cols * NORM_ROWS <= BLOCK ? NORM_ROWS : 1;
    R(norm) norm[NORM_ROWS];
    for (int64_t r = 0; r < rows && cols > 0; r += at_once) {
        const int64_t n = rows - r < at_once ? rows - r : at_once;
        const REAL *x = (const REAL *)xv + r * sx;
        REAL *y = (REAL *)yv + r * sy;
        R(norms_of)(n, cols, x, sx, (REAL)eps, norm);
        for (int64_t k = 0; k < n; k++) {
            const REAL *from = x + k * sx;
            if (weight && bias)
                R(norm_row)(cols, y + k * sy, from, at_once * sx, weight, bias, norm[k]);
            else if (weight)
                R(norm_row)(cols, y + k * sy, from, at_once * sx, weight, NULL, norm[k]);
            else
                R(norm_row)(cols, y + k * sy, from, at_once * sx, NULL, bias, norm[k]);
        }
    }
}

/* ---- backward ---- */

/* Sums over a row of g = dy * weight, and of g times the normalised x. */
typedef struct {
    REAL g, gx;
} R(norm_sums);

HONE__INLINE void R(norm_sum_lanes)(int64_t count, VREAL *g_sum, VREAL *gx_sum, const REAL *dy,
                                    const REAL *x, const REAL *weight, VREAL mean, VREAL scale)
{
    VREAL g = R(take)(dy, count);
    if (weight)
        g = R(mul)(g, R(take)(weight, count));
    VREAL v = R(normal)(R(take)(x, count), mean, scale);
    if (count < LANES) { /* an absent lane has no x: its g is 0 already */
        g = R(keep_n)(g, count, R(set)((REAL)-0.0));
        v = R(keep_n)(v, count, R(set)(0));
    }
    *g_sum = R(add)(*g_sum, g);
    *gx_sum = R(fma)(g, v, *gx_sum);
}

HONE__INLINE R(norm_sums)
    R(norm_sums_block)(int64_t n, const REAL *dy, const REAL *x, const REAL *weight, R(norm) norm)
{
    const VREAL mean = R(set)(norm.mean), scale = R(set)(norm.scale);
    VREAL g[N_ACC], gx[N_ACC];
    for (int v = 0; v < N_ACC; v++)
        g[v] = gx[v] = R(set)((REAL)-0.0);
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES)
        for (int v = 0; v < N_ACC; v++)
            R(norm_sum_lanes)
    (LANES, &g[v], &gx[v], dy + i + v * LANES, x + i + v * LANES,
     weight ? weight + i + v * LANES : NULL, mean, scale);
    for (int v = 0; v < N_ACC && i < n; v++, i += LANES)
        R(norm_sum_lanes)
    (n - i < LANES ? n - i : LANES, &g[v], &gx[v], dy + i, x + i, weight ? weight + i : NULL, mean,
     scale);
    R(norm_sums) sums;
    sums.g = R(fold)(R(fold_lanes)(g, R(add)), R(add));
    sums.gx = R(fold)(R(fold_lanes)(gx, R(add)), R(add));
    return sums;
}

HONE__INLINE R(norm_sums)
    R(norm_sums_row)(int64_t n, const REAL *dy, const REAL *x, const REAL *weight, R(norm) norm)
{
    if (n <= BLOCK)
        return R(norm_sums_block)(n, dy, x, weight, norm);
    R(tree) g, gx;
    g.top = gx.top = 0;
    g.count = gx.count = 0;
    for (int64_t i = 0; i < n; i += BLOCK) {
        const R(norm_sums) sums = R(norm_sums_block)(n - i < BLOCK ? n - i : BLOCK, dy + i, x + i,
                                                     weight ? weight + i : NULL, norm);
        R(tree_add)(&g, sums.g, R(add));
        R(tree_add)(&gx, sums.gx, R(add));
    }
    R(norm_sums) total;
    total.g = R(tree_total)(&g, R(add));
    total.gx = R(tree_total)(&gx, R(add));
    return total;
}

HONE__INLINE void R(norm_dx_lanes)(int64_t count, REAL *dx, const REAL *dy, const REAL *x,
                                   const REAL *weight, VREAL mean, VREAL scale, VREAL mean_g,
                                   VREAL mean_gx)
{
    VREAL g = R(take)(dy, count);
    if (weight)
        g = R(mul)(g, R(take)(weight, count));
    const VREAL v = R(normal)(R(take)(x, count), mean, scale);
    R(put)(dx, R(mul)(R(fnma)(v, mean_gx, R(sub)(g, mean_g)), scale), count);
}

HONE__INLINE void R(norm_dx_row)(int64_t n, REAL *dx, const REAL *dy, const REAL *x,
                                 const REAL *weight, R(norm) norm)
{
    const R(norm_sums) sums = R(norm_sums_row)(n, dy, x, weight, norm);
    const VREAL mean = R(set)(norm.mean), scale = R(set)(norm.scale);
    const VREAL mean_g = R(set)(sums.g / (REAL)n), mean_gx = R(set)(sums.gx / (REAL)n);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(norm_dx_lanes)
    (LANES, dx + i, dy + i, x + i, weight ? weight + i : NULL, mean, scale, mean_g, mean_gx);
    if (i < n)
        R(norm_dx_lanes)
    (n - i, dx + i, dy + i, x + i, weight ? weight + i : NULL, mean, scale, mean_g, mean_gx);
}

static void R(k_layer_norm_backward)(int64_t rows, int64_t cols, void *dxv, int64_t sdx,
                                     const void *dyv, int64_t sdy, const void *xv, int64_t sx,
                                     const void *weight, double eps)
{
    for (int64_t r = 0; r < rows && cols > 0; r++) {
        const REAL *dy = (const REAL *)dyv + r * sdy, *x = (const REAL *)xv + r * sx;
        REAL *dx = (REAL *)dxv + r * sdx;
        const R(norm) norm = R(norm_of)(R(moments_row)(cols, x), (REAL)eps);
        if (weight)
            R(norm_dx_row)(cols, dx, dy, x, weight, norm);
        else
            R(norm_dx_row)(cols, dx, dy, x, NULL, norm);
    }
}

/* n rows (a constant) of dy times the normalised x into the sums. */
HONE__INLINE void R(norm_weight_rows)(int n, int64_t cols, REAL *sum, const REAL *dy, int64_t sdy,
                                      const REAL *x, int64_t sx, REAL eps)
{
    VREAL mean[NORM_ROWS], scale[NORM_ROWS];
    R(norm) norm[NORM_ROWS];
    R(norms_of)(n, cols, x, sx, eps, norm);
    for (int k = 0; k < n; k++) {
        mean[k] = R(set)(norm[k].mean);
        scale[k] = R(set)(norm[k].scale);
    }
    for (int64_t i = 0; i < cols; i += LANES) {
        const int64_t count = cols - i < LANES ? cols - i : LANES;
        VREAL acc = R(take)(sum + i, count);
        for (int k = 0; k < n; k++) {
            const VREAL v = R(normal)(R(take)(x + k * sx + i, count), mean[k], scale[k]);
            acc = R(fma)(R(take)(dy + k * sdy + i, count), v, acc);
        }
        R(put)(sum + i, acc, count);
    }
}

static void R(k_layer_norm_weight_backward)(int64_t rows, int64_t cols, const void *dyv,
                                            int64_t sdy, const void *xv, int64_t sx, double eps,
                                            int64_t begin, int64_t end, void *out)
{
    for (int64_t b = begin; b < end && cols > 0; b++) {
        const int64_t first = b * HONE__COLS_BLOCK, rest = rows - first;
        const int64_t n = rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK;
        const REAL *dy = (const REAL *)dyv + first * sdy, *x = (const REAL *)xv + first * sx;
        REAL *sum = (REAL *)out + (b - begin) * cols;
        for (int64_t i = 0; i < cols; i++)
            sum[i] = (REAL)-0.0;
        int64_t r = 0;
        for (; r + NORM_ROWS <= n; r += NORM_ROWS)
            R(norm_weight_rows)(NORM_ROWS, cols, sum, dy + r * sdy, sdy, x + r * sx, sx, (REAL)eps);
        for (; r < n; r++)
            R(norm_weight_rows)(1, cols, sum, dy + r * sdy, sdy, x + r * sx, sx, (REAL)eps);
    }
}
