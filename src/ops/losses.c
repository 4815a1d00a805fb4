/* losses.c: losses of two tensors, element by element. They are made of ops that record themselves;
 * where their gradients would differ from the loss's own, a private op stands in. */
#include "ops/losses.h"
#include "op/part.h"

#include <math.h>
#include <string.h>

/* ---- what losses share */

const char *const hone__reductions[] = { "mean", "sum", "none", NULL };

bool hone__loss_takes(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    hone__shape shape;
    for (int i = 0; i < n_in; i++) {
        if (in[i] == HONE_NONE || hone_dtype_is_float((hone_dtype)in[i]->dtype))
            continue;
        hone_error_set(HONE_E_DTYPE, "%s: needs f32 or f64, got %s; cast it with hone_to first",
                       hone__call_name(ctx), hone__tensor_text(in[i]).s);
        return false;
    }
    const int reduction = hone__loss_of(ctx)->reduction;
    if (reduction < HONE_REDUCE_MEAN || reduction > HONE_REDUCE_BATCHMEAN)
        return hone__loss_refuses(ctx, "reduction", reduction, "a hone_reduction");
    return hone__broadcast(hone__call_name(ctx), in, n_in, &shape);
}

bool hone__loss_takes_pair(hone_context *ctx, hone_tensor *input, hone_tensor *target)
{
    if (!hone__loss_takes(ctx, (hone_tensor *[]){ input, target }, 2))
        return false;
    if (hone__same_shape(input, target))
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: the target %s must have the shape of the input %s",
                   hone__call_name(ctx), hone__tensor_text(target).s, hone__tensor_text(input).s);
    return false;
}

bool hone__loss_refuses(hone_context *ctx, const char *option, double value, const char *wanted)
{
    hone_error_set(HONE_E_VALUE, "%s: %s is %g, %s is wanted", hone__call_name(ctx), option, value,
                   wanted);
    return false;
}

/* The losses of a part of a batch: how many the whole batch has, and where these belong. */
static bool note_part(hone_context *ctx, hone_tensor *loss, int64_t *divisor)
{
    void *values;
    if (!hone__part_take_loss(hone__call_name(ctx), (hone_dtype)loss->dtype, loss->numel, divisor,
                              &values))
        return false;
    if (!values)
        return true;
    HONE_NO_GRAD();
    const hone_tensor *row = hone_contiguous(loss);
    if (row)
        memcpy(values, hone__data(row), (size_t)row->numel * hone_dtype_size(loss->dtype));
    return row != NULL;
}

hone_tensor *hone__loss_mean(hone_context *ctx, hone_tensor *loss)
{
    int64_t divisor;
    if (!loss || !hone__part_now()->id || !hone__requires_grad(loss))
        return hone_mean(loss);
    return note_part(ctx, loss, &divisor) ? hone_div_scalar(hone_sum(loss), (double)divisor) : NULL;
}

hone_tensor *hone__loss_part_mean(hone_context *ctx, hone_tensor *loss, hone_tensor *whole)
{
    int64_t rows;
    if (!loss || !whole || !note_part(ctx, loss, &rows))
        return NULL;
    const hone__part *part = hone__part_now();
    hone__part_loss *noted = &part->losses[part->n_calls - 1];
    if (!noted->divisor)
        noted->divisor = hone_retain(whole);
    return hone_div(hone_sum(loss), whole);
}

hone_tensor *hone__loss_reduced(hone_context *ctx, hone_tensor *loss)
{
    switch (hone__loss_of(ctx)->reduction) {
    case HONE_REDUCE_MEAN:
        return hone__loss_mean(ctx, loss);
    case HONE_REDUCE_SUM:
        return hone_sum(loss);
    case HONE_REDUCE_NONE:
        return loss;
    default:
        hone__loss_refuses(ctx, "reduction", HONE_REDUCE_BATCHMEAN, "mean, sum or none");
        return NULL;
    }
}

