/* nll.c: nll_loss and cross_entropy_loss: a class for each position, or probabilities of classes.
 * They are made of ops that record themselves. Positions that are ignored are chosen away before
 * and after everything, so nothing of them gets into a sum. */
#include "loops/rows.h"
#include "op/part.h"
#include "ops/losses.h"

#include <math.h>

/* Targets beside scores [N, C, ...] or [C]. */
typedef struct {
    const hone__loss_options *o;
    hone_tensor *input, *weight; /* HONE_NONE: no weights */
    int dim;                     /* that of the classes */
    hone_tensor *target;         /* classes, contiguous i64 */
    hone_tensor *safe, *ignored; /* classes that may be followed; where they mean nothing */
} task;

static bool weight_fits(const char *name, const task *t)
{
    const hone_tensor *w = t->weight;
    if (w == HONE_NONE ||
        (w->ndim == 1 && w->shape[0] == t->input->shape[t->dim] && w->dtype == t->input->dtype))
        return true;
    hone_error_set(w->dtype == t->input->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: the weight %s must have an element for each class (dim %d) of %s", name,
                   hone__tensor_text(w).s, t->dim, hone__tensor_text(t->input).s);
    return false;
}

static bool take_input(hone_context *ctx, hone_tensor *input, hone_tensor *weight, task *t)
{
    const char *name = hone__call_name(ctx);
    *t = (task){ .o = hone__loss_of(ctx), .input = input, .weight = weight };
    if (!hone__loss_takes(ctx, (hone_tensor *[]){ input }, 1))
        return false;
    if (input->ndim == 0) {
        hone_error_set(HONE_E_SHAPE, "%s: the input is %s, [N, C, ...] or [C] is wanted", name,
                       hone__tensor_text(input).s);
        return false;
    }
    t->dim = input->ndim > 1;
    return weight_fits(name, t);
}

static bool classes_fit(const char *name, const task *t, const hone_tensor *target)
{
    const hone_tensor *x = t->input;
    bool fits = target->ndim == x->ndim - 1;
    for (int d = 0; fits && d < target->ndim; d++)
        fits = target->shape[d] == x->shape[d + (d >= t->dim)];
    if (!fits)
        hone_error_set(HONE_E_SHAPE,
                       "%s: the target %s must have the shape of the input %s without the classes "
                       "(dim %d)",
                       name, hone__tensor_text(target).s, hone__tensor_text(x).s, t->dim);
    else if (hone_dtype_is_float((hone_dtype)target->dtype) || target->dtype == HONE_BOOL)
        hone_error_set(HONE_E_DTYPE, "%s: the target must be of integers, got %s", name,
                       hone__tensor_text(target).s);
    else
        return true;
    return false;
}

/* target: contiguous i64 */
static bool classes_in_range(const char *name, const task *t, const hone_tensor *target)
{
    const int64_t classes = t->input->shape[t->dim], *at = hone__data(target);
    for (int64_t i = 0; i < target->numel; i++) {
        if ((at[i] >= 0 && at[i] < classes) || at[i] == t->o->ignore_index)
            continue;
        hone_error_set(HONE_E_INDEX, "%s: target[%lld] is %lld, but there are %lld classes", name,
                       (long long)i, (long long)at[i], (long long)classes);
        return false;
    }
    return true;
}

static void follow_classes(task *t, hone_tensor *target)
{
    t->target = target;
    t->ignored = hone_eq_scalar(target, (double)t->o->ignore_index);
    t->safe = hone_where(t->ignored, hone_scalar(HONE_I64, 0), target);
}

static bool take_classes(hone_context *ctx, hone_tensor *target, task *t)
{
    const char *name = hone__call_name(ctx);
    if (!classes_fit(name, t, target))
        return false;
    target = hone_contiguous(hone_to(target, HONE_I64));
    if (!target || !classes_in_range(name, t, target))
        return false;
    follow_classes(t, target);
    return t->safe != NULL;
}

/* 0 where the target is to be ignored. */
static hone_tensor *kept(const task *t, hone_tensor *loss)
{
    return hone_where(t->ignored, hone_scalar(hone_dtype_of(t->input), 0), loss);
}

/* The weight as one that broadcasts over the input. */
static hone_tensor *spread_weight(const task *t)
{
    int64_t room[HONE_MAX_DIMS + 1];
    hone__shape shape = { .ndim = t->input->ndim - t->dim };
    for (int d = 0; d < shape.ndim; d++)
        shape.shape[d] = d == 0 ? t->weight->numel : 1;
    return hone_reshape_v(t->weight, hone__ended(&shape, room));
}

