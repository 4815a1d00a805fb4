/* recurrent_backward.c: the gradient of a layer of a recurrence: backwards through the steps, which
 * gives the gradients of what the gates got from input and state, then one product for each thing
 * that these come from.
 *
 * Where the gradient is to be differentiated again the same steps are taken by public ops, which
 * record themselves, from a forward pass that is computed anew. */
#include "ops/recurrent_layer.h"

#include "runtime/memory.h"

/* What the walk through the steps gives, batch first: [N, T, gates] of input and product, the same
 * but for a GRU; the states before each step [N, T, hidden]; [N, hidden] of the first states. */
typedef struct {
    hone_tensor *dx, *dproduct, *before, *dh, *dc;
    hone_tensor *dx_factor, *product_factor; /* as products take them */
} walked;

typedef struct {
    hone_tensor *x, *h, *c, *w_ih, *w_hh, *b_ih, *b_hh, *y, *kept;
} saved;

/* Ops that record themselves are f32's where these are bf16. */
static bool take_saved(hone_context *ctx, saved *s)
{
    hone_tensor **const to[] = { &s->x,    &s->h,    &s->c, &s->w_ih, &s->w_hh,
                                 &s->b_ih, &s->b_hh, &s->y, &s->kept };
    bool ok = true;
    for (int i = 0; i < (int)(sizeof to / sizeof *to); i++)
        ok = (*to[i] = hone_saved(ctx, i)) && ok;
    for (int i = 0; ok && hone_grad_enabled() && i < (int)(sizeof to / sizeof *to); i++)
        if (*to[i] != HONE_NONE && hone_dtype_of(*to[i]) == HONE_BF16)
            ok = (*to[i] = hone_to(*to[i], HONE_F32));
    return ok;
}

static hone_tensor *batch_first(const hone__layer *l, hone_tensor *t)
{
    return l->time_first ? hone_transpose(t, 0, 1) : t;
}

static hone_tensor *state_or_zeros(const hone__layer *l, hone_tensor *given)
{
    return given == HONE_NONE ? hone_zeros(l->dtype, l->samples, l->hidden) : given;
}

/* ---- by kernels */

static hone_tensor *states_before(const hone__layer *l, const saved *s, hone_tensor *first)
{
    hone_tensor *y = batch_first(l, s->y), *h = hone_unsqueeze(first, 1);
    if (l->reverse)
        return hone_cat(hone_list(hone_slice(y, 1, 1, l->steps, 1), h), 1);
    return hone_cat(hone_list(h, hone_slice(y, 1, 0, l->steps - 1, 1)), 1);
}

/* Rounded, but for `dproduct` that the walk has rounded step by step. */
static bool take_factors(const hone__layer *l, walked *w)
{
    if (!w->product_factor)
        w->product_factor = w->dproduct;
    w->dx_factor = w->dx == w->dproduct ? w->product_factor : hone_to(w->dx, l->factors);
    return w->dx_factor && w->product_factor;
}

/* What a step had before it, and kept. */
static void show_step(const hone__layer *l, const saved *s, hone_tensor *h, hone_tensor *c,
                      int64_t n, hone__recurrent_back *back)
{
    const int64_t at = hone__layer_at(l, n), before = n ? hone__layer_at(l, n - 1) : 0;
    const int64_t c_at = 4 * l->hidden * (int64_t)hone_dtype_size(l->dtype);
    back->h = hone__layer_rows(l, s->y, l->time_first, at, l->hidden);
    if (l->kind == HONE__GRU) {
        back->keep = hone__layer_rows(l, s->kept, l->time_first, at, 4 * l->hidden);
        back->before =
            n ? hone__layer_rows(l, s->y, l->time_first, before, l->hidden) : hone__state_rows(h);
    } else if (l->kind == HONE__LSTM) {
        back->c = back->keep = hone__layer_rows(l, s->kept, l->time_first, at, 5 * l->hidden);
        back->c.p = (char *)back->c.p + c_at;
        back->before = n ? hone__layer_rows(l, s->kept, l->time_first, before, 5 * l->hidden)
                         : hone__state_rows(c);
        back->before.p = (char *)back->before.p + (n ? c_at : 0);
    }
}

