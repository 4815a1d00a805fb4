/* columns.c: see columns.h. */
#include "loops/columns.h"

#include "loops/rows.h"
#include "runtime/parallel.h"

#include <string.h>

#define NS_PER_ELEMENT 0.6

/* Windows [begin, end) whose tap k lies in the image. */
static void inside(const hone__pool_axis *a, int64_t k, int64_t *begin, int64_t *end)
{
    const int64_t low = a->padding - k * a->dilation, high = a->extent + low;
    *begin = low > 0 ? hone__min((low + a->stride - 1) / a->stride, a->windows) : 0;
    *end = high > 0 ? hone__min((high + a->stride - 1) / a->stride, a->windows) : 0;
    *end = *end < *begin ? *begin : *end;
}

/* Place of tap k of window o. */
static int64_t place(const hone__pool_axis *a, int64_t o, int64_t k)
{
    return o * a->stride - a->padding + k * a->dilation;
}

typedef struct {
    const hone_tensor *x, *y;
    const hone__pool_axis *h, *w;
    int64_t channels;
} job;

#define TAKE(REAL, name)                                                                           \
    static void name(int64_t n, const REAL *x, int64_t step, REAL *y)                              \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            y[i] = x[i * step];                                                                    \
    }
TAKE(float, take_f32)
TAKE(double, take_f64)
#undef TAKE

#define ADD(REAL, name)                                                                            \
    static void name(int64_t n, const REAL *x, REAL *y, int64_t step)                              \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            y[i * step] += x[i];                                                                   \
    }
ADD(float, add_f32)
ADD(double, add_f64)
#undef ADD

/* Rows (n, c, ky, kx) of y. */
static void unfold_rows(void *ctx, int64_t begin, int64_t end)
{
    const job *s = ctx;
    const hone_tensor *x = s->x;
    const hone__pool_axis *h = s->h, *w = s->w;
    const int lead = x->ndim - 3;
    const int64_t size = (int64_t)hone__size_of(x->dtype), n = h->windows * w->windows;
    for (int64_t r = begin; r < end; r++) {
        const int64_t kx = r % w->kernel, ky = r / w->kernel % h->kernel;
        const int64_t plane = r / (w->kernel * h->kernel);
        int64_t offset = plane % s->channels * x->stride[lead], top, bottom, left, right;
        offset += lead ? plane / s->channels * x->stride[0] : 0;
        const char *from = (const char *)hone__data(x) + offset * size;
        char *to = (char *)hone__data(s->y) + r * n * size;
        inside(h, ky, &top, &bottom);
        inside(w, kx, &left, &right);
        memset(to, 0, (size_t)(n * size));
        for (int64_t o = top; o < bottom && left < right; o++) {
            const int64_t at =
                place(h, o, ky) * x->stride[lead + 1] + place(w, left, kx) * x->stride[lead + 2];
            const int64_t step = w->stride * x->stride[lead + 2];
            char *row = to + (o * w->windows + left) * size;
            if (x->dtype == HONE_F32)
                take_f32(right - left, (const void *)(from + at * size), step, (void *)row);
            else
                take_f64(right - left, (const void *)(from + at * size), step, (void *)row);
        }
    }
}

/* Planes (n, c) of y. */
static void fold_planes(void *ctx, int64_t begin, int64_t end)
{
    const job *s = ctx;
    const hone__pool_axis *h = s->h, *w = s->w;
    const int64_t size = (int64_t)hone__size_of(s->x->dtype), n = h->windows * w->windows;
    const int64_t plane = h->extent * w->extent, taps = h->kernel * w->kernel;
    memset((char *)hone__data(s->y) + begin * plane * size, 0,
           (size_t)((end - begin) * plane * size));
    for (int64_t r = begin * taps; r < end * taps; r++) {
        const int64_t kx = r % w->kernel, ky = r / w->kernel % h->kernel;
        int64_t top, bottom, left, right;
        const char *from = (const char *)hone__data(s->x) + r * n * size;
        char *to = (char *)hone__data(s->y) + r / taps * plane * size;
        inside(h, ky, &top, &bottom);
        inside(w, kx, &left, &right);
        for (int64_t o = top; o < bottom && left < right; o++) {
            const char *row = from + (o * w->windows + left) * size;
            const int64_t at = place(h, o, ky) * w->extent + place(w, left, kx);
            if (s->x->dtype == HONE_F32)
                add_f32(right - left, (const void *)row, (void *)(to + at * size), w->stride);
            else
                add_f64(right - left, (const void *)row, (void *)(to + at * size), w->stride);
        }
    }
}

void hone__unfold(const hone_tensor *x, const hone__pool_axis *axis, const hone_tensor *y)
{
    const int64_t n = axis[0].windows * axis[1].windows;
    job s = { x, y, axis, axis + 1, x->shape[x->ndim - 3] };
    hone__parallel_for(y->numel / n, 1, NS_PER_ELEMENT * (double)n, unfold_rows, &s);
}

void hone__fold(const hone_tensor *x, const hone__pool_axis *axis, const hone_tensor *y)
{
    const int64_t plane = axis[0].extent * axis[1].extent;
    const double columns =
        (double)(axis[0].windows * axis[1].windows) * (double)(axis[0].kernel * axis[1].kernel);
    job s = { x, y, axis, axis + 1, 0 };
    hone__parallel_for(y->numel / plane, 1, NS_PER_ELEMENT * (columns + (double)plane), fold_planes,
                       &s);
}
