/* cast_first.c: what PyTorch gives a dtype: the same op of x in that dtype. Both parts record themselves. */
#include "ops/common.h"

typedef struct {
    int64_t dim;
    hone_dtype dtype;
    bool keepdim;
} options;

#define DIM     HONE__OPTION(options, dim, HONE__OPT_INT, .required = true)
#define KEEPDIM HONE__OPTION(options, keepdim, HONE__OPT_BOOL)
#define DTYPE   HONE__OPTION(options, dtype, HONE__OPT_DTYPE, .required = true)

static const hone__option dim_table[] = { DIM, DTYPE, { NULL } };
static const hone__option all_table[] = { DTYPE, { NULL } };
static const hone__option reduce_table[] = { DIM, KEEPDIM, DTYPE, { NULL } };

/* A small integer's sum or product is i64, and cut to the dtype that was asked for. */
static hone_tensor *cut(hone_tensor *y, hone_dtype dtype)
{
    return y && !hone_dtype_is_float((hone_dtype)y->dtype) ? hone_to(y, dtype) : y;
}

/* The block of <op>_as: `value` of x and the options o. */
#define AS(op, table, value)                                                                       \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        const options *o = hone__options(ctx);                                                     \
        hone_tensor *x = hone_to(in[0], o->dtype);                                                 \
        (void)n_in;                                                                                \
        return hone__give(out, cut(value, o->dtype));                                              \
    }                                                                                              \
    const hone__op hone__op_##op##_as = {                                                          \
        .name = #op "_as",                                                                         \
        .forward = op##_forward,                                                                   \
        .in = { { "x" } },                                                                         \
        .options = table,                                                                          \
        .options_bytes = sizeof(options),                                                          \
        .composite = true,                                                                         \
    };

#define AS_DIM(op)                                                                                 \
    AS(op, dim_table, hone_##op(x, (int)o->dim))                                                   \
    hone_tensor *hone_##op##_as(hone_tensor *x, int dim, hone_dtype dtype)                         \
    {                                                                                              \
        return hone__call(&hone__op_##op##_as, IN(x), &(options){ .dim = dim, .dtype = dtype });   \
    }
AS_DIM(softmax)
AS_DIM(log_softmax)
AS_DIM(cumsum)
AS_DIM(cumprod)
AS(prod, all_table, hone_prod(x))
AS(prod_dim, reduce_table, hone_prod_dim(x, (int)o->dim, o->keepdim))

hone_tensor *hone_prod_as(hone_tensor *x, hone_dtype dtype)
{
    return hone__call(&hone__op_prod_as, IN(x), &(options){ .dtype = dtype });
}

hone_tensor *hone_prod_dim_as(hone_tensor *x, int dim, bool keepdim, hone_dtype dtype)
{
    return hone__call(&hone__op_prod_dim_as, IN(x),
                      &(options){ .dim = dim, .dtype = dtype, .keepdim = keepdim });
}
