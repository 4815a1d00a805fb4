/* catalog_arrange.c: rows of src/ops/arrange.c and triangle.c. */
#include "catalog.h"

#include <string.h>

static const char *const any_case[] = { "3x4",   "7", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                        "1x4x1", ".", "0",     "2x0x3",   NULL };
static const char *const two_dims[] = { "3x4", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                        "1x4", "0x3",   "2x3x0",   NULL };
static const char *const three[] = { "4x3x2", "4x3x2:s", "2x3x4:t", "3x5x2:e", "0x3x2", NULL };
static const char *const up_to_two[] = { "3x4", "7", "3x4:t", "4x3:s", "3x5:e", ".", "0x3", NULL };
static const char *const from_dim_1[] = { "3x4:t 3x4", "0x4 0x4", "4:s 4", NULL };
static const char *const stacked[] = {
    "3x4 3x4", "3x4:t 3x4:s 3x4:e", "3x4", "0x4 0x4", "7 7:s", ". .", NULL
};

/* Where in x element `c` of the result comes from: coordinates in x into `at`; false: it is 0. */
typedef bool (*mapping)(const catalog_row *row, const catalog_array *x, const int64_t *c,
                        int64_t *at);

static void map(const catalog_row *row, const catalog_array *x, int ndim, const int64_t *shape,
                mapping from, catalog_array *out)
{
    catalog_shape(out, x->dtype, ndim, shape);
    for (int64_t k = 0; k < out->numel; k++) {
        int64_t c[HONE_MAX_DIMS], at[HONE_MAX_DIMS], place = 0, rest = k;
        for (int d = ndim - 1; d >= 0; rest /= shape[d--])
            c[d] = rest % shape[d];
        const bool there = from(row, x, c, at);
        for (int d = 0; d < x->ndim; d++)
            place = place * x->shape[d] + at[d];
        out->at[k] = there ? x->at[place] : 0;
    }
}

static int dim_of(int64_t dim, int ndim)
{
    return (int)(dim < 0 ? dim + ndim : dim);
}

static bool flipped(const catalog_row *row, const catalog_array *x, const int64_t *c, int64_t *at)
{
    const catalog_dims_end dims = catalog_dims(row, "dims");
    memcpy(at, c, sizeof *c * (size_t)x->ndim);
    for (int i = 0; x->ndim && dims.at[i] != HONE_END_DIM; i++) {
        const int d = dim_of(dims.at[i], x->ndim);
        at[d] = x->shape[d] - 1 - c[d];
    }
    return true;
}

static void flip_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    (void)n_in;
    map(row, in, in->ndim, in->shape, flipped, out);
}

static bool rolled(const catalog_row *row, const catalog_array *x, const int64_t *c, int64_t *at)
{
    const catalog_dims_end dims = catalog_dims(row, "dims"), shifts = catalog_dims(row, "shifts");
    memcpy(at, c, sizeof *c * (size_t)x->ndim);
    for (int i = 0; x->ndim && dims.at[i] != HONE_END_DIM; i++) {
        const int d = dim_of(dims.at[i], x->ndim);
        at[d] = ((at[d] - shifts.at[i]) % x->shape[d] + x->shape[d]) % x->shape[d];
    }
    return true;
}

static void roll_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    const int64_t shift = catalog_dims(row, "shifts").at[0];
    (void)n_in;
    map(row, in, in->ndim, in->shape, rolled, out);
    if (catalog_dims(row, "dims").at[0] == HONE_END_DIM)
        for (int64_t k = 0; k < in->numel; k++)
            out->at[((k + shift) % in->numel + in->numel) % in->numel] = in->at[k];
}

static bool repeated(const catalog_row *row, const catalog_array *x, const int64_t *c, int64_t *at)
{
    const catalog_dims_end repeats = catalog_dims(row, "repeats");
    int n = 0;
    while (repeats.at[n] != HONE_END_DIM)
        n++;
    for (int d = 0; d < x->ndim; d++)
        at[d] = c[d + n - x->ndim] % x->shape[d];
    return true;
}

static void repeat_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    const catalog_dims_end repeats = catalog_dims(row, "repeats");
    int64_t shape[HONE_MAX_DIMS];
    int n = 0;
    (void)n_in;
    while (repeats.at[n] != HONE_END_DIM)
        n++;
    for (int d = 0; d < n; d++)
        shape[d] = repeats.at[d] * (d < n - in->ndim ? 1 : in->shape[d - (n - in->ndim)]);
    map(row, in, n, shape, repeated, out);
}

static bool interleaved(const catalog_row *row, const catalog_array *x, const int64_t *c,
                        int64_t *at)
{
    memcpy(at, c, sizeof *c * (size_t)x->ndim);
    if (x->ndim)
        at[dim_of(catalog_int(row, "dim"), x->ndim)] /= catalog_int(row, "repeats");
    return true;
}

static void repeat_interleave_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                                     catalog_array *out)
{
    int64_t shape[HONE_MAX_DIMS] = { 1 };
    (void)n_in;
    memcpy(shape, in->shape, sizeof *shape * (size_t)in->ndim);
    shape[in->ndim ? dim_of(catalog_int(row, "dim"), in->ndim) : 0] *= catalog_int(row, "repeats");
    map(row, in, in->ndim ? in->ndim : 1, shape, interleaved, out);
}

