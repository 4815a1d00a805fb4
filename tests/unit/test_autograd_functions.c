/* test_autograd_functions.c: custom functions and gradient checks. */
#include "gradients.h"

GRADIENT_SUITE(autograd_functions);

/* ---- custom functions ---- */

static hone_tensor *sum_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)ctx, (void)n_in;
    return hone_add(in[0], in[1]);
}

static void same_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    (void)ctx;
    grad_in[0] = grad_in[1] = hone_mul_scalar(grad, 1);
}

Test(autograd_functions, a_function_may_give_one_tensor_for_two_inputs)
{
    HONE_SCOPE();
    const hone_function sum = { .name = "Sum", .forward = sum_forward, .backward = same_backward };
    hone_tensor *a = leaf(1, 2, 3), *y = hone_apply(&sum, a, hone_mul(a, a));
    OK(hone_backward(hone_sum(hone_square(y))) == HONE_OK);
    expect(hone_grad(a), 12, 60, 168);
}

static int sincos_like_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    out[0] = hone_square(in[0]);
    out[1] = hone_mul_scalar(in[0], 3);
    hone_save_for_backward(ctx, n_in, in);
    return 2;
}

static void sincos_like_backward(hone_context *ctx, hone_tensor *const *grad, hone_tensor **grad_in)
{
    hone_tensor *x = hone_saved(ctx, 0);
    grad_in[0] = hone_add(hone_mul(grad[0], hone_mul_scalar(x, 2)), hone_mul_scalar(grad[1], 3));
}

static const hone_function two_outputs = { .name = "TwoOutputs",
                                           .forward_n = sincos_like_forward,
                                           .backward_n = sincos_like_backward };

Test(autograd_functions, functions_of_several_outputs)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3);
    hone_tensor_list y = hone_apply_list(&two_outputs, x);
    OK(y.at && y.n == 2);
    OK(hone_backward(hone_sum(y.at[0])) == HONE_OK); /* the other output's gradient is zero */
    expect(hone_grad(x), 2, 4, 6);
    y = hone_apply_list(&two_outputs, x);
    OK(hone_backward(hone_sum(hone_add(y.at[0], y.at[1]))) == HONE_OK);
    expect(hone_grad(x), 7, 11, 15);
    FAILS(hone_apply(&two_outputs, x), HONE_E_VALUE, "hone_apply_list");
}

/* Saves more than a node has room for, in two turns. */
static hone_tensor *product_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    hone_tensor *const first[3] = { in[0], in[0], in[1] }, *const then[2] = { in[1], in[0] };
    OK(hone_save_for_backward(ctx, 3, first) == HONE_OK);
    OK(hone_save_for_backward(ctx, 2, then) == HONE_OK);
    return hone_mul(in[0], in[1]);
}

static void product_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    hone_tensor *a = hone_saved(ctx, 0), *b = hone_saved(ctx, 3);
    cr_assert(hone_saved(ctx, 1) == a && hone_saved(ctx, 4) == a && hone_saved(ctx, 2) == b);
    grad_in[0] = hone_mul(grad, b);
    grad_in[1] = hone_mul(grad, a);
}

Test(autograd_functions, functions_may_save_more_and_more)
{
    HONE_SCOPE();
    const hone_function product = { .name = "Product",
                                    .forward = product_forward,
                                    .backward = product_backward };
    hone_tensor *a = leaf(1, 2, 3), *b = leaf(4, 5, 6);
    OK(hone_backward(hone_sum(hone_apply(&product, a, b))) == HONE_OK);
    expect(hone_grad(a), 4, 5, 6);
    expect(hone_grad(b), 1, 2, 3);
}

static hone_tensor *nine_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    hone_tensor *sum = in[0];
    (void)ctx;
    for (int i = 1; i < n_in; i++)
        sum = hone_add(sum, in[i]);
    return sum;
}

static void nine_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    (void)ctx;
    for (int i = 0; i < 9; i++)
        grad_in[i] = hone_mul_scalar(grad, i + 1);
}

