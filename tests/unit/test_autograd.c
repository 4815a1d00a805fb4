/* test_autograd.c: the walk, its sums, grad mode, higher derivatives, and what must not leak or
 * recurse. */
#include "gradients.h"

#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

GRADIENT_SUITE(autograd);

Test(autograd, gradients_accumulate_over_walks)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3);
    for (int i = 1; i <= 3; i++) {
        OK(hone_backward(hone_sum(hone_square(x))) == HONE_OK);
        expect(hone_grad(x), 2.0 * i, 4.0 * i, 6.0 * i);
    }
}

Test(autograd, a_tensor_used_twice_gets_both_contributions)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3);
    hone_tensor *y = hone_mul(x, x);
    OK(hone_backward(hone_sum(hone_add(hone_mul(y, x), y))) == HONE_OK); /* 3x^2 + 2x */
    expect(hone_grad(x), 5, 16, 33);
}

Test(autograd, broadcast_gradients_are_summed)
{
    HONE_SCOPE();
    hone_tensor *b = leaf(1, 2, 3), *x = hone_ones(HONE_F64, 4, 3);
    OK(hone_backward(hone_sum(hone_mul(hone_add(x, b), hone_scalar(HONE_F64, 2)))) == HONE_OK);
    expect(hone_grad(b), 8, 8, 8);
}

Test(autograd, a_gradient_has_its_inputs_dtype)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F32, 2), true);
    OK(hone_backward(hone_sum(hone_mul(x, hone_ones(HONE_F64, 2)))) == HONE_OK);
    cr_assert_eq(hone_dtype_of(hone_grad(x)), HONE_F32);
}

Test(autograd, a_second_walk_needs_retain_graph)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *y = hone_sum(hone_exp(x));
    OK(hone_backward_with(y, &(hone_backward_options){ .retain_graph = true }) == HONE_OK);
    OK(hone_backward(y) == HONE_OK);
    FAILS(hone_backward(y) == HONE_OK, HONE_E_STATE, "retain_graph");
}

Test(autograd, non_scalars_need_a_gradient)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *y = hone_square(x),
                *g = hone_from_data(HONE_F64, ((double[]){ 1, 0, 2 }), 3);
    FAILS(hone_backward(y) == HONE_OK, HONE_E_SHAPE, "[3]");
    FAILS(hone_backward_with(y, &(hone_backward_options){ .gradient = hone_ones(HONE_F64, 2) }) ==
              HONE_OK,
          HONE_E_SHAPE, "[2]");
    OK(hone_backward_with(y, &(hone_backward_options){ .gradient = g }) == HONE_OK);
    expect(hone_grad(x), 2, 0, 12);
    expect(g, 1, 0, 2);
}

Test(autograd, leaves_as_outputs)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_scalar(HONE_F64, 5), true);
    OK(hone_backward(x) == HONE_OK);
    OK(hone_backward(x) == HONE_OK);
    cr_assert_eq(hone_item(hone_grad(x)), 2.0);
    FAILS(hone_backward(hone_scalar(HONE_F64, 1)) == HONE_OK, HONE_E_STATE, "require");
}

Test(autograd, requires_grad_is_for_float_leaves)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *y = hone_neg(x);
    FAILS(hone_requires_grad_(hone_zeros(HONE_I64, 2), true), HONE_E_DTYPE, "i64");
    FAILS(hone_requires_grad_(y, false), HONE_E_STATE, "detach");
    FAILS(hone_requires_grad_(NULL, true), HONE_E_NULL, "requires_grad_");
    cr_assert(hone_requires_grad(y) && !hone_is_leaf(y) && hone_is_leaf(x));
    cr_assert(!hone_requires_grad(hone_detach(y)));
    cr_assert(!hone_requires_grad(hone_gt_scalar(x, 0)));
    cr_assert_null(hone_grad(x));
    cr_assert_eq(hone_error_code(), HONE_OK, "no gradient yet is no error");
}

