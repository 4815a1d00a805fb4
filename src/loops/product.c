/* product.c: shapes and strides of a matrix product. Operands are used where they lie. */
#include "loops/product.h"

#include "gemm/gemm.h"
#include "loops/integer_product.h"
#include "gemm/pairs.h"

static hone__gemm_dtype gemm_dtype(const hone_tensor *t)
{
    return t->dtype == HONE_F32    ? HONE__GEMM_F32
           : t->dtype == HONE_BF16 ? HONE__GEMM_BF16
                                   : HONE__GEMM_F64;
}

static bool dtypes_fit(const char *op, bool integers, const hone_tensor *a, const hone_tensor *b)
{
    const bool number =
        hone_dtype_is_float((hone_dtype)a->dtype) || (integers && a->dtype != HONE_BOOL);
    if (a->dtype == b->dtype && number)
        return true;
    hone_error_set(HONE_E_DTYPE, "%s: both operands must be %s, got %s x %s", op,
                   integers ? "numbers of one dtype" : "f32 or both f64", hone__tensor_text(a).s,
                   hone__tensor_text(b).s);
    return false;
}

static bool shapes_differ(const char *op, const char *what, const hone_tensor *a,
                          const hone_tensor *b)
{
    hone_error_set(HONE_E_SHAPE, "%s: %s: %s x %s", op, what, hone__shape_text(a->ndim, a->shape).s,
                   hone__shape_text(b->ndim, b->shape).s);
    return false;
}

/* The two innermost dims; a vector is a row on the left, a column on the right. */
static bool take_matrices(const char *op, const hone_tensor *a, const hone_tensor *b,
                          hone__gemm_args *g)
{
    const int64_t *as = a->shape + a->ndim - 1, *ad = a->stride + a->ndim - 1;
    const int64_t *bs = b->shape + b->ndim - 1, *bd = b->stride + b->ndim - 1;
    g->m = a->ndim > 1 ? as[-1] : 1;
    g->k = as[0];
    g->a_rs = a->ndim > 1 ? ad[-1] : g->k;
    g->a_cs = ad[0];
    g->n = b->ndim > 1 ? bs[0] : 1;
    g->b_rs = b->ndim > 1 ? bd[-1] : bd[0];
    g->b_cs = b->ndim > 1 ? bd[0] : 1;
    if ((b->ndim > 1 ? bs[-1] : bs[0]) != g->k)
        return shapes_differ(op, "inner dimensions differ", a, b);
    return true;
}

/* Extent and stride of batch dim d of n, counted as in the broadcast result. */
static int64_t batch_extent(const hone_tensor *t, int d, int n, int64_t *stride)
{
    const int own = t->ndim - 2 - (n - d); /* negative: t has no such dim */
    *stride = own >= 0 && t->shape[own] != 1 ? t->stride[own] : 0;
    return own >= 0 ? t->shape[own] : 1;
}

static bool take_batch(const char *op, const hone_tensor *a, const hone_tensor *b, hone__product *p)
{
    const int na = a->ndim > 2 ? a->ndim - 2 : 0, nb = b->ndim > 2 ? b->ndim - 2 : 0;
    const int n = na > nb ? na : nb;
    hone__gemm_args *g = &p->gemm;
    for (int d = 0; d < n; d++) {
        int64_t a_step, b_step;
        const int64_t ea = batch_extent(a, d, n, &a_step), eb = batch_extent(b, d, n, &b_step);
        if (ea != eb && ea != 1 && eb != 1)
            return shapes_differ(op, "batch dimensions don't broadcast", a, b);
        const int64_t extent = ea == 1 ? eb : ea;
        p->out.shape[p->out.ndim++] = extent;
        if (extent == 1)
            continue;
        g->batch[g->n_batch_dims] = extent;
        g->a_batch[g->n_batch_dims] = a_step;
        g->b_batch[g->n_batch_dims++] = b_step;
    }
    return true;
}

/* [.., m, k] x [k, n]: as far as strides allow, batch dims become rows of one product. */
static void fold_batch(hone__gemm_args *g)
{
    while (g->n_batch_dims > 0) {
        const int d = g->n_batch_dims - 1;
        const bool rows_go_on = g->m == 1 || g->a_batch[d] == g->m * g->a_rs;
        if (g->b_batch[d] != 0 || !rows_go_on)
            return;
        if (g->m == 1)
            g->a_rs = g->a_batch[d];
        g->m *= g->batch[d];
        g->n_batch_dims--;
    }
}

static bool take(const char *op, bool integers, const hone_tensor *a, const hone_tensor *b,
                 hone__product *out)
{
    hone__gemm_args *g = &out->gemm;
    *g = hone__gemm_contiguous(gemm_dtype(a), 0, 0, 0);
    out->out.ndim = 0;
    out->dtype = (hone_dtype)a->dtype;
    if (!dtypes_fit(op, integers, a, b))
        return false;
    if (a->ndim == 0 || b->ndim == 0)
        return shapes_differ(op, "needs at least one dim on both sides", a, b);
    if (!take_matrices(op, a, b, g) || !take_batch(op, a, b, out))
        return false;
    if (a->ndim > 1)
        out->out.shape[out->out.ndim++] = g->m;
    if (b->ndim > 1)
        out->out.shape[out->out.ndim++] = g->n;
    g->a = hone__data(a);
    g->b = hone__data(b);
    fold_batch(g);
    return true;
}

bool hone__product_of(const char *op, const hone_tensor *a, const hone_tensor *b,
                      hone__product *out)
{
    return take(op, false, a, b, out);
}

bool hone__number_product_of(const char *op, const hone_tensor *a, const hone_tensor *b,
                             hone__product *out)
{
    return take(op, true, a, b, out);
}

int hone__gemm_of(const hone__gemm_args *args)
{
    return args->dtype == HONE__GEMM_BF16 ? hone__gemm_pairs(args) : hone__gemm(args);
}

bool hone__product_run(hone__product *product, hone_tensor *out)
{
    hone__gemm_args *g = &product->gemm;
    if (out->numel == 0)
        return true;
    g->c = hone__data(out);
    g->narrow = out->dtype == HONE_BF16;
    const bool matrix = out->ndim == 2 && out->shape[0] == g->m && out->shape[1] == g->n;
    g->c_rs = matrix ? out->stride[0] : g->n;
    g->c_cs = matrix ? out->stride[1] : 1;
    int64_t step = g->m * g->n;
    for (int d = g->n_batch_dims - 1; d >= 0; d--) {
        g->c_batch[d] = step;
        step *= g->batch[d];
    }
    if (!hone_dtype_is_float(product->dtype)) {
        hone__integer_product(product->dtype, g);
        return true;
    }
    return hone__gemm_of(g) == 0;
}
