/* pool2d.c: see pool2d.h. A row of windows is taken a stretch at a time: each element of the window
 * is compared with the best so far for all windows of the stretch, which the compiler makes vectors
 * of; comparisons and selections have no rounding, so no order shows. */
#include "loops/pool2d.h"

#include "loops/rows.h"
#include "runtime/parallel.h"

#include <math.h>
#include <string.h>

#define NS_PER_ELEMENT 0.5 /* of a window */
#define NS_PER_ADD     1.0

enum { STRETCH = 256 };

/* ---- geometry */

/* a / b rounded up; a of any sign, b > 0. */
static int64_t up(int64_t a, int64_t b)
{
    return a > 0 ? (a + b - 1) / b : -(-a / b);
}

static int64_t clamp(int64_t i, int64_t low, int64_t high)
{
    return i < low ? low : i > high ? high : i;
}

int64_t hone__pool_first(const hone__pool_axis *a, int64_t o)
{
    return clamp(up(a->padding - o * a->stride, a->dilation), 0, a->kernel);
}

int64_t hone__pool_last(const hone__pool_axis *a, int64_t o)
{
    return clamp(up(a->extent + a->padding - o * a->stride, a->dilation), 0, a->kernel);
}

/* Windows [begin, end) of a stretch [from, to) whose element i lies in the plane. */
static void windows_of(const hone__pool_axis *a, int64_t i, int64_t from, int64_t to,
                       int64_t *begin, int64_t *end)
{
    const int64_t at = a->padding - i * a->dilation;
    *begin = clamp(up(at, a->stride), from, to);
    *end = clamp(up(at + a->extent, a->stride), *begin, to);
}

/* ---- the elements of a stretch */

/* One element of each of n windows, whose places begin at `place`, beside the best so far. */
#define TAKE(REAL, name)                                                                           \
    static void name(int64_t n, const REAL *restrict x, int64_t step, int32_t place,               \
                     int32_t place_step, REAL *restrict best, int32_t *restrict at)                \
    {                                                                                              \
        for (int64_t j = 0; j < n; j++) {                                                          \
            const REAL v = x[j * step];                                                            \
            const bool better = v > best[j] || v != v;                                             \
            best[j] = better ? v : best[j];                                                        \
            at[j] = better ? place + (int32_t)j * place_step : at[j];                              \
        }                                                                                          \
    }
TAKE(float, take_f32)
TAKE(double, take_f64)
#undef TAKE

static void begin_stretch(const hone__pool2d *p, int64_t row, int64_t from, int64_t n, void *best,
                          int32_t *at)
{
    const hone__pool_axis *w = &p->w;
    for (int64_t j = 0; j < n; j++) {
        const int64_t col =
            (from + j) * w->stride - w->padding + hone__pool_first(w, from + j) * w->dilation;
        at[j] = (int32_t)(row * w->extent + col);
        if (p->x->dtype == HONE_F32)
            ((float *)best)[j] = -INFINITY;
        else
            ((double *)best)[j] = -INFINITY;
    }
}

/* Elements of one row of the plane. */
static void take_row(const hone__pool2d *p, const char *x, int64_t row, int64_t from, int64_t to,
                     void *best, int32_t *at)
{
    const hone__pool_axis *w = &p->w;
    const int64_t stride = p->x->stride[p->x->ndim - 1], size = (int64_t)hone__size_of(p->x->dtype);
    const int64_t last = hone__pool_last(w, from);
    for (int64_t i = hone__pool_first(w, to - 1), begin, end; i < last; i++) {
        windows_of(w, i, from, to, &begin, &end);
        if (begin == end)
            continue;
        const int64_t col = begin * w->stride - w->padding + i * w->dilation;
        const char *from_x = x + col * stride * size;
        const int32_t place = (int32_t)(row * w->extent + col), step = (int32_t)w->stride;
        const int64_t k = begin - from;
        if (p->x->dtype == HONE_F32)
            take_f32(end - begin, (const void *)from_x, w->stride * stride, place, step,
                     (float *)best + k, at + k);
        else
            take_f64(end - begin, (const void *)from_x, w->stride * stride, place, step,
                     (double *)best + k, at + k);
    }
}

