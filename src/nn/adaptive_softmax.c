/* adaptive_softmax.c: AdaptiveLogSoftmaxWithLoss: classes in the order of how often they come, of
 * which the first ones and the clusters of the rest are scored for every sample, those within a
 * cluster by fewer features and for its own samples alone: Grave et al., Efficient softmax
 * approximation for GPUs (2017). What a cluster scores are samples in their order, so that sums over
 * them don't know how the batch is cut. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/index.h>
#include <hone/net.h>
#include <hone/ops.h>
#include <hone/shapes.h>

#include <math.h>

#define NAME "AdaptiveLogSoftmaxWithLoss"

typedef struct {
    hone_module base;
    hone_module *head, *tail; /* a Linear, and a Sequential of two for each cluster */
    int clusters;
    int64_t begin[HONE_MAX_DIMS + 1]; /* of the clusters, then how many classes there are */
} adaptive;

static const hone_field fields[] = { HONE_CHILD(adaptive, head), HONE_CHILD(adaptive, tail),
                                     HONE_FIELDS_END };

/* log(softmax(module(x))) along the classes of [n, classes] */
static hone_tensor *scores(hone_module *module, hone_tensor *x)
{
    hone_tensor *y = module && x ? hone_forward(module, x) : NULL;
    return y ? hone_log_softmax(y, 1) : NULL;
}

/* NULL: no memory for the list. */
static hone_module *cluster(const adaptive *l, int i)
{
    const hone_module_list all = hone_children(l->tail);
    return all.at ? all.at[i].module : NULL;
}

/* One column of each row: index [n] -> [n]. */
static hone_tensor *at_columns(hone_tensor *x, hone_tensor *index)
{
    return hone_squeeze(hone_gather(x, 1, hone_unsqueeze(index, 1)), 1);
}

/* Cluster i's log-probabilities of its own targets, added to what their rows have. */
static hone_tensor *add_cluster(const adaptive *l, int i, hone_tensor *x, const hone_tensor *target,
                                hone_tensor *sum)
{
    const int64_t *at = hone__data(target), low = l->begin[i], high = l->begin[i + 1];
    int64_t n = 0;
    for (int64_t r = 0; r < target->numel; r++)
        n += at[r] >= low && at[r] < high;
    if (n == 0)
        return sum;
    hone_tensor *rows = hone_empty(HONE_I64, n), *within = hone_empty(HONE_I64, n);
    if (!rows || !within)
        return NULL;
    int64_t *row = hone__data(rows), *class = hone__data(within);
    for (int64_t r = 0; r < target->numel; r++)
        if (at[r] >= low && at[r] < high) {
            *row++ = r;
            *class ++ = at[r] - low;
        }
    hone_tensor *own = scores(cluster(l, i), hone_index_select(x, 0, rows));
    return hone_index_add(sum, 0, rows, at_columns(own, within), 1);
}

static hone_tensor *loss(const adaptive *l, hone_tensor *x, hone_tensor *target)
{
    hone_tensor *first = hone_empty(HONE_I64, target->numel); /* of the head: a class or cluster */
    if (!first)
        return NULL;
    const int64_t *at = hone__data(target);
    for (int64_t r = 0; r < target->numel; r++) {
        int i = 0;
        while (at[r] >= l->begin[i])
            i++;
        ((int64_t *)hone__data(first))[r] = i == 0 ? at[r] : l->begin[0] + i - 1;
    }
    hone_tensor *sum = at_columns(scores(l->head, x), first);
    for (int i = 0; sum && i < l->clusters; i++)
        sum = add_cluster(l, i, x, target, sum);
    return hone__reduced_losses(hone_neg(sum), HONE_REDUCE_MEAN);
}

/* Of all classes: [n, classes]. */
static hone_tensor *log_prob(const adaptive *l, hone_tensor *x)
{
    hone_tensor *head = scores(l->head, x), *parts[HONE_MAX_DIMS + 1];
    parts[0] = hone_slice(head, 1, 0, l->begin[0], 1);
    for (int i = 0; i < l->clusters; i++) {
        const int64_t at = l->begin[0] + i;
        parts[i + 1] = hone_add(scores(cluster(l, i), x), hone_slice(head, 1, at, at + 1, 1));
    }
    return hone_cat((hone_tensor_list){ parts, l->clusters + 1 }, 1);
}

