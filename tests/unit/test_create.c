/* test_create.c: tensors from nothing (ops.h, creation). */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(create);

Test(create, constants_in_every_dtype)
{
    for (hone_dtype dtype = HONE_F32; dtype <= HONE_BOOL; dtype++) {
        hone_tensor *zeros = hone_zeros(dtype, 2, 3), *ones = hone_ones(dtype, 2, 3);
        cr_assert(zeros && ones, "%s", hone_error_message());
        cr_expect(hone_dtype_of(zeros) == dtype && hone_dim(ones) == 2);
        for (int i = 0; i < 6; i++) {
            cr_expect_eq(hone_at(zeros, i / 3, i % 3), 0);
            cr_expect_eq(hone_at(ones, i / 3, i % 3), 1);
        }
        cr_expect_eq(hone_item(hone_scalar(dtype, 1)), 1);
        cr_expect_eq(hone_dim(hone_scalar(dtype, 1)), 0);
        cr_expect_eq(hone_numel(hone_empty(dtype, 4, 0, 2)), 0);
    }
    cr_expect_eq(hone_dim(hone_zeros(HONE_F32)), 0);
    cr_expect_eq(hone_at(hone_full(HONE_F64, 0.1, 3), 2), 0.1);
    cr_expect_eq(hone_at(hone_full(HONE_F32, 0.1, 3), 2), (double)0.1f);
    cr_expect_eq(hone_at(hone_full(HONE_I64, -2.7, 1), 0), -2);
    cr_expect_eq(hone_at(hone_full(HONE_BOOL, 3, 1), 0), 1);
}

Test(create, constants_refuse_what_makes_no_sense)
{
    CHECK_FAILS(hone_zeros((hone_dtype)17, 2), HONE_E_DTYPE, "zeros");
    CHECK_FAILS(hone_zeros_v((const int64_t[]){ -1, HONE_END_DIM }), HONE_E_DTYPE, "zeros");
    CHECK_FAILS(hone_ones_v((const int64_t[]){ INT64_C(1) << 32, 2, HONE_END_DIM }), HONE_E_DTYPE,
                "4294967296 is none");
    CHECK_FAILS(hone_zeros(HONE_F32, 2, -1), HONE_E_SHAPE, "[2, -1]");
    CHECK_FAILS(hone_empty(HONE_F32, INT64_MAX, 16), HONE_E_SHAPE, "empty");
    CHECK_FAILS(hone_ones(HONE_F32, 1, 1, 1, 1, 1, 1, 1, 1, 1), HONE_E_SHAPE, "ones");
    CHECK_FAILS(hone_full(HONE_U8, 256, 2), HONE_E_VALUE, "256 doesn't fit into u8");
    CHECK_FAILS(hone_full(HONE_U8, -1, 2), HONE_E_VALUE, "u8");
    CHECK_FAILS(hone_full(HONE_I32, 0x1p31, 2), HONE_E_VALUE, "i32");
    CHECK_FAILS(hone_full(HONE_I64, 0x1p63, 2), HONE_E_VALUE, "i64");
    CHECK_FAILS(hone_full(HONE_I64, NAN, 2), HONE_E_VALUE, "i64");
    CHECK_FAILS(hone_full((hone_dtype)60, 1, 2), HONE_E_DTYPE, "full");
    CHECK_FAILS(hone_scalar(HONE_I32, INFINITY), HONE_E_VALUE, "scalar");
    CHECK_FAILS(hone_zeros_v(NULL), HONE_E_NULL, "zeros");
    cr_expect_eq(hone_item_i64(hone_scalar(HONE_I64, -0x1p63)), INT64_MIN);
    cr_expect_eq(hone_item(hone_scalar(HONE_I32, -0x1p31)), -0x1p31);
    cr_expect(isinf(hone_item(hone_scalar(HONE_F32, 1e300))));
}

Test(create, from_data_copies)
{
    double values[] = { 1, 2, 3, 4, 5, 6 };
    hone_tensor *t = hone_from_data(HONE_F64, values, 2, 3);
    values[5] = 0;
    cr_expect_eq(hone_at(t, 1, 2), 6);
    const uint8_t bytes[] = { 0, 1, 2, 255 };
    hone_tensor *b = hone_from_data(HONE_BOOL, bytes, 4);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(((uint8_t *)hone_data(b))[i], i > 0);
    cr_expect_eq(hone_numel(hone_from_data(HONE_F32, values, 0)), 0);
    CHECK_FAILS(hone_from_data(HONE_F32, NULL, 2), HONE_E_NULL, "from_data");
    CHECK_FAILS(hone_from_data((hone_dtype)9, values, 2), HONE_E_DTYPE, "from_data");
}

