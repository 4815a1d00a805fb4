/* windows.c: see windows.h. A row of results is taken with each row of its windows in turn; the
 * results' chains don't wait for each other. */
#include "loops/windows.h"

#include "runtime/parallel.h"

#include <string.h>

#define NS_PER_ADD     0.6 /* an element of a window */
#define NS_PER_COMPARE 1.2

typedef struct {
    const hone_tensor *x;
    int dims;
    const hone__windows *d, *h, *w;
    char *y;
    int64_t *indices; /* NULL: sums */
} job;

/* ---- one row of the windows into the row of results; inlined, they are a fifth slower (gcc 12) */

#define ADD_ROW(REAL, name)                                                                        \
    __attribute__((noinline)) static void name(const hone__windows *w, const REAL *restrict x,     \
                                               int64_t step, REAL *restrict y)                     \
    {                                                                                              \
        for (int64_t o = 0; o < w->results; o++) {                                                 \
            REAL sum = y[o];                                                                       \
            for (int64_t j = w->begin[o]; j < w->end[o]; j++)                                      \
                sum += x[j * step];                                                                \
            y[o] = sum;                                                                            \
        }                                                                                          \
    }
ADD_ROW(float, add_row_f32)
ADD_ROW(double, add_row_f64)
#undef ADD_ROW

/* place: of the row's first element; is_first: no row came before. */
#define TAKE_ROW(REAL, name)                                                                       \
    __attribute__((noinline)) static void name(const hone__windows *w, const REAL *restrict x,     \
                                               int64_t step, int64_t place, bool is_first,         \
                                               REAL *restrict y, int64_t *restrict at)             \
    {                                                                                              \
        for (int64_t o = 0; o < w->results; o++) {                                                 \
            const int64_t begin = w->begin[o];                                                     \
            REAL best = is_first ? x[begin * step] : y[o];                                         \
            int64_t best_at = is_first ? place + begin : at[o];                                    \
            for (int64_t j = begin; j < w->end[o]; j++) {                                          \
                const REAL v = x[j * step];                                                        \
                const bool better = v > best || v != v;                                            \
                best = better ? v : best;                                                          \
                best_at = better ? place + j : best_at;                                            \
            }                                                                                      \
            y[o] = best;                                                                           \
            at[o] = best_at;                                                                       \
        }                                                                                          \
    }
TAKE_ROW(float, take_row_f32)
TAKE_ROW(double, take_row_f64)
#undef TAKE_ROW

/* i: the row's number, counted through all planes. */
static void take_row(const job *s, const char *row, int64_t i, bool is_first, int64_t at, char *y)
{
    const int n = s->x->ndim;
    const int64_t step = s->x->stride[n - 1], place = i * s->x->shape[n - 1];
    if (s->indices && s->x->dtype == HONE_F32)
        take_row_f32(s->w, (const void *)row, step, place, is_first, (void *)y, s->indices + at);
    else if (s->indices)
        take_row_f64(s->w, (const void *)row, step, place, is_first, (void *)y, s->indices + at);
    else if (s->x->dtype == HONE_F32)
        add_row_f32(s->w, (const void *)row, step, (void *)y);
    else
        add_row_f64(s->w, (const void *)row, step, (void *)y);
}

/* ---- rows of results */

static void run_rows(void *ctx, int64_t begin, int64_t end)
{
    const job *s = ctx;
    const hone_tensor *x = s->x;
    const int n = x->ndim, lead = n - s->dims - 1;
    const int64_t size = (int64_t)hone__size_of(x->dtype), results = s->w->results;
    const int64_t channels = x->shape[lead], height = x->shape[n - 2];
    const int64_t pitch = x->stride[n - 2], plane_pitch = s->dims == 3 ? x->stride[n - 3] : 0;
    for (int64_t r = begin; r < end; r++) {
        const int64_t plane = r / s->h->results, oy = r - plane * s->h->results;
        const int64_t volume = s->dims == 3 ? plane / s->d->results : plane;
        const int64_t oz = plane - volume * s->d->results;
        int64_t offset = volume % channels * x->stride[lead];
        offset += lead ? volume / channels * x->stride[0] : 0;
        char *y = s->y + r * results * size;
        memset(y, 0, (size_t)(results * size));
        bool is_first = true;
        for (int64_t k = s->d->begin[oz]; k < s->d->end[oz]; k++)
            for (int64_t i = s->h->begin[oy]; i < s->h->end[oy]; i++, is_first = false) {
                const int64_t at = offset + k * plane_pitch + i * pitch;
                take_row(s, (const char *)hone__data(x) + at * size, k * height + i, is_first,
                         r * results, y);
            }
    }
}

/* What the windows of an axis have together. */
static double elements_of(const hone__windows *a)
{
    int64_t n = 0;
    for (int64_t o = 0; o < a->results; o++)
        n += a->end[o] - a->begin[o];
    return (double)n;
}

static void run(job *s, const hone_tensor *y, double ns)
{
    const double rows =
        elements_of(s->d) / (double)s->d->results * elements_of(s->h) / (double)s->h->results;
    hone__parallel_for(y->numel / s->w->results, 1,
                       rows * ((double)s->w->results + ns * elements_of(s->w)), run_rows, s);
}

void hone__sum_windows(const hone_tensor *x, int dims, const hone__windows *windows, hone_tensor *y)
{
    run(&(job){ x, dims, windows, windows + 1, windows + 2, hone__data(y), NULL }, y, NS_PER_ADD);
}

void hone__max_windows(const hone_tensor *x, int dims, const hone__windows *windows, hone_tensor *y,
                       int64_t *indices)
{
    run(&(job){ x, dims, windows, windows + 1, windows + 2, hone__data(y), indices }, y,
        NS_PER_COMPARE);
}
