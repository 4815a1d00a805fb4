/* gemm_few.h: body of `few` (contract: gemm_kernels.h), written for f32 and f64 (real_begin.h):
 * columns of B are turned in registers, and each turned vector is one step of a chain an output.
 * The ISA's file gives
 *
 *   FEW_TURN(x, bs, there, v)  v[q] = element q of FEW_LANES columns, x[column * bs + q], for q <
 *                              FEW_STEP, a power of two; the last of `there` columns stands for
 *                              those that are not
 *   FEW_LANES, FEW_VECTOR, FEW(name)  its vectors, if they aren't the widest: turning is bound by
 *                              the shuffles, of which there are as many
 *   FEW_KEPT                   with them: rows of A whose elements stay in registers meanwhile
 *   FEW_WIDE_TURN, FEW_WIDE_LINE  where the widest vectors turn faster (gemm_few_wide.h)
 *
 * Vectors of columns take turns, as each waits for its chain: the loads of A serve them all. Where
 * columns are pages apart, they share a few lines of L1, so that each line is read to its end
 * before the next columns', and of two vectors of columns one is some lines behind: its lines
 * are others. So B comes from memory, too, with lines asked for in time. (fragment) */

#ifndef FEW_LANES
#define FEW_LANES  LANES
#define FEW_VECTOR VREAL
#define FEW(name)  R(name)
#define FEW_KEPT   1
#endif

enum {
    R(gemm_few_most) = 4,
    R(gemm_few_line) = 64 / (int)sizeof(REAL),
    R(gemm_few_apart) = 3 /* rows of A that each have an address */
};

typedef struct {
    int64_t k, n;
    const REAL *a; /* [k][rows], but few rows, or where they lie: */
    int64_t a_rs;
    int64_t a_cs; /* 1 of one row, and of two vectors by turns */
    const REAL *b;
    int64_t b_cs;
    REAL *c;
    int64_t c_rs;
    bool resume;
    hone__gemm_distance distance;
} R(gemm_few_job);

typedef void (*R(gemm_few_run))(int rows, const R(gemm_few_job) * job, bool far);

static HONE__GEMM_INLINE bool R(gemm_few_share)(int64_t b_cs)
{
    return hone__gemm_share_lines(b_cs * (int64_t)sizeof(REAL));
}

/* The sums of all rows and a vector of columns. */
typedef struct {
    FEW_VECTOR acc[HONE__GEMM_FEW_ROWS];
} R(gemm_few_sums);

/* `there` columns from j on. */
static HONE__GEMM_INLINE void R(gemm_few_begin)(const int rows, const int there,
                                                const R(gemm_few_job) * job, int64_t j,
                                                R(gemm_few_sums) * s)
{
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        s->acc[i] = FEW(set)(0);
    }
    if (!job->resume) {
        return;
    }
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        const REAL *from = job->c + i * job->c_rs + j;
        REAL held[FEW_LANES] = { 0 };
        memcpy(held, from, sizeof(REAL) * (size_t)there);
        s->acc[i] = FEW(load)(held);
    }
}

static HONE__GEMM_INLINE void R(gemm_few_end)(const int rows, const int there,
                                              const R(gemm_few_job) * job, int64_t j,
                                              const R(gemm_few_sums) * s)
{
    HONE__GEMM_UNROLL
    for (int i = 0; i < rows; i++) {
        REAL held[FEW_LANES];
        FEW(store)(held, s->acc[i]);
        memcpy(job->c + i * job->c_rs + j, held, sizeof(REAL) * (size_t)there);
    }
}

/* How far the next k of A is, and where element q of row i. */
static HONE__GEMM_INLINE int64_t R(gemm_few_next)(const int rows, int64_t a_cs)
{
    return rows == 1 ? 1 : rows <= R(gemm_few_apart) ? a_cs : rows;
}

