/* attention.c: MultiheadAttention. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "runtime/fpmode.h"

#include <hone/autograd.h>
#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

/* Weights as PyTorch has them, [out, in]. Either in_proj_weight or the three below it, where key or
 * value have an extent of their own. */
typedef struct {
    hone__plain plain;
    hone_tensor *in_proj_weight; /* [3 embed, embed]: of query, key and value */
    hone_tensor *q_proj_weight, *k_proj_weight, *v_proj_weight; /* [embed, its extent] */
    hone_tensor *in_proj_bias;                                  /* [3 embed] or NULL */
    hone_tensor *bias_k, *bias_v;                               /* [1, 1, embed] or NULL */
    hone_module *out_proj;                                      /* Linear */
} attention;

enum { EMBED, HEADS, DROPOUT, BIAS, ADD_BIAS_KV, ADD_ZERO, KDIM, VDIM, BATCH_FIRST, CAUSAL, DTYPE };
static const hone__parameter arguments[] = {
    [EMBED] = { "embed_dim", HONE__WHOLE, .min = 1, .max = INFINITY },
    [HEADS] = { "num_heads", HONE__WHOLE, .min = 1, .max = INFINITY },
    [DROPOUT] = { "dropout", HONE__REAL, "0.0", .max = 1 },
    [BIAS] = { "bias", HONE__TRUTH, "True" },
    [ADD_BIAS_KV] = { "add_bias_kv", HONE__TRUTH, "False" },
    [ADD_ZERO] = { "add_zero_attn", HONE__TRUTH, "False" },
    [KDIM] = { "kdim", HONE__WHOLE, "None", .none = true, .min = 1, .max = INFINITY },
    [VDIM] = { "vdim", HONE__WHOLE, "None", .none = true, .min = 1, .max = INFINITY },
    [BATCH_FIRST] = { "batch_first", HONE__TRUTH, "False" },
    [CAUSAL] = { "is_causal", HONE__TRUTH, "False", .named = true },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

/* ---- projections */

/* x weight^T + bias, of rows from..to of weight and bias. */
static hone_tensor *project(hone_tensor *x, hone_tensor *weight, hone_tensor *bias, int64_t from,
                            int64_t to)
{
    if (to - from != hone_size(weight, 0))
        weight = hone_slice(weight, 0, from, to, 1);
    if (bias)
        bias = to - from == hone_size(bias, 0) ? bias : hone_slice(bias, 0, from, to, 1);
    return hone_linear(x, hone_transpose(weight, 0, 1), bias ? bias : HONE_NONE);
}

typedef struct {
    hone_tensor *q, *k, *v;
} qkv;

/* Of one tensor for all three it is one product. */
static qkv projected(const attention *l, hone_tensor *q, hone_tensor *k, hone_tensor *v)
{
    const int64_t e = l->plain.at[EMBED].at[0];
    hone_tensor *w = l->in_proj_weight, *b = l->in_proj_bias;
    if (!w) {
        return (qkv){ project(q, l->q_proj_weight, b ? hone_slice(b, 0, 0, e, 1) : NULL, 0, e),
                      project(k, l->k_proj_weight, b ? hone_slice(b, 0, e, 2 * e, 1) : NULL, 0, e),
                      project(v, l->v_proj_weight, b ? hone_slice(b, 0, 2 * e, 3 * e, 1) : NULL, 0,
                              e) };
    }
    if (q == k && k == v) {
        hone_tensor *all = project(q, w, b, 0, 3 * e);
        return (qkv){ hone_slice(all, -1, 0, e, 1), hone_slice(all, -1, e, 2 * e, 1),
                      hone_slice(all, -1, 2 * e, 3 * e, 1) };
    }
    if (k == v) {
        hone_tensor *both = project(k, w, b, e, 3 * e);
        return (qkv){ project(q, w, b, 0, e), hone_slice(both, -1, 0, e, 1),
                      hone_slice(both, -1, e, 2 * e, 1) };
    }
    return (qkv){ project(q, w, b, 0, e), project(k, w, b, e, 2 * e),
                  project(v, w, b, 2 * e, 3 * e) };
}

/* [n, l, e] or [l, n, e] -> [n, heads, l, e / heads]. */
static hone_tensor *to_heads(const attention *l, hone_tensor *x)
{
    if (!x)
        return NULL;
    const int64_t heads = l->plain.at[HEADS].at[0], a = hone_size(x, 0), b = hone_size(x, 1);
    hone_tensor *split = hone_reshape(x, a, b, heads, hone_size(x, 2) / heads);
    return l->plain.at[BATCH_FIRST].truth ? hone_transpose(split, 1, 2)
                                          : hone_permute(split, 1, 2, 0, 3);
}

static hone_tensor *from_heads(const attention *l, hone_tensor *x)
{
    if (!x)
        return NULL;
    const int64_t e = l->plain.at[EMBED].at[0], n = hone_size(x, 0), length = hone_size(x, 2);
    return l->plain.at[BATCH_FIRST].truth ? hone_reshape(hone_transpose(x, 1, 2), n, length, e)
                                          : hone_reshape(hone_permute(x, 2, 0, 1, 3), length, n, e);
}

/* One more position at the end of k or v: the bias, or zeros. */
static hone_tensor *appended(const attention *l, hone_tensor *x, hone_tensor *bias)
{
    if (!x)
        return NULL;
    const bool first = l->plain.at[BATCH_FIRST].truth;
    const int64_t n = hone_size(x, first ? 0 : 1), e = hone_size(x, 2);
    const hone_dtype dtype = hone_dtype_of(x);
    const int64_t a = first ? n : 1, b = first ? 1 : n;
    hone_tensor *more = bias ? hone_expand(bias, a, b, e) : hone_zeros(dtype, a, b, e);
    return more ? hone_cat(hone_list(x, more), first ? 1 : 0) : NULL;
}

/* ---- masks: in bool ones of PyTorch's modules true is hidden; here true may be seen */

/* A mask seen as [n or 1, heads or 1, l or 1, s], with `more` columns that everybody sees. */
static hone_tensor *widened(hone_tensor *mask, int64_t more)
{
    if (!mask || more == 0)
        return mask;
    int64_t dims[HONE_MAX_DIMS + 2] = { hone_dtype_of(mask) };
    for (int d = 0; d < 4; d++)
        dims[1 + d] = d < 3 ? hone_size(mask, d) : more;
    dims[5] = HONE_END_DIM;
    return hone_cat(hone_list(mask, hone_zeros_v(dims)), 3);
}

static hone_tensor *mask_of_pairs(hone_tensor *mask, int64_t n, int64_t heads, int64_t queries,
                                  int64_t keys)
{
    const int dims = mask->ndim;
    if (dims >= 2 && mask->shape[dims - 2] == queries && mask->shape[dims - 1] == keys) {
        if (dims == 2)
            return hone_reshape(mask, 1, 1, queries, keys);
        if (dims == 3 && mask->shape[0] == n * heads)
            return hone_reshape(mask, n, heads, queries, keys);
    }
    hone_error_set(
        HONE_E_SHAPE,
        "MultiheadAttention: attn_mask is [l, s] = [%lld, %lld] or [n * num_heads, l, s] "
        "= [%lld, %lld, %lld], got %s",
        (long long)queries, (long long)keys, (long long)(n * heads), (long long)queries,
        (long long)keys, hone__tensor_text(mask).s);
    return NULL;
}

static hone_tensor *mask_of_keys(hone_tensor *mask, int64_t n, int64_t keys)
{
    if (mask->numel == n * keys &&
        (mask->ndim == 2 ? mask->shape[1] == keys : n == 1 && mask->ndim == 1))
        return hone_reshape(mask, n, 1, 1, keys);
    hone_error_set(HONE_E_SHAPE,
                   "MultiheadAttention: key_padding_mask is [n, s] = [%lld, %lld], got %s",
                   (long long)n, (long long)keys, hone__tensor_text(mask).s);
    return NULL;
}

/* hidden (bool) as numbers that are added. */
static hone_tensor *as_numbers(hone_tensor *mask, hone_dtype dtype)
{
    if (!mask || hone_dtype_of(mask) != HONE_BOOL)
        return mask;
    return hone_where(mask, hone_scalar(dtype, -INFINITY), hone_scalar(dtype, 0));
}

/* Both together: bool if both are, else numbers. */
static hone_tensor *joined(hone_tensor *a, hone_tensor *b, hone_dtype dtype)
{
    if (a == HONE_NONE || b == HONE_NONE || !a || !b)
        return a == HONE_NONE ? b : b == HONE_NONE ? a : NULL;
    if (hone_dtype_of(a) != hone_dtype_of(b)) {
        a = as_numbers(a, dtype);
        b = as_numbers(b, dtype);
    }
    return hone_add(a, b);
}

static hone_tensor *causal_mask(int64_t queries, int64_t keys)
{
    hone_tensor *query = hone_arange(HONE_I64, 0, (double)queries, 1),
                *key = hone_arange(HONE_I64, 0, (double)keys, 1);
    if (!query || !key)
        return NULL;
    return hone_gt(hone_reshape(key, 1, 1, 1, keys), hone_reshape(query, 1, 1, queries, 1));
}

/* ---- forward */

/* What scaled_dot_product_attention does, with dropout of the weights. */
static hone_tensor *attend_with_dropout(hone_tensor *q, hone_tensor *k, hone_tensor *v,
                                        hone_tensor *hidden, double p)
{
    hone_tensor *scores = hone_matmul(q, hone_transpose(k, -2, -1));
    scores = hone_mul_scalar(scores, 1 / sqrt((double)hone_size(q, -1)));
    const bool sees = hidden != HONE_NONE && hone_dtype_of(hidden) == HONE_BOOL;
    const hone_dtype dtype = hone_dtype_of(q);
    /* Finite, so that a query that sees no key makes no NaN; its weights are zeros below. */
    if (sees)
        scores = hone_where(hidden, hone_scalar(dtype, -1e30), scores);
    else if (hidden != HONE_NONE)
        scores = hone_add(scores, hidden);
    hone_tensor *weights = hone_softmax(scores, -1);
    if (sees)
        weights = hone_where(hidden, hone_scalar(dtype, 0), weights);
    return hone_matmul(hone_dropout(weights, p, true), v);
}

static bool fits(const attention *l, const hone_tensor *q, const hone_tensor *k,
                 const hone_tensor *v)
{
    const hone__argument *a = l->plain.at;
    const int64_t e = a[EMBED].at[0];
    const int n = q->ndim;
    if ((n == 2 || n == 3) && k->ndim == n && v->ndim == n && q->shape[n - 1] == e &&
        k->shape[n - 1] == (a[KDIM].none ? e : a[KDIM].at[0]) &&
        v->shape[n - 1] == (a[VDIM].none ? e : a[VDIM].at[0]) && k->shape[0] == v->shape[0] &&
        (n == 2 || k->shape[1] == v->shape[1]) &&
        (n == 2 || q->shape[!a[BATCH_FIRST].truth] == k->shape[!a[BATCH_FIRST].truth]))
        return true;
    hone_error_set(HONE_E_SHAPE, "MultiheadAttention: query %s, key %s and value %s don't fit %s",
                   hone__tensor_text(q).s, hone__tensor_text(k).s, hone__tensor_text(v).s,
                   a[BATCH_FIRST].truth ? "[n, l, embed_dim], [n, s, kdim] and [n, s, vdim]"
                                        : "[l, n, embed_dim], [s, n, kdim] and [s, n, vdim]");
    return false;
}

/* The masks may be HONE_NONE. */
static hone_tensor *attend(const attention *l, hone_tensor *q, hone_tensor *k, hone_tensor *v,
                           hone_tensor *key_padding, hone_tensor *attn_mask)
{
    const hone__argument *a = l->plain.at;
    if (!fits(l, q, k, v))
        return NULL;
    const int batch_dim = a[BATCH_FIRST].truth ? 0 : 1;
    const bool alone = q->ndim == 2, same = q == k && k == v, shared = k == v;
    if (alone) {
        q = hone_unsqueeze(q, batch_dim);
        k = same ? q : hone_unsqueeze(k, batch_dim);
        v = same ? q : shared ? k : hone_unsqueeze(v, batch_dim);
    }
    qkv p = projected(l, q, k, v);
    if (!p.q || !p.k || !p.v)
        return NULL;
    const int64_t n = hone_size(p.q, batch_dim), keys = hone_size(p.k, !batch_dim),
                  queries = hone_size(p.q, !batch_dim);
    const int64_t more = (l->bias_k != NULL) + a[ADD_ZERO].truth;
    if (l->bias_k) {
        p.k = appended(l, p.k, l->bias_k);
        p.v = appended(l, p.v, l->bias_v);
    }
    if (a[ADD_ZERO].truth) {
        p.k = appended(l, p.k, NULL);
        p.v = appended(l, p.v, NULL);
    }
    const hone_dtype dtype = hone_dtype_of(p.q);
    const double dropout = l->plain.base.training ? a[DROPOUT].number : 0;
    hone_tensor *hidden = HONE_NONE;
    if (attn_mask != HONE_NONE)
        hidden = mask_of_pairs(attn_mask, n, a[HEADS].at[0], queries, keys);
    if (key_padding != HONE_NONE)
        hidden = joined(hidden, mask_of_keys(key_padding, n, keys), dtype);
    /* The op knows the triangle alone by itself. */
    const bool causal = a[CAUSAL].truth,
               by_op = causal && hidden == HONE_NONE && more == 0 && dropout == 0;
    if (causal && !by_op)
        hidden = joined(hidden, causal_mask(queries, keys), dtype);
    if (hidden != HONE_NONE)
        hidden = widened(hidden, more);
    q = to_heads(l, p.q);
    k = to_heads(l, p.k);
    v = to_heads(l, p.v);
    if (!hidden || !q || !k || !v)
        return NULL;
    hone_tensor *y;
    if (dropout > 0) {
        y = attend_with_dropout(q, k, v, hidden, dropout);
    } else {
        if (hidden != HONE_NONE && hone_dtype_of(hidden) == HONE_BOOL)
            hidden = hone_eq_scalar(hidden, 0);
        y = hone_scaled_dot_product_attention(q, k, v, hidden, by_op, 0, false);
    }
    y = from_heads(l, y);
    y = y ? hone_forward(l->out_proj, y) : NULL;
    return alone && y ? hone_squeeze(y, batch_dim) : y;
}

/* One input is query, key and value; then follow key_padding_mask and attn_mask. */
static hone_tensor *forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    if (n_in != 1 && (n_in < 3 || n_in > 5)) {
        hone_error_set(HONE_E_VALUE,
                       "MultiheadAttention: %d inputs were given; wanted are one, or query, key, "
                       "value and perhaps key_padding_mask and attn_mask",
                       n_in);
        return NULL;
    }
    const bool self_attention = n_in == 1;
    return attend((const attention *)self, in[0], in[self_attention ? 0 : 1],
                  in[self_attention ? 0 : 2], n_in > 3 ? in[3] : HONE_NONE,
                  n_in > 4 ? in[4] : HONE_NONE);
}

