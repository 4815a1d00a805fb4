/* catalog_shapes.c: rows of src/ops/replace.c, by_index.c, scatter_reduce.c, search.c, shapes.c and
 * tensor_products.c. The oracles know the few shapes of their cases alone: matrices as [n, m]. */
#include "catalog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- fills */

static int dim_of(const catalog_row *row, const catalog_array *x)
{
    const int64_t dim = catalog_int(row, "dim");
    return (int)(dim < 0 ? dim + x->ndim : dim);
}

/* Different ones along the dim. */
static void fill_index(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const int dim = dim_of(row, in);
    (void)random;
    for (int64_t k = 0; k < in[i].numel; k++) {
        const int64_t along = in[i].ndim < 2 ? k
                              : dim == 0     ? k / in[i].shape[1]
                                             : k % in[i].shape[1];
        const int64_t lane = in[i].ndim < 2 ? 0 : k - along;
        in[i].at[k] = (double)((2 * along + lane + 1) % in->shape[dim]);
    }
}

/* Any along the dim, so some come twice. */
static void fill_repeated(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % (uint64_t)in->shape[dim_of(row, in)]);
}

static void fill_flat(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % (uint64_t)in->numel);
}

static void fill_mask(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row, (void)random;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = k % 3 != 1;
}

static void fill_rising(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row, (void)random;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(k / 2);
}

static void fill_few(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % (in[i].dtype == HONE_BOOL ? 2 : 4));
}

/* ---- oracles; a matrix's element */

static double *el(const catalog_array *a, int64_t i, int64_t j)
{
    return a->at + i * a->shape[1] + j;
}

static void same_shape(catalog_array *out, const catalog_array *x)
{
    catalog_shape(out, x->dtype, x->ndim, x->shape);
    memcpy(out->at, x->at, (size_t)x->numel * sizeof *x->at);
}

static void shape2(catalog_array *out, hone_dtype dtype, int64_t n, int64_t m)
{
    catalog_shape(out, dtype, 2, (int64_t[]){ n, m });
}

static void shape1(catalog_array *out, hone_dtype dtype, int64_t n)
{
    catalog_shape(out, dtype, 1, &n);
}

#define ORACLE(name)                                                                               \
    static void name(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
#define X      (in[0])
#define Y      (in[1])
#define UNUSED ((void)row, (void)n_in)

ORACLE(select_scatter) /* of a column or a row */
{
    const bool column = dim_of(row, in) == 1;
    const int64_t at = catalog_int(row, "index");
    UNUSED;
    same_shape(out, &X);
    for (int64_t i = 0; i < Y.numel; i++)
        *(column ? el(out, i, at) : el(out, at, i)) = Y.at[i];
}

ORACLE(slice_scatter) /* of rows */
{
    const int64_t start = catalog_int(row, "start"), step = catalog_int(row, "step");
    UNUSED;
    same_shape(out, &X);
    for (int64_t i = 0; i < Y.shape[0]; i++)
        for (int64_t j = 0; j < Y.shape[1]; j++)
            *el(out, start + i * step, j) = *el(&Y, i, j);
}

ORACLE(diagonal_scatter)
{
    const int64_t offset = catalog_int(row, "offset");
    UNUSED;
    same_shape(out, &X);
    for (int64_t i = 0; i < Y.numel; i++)
        *el(out, i - (offset < 0 ? offset : 0), i + (offset > 0 ? offset : 0)) = Y.at[i];
}

static void embedded(const catalog_array *x, int64_t offset, catalog_array *out)
{
    const int64_t n = x->numel + llabs(offset);
    shape2(out, x->dtype, n, n);
    memset(out->at, 0, (size_t)out->numel * sizeof *out->at);
    for (int64_t i = 0; i < x->numel; i++)
        *el(out, i - (offset < 0 ? offset : 0), i + (offset > 0 ? offset : 0)) = x->at[i];
}

ORACLE(diag_embed)
{
    UNUSED;
    embedded(&X, catalog_int(row, "offset"), out);
}

ORACLE(diag)
{
    const int64_t offset = catalog_int(row, "diagonal");
    UNUSED;
    if (X.ndim == 1) {
        embedded(&X, offset, out);
        return;
    }
    const int64_t down = offset < 0 ? -offset : 0, right = offset > 0 ? offset : 0;
    const int64_t n =
        X.shape[0] - down < X.shape[1] - right ? X.shape[0] - down : X.shape[1] - right;
    shape1(out, X.dtype, n);
    for (int64_t i = 0; i < n; i++)
        out->at[i] = *el(&X, down + i, right + i);
}

ORACLE(trace)
{
    UNUSED;
    catalog_shape(out, hone_dtype_is_float(X.dtype) ? X.dtype : HONE_I64, 0, NULL);
    out->at[0] = 0;
    for (int64_t i = 0; i < X.shape[0] && i < X.shape[1]; i++)
        out->at[0] += *el(&X, i, i);
}

ORACLE(by_index) /* of columns */
{
    const bool fill = row->op[6] == 'f', add = row->op[6] == 'a';
    (void)n_in;
    same_shape(out, &X);
    for (int64_t i = 0; i < X.shape[0]; i++)
        for (int64_t k = 0; k < Y.numel; k++) {
            double *to = el(out, i, (int64_t)Y.at[k]);
            *to = fill ? row->s : add ? *to + row->s * *el(in + 2, i, k) : *el(in + 2, i, k);
        }
}

ORACLE(take)
{
    UNUSED;
    catalog_shape(out, X.dtype, Y.ndim, Y.shape);
    for (int64_t k = 0; k < Y.numel; k++)
        out->at[k] = X.at[(int64_t)Y.at[k]];
}

ORACLE(take_along_dim) /* 1 */
{
    const int64_t n = X.shape[0] > Y.shape[0] ? X.shape[0] : Y.shape[0];
    UNUSED;
    shape2(out, X.dtype, n, Y.shape[1]);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < Y.shape[1]; j++)
            *el(out, i, j) = *el(&X, i % X.shape[0], (int64_t)*el(&Y, i % Y.shape[0], j));
}

