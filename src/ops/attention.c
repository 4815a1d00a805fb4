/* attention.c: scaled_dot_product_attention, made of products and a softmax that record
 * themselves. */
#include "ops/common.h"

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
        return refuse(HONE_E_DTYPE, "all three must be f32 or all f64", in);
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

/* True if query heads are a multiple of the others'. */
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
    *k = of_k == heads ? *k : repeat_heads(*k, heads / of_k);
    *v = of_v == heads ? *v : repeat_heads(*v, heads / of_v);
    return *k && *v;
}

/* ---- the op */

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

static bool scaled_dot_product_attention_forward(hone_context *ctx, hone_tensor *const *in,
                                                 int n_in, hone_tensor **out)
{
    (void)n_in;
    const attention_options *o = hone__options(ctx);
    hone_tensor *k = in[1], *v = in[2], *mask = in[3];
    if (!operands_fit(in) || !mask_fits(o, in) || (o->enable_gqa && !group_heads(in, &k, &v)))
        return false;
    const int64_t width = extent(k, 1);
    const double scale = o->scale != 0 ? o->scale : 1 / sqrt((double)(width ? width : 1));
    hone_tensor *q = hone_mul_scalar(in[0], scale);
    hone_tensor *scores = hone_matmul(q, hone_transpose(k, -2, -1));
    if (scores && o->is_causal)
        mask = triangle(extent(scores, 2), extent(scores, 1));
    return hone__give(out, hone_matmul(weights_of(scores, mask), v));
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
