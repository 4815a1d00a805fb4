/* numbers.c: nansum, nanmean, count_nonzero, aminmax: reductions made of others, which record
 * themselves. */
#include "ops/reduced.h"

#include "core/access.h"

#include <hone/statistics.h>

#include <math.h>

/* x without its NaNs. */
static hone_tensor *cleaned(hone_tensor *x)
{
    return !x || !hone_dtype_is_float((hone_dtype)x->dtype)
               ? x
               : hone_masked_fill_scalar(x, hone_isnan(x), 0);
}

static bool row_with_nan(void *user, const char *row, int64_t n, int64_t stride)
{
    const hone_dtype dtype = *(const hone_dtype *)user;
    const int64_t step = stride * (int64_t)hone_dtype_size(dtype);
    for (int64_t i = 0; i < n; i++)
        if (isnan(hone__element(dtype, row + i * step)))
            return false;
    return true;
}

static bool has_nan(hone_tensor *x)
{
    hone_dtype dtype = (hone_dtype)x->dtype;
    return hone_dtype_is_float(dtype) && !hone__visit_rows(x, row_with_nan, &dtype);
}

static hone_tensor *nansum_of(hone_context *ctx, hone_tensor *x)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    const int n = hone__masked_dims(ctx, x, dims);
    const bool keepdim = hone__reduce_of(ctx)->keepdim;
    if (!hone_grad_enabled() || !hone__requires_grad(x)) { /* mostly nothing is to be left out */
        hone_tensor *sum = n ? hone_sum_dims_v(x, keepdim, dims) : hone_sum(x);
        if (!sum || !has_nan(sum))
            return sum;
    }
    hone_tensor *y = cleaned(x);
    return n ? hone_sum_dims_v(y, keepdim, dims) : hone_sum(y);
}

static hone_tensor *nanmean_of(hone_context *ctx, hone_tensor *x)
{
    if (!hone__needs_float(ctx, x))
        return NULL;
    int64_t dims[HONE_MAX_DIMS + 1];
    const int n = hone__masked_dims(ctx, x, dims);
    hone_tensor *numbers = hone_logical_not(hone_isnan(x));
    hone_tensor *count =
        n ? hone_sum_dims_v(numbers, hone__reduce_of(ctx)->keepdim, dims) : hone_sum(numbers);
    return hone_div(nansum_of(ctx, x), hone_to(count, (hone_dtype)x->dtype));
}

static hone_tensor *count_nonzero_of(hone_context *ctx, hone_tensor *x)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    const int n = hone__masked_dims(ctx, x, dims);
    hone_tensor *set = x->dtype == HONE_BOOL ? x : hone_ne_scalar(x, 0);
    return n ? hone_sum_dims_v(set, hone__reduce_of(ctx)->keepdim, dims) : hone_sum(set);
}

#define FORMS(op, ...)                                                                             \
    HONE__REDUCTION(op, hone__mask_of_all, op##_of, hone__reduce_all_table, NULL, __VA_ARGS__)     \
    HONE__REDUCTION(op##_dim, hone__mask_of_dim, op##_of, hone__reduce_dim_table, NULL,            \
                    __VA_ARGS__)                                                                   \
    HONE__REDUCTION(op##_dims, hone__mask_of_dims, op##_of, hone__reduce_dims_table, NULL,         \
                    __VA_ARGS__)                                                                   \
    HONE__ALL(op)                                                                                  \
    HONE__BY_DIM(op##_dim)                                                                         \
    HONE__BY_DIMS(op##_dims)
FORMS(nansum, .composite = true)
FORMS(nanmean, .composite = true)
FORMS(count_nonzero, .why = "a count")

/* ---- aminmax: both extremes; ties share the gradient */

static bool extremes(hone_context *ctx, hone_tensor *x, hone_tensor **out)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    const bool keepdim = hone__reduce_of(ctx)->keepdim;
    hone__masked_dims(ctx, x, dims);
    out[0] = hone_min_dims_v(x, keepdim, dims);
    out[1] = hone_max_dims_v(x, keepdim, dims);
    return out[0] && out[1];
}

static hone_min_max call(const hone__op *op, hone_tensor *x, const hone__reduce_options *options)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    if (hone__run(op, IN(x), options, HONE__INTO_FRESH, out) < 0)
        return (hone_min_max){ NULL, NULL };
    return (hone_min_max){ out[0], out[1] };
}

#define AMINMAX(op, mask_of, table)                                                                \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return mask_of(ctx, in[0]) && extremes(ctx, in[0], out);                                   \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "x" } },                                                                         \
        .out = { { "min" }, { "max" } },                                                           \
        .options = table,                                                                          \
        .options_bytes = sizeof(hone__reduce_options),                                             \
        .composite = true,                                                                         \
    };
AMINMAX(aminmax, hone__mask_of_all, hone__reduce_all_table)
AMINMAX(aminmax_dim, hone__mask_of_dim, hone__reduce_dim_table)

hone_min_max hone_aminmax(hone_tensor *x)
{
    return call(&hone__op_aminmax, x, &(hone__reduce_options){ 0 });
}

hone_min_max hone_aminmax_dim(hone_tensor *x, int dim, bool keepdim)
{
    return call(&hone__op_aminmax_dim, x,
                &(hone__reduce_options){ .dim = dim, .keepdim = keepdim });
}
