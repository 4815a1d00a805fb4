/* Poolings of volumes, and values put back where they came from: what torch 2.13 gives, what is
 * special, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(pool3d);

/* 1, 2, 3, ... */
static hone_tensor *counted(int64_t c, int64_t d, int64_t h, int64_t w)
{
    return hone_reshape(hone_arange(HONE_F64, 1, (double)(c * d * h * w) + 1, 1), c, d, h, w);
}

/* A volume of depth 1 is a plane. */
Test(pool3d, of_depth_one_are_those_of_planes)
{
    hone_tensor *x = hone_randn(HONE_F32, 2, 3, 17, 600), *deep = hone_unsqueeze(x, 2);
    const hone_max_pool2d_options max2 = {
        .kernel_size = { 3, 2 }, .stride = { 2, 1 }, .padding = { 1, 0 }, .dilation = { 1, 3 }
    };
    const hone_max_pool3d_options max3 = { .kernel_size = { 1, 3, 2 },
                                           .stride = { 1, 2, 1 },
                                           .padding = { 0, 1, 0 },
                                           .dilation = { 1, 1, 3 } };
    const hone_values_indices a = hone_max_pool2d_with_indices(x, &max2);
    const hone_values_indices b = hone_max_pool3d_with_indices(deep, &max3);
    cr_expect(test_same_bits(hone_squeeze(b.values, 2), a.values));
    cr_expect(test_same_bits(hone_squeeze(b.indices, 2), a.indices));
    const hone_avg_pool2d_options avg2 = { .kernel_size = { 3, 2 }, .padding = { 1, 1 } };
    const hone_avg_pool3d_options avg3 = { .kernel_size = { 1, 3, 2 }, .padding = { 0, 1, 1 } };
    cr_expect(
        test_same_bits(hone_squeeze(hone_avg_pool3d(deep, &avg3), 2), hone_avg_pool2d(x, &avg2)));
    cr_expect(test_same_bits(hone_squeeze(hone_adaptive_avg_pool3d(deep, 1, 4, 7), 2),
                             hone_adaptive_avg_pool2d(x, 4, 7)));
    cr_expect(test_same_bits(
        hone_squeeze(hone_adaptive_max_pool3d_with_indices(deep, 1, 4, 7).indices, 2),
        hone_adaptive_max_pool2d_with_indices(x, 4, 7).indices));
}

Test(pool3d, golden)
{
    const hone_max_pool3d_options max = { .kernel_size = { 2, 2, 2 }, .stride = { 1, 1, 2 } };
    const hone_values_indices r = hone_max_pool3d_with_indices(counted(1, 2, 3, 4), &max);
    CHECK_VALUES(r.values, HONE_F64, (1, 1, 2, 2), 18, 20, 22, 24);
    CHECK_VALUES(r.indices, HONE_I64, (1, 1, 2, 2), 17, 19, 21, 23);
    const hone_avg_pool3d_options avg = { .kernel_size = { 2, 2, 2 },
                                          .padding = { 1, 0, 1 },
                                          .ceil_mode = true };
    CHECK_VALUES(hone_avg_pool3d(counted(1, 2, 3, 4), &avg), HONE_F64, (1, 2, 2, 3), .75, 2.25, 1.5,
                 2.25, 5.25, 3, 3.75, 8.25, 4.5, 5.25, 11.25, 6);
    CHECK_VALUES(hone_adaptive_avg_pool3d(counted(1, 2, 3, 4), -1, 1, 2), HONE_F64, (1, 2, 1, 2),
                 5.5, 7.5, 17.5, 19.5);
    CHECK_VALUES(hone_adaptive_max_pool3d_with_indices(counted(1, 2, 3, 4), 1, 2, 2).indices,
                 HONE_I64, (1, 1, 2, 2), 17, 19, 21, 23);
}

static int64_t chosen(double a, double b, double c, double d)
{
    const hone_max_pool3d_options all = { .kernel_size = { 2, 1, 2 } };
    return hone_item_i64(
        hone_max_pool3d_with_indices(T(HONE_F32, (1, 2, 1, 2), a, b, c, d), &all).indices);
}

/* The first of equals, the last NaN, the first element where all are -inf. */
Test(pool3d, ties)
{
    cr_expect_eq(chosen(3, 3, 3, 3), 0);
    cr_expect_eq(chosen(1, NAN, NAN, 2), 2);
    cr_expect_eq(chosen(NAN, 5, NAN, 7), 2);
    cr_expect_eq(chosen(-INFINITY, -INFINITY, -INFINITY, -INFINITY), 0);
    cr_expect_eq(chosen(-0.0, 0, -0.0, 0), 0);
}

/* In PyTorch it is one of them. */
Test(pool3d, the_last_of_one_place_stays)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (1, 1, 2), 5, 6), true);
    hone_tensor *at = T(HONE_I64, (1, 1, 2), 1, 1);
    const hone_max_unpool1d_options two = { .kernel_size = 2 };
    hone_tensor *y = hone_max_unpool1d(x, at, &two);
    CHECK_VALUES(y, HONE_F64, (1, 1, 4), 0, 6, 0, 0);
    CHECK_OK(hone_backward(hone_sum(y)));
    CHECK_VALUES(hone_grad(x), HONE_F64, (1, 1, 2), 1, 1); /* both, as PyTorch */
    const hone_max_unpool1d_options five = { .kernel_size = 2, .output_size = 5 };
    CHECK_VALUES(hone_max_unpool1d(T(HONE_F64, (1, 2), 5, 6), T(HONE_I32, (1, 2), 0, 4), &five),
                 HONE_F64, (1, 5), 5, 0, 0, 0, 6);
}

