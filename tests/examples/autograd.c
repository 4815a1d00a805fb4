/* Gradients of a tensor program, differentiable functions of one's own, and the check of their
 * gradients. Prints "ok" and exits with 0 if all is as it should be. */
#include <hone/hone.h>
#include <stdio.h>

#define EXPECT(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #cond, hone_error_message());           \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

/* ---- d sum(A * W) / dA = W */

static bool gradient_of_a_sum(void)
{
    HONE_SCOPE();
    hone_tensor *A = hone_requires_grad_(hone_randn(HONE_F32, 5, 4), true);
    hone_tensor *W = hone_randn(HONE_F32, 5, 4);
    EXPECT(hone_backward(hone_sum(hone_mul(A, W))) == HONE_OK);
    EXPECT(hone_equal(hone_grad(A), W));
    /* a second walk adds to the gradient */
    EXPECT(hone_backward(hone_sum(hone_mul(A, W))) == HONE_OK);
    EXPECT(hone_equal(hone_grad(A), hone_mul_scalar(W, 2)));
    return true;
}

/* ---- class MatMul(Function): saves its inputs */

static hone_tensor *matmul_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    hone_save_for_backward(ctx, n_in, in); /* X [m, n], Y [n, p] */
    return hone_matmul(in[0], in[1]);
}

static void matmul_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    hone_tensor *X = hone_saved(ctx, 0), *Y = hone_saved(ctx, 1);
    grad_in[0] = hone_matmul(grad, hone_transpose(Y, 0, 1)); /* grad [m, p] */
    grad_in[1] = hone_matmul(hone_transpose(X, 0, 1), grad);
}

static const hone_function matmul = { .name = "MatMul",
                                      .forward = matmul_forward,
                                      .backward = matmul_backward };

/* ---- class Softplus(Function): log(1 + e^x), saves its output: d = 1 - e^-y */

static hone_tensor *softplus_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    hone_tensor *y = hone_log(hone_add_scalar(hone_exp(in[0]), 1));
    hone_save_for_backward(ctx, 1, &y);
    return y;
}

static void softplus_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    hone_tensor *slope = hone_neg(hone_sub_scalar(hone_exp(hone_neg(hone_saved(ctx, 0))), 1));
    grad_in[0] = hone_mul(grad, slope);
}

/* The same with a mistake: the slope of e^x. */
static void mistaken_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    grad_in[0] = hone_mul(grad, hone_exp(hone_saved(ctx, 0)));
}

static const hone_function softplus = { .name = "Softplus",
                                        .forward = softplus_forward,
                                        .backward = softplus_backward };
static const hone_function mistaken = { .name = "MistakenSoftplus",
                                        .forward = softplus_forward,
                                        .backward = mistaken_backward };

static bool own_functions(void)
{
    HONE_SCOPE();
    hone_tensor *X = hone_requires_grad_(hone_randn(HONE_F64, 5, 4), true);
    hone_tensor *Y = hone_requires_grad_(hone_randn(HONE_F64, 4, 3), true);
    EXPECT(hone_allclose(hone_apply(&matmul, X, Y), hone_matmul(X, Y), 0, 0));
    EXPECT(hone_gradcheck_function(&matmul, X, Y) == HONE_OK);
    EXPECT(hone_gradgradcheck_function(&matmul, X, Y) == HONE_OK);
    EXPECT(hone_gradcheck_function(&softplus, X) == HONE_OK);
    EXPECT(hone_gradgradcheck_function(&softplus, X) == HONE_OK);

    EXPECT(hone_gradcheck_function(&mistaken, X) == HONE_E_GRADIENT);
    printf("found: %s\n", hone_error_message());
    hone_error_clear();
    return true;
}

/* ---- a mistake in a nest of calls is one error value, the first */

static bool errors_are_values(void)
{
    HONE_SCOPE();
    hone_tensor *A = hone_zeros(HONE_F32, 5, 4);
    EXPECT(hone_sum(hone_exp(hone_matmul(A, A))) == NULL);
    EXPECT(hone_error_code() == HONE_E_SHAPE);
    printf("refused: %s\n", hone_error_message());
    hone_error_clear();
    return true;
}

int main(void)
{
    hone_seed(7);
    if (!gradient_of_a_sum() || !own_functions() || !errors_are_values())
        return 1;
    puts("ok");
    return 0;
}