Test(autograd, no_grad_records_nothing_and_ends_with_its_block)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3);
    {
        HONE_NO_GRAD();
        cr_assert(!hone_grad_enabled());
        cr_assert(!hone_requires_grad(hone_exp(x)));
        OK(hone_sub_(x, hone_scalar(HONE_F64, 1)));
    }
    cr_assert(hone_grad_enabled());
    expect(x, 0, 1, 2);
}

Test(autograd, set_grad_checks_what_it_gets)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3);
    FAILS(hone_set_grad(x, hone_ones(HONE_F64, 2)) == HONE_OK, HONE_E_SHAPE, "[2]");
    FAILS(hone_set_grad(x, hone_ones(HONE_F32, 3)) == HONE_OK, HONE_E_SHAPE, "f32");
    FAILS(hone_set_grad(x, NULL) == HONE_OK, HONE_E_NULL, "set_grad");
    FAILS(hone_set_grad(NULL, x) == HONE_OK, HONE_E_NULL, "set_grad");
    FAILS(hone_set_grad(x, x) == HONE_OK, HONE_E_VALUE, "own gradient");
    FAILS(hone_to(x, (hone_dtype)257), HONE_E_DTYPE, "257");
    FAILS(hone_set_grad(hone_neg(x), HONE_NONE) == HONE_OK, HONE_E_STATE, "leaf");
    OK(hone_set_grad(x, hone_ones(HONE_F64, 3)) == HONE_OK);
    expect(hone_grad(x), 1, 1, 1);
    OK(hone_set_grad(x, HONE_NONE) == HONE_OK);
    cr_assert_null(hone_grad(x));
}

/* A leaf's .grad must not be the memory of a gradient that the walk still needs. */
Test(autograd, a_leaf_used_directly_and_deeper)
{
    HONE_SCOPE();
    hone_tensor *a = leaf(1, 2, 3);
    hone_tensor *y = hone_add(a, hone_mul(a, a));           /* the leaf is the first operand */
    OK(hone_backward(hone_sum(hone_square(y))) == HONE_OK); /* 2 (a + a^2)(1 + 2a) */
    expect(hone_grad(a), 12, 60, 168);
    hone_tensor *b = leaf(1, 2, 3);
    hone_tensor *z = hone_add(hone_to(b, HONE_F64), hone_add(b, hone_exp(hone_sub(b, b))));
    OK(hone_backward(hone_sum(hone_mul(z, b))) == HONE_OK); /* 2b^2 + b */
    expect(hone_grad(b), 5, 9, 13);
}

/* A random program on three leaves: each step takes two earlier values. */
static hone_tensor *random_program(hone_tensor *const *in, int n_in, void *user)
{
    hone_tensor *values[24];
    uint32_t state = *(const uint32_t *)user;
    int n = 0;
    for (; n < n_in; n++)
        values[n] = in[n];
    for (; n < 24; n++) {
        state = state * 1664525u + 1013904223u;
        hone_tensor *a = values[(state >> 8) % (uint32_t)n],
                    *b = values[(state >> 16) % (uint32_t)n];
        switch (state >> 28) {
        case 0:
        case 1:
        case 2:
        case 3:
            values[n] = hone_add(a, b);
            break;
        case 4:
        case 5:
            values[n] = hone_sub(a, b);
            break;
        case 6:
        case 7:
            values[n] = hone_tanh(a);
            break;
        case 8:
            values[n] = hone_reshape(a, 3);
            break;
        case 9:
            values[n] = hone_add_(hone_clone(a), b);
            break;
        case 10:
            values[n] = hone_expand(hone_reshape(hone_mean(a), 1), 3);
            break;
        default:
            values[n] = hone_mul_scalar(hone_mul(a, b), 0.5);
            break;
        }
    }
    return hone_sum(hone_add(values[23], hone_add(values[22], values[21])));
}

