/* gemm_dot.h: body of `dot` (contract: gemm_kernels.h), written for f32 and f64 (real_begin.h).
 * DOT_ROWS x DOT_COLS outputs are computed at a time, each with its own 256 bytes of virtual
 * lanes; beside one row of b DOT_TALL rows of a at a time. (fragment) */

/* Prefetchers follow a row to the end of its page: what comes next is asked for meanwhile, its
 * first quarter; the rest is up to them again. */
enum { R(gemm_dot_page) = 4096 / (int)sizeof(REAL) };

static HONE__GEMM_INLINE REAL R(gemm_dot_fold_vector)(VREAL v)
{
    for (int half = LANES / 2; half >= 1; half /= 2) {
        v = R(add)(v, R(down)(v, half));
    }
    return R(first)(v);
}

/* The elements after the last full round of lanes, then the fixed tree over the `present` lanes;
 * the others hold -0, the identity. */
static REAL R(gemm_dot_fold)(REAL *lanes, int64_t rest, int present, const REAL *a, const REAL *b)
{
    int64_t i = 0;
    for (; i + LANES <= rest; i += LANES) {
        R(store)(lanes + i, R(fma)(R(load)(a + i), R(load)(b + i), R(load)(lanes + i)));
    }
    if (i < rest) {
        const int64_t n = rest - i;
        const VREAL zero = R(set)(0);
        const VREAL av = R(load_n)(a + i, n, zero), bv = R(load_n)(b + i, n, zero);
        R(store_n)(lanes + i, R(fma)(av, bv, R(load)(lanes + i)), n);
    }
    int half = VIRTUAL_LANES / 2;
    while (half >= LANES && half >= present) { /* that half is absent */
        half /= 2;
    }
    for (; half >= LANES; half /= 2) {
        for (int j = 0; j < half; j += LANES) {
            R(store)(lanes + j, R(add)(R(load)(lanes + j), R(load)(lanes + half + j)));
        }
    }
    return R(gemm_dot_fold_vector)(R(load)(lanes));
}

/* The same tree where no lane is absent and no element left over: down to one vector. */
static HONE__GEMM_INLINE VREAL R(gemm_dot_fold_whole)(VREAL *acc)
{
    HONE__GEMM_UNROLL_64
    for (int v = N_ACC - 1; v >= 1; v--) { /* by halves: the upper half is done with first */
        const int half = 1 << (31 - __builtin_clz((unsigned)v));
        acc[v - half] = R(add)(acc[v - half], acc[v]);
    }
    return acc[0];
}

static HONE__GEMM_INLINE void R(gemm_dot_tile)(const int rows, const int cols, int64_t k,
                                               const REAL *a, int64_t a_rs, const REAL *b,
                                               int64_t b_rs, REAL *out, int64_t out_rs,
                                               const int asks)
{
    enum { MOST = DOT_ROWS > DOT_TALL ? DOT_ROWS : DOT_TALL };
    VREAL acc[MOST][DOT_COLS][N_ACC];
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < cols; j++) {
            HONE__GEMM_UNROLL_64
            for (int v = 0; v < N_ACC; v++) {
                acc[i][j][v] = R(set)(-(REAL)0);
            }
        }
    }
    const int64_t whole = k - k % VIRTUAL_LANES;
    const int present = k < VIRTUAL_LANES ? (int)k : VIRTUAL_LANES;
    const REAL *next = a;
    for (int64_t p = 0; p < whole; p += VIRTUAL_LANES) {
        if (asks) {
            if (p % R(gemm_dot_page) == 0) {
                next = a + (p + R(gemm_dot_page) < k ? p + R(gemm_dot_page) : rows * a_rs);
            }
            HONE__GEMM_UNROLL
            for (int i = 0; i < rows; i++) {
                __builtin_prefetch(next + i * a_rs, 0, 3);
            }
            next += 64 / (int)sizeof(REAL);
        }
        HONE__GEMM_UNROLL_64
        for (int v = 0; v < N_ACC; v++) {
            VREAL av[MOST];
            HONE__GEMM_UNROLL
            for (int i = 0; i < rows; i++) {
                av[i] = R(load)(a + i * a_rs + p + v * LANES);
            }
            HONE__GEMM_UNROLL
            for (int j = 0; j < cols; j++) {
                const VREAL bv = R(load)(b + j * b_rs + p + v * LANES);
                HONE__GEMM_UNROLL
                for (int i = 0; i < rows; i++) {
                    acc[i][j][v] = R(fma)(av[i], bv, acc[i][j][v]);
                }
            }
        }
    }
