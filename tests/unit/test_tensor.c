#include "support.h"

#include "core/core.h"

#include <hone/ops.h>

#include <math.h>
#include <string.h>

SUITE(tensor);

Test(tensor, answers_what_it_is)
{
    hone_tensor *t = T_EMPTY(HONE_I32, 2, 3, 4);
    cr_assert(hone_dtype_of(t) == HONE_I32 && hone_dim(t) == 3 && hone_numel(t) == 24);
    cr_assert(hone_size(t, 0) == 2 && hone_size(t, -1) == 4);
    cr_assert(hone_stride(t, 0) == 12 && hone_stride(t, 1) == 4 && hone_stride(t, -1) == 1);
    cr_assert(hone_shape(t)[1] == 3);
    cr_assert(hone_is_contiguous(t));
    cr_assert((uintptr_t)hone_data(t) % 64 == 0);
    cr_assert(!hone_is_contiguous(test_transposed(t, 0, 2)));
    cr_assert(hone_size(t, 3) == -1);
    CHECK_ERROR(HONE_E_SHAPE, "size: dim 3 is out of range for i32 [2, 3, 4]");
    cr_assert(hone_stride(t, -4) == -1);
    CHECK_ERROR(HONE_E_SHAPE, "stride: dim -4");
}

Test(tensor, zero_dims_and_no_elements)
{
    hone_tensor *scalar = T0(HONE_F64, 2.5);
    cr_assert(hone_dim(scalar) == 0 && hone_numel(scalar) == 1 && hone_is_contiguous(scalar));
    cr_assert(hone_item(scalar) == 2.5);
    cr_assert(hone_size(scalar, 0) == -1);
    CHECK_ERROR(HONE_E_SHAPE, "0-d");
    hone_tensor *empty = T_EMPTY(HONE_F32, 0, 3);
    cr_assert(hone_numel(empty) == 0 && hone_is_contiguous(empty) && hone_data(empty) == NULL);
    CHECK_OK(hone_copy_out(empty, NULL, 0));
    cr_assert(hone_equal(empty, empty));
    cr_assert(hone_item(empty) != hone_item(empty));
    CHECK_ERROR(HONE_E_SHAPE, "item: exactly one element is wanted, not f32 [0, 3]");
}

Test(tensor, null_and_none_are_errors_everywhere)
{
    hone_tensor *const bad[] = { NULL, HONE_NONE, HONE_END_TENSOR };
    for (int i = 0; i < 3; i++) {
        hone_tensor *t = bad[i];
        const char *text = i == 0 ? "NULL" : i == 1 ? "HONE_NONE" : "HONE_END_TENSOR";
        cr_assert(hone_dtype_of(t) == HONE_F32);
        CHECK_ERROR(HONE_E_NULL, text);
        cr_assert(hone_dim(t) == -1 && hone_numel(t) == -1 && hone_size(t, 0) == -1 &&
                  hone_stride(t, 0) == -1 && !hone_shape(t) && !hone_is_contiguous(t));
        CHECK_ERROR(HONE_E_NULL, text);
        CHECK_FAILS(hone_data(t), HONE_E_NULL, text);
        cr_assert(isnan(hone_item(t)) && isnan(hone_at(t, 0)) && hone_item_i64(t) == 0);
        CHECK_ERROR(HONE_E_NULL, text);
        CHECK_FAILS(hone_copy_out(t, NULL, 0), HONE_E_NULL, text);
        CHECK_FAILS(hone_copy_in(t, NULL, 0), HONE_E_NULL, text);
        cr_assert(!hone_equal(t, t) && !hone_allclose(t, t, 0, 0));
        CHECK_ERROR(HONE_E_NULL, text);
        CHECK_FAILS(hone_print(t), HONE_E_NULL, text);
    }
}

/* The plain functions under the macros, which always have a list. */
Test(tensor, a_list_that_is_null_is_an_error)
{
    hone_tensor *t = hone_ones(HONE_F32, 2, 3);
    CHECK_FAILS(hone_list_v(NULL).at, HONE_E_NULL, "list");
    CHECK_FAILS(hone_list_n(NULL, 2).at, HONE_E_NULL, "list");
    cr_assert(isnan(hone_at_v(t, NULL)));
    CHECK_ERROR(HONE_E_NULL, "at");
    CHECK_FAILS(hone_zeros_v(NULL), HONE_E_NULL, "zeros");
    CHECK_FAILS(hone_rand_v(NULL), HONE_E_NULL, "rand");
    CHECK_FAILS(hone_randint_v(HONE_I64, 0, 9, NULL), HONE_E_NULL, "randint");
    CHECK_FAILS(hone_reshape_v(t, NULL), HONE_E_NULL, "reshape");
    CHECK_FAILS(hone_index_v(t, NULL), HONE_E_NULL, "index");
}

