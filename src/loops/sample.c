/* sample.c: see sample.h. Places are taken a few at a time: their taps are found once for all
 * channels. */
#include "loops/sample.h"

#include "loops/rows.h"
#include "runtime/parallel.h"

#include <math.h>
#include <string.h>

#define NS_PER_PLACE 25.0
#define NS_PER_TAP   1.5

enum { FEW = 32, MOST_TAPS = 4 };

/* ---- taps of one axis */

typedef struct {
    int n;
    int64_t at[MOST_TAPS]; /* -1: outside */
    double weight[MOST_TAPS];
} taps;

/* Between the first and the last element; slope: of what comes out by what goes in. */
static double clipped(double u, double last, double *slope)
{
    *slope = u > 0 && u < last ? *slope : 0;
    return u > 0 ? (u < last ? u : last) : 0; /* NaN: 0 */
}

/* Mirrored about the ends, or the outermost elements. */
static double mirrored(double u, int64_t extent, bool align_corners, double *slope)
{
    const double low = align_corners ? 0 : -0.5,
                 span = (double)(align_corners ? extent - 1 : extent);
    if (span == 0) {
        *slope = 0;
        return 0;
    }
    const double way = u - low, far = fabs(way), turns = floor(far / span);
    const double rest = far - turns * span;
    const bool odd = turns - 2 * floor(turns / 2) != 0;
    *slope = (way < 0) != odd ? -*slope : *slope;
    return clipped(odd ? span - rest + low : rest + low, (double)(extent - 1), slope);
}

static double put_inside(const hone__sampling *s, double u, int64_t extent, double *slope)
{
    if (s->outside == HONE__OUTSIDE_EDGE)
        return clipped(u, (double)(extent - 1), slope);
    return s->outside == HONE__OUTSIDE_MIRROR ? mirrored(u, extent, s->align_corners, slope) : u;
}

/* u is a whole number, or none. */
static int64_t element_at(double u, int64_t extent)
{
    return u >= 0 && u < (double)extent ? (int64_t)u : -1;
}

/* The order-th derivative of Keys' kernel with a = -3/4 at a distance of less, or more, than 1. */
static double cubic(double d, bool near, int64_t order)
{
    const double a = -0.75;
    switch (order) {
    case 0:
        return near ? ((a + 2) * d - (a + 3)) * d * d + 1
                    : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    case 1:
        return near ? (3 * (a + 2) * d - 2 * (a + 3)) * d : (3 * a * d - 10 * a) * d + 8 * a;
    case 2:
        return near ? 6 * (a + 2) * d - 2 * (a + 3) : 6 * a * d - 10 * a;
    case 3:
        return near ? 6 * (a + 2) : 6 * a;
    default:
        return 0;
    }
}

static void cubic_taps(const hone__sampling *s, double u, int64_t extent, int64_t order, taps *t)
{
    const double low = floor(u), x = u - low;
    t->n = MOST_TAPS;
    for (int k = 0; k < MOST_TAPS; k++) {
        double none = 0;
        const double d = k < 2 ? x + 1 - k : k - 1 - x;
        t->weight[k] = (k < 2 || order % 2 == 0 ? 1 : -1) * cubic(d, k == 1 || k == 2, order);
        t->at[k] = element_at(put_inside(s, low + k - 1, extent, &none), extent);
    }
}

static void linear_taps(double u, int64_t extent, int64_t order, taps *t)
{
    const double low = floor(u), x = u - low;
    t->n = 2;
    t->weight[0] = order == 0 ? 1 - x : order == 1 ? -1 : 0;
    t->weight[1] = order == 0 ? x : order == 1 ? 1 : 0;
    t->at[0] = element_at(low, extent);
    t->at[1] = element_at(low + 1, extent);
}

/* Halves go to the even element. */
static void nearest_taps(double u, int64_t extent, int64_t order, taps *t)
{
    const double low = floor(u), rest = u - low;
    const bool odd = low - 2 * floor(low / 2) != 0;
    t->n = 1;
    t->weight[0] = order == 0;
    t->at[0] = element_at(rest > 0.5 || (rest == 0.5 && odd) ? low + 1 : low, extent);
}

