/* leaf.c: tensors as leaves of the graph: requires_grad, .grad, detach. */
#include "autograd/node.h"

#include <string.h>

hone_tensor *hone_requires_grad_(hone_tensor *t, bool requires_grad)
{
    if (!hone__is_real(t)) {
        hone__error_null("requires_grad_");
        return NULL;
    }
    if (t->node) {
        if (requires_grad)
            return t;
        hone_error_set(HONE_E_STATE,
                       "requires_grad_: %s was computed from tensors that require a gradient; "
                       "detach it instead",
                       hone__tensor_text(t).s);
        return NULL;
    }
    if (requires_grad && !hone_dtype_is_float((hone_dtype)t->dtype)) {
        hone_error_set(HONE_E_DTYPE,
                       "requires_grad_: only f32 and f64 can require a gradient, got %s",
                       hone__tensor_text(t).s);
        return NULL;
    }
    t->requires_grad = requires_grad;
    return t;
}

bool hone_requires_grad(const hone_tensor *t)
{
    return hone__is_real(t) && (t->requires_grad || t->node);
}

bool hone_is_leaf(const hone_tensor *t)
{
    return hone__is_real(t) && !t->node;
}

hone_tensor *hone_grad(hone_tensor *t)
{
    if (!hone__is_real(t)) {
        hone__error_null("grad");
        return NULL;
    }
    return t->grad ? hone__own(hone_retain(t->grad)) : NULL;
}

hone_status hone_set_grad(hone_tensor *t, hone_tensor *grad)
{
    if (!hone__is_real(t) || !grad)
        return hone__error_null("set_grad");
    if (t == grad)
        return hone_error_set(HONE_E_VALUE, "set_grad: a tensor can't be its own gradient");
    if (t->node)
        return hone_error_set(HONE_E_STATE, "set_grad: %s is not a leaf", hone__tensor_text(t).s);
    if (grad != HONE_NONE && (grad->dtype != t->dtype || !hone__same_shape(grad, t)))
        return hone_error_set(HONE_E_SHAPE, "set_grad: the gradient %s doesn't fit the tensor %s",
                              hone__tensor_text(grad).s, hone__tensor_text(t).s);
    hone_tensor *old = t->grad;
    t->grad = grad == HONE_NONE ? NULL : hone_retain(grad);
    hone_release(old);
    return HONE_OK;
}

hone_tensor *hone_detach(hone_tensor *t)
{
    if (!hone__is_real(t)) {
        hone__error_null("detach");
        return NULL;
    }
    return hone__own(hone__alias(t, t->ndim, t->shape, t->stride, t->offset));
}
