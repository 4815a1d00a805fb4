/* catalog_scan.c: rows of src/ops/scan.c and of what cast_first.c makes of it, vector_norm.c, truth.c and var_mean.c. */
#include "catalog.h"

#include <math.h>
#include <string.h>

static const char *const any_or_empty[] = { "3x4", "7", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                            ".",   "0", "2x0x3", "1x4x1",   NULL };
static const char *const not_empty[] = { "3x4",   "7", "3x4:t", "4x3x2:s", "2x3x4:t",
                                         "3x5:e", ".", "1x4x1", NULL };
static const char *const three[] = { "4x3x2", "4x3x2:s", "2x3x4:t", "3x5x2:e", "1x4x1", NULL };
static const char *const deviating[] = { "3x4", "4x3:t", "4x3x2:s", "2x3x4:t", "70x3", NULL };

/* Every element with a remainder of 1 modulo 5 is 0; in rows of 4 or less at most one. */
static void fill_one_zero(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_any(row, in, i, random);
    for (int64_t k = 1; k < in[i].numel; k += 5)
        in[i].at[k] = 0;
}

static void fill_zeros(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_any(row, in, i, random);
    for (int64_t k = 0; k < in[i].numel; k += 2)
        in[i].at[k] = 0;
}

static void fill_about_one(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const bool real = hone_dtype_is_float(in[i].dtype);
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = real ? 0.99 + catalog_uniform(random) / 50 : 1 + (double)(k % 7 == 0);
}

/* ---- running sums and products */

static void scan_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    const bool sum = strncmp(row->op, "cumsum", 6) == 0;
    const hone_dtype dtype = strstr(row->op, "_as") ? row->dtype : in->dtype;
    const int dim = row->dim < 0 ? row->dim + in->ndim : row->dim;
    int64_t inner = 1;
    (void)n_in;
    for (int d = dim + 1; d < in->ndim; d++)
        inner *= in->shape[d];
    catalog_shape(out, hone_dtype_is_float(dtype) ? dtype : HONE_I64, in->ndim, in->shape);
    for (int64_t k = 0; k < in->numel; k++) {
        const bool first = in->ndim == 0 || k / inner % in->shape[dim] == 0;
        const double before = first ? !sum : out->at[k - inner];
        out->at[k] = sum ? before + in->at[k] : before * in->at[k];
    }
}

/* ---- reductions */

static double prod(const catalog_row *row, const double *values, int64_t n)
{
    double y = 1;
    (void)row;
    for (int64_t i = 0; i < n; i++)
        y *= values[i];
    return y;
}

static double norm(const catalog_row *row, const double *values, int64_t n)
{
    const double p = row->s;
    double sum = 0, most = 0, least = INFINITY;
    for (int64_t i = 0; i < n; i++) {
        sum += p == 0 ? values[i] != 0 : isinf(p) ? 0 : pow(fabs(values[i]), p);
        most = fmax(most, fabs(values[i]));
        least = fmin(least, fabs(values[i]));
    }
    return isinf(p) ? (p > 0 ? most : least) : p == 0 ? sum : pow(sum, 1 / p);
}

static double truth(const catalog_row *row, const double *values, int64_t n)
{
    int64_t set = 0;
    for (int64_t i = 0; i < n; i++)
        set += values[i] != 0;
    return strncmp(row->op, "any", 3) == 0 ? set > 0 : set == n;
}

static double mean(const catalog_row *row, const double *values, int64_t n)
{
    double sum = 0;
    (void)row;
    for (int64_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

static double spread(const catalog_row *row, const double *values, int64_t n)
{
    const double middle = mean(row, values, n);
    double m2 = 0;
    for (int64_t i = 0; i < n; i++)
        m2 += (values[i] - middle) * (values[i] - middle);
    m2 /= fmax(0, (double)n - row->s);
    return row->op[0] == 's' ? sqrt(m2) : m2;
}

static void prod_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    const hone_dtype dtype = strstr(row->op, "_as") ? row->dtype : in->dtype;
    (void)n_in;
    catalog_reduced(row, in, hone_dtype_is_float(dtype) ? dtype : HONE_I64, prod, out);
}

static void norm_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    (void)n_in;
    catalog_reduced(row, in, in->dtype, norm, out);
}

