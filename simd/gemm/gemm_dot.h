/* gemm_dot.h: body of `dot` (contract: gemm_kernels.h), written for f32 and f64 (real_begin.h).
 * Each output has its own 256 bytes of virtual lanes. Up to DOT_ROWS x 4 outputs are computed at a
 * time; beside one row of b DOT_TALL rows of a. DOT_FOLD_4(a, b, c, d, out), if it is defined, is
 * gemm_dot_fold_vector of four vectors at once. `dot_rows` does rows of up to DOT_SHORT elements as
 * `dot` does. (fragment) */

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

typedef VREAL R(gemm_dot_sums)[DOT_ROWS][4];

/* The fixed tree over the lanes, down to one vector. Absent lanes hold -0, the identity. */
static HONE__GEMM_INLINE VREAL R(gemm_dot_fold_whole)(VREAL *acc)
{
    HONE__GEMM_UNROLL_64
    for (int v = N_ACC - 1; v >= 1; v--) { /* by halves: the upper half is done with first */
        const int half = 1 << (31 - __builtin_clz((unsigned)v));
        acc[v - half] = R(add)(acc[v - half], acc[v]);
    }
    return acc[0];
}

static HONE__GEMM_INLINE void R(gemm_dot_fold_4)(VREAL a, VREAL b, VREAL c, VREAL d, REAL *out)
{
#ifdef DOT_FOLD_4
    DOT_FOLD_4(a, b, c, d, out);
#else
    out[0] = R(gemm_dot_fold_vector)(a);
    out[1] = R(gemm_dot_fold_vector)(b);
    out[2] = R(gemm_dot_fold_vector)(c);
    out[3] = R(gemm_dot_fold_vector)(d);
#endif
}

/* What is left of a and b at the end of a row. Beyond it 0 * -0 leaves an absent lane as it is. */
static HONE__GEMM_INLINE VREAL R(gemm_dot_rest_a)(const REAL *a, int64_t rest)
{
    return R(load_part)(a, rest, R(set)(0));
}

static HONE__GEMM_INLINE VREAL R(gemm_dot_rest_b)(const REAL *b, int64_t rest)
{
    return R(load_part)(b, rest, R(set)(-(REAL)0));
}

/* One vector of lanes of rows x cols outputs, of which `rest` elements are there. */
static HONE__GEMM_INLINE void R(gemm_dot_step)(const int rows, const int cols, const int whole,
                                               int64_t rest, const REAL *a, int64_t a_rs,
                                               const REAL *const *b, int64_t at,
                                               R(gemm_dot_sums) acc)
{
    VREAL bv[4];
    HONE__GEMM_UNROLL
    for (int j = 0; j < cols; j++) {
        bv[j] = whole ? R(load)(b[j] + at) : R(gemm_dot_rest_b)(b[j] + at, rest);
        HONE__IN_REGISTER(bv[j]); /* else it is loaded again for every row */
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        const REAL *p = a + i * a_rs + at;
        const VREAL av = whole ? R(load)(p) : R(gemm_dot_rest_a)(p, rest);
        HONE__GEMM_UNROLL
        for (int j = 0; j < cols; j++) {
            acc[i][j] = R(fma)(av, bv[j], acc[i][j]);
        }
    }
}

/* The last one: a whole vector is loaded as such. */
static HONE__GEMM_INLINE void R(gemm_dot_last)(const int rows, const int cols, int64_t rest,
                                               const REAL *a, int64_t a_rs, const REAL *const *b,
                                               int64_t at, R(gemm_dot_sums) acc)
{
    if (rest >= LANES) {
        R(gemm_dot_step)(rows, cols, 1, LANES, a, a_rs, b, at, acc);
    } else {
        R(gemm_dot_step)(rows, cols, 0, rest, a, a_rs, b, at, acc);
    }
}

/* Vector v of the lanes and the one that the tree adds to it, for all of k: their sum. By pairs,
 * there are registers for more outputs at a time, so each element is loaded less often. */
static HONE__GEMM_INLINE void R(gemm_dot_pair)(const int rows, const int cols, int v, int64_t k,
                                               const REAL *a, int64_t a_rs, const REAL *const *b,
                                               R(gemm_dot_sums) sums)
{
    enum { HALF = VIRTUAL_LANES / 2 };
    R(gemm_dot_sums) high;
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < cols; j++) {
            sums[i][j] = high[i][j] = R(set)(-(REAL)0);
        }
    }
    const int first = v * LANES;
    int64_t at = first;
    if (k <= HALF) {
        if (at < k) {
            R(gemm_dot_last)(rows, cols, k - at, a, a_rs, b, at, sums);
        }
        return;
    }
    for (; at - first + VIRTUAL_LANES <= k; at += VIRTUAL_LANES) {
        R(gemm_dot_step)(rows, cols, 1, LANES, a, a_rs, b, at, sums);
        R(gemm_dot_step)(rows, cols, 1, LANES, a, a_rs, b, at + HALF, high);
    }
    if (at < k) {
        R(gemm_dot_last)(rows, cols, k - at, a, a_rs, b, at, sums);
    }
    if (at + HALF < k) {
        R(gemm_dot_last)(rows, cols, k - at - HALF, a, a_rs, b, at + HALF, high);
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < cols; j++) {
            sums[i][j] = R(add)(sums[i][j], high[i][j]);
        }
    }
}