typedef struct {
    const hone__layer *l;
    const saved *s;
    const walked *w;
    hone_tensor *h, *c, *dout;
    hone__layer_matrix weight;
} way_back;

static bool take_steps_back(void *user, const hone__layer_part *part)
{
    const way_back *b = user;
    const hone__layer *l = b->l;
    const walked *w = b->w;
    for (int64_t n = l->steps; n-- > 0;) {
        const int64_t at = hone__layer_at(l, n);
        hone__recurrent_back back = { .kind = l->kind, .hidden = l->hidden };
        show_step(l, b->s, b->h, b->c, n, &back);
        back.dy = hone__layer_rows(l, b->dout, l->time_first, at, l->hidden);
        back.direct = hone__state_rows(w->dh);
        back.carried = n + 1 < l->steps ? back.direct : (hone__step_rows){ NULL, 0 };
        back.dc = hone__state_rows(w->dc);
        back.dx = hone__layer_rows(l, w->dx, false, at, l->gates);
        back.dproduct = hone__layer_rows(l, w->dproduct, false, at, l->gates);
        hone__layer_back(l, part, &back);
        const hone__step_rows factor = hone__layer_rows(l, w->product_factor, false, at, l->gates);
        if (hone__layer_rounds(l))
            hone__layer_round(l, part, l->gates, back.dproduct, factor, false);
        if (!hone__layer_product(l, part, factor, &b->weight, HONE_NONE, back.direct,
                                 l->kind == HONE__GRU))
            return false;
    }
    return true;
}

static bool walk_steps(const hone__layer *l, const saved *given, hone_tensor *const *dy, walked *w)
{
    const bool rounds = hone__layer_rounds(l), lstm = l->kind == HONE__LSTM;
    saved shown = *given, *s = &shown;
    hone__layer_matrix weight;
    hone_tensor *h = hone_contiguous(hone_to(state_or_zeros(l, s->h), l->dtype));
    hone_tensor *c = lstm ? hone_contiguous(hone_to(state_or_zeros(l, s->c), l->dtype)) : HONE_NONE;
    hone_tensor *dout = hone_contiguous(dy[0]);
    w->before = h ? states_before(l, s, hone_to(h, l->factors)) : NULL;
    s->y = hone_to(s->y, l->dtype);
    w->dx = w->dproduct = hone_empty(l->dtype, l->samples, l->steps, l->gates);
    if (l->kind == HONE__GRU)
        w->dproduct = hone_empty_like(w->dx);
    w->dh = hone_empty(l->dtype, l->samples, l->hidden);
    w->dc = lstm ? hone_clone(hone_contiguous(dy[1])) : HONE_NONE;
    w->product_factor =
        rounds && w->dx ? hone_empty(l->factors, l->samples, l->steps, l->gates) : w->dproduct;
    if (!hone__layer_matrix_of(l, s->w_hh, &weight) || !s->y || !w->product_factor || !c || !dout ||
        !w->dx || !w->dproduct || !w->dh || !w->dc || !w->before)
        return false;
    if (w->dx->numel == 0)
        return take_factors(l, w);
    way_back back = { l, s, w, h, c, dout, weight };
    if (!hone__layer_walk(l, take_steps_back, &back))
        return false;
    return take_factors(l, w);
}

/* ---- by ops that record themselves */

static hone_tensor *chain(hone_tensor *a, hone_tensor *b)
{
    return hone__chain_matmul(a, b, false);
}

static hone_tensor *with_bias(hone_tensor *sum, hone_tensor *bias)
{
    return bias == HONE_NONE ? sum : hone_add(sum, bias);
}

static hone_tensor *gate(const hone__layer *l, hone_tensor *all, int i)
{
    return hone_slice(all, -1, i * l->hidden, (i + 1) * l->hidden, 1);
}

/* A step's values; c of an LSTM, inner the product that a GRU's reset gate meets. */
typedef struct {
    hone_tensor *gate[4], *before, *c_before, *h, *c, *inner;
} step;

