/* search.c: searchsorted, bucketize, unique: by order. */
#include "core/dtypes.h"
#include "loops/order_key.h"
#include "loops/rows.h"
#include "ops/common.h"
#include "runtime/parallel.h"

#include <hone/shapes.h>

#include <string.h>

/* ---- searchsorted: how many of a sorted row are below (or not above) a value; NaN is above all */

typedef struct {
    bool right;
} search_options;

static const hone__option search_table[] = {
    HONE__OPTION(search_options, right, HONE__OPT_BOOL),
    { NULL },
};

typedef struct {
    hone_dtype dtype;
    const char *sorted, *values;
    int64_t extent, each; /* of a sorted row; values that search in one */
    bool shared, right;
    int64_t *out;
} search;

/* Of values that are no NaN, some at a time: each halves what is left without a branch, and none waits
 * for another. */
enum { TOGETHER = 8 };

#define FIND(type, sign)                                                                           \
    {                                                                                              \
        const type *row = sorted, *value = values;                                                 \
        for (int64_t i = 0; i < n; i += TOGETHER) {                                                \
            const int64_t many = hone__min(n - i, TOGETHER);                                       \
            int64_t at[TOGETHER] = { 0 };                                                          \
            type v[TOGETHER] = { 0 };                                                              \
            memcpy(v, value + i, (size_t)many * sizeof *v);                                        \
            for (int64_t left = extent, half; left > 1; left -= half) {                            \
                half = left / 2;                                                                   \
                for (int k = 0; k < TOGETHER; k++)                                                 \
                    at[k] += half & -(int64_t)(row[at[k] + half - 1] sign v[k]);                   \
            }                                                                                      \
            for (int64_t k = 0; k < many; k++)                                                     \
                out[i + k] = extent ? at[k] + (row[at[k]] sign v[k]) : 0;                          \
        }                                                                                          \
    }
#define FINDERS(NAME, name, type, ...)                                                             \
    static void find_##name##_left(int64_t extent, const void *sorted, int64_t n,                  \
                                   const void *values, int64_t *out)                               \
        FIND(type, <) static void find_##name##_right(int64_t extent, const void *sorted,          \
                                                      int64_t n, const void *values, int64_t *out) \
            FIND(type, <=)
HONE__EACH_DTYPE(FINDERS, )

typedef void (*find_fn)(int64_t extent, const void *sorted, int64_t n, const void *values,
                        int64_t *out);
#define FIND_ENTRY(NAME, name, ...) [HONE_##NAME] = { find_##name##_left, find_##name##_right },
static const find_fn finders[HONE_DTYPES][2] = { HONE__EACH_DTYPE(FIND_ENTRY, ) };

/* NaN is above all numbers, and not below another. */
static int64_t place_of_nan(const search *s, const char *row)
{
    const int64_t size = (int64_t)hone_dtype_size(s->dtype);
    int64_t low = 0, high = s->right ? 0 : s->extent;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (hone__key_of(s->dtype, row + middle * size) == UINT64_MAX)
            high = middle;
        else
            low = middle + 1;
    }
    return s->right ? s->extent : low;
}

static void search_range(void *ctx, int64_t begin, int64_t end)
{
    const search *s = ctx;
    const int64_t size = (int64_t)hone_dtype_size(s->dtype);
    for (int64_t i = begin, stop; i < end; i = stop) {
        const int64_t row = s->shared ? 0 : i / s->each;
        const char *sorted = s->sorted + row * s->extent * size;
        stop = s->shared ? end : hone__min(end, (row + 1) * s->each);
        finders[s->dtype][s->right](s->extent, sorted, stop - i, s->values + i * size, s->out + i);
        for (int64_t k = i; hone_dtype_is_float(s->dtype) && k < stop; k++)
            if (hone__key_of(s->dtype, s->values + k * size) == UINT64_MAX)
                s->out[k] = place_of_nan(s, sorted);
    }
}

static bool searched(hone_context *ctx, hone_tensor *sorted, hone_tensor *values, hone_tensor **out)
{
    const char *name = hone__call_name(ctx);
    bool fits = sorted->ndim == 1 || (sorted->ndim > 0 && sorted->ndim == values->ndim);
    for (int d = 0; fits && sorted->ndim > 1 && d < sorted->ndim - 1; d++)
        fits = sorted->shape[d] == values->shape[d];
    if (!fits) {
        hone_error_set(HONE_E_SHAPE, "%s: %s has no rows for the values %s", name,
                       hone__tensor_text(sorted).s, hone__tensor_text(values).s);
        return false;
    }
    const hone_dtype dtype = hone__result_dtype((hone_tensor *[]){ sorted, values }, 2);
    hone_tensor *rows = hone_contiguous(hone_to(sorted, dtype));
    hone_tensor *from = hone_contiguous(hone_to(values, dtype));
    out[0] = from && rows ? hone__out(ctx, 0, HONE_I64, values->ndim, values->shape) : NULL;
    if (!out[0] || values->numel == 0)
        return out[0];
    search s = { .dtype = dtype,
                 .sorted = hone__data(rows),
                 .values = hone__data(from),
                 .extent = sorted->shape[sorted->ndim - 1],
                 .each = values->ndim ? values->shape[values->ndim - 1] : 1,
                 .shared = sorted->ndim == 1,
                 .right = ((const search_options *)hone__options(ctx))->right,
                 .out = hone__data(out[0]) };
    hone__parallel_for(values->numel, 1, 30, search_range, &s);
    return true;
}

