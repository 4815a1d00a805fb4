/* moments.h: sums of squared deviations from the mean, f32 and f64. (fragment: reduce_cols.h)
 *
 * A block is read twice, the second time from L1 or L2: its mean, then the deviations d from that,
 * both in the order of sums. A mean is rounded; what the deviations still sum up to is what it is
 * off by, and corrects it and their squares (Neely, Comparison of several algorithms for
 * computation of means, standard deviations and correlation coefficients, 1966). Blocks are joined
 * pairwise in order by Chan, Golub and LeVeque's formula (Updating formulae and a pairwise
 * algorithm for computing sample variances, 1979), so memory is read once and a large mean costs
 * no accuracy. A row whose squares over- or underflow is done again, scaled. */

/* Accumulators that are taken through a block together: two each, and registers hold them. */
#ifndef MOMENT_ROWS
#define MOMENT_ROWS  16       /* that go together, at most */
#define MEMORY_BYTES 33554432 /* what hardly a cache holds */
enum { NEAR, FAR, IN_MEMORY };
#endif
#define SWEEP  (N_ACC == 8 ? 4 : N_ACC == 16 ? 8 : N_ACC)
#define SECOND (SWEEP % N_ACC) /* the first accumulator of the second half, if there are two */

/* The mean is base + shift: base a number near the elements, never rounded again. m2: the sum of
 * (x - mean)^2. */
typedef struct {
    REAL base, shift, m2;
    int64_t n;
} R(moments);

/* What deviations from `base` and their squares sum up to -> shift, m2. Squares that overflow stay
 * what they are. */
HONE__INLINE void R(correct)(VREAL n, VREAL d, VREAL dd, VREAL *shift, VREAL *m2)
{
    const VREAL zero = R(set)(0), off = R(div)(d, n);
    const VMASK finite = R(lt)(dd, R(set)((REAL)INFINITY));
    *shift = R(select)(finite, off, zero);
    *m2 = R(select)(finite, R(max)(zero, R(sub)(dd, R(mul)(d, off))), dd);
}

/* acc + p for the v-th accumulator. Every other one adds by an fma, which rounds the same sum:
 * additions and fmas have pipes of their own, and deviations would keep the former twice as busy.
 * A NaN may come out as another one. */
HONE__INLINE VREAL R(add_balanced)(int v, VREAL acc, VREAL p)
{
    return LANES > 1 && v % 2 == 1 ? R(fma)(p, R(set)(1), acc) : R(add)(acc, p);
}

/* Of n elements x for the accumulators [first, first + SWEEP): their deviations from `centre`, and
 * the squares of those. In the same pass, if there are any, as many elements of `next` are summed:
 * the deviations wait for the adders, the sum for memory. `rest` (a constant): some lanes are one
 * step short; an absent one deviates by -0.0. */
HONE__INLINE void R(moments_sweep)(int first, int64_t n, const REAL *x, VREAL centre,
                                   const REAL *next, VREAL *d, VREAL *dd, VREAL *sum, bool rest)
{
    const VREAL none = R(set)((REAL)-0.0);
    for (int v = 0; v < SWEEP; v++)
        d[v] = dd[v] = sum[v] = none;
    int64_t i = first * LANES;
    for (; i + VIRTUAL_LANES <= n + first * LANES; i += VIRTUAL_LANES) {
        for (int v = 0; v < SWEEP; v++) {
            const VREAL p = R(sub)(R(load)(x + i + v * LANES), centre);
            d[v] = R(add_balanced)(v, d[v], p);
            dd[v] = R(fma)(p, p, dd[v]);
            if (next)
                sum[v] = R(add_balanced)(v + 1, sum[v], R(load)(next + i + v * LANES));
        }
    }
    for (int v = 0; rest && v < SWEEP && (LANES > 1 || i < n); v++, i += LANES) {
        const VREAL p = R(sub)(R(load_part)(x + i, n - i, none), centre);
        d[v] = R(add)(d[v], R(keep_part)(p, n - i, none));
        dd[v] = R(fma)(R(keep_part)(p, n - i, none), R(keep_part)(p, n - i, none), dd[v]);
        if (next)
            sum[v] = R(add)(sum[v], R(load_part)(next + i, n - i, none));
    }
}

