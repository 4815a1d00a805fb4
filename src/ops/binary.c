/* binary.c: arithmetic of two tensors with broadcasting, and of a tensor and a number. */
#include "core/access.h"
#include "ops/elementwise.h"
#include "ops/op.h"

#include <math.h>

/* ---- what all of them share */

static double cost_of(int k)
{
    return k == HONE__K_POW ? HONE__NS_POW : HONE__NS_MOVE;
}

static hone_tensor *run(hone_context *ctx, int k, hone_dtype dtype, const hone__shape *shape,
                        const hone__operand *operands)
{
    const hone__elementwise_kernel kernel = hone__binary_kernel(k, dtype, cost_of(k));
    HONE_ASSERT(kernel.fn.binary); /* sub and pow have refused bool */
    hone_tensor *out = hone__out(ctx, dtype, shape->ndim, shape->shape);
    return out && hone__elementwise(&kernel, out, operands) ? out : NULL;
}

static hone_tensor *run_tensors(hone_context *ctx, hone_tensor *const *in, int k, hone_dtype dtype)
{
    hone__shape shape;
    if (!hone__broadcast(hone__call_name(ctx), in, 2, &shape))
        return NULL;
    return run(ctx, k, dtype, &shape, (hone__operand[]){ { .t = in[0] }, { .t = in[1] } });
}

static hone__shape shape_of(const hone_tensor *x)
{
    hone__shape shape = { .ndim = x->ndim };
    for (int d = 0; d < x->ndim; d++)
        shape.shape[d] = x->shape[d];
    return shape;
}

static hone_tensor *run_number(hone_context *ctx, hone_tensor *x, int k, hone_dtype dtype)
{
    const hone__shape shape = shape_of(x);
    const double s = hone__call_args(ctx)->s[0];
    return run(ctx, k, dtype, &shape, (hone__operand[]){ { .t = x }, { .number = s } });
}

static hone_dtype number_dtype(hone_context *ctx, const hone_tensor *x)
{
    return hone__number_dtype((hone_dtype)x->dtype, hone__call_args(ctx)->s[0]);
}

static hone_dtype at_least_float(hone_dtype dtype)
{
    return hone_dtype_is_float(dtype) ? dtype : HONE_F32;
}

/* Keeps a for b's gradient and b for a's: what nobody asks for may be changed in place later. */
static bool save_for_each_other(hone_context *ctx, hone_tensor *const *in)
{
    return HONE__SAVE(ctx, hone_needs_input_grad(ctx, 1) ? in[0] : HONE_NONE,
                      hone_needs_input_grad(ctx, 0) ? in[1] : HONE_NONE);
}

static bool save_both(hone_context *ctx, hone_tensor *const *in)
{
    return HONE__SAVE(ctx, in[0], in[1]);
}

static hone_tensor *grad_same(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)ctx, (void)input;
    return dy;
}

static hone_tensor *zero_like(const hone_tensor *t)
{
    return hone_scalar((hone_dtype)t->dtype, 0);
}

static hone_tensor *half(hone_tensor *dy)
{
    return hone_mul_scalar(dy, 0.5);
}

/* ---- add: a + b (bool: or) */

static hone_tensor *add_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    return run_tensors(ctx, in, HONE__K_ADD, hone__result_dtype(in, n_in));
}

const hone__op hone__op_add = { .name = "add",
                                .forward = add_forward,
                                .grad = { grad_same, grad_same } };

static hone_tensor *add_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return run_number(ctx, in[0], HONE__K_ADD, number_dtype(ctx, in[0]));
}

const hone__op hone__op_add_scalar = { .name = "add_scalar",
                                       .forward = add_scalar_forward,
                                       .grad = { grad_same } };

/* ---- sub: a - b, not with bool (what it should mean is not clear, PyTorch refuses it too) */

