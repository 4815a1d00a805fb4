/* bilinear.c: Bilinear. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "runtime/fpmode.h"

#include <hone/ops.h>

#include <math.h>

typedef struct {
    hone__plain plain;
    hone_tensor *weight; /* [out, in1, in2] */
    hone_tensor *bias;   /* [out] or NULL */
} bilinear;

enum { IN1, IN2, OUT, BIAS, DTYPE };
static const hone__parameter arguments[] = {
    [IN1] = { "in1_features", HONE__WHOLE, .min = 1, .max = INFINITY },
    [IN2] = { "in2_features", HONE__WHOLE, .min = 1, .max = INFINITY },
    [OUT] = { "out_features", HONE__WHOLE, .min = 1, .max = INFINITY },
    [BIAS] = { "bias", HONE__TRUTH, "True" },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static bool fits(const hone__plain *self, const hone_tensor *a, const hone_tensor *b)
{
    const int n = a->ndim;
    bool right = n >= 1 && n < HONE_MAX_DIMS && b->ndim == n &&
                 a->shape[n - 1] == self->at[IN1].at[0] && b->shape[n - 1] == self->at[IN2].at[0];
    for (int d = 0; right && d < n - 1; d++)
        right = a->shape[d] == b->shape[d];
    if (!right)
        hone_error_set(HONE_E_SHAPE, "Bilinear: wants [.., %lld] and [.., %lld], got %s and %s",
                       (long long)self->at[IN1].at[0], (long long)self->at[IN2].at[0],
                       hone__tensor_text(a).s, hone__tensor_text(b).s);
    return right;
}

/* y_k = x1 weight_k x2 + bias_k: x1 through a linear layer [in1, out in2], so that the weight's
 * gradient is a sum over samples as every linear layer's, then each row of that times x2. */
static hone_tensor *forward(const hone__plain *self, hone_tensor *const *in)
{
    const bilinear *l = (const bilinear *)self;
    if (!fits(self, in[0], in[1]))
        return NULL;
    const int64_t in1 = self->at[IN1].at[0], in2 = self->at[IN2].at[0], out = self->at[OUT].at[0];
    const int n = in[0]->ndim;
    hone_tensor *weight = hone_reshape(hone_permute(l->weight, 1, 0, 2), in1, out * in2);
    hone_tensor *rows = hone_linear(in[0], weight, HONE_NONE);
    int64_t dims[HONE_MAX_DIMS + 2];
    for (int d = 0; d < n - 1; d++)
        dims[d] = in[0]->shape[d];
    dims[n - 1] = out;
    dims[n] = in2;
    dims[n + 1] = HONE_END_DIM;
    hone_tensor *y = hone_matmul(hone_reshape_v(rows, dims), hone_unsqueeze(in[1], -1));
    y = hone_squeeze(y, -1);
    return l->bias ? hone_add(y, l->bias) : y;
}

static const hone_field fields[] = { HONE_PARAM(bilinear, weight), HONE_PARAM(bilinear, bias),
                                     HONE_FIELDS_END };

extern const hone__layer hone__layer_Bilinear;
static hone_module *make(const hone__argument *a)
{
    bilinear *l = (bilinear *)hone__plain_new(&hone__layer_Bilinear, a);
    if (!l)
        return NULL;
    HONE__FP_GUARD();
    const int64_t shape[] = { a[OUT].at[0], a[IN1].at[0], a[IN2].at[0] };
    const double bound = 1 / sqrt((double)shape[1]);
    l->weight = hone__even_parameter(a[DTYPE].dtype, bound, 3, shape);
    if (l->weight && a[BIAS].truth)
        l->bias = hone__even_parameter(a[DTYPE].dtype, bound, 1, shape);
    if (l->weight && (l->bias || !a[BIAS].truth))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

const hone__layer hone__layer_Bilinear =
    HONE__MADE_OF("Bilinear", 2, forward, arguments, make, bilinear, fields);
