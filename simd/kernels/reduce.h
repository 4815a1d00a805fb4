/* reduce.h: sums and extremes of f32 and f64 along the innermost axis, in the order that kernels.h
 * fixes. (fragment: real_begin.h, elementwise.h)
 *
 * A reduction is a function of one block, and a `join` of two accumulators. Sums are made of a
 * `step` (accumulator, element) -> accumulator; absent lanes hold -0.0, their identity. */

#ifndef MAX_LEVELS
#define MAX_LEVELS 56 /* of pairwise combining: 2^56 blocks */
#endif

typedef VREAL (*R(step))(VREAL acc, VREAL x);
typedef REAL (*R(block_fn))(int64_t n, const REAL *x);

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

/* The virtual lanes, folded to the vector's. */
HONE__INLINE VREAL R(fold_lanes)(VREAL *acc, R(op2) join)
{
    for (int h = N_ACC / 2; h >= 1; h /= 2)
        for (int v = 0; v < h; v++)
            acc[v] = join(acc[v], acc[v + h]);
    return acc[0];
}

/* All virtual lanes; `rest` (a constant): some of the lanes are one step short. The branch is
 * outside, for accumulators stay in registers only where there is one way through. */
HONE__INLINE REAL R(steps_lanes)(int64_t n, const REAL *x, R(step) step, bool rest)
{
    const VREAL none = R(set)((REAL)-0.0);
    VREAL acc[N_ACC];
    for (int v = 0; v < N_ACC; v++)
        acc[v] = none;
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES)
        for (int v = 0; v < N_ACC; v++)
            acc[v] = step(acc[v], R(load)(x + i + v * LANES));
    for (int v = 0; rest && v < N_ACC && (LANES > 1 || i + v < n); v++)
        acc[v] = step(acc[v], R(load_part)(x + i + v * LANES, n - i - v * LANES, none));
    return R(fold)(R(fold_lanes)(acc, R(add)), R(add));
}

/* The sum of one block, 0 < n <= BLOCK. */
HONE__INLINE REAL R(steps_block)(int64_t n, const REAL *x, R(step) step)
{
    const VREAL none = R(set)((REAL)-0.0);
    if (n < LANES)
        return R(fold)(step(none, R(load_n)(x, n, none)), R(add));
    if (n <= 2 * LANES) { /* short rows are many: all other lanes are absent */
        const VREAL a = step(none, R(load)(x));
        if (n == LANES)
            return R(fold)(a, R(add));
        const bool whole = n == 2 * LANES;
        const VREAL b = whole ? R(load)(x + LANES) : R(load_n)(x + LANES, n - LANES, none);
        return R(fold)(R(add)(a, step(none, b)), R(add));
    }
    return n % VIRTUAL_LANES == 0 ? R(steps_lanes)(n, x, step, false)
                                  : R(steps_lanes)(n, x, step, true);
}

static REAL R(sum_block)(int64_t n, const REAL *x)
{
    return R(steps_block)(n, x, R(sum_step));
}

static REAL R(sum_squares_block)(int64_t n, const REAL *x)
{
    return R(steps_block)(n, x, R(sum_squares_step));
}

/* The extreme of one block. `pick` is R(larger) or R(smaller), which are cheap but lose NaNs; these
 * are looked for on the side, two vectors at a time. */