Test(autograd, random_programs_have_the_gradients_of_differences)
{
    for (uint32_t seed = 0; seed < 200; seed++) {
        HONE_SCOPE();
        hone_tensor *x[3] = { leaf(0.1, 0.2, 0.3), leaf(-0.4, 0.5, 0.6), leaf(0.7, -0.8, 0.9) };
        hone_tensor_list inputs = hone_list_n(x, 3);
        hone_status status = hone_gradcheck("random", random_program, &seed, inputs, NULL);
        cr_assert_eq(status, HONE_OK, "seed %u: %s", seed, hone_error_message());
        hone_tensor_list d = hone_autograd_grad(hone_list(random_program(x, 3, &seed)), inputs,
                                                &(hone_autograd_options){ .allow_unused = true });
        for (int round = 1; round <= 2; round++) {
            OK(hone_backward(random_program(x, 3, &seed)) == HONE_OK);
            for (int i = 0; i < 3; i++) {
                if (d.at[i] == HONE_NONE)
                    cr_assert_null(hone_grad(x[i]));
                else
                    cr_assert(hone_allclose(hone_grad(x[i]), hone_mul_scalar(d.at[i], round), 1e-12,
                                            1e-12),
                              "seed %u, leaf %d", seed, i);
            }
        }
    }
}

Test(autograd, the_gradient_given_stays_the_callers)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *g = hone_ones(HONE_F64, 3);
    for (int i = 1; i <= 3; i++) {
        OK(hone_backward_with(x, &(hone_backward_options){ .gradient = g }) == HONE_OK);
        expect(hone_grad(x), i, i, i);
        expect(g, 1, 1, 1);
    }
}

Test(autograd, zero_gradients_are_zeros_not_errors)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, -2, 3);
    const hone_autograd_options create = { .create_graph = true };
    OK(hone_backward(hone_sum(hone_sign(x))) == HONE_OK);
    expect(hone_grad(x), 0, 0, 0);
    hone_tensor_list d =
        hone_autograd_grad(hone_list(hone_sum(hone_relu(x))), hone_list(x), &create);
    expect(d.at[0], 1, 0, 1);
    hone_tensor_list d2 = hone_autograd_grad(hone_list(hone_sum(d.at[0])), hone_list(x), NULL);
    OK(d2.at);
    expect(d2.at[0], 0, 0, 0);
}

Test(autograd, the_callers_rounding_does_not_matter)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 7, 11), *y = hone_arange(HONE_I64, 0, 7, 1);
    hone_tensor *a = hone_mul_scalar(hone_mean(x), 0.1), *loss = hone_cross_entropy(x, y);
    const int modes[] = { FE_UPWARD, FE_DOWNWARD };
    for (int i = 0; i < 2; i++) {
        fesetround(modes[i]);
        hone_tensor *b = hone_mul_scalar(hone_mean(x), 0.1), *again = hone_cross_entropy(x, y);
        fesetround(FE_TONEAREST);
        cr_assert(hone_equal(a, b) && hone_equal(loss, again));
    }
}

Test(autograd, printing_names_the_function)
{
    HONE_SCOPE();
    char text[100];
    hone_sprint(text, sizeof text, hone_mul_scalar(leaf(1, 2, 3), 2));
    cr_assert_str_eq(text, "tensor([2., 4., 6.], dtype=torch.float64, grad_fn=<mul_scalar>)");
}

/* ---- hone_autograd_grad ---- */

Test(autograd, higher_derivatives)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3);
    hone_tensor *y = hone_sum(hone_pow_scalar(x, 4));
    const hone_autograd_options create = { .create_graph = true };
    hone_tensor *d1 = hone_autograd_grad(hone_list(y), hone_list(x), &create).at[0];
    hone_tensor *d2 = hone_autograd_grad(hone_list(hone_sum(d1)), hone_list(x), &create).at[0];
    hone_tensor *d3 = hone_autograd_grad(hone_list(hone_sum(d2)), hone_list(x), NULL).at[0];
    expect(d1, 4, 32, 108);
    expect(d2, 12, 48, 108);
    expect(d3, 24, 48, 72);
    cr_assert_null(hone_grad(x), "autograd_grad leaves .grad alone");
}