/* The fold of a sum. gcc keeps accumulators in registers if it unrolls all loops over them early,
 * which it does to one loop but not to two that are nested: the upper half is added first, then the
 * upper half of what is left. `rest` (a constant): some lanes are one step short; then registers
 * gain nothing. */
HONE__INLINE REAL R(fold_sums)(VREAL *acc, bool rest)
{
    for (int v = N_ACC - 1; v >= 1 && N_ACC <= 16 && !rest; v--) {
        const int half = 1 << (31 - __builtin_clz((unsigned)v));
        acc[v - half] = R(add)(acc[v - half], acc[v]);
    }
    return R(fold)(N_ACC <= 16 && !rest ? acc[0] : R(fold_lanes)(acc, R(add)), R(add));
}

/* Sums over a block: of deviations, of their squares, of what comes next. */
typedef struct {
    REAL d, dd, next;
} R(deviations);

HONE__INLINE R(deviations)
    R(deviate)(int64_t n, const REAL *x, REAL base, const REAL *next, bool rest)
{
    VREAL d[N_ACC], dd[N_ACC], sum[N_ACC];
    for (int v = 0; rest && v < N_ACC; v += SWEEP) /* in memory, as fold_sums says */
        R(moments_sweep)(v, n, x, R(set)(base), next, d + v, dd + v, sum + v, true);
    if (!rest)
        R(moments_sweep)(0, n, x, R(set)(base), next, d, dd, sum, false);
    if (!rest && SWEEP < N_ACC)
        R(moments_sweep)
    (SECOND, n, x, R(set)(base), next, d + SECOND, dd + SECOND, sum + SECOND, false);
    R(deviations) s;
    s.d = R(fold_sums)(d, rest);
    s.dd = R(fold_sums)(dd, rest);
    s.next = next ? R(fold_sums)(sum, rest) : 0;
    return s;
}

/* 0 < n <= BLOCK elements about a base, and the sum of n elements of `next`, if that isn't NULL. */
static R(deviations) R(deviate_block)(int64_t n, const REAL *x, REAL base, const REAL *next)
{
    const bool rest = n % VIRTUAL_LANES != 0;
    if (next)
        return rest ? R(deviate)(n, x, base, next, true) : R(deviate)(n, x, base, next, false);
    return rest ? R(deviate)(n, x, base, NULL, true) : R(deviate)(n, x, base, NULL, false);
}

/* The moments of a block of n elements; *sum is theirs and becomes that of the n_next <= n elements
 * behind them. */
static R(moments) R(moments_block)(int64_t n, const REAL *x, int64_t n_next, REAL *sum)
{
    R(moments) m;
    VREAL shift, m2;
    m.base = *sum / (REAL)n;
    m.n = n;
    const R(deviations) s = R(deviate_block)(n, x, m.base, n_next == n ? x + n : NULL);
    *sum = n_next == n ? s.next : n_next > 0 ? R(sum_block)(n_next, x + n) : 0;
    R(correct)(R(set)((REAL)n), R(set)(s.d), R(set)(s.dd), &shift, &m2);
    m.shift = R(first)(shift);
    m.m2 = R(first)(m2);
    return m;
}

/* a += b, as vectors of bases, shifts and sums; counts are the same in all lanes. */
HONE__INLINE void R(moments_join_lanes)(VREAL a_base, VREAL *shift, VREAL *m2, int64_t n,
                                        VREAL b_base, VREAL b_shift, VREAL b_m2, int64_t b_n)
{
    const REAL share = (REAL)b_n / (REAL)(n + b_n);
    const VREAL d = R(add)(R(sub)(b_base, a_base), R(sub)(b_shift, *shift));
    *shift = R(fma)(d, R(set)(share), *shift);
    *m2 = R(fma)(R(mul)(d, d), R(set)((REAL)n * share), R(add)(*m2, b_m2));
}

static R(moments) R(moments_join)(R(moments) a, R(moments) b)
{
    VREAL shift = R(set)(a.shift), m2 = R(set)(a.m2);
    R(moments_join_lanes)
    (R(set)(a.base), &shift, &m2, a.n, R(set)(b.base), R(set)(b.shift), R(set)(b.m2), b.n);
    a.shift = R(first)(shift);
    a.m2 = R(first)(m2);
    a.n += b.n;
    return a;
}

