/* Floats of 16 bits and autocast: dtypes, gradients, what is refused, any cut of the batch. */
#include "core/core.h"
#include "files.h"
#include "support.h"

#include <hone/accumulate.h>
#include <hone/autocast.h>
#include <hone/autograd.h>
#include <hone/index.h>
#include <hone/io.h>
#include <hone/math.h>
#include <hone/net.h>
#include <hone/nn.h>
#include <hone/ops.h>
#include <hone/optim.h>
#include <hone/shapes.h>

#include <math.h>

SUITE_WITH_FILES(autocast);

static hone_dtype of(hone_tensor *t)
{
    cr_assert(t, "%s", hone_error_message());
    return hone_dtype_of(t);
}

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(t, true);
}

Test(autocast, scope)
{
    cr_assert(hone_autocast() == HONE_F32);
    {
        HONE_AUTOCAST(HONE_BF16);
        cr_assert(hone_autocast() == HONE_BF16);
        {
            HONE_AUTOCAST(HONE_F32);
            cr_assert(hone_autocast() == HONE_F32);
        }
        cr_assert(hone_autocast() == HONE_BF16);
        cr_assert(hone_set_autocast(HONE_F16) == HONE_BF16);
        hone_set_autocast(HONE_I64);
        CHECK_ERROR(HONE_E_DTYPE, "i64");
        cr_assert(hone_autocast() == HONE_F16);
    }
    cr_assert(hone_autocast() == HONE_F32);
    cr_assert_str_eq(hone_op_autocast("no such op"), "");
    CHECK_ERROR(HONE_E_VALUE, "no such op");
    cr_assert_str_eq(hone_op_autocast("matmul"), "lower");
}

Test(autocast, order_of_products)
{
    cr_assert(hone_bf16_order() == HONE_PAIRS);
    {
        HONE_BF16_ORDER(HONE_TILES);
        cr_assert(hone_bf16_order() == HONE_TILES);
        cr_assert(hone_set_bf16_order((hone_order)2) == HONE_TILES);
        CHECK_ERROR(HONE_E_VALUE, "bf16_order: HONE_PAIRS and HONE_TILES there are, not 2");
        cr_assert(hone_bf16_order() == HONE_TILES);
    }
    cr_assert(hone_bf16_order() == HONE_PAIRS);
    cr_assert_str_eq(hone_order_name(HONE_PAIRS), "pairs");
    cr_assert_str_eq(hone_order_name(HONE_TILES), "tiles");
}

/* Gradients of x and w: samples of two positions each, or of 32. */
static hone_tensor_list linear_gradients(hone_tensor *x, hone_tensor *w, hone_tensor *r,
                                         hone_order forward, hone_order backward)
{
    hone_tensor *y;
    {
        HONE_BF16_ORDER(forward);
        y = hone_sum(hone_mul(hone_matmul(x, w), r));
    }
    HONE_BF16_ORDER(backward);
    hone_tensor_list g = hone_autograd_grad(hone_list(y), hone_list(x, w), NULL);
    cr_assert(g.at, "%s", hone_error_message());
    return g;
}

/* A backward sums as its forward did; a gradient by weights in tiles only where samples fill them. */
Test(autocast, order_of_gradients)
{
    for (int64_t positions = 2; positions <= 32; positions += 30) {
        HONE_SCOPE();
        hone_tensor *x = leaf(hone_randn(HONE_F32, 3, positions, 70));
        hone_tensor *w = leaf(hone_randn(HONE_F32, 70, 90));
        hone_tensor *r = hone_to(hone_randn(HONE_F32, 3, positions, 90), HONE_BF16);
        HONE_AUTOCAST(HONE_BF16);
        const hone_tensor_list pairs = linear_gradients(x, w, r, HONE_PAIRS, HONE_PAIRS);
        const hone_tensor_list tiles = linear_gradients(x, w, r, HONE_TILES, HONE_TILES);
        const hone_tensor_list late = linear_gradients(x, w, r, HONE_TILES, HONE_PAIRS);
        const hone_tensor_list early = linear_gradients(x, w, r, HONE_PAIRS, HONE_TILES);
        for (int i = 0; i < 2; i++) {
            cr_assert(test_same_bits(late.at[i], tiles.at[i]));
            cr_assert(test_same_bits(early.at[i], pairs.at[i]));
        }
        cr_assert(test_same_bits(pairs.at[1], tiles.at[1]) == (positions == 2));
        cr_assert_not(test_same_bits(pairs.at[0], tiles.at[0]));
    }
}

