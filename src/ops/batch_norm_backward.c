/* batch_norm_backward.c: the gradients of batch norm as one op, and theirs. */
#include "ops/batch_norm.h"

#include "loops/channel_runs.h"
#include "runtime/memory.h"

typedef hone__batch_norm_backward_options backward_options;

static const hone__option backward_table[] = {
    HONE__OPTION(backward_options, training, HONE__OPT_BOOL),
    HONE__OPTION(backward_options, eps, HONE__OPT_FLOAT, .standard = 1e-5),
    { NULL },
};

enum { DY, X, MEAN, VAR, WEIGHT, NORMS, WEIGHT_SUM, BIAS_SUM, BIAS = MEAN };

/* ---- batch_norm_backward */

static bool backward_fits(hone_context *ctx, hone_tensor *const *in)
{
    const backward_options *o = hone__options(ctx);
    const char *name = hone__call_name(ctx);
    const hone_tensor *dy = in[DY], *x = in[X];
    if (!hone__suits_batch_norm(name, x, o->training, o->eps) ||
        !hone__suits_channels(name, x, in[WEIGHT], "weight"))
        return false;
    if (!hone__same_shape(x, dy) || x->dtype != dy->dtype) {
        hone_error_set(hone__same_shape(x, dy) ? HONE_E_DTYPE : HONE_E_SHAPE,
                       "%s: dy %s must be like x %s", name, hone__tensor_text(dy).s,
                       hone__tensor_text(x).s);
        return false;
    }
    return in[NORMS] != HONE_NONE ||
           hone__statistics_are_there(name, x, in[MEAN], in[VAR], o->training);
}

/* Those of the forward, or the same again. */
static hone_tensor *norms_again(hone_context *ctx, hone_tensor *const *in)
{
    const backward_options *o = hone__options(ctx);
    hone_tensor *x = in[X];
    if (in[NORMS] != HONE_NONE)
        return in[NORMS];
    hone_tensor *norms = hone__channel_numbers(x, HONE__NORMS);
    hone_tensor *batch = norms ? hone__channel_numbers(x, 2) : NULL;
    if (!batch)
        return NULL;
    if (!o->training)
        hone__norms_of_running(norms, in[MEAN], in[VAR], o->eps);
    else if (x->numel == 0)
        hone__fill_elements(norms, 0);
    else if (!hone__norms_of_batch(norms, x, batch, o->eps))
        return NULL;
    return norms;
}

/* Of one batch: its sums over samples, and from them the means that dx needs. */
typedef struct {
    hone__channel_run run;
    hone_tensor *dy, *x;
    hone_tensor *sums;  /* [2, samples, channels]: of dy, of dy * v */
    hone_tensor *means; /* [2, channels]: of g, of g * v */
} gradients;

static bool prepare(gradients *b, hone_tensor *const *in, hone_tensor *norms, hone_tensor *sums,
                    bool relu)
{
    b->dy = hone_contiguous(in[DY]);
    b->x = hone_contiguous(in[X]);
    norms = hone_contiguous(norms);
    hone_tensor *weight = in[WEIGHT] == HONE_NONE ? HONE_NONE : hone_contiguous(in[WEIGHT]);
    if (!b->dy || !b->x || !norms || !weight)
        return false;
    const int64_t samples = b->x->shape[0], channels = b->x->shape[1];
    b->run = (hone__channel_run){ .dtype = (hone_dtype)b->x->dtype,
                                  .samples = samples,
                                  .channels = channels,
                                  .positions = b->x->numel / (samples * channels) };
    b->run.of = (hone__channels){ .base = hone__row_of(norms, HONE__BASE),
                                  .scale = hone__row_of(norms, HONE__SCALE),
                                  .offset = hone__row_of(norms, HONE__OFFSET),
                                  .weight = weight == HONE_NONE ? NULL : hone__data(weight) };
    if ((b->run.relu = relu) && in[BIAS] != HONE_NONE) {
        hone_tensor *bias = hone_contiguous(in[BIAS]);
        if (!bias)
            return false;
        b->run.of.bias = hone__data(bias);
    }
    b->sums = sums ? sums : hone_empty(hone__channels_dtype(b->x), 2, samples, channels);
    b->means = hone__channel_numbers(b->x, 2);
    return b->sums && b->means;
}

