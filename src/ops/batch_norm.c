/* batch_norm.c: batch norm of the channels of [N, C, ...], in training and evaluation. Its
 * gradients are in batch_norm_backward.c.
 *
 * What channels are normalised by is a hidden output that the gradients get, whatever has happened
 * to the running statistics since. */
#include "ops/batch_norm.h"

#include "core/reserve.h"
#include "loops/channel_runs.h"
#include "loops/reduce_run.h"
#include "op/norm_relu.h"
#include "op/options.h"
#include "op/recompute.h"
#include "op/shards.h"

#include <math.h>

/* ---- checks */

bool hone__suits_channels(const char *name, const hone_tensor *x, hone_tensor *t, const char *what)
{
    if (t == HONE_NONE)
        return true;
    const bool fits = t->ndim == 1 && t->shape[0] == x->shape[1];
    if (fits && t->dtype == hone__channels_dtype(x))
        return true;
    hone_error_set(fits ? HONE_E_DTYPE : HONE_E_SHAPE,
                   "%s: %s must have an element for each channel (dim 1) of x %s, got %s", name,
                   what, hone__tensor_text(x).s, hone__tensor_text(t).s);
    return false;
}

static bool suits_norm(const char *name, const hone_tensor *x)
{
    if (hone_dtype_is_float((hone_dtype)x->dtype) && x->ndim >= 2)
        return true;
    hone_error_set(x->ndim < 2 ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: x must be [N, C, ...] of f32 or f64, got %s", name, hone__tensor_text(x).s);
    return false;
}

static bool eps_is_good(const char *name, bool training, double eps)
{
    if (isfinite(eps) && (eps > 0 || (eps == 0 && !training)))
        return true;
    hone_error_set(HONE_E_VALUE, "%s: eps is %g (%s is wanted)", name, eps,
                   training ? "more than 0 in training" : "0 or more");
    return false;
}

bool hone__statistics_are_there(const char *name, const hone_tensor *x, hone_tensor *mean,
                                hone_tensor *var, bool training)
{
    if (!hone__suits_channels(name, x, mean, "running_mean") ||
        !hone__suits_channels(name, x, var, "running_var"))
        return false;
    if ((mean == HONE_NONE) != (var == HONE_NONE))
        hone_error_set(HONE_E_VALUE, "%s: running_mean and running_var are needed together", name);
    else if (mean == HONE_NONE && !training)
        hone_error_set(HONE_E_VALUE, "%s: evaluation needs running_mean and running_var", name);
    else if (training && hone__channel_count(x) == 1 && !hone__is_sharded(x))
        hone_error_set(HONE_E_VALUE,
                       "%s: x %s has one value a channel, but training needs more of them", name,
                       hone__tensor_text(x).s);
    else
        return true;
    return false;
}

bool hone__suits_batch_norm(const char *name, const hone_tensor *x, bool training, double eps)
{
    return suits_norm(name, x) && eps_is_good(name, training, eps);
}

/* Running statistics are changed, so what forbids a change in place forbids that. */
static bool may_follow(const char *name, const hone_tensor *t)
{
    const bool expanded = hone__overlaps_itself(t);
    if (!expanded && !hone__requires_grad(t))
        return true;
    hone_error_set(HONE_E_STATE, "%s: running statistics %s can't be changed: %s", name,
                   hone__tensor_text(t).s,
                   expanded ? "several elements share one place" : "they require a gradient");
    return false;
}

/* ---- what channels are normalised by */

static void put_scale(hone_tensor *norms, int64_t c, double var, double eps)
{
    hone__put_number(norms, HONE__SCALE * norms->shape[1] + c, 1 / sqrt(var + eps));
}

void hone__norms_of_running(hone_tensor *norms, const hone_tensor *mean, const hone_tensor *var,
                            double eps)
{
    const int64_t channels = norms->shape[1];
    for (int64_t c = 0; c < channels; c++) {
        hone__put_number(norms, HONE__BASE * channels + c,
                         hone__number_at(mean, c * mean->stride[0]));
        put_scale(norms, c, hone__number_at(var, c * var->stride[0]), eps);
        hone__put_number(norms, HONE__OFFSET * channels + c, 0);
    }
}

enum { MEAN, VARIANCE, STATISTICS };

bool hone__norms_of_batch(hone_tensor *norms, const hone_tensor *x, hone_tensor *statistics,
                          double eps)
{
    const uint32_t dims = ((1u << x->ndim) - 1) & ~2u;
    const int64_t channels = x->shape[1], offsets = HONE__OFFSET * channels;
    const double count = (double)hone__channel_count(x);
    if (!hone__moments(x, dims, hone__row_of(statistics, VARIANCE), hone__row_of(norms, HONE__BASE),
                       hone__row_of(norms, HONE__OFFSET))) /* the shifts */
        return false;
    for (int64_t c = 0; c < channels; c++) {
        const int64_t var = VARIANCE * channels + c;
        const double base = hone__number_at(norms, HONE__BASE * channels + c);
        const double shift = hone__number_at(norms, offsets + c);
        hone__put_number(statistics, MEAN * channels + c, base + shift);
        hone__put_number(statistics, var, hone__number_at(statistics, var) / count);
        put_scale(norms, c, hone__number_at(statistics, var), eps);
        hone__put_number(norms, offsets + c,
                         -shift * hone__number_at(norms, HONE__SCALE * channels + c));
    }
    return true;
}

/* ---- running statistics */

static void follow(hone_tensor *running, int64_t c, double momentum, double value)
{
    const int64_t i = c * running->stride[0];
    hone__put_number(running, i, momentum * value + (1 - momentum) * hone__number_at(running, i));
}

static void update_running(const hone_batch_norm_options *o, double count, hone_tensor *mean,
                           hone_tensor *var, const hone_tensor *batch)
{
    const double momentum = o->cumulative > 0 ? 1 / (double)o->cumulative : o->momentum;
    const double unbiased = count / (count - 1);
    const int64_t channels = batch->shape[1];
    for (int64_t c = 0; c < channels; c++) {
        follow(mean, c, momentum, hone__number_at(batch, MEAN * channels + c));
        follow(var, c, momentum, hone__number_at(batch, VARIANCE * channels + c) * unbiased);
    }
    hone__bump(mean);
    hone__bump(var);
}

/* ---- batch_norm */

typedef hone__batch_norm_options norm_options; /* begins with the public ones */

static const hone__option norm_table[] = {
    HONE__OPTION(hone_batch_norm_options, training, HONE__OPT_BOOL),
    HONE__OPTION(hone_batch_norm_options, momentum, HONE__OPT_FLOAT, .standard = 0.1),
    HONE__OPTION(hone_batch_norm_options, cumulative, HONE__OPT_INT, .max = INFINITY),
    HONE__OPTION(hone_batch_norm_options, eps, HONE__OPT_FLOAT, .standard = 1e-5),
    { NULL },
};

enum { X, RUNNING_MEAN, RUNNING_VAR, WEIGHT, BIAS };

static bool forward_fits(hone_context *ctx, hone_tensor *const *in)
{
    const hone_batch_norm_options *o = hone__options(ctx);
    const char *name = hone__call_name(ctx);
    if (!hone__suits_batch_norm(name, in[X], o->training, o->eps) ||
        !hone__statistics_are_there(name, in[X], in[RUNNING_MEAN], in[RUNNING_VAR], o->training) ||
        !hone__suits_channels(name, in[X], in[WEIGHT], "weight") ||
        !hone__suits_channels(name, in[X], in[BIAS], "bias"))
        return false;
    return !o->training || in[RUNNING_MEAN] == HONE_NONE ||
           (may_follow(name, in[RUNNING_MEAN]) && may_follow(name, in[RUNNING_VAR]));
}

/* The hidden output if a gradient will want it, else for a while. */
static hone_tensor *norms_out(hone_context *ctx, const hone_tensor *x, hone_tensor **out)
{
    if (!hone__records(ctx))
        return hone__channel_numbers(x, HONE__NORMS);
    return out[1] = hone__out(ctx, 1, hone__channels_dtype(x), 2,
                              (int64_t[]){ HONE__NORMS, x->shape[1] });
}

/* All contiguous. */
static hone__channel_run run_of(const hone_tensor *x, const hone_tensor *norms,
                                const hone_tensor *weight, const hone_tensor *bias, bool relu)
{
    return (hone__channel_run){
        .dtype = (hone_dtype)x->dtype,
        .samples = x->shape[0],
        .channels = x->shape[1],
        .positions = x->numel / (x->shape[0] * x->shape[1]),
        .of = { .base = hone__row_of(norms, HONE__BASE),
                .scale = hone__row_of(norms, HONE__SCALE),
                .offset = hone__row_of(norms, HONE__OFFSET),
                .weight = weight == HONE_NONE ? NULL : hone__data(weight),
                .bias = bias == HONE_NONE ? NULL : hone__data(bias) },
        .relu = relu,
    };
}

static hone_tensor *contiguous_or_none(hone_tensor *t)
{
    return t == HONE_NONE ? t : hone_contiguous(t);
}

bool hone__reads_as_it_lies(const hone_tensor *x)
{
    const int64_t n = x->numel ? x->numel / (x->shape[0] * x->shape[1]) : 0;
    return x->dtype == HONE_BF16 && n > 1 && n <= HONE__CHANNELS_OF_HALVES;
}

/* x as it is computed on. */
static hone_tensor *operand_of(hone_tensor *x)
{
    x = hone_contiguous(x);
    const bool copies = x && x->dtype == HONE_BF16 && !hone__reads_as_it_lies(x);
    return copies ? hone_to(x, HONE_F32) : x;
}

/* y of an x that was made by operand_of. */
static bool apply(const hone__channel_run *run, hone_tensor *y, hone_tensor *x)
{
    hone_tensor *to = y->dtype == x->dtype ? y : hone_empty_like(x);
    if (!to)
        return false;
    hone__channels_normalise(run, hone__data(to), hone__data(x));
    return to == y || hone__copy_elements(y, to);
}

/* Of an x that isn't empty. The running statistics change last: what fails leaves them alone. */
static bool normalise(hone_context *ctx, hone_tensor *const *in, hone_tensor *y, hone_tensor *norms)
{
    const hone_batch_norm_options *o = hone__options(ctx);
    hone_tensor *x = operand_of(in[X]), *batch = hone__channel_numbers(in[X], STATISTICS);
    hone_tensor *weight = contiguous_or_none(in[WEIGHT]), *bias = contiguous_or_none(in[BIAS]);
    if (!x || !batch || !weight || !bias)
        return false;
    double count = (double)hone__channel_count(x);
    const bool sharded = o->training && hone__is_sharded(x);
    if (!o->training)
        hone__norms_of_running(norms, in[RUNNING_MEAN], in[RUNNING_VAR], o->eps);
    else if (sharded ? !hone__norms_of_shards(hone__call_name(ctx), norms, x, batch, o->eps, &count)
                     : !hone__norms_of_batch(norms, x, batch, o->eps))
        return false;
    const hone__channel_run run =
        run_of(x, norms, weight, bias, ((const norm_options *)hone__options(ctx))->relu);
    if (!apply(&run, y, x))
        return false;
    if (o->training && in[RUNNING_MEAN] != HONE_NONE && !hone__runs_again())
        update_running(o, count, in[RUNNING_MEAN], in[RUNNING_VAR], batch);
    return true;
}

/* What it gave, of x as it lies or as f32. */
static hone_tensor *result_again(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                 hone_tensor *norms, bool relu)
{
    HONE_NO_GRAD();
    x = x ? hone_contiguous(x) : NULL;
    hone_tensor *y = x ? hone_empty_like(x) : NULL, *of = x ? operand_of(x) : NULL;
    norms = norms ? hone_contiguous(norms) : NULL;
    weight = weight ? contiguous_or_none(weight) : NULL;
    bias = bias ? contiguous_or_none(bias) : NULL;
    if (!y || !of || !norms || !weight || !bias)
        return NULL;
    const hone__channel_run run = run_of(of, norms, weight, bias, relu);
    return x->numel == 0 || apply(&run, y, of) ? y : NULL;
}

static hone_tensor *relu_again(hone_tensor *const *of)
{
    return result_again(of[0], of[1], of[2], of[3], true);
}

static bool batch_norm_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[X];
    if (!forward_fits(ctx, in) || !HONE__SAVE(ctx, in[X], in[WEIGHT]))
        return false;
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    hone_tensor *norms = out[0] ? norms_out(ctx, x, out) : NULL;
    const bool relu = ((const norm_options *)hone__options(ctx))->relu;
    if (!norms || (out[1] && !HONE__SAVE(ctx, norms)) ||
        (out[1] && relu &&
         (!HONE__SAVE(ctx, in[BIAS]) ||
          !hone__make_again(ctx, out[0], relu_again, 4,
                            (hone_tensor *[]){ in[X], in[WEIGHT], in[BIAS], norms }))))
        return false;
    if (x->numel > 0)
        return normalise(ctx, in, out[0], norms);
    hone__fill_elements(norms, 0);
    return true;
}

