/* test_optimize.c: the fused SGD step against the ops it stands for. */
#include "ops/optimize.h"
#include "support.h"

#include "core/core.h"

#include <hone/hone.h>

SUITE(optimize);

Test(optimize, a_plain_step_has_the_bits_of_two_ops)
{
    hone_tensor *p = hone_randn(HONE_F32, 100, 77), *g = hone_randn(HONE_F32, 100, 77);
    hone_tensor *wanted = hone_sub(p, hone_mul_scalar(g, 0.3));
    const uint32_t version = hone__version(p);
    CHECK_OK(hone__sgd_step(p, g, HONE_NONE, 0.3, 0, 0, 0, false, false));
    cr_assert(hone_equal(p, wanted));
    cr_assert_gt(hone__version(p), version);
}

/* torch.optim.SGD([p], lr=0.1, momentum=0.9, dampening, weight_decay=0.01, nesterov), the gradient
 * [1, -1] each time. */
static void three_steps(double dampening, bool nesterov, double p0, double p1)
{
    hone_tensor *p = T(HONE_F64, (2), 1, -2), *g = T(HONE_F64, (2), 1, -1);
    hone_tensor *buffer = hone_empty(HONE_F64, 2);
    for (int i = 0; i < 3; i++)
        CHECK_OK(hone__sgd_step(p, g, buffer, 0.1, 0.9, dampening, 0.01, nesterov, i == 0));
    CHECK_CLOSE(p, 1e-14, 0, HONE_F64, (2), p0, p1);
}

Test(optimize, momentum_is_pytorchs)
{
    three_steps(0, false, 0.43387469899999997, -1.4282694979999999);
    three_steps(0.5, false, 0.58005712474999993, -1.5758992744999998);
    three_steps(0, true, 0.18845501524099995, -1.1804199163819999);
}

Test(optimize, strides_and_leaves)
{
    hone_tensor *base = hone_ones(HONE_F32, 3, 2), *p = hone_transpose(base, 0, 1);
    hone_tensor *g = T(HONE_F32, (2, 3), 1, 2, 3, 4, 5, 6);
    CHECK_OK(hone__sgd_step(p, g, HONE_NONE, 1, 0, 0, 0, false, false));
    CHECK_VALUES(base, HONE_F32, (3, 2), 0, -3, -1, -4, -2, -5);
    hone_tensor *leaf = hone_requires_grad_(hone_ones(HONE_F32, 2), true);
    CHECK_OK(hone__sgd_step(leaf, hone_ones(HONE_F32, 2), HONE_NONE, 1, 0, 0, 0, false, false));
    CHECK_VALUES(hone_detach(leaf), HONE_F32, (2), 0, 0);
    cr_assert(hone_is_leaf(leaf));
    hone_tensor *none = hone_zeros(HONE_F32, 0);
    CHECK_OK(hone__sgd_step(none, none, HONE_NONE, 1, 0, 0, 0, false, false));
}

Test(optimize, errors)
{
    hone_tensor *p = hone_ones(HONE_F32, 2), *g = hone_ones(HONE_F32, 3);
    CHECK_FAILS(hone__sgd_step(p, g, HONE_NONE, 1, 0, 0, 0, false, false), HONE_E_SHAPE,
                "the gradient f32 [3] doesn't fit the parameter f32 [2]");
    CHECK_FAILS(hone__sgd_step(p, hone_ones(HONE_F64, 2), HONE_NONE, 1, 0, 0, 0, false, false),
                HONE_E_DTYPE, "f64 [2]");
    CHECK_FAILS(hone__sgd_step(p, p, HONE_NONE, 1, 0.9, 0, 0, false, false), HONE_E_STATE,
                "momentum needs a contiguous buffer");
    CHECK_FAILS(hone__sgd_step(p, p, g, 1, 0.9, 0, 0, false, false), HONE_E_SHAPE,
                "momentum buffer f32 [3]");
    CHECK_FAILS(hone__sgd_step(hone_expand(p, 4, 2), hone_ones(HONE_F32, 4, 2), HONE_NONE, 1, 0, 0,
                               0, false, false),
                HONE_E_STATE, "expanded");
    CHECK_FAILS(hone__sgd_step(NULL, p, HONE_NONE, 1, 0, 0, 0, false, false), HONE_E_NULL, "sgd");
}