static bool no_bool(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    for (int i = 0; i < n_in; i++) {
        if (in[i]->dtype != HONE_BOOL)
            continue;
        hone_error_set(HONE_E_DTYPE, "%s: operand %d is %s, and bool can't be subtracted",
                       hone__call_name(ctx), i, hone__tensor_text(in[i]).s);
        return false;
    }
    return true;
}

static hone_tensor *sub_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    /* PyTorch refuses one bool operand as well as two */
    return no_bool(ctx, in, n_in) ? run_tensors(ctx, in, HONE__K_SUB, hone__result_dtype(in, n_in))
                                  : NULL;
}

static hone_tensor *sub_grad_b(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)ctx, (void)input;
    return hone_neg(dy);
}

const hone__op hone__op_sub = { .name = "sub",
                                .forward = sub_forward,
                                .grad = { grad_same, sub_grad_b } };

static hone_tensor *sub_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    return no_bool(ctx, in, n_in) ? run_number(ctx, in[0], HONE__K_SUB, number_dtype(ctx, in[0]))
                                  : NULL;
}

const hone__op hone__op_sub_scalar = { .name = "sub_scalar",
                                       .forward = sub_scalar_forward,
                                       .grad = { grad_same } };

/* ---- mul: a * b (bool: and); da = dy b, db = dy a */

static hone_tensor *mul_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    return save_for_each_other(ctx, in)
               ? run_tensors(ctx, in, HONE__K_MUL, hone__result_dtype(in, n_in))
               : NULL;
}

static hone_tensor *mul_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    return hone_mul(dy, hone_saved(ctx, 1 - input));
}

const hone__op hone__op_mul = { .name = "mul",
                                .forward = mul_forward,
                                .grad = { mul_grad, mul_grad } };

static hone_tensor *mul_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return run_number(ctx, in[0], HONE__K_MUL, number_dtype(ctx, in[0]));
}

static hone_tensor *mul_scalar_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    return hone_mul_scalar(dy, hone__call_args(ctx)->s[0]);
}

const hone__op hone__op_mul_scalar = { .name = "mul_scalar",
                                       .forward = mul_scalar_forward,
                                       .grad = { mul_scalar_grad } };

/* ---- div: a / b, integers in f32; da = dy / b, db = -dy (a / b) / b */

static hone_tensor *div_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    hone_tensor *a = hone_needs_input_grad(ctx, 1) ? in[0] : HONE_NONE;
    return HONE__SAVE(ctx, a, in[1])
               ? run_tensors(ctx, in, HONE__K_DIV, at_least_float(hone__result_dtype(in, n_in)))
               : NULL;
}

static hone_tensor *div_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    hone_tensor *b = hone_saved(ctx, 1);
    if (input == 0)
        return hone_div(dy, b);
    return hone_neg(hone_mul(dy, hone_div(hone_div(hone_saved(ctx, 0), b), b)));
}

const hone__op hone__op_div = { .name = "div",
                                .forward = div_forward,
                                .grad = { div_grad, div_grad } };

static hone_tensor *div_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return run_number(ctx, in[0], HONE__K_DIV, at_least_float((hone_dtype)in[0]->dtype));
}

static hone_tensor *div_scalar_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    return hone_div_scalar(dy, hone__call_args(ctx)->s[0]);
}

const hone__op hone__op_div_scalar = { .name = "div_scalar",
                                       .forward = div_scalar_forward,
                                       .grad = { div_scalar_grad } };

/* ---- pow: a^b; da = dy b a^(b-1), db = dy a^b log a */

static bool row_not_negative(void *user, const char *row, int64_t n, int64_t stride)
{
    const hone_dtype dtype = (hone_dtype) * (const uint8_t *)user;
    const int64_t step = stride * (int64_t)hone_dtype_size(dtype);
    for (int64_t i = 0; i < n; i++)
        if (hone__element_i64(dtype, row + i * step) < 0)
            return false;
    return true;
}

