/* 3-D convolution, plain and transposed: what its bits are those of and may depend on, torch 2.13's
 * values, refusals. */
#include "../support/support.h"

#include "isa/isa.h"

#include <hone/hone.h>

SUITE(conv3d);

static const hone_conv3d_options uneven = { .stride = { 1, 2, 1 },
                                            .padding = { 1, 0, 2 },
                                            .dilation = { 1, 2, 1 } };

/* Forward and the three gradients. */
static void run_all(hone_tensor *x, hone_tensor *w, hone_tensor *b, hone_tensor **got)
{
    x = hone_requires_grad_(hone_detach(x), true);
    w = hone_requires_grad_(hone_detach(w), true);
    b = hone_requires_grad_(hone_detach(b), true);
    got[0] = hone_conv3d(x, w, b, &uneven);
    const hone_backward_options from = { .gradient = hone_detach(got[0]) };
    CHECK_OK(hone_backward_with(got[0], &from));
    got[1] = hone_grad(x);
    got[2] = hone_grad(w);
    got[3] = hone_grad(b);
}

Test(conv3d, bits_depend_on_no_isa_and_no_layout)
{
    HONE_SCOPE();
    for (int dtype = HONE_F32; dtype <= (int)HONE_F64; dtype++) {
        hone_tensor *x = hone_randn((hone_dtype)dtype, 3, 5, 6, 13, 11);
        hone_tensor *w = hone_randn((hone_dtype)dtype, 9, 5, 3, 3, 2);
        hone_tensor *b = hone_randn((hone_dtype)dtype, 9), *want[4], *got[4];
        run_all(x, w, b, want);
        hone_tensor *last = hone_contiguous(hone_permute(x, 0, 2, 3, 4, 1));
        for (int i = 0; hone__isa_available(i); i++) {
            hone__isa_use(hone__isa_available(i));
            run_all(hone_permute(last, 0, 4, 1, 2, 3), w, b, got);
            for (int k = 0; k < 4; k++)
                cr_expect(test_same_bits(want[k], got[k]), "%d on %s", k,
                          hone__isa_available(i)->name);
        }
    }
}

/* Images and kernels of depth 1 are those of conv2d. */
Test(conv3d, of_depth_one_is_conv2d)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 2, 5, 12, 11), *w = hone_randn(HONE_F32, 7, 5, 3, 3);
    hone_tensor *b = hone_randn(HONE_F32, 7);
    const hone_conv2d_options flat = { .stride = { 2, 1 }, .padding = { 1, 2 } };
    const hone_conv3d_options deep = { .stride = { 1, 2, 1 }, .padding = { 0, 1, 2 } };
    hone_tensor *x3 = hone_unsqueeze(x, 2), *w3 = hone_unsqueeze(w, 2);
    hone_tensor *y = hone_conv2d(x, w, b, &flat);
    hone_tensor *y3 = hone_conv3d(x3, w3, b, &deep);
    cr_expect(test_same_bits(hone_squeeze(y3, 2), y));
    cr_expect(test_same_bits(hone_squeeze(hone_conv3d_backward_input(y3, w3, 1, 12, 11, &deep), 2),
                             hone_conv2d_backward_input(y, w, 12, 11, &flat)));
    cr_expect(test_same_bits(hone_squeeze(hone_conv3d_backward_weight(y3, x3, 1, 3, 3, &deep), 2),
                             hone_conv2d_backward_weight(y, x, 3, 3, &flat)));
}

Test(conv3d, a_sample_knows_no_other)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 5, 3, 4, 7, 6), *w = hone_randn(HONE_F32, 7, 3, 2, 2, 3);
    hone_tensor *all = hone_conv3d(x, w, HONE_NONE, NULL);
    for (int i = 0; i < 5; i++) {
        hone_tensor *one = hone_conv3d(hone_select(x, 0, i), w, HONE_NONE, NULL);
        cr_expect(test_same_bits(one, hone_contiguous(hone_select(all, 0, i))), "sample %d", i);
    }
}

/* Parts of a batch, one after the other, end in the bits of the whole. */
Test(conv3d, gradients_of_parameters_go_on_over_samples)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 7, 3, 3, 8, 5), *w = hone_randn(HONE_F32, 5, 3, 3, 2, 2);
    hone_tensor *b = hone_randn(HONE_F32, 5), *want[4];
    run_all(x, w, b, want);
    w = hone_requires_grad_(w, true);
    b = hone_requires_grad_(b, true);
    for (int i = 0; i < 7; i += 3) {
        hone_tensor *y = hone_conv3d(hone_slice(x, 0, i, i + 3, 1), w, b, &uneven);
        const hone_backward_options from = { .gradient = hone_detach(y) };
        CHECK_OK(hone_backward_with(y, &from));
    }
    cr_expect(test_same_bits(hone_grad(w), want[2]));
    cr_expect(test_same_bits(hone_grad(b), want[3]));
}

/* torch.arange(1., n + 1) in that shape, as torch 2.13 convolves it. */
static hone_tensor *counted(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)
{
    return hone_reshape(hone_arange(HONE_F64, 1, (double)(a * b * c * d * e) + 1, 1), a, b, c, d,
                        e);
}

