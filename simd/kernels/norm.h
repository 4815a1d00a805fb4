/* norm.h: layer norm and its backward passes, row by row, f32 and f64. (fragment: moments.h)
 *
 * A row is read from memory once: what follows its sum finds it in L1. A forward pass that is
 * recorded keeps what it normalised its rows by; a backward pass that has no such numbers makes
 * them again. */

#ifndef WEIGHT_ROWS
#define WEIGHT_ROWS  4 /* that go into the weights' gradient together */
#define WEIGHT_STRIP 4 /* vectors of its columns that go together where rows are short */
#endif

HONE__INLINE VREAL R(normal)(VREAL x, VREAL mean, VREAL scale)
{
    return R(mul)(R(sub)(x, mean), scale);
}

/* A vector of results; `past` (a constant): past the caches if it is a whole one. */
HONE__INLINE void R(put_result)(REAL *y, VREAL v, int64_t count, bool past)
{
    if (past && count == LANES)
        R(store_past)(y, v);
    else
        R(put)(y, v, count);
}

/* Elements of a row before its first whole vector: none unless it goes past the caches. */
HONE__INLINE int64_t R(head_of)(const REAL *y, int64_t n, bool past)
{
    const int64_t head = (int64_t)(-(uintptr_t)y % (LANES * sizeof(REAL)) / sizeof(REAL));
    return !past ? 0 : head < n ? head : n;
}

/* `n_rows` (a constant) rows whose norms are known, for one vector of columns. */
HONE__INLINE void R(norm_lanes)(int n_rows, int64_t count, REAL *y, int64_t sy, const REAL *x,
                                int64_t sx, const REAL *weight, const REAL *bias, const VREAL *mean,
                                const VREAL *scale, bool past)
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
        R(put_result)(y + k * sy, v, count, past);
    }
}

/* Meanwhile, if that is not 0, what lies `ahead` of x is asked for. `past` (a constant): one row,
 * past the caches. */
HONE__INLINE void R(norm_rows)(int n_rows, int64_t n, REAL *y, int64_t sy, const REAL *x,
                               int64_t sx, int64_t ahead, const REAL *weight, const REAL *bias,
                               const REAL *means, const REAL *scales, bool past)
{
    VREAL mean[2], scale[2];
    for (int k = 0; k < n_rows; k++) {
        mean[k] = R(set)(means[k]);
        scale[k] = R(set)(scales[k]);
    }
    int64_t i = R(head_of)(y, n, past);
    if (i > 0)
        R(norm_lanes)(n_rows, i, y, sy, x, sx, weight, bias, mean, scale, false);
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES) {
        for (int line = 0; ahead != 0 && line < VIRTUAL_LANES * (int)sizeof(REAL); line += 64)
            __builtin_prefetch((const char *)(x + ahead + i) + line, 0, 2);
        for (int64_t j = i; j < i + VIRTUAL_LANES; j += LANES)
            R(norm_lanes)
        (n_rows, LANES, y + j, sy, x + j, sx, weight ? weight + j : NULL, bias ? bias + j : NULL,
         mean, scale, past);
    }
    for (; i + LANES <= n; i += LANES)
        R(norm_lanes)
    (n_rows, LANES, y + i, sy, x + i, sx, weight ? weight + i : NULL, bias ? bias + i : NULL, mean,
     scale, past);
    if (i < n)
        R(norm_lanes)
    (n_rows, n - i, y + i, sy, x + i, sx, weight ? weight + i : NULL, bias ? bias + i : NULL, mean,
     scale, false);
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

/* The same for the rows of a backward pass: kept ones (at `mean`, `scale`), if there are any. */
static void R(norms_again)(R(moments_walk) * w, int64_t r, REAL eps, const REAL *mean,
                           const REAL *scale, R(norms) * norms)
{
    if (!mean) {
        R(norms_of)(w, r, eps, norms);
        return;
    }
    norms->n = w->rows - r < w->at_once ? w->rows - r : w->at_once;
    memcpy(norms->mean, mean + r, (size_t)norms->n * sizeof(REAL));
    memcpy(norms->scale, scale + r, (size_t)norms->n * sizeof(REAL));
}

/* Long rows that come from memory (far) are summed a whole group at a time, which prefetchers
 * follow, and the next group is asked for; L1 has room for one group. What goes past the caches
 * takes few rows at a time: memory is to be asked for the next ones all the while. */
