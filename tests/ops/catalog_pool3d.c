/* catalog_pool3d.c: rows of the poolings of volumes (src/ops/pool.c, avg_pool.c, adaptive_pool.c) and
 * of src/ops/unpool.c. */
#include "catalog.h"

#include <math.h>
#include <string.h>

enum { MOST = 64 };

/* Windows of an axis: their places, and the numbers whose product divides their sum. */
typedef struct {
    int64_t n, extent, first[MOST], count[MOST], step, divisor[MOST];
} axis;

static void sliding(const catalog_row *row, int d, int64_t extent, axis *a)
{
    int64_t k[3], s[3], p[3], g[3];
    catalog_triple(row, "kernel_size", k);
    catalog_triple(row, "stride", s);
    catalog_triple(row, "padding", p);
    catalog_triple(row, "dilation", g);
    const int64_t stride = s[d] ? s[d] : k[d], dilation = g[d] ? g[d] : 1;
    *a = (axis){ .extent = extent, .step = dilation };
    for (int64_t at = -p[d];; at += stride) {
        const int64_t last = at + dilation * (k[d] - 1), end = extent + p[d];
        if (last >= end &&
            !(catalog_bool(row, "ceil_mode") && last - stride < end - 1 && at < extent))
            break;
        a->first[a->n] = at;
        a->count[a->n] = k[d];
        a->divisor[a->n++] = (last + 1 < end ? last + 1 : end) - at;
    }
}

static void adaptive(int64_t extent, int64_t n, axis *a)
{
    *a = (axis){ .n = n, .extent = extent, .step = 1 };
    for (int64_t o = 0; o < n; o++) {
        a->first[o] = (int64_t)floor((double)(o * extent) / (double)n);
        a->count[o] = (int64_t)ceil((double)((o + 1) * extent) / (double)n) - a->first[o];
        a->divisor[o] = a->count[o];
    }
}

static bool is_adaptive(const catalog_row *row)
{
    return strncmp(row->op, "adaptive", 8) == 0;
}

static void sizes_of(const catalog_row *row, int64_t *size)
{
    size[0] = catalog_int(row, "depth");
    size[1] = catalog_int(row, "height");
    size[2] = catalog_int(row, "width");
}

/* Places of window o's elements in the volume, one after the other. */
typedef struct {
    int64_t n, at[4096];
} window;

static void elements_of(const axis *a, int64_t o, window *w)
{
    const int64_t at[] = { o / (a[1].n * a[2].n), o / a[2].n % a[1].n, o % a[2].n };
    w->n = 0;
    for (int64_t i = 0; i < a[0].count[at[0]]; i++)
        for (int64_t j = 0; j < a[1].count[at[1]]; j++)
            for (int64_t k = 0; k < a[2].count[at[2]]; k++) {
                const int64_t z = a[0].first[at[0]] + i * a[0].step;
                const int64_t y = a[1].first[at[1]] + j * a[1].step;
                const int64_t x = a[2].first[at[2]] + k * a[2].step;
                if (z >= 0 && z < a[0].extent && y >= 0 && y < a[1].extent && x >= 0 &&
                    x < a[2].extent)
                    w->at[w->n++] = (z * a[1].extent + y) * a[2].extent + x;
            }
}

static double divisor(const catalog_row *row, const axis *a, int64_t o, const window *w)
{
    if (catalog_int(row, "divisor_override"))
        return (double)catalog_int(row, "divisor_override");
    if (catalog_bool(row, "count_exclude_pad"))
        return (double)w->n;
    return (double)(a[0].divisor[o / (a[1].n * a[2].n)] * a[1].divisor[o / a[2].n % a[1].n] *
                    a[2].divisor[o % a[2].n]);
}

/* The axes of x of these extents. */
static void axes_of(const catalog_row *row, const int64_t *extent, axis *a)
{
    int64_t size[3];
    sizes_of(row, size);
    for (int d = 0; d < 3; d++)
        if (is_adaptive(row))
            adaptive(extent[d], size[d] < 0 ? extent[d] : size[d], a + d);
        else
            sliding(row, d, extent[d], a + d);
}

static void like(const catalog_array *in, int dims, const int64_t *extent, hone_dtype dtype,
                 catalog_array *out)
{
    int64_t shape[HONE_MAX_DIMS];
    memcpy(shape, in->shape, sizeof shape);
    memcpy(shape + in->ndim - dims, extent, (size_t)dims * sizeof *extent);
    catalog_shape(out, dtype, in->ndim, shape);
}