static hone_tensor *weighted(hone_tensor *loss, hone_tensor *weight)
{
    return weight == HONE_NONE ? loss : hone_mul(loss, weight);
}

/* 1 - t */
static hone_tensor *rest(hone_tensor *t)
{
    return hone_add_scalar(hone_neg(t), 1);
}

#define PAIR                                                                                       \
    { "input" },                                                                                   \
    {                                                                                              \
        "target"                                                                                   \
    }

/* ---- mse_loss, l1_loss */

static const hone__option plain_table[] = { HONE__LOSS_REDUCTION, { NULL } };

static bool mse_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    return hone__loss_takes(ctx, in, n_in) &&
           hone__give(out, hone__loss_reduced(ctx, hone_square(hone_sub(in[0], in[1]))));
}

static bool l1_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    return hone__loss_takes(ctx, in, n_in) &&
           hone__give(out, hone__loss_reduced(ctx, hone_abs(hone_sub(in[0], in[1]))));
}

HONE__LOSS(mse_loss, plain_table, PAIR)
HONE__LOSS(l1_loss, plain_table, PAIR)

hone_tensor *hone_mse_loss(hone_tensor *input, hone_tensor *target, hone_reduction reduction)
{
    return hone__call(&hone__op_mse_loss, IN(input, target),
                      &(hone__loss_options){ .reduction = (int)reduction });
}

hone_tensor *hone_l1_loss(hone_tensor *input, hone_tensor *target, hone_reduction reduction)
{
    return hone__call(&hone__op_l1_loss, IN(input, target),
                      &(hone__loss_options){ .reduction = (int)reduction });
}

/* ---- smooth_l1_loss, huber_loss: m (d - m / 2) with d = |input - target|, m = min(d, limit), so
 * that no branch has a square that may overflow */

static hone_tensor *rounded_hinge(hone_tensor *const *in, double limit)
{
    hone_tensor *d = hone_abs(hone_sub(in[0], in[1])), *m = hone_minimum_scalar(d, limit);
    return hone_mul(m, hone_sub(d, hone_mul_scalar(m, 0.5)));
}

static bool smooth_l1_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    const double beta = hone__loss_of(ctx)->beta;
    if (!hone__loss_takes(ctx, in, n_in))
        return false;
    if (!(beta >= 0))
        return hone__loss_refuses(ctx, "beta", beta, "0 or more");
    hone_tensor *loss = beta == 0 ? hone_abs(hone_sub(in[0], in[1]))
                                  : hone_div_scalar(rounded_hinge(in, beta), beta);
    return hone__give(out, hone__loss_reduced(ctx, loss));
}

static bool huber_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    const double delta = hone__loss_of(ctx)->delta;
    if (!hone__loss_takes(ctx, in, n_in))
        return false;
    if (!(delta > 0))
        return hone__loss_refuses(ctx, "delta", delta, "more than 0");
    return hone__give(out, hone__loss_reduced(ctx, rounded_hinge(in, delta)));
}

static const hone__option smooth_table[] = {
    HONE__LOSS_OPTION(beta, HONE__OPT_FLOAT, .standard = 1),
    HONE__LOSS_REDUCTION,
    { NULL },
};
static const hone__option huber_table[] = {
    HONE__LOSS_OPTION(delta, HONE__OPT_FLOAT, .standard = 1),
    HONE__LOSS_REDUCTION,
    { NULL },
};
HONE__LOSS(smooth_l1_loss, smooth_table, PAIR)
HONE__LOSS(huber_loss, huber_table, PAIR)

hone_tensor *hone_smooth_l1_loss(hone_tensor *input, hone_tensor *target, double beta,
                                 hone_reduction reduction)
{
    return hone__call(&hone__op_smooth_l1_loss, IN(input, target),
                      &(hone__loss_options){ .beta = beta, .reduction = (int)reduction });
}

hone_tensor *hone_huber_loss(hone_tensor *input, hone_tensor *target, double delta,
                             hone_reduction reduction)
{
    return hone__call(&hone__op_huber_loss, IN(input, target),
                      &(hone__loss_options){ .delta = delta, .reduction = (int)reduction });
}

