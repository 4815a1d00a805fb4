/* gemm_few_wide.h: columns of B turned as many at a time as the widest vector has lanes, for
 * gemm_few.h where FEW_WIDE_TURN and FEW_WIDE_LINE are (fragment):
 *
 *   FEW_WIDE_TURN(x, bs, n, v)  TURN of gemm_turn.h, TURN_K elements
 *   FEW_WIDE_LINE(x, bs, v)     the same of a whole line of each column, a column's at once
 *
 * Three rows and more have work enough for what the wider vectors' turning takes, which hides behind
 * it; so there are as many rows as there are registers for. Of columns that share lines of L1, each
 * line is read once: a half of them would have left before a second time. L2 gives these one by one:
 * where there are more rows than registers, or too few columns to copy A for, they are turned to L1
 * first, by eight columns. An L1 of 12 ways gives the lines of 16 columns in 1.1 cycles each (Emerald
 * Rapids): there even a single row is turned by lines, and A's rows are read where they lie; and
 * columns from L3 or memory are read by lines, too, which are asked for in time. */

enum {
    R(gemm_few_lines) = LANES * (int)sizeof(REAL) / 16,
    R(gemm_few_turned) = 16 / (int)sizeof(REAL),
    R(gemm_few_tall) = 14,       /* rows at once */
    R(gemm_few_pass) = 10,       /* ... of an A whose rows share lines, too */
    R(gemm_few_lined) = 10,      /* ... where it lies, beside columns read by lines */
    R(gemm_few_ahead) = 16,      /* lines of each column that are asked for */
    R(gemm_few_lined_ways) = 12, /* ... of an L1 that holds the lines of LANES columns */
    R(gemm_few_held) = 128       /* k turned to L1 at once */
};

typedef struct {
    REAL *x[R(gemm_few_lines)];
} R(gemm_few_wide_rows);

/* A from some k on: a pointer to every fourth row where it lies, or one to all of a k. */
typedef struct {
    const REAL *x[4];
    int64_t rs, third; /* from a row to the next, and to that of three more */
} R(gemm_few_wide_a);

static HONE__GEMM_INLINE R(gemm_few_wide_a) R(gemm_few_a_at)(const REAL *a, int64_t rs)
{
    return (R(gemm_few_wide_a)){ { a, a + 4 * rs, a + 8 * rs, a + 12 * rs }, rs, 3 * rs };
}

/* The turned vectors of n k. */
static HONE__GEMM_INLINE void R(gemm_few_wide_add)(const int rows, const int copied, const int n,
                                                   R(gemm_few_wide_a) * a, const VREAL *v,
                                                   VREAL *acc)
{
    const int pointers = copied ? 1 : (rows + 3) / 4;
    HONE__GEMM_UNROLL
    for (int g = 0; g < pointers; g++) {
        HONE__GEMM_OPAQUE(a->x[g]);
    }
    HONE__GEMM_UNROLL
    for (int q = 0; q < n; q++) {
        if (!copied) { /* a compiler would keep an address for each k of a row */
            HONE__GEMM_OPAQUE(a->rs);
            HONE__GEMM_OPAQUE(a->third);
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            const int64_t row = i % 4 == 3 ? a->third : i % 4 * a->rs;
            const REAL x = copied ? a->x[0][q * rows + i] : (a->x[i / 4] + row)[q];
            acc[i] = R(fma)(R(set)(x), v[q], acc[i]);
        }
    }
    HONE__GEMM_UNROLL
    for (int g = 0; g < pointers; g++) {
        a->x[g] += copied ? n * rows : n;
    }
}

static HONE__GEMM_INLINE void R(gemm_few_wide_move)(R(gemm_few_wide_rows) * b, int n)
{
    HONE__GEMM_UNROLL
    for (int l = 0; l < R(gemm_few_lines); l++) {
        b->x[l] += n;
        HONE__GEMM_OPAQUE(b->x[l]);
    }
}

static HONE__GEMM_INLINE void R(gemm_few_wide_begin)(const int rows, bool resume, const REAL *c,
                                                     int64_t c_rs, VREAL *acc)
{
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        acc[i] = resume ? R(load)(c + i * c_rs) : R(set)(0);
    }
}

static HONE__GEMM_INLINE void R(gemm_few_wide_end)(const int rows, REAL *c, int64_t c_rs,
                                                   const VREAL *acc)
{
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        R(store)(c + i * c_rs, acc[i]);
    }
}

static HONE__GEMM_INLINE bool R(gemm_few_many_ways)(void)
{
    return hone__gemm_l1_ways >= R(gemm_few_lined_ways);
}

/* Asks for a line of each of LANES columns. */
static HONE__GEMM_INLINE void R(gemm_few_wide_ask)(const REAL *b, int64_t bs)
{
    HONE__GEMM_UNROLL
    for (int l = 0; l < LANES; l++) {
        __builtin_prefetch(b, 0, 2);
        b += bs;
        HONE__GEMM_OPAQUE(b);
    }
}

