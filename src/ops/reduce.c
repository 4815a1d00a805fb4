/* reduce.c: sum, mean, var, std, max, min over all, one or several dims; logsumexp over one or
 * several; argmax, argmin over one.
 *
 * Every forward leaves the dims it reduced as a bit mask in its arguments (i[0]) and keepdim in
 * `flag`, so that the three forms of an op share one gradient. */
#include "core/access.h"
#include "ops/extreme_run.h"
#include "ops/op.h"
#include "ops/reduce_run.h"
#include "ops/softmax_run.h"
#include "ops/variance.h"

#include "isa/isa.h"

#include <math.h>

/* ---- dims */

static bool mask_of_all(hone_context *ctx, const hone_tensor *x)
{
    hone__args *args = hone__call_args(ctx);
    args->flag = false;
    args->i[0] = (1 << x->ndim) - 1;
    return true;
}

static bool mask_of_dim(hone_context *ctx, const hone_tensor *x)
{
    hone__args *args = hone__call_args(ctx);
    args->dim = hone__dim_index(hone__call_name(ctx), x, args->dim);
    if (args->dim < 0)
        return false;
    args->i[0] = x->ndim ? 1 << args->dim : 0;
    return true;
}

/* No dims at all means all of them, as in PyTorch. */
static bool mask_of_dims(hone_context *ctx, const hone_tensor *x)
{
    hone__args *args = hone__call_args(ctx);
    uint32_t mask = args->n == 0 ? (1u << x->ndim) - 1 : 0;
    for (int i = 0; i < args->n; i++) {
        const int d = hone__dim_index(hone__call_name(ctx), x, args->i[i]);
        if (d < 0)
            return false;
        if (mask >> d & 1) {
            hone_error_set(HONE_E_SHAPE, "%s: dim %d is given twice", hone__call_name(ctx), d);
            return false;
        }
        mask |= 1u << d;
    }
    args->i[0] = x->ndim ? mask : 0;
    return true;
}

/* x's shape with the reduced dims gone, or as 1 with keepdim. */
static hone__shape reduced_shape(const hone__shape *x, uint32_t mask, bool keepdim)
{
    hone__shape out = { 0 };
    for (int d = 0; d < x->ndim; d++) {
        if (!(mask >> d & 1))
            out.shape[out.ndim++] = x->shape[d];
        else if (keepdim)
            out.shape[out.ndim++] = 1;
    }
    return out;
}

static hone__shape shape_of(const hone_tensor *x)
{
    hone__shape s = { .ndim = x->ndim };
    for (int d = 0; d < x->ndim; d++)
        s.shape[d] = x->shape[d];
    return s;
}

static int64_t reduced_count(const hone__shape *x, uint32_t mask)
{
    int64_t n = 1;
    for (int d = 0; d < x->ndim; d++)
        n *= mask >> d & 1 ? x->shape[d] : 1;
    return n;
}

/* ---- forwards */

/* What every reduction begins with: the result tensor. */
static hone_tensor *reduced_out(hone_context *ctx, const hone_tensor *x, hone_dtype dtype)
{
    const hone__args *args = hone__call_args(ctx);
    const hone__shape in = shape_of(x);
    const hone__shape out = reduced_shape(&in, (uint32_t)args->i[0], args->flag);
    return hone__out(ctx, dtype, out.ndim, out.shape);
}

static hone_tensor *sum(hone_context *ctx, const hone_tensor *x)
{
    const hone_dtype dtype = (hone_dtype)x->dtype;
    hone_tensor *out = reduced_out(ctx, x, hone_dtype_is_float(dtype) ? dtype : HONE_I64);
    const uint32_t mask = (uint32_t)hone__call_args(ctx)->i[0];
    return out && hone__reduce(HONE__K_SUM, x, mask, hone__data(out)) ? out : NULL;
}

static hone_tensor *sum_all(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_all(ctx, in[0]) ? sum(ctx, in[0]) : NULL;
}

