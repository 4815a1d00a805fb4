/* linear_loss.c: linear_cross_entropy: the scores x W^T + b and the cross entropy of them in one op.
 * The scores of a large vocabulary are the largest tensor of a language model: they are held once,
 * the gradient taking their place; or, in chunks, a few rows at a time, made again in the backward. */
#include "isa/isa.h"
#include "loops/elementwise.h"
#include "loops/product.h"
#include "loops/rows.h"
#include "op/shards.h"
#include "ops/losses.h"
#include "ops/samples.h"
#include "runtime/parallel.h"

#include <hone/autocast.h>

#include <string.h>

#define NS_PER_ELEMENT 0.6

/* Of a sample with so many positions each run of so many has a chain of its own in the weight's
 * gradient: chains of hundreds of thousands of rows would lose digits. */
enum { UNIT = HONE__MANY_POSITIONS, FEW_ROWS = 256 };

typedef struct {
    int64_t chunk; /* rows whose scores are there at a time; 0: all are kept */
    bool used;     /* those that the forward kept are the gradient now */
} rows_options;

/* x [rows, width], target [rows], contiguous. */
typedef struct {
    hone_dtype dtype;
    hone_tensor *x, *weight, *bias, *target;
    int64_t rows, classes, positions; /* of a sample */
} head;

static bool take_head(hone_tensor *x, hone_tensor *weight, hone_tensor *bias, hone_tensor *target,
                      head *h)
{
    const int64_t width = x->shape[x->ndim - 1], rows = target->numel;
    *h = (head){ .dtype = (hone_dtype)x->dtype,
                 .weight = weight,
                 .bias = bias,
                 .rows = rows,
                 .classes = weight->shape[0],
                 .positions = x->shape[0] > 0 ? rows / x->shape[0] : 0 };
    h->x = hone_reshape(hone_contiguous(x), rows, width);
    h->target = hone_contiguous(target);
    return h->x && h->target;
}

/* The next rows: all at most, or a unit. False: there are none. */
static bool next_rows(const head *h, int64_t most, int64_t *first, int64_t *n)
{
    *first += *n;
    *n = hone__min(most, h->rows - *first);
    if (h->positions >= UNIT)
        *n = hone__min(UNIT, h->positions - *first % h->positions);
    return *first < h->rows;
}

/* Rows whose scores are there at a time. */
static int64_t room_for(const head *h, int64_t most)
{
    return h->positions >= UNIT ? UNIT : hone__min(most, h->rows);
}

static hone_tensor *rows_of(hone_tensor *t, int64_t first, int64_t n)
{
    return t->shape[0] == n ? t : hone_slice(t, 0, first, first + n, 1);
}

/* z [n, classes] = the scores of rows from `first` on. */
static bool make_scores(const head *h, int64_t first, int64_t n, hone_tensor *z)
{
    HONE_SCOPE();
    hone__product product;
    hone_tensor *x = rows_of(h->x, first, n), *w = hone_transpose(h->weight, 0, 1);
    if (!x || !w || !hone__product_of("linear_cross_entropy", x, w, &product))
        return false;
    if (hone__is_real(h->bias)) {
        product.gemm.bias = hone__data(h->bias);
        product.gemm.bias_cs = h->bias->stride[0];
    }
    return hone__product_run(&product, z);
}

/* ---- rows of scores */

typedef struct {
    hone_dtype dtype;
    int64_t classes;
    char *z, *loss, *max, *log_sum; /* of the first row */
    const char *dy;                 /* NULL: their losses are wanted; else z becomes the gradient */
    const int64_t *target;
} pass;

static void run_pass(void *ctx, int64_t begin, int64_t end)
{
    const pass *p = ctx;
    const int64_t size = (int64_t)hone_dtype_size(p->dtype), at = begin * size, n = end - begin;
    char *z = p->z + at * p->classes;
    if (p->dy)
        hone__k->cross_entropy_backward[p->dtype](n, p->classes, z, p->classes, z, p->classes,
                                                  p->max + at, p->log_sum + at, p->target + begin,
                                                  p->dy + at, 1);
    else
        hone__k->cross_entropy[p->dtype](n, p->classes, p->loss + at, p->max + at, p->log_sum + at,
                                         z, p->classes, p->target + begin);
}

