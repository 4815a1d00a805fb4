/* reduce.h: sums and extremes of f32 and f64 in the order that kernels.h fixes. (fragment:
 * real_begin.h, elementwise.h)
 *
 * A reduction is a `step` (accumulator, element) -> accumulator, a `join` of two accumulators, and
 * the identity that absent lanes hold: -0.0 for sums, -inf and inf for max and min. */

#ifndef MAX_LEVELS
#define MAX_LEVELS 56  /* of pairwise combining: 2^56 blocks */
#define STRIP      128 /* columns that are reduced together */
#endif

HONE__INLINE VREAL R(sum_step)(VREAL acc, VREAL x)
{
    return R(add)(acc, x);
}

HONE__INLINE VREAL R(sum_squares_step)(VREAL acc, VREAL x)
{
    return R(fma)(x, x, acc);
}

/* All lanes of one vector -> lane 0. */
HONE__INLINE REAL R(fold)(VREAL v, R(op2) join)
{
    for (int h = LANES / 2; h >= 1; h /= 2)
        v = join(v, R(down)(v, h));
    return R(first)(v);
}

/* One block, 0 < n <= BLOCK. */
HONE__INLINE REAL R(block)(int64_t n, const REAL *x, R(op2) step, R(op2) join, REAL identity)
{
    const VREAL none = R(set)(identity);
    if (n < LANES)
        return R(fold)(step(none, R(load_n)(x, n, none)), join);
    if (n <= 2 * LANES) { /* short rows are many: all other lanes are absent */
        const VREAL a = step(none, R(load)(x));
        if (n == LANES)
            return R(fold)(a, join);
        const bool whole = n == 2 * LANES;
        const VREAL b = whole ? R(load)(x + LANES) : R(load_n)(x + LANES, n - LANES, none);
        return R(fold)(join(a, step(none, b)), join);
    }
    VREAL acc[N_ACC];
    for (int v = 0; v < N_ACC; v++)
        acc[v] = none;
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES)
        for (int v = 0; v < N_ACC; v++)
            acc[v] = step(acc[v], R(load)(x + i + v * LANES));
    for (int v = 0; v < N_ACC && i < n; v++, i += LANES)
        acc[v] = step(acc[v], n - i >= LANES ? R(load)(x + i) : R(load_n)(x + i, n - i, none));
    for (int h = N_ACC / 2; h >= 1; h /= 2)
        for (int v = 0; v < h; v++)
            acc[v] = join(acc[v], acc[v + h]);
    return R(fold)(acc[0], join);
}

HONE__INLINE REAL R(join_two)(REAL a, REAL b, R(op2) join)
{
    return R(first)(join(R(set)(a), R(set)(b)));
}

/* Blocks pairwise in order: after block b (counted from 1) as many pairs are joined as b has
 * trailing zero bits. */
typedef struct {
    REAL level[MAX_LEVELS];
    int top;
    int64_t count;
} R(tree);

HONE__INLINE void R(tree_add)(R(tree) * t, REAL block, R(op2) join)
{
    t->level[t->top++] = block;
    for (int64_t bits = ++t->count; bits % 2 == 0; bits /= 2, t->top--)
        t->level[t->top - 2] = R(join_two)(t->level[t->top - 2], t->level[t->top - 1], join);
}

HONE__INLINE REAL R(tree_total)(R(tree) * t, R(op2) join)
{
    for (; t->top > 1; t->top--)
        t->level[t->top - 2] = R(join_two)(t->level[t->top - 2], t->level[t->top - 1], join);
    return t->level[0];
}

HONE__INLINE REAL R(row)(int64_t n, const REAL *x, R(op2) step, R(op2) join, REAL identity)
{
    if (n <= BLOCK)
        return R(block)(n, x, step, join, identity);
    R(tree) tree;
    tree.top = 0;
    tree.count = 0;
    for (int64_t i = 0; i < n; i += BLOCK)
        R(tree_add)
    (&tree, R(block)(n - i < BLOCK ? n - i : BLOCK, x + i, step, join, identity), join);
    return R(tree_total)(&tree, join);
}

HONE__INLINE void R(rows)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *out,
                          int64_t so, R(op2) step, R(op2) join, REAL identity)
{
    for (int64_t r = 0; r < rows; r++)
        out[r * so] = cols > 0 ? R(row)(cols, x + r * sx, step, join, identity) : (REAL)0;
}

HONE__INLINE void R(blocks)(int64_t cols, const REAL *x, int64_t begin, int64_t end,
                            hone__partial *out, R(op2) step, R(op2) join, REAL identity)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t rest = cols - b * BLOCK;
        const REAL y = R(block)(rest < BLOCK ? rest : BLOCK, x + b * BLOCK, step, join, identity);
        memcpy(&out[b - begin].value, &y, sizeof y);
    }
}

static REAL R(partial)(const hone__partial *p)
{
    REAL y;
    memcpy(&y, &p->value, sizeof y);
    return y;
}

HONE__INLINE void R(combine)(int64_t n, hone__partial *p, REAL *out, R(op2) join)
{
    for (; n > 1; n = (n + 1) / 2) {
        for (int64_t i = 0; i + 1 < n; i += 2) {
            const REAL y = R(join_two)(R(partial)(p + i), R(partial)(p + i + 1), join);
            memcpy(&p[i / 2].value, &y, sizeof y);
        }
        if (n % 2 == 1)
            p[n / 2] = p[n - 1];
    }
    *out = R(partial)(p);
}

/* ---- along the rows ------------------------------------------------------------------------- */