/* False: out of memory. */
static bool take_sums(const gradients *b)
{
    const size_t bytes = hone__channels_room(&b->run);
    void *const room = bytes ? hone__pool_alloc(bytes) : NULL;
    if (bytes && !room)
        return false;
    hone__channels_sums(&b->run, hone__row_of(b->sums, 0), hone__row_of(b->sums, 1),
                        hone__data(b->dy), hone__data(b->x), room);
    if (bytes)
        hone__pool_free(room, bytes);
    return true;
}

/* The sums of all samples times the weight, divided by the count. */
static bool take_means(gradients *b, hone_tensor *const *in, const char *name, bool over_shards)
{
    double count = (double)hone__channel_count(b->x);
    const hone_tensor *weight = in[WEIGHT];
    const double *shards = over_shards ? hone__sums_of_shards(name, b->x, b->sums, &count) : NULL;
    if (over_shards && !shards)
        return false;
    hone__fill_elements(b->means, -0.0);
    for (int i = 0; i < 2; i++) {
        if (!over_shards)
            hone__channels_chain(&b->run, hone__row_of(b->means, i), hone__row_of(b->sums, i));
        for (int64_t c = 0; c < b->run.channels; c++) {
            const double w =
                weight == HONE_NONE ? 1 : hone__number_at(weight, c * weight->stride[0]);
            const int64_t at = i * b->run.channels + c;
            const double sum = shards ? shards[at] : hone__number_at(b->means, at);
            hone__put_number(b->means, at, sum * w / count);
        }
    }
    b->run.of.mean_g = hone__row_of(b->means, 0);
    b->run.of.mean_gv = hone__row_of(b->means, 1);
    return true;
}

/* A parameter's gradient: the chain into the sum that has begun, or into `fresh`. */
static void give_sum(const gradients *b, int row, hone_tensor *sum, hone_tensor *fresh)
{
    if (sum != HONE_NONE)
        hone__bump(sum);
    else
        hone__fill_elements(sum = fresh, 0);
    hone__channels_chain(&b->run, hone__data(sum), hone__row_of(b->sums, row));
}

/* The outputs that are wanted; a parameter's isn't where its sum has begun. */
static bool make_outputs(hone_context *ctx, hone_tensor *const *in, hone_tensor **out)
{
    const int skip = ((const backward_options *)hone__options(ctx))->skip;
    const hone_tensor *x = in[X];
    const hone_dtype dtype = hone__channels_dtype(x);
    if (!(skip & HONE__SKIP_DX) &&
        !(out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape)))
        return false;
    if (!(skip & HONE__SKIP_DWEIGHT) &&
        (in[WEIGHT_SUM] == HONE_NONE || (skip & HONE__OVER_SHARDS)) &&
        !(out[1] = hone__out(ctx, 1, dtype, 1, x->shape + 1)))
        return false;
    return (skip & HONE__SKIP_DBIAS) || in[BIAS_SUM] != HONE_NONE ||
           (out[2] = hone__out(ctx, 2, dtype, 1, x->shape + 1));
}

static bool batch_norm_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                        hone_tensor **out)
{
    (void)n_in;
    const backward_options *o = hone__options(ctx);
    hone_tensor *norms = backward_fits(ctx, in) ? norms_again(ctx, in) : NULL;
    gradients b;
    if (!norms || !HONE__SAVE(ctx, in[DY], in[X], in[WEIGHT], norms) || !make_outputs(ctx, in, out))
        return false;
    if (in[X]->numel == 0) {
        for (int i = 1; i < 3; i++)
            if (out[i])
                hone__fill_elements(out[i], 0);
        return true;
    }
    const bool over_shards = o->skip & HONE__OVER_SHARDS;
    if (!prepare(&b, in, norms, over_shards ? in[WEIGHT_SUM] : NULL, o->relu))
        return false;
    const bool of_weight = !(o->skip & HONE__SKIP_DWEIGHT), of_bias = !(o->skip & HONE__SKIP_DBIAS);
    if ((of_weight || of_bias || o->training || over_shards) && !take_sums(&b))
        return false;
    if (of_weight)
        give_sum(&b, 1, over_shards ? HONE_NONE : in[WEIGHT_SUM], out[1]);
    if (of_bias)
        give_sum(&b, 0, in[BIAS_SUM], out[2]);
    if (!out[0])
        return true;
    if (o->training && !take_means(&b, in, hone__call_name(ctx), over_shards))
        return false;
    hone__channels_dx(&b.run, hone__data(out[0]), hone__data(b.dy), hone__data(b.x));
    return true;
}

