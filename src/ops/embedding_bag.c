/* embedding_bag.c: sums, means and maxima of rows of a table, bag by bag. */
#include "loops/elementwise.h"
#include "loops/indices.h"
#include "loops/rows.h"
#include "ops/embedding.h"
#include "runtime/parallel.h"

#include <string.h>

#define NS_PER_ELEMENT 0.3

typedef struct {
    int64_t padding_idx;
    int mode; /* hone_bag_mode */
    bool include_last_offset;
} bag_options;

static const char *const modes[] = { "mean", "sum", "max", NULL };
static const hone__option bag_table[] = {
    HONE__OPTION(bag_options, mode, HONE__OPT_CHOICE, .choices = modes),
    HONE__OPTION(bag_options, padding_idx, HONE__OPT_INT, .standard = -0x1p63),
    HONE__OPTION(bag_options, include_last_offset, HONE__OPT_BOOL),
    { NULL },
};

enum { INDICES, WEIGHT, OFFSETS, FACTORS };
/* What is saved besides: the numbers of bags and how many rows each has, or a maximum's rows. */
enum { SAVED_BAGS = 3, SAVED_COUNTS, SAVED_ROWS = SAVED_BAGS };

/* ---- checks */

static bool operands_fit(const bag_options *o, hone_tensor *const *in)
{
    const hone_tensor *at = in[INDICES], *w = in[WEIGHT], *f = in[FACTORS];
    if (o->mode < HONE_BAG_MEAN || o->mode > HONE_BAG_MAX)
        hone_error_set(HONE_E_VALUE, "embedding_bag: mode %d is none", o->mode);
    else if (!hone_dtype_is_float((hone_dtype)w->dtype))
        hone_error_set(HONE_E_DTYPE, "embedding_bag: the weight must be f32 or f64, got %s",
                       hone__tensor_text(w).s);
    else if (w->ndim != 2)
        hone_error_set(HONE_E_SHAPE, "embedding_bag: the weight is %s, [rows, width] is wanted",
                       hone__tensor_text(w).s);
    else if (at->ndim != (in[OFFSETS] == HONE_NONE ? 2 : 1))
        hone_error_set(HONE_E_SHAPE, "embedding_bag: indices are %s, but %s is wanted",
                       hone__tensor_text(at).s,
                       in[OFFSETS] == HONE_NONE ? "[bags, n] without offsets" : "[n] with offsets");
    else if (in[OFFSETS] != HONE_NONE &&
             (in[OFFSETS]->ndim != 1 || in[OFFSETS]->dtype != at->dtype))
        hone_error_set(in[OFFSETS]->ndim != 1 ? HONE_E_SHAPE : HONE_E_DTYPE,
                       "embedding_bag: offsets %s must be [bags] of the dtype of the indices %s",
                       hone__tensor_text(in[OFFSETS]).s, hone__tensor_text(at).s);
    else if (in[OFFSETS] == HONE_NONE && o->include_last_offset)
        hone_error_set(HONE_E_VALUE, "embedding_bag: include_last_offset needs offsets");
    else if (f != HONE_NONE && o->mode != HONE_BAG_SUM)
        hone_error_set(HONE_E_VALUE,
                       "embedding_bag: per_sample_weights go with the mode sum alone");
    else if (f != HONE_NONE && (!hone__same_shape(f, at) || f->dtype != w->dtype))
        hone_error_set(f->dtype == w->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                       "embedding_bag: per_sample_weights %s must have the shape of the indices %s "
                       "and the weight's dtype",
                       hone__tensor_text(f).s, hone__tensor_text(at).s);
    else
        return true;
    return false;
}

