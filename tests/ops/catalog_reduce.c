/* catalog_reduce.c: rows of src/ops/reduce.c. */
#include "catalog.h"

#include <math.h>
#include <string.h>

static const char *const any_dim[] = { "3x4",   "7", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                       "1x4x1", ".", "1",     "70x3",    NULL };
static const char *const any_or_empty[] = { "3x4", "7", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                            ".",   "0", "2x0x3", "130x2:s", NULL };
static const char *const three_dims[] = { "4x3x2", "4x3x2:s", "2x3x4:t", "3x5x2:e", "1x4x1", NULL };
static const char *const three_or_empty[] = { "4x3x2",   "4x3x2:s", "2x3x4:t", "3x5x2:e",
                                              "150x3x2", "0x3x2",   "3x2x0",   NULL };
/* Where the deviations are not all 0 (no gradient of std there). */
static const char *const two_or_more[] = { "3x4", "7",     "3x4:t", "4x3x2:s", "2x3x4:t",
                                           "2",   "3x5:e", "130x2", NULL };
static const char *const rows_of_two[] = {
    "3x4", "7", "3x4:t", "4x3x2:s", "2x3x4:t", "70x3", NULL
};
static const char *const none[] = { "0", "0x3", "3x0", "2x0x3", NULL };
static const char *const two_by_two[] = { "4x3x2", "4x3x2:s", "2x3x4:t", "3x5x2:e", NULL };
static const char *const filled_rows[] = { "3x4", "3x4:t", "3x5:e", "0x4", NULL };

/* ---- the oracle */

typedef enum { SUM, MEAN, VAR, STD, MAX, MIN, ARGMAX, ARGMIN, LOGSUMEXP } kind;

