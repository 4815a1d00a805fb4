/* reduce_cols.h: sums and extremes of f32 and f64 along the rows: one output a column, in the order
 * that kernels.h fixes. (fragment: reduce.h)
 *
 * A reduction is a `chain`: the accumulators of a vector of columns taken through a few rows. Rows
 * are taken ROWS_AT_ONCE at a time over a whole panel of columns; the accumulators wait in `out`,
 * which stays in L1. Rows that come from L3 or memory are `far`: they are taken one by one, for
 * prefetchers follow a row to its end but not eight rows in turn (a third of the bandwidth). Of short
 * pieces of long rows there is nothing to follow. */

#ifndef COLS_LEVELS
#define COLS_LEVELS     40   /* 2^40 blocks of rows: more than memory has */
#define PANEL_BYTES     2048 /* of a row: columns that go together */
#define FEW_IN_BLOCK    32   /* rows that are not worth accumulators in memory */
#define ROWS_AT_ONCE    8
#define FAR_SUMS        524288   /* bytes that are far */
#define FAR_EXTREMES    16777216 /* the same for what takes more instructions */
#define FAR_PANEL_BYTES 32768
#define SMALL_PART      16
#define LEVEL_BYTES     24576 /* of the stack, for blocks that wait to be joined */
#endif
#define PANEL     ((int64_t)(PANEL_BYTES / sizeof(REAL)))
#define FAR_PANEL ((int64_t)(FAR_PANEL_BYTES / sizeof(REAL)))

/* `n` rows, constant; lanes < LANES: only so many columns are there. */
typedef VREAL (*R(chain))(VREAL acc, const REAL *x, int64_t sx, int n, int lanes);

HONE__INLINE VREAL R(sum_chain)(VREAL acc, const REAL *x, int64_t sx, int n, int lanes)
{
    for (int k = 0; k < n; k++)
        acc = R(add)(acc, R(take)(x + k * sx, lanes));
    return acc;
}

HONE__INLINE VREAL R(sum_squares_chain)(VREAL acc, const REAL *x, int64_t sx, int n, int lanes)
{
    for (int k = 0; k < n; k++) {
        const VREAL p = R(take)(x + k * sx, lanes);
        acc = R(fma)(p, p, acc);
    }
    return acc;
}

HONE__INLINE VREAL R(extreme_chain)(VREAL acc, const REAL *x, int64_t sx, int n, int lanes,
                                    R(op2) pick)
{
    VREAL last = acc;
    VMASK nan = R(isnan)(acc);
    for (int k = 0; k < n; k++) {
        VREAL p = R(take)(x + k * sx, lanes);
        HONE__IN_REGISTER(p);
        acc = pick(acc, p);
        if (k % 2 == 1)
            nan = MASK(or)(nan, R(unordered)(last, p));
        else if (k == n - 1)
            nan = MASK(or)(nan, R(isnan)(p));
        last = p;
    }
    return R(select)(nan, R(set)((REAL)NAN), acc);
}

HONE__INLINE VREAL R(max_chain)(VREAL acc, const REAL *x, int64_t sx, int n, int lanes)
{
    return R(extreme_chain)(acc, x, sx, n, lanes, R(larger));
}

HONE__INLINE VREAL R(min_chain)(VREAL acc, const REAL *x, int64_t sx, int n, int lanes)
{
    return R(extreme_chain)(acc, x, sx, n, lanes, R(smaller));
}

/* n rows (a constant) into the accumulators of a panel. */
HONE__INLINE void R(cols_rows)(int n, int64_t cols, const REAL *x, int64_t sx, REAL *acc,
                               R(chain) chain)
{
    int64_t j = 0;
    for (; j + 2 * LANES <= cols; j += 2 * LANES) {
        const VREAL a = chain(R(load)(acc + j), x + j, sx, n, LANES);
        const VREAL b = chain(R(load)(acc + j + LANES), x + j + LANES, sx, n, LANES);
        R(store)(acc + j, a);
        R(store)(acc + j + LANES, b);
    }
    for (; j + LANES <= cols; j += LANES)
        R(store)(acc + j, chain(R(load)(acc + j), x + j, sx, n, LANES));
    if (j < cols) {
        const int rest = (int)(cols - j);
        const VREAL a = R(load_n)(acc + j, rest, R(set)(0));
        R(store_n)(acc + j, chain(a, x + j, sx, n, rest), rest);
    }
}

