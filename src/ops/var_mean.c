/* var_mean.c: variance, or standard deviation, and mean at once: their parts record themselves. */
#include "ops/reduced.h"

typedef hone_tensor *(*spread_of)(hone_tensor *x, double correction, bool keepdim,
                                  const int64_t *dims_end);

static bool both(hone_context *ctx, hone_tensor *x, spread_of spread, hone_tensor **out)
{
    const hone__reduce_options *o = hone__reduce_of(ctx);
    int64_t dims[HONE_MAX_DIMS + 1];
    if (!hone__needs_float(ctx, x))
        return false;
    hone__masked_dims(ctx, x, dims);
    out[0] = spread(x, o->correction, o->keepdim, dims);
    out[1] = hone_mean_dims_v(x, o->keepdim, dims);
    return out[0] && out[1];
}

static hone_var_and_mean call(const hone__op *op, hone_tensor *x,
                              const hone__reduce_options *options)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    if (hone__run(op, IN(x), options, HONE__INTO_FRESH, out) < 0)
        return (hone_var_and_mean){ NULL, NULL };
    return (hone_var_and_mean){ out[0], out[1] };
}

static hone_std_and_mean as_std(hone_var_and_mean r)
{
    return (hone_std_and_mean){ r.var, r.mean };
}
static hone_var_and_mean as_var(hone_var_and_mean r)
{
    return r;
}

#define FORM(op, what, mask_of, table)                                                             \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return mask_of(ctx, in[0]) && both(ctx, in[0], hone_##what##_dims_v, out);                 \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "x" } },                                                                         \
        .out = { { #what }, { "mean" } },                                                          \
        .options = table,                                                                          \
        .options_bytes = sizeof(hone__reduce_options),                                             \
        .composite = true,                                                                         \
    };
#define WITH_MEAN(what)                                                                            \
    FORM(what##_mean, what, hone__mask_of_all, hone__var_table)                                    \
    FORM(what##_mean_dim, what, hone__mask_of_dim, hone__var_dim_table)                            \
    FORM(what##_mean_dims, what, hone__mask_of_dims, hone__var_dims_table)                         \
    hone_##what##_and_mean hone_##what##_mean(hone_tensor *x, double correction)                   \
    {                                                                                              \
        return as_##what(call(&hone__op_##what##_mean, x,                                          \
                              &(hone__reduce_options){ .correction = correction }));               \
    }                                                                                              \
    hone_##what##_and_mean hone_##what##_mean_dim(hone_tensor *x, int dim, double correction,      \
                                                  bool keepdim)                                    \
    {                                                                                              \
        return as_##what(call(                                                                     \
            &hone__op_##what##_mean_dim, x,                                                        \
            &(hone__reduce_options){ .dim = dim, .correction = correction, .keepdim = keepdim })); \
    }                                                                                              \
    hone_##what##_and_mean hone_##what##_mean_dims_v(hone_tensor *x, double correction,            \
                                                     bool keepdim, const int64_t *dims_end)        \
    {                                                                                              \
        hone__reduce_options options = { .correction = correction, .keepdim = keepdim };           \
        if (!hone__read_dims(#what "_mean_dims", dims_end, &options.dims))                         \
            return (hone_##what##_and_mean){ NULL, NULL };                                         \
        return as_##what(call(&hone__op_##what##_mean_dims, x, &options));                         \
    }
WITH_MEAN(var)
WITH_MEAN(std)
