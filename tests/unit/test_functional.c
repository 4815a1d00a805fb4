/* Derivatives of functions: against what is known of polynomials and matrices; walks of two threads over one
 * graph. */
#include "support.h"

#include <hone/hone.h>

#include <pthread.h>

SUITE(functional);

/* a^2 b */
static hone_tensor *cubic(hone_tensor *const *in, int n, void *user)
{
    (void)n, (void)user;
    return hone_mul(hone_square(in[0]), in[1]);
}

static hone_tensor *cubic_sum(hone_tensor *const *in, int n, void *user)
{
    return hone_sum(cubic(in, n, user));
}

static hone_tensor *nothing(hone_tensor *const *in, int n, void *user)
{
    (void)n, (void)user;
    return hone_zeros_like(in[0]);
}

Test(functional, products_with_the_jacobian)
{
    hone_tensor *a = T(HONE_F64, (2), 1, 2), *b = T(HONE_F64, (2), 3, 5), *y;
    hone_tensor_list d = hone_vjp(cubic, NULL, hone_list(a, b), T(HONE_F64, (2), 1, 10), &y);
    CHECK_VALUES(y, HONE_F64, (2), 3, 20);
    CHECK_VALUES(d.at[0], HONE_F64, (2), 6, 200);
    CHECK_VALUES(d.at[1], HONE_F64, (2), 1, 40);
    hone_tensor *t = hone_jvp(cubic, NULL, hone_list(a, b),
                              hone_list(T(HONE_F64, (2), 1, 0), T(HONE_F64, (2), 1, 2)), &y);
    CHECK_VALUES(t, HONE_F64, (2), 7, 8);
    CHECK_VALUES(y, HONE_F64, (2), 3, 20);
    cr_expect(!hone_requires_grad(t) && !hone_requires_grad(a));
}

Test(functional, jacobians_and_hessians)
{
    hone_tensor *a = T(HONE_F64, (2), 1, 2), *b = T(HONE_F64, (2), 3, 5);
    hone_tensor_list j = hone_jacobian(cubic, NULL, hone_list(a, b));
    CHECK_VALUES(j.at[0], HONE_F64, (2, 2), 6, 0, 0, 20);
    CHECK_VALUES(j.at[1], HONE_F64, (2, 2), 1, 0, 0, 4);
    hone_tensor_list h = hone_hessian(cubic_sum, NULL, hone_list(a, b));
    cr_assert_eq(h.n, 4);
    CHECK_VALUES(h.at[0], HONE_F64, (2, 2), 6, 0, 0, 10);
    CHECK_VALUES(h.at[1], HONE_F64, (2, 2), 2, 0, 0, 4);
    CHECK_VALUES(h.at[2], HONE_F64, (2, 2), 2, 0, 0, 4);
    CHECK_VALUES(h.at[3], HONE_F64, (2, 2), 0, 0, 0, 0);
}

/* The loss of samples for a linear model: its weight is `user`. */
static hone_tensor *loss(hone_tensor *const *in, int n, void *user)
{
    (void)n;
    return hone_mse_loss(hone_matmul(in[0], user), in[1], HONE_REDUCE_MEAN);
}

Test(functional, sample_gradients_are_those_of_samples_alone)
{
    hone_tensor *w = hone_requires_grad_(hone_randn(HONE_F64, 3, 2), true);
    hone_tensor *x = hone_randn(HONE_F64, 5, 3), *y = hone_randn(HONE_F64, 5, 2);
    hone_tensor_list d = hone_sample_gradients(loss, w, hone_list(x, y), hone_list(w));
    cr_assert(d.at, "%s", hone_error_message());
    for (int64_t i = 0; i < 5; i++) {
        hone_tensor *one[] = { hone_slice(x, 0, i, i + 1, 1), hone_slice(y, 0, i, i + 1, 1) };
        hone_tensor_list want = hone_autograd_grad(hone_list(loss(one, 2, w)), hone_list(w), NULL);
        cr_expect(test_same_bits(hone_contiguous(hone_select(d.at[0], 0, i)), want.at[0]));
    }
}

/* The model is `user`; its parameters are looked at where they are, and the inputs aren't. */
static hone_tensor *model_loss(hone_tensor *const *in, int n, void *user)
{
    (void)in, (void)n;
    hone_tensor *x = hone_reshape(hone_arange(HONE_F32, 0, 6, 1), 2, 3);
    return hone_sum(hone_square(hone_forward(user, x)));
}

/* Over a module's parameters: a gradient is that of .grad, which stays as it is; the Hessian of a sum of squares
 * of a linear model is 2 x^T x, whatever its parameters are. */
