/* catalog_loss.c: rows of src/ops/loss.c. */
#include "catalog.h"

#include <math.h>

static const char *const loss_cases[] = { "5x3 5", "5x3:t 5:s", "5x3:s 5:e", "5x3:e 5",
                                          "1x1 1", "1x10 1",    "30x2 30",   NULL };
static const char *const backward_cases[] = { ". 5x3 5", ". 5x3:t 5:s", ". 5x3:s 5:e", ". 5x3:e 5",
                                              ". 1x1 1", ". 0x3 0",     NULL };

/* Classes of the input before, the last one among them. */
static void targets(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const uint64_t classes = (uint64_t)in[i - 1].shape[1];
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(k == 0 ? classes - 1 : catalog_random(random) % classes);
}

static double log_sum_exp(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i]);
    return log(sum);
}

static void loss_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    const int64_t rows = in[0].shape[0], classes = in[0].shape[1];
    (void)row, (void)n_in;
    catalog_shape(out, in[0].dtype, 0, NULL);
    for (int64_t r = 0; r < rows; r++) {
        const double *x = in[0].at + r * classes;
        *out->at += (log_sum_exp(x, classes) - x[(int64_t)in[1].at[r]]) / (double)rows;
    }
}

static void backward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    const int64_t rows = in[1].shape[0], classes = in[1].shape[1];
    (void)row, (void)n_in;
    catalog_shape(out, in[1].dtype, 2, in[1].shape);
    for (int64_t r = 0; r < rows; r++) {
        const double *x = in[1].at + r * classes, lse = log_sum_exp(x, classes);
        for (int64_t c = 0; c < classes; c++)
            out->at[r * classes + c] =
                (exp(x[c] - lse) - (c == (int64_t)in[2].at[r])) * in[0].at[0] / (double)rows;
    }
}

#define LOSS(target) .in = { { catalog_any }, { targets, .fixed = CATALOG_FIXED(target) } }
#define BACKWARD(target)                                                                           \
    .in = { { catalog_any }, { catalog_any }, { targets, .fixed = CATALOG_FIXED(target) } }

static const catalog_row rows[] = {
    { .op = "cross_entropy",
      LOSS(HONE_I64),
      .cases = loss_cases,
      .bits = "300x37 300",
      .oracle = loss_oracle,
      .ulps = 8,
      .scale = 4 },
    { .op = "cross_entropy",
      .note = "i32 targets",
      LOSS(HONE_I32),
      .cases = loss_cases,
      .bits = "37x300:t 37",
      .oracle = loss_oracle,
      .ulps = 8,
      .scale = 4 },
    { .op = "cross_entropy",
      .note = "u8 targets",
      LOSS(HONE_U8),
      .cases = loss_cases,
      .bits = "5000x3 5000",
      .oracle = loss_oracle,
      .ulps = 8,
      .scale = 4 },
    { .op = "cross_entropy_backward",
      BACKWARD(HONE_I64),
      .cases = backward_cases,
      .bits = ". 300x37 300",
      .oracle = backward_oracle,
      .ulps = 8,
      .scale = 2 },
    { .op = "cross_entropy_backward",
      .note = "i32 targets",
      BACKWARD(HONE_I32),
      .cases = backward_cases,
      .bits = ". 37x300:t 37",
      .oracle = backward_oracle,
      .ulps = 8,
      .scale = 2 },
};
CATALOG_FAMILY(loss);
