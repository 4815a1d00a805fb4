/* attention.c: scaled_dot_product_attention: an op that goes by blocks (loops/attention.h), so that
 * memory is linear in the lengths. Where its gradient is differentiated again, or a gradient of a
 * mask is wanted, which is as large as all weights, it is made of products and a softmax. */
#include "loops/attention.h"
#include "ops/common.h"

#include <hone/autocast.h>

#include <math.h>

typedef struct {
    double scale; /* 0: 1 / sqrt(E) */
    bool is_causal, enable_gqa;
} attention_options;

static const hone__option attention_table[] = {
    HONE__OPTION(attention_options, is_causal, HONE__OPT_BOOL),
    HONE__OPTION(attention_options, scale, HONE__OPT_FLOAT),
    HONE__OPTION(attention_options, enable_gqa, HONE__OPT_BOOL),
    { NULL },
};

/* ---- checks */

static int64_t extent(const hone_tensor *t, int from_end)
{
    return t->shape[t->ndim - from_end];
}

static bool refuse(hone_status code, const char *wanted, hone_tensor *const *in)
{
    hone_error_set(code, "scaled_dot_product_attention: %s, got query %s, key %s and value %s",
                   wanted, hone__tensor_text(in[0]).s, hone__tensor_text(in[1]).s,
                   hone__tensor_text(in[2]).s);
    return false;
}

static bool operands_fit(hone_tensor *const *in)
{
    const hone_tensor *q = in[0], *k = in[1], *v = in[2];
    if (!hone_dtype_is_float((hone_dtype)q->dtype) || k->dtype != q->dtype || v->dtype != q->dtype)
        return refuse(HONE_E_DTYPE, "all three must be floats of one dtype", in);
    if (q->ndim < 2 || k->ndim != q->ndim || v->ndim != q->ndim || extent(q, 1) != extent(k, 1) ||
        extent(k, 2) != extent(v, 2))
        return refuse(
            HONE_E_SHAPE,
            "wants query [.., L, E], key [.., S, E] and value [.., S, Ev] of as many dims", in);
    return true;
}

static bool mask_fits(const attention_options *o, hone_tensor *const *in)
{
    hone_tensor *mask = in[3];
    if (mask == HONE_NONE)
        return true;
    if (o->is_causal) {
        hone_error_set(HONE_E_VALUE, "scaled_dot_product_attention: a mask and is_causal can't be "
                                     "given together: put the triangle into the mask");
        return false;
    }
    if (mask->dtype == HONE_BOOL || mask->dtype == in[0]->dtype)
        return true;
    hone_error_set(HONE_E_DTYPE,
                   "scaled_dot_product_attention: the mask %s must be bool or of the query's dtype",
                   hone__tensor_text(mask).s);
    return false;
}

/* ---- grouped heads: [.., heads, S, E] of fewer heads than the query's, each for `times` of them */

static hone_tensor *repeat_heads(hone_tensor *t, int64_t times)
{
    int64_t room[HONE_MAX_DIMS + 1];
    const int dim = t->ndim - 2;
    hone__shape shape = hone__shape_of(t), wide = { .ndim = t->ndim + 1 };
    shape.shape[dim - 1] *= times;
    for (int d = 0; d < wide.ndim; d++)
        wide.shape[d] = d == dim ? times : -1;
    t = hone_expand_v(hone_unsqueeze(t, dim), hone__ended(&wide, room));
    return hone_reshape_v(t, hone__ended(&shape, room));
}

/* True if query heads are a multiple of the others', whose number is made the same. */
static bool group_heads(hone_tensor *const *in, hone_tensor **k, hone_tensor **v)
{
    const int dims = in[0]->ndim;
    const int64_t heads = dims > 2 && dims < HONE_MAX_DIMS ? extent(in[0], 3) : 0;
    const int64_t of_k = heads ? extent(*k, 3) : 0, of_v = heads ? extent(*v, 3) : 0;
    if (of_k == 0 || of_v == 0 || heads % of_k || heads % of_v)
        return refuse(
            HONE_E_SHAPE,
            "grouped heads want [.., heads, length, width], the query's a multiple of the "
            "others'",
            in);
    if (of_k == of_v)
        return true;
    *k = of_k == heads ? *k : repeat_heads(*k, heads / of_k);
    *v = of_v == heads ? *v : repeat_heads(*v, heads / of_v);
    return *k && *v;
}

