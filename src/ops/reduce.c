/* reduce.c: sum, mean, var, std, max, min over all, one or several dims; logsumexp over one or
 * several; argmax, argmin over one. */
#include "core/access.h"
#include "loops/extreme_run.h"
#include "loops/reduce_run.h"
#include "loops/softmax_run.h"
#include "ops/reduced.h"
#include "ops/variance.h"

#include "isa/isa.h"

#include <math.h>

/* ---- forwards */

static hone_tensor *sum_of(hone_context *ctx, hone_tensor *x)
{
    const hone_dtype dtype = (hone_dtype)x->dtype;
    hone_tensor *out = hone__reduced_out(ctx, x, hone_dtype_is_float(dtype) ? dtype : HONE_I64);
    const uint32_t mask = hone__reduce_of(ctx)->mask;
    return out && hone__reduce(HONE__K_SUM, x, mask, hone__data(out)) ? out : NULL;
}

/* The sum, divided by the count (rounded to the dtype): no elements give 0 / 0, NaN. */
static hone_tensor *mean_of(hone_context *ctx, hone_tensor *x)
{
    hone_tensor *out = hone__needs_float(ctx, x) ? sum_of(ctx, x) : NULL;
    if (out)
        hone__divide(out, (double)hone__reduced_of_call(ctx, x));
    return out;
}

/* What the variance of n elements is divided by. */
static double divisor(int64_t n, double correction)
{
    return (double)n > correction ? (double)n - correction : 0.0;
}

static hone_tensor *variance(hone_context *ctx, hone_tensor *x, bool root)
{
    const double correction = hone__reduce_of(ctx)->correction;
    if (!hone__needs_float(ctx, x))
        return NULL;
    if (!isfinite(correction)) {
        hone_error_set(HONE_E_VALUE, "%s: the correction is %g", hone__call_name(ctx), correction);
        return NULL;
    }
    hone_tensor *out = hone__reduced_out(ctx, x, (hone_dtype)x->dtype);
    const uint32_t mask = hone__reduce_of(ctx)->mask;
    const double by = divisor(hone__reduced_of_call(ctx, x), correction);
    return out && hone__variance(x, mask, by, root, out) ? out : NULL;
}

static hone_tensor *var_of(hone_context *ctx, hone_tensor *x)
{
    hone_tensor *out = variance(ctx, x, false);
    return out && HONE__SAVE(ctx, x) ? out : NULL;
}

static hone_tensor *std_of(hone_context *ctx, hone_tensor *x)
{
    hone_tensor *out = variance(ctx, x, true);
    return out && HONE__SAVE(ctx, x, out) ? out : NULL;
}

/* MAX, MIN, ARGMAX and ARGMIN: something has to be there to choose from. */
static hone_tensor *extreme(hone_context *ctx, hone_tensor *x, int kind)
{
    const uint32_t mask = hone__reduce_of(ctx)->mask;
    const bool index = kind == HONE__K_ARGMAX || kind == HONE__K_ARGMIN;
    if (hone__reduced_of_call(ctx, x) == 0) {
        hone_error_set(HONE_E_SHAPE, "%s: there is nothing to choose from in %s",
                       hone__call_name(ctx), hone__tensor_text(x).s);
        return NULL;
    }
    hone_tensor *out = hone__reduced_out(ctx, x, index ? HONE_I64 : (hone_dtype)x->dtype);
    if (!out || (out->numel && !hone__reduce(kind, x, mask, hone__data(out))))
        return NULL;
    return index || HONE__SAVE(ctx, x, out) ? out : NULL;
}

static hone_tensor *max_of(hone_context *ctx, hone_tensor *x)
{
    return extreme(ctx, x, HONE__K_MAX);
}

static hone_tensor *min_of(hone_context *ctx, hone_tensor *x)
{
    return extreme(ctx, x, HONE__K_MIN);
}

static hone_tensor *argmax_of(hone_context *ctx, hone_tensor *x)
{
    return extreme(ctx, x, HONE__K_ARGMAX);
}

static hone_tensor *argmin_of(hone_context *ctx, hone_tensor *x)
{
    return extreme(ctx, x, HONE__K_ARGMIN);
}

/* Integers are cast to f32 first; no elements give -inf. */
static hone_tensor *logsumexp_of(hone_context *ctx, hone_tensor *given)
{
    hone_tensor *x = hone__as_float(given);
    hone_tensor *out = x ? hone__reduced_out(ctx, x, (hone_dtype)x->dtype) : NULL;
    if (!out || !hone__softmax_run(HONE__LOGSUMEXP, (int)hone__reduce_of(ctx)->dim, out, x, NULL))
        return NULL;
    return HONE__SAVE(ctx, given, out) ? out : NULL;
}