Test(autocast, dtypes_of_results)
{
    hone_tensor *x = hone_randn(HONE_F32, 3, 4), *w = leaf(hone_randn(HONE_F32, 4, 5));
    hone_tensor *wide = hone_to(x, HONE_F64);
    HONE_AUTOCAST(HONE_BF16);
    hone_tensor *y = hone_linear(x, w, HONE_NONE);
    cr_assert(of(y) == HONE_BF16 && of(hone_gelu(y)) == HONE_BF16);
    cr_assert(of(hone_softmax(y, -1)) == HONE_BF16 && of(hone_sum(y)) == HONE_BF16);
    cr_assert(of(hone_add(y, hone_ones(HONE_F32, 3, 5))) == HONE_F32);
    cr_assert(of(hone_cross_entropy(y, hone_zeros(HONE_I64, 3))) == HONE_F32);
    cr_assert(of(hone_mse_loss(y, y, HONE_REDUCE_MEAN)) == HONE_F32);
    cr_assert(of(hone_cat(hone_list(x, hone_to(x, HONE_BF16)), 0)) == HONE_F32);
    cr_assert(of(hone_bmm(hone_ones(HONE_F32, 1, 2, 3), hone_ones(HONE_F32, 1, 3, 2))) ==
              HONE_BF16);
    cr_assert(of(hone_dot(hone_ones(HONE_F32, 3), hone_ones(HONE_F32, 3))) == HONE_F32);
    cr_assert(of(hone_matmul(wide, hone_transpose(wide, 0, 1))) == HONE_F64);
    hone_set_autocast(HONE_F16);
    cr_assert(of(hone_matmul(x, w)) == HONE_F16);
}

/* The operands rounded, the sums not: values of a bf16 product are the f32 product of rounded ones. */
Test(autocast, products_round_operands_and_results_once)
{
    hone_tensor *x = hone_randn(HONE_F32, 6, 37), *w = leaf(hone_randn(HONE_F32, 37, 5));
    hone_tensor *b = leaf(hone_randn(HONE_F32, 5)), *y;
    {
        HONE_AUTOCAST(HONE_BF16);
        y = hone_linear(leaf(x), w, b);
    }
    hone_tensor *x16 = hone_to(hone_to(hone_detach(x), HONE_BF16), HONE_F32);
    hone_tensor *w16 = hone_to(hone_to(hone_detach(w), HONE_BF16), HONE_F32);
    hone_tensor *b16 = hone_to(hone_to(hone_detach(b), HONE_BF16), HONE_F32);
    hone_tensor *want = hone_to(hone_linear(x16, w16, b16), HONE_BF16);
    cr_assert(test_same_bits(hone_detach(y), want));
    hone_tensor *dy = hone_randn_like(hone_detach(y));
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = dy }));
    hone_tensor *dy32 = hone_to(dy, HONE_F32);
    /* gradients of what is f32 are the sums as they are */
    cr_assert(of(hone_grad(w)) == HONE_F32 && of(hone_grad(x)) == HONE_F32);
    hone_tensor *dw = hone_matmul(hone_transpose(x16, 0, 1), dy32);
    cr_assert(hone_allclose(hone_grad(w), dw, 1e-5, 1e-6));
    cr_assert(
        hone_allclose(hone_grad(x), hone_matmul(dy32, hone_transpose(w16, 0, 1)), 1e-5, 1e-6));
    cr_assert(test_same_bits(hone_grad(b), hone_sum_dim(dy32, 0, false)));
}