ORACLE(masked_select) /* by a mask of the same shape, or one row */
{
    int64_t count = 0;
    UNUSED;
    for (int64_t k = 0; k < X.numel; k++)
        count += Y.at[k % Y.numel] != 0;
    shape1(out, X.dtype, count);
    for (int64_t k = 0, n = 0; k < X.numel; k++)
        if (Y.at[k % Y.numel] != 0)
            out->at[n++] = X.at[k];
}

ORACLE(masked_scatter)
{
    UNUSED;
    same_shape(out, &X);
    for (int64_t k = 0, n = 0; k < X.numel; k++)
        if (Y.at[k % Y.numel] != 0)
            out->at[k] = in[2].at[n++];
}

ORACLE(scatter_reduce)
{
    const int dim = dim_of(row, in);
    const int mode = catalog_choice(row, "reduce",
                                    "HONE_SCATTER_SUM, HONE_SCATTER_PROD, HONE_SCATTER_MEAN, "
                                    "HONE_SCATTER_AMAX, HONE_SCATTER_AMIN");
    const bool self = catalog_bool(row, "include_self");
    double *count = calloc((size_t)X.numel + 1, sizeof *count);
    (void)n_in;
    same_shape(out, &X);
    for (int64_t i = 0; i < Y.shape[0]; i++)
        for (int64_t j = 0; j < Y.shape[1]; j++) {
            const int64_t at = (int64_t)*el(&Y, i, j);
            double *to = dim ? el(out, i, at) : el(out, at, j), *n = count + (to - out->at);
            const double v = *el(in + 2, i, j);
            const bool first = !self && *n == 0;
            *to = first                       ? v
                  : mode == HONE_SCATTER_PROD ? *to * v
                  : mode == HONE_SCATTER_AMAX ? fmax(*to, v)
                  : mode == HONE_SCATTER_AMIN ? fmin(*to, v)
                                              : *to + v;
            *n += 1;
        }
    for (int64_t k = 0; mode == HONE_SCATTER_MEAN && k < X.numel; k++)
        if (count[k] > 0) {
            out->at[k] /= count[k] + self;
            out->at[k] = hone_dtype_is_float(X.dtype) ? out->at[k] : floor(out->at[k]);
        }
    free(count);
}

