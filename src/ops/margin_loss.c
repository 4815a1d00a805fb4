/* margin_loss.c: losses that compare scores, directions or distances, made of ops that record
 * themselves. */
#include "ops/losses.h"

#include <math.h>

/* t where the target is / isn't the number, else 0. */
static hone_tensor *where_is(hone_tensor *target, double number, hone_tensor *t)
{
    return hone_where(hone_eq_scalar(target, number), t, hone_scalar(hone_dtype_of(t), 0));
}

static hone_tensor *where_is_not(hone_tensor *target, double number, hone_tensor *t)
{
    return hone_where(hone_ne_scalar(target, number), t, hone_scalar(hone_dtype_of(t), 0));
}

/* max(t, 0), whose gradient passes where t is 0. */
static hone_tensor *hinge(hone_tensor *t)
{
    return hone_clamp(t, 0, (double)INFINITY);
}

/* ---- hinge_embedding_loss, margin_ranking_loss */

static bool hinge_embedding_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                         hone_tensor **out)
{
    hone_tensor *x = in[0], *target = in[1];
    if (!hone__loss_takes(ctx, in, n_in))
        return false;
    hone_tensor *apart = hinge(hone_add_scalar(hone_neg(x), hone__loss_of(ctx)->margin));
    hone_tensor *loss = hone_add(where_is_not(target, 1, apart), where_is_not(target, -1, x));
    return hone__give(out, hone__loss_reduced(ctx, loss));
}

static bool margin_ranking_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    if (!hone__loss_takes(ctx, in, n_in))
        return false;
    hone_tensor *wrong = hone_mul(hone_neg(in[2]), hone_sub(in[0], in[1]));
    return hone__give(
        out, hone__loss_reduced(ctx, hinge(hone_add_scalar(wrong, hone__loss_of(ctx)->margin))));
}

static const hone__option hinge_table[] = {
    HONE__LOSS_OPTION(margin, HONE__OPT_FLOAT, .standard = 1),
    HONE__LOSS_REDUCTION,
    { NULL },
};
static const hone__option margin_table[] = {
    HONE__LOSS_OPTION(margin, HONE__OPT_FLOAT),
    HONE__LOSS_REDUCTION,
    { NULL },
};
#define PAIR                                                                                       \
    { "input1" }, { "input2" },                                                                    \
    {                                                                                              \
        "target"                                                                                   \
    }
HONE__LOSS(hinge_embedding_loss, hinge_table, { "input" }, { "target" })
HONE__LOSS(margin_ranking_loss, margin_table, PAIR)

hone_tensor *hone_hinge_embedding_loss(hone_tensor *input, hone_tensor *target, double margin,
                                       hone_reduction reduction)
{
    return hone__call(&hone__op_hinge_embedding_loss, IN(input, target),
                      &(hone__loss_options){ .margin = margin, .reduction = (int)reduction });
}

hone_tensor *hone_margin_ranking_loss(hone_tensor *input1, hone_tensor *input2, hone_tensor *target,
                                      double margin, hone_reduction reduction)
{
    return hone__call(&hone__op_margin_ranking_loss, IN(input1, input2, target),
                      &(hone__loss_options){ .margin = margin, .reduction = (int)reduction });
}

/* ---- cosine_embedding_loss */

static bool suits_cosine(const hone_tensor *const *in)
{
    bool fits = hone__same_shape(in[0], in[1]) && (in[0]->ndim == 1 || in[0]->ndim == 2) &&
                in[2]->ndim == in[0]->ndim - 1;
    fits = fits && (in[2]->ndim == 0 || in[2]->shape[0] == in[0]->shape[0]);
    if (!fits)
        hone_error_set(
            HONE_E_SHAPE,
            "cosine_embedding_loss: wants two inputs [N, D] and a target [N], or [D] and "
            "[], got %s, %s and %s",
            hone__tensor_text(in[0]).s, hone__tensor_text(in[1]).s, hone__tensor_text(in[2]).s);
    return fits;
}

static hone_tensor *dot(hone_tensor *a, hone_tensor *b)
{
    return hone_sum_dim(hone_mul(a, b), -1, false);
}

static bool cosine_embedding_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                          hone_tensor **out)
{
    const double tiny = 1e-12; /* as in PyTorch: a direction of nothing has cosine 0 */
    (void)n_in;
    if (!suits_cosine((const hone_tensor *const *)in) ||
        !hone__loss_takes(ctx, (hone_tensor *[]){ in[0], in[1] }, 2))
        return false;
    hone_tensor *size0 = hone_add_scalar(dot(in[0], in[0]), tiny);
    hone_tensor *size1 = hone_add_scalar(dot(in[1], in[1]), tiny);
    hone_tensor *cosine = hone_div(dot(in[0], in[1]), hone_sqrt(hone_mul(size0, size1)));
    hone_tensor *near = hone_add_scalar(hone_neg(cosine), 1);
    hone_tensor *far = hinge(hone_sub_scalar(cosine, hone__loss_of(ctx)->margin));
    hone_tensor *loss = hone_add(where_is(in[2], 1, near), where_is(in[2], -1, far));
    return hone__give(out, hone__loss_reduced(ctx, loss));
}

