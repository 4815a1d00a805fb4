/* How layers begin, what they refuse, and corners that golden files don't reach. */
#include "support.h"

#include <hone/accumulate.h>
#include <hone/autograd.h>
#include <hone/net.h>
#include <hone/nn.h>
#include <hone/ops.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

SUITE(layer_corners);

static hone_module *layer(const char *name, const char *arguments)
{
    hone_module *l = hone_nn_layer(name, arguments);
    cr_assert(l, "%s(%s): %s", name, arguments, hone_error_message());
    return l;
}

static hone_tensor *state_of(hone_module *l, const char *name)
{
    hone_tensor *t = hone_named_find(hone_named_state(l), name);
    cr_assert(t, "%s", hone_error_message());
    return hone_detach(t);
}

/* ---- how they begin */

/* Evenly within the bound. */
static void check_even(const char *name, const char *arguments, const char *tensor, double bound)
{
    hone_module *l = layer(name, arguments);
    hone_tensor *values = state_of(l, tensor);
    const double least = hone_item(hone_min(values)), most = hone_item(hone_max(values));
    cr_assert(least >= -bound && least < -0.95 * bound && most <= bound && most > 0.95 * bound,
              "%s(%s).%s: %g to %g, bound %g", name, arguments, tensor, least, most, bound);
    cr_assert(fabs(hone_item(hone_mean(values))) < 0.15 * bound);
    hone_module_free(l);
}

Test(layer_corners, weights_begin_evenly_as_pytorchs)
{
    hone_seed(7);
    check_even("Conv1d", "4, 300, 5, groups=2", "weight", 1 / sqrt(2 * 5));
    check_even("Conv1d", "4, 300, 5, groups=2", "bias", 1 / sqrt(2 * 5));
    check_even("Conv2d", "4, 300, (3, 5), groups=2", "weight", 1 / sqrt(2 * 15));
    /* by what PyTorch takes for the number of inputs */
    check_even("ConvTranspose1d", "4, 300, 5, groups=2", "weight", 1 / sqrt(150 * 5));
    check_even("ConvTranspose2d", "4, 300, (3, 5), groups=2", "weight", 1 / sqrt(150 * 15));
    check_even("ConvTranspose2d", "4, 300, (3, 5), groups=2", "bias", 1 / sqrt(150 * 15));
    check_even("Bilinear", "40, 5, 30", "weight", 1 / sqrt(40));
    check_even("Bilinear", "40, 5, 300", "bias", 1 / sqrt(40));
    check_even("LSTMCell", "3, 90", "weight_ih", 1 / sqrt(90));
    check_even("LSTMCell", "3, 90", "bias_hh", 1 / sqrt(90));
    check_even("LSTM", "3, 90, 2, bidirectional=True", "weight_ih_l1_reverse", 1 / sqrt(90));
    check_even("GRU", "3, 90", "bias_hh_l0", 1 / sqrt(90));
    check_even("Conv3d", "4, 300, 2, groups=2", "weight", 1 / sqrt(2 * 8));
    check_even("ConvTranspose3d", "4, 300, 2, groups=2", "bias", 1 / sqrt(150 * 8));
    check_even("MultiheadAttention", "64, 4", "in_proj_weight", sqrt(6.0 / (4 * 64)));
    check_even("MultiheadAttention", "64, 4", "out_proj.weight", 1 / sqrt(64));
    check_even("MultiheadAttention", "64, 4, kdim=30", "k_proj_weight", sqrt(6.0 / 94));
    check_even("MultiheadAttention", "64, 4, kdim=30", "v_proj_weight", sqrt(6.0 / 128));
    check_even("TransformerEncoderLayer", "32, 4, 64", "linear1.weight", 1 / sqrt(32));
    check_even("Transformer", "32, 4, 1, 1, 64", "encoder.layers.0.linear1.weight", sqrt(6.0 / 96));
}

