/* activation.c: activations that are made of other ops, with their gradients as one formula each,
 * so that the graph keeps x alone. Infinities: no branch that isn't taken brings a NaN into a
 * gradient. */
#include "loops/elementwise.h"
#include "ops/common.h"

#include <math.h>

/* Limits leave integers what they are. */
static hone_tensor *as_number(hone_tensor *x)
{
    return x->dtype == HONE_BOOL ? hone__as_float(x) : x;
}

/* The block of <op>: `value` of x, which has become a float by `as`; <op>_backward stands above it. */
#define ACTIVATION_OF(as, op, value, ...)                                                          \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        hone_tensor *x = as(in[0]);                                                                \
        return HONE__SAVE(ctx, in[0]) && hone__give(out, value);                                   \
    }                                                                                              \
    const hone__op hone__op_##op = { .name = #op,                                                  \
                                     .forward = op##_forward,                                      \
                                     .backward = op##_backward,                                    \
                                     .in = { { "x" } },                                            \
                                     __VA_ARGS__ };
#define ACTIVATION_WITH(op, value, ...) ACTIVATION_OF(hone__as_float, op, value, __VA_ARGS__)
#define ACTIVATION(op, value)                                                                      \
    ACTIVATION_WITH(op, value, .options = NULL)                                                    \
    HONE__ENTRY_X(op)
#define TABLE(table) .options = table##_table, .options_bytes = sizeof(table##_options)
#define OF(table)    ((const table##_options *)hone__options(ctx))

/* dy where the mask is set, else 0. */
static hone_tensor *passed(hone_tensor *mask, hone_tensor *dy)
{
    return hone_where(mask, dy, hone_scalar(hone_dtype_of(dy), 0));
}

static hone_tensor *both(hone_tensor *a, hone_tensor *b)
{
    return hone_mul(a, b); /* of bools: and */
}

/* Between two numbers, none of which may be the dtype's tie. */
static hone_tensor *limited(hone_tensor *x, double min, double max)
{
    return hone_minimum_scalar(hone_maximum_scalar(x, min), max);
}

/* The same of a forward: floats in one pass. */
static hone_tensor *between(hone_tensor *x, double min, double max)
{
    return x && hone_dtype_is_float((hone_dtype)x->dtype)
               ? hone__formula(HONE__K_FORMULA_LIMITED, x, min, max, 0)
               : limited(x, min, max);
}

static hone_tensor *inside(hone_tensor *x, double min, double max)
{
    return both(hone_gt_scalar(x, min), hone_lt_scalar(x, max));
}

/* ---- leaky_relu */

typedef struct {
    double negative_slope;
} leaky_options;
static const hone__option leaky_table[] = {
    HONE__OPTION(leaky_options, negative_slope, HONE__OPT_FLOAT, .standard = 0.01),
    { NULL },
};

static hone_tensor *leaky(hone_tensor *positive, hone_tensor *t, double slope)
{
    return hone_where(positive, t, hone_mul_scalar(t, slope));
}

static void leaky_relu_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = leaky(hone_gt_scalar(hone_saved(ctx, 0), 0), dy[0], OF(leaky)->negative_slope);
}

ACTIVATION_WITH(leaky_relu,
                hone__formula(HONE__K_FORMULA_LEAKY_RELU, x, OF(leaky)->negative_slope, 0, 0),
                TABLE(leaky))

hone_tensor *hone_leaky_relu(hone_tensor *x, double negative_slope)
{
    return hone__call(&hone__op_leaky_relu, IN(x), &(leaky_options){ negative_slope });
}

/* ---- prelu: the weight is brought to a shape that broadcasts, then a private op does the rest */

static bool prelu_of_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *scaled = hone_mul(in[0], in[1]);
    return HONE__SAVE(ctx, in[0], in[1]) &&
           hone__give(out, hone_where(hone_gt_scalar(in[0], 0), in[0], scaled));
}

