/* norm.h: layer norm and its backward passes, row by row, f32 and f64. (fragment: moments.h)
 *
 * A row is read from memory once: what follows its sum finds it in L1. A forward pass that is
 * recorded keeps what it normalised its rows by; a backward pass that has no such numbers makes
 * them again. */

#ifndef WEIGHT_ROWS
#define WEIGHT_ROWS  4 /* that go into the weights' gradient together */
#define WEIGHT_STRIP 4 /* vectors of its columns that go together where rows are short */
#endif

/* What the rows of a group are normalised by: v = (x * unit - base) * scale + offset. The mean is
 * what base and offset make of it: rounded to one number it would be off by more than what lies
 * close to a large mean deviates. */
typedef struct {
    REAL base[MOMENT_ROWS], scale[MOMENT_ROWS], offset[MOMENT_ROWS], unit[MOMENT_ROWS];
    int64_t n;
    bool scaled; /* some unit is not 1 */
} R(norms);

/* The same of one row, whose x has been multiplied. */
typedef struct {
    VREAL base, scale, offset;
} R(normal_by);

HONE__INLINE R(normal_by) R(normal_by_of)(REAL base, REAL scale, REAL offset)
{
    R(normal_by) by;
    by.base = R(set)(base);
    by.scale = R(set)(scale);
    by.offset = R(set)(offset);
    return by;
}

HONE__INLINE R(normal_by) R(by_row)(const R(norms) * norms, int64_t k)
{
    return R(normal_by_of)(norms->base[k], norms->scale[k], norms->offset[k]);
}

HONE__INLINE VREAL R(normal)(VREAL x, R(normal_by) by)
{
    return R(fma)(R(sub)(x, by.base), by.scale, by.offset);
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
                                int64_t sx, const REAL *weight, const REAL *bias,
                                const R(normal_by) * by, bool past)
{
    const VREAL none = R(set)(0);
    const VREAL w = weight ? R(take)(weight, count) : none, b = bias ? R(take)(bias, count) : none;
    for (int k = 0; k < n_rows; k++) {
        VREAL v = R(normal)(R(take)(x + k * sx, count), by[k]);
        if (weight && bias)
            v = R(fma)(v, w, b);
        else if (weight)
            v = R(mul)(v, w);
        else if (bias)
            v = R(add)(v, b);
        R(put_result)(y + k * sy, v, count, past);
    }
}

/* Rows k, k + 1 ... of a group. Meanwhile, if that is not 0, what lies `ahead` of x is asked for.
 * `past` (a constant): one row, past the caches. */
HONE__INLINE void R(norm_rows)(int n_rows, int64_t n, REAL *y, int64_t sy, const REAL *x,
                               int64_t sx, int64_t ahead, const REAL *weight, const REAL *bias,
                               const R(norms) * norms, int64_t k, bool past)
{
    R(normal_by) by[2];
    for (int row = 0; row < n_rows; row++)
        by[row] = R(by_row)(norms, k + row);
    int64_t i = R(head_of)(y, n, past);
    if (i > 0)
        R(norm_lanes)(n_rows, i, y, sy, x, sx, weight, bias, by, false);
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES) {
        for (int line = 0; ahead != 0 && line < VIRTUAL_LANES * (int)sizeof(REAL); line += 64)
            __builtin_prefetch((const char *)(x + ahead + i) + line, 0, 2);
        for (int64_t j = i; j < i + VIRTUAL_LANES; j += LANES)
            R(norm_lanes)
        (n_rows, LANES, y + j, sy, x + j, sx, weight ? weight + j : NULL, bias ? bias + j : NULL,
         by, past);
    }
    for (; i + LANES <= n; i += LANES)
        R(norm_lanes)
    (n_rows, LANES, y + i, sy, x + i, sx, weight ? weight + i : NULL, bias ? bias + i : NULL, by,
     past);
    if (i < n)
        R(norm_lanes)
    (n_rows, n - i, y + i, sy, x + i, sx, weight ? weight + i : NULL, bias ? bias + i : NULL, by,
     false);
}

