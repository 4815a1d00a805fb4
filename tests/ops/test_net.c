/* conv1d, transposed convolution, attention and cells beside what torch 2.13 gives, and what is
 * refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(net);

#define NONE HONE_NONE

/* ---- convolution */

static hone_tensor *counted(int64_t n)
{
    return hone_reshape(hone_arange(HONE_F64, 1, (double)n + 1, 1), 1, 1, n);
}

static hone_tensor *tens(void)
{
    return T(HONE_F64, (1, 1, 3), 1, 10, 100);
}

Test(net, conv1d_same)
{
    const hone_conv1d_options same = { .auto_pad = HONE_PAD_SAME };
    CHECK_VALUES(hone_conv1d(counted(5), T(HONE_F64, (1, 1, 4), 1, 10, 100, 1000), NONE, &same),
                 HONE_F64, (1, 1, 5), 3210, 4321, 5432, 543, 54);
    const hone_conv1d_options wide = { .auto_pad = HONE_PAD_SAME, .dilation = 3 };
    CHECK_VALUES(hone_conv1d(counted(5), T(HONE_F64, (1, 1, 2), 1, 10), NONE, &wide), HONE_F64,
                 (1, 1, 5), 30, 41, 52, 3, 4);
}

Test(net, conv_transpose)
{
    hone_conv_transpose1d_options o = { .stride = 2, .padding = 1, .output_padding = 1 };
    CHECK_VALUES(hone_conv_transpose1d(counted(3), tens(), NONE, &o), HONE_F64, (1, 1, 6), 10, 102,
                 20, 203, 30, 300);
    o.output_padding = 0;
    CHECK_VALUES(hone_conv_transpose1d(counted(3), tens(), NONE, &o), HONE_F64, (1, 1, 5), 10, 102,
                 20, 203, 30);
    o = (hone_conv_transpose1d_options){ .padding = 1, .dilation = 3, .output_padding = 2 };
    CHECK_VALUES(hone_conv_transpose1d(counted(3), tens(), NONE, &o), HONE_F64, (1, 1, 9), 2, 3, 10,
                 20, 30, 100, 200, 300, 0);
    o = (hone_conv_transpose1d_options){ .padding = 2, .dilation = 2, .output_padding = 1 };
    CHECK_VALUES(hone_conv_transpose1d(counted(3), tens(), NONE, &o), HONE_F64, (1, 1, 4), 13, 20,
                 130, 200);
    o = (hone_conv_transpose1d_options){ .stride = 3, .output_padding = 2 };
    CHECK_VALUES(hone_conv_transpose1d(hone_zeros(HONE_F64, 1, 1, 1), hone_ones(HONE_F64, 1, 1, 1),
                                       T(HONE_F64, (1), 5), &o),
                 HONE_F64, (1, 1, 3), 5, 5, 5);
    const hone_conv_transpose2d_options image = { .stride = { 2, 2 },
                                                  .padding = { 1, 1 },
                                                  .output_padding = { 1, 1 } };
    hone_tensor *x = hone_reshape(counted(9), 1, 1, 3, 3);
    hone_tensor *w = hone_reshape(counted(4), 1, 1, 2, 2);
    hone_tensor *y = hone_conv_transpose2d(x, w, T(HONE_F64, (1), .5), &image);
    CHECK_VALUES(hone_select(y, 2, 1), HONE_F64, (1, 1, 5), 8.5, 5.5, 10.5, 6.5, 12.5);
}

Test(net, convolution_errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 1, 2, 3), *w = hone_zeros(HONE_F32, 2, 1, 2);
    const hone_conv_transpose1d_options more = { .output_padding = 1 }, cut = { .padding = 3 };
    CHECK_FAILS(hone_conv_transpose1d(x, w, NONE, &more), HONE_E_VALUE,
                "conv_transpose1d: output_padding of the width is 1");
    CHECK_FAILS(hone_conv_transpose1d(x, w, NONE, &cut), HONE_E_SHAPE, "no elements");
    CHECK_FAILS(hone_conv_transpose1d(x, hone_zeros(HONE_F32, 3, 1, 2), NONE, NULL), HONE_E_SHAPE,
                "as many channels");
    CHECK_FAILS(hone_conv_transpose1d(x, w, hone_zeros(HONE_F32, 2), NULL), HONE_E_SHAPE,
                "the bias f32 [2]");
    CHECK_FAILS(hone_conv_transpose1d(x, hone_zeros(HONE_F64, 2, 1, 2), NONE, NULL), HONE_E_DTYPE,
                "conv_transpose1d");
    CHECK_FAILS(hone_conv_transpose2d(x, w, NONE, NULL), HONE_E_SHAPE, "[N, C, H, W]");
    const hone_conv_transpose1d_options far = { .stride = INT32_MAX, .dilation = INT32_MAX };
    CHECK_FAILS(hone_conv_transpose1d(x, w, NONE, &far), HONE_E_SHAPE, "2^31");
    CHECK_FAILS(hone_conv1d(x, hone_zeros(HONE_F32, 2, 2), NONE, NULL), HONE_E_SHAPE, "conv1d");
}

/* ---- attention */

static hone_tensor *attend(hone_tensor *v, hone_tensor *mask, bool causal)
{
    const int64_t keys = hone_size(v, 1);
    return hone_scaled_dot_product_attention(
        hone_zeros(HONE_F64, 1, 2, 1), hone_zeros(HONE_F64, 1, keys, 1), v, mask, causal, 0, false);
}

