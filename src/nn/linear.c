/* linear.c: Linear. */
#include <hone/nn.h>
#include "core/core.h"
#include "core/reserve.h"
#include "nn/layer.h"
#include "runtime/fpmode.h"
#include "runtime/streams.h"

#include <hone/ops.h>

#include <math.h>

static hone_tensor *linear_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const hone__linear *l = (const hone__linear *)self;
    if (!hone__takes_inputs(self, n_in, 1))
        return NULL;
    return hone_linear(in[0], l->weight, l->bias ? l->bias : HONE_NONE);
}

static int linear_print(const hone_module *self, char *text, size_t size)
{
    const hone__linear *l = (const hone__linear *)self;
    return hone__format(text, size, "in_features=%lld, out_features=%lld, bias=%s",
                        (long long)hone_size(l->weight, 0), (long long)hone_size(l->weight, 1),
                        l->bias ? "True" : "False");
}

static const hone_field linear_fields[] = { HONE_WEIGHT(hone__linear, weight),
                                            HONE_PARAM(hone__linear, bias), HONE_FIELDS_END };

const hone_module_class hone__linear_class = {
    .name = "Linear",
    .size = sizeof(hone__linear),
    .fields = linear_fields,
    .forward = linear_forward,
    .print = linear_print,
};

static bool options_fit(int64_t in, int64_t out, hone_dtype dtype, double init_factor)
{
    if (in < 1 || out < 1)
        hone_error_set(HONE_E_VALUE, "nn_linear: sizes %lld to %lld (at least 1 is wanted)",
                       (long long)in, (long long)out);
    else if (!isfinite(init_factor) || init_factor < 0)
        hone_error_set(HONE_E_VALUE, "nn_linear: init_factor %g (0 or more is wanted)",
                       init_factor);
    else if (!hone_dtype_is_float(dtype))
        hone_error_set(HONE_E_DTYPE, "nn_linear: dtype %s (f32 or f64 is wanted)",
                       hone_dtype_name(dtype));
    else
        return true;
    return false;
}

static hone_tensor *initial_weight(int64_t in, int64_t out, double init_factor,
                                   const hone_nn_linear_options *o)
{
    hone_generator *before = hone__draw_from(o->generator);
    hone_tensor *weight = hone_randn(o->dtype, in, out);
    hone__draw_from(before);
    return hone_parameter(hone_mul_scalar_(weight, sqrt(init_factor / (double)in)));
}

hone_module *hone_nn_linear_with(int64_t in, int64_t out, const hone_nn_linear_options *options)
{
    const hone_nn_linear_options o = options ? *options : (hone_nn_linear_options){ 0 };
    const double init_factor = o.init_factor == 0           ? 2.0
                               : o.init_factor == HONE_ZERO ? 0.0
                                                            : o.init_factor;
    if (!HONE__KNOWS_OPTIONS("nn_linear", options) || !options_fit(in, out, o.dtype, init_factor))
        return NULL;
    hone__linear *l = hone_module_new(&hone__linear_class);
    if (!l)
        return NULL;
    HONE_SCOPE();
    HONE__FP_GUARD();
    l->weight = initial_weight(in, out, init_factor, &o);
    if (l->weight && !o.no_bias)
        l->bias = hone_parameter(hone_zeros(o.dtype, out));
    if (!l->weight || (!o.no_bias && !l->bias)) {
        hone_module_free(&l->base);
        return NULL;
    }
    return &l->base;
}

hone_module *hone_nn_linear(int64_t in, int64_t out)
{
    return hone_nn_linear_with(in, out, NULL);
}