/* Up to HONE__COLS_BLOCK rows of n_vec whole vectors (a constant): accumulators in registers. */
HONE__INLINE void R(cols_vectors)(int n_vec, int64_t rows, const REAL *x, int64_t sx, REAL *out,
                                  R(chain) chain, REAL identity)
{
    VREAL acc[4];
    for (int v = 0; v < n_vec; v++)
        acc[v] = R(set)(identity);
    int64_t r = 0;
    for (; r + 2 <= rows; r += 2)
        for (int v = 0; v < n_vec; v++)
            acc[v] = chain(acc[v], x + r * sx + v * LANES, sx, 2, LANES);
    for (int v = 0; v < n_vec; v++) {
        if (r < rows)
            acc[v] = chain(acc[v], x + r * sx + v * LANES, sx, 1, LANES);
        R(store)(out + v * LANES, acc[v]);
    }
}

HONE__INLINE void R(cols_in_registers)(int64_t rows, int64_t cols, const REAL *x, int64_t sx,
                                       REAL *out, R(chain) chain, REAL identity)
{
    int64_t j = 0;
    for (; cols <= 8 * LANES && j + 4 * LANES <= cols; j += 4 * LANES)
        R(cols_vectors)(4, rows, x + j, sx, out + j, chain, identity);
    for (; j + 2 * LANES <= cols; j += 2 * LANES) /* more of each row would not all stay in L1 */
        R(cols_vectors)(2, rows, x + j, sx, out + j, chain, identity);
    for (; j + LANES <= cols; j += LANES)
        R(cols_vectors)(1, rows, x + j, sx, out + j, chain, identity);
    if (j < cols) {
        VREAL acc = R(set)(identity);
        for (int64_t r = 0; r < rows; r++)
            acc = chain(acc, x + r * sx + j, sx, 1, (int)(cols - j));
        R(store_n)(out + j, acc, cols - j);
    }
}

/* True if `rows` of that stride are more than `bytes`. */
HONE__INLINE bool R(is_far)(int64_t rows, int64_t sx, int64_t bytes)
{
    return rows * (sx < 0 ? -sx : sx) > bytes / (int64_t)sizeof(REAL);
}

/* The same of columns that aren't a small part of their rows. */
HONE__INLINE bool R(goes_by_rows)(int64_t rows, int64_t cols, int64_t sx, int64_t bytes)
{
    return R(is_far)(rows, sx, bytes) && cols * SMALL_PART > (sx < 0 ? -sx : sx);
}

/* One block: up to HONE__COLS_BLOCK rows. */
HONE__INLINE void R(cols_block_of)(int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *out,
                                   R(chain) chain, REAL identity, bool far)
{
    const bool few = rows <= FEW_IN_BLOCK;
    const int64_t panel = far ? FAR_PANEL : few ? cols : PANEL;
    for (int64_t j = 0; j < cols; j += panel) {
        const int64_t m = cols - j < panel ? cols - j : panel;
        if (!far && (few || m <= 8 * LANES)) {
            R(cols_in_registers)(rows, m, x + j, sx, out + j, chain, identity);
            continue;
        }
        for (int64_t c = 0; c < m; c++)
            out[j + c] = identity;
        int64_t r = 0;
        for (; !far && r + ROWS_AT_ONCE <= rows; r += ROWS_AT_ONCE)
            R(cols_rows)(ROWS_AT_ONCE, m, x + r * sx + j, sx, out + j, chain);
        for (; r < rows; r++)
            R(cols_rows)(1, m, x + r * sx + j, sx, out + j, chain);
    }
}

/* What a reduction along the rows is made of, functions that are not copied to where they are used. */
typedef void (*R(cols_block))(int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *out,
                              bool far);
typedef struct {
    R(cols_block) block;
    R(dense2) join;
    int64_t far_bytes;
} R(cols_reduction);

/* n elements to come to L2. */
HONE__INLINE void R(ask_for)(const REAL *x, int64_t n)
{
    for (int64_t j = 0; j < n; j += 64 / (int64_t)sizeof(REAL))
        __builtin_prefetch(x + j, 0, 2);
}

/* So many columns at a time that LEVEL_BYTES hold `each` numbers of theirs for every level of
 * joining the blocks of `rows`. */
HONE__INLINE int64_t R(level_panel)(int64_t rows, int64_t each)
{
    int64_t levels = 2;
    for (int64_t n = hone__cols_blocks(rows); n > 1; n /= 2)
        levels++;
    const int64_t most = LEVEL_BYTES / (int64_t)sizeof(REAL) / (levels * each);
    return most < PANEL ? most / 8 * 8 : PANEL;
}