/* True where all of these are finite and, if they `may_vanish`, not blurred by squares that have
 * underflowed. */
HONE__INLINE bool R(in_range)(VREAL variance, bool may_vanish)
{
    VMASK in = R(lt)(variance, R(set)((REAL)INFINITY));
    if (may_vanish)
        in = MASK(and)(in, R(ge)(variance, R(set)((REAL)hone__least_variance(REAL_DTYPE))));
    return MASK(all)(in);
}

/* Row k of the step's group, the row r of all, once more if its variance is out of range. */
static __attribute__((noinline)) void R(norm_in_range)(R(moments_walk) * w, int64_t r, int64_t k,
                                                       REAL eps, R(norms) * norms)
{
    const REAL cols = (REAL)w->cols;
    R(moments) m;
    if (R(in_range)(R(set)(w->m2[k] / cols + eps), true) ||
        !R(moments_in_range)(w->cols, w->x + r * w->sx, R(first)(R(sqrt)(R(set)(eps))), &m,
                             &norms->unit[k]))
        return;
    const REAL unit = norms->unit[k], variance = m.m2 / cols + eps * unit * unit;
    w->base[k] = norms->base[k] = m.base;
    w->shift[k] = m.shift;
    w->m2[k] = m.m2;
    norms->scale[k] = R(first)(R(rsqrt)(R(set)(variance)));
    norms->offset[k] = -(m.shift * norms->scale[k]);
    norms->scaled = norms->scaled || unit != 1;
}

static void R(norms_of)(R(moments_walk) * w, int64_t r, REAL eps, R(norms) * norms)
{
    const VREAL count = R(set)((REAL)w->cols), safety = R(set)(eps);
    const bool may_vanish = eps < (REAL)hone__least_variance(REAL_DTYPE);
    bool in_range = true;
    norms->n = R(walk_step)(w, r);
    norms->scaled = false;
    for (int64_t k = 0; k < norms->n; k += LANES) {
        const VREAL variance = R(add)(R(div)(R(load)(w->m2 + k), count), safety);
        const VREAL scale = R(rsqrt)(variance);
        R(store)(norms->base + k, R(load)(w->base + k));
        R(store)(norms->scale + k, scale);
        R(store)(norms->offset + k, R(neg)(R(mul)(R(load)(w->shift + k), scale)));
        R(store)(norms->unit + k, R(set)(1));
        in_range = R(in_range)(variance, may_vanish) && in_range;
    }
    for (int64_t k = 0; k < norms->n && !in_range; k++)
        R(norm_in_range)(w, r + k, k, eps, norms);
}

/* Norms that a forward pass keeps or has kept: those of row r. */
static void R(keep_norms)(const hone__norms *kept, int64_t r, const R(norms) * norms)
{
    const size_t bytes = (size_t)norms->n * sizeof(REAL);
    memcpy((REAL *)kept->base + r, norms->base, bytes);
    memcpy((REAL *)kept->scale + r, norms->scale, bytes);
    memcpy((REAL *)kept->offset + r, norms->offset, bytes);
    memcpy((REAL *)kept->unit + r, norms->unit, bytes);
}

/* True if there are n numbers and all of them are 1. */
static bool R(all_one)(int64_t n, const REAL *x)
{
    bool one = true;
    for (int64_t i = 0; i < n; i++)
        one = one & (x[i] == 1);
    return one;
}

/* The same for the rows of a backward pass: kept ones, if there are any. */
static void R(norms_again)(R(moments_walk) * w, int64_t r, REAL eps, const hone__norms *kept,
                           R(norms) * norms)
{
    if (!kept) {
        R(norms_of)(w, r, eps, norms);
        return;
    }
    norms->n = w->rows - r < w->at_once ? w->rows - r : w->at_once;
    const size_t bytes = (size_t)norms->n * sizeof(REAL);
    memcpy(norms->base, (const REAL *)kept->base + r, bytes);
    memcpy(norms->scale, (const REAL *)kept->scale + r, bytes);
    memcpy(norms->offset, (const REAL *)kept->offset + r, bytes);
    memcpy(norms->unit, (const REAL *)kept->unit + r, bytes);
    norms->scaled = !R(all_one)(norms->n, norms->unit);
}

