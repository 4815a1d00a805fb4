/* catalog_put.c: rows of index_select, index_put, scatter and repeat_interleave_tensor. */
#include "catalog.h"

#include <string.h>

/* ---- fills */

static int dim_of(const catalog_row *row, const catalog_array *x)
{
    const int64_t dim = catalog_int(row, "dim");
    return (int)(dim < 0 ? dim + x->ndim : dim);
}

static int64_t extent_of(const catalog_row *row, const catalog_array *x)
{
    return x->ndim ? x->shape[dim_of(row, x)] : 1;
}

/* Any indices of the dim. */
static void fill_any(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const uint64_t extent = (uint64_t)extent_of(row, in);
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)(catalog_random(random) % extent);
}

/* Such that none comes twice along the dim. */
static void fill_distinct(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const int64_t extent = extent_of(row, in);
    int64_t inner = 1;
    (void)random;
    for (int d = in[i].ndim - 1; in[i].ndim && d > dim_of(row, in); d--)
        inner *= in[i].shape[d];
    for (int64_t k = 0; k < in[i].numel; k++) /* along dim 1 up, from elsewhere in each lane */
        in[i].at[k] = (double)((k / inner + k % inner) % extent);
}

/* Of index_put's dim i - 2; the first one's are all different, and some negative. */
static void fill_index(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    const int64_t extent = in[0].shape[i - 2];
    (void)row;
    for (int64_t k = 0; k < in[i].numel; k++) {
        const int64_t at = i == 2 ? (k * (extent - 1) + 1) % extent
                                  : (int64_t)(catalog_random(random) % (uint64_t)extent);
        in[i].at[k] = (double)(k % 2 ? at - extent : at);
    }
}

static void fill_repeats(const catalog_row *row, catalog_array *in, int i, uint64_t *random)
{
    (void)row, (void)random;
    for (int64_t k = 0; k < in[i].numel; k++)
        in[i].at[k] = (double)((k + 2) % 4);
}

/* ---- oracles */

static void copy_array(const catalog_array *from, catalog_array *to)
{
    catalog_shape(to, from->dtype, from->ndim, from->shape);
    memcpy(to->at, from->at, sizeof *to->at * (size_t)to->numel);
}

/* x with its dim's index i taken from index[i]. */
static void take_oracle(const catalog_row *row, const catalog_array *x, const catalog_array *index,
                        catalog_array *out)
{
    const int dim = x->ndim ? dim_of(row, x) : 0;
    int64_t shape[HONE_MAX_DIMS] = { index->numel }, inner = 1;
    for (int d = 0; d < x->ndim; d++) {
        shape[d] = d == dim ? index->numel : x->shape[d];
        inner *= d > dim ? x->shape[d] : 1;
    }
    const bool stays = strcmp(row->op, "index_select") == 0; /* a 0-d x */
    catalog_shape(out, x->dtype, x->ndim || stays ? x->ndim : 1, shape);
    for (int64_t k = 0; k < out->numel; k++) {
        const int64_t outer = k / inner / index->numel;
        const int64_t at = (int64_t)index->at[k / inner % index->numel];
        out->at[k] = x->at[(outer * extent_of(row, x) + at) * inner + k % inner];
    }
}

static void index_select_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                                catalog_array *out)
{
    (void)n_in;
    take_oracle(row, &in[0], &in[1], out);
}

static void repeat_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    catalog_array index = { .numel = 0 };
    double at[4000];
    index.at = at;
    (void)n_in;
    for (int64_t i = 0; i < extent_of(row, in); i++)
        for (double t = in[1].at[in[1].numel == 1 ? 0 : i]; t > 0; t--)
            at[index.numel++] = (double)i;
    take_oracle(row, &in[0], &index, out);
}

/* x's elements at [i0][i1].., of its leading dims, one index each, all [n]: rows of values. */
static void index_put_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                             catalog_array *out)
{
    int64_t inner = 1;
    copy_array(in, out);
    for (int d = n_in - 2; d < in->ndim; d++)
        inner *= in->shape[d];
    for (int64_t k = 0; k < in[2].numel; k++) {
        int64_t place = 0;
        for (int i = 2; i < n_in; i++) {
            const double at = in[i].at[in[i].numel == 1 ? 0 : k];
            place =
                place * in->shape[i - 2] + (int64_t)(at < 0 ? at + (double)in->shape[i - 2] : at);
        }
        for (int64_t c = 0; c < inner; c++) {
            const double value = in[1].at[in[1].numel == 1 ? 0 : k * inner + c];
            double *to = &out->at[place * inner + c];
            *to = catalog_bool(row, "accumulate") ? *to + value : value;
        }
    }
}