static void take_step(const hone__layer *l, hone_tensor *x, hone_tensor *product, step *s)
{
    if (l->kind == HONE__GRU) {
        hone_tensor *r = s->gate[0] = hone_sigmoid(hone_add(gate(l, x, 0), gate(l, product, 0)));
        hone_tensor *z = s->gate[1] = hone_sigmoid(hone_add(gate(l, x, 1), gate(l, product, 1)));
        s->inner = gate(l, product, 2);
        hone_tensor *fresh = s->gate[2] = hone_tanh(hone_add(gate(l, x, 2), hone_mul(r, s->inner)));
        s->h = hone_add(fresh, hone_mul(z, hone_sub(s->before, fresh)));
        return;
    }
    hone_tensor *sum = hone_add(x, product);
    if (l->kind == HONE__RNN_RELU)
        s->h = hone_relu(sum);
    if (l->kind == HONE__RNN_TANH)
        s->h = hone_tanh(sum);
    if (l->kind != HONE__LSTM)
        return;
    for (int i = 0; i < 4; i++)
        s->gate[i] = i == 2 ? hone_tanh(gate(l, sum, i)) : hone_sigmoid(gate(l, sum, i));
    s->c = hone_add(hone_mul(s->gate[1], s->c_before), hone_mul(s->gate[0], s->gate[2]));
    s->h = hone_mul(s->gate[3], hone_tanh(s->c));
}

/* All of them, from the inputs. */
static bool take_steps(const hone__layer *l, const saved *s, step *steps)
{
    hone_tensor *w_ih = hone_transpose(s->w_ih, 0, 1), *w_hh = hone_transpose(s->w_hh, 0, 1);
    hone_tensor *x = with_bias(chain(s->x, w_ih), s->b_ih), *h = state_or_zeros(l, s->h);
    hone_tensor *c = l->kind == HONE__LSTM ? state_or_zeros(l, s->c) : HONE_NONE;
    for (int64_t n = 0; n < l->steps; n++) {
        step *to = &steps[n];
        to->before = h;
        to->c_before = c;
        take_step(l, hone_select(x, l->time_first ? 0 : 1, hone__layer_at(l, n)),
                  with_bias(chain(h, w_hh), s->b_hh), to);
        h = to->h;
        c = to->c;
    }
    return h != NULL;
}

/* The gradients of what the gates got, [N, gates]; *dc and *direct as the kernel has them. */
static hone_tensor *back_step(const hone__layer *l, const step *s, hone_tensor *dh,
                              hone_tensor **dc, hone_tensor **direct, hone_tensor **dproduct)
{
    hone_tensor *const *g = s->gate;
    if (l->kind == HONE__RNN_TANH || l->kind == HONE__RNN_RELU)
        return *dproduct = l->kind == HONE__RNN_TANH ? hone_tanh_backward(dh, s->h)
                                                     : hone_relu_backward(dh, s->h);
    if (l->kind == HONE__GRU) {
        *direct = hone_mul(dh, g[1]);
        hone_tensor *dfresh = hone_tanh_backward(hone_sub(dh, *direct), g[2]);
        hone_tensor *dreset = hone_sigmoid_backward(hone_mul(dfresh, s->inner), g[0]);
        hone_tensor *dupdate = hone_sigmoid_backward(hone_mul(dh, hone_sub(s->before, g[2])), g[1]);
        *dproduct = hone_cat(hone_list(dreset, dupdate, hone_mul(dfresh, g[0])), 1);
        return hone_cat(hone_list(dreset, dupdate, dfresh), 1);
    }
    hone_tensor *tanh_c = hone_tanh(s->c);
    *dc = hone_add(*dc, hone_tanh_backward(hone_mul(dh, g[3]), tanh_c));
    hone_tensor *d = hone_cat(hone_list(hone_sigmoid_backward(hone_mul(*dc, g[2]), g[0]),
                                        hone_sigmoid_backward(hone_mul(*dc, s->c_before), g[1]),
                                        hone_tanh_backward(hone_mul(*dc, g[0]), g[2]),
                                        hone_sigmoid_backward(hone_mul(dh, tanh_c), g[3])),
                              1);
    *dc = hone_mul(*dc, g[1]);
    return *dproduct = d;
}

