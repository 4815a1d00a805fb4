#include "support.h"

#include <hone/autograd.h>
#include <hone/nn.h>
#include <hone/ops.h>
#include <hone/runtime.h>

#include <math.h>
#include <string.h>

SUITE(layers);

Test(layers, linear_begins_as_the_lecture_says)
{
    hone_seed(3);
    hone_module *l = hone_nn_linear(200, 300);
    const hone_tensor_list p = hone_parameters(l);
    cr_assert(p.n == 2 && hone_size(p.at[0], 0) == 200 && hone_size(p.at[0], 1) == 300);
    hone_seed(3);
    hone_tensor *same = hone_mul_scalar(hone_randn(HONE_F32, 200, 300), sqrt(2.0 / 200));
    cr_assert(hone_equal(p.at[0], same));
    cr_assert(hone_equal(p.at[1], hone_zeros(HONE_F32, 300)));
    hone_module_free(l);
}

Test(layers, linear_options)
{
    hone_module *l = hone_nn_linear_with(
        3, 2,
        &(hone_nn_linear_options){ .init_factor = HONE_ZERO, .no_bias = true, .dtype = HONE_F64 });
    const hone_tensor_list p = hone_parameters(l);
    cr_assert(p.n == 1);
    CHECK_VALUES(p.at[0], HONE_F64, (3, 2), 0, 0, 0, 0, 0, 0);
    CHECK_VALUES(hone_forward(l, T(HONE_F64, (1, 3), 1, 2, 3)), HONE_F64, (1, 2), 0, 0);
    hone_module_free(l);
    CHECK_FAILS(hone_nn_linear(0, 2), HONE_E_VALUE, "nn_linear: sizes 0 to 2");
    CHECK_FAILS(hone_nn_linear(2, -1), HONE_E_VALUE, "-1");
    CHECK_FAILS(hone_nn_linear_with(2, 2, &(hone_nn_linear_options){ .init_factor = -1 }),
                HONE_E_VALUE, "init_factor -1");
    CHECK_FAILS(hone_nn_linear_with(2, 2, &(hone_nn_linear_options){ .init_factor = NAN }),
                HONE_E_VALUE, "init_factor");
    CHECK_FAILS(hone_nn_linear_with(2, 2, &(hone_nn_linear_options){ .dtype = HONE_I64 }),
                HONE_E_DTYPE, "i64");
}

static int64_t live_tensors(void)
{
    hone_memory memory;
    hone_memory_stats(&memory);
    return memory.tensors;
}

/* What was needed to draw weights and the like doesn't wait for the caller's scope to end. */
Test(layers, constructors_leave_their_parameters_alone)
{
    const int64_t before = live_tensors();
    hone_module *linear = hone_nn_linear(3, 2);
    cr_assert(live_tensors() == before + 2);
    hone_module *norm = hone_nn_layer_norm(3, 2);
    cr_assert(live_tensors() == before + 4);
    hone_module_free(linear);
    hone_module_free(norm);
    cr_assert(live_tensors() == before);
}

Test(layers, linear_is_x_w_plus_b)
{
    hone_module *l = hone_nn_linear(2, 3);
    const hone_tensor_list p = hone_parameters(l);
    HONE_NO_GRAD();
    hone_copy_(p.at[0], T(HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6));
    hone_copy_(p.at[1], T(HONE_F32, (3), 10, 20, 30));
    CHECK_VALUES(hone_forward(l, T(HONE_F32, (2, 2), 1, 1, 2, 0)), HONE_F32, (2, 3), 15, 27, 39, 12,
                 24, 36);
    CHECK_FAILS(hone_forward(l, T(HONE_F32, (1, 3), 1, 1, 1)), HONE_E_SHAPE, "linear");
    CHECK_FAILS(hone_forward(l, p.at[0], p.at[0]), HONE_E_VALUE, "Linear: 2 inputs were given");
    hone_module_free(l);
}