HONE__INLINE REAL R(extreme_lanes)(int64_t n, const REAL *x, R(op2) pick, REAL identity, bool rest)
{
    const VREAL none = R(set)(identity);
    VREAL acc[N_ACC];
    VMASK nan = R(isnan)(none);
    for (int v = 0; v < N_ACC; v++)
        acc[v] = none;
    int64_t i = 0;
    for (; i + VIRTUAL_LANES <= n; i += VIRTUAL_LANES) {
        VREAL p = none;
        for (int v = 0; v < N_ACC; v++) {
            VREAL q = R(load)(x + i + v * LANES);
            HONE__IN_REGISTER(q);
            acc[v] = pick(acc[v], q);
            if (v % 2 == 1)
                nan = MASK(or)(nan, R(unordered)(p, q));
            p = q;
        }
        if (N_ACC == 1)
            nan = MASK(or)(nan, R(isnan)(p));
    }
    for (int v = 0; rest && v < N_ACC && (LANES > 1 || i + v < n); v++) {
        const VREAL p = R(load_part)(x + i + v * LANES, n - i - v * LANES, none);
        acc[v] = pick(acc[v], p);
        nan = MASK(or)(nan, R(isnan)(p));
    }
    return MASK(any)(nan) ? (REAL)NAN : R(fold)(R(fold_lanes)(acc, pick), pick);
}

HONE__INLINE REAL R(extreme_block)(int64_t n, const REAL *x, R(op2) pick, REAL identity)
{
    if (n <= 2 * LANES) { /* short rows are many */
        const VREAL none = R(set)(identity), p = R(load_part)(x, n, none);
        if (n <= LANES)
            return MASK(any)(R(isnan)(p)) ? (REAL)NAN : R(fold)(p, pick);
        const VREAL q = R(load_part)(x + LANES, n - LANES, none);
        return MASK(any)(R(unordered)(p, q)) ? (REAL)NAN : R(fold)(pick(p, q), pick);
    }
    return n % VIRTUAL_LANES == 0 ? R(extreme_lanes)(n, x, pick, identity, false)
                                  : R(extreme_lanes)(n, x, pick, identity, true);
}

static REAL R(max_block)(int64_t n, const REAL *x)
{
    return R(extreme_block)(n, x, R(larger), (REAL)-INFINITY);
}

static REAL R(min_block)(int64_t n, const REAL *x)
{
    return R(extreme_block)(n, x, R(smaller), (REAL)INFINITY);
}

/* ---- rows in pieces: the virtual lanes of several rows wait in memory, and each piece of theirs
 * is added to them in turn; a lane more than there are takes what a last vector has too many */

enum { R(TOGETHER) = 16, R(LANES_ROOM) = VIRTUAL_LANES + LANES };

/* n elements into as many lanes from `acc` on. */
HONE__INLINE void R(into_lanes)(int64_t n, REAL *acc, const REAL *x, R(step) step, REAL identity)
{
    const VREAL none = R(set)(identity);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(store)(acc + i, step(R(load)(acc + i), R(load)(x + i)));
    if (i < n)
        R(store)(acc + i, step(R(load)(acc + i), R(load_n)(x + i, n - i, none)));
}

/* n elements side by side, the first of which belongs to lane `at`. */
HONE__INLINE void R(piece_into)(int64_t n, int64_t at, REAL *acc, const REAL *x, R(step) step,
                                REAL identity)
{
    if (at > 0) {
        const int64_t m = n < VIRTUAL_LANES - at ? n : VIRTUAL_LANES - at;
        R(into_lanes)(m, acc + at, x, step, identity);
        x += m;
        n -= m;
    }
    if (n >= VIRTUAL_LANES) {
        VREAL lane[N_ACC];
        for (int v = 0; v < N_ACC; v++)
            lane[v] = R(load)(acc + v * LANES);
        for (; n >= VIRTUAL_LANES; n -= VIRTUAL_LANES, x += VIRTUAL_LANES)
            for (int v = 0; v < N_ACC; v++)
                lane[v] = step(lane[v], R(load)(x + v * LANES));
        for (int v = 0; v < N_ACC; v++)
            R(store)(acc + v * LANES, lane[v]);
    }
    R(into_lanes)(n, acc, x, step, identity);
}