Test(create, arange)
{
    hone_tensor *t = hone_arange(HONE_F32, 0, 1, 0.3);
    cr_expect(hone_numel(t) == 4 && hone_at(t, 3) == (double)(float)(3 * 0.3));
    t = hone_arange(HONE_I64, 5, 0, -2);
    cr_expect(hone_numel(t) == 3 && hone_at(t, 0) == 5 && hone_at(t, 2) == 1);
    t = hone_arange(HONE_U8, 0, 256, 1);
    cr_expect(hone_numel(t) == 256 && hone_at(t, 255) == 255);
    t = hone_arange(HONE_I32, -1000, 1000, 1);
    for (int i = 0; i < 2000; i++)
        cr_assert_eq(hone_at(t, i), i - 1000);
    cr_expect_eq(hone_numel(hone_arange(HONE_F64, 2, 2, 1)), 0);
    CHECK_FAILS(hone_arange(HONE_F32, 5, 0, 1), HONE_E_VALUE, "arange");
    CHECK_FAILS(hone_arange(HONE_F32, 0, 5, 0), HONE_E_VALUE, "arange");
    CHECK_FAILS(hone_arange(HONE_F32, 0, INFINITY, 1), HONE_E_VALUE, "arange");
    CHECK_FAILS(hone_arange(HONE_F32, NAN, 1, 1), HONE_E_VALUE, "arange");
    CHECK_FAILS(hone_arange(HONE_U8, 0, 257, 1), HONE_E_VALUE, "arange");
    t = hone_arange(HONE_U8, 3, -1, -1);
    cr_expect(hone_numel(t) == 4 && hone_at(t, 3) == 0);
}

/* As PyTorch's, which takes integers too. */
Test(create, arange_computes_integers_as_integers)
{
    hone_tensor *t = hone_arange(HONE_I64, 0x1p53, 0x1p53 + 4, 1);
    cr_assert_eq(hone_numel(t), 4);
    const int64_t *at = hone_data(t);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(at[i], ((int64_t)1 << 53) + i);
    t = hone_arange(HONE_I64, 0x1p63 - 1024, 0x1p63, 1);
    cr_assert_eq(hone_numel(t), 1024);
    cr_expect_eq(((const int64_t *)hone_data(t))[1023], INT64_MAX);
    t = hone_arange(HONE_I64, -0x1p63 + 2048, -0x1p63, -3);
    cr_assert_eq(hone_numel(t), 683);
    cr_expect_eq(((const int64_t *)hone_data(t))[682], INT64_MIN + 2);
    t = hone_arange(HONE_I64, -0x1p63, 0x1p63, 0x1p62);
    cr_assert_eq(hone_numel(t), 4);
    cr_expect_eq(((const int64_t *)hone_data(t))[3], (int64_t)1 << 62);
    t = hone_arange(HONE_I64, 0x1p62, -0x1p63, -0x1p63);
    cr_assert_eq(hone_numel(t), 2);
    cr_expect_eq(((const int64_t *)hone_data(t))[1], -((int64_t)1 << 62));
    t = hone_arange(HONE_I32, -0x1p31, 0x1p31, 0x1p31 - 1);
    cr_expect(hone_numel(t) == 3 && hone_at(t, 2) == 0x1p31 - 2);
    t = hone_arange(HONE_I64, 2, 4.5, 1); /* 2 3 4 */
    cr_expect(hone_numel(t) == 3 && hone_at(t, 2) == 4);
    t = hone_arange(HONE_I64, 0, 2, 0.5); /* 0 0 1 1 */
    cr_expect(hone_numel(t) == 4 && hone_at(t, 1) == 0 && hone_at(t, 3) == 1);
    cr_expect_eq(hone_numel(hone_arange(HONE_I64, 7, 7, -2)), 0);
    CHECK_FAILS(hone_arange(HONE_I64, -0x1p63, 0x1p63, 1), HONE_E_VALUE, "arange: no way");
    CHECK_FAILS(hone_arange(HONE_I64, 0x1p62, 0x1p64, 0x1p62), HONE_E_VALUE, "arange");
    CHECK_FAILS(hone_arange(HONE_I64, 0x1p63, 0x1p64, 0x1p62), HONE_E_VALUE, "arange");
    CHECK_FAILS(hone_arange(HONE_I64, 0x1p54, 0x1p54 + 8, 0.5), HONE_E_VALUE, "past 2^53");
    CHECK_FAILS(hone_arange(HONE_I64, 5, 0, 1), HONE_E_VALUE, "arange: no way from 5 to 0");
    CHECK_FAILS(hone_arange(HONE_I32, 0, 0x1p31 + 1, 0x1p31), HONE_E_VALUE, "i32");
}

Test(create, eye)
{
    for (hone_dtype dtype = HONE_F32; dtype <= HONE_BOOL; dtype++)
        for (int64_t n = 0; n < 4; n++)
            for (int64_t m = 0; m < 4; m++) {
                hone_tensor *t = hone_eye(dtype, n, m);
                for (int64_t k = 0; k < n * m; k++)
                    cr_assert_eq(hone_at(t, k / m, k % m), k / m == k % m);
            }
    CHECK_FAILS(hone_eye(HONE_F32, -1, 2), HONE_E_SHAPE, "eye");
    CHECK_FAILS(hone_eye((hone_dtype)77, 2, 2), HONE_E_DTYPE, "eye");
}

Test(create, like)
{
    hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F64, 2, 3), true);
    hone_tensor *zeros = hone_zeros_like(x), *ones = hone_ones_like(x), *empty = hone_empty_like(x);
    cr_expect(hone_dtype_of(zeros) == HONE_F64 && hone_size(ones, 1) == 3 && hone_dim(empty) == 2);
    cr_expect(hone_at(zeros, 1, 2) == 0 && hone_at(ones, 1, 2) == 1);
    cr_expect_not(hone_requires_grad(ones));
    CHECK_FAILS(hone_zeros_like(NULL), HONE_E_NULL, "zeros_like");
    CHECK_FAILS(hone_ones_like(NULL), HONE_E_NULL, "ones_like");
    CHECK_FAILS(hone_empty_like(HONE_NONE), HONE_E_NULL, "empty_like");
}
