/* moments.h: sums of squared deviations from the mean, f32 and f64. (fragment: reduce_cols.h)
 *
 * A block is read twice, the second time from L1 or L2: its mean, then the deviations d from that,
 * both in the order of sums. A mean is rounded; what the deviations still sum up to is what it is
 * off by, and corrects it and their squares (Neely, Comparison of several algorithms for
 * computation of means, standard deviations and correlation coefficients, 1966). Blocks are joined
 * pairwise in order by Chan, Golub and LeVeque's formula (Updating formulae and a pairwise
 * algorithm for computing sample variances, 1979), so memory is read once and a large mean costs
 * no accuracy. */

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
    *m2 = R(select)(finite, R(max)(R(sub)(dd, R(mul)(d, off)), zero), dd);
}

/* The second pass over a block, 0 < n <= BLOCK; an absent lane deviates by -0.0. */
static R(moments) R(moments_about)(int64_t n, const REAL *x, REAL base)
{
    const VREAL none = R(set)((REAL)-0.0), centre = R(set)(base);
    VREAL d[N_ACC], dd[N_ACC];
    for (int v = 0; v < N_ACC; v++)
        d[v] = dd[v] = none;
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES) {
        for (int v = 0; v < N_ACC; v++) {
            const VREAL p = R(sub)(R(load)(x + i + v * LANES), centre);
            d[v] = R(add)(d[v], p);
            dd[v] = R(fma)(p, p, dd[v]);
        }
    }
    for (int v = 0; v < N_ACC && i < n; v++, i += LANES) {
        const bool whole = n - i >= LANES;
        const VREAL there = whole ? R(load)(x + i) : R(load_n)(x + i, n - i, none);
        const VREAL p = R(keep_n)(R(sub)(there, centre), whole ? LANES : n - i, none);
        d[v] = R(add)(d[v], p);
        dd[v] = R(fma)(p, p, dd[v]);
    }
    const REAL sum = R(fold)(R(fold_lanes)(d, R(add)), R(add));
    const REAL squares = R(fold)(R(fold_lanes)(dd, R(add)), R(add));
    VREAL shift, m2;
    R(correct)(R(set)((REAL)n), R(set)(sum), R(set)(squares), &shift, &m2);
    R(moments) m;
    m.base = base;
    m.shift = R(first)(shift);
    m.m2 = R(first)(m2);
    m.n = n;
    return m;
}

static R(moments) R(moments_block)(int64_t n, const REAL *x)
{
    return R(moments_about)(n, x, R(sum_block)(n, x) / (REAL)n);
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

static void R(k_m2_blocks)(int64_t cols, const void *x, int64_t begin, int64_t end,
                           hone__partial *out)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t rest = cols - b * BLOCK;
        R(put_moments)
        (&out[b - begin],
         R(moments_block)(rest < BLOCK ? rest : BLOCK, (const REAL *)x + b * BLOCK));
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

/* n rows (a constant) into the sums of deviations (at `shift`) and of their squares (at m2). */
HONE__INLINE void R(deviation_rows)(int n, int64_t cols, const REAL *x, int64_t sx, REAL *m2,
                                    int64_t apart)
{
    for (int64_t j = 0; j < cols; j += LANES) {
        const int64_t count = cols - j < LANES ? cols - j : LANES;
        const VREAL centre = R(take)(m2 + apart + j, count);
        VREAL d = R(take)(m2 + 2 * apart + j, count), dd = R(take)(m2 + j, count);
        for (int k = 0; k < n; k++) {
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

/* One block of 0 < rows <= HONE__COLS_BLOCK, so few columns that L2 holds it. */
static void R(moments_cols_block)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *m2,
                                  int64_t apart, bool far)
{
    REAL *base = m2 + apart;
    R(cols_block)(rows, cols, x, sx, base, R(sum_chain), (REAL)-0.0, far);
    R(map2_right)(cols, base, base, (REAL)rows, R(div));
    for (int64_t j = 0; j < cols; j++)
        m2[j] = m2[2 * apart + j] = (REAL)-0.0;
    int64_t r = 0;
    for (; r + ROWS_AT_ONCE <= rows; r += ROWS_AT_ONCE)
        R(deviation_rows)(ROWS_AT_ONCE, cols, x + r * sx, sx, m2, apart);
    for (; r < rows; r++)
        R(deviation_rows)(1, cols, x + r * sx, sx, m2, apart);
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
    const bool far = R(is_far)(rows, sx, FAR_SUMS);
    for (int64_t b = begin; b < end; b++) {
        const int64_t r = b * HONE__COLS_BLOCK, rest = rows - r;
        const int64_t n = rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK;
        const REAL *x = (const REAL *)xv + r * sx;
        REAL *m2 = (REAL *)out + (b - begin) * 3 * cols;
        for (int64_t j = 0; j < cols; j += 2 * PANEL)
            R(moments_cols_block)
        (n, cols - j < 2 * PANEL ? cols - j : 2 * PANEL, x + j, sx, m2 + j, cols, far);
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
    const bool far = R(is_far)(rows, sx, FAR_SUMS);
    for (int64_t j = 0; j < cols; j += panel) {
        const int64_t m = cols - j < panel ? cols - j : panel;
        const REAL *x = (const REAL *)xv + j;
        int64_t count[COLS_LEVELS + 1];
        int top = 0;
        for (int64_t r = 0, b = 1; r < rows; r += HONE__COLS_BLOCK, b++) {
            const int64_t n = rows - r < HONE__COLS_BLOCK ? rows - r : HONE__COLS_BLOCK;
            R(moments_cols_block)(n, m, x + r * sx, sx, room + top * level, panel, far);
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
