/* rank.c: median, nanmedian, kthvalue, mode: an element and its place. */
#include "core/dtypes.h"
#include "loops/select_run.h"
#include "ops/reduced.h"

#include <hone/statistics.h>

#include <string.h>

/* ---- along a dim */

/* Values and indices of the results' shape, of something to choose from. */
static bool results(hone_context *ctx, hone_tensor *x, hone_tensor **out)
{
    if (!hone__mask_of_dim(ctx, x))
        return false;
    if (hone__reduced_of_call(ctx, x) == 0) {
        hone_error_set(HONE_E_SHAPE, "%s: there is nothing to choose from in %s",
                       hone__call_name(ctx), hone__tensor_text(x).s);
        return false;
    }
    const hone__reduce_options *o = hone__reduce_of(ctx);
    hone__shape shape;
    hone__reduced_shape(x->ndim, x->shape, o->mask, o->keepdim, &shape);
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    out[1] = out[0] ? hone__out(ctx, 1, HONE_I64, shape.ndim, shape.shape) : NULL;
    return out[1] && HONE__SAVE(ctx, out[1]);
}

static bool selected(hone_context *ctx, hone_tensor *x, hone__rank rank, int64_t k,
                     hone_tensor **out)
{
    return results(ctx, x, out) &&
           (out[0]->numel == 0 ||
            hone__select(x, (int)hone__reduce_of(ctx)->dim, rank, k, out[0], out[1]));
}

/* dy goes to where the value came from. */
static void to_place(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    int64_t dims[HONE_MAX_DIMS + 2] = { hone_dtype_of(dy[0]) };
    hone__ended(hone__input_shape(ctx, 0), dims + 1);
    dx[0] = hone_scatter_add(hone_zeros_v(dims), (int)hone__reduce_of(ctx)->dim,
                             hone__with_dims(ctx, hone_saved(ctx, 0)), hone__with_dims(ctx, dy[0]));
}

#define ALONG_DIM(op, table)                                                                       \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = to_place,                                                                      \
        .in = { { "x" } },                                                                         \
        .out = { { "values" }, { "indices", HONE__CONSTANT } },                                    \
        .options = table,                                                                          \
        .options_bytes = sizeof(hone__reduce_options),                                             \
    };
#define VALUES_INDICES(op)                                                                         \
    hone_values_indices hone_##op(hone_tensor *x, int dim, bool keepdim)                           \
    {                                                                                              \
        return hone__call_values_indices(                                                          \
            &hone__op_##op, x, &(hone__reduce_options){ .dim = dim, .keepdim = keepdim });         \
    }

/* ---- median, nanmedian: the lower one; over all the gradient is shared by all that equal it */

static bool median_of_all(hone_context *ctx, hone_tensor *x, hone__rank rank, hone_tensor **out)
{
    hone_tensor *row = hone_reshape(x, -1);
    if (!row || !hone__mask_of_all(ctx, x))
        return false;
    if (row->numel == 0) {
        hone_error_set(HONE_E_SHAPE, "%s: there is nothing to choose from in %s",
                       hone__call_name(ctx), hone__tensor_text(x).s);
        return false;
    }
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, 0, NULL);
    return out[0] && hone__select(row, 0, rank, 0, out[0], NULL) && HONE__SAVE(ctx, x, out[0]);
}

static void shared(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    hone_tensor *chosen =
        hone_logical_or(hone_eq(x, y), hone_logical_and(hone_isnan(x), hone_isnan(y)));
    chosen = hone_to(chosen, hone_dtype_of(dy[0]));
    dx[0] = hone_mul(hone_div(dy[0], hone_sum(chosen)), chosen);
}

