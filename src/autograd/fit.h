/* fit.h: a gradient made what its input wants: summed over what was broadcast, and from a view of a
 * leaf brought to the leaf. */
#ifndef HONE_AUTOGRAD_FIT_H
#define HONE_AUTOGRAD_FIT_H

#include "op/node.h"

/** The leaf that the edge's input is, or is a view of by ops that show its elements where they lie;
 * NULL: there is none. `captured` may stop at a node: true says that its output is asked for. */
hone_tensor *hone__leaf_of(const hone__edge *e,
                           bool (*captured)(const void *ctx, const hone_context *node),
                           const void *ctx);
/** A sum of that leaf's gradients as the input shows the leaf. *ok false: an error. NULL: it can't be
 * seen so. */
hone_tensor *hone__shown(const hone__edge *e, hone_tensor *sum, bool *ok);
/** A gradient of the input as one of that leaf. NULL: an error. */
hone_tensor *hone__brought_to_leaf(const hone__edge *e, hone_tensor *grad);

/** True if `grad` has the input's dtype and shape: there is nothing to sum, unless the input is a
 * leaf that is shared by samples. */
static inline bool hone__fits(const hone__edge *e, const hone_tensor *grad)
{
    bool fits = grad->ndim == e->shape.ndim && (hone_dtype)grad->dtype == e->dtype;
    for (int d = 0; fits && d < grad->ndim; d++)
        fits = grad->shape[d] == e->shape.shape[d];
    return fits;
}

/** Sums `grad` within samples over the dims in which input i was broadcast, and casts. *samples: dim
 * 0 is still to be summed, one chain an element, and what is left has the input's elements. NULL:
 * an error. */
hone_tensor *hone__sum_within(const hone_context *node, int i, hone_tensor *grad, bool *samples);
/** ... over the samples, beginning with +0. */
hone_tensor *hone__sum_over(const hone_context *node, int i, hone_tensor *grad);

#endif
