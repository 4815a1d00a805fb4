/* test_optimize.c: the fused SGD step against the ops it stands for; every step on strided operands. */
#include "ops/optimize.h"
#include "support.h"

#include "core/core.h"

#include <hone/hone.h>

SUITE(optimize);

static hone_status sgd_step(hone_tensor *param, hone_tensor *grad, hone_tensor *buffer, double lr,
                            double momentum, double dampening, double weight_decay, bool nesterov,
                            bool first)
{
    return hone__sgd_step(param, grad, &buffer,
                          &(hone__sgd_args){ .lr = lr,
                                             .momentum = momentum,
                                             .dampening = dampening,
                                             .weight_decay = weight_decay,
                                             .nesterov = nesterov,
                                             .first = first });
}

Test(optimize, a_plain_step_has_the_bits_of_two_ops)
{
    hone_tensor *p = hone_randn(HONE_F32, 100, 77), *g = hone_randn(HONE_F32, 100, 77);
    hone_tensor *wanted = hone_sub(p, hone_mul_scalar(g, 0.3));
    const uint32_t version = hone__version(p);
    CHECK_OK(sgd_step(p, g, HONE_NONE, 0.3, 0, 0, 0, false, false));
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
        CHECK_OK(sgd_step(p, g, buffer, 0.1, 0.9, dampening, 0.01, nesterov, i == 0));
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
    CHECK_OK(sgd_step(p, g, HONE_NONE, 1, 0, 0, 0, false, false));
    CHECK_VALUES(base, HONE_F32, (3, 2), 0, -3, -1, -4, -2, -5);
    hone_tensor *leaf = hone_requires_grad_(hone_ones(HONE_F32, 2), true);
    CHECK_OK(sgd_step(leaf, hone_ones(HONE_F32, 2), HONE_NONE, 1, 0, 0, 0, false, false));
    CHECK_VALUES(hone_detach(leaf), HONE_F32, (2), 0, 0);
    cr_assert(hone_is_leaf(leaf));
    hone_tensor *none = hone_zeros(HONE_F32, 0);
    CHECK_OK(sgd_step(none, none, HONE_NONE, 1, 0, 0, 0, false, false));
}

/* The values of t with other strides: 0 as they are, 1 transposed, 2 with gaps between rows, 3 with
 * gaps between elements. */
static hone_tensor *lying(hone_tensor *t, int how)
{
    const int64_t rows = hone_size(t, 0), cols = hone_size(t, 1);
    hone_tensor *place = t;
    if (how == 1)
        place = hone_transpose(hone_zeros(hone_dtype_of(t), cols, rows), 0, 1);
    else if (how == 2)
        place = hone_slice(hone_zeros(hone_dtype_of(t), rows, cols + 5), 1, 2, cols + 2, 1);
    else if (how == 3)
        place = hone_slice(hone_zeros(hone_dtype_of(t), rows, 3 * cols), 1, 0, 3 * cols, 3);
    return how == 0 ? hone_copy_(hone_zeros(hone_dtype_of(t), rows, cols), t)
                    : hone_copy_(place, t);
}

/* Two steps where p and g lie as said have the bits of steps on contiguous ones. */
static void lying_steps(hone_tensor *p, hone_tensor *g, int p_lies, int g_lies, double momentum)
{
    const bool has_momentum = momentum != 0;
    hone_tensor *wanted = lying(p, 0), *got = lying(p, p_lies), *dg = lying(g, g_lies);
    hone_tensor *buffers[2] = { HONE_NONE, HONE_NONE };
    for (int i = 0; i < 2 && has_momentum; i++)
        buffers[i] = hone_zeros_like(wanted);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(sgd_step(wanted, g, buffers[0], 0.1, momentum, 0.5, 0.01, has_momentum, i == 0));
        CHECK_OK(sgd_step(got, dg, buffers[1], 0.1, momentum, 0.5, 0.01, has_momentum, i == 0));
    }
    cr_assert(hone_equal(got, wanted), "parameter %d, gradient %d", p_lies, g_lies);
    cr_assert(!has_momentum || hone_equal(buffers[0], buffers[1]), "buffer %d %d", p_lies, g_lies);
}

Test(optimize, strided_operands)
{
    for (hone_dtype dtype = HONE_F32; dtype <= HONE_F64; dtype++)
        for (int big = 0; big < 2; big++) {
            HONE_SCOPE();
            const int64_t rows = big ? 300 : 7, cols = big ? 333 : 5;
            hone_tensor *p = hone_randn(dtype, rows, cols), *g = hone_randn(dtype, rows, cols);
            for (int way = 0; way < 16; way++)
                for (int m = 0; m < 2; m++)
                    lying_steps(p, g, way / 4, way % 4, m ? 0.9 : 0);
        }
}

/* ---- the other steps */

typedef hone_status (*any_step)(hone_tensor *p, hone_tensor *g, hone_tensor *const *state);

static hone_status adam(hone_tensor *p, hone_tensor *g, hone_tensor *const *s)
{
    const hone__adam_args args = { .beta1 = 0.9,
                                   .beta2 = 0.99,
                                   .eps = 1e-8,
                                   .shrink = 0.99,
                                   .root = 1.1,
                                   .rate = 0.1,
                                   .grad_rate = 0.1,
                                   .amsgrad = true };
    return hone__adam_step(p, g, s, &args);
}

static hone_status adamax(hone_tensor *p, hone_tensor *g, hone_tensor *const *s)
{
    const hone__adamax_args args = { .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .rate = 0.1 };
    return hone__adamax_step(p, g, s, &args);
}

