/* gemm_tile.h: body of a micro-kernel (contract: gemm_kernels.h), written for f32 and f64
 * (real_begin.h). Every tile size is instantiated with constant counts of rows and vectors, so that
 * the accumulators live in registers. A kernel file defines, before it includes this fragment:
 *
 *   TILE_NAME        the function's name
 *   TILE_VECTORS     vectors a row of the widest tile
 *   TILE_ROWS(nv)    rows of the tallest tile that is nv vectors wide, at most 16
 *   TILE_TAIL(p, n)  if tails of B are read in place: loads n <= LANES elements, as fast as a full
 *                    load
 *   TILE_HALF_FMA(a, b, acc), TILE_HALF_TAIL(p, n), TILE_HALF_SET(x)
 *                    if a tail of at most LANES / 2 elements is multiplied and loaded in a shorter
 *                    vector, the rest of acc being of no interest: half the arithmetic on machines
 *                    that do a long vector in two steps
 *   TILE_LANES(nv, t, acc)
 *                    if it has a better loop over k for tiles of full height whose rows of A are
 *                    neighbours
 *   TILE_WHOLE       if it has tall tiles of whole vectors in assembly: the header with whole(t),
 *                    which does the tile or returns false
 *   TURN, TURN_BACK, TURN_K, TURN_COLUMNS
 *                    if it has a turning tile (gemm_turn.h)
 *   SMALL_TAIL       if it has a function for whole small products (gemm_small.h) */

#define TILE_FN_(name, part)  name##_##part
#define TILE_FN__(name, part) TILE_FN_(name, part)
#define TILE_FN(part)         TILE_FN__(TILE_NAME, part)
#define TILE_MAX_ROWS         16

typedef VREAL TILE_FN(acc)[TILE_MAX_ROWS][HONE__GEMM_MAX_VECTORS];

#ifndef TILE_TAIL
#define TILE_TAIL(p, last) ((void)(last), R(load)(p))
#endif

#ifdef TILE_HALF_FMA
#define TILE_HALVES 1
#else
#define TILE_HALVES              0
#define TILE_HALF_FMA(a, b, acc) R(fma)(a, b, acc)
#define TILE_HALF_TAIL(p, last)  TILE_TAIL(p, last)
#define TILE_HALF_SET(x)         R(set)(x)
#endif

/* Columns of the last of nv vectors. */
static HONE__GEMM_INLINE int TILE_FN(last)(int nv, const hone__gemm_tile *t)
{
    return t->nr - (nv - 1) * LANES;
}

static HONE__GEMM_INLINE VREAL TILE_FN(load)(const REAL *p, int n)
{
    return n == LANES ? R(load)(p) : R(load_n)(p, n, R(set)(0));
}

static HONE__GEMM_INLINE void TILE_FN(start)(const int mr, const int nv, const hone__gemm_tile *t,
                                             TILE_FN(acc) acc)
{
    const REAL *c = t->c;
    const int last = TILE_FN(last)(nv, t);
    HONE__GEMM_UNROLL
    for (int i = 0; i < mr; i++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            if (!t->resume) {
                acc[i][j] = R(set)(0);
            } else {
                const REAL *p = c + i * t->c_rs + j * LANES;
                acc[i][j] = j == nv - 1 ? TILE_FN(load)(p, last) : R(load)(p);
            }
        }
    }
}

/* The rest of an errand (gemm_kernels.h). */
typedef struct {
    int64_t rows;
    const REAL *from;
    REAL *to;
} TILE_FN(errand);

/* A row of it. What is copied was asked for four rows before: as far as a miss takes. */
static HONE__GEMM_INLINE void TILE_FN(step)(const int nv, int64_t rs, int64_t to_rs,
                                            TILE_FN(errand) * e)
{
    enum { AHEAD = 4, LINE = 64 / (int)sizeof(REAL) };
    if (e->to) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv * LANES; j += LINE) {
            __builtin_prefetch(e->from + AHEAD * rs + j, 0, 3);
        }
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            R(store)(e->to + j * LANES, R(load)(e->from + j * LANES));
        }
        e->to += to_rs;
    } else {
        HONE__GEMM_UNROLL
        for (int j = 0; j <= nv * LANES; j += LINE) {
            __builtin_prefetch(e->from + j, 0, 2);
        }
    }
    e->from += rs;
    e->rows--;
}

