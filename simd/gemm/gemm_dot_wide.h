/* gemm_dot_wide.h: body of `dot_wide` (contract: gemm_kernels.h), written for f32 and f64
 * (real_begin.h): the sums of gemm_dot.h with a vector of outputs in place of each lane. (fragment) */

enum { R(gemm_dot_few) = 16 }; /* lanes that fit the registers */

static HONE__GEMM_INLINE VREAL R(gemm_dot_wide_load)(const REAL *b, int64_t n)
{
    return n < LANES ? R(load_n)(b, n, R(set)(0)) : R(load)(b);
}

/* The tree over the lanes in v, of which there are `present`. */
static HONE__GEMM_INLINE VREAL R(gemm_dot_wide_fold)(const int present, VREAL *v)
{
    HONE__GEMM_UNROLL
    for (int half = R(gemm_dot_few) / 2; half >= 1; half /= 2) {
        HONE__GEMM_UNROLL
        for (int l = 0; l < half; l++) {
            if (l + half < present) {
                v[l] = R(add)(v[l], v[l + half]);
            }
        }
    }
    return v[0];
}

static HONE__GEMM_INLINE void R(gemm_dot_wide_few)(const int k, int64_t m, int64_t n, const REAL *a,
                                                   int64_t a_rs, const REAL *b, int64_t b_rs,
                                                   REAL *c, int64_t c_rs)
{
    VREAL bv[R(gemm_dot_few)];
    HONE__GEMM_UNROLL
    for (int l = 0; l < k; l++) {
        bv[l] = R(gemm_dot_wide_load)(b + l * b_rs, n);
    }
    for (int64_t i = 0; i < m; i++, a += a_rs, c += c_rs) {
        VREAL v[R(gemm_dot_few)];
        HONE__GEMM_UNROLL
        for (int l = 0; l < k; l++) {
            v[l] = R(mul)(R(set)(a[l]), bv[l]);
        }
        const VREAL sum = R(gemm_dot_wide_fold)(k, v);
        if (n < LANES) {
            R(store_n)(c, sum, n);
        } else {
            R(store)(c, sum);
        }
    }
}

/* Lanes r, r + 16 ... of `parts`, already added up as the tree does; for r from `begin` to `end`. */
static HONE__GEMM_INLINE void R(gemm_dot_wide_lanes)(const int parts, int begin, int end, int64_t n,
                                                     const REAL *a, const REAL *b, int64_t b_rs,
                                                     VREAL *out)
{
    for (int r = begin; r < end; r++) {
        VREAL v[4];
        HONE__GEMM_UNROLL
        for (int q = 0; q < parts; q++) {
            const int p = r + q * R(gemm_dot_few);
            v[q] = R(mul)(R(set)(a[p]), R(gemm_dot_wide_load)(b + p * b_rs, n));
        }
        if (parts > 2) {
            v[0] = R(add)(v[0], v[2]);
        }
        if (parts > 3) {
            v[1] = R(add)(v[1], v[3]);
        }
        if (parts > 1) {
            v[0] = R(add)(v[0], v[1]);
        }
        out[r] = v[0];
    }
}

/* More lanes than that: (parts - 1) * 16 < k <= parts * 16. */
static HONE__GEMM_INLINE void R(gemm_dot_wide_many)(const int parts, int64_t m, int64_t n,
                                                    int64_t k, const REAL *a, int64_t a_rs,
                                                    const REAL *b, int64_t b_rs, REAL *c,
                                                    int64_t c_rs)
{
    const int most = (int)k - (parts - 1) * R(gemm_dot_few);
    for (int64_t i = 0; i < m; i++, a += a_rs, c += c_rs) {
        VREAL v[R(gemm_dot_few)];
        R(gemm_dot_wide_lanes)(parts, 0, most, n, a, b, b_rs, v);
        R(gemm_dot_wide_lanes)(parts - 1, most, R(gemm_dot_few), n, a, b, b_rs, v);
        const VREAL sum = R(gemm_dot_wide_fold)(R(gemm_dot_few), v);
        if (n < LANES) {
            R(store_n)(c, sum, n);
        } else {
            R(store)(c, sum);
        }
    }
}

/* ---- rows that fill the lanes ---- */

#ifndef DOT_WIDE_ROWS
#define DOT_WIDE_ROWS 4
#endif

/* A lane's chain takes some steps at once, each from a stream of b of its own; then its sums wait in L1.
 * They are of some rows and a vector of outputs, or of few rows and more vectors. L2 gives lines that
 * share a place of L1 one by one where more are asked for than it has ways: so many steps at most. Where
 * a lane's last ones are few, the one that the tree adds to it follows at once, unless its lines share
 * that place and there are few rows to wait for them. */
