/* binary.c: arithmetic of two tensors with broadcasting, and of a tensor and a number. */
#include "core/access.h"
#include "loops/elementwise.h"
#include "ops/common.h"

#include <math.h>

/* ---- what all of them share. Beside bf16 and f16 a number is rounded to that first, as PyTorch does it,
 * but where it is a factor or a divisor. */

static inline hone_tensor *run(hone_context *ctx, int k, hone_dtype dtype, int ndim,
                               const int64_t *shape, const hone__operand *operands)
{
    const hone__elementwise_kernel kernel = hone__binary_kernel(k, dtype);
    HONE_ASSERT(kernel.fn.binary); /* sub and pow have refused bool */
    hone_tensor *out = hone__out_along(ctx, dtype, ndim, shape);
    return out && hone__elementwise(&kernel, out, operands) ? out : NULL;
}

static hone_tensor *run_tensors(hone_context *ctx, hone_tensor *const *in, int k, hone_dtype dtype)
{
    const hone__operand operands[] = { { .t = in[0] }, { .t = in[1] } };
    int ndim = in[0]->ndim;
    const int64_t *extents = in[0]->shape;
    hone__shape shape;
    if (!hone__same_shape(in[0], in[1])) {
        if (!hone__broadcast(hone__call_name(ctx), in, 2, &shape))
            return NULL;
        ndim = shape.ndim;
        extents = shape.shape;
    }
    return run(ctx, k, dtype, ndim, extents, operands);
}

static hone_tensor *run_number(hone_context *ctx, hone_tensor *x, int k, hone_dtype dtype)
{
    double s = hone__number_of(ctx);
    if (hone__is_half(dtype) && k != HONE__K_MUL && k != HONE__K_DIV)
        s = hone__rounded_number(dtype, s);
    return run(ctx, k, dtype, x->ndim, x->shape, (hone__operand[]){ { .t = x }, { .number = s } });
}

static hone_dtype number_dtype(hone_context *ctx, const hone_tensor *x)
{
    return hone__number_dtype((hone_dtype)x->dtype, hone__number_of(ctx));
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

/* One gradient for both, or for the one there is. */
static void same_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    for (int i = 0; i < hone__input_count(ctx); i++)
        dx[i] = dy[0];
}

/* The blocks of <op> and <op>_scalar, whose forwards stand above them. */
#define BINARY_OP(op, backward_, forms_)                                                           \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = backward_,                                                                     \
        .in = { { "a" }, { "b" } },                                                                \
        .forms = forms_,                                                                           \
    };                                                                                             \
    HONE__ENTRY_XX(op, a, b)
#define SCALAR_OP(op, backward_, forms_)                                                           \
    const hone__op hone__op_##op##_scalar = {                                                      \
        .name = #op "_scalar",                                                                     \
        .forward = op##_scalar_forward,                                                            \
        .backward = backward_,                                                                     \
        .in = { { "x" } },                                                                         \
        .options = hone__number_table,                                                             \
        .options_bytes = sizeof(hone__number_options),                                             \
        .forms = forms_,                                                                           \
    };                                                                                             \
    HONE__ENTRY_XS(op##_scalar)

static hone_tensor *zero_like(const hone_tensor *t)
{
    return hone_scalar((hone_dtype)t->dtype, 0);
}

static hone_tensor *half(hone_tensor *dy)
{
    return hone_mul_scalar(dy, 0.5);
}

/* ---- add: a + b (bool: or) */

static bool add_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    return hone__give(out, run_tensors(ctx, in, HONE__K_ADD, hone__result_dtype(in, n_in)));
}

BINARY_OP(add, same_backward, HONE__BOTH)
HONE__ENTRY_XX_(add, a, b)

static bool add_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, run_number(ctx, in[0], HONE__K_ADD, number_dtype(ctx, in[0])));
}

SCALAR_OP(add, same_backward, HONE__BOTH)
HONE__ENTRY_XS_(add_scalar)

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

static bool sub_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    /* PyTorch refuses one bool operand as well as two */
    return no_bool(ctx, in, n_in) &&
           hone__give(out, run_tensors(ctx, in, HONE__K_SUB, hone__result_dtype(in, n_in)));
}

static void sub_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = dy[0];
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_neg(dy[0]);
}

BINARY_OP(sub, sub_backward, HONE__BOTH)
HONE__ENTRY_XX_(sub, a, b)

static bool sub_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    return no_bool(ctx, in, n_in) &&
           hone__give(out, run_number(ctx, in[0], HONE__K_SUB, number_dtype(ctx, in[0])));
}

SCALAR_OP(sub, same_backward, HONE__BOTH)
HONE__ENTRY_XS_(sub_scalar)

