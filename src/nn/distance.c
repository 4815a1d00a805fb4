/* distance.c: CosineSimilarity and PairwiseDistance. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/ops.h>

#include <math.h>
#include <string.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)

static const hone__parameter cosine_arguments[] = {
    { "dim", HONE__WHOLE, "1", .min = -HONE_MAX_DIMS, .max = HONE_MAX_DIMS - 1,
      .shown = HONE__HIDDEN_ARGUMENT },
    { "eps", HONE__REAL, "1e-08", .max = INFINITY, .shown = HONE__HIDDEN_ARGUMENT },
    { 0 }
};

/* sqrt(x x), but at least eps. */
static hone_tensor *norm(hone_tensor *x, int dim, double eps)
{
    return hone_sqrt(hone_maximum_scalar(hone_sum_dim(hone_square(x), dim, false), eps * eps));
}

/* Norms are of the tensors as they are broadcast. */
static hone_tensor *expanded(hone_tensor *x, const hone_tensor *to)
{
    if (!to || hone__same_shape(x, to))
        return x;
    int64_t dims[HONE_MAX_DIMS + 1];
    memcpy(dims, to->shape, (size_t)to->ndim * sizeof *dims);
    dims[to->ndim] = HONE_END_DIM;
    return hone_expand_v(x, dims);
}

FORWARD(cosine_similarity)
{
    const int dim = (int)self->at[0].at[0];
    const double eps = self->at[1].number;
    hone_tensor *product = hone_mul(in[0], in[1]);
    hone_tensor *norms = hone_mul(norm(expanded(in[0], product), dim, eps),
                                  norm(expanded(in[1], product), dim, eps));
    return hone_div(hone_sum_dim(product, dim, false), norms);
}
const hone__layer hone__layer_CosineSimilarity =
    HONE__PLAIN("CosineSimilarity", 2, cosine_similarity, cosine_arguments);

#define SILENT .shown = HONE__HIDDEN_ARGUMENT
static const hone__parameter distance_arguments[] = { { "p", HONE__REAL, "2.0", SILENT },
                                                      { "eps", HONE__REAL, "1e-06", SILENT },
                                                      { "keepdim", HONE__TRUTH, "False", SILENT },
                                                      { 0 } };

/* The p-norm of x1 - x2 + eps along the last dim. */
FORWARD(pairwise_distance)
{
    const double p = self->at[0].number;
    const bool keepdim = self->at[2].truth;
    hone_tensor *d = hone_add_scalar(hone_sub(in[0], in[1]), self->at[1].number);
    if (p == 2)
        return hone_sqrt(hone_sum_dim(hone_square(d), -1, keepdim));
    hone_tensor *sum = hone_sum_dim(hone_pow_scalar(hone_abs(d), p), -1, keepdim);
    return hone_pow_scalar(sum, 1 / p);
}
static hone_module *make_pairwise_distance(const hone__argument *a);
const hone__layer hone__layer_PairwiseDistance = HONE__MADE_PLAIN(
    "PairwiseDistance", 2, pairwise_distance, distance_arguments, make_pairwise_distance);
static hone_module *make_pairwise_distance(const hone__argument *a)
{
    if (a[0].number > 0)
        return hone__plain_new(&hone__layer_PairwiseDistance, a);
    hone_error_set(HONE_E_VALUE, "PairwiseDistance: p is %g, but more than 0 is wanted",
                   a[0].number);
    return NULL;
}
