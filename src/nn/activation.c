/* activation.c: activations, each of them an op. inplace is taken and printed as PyTorch does it:
 * the result is a tensor of its own all the same. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)

static const hone__parameter inplace[] = { HONE__INPLACE_ARGUMENT, { 0 } };
/* PyTorch has it and doesn't print it. */
static const hone__parameter inplace_hidden[] = {
    { "inplace", HONE__TRUTH, "False", .shown = HONE__HIDDEN_ARGUMENT }, { 0 }
};

static double number(const hone__plain *self, int i)
{
    return self->at[i].number;
}

/* ---- without numbers */

FORWARD(relu)
{
    (void)self;
    return hone_relu(in[0]);
}
const hone__layer hone__layer_ReLU = HONE__PLAIN("ReLU", 1, relu, inplace);

FORWARD(relu6)
{
    (void)self;
    return hone_relu6(in[0]);
}
const hone__layer hone__layer_ReLU6 = HONE__PLAIN("ReLU6", 1, relu6, inplace);

FORWARD(sigmoid)
{
    (void)self;
    return hone_sigmoid(in[0]);
}
const hone__layer hone__layer_Sigmoid = HONE__PLAIN("Sigmoid", 1, sigmoid, NULL);

FORWARD(tanh_)
{
    (void)self;
    return hone_tanh(in[0]);
}
const hone__layer hone__layer_Tanh = HONE__PLAIN("Tanh", 1, tanh_, NULL);

FORWARD(silu)
{
    (void)self;
    return hone_silu(in[0]);
}
const hone__layer hone__layer_SiLU = HONE__PLAIN("SiLU", 1, silu, inplace);

FORWARD(mish)
{
    (void)self;
    return hone_mish(in[0]);
}
const hone__layer hone__layer_Mish = HONE__PLAIN("Mish", 1, mish, inplace);

FORWARD(selu)
{
    (void)self;
    return hone_selu(in[0]);
}
const hone__layer hone__layer_SELU = HONE__PLAIN("SELU", 1, selu, inplace);

FORWARD(hardsigmoid)
{
    (void)self;
    return hone_hardsigmoid(in[0]);
}
const hone__layer hone__layer_Hardsigmoid =
    HONE__PLAIN("Hardsigmoid", 1, hardsigmoid, inplace_hidden);

FORWARD(hardswish)
{
    (void)self;
    return hone_hardswish(in[0]);
}
const hone__layer hone__layer_Hardswish = HONE__PLAIN("Hardswish", 1, hardswish, inplace_hidden);

FORWARD(softsign)
{
    (void)self;
    return hone_softsign(in[0]);
}
const hone__layer hone__layer_Softsign = HONE__PLAIN("Softsign", 1, softsign, NULL);

FORWARD(logsigmoid)
{
    (void)self;
    return hone_logsigmoid(in[0]);
}
const hone__layer hone__layer_LogSigmoid = HONE__PLAIN("LogSigmoid", 1, logsigmoid, NULL);

FORWARD(tanhshrink)
{
    (void)self;
    return hone_tanhshrink(in[0]);
}
const hone__layer hone__layer_Tanhshrink = HONE__PLAIN("Tanhshrink", 1, tanhshrink, NULL);

/* ---- with numbers */

static const char *const approximations[] = { "none", "tanh", NULL };
static const hone__parameter gelu_arguments[] = {
    { "approximate", HONE__CHOICE, "'none'", .choices = approximations }, { 0 }
};
FORWARD(gelu)
{
    return self->at[0].choice == 1 ? hone_gelu_tanh(in[0]) : hone_gelu(in[0]);
}
const hone__layer hone__layer_GELU = HONE__PLAIN("GELU", 1, gelu, gelu_arguments);

static const hone__parameter leaky_relu_arguments[] = { { "negative_slope", HONE__REAL, "0.01" },
                                                        HONE__INPLACE_ARGUMENT,
                                                        { 0 } };
FORWARD(leaky_relu)
{
    return hone_leaky_relu(in[0], number(self, 0));
}
const hone__layer hone__layer_LeakyReLU =
    HONE__PLAIN("LeakyReLU", 1, leaky_relu, leaky_relu_arguments);

static const hone__parameter alpha[] = { { "alpha", HONE__REAL, "1.0" },
                                         HONE__INPLACE_ARGUMENT,
                                         { 0 } };
FORWARD(elu)
{
    return hone_elu(in[0], number(self, 0));
}
const hone__layer hone__layer_ELU = HONE__PLAIN("ELU", 1, elu, alpha);