static void scatter_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                           catalog_array *out)
{
    const catalog_array *index = &in[1];
    copy_array(in, out);
    for (int64_t k = 0; k < index->numel; k++) {
        int64_t rest = k, from = 0, from_size = 1, to = 0, to_size = 1;
        for (int d = index->ndim - 1; d >= 0; rest /= index->shape[d--]) {
            const int64_t c = rest % index->shape[d];
            to += (d == dim_of(row, in) ? (int64_t)index->at[k] : c) * to_size;
            to_size *= in->shape[d];
            from += c * from_size;
            from_size *= n_in > 2 ? in[2].shape[d] : 1;
        }
        out->at[to] = n_in > 2 ? in[2].at[from] : catalog_float(row, "s");
    }
}

/* ---- rows */

static const char *const selected[] = { "5x3 4", "5x3:t 7", "5x3:s 2:s", "5x3:e 3",
                                        "7 3",   "5x3x2 .", "5x3 0",     NULL };
static const char *const selected_last[] = { "3x5 4", "4x3x5:t 7", ". 1", "2x0x5 2", NULL };
static const char *const repeated[] = { "5x3 5", "5x3:t 5:s", "5x3:s 1", ". 1", "4x0 .", NULL };
static const char *const put_rows[] = { "5x3 4x3 4", "5x3:t 4x3:t 4", "5x3x2:s 3x3x2 3",
                                        "7 . 3",     "5x3 0x3 0",     "5x3 1 5:s",
                                        NULL };
static const char *const put_places[] = { "5x3 4 4 4", "5x3:t . 3 3", "5x4x3:s 4x3 4 1",
                                          "5x4x3 4 4 4 4:s", NULL };
static const char *const put_more[] = { "5x3 9x3 9", "5x3:t 9x3:t 9", "5x3x2:s 9x3x2 9",
                                        "7 . 30",    "5x3 9 9 9",     NULL };
static const char *const distinct[] = { "4x3 2x3 2x3",
                                        "4x3:t 3x2:t 3x2",
                                        "4x3:s 4x3:s 5x4:e",
                                        "9 7 9:s",
                                        "4x3 0x3 2x3",
                                        "4x3x2 3x3x1 3x3x1:t",
                                        ". . .",
                                        NULL };
static const char *const distinct_last[] = { "4x3 4x2 4x2", "3x6:t 2x5:t 2x5",
                                             "3x4x4:s 3x3x4 3x4x4", NULL };
static const char *const repeating[] = { "4x3 9x3 9x3", "4x3:t 9x2:t 9x2", NULL };
static const char *const numbers[] = { "4x3 2x3", "4x3:t 5x2:t", "4x3:s 4x3:s", "5 7",
                                       "4x3 0x3", ". .",         NULL };

#define INDEX(fill_)                                                                               \
    {                                                                                              \
        fill_, .fixed = CATALOG_FIXED(HONE_I64)                                                    \
    }
#define ROW(name, text, cases_, bits_, oracle_, ...)                                               \
    .op = name, .note = text, .attributes = text, .cases = cases_, .bits = bits_,                  \
    .dtypes = CATALOG_NUMBERS, .oracle = oracle_, .in = { __VA_ARGS__ }, .ulps = 8, .scale = 10
#define LAST "the last value of a place stays, and PyTorch's gradient of the others isn't 0"

static const catalog_row rows[] = {
    { ROW("index_select", "dim=0", selected, "70x130 300", index_select_oracle, { catalog_any },
          INDEX(fill_any)) },
    { ROW("index_select", "dim=-1", selected_last, "70x130:t 300", index_select_oracle,
          { catalog_any }, INDEX(fill_any)) },
    { ROW("repeat_interleave_tensor", "dim=0", repeated, "70x130 70", repeat_oracle,
          { catalog_any }, INDEX(fill_repeats)) },
    { ROW("index_put", "accumulate=false", put_rows, "300x70 90x70 90", index_put_oracle,
          { catalog_any }, { catalog_any }, INDEX(fill_index)) },
    { ROW("index_put", "accumulate=false", put_places, "70x30 60 60 60", index_put_oracle,
          { catalog_any }, { catalog_any }, INDEX(fill_index)) },
    { ROW("index_put", "accumulate=true", put_more, "30x70 400x70 400", index_put_oracle,
          { catalog_any }, { catalog_any }, INDEX(fill_index)) },
    { ROW("index_put", "accumulate=false", put_more, "30x70 400x70 400", index_put_oracle,
          { catalog_any }, { catalog_any }, INDEX(fill_index)),
      .no_gradient = LAST },
    { ROW("scatter", "dim=0", distinct, "300x130 200x120 200x130", scatter_oracle, { catalog_any },
          INDEX(fill_distinct), { catalog_any }) },
    { ROW("scatter", "dim=-1", distinct_last, "70x300:t 60x200 60x200:s", scatter_oracle,
          { catalog_any }, INDEX(fill_distinct), { catalog_any }) },
    { ROW("scatter", "dim=0", repeating, "30x130 500x120 500x130", scatter_oracle, { catalog_any },
          INDEX(fill_any), { catalog_any }),
      .no_gradient = LAST },
    { ROW("scatter_scalar", "dim=0 s=3", numbers, "70x130 50x120", scatter_oracle, { catalog_any },
          INDEX(fill_any)) },
};
CATALOG_FAMILY(put);