Test(layer_corners, weights_that_begin_otherwise)
{
    hone_seed(8);
    hone_module *l = layer("Embedding", "200, 30, padding_idx=-2");
    hone_tensor *w = state_of(l, "weight");
    cr_assert(hone_item(hone_sum(hone_abs(hone_select(w, 0, 198)))) == 0);
    cr_assert(fabs(hone_item(hone_mean(w))) < 0.05);
    cr_assert(fabs(hone_item(hone_std(w, 1)) - 1) < 0.05);
    hone_module_free(l);
    l = layer("MultiheadAttention", "64, 4, add_bias_kv=True");
    cr_assert(hone_item(hone_sum(hone_abs(state_of(l, "in_proj_bias")))) == 0);
    cr_assert(hone_item(hone_sum(hone_abs(state_of(l, "out_proj.bias")))) == 0);
    cr_assert(fabs(hone_item(hone_std(state_of(l, "bias_k"), 1)) - 1.0 / 8) < 0.04);
    hone_module_free(l);
    l = layer("PReLU", "2");
    CHECK_VALUES(state_of(l, "weight"), HONE_F32, (2), 0.25, 0.25);
    hone_module_free(l);
    l = layer("TransformerEncoder", "TransformerEncoderLayer(8, 2, 16), 3");
    cr_assert(
        hone_equal(state_of(l, "layers.0.linear1.weight"), state_of(l, "layers.2.linear1.weight")));
    cr_assert(hone_equal(state_of(l, "layers.0.self_attn.in_proj_weight"),
                         state_of(l, "layers.1.self_attn.in_proj_weight")));
    hone_module_free(l);
}

/* ---- norms */

Test(layer_corners, instance_norms_statistics)
{
    hone_module *l = layer("InstanceNorm1d", "1, track_running_stats=True");
    hone_forward(l, T(HONE_F32, (2, 1, 2), 1, 3, 5, 11));
    CHECK_CLOSE(state_of(l, "running_mean"), 1e-6, 0, HONE_F32, (1), 0.5);
    CHECK_CLOSE(state_of(l, "running_var"), 1e-6, 0, HONE_F32, (1), 1.9);
    CHECK_VALUE0(state_of(l, "num_batches_tracked"), HONE_I64, 0);
    hone_module_train(l, false);
    const double s = sqrt(1.9 + 1e-5);
    CHECK_CLOSE(hone_forward(l, T(HONE_F32, (1, 2), 1, 3)), 1e-6, 0, HONE_F32, (1, 2), 0.5 / s,
                2.5 / s);
    CHECK_FAILS(hone_forward(l, T(HONE_F32, (2), 1, 3)), HONE_E_SHAPE,
                "InstanceNorm1d: wants 3 dims with 1 channels, or 2 for one sample, got f32 [2]");
    hone_module_free(l);
    l = layer("InstanceNorm1d", "1");
    CHECK_FAILS(hone_forward(l, T(HONE_F32, (2, 1, 1), 1, 3)), HONE_E_SHAPE, "instance_norm");
    cr_assert(hone_named_state(l).n == 0);
    hone_module_free(l);
}

Test(layer_corners, norms_refuse)
{
    CHECK_FAILS(hone_nn_layer("GroupNorm", "3, 4"), HONE_E_VALUE,
                "GroupNorm: 3 groups don't divide 4 channels");
    hone_module *l = layer("GroupNorm", "2, 4");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 2, 6)), HONE_E_SHAPE, "GroupNorm: wants [n, 4");
    hone_module_free(l);
    l = layer("RMSNorm", "(2, 3)");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 3)), HONE_E_SHAPE,
                "RMSNorm: wants the last dims [2, 3], got f32 [3]");
    hone_module_free(l);
    l = layer("BatchNorm3d", "2");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 3, 2, 2, 2)), HONE_E_SHAPE,
                "BatchNorm3d: wants [n, 2, depth, height, width]");
    hone_module_free(l);
    l = layer("LocalResponseNorm", "2");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 3, 2)), HONE_E_SHAPE,
                "LocalResponseNorm: wants");
    hone_module_free(l);
}

/* ---- dropout */

