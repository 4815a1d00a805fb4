/* gemm_turn.h: body of `turning_tile` (contract: gemm_kernels.h), for f32 and f64 (real_begin.h):
 * a tile as tall as a vector, whose vectors run along m. TURN_K elements of LANES rows of A become
 * TURN_K vectors in registers and are multiplied at once, without a store between; the machine
 * turns the next ones while it multiplies. Part of gemm_tile.h where the kernel's file defines
 *
 *   TURN_COLUMNS          columns of the widest such tile, at most 14
 *   TURN_K                how many k are turned at a time
 *   TURN(x, rs, n, out)   out[q][lane] = x[lane * rs + q] for q < n <= TURN_K, in rows of n
 *   TURN_LINE(x, rs, out)  if it has it: the same of a whole line of each row, a row's at once
 *   TURN_BACK(x, rs, n, from)  the reverse: x[lane * rs + q] = from[q][lane]
 *
 * where x is a pointer for every 16 bytes of lanes: to the first of their rows. (fragment) */

enum { TILE_FN(lines) = LANES * (int)sizeof(REAL) / 16, TILE_FN(line_k) = 64 / (int)sizeof(REAL) };

typedef struct {
    REAL *x[TILE_FN(lines)];
} TILE_FN(rows16);

static HONE__GEMM_INLINE TILE_FN(rows16) TILE_FN(rows_of)(const void *x, int64_t rs)
{
    TILE_FN(rows16) rows;
    HONE__GEMM_UNROLL
    for (int l = 0; l < TILE_FN(lines); l++) {
        rows.x[l] = (REAL *)x + l * (LANES / TILE_FN(lines)) * rs;
    }
    return rows;
}

/* n <= TURN_K steps of k. Left to itself, a compiler would keep TURN_K rows of addresses. */
static HONE__GEMM_INLINE void TILE_FN(turn_step)(const int nr, const int n, TILE_FN(rows16) * a,
                                                 int64_t a_rs, const REAL **b, int64_t b_rs,
                                                 VREAL *acc)
{
    VREAL av[TURN_K];
    TURN(a->x, a_rs, n, av);
    HONE__GEMM_UNROLL
    for (int l = 0; l < TILE_FN(lines); l++) {
        a->x[l] += n;
        HONE__GEMM_OPAQUE(a->x[l]);
    }
    HONE__GEMM_UNROLL
    for (int q = 0; q < n; q++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nr; j++) {
            acc[j] = R(fma)(av[q], R(set)((*b)[j]), acc[j]);
        }
        *b += b_rs;
        HONE__GEMM_OPAQUE(*b);
    }
}

#ifdef TURN_LINE
/* A line of k where rows share lines of L1: half of them would have left it before a second look. */
static HONE__GEMM_INLINE void TILE_FN(turn_line)(const int nr, TILE_FN(rows16) * a, int64_t a_rs,
                                                 const REAL **b, int64_t b_rs, VREAL *acc)
{
    VREAL av[TILE_FN(line_k)];
    TURN_LINE(a->x, a_rs, av);
    HONE__GEMM_UNROLL
    for (int l = 0; l < TILE_FN(lines); l++) {
        a->x[l] += TILE_FN(line_k);
        HONE__GEMM_OPAQUE(a->x[l]);
    }
    HONE__GEMM_UNROLL
    for (int q = 0; q < TILE_FN(line_k); q++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nr; j++) {
            acc[j] = R(fma)(av[q], R(set)((*b)[j]), acc[j]);
        }
        *b += b_rs;
        HONE__GEMM_OPAQUE(*b);
    }
}
#endif

/* C + acc, for any number of columns. */
static HONE__GEMM_NOINLINE void TILE_FN(turn_accumulate)(int nr, const hone__gemm_tile *t,
                                                         VREAL *acc)
{
    TILE_FN(rows16) c = TILE_FN(rows_of)(t->c, t->c_rs);
    for (int j = 0; j < nr; j += TURN_K) {
        const int n = nr - j < TURN_K ? nr - j : TURN_K;
        VREAL old[TURN_K];
        HONE__GEMM_UNROLL
        for (int these = 1; these <= TURN_K; these++) {
            if (n == these) {
                TURN(c.x, t->c_rs, these, old);
            }
        }
        for (int q = 0; q < n; q++) {
            acc[j + q] = R(add)(old[q], acc[j + q]);
        }
        HONE__GEMM_UNROLL
        for (int l = 0; l < TILE_FN(lines); l++) {
            c.x[l] += n;
        }
    }
}

