/* catalog_compare.c: rows of src/ops/compare.c. */
#include "catalog.h"

#define FORMULA(name, operator)                                                                    \
    static double f_##name(const catalog_row *row, const double *in)                               \
    {                                                                                              \
        (void)row;                                                                                 \
        return in[0] operator in[1];                                                               \
    }                                                                                              \
    static double f_##name##_scalar(const catalog_row *row, const double *in)                      \
    {                                                                                              \
        return in[0] operator row->s;                                                              \
    }
FORMULA(eq, ==)
FORMULA(ne, !=)
FORMULA(lt, <)
FORMULA(le, <=)
FORMULA(gt, >)
FORMULA(ge, >=)

static double f_where(const catalog_row *row, const double *in)
{
    (void)row;
    return in[0] != 0 ? in[1] : in[2];
}

/* Whole numbers, so that there are ties. */
static void whole(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const hone_dtype dtype = in[i].dtype;
    in[i].dtype = hone_dtype_is_float(dtype) ? HONE_I32 : dtype;
    catalog_any(row, in, i, random);
    in[i].dtype = dtype;
}

/* A number below all of u8, one beyond it, a fraction, and one that is met. */
#define COMPARISON(name)                                                                           \
    { .op = #name,                                                                                 \
      .cases = catalog_cases_binary,                                                               \
      .bits = "67x130 130",                                                                        \
      .in = { { whole } },                                                                         \
      .dtypes = CATALOG_ALL,                                                                       \
      .oracle = catalog_elementwise,                                                               \
      .f = f_##name,                                                                               \
      .result = CATALOG_BOOL,                                                                      \
      .no_gradient = "bool" },                                                                     \
        WITH_NUMBER(name, 3), WITH_NUMBER(name, -300), WITH_NUMBER(name, 300),                     \
        WITH_NUMBER(name, 0.5)
#define WITH_NUMBER(name, number)                                                                  \
    {                                                                                              \
        .op = #name "_scalar", .note = #number, .cases = catalog_cases_unary, .bits = "67x130",    \
        .in = { { whole } }, .dtypes = CATALOG_ALL, .s = number, .oracle = catalog_elementwise,    \
        .f = f_##name##_scalar, .result = CATALOG_BOOL, .no_gradient = "bool"                      \
    }

static const char *const where_cases[] = { "3x4 3x4 3x4", "3x4:t 3x4 3x4:s", "3x1 1x4 .", ". 3x4 4",
                                           "4 3x4:t 3x1", "2x3:e 2x3 2x3:e", "0x4 1x4 4", ". . .",
                                           "1 1x1 .",     "2x1x4 3x1 4:s",   NULL };

static const catalog_row rows[] = {
    COMPARISON(eq),
    COMPARISON(ne),
    COMPARISON(lt),
    COMPARISON(le),
    COMPARISON(gt),
    COMPARISON(ge),
    { .op = "where",
      .cases = where_cases,
      .bits = "67x130 130 67x1",
      .in = { { catalog_mask, CATALOG_FIXED(HONE_BOOL) }, { catalog_any } },
      .dtypes = CATALOG_NUMBERS,
      .oracle = catalog_elementwise,
      .f = f_where },
};
CATALOG_FAMILY(compare);
