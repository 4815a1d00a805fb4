/* catalog_logic.c: rows of src/ops/rounding.c, logic.c and diagonal.c. */
#include "catalog.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* As catalog_any, with NaN, infinities and zeros among it. */
static void fill_special(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    static const double special[] = { NAN, (double)INFINITY, -(double)INFINITY, 0, -0.0 };
    catalog_any(row, in, i, random);
    for (int64_t k = 0; k < in[i].numel; k += 2)
        in[i].at[k] = hone_dtype_is_float(in[i].dtype) ? special[k / 2 % 5] : 0;
}

/* Not where a difference would step over a whole number. */
static void fill_between(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = floor(catalog_uniform(random) * 40) - (in[i].dtype == HONE_U8 ? 0 : 20) +
                      0.05 + 0.4 * catalog_uniform(random) + (k % 2 ? 0.5 : 0);
}

#define F(name, value)                                                                             \
    static double name(const catalog_row *row, const double *in)                                   \
    {                                                                                              \
        (void)row;                                                                                 \
        return value;                                                                              \
    }
F(f_floor, floor(in[0]))
F(f_ceil, ceil(in[0]))
F(f_trunc, trunc(in[0]))
F(f_round, nearbyint(in[0]))
F(f_frac, in[0] - trunc(in[0]))
F(f_isnan, isnan(in[0]) != 0)
F(f_isinf, isinf(in[0]) != 0)
F(f_isfinite, isfinite(in[0]) != 0)
F(f_logical_not, in[0] == 0)
F(f_logical_and, in[0] != 0 && in[1] != 0)
F(f_logical_or, in[0] != 0 || in[1] != 0)
F(f_logical_xor, (in[0] != 0) != (in[1] != 0))
F(f_logaddexp, log(exp(in[0]) + exp(in[1])))
F(f_nan_to_num, isnan(in[0])   ? catalog_float(row, "nan")
                : isinf(in[0]) ? catalog_float(row, in[0] > 0 ? "posinf" : "neginf")
                               : in[0])

static double floored(double a, double b)
{
    const double rest = fmod(a, b);
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
}
F(f_fmod, fmod(in[0], in[1]))
F(f_remainder, floored(in[0], in[1]))
F(f_fmod_scalar, fmod(in[0], row->s))
F(f_remainder_scalar, floored(in[0], row->s))

/* Not near a multiple of the divisors 1.5 and 2.5; integers, of which u8 may be 0. */
static void fill_dividend(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    const bool real = hone_dtype_is_float(in[i].dtype);
    for (int64_t k = 0; k < in[i].numel; k++) {
        const double n = floor(catalog_uniform(random) * 8);
        const double sign = k % 3 == 0 && in[i].dtype != HONE_U8 ? -1 : 1;
        in[i].at[k] = sign * (real ? 7.5 * n + 0.1 + 1.2 * catalog_uniform(random) : 5 * n + 2);
    }
}

static void fill_divisor(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row, (void)random;
    const bool real = hone_dtype_is_float(in[i].dtype);
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (k % 4 == 1 && in[i].dtype != HONE_U8 ? -1 : 1) *
                      (real ? 1.5 + (double)(k % 2) : 3 + (double)(k % 3));
}

static void nonzero_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    int64_t shape[] = { 0, in->ndim };
    (void)row, (void)n_in;
    for (int64_t k = 0; k < in->numel; k++)
        shape[0] += in->at[k] != 0;
    catalog_shape(out, HONE_I64, 2, shape);
    for (int64_t k = 0, found = 0; k < in->numel; k++) {
        int64_t rest = k;
        if (in->at[k] == 0)
            continue;
        for (int d = in->ndim - 1; d >= 0; rest /= in->shape[d--])
            out->at[found * in->ndim + d] = (double)(rest % in->shape[d]);
        found++;
    }
}

/* ---- diagonal and movedim: the strides of a view */

static void walk(const catalog_array *x, int ndim, const int64_t *shape, const int64_t *stride,
                 int64_t start, catalog_array *out)
{
    catalog_shape(out, x->dtype, ndim, shape);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t at = start, rest = k;
        for (int d = ndim - 1; d >= 0; rest /= shape[d--])
            at += rest % shape[d] * stride[d];
        out->at[k] = x->at[at];
    }
}

static void row_major(const catalog_array *x, int64_t *stride)
{
    int64_t step = 1;
    for (int d = x->ndim - 1; d >= 0; step *= x->shape[d--])
        stride[d] = step;
}

static int dim_of(const catalog_row *row, const char *name, const catalog_array *x)
{
    const int64_t dim = catalog_int(row, name);
    return (int)(dim < 0 ? dim + x->ndim : dim);
}

static void diagonal_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    const int a = dim_of(row, "dim1", in), b = dim_of(row, "dim2", in);
    const int64_t offset = catalog_int(row, "offset");
    const int64_t down = offset < 0 ? -offset : 0, right = offset > 0 ? offset : 0;
    int64_t own[HONE_MAX_DIMS], shape[HONE_MAX_DIMS], stride[HONE_MAX_DIMS], length = 0;
    int ndim = 0;
    (void)n_in;
    row_major(in, own);
    for (int d = 0; d < in->ndim; d++)
        if (d != a && d != b) {
            stride[ndim] = own[d];
            shape[ndim++] = in->shape[d];
        }
    while (down + length < in->shape[a] && right + length < in->shape[b])
        length++;
    stride[ndim] = own[a] + own[b];
    shape[ndim++] = length;
    walk(in, ndim, shape, stride, down * own[a] + right * own[b], out);
}

