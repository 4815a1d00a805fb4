/* catalog_binary.c: rows of src/ops/binary.c. */
#include "catalog.h"

#include <math.h>

#define FORMULA(name, value)                                                                       \
    static double name(const catalog_row *row, const double *in)                                   \
    {                                                                                              \
        const double a = in[0], b = in[1];                                                         \
        (void)row, (void)a, (void)b;                                                               \
        return value;                                                                              \
    }
FORMULA(f_add, a + b)
FORMULA(f_sub, a - b)
FORMULA(f_mul, a *b)
FORMULA(f_div, a / b)
FORMULA(f_pow, pow(a, b))
FORMULA(f_maximum, b > a ? b : a)
FORMULA(f_minimum, b < a ? b : a)

/* The number as the dtype rounds it is the same double for all numbers in these rows. */
#define FORMULA_S(name, value)                                                                     \
    static double name(const catalog_row *row, const double *in)                                   \
    {                                                                                              \
        const double x = in[0], s = row->s;                                                        \
        return value;                                                                              \
    }
FORMULA_S(f_add_scalar, x + s)
FORMULA_S(f_sub_scalar, x - s)
FORMULA_S(f_mul_scalar, x *s)
FORMULA_S(f_div_scalar, x / s)
FORMULA_S(f_pow_scalar, pow(x, s))
FORMULA_S(f_maximum_scalar, s > x ? s : x)
FORMULA_S(f_minimum_scalar, s < x ? s : x)

/* Exponents: as catalog_positive, so that integers have none below 0. */
#define BINARY(name) WITH_CASES(name, catalog_cases_binary)
#define WITH_CASES(name, cases_of)                                                                 \
    .op = #name, .cases = cases_of, .bits = "67x130 130", .scale = 1,                              \
    .oracle = catalog_elementwise, .f = f_##name
#define SCALAR(name, number)                                                                       \
    .op = #name, .cases = catalog_cases_unary, .bits = "67x130", .scale = 1, .s = number,          \
    .oracle = catalog_elementwise, .f = f_##name
/* An integer tensor and a number that isn't whole. */
#define FRACTION .dtypes = CATALOG_INTS | CATALOG_BIT(HONE_BOOL), .result = CATALOG_FLOAT

static const char *const mixed_cases[] = { "3x4 3x4", "3x4:t 4:s", "3x1 2x1x4", "0x4 4", NULL };

static const catalog_row rows[] = {
    { BINARY(add), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { WITH_CASES(add, mixed_cases), .note = "with i64",
      .in = { { catalog_any }, { catalog_any, CATALOG_FIXED(HONE_I64) } }, .dtypes = CATALOG_ALL },
    { WITH_CASES(add, mixed_cases), .note = "with f64",
      .in = { { catalog_any }, { catalog_any, CATALOG_FIXED(HONE_F64) } }, .dtypes = CATALOG_ALL },
    { BINARY(sub), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { BINARY(mul), .in = { { catalog_any } }, .dtypes = CATALOG_ALL },
    { WITH_CASES(mul, mixed_cases), .note = "with f32",
      .in = { { catalog_any }, { catalog_any, CATALOG_FIXED(HONE_F32), .constant = true } },
      .dtypes = CATALOG_ALL },
    { BINARY(div), .in = { { catalog_any }, { catalog_positive } }, .dtypes = CATALOG_ALL,
      .result = CATALOG_FLOAT },
    { BINARY(pow), .in = { { catalog_positive } }, .dtypes = CATALOG_FLOATS },
    { BINARY(pow), .note = "integers", .in = { { catalog_any }, { catalog_positive } },
      .dtypes = CATALOG_BIT(HONE_I64) | CATALOG_BIT(HONE_I32), .no_gradient = "integers" },
    { WITH_CASES(pow, mixed_cases), .note = "integer to a real",
      .in = { { catalog_positive, CATALOG_FIXED(HONE_I64) }, { catalog_any } } },
    { BINARY(maximum), .in = { { catalog_apart } }, .dtypes = CATALOG_ALL },
    { BINARY(minimum), .in = { { catalog_apart } }, .dtypes = CATALOG_ALL },

    { SCALAR(add_scalar, 3), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { SCALAR(add_scalar, 0.375), .note = "fraction", .in = { { catalog_any } }, FRACTION,
      .no_gradient = "integers" },
    { SCALAR(add_scalar, 2), .note = "bool", .in = { { catalog_any } },
      .dtypes = CATALOG_BIT(HONE_BOOL), .result = CATALOG_ROW, .dtype = HONE_I64,
      .no_gradient = "integers" },
    { SCALAR(sub_scalar, -3), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { SCALAR(mul_scalar, -0.75), .in = { { catalog_any } } },
    { SCALAR(mul_scalar, 3), .note = "integers", .in = { { catalog_any } }, .dtypes = CATALOG_INTS,
      .no_gradient = "integers" },
    { SCALAR(div_scalar, 3), .in = { { catalog_any } }, .dtypes = CATALOG_ALL,
      .result = CATALOG_FLOAT },
    { SCALAR(pow_scalar, 2), .note = "2", .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { SCALAR(pow_scalar, 3), .note = "3", .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { SCALAR(pow_scalar, 4), .note = "4", .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { SCALAR(pow_scalar, -2), .note = "-2", .in = { { catalog_positive } } },
    { SCALAR(pow_scalar, -0.5), .note = "-1/2", .in = { { catalog_positive } } },
    { SCALAR(pow_scalar, 1.5), .note = "3/2", .in = { { catalog_positive } } },
    { SCALAR(pow_scalar, 1), .note = "1", .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { SCALAR(pow_scalar, 0), .note = "0", .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { SCALAR(pow_scalar, 0.5), .note = "1/2", .in = { { catalog_positive } } },
    { SCALAR(pow_scalar, -1), .note = "-1", .in = { { catalog_positive } } },
    { SCALAR(pow_scalar, -1.75), .note = "-7/4", .in = { { catalog_positive } } },
    { SCALAR(pow_scalar, 1.5), .note = "fraction", .in = { { catalog_positive } }, FRACTION,
      .no_gradient = "integers" },
    { SCALAR(maximum_scalar, 0), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { SCALAR(minimum_scalar, 0), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
};
CATALOG_FAMILY(binary);