static bool record_steps(const hone__layer *l, const saved *s, hone_tensor *const *dy, walked *w)
{
    const int many = (int)l->steps;
    hone_tensor_list dx = hone__list_new(many), dp = hone__list_new(many);
    hone_tensor_list before = hone__list_new(many);
    step *steps = hone__own_block(hone__calloc(hone__bytes(l->steps, sizeof *steps)));
    if (!dx.at || !dp.at || !before.at || !steps || !take_steps(l, s, steps))
        return false;
    const int time = l->time_first ? 0 : 1;
    hone_tensor *carried = NULL, *direct = NULL;
    w->dc = dy[1];
    for (int64_t n = l->steps; n-- > 0;) {
        const int64_t at = hone__layer_at(l, n);
        hone_tensor *dh = hone_select(dy[0], time, at), *dproduct = NULL;
        dh = carried ? hone_add(dh, carried) : dh;
        hone_tensor *d = back_step(l, &steps[n], dh, &w->dc, &direct, &dproduct);
        carried = chain(dproduct, s->w_hh);
        carried = direct ? hone_add(direct, carried) : carried;
        dx.at[at] = hone_unsqueeze(d, 1);
        dp.at[at] = hone_unsqueeze(dproduct, 1);
        before.at[at] = hone_unsqueeze(steps[n].before, 1);
        if (!carried || !dx.at[at] || !dp.at[at] || !before.at[at])
            return false;
    }
    w->dx = hone_cat(dx, 1);
    w->dproduct = l->kind == HONE__GRU ? hone_cat(dp, 1) : w->dx;
    w->before = hone_cat(before, 1);
    w->dh = carried;
    return w->dx && w->dproduct && w->before && take_factors(l, w);
}

/* ---- both */

/* Of x: in its own layout. */
static void give_x(hone_context *ctx, const hone__layer *l, const saved *s, hone_tensor *d,
                   hone_tensor **dx)
{
    if (l->time_first)
        d = hone_contiguous(hone_transpose(d, 0, 1));
    hone__give_product(ctx, HONE__LAYER_X, dx, d, s->w_ih);
}

/* Sums over the steps: of both at once where they are the same. */
static void give_biases(hone_context *ctx, const walked *w, hone_tensor **dx)
{
    const bool ih = hone_needs_input_grad(ctx, HONE__LAYER_B_IH);
    const bool hh = hone_needs_input_grad(ctx, HONE__LAYER_B_HH);
    if (ih || (hh && w->dx == w->dproduct))
        dx[HONE__LAYER_B_IH] = hone_sum_dims(w->dx, false, 1);
    if (hh)
        dx[HONE__LAYER_B_HH] =
            w->dx == w->dproduct ? dx[HONE__LAYER_B_IH] : hone_sum_dims(w->dproduct, false, 1);
}

void hone__layer_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    saved s;
    if (!take_saved(ctx, &s))
        return;
    const hone__layer l = hone__layer_of(hone__options(ctx), s.x, s.w_hh);
    walked w = { .dc = HONE_NONE };
    hone_tensor *const d[] = { hone_to(dy[0], l.dtype), dy[1] ? hone_to(dy[1], l.dtype) : NULL };
    if (!(hone_grad_enabled() ? record_steps : walk_steps)(&l, &s, d, &w))
        return;
    if (hone_needs_input_grad(ctx, HONE__LAYER_X))
        give_x(ctx, &l, &s, w.dx_factor, dx);
    if (hone_needs_input_grad(ctx, HONE__LAYER_W_IH))
        hone__give_sample_product(ctx, HONE__LAYER_W_IH, dx, w.dx_factor, batch_first(&l, s.x));
    if (hone_needs_input_grad(ctx, HONE__LAYER_W_HH))
        hone__give_sample_product(ctx, HONE__LAYER_W_HH, dx, w.product_factor, w.before);
    dx[HONE__LAYER_H] = w.dh;
    dx[HONE__LAYER_C] = w.dc == HONE_NONE ? NULL : w.dc;
    give_biases(ctx, &w, dx);
}
