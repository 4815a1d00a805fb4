/* samples.c: the sums over samples that gradients of parameters are, as ops of their own, and the
 * products that gradients are, which have one chain an element whatever the shape (contract 7). */
#include "ops/common.h"

#include "loops/elementwise.h"
#include "loops/position_sums.h"
#include "loops/product.h"
#include "op/shards.h"
#include "ops/samples.h"

/* ---- sum_samples: over dim 0 */

static bool sum_samples_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0];
    out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, x->ndim - 1, x->shape + 1);
    if (!out[0])
        return false;
    if (x->shape[0] == 1) { /* 0 + it, in one pass */
        const hone__elementwise_kernel add = hone__binary_kernel(HONE__K_ADD, (hone_dtype)x->dtype);
        x = hone__own(hone__alias(x, x->ndim - 1, x->shape + 1, x->stride + 1, x->offset));
        return x &&
               hone__elementwise(&add, out[0], (hone__operand[]){ { .t = x }, { .number = 0 } });
    }
    hone__fill_elements(out[0], 0);
    return hone__add_samples(out[0], x);
}

static void sum_samples_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    int64_t room[HONE_MAX_DIMS + 1];
    dx[0] = hone_expand_v(u[0], hone__ended(hone__input_shape(ctx, 0), room));
}

const hone__op hone__op_sum_samples = {
    .name = "sum_samples",
    .forward = sum_samples_forward,
    .backward = sum_samples_backward,
    .in = { { "x" } },
    .forms = HONE__PRIVATE,
};

/* ---- sum_positions: over all dims but the first and the last, of bf16, in f32 */

static bool sum_positions_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                  hone_tensor **out)
{
    (void)n_in;
    const hone_tensor *x = in[0];
    out[0] = hone__out(ctx, 0, HONE_F32, 2, (int64_t[]){ x->shape[0], x->shape[x->ndim - 1] });
    return out[0] && hone__sum_positions(x, hone__data(out[0]));
}

static void sum_positions_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    const hone__shape *to = hone__input_shape(ctx, 0);
    hone__shape shape = *to;
    int64_t room[HONE_MAX_DIMS + 1];
    for (int d = 1; d < to->ndim - 1; d++)
        shape.shape[d] = 1;
    hone_tensor *own = hone_to(hone_reshape_v(u[0], hone__ended(&shape, room)), HONE_BF16);
    dx[0] = own ? hone_expand_v(own, hone__ended(to, room)) : NULL;
}

const hone__op hone__op_sum_positions = {
    .name = "sum_positions",
    .forward = sum_positions_forward,
    .backward = sum_positions_backward,
    .in = { { "x" } },
    .forms = HONE__PRIVATE,
};

/* ---- sample_product: x^T y over all samples and positions */

static bool sample_product_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                   hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = in[0], *y = in[1];
    const int64_t shape[] = { x->shape[x->ndim - 1], y->shape[y->ndim - 1] };
    if (!HONE__SAVE(ctx, x, y))
        return false;
    const bool half = hone__is_half((hone_dtype)x->dtype); /* the sums of bf16 are f32 */
    out[0] = hone__out(ctx, 0, half ? HONE_F32 : (hone_dtype)x->dtype, 2, shape);
    return out[0] && hone__sum_sample_products(out[0], x, y, HONE__GEMM_OVERWRITE);
}

static void sample_product_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    hone_tensor *x = hone_saved(ctx, 0), *own = x ? hone_to(u[0], (hone_dtype)x->dtype) : NULL;
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone__chain_matmul(hone_saved(ctx, 1), hone_transpose(own, 0, 1), false);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = hone__chain_matmul(x, own, false);
}

static void cost(const hone__cost_call *call, hone__cost *c)
{
    c->madds = hone__cost_numel(call->in[0]) * hone__cost_extent(call->out, 1);
    c->back[0] = c->back[1] = c->madds;
}

/* x [samples, .., m], y [samples, .., n] -> [m, n]. */
const hone__op hone__op_sample_product = {
    .name = "sample_product",
    .forward = sample_product_forward,
    .backward = sample_product_backward,
    .in = { { "x" }, { "y" } },
    .forms = HONE__PRIVATE,
    .cost = cost,
};

/* ---- where gradients go */

/* `sum` as the matrix [m, n]; NULL: it doesn't lie so that it could be. */
static hone_tensor *as_matrix(hone_tensor *sum, int64_t m, int64_t n)
{
    if (!sum || (sum->ndim == 2 && sum->shape[0] == m && sum->shape[1] == n))
        return sum;
    return hone__contiguous(sum) ? hone_reshape(sum, m, n) : NULL;
}

static hone__gemm_accumulate way_to(const hone_context *ctx, int i)
{
    return hone__begins_with(ctx, i) ? HONE__GEMM_BEGIN : HONE__GEMM_AFTER;
}