static hone_tensor *sum_dim(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dim(ctx, in[0]) ? sum(ctx, in[0]) : NULL;
}

static hone_tensor *sum_dims(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dims(ctx, in[0]) ? sum(ctx, in[0]) : NULL;
}

static bool needs_float(hone_context *ctx, const hone_tensor *x)
{
    if (hone_dtype_is_float((hone_dtype)x->dtype))
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: needs f32 or f64, got %s; cast it with hone_to first",
                   hone__call_name(ctx), hone__tensor_text(x).s);
    return false;
}

/* How many elements an output is made of. */
static int64_t call_count(hone_context *ctx, const hone_tensor *x)
{
    const hone__shape shape = shape_of(x);
    return reduced_count(&shape, (uint32_t)hone__call_args(ctx)->i[0]);
}

/* The sum, divided by the count (rounded to the dtype): no elements give 0 / 0, NaN. */
static hone_tensor *mean(hone_context *ctx, const hone_tensor *x)
{
    hone_tensor *out = needs_float(ctx, x) ? sum(ctx, x) : NULL;
    if (out)
        hone__divide(out, (double)call_count(ctx, x));
    return out;
}

static hone_tensor *mean_all(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_all(ctx, in[0]) ? mean(ctx, in[0]) : NULL;
}

static hone_tensor *mean_dim(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dim(ctx, in[0]) ? mean(ctx, in[0]) : NULL;
}

static hone_tensor *mean_dims(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dims(ctx, in[0]) ? mean(ctx, in[0]) : NULL;
}

/* What the variance of n elements is divided by. */
static double divisor(int64_t n, double correction)
{
    return (double)n > correction ? (double)n - correction : 0.0;
}