/* stats [2, rows]: maximum and logarithm of the sum; loss or dy: [rows] contiguous, the other NULL */
static void pass_rows(const head *h, int64_t first, int64_t n, hone_tensor *z, hone_tensor *stats,
                      hone_tensor *loss, hone_tensor *dy)
{
    const int64_t size = (int64_t)hone_dtype_size(h->dtype);
    pass p = { .dtype = h->dtype,
               .classes = h->classes,
               .z = hone__data(z),
               .loss = loss ? (char *)hone__data(loss) + first * size : NULL,
               .max = (char *)hone__data(stats) + first * size,
               .log_sum = (char *)hone__data(stats) + (h->rows + first) * size,
               .dy = dy ? (const char *)hone__data(dy) + first * size : NULL,
               .target = (const int64_t *)hone__data(h->target) + first };
    hone__parallel_for(n, 1, NS_PER_ELEMENT * (double)h->classes, run_pass, &p);
}

/* ---- forward */

static _Thread_local hone_tensor *wrong_to;

void hone__linear_loss_wrong(hone_tensor *to)
{
    wrong_to = to;
}

static bool note_wrong(const head *h, int64_t first, int64_t n, hone_tensor *z)
{
    hone_tensor *target = hone_reshape(h->target, -1), *best = hone_argmax(z, 1, false);
    return best && hone_copy_(hone_slice(wrong_to, 0, first, first + n, 1),
                              hone_ne(best, hone_slice(target, 0, first, first + n, 1)));
}

static bool run_forward(const head *h, int64_t most, hone_tensor *kept, hone_tensor *stats,
                        hone_tensor *loss)
{
    int64_t first = 0, n = 0;
    hone_tensor *z = kept ? kept : hone_empty(h->dtype, room_for(h, most), h->classes);
    while (z && next_rows(h, most, &first, &n)) {
        HONE_SCOPE();
        hone_tensor *rows = rows_of(z, kept ? first : 0, n);
        if (!rows || !make_scores(h, first, n, rows))
            return false;
        pass_rows(h, first, n, rows, stats, loss, NULL);
        if (wrong_to && !note_wrong(h, first, n, rows))
            return false;
    }
    return z;
}

enum { OUT_LOSS, OUT_STATS, OUT_SCORES };
enum { X, WEIGHT, BIAS, TARGET, STATS, SCORES }; /* saved */

static bool linear_class_losses_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    (void)n_in;
    head h;
    const rows_options *o = hone__options(ctx);
    const bool records = hone__records(ctx), keeps = records && o->chunk == 0;
    if (!take_head(in[X], in[WEIGHT], in[BIAS], in[TARGET], &h) || !hone__save(ctx, 4, in))
        return false;
    out[OUT_LOSS] = hone__out(ctx, OUT_LOSS, h.dtype, in[TARGET]->ndim, in[TARGET]->shape);
    hone_tensor *stats, *kept = NULL;
    if (records) {
        out[OUT_STATS] = hone__out(ctx, OUT_STATS, h.dtype, 2, (int64_t[]){ 2, h.rows });
        out[OUT_SCORES] =
            hone__out(ctx, OUT_SCORES, h.dtype, 2, (int64_t[]){ keeps ? h.rows : 0, h.classes });
        kept = keeps ? out[OUT_SCORES] : NULL;
        if (!out[OUT_SCORES])
            return false;
    }
    stats = records ? out[OUT_STATS] : hone_empty(h.dtype, 2, h.rows);
    const int64_t most = kept ? h.rows : o->chunk > 0 ? o->chunk : FEW_ROWS;
    if (!out[OUT_LOSS] || !stats || !run_forward(&h, most, kept, stats, out[OUT_LOSS]))
        return false;
    return !records || HONE__SAVE(ctx, out[OUT_STATS], out[OUT_SCORES]);
}

/* ---- gradient */

/* Adds rows to the sums: the weight's [classes, width], the bias's [classes]; NULL: not wanted. */
typedef struct {
    hone_tensor *weight, *bias;
    bool fresh; /* nothing is in the weight's yet */
} sums;

