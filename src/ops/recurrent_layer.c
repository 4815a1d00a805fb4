/* recurrent_layer.c: one layer of a recurrence: the products of the input of all steps at once, then
 * step by step a product of the state and a kernel for all that is between. */
#include "ops/recurrent_layer.h"

#include "core/half.h"
#include "gemm/pairs.h"
#include "isa/bf16.h"
#include "isa/isa.h"
#include "loops/product.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#define NS_PER_GATE 1.0

hone__layer hone__layer_of(const hone__layer_options *o, const hone_tensor *x,
                           const hone_tensor *w_hh)
{
    const int time = o->time_first ? 0 : 1;
    return (hone__layer){ .kind = (hone__recurrence)o->kind,
                          .time_first = o->time_first,
                          .reverse = o->reverse,
                          .dtype = x->dtype == HONE_BF16 ? HONE_F32 : (hone_dtype)x->dtype,
                          .factors = (hone_dtype)x->dtype,
                          .samples = x->shape[1 - time],
                          .steps = x->shape[time],
                          .inputs = x->shape[2],
                          .hidden = w_hh->shape[1],
                          .gates = w_hh->shape[0] };
}

hone__step_rows hone__layer_rows(const hone__layer *l, const hone_tensor *t, bool time_first,
                                 int64_t at, int64_t width)
{
    const int64_t size = (int64_t)hone_dtype_size((hone_dtype)t->dtype);
    const int64_t step = time_first ? l->samples * width : width;
    char *data = hone__data(t);
    return (hone__step_rows){ data ? data + at * step * size : NULL,
                              time_first ? width : l->steps * width };
}

hone__step_rows hone__state_rows(const hone_tensor *state)
{
    if (state == HONE_NONE)
        return (hone__step_rows){ NULL, 0 };
    return (hone__step_rows){ hone__data(state), state->shape[1] };
}

static hone__gemm_args product_by(const hone__layer *l, const hone_tensor *b)
{
    const hone__gemm_dtype dtype = l->factors == HONE_F32    ? HONE__GEMM_F32
                                   : l->factors == HONE_BF16 ? HONE__GEMM_BF16
                                                             : HONE__GEMM_F64;
    hone__gemm_args g = hone__gemm_contiguous(dtype, l->samples, b->shape[1], b->shape[0]);
    g.b = hone__data(b);
    g.chain = 1;
    return g;
}

bool hone__layer_matrix_of(const hone__layer *l, hone_tensor *b, hone__layer_matrix *matrix)
{
    *matrix = (hone__layer_matrix){ .b = b ? hone_contiguous(b) : NULL };
    if (!matrix->b)
        return false;
    if (!hone__layer_rounds(l) || matrix->b->numel == 0)
        return true;
    const hone__gemm_args g = product_by(l, matrix->b);
    enum { LINE = 64 }; /* where kernels want panels to begin */
    char *block = hone__own_block(hone__malloc(hone__gemm_pairs_packed_bytes(&g) + LINE));
    if (!block)
        return false;
    void *packed = block + (size_t)(-(uintptr_t)block % LINE);
    hone__gemm_pairs_pack(&g, packed);
    matrix->packed = packed;
    return true;
}

static void *row_of(hone_dtype dtype, hone__step_rows rows, int64_t row)
{
    return rows.p ? (char *)rows.p + row * rows.rs * (int64_t)hone_dtype_size(dtype) : NULL;
}

bool hone__layer_product(const hone__layer *l, const hone__layer_part *part, hone__step_rows a,
                         const hone__layer_matrix *b, hone_tensor *bias, hone__step_rows c,
                         bool add)
{
    hone__gemm_args g = product_by(l, b->b);
    g.m = part->end - part->begin;
    g.a = row_of(l->factors, a, part->begin);
    g.a_rs = a.rs;
    g.b_packed = b->packed;
    g.c = row_of(l->dtype, c, part->begin);
    g.c_rs = c.rs;
    g.accumulate = add ? HONE__GEMM_AFTER : HONE__GEMM_OVERWRITE;
    if (bias != HONE_NONE) {
        g.bias = hone__data(bias);
        g.bias_cs = 1;
    }
    return hone__gemm_of(&g) == 0;
}

