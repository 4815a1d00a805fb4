/* group_norm, instance_norm and rms_norm where values are special, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(group_norm);

#define NONE HONE_NONE

/* One element a group: zeros, so the bias (torch 2.13). */
Test(group_norm, single_elements)
{
    CHECK_VALUES(hone_group_norm(hone_ones(HONE_F64, 2, 2), NONE, T(HONE_F64, (2), 3, 4), 2, 1e-5),
                 HONE_F64, (2, 2), 3, 4, 3, 4);
}

/* A group has the bits of layer norm of its elements. */
Test(group_norm, is_layer_norm)
{
    hone_seed(2);
    hone_tensor *x = hone_randn(HONE_F32, 3, 6, 5);
    cr_expect(test_same_bits(hone_group_norm(x, NONE, NONE, 1, 1e-5),
                             hone_layer_norm(x, NONE, NONE, 2, 1e-5)));
    cr_expect(test_same_bits(hone_instance_norm(x, NONE, NONE, 1e-5),
                             hone_layer_norm(x, NONE, NONE, 1, 1e-5)));
}

static void rms_is(double scale, double eps)
{
    hone_tensor *x = T(HONE_F32, (4), 1, -2, 3, -4);
    hone_tensor *y = hone_rms_norm(hone_mul_scalar(x, scale), NONE, 1, eps);
    for (int i = 0; i < 4; i++) {
        const double want = hone_at(x, i) / sqrt(7.5);
        cr_expect(fabs(hone_at(y, i) - want) <= 4e-7 * fabs(want), "%g: %g", scale, hone_at(y, i));
    }
}

Test(group_norm, rms_of_rows_that_leave_the_range)
{
    rms_is(1, 0);
    rms_is(0x1p120, 1e-6);
    rms_is(0x1p-120, 0);
    hone_tensor *zeros = hone_rms_norm(hone_zeros(HONE_F32, 3), NONE, 1, -1);
    CHECK_VALUES(zeros, HONE_F32, (3), 0, 0, 0);
    /* beside eps nothing small is scaled up */
    cr_expect(hone_at(hone_rms_norm(hone_full(HONE_F32, 0x1p-60, 2), NONE, 1, 1e-6), 0) < 1e-14);
}

/* torch.nn.functional.rms_norm(tensor([[1., 2.], [3., 4.]], dtype=float64), (2,)) */
Test(group_norm, rms_golden)
{
    hone_tensor *y = hone_rms_norm(T(HONE_F64, (2, 2), 1, 2, 3, 4), NONE, 1, -1);
    cr_expect(fabs(hone_at(y, 0, 0) - 1 / sqrt(2.5)) < 1e-15);
    cr_expect(fabs(hone_at(y, 1, 1) - 4 / sqrt(12.5)) < 1e-15);
}

Test(group_norm, errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 2, 4, 3), *w = hone_zeros(HONE_F32, 3);
    CHECK_FAILS(hone_group_norm(x, NONE, NONE, 3, 1e-5), HONE_E_VALUE, "the 3 groups");
    CHECK_FAILS(hone_group_norm(x, w, NONE, 2, 1e-5), HONE_E_SHAPE, "group_norm: weight");
    CHECK_FAILS(hone_group_norm(x, NONE, NONE, 2, INFINITY), HONE_E_VALUE, "eps is inf");
    CHECK_FAILS(hone_group_norm(w, NONE, NONE, 1, 1e-5), HONE_E_SHAPE, "[N, C, ...]");
    CHECK_FAILS(hone_group_norm(hone_zeros(HONE_I64, 2, 2), NONE, NONE, 1, 1e-5), HONE_E_DTYPE,
                "f32 or f64");
    CHECK_FAILS(hone_instance_norm(hone_zeros(HONE_F32, 2, 4, 1), NONE, NONE, 1e-5), HONE_E_SHAPE,
                "more than one element a channel");
    CHECK_FAILS(hone_rms_norm(x, w, 2, 1e-5), HONE_E_SHAPE, "rms_norm: weight");
    CHECK_FAILS(hone_rms_norm(x, NONE, 4, 1e-5), HONE_E_VALUE, "the last 4 dims");
    CHECK_FAILS(hone_rms_norm(x, NONE, 1, NAN), HONE_E_VALUE, "eps");
}
