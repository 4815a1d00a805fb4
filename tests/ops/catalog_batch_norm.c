/* catalog_batch_norm.c: rows of src/ops/batch_norm.c. */
#include "catalog.h"

#include <math.h>
#include <stdlib.h>

/* x, running_mean, running_var, weight, bias */
static const char *const forward_cases[] = { "5x3 - - 3 3",         "2x3x4:t 3 3 3:s 3",
                                             "2x3x2x3:s 3 3 - 3:s", "3x2x5:e 2:s 2:s 2 -",
                                             "2x3x1x1 - - - -",     "0x3 3 3 3 3",
                                             "2x3x2x2 3 3 3 3",     "2x0x3 0 0 0 0",
                                             "1x2x70 - - 2 2",      NULL };
static const char *const evaluation_cases[] = { "5x3 3 3 3 3",       "1x3 3:s 3 3:s 3",
                                                "2x3x4:t 3 3:s - 3", "2x3x2x3:s 3 3 3 -",
                                                "3x2x5:e 2 2 - -",   "0x3x2 3 3 3 3",
                                                "1x2x70 2 2 2 2",    NULL };
/* dy, x, running_mean, running_var, weight */
static const char *const backward_cases[] = { "5x3 5x3 - - 3",           "2x3x4:t 2x3x4:s - - 3:s",
                                              "2x3x2x3 2x3x2x3:t 3 3 -", "3x2x5:e 3x2x5 - - 2",
                                              "0x3 0x3 - - 3",           NULL };
static const char *const evaluation_backward_cases[] = {
    "5x3 5x3 3 3 3", "2x3x4:t 2x3x4:s 3:s 3:s 3:s", "2x3x2x3 2x3x2x3:t 3 3 -", "0x3 0x3 3 3 3", NULL
};

static int64_t positions(const catalog_array *x)
{
    int64_t n = 1;
    for (int d = 2; d < x->ndim; d++)
        n *= x->shape[d];
    return n;
}

typedef struct {
    double mean, scale, count;
} norm;

/* Of channel c. */
static norm norm_of(const catalog_row *row, const catalog_array *x, const catalog_array *mean,
                    const catalog_array *var, int64_t c, double eps)
{
    const int64_t n = positions(x), channels = x->shape[1];
    norm s = { .count = (double)(x->shape[0] * n) };
    if (!catalog_bool(row, "training"))
        return (norm){ mean->at[c], 1 / sqrt(var->at[c] + eps), s.count };
    double m2 = 0;
    for (int64_t i = 0; i < x->numel; i++)
        s.mean += i / n % channels == c ? x->at[i] / s.count : 0;
    for (int64_t i = 0; i < x->numel; i++)
        m2 += i / n % channels == c ? (x->at[i] - s.mean) * (x->at[i] - s.mean) : 0;
    s.scale = 1 / sqrt(m2 / s.count + eps);
    return s;
}

static void forward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    (void)n_in;
    const double eps = catalog_float(row, "eps");
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    for (int64_t i = 0; i < in->numel; i++) {
        const int64_t c = i / positions(in) % in->shape[1];
        const norm s = norm_of(row, in, in + 1, in + 2, c, eps);
        out->at[i] = (in->at[i] - s.mean) * s.scale * (in[3].none ? 1 : in[3].at[c]) +
                     (in[4].none ? 0 : in[4].at[c]);
    }
}

/* sums of dy and dy * v of channel c */
static void sums_of(const catalog_array *in, norm s, int64_t c, double *g, double *gv)
{
    const catalog_array *x = in + 1;
    *g = *gv = 0;
    for (int64_t i = 0; i < x->numel; i++) {
        if (i / positions(x) % x->shape[1] != c)
            continue;
        *g += in->at[i];
        *gv += in->at[i] * (x->at[i] - s.mean) * s.scale;
    }
}

static void backward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    (void)n_in;
    const catalog_array *x = in + 1;
    const int64_t channels = x->shape[1];
    double g, gv;
    if (row->output)
        catalog_shape(out, in->dtype, 1, &channels);
    else
        catalog_shape(out, in->dtype, x->ndim, x->shape);
    for (int64_t i = 0; i < out->numel; i++) {
        const int64_t c = row->output ? i : i / positions(x) % channels;
        const norm s = norm_of(row, x, in + 2, in + 3, c, catalog_float(row, "eps"));
        const double w = in[4].none ? 1 : in[4].at[c];
        sums_of(in, s, c, &g, &gv);
        if (row->output)
            out->at[i] = row->output == 1 ? gv : g;
        else if (catalog_bool(row, "training"))
            out->at[i] = w * s.scale *
                         (in->at[i] - g / s.count - (x->at[i] - s.mean) * s.scale * gv / s.count);
        else
            out->at[i] = w * s.scale * in->at[i];
    }
}

#define STATISTICS                                                                                 \
    { catalog_any, 0, true },                                                                      \
    {                                                                                              \
        catalog_positive, 0, true                                                                  \
    }
#define FORWARD(note_, cases_, bits_, text)                                                        \
    {                                                                                              \
        .op = "batch_norm", .note = note_, .attributes = text, .cases = cases_, .bits = bits_,     \
        .in = { { catalog_any }, STATISTICS, { catalog_any }, { catalog_any } },                   \
        .oracle = forward_oracle, .ulps = 16, .scale = 10                                          \
    }
#define BACKWARD(note_, cases_, bits_, text, output_)                                              \
    {                                                                                              \
        .op = "batch_norm_backward", .note = note_, .attributes = text, .cases = cases_,           \
        .bits = bits_, .in = { { catalog_any }, { catalog_any }, STATISTICS, { catalog_any } },    \
        .oracle = backward_oracle, .ulps = 16, .scale = 10, .output = output_                      \
    }

static const catalog_row rows[] = {
    FORWARD("training", forward_cases, "20x7x9x9 - - 7 7", "training=true eps=0.125"),
    FORWARD("columns", forward_cases, "300x70 70 70 70 70", "training=true eps=0.125 momentum=0.5"),
    FORWARD("evaluation", evaluation_cases, "20x7x9x9 7 7 7 7", "eps=0.125"),
    BACKWARD("training", backward_cases, "20x7x9x9 20x7x9x9 - - 7", "training=true eps=0.125", 0),
    BACKWARD("training, dweight", backward_cases, "300x70 300x70 - - 70", "training=true eps=0.125",
             1),
    BACKWARD("training, dbias", backward_cases, "3x7x99x99 3x7x99x99 - - 7",
             "training=true eps=0.125", 2),
    BACKWARD("evaluation", evaluation_backward_cases, NULL, "training=false eps=0.125", 0),
    BACKWARD("evaluation, dweight", evaluation_backward_cases, NULL, "training=false eps=0.125", 1),
    BACKWARD("evaluation, dbias", evaluation_backward_cases, NULL, "training=false eps=0.125", 2),
};
CATALOG_FAMILY(batch_norm);