FORWARD(celu)
{
    return hone_celu(in[0], number(self, 0));
}
const hone__layer hone__layer_CELU = HONE__PLAIN("CELU", 1, celu, alpha);

static const hone__parameter hardtanh_arguments[] = { { "min_val", HONE__REAL, "-1.0" },
                                                      { "max_val", HONE__REAL, "1.0" },
                                                      HONE__INPLACE_ARGUMENT,
                                                      { 0 } };
FORWARD(hardtanh)
{
    return hone_hardtanh(in[0], number(self, 0), number(self, 1));
}
const hone__layer hone__layer_Hardtanh = HONE__PLAIN("Hardtanh", 1, hardtanh, hardtanh_arguments);

static const hone__parameter lambd[] = {
    { "lambd", HONE__REAL, "0.5", .shown = HONE__ALONE, .max = INFINITY }, { 0 }
};
FORWARD(softshrink)
{
    return hone_softshrink(in[0], number(self, 0));
}
const hone__layer hone__layer_Softshrink = HONE__PLAIN("Softshrink", 1, softshrink, lambd);

FORWARD(hardshrink)
{
    return hone_hardshrink(in[0], number(self, 0));
}
const hone__layer hone__layer_Hardshrink = HONE__PLAIN("Hardshrink", 1, hardshrink, lambd);

static const hone__parameter threshold_arguments[] = {
    { "threshold", HONE__REAL }, { "value", HONE__REAL }, HONE__INPLACE_ARGUMENT, { 0 }
};
FORWARD(threshold)
{
    return hone_threshold(in[0], number(self, 0), number(self, 1));
}
const hone__layer hone__layer_Threshold =
    HONE__PLAIN("Threshold", 1, threshold, threshold_arguments);

static const hone__parameter softplus_arguments[] = { { "beta", HONE__REAL, "1.0" },
                                                      { "threshold", HONE__REAL, "20.0" },
                                                      { 0 } };
/* From 20 on x and softplus(x) differ by less than 3e-9, so such a threshold does nothing. */
FORWARD(softplus)
{
    const double beta = number(self, 0), limit = number(self, 1);
    hone_tensor *scaled = beta == 1 ? in[0] : hone_mul_scalar(in[0], beta);
    hone_tensor *y = hone_softplus(scaled);
    y = beta == 1 ? y : hone_div_scalar(y, beta);
    return limit >= 20 ? y : hone_where(hone_gt_scalar(scaled, limit), in[0], y);
}
const hone__layer hone__layer_Softplus = HONE__PLAIN("Softplus", 1, softplus, softplus_arguments);

/* ---- along a dim */

static const hone__parameter glu_dim[] = {
    { "dim", HONE__WHOLE, "-1", .min = -HONE_MAX_DIMS, .max = HONE_MAX_DIMS - 1 }, { 0 }
};
FORWARD(glu)
{
    return hone_glu(in[0], (int)self->at[0].at[0]);
}
const hone__layer hone__layer_GLU = HONE__PLAIN("GLU", 1, glu, glu_dim);

static const hone__parameter dim[] = { { "dim", HONE__WHOLE, "None", .none = true,
                                         .min = -HONE_MAX_DIMS, .max = HONE_MAX_DIMS - 1 },
                                       { 0 } };

/* None: what PyTorch takes then, with a warning. */
static int dim_of(const hone__plain *self, const hone_tensor *x)
{
    if (self->at[0].none)
        return x->ndim == 0 || x->ndim == 1 || x->ndim == 3 ? 0 : 1;
    return (int)self->at[0].at[0];
}

FORWARD(softmax)
{
    return hone_softmax(in[0], dim_of(self, in[0]));
}
const hone__layer hone__layer_Softmax = HONE__PLAIN("Softmax", 1, softmax, dim);

FORWARD(log_softmax)
{
    return hone_log_softmax(in[0], dim_of(self, in[0]));
}
const hone__layer hone__layer_LogSoftmax = HONE__PLAIN("LogSoftmax", 1, log_softmax, dim);

FORWARD(softmin)
{
    return hone_softmin(in[0], dim_of(self, in[0]));
}
const hone__layer hone__layer_Softmin = HONE__PLAIN("Softmin", 1, softmin, dim);