Test(layers, plain_layers_are_their_ops)
{
    hone_module *relu = hone_nn_relu(), *sigmoid = hone_nn_sigmoid(), *tanh_ = hone_nn_tanh(),
                *gelu = hone_nn_gelu(), *gelu_tanh = hone_nn_gelu_tanh(),
                *flatten = hone_nn_flatten(), *loss = hone_nn_cross_entropy();
    char text[64];
    hone_tensor *x = T(HONE_F32, (2, 2, 1), -1, 2, 0.5, -3);
    cr_assert(hone_equal(hone_forward(relu, x), hone_relu(x)));
    cr_assert(hone_equal(hone_forward(sigmoid, x), hone_sigmoid(x)));
    cr_assert(hone_equal(hone_forward(tanh_, x), hone_tanh(x)));
    cr_assert(hone_equal(hone_forward(gelu, x), hone_gelu(x)));
    cr_assert(hone_equal(hone_forward(gelu_tanh, x), hone_gelu_tanh(x)));
    cr_assert(hone_sprint_module(text, sizeof text, gelu_tanh) > 0);
    cr_assert_str_eq(text, "GELU(approximate='tanh')");
    hone_tensor *rows = hone_forward(flatten, x), *target = T(HONE_I64, (2), 1, 0);
    CHECK_VALUES(rows, HONE_F32, (2, 2), -1, 2, 0.5, -3);
    cr_assert(hone_equal(hone_forward(loss, rows, target), hone_cross_entropy(rows, target)));
    CHECK_FAILS(hone_forward(loss, rows), HONE_E_VALUE, "CrossEntropyLoss: 1 inputs");
    hone_module_free(relu);
    hone_module_free(sigmoid);
    hone_module_free(tanh_);
    hone_module_free(gelu);
    hone_module_free(gelu_tanh);
    hone_module_free(flatten);
    hone_module_free(loss);
}

Test(layers, layer_norm_is_its_op_with_weight_and_bias)
{
    hone_module *l = hone_nn_layer_norm(2, 3);
    const hone_named_list p = hone_named_parameters(l);
    cr_assert(p.n == 2 && strcmp(p.at[0].name, "weight") == 0 && strcmp(p.at[1].name, "bias") == 0);
    CHECK_VALUES(p.at[0].tensor, HONE_F32, (2, 3), 1, 1, 1, 1, 1, 1);
    CHECK_VALUES(p.at[1].tensor, HONE_F32, (2, 3), 0, 0, 0, 0, 0, 0);
    hone_tensor *x = hone_randn(HONE_F32, 5, 2, 3);
    hone_tensor *y = hone_forward(l, x);
    cr_assert(hone_equal(y, hone_layer_norm(x, p.at[0].tensor, p.at[1].tensor, 2, 1e-5)));
    CHECK_OK(hone_backward(hone_sum(hone_square(y))));
    cr_assert(hone_grad(p.at[0].tensor) && hone_grad(p.at[1].tensor));
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 3, 2)), HONE_E_SHAPE,
                "LayerNorm: wants the last dims [2, 3]");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 3)), HONE_E_SHAPE, "LayerNorm");
    char text[128];
    hone_sprint_module(text, sizeof text, l);
    cr_assert_str_eq(text, "LayerNorm((2, 3), eps=1e-05, elementwise_affine=True, bias=True)");
    hone_module_free(l);
}

Test(layers, layer_norm_options)
{
    const int64_t *two = HONE_DIM_ARGS(2);
    hone_module *plain = hone_nn_layer_norm_with(
        two, &(hone_nn_layer_norm_options){ .no_affine = true, .eps = HONE_ZERO });
    CHECK_VALUES(hone_forward(plain, T(HONE_F32, (1, 2), 3, 7)), HONE_F32, (1, 2), -1, 1);
    char text[128];
    hone_sprint_module(text, sizeof text, plain);
    cr_assert_str_eq(text, "LayerNorm((2,), eps=0, elementwise_affine=False, bias=False)");
    hone_module *scaled = hone_nn_layer_norm_with(
        two, &(hone_nn_layer_norm_options){ .no_bias = true, .eps = 0.5, .dtype = HONE_F64 });
    cr_assert(hone_parameters(scaled).n == 1 && hone_parameters(plain).n == 0);
    cr_assert(hone_dtype_of(hone_parameters(scaled).at[0]) == HONE_F64);
    hone_module_free(plain);
    hone_module_free(scaled);
    CHECK_FAILS(hone_nn_layer_norm(0), HONE_E_VALUE, "nn_layer_norm: shape [0]");
    CHECK_FAILS(hone_nn_layer_norm_with(two, &(hone_nn_layer_norm_options){ .eps = -1 }),
                HONE_E_VALUE, "eps -1");
    CHECK_FAILS(hone_nn_layer_norm_with(two, &(hone_nn_layer_norm_options){ .dtype = HONE_I64 }),
                HONE_E_DTYPE, "i64");
}