static void find_taps(const hone__sampling *s, double place, int64_t extent, int64_t order, taps *t)
{
    const double n = (double)extent;
    double slope = (s->align_corners ? n - 1 : n) / 2;
    double u = s->align_corners ? (place + 1) / 2 * (n - 1) : ((place + 1) * n - 1) / 2;
    if (s->mode != HONE__SAMPLE_CUBIC)
        u = put_inside(s, u, extent, &slope);
    if (s->mode == HONE__SAMPLE_CUBIC)
        cubic_taps(s, u, extent, order, t);
    else if (s->mode == HONE__SAMPLE_NEAREST)
        nearest_taps(u, extent, order, t);
    else
        linear_taps(u, extent, order, t);
    for (int64_t i = 0; i < order; i++)
        for (int k = 0; k < t->n; k++)
            t->weight[k] *= slope;
}

/* ---- a few places */

typedef struct {
    int n[3];
    int64_t at[3][MOST_TAPS]; /* offsets in elements; -1: outside */
    double weight[3][MOST_TAPS];
} place;

/* Their taps in an image of these strides. */
static void find_places(const hone__sampling *s, int64_t first, int64_t n, const int64_t *extent,
                        const int64_t *stride, place *places)
{
    const hone_tensor *grid = s->grid;
    for (int64_t p = 0; p < n; p++)
        for (int d = 0; d < 3; d++) {
            place *to = &places[p];
            to->n[d] = 1;
            to->at[d][0] = 0;
            to->weight[d][0] = 1;
            if (d < 3 - s->dims)
                continue;
            const int64_t i = (first + p) * s->dims + 2 - d;
            const double number = grid->dtype == HONE_F32
                                      ? (double)((const float *)hone__data(grid))[i]
                                      : ((const double *)hone__data(grid))[i];
            taps t;
            find_taps(s, number, extent[d], s->order[d], &t);
            to->n[d] = t.n;
            for (int k = 0; k < t.n; k++) {
                to->at[d][k] = t.at[k] < 0 ? -1 : t.at[k] * stride[d];
                to->weight[d][k] = t.weight[k];
            }
        }
}

#define SAMPLE(REAL, name)                                                                         \
    static REAL name##_row(const place *p, const REAL *row)                                        \
    {                                                                                              \
        REAL sum = 0;                                                                              \
        for (int k = 0; k < p->n[2]; k++) {                                                        \
            const REAL x = row && p->at[2][k] >= 0 ? row[p->at[2][k]] : 0;                         \
            sum = k == 0 ? (REAL)p->weight[2][k] * x : sum + (REAL)p->weight[2][k] * x;            \
        }                                                                                          \
        return sum;                                                                                \
    }                                                                                              \
    static REAL name##_plane(const place *p, const REAL *plane)                                    \
    {                                                                                              \
        REAL sum = 0;                                                                              \
        for (int k = 0; k < p->n[1]; k++) {                                                        \
            const REAL *row = plane && p->at[1][k] >= 0 ? plane + p->at[1][k] : NULL;              \
            const REAL x = name##_row(p, row);                                                     \
            sum = k == 0 ? (REAL)p->weight[1][k] * x : sum + (REAL)p->weight[1][k] * x;            \
        }                                                                                          \
        return sum;                                                                                \
    }                                                                                              \
    static void name##_take(int64_t n, const place *p, const REAL *x, REAL *y)                     \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++, p++) {                                                     \
            REAL sum = 0;                                                                          \
            for (int k = 0; k < p->n[0]; k++) {                                                    \
                const REAL v = name##_plane(p, p->at[0][k] >= 0 ? x + p->at[0][k] : NULL);         \
                sum = k == 0 ? (REAL)p->weight[0][k] * v : sum + (REAL)p->weight[0][k] * v;        \
            }                                                                                      \
            y[i] = sum;                                                                            \
        }                                                                                          \
    }                                                                                              \
    static void name##_add(int64_t n, const place *p, const REAL *dy, REAL *dx)                    \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++, p++)                                                       \
            for (int z = 0; z < p->n[0]; z++)                                                      \
                for (int y = 0; y < p->n[1]; y++)                                                  \
                    for (int x = 0; x < p->n[2]; x++) {                                            \
                        if (p->at[0][z] < 0 || p->at[1][y] < 0 || p->at[2][x] < 0)                 \
                            continue;                                                              \
                        const REAL row = dy[i] * (REAL)p->weight[0][z] * (REAL)p->weight[1][y];    \
                        dx[p->at[0][z] + p->at[1][y] + p->at[2][x]] +=                             \
                            row * (REAL)p->weight[2][x];                                           \
                    }                                                                              \
    }