#if defined(DOT_FOLD_4)
    if (rows == 4 && cols == 1 && k == whole) {
        DOT_FOLD_4(R(gemm_dot_fold_whole)(acc[0][0]), R(gemm_dot_fold_whole)(acc[1][0]),
                   R(gemm_dot_fold_whole)(acc[2][0]), R(gemm_dot_fold_whole)(acc[3][0]), out);
        return;
    }
#endif
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < cols; j++) {
            if (k == whole) {
                out[i * out_rs + j] = R(gemm_dot_fold_vector)(R(gemm_dot_fold_whole)(acc[i][j]));
                continue;
            }
            REAL lanes[VIRTUAL_LANES];
            HONE__GEMM_UNROLL_64
            for (int v = 0; v < N_ACC; v++) {
                R(store)(lanes + v * LANES, acc[i][j][v]);
            }
            out[i * out_rs + j] = R(gemm_dot_fold)(lanes, k - whole, present, a + i * a_rs + whole,
                                                   b + j * b_rs + whole);
        }
    }
}

static void R(gemm_dot)(int64_t k, int rows, int cols, const void *a, int64_t a_rs, const void *b,
                        int64_t b_rs, void *out, int64_t out_rs)
{
    const REAL *ap = a, *bp = b;
    REAL *to = out;
    int i = 0;
    for (; i + DOT_ROWS <= rows; i += DOT_ROWS) {
        int j = 0;
        for (; j + DOT_COLS <= cols; j += DOT_COLS) {
            R(gemm_dot_tile)
            (DOT_ROWS, DOT_COLS, k, ap + i * a_rs, a_rs, bp + j * b_rs, b_rs, to + i * out_rs + j,
             out_rs, 0);
        }
        for (; j < cols; j++) {
            R(gemm_dot_tile)
            (DOT_ROWS, 1, k, ap + i * a_rs, a_rs, bp + j * b_rs, b_rs, to + i * out_rs + j, out_rs,
             0);
        }
    }
    for (; i < rows; i++) {
        int j = 0;
        for (; j + DOT_COLS <= cols; j += DOT_COLS) {
            R(gemm_dot_tile)
            (1, DOT_COLS, k, ap + i * a_rs, a_rs, bp + j * b_rs, b_rs, to + i * out_rs + j, out_rs,
             0);
        }
        for (; j < cols; j++) {
            R(gemm_dot_tile)
            (1, 1, k, ap + i * a_rs, a_rs, bp + j * b_rs, b_rs, to + i * out_rs + j, out_rs, 0);
        }
    }
}

/* `dot_rows`: the beginnings of the next pages are asked for, or not. */
static HONE__GEMM_INLINE void R(gemm_dot_rows_by)(const int asks, int64_t k, int64_t rows,
                                                  const REAL *a, int64_t a_rs, const REAL *b,
                                                  REAL *out)
{
    int64_t i = 0;
    for (; i + DOT_TALL <= rows; i += DOT_TALL) {
        R(gemm_dot_tile)(DOT_TALL, 1, k, a + i * a_rs, a_rs, b, 0, out + i, 1, asks);
    }
    for (; i < rows; i++) {
        R(gemm_dot_tile)(1, 1, k, a + i * a_rs, a_rs, b, 0, out + i, 1, asks);
    }
}

static void R(gemm_dot_rows)(int64_t k, int64_t rows, const void *a, int64_t a_rs, const void *b,
                             void *out, hone__gemm_distance distance)
{
    if (distance == HONE__GEMM_L2) {
        R(gemm_dot_rows_by)(0, k, rows, a, a_rs, b, out);
    } else {
        R(gemm_dot_rows_by)(1, k, rows, a, a_rs, b, out);
    }
}

/* `dot_wide`: the same sums with a vector of outputs in place of each lane. */

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

static void R(gemm_dot_wide)(int64_t m, int64_t n, int64_t k, const void *a, int64_t a_rs,
                             const void *b, int64_t b_rs, void *c, int64_t c_rs)
{
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

#undef DOT_ROWS
#undef DOT_FOLD_4
#undef DOT_TALL
#undef DOT_COLS