HONE__INLINE void R(layer_norm)(int64_t rows, int64_t cols, REAL *y, int64_t sy, const REAL *x,
                                int64_t sx, const REAL *weight, const REAL *bias, REAL eps,
                                REAL *mean, REAL *scale, bool past)
{
    const bool far = cols >= BLOCK / 16 && R(is_far)(rows, sx, FAR_EXTREMES);
    R(moments_walk) w;
    R(norms) norms;
    R(walk_begin)(&w, rows, cols, x, sx, !far ? BLOCK / 2 : past ? BLOCK / 4 : BLOCK, !far);
    for (int64_t r = 0; r < rows; r += norms.n) {
        REAL *to = y + r * sy;
        const REAL *from = x + r * sx;
        const int64_t ahead = far ? w.at_once * sx : 0;
        int64_t k = 0;
        R(norms_of)(&w, r, eps, &norms);
        if (mean) {
            memcpy(mean + r, norms.mean, (size_t)norms.n * sizeof(REAL));
            memcpy(scale + r, norms.scale, (size_t)norms.n * sizeof(REAL));
        }
        for (; !far && !past && k + 2 <= norms.n; k += 2)
            R(norm_rows)
        (2, cols, to + k * sy, sy, from + k * sx, sx, 0, weight, bias, norms.mean + k,
         norms.scale + k, false);
        for (; !past && k < norms.n; k++)
            R(norm_rows)
        (1, cols, to + k * sy, sy, from + k * sx, sx, ahead, weight, bias, norms.mean + k,
         norms.scale + k, false);
        for (; k < norms.n; k++)
            R(norm_rows)
        (1, cols, to + k * sy, sy, from + k * sx, sx, ahead, weight, bias, norms.mean + k,
         norms.scale + k, true);
    }
    if (past)
        store_past_end();
}

static void R(k_layer_norm)(int64_t rows, int64_t cols, void *y, int64_t sy, const void *x,
                            int64_t sx, const void *weight, const void *bias, double eps,
                            void *mean, void *scale, bool past)
{
    if (cols == 0)
        return;
    if (weight && bias)
        R(layer_norm)(rows, cols, y, sy, x, sx, weight, bias, (REAL)eps, mean, scale, past);
    else if (weight)
        R(layer_norm)(rows, cols, y, sy, x, sx, weight, NULL, (REAL)eps, mean, scale, past);
    else
        R(layer_norm)(rows, cols, y, sy, x, sx, NULL, bias, (REAL)eps, mean, scale, past);
}

/* ---- backward ---- */

/* Sums over a row of g = dy * weight, and of g times the normalised x. */
typedef struct {
    REAL g, gx;
} R(norm_sums);

/* The accumulators [first, first + SWEEP) of a block; `rest` (a constant): some lanes are one step
 * short; an absent one adds a g of -0.0. */
HONE__INLINE void R(norm_sums_sweep)(int first, int64_t n, const REAL *dy, const REAL *x,
                                     const REAL *weight, VREAL mean, VREAL scale, VREAL *g_sum,
                                     VREAL *gx_sum, bool rest)
{
    const VREAL none = R(set)((REAL)-0.0), zero = R(set)(0);
    for (int v = 0; v < SWEEP; v++)
        g_sum[v] = gx_sum[v] = none;
    int64_t i = first * LANES;
    for (; i + VIRTUAL_LANES <= n + first * LANES; i += VIRTUAL_LANES) {
        for (int v = 0; v < SWEEP; v++) {
            VREAL g = R(load)(dy + i + v * LANES);
            if (weight)
                g = R(mul)(g, R(load)(weight + i + v * LANES));
            g_sum[v] = R(add)(g_sum[v], g);
            gx_sum[v] = R(fma)(g, R(normal)(R(load)(x + i + v * LANES), mean, scale), gx_sum[v]);
        }
    }
    for (int v = 0; rest && v < SWEEP && (LANES > 1 || i < n); v++, i += LANES) {
        VREAL g = R(load_part)(dy + i, n - i, none);
        if (weight)
            g = R(mul)(g, R(load_part)(weight + i, n - i, zero));
        const VREAL p = R(normal)(R(load_part)(x + i, n - i, zero), mean, scale);
        g_sum[v] = R(add)(g_sum[v], g);
        gx_sum[v] = R(fma)(g, R(keep_part)(p, n - i, zero), gx_sum[v]);
    }
}

HONE__INLINE R(norm_sums) R(norm_sums_lanes)(int64_t n, const REAL *dy, const REAL *x,
                                             const REAL *weight, VREAL mean, VREAL scale, bool rest)
{
    VREAL g[N_ACC], gx[N_ACC];
    R(norm_sums_sweep)(0, n, dy, x, weight, mean, scale, g, gx, rest);
    if (SWEEP < N_ACC)
        R(norm_sums_sweep)
    (SECOND, n, dy, x, weight, mean, scale, g + SECOND, gx + SECOND, rest);
    R(norm_sums) sums;
    sums.g = R(fold_sums)(g, rest);
    sums.gx = R(fold_sums)(gx, rest);
    return sums;
}

