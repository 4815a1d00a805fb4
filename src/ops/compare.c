/* compare.c: comparisons (bool results, no gradient) and where. */
#include "loops/elementwise.h"
#include "ops/common.h"

#include <math.h>

static hone_tensor *run(hone_context *ctx, int k, hone_dtype dtype, int ndim, const int64_t *shape,
                        const hone__operand *operands)
{
    const hone__elementwise_kernel kernel = hone__compare_kernel(k, dtype);
    hone_tensor *out = hone__out_along(ctx, HONE_BOOL, ndim, shape);
    return out && hone__elementwise(&kernel, out, operands) ? out : NULL;
}

static hone_tensor *compare(hone_context *ctx, hone_tensor *const *in, int k)
{
    hone__shape shape;
    if (!hone__broadcast(hone__call_name(ctx), in, 2, &shape))
        return NULL;
    return run(ctx, k, hone__result_dtype(in, 2), shape.ndim, shape.shape,
               (hone__operand[]){ { .t = in[0] }, { .t = in[1] } });
}

/* A number that the tensor's dtype can't hold is compared in a dtype that can: a u8 is never 300,
 * and an i64 never 2.5. */
static hone_dtype compared_dtype(hone_dtype dtype, double s)
{
    if (hone_dtype_is_float(dtype))
        return dtype;
    if (hone__number_dtype(dtype, s) == HONE_F32)
        return HONE_F64;
    return dtype != HONE_BOOL && hone__number_side(dtype, s) == 0 ? dtype : HONE_I64;
}

static hone_tensor *compare_number(hone_context *ctx, hone_tensor *x, int k)
{
    double s = hone__number_of(ctx);
    const hone_dtype own = (hone_dtype)x->dtype, dtype = compared_dtype(own, s);
    if (own == HONE_I64 && s >= 0x1p63)
        s = INFINITY; /* the largest i64 become 2^63 in f64, and are less all the same */
    return run(ctx, k, dtype, x->ndim, x->shape, (hone__operand[]){ { .t = x }, { .number = s } });
}

#define COMPARISON(op, k)                                                                          \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return hone__give(out, compare(ctx, in, k));                                               \
    }                                                                                              \
    static bool op##_scalar_forward(hone_context *ctx, hone_tensor *const *in, int n_in,           \
                                    hone_tensor **out)                                             \
    {                                                                                              \
        (void)n_in;                                                                                \
        return hone__give(out, compare_number(ctx, in[0], k));                                     \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op, .forward = op##_forward, .in = { { "a" }, { "b" } }, .why = "a truth value"   \
    };                                                                                             \
    HONE__ENTRY_XX(op, a, b)                                                                       \
    const hone__op hone__op_##op##_scalar = {                                                      \
        .name = #op "_scalar",                                                                     \
        .forward = op##_scalar_forward,                                                            \
        .in = { { "x" } },                                                                         \
        .options = hone__number_table,                                                             \
        .options_bytes = sizeof(hone__number_options),                                             \
        .why = "a truth value",                                                                    \
    };                                                                                             \
    HONE__ENTRY_XS(op##_scalar)

COMPARISON(eq, HONE__K_EQ)
COMPARISON(ne, HONE__K_NE)
COMPARISON(lt, HONE__K_LT)
COMPARISON(le, HONE__K_LE)
COMPARISON(gt, HONE__K_GT)
COMPARISON(ge, HONE__K_GE)

/* ---- where: condition ? a : b; da = dy where true, db = dy where false */

static bool where_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__shape shape;
    if (in[0]->dtype != HONE_BOOL) {
        hone_error_set(HONE_E_DTYPE, "where: the condition is %s, bool is wanted",
                       hone__tensor_text(in[0]).s);
        return false;
    }
    const hone_dtype dtype = hone__result_dtype(in + 1, 2);
    if (!hone__broadcast(hone__call_name(ctx), in, n_in, &shape) || !HONE__SAVE(ctx, in[0]))
        return false;
    out[0] = hone__out_along(ctx, dtype, shape.ndim, shape.shape);
    const hone__elementwise_kernel kernel = hone__where_kernel(dtype);
    const hone__operand operands[] = { { .t = in[0] }, { .t = in[1] }, { .t = in[2] } };
    return out[0] && hone__elementwise(&kernel, out[0], operands);
}

static void where_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *condition = hone_saved(ctx, 0), *zero = hone_scalar((hone_dtype)dy[0]->dtype, 0);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone_where(condition, dy[0], zero);
    if (hone_needs_input_grad(ctx, 2))
        dx[2] = hone_where(condition, zero, dy[0]);
}

const hone__op hone__op_where = {
    .name = "where",
    .forward = where_forward,
    .backward = where_backward,
    .in = { { "condition", HONE__CONSTANT }, { "a" }, { "b" } },
};
HONE__ENTRY_XXX(where, condition, a, b)
