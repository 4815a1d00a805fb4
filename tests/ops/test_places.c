/* Channels as places, windows as columns, and channels dropped: what torch 2.13 gives, what undoes
 * what, and what is refused. */
#include "support.h"

#include <hone/hone.h>

SUITE(places);

static hone_tensor *counted(int64_t n)
{
    return hone_arange(HONE_F64, 1, (double)n + 1, 1);
}

Test(places, pixel_shuffle_golden)
{
    hone_tensor *x = hone_reshape(counted(8), 1, 8, 1, 1);
    CHECK_VALUES(hone_pixel_shuffle(x, 2), HONE_F64, (1, 2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8);
    x = hone_reshape(counted(8), 4, 1, 2);
    CHECK_VALUES(hone_pixel_shuffle(x, 2), HONE_F64, (1, 2, 4), 1, 3, 2, 4, 5, 7, 6, 8);
    CHECK_VALUES(hone_pixel_unshuffle(hone_reshape(x, 1, 2, 4), 2), HONE_F64, (4, 1, 2), 1, 3, 2, 4,
                 5, 7, 6, 8);
    hone_tensor *y = hone_randn(HONE_F32, 2, 3, 18, 5, 4);
    cr_expect(test_same_bits(hone_pixel_unshuffle(hone_pixel_shuffle(y, 3), 3), y));
    hone_tensor *same = hone_pixel_shuffle(y, 1); /* a copy */
    hone_fill_(same, 0);
    cr_expect(hone_at(hone_reshape(y, -1), 0) != 0);
}

Test(places, unfold_golden)
{
    const hone_unfold_options o = { .kernel_size = { 2, 2 },
                                    .padding = { 0, 1 },
                                    .stride = { 1, 2 } };
    hone_tensor *x = hone_reshape(counted(6), 1, 2, 3);
    hone_tensor *y = hone_unfold(x, &o);
    CHECK_VALUES(y, HONE_F64, (4, 2), 0, 2, 1, 3, 0, 5, 4, 6);
    CHECK_VALUES(hone_fold(y, 2, 3, &o), HONE_F64, (1, 2, 3), 1, 2, 3, 4, 5, 6);
    const hone_unfold_options dense = { .kernel_size = { 2, 2 } };
    CHECK_VALUES(hone_fold(hone_unfold(x, &dense), 2, 3, &dense), HONE_F64, (1, 2, 3), 1, 4, 3, 4,
                 10, 6);
}

/* A convolution is a product with the columns. */
Test(places, columns_are_what_a_convolution_sees)
{
    const hone_unfold_options o = {
        .kernel_size = { 3, 2 }, .padding = { 1, 2 }, .stride = { 2, 1 }, .dilation = { 1, 3 }
    };
    const hone_conv2d_options c = { .padding = { 1, 2 }, .stride = { 2, 1 }, .dilation = { 1, 3 } };
    hone_tensor *x = hone_randn(HONE_F32, 3, 4, 9, 8), *w = hone_randn(HONE_F32, 10, 4, 3, 2);
    hone_tensor *columns = hone_transpose(hone_unfold(x, &o), 1, 2);
    hone_tensor *y = hone_matmul(columns, hone_transpose(hone_reshape(w, 10, 24), 0, 1));
    hone_tensor *want = hone_conv2d(x, w, HONE_NONE, &c);
    cr_expect(
        test_same_bits(hone_contiguous(hone_transpose(y, 1, 2)), hone_reshape(want, 3, 10, -1)));
}

Test(places, refusals)
{
    hone_tensor *x = hone_ones(HONE_F32, 1, 6, 4, 5);
    CHECK_FAILS(hone_pixel_shuffle(x, 2), HONE_E_SHAPE, "has 6 channels, no multiple of 2^2");
    CHECK_FAILS(hone_pixel_shuffle(x, 0), HONE_E_VALUE, "pixel_shuffle: a factor of 0");
    CHECK_FAILS(hone_pixel_unshuffle(x, -1), HONE_E_VALUE, "a factor of -1");
    CHECK_FAILS(hone_pixel_unshuffle(x, 2), HONE_E_SHAPE, "4 x 5 places, no multiples of 2");
    CHECK_FAILS(hone_pixel_shuffle(hone_ones(HONE_F32, 4, 4), 2), HONE_E_SHAPE, "[.., C, H, W]");
    CHECK_FAILS(hone_pixel_shuffle(hone_zeros(HONE_F32, 0, INT64_MAX / 4, 1), 5), HONE_E_SHAPE,
                "too large");
    const hone_unfold_options two = { .kernel_size = { 2, 2 } }, none = { .stride = { 1, 1 } };
    const hone_unfold_options large = { .kernel_size = { 5, 2 }, .dilation = { 1, 3 } };
    CHECK_FAILS(hone_unfold(x, &none), HONE_E_VALUE, "kernel_size is missing");
    CHECK_FAILS(hone_unfold(x, &large), HONE_E_SHAPE,
                "a kernel of 5 x 2 with dilation (1, 3) doesn't fit into an image of 4 x 5");
    CHECK_FAILS(hone_unfold(hone_ones(HONE_F32, 4, 5), &two), HONE_E_SHAPE, "or [C, H, W]");
    CHECK_FAILS(hone_unfold(hone_ones(HONE_I64, 1, 4, 5), &two), HONE_E_DTYPE, "f32 or f64");
    CHECK_FAILS(hone_fold(hone_ones(HONE_F32, 1, 8, 11), 4, 5, &two), HONE_E_SHAPE,
                "C a multiple of 2 x 2 and L = 3 x 4 = 12 windows");
    CHECK_FAILS(hone_fold(hone_ones(HONE_F32, 1, 6, 12), 4, 5, &two), HONE_E_SHAPE, "multiple");
    CHECK_FAILS(hone_fold(hone_ones(HONE_F32, 1, 8, 12), 0, 5, &two), HONE_E_VALUE, "height");
    const hone_unfold_options far = { .kernel_size = { INT32_MAX, INT32_MAX },
                                      .padding = { INT32_MAX, INT32_MAX } };
    CHECK_FAILS(hone_unfold(x, &far), HONE_E_SHAPE, "too many");
}
