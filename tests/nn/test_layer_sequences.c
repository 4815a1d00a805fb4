/* RNN, GRU and LSTM over sequences, and the corners of Upsample, EmbeddingBag, MaxUnpool and the
 * AlphaDropouts; values and training are in tests/golden. */
#include "support.h"

#include <hone/autograd.h>
#include <hone/model.h>
#include <hone/nn.h>
#include <hone/ops.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

SUITE(layer_sequences);

static hone_module *layer(const char *name, const char *arguments)
{
    hone_module *l = hone_nn_layer(name, arguments);
    cr_assert(l, "%s(%s): %s", name, arguments, hone_error_message());
    return l;
}

/* ---- names */

Test(layer_sequences, parameters_have_pytorchs_names)
{
    static const char *const wanted[] = {
        "0.weight_ih_l0", "0.weight_hh_l0", "0.weight_ih_l0_reverse", "0.weight_hh_l0_reverse",
        "0.weight_ih_l1", "0.weight_hh_l1", "0.weight_ih_l1_reverse", "0.weight_hh_l1_reverse",
    };
    hone_module *l = layer("Sequential", "LSTM(3, 2, 2, bias=False, bidirectional=True)");
    const hone_named_list state = hone_named_state(l);
    cr_assert_eq(state.n, 8);
    for (int i = 0; i < 8; i++)
        cr_assert_str_eq(state.at[i].name, wanted[i]);
    hone_tensor *deep = hone_module_tensor(l, "0.weight_ih_l1_reverse");
    cr_assert(deep && hone_size(deep, 0) == 8 && hone_size(deep, 1) == 4);
    cr_assert_eq(hone_module_requires_grad_(l, "0.weight_hh_*", false), 4);
    cr_assert(!hone_requires_grad(hone_module_tensor(l, "0.weight_hh_l1")));
    hone_module_free(l);
}

Test(layer_sequences, another_dtype_takes_the_weights_with_it)
{
    hone_module *l = layer("GRU", "3, 2");
    hone_tensor *was = hone_clone(hone_detach(hone_module_tensor(l, "bias_hh_l0")));
    CHECK_OK(hone_module_to(l, HONE_F64));
    const hone_tensor_list p = hone_parameters(l);
    cr_assert_eq(p.n, 4);
    for (int i = 0; i < p.n; i++)
        cr_assert(hone_dtype_of(p.at[i]) == HONE_F64 && hone_requires_grad(p.at[i]));
    cr_assert(hone_equal(hone_to(was, HONE_F64), hone_detach(p.at[3])));
    cr_assert(hone_forward(l, hone_randn(HONE_F64, 4, 1, 3)), "%s", hone_error_message());
    hone_module_free(l);
}

Test(layer_sequences, a_description_reaches_them_by_name)
{
    hone_module *m = hone_model_parse("model M():\n"
                                      "    a = LSTM(3, 3)\n"
                                      "    a.weight_hh_l0 = a.weight_ih_l0\n"
                                      "    zeros_(a.bias_hh_l0)\n"
                                      "    forward(x): return a(x)\n",
                                      "t", NULL);
    cr_assert(m, "%s", hone_error_message());
    cr_assert(hone_equal(hone_module_tensor(m, "a.weight_ih_l0"),
                         hone_module_tensor(m, "a.weight_hh_l0")));
    cr_assert_eq(hone_parameters(m).n, 3);
    cr_assert_eq(hone_item(hone_sum(hone_abs(hone_module_tensor(m, "a.bias_hh_l0")))), 0);
    hone_module_free(m);
}

/* ---- states */

static void check_bits(hone_tensor *a, hone_tensor *b)
{
    cr_assert(a && b, "%s", hone_error_message());
    cr_assert(test_same_bits(hone_contiguous(hone_detach(a)), hone_contiguous(hone_detach(b))));
}

