/* catalog_statistics.c: rows of src/ops/rank.c, quantile.c, numbers.c and running.c. */
#include "catalog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const any[] = { "3x4",   "7", "3x4:t", "4x3x2:s", "2x3x4:t",
                                   "3x5:e", ".", "1x4x1", NULL };
static const char *const any_or_empty[] = { "3x4", "7", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                            ".",   "0", "2x0x3", "1x4x1",   NULL };
static const char *const three[] = { "4x3x2", "4x3x2:s", "2x3x4:t", "3x5x2:e", "1x4x1", NULL };
static const char *const third[] = { "4x3x2", "2x3x4:t", "4x5x2:s", NULL };
static const char *const of_one_q[] = { "3x4 .", "7 .", "3x4:t .", "4x3x2:s .", "3x5:e .", NULL };
static const char *const of_some_q[] = { "3x4 2", "7 3", "3x4:t 2:s", "4x3x2:s 1", NULL };

/* NaN instead of every fifth element, from the third on. */
static void fill_gaps(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    catalog_apart(row, in, i, random);
    for (int64_t k = 3; hone_dtype_is_float(in[i].dtype) && k < in[i].numel; k += 5)
        in[i].at[k] = (double)NAN;
}

/* Zeros, and whole numbers of which some are alike. */
static void fill_few(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % (in[i].dtype == HONE_BOOL ? 2 : 4));
}

/* Apart from ranks where another element's turn comes: 0.1, 0.35, 0.6 ... */
static void fill_q(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row, (void)random;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = 0.107 + 0.247 * (double)(k % 4);
}

/* ---- one row of n elements */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return isnan(x) || isnan(y) ? isnan(x) - isnan(y) : (x > y) - (x < y);
}

static int64_t sorted_of(const double *values, int64_t n, double *sorted)
{
    int64_t numbers = 0;
    memcpy(sorted, values, (size_t)n * sizeof *values);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    while (numbers < n && !isnan(sorted[numbers]))
        numbers++;
    return numbers;
}

static double place_of(const double *values, int64_t n, double value, bool last)
{
    int64_t place = -1;
    for (int64_t i = 0; i < n; i++)
        if ((values[i] == value || (isnan(value) && isnan(values[i]))) && (place < 0 || last))
            place = i;
    return (double)place;
}

static double most_frequent(const double *sorted, int64_t n)
{
    double best = sorted[0];
    for (int64_t i = 0, most = 0, run = 0; i < n; i++) {
        run = i > 0 && sorted[i] == sorted[i - 1] ? run + 1 : 1;
        best = run > most ? sorted[i] : best;
        most = run > most ? run : most;
    }
    return best;
}

static double ranked(const catalog_row *row, const double *values, int64_t n)
{
    double *sorted = malloc((size_t)n * sizeof *sorted), value;
    const int64_t numbers = sorted_of(values, n, sorted);
    const bool mode = strcmp(row->op, "mode") == 0;
    if (mode)
        value = most_frequent(sorted, n);
    else if (row->op[0] == 'k')
        value = sorted[row->start - 1];
    else if (row->op[0] == 'm')
        value = numbers < n ? (double)NAN : sorted[(n - 1) / 2];
    else
        value = numbers ? sorted[(numbers - 1) / 2] : (double)NAN;
    free(sorted);
    return row->output ? place_of(values, n, value, mode) : value;
}

static double without_nan(const catalog_row *row, const double *values, int64_t n)
{
    double sum = 0, numbers = 0, set = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += isnan(values[i]) ? 0 : values[i];
        numbers += !isnan(values[i]);
        set += values[i] != 0;
    }
    return row->op[0] == 'c' ? set : strncmp(row->op, "nansum", 6) == 0 ? sum : sum / numbers;
}

static double end(const catalog_row *row, const double *values, int64_t n)
{
    double best = values[0];
    for (int64_t i = 1; i < n; i++)
        best = row->output ? fmax(best, values[i]) : fmin(best, values[i]);
    return best;
}

static void oracle(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    (void)n_in;
    catalog_reduced(row, in, row->output ? HONE_I64 : in->dtype, ranked, out);
}

static void sum_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    (void)n_in;
    catalog_reduced(row, in,
                    row->op[0] != 'c' && hone_dtype_is_float(in->dtype) ? in->dtype : HONE_I64,
                    without_nan, out);
}

static void end_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    (void)n_in;
    catalog_reduced(row, in, in->dtype, end, out);
}

/* ---- quantiles: q's k in front */

static double q_now; /* of the row below */
static int interpolation_of(const catalog_row *row)
{
    return catalog_choice(row, "interpolation",
                          "HONE_QUANTILE_LINEAR, HONE_QUANTILE_LOWER, HONE_QUANTILE_HIGHER, "
                          "HONE_QUANTILE_NEAREST, HONE_QUANTILE_MIDPOINT");
}