Test(autograd, gradients_of_inner_tensors_and_of_several_outputs)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *h = hone_square(x), *y = hone_sum(hone_square(h)),
                *z = hone_sum(h);
    hone_tensor_list g = hone_autograd_grad(hone_list(y, z), hone_list(h, x), NULL);
    OK(g.at);
    expect(g.at[0], 3, 9, 19);
    expect(g.at[1], 6, 36, 114);
}

Test(autograd, what_is_below_a_captured_input_is_not_freed)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *h = hone_square(x), *y = hone_sum(hone_square(h));
    hone_tensor_list g = hone_autograd_grad(hone_list(y), hone_list(h), NULL);
    OK(g.at);
    expect(g.at[0], 2, 8, 18);
    FAILS(hone_backward(y) == HONE_OK, HONE_E_STATE, "freed"); /* what is above is */
    OK(hone_backward_with(h, &(hone_backward_options){ .gradient = g.at[0] }) == HONE_OK);
    expect(hone_grad(x), 4, 32, 108);
    /* h's own gradient needs nothing of what is below it */
    OK((g = hone_autograd_grad(hone_list(hone_sum(hone_exp(h))), hone_list(h), NULL)).at);
    expect(g.at[0], exp(1), exp(4), exp(9));
}

Test(autograd, an_inner_and_an_outer_input_run_what_is_between)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *h = hone_square(x), *y = hone_sum(hone_square(h));
    OK(hone_autograd_grad(hone_list(y), hone_list(h, x), NULL).at);
    FAILS(hone_backward_with(h, &(hone_backward_options){ .gradient = x }) == HONE_OK, HONE_E_STATE,
          "freed");
}

/* A freed graph no longer knows its leaves: never a gradient that lacks a part, nor "unused". */
Test(autograd, a_freed_part_that_may_lead_to_an_input_is_an_error)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *s = hone_exp(x);
    OK(hone_backward(hone_sum(s)) == HONE_OK);
    const hone_autograd_options unused = { .allow_unused = true };
    FAILS(hone_autograd_grad(hone_list(hone_sum(hone_neg(s))), hone_list(x), &unused).at,
          HONE_E_STATE, "freed by an earlier walk (at exp)");
    FAILS(hone_autograd_grad(hone_list(hone_sum(hone_mul(s, x))), hone_list(x), NULL).at,
          HONE_E_STATE, "freed by an earlier walk (at exp)");
    FAILS(hone_autograd_grad(hone_list(hone_sum(s)), hone_list(x), NULL).at, HONE_E_STATE, "freed");
    hone_tensor *h = hone_neg(s); /* what is below h doesn't matter */
    hone_tensor_list g =
        hone_autograd_grad(hone_list(hone_sum(hone_square(h))), hone_list(h), NULL);
    OK(g.at);
    expect(g.at[0], -2 * exp(1), -2 * exp(2), -2 * exp(3));
}

Test(autograd, gradients_handed_out_share_no_memory)
{
    HONE_SCOPE();
    const hone_autograd_options retain = { .retain_graph = true };
    hone_tensor *x = leaf(1, 2, 3), *b = leaf(0, 0, 0), *g = hone_ones(HONE_F64, 3);
    hone_tensor *y = hone_add(x, b);
    hone_tensor_list d = hone_autograd_grad(
        hone_list(y), hone_list(x, b, x, y),
        &(hone_autograd_options){ .grad_outputs = hone_list(g), .retain_graph = true });
    OK(d.at);
    for (int i = 0; i < 4; i++) {
        expect(d.at[i], 1, 1, 1);
        ((double *)hone_data(d.at[i]))[0] = 7;
    }
    expect(g, 1, 1, 1);
    hone_tensor *logits = hone_reshape(x, 1, 3), *target = hone_zeros(HONE_I64, 1);
    hone_tensor *loss = hone_cross_entropy(logits, target);
    d = hone_autograd_grad(hone_list(loss), hone_list(x), &retain);
    OK(d.at);
    hone_tensor *kept = hone_clone(d.at[0]);
    hone_fill_(d.at[0], 100);
    d = hone_autograd_grad(hone_list(loss), hone_list(x), &retain);
    OK(d.at && hone_equal(d.at[0], kept));
    hone_fill_(d.at[0], 100);
    OK(hone_backward(loss) == HONE_OK);
    cr_assert(hone_equal(hone_grad(x), kept));
}

