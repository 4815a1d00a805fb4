/* triangle.c: tril, triu. */
#include "ops/common.h"

#include <string.h>

/* ---- tril, triu: what is on one side of a diagonal, zeros elsewhere */

typedef struct {
    int64_t diagonal;
} triangle_options;

static const hone__option triangle_table[] = {
    HONE__OPTION(triangle_options, diagonal, HONE__OPT_INT),
    { NULL },
};

/* bool [n, m]: true where column - row is at most the diagonal (lower), or at least. */
static hone_tensor *triangle_mask(const int64_t *shape, int64_t diagonal, bool lower)
{
    const int64_t n = shape[0], m = shape[1];
    hone_tensor *mask = hone__own(hone__new("triangle", HONE_BOOL, 2, shape));
    const int64_t offset = (diagonal > m ? m : diagonal < -n ? -n : diagonal) + lower;
    for (int64_t i = 0; mask && mask->numel && i < n; i++) {
        uint8_t *row = (uint8_t *)hone__data(mask) + i * m;
        const int64_t edge = i + offset < 0 ? 0 : i + offset > m ? m : i + offset;
        memset(row, lower, (size_t)edge);
        memset(row + edge, !lower, (size_t)(m - edge));
    }
    return mask;
}

static bool triangle(hone_context *ctx, hone_tensor *x, bool lower, hone_tensor **out)
{
    const int64_t diagonal = ((const triangle_options *)hone__options(ctx))->diagonal;
    if (x->ndim < 2) {
        hone_error_set(HONE_E_SHAPE, "%s: x is %s, at least 2 dims are wanted",
                       hone__call_name(ctx), hone__tensor_text(x).s);
        return false;
    }
    hone_tensor *mask = triangle_mask(x->shape + x->ndim - 2, diagonal, lower);
    return hone__give(out, hone_where(mask, x, hone_scalar((hone_dtype)x->dtype, 0)));
}

#define TRIANGLE(op, lower)                                                                        \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return triangle(ctx, in[0], lower, out);                                                   \
    }                                                                                              \
    static void op##_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)         \
    {                                                                                              \
        dx[0] = hone_##op(dy[0], ((const triangle_options *)hone__options(ctx))->diagonal);        \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = op##_backward,                                                                 \
        .in = { { "x" } },                                                                         \
        .options = triangle_table,                                                                 \
        .options_bytes = sizeof(triangle_options),                                                 \
    };                                                                                             \
    hone_tensor *hone_##op(hone_tensor *x, int64_t diagonal)                                       \
    {                                                                                              \
        return hone__call(&hone__op_##op, IN(x), &(triangle_options){ diagonal });                 \
    }
TRIANGLE(tril, true)
TRIANGLE(triu, false)