/* Sequential runs Linear and an activation as one op; values and gradients must have the bits of
 * two. */
static void check_sequential(hone_module *(*activation)(void))
{
    hone_seed(1);
    hone_module *a = hone_nn_linear(33, 17), *b = activation(), *c = hone_nn_linear(17, 5);
    hone_module *d = hone_nn_linear_with(5, 5, &(hone_nn_linear_options){ .no_bias = true });
    hone_module *e = activation();
    hone_module *all = hone_nn_sequential(a, b, c, d, e);
    hone_tensor *x = hone_randn(HONE_F32, 9, 33);
    const hone_tensor_list p = hone_parameters(all);

    hone_tensor *at_once = hone_forward(all, x);
    CHECK_OK(hone_backward(hone_sum(hone_square(at_once))));
    hone_tensor *grads[5];
    for (int i = 0; i < p.n; i++)
        grads[i] = hone_clone(hone_grad(p.at[i]));
    CHECK_OK(hone_module_zero_grad(all));
    hone_tensor *y = hone_forward(c, hone_forward(b, hone_forward(a, x)));
    y = hone_forward(e, hone_forward(d, y));
    cr_assert(hone_equal(at_once, y));
    CHECK_OK(hone_backward(hone_sum(hone_square(y))));
    for (int i = 0; i < p.n; i++)
        cr_assert(hone_equal(grads[i], hone_grad(p.at[i])), "gradient %d differs", i);
    hone_module_free(all);
}

Test(layers, sequential_has_the_bits_of_its_parts)
{
    check_sequential(hone_nn_relu);
    check_sequential(hone_nn_gelu);
    check_sequential(hone_nn_gelu_tanh);
    check_sequential(hone_nn_tanh);
}

Test(layers, an_empty_sequential_gives_its_input)
{
    hone_module *none = hone_nn_sequential_n(NULL, 0);
    hone_tensor *x = T(HONE_F32, (1), 7);
    cr_assert(hone_forward(none, x) == x);
    hone_module_free(none);
}

Test(layers, a_null_child_frees_the_others)
{
    CHECK_FAILS(hone_nn_sequential(hone_nn_linear(2, 3), NULL, hone_nn_relu()), HONE_E_NULL,
                "Sequential");
    CHECK_FAILS(hone_nn_module_list(hone_nn_relu(), NULL), HONE_E_NULL, "ModuleList");
    /* the child's own error is the one that is kept */
    CHECK_FAILS(hone_nn_sequential(hone_nn_relu(), hone_nn_linear(-1, 3)), HONE_E_VALUE,
                "nn_linear");
}

Test(layers, module_list_keeps_its_modules)
{
    hone_module *list = hone_nn_module_list(hone_nn_linear(2, 3), hone_nn_linear(3, 2));
    const hone_module_list children = hone_children(list);
    cr_assert(children.n == 2);
    hone_tensor *y = T(HONE_F32, (1, 2), 1, 2);
    for (int i = 0; i < children.n; i++)
        y = hone_forward(children.at[i].module, y);
    cr_assert(hone_size(y, 1) == 2);
    hone_module_free(list);
}

static bool run_sequential(void)
{
    HONE_SCOPE();
    hone_module *net =
        hone_nn_sequential(hone_nn_linear(4, 3), hone_nn_relu(), hone_nn_layer_norm(3),
                           hone_nn_linear(3, 2), hone_nn_tanh());
    hone_tensor *y = net ? hone_forward(net, hone_ones(HONE_F32, 2, 4)) : NULL;
    const bool ok = y && hone_backward(hone_sum(y)) == HONE_OK;
    hone_module_free(net);
    return ok;
}

