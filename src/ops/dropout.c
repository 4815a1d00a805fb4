/* dropout.c: dropout whose mask is a function of (seed, stream, position), computed again for the
 * gradient instead of kept, and its form that draws a stream. */
#include "isa/isa.h"
#include "op/part.h"
#include "ops/common.h"
#include "runtime/parallel.h"
#include "runtime/streams.h"

typedef struct {
    double p;
    int64_t seed, stream; /* bits of the generator's unsigned numbers */
    bool channels;
    int64_t first; /* samples before those of x */
} philox_options;

static const hone__option philox_table[] = {
    HONE__OPTION(philox_options, p, HONE__OPT_FLOAT, .standard = 0.5),
    HONE__OPTION(philox_options, seed, HONE__OPT_INT),
    HONE__OPTION(philox_options, stream, HONE__OPT_INT),
    HONE__OPTION(philox_options, channels, HONE__OPT_BOOL),
    HONE__OPTION(philox_options, first, HONE__OPT_INT, .min = 0, .max = INT32_MAX),
    { NULL },
};

typedef struct {
    const philox_options *o;
    uint64_t place; /* of u[0] */
    float *u;
} drawing;

static void draw_range(void *ctx, int64_t begin, int64_t end)
{
    const drawing *d = ctx;
    hone__k->uniform[HONE_F32](end - begin, d->u + begin, (uint64_t)d->o->seed,
                               (uint64_t)d->o->stream, d->place + (uint64_t)begin);
}

/* Uniform numbers for the elements of x, or for its channels: [N, C, 1, ...]. Always of f32, so that
 * the mask is the same in f64. */
static hone_tensor *uniform_for(const philox_options *o, const hone_tensor *x)
{
    int64_t room[HONE_MAX_DIMS + 2] = { HONE_F32 };
    hone__shape shape = hone__shape_of(x);
    for (int d = 2; o->channels && d < shape.ndim; d++)
        shape.shape[d] = 1;
    hone__ended(&shape, room + 1);
    hone_tensor *u = hone_empty_v(room);
    if (u && u->numel > 0) {
        const int64_t each = u->ndim ? u->numel / u->shape[0] : 1;
        drawing d = { o, (uint64_t)o->first * (uint64_t)each, hone__data(u) };
        hone__parallel_for(u->numel, 16, 1, draw_range, &d);
    }
    return u;
}

static bool suits_dropout(hone_context *ctx, const hone_tensor *x, double p, bool channels)
{
    const char *name = hone__call_name(ctx);
    if (!hone_dtype_is_float((hone_dtype)x->dtype))
        hone_error_set(HONE_E_DTYPE, "%s: needs f32 or f64, got %s; cast it with hone_to first",
                       name, hone__tensor_text(x).s);
    else if (!(p >= 0 && p <= 1))
        hone_error_set(HONE_E_VALUE, "%s: p is %g, 0 to 1 is wanted", name, p);
    else if (channels && x->ndim < 2)
        hone_error_set(HONE_E_SHAPE, "%s: x is %s, [N, C, ...] is wanted", name,
                       hone__tensor_text(x).s);
    else
        return true;
    return false;
}

/* ---- philox_dropout */

static bool philox_dropout_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    (void)n_in;
    const philox_options *o = hone__options(ctx);
    hone_tensor *x = in[0];
    if (!suits_dropout(ctx, x, o->p, o->channels))
        return false;
    hone_tensor *zero = hone_scalar((hone_dtype)x->dtype, 0);
    if (o->p == 1)
        return hone__give(out, hone_zeros_like(x));
    hone_tensor *kept = hone_ge_scalar(uniform_for(o, x), o->p);
    return hone__give(out, hone_where(kept, hone_mul_scalar(x, 1 / (1 - o->p)), zero));
}

static void philox_dropout_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone__call(&hone__op_philox_dropout, IN(dy[0]), hone__options(ctx));
}

const hone__op hone__op_philox_dropout = {
    .name = "philox_dropout",
    .forward = philox_dropout_forward,
    .backward = philox_dropout_backward,
    .in = { { "x" } },
    .options = philox_table,
    .options_bytes = sizeof(philox_options),
};

hone_tensor *hone_philox_dropout(hone_tensor *x, double p, int64_t seed, int64_t stream,
                                 bool channels, int64_t first)
{
    return hone__call(&hone__op_philox_dropout, IN(x),
                      &(philox_options){ p, seed, stream, channels, first });
}

/* ---- dropout, feature_dropout, dropout1d .. 3d */

typedef struct {
    double p;
    bool training;
} dropout_options;
static const hone__option dropout_table[] = {
    HONE__OPTION(dropout_options, p, HONE__OPT_FLOAT, .standard = 0.5),
    HONE__OPTION(dropout_options, training, HONE__OPT_BOOL, .standard = 1),
    { NULL },
};

static bool drop(hone_context *ctx, hone_tensor *x, bool channels, hone_tensor **out)
{
    const dropout_options *o = hone__options(ctx);
    uint64_t seed = 0, stream = 0;
    if (!suits_dropout(ctx, x, o->p, channels))
        return false;
    if (!o->training || o->p == 0)
        return hone__give(out, hone_clone(x));
    return (o->p == 1 || hone__draw(hone__call_name(ctx), &seed, &stream)) &&
           hone__give(out, hone_philox_dropout(x, o->p, (int64_t)seed, (int64_t)stream, channels,
                                               hone__part_first(x)));
}

static bool dropout_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return drop(ctx, in[0], false, out);
}

static bool feature_dropout_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                    hone_tensor **out)
{
    (void)n_in;
    return drop(ctx, in[0], true, out);
}

/* Of a fixed number of dims: one sample without its dim is a batch of one, but of dropout2d. */
static bool dropout_nd_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    static const char *const of[] = { "[N, C, L] or [C, L]", "[N, C, H, W] or [N, C, L]",
                                      "[N, C, D, H, W] or [C, D, H, W]" };
    const int dims = hone__call_dims(ctx);
    hone_tensor *x = in[0];
    (void)n_in;
    if (x->ndim != dims + 1 && x->ndim != dims + 2) {
        hone_error_set(HONE_E_SHAPE, "%s: x is %s, %s is wanted", hone__call_name(ctx),
                       hone__tensor_text(x).s, of[dims - 1]);
        return false;
    }
    if (dims == 2 || x->ndim == dims + 2)
        return drop(ctx, x, true, out);
    hone_tensor *one = hone_unsqueeze(x, 0);
    return one && drop(ctx, one, true, out) && hone__give(out, hone_squeeze(out[0], 0));
}

#define DROPOUT(op, forward_, dims_)                                                               \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .dims = dims_,                                                                             \
        .forward = forward_,                                                                       \
        .in = { { "x" } },                                                                         \
        .options = dropout_table,                                                                  \
        .options_bytes = sizeof(dropout_options),                                                  \
        .composite = true,                                                                         \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *x, double p, bool training)                                \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(x), &(dropout_options){ p, training });               \
    }
DROPOUT(dropout, dropout_forward, 0)
DROPOUT(feature_dropout, feature_dropout_forward, 0)
DROPOUT(dropout1d, dropout_nd_forward, 1)
DROPOUT(dropout2d, dropout_nd_forward, 2)
DROPOUT(dropout3d, dropout_nd_forward, 3)
