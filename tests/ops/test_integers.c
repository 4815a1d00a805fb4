/* test_integers.c: products, convolution and pooling of integers, which PyTorch has, too: they wrap, and are
 * what the same call gives in f64 where nothing wraps. */
#include "support.h"

#include <hone/hone.h>

#include <string.h>

SUITE(integers);

static hone_tensor *some(hone_dtype dtype, int64_t n)
{
    return hone_to(
        hone_sub_scalar(
            hone_remainder_scalar(hone_mul_scalar(hone_arange(HONE_I64, 0, (double)n, 1), 7), 11),
            dtype == HONE_U8 ? 0 : 5),
        dtype);
}

/* got has the dtype and the values of want, which is of f64. */
static void same(hone_tensor *got, hone_tensor *want, hone_dtype dtype)
{
    cr_assert(got && want, "%s", hone_error_message());
    cr_expect_eq(hone_dtype_of(got), dtype);
    cr_expect_eq(hone_item(hone_all(hone_eq(hone_to(got, HONE_F64), want))), 1);
}

static hone_tensor *real(hone_tensor *t)
{
    return hone_to(t, HONE_F64);
}

Test(integers, products)
{
    static const hone_dtype dtypes[] = { HONE_I64, HONE_I32 };
    for (int d = 0; d < 2; d++) {
        HONE_SCOPE();
        hone_tensor *a = hone_reshape(some(dtypes[d], 2 * 5 * 7), 2, 5, 7);
        hone_tensor *b = hone_transpose(hone_reshape(some(dtypes[d], 3 * 7), 3, 7), 0, 1);
        hone_tensor *input = some(dtypes[d], 3);
        same(hone_matmul(a, b), hone_matmul(real(a), real(b)), dtypes[d]);
        same(hone_matmul(a, some(dtypes[d], 7)), hone_matmul(real(a), real(some(dtypes[d], 7))),
             dtypes[d]);
        hone_tensor *m = hone_select(a, 0, 1);
        same(hone_addmm(input, m, b), hone_addmm(real(input), real(m), real(b)), dtypes[d]);
        same(hone_addmm_scaled(input, m, b, 3, -2),
             hone_addmm_scaled(real(input), real(m), real(b), 3, -2), dtypes[d]);
        hone_tensor *c = hone_clone(hone_expand(input, 5, 3));
        same(hone_addmm_(c, m, b), hone_addmm(real(input), real(m), real(b)), dtypes[d]);
        same(hone_matmul(hone_slice(m, 1, 0, 0, 1), hone_slice(b, 0, 0, 0, 1)),
             hone_zeros(HONE_F64, 5, 3), dtypes[d]);
    }
}

Test(integers, products_wrap)
{
    HONE_SCOPE();
    hone_tensor *a = hone_full(HONE_U8, 100, 1, 3), *b = hone_full(HONE_U8, 7, 3, 1);
    cr_expect_eq(hone_item(hone_matmul(a, b)), 2100 % 256);
    hone_tensor *large = hone_full(HONE_I32, 65536, 1, 1);
    cr_expect_eq(hone_item(hone_matmul(large, large)), 0);
    CHECK_FAILS(hone_matmul(large, hone_ones(HONE_I64, 1, 1)), HONE_E_DTYPE,
                "matmul: both operands must be numbers of one dtype");
    CHECK_FAILS(hone_matmul(hone_ones(HONE_BOOL, 1, 1), hone_ones(HONE_BOOL, 1, 1)), HONE_E_DTYPE,
                "matmul: ");
    CHECK_FAILS(hone_linear(large, large, HONE_NONE), HONE_E_DTYPE, "linear: ");
}

