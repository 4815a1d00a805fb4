/* norm.h: layer norm and its backward passes, row by row, f32 and f64. (fragment: moments.h)
 *
 * A row is read from memory once: what follows its sum finds it in L1. The backward passes make
 * mean and deviation again rather than have them kept. */

#ifndef WEIGHT_ROWS
#define WEIGHT_ROWS 4 /* that go into the weights' gradient together */
#endif

HONE__INLINE VREAL R(normal)(VREAL x, VREAL mean, VREAL scale)
{
    return R(mul)(R(sub)(x, mean), scale);
}

/* `n_rows` (a constant) rows whose norms are known, for one vector of columns. */
HONE__INLINE void R(norm_lanes)(int n_rows, int64_t count, REAL *y, int64_t sy, const REAL *x,
                                int64_t sx, const REAL *weight, const REAL *bias, const VREAL *mean,
                                const VREAL *scale)
{
    const VREAL none = R(set)(0);
    const VREAL w = weight ? R(take)(weight, count) : none, b = bias ? R(take)(bias, count) : none;
    for (int k = 0; k < n_rows; k++) {
        VREAL v = R(normal)(R(take)(x + k * sx, count), mean[k], scale[k]);
        if (weight && bias)
            v = R(fma)(v, w, b);
        else if (weight)
            v = R(mul)(v, w);
        else if (bias)
            v = R(add)(v, b);
        R(put)(y + k * sy, v, count);
    }
}

/* Meanwhile, if that is not 0, what lies `ahead` of x is asked for. */
HONE__INLINE void R(norm_rows)(int n_rows, int64_t n, REAL *y, int64_t sy, const REAL *x,
                               int64_t sx, int64_t ahead, const REAL *weight, const REAL *bias,
                               const REAL *means, const REAL *scales)
{
    VREAL mean[2], scale[2];
    for (int k = 0; k < n_rows; k++) {
        mean[k] = R(set)(means[k]);
        scale[k] = R(set)(scales[k]);
    }
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES) {
        for (int line = 0; ahead != 0 && line < VIRTUAL_LANES * (int)sizeof(REAL); line += 64)
            __builtin_prefetch((const char *)(x + ahead + i) + line, 0, 2);
        for (int64_t j = i; j < i + VIRTUAL_LANES; j += LANES)
            R(norm_lanes)
        (n_rows, LANES, y + j, sy, x + j, sx, weight ? weight + j : NULL, bias ? bias + j : NULL,
         mean, scale);
    }
    for (; i + LANES <= n; i += LANES)
        R(norm_lanes)
    (n_rows, LANES, y + i, sy, x + i, sx, weight ? weight + i : NULL, bias ? bias + i : NULL, mean,
     scale);
    if (i < n)
        R(norm_lanes)
    (n_rows, n - i, y + i, sy, x + i, sx, weight ? weight + i : NULL, bias ? bias + i : NULL, mean,
     scale);
}

/* What the rows of a group are normalised by: (x - mean) * scale. */
typedef struct {
    REAL mean[MOMENT_ROWS], scale[MOMENT_ROWS];
    int64_t n;
} R(norms);

static void R(norms_of)(R(moments_walk) * w, int64_t r, REAL eps, R(norms) * norms)
{
    const VREAL count = R(set)((REAL)w->cols), safety = R(set)(eps);
    norms->n = R(walk_step)(w, r);
    for (int64_t k = 0; k < norms->n; k += LANES) {
        const VREAL variance = R(div)(R(load)(w->m2 + k), count);
        R(store)(norms->mean + k, R(add)(R(load)(w->base + k), R(load)(w->shift + k)));
        R(store)(norms->scale + k, R(rsqrt)(R(add)(variance, safety)));
    }
}

/* Long rows that come from memory (far) are summed a whole group at a time, which prefetchers
 * follow, and the next group is asked for; L1 has room for one group. */
HONE__INLINE void R(layer_norm)(int64_t rows, int64_t cols, REAL *y, int64_t sy, const REAL *x,
                                int64_t sx, const REAL *weight, const REAL *bias, REAL eps)
{
    const bool far = cols >= BLOCK / 16 && R(is_far)(rows, sx, FAR_EXTREMES);
    R(moments_walk) w;
    R(norms) norms;
    R(walk_begin)(&w, rows, cols, x, sx, far ? BLOCK : BLOCK / 2, !far);
    for (int64_t r = 0; r < rows; r += norms.n) {
        REAL *to = y + r * sy;
        const REAL *from = x + r * sx;
        int64_t k = 0;
        R(norms_of)(&w, r, eps, &norms);
        for (; !far && k + 2 <= norms.n; k += 2)
            R(norm_rows)
        (2, cols, to + k * sy, sy, from + k * sx, sx, 0, weight, bias, norms.mean + k,
         norms.scale + k);
        for (; k < norms.n; k++)
            R(norm_rows)
        (1, cols, to + k * sy, sy, from + k * sx, sx, far ? w.at_once * sx : 0, weight, bias,
         norms.mean + k, norms.scale + k);
    }
}