Test(tensor, impossible_shapes_are_refused)
{
    const int64_t negative[] = { 2, -1 }, huge[] = { INT64_MAX / 2, 3 }, wide[] = { INT64_MAX / 4 };
    const int64_t many[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    CHECK_FAILS(hone__new("zeros", HONE_F32, 2, negative), HONE_E_SHAPE,
                "zeros: negative extent in [2, -1]");
    CHECK_FAILS(hone__new("zeros", HONE_F32, 2, huge), HONE_E_SHAPE, "int64");
    CHECK_FAILS(hone__new("zeros", HONE_F64, 1, wide), HONE_E_SHAPE, "bytes");
    CHECK_FAILS(hone__new("zeros", HONE_F32, 9, many), HONE_E_SHAPE, "9 dims");
    CHECK_FAILS(hone__new("zeros", (hone_dtype)60, 1, many), HONE_E_DTYPE, "60 is no dtype");
    const int64_t too_much[] = { (int64_t)1 << 55 };
    CHECK_FAILS(hone__new("zeros", HONE_F32, 1, too_much), HONE_E_NOMEM, "out of memory");
}

Test(tensor, item_converts)
{
    cr_assert(hone_item(T(HONE_BOOL, (1), 1)) == 1 && hone_item(T(HONE_U8, (1, 1), 200)) == 200);
    hone_tensor *big = T_EMPTY(HONE_I64, 1);
    *(int64_t *)hone_data(big) = (1LL << 53) + 1;
    cr_assert(hone_item_i64(big) == (1LL << 53) + 1);
    cr_assert(hone_item_i64(T0(HONE_F32, -2.7)) == -2);
    cr_assert(hone_item_i64(T0(HONE_F64, 1e300)) == INT64_MAX);
    cr_assert(hone_item_i64(T0(HONE_F64, -1e300)) == INT64_MIN);
    cr_assert(hone_item_i64(T0(HONE_F64, (double)NAN)) == 0);
}

Test(tensor, at_finds_elements)
{
    hone_tensor *t = T(HONE_F32, (2, 3), 0, 1, 2, 3, 4, 5);
    cr_assert(hone_at(t, 1, 2) == 5 && hone_at(t, -1, -3) == 3);
    cr_assert(hone_at(test_transposed(t, 0, 1), 2, 1) == 5);
    cr_assert(isnan(hone_at(t, 0, 3)));
    CHECK_ERROR(HONE_E_INDEX, "at: index 3 is out of range for dim 1 of f32 [2, 3]");
    cr_assert(isnan(hone_at(t, 0)));
    CHECK_ERROR(HONE_E_INDEX, "1 indices");
}

Test(tensor, copies_in_row_major_order)
{
    hone_tensor *t = T(HONE_I32, (2, 3), 0, 1, 2, 3, 4, 5);
    hone_tensor *turned = test_transposed(t, 0, 1);
    int32_t out[6];
    CHECK_OK(hone_copy_out(turned, out, sizeof out));
    cr_assert(memcmp(out, (int32_t[]){ 0, 3, 1, 4, 2, 5 }, sizeof out) == 0);
    const uint32_t version = hone__version(t);
    CHECK_OK(hone_copy_in(turned, (int32_t[]){ 10, 11, 12, 13, 14, 15 }, sizeof out));
    cr_assert(hone__version(t) == version + 1);
    CHECK_VALUES(t, HONE_I32, (2, 3), 10, 12, 14, 11, 13, 15);
    CHECK_FAILS(hone_copy_out(t, out, 5), HONE_E_SHAPE,
                "copy_out: 5 bytes were given, i32 [2, 3] has 24");
    CHECK_FAILS(hone_copy_in(t, NULL, sizeof out), HONE_E_NULL, "copy_in");
    const int64_t shape[] = { 4, 2 }, stride[] = { 0, 1 };
    hone_tensor *expanded = hone__own(hone__alias(t, 2, shape, stride, 2));
    int32_t rows[8];
    CHECK_OK(hone_copy_out(expanded, rows, sizeof rows));
    cr_assert(rows[0] == 14 && rows[6] == 14 && rows[7] == 11);
    CHECK_FAILS(hone_copy_in(expanded, rows, sizeof rows), HONE_E_STATE, "expanded");
}

Test(tensor, bools_copied_in_are_0_or_1)
{
    const uint8_t bytes[] = { 255, 0, 2, 0, 128, 1 };
    uint8_t out[6];
    hone_tensor *t = T(HONE_BOOL, (2, 3), 0, 0, 0, 0, 0, 0);
    CHECK_OK(hone_copy_in(t, bytes, sizeof bytes));
    CHECK_OK(hone_copy_out(t, out, sizeof out));
    cr_assert(memcmp(out, (uint8_t[]){ 1, 0, 1, 0, 1, 1 }, sizeof out) == 0);
    CHECK_OK(hone_copy_in(test_transposed(t, 0, 1), bytes, sizeof bytes));
    CHECK_VALUES(t, HONE_BOOL, (2, 3), 1, 1, 1, 0, 0, 1);
    CHECK_OK(hone_copy_out(t, out, sizeof out));
    cr_assert(memcmp(out, (uint8_t[]){ 1, 1, 1, 0, 0, 1 }, sizeof out) == 0);
}

Test(tensor, strided_views_of_many_dims)
{
    hone_tensor *t = T_EMPTY(HONE_I64, 2, 3, 4, 5);
    for (int i = 0; i < 120; i++)
        ((int64_t *)hone_data(t))[i] = i;
    hone_tensor *turned = test_transposed(test_transposed(t, 0, 2), 1, 3); /* [4, 5, 2, 3] */
    int64_t out[120];
    CHECK_OK(hone_copy_out(turned, out, sizeof out));
    int n = 0;
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 5; b++)
            for (int c = 0; c < 2; c++)
                for (int d = 0; d < 3; d++)
                    cr_assert(out[n++] == ((c * 3 + d) * 4 + a) * 5 + b);
    cr_assert(hone_equal(turned, turned) && !hone_equal(turned, t));
    hone_tensor *copy = T_EMPTY(HONE_I64, 4, 5, 2, 3);
    CHECK_OK(hone_copy_in(copy, out, sizeof out));
    cr_assert(hone_equal(turned, copy) && hone_equal(copy, turned));
    ((int64_t *)hone_data(copy))[119]++;
    cr_assert(!hone_equal(turned, copy) && !hone_equal(copy, turned));
}