/* Row o of a plane's windows. */
static void pool_row(const hone__pool2d *p, const char *plane, int64_t o, char *values,
                     int64_t *indices)
{
    const hone__pool_axis *h = &p->h;
    const int64_t size = (int64_t)hone__size_of(p->x->dtype);
    const int64_t pitch = p->x->stride[p->x->ndim - 2] * size;
    const int64_t first = hone__pool_first(h, o), last = hone__pool_last(h, o);
    const int64_t top = o * h->stride - h->padding;
    for (int64_t from = 0; from < p->w.windows; from += STRETCH) {
        const int64_t to = hone__min(p->w.windows, from + STRETCH);
        int32_t at[STRETCH];
        char *best = values + from * size;
        begin_stretch(p, top + first * h->dilation, from, to - from, best, at);
        for (int64_t i = first; i < last; i++) {
            const int64_t row = top + i * h->dilation;
            take_row(p, plane + row * pitch, row, from, to, best, at);
        }
        for (int64_t j = 0; j < to - from; j++)
            indices[from + j] = at[j];
    }
}

static void pool_rows(void *ctx, int64_t begin, int64_t end)
{
    const hone__pool2d *p = ctx;
    const hone_tensor *x = p->x;
    const int64_t size = (int64_t)hone__size_of(x->dtype);
    const int64_t channels = x->shape[x->ndim - 3], n = p->w.windows;
    for (int64_t r = begin; r < end; r++) {
        const int64_t plane = r / p->h.windows;
        int64_t offset = plane % channels * x->stride[x->ndim - 3];
        if (x->ndim == 4)
            offset += plane / channels * x->stride[0];
        pool_row(p, (const char *)hone__data(x) + offset * size, r % p->h.windows,
                 p->values + r * n * size, p->indices + r * n);
    }
}

void hone__max_pool2d(const hone__pool2d *p)
{
    const int64_t planes = p->x->numel / (p->h.extent * p->w.extent);
    const double window =
        (double)hone__min(p->h.kernel, p->h.extent) * (double)hone__min(p->w.kernel, p->w.extent);
    hone__parallel_for(planes * p->h.windows, 1,
                       (double)p->w.windows * (2.0 + NS_PER_ELEMENT * window), pool_rows,
                       (void *)p);
}

/* ---- back */

typedef struct {
    hone_dtype dtype;
    int64_t in, out;
    char *dx;
    const char *dy;
    const int64_t *indices;
} unpool;

/* A plane belongs to one thread. */
static void unpool_planes(void *ctx, int64_t begin, int64_t end)
{
    const unpool *u = ctx;
    const int64_t size = (int64_t)hone_dtype_size(u->dtype);
    memset(u->dx + begin * u->in * size, 0, (size_t)((end - begin) * u->in * size));
    for (int64_t plane = begin; plane < end; plane++) {
        const int64_t *at = u->indices + plane * u->out;
        char *dx = u->dx + plane * u->in * size;
        const char *dy = u->dy + plane * u->out * size;
        for (int64_t i = 0; i < u->out; i++) {
            if (u->dtype == HONE_F32)
                ((float *)dx)[at[i]] += ((const float *)dy)[i];
            else
                ((double *)dx)[at[i]] += ((const double *)dy)[i];
        }
    }
}

void hone__unpool_add(hone_dtype dtype, int64_t planes, int64_t in, int64_t out, void *dx,
                      const void *dy, const int64_t *indices)
{
    unpool u = { dtype, in, out, dx, dy, indices };
    hone__parallel_for(planes, 1, NS_PER_ADD * (double)(in / 8 + out), unpool_planes, &u);
}
