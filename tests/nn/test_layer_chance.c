/* RReLU and FractionalMaxPool: what is drawn, what isn't, and what they refuse. Their values against
 * PyTorch's are in tests/golden. */
#include "support.h"

#include <hone/accumulate.h>
#include <hone/autograd.h>
#include <hone/nn.h>
#include <hone/ops.h>

#include <math.h>

SUITE(layer_chance);

static hone_module *layer(const char *name, const char *arguments)
{
    hone_module *l = hone_nn_layer(name, arguments);
    cr_assert(l, "%s(%s): %s", name, arguments, hone_error_message());
    return l;
}

Test(layer_chance, rrelu_draws_slopes_in_training_alone)
{
    hone_seed(1);
    hone_module *l = layer("RReLU", "0.25, 0.75");
    hone_tensor *x = hone_full(HONE_F32, -1, 100, 100);
    hone_tensor *slope = hone_neg(hone_forward(l, x));
    cr_assert(hone_item(hone_min(slope)) >= 0.25 && hone_item(hone_max(slope)) <= 0.75);
    cr_assert(hone_item(hone_min(slope)) < 0.26 && hone_item(hone_max(slope)) > 0.74);
    cr_assert(fabs(hone_item(hone_mean(slope)) - 0.5) < 0.01);
    hone_seed(1);
    cr_assert(hone_equal(hone_neg(hone_forward(l, x)), slope));
    hone_seed(1); /* the same of f64, to f32's digits */
    hone_tensor *same = hone_neg(hone_forward(l, hone_to(x, HONE_F64)));
    cr_assert(hone_item(hone_max(hone_abs(hone_sub(same, hone_to(slope, HONE_F64))))) < 1e-7);
    hone_tensor *special = T(HONE_F32, (5), 3, 0, -0.0, INFINITY, NAN);
    CHECK_VALUES(hone_forward(l, special), HONE_F32, (5), 3, 0, -0.0, INFINITY, NAN);
    hone_module_train(l, false);
    CHECK_VALUES(hone_forward(l, T(HONE_F32, (3), -2, 0, 3)), HONE_F32, (3), -1, 0, 3);
    hone_module_train(l, true);
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_I64, 3)), HONE_E_DTYPE,
                "RReLU: needs floats, got i64 [3]");
    hone_module_free(l);
    CHECK_FAILS(hone_nn_layer("RReLU", "0.5, 0.25"), HONE_E_VALUE,
                "RReLU: lower is 0.5, at most upper, 0.25, is wanted");
}

/* Each call begins where the generator stood. */
static hone_tensor *drawn_anew(hone_tensor *const *in, int n_in, void *user)
{
    hone_seed(2);
    (void)n_in;
    return hone_forward((hone_module *)user, in[0]);
}

Test(layer_chance, gradients)
{
    static const char *const cases[][2] = { { "RReLU", "" },
                                            { "FractionalMaxPool2d", "2, output_size=(3, 4)" },
                                            { "FractionalMaxPool3d", "2, output_ratio=0.5" } };
    for (int i = 0; i < 3; i++) {
        hone_module *l = layer(cases[i][0], cases[i][1]);
        hone_seed(7);
        hone_tensor *x = hone_randn(HONE_F64, 2, 5, 6, 6);
        hone_requires_grad_(x, true);
        const hone_tensor_list in = { &x, 1 };
        CHECK_OK(hone_gradcheck(cases[i][0], drawn_anew, l, in, NULL));
        CHECK_OK(hone_gradgradcheck(cases[i][0], drawn_anew, l, in, NULL));
        hone_module_free(l);
    }
}

/* A batch in parts has what the whole batch would. */
Test(layer_chance, parts_draw_what_the_whole_batch_does)
{
    static const char *const cases[][2] = { { "RReLU", "" },
                                            { "FractionalMaxPool2d", "2, output_ratio=0.6" } };
    for (int i = 0; i < 2; i++) {
        hone_module *l = layer(cases[i][0], cases[i][1]);
        hone_seed(3);
        hone_tensor *x = hone_randn(HONE_F32, 5, 3, 9, 8);
        hone_seed(4);
        hone_tensor *whole = hone_forward(l, x);
        hone_seed(4);
        CHECK_OK(hone_accumulate_begin(5));
        for (int at = 0; at < 5; at += 2) {
            const int end = at + 2 < 5 ? at + 2 : 5;
            CHECK_OK(hone_accumulate_part(end - at));
            hone_tensor *part = hone_forward(l, hone_slice(x, 0, at, end, 1));
            cr_assert(test_same_bits(hone_contiguous(hone_slice(whole, 0, at, end, 1)), part),
                      "%s: samples from %d", cases[i][0], at);
        }
        hone_accumulate_end();
        hone_module_free(l);
    }
}