/* A parameter's gradient: the chain of each shard's sums over samples. */
typedef struct {
    hone__channel_run run;
    const hone_tensor *sums; /* [samples, channels] */
} shard_job;

static bool chain_sums(void *user, hone_tensor *sum, bool fresh, int64_t first, int64_t n)
{
    const shard_job *j = user;
    if (fresh)
        hone__fill_elements(sum, 0);
    hone__channel_run run = j->run;
    run.samples = n;
    hone__bump(sum);
    hone__channels_chain(&run, hone__data(sum),
                         (const char *)hone__data(j->sums) +
                             first * run.channels * (int64_t)hone__size_of(j->sums->dtype));
    return true;
}

static void give_by_shards(hone_context *ctx, int i, const hone_tensor *x, hone_tensor *sums)
{
    hone_tensor *own = sums ? hone_contiguous(sums) : NULL;
    shard_job j = { { .dtype = (hone_dtype)x->dtype, .channels = x->shape[1], .positions = 1 },
                    own };
    if (own)
        hone__shard_sums(ctx, i, x->shape[0], chain_sums, &j, NULL);
}

static hone_tensor *sum_that_has_begun(const hone_context *ctx, int i, hone_tensor **dx)
{
    hone_tensor *sum = hone__begun(ctx, i, dx);
    return sum ? sum : HONE_NONE;
}

