/* group_norm.c: GroupNorm, InstanceNorm and RMSNorm. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/autograd.h>
#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>
#include <string.h>

static hone_tensor *or_none(hone_tensor *t)
{
    return t ? t : HONE_NONE;
}

/* weight = 1 and bias = 0 [n]; false: out of memory. */
static bool make_affine(hone_dtype dtype, int64_t n, bool with_bias, hone_tensor **weight,
                        hone_tensor **bias)
{
    *weight = hone_parameter(hone_ones(dtype, n));
    if (*weight && with_bias)
        *bias = hone_parameter(hone_zeros(dtype, n));
    return *weight && (*bias || !with_bias);
}

/* ---- GroupNorm */

typedef struct {
    hone__plain plain;
    hone_tensor *weight, *bias; /* [channels] or NULL */
} group_norm;

enum { GROUPS, CHANNELS, GROUP_EPS, GROUP_AFFINE, GROUP_BIAS, GROUP_DTYPE };
static const hone__parameter group_arguments[] = {
    [GROUPS] = { "num_groups", HONE__WHOLE, .min = 1, .max = INFINITY, .shown = HONE__ALONE },
    [CHANNELS] = { "num_channels", HONE__WHOLE, .min = 1, .max = INFINITY, .shown = HONE__ALONE },
    [GROUP_EPS] = { "eps", HONE__REAL, "1e-05", .max = INFINITY },
    [GROUP_AFFINE] = { "affine", HONE__TRUTH, "True" },
    [GROUP_BIAS] = { "bias", HONE__TRUTH, "True", .named = true },
    [GROUP_DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static const hone_field group_fields[] = { HONE_PARAM(group_norm, weight),
                                           HONE_PARAM(group_norm, bias), HONE_FIELDS_END };

static hone_tensor *group_norm_forward(const hone__plain *self, hone_tensor *const *in)
{
    const group_norm *l = (const group_norm *)self;
    const int64_t channels = self->at[CHANNELS].at[0];
    if (in[0]->ndim < 2 || in[0]->shape[1] != channels) {
        hone_error_set(HONE_E_SHAPE, "GroupNorm: wants [n, %lld, ...], got %s", (long long)channels,
                       hone__tensor_text(in[0]).s);
        return NULL;
    }
    return hone_group_norm(in[0], or_none(l->weight), or_none(l->bias), self->at[GROUPS].at[0],
                           self->at[GROUP_EPS].number);
}

extern const hone__layer hone__layer_GroupNorm;
static hone_module *make_group_norm(const hone__argument *a)
{
    const int64_t groups = a[GROUPS].at[0], channels = a[CHANNELS].at[0];
    if (channels % groups) {
        hone_error_set(HONE_E_VALUE, "GroupNorm: %lld groups don't divide %lld channels",
                       (long long)groups, (long long)channels);
        return NULL;
    }
    group_norm *l = (group_norm *)hone__plain_new(&hone__layer_GroupNorm, a);
    if (!l)
        return NULL;
    l->plain.at[GROUP_BIAS].truth = a[GROUP_AFFINE].truth && a[GROUP_BIAS].truth;
    if (!a[GROUP_AFFINE].truth ||
        make_affine(a[GROUP_DTYPE].dtype, channels, a[GROUP_BIAS].truth, &l->weight, &l->bias))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

const hone__layer hone__layer_GroupNorm = HONE__MADE_OF(
    "GroupNorm", 1, group_norm_forward, group_arguments, make_group_norm, group_norm, group_fields);

/* ---- InstanceNorm: as torch.nn's, without parameters and statistics unless they are asked for */

typedef struct {
    hone__plain plain;
    hone_tensor *weight, *bias;              /* [features] or NULL */
    hone_tensor *running_mean, *running_var; /* [features] or NULL */
    hone_tensor *num_batches_tracked;        /* i64, 0-d: 0, as PyTorch leaves it; or NULL */
} instance_norm;

enum { FEATURES, EPS, MOMENTUM, AFFINE, BIAS, TRACK, DTYPE };
static const hone__parameter instance_arguments[] = {
    [FEATURES] = { "num_features", HONE__WHOLE, .min = 1, .max = INFINITY, .shown = HONE__ALONE },
    [EPS] = { "eps", HONE__REAL, "1e-05", .max = INFINITY },
    [MOMENTUM] = { "momentum", HONE__REAL, "0.1", .none = true, .max = 1 },
    [AFFINE] = { "affine", HONE__TRUTH, "False" },
    [BIAS] = { "bias", HONE__TRUTH, "True", .named = true },
    [TRACK] = { "track_running_stats", HONE__TRUTH, "False" },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static const hone_field instance_fields[] = { HONE_PARAM(instance_norm, weight),
                                              HONE_PARAM(instance_norm, bias),
                                              HONE_BUFFER(instance_norm, running_mean),
                                              HONE_BUFFER(instance_norm, running_var),
                                              HONE_BUFFER(instance_norm, num_batches_tracked),
                                              HONE_FIELDS_END };

/* running = (1 - momentum) running + momentum of the samples' mean. */
static bool follow(hone_tensor *running, hone_tensor *of_samples, double momentum)
{
    hone_tensor *mean = hone_mean_dim(of_samples, 0, false);
    return hone_add_(hone_mul_scalar_(running, 1 - momentum), hone_mul_scalar(mean, momentum)) !=
           NULL;
}

/* x [n, features, ...]: one row of each sample's channel. Unlike batch norm's the statistics are
 * the averages of the samples' own. */
static bool follow_statistics(const instance_norm *l, hone_tensor *x)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    const double momentum = l->plain.at[MOMENTUM].none ? 0 : l->plain.at[MOMENTUM].number;
    hone_tensor *rows = hone_reshape(x, hone_size(x, 0), hone_size(x, 1), -1);
    return follow(l->running_mean, hone_mean_dim(rows, 2, false), momentum) &&
           follow(l->running_var, hone_var_dim(rows, 2, 1, false), momentum);
}

/* With the running statistics it is batch norm in evaluation. */
static hone_tensor *by_running(const instance_norm *l, hone_tensor *x)
{
    const double eps = l->plain.at[EPS].number;
    return hone_batch_norm(x, l->running_mean, l->running_var, or_none(l->weight), or_none(l->bias),
                           &(hone_batch_norm_options){ .eps = eps == 0 ? HONE_ZERO : eps });
}

/* [features, ...] is a batch of one. */
static hone_tensor *normalised(const instance_norm *l, hone_tensor *x, int dims)
{
    const bool alone = x->ndim == dims - 1;
    const int64_t features = l->plain.at[FEATURES].at[0];
    if ((x->ndim != dims && !alone) || x->shape[alone ? 0 : 1] != features) {
        hone_error_set(HONE_E_SHAPE,
                       "%s: wants %d dims with %lld channels, or %d for one sample, "
                       "got %s",
                       l->plain.base.type->name, dims, (long long)features, dims - 1,
                       hone__tensor_text(x).s);
        return NULL;
    }
    if (alone)
        x = hone_unsqueeze(x, 0);
    hone_tensor *y = NULL;
    if (l->running_mean && !l->plain.base.training)
        y = by_running(l, x);
    else if (x && (!l->running_mean || follow_statistics(l, x)))
        y = hone_instance_norm(x, or_none(l->weight), or_none(l->bias), l->plain.at[EPS].number);
    return alone && y ? hone_squeeze(y, 0) : y;
}

static hone_tensor *instance_norm1d(const hone__plain *self, hone_tensor *const *in)
{
    return normalised((const instance_norm *)self, in[0], 3);
}

static hone_tensor *instance_norm2d(const hone__plain *self, hone_tensor *const *in)
{
    return normalised((const instance_norm *)self, in[0], 4);
}

static hone_tensor *instance_norm3d(const hone__plain *self, hone_tensor *const *in)
{
    return normalised((const instance_norm *)self, in[0], 5);
}

static bool make_statistics(instance_norm *l, hone_dtype dtype, int64_t n)
{
    hone_tensor *mean = hone_zeros(dtype, n), *var = hone_ones(dtype, n),
                *tracked = hone_scalar(HONE_I64, 0);
    if (!mean || !var || !tracked)
        return false;
    l->running_mean = hone_retain(mean);
    l->running_var = hone_retain(var);
    l->num_batches_tracked = hone_retain(tracked);
    return true;
}

static hone_module *make_instance_norm(const hone__layer *layer, const hone__argument *a)
{
    instance_norm *l = (instance_norm *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    const hone_dtype dtype = a[DTYPE].dtype;
    const int64_t n = a[FEATURES].at[0];
    l->plain.at[BIAS].truth = a[AFFINE].truth && a[BIAS].truth;
    if ((!a[AFFINE].truth || make_affine(dtype, n, a[BIAS].truth, &l->weight, &l->bias)) &&
        (!a[TRACK].truth || make_statistics(l, dtype, n)))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

extern const hone__layer hone__layer_InstanceNorm1d, hone__layer_InstanceNorm2d,
    hone__layer_InstanceNorm3d;
static hone_module *make_instance_norm1d(const hone__argument *a)
{
    return make_instance_norm(&hone__layer_InstanceNorm1d, a);
}
static hone_module *make_instance_norm2d(const hone__argument *a)
{
    return make_instance_norm(&hone__layer_InstanceNorm2d, a);
}
static hone_module *make_instance_norm3d(const hone__argument *a)
{
    return make_instance_norm(&hone__layer_InstanceNorm3d, a);
}

const hone__layer hone__layer_InstanceNorm1d =
    HONE__MADE_OF("InstanceNorm1d", 1, instance_norm1d, instance_arguments, make_instance_norm1d,
                  instance_norm, instance_fields);
const hone__layer hone__layer_InstanceNorm2d =
    HONE__MADE_OF("InstanceNorm2d", 1, instance_norm2d, instance_arguments, make_instance_norm2d,
                  instance_norm, instance_fields);
const hone__layer hone__layer_InstanceNorm3d =
    HONE__MADE_OF("InstanceNorm3d", 1, instance_norm3d, instance_arguments, make_instance_norm3d,
                  instance_norm, instance_fields);

/* ---- RMSNorm */

typedef struct {
    hone__plain plain;
    hone_tensor *weight; /* of the normalised shape, or NULL */
} rms_norm;

enum { SHAPE, RMS_EPS, RMS_AFFINE, RMS_DTYPE };
static const hone__parameter rms_arguments[] = {
    [SHAPE] = { "normalized_shape", HONE__WHOLES, .spread = true, .min = 1, .max = INFINITY,
                .shown = HONE__ALONE },
    [RMS_EPS] = { "eps", HONE__REAL, "None", .none = true, .max = INFINITY },
    [RMS_AFFINE] = { "elementwise_affine", HONE__TRUTH, "True" },
    [RMS_DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static const hone_field rms_fields[] = { HONE_PARAM(rms_norm, weight), HONE_FIELDS_END };

static hone_tensor *rms_norm_forward(const hone__plain *self, hone_tensor *const *in)
{
    const hone__argument *shape = &self->at[SHAPE], *eps = &self->at[RMS_EPS];
    const hone_tensor *x = in[0];
    for (int d = 0; d < shape->n; d++) {
        if (x->ndim >= shape->n && x->shape[x->ndim - shape->n + d] == shape->at[d])
            continue;
        hone_error_set(HONE_E_SHAPE, "RMSNorm: wants the last dims %s, got %s",
                       hone__shape_text(shape->n, shape->at).s, hone__tensor_text(x).s);
        return NULL;
    }
    return hone_rms_norm(in[0], or_none(((const rms_norm *)self)->weight), shape->n,
                         eps->none ? -1 : eps->number);
}

extern const hone__layer hone__layer_RMSNorm;
static hone_module *make_rms_norm(const hone__argument *a)
{
    rms_norm *l = (rms_norm *)hone__plain_new(&hone__layer_RMSNorm, a);
    if (!l)
        return NULL;
    if (!a[RMS_AFFINE].truth)
        return &l->plain.base;
    int64_t dtype_dims[HONE_MAX_DIMS + 2] = { a[RMS_DTYPE].dtype };
    memcpy(dtype_dims + 1, a[SHAPE].at, (size_t)a[SHAPE].n * sizeof *dtype_dims);
    dtype_dims[1 + a[SHAPE].n] = HONE_END_DIM;
    l->weight = hone_parameter(hone_ones_v(dtype_dims));
    if (l->weight)
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

const hone__layer hone__layer_RMSNorm = HONE__MADE_OF("RMSNorm", 1, rms_norm_forward, rms_arguments,
                                                      make_rms_norm, rms_norm, rms_fields);
