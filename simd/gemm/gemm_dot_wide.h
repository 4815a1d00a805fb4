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

/* Sums of a panel that registers hold. */
#ifndef DOT_WIDE_SUMS
#define DOT_WIDE_SUMS 4
#endif

/* A panel is of some rows and vectors of outputs. Chains of a lane, or of some lanes side by side, take all
 * of k in registers: rows of b are read a whole number of lanes apart, and as much of each as there are
 * vectors. L2 gives lines that share a place of L1 one by one where more are asked for than it has ways;
 * what is read side by side keeps them apart. */
typedef struct {
    int64_t n; /* outputs of a panel: more than half its vectors are whole */
    int64_t k;
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
    VREAL bv[8];
    HONE__GEMM_UNROLL
    for (int v = 0; v < vectors; v++) {
        const REAL *from = b + v * LANES;
        bv[v] = whole || v < vectors / 2 ? R(load)(from)
                                         : R(load_part)(from, x->n - v * LANES, R(set)(0));
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

/* The same of each of some lanes: 1, 2 or 4. (A loop of one round would leave its pragma to the one
 * around it.) */
static HONE__GEMM_INLINE void R(gemm_dot_wide_steps)(const int rows, const int vectors,
                                                     const int lanes, const int whole,
                                                     const int first,
                                                     const R(gemm_dot_wide_from) * x, const REAL *a,
                                                     const REAL *b, VREAL *acc)
{
    const int some = rows * vectors;
    R(gemm_dot_wide_step)(rows, vectors, whole, first, x, a, b, acc);
    if (lanes > 1) {
        R(gemm_dot_wide_step)(rows, vectors, whole, first, x, a + 1, b + x->b_rs, acc + some);
    }
    if (lanes > 2) {
        b += 2 * x->b_rs;
        R(gemm_dot_wide_step)(rows, vectors, whole, first, x, a + 2, b, acc + 2 * some);
        R(gemm_dot_wide_step)(rows, vectors, whole, first, x, a + 3, b + x->b_rs, acc + 3 * some);
    }
}

/* The chains of the lanes from l on, which all end where the last of them does. */
static HONE__GEMM_INLINE void R(gemm_dot_wide_chains)(const int rows, const int vectors,
                                                      const int lanes, const int whole, int64_t l,
                                                      const R(gemm_dot_wide_from) * x, VREAL *acc)
{
    const REAL *a = x->a + l, *b = x->b + l * x->b_rs;
    R(gemm_dot_wide_steps)(rows, vectors, lanes, whole, 1, x, a, b, acc);
    for (int64_t left = x->k - l - VIRTUAL_LANES; left > 0; left -= VIRTUAL_LANES) {
        a += VIRTUAL_LANES;
        b += VIRTUAL_LANES * x->b_rs;
        R(gemm_dot_wide_steps)(rows, vectors, lanes, whole, 0, x, a, b, acc);
    }
}

/* Those and what the tree adds to them. Chains of few sums, or short ones, wait less for each other if
 * both go on in turn (`lanes` 0, one side by side). */
static HONE__GEMM_INLINE void R(gemm_dot_wide_halves)(const int rows, const int vectors,
                                                      const int lanes, const int whole, int64_t l,
                                                      const R(gemm_dot_wide_from) * x, VREAL *sum)
{
    enum { HALF = VIRTUAL_LANES / 2 };
    VREAL high[DOT_WIDE_SUMS];
    if (lanes > 0) {
        R(gemm_dot_wide_chains)(rows, vectors, lanes, whole, l, x, sum);
        R(gemm_dot_wide_chains)(rows, vectors, lanes, whole, l + HALF, x, high);
    } else {
        const REAL *a = x->a + l, *b = x->b + l * x->b_rs;
        const int64_t upper = HALF * x->b_rs;
        R(gemm_dot_wide_step)(rows, vectors, whole, 1, x, a, b, sum);
        R(gemm_dot_wide_step)(rows, vectors, whole, 1, x, a + HALF, b + upper, high);
        int64_t left = x->k - l - VIRTUAL_LANES;
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
    }
    HONE__GEMM_UNROLL
    for (int s = 0; s < rows * vectors * (lanes > 0 ? lanes : 1); s++) {
        sum[s] = R(add)(sum[s], high[s]);
    }
}

/* Of each sum a quarter of the lanes waits for the others: one more apart, or all would share a place of L1. */
enum { R(gemm_dot_wide_apart) = VIRTUAL_LANES / 4 + 1 };

/* From there to the sum. */
static HONE__GEMM_NOINLINE void R(gemm_dot_wide_tree)(const VREAL *sums, int rows, int vectors,
                                                      int64_t n, REAL *c, int64_t c_rs)
{
    enum { QUARTER = VIRTUAL_LANES / 4 };
    for (int i = 0; i < rows; i++, c += c_rs) {
        REAL *to = c;
        int64_t left = n;
        for (int v = 0; v < vectors; v++, to += LANES, left -= LANES) {
            VREAL lane[R(gemm_dot_few)];
            HONE__GEMM_UNROLL
            for (int l = 0; l < QUARTER; l++) {
                lane[l] = sums[l];
            }
            sums += R(gemm_dot_wide_apart);
            const VREAL sum = R(gemm_dot_wide_fold)(QUARTER, lane);
            if (left >= LANES) {
                R(store)(to, sum);
            } else if (left > 0) {
                R(store_n)(to, sum, left);
            }
        }
    }
}

/* Two levels of the tree are done before anything waits for the rest of it. */
static HONE__GEMM_INLINE void R(gemm_dot_wide_panel)(const int rows, const int vectors,
                                                     const int lanes, const int whole,
                                                     const R(gemm_dot_wide_from) * from, REAL *c,
                                                     int64_t c_rs)
{
    enum { QUARTER = VIRTUAL_LANES / 4 };
    const R(gemm_dot_wide_from) x = *from; /* what is stored can't change it */
    const int now = lanes > 0 ? lanes : 1, some = rows * vectors;
    VREAL waits[R(gemm_dot_wide_apart) * DOT_WIDE_SUMS];
    for (int64_t l = 0; l < QUARTER; l += now) {
        VREAL sum[DOT_WIDE_SUMS], more[DOT_WIDE_SUMS];
        R(gemm_dot_wide_halves)(rows, vectors, lanes, whole, l, &x, sum);
        R(gemm_dot_wide_halves)(rows, vectors, lanes, whole, l + QUARTER, &x, more);
        HONE__GEMM_UNROLL
        for (int s = 0; s < some * now; s++) {
            waits[s % some * R(gemm_dot_wide_apart) + s / some + l] = R(add)(sum[s], more[s]);
        }
    }
    R(gemm_dot_wide_tree)(waits, rows, vectors, x.n, c, c_rs);
}

/* Panels of all outputs, or of those that fill more than half of one: how many are done. Loads of a part
 * cost no more than whole ones where others are to be waited for: then all panels take them. */
static HONE__GEMM_INLINE int64_t R(gemm_dot_wide_panels)(const int rows, const int vectors,
                                                         const int lanes, int64_t n,
                                                         R(gemm_dot_wide_from) x, REAL *c,
                                                         int64_t c_rs)
{
    const bool splits = DOT_WIDE_SUMS == 4 || (vectors == 1 && rows >= 4 && lanes < 4);
    int64_t j = 0;
    for (; n - j > vectors / 2 * LANES; j += x.n) {
        x.n = n - j < vectors * LANES ? n - j : vectors * LANES;
        if (splits && x.n == vectors * LANES) {
            R(gemm_dot_wide_panel)(rows, vectors, lanes, 1, &x, c, c_rs);
        } else {
            R(gemm_dot_wide_panel)(rows, vectors, lanes, 0, &x, c, c_rs);
        }
        x.b += x.n;
        c += x.n;
    }
    return j;
}

typedef int64_t (*R(gemm_dot_wide_fn))(int64_t n, const R(gemm_dot_wide_from) * x, REAL *c,
                                       int64_t c_rs);

#define DOT_WIDE(rows, vectors, lanes)                                                             \
    static HONE__GEMM_NOINLINE int64_t R(gemm_dot_wide_##rows##x##vectors##x##lanes)(              \
        int64_t n, const R(gemm_dot_wide_from) * x, REAL * c, int64_t c_rs)                        \
    {                                                                                              \
        return R(gemm_dot_wide_panels)(rows, vectors, lanes, n, *x, c, c_rs);                      \
    }
#if DOT_WIDE_SUMS > 4
DOT_WIDE(1, 1, 0)
DOT_WIDE(1, 1, 4)
DOT_WIDE(1, 4, 0)
DOT_WIDE(1, 4, 2)
DOT_WIDE(1, 8, 1)
DOT_WIDE(2, 1, 0)
DOT_WIDE(2, 1, 4)
DOT_WIDE(2, 4, 0)
DOT_WIDE(2, 4, 1)
DOT_WIDE(2, 4, 2)
DOT_WIDE(3, 1, 0)
DOT_WIDE(3, 1, 4)
DOT_WIDE(3, 2, 0)
DOT_WIDE(3, 4, 1)
DOT_WIDE(4, 1, 0)
DOT_WIDE(4, 1, 1)
DOT_WIDE(4, 1, 4)
DOT_WIDE(4, 4, 1)
DOT_WIDE(5, 1, 0)
DOT_WIDE(5, 2, 1)
DOT_WIDE(6, 1, 0)
DOT_WIDE(6, 2, 1)
DOT_WIDE(7, 1, 0)
DOT_WIDE(7, 2, 1)
DOT_WIDE(8, 1, 0)
#else
DOT_WIDE(1, 1, 0)
DOT_WIDE(1, 4, 0)
DOT_WIDE(2, 1, 0)
DOT_WIDE(2, 2, 0)
DOT_WIDE(3, 1, 0)
DOT_WIDE(4, 1, 0)
#endif
#undef DOT_WIDE

enum { R(gemm_dot_wide_from_long) = 8 * VIRTUAL_LANES };

/* If the lines of a lane and of those that the tree adds to it share a place of L1. */
static HONE__GEMM_INLINE bool R(gemm_dot_wide_crowded)(int64_t b_rs)
{
    enum { PAGE = 4096 };
    return VIRTUAL_LANES / 4 * b_rs * (int64_t)sizeof(REAL) % PAGE == 0;
}

#define DOT_WIDE(rows, vectors, lanes) R(gemm_dot_wide_##rows##x##vectors##x##lanes)

/* For `rows` rows of a; `narrow`: by single vectors. */
static HONE__GEMM_INLINE R(gemm_dot_wide_fn)
    R(gemm_dot_wide_panels_of)(int rows, const R(gemm_dot_wide_from) * x, bool narrow)
{
#if DOT_WIDE_SUMS > 4
    const bool is_short = x->k <= 2 * VIRTUAL_LANES, is_long = x->k >= R(gemm_dot_wide_from_long);
    const bool crowded = R(gemm_dot_wide_crowded)(x->b_rs);
    const bool even = x->k % 4 == 0; /* all chains of four lanes side by side are as long */
    const bool wide = is_long || (!is_short && crowded);
    switch (4 * rows + (narrow ? 0 : is_short ? 1 : 2)) {
    case 4:
        return even && is_long ? DOT_WIDE(1, 1, 4) : DOT_WIDE(1, 1, 0);
    case 5:
        return DOT_WIDE(1, 4, 0);
    case 6:
        return even && crowded ? DOT_WIDE(1, 4, 2) : DOT_WIDE(1, 8, 1);
    case 8:
        return even && is_long ? DOT_WIDE(2, 1, 4) : DOT_WIDE(2, 1, 0);
    case 9:
        return DOT_WIDE(2, 4, 0);
    case 10:
        return even && crowded && is_long ? DOT_WIDE(2, 4, 2) : DOT_WIDE(2, 4, 1);
    case 12:
        return even && is_long ? DOT_WIDE(3, 1, 4) : DOT_WIDE(3, 1, 0);
    case 13:
        return DOT_WIDE(3, 2, 0);
    case 14:
        return DOT_WIDE(3, 4, 1);
    case 16:
        return even && is_long ? DOT_WIDE(4, 1, 4) : DOT_WIDE(4, 1, 1);
    case 17:
        return DOT_WIDE(4, 1, 0);
    case 18:
        return wide ? DOT_WIDE(4, 4, 1) : DOT_WIDE(4, 1, 1);
    case 22:
        return wide ? DOT_WIDE(5, 2, 1) : DOT_WIDE(5, 1, 0);
    case 26:
        return wide ? DOT_WIDE(6, 2, 1) : DOT_WIDE(6, 1, 0);
    case 30:
        return wide ? DOT_WIDE(7, 2, 1) : DOT_WIDE(7, 1, 0);
    }
    switch (rows) {
    case 5:
        return DOT_WIDE(5, 1, 0);
    case 6:
        return DOT_WIDE(6, 1, 0);
    case 7:
        return DOT_WIDE(7, 1, 0);
    default:
        return DOT_WIDE(8, 1, 0);
    }
#else
    (void)x;
    switch (2 * rows + narrow) {
    case 2:
        return DOT_WIDE(1, 4, 0);
    case 3:
        return DOT_WIDE(1, 1, 0);
    case 4:
        return DOT_WIDE(2, 2, 0);
    case 5:
        return DOT_WIDE(2, 1, 0);
    case 6:
        return DOT_WIDE(3, 1, 0);
    default:
        return DOT_WIDE(4, 1, 0);
    }
#endif
}
#undef DOT_WIDE

/* As many rows at a time as there are registers for; long ones by halves, of which more vectors are read
 * side by side. */
static HONE__GEMM_NOINLINE void R(gemm_dot_wide_full)(int64_t m, int64_t n, int64_t k,
                                                      const REAL *a, int64_t a_rs, const REAL *b,
                                                      int64_t b_rs, REAL *c, int64_t c_rs)
{
    const bool halved = m == 8 && k >= R(gemm_dot_wide_from_long);
    const int most = DOT_WIDE_SUMS > 4 && !halved ? 8 : 4;
    R(gemm_dot_wide_from) x = { .k = k, .a = a, .a_rs = a_rs, .b = b, .b_rs = b_rs };
    while (m > 0) {
        const int now = m <= most ? (int)m : m < 2 * most ? (int)(m + 1) / 2 : most;
        const int64_t done = R(gemm_dot_wide_panels_of)(now, &x, false)(n, &x, c, c_rs);
        if (done < n) {
            R(gemm_dot_wide_from) rest = x;
            rest.b += done;
            R(gemm_dot_wide_panels_of)(now, &x, true)(n - done, &rest, c + done, c_rs);
        }
        x.a += now * a_rs;
        c += now * c_rs;
        m -= now;
    }
}

static void R(gemm_dot_wide)(int64_t m, int64_t n, int64_t k, const void *a, int64_t a_rs,
                             const void *b, int64_t b_rs, void *c, int64_t c_rs)
{
    if (k >= VIRTUAL_LANES) {
        R(gemm_dot_wide_full)(m, n, k, a, a_rs, b, b_rs, c, c_rs);
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

#undef DOT_WIDE_SUMS