/* rows x cols outputs, cols being 2 or 4; of the columns the first `there`. The others are the last
 * one again. */
static HONE__GEMM_INLINE void R(gemm_dot_tile)(const int rows, const int cols, int there, int64_t k,
                                               const REAL *a, int64_t a_rs, const REAL *b,
                                               int64_t b_rs, REAL *out, int64_t out_rs)
{
    enum { PAIRS = N_ACC / 2 };
    const REAL *column[4];
    HONE__GEMM_UNROLL
    for (int j = 0; j < cols; j++) {
        column[j] = b + (j < there ? j : there - 1) * b_rs;
    }
    R(gemm_dot_sums) sums[PAIRS];
    HONE__GEMM_UNROLL_2
    for (int v = 0; v < PAIRS; v++) {
        R(gemm_dot_pair)(rows, cols, v, k, a, a_rs, column, sums[v]);
    }
    HONE__GEMM_UNROLL_2
    for (int v = PAIRS - 1; v >= 1; v--) { /* by halves: the upper half is done with first */
        const int half = 1 << (31 - __builtin_clz((unsigned)v));
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            HONE__GEMM_UNROLL
            for (int j = 0; j < cols; j++) {
                sums[v - half][i][j] = R(add)(sums[v - half][i][j], sums[v][i][j]);
            }
        }
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        REAL some[4], *to = there == 4 ? out + i * out_rs : some;
        R(gemm_dot_fold_4)
        (sums[0][i][0], sums[0][i][1], sums[0][i][2 % cols], sums[0][i][3 % cols], to);
        for (int j = 0; there < 4 && j < there; j++) {
            out[i * out_rs + j] = some[j];
        }
    }
}

static HONE__GEMM_INLINE void R(gemm_dot_row)(const int rows, int64_t cols, int64_t k,
                                              const REAL *a, int64_t a_rs, const REAL *b,
                                              int64_t b_rs, REAL *out, int64_t out_rs)
{
    for (; cols > 2; cols -= 4, b += 4 * b_rs, out += 4) {
        R(gemm_dot_tile)(rows, 4, cols < 4 ? (int)cols : 4, k, a, a_rs, b, b_rs, out, out_rs);
    }
    if (cols > 0) {
        R(gemm_dot_tile)(rows, 2, (int)cols, k, a, a_rs, b, b_rs, out, out_rs);
    }
}

/* k is one vector of each lane: products that begin their chains and end them. Those of four columns of
 * b stay in registers, however many rows pass by. */
#if DOT_ROWS >= 3
static HONE__GEMM_INLINE void R(gemm_dot_once)(const int cols, int there, int rows, const REAL *a,
                                               int64_t a_rs, const REAL *b, int64_t b_rs, REAL *out,
                                               int64_t out_rs)
{
    VREAL bv[4][N_ACC];
    HONE__GEMM_UNROLL
    for (int j = 0; j < cols; j++) {
        const REAL *column = b + (j < there ? j : there - 1) * b_rs;
        HONE__GEMM_UNROLL
        for (int v = 0; v < N_ACC; v++) {
            bv[j][v] = R(load)(column + v * LANES);
            HONE__IN_REGISTER(bv[j][v]);
        }
    }
    for (; rows > 0; rows--, a += a_rs, out += out_rs) {
        VREAL av[N_ACC], sum[4];
        HONE__GEMM_UNROLL
        for (int v = 0; v < N_ACC; v++) {
            av[v] = R(load)(a + v * LANES);
            HONE__IN_REGISTER(av[v]);
        }
        HONE__GEMM_UNROLL
        for (int j = 0; j < cols; j++) {
            VREAL acc[N_ACC];
            HONE__GEMM_UNROLL
            for (int v = 0; v < N_ACC; v++) {
                acc[v] = R(mul)(av[v], bv[j][v]);
            }
            sum[j] = R(gemm_dot_fold_whole)(acc);
        }
        REAL some[4], *to = there == 4 ? out : some;
        R(gemm_dot_fold_4)(sum[0], sum[1], sum[2 % cols], sum[3 % cols], to);
        for (int j = 0; there < 4 && j < there; j++) {
            out[j] = some[j];
        }
    }
}
#endif