void hone__layer_round(const hone__layer *l, const hone__layer_part *part, int64_t width,
                       hone__step_rows from, hone__step_rows to, bool back)
{
    const int64_t n = part->end - part->begin;
    float *wide = row_of(l->dtype, from, part->begin);
    uint16_t *narrow = row_of(l->factors, to, part->begin);
    hone__bf16()->narrow(n, width, narrow, to.rs, wide, from.rs);
    for (int64_t i = 0; back && i < n; i++)
        for (int64_t j = 0; j < width; j++)
            wide[i * from.rs + j] = hone__f32_of_bits(hone__bf16_bits(narrow[i * to.rs + j]));
}

typedef struct {
    const hone__layer *l;
    const void *step;
    int64_t first; /* sample */
} kernel_run;

static void step_range(void *ctx, int64_t begin, int64_t end)
{
    const kernel_run *r = ctx;
    hone__k->recurrent_step[r->l->dtype](r->step, r->first + begin, r->first + end);
}

static void back_range(void *ctx, int64_t begin, int64_t end)
{
    const kernel_run *r = ctx;
    hone__k->recurrent_back[r->l->dtype](r->step, r->first + begin, r->first + end);
}

static void run_kernel(const hone__layer *l, const hone__layer_part *part, const void *step,
                       hone__range_body body)
{
    kernel_run r = { l, step, part->begin };
    hone__parallel_for(part->end - part->begin, 1, NS_PER_GATE * (double)l->gates, body, &r);
}

void hone__layer_step(const hone__layer *l, const hone__layer_part *part,
                      const hone__recurrent_step *step)
{
    run_kernel(l, part, step, step_range);
}

void hone__layer_back(const hone__layer *l, const hone__layer_part *part,
                      const hone__recurrent_back *back)
{
    run_kernel(l, part, back, back_range);
}

/* ---- all steps */

/* Rows from which a product of the state runs at more than nine tenths of the peak. */
enum { MANY_SAMPLES = 8 };

typedef struct {
    int64_t samples;
    bool (*take)(void *user, const hone__layer_part *part);
    void *user;
    hone__bf16_order order; /* the caller's, in which B was packed: each thread has its own */
    atomic_bool failed;
} all_steps;

static void take_share(void *ctx, int thread, int n_threads)
{
    all_steps *all = ctx;
    const hone__layer_part part = { all->samples * thread / n_threads,
                                    all->samples * (thread + 1) / n_threads };
    const hone__bf16_order own = hone__bf16_order_set(all->order);
    const bool ok = all->take(all->user, &part);
    hone__bf16_order_set(own);
    if (ok)
        return;
    atomic_store(&all->failed, true);
    if (thread > 0) /* the caller's thread says it */
        hone_error_clear();
}

bool hone__layer_walk(const hone__layer *l, bool (*take)(void *user, const hone__layer_part *part),
                      void *user)
{
    const hone__layer_part whole = { 0, l->samples };
    const double rate =
        hone__k->gemm.of[l->dtype == HONE_F64 ? HONE__GEMM_F64 : HONE__GEMM_F32].flops_per_ns;
    const double gate_ns = NS_PER_GATE + 2.0 * (double)l->hidden / rate;
    const double ns = gate_ns * (double)l->gates * (double)l->samples * (double)l->steps;
    const int n_threads = hone__team_for(ns, l->samples);
    if (n_threads == 1 || l->samples / n_threads < MANY_SAMPLES)
        return take(user, &whole);
    all_steps all = {
        .samples = l->samples, .take = take, .user = user, .order = hone__bf16_order_now()
    };
    hone__parallel_team(n_threads, take_share, &all);
    if (atomic_load(&all.failed) && hone_error_code() == HONE_OK)
        hone__out_of_memory((size_t)(l->gates * l->hidden) * hone_dtype_size(l->dtype));
    return !atomic_load(&all.failed);
}

/* ---- forward */

/* What the gates get from the input, in all steps: the first elements of rows of `to`, as x has
 * them. */
