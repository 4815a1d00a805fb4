/* catalog_softmax.c: rows of src/ops/softmax.c and of what cast_first.c makes of it. */
#include "catalog.h"

#include <math.h>
#include <string.h>

static const char *const one[] = { "3x4",   "7", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                   "1x4x1", ".", "0",     "2x0x3",   "40x3",    NULL };
static const char *const one_middle[] = { "4x3x2", "4x3x2:s", "2x3x4:t", "3x5x2:e", "2x0x3", NULL };
static const char *const two[] = { "3x4 3x4", "3x4:t 3x4", "4x3x2:s 4x3x2:t", "7 7", ". .",
                                   "0 0",     "3x4:e 3x4", "2x0x3 2x0x3",     NULL };
static const char *const two_middle[] = { "4x3x2 4x3x2", "4x3x2:s 4x3x2:t", "2x3x4:t 2x3x4", NULL };

/* One row along the dim: n elements `step` apart. */
typedef void (*row_function)(const double *a, const double *b, double *out, int64_t n,
                             int64_t step);

static void softmax_row(const double *x, const double *none, double *y, int64_t n, int64_t step)
{
    double sum = 0;
    (void)none;
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i * step]);
    for (int64_t i = 0; i < n; i++)
        y[i * step] = exp(x[i * step]) / sum;
}

static void log_softmax_row(const double *x, const double *none, double *y, int64_t n, int64_t step)
{
    double sum = 0;
    (void)none;
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i * step]);
    for (int64_t i = 0; i < n; i++)
        y[i * step] = x[i * step] - log(sum);
}

static void softmax_backward_row(const double *dy, const double *y, double *dx, int64_t n,
                                 int64_t step)
{
    double dot = 0;
    for (int64_t i = 0; i < n; i++)
        dot += dy[i * step] * y[i * step];
    for (int64_t i = 0; i < n; i++)
        dx[i * step] = y[i * step] * (dy[i * step] - dot);
}

static void log_softmax_backward_row(const double *dy, const double *y, double *dx, int64_t n,
                                     int64_t step)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += dy[i * step];
    for (int64_t i = 0; i < n; i++)
        dx[i * step] = dy[i * step] - exp(y[i * step]) * sum;
}

static row_function function_of(const char *op)
{
    if (strcmp(op, "softmax") == 0 || strcmp(op, "softmax_as") == 0)
        return softmax_row;
    if (strcmp(op, "log_softmax") == 0 || strcmp(op, "log_softmax_as") == 0)
        return log_softmax_row;
    return op[0] == 's' ? softmax_backward_row : log_softmax_backward_row;
}

static void oracle(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    const hone_dtype dtype = strstr(row->op, "_as") ? row->dtype : in->dtype;
    const int dim = row->dim < 0 ? row->dim + in->ndim : row->dim;
    catalog_shape(out, hone_dtype_is_float(dtype) ? dtype : HONE_F32, in->ndim, in->shape);
    int64_t n = in->ndim ? in->shape[dim] : 1, step = 1;
    for (int d = dim + 1; d < in->ndim; d++)
        step *= in->shape[d];
    for (int64_t i = 0; i < in->numel; i++)
        if (i / step % n == 0)
            function_of(row->op)(in[0].at + i, in[n_in - 1].at + i, out->at + i, n, step);
}

#define ONE(name, at)                                                                              \
    .op = #name, .note = "dim " #at, .dim = at, .in = { { catalog_any } }, .oracle = oracle,       \
    .ulps = 8, .scale = 4
#define TWO(name, at)                                                                              \
    .op = #name, .note = "dim " #at, .dim = at, .in = { { catalog_any } }, .oracle = oracle,       \
    .ulps = 16, .scale = 20

static const catalog_row rows[] = {
    { ONE(softmax, -1), .cases = one, .dtypes = CATALOG_ALL, .bits = "70x300" },
    { ONE(softmax, 0), .cases = one, .bits = "300x70" },
    { ONE(softmax, 1), .cases = one_middle, .bits = "7x30x13:t" },
    { ONE(log_softmax, -1), .cases = one, .dtypes = CATALOG_ALL, .bits = "70x300" },
    { ONE(log_softmax, 0), .cases = one, .bits = "300x70" },
    { ONE(log_softmax, 1), .cases = one_middle, .bits = "7x30x13:t" },
    { ONE(softmax_as, -1), .cases = one, .dtypes = CATALOG_ALL, .dtype = HONE_F64 },
    { ONE(log_softmax_as, 0), .cases = one, .dtypes = CATALOG_ALL, .dtype = HONE_F64 },
    { TWO(softmax_backward, -1), .cases = two, .bits = "70x300 70x300" },
    { TWO(softmax_backward, 0), .cases = two, .bits = "300x70 300x70:t" },
    { TWO(softmax_backward, 1), .cases = two_middle, .bits = "7x30x13:t 7x30x13" },
    { TWO(log_softmax_backward, -1), .cases = two, .bits = "70x300 70x300" },
    { TWO(log_softmax_backward, 0), .cases = two, .bits = "300x70 300x70:t" },
    { TWO(log_softmax_backward, 1), .cases = two_middle, .bits = "7x30x13:t 7x30x13" },
};
CATALOG_FAMILY(softmax);