/* ---- binary_cross_entropy: its logarithms are at least -100, its gradient isn't cut there */

static hone_tensor *log_at_least(hone_tensor *log)
{
    return hone_maximum_scalar(log, -100);
}

/* log p and log(1 - p) */
static void both_logs(hone_tensor *p, hone_tensor **yes, hone_tensor **no)
{
    *yes = log_at_least(hone_log(p));
    *no = log_at_least(hone_log1p(hone_neg(p)));
}

static bool bce_of_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *yes, *no, *target = in[1];
    both_logs(in[0], &yes, &no);
    return HONE__SAVE(ctx, in[0], target) &&
           hone__give(out, hone_neg(hone_add(hone_mul(target, yes), hone_mul(rest(target), no))));
}

static void bce_of_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *p = hone_saved(ctx, 0), *target = hone_saved(ctx, 1), *yes, *no;
    if (hone_needs_input_grad(ctx, 0)) {
        hone_tensor *slope = hone_maximum_scalar(hone_mul(rest(p), p), 1e-12);
        dx[0] = hone_div(hone_mul(dy[0], hone_sub(p, target)), slope);
    }
    if (!hone_needs_input_grad(ctx, 1))
        return;
    both_logs(p, &yes, &no);
    dx[1] = hone_mul(dy[0], hone_sub(no, yes));
}

const hone__op hone__op_bce_of = {
    .name = "binary_cross_entropy",
    .forward = bce_of_forward,
    .backward = bce_of_backward,
    .in = { PAIR },
    .forms = HONE__PRIVATE,
};

static bool are_probabilities(hone_context *ctx, hone_tensor *input)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    if (input->numel == 0)
        return true;
    hone_tensor *least = hone_min(input), *most = hone_max(input);
    if (!least || !most)
        return false;
    const double low = hone_item(least), high = hone_item(most);
    if (low >= 0 && high <= 1)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: the input has elements from %g to %g, 0 to 1 is wanted",
                   hone__call_name(ctx), low, high);
    return false;
}

static bool binary_cross_entropy_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                         hone_tensor **out)
{
    if (!hone__loss_takes(ctx, in, n_in) || !hone__loss_takes_pair(ctx, in[0], in[1]) ||
        !are_probabilities(ctx, in[0]))
        return false;
    hone_tensor *loss = hone__call(&hone__op_bce_of, IN(in[0], in[1]), NULL);
    return hone__give(out, hone__loss_reduced(ctx, weighted(loss, in[2])));
}

HONE__LOSS(binary_cross_entropy, plain_table, PAIR, { "weight", HONE__OPTIONAL })

hone_tensor *hone_binary_cross_entropy(hone_tensor *input, hone_tensor *target, hone_tensor *weight,
                                       hone_reduction reduction)
{
    return hone__call(&hone__op_binary_cross_entropy, IN(input, target, weight),
                      &(hone__loss_options){ .reduction = (int)reduction });
}

/* ---- binary_cross_entropy_with_logits: (1 - t) x + (1 + (pos_weight - 1) t) softplus(-x) */

static bool binary_cross_entropy_with_logits_forward(hone_context *ctx, hone_tensor *const *in,
                                                     int n_in, hone_tensor **out)
{
    hone_tensor *x = in[0], *target = in[1], *pos_weight = in[3];
    if (!hone__loss_takes(ctx, in, n_in) || !hone__loss_takes_pair(ctx, x, target))
        return false;
    hone_tensor *log = hone_softplus(hone_neg(x));
    if (pos_weight != HONE_NONE)
        log = hone_mul(
            log,
            hone_add_scalar(
                hone_mul(hone_sub_scalar(hone__expanded_to(pos_weight, target), 1), target), 1));
    hone_tensor *loss = hone_add(hone_mul(rest(target), x), log);
    return hone__give(out, hone__loss_reduced(ctx, weighted(loss, in[2])));
}