#define MEDIAN(op, rank)                                                                           \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return median_of_all(ctx, in[0], rank, out);                                               \
    }                                                                                              \
    const hone__op hone__op_##op = { .name = #op,                                                  \
                                     .forward = op##_forward,                                      \
                                     .backward = shared,                                           \
                                     .in = { { "x" } },                                            \
                                     .options = hone__reduce_all_table,                            \
                                     .options_bytes = sizeof(hone__reduce_options) };              \
    HONE__ALL(op)                                                                                  \
    static bool op##_dim_forward(hone_context *ctx, hone_tensor *const *in, int n_in,              \
                                 hone_tensor **out)                                                \
    {                                                                                              \
        (void)n_in;                                                                                \
        return selected(ctx, in[0], rank, 0, out);                                                 \
    }                                                                                              \
    ALONG_DIM(op##_dim, hone__reduce_dim_table)                                                    \
    VALUES_INDICES(op##_dim)
MEDIAN(median, HONE__RANK_MEDIAN)
MEDIAN(nanmedian, HONE__RANK_NANMEDIAN)

/* ---- kthvalue: the k-th smallest, k from 1 */

static const hone__option kth_table[] = {
    HONE__OPTION(hone__reduce_options, k, HONE__OPT_INT, .required = true),
    HONE__OPTION(hone__reduce_options, dim, HONE__OPT_INT, .standard = -1),
    HONE__KEEPDIM,
    { NULL },
};

static bool kthvalue_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    const int64_t k = hone__reduce_of(ctx)->k;
    if (!hone__mask_of_dim(ctx, x))
        return false;
    const int64_t extent = x->ndim ? x->shape[hone__reduce_of(ctx)->dim] : 1;
    if (k < 1 || k > extent) {
        hone_error_set(HONE_E_VALUE, "kthvalue: k is %lld, but dim %lld of %s has %lld elements",
                       (long long)k, (long long)hone__reduce_of(ctx)->dim, hone__tensor_text(x).s,
                       (long long)extent);
        return false;
    }
    return selected(ctx, x, HONE__RANK_KTH, k - 1, out);
}
ALONG_DIM(kthvalue, kth_table)

hone_values_indices hone_kthvalue(hone_tensor *x, int64_t k, int dim, bool keepdim)
{
    return hone__call_values_indices(
        &hone__op_kthvalue, x, &(hone__reduce_options){ .k = k, .dim = dim, .keepdim = keepdim });
}

/* ---- mode: the most frequent value, of several the smallest, and its last place */

/* The last place of the longest run of equal ones in n sorted elements. */
#define LONGEST(NAME, name, type, ...)                                                             \
    static int64_t longest_##name(const void *at, int64_t n)                                       \
    {                                                                                              \
        const type *x = at;                                                                        \
        int64_t best = 0, most = 0, run = 0;                                                       \
        for (int64_t i = 0; i < n; i++) {                                                          \
            run = i > 0 && x[i] == x[i - 1] ? run + 1 : 1;                                         \
            best = run > most ? i : best;                                                          \
            most = run > most ? run : most;                                                        \
        }                                                                                          \
        return best;                                                                               \
    }
HONE__EACH_DTYPE(LONGEST, )

static bool mode_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
#define LONGEST_OF(NAME, name, ...) [HONE_##NAME] = longest_##name,
    static int64_t (*const longest[HONE_DTYPES])(const void *,
                                                 int64_t) = { HONE__EACH_DTYPE(LONGEST_OF, ) };
    hone_tensor *x = in[0];
    (void)n_in;
    if (!results(ctx, x, out))
        return false;
    if (out[0]->numel == 0)
        return true;
    const int dim = (int)hone__reduce_of(ctx)->dim;
    hone_tensor *last = x->ndim ? hone_contiguous(hone_movedim(x, dim, -1)) : x;
    const hone_values_indices sorted = hone_sort(last, -1, false);
    if (!sorted.values)
        return false;
    const int64_t n = last->ndim ? last->shape[last->ndim - 1] : 1;
    const size_t size = hone_dtype_size((hone_dtype)x->dtype);
    const char *values = hone__data(sorted.values);
    const int64_t *places = hone__data(sorted.indices);
    for (int64_t row = 0; row < out[0]->numel; row++) {
        const int64_t at = row * n + longest[x->dtype](values + (size_t)(row * n) * size, n);
        memcpy((char *)hone__data(out[0]) + (size_t)row * size, values + (size_t)at * size, size);
        ((int64_t *)hone__data(out[1]))[row] = places[at];
    }
    return true;
}
ALONG_DIM(mode, hone__reduce_dim_table)
VALUES_INDICES(mode)
