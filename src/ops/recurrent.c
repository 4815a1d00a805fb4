/* recurrent.c: one step of an RNN, LSTM or GRU, made of products and activations that record
 * themselves. */
#include "ops/common.h"

/* Inputs of a cell: x, h, (c,) w_ih, w_hh, b_ih, b_hh. */
typedef struct {
    hone_tensor *x, *h, *w_ih, *w_hh, *b_ih, *b_hh;
    int64_t gates;
} cell;

static bool matrix_fits(const char *name, const char *what, const hone_tensor *w,
                        const hone_tensor *x, int64_t rows)
{
    if (w->ndim == 2 && w->shape[0] == rows && w->shape[1] == x->shape[x->ndim - 1] &&
        w->dtype == x->dtype)
        return true;
    hone_error_set(w->dtype == x->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: %s must be [%lld, %lld] of %s, got %s", name, what, (long long)rows,
                   (long long)x->shape[x->ndim - 1], hone_dtype_name((hone_dtype)x->dtype),
                   hone__tensor_text(w).s);
    return false;
}

static bool bias_fits(const char *name, const char *what, hone_tensor *b, const hone_tensor *x,
                      int64_t rows)
{
    if (b == HONE_NONE || (b->ndim == 1 && b->shape[0] == rows && b->dtype == x->dtype))
        return true;
    hone_error_set(b->dtype == x->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: %s must be [%lld] of %s, got %s", name, what, (long long)rows,
                   hone_dtype_name((hone_dtype)x->dtype), hone__tensor_text(b).s);
    return false;
}

static bool states_fit(const char *name, const hone_tensor *x, const hone_tensor *h)
{
    if (!hone_dtype_is_float((hone_dtype)x->dtype) || h->dtype != x->dtype)
        hone_error_set(HONE_E_DTYPE, "%s: x and h must both be f32 or both f64, got %s and %s",
                       name, hone__tensor_text(x).s, hone__tensor_text(h).s);
    else if (h->ndim != x->ndim || (x->ndim != 1 && x->ndim != 2) ||
             (x->ndim == 2 && h->shape[0] != x->shape[0]))
        hone_error_set(
            HONE_E_SHAPE,
            "%s: wants x [N, inputs] and h [N, hidden], or both without N, got %s and %s", name,
            hone__tensor_text(x).s, hone__tensor_text(h).s);
    else
        return true;
    return false;
}

static bool cell_fits(const char *name, const cell *c)
{
    if (!states_fit(name, c->x, c->h))
        return false;
    const int64_t rows = c->gates * c->h->shape[c->h->ndim - 1];
    return matrix_fits(name, "w_ih", c->w_ih, c->x, rows) &&
           matrix_fits(name, "w_hh", c->w_hh, c->h, rows) &&
           bias_fits(name, "b_ih", c->b_ih, c->x, rows) &&
           bias_fits(name, "b_hh", c->b_hh, c->x, rows);
}

/* What the gates get from the input, and from the state. */
static hone_tensor *from_input(const cell *c)
{
    return hone_linear(c->x, hone_transpose(c->w_ih, 0, 1), c->b_ih);
}

static hone_tensor *from_state(const cell *c)
{
    return hone_linear(c->h, hone_transpose(c->w_hh, 0, 1), c->b_hh);
}

/* Gate i of all that lie side by side. */
static hone_tensor *gate(const cell *c, hone_tensor *all, int i)
{
    const int64_t n = c->h->shape[c->h->ndim - 1];
    return hone_slice(all, -1, i * n, (i + 1) * n, 1);
}

/* ---- rnn_tanh_cell, rnn_relu_cell */

static hone_tensor *rnn_sum(hone_context *ctx, hone_tensor *const *in)
{
    const cell c = { in[0], in[1], in[2], in[3], in[4], in[5], 1 };
    return cell_fits(hone__call_name(ctx), &c) ? hone_add(from_input(&c), from_state(&c)) : NULL;
}

