/* logic.c: truth values of elements (isnan, logical_and ...), and nan_to_num, which replaces what they
 * find. Made of comparisons. */
#include "loops/elementwise.h"
#include "ops/common.h"

#include <float.h>
#include <math.h>

/* ---- of one element */

static hone_tensor *is_true(hone_tensor *x)
{
    return x->dtype == HONE_BOOL ? x : hone_ne_scalar(x, 0);
}

static hone_tensor *isnan_of(hone_tensor *x)
{
    return hone_ne(x, x);
}

/* Only floats have infinities. */
static hone_tensor *isinf_of(hone_tensor *x)
{
    return hone_dtype_is_float((hone_dtype)x->dtype) ? hone_eq_scalar(hone_abs(x), (double)INFINITY)
                                                     : hone_ne(x, x);
}

static hone_tensor *isfinite_of(hone_tensor *x)
{
    return hone_dtype_is_float((hone_dtype)x->dtype) ? hone_lt_scalar(hone_abs(x), (double)INFINITY)
                                                     : hone_eq(x, x);
}

/* A number beside bool would make both i64. */
static hone_tensor *logical_not_of(hone_tensor *x)
{
    return x->dtype == HONE_BOOL ? hone_eq(x, hone_scalar(HONE_BOOL, 0)) : hone_eq_scalar(x, 0);
}

#define TRUTH(op)                                                                                  \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)ctx, (void)n_in;                                                                     \
        return hone__give(out, op##_of(in[0]));                                                    \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op, .forward = op##_forward, .in = { { "x" } }, .why = "a truth value"            \
    };                                                                                             \
    HONE__ENTRY_X(op)
TRUTH(isnan)
TRUTH(isinf)
TRUTH(isfinite)
TRUTH(logical_not)

/* ---- of two */

#define LOGICAL(op, of)                                                                            \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        hone__shape shape;                                                                         \
        if (!hone__broadcast(hone__call_name(ctx), in, n_in, &shape))                              \
            return false;                                                                          \
        hone_tensor *a = is_true(in[0]), *b = is_true(in[1]);                                      \
        return hone__give(out, of(a, b));                                                          \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op, .forward = op##_forward, .in = { { "a" }, { "b" } }, .why = "a truth value"   \
    };                                                                                             \
    HONE__ENTRY_XX(op, a, b)
LOGICAL(logical_and, hone_mul)
LOGICAL(logical_or, hone_add)
LOGICAL(logical_xor, hone_ne)

/* ---- nan_to_num */

typedef struct {
    double nan, posinf, neginf;
} num_options;

static const hone__option num_table[] = {
    HONE__OPTION(num_options, nan, HONE__OPT_FLOAT),
    HONE__OPTION(num_options, posinf, HONE__OPT_FLOAT, .standard = (double)INFINITY),
    HONE__OPTION(num_options, neginf, HONE__OPT_FLOAT, .standard = (double)-INFINITY),
    { NULL },
};

/* s, or the dtype's largest number if s is infinite. */
static double number(hone_dtype dtype, double s)
{
    const double most = dtype == HONE_F32 ? (double)FLT_MAX : DBL_MAX;
    return !isinf(s) ? s : s > 0 ? most : -most;
}

static bool nan_to_num_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const num_options *o = hone__options(ctx);
    hone_tensor *x = in[0];
    const hone_dtype dtype = (hone_dtype)x->dtype;
    if (!hone_dtype_is_float(dtype))
        return hone__give(out, hone_clone(x));
    hone_tensor *y = hone__formula(HONE__K_FORMULA_NAN_TO_NUM, x, number(dtype, o->nan),
                                   number(dtype, o->posinf), number(dtype, o->neginf));
    return HONE__SAVE(ctx, x) && hone__give(out, y);
}

static void nan_to_num_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] =
        hone_where(hone_isfinite(hone_saved(ctx, 0)), dy[0], hone_scalar(hone_dtype_of(dy[0]), 0));
}

const hone__op hone__op_nan_to_num = {
    .name = "nan_to_num",
    .forward = nan_to_num_forward,
    .backward = nan_to_num_backward,
    .in = { { "x" } },
    .options = num_table,
    .options_bytes = sizeof(num_options),
};

hone_tensor *hone_nan_to_num(hone_tensor *x, double nan, double posinf, double neginf)
{
    return hone__call(&hone__op_nan_to_num, IN(x), &(num_options){ nan, posinf, neginf });
}

/* ---- logaddexp: log(e^a + e^b) */

static bool logaddexp_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    hone__shape shape;
    hone_tensor *a = in[0], *b = in[1];
    const hone_dtype dtype = hone__result_dtype(in, n_in);
    if (!hone_dtype_is_float(dtype)) {
        hone_error_set(HONE_E_DTYPE, "logaddexp: floats are wanted, got %s and %s",
                       hone__tensor_text(a).s, hone__tensor_text(b).s);
        return false;
    }
    if (!hone__broadcast("logaddexp", in, n_in, &shape) || !HONE__SAVE(ctx, a, b))
        return false;
    const hone__elementwise_kernel kernel =
        hone__formula_kernel(HONE__K_FORMULA_LOGADDEXP, dtype, NULL);
    out[0] = hone__out_along(ctx, dtype, shape.ndim, shape.shape);
    return out[0] &&
           hone__elementwise(&kernel, out[0], (hone__operand[]){ { .t = a }, { .t = b } });
}

static void logaddexp_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 1);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone_mul(dy[0], hone_sigmoid(hone_sub(a, b)));
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_mul(dy[0], hone_sigmoid(hone_sub(b, a)));
}

const hone__op hone__op_logaddexp = {
    .name = "logaddexp",
    .forward = logaddexp_forward,
    .backward = logaddexp_backward,
    .in = { { "a" }, { "b" } },
};
HONE__ENTRY_XX(logaddexp, a, b)
