/* shape.c: layers that move no data: Identity and Unflatten. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/ops.h>

static hone_tensor *identity_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    return hone__takes_inputs(self, n_in, 1) ? in[0] : NULL;
}

static const hone_module_class identity_class = { .name = "Identity",
                                                  .size = sizeof(hone_module),
                                                  .forward = identity_forward };

hone_module *hone_nn_identity(void)
{
    return hone_module_new(&identity_class);
}

typedef struct {
    hone_module base;
    hone__shape into; /* of what was dim 1 */
} unflatten;

static hone_tensor *unflatten_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    const hone__shape *into = &((const unflatten *)self)->into;
    if (!hone__takes_inputs(self, n_in, 1))
        return NULL;
    const hone_tensor *x = in[0];
    int64_t dims[2 * HONE_MAX_DIMS + 1], numbers = 1;
    int n = 0;
    for (int d = 0; d < into->ndim; d++)
        numbers *= into->shape[d];
    if (x->ndim < 2 || x->shape[1] != numbers || x->ndim - 1 + into->ndim > HONE_MAX_DIMS) {
        hone_error_set(HONE_E_SHAPE, "Unflatten: dim 1 of %s doesn't make %s",
                       hone__tensor_text(x).s, hone__shape_text(into->ndim, into->shape).s);
        return NULL;
    }
    dims[n++] = x->shape[0];
    for (int d = 0; d < into->ndim; d++)
        dims[n++] = into->shape[d];
    for (int d = 2; d < x->ndim; d++)
        dims[n++] = x->shape[d];
    dims[n] = HONE_END_DIM;
    return hone_reshape_v(in[0], dims);
}

static int unflatten_print(const hone_module *self, char *text, size_t size)
{
    const hone__shape *into = &((const unflatten *)self)->into;
    char dims[HONE_MAX_DIMS * 24];
    int at = 0;
    for (int d = 0; d < into->ndim; d++)
        at += hone__format(dims + at, sizeof dims - (size_t)at, d ? ", %lld" : "%lld",
                           (long long)into->shape[d]);
    return hone__format(text, size, "dim=1, unflattened_size=(%s%s)", dims,
                        into->ndim == 1 ? "," : "");
}

static const hone_module_class unflatten_class = { .name = "Unflatten",
                                                   .size = sizeof(unflatten),
                                                   .forward = unflatten_forward,
                                                   .print = unflatten_print };

hone_module *hone_nn_unflatten_v(const int64_t *dims_then_end)
{
    hone__shape into;
    if (!hone__read_dims("nn_unflatten", dims_then_end, &into))
        return NULL;
    bool right = into.ndim > 0;
    int64_t numbers = 1;
    for (int d = 0; right && d < into.ndim; d++)
        right = into.shape[d] >= 1 && !__builtin_mul_overflow(numbers, into.shape[d], &numbers);
    if (!right) {
        hone_error_set(HONE_E_VALUE, "nn_unflatten: shape %s (extents of at least 1 are wanted)",
                       hone__shape_text(into.ndim, into.shape).s);
        return NULL;
    }
    unflatten *l = hone_module_new(&unflatten_class);
    if (!l)
        return NULL;
    l->into = into;
    return &l->base;
}