static int64_t bytes_at_most(void)
{
    hone_memory now;
    hone_memory_stats(&now);
    return now.peak_bytes;
}

/* Of f16 a large weight is widened part by part, where nothing is recorded: with the bits of the whole. */
Test(autocast, large_weights_of_f16_are_never_there_in_f32)
{
    hone_tensor *w = hone_to(hone_randn(HONE_F32, 1031, 4201), HONE_F16);
    hone_tensor *b = hone_to(hone_randn(HONE_F32, 4201), HONE_F16);
    hone_tensor *x = hone_to(hone_randn(HONE_F32, 3, 2, 1031), HONE_F16);
    const int64_t before = bytes_at_most();
    hone_tensor *y = hone_linear_gelu(x, w, b), *bare = hone_linear(x, w, HONE_NONE);
    cr_assert(bytes_at_most() - before < 12 << 20); /* the whole has 17 MB */
    CHECK_FAILS(hone_linear(x, w, hone_slice(b, 0, 0, 4200, 1)), HONE_E_SHAPE, "linear");
    cr_assert(test_same_bits(y, hone_detach(hone_linear_gelu(x, leaf(w), b))));
    cr_assert(bytes_at_most() - before > 16 << 20);
    hone_tensor *x32 = hone_to(x, HONE_F32), *w32 = hone_to(w, HONE_F32);
    cr_assert(test_same_bits(bare, hone_to(hone_linear(x32, w32, HONE_NONE), HONE_F16)));
}

Test(autocast, weights_are_rounded_again_once_they_are_changed)
{
    hone_tensor *x = hone_ones(HONE_F32, 1, 1), *w = leaf(hone_full(HONE_F32, 3, 1, 1));
    HONE_AUTOCAST(HONE_BF16);
    cr_assert_eq(hone_item(hone_matmul(x, w)), 3);
    {
        HONE_NO_GRAD();
        hone_fill_(w, 5);
    }
    cr_assert_eq(hone_item(hone_matmul(x, w)), 5);
    hone_set_autocast(HONE_F16);
    cr_assert_eq(hone_item(hone_matmul(x, w)), 5);
}

/* Saved operands have a history: the gradient's gradient. */
Test(autocast, second_derivatives)
{
    hone_tensor *x = leaf(T(HONE_F32, (1, 2), 2, 3)), *w = leaf(T(HONE_F32, (2, 1), 4, 5)), *y;
    {
        HONE_AUTOCAST(HONE_BF16);
        hone_tensor *p = hone_matmul(hone_mul_scalar(x, 1), w);
        y = hone_sum(hone_mul(p, p)); /* (2*4 + 3*5)^2 */
    }
    hone_tensor_list g = hone_autograd_grad(hone_list(y), hone_list(x),
                                            &(hone_autograd_options){ .create_graph = true });
    cr_assert(g.at, "%s", hone_error_message());
    CHECK_VALUES(hone_detach(g.at[0]), HONE_F32, (1, 2), 184, 230); /* 2 p w */
    hone_tensor_list h = hone_autograd_grad(hone_list(hone_sum(g.at[0])), hone_list(x, w), NULL);
    cr_assert(h.at, "%s", hone_error_message());
    CHECK_VALUES(h.at[0], HONE_F32, (1, 2), 72, 90);  /* 2 w sum(w) */
    CHECK_VALUES(h.at[1], HONE_F32, (2, 1), 82, 100); /* 2 x sum(w) + 2 p */
}

static hone_module *net(void)
{
    return hone_nn_sequential(hone_nn_conv2d(1, 3, 3), hone_nn_relu(), hone_nn_flatten(),
                              hone_nn_linear(3 * 4 * 5, 7), hone_nn_gelu(), hone_nn_linear(7, 4));
}