static bool add_rows(const head *h, hone_tensor *x, hone_tensor *dz, sums *to)
{
    HONE_SCOPE();
    const int64_t n = x->shape[0];
    if (to->bias && !hone__add_samples(to->bias, dz))
        return false;
    if (!to->weight)
        return true;
    if (h->positions >= UNIT) {
        dz = hone_unsqueeze(dz, 0);
        x = hone_unsqueeze(x, 0);
    }
    const hone__gemm_accumulate how = to->fresh && n > 0 ? HONE__GEMM_OVERWRITE : HONE__GEMM_BEGIN;
    to->fresh = false;
    return x && dz && hone__sum_sample_products(to->weight, dz, x, how);
}

/* dx rows = dz W */
static bool give_rows(const head *h, hone_tensor *dz, hone_tensor *dx)
{
    hone__product product;
    if (!hone__product_of("linear_cross_entropy", dz, h->weight, &product))
        return false;
    product.gemm.chain = 1;
    return hone__product_run(&product, dx);
}

/* A new sum, which lies as the weight does: its leaf takes it over. */
static hone_tensor *fresh_sum(const head *h)
{
    const hone_tensor *w = h->weight;
    const int64_t width = w->shape[1];
    if (w->stride[0] == 1 && w->stride[1] == h->classes && width > 1)
        return hone_transpose(hone_empty(h->dtype, width, h->classes), 0, 1);
    return hone_empty(h->dtype, h->classes, width);
}

typedef struct {
    const head *h;
    hone_tensor *dz; /* of all rows */
    int64_t first_class;
} in_shards;

/* For a shard's samples: the weight's sum, or the bias's. */
static bool chain_rows(void *user, hone_tensor *sum, bool fresh, int64_t first, int64_t n)
{
    const in_shards *s = user;
    const int64_t end = (first + n) * s->h->positions;
    if (fresh)
        hone__fill_elements(sum, 0);
    sums to = { .weight = sum->ndim == 2 ? sum : NULL, .bias = sum->ndim == 1 ? sum : NULL };
    int64_t row = first * s->h->positions, count = 0;
    while (next_rows(s->h, end - row, &row, &count) && row < end) {
        HONE_SCOPE();
        hone_tensor *dz = rows_of(s->dz, row, count), *x = rows_of(s->h->x, row, count);
        if (dz && s->first_class >= 0)
            dz = hone_slice(dz, 1, s->first_class, s->first_class + sum->shape[0], 1);
        if (!dz || !x || !add_rows(s->h, x, dz, &to))
            return false;
    }
    return true;
}

static bool in_any_shards(const hone_context *ctx)
{
    return hone__in_shards(ctx, WEIGHT) || hone__in_shards(ctx, BIAS);
}

