/* batch_norm.c: BatchNorm1d, BatchNorm2d and BatchNorm3d. */
#include <hone/nn.h>
#include "core/core.h"
#include "core/reserve.h"
#include "nn/layer.h"
#include "nn/norm_relu.h"
#include "op/norm_relu.h"
#include "op/recompute.h"
#include "runtime/watch.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <math.h>

typedef struct {
    hone_module base;
    hone_tensor *weight, *bias;              /* [features] or NULL */
    hone_tensor *running_mean, *running_var; /* [features] or NULL */
    hone_tensor *num_batches_tracked;        /* i64, 0-d, or NULL */
    int64_t features;
    hone_nn_batch_norm_options options;
} batch_norm;

static const hone_module_class batch_norm1d_class, batch_norm2d_class, batch_norm3d_class;

static bool fits(const batch_norm *l, const hone_tensor *x)
{
    const bool flat = l->base.type == &batch_norm1d_class,
               deep = l->base.type == &batch_norm3d_class;
    const bool right = flat ? x->ndim == 2 || x->ndim == 3 : x->ndim == (deep ? 5 : 4);
    if (right && x->shape[1] == l->features)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: wants [n, %lld%s], got %s", l->base.type->name,
                   (long long)l->features,
                   flat   ? "] or [n, features, length"
                   : deep ? ", depth, height, width"
                          : ", height, width",
                   hone__tensor_text(x).s);
    return false;
}

/* One more batch -> how many there were with it; -1 on error. */
static int64_t count_batch(const batch_norm *l)
{
    HONE_NO_GRAD();
    return hone_add_scalar_(l->num_batches_tracked, 1) ? (int64_t)hone_item(l->num_batches_tracked)
                                                       : -1;
}

static hone_tensor *or_none(hone_tensor *t)
{
    return t ? t : HONE_NONE;
}

static hone_tensor *forward(hone_module *self, hone_tensor *x, bool relu)
{
    const batch_norm *l = (const batch_norm *)self;
    if (!fits(l, x))
        return NULL;
    hone_batch_norm_options o = {
        .training = self->training || !l->running_mean,
        .momentum = l->options.momentum,
        .eps = l->options.eps,
    };
    if (self->training && l->num_batches_tracked && !hone__runs_again()) {
        const int64_t batches = count_batch(l);
        if (batches < 0)
            return NULL;
        o.cumulative = l->options.cumulative ? batches : 0;
    }
    return (relu ? hone__batch_norm_relu
                 : hone_batch_norm)(x, or_none(l->running_mean), or_none(l->running_var),
                                    or_none(l->weight), or_none(l->bias), &o);
}

static hone_tensor *batch_norm_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return hone__takes_inputs(self, n_in, 1) ? forward(self, in[0], false) : NULL;
}

bool hone__norm_takes_relu(const hone_module *module)
{
    return module->training && module->type->forward == batch_norm_forward && !module->own.hooks;
}

hone_tensor *hone__norm_relu(hone_module *norm, hone_tensor *x)
{
    hone__span_mark mark;
    hone__span_begin(&mark, HONE__SPAN_MODULE, norm);
    hone_tensor *y = forward(norm, x, true);
    hone__span_end(&mark, HONE__SPAN_MODULE, norm);
    return y;
}

static double or_default(double given, double standard)
{
    return given == 0 ? standard : given == HONE_ZERO ? 0.0 : given;
}

static int batch_norm_print(const hone_module *self, char *text, size_t size)
{
    const batch_norm *l = (const batch_norm *)self;
    char momentum[32] = "None";
    if (!l->options.cumulative)
        hone__format(momentum, sizeof momentum, "%g", or_default(l->options.momentum, 0.1));
    return hone__format(text, size,
                        "%lld, eps=%g, momentum=%s, affine=%s, bias=%s, track_running_stats=%s",
                        (long long)l->features, or_default(l->options.eps, 1e-5), momentum,
                        l->weight ? "True" : "False", l->bias ? "True" : "False",
                        l->running_mean ? "True" : "False");
}

static const hone_field batch_norm_fields[] = { HONE_PARAM(batch_norm, weight),
                                                HONE_PARAM(batch_norm, bias),
                                                HONE_BUFFER(batch_norm, running_mean),
                                                HONE_BUFFER(batch_norm, running_var),
                                                HONE_BUFFER(batch_norm, num_batches_tracked),
                                                HONE_FIELDS_END };

#define BATCH_NORM_CLASS(text)                                                                     \
    {                                                                                              \
        .name = (text), .size = sizeof(batch_norm), .fields = batch_norm_fields,                   \
        .forward = batch_norm_forward, .print = batch_norm_print,                                  \
    }
static const hone_module_class batch_norm1d_class = BATCH_NORM_CLASS("BatchNorm1d");
static const hone_module_class batch_norm2d_class = BATCH_NORM_CLASS("BatchNorm2d");
static const hone_module_class batch_norm3d_class = BATCH_NORM_CLASS("BatchNorm3d");