static HONE__GEMM_INLINE int64_t R(gemm_few_at)(const int rows, int64_t a_rs, int64_t a_cs, int q,
                                                int i)
{
    return q * R(gemm_few_next)(rows, a_cs) + i * (rows <= R(gemm_few_apart) ? a_rs : 1);
}

/* FEW_STEP k. Left to itself, a compiler would keep an address for each element that is read. av: A's
 * elements, each a vector, or NULL. */
static HONE__GEMM_INLINE void R(gemm_few_step)(const int rows, const int there, const REAL *a,
                                               int64_t a_rs, int64_t a_cs, const FEW_VECTOR *av,
                                               const REAL *b, int64_t bs, R(gemm_few_sums) * s)
{
    FEW_VECTOR v[FEW_STEP];
    (void)there, (void)bs; /* a vector of one column has no other */
    HONE__GEMM_OPAQUE(b);
    FEW_TURN(b, bs, there, v);
    HONE__GEMM_UNROLL
    for (int q = 0; q < FEW_STEP; q++) {
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            const FEW_VECTOR x =
                av ? av[q * rows + i] : FEW(set)(a[R(gemm_few_at)(rows, a_rs, a_cs, q, i)]);
            s->acc[i] = FEW(fma)(x, v[q], s->acc[i]);
        }
    }
}

/* From p on, one k at a time. */
static HONE__GEMM_INLINE void R(gemm_few_rest)(const int rows, const int there,
                                               const R(gemm_few_job) * job, const REAL *b,
                                               int64_t p, R(gemm_few_sums) * s)
{
    for (; p < job->k; p++) {
        REAL turned[FEW_LANES] = { 0 };
        for (int l = 0; l < there; l++) {
            turned[l] = b[l * job->b_cs + p];
        }
        HONE__GEMM_UNROLL
        for (int i = 0; i < rows; i++) {
            const REAL x = job->a[p * R(gemm_few_next)(rows, job->a_cs) +
                                  R(gemm_few_at)(rows, job->a_rs, job->a_cs, 0, i)];
            s->acc[i] = FEW(fma)(FEW(set)(x), FEW(load)(turned), s->acc[i]);
        }
    }
}

/* Vectors of columns from j on, side by side. */
static HONE__GEMM_INLINE void R(gemm_few_columns)(const int rows, const int vectors,
                                                  const int there, const R(gemm_few_job) * job,
                                                  int64_t j)
{
    R(gemm_few_sums) s[R(gemm_few_most)];
    const int64_t steps = job->k & -FEW_STEP, bs = job->b_cs, apart = FEW_LANES * bs;
    const int64_t a_rs = job->a_rs, a_cs = job->a_cs, next = R(gemm_few_next)(rows, a_cs);
    const REAL *b = job->b + j * bs, *a = job->a, *const end = a + steps * next;
    HONE__GEMM_UNROLL
    for (int g = 0; g < vectors; g++) {
        R(gemm_few_begin)(rows, there, job, j + g * FEW_LANES, &s[g]);
    }
    const bool kept = vectors > 1 && rows <= FEW_KEPT;
    for (; a < end; a += FEW_STEP * next, b += FEW_STEP) {
        FEW_VECTOR av[FEW_STEP * FEW_KEPT];
        if (kept) {
            HONE__GEMM_UNROLL
            for (int i = 0; i < FEW_STEP * rows; i++) {
                av[i] = FEW(set)(a[R(gemm_few_at)(rows, a_rs, a_cs, i / rows, i % rows)]);
                HONE__GEMM_KEEP(av[i]);
            }
        }
        HONE__GEMM_UNROLL
        for (int g = 0; g < vectors; g++) {
            const FEW_VECTOR *x = kept ? av : NULL;
            R(gemm_few_step)(rows, there, a, a_rs, a_cs, x, b + g * apart, bs, &s[g]);
        }
    }
    HONE__GEMM_UNROLL
    for (int g = 0; g < vectors; g++) {
        R(gemm_few_rest)(rows, there, job, b + g * apart - steps, steps, &s[g]);
        R(gemm_few_end)(rows, there, job, j + g * FEW_LANES, &s[g]);
    }
}