SAMPLE(float, f32)
SAMPLE(double, f64)
#undef SAMPLE

/* ---- all of them */

typedef struct {
    const hone__sampling *s;
    const hone_tensor *image, *samples; /* [N, C, extents], [N, C, places] */
    int64_t extent[3], stride[3];
} job;

static char *element(const hone_tensor *t, int64_t at)
{
    return (char *)hone__data(t) + at * (int64_t)hone__size_of(t->dtype);
}

/* Places [begin, end) of all samples, for all channels. */
static void take_places(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone_tensor *x = j->image, *y = j->samples;
    const int64_t all = j->s->places, channels = x->shape[1];
    place places[FEW];
    for (int64_t p = begin, n; p < end; p += n) {
        const int64_t sample = p / all, at = p % all;
        n = hone__min(hone__min(FEW, end - p), all - at);
        find_places(j->s, p, n, j->extent, j->stride, places);
        for (int64_t c = 0; c < channels; c++) {
            const void *from = element(x, sample * x->stride[0] + c * x->stride[1]);
            void *to = element(y, (sample * channels + c) * all + at);
            if (x->dtype == HONE_F32)
                f32_take(n, places, from, to);
            else
                f64_take(n, places, from, to);
        }
    }
}

/* Planes [begin, end) of dx: channels of samples. */
static void add_planes(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone_tensor *dx = j->image, *dy = j->samples;
    const int64_t all = j->s->places, channels = dx->shape[1], size = dx->stride[1];
    place places[FEW];
    memset(element(dx, begin * size), 0, (size_t)((end - begin) * size) * hone__size_of(dx->dtype));
    for (int64_t plane = begin, next; plane < end; plane = next) {
        const int64_t sample = plane / channels;
        next = hone__min(end, (sample + 1) * channels);
        for (int64_t at = 0, n; at < all; at += n) {
            n = hone__min(FEW, all - at);
            find_places(j->s, sample * all + at, n, j->extent, j->stride, places);
            for (int64_t i = plane; i < next; i++) {
                const void *from = element(dy, i * all + at);
                if (dx->dtype == HONE_F32)
                    f32_add(n, places, from, (void *)element(dx, i * size));
                else
                    f64_add(n, places, from, (void *)element(dx, i * size));
            }
        }
    }
}

static job job_of(const hone__sampling *s, const hone_tensor *image, const hone_tensor *samples)
{
    job j = { .s = s, .image = image, .samples = samples, .extent = { 1, 1, 1 } };
    for (int d = 3 - s->dims; d < 3; d++) {
        j.extent[d] = image->shape[image->ndim - 3 + d];
        j.stride[d] = image->stride[image->ndim - 3 + d];
    }
    return j;
}

static double ns_per_channel(const hone__sampling *s)
{
    const double along = s->mode == HONE__SAMPLE_CUBIC ? 4 : s->mode == HONE__SAMPLE_LINEAR ? 2 : 1;
    return NS_PER_TAP * along * along * (s->dims == 3 ? along : 1);
}

void hone__sample(const hone__sampling *s, const hone_tensor *x, const hone_tensor *y)
{
    job j = job_of(s, x, y);
    hone__parallel_for(x->shape[0] * s->places, FEW,
                       NS_PER_PLACE * s->dims + (double)x->shape[1] * ns_per_channel(s),
                       take_places, &j);
}

void hone__sample_add(const hone__sampling *s, const hone_tensor *dy, const hone_tensor *dx)
{
    job j = job_of(s, dx, dy);
    const double plane = (double)(dx->numel / (dx->shape[0] * dx->shape[1]));
    hone__parallel_for(dx->shape[0] * dx->shape[1], 1,
                       plane / 8 + (double)s->places * (NS_PER_PLACE + ns_per_channel(s)),
                       add_planes, &j);
}
