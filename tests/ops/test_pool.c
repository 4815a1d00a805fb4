/* max_pool2d where values are special, what torch 2.13 gives, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(pool);

static const hone_max_pool2d_options two = { .kernel_size = { 2, 2 } };

/* The index that a 2x2 plane's only window names. */
static int64_t chosen(double a, double b, double c, double d)
{
    return hone_item_i64(
        hone_max_pool2d_with_indices(T(HONE_F32, (1, 2, 2), a, b, c, d), &two).indices);
}

Test(pool, ties_nan_and_infinities)
{
    cr_expect_eq(chosen(3, 3, 3, 3), 0);
    cr_expect_eq(chosen(1, NAN, NAN, 2), 2);
    cr_expect_eq(chosen(NAN, 5, NAN, 7), 2);
    cr_expect_eq(chosen(-INFINITY, -INFINITY, -INFINITY, -INFINITY), 0);
    cr_expect_eq(chosen(-0.0, 0.0, -0.0, 0.0), 0);
    hone_tensor *nan = T(HONE_F64, (1, 2, 2), 1, NAN, 2, 7);
    cr_expect(isnan(hone_item(hone_max_pool2d(nan, &two))));
    /* a padding is never chosen, even beside -inf */
    const hone_max_pool2d_options padded = { .kernel_size = { 1, 2 }, .padding = { 0, 1 } };
    hone_tensor *low = T(HONE_F32, (1, 1, 2), -INFINITY, -INFINITY);
    const hone_values_indices r = hone_max_pool2d_with_indices(low, &padded);
    CHECK_VALUES(r.values, HONE_F32, (1, 1, 2), -INFINITY, -INFINITY);
    CHECK_VALUES(r.indices, HONE_I64, (1, 1, 2), 0, 1);
}

/* Windows of 3 x 3, two apart, have a kernel of their own for f32; f64 takes the general way. */
Test(pool, threes_as_any_windows)
{
    static const float some[] = { -INFINITY, -INFINITY, -INFINITY, 0, 1, NAN, -0.0F, 1 };
    static const int64_t extents[] = { 2, 3, 4, 7, 32, 33, 34, 258, 301 };
    enum { ROWS = 9, MOST = 301, N = (int)(sizeof extents / sizeof *extents) };
    static float x[2 * ROWS * MOST];
    for (int k = 0; k < 8 * N * 2; k++) {
        HONE_SCOPE();
        const int64_t width = extents[k / 2 % N], rows = 2 + k % ROWS % (ROWS - 1);
        const hone_max_pool2d_options o = { .kernel_size = { 3, 3 },
                                            .stride = { 2, 2 },
                                            .padding = { k / N % 2, k / 2 / N % 2 },
                                            .ceil_mode = true };
        uint32_t random = (uint32_t)k + 1;
        for (int64_t i = 0; i < 2 * rows * width; i++) {
            random = random * 1664525 + 1013904223;
            x[i] = some[(random >> 24) % (k % 3 ? 8 : 5)];
        }
        hone_tensor *t = hone_from_data(HONE_F32, x, 2, rows, width);
        const hone_values_indices threes = hone_max_pool2d_with_indices(t, &o);
        const hone_values_indices any = hone_max_pool2d_with_indices(hone_to(t, HONE_F64), &o);
        cr_expect(hone_equal(threes.indices, any.indices), "%lld x %lld, %d", (long long)rows,
                  (long long)width, k);
        hone_tensor *places = hone_reshape(threes.indices, 2, -1);
        cr_expect(
            hone_allclose(hone_nan_to_num(hone_reshape(threes.values, 2, -1), 7, 9, -9),
                          hone_nan_to_num(hone_gather(hone_reshape(t, 2, -1), 1, places), 7, 9, -9),
                          0, 0),
            "%lld x %lld, %d", (long long)rows, (long long)width, k);
    }
}