static bool exponents_allowed(hone_context *ctx, hone_dtype dtype, hone_tensor *b)
{
    if (dtype == HONE_BOOL) {
        hone_error_set(HONE_E_DTYPE, "%s: two bool operands, a number is wanted",
                       hone__call_name(ctx));
        return false;
    }
    if (hone_dtype_is_float(dtype) || hone__visit_rows(b, row_not_negative, &b->dtype))
        return true;
    hone_error_set(HONE_E_VALUE,
                   "%s: integers to negative integer powers are no integers; convert to f32 first",
                   hone__call_name(ctx));
    return false;
}

static hone_tensor *pow_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    const hone_dtype dtype = hone__result_dtype(in, n_in);
    if (!exponents_allowed(ctx, dtype, in[1]) || !save_both(ctx, in))
        return NULL;
    hone_tensor *out = run_tensors(ctx, in, HONE__K_POW, dtype);
    if (out && hone_needs_input_grad(ctx, 1) && !HONE__SAVE(ctx, out))
        return NULL;
    return out;
}

/* At a = 0, b = 0 the limits would be 0 * inf: both gradients are 0 there, so the exponent, and the
 * argument of the logarithm, are replaced where they are harmful. This way second derivatives stay
 * finite too, as they wouldn't if the product's NaN were masked out afterwards. */
static hone_tensor *pow_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 1);
    hone_tensor *zero_base = hone_eq_scalar(a, 0);
    if (input == 0) {
        if (b && !hone_dtype_is_float((hone_dtype)b->dtype))
            b = hone_to(b, (hone_dtype)dy->dtype); /* u8 has nothing below 0 */
        hone_tensor *both = hone_mul(zero_base, hone_eq_scalar(b, 0));
        hone_tensor *less = hone_sub_scalar(b, 1);
        hone_tensor *exponent = hone_where(both, less ? zero_like(less) : NULL, less);
        return hone_mul(dy, hone_mul(b, hone_pow(a, exponent)));
    }
    hone_tensor *harmful = hone_mul(zero_base, hone_ge_scalar(b, 0));
    hone_tensor *base = hone_to(a, (hone_dtype)dy->dtype); /* integers may be raised to reals */
    base = hone_where(harmful, base ? hone_scalar((hone_dtype)base->dtype, 1) : NULL, base);
    return hone_mul(dy, hone_mul(hone_saved(ctx, 2), hone_log(base)));
}

const hone__op hone__op_pow = { .name = "pow",
                                .forward = pow_forward,
                                .grad = { pow_grad, pow_grad } };

/* Exponents with an exact and faster way, PyTorch's too: 2, 1, 0.5, -1. */
static hone__unary_fn simple_power(double s, hone_dtype dtype)
{
    if (s == 2)
        return hone__k->unary[HONE__K_SQUARE][dtype];
    if (s == 1)
        return hone__k->copy[dtype];
    if (s == 0.5)
        return hone__k->unary[HONE__K_SQRT][dtype];
    return s == -1 ? hone__k->unary[HONE__K_RECIPROCAL][dtype] : NULL;
}

static hone_tensor *pow_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    hone_tensor *x = in[0];
    const hone_dtype dtype = number_dtype(ctx, x);
    const double s = hone__call_args(ctx)->s[0];
    if (!hone_dtype_is_float(dtype) && s < 0) {
        hone_error_set(HONE_E_VALUE, "%s: %s to the power %g is no integer; convert to f32 first",
                       hone__call_name(ctx), hone__tensor_text(x).s, s);
        return NULL;
    }
    if (!hone__number_fits(hone__call_name(ctx), dtype, s))
        return NULL;
    const hone__elementwise_kernel simple = { .arity = HONE__UNARY,
                                              .fn.unary = simple_power(s, dtype),
                                              .reads = { dtype },
                                              .ns = HONE__NS_MOVE };
    if (!HONE__SAVE(ctx, x))
        return NULL;
    if (!simple.fn.unary)
        return run_number(ctx, x, HONE__K_POW, dtype);
    hone_tensor *out = hone__out(ctx, dtype, x->ndim, x->shape);
    return out && hone__elementwise(&simple, out, &(hone__operand){ .t = x }) ? out : NULL;
}