/* The length of the block that begins at element `i` of n. */
static int64_t R(block_at)(int64_t n, int64_t i)
{
    return n - i < BLOCK ? n - i : BLOCK;
}

/* A row's moments; with a `room` for a block (a constant, as its absence) those of x * unit. */
HONE__INLINE R(moments) R(moments_by)(int64_t n, const REAL *x, REAL unit, REAL *room)
{
    R(moments) level[MAX_LEVELS];
    REAL sum = room ? 0 : R(sum_block)(R(block_at)(n, 0), x);
    int top = 0;
    for (int64_t i = 0, b = 1; i < n; i += BLOCK, b++) {
        const int64_t m = R(block_at)(n, i);
        if (room) {
            R(map2_right)(m, room, x + i, unit, R(mul));
            sum = R(sum_block)(m, room);
        }
        level[top++] =
            R(moments_block)(m, room ? room : x + i, room ? 0 : R(block_at)(n, i + m), &sum);
        for (int64_t bits = b; bits % 2 == 0; bits /= 2, top--)
            level[top - 2] = R(moments_join)(level[top - 2], level[top - 1]);
    }
    for (; top > 1; top--)
        level[top - 2] = R(moments_join)(level[top - 2], level[top - 1]);
    return level[0];
}

static R(moments) R(moments_row)(int64_t n, const REAL *x)
{
    return R(moments_by)(n, x, 1, NULL);
}

/* ---- rows whose squares over- or underflow ---- */

