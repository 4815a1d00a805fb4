/* loss.c: losses as modules: hone_forward(loss, input, target) -> 0-d. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)

/* PyTorch's size_average and reduce come before it by place and are not taken: they are its old
 * words for the same. */
const char *const hone__reduction_choices[] = { "mean", "sum", "none", NULL };
#define REDUCTION HONE__REDUCTION_ARGUMENT
#define SILENT    .shown = HONE__HIDDEN_ARGUMENT

/* Of a table that has it at place i: the names are in the order of the enum. */
static hone_reduction reduction_of(const hone__plain *self, int i)
{
    return (hone_reduction)self->at[i].choice;
}

/* ---- of two tensors */

static const hone__parameter reduction[] = { REDUCTION, { 0 } };
FORWARD(mse)
{
    return hone_mse_loss(in[0], in[1], reduction_of(self, 0));
}
const hone__layer hone__layer_MSELoss = HONE__PLAIN("MSELoss", 2, mse, reduction);

FORWARD(l1)
{
    return hone_l1_loss(in[0], in[1], reduction_of(self, 0));
}
const hone__layer hone__layer_L1Loss = HONE__PLAIN("L1Loss", 2, l1, reduction);

hone_tensor *hone__reduced_losses(hone_tensor *each, int to)
{
    return hone_hinge_embedding_loss(each, hone_ones_like(each), 0, (hone_reduction)to);
}

/* log(1 + e^(-target input)) */
FORWARD(soft_margin)
{
    hone_tensor *each = hone_softplus(hone_neg(hone_mul(in[1], in[0])));
    return hone__reduced_losses(each, self->at[0].choice);
}
const hone__layer hone__layer_SoftMarginLoss =
    HONE__PLAIN("SoftMarginLoss", 2, soft_margin, reduction);

static const hone__parameter smooth_l1_arguments[] = {
    REDUCTION, { "beta", HONE__REAL, "1.0", .named = true, SILENT, .max = INFINITY }, { 0 }
};
FORWARD(smooth_l1)
{
    return hone_smooth_l1_loss(in[0], in[1], self->at[1].number, reduction_of(self, 0));
}
const hone__layer hone__layer_SmoothL1Loss =
    HONE__PLAIN("SmoothL1Loss", 2, smooth_l1, smooth_l1_arguments);

static const hone__parameter huber_arguments[] = { { "reduction", HONE__CHOICE, "'mean'", SILENT,
                                                     .choices = hone__reduction_choices },
                                                   { "delta", HONE__REAL, "1.0", SILENT },
                                                   { 0 } };
FORWARD(huber)
{
    return hone_huber_loss(in[0], in[1], self->at[1].number, reduction_of(self, 0));
}
const hone__layer hone__layer_HuberLoss = HONE__PLAIN("HuberLoss", 2, huber, huber_arguments);

static const char *const kl_reductions[] = { "mean", "sum", "none", "batchmean", NULL };
static const hone__parameter kl_arguments[] = {
    { "reduction", HONE__CHOICE, "'mean'", .named = true, SILENT, .choices = kl_reductions },
    { "log_target", HONE__TRUTH, "False", .named = true, SILENT },
    { 0 }
};
FORWARD(kl_div)
{
    return hone_kl_div(in[0], in[1], self->at[1].truth, reduction_of(self, 0));
}
const hone__layer hone__layer_KLDivLoss = HONE__PLAIN("KLDivLoss", 2, kl_div, kl_arguments);

static const hone__parameter poisson_arguments[] = { { "log_input", HONE__TRUTH, "True", SILENT },
                                                     { "full", HONE__TRUTH, "False", SILENT },
                                                     { "eps", HONE__REAL, "1e-08", .named = true,
                                                       SILENT },
                                                     REDUCTION,
                                                     { 0 } };
FORWARD(poisson_nll)
{
    return hone_poisson_nll_loss(in[0], in[1], self->at[0].truth, self->at[1].truth,
                                 self->at[2].number, reduction_of(self, 3));
}
const hone__layer hone__layer_PoissonNLLLoss =
    HONE__PLAIN("PoissonNLLLoss", 2, poisson_nll, poisson_arguments);

static const hone__parameter gaussian_arguments[] = {
    REDUCTION,
    { "full", HONE__TRUTH, "False", .named = true, SILENT },
    { "eps", HONE__REAL, "1e-06", .named = true, SILENT },
    { 0 }
};
/* Of input, target and var. */
FORWARD(gaussian_nll)
{
    return hone_gaussian_nll_loss(in[0], in[1], in[2], self->at[1].truth, self->at[2].number,
                                  reduction_of(self, 0));
}
const hone__layer hone__layer_GaussianNLLLoss =
    HONE__PLAIN("GaussianNLLLoss", 3, gaussian_nll, gaussian_arguments);

/* ---- of margins */