static void batch_norm_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const norm_options *all = hone__options(ctx);
    const hone_batch_norm_options *o = &all->norm;
    const bool of_x = hone_needs_input_grad(ctx, X), of_weight = hone_needs_input_grad(ctx, WEIGHT);
    const bool of_bias = hone_needs_input_grad(ctx, BIAS);
    hone_tensor *x = hone_saved(ctx, 0), *weight = hone_saved(ctx, 1);
    hone_tensor *norms = hone_saved(ctx, 2);
    hone_tensor *bias = all->relu ? hone_saved(ctx, 3) : HONE_NONE, *g = dy[0];
    const bool sharded = x && hone__is_sharded(x);
    const bool narrow = x && !sharded && !hone_grad_enabled() && hone__reads_as_it_lies(x);
    if (x && x->dtype == HONE_BF16 && !narrow) {
        x = hone_to(x, HONE_F32);
        g = hone_to(g, HONE_F32);
    }
    const bool relu = all->relu && !sharded && !hone_grad_enabled();
    if (all->relu && !relu) { /* an op of its own, differentiable again */
        g = hone_relu_backward(g, result_again(x, weight, bias, norms, false));
        bias = HONE_NONE;
    }
    hone_tensor *weight_sum = sharded
                                  ? hone_empty((hone_dtype)x->dtype, 2, x->shape[0], x->shape[1])
                                  : sum_that_has_begun(ctx, WEIGHT, dx);
    hone_tensor *bias_sum = sharded ? HONE_NONE : sum_that_has_begun(ctx, BIAS, dx);
    const bool weight_here = of_weight && !hone__in_shards(ctx, WEIGHT);
    const bool bias_here = of_bias && !hone__in_shards(ctx, BIAS);
    const hone__batch_norm_backward_options options = {
        .training = o->training,
        .eps = o->eps,
        .skip = (of_x ? 0 : HONE__SKIP_DX) | (weight_here ? 0 : HONE__SKIP_DWEIGHT) |
                (bias_here ? 0 : HONE__SKIP_DBIAS) | (sharded ? HONE__OVER_SHARDS : 0),
        .relu = relu
    };
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    const hone__op *op =
        narrow ? &hone__op_batch_norm_backward_of_halves : &hone__op_batch_norm_backward;
    if (hone__run(op, IN(g, x, bias, HONE_NONE, weight, norms, weight_sum, bias_sum), &options,
                  HONE__INTO_FRESH, out) < 0)
        return;
    dx[X] = out[0];
    dx[WEIGHT] = out[1] ? out[1] : dx[WEIGHT];
    dx[BIAS] = out[2] ? out[2] : dx[BIAS];
    if (of_weight && !weight_here)
        give_by_shards(ctx, WEIGHT, x, hone_select(weight_sum, 0, 1));
    if (of_bias && !bias_here)
        give_by_shards(ctx, BIAS, x, hone_select(weight_sum, 0, 0));
}

