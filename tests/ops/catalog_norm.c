/* catalog_norm.c: rows of src/ops/norm.c. */
#include "catalog.h"

#include <math.h>
#include <stdlib.h>

/* x, weight, bias; then dy before x */
static const char *const forward_1[] = { "3x4 4 4",     "3x4:t 4:s 4", "2x3x4:t - 4", "3x5:e 5 -",
                                         "2x3x4:s - -", "7 7 7",       "0x4 4 4",     NULL };
static const char *const forward_2[] = { "2x3x4 3x4 3x4:t", "2x3x4:t 3x4 -", "3x4 - -", NULL };
static const char *const backward_1[] = { "3x4 3x4 4",   "3x4:t 3x4:s 4:s", "2x3x4 2x3x4:t -",
                                          "3x5:e 3x5 5", "7 7 7",           "0x4 0x4 4",
                                          NULL };
static const char *const backward_2[] = { "2x3x4 2x3x4:t 3x4:t", "2x3x4:s 2x3x4 -", NULL };
static const char *const weight_1[] = { "3x4 3x4", "3x4:t 3x4:s", "2x3x4 2x3x4:t",
                                        "7 7",     "150x3 150x3", NULL };
static const char *const weight_2[] = { "2x3x4 2x3x4:t", "3x4 3x4", NULL };

static int64_t columns(const catalog_row *row, const catalog_array *x)
{
    int64_t n = 1;
    for (int d = x->ndim - row->dim; d < x->ndim; d++)
        n *= x->shape[d];
    return n;
}

/* v[i] = (x[i] - mean) / sqrt(var + eps); returns 1 / that root. */
static double normalise(const double *x, double *v, int64_t n, double eps)
{
    double mean = 0, var = 0;
    for (int64_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        var += (x[i] - mean) * (x[i] - mean) / (double)n;
    for (int64_t i = 0; i < n; i++)
        v[i] = (x[i] - mean) / sqrt(var + eps);
    return 1 / sqrt(var + eps);
}

static void forward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    const int64_t n = columns(row, in);
    (void)n_in;
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    for (int64_t i = 0; i < in->numel; i += n) {
        normalise(in->at + i, out->at + i, n, row->s);
        for (int64_t j = 0; j < n; j++)
            out->at[i + j] =
                out->at[i + j] * (in[1].none ? 1 : in[1].at[j]) + (in[2].none ? 0 : in[2].at[j]);
    }
}

static void backward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    const int64_t n = columns(row, in);
    (void)n_in;
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    double *v = malloc((size_t)n * sizeof *v), *g = malloc((size_t)n * sizeof *g);
    for (int64_t i = 0; i < in->numel; i += n) {
        const double scale = normalise(in[1].at + i, v, n, row->s);
        double mean_g = 0, mean_gv = 0;
        for (int64_t j = 0; j < n; j++) {
            g[j] = in[0].at[i + j] * (in[2].none ? 1 : in[2].at[j]);
            mean_g += g[j] / (double)n;
            mean_gv += g[j] * v[j] / (double)n;
        }
        for (int64_t j = 0; j < n; j++)
            out->at[i + j] = (g[j] - mean_g - v[j] * mean_gv) * scale;
    }
    free(v);
    free(g);
}

static void weight_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    const int64_t n = columns(row, in);
    (void)n_in;
    catalog_shape(out, in->dtype, row->dim, in->shape + in->ndim - row->dim);
    double *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; i < in->numel; i += n) {
        normalise(in[1].at + i, v, n, row->s);
        for (int64_t j = 0; j < n; j++)
            out->at[j] += in[0].at[i + j] * v[j];
    }
    free(v);
}

#define ROW(name, n, function)                                                                     \
    .op = #name, .note = "last " #n, .dim = n, .s = 0.125, .in = { { catalog_any } },              \
    .oracle = function, .ulps = 16, .scale = 10

static const catalog_row rows[] = {
    { ROW(layer_norm, 1, forward_oracle), .cases = forward_1, .bits = "70x300 300 300" },
    { ROW(layer_norm, 2, forward_oracle), .cases = forward_2, .bits = "7x90x60:t 90x60 -" },
    { ROW(layer_norm_backward, 1, backward_oracle), .cases = backward_1,
      .bits = "70x300 70x300:t 300" },
    { ROW(layer_norm_backward, 2, backward_oracle), .cases = backward_2,
      .bits = "7x90x60 7x90x60 90x60" },
    { ROW(layer_norm_weight_backward, 1, weight_oracle), .cases = weight_1,
      .bits = "700x30 700x30:t" },
    { ROW(layer_norm_weight_backward, 2, weight_oracle), .cases = weight_2,
      .bits = "300x7x5 300x7x5" },
};
CATALOG_FAMILY(norm);
