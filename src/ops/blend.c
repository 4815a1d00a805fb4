/* blend.c: addcmul, addcdiv, lerp, add_alpha, sub_alpha: sums of products of three, of floats in one pass where a
 * formula of kernels.def says them. */
#include "loops/elementwise.h"
#include "ops/common.h"

#include <math.h>

/* A kernel of two or three operands, whose dtype is that of the result, into output 0. */
static bool into(hone_context *ctx, hone__elementwise_kernel kernel, const hone__operand *operands,
                 const hone__shape *shape, hone_tensor **out)
{
    out[0] = hone__out_along(ctx, kernel.reads[1], shape->ndim, shape->shape);
    return out[0] && hone__elementwise(&kernel, out[0], operands);
}

/* ---- addcmul, addcdiv: input + value tensor1 tensor2, and value tensor1 / tensor2 */

typedef struct {
    double value;
} value_options;

static const hone__option value_table[] = {
    HONE__OPTION(value_options, value, HONE__OPT_FLOAT, .standard = 1),
    { NULL },
};

static hone_tensor *times(hone_tensor *t, double value)
{
    return value == 1 ? t : hone_mul_scalar(t, value);
}

static bool addc_forward(hone_context *ctx, hone_tensor *const *in, bool divides, hone_tensor **out)
{
    const double value = ((const value_options *)hone__options(ctx))->value;
    const hone_dtype dtype = hone__result_dtype(in, 3);
    hone__shape shape;
    if (dtype == HONE_BOOL || (divides && !hone_dtype_is_float(dtype))) {
        hone_error_set(HONE_E_DTYPE, "%s: %s are wanted, got %s, %s and %s", hone__call_name(ctx),
                       divides ? "floats" : "numbers", hone__tensor_text(in[0]).s,
                       hone__tensor_text(in[1]).s, hone__tensor_text(in[2]).s);
        return false;
    }
    if (!hone_dtype_is_float(dtype) && hone__number_dtype(dtype, value) != dtype) {
        hone_error_set(HONE_E_VALUE, "%s: the value %g is no whole number, as %s needs",
                       hone__call_name(ctx), value, hone_dtype_name(dtype));
        return false;
    }
    if (!hone__broadcast(hone__call_name(ctx), in, 3, &shape) || !HONE__SAVE(ctx, in[1], in[2]))
        return false;
    if (hone_dtype_is_float(dtype)) {
        const double numbers[HONE__FORMULA_NUMBERS] = { value };
        const int k = divides ? HONE__K_FORMULA_ADDCDIV : HONE__K_FORMULA_ADDCMUL;
        return into(ctx, hone__formula_kernel(k, dtype, numbers),
                    (hone__operand[]){ { .t = in[0] }, { .t = in[1] }, { .t = in[2] } }, &shape,
                    out);
    }
    hone_tensor *part = hone_mul(times(hone_to(in[1], dtype), value), hone_to(in[2], dtype));
    return part && into(ctx, hone__binary_kernel(HONE__K_ADD, dtype),
                        (hone__operand[]){ { .t = in[0] }, { .t = part } }, &shape, out);
}

static bool addcmul_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return addc_forward(ctx, in, false, out);
}

static bool addcdiv_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return addc_forward(ctx, in, true, out);
}

static void addcmul_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const double value = ((const value_options *)hone__options(ctx))->value;
    dx[0] = dy[0];
    for (int i = 1; i < 3; i++)
        if (hone_needs_input_grad(ctx, i))
            dx[i] = times(hone_mul(dy[0], hone_saved(ctx, 2 - i)), value);
}

static void addcdiv_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const double value = ((const value_options *)hone__options(ctx))->value;
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 1);
    dx[0] = dy[0];
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = times(hone_div(dy[0], b), value);
    if (hone_needs_input_grad(ctx, 2))
        dx[2] = times(hone_mul(dy[0], hone_div(hone_div(a, b), b)), -value);
}

#define ADDC(op)                                                                                   \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = op##_backward,                                                                 \
        .in = { { "input" }, { "tensor1" }, { "tensor2" } },                                       \
        .options = value_table,                                                                    \
        .options_bytes = sizeof(value_options),                                                    \
        .forms = HONE__BOTH,                                                                       \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *input, hone_tensor *tensor1, hone_tensor *tensor2,         \
                           double value)                                                           \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(input, tensor1, tensor2), &(value_options){ value }); \
    }                                                                                              \
    hone_tensor *hone_##op##_(hone_tensor *input, hone_tensor *tensor1, hone_tensor *tensor2,      \
                              double value)                                                        \
    {                                                                                              \
        return hone__call_(&hone__op_##op, IN(input, tensor1, tensor2),                            \
                           &(value_options){ value });                                             \
    }
ADDC(addcmul)
ADDC(addcdiv)

/* ---- lerp: start + weight (end - start), from the end it is nearer to, so that 0 and 1 are exact */

static bool suits_lerp(hone_context *ctx, hone_tensor *const *in, int n_in, hone__shape *shape)
{
    bool fits = hone_dtype_is_float((hone_dtype)in[0]->dtype);
    for (int i = 1; i < n_in; i++)
        fits = fits && in[i]->dtype == in[0]->dtype;
    if (!fits) {
        hone_error_set(HONE_E_DTYPE,
                       "%s: start, end and weight must all be f32 or all f64, got %s, "
                       "%s, %s",
                       hone__call_name(ctx), hone__tensor_text(in[0]).s, hone__tensor_text(in[1]).s,
                       n_in > 2 ? hone__tensor_text(in[2]).s : "a number");
        return false;
    }
    return hone__broadcast(hone__call_name(ctx), in, n_in, shape);
}

