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

/* Where 1 / a is not finite and b is 0 the formula is 0 * inf: the gradient is 0 there, so the
 * exponent is replaced where it is harmful, and so is the logarithm's argument. This way second
 * derivatives stay finite too, as they wouldn't if the product's NaN were masked out afterwards. */
static hone_tensor *pow_grad_base(hone_context *ctx, hone_tensor *dy)
{
    const hone_dtype dtype = hone_dtype_of(dy);
    const double inverted_to_inf = dtype == HONE_F32 ? 0x1p-128 : 0x1p-1024; /* and all below */
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 1);
    if (b && !hone_dtype_is_float((hone_dtype)b->dtype))
        b = hone_to(b, dtype); /* u8 has nothing below 0 */
    hone_tensor *good = hone_gt_scalar(hone_abs(hone_to(a, dtype)), inverted_to_inf);
    hone_tensor *less = hone_sub_scalar(b, 1), *safe = hone_add(good, hone_ne_scalar(b, 0));
    hone_tensor *exponent = hone_where(safe, less, less ? zero_like(less) : NULL);
    return hone_mul(dy, hone_mul(b, hone_pow(a, exponent)));
}

static hone_tensor *pow_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    if (input == 0)
        return pow_grad_base(ctx, dy);
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 1);
    hone_tensor *harmful = hone_mul(hone_eq_scalar(a, 0), hone_ge_scalar(b, 0));
    hone_tensor *base = hone_to(a, (hone_dtype)dy->dtype); /* integers may be raised to reals */
    base = hone_where(harmful, base ? hone_scalar((hone_dtype)base->dtype, 1) : NULL, base);
    return hone_mul(dy, hone_mul(hone_saved(ctx, 2), hone_log(base)));
}

const hone__op hone__op_pow = { .name = "pow",
                                .forward = pow_forward,
                                .grad = { pow_grad, pow_grad } };

/* Exponents with a faster way. */
static hone__elementwise_kernel simple_power(double s, hone_dtype dtype)
{
    static const struct {
        double s;
        int k;
        double ns;
    } powers[] = {
        { 2, HONE__K_SQUARE, HONE__NS_MOVE },
        { 3, HONE__K_POW_3, HONE__NS_MOVE },
        { 4, HONE__K_POW_4, HONE__NS_MOVE },
        { -1, HONE__K_RECIPROCAL, HONE__NS_MATH },
        { -2, HONE__K_POW_MINUS_2, HONE__NS_MATH },
        { 0.5, HONE__K_POW_HALF, HONE__NS_MATH },
        { 1.5, HONE__K_POW_3_HALVES, HONE__NS_MATH },
        { -0.5, HONE__K_POW_MINUS_HALF, HONE__NS_MATH },
    };
    if (s == 1)
        return (hone__elementwise_kernel){ .arity = HONE__UNARY,
                                           .fn.unary = hone__k->copy[dtype],
                                           .past.unary = hone__k->copy_past[dtype],
                                           .reads = { dtype },
                                           .ns = HONE__NS_MOVE };
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++)
        if (powers[i].s == s)
            return hone__unary_kernel(powers[i].k, dtype, powers[i].ns);
    return (hone__elementwise_kernel){ .fn.unary = NULL };
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
    if (!HONE__SAVE(ctx, x))
        return NULL;
    const hone__elementwise_kernel simple = simple_power(s, dtype);
    if (s != 0 && !simple.fn.unary)
        return run_number(ctx, x, HONE__K_POW, dtype);
    hone_tensor *out = hone__out(ctx, dtype, x->ndim, x->shape);
    if (out && s == 0) {
        hone__fill_elements(out, 1);
        return out;
    }
    return out && hone__elementwise(&simple, out, &(hone__operand){ .t = x }) ? out : NULL;
}

/* x^s for a gradient, made of faster powers where there is a way. */
static hone_tensor *gradient_power(hone_tensor *x, double s)
{
    if (s == -3)
        return hone_mul(hone_pow_scalar(x, -2), hone_pow_scalar(x, -1));
    return s == -1.5 ? hone_pow_scalar(hone_pow_scalar(x, -0.5), 3) : hone_pow_scalar(x, s);
}

static hone_tensor *pow_scalar_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    double s = hone__call_args(ctx)->s[0];
    if (hone_dtype_of(dy) == HONE_F32)
        s = (double)(float)s; /* as the forward took it: it may be 0 */
    if (s == 0)
        return hone_zeros_like(dy);
    return hone_mul(dy, hone_mul_scalar(gradient_power(hone_saved(ctx, 0), s - 1), s));
}

const hone__op hone__op_pow_scalar = { .name = "pow_scalar",
                                       .forward = pow_scalar_forward,
                                       .grad = { pow_scalar_grad } };

/* ---- maximum, minimum: NaN wins, of +0 and -0 the first operand; dy to the chosen one, half each
 * where equal */

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