HONE__LOSS(cosine_embedding_loss, margin_table, PAIR)

hone_tensor *hone_cosine_embedding_loss(hone_tensor *input1, hone_tensor *input2,
                                        hone_tensor *target, double margin,
                                        hone_reduction reduction)
{
    return hone__call(&hone__op_cosine_embedding_loss, IN(input1, input2, target),
                      &(hone__loss_options){ .margin = margin, .reduction = (int)reduction });
}

/* ---- triplet_margin_loss */

/* The p-norm of a - b + eps along the last dim. */
static hone_tensor *distance(hone_tensor *a, hone_tensor *b, const hone__loss_options *o)
{
    hone_tensor *d = hone_abs(hone_add_scalar(hone_sub(a, b), o->eps));
    if (isinf(o->p))
        return hone_max_dims(d, false, -1);
    hone_tensor *sum = hone_sum_dim(hone_pow_scalar(d, o->p), -1, false);
    return hone_pow_scalar(sum, 1 / o->p);
}

static bool triplet_margin_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    const hone__loss_options *o = hone__loss_of(ctx);
    if (!hone__loss_takes(ctx, in, n_in))
        return false;
    if (!(o->margin > 0))
        return hone__loss_refuses(ctx, "margin", o->margin, "more than 0");
    if (!(o->p > 0))
        return hone__loss_refuses(ctx, "p", o->p, "more than 0");
    if (in[0]->ndim == 0 || in[0]->ndim != in[1]->ndim || in[0]->ndim != in[2]->ndim) {
        hone_error_set(HONE_E_SHAPE,
                       "triplet_margin_loss: wants three tensors of as many dims, at least one, "
                       "got %s, %s and %s",
                       hone__tensor_text(in[0]).s, hone__tensor_text(in[1]).s,
                       hone__tensor_text(in[2]).s);
        return false;
    }
    hone_tensor *near = distance(in[0], in[1], o), *far = distance(in[0], in[2], o);
    if (o->swap)
        far = hone_minimum(far, distance(in[1], in[2], o));
    hone_tensor *loss = hinge(hone_add_scalar(hone_sub(near, far), o->margin));
    return hone__give(out, hone__loss_reduced(ctx, loss));
}

static const hone__option triplet_table[] = {
    HONE__LOSS_OPTION(margin, HONE__OPT_FLOAT, .standard = 1),
    HONE__LOSS_OPTION(p, HONE__OPT_FLOAT, .standard = 2),
    HONE__LOSS_OPTION(eps, HONE__OPT_FLOAT, .standard = 1e-6),
    HONE__LOSS_OPTION(swap, HONE__OPT_BOOL),
    HONE__LOSS_REDUCTION,
    { NULL },
};
HONE__LOSS(triplet_margin_loss, triplet_table, { "anchor" }, { "positive" }, { "negative" })

hone_tensor *hone_triplet_margin_loss(hone_tensor *anchor, hone_tensor *positive,
                                      hone_tensor *negative, double margin, double p, double eps,
                                      bool swap, hone_reduction reduction)
{
    return hone__call(
        &hone__op_triplet_margin_loss, IN(anchor, positive, negative),
        &(hone__loss_options){
            .margin = margin, .p = p, .eps = eps, .swap = swap, .reduction = (int)reduction });
}

/* ---- multilabel_soft_margin_loss */

static bool multilabel_soft_margin_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                                hone_tensor **out)
{
    hone_tensor *x = in[0], *target = in[1];
    if (!hone__loss_takes(ctx, in, n_in) || !hone__loss_takes_pair(ctx, x, target))
        return false;
    if (x->ndim == 0) {
        hone_error_set(HONE_E_SHAPE,
                       "multilabel_soft_margin_loss: the input is %s, [.., classes] "
                       "is wanted",
                       hone__tensor_text(x).s);
        return false;
    }
    hone_tensor *no = hone_add_scalar(hone_neg(target), 1);
    hone_tensor *fit =
        hone_add(hone_mul(target, hone_logsigmoid(x)), hone_mul(no, hone_logsigmoid(hone_neg(x))));
    fit = in[2] == HONE_NONE ? fit : hone_mul(fit, in[2]);
    hone_tensor *loss =
        hone_div_scalar(hone_sum_dim(hone_neg(fit), -1, false), (double)x->shape[x->ndim - 1]);
    return hone__give(out, hone__loss_reduced(ctx, loss));
}

static const hone__option plain_table[] = { HONE__LOSS_REDUCTION, { NULL } };
HONE__LOSS(multilabel_soft_margin_loss, plain_table, { "input" }, { "target" },
           { "weight", HONE__OPTIONAL })

hone_tensor *hone_multilabel_soft_margin_loss(hone_tensor *input, hone_tensor *target,
                                              hone_tensor *weight, hone_reduction reduction)
{
    return hone__call(&hone__op_multilabel_soft_margin_loss, IN(input, target, weight),
                      &(hone__loss_options){ .reduction = (int)reduction });
}