HONE__LOSS(binary_cross_entropy_with_logits, plain_table, PAIR, { "weight", HONE__OPTIONAL },
           { "pos_weight", HONE__OPTIONAL })

hone_tensor *hone_binary_cross_entropy_with_logits(hone_tensor *input, hone_tensor *target,
                                                   hone_tensor *weight, hone_tensor *pos_weight,
                                                   hone_reduction reduction)
{
    return hone__call(&hone__op_binary_cross_entropy_with_logits,
                      IN(input, target, weight, pos_weight),
                      &(hone__loss_options){ .reduction = (int)reduction });
}

/* ---- kl_div: t (log t - input), 0 log 0 being 0 */

static hone_tensor *kl_of(hone_tensor *input, hone_tensor *target, bool log_target)
{
    if (log_target)
        return hone_mul(hone_exp(target), hone_sub(target, input));
    hone_tensor *one = hone_scalar(hone_dtype_of(target), 1);
    hone_tensor *argument = hone_where(hone_eq_scalar(target, 0), one, target);
    return hone_sub(hone_mul(target, hone_log(argument)), hone_mul(target, input));
}

static bool kl_div_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const hone__loss_options *o = hone__loss_of(ctx);
    if (!hone__loss_takes(ctx, in, n_in))
        return false;
    hone_tensor *loss = kl_of(in[0], in[1], o->log_target);
    if (o->reduction != HONE_REDUCE_BATCHMEAN)
        return hone__give(out, hone__loss_reduced(ctx, loss));
    const hone__part *part = hone__part_now();
    const int64_t here = in[0]->ndim ? in[0]->shape[0] : 1;
    const bool in_parts = part->id && here == part->samples && loss && hone__requires_grad(loss);
    const double batch = (double)(in_parts ? part->whole : here);
    return hone__give(out, hone_div_scalar(hone_sum(loss), batch));
}

static const char *const kl_reductions[] = { "mean", "sum", "none", "batchmean", NULL };
static const hone__option kl_table[] = {
    HONE__LOSS_OPTION(log_target, HONE__OPT_BOOL),
    HONE__LOSS_OPTION(reduction, HONE__OPT_CHOICE, .choices = kl_reductions),
    { NULL },
};
HONE__LOSS(kl_div, kl_table, PAIR)

hone_tensor *hone_kl_div(hone_tensor *input, hone_tensor *target, bool log_target,
                         hone_reduction reduction)
{
    return hone__call(
        &hone__op_kl_div, IN(input, target),
        &(hone__loss_options){ .log_target = log_target, .reduction = (int)reduction });
}

/* ---- poisson_nll_loss */

/* t log t - t + log(2 pi t) / 2 where t > 1, else 0. */
static hone_tensor *stirling(hone_tensor *target)
{
    hone_tensor *large = hone_gt_scalar(target, 1), *one = hone_scalar(hone_dtype_of(target), 1);
    hone_tensor *t = hone_where(large, target, one); /* nothing is infinite beside what counts */
    hone_tensor *log = hone_log(t);
    hone_tensor *half_log = hone_mul_scalar(hone_add_scalar(log, 1.83787706640934548356), 0.5);
    hone_tensor *sum = hone_add(hone_sub(hone_mul(t, log), t), half_log);
    return hone_where(large, sum, hone_sub(one, one));
}

static bool poisson_nll_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                     hone_tensor **out)
{
    const hone__loss_options *o = hone__loss_of(ctx);
    hone_tensor *x = in[0], *target = in[1];
    if (!hone__loss_takes(ctx, in, n_in))
        return false;
    hone_tensor *loss = o->log_input
                            ? hone_sub(hone_exp(x), hone_mul(target, x))
                            : hone_sub(x, hone_mul(target, hone_log(hone_add_scalar(x, o->eps))));
    if (o->full)
        loss = hone_add(loss, stirling(target));
    return hone__give(out, hone__loss_reduced(ctx, loss));
}

