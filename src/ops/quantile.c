/* quantile.c: quantile and nanquantile, over all or one dim: sorted, gathered, blended; the parts record
 * themselves. */
#include "ops/reduced.h"

#include <hone/statistics.h>

typedef struct {
    hone__reduce_options reduce; /* first */
    int interpolation;
} quantile_options;

static const char *const modes[] = { "linear", "lower", "higher", "nearest", "midpoint", NULL };
#define REDUCE_OPTION(field, kind_, ...)                                                           \
    {                                                                                              \
        .name = #field, .kind = kind_, .offset = offsetof(quantile_options, reduce.field),         \
        __VA_ARGS__                                                                                \
    }
#define INTERPOLATION                                                                              \
    HONE__OPTION(quantile_options, interpolation, HONE__OPT_CHOICE, .choices = modes)
static const hone__option all_table[] = { INTERPOLATION, { NULL } };
static const hone__option dim_table[] = {
    REDUCE_OPTION(dim, HONE__OPT_INT, .required = true),
    REDUCE_OPTION(keepdim, HONE__OPT_BOOL),
    INTERPOLATION,
    { NULL },
};

/* x and q are floats of one dtype, q 0-d or 1-d and in 0 .. 1, and there is something. */
static bool fit(hone_context *ctx, hone_tensor *x, hone_tensor *q, int64_t n)
{
    const char *name = hone__call_name(ctx);
    if (!hone__needs_float(ctx, x))
        return false;
    if (q->dtype != x->dtype || q->ndim > 1) {
        hone_error_set(q->ndim > 1 ? HONE_E_SHAPE : HONE_E_DTYPE,
                       "%s: q is %s, 0-d or 1-d of x's dtype is wanted, x is %s", name,
                       hone__tensor_text(q).s, hone__tensor_text(x).s);
        return false;
    }
    if (n == 0) {
        hone_error_set(HONE_E_SHAPE, "%s: there is nothing to choose from in %s", name,
                       hone__tensor_text(x).s);
        return false;
    }
    HONE_NO_GRAD();
    hone_tensor *inside = hone_logical_and(hone_ge_scalar(q, 0), hone_le_scalar(q, 1));
    if (!inside)
        return false;
    if (hone_item(hone_all(inside)) != 0)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: q has numbers outside of 0 .. 1", name);
    return false;
}

/* The ranks [rows .., k] that q asks for among n sorted elements a row: where there is a NaN the last, which
 * is one; or (of nanquantile) among the numbers alone. */
static hone_tensor *ranks_of(hone_tensor *rows, hone_tensor *q, int64_t n, bool numbers)
{
    hone_tensor *nan = hone_isnan(rows);
    if (!numbers) {
        hone_tensor *ranks = hone_mul_scalar(q, (double)(n - 1));
        return hone_masked_fill_scalar(ranks, hone_any_dim(nan, -1, true), (double)(n - 1));
    }
    hone_tensor *last = hone_sub_scalar(hone_sum_dim(hone_logical_not(nan), -1, true), 1);
    last = q ? hone_to(last, hone_dtype_of(q)) : NULL;
    return hone_mul(q, hone_maximum_scalar(last, 0));
}

/* Of more elements than f32 counts exactly, the last rank may have been rounded up to one that isn't there. */
static hone_tensor *at_rank(hone_tensor *sorted, hone_tensor *ranks)
{
    const int64_t n = sorted->shape[sorted->ndim - 1];
    hone_tensor *place = hone_to(ranks, HONE_I64);
    if (n > INT64_C(1) << 24)
        place = hone_minimum_scalar(place, (double)(n - 1));
    return hone_gather(sorted, -1, place);
}

static hone_tensor *blended(hone_tensor *sorted, hone_tensor *ranks, int interpolation)
{
    hone_tensor *below = hone_floor(ranks);
    switch (interpolation) {
    case HONE_QUANTILE_LOWER:
        return at_rank(sorted, below);
    case HONE_QUANTILE_HIGHER:
        return at_rank(sorted, hone_ceil(ranks));
    case HONE_QUANTILE_NEAREST:
        return at_rank(sorted, hone_round(ranks));
    default:
        break;
    }
    hone_tensor *low = at_rank(sorted, below), *high = at_rank(sorted, hone_ceil(ranks));
    return interpolation == HONE_QUANTILE_MIDPOINT ? hone_lerp_scalar(low, high, 0.5)
                                                   : hone_lerp(low, high, hone_sub(ranks, below));
}