/* ---- the gradients' gradients, in public ops
 *
 * With g = dy weight, v the normalised x and r what it is scaled by: dx = J g, where J = r (1 -
 * mean - v mean(v .)) in training and r in evaluation; J is symmetric. */

/* All dims but the channels'. */
static const int64_t *other_dims(const hone_tensor *x, int64_t *room)
{
    int n = 0;
    for (int d = 0; d < x->ndim; d++)
        if (d != 1)
            room[n++] = d;
    room[n] = HONE_END_DIM;
    return room;
}

/* [C] as [C, 1, ...], which broadcasts to x; HONE_NONE stays. */
static hone_tensor *beside(const hone_tensor *x, hone_tensor *t)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    if (!hone__is_real(t))
        return t;
    for (int d = 1; d < x->ndim; d++)
        dims[d - 1] = d == 1 ? x->shape[1] : 1;
    dims[x->ndim - 1] = HONE_END_DIM;
    return hone_reshape_v(t, dims);
}

static hone_tensor *times(hone_tensor *a, hone_tensor *b)
{
    return b == HONE_NONE ? a : hone_mul(a, b);
}

/* a + b; NULL and HONE_NONE are nothing. */
static hone_tensor *plus(hone_tensor *a, hone_tensor *b)
{
    return !hone__is_real(a) ? b : !hone__is_real(b) ? a : hone_add(a, b);
}

/* What the formulas are made of. */
typedef struct {
    const backward_options *options;
    hone_tensor *dy, *x, *weight; /* weight: beside x, or HONE_NONE */
    hone_tensor *norms, *v, *r;
} formulas;

static formulas formulas_of(hone_context *ctx)
{
    formulas f = { .options = hone__options(ctx),
                   .dy = hone_saved(ctx, 0),
                   .x = hone_saved(ctx, 1),
                   .weight = hone_saved(ctx, 2),
                   .norms = hone_saved(ctx, 3) };
    int64_t room[HONE_MAX_DIMS + 1];
    if (!f.x || !f.norms)
        return f;
    f.weight = beside(f.x, f.weight);
    hone_tensor *mean = beside(f.x, hone_select(f.norms, 0, HONE__BASE));
    f.r = beside(f.x, hone_select(f.norms, 0, HONE__SCALE));
    if (f.options->training) {
        const int64_t *dims = other_dims(f.x, room);
        mean = hone_mean_dims_v(f.x, true, dims);
        f.r = hone_rsqrt(hone_add_scalar(hone_var_dims_v(f.x, 0.0, true, dims), f.options->eps));
    }
    f.v = hone_mul(hone_sub(f.x, mean), f.r);
    return f;
}

/* J t. */
static hone_tensor *j_of(const formulas *f, hone_tensor *t)
{
    if (!f->options->training)
        return hone_mul(t, f->r);
    const backward_options options = { .training = true,
                                       .eps = f->options->eps,
                                       .skip = HONE__SKIP_DWEIGHT | HONE__SKIP_DBIAS };
    return hone__call(&hone__op_batch_norm_backward,
                      IN(t, f->x, HONE_NONE, HONE_NONE, HONE_NONE, f->norms, HONE_NONE, HONE_NONE),
                      &options);
}

/* By x of sum(u J g) in training, with a = mean(g), b = mean(g v), c = mean(u), d = mean(u v), e =
 * mean(u g): -r^2 (v (e - a c - 3 b d) + d (g - a) + b (u - c)). */