static hone_tensor *variance(hone_context *ctx, hone_tensor *x, bool root)
{
    const double correction = hone__call_args(ctx)->s[0];
    if (!needs_float(ctx, x))
        return NULL;
    if (!isfinite(correction)) {
        hone_error_set(HONE_E_VALUE, "%s: the correction is %g", hone__call_name(ctx), correction);
        return NULL;
    }
    hone_tensor *out = reduced_out(ctx, x, (hone_dtype)x->dtype);
    const uint32_t mask = (uint32_t)hone__call_args(ctx)->i[0];
    const double by = divisor(call_count(ctx, x), correction);
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

static hone_tensor *var_all(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_all(ctx, in[0]) ? var_of(ctx, in[0]) : NULL;
}

static hone_tensor *var_dim(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dim(ctx, in[0]) ? var_of(ctx, in[0]) : NULL;
}

static hone_tensor *var_dims(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dims(ctx, in[0]) ? var_of(ctx, in[0]) : NULL;
}

static hone_tensor *std_all(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_all(ctx, in[0]) ? std_of(ctx, in[0]) : NULL;
}

static hone_tensor *std_dim(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dim(ctx, in[0]) ? std_of(ctx, in[0]) : NULL;
}

static hone_tensor *std_dims(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dims(ctx, in[0]) ? std_of(ctx, in[0]) : NULL;
}

/* MAX, MIN, ARGMAX and ARGMIN: something has to be there to choose from. */
static hone_tensor *extreme(hone_context *ctx, hone_tensor *x, int kind)
{
    const uint32_t mask = (uint32_t)hone__call_args(ctx)->i[0];
    const hone__shape shape = shape_of(x);
    const bool index = kind == HONE__K_ARGMAX || kind == HONE__K_ARGMIN;
    if (reduced_count(&shape, mask) == 0) {
        hone_error_set(HONE_E_SHAPE, "%s: there is nothing to choose from in %s",
                       hone__call_name(ctx), hone__tensor_text(x).s);
        return NULL;
    }
    hone_tensor *out = reduced_out(ctx, x, index ? HONE_I64 : (hone_dtype)x->dtype);
    if (!out || (out->numel && !hone__reduce(kind, x, mask, hone__data(out))))
        return NULL;
    return index || HONE__SAVE(ctx, x, out) ? out : NULL;
}

static hone_tensor *max_all(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_all(ctx, in[0]) ? extreme(ctx, in[0], HONE__K_MAX) : NULL;
}

static hone_tensor *max_dim(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dim(ctx, in[0]) ? extreme(ctx, in[0], HONE__K_MAX) : NULL;
}

static hone_tensor *max_dims(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dims(ctx, in[0]) ? extreme(ctx, in[0], HONE__K_MAX) : NULL;
}

static hone_tensor *min_all(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_all(ctx, in[0]) ? extreme(ctx, in[0], HONE__K_MIN) : NULL;
}

static hone_tensor *min_dim(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dim(ctx, in[0]) ? extreme(ctx, in[0], HONE__K_MIN) : NULL;
}

static hone_tensor *min_dims(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dims(ctx, in[0]) ? extreme(ctx, in[0], HONE__K_MIN) : NULL;
}

static hone_tensor *argmax(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dim(ctx, in[0]) ? extreme(ctx, in[0], HONE__K_ARGMAX) : NULL;
}

static hone_tensor *argmin(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return mask_of_dim(ctx, in[0]) ? extreme(ctx, in[0], HONE__K_ARGMIN) : NULL;
}

/* Integers are cast to f32 first; no elements give -inf. */
static hone_tensor *logsumexp(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    if (!mask_of_dim(ctx, in[0]))
        return NULL;
    hone_tensor *x = hone__softmax_input(in[0]);
    hone_tensor *out = x ? reduced_out(ctx, x, (hone_dtype)x->dtype) : NULL;
    if (!out || !hone__softmax_run(HONE__LOGSUMEXP, hone__call_args(ctx)->dim, out, x, NULL))
        return NULL;
    return HONE__SAVE(ctx, in[0], out) ? out : NULL;
}

/* All dims, the reduced ones behind the others -> how many others there are. */
static int reduced_order(int ndim, uint32_t mask, int64_t *order)
{
    int n = 0, kept = 0;
    for (int last = 0; last < 2; last++) {
        for (int d = 0; d < ndim; d++)
            if ((int)(mask >> d & 1) == last)
                order[n++] = d;
        kept = last ? kept : n;
    }
    order[n] = HONE_END_DIM;
    return kept;
}

/* x as [others ..., reduced]: the reduced dims as one, behind the others. */
static hone_tensor *reduced_last(hone_tensor *x, uint32_t mask)
{
    int64_t order[HONE_MAX_DIMS + 1], dims[HONE_MAX_DIMS + 2];
    const int kept = reduced_order(x->ndim, mask, order);
    const hone__shape shape = shape_of(x);
    for (int i = 0; i < kept; i++)
        dims[i] = x->shape[order[i]];
    dims[kept] = reduced_count(&shape, mask);
    dims[kept + 1] = HONE_END_DIM;
    return hone_reshape_v(hone_permute_v(x, order), dims);
}

/* By the rule of rows, whatever the dims: what they hold is one row, in their order. */
static hone_tensor *logsumexp_dims(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    if (!mask_of_dims(ctx, in[0]))
        return NULL;
    hone_tensor *x = hone__softmax_input(in[0]);
    hone_tensor *rows = x ? reduced_last(x, (uint32_t)hone__call_args(ctx)->i[0]) : NULL;
    hone_tensor *out = rows ? reduced_out(ctx, x, (hone_dtype)x->dtype) : NULL;
    if (!out || !hone__softmax_run(HONE__LOGSUMEXP, rows->ndim - 1, out, rows, NULL))
        return NULL;
    return HONE__SAVE(ctx, in[0], out) ? out : NULL;
}

/* ---- gradients */

static uint32_t call_mask(hone_context *ctx)
{
    return (uint32_t)hone__call_args(ctx)->i[0];
}

/* A result-shaped tensor with the reduced dims back, as 1. */
static hone_tensor *with_dims(hone_context *ctx, hone_tensor *t)
{
    if (hone__call_args(ctx)->flag)
        return t;
    const hone__shape shape = reduced_shape(hone__input_shape(ctx, 0), call_mask(ctx), true);
    int64_t dims[HONE_MAX_DIMS + 1];
    for (int d = 0; d < shape.ndim; d++)
        dims[d] = shape.shape[d];
    dims[shape.ndim] = HONE_END_DIM;
    return hone_reshape_v(t, dims);
}

/* The input's shape, ended as the public functions want it. */
static const int64_t *input_dims(hone_context *ctx, int64_t *dims)
{
    const hone__shape *shape = hone__input_shape(ctx, 0);
    for (int d = 0; d < shape->ndim; d++)
        dims[d] = shape->shape[d];
    dims[shape->ndim] = HONE_END_DIM;
    return dims;
}

static hone_tensor *sum_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    (void)input;
    return hone_expand_v(with_dims(ctx, dy), input_dims(ctx, dims));
}