static void R(k_layer_norm)(int64_t rows, int64_t cols, void *y, int64_t sy, const void *x,
                            int64_t sx, const void *weight, const void *bias, double eps)
{
    if (cols == 0)
        return;
    if (weight && bias)
        R(layer_norm)(rows, cols, y, sy, x, sx, weight, bias, (REAL)eps);
    else if (weight)
        R(layer_norm)(rows, cols, y, sy, x, sx, weight, NULL, (REAL)eps);
    else
        R(layer_norm)(rows, cols, y, sy, x, sx, NULL, bias, (REAL)eps);
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

HONE__INLINE R(norm_sums) R(norm_sums_block)(int64_t n, const REAL *dy, const REAL *x,
                                             const REAL *weight, VREAL mean, VREAL scale)
{
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

HONE__INLINE R(norm_sums) R(norm_sums_row)(int64_t n, const REAL *dy, const REAL *x,
                                           const REAL *weight, VREAL mean, VREAL scale)
{
    if (n <= BLOCK)
        return R(norm_sums_block)(n, dy, x, weight, mean, scale);
    R(tree) g, gx;
    g.top = gx.top = 0;
    g.count = gx.count = 0;
    for (int64_t i = 0; i < n; i += BLOCK) {
        const R(norm_sums) sums = R(norm_sums_block)(n - i < BLOCK ? n - i : BLOCK, dy + i, x + i,
                                                     weight ? weight + i : NULL, mean, scale);
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
                                 const REAL *weight, VREAL mean, VREAL scale)
{
    const R(norm_sums) sums = R(norm_sums_row)(n, dy, x, weight, mean, scale);
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
    R(moments_walk) w;
    R(norms) norms;
    if (cols == 0)
        return;
    R(walk_begin)(&w, rows, cols, xv, sx, BLOCK / 4, true);
    for (int64_t r = 0; r < rows; r += norms.n) {
        R(norms_of)(&w, r, (REAL)eps, &norms);
        for (int64_t k = 0; k < norms.n; k++) {
            const REAL *dy = (const REAL *)dyv + (r + k) * sdy;
            const REAL *x = (const REAL *)xv + (r + k) * sx;
            REAL *dx = (REAL *)dxv + (r + k) * sdx;
            const VREAL mean = R(set)(norms.mean[k]), scale = R(set)(norms.scale[k]);
            if (weight)
                R(norm_dx_row)(cols, dx, dy, x, weight, mean, scale);
            else
                R(norm_dx_row)(cols, dx, dy, x, NULL, mean, scale);
        }
    }
}

/* n rows (a constant) of dy times the normalised x into the sums. */
HONE__INLINE void R(norm_weight_rows)(int n, int64_t cols, REAL *sum, const REAL *dy, int64_t sdy,
                                      const REAL *x, int64_t sx, const REAL *means,
                                      const REAL *scales)
{
    VREAL mean[WEIGHT_ROWS], scale[WEIGHT_ROWS];
    for (int k = 0; k < n; k++) {
        mean[k] = R(set)(means[k]);
        scale[k] = R(set)(scales[k]);
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

static void R(norm_weight_block)(int64_t rows, int64_t cols, const REAL *dy, int64_t sdy,
                                 const REAL *x, int64_t sx, REAL eps, REAL *sum)
{
    R(moments_walk) w;
    R(norms) norms;
    R(walk_begin)(&w, rows, cols, x, sx, BLOCK / 2, true);
    for (int64_t i = 0; i < cols; i++)
        sum[i] = (REAL)-0.0;
    for (int64_t r = 0; r < rows; r += norms.n) {
        const REAL *dy_r = dy + r * sdy, *x_r = x + r * sx;
        int64_t k = 0;
        R(norms_of)(&w, r, eps, &norms);
        for (; k + WEIGHT_ROWS <= norms.n; k += WEIGHT_ROWS)
            R(norm_weight_rows)
        (WEIGHT_ROWS, cols, sum, dy_r + k * sdy, sdy, x_r + k * sx, sx, norms.mean + k,
         norms.scale + k);
        for (; k < norms.n; k++)
            R(norm_weight_rows)
        (1, cols, sum, dy_r + k * sdy, sdy, x_r + k * sx, sx, norms.mean + k, norms.scale + k);
    }
}

static void R(k_layer_norm_weight_backward)(int64_t rows, int64_t cols, const void *dyv,
                                            int64_t sdy, const void *xv, int64_t sx, double eps,
                                            int64_t begin, int64_t end, void *out)
{
    for (int64_t b = begin; b < end && cols > 0; b++) {
        const int64_t first = b * HONE__COLS_BLOCK, rest = rows - first;
        R(norm_weight_block)
        (rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK, cols, (const REAL *)dyv + first * sdy,
         sdy, (const REAL *)xv + first * sx, sx, (REAL)eps, (REAL *)out + (b - begin) * cols);
    }
}