/* Key or value for each head of the query's. */
static hone_tensor *ungrouped(hone_tensor *t, const hone_tensor *q)
{
    const int64_t own = t->ndim > 2 ? extent(t, 3) : 1, heads = q->ndim > 2 ? extent(q, 3) : 1;
    return own == heads || own < 2 ? t : repeat_heads(t, heads / own);
}

/* The gradient of what repeat_heads has repeated. */
static hone_tensor *regrouped(hone_tensor *dt, const hone_tensor *t)
{
    int64_t room[HONE_MAX_DIMS + 1];
    const int64_t times = t->ndim > 2 && extent(t, 3) ? dt->shape[dt->ndim - 3] / extent(t, 3) : 1;
    if (times == 1)
        return dt;
    hone__shape split = hone__shape_of(dt);
    split.ndim++;
    for (int d = split.ndim - 1; d > split.ndim - 3; d--)
        split.shape[d] = dt->shape[d - 1];
    split.shape[split.ndim - 3] = times;
    split.shape[split.ndim - 4] = extent(t, 3);
    dt = hone_reshape_v(dt, hone__ended(&split, room));
    return hone_sum_dims(dt, false, -3);
}

/* ---- at once */

/* [L, S]: true where key s <= query l. */
static hone_tensor *triangle(int64_t queries, int64_t keys)
{
    hone_tensor *l = hone_arange(HONE_I64, 0, (double)queries, 1);
    hone_tensor *s = hone_arange(HONE_I64, 0, (double)keys, 1);
    return hone_ge(hone_unsqueeze(l, 1), s);
}

/* True where a query sees no key. */
static hone_tensor *blind_rows(hone_tensor *scores)
{
    HONE_NO_GRAD();
    return hone_eq_scalar(hone_max_dims(scores, true, -1), (double)-INFINITY);
}

/* Weights of the keys; a query that sees none has zeros (and no NaN in a gradient). */
static hone_tensor *weights_of(hone_tensor *scores, hone_tensor *mask)
{
    hone_tensor *zero = hone_scalar(hone_dtype_of(scores), 0);
    hone_tensor *hidden = hone_scalar(hone_dtype_of(scores), (double)-INFINITY);
    if (mask == HONE_NONE)
        return hone_softmax(scores, -1);
    scores = hone_dtype_of(mask) == HONE_BOOL ? hone_where(mask, scores, hidden)
                                              : hone_add(scores, mask);
    if (!scores || extent(scores, 1) == 0)
        return scores;
    hone_tensor *blind = blind_rows(scores);
    return hone_where(blind, zero, hone_softmax(hone_where(blind, zero, scores), -1));
}

/* All weights at once. */
static hone_tensor *weights_at_once(const attention_options *o, hone_tensor *q, hone_tensor *k,
                                    hone_tensor *mask)
{
    hone_tensor *scores = hone_matmul(q, hone_transpose(k, -2, -1));
    if (scores && o->is_causal)
        mask = triangle(extent(scores, 2), extent(scores, 1));
    return weights_of(scores, mask);
}

/* ---- by blocks */

enum { QUERY, KEY, VALUE, MASK };

/* Rows that are contiguous. */
static hone_tensor *with_rows(hone_tensor *t)
{
    return t == HONE_NONE || extent(t, 1) < 2 || t->stride[t->ndim - 1] == 1 ? t
                                                                             : hone_contiguous(t);
}

static hone__attention attention_of(const attention_options *o, hone_tensor *const *in)
{
    return (hone__attention){ .q = with_rows(in[QUERY]),
                              .k = with_rows(in[KEY]),
                              .v = with_rows(in[VALUE]),
                              .mask = in[MASK],
                              .stats = HONE_NONE,
                              .causal = o->is_causal,
                              .scale = o->scale };
}