enum {
    R(gemm_dot_steps) = 8,
    R(gemm_dot_paired) = 5,
    R(gemm_dot_slots) = 4,
    R(gemm_dot_most) = DOT_WIDE_ROWS
};

typedef struct {
    int64_t n; /* outputs of a vector that isn't whole */
    const REAL *a;
    int64_t a_rs;
    const REAL *b;
    int64_t b_rs;
} R(gemm_dot_wide_from);

/* A step of a lane's chains; `first` begins them. Left to itself, a compiler would keep an address for
 * each row. */
static HONE__GEMM_INLINE void R(gemm_dot_wide_step)(const int rows, const int vectors,
                                                    const int whole, const int first,
                                                    const R(gemm_dot_wide_from) * x, const REAL *a,
                                                    const REAL *b, VREAL *acc)
{
    const REAL *fifth = rows > 4 ? a + 4 * x->a_rs : a;
    if (rows > 4) {
        HONE__GEMM_OPAQUE(a);
        HONE__GEMM_OPAQUE(fifth);
    }
    VREAL bv[R(gemm_dot_slots)];
    HONE__GEMM_UNROLL
    for (int v = 0; v < vectors; v++) {
        bv[v] = whole ? R(load)(b + v * LANES) : R(load_n)(b, x->n, R(set)(0));
        if (rows > 1) {
            HONE__GEMM_KEEP(bv[v]); /* else it is loaded again for every row */
        }
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        const VREAL av = R(set)(i < 4 ? a[i * x->a_rs] : fifth[(i - 4) * x->a_rs]);
        HONE__GEMM_UNROLL
        for (int v = 0; v < vectors; v++) {
            const int s = i * vectors + v;
            acc[s] = first ? R(mul)(av, bv[v]) : R(fma)(av, bv[v], acc[s]);
        }
    }
}

/* `steps` of the chains of lane l from k on, which go on from its sums. */
static HONE__GEMM_INLINE void R(gemm_dot_wide_chain)(const int rows, const int vectors,
                                                     const int whole, int64_t l, int64_t k,
                                                     int64_t steps, const R(gemm_dot_wide_from) * x,
                                                     const VREAL *sums, VREAL *acc)
{
    HONE__GEMM_OPAQUE(k); /* one loop for both */
    HONE__GEMM_UNROLL
    for (int s = 0; s < rows * vectors; s++) {
        acc[s] = k > 0 ? sums[l * rows * vectors + s] : R(set)(-(REAL)0);
    }
    const REAL *a = x->a + k + l, *b = x->b + (k + l) * x->b_rs;
    const int64_t next = VIRTUAL_LANES * x->b_rs;
    for (; steps >= 4; steps -= 4) {
        HONE__GEMM_UNROLL
        for (int q = 0; q < 4; q++, a += VIRTUAL_LANES, b += next) {
            R(gemm_dot_wide_step)(rows, vectors, whole, 0, x, a, b, acc);
        }
    }
    for (; steps > 0; steps--, a += VIRTUAL_LANES, b += next) {
        R(gemm_dot_wide_step)(rows, vectors, whole, 0, x, a, b, acc);
    }
}

/* The same of all lanes, those below `longer` a step more. Paired, each is followed by the one that
 * the tree adds to it, and their sum waits. */
static HONE__GEMM_INLINE void R(gemm_dot_wide_chains)(const int rows, const int vectors,
                                                      const int whole, bool paired, int64_t longer,
                                                      int64_t k, int64_t steps,
                                                      const R(gemm_dot_wide_from) * x, VREAL *sums)
{
    enum { HALF = VIRTUAL_LANES / 2 };
    for (int64_t i = 0; i < VIRTUAL_LANES; i++) {
        const bool second = paired && (i & 1);
        const int64_t to = paired ? i / 2 : i, l = second ? to + HALF : to;
        VREAL acc[R(gemm_dot_most)], *waits = sums + to * rows * vectors;
        R(gemm_dot_wide_chain)(rows, vectors, whole, l, k, steps + (l < longer), x, sums, acc);
        if (second) {
            HONE__GEMM_UNROLL
            for (int s = 0; s < rows * vectors; s++) {
                acc[s] = R(add)(waits[s], acc[s]);
            }
        }
        HONE__GEMM_UNROLL
        for (int s = 0; s < rows * vectors; s++) {
            waits[s] = acc[s];
        }
    }
}

