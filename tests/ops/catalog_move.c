/* catalog_move.c: rows of src/ops/move.c. */
#include "catalog.h"

#include <string.h>

static const char *const any_case[] = { "3x4",   "7", "3x4:t", "4x3x2:s", "2x3x4:t", "3x5:e",
                                        "1x4x1", ".", "0",     "2x0x3",   NULL };
static const char *const with_dim[] = { "3x4",   "7",     "3x4:t", "4x3x2:s", "2x3x4:t",
                                        "3x5:e", "1x4x1", "1",     "2x0x3",   NULL };
static const char *const not_empty[] = { "3x4",     "7",     "3x4:t", "4x3x2:s",
                                         "2x3x4:t", "3x5:e", "1",     NULL };
static const char *const of_12[] = { "12",      "3x4",   "3x4:t",  "3x4:s",
                                     "2x3x2:t", "3x4:e", "1x12x1", NULL };
static const char *const three[] = { "4x3x2", "4x3x2:s", "2x3x4:t", "3x5x2:e", "0x3x2", NULL };
static const char *const to_three[] = { "3x4", "1x4", "4", "3x1:s", ".", "1", "3x4:e", NULL };
static const char *const dy_3x2[] = { "3x2", "3x2:t", "3x2:s", "3x2:e", NULL };
static const char *const joined[] = {
    "3x4 3x4", "3x4:t 3x4:s 3x4:e", "3x4", "1x4 1x4 1x4 1x4", "0x4 0x4", "7 7:s", NULL
};
static const char *const joined_first[] = { "3x4 2x4:t 0x4 1x4", "5 1 4:s", NULL };

/* ---- oracles */

/* The same elements in order, in another shape. */
static void in_shape(const catalog_array *in, int ndim, const int64_t *shape, catalog_array *out)
{
    catalog_shape(out, in->dtype, ndim, shape);
    memcpy(out->at, in->at, sizeof *in->at * (size_t)in->numel);
}

static void reshape_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    int64_t shape[HONE_MAX_DIMS], known = 1;
    (void)n_in;
    for (int d = 0; d < row->n_dims; d++)
        known *= row->dims[d] < 0 ? 1 : row->dims[d];
    for (int d = 0; d < row->n_dims; d++)
        shape[d] = row->dims[d] < 0 ? in->numel / known : row->dims[d];
    in_shape(in, row->n_dims, shape, out);
}

static void squeeze_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    const int dim = row->dim < 0 ? row->dim + in->ndim : row->dim;
    int64_t shape[HONE_MAX_DIMS];
    int ndim = 0;
    (void)n_in;
    for (int d = 0; d < in->ndim; d++)
        if (d != dim || in->shape[d] != 1)
            shape[ndim++] = in->shape[d];
    in_shape(in, ndim, shape, out);
}

/* All extents of 1 among the dims that the row names, or of all of them. */
static void squeeze_dims_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                                catalog_array *out)
{
    int64_t shape[HONE_MAX_DIMS];
    int ndim = 0;
    unsigned wanted = row->n_dims ? 0 : ~0u;
    (void)n_in;
    for (int i = 0; i < row->n_dims; i++)
        wanted |=
            1u << (row->dims[i] < 0 ? row->dims[i] + (in->ndim ? in->ndim : 1) : row->dims[i]);
    for (int d = 0; d < in->ndim; d++)
        if (!(wanted >> d & 1) || in->shape[d] != 1)
            shape[ndim++] = in->shape[d];
    in_shape(in, ndim, shape, out);
}
#define squeeze_all_oracle squeeze_dims_oracle

static void unsqueeze_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                             catalog_array *out)
{
    const int dim = row->dim < 0 ? row->dim + in->ndim + 1 : row->dim;
    int64_t shape[HONE_MAX_DIMS];
    (void)n_in;
    for (int d = 0; d <= in->ndim; d++)
        shape[d] = d == dim ? 1 : in->shape[d - (d > dim)];
    in_shape(in, in->ndim + 1, shape, out);
}

/* Result dim d walks input dim from[d] (-1: none) by step[d]; input dim s starts at start[s]. */
typedef struct {
    int ndim;
    int64_t shape[HONE_MAX_DIMS], step[HONE_MAX_DIMS], start[HONE_MAX_DIMS];
    int from[HONE_MAX_DIMS];
} walk;