/* What each position weighs, 0 where ignored. */
static hone_tensor *weights_of(const task *t)
{
    hone_tensor *one = hone_scalar(hone_dtype_of(t->input), 1);
    return kept(t, t->weight == HONE_NONE ? one : hone_index(t->weight, t->safe));
}

/* -w[target] log_p[target] of each position. */
static hone_tensor *losses_of(const task *t, hone_tensor *log_p)
{
    hone_tensor *taken = hone_gather(log_p, t->dim, hone_unsqueeze(t->safe, t->dim));
    hone_tensor *loss = hone_neg(hone_squeeze(taken, t->dim));
    return kept(t, t->weight == HONE_NONE ? loss : hone_mul(loss, weights_of(t)));
}

/* Are the part's targets those that were announced for it? */
static bool as_announced(hone_context *ctx, hone_tensor *target)
{
    const hone__part *part = hone__part_now();
    hone_tensor *all = part->targets;
    bool fits = target->ndim == all->ndim && target->ndim > 0 &&
                target->shape[0] == part->samples && all->shape[0] == part->whole;
    for (int d = 1; fits && d < target->ndim; d++)
        fits = target->shape[d] == all->shape[d];
    hone_tensor *own =
        fits ? hone_slice(all, 0, part->first, part->first + part->samples, 1) : NULL;
    if (fits && !own)
        return false;
    if (own && hone_equal(hone_to(own, HONE_I64), hone_to(target, HONE_I64)))
        return true;
    hone_error_set(fits ? HONE_E_VALUE : HONE_E_SHAPE,
                   "%s: the targets %s of the samples from %lld on are not those of %s that "
                   "hone_accumulate_targets() has announced",
                   hone__call_name(ctx), hone__tensor_text(target).s, (long long)part->first,
                   hone__tensor_text(all).s);
    return false;
}

/* What all positions of the whole batch weigh, 0-d. */
static hone_tensor *weight_of_batch(hone_context *ctx, const task *t)
{
    HONE_NO_GRAD();
    task all = *t;
    hone_tensor *targets = hone_contiguous(hone_to(hone__part_now()->targets, HONE_I64));
    if (!targets || !classes_in_range(hone__call_name(ctx), t, targets))
        return NULL;
    follow_classes(&all, targets);
    return hone_sum(weights_of(&all));
}

/* In a part of a batch the mean's divisor is known if each position counts 1 or all targets are. */
static hone_tensor *mean_in_part(hone_context *ctx, const task *t, hone_tensor *loss)
{
    if (hone__part_now()->targets) {
        if (!as_announced(ctx, t->target))
            return NULL;
        hone_tensor *noted = hone__part_divisor();
        return hone__loss_part_mean(ctx, loss, noted ? noted : weight_of_batch(ctx, t));
    }
    hone_tensor *any = hone_any(t->ignored);
    if (!any)
        return NULL;
    if (t->weight == HONE_NONE && hone_item(any) == 0)
        return hone__loss_mean(ctx, loss);
    hone_error_set(HONE_E_STATE,
                   "%s: the mean of a batch in parts is not known with %s: announce the targets "
                   "of all samples by hone_accumulate_targets()",
                   hone__call_name(ctx), t->weight == HONE_NONE ? "ignored targets" : "weights");
    return NULL;
}

static hone_tensor *reduced(hone_context *ctx, const task *t, hone_tensor *loss)
{
    if (t->o->reduction != HONE_REDUCE_MEAN)
        return hone__loss_reduced(ctx, loss);
    if (loss && hone__part_now()->id && hone__requires_grad(loss))
        return mean_in_part(ctx, t, loss);
    return hone_div(hone_sum(loss), hone_sum(weights_of(t)));
}

hone_tensor *hone__class_losses(hone_context *ctx, hone_tensor *like, hone_tensor *target,
                                hone_tensor *weight, hone__losses_at each, void *user)
{
    task t;
    if (!like || !take_input(ctx, like, weight, &t) || !take_classes(ctx, target, &t))
        return NULL;
    hone_tensor *loss = each(user, t.safe);
    if (weight != HONE_NONE)
        loss = hone_mul(loss, weights_of(&t));
    return reduced(ctx, &t, kept(&t, loss));
}

/* ---- nll_loss */