Test(layer_chance, fractional_windows)
{
    hone_module *l = layer("FractionalMaxPool2d", "2, output_size=3");
    hone_tensor *x = hone_reshape(hone_arange(HONE_F32, 0, 63, 1), 1, 9, 7);
    /* columns begin at 0, 2, 5, rows at 0, 3, 7: PyTorch's of these samples */
    hone_tensor *u = T(HONE_F32, (1, 1, 2), 0.1, 0.9);
    hone_tensor *y = hone_forward(l, x, u);
    CHECK_VALUES(y, HONE_F32, (1, 3, 3), 8, 10, 13, 29, 31, 34, 57, 59, 62);
    CHECK_VALUES(hone_forward(l, hone_reshape(x, 1, 1, 9, 7), u), HONE_F32, (1, 1, 3, 3), 8, 10, 13,
                 29, 31, 34, 57, 59, 62);
    cr_assert(hone_equal(hone_forward(l, x, hone_to(u, HONE_F64)), y));
    hone_seed(5);
    hone_tensor *drawn = hone_forward(l, hone_expand(x, 20, 9, 7));
    cr_assert(hone_size(drawn, 0) == 20 && hone_item(hone_std(hone_select(drawn, 1, 1), 0)) > 0);
    /* a sample alone and none */
    cr_assert(hone_dim(hone_forward(l, x)) == 3);
    cr_assert(hone_size(hone_forward(l, hone_zeros(HONE_F32, 0, 2, 9, 7)), 0) == 0);
    /* whatever is drawn, windows stay inside */
    hone_tensor *least = T(HONE_F32, (1, 1, 2), 0, 0);
    hone_tensor *most = hone_full(HONE_F32, nextafterf(1, 0), 1, 1, 2);
    cr_assert(hone_forward(l, x, least) && hone_forward(l, x, most), "%s", hone_error_message());
    hone_module_free(l);
}

Test(layer_chance, fractional_pools_refuse)
{
    CHECK_FAILS(hone_nn_layer("FractionalMaxPool2d", "2"), HONE_E_VALUE,
                "FractionalMaxPool2d: wants either output_size or output_ratio");
    CHECK_FAILS(hone_nn_layer("FractionalMaxPool2d", "2, 3, 0.5"), HONE_E_VALUE, "wants either");
    CHECK_FAILS(hone_nn_layer("FractionalMaxPool2d", "2, output_ratio=1"), HONE_E_VALUE,
                "FractionalMaxPool2d: output_ratio is one number or one for each dim, more than 0 "
                "and less than 1");
    CHECK_FAILS(hone_nn_layer("FractionalMaxPool3d", "2, output_ratio=(0.5, 0.5)"), HONE_E_VALUE,
                "one for each dim");
    CHECK_FAILS(hone_nn_layer("FractionalMaxPool3d", "2, 3, return_indices=True"), HONE_E_VALUE,
                "FractionalMaxPool3d: hone has no return_indices: a layer gives one tensor");
    hone_module *l = layer("FractionalMaxPool2d", "2, output_size=(3, 4)");
    hone_tensor *x = hone_ones(HONE_F32, 2, 3, 5, 5);
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 5, 5)), HONE_E_SHAPE,
                "FractionalMaxPool2d: wants floats of 4 dims, or 3 for one sample, got f32 [5, 5]");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_I64, 3, 5, 5)), HONE_E_SHAPE, "wants floats");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 3, 5, 4)), HONE_E_SHAPE,
                "FractionalMaxPool2d: 4 windows of 2 don't fit dim 3 of f32 [1, 3, 5, 4]");
    CHECK_FAILS(hone_forward(l, x, hone_zeros(HONE_F32, 2, 3, 3)), HONE_E_SHAPE,
                "the random samples are f32 [2, 3, 3], floats [2, 3, 2] are wanted");
    CHECK_FAILS(hone_forward(l, x, hone_ones(HONE_F32, 2, 3, 2)), HONE_E_VALUE,
                "random sample 0 is 1, 0 to below 1 is wanted");
    CHECK_FAILS(hone_forward(l, x, x, x), HONE_E_VALUE, "3 inputs were given");
    hone_module_free(l);
    l = layer("FractionalMaxPool2d", "2, output_ratio=0.1");
    CHECK_FAILS(hone_forward(l, x), HONE_E_SHAPE, "0 windows of 2 don't fit dim 2");
    hone_module_free(l);
}

static bool make_and_run(void)
{
    HONE_SCOPE();
    hone_module *l = hone_nn_layer(
        "Sequential", "RReLU(), FractionalMaxPool2d(2, output_ratio=(0.5, 0.75)), RReLU()");
    hone_tensor *y = l ? hone_forward(l, hone_ones(HONE_F32, 2, 2, 5, 6)) : NULL;
    hone_module_free(l);
    return y != NULL;
}

Test(layer_chance, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(make_and_run);
}