/* More than a walk has room for without asking the heap. */
Test(autograd_functions, functions_of_many_inputs)
{
    HONE_SCOPE();
    const hone_function nine = { .name = "Nine",
                                 .forward = nine_forward,
                                 .backward = nine_backward };
    hone_tensor *x[9];
    for (int i = 0; i < 9; i++)
        x[i] = leaf(i, 1, 2);
    hone_tensor *y = hone_apply(&nine, x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8]);
    expect(hone_detach(y), 36, 9, 18);
    OK(hone_backward(hone_sum(y)) == HONE_OK);
    for (int i = 0; i < 9; i++)
        expect(hone_grad(x[i]), i + 1, i + 1, i + 1);
}

typedef struct {
    double factor;
} scale_data;

static hone_tensor *scale_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    const scale_data d = { 4 };
    (void)n_in;
    cr_assert(!hone_grad_enabled());
    hone_save_data(ctx, &d, sizeof d);
    return hone_mul_scalar(in[0], d.factor);
}

static void scale_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    const scale_data *d = hone_saved_data(ctx);
    cr_assert(hone_needs_input_grad(ctx, 0) && !hone_needs_input_grad(ctx, 1));
    grad_in[0] = hone_mul_scalar(grad, d->factor);
}

Test(autograd_functions, functions_keep_plain_data_and_know_who_asks)
{
    HONE_SCOPE();
    const hone_function scale = { .name = "Scale",
                                  .forward = scale_forward,
                                  .backward = scale_backward };
    hone_tensor *x = leaf(1, 2, 3);
    OK(hone_backward(hone_sum(hone_apply(&scale, x, hone_ones(HONE_F64, 1)))) == HONE_OK);
    expect(hone_grad(x), 4, 4, 4);
}

static hone_tensor *identity_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)ctx, (void)n_in;
    return in[0];
}

static void reverse_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    (void)ctx;
    grad_in[0] = hone_neg(grad);
}

Test(autograd_functions, a_function_may_return_its_input)
{
    HONE_SCOPE();
    const hone_function reverse = { .name = "GradientReversal",
                                    .forward = identity_forward,
                                    .backward = reverse_backward };
    hone_tensor *x = leaf(1, 2, 3), *y = hone_apply(&reverse, x);
    cr_assert_neq(x, y);
    OK(hone_backward(hone_sum(y)) == HONE_OK);
    expect(hone_grad(x), -1, -1, -1);
}

static void wrong_shape_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    (void)ctx, (void)grad;
    grad_in[0] = hone_ones(HONE_F64, 2);
}

static hone_tensor *failing_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)ctx, (void)in, (void)n_in;
    return NULL;
}

Test(autograd_functions, bad_functions_are_named)
{
    HONE_SCOPE();
    const hone_function bad = { .name = "BadShape",
                                .forward = identity_forward,
                                .backward = wrong_shape_backward };
    const hone_function none = { .name = "NoResult",
                                 .forward = failing_forward,
                                 .backward = reverse_backward };
    const hone_function no_backward = { .name = "NoBackward", .forward = identity_forward };
    hone_tensor *x = leaf(1, 2, 3);
    FAILS(hone_backward(hone_sum(hone_apply(&bad, x))) == HONE_OK, HONE_E_SHAPE, "BadShape");
    FAILS(hone_apply(&none, x), HONE_E_NULL, "NoResult");
    hone_tensor_list failed;
    FAILS((failed = hone_apply_list(&none, x), failed.at || failed.n), HONE_E_NULL, "NoResult");
    FAILS(hone_backward(hone_sum(hone_apply(&no_backward, x))) == HONE_OK, HONE_E_STATE,
          "NoBackward");
    FAILS(hone_apply(&bad, x, NULL), HONE_E_NULL, "BadShape");
}

/* ---- what holds for ops holds for custom functions ---- */

static hone_tensor *square_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    hone_save_for_backward(ctx, n_in, in);
    return hone_square(in[0]);
}

static void square_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    grad_in[0] = hone_mul(grad, hone_mul_scalar(hone_saved(ctx, 0), 2));
}

static const hone_function square = { .name = "Square",
                                      .forward = square_forward,
                                      .backward = square_backward };

