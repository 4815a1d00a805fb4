/* decode.c: a network of tokens, position by position: what is kept from one step to the next.
 *
 * A forward goes through the same steps each time, so what attention and recurrences keep is known
 * by its number among them. */
#include "run/decode.h"

#include "core/core.h"
#include "nn/layer.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <string.h>

/* Of attention: keys and values, [.., capacity, width] each, filled up to the position. Of a
 * recurrence: h and c (NULL: it has none). */
typedef struct {
    const hone__step *step;
    hone_tensor *a, *b;
} kept;

struct hone_decoder {
    hone_module *model;
    int64_t position, new; /* seen before this step; that this step sees */
    int64_t samples;
    kept *at;
    int n, capacity, next; /* next: of this step */
};

static _Thread_local hone_decoder *current;

hone_decoder *hone__decoding(void)
{
    return current;
}

int64_t hone__decode_begin(const hone_decoder *d, int64_t n)
{
    return n == d->new ? d->position : 0;
}

/* ---- which ops keep something */

typedef enum { NOTHING, ATTENTION, STATE, STATES } keeping; /* STATES: h and c */

static keeping keeps(const hone__op *op)
{
    static const struct {
        const char *name;
        keeping what;
    } all[] = { { "scaled_dot_product_attention", ATTENTION },
                { "lstm", STATES },
                { "gru", STATE },
                { "rnn_tanh", STATE },
                { "rnn_relu", STATE } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(op->name, all[i].name) == 0)
            return all[i].what;
    return NOTHING;
}

/* A bool among the options of a kind. */
static bool *flag(const hone__op *op, const void *options, const char *name)
{
    const hone__option *o = op->options;
    while (strcmp(o->name, name) != 0)
        o++;
    return (bool *)((char *)(uintptr_t)options + o->offset);
}

static bool refuse(const hone__step *s, const char *why)
{
    hone_error_set(HONE_E_STATE,
                   "decoder_step: %s %s: its result isn't one that goes on position "
                   "by position",
                   s->name, why);
    return false;
}

/* ---- what is kept */

static kept *next_kept(hone_decoder *d, const hone__step *s)
{
    if (d->position > 0) {
        if (d->next < d->n && d->at[d->next].step == s)
            return &d->at[d->next++];
        hone_error_set(HONE_E_STATE, "decoder_step: the forward has changed since the first step");
        return NULL;
    }
    if (d->n == d->capacity) {
        const int more = d->capacity ? 2 * d->capacity : 16;
        kept *at = hone__calloc((size_t)more * sizeof *at);
        if (!at)
            return NULL;
        if (d->n > 0)
            memcpy(at, d->at, (size_t)d->n * sizeof *at);
        hone__free(d->at);
        d->at = at;
        d->capacity = more;
    }
    d->at[d->n] = (kept){ .step = s };
    d->next = d->n + 1;
    return &d->at[d->n++];
}

/* Puts the new positions behind the ones before in *room, which grows, and makes *t all of them. */
static bool append(const hone_decoder *d, hone_tensor **room, hone_tensor **t)
{
    const int dim = (*t)->ndim - 2;
    const int64_t all = d->position + d->new;
    if (!*room || (*room)->shape[dim] < all) {
        int64_t shape[HONE_MAX_DIMS];
        memcpy(shape, (*t)->shape, (size_t)(*t)->ndim * sizeof *shape);
        shape[dim] = 2 * all > 64 ? 2 * all : 64;
        hone_tensor *more =
            hone__own(hone__new("decoder_step", hone_dtype_of(*t), (*t)->ndim, shape));
        if (!more || (*room && !hone_copy_(hone_slice(more, dim, 0, d->position, 1),
                                           hone_slice(*room, dim, 0, d->position, 1))))
            return false;
        hone_assign(room, more);
    }
    if (!hone_copy_(hone_slice(*room, dim, d->position, all, 1), *t))
        return false;
    *t = hone_slice(*room, dim, 0, all, 1);
    return *t != NULL;
}

static bool before_attention(hone_decoder *d, const hone__step *s, hone_tensor **in,
                             const void **options, void *room)
{
    hone_tensor *q = in[0], *k = in[1], *v = in[2];
    if (!hone__needs_tensor(s->name, q) || !hone__needs_tensor(s->name, k) ||
        !hone__needs_tensor(s->name, v))
        return false;
    if (!*flag(s->op, *options, "is_causal"))
        return refuse(s, "without is_causal");
    if (q->ndim < 2 || k->ndim < 2 || v->ndim < 2 || q->shape[q->ndim - 2] != d->new ||
        k->shape[k->ndim - 2] != d->new || v->shape[v->ndim - 2] != d->new)
        return refuse(s, "over something other than the tokens");
    kept *keep = next_kept(d, s);
    if (!keep || !append(d, &keep->a, &in[1]) || !append(d, &keep->b, &in[2]))
        return false;
    if (d->position == 0)
        return true;
    if (d->new > 1) { /* a query's triangle would begin at key 0 */
        hone_error_set(HONE_E_VALUE,
                       "decoder_step: %lld tokens at once (only the first step takes "
                       "more than one)",
                       (long long)d->new);
        return false;
    }
    memcpy(room, *options, s->op->options_bytes);
    *flag(s->op, room, "is_causal") = false; /* it sees all there are */
    *options = room;
    return true;
}