/* Contract 7: parts of any size have the bits of the whole. */
static hone_tensor_list gradients(hone_module *model, hone_tensor *x, hone_tensor *y, int64_t part)
{
    CHECK_OK(hone_module_zero_grad(model));
    hone_accumulate_begin(hone_size(x, 0));
    for (int64_t i = 0; i < hone_size(x, 0); i += part) {
        HONE_SCOPE();
        HONE_AUTOCAST(HONE_BF16);
        const int64_t end = i + part < hone_size(x, 0) ? i + part : hone_size(x, 0);
        hone_accumulate_part(end - i);
        hone_tensor *scores = hone_forward(model, hone_slice(x, 0, i, end, 1));
        CHECK_OK(hone_backward(hone_cross_entropy(scores, hone_slice(y, 0, i, end, 1))));
    }
    cr_assert(hone_accumulate_end(), "%s", hone_error_message());
    hone_tensor_list all = hone_parameters(model);
    hone_tensor *copies[16];
    for (int i = 0; i < all.n; i++)
        copies[i] = hone_clone(hone_grad(all.at[i]));
    return hone_list_n(copies, all.n);
}

Test(autocast, any_cut_of_the_batch)
{
    hone_module *model = net();
    hone_tensor *x = hone_randn(HONE_F32, 7, 1, 6, 7), *y = hone_randint(HONE_I64, 0, 4, 7);
    cr_assert(model, "%s", hone_error_message());
    const hone_tensor_list whole = gradients(model, x, y, 7);
    for (int64_t part = 1; part < 7; part++) {
        const hone_tensor_list cut = gradients(model, x, y, part);
        for (int i = 0; i < whole.n; i++)
            cr_assert(test_same_bits(whole.at[i], cut.at[i]), "parts of %d: parameter %d",
                      (int)part, i);
    }
    hone_module_free(model);
}

/* ---- dtypes of storage */

Test(autocast, mixed_dtypes_are_promoted_or_refused)
{
    hone_tensor *h = hone_ones(HONE_BF16, 2, 2), *f = hone_ones(HONE_F16, 2, 2),
                *s = hone_ones(HONE_F32, 2, 2), *i = hone_ones(HONE_I64, 2, 2);
    cr_assert(of(hone_add(h, f)) == HONE_F32 && of(hone_add(h, s)) == HONE_F32);
    cr_assert(of(hone_mul(h, i)) == HONE_BF16 && of(hone_add(h, T0(HONE_F64, 1))) == HONE_BF16);
    cr_assert(of(hone_atan2(h, s)) == HONE_F32 && of(hone_div(f, i)) == HONE_F16);
    CHECK_FAILS(hone_matmul(h, s), HONE_E_DTYPE,
                "matmul: operands of one dtype are wanted, got bf16");
    CHECK_FAILS(hone_linear(s, h, HONE_NONE), HONE_E_DTYPE, "linear");
    CHECK_FAILS(hone_lerp(h, s, T0(HONE_F32, 0.5)), HONE_E_DTYPE, "lerp");
    CHECK_FAILS(hone_matmul(h, f), HONE_E_DTYPE, "f16");
}

Test(autocast, in_place_ops_round_once)
{
    hone_tensor *x = T(HONE_BF16, (2), 1, -2), *half = T(HONE_F32, (2), 0.001, 0.5);
    hone_tensor *got = hone_add_(x, half);
    cr_assert(got == x && of(x) == HONE_BF16);
    CHECK_VALUES(x, HONE_BF16, (2), 1, -1.5);
    hone_relu_(x);
    CHECK_VALUES(x, HONE_BF16, (2), 1, 0);
    hone_tensor *w = leaf(T(HONE_BF16, (2), 0.5, 3)), *y = hone_tanh_(hone_mul_scalar(w, 1));
    CHECK_OK(hone_backward(hone_sum(hone_mul(y, y))));
    cr_assert(of(hone_grad(w)) == HONE_BF16);
}