static hone_tensor *mean_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    const int64_t n = reduced_count(hone__input_shape(ctx, 0), call_mask(ctx));
    return sum_grad(ctx, hone_div_scalar(dy, (double)n), input);
}

/* The dims that the call reduced, ended as the public functions want them. */
static int reduced_list(hone_context *ctx, int64_t *dims)
{
    int n = 0;
    for (int d = 0; d < hone__input_shape(ctx, 0)->ndim; d++)
        if (call_mask(ctx) >> d & 1)
            dims[n++] = d;
    dims[n] = HONE_END_DIM;
    return n;
}

/* (x - mean) g, or with by_std (x - mean) g / std of correction 0; g is like the result. */
static hone_tensor *deviation(hone_context *ctx, hone_tensor *g, bool by_std)
{
    hone_tensor *x = hone_saved(ctx, 0);
    const int ndim = hone__input_shape(ctx, 0)->ndim;
    int64_t order[HONE_MAX_DIMS + 1], back[HONE_MAX_DIMS + 1];
    if (ndim == 0) /* of one number */
        return hone_mul(hone_sub(x, x), g);
    const int kept = reduced_order(ndim, call_mask(ctx), order);
    for (int d = 0; d < ndim; d++)
        back[order[d]] = d;
    back[ndim] = HONE_END_DIM;
    hone_tensor *last = hone_permute_v(with_dims(ctx, g), order);
    return hone_permute_v(hone__deviation(hone_permute_v(x, order), last, ndim - kept, by_std),
                          back);
}

/* n - correction, which PyTorch does not clip here as it does forward: less than 0 gives what is
 * finite, if no gradient of anything. */
static double freedom(hone_context *ctx)
{
    const int64_t n = reduced_count(hone__input_shape(ctx, 0), call_mask(ctx));
    return (double)n - hone__call_args(ctx)->s[0];
}

static hone_tensor *var_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    return deviation(ctx, hone_mul_scalar(dy, 2.0 / freedom(ctx)), false);
}

/* dy (x - mean) / (y (n - correction)): y is std_0 sqrt(n / (n - correction)), and neither leaves
 * the range where their quotient does not. Where y is inf for want of elements: dy / y is 0. */
static hone_tensor *std_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    const double free = freedom(ctx), n = free + hone__call_args(ctx)->s[0];
    hone_tensor *y = hone_saved(ctx, 1);
    if (free <= 0)
        return deviation(ctx, hone_div_scalar(hone_div(dy, y), free), false);
    hone_tensor *flat = hone_eq_scalar(y, 0.0), *zero = hone_scalar(hone_dtype_of(dy), 0.0);
    return deviation(ctx, hone_where(flat, zero, hone_div_scalar(dy, sqrt(n) * sqrt(free))), true);
}

/* dy shared evenly by the elements that `chosen` names, `lost` for the others. */
static hone_tensor *shared(hone_context *ctx, hone_tensor *dy, hone_tensor *chosen,
                           hone_tensor *lost)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    const int n = reduced_list(ctx, dims);
    hone_tensor *ties = n ? hone_sum_dims_v(chosen, true, dims) : hone_to(chosen, HONE_I64);
    hone_tensor *share = hone_div(with_dims(ctx, dy), hone_to(ties, hone_dtype_of(dy)));
    return hone_where(chosen, share, lost);
}