static void prelu_of_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *positive = hone_gt_scalar(x, 0);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_where(positive, dy[0], hone_mul(dy[0], hone_saved(ctx, 1)));
    if (hone_needs_input_grad(ctx, 1)) /* inf * 0 where x is positive would be NaN */
        dx[1] = hone_mul(dy[0], hone_where(positive, hone_scalar(hone_dtype_of(x), 0), x));
}

const hone__op hone__op_prelu_of = {
    .name = "prelu",
    .forward = prelu_of_forward,
    .backward = prelu_of_backward,
    .in = { { "x" }, { "weight" } },
    .forms = HONE__PRIVATE,
};

static bool suits_prelu(const hone_tensor *x, const hone_tensor *weight)
{
    const int64_t channels = x->ndim > 1 ? x->shape[1] : 1;
    if (!hone_dtype_is_float((hone_dtype)x->dtype) || weight->dtype != x->dtype)
        hone_error_set(HONE_E_DTYPE, "prelu: x and weight must both be f32 or both f64, got %s, %s",
                       hone__tensor_text(x).s, hone__tensor_text(weight).s);
    else if (weight->ndim > 1 || (weight->numel != 1 && weight->numel != channels))
        hone_error_set(HONE_E_SHAPE,
                       "prelu: weight %s must have one element, or one for each channel (dim 1) of "
                       "x %s",
                       hone__tensor_text(weight).s, hone__tensor_text(x).s);
    else
        return true;
    return false;
}

static bool prelu_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)ctx, (void)n_in;
    if (!suits_prelu(in[0], in[1]))
        return false;
    int64_t room[HONE_MAX_DIMS + 1];
    hone__shape shape = { .ndim = in[0]->ndim > 1 ? in[0]->ndim - 1 : 0 };
    for (int d = 0; d < shape.ndim; d++)
        shape.shape[d] = d == 0 ? in[1]->numel : 1;
    hone_tensor *weight = hone_reshape_v(in[1], hone__ended(&shape, room));
    return hone__give(out, hone__call(&hone__op_prelu_of, IN(in[0], weight), NULL));
}

const hone__op hone__op_prelu = {
    .name = "prelu",
    .forward = prelu_forward,
    .in = { { "x" }, { "weight" } },
    .composite = true,
};
HONE__ENTRY_XX(prelu, x, weight)

/* ---- elu, selu, celu: scale (x where x > 0, else alpha (e^(x rate) - 1)) */

typedef struct {
    double alpha;
} elu_options;
static const hone__option elu_table[] = {
    HONE__OPTION(elu_options, alpha, HONE__OPT_FLOAT, .standard = 1),
    { NULL },
};

typedef struct {
    double scale, alpha, rate;
} exponential;

static hone_tensor *elu_of(hone_tensor *x, exponential e)
{
    return hone__formula(HONE__K_FORMULA_ELU, x, e.rate, e.scale, e.scale * e.alpha);
}

/* e^x of what is positive isn't used, and would be inf. */
static hone_tensor *elu_slope(hone_tensor *x, exponential e)
{
    hone_tensor *low = hone_mul_scalar(hone_minimum_scalar(x, 0), e.rate);
    hone_tensor *slope = hone_mul_scalar(hone_exp(low), e.scale * e.alpha * e.rate);
    return hone_where(hone_gt_scalar(x, 0), hone_scalar(hone_dtype_of(slope), e.scale), slope);
}

static exponential elu_numbers(hone_context *ctx)
{
    return (exponential){ 1, OF(elu)->alpha, 1 };
}

static exponential selu_numbers(hone_context *ctx)
{
    (void)ctx;
    return (exponential){ 1.0507009873554804934193349852946, 1.6732632423543772848170429916717, 1 };
}

static exponential celu_numbers(hone_context *ctx)
{
    return (exponential){ 1, OF(elu)->alpha, 1 / OF(elu)->alpha };
}