/* The power of two in x, which is positive and normal. */
static REAL R(power_in)(REAL x)
{
    const REAL infinity = (REAL)INFINITY;
    BITS bits, exponent;
    memcpy(&bits, &x, sizeof bits);
    memcpy(&exponent, &infinity, sizeof exponent);
    bits &= exponent;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The moments of x * unit, for any finite x. `unit` is the power of two that brings the largest
 * magnitude (or `least`, if that is larger) to [2, 4), or as near as a factor can: products are
 * exact but for elements too small to count. False: x holds a NaN or an infinity. */
static __attribute__((noinline)) bool R(moments_in_range)(int64_t n, const REAL *x, REAL least,
                                                          R(moments) * m, REAL *unit)
{
    REAL room[BLOCK];
    const REAL high = R(row)(n, x, R(max_block), R(max)), low = R(row)(n, x, R(min_block), R(min));
    const REAL size = high > -low ? high : -low;
    *unit = 1;
    if (!(size < (REAL)INFINITY) || !(low <= high))
        return false;
    if (low == high) { /* whatever a sum of equals rounds to */
        *m = (R(moments)){ .base = high, .n = n };
        return true;
    }
    least = least > LEAST_NORMAL ? least : LEAST_NORMAL;
    *unit = 2 / R(power_in)(size > least ? size : least);
    *m = R(moments_by)(n, x, *unit, room);
    return true;
}

static bool R(k_moments)(int64_t cols, const void *x, void *m2, void *unit)
{
    R(moments) m;
    const bool finite = R(moments_in_range)(cols, x, 0, &m, unit);
    if (finite)
        *(REAL *)m2 = m.m2;
    return finite;
}

/* ---- rows, some of them together ----
 *
 * A step takes a group of rows that have `room` elements: divisions and the folds that end a row's
 * pass don't wait for one another then. With `lead` the deviations of a group and the sums of the
 * next one are a single pass. */

typedef struct {
    REAL base[MOMENT_ROWS], shift[MOMENT_ROWS], m2[MOMENT_ROWS]; /* of the group of the last step */
    REAL sum[MOMENT_ROWS];                                       /* with lead: of the next one */
    int64_t rows, cols, sx, at_once;
    bool lead;
    const REAL *x;
} R(moments_walk);

static void R(walk_sums)(R(moments_walk) * w, int64_t r, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        w->sum[k] = R(sum_block)(w->cols, w->x + (r + k) * w->sx);
}

static void R(walk_begin)(R(moments_walk) * w, int64_t rows, int64_t cols, const REAL *x,
                          int64_t sx, int64_t room, bool lead)
{
    const int64_t fit = room / cols;
    memset(w, 0, sizeof *w); /* whole vectors of rows are worked on, however many there are */
    w->rows = rows, w->cols = cols, w->sx = sx, w->x = x, w->lead = lead;
    w->at_once = fit > MOMENT_ROWS ? MOMENT_ROWS : fit > 0 ? fit : 1;
    if (lead && w->at_once > 1)
        R(walk_sums)(w, 0, rows < w->at_once ? rows : w->at_once);
}

/* n rows about their bases, and the sums of n_next <= n rows behind them. */
HONE__INLINE void R(walk_rows)(R(moments_walk) * w, int64_t n, const REAL *x, int64_t n_next,
                               bool rest)
{
    const REAL *next = x + n * w->sx;
    for (int64_t k = 0; k < n; k++, x += w->sx, next += w->sx) {
        const REAL *behind = k < n_next ? next : NULL;
        const R(deviations) s = !behind ? R(deviate)(w->cols, x, w->base[k], NULL, rest)
                                : rest  ? R(deviate_block)(w->cols, x, w->base[k], behind)
                                        : R(deviate)(w->cols, x, w->base[k], next, false);
        w->shift[k] = s.d;
        w->m2[k] = s.dd;
        w->sum[k] = s.next;
    }
}

static void R(walk_one)(R(moments_walk) * w, const REAL *x)
{
    const R(moments) m = R(moments_row)(w->cols, x);
    w->base[0] = m.base;
    w->shift[0] = m.shift;
    w->m2[0] = m.m2;
}

/* The group that begins at row r, the next one -> how many rows it has. */
static int64_t R(walk_step)(R(moments_walk) * w, int64_t r)
{
    const VREAL count = R(set)((REAL)w->cols);
    const int64_t left = w->rows - r, n = left < w->at_once ? left : w->at_once;
    const int64_t behind = left - n, n_next = !w->lead ? 0 : behind < n ? behind : n;
    const REAL *x = w->x + r * w->sx;
    if (w->at_once == 1) {
        R(walk_one)(w, x);
        return 1;
    }
    if (!w->lead)
        R(walk_sums)(w, r, n);
    for (int64_t k = 0; k < n; k += LANES)
        R(store)(w->base + k, R(div)(R(load)(w->sum + k), count));
    if (w->cols % VIRTUAL_LANES == 0)
        R(walk_rows)(w, n, x, n_next, false);
    else
        R(walk_rows)(w, n, x, n_next, true);
    for (int64_t k = 0; k < n; k += LANES) {
        VREAL shift, m2;
        R(correct)(count, R(load)(w->shift + k), R(load)(w->m2 + k), &shift, &m2);
        R(store)(w->shift + k, shift);
        R(store)(w->m2 + k, m2);
    }
    return n;
}

static void R(k_m2_rows)(int64_t rows, int64_t cols, const void *x, int64_t sx, void *outv,
                         int64_t so)
{
    REAL *out = outv;
    for (int64_t r = 0; r < rows && cols == 0; r++)
        out[r * so] = 0;
    if (cols == 0)
        return;
    R(moments_walk) w;
    R(walk_begin)(&w, rows, cols, x, sx, BLOCK / 2, true);
    for (int64_t r = 0, n; r < rows; r += n) {
        n = R(walk_step)(&w, r);
        for (int64_t k = 0; k < n; k++)
            out[(r + k) * so] = w.m2[k];
    }
}

static void R(put_moments)(hone__partial *p, R(moments) m)
{
    memcpy(&p->value, &m.m2, sizeof m.m2);
    memcpy(&p->base, &m.base, sizeof m.base);
    memcpy(&p->shift, &m.shift, sizeof m.shift);
    p->index = m.n;
}

static R(moments) R(moments_of)(const hone__partial *p)
{
    R(moments) m;
    m.m2 = R(partial)(p);
    memcpy(&m.base, &p->base, sizeof m.base);
    memcpy(&m.shift, &p->shift, sizeof m.shift);
    m.n = p->index;
    return m;
}

static void R(k_m2_blocks)(int64_t cols, const void *xv, int64_t begin, int64_t end,
                           hone__partial *out)
{
    const REAL *x = (const REAL *)xv;
    REAL sum = begin < end ? R(sum_block)(R(block_at)(cols, begin * BLOCK), x + begin * BLOCK) : 0;
    for (int64_t b = begin; b < end; b++) {
        const int64_t n = R(block_at)(cols, b * BLOCK);
        const int64_t n_next = b + 1 < end ? R(block_at)(cols, (b + 1) * BLOCK) : 0;
        R(put_moments)(&out[b - begin], R(moments_block)(n, x + b * BLOCK, n_next, &sum));
    }
}

/* ---- rows in pieces: the sums of several rows, whose pieces lie side by side, then each row about its
 * mean, from L2; the lanes of deviations and squares wait in memory */

/* n elements into as many lanes from d and dd on. */
HONE__INLINE void R(deviate_into)(int64_t n, REAL *d, REAL *dd, const REAL *x, VREAL centre)
{
    const VREAL none = R(set)((REAL)-0.0);
    for (int64_t i = 0; i < n; i += LANES) {
        VREAL p = R(sub)(n - i < LANES ? R(load_n)(x + i, n - i, none) : R(load)(x + i), centre);
        if (n - i < LANES)
            p = R(keep_n)(p, n - i, none);
        R(store)(d + i, R(add)(R(load)(d + i), p));
        R(store)(dd + i, R(fma)(p, p, R(load)(dd + i)));
    }
}

/* Pieces that are whole rounds of the lanes, for the accumulators [first, first + SWEEP). */
HONE__INLINE void R(deviate_rounds)(const hone__pieces *p, int first, const REAL *x, VREAL centre,
                                    REAL *d, REAL *dd)
{
    VREAL lane[SWEEP], squares[SWEEP];
    for (int v = 0; v < SWEEP; v++)
        lane[v] = squares[v] = R(set)((REAL)-0.0);
    int64_t at = p->at;
    for (int64_t i = 0; i < p->n; i += VIRTUAL_LANES, at += VIRTUAL_LANES) {
        if (at == p->run) {
            x += p->apart;
            at = 0;
        }
        for (int v = 0; v < SWEEP; v++) {
            const VREAL e = R(sub)(R(load)(x + at + (first + v) * LANES), centre);
            lane[v] = R(add_balanced)(v, lane[v], e);
            squares[v] = R(fma)(e, e, squares[v]);
        }
    }
    for (int v = 0; v < SWEEP; v++) {
        R(store)(d + (first + v) * LANES, lane[v]);
        R(store)(dd + (first + v) * LANES, squares[v]);
    }
}

HONE__INLINE void R(deviate_pieces)(const hone__pieces *p, const REAL *x, VREAL centre, REAL *d,
                                    REAL *dd)
{
    for (int64_t j = 0; j < R(LANES_ROOM); j++)
        d[j] = dd[j] = (REAL)-0.0;
    int64_t at = p->at;
    for (int64_t i = 0, n; i < p->n; i += n, at += n) {
        if (at == p->run) {
            x += p->apart;
            at = 0;
        }
        const int64_t lane = i % VIRTUAL_LANES, left = p->n - i, piece = p->run - at;
        n = piece < left ? piece : left;
        n = n < VIRTUAL_LANES - lane ? n : VIRTUAL_LANES - lane;
        R(deviate_into)(n, d + lane, dd + lane, x + at, centre);
    }
}

static REAL R(fold_room)(const REAL *lanes)
{
    VREAL acc[N_ACC];
    for (int v = 0; v < N_ACC; v++)
        acc[v] = R(load)(lanes + v * LANES);
    return R(fold)(R(fold_lanes)(acc, R(add)), R(add));
}

static void R(k_m2_pieces)(const hone__pieces *p, hone__partial *out, int64_t so)
{
    _Alignas(64) REAL d[R(LANES_ROOM)], dd[R(LANES_ROOM)];
    const bool rounds = (p->at | p->run | p->n) % VIRTUAL_LANES == 0;
    for (int64_t first = 0, rows; first < p->rows; first += rows) {
        rows = p->rows - first < R(TOGETHER) ? p->rows - first : R(TOGETHER);
        R(pieces_together)
        (rows, p, (const REAL *)p->x + first * p->row_stride, out + first * so, so, R(sum_step),
         R(add), (REAL)-0.0);
        for (int64_t r = first; r < first + rows; r++) {
            const REAL *x = (const REAL *)p->x + r * p->row_stride;
            R(moments) m = { .base = R(partial)(&out[r * so]) / (REAL)p->n, .n = p->n };
            if (!rounds)
                R(deviate_pieces)(p, x, R(set)(m.base), d, dd);
            for (int v = 0; rounds && v < N_ACC; v += SWEEP)
                R(deviate_rounds)(p, v, x, R(set)(m.base), d, dd);
            VREAL shift, m2;
            R(correct)
            (R(set)((REAL)p->n), R(set)(R(fold_room)(d)), R(set)(R(fold_room)(dd)), &shift, &m2);
            m.shift = R(first)(shift);
            m.m2 = R(first)(m2);
            R(put_moments)(&out[r * so], m);
        }
    }
}

static void R(k_m2_combine)(int64_t n, hone__partial *p, void *out)
{
    for (; n > 1; n = (n + 1) / 2) {
        for (int64_t i = 0; i + 1 < n; i += 2)
            R(put_moments)
        (&p[i / 2], R(moments_join)(R(moments_of)(p + i), R(moments_of)(p + i + 1)));
        if (n % 2 == 1)
            p[n / 2] = p[n - 1];
    }
    *(REAL *)out = R(partial)(p);
}

/* ---- along the rows: a column's m2, base and shift stand `apart` elements from each other ---- */

/* n rows (a constant) into the sums of deviations (at `shift`) and of their squares (at m2). Of what
 * is `far` (a constant) the next block is asked for. */
HONE__INLINE void R(deviation_rows)(int n, int64_t cols, const REAL *x, int64_t sx, REAL *m2,
                                    int64_t apart, bool far)
{
    for (int64_t j = 0; j < cols; j += LANES) {
        const int64_t count = cols - j < LANES ? cols - j : LANES;
        const VREAL centre = R(take)(m2 + apart + j, count);
        VREAL d = R(take)(m2 + 2 * apart + j, count), dd = R(take)(m2 + j, count);
        for (int k = 0; k < n; k++) {
            if (far)
                R(ask_for)(x + (k + HONE__COLS_BLOCK) * sx + j, count);
            const VREAL p = R(sub)(R(take)(x + k * sx + j, count), centre);
            d = R(add)(d, p);
            dd = R(fma)(p, p, dd);
        }
        R(put)(m2 + 2 * apart + j, d, count);
        R(put)(m2 + j, dd, count);
    }
}

static void R(correct_cols)(int64_t n, int64_t cols, REAL *m2, int64_t apart)
{
    for (int64_t j = 0; j < cols; j += LANES) {
        const int64_t count = cols - j < LANES ? cols - j : LANES;
        REAL *shift = m2 + 2 * apart + j;
        VREAL d = R(take)(shift, count), dd = R(take)(m2 + j, count);
        R(correct)(R(set)((REAL)n), d, dd, &d, &dd);
        R(put)(shift, d, count);
        R(put)(m2 + j, dd, count);
    }
}

/* How far away x is. */
static int R(distance)(int64_t rows, int64_t sx)
{
    return R(is_far)(rows, sx, MEMORY_BYTES) ? IN_MEMORY
           : R(is_far)(rows, sx, FAR_SUMS)   ? FAR
                                             : NEAR;
}

/* One block of 0 < rows <= HONE__COLS_BLOCK. Memory takes one row after the other best. */
static void R(moments_cols_block)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *m2,
                                  int64_t apart, int distance)
{
    const bool far = distance != NEAR;
    REAL *base = m2 + apart;
    R(sum_cols_block)(rows, cols, x, sx, base, far);
    R(map2_right)(cols, base, base, (REAL)rows, R(div));
    for (int64_t j = 0; j < cols; j++)
        m2[j] = m2[2 * apart + j] = (REAL)-0.0;
    int64_t r = 0;
    for (; r < rows && distance == IN_MEMORY; r++)
        R(deviation_rows)(1, cols, x + r * sx, sx, m2, apart, true);
    for (; r + ROWS_AT_ONCE <= rows && !far; r += ROWS_AT_ONCE)
        R(deviation_rows)(ROWS_AT_ONCE, cols, x + r * sx, sx, m2, apart, false);
    for (; r + ROWS_AT_ONCE <= rows; r += ROWS_AT_ONCE)
        R(deviation_rows)(ROWS_AT_ONCE, cols, x + r * sx, sx, m2, apart, true);
    for (; r < rows; r++)
        R(deviation_rows)(1, cols, x + r * sx, sx, m2, apart, false);
    R(correct_cols)(rows, cols, m2, apart);
}

