/* sample_sums.c: see samples.h. */
#include "ops/samples.h"

#include "gemm/gemm.h"
#include "loops/elementwise.h"
#include "loops/product.h"

#include <hone/ops.h>

static hone__gemm_dtype gemm_dtype(const hone_tensor *t)
{
    return t->dtype == HONE_F32    ? HONE__GEMM_F32
           : t->dtype == HONE_BF16 ? HONE__GEMM_BF16
                                   : HONE__GEMM_F64;
}

/* A product with ones: fma(1, x, acc) is acc + x. */
static bool add_rows(hone_tensor *sum, const hone_tensor *x, int64_t row_stride)
{
    static const float one_f32 = 1;
    static const double one_f64 = 1;
    hone__gemm_args g = hone__gemm_contiguous(gemm_dtype(x), 1, sum->numel, x->shape[0]);
    g.a = x->dtype == HONE_F32 ? (const void *)&one_f32 : &one_f64;
    g.a_cs = 0;
    g.b = hone__data(x);
    g.b_rs = row_stride;
    g.c = hone__data(sum);
    g.accumulate = HONE__GEMM_BEGIN;
    return hone__gemm(&g) == 0;
}

/* Is each sample of x one run of elements? */
static bool rows_are_runs(const hone_tensor *x)
{
    int64_t step = 1;
    for (int d = x->ndim - 1; d > 0; d--) {
        if (x->shape[d] != 1 && x->stride[d] != step)
            return false;
        step *= x->shape[d];
    }
    return true;
}

bool hone__add_samples(hone_tensor *sum, hone_tensor *x)
{
    HONE_SCOPE(); /* of the copies */
    if (x->numel == 0)
        return true;
    hone_tensor *run = hone_contiguous(sum), *rows = rows_are_runs(x) ? x : hone_contiguous(x);
    if (!run || !rows || !add_rows(run, rows, rows->stride[0]))
        return false;
    hone__bump(sum);
    return run == sum || hone__copy_elements(sum, run);
}

/* ---- products */

/* All of `rows` positions: sum = x^T y. */
static hone__gemm_args product_of(hone_tensor *sum, const hone_tensor *x, const hone_tensor *y)
{
    const int64_t k = x->shape[x->ndim - 2];
    hone__gemm_args g =
        hone__gemm_contiguous(gemm_dtype(x), x->shape[x->ndim - 1], y->shape[y->ndim - 1], k);
    g.a = hone__data(x);
    g.a_rs = x->stride[x->ndim - 1];
    g.a_cs = x->stride[x->ndim - 2];
    g.b = hone__data(y);
    g.b_rs = y->stride[y->ndim - 2];
    g.b_cs = y->stride[y->ndim - 1];
    g.c = hone__data(sum);
    g.c_rs = sum->stride[0];
    g.c_cs = sum->stride[1];
    g.chain = 1;
    return g;
}

static bool run_each(hone_tensor *sum, const hone_tensor *x, const hone_tensor *y)
{
    const int64_t size = (int64_t)hone_dtype_size((hone_dtype)x->dtype);
    hone__gemm_args g = product_of(sum, x, y);
    g.accumulate = HONE__GEMM_AFTER;
    for (int64_t i = 0; i < x->shape[0]; i++) {
        if (hone__gemm_of(&g) != 0)
            return false;
        g.a = (const char *)g.a + x->stride[0] * size;
        g.b = (const char *)g.b + y->stride[0] * size;
    }
    return true;
}

bool hone__sum_sample_products(hone_tensor *sum, hone_tensor *x, hone_tensor *y,
                               hone__gemm_accumulate how)
{
    HONE_SCOPE(); /* of the copies */
    const int64_t m = x->shape[x->ndim - 1], n = y->shape[y->ndim - 1], samples = x->shape[0];
    const bool empty = x->numel == 0 || y->numel == 0;
    const int64_t positions = empty ? 0 : x->numel / m / samples;
    if (how == HONE__GEMM_OVERWRITE && (empty || positions >= HONE__MANY_POSITIONS))
        hone__fill_elements(sum, 0);
    else
        hone__bump(sum);
    if (empty)
        return true;
    if (positions < HONE__MANY_POSITIONS) {
        x = x->ndim == 2 ? x : hone_reshape(x, samples * positions, m);
        y = y->ndim == 2 ? y : hone_reshape(y, samples * positions, n);
        if (!x || !y)
            return false;
        hone__gemm_args g = product_of(sum, x, y);
        g.accumulate = how;
        g.positions = positions;
        return hone__gemm_of(&g) == 0;
    }
    x = x->ndim == 3 ? x : hone_reshape(x, samples, positions, m);
    y = y->ndim == 3 ? y : hone_reshape(y, samples, positions, n);
    if (how != HONE__GEMM_AFTER)
        return x && y && run_each(sum, x, y);
    hone_tensor *own = x && y ? hone_zeros((hone_dtype)sum->dtype, m, n) : NULL;
    return own && run_each(own, x, y) && hone_add_(sum, own);
}
