/* common.c: what the ops' blocks share. */
#include "ops/common.h"

#include "core/layout.h"
#include "loops/elementwise.h"

const hone__option hone__dim_table[] = {
    HONE__OPTION(hone__dim_options, dim, HONE__OPT_INT, .required = true),
    { NULL },
};

const hone__option hone__number_table[] = {
    HONE__OPTION(hone__number_options, s, HONE__OPT_FLOAT, .required = true),
    { NULL },
};

int hone__take_dim(hone_context *ctx, const hone_tensor *x)
{
    hone__dim_options *options = hone__options(ctx);
    options->dim = hone__dim_index(hone__call_name(ctx), x, options->dim);
    return (int)options->dim;
}

hone__shape hone__shape_of(const hone_tensor *t)
{
    hone__shape shape = { .ndim = t->ndim };
    for (int d = 0; d < t->ndim; d++)
        shape.shape[d] = t->shape[d];
    return shape;
}

const int64_t *hone__ended(const hone__shape *shape, int64_t *room)
{
    for (int d = 0; d < shape->ndim; d++)
        room[d] = shape->shape[d];
    room[shape->ndim] = HONE_END_DIM;
    return room;
}

hone_tensor *hone__expanded_to(hone_tensor *t, hone_tensor *to)
{
    int64_t room[HONE_MAX_DIMS + 1];
    hone__shape shape;
    if (!t || !to || !hone__requires_grad(t) || hone__same_shape(t, to))
        return t;
    if (!hone__broadcast("expand", (hone_tensor *[]){ t, to }, 2, &shape))
        return NULL;
    return hone_expand_v(t, hone__ended(&shape, room));
}

hone_tensor *hone__as_float(hone_tensor *x)
{
    return hone_dtype_is_float((hone_dtype)x->dtype) ? x : hone_to(x, HONE_F32);
}

hone_tensor *hone__formula(int k, hone_tensor *x, double s, double t, double u)
{
    const double numbers[HONE__FORMULA_NUMBERS] = { s, t, u };
    hone_tensor *y =
        x ? hone__own(hone__new_along("formula", (hone_dtype)x->dtype, x->ndim, x->shape, &x, 1))
          : NULL;
    if (!y)
        return NULL;
    const hone__elementwise_kernel kernel = hone__formula_kernel(k, (hone_dtype)x->dtype, numbers);
    return hone__elementwise(&kernel, y, &(hone__operand){ .t = x }) ? y : NULL;
}

hone_values_indices hone__call_values_indices(const hone__op *op, hone_tensor *x,
                                              const void *options)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    if (hone__run(op, IN(x), options, HONE__INTO_FRESH, out) < 0)
        return (hone_values_indices){ NULL, NULL };
    return (hone_values_indices){ out[0], out[1] };
}