/* All rows, a few at a time; kept: the scores, whose place their gradient takes. */
static bool walk_rows(hone_context *ctx, const head *h, hone_tensor *const *saved, hone_tensor *dy,
                      hone_tensor **dx)
{
    rows_options *o = hone__options(ctx);
    const bool kept = o->chunk == 0 && !o->used, shards = in_any_shards(ctx);
    const bool whole = kept || shards;
    const int64_t most = whole || o->chunk == 0 ? h->rows : o->chunk;
    const int64_t room = whole ? h->rows : room_for(h, most);
    hone_tensor *z = kept ? saved[SCORES] : hone_empty(h->dtype, room, h->classes);
    hone_tensor *to = NULL;
    sums s = { .weight = NULL };
    if (hone_needs_input_grad(ctx, WEIGHT) && !hone__in_shards(ctx, WEIGHT)) {
        s.weight = hone__begun(ctx, WEIGHT, dx);
        s.fresh = !s.weight;
        if (!s.weight && !(s.weight = dx[WEIGHT] = fresh_sum(h)))
            return false;
        if (s.fresh && h->rows == 0)
            hone__fill_elements(s.weight, 0);
    }
    if (hone_needs_input_grad(ctx, BIAS) && !hone__in_shards(ctx, BIAS)) {
        s.bias = hone__begun(ctx, BIAS, dx);
        if (!s.bias && !(s.bias = dx[BIAS] = hone_zeros(h->dtype, h->classes)))
            return false;
    }
    if (hone_needs_input_grad(ctx, X) && !(to = hone_empty_like(h->x)))
        return false;
    if (kept)
        o->used = true;
    int64_t first = 0, n = 0;
    while (z && next_rows(h, most, &first, &n)) {
        HONE_SCOPE();
        hone_tensor *dz = rows_of(z, whole ? first : 0, n), *x = rows_of(h->x, first, n);
        if (!dz || !x || (!kept && !make_scores(h, first, n, dz)))
            return false;
        pass_rows(h, first, n, dz, saved[STATS], NULL, dy);
        hone_tensor *rows = to ? rows_of(to, first, n) : NULL;
        if ((to && (!rows || !give_rows(h, dz, rows))) || !add_rows(h, x, dz, &s))
            return false;
    }
    if (to)
        dx[X] = to;
    in_shards all = { h, z, -1 };
    for (int i = WEIGHT; z && shards && i <= BIAS; i++)
        if (hone_needs_input_grad(ctx, i) && hone__in_shards(ctx, i))
            hone__shard_sums(ctx, i, h->positions ? h->rows / h->positions : 0, chain_rows, &all,
                             i == WEIGHT ? &all.first_class : NULL);
    return z;
}

/* The same by ops that record themselves. */
static void record_rows(hone_context *ctx, hone_tensor *const *saved, hone_tensor *dy,
                        hone_tensor **dx)
{
    hone_tensor *x = saved[X], *weight = saved[WEIGHT], *target = saved[TARGET];
    hone_tensor *z = hone_linear(x, hone_transpose(weight, 0, 1), saved[BIAS]);
    if (!z)
        return;
    hone_tensor *one = hone_to(hone_one_hot(target, weight->shape[0]), hone_dtype_of(z));
    hone_tensor *dz = hone_mul(hone_unsqueeze(dy, -1), hone_sub(hone_softmax(z, -1), one));
    if (hone_needs_input_grad(ctx, X))
        dx[X] = hone__chain_matmul(dz, weight, false);
    if (hone_needs_input_grad(ctx, WEIGHT))
        hone__give_sample_product(ctx, WEIGHT, dx, dz, x);
    dx[BIAS] = dz;
}

static void linear_class_losses_backward(hone_context *ctx, hone_tensor *const *dy,
                                         hone_tensor **dx)
{
    hone_tensor *saved[SCORES + 1];
    for (int i = X; i <= SCORES; i++)
        if (!(saved[i] = hone_saved(ctx, i)))
            return;
    if (hone_grad_enabled()) {
        record_rows(ctx, saved, dy[0], dx);
        return;
    }
    head h;
    hone_tensor *slope = hone_contiguous(dy[0]), *shaped;
    if (!slope || !take_head(saved[X], saved[WEIGHT], saved[BIAS], saved[TARGET], &h) ||
        !walk_rows(ctx, &h, saved, slope, dx) || !dx[X] || !hone_needs_input_grad(ctx, X))
        return;
    int64_t room[HONE_MAX_DIMS + 1];
    shaped = hone_reshape_v(dx[X], hone__ended(hone__input_shape(ctx, X), room));
    dx[X] = shaped;
}

static void cost(const hone__cost_call *call, hone__cost *c)
{
    c->madds = hone__cost_numel(call->in[X]) * hone__cost_extent(call->in[WEIGHT], 1);
    c->back[X] = c->back[WEIGHT] = c->madds;
}

static const hone__option rows_table[] = {
    HONE__OPTION(rows_options, chunk, HONE__OPT_INT),
    HONE__OPTION(rows_options, used, HONE__OPT_BOOL),
    { NULL },
};

/* x [N, .., width], weight [C, width], bias [C], target [N, ..] of classes that are there -> the
 * losses [N, ..]. */