/* Where bags begin, [bags + 1]; NULL + error. */
static hone_tensor *edges_of(const bag_options *o, hone_tensor *const *in, int64_t *bags)
{
    hone_tensor *offsets = in[OFFSETS];
    const int64_t n = in[INDICES]->numel;
    *bags = offsets == HONE_NONE ? in[INDICES]->shape[0] : offsets->numel - o->include_last_offset;
    if (*bags < 0) {
        hone_error_set(HONE_E_VALUE,
                       "embedding_bag: offsets are empty, but the last one is wanted");
        return NULL;
    }
    hone_tensor *edges = hone_empty(HONE_I64, *bags + 1);
    if (offsets != HONE_NONE)
        offsets = hone__indices_of("embedding_bag", offsets);
    if (!edges || !offsets)
        return NULL;
    int64_t *at = hone__data(edges);
    for (int64_t b = 0; b <= *bags; b++)
        at[b] = offsets == HONE_NONE ? b * in[INDICES]->shape[1]
                : b < offsets->numel ? ((const int64_t *)hone__data(offsets))[b]
                                     : n;
    for (int64_t b = 0; b <= *bags; b++)
        if (at[b] > n || at[b] < (b ? at[b - 1] : 0) || (b == 0 && *bags && at[0])) {
            hone_error_set(HONE_E_VALUE,
                           "embedding_bag: offsets[%lld] is %lld; from 0 on they may not fall, nor "
                           "be more than the %lld indices",
                           (long long)b, (long long)at[b], (long long)n);
            return NULL;
        }
    if (at[*bags] == n || (*bags == 0 && !o->include_last_offset && n == 0))
        return edges;
    hone_error_set(HONE_E_VALUE,
                   "embedding_bag: the last offset is %lld, but there are %lld indices",
                   (long long)at[*bags], (long long)n);
    return NULL;
}

/* ---- forward */

typedef struct {
    int mode;
    hone_dtype dtype;
    int64_t size, width, padding, row_stride;
    const int64_t *at, *edge;
    const char *weight, *factors; /* NULL: none */
    char *out;
    int64_t *count, *rows; /* [bags]; [bags, width] or NULL */
} job;

/* The first, and what is larger; whose row it is, -1 of an empty bag. */
#define LARGEST(type)                                                                              \
    static void largest_##type(const job *j, int64_t bag)                                          \
    {                                                                                              \
        type *out = (type *)j->out + bag * j->width;                                               \
        int64_t *rows = j->rows ? j->rows + bag * j->width : NULL;                                 \
        bool first = true;                                                                         \
        for (int64_t e = 0; e < j->width; e++) {                                                   \
            out[e] = 0;                                                                            \
            if (rows)                                                                              \
                rows[e] = -1;                                                                      \
        }                                                                                          \
        for (int64_t i = j->edge[bag]; i < j->edge[bag + 1]; i++) {                                \
            const type *row = (const type *)j->weight + j->at[i] * j->row_stride;                  \
            if (j->at[i] == j->padding)                                                            \
                continue;                                                                          \
            for (int64_t e = 0; e < j->width; e++) {                                               \
                if (!first && !(row[e] > out[e]))                                                  \
                    continue;                                                                      \
                out[e] = row[e];                                                                   \
                if (rows)                                                                          \
                    rows[e] = j->at[i];                                                            \
            }                                                                                      \
            first = false;                                                                         \
        }                                                                                          \
    }
LARGEST(float)
LARGEST(double)

static void add_up(const job *j, int64_t bag)
{
    char *out = j->out + bag * j->width * j->size, count[8];
    memset(out, 0, (size_t)(j->width * j->size));
    j->count[bag] = 0;
    for (int64_t i = j->edge[bag]; i < j->edge[bag + 1]; i++) {
        const char *row = j->weight + j->at[i] * j->row_stride * j->size;
        if (j->at[i] == j->padding)
            continue;
        j->count[bag]++;
        if (!j->factors) {
            hone__k->binary[HONE__K_ADD][j->dtype](j->width, out, 1, out, 1, row, 1);
            continue;
        }
        const double factor = j->dtype == HONE_F32 ? (double)((const float *)j->factors)[i]
                                                   : ((const double *)j->factors)[i];
        hone__k->add_scaled[j->dtype](j->width, out, 1, out, 1, row, 1, factor);
    }
    hone__number(j->dtype, (double)j->count[bag], count);
    if (j->mode == HONE_BAG_MEAN && j->count[bag] > 0)
        hone__k->binary[HONE__K_DIV][j->dtype](j->width, out, 1, out, 1, count, 0);
}

