/* catalog_places.c: rows of src/ops/pixel_shuffle.c and fold.c. */
#include "catalog.h"

#include <string.h>

/* ---- pixel_shuffle */

static void shuffle_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    const bool up = strcmp(row->op, "pixel_shuffle") == 0;
    const int64_t r = catalog_int(row, up ? "upscale_factor" : "downscale_factor");
    const int n = in->ndim;
    int64_t shape[HONE_MAX_DIMS];
    (void)n_in;
    memcpy(shape, in->shape, sizeof shape);
    shape[n - 3] = up ? shape[n - 3] / (r * r) : shape[n - 3] * r * r;
    shape[n - 2] = up ? shape[n - 2] * r : shape[n - 2] / r;
    shape[n - 1] = up ? shape[n - 1] * r : shape[n - 1] / r;
    catalog_shape(out, in->dtype, n, shape);
    const catalog_array *large = up ? out : in;
    const int64_t height = large->shape[n - 2], width = large->shape[n - 1];
    for (int64_t k = 0; k < large->numel; k++) {
        const int64_t x = k % width, y = k / width % height, c = k / (width * height);
        const int64_t channel = (c * r + y % r) * r + x % r;
        const int64_t at = (channel * (height / r) + y / r) * (width / r) + x / r;
        if (up)
            out->at[k] = in->at[at];
        else
            out->at[at] = in->at[k];
    }
}

/* ---- unfold, fold */

/* Of height and width: the attributes, and the windows. */
typedef struct {
    int64_t kernel[2], dilation[2], padding[2], stride[2], extent[2], windows[2];
} geometry;

static int64_t geometry_of(const catalog_row *row, const int64_t *extent, geometry *g)
{
    catalog_pair(row, "kernel_size", g->kernel);
    catalog_pair(row, "dilation", g->dilation);
    catalog_pair(row, "padding", g->padding);
    catalog_pair(row, "stride", g->stride);
    for (int d = 0; d < 2; d++) {
        g->dilation[d] = g->dilation[d] ? g->dilation[d] : 1;
        g->stride[d] = g->stride[d] ? g->stride[d] : 1;
        g->extent[d] = extent[d];
        g->windows[d] = 0;
        for (int64_t at = -g->padding[d];
             at + g->dilation[d] * (g->kernel[d] - 1) < extent[d] + g->padding[d];
             at += g->stride[d])
            g->windows[d]++;
    }
    return g->windows[0] * g->windows[1];
}

/* Every column's element beside its place in the image. */
static void each(const geometry *g, int64_t planes, double *columns, double *image, bool fold)
{
    const int64_t taps = g->kernel[0] * g->kernel[1], n = g->windows[0] * g->windows[1];
    for (int64_t i = 0; i < planes * taps * n; i++) {
        const int64_t l = i % n, k = i / n % taps, plane = i / n / taps;
        const int64_t y =
            l / g->windows[1] * g->stride[0] - g->padding[0] + k / g->kernel[1] * g->dilation[0];
        const int64_t x =
            l % g->windows[1] * g->stride[1] - g->padding[1] + k % g->kernel[1] * g->dilation[1];
        if (y < 0 || y >= g->extent[0] || x < 0 || x >= g->extent[1])
            continue;
        double *at = &image[(plane * g->extent[0] + y) * g->extent[1] + x];
        if (fold)
            *at += columns[i];
        else
            columns[i] = *at;
    }
}

static void unfold_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    const int lead = in->ndim - 3;
    geometry g;
    const int64_t n = geometry_of(row, in->shape + in->ndim - 2, &g);
    const int64_t shape[] = { in->shape[0], in->shape[lead] * g.kernel[0] * g.kernel[1], n };
    (void)n_in;
    catalog_shape(out, in->dtype, 2 + lead, shape + 1 - lead);
    each(&g, (lead ? in->shape[0] : 1) * in->shape[lead], out->at, in->at, false);
}

static void fold_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    const int lead = in->ndim - 2;
    const int64_t extent[] = { catalog_int(row, "height"), catalog_int(row, "width") };
    geometry g;
    geometry_of(row, extent, &g);
    const int64_t channels = in->shape[lead] / (g.kernel[0] * g.kernel[1]);
    const int64_t shape[] = { in->shape[0], channels, extent[0], extent[1] };
    (void)n_in;
    catalog_shape(out, in->dtype, 3 + lead, shape + 1 - lead);
    each(&g, (lead ? in->shape[0] : 1) * channels, in->at, out->at, true);
}

static const char *const up[] = { "2x8x2x3", "1x4x3x2:t", "2x1x4x2x2:s", "12x1x2", "3x4x2x2:e",
                                  "0x4x2x2", "2x4x0x3",   "1x4x1x1",     NULL };
static const char *const down[] = { "2x2x4x6",   "1x1x6x2:t", "2x3x1x2x4:s", "3x2x4",
                                    "3x1x2x2:e", "0x1x4x2",   "2x1x0x2",     NULL };
static const char *const images[] = { "2x3x5x6",   "2x2x5x6:t", "3x6x5:s",
                                      "3x1x5x5:e", "0x2x5x5",   NULL };
/* height 5, width 6: 2 x 5 windows of 3 x 2 */
static const char *const columns[] = {
    "2x12x10", "1x6x10:t", "12x10:s", "3x6x10:e", "0x6x10", NULL
};

#define ROW(op_, note_, cases_, bits_, oracle_, text)                                              \
    {                                                                                              \
        .op = op_, .note = note_, .attributes = text, .cases = cases_, .bits = bits_, .scale = 10, \
        .in = { { catalog_any } }, .oracle = oracle_                                               \
    }

static const catalog_row rows[] = {
    { .op = "pixel_shuffle",
      .attributes = "upscale_factor=2",
      .cases = up,
      .bits = "3x12x9x7",
      .dtypes = CATALOG_ALL,
      .in = { { catalog_any } },
      .oracle = shuffle_oracle },
    { .op = "pixel_unshuffle",
      .attributes = "downscale_factor=2",
      .cases = down,
      .bits = "3x5x8x14",
      .dtypes = CATALOG_ALL,
      .in = { { catalog_any } },
      .oracle = shuffle_oracle },
    ROW("unfold", "plain", images, "3x5x19x23", unfold_oracle, "kernel_size=3,2"),
    ROW("unfold", "all options", images, "3x5x19x23", unfold_oracle,
        "kernel_size=2,3 dilation=3,1 padding=1,2 stride=2,3"),
    ROW("fold", "plain", columns, "7x36x10", fold_oracle, "height=4 width=6 kernel_size=3,2"),
    ROW("fold", "all options", columns, "7x36x10", fold_oracle,
        "height=5 width=4 kernel_size=3,2 dilation=1,3 padding=0,2 stride=2,1"),
};
CATALOG_FAMILY(places);