static walk identity(const catalog_array *in)
{
    walk w = { .ndim = in->ndim };
    for (int d = 0; d < in->ndim; d++) {
        w.shape[d] = in->shape[d];
        w.step[d] = 1;
        w.from[d] = d;
    }
    return w;
}

static int64_t place_in(const walk *w, int ndim, const int64_t *shape, int64_t at)
{
    int64_t coordinate[HONE_MAX_DIMS], index = 0;
    memcpy(coordinate, w->start, sizeof coordinate);
    for (int d = w->ndim - 1; d >= 0; at /= w->shape[d--])
        if (w->from[d] >= 0)
            coordinate[w->from[d]] += at % w->shape[d] * w->step[d];
    for (int d = 0; d < ndim; d++)
        index = index * shape[d] + coordinate[d];
    return index;
}

static void walk_input(const walk *w, const catalog_array *in, catalog_array *out)
{
    catalog_shape(out, in->dtype, w->ndim, w->shape);
    for (int64_t i = 0; i < out->numel; i++)
        out->at[i] = in->at[place_in(w, in->ndim, in->shape, i)];
}

static void transpose_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                             catalog_array *out)
{
    walk w = identity(in);
    (void)n_in;
    if (in->ndim) {
        const int a = row->dim < 0 ? row->dim + in->ndim : row->dim;
        const int b = row->dim2 < 0 ? row->dim2 + in->ndim : row->dim2;
        w.shape[a] = in->shape[b], w.from[a] = b;
        w.shape[b] = in->shape[a], w.from[b] = a;
    }
    walk_input(&w, in, out);
}

static void permute_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    walk w = identity(in);
    (void)n_in;
    for (int d = 0; d < in->ndim; d++) {
        w.from[d] = (int)(row->dims[d] < 0 ? row->dims[d] + in->ndim : row->dims[d]);
        w.shape[d] = in->shape[w.from[d]];
    }
    walk_input(&w, in, out);
}

static void expand_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    walk w = { .ndim = row->n_dims };
    (void)n_in;
    for (int d = 0; d < w.ndim; d++) {
        const int own = d - (w.ndim - in->ndim);
        w.shape[d] = row->dims[d] < 0 ? in->shape[own] : row->dims[d];
        w.from[d] = own;
        w.step[d] = own >= 0 && in->shape[own] == 1 ? 0 : 1;
    }
    walk_input(&w, in, out);
}

static void select_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    const int dim = row->dim < 0 ? row->dim + in->ndim : row->dim;
    walk w = { .ndim = in->ndim - 1 };
    (void)n_in;
    for (int d = 0; d < w.ndim; d++) {
        w.from[d] = d + (d >= dim);
        w.shape[d] = in->shape[w.from[d]];
        w.step[d] = 1;
    }
    w.start[dim] = row->start < 0 ? row->start + in->shape[dim] : row->start;
    walk_input(&w, in, out);
}

static int64_t clamped(int64_t index, int64_t extent)
{
    index += index < 0 ? extent : 0;
    return index < 0 ? 0 : index > extent ? extent : index;
}

static walk sliced(const catalog_row *row, const catalog_array *in)
{
    const int dim = row->dim < 0 ? row->dim + in->ndim : row->dim;
    const int64_t start = clamped(row->start, in->shape[dim]);
    const int64_t end = clamped(row->end, in->shape[dim]);
    walk w = identity(in);
    w.start[dim] = start;
    w.step[dim] = row->step;
    w.shape[dim] = 0;
    for (int64_t i = start; i < end; i += row->step)
        w.shape[dim]++;
    return w;
}

static void slice_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    const walk w = sliced(row, in);
    (void)n_in;
    walk_input(&w, in, out);
}

static void slice_backward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                                  catalog_array *out)
{
    (void)n_in;
    catalog_shape(out, in->dtype, row->n_dims, row->dims);
    const walk w = sliced(row, out);
    for (int64_t i = 0; i < in->numel; i++)
        out->at[place_in(&w, out->ndim, out->shape, i)] = in->at[i];
}

