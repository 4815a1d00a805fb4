/* cat.c: tensors one behind the other along a dim that they have; parts of the result are filled by
 * copies, and the gradients are slices. */
#include "loops/elementwise.h"
#include "ops/common.h"
#include "ops/move.h"

/* PyTorch's old empty tensor, which fits to all others and adds nothing but its dtype. */
static bool is_nothing(int ndim, const int64_t *shape)
{
    return ndim == 1 && shape[0] == 0;
}

/* Result shape and dtype; false + error if the tensors don't fit together. */
static bool joined_shape(hone_context *ctx, hone_tensor *const *in, int n_in, hone__shape *shape,
                         hone_dtype *dtype)
{
    hone__dim_options *options = hone__options(ctx);
    if (n_in == 0) {
        hone_error_set(HONE_E_SHAPE, "cat: needs at least one tensor");
        return false;
    }
    int first = 0;
    while (first < n_in - 1 && is_nothing(in[first]->ndim, in[first]->shape))
        first++;
    options->dim = hone__real_dim("cat", in[first], options->dim);
    const int dim = (int)options->dim;
    if (dim < 0)
        return false;
    *shape = hone__shape_of(in[first]);
    *dtype = (hone_dtype)in[first]->dtype;
    for (int i = 0; i < n_in; i++) {
        *dtype = hone_promote(*dtype, (hone_dtype)in[i]->dtype);
        if (i == first || is_nothing(in[i]->ndim, in[i]->shape))
            continue;
        bool fits = in[i]->ndim == shape->ndim;
        for (int d = 0; fits && d < shape->ndim; d++)
            fits = d == dim || in[i]->shape[d] == shape->shape[d];
        if (!fits) {
            hone_error_set(HONE_E_SHAPE,
                           "cat: tensor %d is %s, tensor %d is %s; all but dim %d must be equal", i,
                           hone__tensor_text(in[i]).s, first, hone__tensor_text(in[first]).s, dim);
            return false;
        }
        int64_t *joined = &shape->shape[dim];
        if (__builtin_add_overflow(*joined, in[i]->shape[dim], joined)) {
            hone_error_set(HONE_E_SHAPE, "cat: dim %d has more elements than an int64 can count",
                           dim);
            return false;
        }
    }
    return true;
}

static bool cat_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    hone__shape shape;
    hone_dtype dtype;
    if (!joined_shape(ctx, in, n_in, &shape, &dtype))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, dtype, shape.ndim, shape.shape);
    const int dim = hone__dim_of(ctx);
    int64_t start = 0;
    for (int i = 0; y && i < n_in; i++) {
        if (is_nothing(in[i]->ndim, in[i]->shape))
            continue;
        hone_tensor *part = hone__sliced(y, dim, start, in[i]->shape[dim], 1);
        if (!part || !hone__copy_elements(part, in[i]))
            return false;
        start += in[i]->shape[dim];
    }
    return y;
}

static void cat_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const int dim = hone__dim_of(ctx), n = hone__input_count(ctx);
    int64_t start = 0;
    for (int i = 0; i < n; i++) {
        const hone__shape *own = hone__input_shape(ctx, i);
        const bool nothing = is_nothing(own->ndim, own->shape);
        const int64_t end = start + (nothing ? 0 : own->shape[dim]);
        if (hone_needs_input_grad(ctx, i))
            dx[i] = nothing ? hone_reshape(hone_slice(dy[0], dim, 0, 0, 1), 0)
                            : hone_slice(dy[0], dim, start, end, 1);
        start = end;
    }
}

static const hone__option cat_table[] = {
    HONE__OPTION(hone__dim_options, dim, HONE__OPT_INT),
    { NULL },
};

const hone__op hone__op_cat = {
    .name = "cat",
    .forward = cat_forward,
    .backward = cat_backward,
    .in = { { "tensors", HONE__LIST } },
    .options = cat_table,
    .options_bytes = sizeof(hone__dim_options),
};

hone_tensor *hone_cat(hone_tensor_list list, int dim)
{
    hone_tensor *const missing[] = { NULL };
    return hone__call(&hone__op_cat, list.at ? list.at : missing, list.at ? list.n : 1,
                      &(hone__dim_options){ dim });
}