/* Of all elements: by those that equal the extreme, or by the NaNs if it is one. */
static hone_tensor *extreme_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    hone_tensor *x = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    hone_tensor *chosen = isnan(hone_item(y)) ? hone_ne(x, x) : hone_eq(x, y);
    return shared(ctx, dy, chosen, hone_scalar(hone_dtype_of(dy), 0.0));
}

/* Along dims: where the extreme is NaN nothing equals it, and the gradient is NaN for all. Of small
 * windows in one pass, of others op by op: both divide the same numbers. */
static hone_tensor *extreme_dims_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    hone_tensor *x = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    if (reduced_count(hone__input_shape(ctx, 0), call_mask(ctx)) <= HONE__WINDOW)
        return hone__call(&hone__op_extreme_backward, (hone_tensor *[]){ x, y, dy }, 3,
                          hone__call_args(ctx), false);
    const hone_dtype dtype = hone_dtype_of(dy);
    y = with_dims(ctx, y);
    hone_tensor *lost = hone_where(hone_ne(y, y), hone_scalar(dtype, NAN), hone_scalar(dtype, 0.0));
    return shared(ctx, dy, hone_eq(x, y), lost);
}

/* ---- extreme_backward: that gradient, with the arguments of the op it belongs to; linear in dy,
 * piecewise constant in x and y */

static hone_tensor *extreme_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    hone_tensor *x = in[0], *y = hone_contiguous(in[1]);
    hone_tensor *dy = hone_contiguous(hone_to(in[2], (hone_dtype)x->dtype));
    if (!y || !dy || !HONE__SAVE(ctx, x, in[1]))
        return NULL;
    hone_tensor *out = hone__out(ctx, (hone_dtype)x->dtype, x->ndim, x->shape);
    if (out)
        hone__extreme_backward_run(out, x, y, dy, call_mask(ctx));
    return out;
}

static hone_tensor *extreme_backward_grad(hone_context *ctx, hone_tensor *g, int input)
{
    if (input < 2)
        return HONE_NONE;
    int64_t dims[HONE_MAX_DIMS + 1];
    const bool keepdim = hone__call_args(ctx)->flag;
    hone_tensor *chosen = hone_eq(hone_saved(ctx, 0), with_dims(ctx, hone_saved(ctx, 1)));
    hone_tensor *taken = hone_where(chosen, g, hone_scalar(hone_dtype_of(g), 0.0));
    if (reduced_list(ctx, dims) == 0)
        return taken; /* 0-d: an element is its own extreme */
    hone_tensor *ties = hone_sum_dims_v(chosen, keepdim, dims);
    return hone_div(hone_sum_dims_v(taken, keepdim, dims), hone_to(ties, hone_dtype_of(g)));
}

const hone__op hone__op_extreme_backward = { .name = "extreme_backward",
                                             .forward = extreme_backward_forward,
                                             .grad = { extreme_backward_grad, extreme_backward_grad,
                                                       extreme_backward_grad } };

static hone_tensor *to_place(hone_context *ctx, hone_tensor *dy, hone_tensor *place)
{
    int64_t dims[HONE_MAX_DIMS + 2] = { hone_dtype_of(dy) };
    input_dims(ctx, dims + 1);
    return hone_scatter_add(hone_zeros_v(dims), hone__call_args(ctx)->dim, place,
                            with_dims(ctx, dy));
}

/* No elements: no place either, and nothing that argmax or argmin could choose from. */
static hone_tensor *dim_extreme_grad(hone_context *ctx, hone_tensor *dy,
                                     hone_tensor *(*place_of)(hone_tensor *x, int dim, bool keep))
{
    hone_tensor *x = hone_saved(ctx, 0);
    if (x && x->numel == 0)
        return hone_zeros_like(x);
    return to_place(ctx, dy, place_of(x, hone__call_args(ctx)->dim, true));
}