static hone_tensor *forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const adaptive *l = (const adaptive *)self;
    if (n_in != 1 && !hone__takes_inputs(self, n_in, 2))
        return NULL;
    hone_tensor *x = in[0], *target = NULL;
    const bool alone = x->ndim == 1;
    if ((!alone && x->ndim != 2) ||
        (n_in == 2 && (in[1]->ndim != x->ndim - 1 || (!alone && in[1]->numel != x->shape[0])))) {
        hone_error_set(HONE_E_SHAPE,
                       NAME ": wants [N, features] and a target [N], or [features] and [], got %s "
                            "and %s",
                       hone__tensor_text(x).s, n_in == 2 ? hone__tensor_text(in[1]).s : "none");
        return NULL;
    }
    if (n_in == 2 && !(target = hone__classes_in(NAME, in[1], 0, l->begin[l->clusters])))
        return NULL;
    x = alone ? hone_unsqueeze(x, 0) : x;
    if (!x || n_in == 2)
        return x ? loss(l, x, target) : NULL;
    return alone ? hone_squeeze(log_prob(l, x), 0) : log_prob(l, x);
}

static const hone_module_class adaptive_class = {
    .name = NAME, .size = sizeof(adaptive), .fields = fields, .forward = forward
};

enum { IN, CLASSES, CUTOFFS, DIVISOR, BIAS, DTYPE };
static const hone__parameter arguments[] = {
    [IN] = { "in_features", HONE__WHOLE, .min = 1, .max = INFINITY },
    [CLASSES] = { "n_classes", HONE__WHOLE, .min = 2, .max = INFINITY },
    [CUTOFFS] = { "cutoffs", HONE__WHOLES, .min = 1, .max = INFINITY },
    [DIVISOR] = { "div_value", HONE__REAL, "4.0" },
    [BIAS] = { "head_bias", HONE__TRUTH, "False" },
    [DTYPE] = HONE__DTYPE_ARGUMENT,
    { 0 }
};

static bool read_cutoffs(adaptive *l, const hone__argument *a)
{
    l->clusters = a[CUTOFFS].n;
    bool fits = l->clusters > 0 && a[DIVISOR].number > 0;
    for (int i = 0; i < l->clusters; i++)
        l->begin[i] = a[CUTOFFS].at[i];
    l->begin[l->clusters] = a[CLASSES].at[0];
    for (int i = 0; i < l->clusters; i++)
        fits = fits && l->begin[i] < l->begin[i + 1];
    if (!fits)
        hone_error_set(HONE_E_VALUE,
                       NAME ": wants cutoffs that go up and are below n_classes, and a div_value "
                            "above 0");
    return fits;
}

static hone_module *make(const hone__argument *a)
{
    adaptive *l = hone_module_new(&adaptive_class);
    if (!l)
        return NULL;
    if (!read_cutoffs(l, a)) {
        hone_module_free(&l->base);
        return NULL;
    }
    hone_nn_linear_options o = { .dtype = a[DTYPE].dtype, .torch_init = true };
    o.no_bias = !a[BIAS].truth;
    l->head = hone_nn_linear_with(a[IN].at[0], l->begin[0] + l->clusters, &o);
    o.no_bias = true;
    hone_module *all[HONE_MAX_DIMS];
    double divisor = 1;
    for (int i = 0; i < l->clusters; i++) {
        divisor *= a[DIVISOR].number;
        const double features = floor((double)a[IN].at[0] / divisor);
        const int64_t inner = features < (double)(1LL << 62) ? (int64_t)features : 1LL << 62;
        hone_module *down = l->head ? hone_nn_linear_with(a[IN].at[0], inner, &o) : NULL;
        all[i] = down ? hone_nn_sequential(
                            down, hone_nn_linear_with(inner, l->begin[i + 1] - l->begin[i], &o))
                      : NULL;
    }
    l->tail = hone_nn_module_list_n(all, l->clusters);
    if (l->head && l->tail)
        return &l->base;
    hone_module_free(&l->base);
    return NULL;
}

const hone__layer hone__layer_AdaptiveLogSoftmaxWithLoss = { NAME, arguments, make };
