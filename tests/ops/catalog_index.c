/* catalog_index.c: rows of src/ops/index.c and gather.c. */
#include "catalog.h"

#include <stdlib.h>
#include <string.h>

/* ---- fills */

/* Indices into the dim of x that this input stands for, some negative. */
static void fill_index(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const int64_t extent = row->n_dims ? row->dims[i - 1] : in[0].shape[i - 1];
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % (uint64_t)(2 * extent)) - (double)extent;
}

/* Every third is false. */
static void fill_mask(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row, (void)random;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = k % 3 != 1;
}

/* Indices along the row's dim of the first input. */
static void fill_along(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const int dim = row->dim < 0 ? row->dim + in->ndim : row->dim;
    const int64_t extent = in->ndim ? in->shape[dim] : 1;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % (uint64_t)extent);
}

/* ---- index: which element of x each element of the result is */

typedef struct {
    int n; /* indexed dims of x, in order */
    int dim[HONE_MAX_DIMS];
    catalog_array index[HONE_MAX_DIMS]; /* for each; a mask gives one for each of its dims */
    int ndim;                           /* what the indices broadcast to */
    int64_t shape[HONE_MAX_DIMS];
    int before; /* kept dims before the indices' place */
} picked;

/* The coordinates along its dim `d` of a mask's true elements. */
static void mask_coordinates(const catalog_array *mask, int d, catalog_array *index)
{
    int64_t count = 0, inner = 1;
    for (int64_t i = 0; i < mask->numel; i++)
        count += mask->at[i] != 0;
    for (int e = d + 1; e < mask->ndim; e++)
        inner *= mask->shape[e];
    catalog_shape(index, HONE_I64, 1, &count);
    for (int64_t i = 0, found = 0; i < mask->numel; i++)
        if (mask->at[i] != 0)
            index->at[found++] = (double)(i / inner % mask->shape[d]);
}

static void copy_array(const catalog_array *from, catalog_array *to)
{
    catalog_shape(to, from->dtype, from->ndim, from->shape);
    memcpy(to->at, from->at, sizeof *to->at * (size_t)to->numel);
}

static void pick(const catalog_array *in, int n_in, picked *p)
{
    int dim = 0;
    memset(p, 0, sizeof *p);
    for (int i = 1; i < n_in; i++) {
        const bool mask = !in[i].none && in[i].dtype == HONE_BOOL;
        for (int d = 0; d < (mask ? in[i].ndim : 1); d++, dim++) {
            if (in[i].none)
                continue;
            p->dim[p->n] = dim;
            if (mask)
                mask_coordinates(&in[i], d, &p->index[p->n++]);
            else
                copy_array(&in[i], &p->index[p->n++]);
        }
    }
    for (int i = 0; i < p->n; i++)
        p->ndim = p->index[i].ndim > p->ndim ? p->index[i].ndim : p->ndim;
    for (int d = 0; d < p->ndim; d++) {
        p->shape[d] = 1;
        for (int i = 0; i < p->n; i++) {
            const int own = d - (p->ndim - p->index[i].ndim);
            if (own >= 0 && p->index[i].shape[own] != 1)
                p->shape[d] = p->index[i].shape[own];
        }
    }
    if (p->n && p->dim[p->n - 1] - p->dim[0] == p->n - 1)
        p->before = p->dim[0];
}

static void drop(picked *p)
{
    for (int i = 0; i < p->n; i++)
        free(p->index[i].at);
}

static bool is_indexed(const picked *p, int dim)
{
    for (int i = 0; i < p->n; i++)
        if (p->dim[i] == dim)
            return true;
    return false;
}

static int result_shape(const picked *p, int ndim, const int64_t *extents, int64_t *shape)
{
    int n = 0, kept = 0;
    for (int d = 0; d <= ndim; d++) {
        if (kept == p->before && n == kept)
            for (int b = 0; b < p->ndim; b++)
                shape[n++] = p->shape[b];
        if (d == ndim || is_indexed(p, d))
            continue;
        shape[n++] = extents[d];
        kept++;
    }
    return n;
}

/* Element [c..] of a, broadcast. */
static int64_t value_at(const catalog_array *a, int ndim, const int64_t *c)
{
    int64_t at = 0;
    for (int d = 0; d < a->ndim; d++)
        at = at * a->shape[d] + (a->shape[d] == 1 ? 0 : c[d + ndim - a->ndim]);
    return (int64_t)a->at[at];
}