#define ELU_BACKWARD(op)                                                                           \
    static void op##_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)         \
    {                                                                                              \
        dx[0] = hone_mul(dy[0], elu_slope(hone_saved(ctx, 0), op##_numbers(ctx)));                 \
    }
ELU_BACKWARD(elu)
ELU_BACKWARD(selu)
ELU_BACKWARD(celu)

ACTIVATION_WITH(elu, elu_of(x, elu_numbers(ctx)), TABLE(elu))
ACTIVATION(selu, elu_of(x, selu_numbers(ctx)))

static hone_tensor *celu_of(hone_context *ctx, hone_tensor *x)
{
    if (OF(elu)->alpha != 0)
        return elu_of(x, celu_numbers(ctx));
    hone_error_set(HONE_E_VALUE, "celu: alpha is 0, another number is wanted");
    return NULL;
}

ACTIVATION_WITH(celu, celu_of(ctx, x), TABLE(elu))

hone_tensor *hone_elu(hone_tensor *x, double alpha)
{
    return hone__call(&hone__op_elu, IN(x), &(elu_options){ alpha });
}

hone_tensor *hone_celu(hone_tensor *x, double alpha)
{
    return hone__call(&hone__op_celu, IN(x), &(elu_options){ alpha });
}

/* ---- hardtanh, relu6 */

typedef struct {
    double min_val, max_val;
} hardtanh_options;
static const hone__option hardtanh_table[] = {
    HONE__OPTION(hardtanh_options, min_val, HONE__OPT_FLOAT, .standard = -1),
    HONE__OPTION(hardtanh_options, max_val, HONE__OPT_FLOAT, .standard = 1),
    { NULL },
};

static hone_tensor *hardtanh_of(hone_context *ctx, hone_tensor *x)
{
    const hardtanh_options *o = OF(hardtanh);
    const bool whole =
        !hone_dtype_is_float((hone_dtype)x->dtype); /* limits are cut, as in PyTorch */
    if (o->min_val <= o->max_val)
        return between(x, whole ? trunc(o->min_val) : o->min_val,
                       whole ? trunc(o->max_val) : o->max_val);
    hone_error_set(HONE_E_VALUE, "hardtanh: min_val %g must not be more than max_val %g",
                   o->min_val, o->max_val);
    return NULL;
}

static void hardtanh_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hardtanh_options *o = OF(hardtanh);
    dx[0] = passed(inside(hone_saved(ctx, 0), o->min_val, o->max_val), dy[0]);
}

ACTIVATION_OF(as_number, hardtanh, hardtanh_of(ctx, x), TABLE(hardtanh))

hone_tensor *hone_hardtanh(hone_tensor *x, double min_val, double max_val)
{
    return hone__call(&hone__op_hardtanh, IN(x), &(hardtanh_options){ min_val, max_val });
}

static void relu6_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = passed(inside(hone_saved(ctx, 0), 0, 6), dy[0]);
}

ACTIVATION_OF(as_number, relu6, between(x, 0, 6), .options = NULL)
HONE__ENTRY_X(relu6)

/* ---- hardsigmoid, hardswish */

static void hardsigmoid_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = passed(inside(hone_saved(ctx, 0), -3, 3), hone_div_scalar(dy[0], 6));
}

ACTIVATION(hardsigmoid, hone__formula(HONE__K_FORMULA_HARDSIGMOID, x, 0, 0, 0))

static void hardswish_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0);
    /* what an infinity would make of the slope is not used, and has no gradient of its own */
    hone_tensor *slope = hone_add_scalar(hone_div_scalar(limited(x, -3, 3), 3), 0.5);
    hone_tensor *high = hone_where(hone_ge_scalar(x, 3), dy[0], hone_mul(dy[0], slope));
    dx[0] = passed(hone_eq_scalar(hone_le_scalar(x, -3), 0), high);
}

ACTIVATION(hardswish, hone__formula(HONE__K_FORMULA_HARDSWISH, x, 0, 0, 0))

/* ---- mish: x t, t = tanh(softplus(x)) */