static const hone__option poisson_table[] = {
    HONE__LOSS_OPTION(log_input, HONE__OPT_BOOL, .standard = 1),
    HONE__LOSS_OPTION(full, HONE__OPT_BOOL),
    HONE__LOSS_OPTION(eps, HONE__OPT_FLOAT, .standard = 1e-8),
    HONE__LOSS_REDUCTION,
    { NULL },
};
HONE__LOSS(poisson_nll_loss, poisson_table, PAIR)

hone_tensor *hone_poisson_nll_loss(hone_tensor *input, hone_tensor *target, bool log_input,
                                   bool full, double eps, hone_reduction reduction)
{
    return hone__call(
        &hone__op_poisson_nll_loss, IN(input, target),
        &(hone__loss_options){
            .log_input = log_input, .full = full, .eps = eps, .reduction = (int)reduction });
}

/* ---- gaussian_nll_loss: the variance is at least eps, but its gradient passes */

static bool at_least_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, hone_maximum_scalar(in[0], hone__number_of(ctx)));
}

static void at_least_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    (void)ctx;
    dx[0] = dy[0];
}

const hone__op hone__op_at_least = {
    .name = "gaussian_nll_loss",
    .forward = at_least_forward,
    .backward = at_least_backward,
    .in = { { "var" } },
    .options = hone__number_table,
    .options_bytes = sizeof(hone__number_options),
    .forms = HONE__PRIVATE,
};

static bool is_variance(hone_context *ctx, hone_tensor *var)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *least = var->numel ? hone_min(var) : NULL;
    if (var->numel == 0 || (least && !(hone_item(least) < 0)))
        return true;
    if (least)
        hone__loss_refuses(ctx, "the least of var", hone_item(least), "0 or more");
    return false;
}

/* var [..] of an input [.., n] is one for all n. */
static hone_tensor *variance_for(const hone_tensor *input, hone_tensor *var)
{
    bool one = var->ndim + 1 == input->ndim;
    for (int d = 0; one && d < var->ndim; d++)
        one = var->shape[d] == input->shape[d];
    return one ? hone_unsqueeze(var, -1) : var;
}

static bool gaussian_nll_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                      hone_tensor **out)
{
    (void)n_in;
    const hone__loss_options *o = hone__loss_of(ctx);
    hone_tensor *var = variance_for(in[0], in[2]);
    if (!var || !hone__loss_takes(ctx, (hone_tensor *[]){ in[0], in[1], var }, 3))
        return false;
    if (!(o->eps > 0))
        return hone__loss_refuses(ctx, "eps", o->eps, "more than 0");
    if (!is_variance(ctx, var))
        return false;
    var = hone__call(&hone__op_at_least, IN(hone__expanded_to(var, in[0])),
                     &(hone__number_options){ o->eps });
    hone_tensor *square = hone_square(hone_sub(in[0], in[1]));
    hone_tensor *loss = hone_mul_scalar(hone_add(hone_log(var), hone_div(square, var)), 0.5);
    if (o->full)
        loss = hone_add_scalar(loss, 0.91893853320467274178);
    return hone__give(out, hone__loss_reduced(ctx, loss));
}

static const hone__option gaussian_table[] = {
    HONE__LOSS_OPTION(full, HONE__OPT_BOOL),
    HONE__LOSS_OPTION(eps, HONE__OPT_FLOAT, .standard = 1e-6),
    HONE__LOSS_REDUCTION,
    { NULL },
};
HONE__LOSS(gaussian_nll_loss, gaussian_table, PAIR, { "var" })

hone_tensor *hone_gaussian_nll_loss(hone_tensor *input, hone_tensor *target, hone_tensor *var,
                                    bool full, double eps, hone_reduction reduction)
{
    return hone__call(
        &hone__op_gaussian_nll_loss, IN(input, target, var),
        &(hone__loss_options){ .full = full, .eps = eps, .reduction = (int)reduction });
}