static void truth_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    (void)n_in;
    catalog_reduced(row, in, in->dtype == HONE_U8 ? HONE_U8 : HONE_BOOL, truth, out);
}

static void spread_and_mean(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    (void)n_in;
    catalog_reduced(row, in, in->dtype, row->output ? mean : spread, out);
}

/* ---- rows */

#define DIM(at, keep) .dim = at, .flag = keep
#define DIMS(keep, ...)                                                                            \
    .dims = { __VA_ARGS__ }, .n_dims = sizeof((int[]){ __VA_ARGS__ }) / sizeof(int), .flag = keep
#define SCAN(name, note_, fill, at, cases_, bits_)                                                 \
    {                                                                                              \
        .op = name, .note = note_, .dim = at, .in = { { fill } }, .dtypes = CATALOG_ALL,           \
        .oracle = scan_oracle, .cases = cases_, .bits = bits_, .ulps = 8, .scale = 10              \
    }
#define PROD(name, note_, fill, cases_, bits_, ...)                                                \
    {                                                                                              \
        .op = name, .note = note_, .in = { { fill } }, .oracle = prod_oracle, .cases = cases_,     \
        .bits = bits_, .dtypes = CATALOG_ALL, .ulps = 8, __VA_ARGS__                               \
    }
#define AS(name, of, cases_, ...)                                                                  \
    {                                                                                              \
        .op = name, .dtype = HONE_F64, .in = { { catalog_any } }, .oracle = of, .cases = cases_,   \
        .dtypes = CATALOG_ALL, .ulps = 8, .scale = 10, __VA_ARGS__                                 \
    }
#define NORM(name, p, cases_, bits_, ...)                                                          \
    {                                                                                              \
        .op = name, .note = "p " #p, .in = { { catalog_any } }, .oracle = norm_oracle, .s = p,     \
        .cases = cases_, .bits = bits_, .ulps = 16, .scale = 1, __VA_ARGS__                        \
    }
#define TRUTH(name, fill, cases_, bits_, ...)                                                      \
    {                                                                                              \
        .op = name, .in = { { fill } }, .oracle = truth_oracle, .cases = cases_, .bits = bits_,    \
        .dtypes = CATALOG_ALL, .no_gradient = "the result is a truth value", __VA_ARGS__           \
    }
#define SPREAD(name, which, cases_, bits_, ...)                                                    \
    {                                                                                              \
        .op = name, .output = which, .in = { { catalog_any } }, .oracle = spread_and_mean, .s = 1, \
        .cases = cases_, .bits = bits_, .ulps = 8, .scale = 10, __VA_ARGS__                        \
    }
#define INF (double)INFINITY