static hone_tensor *one_minus(hone_tensor *t)
{
    return hone_add_scalar(hone_neg(t), 1);
}

static bool lerp_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__shape shape;
    hone_tensor *start = in[0], *end = in[1], *weight = in[2];
    if (!suits_lerp(ctx, in, n_in, &shape) || !HONE__SAVE(ctx, start, end, weight))
        return false;
    hone_tensor *way = hone_sub(end, start), *near = hone_lt_scalar(hone_abs(weight), 0.5);
    hone_tensor *low = hone_add(start, hone_mul(weight, way));
    hone_tensor *high = hone_sub(end, hone_mul(way, one_minus(weight)));
    if (!near || !low || !high)
        return false;
    const hone__elementwise_kernel kernel = hone__where_kernel((hone_dtype)start->dtype);
    return into(ctx, kernel, (hone__operand[]){ { .t = near }, { .t = low }, { .t = high } },
                &shape, out);
}

static void lerp_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *weight = hone_saved(ctx, 2);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_mul(dy[0], one_minus(weight));
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_mul(dy[0], weight);
    if (hone_needs_input_grad(ctx, 2))
        dx[2] = hone_mul(dy[0], hone_sub(hone_saved(ctx, 1), hone_saved(ctx, 0)));
}

const hone__op hone__op_lerp = {
    .name = "lerp",
    .forward = lerp_forward,
    .backward = lerp_backward,
    .in = { { "start" }, { "end" }, { "weight" } },
    .forms = HONE__BOTH,
};
HONE__ENTRY_XXX(lerp, start, end, weight)

hone_tensor *hone_lerp_(hone_tensor *start, hone_tensor *end, hone_tensor *weight)
{
    return hone__call_(&hone__op_lerp, IN(start, end, weight), NULL);
}

/* 1 - s, in the dtype. */
static double rest_of(hone_dtype dtype, double s)
{
    return dtype == HONE_F32 ? (double)(1.0f - (float)s) : 1 - s;
}

static bool lerp_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                hone_tensor **out)
{
    hone__shape shape;
    const double s = hone__number_of(ctx);
    if (!suits_lerp(ctx, in, n_in, &shape))
        return false;
    const hone_dtype dtype = (hone_dtype)in[0]->dtype;
    const bool near = fabs(s) < 0.5;
    const double numbers[HONE__FORMULA_NUMBERS] = { near ? s : rest_of(dtype, s) };
    const int k = near ? HONE__K_FORMULA_LERP : HONE__K_FORMULA_LERP_BACK;
    return into(ctx, hone__formula_kernel(k, dtype, numbers),
                (hone__operand[]){ { .t = in[0] }, { .t = in[1] } }, &shape, out);
}

static void lerp_scalar_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const double s = hone__number_of(ctx);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_mul_scalar(dy[0], rest_of(hone_dtype_of(dy[0]), s));
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_mul_scalar(dy[0], s);
}

const hone__op hone__op_lerp_scalar = {
    .name = "lerp_scalar",
    .forward = lerp_scalar_forward,
    .backward = lerp_scalar_backward,
    .in = { { "start" }, { "end" } },
    .options = hone__number_table,
    .options_bytes = sizeof(hone__number_options),
    .forms = HONE__BOTH,
};

hone_tensor *hone_lerp_scalar(hone_tensor *start, hone_tensor *end, double s)
{
    return hone__call(&hone__op_lerp_scalar, IN(start, end), &(hone__number_options){ s });
}

hone_tensor *hone_lerp_scalar_(hone_tensor *start, hone_tensor *end, double s)
{
    return hone__call_(&hone__op_lerp_scalar, IN(start, end), &(hone__number_options){ s });
}

/* ---- add_alpha, sub_alpha: a + alpha b, a - alpha b, whose parts record themselves */

typedef struct {
    double alpha;
} alpha_options;

static const hone__option alpha_table[] = {
    HONE__OPTION(alpha_options, alpha, HONE__OPT_FLOAT, .required = true),
    { NULL },
};

/* alpha b in b's dtype; NULL: alpha would be cut. */
static hone_tensor *scaled(hone_context *ctx, hone_tensor *const *in)
{
    const double alpha = ((const alpha_options *)hone__options(ctx))->alpha;
    const hone_dtype dtype = hone__result_dtype(in, 2);
    if (!hone_dtype_is_float(dtype) && hone__number_dtype(dtype, alpha) != dtype &&
        !(dtype == HONE_BOOL && (alpha == 0 || alpha == 1))) {
        hone_error_set(HONE_E_VALUE, "%s: alpha %g is no number of %s", hone__call_name(ctx), alpha,
                       hone_dtype_name(dtype));
        return NULL;
    }
    if (dtype == HONE_BOOL)
        return alpha == 0 ? hone_zeros_like(in[1]) : in[1];
    return times(hone__expanded_to(hone_to(in[1], dtype), in[0]), alpha);
}

static bool add_alpha_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, hone_add(in[0], scaled(ctx, in)));
}

static bool sub_alpha_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, hone_sub(in[0], scaled(ctx, in)));
}

#define ALPHA(op)                                                                                  \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "a" }, { "b" } },                                                                \
        .options = alpha_table,                                                                    \
        .options_bytes = sizeof(alpha_options),                                                    \
        .composite = true,                                                                         \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *a, hone_tensor *b, double alpha)                           \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(a, b), &(alpha_options){ alpha });                    \
    }
ALPHA(add_alpha)
ALPHA(sub_alpha)