Test(autocast, optimizers_step_in_f32_and_round_once)
{
    hone_tensor *w = hone_parameter(T(HONE_BF16, (2), 1, -3));
    hone_optim *adam = hone_optim_by_name("adam", hone_list(w), "lr=0.25");
    cr_assert(adam, "%s", hone_error_message());
    for (int step = 0; step < 3; step++) {
        CHECK_OK(hone_optim_zero_grad(adam));
        CHECK_OK(hone_backward(hone_sum(hone_mul(w, w))));
        CHECK_OK(hone_optim_step(adam));
    }
    cr_assert(of(w) == HONE_BF16);
    cr_assert_float_eq(hone_at(w, 0), 0.27, 0.02);
    hone_optim_free(adam);
    hone_release(w);
}

Test(autocast, running_statistics_of_16_bits)
{
    hone_tensor *mean = hone_zeros(HONE_BF16, 2), *var = hone_ones(HONE_BF16, 2);
    hone_tensor *x = T(HONE_BF16, (2, 2), 1, 2, 3, 6);
    hone_batch_norm_options o = { .training = true, .momentum = 0.5 };
    cr_assert(of(hone_batch_norm(x, mean, var, HONE_NONE, HONE_NONE, &o)) == HONE_BF16);
    CHECK_VALUES(mean, HONE_BF16, (2), 1, 2);
    CHECK_VALUES(var, HONE_BF16, (2), 1.5, 4.5);
}

Test(autocast, files)
{
    hone_tensor *h = T(HONE_BF16, (3), 1, -2.5, 3), *f = T(HONE_F16, (2), 0.1, 7);
    const hone_named named[] = { { "h", h }, { "f", f } };
    const hone_named_list list = { (hone_named *)named, 2 };
    static const char *const endings[] = { "x.safetensors", "x.gguf" };
    for (int i = 0; i < 2; i++) {
        const char *path = test_path(endings[i]);
        CHECK_OK(hone_file_save(path, list));
        hone_named_list back =
            hone_file_load_with(path, NULL, &(hone_file_options){ .keep_halves = true });
        cr_assert(back.n == 2, "%s", hone_error_message());
        for (int k = 0; k < 2; k++)
            cr_assert(test_same_bits(back.at[k].tensor, back.at[k].name[0] == 'h' ? h : f));
        back = hone_file_load_with(path, NULL, &(hone_file_options){ .convert = true });
        cr_assert(of(back.at[0].tensor) == HONE_F32 && of(back.at[1].tensor) == HONE_F32);
        cr_assert(!hone_file_load(path, NULL).at);
        CHECK_ERROR(HONE_E_DTYPE, "if the option convert asks for it");
    }
    CHECK_OK(hone_npy_save(test_path("f.npy"), f));
    cr_assert(test_same_bits(
        hone_npy_load_with(test_path("f.npy"), &(hone_file_options){ .keep_halves = true }), f));
    CHECK_FAILS(hone_npy_save(test_path("h.npy"), h), HONE_E_DTYPE, "numpy has no BF16");
}

/* A file of bf16 goes into f32, exactly, one of f32 into bf16 only if that is asked for. */
Test(autocast, states)
{
    hone_module *single = hone_nn_linear(3, 2), *half = hone_nn_linear(3, 2);
    CHECK_OK(hone_module_to(half, HONE_BF16));
    const char *of_half = test_path("half.safetensors"),
               *of_single = test_path("single.safetensors");
    CHECK_OK(hone_save_state(half, of_half));
    CHECK_OK(hone_save_state(single, of_single));
    CHECK_FAILS(hone_load_state(half, of_single), HONE_E_DTYPE, "round");
    CHECK_OK(hone_load_state(single, of_half));
    CHECK_OK(hone_load_state_with(half, of_single, &(hone_state_options){ .round = true }));
    CHECK_OK(hone_load_state(half, of_half));
    const hone_tensor_list a = hone_parameters(single), b = hone_parameters(half);
    for (int i = 0; i < a.n; i++)
        cr_assert(test_same_bits(hone_detach(a.at[i]), hone_to(hone_detach(b.at[i]), HONE_F32)));
    hone_tensor *y = hone_forward(half, hone_ones(HONE_BF16, 1, 3));
    cr_assert(of(y) == HONE_BF16);
    hone_module_free(single);
    hone_module_free(half);
}