bool hone__decode_before(hone_decoder *d, const hone__step *s, hone_tensor **in,
                         const void **options, void *room)
{
    const keeping what = keeps(s->op);
    if (what == NOTHING)
        return true;
    if (what == ATTENTION)
        return before_attention(d, s, in, options, room);
    if (*flag(s->op, *options, "bidirectional"))
        return refuse(s, "in both directions");
    const kept *keep = next_kept(d, s);
    if (!keep)
        return false;
    if (keep->a)
        in[1] = keep->a;
    if (keep->b)
        in[2] = keep->b;
    return true;
}

bool hone__decode_after(hone_decoder *d, const hone__step *s, hone_tensor *const *out)
{
    const keeping what = keeps(s->op);
    if (what != STATE && what != STATES)
        return true;
    kept *keep = &d->at[d->next - 1];
    hone_assign(&keep->a, out[1]);
    if (what == STATES)
        hone_assign(&keep->b, out[2]);
    return true;
}

/* ---- layers that are recurrences */

extern const hone__layer hone__layer_RNN, hone__layer_GRU, hone__layer_LSTM;

hone_tensor *hone__decode_module(hone_decoder *d, const hone__step *s, hone_tensor **in)
{
    const hone_module_class *type =
        s->module->type; /* a described part may have such a name, too */
    const bool lstm = type == &hone__layer_LSTM.type;
    if (s->n_in != 1 || (!lstm && type != &hone__layer_RNN.type && type != &hone__layer_GRU.type))
        return hone_forward_v(s->module, in);
    kept *keep = next_kept(d, s);
    if (!keep)
        return NULL;
    hone_tensor *h = keep->a ? keep->a : HONE_NONE, *c = keep->b ? keep->b : HONE_NONE;
    hone_lstm_result r = { NULL, NULL, NULL };
    if (lstm) {
        r = hone_nn_lstm_states(s->module, in[0], h, c);
    } else {
        const hone_rnn_result plain = hone_nn_rnn_states(s->module, in[0], h);
        r = (hone_lstm_result){ plain.output, plain.h_n, NULL };
    }
    if (!r.output)
        return NULL;
    if (r.output->shape[r.output->ndim - 1] != r.h_n->shape[r.h_n->ndim - 1]) {
        refuse(s, "in both directions");
        return NULL;
    }
    hone_assign(&keep->a, r.h_n);
    if (lstm)
        hone_assign(&keep->b, r.c_n);
    return r.output;
}

/* ---- the decoder */

hone_decoder *hone_decoder_new(hone_module *model)
{
    if (!model) {
        hone__error_missing("decoder_new", "a network");
        return NULL;
    }
    hone_decoder *d = hone__calloc(sizeof *d);
    if (d)
        d->model = hone_module_retain(model);
    return d;
}

void hone_decoder_reset(hone_decoder *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->n; i++) {
        hone_release(d->at[i].a);
        hone_release(d->at[i].b);
    }
    d->n = d->next = 0;
    d->position = 0;
}

void hone_decoder_free(hone_decoder *d)
{
    if (!d)
        return;
    hone_decoder_reset(d);
    hone_module_free(d->model);
    hone__free(d->at);
    hone__free(d);
}

int64_t hone_decoder_position(const hone_decoder *d)
{
    if (d)
        return d->position;
    hone__error_missing("decoder_position", "a decoder");
    return -1;
}

static bool step_fits(const hone_decoder *d, const hone_tensor *tokens)
{
    if (!d) {
        hone__error_missing("decoder_step", "a decoder");
        return false;
    }
    if (!hone__needs_tensor("decoder_step", tokens))
        return false;
    if (d->model->training) {
        hone_error_set(HONE_E_STATE, "decoder_step: the network is training");
        return false;
    }
    if (tokens->ndim != 2 || tokens->shape[1] < 1)
        hone_error_set(HONE_E_SHAPE, "decoder_step: tokens are [samples, positions], not %s",
                       hone__tensor_text(tokens).s);
    else if (d->position > 0 && tokens->shape[0] != d->samples)
        hone_error_set(HONE_E_SHAPE, "decoder_step: %s, but the steps before had %lld samples",
                       hone__tensor_text(tokens).s, (long long)d->samples);
    else
        return true;
    return false;
}

hone_tensor *hone_decoder_step(hone_decoder *d, hone_tensor *tokens)
{
    if (!step_fits(d, tokens))
        return NULL;
    HONE_NO_GRAD();
    hone_decoder *outer = current;
    d->samples = tokens->shape[0];
    d->new = tokens->shape[1];
    d->next = 0;
    current = d;
    hone_tensor *out = hone_forward(d->model, tokens);
    current = outer;
    if (out)
        d->position += d->new;
    else
        hone_decoder_reset(d);
    return out;
}