Test(integers, convolution)
{
    HONE_SCOPE();
    const hone_conv2d_options o = {
        .stride = { 2, 1 }, .padding = { 1, 2 }, .dilation = { 1, 2 }, .groups = 2
    };
    hone_tensor *x = hone_reshape(some(HONE_I64, 2 * 4 * 6 * 7), 2, 4, 6, 7);
    hone_tensor *w = hone_reshape(some(HONE_I64, 6 * 2 * 3 * 2), 6, 2, 3, 2),
                *bias = some(HONE_I64, 6);
    same(hone_conv2d(x, w, bias, &o), hone_conv2d(real(x), real(w), real(bias), &o), HONE_I64);
    same(hone_conv2d(hone_to(x, HONE_I32), hone_to(w, HONE_I32), HONE_NONE, &o),
         hone_conv2d(real(x), real(w), HONE_NONE, &o), HONE_I32);
    const hone_conv_transpose2d_options t = {
        .stride = { 2, 2 }, .padding = { 1, 0 }, .output_padding = { 1, 0 }, .groups = 2
    };
    hone_tensor *v = hone_reshape(some(HONE_I64, 4 * 3 * 3 * 2), 4, 3, 3, 2);
    same(hone_conv_transpose2d(x, v, bias, &t),
         hone_conv_transpose2d(real(x), real(v), real(bias), &t), HONE_I64);
    hone_tensor *rows = hone_reshape(x, 8, 42), *taps = hone_reshape(some(HONE_I64, 24), 1, 8, 3);
    same(hone_conv1d(rows, taps, HONE_NONE, NULL),
         hone_conv1d(real(rows), real(taps), HONE_NONE, NULL), HONE_I64);
    CHECK_FAILS(hone_conv2d(hone_to(x, HONE_BOOL), hone_to(w, HONE_BOOL), HONE_NONE, &o),
                HONE_E_DTYPE, "conv2d: ");
}

Test(integers, pooling)
{
    HONE_SCOPE();
    hone_tensor *x = hone_reshape(some(HONE_I32, 2 * 3 * 5 * 7), 2, 3, 5, 7);
    const hone_max_pool2d_options most = { .kernel_size = { 3, 2 },
                                           .padding = { 1, 1 },
                                           .ceil_mode = true };
    same(hone_max_pool2d(x, &most), hone_max_pool2d(real(x), &most), HONE_I32);
    hone_tensor *least = hone_sub_scalar(hone_zeros(HONE_I64, 1, 2, 2), 9007199254740992.0);
    cr_expect_eq(
        hone_item(hone_max_pool2d(least, &(hone_max_pool2d_options){ .kernel_size = { 2, 2 } })),
        -9007199254740992.0);
    hone_tensor *negative = hone_sub_scalar(hone_zeros(HONE_I64, 1, 3), 1);
    const hone_avg_pool1d_options two = { .kernel_size = 2, .stride = 1 };
    cr_expect_eq(hone_item(hone_sum(hone_avg_pool1d(negative, &two))), -2);
    hone_tensor *mixed = hone_reshape(some(HONE_I64, 20), 1, 1, 4, 5);
    const hone_avg_pool2d_options mean = { .kernel_size = { 2, 3 },
                                           .padding = { 1, 1 },
                                           .ceil_mode = true };
    same(hone_avg_pool2d(mixed, &mean), hone_trunc(hone_avg_pool2d(real(mixed), &mean)), HONE_I64);
    CHECK_FAILS(hone_max_pool2d(hone_to(x, HONE_BOOL), &most), HONE_E_DTYPE,
                "max_pool2d: needs numbers");
}

Test(integers, other_dtypes_first)
{
    HONE_SCOPE();
    hone_tensor *x = hone_full(HONE_U8, 200, 3);
    cr_expect_eq(hone_item(hone_select(hone_cumsum_as(x, 0, HONE_U8), 0, 2)), 600 % 256);
    cr_expect_eq(hone_dtype_of(hone_cumsum_as(x, 0, HONE_U8)), HONE_U8);
    cr_expect_eq(hone_item(hone_prod_as(x, HONE_F64)), 8e6);
    cr_expect_eq(hone_dtype_of(hone_softmax_as(x, 0, HONE_F64)), HONE_F64);
    hone_tensor *leaf = hone_requires_grad_(hone_ones(HONE_F32, 3), true);
    CHECK_OK(hone_backward(hone_sum(hone_cumsum_as(leaf, 0, HONE_F64))));
    cr_expect_eq(hone_dtype_of(hone_grad(leaf)), HONE_F32);
    cr_expect_eq(hone_item(hone_select(hone_grad(leaf), 0, 0)), 3);
}

Test(integers, a_factor_of_the_second)
{
    HONE_SCOPE();
    hone_tensor *a = some(HONE_I64, 4), *b = some(HONE_I64, 4);
    same(hone_add_alpha(a, b, 3), hone_add(real(a), hone_mul_scalar(real(b), 3)), HONE_I64);
    same(hone_sub_alpha(a, b, 2), hone_sub(real(a), hone_mul_scalar(real(b), 2)), HONE_I64);
    CHECK_FAILS(hone_add_alpha(a, b, 0.5), HONE_E_VALUE,
                "add_alpha: alpha 0.5 is no number of i64");
    cr_expect_eq(
        hone_dtype_of(hone_add_alpha(hone_ones(HONE_BOOL, 2), hone_zeros(HONE_BOOL, 2), 1)),
        HONE_BOOL);
}