/* torch.arange(1, 43.).mul(1.7).sin() as [1, 1, 6, 7] has these places, rank for rank. */
Test(pool, golden)
{
    float x[42];
    for (int i = 0; i < 42; i++)
        x[i] = (float)sin((double)((float)(i + 1) * 1.7F));
    hone_tensor *t = hone_from_data(HONE_F32, x, 1, 1, 6, 7);
    const hone_max_pool2d_options o = { .kernel_size = { 2, 3 },
                                        .stride = { 2, 2 },
                                        .padding = { 1, 1 },
                                        .dilation = { 2, 1 },
                                        .ceil_mode = true };
    CHECK_VALUES(hone_max_pool2d_with_indices(t, &o).indices, HONE_I64, (1, 1, 4, 4), 7, 8, 11, 12,
                 22, 22, 11, 26, 22, 22, 26, 26, 36, 37, 40, 41);
}

Test(pool, gradient)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F32, (1, 1, 4), 1, 3, 3, 2), true);
    const hone_max_pool2d_options o = { .kernel_size = { 1, 2 }, .stride = { 1, 1 } };
    CHECK_OK(hone_backward(hone_sum(hone_max_pool2d(x, &o))));
    CHECK_VALUES(hone_grad(x), HONE_F32, (1, 1, 4), 0, 2, 1, 0);
}

static void refuses(hone_tensor *x, hone_max_pool2d_options o, hone_status code, const char *text)
{
    const hone_values_indices r = hone_max_pool2d_with_indices(x, &o);
    cr_expect(!r.values && !r.indices);
    CHECK_FAILS(hone_relu(r.values), code, text); /* a nest: the first error stays */
}

Test(pool, errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 1, 1, 8, 8);
    CHECK_FAILS(hone_max_pool2d(x, NULL), HONE_E_VALUE, "attribute kernel_size is missing");
    CHECK_FAILS(hone_max_pool2d(NULL, &two), HONE_E_NULL, "max_pool2d");
    refuses(x, (hone_max_pool2d_options){ { 2, 0 } }, HONE_E_VALUE, "kernel_size is 0");
    refuses(x, (hone_max_pool2d_options){ { 2, 2 }, .stride = { 1, -1 } }, HONE_E_VALUE,
            "stride is -1");
    refuses(x, (hone_max_pool2d_options){ { 2, 2 }, .padding = { 0, 2 } }, HONE_E_VALUE,
            "padding of the width is 2");
    refuses(x, (hone_max_pool2d_options){ { 9, 2 } }, HONE_E_SHAPE, "the height of x");
    refuses(x, (hone_max_pool2d_options){ { 2, 2 }, .padding = { 1, 1 }, .dilation = { 9, 1 } },
            HONE_E_SHAPE, "dilation 9");
    refuses(x, (hone_max_pool2d_options){ { INT32_MAX, 2 }, .dilation = { INT32_MAX, 1 } },
            HONE_E_SHAPE, "doesn't fit");
    refuses(hone_zeros(HONE_F32, 1, 0, 8, 8), two, HONE_E_SHAPE, "only N may be 0");
    refuses(hone_zeros(HONE_F32, 8, 8), two, HONE_E_SHAPE, "[C, H, W]");
    refuses(hone_zeros(HONE_BOOL, 1, 8, 8), two, HONE_E_DTYPE, "max_pool2d: needs numbers");
    hone_tensor *dy = hone_ones(HONE_F32, 1, 1, 2), *at = T(HONE_I64, (1, 1, 2), 0, 6);
    CHECK_FAILS(hone_max_pool2d_backward(dy, at, 2, 3), HONE_E_INDEX, "index 6 is not in a plane");
    CHECK_FAILS(hone_max_pool2d_backward(hone_to(dy, HONE_BF16), at, 2, 3), HONE_E_INDEX,
                "index 6 is not in a plane");
    CHECK_FAILS(hone_max_pool2d_backward(dy, hone_zeros(HONE_I64, 1, 2, 1), 2, 3), HONE_E_SHAPE,
                "the shape of dy");
}
