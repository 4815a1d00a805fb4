/* reduced.c: what all reductions share. */
#include "ops/reduced.h"

const hone__option hone__reduce_all_table[] = { { NULL } };
const hone__option hone__reduce_dim_table[] = { HONE__DIM, HONE__KEEPDIM, { NULL } };
const hone__option hone__reduce_dims_table[] = { HONE__KEEPDIM, HONE__DIMS, { NULL } };
const hone__option hone__var_table[] = { HONE__CORRECTION, { NULL } };
const hone__option hone__var_dim_table[] = { HONE__DIM, HONE__CORRECTION, HONE__KEEPDIM, { NULL } };
const hone__option hone__var_dims_table[] = {
    HONE__CORRECTION, HONE__KEEPDIM, HONE__DIMS, { NULL }
};

bool hone__mask_of_all(hone_context *ctx, const hone_tensor *x)
{
    hone__reduce_of(ctx)->keepdim = false;
    hone__reduce_of(ctx)->mask = (1u << x->ndim) - 1;
    return true;
}

bool hone__mask_of_dim(hone_context *ctx, const hone_tensor *x)
{
    hone__reduce_options *o = hone__reduce_of(ctx);
    o->dim = hone__dim_index(hone__call_name(ctx), x, o->dim);
    o->mask = x->ndim && o->dim >= 0 ? 1u << o->dim : 0;
    return o->dim >= 0;
}

bool hone__mask_of_dims(hone_context *ctx, const hone_tensor *x)
{
    hone__reduce_options *o = hone__reduce_of(ctx);
    uint32_t mask = o->dims.ndim == 0 ? (1u << x->ndim) - 1 : 0;
    for (int i = 0; i < o->dims.ndim; i++) {
        const int d = hone__dim_index(hone__call_name(ctx), x, o->dims.shape[i]);
        if (d < 0)
            return false;
        if (mask >> d & 1) {
            hone_error_set(HONE_E_SHAPE, "%s: dim %d is given twice", hone__call_name(ctx), d);
            return false;
        }
        mask |= 1u << d;
    }
    o->mask = x->ndim ? mask : 0;
    return true;
}

void hone__reduced_shape(int ndim, const int64_t *x, uint32_t mask, bool keepdim, hone__shape *out)
{
    int n = 0;
    for (int d = 0; d < ndim; d++) {
        if (!(mask >> d & 1))
            out->shape[n++] = x[d];
        else if (keepdim)
            out->shape[n++] = 1;
    }
    out->ndim = n;
}

int64_t hone__reduced_count(int ndim, const int64_t *x, uint32_t mask)
{
    int64_t n = 1;
    for (int d = 0; d < ndim; d++)
        n *= mask >> d & 1 ? x[d] : 1;
    return n;
}

hone_tensor *hone__reduced_out(hone_context *ctx, const hone_tensor *x, hone_dtype dtype)
{
    const hone__reduce_options *o = hone__reduce_of(ctx);
    hone__shape out;
    hone__reduced_shape(x->ndim, x->shape, o->mask, o->keepdim, &out);
    return hone__out(ctx, 0, dtype, out.ndim, out.shape);
}

bool hone__needs_float(hone_context *ctx, const hone_tensor *x)
{
    if (hone_dtype_is_float((hone_dtype)x->dtype))
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: needs f32 or f64, got %s; cast it with hone_to first",
                   hone__call_name(ctx), hone__tensor_text(x).s);
    return false;
}

int64_t hone__reduced_of_call(hone_context *ctx, const hone_tensor *x)
{
    return hone__reduced_count(x->ndim, x->shape, hone__reduce_of(ctx)->mask);
}

hone_tensor *hone__with_dims(hone_context *ctx, hone_tensor *t)
{
    if (hone__reduce_of(ctx)->keepdim)
        return t;
    const hone__shape *in = hone__input_shape(ctx, 0);
    hone__shape shape;
    hone__reduced_shape(in->ndim, in->shape, hone__reduce_of(ctx)->mask, true, &shape);
    int64_t room[HONE_MAX_DIMS + 1];
    return hone_reshape_v(t, hone__ended(&shape, room));
}

static int listed(uint32_t mask, int ndim, int64_t *dims)
{
    int n = 0;
    for (int d = 0; d < ndim; d++)
        if (mask >> d & 1)
            dims[n++] = d;
    dims[n] = HONE_END_DIM;
    return n;
}

int hone__reduced_list(hone_context *ctx, int64_t *dims)
{
    return listed(hone__reduce_of(ctx)->mask, hone__input_shape(ctx, 0)->ndim, dims);
}

int hone__masked_dims(hone_context *ctx, const hone_tensor *x, int64_t *dims)
{
    return listed(hone__reduce_of(ctx)->mask, x->ndim, dims);
}

hone_tensor *hone__call_over_dims(const hone__op *op, hone_tensor *x, hone__reduce_options options,
                                  const int64_t *dims_end)
{
    return hone__read_dims(op->name, dims_end, &options.dims) ? hone__call(op, IN(x), &options)
                                                              : NULL;
}
