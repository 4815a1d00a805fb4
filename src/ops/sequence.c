/* sequence.c: rnn_tanh, rnn_relu, gru and lstm over a sequence: layers and directions, made of calls
 * of a layer's op (recurrent_layer.c), which record themselves. */
#include "core/reserve.h"
#include "op/options.h"
#include "ops/recurrent_layer.h"
#include "runtime/memory.h"

#include <hone/autocast.h>

static const hone__option sequence_table[] = {
    HONE__OPTION(hone_rnn_options, num_layers, HONE__OPT_INT, .standard = 1, .min = 1,
                 .max = 0x1p30),
    HONE__OPTION(hone_rnn_options, dropout, HONE__OPT_FLOAT, .max = 1),
    HONE__OPTION(hone_rnn_options, bidirectional, HONE__OPT_BOOL),
    HONE__OPTION(hone_rnn_options, batch_first, HONE__OPT_BOOL),
    HONE__OPTION(hone_rnn_options, training, HONE__OPT_BOOL),
    { NULL },
};

typedef struct {
    const char *name;
    const hone_rnn_options *o;
    hone__recurrence kind;
    hone_tensor *x, *h0, *c0; /* x has three dims, the states too */
    hone_tensor *const *weights;
    int n_weights, each; /* of all; of a layer in a direction */
    int64_t directions, cells, hidden;
    bool single; /* x came without the batch's dim */
} sequence;

/* Autocast makes one dtype of them, but of f64. */
static bool of_one_dtype(const hone_tensor *a, const hone_tensor *b)
{
    return a->dtype == b->dtype ||
           (hone_autocast() != HONE_F32 && a->dtype != HONE_F64 && b->dtype != HONE_F64);
}

static int64_t samples_of(const sequence *q)
{
    return q->x->shape[q->o->batch_first ? 0 : 1];
}

/* ---- checks */

static bool takes_x(sequence *q)
{
    const hone_tensor *x = q->x;
    if (!hone_dtype_is_float((hone_dtype)x->dtype)) {
        hone_error_set(HONE_E_DTYPE, "%s: x must be f32 or f64, got %s", q->name,
                       hone__tensor_text(x).s);
        return false;
    }
    if (x->ndim != 2 && x->ndim != 3) {
        hone_error_set(HONE_E_SHAPE, "%s: x is %s, but %s or [T, inputs] is wanted", q->name,
                       hone__tensor_text(x).s,
                       q->o->batch_first ? "[N, T, inputs]" : "[T, N, inputs]");
        return false;
    }
    q->single = x->ndim == 2;
    if (x->shape[q->single || !q->o->batch_first ? 0 : 1] == 0) {
        hone_error_set(HONE_E_SHAPE, "%s: x %s has no step", q->name, hone__tensor_text(x).s);
        return false;
    }
    if (q->single)
        q->x = hone_unsqueeze(q->x, q->o->batch_first ? 0 : 1);
    return q->x;
}

static bool counts_weights(sequence *q)
{
    q->directions = q->o->bidirectional ? 2 : 1;
    q->cells = q->o->num_layers * q->directions;
    q->each = q->n_weights == 4 * q->cells ? 4 : 2;
    if (q->n_weights == q->each * q->cells && q->weights[1]->ndim == 2)
        return true;
    hone_error_set(q->n_weights == q->each * q->cells ? HONE_E_SHAPE : HONE_E_VALUE,
                   "%s: %d weights, but %lld of %lld layers in %d directions are wanted (w_ih, "
                   "w_hh, b_ih, b_hh), or %lld without biases, matrices first",
                   q->name, q->n_weights, (long long)(4 * q->cells), (long long)q->o->num_layers,
                   (int)q->directions, (long long)(2 * q->cells));
    return false;
}

static bool weight_fits(const sequence *q, int64_t cell, int i, int64_t inputs)
{
    static const char *const names[] = { "w_ih", "w_hh", "b_ih", "b_hh" };
    const hone_tensor *w = q->weights[cell * q->each + i];
    const int64_t rows = hone__gates_of(q->kind) * q->hidden, cols = i == 0 ? inputs : q->hidden;
    const bool matrix = i < 2, typed = of_one_dtype(w, q->x);
    if (typed && w->ndim == (matrix ? 2 : 1) && w->shape[0] == rows &&
        (!matrix || w->shape[1] == cols))
        return true;
    const int64_t want[] = { rows, cols };
    hone_error_set(typed ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: %s of layer %lld%s must be %s of %s, got %s", q->name, names[i],
                   (long long)(cell / q->directions), cell % q->directions ? " backwards" : "",
                   hone__shape_text(matrix ? 2 : 1, want).s,
                   hone_dtype_name((hone_dtype)q->x->dtype), hone__tensor_text(w).s);
    return false;
}