static bool options_fit(const char *name, int64_t features, const hone_nn_batch_norm_options *o)
{
    if (features < 1)
        hone_error_set(HONE_E_VALUE, "%s: %lld features (at least 1 is wanted)", name,
                       (long long)features);
    else if (!isfinite(o->eps) || o->eps < 0)
        hone_error_set(HONE_E_VALUE, "%s: eps %g (0 or more is wanted)", name, o->eps);
    else if (!(o->momentum >= 0 && o->momentum <= 1))
        hone_error_set(HONE_E_VALUE, "%s: momentum %g (0 to 1 is wanted)", name, o->momentum);
    else if (!hone_dtype_is_float(o->dtype))
        hone_error_set(HONE_E_DTYPE, "%s: dtype %s (a float is wanted)", name,
                       hone_dtype_name(o->dtype));
    else
        return true;
    return false;
}

static bool make_tensors(batch_norm *l)
{
    const hone_nn_batch_norm_options *o = &l->options;
    HONE_SCOPE();
    if (!o->no_affine) {
        l->weight = hone_parameter(hone_ones(o->dtype, l->features));
        if (l->weight && !o->no_bias)
            l->bias = hone_parameter(hone_zeros(o->dtype, l->features));
        if (!l->weight || (!o->no_bias && !l->bias))
            return false;
    }
    if (o->no_running_stats)
        return true;
    hone_tensor *mean = hone_zeros(o->dtype, l->features);
    hone_tensor *var = hone_ones(o->dtype, l->features), *n = hone_scalar(HONE_I64, 0);
    if (!mean || !var || !n)
        return false;
    l->running_mean = hone_retain(mean);
    l->running_var = hone_retain(var);
    l->num_batches_tracked = hone_retain(n);
    return true;
}

static hone_module *batch_norm_new(const hone_module_class *type, const char *name,
                                   int64_t features, const hone_nn_batch_norm_options *options)
{
    const hone_nn_batch_norm_options o = options ? *options : (hone_nn_batch_norm_options){ 0 };
    if (!HONE__KNOWS_OPTIONS(name, options) || !options_fit(name, features, &o))
        return NULL;
    batch_norm *l = hone_module_new(type);
    if (!l)
        return NULL;
    l->features = features;
    l->options = o;
    if (make_tensors(l))
        return &l->base;
    hone_module_free(&l->base);
    return NULL;
}

hone_module *hone_nn_batch_norm1d(int64_t features, const hone_nn_batch_norm_options *options)
{
    return batch_norm_new(&batch_norm1d_class, "nn_batch_norm1d", features, options);
}

hone_module *hone_nn_batch_norm2d(int64_t features, const hone_nn_batch_norm_options *options)
{
    return batch_norm_new(&batch_norm2d_class, "nn_batch_norm2d", features, options);
}

enum { FEATURES, EPS, MOMENTUM, AFFINE, TRACK, BIAS, DTYPE };
static const hone__parameter arguments[] = {
    [FEATURES] = { "num_features", HONE__WHOLE, .min = 1, .max = INFINITY },
    [EPS] = { "eps", HONE__REAL, "1e-05", .max = INFINITY },
    [MOMENTUM] = { "momentum", HONE__REAL, "0.1", .none = true, .max = 1 },
    [AFFINE] = { "affine", HONE__TRUTH, "True" },
    [TRACK] = { "track_running_stats", HONE__TRUTH, "True" },
    [BIAS] = { "bias", HONE__TRUTH, "True", .named = true },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static double or_zero(double given)
{
    return given == 0 ? HONE_ZERO : given;
}

static hone_nn_batch_norm_options options_of(const hone__argument *a)
{
    return (hone_nn_batch_norm_options){ .eps = or_zero(a[EPS].number),
                                         .momentum = or_zero(a[MOMENTUM].number),
                                         .cumulative = a[MOMENTUM].none,
                                         .no_affine = !a[AFFINE].truth,
                                         .no_bias = !a[BIAS].truth,
                                         .no_running_stats = !a[TRACK].truth,
                                         .dtype = a[DTYPE].dtype };
}

static hone_module *make1d(const hone__argument *a)
{
    const hone_nn_batch_norm_options o = options_of(a);
    return hone_nn_batch_norm1d(a[FEATURES].at[0], &o);
}

static hone_module *make2d(const hone__argument *a)
{
    const hone_nn_batch_norm_options o = options_of(a);
    return hone_nn_batch_norm2d(a[FEATURES].at[0], &o);
}

static hone_module *make3d(const hone__argument *a)
{
    const hone_nn_batch_norm_options o = options_of(a);
    return batch_norm_new(&batch_norm3d_class, "nn_batch_norm3d", a[FEATURES].at[0], &o);
}

const hone__layer hone__layer_BatchNorm1d = { "BatchNorm1d", arguments, make1d };
const hone__layer hone__layer_BatchNorm2d = { "BatchNorm2d", arguments, make2d };
const hone__layer hone__layer_BatchNorm3d = { "BatchNorm3d", arguments, make3d };