Test(layer_corners, dropout_in_training_alone)
{
    hone_seed(1);
    hone_module *l = layer("Dropout", "0.25");
    hone_tensor *x = hone_ones(HONE_F32, 100, 100), *y = hone_forward(l, x);
    const double mean = hone_item(hone_mean(y)), most = hone_item(hone_max(y));
    cr_assert(fabs(mean - 1) < 0.03 && fabs(most - 1 / 0.75) < 1e-6 && hone_item(hone_min(y)) == 0);
    hone_module_train(l, false);
    cr_assert(hone_forward(l, x) == x);
    hone_module_free(l);
    CHECK_FAILS(hone_nn_layer("Dropout", "1.5"), HONE_E_VALUE, "Dropout: p is 1.5, but 0 to 1");
}

Test(layer_corners, dropout_of_channels)
{
    static const struct {
        const char *name;
        int64_t dims[6];
    } cases[] = { { "Dropout1d", { 40, 30, 4, HONE_END_DIM } },
                  { "Dropout1d", { 300, 4, HONE_END_DIM } },
                  { "Dropout2d", { 40, 30, 4, HONE_END_DIM } },
                  { "Dropout2d", { 40, 30, 2, 2, HONE_END_DIM } },
                  { "Dropout3d", { 300, 2, 2, 2, HONE_END_DIM } },
                  { "Dropout3d", { 40, 30, 2, 2, 2, HONE_END_DIM } } };
    hone_seed(2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hone_module *l = layer(cases[i].name, "0.5");
        int64_t dims[8] = { HONE_F32 };
        memcpy(dims + 1, cases[i].dims, sizeof cases[i].dims);
        hone_tensor *y = hone_forward(l, hone_ones_v(dims));
        cr_assert(y, "%s", hone_error_message());
        /* rows of one channel are all zero or all 2 */
        hone_tensor *rows = hone_reshape(y, -1, 4);
        cr_assert(hone_equal(hone_max_dim(rows, 1, false), hone_min_dim(rows, 1, false)));
        cr_assert(fabs(hone_item(hone_mean(y)) - 1) < 0.2);
        hone_module_free(l);
    }
    hone_module *l = layer("Dropout1d", "0.5");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 3)), HONE_E_SHAPE,
                "Dropout1d: wants 3 dims, or 2 for one sample, got f32 [3]");
    hone_module_free(l);
}

/* ---- attention */

/* The way with dropout and the one without it are two; p is so small that nothing is dropped. */
Test(layer_corners, attention_with_dropout_has_the_same_masks)
{
    static const char *const arguments[] = {
        "6, 2, dropout=1e-12, batch_first=True, dtype=f64",
        "6, 2, dropout=1e-12, batch_first=True, dtype=f64, is_causal=True",
        "6, 2, dropout=1e-12, batch_first=True, dtype=f64, add_zero_attn=True, add_bias_kv=True",
    };
    hone_seed(3);
    hone_tensor *x = hone_randn(HONE_F64, 2, 4, 6);
    hone_tensor *keys = T(HONE_BOOL, (2, 4), 0, 1, 0, 0, 0, 0, 0, 1),
                *pairs = T(HONE_BOOL, (4, 4), 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0),
                *numbers = hone_randn(HONE_F64, 4, 4);
    hone_tensor *const masks[][2] = { { HONE_NONE, HONE_NONE },
                                      { keys, HONE_NONE },
                                      { HONE_NONE, pairs },
                                      { keys, pairs },
                                      { keys, numbers } };
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        hone_module *l = layer("MultiheadAttention", arguments[i]);
        for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
            hone_module_train(l, true);
            hone_tensor *a = hone_forward(l, x, x, x, masks[m][0], masks[m][1]);
            hone_module_train(l, false);
            hone_tensor *b = hone_forward(l, x, x, x, masks[m][0], masks[m][1]);
            cr_assert(a && b && hone_allclose(hone_detach(a), hone_detach(b), 1e-9, 1e-9),
                      "%s, masks %zu: %s", arguments[i], m, hone_error_message());
        }
        hone_module_free(l);
    }
}