static bool rnn_tanh_cell_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                  hone_tensor **out)
{
    (void)n_in;
    hone_tensor *sum = rnn_sum(ctx, in);
    return sum && hone__give(out, hone_tanh(sum));
}

static bool rnn_relu_cell_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                  hone_tensor **out)
{
    (void)n_in;
    hone_tensor *sum = rnn_sum(ctx, in);
    return sum && hone__give(out, hone_relu(sum));
}

/* ---- gru_cell: the reset gate multiplies after the product and its bias */

static bool gru_cell_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const cell c = { in[0], in[1], in[2], in[3], in[4], in[5], 3 };
    if (!cell_fits(hone__call_name(ctx), &c))
        return false;
    hone_tensor *x = from_input(&c), *h = from_state(&c);
    hone_tensor *reset = hone_sigmoid(hone_add(gate(&c, x, 0), gate(&c, h, 0)));
    hone_tensor *update = hone_sigmoid(hone_add(gate(&c, x, 1), gate(&c, h, 1)));
    hone_tensor *fresh = hone_tanh(hone_add(gate(&c, x, 2), hone_mul(reset, gate(&c, h, 2))));
    /* (1 - update) fresh + update h */
    return hone__give(out, hone_add(fresh, hone_mul(update, hone_sub(c.h, fresh))));
}

#define CELL(op)                                                                                   \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "x" },                                                                           \
                { "h" },                                                                           \
                { "w_ih" },                                                                        \
                { "w_hh" },                                                                        \
                { "b_ih", HONE__OPTIONAL },                                                        \
                { "b_hh", HONE__OPTIONAL } },                                                      \
        .composite = true,                                                                         \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *x, hone_tensor *h, hone_tensor *w_ih, hone_tensor *w_hh,   \
                           hone_tensor *b_ih, hone_tensor *b_hh)                                   \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(x, h, w_ih, w_hh, b_ih, b_hh), NULL);                 \
    }
CELL(rnn_tanh_cell)
CELL(rnn_relu_cell)
CELL(gru_cell)

/* ---- lstm_cell */

static bool lstm_cell_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    const char *name = hone__call_name(ctx);
    const cell c = { in[0], in[1], in[3], in[4], in[5], in[6], 4 };
    if (!cell_fits(name, &c))
        return false;
    if (!hone__same_shape(in[2], c.h) || in[2]->dtype != c.h->dtype) {
        hone_error_set(in[2]->dtype == c.h->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                       "%s: c %s must be like h %s", name, hone__tensor_text(in[2]).s,
                       hone__tensor_text(c.h).s);
        return false;
    }
    hone_tensor *all = hone_add(from_input(&c), from_state(&c));
    hone_tensor *add = hone_mul(hone_sigmoid(gate(&c, all, 0)), hone_tanh(gate(&c, all, 2)));
    out[1] = hone_add(hone_mul(hone_sigmoid(gate(&c, all, 1)), in[2]), add);
    out[0] = hone_mul(hone_sigmoid(gate(&c, all, 3)), hone_tanh(out[1]));
    return out[0] != NULL;
}

const hone__op hone__op_lstm_cell = {
    .name = "lstm_cell",
    .forward = lstm_cell_forward,
    .in = { { "x" },
            { "h" },
            { "c" },
            { "w_ih" },
            { "w_hh" },
            { "b_ih", HONE__OPTIONAL },
            { "b_hh", HONE__OPTIONAL } },
    .out = { { "h_next" }, { "c_next" } },
    .composite = true,
};

hone_lstm_state hone_lstm_cell(hone_tensor *x, hone_tensor *h, hone_tensor *c, hone_tensor *w_ih,
                               hone_tensor *w_hh, hone_tensor *b_ih, hone_tensor *b_hh)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    if (hone__run(&hone__op_lstm_cell, IN(x, h, c, w_ih, w_hh, b_ih, b_hh), NULL, HONE__INTO_FRESH,
                  out) < 0)
        return (hone_lstm_state){ NULL, NULL };
    return (hone_lstm_state){ out[0], out[1] };
}