static double quantile_of(const catalog_row *row, const double *values, int64_t n)
{
    double *sorted = malloc((size_t)n * sizeof *sorted);
    int64_t numbers = sorted_of(values, n, sorted);
    if (row->op[0] == 'q' && numbers < n)
        numbers = 0;
    const double rank = q_now * (double)(numbers - 1), low = sorted[(int)floor(rank)],
                 high = sorted[(int)ceil(rank)];
    const int mode = interpolation_of(row);
    double y = mode == HONE_QUANTILE_LOWER      ? low
               : mode == HONE_QUANTILE_HIGHER   ? high
               : mode == HONE_QUANTILE_NEAREST  ? sorted[(int)nearbyint(rank)]
               : mode == HONE_QUANTILE_MIDPOINT ? low + (high - low) / 2
                                                : low + (high - low) * (rank - floor(rank));
    free(sorted);
    return numbers ? y : (double)NAN;
}

static void quantile_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    const catalog_array *q = in + 1;
    int64_t shape[HONE_MAX_DIMS], each = 0;
    (void)n_in;
    for (int64_t k = 0; k < q->numel; k++) {
        catalog_array one = { 0 };
        q_now = q->at[k];
        catalog_reduced(row, in, in->dtype, quantile_of, &one);
        if (k == 0) {
            shape[0] = q->numel;
            memcpy(shape + q->ndim, one.shape, (size_t)one.ndim * sizeof *shape);
            catalog_shape(out, in->dtype, one.ndim + q->ndim, shape);
            each = one.numel;
        }
        memcpy(out->at + k * each, one.at, (size_t)each * sizeof *one.at);
        free(one.at);
    }
}

/* ---- running */

static void running_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    const int dim = row->dim < 0 ? row->dim + in->ndim : row->dim;
    const bool log_of = row->op[0] == 'l', largest = strcmp(row->op, "cummax") == 0;
    int64_t inner = 1;
    (void)n_in;
    for (int d = dim + 1; d < in->ndim; d++)
        inner *= in->shape[d];
    catalog_shape(out,
                  row->output                                 ? HONE_I64
                  : !log_of || hone_dtype_is_float(in->dtype) ? in->dtype
                                                              : HONE_F32,
                  in->ndim, in->shape);
    for (int64_t k = 0; k < in->numel; k++) {
        const int64_t place = in->ndim ? k / inner % in->shape[dim] : 0;
        double sum = 0;
        int64_t best = 0;
        for (int64_t i = 0; i <= place; i++) {
            const double x = in->at[k - (place - i) * inner],
                         most = in->at[k - (place - best) * inner];
            sum += exp(x);
            best = largest ? (x >= most ? i : best) : x <= most ? i : best;
        }
        out->at[k] = log_of        ? log(sum)
                     : row->output ? (double)best
                                   : in->at[k - (place - best) * inner];
    }
}

/* ---- rows */

#define DIM(at, keep) .dim = at, .flag = keep
#define DIMS(keep, ...)                                                                            \
    .dims = { __VA_ARGS__ }, .n_dims = sizeof((int[]){ __VA_ARGS__ }) / sizeof(int), .flag = keep
#define ROW(name, note_, fill, of, cases_, bits_, ...)                                             \
    {                                                                                              \
        .op = name, .note = note_, .in = { { fill } }, .oracle = of, .cases = cases_,              \
        .bits = bits_, __VA_ARGS__                                                                 \
    }
#define ALL       .dtypes = CATALOG_ALL
#define OF_NAN    .no_gradient = "of NaN, where differences say nothing"
#define PLACES    .output = 1, .no_gradient = "indices", ALL
#define APPROX    .ulps = 8, .scale = 10
#define TEXT(...) .attributes = __VA_ARGS__
#define RANKS(name, note_, fill, cases_, ...)                                                      \
    ROW(name, note_, fill, oracle, cases_, "37x7x9", ALL, __VA_ARGS__),                            \
        ROW(name, note_ ", indices", fill, oracle, cases_, "37x7x9", PLACES, __VA_ARGS__)
#define QUANTILE(name, note_, fill, cases_, bits_, ...)                                            \
    {                                                                                              \
        .op = name, .note = note_, .in = { { fill }, { fill_q } }, .oracle = quantile_oracle,      \
        .cases = cases_, .bits = bits_, .ulps = 32, .scale = 1, __VA_ARGS__                        \
    }

