/* catalog_group_norm.c: rows of src/ops/group_norm.c. */
#include "catalog.h"

#include <math.h>

/* (x - mean) / sqrt(var + eps) of n elements. */
static void normalise(const double *x, int64_t n, bool centred, double eps, double *y)
{
    double mean = 0, var = 0;
    for (int64_t i = 0; centred && i < n; i++)
        mean += x[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        var += (x[i] - mean) * (x[i] - mean) / (double)n;
    for (int64_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) / sqrt(var + eps);
}

static void group_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    const int64_t channels = in->shape[1];
    const bool groups = row->op[0] == 'g';
    (void)n_in;
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    const int64_t n = in->shape[0] * (groups ? catalog_int(row, "num_groups") : channels);
    const int64_t per = n ? in->numel / n : 0;
    const int64_t plane = in->numel ? in->numel / (in->shape[0] * channels) : 1;
    for (int64_t g = 0; g < n; g++)
        normalise(in->at + g * per, per, true, catalog_float(row, "eps"), out->at + g * per);
    for (int64_t k = 0; k < in->numel; k++) {
        const int64_t c = k / plane % channels;
        out->at[k] = out->at[k] * (in[1].none ? 1 : in[1].at[c]) + (in[2].none ? 0 : in[2].at[c]);
    }
}

static void rms_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    int64_t n = 1;
    (void)n_in;
    for (int64_t d = in->ndim - catalog_int(row, "n_dims"); d < in->ndim; d++)
        n *= in->shape[d];
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    for (int64_t k = 0; k < in->numel; k += n)
        normalise(in->at + k, n, false, catalog_float(row, "eps"), out->at + k);
    for (int64_t k = 0; k < in->numel && !in[1].none; k++)
        out->at[k] *= in[1].at[k % n];
}

static const char *const groups[] = { "2x4x3 4 4", "2x4x3x2:t 4:s 4", "3x4x2:s - 4", "2x4x3:e 4 -",
                                      "3x4 - -",   "0x4x3 4 4",       NULL };
static const char *const instances[] = { "2x4x3 4 4",   "2x4x3x2:t 4:s 4", "3x4x2:s - -",
                                         "2x4x3:e 4 -", "0x4x3 4 4",       NULL };
static const char *const lines[] = { "3x5 5", "3x5:t 5:s", "2x3x5:s -", "3x5:e 5",
                                     "5 5",   "0x5 5",     NULL };
static const char *const planes[] = { "3x2x5 2x5", "3x2x5:t 2x5:t", "2x5 -", NULL };

#define ROW(name, note_, text, cases_, bits_, oracle_)                                             \
    {                                                                                              \
        .op = name, .note = note_, .attributes = text, .cases = cases_, .bits = bits_, .ulps = 16, \
        .scale = 2, .in = { { catalog_any } }, .oracle = oracle_                                   \
    }

static const catalog_row rows[] = {
    ROW("group_norm", NULL, "num_groups=2 eps=1e-5", groups, "5x12x7x9 12 12", group_oracle),
    ROW("group_norm", "one", "num_groups=1 eps=0.1", groups, "5x12x7x9 12 12", group_oracle),
    ROW("instance_norm", NULL, "eps=1e-3", instances, "5x12x7x9 12 12", group_oracle),
    ROW("rms_norm", NULL, "n_dims=1 eps=1e-6", lines, "67x130 130", rms_oracle),
    ROW("rms_norm", "without eps", "n_dims=1 eps=0", lines, NULL, rms_oracle),
    ROW("rms_norm", "two dims", "n_dims=2 eps=0.1", planes, "7x13x11 13x11", rms_oracle),
};
CATALOG_FAMILY(group_norm);