static hone_status rmsprop(hone_tensor *p, hone_tensor *g, hone_tensor *const *s)
{
    const hone__rmsprop_args args = { .lr = 0.1, .alpha = 0.9, .eps = 1e-8, .weight_decay = 0.1 };
    return hone__rmsprop_step(p, g, s, &args);
}

static hone_status rmsprop_centered(hone_tensor *p, hone_tensor *g, hone_tensor *const *s)
{
    const hone__rmsprop_args args = {
        .lr = 0.1, .alpha = 0.9, .eps = 1e-8, .momentum = 0.9, .centered = true
    };
    return hone__rmsprop_step(p, g, s, &args);
}

static hone_status adagrad(hone_tensor *p, hone_tensor *g, hone_tensor *const *s)
{
    return hone__adagrad_step(p, g, s, &(hone__adagrad_args){ .rate = 0.1, .eps = 1e-10 });
}

static hone_status adadelta(hone_tensor *p, hone_tensor *g, hone_tensor *const *s)
{
    return hone__adadelta_step(p, g, s, &(hone__adadelta_args){ .lr = 1, .rho = 0.9, .eps = 1e-6 });
}

static hone_status lion(hone_tensor *p, hone_tensor *g, hone_tensor *const *s)
{
    return hone__lion_step(
        p, g, s, &(hone__lion_args){ .lr = 0.1, .beta1 = 0.9, .beta2 = 0.99, .shrink = 0.9 });
}

static hone_status muon(hone_tensor *p, hone_tensor *g, hone_tensor *const *s)
{
    return hone__muon_step(p, g, s, &(hone__muon_args){ .momentum = 0.9, .nesterov = true });
}

/* Two steps where p and g lie as said have the bits of steps on contiguous ones. */
static void any_lying_steps(any_step step, hone_tensor *p, hone_tensor *g, int p_lies, int g_lies)
{
    hone_tensor *wanted = lying(p, 0), *got = lying(p, p_lies), *dg = lying(g, g_lies);
    hone_tensor *states[2][3];
    for (int i = 0; i < 6; i++)
        states[i / 3][i % 3] = hone_zeros_like(wanted);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(step(wanted, g, states[0]));
        CHECK_OK(step(got, dg, states[1]));
    }
    cr_assert(hone_equal(got, wanted) && !hone_equal(got, p), "parameter %d, gradient %d", p_lies,
              g_lies);
    for (int s = 0; s < 3; s++)
        cr_assert(hone_equal(states[0][s], states[1][s]), "state %d: %d %d", s, p_lies, g_lies);
}

Test(optimize, every_step_on_strided_operands)
{
    static const any_step steps[] = { adam,    adamax,   rmsprop, rmsprop_centered,
                                      adagrad, adadelta, lion,    muon };
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
        for (int form = 0; form < 4; form++) {
            HONE_SCOPE();
            const hone_dtype dtype = form & 1 ? HONE_F64 : HONE_F32;
            const int64_t rows = form & 2 ? 300 : 7, cols = form & 2 ? 333 : 5;
            hone_tensor *p = hone_randn(dtype, rows, cols), *g = hone_randn(dtype, rows, cols);
            for (int way = 0; way < 16; way++) {
                HONE_SCOPE();
                any_lying_steps(steps[s], p, g, way / 4, way % 4);
            }
            hone_tensor *none = hone_zeros(dtype, 0, 3);
            CHECK_OK(steps[s](none, none, (hone_tensor *[]){ none, none, none }));
        }
}

Test(optimize, one_gradient_for_all_rows)
{
    hone_tensor *p = hone_randn(HONE_F32, 300, 330), *wanted = lying(p, 0);
    hone_tensor *g = hone_expand(hone_randn(HONE_F32, 330), 300, 330);
    hone_tensor *buffers[2] = { hone_zeros_like(p), hone_zeros_like(p) };
    CHECK_OK(sgd_step(p, g, buffers[0], 0.1, 0.9, 0, 0, false, true));
    CHECK_OK(sgd_step(wanted, hone_contiguous(g), buffers[1], 0.1, 0.9, 0, 0, false, true));
    cr_assert(hone_equal(p, wanted));
}

Test(optimize, errors)
{
    hone_tensor *p = hone_ones(HONE_F32, 2), *g = hone_ones(HONE_F32, 3);
    CHECK_FAILS(sgd_step(p, g, HONE_NONE, 1, 0, 0, 0, false, false), HONE_E_SHAPE,
                "the gradient f32 [3] doesn't fit the parameter f32 [2]");
    CHECK_FAILS(sgd_step(p, hone_ones(HONE_F64, 2), HONE_NONE, 1, 0, 0, 0, false, false),
                HONE_E_DTYPE, "f64 [2]");
    CHECK_FAILS(sgd_step(p, p, HONE_NONE, 1, 0.9, 0, 0, false, false), HONE_E_STATE,
                "sgd_step: it needs a contiguous state");
    CHECK_FAILS(sgd_step(p, p, g, 1, 0.9, 0, 0, false, false), HONE_E_SHAPE, "the state f32 [3]");
    CHECK_FAILS(sgd_step(hone_expand(p, 4, 2), hone_ones(HONE_F32, 4, 2), HONE_NONE, 1, 0, 0, 0,
                         false, false),
                HONE_E_STATE, "expanded");
    CHECK_FAILS(sgd_step(NULL, p, HONE_NONE, 1, 0, 0, 0, false, false), HONE_E_NULL, "sgd");
}