/* What is large is rounded part by part as it is read. */
Test(autocast, large_states)
{
    hone_module *single = hone_nn_linear(1031, 1201), *half = hone_nn_linear(1031, 1201);
    CHECK_OK(hone_module_to(half, HONE_F16));
    CHECK_OK(hone_save_state(single, test_path("single.safetensors")));
    CHECK_OK(hone_load_state_with(half, test_path("single.safetensors"),
                                  &(hone_state_options){ .round = true }));
    const hone_tensor_list a = hone_parameters(single), b = hone_parameters(half);
    for (int i = 0; i < a.n; i++)
        cr_assert(test_same_bits(hone_to(hone_detach(a.at[i]), HONE_F16), hone_detach(b.at[i])));
    hone_module_free(single);
    hone_module_free(half);
}

/* ---- attention: operands of several dtypes are all rounded, as PyTorch does it */

Test(autocast, attention_of_several_dtypes)
{
    hone_tensor *q = hone_to(hone_randn(HONE_F32, 2, 9, 16), HONE_BF16),
                *k = leaf(hone_randn(HONE_F32, 2, 7, 16));
    hone_tensor *v = hone_to(hone_randn(HONE_F32, 2, 7, 5), HONE_BF16),
                *m = hone_randn(HONE_F32, 9, 7);
    HONE_AUTOCAST(HONE_BF16);
    hone_tensor *y = hone_scaled_dot_product_attention(q, k, v, m, false, 0, false);
    cr_assert(of(y) == HONE_BF16);
    cr_assert(test_same_bits(
        y, hone_scaled_dot_product_attention(q, hone_to(hone_detach(k), HONE_BF16), v,
                                             hone_to(m, HONE_BF16), false, 0, false)));
    CHECK_OK(hone_backward_with(
        y, &(hone_backward_options){ .gradient = hone_ones(HONE_BF16, 2, 9, 5) }));
    cr_assert(of(hone_grad(k)) == HONE_F32);
    hone_tensor *mask = leaf(m);
    y = hone_scaled_dot_product_attention(q, k, v, mask, false, 0, false);
    CHECK_OK(hone_backward(hone_sum(y)));
    cr_assert(of(hone_grad(mask)) == HONE_F32);
    CHECK_FAILS(
        hone_scaled_dot_product_attention(q, hone_to(k, HONE_F64), v, HONE_NONE, false, 0, false),
        HONE_E_DTYPE, "floats of one dtype");
    HONE_AUTOCAST(HONE_F32);
    CHECK_FAILS(
        hone_scaled_dot_product_attention(q, q, q, hone_ones(HONE_F32, 9, 9), false, 0, false),
        HONE_E_DTYPE, "the mask f32");
}

/* ---- recurrences: products of bf16, states rounded step by step */

static hone_tensor *rounded(hone_tensor *t)
{
    return hone_to(hone_to(t, HONE_BF16), HONE_F32);
}

/* One layer of tanh in f32 of rounded operands. */
static hone_tensor *tanh_steps(hone_tensor *x, hone_tensor *const *w)
{
    hone_tensor *h = hone_zeros(HONE_F32, hone_size(x, 0), hone_size(w[1], 0)), *y[8];
    hone_tensor *in = hone_add(hone_matmul(x, hone_transpose(w[0], 0, 1)), w[2]);
    for (int64_t t = 0; t < hone_size(x, 1); t++) {
        hone_tensor *product = hone_add(hone_matmul(h, hone_transpose(w[1], 0, 1)), w[3]);
        h = rounded(hone_tanh(hone_add(hone_select(in, 1, t), product)));
        y[t] = hone_unsqueeze(h, 1);
    }
    return hone_cat(hone_list_n(y, (int)hone_size(x, 1)), 1);
}