static void pool_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    static axis a[3];
    static window w;
    const int64_t *extent = in->shape + in->ndim - 3;
    const int64_t volume = extent[0] * extent[1] * extent[2];
    (void)n_in;
    axes_of(row, extent, a);
    const int64_t results[] = { a[0].n, a[1].n, a[2].n }, n = a[0].n * a[1].n * a[2].n;
    like(in, 3, results, row->output ? HONE_I64 : in->dtype, out);
    for (int64_t k = 0; k < out->numel; k++) {
        const double *x = in->at + k / n * volume;
        elements_of(a, k % n, &w);
        int64_t best = w.at[0];
        double sum = 0;
        for (int64_t i = 0; i < w.n; i++) {
            sum += x[w.at[i]];
            best = x[w.at[i]] > x[best] ? w.at[i] : best;
        }
        out->at[k] = strstr(row->op, "avg") ? sum / divisor(row, a, k % n, &w)
                     : row->output          ? (double)best
                                            : x[best];
    }
}

static void spread_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    static axis a[3];
    static window w;
    int64_t extent[3];
    (void)n_in;
    sizes_of(row, extent);
    for (int d = 0; d < 3; d++)
        if (is_adaptive(row))
            adaptive(extent[d], in->shape[in->ndim - 3 + d], a + d);
        else
            sliding(row, d, extent[d], a + d);
    const int64_t n = a[0].n * a[1].n * a[2].n, volume = extent[0] * extent[1] * extent[2];
    like(in, 3, extent, in->dtype, out);
    for (int64_t k = 0; k < in->numel; k++) {
        elements_of(a, k % n, &w);
        for (int64_t i = 0; i < w.n; i++)
            out->at[k / n * volume + w.at[i]] += in->at[k] / divisor(row, a, k % n, &w);
    }
}

/* ---- places given back */

static int dims_of(const catalog_row *row)
{
    return strstr(row->op, "1d") ? 1 : strstr(row->op, "2d") ? 2 : 3;
}

/* Extents of what indices point into. */
static int64_t target(const catalog_row *row, const catalog_array *in, int64_t *extent)
{
    const int dims = dims_of(row);
    int64_t k[3], s[3], p[3], given[3], n = 1;
    catalog_triple(row, "kernel_size", k);
    catalog_triple(row, "stride", s);
    catalog_triple(row, "padding", p);
    catalog_triple(row, "output_size", given);
    for (int d = 0; d < dims; d++) {
        const int64_t x = in->shape[in->ndim - dims + d];
        extent[d] = (x - 1) * (s[d] ? s[d] : k[d]) - 2 * p[d] + k[d];
        extent[d] = given[d] ? given[d] : extent[d];
    }
    if (strstr(row->op, "backward"))
        sizes_of(row, extent);
    for (int d = 0; d < dims; d++)
        n *= extent[d];
    return n;
}

/* Different ones within a plane, but for the gradient. */
static void fill_indices(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const int dims = dims_of(row);
    int64_t extent[3], count = 1;
    const int64_t n = target(row, in, extent);
    const bool repeats = strstr(row->op, "backward");
    for (int d = 0; d < dims; d++)
        count *= in[i].shape[in[i].ndim - dims + d];
    for (int64_t k = 0; k < in[i].numel; k++) {
        const int64_t first = k / count * count, start = (int64_t)(catalog_random(random) >> 1) % n;
        int64_t at = start;
        for (int64_t j = first; !repeats && j < k; j++)
            if (in[i].at[j] == (double)at) {
                at = (at + 1) % n;
                j = first - 1;
            }
        in[i].at[k] = (double)at;
    }
}

static void places_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    const int dims = dims_of(row);
    int64_t extent[3], count = 1;
    const int64_t n = target(row, in, extent);
    (void)n_in;
    like(in, dims, extent, in->dtype, out);
    for (int d = 0; d < dims; d++)
        count *= in->shape[in->ndim - dims + d];
    for (int64_t k = 0; k < in->numel; k++)
        out->at[k / count * n + (int64_t)in[1].at[k]] += in->at[k];
}

static const char *const volumes[] = { "2x2x4x5x6",   "1x2x4x5x6:t", "2x5x4x7:s",
                                       "3x1x4x4x5:e", "0x2x4x4x5",   NULL };
static const char *const back[] = { "2x2x2x3x3",   "1x2x2x3x3:t", "2x2x3x3:s",
                                    "2x1x2x3x3:e", "0x2x2x3x3",   NULL };
static const char *const pairs[] = { "2x2x2x2x3 2x2x2x2x3", "1x2x2x1x3:t 1x2x2x1x3:s",
                                     "2x2x3x2:s 2x2x3x2:t", "2x1x2x2x2:e 2x1x2x2x2",
                                     "0x2x2x2x2 0x2x2x2x2", NULL };
