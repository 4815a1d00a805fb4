/* recurrent.c: RNN, GRU and LSTM over sequences, of several layers and both directions. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "runtime/fpmode.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

typedef struct {
    hone__plain plain;
    hone_named *weights; /* in the order of the ops, and of PyTorch's state */
    int n_weights;
} recurrent;

extern const hone__layer hone__layer_RNN, hone__layer_GRU, hone__layer_LSTM;

/* After the first three RNN has its nonlinearity, as PyTorch's; the enum's are places in `rest`. */
enum { INPUTS, HIDDEN, LAYERS, REST };
enum { BIAS, BATCH_FIRST, DROPOUT, BIDIRECTIONAL, PROJECTED };
enum { NONLINEARITY = REST };
#define BEGIN                                                                                      \
    { "input_size", HONE__WHOLE, .min = 1, .max = INFINITY },                                      \
        { "hidden_size", HONE__WHOLE, .min = 1, .max = INFINITY },                                 \
    {                                                                                              \
        "num_layers", HONE__WHOLE, "1", .min = 1, .max = 1 << 20                                   \
    }
#define END                                                                                        \
    { "bias", HONE__TRUTH, "True" }, { "batch_first", HONE__TRUTH, "False" },                      \
        { "dropout", HONE__REAL, "0.0", .max = 1 },                                                \
    {                                                                                              \
        "bidirectional", HONE__TRUTH, "False"                                                      \
    }
static const char *const nonlinearities[] = { "tanh", "relu", NULL };
static const hone__parameter rnn_arguments[] = { BEGIN,
                                                 { "nonlinearity", HONE__CHOICE, "'tanh'",
                                                   .choices = nonlinearities },
                                                 END,
                                                 HONE__DTYPE_ARGUMENT,
                                                 { 0 } };
static const hone__parameter gru_arguments[] = { BEGIN, END, HONE__DTYPE_ARGUMENT, { 0 } };
static const hone__parameter lstm_arguments[] = {
    BEGIN, END, { "proj_size", HONE__WHOLE, "0", .max = INFINITY }, HONE__DTYPE_ARGUMENT, { 0 }
};

static const hone__argument *rest(const hone__layer *layer, const hone__argument *a)
{
    return a + REST + (layer == &hone__layer_RNN);
}

static const hone__argument *rest_of(const recurrent *l)
{
    return rest(l->plain.layer, l->plain.at);
}

/* ---- making */

static const hone_field fields[] = { HONE_NAMED_PARAMS(recurrent, weights, n_weights),
                                     HONE_FIELDS_END };

enum { NAME_BYTES = 40 };

/* Room for n weights and their names, in one block. */
static hone_named *weights_new(int n)
{
    const size_t bytes = (size_t)n * (sizeof(hone_named) + NAME_BYTES);
    return hone_module_array((int)(bytes / sizeof(void *)));
}

/* The four (or two) of one layer in one direction, evenly within 1 / sqrt(hidden). */
static bool add_weights(recurrent *l, int64_t rows, int layer, bool reverse, hone_dtype dtype)
{
    static const char *const names[] = { "weight_ih", "weight_hh", "bias_ih", "bias_hh" };
    const hone__argument *a = l->plain.at, *more = rest_of(l);
    const int64_t hidden = a[HIDDEN].at[0], directions = more[BIDIRECTIONAL].truth ? 2 : 1;
    const int each = more[BIAS].truth ? 4 : 2, all = each * (int)(a[LAYERS].at[0] * directions);
    const int64_t inputs = layer == 0 ? a[INPUTS].at[0] : hidden * directions;
    for (int w = 0; w < each; w++) {
        const int64_t shape[] = { rows, w == 0 ? inputs : hidden };
        hone_named *to = &l->weights[l->n_weights];
        char *name = (char *)(l->weights + all) + (size_t)l->n_weights * NAME_BYTES;
        hone__format(name, NAME_BYTES, "%s_l%d%s", names[w], layer, reverse ? "_reverse" : "");
        to->name = name;
        to->tensor = hone__even_parameter(dtype, 1 / sqrt((double)hidden), w < 2 ? 2 : 1, shape);
        if (!to->tensor)
            return false;
        l->n_weights++;
    }
    return true;
}