static void run_into(hone_tensor *sum, hone_tensor *a, hone_tensor *b, hone__gemm_accumulate how)
{
    hone__product product;
    if (!a || !hone__product_of("matmul", a, b, &product))
        return;
    product.gemm.chain = 1;
    product.gemm.accumulate = how;
    hone__bump(sum);
    hone__product_run(&product, sum);
}

void hone__give_product(hone_context *ctx, int i, hone_tensor **dx, hone_tensor *a, hone_tensor *b)
{
    if (!a || !b)
        return;
    const int64_t k = a->shape[a->ndim - 1], rows = k ? a->numel / k : 0;
    hone_tensor *sum = k && b->ndim == 2 ? as_matrix(dx[i], rows, b->shape[1]) : NULL;
    if (sum)
        run_into(sum, a->ndim == 2 ? a : hone_reshape(a, rows, k), b, way_to(ctx, i));
    else
        dx[i] = hone__chain_matmul(a, b, hone__input_dtype(ctx, i) == HONE_F32);
}

/* For a shard's samples. */
typedef struct {
    hone_tensor *x, *y;
    int64_t first_row; /* of the product, where the sum is some rows of it; -1: all */
} factors;

static bool chain_product(void *user, hone_tensor *sum, bool fresh, int64_t first, int64_t n)
{
    const factors *f = user;
    hone_tensor *x = hone_slice(f->x, 0, first, first + n, 1);
    hone_tensor *y = hone_slice(f->y, 0, first, first + n, 1);
    if (x && f->first_row >= 0)
        x = hone_slice(x, -1, f->first_row, f->first_row + sum->shape[0], 1);
    sum = x && y ? as_matrix(sum, x->shape[x->ndim - 1], y->shape[y->ndim - 1]) : NULL;
    if (x && y && !sum)
        hone_error_set(HONE_E_STATE,
                       "backward: a view of a weight that is no matrix has no shards");
    return sum &&
           hone__sum_sample_products(sum, x, y, fresh ? HONE__GEMM_OVERWRITE : HONE__GEMM_BEGIN);
}

void hone__give_sample_product(hone_context *ctx, int i, hone_tensor **dx, hone_tensor *x,
                               hone_tensor *y)
{
    if (x && x->ndim == 1) { /* one sample */
        x = hone_unsqueeze(x, 0);
        y = hone_unsqueeze(y, 0);
    }
    if (!x || !y)
        return;
    if (hone__in_shards(ctx, i)) {
        factors f = { x, y, -1 };
        hone__shard_sums(ctx, i, x->shape[0], chain_product, &f, &f.first_row);
        return;
    }
    const int64_t m = x->shape[x->ndim - 1], n = y->shape[y->ndim - 1];
    hone_tensor *sum = as_matrix(dx[i], m, n);
    hone_tensor *own = !sum && dx[i] && hone__begins_with(ctx, i) ? hone_contiguous(dx[i]) : NULL;
    if (own) /* it lies so that it is no matrix */
        sum = as_matrix(own, m, n);
    if (sum)
        hone__sum_sample_products(sum, x, y, way_to(ctx, i));
    else
        dx[i] = hone__call(&hone__op_sample_product, IN(x, y), NULL);
    if (own)
        hone_copy_(dx[i], own);
}

/* A matrix that lies the other way in memory. */
static bool is_turned(const hone_tensor *w)
{
    return w->stride[0] == 1 && w->stride[1] == w->shape[0];
}

/* Has its gradient the product's dtype? Of bf16 it has if the input was f32. */
static bool sums_fit(const hone_context *ctx, int i, const hone_tensor *w)
{
    return w->dtype == HONE_BF16 ? hone__input_dtype(ctx, i) == HONE_F32 : w->dtype != HONE_F16;
}

void hone__give_matrix_product(hone_context *ctx, int i, hone_tensor **dx, const hone_tensor *w,
                               hone_tensor *x, hone_tensor *y)
{
    if (!x || !y)
        return;
    if (!w || !is_turned(w) || !sums_fit(ctx, i, w) || x->dtype != w->dtype ||
        y->dtype != w->dtype || x->ndim == 1 || dx[i] || hone_grad_enabled() ||
        hone__in_shards(ctx, i)) {
        hone__give_sample_product(ctx, i, dx, x, y);
        return;
    }
    const hone_dtype dtype = x->dtype == HONE_BF16 ? HONE_F32 : (hone_dtype)x->dtype;
    hone_tensor *sum = hone_empty(dtype, y->shape[y->ndim - 1], x->shape[x->ndim - 1]);
    hone_tensor *turned = sum ? hone_transpose(sum, 0, 1) : NULL;
    if (turned && hone__sum_sample_products(turned, x, y, HONE__GEMM_OVERWRITE))
        dx[i] = turned;
}

hone_tensor *hone__begun(const hone_context *ctx, int i, hone_tensor **dx)
{
    return dx[i] && hone__begins_with(ctx, i) ? dx[i] : NULL;
}
