#include "support.h"

#include "core/core.h"

SUITE(dtype);

Test(dtype, sizes_and_names)
{
    const size_t sizes[] = { 4, 8, 8, 4, 1, 1, 2, 2 };
    const char *names[] = { "f32", "f64", "i64", "i32", "u8", "bool", "bf16", "f16" };
    for (int d = 0; d < HONE_DTYPES; d++) {
        cr_assert(hone_dtype_size((hone_dtype)d) == sizes[d]);
        cr_assert(hone__size_of((uint8_t)d) == sizes[d]);
        cr_assert_str_eq(hone_dtype_name((hone_dtype)d), names[d]);
        cr_assert(hone_dtype_is_float((hone_dtype)d) == (d < 2 || d > 5));
    }
    cr_assert(hone_dtype_size((hone_dtype)HONE_DTYPES) == 0);
    cr_assert(hone_dtype_size((hone_dtype)-1) == 0);
    cr_assert_str_eq(hone_dtype_name((hone_dtype)77), "?");
    cr_assert(!hone_dtype_is_float((hone_dtype)77));
}

Test(dtype, promotion_takes_the_higher)
{
    const hone_dtype order[] = { HONE_BOOL, HONE_U8, HONE_I32, HONE_I64, HONE_F32, HONE_F64 };
    for (int a = 0; a < 6; a++)
        for (int b = 0; b < 6; b++)
            cr_assert(hone_promote(order[a], order[b]) == order[a > b ? a : b]);
    for (hone_dtype half = HONE_BF16; half <= HONE_F16; half++)
        for (int a = 0; a < 6; a++) {
            cr_assert(hone_promote(order[a], half) == (a < 4 ? half : order[a]));
            cr_assert(hone_promote(half, order[a]) == (a < 4 ? half : order[a]));
        }
    cr_assert(hone_promote(HONE_BF16, HONE_F16) == HONE_F32);
    cr_assert(hone_promote(HONE_F16, HONE_F16) == HONE_F16);
    hone_promote((hone_dtype)9, HONE_F32);
    CHECK_ERROR(HONE_E_DTYPE, "9");
}

static hone_dtype result(hone_tensor *a, hone_tensor *b)
{
    return hone__result_dtype((hone_tensor *[]){ a, b }, 2);
}

/* What PyTorch's torch.result_type gives. */
Test(dtype, zero_dim_tensors_only_raise_the_category)
{
    hone_tensor *f32 = T(HONE_F32, (1), 0), *i32 = T(HONE_I32, (1), 0), *u8 = T(HONE_U8, (1), 0),
                *b = T(HONE_BOOL, (1), 0);
    hone_tensor *f32_0 = T0(HONE_F32, 0), *f64_0 = T0(HONE_F64, 0), *i64_0 = T0(HONE_I64, 0),
                *b_0 = T0(HONE_BOOL, 0);
    cr_assert(result(f32, f64_0) == HONE_F32);
    cr_assert(result(f64_0, f32) == HONE_F32);
    cr_assert(result(i32, i64_0) == HONE_I32);
    cr_assert(result(i32, f64_0) == HONE_F64);
    cr_assert(result(u8, f32_0) == HONE_F32);
    cr_assert(result(b, i64_0) == HONE_I64);
    cr_assert(result(u8, b_0) == HONE_U8);
    cr_assert(result(f32_0, f64_0) == HONE_F64);
    cr_assert(result(i64_0, f32_0) == HONE_F32);
    cr_assert(result(i32, f32) == HONE_F32);
    cr_assert(result(HONE_NONE, i32) == HONE_I32);
}