/* A vector of columns on its way. */
typedef struct {
    R(gemm_few_sums) s;
    int64_t j, line; /* its first column, the next line of each */
} R(gemm_few_lane);

/* Some lines of two of them by turns, the lines to come being asked for. */
static HONE__GEMM_INLINE void R(gemm_few_by_turns)(const int rows, bool far, int64_t lines,
                                                   const R(gemm_few_job) * job,
                                                   R(gemm_few_lane) * lane)
{
    enum { LINE = R(gemm_few_line), AHEAD_BYTES = 1024 };
    const int64_t bs = job->b_cs, a_rs = job->a_rs, next = R(gemm_few_next)(rows, 1);
    const REAL *a[2], *b[2];
    HONE__GEMM_UNROLL
    for (int g = 0; g < 2; g++) {
        a[g] = job->a + lane[g].line * LINE * next;
        b[g] = job->b + lane[g].j * bs + lane[g].line * LINE;
        lane[g].line += lines;
    }
    for (; lines > 0; lines--) {
        for (int l = 0; far && l < 2 * FEW_LANES; l++) {
            const REAL *from = b[l / FEW_LANES] + l % FEW_LANES * bs;
            __builtin_prefetch((const char *)from + AHEAD_BYTES, 0, 2);
        }
        HONE__GEMM_UNROLL
        for (int q = 0; q < LINE; q += FEW_STEP) {
            HONE__GEMM_UNROLL
            for (int g = 0; g < 2; g++) {
                R(gemm_few_step)(rows, FEW_LANES, a[g], a_rs, 1, NULL, b[g], bs, &lane[g].s);
                a[g] += FEW_STEP * next;
                b[g] += FEW_STEP;
            }
        }
    }
}

/* What is left of k after its lines, and its sums go where they belong. */
static HONE__GEMM_NOINLINE void R(gemm_few_lane_end)(int rows, const R(gemm_few_job) * job,
                                                     int64_t j, int64_t p, FEW_VECTOR *acc)
{
    const REAL *b = job->b + j * job->b_cs, *a = job->a;
    for (; p < job->k; p++) {
        REAL turned[FEW_LANES];
        for (int l = 0; l < FEW_LANES; l++) {
            turned[l] = b[l * job->b_cs + p];
        }
        for (int i = 0; i < rows; i++) {
            const REAL x =
                a[p * R(gemm_few_next)(rows, 1) + R(gemm_few_at)(rows, job->a_rs, 1, 0, i)];
            acc[i] = FEW(fma)(FEW(set)(x), FEW(load)(turned), acc[i]);
        }
    }
    for (int i = 0; i < rows; i++) {
        FEW(store)(job->c + i * job->c_rs + j, acc[i]);
    }
}

/* Pairs of vectors of columns, the second of each some lines behind the first: the lines that a
 * prefetcher brings for the one would throw out those that the other is about to read. Before the
 * second begins and after the first has ended, what takes its turn is dropped. */