/* A block of `rows` <= TOGETHER rows. */
HONE__INLINE void R(pieces_together)(int64_t rows, const hone__pieces *p, const REAL *x,
                                     hone__partial *out, int64_t so, R(step) step, R(op2) join,
                                     REAL identity)
{
    _Alignas(64) REAL acc[R(TOGETHER)][R(LANES_ROOM)];
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < R(LANES_ROOM); j++)
            acc[r][j] = identity;
    int64_t at = p->at;
    for (int64_t i = 0, m; i < p->n; i += m, at += m) {
        if (at == p->run) {
            x += p->apart;
            at = 0;
        }
        m = p->run - at < p->n - i ? p->run - at : p->n - i;
        for (int64_t r = 0; r < rows; r++)
            R(piece_into)
        (m, i % VIRTUAL_LANES, acc[r], x + r * p->row_stride + at, step, identity);
    }
    for (int64_t r = 0; r < rows; r++) {
        VREAL lane[N_ACC];
        for (int v = 0; v < N_ACC; v++)
            lane[v] = R(load)(acc[r] + v * LANES);
        const REAL y = R(fold)(R(fold_lanes)(lane, join), join);
        memcpy(&out[r * so].value, &y, sizeof y);
    }
}

HONE__INLINE void R(pieces)(const hone__pieces *p, hone__partial *out, int64_t so, R(step) step,
                            R(op2) join, REAL identity)
{
    for (int64_t r = 0; r < p->rows; r += R(TOGETHER)) {
        const int64_t n = p->rows - r < R(TOGETHER) ? p->rows - r : R(TOGETHER);
        R(pieces_together)
        (n, p, (const REAL *)p->x + r * p->row_stride, out + r * so, so, step, join, identity);
    }
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

HONE__INLINE REAL R(row)(int64_t n, const REAL *x, R(block_fn) block, R(op2) join)
{
    if (n <= BLOCK)
        return block(n, x);
    R(tree) tree;
    tree.top = 0;
    tree.count = 0;
    for (int64_t i = 0; i < n; i += BLOCK)
        R(tree_add)(&tree, block(n - i < BLOCK ? n - i : BLOCK, x + i), join);
    return R(tree_total)(&tree, join);
}

HONE__INLINE void R(rows)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *out,
                          int64_t so, R(block_fn) block, R(op2) join)
{
    for (int64_t r = 0; r < rows; r++)
        out[r * so] = cols > 0 ? R(row)(cols, x + r * sx, block, join) : (REAL)0;
}

HONE__INLINE void R(blocks)(int64_t cols, const REAL *x, int64_t begin, int64_t end,
                            hone__partial *out, R(block_fn) block)
{
    for (int64_t b = begin; b < end; b++) {
        const int64_t rest = cols - b * BLOCK;
        const REAL y = block(rest < BLOCK ? rest : BLOCK, x + b * BLOCK);
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

#define REDUCTION(name, step, join, identity)                                                      \
    static void R(k_##name##_rows)(int64_t rows, int64_t cols, const void *x, int64_t sx,          \
                                   void *out, int64_t so)                                          \
    {                                                                                              \
        R(rows)(rows, cols, x, sx, out, so, R(name##_block), join);                                \
    }                                                                                              \
    static void R(k_##name##_blocks)(int64_t cols, const void *x, int64_t begin, int64_t end,      \
                                     hone__partial *out)                                           \
    {                                                                                              \
        R(blocks)(cols, x, begin, end, out, R(name##_block));                                      \
    }                                                                                              \
    static void R(k_##name##_pieces)(const hone__pieces *p, hone__partial *out, int64_t so)        \
    {                                                                                              \
        R(pieces)(p, out, so, step, join, identity);                                               \
    }                                                                                              \
    static void R(k_##name##_combine)(int64_t n, hone__partial * partials, void *out)              \
    {                                                                                              \
        R(combine)(n, partials, out, join);                                                        \
    }

REDUCTION(sum, R(sum_step), R(add), (REAL)-0.0)
REDUCTION(sum_squares, R(sum_squares_step), R(add), (REAL)-0.0)
REDUCTION(max, R(max), R(max), (REAL)-INFINITY)
REDUCTION(min, R(min), R(min), (REAL)INFINITY)

#undef REDUCTION