/* Row k of a group that has some which are scaled, a block of it at a time. */
static __attribute__((noinline)) void R(norm_scaled_row)(int64_t n, REAL *y, const REAL *x,
                                                         const REAL *weight, const REAL *bias,
                                                         const R(norms) * norms, int64_t k)
{
    REAL room[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t m = R(block_at)(n, i);
        R(map2_right)(m, room, x + i, norms->unit[k], R(mul));
        R(norm_rows)
        (1, m, y + i, 0, room, 0, 0, weight ? weight + i : NULL, bias ? bias + i : NULL, norms, k,
         false);
    }
}

/* Long rows that come from memory (far) are summed a whole group at a time, which prefetchers
 * follow, and the next group is asked for; L1 has room for one group. What goes past the caches
 * takes few rows at a time: memory is to be asked for the next ones all the while. */
HONE__INLINE void R(layer_norm)(int64_t rows, int64_t cols, REAL *y, int64_t sy, const REAL *x,
                                int64_t sx, const REAL *weight, const REAL *bias, REAL eps,
                                const hone__norms *keep, bool past)
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
        if (keep)
            R(keep_norms)(keep, r, &norms);
        for (; norms.scaled && k < norms.n; k++)
            R(norm_scaled_row)(cols, to + k * sy, from + k * sx, weight, bias, &norms, k);
        for (; !far && !past && k + 2 <= norms.n; k += 2)
            R(norm_rows)
        (2, cols, to + k * sy, sy, from + k * sx, sx, 0, weight, bias, &norms, k, false);
        for (; !past && k < norms.n; k++)
            R(norm_rows)
        (1, cols, to + k * sy, sy, from + k * sx, sx, ahead, weight, bias, &norms, k, false);
        for (; k < norms.n; k++)
            R(norm_rows)
        (1, cols, to + k * sy, sy, from + k * sx, sx, ahead, weight, bias, &norms, k, true);
    }
    if (past)
        store_past_end();
}

static void R(k_layer_norm)(int64_t rows, int64_t cols, void *y, int64_t sy, const void *x,
                            int64_t sx, const void *weight, const void *bias, double eps,
                            const hone__norms *keep, bool past)
{
    if (cols == 0)
        return;
    if (weight && bias)
        R(layer_norm)(rows, cols, y, sy, x, sx, weight, bias, (REAL)eps, keep, past);
    else if (weight)
        R(layer_norm)(rows, cols, y, sy, x, sx, weight, NULL, (REAL)eps, keep, past);
    else
        R(layer_norm)(rows, cols, y, sy, x, sx, NULL, bias, (REAL)eps, keep, past);
}

/* ---- backward ---- */

/* Sums over a row of g = dy * weight, and of g times the normalised x. */
typedef struct {
    REAL g, gx;
} R(norm_sums);

/* The accumulators [first, first + SWEEP) of a block; `rest` (a constant): some lanes are one step
 * short; an absent one adds a g of -0.0. */
HONE__INLINE void R(norm_sums_sweep)(int first, int64_t n, const REAL *dy, const REAL *x,
                                     const REAL *weight, R(normal_by) by, VREAL *g_sum,
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
            gx_sum[v] = R(fma)(g, R(normal)(R(load)(x + i + v * LANES), by), gx_sum[v]);
        }
    }
    for (int v = 0; rest && v < SWEEP && (LANES > 1 || i < n); v++, i += LANES) {
        VREAL g = R(load_part)(dy + i, n - i, none);
        if (weight)
            g = R(mul)(g, R(load_part)(weight + i, n - i, zero));
        const VREAL p = R(normal)(R(load_part)(x + i, n - i, zero), by);
        g_sum[v] = R(add)(g_sum[v], g);
        gx_sum[v] = R(fma)(g, R(keep_part)(p, n - i, zero), gx_sum[v]);
    }
}