static kind kind_of(const catalog_row *row)
{
    static const struct {
        const char *prefix;
        kind kind;
    } kinds[] = { { "sum", SUM },       { "mean", MEAN },     { "var", VAR },
                  { "std", STD },       { "max", MAX },       { "min", MIN },
                  { "argmax", ARGMAX }, { "argmin", ARGMIN }, { "logsumexp", LOGSUMEXP } };
    int i = 0;
    while (strncmp(row->op, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
        i++;
    return kinds[i].kind;
}

static unsigned bit_of(int64_t dim, int ndim)
{
    return ndim ? 1u << (dim < 0 ? dim + ndim : dim) : 0;
}

unsigned catalog_reduced_dims(const catalog_row *row, int ndim)
{
    const size_t length = strlen(row->op);
    if (length > 5 && strcmp(row->op + length - 5, "_dims") == 0) {
        unsigned mask = 0;
        for (int i = 0; i < row->n_dims; i++)
            mask |= bit_of(row->dims[i], ndim);
        return mask;
    }
    const bool one = (length > 4 && strcmp(row->op + length - 4, "_dim") == 0) ||
                     strcmp(row->op, "prod_dim_as") == 0 || strncmp(row->op, "arg", 3) == 0 ||
                     row->op[0] == 'l' || strcmp(row->op, "kthvalue") == 0 ||
                     strcmp(row->op, "mode") == 0;
    return one ? bit_of(row->dim, ndim) : (1u << ndim) - 1;
}

static hone_dtype result(kind k, hone_dtype dtype)
{
    const bool is_float = hone_dtype_is_float(dtype);
    if (k == ARGMAX || k == ARGMIN || (k == SUM && !is_float))
        return HONE_I64;
    return k == LOGSUMEXP && !is_float ? HONE_F32 : dtype;
}

static bool beats(kind k, double value, double best)
{
    return k == MAX || k == ARGMAX ? value > best : value < best;
}

static double variance(const double *values, int64_t n, double correction)
{
    double mean = 0, m2 = 0;
    for (int64_t i = 0; i < n; i++)
        mean += values[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        m2 += (values[i] - mean) * (values[i] - mean);
    return m2 / fmax(0, (double)n - correction);
}

/* The input's elements of one output, in order, into one value. */
static double reduce(kind k, double correction, const double *values, int64_t n)
{
    double sum = 0, best = n ? values[0] : 0;
    int64_t place = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += k == LOGSUMEXP ? exp(values[i]) : values[i];
        if (beats(k, values[i], best)) {
            best = values[i];
            place = i;
        }
    }
    switch (k) {
    case SUM:
        return sum;
    case MEAN:
        return sum / (double)n;
    case VAR:
        return variance(values, n, correction);
    case STD:
        return sqrt(variance(values, n, correction));
    case LOGSUMEXP:
        return log(sum);
    case ARGMAX:
    case ARGMIN:
        return (double)place;
    default:
        return best;
    }
}

void catalog_reduced(const catalog_row *row, const catalog_array *in, hone_dtype dtype,
                     double (*of)(const catalog_row *row, const double *values, int64_t n),
                     catalog_array *out)
{
    const unsigned mask = catalog_reduced_dims(row, in->ndim);
    static double values[1 << 20]; /* [output][reduced] */
    int64_t shape[HONE_MAX_DIMS], each = 1;
    int ndim = 0;
    for (int d = 0; d < in->ndim; d++) {
        if (!(mask >> d & 1))
            shape[ndim++] = in->shape[d];
        else if (row->flag)
            shape[ndim++] = 1;
        each *= mask >> d & 1 ? in->shape[d] : 1;
    }
    catalog_shape(out, dtype, ndim, shape);
    for (int64_t i = 0; i < in->numel; i++) {
        int64_t to = 0, element = 0, to_size = 1, element_size = 1, rest = i;
        for (int d = in->ndim - 1; d >= 0; rest /= in->shape[d--]) {
            const bool gone = mask >> d & 1;
            *(gone ? &element : &to) += rest % in->shape[d] * (gone ? element_size : to_size);
            *(gone ? &element_size : &to_size) *= in->shape[d];
        }
        values[to * each + element] = in->at[i];
    }
    for (int64_t i = 0; i < out->numel; i++)
        out->at[i] = of(row, values + i * each, each);
}

static double reduce_row(const catalog_row *row, const double *values, int64_t n)
{
    return reduce(kind_of(row), row->s, values, n);
}

static void oracle(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    (void)n_in;
    catalog_reduced(row, in, result(kind_of(row), in->dtype), reduce_row, out);
}

/* ---- rows */

#define SUMS          .in = { { catalog_any } }, .oracle = oracle, .ulps = 8, .scale = 10
#define DIM(at, keep) .note = "dim " #at, .dim = at, .flag = keep
#define DIMS(keep, ...)                                                                            \
    .note = #__VA_ARGS__, .dims = { __VA_ARGS__ },                                                 \
    .n_dims = sizeof((int[]){ __VA_ARGS__ }) / sizeof(int), .flag = keep

#define VARIANCE(c) SUMS, .s = c

#define EXTREME .in = { { catalog_apart } }, .oracle = oracle
#define PLACE   EXTREME, .dtypes = CATALOG_ALL, .no_gradient = "the result is an index"

static const catalog_row rows[] = {
    { .op = "sum", SUMS, .cases = any_or_empty, .dtypes = CATALOG_ALL, .bits = "3x9000" },
    { .op = "sum", SUMS, .cases = any_or_empty, .note = "strided", .bits = "90x300:t" },
    { .op = "sum_dim",
      DIM(0, false),
      SUMS,
      .cases = any_or_empty,
      .dtypes = CATALOG_ALL,
      .bits = "300x70" },
    { .op = "sum_dim", DIM(0, true), SUMS, .cases = any_or_empty, .bits = "300x70:s" },
    { .op = "sum_dim",
      DIM(-1, true),
      SUMS,
      .cases = any_or_empty,
      .dtypes = CATALOG_ALL,
      .bits = "5x9000" },
    { .op = "sum_dim", DIM(-1, false), SUMS, .cases = any_or_empty, .bits = "5x9000:t" },
    { .op = "sum_dims",
      DIMS(false, 0, 2),
      SUMS,
      .cases = three_or_empty,
      .dtypes = CATALOG_ALL,
      .bits = "70x3x130" },
    { .op = "sum_dims", DIMS(true, 1, 0), SUMS, .cases = three_or_empty, .bits = "70x30x13" },
    { .op = "sum_dims", DIMS(true, 1), SUMS, .cases = three_or_empty, .bits = "7x300x13" },
    { .op = "sum_dims",
      DIMS(false, -1, 0, 1),
      SUMS,
      .cases = three_or_empty,
      .bits = "7x30x130:t" },
    { .op = "mean", SUMS, .cases = any_or_empty, .bits = "3x9000" },
    { .op = "mean_dim", DIM(0, false), SUMS, .cases = any_or_empty, .bits = "300x70" },
    { .op = "mean_dim", DIM(-1, true), SUMS, .cases = any_dim, .bits = "5x9000" },
    { .op = "mean_dims", DIMS(false, 0, 2), SUMS, .cases = three_or_empty, .bits = "70x3x130" },
    { .op = "mean_dims", DIMS(true, 1), SUMS, .cases = three_dims, .bits = "7x300x13" },
    { .op = "var", VARIANCE(1), .cases = two_or_more, .bits = "3x9000" },
    { .op = "var", VARIANCE(0), .note = "of all", .cases = two_or_more, .bits = "90x300:t" },
    { .op = "var_dim", DIM(0, false), VARIANCE(1), .cases = rows_of_two, .bits = "300x70" },
    { .op = "var_dim", DIM(0, true), VARIANCE(0), .cases = rows_of_two, .bits = "300x70:s" },
    { .op = "var", VARIANCE(1), .note = "of none", .cases = none, .bits = "0" },
    { .op = "var_dim", DIM(0, true), VARIANCE(0), .cases = none, .bits = "0x3" },
    { .op = "var_dim", DIM(-1, true), VARIANCE(1), .cases = rows_of_two, .bits = "5x9000" },
    { .op = "var_dim", DIM(-1, false), VARIANCE(0.5), .cases = rows_of_two, .bits = "5x9000:t" },
    { .op = "var_dims", DIMS(false, 0, 2), VARIANCE(1), .cases = three_dims, .bits = "70x3x130" },
    { .op = "var_dims", DIMS(true, 0, 1), VARIANCE(0), .cases = three_dims, .bits = "70x30x13" },
    { .op = "var_dims", DIMS(true, 1), VARIANCE(0), .cases = three_dims, .bits = "7x300x13" },
    { .op = "std", VARIANCE(1), .cases = two_or_more, .bits = "3x9000" },
    { .op = "std", VARIANCE(1), .note = "of none", .cases = none, .bits = "0" },
    { .op = "std_dim", DIM(0, true), VARIANCE(0), .cases = rows_of_two, .bits = "300x70" },
    { .op = "std_dim", DIM(-1, false), VARIANCE(1), .cases = rows_of_two, .bits = "5x9000" },
    { .op = "std_dims", DIMS(false, 0, 2), VARIANCE(1), .cases = two_by_two, .bits = "70x3x130" },
    { .op = "max", EXTREME, .cases = any_dim, .dtypes = CATALOG_ALL, .bits = "3x9000" },
    { .op = "min", EXTREME, .cases = any_dim, .dtypes = CATALOG_ALL, .bits = "3x9000" },
    { .op = "max_dim",
      DIM(-1, false),
      EXTREME,
      .cases = any_dim,
      .dtypes = CATALOG_ALL,
      .bits = "5x9000" },
    { .op = "max_dim", DIM(0, true), EXTREME, .cases = any_dim, .bits = "300x70" },
    { .op = "max_dim", DIM(1, false), EXTREME, .cases = filled_rows, .bits = "70x300:t" },
    { .op = "min_dim",
      DIM(-1, false),
      EXTREME,
      .cases = any_dim,
      .dtypes = CATALOG_ALL,
      .bits = "5x9000" },
    { .op = "min_dim", DIM(0, true), EXTREME, .cases = any_dim, .bits = "300x70" },
    { .op = "max_dims",
      DIMS(false, 0, 2),
      EXTREME,
      .cases = three_dims,
      .dtypes = CATALOG_ALL,
      .bits = "70x3x130" },
    { .op = "max_dims", DIMS(true, 1, 0), EXTREME, .cases = three_dims, .bits = "70x30x13:s" },
    { .op = "min_dims",
      DIMS(false, 0, 2),
      EXTREME,
      .cases = three_dims,
      .dtypes = CATALOG_ALL,
      .bits = "70x3x130" },
    { .op = "min_dims", DIMS(true, 1, 0), EXTREME, .cases = three_dims, .bits = "70x30x13:s" },
    { .op = "argmax", DIM(-1, false), PLACE, .cases = any_dim, .bits = "5x9000" },
    { .op = "argmax", DIM(0, true), PLACE, .cases = any_dim, .bits = "300x70" },
    { .op = "argmax", DIM(1, false), PLACE, .cases = filled_rows, .bits = "70x300:t" },
    { .op = "argmax", DIM(0, false), PLACE, .cases = three_dims, .bits = "300x7x3:s" },
    { .op = "argmin", DIM(-1, false), PLACE, .cases = any_dim, .bits = "5x9000" },
    { .op = "argmin", DIM(0, true), PLACE, .cases = any_dim, .bits = "300x70" },
    { .op = "logsumexp",
      DIM(-1, false),
      SUMS,
      .cases = any_dim,
      .dtypes = CATALOG_ALL,
      .bits = "70x300" },
    { .op = "logsumexp", DIM(0, true), SUMS, .cases = any_or_empty, .bits = "300x70" },
    { .op = "logsumexp", DIM(1, false), SUMS, .cases = three_dims, .bits = "7x300x3:t" },
    { .op = "logsumexp_dims",
      DIMS(false, 0, 2),
      SUMS,
      .cases = three_dims,
      .dtypes = CATALOG_ALL,
      .bits = "70x3x130" },
    { .op = "logsumexp_dims", DIMS(true, 1, 0), SUMS, .cases = three_or_empty, .bits = "70x30x13" },
    { .op = "logsumexp_dims", DIMS(true, 1), SUMS, .cases = three_dims, .bits = "7x300x13:s" },
};
CATALOG_FAMILY(reduce);
