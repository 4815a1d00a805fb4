/* catalog_sort.c: rows of src/ops/sort.c. */
#include "catalog.h"

#include <stdlib.h>

static const char *const last[] = { "3x5", "5x4:t", "4x3x6:s", "3x5:e", "2x0x3", "7", NULL };
static const char *const first[] = { "5x3", "4x3x6:t", "4x5:s", "9", NULL };
static const char *const none[] = { "3x5", "3x0", NULL };
static const char *const scalar[] = { ".", NULL };

/* Takes the best of what is left, k times: the first of equal ones. */
static void oracle(const catalog_row *row, const catalog_array *in, int n_in, catalog_array *out)
{
    (void)n_in;
    const int64_t k = catalog_int(row, "k");
    const bool largest = catalog_bool(row, "largest"), sorted = catalog_bool(row, "sorted");
    int dim = (int)catalog_int(row, "dim");
    dim += dim < 0 && in->ndim ? in->ndim : 0;
    int64_t shape[HONE_MAX_DIMS], inner = 1;
    for (int d = 0; d < in->ndim; d++) {
        shape[d] = d == dim ? k : in->shape[d];
        inner *= d > dim ? in->shape[d] : 1;
    }
    const int64_t extent = in->ndim ? in->shape[dim] : 1;
    catalog_shape(out, row->output ? HONE_I64 : in->dtype, in->ndim, shape);
    bool *taken = calloc((size_t)extent + 1, sizeof *taken);
    for (int64_t r = 0; k > 0 && r < out->numel / k; r++) {
        const int64_t outer = r / inner, at = r % inner;
        const double *x = in->at + outer * extent * inner + at;
        double *to = out->at + outer * k * inner + at;
        for (int64_t i = 0; i < extent; i++)
            taken[i] = false;
        for (int64_t n = 0; n < k; n++) {
            int64_t best = -1;
            for (int64_t i = 0; i < extent; i++)
                if (!taken[i] && (best < 0 || (largest ? x[i * inner] > x[best * inner]
                                                       : x[i * inner] < x[best * inner])))
                    best = i;
            taken[best] = true;
            to[n * inner] = row->output ? (double)best : x[best * inner];
        }
        for (int64_t i = 0, n = 0; !sorted && i < extent; i++)
            if (taken[i])
                to[n++ * inner] = row->output ? (double)i : x[i * inner];
    }
    free(taken);
}

/* By insertion: an element goes before those that it beats. */
static void sort_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    const bool descending = catalog_bool(row, "descending");
    const bool places = row->output || row->op[0] == 'a';
    int dim = (int)catalog_int(row, "dim");
    int64_t inner = 1;
    (void)n_in;
    dim += dim < 0 && in->ndim ? in->ndim : 0;
    const int64_t extent = in->ndim ? in->shape[dim] : 1;
    for (int d = dim + 1; d < in->ndim; d++)
        inner *= in->shape[d];
    catalog_shape(out, places ? HONE_I64 : in->dtype, in->ndim, in->shape);
    int64_t *order = calloc((size_t)extent + 1, sizeof *order);
    for (int64_t r = 0; in->numel && r < in->numel / extent; r++) {
        const int64_t base = r / inner * extent * inner + r % inner;
        const double *x = in->at + base;
        for (int64_t i = 0; i < extent; i++) {
            int64_t k = i;
            for (; k > 0 && (descending ? x[order[k - 1] * inner] < x[i * inner]
                                        : x[order[k - 1] * inner] > x[i * inner]);
                 k--)
                order[k] = order[k - 1];
            order[k] = i;
        }
        for (int64_t i = 0; i < extent; i++)
            out->at[base + i * inner] = places ? (double)order[i] : x[order[i] * inner];
    }
    free(order);
}

#define SORT(name, which, cases_, bits_, text, ...)                                                \
    {                                                                                              \
        .op = name, .output = which, .note = which ? "indices, " text : text, .attributes = text,  \
        .cases = cases_, .bits = bits_, .dtypes = CATALOG_ALL, .in = { { catalog_apart } },        \
        .oracle = sort_oracle, __VA_ARGS__                                                         \
    }
#define SORTS(cases_, bits_, text)                                                                 \
    SORT("sort", 0, cases_, bits_, text, .view = false),                                           \
        SORT("sort", 1, cases_, bits_, text, .no_gradient = "indices"),                            \
        SORT("argsort", 0, cases_, bits_, text, .no_gradient = "indices")

#define TOPK(cases_, bits_, text)                                                                  \
    { .op = "topk",                                                                                \
      .note = text,                                                                                \
      .attributes = text,                                                                          \
      .cases = cases_,                                                                             \
      .bits = bits_,                                                                               \
      .dtypes = CATALOG_NUMBERS,                                                                   \
      .in = { { catalog_apart } },                                                                 \
      .oracle = oracle },                                                                          \
    {                                                                                              \
        .op = "topk", .note = "indices, " text, .attributes = text, .cases = cases_,               \
        .bits = bits_, .dtypes = CATALOG_NUMBERS, .in = { { catalog_apart } }, .oracle = oracle,   \
        .output = 1, .no_gradient = "indices"                                                      \
    }

static const catalog_row rows[] = {
    TOPK(last, "70x300", "k=3 dim=-1 largest=true sorted=true"),
    TOPK(last, "70x300:t", "k=3 dim=-1 largest=false sorted=true"),
    TOPK(first, "300x70", "k=4 dim=0 largest=true sorted=false"),
    TOPK(first, "3x70", "k=1 dim=0 largest=false sorted=false"),
    TOPK(none, NULL, "k=0 dim=1 largest=true sorted=true"),
    TOPK(scalar, NULL, "k=1 dim=0 largest=true sorted=true"),
    SORTS(last, "70x300", "dim=-1 descending=false"),
    SORTS(last, "70x301:t", "dim=-1 descending=true"),
    SORTS(first, "300x7x3", "dim=0 descending=false"),
    SORTS(first, "33x70", "dim=0 descending=true"),
    SORTS(none, NULL, "dim=1 descending=false"),
    SORTS(scalar, NULL, "dim=0 descending=true"),
};
CATALOG_FAMILY(sort);
