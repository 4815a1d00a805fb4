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
FORMULA(f_relu_backward, in[1] > 0 ? x : 0)
FORMULA(f_sigmoid_backward, x *in[1] * (1 - in[1]))
FORMULA(f_tanh_backward, x *(1 - in[1] * in[1]))

#define UNARY(name)                                                                                \
    .op = #name, .cases = catalog_cases_unary, .bits = "67x130", .oracle = catalog_elementwise,    \
    .f = f_##name
#define OF_OUTPUT(name)                                                                            \
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
    { OF_OUTPUT(relu_backward),
      .in = { { catalog_any }, { catalog_any, .constant = true /* piecewise constant in y */ } } },
    { OF_OUTPUT(sigmoid_backward), .in = { { catalog_any } } },
    { OF_OUTPUT(tanh_backward), .in = { { catalog_any } } },
};
CATALOG_FAMILY(unary);