static bool block_attention_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                    hone_tensor **out)
{
    (void)n_in;
    hone__attention a = attention_of(hone__options(ctx), in);
    if (!a.q || !a.k || !a.v || !hone__save(ctx, 4, in))
        return false;
    hone__shape shape = hone__shape_of(in[QUERY]);
    const int64_t queries =
        in[QUERY]->shape[shape.ndim - 1] ? in[QUERY]->numel / in[QUERY]->shape[shape.ndim - 1] : 0;
    shape.shape[shape.ndim - 1] = extent(in[VALUE], 1);
    const hone_dtype dtype = (hone_dtype)in[QUERY]->dtype;
    a.out = out[0] = hone__out(ctx, 0, dtype, shape.ndim, shape.shape);
    if (hone__records(ctx))
        a.stats = out[1] =
            hone__out(ctx, 1, dtype == HONE_BF16 ? HONE_F32 : dtype, 2, (int64_t[]){ 2, queries });
    return a.out && a.stats && hone__attention_run(&a) && HONE__SAVE(ctx, a.out, a.stats);
}

/* Of bf16 f32: gradients of gradients are computed so. */
static hone_tensor *wide(hone_tensor *t)
{
    return t && hone__is_real(t) && t->dtype == HONE_BF16 ? hone_to(t, HONE_F32) : t;
}

/* Where it is to be differentiated again. */
static void back_at_once(const attention_options *o, hone_tensor *const *given, hone_tensor *dy,
                         hone_tensor **dx)
{
    hone_tensor *const in[] = { wide(given[QUERY]), wide(given[KEY]), wide(given[VALUE]),
                                wide(given[MASK]) };
    if (!in[QUERY] || !in[KEY] || !in[VALUE] || !in[MASK] || !(dy = wide(dy)))
        return;
    hone_tensor *k = ungrouped(in[KEY], in[QUERY]), *v = ungrouped(in[VALUE], in[QUERY]);
    hone_tensor *q = hone_mul_scalar(in[QUERY], o->scale);
    hone_tensor *weights = weights_at_once(o, q, k, in[MASK]);
    hone_tensor *dweights = hone_matmul(dy, hone_transpose(v, -2, -1));
    hone_tensor *d = hone_softmax_backward(dweights, weights, -1);
    dx[QUERY] = hone_mul_scalar(hone_matmul(d, k), o->scale);
    hone_tensor *dk = hone_matmul(hone_transpose(d, -2, -1), q);
    hone_tensor *dv = hone_matmul(hone_transpose(weights, -2, -1), dy);
    dx[KEY] = dk ? regrouped(dk, in[KEY]) : NULL;
    dx[VALUE] = dv ? regrouped(dv, in[VALUE]) : NULL;
    for (int i = QUERY; i <= VALUE; i++)
        if (dx[i] && in[i] != given[i])
            dx[i] = hone_to(dx[i], HONE_BF16);
}

static void block_attention_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const attention_options *o = hone__options(ctx);
    hone_tensor *in[] = { hone_saved(ctx, QUERY), hone_saved(ctx, KEY), hone_saved(ctx, VALUE),
                          hone_saved(ctx, MASK) };
    if (!in[QUERY] || !in[KEY] || !in[VALUE] || !in[MASK])
        return;
    if (hone_grad_enabled()) {
        back_at_once(o, in, dy[0], dx);
        return;
    }
    hone__attention a = attention_of(o, in);
    a.out = hone_saved(ctx, 4);
    a.stats = hone_saved(ctx, 5);
    hone_tensor *dq = HONE_NONE, *dk = HONE_NONE, *dv = HONE_NONE;
    hone_tensor *dout = dy[0]->dtype == HONE_BF16 ? hone_contiguous(dy[0]) : with_rows(dy[0]);
    if (hone_needs_input_grad(ctx, QUERY))
        dq = hone_empty_like(in[QUERY]);
    if (hone_needs_input_grad(ctx, KEY) || hone_needs_input_grad(ctx, VALUE)) {
        dk = hone_empty_like(in[KEY]);
        dv = hone_empty_like(in[VALUE]);
    }
    if (!a.q || !a.k || !a.v || !a.out || !a.stats || !dout || !dq || !dk || !dv ||
        !hone__attention_back(&a, dout, dq, dk, dv))
        return;
    dx[QUERY] = dq == HONE_NONE ? NULL : dq;
    dx[KEY] = dk == HONE_NONE ? NULL : dk;
    dx[VALUE] = dv == HONE_NONE ? NULL : dv;
}

