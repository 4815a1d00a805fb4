/* margin_loss.c: hinges over the classes of a sample, as PyTorch has them: MultiMarginLoss of one
 * right class, MultiLabelMarginLoss of several. Made of ops: the gradient where a hinge begins is 0.
 * MultiLabelMarginLoss has all pairs of classes at once: memory [samples, classes, classes]. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/index.h>
#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)
#define SILENT        .shown = HONE__HIDDEN_ARGUMENT

static hone_tensor *zero_of(const hone_tensor *x)
{
    return hone_scalar((hone_dtype)x->dtype, 0);
}

hone_tensor *hone__classes_in(const char *name, hone_tensor *target, int64_t least, int64_t classes)
{
    if (target->dtype != HONE_I64 && target->dtype != HONE_I32) {
        hone_error_set(HONE_E_DTYPE, "%s: the target is %s, i64 or i32 is wanted", name,
                       hone__tensor_text(target).s);
        return NULL;
    }
    hone_tensor *all = hone_contiguous(hone_to(target, HONE_I64));
    const int64_t *at = all ? hone__data(all) : NULL;
    for (int64_t i = 0; all && i < all->numel; i++) {
        if (at[i] >= least && at[i] < classes)
            continue;
        hone_error_set(HONE_E_INDEX, "%s: target %lld is %lld, %lld to %lld is wanted", name,
                       (long long)i, (long long)at[i], (long long)least, (long long)classes - 1);
        return NULL;
    }
    return all;
}

static bool is_scores(const hone_tensor *x)
{
    return hone_dtype_is_float((hone_dtype)x->dtype) && (x->ndim == 1 || x->ndim == 2) &&
           x->shape[x->ndim - 1] > 0;
}

/* ---- MultiMarginLoss: the sum over the wrong classes of max(0, margin - x[right] + x[wrong])^p,
 * times the right one's weight, over the number of classes */

typedef struct {
    hone__plain plain;
    hone_tensor *weight; /* [classes] or NULL */
} multi_margin_loss;

static const hone_field weight_field[] = { HONE_BUFFER(multi_margin_loss, weight),
                                           HONE_FIELDS_END };
enum { P, MARGIN, WEIGHT, REDUCED, DTYPE };
static const hone__parameter multi_margin_arguments[] = {
    [P] = { "p", HONE__WHOLE, "1", SILENT, .min = 1, .max = 2 },
    [MARGIN] = { "margin", HONE__REAL, "1.0", SILENT },
    [WEIGHT] = { "weight", HONE__REALS, "None", .none = true, SILENT },
    [REDUCED] = HONE__REDUCTION_ARGUMENT,
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static bool suits_multi_margin(const hone_tensor *x, const hone_tensor *target,
                               const hone_tensor *weight)
{
    const bool rows = is_scores(x) && x->ndim == 2;
    if (!is_scores(x) || (rows ? target->ndim != 1 || target->shape[0] != x->shape[0]
                               : target->ndim > 1 || target->numel != 1))
        hone_error_set(HONE_E_SHAPE,
                       "MultiMarginLoss: wants floats [N, classes] and a target [N], or [classes] "
                       "and [], got %s and %s",
                       hone__tensor_text(x).s, hone__tensor_text(target).s);
    else if (weight && weight->numel != x->shape[x->ndim - 1])
        hone_error_set(HONE_E_SHAPE, "MultiMarginLoss: weight is %s, one for each class of %s",
                       hone__tensor_text(weight).s, hone__tensor_text(x).s);
    else
        return true;
    return false;
}

FORWARD(multi_margin)
{
    hone_tensor *weight = ((const multi_margin_loss *)self)->weight, *x = in[0];
    if (!suits_multi_margin(x, in[1], weight))
        return NULL;
    const int64_t classes = x->shape[x->ndim - 1];
    hone_tensor *target = hone__classes_in("MultiMarginLoss", in[1], 0, classes);
    target = hone_reshape(target, in[1]->numel);
    hone_tensor *right = x->ndim == 2 ? hone_unsqueeze(target, 1) : target;
    hone_tensor *behind = hone_sub(x, hone_gather(x, -1, right));
    hone_tensor *each = hone_relu(hone_add_scalar(behind, self->at[MARGIN].number));
    if (self->at[P].at[0] == 2)
        each = hone_square(each);
    if (weight) {
        hone_tensor *of_right = hone_index_select(weight, 0, target);
        each = hone_mul(each, x->ndim == 2 ? hone_unsqueeze(of_right, 1) : of_right);
    }
    hone_tensor *wrong = hone_ne(hone_arange(HONE_I64, 0, (double)classes, 1), right);
    each = hone_sum_dim(hone_where(wrong, each, zero_of(x)), -1, false);
    return hone__reduced_losses(hone_div_scalar(each, (double)classes), self->at[REDUCED].choice);
}

extern const hone__layer hone__layer_MultiMarginLoss;
static hone_module *make_multi_margin(const hone__argument *a)
{
    multi_margin_loss *l = (multi_margin_loss *)hone__plain_new(&hone__layer_MultiMarginLoss, a);
    if (!l || a[WEIGHT].none)
        return l ? &l->plain.base : NULL;
    l->weight = hone_retain(hone__argument_tensor(&a[WEIGHT], a[DTYPE].dtype));
    if (l->weight)
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}
const hone__layer hone__layer_MultiMarginLoss =
    HONE__MADE_OF("MultiMarginLoss", 2, multi_margin, multi_margin_arguments, make_multi_margin,
                  multi_margin_loss, weight_field);

/* ---- MultiLabelMarginLoss: a sample's target lists its classes, up to the first -1. The sum over
 * all pairs of one of the list and one not in it, max(0, 1 - x[listed] + x[other]), over the number
 * of classes; a class that is listed twice counts twice */

static const hone__parameter reduction[] = { HONE__REDUCTION_ARGUMENT, { 0 } };

FORWARD(multilabel_margin)
{
    hone_tensor *x = in[0];
    if (!is_scores(x) || !hone__same_shape(x, in[1])) {
        hone_error_set(HONE_E_SHAPE,
                       "MultiLabelMarginLoss: wants floats [N, classes] or [classes] and a target "
                       "of that shape, got %s and %s",
                       hone__tensor_text(x).s, hone__tensor_text(in[1]).s);
        return NULL;
    }
    const int64_t classes = x->shape[x->ndim - 1];
    hone_tensor *target = hone__classes_in("MultiLabelMarginLoss", in[1], -1, classes);
    /* 1 before the first -1, and 1 for the classes there */
    hone_tensor *listed = hone_cumprod(hone_to(hone_ge_scalar(target, 0), HONE_I64), -1);
    hone_tensor *index = hone_mul(target, listed);
    hone_tensor *among = hone_scatter_add(hone_zeros_like(listed), -1, index, listed);
    hone_tensor *pair = hone_logical_and(hone_unsqueeze(hone_ne_scalar(listed, 0), -1),
                                         hone_unsqueeze(hone_eq_scalar(among, 0), -2));
    hone_tensor *apart =
        hone_sub(hone_unsqueeze(x, -2), hone_unsqueeze(hone_gather(x, -1, index), -1));
    hone_tensor *each =
        hone_where(pair, hone_relu(hone_add_scalar(apart, 1)), zero_of(x)); /* [.., in, out] */
    each = hone_sum_dims(each, false, -2, -1);
    return hone__reduced_losses(hone_div_scalar(each, (double)classes), self->at[0].choice);
}
const hone__layer hone__layer_MultiLabelMarginLoss =
    HONE__PLAIN("MultiLabelMarginLoss", 2, multilabel_margin, reduction);
