/* group_norm.c: group_norm, instance_norm and rms_norm, which record themselves. The first two are
 * layer norm of the groups' elements, so they have its accuracy. */
#include "ops/common.h"
#include "ops/variance.h"

#include <math.h>

static bool is_float(hone_context *ctx, const hone_tensor *x)
{
    if (hone_dtype_is_float((hone_dtype)x->dtype))
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: needs f32 or f64, got %s; cast it with hone_to first",
                   hone__call_name(ctx), hone__tensor_text(x).s);
    return false;
}

static bool eps_is_good(hone_context *ctx, double eps)
{
    if (isfinite(eps))
        return true;
    hone_error_set(HONE_E_VALUE, "%s: eps is %g, a finite number is wanted", hone__call_name(ctx),
                   eps);
    return false;
}

/* ---- group_norm, instance_norm */

typedef struct {
    int64_t num_groups;
    double eps;
} group_options;

static bool suits_channels(hone_context *ctx, const hone_tensor *x, hone_tensor *t,
                           const char *what)
{
    if (t == HONE_NONE || (t->ndim == 1 && t->shape[0] == x->shape[1] && t->dtype == x->dtype))
        return true;
    hone_error_set(t->dtype == x->dtype ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: %s must have an element for each channel (dim 1) of x %s, got %s",
                   hone__call_name(ctx), what, hone__tensor_text(x).s, hone__tensor_text(t).s);
    return false;
}

/* [C] as what broadcasts over [N, C, ...]. */
static hone_tensor *over_channels(const hone_tensor *x, hone_tensor *t)
{
    int64_t room[HONE_MAX_DIMS + 1];
    hone__shape shape = { .ndim = x->ndim - 1 };
    for (int d = 0; d < shape.ndim; d++)
        shape.shape[d] = d == 0 ? t->numel : 1;
    return hone_reshape_v(t, hone__ended(&shape, room));
}

static hone_tensor *by_groups(hone_tensor *const *in, int64_t groups, double eps)
{
    hone_tensor *x = in[0];
    int64_t room[HONE_MAX_DIMS + 1];
    const hone__shape own = hone__shape_of(x);
    const int64_t per = x->numel && groups ? x->numel / (x->shape[0] * groups) : 0;
    hone_tensor *y = hone_reshape(x, x->shape[0], groups, per);
    y = hone_layer_norm(y, HONE_NONE, HONE_NONE, 1, eps);
    y = hone_reshape_v(y, hone__ended(&own, room));
    if (in[1] != HONE_NONE)
        y = hone_mul(y, over_channels(x, in[1]));
    return in[2] == HONE_NONE ? y : hone_add(y, over_channels(x, in[2]));
}

static bool norm_of_groups(hone_context *ctx, hone_tensor *const *in, int64_t groups, double eps,
                           hone_tensor **out)
{
    const hone_tensor *x = in[0];
    if (!is_float(ctx, x) || !eps_is_good(ctx, eps))
        return false;
    if (x->ndim < 2 || groups < 1 || x->shape[1] % groups != 0) {
        hone_error_set(
            x->ndim < 2 ? HONE_E_SHAPE : HONE_E_VALUE,
            "%s: x is %s, [N, C, ...] whose C is a multiple of the %lld groups is wanted",
            hone__call_name(ctx), hone__tensor_text(x).s, (long long)groups);
        return false;
    }
    if (!suits_channels(ctx, x, in[1], "weight") || !suits_channels(ctx, x, in[2], "bias"))
        return false;
    return hone__give(out, x->numel ? by_groups(in, groups, eps) : hone_clone(in[0]));
}

static bool group_norm_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const group_options *o = hone__options(ctx);
    return norm_of_groups(ctx, in, o->num_groups, o->eps, out);
}

static bool instance_norm_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                  hone_tensor **out)
{
    (void)n_in;
    const group_options *o = hone__options(ctx);
    const hone_tensor *x = in[0];
    int64_t plane = 1;
    for (int d = 2; d < x->ndim; d++)
        plane *= x->shape[d];
    if (x->ndim < 3 || (plane == 1 && x->numel)) {
        hone_error_set(HONE_E_SHAPE,
                       "instance_norm: x is %s, [N, C, ...] with more than one "
                       "element a channel is wanted",
                       hone__tensor_text(x).s);
        return false;
    }
    return norm_of_groups(ctx, in, x->shape[1] ? x->shape[1] : 1, o->eps, out);
}

static const hone__option group_table[] = {
    HONE__OPTION(group_options, num_groups, HONE__OPT_INT, .required = true),
    HONE__OPTION(group_options, eps, HONE__OPT_FLOAT, .standard = 1e-5),
    { NULL },
};
static const hone__option instance_table[] = {
    HONE__OPTION(group_options, eps, HONE__OPT_FLOAT, .standard = 1e-5),
    { NULL },
};