FORWARD(softmax2d)
{
    (void)self;
    if (in[0]->ndim != 3 && in[0]->ndim != 4) {
        hone_error_set(HONE_E_SHAPE, "Softmax2d: wants [n, c, h, w] or [c, h, w], got %s",
                       hone__tensor_text(in[0]).s);
        return NULL;
    }
    return hone_softmax(in[0], -3);
}
const hone__layer hone__layer_Softmax2d = HONE__PLAIN("Softmax2d", 1, softmax2d, NULL);

/* ---- with chance */

static const hone__parameter rrelu_arguments[] = { { "lower", HONE__REAL, "0.125" },
                                                   { "upper", HONE__REAL, "0.3333333333333333" },
                                                   HONE__INPLACE_ARGUMENT,
                                                   { 0 } };

/* f32's numbers for f64, too: the same slopes. One for each element of x. */
static hone_tensor *slopes(const hone_tensor *x, double lower, double upper)
{
    int64_t room[HONE_MAX_DIMS + 2] = { HONE_F32 };
    for (int d = 0; d < x->ndim; d++)
        room[d + 1] = x->shape[d];
    room[x->ndim + 1] = HONE_END_DIM;
    hone_tensor *u = hone_rand_v(room);
    return hone_to(hone_add_scalar(hone_mul_scalar(u, upper - lower), lower), (hone_dtype)x->dtype);
}

/* Evaluation has the mean slope: Xu et al., Empirical evaluation of rectified activations (2015). */
FORWARD(rrelu)
{
    const double lower = number(self, 0), upper = number(self, 1);
    if (!self->base.training)
        return hone_leaky_relu(in[0], (lower + upper) / 2);
    if (!hone_dtype_is_float((hone_dtype)in[0]->dtype)) {
        hone_error_set(HONE_E_DTYPE, "RReLU: needs floats, got %s", hone__tensor_text(in[0]).s);
        return NULL;
    }
    return hone_where(hone_le_scalar(in[0], 0), hone_mul(in[0], slopes(in[0], lower, upper)),
                      in[0]);
}
extern const hone__layer hone__layer_RReLU;
static hone_module *make_rrelu(const hone__argument *a)
{
    if (a[0].number <= a[1].number)
        return hone__plain_new(&hone__layer_RReLU, a);
    hone_error_set(HONE_E_VALUE, "RReLU: lower is %g, at most upper, %g, is wanted", a[0].number,
                   a[1].number);
    return NULL;
}
const hone__layer hone__layer_RReLU =
    HONE__MADE_PLAIN("RReLU", 1, rrelu, rrelu_arguments, make_rrelu);

/* ---- with a parameter */

typedef struct {
    hone__plain plain;
    hone_tensor *weight; /* [1] or [channels] */
} prelu_layer;

enum { NUMBER, INIT, DTYPE };
static const hone__parameter prelu_arguments[] = {
    [NUMBER] = { "num_parameters", HONE__WHOLE, "1", .min = 1, .max = INFINITY },
    [INIT] = { "init", HONE__REAL, "0.25", .shown = HONE__HIDDEN_ARGUMENT },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};
static const hone_field prelu_fields[] = { HONE_PARAM(prelu_layer, weight), HONE_FIELDS_END };
FORWARD(prelu)
{
    return hone_prelu(in[0], ((const prelu_layer *)self)->weight);
}
extern const hone__layer hone__layer_PReLU;
static hone_module *make_prelu(const hone__argument *a)
{
    prelu_layer *l = (prelu_layer *)hone__plain_new(&hone__layer_PReLU, a);
    if (!l)
        return NULL;
    l->weight = hone_parameter(hone_full(a[DTYPE].dtype, a[INIT].number, a[NUMBER].at[0]));
    if (l->weight)
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}
const hone__layer hone__layer_PReLU =
    HONE__MADE_OF("PReLU", 1, prelu, prelu_arguments, make_prelu, prelu_layer, prelu_fields);

/* ---- by functions of their own */

hone_module *hone_nn_relu(void)
{
    return hone__layer_make(&hone__layer_ReLU, "");
}

hone_module *hone_nn_gelu(void)
{
    return hone__layer_make(&hone__layer_GELU, "");
}

hone_module *hone_nn_gelu_tanh(void)
{
    return hone__layer_make(&hone__layer_GELU, "approximate='tanh'");
}

hone_module *hone_nn_sigmoid(void)
{
    return hone__layer_make(&hone__layer_Sigmoid, "");
}

hone_module *hone_nn_tanh(void)
{
    return hone__layer_make(&hone__layer_Tanh, "");
}