/* Query l sees the keys 0..l, from the top left; one that sees none gives zeros. */
Test(net, attention_masks)
{
    hone_tensor *v = T(HONE_F64, (1, 4, 1), 1, 2, 3, 4);
    CHECK_VALUES(attend(v, NONE, true), HONE_F64, (1, 2, 1), 1, 1.5);
    hone_tensor *mask = T(HONE_BOOL, (2, 4), 1, 0, 1, 0, 0, 0, 0, 0);
    hone_requires_grad_(v, true);
    hone_tensor *y = attend(v, mask, false);
    CHECK_VALUES(hone_detach(y), HONE_F64, (1, 2, 1), 2, 0);
    CHECK_OK(hone_backward(hone_sum(y)));
    CHECK_VALUES(hone_grad(v), HONE_F64, (1, 4, 1), .5, 0, .5, 0);
}

Test(net, attention_errors)
{
    hone_tensor *q = hone_zeros(HONE_F32, 2, 3, 4), *k = hone_zeros(HONE_F32, 2, 5, 4);
    hone_tensor *mask = hone_ones(HONE_BOOL, 3, 5);
    CHECK_FAILS(hone_scaled_dot_product_attention(q, k, k, mask, true, 0, false), HONE_E_VALUE,
                "a mask and is_causal");
    CHECK_FAILS(hone_scaled_dot_product_attention(q, k, q, NONE, false, 0, false), HONE_E_SHAPE,
                "wants query [.., L, E]");
    CHECK_FAILS(hone_scaled_dot_product_attention(q, k, hone_zeros(HONE_F64, 2, 5, 4), NONE, false,
                                                  0, false),
                HONE_E_DTYPE, "floats of one dtype");
    CHECK_FAILS(
        hone_scaled_dot_product_attention(q, k, k, hone_ones(HONE_I64, 3, 5), false, 0, false),
        HONE_E_DTYPE, "the mask i64 [3, 5]");
    hone_tensor *three = hone_zeros(HONE_F32, 3, 5, 4);
    CHECK_FAILS(hone_scaled_dot_product_attention(q, three, three, NONE, false, 0, true),
                HONE_E_SHAPE, "grouped heads");
}

/* ---- cells */

static hone_tensor *filled(double value, int64_t rows)
{
    return hone_full(HONE_F64, value, rows, 1);
}

Test(net, cells_golden)
{
    hone_tensor *x = filled(0.1, 1), *zero = filled(0, 1);
    const hone_lstm_state one = hone_lstm_cell(
        x, zero, zero, T(HONE_F64, (4, 1), 1, 2, 3, 4), T(HONE_F64, (4, 1), .1, .2, .3, .4),
        T(HONE_F64, (4), .5, .6, .7, .8), T(HONE_F64, (4), .01, .02, .03, .04));
    cr_expect(fabs(hone_item(one.h_next) - 0.3592833035144355) < 1e-14);
    hone_tensor *gru =
        hone_gru_cell(x, zero, T(HONE_F64, (3, 1), 1, 2, 3), T(HONE_F64, (3, 1), .1, .2, .3),
                      T(HONE_F64, (3), .5, .6, .7), T(HONE_F64, (3), .01, .02, .03));
    cr_expect(fabs(hone_item(gru) - 0.2353272162434067) < 1e-14);
    hone_tensor *half = hone_full(HONE_F64, .5, 1);
    hone_tensor *h =
        hone_rnn_tanh_cell(filled(1, 1), zero, filled(.5, 1), filled(.5, 1), half, half);
    cr_expect(fabs(hone_item(h) - 0.9051482536448664) < 1e-14);
    hone_tensor *unit = hone_ones(HONE_F64, 1);
    h = hone_rnn_relu_cell(filled(2, 1), filled(3, 1), filled(1, 1), filled(1, 1), unit, unit);
    cr_expect_eq(hone_item(h), 7);
}

Test(net, cell_errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 2, 3), *h = hone_zeros(HONE_F32, 2, 4);
    hone_tensor *w_ih = hone_zeros(HONE_F32, 4, 3), *w_hh = hone_zeros(HONE_F32, 4, 4);
    CHECK_FAILS(hone_rnn_tanh_cell(x, h, w_hh, w_hh, NONE, NONE), HONE_E_SHAPE,
                "rnn_tanh_cell: w_ih must be [4, 3] of f32");
    CHECK_FAILS(hone_rnn_tanh_cell(x, h, w_ih, w_hh, x, NONE), HONE_E_SHAPE, "b_ih must be [4]");
    CHECK_FAILS(hone_gru_cell(x, h, w_ih, w_hh, NONE, NONE), HONE_E_SHAPE, "w_ih must be [12, 3]");
    CHECK_FAILS(hone_rnn_relu_cell(x, hone_zeros(HONE_F32, 3, 4), w_ih, w_hh, NONE, NONE),
                HONE_E_SHAPE, "h [N, hidden]");
    CHECK_FAILS(hone_rnn_relu_cell(x, hone_zeros(HONE_F64, 2, 4), w_ih, w_hh, NONE, NONE),
                HONE_E_DTYPE, "both be f32");
    const hone_lstm_state s = hone_lstm_cell(x, h, x, hone_zeros(HONE_F32, 16, 3),
                                             hone_zeros(HONE_F32, 16, 4), NONE, NONE);
    cr_expect(!s.h_next && !s.c_next);
    CHECK_FAILS(hone_relu(s.h_next), HONE_E_SHAPE, "lstm_cell: c f32 [2, 3] must be like h");
}
