/* Interpolation: what torch 2.13 gives at its corners, its gradient, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(interpolate);

static hone_tensor *counted(hone_dtype dtype, int64_t n)
{
    return hone_reshape(hone_arange(dtype, 1, (double)n + 1, 1), 1, 1, n);
}

#define RESIZE(x, ...) hone_interpolate(x, &(hone_interpolate_options){ __VA_ARGS__ })
#define CHECK_CLOSE_TO(y, ...)                                                                     \
    do {                                                                                           \
        hone_tensor *got = y;                                                                      \
        const double want[] = { __VA_ARGS__ };                                                     \
        for (int i = 0; i < (int)(sizeof want / sizeof *want); i++)                                \
            cr_expect_lt(fabs(hone_at(hone_reshape(got, -1), i) - want[i]), 1e-15, "%d", i);       \
    } while (0)
#define LINEAR  .mode = HONE_INTERPOLATE_LINEAR
#define BICUBIC .mode = HONE_INTERPOLATE_BICUBIC

/* With a factor coordinates go by it, not by the extents. */
Test(interpolate, factor_and_size)
{
    hone_tensor *x = counted(HONE_F64, 3);
    hone_tensor *y = RESIZE(x, .scale_factor = { 1.5 }, LINEAR);
    CHECK_CLOSE_TO(y, 1, 1.5, 2.1666666666666665, 2.8333333333333335);
    CHECK_VALUES(RESIZE(x, .size = { 4 }, LINEAR), HONE_F64, (1, 1, 4), 1, 1.625, 2.375, 3);
    CHECK_VALUES(RESIZE(x, .scale_factor = { 1.5 }, LINEAR, .recompute_scale_factor = true),
                 HONE_F64, (1, 1, 4), 1, 1.625, 2.375, 3);
    CHECK_CLOSE_TO(RESIZE(x, .size = { 4 }, LINEAR, .align_corners = true), 1, 1.6666666666666665,
                   2.333333333333333, 3);
    /* an extent that stays is copied by the linear modes alone */
    CHECK_VALUES(RESIZE(counted(HONE_F64, 2), .scale_factor = { 1.3 }, LINEAR), HONE_F64, (1, 1, 2),
                 1, 2);
    CHECK_VALUES(RESIZE(counted(HONE_F64, 4), .scale_factor = { 1.2 }), HONE_F64, (1, 1, 4), 1, 1,
                 2, 3);
    CHECK_VALUES(RESIZE(counted(HONE_F64, 4), .scale_factor = { 1.2 },
                        .mode = HONE_INTERPOLATE_NEAREST_EXACT),
                 HONE_F64, (1, 1, 4), 1, 2, 3, 3);
}

Test(interpolate, of_one_element)
{
    hone_tensor *x = counted(HONE_F32, 4);
    CHECK_VALUES(RESIZE(x, .size = { 1 }, LINEAR), HONE_F32, (1, 1, 1), 2.5);
    CHECK_VALUES(RESIZE(x, .size = { 1 }, LINEAR, .align_corners = true), HONE_F32, (1, 1, 1), 1);
    CHECK_VALUES(RESIZE(counted(HONE_F64, 1), .size = { 3 }, LINEAR), HONE_F64, (1, 1, 3), 1, 1, 1);
}

Test(interpolate, cubic)
{
    hone_tensor *x = T(HONE_F64, (1, 1, 1, 5), 0, 0, 1, 0, 0);
    CHECK_VALUES(RESIZE(x, .size = { 1, 10 }, BICUBIC), HONE_F64, (1, 1, 1, 10), 0, -0.03515625,
                 -0.10546875, 0.26171875, 0.87890625, 0.87890625, 0.26171875, -0.10546875,
                 -0.03515625, 0);
    CHECK_VALUES(RESIZE(hone_unsqueeze(counted(HONE_F32, 4), 0), .size = { 1, 8 }, BICUBIC),
                 HONE_F32, (1, 1, 1, 8), 0.89453125, 1.19140625, 1.66796875, 2.296875, 2.703125,
                 3.33203125, 3.80859375, 4.10546875);
}