/* A sequence in two parts, the second from the states of the first, is the whole. */
Test(layer_sequences, states_go_on)
{
    static const char *const names[] = { "RNN", "GRU" };
    hone_tensor *x = hone_randn(HONE_F32, 5, 2, 4), *head = hone_slice(x, 0, 0, 3, 1),
                *tail = hone_slice(x, 0, 3, 5, 1);
    for (int i = 0; i < 2; i++) {
        hone_module *l = layer(names[i], "4, 9, num_layers=2");
        const hone_rnn_result whole = hone_nn_rnn_states(l, x, HONE_NONE),
                              first = hone_nn_rnn_states(l, head, HONE_NONE),
                              second = hone_nn_rnn_states(l, tail, first.h_n);
        check_bits(hone_forward(l, x), whole.output);
        check_bits(second.output, hone_slice(whole.output, 0, 3, 5, 1));
        check_bits(second.h_n, whole.h_n);
        check_bits(hone_select(whole.h_n, 0, 1), hone_select(whole.output, 0, 4));
        check_bits(hone_forward(l, tail, first.h_n), second.output);
        hone_module_free(l);
    }
    hone_module *l = layer("LSTM", "4, 9, 2");
    const hone_lstm_result whole = hone_nn_lstm_states(l, x, HONE_NONE, HONE_NONE),
                           first = hone_nn_lstm_states(l, head, HONE_NONE, HONE_NONE),
                           second = hone_nn_lstm_states(l, tail, first.h_n, first.c_n);
    check_bits(hone_forward(l, x), whole.output);
    check_bits(second.output, hone_slice(whole.output, 0, 3, 5, 1));
    check_bits(second.h_n, whole.h_n);
    check_bits(second.c_n, whole.c_n);
    check_bits(hone_forward(l, tail, first.h_n, first.c_n), second.output);
    cr_assert(!hone_equal(whole.c_n, whole.h_n));
    hone_module_free(l);
}

Test(layer_sequences, dropout_is_between_layers_while_training)
{
    hone_module *l = layer("LSTM", "4, 9, 2, dropout=0.5"),
                *one = layer("GRU", "4, 9, dropout=0.5");
    hone_tensor *x = hone_randn(HONE_F32, 5, 2, 4);
    cr_assert(!hone_equal(hone_forward(l, x), hone_forward(l, x)));
    cr_assert(hone_equal(hone_forward(one, x), hone_forward(one, x)));
    hone_module_train(l, false);
    cr_assert(hone_equal(hone_forward(l, x), hone_forward(l, x)));
    hone_module_free(l);
    hone_module_free(one);
}

Test(layer_sequences, what_recurrences_refuse)
{
    hone_module *rnn = layer("RNN", "3, 2"), *lstm = layer("LSTM", "3, 2");
    hone_tensor *x = hone_randn(HONE_F32, 4, 2, 3);
    cr_assert(!hone_nn_rnn_states(lstm, x, HONE_NONE).output);
    CHECK_ERROR(HONE_E_VALUE, "nn_rnn_states: wants an RNN or a GRU, got LSTM");
    cr_assert(!hone_nn_lstm_states(rnn, x, HONE_NONE, HONE_NONE).output);
    CHECK_ERROR(HONE_E_VALUE, "nn_lstm_states: wants an LSTM, got RNN");
    cr_assert(!hone_nn_rnn_states(NULL, x, HONE_NONE).output);
    CHECK_ERROR(HONE_E_NULL, "nn_rnn_states");
    cr_assert(!hone_nn_rnn_states(rnn, NULL, HONE_NONE).output);
    CHECK_ERROR(HONE_E_NULL, "nn_rnn_states");
    CHECK_FAILS(hone_forward(lstm, x, x), HONE_E_VALUE, "LSTM: 2 inputs were given, 3 wanted");
    CHECK_FAILS(hone_forward(rnn, x, x, x), HONE_E_VALUE, "RNN: 3 inputs were given, 2 wanted");
    CHECK_FAILS(hone_forward(rnn, hone_randn(HONE_F32, 4, 2, 5)), HONE_E_SHAPE, "rnn_tanh");
    CHECK_FAILS(hone_nn_layer("LSTM", "3, 2, proj_size=1"), HONE_E_VALUE,
                "LSTM: hone has no proj_size: a Linear behind the LSTM");
    CHECK_FAILS(hone_nn_layer("RNN", "3, 2, nonlinearity='sine'"), HONE_E_VALUE,
                "RNN: nonlinearity is 'sine', but 'tanh' or 'relu' is wanted");
    CHECK_FAILS(hone_nn_layer("GRU", "3, 2, 0"), HONE_E_VALUE, "GRU: num_layers is 0");
    CHECK_FAILS(hone_nn_layer("GRU", "3, 2, dropout=1.5"), HONE_E_VALUE, "GRU: dropout is 1.5");
    CHECK_FAILS(hone_nn_layer("GRU", "3, 3000000000000000000"), HONE_E_VALUE,
                "GRU: a hidden_size of 3000000000000000000 is too large");
    hone_module_free(rnn);
    hone_module_free(lstm);
}