static HONE__GEMM_INLINE void R(gemm_few_pairs)(const int rows, bool far,
                                                const R(gemm_few_job) * job, int64_t pairs)
{
    enum { MOST_BEHIND = 16 };
    const int64_t lines = job->k / R(gemm_few_line), all = pairs * lines;
    const int64_t some = pairs > 1 ? lines / 4 : lines / 8;
    const int64_t behind = some < MOST_BEHIND ? some : MOST_BEHIND;
    R(gemm_few_lane) lane[2] = { { .j = 0 }, { .j = FEW_LANES } };
    for (int64_t t = 0, now; t < all + behind; t += now) {
        if (t == all) {
            lane[0].j = 0;
        }
        if (t == behind) {
            lane[1].line = 0;
        }
        const int64_t most = lane[0].line > lane[1].line ? lane[0].line : lane[1].line;
        now = t < behind ? behind : lines - most;
        HONE__GEMM_UNROLL
        for (int g = 0; g < 2; g++) {
            if (lane[g].line == 0) {
                R(gemm_few_begin)(rows, FEW_LANES, job, lane[g].j, &lane[g].s);
            }
        }
        R(gemm_few_by_turns)(rows, far, now, job, lane);
        HONE__GEMM_UNROLL
        for (int g = 0; g < 2; g++) {
            if (lane[g].line == lines) {
                FEW_VECTOR acc[HONE__GEMM_FEW_ROWS]; /* that of the lane stays in registers */
                HONE__GEMM_UNROLL
                for (int i = 0; i < rows; i++) {
                    acc[i] = lane[g].s.acc[i];
                }
                R(gemm_few_lane_end)(rows, job, lane[g].j, lines * R(gemm_few_line), acc);
                lane[g].j += 2 * FEW_LANES; /* the next but one */
                lane[g].line = 0;
            }
        }
    }
}

/* That of up to four rows, by itself: within the function below it takes up to 8 % longer. */
static HONE__GEMM_NOINLINE void R(gemm_few_skewed)(int rows, bool far, const R(gemm_few_job) * job,
                                                   int64_t pairs)
{
    switch (rows) {
    case 1:
        R(gemm_few_pairs)(1, far, job, pairs);
        break;
    case 2:
        R(gemm_few_pairs)(2, far, job, pairs);
        break;
    case 3:
        R(gemm_few_pairs)(3, far, job, pairs);
        break;
    default:
        R(gemm_few_pairs)(4, far, job, pairs);
    }
}

/* The columns from j on, `vectors` of them at once. */
static HONE__GEMM_INLINE void R(gemm_few_rows)(const int rows, const int vectors,
                                               const R(gemm_few_job) * job, int64_t j)
{
    for (; vectors > 1 && j + vectors * FEW_LANES <= job->n; j += vectors * FEW_LANES) {
        R(gemm_few_columns)(rows, vectors, FEW_LANES, job, j);
    }
    for (; j + FEW_LANES <= job->n; j += FEW_LANES) {
        R(gemm_few_columns)(rows, 1, FEW_LANES, job, j);
    }
    if (j < job->n) {
        R(gemm_few_columns)(rows, 1, (int)(job->n - j), job, j);
    }
}

static void R(gemm_few_chunk)(int rows, const R(gemm_few_job) * job, bool far)
{
    enum { MOST_ROWS = 4 };
    const bool skew = (far || R(gemm_few_share)(job->b_cs)) && job->k >= R(gemm_few_line);
    int64_t j = 0;
    if (skew && rows <= MOST_ROWS && job->n >= 2 * FEW_LANES) {
        j = job->n & -(2 * FEW_LANES);
        R(gemm_few_skewed)(rows, far, job, j / (2 * FEW_LANES));
    }
    switch (rows) {
#define FEW_ROWS(rows, vectors)                                                                    \
    case rows:                                                                                     \
        R(gemm_few_rows)(rows, vectors, job, j);                                                   \
        break
        FEW_ROWS(1, 4);
        FEW_ROWS(2, 4);
        FEW_ROWS(3, 4);
        FEW_ROWS(4, 3);
        FEW_ROWS(5, 1);
        FEW_ROWS(6, 1);
        FEW_ROWS(7, 1);
        FEW_ROWS(8, 1);
#undef FEW_ROWS
    }
}

static void R(gemm_few_copy)(int64_t k, int rows, const REAL *a, int64_t a_rs, int64_t a_cs,
                             bool apart, REAL *to)
{
    if (a_cs == 1 && !apart) {
        R(gemm_transpose)(k, rows, to, rows, a, a_rs);
        return;
    }
    for (int i = 0; i < rows; i++) {
        for (int64_t q = 0; q < k; q++) {
            to[apart ? i * k + q : q * rows + i] = a[i * a_rs + q * a_cs];
        }
    }
}