static bool weights_fit(sequence *q)
{
    q->hidden = q->weights[1]->shape[1];
    for (int64_t cell = 0; cell < q->cells; cell++)
        for (int i = 0; i < q->each; i++)
            if (!weight_fits(q, cell, i,
                             cell < q->directions ? q->x->shape[2] : q->directions * q->hidden))
                return false;
    return true;
}

/* A state [cells, N, hidden]; without N it gets that dim. */
static bool takes_state(const sequence *q, const char *what, hone_tensor **state)
{
    const int64_t want[] = { q->cells, samples_of(q), q->hidden };
    const int64_t bare[] = { q->cells, q->hidden };
    hone_tensor *s = *state;
    if (s == HONE_NONE)
        return true;
    bool fits = of_one_dtype(s, q->x) && s->ndim == (q->single ? 2 : 3);
    for (int d = 0; fits && d < s->ndim; d++)
        fits = s->shape[d] == (q->single ? bare : want)[d];
    if (!fits) {
        hone_error_set(of_one_dtype(s, q->x) ? HONE_E_SHAPE : HONE_E_DTYPE,
                       "%s: %s must be %s of %s, got %s", q->name, what,
                       hone__shape_text(q->single ? 2 : 3, q->single ? bare : want).s,
                       hone_dtype_name((hone_dtype)q->x->dtype), hone__tensor_text(s).s);
        return false;
    }
    if (q->single)
        *state = hone_unsqueeze(s, 1);
    return *state;
}

static bool takes_call(sequence *q)
{
    return takes_x(q) && counts_weights(q) && weights_fit(q) && takes_state(q, "h0", &q->h0) &&
           takes_state(q, "c0", &q->c0);
}

/* ---- layers */

typedef struct {
    hone_tensor *output, *h, *c;
} cell_result;

static hone_tensor *state_of(hone_tensor *all, int64_t cell)
{
    return all == HONE_NONE ? all : hone_select(all, 0, cell);
}

static cell_result run_cell(const sequence *q, hone_tensor *x, int64_t cell)
{
    hone_tensor *const *w = q->weights + cell * q->each, *out[HONE_MAX_OUTPUTS] = { NULL };
    const hone__layer_options o = { q->kind, !q->o->batch_first, cell % q->directions };
    if (hone__run(&hone__op_recurrent_layer,
                  IN(x, state_of(q->h0, cell), state_of(q->c0, cell), w[0], w[1],
                     q->each == 4 ? w[2] : HONE_NONE, q->each == 4 ? w[3] : HONE_NONE),
                  &o, HONE__INTO_FRESH, out) < 0)
        return (cell_result){ NULL, NULL, NULL };
    const int time = q->o->batch_first ? 1 : 0;
    return (cell_result){ out[0], hone_select(out[0], time, o.reverse ? 0 : x->shape[time] - 1),
                          out[1] };
}

/* Numbers are drawn batch first. */
static hone_tensor *dropped(const sequence *q, hone_tensor *x)
{
    if (!q->o->training || q->o->dropout == 0)
        return x;
    if (q->o->batch_first)
        return hone_dropout(x, q->o->dropout, true);
    x = hone_dropout(hone_transpose(x, 0, 1), q->o->dropout, true);
    return hone_transpose(x, 0, 1);
}

static bool run_layers(const sequence *q, hone_tensor *h, hone_tensor_list states,
                       hone_tensor_list c_states, hone_tensor **output)
{
    for (int64_t layer = 0; layer < q->o->num_layers; layer++) {
        hone_tensor *side[2];
        h = layer ? dropped(q, h) : h;
        for (int64_t d = 0; h && d < q->directions; d++) {
            const int64_t cell = layer * q->directions + d;
            const cell_result r = run_cell(q, h, cell);
            side[d] = r.output;
            states.at[cell] = r.h;
            c_states.at[cell] = r.c;
            if (!r.output || !r.h || !r.c)
                return false;
        }
        h = q->directions == 2 && h ? hone_cat(hone_list(side[0], side[1]), -1) : h ? side[0] : h;
    }
    *output = h;
    return h;
}

static hone_tensor *joined(const sequence *q, hone_tensor_list states)
{
    for (int i = 0; i < states.n; i++)
        if (!(states.at[i] = hone_unsqueeze(states.at[i], 0)))
            return NULL;
    hone_tensor *all = hone_cat(states, 0);
    return q->single && all ? hone_squeeze(all, 1) : all;
}