/* ---- what else came with their ops */

Test(layer_sequences, maxima_go_back_to_their_places)
{
    hone_tensor *x = hone_randn(HONE_F32, 2, 3, 5, 4);
    const hone_max_pool2d_options two = { .kernel_size = { 2, 2 } };
    const hone_values_indices most = hone_max_pool2d_with_indices(x, &two);
    hone_module *l = layer("MaxUnpool2d", "2, output_size=(5, 4)"), *pool = layer("MaxPool2d", "2");
    hone_tensor *back = hone_forward(l, most.values, most.indices);
    cr_assert(back && hone_size(back, 2) == 5, "%s", hone_error_message());
    cr_assert(hone_equal(hone_forward(pool, x), most.values));
    hone_tensor *there = hone_to(hone_ne_scalar(back, 0), HONE_F32);
    cr_assert(hone_equal(back, hone_mul(x, there)));
    CHECK_FAILS(hone_forward(l, x), HONE_E_VALUE, "MaxUnpool2d: 1 inputs were given, 2 wanted");
    hone_module_free(l);
    hone_module_free(pool);
    CHECK_FAILS(hone_nn_layer("MaxPool3d", "2, return_indices=True"), HONE_E_VALUE,
                "MaxPool3d: return_indices is True, but a layer gives one tensor: "
                "hone_max_pool3d_with_indices gives both");
    CHECK_FAILS(hone_nn_layer("AdaptiveMaxPool1d", "2, True"), HONE_E_VALUE,
                "hone_adaptive_max_pool1d_with_indices");
}

Test(layer_sequences, what_resizing_refuses)
{
    CHECK_FAILS(hone_nn_layer("Upsample", ""), HONE_E_VALUE,
                "Upsample: neither size nor scale_factor is given");
    CHECK_FAILS(hone_nn_layer("Upsample", "4, 2.0"), HONE_E_VALUE,
                "Upsample: size and scale_factor are given, one of them is wanted");
    CHECK_FAILS(hone_nn_layer("Upsample", "(4, 4, 4, 4)"), HONE_E_VALUE, "at most three dims");
    CHECK_FAILS(
        hone_nn_layer("Upsample", "scale_factor=(1, 2, 3, 4)"), HONE_E_VALUE,
        "Upsample: scale_factor is (1, 2, 3, 4), but a number or up to 3 in brackets or None "
        "is wanted");
    CHECK_FAILS(hone_nn_layer("Upsample", "scale_factor=0"), HONE_E_VALUE, "above 0");
    CHECK_FAILS(hone_nn_layer("Upsample", "4, align_corners=False"), HONE_E_VALUE,
                "Upsample: align_corners is of the modes that interpolate");
    CHECK_FAILS(hone_nn_layer("Upsample", "4, recompute_scale_factor=True"), HONE_E_VALUE,
                "Upsample: recompute_scale_factor is of a scale_factor");
    CHECK_FAILS(hone_nn_layer("Upsample", "4, mode='cubic'"), HONE_E_VALUE,
                "Upsample: mode is 'cubic', but 'nearest', 'nearest-exact'");
    CHECK_FAILS(hone_nn_layer("UpsamplingBilinear2d", "(4, 4, 4)"), HONE_E_VALUE,
                "UpsamplingBilinear2d: size is (4, 4, 4)");
    hone_module *l = layer("Upsample", "(4, 4)"), *linear = layer("Upsample", "4, mode='linear'");
    CHECK_FAILS(
        hone_forward(l, hone_ones(HONE_F32, 1, 2, 3)), HONE_E_SHAPE,
        "Upsample: size has 2 numbers, so [n, c, ..] of 4 dims is wanted, got f32 [1, 2, 3]");
    CHECK_FAILS(hone_forward(linear, hone_ones(HONE_F32, 1, 2, 3, 3)), HONE_E_SHAPE, "interpolate");
    hone_module_free(l);
    hone_module_free(linear);
}

