/* cell.c: RNNCell, GRUCell and LSTMCell: one step of a recurrent layer. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "runtime/fpmode.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

typedef struct {
    hone__plain plain;
    hone_tensor *weight_ih, *weight_hh; /* [gates hidden, inputs], [gates hidden, hidden] */
    hone_tensor *bias_ih, *bias_hh;     /* [gates hidden] or NULL */
} cell;

extern const hone__layer hone__layer_RNNCell, hone__layer_GRUCell, hone__layer_LSTMCell;

enum { INPUTS, HIDDEN, BIAS, NONLINEARITY };
#define BEGIN                                                                                      \
    [INPUTS] = { "input_size", HONE__WHOLE, .min = 1, .max = INFINITY },                           \
    [HIDDEN] = { "hidden_size", HONE__WHOLE, .min = 1, .max = INFINITY },                          \
    [BIAS] = { "bias", HONE__TRUTH, "True" }

static const char *const nonlinearities[] = { "tanh", "relu", NULL };
static const hone__parameter rnn_arguments[] = {
    BEGIN,
    [NONLINEARITY] = { "nonlinearity", HONE__CHOICE, "'tanh'", .choices = nonlinearities },
    HONE__DTYPE_ARGUMENT,
    { 0 }
};
static const hone__parameter gated_arguments[] = { BEGIN, HONE__DTYPE_ARGUMENT, { 0 } };

static const hone_field fields[] = { HONE_PARAM(cell, weight_ih), HONE_PARAM(cell, weight_hh),
                                     HONE_PARAM(cell, bias_ih), HONE_PARAM(cell, bias_hh),
                                     HONE_FIELDS_END };

/* All evenly within 1 / sqrt(hidden). */
static bool begin(cell *l, int64_t gates, bool bias, hone_dtype dtype)
{
    HONE__FP_GUARD();
    const int64_t in = l->plain.at[INPUTS].at[0], hidden = l->plain.at[HIDDEN].at[0];
    const double bound = 1 / sqrt((double)hidden);
    int64_t rows;
    if (__builtin_mul_overflow(gates, hidden, &rows)) {
        hone_error_set(HONE_E_VALUE, "%s: a hidden_size of %lld is too large",
                       l->plain.base.type->name, (long long)hidden);
        return false;
    }
    l->weight_ih = hone__even_parameter(dtype, bound, 2, (const int64_t[]){ rows, in });
    if (l->weight_ih)
        l->weight_hh = hone__even_parameter(dtype, bound, 2, (const int64_t[]){ rows, hidden });
    if (l->weight_hh && bias)
        l->bias_ih = hone__even_parameter(dtype, bound, 1, &rows);
    if (l->bias_ih)
        l->bias_hh = hone__even_parameter(dtype, bound, 1, &rows);
    return l->weight_hh && (l->bias_hh || !bias);
}

static hone_module *cell_new(const hone__layer *layer, const hone__argument *a, int64_t gates,
                             hone_dtype dtype)
{
    cell *l = (cell *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    if (begin(l, gates, a[BIAS].truth, dtype))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

/* A state of zeros for x [n, inputs] or [inputs]. */
static hone_tensor *zero_state(const cell *l, const hone_tensor *x)
{
    const int64_t hidden = l->plain.at[HIDDEN].at[0];
    if (x->ndim == 1 && x->shape[0] == l->plain.at[INPUTS].at[0])
        return hone_zeros((hone_dtype)x->dtype, hidden);
    if (x->ndim == 2)
        return hone_zeros((hone_dtype)x->dtype, x->shape[0], hidden);
    hone_error_set(HONE_E_SHAPE, "%s: wants [n, %lld] or [%lld], got %s", l->plain.base.type->name,
                   (long long)l->plain.at[INPUTS].at[0], (long long)l->plain.at[INPUTS].at[0],
                   hone__tensor_text(x).s);
    return NULL;
}

static hone_tensor *or_none(hone_tensor *t)
{
    return t ? t : HONE_NONE;
}

typedef hone_tensor *(*step)(hone_tensor *x, hone_tensor *h, hone_tensor *w_ih, hone_tensor *w_hh,
                             hone_tensor *b_ih, hone_tensor *b_hh);

/* x and the state, which may be left out. */
static hone_tensor *one_step(hone_module *self, hone_tensor *const *in, int n_in, step op)
{
    const cell *l = (const cell *)self;
    if (n_in != 1 && !hone__takes_inputs(self, n_in, 2))
        return NULL;
    hone_tensor *h = n_in == 2 && in[1] != HONE_NONE ? in[1] : zero_state(l, in[0]);
    return op(in[0], h, l->weight_ih, l->weight_hh, or_none(l->bias_ih), or_none(l->bias_hh));
}

static hone_tensor *rnn_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const bool relu = ((const cell *)self)->plain.at[NONLINEARITY].choice == 1;
    return one_step(self, in, n_in, relu ? hone_rnn_relu_cell : hone_rnn_tanh_cell);
}

static hone_tensor *gru_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return one_step(self, in, n_in, hone_gru_cell);
}

