/* catalog_math.c: rows of src/ops/elementary.c, special.c, pairs.c, bits.c, and the quotients of remainder.c.
 */
#include "catalog.h"

#include <math.h>

/* One element's value: x is the first input, y the second, s the row's number. */
#define FORMULA(name, value)                                                                       \
    static double f_##name(const catalog_row *row, const double *in)                               \
    {                                                                                              \
        const double x = in[0], y = in[1], s = row->s;                                             \
        (void)x, (void)y, (void)s;                                                                 \
        return value;                                                                              \
    }
FORMULA(asin, asin(x))
FORMULA(acos, acos(x))
FORMULA(atan, atan(x))
FORMULA(sinh, sinh(x))
FORMULA(cosh, cosh(x))
FORMULA(asinh, asinh(x))
FORMULA(acosh, acosh(x))
FORMULA(atanh, atanh(x))
FORMULA(log2, log2(x))
FORMULA(log10, log10(x))
FORMULA(exp2, exp2(x))
FORMULA(lgamma, lgamma(x))
FORMULA(atan2, atan2(x, y))
FORMULA(hypot, hypot(x, y))
FORMULA(copysign, copysign(x, y))
FORMULA(xlogy, x == 0 ? 0 : x * log(y))
FORMULA(heaviside, x > 0 ? 1 : x < 0 ? 0 : y)
FORMULA(floor_divide, floor(x / y))
FORMULA(trunc_divide, trunc(x / y))
FORMULA(floor_divide_scalar, floor(x / s))
FORMULA(trunc_divide_scalar, trunc(x / s))
FORMULA(round_decimals, nearbyint(x *pow(10, (double)row->start)) / pow(10, (double)row->start))
FORMULA(bitwise_and, (double)((int64_t)x &(int64_t)y))
FORMULA(bitwise_or, (double)((int64_t)x | (int64_t)y))
FORMULA(bitwise_xor, (double)((int64_t)x ^ (int64_t)y))
FORMULA(bitwise_and_scalar, (double)((int64_t)x &(int64_t)s))
FORMULA(bitwise_or_scalar, (double)((int64_t)x | (int64_t)s))
FORMULA(bitwise_xor_scalar, (double)((int64_t)x ^ (int64_t)s))
FORMULA(bitwise_left_shift, ldexp(x, (int)y))
FORMULA(bitwise_right_shift, floor(ldexp(x, -(int)y)))
FORMULA(bitwise_left_shift_scalar, ldexp(x, (int)s))
FORMULA(bitwise_right_shift_scalar, floor(ldexp(x, -(int)s)))

/* erf(y) = x by Newton's steps. */
static double f_erfinv(const catalog_row *row, const double *in)
{
    double y = in[0];
    (void)row;
    if (fabs(in[0]) >= 1)
        return in[0] * in[0] > 1 ? (double)NAN : in[0] * (double)INFINITY;
    for (int i = 0; i < 100; i++)
        y -= (erf(y) - in[0]) * 0.886226925452758 * exp(y * y);
    return y;
}

/* The n-th derivative of digamma, n 0 for itself: terms until Euler's and Maclaurin's few do. */
static double gamma_slope(int n, double x)
{
    long double sum = 0, factorial = 1, z = x;
    for (int k = 2; k <= n; k++)
        factorial *= k;
    for (; z < 400; z += 1)
        sum += n == 0 ? -1 / z : powl(z, -n - 1);
    if (n == 0)
        return (double)(sum + logl(z) - 1 / (2 * z) - 1 / (12 * z * z) + 1 / (120 * z * z * z * z));
    sum += powl(z, -n) / n + powl(z, -n - 1) / 2 + (n + 1) * powl(z, -n - 2) / 12 -
           (n + 1) * (n + 2) * (n + 3) * powl(z, -n - 4) / 720;
    return (double)(n % 2 ? factorial * sum : -factorial * sum);
}
FORMULA(digamma, gamma_slope(0, x))
FORMULA(polygamma, gamma_slope((int)row->start, x))

/* ~x in the dtype: not of bool, 255 - x of u8. */
static void not_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    (void)row, (void)n_in;
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    for (int64_t k = 0; k < in->numel; k++)
        out->at[k] = in->dtype == HONE_BOOL ? in->at[k] == 0
                     : in->dtype == HONE_U8 ? 255 - in->at[k]
                                            : -in->at[k] - 1;
}

/* In [-0.9, 0.9]; integers 0 or 1. */
static void fill_inside(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = hone_dtype_is_float(in[i].dtype) ? 1.8 * catalog_uniform(random) - 0.9
                                                       : (double)(k % 2);
}

/* In [1.2, 3.2]; integers 1..5. */
static void fill_above(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_positive(row, in, i, random);
    for (int64_t k = 0; hone_dtype_is_float(in[i].dtype) && k < in[i].numel; k++)
        in[i].at[k] += 0.7;
}

/* Apart from multiples of 1 by 1/8 at least, so that no quotient of two is near a step. */
static void fill_eighths(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_any(row, in, i, random);
    for (int64_t k = 0; hone_dtype_is_float(in[i].dtype) && k < in[i].numel; k++)
        in[i].at[k] = 2 * floor(in[i].at[k] * 4) / 8 + 0.125 + 4 * (double)(k % 3);
}

