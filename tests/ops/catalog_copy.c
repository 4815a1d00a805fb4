/* catalog_copy.c: rows of src/ops/copy.c. */
#include "catalog.h"

#include <math.h>

static double f_same(const catalog_row *row, const double *in)
{
    (void)row;
    return in[0];
}

/* Float to integer: truncated; the store wraps, so saturate here. */
static double f_to(const catalog_row *row, const double *in)
{
    static const double highest[HONE_DTYPES] = {
        [HONE_I64] = 0x1p62, [HONE_I32] = 2147483647, [HONE_U8] = 255
    };
    if (hone_dtype_is_float(row->dtype) || row->dtype == HONE_BOOL)
        return in[0];
    const double lowest = row->dtype == HONE_U8 ? 0 : -highest[row->dtype];
    const double t = trunc(in[0]);
    /* integers to u8 wrap instead: these inputs hold whole numbers */
    if (t == in[0])
        return t;
    return t < lowest ? lowest : t > highest[row->dtype] ? highest[row->dtype] : t;
}

/* Fractions for floats, some of them beyond u8; small numbers for integers. */
static void spread(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_any(row, in, i, random);
    if (!hone_dtype_is_float(in[i].dtype))
        return;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = in[i].at[k] * 400 + (in[i].at[k] > 0 ? 0.25 : -0.25);
}

#define TO(target, reason)                                                                         \
    {                                                                                              \
        .op = "to", .note = #target, .cases = catalog_cases_unary, .bits = "67x130:t",             \
        .in = { { spread } }, .dtypes = CATALOG_ALL, .oracle = catalog_elementwise, .f = f_to,     \
        .result = CATALOG_ROW, .dtype = target, .no_gradient = reason,                             \
        .view = true /* x itself if it has the dtype */                                            \
    }

#define SAME(name, is_view)                                                                        \
    {                                                                                              \
        .op = #name, .cases = copy_cases, .bits = "67x130:t", .in = { { catalog_any } },           \
        .dtypes = CATALOG_ALL, .oracle = catalog_elementwise, .f = f_same, .view = is_view         \
    }

static const char *const copy_cases[] = { "3x4",    "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e", "1x4x1",
                                          "40x5:t", ".",     "0",       "2x0x3",   NULL };

/* x.copy_(src): the value of src in x's shape and dtype. */
static void copy_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    catalog_row second = *row;
    second.f = f_same;
    second.result = CATALOG_ROW;
    second.dtype = in[0].dtype;
    const catalog_array swapped[] = { in[1], in[0] };
    catalog_elementwise(&second, swapped, n_in, out);
}

/* Only in place: a copy of x, with its history, is overwritten. */
static hone_tensor *call_copy(const catalog_row *row, hone_tensor *const *in, int n_in)
{
    (void)row, (void)n_in;
    return hone_copy_(hone_clone(in[0]), in[1]);
}

static hone_tensor *call_fill(const catalog_row *row, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return hone_fill_(hone_clone(in[0]), row->s);
}

static hone_tensor *call_zero(const catalog_row *row, hone_tensor *const *in, int n_in)
{
    (void)row, (void)n_in;
    return hone_zero_(hone_clone(in[0]));
}

static double f_fill(const catalog_row *row, const double *in)
{
    (void)in;
    return row->s;
}

static const char *const copy_in_cases[] = { "3x4 3x4", "3x4 3x4:t", "3x4:t 3x4", "3x4 4:s",
                                             "3x4 .",   "2x3x4 3x1", ". .",       "0x4 4",
                                             "5 5:e",   NULL };

static const catalog_row rows[] = {
    TO(HONE_F64, NULL),
    TO(HONE_F32, "not f64, which gradients are checked in"),
    TO(HONE_I64, "integers"),
    TO(HONE_I32, "integers"),
    TO(HONE_U8, "integers"),
    TO(HONE_BOOL, "bool"),
    SAME(clone, false),
    SAME(contiguous, false),
    { .op = "copy",
      .cases = copy_in_cases,
      .bits = "67x130 130",
      .in = { { catalog_any } },
      .dtypes = CATALOG_ALL,
      .oracle = copy_oracle,
      .call = call_copy },
    { .op = "copy",
      .note = "from i64",
      .once = "its gradient is 0",
      .cases = copy_in_cases,
      .bits = "67x130 130",
      .in = { { catalog_any }, { catalog_positive, CATALOG_FIXED(HONE_I64) } },
      .dtypes = CATALOG_ALL,
      .oracle = copy_oracle,
      .call = call_copy },
    { .op = "fill",
      .cases = catalog_cases_unary,
      .bits = "67x130",
      .s = 3,
      .in = { { catalog_any } },
      .dtypes = CATALOG_ALL,
      .oracle = catalog_elementwise,
      .f = f_fill,
      .once = "its gradient is 0",
      .call = call_fill },
    { .op = "zero_",
      .cases = catalog_cases_unary,
      .bits = "67x130",
      .in = { { catalog_any } },
      .dtypes = CATALOG_ALL,
      .oracle = catalog_elementwise,
      .f = f_fill,
      .once = "its gradient is 0",
      .call = call_zero },
};
CATALOG_FAMILY(copy);