static const hone__parameter margin_one[] = { { "margin", HONE__REAL, "1.0", SILENT },
                                              REDUCTION,
                                              { 0 } };
static const hone__parameter margin_zero[] = { { "margin", HONE__REAL, "0.0", SILENT },
                                               REDUCTION,
                                               { 0 } };
FORWARD(hinge_embedding)
{
    return hone_hinge_embedding_loss(in[0], in[1], self->at[0].number, reduction_of(self, 1));
}
const hone__layer hone__layer_HingeEmbeddingLoss =
    HONE__PLAIN("HingeEmbeddingLoss", 2, hinge_embedding, margin_one);

FORWARD(margin_ranking)
{
    return hone_margin_ranking_loss(in[0], in[1], in[2], self->at[0].number, reduction_of(self, 1));
}
const hone__layer hone__layer_MarginRankingLoss =
    HONE__PLAIN("MarginRankingLoss", 3, margin_ranking, margin_zero);

FORWARD(cosine_embedding)
{
    return hone_cosine_embedding_loss(in[0], in[1], in[2], self->at[0].number,
                                      reduction_of(self, 1));
}
const hone__layer hone__layer_CosineEmbeddingLoss =
    HONE__PLAIN("CosineEmbeddingLoss", 3, cosine_embedding, margin_zero);

static const hone__parameter triplet_arguments[] = { { "margin", HONE__REAL, "1.0", SILENT },
                                                     { "p", HONE__REAL, "2.0", SILENT },
                                                     { "eps", HONE__REAL, "1e-06", SILENT },
                                                     { "swap", HONE__TRUTH, "False", SILENT },
                                                     REDUCTION,
                                                     { 0 } };
FORWARD(triplet_margin)
{
    return hone_triplet_margin_loss(in[0], in[1], in[2], self->at[0].number, self->at[1].number,
                                    self->at[2].number, self->at[3].truth, reduction_of(self, 4));
}
const hone__layer hone__layer_TripletMarginLoss =
    HONE__PLAIN("TripletMarginLoss", 3, triplet_margin, triplet_arguments);

/* ---- with weights, which are buffers */

typedef struct {
    hone__plain plain;
    hone_tensor *weight, *pos_weight; /* or NULL */
} weighted;

static const hone_field weighted_fields[] = { HONE_BUFFER(weighted, weight),
                                              HONE_BUFFER(weighted, pos_weight), HONE_FIELDS_END };

#define WEIGHTED(name, function, table, make)                                                      \
    HONE__MADE_OF(name, 2, function, table, make, weighted, weighted_fields)

static bool read_weight(const hone__argument *a, hone_dtype dtype, hone_tensor **to)
{
    if (a->none)
        return true;
    *to = hone_retain(hone__argument_tensor(a, dtype));
    return *to != NULL;
}

/* All tables begin with the weight, the reduction and the dtype. */
enum { WEIGHT, REDUCED, DTYPE, MORE };
#define WEIGHT_ARGUMENTS                                                                           \
    [WEIGHT] = { "weight", HONE__REALS, "None", .none = true, SILENT }, [REDUCED] = REDUCTION,     \
    [DTYPE] = HONE__DTYPE_ARGUMENT

static hone_module *weighted_new(const hone__layer *layer, const hone__argument *a,
                                 const hone__argument *pos_weight)
{
    weighted *l = (weighted *)hone__plain_new(layer, a);
    if (!l)
        return NULL;
    if (read_weight(&a[WEIGHT], a[DTYPE].dtype, &l->weight) &&
        (!pos_weight || read_weight(pos_weight, a[DTYPE].dtype, &l->pos_weight)))
        return &l->plain.base;
    hone_module_free(&l->plain.base);
    return NULL;
}

static hone_tensor *weight_of(const hone__plain *self)
{
    hone_tensor *weight = ((const weighted *)self)->weight;
    return weight ? weight : HONE_NONE;
}

static const hone__parameter weight_arguments[] = { WEIGHT_ARGUMENTS, { 0 } };
extern const hone__layer hone__layer_BCELoss, hone__layer_MultiLabelSoftMarginLoss,
    hone__layer_BCEWithLogitsLoss, hone__layer_NLLLoss, hone__layer_CrossEntropyLoss;

FORWARD(bce)
{
    return hone_binary_cross_entropy(in[0], in[1], weight_of(self), reduction_of(self, REDUCED));
}
static hone_module *make_bce(const hone__argument *a)
{
    return weighted_new(&hone__layer_BCELoss, a, NULL);
}
const hone__layer hone__layer_BCELoss = WEIGHTED("BCELoss", bce, weight_arguments, make_bce);

