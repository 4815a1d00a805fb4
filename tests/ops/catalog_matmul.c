/* catalog_matmul.c: rows of src/ops/matmul.c and linear.c. */
#include "catalog.h"

#include <math.h>
#include <string.h>

static const char *const matmul_cases[] = { "3x5 5x4",     "3x5:t 5x4:t",   "3x5:s 5x4:s",
                                            "3x5:e 5x4:e", "5 5",           "5:s 5:e",
                                            "3x5 5",       "5 5x4",         "2x3x5 5",
                                            "5 2x5x4",     "2x3x5 5x4",     "2x3x5:t 5x4:t",
                                            "3x5 2x5x4:s", "2x3x5 2x5x4:t", "2x1x3x5 3x5x2:e",
                                            "1x3x5 5x4",   "2x1x5 5x4",     "1x1 1x1",
                                            "0x5 5x4",     "3x0 0x4",       "3x5 5x0",
                                            "2x0x5 5x4",   "0 0",           "3x0 0",
                                            "1x17 17x3",   "17x2 2x9",      NULL };
static const char *const linear_cases[] = { "3x5 5x4 4",     "3x5:t 5x4:t 4:s", "3x5:s 5x4 4:e",
                                            "3x5 5x4 -",     "5 5x4 4",         "2x3x5 5x4 4",
                                            "2x3x5:t 5x4 4", "0x5 5x4 4",       "3x0 0x4 4",
                                            "3x5 5x0 0",     "1x17 17x3 3",     NULL };

static const char *const addmm_cases[] = { "3x4 3x5 5x4",       "4 3x5:t 5x4:t",
                                           "3x1 3x5:s 5x4:e",   "3x4:t 3x5 5x4",
                                           "3x4:s 3x5 5x4",     "1 3x5 5x4",
                                           "0x4 0x5 5x4",       "3x4 3x0 0x4",
                                           "4 3x5 5x4",         "3x17 3x1 1x17",
                                           "0 3x5 5x0",         "1x1 1x9 9x1",
                                           "17x3 17x40 40x3:t", NULL };

/* Element [b.., i, k] of a matrix in a batch of shape `batch` (broadcast), by position. */
static double element(const catalog_array *a, int n_batch, const int64_t *batch, int64_t at,
                      int64_t i, int64_t k)
{
    int64_t index = i * a->shape[a->ndim - 1] + k;
    int64_t size = a->shape[a->ndim - 1] * a->shape[a->ndim - 2];
    for (int d = n_batch - 1; d >= 0; at /= batch[d--]) {
        const int own = d - n_batch + a->ndim - 2;
        if (own < 0)
            continue;
        index += (a->shape[own] == 1 ? 0 : at % batch[d]) * size;
        size *= a->shape[own];
    }
    return a->at[index];
}

/* A vector as a matrix of one row or one column. */
static catalog_array as_matrix(const catalog_array *a, bool row)
{
    catalog_array m = *a;
    if (a->ndim == 1) {
        m.ndim = 2;
        m.shape[0] = row ? 1 : a->shape[0];
        m.shape[1] = row ? a->shape[0] : 1;
    }
    return m;
}

static void product(const catalog_array *in, catalog_array *out)
{
    const catalog_array a = as_matrix(&in[0], true), b = as_matrix(&in[1], false);
    const int n_batch = (a.ndim > b.ndim ? a.ndim : b.ndim) - 2;
    const int64_t m = a.shape[a.ndim - 2], k = a.shape[a.ndim - 1], n = b.shape[b.ndim - 1];
    int64_t shape[HONE_MAX_DIMS], batches = 1;
    int ndim = n_batch;
    for (int d = 0; d < n_batch; d++) {
        const int da = d - n_batch + a.ndim - 2, db = d - n_batch + b.ndim - 2;
        shape[d] = da >= 0 && a.shape[da] != 1 ? a.shape[da] : db >= 0 ? b.shape[db] : 1;
        batches *= shape[d];
    }
    if (in[0].ndim > 1)
        shape[ndim++] = m;
    if (in[1].ndim > 1)
        shape[ndim++] = n;
    catalog_shape(out, a.dtype, ndim, shape);
    for (int64_t at = 0; at < batches; at++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++)
                for (int64_t l = 0; l < k; l++)
                    out->at[(at * m + i) * n + j] += element(&a, n_batch, shape, at, i, l) *
                                                     element(&b, n_batch, shape, at, l, j);
}

static void matmul_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    (void)row, (void)n_in;
    product(in, out);
}

static void linear_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    (void)n_in;
    product(in, out);
    for (int64_t i = 0; i < out->numel; i++) {
        out->at[i] += in[2].none ? 0 : in[2].at[i % in[2].numel];
        const double v = out->at[i];
        if (strcmp(row->op, "linear_relu") == 0 && v < 0)
            out->at[i] = 0;
        if (strcmp(row->op, "linear_gelu") == 0)
            out->at[i] = v * 0.5 * erfc(-v * 0.70710678118654752440);
        if (strcmp(row->op, "linear_gelu_tanh") == 0)
            out->at[i] = v / (1 + exp(-1.59576912160573071176 * (v + 0.044715 * v * v * v)));
    }
}

static void addmm_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    (void)row, (void)n_in;
    product(in + 1, out);
    const int64_t columns = out->shape[1];
    const int64_t rows_of = in[0].ndim > 1 ? in[0].shape[0] : 1;
    const int64_t columns_of = in[0].shape[in[0].ndim - 1];
    for (int64_t i = 0; i < out->numel; i++)
        out->at[i] += in[0].at[(i / columns % rows_of) * columns_of + i % columns % columns_of];
}

#define PRODUCT .in = { { catalog_any } }, .ulps = 8, .scale = 20

static const catalog_row rows[] = {
    { .op = "matmul",
      .cases = matmul_cases,
      .bits = "67x130 130x45",
      .oracle = matmul_oracle,
      PRODUCT },
    { .op = "matmul",
      .note = "batches",
      .cases = matmul_cases,
      .bits = "5x13x40 3x5x40x7:t",
      .oracle = matmul_oracle,
      PRODUCT },
    { .op = "matmul",
      .note = "few rows",
      .cases = matmul_cases,
      .bits = "2x700 700x5:t",
      .oracle = matmul_oracle,
      PRODUCT },
    { .op = "addmm",
      .cases = addmm_cases,
      .bits = "67x45 67x130 130x45",
      .oracle = addmm_oracle,
      PRODUCT },
    { .op = "linear",
      .cases = linear_cases,
      .bits = "67x130 130x45 45",
      .oracle = linear_oracle,
      PRODUCT },
    { .op = "linear_relu",
      .cases = linear_cases,
      .bits = "3x20x130 130x45 45",
      .oracle = linear_oracle,
      PRODUCT },
    { .op = "linear_gelu",
      .cases = linear_cases,
      .bits = "3x20x130 130x45 45",
      .oracle = linear_oracle,
      PRODUCT },
    { .op = "linear_gelu_tanh",
      .cases = linear_cases,
      .bits = "67x130 130x45 45",
      .oracle = linear_oracle,
      PRODUCT },
};
CATALOG_FAMILY(matmul);