/* x [.., n] -> the quantiles [.., k] of its rows. */
static hone_tensor *of_rows(hone_tensor *x, hone_tensor *q, int interpolation, bool numbers)
{
    int64_t shape[HONE_MAX_DIMS + 1];
    const int64_t n = x->shape[x->ndim - 1];
    hone_tensor *sorted = hone_sort(x, -1, false).values;
    hone_tensor *ranks = ranks_of(x, hone_reshape(q, -1), n, numbers);
    if (!sorted || !ranks)
        return NULL;
    for (int d = 0; d < x->ndim - 1; d++)
        shape[d] = x->shape[d];
    shape[x->ndim - 1] = -1;
    shape[x->ndim] = HONE_END_DIM;
    for (int d = ranks->ndim; d < x->ndim; d++)
        ranks = hone_unsqueeze(ranks, 0);
    return blended(sorted, hone_expand_v(ranks, shape), interpolation);
}

/* The k as a first dim, or no dim. */
static hone_tensor *in_front(hone_tensor *y, const hone_tensor *q)
{
    return hone_contiguous(q->ndim == 0 ? hone_squeeze(y, -1) : hone_movedim(y, -1, 0));
}

static bool over_all(hone_context *ctx, hone_tensor *const *in, bool numbers, hone_tensor **out)
{
    const quantile_options *o = hone__options(ctx);
    return fit(ctx, in[0], in[1], in[0]->numel) &&
           hone__give(
               out,
               in_front(of_rows(hone_reshape(in[0], -1), in[1], o->interpolation, numbers), in[1]));
}

static bool over_dim(hone_context *ctx, hone_tensor *const *in, bool numbers, hone_tensor **out)
{
    hone_tensor *x = in[0];
    const quantile_options *o = hone__options(ctx);
    if (!hone__mask_of_dim(ctx, x) || !fit(ctx, x, in[1], x->ndim ? x->shape[o->reduce.dim] : 1))
        return false;
    const int dim = (int)o->reduce.dim;
    hone_tensor *rows = x->ndim ? hone_movedim(x, dim, -1) : hone_reshape(x, -1);
    hone_tensor *y = rows ? in_front(of_rows(rows, in[1], o->interpolation, numbers), in[1]) : NULL;
    if (y && o->reduce.keepdim && x->ndim)
        y = hone_unsqueeze(y, dim + (in[1]->ndim ? 1 : 0));
    return hone__give(out, y);
}

#define QUANTILE(op, over, table, numbers)                                                         \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return over(ctx, in, numbers, out);                                                        \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "x" }, { "q" } },                                                                \
        .options = table,                                                                          \
        .options_bytes = sizeof(quantile_options),                                                 \
        .composite = true,                                                                         \
    };
#define BOTH(op, numbers)                                                                          \
    QUANTILE(op, over_all, all_table, numbers)                                                     \
    QUANTILE(op##_dim, over_dim, dim_table, numbers)                                               \
    hone_tensor *hone_##op(hone_tensor *x, hone_tensor *q, hone_quantile_mode interpolation)       \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(x, q),                                                \
                          &(quantile_options){ .interpolation = (int)interpolation });             \
    }                                                                                              \
    hone_tensor *hone_##op##_dim(hone_tensor *x, hone_tensor *q, int dim, bool keepdim,            \
                                 hone_quantile_mode interpolation)                                 \
    {                                                                                              \
        return hone__call(                                                                         \
            &hone__op_##op##_dim, IN(x, q),                                                        \
            &(quantile_options){ { .dim = dim, .keepdim = keepdim }, (int)interpolation });        \
    }
BOTH(quantile, false)
BOTH(nanquantile, true)