/* The first k of LANES columns, then what is left of k one at a time. */
static HONE__GEMM_INLINE void R(gemm_few_wide_columns)(const int rows, const int copied,
                                                       const R(gemm_few_job) * job, int64_t j)
{
    VREAL acc[R(gemm_few_tall)];
    R(gemm_few_wide_begin)(rows, job->resume, job->c + j, job->c_rs, acc);
    const int64_t bs = job->b_cs;
    R(gemm_few_wide_a) a = R(gemm_few_a_at)(job->a, job->a_rs);
    R(gemm_few_wide_rows) b;
    HONE__GEMM_UNROLL
    for (int l = 0; l < R(gemm_few_lines); l++) {
        b.x[l] = (REAL *)job->b + (j + l * (LANES / R(gemm_few_lines))) * bs;
    }
    int64_t left = job->k;
    const bool far = !copied && rows <= HONE__GEMM_FEW_ROWS && job->distance != HONE__GEMM_L2 &&
                     R(gemm_few_many_ways)();
    const bool by_lines = far || ((copied || rows <= R(gemm_few_lined)) && R(gemm_few_share)(bs));
    int64_t own = job->k / R(gemm_few_line) - R(gemm_few_ahead);
    const REAL *const next = job->b + (j + LANES) * bs;
    const REAL *ask = own > 0 ? next - LANES * bs + R(gemm_few_ahead) * R(gemm_few_line) : next;
    for (; by_lines && left >= R(gemm_few_line); left -= R(gemm_few_line)) {
        if (far) {
            R(gemm_few_wide_ask)(ask, bs);
            ask = --own == 0 ? next : ask + R(gemm_few_line);
        }
        VREAL v[R(gemm_few_line)];
        FEW_WIDE_LINE(b.x, bs, v);
        R(gemm_few_wide_move)(&b, R(gemm_few_line));
        R(gemm_few_wide_add)(rows, copied, R(gemm_few_line), &a, v, acc);
    }
    for (; left >= R(gemm_few_turned); left -= R(gemm_few_turned)) {
        VREAL v[R(gemm_few_turned)];
        FEW_WIDE_TURN(b.x, bs, R(gemm_few_turned), v);
        R(gemm_few_wide_move)(&b, R(gemm_few_turned));
        R(gemm_few_wide_add)(rows, copied, R(gemm_few_turned), &a, v, acc);
    }
    for (; left > 0; left--) {
        REAL turned[LANES];
        const REAL *from = job->b + j * bs + job->k - left;
        for (int l = 0; l < LANES; l++) {
            turned[l] = from[l * bs];
        }
        const VREAL v = R(load)(turned);
        R(gemm_few_wide_add)(rows, copied, 1, &a, &v, acc);
    }
    R(gemm_few_wide_end)(rows, job->c + j, job->c_rs, acc);
}

/* k of LANES columns that were turned before. */
static HONE__GEMM_INLINE void R(gemm_few_wide_pass)(const int rows, const R(gemm_few_job) * job,
                                                    const REAL *turned)
{
    VREAL acc[R(gemm_few_tall)], v[4];
    R(gemm_few_wide_begin)(rows, job->resume, job->c, job->c_rs, acc);
    R(gemm_few_wide_a) a = R(gemm_few_a_at)(job->a, job->a_rs);
    int64_t left = job->k;
    for (; left >= 4; left -= 4, turned += 4 * LANES) {
        HONE__GEMM_UNROLL
        for (int q = 0; q < 4; q++) {
            v[q] = R(load)(turned + q * LANES);
        }
        R(gemm_few_wide_add)(rows, 0, 4, &a, v, acc);
    }
    for (; left > 0; left--, turned += LANES) {
        v[0] = R(load)(turned);
        R(gemm_few_wide_add)(rows, 0, 1, &a, v, acc);
    }
    R(gemm_few_wide_end)(rows, job->c, job->c_rs, acc);
}

#define FEW_1_TO_10(each)                                                                          \
    each(1) each(2) each(3) each(4) each(5) each(6) each(7) each(8) each(9) each(10)
#define FEW_1_TO_14(each) FEW_1_TO_10(each) each(11) each(12) each(13) each(14)

/* Whole vectors of columns. */
#define FEW_COLUMNS(rows)                                                                          \
    case rows:                                                                                     \
        for (int64_t j = 0; j + LANES <= job->n; j += LANES) {                                     \
            R(gemm_few_wide_columns)(rows, FEW_COPIED, job, j);                                    \
        }                                                                                          \
        break;
#define FEW_COPIED 1
static void R(gemm_few_wide_copied)(int rows, const R(gemm_few_job) * job, bool far)
{
    (void)far; /* it never is */
    switch (rows) {
        FEW_1_TO_14(FEW_COLUMNS)
    }
}
#undef FEW_COPIED