/* ---- mul: a * b (bool: and); da = dy b, db = dy a */

static bool mul_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    return save_for_each_other(ctx, in) &&
           hone__give(out, run_tensors(ctx, in, HONE__K_MUL, hone__result_dtype(in, n_in)));
}

static void mul_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    for (int i = 0; i < 2; i++)
        if (hone_needs_input_grad(ctx, i))
            dx[i] = hone_mul(dy[0], hone_saved(ctx, 1 - i));
}

BINARY_OP(mul, mul_backward, HONE__BOTH)
HONE__ENTRY_XX_(mul, a, b)

static bool mul_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, run_number(ctx, in[0], HONE__K_MUL, number_dtype(ctx, in[0])));
}

static void mul_scalar_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_mul_scalar(dy[0], hone__number_of(ctx));
}

SCALAR_OP(mul, mul_scalar_backward, HONE__BOTH)
HONE__ENTRY_XS_(mul_scalar)

/* ---- div: a / b, integers in f32; da = dy / b, db = -dy (a / b) / b */

static bool div_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone_tensor *a = hone_needs_input_grad(ctx, 1) ? in[0] : HONE_NONE;
    return HONE__SAVE(ctx, a, in[1]) &&
           hone__give(out, run_tensors(ctx, in, HONE__K_DIV,
                                       at_least_float(hone__result_dtype(in, n_in))));
}

static void div_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *b = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_div(dy[0], b);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_neg(hone_mul(dy[0], hone_div(hone_div(hone_saved(ctx, 0), b), b)));
}

BINARY_OP(div, div_backward, HONE__BOTH)
HONE__ENTRY_XX_(div, a, b)

static bool div_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    return hone__give(
        out, run_number(ctx, in[0], HONE__K_DIV, at_least_float((hone_dtype)in[0]->dtype)));
}

static void div_scalar_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_div_scalar(dy[0], hone__number_of(ctx));
}

SCALAR_OP(div, div_scalar_backward, HONE__BOTH)
HONE__ENTRY_XS_(div_scalar)

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

static bool pow_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    const hone_dtype dtype = hone__result_dtype(in, n_in);
    if (!exponents_allowed(ctx, dtype, in[1]) || !save_both(ctx, in))
        return false;
    out[0] = run_tensors(ctx, in, HONE__K_POW, dtype);
    return out[0] && (!hone_needs_input_grad(ctx, 1) || HONE__SAVE(ctx, out[0]));
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

static hone_tensor *pow_grad_exponent(hone_context *ctx, hone_tensor *dy)
{
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 1);
    hone_tensor *harmful = hone_mul(hone_eq_scalar(a, 0), hone_ge_scalar(b, 0));
    hone_tensor *base = hone_to(a, (hone_dtype)dy->dtype); /* integers may be raised to reals */
    base = hone_where(harmful, base ? hone_scalar((hone_dtype)base->dtype, 1) : NULL, base);
    return hone_mul(dy, hone_mul(hone_saved(ctx, 2), hone_log(base)));
}

static void pow_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = pow_grad_base(ctx, dy[0]);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = pow_grad_exponent(ctx, dy[0]);
}

BINARY_OP(pow, pow_backward, HONE__BOTH)
HONE__ENTRY_XX_(pow, a, b)

/* Exponents with a faster way. */
static hone__elementwise_kernel simple_power(double s, hone_dtype dtype)
{
    static const struct {
        double s;
        int k;
    } powers[] = {
        { 2, HONE__K_SQUARE },         { 3, HONE__K_POW_3 },
        { 4, HONE__K_POW_4 },          { -1, HONE__K_RECIPROCAL },
        { -2, HONE__K_POW_MINUS_2 },   { 0.5, HONE__K_POW_HALF },
        { 1.5, HONE__K_POW_3_HALVES }, { -0.5, HONE__K_POW_MINUS_HALF },
    };
    if (s == 1)
        return (hone__elementwise_kernel){ .arity = HONE__UNARY,
                                           .fn.unary = hone__k->copy[dtype],
                                           .past.unary = hone__k->copy_past[dtype],
                                           .reads = { dtype },
                                           .ns = HONE__NS_MOVE };
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++)
        if (powers[i].s == s)
            return hone__unary_kernel(powers[i].k, dtype);
    return (hone__elementwise_kernel){ .fn.unary = NULL };
}

