/* matmul.c: the matrix product. */
#include "ops/op.h"
#include "ops/product.h"

static hone_tensor *matmul(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    hone__product product;
    if (!hone__product_of("matmul", in[0], in[1], &product) || !HONE__SAVE(ctx, in[0], in[1]))
        return NULL;
    hone_tensor *out =
        hone__out(ctx, (hone_dtype)in[0]->dtype, product.out.ndim, product.out.shape);
    return out && hone__product_run(&product, out) ? out : NULL;
}

static hone_tensor *transposed(hone_tensor *t)
{
    return hone_transpose(t, -2, -1);
}

/* dy b^T; outer products where one of the two is a vector. */
static hone_tensor *grad_a(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    hone_tensor *b = hone_saved(ctx, 1);
    const int na = hone__input_shape(ctx, 0)->ndim, nb = hone__input_shape(ctx, 1)->ndim;
    if (nb == 1)
        return hone_mul(na == 1 ? dy : hone_unsqueeze(dy, -1), b);
    if (na == 1)
        return hone_squeeze(hone_matmul(b, hone_unsqueeze(dy, -1)), -1);
    return hone_matmul(dy, transposed(b));
}

/* a^T dy, in one product over all rows of all batches where b has no batch dims. */
static hone_tensor *grad_b(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)input;
    hone_tensor *a = hone_saved(ctx, 0);
    const hone__shape *sa = hone__input_shape(ctx, 0), *sb = hone__input_shape(ctx, 1);
    if (sa->ndim == 1)
        return sb->ndim == 1 ? hone_mul(dy, a)
                             : hone_mul(hone_unsqueeze(a, -1), hone_unsqueeze(dy, -2));
    if (sb->ndim > 2 || (sb->ndim == 2 && sa->ndim == 2))
        return hone_matmul(transposed(a), dy);
    int64_t rows = 1;
    for (int d = 0; d < sa->ndim - 1; d++)
        rows *= sa->shape[d];
    hone_tensor *flat = hone_reshape(a, rows, sa->shape[sa->ndim - 1]);
    if (sb->ndim == 1)
        return hone_matmul(hone_reshape(dy, rows), flat);
    return hone_matmul(transposed(flat), hone_reshape(dy, rows, sb->shape[1]));
}

const hone__op hone__op_matmul = {
    .name = "matmul",
    .forward = matmul,
    .grad = { grad_a, grad_b },
};