Test(autograd, copies_that_are_handed_out_keep_their_history)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *b = leaf(1, 1, 1);
    hone_tensor *y = hone_sum(hone_square(hone_add(hone_square(x), b)));
    hone_tensor_list d;
    {
        HONE_NO_GRAD(); /* create_graph decides, not the caller's mode */
        d = hone_autograd_grad(hone_list(y), hone_list(b, b, x),
                               &(hone_autograd_options){ .create_graph = true });
    }
    OK(d.at);
    for (int i = 0; i < 2; i++) { /* 2 (x^2 + b) */
        hone_tensor_list d2 = hone_autograd_grad(hone_list(hone_sum(d.at[i])), hone_list(x),
                                                 &(hone_autograd_options){ .retain_graph = true });
        OK(d2.at);
        expect(d2.at[0], 4, 8, 12);
    }
}

Test(autograd, unused_inputs)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *other = leaf(1, 1, 1), *y = hone_sum(hone_exp(x));
    FAILS(hone_autograd_grad(hone_list(y), hone_list(x, other),
                             &(hone_autograd_options){ .retain_graph = true })
              .at,
          HONE_E_STATE, "input 1");
    hone_tensor_list g = hone_autograd_grad(hone_list(y), hone_list(x, other),
                                            &(hone_autograd_options){ .allow_unused = true });
    OK(g.at);
    cr_assert_eq(g.at[1], HONE_NONE);
    FAILS(hone_autograd_grad(hone_list(y), hone_list(hone_ones(HONE_F64, 3)), NULL).at,
          HONE_E_STATE, "require");
}

/* ---- size and life ---- */

Test(autograd, long_chains_neither_recurse_nor_leak)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_scalar(HONE_F64, 1), true), *y = NULL;
    for (int round = 0; round < 2; round++) { /* one chain is walked, one only dropped */
        OK(hone_assign(&y, x) == HONE_OK);
        for (int i = 0; i < 200000; i++) {
            HONE_SCOPE();
            OK(hone_assign(&y, hone_add_scalar(y, 1)) == HONE_OK);
        }
        if (round == 0)
            OK(hone_backward(y) == HONE_OK);
    }
    hone_release(y);
    cr_assert_eq(hone_item(hone_grad(x)), 1.0);
}

static hone_status training_step(hone_tensor *w, hone_tensor *x)
{
    HONE_SCOPE();
    hone_tensor *h = hone_relu_(hone_add_(hone_matmul(x, w), w));
    hone_tensor *g = hone_autograd_grad(hone_list(hone_sum(hone_exp(h))), hone_list(w),
                                        &(hone_autograd_options){ .create_graph = true })
                             .at
                         ? hone_sum(hone_square(h))
                         : NULL;
    return hone_backward(g);
}

