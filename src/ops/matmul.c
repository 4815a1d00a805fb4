/* matmul.c: the matrix product, and added to a tensor. */
#include "ops/elementwise.h"
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

/* Of two matrices: their gradients are dy b^T and a^T dy. */
static bool matrix_factors(hone_context *ctx, hone_tensor *dy, bool of_b, hone_tensor *factor[2])
{
    hone_tensor *other = transposed(hone_saved(ctx, of_b ? 0 : 1));
    factor[0] = of_b ? other : dy;
    factor[1] = of_b ? dy : other;
    return other;
}

static bool matmul_factors(hone_context *ctx, hone_tensor *dy, int input, hone_tensor *factor[2])
{
    return hone__input_shape(ctx, 0)->ndim == 2 && hone__input_shape(ctx, 1)->ndim == 2 &&
           matrix_factors(ctx, dy, input == 1, factor);
}

const hone__op hone__op_matmul = {
    .name = "matmul",
    .forward = matmul,
    .grad = { grad_a, grad_b },
    .factors = matmul_factors,
};

/* ---- addmm: input + a b */

static bool addmm_fits(const hone_tensor *input, const hone_tensor *a, const hone_tensor *b)
{
    if (a->ndim != 2 || b->ndim != 2) {
        hone_error_set(HONE_E_SHAPE, "addmm: a and b must be matrices, got %s x %s",
                       hone__tensor_text(a).s, hone__tensor_text(b).s);
        return false;
    }
    if (input->dtype != a->dtype) {
        hone_error_set(HONE_E_DTYPE, "addmm: input is %s, but the product is of %s",
                       hone__tensor_text(input).s, hone__tensor_text(a).s);
        return false;
    }
    return true;
}

/* Does input, a tensor of `ndim` dims, broadcast to the product's shape? */
static bool input_broadcasts(const hone_tensor *input, const hone__shape *to)
{
    bool fits = input->ndim <= to->ndim;
    for (int d = 1; fits && d <= input->ndim; d++) {
        const int64_t extent = input->shape[input->ndim - d];
        fits = extent == 1 || extent == to->shape[to->ndim - d];
    }
    if (!fits)
        hone_error_set(HONE_E_SHAPE, "addmm: input %s doesn't broadcast to the product's shape %s",
                       hone__tensor_text(input).s, hone__shape_text(to->ndim, to->shape).s);
    return fits;
}

/* The operand, or a copy of it if the result is written over its storage. */
static hone_tensor *apart(hone_tensor *operand, const hone_tensor *out)
{
    return operand->storage == out->storage ? hone_clone(operand) : operand;
}

static hone_tensor *addmm(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    hone_tensor *input = in[0], *a = in[1], *b = in[2];
    hone__product product;
    if (!addmm_fits(input, a, b) || !hone__product_of("addmm", a, b, &product) ||
        !input_broadcasts(input, &product.out) || !HONE__SAVE(ctx, a, b))
        return NULL;
    hone_tensor *out = hone__out(ctx, (hone_dtype)a->dtype, 2, product.out.shape);
    if (!out || (out != input && !hone__copy_elements(out, input)))
        return NULL;
    if (!(a = apart(a, out)) || !(b = apart(b, out)))
        return NULL;
    if ((a != in[1] || b != in[2]) && !hone__product_of("addmm", a, b, &product))
        return NULL;
    product.gemm.accumulate = 1;
    return hone__product_run(&product, out) ? out : NULL;
}

static bool addmm_factors(hone_context *ctx, hone_tensor *dy, int input, hone_tensor *factor[2])
{
    return input > 0 && matrix_factors(ctx, dy, input == 2, factor);
}

static hone_tensor *addmm_grad_input(hone_context *ctx, hone_tensor *dy, int input)
{
    (void)ctx, (void)input;
    return dy;
}

static hone_tensor *addmm_grad_factor(hone_context *ctx, hone_tensor *dy, int input)
{
    hone_tensor *factor[2];
    return addmm_factors(ctx, dy, input, factor) ? hone_matmul(factor[0], factor[1]) : NULL;
}

const hone__op hone__op_addmm = {
    .name = "addmm",
    .forward = addmm,
    .grad = { addmm_grad_input, addmm_grad_factor, addmm_grad_factor },
    .factors = addmm_factors,
};