const hone__op hone__op_linear_class_losses = {
    .name = "linear_class_losses",
    .forward = linear_class_losses_forward,
    .backward = linear_class_losses_backward,
    .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL }, { "target", HONE__CONSTANT } },
    .out = { { "loss" },
             { "stats", HONE__HIDDEN | HONE__CONSTANT },
             { "scores", HONE__HIDDEN | HONE__CONSTANT } },
    .options = rows_table,
    .options_bytes = sizeof(rows_options),
    .adds = true,
    .anywhere = true,
    .forms = HONE__PRIVATE,
    .cost = cost,
};

/* ---- linear_cross_entropy */

typedef struct {
    hone_tensor *x, *weight, *bias;
    int64_t chunk;
} scorer;

static hone_tensor *losses_of_rows(void *user, hone_tensor *target)
{
    const scorer *s = user;
    return hone__call(&hone__op_linear_class_losses, IN(s->x, s->weight, s->bias, target),
                      &(rows_options){ .chunk = s->chunk });
}

static bool parts_fit(hone_context *ctx, hone_tensor *x, hone_tensor *w, hone_tensor *bias)
{
    const char *name = hone__call_name(ctx);
    if (!hone__loss_takes(ctx, (hone_tensor *[]){ x }, 1))
        return false;
    if (w->dtype != x->dtype || (hone__is_real(bias) && bias->dtype != x->dtype)) {
        hone_error_set(HONE_E_DTYPE, "%s: input, weight and bias must be of one dtype, got %s x %s",
                       name, hone__tensor_text(x).s, hone__tensor_text(w).s);
        return false;
    }
    bool fits = x->ndim >= 1 && w->ndim >= 2 && x->shape[x->ndim - 1] == w->shape[w->ndim - 1] &&
                (w->ndim == 2 || x->ndim == 2);
    if (!fits) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: wants an input [N, .., features] and a weight [classes, features], or "
                       "[N, features] and [classes, .., features], got %s and %s",
                       name, hone__tensor_text(x).s, hone__tensor_text(w).s);
        return false;
    }
    if (hone__is_real(bias)) {
        fits = bias->ndim == w->ndim - 1;
        for (int d = 0; fits && d < bias->ndim; d++)
            fits = bias->shape[d] == w->shape[d];
    }
    if (!fits)
        hone_error_set(HONE_E_SHAPE, "%s: the bias %s doesn't fit the weight %s", name,
                       hone__tensor_text(bias).s, hone__tensor_text(w).s);
    return fits;
}

/* 0 in the shape of the scores, classes in dim 1, of no memory. */
static hone_tensor *like_scores(const hone_tensor *x, const hone_tensor *w)
{
    int64_t room[HONE_MAX_DIMS + 1];
    hone__shape shape = { .ndim = 0 };
    if (x->ndim > 1)
        shape.shape[shape.ndim++] = x->shape[0];
    shape.shape[shape.ndim++] = w->shape[0];
    for (int d = 1; d + 1 < x->ndim; d++)
        shape.shape[shape.ndim++] = x->shape[d];
    return hone_expand_v(hone_scalar(hone_dtype_of(x), 0), hone__ended(&shape, room));
}

/* True if all dims but the last are one dim, too, where they lie. */
static bool classes_are_one_dim(const hone_tensor *w)
{
    int64_t step = -1;
    for (int d = w->ndim - 2; d >= 0; d--) {
        if (w->shape[d] == 1)
            continue;
        if (step >= 0 && w->stride[d] != step)
            return false;
        step = w->stride[d] * w->shape[d];
    }
    return true;
}