static const catalog_row rows[] = {
    ROW("median", NULL, catalog_apart, oracle, any, "37x70", ALL),
    ROW("median", "NaN", fill_gaps, oracle, any, "37x70", OF_NAN),
    ROW("nanmedian", NULL, fill_gaps, oracle, any, "37x70", ALL, OF_NAN),
    ROW("nanmedian", "no NaN", catalog_apart, oracle, any, "3x900", .flag = false),
    RANKS("median_dim", "last", catalog_apart, any, DIM(-1, false)),
    RANKS("median_dim", "first", catalog_apart, any, DIM(0, true)),
    RANKS("nanmedian_dim", "last", catalog_apart, any, DIM(-1, true)),
    ROW("nanmedian_dim", "NaN", fill_gaps, oracle, any, "37x70", OF_NAN, DIM(0, false)),
    RANKS("kthvalue", "smallest", catalog_apart, any, TEXT("k=1 dim=-1 keepdim=false"), .start = 1,
          DIM(-1, false)),
    RANKS("kthvalue", "third", catalog_apart, third, TEXT("k=3 dim=1 keepdim=true"), .start = 3,
          DIM(1, true)),
    RANKS("mode", "last", catalog_apart, any, DIM(-1, false)),
    ROW("mode", "ties", fill_few, oracle, any, "37x70", ALL, DIM(0, true),
        .no_gradient = "of ties, where differences say nothing"),
    ROW("mode", "ties, indices", fill_few, oracle, any, "37x70", PLACES, DIM(-1, true)),
    QUANTILE("quantile", "linear", catalog_apart, of_one_q, "37x70 .",
             TEXT("interpolation=linear")),
    QUANTILE("quantile", "nearest", catalog_apart, of_some_q, "37x70 3",
             TEXT("interpolation=nearest")),
    QUANTILE("quantile_dim", "linear", catalog_apart, of_some_q, "37x70 3",
             TEXT("dim=-1 keepdim=true interpolation=linear"), DIM(-1, true)),
    QUANTILE("quantile_dim", "midpoint", catalog_apart, of_one_q, "37x70 .",
             TEXT("dim=0 keepdim=false interpolation=midpoint"), DIM(0, false)),
    QUANTILE("quantile_dim", "lower", catalog_apart, of_some_q, "37x70 3",
             TEXT("dim=0 keepdim=false interpolation=lower"), DIM(0, false)),
    QUANTILE("nanquantile", "NaN", fill_gaps, of_some_q, "37x70 3", TEXT("interpolation=higher"),
             OF_NAN),
    QUANTILE("nanquantile", "no NaN", catalog_apart, of_one_q, "37x70 .",
             TEXT("interpolation=linear")),
    QUANTILE("nanquantile_dim", "no NaN", catalog_apart, of_some_q, "37x70 3",
             TEXT("dim=0 keepdim=true interpolation=linear"), DIM(0, true)),
    ROW("nansum", "NaN", fill_gaps, sum_oracle, any_or_empty, "70x300", ALL, OF_NAN, APPROX),
    ROW("nansum", NULL, catalog_any, sum_oracle, any_or_empty, "70x300", APPROX),
    ROW("nansum_dim", NULL, catalog_any, sum_oracle, any_or_empty, "70x300", APPROX, DIM(-1, true)),
    ROW("nansum_dims", NULL, catalog_any, sum_oracle, three, "7x30x13", APPROX, DIMS(false, 0, 2)),
    ROW("nanmean", NULL, catalog_any, sum_oracle, any, "70x300", APPROX),
    ROW("nanmean", "NaN", fill_gaps, sum_oracle, any, "70x300", OF_NAN, APPROX),
    ROW("nanmean_dim", NULL, catalog_any, sum_oracle, any, "70x300", APPROX, DIM(0, false)),
    ROW("nanmean_dims", NULL, catalog_any, sum_oracle, three, "7x30x13", APPROX, DIMS(true, 0, 2)),
    ROW("count_nonzero", NULL, fill_few, sum_oracle, any_or_empty, "70x300", ALL,
        .no_gradient = "a count"),
    ROW("count_nonzero_dim", NULL, fill_few, sum_oracle, any_or_empty, "70x300", ALL,
        .no_gradient = "a count", DIM(0, true)),
    ROW("count_nonzero_dims", NULL, fill_few, sum_oracle, three, "7x30x13", ALL,
        .no_gradient = "a count", DIMS(false, 1, 2)),
    ROW("aminmax", "min", catalog_apart, end_oracle, any, "70x300", ALL),
    ROW("aminmax", "max", catalog_apart, end_oracle, any, "70x300", ALL, .output = 1),
    ROW("aminmax_dim", "min", catalog_apart, end_oracle, any, "70x300", ALL, DIM(-1, true)),
    ROW("aminmax_dim", "max", catalog_apart, end_oracle, any, "70x300", ALL, .output = 1,
        DIM(0, false)),
    ROW("cummax", "last", catalog_apart, running_oracle, any_or_empty, "7x30x130", ALL, .dim = -1),
    ROW("cummax", "indices", fill_few, running_oracle, any_or_empty, "7x30x130", PLACES, .dim = -1),
    ROW("cummin", "first", catalog_apart, running_oracle, any_or_empty, "7x30x130", ALL, .dim = 0),
    ROW("cummin", "indices", fill_few, running_oracle, three, "7x30x130", PLACES, .dim = 1),
    ROW("logcumsumexp", "last", catalog_any, running_oracle, any_or_empty, "7x30x130", ALL,
        .dim = -1, .ulps = 8, .scale = 1),
    ROW("logcumsumexp", "inside", catalog_any, running_oracle, three, "7x30x130", ALL, .dim = 1,
        .ulps = 8, .scale = 1),
};
CATALOG_FAMILY(statistics);
