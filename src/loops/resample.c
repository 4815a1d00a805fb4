/* resample.c: see resample.h. A row of results is made in stretches, from the rows of x that it
 * depends on, one after the other. */
#include "loops/resample.h"

#include "loops/rows.h"
#include "runtime/parallel.h"

#define NS_PER_TAP 1.0

enum { STRETCH = 256 };

typedef struct {
    const hone_tensor *x, *y;
    int dims;
    const hone__taps *taps;
} job;

/* Results [from, to) along a row, as part of a sum with that weight. */
#define ROW(REAL, name)                                                                            \
    static void name##_row(const hone__taps *t, const REAL *x, int64_t step, int64_t from,         \
                           int64_t to, REAL weight, bool is_first, REAL *sums)                     \
    {                                                                                              \
        const REAL *w = t->weight;                                                                 \
        for (int64_t o = from; o < to; o++) {                                                      \
            const int64_t end = t->begin[o + 1];                                                   \
            int64_t k = t->begin[o];                                                               \
            REAL sum = 0;                                                                          \
            if (k < end)                                                                           \
                sum = w ? w[k] * x[t->index[k] * step] : x[t->index[k] * step];                    \
            for (k++; k < end; k++)                                                                \
                sum += w ? w[k] * x[t->index[k] * step] : x[t->index[k] * step];                   \
            sums[o - from] = is_first ? weight * sum : sums[o - from] + weight * sum;              \
        }                                                                                          \
    }                                                                                              \
    /* Results [from, to) of row o[1] of plane o[0]. */                                            \
    static void name##_stretch(const job *s, const REAL *x, const int64_t *o, int64_t from,        \
                               int64_t to, REAL *y)                                                \
    {                                                                                              \
        const int64_t *stride = s->x->stride + s->x->ndim;                                         \
        const hone__taps *d = &s->taps[0], *h = &s->taps[1];                                       \
        const REAL *wd = d->weight, *wh = h->weight;                                               \
        REAL sums[STRETCH];                                                                        \
        for (int64_t j = 0; j < to - from; j++)                                                    \
            y[j] = 0;                                                                              \
        for (int64_t k = d->begin[o[0]]; k < d->begin[o[0] + 1]; k++) {                            \
            const REAL *plane = x + (s->dims > 2 ? d->index[k] * stride[-3] : 0);                  \
            const bool is_first = k == d->begin[o[0]];                                             \
            const REAL weight = wd ? wd[k] : 1;                                                    \
            for (int64_t j = 0; j < to - from; j++)                                                \
                sums[j] = 0;                                                                       \
            for (int64_t i = h->begin[o[1]]; i < h->begin[o[1] + 1]; i++) {                        \
                const REAL *row = plane + (s->dims > 1 ? h->index[i] * stride[-2] : 0);            \
                name##_row(&s->taps[2], row, stride[-1], from, to, wh ? wh[i] : 1,                 \
                           i == h->begin[o[1]], sums);                                             \
            }                                                                                      \
            for (int64_t j = 0; j < to - from; j++)                                                \
                y[j] = is_first ? weight * sums[j] : y[j] + weight * sums[j];                      \
        }                                                                                          \
    }
ROW(float, f32)
ROW(double, f64)
#undef ROW

static void run_rows(void *ctx, int64_t begin, int64_t end)
{
    const job *s = ctx;
    const hone_tensor *x = s->x;
    const int64_t size = (int64_t)hone__size_of(x->dtype), n = s->taps[2].results;
    for (int64_t r = begin; r < end; r++) {
        const int64_t planes = r / s->taps[1].results, volume = planes / s->taps[0].results;
        const int64_t o[] = { planes % s->taps[0].results, r % s->taps[1].results };
        const int64_t offset =
            volume / x->shape[1] * x->stride[0] + volume % x->shape[1] * x->stride[1];
        const char *from_x = (const char *)hone__data(x) + offset * size;
        for (int64_t from = 0; from < n; from += STRETCH) {
            const int64_t to = hone__min(n, from + STRETCH);
            char *y = (char *)hone__data(s->y) + (r * n + from) * size;
            if (x->dtype == HONE_F32)
                f32_stretch(s, (const void *)from_x, o, from, to, (void *)y);
            else
                f64_stretch(s, (const void *)from_x, o, from, to, (void *)y);
        }
    }
}

void hone__resample(const hone_tensor *x, int dims, const hone__taps *taps, const hone_tensor *y)
{
    double a_result = NS_PER_TAP;
    for (int d = 0; d < 3; d++)
        a_result *= 1 + (double)taps[d].begin[taps[d].results] / (double)taps[d].results;
    const int64_t n = taps[2].results;
    job s = { x, y, dims, taps };
    hone__parallel_for(y->numel / n, 1, a_result * (double)n, run_rows, &s);
}