static hone_tensor *of_j(const formulas *f, hone_tensor *u)
{
    int64_t room[HONE_MAX_DIMS + 1];
    const int64_t *dims = other_dims(f->x, room);
    hone_tensor *g = times(f->dy, f->weight);
    hone_tensor *a = hone_mean_dims_v(g, true, dims), *c = hone_mean_dims_v(u, true, dims);
    hone_tensor *b = hone_mean_dims_v(hone_mul(g, f->v), true, dims);
    hone_tensor *d = hone_mean_dims_v(hone_mul(u, f->v), true, dims);
    hone_tensor *e = hone_mean_dims_v(hone_mul(u, g), true, dims);
    hone_tensor *of_v = hone_sub(hone_sub(e, hone_mul(a, c)), hone_mul_scalar(hone_mul(b, d), 3.0));
    hone_tensor *sum = hone_add(hone_mul(f->v, of_v),
                                hone_add(hone_mul(hone_sub(g, a), d), hone_mul(hone_sub(u, c), b)));
    return hone_neg(hone_mul(sum, hone_square(f->r)));
}

/* u: of dx, dweight = sum(dy v) and dbias = sum(dy). By dy: weight J u0 + u1 v + u2; by x: that of
 * u0 J g, and J (u1 dy); by weight: sum(dy J u0). */
static void batch_norm_backward_of_u(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    int64_t room[HONE_MAX_DIMS + 1];
    const formulas f = formulas_of(ctx);
    if (!f.v)
        return;
    hone_tensor *u1 = u[1] ? beside(f.x, u[1]) : NULL, *u2 = u[2] ? beside(f.x, u[2]) : NULL;
    hone_tensor *ju = u[0] ? j_of(&f, u[0]) : NULL;
    if (hone_needs_input_grad(ctx, DY)) {
        hone_tensor *of_sums = plus(u1 ? hone_mul(u1, f.v) : NULL, u2);
        hone_tensor *of_dy = plus(ju ? times(ju, f.weight) : NULL, of_sums);
        dx[DY] = of_dy == u2 ? hone_mul(u2, hone_ones_like(f.x)) : of_dy;
    }
    if (hone_needs_input_grad(ctx, X))
        dx[X] = plus(u[0] && f.options->training ? of_j(&f, u[0]) : NULL,
                     u1 ? j_of(&f, hone_mul(u1, f.dy)) : NULL);
    if (hone_needs_input_grad(ctx, WEIGHT) && ju)
        dx[WEIGHT] = hone_sum_dims_v(hone_mul(f.dy, ju), false, other_dims(f.x, room));
}

#define GRADIENTS                                                                                  \
    .in = { { "dy" },                                                                              \
            { "x" },                                                                               \
            { "running_mean", HONE__OPTIONAL | HONE__CONSTANT },                                   \
            { "running_var", HONE__OPTIONAL | HONE__CONSTANT },                                    \
            { "weight", HONE__OPTIONAL },                                                          \
            { "norms", HONE__OPTIONAL | HONE__CONSTANT | HONE__HIDDEN },                           \
            { "weight_sum", HONE__OPTIONAL | HONE__CONSTANT | HONE__HIDDEN },                      \
            { "bias_sum", HONE__OPTIONAL | HONE__CONSTANT | HONE__HIDDEN } },                      \
    .out = { { "dx" }, { "dweight" }, { "dbias" } }, .options = backward_table,                    \
    .options_bytes = sizeof(backward_options)

/* The norms are a function of x: of_j has their part, too. */
const hone__op hone__op_batch_norm_backward = {
    .name = "batch_norm_backward",
    .forward = batch_norm_backward_forward,
    .backward = batch_norm_backward_of_u,
    GRADIENTS,
};

/* The same of dy and x of bf16 that are read as they lie, all else f32; hone's own, and not
 * differentiated. */
const hone__op hone__op_batch_norm_backward_of_halves = {
    .name = "batch_norm_backward_of_halves",
    .forward = batch_norm_backward_forward,
    GRADIENTS,
    .forms = HONE__PRIVATE,
};

hone_batch_norm_gradients hone_batch_norm_backward(hone_tensor *dy, hone_tensor *x,
                                                   hone_tensor *running_mean,
                                                   hone_tensor *running_var, hone_tensor *weight,
                                                   bool training, double eps)
{
    const backward_options options = { .training = training, .eps = eps };
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    if (hone__run(&hone__op_batch_norm_backward,
                  IN(dy, x, running_mean, running_var, weight, HONE_NONE, HONE_NONE, HONE_NONE),
                  &options, HONE__INTO_FRESH, out) < 0)
        return (hone_batch_norm_gradients){ NULL, NULL, NULL };
    return (hone_batch_norm_gradients){ out[0], out[1], out[2] };
}
