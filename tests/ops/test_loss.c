/* test_loss.c: cross entropy at its edges. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(loss);

Test(loss, an_empty_batch_is_nan)
{
    hone_tensor *x = hone_requires_grad_(hone_zeros(HONE_F32, 0, 5), true);
    hone_tensor *loss = hone_cross_entropy(x, hone_zeros(HONE_I64, 0));
    CHECK_VALUE0(loss, HONE_F32, NAN);
    CHECK_OK(hone_backward(loss));
    cr_assert_eq(hone_numel(hone_grad(x)), 0);
}

Test(loss, a_sure_answer_costs_nothing_however_large)
{
    hone_tensor *x = T(HONE_F32, (2, 3), 1e4, 0, -1e4, -1e30, 1e30, 0);
    CHECK_VALUE0(hone_cross_entropy(x, T(HONE_I64, (2), 0, 1)), HONE_F32, 0);
    CHECK_VALUE0(hone_cross_entropy(x, T(HONE_I64, (2), 1, 1)), HONE_F32, 5000);
    CHECK_VALUE0(hone_cross_entropy(T(HONE_F32, (1, 2), NAN, 0), T(HONE_I64, (1), 1)), HONE_F32,
                 NAN);
}

/* The lecture's formula: -mean(H[i, y_i]) + mean(logsumexp(H)). */
Test(loss, it_is_the_lectures_formula)
{
    hone_tensor *h = hone_requires_grad_(hone_randn(HONE_F64, 50, 10), true);
    hone_tensor *y = hone_randint(HONE_I64, 0, 10, 50);
    hone_tensor *rows = hone_arange(HONE_I64, 0, 50, 1);
    hone_tensor *formula = hone_add(hone_neg(hone_mean(hone_index(h, rows, y))),
                                    hone_mean(hone_logsumexp(h, -1, false)));
    hone_tensor *loss = hone_cross_entropy(h, y);
    cr_assert_float_eq(hone_item(loss), hone_item(formula), 1e-14);
    CHECK_OK(hone_backward(formula));
    hone_tensor *wanted = hone_clone(hone_grad(h));
    CHECK_OK(hone_set_grad(h, HONE_NONE));
    CHECK_OK(hone_backward(loss));
    cr_assert(hone_allclose(hone_grad(h), wanted, 0, 1e-15));
}

/* The gradient that is made along with the loss has the bits of the one that is made for itself, in
 * a second walk too, whatever strides the logits have. */
Test(loss, its_gradient_has_the_bits_of_its_op)
{
    for (int kind = 0; kind < 4; kind++) {
        const hone_dtype dtype = kind & 1 ? HONE_F64 : HONE_F32;
        hone_tensor *x =
            kind & 2 ? hone_transpose(hone_randn(dtype, 7, 33), 0, 1) : hone_randn(dtype, 33, 7);
        hone_tensor *y = hone_randint(HONE_I64, 0, 7, 33);
        hone_requires_grad_(x, true);
        hone_tensor *loss = hone_cross_entropy(x, y);
        for (double scale = 1; scale < 4; scale++) {
            hone_tensor *dy = hone_scalar(dtype, scale);
            for (int walk = 0; walk < 2; walk++) {
                CHECK_OK(hone_set_grad(x, HONE_NONE));
                CHECK_OK(hone_backward_with(
                    loss, &(hone_backward_options){ .gradient = dy, .retain_graph = true }));
                cr_assert(hone_equal(hone_grad(x), hone_cross_entropy_backward(dy, x, y)));
                hone_zero_(hone_grad(x));
            }
        }
    }
}

/* What can't be read where it lies is copied, two classes too. */
Test(loss, strided_logits_have_the_bits_of_contiguous_ones)
{
    for (int64_t classes = 1; classes < 4; classes++) {
        hone_tensor *columns = hone_transpose(hone_randn(HONE_F32, classes, 5), 0, 1);
        hone_tensor *every_other = hone_slice(hone_randn(HONE_F32, 5, 6), 1, 0, 2 * classes, 2);
        hone_tensor *y = hone_randint(HONE_I64, 0, classes, 5), *dy = hone_scalar(HONE_F32, 1);
        for (int i = 0; i < 2; i++) {
            hone_tensor *x = i ? every_other : columns, *copy = hone_clone(x);
            cr_assert(hone_equal(hone_cross_entropy(x, y), hone_cross_entropy(copy, y)));
            cr_assert(hone_equal(hone_cross_entropy_backward(dy, x, y),
                                 hone_cross_entropy_backward(dy, copy, y)));
        }
    }
}

Test(loss, errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 4, 10), *y = T(HONE_I64, (4), 0, 9, 3, 12);
    CHECK_FAILS(hone_cross_entropy(x, y), HONE_E_INDEX,
                "cross_entropy: target[3] is 12, but there are 10 classes");
    CHECK_FAILS(hone_cross_entropy(x, T(HONE_I32, (4), 0, -1, 3, 10)), HONE_E_INDEX,
                "target[1] is -1");
    CHECK_FAILS(hone_cross_entropy(x, T(HONE_F32, (4), 0, 1, 2, 3)), HONE_E_DTYPE, "f32 [4]");
    CHECK_FAILS(hone_cross_entropy(x, T(HONE_BOOL, (4), 0, 1, 0, 1)), HONE_E_DTYPE, "bool [4]");
    CHECK_FAILS(hone_cross_entropy(hone_zeros(HONE_I64, 4, 10), y), HONE_E_DTYPE, "i64 [4, 10]");
    CHECK_FAILS(hone_cross_entropy(x, hone_zeros(HONE_I64, 3)), HONE_E_SHAPE, "i64 [3]");
    CHECK_FAILS(hone_cross_entropy(x, hone_zeros(HONE_I64, 4, 1)), HONE_E_SHAPE, "i64 [4, 1]");
    CHECK_FAILS(hone_cross_entropy(hone_zeros(HONE_F32, 10), y), HONE_E_SHAPE, "[batch, classes]");
    CHECK_FAILS(hone_cross_entropy(hone_zeros(HONE_F32, 4, 0), y), HONE_E_INDEX, "0 classes");
    y = hone_zeros(HONE_I64, 4);
    CHECK_FAILS(hone_cross_entropy_backward(hone_ones(HONE_F32, 1), x, y), HONE_E_SHAPE, "0-d");
    CHECK_FAILS(hone_cross_entropy_backward(hone_scalar(HONE_F64, 1), x, y), HONE_E_DTYPE, "f64");
}
