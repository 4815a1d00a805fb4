/* triplet.c: TripletMarginWithDistanceLoss. */
#include <hone/nn.h>
#include "core/core.h"
#include "core/reserve.h"
#include "nn/layer.h"

#include <hone/ops.h>

typedef struct {
    hone_module base;
    hone_module *distance_function; /* or NULL: */
    hone_distance_function *function;
    void *ctx;
    double margin;
    bool swap;
    hone_reduction reduction;
} triplet;

static const hone_field fields[] = { HONE_CHILD(triplet, distance_function), HONE_FIELDS_END };

static hone_tensor *distance(const triplet *t, hone_tensor *a, hone_tensor *b)
{
    return t->function ? t->function(t->ctx, a, b) : hone_forward(t->distance_function, a, b);
}

/* max(0, margin - (far - near)): margin_ranking_loss where far should be the larger. */
static hone_tensor *forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const triplet *t = (const triplet *)self;
    if (!hone__takes_inputs(self, n_in, 3))
        return NULL;
    hone_tensor *anchor = in[0], *positive = in[1], *negative = in[2];
    if (anchor && positive && negative &&
        (anchor->ndim != positive->ndim || anchor->ndim != negative->ndim)) {
        hone_error_set(HONE_E_SHAPE, "%s: wants three tensors of as many dims, got %s, %s and %s",
                       self->type->name, hone__tensor_text(anchor).s, hone__tensor_text(positive).s,
                       hone__tensor_text(negative).s);
        return NULL;
    }
    hone_tensor *near = distance(t, anchor, positive), *far = distance(t, anchor, negative);
    if (t->swap)
        far = hone_minimum(far, distance(t, positive, negative));
    if (!near || !far)
        return hone_sub(near, far); /* the error that there is, or E_NULL */
    return hone_margin_ranking_loss(far, near, hone_ones(hone_dtype_of(far)), t->margin,
                                    t->reduction);
}

static const hone_module_class triplet_class = { .name = "TripletMarginWithDistanceLoss",
                                                 .size = sizeof(triplet),
                                                 .fields = fields,
                                                 .forward = forward };

static bool options_fit(const hone_nn_triplet_options *o, double margin)
{
    if (o->function && o->distance)
        hone_error_set(HONE_E_VALUE, "%s: both a function and a module are its distance",
                       triplet_class.name);
    else if (!(margin > 0))
        hone_error_set(HONE_E_VALUE, "%s: margin %g, more than 0 is wanted", triplet_class.name,
                       margin);
    else if (o->reduction < HONE_REDUCE_MEAN || o->reduction > HONE_REDUCE_NONE)
        hone_error_set(HONE_E_VALUE, "%s: reduction %d", triplet_class.name, (int)o->reduction);
    else
        return true;
    return false;
}

hone_module *hone_nn_triplet_margin_with_distance(const hone_nn_triplet_options *options)
{
    const hone_nn_triplet_options o = options ? *options : (hone_nn_triplet_options){ 0 };
    const double margin = o.margin == 0 ? 1 : o.margin;
    triplet *t = NULL;
    if (HONE__KNOWS_OPTIONS(triplet_class.name, options) && options_fit(&o, margin))
        t = hone_module_new(&triplet_class);
    if (!t) {
        hone_module_free(o.distance);
        return NULL;
    }
    t->distance_function =
        o.distance || o.function ? o.distance : hone_nn_layer("PairwiseDistance", NULL);
    t->function = o.function;
    t->ctx = o.ctx;
    t->margin = margin;
    t->swap = o.swap;
    t->reduction = o.reduction;
    if (!t->distance_function && !t->function) {
        hone_module_free(&t->base);
        return NULL;
    }
    return &t->base;
}
