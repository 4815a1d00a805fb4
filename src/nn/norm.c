/* norm.c: LayerNorm and LocalResponseNorm. */
#include <hone/nn.h>
#include "core/core.h"
#include "core/reserve.h"
#include "nn/layer.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

typedef struct {
    hone_module base;
    hone_tensor *weight, *bias; /* of the normalised shape, or NULL */
    hone__shape shape;
    double eps;
} layer_norm;

static bool fits(const layer_norm *l, const hone_tensor *x)
{
    const int n = l->shape.ndim;
    for (int d = 0; d < n; d++)
        if (x->ndim < n || x->shape[x->ndim - n + d] != l->shape.shape[d])
            return false;
    return true;
}

static hone_tensor *layer_norm_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const layer_norm *l = (const layer_norm *)self;
    if (!hone__takes_inputs(self, n_in, 1))
        return NULL;
    if (!fits(l, in[0])) {
        hone_error_set(HONE_E_SHAPE, "LayerNorm: wants the last dims %s, got %s",
                       hone__shape_text(l->shape.ndim, l->shape.shape).s,
                       hone__tensor_text(in[0]).s);
        return NULL;
    }
    return hone_layer_norm(in[0], l->weight ? l->weight : HONE_NONE, l->bias ? l->bias : HONE_NONE,
                           l->shape.ndim, l->eps);
}

static int layer_norm_print(const hone_module *self, char *text, size_t size)
{
    const layer_norm *l = (const layer_norm *)self;
    char dims[HONE_MAX_DIMS * 24];
    int at = 0;
    for (int d = 0; d < l->shape.ndim; d++)
        at += hone__format(dims + at, sizeof dims - (size_t)at, d ? ", %lld" : "%lld",
                           (long long)l->shape.shape[d]);
    return hone__format(text, size, "(%s%s), eps=%g, elementwise_affine=%s, bias=%s", dims,
                        l->shape.ndim == 1 ? "," : "", l->eps, l->weight ? "True" : "False",
                        l->bias ? "True" : "False");
}

static const hone_field layer_norm_fields[] = { HONE_PARAM(layer_norm, weight),
                                                HONE_PARAM(layer_norm, bias), HONE_FIELDS_END };

static const hone_module_class layer_norm_class = {
    .name = "LayerNorm",
    .size = sizeof(layer_norm),
    .fields = layer_norm_fields,
    .forward = layer_norm_forward,
    .print = layer_norm_print,
};

static bool options_fit(const hone__shape *shape, hone_dtype dtype, double eps)
{
    int64_t least = shape->ndim;
    for (int d = 0; d < shape->ndim; d++)
        least = shape->shape[d] < least ? shape->shape[d] : least;
    if (least < 1)
        hone_error_set(HONE_E_VALUE,
                       "nn_layer_norm: shape %s (one or more extents of at least 1 "
                       "are wanted)",
                       hone__shape_text(shape->ndim, shape->shape).s);
    else if (!isfinite(eps) || eps < 0)
        hone_error_set(HONE_E_VALUE, "nn_layer_norm: eps %g (0 or more is wanted)", eps);
    else if (!hone_dtype_is_float(dtype))
        hone_error_set(HONE_E_DTYPE, "nn_layer_norm: dtype %s (a float is wanted)",
                       hone_dtype_name(dtype));
    else
        return true;
    return false;
}

hone_module *hone_nn_layer_norm_with(const int64_t *dims_then_end,
                                     const hone_nn_layer_norm_options *options)
{
    const hone_nn_layer_norm_options o = options ? *options : (hone_nn_layer_norm_options){ 0 };
    const double eps = o.eps == 0 ? 1e-5 : o.eps == HONE_ZERO ? 0.0 : o.eps;
    hone__shape shape;
    if (!HONE__KNOWS_OPTIONS("nn_layer_norm", options) ||
        !hone__read_dims("nn_layer_norm", dims_then_end, &shape) ||
        !options_fit(&shape, o.dtype, eps))
        return NULL;
    layer_norm *l = hone_module_new(&layer_norm_class);
    if (!l)
        return NULL;
    HONE_SCOPE();
    l->shape = shape;
    l->eps = eps;
    int64_t dtype_dims[HONE_MAX_DIMS + 2] = { o.dtype };
    for (int d = 0; d < shape.ndim; d++)
        dtype_dims[1 + d] = shape.shape[d];
    dtype_dims[1 + shape.ndim] = HONE_END_DIM;
    const bool weight = !o.no_affine, bias = weight && !o.no_bias;
    if (weight)
        l->weight = hone_parameter(hone_ones_v(dtype_dims));
    if (bias && l->weight)
        l->bias = hone_parameter(hone_zeros_v(dtype_dims));
    if ((weight && !l->weight) || (bias && !l->bias)) {
        hone_module_free(&l->base);
        return NULL;
    }
    return &l->base;
}