/* Everything after the last k (hone__gemm_epilogue says in which order). */
static HONE__GEMM_INLINE void TILE_FN(turn_finish)(const int nr, const hone__gemm_tile *t,
                                                   VREAL *acc)
{
    const hone__gemm_epilogue *e = t->finish;
    const VREAL alpha = R(set)((REAL)e->alpha);
    const REAL *bias = t->bias;
    HONE__GEMM_UNROLL
    for (int j = 0; j < nr; j++) {
        acc[j] = R(mul)(alpha, acc[j]);
    }
    if (e->accumulate) {
        VREAL held[TURN_COLUMNS]; /* so that acc needn't lie in memory */
        HONE__GEMM_UNROLL
        for (int j = 0; j < nr; j++) {
            held[j] = acc[j];
        }
        TILE_FN(turn_accumulate)(nr, t, held);
        HONE__GEMM_UNROLL
        for (int j = 0; j < nr; j++) {
            acc[j] = held[j];
        }
    }
    if (bias && e->bias_rs != 0) {
        const VREAL v = TILE_FN(bias_strided)(bias, e->bias_rs, LANES);
        HONE__GEMM_UNROLL
        for (int j = 0; j < nr; j++) {
            acc[j] = R(add)(acc[j], v);
        }
    } else if (bias) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nr; j++) {
            acc[j] = R(add)(acc[j], R(set)(bias[j * e->bias_cs]));
        }
    }
    if (e->relu) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nr; j++) {
            acc[j] = R(max)(R(set)(0), acc[j]);
        }
    }
}

static HONE__GEMM_INLINE void TILE_FN(turn)(const int nr, const hone__gemm_tile *t)
{
    VREAL acc[TURN_COLUMNS];
    HONE__GEMM_UNROLL
    for (int j = 0; j < nr; j++) {
        acc[j] = R(set)(0);
    }
    TILE_FN(rows16) a = TILE_FN(rows_of)(t->a, t->a_rs);
    const REAL *b = t->b;
    const int64_t a_rs = t->a_rs, b_rs = t->b_rs;
    int64_t left = t->k;
#ifdef TURN_LINE
    const bool by_lines = hone__gemm_share_lines(a_rs * (int64_t)sizeof(REAL));
    for (; by_lines && left >= TILE_FN(line_k); left -= TILE_FN(line_k)) {
        TILE_FN(turn_line)(nr, &a, a_rs, &b, b_rs, acc);
    }
#endif
    for (; left >= TURN_K; left -= TURN_K) {
        TILE_FN(turn_step)(nr, TURN_K, &a, a_rs, &b, b_rs, acc);
    }
    HONE__GEMM_UNROLL
    for (int n = 1; n < TURN_K; n++) {
        if (left == n) {
            TILE_FN(turn_step)(nr, n, &a, a_rs, &b, b_rs, acc);
        }
    }
    if (t->finish) {
        TILE_FN(turn_finish)(nr, t, acc);
    }
    TILE_FN(rows16) c = TILE_FN(rows_of)(t->c, t->c_rs);
    HONE__GEMM_UNROLL
    for (int j = 0; j < nr; j += TURN_K) {
        const int n = nr - j < TURN_K ? nr - j : TURN_K;
        TURN_BACK(c.x, t->c_rs, n, acc + j);
        HONE__GEMM_UNROLL
        for (int l = 0; l < TILE_FN(lines); l++) {
            c.x[l] += n;
        }
    }
}

static void TILE_FN(turning)(const hone__gemm_tile *t)
{
#define TURN_CASE(width)                                                                           \
    case width:                                                                                    \
        if (width <= TURN_COLUMNS) {                                                               \
            TILE_FN(turn)(width, t);                                                               \
        }                                                                                          \
        break
    switch (t->nr) {
        TURN_CASE(1);
        TURN_CASE(2);
        TURN_CASE(3);
        TURN_CASE(4);
        TURN_CASE(5);
        TURN_CASE(6);
        TURN_CASE(7);
        TURN_CASE(8);
        TURN_CASE(9);
        TURN_CASE(10);
        TURN_CASE(11);
        TURN_CASE(12);
        TURN_CASE(13);
        TURN_CASE(14);
    }
#undef TURN_CASE
}

#undef TURN_COLUMNS
#undef TURN_K
#undef TURN
#undef TURN_BACK
#undef TURN_LINE
