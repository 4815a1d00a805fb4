/* test_arrange.c: chunk, stack, flip, roll, repeat, triangles: PyTorch's corners, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(arrange);

Test(arrange, chunk)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (5), 1, 2, 3, 4, 5), true);
    hone_tensor_list parts = hone_chunk(x, 4, 0); /* 2, 2, 1: one fewer than asked for */
    cr_assert_eq(parts.n, 3, "%s", hone_error_message());
    cr_assert_eq(hone_size(parts.at[2], 0), 1);
    cr_assert_eq(hone_data(parts.at[0]), hone_data(x));
    CHECK_OK(hone_backward(hone_sum(hone_mul(parts.at[0], parts.at[1]))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (5), 3, 4, 1, 2, 0);
    cr_assert_eq(hone_chunk(hone_zeros(HONE_F32, 2, 6), 3, -1).n, 3);
    cr_assert_eq(hone_chunk(hone_zeros(HONE_F32, 2, 6), INT32_MAX, -1).n, 6);
    hone_tensor_list none = hone_chunk(hone_zeros(HONE_F32, 0, 2), 3, 0);
    cr_assert_eq(none.n, 3);
    cr_assert_eq(hone_size(none.at[2], 1), 2);
    cr_assert_null(hone_chunk(x, 0, 0).at);
    CHECK_ERROR(HONE_E_VALUE, "chunk: f64 [5] can't be cut into 0");
    cr_assert_null(hone_chunk(x, 2, 1).at);
    CHECK_ERROR(HONE_E_SHAPE, "chunk: dim 1");
    cr_assert_null(hone_chunk(hone_scalar(HONE_F32, 1), 1, 0).at);
    CHECK_ERROR(HONE_E_SHAPE, "chunk");
    cr_assert_null(hone_chunk(NULL, 1, 0).at);
    CHECK_ERROR(HONE_E_NULL, "chunk");
}

Test(arrange, stack)
{
    hone_tensor *y = hone_stack(hone_list(T(HONE_U8, (2), 1, 2), T(HONE_F64, (2), 0.5, -3)), -1);
    CHECK_VALUES(y, HONE_F64, (2, 2), 1, 0.5, 2, -3);
    cr_assert_eq(hone_size(hone_stack(hone_list(hone_zeros(HONE_F32, 0)), 1), 1), 1);
    hone_tensor *x = hone_ones(HONE_F32, 2, 3);
    CHECK_FAILS(hone_stack(hone_list(x, hone_ones(HONE_F32, 2, 4)), 0), HONE_E_SHAPE,
                "stack: tensor 1 is f32 [2, 4], tensor 0 is f32 [2, 3]");
    CHECK_FAILS(hone_stack(hone_list(x), 3), HONE_E_SHAPE, "stack: dim 3");
    CHECK_FAILS(hone_stack(hone_list(x), -4), HONE_E_SHAPE, "stack: dim -4");
    CHECK_FAILS(hone_stack(hone_list(hone_ones(HONE_F32, 1, 1, 1, 1, 1, 1, 1, 1)), 0), HONE_E_SHAPE,
                "at most 8 dims");
    CHECK_FAILS(hone_stack((hone_tensor_list){ &x, 0 }, 0), HONE_E_SHAPE, "at least one");
    CHECK_FAILS(hone_stack(hone_list(x, NULL), 0), HONE_E_NULL, "list");
}

Test(arrange, flip_and_roll)
{
    hone_tensor *x = hone_reshape(hone_arange(HONE_I32, 0, 6, 1), 2, 3);
    CHECK_VALUES(hone_flip(x, -1, 0), HONE_I32, (2, 3), 5, 4, 3, 2, 1, 0);
    CHECK_VALUES(hone_flip_v(x, (const int64_t[]){ HONE_END_DIM }), HONE_I32, (2, 3), 0, 1, 2, 3, 4,
                 5);
    CHECK_VALUES(hone_roll(x, 1, 1), HONE_I32, (2, 3), 2, 0, 1, 5, 3, 4);
    CHECK_VALUES(hone_roll(x, INT64_MAX, 1), HONE_I32, (2, 3), 2, 0, 1, 5, 3, 4);
    CHECK_VALUES(hone_roll(x, INT64_MIN + 1, 1), HONE_I32, (2, 3), 1, 2, 0, 4, 5, 3);
    CHECK_VALUES(hone_roll_v(x, HONE_DIM_ARGS(2), (const int64_t[]){ HONE_END_DIM }), HONE_I32,
                 (2, 3), 4, 5, 0, 1, 2, 3);
    /* a dim that comes twice moves twice */
    CHECK_VALUES(hone_roll_v(x, HONE_DIM_ARGS(1, 1), HONE_DIM_ARGS(1, -1)), HONE_I32, (2, 3), 1, 2,
                 0, 4, 5, 3);
    CHECK_FAILS(hone_flip(x, 0, -2), HONE_E_SHAPE, "flip: dim 0 is given twice");
    CHECK_FAILS(hone_flip(x, 2), HONE_E_SHAPE, "flip: dim 2");
    CHECK_FAILS(hone_roll(x, 1, 2), HONE_E_SHAPE, "roll: dim 2");
    CHECK_FAILS(hone_roll_v(x, HONE_DIM_ARGS(1, 2), HONE_DIM_ARGS(0)), HONE_E_VALUE,
                "roll: 2 shifts for 1 dims");
    CHECK_FAILS(hone_roll_v(x, HONE_DIM_ARGS(1, 2), (const int64_t[]){ HONE_END_DIM }),
                HONE_E_VALUE, "roll: 2 shifts for 0 dims");
}