Test(conv3d, pytorchs_values)
{
    HONE_SCOPE();
    hone_tensor *x = counted(1, 1, 2, 2, 3), *w = counted(1, 1, 2, 1, 2);
    CHECK_VALUES(hone_conv3d(x, w, HONE_NONE, NULL), HONE_F64, (1, 1, 1, 2, 2), 58, 68, 88, 98);
    const hone_conv3d_options same = { .auto_pad = HONE_PAD_SAME };
    CHECK_VALUES(hone_conv3d(x, w, HONE_NONE, &same), HONE_F64, (1, 1, 2, 2, 3), 58, 68, 30, 88, 98,
                 42, 23, 26, 9, 32, 35, 12);
    const hone_conv_transpose3d_options more = { .stride = { 1, 2, 1 },
                                                 .padding = { 1, 0, 0 },
                                                 .output_padding = { 0, 1, 0 } };
    CHECK_VALUES(hone_conv_transpose3d(x, w, T(HONE_F64, (1), 100), &more), HONE_F64,
                 (1, 1, 1, 4, 4), 110, 132, 142, 130, 100, 100, 100, 100, 122, 162, 172, 148, 100,
                 100, 100, 100);
}

Test(conv3d, refusals)
{
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 2, 4, 3, 5, 6), *w = hone_ones(HONE_F32, 6, 4, 2, 3, 3);
#define CONV(...) hone_conv3d(x, w, HONE_NONE, &(hone_conv3d_options){ __VA_ARGS__ })
    CHECK_FAILS(hone_conv3d(hone_ones(HONE_F32, 4, 5, 6), w, HONE_NONE, NULL), HONE_E_SHAPE,
                "conv3d: f32 [4, 5, 6] and f32 [6, 4, 2, 3, 3], but an image [N, C, D, H, W]");
    CHECK_FAILS(hone_conv3d(x, hone_ones(HONE_F32, 6, 4, 3, 3), HONE_NONE, NULL), HONE_E_SHAPE,
                "a weight of five dims");
    CHECK_FAILS(hone_conv3d(x, hone_to(w, HONE_F64), HONE_NONE, NULL), HONE_E_DTYPE,
                "must be numbers of one dtype");
    CHECK_FAILS(CONV(.groups = 4), HONE_E_SHAPE, "with 4 groups: 4 input channels must be groups");
    CHECK_FAILS(
        CONV(.dilation = { 3, 1, 1 }), HONE_E_SHAPE,
        "a kernel of 2 x 3 x 3 with dilation (3, 1, 1) doesn't fit into an image of 3 x 5 x "
        "6 with padding (0, 0, 0) before");
    CHECK_FAILS(CONV(.stride = { 1, 1, -1 }), HONE_E_VALUE, "stride is -1, but 1");
    CHECK_FAILS(CONV(.padding = { -2 }), HONE_E_VALUE, "padding is -2, but 0");
    CHECK_FAILS(CONV(.stride = { 2 }, .auto_pad = HONE_PAD_SAME), HONE_E_VALUE,
                "wants stride 1, got padding (0, 0, 0) and stride (2, 1, 1)");
    CHECK_FAILS(hone_conv3d(x, w, hone_ones(HONE_F32, 5), NULL), HONE_E_SHAPE, "the bias f32 [5]");
    CHECK_FAILS(hone_conv3d_backward_input(x, w, 9, 9, 9, NULL), HONE_E_SHAPE,
                "the result of this convolution is [2, 6, 8, 7, 7]");
    CHECK_FAILS(hone_conv3d_backward_weight(x, x, 0, 3, 3, NULL), HONE_E_VALUE,
                "attribute depth is missing");
    CHECK_FAILS(hone_call("conv3d", hone_list(x, w), "stride=1,2").at, HONE_E_VALUE,
                "stride is \"1,2\", but a whole number, or three joined by commas");
    CHECK_FAILS(hone_call("conv3d", hone_list(x, w), "stride=1,2,1,1").at, HONE_E_VALUE, "stride");
    hone_tensor *turned = hone_ones(HONE_F32, 4, 6, 2, 3, 3);
    const hone_conv_transpose3d_options more = { .output_padding = { 0, 0, 1 } },
                                        cut = { .padding = { 2, 0, 0 } };
    CHECK_FAILS(hone_conv_transpose3d(x, turned, HONE_NONE, &more), HONE_E_VALUE,
                "output_padding of the width is 1");
    CHECK_FAILS(hone_conv_transpose3d(x, turned, HONE_NONE, &cut), HONE_E_SHAPE,
                "the result's depth would have no elements");
    CHECK_FAILS(hone_conv_transpose3d(x, w, HONE_NONE, NULL), HONE_E_SHAPE, "as many channels");
    CHECK_FAILS(hone_conv_transpose3d(hone_ones(HONE_F32, 4, 5, 6), turned, HONE_NONE, NULL),
                HONE_E_SHAPE, "[N, C, D, H, W] or [C, D, H, W] and a weight of 5 dims");
    /* the result would have more than 2^63 elements */
    hone_tensor *dot = hone_ones(HONE_F32, 1, 1, 1, 1, 1);
    const int64_t far = INT32_MAX / 4;
    const hone_conv_transpose3d_options huge = { .dilation = { far, far, far } };
    CHECK_FAILS(hone_conv_transpose3d(dot, hone_ones(HONE_F32, 1, 1, 4, 4, 4), HONE_NONE, &huge),
                HONE_E_SHAPE, "");
}