Test(layer_corners, a_query_that_sees_nothing_gives_the_bias)
{
    hone_module *l = layer("MultiheadAttention", "4, 2, dropout=0.5");
    const hone_named_list state = hone_named_state(l);
    {
        HONE_NO_GRAD();
        hone_copy_(hone_named_find(state, "out_proj.bias"), T(HONE_F32, (4), 1, 2, 3, 4));
    }
    hone_tensor *x = hone_randn(HONE_F32, 2, 1, 4);
    hone_tensor *mask = T(HONE_BOOL, (2, 2), 0, 0, 1, 1);
    for (int training = 0; training < 2; training++) {
        hone_module_train(l, training == 1);
        hone_tensor *y = hone_forward(l, x, x, x, HONE_NONE, mask);
        CHECK_VALUES(hone_detach(hone_select(y, 0, 1)), HONE_F32, (1, 4), 1, 2, 3, 4);
        CHECK_OK(hone_backward(hone_sum(y)));
        cr_assert(
            isfinite(hone_item(hone_sum(hone_grad(hone_named_find(state, "in_proj_weight"))))));
    }
    hone_module_free(l);
}

Test(layer_corners, attention_refuses)
{
    CHECK_FAILS(hone_nn_layer("MultiheadAttention", "6, 4"), HONE_E_VALUE,
                "MultiheadAttention: 4 heads don't divide an embed_dim of 6");
    hone_module *l = layer("MultiheadAttention", "4, 2");
    hone_tensor *x = hone_ones(HONE_F32, 3, 2, 4);
    CHECK_FAILS(hone_forward(l, x, x), HONE_E_VALUE, "MultiheadAttention: 2 inputs were given");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 4)), HONE_E_SHAPE, "query f32 [4]");
    CHECK_FAILS(hone_forward(l, x, hone_ones(HONE_F32, 3, 1, 4), x), HONE_E_SHAPE,
                "MultiheadAttention: query f32 [3, 2, 4], key f32 [3, 1, 4]");
    CHECK_FAILS(hone_forward(l, x, x, x, HONE_NONE, hone_ones(HONE_BOOL, 3)), HONE_E_SHAPE,
                "attn_mask is [l, s] = [3, 3] or [n * num_heads, l, s] = [4, 3, 3], got bool [3]");
    CHECK_FAILS(hone_forward(l, x, x, x, HONE_NONE, hone_zeros(HONE_F32, 2, 5)), HONE_E_SHAPE,
                "[4, 3, 3], got f32 [2, 5]");
    CHECK_FAILS(hone_forward(l, x, x, x, hone_ones(HONE_BOOL, 3, 2)), HONE_E_SHAPE,
                "key_padding_mask is [n, s] = [2, 3], got bool [3, 2]");
    hone_module_free(l);
    CHECK_FAILS(hone_nn_layer("TransformerEncoder", "ReLU(), 2"), HONE_E_VALUE,
                "TransformerEncoder: its layers are TransformerEncoderLayer, got ReLU");
    CHECK_FAILS(hone_nn_layer("TransformerDecoder", "TransformerEncoderLayer(4, 2), 2, Tanh()"),
                HONE_E_VALUE,
                "its layers are TransformerDecoderLayer, got TransformerEncoderLayer");
    l = layer("TransformerDecoderLayer", "4, 2");
    CHECK_FAILS(hone_forward(l, x), HONE_E_VALUE,
                "TransformerDecoderLayer: 1 inputs were given, 2 to 6 wanted");
    hone_module_free(l);
}

/* ---- others that refuse */

