/* matmul.c: the matrix product, and added to a tensor. */
#include "loops/elementwise.h"
#include "loops/product.h"
#include "ops/common.h"

static bool run(hone_context *ctx, hone_tensor *const *in, bool chain, bool wide, hone_tensor **out)
{
    hone__product product;
    if (!hone__number_product_of("matmul", in[0], in[1], &product) ||
        !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    const hone_dtype dtype = (hone_dtype)in[0]->dtype,
                     to = wide && dtype == HONE_BF16 ? HONE_F32 : dtype;
    product.gemm.chain = chain;
    out[0] = hone__out(ctx, 0, to, product.out.ndim, product.out.shape);
    return out[0] && hone__product_run(&product, out[0]);
}

static bool matmul_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    return run(ctx, in, false, false, out);
}

static bool chain_matmul_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    (void)n_in;
    return run(ctx, in, true, ((const hone__chain_options *)hone__options(ctx))->wide, out);
}

static hone_tensor *transposed(hone_tensor *t)
{
    return hone_transpose(t, -2, -1);
}

/* The gradient of input i, of its dtype. */
static hone_tensor *product(const hone_context *ctx, int i, hone_tensor *a, hone_tensor *b)
{
    return hone__chain_matmul(a, b, hone__input_dtype(ctx, i) == HONE_F32);
}

hone_tensor *hone__chain_matmul(hone_tensor *a, hone_tensor *b, bool wide)
{
    return hone__call(&hone__op_chain_matmul, IN(a, b), &(hone__chain_options){ wide });
}

/* dy b^T; outer products where one of the two is a vector. */
static void grad_a(hone_context *ctx, hone_tensor *dy, hone_tensor **dx)
{
    hone_tensor *b = hone_saved(ctx, 1);
    const int na = hone__input_shape(ctx, 0)->ndim, nb = hone__input_shape(ctx, 1)->ndim;
    if (nb == 1)
        dx[0] = hone_mul(na == 1 ? dy : hone_unsqueeze(dy, -1), b);
    else if (na == 1)
        dx[0] = hone_squeeze(product(ctx, 0, b, hone_unsqueeze(dy, -1)), -1);
    else
        hone__give_product(ctx, 0, dx, dy, transposed(b));
}

/* a^T dy: a sum over all samples and their positions where b has no batch dims; with them each
 * sample has a product of its own, and the engine sums over what was broadcast. */
static void grad_b(hone_context *ctx, hone_tensor *dy, hone_tensor **dx)
{
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 1);
    const int na = hone__input_shape(ctx, 0)->ndim, nb = hone__input_shape(ctx, 1)->ndim;
    if (na == 1)
        dx[1] = nb == 1 ? hone_mul(dy, a) : hone_mul(hone_unsqueeze(a, -1), hone_unsqueeze(dy, -2));
    else if (nb > 2)
        dx[1] = product(ctx, 1, transposed(a), dy);
    else if (nb == 2)
        hone__give_matrix_product(ctx, 1, dx, b, a, dy);
    else {
        hone__give_sample_product(ctx, 1, dx, a, hone_unsqueeze(dy, -1));
        dx[1] = dx[1] && dx[1]->ndim == 2 ? hone_squeeze(dx[1], -1) : dx[1];
    }
}

static void matmul_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *b = hone_saved(ctx, 1); /* a wide result's gradient is f32 */
    hone_tensor *own = b ? hone_to(dy[0], (hone_dtype)b->dtype) : NULL;
    if (own && hone_needs_input_grad(ctx, 0))
        grad_a(ctx, own, dx);
    if (own && hone_needs_input_grad(ctx, 1))
        grad_b(ctx, own, dx);
}

static void cost(const hone__cost_call *call, hone__cost *c)
{
    hone__cost_of_product(call, c, 0, 1);
}

static const hone__option chain_table[] = {
    HONE__OPTION(hone__chain_options, wide, HONE__OPT_BOOL),
    { NULL },
};

/* A gradient's product, without the rule of few columns. */
const hone__op hone__op_chain_matmul = {
    .name = "chain_matmul",
    .forward = chain_matmul_forward,
    .backward = matmul_backward,
    .in = { { "a" }, { "b" } },
    .options = chain_table,
    .options_bytes = sizeof(hone__chain_options),
    .adds = true,
    .anywhere = true,
    .forms = HONE__PRIVATE,
    .cost = cost,
};

const hone__op hone__op_matmul = {
    .name = "matmul",
    .forward = matmul_forward,
    .backward = matmul_backward,
    .in = { { "a" }, { "b" } },
    .adds = true,
    .anywhere = true,
    .cost = cost,
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
    if (!addmm_fits(input, a, b) || !hone__number_product_of("addmm", a, b, &product) ||
        !input_broadcasts(input, &product.out) || !HONE__SAVE(ctx, a, b))
        return false;
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)a->dtype, 2, product.out.shape);
    if (!y || (y != input && !hone__copy_elements(y, input)))
        return false;
    if (!(a = apart(a, y)) || !(b = apart(b, y)))
        return false;
    if ((a != in[1] || b != in[2]) && !hone__number_product_of("addmm", a, b, &product))
        return false;
    product.gemm.accumulate = HONE__GEMM_BEGIN;
    return hone__product_run(&product, y);
}

static void addmm_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    dx[0] = dy[0];
    if (hone_needs_input_grad(ctx, 1))
        hone__give_product(ctx, 1, dx, dy[0], transposed(hone_saved(ctx, 1)));
    if (hone_needs_input_grad(ctx, 2))
        hone__give_sample_product(ctx, 2, dx, hone_saved(ctx, 0), dy[0]);
}

static void addmm_cost(const hone__cost_call *call, hone__cost *c)
{
    hone__cost_of_product(call, c, 1, 2);
}

const hone__op hone__op_addmm = {
    .name = "addmm",
    .forward = addmm_forward,
    .backward = addmm_backward,
    .in = { { "input" }, { "a" }, { "b" } },
    .forms = HONE__BOTH,
    .adds = true,
    .anywhere = true,
    .cost = addmm_cost,
};
HONE__ENTRY_XXX(addmm, input, a, b)

hone_tensor *hone_addmm_(hone_tensor *input, hone_tensor *a, hone_tensor *b)
{
    return hone__call_(&hone__op_addmm, IN(input, a, b), NULL);
}
