/* catalog_sequence.c: rows of src/ops/sequence.c. */
#include "catalog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t layers, directions, samples, steps, inputs, hidden;
    int gates, each;
    bool batch_first, lstm, relu;
    const catalog_array *weights;
} sizes;

static int64_t attribute(const catalog_row *row, const char *name, int64_t otherwise)
{
    return strstr(row->attributes, name) ? catalog_int(row, name) : otherwise;
}

static sizes sizes_of(const catalog_row *row, const catalog_array *in, int n_in)
{
    const bool three = in->ndim == 3;
    sizes z = { .layers = attribute(row, "num_layers", 1),
                .directions = catalog_bool(row, "bidirectional") ? 2 : 1,
                .batch_first = catalog_bool(row, "batch_first"),
                .lstm = strcmp(row->op, "lstm") == 0,
                .relu = strcmp(row->op, "rnn_relu") == 0 };
    z.gates = z.lstm ? 4 : strcmp(row->op, "gru") == 0 ? 3 : 1;
    z.samples = three ? in->shape[z.batch_first ? 0 : 1] : 1;
    z.steps = in->shape[three && z.batch_first ? 1 : 0];
    z.inputs = in->shape[in->ndim - 1];
    z.weights = in + (z.lstm ? 3 : 2);
    z.each = (int)((n_in - (z.lstm ? 3 : 2)) / (z.layers * z.directions));
    z.hidden = z.weights[1].shape[1];
    return z;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Of gate row `at` of a matrix and its bias. */
static double product(const catalog_array *w, const catalog_array *b, int64_t at, const double *x)
{
    double sum = b ? b->at[at] : 0;
    for (int64_t i = 0; i < w->shape[1]; i++)
        sum += w->at[at * w->shape[1] + i] * x[i];
    return sum;
}

/* One sample's step: h and c [hidden] change. */
static void step(const sizes *z, const catalog_array *w, const double *x, double *h, double *c)
{
    const int64_t n = z->hidden;
    double *next = malloc(sizeof *next * (size_t)(n + 1));
    for (int64_t k = 0; next && k < n; k++) {
        double a[4], b[4];
        for (int g = 0; g < z->gates; g++) {
            a[g] = product(w, z->each == 4 ? w + 2 : NULL, g * n + k, x);
            b[g] = product(w + 1, z->each == 4 ? w + 3 : NULL, g * n + k, h);
        }
        if (z->gates == 1) {
            next[k] = z->relu ? fmax(a[0] + b[0], 0) : tanh(a[0] + b[0]);
        } else if (z->gates == 3) {
            const double update = sigmoid(a[1] + b[1]);
            next[k] = (1 - update) * tanh(a[2] + sigmoid(a[0] + b[0]) * b[2]) + update * h[k];
        } else {
            c[k] = sigmoid(a[1] + b[1]) * c[k] + sigmoid(a[0] + b[0]) * tanh(a[2] + b[2]);
            next[k] = sigmoid(a[3] + b[3]) * tanh(c[k]);
        }
    }
    memcpy(h, next, sizeof *h * (size_t)n);
    free(next);
}

/* in [T][inputs] -> out [T][directions hidden] of one sample; states go to h and c. */
static void layer(const sizes *z, int64_t l, int64_t inputs, const double *in, double *out,
                  double *h, double *c)
{
    for (int64_t d = 0; d < z->directions; d++) {
        const int64_t cell = l * z->directions + d, width = z->directions * z->hidden;
        for (int64_t s = 0; s < z->steps; s++) {
            const int64_t t = d ? z->steps - 1 - s : s;
            step(z, z->weights + cell * z->each, in + t * inputs, h + cell * z->hidden,
                 c + cell * z->hidden);
            memcpy(out + t * width + d * z->hidden, h + cell * z->hidden,
                   sizeof *out * (size_t)z->hidden);
        }
    }
}

/* Row r of [rows, samples, width], or of x as it lies. */
static const double *place(const sizes *z, const catalog_array *a, int64_t r, int64_t sample,
                           int64_t rows, int64_t width, bool batch_first)
{
    (void)z;
    return a->at + (batch_first ? sample * rows + r : r * z->samples + sample) * width;
}

static void sequence_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    const sizes z = sizes_of(row, in, n_in);
    const int64_t cells = z.layers * z.directions, width = z.directions * z.hidden;
    const int64_t widest = width > z.inputs ? width : z.inputs;
    const int64_t states[] = { cells, in->ndim == 3 ? z.samples : z.hidden, z.hidden };
    int64_t shape[3];
    memcpy(shape, in->shape, sizeof shape);
    shape[in->ndim - 1] = width;
    catalog_shape(out, in->dtype, in->ndim, row->output ? states : shape);
    double *x = calloc((size_t)(z.steps * widest + 1), sizeof *x),
           *y = calloc((size_t)(z.steps * widest + 1), sizeof *y);
    double *h = calloc((size_t)(cells * z.hidden + 1), sizeof *h),
           *c = calloc((size_t)(cells * z.hidden + 1), sizeof *c);
    for (int64_t n = 0; n < z.samples; n++) {
        for (int64_t t = 0; t < z.steps; t++)
            memcpy(x + t * z.inputs, place(&z, in, t, n, z.steps, z.inputs, z.batch_first),
                   sizeof *x * (size_t)z.inputs);
        for (int64_t k = 0; k < cells; k++)
            for (int64_t j = 0; j < z.hidden; j++) {
                const int64_t at = (k * z.samples + n) * z.hidden + j;
                h[k * z.hidden + j] = in[1].none ? 0 : in[1].at[at];
                c[k * z.hidden + j] = z.lstm && !in[2].none ? in[2].at[at] : 0;
            }
        for (int64_t l = 0; l < z.layers; l++) {
            layer(&z, l, l ? width : z.inputs, x, y, h, c);
            memcpy(x, y, sizeof *x * (size_t)(z.steps * width));
        }
        for (int64_t t = 0; !row->output && t < z.steps; t++)
            memcpy((double *)place(&z, out, t, n, z.steps, width, z.batch_first), x + t * width,
                   sizeof *x * (size_t)width);
        for (int64_t k = 0; row->output && k < cells; k++)
            memcpy((double *)place(&z, out, k, n, cells, z.hidden, false),
                   (row->output == 2 ? c : h) + k * z.hidden, sizeof *x * (size_t)z.hidden);
    }
    free(x), free(y), free(h), free(c);
}