/* x as [others ..., reduced]: the reduced dims as one, behind the others. */
static hone_tensor *reduced_last(hone_tensor *x, uint32_t mask)
{
    int64_t order[HONE_MAX_DIMS + 1], dims[HONE_MAX_DIMS + 2];
    const int kept = hone__reduced_order(x->ndim, mask, order);
    for (int i = 0; i < kept; i++)
        dims[i] = x->shape[order[i]];
    dims[kept] = hone__reduced_count(x->ndim, x->shape, mask);
    dims[kept + 1] = HONE_END_DIM;
    return hone_reshape_v(hone_permute_v(x, order), dims);
}

/* By the rule of rows, whatever the dims: what they hold is one row, in their order. */
static hone_tensor *logsumexp_of_rows(hone_context *ctx, hone_tensor *given)
{
    hone_tensor *x = hone__as_float(given);
    hone_tensor *rows = x ? reduced_last(x, hone__reduce_of(ctx)->mask) : NULL;
    hone_tensor *out = rows ? hone__reduced_out(ctx, x, (hone_dtype)x->dtype) : NULL;
    if (!out || !hone__softmax_run(HONE__LOGSUMEXP, rows->ndim - 1, out, rows, NULL))
        return NULL;
    return HONE__SAVE(ctx, given, out) ? out : NULL;
}

/* ---- gradients */

static hone_tensor *spread(hone_context *ctx, hone_tensor *dy)
{
    int64_t room[HONE_MAX_DIMS + 1];
    return hone_expand_v(hone__with_dims(ctx, dy), hone__ended(hone__input_shape(ctx, 0), room));
}

static void sum_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = spread(ctx, dy[0]);
}

/* The same as hone__reduced_of_call, in a gradient. */
static int64_t reduced_of_input(hone_context *ctx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    return hone__reduced_count(x->ndim, x->shape, hone__reduce_of(ctx)->mask);
}

static void mean_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const int64_t n = reduced_of_input(ctx);
    dx[0] = spread(ctx, hone_div_scalar(dy[0], (double)n));
}

/* n - correction, which PyTorch does not clip here as it does forward: less than 0 gives what is
 * finite, if no gradient of anything. */
static double freedom(hone_context *ctx)
{
    const int64_t n = reduced_of_input(ctx);
    return (double)n - hone__reduce_of(ctx)->correction;
}

static void var_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone__variance_grad(hone_saved(ctx, 0), hone__reduce_of(ctx)->mask,
                                hone__with_dims(ctx, dy[0]), freedom(ctx));
}

static void std_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] =
        hone__std_grad(hone_saved(ctx, 0), hone__reduce_of(ctx)->mask, hone__with_dims(ctx, dy[0]),
                       hone__with_dims(ctx, hone_saved(ctx, 1)), freedom(ctx));
}

/* dy shared evenly by the elements that `chosen` names, `lost` for the others. */
static hone_tensor *shared(hone_context *ctx, hone_tensor *dy, hone_tensor *chosen,
                           hone_tensor *lost)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    const int n = hone__reduced_list(ctx, dims);
    hone_tensor *ties = n ? hone_sum_dims_v(chosen, true, dims) : hone_to(chosen, HONE_I64);
    hone_tensor *share = hone_div(hone__with_dims(ctx, dy), hone_to(ties, hone_dtype_of(dy)));
    return hone_where(chosen, share, lost);
}

/* Of all elements: by those that equal the extreme, or by the NaNs if it is one. */
static void extreme_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    hone_tensor *chosen = isnan(hone_item(y)) ? hone_ne(x, x) : hone_eq(x, y);
    dx[0] = shared(ctx, dy[0], chosen, hone_scalar(hone_dtype_of(dy[0]), 0.0));
}

/* Along dims: where the extreme is NaN nothing equals it, and the gradient is NaN for all. Of small
 * windows in one pass, of others op by op: both divide the same numbers. */
static void extreme_dims_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    if (reduced_of_input(ctx) <= HONE__WINDOW) {
        dx[0] = hone__call(&hone__op_extreme_backward, IN(x, y, dy[0]), hone__reduce_of(ctx));
        return;
    }
    const hone_dtype dtype = hone_dtype_of(dy[0]);
    y = hone__with_dims(ctx, y);
    hone_tensor *lost = hone_where(hone_ne(y, y), hone_scalar(dtype, NAN), hone_scalar(dtype, 0.0));
    dx[0] = shared(ctx, dy[0], hone_eq(x, y), lost);
}