static R(norm_sums) R(norm_sums_block)(int64_t n, const REAL *dy, const REAL *x, const REAL *weight,
                                       VREAL mean, VREAL scale)
{
    const bool rest = n % VIRTUAL_LANES != 0;
    if (weight)
        return rest ? R(norm_sums_lanes)(n, dy, x, weight, mean, scale, true)
                    : R(norm_sums_lanes)(n, dy, x, weight, mean, scale, false);
    return rest ? R(norm_sums_lanes)(n, dy, x, NULL, mean, scale, true)
                : R(norm_sums_lanes)(n, dy, x, NULL, mean, scale, false);
}

static R(norm_sums) R(norm_sums_row)(int64_t n, const REAL *dy, const REAL *x, const REAL *weight,
                                     VREAL mean, VREAL scale)
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
                                   VREAL mean_gx, bool past)
{
    VREAL g = R(take)(dy, count);
    if (weight)
        g = R(mul)(g, R(take)(weight, count));
    const VREAL v = R(normal)(R(take)(x, count), mean, scale);
    R(put_result)(dx, R(mul)(R(fnma)(v, mean_gx, R(sub)(g, mean_g)), scale), count, past);
}

HONE__INLINE void R(norm_dx_row)(int64_t n, REAL *dx, const REAL *dy, const REAL *x,
                                 const REAL *weight, VREAL mean, VREAL scale, VREAL mean_g,
                                 VREAL mean_gx, bool past)
{
    int64_t i = R(head_of)(dx, n, past);
    if (i > 0)
        R(norm_dx_lanes)(i, dx, dy, x, weight, mean, scale, mean_g, mean_gx, false);
    for (; i + LANES <= n; i += LANES)
        R(norm_dx_lanes)
    (LANES, dx + i, dy + i, x + i, weight ? weight + i : NULL, mean, scale, mean_g, mean_gx, past);
    if (i < n)
        R(norm_dx_lanes)
    (n - i, dx + i, dy + i, x + i, weight ? weight + i : NULL, mean, scale, mean_g, mean_gx, false);
}

/* The rows of a group. First all sums: the folds that end a row don't hold up the next one's, and
 * divisions are those of vectors. `rest` (a constant): as above, for short rows. */
HONE__INLINE void R(norm_dx_rows)(const R(norms) * norms, int64_t cols, REAL *dx, int64_t sdx,
                                  const REAL *dy, int64_t sdy, const REAL *x, int64_t sx,
                                  const REAL *weight, bool rest, bool past)
{
    REAL g[MOMENT_ROWS] = { 0 }, gx[MOMENT_ROWS] = { 0 };
    const VREAL count = R(set)((REAL)cols);
    for (int64_t k = 0; k < norms->n && cols <= BLOCK / 4; k++) {
        const VREAL mean = R(set)(norms->mean[k]), scale = R(set)(norms->scale[k]);
        const R(norm_sums) sums =
            R(norm_sums_lanes)(cols, dy + k * sdy, x + k * sx, weight, mean, scale, rest);
        g[k] = sums.g;
        gx[k] = sums.gx;
    }
    if (cols > BLOCK / 4) { /* one row */
        const R(norm_sums) sums =
            R(norm_sums_row)(cols, dy, x, weight, R(set)(norms->mean[0]), R(set)(norms->scale[0]));
        g[0] = sums.g;
        gx[0] = sums.gx;
    }
    for (int64_t k = 0; k < norms->n; k += LANES) {
        R(store)(g + k, R(div)(R(load)(g + k), count));
        R(store)(gx + k, R(div)(R(load)(gx + k), count));
    }
    for (int64_t k = 0; k < norms->n; k++) {
        const VREAL mean = R(set)(norms->mean[k]), scale = R(set)(norms->scale[k]),
                    mean_g = R(set)(g[k]), mean_gx = R(set)(gx[k]);
        REAL *to = dx + k * sdx;
        if (past)
            R(norm_dx_row)
        (cols, to, dy + k * sdy, x + k * sx, weight, mean, scale, mean_g, mean_gx, true);
        else R(norm_dx_row)(cols, to, dy + k * sdy, x + k * sx, weight, mean, scale, mean_g,
                            mean_gx, false);
    }
}