/* Where element k of the result (of the given shape) lies in x. */
static int64_t place_of(const picked *p, int ndim, const int64_t *extents, const int64_t *shape,
                        int64_t k)
{
    const int n_out = ndim - p->n + p->ndim;
    int64_t c[2 * HONE_MAX_DIMS], at[HONE_MAX_DIMS], place = 0;
    for (int d = n_out - 1; d >= 0; k /= shape[d--])
        c[d] = k % shape[d];
    for (int d = 0, kept = 0; d < ndim; d++) {
        if (is_indexed(p, d))
            continue;
        at[d] = c[kept < p->before ? kept : kept + p->ndim];
        kept++;
    }
    for (int i = 0; i < p->n; i++) {
        const int64_t index = value_at(&p->index[i], p->ndim, c + p->before);
        at[p->dim[i]] = index < 0 ? index + extents[p->dim[i]] : index;
    }
    for (int d = 0; d < ndim; d++)
        place = place * extents[d] + at[d];
    return place;
}

static void index_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    picked p;
    int64_t shape[2 * HONE_MAX_DIMS];
    (void)row;
    pick(in, n_in, &p);
    catalog_shape(out, in->dtype, result_shape(&p, in->ndim, in->shape, shape), shape);
    for (int64_t k = 0; k < out->numel; k++)
        out->at[k] = in->at[place_of(&p, in->ndim, in->shape, shape, k)];
    drop(&p);
}

static void index_backward_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                                  catalog_array *out)
{
    picked p;
    pick(in, n_in, &p);
    catalog_shape(out, in->dtype, row->n_dims, row->dims);
    for (int64_t k = 0; k < in->numel; k++)
        out->at[place_of(&p, out->ndim, out->shape, in->shape, k)] += in->at[k];
    drop(&p);
}

/* ---- gather and scatter_add */

/* Where in x (of the given extents) element k of the index points. */
static int64_t pointed_at(const catalog_row *row, const catalog_array *index,
                          const int64_t *extents, int64_t k)
{
    const int dim = row->dim < 0 ? row->dim + index->ndim : row->dim;
    const double value = index->at[k];
    int64_t place = 0, size = 1;
    for (int d = index->ndim - 1; d >= 0; k /= index->shape[d--]) {
        place += (d == dim ? (int64_t)value : k % index->shape[d]) * size;
        size *= extents[d];
    }
    return place;
}

static void gather_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    (void)n_in;
    catalog_shape(out, in->dtype, in[1].ndim, in[1].shape);
    for (int64_t k = 0; k < out->numel; k++)
        out->at[k] = in->at[pointed_at(row, &in[1], in->shape, k)];
}

static void scatter_add_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                               catalog_array *out)
{
    (void)n_in;
    copy_array(in, out);
    for (int64_t k = 0; k < in[1].numel; k++) {
        int64_t rest = k, from = 0, size = 1;
        for (int d = in[1].ndim - 1; d >= 0; rest /= in[1].shape[d--]) {
            from += rest % in[1].shape[d] * size;
            size *= in[2].shape[d];
        }
        out->at[pointed_at(row, &in[1], in->shape, k)] += in[2].at[from];
    }
}

/* ---- rows */

static const char *const one_index[] = { "5x3 4",     "5x3:t 2x3", "5x3:s 4:s", "5x3:e 4", "7 3",
                                         "4x3x2 3:e", "5x3 .",     "5x3 0",     "5x0 3",   NULL };
static const char *const some_indices[] = { "5x3 4 4",       "5x3:t 2x1 3",   "4x3x2 - 3",
                                            "4x3x2:t - 2 2", "4x3x2 3 - 3",   "4x3x2:s 2 3x1 2",
                                            "4x3x2 - - 3",   "4x3x2 3 - 2x3", "4x3x2:e 2 - 2:e",
                                            "4x3x2 0 - 0",   "4x3x2 2x2 - .", NULL };
static const char *const masks[] = { "5x3 5",           "5x3:t 5:s", "4x3x2 4x3",
                                     "4x3x2:s 4x3x2:t", "7 7",       NULL };
static const char *const mask_inside[] = { "4x3 - 3", "4x3x2 - 3x2", "4x3x2:t - 3", NULL };
static const char *const gathered[] = { "4x3 2x3", "4x3:t 5x2:t", "4x3:s 4x3:s", "4x3 4x0",
                                        "5 7",     "4x3x2 3x3x1", ". .",         NULL };
static const char *const gathered_last[] = { "4x3 4x2", "4x3:t 2x5:t", "4x3:e 4x3:s",
                                             "5 7",     "4x3x2 3x3x4", NULL };
