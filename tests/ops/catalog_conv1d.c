/* catalog_conv1d.c: rows of src/ops/conv1d.c. */
#include "catalog.h"

#include <string.h>

/* Of an axis: the attributes, and extents of x, the kernel and the result. */
typedef struct {
    int64_t stride, padding, dilation, more, in, taps, out;
} axis;

static int64_t number(const catalog_row *row, const char *name, int i)
{
    int64_t pair[2];
    catalog_pair(row, name, pair);
    return pair[i];
}

static axis axis_of(const catalog_row *row, int i, int64_t in, int64_t taps, bool transposed)
{
    axis a = { number(row, "stride", i),
               number(row, "padding", i),
               number(row, "dilation", i),
               number(row, "output_padding", i),
               in,
               taps,
               0 };
    a.stride = a.stride ? a.stride : 1;
    a.dilation = a.dilation ? a.dilation : 1;
    const int64_t reach = a.dilation * (taps - 1);
    if (strcmp(catalog_text(row, "auto_pad").at, "same") == 0) {
        a.padding = reach / 2;
        a.out = in;
    } else if (transposed) {
        a.out = (in - 1) * a.stride - 2 * a.padding + reach + a.more + 1;
    } else {
        a.out = (in + 2 * a.padding - reach - 1) / a.stride + 1;
    }
    return a;
}

/* All that is known of the planes; a row is a plane one row high. */
typedef struct {
    axis h, w;
    int64_t n, channels, outputs, groups;
} geometry;

static geometry geometry_of(const catalog_row *row, const catalog_array *in, catalog_array *out)
{
    const bool one = strstr(row->op, "1d") != NULL, transposed = strstr(row->op, "transpose");
    const axis flat = { 1, 0, 1, 0, 1, 1, 1 };
    const int d = in->ndim, k = in[1].ndim;
    int64_t shape[HONE_MAX_DIMS];
    geometry g = { .h = one ? flat : axis_of(row, 0, in->shape[d - 2], in[1].shape[2], transposed),
                   .w = axis_of(row, 1, in->shape[d - 1], in[1].shape[k - 1], transposed),
                   .groups = catalog_int(row, "groups") ? catalog_int(row, "groups") : 1 };
    const int lead = d - (one ? 2 : 3);
    g.n = lead ? in->shape[0] : 1;
    g.channels = in->shape[lead];
    g.outputs = transposed ? in[1].shape[1] * g.groups : in[1].shape[0];
    memcpy(shape, in->shape, sizeof shape);
    shape[lead] = g.outputs;
    if (!one)
        shape[d - 2] = g.h.out;
    shape[d - 1] = g.w.out;
    catalog_shape(out, in->dtype, d, shape);
    return g;
}

/* The plane of `extent` that number `index` is of. */
static double *plane(const catalog_array *t, int64_t index, int64_t h, int64_t w)
{
    return t->at + index * h * w;
}

/* Every tap of a pair of planes: of the large one at (y stride - padding + i dilation) and the small
 * one at y. */
static void each_tap(const geometry *g, bool transposed, const double *x, const double *kernel,
                     double *to)
{
    const int64_t ny = transposed ? g->h.in : g->h.out, nx = transposed ? g->w.in : g->w.out;
    const int64_t my = transposed ? g->h.out : g->h.in, mx = transposed ? g->w.out : g->w.in;
    for (int64_t k = 0; k < ny * nx * g->h.taps * g->w.taps; k++) {
        const int64_t j = k % g->w.taps, i = k / g->w.taps % g->h.taps;
        const int64_t place = k / (g->w.taps * g->h.taps), px = place % nx, py = place / nx;
        const int64_t r = py * g->h.stride - g->h.padding + i * g->h.dilation;
        const int64_t c = px * g->w.stride - g->w.padding + j * g->w.dilation;
        if (r < 0 || r >= my || c < 0 || c >= mx)
            continue;
        const int64_t large = r * mx + c;
        to[transposed ? large : place] += x[transposed ? place : large] * kernel[i * g->w.taps + j];
    }
}

static void conv_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    const geometry g = geometry_of(row, in, out);
    const bool transposed = strstr(row->op, "transpose") != NULL;
    const int64_t cg = g.channels / g.groups, og = g.outputs / g.groups;
    (void)n_in;
    for (int64_t n = 0; n < g.n; n++)
        for (int64_t o = 0; o < g.outputs; o++) {
            double *to = plane(out, n * g.outputs + o, g.h.out, g.w.out);
            for (int64_t k = 0; k < g.h.out * g.w.out && !in[2].none; k++)
                to[k] = in[2].at[o];
            for (int64_t c = 0; c < cg; c++) {
                const int64_t channel = o / og * cg + c;
                const int64_t kernel = transposed ? channel * og + o % og : o * cg + c;
                each_tap(&g, transposed, plane(in, n * g.channels + channel, g.h.in, g.w.in),
                         plane(in + 1, kernel, g.h.taps, g.w.taps), to);
            }
        }
}

static const char *const rows1[] = { "2x4x7 6x2x3 6",   "2x4x7:t 6x2x3:t -", "4x8:s 2x2x2:s 2:s",
                                     "3x4x6:e 4x2x3 4", "0x4x6 2x2x3 2",     NULL };
static const char *const back1[] = { "2x4x5 4x3x3 6", "2x4x5:t 4x3x3:t -", "4x4:s 4x1x2:s 2:s",
                                     "3x4x3:e 4x2x3 4", NULL };
static const char *const back2[] = { "2x4x3x4 4x3x3x2 6",     "2x4x3x4:t 4x3x3x2:t -",
                                     "4x2x3:s 4x1x2x2:s 2:s", "3x4x2x3:e 4x2x3x3 4",
                                     "0x4x3x4 4x3x3x2 6",     NULL };

#define ROW(name, note_, cases_, bits_, text)                                                      \
    {                                                                                              \
        .op = name, .note = note_, .attributes = text, .cases = cases_, .bits = bits_, .ulps = 8,  \
        .scale = 40, .in = { { catalog_any } }, .oracle = conv_oracle                              \
    }

static const catalog_row rows[] = {
    ROW("conv1d", NULL, rows1, "5x12x67 8x6x5 8", "groups=2"),
    ROW("conv1d", "strided", rows1, "5x12x67 8x6x5 8", "stride=2 padding=2 dilation=2 groups=2"),
    ROW("conv1d", "same", rows1, "5x12x67 8x6x4 8", "dilation=2 groups=2 auto_pad=same"),
    ROW("conv_transpose1d", NULL, back1, "5x12x67 12x4x5 8", "groups=2"),
    ROW("conv_transpose1d", "strided", back1, "5x12x67 12x4x5 8",
        "stride=3 padding=1 output_padding=2 groups=2"),
    ROW("conv_transpose1d", "dilated", back1, "5x12x67 12x4x5 8",
        "padding=1 output_padding=2 dilation=3 groups=2"),
    ROW("conv_transpose2d", NULL, back2, "3x12x7x11 12x4x3x2 8", "groups=2"),
    ROW("conv_transpose2d", "strided", back2, "3x12x7x11 12x4x3x2 8",
        "stride=2,3 padding=1,0 output_padding=1,2 groups=2"),
    ROW("conv_transpose2d", "dilated", back2, "3x12x7x11 12x4x3x2 8",
        "stride=2 padding=0,1 output_padding=1,2 dilation=1,3 groups=2"),
};
CATALOG_FAMILY(conv1d);