static const catalog_row rows[] = {
    SCAN("cumsum", "first", catalog_any, 0, any_or_empty, "300x70"),
    SCAN("cumsum", "last", catalog_any, -1, any_or_empty, "70x300:t"),
    SCAN("cumsum", "inside", catalog_any, 1, three, "7x300x130"),
    SCAN("cumprod", "first", catalog_any, 0, any_or_empty, "30x70"),
    SCAN("cumprod", "last", catalog_any, -1, any_or_empty, "70x30:t"),
    SCAN("cumprod", "one zero", fill_one_zero, -1, any_or_empty, "7x30"),
    SCAN("cumprod", "zeros", fill_zeros, 1, three, "7x30x130"),
    PROD("prod", NULL, catalog_any, any_or_empty, "30", .flag = false),
    PROD("prod", "long", fill_about_one, not_empty, "3x9000", .flag = false),
    PROD("prod", "one zero", fill_one_zero, ((const char *const[]){ "5", "2x2:t", NULL }), NULL,
         .flag = false),
    PROD("prod", "zeros", fill_zeros, not_empty, NULL, .flag = false),
    PROD("prod_dim", "first", catalog_any, any_or_empty, "30x70", DIM(0, false)),
    PROD("prod_dim", "last", catalog_any, any_or_empty, "70x30:t", DIM(-1, true)),
    PROD("prod_dim", "inside", catalog_any, three, "7x30x130", DIM(1, true)),
    PROD("prod_dim", "one zero", fill_one_zero, not_empty, NULL, DIM(-1, false)),
    PROD("prod_dim", "zeros", fill_zeros, three, NULL, DIM(1, false)),
    AS("cumsum_as", scan_oracle, any_or_empty, .dim = -1),
    AS("cumprod_as", scan_oracle, any_or_empty, .dim = 0),
    AS("prod_as", prod_oracle, any_or_empty, .flag = false),
    AS("prod_dim_as", prod_oracle, three, DIM(1, true)),
    NORM("norm", 2, any_or_empty, "3x9000", .flag = false),
    NORM("norm", 1, any_or_empty, "3x9000", .flag = false),
    NORM("norm", 0, any_or_empty, "3x9000", .flag = false),
    NORM("norm", INF, not_empty, "3x9000", .flag = false),
    NORM("norm", -INF, not_empty, "3x9000", .flag = false),
    NORM("norm", 3, any_or_empty, "3x900", .flag = false),
    NORM("norm", 0.5, any_or_empty, "3x90", .flag = false),
    NORM("norm", 1.5, any_or_empty, "3x900", .flag = false),
    NORM("norm", -1, not_empty, "3x900", .flag = false),
    NORM("norm_dim", 2, any_or_empty, "300x70", DIM(0, true)),
    NORM("norm_dim", 1, any_or_empty, "70x300:t", DIM(-1, false)),
    NORM("norm_dim", INF, not_empty, "70x300", DIM(-1, false)),
    NORM("norm_dim", 2.5, any_or_empty, "70x300", DIM(-1, true)),
    NORM("norm_dims", 2, three, "70x3x130", DIMS(false, 0, 2)),
    NORM("norm_dims", 3, three, "7x30x13", DIMS(true, 1, 0)),
    NORM("norm_dims", -INF, three, "7x30x13", DIMS(true, 1)),
    TRUTH("any", fill_zeros, any_or_empty, "3x900", .flag = false),
    TRUTH("any_dim", fill_one_zero, any_or_empty, "70x300:t", DIM(-1, true)),
    TRUTH("any_dim", fill_zeros, any_or_empty, "70x300", DIM(0, false)),
    TRUTH("any_dims", fill_zeros, three, "7x30x13", DIMS(false, 0, 2)),
    TRUTH("all", fill_zeros, any_or_empty, "3x900", .flag = false),
    TRUTH("all_dim", fill_one_zero, any_or_empty, "70x300:t", DIM(-1, true)),
    TRUTH("all_dim", fill_zeros, any_or_empty, "70x300", DIM(0, false)),
    TRUTH("all_dims", fill_one_zero, three, "7x30x13", DIMS(false, 0, 2)),
    SPREAD("var_mean", 0, deviating, "3x900", .flag = false),
    SPREAD("var_mean", 1, deviating, "3x900", .flag = false),
    SPREAD("var_mean_dim", 0, deviating, "70x300", DIM(-1, true)),
    SPREAD("var_mean_dim", 1, deviating, "70x300:t", DIM(0, false)),
    SPREAD("var_mean_dims", 0, three, "7x30x13", DIMS(true, 1, 0)),
    SPREAD("var_mean_dims", 1, three, "7x30x13", DIMS(false, 0, 2)),
    SPREAD("std_mean", 0, deviating, "3x900", .flag = false),
    SPREAD("std_mean", 1, deviating, "3x900", .flag = false),
    SPREAD("std_mean_dim", 0, deviating, "70x300", DIM(-1, true)),
    SPREAD("std_mean_dim", 1, deviating, "70x300:t", DIM(0, false)),
    SPREAD("std_mean_dims", 0, three, "7x30x13", DIMS(true, 1, 0)),
    SPREAD("std_mean_dims", 1, three, "7x30x13", DIMS(false, 0, 2)),
};
CATALOG_FAMILY(scan);
