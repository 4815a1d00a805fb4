/* nonzero.c: where a tensor is not 0. */
#include "ops/common.h"

/* Those of the line at `at`: every element is written down, and what isn't meant is written over. */
static inline __attribute__((always_inline)) int64_t *places(int ndim, int64_t n,
                                                             const uint8_t *is_set,
                                                             const int64_t *at, int64_t *row,
                                                             const int64_t *end)
{
    for (int64_t i = 0; i < n && row < end; i++) {
        for (int d = 0; d + 1 < ndim; d++)
            row[d] = at[d];
        row[ndim - 1] = i;
        row += is_set[i] ? ndim : 0;
    }
    return row;
}

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
    const int64_t last = x->ndim ? x->shape[x->ndim - 1] : 1;
    int64_t *row = hone__data(y), *end = row + y->numel, at[HONE_MAX_DIMS] = { 0 };
    for (int64_t i = 0; row < end; i += last) {
        row = x->ndim == 2 ? places(2, last, is_set + i, at, row, end)
                           : places(x->ndim, last, is_set + i, at, row, end);
        for (int d = x->ndim - 2; d >= 0 && ++at[d] == x->shape[d]; d--)
            at[d] = 0;
    }
    return true;
}

const hone__op hone__op_nonzero = {
    .name = "nonzero", .forward = nonzero_forward, .in = { { "x" } }, .why = "an index"
};
HONE__ENTRY_X(nonzero)