static hone_lstm_state lstm_step(const cell *l, hone_tensor *x, hone_tensor *h, hone_tensor *c)
{
    h = h == HONE_NONE ? zero_state(l, x) : h;
    c = c == HONE_NONE ? zero_state(l, x) : c;
    return hone_lstm_cell(x, h, c, l->weight_ih, l->weight_hh, or_none(l->bias_ih),
                          or_none(l->bias_hh));
}

/* The next h alone; hone_nn_lstm_step() has both. */
static hone_tensor *lstm_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    if (n_in != 1 && !hone__takes_inputs(self, n_in, 3))
        return NULL;
    return lstm_step((const cell *)self, in[0], n_in == 3 ? in[1] : HONE_NONE,
                     n_in == 3 ? in[2] : HONE_NONE)
        .h_next;
}

static int print(const hone_module *self, char *text, size_t size)
{
    const hone__argument *a = ((const cell *)self)->plain.at;
    const bool relu = self->type == &hone__layer_RNNCell.type && a[NONLINEARITY].choice == 1;
    return hone__format(text, size, "%lld, %lld%s%s", (long long)a[INPUTS].at[0],
                        (long long)a[HIDDEN].at[0], a[BIAS].truth ? "" : ", bias=False",
                        relu ? ", nonlinearity=relu" : "");
}

#define CELL(name_, table, make_, forward_)                                                        \
    {                                                                                              \
        .name = (name_), .arguments = (table), .make = (make_), .type = {                          \
            .name = (name_),                                                                       \
            .size = sizeof(cell),                                                                  \
            .fields = fields,                                                                      \
            .forward = (forward_),                                                                 \
            .print = print                                                                         \
        }                                                                                          \
    }
static hone_module *make_rnn(const hone__argument *a)
{
    return cell_new(&hone__layer_RNNCell, a, 1, a[NONLINEARITY + 1].dtype);
}
const hone__layer hone__layer_RNNCell = CELL("RNNCell", rnn_arguments, make_rnn, rnn_forward);

static hone_module *make_gru(const hone__argument *a)
{
    return cell_new(&hone__layer_GRUCell, a, 3, a[BIAS + 1].dtype);
}
const hone__layer hone__layer_GRUCell = CELL("GRUCell", gated_arguments, make_gru, gru_forward);

static hone_module *make_lstm(const hone__argument *a)
{
    return cell_new(&hone__layer_LSTMCell, a, 4, a[BIAS + 1].dtype);
}
const hone__layer hone__layer_LSTMCell = CELL("LSTMCell", gated_arguments, make_lstm, lstm_forward);

hone_lstm_state hone_nn_lstm_step(hone_module *module, hone_tensor *x, hone_tensor *h,
                                  hone_tensor *c)
{
    hone_lstm_state none = { NULL, NULL };
    if (!module) {
        hone__error_missing("nn_lstm_step", "a module");
        return none;
    }
    if (module->type != &hone__layer_LSTMCell.type) {
        hone_error_set(HONE_E_VALUE, "nn_lstm_step: wants an LSTMCell, got %s", module->type->name);
        return none;
    }
    if (!hone__needs_tensor("nn_lstm_step", x) || !hone__needs_tensor_or_none("nn_lstm_step", h) ||
        !hone__needs_tensor_or_none("nn_lstm_step", c))
        return none;
    return lstm_step((const cell *)module, x, h, c);
}
