/* draw.c: logspace, tri, and random numbers by distribution: made of uniform and normal ones. They record
 * nothing, so they are plain functions and no ops. */
#include "loops/elementwise.h"
#include "ops/common.h"

#include <hone/distributions.h>
#include <hone/shapes.h>

#include <math.h>

hone_tensor *hone_logspace(hone_dtype dtype, double start, double end, int64_t steps, double base)
{
    hone_tensor *exponents = hone_linspace(HONE_F64, start, end, steps);
    return hone_to(hone_pow(hone_scalar(HONE_F64, base), exponents), dtype);
}

hone_tensor *hone_tri(hone_dtype dtype, int64_t n, int64_t m, int64_t k)
{
    return hone_tril(hone_ones(dtype, n, m), k);
}

static bool is_real(const char *name, const hone_tensor *t)
{
    if (!hone__needs_tensor(name, t))
        return false;
    if (hone_dtype_is_float((hone_dtype)t->dtype))
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: a float is wanted, got %s", name, hone__tensor_text(t).s);
    return false;
}

/* All of `truth`, else E_VALUE. */
static bool all(hone_tensor *truth, const char *message)
{
    hone_tensor *every = hone_all(truth);
    if (every && hone_item(every) != 0)
        return true;
    if (every)
        hone_error_set(HONE_E_VALUE, "%s", message);
    return false;
}

hone_tensor *hone_bernoulli(hone_tensor *p)
{
    HONE_NO_GRAD();
    if (!is_real("bernoulli", p) ||
        !all(hone_logical_and(hone_ge_scalar(p, 0), hone_le_scalar(p, 1)),
             "bernoulli: a probability is outside of 0 .. 1"))
        return NULL;
    return hone_to(hone_lt(hone_rand_like(p), p), (hone_dtype)p->dtype);
}

hone_tensor *hone_normal(hone_tensor *mean, hone_tensor *std)
{
    HONE_NO_GRAD();
    if (!is_real("normal", mean) || !is_real("normal", std) ||
        !all(hone_ge_scalar(std, 0), "normal: a standard deviation is below 0"))
        return NULL;
    hone_tensor *wide = hone_add(mean, hone_zeros_like(std));
    return wide ? hone_add(mean, hone_mul(std, hone_randn_like(wide))) : NULL;
}

hone_tensor *hone_exponential_like(hone_tensor *x, double rate)
{
    HONE_NO_GRAD();
    if (!is_real("exponential_like", x))
        return NULL;
    if (!(rate > 0) || isinf(rate)) {
        hone_error_set(HONE_E_VALUE, "exponential_like: the rate is %g, a number above 0 is wanted",
                       rate);
        return NULL;
    }
    return hone_div_scalar(hone_neg(hone_log1p(hone_neg(hone_rand_like(x)))), rate);
}

hone_tensor *hone_multinomial(hone_tensor *weights, int64_t n, bool replacement)
{
    HONE_NO_GRAD();
    if (!is_real("multinomial", weights))
        return NULL;
    if (weights->ndim < 1 || weights->ndim > 2 || n < 1) {
        hone_error_set(weights->ndim < 1 || weights->ndim > 2 ? HONE_E_SHAPE : HONE_E_VALUE,
                       "multinomial: %lld of %s, 1 or more of [k] or [rows, k] are wanted",
                       (long long)n, hone__tensor_text(weights).s);
        return NULL;
    }
    hone_tensor *w = hone_to(weights, HONE_F64);
    if (!all(hone_logical_and(hone_ge_scalar(w, 0), hone_isfinite(w)),
             "multinomial: a weight is below 0 or not finite"))
        return NULL;
    hone_tensor *possible = hone_sum_dim(hone_gt_scalar(w, 0), -1, false);
    if (!all(hone_ge_scalar(possible, replacement ? 1 : (double)n),
             "multinomial: a row has not enough weights above 0"))
        return NULL;
    if (!replacement)
        return hone_topk(hone_div(w, hone_exponential_like(w, 1)), n, -1, true, true).indices;
    hone_tensor *sums = hone_cumsum(w, -1), *whole = hone_slice(sums, -1, -1, INT64_MAX, 1);
    hone_tensor *drawn =
        weights->ndim == 1 ? hone_rand(HONE_F64, n) : hone_rand(HONE_F64, weights->shape[0], n);
    return hone_searchsorted(sums, hone_mul(drawn, whole), true);
}