/* ---- extreme_backward: that gradient, with the options of the op it belongs to; linear in dy,
 * piecewise constant in x and y */

static bool extreme_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                     hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0], *y = hone_contiguous(in[1]);
    hone_tensor *dy = hone_contiguous(hone_to(in[2], (hone_dtype)x->dtype));
    if (!y || !dy || !HONE__SAVE(ctx, x, in[1]))
        return false;
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    if (out[0])
        hone__extreme_backward_run(out[0], x, y, dy, hone__reduce_of(ctx)->mask);
    return out[0];
}

static void extreme_backward_of_g(hone_context *ctx, hone_tensor *const *g, hone_tensor **dx)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    const bool keepdim = hone__reduce_of(ctx)->keepdim;
    hone_tensor *chosen = hone_eq(hone_saved(ctx, 0), hone__with_dims(ctx, hone_saved(ctx, 1)));
    hone_tensor *taken = hone_where(chosen, g[0], hone_scalar(hone_dtype_of(g[0]), 0.0));
    if (hone__reduced_list(ctx, dims) == 0) {
        dx[2] = taken; /* 0-d: an element is its own extreme */
        return;
    }
    hone_tensor *ties = hone_sum_dims_v(chosen, keepdim, dims);
    dx[2] = hone_div(hone_sum_dims_v(taken, keepdim, dims), hone_to(ties, hone_dtype_of(g[0])));
}

const hone__op hone__op_extreme_backward = {
    .name = "extreme_backward",
    .forward = extreme_backward_forward,
    .backward = extreme_backward_of_g,
    .in = { { "x", HONE__CONSTANT }, { "y", HONE__CONSTANT }, { "dy" } },
    .options_bytes = sizeof(hone__reduce_options),
    .forms = HONE__PRIVATE,
};

static hone_tensor *to_place(hone_context *ctx, hone_tensor *dy, hone_tensor *place)
{
    int64_t dims[HONE_MAX_DIMS + 2] = { hone_dtype_of(dy) };
    hone__ended(hone__input_shape(ctx, 0), dims + 1);
    return hone_scatter_add(hone_zeros_v(dims), (int)hone__reduce_of(ctx)->dim, place,
                            hone__with_dims(ctx, dy));
}

/* No elements: no place either, and nothing that argmax or argmin could choose from. */
static hone_tensor *dim_extreme_grad(hone_context *ctx, hone_tensor *dy,
                                     hone_tensor *(*place_of)(hone_tensor *x, int dim, bool keep))
{
    hone_tensor *x = hone_saved(ctx, 0);
    if (x && x->numel == 0)
        return hone_zeros_like(x);
    return to_place(ctx, dy, place_of(x, (int)hone__reduce_of(ctx)->dim, true));
}

static void max_dim_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = dim_extreme_grad(ctx, dy[0], hone_argmax);
}

static void min_dim_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = dim_extreme_grad(ctx, dy[0], hone_argmin);
}

static bool row_below_infinity(void *user, const char *row, int64_t n, int64_t stride)
{
    const hone_dtype dtype = (hone_dtype) * (const uint8_t *)user;
    const int64_t step = stride * (int64_t)hone_dtype_size(dtype);
    for (int64_t i = 0; i < n; i++)
        if (hone__element(dtype, row + i * step) == INFINITY)
            return false;
    return true;
}

/* softmax(x); e^(x - y) where y is inf, which is 0 for the finite elements. */
static void logsumexp_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    hone_tensor *slope = hone_softmax(x, (int)hone__reduce_of(ctx)->dim);
    if (y && !hone__visit_rows(y, row_below_infinity, &y->dtype)) {
        y = hone__with_dims(ctx, y);
        slope = hone_where(hone_eq_scalar(y, INFINITY), hone_exp(hone_sub(x, y)), slope);
    }
    dx[0] = hone_mul(hone__with_dims(ctx, dy[0]), slope);
}

static void logsumexp_dims_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *y = hone__with_dims(ctx, hone_saved(ctx, 1));
    dx[0] = hone_mul(hone__with_dims(ctx, dy[0]), hone_exp(hone_sub(x, y)));
}

/* ---- the ops */

