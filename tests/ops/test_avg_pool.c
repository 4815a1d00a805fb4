/* Means of windows, adaptive and one-dimensional pooling: what torch 2.13 gives, what is special,
 * and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(avg_pool);

/* torch.arange(1., 43).view(1, 1, 6, 7) */
static hone_tensor *counted(void)
{
    return hone_reshape(hone_arange(HONE_F64, 1, 43, 1), 1, 1, 6, 7);
}

static const hone_avg_pool2d_options sliding = {
    .kernel_size = { 2, 3 }, .stride = { 2, 2 }, .padding = { 1, 1 }, .ceil_mode = true
};

Test(avg_pool, golden)
{
    hone_avg_pool2d_options o = sliding;
    CHECK_VALUES(hone_select(hone_avg_pool2d(counted(), &o), 2, 1), HONE_F64, (1, 1, 4), 8, 13.5,
                 15.5, 34.0 / 3);
    o.count_exclude_pad = true;
    CHECK_VALUES(hone_avg_pool2d(counted(), &o), HONE_F64, (1, 1, 4, 4), 1.5, 3, 5, 6.5, 12, 13.5,
                 15.5, 17, 26, 27.5, 29.5, 31, 36.5, 38, 40, 41.5);
    o = sliding;
    o.divisor_override = 5;
    CHECK_VALUES(hone_select(hone_avg_pool2d(counted(), &o), 2, 0), HONE_F64, (1, 1, 4), .6, 1.8, 3,
                 2.6);
    const hone_avg_pool2d_options four = { .kernel_size = { 2, 2 },
                                           .ceil_mode = true,
                                           .divisor_override = 4 };
    hone_tensor *x = hone_reshape(hone_arange(HONE_F32, 1, 10, 1), 1, 1, 3, 3);
    CHECK_VALUES(hone_avg_pool2d(x, &four), HONE_F32, (1, 1, 2, 2), 3, 2.25, 3.75, 2.25);
}

Test(avg_pool, adaptive_golden)
{
    CHECK_VALUES(hone_adaptive_avg_pool2d(counted(), 4, 3), HONE_F64, (1, 1, 4, 3), 5.5, 7.5, 9.5,
                 12.5, 14.5, 16.5, 26.5, 28.5, 30.5, 33.5, 35.5, 37.5);
    const hone_values_indices r = hone_adaptive_max_pool2d_with_indices(counted(), 4, 3);
    CHECK_VALUES(r.values, HONE_F64, (1, 1, 4, 3), 10, 12, 14, 17, 19, 21, 31, 33, 35, 38, 40, 42);
    CHECK_VALUES(r.indices, HONE_I64, (1, 1, 4, 3), 9, 11, 13, 16, 18, 20, 30, 32, 34, 37, 39, 41);
}

/* What lies past the padding never counts. */
Test(avg_pool, of_rows)
{
    hone_tensor *x = hone_reshape(hone_arange(HONE_F32, 1, 5, 1), 1, 1, 4);
    hone_avg_pool1d_options o = { .kernel_size = 3, .stride = 2, .padding = 1, .ceil_mode = true };
    CHECK_VALUES(hone_avg_pool1d(x, &o), HONE_F32, (1, 1, 3), 1, 3, 2);
    o.count_exclude_pad = true;
    CHECK_VALUES(hone_avg_pool1d(x, &o), HONE_F32, (1, 1, 3), 1.5, 3, 4);
    const hone_max_pool1d_options drops = {
        .kernel_size = 2, .stride = 3, .padding = 1, .ceil_mode = true
    };
    CHECK_VALUES(hone_max_pool1d(x, &drops), HONE_F32, (1, 1, 2), 1, 4);
    hone_tensor *seven = hone_reshape(hone_arange(HONE_F64, 1, 8, 1), 1, 1, 7);
    CHECK_VALUES(hone_adaptive_avg_pool1d(seven, 3), HONE_F64, (1, 1, 3), 2, 4, 6);
    CHECK_VALUES(hone_adaptive_max_pool1d_with_indices(seven, 3).indices, HONE_I64, (1, 1, 3), 2, 4,
                 6);
    CHECK_VALUES(hone_adaptive_avg_pool1d(T(HONE_F64, (1, 3), 1, 2, 3), 5), HONE_F64, (1, 5), 1,
                 1.5, 2, 2.5, 3);
    hone_requires_grad_(seven, true);
    CHECK_OK(hone_backward(hone_sum(hone_adaptive_avg_pool1d(seven, 3))));
    const double third = 1.0 / 3;
    CHECK_VALUES(hone_grad(seven), HONE_F64, (1, 1, 7), third, third, 2 * third, third, 2 * third,
                 third, third);
}