static void R(k_layer_norm_backward)(int64_t rows, int64_t cols, void *dxv, int64_t sdx,
                                     const void *dyv, int64_t sdy, const void *xv, int64_t sx,
                                     const void *weight, double eps, const void *mean,
                                     const void *scale, bool past)
{
    const bool rest = cols % VIRTUAL_LANES != 0;
    R(moments_walk) w;
    R(norms) norms;
    if (cols == 0)
        return;
    R(walk_begin)(&w, rows, cols, xv, sx, BLOCK / 4, !mean);
    for (int64_t r = 0; r < rows; r += norms.n) {
        const REAL *dy = (const REAL *)dyv + r * sdy, *x = (const REAL *)xv + r * sx;
        REAL *dx = (REAL *)dxv + r * sdx;
        R(norms_again)(&w, r, (REAL)eps, mean, scale, &norms);
        if (weight && rest)
            R(norm_dx_rows)(&norms, cols, dx, sdx, dy, sdy, x, sx, weight, true, past);
        else if (weight)
            R(norm_dx_rows)(&norms, cols, dx, sdx, dy, sdy, x, sx, weight, false, past);
        else if (rest)
            R(norm_dx_rows)(&norms, cols, dx, sdx, dy, sdy, x, sx, NULL, true, past);
        else
            R(norm_dx_rows)(&norms, cols, dx, sdx, dy, sdy, x, sx, NULL, false, past);
    }
    if (past)
        store_past_end();
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

/* All rows of a block whose norms are kept, for n_vec vectors of columns (a constant, as is
 * `count`): sums in registers. */
HONE__INLINE void R(norm_weight_strip)(int n_vec, int64_t count, int64_t rows, REAL *sum,
                                       const REAL *dy, int64_t sdy, const REAL *x, int64_t sx,
                                       const REAL *mean, const REAL *scale)
{
    VREAL acc[WEIGHT_STRIP];
    for (int v = 0; v < n_vec; v++)
        acc[v] = R(set)((REAL)-0.0);
    for (int64_t r = 0; r < rows; r++, dy += sdy, x += sx) {
        const VREAL m = R(set)(mean[r]), s = R(set)(scale[r]);
        for (int v = 0; v < n_vec; v++)
            acc[v] = R(fma)(R(take)(dy + v * LANES, count),
                            R(normal)(R(take)(x + v * LANES, count), m, s), acc[v]);
    }
    for (int v = 0; v < n_vec; v++)
        R(put)(sum + v * LANES, acc[v], count);
}

static void R(norm_weight_narrow)(int64_t rows, int64_t cols, const REAL *dy, int64_t sdy,
                                  const REAL *x, int64_t sx, const REAL *mean, const REAL *scale,
                                  REAL *sum)
{
    int64_t i = 0;
    for (; i + WEIGHT_STRIP * LANES <= cols; i += WEIGHT_STRIP * LANES)
        R(norm_weight_strip)
    (WEIGHT_STRIP, LANES, rows, sum + i, dy + i, sdy, x + i, sx, mean, scale);
    for (; i + LANES <= cols; i += LANES)
        R(norm_weight_strip)(1, LANES, rows, sum + i, dy + i, sdy, x + i, sx, mean, scale);
    if (i < cols)
        R(norm_weight_strip)(1, cols - i, rows, sum + i, dy + i, sdy, x + i, sx, mean, scale);
}

static void R(norm_weight_block)(int64_t rows, int64_t cols, const REAL *dy, int64_t sdy,
                                 const REAL *x, int64_t sx, REAL eps, const REAL *mean,
                                 const REAL *scale, REAL *sum)
{
    if (mean && cols <= 2 * WEIGHT_STRIP * LANES) {
        R(norm_weight_narrow)(rows, cols, dy, sdy, x, sx, mean, scale, sum);
        return;
    }
    R(moments_walk) w;
    R(norms) norms;
    R(walk_begin)(&w, rows, cols, x, sx, BLOCK / 2, !mean);
    for (int64_t i = 0; i < cols; i++)
        sum[i] = (REAL)-0.0;
    for (int64_t r = 0; r < rows; r += norms.n) {
        const REAL *dy_r = dy + r * sdy, *x_r = x + r * sx;
        int64_t k = 0;
        R(norms_again)(&w, r, eps, mean, scale, &norms);
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
                                            const void *mean, const void *scale, int64_t begin,
                                            int64_t end, void *out)
{
    for (int64_t b = begin; b < end && cols > 0; b++) {
        const int64_t first = b * HONE__COLS_BLOCK, rest = rows - first;
        R(norm_weight_block)
        (rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK, cols, (const REAL *)dyv + first * sdy,
         sdy, (const REAL *)xv + first * sx, sx, (REAL)eps,
         mean ? (const REAL *)mean + first : NULL, mean ? (const REAL *)scale + first : NULL,
         (REAL *)out + (b - begin) * cols);
    }
}