/* Where windows don't overlap, a pooling of what was put back gives it again. */
Test(pool3d, unpooled)
{
    hone_tensor *x = hone_add_scalar(hone_rand(HONE_F32, 2, 3, 4, 6, 8), 1);
    const hone_max_pool3d_options pool = { .kernel_size = { 2, 3, 2 } };
    const hone_max_unpool3d_options back = { .kernel_size = { 2, 3, 2 } };
    const hone_values_indices r = hone_max_pool3d_with_indices(x, &pool);
    hone_tensor *y = hone_max_unpool3d(r.values, r.indices, &back);
    const hone_values_indices again = hone_max_pool3d_with_indices(y, &pool);
    cr_expect(test_same_bits(again.values, r.values) && test_same_bits(again.indices, r.indices));
    cr_expect(test_same_bits(hone_sum(hone_to(hone_ne_scalar(y, 0), HONE_I64)),
                             hone_scalar(HONE_I64, 2 * 3 * 2 * 2 * 4)));
}

Test(pool3d, refusals)
{
    hone_tensor *x = hone_ones(HONE_F32, 1, 1, 4, 4, 4);
    const hone_max_pool3d_options none = { .stride = { 1, 1, 1 } };
    const hone_max_pool3d_options padded = { .kernel_size = { 2, 2, 2 }, .padding = { 2, 0, 0 } };
    const hone_max_pool3d_options large = { .kernel_size = { 2, 5, 2 } };
    CHECK_FAILS(hone_max_pool3d(x, &none), HONE_E_VALUE, "kernel_size is missing");
    CHECK_FAILS(hone_max_pool3d(x, NULL), HONE_E_VALUE, "kernel_size is missing");
    CHECK_FAILS(hone_max_pool3d(x, &padded), HONE_E_VALUE, "padding of the depth is 2");
    CHECK_FAILS(hone_max_pool3d(x, &large), HONE_E_SHAPE, "doesn't fit into the height of x, 4");
    const hone_avg_pool3d_options two = { .kernel_size = { 2, 2, 2 } };
    CHECK_FAILS(hone_avg_pool3d(hone_ones(HONE_F32, 4, 4, 4), &two), HONE_E_SHAPE,
                "[N, C, D, H, W] or [C, D, H, W]");
    CHECK_FAILS(hone_avg_pool3d(hone_ones(HONE_BOOL, 1, 4, 4, 4), &two), HONE_E_DTYPE, "numbers");
    CHECK_FAILS(hone_avg_pool3d_backward(x, 4, 4, 4, &two), HONE_E_SHAPE,
                "volumes of 4 x 4 x 4 give 2 x 2 x 2");
    CHECK_FAILS(hone_adaptive_avg_pool3d(x, 0, 1, 1), HONE_E_VALUE, "depth is 0");
    CHECK_FAILS(hone_adaptive_max_pool3d(x, 1, 1, -2), HONE_E_VALUE, "width is -2");
    CHECK_FAILS(hone_adaptive_avg_pool3d_backward(x, 4, 0, 1), HONE_E_VALUE,
                "volumes of 4 x 0 x 1 have");
    hone_tensor *at = hone_full(HONE_I64, 8, 1, 1, 4, 4, 4);
    CHECK_FAILS(hone_max_pool3d_backward(x, at, 2, 2, 2), HONE_E_INDEX,
                "index 8 is not in a volume of 8 elements");
    CHECK_FAILS(hone_max_pool3d_backward(x, at, INT32_MAX, INT32_MAX, INT32_MAX), HONE_E_SHAPE,
                "too many");
    const hone_max_unpool3d_options back = { .kernel_size = { 2, 2, 2 } };
    CHECK_FAILS(hone_max_unpool3d(x, hone_full(HONE_I64, -1, 1, 1, 4, 4, 4), &back), HONE_E_INDEX,
                "index -1 is not in a volume of 512");
    CHECK_FAILS(hone_max_unpool3d(x, hone_ones(HONE_I64, 1, 4, 4, 4), &back), HONE_E_SHAPE,
                "must have the shape of x");
    CHECK_FAILS(hone_max_unpool3d(x, x, &back), HONE_E_DTYPE, "indices must be i64 or i32");
    const hone_max_unpool2d_options far = { .kernel_size = { 2, 2 }, .output_size = { 4, 6 } };
    hone_tensor *plane = hone_ones(HONE_F32, 1, 2, 2), *one = hone_ones(HONE_I64, 1, 2, 2);
    CHECK_FAILS(hone_max_unpool2d(plane, one, &far), HONE_E_VALUE,
                "output_size of the width is 6, but more than 2 and less than 6");
    const hone_max_unpool2d_options cut = { .kernel_size = { 2, 2 }, .padding = { 3, 0 } };
    CHECK_FAILS(hone_max_unpool2d(plane, one, &cut), HONE_E_SHAPE, "height -2, which is none");
    const hone_max_unpool2d_options wide = { .kernel_size = { INT32_MAX, INT32_MAX } };
    CHECK_FAILS(hone_max_unpool2d(plane, one, &wide), HONE_E_SHAPE, "more than 2^31");
}
