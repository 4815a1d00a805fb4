/* matmul.c: the matrix product, and added to a tensor. */
#include "loops/elementwise.h"
#include "loops/product.h"
#include "ops/common.h"

static bool matmul_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone__product product;
    if (!hone__product_of("matmul", in[0], in[1], &product) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    out[0] = hone__out(ctx, 0, (hone_dtype)in[0]->dtype, product.out.ndim, product.out.shape);
    return out[0] && hone__product_run(&product, out[0]);
}

static hone_tensor *transposed(hone_tensor *t)
{
    return hone_transpose(t, -2, -1);
}

/* dy b^T; outer products where one of the two is a vector. */
static hone_tensor *grad_a(hone_context *ctx, hone_tensor *dy)
{
    hone_tensor *b = hone_saved(ctx, 1);
    const int na = hone__input_shape(ctx, 0)->ndim, nb = hone__input_shape(ctx, 1)->ndim;
    if (nb == 1)
        return hone_mul(na == 1 ? dy : hone_unsqueeze(dy, -1), b);
    if (na == 1)
        return hone_squeeze(hone_matmul(b, hone_unsqueeze(dy, -1)), -1);
    return hone_matmul(dy, transposed(b));
}

/* a^T dy, in one product over all rows of all batches where b has no batch dims. */
static hone_tensor *grad_b(hone_context *ctx, hone_tensor *dy)
{
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

/* The gradients of two matrices, saved as 0 and 1, that are inputs i and i + 1: dy b^T and a^T dy. */
static void matrix_grads(hone_context *ctx, hone_tensor *dy, int i, hone_tensor **dx)
{
    if (hone_needs_input_grad(ctx, i)) {
        hone_tensor *bt = transposed(hone_saved(ctx, 1));
        if (!hone__add_product(dx[i], dy, bt))
            dx[i] = hone_matmul(dy, bt);
    }
    if (hone_needs_input_grad(ctx, i + 1)) {
        hone_tensor *at = transposed(hone_saved(ctx, 0));
        if (!hone__add_product(dx[i + 1], at, dy))
            dx[i + 1] = hone_matmul(at, dy);
    }
}

static void matmul_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    if (hone__input_shape(ctx, 0)->ndim == 2 && hone__input_shape(ctx, 1)->ndim == 2) {
        matrix_grads(ctx, dy[0], 0, dx);
        return;
    }
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = grad_a(ctx, dy[0]);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] = grad_b(ctx, dy[0]);
}

const hone__op hone__op_matmul = {
    .name = "matmul",
    .forward = matmul_forward,
    .backward = matmul_backward,
    .in = { { "a" }, { "b" } },
    .adds = true,
};
HONE__ENTRY_XX(matmul, a, b)

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

static bool addmm_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    hone_tensor *input = in[0], *a = in[1], *b = in[2];
    hone__product product;
    if (!addmm_fits(input, a, b) || !hone__product_of("addmm", a, b, &product) ||
        !input_broadcasts(input, &product.out) || !HONE__SAVE(ctx, a, b))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)a->dtype, 2, product.out.shape);
    if (!y || (y != input && !hone__copy_elements(y, input)))
        return false;
    if (!(a = apart(a, y)) || !(b = apart(b, y)))
        return false;
    if ((a != in[1] || b != in[2]) && !hone__product_of("addmm", a, b, &product))
        return false;
    product.gemm.accumulate = 1;
    return hone__product_run(&product, y);
}

static void addmm_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = dy[0];
    matrix_grads(ctx, dy[0], 1, dx);
}

const hone__op hone__op_addmm = {
    .name = "addmm",
    .forward = addmm_forward,
    .backward = addmm_backward,
    .in = { { "input" }, { "a" }, { "b" } },
    .forms = HONE__BOTH,
    .adds = true,
};
HONE__ENTRY_XXX(addmm, input, a, b)

hone_tensor *hone_addmm_(hone_tensor *input, hone_tensor *a, hone_tensor *b)
{
    return hone__call_(&hone__op_addmm, IN(input, a, b), NULL);
}