static void movedim_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    const int from = dim_of(row, "source", in), to = dim_of(row, "destination", in);
    int64_t own[HONE_MAX_DIMS], shape[HONE_MAX_DIMS], stride[HONE_MAX_DIMS];
    (void)n_in;
    row_major(in, own);
    for (int d = 0, next = 0; d < in->ndim; d++) {
        next += next == from;
        const int source = d == to ? from : next++;
        shape[d] = in->shape[source];
        stride[d] = own[source];
    }
    walk(in, in->ndim, shape, stride, 0, out);
}

/* ---- rows */

static const char *const two_dims[] = { "3x4", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                        "1x4", "0x3",   "2x3x0",   NULL };
static const char *const three[] = { "4x3x2", "4x3x2:s", "2x3x4:t", "3x5x2:e", "0x3x2", NULL };

#define ROUNDING(name)                                                                             \
    {                                                                                              \
        .op = #name, .in = { { fill_between } }, .dtypes = CATALOG_NUMBERS, .f = f_##name,         \
        .oracle = catalog_elementwise, .cases = catalog_cases_unary, .bits = "70x130"              \
    }
#define TRUTH(name, cases_)                                                                        \
    {                                                                                              \
        .op = #name, .in = { { fill_special } }, .dtypes = CATALOG_ALL, .f = f_##name,             \
        .oracle = catalog_elementwise, .result = CATALOG_BOOL, .cases = cases_,                    \
        .no_gradient = "the result is a truth value"                                               \
    }
#define VIEW(name, text, cases_, bits_)                                                            \
    {                                                                                              \
        .op = #name, .note = text, .attributes = text, .cases = cases_, .bits = bits_,             \
        .dtypes = CATALOG_ALL, .in = { { catalog_any } }, .oracle = name##_oracle, .view = true    \
    }

#define DIVISION(name)                                                                             \
    {                                                                                              \
        .op = #name, .in = { { fill_dividend }, { fill_divisor } }, .dtypes = CATALOG_NUMBERS,     \
        .f = f_##name, .oracle = catalog_elementwise, .cases = catalog_cases_binary,               \
        .bits = "70x130 130", .ulps = 1                                                            \
    }
#define BY_NUMBER(name, by)                                                                        \
    {                                                                                              \
        .op = #name, .note = #by, .s = by, .in = { { fill_dividend } },                            \
        .dtypes = by == 3 ? CATALOG_INTS : CATALOG_FLOATS, .f = f_##name,                          \
        .oracle = catalog_elementwise, .cases = catalog_cases_unary, .bits = "70x130", .ulps = 1   \
    }

static const catalog_row rows[] = {
    DIVISION(fmod),
    DIVISION(remainder),
    BY_NUMBER(fmod_scalar, -2.5),
    BY_NUMBER(fmod_scalar, 3),
    BY_NUMBER(remainder_scalar, -2.5),
    BY_NUMBER(remainder_scalar, 3),
    { .op = "nonzero",
      .in = { { fill_special } },
      .dtypes = CATALOG_ALL,
      .oracle = nonzero_oracle,
      .cases = catalog_cases_unary,
      .no_gradient = "an index" },
    ROUNDING(floor),
    ROUNDING(ceil),
    ROUNDING(trunc),
    ROUNDING(round),
    { .op = "frac",
      .in = { { fill_between } },
      .f = f_frac,
      .oracle = catalog_elementwise,
      .cases = catalog_cases_unary,
      .bits = "70x130" },
    TRUTH(isnan, catalog_cases_unary),
    TRUTH(isinf, catalog_cases_unary),
    TRUTH(isfinite, catalog_cases_unary),
    TRUTH(logical_not, catalog_cases_unary),
    TRUTH(logical_and, catalog_cases_binary),
    TRUTH(logical_or, catalog_cases_binary),
    TRUTH(logical_xor, catalog_cases_binary),
    { .op = "logaddexp",
      .in = { { catalog_any } },
      .f = f_logaddexp,
      .oracle = catalog_elementwise,
      .cases = catalog_cases_binary,
      .bits = "70x130 130",
      .ulps = 8,
      .scale = 1 },
    { .op = "nan_to_num",
      .attributes = "nan=3 posinf=7 neginf=-5",
      .note = "special",
      .in = { { fill_special } },
      .f = f_nan_to_num,
      .oracle = catalog_elementwise,
      .dtypes = CATALOG_ALL,
      .cases = catalog_cases_unary,
      .bits = "70x130",
      .no_gradient = "differences of infinities" },
    { .op = "nan_to_num",
      .attributes = "nan=3 posinf=7 neginf=-5",
      .in = { { catalog_any } },
      .f = f_nan_to_num,
      .oracle = catalog_elementwise,
      .cases = catalog_cases_unary },
    VIEW(diagonal, "offset=0 dim1=0 dim2=1", two_dims, "70x130"),
    VIEW(diagonal, "offset=1 dim1=-2 dim2=-1", two_dims, "7x70x130"),
    VIEW(diagonal, "offset=-1 dim1=2 dim2=0", three, "70x3x130"),
    VIEW(diagonal, "offset=9 dim1=0 dim2=1", two_dims, NULL),
    VIEW(movedim, "source=0 destination=-1", two_dims, "7x30x20"),
    VIEW(movedim, "source=2 destination=0", three, "7x30x20"),
    VIEW(movedim, "source=1 destination=1", two_dims, NULL),
};
CATALOG_FAMILY(logic);