/* Rows by as even as can be: 4 are 2 and 2. Three at a time pay where there is a loop over k. */
static void R(gemm_dot)(int64_t k, int rows, int cols, const void *a, int64_t a_rs, const void *b,
                        int64_t b_rs, void *out, int64_t out_rs)
{
    const int most = DOT_ROWS > 2 && k <= VIRTUAL_LANES ? 2 : DOT_ROWS;
    const REAL *ap = a;
    REAL *to = out;
#if DOT_ROWS >= 3
    if (k == VIRTUAL_LANES && rows > 2) {
        const REAL *bp = b;
        for (; cols > 0; cols -= 4, bp += 4 * b_rs, to += 4) {
            R(gemm_dot_once)(4, cols < 4 ? cols : 4, rows, a, a_rs, bp, b_rs, to, out_rs);
        }
        return;
    }
#endif
    while (rows > 0) {
        const int now = rows <= most ? rows : rows < 2 * most ? (rows + 1) / 2 : most;
        switch (now) {
        case 1:
            R(gemm_dot_row)(1, cols, k, ap, a_rs, b, b_rs, to, out_rs);
            break;
#if DOT_ROWS >= 2
        case 2:
            R(gemm_dot_row)(2, cols, k, ap, a_rs, b, b_rs, to, out_rs);
            break;
#endif
#if DOT_ROWS >= 3
        case 3:
            R(gemm_dot_row)(3, cols, k, ap, a_rs, b, b_rs, to, out_rs);
            break;
#endif
        }
        ap += now * a_rs;
        to += now * out_rs;
        rows -= now;
    }
}

/* Rows of a beside one of b. */
static HONE__GEMM_INLINE void R(gemm_dot_tall)(const int rows, const int asks, int64_t k,
                                               const REAL *a, int64_t a_rs, const REAL *b,
                                               REAL *out)
{
    VREAL acc[DOT_TALL][N_ACC];
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        HONE__GEMM_UNROLL_64
        for (int v = 0; v < N_ACC; v++) {
            acc[i][v] = R(set)(-(REAL)0);
        }
    }
    const REAL *next = a;
    int64_t p = 0;
    for (; p + VIRTUAL_LANES <= k; p += VIRTUAL_LANES) {
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
            const VREAL bv = R(load)(b + p + v * LANES);
            HONE__GEMM_UNROLL
            for (int i = 0; i < rows; i++) {
                acc[i][v] = R(fma)(R(load)(a + i * a_rs + p + v * LANES), bv, acc[i][v]);
            }
        }
    }
    HONE__GEMM_UNROLL_64
    for (int v = 0; v < N_ACC; v++) {
        const int64_t at = p + v * LANES;
        if (at < k) {
            const VREAL bv = R(gemm_dot_rest_b)(b + at, k - at);
            HONE__GEMM_UNROLL
            for (int i = 0; i < rows; i++) {
                acc[i][v] = R(fma)(R(gemm_dot_rest_a)(a + i * a_rs + at, k - at), bv, acc[i][v]);
            }
        }
    }
    if (rows == 4) {
        R(gemm_dot_fold_4)
        (R(gemm_dot_fold_whole)(acc[0]), R(gemm_dot_fold_whole)(acc[1 % rows]),
         R(gemm_dot_fold_whole)(acc[2 % rows]), R(gemm_dot_fold_whole)(acc[3 % rows]), out);
        return;
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        out[i] = R(gemm_dot_fold_vector)(R(gemm_dot_fold_whole)(acc[i]));
    }
}

/* `dot_rows`: the beginnings of the next pages are asked for, or not. */
static HONE__GEMM_INLINE void R(gemm_dot_rows_by)(const int asks, int64_t k, int64_t rows,
                                                  const REAL *a, int64_t a_rs, const REAL *b,
                                                  REAL *out)
{
    int64_t i = 0;
    for (; i + DOT_TALL <= rows; i += DOT_TALL) {
        R(gemm_dot_tall)(DOT_TALL, asks, k, a + i * a_rs, a_rs, b, out + i);
    }
    for (; i < rows; i++) {
        R(gemm_dot_tall)(1, asks, k, a + i * a_rs, a_rs, b, out + i);
    }
}

static void R(gemm_dot_rows)(int64_t k, int64_t rows, const void *a, int64_t a_rs, const void *b,
                             void *out, hone__gemm_distance distance)
{
    if (k <= DOT_SHORT) {
        R(gemm_dot_row)(1, rows, k, b, 0, a, a_rs, out, 0);
    } else if (distance == HONE__GEMM_L2) {
        R(gemm_dot_rows_by)(0, k, rows, a, a_rs, b, out);
    } else {
        R(gemm_dot_rows_by)(1, k, rows, a, a_rs, b, out);
    }
}

#undef DOT_ROWS
#undef DOT_FOLD_4
#undef DOT_SHORT
#undef DOT_TALL