static HONE__GEMM_INLINE void TILE_FN(multiply)(const int mr, const int nv, const int half,
                                                const hone__gemm_tile *t, TILE_FN(acc) acc)
{
    TILE_FN(errand) errand = { t->errand.rows, t->errand.from, t->errand.to };
#ifdef TILE_LANES
    if (mr == TILE_ROWS(nv) && t->a_rs == 1) {
        while (errand.rows > 0) {
            TILE_FN(step)(nv, t->errand.rs, t->errand.to_rs, &errand);
        }
        TILE_LANES(nv, t, acc);
        return;
    }
#endif
    const int64_t rs = t->a_rs, cs = t->a_cs, bs = t->b_rs;
    const REAL *a[(TILE_MAX_ROWS + 3) /
                  4]; /* of every fourth row: the three between fit an address's index */
    const REAL *b = t->b;
    const int last = TILE_FN(last)(nv, t);
    HONE__GEMM_UNROLL
    for (int i = 0; i < (mr + 3) / 4; i++) {
        a[i] = (const REAL *)t->a + 4 * i * rs;
    }
    for (int64_t left = t->k; left > 0; left -= 8) {
        if (errand.rows > 0) {
            TILE_FN(step)(nv, t->errand.rs, t->errand.to_rs, &errand);
        }
        HONE__GEMM_UNROLL_2
        for (int64_t p = left < 8 ? left : 8; p > 0; p--) {
            VREAL bv[HONE__GEMM_MAX_VECTORS];
            HONE__GEMM_UNROLL
            for (int j = 0; j < nv; j++) {
                bv[j] = j < nv - 1 ? R(load)(b + j * LANES)
                        : half     ? TILE_HALF_TAIL(b + j * LANES, last)
                                   : TILE_TAIL(b + j * LANES, last);
            }
            HONE__GEMM_UNROLL
            for (int i = 0; i < mr; i++) {
                const REAL x = a[i / 4][(i % 4) * rs];
                const VREAL av = half && nv == 1 ? TILE_HALF_SET(x) : R(set)(x);
                HONE__GEMM_UNROLL
                for (int j = 0; j < nv; j++) {
                    acc[i][j] = half && j == nv - 1 ? TILE_HALF_FMA(av, bv[j], acc[i][j])
                                                    : R(fma)(av, bv[j], acc[i][j]);
                }
            }
            HONE__GEMM_UNROLL
            for (int i = 0; i < (mr + 3) / 4; i++) {
                a[i] += cs;
            }
            b += bs;
        }
    }
}

/* Bias of the n columns from `bias` on, n <= LANES, cs apart. */
static HONE__GEMM_NOINLINE VREAL TILE_FN(bias_strided)(const REAL *bias, int64_t cs, int n)
{
    REAL values[LANES] = { 0 };
    for (int j = 0; j < n; j++) {
        values[j] = bias[j * cs];
    }
    return R(load)(values);
}

static HONE__GEMM_INLINE void TILE_FN(add_bias)(const int mr, const int nv,
                                                const hone__gemm_tile *t, TILE_FN(acc) acc)
{
    const REAL *bias = t->bias;
    const int64_t rs = t->finish->bias_rs, cs = t->finish->bias_cs;
    if (rs != 0) {
        HONE__GEMM_UNROLL
        for (int i = 0; i < mr; i++) {
            const VREAL v = R(set)(bias[i * rs]);
            HONE__GEMM_UNROLL
            for (int j = 0; j < nv; j++) {
                acc[i][j] = R(add)(acc[i][j], v);
            }
        }
        return;
    }
    HONE__GEMM_UNROLL
    for (int j = 0; j < nv; j++) {
        const int n = j == nv - 1 ? TILE_FN(last)(nv, t) : LANES;
        const REAL *p = bias + j * LANES * cs;
        const VREAL v = cs == 1 ? TILE_FN(load)(p, n) : TILE_FN(bias_strided)(p, cs, n);
        HONE__GEMM_UNROLL
        for (int i = 0; i < mr; i++) {
            acc[i][j] = R(add)(acc[i][j], v);
        }
    }
}

/* Everything after the last k (hone__gemm_epilogue says in which order). */
static HONE__GEMM_INLINE void TILE_FN(finish)(const int mr, const int nv, const hone__gemm_tile *t,
                                              TILE_FN(acc) acc)
{
    const hone__gemm_epilogue *e = t->finish;
    const VREAL alpha = R(set)((REAL)e->alpha);
    const int last = TILE_FN(last)(nv, t);
    HONE__GEMM_UNROLL
    for (int i = 0; i < mr; i++) {
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            acc[i][j] = R(mul)(alpha, acc[i][j]);
        }
    }
    if (e->accumulate) {
        HONE__GEMM_UNROLL
        for (int i = 0; i < mr; i++) {
            const REAL *c = (const REAL *)t->c + i * t->c_rs;
            HONE__GEMM_UNROLL
            for (int j = 0; j < nv; j++) {
                const VREAL old =
                    j == nv - 1 ? TILE_FN(load)(c + j * LANES, last) : R(load)(c + j * LANES);
                acc[i][j] = R(add)(old, acc[i][j]);
            }
        }
    }
    if (t->bias) {
        TILE_FN(add_bias)(mr, nv, t, acc);
    }
    if (e->relu) {
        HONE__GEMM_UNROLL
        for (int i = 0; i < mr; i++) {
            HONE__GEMM_UNROLL
            for (int j = 0; j < nv; j++) {
                acc[i][j] = R(max)(R(set)(0), acc[i][j]);
            }
        }
    }
}