/* Columns `a` of n rows and `b` of the b_n rows behind them -> `to` (which may be a). */
static void R(moments_cols_join)(int64_t cols, REAL *to, const REAL *a, int64_t n, const REAL *b,
                                 int64_t b_n, int64_t apart)
{
    for (int64_t j = 0; j < cols; j += LANES) {
        const int64_t count = cols - j < LANES ? cols - j : LANES;
        const VREAL base = R(take)(a + apart + j, count);
        VREAL shift = R(take)(a + 2 * apart + j, count);
        VREAL m2 = R(take)(a + j, count);
        R(moments_join_lanes)
        (base, &shift, &m2, n, R(take)(b + apart + j, count), R(take)(b + 2 * apart + j, count),
         R(take)(b + j, count), b_n);
        R(put)(to + j, m2, count);
        R(put)(to + apart + j, base, count);
        R(put)(to + 2 * apart + j, shift, count);
    }
}

/* A block's partial result: m2 of all columns, then their bases, then their shifts. */
static void R(k_m2_cols_blocks)(int64_t rows, int64_t cols, const void *xv, int64_t sx,
                                int64_t begin, int64_t end, void *out)
{
    const int distance = R(distance)(rows, sx);
    /* L2 holds a panel; but memory takes long pieces of rows, and L3 holds these. */
    const int64_t panel = R(is_far)(rows, sx, FAR_EXTREMES) ? FAR_PANEL : 2 * PANEL;
    for (int64_t b = begin; b < end; b++) {
        const int64_t r = b * HONE__COLS_BLOCK, rest = rows - r;
        const int64_t n = rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK;
        const REAL *x = (const REAL *)xv + r * sx;
        REAL *m2 = (REAL *)out + (b - begin) * 3 * cols;
        for (int64_t j = 0; j < cols; j += panel)
            R(moments_cols_block)
        (n, cols - j < panel ? cols - j : panel, x + j, sx, m2 + j, cols, distance);
    }
}

