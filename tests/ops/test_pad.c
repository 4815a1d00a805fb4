/* pad beside what torch 2.13 gives, and what is refused. */
#include "support.h"

#include <hone/hone.h>

SUITE(pad);

static hone_tensor *five(void)
{
    return hone_reshape(hone_arange(HONE_F32, 1, 6, 1), 1, 5);
}

Test(pad, golden)
{
    hone_tensor *x = five();
    CHECK_VALUES(hone_pad(x, HONE_PAD_CONSTANT, 0, -1, 2), HONE_F32, (1, 6), 2, 3, 4, 5, 0, 0);
    CHECK_VALUES(hone_pad(x, HONE_PAD_CIRCULAR, 0, -1, 2), HONE_F32, (1, 6), 2, 3, 4, 5, 2, 3);
    CHECK_VALUES(hone_pad(x, HONE_PAD_REFLECT, 0, -1, 2), HONE_F32, (1, 6), 2, 3, 4, 5, 4, 3);
    CHECK_VALUES(hone_pad(x, HONE_PAD_REPLICATE, 0, -1, 2), HONE_F32, (1, 6), 2, 3, 4, 5, 5, 5);
    CHECK_VALUES(hone_pad(T(HONE_F32, (2), 1, 2), HONE_PAD_CIRCULAR, 0, 2, 2), HONE_F32, (6), 1, 2,
                 1, 2, 1, 2);
    CHECK_VALUES(hone_pad(T(HONE_F32, (2), 1, 2), HONE_PAD_REPLICATE, 0, 3, 0), HONE_F32, (5), 1, 1,
                 1, 1, 2);
    CHECK_VALUES(hone_pad(T(HONE_I64, (1, 1), 7), HONE_PAD_CONSTANT, 9, 1, 0, 0, 1), HONE_I64,
                 (2, 2), 9, 7, 9, 9);
    cr_expect(hone_pad(x, HONE_PAD_REFLECT, 0, 0, 0) != x, "a copy");
}

static void slope_is(hone_pad_mode mode)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (3), 1, 2, 3), true);
    CHECK_OK(hone_backward(hone_sum(hone_pad(x, mode, 0, 2, 2))));
    CHECK_VALUES(hone_grad(x), HONE_F64, (3), 2, 3, 2);
}

Test(pad, gradient)
{
    slope_is(HONE_PAD_REFLECT);
    slope_is(HONE_PAD_CIRCULAR);
}

Test(pad, errors)
{
    hone_tensor *x = five();
    CHECK_FAILS(hone_pad(x, HONE_PAD_CONSTANT, 0, 1), HONE_E_SHAPE, "pad: 1 numbers");
    CHECK_FAILS(hone_pad(x, HONE_PAD_CONSTANT, 0, 1, 1, 1, 1, 1, 1), HONE_E_SHAPE, "6 numbers");
    CHECK_FAILS(hone_pad(x, HONE_PAD_CONSTANT, 0, -3, -3), HONE_E_SHAPE, "cuts off more");
    CHECK_FAILS(hone_pad(x, HONE_PAD_CONSTANT, 0, INT64_MAX, 1), HONE_E_SHAPE, "2^31 - 1");
    CHECK_FAILS(hone_pad(x, HONE_PAD_REFLECT, 0, 5, 0), HONE_E_SHAPE, "a reflection");
    CHECK_FAILS(hone_pad(x, HONE_PAD_CIRCULAR, 0, 6, 0), HONE_E_SHAPE, "wrap around");
    CHECK_FAILS(hone_pad(x, HONE_PAD_REPLICATE, 0, -3, -2), HONE_E_SHAPE, "nothing would be left");
    CHECK_FAILS(hone_pad(hone_zeros(HONE_F32, 2, 0), HONE_PAD_REPLICATE, 0, 1, 1), HONE_E_SHAPE,
                "nothing");
    CHECK_FAILS(hone_pad(x, (hone_pad_mode)9, 0, 1, 1), HONE_E_VALUE, "mode is 9");
    CHECK_FAILS(hone_pad(hone_zeros(HONE_U8, 2), HONE_PAD_CONSTANT, 300, 1, 1), HONE_E_VALUE,
                "pad");
}