static void run_bags(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t bag = begin; bag < end; bag++)
        if (j->mode != HONE_BAG_MAX)
            add_up(j, bag);
        else if (j->dtype == HONE_F32)
            largest_float(j, bag);
        else
            largest_double(j, bag);
}

/* The bag of each index. */
static hone_tensor *bag_numbers(const int64_t *edge, int64_t bags, int64_t n)
{
    hone_tensor *numbers = hone_empty(HONE_I64, n);
    for (int64_t bag = 0; numbers && bag < bags; bag++)
        for (int64_t i = edge[bag]; i < edge[bag + 1]; i++)
            ((int64_t *)hone__data(numbers))[i] = bag;
    return numbers;
}

static bool embedding_bag_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                  hone_tensor **out)
{
    (void)n_in;
    bag_options *o = hone__options(ctx);
    int64_t bags = 0;
    hone_tensor *edges = operands_fit(o, in) ? edges_of(o, in, &bags) : NULL;
    hone_tensor *w = in[WEIGHT], *f = in[FACTORS];
    hone_tensor *at = edges ? hone__numbers_of(ctx, in[INDICES], w->shape[0]) : NULL;
    if (!at || !hone__take_padding(ctx, w->shape[0], o->padding_idx, &o->padding_idx))
        return false;
    const bool max = o->mode == HONE_BAG_MAX;
    const int64_t width = w->shape[1];
    hone_tensor *rows = w->stride[1] == 1 || width < 2 ? w : hone_contiguous(w);
    f = f == HONE_NONE ? f : hone_contiguous(f);
    hone_tensor *largest = max ? hone_empty(HONE_I64, bags, width) : HONE_NONE;
    hone_tensor *counts = hone_empty(HONE_I64, bags);
    hone_tensor *numbers = max ? HONE_NONE : bag_numbers(hone__data(edges), bags, at->numel);
    if (!rows || !f || !largest || !counts || !numbers ||
        !HONE__SAVE(ctx, hone_reshape(at, at->numel), w, in[FACTORS], max ? largest : numbers,
                    counts))
        return false;
    hone_tensor *y = out[0] =
        hone__out(ctx, 0, (hone_dtype)w->dtype, 2, (int64_t[]){ bags, width });
    if (!y)
        return false;
    job j = { .mode = o->mode,
              .dtype = (hone_dtype)w->dtype,
              .size = (int64_t)hone_dtype_size((hone_dtype)w->dtype),
              .width = width,
              .padding = o->padding_idx,
              .row_stride = rows->stride[0],
              .at = hone__data(at),
              .edge = hone__data(edges),
              .weight = hone__data(rows),
              .factors = f == HONE_NONE ? NULL : hone__data(f),
              .out = hone__data(y),
              .count = hone__data(counts),
              .rows = max ? hone__data(largest) : NULL };
    if (y->numel > 0)
        hone__parallel_for(bags, 1,
                           NS_PER_ELEMENT * (double)(at->numel * width) / (double)bags + 10,
                           run_bags, &j);
    else if (j.count)
        memset(j.count, 0, (size_t)bags * sizeof *j.count);
    return true;
}

/* ---- gradients */

/* A maximum's: each number goes to its row, bag by bag. */
static void add_to_rows(hone_tensor *sum, const hone_tensor *rows, const hone_tensor *dy)
{
    const int64_t width = dy->shape[1], size = (int64_t)hone_dtype_size((hone_dtype)dy->dtype);
    const int64_t *row = hone__data(rows);
    hone__bump(sum);
    for (int64_t i = 0; i < dy->numel; i++)
        if (row[i] >= 0)
            hone__add_one((hone_dtype)dy->dtype,
                          (char *)hone__data(sum) + (row[i] * width + i % width) * size,
                          (const char *)hone__data(dy) + i * size);
}