#define FEW_COPIED 0
static void R(gemm_few_wide_in_place)(int rows, const R(gemm_few_job) * job)
{
    switch (rows) {
        FEW_1_TO_14(FEW_COLUMNS)
    }
}
#undef FEW_COPIED
#undef FEW_COLUMNS

/* The same by way of L1, each column turned once. */
static void R(gemm_few_wide_held)(int rows, const R(gemm_few_job) * job)
{
    _Alignas(64) REAL turned[R(gemm_few_held) * LANES];
    const int parts = (rows + R(gemm_few_pass) - 1) / R(gemm_few_pass);
    for (int64_t j = 0; j + LANES <= job->n; j += LANES) {
        for (int64_t p = 0; p < job->k; p += R(gemm_few_held)) {
            R(gemm_few_job) part = *job;
            part.k = job->k - p < R(gemm_few_held) ? job->k - p : R(gemm_few_held);
            part.a += p;
            part.c += j;
            part.resume = job->resume || p > 0;
            R(gemm_transpose)(part.k, LANES, turned, LANES, job->b + j * job->b_cs + p, job->b_cs);
            for (int i = 0; i < parts; i++) {
                const int now = rows / parts + (i < rows % parts);
#define FEW_PASS(rows)                                                                             \
    case rows:                                                                                     \
        R(gemm_few_wide_pass)(rows, &part, turned);                                                \
        break;
                switch (now) {
                    FEW_1_TO_10(FEW_PASS)
                }
#undef FEW_PASS
                part.a += now * job->a_rs;
                part.c += now * job->c_rs;
            }
        }
    }
}

#undef FEW_1_TO_14
#undef FEW_1_TO_10

/* An A that lies along k, where it lies: parts of its rows in turn. */
static void R(gemm_few_wide_from)(int rows, const R(gemm_few_job) * job)
{
    if (rows <= R(gemm_few_tall)) {
        R(gemm_few_wide_in_place)(rows, job);
        return;
    }
    const int parts = (rows + R(gemm_few_tall) - 1) / R(gemm_few_tall);
    R(gemm_few_job) part = *job;
    for (int i = 0; i < parts; i++) {
        const int now = rows / parts + (i < rows % parts);
        R(gemm_few_wide_in_place)(now, &part);
        part.a += now * job->a_rs;
        part.c += now * job->c_rs;
    }
}

/* Whole vectors of columns. */
static void R(gemm_few_wide_run)(int rows, const R(gemm_few_job) * job, bool share, bool lined,
                                 bool held)
{
    if (job->a_cs == 1 && (!share || (lined && rows <= R(gemm_few_lined)))) {
        R(gemm_few_wide_from)(rows, job);
    } else if (job->a_cs == 1 && held) {
        R(gemm_few_wide_held)(rows, job);
    } else {
        R(gemm_few_parts)(rows, R(gemm_few_tall), job, R(gemm_few_wide_copied), false, false);
    }
}

/* How many of the first columns are done: none where narrower vectors are faster. What is left of a
 * vector is done with some that is done already, unless its sums begin with what C holds. */
static int64_t R(gemm_few_wide)(int rows, const R(gemm_few_job) * job)
{
    enum {
        LEAST = 3,
        LEAST_SHARED = 4, /* of columns that share lines */
        LEAST_HELD = 4,
        LEAST_FAR = 3,    /* from memory, where pairs of narrower vectors are asked for, too */
        SIDE_BY_SIDE = 32 /* columns that fewer rows take at once */
    };
    const bool narrow = job->n < SIDE_BY_SIDE, share = R(gemm_few_share)(job->b_cs);
    const bool lined = share && R(gemm_few_many_ways)();
    const bool held = rows > R(gemm_few_tall) || (narrow && rows >= LEAST_HELD);
    const int least = lined                                 ? 1
                      : narrow && (share || job->a_cs == 1) ? 1
                      : share                               ? LEAST_SHARED
                                                            : LEAST;
    if (job->n < LANES || rows < least) {
        return 0;
    }
    if (job->distance == HONE__GEMM_MEMORY && (rows < LEAST_FAR || rows > HONE__GEMM_FEW_ROWS ||
                                               job->a_cs != 1 || !R(gemm_few_many_ways)())) {
        return 0;
    }
    R(gemm_few_wide_run)(rows, job, share, lined, held);
    const int64_t whole = job->n & -LANES;
    if (whole == job->n || job->resume) {
        return whole;
    }
    R(gemm_few_job) last = *job;
    last.n = LANES;
    last.b += (job->n - LANES) * job->b_cs;
    last.c += job->n - LANES;
    R(gemm_few_wide_run)(rows, &last, share, lined, held);
    return job->n;
}