HONE__INLINE R(norm_sums) R(norm_sums_lanes)(int64_t n, const REAL *dy, const REAL *x,
                                             const REAL *weight, R(normal_by) by, bool rest)
{
    VREAL g[N_ACC], gx[N_ACC];
    R(norm_sums_sweep)(0, n, dy, x, weight, by, g, gx, rest);
    if (SWEEP < N_ACC)
        R(norm_sums_sweep)
    (SECOND, n, dy, x, weight, by, g + SECOND, gx + SECOND, rest);
    R(norm_sums) sums;
    sums.g = R(fold_sums)(g, rest);
    sums.gx = R(fold_sums)(gx, rest);
    return sums;
}

static R(norm_sums) R(norm_sums_block)(int64_t n, const REAL *dy, const REAL *x, const REAL *weight,
                                       R(normal_by) by)
{
    const bool rest = n % VIRTUAL_LANES != 0;
    if (weight)
        return rest ? R(norm_sums_lanes)(n, dy, x, weight, by, true)
                    : R(norm_sums_lanes)(n, dy, x, weight, by, false);
    return rest ? R(norm_sums_lanes)(n, dy, x, NULL, by, true)
                : R(norm_sums_lanes)(n, dy, x, NULL, by, false);
}

/* Of x * unit, a block at a time in `room`; or, that being NULL (a constant), of x. */
HONE__INLINE R(norm_sums)
    R(norm_sums_row)(int64_t n, const REAL *dy, const REAL *x, const REAL *weight, R(normal_by) by,
                     REAL unit, REAL *room)
{
    if (!room && n <= BLOCK)
        return R(norm_sums_block)(n, dy, x, weight, by);
    R(tree) g, gx;
    g.top = gx.top = 0;
    g.count = gx.count = 0;
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t m = R(block_at)(n, i);
        if (room)
            R(map2_right)(m, room, x + i, unit, R(mul));
        const R(norm_sums) sums =
            R(norm_sums_block)(m, dy + i, room ? room : x + i, weight ? weight + i : NULL, by);
        R(tree_add)(&g, sums.g, R(add));
        R(tree_add)(&gx, sums.gx, R(add));
    }
    R(norm_sums) total;
    total.g = R(tree_total)(&g, R(add));
    total.gx = R(tree_total)(&gx, R(add));
    return total;
}

/* What dx is made of: the row's norms, the means of g and of g times the normalised x. */
typedef struct {
    R(normal_by) by;
    VREAL g, gx;
} R(dx_by);

HONE__INLINE void R(norm_dx_lanes)(int64_t count, REAL *dx, const REAL *dy, const REAL *x,
                                   const REAL *weight, R(dx_by) m, bool past)
{
    VREAL g = R(take)(dy, count);
    if (weight)
        g = R(mul)(g, R(take)(weight, count));
    const VREAL v = R(normal)(R(take)(x, count), m.by);
    R(put_result)(dx, R(mul)(R(fnma)(v, m.gx, R(sub)(g, m.g)), m.by.scale), count, past);
}

