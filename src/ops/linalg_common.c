/* linalg_common.c: checks and copies that the ops of matrices share. */
#include "ops/linalg.h"

#include <string.h>

bool hone__is_matrices(hone_context *ctx, const hone_tensor *x, bool square)
{
    const bool is_float = x->dtype == HONE_F32 || x->dtype == HONE_F64;
    if (!is_float)
        hone_error_set(HONE_E_DTYPE, "%s: f32 or f64 is wanted, got %s", hone__call_name(ctx),
                       hone__tensor_text(x).s);
    else if (x->ndim < 2)
        hone_error_set(HONE_E_SHAPE, "%s: at least 2 dims are wanted, got %s", hone__call_name(ctx),
                       hone__tensor_text(x).s);
    else if (square && x->shape[x->ndim - 1] != x->shape[x->ndim - 2])
        hone_error_set(HONE_E_SHAPE, "%s: square matrices are wanted, got %s", hone__call_name(ctx),
                       hone__tensor_text(x).s);
    else
        return true;
    return false;
}

int64_t hone__matrices(const hone_tensor *x)
{
    int64_t n = 1;
    for (int d = 0; d < x->ndim - 2; d++)
        n *= x->shape[d];
    return n;
}

hone_tensor *hone__working_copy(hone_tensor *x)
{
    return hone_clone(hone_to(x, HONE_F64));
}

bool hone__batch_shape(hone_context *ctx, const hone_tensor *a, const hone_tensor *b,
                       const hone_tensor *last, int64_t *shape)
{
    const int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int d = 0; d < ndim - 2; d++) {
        const int in_a = d - ndim + a->ndim, in_b = d - ndim + b->ndim;
        const int64_t of_a = in_a < 0 ? 1 : a->shape[in_a], of_b = in_b < 0 ? 1 : b->shape[in_b];
        if (of_a != of_b && of_a != 1 && of_b != 1) {
            hone_error_set(HONE_E_SHAPE, "%s: the leading dims of %s and %s can't be broadcast",
                           hone__call_name(ctx), hone__tensor_text(a).s, hone__tensor_text(b).s);
            return false;
        }
        shape[d] = of_a == 1 ? of_b : of_a;
    }
    memcpy(shape + ndim - 2, last->shape + last->ndim - 2, 2 * sizeof *shape);
    shape[ndim] = HONE_END_DIM;
    return true;
}

hone_tensor *hone__places_of_failure(const hone_tensor *x)
{
    return hone_zeros(HONE_I64, hone__matrices(x));
}

bool hone__all_succeeded(hone_context *ctx, hone_tensor *x, const hone_tensor *failures,
                         const char *wrong)
{
    const int64_t *at = hone__data(failures);
    for (int64_t i = 0; i < failures->numel; i++)
        if (at[i]) {
            hone_error_set(HONE_E_VALUE, "%s: matrix %lld of %s is %s %lld of %lld",
                           hone__call_name(ctx), (long long)i, hone__tensor_text(x).s, wrong,
                           (long long)at[i], (long long)x->shape[x->ndim - 1]);
            return false;
        }
    return true;
}
