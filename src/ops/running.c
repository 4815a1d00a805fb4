/* running.c: cummax, cummin, logcumsumexp. */
#include "loops/running.h"
#include "loops/elementwise.h"
#include "ops/scan.h"

#include <hone/statistics.h>

/* ---- cummax, cummin: each dy goes to where its value came from */

static bool extremes(hone_context *ctx, hone_tensor *x, bool largest, hone_tensor **out)
{
    const int dim = hone__take_dim(ctx, x);
    hone_tensor *from = dim < 0 ? NULL : hone_contiguous(x);
    if (!from)
        return false;
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim, x->shape);
    out[1] = out[0] ? hone__out(ctx, 1, HONE_I64, x->ndim, x->shape) : NULL;
    if (!out[1])
        return false;
    hone__running_extreme(from, dim, largest, out[0], out[1]);
    return HONE__SAVE(ctx, out[1]);
}

static void extreme_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = hone_scatter_add(hone_zeros_like(dy[0]), hone__dim_of(ctx), hone_saved(ctx, 0), dy[0]);
}

#define EXTREME(op, largest)                                                                       \
    static bool op##_forward(hone_context *ctx, hone_tensor *const *in, int n_in,                  \
                             hone_tensor **out)                                                    \
    {                                                                                              \
        (void)n_in;                                                                                \
        return extremes(ctx, in[0], largest, out);                                                 \
    }                                                                                              \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .backward = extreme_backward,                                                              \
        .in = { { "x" } },                                                                         \
        .out = { { "values" }, { "indices", HONE__CONSTANT } },                                    \
        .options = hone__dim_table,                                                                \
        .options_bytes = sizeof(hone__dim_options),                                                \
    };                                                                                             \
    hone_values_indices hone_##op(hone_tensor *x, int dim)                                         \
    {                                                                                              \
        return hone__call_values_indices(&hone__op_##op, x, &(hone__dim_options){ dim });          \
    }
EXTREME(cummax, true)
EXTREME(cummin, false)

/* ---- logcumsumexp: x[i]'s gradient is e^(x[i] - y[i]) times the sum over j from i of dy[j] e^(y[i] -
 * y[j]), a linear scan from the end by e^(y[i] - y[i + 1]), at most 1 */

static bool logcumsumexp_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0], *real = hone__as_float(x);
    const int dim = hone__take_dim(ctx, x);
    if (dim < 0 || !real)
        return false;
    hone_tensor *last = x->ndim ? hone_contiguous(hone_movedim(real, dim, -1)) : real;
    hone_tensor *done = last ? hone_empty_like(last) : NULL;
    out[0] = done ? hone__out(ctx, 0, (hone_dtype)real->dtype, x->ndim, x->shape) : NULL;
    if (!out[0])
        return false;
    hone__running_logsumexp(last, done);
    hone_tensor *back = x->ndim ? hone_movedim(done, -1, dim) : done;
    return back && hone__copy_elements(out[0], back) && HONE__SAVE(ctx, x, out[0]);
}

static void logcumsumexp_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    const int dim = hone__dim_of(ctx);
    const hone__shape *shape = hone__input_shape(ctx, 0);
    const int64_t n = shape->ndim ? shape->shape[dim] : 1;
    hone_tensor *next = y; /* of the last one itself, which isn't used */
    if (n > 1)
        next =
            hone_cat(hone_list(hone_slice(y, dim, 1, n, 1), hone_slice(y, dim, n - 1, n, 1)), dim);
    hone_tensor *falls = hone_exp(hone_sub(y, next));
    hone_tensor *sums = hone__linear_scan(dy[0], falls, dim, true);
    dx[0] = hone_mul(hone_exp(hone_sub(x, y)), sums);
}

const hone__op hone__op_logcumsumexp = {
    .name = "logcumsumexp",
    .forward = logcumsumexp_forward,
    .backward = logcumsumexp_backward,
    .in = { { "x" } },
    .options = hone__dim_table,
    .options_bytes = sizeof(hone__dim_options),
};

hone_tensor *hone_logcumsumexp(hone_tensor *x, int dim)
{
    return hone__call(&hone__op_logcumsumexp, IN(x), &(hone__dim_options){ dim });
}
