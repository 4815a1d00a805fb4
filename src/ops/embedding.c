/* embedding.c: rows of a table by their numbers, its gradient by destination, and one_hot. */
#include "loops/elementwise.h"
#include "loops/indices.h"
#include "op/shards.h"
#include "ops/embedding.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

hone_tensor *hone__numbers_of(hone_context *ctx, hone_tensor *indices, int64_t extent)
{
    const char *name = hone__call_name(ctx);
    indices = hone__indices_of(name, indices);
    const int64_t *at = indices && indices->numel ? hone__data(indices) : NULL;
    for (int64_t i = 0; at && i < indices->numel; i++) {
        if (at[i] >= 0 && at[i] < extent)
            continue;
        hone_error_set(HONE_E_INDEX, "%s: indices[%lld] is %lld, 0 to %lld are possible", name,
                       (long long)i, (long long)at[i], (long long)extent - 1);
        return NULL;
    }
    return indices;
}

#define NS_PER_ELEMENT 0.3

/* ---- embedding */

typedef struct {
    int64_t padding_idx;
} embedding_options;
static const hone__option embedding_table[] = {
    HONE__OPTION(embedding_options, padding_idx, HONE__OPT_INT, .standard = -0x1p63),
    { NULL },
};

bool hone__take_padding(hone_context *ctx, int64_t rows, int64_t given, int64_t *padding)
{
    *padding = given == HONE_NO_PADDING ? -1 : given < 0 ? given + rows : given;
    if (given == HONE_NO_PADDING || (*padding >= 0 && *padding < rows))
        return true;
    hone_error_set(HONE_E_VALUE, "%s: padding_idx is %lld, but the weight has %lld rows",
                   hone__call_name(ctx), (long long)given, (long long)rows);
    return false;
}

static bool embedding_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    embedding_options *o = hone__options(ctx);
    const hone_tensor *weight = in[1];
    if (weight->ndim != 2) {
        hone_error_set(HONE_E_SHAPE, "embedding: the weight is %s, [rows, width] is wanted",
                       hone__tensor_text(weight).s);
        return false;
    }
    hone_tensor *at = hone__numbers_of(ctx, in[0], weight->shape[0]);
    return at && hone__take_padding(ctx, weight->shape[0], o->padding_idx, &o->padding_idx) &&
           HONE__SAVE(ctx, in[0]) && hone__give(out, hone_index(in[1], at));
}

typedef struct {
    hone_tensor *sum, *at, *dy;
    int64_t padding;
} addition;

/* Some columns of all rows. */
static void add_columns(void *ctx, int64_t begin, int64_t end)
{
    const addition *a = ctx;
    const int64_t size = (int64_t)hone_dtype_size((hone_dtype)a->sum->dtype);
    const int64_t width = a->sum->shape[1], *at = hone__data(a->at);
    const hone__binary_fn add = hone__k->binary[HONE__K_ADD][a->sum->dtype];
    for (int64_t i = 0; i < a->at->numel; i++) {
        char *to = (char *)hone__data(a->sum) + (at[i] * width + begin) * size;
        if (at[i] != a->padding)
            add(end - begin, to, 1, to, 1,
                (const char *)hone__data(a->dy) + (i * width + begin) * size, 1);
    }
}

bool hone__add_rows(hone_tensor *sum, hone_tensor *at, hone_tensor *dy, int64_t padding)
{
    addition a = { sum, at, hone_contiguous(dy), padding };
    hone__bump(sum);
    if (a.dy && dy->numel > 0)
        hone__parallel_for(sum->shape[1], 64, NS_PER_ELEMENT * (double)at->numel, add_columns, &a);
    return a.dy;
}

/* The rows that are named, numbered as they come: named [0..k-1]; numbers[i] is that of at[i], -1 the
 * padding's. k; -1: out of memory. */
static int64_t number_rows(const hone_tensor *at, int64_t rows, int64_t padding, int64_t *named,
                           int64_t *numbers)
{
    const int64_t *row = hone__data(at);
    int64_t k = 0, *number = hone__pool_alloc(hone__bytes(rows, sizeof *number));
    if (!number)
        return -1;
    for (int64_t i = 0; i < at->numel; i++)
        number[row[i]] = -1;
    for (int64_t i = 0; i < at->numel; i++) {
        if (row[i] != padding && number[row[i]] < 0) {
            named[k] = row[i];
            number[row[i]] = k++;
        }
        numbers[i] = number[row[i]];
    }
    hone__pool_free(number, hone__bytes(rows, sizeof *number));
    return k;
}

