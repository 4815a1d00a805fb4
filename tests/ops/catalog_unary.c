/* catalog_unary.c: rows of src/ops/unary.c. */
#include "catalog.h"

#include <math.h>

static double f_neg(const catalog_row *row, const double *in)
{
    (void)row;
    return -in[0];
}

static double f_exp(const catalog_row *row, const double *in)
{
    (void)row;
    return exp(in[0]);
}

static double f_log(const catalog_row *row, const double *in)
{
    (void)row;
    return log(in[0]);
}

#define ELEMENTWISE(name, function)                                                                \
    .op = #name, .cases = catalog_cases_unary, .bits = "67x130", .oracle = catalog_elementwise,    \
    .f = function

static const catalog_row rows[] = {
    { ELEMENTWISE(neg, f_neg), .in = { { catalog_any } }, .dtypes = CATALOG_NUMBERS },
    { ELEMENTWISE(exp, f_exp), .in = { { catalog_any } }, .dtypes = CATALOG_ALL,
      .result = CATALOG_FLOAT },
    { ELEMENTWISE(log, f_log), .in = { { catalog_positive } }, .dtypes = CATALOG_NUMBERS,
      .result = CATALOG_FLOAT },
};
CATALOG_FAMILY(unary);