Test(autograd_functions, stale_views_are_refused)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *h = hone_mul(x, x), *v = hone_reshape(h, 3), *hidden;
    {
        HONE_NO_GRAD();
        hidden = hone_reshape(h, 3);
    }
    OK(hone_apply(&square, v));
    OK(hone_mul_(h, x));
    FAILS(hone_square(v), HONE_E_STATE, "modified in place since");
    FAILS(hone_apply(&square, v), HONE_E_STATE, "Square: operand 0");
    FAILS(hone_apply(&square, hidden), HONE_E_STATE, "Square: operand 0");
    FAILS(hone_apply_list(&two_outputs, v).at, HONE_E_STATE, "TwoOutputs: operand 0");
    FAILS(hone_autograd_grad(hone_list(hone_sum(h)), hone_list(v), NULL).at, HONE_E_STATE,
          "input 0 (f64 [3]) is a view");
    OK(hone_backward(hone_sum(hone_apply(&square, hone_reshape(h, 3)))) == HONE_OK); /* x^6 */
    expect(hone_grad(x), 6, 192, 1458);
}

static hone_tensor *doubling_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)ctx, (void)n_in;
    hone_mul_scalar_(in[n_in - 1], 2);
    return hone_square(in[0]);
}

/* Under a gradient the history would no longer be that of the values. */
Test(autograd_functions, a_forward_may_not_change_an_input_that_needs_a_gradient)
{
    HONE_SCOPE();
    const hone_function doubling = { .name = "Doubling",
                                     .forward = doubling_forward,
                                     .backward = same_backward };
    hone_tensor *x = leaf(1, 2, 3), *buffer = hone_ones(HONE_F64, 3);
    FAILS(hone_apply(&doubling, x), HONE_E_STATE, "Doubling: its forward changed operand 0");
    FAILS(hone_apply(&doubling, hone_neg(x)), HONE_E_STATE, "clone");
    FAILS(hone_apply(&doubling, x, hone_detach(x)), HONE_E_STATE, "operand 0");
    FAILS(hone_apply(&doubling, hone_expand(hone_ones(HONE_F64, 1), 3)), HONE_E_STATE, "expanded");
    OK(hone_apply(&doubling, x, buffer)); /* running statistics */
    expect(buffer, 2, 2, 2);
    HONE_NO_GRAD();
    OK(hone_apply(&doubling, hone_neg(x)));
}

Test(autograd_functions, an_unrecorded_result_that_is_a_view_hides_history)
{
    HONE_SCOPE();
    const hone_function same = { .name = "Same", .forward = identity_forward };
    hone_tensor *h = hone_neg(leaf(1, 2, 3)), *view;
    {
        HONE_NO_GRAD();
        view = hone_apply(&same, h);
    }
    FAILS(hone_add_scalar_(view, 1), HONE_E_STATE, "view");
}

static void probing_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    if (!hone_matmul(grad, hone_ones(HONE_F64, 7, 7))) /* it doesn't fit */
        hone_error_clear();
    square_backward(ctx, grad, grad_in);
}

static void failing_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    probing_backward(ctx, grad, grad_in);
    hone_matmul(grad, hone_ones(HONE_F64, 7, 7));
}

static hone_tensor *probing_forward(hone_context *ctx, hone_tensor *const *in, int n_in)
{
    (void)ctx, (void)n_in;
    if (!hone_matmul(in[0], hone_ones(HONE_F64, 7, 7)))
        hone_error_clear();
    return NULL;
}

static hone_tensor *probing_check(hone_tensor *const *in, int n_in, void *user)
{
    (void)user;
    return probing_forward(NULL, in, n_in);
}

Test(autograd_functions, an_error_that_a_callback_clears_is_none)
{
    HONE_SCOPE();
    hone_function probing = { .name = "Probing",
                              .forward = square_forward,
                              .backward = probing_backward };
    hone_tensor *x = leaf(1, 2, 3);
    for (int pending = 0; pending < 2; pending++) {
        hone_tensor *y = hone_sum(hone_apply(&probing, x));
        if (pending) /* of old */
            hone_matmul(x, hone_ones(HONE_F64, 7, 7));
        OK(hone_backward(y) == HONE_OK);
        cr_assert_eq(hone_error_code(), HONE_OK);
        expect(hone_grad(x), 2 + 2 * pending, 4 + 4 * pending, 6 + 6 * pending);
    }
    probing.backward = failing_backward;
    FAILS(hone_backward(hone_sum(hone_apply(&probing, x))) == HONE_OK, HONE_E_SHAPE, "[7, 7]");
    probing.forward = probing_forward;
    FAILS(hone_apply(&probing, x), HONE_E_NULL, "Probing: the forward gave no tensor");
    FAILS(hone_gradcheck("probing", probing_check, NULL, hone_list(x), NULL) == HONE_OK,
          HONE_E_NULL, "gradcheck probing");
}