/* sum += the whole gradient, without its rows of zeros. */
static bool add_whole(hone_tensor *sum, hone_tensor *at, hone_tensor *dy, int64_t padding)
{
    HONE_SCOPE();
    hone_tensor *named = hone_empty(HONE_I64, at->numel), *numbers = hone_empty_like(named);
    if (!named || !numbers)
        return false;
    const int64_t k =
        number_rows(at, sum->shape[0], padding, hone__data(named), hone__data(numbers));
    hone_tensor *part = k < 0 ? NULL : hone_zeros((hone_dtype)sum->dtype, k, sum->shape[1]);
    hone_tensor *first = part ? hone_slice(named, 0, 0, k, 1) : NULL;
    return first && hone__add_rows(part, numbers, dy, -1) &&
           hone_add_scalar_(sum, 0) && /* what adding zeros does to -0 */
           hone__add_rows(sum, first, part, -1);
}

/* For a shard's samples. */
static bool chain_rows(void *user, hone_tensor *sum, bool fresh, int64_t first, int64_t n)
{
    const addition *a = user;
    if (fresh)
        hone__fill_elements(sum, 0);
    hone_tensor *at = hone_slice(a->at, 0, first, first + n, 1);
    hone_tensor *dy = hone_slice(a->dy, 0, first, first + n, 1);
    at = at && dy ? hone__indices_of("embedding", at) : NULL;
    return at && hone__add_rows(sum, at, dy, a->padding);
}

/* Into the gradient that there is, only the rows that are named; else zeros come first. Where another
 * use of the table has a gradient already (a tied head), this one's rows are summed apart. */
static void embedding_of_dy(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const embedding_options *o = hone__options(ctx);
    const int64_t rows = hone__input_shape(ctx, 1)->shape[0];
    hone_tensor *saved = hone_saved(ctx, 0), *sum = hone__sum_begun(ctx, 1, dx);
    hone_tensor *d = hone__single(dy[0]);
    if (!d)
        return;
    if (saved && saved->ndim > 0 && hone__in_shards(ctx, 1)) {
        addition a = { .at = saved, .dy = d, .padding = o->padding_idx };
        hone__shard_sums(ctx, 1, saved->shape[0], chain_rows, &a, NULL);
        return;
    }
    hone_tensor *whole = sum ? NULL : dx[1];
    if (sum || (whole && saved && 2 * saved->numel < rows && whole->dtype == d->dtype)) {
        hone_tensor *at = hone__indices_of("embedding", saved);
        if (at && sum)
            hone__add_rows(sum, at, d, o->padding_idx);
        else if (at)
            add_whole(whole, at, d, o->padding_idx);
        return;
    }
    dx[1] = hone_embedding_backward(d, hone_saved(ctx, 0), rows,
                                    o->padding_idx < 0 ? HONE_NO_PADDING : o->padding_idx);
}

const hone__op hone__op_embedding = {
    .name = "embedding",
    .forward = embedding_forward,
    .backward = embedding_of_dy,
    .in = { { "indices", HONE__CONSTANT }, { "weight" } },
    .options = embedding_table,
    .options_bytes = sizeof(embedding_options),
    .adds = true,
    .adds_whole = true,
    .cost = hone__cost_of_rows,
};

hone_tensor *hone_embedding(hone_tensor *indices, hone_tensor *weight, int64_t padding_idx)
{
    return hone__call(&hone__op_embedding, IN(indices, weight),
                      &(embedding_options){ padding_idx });
}

/* ---- embedding_backward */

typedef struct {
    int64_t rows, padding_idx;
} backward_options;
static const hone__option backward_table[] = {
    HONE__OPTION(backward_options, rows, HONE__OPT_INT, .required = true, .max = 0x1p62),
    HONE__OPTION(backward_options, padding_idx, HONE__OPT_INT, .standard = -0x1p63),
    { NULL },
};

/* t [.., width], 0 where the index is the padding's. */
static hone_tensor *without_padding(hone_tensor *t, hone_tensor *indices, int64_t padding)
{
    if (padding < 0)
        return t;
    hone_tensor *hidden = hone_eq_scalar(hone_unsqueeze(indices, -1), (double)padding);
    return hone_where(hidden, hone_scalar(hone_dtype_of(t), 0), t);
}