/* From all lanes, or paired ones, down to as many as fit the registers, to the sum, n outputs of it. */
static HONE__GEMM_NOINLINE void R(gemm_dot_wide_tree)(const VREAL *sums, bool paired, int slots,
                                                      REAL *to, int64_t n)
{
    enum { PARTS = VIRTUAL_LANES / R(gemm_dot_few) }; /* 4 or 2 */
    VREAL few[R(gemm_dot_few)];
    HONE__GEMM_UNROLL
    for (int r = 0; r < R(gemm_dot_few); r++) {
        VREAL part[PARTS / 2];
        for (int q = 0; q < PARTS / 2; q++) {
            part[q] = sums[(r + q * R(gemm_dot_few)) * slots];
            if (!paired) {
                part[q] = R(add)(part[q], sums[(r + (q + PARTS / 2) * R(gemm_dot_few)) * slots]);
            }
        }
        if (PARTS == 4) {
            part[0] = R(add)(part[0], part[PARTS / 2 - 1]);
        }
        few[r] = part[0];
    }
    const VREAL sum = R(gemm_dot_wide_fold)(R(gemm_dot_few), few);
    if (n < LANES) {
        R(store_n)(to, sum, n);
    } else {
        R(store)(to, sum);
    }
}

/* If the lines of a lane and of the one that the tree adds to it share a place of L1. */
static HONE__GEMM_INLINE bool R(gemm_dot_wide_crowded)(int64_t b_rs)
{
    enum { PAGE = 4096 };
    return VIRTUAL_LANES / 2 * b_rs * (int64_t)sizeof(REAL) % PAGE == 0;
}

static HONE__GEMM_INLINE void R(gemm_dot_wide_panel)(const int rows, const int vectors,
                                                     const int whole, int64_t k,
                                                     const R(gemm_dot_wide_from) * x, REAL *c,
                                                     int64_t c_rs)
{
    VREAL sums[VIRTUAL_LANES * R(gemm_dot_most)];
    const int64_t full = k / VIRTUAL_LANES, rest = k % VIRTUAL_LANES;
    const bool crowded = R(gemm_dot_wide_crowded)(x->b_rs);
    bool paired = false;
    for (int64_t done = 0, now; done < full; done += now) {
        now = full - done < R(gemm_dot_steps) ? full - done : R(gemm_dot_steps);
        const bool last = done + now == full;
        const int64_t longer = last ? rest : 0, from = done * VIRTUAL_LANES;
        paired = last && now + (rest > 0) <= R(gemm_dot_paired) && (rows > 3 || !crowded);
        R(gemm_dot_wide_chains)(rows, vectors, whole, paired, longer, from, now, x, sums);
    }
    for (int s = 0; s < rows * vectors; s++) {
        R(gemm_dot_wide_tree)
        (sums + s, paired, rows * vectors, c + s / vectors * c_rs + s % vectors * LANES,
         whole ? LANES : x->n);
    }
}

static HONE__GEMM_INLINE void R(gemm_dot_wide_rows)(const int rows, int64_t n, int64_t k,
                                                    R(gemm_dot_wide_from) x, REAL *c, int64_t c_rs)
{
    const int vectors = rows > 2 ? 1 : R(gemm_dot_slots) / rows;
    for (; vectors > 1 && n >= vectors * LANES; n -= vectors * LANES) {
        R(gemm_dot_wide_panel)(rows, vectors, 1, k, &x, c, c_rs);
        x.b += vectors * LANES;
        c += vectors * LANES;
    }
    for (; n >= LANES; n -= LANES) {
        R(gemm_dot_wide_panel)(rows, 1, 1, k, &x, c, c_rs);
        x.b += LANES;
        c += LANES;
    }
    if (n > 0) {
        x.n = n;
        R(gemm_dot_wide_panel)(rows, 1, 0, k, &x, c, c_rs);
    }
}

#define DOT_CASES(each)                                                                            \
    each(1);                                                                                       \
    each(2);                                                                                       \
    each(3);                                                                                       \
    each(4);                                                                                       \
    each(5);                                                                                       \
    each(6);                                                                                       \
    each(7);                                                                                       \
    each(8)