static bool begin(recurrent *l, int64_t gates, hone_dtype dtype)
{
    HONE__FP_GUARD();
    const hone__argument *a = l->plain.at;
    const int directions = rest_of(l)[BIDIRECTIONAL].truth ? 2 : 1, layers = (int)a[LAYERS].at[0];
    int64_t rows, twice;
    if (__builtin_mul_overflow(gates, a[HIDDEN].at[0], &rows) ||
        __builtin_mul_overflow(rows, (int64_t)2, &twice)) {
        hone_error_set(HONE_E_VALUE, "%s: a hidden_size of %lld is too large",
                       l->plain.base.type->name, (long long)a[HIDDEN].at[0]);
        return false;
    }
    l->weights = weights_new(layers * directions * (rest_of(l)[BIAS].truth ? 4 : 2));
    for (int i = 0; l->weights && i < layers; i++)
        for (int reverse = 0; reverse < directions; reverse++)
            if (!add_weights(l, rows, i, reverse, dtype))
                return false;
    return l->weights != NULL;
}

static hone_module *recurrent_new(const hone__layer *layer, const hone__argument *a, int64_t gates,
                                  hone_dtype dtype)
{
    recurrent *l = (recurrent *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    if (begin(l, gates, dtype))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

/* As PyTorch: what is a default is left out, and the nonlinearity always. */
static int print(const hone_module *self, char *text, size_t size)
{
    const recurrent *l = (const recurrent *)self;
    const hone__argument *a = l->plain.at, *more = rest_of(l);
    char layers[40] = "", dropout[60] = "", real[40];
    if (a[LAYERS].at[0] != 1)
        hone__format(layers, sizeof layers, ", num_layers=%lld", (long long)a[LAYERS].at[0]);
    if (more[DROPOUT].whole)
        hone__format(real, sizeof real, "%lld", (long long)more[DROPOUT].at[0]);
    else
        hone__format_real(real, sizeof real, more[DROPOUT].number);
    if (more[DROPOUT].number != 0)
        hone__format(dropout, sizeof dropout, ", dropout=%s", real);
    return hone__format(text, size, "%lld, %lld%s%s%s%s%s", (long long)a[INPUTS].at[0],
                        (long long)a[HIDDEN].at[0], layers, more[BIAS].truth ? "" : ", bias=False",
                        more[BATCH_FIRST].truth ? ", batch_first=True" : "", dropout,
                        more[BIDIRECTIONAL].truth ? ", bidirectional=True" : "");
}

/* ---- running */

static hone_rnn_options options_of(const recurrent *l)
{
    const hone__argument *more = rest_of(l);
    return (hone_rnn_options){ .num_layers = l->plain.at[LAYERS].at[0],
                               .dropout = more[DROPOUT].number,
                               .bidirectional = more[BIDIRECTIONAL].truth,
                               .batch_first = more[BATCH_FIRST].truth,
                               .training = l->plain.base.training };
}

/* In the current scope; at NULL + error. */
static hone_tensor_list weights_of(const recurrent *l)
{
    const hone_tensor_list failed = { NULL, 0 };
    hone_tensor_list list = hone__list_new(l->n_weights);
    for (int i = 0; i < list.n; i++) {
        list.at[i] = hone__own(hone_retain(l->weights[i].tensor));
        if (!list.at[i])
            return failed;
    }
    return list;
}

static hone_rnn_result run_rnn(const recurrent *l, hone_tensor *x, hone_tensor *h)
{
    const hone_rnn_options o = options_of(l);
    const hone_tensor_list weights = weights_of(l);
    if (!weights.at)
        return (hone_rnn_result){ NULL, NULL };
    if (l->plain.layer == &hone__layer_GRU)
        return hone_gru(x, h, weights, &o);
    return l->plain.at[NONLINEARITY].choice == 1 ? hone_rnn_relu(x, h, weights, &o)
                                                 : hone_rnn_tanh(x, h, weights, &o);
}

/* PyTorch takes both states or none. */
static hone_lstm_result run_lstm(const recurrent *l, hone_tensor *x, hone_tensor *h, hone_tensor *c)
{
    const hone_rnn_options o = options_of(l);
    const hone_tensor_list weights = weights_of(l);
    return weights.at ? hone_lstm(x, h, c, weights, &o) : (hone_lstm_result){ NULL, NULL, NULL };
}

static hone_tensor *rnn_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    if (n_in != 1 && !hone__takes_inputs(self, n_in, 2))
        return NULL;
    return run_rnn((const recurrent *)self, in[0], n_in == 2 ? in[1] : HONE_NONE).output;
}

static hone_tensor *lstm_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    if (n_in != 1 && !hone__takes_inputs(self, n_in, 3))
        return NULL;
    return run_lstm((const recurrent *)self, in[0], n_in == 3 ? in[1] : HONE_NONE,
                    n_in == 3 ? in[2] : HONE_NONE)
        .output;
}