HONE__INLINE void R(norm_dx_row)(int64_t n, REAL *dx, const REAL *dy, const REAL *x,
                                 const REAL *weight, R(dx_by) m, bool past)
{
    int64_t i = R(head_of)(dx, n, past);
    if (i > 0)
        R(norm_dx_lanes)(i, dx, dy, x, weight, m, false);
    for (; i + LANES <= n; i += LANES)
        R(norm_dx_lanes)(LANES, dx + i, dy + i, x + i, weight ? weight + i : NULL, m, past);
    if (i < n)
        R(norm_dx_lanes)(n - i, dx + i, dy + i, x + i, weight ? weight + i : NULL, m, false);
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
        const R(norm_sums) sums =
            R(norm_sums_lanes)(cols, dy + k * sdy, x + k * sx, weight, R(by_row)(norms, k), rest);
        g[k] = sums.g;
        gx[k] = sums.gx;
    }
    if (cols > BLOCK / 4) { /* one row */
        const R(norm_sums) sums =
            R(norm_sums_row)(cols, dy, x, weight, R(by_row)(norms, 0), 1, NULL);
        g[0] = sums.g;
        gx[0] = sums.gx;
    }
    for (int64_t k = 0; k < norms->n; k += LANES) {
        R(store)(g + k, R(div)(R(load)(g + k), count));
        R(store)(gx + k, R(div)(R(load)(gx + k), count));
    }
    for (int64_t k = 0; k < norms->n; k++) {
        const R(dx_by) m = { R(by_row)(norms, k), R(set)(g[k]), R(set)(gx[k]) };
        REAL *to = dx + k * sdx;
        if (past)
            R(norm_dx_row)(cols, to, dy + k * sdy, x + k * sx, weight, m, true);
        else
            R(norm_dx_row)(cols, to, dy + k * sdy, x + k * sx, weight, m, false);
    }
}

/* Row k of a group that has some which are scaled. */
static __attribute__((noinline)) void R(norm_dx_scaled_row)(const R(norms) * norms, int64_t k,
                                                            int64_t n, REAL *dx, const REAL *dy,
                                                            const REAL *x, const REAL *weight)
{
    REAL room[BLOCK];
    const REAL unit = norms->unit[k], count = (REAL)n;
    const R(normal_by) by = R(by_row)(norms, k);
    const R(norm_sums) sums = R(norm_sums_row)(n, dy, x, weight, by, unit, room);
    const R(dx_by) m = { by, R(set)(sums.g / count), R(set)(sums.gx / count) };
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t cols = R(block_at)(n, i);
        R(map2_right)(cols, room, x + i, unit, R(mul));
        R(norm_dx_row)(cols, dx + i, dy + i, room, weight ? weight + i : NULL, m, false);
        R(map2_right)(cols, dx + i, dx + i, unit, R(mul));
    }
}