static bool searchsorted_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    (void)n_in;
    return searched(ctx, in[0], in[1], out);
}

static bool bucketize_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    if (in[1]->ndim == 1)
        return searched(ctx, in[1], in[0], out);
    hone_error_set(HONE_E_SHAPE, "bucketize: the boundaries are %s, 1-d is wanted",
                   hone__tensor_text(in[1]).s);
    return false;
}

#define SEARCH(op, a, b)                                                                           \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { #a, HONE__CONSTANT }, { #b, HONE__CONSTANT } },                                  \
        .options = search_table,                                                                   \
        .options_bytes = sizeof(search_options),                                                   \
        .why = "a place",                                                                          \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *a, hone_tensor *b, bool right)                             \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(a, b), &(search_options){ right });                   \
    }
SEARCH(searchsorted, sorted, values)
SEARCH(bucketize, x, boundaries)

/* ---- unique, unique_consecutive: runs of equal elements, sorted before or as they are */

#define ALIKE(NAME, name, type, ...)                                                               \
    case HONE_##NAME:                                                                              \
        return ((const type *)at)[i] == ((const type *)at)[k];
static bool alike(hone_dtype dtype, const void *at, int64_t i, int64_t k)
{
    switch (dtype) {
        HONE__EACH_DTYPE(ALIKE, )
    default: /* bf16, f16: they are looked at as f32 */
        break;
    }
    return false;
}

/* values: n elements, equal ones side by side; places: where they were, NULL: here. */
static bool runs(hone_context *ctx, hone_tensor *x, const hone_tensor *values,
                 const int64_t *places, hone_tensor **out)
{
    const hone_dtype dtype = (hone_dtype)x->dtype;
    const char *at = hone__data(values);
    const size_t size = hone_dtype_size(dtype);
    int64_t count = x->numel > 0;
    for (int64_t i = 1; i < x->numel; i++)
        count += !alike(dtype, at, i, i - 1);
    out[0] = hone__out(ctx, 0, dtype, 1, &count);
    out[1] = out[0] ? hone__out(ctx, 1, HONE_I64, x->ndim, x->shape) : NULL;
    out[2] = out[1] ? hone__out(ctx, 2, HONE_I64, 1, &count) : NULL;
    if (!out[2] || x->numel == 0)
        return out[2];
    char *to = hone__data(out[0]);
    int64_t *inverse = hone__data(out[1]), *counts = hone__data(out[2]), run = -1;
    for (int64_t i = 0; i < x->numel; i++) {
        if (i == 0 || !alike(dtype, at, i, i - 1)) {
            memcpy(to + (size_t)++run * size, at + (size_t)i * size, size);
            counts[run] = 0;
        }
        counts[run]++;
        inverse[places ? places[i] : i] = run;
    }
    return true;
}

static bool unique_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone_values_indices sorted = hone_sort(hone_reshape(in[0], -1), 0, false);
    return sorted.values && runs(ctx, in[0], sorted.values, hone__data(sorted.indices), out);
}

static bool unique_consecutive_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                       hone_tensor **out)
{
    (void)n_in;
    hone_tensor *flat = hone_contiguous(in[0]);
    return flat && runs(ctx, in[0], flat, NULL, out);
}

#define UNIQUE(op)                                                                                 \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "x" } },                                                                         \
        .out = { { "values" }, { "inverse" }, { "counts" } },                                      \
        .why = "a set, as in PyTorch",                                                             \
    };                                                                                             \
    hone_unique_values hone_##op(hone_tensor *x)                                                   \
    {                                                                                              \
        hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };                                             \
        if (hone__run(&hone__op_##op, IN(x), NULL, HONE__INTO_FRESH, out) < 0)                     \
            return (hone_unique_values){ NULL, NULL, NULL };                                       \
        return (hone_unique_values){ out[0], out[1], out[2] };                                     \
    }
UNIQUE(unique)
UNIQUE(unique_consecutive)