Test(tensor, equal_and_allclose)
{
    const double nan = (double)NAN, inf = (double)INFINITY;
    hone_tensor *a = T(HONE_F32, (3), 1, 2, 3);
    cr_assert(hone_equal(a, T(HONE_F32, (3), 1, 2, 3)));
    cr_assert(!hone_equal(a, T(HONE_F32, (3), 1, 2, 4)));
    cr_assert(!hone_equal(a, T(HONE_F64, (3), 1, 2, 3)));
    cr_assert(!hone_equal(a, T(HONE_F32, (3, 1), 1, 2, 3)));
    hone_tensor *n = T(HONE_F64, (3), nan, inf, -inf);
    cr_assert(!hone_equal(n, n) && hone_allclose(n, n, 0, 0));
    cr_assert(!hone_allclose(n, T(HONE_F64, (3), nan, inf, inf), 1, 1));
    cr_assert(!hone_allclose(T0(HONE_F64, inf), T0(HONE_F64, 1), 10, 10));
    cr_assert(hone_allclose(T0(HONE_F64, 1.1), T0(HONE_F64, 1), 0.101, 0));
    cr_assert(!hone_allclose(T0(HONE_F64, 1.1), T0(HONE_F64, 1), 0.099, 0));
    cr_assert(hone_allclose(T0(HONE_I32, 5), T0(HONE_I32, 6), 0, 1));
    hone_tensor *big = T_EMPTY(HONE_I64, 1), *next = T_EMPTY(HONE_I64, 1);
    *(int64_t *)hone_data(big) = 1LL << 53;
    *(int64_t *)hone_data(next) = (1LL << 53) + 1;
    cr_assert(!hone_equal(big, next)); /* equal as doubles */
    cr_assert(hone_error_code() == HONE_OK);
}

static int released;
static void count_release(void *user, void *data)
{
    cr_assert(user == &released && data);
    released++;
}