static void R(k_m2_cols_combine)(int64_t rows, int64_t cols, void *partials, void *out)
{
    REAL *p = partials;
    const int64_t block = 3 * cols;
    int64_t each = HONE__COLS_BLOCK; /* rows of all partial results but the last one */
    for (int64_t n = hone__cols_blocks(rows); n > 1; n = (n + 1) / 2, each *= 2) {
        for (int64_t i = 0; i + 1 < n; i += 2)
            R(moments_cols_join)
        (cols, p + i / 2 * block, p + i * block, each, p + (i + 1) * block,
         i + 2 < n ? each : rows - (i + 1) * each, cols);
        if (n % 2 == 1)
            memmove(p + n / 2 * block, p + (n - 1) * block, (size_t)block * sizeof(REAL));
    }
    memmove(out, p, (size_t)cols * sizeof(REAL));
}

static void R(k_m2_cols)(int64_t rows, int64_t cols, const void *xv, int64_t sx, void *out)
{
    REAL room[LEVEL_BYTES / sizeof(REAL)];
    const int64_t panel = R(level_panel)(rows, 3), level = 3 * panel;
    const int distance = R(distance)(rows, sx);
    for (int64_t j = 0; j < cols; j += panel) {
        const int64_t m = cols - j < panel ? cols - j : panel;
        const REAL *x = (const REAL *)xv + j;
        int64_t count[COLS_LEVELS + 1];
        int top = 0;
        for (int64_t r = 0, b = 1; r < rows; r += HONE__COLS_BLOCK, b++) {
            const int64_t n = rows - r < HONE__COLS_BLOCK ? rows - r : HONE__COLS_BLOCK;
            R(moments_cols_block)(n, m, x + r * sx, sx, room + top * level, panel, distance);
            count[top++] = n;
            for (int64_t bits = b; top > 1 && (bits % 2 == 0 || r + n == rows); bits /= 2) {
                REAL *a = room + (top - 2) * level;
                R(moments_cols_join)(m, a, a, count[top - 2], a + level, count[top - 1], panel);
                count[top - 2] += count[top - 1];
                top--;
            }
        }
        if (rows > 0)
            memcpy((REAL *)out + j, room, (size_t)m * sizeof(REAL));
        else
            memset((REAL *)out + j, 0, (size_t)m * sizeof(REAL));
    }
}