Test(functional, over_the_parameters_of_a_module)
{
    hone_module *model =
        hone_nn_sequential(hone_nn_linear(3, 4), hone_nn_tanh(), hone_nn_linear(4, 2));
    hone_tensor_list p = hone_parameters(model),
                     d = hone_vjp(model_loss, model, p, HONE_NONE, NULL);
    cr_assert(d.at, "%s", hone_error_message());
    cr_assert_eq(d.n, 4);
    for (int i = 0; i < d.n; i++)
        cr_expect_null(hone_grad(p.at[i]));
    hone_error_clear();
    hone_backward(model_loss(NULL, 0, model));
    for (int i = 0; i < d.n; i++)
        cr_expect(test_same_bits(d.at[i], hone_grad(p.at[i])), "parameter %d", i);
    hone_module_free(model);

    model = hone_nn_linear(3, 1);
    p = hone_parameters(model);
    hone_tensor_list h = hone_hessian(model_loss, model, p);
    cr_assert(h.at, "%s", hone_error_message());
    CHECK_VALUES(hone_reshape(h.at[0], 3, 3), HONE_F32, (3, 3), 18, 24, 30, 24, 34, 44, 30, 44, 58);
    CHECK_VALUES(hone_reshape(h.at[1], 3), HONE_F32, (3), 6, 10, 14);
    CHECK_VALUES(hone_reshape(h.at[3], 1), HONE_F32, (1), 4);
    hone_module_free(model);
}

Test(functional, refusals)
{
    hone_tensor *a = T(HONE_F64, (2), 1, 2), *b = T(HONE_F64, (3), 1, 2, 3);
    CHECK_FAILS(hone_vjp(cubic, NULL, hone_list(a, a), HONE_NONE, NULL).at, HONE_E_SHAPE,
                "more than one element");
    CHECK_FAILS(hone_vjp(nothing, NULL, hone_list(a), a, NULL).at, HONE_E_STATE,
                "vjp: the function's result f64 [2] depends on no input");
    CHECK_FAILS(hone_jvp(cubic, NULL, hone_list(a, a), hone_list(a), NULL), HONE_E_SHAPE,
                "jvp: 2 inputs but 1 tangents");
    CHECK_FAILS(hone_jvp(cubic, NULL, hone_list(a, a), hone_list(a, b), NULL), HONE_E_SHAPE,
                "its tangent f64 [3]");
    CHECK_FAILS(hone_hessian(cubic, NULL, hone_list(a, a)).at, HONE_E_SHAPE,
                "more than one element");
    CHECK_FAILS(hone_sample_gradients(loss, a, hone_list(a, b), hone_list(a)).at, HONE_E_SHAPE,
                "2 samples are wanted");
    CHECK_FAILS(hone_jacobian(cubic, NULL, (hone_tensor_list){ NULL, 0 }).at, HONE_E_NULL, "");
}

/* ---- two threads: a function whose backward waits while the other one tries */

static pthread_barrier_t meeting;

static hone_tensor *wait_forward(hone_context *ctx, hone_tensor *const *in, int n)
{
    (void)ctx, (void)n;
    return hone_clone(in[0]);
}

static void wait_backward(hone_context *ctx, hone_tensor *dy, hone_tensor **dx)
{
    (void)ctx;
    pthread_barrier_wait(&meeting); /* this walk is inside */
    pthread_barrier_wait(&meeting); /* the other one was refused */
    dx[0] = dy;
}

static const hone_function waits = { .name = "waits",
                                     .forward = wait_forward,
                                     .backward = wait_backward };

static void *walk(void *root)
{
    return (void *)(intptr_t)hone_backward_with(root,
                                                &(hone_backward_options){ .retain_graph = true });
}

Test(functional, a_second_threads_walk_is_refused)
{
    pthread_t thread;
    void *status;
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (1), 3), true);
    hone_tensor *y = hone_sum(hone_square(hone_apply(&waits, hone_square(x))));
    pthread_barrier_init(&meeting, NULL, 2);
    pthread_create(&thread, NULL, walk, y);
    pthread_barrier_wait(&meeting);
    const hone_backward_options keep = { .retain_graph = true };
    CHECK_FAILS(hone_backward_with(y, &keep), HONE_E_STATE,
                "another thread's walk goes through this graph (at waits)");
    CHECK_FAILS(hone_autograd_grad(hone_list(y), hone_list(x), NULL).at, HONE_E_STATE,
                "another thread's walk goes through this graph");
    pthread_barrier_wait(&meeting);
    pthread_join(thread, &status);
    cr_expect_eq((intptr_t)status, HONE_OK);
    pthread_barrier_destroy(&meeting);
}
