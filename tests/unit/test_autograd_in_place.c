/* test_autograd_in_place.c: what changes a tensor in place: history, saved tensors, views. */
#include "gradients.h"

#include <math.h>

GRADIENT_SUITE(autograd_in_place);

Test(autograd_in_place, in_place_on_inner_tensors_is_recorded)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *b = leaf(10, 20, 30);
    hone_tensor *out = hone_mul_scalar(x, 2);
    cr_assert_eq(hone_add_(out, b), out);
    OK(hone_relu_(out));
    OK(hone_backward(hone_sum(hone_square(out))) == HONE_OK); /* (2x + b)^2 */
    expect(hone_grad(x), 48, 96, 144);
    expect(hone_grad(b), 24, 48, 72);
}

Test(autograd_in_place, in_place_gives_a_constant_a_history)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *out = hone_ones(HONE_F64, 3);
    OK(hone_mul_(out, x));
    cr_assert(hone_requires_grad(out));
    OK(hone_backward(hone_sum(out)) == HONE_OK);
    expect(hone_grad(x), 1, 1, 1);
}

Test(autograd_in_place, what_an_in_place_op_overwrites_is_kept_for_its_gradient)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *y = hone_square_(hone_square_(hone_mul_scalar(x, 1)));
    hone_tensor_list d = hone_autograd_grad(hone_list(hone_sum(y)), hone_list(x),
                                            &(hone_autograd_options){ .create_graph = true });
    OK(d.at);
    expect(d.at[0], 4, 32, 108);
    OK(hone_backward(hone_sum(d.at[0])) == HONE_OK);
    expect(hone_grad(x), 12, 48, 108);
}

Test(autograd_in_place, in_place_refusals)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *inner = hone_neg(x);
    FAILS(hone_add_scalar_(x, 1), HONE_E_STATE, "leaf");
    FAILS(hone_add_(hone_expand(hone_ones(HONE_F64, 1), 3), inner), HONE_E_STATE, "expanded");
    FAILS(hone_add_scalar_(hone_reshape(inner, 3, 1), 1), HONE_E_STATE, "view");
    FAILS(hone_add_(hone_reshape(hone_ones(HONE_F64, 3), 3), x), HONE_E_STATE, "view");
    FAILS(hone_copy_in(inner, (double[3]){ 0 }, 24) == HONE_OK, HONE_E_STATE, "computed");
    FAILS(hone_add_(hone_ones(HONE_F64, 2), x), HONE_E_SHAPE, "[2]");
    FAILS(hone_add_scalar_(hone_ones(HONE_I64, 2), 0.5), HONE_E_DTYPE, "i64");
    expect(x, 1, 2, 3);
}

Test(autograd_in_place, a_modified_saved_tensor_is_refused)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *a = hone_neg(x);
    hone_tensor *y = hone_sum(hone_mul(a, a));
    OK(hone_add_scalar_(a, 1));
    FAILS(hone_backward(y) == HONE_OK, HONE_E_STATE, "modified in place");
    hone_tensor *e = hone_exp(x);
    y = hone_sum(e);
    OK(hone_mul_scalar_(e, 2));
    FAILS(hone_backward(y) == HONE_OK, HONE_E_STATE, "exp");
}

Test(autograd_in_place, a_view_made_before_its_base_was_modified_is_refused)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *base = hone_neg(x), *view = hone_reshape(base, 3, 1);
    OK(hone_mul_(base, x));
    FAILS(hone_exp(view), HONE_E_STATE, "view");
    OK(hone_backward(hone_sum(hone_reshape(base, 3, 1))) == HONE_OK); /* -x^2 */
    expect(hone_grad(x), -2, -4, -6);
}

Test(autograd_in_place, stale_views_are_refused_wherever_they_come_from)
{
    HONE_SCOPE();
    hone_tensor *w = leaf(1, 2, 3), *x = hone_zeros(HONE_F64, 3);
    hone_tensor *view = hone_slice(x, 0, 0, 2, 1), *ones = hone_ones(HONE_F64, 3, 1);
    OK(hone_add_(x, w)); /* the view was made when x had no history */
    FAILS(hone_exp(view), HONE_E_STATE, "view");
    hone_tensor *y = hone_neg(w), *v = hone_reshape(y, 3, 1);
    OK(hone_mul_(y, w));
    FAILS(hone_backward_with(v, &(hone_backward_options){ .gradient = ones }) == HONE_OK,
          HONE_E_STATE, "view");
    y = hone_neg(w), v = hone_reshape(y, 3, 1);
    OK(hone_fill_(y, 0));
    FAILS(hone_exp(v), HONE_E_STATE, "view");
    {
        HONE_NO_GRAD();
        v = hone_reshape(w, 3, 1);
    }
    FAILS(hone_add_scalar_(v, 1), HONE_E_STATE, "view");
    expect(w, 1, 2, 3);
}

Test(autograd_in_place, a_view_of_a_parameter_outlives_an_optimizers_step)
{
    HONE_SCOPE();
    hone_tensor *w = leaf(1, 2, 3), *view = hone_reshape(w, 3, 1);
    {
        HONE_NO_GRAD();
        OK(hone_sub_(w, hone_ones(HONE_F64, 3)));
    }
    OK(hone_backward(hone_sum(hone_square(view))) == HONE_OK);
    expect(hone_grad(w), 0, 2, 4);
}