Test(layers, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(run_sequential);
}

/* ---- of images */

/* Evenly within the bound, as torch.nn.Conv2d's. */
static void check_even(hone_tensor *t, double bound)
{
    hone_tensor *values = hone_detach(t);
    const double least = hone_item(hone_min(values)), most = hone_item(hone_max(values));
    cr_assert(least >= -bound && least < -0.97 * bound && most <= bound && most > 0.97 * bound,
              "%g to %g, bound %g", least, most, bound);
    cr_assert(fabs(hone_item(hone_mean(values))) < 0.1 * bound);
}

Test(layers, conv2d_begins_as_pytorchs)
{
    hone_seed(5);
    const hone_nn_conv2d_options grouped = { .conv.groups = 2 };
    hone_module *l = hone_nn_conv2d_with(8, 300, 3, 5, &grouped);
    const hone_tensor_list p = hone_parameters(l);
    cr_assert(p.n == 2);
    const int64_t wanted[] = { 300, 4, 3, 5 };
    for (int d = 0; d < 4; d++)
        cr_assert(hone_size(p.at[0], d) == wanted[d]);
    check_even(p.at[0], 1 / sqrt(4 * 3 * 5));
    check_even(p.at[1], 1 / sqrt(4 * 3 * 5));
    hone_module_free(l);
}

Test(layers, conv2d_of_a_generator)
{
    hone_generator *a = hone_generator_new(3, 1), *b = hone_generator_new(3, 1);
    hone_module *one = hone_nn_conv2d_with(2, 3, 3, 3, &(hone_nn_conv2d_options){ .generator = a });
    hone_module *two = hone_nn_conv2d_with(2, 3, 3, 3, &(hone_nn_conv2d_options){ .generator = b });
    const hone_tensor_list p = hone_parameters(one), q = hone_parameters(two);
    cr_assert(hone_equal(p.at[0], q.at[0]) && hone_equal(p.at[1], q.at[1]));
    hone_module_free(one);
    hone_module_free(two);
    hone_generator_free(a);
    hone_generator_free(b);
}

Test(layers, conv2d_refuses)
{
    CHECK_FAILS(hone_nn_conv2d(0, 2, 3), HONE_E_VALUE, "nn_conv2d: 0 to 2 channels");
    CHECK_FAILS(hone_nn_conv2d(1, 2, 0), HONE_E_VALUE, "a kernel of 0 x 0");
    CHECK_FAILS(hone_nn_conv2d_with(3, 4, 3, 3, &(hone_nn_conv2d_options){ .conv.groups = 2 }),
                HONE_E_VALUE, "2 groups don't divide 3 to 4 channels");
    CHECK_FAILS(
        hone_nn_conv2d_with(2, 4, 3, 3, &(hone_nn_conv2d_options){ .conv.padding = { 0, -1 } }),
        HONE_E_VALUE, "padding 0, -1");
    CHECK_FAILS(hone_nn_conv2d_with(2, 4, 3, 3, &(hone_nn_conv2d_options){ .dtype = HONE_I32 }),
                HONE_E_DTYPE, "dtype i32");
    hone_module *l = hone_nn_conv2d(2, 4, 3);
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 1, 3, 8, 8)), HONE_E_SHAPE, "conv2d");
    hone_module_free(l);
}

Test(layers, max_pool2d)
{
    hone_module *l = hone_nn_max_pool2d(2);
    CHECK_VALUES(hone_forward(l, T(HONE_F32, (1, 2, 5), 1, 5, 2, 8, 9, 3, 4, 7, 6, 9)), HONE_F32,
                 (1, 1, 2), 5, 8);
    hone_module_free(l);
    CHECK_FAILS(hone_nn_max_pool2d(0), HONE_E_VALUE, "kernel_size 0, 0");
    CHECK_FAILS(hone_nn_max_pool2d_with(NULL), HONE_E_NULL, "nn_max_pool2d");
}

