/* pool.c: see pool.h. A row of windows is taken a stretch at a time: each element of the window
 * is compared with the best so far for all windows of the stretch, which the compiler makes vectors
 * of; comparisons and selections have no rounding, so no order shows. */
#include "loops/pool.h"

#include "isa/images.h"
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
#define KIND(TYPE, dtype, LEAST)                                                                   \
    static void take_##dtype(int64_t n, const void *from, int64_t step, int32_t place,             \
                             int32_t place_step, void *so_far, int32_t *restrict at)               \
    {                                                                                              \
        const TYPE *restrict x = from;                                                             \
        TYPE *restrict best = so_far;                                                              \
        for (int64_t j = 0; j < n; j++) {                                                          \
            const TYPE v = x[j * step];                                                            \
            const bool better = v > best[j] || v != v;                                             \
            best[j] = better ? v : best[j];                                                        \
            at[j] = better ? place + (int32_t)j * place_step : at[j];                              \
        }                                                                                          \
    }                                                                                              \
    static void least_##dtype(int64_t n, void *so_far)                                             \
    {                                                                                              \
        TYPE *best = so_far;                                                                       \
        for (int64_t j = 0; j < n; j++)                                                            \
            best[j] = LEAST;                                                                       \
    }
KIND(float, f32, -INFINITY)
KIND(double, f64, (double)-INFINITY)
KIND(int64_t, i64, INT64_MIN)
KIND(int32_t, i32, INT32_MIN)
KIND(uint8_t, u8, 0)
#undef KIND

static const struct {
    void (*take)(int64_t n, const void *from, int64_t step, int32_t place, int32_t place_step,
                 void *so_far, int32_t *at);
    void (*least)(int64_t n, void *so_far);
} kinds[] = { [HONE_F32] = { take_f32, least_f32 },
              [HONE_F64] = { take_f64, least_f64 },
              [HONE_I64] = { take_i64, least_i64 },
              [HONE_I32] = { take_i32, least_i32 },
              [HONE_U8] = { take_u8, least_u8 } };

static void begin_stretch(const hone__pool *p, int64_t row, int64_t from, int64_t n, void *best,
                          int32_t *at)
{
    const hone__pool_axis *w = &p->axis[2];
    kinds[p->x->dtype].least(n, best);
    for (int64_t j = 0; j < n; j++) {
        const int64_t col =
            (from + j) * w->stride - w->padding + hone__pool_first(w, from + j) * w->dilation;
        at[j] = (int32_t)(row * w->extent + col);
    }
}

/* Elements of one row, counted through all planes. */
static void take_row(const hone__pool *p, const char *x, int64_t row, int64_t from, int64_t to,
                     void *best, int32_t *at)
{
    const hone__pool_axis *w = &p->axis[2];
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
        kinds[p->x->dtype].take(end - begin, from_x, w->stride * stride, place, step,
                                (char *)best + k * size, at + k);
    }
}

/* All elements of the windows [from, to) of row o[1] in plane o[0]. */
static void take_stretch(const hone__pool *p, const char *x, const int64_t *o, int64_t from,
                         int64_t to, char *best, int32_t *at)
{
    const hone__pool_axis *d = &p->axis[0], *h = &p->axis[1];
    const int64_t size = (int64_t)hone__size_of(p->x->dtype), n = p->x->ndim;
    const int64_t pitch = p->x->stride[n - 2] * size;
    const int64_t plane_pitch = p->dims == 3 ? p->x->stride[n - 3] * size : 0;
    const int64_t front = o[0] * d->stride - d->padding, top = o[1] * h->stride - h->padding;
    const int64_t first = hone__pool_first(h, o[1]), last = hone__pool_last(h, o[1]);
    const int64_t first_plane = p->dims == 3 ? hone__pool_first(d, o[0]) : 0;
    const int64_t last_plane = p->dims == 3 ? hone__pool_last(d, o[0]) : 1;
    begin_stretch(p, (front + first_plane * d->dilation) * h->extent + top + first * h->dilation,
                  from, to - from, best, at);
    for (int64_t k = first_plane; k < last_plane; k++)
        for (int64_t i = first; i < last; i++) {
            const int64_t plane = front + k * d->dilation, row = top + i * h->dilation;
            take_row(p, x + plane * plane_pitch + row * pitch, plane * h->extent + row, from, to,
                     best, at);
        }
}

/* ---- windows of 2 x 2 side by side */

static bool is_of_pairs(const hone__pool_axis *a)
{
    return a->kernel == 2 && a->stride == 2 && a->padding == 0 && a->dilation == 1 &&
           2 * a->windows <= a->extent;
}

static bool has_planes_of(const hone__pool *p, bool (*kind)(const hone__pool_axis *a))
{
    return p->x->dtype == HONE_F32 && p->dims == 2 && kind(&p->axis[1]) && kind(&p->axis[2]) &&
           hone_is_contiguous(p->x);
}

/* Planes in order: what a row's last vector writes too far the next plane writes again. */
static void pool_squares(void *ctx, int64_t begin, int64_t end)
{
    enum { BEHIND = 32 };
    const hone__pool *p = ctx;
    const int64_t rows = p->axis[1].windows, n = p->axis[2].windows, down = p->axis[2].extent;
    for (int64_t i = begin; i < end; i++)
        hone__images()->pool_pairs(rows, n,
                                   (const float *)hone__data(p->x) + i * p->axis[1].extent * down,
                                   down, (float *)(void *)p->values + i * rows * n,
                                   p->indices + i * rows * n, (end - i - 1) * rows * n >= BEHIND);
}