/* Rows that L1 holds the sums of, or half of what is left. */
static HONE__GEMM_NOINLINE void R(gemm_dot_wide_long)(int64_t m, int64_t n, int64_t k,
                                                      const REAL *a, int64_t a_rs, const REAL *b,
                                                      int64_t b_rs, REAL *c, int64_t c_rs)
{
    enum { MOST = DOT_WIDE_ROWS > 4 ? 7 : 4 };
    while (m > 0) {
        const int64_t now = m <= MOST ? m : m < 2 * MOST ? (m + 1) / 2 : MOST;
        const R(gemm_dot_wide_from) x = { .a = a, .a_rs = a_rs, .b = b, .b_rs = b_rs };
#define DOT_CASE(rows)                                                                             \
    case rows:                                                                                     \
        if (rows <= MOST) {                                                                        \
            R(gemm_dot_wide_rows)(rows <= MOST ? rows : 1, n, k, x, c, c_rs);                      \
        }                                                                                          \
        break
        switch (now) {
            DOT_CASES(DOT_CASE);
        }
#undef DOT_CASE
        a += now * a_rs;
        c += now * c_rs;
        m -= now;
    }
}

/* ---- rows whose lanes are few steps, or many rows ---- */

/* Lane l and the one that the tree adds to it, of some vectors of outputs and each row: their sum. */
static HONE__GEMM_INLINE void R(gemm_dot_wide_pair)(const int rows, const int vectors,
                                                    const int whole, int64_t k, int64_t l,
                                                    const R(gemm_dot_wide_from) * x, VREAL *sum)
{
    enum { HALF = VIRTUAL_LANES / 2 };
    VREAL high[DOT_WIDE_ROWS];
    const REAL *a = x->a + l, *b = x->b + l * x->b_rs;
    const int64_t upper = HALF * x->b_rs;
    R(gemm_dot_wide_step)(rows, vectors, whole, 1, x, a, b, sum);
    R(gemm_dot_wide_step)(rows, vectors, whole, 1, x, a + HALF, b + upper, high);
    int64_t left = k - l - VIRTUAL_LANES;
    for (; left > HALF; left -= VIRTUAL_LANES) {
        a += VIRTUAL_LANES;
        b += 2 * upper;
        R(gemm_dot_wide_step)(rows, vectors, whole, 0, x, a, b, sum);
        R(gemm_dot_wide_step)(rows, vectors, whole, 0, x, a + HALF, b + upper, high);
    }
    if (left > 0) {
        a += VIRTUAL_LANES;
        b += 2 * upper;
        R(gemm_dot_wide_step)(rows, vectors, whole, 0, x, a, b, sum);
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows * vectors; i++) {
        sum[i] = R(add)(sum[i], high[i]);
    }
}

/* Some vectors of outputs of each row: two levels of the tree are done before anything waits in L1. */
static HONE__GEMM_INLINE void R(gemm_dot_wide_vector)(const int rows, const int vectors,
                                                      const int whole, int64_t k,
                                                      const R(gemm_dot_wide_from) * x, REAL *c,
                                                      int64_t c_rs)
{
    enum { QUARTER = VIRTUAL_LANES / 4 };
    const R(gemm_dot_wide_from) from = *x; /* what is stored can't change it */
    VREAL quarter[DOT_WIDE_ROWS][QUARTER];
    for (int64_t l = 0; l < QUARTER; l++) {
        VREAL sum[DOT_WIDE_ROWS], more[DOT_WIDE_ROWS];
        R(gemm_dot_wide_pair)(rows, vectors, whole, k, l, &from, sum);
        R(gemm_dot_wide_pair)(rows, vectors, whole, k, l + QUARTER, &from, more);
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows * vectors; i++) {
            quarter[i][l] = R(add)(sum[i], more[i]);
        }
    }
    for (int i = 0; i < rows * vectors; i++) {
        VREAL v[QUARTER];
        HONE__GEMM_UNROLL
        for (int l = 0; l < QUARTER; l++) {
            v[l] = quarter[i][l];
        }
        const VREAL sum = R(gemm_dot_wide_fold)(QUARTER, v);
        REAL *to = c + i / vectors * c_rs + i % vectors * LANES;
        if (whole) {
            R(store)(to, sum);
        } else {
            R(store_n)(to, sum, x->n);
        }
    }
}

static HONE__GEMM_INLINE void R(gemm_dot_wide_vectors)(const int rows, int64_t n, int64_t k,
                                                       R(gemm_dot_wide_from) x, REAL *c,
                                                       int64_t c_rs)
{
    const int some = rows > 3 ? 1 : rows == 1 ? 4 : DOT_WIDE_ROWS / (rows == 2 ? 2 : 4);
    for (; some > 1 && n >= some * LANES; n -= some * LANES) {
        R(gemm_dot_wide_vector)(rows, some, 1, k, &x, c, c_rs);
        x.b += some * LANES;
        c += some * LANES;
    }
    for (; n >= LANES; n -= LANES) {
        R(gemm_dot_wide_vector)(rows, 1, 1, k, &x, c, c_rs);
        x.b += LANES;
        c += LANES;
    }
    if (n > 0) {
        x.n = n;
        R(gemm_dot_wide_vector)(rows, 1, 0, k, &x, c, c_rs);
    }
}

