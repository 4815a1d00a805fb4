/* catalog_activation.c: rows of src/ops/activation.c. */
#include "catalog.h"

#include <math.h>

#define FORMULA(name, value)                                                                       \
    static double name(const catalog_row *row, const double *in)                                   \
    {                                                                                              \
        const double x = in[0];                                                                    \
        (void)row;                                                                                 \
        return value;                                                                              \
    }
#define NUMBER(name) catalog_float(row, #name)

static double limit(double x, double min, double max)
{
    return x > max ? max : x < min ? min : x;
}

FORMULA(f_leaky_relu, x > 0 ? x : x * NUMBER(negative_slope))
FORMULA(f_elu, x > 0 ? x : NUMBER(alpha) * expm1(x))
FORMULA(f_selu, 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x)))
FORMULA(f_celu, x > 0 ? x : NUMBER(alpha) * expm1(x / NUMBER(alpha)))
FORMULA(f_hardtanh, limit(x, NUMBER(min_val), NUMBER(max_val)))
FORMULA(f_relu6, limit(x, 0, 6))
FORMULA(f_hardsigmoid, limit(x / 6 + 0.5, 0, 1))
FORMULA(f_hardswish, x *limit(x / 6 + 0.5, 0, 1))
FORMULA(f_mish, x *tanh(log1p(exp(x))))
FORMULA(f_softsign, x / (1 + fabs(x)))
FORMULA(f_logsigmoid, -log1p(exp(-x)))
FORMULA(f_tanhshrink, x - tanh(x))
FORMULA(f_softshrink, x - limit(x, -NUMBER(lambd), NUMBER(lambd)))
FORMULA(f_hardshrink, fabs(x) > NUMBER(lambd) ? x : 0)
FORMULA(f_threshold, x > NUMBER(threshold) ? x : NUMBER(value))
FORMULA(f_clamp, limit(x, NUMBER(min), NUMBER(max)))

/* In [-8, 8]. */
static void wide(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_any(row, in, i, random);
    for (int64_t k = 0; hone_dtype_is_float(in[i].dtype) && k < in[i].numel; k++)
        in[i].at[k] *= 4;
}

static void prelu_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    (void)row, (void)n_in;
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    int64_t inner = 1;
    for (int d = 2; d < in->ndim; d++)
        inner *= in->shape[d];
    for (int64_t k = 0; k < in->numel; k++) {
        const double x = in->at[k], w = in[1].at[in[1].numel == 1 ? 0 : k / inner % in[1].numel];
        out->at[k] = x > 0 ? x : w * x;
    }
}

/* Extents before / of / behind a dim. */
static int64_t extents(const catalog_array *a, int from, int to)
{
    int64_t n = 1;
    for (int d = from; d < to; d++)
        n *= a->shape[d];
    return n;
}

static void glu_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    (void)n_in;
    const int dim = (int)catalog_int(row, "dim") + (catalog_int(row, "dim") < 0 ? in->ndim : 0);
    int64_t shape[HONE_MAX_DIMS];
    for (int d = 0; d < in->ndim; d++)
        shape[d] = d == dim ? in->shape[d] / 2 : in->shape[d];
    catalog_shape(out, in->dtype, in->ndim, shape);
    const int64_t half = shape[dim] * extents(in, dim + 1, in->ndim);
    for (int64_t k = 0; k < out->numel; k++) {
        const double *at = in->at + k / half * 2 * half + k % half;
        out->at[k] = at[0] / (1 + exp(-at[half]));
    }
}

static void softmin_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    (void)n_in;
    const int dim = (int)catalog_int(row, "dim");
    catalog_shape(out, in->dtype, in->ndim, in->shape);
    const int64_t n = in->shape[dim], inner = extents(in, dim + 1, in->ndim);
    for (int64_t k = 0; k < in->numel; k++) {
        const double *row_at = in->at + k / (n * inner) * n * inner + k % inner;
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += exp(in->at[k] - row_at[i * inner]);
        out->at[k] = 1 / sum;
    }
}

static const char *const prelu_cases[] = { "3x4x5 4", "3x4:t 4:s", "2x3x2x2:s 1", "3x4x2:e 4",
                                           "5 1",     ". 1",       "0x3 3",       NULL };
static const char *const glu_cases[] = { "3x4x2", "3x4x2:t", "2x6x4:s", "3x2x2:e", "0x4x2", NULL };
static const char *const softmin_cases[] = { "3x4x2", "3x4x2:t", "2x5:s", "3x4:e", "0x4", NULL };

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        .op = #name, .cases = catalog_cases_unary, .bits = "67x130",                               \
        .oracle = catalog_elementwise, .f = f_##name, .in = { { wide } }, .dtypes = CATALOG_ALL,   \
        .result = CATALOG_FLOAT, __VA_ARGS__                                                       \
    }

#define LIMITED(name, text, types)                                                                 \
    {                                                                                              \
        .op = #name, .attributes = text, .cases = catalog_cases_unary, .bits = "67x130",           \
        .oracle = catalog_elementwise, .f = f_##name, .in = { { wide } }, .dtypes = types          \
    }

static const catalog_row rows[] = {
    ROW(leaky_relu, .attributes = "negative_slope=0.2"),
    ROW(elu, .attributes = "alpha=0.7"),
    ROW(selu, .attributes = ""),
    ROW(celu, .attributes = "alpha=1.3", .ulps = 8),
    LIMITED(hardtanh, "min_val=-1.6 max_val=2.3", CATALOG_FLOATS),
    LIMITED(hardtanh, "min_val=-2 max_val=3", CATALOG_BIT(HONE_I64) | CATALOG_BIT(HONE_I32)),
    LIMITED(relu6, "", CATALOG_NUMBERS),
    ROW(hardsigmoid, .attributes = "", .scale = 1),
    ROW(hardswish, .attributes = "", .scale = 8),
    ROW(mish, .attributes = ""),
    ROW(softsign, .attributes = ""),
    ROW(logsigmoid, .attributes = ""),
    ROW(tanhshrink, .attributes = "", .scale = 1),
    ROW(softshrink, .attributes = "lambd=0.7", .scale = 1),
    ROW(hardshrink, .attributes = "lambd=0.7"),
    ROW(threshold, .attributes = "threshold=0.3 value=-2.5"),
    { .op = "clamp",
      .attributes = "min=-1.5 max=2.5",
      .cases = catalog_cases_unary,
      .bits = "67x130",
      .in = { { wide } },
      .oracle = catalog_elementwise,
      .f = f_clamp },
    { .op = "clamp",
      .note = "integers",
      .attributes = "min=-2 max=4",
      .cases = catalog_cases_unary,
      .bits = "67x130",
      .in = { { catalog_any } },
      .dtypes = CATALOG_NUMBERS,
      .oracle = catalog_elementwise,
      .f = f_clamp },
    { .op = "prelu",
      .attributes = "",
      .cases = prelu_cases,
      .bits = "67x30x5 30",
      .in = { { catalog_any } },
      .oracle = prelu_oracle },
    { .op = "glu",
      .attributes = "dim=1",
      .cases = glu_cases,
      .bits = "67x130x3",
      .in = { { catalog_any } },
      .oracle = glu_oracle },
    { .op = "glu",
      .note = "last",
      .attributes = "dim=-1",
      .cases = glu_cases,
      .in = { { catalog_any } },
      .oracle = glu_oracle },
    { .op = "softmin",
      .attributes = "dim=1",
      .cases = softmin_cases,
      .bits = "67x130",
      .in = { { catalog_any } },
      .oracle = softmin_oracle },
};
CATALOG_FAMILY(activation);