/* The scores of classes that have dims [C, d1, ..]: as many classes as all have together. */
static hone_tensor *scores_of_dims(hone_tensor *x, hone_tensor *w, hone_tensor *bias)
{
    const int last = w->ndim - 1;
    int64_t room[HONE_MAX_DIMS + 1], order[HONE_MAX_DIMS + 1] = { 0 };
    hone__shape shape = { .ndim = w->ndim, .shape = { x->shape[0] } };
    if (w->numel == 0 || classes_are_one_dim(w)) {
        hone_tensor *flat = hone_reshape(w, -1, w->shape[last]);
        for (int d = 0; d < last; d++)
            shape.shape[1 + d] = w->shape[d];
        bias = hone__is_real(bias) ? hone_reshape(bias, -1) : bias;
        hone_tensor *z = flat ? hone_linear(x, hone_transpose(flat, 0, 1), bias) : NULL;
        return hone_reshape_v(z, hone__ended(&shape, room));
    }
    /* A weight that lies the other way round is taken so: a copy's gradient couldn't go on where
     * another part of the batch stopped. */
    for (int d = 0; d <= last; d++)
        order[d] = last - d;
    order[last + 1] = HONE_END_DIM;
    hone_tensor *flat = hone_reshape(hone_permute_v(w, order), w->shape[last], -1);
    for (int d = 0; d < last; d++)
        shape.shape[1 + d] = w->shape[last - 1 - d];
    hone_tensor *z = flat ? hone_reshape_v(hone_matmul(x, flat), hone__ended(&shape, room)) : NULL;
    for (int d = 1; d <= last; d++)
        order[d] = last + 1 - d;
    order[0] = 0;
    z = z ? hone_permute_v(z, order) : NULL;
    return z && hone__is_real(bias) ? hone_add(z, bias) : z;
}

/* The scores with their classes in dim 1, made as they are. */
static hone_tensor *scores_of(hone_tensor *x, hone_tensor *w, hone_tensor *bias)
{
    if (w->ndim > 2)
        return scores_of_dims(x, w, bias);
    hone_tensor *z = hone_linear(x, hone_transpose(w, 0, 1), bias);
    return z && z->ndim > 2 ? hone_movedim(z, -1, 1) : z;
}

static bool is_real_float(const hone_tensor *t)
{
    return t->dtype == HONE_F32 || t->dtype == HONE_F64;
}

static bool linear_cross_entropy_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                         hone_tensor **out)
{
    (void)n_in;
    const hone__loss_options *o = hone__loss_of(ctx);
    hone_tensor *x = in[0], *w = in[1], *target = in[2], *bias = in[3], *weight = in[4];
    if (!parts_fit(ctx, x, w, bias))
        return false;
    if (o->chunk < 0)
        return hone__loss_refuses(ctx, "chunk", (double)o->chunk, "0 or more rows");
    const bool classes = !hone_dtype_is_float((hone_dtype)target->dtype);
    if (w->ndim > 2 || !classes || o->label_smoothing != 0 || !is_real_float(x) || x->ndim == 1 ||
        w->shape[0] == 0 || w->shape[1] == 0 || hone_autocast() != HONE_F32)
        return hone__give(out, hone_cross_entropy_loss(scores_of(x, w, bias), target, weight,
                                                       o->ignore_index, o->label_smoothing,
                                                       (hone_reduction)o->reduction));
    scorer s = { x, w, bias, o->chunk };
    return hone__give(
        out, hone__class_losses(ctx, like_scores(x, w), target, weight, losses_of_rows, &s));
}

static const hone__option linear_cross_entropy_table[] = {
    HONE__LOSS_OPTION(ignore_index, HONE__OPT_INT, .standard = -100),
    HONE__LOSS_OPTION(label_smoothing, HONE__OPT_FLOAT),
    HONE__LOSS_REDUCTION,
    HONE__LOSS_OPTION(chunk, HONE__OPT_INT, .max = 0x1p62),
    { NULL },
};
HONE__LOSS(linear_cross_entropy, linear_cross_entropy_table, { "input" }, { "linear_weight" },
           { "target" }, { "linear_bias", HONE__OPTIONAL }, { "weight", HONE__OPTIONAL })

hone_tensor *hone_linear_cross_entropy(hone_tensor *input, hone_tensor *linear_weight,
                                       hone_tensor *target, hone_tensor *linear_bias,
                                       hone_tensor *weight, int64_t ignore_index,
                                       double label_smoothing, hone_reduction reduction,
                                       int64_t chunk)
{
    return hone__call(&hone__op_linear_cross_entropy,
                      IN(input, linear_weight, target, linear_bias, weight),
                      &(hone__loss_options){ .ignore_index = ignore_index,
                                             .label_smoothing = label_smoothing,
                                             .reduction = (int)reduction,
                                             .chunk = chunk });
}
