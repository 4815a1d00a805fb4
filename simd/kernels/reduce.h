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

/* Where a walk is through a row that lies in pieces of `run` elements, their starts `apart`. */
typedef struct {
    const REAL *x; /* the piece */
    int64_t at, run, apart;
} R(walk);

/* What comes next of the row's last n elements: as many whole steps of all virtual lanes as lie
 * side by side, where they lie; or one step that pieces share, in `stage`. The last step may be
 * part of one. *m: how many elements that are. */
HONE__INLINE const REAL *R(walk_on)(R(walk) * w, int64_t n, int64_t *m, REAL *stage)
{
    const int64_t step = n < VIRTUAL_LANES ? n : VIRTUAL_LANES;
    for (int64_t i = 0, k; i < step; i += k) {
        if (w->at == w->run) {
            w->x += w->apart;
            w->at = 0;
        }
        const REAL *p = w->x + w->at;
        const int64_t here = w->run - w->at, left = here < n - i ? here : n - i;
        if (i == 0 && left >= step) {
            *m = left < VIRTUAL_LANES ? left : left - left % VIRTUAL_LANES;
            w->at += *m;
            return p;
        }
        k = left < step - i ? left : step - i;
        memcpy(stage + i, p, (size_t)k * sizeof *p);
        w->at += k;
    }
    *m = step;
    return stage;
}

/* The same for all virtual lanes, of n elements from x on or those of a walk (a constant NULL if
 * there is none); `rest` (a constant): some of the lanes are one step short. The branch is outside,
 * for accumulators stay in registers only where there is one way through. */
HONE__INLINE REAL R(steps_lanes)(int64_t n, const REAL *x, R(walk) * w, R(step) step, bool rest)
{
    const VREAL none = R(set)((REAL)-0.0);
    _Alignas(64) REAL stage[VIRTUAL_LANES];
    VREAL acc[N_ACC];
    for (int v = 0; v < N_ACC; v++)
        acc[v] = none;
    int64_t i = 0, m = n;
    while (i + VIRTUAL_LANES <= n) {
        const REAL *p = w ? R(walk_on)(w, n - i, &m, stage) : x;
        const int64_t end = i + m;
        for (; i + VIRTUAL_LANES <= end; i += VIRTUAL_LANES, p += VIRTUAL_LANES)
            for (int v = 0; v < N_ACC; v++)
                acc[v] = step(acc[v], R(load)(p + v * LANES));
    }
    const REAL *p = w && rest ? R(walk_on)(w, n - i, &m, stage) : x + i;
    for (int v = 0; rest && v < N_ACC && (LANES > 1 || i + v < n); v++)
        acc[v] = step(acc[v], R(load_part)(p + v * LANES, n - i - v * LANES, none));
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
    return n % VIRTUAL_LANES == 0 ? R(steps_lanes)(n, x, NULL, step, false)
                                  : R(steps_lanes)(n, x, NULL, step, true);
}

static REAL R(sum_block)(int64_t n, const REAL *x)
{
    return R(steps_block)(n, x, R(sum_step));
}

static REAL R(sum_squares_block)(int64_t n, const REAL *x)
{
    return R(steps_block)(n, x, R(sum_squares_step));
}

HONE__INLINE REAL R(steps_walk)(int64_t n, R(walk) * w, R(step) step)
{
    return n % VIRTUAL_LANES == 0 ? R(steps_lanes)(n, w->x, w, step, false)
                                  : R(steps_lanes)(n, w->x, w, step, true);
}

static REAL R(sum_walk)(int64_t n, R(walk) * w)
{
    return R(steps_walk)(n, w, R(sum_step));
}

static REAL R(sum_squares_walk)(int64_t n, R(walk) * w)
{
    return R(steps_walk)(n, w, R(sum_squares_step));
}

/* The extreme of one block. `pick` is R(larger) or R(smaller), which are cheap but lose NaNs; these
 * are looked for on the side, two vectors at a time. */
HONE__INLINE REAL R(extreme_lanes)(int64_t n, const REAL *x, R(walk) * w, R(op2) pick,
                                   REAL identity, bool rest)
{
    const VREAL none = R(set)(identity);
    _Alignas(64) REAL stage[VIRTUAL_LANES];
    VREAL acc[N_ACC];
    VMASK nan = R(isnan)(none);
    for (int v = 0; v < N_ACC; v++)
        acc[v] = none;
    int64_t i = 0, m = n;
    while (i + VIRTUAL_LANES <= n) {
        const REAL *at = w ? R(walk_on)(w, n - i, &m, stage) : x;
        const int64_t end = i + m;
        for (; i + VIRTUAL_LANES <= end; i += VIRTUAL_LANES, at += VIRTUAL_LANES) {
            VREAL p = none;
            for (int v = 0; v < N_ACC; v++) {
                VREAL q = R(load)(at + v * LANES);
                HONE__IN_REGISTER(q);
                acc[v] = pick(acc[v], q);
                if (v % 2 == 1)
                    nan = MASK(or)(nan, R(unordered)(p, q));
                p = q;
            }
            if (N_ACC == 1)
                nan = MASK(or)(nan, R(isnan)(p));
        }
    }
    const REAL *at = w && rest ? R(walk_on)(w, n - i, &m, stage) : x + i;
    for (int v = 0; rest && v < N_ACC && (LANES > 1 || i + v < n); v++) {
        const VREAL p = R(load_part)(at + v * LANES, n - i - v * LANES, none);
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
    return n % VIRTUAL_LANES == 0 ? R(extreme_lanes)(n, x, NULL, pick, identity, false)
                                  : R(extreme_lanes)(n, x, NULL, pick, identity, true);
}

static REAL R(max_block)(int64_t n, const REAL *x)
{
    return R(extreme_block)(n, x, R(larger), (REAL)-INFINITY);
}

static REAL R(min_block)(int64_t n, const REAL *x)
{
    return R(extreme_block)(n, x, R(smaller), (REAL)INFINITY);
}

HONE__INLINE REAL R(extreme_walk)(int64_t n, R(walk) * w, R(op2) pick, REAL identity)
{
    return n % VIRTUAL_LANES == 0 ? R(extreme_lanes)(n, w->x, w, pick, identity, false)
                                  : R(extreme_lanes)(n, w->x, w, pick, identity, true);
}

static REAL R(max_walk)(int64_t n, R(walk) * w)
{
    return R(extreme_walk)(n, w, R(larger), (REAL)-INFINITY);
}

static REAL R(min_walk)(int64_t n, R(walk) * w)
{
    return R(extreme_walk)(n, w, R(smaller), (REAL)INFINITY);
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

#define REDUCTION(name, join)                                                                      \
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
    static void R(k_##name##_pieces)(int64_t n, const void *x, int64_t at, int64_t run,            \
                                     int64_t apart, hone__partial *out)                            \
    {                                                                                              \
        R(walk) w = { x, at, run, apart };                                                         \
        const REAL y = R(name##_walk)(n, &w);                                                      \
        memcpy(&out->value, &y, sizeof y);                                                         \
    }                                                                                              \
    static void R(k_##name##_combine)(int64_t n, hone__partial * partials, void *out)              \
    {                                                                                              \
        R(combine)(n, partials, out, join);                                                        \
    }

REDUCTION(sum, R(add))
REDUCTION(sum_squares, R(add))
REDUCTION(max, R(max))
REDUCTION(min, R(min))

#undef REDUCTION