static const char *const added[] = { "4x3 2x3 2x3",
                                     "4x3:t 5x2:t 5x2",
                                     "4x3:s 4x3:s 5x4:e",
                                     "5 7 9:s",
                                     "4x3 0x3 2x3",
                                     "4x3x2 3x3x1 3x3x1:t",
                                     ". . .",
                                     NULL };
static const char *const added_last[] = { "4x3 4x2 4x2", "4x3:t 2x5:t 2x5", "4x3x2:s 3x3x4 3x4x4",
                                          NULL };

#define INDICES(dtype)                                                                             \
    {                                                                                              \
        fill_index, .fixed = CATALOG_FIXED(dtype)                                                  \
    }
#define MASK                                                                                       \
    {                                                                                              \
        fill_mask, .fixed = CATALOG_FIXED(HONE_BOOL)                                               \
    }
#define ALONG                                                                                      \
    {                                                                                              \
        fill_along, .fixed = CATALOG_FIXED(HONE_I64)                                               \
    }
#define INDEX(...)                                                                                 \
    .op = "index", .in = { { catalog_any }, __VA_ARGS__ }, .dtypes = CATALOG_ALL,                  \
    .oracle = index_oracle
#define BACKWARD(...)                                                                              \
    .op = "index_backward", .in = { { catalog_any }, __VA_ARGS__ },                                \
    .oracle = index_backward_oracle, .ulps = 8, .scale = 4
#define DIMS(...)                                                                                  \
    .note = #__VA_ARGS__, .dims = { __VA_ARGS__ },                                                 \
    .n_dims = sizeof((int[]){ __VA_ARGS__ }) / sizeof(int)
#define CASES(...)                                                                                 \
    .cases = (const char *const[])                                                                 \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define GATHER(at)                                                                                 \
    .op = "gather", .note = "dim " #at, .dim = at, .in = { { catalog_any }, ALONG },               \
    .dtypes = CATALOG_ALL, .oracle = gather_oracle
#define SCATTER(at)                                                                                \
    .op = "scatter_add", .note = "dim " #at, .dim = at,                                            \
    .in = { { catalog_any }, ALONG, { catalog_any } }, .dtypes = CATALOG_NUMBERS,                  \
    .oracle = scatter_add_oracle, .ulps = 8, .scale = 4

static const catalog_row rows[] = {
    { INDEX(INDICES(HONE_I64)), .cases = one_index, .bits = "70x130 300" },
    { INDEX(INDICES(HONE_I32)), .note = "i32", .cases = some_indices, .bits = "70x130 300 300" },
    { INDEX(INDICES(HONE_I64)), .note = "separated", .cases = some_indices,
      .bits = "7x9x31 50 - 2x1" },
    { INDEX(MASK), .note = "mask", .cases = masks, .bits = "70x130 70" },
    { INDEX(INDICES(HONE_I64), MASK), .note = "mask inside", .cases = mask_inside,
      .bits = "7x130 - 130:s" },
    { BACKWARD(INDICES(HONE_I64)), DIMS(5, 3), CASES("4x3 4", "2x3x3:t 2x3", "4x3:s 4:e", "0x3 0"),
      .bits = "300x3 300" },
    { BACKWARD(INDICES(HONE_I64)), DIMS(5, 130), CASES("4x130 4:s", "2:e 2 2"),
      .bits = "300x130:t 300" },
    { BACKWARD(INDICES(HONE_I32)), DIMS(4, 3, 2),
      CASES("2x2x2 2 2x1 -", "4x3x3 - - 3", "3x3 3 - 3"), .bits = "300x3 300 - 300" },
    { BACKWARD(MASK), .note = "mask", .dims = { 5, 3 }, .n_dims = 2, CASES("3x3 5", "3x3:t 5:s"),
      .bits = "10 5x3" },
    { GATHER(0), .cases = gathered, .bits = "70x130 50x120" },
    { GATHER(-1), .cases = gathered_last, .bits = "70x130:t 60x200" },
    { SCATTER(0), .cases = added, .bits = "70x130 500x120 500x130" },
    { SCATTER(-1), .cases = added_last, .bits = "70x30:t 60x200 60x200:s" },
    { SCATTER(1), .cases = (const char *const[]){ "4x3x2 3x9x2 3x9x2", NULL },
      .bits = "7x3x20 7x90x20 7x90x20" },
};
CATALOG_FAMILY(index);
