/* catalog_grid_sample.c: rows of src/ops/grid_sample.c. */
#include "catalog.h"

#include <math.h>
#include <string.h>

static bool is(const catalog_row *row, const char *attribute, const char *value)
{
    return strcmp(catalog_text(row, attribute).at, value) == 0;
}

/* Places of which no weight has a kink nearby: none is near an element, or halfway to the next. */
static void fill_grid(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const int dims = in->ndim - 2;
    const bool corners = catalog_bool(row, "align_corners");
    for (int64_t k = 0; k < in[i].numel; k++) {
        const int64_t extent = in->shape[in->ndim - 1 - k % dims];
        const double n = (double)extent, share = catalog_uniform(random);
        const double cell = (double)(int64_t)(catalog_random(random) % (uint64_t)(extent + 5)) - 3;
        const double u = cell + (share < 0.5 ? 0.1 + 0.6 * share : 0.3 + 0.6 * share);
        in[i].at[k] = corners ? 2 * u / (n > 1 ? n - 1 : 1) - 1 : (2 * u + 1) / n - 1;
    }
}

/* Whole turns between the mirrors are taken away one by one. */
static double mirror(double u, double low, double high)
{
    if (high <= low)
        return 0;
    while (u < low || u > high)
        u = u < low ? 2 * low - u : 2 * high - u;
    return u;
}

static double bounded(const catalog_row *row, double u, int64_t extent)
{
    const double last = (double)(extent - 1);
    if (is(row, "padding_mode", "reflection"))
        u = catalog_bool(row, "align_corners") ? mirror(u, 0, last) : mirror(u, -0.5, last + 0.5);
    return is(row, "padding_mode", "reflection") || is(row, "padding_mode", "border")
               ? fmin(fmax(u, 0), last)
               : u;
}

static double cubic(double d)
{
    const double a = -0.75;
    d = fabs(d);
    if (d >= 2)
        return 0;
    return d < 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1
                 : a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
}

enum { MOST = 64 };

/* What share each element of an axis has at a place. */
static void shares_at(const catalog_row *row, double place, int64_t extent, double *share)
{
    const double n = (double)extent;
    double u =
        catalog_bool(row, "align_corners") ? (place + 1) / 2 * (n - 1) : ((place + 1) * n - 1) / 2;
    memset(share, 0, MOST * sizeof *share);
    if (!is(row, "mode", "bicubic"))
        u = bounded(row, u, extent);
    for (double k = floor(u) - 1; k <= floor(u) + 2; k++) {
        double weight = fmax(0, 1 - fabs(u - k)), at = k;
        if (is(row, "mode", "nearest"))
            weight = rint(u) == k;
        if (is(row, "mode", "bicubic")) {
            weight = cubic(u - k);
            at = bounded(row, k, extent);
        }
        if (at >= 0 && at < n)
            share[(int64_t)at] += weight;
    }
}

static void sample_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    const int dims = in->ndim - 2;
    const int64_t *extent = in->shape + 2;
    int64_t shape[5] = { in->shape[0], in->shape[1] }, places = 1, volume = 1;
    (void)n_in;
    for (int d = 0; d < dims; d++) {
        shape[2 + d] = in[1].shape[1 + d];
        places *= shape[2 + d];
        volume *= extent[d];
    }
    catalog_shape(out, in->dtype, in->ndim, shape);
    for (int64_t k = 0; k < out->numel; k++) {
        const int64_t sample = k / places / shape[1];
        double share[3][MOST];
        for (int d = 0; d < dims; d++)
            shares_at(row, in[1].at[(sample * places + k % places) * dims + dims - 1 - d],
                      extent[d], share[d]);
        for (int64_t i = 0; i < volume; i++) {
            double weight = 1;
            int64_t at = i;
            for (int d = dims - 1; d >= 0; d--) {
                weight *= share[d][at % extent[d]];
                at /= extent[d];
            }
            out->at[k] += weight * in->at[k / places * volume + i];
        }
    }
}

static const char *const planes[] = { "2x2x4x5 2x2x3x2",     "1x2x3x4:t 1x2x2x2:t",
                                      "2x1x2x3:s 2x3x2x2:s", "3x1x3x3:e 3x1x2x2",
                                      "2x3x3x2 2x1x2x2:e",   "0x2x3x3 0x2x2x2",
                                      "1x2x3x3 1x0x2x2",     NULL };
static const char *const volumes[] = { "1x2x3x4x2 1x2x1x2x3", "2x1x2x3x4:t 2x1x2x2x3:s",
                                       "0x1x2x2x2 0x1x1x2x3", NULL };

#define ROW(note_, cases_, bits_, text)                                                            \
    {                                                                                              \
        .op = "grid_sample", .note = note_, .attributes = text, .cases = cases_, .bits = bits_,    \
        .ulps = 40, .scale = 8, .in = { { catalog_any }, { fill_grid } }, .oracle = sample_oracle  \
    }
#define PLANE(note_, text) ROW(note_, planes, "2x5x13x9 2x7x11x2", text)

static const catalog_row rows[] = {
    PLANE("bilinear, zeros", "mode=bilinear padding_mode=zeros align_corners=false"),
    PLANE("bilinear, zeros, corners", "mode=bilinear padding_mode=zeros align_corners=true"),
    PLANE("bilinear, border", "mode=bilinear padding_mode=border align_corners=false"),
    PLANE("bilinear, reflection", "mode=bilinear padding_mode=reflection align_corners=false"),
    PLANE("bilinear, reflection, corners",
          "mode=bilinear padding_mode=reflection align_corners=true"),
    PLANE("nearest, zeros", "mode=nearest padding_mode=zeros align_corners=false"),
    PLANE("nearest, border, corners", "mode=nearest padding_mode=border align_corners=true"),
    PLANE("nearest, reflection", "mode=nearest padding_mode=reflection align_corners=false"),
    PLANE("bicubic, zeros", "mode=bicubic padding_mode=zeros align_corners=false"),
    PLANE("bicubic, border, corners", "mode=bicubic padding_mode=border align_corners=true"),
    PLANE("bicubic, reflection", "mode=bicubic padding_mode=reflection align_corners=false"),
    ROW("trilinear, zeros", volumes, "2x3x5x6x7 2x3x4x5x3",
        "mode=bilinear padding_mode=zeros align_corners=false"),
    ROW("trilinear, reflection", volumes, "2x3x5x6x7 2x3x4x5x3",
        "mode=bilinear padding_mode=reflection align_corners=true"),
    ROW("nearest of volumes", volumes, "2x3x5x6x7 2x3x4x5x3",
        "mode=nearest padding_mode=border align_corners=false"),
};
CATALOG_FAMILY(grid_sample);