/* Up to HONE__COLS_BLOCK rows, n_vec whole vectors of columns (a constant, at most 8). */
HONE__INLINE void R(cols_vectors)(int n_vec, int64_t rows, const REAL *x, int64_t sx, REAL *out,
                                  R(op2) step, REAL identity)
{
    VREAL acc[8];
    for (int v = 0; v < n_vec; v++)
        acc[v] = R(set)(identity);
    for (int64_t r = 0; r < rows; r++)
        for (int v = 0; v < n_vec; v++)
            acc[v] = step(acc[v], R(load)(x + r * sx + v * LANES));
    for (int v = 0; v < n_vec; v++)
        R(store)(out + v * LANES, acc[v]);
}

/* The same for any number of columns. */
HONE__INLINE void R(cols_block)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *out,
                                R(op2) step, REAL identity)
{
    int64_t j = 0;
    for (; j + 8 * LANES <= cols; j += 8 * LANES)
        R(cols_vectors)(8, rows, x + j, sx, out + j, step, identity);
    for (; j + LANES <= cols; j += LANES)
        R(cols_vectors)(1, rows, x + j, sx, out + j, step, identity);
    if (j < cols) {
        VREAL acc = R(set)(identity);
        for (int64_t r = 0; r < rows; r++)
            acc = step(acc, R(load_n)(x + r * sx + j, cols - j, acc));
        R(store_n)(out + j, acc, cols - j);
    }
}

HONE__INLINE void R(cols)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *out,
                          R(op2) step, R(op2) join, REAL identity)
{
    if (rows <= HONE__COLS_BLOCK) {
        R(cols_block)(rows, cols, x, sx, out, step, rows > 0 ? identity : (REAL)0);
        return;
    }
    REAL level[MAX_LEVELS][STRIP];
    for (int64_t j = 0; j < cols; j += STRIP) {
        const int64_t m = cols - j < STRIP ? cols - j : STRIP;
        int top = 0;
        for (int64_t r = 0, b = 1; r < rows; r += HONE__COLS_BLOCK, b++) {
            const int64_t n = rows - r < HONE__COLS_BLOCK ? rows - r : HONE__COLS_BLOCK;
            R(cols_block)(n, m, x + r * sx + j, sx, level[top++], step, identity);
            for (int64_t bits = b; bits % 2 == 0; bits /= 2, top--)
                R(map2_dense)(m, level[top - 2], level[top - 2], level[top - 1], join);
        }
        for (; top > 1; top--)
            R(map2_dense)(m, level[top - 2], level[top - 2], level[top - 1], join);
        memcpy(out + j, level[0], (size_t)m * sizeof(REAL));
    }
}

HONE__INLINE void R(cols_blocks)(int64_t rows, int64_t cols, const REAL *x, int64_t sx,
                                 int64_t begin, int64_t end, REAL *out, R(op2) step, REAL identity)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t r = b * HONE__COLS_BLOCK, rest = rows - r;
        const int64_t n = rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK;
        R(cols_block)(n, cols, x + r * sx, sx, out + (b - begin) * cols, step, identity);
    }
}

HONE__INLINE void R(cols_combine)(int64_t n, int64_t cols, REAL *p, REAL *out, R(op2) join)
{
    for (; n > 1; n = (n + 1) / 2) {
        for (int64_t i = 0; i + 1 < n; i += 2)
            R(map2_dense)(cols, p + i / 2 * cols, p + i * cols, p + (i + 1) * cols, join);
        if (n % 2 == 1)
            memmove(p + n / 2 * cols, p + (n - 1) * cols, (size_t)cols * sizeof(REAL));
    }
    if (out != p)
        memcpy(out, p, (size_t)cols * sizeof(REAL));
}

#define REDUCTION(name, step, join, identity)                                                      \
    static void R(k_##name##_rows)(int64_t rows, int64_t cols, const void *x, int64_t sx,          \
                                   void *out, int64_t so)                                          \
    {                                                                                              \
        R(rows)(rows, cols, x, sx, out, so, step, join, identity);                                 \
    }                                                                                              \
    static void R(k_##name##_blocks)(int64_t cols, const void *x, int64_t begin, int64_t end,      \
                                     hone__partial *out)                                           \
    {                                                                                              \
        R(blocks)(cols, x, begin, end, out, step, join, identity);                                 \
    }                                                                                              \
    static void R(k_##name##_combine)(int64_t n, hone__partial * partials, void *out)              \
    {                                                                                              \
        R(combine)(n, partials, out, join);                                                        \
    }                                                                                              \
    static void R(k_##name##_cols)(int64_t rows, int64_t cols, const void *x, int64_t sx,          \
                                   void *out)                                                      \
    {                                                                                              \
        R(cols)(rows, cols, x, sx, out, step, join, identity);                                     \
    }                                                                                              \
    static void R(k_##name##_cols_blocks)(int64_t rows, int64_t cols, const void *x, int64_t sx,   \
                                          int64_t begin, int64_t end, void *out)                   \
    {                                                                                              \
        R(cols_blocks)(rows, cols, x, sx, begin, end, out, step, identity);                        \
    }                                                                                              \
    static void R(k_##name##_cols_combine)(int64_t n, int64_t cols, void *partials, void *out)     \
    {                                                                                              \
        R(cols_combine)(n, cols, partials, out, join);                                             \
    }

REDUCTION(sum, R(sum_step), R(sum_step), (REAL)-0.0)
REDUCTION(sum_squares, R(sum_squares_step), R(sum_step), (REAL)-0.0)
REDUCTION(max, R(max), R(max), (REAL)-INFINITY)
REDUCTION(min, R(min), R(min), (REAL)INFINITY)

#undef REDUCTION
