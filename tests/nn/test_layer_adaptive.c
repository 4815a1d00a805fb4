/* AdaptiveLogSoftmaxWithLoss beside what tests/golden has of it. */
#include "support.h"

#include <hone/accumulate.h>
#include <hone/autograd.h>
#include <hone/nn.h>
#include <hone/ops.h>

#include <math.h>

SUITE(layer_adaptive);

static hone_module *layer(const char *arguments)
{
    hone_module *l = hone_nn_layer("AdaptiveLogSoftmaxWithLoss", arguments);
    cr_assert(l, "%s: %s", arguments, hone_error_message());
    return l;
}

Test(layer_adaptive, the_loss_is_that_of_its_probabilities)
{
    hone_seed(1);
    hone_module *l = layer("8, 20, (4, 7, 15), 1.5, head_bias=True, dtype=f64");
    hone_tensor *x = hone_randn(HONE_F64, 30, 8), *target = hone_randint(HONE_I64, 0, 20, 30);
    hone_tensor *all = hone_forward(l, x);
    cr_assert(hone_size(all, 0) == 30 && hone_size(all, 1) == 20);
    hone_tensor *sums = hone_sum_dim(hone_exp(all), 1, false);
    cr_assert(hone_item(hone_max(hone_abs(hone_sub_scalar(sums, 1)))) < 1e-12);
    hone_tensor *picked = hone_gather(all, 1, hone_unsqueeze(target, 1));
    const double loss = hone_item(hone_forward(l, x, target));
    cr_assert(fabs(loss + hone_item(hone_mean(picked))) < 1e-12);
    cr_assert(hone_item(hone_forward(l, x, hone_to(target, HONE_I32))) == loss);
    hone_tensor *one = hone_forward(l, hone_select(x, 0, 3));
    cr_assert(test_same_bits(hone_contiguous(hone_select(all, 0, 3)), one));
    hone_module_free(l);
}

static hone_tensor *loss_of(hone_tensor *const *in, int n_in, void *user)
{
    (void)n_in;
    return hone_forward((hone_module *)user, in[0], in[1]);
}

Test(layer_adaptive, gradients)
{
    hone_seed(2);
    hone_module *l = layer("6, 9, (2, 5), 2.0, dtype=f64");
    hone_tensor *x = hone_requires_grad_(hone_randn(HONE_F64, 5, 6), true);
    hone_tensor *in[] = { x, T(HONE_I64, (5), 0, 8, 3, 1, 5) };
    const hone_tensor_list both = { in, 2 };
    CHECK_OK(hone_gradcheck("adaptive", loss_of, l, both, NULL));
    CHECK_OK(hone_gradgradcheck("adaptive", loss_of, l, both, NULL));
    hone_module_free(l);
}

/* Also where a part has nothing of a cluster. */
Test(layer_adaptive, parts_have_the_bits_of_the_whole_batch)
{
    enum { N = 300 };
    hone_seed(3);
    hone_module *l = layer("16, 40, (5, 12, 30), 2.0, True");
    const hone_tensor_list p = hone_parameters(l);
    hone_tensor *x = hone_randn(HONE_F32, N, 16), *target = hone_randint(HONE_I64, 0, 40, N);
    hone_tensor *whole[10];
    static const int sizes[] = { N, 1, 7, 128 };
    for (int i = 0; i < 4; i++) {
        CHECK_OK(hone_module_zero_grad(l));
        CHECK_OK(hone_accumulate_begin(N));
        for (int at = 0; at < N; at += sizes[i]) {
            HONE_SCOPE();
            const int end = at + sizes[i] < N ? at + sizes[i] : N;
            CHECK_OK(hone_accumulate_part(end - at));
            CHECK_OK(hone_backward(
                hone_forward(l, hone_slice(x, 0, at, end, 1), hone_slice(target, 0, at, end, 1))));
        }
        cr_assert(hone_accumulate_end(), "%s", hone_error_message());
        for (int k = 0; k < p.n; k++) {
            if (i == 0)
                whole[k] = hone_clone(hone_grad(p.at[k]));
            cr_assert(test_same_bits(whole[k], hone_grad(p.at[k])), "parameter %d, parts of %d", k,
                      sizes[i]);
        }
    }
    hone_module_free(l);
}

Test(layer_adaptive, what_it_refuses)
{
    static const char *const wrong[] = { "8, 10, ()", "8, 10, (3, 3)", "8, 10, (4, 3)",
                                         "8, 10, (3, 10)", "8, 10, 3, 0.0" };
    CHECK_FAILS(hone_nn_layer("AdaptiveLogSoftmaxWithLoss", wrong[1]), HONE_E_VALUE,
                "AdaptiveLogSoftmaxWithLoss: wants cutoffs that go up and are below n_classes, and "
                "a div_value above 0");
    for (int i = 0; i < 5; i++)
        CHECK_FAILS(hone_nn_layer("AdaptiveLogSoftmaxWithLoss", wrong[i]), HONE_E_VALUE,
                    "AdaptiveLogSoftmaxWithLoss: ");
    CHECK_FAILS(hone_nn_layer("AdaptiveLogSoftmaxWithLoss", "8, 10, (3, 5), 3.0"), HONE_E_VALUE,
                "nn_linear: sizes 8 to 0");
    hone_module *l = layer("4, 10, 3, 2");
    hone_tensor *x = hone_ones(HONE_F32, 2, 4);
    CHECK_FAILS(hone_forward(l, x, T(HONE_I64, (2), 1, 10)), HONE_E_INDEX,
                "AdaptiveLogSoftmaxWithLoss: target 1 is 10, 0 to 9 is wanted");
    CHECK_FAILS(hone_forward(l, x, T(HONE_I64, (3), 1, 1, 1)), HONE_E_SHAPE,
                "AdaptiveLogSoftmaxWithLoss: wants [N, features] and a target [N], or [features] "
                "and [], got f32 [2, 4] and i64 [3]");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 1, 2, 4)), HONE_E_SHAPE, "and none");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 2, 3)), HONE_E_SHAPE, "linear");
    CHECK_FAILS(hone_forward(l, x, HONE_NONE), HONE_E_SHAPE, "and none");
    CHECK_FAILS(hone_forward(l, x, x, x), HONE_E_VALUE, "3 inputs were given");
    hone_module_free(l);
}

static bool make_and_run(void)
{
    HONE_SCOPE();
    hone_module *l = hone_nn_layer("AdaptiveLogSoftmaxWithLoss", "4, 6, (2, 4), 1.5, True");
    hone_tensor *x = hone_ones(HONE_F32, 3, 4), *target = hone_arange(HONE_I64, 0, 6, 2);
    hone_tensor *y = l && x && target ? hone_forward(l, x, target) : NULL;
    const bool ok = y && hone_backward(y) == HONE_OK && hone_forward(l, x);
    hone_module_free(l);
    return ok;
}

Test(layer_adaptive, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(make_and_run);
}
