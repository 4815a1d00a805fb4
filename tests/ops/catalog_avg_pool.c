/* catalog_avg_pool.c: rows of src/ops/avg_pool.c and pool1d.c. */
#include "catalog.h"

#include <math.h>
#include <string.h>

enum { MOST = 700 };

/* Windows [begin, end) along an axis, and the numbers whose product divides their sum. */
typedef struct {
    int64_t n, extent, begin[MOST], end[MOST], divisor[MOST];
} axis;

/* An attribute's number of the height (i 0) or the width. */
static int64_t number(const catalog_row *row, const char *name, int i)
{
    int64_t pair[2];
    catalog_pair(row, name, pair);
    return pair[i];
}

static void sliding(const catalog_row *row, int i, int64_t extent, axis *a)
{
    const int64_t k = number(row, "kernel_size", i), p = number(row, "padding", i);
    const int64_t d = number(row, "dilation", i) > 1 ? number(row, "dilation", i) : 1;
    const int64_t s = number(row, "stride", i) ? number(row, "stride", i) : k;
    a->n = 0;
    a->extent = extent;
    for (int64_t at = -p;; at += s) {
        const int64_t last = at + d * (k - 1), padded = extent + p;
        if (last >= padded &&
            !(catalog_bool(row, "ceil_mode") && last - s < padded - 1 && at < extent))
            break;
        a->begin[a->n] = at;
        a->end[a->n] = last + 1;
        a->divisor[a->n++] = (last + 1 < padded ? last + 1 : padded) - at;
    }
}

static void adaptive(int64_t extent, int64_t n, axis *a)
{
    a->extent = extent;
    a->n = n;
    for (int64_t o = 0; o < n; o++) {
        a->begin[o] = (int64_t)floor((double)(o * extent) / (double)n);
        a->end[o] = (int64_t)ceil((double)((o + 1) * extent) / (double)n);
        a->divisor[o] = a->end[o] - a->begin[o];
    }
}

/* The axes of planes of height x width; a 1-d op has planes of one row. */
static void axes_of(const catalog_row *row, int64_t height, int64_t width, axis a[2])
{
    const bool one = strstr(row->op, "1d") != NULL;
    if (strncmp(row->op, "adaptive", 8) != 0) {
        sliding(row, 0, height, a);
        sliding(row, 1, width, a + 1);
        if (one)
            adaptive(1, 1, a);
    } else if (one) {
        adaptive(1, 1, a);
        adaptive(width, catalog_int(row, "length"), a + 1);
    } else {
        const int64_t h = catalog_int(row, "height"), w = catalog_int(row, "width");
        adaptive(height, h < 0 ? height : h, a);
        adaptive(width, w < 0 ? width : w, a + 1);
    }
}

static double divisor(const catalog_row *row, const axis *a, int64_t y, int64_t x, int64_t inside)
{
    if (catalog_int(row, "divisor_override"))
        return (double)catalog_int(row, "divisor_override");
    return catalog_bool(row, "count_exclude_pad") ? (double)inside
                                                  : (double)(a[0].divisor[y] * a[1].divisor[x]);
}

/* Elements of the window (y, x) that lie in the plane, at their places, one after the other. */
typedef struct {
    int64_t n, at[4096];
} window;

static void elements_of(const axis *a, int64_t y, int64_t x, int64_t d0, int64_t d1, window *w)
{
    w->n = 0;
    for (int64_t i = a[0].begin[y]; i < a[0].end[y]; i += d0)
        for (int64_t j = a[1].begin[x]; j < a[1].end[x]; j += d1)
            if (i >= 0 && i < a[0].extent && j >= 0 && j < a[1].extent)
                w->at[w->n++] = i * a[1].extent + j;
}

static void pooled_shape(const catalog_row *row, const catalog_array *in, int64_t h, int64_t w,
                         hone_dtype dtype, catalog_array *out)
{
    int64_t shape[HONE_MAX_DIMS];
    memcpy(shape, in->shape, sizeof shape);
    if (!strstr(row->op, "1d"))
        shape[in->ndim - 2] = h;
    shape[in->ndim - 1] = w;
    catalog_shape(out, dtype, in->ndim, shape);
}

static int64_t height_of(const catalog_row *row, const catalog_array *in)
{
    return strstr(row->op, "1d") ? 1 : in->shape[in->ndim - 2];
}

static void avg_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    static axis a[2];
    static window w;
    (void)n_in;
    axes_of(row, height_of(row, in), in->shape[in->ndim - 1], a);
    pooled_shape(row, in, a[0].n, a[1].n, in->dtype, out);
    for (int64_t k = 0; k < out->numel; k++) {
        const int64_t y = k / a[1].n % a[0].n, x = k % a[1].n;
        const double *plane = in->at + k / (a[0].n * a[1].n) * a[0].extent * a[1].extent;
        elements_of(a, y, x, 1, 1, &w);
        for (int64_t i = 0; i < w.n; i++)
            out->at[k] += plane[w.at[i]];
        out->at[k] /= divisor(row, a, y, x, w.n);
    }
}

static void max_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    static axis a[2];
    static window w;
    const int64_t d = catalog_int(row, "dilation") > 1 ? catalog_int(row, "dilation") : 1;
    (void)n_in;
    axes_of(row, height_of(row, in), in->shape[in->ndim - 1], a);
    pooled_shape(row, in, a[0].n, a[1].n, row->output ? HONE_I64 : in->dtype, out);
    for (int64_t k = 0; k < out->numel; k++) {
        const double *plane = in->at + k / (a[0].n * a[1].n) * a[0].extent * a[1].extent;
        elements_of(a, k / a[1].n % a[0].n, k % a[1].n, 1, d, &w);
        int64_t best = w.at[0];
        for (int64_t i = 1; i < w.n; i++)
            best = plane[w.at[i]] > plane[best] ? w.at[i] : best;
        out->at[k] = row->output ? (double)best : plane[best];
    }
}