static bool from_input(const hone__layer *l, hone_tensor *const *in, hone_tensor *to)
{
    hone__product product;
    hone_tensor *x = in[HONE__LAYER_X], *bias = in[HONE__LAYER_B_IH];
    if (l->samples > 1 && l->steps > 1)
        x = hone_contiguous(x); /* one product, not one for each place of the first dim */
    hone_tensor *w = x ? hone_transpose(in[HONE__LAYER_W_IH], 0, 1) : NULL;
    if (!w || !hone__product_of("linear", x, w, &product))
        return false;
    product.gemm.chain = 1;
    if (bias != HONE_NONE) {
        if (!(bias = hone_to(bias, l->dtype)))
            return false;
        product.gemm.bias = hone__data(bias);
        product.gemm.bias_cs = bias->stride[0];
    }
    hone_tensor *rows = to ? hone_reshape(to, l->samples * l->steps, to->shape[2]) : NULL;
    hone_tensor *y = rows ? hone_slice(rows, 1, 0, l->gates, 1) : NULL;
    return y && hone__product_run(&product, y);
}

/* The state before the first step, contiguous. */
static hone_tensor *first_state(const hone__layer *l, hone_tensor *given)
{
    return given == HONE_NONE ? hone_zeros(l->factors, l->samples, l->hidden)
                              : hone_contiguous(given);
}

typedef struct {
    const hone__layer *l;
    hone_tensor *x, *product, *h, *c, *bias, *y, *keep; /* x: or keep, whose beginning it is */
    hone_tensor *state[2]; /* where states are rounded: h before a step and after it */
    hone__layer_matrix w;
} steps;

/* Buffers of what the steps have before and after them. False: out of memory. */
static bool take_states(const hone__layer *l, hone_tensor *h, hone_tensor *c, steps *s)
{
    s->h = first_state(l, h);
    s->c = l->kind == HONE__LSTM ? first_state(l, c) : HONE_NONE;
    if (l->kind == HONE__LSTM && s->c == c) /* what steps overwrite */
        s->c = hone_clone(s->c);
    if (hone__layer_rounds(l)) {
        s->c = s->c && s->c != HONE_NONE ? hone_to(s->c, l->dtype) : s->c;
        s->state[0] = s->h ? hone_to(s->h, l->dtype) : NULL;
        s->state[1] = s->state[0] ? hone_empty_like(s->state[0]) : NULL;
        if (!s->state[1])
            return false;
    }
    return s->h && s->c;
}

static bool take_steps(void *user, const hone__layer_part *part)
{
    const steps *s = user;
    const hone__layer *l = s->l;
    const int64_t x_apart = s->x->shape[2];
    const bool rounds = hone__layer_rounds(l);
    hone__step_rows h = hone__state_rows(s->h), c = hone__state_rows(s->c);
    for (int64_t n = 0; n < l->steps; n++) {
        const int64_t at = hone__layer_at(l, n);
        hone__recurrent_step step = { .kind = l->kind, .hidden = l->hidden };
        step.x = hone__layer_rows(l, s->x, l->time_first, at, x_apart);
        step.product = hone__state_rows(s->product);
        step.before = l->kind == HONE__LSTM ? c : rounds ? hone__state_rows(s->state[n % 2]) : h;
        if (!hone__layer_product(l, part, h, &s->w, s->bias, step.product, false))
            return false;
        h = hone__layer_rows(l, s->y, l->time_first, at, l->hidden);
        step.h = rounds ? hone__state_rows(s->state[(n + 1) % 2]) : h;
        step.c = c;
        if (s->keep != HONE_NONE) {
            step.keep = step.x; /* gates take the place of what made them */
            const int64_t size = (int64_t)hone_dtype_size(l->dtype);
            if (l->kind == HONE__LSTM) {
                step.c = step.keep;
                step.c.p = step.c.p ? (char *)step.c.p + 4 * l->hidden * size : NULL;
            }
        }
        hone__layer_step(l, part, &step);
        if (rounds)
            hone__layer_round(l, part, l->hidden, step.h, h, true);
        c = step.c;
    }
    return true;
}

/* The state c after the last step: where it was kept, or in the buffer. */
static bool give_c(const hone__layer *l, const steps *s, hone_tensor *c_n)
{
    hone_tensor *last = s->c;
    if (s->keep != HONE_NONE) {
        last = hone_select(s->keep, l->time_first ? 0 : 1, hone__layer_at(l, l->steps - 1));
        last = last ? hone_slice(last, 1, 4 * l->hidden, 5 * l->hidden, 1) : NULL;
    }
    return last && hone_copy_(c_n, last);
}