static void max_of_dy(hone_context *ctx, hone_tensor *dy, hone_tensor **dx)
{
    hone_tensor *rows = hone_saved(ctx, SAVED_ROWS), *sum = hone__begun(ctx, WEIGHT, dx);
    const hone__shape *w = hone__input_shape(ctx, WEIGHT);
    if (sum && rows) {
        if ((dy = hone_contiguous(dy)))
            add_to_rows(sum, rows, dy);
        return;
    }
    hone_tensor *zero = hone_zeros(hone_dtype_of(dy), w->shape[0], w->shape[1]);
    if (w->shape[0] == 0) {
        dx[WEIGHT] = zero;
        return;
    }
    hone_tensor *there = hone_ge_scalar(rows, 0);
    dx[WEIGHT] = hone_scatter_add(zero, 0, hone_maximum_scalar(rows, 0),
                                  hone_where(there, dy, hone_scalar(hone_dtype_of(dy), 0)));
}

static void embedding_bag_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const bag_options *o = hone__options(ctx);
    if (o->mode == HONE_BAG_MAX) {
        max_of_dy(ctx, dy[0], dx);
        return;
    }
    hone_tensor *at = hone_saved(ctx, INDICES), *w = hone_saved(ctx, WEIGHT);
    hone_tensor *factors = hone_saved(ctx, 2), *counts = hone_saved(ctx, SAVED_COUNTS);
    const int64_t rows = hone__input_shape(ctx, WEIGHT)->shape[0], padding = o->padding_idx;
    hone_tensor *d = dy[0];
    if (o->mode == HONE_BAG_MEAN) {
        hone_tensor *n = hone_to(hone_maximum_scalar(counts, 1), hone_dtype_of(d));
        d = hone_div(d, hone_unsqueeze(n, 1));
    }
    d = hone_index(d, hone_saved(ctx, SAVED_BAGS)); /* a row for each index */
    if (hone_needs_input_grad(ctx, FACTORS)) {
        hone_tensor *dot = hone_sum_dim(hone_mul(d, hone_index(w, at)), 1, false);
        if (padding >= 0)
            dot = hone_where(hone_eq_scalar(at, (double)padding), hone_scalar(hone_dtype_of(d), 0),
                             dot);
        int64_t room[HONE_MAX_DIMS + 1];
        dx[FACTORS] = hone_reshape_v(dot, hone__ended(hone__input_shape(ctx, FACTORS), room));
    }
    if (!hone_needs_input_grad(ctx, WEIGHT))
        return;
    if (factors != HONE_NONE)
        d = hone_mul(d, hone_unsqueeze(hone_reshape(factors, -1), 1));
    hone_tensor *sum = hone__begun(ctx, WEIGHT, dx);
    if (sum && d && at)
        hone__add_rows(sum, at, d, padding);
    else
        dx[WEIGHT] = hone_embedding_backward(d, at, rows, padding < 0 ? HONE_NO_PADDING : padding);
}

const hone__op hone__op_embedding_bag = {
    .name = "embedding_bag",
    .forward = embedding_bag_forward,
    .backward = embedding_bag_backward,
    .in = { { "indices", HONE__CONSTANT },
            { "weight" },
            { "offsets", HONE__CONSTANT | HONE__OPTIONAL },
            { "per_sample_weights", HONE__OPTIONAL } },
    .options = bag_table,
    .options_bytes = sizeof(bag_options),
    .adds = true,
};

hone_tensor *hone_embedding_bag(hone_tensor *indices, hone_tensor *weight, hone_tensor *offsets,
                                hone_tensor *per_sample_weights, hone_bag_mode mode,
                                int64_t padding_idx, bool include_last_offset)
{
    const bag_options o = { padding_idx, (int)mode, include_last_offset };
    return hone__call(&hone__op_embedding_bag, IN(indices, weight, offsets, per_sample_weights),
                      &o);
}