static bool run_sequence(sequence *q, hone_tensor **out)
{
    if (!takes_call(q))
        return false;
    hone_tensor_list h = hone__list_new((int)q->cells), c = hone__list_new((int)q->cells);
    if (!h.at || !c.at || !run_layers(q, q->x, h, c, &out[0]))
        return false;
    if (q->single && !(out[0] = hone_squeeze(out[0], q->o->batch_first ? 0 : 1)))
        return false;
    return (out[1] = joined(q, h)) && (q->kind != HONE__LSTM || (out[2] = joined(q, c)));
}

/* ---- the ops */

#define SEQUENCE(op, kind_)                                                                        \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        sequence q = { .name = #op,                                                                \
                       .o = hone__options(ctx),                                                    \
                       .kind = kind_,                                                              \
                       .x = in[0],                                                                 \
                       .h0 = in[1],                                                                \
                       .c0 = HONE_NONE,                                                            \
                       .weights = in + 2,                                                          \
                       .n_weights = n_in - 2 };                                                    \
        return run_sequence(&q, out);                                                              \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "x" }, { "h0", HONE__OPTIONAL }, { "weights", HONE__LIST } },                    \
        .out = { { "output" }, { "h_n" } },                                                        \
        .options = sequence_table,                                                                 \
        .options_bytes = sizeof(hone_rnn_options),                                                 \
        .composite = true,                                                                         \
    };                                                                                             \
    hone_rnn_result hone_##op(hone_tensor *x, hone_tensor *h0, hone_tensor_list weights,           \
                              const hone_rnn_options *options)                                     \
    {                                                                                              \
        hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };                                             \
        if (!call_sequence(&hone__op_##op, (hone_tensor *[]){ x, h0 }, 2, weights, options, out))  \
            return (hone_rnn_result){ NULL, NULL };                                                \
        return (hone_rnn_result){ out[0], out[1] };                                                \
    }

/* The inputs and the weights as one list. */
static bool call_sequence(const hone__op *op, hone_tensor **in, int n, hone_tensor_list weights,
                          const hone_rnn_options *options, hone_tensor **out)
{
    hone_rnn_options plain;
    if (!HONE__KNOWS_OPTIONS(op->name, options) || !hone__options_resolve(op, options, &plain))
        return false;
    if (!weights.at) {
        hone__error_null(op->name);
        return false;
    }
    hone_tensor **all = hone__malloc(hone__bytes(n + weights.n, sizeof *all));
    if (!all)
        return false;
    for (int i = 0; i < n + weights.n; i++)
        all[i] = i < n ? in[i] : weights.at[i - n];
    const bool ok = hone__run(op, all, n + weights.n, &plain, HONE__INTO_FRESH, out) >= 0;
    hone__free(all);
    return ok;
}

SEQUENCE(rnn_tanh, HONE__RNN_TANH)
SEQUENCE(rnn_relu, HONE__RNN_RELU)
SEQUENCE(gru, HONE__GRU)

static bool lstm_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    sequence q = { .name = "lstm",
                   .o = hone__options(ctx),
                   .kind = HONE__LSTM,
                   .x = in[0],
                   .h0 = in[1],
                   .c0 = in[2],
                   .weights = in + 3,
                   .n_weights = n_in - 3 };
    if ((q.h0 == HONE_NONE) != (q.c0 == HONE_NONE)) {
        hone_error_set(HONE_E_VALUE, "lstm: h0 and c0 are needed together");
        return false;
    }
    return run_sequence(&q, out);
}

const hone__op hone__op_lstm = {
    .name = "lstm",
    .forward = lstm_forward,
    .in = { { "x" },
            { "h0", HONE__OPTIONAL },
            { "c0", HONE__OPTIONAL },
            { "weights", HONE__LIST } },
    .out = { { "output" }, { "h_n" }, { "c_n" } },
    .options = sequence_table,
    .options_bytes = sizeof(hone_rnn_options),
    .composite = true,
};

hone_lstm_result hone_lstm(hone_tensor *x, hone_tensor *h0, hone_tensor *c0,
                           hone_tensor_list weights, const hone_rnn_options *options)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    if (!call_sequence(&hone__op_lstm, (hone_tensor *[]){ x, h0, c0 }, 3, weights, options, out))
        return (hone_lstm_result){ NULL, NULL, NULL };
    return (hone_lstm_result){ out[0], out[1], out[2] };
}