/* ---- windows of 3 x 3, two apart: the first pool of many networks */

static bool is_of_threes(const hone__pool_axis *a)
{
    return a->kernel == 3 && a->stride == 2 && a->padding <= 1 && a->dilation == 1;
}

static void pool_threes(void *ctx, int64_t begin, int64_t end)
{
    const hone__pool *p = ctx;
    const hone__pool_axis *h = &p->axis[1], *w = &p->axis[2];
    const int64_t windows = h->windows * w->windows;
    for (int64_t i = begin; i < end; i++)
        hone__images()->pool_threes(
            &(hone__pool_threes){ .rows = h->windows,
                                  .n = w->windows,
                                  .height = h->extent,
                                  .width = w->extent,
                                  .top = h->padding,
                                  .left = w->padding,
                                  .x = (const float *)hone__data(p->x) + i * h->extent * w->extent,
                                  .best = (float *)(void *)p->values + i * windows,
                                  .at = p->indices + i * windows });
}

/* ---- any windows */

static void pool_rows(void *ctx, int64_t begin, int64_t end)
{
    const hone__pool *p = ctx;
    const hone_tensor *x = p->x;
    const int lead = x->ndim - p->dims - 1;
    const int64_t size = (int64_t)hone__size_of(x->dtype);
    const int64_t channels = x->shape[lead], n = p->axis[2].windows;
    for (int64_t r = begin; r < end; r++) {
        const int64_t plane = r / p->axis[1].windows;
        const int64_t volume = p->dims == 3 ? plane / p->axis[0].windows : plane;
        const int64_t o[] = { plane - volume * p->axis[0].windows, r - plane * p->axis[1].windows };
        int64_t offset = volume % channels * x->stride[lead];
        offset += lead ? volume / channels * x->stride[0] : 0;
        for (int64_t from = 0; from < n; from += STRETCH) {
            const int64_t to = hone__min(n, from + STRETCH);
            int32_t at[STRETCH];
            take_stretch(p, (const char *)hone__data(x) + offset * size, o, from, to,
                         p->values + (r * n + from) * size, at);
            for (int64_t j = 0; j < to - from; j++)
                p->indices[r * n + from + j] = at[j];
        }
    }
}

void hone__max_pool(const hone__pool *p)
{
    int64_t rows = p->x->numel;
    double window = 1;
    for (int d = 0; d < 3; d++) {
        const hone__pool_axis *a = &p->axis[d];
        rows = rows / a->extent * (d < 2 ? a->windows : 1);
        window *= (double)hone__min(a->kernel, a->extent);
    }
    const double ns = (double)p->axis[2].windows * (2.0 + NS_PER_ELEMENT * window);
    const int64_t planes = rows / p->axis[1].windows;
    const double plane_ns = (double)p->axis[1].windows * ns;
    if (has_planes_of(p, is_of_pairs))
        hone__parallel_for(planes, 1, plane_ns / 4, pool_squares, (void *)p);
    else if (has_planes_of(p, is_of_threes))
        hone__parallel_for(planes, 1, plane_ns / 4, pool_threes, (void *)p);
    else
        hone__parallel_for(rows, 1, ns, pool_rows, (void *)p);
}

/* ---- back */

typedef struct {
    hone_dtype dtype;
    int64_t in, out;
    char *x;
    const char *y;
    const int64_t *indices;
    bool add;
    atomic_bool wrong; /* an index was in no plane */
} unpool;

#define UNPOOL(REAL, name)                                                                         \
    static void name(int64_t n, const int64_t *at, const REAL *y, bool add, REAL *x)               \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            x[at[i]] = add ? x[at[i]] + y[i] : y[i];                                               \
    }
UNPOOL(float, unpool_f32)
UNPOOL(double, unpool_f64)
#undef UNPOOL

static bool all_below(int64_t n, const int64_t *at, int64_t end)
{
    bool some_are_not = false; /* no branch an index where there is none */
    for (int64_t i = 0; i < n; i++)
        some_are_not |= (uint64_t)at[i] >= (uint64_t)end;
    return !some_are_not;
}

/* A plane belongs to one thread, and is near from its zeros to its last sum. */
static void unpool_planes(void *ctx, int64_t begin, int64_t end)
{
    unpool *u = ctx;
    const int64_t size = (int64_t)hone_dtype_size(u->dtype);
    for (int64_t plane = begin; plane < end; plane++) {
        const int64_t *at = u->indices + plane * u->out;
        char *x = u->x + plane * u->in * size;
        if (!all_below(u->out, at, u->in)) {
            atomic_store_explicit(&u->wrong, true, memory_order_relaxed);
            return;
        }
        memset(x, 0, (size_t)(u->in * size));
        const char *y = u->y + plane * u->out * size;
        if (u->dtype == HONE_F32)
            unpool_f32(u->out, at, (const void *)y, u->add, (void *)x);
        else
            unpool_f64(u->out, at, (const void *)y, u->add, (void *)x);
    }
}

bool hone__unpool(hone_dtype dtype, int64_t planes, int64_t in, int64_t out, void *x, const void *y,
                  const int64_t *indices, bool add)
{
    unpool u = { dtype, in, out, x, y, indices, add, false };
    hone__parallel_for(planes, 1, NS_PER_ADD * (double)(in / 8 + out), unpool_planes, &u);
    return !atomic_load_explicit(&u.wrong, memory_order_relaxed);
}