static hone_tensor *gate(hone_tensor *x)
{
    return hone_tanh(hone_softplus(x));
}

static void mish_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *t = gate(x);
    hone_tensor *curve = hone_tanh_backward(hone_mul(x, hone_sigmoid(x)), t);
    dx[0] = hone_mul(dy[0], hone_add(t, curve));
}

ACTIVATION(mish, hone_mul(x, gate(x)))

/* ---- softsign, logsigmoid, tanhshrink */

static hone_tensor *one_and_size(hone_tensor *x)
{
    return hone_add_scalar(hone_abs(x), 1);
}

static void softsign_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_div(dy[0], hone_square(one_and_size(hone_saved(ctx, 0))));
}

ACTIVATION(softsign, hone__formula(HONE__K_FORMULA_SOFTSIGN, x, 0, 0, 0))

static void logsigmoid_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_sigmoid(hone_neg(hone_saved(ctx, 0))));
}

ACTIVATION(logsigmoid, hone_neg(hone_softplus(hone_neg(x))))

static void tanhshrink_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul(dy[0], hone_square(hone_tanh(hone_saved(ctx, 0))));
}

ACTIVATION(tanhshrink, hone_sub(x, hone_tanh(x)))

/* ---- softshrink, hardshrink */

typedef struct {
    double lambd;
} shrink_options;
static const hone__option shrink_table[] = {
    HONE__OPTION(shrink_options, lambd, HONE__OPT_FLOAT, .standard = 0.5),
    { NULL },
};

static hone_tensor *softshrink_of(hone_context *ctx, hone_tensor *x)
{
    const double lambd = OF(shrink)->lambd;
    if (!(lambd >= 0)) {
        hone_error_set(HONE_E_VALUE, "softshrink: lambd is %g, 0 or more is wanted", lambd);
        return NULL;
    }
    hone_tensor *low = hone_where(hone_lt_scalar(x, -lambd), hone_add_scalar(x, lambd),
                                  hone_mul_scalar(x, 0)); /* NaN stays */
    return hone_where(hone_gt_scalar(x, lambd), hone_sub_scalar(x, lambd), low);
}

static void softshrink_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = passed(hone_gt_scalar(hone_abs(hone_saved(ctx, 0)), OF(shrink)->lambd), dy[0]);
}

ACTIVATION_WITH(softshrink, softshrink_of(ctx, x), TABLE(shrink))

static hone_tensor *hardshrink_of(hone_context *ctx, hone_tensor *x)
{
    hone_tensor *small = hone_le_scalar(hone_abs(x), OF(shrink)->lambd);
    return hone_where(small, hone_scalar(hone_dtype_of(x), 0), x);
}

static void hardshrink_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    softshrink_backward(ctx, dy, dx);
}

ACTIVATION_WITH(hardshrink, hardshrink_of(ctx, x), TABLE(shrink))

hone_tensor *hone_softshrink(hone_tensor *x, double lambd)
{
    return hone__call(&hone__op_softshrink, IN(x), &(shrink_options){ lambd });
}

hone_tensor *hone_hardshrink(hone_tensor *x, double lambd)
{
    return hone__call(&hone__op_hardshrink, IN(x), &(shrink_options){ lambd });
}

/* ---- threshold */

typedef struct {
    double threshold, value;
} threshold_options;
static const hone__option threshold_table[] = {
    HONE__OPTION(threshold_options, threshold, HONE__OPT_FLOAT, .required = true),
    HONE__OPTION(threshold_options, value, HONE__OPT_FLOAT, .required = true),
    { NULL },
};

/* Integers stay what they are if the value is whole. */
static hone_tensor *threshold_of(const threshold_options *o, hone_tensor *x)
{
    x = hone_to(x, hone__number_dtype((hone_dtype)x->dtype, o->value));
    if (!x)
        return NULL;
    hone_tensor *value = hone_scalar(hone_dtype_of(x), o->value);
    return hone_where(hone_le_scalar(x, o->threshold), value, x);
}