static void backward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    static axis a[2];
    static window w;
    const int64_t height = catalog_int(row, "height"), width = catalog_int(row, "width");
    const int n = in->ndim;
    (void)n_in;
    if (strncmp(row->op, "adaptive", 8) == 0) {
        adaptive(height, in->shape[n - 2], a);
        adaptive(width, in->shape[n - 1], a + 1);
    } else {
        axes_of(row, height, width, a);
    }
    pooled_shape(row, in, height, width, in->dtype, out);
    for (int64_t k = 0; k < in->numel; k++) {
        const int64_t y = k / a[1].n % a[0].n, x = k % a[1].n;
        double *plane = out->at + k / (a[0].n * a[1].n) * height * width;
        elements_of(a, y, x, 1, 1, &w);
        for (int64_t i = 0; i < w.n; i++)
            plane[w.at[i]] += in->at[k] / divisor(row, a, y, x, w.n);
    }
}

static const char *const planes[] = { "2x3x6x7",   "2x2x6x7:t", "2x6x7:s", "3x2x5x6:e",
                                      "1x1x6x6:s", "0x2x6x6",   "5x9x7",   NULL };
static const char *const rows1[] = { "2x3x7", "2x3x7:t", "3x8:s", "3x2x6:e", "0x2x6", NULL };
static const char *const avg_back[] = { "2x3x3x4",   "2x2x3x4:t", "3x3x4:s",
                                        "2x2x3x4:e", "0x2x3x4",   NULL };
static const char *const adaptive_back[] = { "2x3x3x4",   "2x2x5x2:t", "3x1x1:s",
                                             "2x2x7x9:e", "0x2x3x3",   NULL };

#define AVG(op_, note_, cases_, bits_, text)                                                       \
    {                                                                                              \
        .op = op_, .note = note_, .attributes = text, .cases = cases_, .bits = bits_, .scale = 4,  \
        .in = { { catalog_any } }, .oracle = avg_oracle                                            \
    }
#define BACKWARD(op_, note_, cases_, bits_, text)                                                  \
    {                                                                                              \
        .op = op_, .note = note_, .attributes = text, .cases = cases_, .bits = bits_, .scale = 4,  \
        .in = { { catalog_any } }, .oracle = backward_oracle                                       \
    }
#define MAX(op_, note_, cases_, bits_, text)                                                       \
    { .op = op_,                                                                                   \
      .note = note_,                                                                               \
      .attributes = text,                                                                          \
      .cases = cases_,                                                                             \
      .bits = bits_,                                                                               \
      .in = { { catalog_apart } },                                                                 \
      .oracle = max_oracle },                                                                      \
    {                                                                                              \
        .op = op_, .note = "indices, " note_, .attributes = text, .cases = cases_, .bits = bits_,  \
        .in = { { catalog_apart } }, .oracle = max_oracle, .output = 1, .no_gradient = "indices"   \
    }

static const catalog_row rows[] = {
    AVG("avg_pool2d", "2x2", planes, "3x5x40x43", "kernel_size=2"),
    AVG("avg_pool2d", "overlapping", planes, "3x5x40x43", "kernel_size=3 stride=1,2 padding=1"),
    AVG("avg_pool2d", "ceil", planes, "3x5x40x43",
        "kernel_size=3,2 stride=2,3 padding=1,0 ceil_mode=true"),
    AVG("avg_pool2d", "without padding", planes, "3x5x40x43",
        "kernel_size=3,4 stride=2 padding=1,2 ceil_mode=true count_exclude_pad=true"),
    AVG("avg_pool2d", "divisor", planes, "3x5x40x43",
        "kernel_size=2,3 stride=1 padding=0,1 divisor_override=5"),
    BACKWARD("avg_pool2d_backward", NULL, avg_back, "3x7x3x4",
             "height=5 width=7 kernel_size=3,2 stride=2 padding=1,0 ceil_mode=true "
             "count_exclude_pad=true"),
    AVG("adaptive_avg_pool2d", "fewer", planes, "3x5x40x43", "height=3 width=4"),
    AVG("adaptive_avg_pool2d", "more", planes, "3x5x40x43", "height=9 width=-1"),
    AVG("adaptive_avg_pool2d", "one", planes, "3x5x40x43", "height=1 width=1"),
    BACKWARD("adaptive_avg_pool2d_backward", NULL, adaptive_back, "3x7x5x11", "height=7 width=4"),
    MAX("adaptive_max_pool2d", "fewer", planes, "3x5x40x43", "height=3 width=4"),
    MAX("adaptive_max_pool2d", "more", planes, "3x5x40x43", "height=-1 width=11"),
    MAX("max_pool1d", "ceil", rows1, "3x5x600", "kernel_size=3 stride=2 padding=1 ceil_mode=true"),
    MAX("max_pool1d", "dilated", rows1, "3x5x600", "kernel_size=2 stride=1 padding=1 dilation=2"),
    AVG("avg_pool1d", "ceil", rows1, "3x5x600", "kernel_size=3 stride=2 padding=1 ceil_mode=true"),
    AVG("avg_pool1d", "without padding", rows1, "3x5x600",
        "kernel_size=2 padding=1 count_exclude_pad=true"),
    AVG("adaptive_avg_pool1d", NULL, rows1, "3x5x600", "length=5"),
    MAX("adaptive_max_pool1d", "fewer", rows1, "3x5x600", "length=4"),
};
CATALOG_FAMILY(avg_pool);