Test(autograd_in_place, in_place_in_another_dtype_keeps_second_derivatives)
{
    HONE_SCOPE();
    hone_tensor *b = hone_requires_grad_(hone_scalar(HONE_F64, 3), true);
    hone_tensor *y = hone_pow_(hone_full(HONE_F32, 2, 1), hone_reshape(b, 1)); /* 2^b */
    const hone_autograd_options create = { .create_graph = true };
    hone_tensor_list d = hone_autograd_grad(hone_list(hone_sum(y)), hone_list(b), &create);
    OK(d.at);
    hone_tensor_list d2 = hone_autograd_grad(hone_list(d.at[0]), hone_list(b), NULL);
    OK(d2.at);
    const double ln2 = 0.6931471805599453;
    cr_assert_float_eq(hone_item(d2.at[0]), 8 * ln2 * ln2, 1e-6);
}

/* ---- what an op in place must not leave behind: the suite counts handles and nodes ---- */

Test(autograd_in_place, an_operand_computed_from_the_target_is_no_cycle)
{
    for (int i = 0; i < 1000; i++) {
        HONE_SCOPE();
        hone_tensor *x = leaf(1, 2, 3), *y = hone_exp(x);
        OK(hone_sub_(y, hone_log(y)));
        OK(hone_mul_(y, hone_tanh(hone_sin(hone_add(y, hone_mul(y, x))))));
        if (i % 2 == 0)
            FAILS(hone_backward(hone_sum(y)) == HONE_OK, HONE_E_STATE, "modified in place");
    }
}

Test(autograd_in_place, nor_is_one_computed_before_another_change)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *y = hone_exp(x), *l = hone_log(y);
    OK(hone_add_(y, x));
    OK(hone_sub_(y, l));
    hone_tensor *c = hone_ones(HONE_F64, 3), *cx = hone_mul(c, x); /* a constant, saved by mul */
    OK(hone_add_(c, cx));
}

Test(autograd_in_place, nor_are_two_that_hold_each_other)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *y = hone_ones(HONE_F64, 3), *z = hone_ones(HONE_F64, 3);
    hone_tensor *of_y = hone_mul(y, x), *of_z = hone_mul(z, x);
    OK(hone_add_(z, of_y));
    OK(hone_add_(y, of_z));
    hone_tensor *a = leaf(1, 2, 3), *of_a = hone_exp(a); /* a leaf that stops to be one */
    hone_requires_grad_(a, false);
    OK(hone_mul_(a, of_a));
}

Test(autograd_in_place, a_gradient_with_a_history_does_not_hold_its_leaf)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3);
    OK(hone_backward(hone_sum(hone_square(x))) == HONE_OK);
    OK(hone_add_(hone_grad(x), hone_mul_scalar(x, 0.1))); /* weight decay without HONE_NO_GRAD */
    expect(hone_grad(x), 2.1, 4.2, 6.3);
    hone_tensor_list d = hone_autograd_grad(hone_list(hone_sum(hone_square(x))), hone_list(x),
                                            &(hone_autograd_options){ .create_graph = true });
    OK(d.at && hone_set_grad(x, d.at[0]) == HONE_OK);
    expect(hone_grad(x), 2, 4, 6);
    cr_assert(!hone_requires_grad(hone_grad(x)));
    hone_tensor *a = leaf(1, 2, 3), *b = leaf(1, 1, 1), *g = hone_ones(HONE_F64, 3);
    OK(hone_set_grad(a, g) == HONE_OK && hone_set_grad(b, hone_ones(HONE_F64, 3)) == HONE_OK);
    cr_assert_eq(hone_grad(a), g);
    OK(hone_mul_(g, b));            /* a leads to b ... */
    OK(hone_mul_(hone_grad(b), a)); /* ... and b to a */
}

Test(autograd_in_place, what_was_saved_before_stays_of_use_elsewhere)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *y = hone_mul_scalar(x, 2), *other = hone_exp(x);
    hone_tensor *l = hone_mul(y, other); /* saves y, and is walked before y is changed */
    OK(hone_backward_with(l, &(hone_backward_options){ .gradient = hone_ones(HONE_F64, 3),
                                                       .retain_graph = true }) == HONE_OK);
    FAILS(hone_sub_(y, hone_reshape(l, 1, 3)), HONE_E_SHAPE, "sub_"); /* changes nothing */
    hone_set_grad(x, HONE_NONE);
    OK(hone_backward(hone_sum(l)) == HONE_OK); /* (2 x e^x)' */
    expect(hone_grad(x), 4 * exp(1), 6 * exp(2), 8 * exp(3));
}

/* One y for ever: the search for what holds it must not grow with its history. */
Test(autograd_in_place, a_long_history_costs_no_search)
{
    HONE_SCOPE();
    hone_tensor *x = leaf(1, 2, 3), *y = hone_retain(hone_exp(x));
    for (int i = 0; i < 50000; i++) {
        HONE_SCOPE();
        OK(hone_sub_(y, hone_mul_scalar(hone_sin(y), 1e-6)));
    }
    hone_release(y);
}
