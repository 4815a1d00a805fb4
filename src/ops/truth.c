/* truth.c: any and all, over all, one or several dims. */
#include "isa/isa.h"
#include "loops/elementwise.h"
#include "loops/reduce_run.h"
#include "ops/reduced.h"

/* bool; of u8: u8, as in PyTorch. Of no elements: none is true, and all are. */
static hone_tensor *truth(hone_context *ctx, hone_tensor *x, int kind)
{
    hone_tensor *set = x->dtype == HONE_BOOL ? x : hone_ne_scalar(x, 0);
    hone_tensor *y =
        set ? hone__reduced_out(ctx, x, x->dtype == HONE_U8 ? HONE_U8 : HONE_BOOL) : NULL;
    if (!y)
        return NULL;
    if (hone__reduced_of_call(ctx, x) == 0) {
        hone__fill_elements(y, kind == HONE__K_MIN);
        return y;
    }
    return y->numel == 0 || hone__reduce(kind, set, hone__reduce_of(ctx)->mask, hone__data(y))
               ? y
               : NULL;
}

static hone_tensor *any_of(hone_context *ctx, hone_tensor *x)
{
    return truth(ctx, x, HONE__K_MAX);
}

static hone_tensor *all_of(hone_context *ctx, hone_tensor *x)
{
    return truth(ctx, x, HONE__K_MIN);
}

#define TRUTH(op)                                                                                  \
    HONE__REDUCTION(op, hone__mask_of_all, op##_of, hone__reduce_all_table, NULL,                  \
                    .why = "a truth value")                                                        \
    HONE__REDUCTION(op##_dim, hone__mask_of_dim, op##_of, hone__reduce_dim_table, NULL,            \
                    .why = "a truth value")                                                        \
    HONE__REDUCTION(op##_dims, hone__mask_of_dims, op##_of, hone__reduce_dims_table, NULL,         \
                    .why = "a truth value")                                                        \
    HONE__ALL(op)                                                                                  \
    HONE__BY_DIM(op##_dim)                                                                         \
    HONE__BY_DIMS(op##_dims)
TRUTH(any)
TRUTH(all)