/* Writes to the gradient that it gets, as a C programmer would. */
static void scribbling_backward(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in)
{
    hone_mul_scalar_(grad, 100);
    square_backward(ctx, grad, grad_in);
}

Test(autograd_functions, the_gradient_that_a_backward_gets_is_its_own)
{
    HONE_SCOPE();
    const hone_function scribbling = { .name = "Scribbling",
                                       .forward = square_forward,
                                       .backward = scribbling_backward };
    hone_tensor *x = leaf(1, 2, 3), *given = hone_ones(HONE_F64, 3);
    OK(hone_backward_with(hone_apply(&scribbling, x),
                          &(hone_backward_options){ .gradient = given }) == HONE_OK);
    expect(hone_grad(x), 200, 400, 600);
    expect(given, 1, 1, 1);
    hone_tensor *a = leaf(1, 2, 3), *b = leaf(0, 0, 0); /* add gives both the same gradient */
    OK(hone_backward_with(hone_add(hone_apply(&scribbling, a), b),
                          &(hone_backward_options){ .gradient = given }) == HONE_OK);
    expect(hone_grad(a), 200, 400, 600);
    expect(hone_grad(b), 1, 1, 1);
    expect(given, 1, 1, 1);
}

/* ---- gradient checks ---- */

static hone_tensor *cube(hone_tensor *const *in, int n_in, void *user)
{
    (void)n_in, (void)user;
    return hone_mul(hone_square(in[0]), in[0]);
}

static hone_tensor *detached_cube(hone_tensor *const *in, int n_in, void *user)
{
    (void)n_in, (void)user;
    return hone_mul(hone_square(hone_detach(in[0])), in[0]);
}

static hone_tensor *hidden_constant(hone_tensor *const *in, int n_in, void *user)
{
    (void)n_in, (void)user; /* first derivative right, second wrong: 2x is taken for a constant */
    hone_tensor *x = in[0], *d = hone_detach(x);
    return hone_add(hone_mul(hone_mul_scalar(d, 2), x), hone_neg(hone_detach(hone_square(x))));
}

static hone_tensor *hidden_sum(hone_tensor *const *in, int n_in, void *user)
{
    return hone_sum(hidden_constant(in, n_in, user));
}

Test(autograd_functions, gradchecks_pass_and_fail)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, -2, 3);
    OK(hone_gradcheck("cube", cube, NULL, hone_list(x), NULL) == HONE_OK);
    OK(hone_gradgradcheck("cube", cube, NULL, hone_list(x), NULL) == HONE_OK);
    FAILS(hone_gradcheck("half", detached_cube, NULL, hone_list(x), NULL) == HONE_OK,
          HONE_E_GRADIENT, "half: the gradient of input 0 (f64 [3]) is wrong at element [0]");
    OK(hone_gradcheck("hidden", hidden_constant, NULL, hone_list(x), NULL) == HONE_OK);
    FAILS(hone_gradgradcheck("hidden", hidden_constant, NULL, hone_list(x), NULL) == HONE_OK,
          HONE_E_GRADIENT, "hidden");
    FAILS(hone_gradgradcheck("one", hidden_sum, NULL, hone_list(x), NULL) == HONE_OK,
          HONE_E_GRADIENT, "one");
    expect(x, 1, -2, 3);
    hone_tensor *f = hone_requires_grad_(hone_ones(HONE_F32, 2), true);
    FAILS(hone_gradcheck("f32", cube, NULL, hone_list(f), NULL) == HONE_OK, HONE_E_DTYPE, "f32");
    FAILS(hone_gradcheck("none", cube, NULL, hone_list(hone_ones(HONE_F64, 1)), NULL) == HONE_OK,
          HONE_E_STATE, "none");
}