enum { OUT_Y, OUT_C, OUT_KEEP };

static bool layer_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone__layer_options *o = hone__options(ctx);
    const hone__layer l = hone__layer_of(o, in[HONE__LAYER_X], in[HONE__LAYER_W_HH]);
    const bool lstm = l.kind == HONE__LSTM, keeps = hone__records(ctx) && l.kind >= HONE__GRU;
    const int64_t *shape = in[HONE__LAYER_X]->shape;
    hone_tensor *bias = in[HONE__LAYER_B_HH];
    const int64_t kept = lstm ? 5 * l.hidden : 4 * l.hidden;
    steps s = { .l = &l, .keep = HONE_NONE };
    if (keeps)
        s.keep = s.x = out[OUT_KEEP] =
            hone__out(ctx, OUT_KEEP, l.dtype, 3, (int64_t[]){ shape[0], shape[1], kept });
    else
        s.x = hone_empty(l.dtype, shape[0], shape[1], l.gates);
    s.product = hone_empty(l.dtype, l.samples, l.gates);
    s.bias = bias == HONE_NONE ? HONE_NONE : hone_contiguous(hone_to(bias, l.dtype));
    if (!from_input(&l, in, s.x) || !s.product || !s.bias || !hone__save(ctx, 7, in) ||
        !take_states(&l, in[HONE__LAYER_H], in[HONE__LAYER_C], &s) ||
        !hone__layer_matrix_of(&l, hone_transpose(in[HONE__LAYER_W_HH], 0, 1), &s.w))
        return false;
    s.y = out[OUT_Y] =
        hone__out(ctx, OUT_Y, l.factors, 3, (int64_t[]){ shape[0], shape[1], l.hidden });
    out[OUT_C] = hone__out(ctx, OUT_C, l.factors, 2, (int64_t[]){ lstm ? l.samples : 0, l.hidden });
    if (!s.y || !out[OUT_C] || !hone__layer_walk(&l, take_steps, &s) ||
        (lstm && !give_c(&l, &s, out[OUT_C])))
        return false;
    return HONE__SAVE(ctx, s.y, s.keep);
}

static const hone__option layer_table[] = {
    HONE__OPTION(hone__layer_options, kind, HONE__OPT_INT),
    HONE__OPTION(hone__layer_options, time_first, HONE__OPT_BOOL),
    HONE__OPTION(hone__layer_options, reverse, HONE__OPT_BOOL),
    { NULL },
};

/* Each step of each sample takes both matrices; so do the gradients of x and of the states, and of
 * the matrices. */
static void cost(const hone__cost_call *call, hone__cost *c)
{
    enum { W_HH = HONE__LAYER_W_IH + 1 };
    const double width = hone__cost_extent(call->in[HONE__LAYER_X], 1);
    const double rows = width > 0 ? hone__cost_numel(call->in[HONE__LAYER_X]) / width : 0;
    const double of_x = rows * hone__cost_numel(call->in[HONE__LAYER_W_IH]);
    const double of_h = rows * hone__cost_numel(call->in[W_HH]);
    c->madds = of_x + of_h;
    c->back[HONE__LAYER_X] = of_x;
    c->back[HONE__LAYER_W_IH] = of_x;
    c->back[W_HH] = 2 * of_h;
}

/* c_n: empty but for an LSTM. */
const hone__op hone__op_recurrent_layer = {
    .name = "recurrent_layer",
    .forward = layer_forward,
    .backward = hone__layer_backward,
    .in = { { "x" },
            { "h", HONE__OPTIONAL },
            { "c", HONE__OPTIONAL },
            { "w_ih" },
            { "w_hh" },
            { "b_ih", HONE__OPTIONAL },
            { "b_hh", HONE__OPTIONAL } },
    .out = { { "output" }, { "c_n" }, { "kept", HONE__HIDDEN | HONE__CONSTANT } },
    .options = layer_table,
    .options_bytes = sizeof(hone__layer_options),
    .adds = true,
    .anywhere = true,
    .forms = HONE__PRIVATE,
    .cost = cost,
};