#define NORM(op, table)                                                                            \
    const hone__op hone__op_##op = {                                                               \
        .name = #op,                                                                               \
        .forward = op##_forward,                                                                   \
        .in = { { "x" }, { "weight", HONE__OPTIONAL }, { "bias", HONE__OPTIONAL } },               \
        .options = table,                                                                          \
        .options_bytes = sizeof(group_options),                                                    \
        .composite = true,                                                                         \
    };
NORM(group_norm, group_table)
NORM(instance_norm, instance_table)

hone_tensor *hone_group_norm(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                             int64_t num_groups, double eps)
{
    return hone__call(&hone__op_group_norm, IN(x, weight, bias),
                      &(group_options){ num_groups, eps });
}

hone_tensor *hone_instance_norm(hone_tensor *x, hone_tensor *weight, hone_tensor *bias, double eps)
{
    return hone__call(&hone__op_instance_norm, IN(x, weight, bias), &(group_options){ .eps = eps });
}

/* ---- rms_norm: rows whose squares leave the dtype are scaled by a power of two first */

typedef struct {
    int64_t n_dims;
    double eps;
} rms_options;
static const hone__option rms_table[] = {
    HONE__OPTION(rms_options, n_dims, HONE__OPT_INT, .standard = 1),
    HONE__OPTION(rms_options, eps, HONE__OPT_FLOAT, .standard = -1),
    { NULL },
};

/* What a row whose largest element is `most` is multiplied by. Small rows matter without eps alone. */
static double scale_of(double most, hone_dtype dtype, double eps)
{
    const double high = dtype == HONE_F32 ? 0x1p40 : 0x1p400;
    const bool large = most > high && isfinite(most), small = most < 1 / high && most > 0;
    int exponent;
    if (!large && !(small && eps == 0))
        return 1;
    frexp(most, &exponent);
    return ldexp(1, -exponent);
}

/* Those of the rows, with extents 1 where a row lies; NULL: out of memory. */
static hone_tensor *scales_of(hone_tensor *x, const int64_t *dims, double eps)
{
    HONE_NO_GRAD();
    hone_tensor *scale = hone_contiguous(hone_max_dims_v(hone_abs(x), true, dims));
    for (int64_t i = 0; scale && i < scale->numel; i++) {
        if (x->dtype == HONE_F32) {
            float *at = (float *)hone__data(scale) + i;
            *at = (float)scale_of((double)*at, HONE_F32, eps);
        } else {
            double *at = (double *)hone__data(scale) + i;
            *at = scale_of(*at, HONE_F64, eps);
        }
    }
    return scale;
}

static hone_tensor *rms_of(hone_tensor *x, hone_tensor *weight, int n_dims, double eps)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    hone__last_dims(n_dims, dims);
    hone_tensor *scale = scales_of(x, dims, eps), *row = hone_mul(x, scale);
    hone_tensor *mean = hone_mean_dims_v(hone_square(row), true, dims);
    if (eps > 0)
        mean = hone_add(mean, hone_mul_scalar(hone_square(scale), eps));
    hone_tensor *y = hone_mul(row, hone_rsqrt(mean));
    return weight == HONE_NONE ? y : hone_mul(y, weight);
}

static bool suits_row(const hone_tensor *x, hone_tensor *weight, int64_t n_dims)
{
    bool fits = n_dims >= 1 && n_dims <= x->ndim;
    if (!fits) {
        hone_error_set(HONE_E_VALUE, "rms_norm: can't normalise the last %lld dims of %s",
                       (long long)n_dims, hone__tensor_text(x).s);
        return false;
    }
    if (weight == HONE_NONE)
        return true;
    fits = weight->ndim == n_dims;
    for (int d = 0; fits && d < n_dims; d++)
        fits = weight->shape[d] == x->shape[x->ndim - n_dims + d];
    if (fits && weight->dtype == x->dtype)
        return true;
    hone_error_set(fits ? HONE_E_DTYPE : HONE_E_SHAPE,
                   "rms_norm: weight must be like the last %lld dims of x %s, got %s",
                   (long long)n_dims, hone__tensor_text(x).s, hone__tensor_text(weight).s);
    return false;
}

static bool rms_norm_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const rms_options *o = hone__options(ctx);
    hone_tensor *x = in[0];
    if (!is_float(ctx, x) || !suits_row(x, in[1], o->n_dims))
        return false;
    const double least = x->dtype == HONE_F32 ? 0x1p-23 : 0x1p-52;
    const double eps = o->eps == -1 ? least : o->eps;
    if (!eps_is_good(ctx, eps))
        return false;
    return hone__give(out, x->numel ? rms_of(x, in[1], (int)o->n_dims, eps) : hone_clone(x));
}

const hone__op hone__op_rms_norm = {
    .name = "rms_norm",
    .forward = rms_norm_forward,
    .in = { { "x" }, { "weight", HONE__OPTIONAL } },
    .options = rms_table,
    .options_bytes = sizeof(rms_options),
    .composite = true,
};

hone_tensor *hone_rms_norm(hone_tensor *x, hone_tensor *weight, int n_dims, double eps)
{
    return hone__call(&hone__op_rms_norm, IN(x, weight), &(rms_options){ n_dims, eps });
}