Test(layer_sequences, bags_refuse)
{
    CHECK_FAILS(hone_nn_layer("EmbeddingBag", "6, 3, 1.0"), HONE_E_VALUE,
                "EmbeddingBag: hone has no max_norm");
    CHECK_FAILS(hone_nn_layer("EmbeddingBag", "6, 3, scale_grad_by_freq=True"), HONE_E_VALUE,
                "EmbeddingBag: hone has no scale_grad_by_freq");
    CHECK_FAILS(hone_nn_layer("EmbeddingBag", "6, 3, None, 2.0, False, 'mean', True"), HONE_E_VALUE,
                "EmbeddingBag: hone has no sparse gradients");
    CHECK_FAILS(hone_nn_layer("EmbeddingBag", "6, 3, padding_idx=6"), HONE_E_VALUE,
                "EmbeddingBag: padding_idx is 6, but -6 to 5 is wanted");
    hone_module *l = layer("EmbeddingBag", "6, 3, padding_idx=-1");
    cr_assert_eq(hone_item(hone_sum(hone_abs(hone_select(hone_module_tensor(l, "weight"), 0, 5)))),
                 0);
    CHECK_FAILS(hone_forward(l, hone_zeros(HONE_I64, 4)), HONE_E_SHAPE, "embedding_bag");
    hone_module_free(l);
}

Test(layer_sequences, alpha_dropout_keeps_mean_and_variance)
{
    enum { N = 40000 };
    hone_seed(3);
    hone_module *l = layer("AlphaDropout", "0.3"), *all = layer("AlphaDropout", "1.0"),
                *channels = layer("FeatureAlphaDropout", "0.5");
    hone_tensor *x = hone_randn(HONE_F64, N), *y = hone_forward(l, x);
    cr_assert(fabs(hone_item(hone_mean(y))) < 0.02, "%g", hone_item(hone_mean(y)));
    cr_assert(fabs(hone_item(hone_mean(hone_square(y))) - 1) < 0.03);
    /* what is dropped has one value, what isn't lies on one line */
    const double low = -1.7580993408473766, a = 1 / sqrt(0.7 * (1 + 0.3 * low * low)),
                 b = -a * 0.3 * low, dropped = a * low + b;
    hone_tensor *gone = hone_lt_scalar(hone_abs(hone_sub_scalar(y, dropped)), 1e-12);
    cr_assert(fabs(hone_item(hone_sum(gone)) / (double)N - 0.3) < 0.02);
    hone_tensor *line = hone_add_scalar(hone_mul_scalar(x, a), b);
    cr_assert(hone_item(hone_max(hone_masked_fill_scalar(hone_abs(hone_sub(y, line)), gone, 0))) <
              1e-12);
    cr_assert_eq(hone_item(hone_sum(hone_abs(hone_forward(all, x)))), 0);
    hone_tensor *image = hone_forward(channels, hone_zeros(HONE_F64, 8, 8, 3, 3)),
                *first = hone_select(hone_flatten(image, 2), 2, 0);
    for (int i = 1; i < 9; i++)
        cr_assert(hone_equal(first, hone_select(hone_flatten(image, 2), 2, i)));
    cr_assert(hone_item(hone_max(first)) > hone_item(hone_min(first)));
    hone_module_train(l, false);
    cr_assert(hone_equal(hone_forward(l, x), x));
    hone_module_free(l);
    hone_module_free(all);
    hone_module_free(channels);
}

/* ---- memory */

static bool make_and_run(void)
{
    HONE_SCOPE();
    hone_module *l = hone_nn_layer(
        "Sequential", "GRU(4, 3, 2, bidirectional=True), LSTM(6, 4, batch_first=True), "
                      "Upsample(scale_factor=(1.5,), mode='linear')");
    hone_tensor *y = l ? hone_forward(l, hone_ones(HONE_F32, 2, 2, 4)) : NULL;
    const bool ok = y && hone_backward(hone_sum(y)) == HONE_OK;
    hone_module_free(l);
    return ok;
}

Test(layer_sequences, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(make_and_run);
}