Test(layer_corners, what_others_refuse)
{
    CHECK_FAILS(hone_nn_layer("Conv1d", "4, 6, 3, groups=4"), HONE_E_VALUE,
                "Conv1d: 4 groups don't divide 4 to 6 channels");
    CHECK_FAILS(hone_nn_layer("Conv2d", "4, 6, 3, stride=(1, 2), padding='same'"), HONE_E_VALUE,
                "Conv2d: stride (1, 2) with padding='same'");
    CHECK_FAILS(hone_nn_layer("ConvTranspose1d", "4, 6, 3, padding_mode='reflect'"), HONE_E_VALUE,
                "ConvTranspose1d: padding_mode is 'reflect', but 'zeros' is wanted");
    CHECK_FAILS(hone_nn_layer("Embedding", "5, 2, padding_idx=5"), HONE_E_VALUE,
                "Embedding: padding_idx is 5, but -5 to 4 is wanted");
    CHECK_FAILS(hone_nn_layer("Embedding", "5, 2, max_norm=1.0"), HONE_E_VALUE,
                "Embedding: hone has no max_norm: it would change the weight");
    CHECK_FAILS(hone_nn_layer("Embedding", "5, 2, sparse=True"), HONE_E_VALUE,
                "Embedding: hone has no sparse gradients");
    CHECK_FAILS(hone_nn_layer("PairwiseDistance", "0"), HONE_E_VALUE, "PairwiseDistance: p is 0");
    CHECK_FAILS(hone_nn_layer("Conv2d", "3000000000, 3000000000, 3000000000"), HONE_E_SHAPE,
                "more elements than an int64 can count");
    CHECK_FAILS(hone_nn_layer("LSTMCell", "2, 3000000000000000000"), HONE_E_VALUE,
                "LSTMCell: a hidden_size of 3000000000000000000 is too large");
    static const struct {
        const char *name, *arguments, *says;
    } cases[] = {
        { "Flatten", "2, 1", "Flatten: of f32 [2, 3, 4] start_dim is 2 and end_dim 1" },
        { "Flatten", "5", "Flatten" },
        { "Unflatten", "1, (2, 2)", "Unflatten: dim 1 of f32 [2, 3, 4] doesn't make [2, 2]" },
        { "Unflatten", "1, (-1, 2)", "doesn't make [-1, 2]" },
        { "Unflatten", "1, (-1, -1)", "doesn't make [-1, -1]" },
        { "ReflectionPad2d", "5", "pad" },
        { "ReflectionPad3d", "1", "ReflectionPad3d: wants 4 or 5 dims, got f32 [2, 3, 4]" },
        { "PixelShuffle", "2", "PixelShuffle: wants [.., c, h, w] with c divisible by 4" },
        { "PixelUnshuffle", "2",
          "PixelUnshuffle: wants [.., c, h, w] with h and w divisible by 2" },
        { "ChannelShuffle", "2", "ChannelShuffle: wants [n, c, ..] with c divisible by 2" },
        { "Softmax", "3", "softmax" },
        { "Softmax2d", "", NULL },
        { "GLU", "1", "glu" },
        { "GRUCell", "3, 2", "GRUCell: wants [n, 3] or [3], got f32 [2, 3, 4]" },
        { "AdaptiveAvgPool2d", "(None, 2)", NULL },
        { "Embedding", "5, 2", "embedding" },
    };
    hone_tensor *x = hone_ones(HONE_F32, 2, 3, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hone_module *l = layer(cases[i].name, cases[i].arguments);
        hone_tensor *y = hone_forward(l, x);
        cr_assert(!y == (cases[i].says != NULL), "%s", cases[i].name);
        cr_assert(!cases[i].says || strstr(hone_error_message(), cases[i].says), "%s: %s",
                  cases[i].name, hone_error_message());
        hone_error_clear();
        hone_module_free(l);
    }
    hone_module *l = layer("Bilinear", "3, 4, 2");
    CHECK_FAILS(hone_forward(l, hone_ones(HONE_F32, 5, 3), hone_ones(HONE_F32, 6, 4)), HONE_E_SHAPE,
                "Bilinear: wants [.., 3] and [.., 4], got f32 [5, 3] and f32 [6, 4]");
    hone_module_free(l);
}

/* PyTorch's rule: dim 0 of 0, 1 and 3 dims, else 1. */
Test(layer_corners, softmax_without_a_dim)
{
    hone_module *l = layer("Softmax", "");
    hone_tensor *x = hone_randn(HONE_F32, 3, 2, 4), *flat = hone_select(x, 1, 0);
    cr_assert(hone_equal(hone_forward(l, x), hone_softmax(x, 0)));
    cr_assert(hone_equal(hone_forward(l, flat), hone_softmax(flat, 1)));
    cr_assert(hone_equal(hone_forward(l, hone_select(flat, 0, 0)),
                         hone_softmax(hone_select(flat, 0, 0), 0)));
    hone_module_free(l);
}