static void threshold_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *low = hone_le_scalar(hone_saved(ctx, 0), OF(threshold)->threshold);
    dx[0] = hone_where(low, hone_scalar(hone_dtype_of(dy[0]), 0), dy[0]);
}

ACTIVATION_OF(as_number, threshold, threshold_of(OF(threshold), x), TABLE(threshold))

hone_tensor *hone_threshold(hone_tensor *x, double threshold, double value)
{
    return hone__call(&hone__op_threshold, IN(x), &(threshold_options){ threshold, value });
}

/* ---- clamp: in the dtype of x */

typedef struct {
    double min, max;
} clamp_options;
static const hone__option clamp_table[] = {
    HONE__OPTION(clamp_options, min, HONE__OPT_FLOAT, .standard = (double)-INFINITY),
    HONE__OPTION(clamp_options, max, HONE__OPT_FLOAT, .standard = (double)INFINITY),
    { NULL },
};

static bool clamp_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const clamp_options *o = OF(clamp);
    hone_tensor *x = in[0];
    if (x->dtype == HONE_BOOL) {
        hone_error_set(HONE_E_DTYPE, "clamp: %s isn't possible, numbers are wanted",
                       hone__tensor_text(x).s);
        return false;
    }
    if (hone_dtype_is_float((hone_dtype)x->dtype))
        return HONE__SAVE(ctx, x) && hone__give(out, between(x, o->min, o->max));
    hone_tensor *low = o->min == (double)-INFINITY ? x : hone_maximum_scalar(x, o->min);
    hone_tensor *y = o->max == (double)INFINITY ? low : hone_minimum_scalar(low, o->max);
    return HONE__SAVE(ctx, x) && hone__give(out, y == x ? hone_clone(x) : y);
}

static void clamp_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const clamp_options *o = OF(clamp);
    hone_tensor *x = hone_saved(ctx, 0);
    dx[0] = passed(both(hone_ge_scalar(x, o->min), hone_le_scalar(x, o->max)), dy[0]);
}

const hone__op hone__op_clamp = {
    .name = "clamp",
    .forward = clamp_forward,
    .backward = clamp_backward,
    .in = { { "x" } },
    TABLE(clamp),
};

hone_tensor *hone_clamp(hone_tensor *x, double min, double max)
{
    return hone__call(&hone__op_clamp, IN(x), &(clamp_options){ min, max });
}

/* ---- glu, softmin: their parts record themselves */

static const hone__option last_dim_table[] = {
    HONE__OPTION(hone__dim_options, dim, HONE__OPT_INT, .standard = -1),
    { NULL },
};

static bool glu_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = hone__as_float(in[0]);
    const int dim = x ? hone__take_dim(ctx, x) : -1;
    if (dim < 0)
        return false;
    const int64_t extent = x->ndim ? x->shape[dim] : 1;
    if (extent % 2) {
        hone_error_set(HONE_E_SHAPE, "glu: dim %d of x %s has an odd extent, two halves are wanted",
                       dim, hone__tensor_text(x).s);
        return false;
    }
    hone_tensor *b = hone_slice(x, dim, extent / 2, extent, 1);
    return hone__give(out, hone_mul(hone_slice(x, dim, 0, extent / 2, 1), hone_sigmoid(b)));
}

static bool softmin_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = hone__as_float(in[0]);
    const int dim = x ? hone__take_dim(ctx, x) : -1;
    return dim >= 0 && hone__give(out, hone_softmax(hone_neg(x), dim));
}

#define COMPOSITE(op, table)                                                                       \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "x" } },                                                                         \
        .options = table,                                                                          \
        .options_bytes = sizeof(hone__dim_options),                                                \
        .composite = true,                                                                         \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *x, int dim)                                                \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(x), &(hone__dim_options){ dim });                     \
    }
COMPOSITE(glu, last_dim_table)
COMPOSITE(softmin, hone__dim_table)
