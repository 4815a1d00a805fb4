/* nonzero.c: where a tensor is not 0. */
#include "ops/common.h"

static bool nonzero_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    hone_tensor *set = hone_contiguous(hone_ne_scalar(in[0], 0));
    if (!set)
        return false;
    const uint8_t *is_set = hone__data(set);
    int64_t shape[] = { 0, x->ndim };
    for (int64_t i = 0; i < x->numel; i++)
        shape[0] += is_set[i];
    hone_tensor *y = out[0] = hone__out(ctx, 0, HONE_I64, 2, shape);
    if (!y || y->numel == 0)
        return y;
    int64_t *row = hone__data(y);
    for (int64_t i = 0; i < x->numel; i++) {
        if (!is_set[i])
            continue;
        int64_t rest = i;
        for (int d = x->ndim - 1; d >= 0; rest /= x->shape[d--])
            row[d] = rest % x->shape[d];
        row += x->ndim;
    }
    return true;
}

const hone__op hone__op_nonzero = {
    .name = "nonzero", .forward = nonzero_forward, .in = { { "x" } }, .why = "an index"
};
HONE__ENTRY_X(nonzero)