Test(layers, batch_norm_follows_and_keeps_its_statistics)
{
    hone_module *l = hone_nn_batch_norm1d(1, NULL);
    hone_tensor *x = T(HONE_F32, (2, 1), 1, 3); /* mean 2, variance 1, of a sample 2 */
    hone_named_list state = hone_named_state(l);
    cr_assert(hone_item(hone_named_find(state, "num_batches_tracked")) == 0);
    hone_forward(l, x);
    cr_assert(
        hone_allclose(hone_named_find(state, "running_mean"), T(HONE_F32, (1), 0.2), 1e-6, 0));
    cr_assert(hone_allclose(hone_named_find(state, "running_var"), T(HONE_F32, (1), 1.1), 1e-6, 0));
    cr_assert(hone_item(hone_named_find(state, "num_batches_tracked")) == 1);
    hone_module_train(l, false);
    hone_tensor *y = hone_detach(hone_forward(l, x));
    const double s = sqrt(1.1 + 1e-5);
    cr_assert(hone_allclose(y, T(HONE_F32, (2, 1), 0.8 / s, 2.8 / s), 1e-6, 0));
    cr_assert(hone_item(hone_named_find(state, "num_batches_tracked")) == 1);
    hone_module_free(l);
}

Test(layers, batch_norm_without_statistics_or_parameters)
{
    hone_module *l = hone_nn_batch_norm2d(
        2, &(hone_nn_batch_norm_options){ .no_running_stats = true, .no_affine = true });
    cr_assert(hone_named_state(l).n == 0);
    hone_module_train(l, false);
    hone_tensor *x = hone_randn(HONE_F32, 3, 2, 2, 2), *y = hone_forward(l, x);
    cr_assert(fabs(hone_item(hone_mean(y))) < 1e-6); /* the batch's own, in evaluation too */
    hone_module_free(l);
    l = hone_nn_batch_norm2d(2, &(hone_nn_batch_norm_options){ .no_bias = true });
    cr_assert(hone_parameters(l).n == 1);
    hone_module_free(l);
}

Test(layers, batch_norm_refuses)
{
    CHECK_FAILS(hone_nn_batch_norm2d(0, NULL), HONE_E_VALUE, "nn_batch_norm2d: 0 features");
    CHECK_FAILS(hone_nn_batch_norm1d(2, &(hone_nn_batch_norm_options){ .momentum = 2 }),
                HONE_E_VALUE, "momentum 2");
    CHECK_FAILS(hone_nn_batch_norm1d(2, &(hone_nn_batch_norm_options){ .eps = -1 }), HONE_E_VALUE,
                "eps -1");
    CHECK_FAILS(hone_nn_batch_norm1d(2, &(hone_nn_batch_norm_options){ .dtype = HONE_U8 }),
                HONE_E_DTYPE, "dtype u8");
    hone_module *l = hone_nn_batch_norm2d(3, NULL);
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 4, 3)), HONE_E_SHAPE,
                "BatchNorm2d: wants [n, 3, height, width], got f32 [4, 3]");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 4, 2, 5, 5)), HONE_E_SHAPE, "wants [n, 3");
    hone_module_free(l);
}

Test(layers, unflatten_and_identity)
{
    hone_module *l = hone_nn_unflatten(1, 2, 2), *same = hone_nn_identity();
    CHECK_VALUES(hone_forward(l, T(HONE_F32, (1, 4), 1, 2, 3, 4)), HONE_F32, (1, 1, 2, 2), 1, 2, 3,
                 4);
    hone_tensor *x = hone_ones(HONE_F32, 3);
    cr_assert(hone_equal(hone_forward(same, x), x));
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 2, 5)), HONE_E_SHAPE,
                "Unflatten: dim 1 of f32 [2, 5] doesn't make [1, 2, 2]");
    hone_module_free(l);
    hone_module_free(same);
    CHECK_FAILS(hone_nn_unflatten(2, 0), HONE_E_VALUE, "nn_unflatten: shape [2, 0]");
}