static const char *const planes[] = { "2x3x3x4 2x3x3x4",   "2x2x3x2:t 2x2x3x2:s", "3x2x4:s 3x2x4:t",
                                      "2x1x3x3:e 2x1x3x3", "0x2x3x3 0x2x3x3",     NULL };
static const char *const rows1[] = { "2x3x5 2x3x5", "3x4:t 3x4:s", "2x1x4:e 2x1x4", "0x2x3 0x2x3",
                                     NULL };

#define ROW(op_, note_, cases_, bits_, oracle_, text)                                              \
    {                                                                                              \
        .op = op_, .note = note_, .attributes = text, .cases = cases_, .bits = bits_, .scale = 8,  \
        .in = { { catalog_any } }, .oracle = oracle_                                               \
    }
#define MAX(op_, note_, text)                                                                      \
    { .op = op_,                                                                                   \
      .note = note_,                                                                               \
      .attributes = text,                                                                          \
      .cases = volumes,                                                                            \
      .bits = "2x3x11x14x17",                                                                      \
      .in = { { catalog_apart } },                                                                 \
      .oracle = pool_oracle },                                                                     \
    {                                                                                              \
        .op = op_, .note = "indices, " note_, .attributes = text, .cases = volumes,                \
        .bits = "2x3x11x14x17", .in = { { catalog_apart } }, .oracle = pool_oracle, .output = 1,   \
        .no_gradient = "indices"                                                                   \
    }
#define PLACES(op_, note_, cases_, bits_, text)                                                    \
    {                                                                                              \
        .op = op_, .note = note_, .attributes = text, .cases = cases_, .bits = bits_, .scale = 8,  \
        .in = { { catalog_any }, { fill_indices, CATALOG_FIXED(HONE_I64), true } },                \
        .oracle = places_oracle                                                                    \
    }

static const catalog_row rows[] = {
    MAX("max_pool3d", "2x2x2", "kernel_size=2"),
    MAX("max_pool3d", "overlapping", "kernel_size=3,2,3 stride=1,2,1 padding=1,0,1"),
    MAX("max_pool3d", "ceil, dilated",
        "kernel_size=2,3,2 stride=2 padding=0,1,1 dilation=2,1,2 ceil_mode=true"),
    PLACES("max_pool3d_backward", NULL, pairs, "2x3x7x5x6 2x3x7x5x6", "depth=3 height=2 width=4"),
    ROW("avg_pool3d", "2x2x2", volumes, "2x3x11x14x17", pool_oracle, "kernel_size=2"),
    ROW("avg_pool3d", "ceil, padding", volumes, "2x3x11x14x17", pool_oracle,
        "kernel_size=3,2,3 stride=2,1,2 padding=1,1,0 ceil_mode=true"),
    ROW("avg_pool3d", "without padding", volumes, "2x3x11x14x17", pool_oracle,
        "kernel_size=3,2,2 stride=1 padding=1,0,1 count_exclude_pad=true"),
    ROW("avg_pool3d", "divisor", volumes, "2x3x11x14x17", pool_oracle,
        "kernel_size=2,3,1 divisor_override=7"),
    ROW("avg_pool3d_backward", NULL, back, "5x7x2x3x3", spread_oracle,
        "depth=4 height=5 width=3 kernel_size=2,3,1 stride=2,1,1 ceil_mode=true"),
    ROW("adaptive_avg_pool3d", "fewer", volumes, "2x3x11x14x17", pool_oracle,
        "depth=2 height=3 width=4"),
    ROW("adaptive_avg_pool3d", "more", volumes, "2x3x11x14x17", pool_oracle,
        "depth=7 height=-1 width=1"),
    ROW("adaptive_avg_pool3d_backward", NULL, back, "2x3x7x9x8", spread_oracle,
        "depth=5 height=2 width=4"),
    MAX("adaptive_max_pool3d", "fewer", "depth=2 height=3 width=-1"),
    MAX("adaptive_max_pool3d", "more", "depth=5 height=1 width=8"),
    PLACES("max_unpool1d", NULL, rows1, "3x5x60 3x5x60", "kernel_size=3 stride=2 padding=1"),
    PLACES("max_unpool2d", NULL, planes, "3x5x9x8 3x5x9x8", "kernel_size=2"),
    PLACES("max_unpool2d", "strided", planes, "3x5x9x8 3x5x9x8",
           "kernel_size=3,2 stride=2,3 padding=1,0"),
    PLACES("max_unpool3d", NULL, pairs, "2x3x4x5x6 2x3x4x5x6", "kernel_size=2,3,2 stride=2"),
};
CATALOG_FAMILY(pool3d);