Test(autograd, any_allocation_may_fail)
{
    HONE_SCOPE();
    hone_tensor *w = hone_requires_grad_(hone_mul_scalar(hone_ones(HONE_F64, 3, 3), 0.1), true),
                *x = hone_ones(HONE_F64, 3, 3);
    OK(training_step(w, x) == HONE_OK);
    int64_t n = 0, tensors = hone__obj_live(HONE__OBJ_TENSOR),
            nodes = hone__obj_live(HONE__OBJ_NODE);
    for (;; n++) {
        hone__fail_allocation(n);
        hone_status status = training_step(w, x);
        hone__fail_allocation(-1);
        cr_assert_eq(hone__obj_live(HONE__OBJ_TENSOR), tensors, "allocation %d", (int)n);
        cr_assert_eq(hone__obj_live(HONE__OBJ_NODE), nodes, "allocation %d", (int)n);
        if (status == HONE_OK)
            break;
        cr_assert_eq(hone_error_code(), HONE_E_NOMEM, "allocation %d: %s", (int)n,
                     hone_error_message());
        hone_error_clear();
    }
    cr_assert_gt(n, 50);
}

static void *train_in_thread(void *w)
{
    for (int i = 0; i < 200; i++) {
        HONE_SCOPE();
        hone_backward(hone_sum(hone_mul_scalar(w, 2)));
    }
    return NULL;
}

static atomic_bool stop;

static void *zero_in_thread(void *w)
{
    HONE_NO_GRAD();
    while (!atomic_load(&stop)) {
        HONE_SCOPE();
        hone_backward(hone_sum(hone_mul_scalar(w, 2)));
        hone_set_grad(w, hone_ones(HONE_F64, 3));
    }
    return NULL;
}

/* Each reads a gradient that the other one replaces all the time. */
Test(autograd, a_gradient_outlives_its_replacement)
{
    HONE_SCOPE();
    hone_tensor *w = leaf(1, 2, 3);
    hone_optim *optim = hone_sgd_list(hone_list(w), &(hone_sgd_options){ .lr = 1e-9 });
    OK(optim);
    pthread_t thread;
    atomic_store(&stop, false);
    pthread_create(&thread, NULL, zero_in_thread, w);
    for (int i = 0; i < 200000; i++) {
        HONE_SCOPE();
        hone_tensor *grad = hone_grad(w);
        cr_assert(!grad || hone_numel(grad) == 3);
        if (i % 16 == 0)
            OK(hone_optim_step(optim) == HONE_OK);
        cr_assert(!grad || hone_at(grad, 0) == 1.0);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    hone_optim_free(optim);
}

Test(autograd, threads_share_leaves)
{
    HONE_SCOPE();
    hone_tensor *w = leaf(1, 2, 3);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, train_in_thread, w);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    expect(hone_grad(w), 1200, 1200, 1200);
}

/* A thread that has numbers for its nodes from before goes on from a newer node of another one's. */
static struct {
    pthread_barrier_t step;
    hone_tensor *from, *result;
} handed;

static void *goes_on(void *unused)
{
    HONE_SCOPE();
    hone_mul(hone_requires_grad_(hone_ones(HONE_F32, 1), true), hone_ones(HONE_F32, 1));
    pthread_barrier_wait(&handed.step);
    pthread_barrier_wait(&handed.step);
    handed.result = hone_retain(hone_mul(handed.from, handed.from));
    return unused;
}

Test(autograd, a_node_comes_after_those_of_another_thread_that_it_goes_on_from)
{
    HONE_SCOPE();
    pthread_t thread;
    hone_tensor *x = hone_requires_grad_(hone_full(HONE_F32, 3, 1), true);
    pthread_barrier_init(&handed.step, NULL, 2);
    cr_assert_eq(pthread_create(&thread, NULL, goes_on, NULL), 0);
    pthread_barrier_wait(&handed.step);
    hone_tensor *y = hone_mul_scalar(x, 2);
    for (int i = 0; i < 300; i++) /* more than are drawn at once */
        y = hone_add_scalar(y, 0);
    handed.from = y;
    pthread_barrier_wait(&handed.step);
    pthread_join(thread, NULL);
    cr_assert_eq(hone_backward(hone_sum(hone_add(handed.result, y))), HONE_OK);
    cr_assert_eq(hone_item(hone_grad(x)), 26);
    hone_release(handed.result);
    pthread_barrier_destroy(&handed.step);
}