static __attribute__((noinline)) void R(cols)(int64_t rows, int64_t cols, const REAL *x, int64_t sx,
                                              REAL *out, const R(cols_reduction) * of)
{
    const bool far = R(goes_by_rows)(rows, cols, sx, of->far_bytes);
    if (rows == 0) {
        memset(out, 0, (size_t)cols * sizeof(REAL));
        return;
    }
    if (rows <= HONE__COLS_BLOCK) {
        of->block(rows, cols, x, sx, out, far);
        return;
    }
    _Alignas(64) REAL room[LEVEL_BYTES / sizeof(REAL)];
    const int64_t panel = R(level_panel)(rows, 1);
    for (int64_t j = 0; j < cols; j += panel) {
        const int64_t m = cols - j < panel ? cols - j : panel;
        REAL *top = room; /* the next free level */
        for (int64_t r = 0, b = 1; r < rows; r += HONE__COLS_BLOCK, b++, top += panel) {
            const int64_t n = rows - r < HONE__COLS_BLOCK ? rows - r : HONE__COLS_BLOCK;
            of->block(n, m, x + r * sx + j, sx, top, far);
            for (int64_t bits = b; bits % 2 == 0; bits /= 2, top -= panel)
                of->join(m, top - panel, top - panel, top);
        }
        for (top -= panel; top > room; top -= panel)
            of->join(m, top - panel, top - panel, top);
        memcpy(out + j, room, (size_t)m * sizeof(REAL));
    }
}

static __attribute__((noinline)) void R(cols_blocks)(int64_t rows, int64_t cols, const REAL *x,
                                                     int64_t sx, int64_t begin, int64_t end,
                                                     REAL *out, const R(cols_reduction) * of)
{
    const bool far = R(goes_by_rows)(rows, cols, sx, of->far_bytes);
    for (int64_t b = begin; b < end; b++) {
        const int64_t r = b * HONE__COLS_BLOCK, rest = rows - r;
        const int64_t n = rest < HONE__COLS_BLOCK ? rest : HONE__COLS_BLOCK;
        of->block(n, cols, x + r * sx, sx, out + (b - begin) * cols, far);
    }
}

static __attribute__((noinline)) void R(cols_combine)(int64_t rows, int64_t cols, REAL *p,
                                                      REAL *out, R(dense2) join)
{
    for (int64_t n = hone__cols_blocks(rows); n > 1; n = (n + 1) / 2) {
        for (int64_t i = 0; i + 1 < n; i += 2)
            join(cols, p + i / 2 * cols, p + i * cols, p + (i + 1) * cols);
        if (n % 2 == 1)
            memmove(p + n / 2 * cols, p + (n - 1) * cols, (size_t)cols * sizeof(REAL));
    }
    if (out != p)
        memcpy(out, p, (size_t)cols * sizeof(REAL));
}

#define REDUCTION(name, op, identity, far_from)                                                    \
    static __attribute__((noinline)) void R(name##_cols_block)(                                    \
        int64_t rows, int64_t cols, const REAL *x, int64_t sx, REAL *out, bool far)                \
    {                                                                                              \
        R(cols_block_of)(rows, cols, x, sx, out, R(name##_chain), identity, far);                  \
    }                                                                                              \
    static void R(name##_join)(int64_t n, REAL * out, const REAL *a, const REAL *b)                \
    {                                                                                              \
        R(map2_dense)(n, out, a, b, op);                                                           \
    }                                                                                              \
    static const R(cols_reduction)                                                                 \
        R(name##_cols_reduction) = { R(name##_cols_block), R(name##_join), far_from };             \
    static void R(k_##name##_cols)(int64_t rows, int64_t cols, const void *x, int64_t sx,          \
                                   void *out)                                                      \
    {                                                                                              \
        R(cols)(rows, cols, x, sx, out, &R(name##_cols_reduction));                                \
    }                                                                                              \
    static void R(k_##name##_cols_blocks)(int64_t rows, int64_t cols, const void *x, int64_t sx,   \
                                          int64_t begin, int64_t end, void *out)                   \
    {                                                                                              \
        R(cols_blocks)(rows, cols, x, sx, begin, end, out, &R(name##_cols_reduction));             \
    }                                                                                              \
    static void R(k_##name##_cols_combine)(int64_t rows, int64_t cols, void *partials, void *out)  \
    {                                                                                              \
        R(cols_combine)(rows, cols, partials, out, R(name##_join));                                \
    }

REDUCTION(sum, R(add), (REAL)-0.0, FAR_SUMS)
REDUCTION(sum_squares, R(add), (REAL)-0.0, FAR_SUMS)
REDUCTION(max, R(max), (REAL)-INFINITY, FAR_EXTREMES)
REDUCTION(min, R(min), (REAL)INFINITY, FAR_EXTREMES)

#undef REDUCTION
