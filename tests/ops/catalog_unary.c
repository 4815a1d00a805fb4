/* catalog_unary.c: rows of src/ops/unary.c. */
#include "catalog.h"

#include <math.h>

/* One element's value: x is the first input, y the second, s the row's number. */
#define FORMULA(name, value)                                                                       \
    static double name(const catalog_row *row, const double *in)                                   \
    {                                                                                              \
        const double x = in[0];                                                                    \
        (void)row;                                                                                 \
        return value;                                                                              \
    }
FORMULA(f_neg, -x)
FORMULA(f_abs, fabs(x))
FORMULA(f_sign, (x > 0) - (x < 0))
FORMULA(f_exp, exp(x))
FORMULA(f_log, log(x))
FORMULA(f_sqrt, sqrt(x))
FORMULA(f_square, x *x)
FORMULA(f_reciprocal, 1 / x)
FORMULA(f_relu, x > 0 ? x : 0)
FORMULA(f_sigmoid, 1 / (1 + exp(-x)))
FORMULA(f_tanh, tanh(x))
FORMULA(f_log1p, log1p(x))
FORMULA(f_expm1, expm1(x))
FORMULA(f_rsqrt, 1 / sqrt(x))
FORMULA(f_sin, sin(x))
FORMULA(f_cos, cos(x))
FORMULA(f_tan, tan(x))
FORMULA(f_erf, erf(x))
/* long double: rounding in these arguments would grow to several ulps of the value */
FORMULA(f_gelu, (double)(0.5L * x * erfcl(-x * 0.707106781186547524400844362104849039L)))
FORMULA(f_gelu_tanh, (double)(x / (1 + expl(-1.59576912160573071175978423973752L *
                                            (x + 0.044715L * x * x * x)))))
FORMULA(f_silu, x / (1 + exp(-x)))
FORMULA(f_softplus, log1p(exp(x)))
FORMULA(f_relu_backward, in[1] > 0 ? x : 0)
FORMULA(f_sigmoid_backward, x *in[1] * (1 - in[1]))
FORMULA(f_tanh_backward, x *(1 - in[1] * in[1]))
FORMULA(f_gelu_backward, x *(0.5 * erfc(-in[1] * 0.70710678118654752) +
                             in[1] * 0.39894228040143268 * exp(-0.5 * in[1] * in[1])))
FORMULA(f_softplus_backward, x / (1 + exp(-in[1])))

/* The slope of y s(w): s + y w' s (1 - s). */
static double gate_slope(double y, double w, double dw)
{
    const double s = 1 / (1 + exp(-w));
    return s + y * dw * s * (1 - s);
}
FORMULA(f_silu_backward, x *gate_slope(in[1], in[1], 1))
FORMULA(f_gelu_tanh_backward,
        x *gate_slope(in[1], 1.5957691216057307 * (in[1] + 0.044715 * in[1] * in[1] * in[1]),
                      1.5957691216057307 * (1 + 3 * 0.044715 * in[1] * in[1])))

/* In [-1, 1], far from the poles of tan; integers as catalog_any, none of which is near one. */
static void half_any(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_any(row, in, i, random);
    for (int64_t k = 0; hone_dtype_is_float(in[i].dtype) && k < in[i].numel; k++)
        in[i].at[k] /= 2;
}

#define UNARY(name)                                                                                \
    .op = #name, .cases = catalog_cases_unary, .bits = "67x130", .oracle = catalog_elementwise,    \
    .f = f_##name
#define BACKWARD(name)                                                                             \
    .op = #name, .cases = catalog_cases_binary, .bits = "67x130 130", .scale = 1,                  \
    .oracle = catalog_elementwise, .f = f_##name

static const catalog_row rows[] = {
    { UNARY(neg), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { UNARY(abs), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { UNARY(sign), .in = { { catalog_any } }, .dtypes = CATALOG_ALL,
      .no_gradient = "piecewise constant" },
    { UNARY(exp), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(log), .in = { { catalog_positive } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(sqrt), .in = { { catalog_positive } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(square), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { UNARY(square), .note = "bool", .in = { { catalog_any } }, .dtypes = CATALOG_BIT(HONE_BOOL),
      .result = CATALOG_ROW, .dtype = HONE_I64, .no_gradient = "integers" },
    { UNARY(reciprocal), .in = { { catalog_positive } }, .dtypes = CATALOG_ALL,
      .result = CATALOG_FLOAT },
    { UNARY(relu), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { UNARY(sigmoid), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(tanh), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(log1p), .in = { { catalog_positive } }, .dtypes = CATALOG_ALL,
      .result = CATALOG_FLOAT },
    { UNARY(expm1), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(rsqrt), .in = { { catalog_positive } }, .dtypes = CATALOG_ALL,
      .result = CATALOG_FLOAT },
    { UNARY(sin), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(cos), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(tan), .in = { { half_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(erf), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(gelu), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(gelu_tanh), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(silu), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { UNARY(softplus), .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT },
    { BACKWARD(relu_backward),
      .in = { { catalog_any }, { catalog_any, .constant = true /* piecewise constant in y */ } } },
    { BACKWARD(sigmoid_backward), .in = { { catalog_any } } },
    { BACKWARD(tanh_backward), .in = { { catalog_any } } },
    { BACKWARD(gelu_backward), .in = { { catalog_any } } },
    { BACKWARD(gelu_tanh_backward), .in = { { catalog_any } } },
    { BACKWARD(silu_backward), .in = { { catalog_any } } },
    { BACKWARD(softplus_backward), .in = { { catalog_any } } },
};
CATALOG_FAMILY(unary);