Test(arrange, repeat)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F32, (2), 1, 2), true);
    hone_tensor *y = hone_repeat(x, 2, 2);
    CHECK_VALUES(hone_detach(y), HONE_F32, (2, 4), 1, 2, 1, 2, 1, 2, 1, 2);
    CHECK_OK(hone_backward(hone_sum(hone_mul(y, T(HONE_F32, (2, 4), 1, 2, 3, 4, 5, 6, 7, 8)))));
    CHECK_VALUES(hone_grad(x), HONE_F32, (2), 16, 20);
    CHECK_VALUES(hone_repeat_interleave(hone_detach(x), 2, 0), HONE_F32, (4), 1, 1, 2, 2);
    cr_assert_eq(
        hone_dim(hone_repeat_v(hone_scalar(HONE_F32, 1), (const int64_t[]){ HONE_END_DIM })), 0);
    CHECK_VALUES(hone_repeat_interleave(hone_scalar(HONE_F32, 7), 2, 0), HONE_F32, (2), 7, 7);
    hone_tensor *m = hone_ones(HONE_F32, 2, 3);
    CHECK_FAILS(hone_repeat(m, 2), HONE_E_SHAPE, "repeat: f32 [2, 3] can't be repeated [2] times");
    CHECK_FAILS(hone_repeat(m, 2, -1), HONE_E_VALUE, "[2, -1]");
    CHECK_FAILS(hone_repeat(m, 1, INT64_MAX), HONE_E_SHAPE, "more than an int64 can count");
    CHECK_FAILS(hone_repeat(m, INT64_C(1) << 40, INT64_C(1) << 40), HONE_E_SHAPE, "repeat");
    CHECK_FAILS(hone_repeat_interleave(m, -1, 0), HONE_E_VALUE, "repeat_interleave");
    CHECK_FAILS(hone_repeat_interleave(m, INT64_MAX, 0), HONE_E_VALUE, "repeat_interleave");
    CHECK_FAILS(hone_repeat_interleave(m, 1, 2), HONE_E_SHAPE, "repeat_interleave: dim 2");
}

Test(arrange, triangles)
{
    hone_tensor *x = T(HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6);
    CHECK_VALUES(hone_tril(x, 0), HONE_F32, (2, 3), 1, 0, 0, 4, 5, 0);
    CHECK_VALUES(hone_triu(x, 1), HONE_F32, (2, 3), 0, 2, 3, 0, 0, 6);
    CHECK_VALUES(hone_tril(x, INT64_MAX), HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6);
    CHECK_VALUES(hone_tril(x, INT64_MIN), HONE_F32, (2, 3), 0, 0, 0, 0, 0, 0);
    CHECK_VALUES(hone_triu(x, INT64_MIN), HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6);
    CHECK_VALUES(hone_triu(x, INT64_MAX), HONE_F32, (2, 3), 0, 0, 0, 0, 0, 0);
    hone_tensor *nan =
        hone_full(HONE_F32, (double)NAN, 2, 2); /* what is left out is 0, not NaN * 0 */
    cr_assert_eq(hone_at(hone_tril(nan, 0), 0, 1), 0);
    CHECK_FAILS(hone_tril(hone_ones(HONE_F32, 3), 0), HONE_E_SHAPE, "tril: x is f32 [3]");
    CHECK_FAILS(hone_triu(hone_ones(HONE_F32, 3), 0), HONE_E_SHAPE, "triu");
}