static hone_tensor *max_dim_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    return dim_extreme_grad(ctx, dy, hone_argmax);
}

static hone_tensor *min_dim_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    return dim_extreme_grad(ctx, dy, hone_argmin);
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
static hone_tensor *logsumexp_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    hone_tensor *x = hone_saved(ctx, 0), *y = hone_saved(ctx, 1);
    hone_tensor *slope = hone_softmax(x, hone__call_args(ctx)->dim);
    if (y && !hone__visit_rows(y, row_below_infinity, &y->dtype)) {
        y = with_dims(ctx, y);
        slope = hone_where(hone_eq_scalar(y, INFINITY), hone_exp(hone_sub(x, y)), slope);
    }
    return hone_mul(with_dims(ctx, dy), slope);
}

static hone_tensor *logsumexp_dims_grad(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    hone_tensor *x = hone_saved(ctx, 0), *y = with_dims(ctx, hone_saved(ctx, 1));
    return hone_mul(with_dims(ctx, dy), hone_exp(hone_sub(x, y)));
}

/* ---- the ops */

const hone__op hone__op_sum = { .name = "sum", .forward = sum_all, .grad = { sum_grad } };
const hone__op hone__op_sum_dim = { .name = "sum_dim", .forward = sum_dim, .grad = { sum_grad } };
const hone__op hone__op_sum_dims = { .name = "sum_dims",
                                     .forward = sum_dims,
                                     .grad = { sum_grad } };
const hone__op hone__op_mean = { .name = "mean", .forward = mean_all, .grad = { mean_grad } };
const hone__op hone__op_mean_dim = { .name = "mean_dim",
                                     .forward = mean_dim,
                                     .grad = { mean_grad } };
const hone__op hone__op_mean_dims = { .name = "mean_dims",
                                      .forward = mean_dims,
                                      .grad = { mean_grad } };
const hone__op hone__op_var = { .name = "var", .forward = var_all, .grad = { var_grad } };
const hone__op hone__op_var_dim = { .name = "var_dim", .forward = var_dim, .grad = { var_grad } };
const hone__op hone__op_var_dims = { .name = "var_dims",
                                     .forward = var_dims,
                                     .grad = { var_grad } };
const hone__op hone__op_std = { .name = "std", .forward = std_all, .grad = { std_grad } };
const hone__op hone__op_std_dim = { .name = "std_dim", .forward = std_dim, .grad = { std_grad } };
const hone__op hone__op_std_dims = { .name = "std_dims",
                                     .forward = std_dims,
                                     .grad = { std_grad } };
const hone__op hone__op_max = { .name = "max", .forward = max_all, .grad = { extreme_grad } };
const hone__op hone__op_max_dim = { .name = "max_dim",
                                    .forward = max_dim,
                                    .grad = { max_dim_grad } };
const hone__op hone__op_max_dims = { .name = "max_dims",
                                     .forward = max_dims,
                                     .grad = { extreme_dims_grad } };
const hone__op hone__op_min = { .name = "min", .forward = min_all, .grad = { extreme_grad } };
const hone__op hone__op_min_dim = { .name = "min_dim",
                                    .forward = min_dim,
                                    .grad = { min_dim_grad } };
const hone__op hone__op_min_dims = { .name = "min_dims",
                                     .forward = min_dims,
                                     .grad = { extreme_dims_grad } };
const hone__op hone__op_argmax = { .name = "argmax", .forward = argmax };
const hone__op hone__op_argmin = { .name = "argmin", .forward = argmin };
const hone__op hone__op_logsumexp = { .name = "logsumexp",
                                      .forward = logsumexp,
                                      .grad = { logsumexp_grad } };
const hone__op hone__op_logsumexp_dims = { .name = "logsumexp_dims",
                                           .forward = logsumexp_dims,
                                           .grad = { logsumexp_dims_grad } };