static bool suits_indices(const hone_tensor *dy, const hone_tensor *indices)
{
    bool fits = dy->ndim == indices->ndim + 1;
    for (int d = 0; fits && d < indices->ndim; d++)
        fits = dy->shape[d] == indices->shape[d];
    if (!fits)
        hone_error_set(
            HONE_E_SHAPE,
            "embedding_backward: dy %s must have the shape of the indices %s and a width",
            hone__tensor_text(dy).s, hone__tensor_text(indices).s);
    return fits;
}

static bool embedding_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                       hone_tensor **out)
{
    (void)n_in;
    backward_options *o = hone__options(ctx);
    hone_tensor *at = suits_indices(in[0], in[1]) ? hone__numbers_of(ctx, in[1], o->rows) : NULL;
    if (!at || !hone__take_padding(ctx, o->rows, o->padding_idx, &o->padding_idx) ||
        !HONE__SAVE(ctx, in[1]))
        return false;
    hone_tensor *dy = without_padding(in[0], at, o->padding_idx);
    const int64_t shape[] = { o->rows, in[0]->shape[in[0]->ndim - 1], HONE_END_DIM };
    return dy && hone__give(out, hone_index_backward_v(dy, shape,
                                                       (hone_tensor *[]){ at, HONE_END_TENSOR }));
}

static void embedding_backward_of_g(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    const backward_options *o = hone__options(ctx);
    hone_tensor *indices = hone_saved(ctx, 0);
    dx[0] =
        without_padding(hone_embedding(indices, g[0], HONE_NO_PADDING), indices, o->padding_idx);
}

const hone__op hone__op_embedding_backward = {
    .name = "embedding_backward",
    .forward = embedding_backward_forward,
    .backward = embedding_backward_of_g,
    .in = { { "dy" }, { "indices", HONE__CONSTANT } },
    .options = backward_table,
    .options_bytes = sizeof(backward_options),
};

hone_tensor *hone_embedding_backward(hone_tensor *dy, hone_tensor *indices, int64_t rows,
                                     int64_t padding_idx)
{
    return hone__call(&hone__op_embedding_backward, IN(dy, indices),
                      &(backward_options){ rows, padding_idx });
}

/* ---- one_hot */

typedef struct {
    int64_t num_classes;
} one_hot_options;
static const hone__option one_hot_table[] = {
    HONE__OPTION(one_hot_options, num_classes, HONE__OPT_INT, .standard = -1),
    { NULL },
};

/* As many as asked for; -1: as the largest index needs. */
static bool count_classes(const one_hot_options *o, hone_tensor *indices, int64_t *classes)
{
    *classes = o->num_classes;
    if (*classes == -1 && indices->numel > 0) {
        hone_tensor *most = hone_max(indices);
        *classes = most ? hone_item_i64(most) + 1 : 0;
        return most != NULL;
    }
    if (*classes >= 1 && *classes <= INT32_MAX)
        return true;
    hone_error_set(HONE_E_VALUE, "one_hot: num_classes is %lld, %s is wanted", (long long)*classes,
                   *classes == -1 ? "a number, as there are no indices to tell it,"
                                  : "1 to 2^31 - 1");
    return false;
}

static bool one_hot_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    int64_t classes;
    hone_tensor *at = hone__indices_of("one_hot", in[0]);
    if (!at || !count_classes(hone__options(ctx), at, &classes) ||
        !(at = hone__numbers_of(ctx, at, classes)))
        return false;
    hone__shape shape = hone__shape_of(at);
    if (shape.ndim == HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "one_hot: %s has no room for one dim more",
                       hone__tensor_text(at).s);
        return false;
    }
    shape.shape[shape.ndim++] = classes;
    hone_tensor *y = out[0] = hone__out(ctx, 0, HONE_I64, shape.ndim, shape.shape);
    if (!y)
        return false;
    hone__fill_elements(y, 0);
    for (int64_t i = 0; i < at->numel; i++)
        ((int64_t *)hone__data(y))[i * classes + ((const int64_t *)hone__data(at))[i]] = 1;
    return true;
}

const hone__op hone__op_one_hot = {
    .name = "one_hot",
    .forward = one_hot_forward,
    .in = { { "indices", HONE__CONSTANT } },
    .options = one_hot_table,
    .options_bytes = sizeof(one_hot_options),
    .why = "integers",
};

hone_tensor *hone_one_hot(hone_tensor *indices, int64_t num_classes)
{
    return hone__call(&hone__op_one_hot, IN(indices), &(one_hot_options){ num_classes });
}