FORWARD(multilabel_soft_margin)
{
    return hone_multilabel_soft_margin_loss(in[0], in[1], weight_of(self),
                                            reduction_of(self, REDUCED));
}
static hone_module *make_multilabel_soft_margin(const hone__argument *a)
{
    return weighted_new(&hone__layer_MultiLabelSoftMarginLoss, a, NULL);
}
const hone__layer hone__layer_MultiLabelSoftMarginLoss =
    WEIGHTED("MultiLabelSoftMarginLoss", multilabel_soft_margin, weight_arguments,
             make_multilabel_soft_margin);

static const hone__parameter bce_logits_arguments[] = {
    WEIGHT_ARGUMENTS,
    [MORE] = { "pos_weight", HONE__REALS, "None", .named = true, .none = true, SILENT },
    { 0 }
};
FORWARD(bce_with_logits)
{
    hone_tensor *pos_weight = ((const weighted *)self)->pos_weight;
    return hone_binary_cross_entropy_with_logits(in[0], in[1], weight_of(self),
                                                 pos_weight ? pos_weight : HONE_NONE,
                                                 reduction_of(self, REDUCED));
}
static hone_module *make_bce_with_logits(const hone__argument *a)
{
    return weighted_new(&hone__layer_BCEWithLogitsLoss, a, &a[MORE]);
}
const hone__layer hone__layer_BCEWithLogitsLoss =
    WEIGHTED("BCEWithLogitsLoss", bce_with_logits, bce_logits_arguments, make_bce_with_logits);

/* ---- of classes */

enum { IGNORE = MORE, SMOOTHING };
static const hone__parameter nll_arguments[] = { WEIGHT_ARGUMENTS,
                                                 [IGNORE] = { "ignore_index", HONE__WHOLE, "-100",
                                                              .named = true, SILENT },
                                                 { 0 } };
FORWARD(nll)
{
    return hone_nll_loss(in[0], in[1], weight_of(self), self->at[IGNORE].at[0],
                         reduction_of(self, REDUCED));
}
static hone_module *make_nll(const hone__argument *a)
{
    return weighted_new(&hone__layer_NLLLoss, a, NULL);
}
const hone__layer hone__layer_NLLLoss = WEIGHTED("NLLLoss", nll, nll_arguments, make_nll);

static const hone__parameter ctc_arguments[] = {
    { "blank", HONE__WHOLE, "0", SILENT, .max = INFINITY },
    { "reduction", HONE__CHOICE, "'mean'", SILENT, .choices = hone__reduction_choices },
    { "zero_infinity", HONE__TRUTH, "False", SILENT },
    { 0 }
};
FORWARD(ctc)
{
    return hone_ctc_loss(in[0], in[1], in[2], in[3], self->at[0].at[0], reduction_of(self, 1),
                         self->at[2].truth);
}
const hone__layer hone__layer_CTCLoss = HONE__PLAIN("CTCLoss", 4, ctc, ctc_arguments);

static const hone__parameter cross_entropy_arguments[] = {
    WEIGHT_ARGUMENTS,
    [IGNORE] = { "ignore_index", HONE__WHOLE, "-100", .named = true, SILENT },
    [SMOOTHING] = { "label_smoothing", HONE__REAL, "0.0", .named = true, SILENT, .max = 1 },
    { 0 }
};

/* A target of classes [n], none of which is ignored: its first row says no. */
static bool ignores(const hone_tensor *target, int64_t index)
{
    for (int64_t i = 0; i < target->shape[0]; i++)
        if ((target->dtype == HONE_I32
                 ? ((const int32_t *)hone__data(target))[i * target->stride[0]]
                 : ((const int64_t *)hone__data(target))[i * target->stride[0]]) == index)
            return true;
    return false;
}

/* The plain one is an op of its own, in one pass. */
static bool is_plain(const hone__plain *self, hone_tensor *const *in)
{
    return !((const weighted *)self)->weight && self->at[SMOOTHING].number == 0 &&
           self->at[REDUCED].choice == HONE_REDUCE_MEAN && in[0]->ndim == 2 && in[1]->ndim == 1 &&
           (in[1]->dtype == HONE_I64 || in[1]->dtype == HONE_I32) &&
           !ignores(in[1], self->at[IGNORE].at[0]);
}
FORWARD(cross_entropy)
{
    if (is_plain(self, in))
        return hone_cross_entropy(in[0], in[1]);
    return hone_cross_entropy_loss(in[0], in[1], weight_of(self), self->at[IGNORE].at[0],
                                   self->at[SMOOTHING].number, reduction_of(self, REDUCED));
}
static hone_module *make_cross_entropy(const hone__argument *a)
{
    return weighted_new(&hone__layer_CrossEntropyLoss, a, NULL);
}
const hone__layer hone__layer_CrossEntropyLoss =
    WEIGHTED("CrossEntropyLoss", cross_entropy, cross_entropy_arguments, make_cross_entropy);

hone_module *hone_nn_cross_entropy(void)
{
    return hone__layer_make(&hone__layer_CrossEntropyLoss, "");
}
