/* catalog_pool.c: rows of src/ops/pool.c. */
#include "catalog.h"

#include <math.h>
#include <stdlib.h>

static const char *const cases[] = { "2x3x6x7",     "2x2x6x7:t", "2x6x7:s", "3x2x5x6:e",
                                     "1x1x6x6:s",   "0x2x6x6",   "5x9x7",   "1x1x6x600",
                                     "1x2x8x300:t", NULL };
static const char *const backward_cases[] = { "2x3x3x4 2x3x3x4", "2x2x3x4:t 2x2x3x4:s",
                                              "3x3x4:s 3x3x4:t", "3x2x2x2:e 3x2x2x2",
                                              "0x2x3x3 0x2x3x3", NULL };

typedef struct {
    int64_t k, s, p, d, out;
} axis;

static axis axis_of(const catalog_row *row, int i, int64_t extent)
{
    int64_t k[2], s[2], p[2], d[2];
    catalog_pair(row, "kernel_size", k);
    catalog_pair(row, "stride", s);
    catalog_pair(row, "padding", p);
    catalog_pair(row, "dilation", d);
    axis a = { k[i], s[i] ? s[i] : k[i], p[i], d[i] ? d[i] : 1, 0 };
    /* windows, one after the other */
    for (int64_t at = -a.p;; at += a.s) {
        const int64_t last = at + a.d * (a.k - 1), end = extent + a.p;
        if (last >= end && !(catalog_bool(row, "ceil_mode") && last - a.s < end - 1 && at < extent))
            break;
        a.out++;
    }
    return a;
}

/* The window's place of the largest element: PyTorch's rule, spelled out. */
static int64_t best_of(const double *plane, int64_t rows, int64_t cols, axis h, axis w, int64_t y,
                       int64_t x)
{
    int64_t best = -1;
    for (int64_t i = 0; i < h.k; i++)
        for (int64_t j = 0; j < w.k; j++) {
            const int64_t r = y * h.s - h.p + i * h.d, c = x * w.s - w.p + j * w.d;
            if (r < 0 || r >= rows || c < 0 || c >= cols)
                continue;
            const double v = plane[r * cols + c];
            if (best < 0 || v > plane[best] || isnan(v))
                best = r * cols + c;
        }
    return best;
}

static void pool_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    (void)n_in;
    const int n = in->ndim;
    const int64_t rows = in->shape[n - 2], cols = in->shape[n - 1];
    const axis h = axis_of(row, 0, rows), w = axis_of(row, 1, cols);
    int64_t shape[HONE_MAX_DIMS];
    for (int d = 0; d < n; d++)
        shape[d] = d == n - 2 ? h.out : d == n - 1 ? w.out : in->shape[d];
    catalog_shape(out, row->output ? HONE_I64 : in->dtype, n, shape);
    for (int64_t k = 0; k < out->numel; k++) {
        const double *plane = in->at + k / (h.out * w.out) * rows * cols;
        const int64_t at = best_of(plane, rows, cols, h, w, k / w.out % h.out, k % w.out);
        out->at[k] = row->output ? (double)at : plane[at];
    }
}

static void fill_indices(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const int64_t plane = catalog_int(row, "height") * catalog_int(row, "width");
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % (uint64_t)plane);
}

static void backward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    (void)n_in;
    const int n = in->ndim;
    const int64_t windows = in->shape[n - 2] * in->shape[n - 1];
    int64_t shape[HONE_MAX_DIMS];
    for (int d = 0; d < n - 2; d++)
        shape[d] = in->shape[d];
    shape[n - 2] = catalog_int(row, "height");
    shape[n - 1] = catalog_int(row, "width");
    catalog_shape(out, in->dtype, n, shape);
    for (int64_t k = 0; k < in->numel; k++)
        out->at[k / windows * shape[n - 2] * shape[n - 1] + (int64_t)in[1].at[k]] += in->at[k];
}

#define POOL(note_, text)                                                                          \
    { .op = "max_pool2d",                                                                          \
      .note = note_,                                                                               \
      .attributes = text,                                                                          \
      .cases = cases,                                                                              \
      .bits = "3x5x40x43",                                                                         \
      .in = { { catalog_apart } },                                                                 \
      .oracle = pool_oracle },                                                                     \
    {                                                                                              \
        .op = "max_pool2d", .note = "indices, " note_, .attributes = text, .cases = cases,         \
        .bits = "3x5x40x43", .in = { { catalog_apart } }, .oracle = pool_oracle, .output = 1,      \
        .no_gradient = "indices"                                                                   \
    }

static const catalog_row rows[] = {
    POOL("2x2", "kernel_size=2"),
    POOL("overlapping", "kernel_size=3 stride=1,2 padding=1"),
    POOL("threes", "kernel_size=3 stride=2 padding=1"),
    POOL("threes, cut", "kernel_size=3 stride=2 padding=0,1 ceil_mode=true"),
    POOL("ceil", "kernel_size=3,2 stride=2,3 padding=1,0 ceil_mode=true"),
    POOL("dilated", "kernel_size=2,3 stride=1 padding=0,1 dilation=3,2 ceil_mode=true"),
    { .op = "max_pool2d_backward",
      .attributes = "height=5 width=3",
      .cases = backward_cases,
      .bits = "3x7x11x13 3x7x11x13",
      .scale = 10,
      .in = { { catalog_any }, { fill_indices, CATALOG_FIXED(HONE_I64), true } },
      .oracle = backward_oracle },
};
CATALOG_FAMILY(pool);