ORACLE(searched)
{
    const catalog_array *sorted = row->op[0] == 's' ? &X : &Y,
                        *values = row->op[0] == 's' ? &Y : &X;
    const bool right = catalog_bool(row, "right");
    (void)n_in;
    catalog_shape(out, HONE_I64, values->ndim, values->shape);
    for (int64_t k = 0; k < values->numel; k++) {
        const int64_t n = sorted->shape[sorted->ndim - 1];
        const double *of =
            sorted->at + (sorted->ndim > 1 ? k / values->shape[values->ndim - 1] * n : 0);
        out->at[k] = 0;
        for (int64_t i = 0; i < n; i++)
            out->at[k] += right ? of[i] <= values->at[k] : of[i] < values->at[k];
    }
}

ORACLE(unique) /* of whole numbers 0 .. 3 */
{
    const bool runs = strcmp(row->op, "unique") != 0;
    double counts[64] = { 0 }, values[64], which[4] = { 0 };
    int64_t n = 0;
    (void)n_in;
    for (int v = 0; v < 4 && !runs; v++) {
        bool there = false;
        for (int64_t k = 0; k < X.numel; k++)
            there = there || X.at[k] == v;
        which[v] = (double)n;
        values[n] = v;
        n += there;
    }
    catalog_array inverse = { 0 };
    catalog_shape(&inverse, HONE_I64, X.ndim, X.shape);
    for (int64_t k = 0; k < X.numel; k++) {
        if (runs && (k == 0 || X.at[k] != X.at[k - 1]))
            values[n++] = X.at[k];
        inverse.at[k] = runs ? (double)(n - 1) : which[(int)X.at[k]];
        counts[(int)inverse.at[k]]++;
    }
    if (row->output == 1) {
        *out = inverse;
        return;
    }
    free(inverse.at);
    shape1(out, row->output ? HONE_I64 : X.dtype, n);
    memcpy(out->at, row->output ? counts : values, (size_t)n * sizeof *values);
}

ORACLE(as_strided) /* [2, 3] by 1 and 2 from 1 on */
{
    UNUSED;
    shape2(out, X.dtype, 2, 3);
    for (int64_t i = 0; i < 2; i++)
        for (int64_t j = 0; j < 3; j++)
            *el(out, i, j) = X.at[1 + i + 2 * j];
}

ORACLE(rot90)
{
    const int64_t k = catalog_int(row, "k") & 3, n = X.shape[0], m = X.shape[1];
    UNUSED;
    shape2(out, X.dtype, k % 2 ? m : n, k % 2 ? n : m);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++)
            *(k == 0   ? el(out, i, j)
              : k == 1 ? el(out, m - 1 - j, i)
              : k == 2 ? el(out, n - 1 - i, m - 1 - j)
                       : el(out, j, n - 1 - i)) = *el(&X, i, j);
}

ORACLE(unflatten) /* the last dim as [2, ..] */
{
    UNUSED;
    catalog_shape(out, X.dtype, 3, (int64_t[]){ X.shape[0], 2, X.shape[1] / 2 });
    memcpy(out->at, X.at, (size_t)X.numel * sizeof *X.at);
}

ORACLE(matrix_product) /* tensordot of dims 1 and 0, inner of the last ones */
{
    const bool inner = row->op[0] == 'i';
    (void)n_in;
    shape2(out, X.dtype, X.shape[0], inner ? Y.shape[0] : Y.shape[1]);
    for (int64_t i = 0; i < out->shape[0]; i++)
        for (int64_t j = 0; j < out->shape[1]; j++) {
            double sum = 0;
            for (int64_t k = 0; k < X.shape[1]; k++)
                sum += *el(&X, i, k) * (inner ? *el(&Y, j, k) : *el(&Y, k, j));
            *el(out, i, j) = sum;
        }
}

ORACLE(kron)
{
    UNUSED;
    shape2(out, X.dtype, X.shape[0] * Y.shape[0], X.shape[1] * Y.shape[1]);
    for (int64_t i = 0; i < out->shape[0]; i++)
        for (int64_t j = 0; j < out->shape[1]; j++)
            *el(out, i, j) =
                *el(&X, i / Y.shape[0], j / Y.shape[1]) * *el(&Y, i % Y.shape[0], j % Y.shape[1]);
}