Test(interpolate, gradient)
{
    hone_tensor *x = hone_requires_grad_(counted(HONE_F64, 3), true);
    CHECK_OK(hone_backward(hone_sum(RESIZE(x, .size = { 4 }, LINEAR))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (1, 1, 3), 1.375, 1.25, 1.375);
}

/* 0 inf: of an axis whose extent stays, the element's alone. */
Test(interpolate, infinity)
{
    hone_tensor *y = RESIZE(T(HONE_F32, (1, 1, 3), 1, INFINITY, 3), .size = { 3 }, LINEAR);
    CHECK_VALUES(y, HONE_F32, (1, 1, 3), 1, NAN, 3);
    y = RESIZE(T(HONE_F32, (1, 1, 3), -0.0, INFINITY, NAN), .size = { 6 });
    cr_expect(signbit(hone_at(y, 0, 0, 1)) && isinf(hone_at(y, 0, 0, 2)) &&
              isnan(hone_at(y, 0, 0, 5)));
}

/* In f64, too, an element is chosen by a product in f32. */
Test(interpolate, nearest_counts_in_f32)
{
    for (int64_t in = 1; in < 60; in++)
        for (int64_t out = 1; out < 60; out += 3) {
            HONE_SCOPE();
            hone_tensor *a = RESIZE(counted(HONE_F32, in), .size = { out });
            hone_tensor *b = RESIZE(counted(HONE_F64, in), .size = { out });
            cr_expect(test_same_bits(hone_to(a, HONE_F64), b));
            for (int64_t o = 0; o < out; o++) {
                const float at = (float)o * ((float)in / (float)out);
                const int64_t i = (int64_t)at < in ? (int64_t)at : in - 1;
                cr_expect_eq(hone_at(a, 0, 0, o), (double)(i + 1));
            }
        }
}

Test(interpolate, one_number_for_all_dims)
{
    hone_tensor *x = hone_randn(HONE_F32, 2, 3, 4, 5);
    cr_expect(test_same_bits(RESIZE(x, .size = { 7 }), RESIZE(x, .size = { 7, 7 })));
    cr_expect(test_same_bits(RESIZE(x, .scale_factor = { 1.5 }),
                             RESIZE(x, .scale_factor = { 1.5, 1.5 })));
    const hone_tensor_list y = hone_call("interpolate", hone_list(x), "size=7");
    cr_expect(y.n == 1 && test_same_bits(y.at[0], RESIZE(x, .size = { 7, 7 })));
    cr_expect(hone_call("interpolate", hone_list(x), "scale_factor=1.5,2").n == 1);
}

/* A sample alone and among others; any strides. */
Test(interpolate, bits)
{
    hone_tensor *x = hone_randn(HONE_F32, 5, 3, 19, 300);
    hone_tensor *all = RESIZE(x, .size = { 40, 700 }, .mode = HONE_INTERPOLATE_BILINEAR);
    hone_tensor *last = hone_contiguous(hone_permute(x, 0, 2, 3, 1));
    hone_tensor *one = RESIZE(hone_slice(hone_permute(last, 0, 3, 1, 2), 0, 2, 3, 1),
                              .size = { 40, 700 }, .mode = HONE_INTERPOLATE_BILINEAR);
    cr_expect(test_same_bits(one, hone_slice(all, 0, 2, 3, 1)));
}

Test(interpolate, refusals)
{
    hone_tensor *x = hone_ones(HONE_F32, 1, 1, 4, 4);
    CHECK_FAILS(RESIZE(x, LINEAR, .size = { 2 }), HONE_E_SHAPE, "mode linear wants [N, C, L]");
    CHECK_FAILS(RESIZE(x, .size = { 2 }, .scale_factor = { 2 }), HONE_E_VALUE, "not both");
    CHECK_FAILS(hone_interpolate(x, NULL), HONE_E_VALUE, "not neither");
    CHECK_FAILS(RESIZE(x, .size = { 2, 3, 4 }), HONE_E_SHAPE,
                "size has 3 numbers, but x has 2 dims of places");
    CHECK_FAILS(RESIZE(hone_ones(HONE_F32, 1, 1, 2, 2, 2), .size = { 2, 3 }), HONE_E_SHAPE,
                "size has 2 numbers, but x has 3");
    CHECK_FAILS(RESIZE(x, .size = { 2, 0, 3 }), HONE_E_SHAPE, "size has 3 numbers");
    CHECK_FAILS(RESIZE(x, .size = { -2 }), HONE_E_VALUE, "size is -2");
    CHECK_FAILS(RESIZE(x, .scale_factor = { -1 }), HONE_E_VALUE, "scale_factor is -1");
    CHECK_FAILS(RESIZE(x, .scale_factor = { NAN }), HONE_E_VALUE, "scale_factor");
    CHECK_FAILS(RESIZE(x, .scale_factor = { INFINITY }), HONE_E_VALUE, "gives inf");
    CHECK_FAILS(RESIZE(x, .scale_factor = { .2 }), HONE_E_VALUE, "of 4 elements gives 0");
    CHECK_FAILS(RESIZE(x, .size = { 2 }, .align_corners = true), HONE_E_VALUE,
                "mode nearest has no align_corners");
    CHECK_FAILS(RESIZE(hone_ones(HONE_F32, 4, 4), .size = { 2 }), HONE_E_SHAPE, "[N, C, L]");
    CHECK_FAILS(RESIZE(hone_ones(HONE_F32, 1, 0, 4), .size = { 2 }), HONE_E_SHAPE,
                "only N may be 0");
    CHECK_FAILS(RESIZE(hone_ones(HONE_I64, 1, 1, 4), .size = { 2 }), HONE_E_DTYPE,
                "f32, f64 or u8");
    CHECK_FAILS(hone_call("interpolate", hone_list(x), "size=2 mode=area").at, HONE_E_VALUE,
                "mode is \"area\", but nearest, nearest-exact");
    CHECK_FAILS(hone_call("interpolate", hone_list(x), "size=2,3,4,5").at, HONE_E_VALUE, "size");
    CHECK_FAILS(RESIZE(hone_expand(hone_ones(HONE_F32, 1, 1, 1), 1 << 20, 1 << 20, 1),
                       .size = { INT32_MAX }),
                HONE_E_SHAPE, "");
}
