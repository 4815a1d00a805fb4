/* catalog_recurrent.c: rows of src/ops/recurrent.c. */
#include "catalog.h"

#include <math.h>

/* b + w x of one row of a matrix. */
static double product(const catalog_array *w, const catalog_array *b, int64_t row,
                      const catalog_array *x, int64_t sample)
{
    const int64_t n = w->shape[1];
    double sum = b->none ? 0 : b->at[row];
    for (int64_t i = 0; i < n; i++)
        sum += w->at[row * n + i] * x->at[sample * n + i];
    return sum;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void rnn_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    const int64_t n = in[1].shape[in[1].ndim - 1];
    (void)n_in;
    catalog_shape(out, in->dtype, in[1].ndim, in[1].shape);
    for (int64_t k = 0; k < out->numel; k++) {
        const double sum = product(in + 2, in + 4, k % n, in, k / n) +
                           product(in + 3, in + 5, k % n, in + 1, k / n);
        out->at[k] = row->op[4] == 't' ? tanh(sum) : fmax(sum, 0);
    }
}

static void gru_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    const int64_t n = in[1].shape[in[1].ndim - 1];
    (void)row, (void)n_in;
    catalog_shape(out, in->dtype, in[1].ndim, in[1].shape);
    for (int64_t k = 0; k < out->numel; k++) {
        double x[3], h[3];
        for (int g = 0; g < 3; g++) {
            x[g] = product(in + 2, in + 4, g * n + k % n, in, k / n);
            h[g] = product(in + 3, in + 5, g * n + k % n, in + 1, k / n);
        }
        const double z = sigmoid(x[1] + h[1]), fresh = tanh(x[2] + sigmoid(x[0] + h[0]) * h[2]);
        out->at[k] = (1 - z) * fresh + z * in[1].at[k];
    }
}

static void lstm_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    const int64_t n = in[1].shape[in[1].ndim - 1];
    (void)n_in;
    catalog_shape(out, in->dtype, in[1].ndim, in[1].shape);
    for (int64_t k = 0; k < out->numel; k++) {
        double s[4];
        for (int g = 0; g < 4; g++)
            s[g] = product(in + 3, in + 5, g * n + k % n, in, k / n) +
                   product(in + 4, in + 6, g * n + k % n, in + 1, k / n);
        const double c = sigmoid(s[1]) * in[2].at[k] + sigmoid(s[0]) * tanh(s[2]);
        out->at[k] = row->output ? c : sigmoid(s[3]) * tanh(c);
    }
}

static const char *const rnn[] = { "2x3 2x4 4x3 4x4 4 4", "2x3:t 2x4:s 4x3:t 4x4:t - 4:s",
                                   "3 4 4x3 4x4 - -", "0x3 0x4 4x3 4x4 4 4", NULL };
static const char *const gru[] = { "2x3 2x2 6x3 6x2 6 6", "2x3:t 2x2:s 6x3:t 6x2:t - 6:s",
                                   "3 2 6x3 6x2 - -", NULL };
static const char *const lstm[] = { "2x3 2x2 2x2 8x3 8x2 8 8",
                                    "2x3:t 2x2:s 2x2:t 8x3:t 8x2:t - 8:s", "3 2 2 8x3 8x2 - -",
                                    NULL };

#define ROW(name, note_, cases_, bits_, oracle_, output_)                                          \
    {                                                                                              \
        .op = name, .note = note_, .attributes = "", .cases = cases_, .bits = bits_, .ulps = 16,   \
        .scale = 10, .in = { { catalog_any } }, .oracle = oracle_, .output = output_               \
    }

static const catalog_row rows[] = {
    ROW("rnn_tanh_cell", NULL, rnn, "7x67 7x33 33x67 33x33 33 33", rnn_oracle, 0),
    ROW("rnn_relu_cell", NULL, rnn, "7x67 7x33 33x67 33x33 33 33", rnn_oracle, 0),
    ROW("gru_cell", NULL, gru, "7x67 7x33 99x67 99x33 99 99", gru_oracle, 0),
    ROW("lstm_cell", "h", lstm, "7x67 7x33 7x33 132x67 132x33 132 132", lstm_oracle, 0),
    ROW("lstm_cell", "c", lstm, "7x67 7x33 7x33 132x67 132x33 132 132", lstm_oracle, 1),
};
CATALOG_FAMILY(recurrent);
