/* test_blend.c: addcmul, addcdiv, lerp, products by name: PyTorch's corners, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(blend);

Test(blend, lerp_is_exact_at_its_ends)
{
    hone_tensor *a = T(HONE_F32, (2), 1e8, 0.1), *b = T(HONE_F32, (2), 1, 0.7);
    cr_expect(hone_equal(hone_lerp_scalar(a, b, 0), a));
    cr_expect(hone_equal(hone_lerp_scalar(a, b, 1), b));
    cr_expect(
        hone_equal(hone_lerp(a, b, T(HONE_F32, (2), 0, 1)),
                   hone_cat(hone_list(hone_slice(a, 0, 0, 1, 1), hone_slice(b, 0, 1, 2, 1)), 0)));
    cr_expect(hone_equal(hone_lerp(a, b, hone_scalar(HONE_F32, 0.3)), hone_lerp_scalar(a, b, 0.3)));
    cr_expect(hone_equal(hone_lerp(a, b, hone_scalar(HONE_F32, 0.6)), hone_lerp_scalar(a, b, 0.6)));
    CHECK_FAILS(
        hone_lerp_scalar(a, hone_ones(HONE_F64, 2), 0), HONE_E_DTYPE,
        "lerp_scalar: start, end and weight must all be f32 or all f64, got f32 [2], f64 [2]");
    CHECK_FAILS(hone_lerp(a, b, hone_ones(HONE_I64, 2)), HONE_E_DTYPE, "lerp: start");
    CHECK_FAILS(hone_lerp_scalar(hone_ones(HONE_I64, 2), hone_ones(HONE_I64, 2), 0), HONE_E_DTYPE,
                "lerp_scalar");
    CHECK_FAILS(hone_lerp_scalar(a, hone_ones(HONE_F32, 3), 0), HONE_E_SHAPE, "lerp_scalar");
}

Test(blend, addc)
{
    hone_tensor *i = T(HONE_I64, (2), 1, 2), *f = T(HONE_F32, (2), 0.5, 4);
    CHECK_VALUES(hone_addcmul(i, i, f, 1), HONE_F32, (2), 1.5, 10);
    CHECK_VALUES(hone_addcmul(i, i, i, 3), HONE_I64, (2), 4, 14);
    CHECK_VALUES(hone_addcdiv(f, i, f, 1), HONE_F32, (2), 2.5, 4.5);
    CHECK_VALUES(hone_addcmul_(f, f, f, -1), HONE_F32, (2), 0.25, -12);
    CHECK_FAILS(hone_addcmul(i, i, i, 0.5), HONE_E_VALUE,
                "addcmul: the value 0.5 is no whole number");
    CHECK_FAILS(hone_addcdiv(i, i, i, 1), HONE_E_DTYPE, "addcdiv: floats are wanted");
    CHECK_FAILS(hone_addcmul_(i, i, f, 1), HONE_E_DTYPE, "addcmul_");
    CHECK_FAILS(hone_addcmul_(f, hone_ones(HONE_F32, 3, 2), f, 1), HONE_E_SHAPE, "addcmul_");
    CHECK_FAILS(hone_addcmul(f, hone_ones(HONE_F32, 3), f, 1), HONE_E_SHAPE, "addcmul");
}

Test(blend, products)
{
    hone_tensor *m = hone_ones(HONE_F32, 2, 3), *v = hone_ones(HONE_F32, 3);
    hone_tensor *batch = hone_ones(HONE_F32, 2, 3, 3);
    CHECK_FAILS(hone_mm(m, v), HONE_E_SHAPE, "mm: f32 [2, 3] x f32 [3], but [nk] x [km]");
    CHECK_FAILS(hone_mm(m, m), HONE_E_SHAPE, "mm");
    CHECK_FAILS(hone_bmm(m, batch), HONE_E_SHAPE, "bmm");
    CHECK_FAILS(hone_bmm(hone_ones(HONE_F32, 1, 3, 3), batch), HONE_E_SHAPE, "bmm");
    CHECK_FAILS(hone_mv(m, hone_ones(HONE_F32, 2)), HONE_E_SHAPE, "mv");
    CHECK_FAILS(hone_dot(v, hone_ones(HONE_F32, 2)), HONE_E_SHAPE, "dot");
    CHECK_FAILS(hone_outer(m, v), HONE_E_SHAPE, "outer");
    CHECK_FAILS(hone_mm(m, hone_ones(HONE_F64, 3, 2)), HONE_E_DTYPE, "matmul");
    /* with beta 0 the input isn't read, and gets no gradient; its shape counts all the same */
    hone_tensor *nan = hone_full(HONE_F32, (double)NAN, 2);
    CHECK_VALUES(hone_addmv(nan, m, v, 0, 2), HONE_F32, (2), 6, 6);
    CHECK_FAILS(hone_addmv(hone_ones(HONE_F32, 3), m, v, 0, 1), HONE_E_SHAPE,
                "addmv: input f32 [3] can't be added to the product f32 [2]");
    CHECK_FAILS(hone_addmv(hone_ones(HONE_F64, 2), m, v, 1, 1), HONE_E_DTYPE, "addmv");
    CHECK_FAILS(hone_addmv(hone_ones(HONE_F32, 4, 2), m, v, 1, 1), HONE_E_SHAPE, "addmv");
}