/* Pairs of a query and a key that it sees, a head: two products of them forward; five for all three
 * gradients, one of which makes the scores again. */
static void cost(const hone__cost_call *call, hone__cost *c)
{
    const attention_options *o = call->options;
    const double queries = hone__cost_extent(call->in[QUERY], 2);
    const double keys = hone__cost_extent(call->in[KEY], 2);
    const double width = hone__cost_extent(call->in[QUERY], 1);
    const double out = hone__cost_extent(call->in[VALUE], 1), each = queries * width;
    const double heads = each > 0 ? hone__cost_numel(call->in[QUERY]) / each : 0;
    const double corner = queries < keys ? queries : keys; /* query i sees keys 0..i */
    const double seen =
        o && o->is_causal ? corner * (corner + 1) / 2 + (queries - corner) * keys : queries * keys;
    c->madds = heads * seen * (width + out);
    c->back[QUERY] = heads * seen * (2 * width + out);
    c->back[KEY] = heads * seen * width;
    c->back[VALUE] = heads * seen * out;
}

/* Of tensors with the same dims before the last two, but for grouped heads; scale is set. */
const hone__op hone__op_block_attention = {
    .name = "block_attention",
    .forward = block_attention_forward,
    .backward = block_attention_backward,
    .in = { { "query" }, { "key" }, { "value" }, { "attn_mask", HONE__OPTIONAL | HONE__CONSTANT } },
    .out = { { "out" }, { "stats", HONE__HIDDEN | HONE__CONSTANT } },
    .options = attention_table,
    .options_bytes = sizeof(attention_options),
    .forms = HONE__PRIVATE,
    .cost = cost,
};

/* ---- the op */

/* t with the dims before the last two as in `batch`; its heads as they are, if they are grouped. */
static hone_tensor *with_batch(hone_tensor *t, const hone__shape *batch, bool heads_too)
{
    int64_t room[HONE_MAX_DIMS + 1];
    hone__shape shape = *batch;
    bool differs = t->ndim != batch->ndim + 2;
    for (int d = 0; !differs && d < batch->ndim; d++) {
        if (!heads_too && d == batch->ndim - 1)
            shape.shape[d] = t->shape[d];
        differs = t->shape[d] != shape.shape[d];
    }
    if (!differs)
        return t;
    for (int i = 2; i > 0; i--)
        shape.shape[shape.ndim++] = extent(t, i);
    return hone_expand_v(t, hone__ended(&shape, room));
}

/* The mask for each of queries and keys, a view. */
static hone_tensor *with_lengths(hone_tensor *mask, const hone__shape *batch,
                                 hone_tensor *const *in)
{
    int64_t room[HONE_MAX_DIMS + 1];
    hone__shape shape = *batch;
    shape.shape[shape.ndim++] = extent(in[QUERY], 2);
    shape.shape[shape.ndim++] = extent(in[KEY], 2);
    return hone_expand_v(mask, hone__ended(&shape, room));
}

