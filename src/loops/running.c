/* running.c: see running.h. */
#include "loops/running.h"

#include "core/dtypes.h"
#include "isa/isa.h"
#include "loops/rows.h"
#include "runtime/parallel.h"

#include <math.h>

#define NS_EXTREME 1.5
#define NS_LOG     6.0

enum { CHUNK = 64 };

typedef struct {
    const char *x;
    char *values;
    int64_t *places;
    int64_t outer, n, inner; /* x is [outer][n][inner] */
    int64_t chunks;          /* of inner places */
    bool largest;
} job;

/* ---- extremes: up to CHUNK columns are walked together, each with what it has */

#define AHEAD(a, b, largest) ((largest) ? (a) >= (b) : (a) <= (b))
#define EXTREME(NAME, name, type, ...)                                                             \
    static inline __attribute__((always_inline)) void extreme_##name##_columns(                    \
        const job *j, int64_t start, int64_t m, bool largest)                                      \
    {                                                                                              \
        const type *x = (const type *)j->x + start;                                                \
        type *values = (type *)j->values + start, best[CHUNK];                                     \
        int64_t *places = j->places + start, place[CHUNK];                                         \
        for (int64_t c = 0; c < m; c++) {                                                          \
            best[c] = x[c];                                                                        \
            place[c] = 0;                                                                          \
        }                                                                                          \
        for (int64_t i = 0; i < j->n; i++, x += j->inner, values += j->inner, places += j->inner)  \
            for (int64_t c = 0; c < m; c++) {                                                      \
                const bool next = x[c] != x[c] || AHEAD(x[c], best[c], largest);                   \
                best[c] = next ? x[c] : best[c];                                                   \
                place[c] = next ? i : place[c];                                                    \
                values[c] = best[c];                                                               \
                places[c] = place[c];                                                              \
            }                                                                                      \
    }                                                                                              \
    static void extreme_##name(void *ctx, int64_t begin, int64_t end)                              \
    {                                                                                              \
        const job *j = ctx;                                                                        \
        for (int64_t i = begin; i < end; i++) {                                                    \
            const int64_t c = i % j->chunks * CHUNK, m = hone__min(CHUNK, j->inner - c);           \
            const int64_t start = i / j->chunks * j->n * j->inner + c;                             \
            if (j->inner == 1 && j->largest)                                                       \
                extreme_##name##_columns(j, start, 1, true);                                       \
            else if (j->inner == 1)                                                                \
                extreme_##name##_columns(j, start, 1, false);                                      \
            else if (j->largest)                                                                   \
                extreme_##name##_columns(j, start, m, true);                                       \
            else                                                                                   \
                extreme_##name##_columns(j, start, m, false);                                      \
        }                                                                                          \
    }
HONE__EACH_DTYPE(EXTREME, )

void hone__running_extreme(const hone_tensor *x, int dim, bool largest, hone_tensor *values,
                           hone_tensor *places)
{
#define EXTREME_OF(NAME, name, ...) [HONE_##NAME] = extreme_##name,
    static const hone__range_body bodies[HONE_DTYPES] = { HONE__EACH_DTYPE(EXTREME_OF, ) };
    job j = { .x = hone__data(x),
              .values = hone__data(values),
              .places = hone__data(places),
              .outer = 1,
              .n = x->ndim ? x->shape[dim] : 1,
              .inner = 1,
              .largest = largest };
    if (x->numel == 0)
        return;
    for (int d = 0; d < x->ndim; d++)
        *(d < dim ? &j.outer : &j.inner) *= d == dim ? 1 : x->shape[d];
    j.chunks = (j.inner - 1) / CHUNK + 1;
    hone__parallel_for(j.outer * j.chunks, 1,
                       NS_EXTREME * (double)(j.n * hone__min(CHUNK, j.inner)), bodies[x->dtype],
                       &j);
}

/* ---- logarithms of sums: exponentials and logarithms by the kernel, CHUNK at a time */

typedef struct {
    double most, sum; /* so far: log of the sum is most + log(sum) */
} state;

static void log_chunk(state *s, const double *x, double *y, int64_t m)
{
    double apart[CHUNK] = { 0 }, most = s->most;
    bool rises[CHUNK];
    for (int64_t i = 0; i < m; i++) { /* y: the largest so far */
        rises[i] = x[i] > most;
        apart[i] = x[i] == most ? 0 : rises[i] ? most - x[i] : x[i] - most;
        most = rises[i] || x[i] != x[i] ? x[i] : most;
        y[i] = most;
    }
    hone__k->unary[HONE__K_EXP][HONE__F64](m, apart, 1, apart, 1);
    for (int64_t i = 0; i < m; i++)
        apart[i] = s->sum = rises[i] ? s->sum * apart[i] + 1 : s->sum + apart[i];
    hone__k->unary[HONE__K_LOG][HONE__F64](m, apart, 1, apart, 1);
    for (int64_t i = 0; i < m; i++)
        y[i] += apart[i];
    s->most = most;
}

#define LOG_ROWS(name, type)                                                                       \
    static void log_##name(void *ctx, int64_t begin, int64_t end)                                  \
    {                                                                                              \
        const job *j = ctx;                                                                        \
        double from[CHUNK], to[CHUNK];                                                             \
        for (int64_t row = begin; row < end; row++) {                                              \
            const type *x = (const type *)j->x + row * j->n;                                       \
            type *y = (type *)j->values + row * j->n;                                              \
            state s = { -(double)INFINITY, 0 };                                                    \
            for (int64_t at = 0; at < j->n; at += CHUNK) {                                         \
                const int64_t m = hone__min(CHUNK, j->n - at);                                     \
                for (int64_t i = 0; i < m; i++)                                                    \
                    from[i] = (double)x[at + i];                                                   \
                log_chunk(&s, from, to, m);                                                        \
                for (int64_t i = 0; i < m; i++)                                                    \
                    y[at + i] = (type)to[i];                                                       \
            }                                                                                      \
        }                                                                                          \
    }
LOG_ROWS(f32, float)
LOG_ROWS(f64, double)

void hone__running_logsumexp(const hone_tensor *x, hone_tensor *out)
{
    if (x->numel == 0)
        return;
    const int64_t n = x->ndim ? x->shape[x->ndim - 1] : 1;
    job j = { .x = hone__data(x), .values = hone__data(out), .n = n };
    hone__parallel_for(x->numel / n, 1, NS_LOG * (double)n,
                       x->dtype == HONE_F32 ? log_f32 : log_f64, &j);
}
