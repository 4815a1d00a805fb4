/* rounding.c: floor, ceil, trunc, round, frac. */
#include "loops/elementwise.h"
#include "ops/common.h"

/* Whole numbers stay, bool has none. */
static bool rounded(hone_context *ctx, hone_tensor *x, int k, hone_tensor **out)
{
    const hone_dtype dtype = (hone_dtype)x->dtype;
    if (dtype == HONE_BOOL) {
        hone_error_set(HONE_E_DTYPE, "%s: %s isn't possible, f32, f64, i64, i32 or u8 is wanted",
                       hone__call_name(ctx), hone__tensor_text(x).s);
        return false;
    }
    out[0] = hone__out_along(ctx, dtype, x->ndim, x->shape);
    if (!out[0] || (!hone_dtype_is_float(dtype) && out[0] != x))
        return out[0] && hone__copy_elements(out[0], x);
    const hone__elementwise_kernel kernel = hone__unary_kernel(k, dtype);
    return !hone_dtype_is_float(dtype) ||
           hone__elementwise(&kernel, out[0], &(hone__operand){ .t = x });
}

/* Piecewise constant. */
static void zero_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    (void)ctx;
    dx[0] = hone_zeros_like(dy[0]);
}

#define ROUNDING(op, k)                                                                            \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return rounded(ctx, in[0], k, out);                                                        \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = zero_backward,                                                                 \
        .in = { { "x" } },                                                                         \
        .forms = HONE__BOTH,                                                                       \
    };                                                                                             \
    HONE__ENTRY_X(op)                                                                              \
    HONE__ENTRY_X_(op)
ROUNDING(floor, HONE__K_FLOOR)
ROUNDING(ceil, HONE__K_CEIL)
ROUNDING(trunc, HONE__K_TRUNC)
ROUNDING(round, HONE__K_ROUND)

/* ---- round_decimals: to multiples of 10^-decimals */

typedef struct {
    int64_t decimals;
} decimals_options;

static const hone__option decimals_table[] = {
    HONE__OPTION(decimals_options, decimals, HONE__OPT_INT, .required = true, .min = -300,
                 .max = 300),
    { NULL },
};

static bool round_decimals_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    (void)n_in;
    const int64_t decimals = ((const decimals_options *)hone__options(ctx))->decimals;
    const hone_dtype dtype = (hone_dtype)in[0]->dtype;
    const bool real = hone_dtype_is_float(dtype);
    double power = 1;
    if (decimals < -300 || decimals > 300) {
        hone_error_set(HONE_E_VALUE, "round_decimals: %lld decimals, -300 to 300 are possible",
                       (long long)decimals);
        return false;
    }
    for (int64_t i = decimals < 0 ? -decimals : decimals; i > 0; i--)
        power *= 10;
    if (decimals == 0 || (!real && decimals > 0) || dtype == HONE_BOOL)
        return rounded(ctx, in[0], HONE__K_ROUND, out);
    hone_tensor *x = real ? in[0] : hone_to(in[0], HONE_F64);
    hone_tensor *y =
        hone_round(decimals > 0 ? hone_mul_scalar(x, power) : hone_div_scalar(x, power));
    y = decimals > 0 ? hone_div_scalar(y, power) : hone_mul_scalar(y, power);
    return hone__give(out, hone_to(y, dtype));
}

const hone__op hone__op_round_decimals = {
    .name = "round_decimals",
    .forward = round_decimals_forward,
    .backward = zero_backward,
    .in = { { "x" } },
    .options = decimals_table,
    .options_bytes = sizeof(decimals_options),
};

hone_tensor *hone_round_decimals(hone_tensor *x, int64_t decimals)
{
    return hone__call(&hone__op_round_decimals, IN(x), &(decimals_options){ decimals });
}

/* ---- frac: x - trunc(x) */

static bool frac_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)ctx, (void)n_in;
    hone_tensor *x = in[0];
    if (!hone_dtype_is_float((hone_dtype)x->dtype)) {
        hone_error_set(HONE_E_DTYPE, "frac: needs f32 or f64, got %s", hone__tensor_text(x).s);
        return false;
    }
    return hone__give(out, hone__formula(HONE__K_FORMULA_FRAC, x, 0, 0, 0));
}

static void frac_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    (void)ctx;
    dx[0] = dy[0];
}

const hone__op hone__op_frac = {
    .name = "frac", .forward = frac_forward, .backward = frac_backward, .in = { { "x" } }
};
HONE__ENTRY_X(frac)