/* The dims before the last two that all have, with grouped heads as the query has them. */
static bool batch_of(hone_tensor *const *in, hone_tensor *k, hone_tensor *v, bool grouped,
                     hone__shape *batch)
{
    hone_tensor *const all[] = { in[QUERY], k, v };
    batch->ndim = in[QUERY]->ndim - 2;
    for (int d = 0; d < batch->ndim; d++) {
        batch->shape[d] = 1;
        for (int i = 0; i < (grouped && d == batch->ndim - 1 ? 1 : 3); i++) {
            const int64_t e = all[i]->shape[d];
            if (e != 1 && batch->shape[d] != 1 && e != batch->shape[d])
                return refuse(HONE_E_SHAPE, "the dims before the last two don't broadcast", in);
            batch->shape[d] = e != 1 ? e : batch->shape[d];
        }
    }
    return true;
}

/* Under autocast floats of different dtypes, a mask's among them, are all rounded to its dtype (where they
 * are of one, block_attention is given them so). False: out of memory. */
static bool lower(hone_tensor *const *given, hone_tensor **in)
{
    bool differ = false, lowers = hone_autocast() != HONE_F32;
    for (int i = QUERY; i <= MASK; i++) {
        in[i] = given[i];
        if (!hone__is_real(given[i]) || !hone_dtype_is_float((hone_dtype)given[i]->dtype))
            continue;
        differ = differ || given[i]->dtype != given[QUERY]->dtype;
        lowers = lowers && given[i]->dtype != HONE_F64;
    }
    for (int i = QUERY; differ && lowers && i <= MASK; i++)
        if (hone__is_real(in[i]) && hone_dtype_is_float((hone_dtype)in[i]->dtype) &&
            !(in[i] = hone_to(in[i], hone_autocast())))
            return false;
    return true;
}

static bool scaled_dot_product_attention_forward(hone_context *ctx, hone_tensor *const *given,
                                                 int n_in, hone_tensor **out)
{
    (void)n_in;
    attention_options *o = hone__options(ctx);
    hone_tensor *in[MASK + 1];
    if (!lower(given, in))
        return false;
    hone_tensor *k = in[KEY], *v = in[VALUE], *mask = in[MASK];
    hone__shape batch;
    if (!operands_fit(in) || !mask_fits(o, in) || (o->enable_gqa && !group_heads(in, &k, &v)) ||
        !batch_of(in, k, v, o->enable_gqa, &batch))
        return false;
    const int64_t width = extent(k, 1);
    o->scale = o->scale != 0 ? o->scale : 1 / sqrt((double)(width ? width : 1));
    const bool of_mask = mask != HONE_NONE && hone_grad_enabled() && hone__requires_grad(mask);
    if (of_mask || width == 0 || extent(v, 1) == 0) { /* blocks have at least a column */
        k = ungrouped(k, in[QUERY]);
        v = ungrouped(v, in[QUERY]);
        hone_tensor *q = k && v ? hone_mul_scalar(in[QUERY], o->scale) : NULL;
        return q && hone__give(out, hone_matmul(weights_at_once(o, q, k, mask), v));
    }
    if (mask != HONE_NONE && !(mask = with_lengths(mask, &batch, in)))
        return false;
    hone_tensor *q = with_batch(in[QUERY], &batch, true);
    k = with_batch(k, &batch, !o->enable_gqa);
    v = with_batch(v, &batch, !o->enable_gqa);
    return q && k && v &&
           hone__give(out, hone__call(&hone__op_block_attention, IN(q, k, v, mask), o));
}

const hone__op hone__op_scaled_dot_product_attention = {
    .name = "scaled_dot_product_attention",
    .forward = scaled_dot_product_attention_forward,
    .in = { { "query" }, { "key" }, { "value" }, { "attn_mask", HONE__OPTIONAL } },
    .options = attention_table,
    .options_bytes = sizeof(attention_options),
    .composite = true,
};

hone_tensor *hone_scaled_dot_product_attention(hone_tensor *query, hone_tensor *key,
                                               hone_tensor *value, hone_tensor *attn_mask,
                                               bool is_causal, double scale, bool enable_gqa)
{
    return hone__call(&hone__op_scaled_dot_product_attention, IN(query, key, value, attn_mask),
                      &(attention_options){ scale, is_causal, enable_gqa });
}