Test(tensor, foreign_memory_is_released_once)
{
    static float memory[6];
    const int64_t shape[] = { 2, 3 };
    hone_tensor *t = hone__wrap("test", HONE_F32, 2, shape, memory, count_release, &released);
    hone_tensor *view = hone__alias(t, 2, shape, (int64_t[]){ 3, 1 }, 0);
    cr_assert(hone_data(t) == memory);
    hone_release(t);
    cr_assert(released == 0);
    hone_release(view);
    cr_assert(released == 1);
    CHECK_FAILS(hone__wrap("test", HONE_F32, -1, shape, memory, count_release, &released),
                HONE_E_SHAPE, "dims");
    cr_assert(released == 2);
    hone_release(hone__wrap("test", HONE_F32, 2, shape, memory, NULL, NULL));
}

Test(tensor, shapes_broadcast_as_in_pytorch)
{
    hone_tensor *a = T_EMPTY(HONE_F32, 5, 1, 4), *b = T_EMPTY(HONE_F32, 3, 1), *c = T0(HONE_F32, 1);
    hone__shape out;
    cr_assert(hone__broadcast("add", (hone_tensor *[]){ a, HONE_NONE, b, c }, 4, &out));
    cr_assert(out.ndim == 3 && out.shape[0] == 5 && out.shape[1] == 3 && out.shape[2] == 4);
    int64_t stride[HONE_MAX_DIMS];
    hone__broadcast_strides(b, &out, stride);
    cr_assert(stride[0] == 0 && stride[1] == 1 && stride[2] == 0);
    hone_tensor *none = T_EMPTY(HONE_F32, 0, 1);
    cr_assert(hone__broadcast("add", (hone_tensor *[]){ none, T_EMPTY(HONE_F32, 1, 4) }, 2, &out));
    cr_assert(out.shape[0] == 0 && out.shape[1] == 4);
    cr_assert(!hone__broadcast("add", (hone_tensor *[]){ a, T_EMPTY(HONE_F32, 3) }, 2, &out));
    CHECK_ERROR(HONE_E_SHAPE, "add: shapes can't be broadcast together: [5, 1, 4] and [3]");
    cr_assert(!hone__broadcast("add", (hone_tensor *[]){ none, T_EMPTY(HONE_F32, 2, 1) }, 2, &out));
    CHECK_ERROR(HONE_E_SHAPE, "[0, 1] and [2, 1]");
}

Test(tensor, strides_of_extent_1_do_not_matter)
{
    hone_tensor *t = T_EMPTY(HONE_F32, 3, 1, 2);
    const int64_t shape[] = { 3, 1, 2 }, odd[] = { 2, 77, 1 };
    cr_assert(hone_is_contiguous(hone__own(hone__alias(t, 3, shape, odd, 0))));
}

Test(tensor, text_of_shapes_fits)
{
    const int64_t huge[] = { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX,
                             INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX };
    const hone__text text = hone__shape_text(8, huge);
    cr_assert(strlen(text.s) == sizeof text.s - 1);
    cr_assert_str_eq(text.s + strlen(text.s) - 4, "...]");
    cr_assert_str_eq(hone__shape_text(0, huge).s, "[]");
    cr_assert_str_eq(hone__tensor_text(NULL).s, "NULL");
    cr_assert_str_eq(hone__tensor_text(HONE_NONE).s, "none");
}

Test(tensor, too_many_dims_are_refused)
{
    cr_assert(isnan(hone_at(T0(HONE_F32, 0), 0, 0, 0, 0, 0, 0, 0, 0, 0)));
    CHECK_ERROR(HONE_E_SHAPE, "at: more than 8 dims");
}

static bool make_tensors(void)
{
    HONE_SCOPE();
    const int64_t shape[] = { 3, 40000 }, none[] = { 0 };
    hone_tensor *t = hone__own(hone__new("a", HONE_F32, 2, shape));
    if (!t || !hone__own(hone__alias(t, 2, shape, t->stride, 0)))
        return false;
    if (!hone__own(hone__new("b", HONE_F32, 1, none)) || !hone_scope_return(t))
        return false;
    static char memory[8];
    return hone__own(hone__wrap("c", HONE_U8, 1, (int64_t[]){ 8 }, memory, NULL, NULL)) != NULL;
}

static bool make_tensors_scoped(void)
{
    HONE_SCOPE();
    return make_tensors();
}

Test(tensor, each_allocation_may_fail)
{
    test_each_allocation_fails(make_tensors_scoped);
}
