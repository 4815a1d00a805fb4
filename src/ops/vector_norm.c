/* vector_norm.c: norm over all, one or several dims. */
#include "isa/isa.h"
#include "loops/elementwise.h"
#include "loops/reduce_run.h"
#include "ops/reduced.h"

#include <math.h>

#define P HONE__OPTION(hone__reduce_options, p, HONE__OPT_FLOAT, .standard = 2)
static const hone__option all_table[] = { P, { NULL } };
static const hone__option dim_table[] = { HONE__DIM, P, HONE__KEEPDIM, { NULL } };
static const hone__option dims_table[] = { P, HONE__KEEPDIM, HONE__DIMS, { NULL } };

/* ---- values */

/* x's part in the sum. */
static hone_tensor *term(hone_tensor *x, double p)
{
    if (p == 0)
        return hone_to(hone_ne_scalar(x, 0), (hone_dtype)x->dtype);
    return p == 1 || isinf(p) ? hone_abs(x) : hone_pow_scalar(hone_abs(x), p);
}

/* The root, in place. */
static bool take_root(hone_tensor *y, double p)
{
    if (p == 0 || p == 1 || isinf(p))
        return true;
    hone_tensor *root = p == 2 ? hone_sqrt(y) : hone_pow_scalar(y, 1 / p);
    return root && hone__copy_elements(y, root);
}

static hone_tensor *norm_of(hone_context *ctx, hone_tensor *x)
{
    const double p = hone__reduce_of(ctx)->p;
    const uint32_t mask = hone__reduce_of(ctx)->mask;
    if (!hone__needs_float(ctx, x))
        return NULL;
    if (isnan(p)) {
        hone_error_set(HONE_E_VALUE, "%s: p is NaN", hone__call_name(ctx));
        return NULL;
    }
    if ((isinf(p) || p < 0) && hone__reduced_of_call(ctx, x) == 0) {
        hone_error_set(HONE_E_SHAPE, "%s: of nothing, as in %s, there is no norm of p %g",
                       hone__call_name(ctx), hone__tensor_text(x).s, p);
        return NULL;
    }
    hone_tensor *t = p == 2 ? x : term(x, p), *y = hone__reduced_out(ctx, x, (hone_dtype)x->dtype);
    const int kind = p == 2                   ? HONE__K_SUM_SQUARES
                     : p == (double)INFINITY  ? HONE__K_MAX
                     : p == (double)-INFINITY ? HONE__K_MIN
                                              : HONE__K_SUM;
    if (!t || !y || (y->numel && !hone__reduce(kind, t, mask, hone__data(y))) || !take_root(y, p))
        return NULL;
    return HONE__SAVE(ctx, x, y) ? y : NULL;
}

/* ---- gradients */

static hone_tensor *zero_like(hone_tensor *t)
{
    return hone_scalar(hone_dtype_of(t), 0);
}

static hone_tensor *one_where(hone_tensor *mask, hone_tensor *t)
{
    return hone_where(mask, t ? hone_scalar(hone_dtype_of(t), 1) : NULL, t);
}

/* dy shared by those whose size is the norm, with their signs; a NaN's sign is 0. */
static hone_tensor *shared(hone_context *ctx, hone_tensor *dy, hone_tensor *x, hone_tensor *y)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    hone_tensor *chosen = hone_eq(hone_abs(x), y);
    const int n = hone__reduced_list(ctx, dims);
    hone_tensor *ties = n ? hone_sum_dims_v(chosen, true, dims) : chosen;
    hone_tensor *share = hone_div(dy, hone_to(ties, hone_dtype_of(dy)));
    return hone_mul(hone_sign(x), hone_where(chosen, share, zero_like(dy)));
}

/* Where the norm is 0 the gradient is, too: nothing is divided by it. */
static hone_tensor *by_norm(hone_tensor *dy, hone_tensor *y, double power)
{
    hone_tensor *none = hone_eq_scalar(y, 0), *safe = one_where(none, y);
    return hone_where(none, zero_like(dy),
                      hone_div(dy, power == 1 ? safe : hone_pow_scalar(safe, power)));
}

static void norm_backward(hone_context *ctx, hone_tensor *const *given, hone_tensor **dx)
{
    const double p = hone__reduce_of(ctx)->p;
    hone_tensor *x = hone_saved(ctx, 0), *y = hone__with_dims(ctx, hone_saved(ctx, 1));
    hone_tensor *dy = hone__with_dims(ctx, given[0]);
    if (!x || !y || !dy)
        return;
    if (p == 0) {
        dx[0] = hone_zeros_like(x);
        return;
    }
    if (p == 1) {
        dx[0] = hone_mul(dy, hone_sign(x));
        return;
    }
    if (p == 2) {
        dx[0] = hone_mul(x, by_norm(dy, y, 1));
        return;
    }
    if (isinf(p)) {
        dx[0] = shared(ctx, dy, x, y);
        return;
    }
    /* sign(x) |x|^(p - 1) dy / y^(p - 1), 0 where x is 0, so that no power of 0 matters */
    hone_tensor *size = one_where(hone_eq_scalar(x, 0), hone_abs(x));
    hone_tensor *scale = p < 1 ? hone_mul(dy, hone_pow_scalar(y, 1 - p)) : by_norm(dy, y, p - 1);
    dx[0] = hone_mul(hone_mul(hone_sign(x), hone_pow_scalar(size, p - 1)), scale);
}

HONE__REDUCTION(norm, hone__mask_of_all, norm_of, all_table, norm_backward)
HONE__REDUCTION(norm_dim, hone__mask_of_dim, norm_of, dim_table, norm_backward)
HONE__REDUCTION(norm_dims, hone__mask_of_dims, norm_of, dims_table, norm_backward)

hone_tensor *hone_norm(hone_tensor *x, double p)
{
    return hone__call(&hone__op_norm, IN(x), &(hone__reduce_options){ .p = p });
}

hone_tensor *hone_norm_dim(hone_tensor *x, int dim, double p, bool keepdim)
{
    return hone__call(&hone__op_norm_dim, IN(x),
                      &(hone__reduce_options){ .dim = dim, .p = p, .keepdim = keepdim });
}

hone_tensor *hone_norm_dims_v(hone_tensor *x, double p, bool keepdim, const int64_t *dims_end)
{
    return hone__call_over_dims(&hone__op_norm_dims, x,
                                (hone__reduce_options){ .p = p, .keepdim = keepdim }, dims_end);
}