Test(autocast, recurrences_round_states)
{
    enum { N = 5, T_ = 6, IN_ = 9, H = 17 };
    hone_tensor *x = rounded(hone_randn(HONE_F32, N, T_, IN_)), *w[4];
    w[0] = rounded(hone_randn(HONE_F32, H, IN_));
    w[1] = rounded(hone_mul_scalar(hone_randn(HONE_F32, H, H), 0.2));
    w[2] = rounded(hone_randn(HONE_F32, H));
    w[3] = rounded(hone_randn(HONE_F32, H));
    hone_tensor_list all = hone_list_n(w, 4);
    const hone_rnn_options o = { .batch_first = true };
    hone_tensor *want = tanh_steps(x, w);
    for (int i = 0; i < 4; i++)
        leaf(w[i]);
    leaf(x);
    HONE_AUTOCAST(HONE_BF16);
    const hone_rnn_result r = hone_rnn_tanh(x, HONE_NONE, all, &o);
    cr_assert(of(r.output) == HONE_BF16, "%s", hone_error_message());
    cr_assert(test_same_bits(hone_to(hone_detach(r.output), HONE_F32), want));
}

/* Gradients near those of f32: of each kind of recurrence, of its operands. */
Test(autocast, gradients_of_recurrences)
{
    for (int kind = 0; kind < 3; kind++) {
        HONE_SCOPE();
        const int64_t gates = kind == 0 ? 4 : kind == 1 ? 3 : 1;
        hone_tensor *x = leaf(hone_randn(HONE_F32, 4, 7, 5)), *w[5] = { x };
        w[1] = leaf(hone_mul_scalar(hone_randn(HONE_F32, gates * 6, 5), 0.3));
        w[2] = leaf(hone_mul_scalar(hone_randn(HONE_F32, gates * 6, 6), 0.3));
        w[3] = leaf(hone_randn(HONE_F32, gates * 6));
        w[4] = leaf(hone_randn(HONE_F32, gates * 6));
        hone_tensor *h0 = hone_randn(HONE_F32, 1, 4, 6), *c0 = hone_randn(HONE_F32, 1, 4, 6);
        hone_tensor *dy = hone_randn(HONE_F32, 4, 7, 6);
        const hone_rnn_options o = { .batch_first = true };
        hone_tensor_list g[2];
        for (int half = 0; half < 2; half++) {
            HONE_AUTOCAST(half ? HONE_BF16 : HONE_F32);
            hone_tensor_list of_w = hone_list_n(w + 1, 4);
            hone_tensor *y = kind == 0   ? hone_lstm(x, h0, c0, of_w, &o).output
                             : kind == 1 ? hone_gru(x, h0, of_w, &o).output
                                         : hone_rnn_tanh(x, h0, of_w, &o).output;
            hone_tensor *loss = hone_sum(hone_mul(hone_to(y, HONE_F32), dy));
            g[half] = hone_autograd_grad(hone_list(loss), hone_list_n(w, 5), NULL);
            cr_assert(g[half].at, "%s", hone_error_message());
        }
        for (int i = 0; i < 5; i++) {
            cr_assert(of(g[1].at[i]) == HONE_F32);
            const double largest = hone_item(hone_max(hone_abs(g[0].at[i])));
            cr_assert(hone_allclose(g[1].at[i], g[0].at[i], 0.05, 0.03 * largest),
                      "kind %d, operand %d", kind, i);
        }
    }
}