static void fill_divisor(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = in[i].dtype == HONE_U8 ? 1 + (double)(catalog_random(random) % 5)
                                             : (catalog_random(random) % 2 ? 2 : -1);
}

static void fill_zeros(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_any(row, in, i, random);
    for (int64_t k = 0; k < in[i].numel; k += 3)
        in[i].at[k] = 0;
}

static void fill_shift(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % 4);
}

#define UNARY(name)                                                                                \
    .op = #name, .cases = catalog_cases_unary, .bits = "67x130", .oracle = catalog_elementwise,    \
    .f = f_##name
#define REAL(name, from)                                                                           \
    {                                                                                              \
        UNARY(name), .in = { { from } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT            \
    }
#define PAIR(name, of_a, of_b, ...)                                                                \
    {                                                                                              \
        .op = #name, .cases = catalog_cases_binary, .bits = "67x130 130",                          \
        .oracle = catalog_elementwise, .f = f_##name, .in = { { of_a }, { of_b } }, __VA_ARGS__    \
    }
#define STEPS   .no_gradient = "piecewise constant"
#define WHOLE   .dtypes = CATALOG_INTS, .no_gradient = "integers"
#define BITWISE .dtypes = CATALOG_INTS | CATALOG_BIT(HONE_BOOL), .no_gradient = "integers"
#define NUMBER(name, number, ...)                                                                  \
    {                                                                                              \
        UNARY(name), .s = number, .in = { { catalog_any } }, __VA_ARGS__                           \
    }
#define BITS_NUMBER(name, number, ...) NUMBER(name, number, .attributes = "s=" #number, __VA_ARGS__)

static const catalog_row rows[] = {
    REAL(asin, fill_inside),
    REAL(acos, fill_inside),
    REAL(atan, catalog_any),
    REAL(sinh, catalog_any),
    REAL(cosh, catalog_any),
    REAL(asinh, catalog_any),
    { UNARY(acosh), .in = { { fill_above } }, .dtypes = CATALOG_NUMBERS, .result = CATALOG_FLOAT },
    { UNARY(atanh), .in = { { fill_inside } }, .dtypes = CATALOG_FLOATS },
    REAL(log2, catalog_positive),
    REAL(log10, catalog_positive),
    REAL(exp2, catalog_any),
    { UNARY(erfinv), .in = { { fill_inside } }, .dtypes = CATALOG_FLOATS, .ulps = 8 },
    { UNARY(lgamma), .in = { { catalog_positive } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT,
      .scale = 1 },
    { UNARY(digamma), .in = { { catalog_positive } }, .dtypes = CATALOG_ALL,
      .result = CATALOG_FLOAT, .scale = 1 },
    { UNARY(polygamma), .note = "trigamma", .attributes = "n=1", .start = 1,
      .in = { { catalog_positive } }, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT, .ulps = 32 },
    { UNARY(polygamma), .note = "third", .attributes = "n=3", .start = 3,
      .in = { { catalog_positive } }, .dtypes = CATALOG_FLOATS, .ulps = 64 },
    PAIR(atan2, catalog_any, catalog_any, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT),
    PAIR(hypot, catalog_any, catalog_any, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT),
    PAIR(copysign, catalog_any, catalog_any, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT),
    PAIR(xlogy, catalog_any, catalog_positive, .dtypes = CATALOG_ALL, .result = CATALOG_FLOAT),
    PAIR(heaviside, fill_zeros, catalog_any, .dtypes = CATALOG_ALL, STEPS),
    PAIR(floor_divide, fill_eighths, fill_divisor, .dtypes = CATALOG_NUMBERS, STEPS),
    PAIR(trunc_divide, fill_eighths, fill_divisor, .dtypes = CATALOG_NUMBERS, STEPS),
    NUMBER(floor_divide_scalar, 2, .dtypes = CATALOG_NUMBERS, STEPS),
    NUMBER(trunc_divide_scalar, 2, .dtypes = CATALOG_NUMBERS, STEPS),
    { UNARY(round_decimals), .attributes = "decimals=1", .start = 1, .in = { { catalog_any } },
      .dtypes = CATALOG_NUMBERS, STEPS },
    { UNARY(round_decimals), .note = "tens", .attributes = "decimals=-1", .start = -1,
      .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS, STEPS },
    { .op = "bitwise_not",
      .cases = catalog_cases_unary,
      .bits = "67x130",
      .oracle = not_oracle,
      .in = { { catalog_any } },
      BITWISE },
    PAIR(bitwise_and, catalog_any, catalog_any, BITWISE),
    PAIR(bitwise_or, catalog_any, catalog_any, BITWISE),
    PAIR(bitwise_xor, catalog_any, catalog_any, BITWISE),
    BITS_NUMBER(bitwise_and_scalar, 6, WHOLE),
    BITS_NUMBER(bitwise_or_scalar, 6, WHOLE),
    BITS_NUMBER(bitwise_xor_scalar, 6, WHOLE),
    PAIR(bitwise_left_shift, catalog_any, fill_shift, WHOLE),
    PAIR(bitwise_right_shift, catalog_any, fill_shift, WHOLE),
    BITS_NUMBER(bitwise_left_shift_scalar, 2, WHOLE),
    BITS_NUMBER(bitwise_right_shift_scalar, 1, WHOLE),
};
CATALOG_FAMILY(math);
