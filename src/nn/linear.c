/* linear.c: Linear, and how parameters that are drawn evenly begin. */
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

const hone_module_class hone__out_proj_class = {
    .name = "NonDynamicallyQuantizableLinear",
    .size = sizeof(hone__linear),
    .fields = linear_fields,
    .forward = linear_forward,
    .print = linear_print,
};

static bool options_fit(int64_t in, int64_t out, double init_factor,
                        const hone_nn_linear_options *o)
{
    if (in < 1 || out < 1)
        hone_error_set(HONE_E_VALUE, "nn_linear: sizes %lld to %lld (at least 1 is wanted)",
                       (long long)in, (long long)out);
    else if (!isfinite(init_factor) || init_factor < 0)
        hone_error_set(HONE_E_VALUE, "nn_linear: init_factor %g (0 or more is wanted)",
                       init_factor);
    else if (o->torch_init && o->init_factor != 0)
        hone_error_set(HONE_E_VALUE,
                       "nn_linear: init_factor %g with torch_init, which has no factor",
                       init_factor);
    else if (!hone_dtype_is_float(o->dtype))
        hone_error_set(HONE_E_DTYPE, "nn_linear: dtype %s (a float is wanted)",
                       hone_dtype_name(o->dtype));
    else
        return true;
    return false;
}

hone_tensor *hone__even_parameter(hone_dtype dtype, double bound, int n_dims, const int64_t *shape)
{
    int64_t dtype_dims[HONE_MAX_DIMS + 2] = { dtype };
    for (int d = 0; d < n_dims; d++)
        dtype_dims[1 + d] = shape[d];
    dtype_dims[1 + n_dims] = HONE_END_DIM;
    return hone_parameter(
        hone_sub_scalar_(hone_mul_scalar_(hone_rand_v(dtype_dims), 2 * bound), bound));
}

/* By PyTorch's rule the bias is drawn, too. */
static void begin(hone__linear *l, int64_t in, int64_t out, double init_factor,
                  const hone_nn_linear_options *o)
{
    HONE_SCOPE();
    HONE__FP_GUARD();
    hone_generator *before = hone__draw_from(o->generator);
    const double bound = 1 / sqrt((double)in);
    if (o->torch_init)
        l->weight = hone__even_parameter(o->dtype, bound, 2, (const int64_t[]){ in, out });
    else
        l->weight = hone_parameter(
            hone_mul_scalar_(hone_randn(o->dtype, in, out), sqrt(init_factor / (double)in)));
    if (l->weight && !o->no_bias)
        l->bias = o->torch_init ? hone__even_parameter(o->dtype, bound, 1, &out)
                                : hone_parameter(hone_zeros(o->dtype, out));
    hone__draw_from(before);
}

hone_module *hone_nn_linear_with(int64_t in, int64_t out, const hone_nn_linear_options *options)
{
    const hone_nn_linear_options o = options ? *options : (hone_nn_linear_options){ 0 };
    const double init_factor = o.init_factor == 0           ? 2.0
                               : o.init_factor == HONE_ZERO ? 0.0
                                                            : o.init_factor;
    if (!HONE__KNOWS_OPTIONS("nn_linear", options) || !options_fit(in, out, init_factor, &o))
        return NULL;
    hone__linear *l = hone_module_new(&hone__linear_class);
    if (!l)
        return NULL;
    begin(l, in, out, init_factor, &o);
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

static const char *const inits[] = { "hone", "torch", NULL };
enum { IN, OUT, BIAS, INIT, INIT_FACTOR, DTYPE };
static const hone__parameter arguments[] = {
    [IN] = { "in_features", HONE__WHOLE, .min = 1, .max = INFINITY },
    [OUT] = { "out_features", HONE__WHOLE, .min = 1, .max = INFINITY },
    [BIAS] = { "bias", HONE__TRUTH, "True" },
    [INIT] = { "init", HONE__CHOICE, "'hone'", .named = true, .choices = inits },
    [INIT_FACTOR] = { "init_factor", HONE__REAL, "2", .named = true, .max = INFINITY },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static hone_module *make(const hone__argument *a)
{
    const double factor = a[INIT_FACTOR].number;
    return hone_nn_linear_with(a[IN].at[0], a[OUT].at[0],
                               &(hone_nn_linear_options){ .init_factor = a[INIT_FACTOR].standard ? 0
                                                                         : factor == 0 ? HONE_ZERO
                                                                                       : factor,
                                                          .no_bias = !a[BIAS].truth,
                                                          .dtype = a[DTYPE].dtype,
                                                          .torch_init = a[INIT].choice == 1 });
}

const hone__layer hone__layer_Linear = { "Linear", arguments, make };