static HONE__GEMM_INLINE void TILE_FN(store)(const int mr, const int nv, const hone__gemm_tile *t,
                                             TILE_FN(acc) acc)
{
    const int last = TILE_FN(last)(nv, t);
    HONE__GEMM_UNROLL
    for (int i = 0; i < mr; i++) {
        REAL *c = (REAL *)t->c + i * t->c_rs;
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv - 1; j++) {
            R(store)(c + j * LANES, acc[i][j]);
        }
        if (last == LANES) {
            R(store)(c + (nv - 1) * LANES, acc[i][nv - 1]);
        } else {
            R(store_n)(c + (nv - 1) * LANES, acc[i][nv - 1], last);
        }
    }
}

static HONE__GEMM_INLINE void TILE_FN(one)(const int mr, const int nv, const hone__gemm_tile *t)
{
    TILE_FN(acc) acc;
    TILE_FN(start)(mr, nv, t, acc);
    if (TILE_HALVES && TILE_FN(last)(nv, t) <= LANES / 2) {
        TILE_FN(multiply)(mr, nv, 1, t, acc);
    } else {
        TILE_FN(multiply)(mr, nv, 0, t, acc);
    }
    if (t->finish) {
        TILE_FN(finish)(mr, nv, t, acc);
    }
    TILE_FN(store)(mr, nv, t, acc);
}

/* Heights that this width does not have fold away. */
static HONE__GEMM_INLINE void TILE_FN(rows)(const int nv, const hone__gemm_tile *t)
{
    const int most = TILE_ROWS(nv);
#define TILE_CASE(height)                                                                          \
    case height:                                                                                   \
        if (height <= most) {                                                                      \
            TILE_FN(one)(height, nv, t);                                                           \
        }                                                                                          \
        break
    switch (t->mr) {
        TILE_CASE(1);
        TILE_CASE(2);
        TILE_CASE(3);
        TILE_CASE(4);
        TILE_CASE(5);
        TILE_CASE(6);
        TILE_CASE(7);
        TILE_CASE(8);
        TILE_CASE(9);
        TILE_CASE(10);
        TILE_CASE(11);
        TILE_CASE(12);
        TILE_CASE(13);
        TILE_CASE(14);
        TILE_CASE(15);
        TILE_CASE(16);
    }
#undef TILE_CASE
}

static HONE__GEMM_NOINLINE void TILE_FN(1)(const hone__gemm_tile *t)
{
    TILE_FN(rows)(1, t);
}

#if TILE_VECTORS >= 2
static HONE__GEMM_NOINLINE void TILE_FN(2)(const hone__gemm_tile *t)
{
    TILE_FN(rows)(2, t);
}
#endif

#if TILE_VECTORS >= 3
static HONE__GEMM_NOINLINE void TILE_FN(3)(const hone__gemm_tile *t)
{
    TILE_FN(rows)(3, t);
}
#endif

#if TILE_VECTORS >= 4
static HONE__GEMM_NOINLINE void TILE_FN(4)(const hone__gemm_tile *t)
{
    TILE_FN(rows)(4, t);
}
#endif

#ifdef TILE_WHOLE
#include TILE_WHOLE
#endif

static void TILE_NAME(const hone__gemm_tile *t)
{
#ifdef TILE_WHOLE
    if (TILE_FN(whole)(t)) {
        return;
    }
#endif
    switch ((t->nr + LANES - 1) / LANES) {
    case 1:
        TILE_FN(1)(t);
        break;
#if TILE_VECTORS >= 2
    case 2:
        TILE_FN(2)(t);
        break;
#endif
#if TILE_VECTORS >= 3
    case 3:
        TILE_FN(3)(t);
        break;
#endif
#if TILE_VECTORS >= 4
    case 4:
        TILE_FN(4)(t);
        break;
#endif
    }
}

#ifdef TURN
#include "gemm/gemm_turn.h"
#endif

#ifdef SMALL_TAIL
#include "gemm/gemm_small.h"
#endif

#undef TILE_FN
#undef TILE_FN_
#undef TILE_FN__
#undef TILE_MAX_ROWS
#undef TILE_NAME
#undef TILE_ROWS
#undef TILE_VECTORS
#undef TILE_TAIL
#undef TILE_HALVES
#undef TILE_HALF_FMA
#undef TILE_HALF_TAIL
#undef TILE_HALF_SET
#undef TILE_LANES
#undef TILE_WHOLE
