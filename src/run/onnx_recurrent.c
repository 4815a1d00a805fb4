/* onnx_recurrent.c: a layer of an RNN, GRU or LSTM in one direction as ONNX's node of that name. Its gates come in
 * another order, and its weights have a dim for directions in front; so the graph has copies of them, under names of
 * their own. */
#if HONE_HAS_PROTOBUF_C

#include "run/onnx.h"

#include "ops/recurrent_layer.h"
#include "runtime/memory.h"

#include <hone/ops.h>

/* ONNX's gate i is hone's (and PyTorch's) order[i]. */
static const struct {
    const char *type;
    int gates, order[4];
} kinds[] = {
    [HONE__RNN_TANH] = { "RNN", 1, { 0 } },
    [HONE__RNN_RELU] = { "RNN", 1, { 0 } },
    [HONE__GRU] = { "GRU", 3, { 1, 0, 2 } },      /* update, reset, new */
    [HONE__LSTM] = { "LSTM", 4, { 0, 3, 1, 2 } }, /* input, output, forget, cell */
};

/* Rows by gate; NULL: no memory. */
static hone_tensor *in_order(hone__recurrence kind, hone_tensor *weight)
{
    hone_tensor *gate[4];
    const int n = kinds[kind].gates;
    const int64_t rows = weight->shape[0] / n;
    for (int i = 0; i < n; i++) {
        const int64_t from = kinds[kind].order[i] * rows;
        gate[i] = hone_slice(weight, 0, from, from + rows, 1);
        if (!gate[i])
            return NULL;
    }
    return hone_cat((hone_tensor_list){ gate, n }, 0);
}

/* Both biases one after the other, [1, 2 gates]. */
static hone_tensor *biases(hone__recurrence kind, hone_tensor *b_ih, hone_tensor *b_hh,
                           const hone_tensor *w_hh)
{
    hone_tensor *both[2] = { b_ih, b_hh };
    for (int i = 0; i < 2; i++) {
        both[i] = both[i] == HONE_NONE ? hone_zeros((hone_dtype)w_hh->dtype, w_hh->shape[0])
                                       : in_order(kind, both[i]);
        if (!both[i])
            return NULL;
    }
    return hone_unsqueeze(hone_cat((hone_tensor_list){ both, 2 }, 0), 0);
}

static const char *state(hone__onnx *g, hone_tensor *t)
{
    if (t == HONE_NONE)
        return "";
    const char *name = hone__onnx_name(g, t);
    return HONE__ONNX(g, "Unsqueeze", name, hone__onnx_ints(g, &(int64_t){ 0 }, 1));
}

static const char *turned(hone__onnx *g, const char *x)
{
    const char *y = HONE__ONNX(g, "Transpose", x);
    hone__onnx_list(g, "perm", (const int64_t[]){ 1, 0, 2 }, 3);
    return y;
}

static const char *without(hone__onnx *g, const char *x, int64_t dim)
{
    return HONE__ONNX(g, "Squeeze", x, hone__onnx_ints(g, &dim, 1));
}

const char *hone__onnx_recurrent(hone__onnx *g)
{
    hone_tensor *const *in = g->ctx->in;
    const hone__layer_options *o = (const void *)g->ctx->options;
    const hone__recurrence kind = (hone__recurrence)o->kind;
    for (int i = HONE__LAYER_W_IH; i <= HONE__LAYER_B_HH; i++)
        if (in[i] != HONE_NONE && !hone__onnx_is_constant(g, in[i]))
            return hone__onnx_refuse(g, "with weights that are computed isn't written");
    const char *x = hone__onnx_name(g, in[HONE__LAYER_X]);
    if (!o->time_first)
        x = turned(g, x);
    const char *h = state(g, in[HONE__LAYER_H]);
    const char *c = kind == HONE__LSTM ? state(g, in[HONE__LAYER_C]) : "";
    hone_tensor *w = hone_unsqueeze(in_order(kind, in[HONE__LAYER_W_IH]), 0),
                *r = hone_unsqueeze(in_order(kind, in[HONE__LAYER_W_HH]), 0),
                *b = biases(kind, in[HONE__LAYER_B_IH], in[HONE__LAYER_B_HH], in[HONE__LAYER_W_HH]);
    const char *weight = hone__onnx_fresh(g, w), *recurrent = hone__onnx_fresh(g, r);
    const char *all =
        HONE__ONNX(g, kinds[kind].type, x, weight, recurrent, hone__onnx_fresh(g, b), "", h, c);
    hone__onnx_int(g, "hidden_size", in[HONE__LAYER_W_HH]->shape[1]);
    hone__onnx_text(g, "direction", o->reverse ? "reverse" : "forward");
    if (kind == HONE__GRU)
        hone__onnx_int(g, "linear_before_reset", 1);
    if (kind == HONE__RNN_RELU)
        hone__onnx_texts(g, "activations", "Relu");
    const char *last = kind == HONE__LSTM ? hone__onnx_third(g) : NULL;
    const char *y = without(g, all, 1);
    if (!o->time_first)
        y = turned(g, y);
    if (last && (last = without(g, last, 0)))
        hone__onnx_bind(g, g->out[1], last, false);
    return y;
}

#else
typedef int hone__nothing_without_protobuf_c;
#endif
