/* shape.c: layers that move no data: Identity, Flatten and Unflatten. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/ops.h>

#include <math.h>

static hone_tensor *identity(const hone__plain *self, hone_tensor *const *in)
{
    (void)self;
    return in[0];
}

const hone__layer hone__layer_Identity = HONE__PLAIN("Identity", 1, identity, NULL);

hone_module *hone_nn_identity(void)
{
    return hone__layer_make(&hone__layer_Identity, "");
}

/* ---- Flatten */

enum { START, END };
static const hone__parameter flatten_arguments[] = { { "start_dim", HONE__WHOLE, "1" },
                                                     { "end_dim", HONE__WHOLE, "-1" },
                                                     { 0 } };

static hone_tensor *flatten(const hone__plain *self, hone_tensor *const *in)
{
    hone_tensor *x = in[0];
    const int start = hone__dim_index("Flatten", x, self->at[START].at[0]);
    const int end = start < 0 ? -1 : hone__dim_index("Flatten", x, self->at[END].at[0]);
    if (end < 0)
        return NULL;
    if (start > end) {
        hone_error_set(HONE_E_SHAPE, "Flatten: of %s start_dim is %d and end_dim %d",
                       hone__tensor_text(x).s, start, end);
        return NULL;
    }
    int64_t dims[HONE_MAX_DIMS + 1], joined = 1;
    int n = 0;
    for (int d = start; d <= end && d < x->ndim; d++)
        joined *= x->shape[d];
    for (int d = 0; d < start; d++)
        dims[n++] = x->shape[d];
    dims[n++] = joined;
    for (int d = end + 1; d < x->ndim; d++)
        dims[n++] = x->shape[d];
    dims[n] = HONE_END_DIM;
    return hone_reshape_v(x, dims);
}

const hone__layer hone__layer_Flatten = HONE__PLAIN("Flatten", 1, flatten, flatten_arguments);

hone_module *hone_nn_flatten(void)
{
    return hone__layer_make(&hone__layer_Flatten, "");
}

/* ---- Unflatten */

enum { DIM, SIZE };
static const hone__parameter unflatten_arguments[] = {
    { "dim", HONE__WHOLE, .min = -HONE_MAX_DIMS, .max = HONE_MAX_DIMS - 1 },
    { "unflattened_size", HONE__WHOLES, .min = -1, .max = INFINITY },
    { 0 }
};

/* One extent may be -1, which is what is left. */
static hone_tensor *unflatten(const hone__plain *self, hone_tensor *const *in)
{
    const hone_tensor *x = in[0];
    const hone__argument *into = &self->at[SIZE];
    const int dim = hone__dim_index("Unflatten", x, self->at[DIM].at[0]);
    if (dim < 0)
        return NULL;
    int64_t dims[2 * HONE_MAX_DIMS + 1], numbers = 1, open = -1;
    int n = 0;
    bool right = x->ndim > 0 && x->ndim - 1 + into->n <= HONE_MAX_DIMS;
    for (int d = 0; right && d < into->n; d++) {
        if (into->at[d] == -1 && open < 0)
            open = d;
        else
            right = into->at[d] >= 0 && !__builtin_mul_overflow(numbers, into->at[d], &numbers);
    }
    const int64_t extent = right ? x->shape[dim] : 0;
    right = right && (open < 0 ? numbers == extent : numbers > 0 && extent % numbers == 0);
    if (!right) {
        hone_error_set(HONE_E_SHAPE, "Unflatten: dim %d of %s doesn't make %s", dim,
                       hone__tensor_text(x).s, hone__shape_text(into->n, into->at).s);
        return NULL;
    }
    for (int d = 0; d < dim; d++)
        dims[n++] = x->shape[d];
    for (int d = 0; d < into->n; d++)
        dims[n++] = d == open ? extent / numbers : into->at[d];
    for (int d = dim + 1; d < x->ndim; d++)
        dims[n++] = x->shape[d];
    dims[n] = HONE_END_DIM;
    return hone_reshape_v(in[0], dims);
}

const hone__layer hone__layer_Unflatten =
    HONE__PLAIN("Unflatten", 1, unflatten, unflatten_arguments);

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
    char text[HONE_MAX_DIMS * 24 + 8];
    int used = hone__format(text, sizeof text, "1, (");
    for (int d = 0; d < into.ndim; d++)
        used += hone__format(text + used, sizeof text - (size_t)used, "%lld,",
                             (long long)into.shape[d]);
    hone__format(text + used, sizeof text - (size_t)used, ")");
    return hone__layer_make(&hone__layer_Unflatten, text);
}