const hone__op hone__op_batch_norm = {
    .name = "batch_norm",
    .forward = batch_norm_forward,
    .backward = batch_norm_of_dy,
    .in = { { "x" },
            { "running_mean", HONE__OPTIONAL | HONE__CONSTANT | HONE__WRITTEN },
            { "running_var", HONE__OPTIONAL | HONE__CONSTANT | HONE__WRITTEN },
            { "weight", HONE__OPTIONAL },
            { "bias", HONE__OPTIONAL } },
    .out = { { "out" }, { "norms", HONE__HIDDEN | HONE__CONSTANT } },
    .options = norm_table,
    .options_bytes = sizeof(norm_options),
    .adds = true,
};

static hone_tensor *call(hone_tensor *x, hone_tensor *running_mean, hone_tensor *running_var,
                         hone_tensor *weight, hone_tensor *bias,
                         const hone_batch_norm_options *options, bool relu)
{
    norm_options given = { .relu = relu }, plain;
    if (!HONE__KNOWS_OPTIONS("batch_norm", options))
        return NULL;
    if (options)
        given.norm = *options;
    if (!hone__options_resolve(&hone__op_batch_norm, &given, &plain))
        return NULL;
    return hone__call(&hone__op_batch_norm, IN(x, running_mean, running_var, weight, bias), &plain);
}

hone_tensor *hone_batch_norm(hone_tensor *x, hone_tensor *running_mean, hone_tensor *running_var,
                             hone_tensor *weight, hone_tensor *bias,
                             const hone_batch_norm_options *options)
{
    return call(x, running_mean, running_var, weight, bias, options, false);
}

hone_tensor *hone__batch_norm_relu(hone_tensor *x, hone_tensor *running_mean,
                                   hone_tensor *running_var, hone_tensor *weight, hone_tensor *bias,
                                   const hone_batch_norm_options *options)
{
    return call(x, running_mean, running_var, weight, bias, options, true);
}