/* The index that a 2x2 plane's only window names. */
static int64_t chosen(double a, double b, double c, double d)
{
    return hone_item_i64(
        hone_adaptive_max_pool2d_with_indices(T(HONE_F32, (1, 2, 2), a, b, c, d), 1, 1).indices);
}

Test(avg_pool, ties_nan_and_infinities)
{
    cr_expect_eq(chosen(3, 3, 3, 3), 0);
    cr_expect_eq(chosen(1, NAN, NAN, 2), 2);
    cr_expect_eq(chosen(NAN, 5, NAN, 7), 2);
    cr_expect_eq(chosen(-INFINITY, -INFINITY, -INFINITY, -INFINITY), 0);
    hone_tensor *x = T(HONE_F64, (1, 1, 3), INFINITY, 1, NAN);
    const hone_avg_pool2d_options one = { .kernel_size = { 1, 1 } };
    CHECK_VALUES(hone_slice(hone_avg_pool2d(x, &one), 2, 0, 2, 1), HONE_F64, (1, 1, 2), INFINITY,
                 1);
    cr_expect(isnan(hone_item(hone_adaptive_avg_pool2d(x, 1, 1))));
}

/* Strides don't change a bit, and samples know nothing of each other. */
Test(avg_pool, layouts_and_batches)
{
    hone_seed(1);
    hone_tensor *x = hone_randn(HONE_F32, 3, 5, 9, 11);
    hone_tensor *last = hone_permute(hone_contiguous(hone_permute(x, 0, 2, 3, 1)), 0, 3, 1, 2);
    hone_tensor *y = hone_avg_pool2d(x, &sliding);
    cr_expect(test_same_bits(y, hone_avg_pool2d(last, &sliding)));
    cr_expect(test_same_bits(hone_slice(y, 0, 1, 2, 1),
                             hone_avg_pool2d(hone_slice(x, 0, 1, 2, 1), &sliding)));
    cr_expect(
        test_same_bits(hone_adaptive_max_pool2d(x, 4, 5), hone_adaptive_max_pool2d(last, 4, 5)));
}

Test(avg_pool, errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 1, 1, 8, 8), *row = hone_zeros(HONE_F32, 1, 1, 8);
    const hone_avg_pool2d_options two = { .kernel_size = { 2, 2 } };
    hone_avg_pool2d_options o = two;
    CHECK_FAILS(hone_avg_pool2d(x, NULL), HONE_E_VALUE, "attribute kernel_size is missing");
    CHECK_FAILS(hone_avg_pool2d(hone_zeros(HONE_BOOL, 1, 8, 8), &two), HONE_E_DTYPE, "numbers");
    CHECK_FAILS(hone_avg_pool2d(hone_zeros(HONE_F32, 8, 8), &two), HONE_E_SHAPE, "[N, C, H, W]");
    CHECK_FAILS(hone_avg_pool2d(hone_zeros(HONE_F32, 1, 0, 8, 8), &two), HONE_E_SHAPE, "only N");
    o.padding[0] = 2;
    CHECK_FAILS(hone_avg_pool2d(x, &o), HONE_E_VALUE, "padding of the height is 2");
    o = (hone_avg_pool2d_options){ .kernel_size = { 2, 9 } };
    CHECK_FAILS(hone_avg_pool2d(x, &o), HONE_E_SHAPE, "doesn't fit into the width of x, 8");
    CHECK_FAILS(hone_avg_pool2d_backward(x, 8, 8, &two), HONE_E_SHAPE,
                "planes of 8 x 8 give 4 x 4");
    CHECK_FAILS(hone_avg_pool2d_backward(x, 0, 8, &two), HONE_E_SHAPE, "doesn't fit");
    CHECK_FAILS(hone_adaptive_avg_pool2d(x, 0, 1), HONE_E_VALUE, "height is 0");
    CHECK_FAILS(hone_adaptive_max_pool2d(x, 1, -2), HONE_E_VALUE, "width is -2");
    CHECK_FAILS(hone_adaptive_avg_pool2d_backward(x, -1, 8), HONE_E_VALUE, "-1 x 8");
    CHECK_FAILS(hone_adaptive_avg_pool1d(row, 0), HONE_E_VALUE, "length is 0");
    CHECK_FAILS(hone_adaptive_avg_pool1d(x, 1), HONE_E_SHAPE, "[N, C, L] or [C, L]");
    const hone_max_pool1d_options nine = { .kernel_size = 9 };
    CHECK_FAILS(hone_max_pool1d(row, &nine), HONE_E_SHAPE,
                "max_pool1d: a kernel of 9 with dilation 1 doesn't fit into the length of x, 8");
    const hone_avg_pool1d_options padded = { .kernel_size = 2, .padding = 2 };
    CHECK_FAILS(hone_avg_pool1d(row, &padded), HONE_E_VALUE, "padding of the length is 2");
}