static void small(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_any(row, in, i, random);
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] *= 0.5;
}

static const char *const one_gate[] = { "3x2x3 1x2x4 4x3 4x4 4 4",
                                        "3x2x3:t - 4x3:t 4x4:s 4 4:s",
                                        "3x2x3:s 1x2x4:t 4x3 4x4",
                                        "4x3 1x2 2x3 2x2 2 2",
                                        "1x2x3 1x2x2:s 2x3 2x2 2 2",
                                        "2x0x3 1x0x2 2x3 2x2",
                                        NULL };
static const char *const gru_cases[] = { "3x2x3 1x2x2 6x3 6x2 6 6", "3x2x3:t - 6x3:t 6x2:s 6 6:s",
                                         "4x3 1x2 6x3 6x2", "2x0x3 1x0x2 6x3 6x2", NULL };
static const char *const lstm_cases[] = { "3x2x3 1x2x2 1x2x2 8x3 8x2 8 8",
                                          "3x2x3:t - - 8x3:t 8x2:s 8 8:s", "4x3 1x2 1x2 8x3 8x2",
                                          "2x0x3 1x0x2 1x0x2 8x3 8x2", NULL };
static const char *const two_sides[] = { "3x2x3 2x2x2 2x3 2x2 2x3 2x2", "3x2x3:t - 2x3 2x2 2x3 2x2",
                                         NULL };
static const char *const layers[] = { "2x3x3 2x2x2 2x3 2x2 2x2 2x2", "2x3x3:s - 2x3 2x2 2x2 2x2",
                                      NULL };
static const char *const gru_sides[] = { "3x2x3 2x2x2 6x3 6x2 6x3 6x2", "3x2x3 - 6x3 6x2 6x3 6x2:t",
                                         NULL };
static const char *const lstm_layers[] = { "2x3x3 2x2x2 2x2x2 8x3 8x2 8x2 8x2",
                                           "2x3x3:s - - 8x3 8x2 8x2 8x2", NULL };

#define ROW(name, note_, text, cases_, bits_, output_)                                             \
    {                                                                                              \
        .op = name, .note = note_, .attributes = text, .cases = cases_, .bits = bits_, .ulps = 64, \
        .scale = 10, .in = { { small } }, .oracle = sequence_oracle, .output = output_,            \
        .view = true                                                                               \
    }
static const catalog_row rows[] = {
    ROW("rnn_tanh", NULL, "", one_gate, "5x7x67 1x7x33 33x67 33x33 33 33", 0),
    ROW("rnn_tanh", "h_n of both directions", "bidirectional=true", two_sides, NULL, 1),
    ROW("rnn_relu", NULL, "", one_gate, "5x7x67 1x7x33 33x67 33x33 33 33", 0),
    ROW("rnn_relu", "layers, batch first", "num_layers=2 batch_first=true", layers, NULL, 0),
    ROW("gru", NULL, "", gru_cases, "5x7x67 1x7x33 99x67 99x33 99 99", 0),
    ROW("gru", "both directions", "bidirectional=true", gru_sides, "5x7x6 - 99x6 99x33 99x6 99x33",
        0),
    ROW("gru", "h_n", "bidirectional=true", gru_sides, NULL, 1),
    ROW("lstm", NULL, "", lstm_cases, "5x7x67 1x7x33 1x7x33 132x67 132x33 132 132", 0),
    ROW("lstm", "h_n", "batch_first=true num_layers=2", lstm_layers, NULL, 1),
    ROW("lstm", "c_n", "batch_first=true num_layers=2", lstm_layers,
        "7x5x67 2x7x33 2x7x33 132x67 132x33 132x33 132x33", 2),
    ROW("lstm", "dropout that doesn't train", "num_layers=2 batch_first=true dropout=0.5",
        lstm_layers, NULL, 0),
};
CATALOG_FAMILY(sequence);