/* From a threshold of 20 on the formula stays, which PyTorch's x differs from by less than 3e-9. */
Test(layer_corners, softplus_past_its_threshold)
{
    hone_module *l = layer("Softplus", "1, 20"), *low = layer("Softplus", "threshold=2");
    CHECK_CLOSE(hone_forward(l, T(HONE_F64, (2), 20, 20.5)), 1e-9, 0, HONE_F64, (2),
                20.000000002061153, 20.5);
    CHECK_VALUES(hone_slice(hone_forward(low, T(HONE_F64, (2), 2, 2.5)), 0, 1, 2, 1), HONE_F64, (1),
                 2.5);
    hone_module_free(l);
    hone_module_free(low);
}

Test(layer_corners, an_lstm_step_has_both_states)
{
    hone_module *l = layer("LSTMCell", "3, 2, dtype=f64"), *relu = hone_nn_relu();
    hone_tensor *x = hone_randn(HONE_F64, 4, 3);
    const hone_lstm_state first = hone_nn_lstm_step(l, x, HONE_NONE, HONE_NONE);
    cr_assert(hone_equal(first.h_next, hone_forward(l, x)));
    const hone_lstm_state second = hone_nn_lstm_step(l, x, first.h_next, first.c_next);
    cr_assert(hone_equal(second.h_next, hone_forward(l, x, first.h_next, first.c_next)));
    cr_assert(!hone_equal(second.c_next, first.c_next));
    cr_assert(!hone_nn_lstm_step(relu, x, HONE_NONE, HONE_NONE).h_next);
    CHECK_ERROR(HONE_E_VALUE, "nn_lstm_step: wants an LSTMCell, got ReLU");
    cr_assert(!hone_nn_lstm_step(NULL, x, HONE_NONE, HONE_NONE).h_next);
    CHECK_ERROR(HONE_E_NULL, "nn_lstm_step");
    hone_module_free(l);
    hone_module_free(relu);
}

/* ---- a sample's bits depend on the sample alone, and gradients are chains over samples */

static const struct {
    const char *name, *arguments;
    int64_t dims[5];
    bool whole; /* no weight, or its op's gradient of it doesn't go on from part to part */
} samples[] = {
    { "Conv1d", "4, 6, 3, padding=2, padding_mode='reflect'", { 4, 9, HONE_END_DIM } },
    { "ConvTranspose1d", "4, 6, 3, stride=2", { 4, 9, HONE_END_DIM }, .whole = true },
    { "ConvTranspose2d", "4, 6, 3, groups=2", { 4, 5, 6, HONE_END_DIM }, .whole = true },
    { "GroupNorm", "2, 4", { 4, 9, HONE_END_DIM } },
    { "InstanceNorm1d", "4, affine=True", { 4, 9, HONE_END_DIM } },
    { "RMSNorm", "9", { 4, 9, HONE_END_DIM } },
    { "PReLU", "4", { 4, 9, HONE_END_DIM } },
    { "LocalResponseNorm", "3", { 4, 9, HONE_END_DIM }, .whole = true },
    { "GRUCell", "33, 20", { 33, HONE_END_DIM } },
    { "LSTMCell", "33, 20", { 33, HONE_END_DIM } },
    { "Conv3d", "2, 3, 2", { 2, 3, 4, 3, HONE_END_DIM } },
    { "ConvTranspose3d", "2, 3, 2", { 2, 3, 4, 3, HONE_END_DIM }, .whole = true },
    { "RNN", "5, 4, 2, batch_first=True", { 7, 5, HONE_END_DIM } },
    { "GRU", "5, 4, batch_first=True", { 7, 5, HONE_END_DIM } },
    { "LSTM", "5, 4, 2, batch_first=True, bidirectional=True", { 7, 5, HONE_END_DIM } },
    { "Upsample", "scale_factor=1.6, mode='bilinear'", { 2, 4, 3, HONE_END_DIM }, .whole = true },
    { "MultiheadAttention", "16, 2, batch_first=True, is_causal=True", { 7, 16, HONE_END_DIM } },
    { "TransformerEncoderLayer", "16, 2, 30, 0.0, batch_first=True", { 7, 16, HONE_END_DIM } },
};