static void cat_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                       catalog_array *out)
{
    const int dim = row->dim < 0 ? row->dim + in->ndim : row->dim;
    int64_t shape[HONE_MAX_DIMS], start = 0;
    memcpy(shape, in->shape, sizeof shape);
    for (int i = 1; i < n_in; i++)
        shape[dim] += in[i].shape[dim];
    catalog_shape(out, in->dtype, in->ndim, shape);
    for (int i = 0; i < n_in; i++) {
        walk w = identity(&in[i]);
        w.start[dim] = start;
        for (int64_t k = 0; k < in[i].numel; k++)
            out->at[place_in(&w, out->ndim, out->shape, k)] = in[i].at[k];
        start += in[i].shape[dim];
    }
}

/* ---- rows */

#define MOVED(name)                                                                                \
    .op = #name, .in = { { catalog_any } }, .dtypes = CATALOG_ALL, .oracle = name##_oracle
#define VIEW(name) MOVED(name), .view = true
#define DIMS(...)                                                                                  \
    .note = #__VA_ARGS__, .dims = { __VA_ARGS__ },                                                 \
    .n_dims = sizeof((int[]){ __VA_ARGS__ }) / sizeof(int)
#define PART(at, from, to, by) .dim = at, .start = from, .end = to, .step = by

static const catalog_row rows[] = {
    { VIEW(reshape), DIMS(12), .cases = of_12 },
    { VIEW(reshape), DIMS(2, 3, -1), .cases = of_12 },
    { VIEW(reshape), DIMS(6, 1, 2), .cases = of_12 },
    { VIEW(reshape), DIMS(4, 3), .cases = of_12 },
    { VIEW(reshape), DIMS(-1), .cases = any_case, .bits = "70x300:t" },
    { VIEW(transpose), .dim2 = -1, .cases = any_case },
    { VIEW(transpose), .note = "1, 2", .dim = 1, .dim2 = 2, .cases = three },
    { VIEW(permute), DIMS(2, 0, 1), .cases = three },
    { VIEW(permute), DIMS(1, -1, 0), .cases = three },
    { VIEW(squeeze), .dim = 0, .cases = any_case },
    { VIEW(squeeze), .note = "last", .dim = -1, .cases = any_case },
    { VIEW(squeeze_dims), DIMS(0, -1),
      .cases = (const char *const[]){ "1x4x1", "3x4:t", "1x0", NULL } },
    { VIEW(squeeze_dims), DIMS(0), .cases = (const char *const[]){ ".", "1", "1x1:s", NULL } },
    { VIEW(squeeze_all), .cases = any_case },
    { VIEW(unsqueeze), .dim = 0, .cases = any_case },
    { VIEW(unsqueeze), .note = "last", .dim = -1, .cases = any_case },
    { VIEW(expand), DIMS(2, 3, 4), .cases = to_three },
    { VIEW(expand), DIMS(5, -1, 2), .cases = (const char *const[]){ "3x1", "1x2:s", NULL } },
    { VIEW(expand), DIMS(0, 4), .cases = (const char *const[]){ "1x4", "1x1", ".", NULL } },
    { VIEW(select), .dim = 0, .start = -1, .cases = not_empty },
    { VIEW(select), .note = "dim 1", .dim = 1, .start = 2, .cases = three },
    { VIEW(slice), PART(0, 1, INT64_MAX, 1), .cases = with_dim },
    { VIEW(slice), .note = "every second", PART(-1, 0, 100, 2), .cases = with_dim },
    { VIEW(slice), .note = "inside", PART(1, -2, -1, 1), .cases = three },
    { VIEW(slice), .note = "nothing", PART(0, 3, 2, 5), .cases = with_dim },
    { MOVED(slice_backward), DIMS(5, 2), PART(0, 1, 4, 1), .cases = dy_3x2 },
    { MOVED(slice_backward), DIMS(3, 6), PART(-1, -5, INT64_MAX, 3), .cases = dy_3x2 },
    { MOVED(slice_backward), .note = "nothing", .dims = { 3, 2 }, .n_dims = 2, PART(0, 2, 1, 1),
      .cases = (const char *const[]){ "0x2", NULL } },
    { MOVED(cat), .cases = joined, .bits = "70x30:t 70x30 70x30:s" },
    { MOVED(cat), .note = "of other extents", .cases = joined_first },
    { MOVED(cat), .note = "last dim", .dim = -1, .cases = joined, .bits = "70x30:t 70x30" },
};
CATALOG_FAMILY(move);