static bool nll_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    task t;
    (void)n_in;
    return take_input(ctx, in[0], in[2], &t) && take_classes(ctx, in[1], &t) &&
           hone__give(out, reduced(ctx, &t, losses_of(&t, in[0])));
}

static const hone__option nll_table[] = {
    HONE__LOSS_OPTION(ignore_index, HONE__OPT_INT, .standard = -100),
    HONE__LOSS_REDUCTION,
    { NULL },
};
HONE__LOSS(nll_loss, nll_table, { "input" }, { "target" }, { "weight", HONE__OPTIONAL })

hone_tensor *hone_nll_loss(hone_tensor *input, hone_tensor *target, hone_tensor *weight,
                           int64_t ignore_index, hone_reduction reduction)
{
    return hone__call(
        &hone__op_nll_loss, IN(input, target, weight),
        &(hone__loss_options){ .ignore_index = ignore_index, .reduction = (int)reduction });
}

/* ---- cross_entropy_loss */

/* -sum over the classes of w log_p (t where there is one). */
static hone_tensor *over_classes(const task *t, hone_tensor *log_p, hone_tensor *target)
{
    hone_tensor *terms = target ? hone_mul(log_p, target) : log_p;
    if (t->weight != HONE_NONE)
        terms = hone_mul(terms, spread_weight(t));
    return hone_neg(hone_sum_dim(terms, t->dim, false));
}

static hone_tensor *of_classes(hone_context *ctx, const task *t, hone_tensor *log_p)
{
    const double e = t->o->label_smoothing, classes = (double)t->input->shape[t->dim];
    hone_tensor *loss = losses_of(t, log_p);
    if (e > 0) {
        hone_tensor *even = hone_mul_scalar(kept(t, over_classes(t, log_p, NULL)), e / classes);
        loss = hone_add(hone_mul_scalar(loss, 1 - e), even);
    }
    return reduced(ctx, t, loss);
}

static hone_tensor *of_probabilities(hone_context *ctx, const task *t, hone_tensor *target,
                                     hone_tensor *log_p)
{
    const double e = t->o->label_smoothing, classes = (double)t->input->shape[t->dim];
    if (target->dtype != t->input->dtype || !hone__same_shape(target, t->input)) {
        hone_error_set(target->dtype != t->input->dtype ? HONE_E_DTYPE : HONE_E_SHAPE,
                       "%s: probabilities %s must be like the input %s", hone__call_name(ctx),
                       hone__tensor_text(target).s, hone__tensor_text(t->input).s);
        return NULL;
    }
    if (e > 0)
        target = hone_add_scalar(hone_mul_scalar(target, 1 - e), e / classes);
    return hone__loss_reduced(ctx, over_classes(t, log_p, target));
}

static bool cross_entropy_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                       hone_tensor **out)
{
    task t;
    (void)n_in;
    if (!take_input(ctx, in[0], in[2], &t))
        return false;
    if (!(t.o->label_smoothing >= 0 && t.o->label_smoothing <= 1))
        return hone__loss_refuses(ctx, "label_smoothing", t.o->label_smoothing, "0 to 1");
    const bool classes = !hone_dtype_is_float((hone_dtype)in[1]->dtype);
    if (classes && !take_classes(ctx, in[1], &t))
        return false;
    hone_tensor *log_p = hone_log_softmax(in[0], t.dim);
    return hone__give(out, classes ? of_classes(ctx, &t, log_p)
                                   : of_probabilities(ctx, &t, in[1], log_p));
}

static const hone__option cross_entropy_table[] = {
    HONE__LOSS_OPTION(ignore_index, HONE__OPT_INT, .standard = -100),
    HONE__LOSS_OPTION(label_smoothing, HONE__OPT_FLOAT),
    HONE__LOSS_REDUCTION,
    { NULL },
};
HONE__LOSS(cross_entropy_loss, cross_entropy_table, { "input" }, { "target" },
           { "weight", HONE__OPTIONAL })

hone_tensor *hone_cross_entropy_loss(hone_tensor *input, hone_tensor *target, hone_tensor *weight,
                                     int64_t ignore_index, double label_smoothing,
                                     hone_reduction reduction)
{
    return hone__call(&hone__op_cross_entropy_loss, IN(input, target, weight),
                      &(hone__loss_options){ .ignore_index = ignore_index,
                                             .label_smoothing = label_smoothing,
                                             .reduction = (int)reduction });
}