#define CORRECTED(name_)                                                                           \
    hone_tensor *hone_##name_(hone_tensor *x, double correction)                                   \
    {                                                                                              \
        return hone__call(&hone__op_##name_, IN(x),                                                \
                          &(hone__reduce_options){ .correction = correction });                    \
    }                                                                                              \
    hone_tensor *hone_##name_##_dim(hone_tensor *x, int dim, double correction, bool keepdim)      \
    {                                                                                              \
        return hone__call(                                                                         \
            &hone__op_##name_##_dim, IN(x),                                                        \
            &(hone__reduce_options){ .dim = dim, .correction = correction, .keepdim = keepdim });  \
    }                                                                                              \
    hone_tensor *hone_##name_##_dims_v(hone_tensor *x, double correction, bool keepdim,            \
                                       const int64_t *dims_end)                                    \
    {                                                                                              \
        return hone__call_over_dims(                                                               \
            &hone__op_##name_##_dims, x,                                                           \
            (hone__reduce_options){ .correction = correction, .keepdim = keepdim }, dims_end);     \
    }

HONE__REDUCTION(sum, hone__mask_of_all, sum_of, hone__reduce_all_table, sum_backward)
HONE__REDUCTION(sum_dim, hone__mask_of_dim, sum_of, hone__reduce_dim_table, sum_backward)
HONE__REDUCTION(sum_dims, hone__mask_of_dims, sum_of, hone__reduce_dims_table, sum_backward)
HONE__ALL(sum)
HONE__BY_DIM(sum_dim)
HONE__BY_DIMS(sum_dims)

HONE__REDUCTION(mean, hone__mask_of_all, mean_of, hone__reduce_all_table, mean_backward)
HONE__REDUCTION(mean_dim, hone__mask_of_dim, mean_of, hone__reduce_dim_table, mean_backward)
HONE__REDUCTION(mean_dims, hone__mask_of_dims, mean_of, hone__reduce_dims_table, mean_backward)
HONE__ALL(mean)
HONE__BY_DIM(mean_dim)
HONE__BY_DIMS(mean_dims)

HONE__REDUCTION(var, hone__mask_of_all, var_of, hone__var_table, var_backward)
HONE__REDUCTION(var_dim, hone__mask_of_dim, var_of, hone__var_dim_table, var_backward)
HONE__REDUCTION(var_dims, hone__mask_of_dims, var_of, hone__var_dims_table, var_backward)
CORRECTED(var)

HONE__REDUCTION(std, hone__mask_of_all, std_of, hone__var_table, std_backward)
HONE__REDUCTION(std_dim, hone__mask_of_dim, std_of, hone__var_dim_table, std_backward)
HONE__REDUCTION(std_dims, hone__mask_of_dims, std_of, hone__var_dims_table, std_backward)
CORRECTED(std)

HONE__REDUCTION(max, hone__mask_of_all, max_of, hone__reduce_all_table, extreme_backward)
HONE__REDUCTION(max_dim, hone__mask_of_dim, max_of, hone__reduce_dim_table, max_dim_backward)
HONE__REDUCTION(max_dims, hone__mask_of_dims, max_of, hone__reduce_dims_table,
                extreme_dims_backward)
HONE__ALL(max)
HONE__BY_DIM(max_dim)
HONE__BY_DIMS(max_dims)

HONE__REDUCTION(min, hone__mask_of_all, min_of, hone__reduce_all_table, extreme_backward)
HONE__REDUCTION(min_dim, hone__mask_of_dim, min_of, hone__reduce_dim_table, min_dim_backward)
HONE__REDUCTION(min_dims, hone__mask_of_dims, min_of, hone__reduce_dims_table,
                extreme_dims_backward)
HONE__ALL(min)
HONE__BY_DIM(min_dim)
HONE__BY_DIMS(min_dims)

HONE__REDUCTION(argmax, hone__mask_of_dim, argmax_of, hone__reduce_dim_table, NULL,
                .why = "an index")
HONE__REDUCTION(argmin, hone__mask_of_dim, argmin_of, hone__reduce_dim_table, NULL,
                .why = "an index")
HONE__BY_DIM(argmax)
HONE__BY_DIM(argmin)

HONE__REDUCTION(logsumexp, hone__mask_of_dim, logsumexp_of, hone__reduce_dim_table,
                logsumexp_backward)
HONE__REDUCTION(logsumexp_dims, hone__mask_of_dims, logsumexp_of_rows, hone__reduce_dims_table,
                logsumexp_dims_backward)
HONE__BY_DIM(logsumexp)
HONE__BY_DIMS(logsumexp_dims)