static bool in_triangle(const catalog_row *row, const catalog_array *x, const int64_t *c,
                        int64_t *at)
{
    const int64_t over = c[x->ndim - 1] - c[x->ndim - 2] - catalog_int(row, "diagonal");
    memcpy(at, c, sizeof *c * (size_t)x->ndim);
    return strcmp(row->op, "tril") == 0 ? over <= 0 : over >= 0;
}

static void triangle_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                            catalog_array *out)
{
    (void)n_in;
    map(row, in, in->ndim, in->shape, in_triangle, out);
}

static void stack_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    const int dim = row->dim < 0 ? row->dim + in->ndim + 1 : row->dim;
    int64_t shape[HONE_MAX_DIMS], inner = 1;
    for (int d = 0; d <= in->ndim; d++)
        shape[d] = d == dim ? n_in : in->shape[d - (d > dim)];
    for (int d = dim; d < in->ndim; d++)
        inner *= in->shape[d];
    catalog_shape(out, in->dtype, in->ndim + 1, shape);
    for (int64_t k = 0; k < out->numel; k++)
        out->at[k] = in[k / inner % n_in].at[k / inner / n_in * inner + k % inner];
}

/* ---- rows */

#define ROW(name, text, cases_, bits_, oracle_)                                                    \
    {                                                                                              \
        .op = #name, .note = text, .attributes = text, .cases = cases_, .bits = bits_,             \
        .dtypes = CATALOG_ALL, .in = { { catalog_any } }, .oracle = oracle_                        \
    }
#define SUMS(name, text, cases_, bits_, oracle_)                                                   \
    {                                                                                              \
        .op = #name, .note = text, .attributes = text, .cases = cases_, .bits = bits_,             \
        .dtypes = CATALOG_ALL, .in = { { catalog_any } }, .oracle = oracle_, .ulps = 8,            \
        .scale = 10                                                                                \
    }
#define STACK(at, cases_, bits_)                                                                   \
    {                                                                                              \
        .op = "stack", .note = "dim " #at, .dim = at, .cases = cases_, .bits = bits_,              \
        .dtypes = CATALOG_ALL, .in = { { catalog_any } }, .oracle = stack_oracle                   \
    }

static const catalog_row rows[] = {
    STACK(0, stacked, "70x30:t 70x30 70x30:s"),
    STACK(-1, stacked, "70x30:t 70x30"),
    STACK(1, from_dim_1, "7x30 7x30"),
    ROW(flip, "dims=0", any_case, "300x70", flip_oracle),
    ROW(flip, "dims=-1", any_case, "70x301:t", flip_oracle),
    ROW(flip, "dims=0,-1", two_dims, "70x300", flip_oracle),
    ROW(flip, "dims=2,0", three, "7x30x20", flip_oracle),
    ROW(flip, "dims=1", three, "7x30x20", flip_oracle),
    ROW(roll, "shifts=1 dims=0", any_case, "300x70", roll_oracle),
    ROW(roll, "shifts=-2 dims=-1", any_case, "70x300:t", roll_oracle),
    ROW(roll, "shifts=5,-4 dims=0,1", three, "7x30x20", roll_oracle),
    ROW(roll, "shifts=1,2,3 dims=0,2,0", three, "7x30x20", roll_oracle),
    ROW(roll, "shifts=-3", any_case, "70x300", roll_oracle),
    SUMS(repeat, "repeats=2,3", up_to_two, "70x130:t", repeat_oracle),
    SUMS(repeat, "repeats=3,1,2,1", three, "7x30x20", repeat_oracle),
    SUMS(repeat, "repeats=1,1,1", three, "7x30x20", repeat_oracle),
    SUMS(repeat, "repeats=2,0,3", three, NULL, repeat_oracle),
    SUMS(repeat_interleave, "repeats=3 dim=0", any_case, "300x70", repeat_interleave_oracle),
    SUMS(repeat_interleave, "repeats=2 dim=-1", any_case, "70x300:t", repeat_interleave_oracle),
    SUMS(repeat_interleave, "repeats=1 dim=1", three, "7x30x20", repeat_interleave_oracle),
    SUMS(repeat_interleave, "repeats=0 dim=1", three, NULL, repeat_interleave_oracle),
    ROW(tril, "diagonal=0", two_dims, "7x60x70", triangle_oracle),
    ROW(tril, "diagonal=-1", two_dims, "70x60:t", triangle_oracle),
    ROW(tril, "diagonal=2", two_dims, "70x60", triangle_oracle),
    ROW(triu, "diagonal=0", two_dims, "7x60x70", triangle_oracle),
    ROW(triu, "diagonal=1", two_dims, "70x60:t", triangle_oracle),
    ROW(triu, "diagonal=-2", two_dims, "70x60", triangle_oracle),
    ROW(triu, "diagonal=100", two_dims, "70x60", triangle_oracle),
};
CATALOG_FAMILY(arrange);