hone_module *hone_nn_layer_norm_v(const int64_t *dims_then_end)
{
    return hone_nn_layer_norm_with(dims_then_end, NULL);
}

enum { SHAPE, EPS, AFFINE, BIAS, DTYPE };
static const hone__parameter arguments[] = {
    [SHAPE] = { "normalized_shape", HONE__WHOLES, .min = 1, .max = INFINITY },
    [EPS] = { "eps", HONE__REAL, "1e-05", .max = INFINITY },
    [AFFINE] = { "elementwise_affine", HONE__TRUTH, "True" },
    [BIAS] = { "bias", HONE__TRUTH, "True" },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static hone_module *make(const hone__argument *a)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    for (int d = 0; d < a[SHAPE].n; d++)
        dims[d] = a[SHAPE].at[d];
    dims[a[SHAPE].n] = HONE_END_DIM;
    return hone_nn_layer_norm_with(
        dims, &(hone_nn_layer_norm_options){ .eps = a[EPS].number == 0 ? HONE_ZERO : a[EPS].number,
                                             .no_affine = !a[AFFINE].truth,
                                             .no_bias = !a[BIAS].truth,
                                             .dtype = a[DTYPE].dtype });
}

const hone__layer hone__layer_LayerNorm = { "LayerNorm", arguments, make };

/* ---- LocalResponseNorm */

static const hone__parameter response_arguments[] = { { "size", HONE__WHOLE, .min = 1,
                                                        .max = INFINITY, .shown = HONE__ALONE },
                                                      { "alpha", HONE__REAL, "0.0001" },
                                                      { "beta", HONE__REAL, "0.75" },
                                                      { "k", HONE__REAL, "1.0" },
                                                      { 0 } };

/* x / (k + alpha mean(x^2 of the size channels around, as 0 past the ends))^beta. */
static hone_tensor *local_response(const hone__plain *self, hone_tensor *const *in)
{
    const hone__argument *a = self->at;
    hone_tensor *x = in[0];
    const int64_t size = a[0].at[0];
    if (x->ndim < 3) {
        hone_error_set(HONE_E_SHAPE, "LocalResponseNorm: wants [n, c, ..], got %s",
                       hone__tensor_text(x).s);
        return NULL;
    }
    if (x->numel == 0)
        return x;
    int64_t rest = 1, dims[HONE_MAX_DIMS + 1];
    for (int d = 0; d < x->ndim; d++) {
        dims[d] = x->shape[d];
        rest *= d > 1 ? x->shape[d] : 1;
    }
    dims[x->ndim] = HONE_END_DIM;
    hone_tensor *rows = hone_reshape(hone_square(x), x->shape[0], x->shape[1], rest);
    rows = hone_pad(hone_transpose(rows, 1, 2), HONE_PAD_CONSTANT, 0, size / 2, (size - 1) / 2);
    hone_tensor *mean =
        hone_avg_pool1d(rows, &(hone_avg_pool1d_options){ .kernel_size = size, .stride = 1 });
    mean = hone_reshape_v(hone_transpose(mean, 1, 2), dims);
    hone_tensor *divisor = hone_add_scalar(hone_mul_scalar(mean, a[1].number), a[3].number);
    return hone_div(x, hone_pow_scalar(divisor, a[2].number));
}

const hone__layer hone__layer_LocalResponseNorm =
    HONE__PLAIN("LocalResponseNorm", 1, local_response, response_arguments);