ORACLE(cross) /* of rows */
{
    UNUSED;
    shape2(out, X.dtype, X.shape[0], 3);
    for (int64_t i = 0; i < X.shape[0]; i++)
        for (int64_t j = 0; j < 3; j++)
            *el(out, i, j) = *el(&X, i, (j + 1) % 3) * *el(&Y, i % Y.shape[0], (j + 2) % 3) -
                             *el(&X, i, (j + 2) % 3) * *el(&Y, i % Y.shape[0], (j + 1) % 3);
}

ORACLE(bilinear)
{
    const catalog_array *w = in + 2;
    UNUSED;
    shape2(out, X.dtype, X.shape[0], w->shape[0]);
    for (int64_t b = 0; b < X.shape[0]; b++)
        for (int64_t o = 0; o < w->shape[0]; o++) {
            double sum = in[3].none ? 0 : in[3].at[o];
            for (int64_t i = 0; i < w->shape[1]; i++)
                for (int64_t j = 0; j < w->shape[2]; j++)
                    sum += *el(&X, b, i) * w->at[(o * w->shape[1] + i) * w->shape[2] + j] *
                           *el(&Y, b, j);
            *el(out, b, o) = sum;
        }
}

static double apart(const catalog_array *a, int64_t i, const catalog_array *b, int64_t j, double p)
{
    double sum = 0;
    for (int64_t k = 0; k < a->shape[1]; k++)
        sum += pow(fabs(*el(a, i, k) - *el(b, j, k)), p);
    return pow(sum, 1 / p);
}

ORACLE(cdist)
{
    (void)n_in;
    shape2(out, X.dtype, X.shape[0], Y.shape[0]);
    for (int64_t i = 0; i < X.shape[0]; i++)
        for (int64_t j = 0; j < Y.shape[0]; j++)
            *el(out, i, j) = apart(&X, i, &Y, j, row->s);
}

ORACLE(pdist)
{
    (void)n_in;
    shape1(out, X.dtype, X.shape[0] * (X.shape[0] - 1) / 2);
    for (int64_t i = 0, at = 0; i < X.shape[0]; i++)
        for (int64_t j = i + 1; j < X.shape[0]; j++)
            out->at[at++] = apart(&X, i, &X, j, row->s);
}

/* ---- rows */

#define CASES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define INDEX(fill_)                                                                               \
    {                                                                                              \
        .fill = fill_, .fixed = CATALOG_FIXED(HONE_I64)                                            \
    }
#define MASK                                                                                       \
    {                                                                                              \
        .fill = fill_mask, .fixed = CATALOG_FIXED(HONE_BOOL)                                       \
    }
#define ANY                                                                                        \
    {                                                                                              \
        .fill = catalog_any                                                                        \
    }
#define APART                                                                                      \
    {                                                                                              \
        .fill = catalog_apart                                                                      \
    }
#define INPUTS(...) .in = { __VA_ARGS__ }
#define ROW(name, note_, of, text, cases_, bits_, ...)                                             \
    {                                                                                              \
        .op = name, .note = note_, .oracle = of, .attributes = text, .cases = cases_,              \
        .bits = bits_, __VA_ARGS__                                                                 \
    }
#define ALL       .dtypes = CATALOG_ALL
#define NONE(why) .no_gradient = why
#define SUMS      .ulps = 16, .scale = 8
#define REDUCED(name, text, fill, numbers, ...)                                                    \
    ROW("scatter_reduce", name, scatter_reduce, text, CASES("4x3 3x3 3x3", "4x5:t 2x4 3x4:s"),     \
        "30x70 20x70 20x70", INPUTS(APART, INDEX(fill), APART), .dtypes = numbers, .ulps = 8,      \
        .scale = 4, __VA_ARGS__)
#define UNIQUE(name, which, note_)                                                                 \
    ROW(name, note_, unique, "", CASES("7", "3x4:t", "4x3x2:s", "0", "."), "5x12",                 \
        INPUTS({ .fill = fill_few }), ALL, .output = which, NONE("a set"))

