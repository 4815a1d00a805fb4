/* clip.c: gradients cut to a norm or to a range. */
#include "autograd/leaf.h"
#include "autograd/update.h"
#include "core/core.h"
#include "core/reserve.h"
#include "isa/isa.h"
#include "loops/reduce_run.h"
#include "loops/scalar.h"
#include "op/observe.h"
#include "op/options.h"
#include "optim/optim.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <math.h>

/* The gradients that there are, of the current scope. at == NULL: failed. */
static hone_tensor_list gradients(const char *where, hone_tensor_list parameters)
{
    const hone_tensor_list failed = { NULL, 0 };
    if (!parameters.at) {
        hone__error_null(where);
        return failed;
    }
    hone_tensor_list list = hone__list_new(parameters.n);
    if (!list.at)
        return failed;
    list.n = 0;
    for (int i = 0; i < parameters.n; i++) {
        hone_tensor *p = parameters.at[i], *grad = NULL;
        if (!hone__needs_tensor(where, p) || !hone__leaf_is_whole(where, p) ||
            !hone__leaf_not_updated(where, p) || !hone__leaf_grad(p, &grad))
            return failed;
        if (grad && grad->numel > 0)
            list.at[list.n++] = grad;
    }
    return list;
}

/* ---- norms: what each gradient adds to the total, in double */

static double item(hone_tensor *t)
{
    return hone_item(t);
}

static double in_double(hone_tensor *g, double (*sum)(hone_tensor *, double), double p)
{
    HONE_SCOPE();
    hone_tensor *wide = hone_to(hone_detach(g), HONE_F64);
    return wide ? sum(wide, p) : NAN;
}

static double sum_squares(hone_tensor *g, double p)
{
    double sum = NAN;
    (void)p;
    hone__reduce(HONE__K_SUM_SQUARES, g, (1u << g->ndim) - 1, &sum);
    return sum;
}

/* In f32 without a copy, unless a square leaves its range. */
static double of_squares(hone_tensor *g, double p)
{
    const float least = 1e-30f;
    float sum;
    if (hone__is_half((hone_dtype)g->dtype))
        return in_double(g, sum_squares, p);
    if (g->dtype == HONE_F64)
        return sum_squares(g, p);
    if (!hone__reduce(HONE__K_SUM_SQUARES, g, (1u << g->ndim) - 1, &sum))
        return NAN;
    return isinf(sum) || sum < least ? in_double(g, sum_squares, p) : (double)sum;
}

static double sum_powers(hone_tensor *g, double p)
{
    hone_tensor *size = hone_abs(g);
    return item(hone_sum(p == 1 ? size : hone_pow_scalar(size, p)));
}

static double of_powers(hone_tensor *g, double p)
{
    return in_double(g, sum_powers, p);
}

static double of_largest(hone_tensor *g, double p)
{
    HONE_SCOPE();
    (void)p;
    return item(hone_max(hone_abs(hone_detach(g))));
}

static double of_smallest(hone_tensor *g, double p)
{
    HONE_SCOPE();
    (void)p;
    return item(hone_min(hone_abs(hone_detach(g))));
}

/* 1 unless all of it is 0: of p = 0, PyTorch counts tensors. */
static double of_any(hone_tensor *g, double p)
{
    const double largest = of_largest(g, p);
    return largest != 0; /* NaN isn't */
}

/* A NaN stays, as in PyTorch. */
static double larger(double a, double b)
{
    return b > a || isnan(b) ? b : a;
}

static double smaller(double a, double b)
{
    return b < a || isnan(b) ? b : a;
}

/* False: an error is pending. */
static bool total_norm(hone_tensor_list grads, double p, double *total)
{
    const bool none = p == 0, squares = p == 2, most = p == INFINITY, least = p == -INFINITY;
    double (*const of)(hone_tensor *, double) = none      ? of_any
                                                : squares ? of_squares
                                                : most    ? of_largest
                                                : least   ? of_smallest
                                                          : of_powers;
    const uint64_t errors = hone__error_count();
    double sum = least && grads.n > 0 ? INFINITY : 0;
    for (int i = 0; i < grads.n; i++) {
        const hone__data_place outer = hone__observe_read(grads.at[i]);
        const double one = of(grads.at[i], p);
        hone__observe_read_end(outer);
        sum = most ? larger(sum, one) : least ? smaller(sum, one) : sum + one;
    }
    *total = most || least || none || p == 1 || grads.n == 0 ? sum
             : squares                                       ? sqrt(sum)
                                                             : hone__scalar_pow(sum, 1 / p);
    return hone__error_count() == errors;
}

/* ---- clipping */

typedef hone_clip_grad_norm_options norm_options;

static const hone__option norm_table[] = {
    HONE__OPTIM_REAL(norm_options, norm_type, 2, .min = -INFINITY, .max = INFINITY),
    HONE__OPTIM_FLAG(norm_options, error_if_nonfinite),
    { 0 },
};

static const hone__op norm_is = HONE__OPTIM_IS("clip_grad_norm_", norm_table, norm_options);

static bool is_bound(const char *where, const char *what, double value)
{
    if (value >= 0)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %s is %g, but 0 or more is wanted", where, what, value);
    return false;
}

hone_status hone_clip_grad_norm_(hone_tensor_list parameters, double max_norm,
                                 const hone_clip_grad_norm_options *options, double *norm)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    norm_options o;
    double total;
    if (!HONE__KNOWS_OPTIONS("clip_grad_norm_", options) ||
        !hone__options_resolve(&norm_is, options, &o) ||
        !is_bound("clip_grad_norm_", "max_norm", max_norm))
        return hone__error_last();
    const hone_tensor_list grads = gradients("clip_grad_norm_", parameters);
    if (!grads.at || !total_norm(grads, o.norm_type, &total))
        return hone__error_last();
    if (norm)
        *norm = total;
    if (o.error_if_nonfinite && !isfinite(total))
        return hone_error_set(HONE_E_VALUE,
                              "clip_grad_norm_: the total norm of order %g of the gradients is %g",
                              o.norm_type, total);
    const double scale = max_norm / (total + 1e-6);
    if (scale >= 1)
        return HONE_OK;
    for (int i = 0; i < grads.n; i++)
        if (!hone_mul_scalar_(grads.at[i], scale))
            return hone__error_last();
    return HONE_OK;
}

hone_status hone_clip_grad_value_(hone_tensor_list parameters, double clip_value)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    if (!is_bound("clip_grad_value_", "clip_value", clip_value))
        return hone__error_last();
    const hone_tensor_list grads = gradients("clip_grad_value_", parameters);
    if (!grads.at)
        return hone__error_last();
    for (int i = 0; i < grads.n; i++) {
        HONE_SCOPE();
        hone_tensor *below = hone_minimum_scalar(grads.at[i], clip_value);
        if (!hone_copy_(grads.at[i], hone_maximum_scalar(below, -clip_value)))
            return hone__error_last();
    }
    return HONE_OK;
}