Test(layer_corners, a_sample_has_the_same_bits_alone)
{
    enum { N = 6 };
    hone_seed(4);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        HONE_SCOPE();
        hone_module *l = layer(samples[i].name, samples[i].arguments);
        int64_t dims[8] = { HONE_F32, N };
        memcpy(dims + 2, samples[i].dims, sizeof samples[i].dims);
        hone_tensor *x = hone_randn_v(dims), *all = hone_forward(l, x);
        cr_assert(all, "%s: %s", samples[i].name, hone_error_message());
        for (int s = 0; s < N; s++) {
            hone_tensor *one = hone_forward(l, hone_slice(x, 0, s, s + 1, 1));
            cr_assert(test_same_bits(hone_contiguous(hone_slice(all, 0, s, s + 1, 1)), one),
                      "%s: sample %d", samples[i].name, s);
        }
        hone_module_free(l);
    }
}

/* The gradients of all parameters, of the batch in parts of so many samples. */
static void gradients(hone_module *l, hone_tensor *x, hone_tensor *target, int part)
{
    const int n = (int)hone_size(x, 0);
    CHECK_OK(hone_module_zero_grad(l));
    CHECK_OK(hone_accumulate_begin(n));
    for (int at = 0; at < n; at += part) {
        HONE_SCOPE();
        const int end = at + part < n ? at + part : n;
        CHECK_OK(hone_accumulate_part(end - at));
        hone_tensor *y = hone_forward(l, hone_slice(x, 0, at, end, 1));
        y = hone_flatten(y, 1);
        CHECK_OK(hone_backward(hone_cross_entropy(y, hone_slice(target, 0, at, end, 1))));
    }
    cr_assert(hone_accumulate_end(), "%s", hone_error_message());
}

Test(layer_corners, gradients_have_the_same_bits_in_parts)
{
    enum { N = 7 };
    hone_seed(5);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        if (samples[i].whole)
            continue;
        HONE_SCOPE();
        hone_module *l = layer(samples[i].name, samples[i].arguments);
        int64_t dims[8] = { HONE_F32, N };
        memcpy(dims + 2, samples[i].dims, sizeof samples[i].dims);
        hone_tensor *x = hone_randn_v(dims), *target = hone_randint(HONE_I64, 0, 8, N);
        const hone_named_list p = hone_named_parameters(l);
        hone_tensor *whole[40];
        gradients(l, x, target, N);
        for (int k = 0; k < p.n; k++)
            whole[k] = hone_clone(hone_grad(p.at[k].tensor));
        for (int part = 1; part < 5; part += 2) {
            gradients(l, x, target, part);
            for (int k = 0; k < p.n; k++)
                cr_assert(test_same_bits(whole[k], hone_grad(p.at[k].tensor)),
                          "%s: %s, parts of %d", samples[i].name, p.at[k].name, part);
        }
        hone_module_free(l);
    }
}

/* ---- memory */

static bool make_and_run(void)
{
    HONE_SCOPE();
    hone_module *l = hone_nn_layer(
        "Sequential",
        "Conv1d(2, 4, 3, padding=1), InstanceNorm1d(4, affine=True, track_running_stats=True), "
        "PReLU(), TransformerEncoder(TransformerEncoderLayer(4, 2, 3, is_causal=True), 2, "
        "LayerNorm(4)), MultiheadAttention(4, 1, kdim=4, add_bias_kv=True, is_causal=True), "
        "GroupNorm(2, 4)");
    hone_tensor *y = l ? hone_forward(l, hone_ones(HONE_F32, 2, 2, 4)) : NULL;
    const bool ok = y && hone_backward(hone_sum(y)) == HONE_OK;
    hone_module_free(l);
    return ok;
}

Test(layer_corners, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(make_and_run);
}
