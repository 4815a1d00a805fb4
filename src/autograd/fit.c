/* fit.c: see fit.h. */
#include "autograd/fit.h"

#include "loops/position_sums.h"
#include "ops/common.h"

#include <string.h>

/* ---- views of a leaf */

/* Beyond so many views one on the other a tensor counts as computed: they are followed by
 * recursion. */
enum { MOST_VIEWS = 8 };

static const hone__edge *below(const hone__edge *e)
{
    return &e->node->edges[0];
}

hone_tensor *hone__leaf_of(const hone__edge *e,
                           bool (*captured)(const void *ctx, const hone_context *node),
                           const void *ctx)
{
    for (int i = 0; !e->leaf && i < MOST_VIEWS; i++) {
        const hone_context *node = e->node;
        if (!node || node->freed || !node->outputs[e->out].shows || captured(ctx, node))
            return NULL;
        e = below(e);
    }
    return e->leaf;
}

hone_tensor *hone__shown(const hone__edge *e, hone_tensor *sum, bool *ok)
{
    if (e->leaf)
        return sum;
    hone_tensor *base = hone__shown(below(e), sum, ok);
    hone_tensor *view = base ? hone__call(e->node->op, &base, 1, e->node->options) : NULL;
    *ok = *ok && (view || !base);
    return view && view->storage == sum->storage ? view : NULL;
}

hone_tensor *hone__brought_to_leaf(const hone__edge *e, hone_tensor *grad)
{
    for (; grad && !e->leaf; e = below(e)) {
        hone_tensor *dx[1] = { NULL };
        e->node->edges[0].wanted = true;
        e->node->op->backward(e->node, &grad, dx);
        grad = dx[0];
    }
    return grad;
}

/* ---- broadcasting */

static hone_tensor *does_not_fit(const hone_context *node, int i, const hone_tensor *grad)
{
    const hone__shape *to = &node->edges[i].shape;
    hone_error_set(HONE_E_SHAPE, "%s: the gradient %s of input %d doesn't fit the input %s",
                   hone__call_name(node), hone__tensor_text(grad).s, i,
                   hone__shape_text(to->ndim, to->shape).s);
    return NULL;
}

/* The dims but the first in which `grad` was broadcast from `to`, and if the first was. False: it
 * was not broadcast from there. */
static bool find_dims(const hone_tensor *grad, const hone__shape *to, int64_t *dims, bool *first)
{
    const int lead = grad->ndim - to->ndim;
    *first = false;
    for (int d = 0; d < grad->ndim; d++) {
        const int64_t want = d < lead ? 1 : to->shape[d - lead];
        const bool summed = d < lead || (want == 1 && grad->shape[d] != 1);
        if (summed && d == 0)
            *first = true;
        else if (summed)
            *dims++ = d;
        else if (grad->shape[d] != want)
            return false;
    }
    *dims = HONE_END_DIM;
    return lead >= 0;
}

/* With one sample a leaf [1, ..] looks as if it had not been broadcast. */
static bool is_one_sample(const hone__edge *e, const hone_tensor *grad)
{
    return e->into && grad->ndim > 1 && grad->ndim == e->shape.ndim && grad->shape[0] == 1;
}

hone_tensor *hone__sum_within(const hone_context *node, int i, hone_tensor *grad, bool *samples)
{
    const hone__edge *e = &node->edges[i];
    int64_t dims[HONE_MAX_DIMS + 1], shape[HONE_MAX_DIMS + 2];
    const bool lead = grad->ndim > e->shape.ndim;
    if (!find_dims(grad, &e->shape, dims, samples))
        return does_not_fit(node, i, grad);
    *samples = *samples || is_one_sample(e, grad);
    const bool within = dims[0] != HONE_END_DIM;
    /* of 16 bits for an input of f32: the sums are f32's, too */
    const bool widens = hone__is_half((hone_dtype)grad->dtype) && e->dtype == HONE_F32;
    if (widens && within && hone__sums_positions(grad, dims)) {
        grad = hone__call(&hone__op_sum_positions, IN(grad), NULL);
    } else {
        grad = widens ? hone_to(grad, HONE_F32) : grad;
        grad = grad && within ? hone_sum_dims_v(grad, true, dims) : grad;
    }
    if (grad && *samples) { /* an own dim of the input for them, of extent 1, gives way */
        hone__ended(&e->shape, shape + lead);
        shape[0] = grad->shape[0];
        grad = hone_reshape_v(grad, shape);
    } else if (grad && within) {
        grad = hone_reshape_v(grad, hone__ended(&e->shape, shape));
    }
    return grad && (hone_dtype)grad->dtype != e->dtype ? hone_to(grad, e->dtype) : grad;
}

hone_tensor *hone__sum_over(const hone_context *node, int i, hone_tensor *grad)
{
    int64_t shape[HONE_MAX_DIMS + 1];
    const hone__shape *to = &node->edges[i].shape;
    grad = hone__call(&hone__op_sum_samples, IN(grad), NULL);
    return grad && grad->ndim != to->ndim ? hone_reshape_v(grad, hone__ended(to, shape)) : grad;
}