/* A is copied to where the kernel wants it unless it is there, as much of it at a time as stays in L1.
 * Where B's columns share lines, rows of A are copied half a page from what they meet there. */
static void R(gemm_few_part)(int rows, const R(gemm_few_job) * whole, R(gemm_few_run) run,
                             bool apart, bool far)
{
    enum { LINE = 64, HALF_PAGE = 2048, PAGE = 2 * HALF_PAGE / (int)sizeof(REAL) };
    enum { COPIED = 16384 / (int)sizeof(REAL) };
    _Alignas(64) REAL buffer[COPIED + PAGE];
    REAL *copy = buffer;
    const int64_t k = whole->k, a_cs = whole->a_cs;
    const bool together = a_cs == rows && (whole->a_rs == 1 || rows == 1);
    bool in_place = together;
    if (apart) {
        const uintptr_t wanted = (uintptr_t)whole->b + HALF_PAGE - (uintptr_t)buffer;
        copy += wanted / LINE * LINE / sizeof(REAL) % PAGE;
        in_place = (a_cs == 1 || (together && !far)) && !R(gemm_few_share)(whole->b_cs);
    }
    const int64_t most = in_place ? k : COPIED / rows & -R(gemm_few_line);
    for (int64_t p = 0; p < k; p += most) {
        R(gemm_few_job) job = *whole;
        job.k = k - p < most ? k - p : most;
        job.a += p * a_cs;
        job.b += p;
        job.resume = whole->resume || p > 0;
        if (!in_place) {
            R(gemm_few_copy)(job.k, rows, job.a, whole->a_rs, a_cs, apart, copy);
            job.a = copy;
            job.a_rs = job.k;
            job.a_cs = 1;
        }
        run(rows, &job, far);
    }
}

/* In even parts where there are more rows than registers for their sums. */
static void R(gemm_few_parts)(int rows, int most, const R(gemm_few_job) * job, R(gemm_few_run) run,
                              bool narrow, bool far)
{
    if (rows <= most) { /* divisions take as long as a tiny product */
        R(gemm_few_part)(rows, job, run, narrow && rows <= R(gemm_few_apart), far);
        return;
    }
    const int parts = (rows + most - 1) / most;
    R(gemm_few_job) part = *job;
    for (int i = 0; i < parts; i++) {
        const int now = rows / parts + (i < rows % parts);
        R(gemm_few_part)(now, &part, run, narrow && now <= R(gemm_few_apart), far);
        part.a += now * job->a_rs;
        part.c += now * job->c_rs;
    }
}

#ifdef FEW_WIDE_TURN
#include "gemm/gemm_few_wide.h"
#endif

static void R(gemm_few)(int64_t k, int rows, int64_t n, const void *a, int64_t a_rs, int64_t a_cs,
                        const void *b, int64_t b_cs, void *c, int64_t c_rs, int resume,
                        hone__gemm_distance distance)
{
    R(gemm_few_job) job = { k, n, a, a_rs, a_cs, b, b_cs, c, c_rs, resume, distance };
    const bool far = distance == HONE__GEMM_MEMORY;
#ifdef FEW_WIDE_TURN
    const int64_t done = R(gemm_few_wide)(rows, &job);
    if (done == n) {
        return;
    }
    job.n -= done;
    job.b += done * b_cs;
    job.c += done;
#endif
    R(gemm_few_parts)(rows, HONE__GEMM_FEW_ROWS, &job, R(gemm_few_chunk), true, far);
}

#undef FEW_WIDE_TURN
#undef FEW_WIDE_LINE
#undef FEW_TURN
#undef FEW_STEP
#undef FEW_LANES
#undef FEW_VECTOR
#undef FEW_KEPT
#undef FEW