static bool pow_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    const hone_dtype dtype = number_dtype(ctx, x);
    const double s = hone__number_of(ctx);
    if (!hone_dtype_is_float(dtype) && s < 0) {
        hone_error_set(HONE_E_VALUE, "%s: %s to the power %g is no integer; convert to f32 first",
                       hone__call_name(ctx), hone__tensor_text(x).s, s);
        return false;
    }
    if (!hone__number_fits(hone__call_name(ctx), dtype, s))
        return false;
    if (!HONE__SAVE(ctx, x))
        return false;
    const hone__elementwise_kernel simple = simple_power(s, dtype);
    if (s != 0 && !simple.fn.unary)
        return hone__give(out, run_number(ctx, x, HONE__K_POW, dtype));
    hone_tensor *y = out[0] = hone__out_along(ctx, dtype, x->ndim, x->shape);
    if (y && s == 0) {
        hone__fill_elements(y, 1);
        return true;
    }
    return y && hone__elementwise(&simple, y, &(hone__operand){ .t = x });
}

/* x^s for a gradient, made of faster powers where there is a way. */
static hone_tensor *gradient_power(hone_tensor *x, double s)
{
    if (s == -3)
        return hone_mul(hone_pow_scalar(x, -2), hone_pow_scalar(x, -1));
    return s == -1.5 ? hone_pow_scalar(hone_pow_scalar(x, -0.5), 3) : hone_pow_scalar(x, s);
}

static void pow_scalar_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    double s = hone__number_of(ctx);
    if (hone_dtype_of(dy[0]) == HONE_F32)
        s = (double)(float)s; /* as the forward took it: it may be 0 */
    if (s == 0)
        dx[0] = hone_zeros_like(dy[0]);
    else
        dx[0] = hone_mul(dy[0], hone_mul_scalar(gradient_power(hone_saved(ctx, 0), s - 1), s));
}

SCALAR_OP(pow, pow_scalar_backward, HONE__BOTH)
HONE__ENTRY_XS_(pow_scalar)

/* ---- maximum, minimum: NaN wins, of +0 and -0 the first operand; dy to the chosen one, half each
 * where equal */

static bool maximum_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    return save_both(ctx, in) &&
           hone__give(out, run_tensors(ctx, in, HONE__K_MAXIMUM, hone__result_dtype(in, n_in)));
}

static bool minimum_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    return save_both(ctx, in) &&
           hone__give(out, run_tensors(ctx, in, HONE__K_MINIMUM, hone__result_dtype(in, n_in)));
}

/* dy, halved where equal, 0 where this input lost. */
static hone_tensor *chosen(hone_tensor *dy, hone_tensor *lost, hone_tensor *equal)
{
    return hone_where(lost, zero_like(dy), hone_where(equal, half(dy), dy));
}

static void maximum_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    for (int i = 0; i < 2; i++) {
        hone_tensor *own = hone_saved(ctx, i), *other = hone_saved(ctx, 1 - i);
        if (hone_needs_input_grad(ctx, i))
            dx[i] = chosen(dy[0], hone_lt(own, other), hone_eq(own, other));
    }
}

static void minimum_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    for (int i = 0; i < 2; i++) {
        hone_tensor *own = hone_saved(ctx, i), *other = hone_saved(ctx, 1 - i);
        if (hone_needs_input_grad(ctx, i))
            dx[i] = chosen(dy[0], hone_gt(own, other), hone_eq(own, other));
    }
}

BINARY_OP(maximum, maximum_backward, HONE__FRESH)
BINARY_OP(minimum, minimum_backward, HONE__FRESH)

/* Of x and a number: beside one that is past the dtype's end on the losing side x stays as it is;
 * on the other side the result would be that number. */
static hone_tensor *extreme_number(hone_context *ctx, hone_tensor *x, int k, int losing_side)
{
    const hone_dtype dtype = number_dtype(ctx, x);
    const double s = hone__number_of(ctx);
    if (!HONE__SAVE(ctx, x))
        return NULL;
    if (hone__number_side(dtype, s) == losing_side)
        return run(ctx, k, dtype, x->ndim, x->shape, (hone__operand[]){ { .t = x }, { .t = x } });
    return hone__number_fits(hone__call_name(ctx), dtype, s) ? run_number(ctx, x, k, dtype) : NULL;
}

static bool maximum_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, extreme_number(ctx, in[0], HONE__K_MAXIMUM, -1));
}

static bool minimum_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    (void)n_in;
    return hone__give(out, extreme_number(ctx, in[0], HONE__K_MINIMUM, 1));
}

static void maximum_scalar_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0);
    const double s = hone__number_of(ctx);
    dx[0] = chosen(dy[0], hone_lt_scalar(x, s), hone_eq_scalar(x, s));
}

static void minimum_scalar_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0);
    const double s = hone__number_of(ctx);
    dx[0] = chosen(dy[0], hone_gt_scalar(x, s), hone_eq_scalar(x, s));
}

SCALAR_OP(maximum, maximum_scalar_backward, HONE__FRESH)
SCALAR_OP(minimum, minimum_scalar_backward, HONE__FRESH)