static void R(k_layer_norm_backward)(int64_t rows, int64_t cols, void *dxv, int64_t sdx,
                                     const void *dyv, int64_t sdy, const void *xv, int64_t sx,
                                     const void *weight, double eps, const hone__norms *kept,
                                     bool past)
{
    const bool rest = cols % VIRTUAL_LANES != 0;
    R(moments_walk) w;
    R(norms) norms;
    if (cols == 0)
        return;
    R(walk_begin)(&w, rows, cols, xv, sx, BLOCK / 4, !kept);
    for (int64_t r = 0; r < rows; r += norms.n) {
        const REAL *dy = (const REAL *)dyv + r * sdy, *x = (const REAL *)xv + r * sx;
        REAL *dx = (REAL *)dxv + r * sdx;
        R(norms_again)(&w, r, (REAL)eps, kept, &norms);
        for (int64_t k = 0; norms.scaled && k < norms.n; k++)
            R(norm_dx_scaled_row)
        (&norms, k, cols, dx + k * sdx, dy + k * sdy, x + k * sx, weight);
        if (norms.scaled)
            continue;
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

/* Rows k, k + 1 ... of a group, n of them (a constant): dy times the normalised x into the sums. */
HONE__INLINE void R(norm_weight_rows)(int n, int64_t cols, REAL *sum, const REAL *dy, int64_t sdy,
                                      const REAL *x, int64_t sx, const R(norms) * norms, int64_t k)
{
    R(normal_by) by[WEIGHT_ROWS];
    for (int row = 0; row < n; row++)
        by[row] = R(by_row)(norms, k + row);
    for (int64_t i = 0; i < cols; i += LANES) {
        const int64_t count = cols - i < LANES ? cols - i : LANES;
        VREAL acc = R(take)(sum + i, count);
        for (int row = 0; row < n; row++) {
            const VREAL v = R(normal)(R(take)(x + row * sx + i, count), by[row]);
            acc = R(fma)(R(take)(dy + row * sdy + i, count), v, acc);
        }
        R(put)(sum + i, acc, count);
    }
}

/* Row k of a group that has some which are scaled. */
static __attribute__((noinline)) void R(norm_weight_scaled_row)(int64_t n, REAL *sum,
                                                                const REAL *dy, const REAL *x,
                                                                const R(norms) * norms, int64_t k)
{
    REAL room[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t cols = R(block_at)(n, i);
        R(map2_right)(cols, room, x + i, norms->unit[k], R(mul));
        R(norm_weight_rows)(1, cols, sum + i, dy + i, 0, room, 0, norms, k);
    }
}

/* All rows of a block whose norms are kept, for n_vec vectors of columns (a constant, as is
 * `count`): sums in registers. */
HONE__INLINE void R(norm_weight_strip)(int n_vec, int64_t count, int64_t rows, REAL *sum,
                                       const REAL *dy, int64_t sdy, const REAL *x, int64_t sx,
                                       const hone__norms *kept)
{
    const REAL *base = kept->base, *scale = kept->scale, *offset = kept->offset;
    VREAL acc[WEIGHT_STRIP];
    for (int v = 0; v < n_vec; v++)
        acc[v] = R(set)((REAL)-0.0);
    for (int64_t r = 0; r < rows; r++, dy += sdy, x += sx) {
        const R(normal_by) by = R(normal_by_of)(base[r], scale[r], offset[r]);
        for (int v = 0; v < n_vec; v++)
            acc[v] = R(fma)(R(take)(dy + v * LANES, count),
                            R(normal)(R(take)(x + v * LANES, count), by), acc[v]);
    }
    for (int v = 0; v < n_vec; v++)
        R(put)(sum + v * LANES, acc[v], count);
}

static void R(norm_weight_narrow)(int64_t rows, int64_t cols, const REAL *dy, int64_t sdy,
                                  const REAL *x, int64_t sx, const hone__norms *kept, REAL *sum)
{
    int64_t i = 0;
    for (; i + WEIGHT_STRIP * LANES <= cols; i += WEIGHT_STRIP * LANES)
        R(norm_weight_strip)
    (WEIGHT_STRIP, LANES, rows, sum + i, dy + i, sdy, x + i, sx, kept);
    for (; i + LANES <= cols; i += LANES)
        R(norm_weight_strip)(1, LANES, rows, sum + i, dy + i, sdy, x + i, sx, kept);
    if (i < cols)
        R(norm_weight_strip)(1, cols - i, rows, sum + i, dy + i, sdy, x + i, sx, kept);
}

static void R(norm_weight_block)(int64_t rows, int64_t cols, const REAL *dy, int64_t sdy,
                                 const REAL *x, int64_t sx, REAL eps, const hone__norms *kept,
                                 REAL *sum)
{
    if (kept && cols <= 2 * WEIGHT_STRIP * LANES && R(all_one)(rows, kept->unit)) {
        R(norm_weight_narrow)(rows, cols, dy, sdy, x, sx, kept, sum);
        return;
    }
    R(moments_walk) w;
    R(norms) norms;
    R(walk_begin)(&w, rows, cols, x, sx, BLOCK / 2, !kept);
    for (int64_t i = 0; i < cols; i++)
        sum[i] = (REAL)-0.0;
    for (int64_t r = 0; r < rows; r += norms.n) {
        const REAL *dy_r = dy + r * sdy, *x_r = x + r * sx;
        int64_t k = 0;
        R(norms_again)(&w, r, eps, kept, &norms);
        for (; norms.scaled && k < norms.n; k++)
            R(norm_weight_scaled_row)(cols, sum, dy_r + k * sdy, x_r + k * sx, &norms, k);
        for (; k + WEIGHT_ROWS <= norms.n; k += WEIGHT_ROWS)
            R(norm_weight_rows)
        (WEIGHT_ROWS, cols, sum, dy_r + k * sdy, sdy, x_r + k * sx, sx, &norms, k);
        for (; k < norms.n; k++)
            R(norm_weight_rows)(1, cols, sum, dy_r + k * sdy, sdy, x_r + k * sx, sx, &norms, k);
    }
}

/* What is kept of the rows from `first` on. */
static hone__norms R(kept_from)(const hone__norms *kept, int64_t first)
{
    return (hone__norms){ (REAL *)kept->base + first, (REAL *)kept->scale + first,
                          (REAL *)kept->offset + first, (REAL *)kept->unit + first };
}

static void R(k_layer_norm_weight_backward)(int64_t rows, int64_t cols, const void *dyv,
                                            int64_t sdy, const void *xv, int64_t sx, double eps,
                                            const hone__norms *kept, int64_t begin, int64_t end,
                                            void *out)
{
    for (int64_t b = begin; b < end && cols > 0; b++) {
        const int64_t first = b * HONE__COLS_BLOCK, rest = rows - first;
        const hone__norms block = kept ? R(kept_from)(kept, first) : (hone__norms){ 0 };
        R(norm_weight_block)
        (rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK, cols, (const REAL *)dyv + first * sdy,
         sdy, (const REAL *)xv + first * sx, sx, (REAL)eps, kept ? &block : NULL,
         (REAL *)out + (b - begin) * cols);
    }
}

/* ---- deviations: the gradients of variance and standard deviation ---- */

HONE__INLINE void R(deviation_lanes)(int64_t count, REAL *y, const REAL *x, R(normal_by) by,
                                     VREAL g)
{
    R(put)(y, R(mul)(R(normal)(R(take)(x, count), by), g), count);
}

HONE__INLINE void R(deviation_piece)(int64_t n, REAL *y, const REAL *x, R(normal_by) by, VREAL g)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(deviation_lanes)(LANES, y + i, x + i, by, g);
    if (i < n)
        R(deviation_lanes)(n - i, y + i, x + i, by, g);
}

/* A row of another unit, a block at a time; results are multiplied by `back`. */
static __attribute__((noinline)) void R(deviation_scaled)(int64_t n, REAL *y, const REAL *x,
                                                          R(normal_by) by, VREAL g, REAL unit,
                                                          REAL back)
{
    REAL room[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        const int64_t m = R(block_at)(n, i);
        R(map2_right)(m, room, x + i, unit, R(mul));
        R(deviation_piece)(m, y + i, room, by, g);
        R(map2_right)(m, y + i, y + i, back, R(mul));
    }
}

static void R(k_deviation)(int64_t rows, int64_t cols, void *yv, int64_t sy, const void *xv,
                           int64_t sx, const void *gv, bool by_std)
{
    R(moments_walk) w;
    R(norms) norms;
    if (cols == 0)
        return;
    R(walk_begin)(&w, rows, cols, xv, sx, BLOCK / 2, true);
    for (int64_t r = 0; r < rows; r += norms.n) {
        R(norms_of)(&w, r, by_std ? 0 : 1, &norms); /* 1: squares that underflow don't matter */
        for (int64_t k = 0; k < norms.n; k++) {
            const REAL unit = norms.unit[k], *x = (const REAL *)xv + (r + k) * sx;
            const VREAL g = R(set)(gv ? ((const REAL *)gv)[r + k] : 1);
            REAL *y = (REAL *)yv + (r + k) * sy;
            R(normal_by) by = R(by_row)(&norms, k);
            if (!by_std)
                by = R(normal_by_of)(w.base[k], 1, -w.shift[k]);
            else if (w.m2[k] == 0)
                by = R(normal_by_of)(w.base[k], 0, 0);
            if (unit == 1)
                R(deviation_piece)(cols, y, x, by, g);
            else
                R(deviation_scaled)(cols, y, x, by, g, unit, by_std ? 1 : 1 / unit);
        }
    }
}