#define RECURRENT(name_, table, make_, forward_)                                                   \
    {                                                                                              \
        .name = (name_), .arguments = (table), .make = (make_), .type = {                          \
            .name = (name_),                                                                       \
            .size = sizeof(recurrent),                                                             \
            .fields = fields,                                                                      \
            .forward = (forward_),                                                                 \
            .print = print                                                                         \
        }                                                                                          \
    }
static hone_module *make_rnn(const hone__argument *a)
{
    return recurrent_new(&hone__layer_RNN, a, 1, rest(&hone__layer_RNN, a)[PROJECTED].dtype);
}
const hone__layer hone__layer_RNN = RECURRENT("RNN", rnn_arguments, make_rnn, rnn_forward);

static hone_module *make_gru(const hone__argument *a)
{
    return recurrent_new(&hone__layer_GRU, a, 3, rest(&hone__layer_GRU, a)[PROJECTED].dtype);
}
const hone__layer hone__layer_GRU = RECURRENT("GRU", gru_arguments, make_gru, rnn_forward);

static hone_module *make_lstm(const hone__argument *a)
{
    const hone__argument *more = rest(&hone__layer_LSTM, a);
    if (more[PROJECTED].at[0] != 0)
        return hone__argument_refused(
            "LSTM", "proj_size", "a Linear behind the LSTM projects its output, not its state");
    return recurrent_new(&hone__layer_LSTM, a, 4, more[PROJECTED + 1].dtype);
}
const hone__layer hone__layer_LSTM = RECURRENT("LSTM", lstm_arguments, make_lstm, lstm_forward);

/* ---- with the last states */

static bool takes(const char *where, hone_module *module, bool lstm, hone_tensor *x, hone_tensor *h,
                  hone_tensor *c)
{
    if (!module) {
        hone__error_missing(where, "a module");
        return false;
    }
    const bool is_lstm = module->type == &hone__layer_LSTM.type,
               is_rnn =
                   module->type == &hone__layer_RNN.type || module->type == &hone__layer_GRU.type;
    if (lstm ? !is_lstm : !is_rnn) {
        hone_error_set(HONE_E_VALUE, "%s: wants %s, got %s", where,
                       lstm ? "an LSTM" : "an RNN or a GRU", module->type->name);
        return false;
    }
    return hone__needs_tensor(where, x) && hone__needs_tensor_or_none(where, h) &&
           hone__needs_tensor_or_none(where, c);
}

hone_rnn_result hone_nn_rnn_states(hone_module *rnn, hone_tensor *x, hone_tensor *h0)
{
    if (!takes("nn_rnn_states", rnn, false, x, h0, HONE_NONE))
        return (hone_rnn_result){ NULL, NULL };
    return run_rnn((const recurrent *)rnn, x, h0);
}

hone_lstm_result hone_nn_lstm_states(hone_module *lstm, hone_tensor *x, hone_tensor *h0,
                                     hone_tensor *c0)
{
    if (!takes("nn_lstm_states", lstm, true, x, h0, c0))
        return (hone_lstm_result){ NULL, NULL, NULL };
    return run_lstm((const recurrent *)lstm, x, h0, c0);
}