/* ---- making */

static const hone_field fields[] = { HONE_PARAM(attention, in_proj_weight),
                                     HONE_PARAM(attention, q_proj_weight),
                                     HONE_PARAM(attention, k_proj_weight),
                                     HONE_PARAM(attention, v_proj_weight),
                                     HONE_PARAM(attention, in_proj_bias),
                                     HONE_PARAM(attention, bias_k),
                                     HONE_PARAM(attention, bias_v),
                                     HONE_CHILD(attention, out_proj),
                                     HONE_FIELDS_END };

/* Evenly within sqrt(6 / (in + out)) (Glorot, Bengio, 2010). */
static hone_tensor *xavier(hone_dtype dtype, int64_t out, int64_t in)
{
    return hone__even_parameter(dtype, sqrt(6 / ((double)in + (double)out)), 2,
                                (const int64_t[]){ out, in });
}

static hone_tensor *normal(hone_dtype dtype, int64_t e)
{
    return hone_parameter(hone_mul_scalar_(hone_randn(dtype, 1, 1, e), sqrt(1 / (double)e)));
}

static bool begin(attention *l, const hone__argument *a)
{
    HONE__FP_GUARD();
    const hone_dtype dtype = a[DTYPE].dtype;
    const int64_t e = a[EMBED].at[0], k = a[KDIM].none ? e : a[KDIM].at[0],
                  v = a[VDIM].none ? e : a[VDIM].at[0];
    int64_t rows;
    if (__builtin_mul_overflow(e, 3, &rows)) {
        hone_error_set(HONE_E_VALUE, "MultiheadAttention: an embed_dim of %lld is too large",
                       (long long)e);
        return false;
    }
    bool ok;
    if (k == e && v == e) {
        ok = (l->in_proj_weight = xavier(dtype, rows, e)) != NULL;
    } else {
        ok = (l->q_proj_weight = xavier(dtype, e, e)) && (l->k_proj_weight = xavier(dtype, e, k)) &&
             (l->v_proj_weight = xavier(dtype, e, v));
    }
    if (a[BIAS].truth)
        ok = ok && (l->in_proj_bias = hone_parameter(hone_zeros(dtype, rows)));
    l->out_proj = ok ? hone_nn_linear_with(e, e,
                                           &(hone_nn_linear_options){ .no_bias = !a[BIAS].truth,
                                                                      .dtype = dtype,
                                                                      .torch_init = true })
                     : NULL;
    if (!l->out_proj)
        return false;
    l->out_proj->type = &hone__out_proj_class;
    if (a[BIAS].truth) {
        HONE_NO_GRAD();
        ok = hone_zero_(((const hone__linear *)l->out_proj)->bias) != NULL;
    }
    if (a[ADD_BIAS_KV].truth)
        ok = ok && (l->bias_k = normal(dtype, e)) && (l->bias_v = normal(dtype, e));
    return ok;
}

extern const hone__layer hone__layer_MultiheadAttention;
static hone_module *make(const hone__argument *a)
{
    if (a[EMBED].at[0] % a[HEADS].at[0]) {
        hone_error_set(HONE_E_VALUE,
                       "MultiheadAttention: %lld heads don't divide an embed_dim of %lld",
                       (long long)a[HEADS].at[0], (long long)a[EMBED].at[0]);
        return NULL;
    }
    attention *l = (attention *)hone__plain_new(&hone__layer_MultiheadAttention, a);
    if (!l)
        return NULL;
    if (begin(l, a))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

const hone__layer hone__layer_MultiheadAttention = {
    .name = "MultiheadAttention",
    .arguments = arguments,
    .make = make,
    .type = { .name = "MultiheadAttention",
              .size = sizeof(attention),
              .fields = fields,
              .forward = forward },
};