/* Elements of 16 bits are moved as they are; gradients are summed in f32 and rounded once. */
Test(autocast, rows_of_16_bits)
{
    hone_tensor *w = leaf(hone_to(hone_randn(HONE_F32, 5, 33), HONE_BF16));
    hone_tensor *at = T(HONE_I64, (4), 3, 0, 3, 3);
    hone_tensor *y = hone_embedding(at, w, HONE_NO_PADDING), *z = hone_index(w, at);
    cr_assert(of(y) == HONE_BF16 && of(z) == HONE_BF16);
    for (int i = 0; i < 4; i++) {
        hone_tensor *row = hone_select(hone_detach(w), 0, i == 1 ? 0 : 3);
        cr_assert(test_same_bits(hone_select(hone_detach(y), 0, i), row));
        cr_assert(test_same_bits(hone_select(hone_detach(z), 0, i), row));
    }
    hone_tensor *dy = hone_to(hone_randn(HONE_F32, 4, 33), HONE_BF16);
    hone_tensor *dy32 = hone_to(dy, HONE_F32);
    hone_tensor *sum = hone_add(hone_add(hone_select(dy32, 0, 0), hone_select(dy32, 0, 2)),
                                hone_select(dy32, 0, 3));
    for (int i = 0; i < 2; i++) {
        hone_tensor_list g =
            hone_autograd_grad(hone_list(hone_sum(hone_mul(i ? z : y, dy))), hone_list(w), NULL);
        cr_assert(g.at, "%s", hone_error_message());
        cr_assert(of(g.at[0]) == HONE_BF16);
        cr_assert(test_same_bits(hone_select(g.at[0], 0, 3), hone_to(sum, HONE_BF16)));
        cr_assert(test_same_bits(hone_select(g.at[0], 0, 0), hone_select(dy, 0, 1)));
    }
}

/* A sum kept in 16 bits stops where a further one is less than half a unit: at 256, at 2,048. */
Test(autocast, sums_of_16_bits_go_on)
{
    enum { ROWS = 8192 };
    hone_tensor *first = hone_zeros(HONE_I64, ROWS);
    for (int i = 0; i < 2; i++) {
        const hone_dtype dtype = i ? HONE_F16 : HONE_BF16;
        for (int wide = 0; wide < 2; wide++) {
            const hone_dtype of_w = wide ? HONE_F32 : dtype;
            hone_tensor *x = hone_ones(dtype, ROWS, 4), *w = hone_ones(of_w, 4);
            hone_tensor *b = leaf(hone_zeros(of_w, 4));
            CHECK_OK(hone_backward(hone_sum(hone_layer_norm(x, w, b, 1, 1e-5))));
            CHECK_VALUES(hone_grad(b), of_w, (4), ROWS, ROWS, ROWS, ROWS);
        }
        hone_tensor *b = leaf(hone_zeros(dtype, 4)), *x = hone_ones(dtype, ROWS, 4);
        CHECK_OK(hone_backward(hone_sum(hone_group_norm(x, hone_ones(dtype, 4), b, 2, 1e-5))));
        CHECK_VALUES(hone_grad(b), dtype, (4), ROWS, ROWS, ROWS, ROWS);
        hone_tensor *table = leaf(hone_ones(dtype, 2, 2));
        CHECK_OK(hone_backward(hone_sum(hone_embedding(first, table, HONE_NO_PADDING))));
        CHECK_VALUES(hone_grad(table), dtype, (2, 2), ROWS, ROWS, 0, 0);
        hone_tensor *(*const reads[])(hone_tensor *, int, hone_tensor *) = { hone_gather,
                                                                             hone_index_select };
        for (int k = 0; k < 2; k++) {
            hone_tensor *leaf_k = leaf(hone_ones(dtype, 2));
            CHECK_OK(hone_backward(hone_sum(reads[k](leaf_k, 0, first))));
            CHECK_VALUES(hone_grad(leaf_k), dtype, (2), ROWS, 0);
        }
        hone_tensor *one = leaf(hone_ones(dtype, 1));
        CHECK_OK(hone_backward(hone_sum(hone_repeat_interleave(one, ROWS, 0))));
        CHECK_VALUES(hone_grad(one), dtype, (1), ROWS);
        hone_tensor *ones = hone_ones(dtype, ROWS), *none = hone_zeros(dtype, 2);
        CHECK_VALUES(hone_scatter_add(none, 0, first, ones), dtype, (2), ROWS, 0);
        CHECK_VALUES(hone_index_add(none, 0, first, ones, 1), dtype, (2), ROWS, 0);
        CHECK_VALUES(hone_index_put(none, ones, true, first), dtype, (2), ROWS, 0);
    }
}