/* As many rows at a time as there are registers for. */
static HONE__GEMM_NOINLINE void R(gemm_dot_wide_short)(int64_t m, int64_t n, int64_t k,
                                                       const REAL *a, int64_t a_rs, const REAL *b,
                                                       int64_t b_rs, REAL *c, int64_t c_rs)
{
    enum { MOST = DOT_WIDE_ROWS };
    while (m > 0) {
        const int64_t now = m <= MOST ? m : m < 2 * MOST ? (m + 1) / 2 : MOST;
        const R(gemm_dot_wide_from) x = { .a = a, .a_rs = a_rs, .b = b, .b_rs = b_rs };
#define DOT_CASE(rows)                                                                             \
    case rows:                                                                                     \
        if (rows <= MOST) {                                                                        \
            R(gemm_dot_wide_vectors)(rows <= MOST ? rows : 1, n, k, x, c, c_rs);                   \
        }                                                                                          \
        break
        switch (now) {
            DOT_CASES(DOT_CASE);
        }
#undef DOT_CASE
        a += now * a_rs;
        c += now * c_rs;
        m -= now;
    }
}

/* Chains that are longer wait less for each other by the steps of all lanes in turn, unless there are
 * as many rows as fit the registers, or many vectors to read from far away. */
static HONE__GEMM_INLINE bool R(gemm_dot_wide_is_short)(int64_t m, int64_t n, int64_t k,
                                                        int64_t b_rs)
{
    enum { FEW = 16, ROWS = 4, MIDDLE = 8 * VIRTUAL_LANES };
    if (k <= 2 * VIRTUAL_LANES) {
        return true;
    }
    const bool many = n > FEW * LANES;
    if (m <= ROWS) {
        return m == ROWS && k < MIDDLE && many;
    }
    const bool waits = m == ROWS + 1 && R(gemm_dot_wide_crowded)(b_rs);
    return DOT_WIDE_ROWS > ROWS && (many || (k < MIDDLE && !waits));
}

static void R(gemm_dot_wide)(int64_t m, int64_t n, int64_t k, const void *a, int64_t a_rs,
                             const void *b, int64_t b_rs, void *c, int64_t c_rs)
{
    if (k >= VIRTUAL_LANES && R(gemm_dot_wide_is_short)(m, n, k, b_rs)) {
        R(gemm_dot_wide_short)(m, n, k, a, a_rs, b, b_rs, c, c_rs);
        return;
    }
    if (k > VIRTUAL_LANES) {
        R(gemm_dot_wide_long)(m, n, k, a, a_rs, b, b_rs, c, c_rs);
        return;
    }
    for (int64_t j = 0; j < n; j += LANES) {
        const int64_t cols = n - j < LANES ? n - j : LANES;
        const REAL *from = (const REAL *)b + j;
        REAL *to = (REAL *)c + j;
#define DOT_CASE(few)                                                                              \
    case few:                                                                                      \
        R(gemm_dot_wide_few)(few, m, cols, a, a_rs, from, b_rs, to, c_rs);                         \
        break
        switch (k) {
            DOT_CASE(1);
            DOT_CASE(2);
            DOT_CASE(3);
            DOT_CASE(4);
            DOT_CASE(5);
            DOT_CASE(6);
            DOT_CASE(7);
            DOT_CASE(8);
            DOT_CASE(9);
            DOT_CASE(10);
            DOT_CASE(11);
            DOT_CASE(12);
            DOT_CASE(13);
            DOT_CASE(14);
            DOT_CASE(15);
            DOT_CASE(16);
        default:
            if (k <= 2 * R(gemm_dot_few)) {
                R(gemm_dot_wide_many)(2, m, cols, k, a, a_rs, from, b_rs, to, c_rs);
            } else if (k <= 3 * R(gemm_dot_few)) {
                R(gemm_dot_wide_many)(3, m, cols, k, a, a_rs, from, b_rs, to, c_rs);
            } else {
                R(gemm_dot_wide_many)(4, m, cols, k, a, a_rs, from, b_rs, to, c_rs);
            }
        }
#undef DOT_CASE
    }
}

#undef DOT_CASES
#undef DOT_WIDE_ROWS