static hone_tensor *pow_scalar_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    const double s = hone__call_args(ctx)->s[0];
    if (s == 0)
        return hone_zeros_like(dy);
    return hone_mul(dy, hone_mul_scalar(hone_pow_scalar(hone_saved(ctx, 0), s - 1), s));
}

const hone__op hone__op_pow_scalar = { .name = "pow_scalar",
                                       .forward = pow_scalar_forward,
                                       .grad = { pow_scalar_grad } };

/* ---- maximum, minimum: NaN wins; dy to the chosen one, half each where equal */

static hone_tensor *maximum_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    return save_both(ctx, in) ? run_tensors(ctx, in, HONE__K_MAXIMUM, hone__result_dtype(in, n_in))
                              : NULL;
}

static hone_tensor *minimum_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    return save_both(ctx, in) ? run_tensors(ctx, in, HONE__K_MINIMUM, hone__result_dtype(in, n_in))
                              : NULL;
}

/* dy, halved where equal, 0 where this input lost. */
static hone_tensor *chosen(hone_tensor *dy, hone_tensor *lost, hone_tensor *equal)
{
    return hone_where(lost, zero_like(dy), hone_where(equal, half(dy), dy));
}

static hone_tensor *maximum_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    hone_tensor *own = hone_saved(ctx, input), *other = hone_saved(ctx, 1 - input);
    return chosen(dy, hone_lt(own, other), hone_eq(own, other));
}

static hone_tensor *minimum_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    hone_tensor *own = hone_saved(ctx, input), *other = hone_saved(ctx, 1 - input);
    return chosen(dy, hone_gt(own, other), hone_eq(own, other));
}

const hone__op hone__op_maximum = { .name = "maximum",
                                    .forward = maximum_forward,
                                    .grad = { maximum_grad, maximum_grad } };
const hone__op hone__op_minimum = { .name = "minimum",
                                    .forward = minimum_forward,
                                    .grad = { minimum_grad, minimum_grad } };

/* Of x and a number: beside one that is past the dtype's end on the losing side x stays as it is;
 * on the other side the result would be that number. */
static hone_tensor *extreme_number(hone_context *ctx, hone_tensor *x, int k, int losing_side)
{
    const hone_dtype dtype = number_dtype(ctx, x);
    const double s = hone__call_args(ctx)->s[0];
    if (!HONE__SAVE(ctx, x))
        return NULL;
    if (hone__number_side(dtype, s) == losing_side) {
        const hone__shape shape = shape_of(x);
        return run(ctx, k, dtype, &shape, (hone__operand[]){ { .t = x }, { .t = x } });
    }
    return hone__number_fits(hone__call_name(ctx), dtype, s) ? run_number(ctx, x, k, dtype) : NULL;
}

static hone_tensor *maximum_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return extreme_number(ctx, in[0], HONE__K_MAXIMUM, -1);
}

static hone_tensor *minimum_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return extreme_number(ctx, in[0], HONE__K_MINIMUM, 1);
}

static hone_tensor *maximum_scalar_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    hone_tensor *x = hone_saved(ctx, 0);
    const double s = hone__call_args(ctx)->s[0];
    return chosen(dy, hone_lt_scalar(x, s), hone_eq_scalar(x, s));
}

static hone_tensor *minimum_scalar_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    hone_tensor *x = hone_saved(ctx, 0);
    const double s = hone__call_args(ctx)->s[0];
    return chosen(dy, hone_gt_scalar(x, s), hone_eq_scalar(x, s));
}

const hone__op hone__op_maximum_scalar = { .name = "maximum_scalar",
                                           .forward = maximum_scalar_forward,
                                           .grad = { maximum_scalar_grad } };
const hone__op hone__op_minimum_scalar = { .name = "minimum_scalar",
                                           .forward = minimum_scalar_forward,
                                           .grad = { minimum_scalar_grad } };
