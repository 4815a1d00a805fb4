/* catalog_interpolate.c: rows of src/ops/interpolate.c. */
#include "catalog.h"

#include <math.h>
#include <string.h>

enum { MOST = 128 };

/* The share that each element of an axis has in each result. */
typedef struct {
    int64_t in, out;
    double share[MOST][MOST]; /* of result o, of element i */
} axis;

static double cubic(double d)
{
    const double a = -0.75;
    d = fabs(d);
    if (d >= 2)
        return 0;
    return d < 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1
                 : a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
}

static int64_t inside(int64_t i, int64_t extent)
{
    return i < 0 ? 0 : i >= extent ? extent - 1 : i;
}

static void fill_axis(const char *mode, bool corners, double step, axis *a)
{
    memset(a->share, 0, sizeof a->share);
    for (int64_t o = 0; o < a->out; o++) {
        double *share = a->share[o];
        double at = corners ? (double)o * step : ((double)o + 0.5) * step - 0.5;
        if (strncmp(mode, "nearest", 7) == 0) {
            const float place = ((float)o + (mode[7] ? 0.5f : 0)) * (float)step;
            share[inside((int64_t)floorf(place), a->in)] = 1;
            continue;
        }
        if (strcmp(mode, "bicubic") == 0) {
            for (int64_t k = (int64_t)floor(at) - 1; k <= (int64_t)floor(at) + 2; k++)
                share[inside(k, a->in)] += cubic(at - (double)k);
            continue;
        }
        at = a->in == a->out ? (double)o : at < 0 ? 0 : at; /* a copy, whatever the factor */
        const int64_t low = inside((int64_t)at, a->in);
        const double rest = fmin(at - (double)low, 1);
        share[low] += 1 - rest;
        share[inside(low + 1, a->in)] += rest;
    }
}

static void interpolate_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                               catalog_array *out)
{
    static axis a[3];
    const int dims = in->ndim - 2;
    int64_t size[3], shape[5] = { in->shape[0], in->shape[1] }, volume = 1, results = 1;
    double factor[3];
    const catalog_words mode = catalog_text(row, "mode");
    const bool corners = catalog_bool(row, "align_corners");
    (void)n_in;
    catalog_triple(row, "size", size);
    catalog_floats(row, "scale_factor", factor);
    for (int d = 0; d < dims; d++) {
        a[d].in = in->shape[2 + d];
        a[d].out = size[0] ? size[d] : (int64_t)floor((double)a[d].in * factor[d]);
        double step = (double)a[d].in / (double)a[d].out;
        if (corners)
            step = a[d].out > 1 ? (double)(a[d].in - 1) / (double)(a[d].out - 1) : 0;
        else if (!size[0] && !catalog_bool(row, "recompute_scale_factor"))
            step = 1 / factor[d];
        fill_axis(*mode.at ? mode.at : "nearest", corners, step, &a[d]);
        shape[2 + d] = a[d].out;
        volume *= a[d].in;
        results *= a[d].out;
    }
    catalog_shape(out, in->dtype, in->ndim, shape);
    for (int64_t k = 0; k < out->numel; k++)
        for (int64_t i = 0; i < volume; i++) {
            double share = 1;
            int64_t o = k % results, at = i;
            for (int d = dims - 1; d >= 0; d--) {
                share *= a[d].share[o % a[d].out][at % a[d].in];
                o /= a[d].out;
                at /= a[d].in;
            }
            out->at[k] += share * in->at[k / results * volume + i];
        }
}

static const char *const rows1[] = { "2x3x7", "1x2x7:t", "2x2x5:s", "3x1x4:e",
                                     "0x2x5", "1x1x1",   NULL };
static const char *const planes[] = { "2x2x4x5",   "1x2x4x5:t", "1x2x5x3:s",
                                      "3x1x2x4:e", "0x2x3x3",   NULL };
static const char *const volumes[] = { "1x2x3x4x3",   "1x2x3x2x4:t", "2x1x2x3x4:s",
                                       "2x1x2x2x3:e", "0x2x3x3x2",   NULL };

#define ROW(note_, cases_, bits_, text)                                                            \
    {                                                                                              \
        .op = "interpolate", .note = note_, .attributes = text, .cases = cases_, .bits = bits_,    \
        .ulps = 8, .scale = 8, .in = { { catalog_any } }, .oracle = interpolate_oracle             \
    }

static const catalog_row rows[] = {
    ROW("nearest", planes, "2x3x17x13", "size=7,3"),
    ROW("nearest, factors", rows1, "2x3x47", "scale_factor=1.7"),
    ROW("nearest-exact", volumes, "2x2x7x5x9", "size=4,5,2 mode=nearest-exact"),
    ROW("linear", rows1, "2x3x47", "size=11 mode=linear"),
    ROW("linear, factor", rows1, "2x3x47", "scale_factor=2.6 mode=linear"),
    ROW("linear, recomputed", rows1, "2x3x47",
        "scale_factor=2.6 mode=linear recompute_scale_factor=true"),
    ROW("linear, corners", rows1, "2x3x47", "size=6 mode=linear align_corners=true"),
    ROW("bilinear", planes, "2x3x17x13", "size=7,3 mode=bilinear"),
    ROW("bilinear, corners", planes, "2x3x17x13", "size=3,9 mode=bilinear align_corners=true"),
    ROW("bilinear, factors", planes, "2x3x17x13", "scale_factor=1.3,0.6 mode=bilinear"),
    ROW("bicubic", planes, "2x3x17x13", "size=7,3 mode=bicubic"),
    ROW("bicubic, corners", planes, "2x3x17x13", "size=1,9 mode=bicubic align_corners=true"),
    ROW("bicubic, factors", planes, "2x3x17x13", "scale_factor=2 mode=bicubic"),
    ROW("trilinear", volumes, "2x2x7x5x9", "size=4,3,7 mode=trilinear"),
    ROW("trilinear, corners", volumes, "2x2x7x5x9", "size=5 mode=trilinear align_corners=true"),
};
CATALOG_FAMILY(interpolate);