static const catalog_row rows[] = {
    ROW("select_scatter", "column", select_scatter, "dim=1 index=2", CASES("3x4 3", "4x5:t 4:s"),
        "30x70 30", INPUTS(ANY), ALL),
    ROW("select_scatter", "row", select_scatter, "dim=0 index=1", CASES("3x4 4", "4x5:s 5"), NULL,
        INPUTS(ANY), .ulps = 4),
    ROW("slice_scatter", NULL, slice_scatter, "dim=0 start=1 end=6 step=2",
        CASES("6x3 3x3", "5x4:t 2x4:s", "6x0 3x0"), "70x30 3x30", INPUTS(ANY), ALL),
    ROW("diagonal_scatter", "above", diagonal_scatter, "offset=1 dim1=0 dim2=1",
        CASES("3x4 3", "4x4:t 3:s"), "30x70 30", INPUTS(ANY), ALL),
    ROW("diagonal_scatter", "below", diagonal_scatter, "offset=-1 dim1=0 dim2=1", CASES("4x3 3"),
        NULL, INPUTS(ANY), .ulps = 4),
    ROW("diag_embed", "above", diag_embed, "offset=1 dim1=0 dim2=1", CASES("3", "4:s", "0"), "70",
        INPUTS(ANY), ALL),
    ROW("diag_embed", "below", diag_embed, "offset=-2 dim1=0 dim2=1", CASES("3"), NULL, INPUTS(ANY),
        .ulps = 4),
    ROW("diag", "of a vector", diag, "diagonal=1", CASES("3", "4:s"), "70", INPUTS(ANY), ALL),
    ROW("diag", "of a matrix", diag, "diagonal=-1", CASES("4x3", "4x5:t", "3x3:s"), "30x70",
        INPUTS(ANY), ALL),
    ROW("trace", NULL, trace, "", CASES("3x3", "4x2:t", "2x5:s"), "70x80", INPUTS(ANY), ALL, SUMS),
    ROW("index_add", NULL, by_index, "dim=1 alpha=2", CASES("3x4 3 3x3", "4x5:t 4:s 4x4:t"),
        "30x70 50 30x50", INPUTS(ANY, INDEX(fill_repeated), ANY), .dtypes = CATALOG_NUMBERS, SUMS,
        .s = 2),
    ROW("index_copy", NULL, by_index, "dim=1", CASES("3x5 2 3x2", "4x5:t 2:s 4x2:s"),
        "30x71 30 30x30", INPUTS(ANY, INDEX(fill_index), ANY), ALL),
    ROW("index_fill", NULL, by_index, "dim=1 value=1", CASES("3x5 2", "4x5:t 2:s"), "30x71 30",
        INPUTS(ANY, INDEX(fill_index)), ALL, .s = 1),
    ROW("take", NULL, take, "", CASES("3x4 2x3", "4x5:t 7", "4x3x2:s ."), "30x70 90",
        INPUTS(ANY, INDEX(fill_flat)), ALL),
    ROW("take_along_dim", NULL, take_along_dim, "dim=1", CASES("3x4 3x2", "4x5:t 1x3", "1x4:s 3x3"),
        "30x70 30x90", INPUTS(ANY, INDEX(fill_repeated)), ALL),
    ROW("masked_select", NULL, masked_select, "", CASES("3x4 3x4", "4x5:t 5", "7:s 7", "0 0"),
        "30x70 70", INPUTS(ANY, MASK), ALL),
    ROW("masked_scatter", NULL, masked_scatter, "", CASES("3x4 3x4 3x3", "4x5:t 5 20:s", "0 0 0"),
        "30x70 70 3000", INPUTS(ANY, MASK, ANY), ALL),
    REDUCED("sum", "dim=0 reduce=sum include_self=true", fill_repeated, CATALOG_NUMBERS),
    REDUCED("sum of src", "dim=1 reduce=sum include_self=false", fill_repeated, CATALOG_NUMBERS),
    REDUCED("mean", "dim=0 reduce=mean include_self=true", fill_repeated, CATALOG_NUMBERS),
    REDUCED("mean of src", "dim=1 reduce=mean include_self=false", fill_repeated, CATALOG_NUMBERS),
    REDUCED("prod", "dim=0 reduce=prod include_self=true", fill_repeated, CATALOG_FLOATS),
    REDUCED("prod of src", "dim=1 reduce=prod include_self=false", fill_index, CATALOG_FLOATS),
    REDUCED("amax", "dim=0 reduce=amax include_self=true", fill_repeated, CATALOG_NUMBERS),
    REDUCED("amin of src", "dim=1 reduce=amin include_self=false", fill_repeated, CATALOG_NUMBERS),
    ROW("searchsorted", "left", searched, "right=false",
        CASES("7 3x4", "3x5 3x2", "7:s 4:s", "0 3"), "70 300", INPUTS({ .fill = fill_rising }, ANY),
        .dtypes = CATALOG_NUMBERS, NONE("a place")),
    ROW("searchsorted", "right", searched, "right=true", CASES("7 3x4:t", "7 ."), "70 300",
        INPUTS({ .fill = fill_rising }, { .fill = fill_few }), .dtypes = CATALOG_NUMBERS,
        NONE("a place")),
    ROW("bucketize", NULL, searched, "right=false", CASES("3x4 7", "5:s 4"), "300 70",
        INPUTS({ .fill = fill_few }, { .fill = fill_rising }), .dtypes = CATALOG_NUMBERS,
        NONE("a place")),
    UNIQUE("unique", 0, "values"),
    UNIQUE("unique", 1, "inverse"),
    UNIQUE("unique", 2, "counts"),
    UNIQUE("unique_consecutive", 0, "values"),
    UNIQUE("unique_consecutive", 1, "inverse"),
    UNIQUE("unique_consecutive", 2, "counts"),
    ROW("as_strided", NULL, as_strided, "size=2,3 stride=1,2 offset=1", CASES("7", "3x4"), "70",
        INPUTS(ANY), ALL, .view = true),
    ROW("rot90", "once", rot90, "k=1 dim0=0 dim1=1", CASES("3x4", "4x5:t", "3x2:s", "2x0"), "30x70",
        INPUTS(ANY), ALL),
    ROW("rot90", "twice", rot90, "k=2 dim0=0 dim1=1", CASES("3x4", "4x5:t"), NULL, INPUTS(ANY),
        ALL),
    ROW("rot90", "back", rot90, "k=-1 dim0=0 dim1=1", CASES("3x4", "4x5:t"), NULL, INPUTS(ANY),
        ALL),
    ROW("rot90", "not", rot90, "k=4 dim0=0 dim1=1", CASES("3x4", "4x5:t"), NULL, INPUTS(ANY), ALL),
    ROW("unflatten", NULL, unflatten, "dim=1 sizes=2,-1", CASES("3x4", "4x6:t", "3x2:s"), "30x70",
        INPUTS(ANY), ALL, .view = true),
    ROW("tensordot", NULL, matrix_product, "dims_a=1 dims_b=0", CASES("3x4 4x2", "4x5:t 5x3:s"),
        "30x70 70x20", INPUTS(ANY), SUMS),
    ROW("inner", NULL, matrix_product, "", CASES("3x4 2x4", "4x5:t 3x5:s"), "30x70 20x70",
        INPUTS(ANY), SUMS),
    ROW("kron", NULL, kron, "", CASES("2x3 3x2", "2x2:t 3x1:s"), "7x9 11x5", INPUTS(ANY),
        .dtypes = CATALOG_NUMBERS),
    ROW("cross", NULL, cross, "dim=1", CASES("4x3 4x3", "5x3:t 1x3", "2x3:s 2x3"), "70x3 70x3",
        INPUTS(ANY), SUMS),
    ROW("bilinear", NULL, bilinear, "", CASES("3x2 3x4 5x2x4 5", "2x3:t 2x2 2x3x2 -"),
        "7x9 7x11 5x9x11 5", INPUTS(ANY), SUMS),
    ROW("cdist", "2", cdist, "p=2", CASES("3x4 2x4", "3x2:t 4x2:s"), "30x9 20x9", INPUTS(APART),
        SUMS, .s = 2),
    ROW("cdist", "1", cdist, "p=1", CASES("3x4 2x4"), "30x9 20x9", INPUTS(APART), SUMS, .s = 1),
    ROW("pdist", NULL, pdist, "p=3", CASES("4x3", "3x4:t"), "30x9", INPUTS(APART), SUMS, .s = 3),
};
CATALOG_FAMILY(shapes);
