#include "support.h"

#include "optim/optim.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/nn.h>
#include <hone/ops.h>
#include <hone/optim.h>
#include <hone/runtime.h>

#include <math.h>

SUITE(optim);

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(t, true);
}

static const double gradients[3][3] = { { 0.5, -1.0, 2.0 },
                                        { 0.25, 0.75, -1.5 },
                                        { -0.3, 0.1, 0.2 } };

/* [1, -2, 3] after three steps with lr 0.1. */
static hone_tensor *after_steps(hone_dtype dtype, hone_sgd_options options)
{
    hone_tensor *p = leaf(T(dtype, (3), 1, -2, 3));
    options.lr = 0.1;
    hone_optim *opt = hone_sgd_list(hone_list(p), &options);
    cr_assert(opt, "%s", hone_error_message());
    for (int i = 0; i < 3; i++) {
        const double *g = gradients[i];
        CHECK_OK(hone_set_grad(p, T(dtype, (3), g[0], g[1], g[2])));
        CHECK_OK(hone_optim_step(opt));
    }
    hone_optim_free(opt);
    return hone_detach(p);
}

/* The numbers are what torch.optim.SGD (2.13) gives in double precision. */
static void check_torch(hone_sgd_options o, double a, double b, double c)
{
    CHECK_CLOSE(after_steps(HONE_F64, o), 1e-14, 0, HONE_F64, (3), a, b, c);
    CHECK_CLOSE(after_steps(HONE_F32, o), 1e-6, 0, HONE_F32, (3), a, b, c);
}

Test(optim, sgd_gives_pytorchs_numbers)
{
    typedef hone_sgd_options o;
    check_torch((o){ 0 }, 0.955, -1.985, 2.93);
    check_torch((o){ .momentum = 0.9 }, 0.847, -1.8815, 2.723);
    check_torch((o){ .momentum = 0.9, .dampening = 0.5, .weight_decay = 0.1 }, 0.815376, -1.7241895,
                2.46976425);
    check_torch((o){ .momentum = 0.9, .nesterov = true, .weight_decay = 0.1 }, 0.744211146,
                -1.727659792, 2.458425643);
    check_torch((o){ .weight_decay = 0.1 }, 0.926544, -1.926838, 2.843377);
}

Test(optim, plain_sgd_has_the_bits_of_the_lecture)
{
    hone_seed(1);
    hone_tensor *p = leaf(hone_randn(HONE_F32, 1000)), *grad = hone_randn(HONE_F32, 1000);
    hone_tensor *wanted = hone_sub(hone_detach(p), hone_mul_scalar(grad, 0.3));
    hone_optim *opt = hone_sgd_list(hone_list(p), &(hone_sgd_options){ .lr = 0.3 });
    CHECK_OK(hone_set_grad(p, grad));
    CHECK_OK(hone_optim_step(opt));
    cr_assert(hone_equal(hone_detach(p), wanted));
    hone_optim_free(opt);
}

Test(optim, a_momentum_step_follows_the_formula)
{
    hone_tensor *p = leaf(T(HONE_F64, (2), 1, 2));
    hone_optim *opt =
        hone_sgd_list(hone_list(p), &(hone_sgd_options){ .lr = 0.5, .momentum = 0.25 });
    for (int i = 0; i < 2; i++) {
        CHECK_OK(hone_set_grad(p, T(HONE_F64, (2), 4, 8)));
        CHECK_OK(hone_optim_step(opt));
    }
    /* buf: [4, 8], then [4 + 1, 8 + 2] */
    CHECK_VALUES(hone_detach(p), HONE_F64, (2), 1 - 0.5 * 4 - 0.5 * 5, 2 - 0.5 * 8 - 0.5 * 10);
    hone_optim_free(opt);
}

Test(optim, parameters_without_a_gradient_stay)
{
    hone_tensor *a = leaf(T(HONE_F32, (1), 1)), *b = leaf(T(HONE_F32, (1), 1));
    hone_optim *opt =
        hone_sgd_list(hone_list(a, b), &(hone_sgd_options){ .lr = 1, .momentum = 0.5 });
    CHECK_OK(hone_optim_step(opt));
    CHECK_OK(hone_optim_zero_grad(opt));
    CHECK_OK(hone_set_grad(b, T(HONE_F32, (1), 1)));
    CHECK_OK(hone_optim_step(opt));
    CHECK_VALUES(hone_detach(a), HONE_F32, (1), 1);
    CHECK_VALUES(hone_detach(b), HONE_F32, (1), 0);
    hone_optim_free(opt);
}

/* ---- parameters that a step's loss does not use ---------------------------------------------- */

/* Four steps with lr 0.1 from a = b = 1; the first one's loss is 2 a + 3 b, the others' 2 a. */
static void check_unused(hone_sgd_options o, bool set_to_none, double a_after, double b_after)
{
    hone_tensor *a = leaf(T(HONE_F64, (1), 1)), *b = leaf(T(HONE_F64, (1), 1));
    o.lr = 0.1;
    hone_optim *opt = hone_sgd_list(hone_list(a, b), &o);
    for (int i = 0; i < 4; i++) {
        HONE_SCOPE();
        const hone_zero_grad_options how = { .set_to_none = set_to_none };
        hone_tensor *loss = hone_mul_scalar(a, 2);
        if (i == 0)
            loss = hone_add(loss, hone_mul_scalar(b, 3));
        CHECK_OK(hone_optim_zero_grad_with(opt, &how));
        CHECK_OK(hone_backward(loss));
        CHECK_OK(hone_optim_step(opt));
        cr_assert(!set_to_none || i == 0 || !hone_grad(b));
    }
    CHECK_CLOSE(hone_detach(a), 1e-14, 0, HONE_F64, (1), a_after);
    CHECK_CLOSE(hone_detach(b), 1e-14, 0, HONE_F64, (1), b_after);
    hone_optim_free(opt);
}

/* The numbers are what torch.optim.SGD (2.13) gives with zero_grad(set_to_none=True and False). */
Test(optim, an_unused_parameter_moves_on_unless_its_gradient_is_none)
{
    typedef hone_sgd_options o;
    const o all = { .momentum = 0.9, .weight_decay = 0.1, .nesterov = true };
    check_unused((o){ .momentum = 0.9 }, true, -0.8098000000000001, 0.7);
    check_unused((o){ .momentum = 0.9 }, false, -0.8098000000000001, -0.031700000000000124);
    check_unused((o){ .weight_decay = 0.1 }, true, 0.17251620999999986, 0.69);
    check_unused((o){ .weight_decay = 0.1 }, false, 0.17251620999999986, 0.6695063099999999);
    check_unused(all, true, -1.4789460075590002, 0.4109999999999999);
    check_unused(all, false, -1.4789460075590002, -0.28621471734900017);
    check_unused((o){ 0 }, true, 0.2, 0.7);
    check_unused((o){ 0 }, false, 0.2, 0.7);
}

Test(optim, zero_grad_without_options_is_the_lectures)
{
    hone_tensor *p = leaf(T(HONE_F32, (1), 1));
    hone_optim *opt = hone_sgd_list(hone_list(p), NULL);
    CHECK_OK(hone_backward(hone_sum(p)));
    CHECK_OK(hone_optim_zero_grad_with(opt, NULL));
    CHECK_VALUES(hone_grad(p), HONE_F32, (1), 0);
    hone_optim_free(opt);
}

Test(optim, set_to_none_leaves_a_gradient_that_is_held)
{
    const hone_zero_grad_options none = { .set_to_none = true };
    hone_tensor *p = leaf(T(HONE_F32, (2), 1, 2));
    hone_optim *opt = hone_sgd_list(hone_list(p), NULL);
    CHECK_OK(hone_backward(hone_sum(p)));
    hone_tensor *grad = hone_grad(p);
    CHECK_OK(hone_optim_zero_grad_with(opt, &none));
    cr_assert_null(hone_grad(p));
    CHECK_VALUES(grad, HONE_F32, (2), 1, 1);
    CHECK_OK(hone_backward(hone_sum(p)));
    CHECK_OK(hone_optim_zero_grad(opt)); /* zeros that nobody holds, */
    CHECK_OK(hone_optim_zero_grad_with(opt, &none));
    cr_assert_null(hone_grad(p)); /* are none, too */
    CHECK_OK(hone_error_code());
    hone_optim_free(opt);
}

Test(optim, set_to_none_of_a_module)
{
    const hone_zero_grad_options none = { .set_to_none = true };
    hone_module *l = hone_nn_linear(2, 1);
    CHECK_OK(hone_backward(hone_sum(hone_forward(l, hone_ones(HONE_F32, 1, 2)))));
    CHECK_OK(hone_module_zero_grad_with(l, &none));
    cr_assert_null(hone_grad(hone_parameters(l).at[0]));
    cr_assert_null(hone_grad(hone_parameters(l).at[1]));
    CHECK_OK(hone_error_code());
    CHECK_FAILS(hone_module_zero_grad_with(NULL, &none), HONE_E_NULL, "module_zero_grad");
    hone_module_free(l);
}

/* ---- frozen parameters ------------------------------------------------------------------------ */

static void step_down(hone_optim *opt, hone_tensor *a, hone_tensor *b)
{
    HONE_SCOPE();
    CHECK_OK(hone_optim_zero_grad(opt));
    CHECK_OK(hone_backward(hone_sum(hone_mul(a, b))));
    CHECK_OK(hone_optim_step(opt));
}

/* The numbers are what torch.optim.SGD (2.13) gives. */
Test(optim, a_frozen_parameter_stays_until_it_is_set_free)
{
    hone_tensor *a = T(HONE_F64, (1), 1), *b = leaf(T(HONE_F64, (1), 1));
    hone_optim *opt = hone_sgd_list(
        hone_list(a, b), &(hone_sgd_options){ .lr = 0.1, .momentum = 0.9, .weight_decay = 0.1 });
    cr_assert(opt, "%s", hone_error_message());
    step_down(opt, a, b);
    CHECK_VALUES(a, HONE_F64, (1), 1);
    CHECK_CLOSE(hone_detach(b), 1e-14, 0, HONE_F64, (1), 0.89);
    leaf(a);
    step_down(opt, a, b);
    CHECK_CLOSE(hone_detach(a), 1e-14, 0, HONE_F64, (1), 0.901);
    CHECK_CLOSE(hone_detach(b), 1e-14, 0, HONE_F64, (1), 0.6821);
    hone_requires_grad_(a, false); /* it has a gradient, and momentum */
    step_down(opt, a, b);
    CHECK_OK(hone_optim_step(opt));
    CHECK_CLOSE(a, 1e-14, 0, HONE_F64, (1), 0.901);
    hone_optim_free(opt);
}

Test(optim, a_module_with_a_frozen_parameter)
{
    hone_module *net =
        hone_nn_sequential(hone_nn_linear(2, 3), hone_nn_relu(), hone_nn_linear(3, 1));
    const hone_tensor_list p = hone_parameters(net);
    hone_requires_grad_(p.at[0], false);
    hone_tensor *first = hone_clone(p.at[0]), *last = hone_clone(hone_detach(p.at[3]));
    hone_optim *opt = hone_sgd(net, &(hone_sgd_options){ .lr = 0.1, .weight_decay = 0.1 });
    cr_assert(opt, "%s", hone_error_message());
    CHECK_OK(hone_backward(hone_sum(hone_forward(net, hone_ones(HONE_F32, 1, 2)))));
    CHECK_OK(hone_optim_step(opt));
    cr_assert(hone_equal(p.at[0], first));
    cr_assert(!hone_equal(hone_detach(p.at[3]), last));
    hone_optim_free(opt);
    hone_module_free(net);
}

/* ---- gradients that are zero ------------------------------------------------------------------ */

Test(optim, zero_grad_zeroes_a_gradient_that_is_held)
{
    hone_tensor *p = leaf(T(HONE_F32, (2), 1, 2));
    hone_optim *opt = hone_sgd_list(hone_list(p), NULL);
    CHECK_OK(hone_backward(hone_sum(p)));
    hone_tensor *grad = hone_grad(p);
    CHECK_OK(hone_optim_zero_grad(opt));
    cr_assert(hone_grad(p) == grad);
    CHECK_VALUES(grad, HONE_F32, (2), 0, 0);
    hone_optim_free(opt);
}

/* Zeros that nobody looks at need no memory; whoever asks finds them. */
Test(optim, zeroed_gradients_serve_others_until_they_are_asked_for)
{
    hone_tensor *p = leaf(T(HONE_F32, (2), 1, 2)), *unused = leaf(T(HONE_F32, (1), 5));
    hone_optim *opt = hone_sgd_list(hone_list(p, unused), &(hone_sgd_options){ .lr = 1 });
    CHECK_OK(hone_backward(hone_sum(hone_mul(p, T(HONE_F32, (2), 3, 4)))));
    hone_memory before, zeroed;
    hone_memory_stats(&before);
    CHECK_OK(hone_optim_zero_grad(opt));
    hone_memory_stats(&zeroed);
    cr_assert(zeroed.tensors == before.tensors - 1);
    CHECK_VALUES(hone_grad(p), HONE_F32, (2), 0, 0);
    cr_assert_null(hone_grad(unused));
    CHECK_OK(hone_optim_zero_grad(opt));
    CHECK_OK(hone_optim_step(opt)); /* a step by zeros */
    CHECK_VALUES(hone_detach(p), HONE_F32, (2), 1, 2);
    CHECK_OK(hone_backward(hone_sum(hone_mul(p, T(HONE_F32, (2), 3, 4)))));
    CHECK_OK(hone_backward(hone_sum(p)));
    CHECK_VALUES(hone_grad(p), HONE_F32, (2), 4, 5);
    CHECK_OK(hone_set_grad(p, HONE_NONE));
    cr_assert_null(hone_grad(p));
    CHECK_OK(hone_optim_zero_grad(opt));
    cr_assert_null(hone_grad(p));
    CHECK_OK(hone_error_code());
    hone_optim_free(opt);
}

/* No memory for zeros: the step fails before the first parameter changes. */
Test(optim, zeros_that_find_no_memory_fail_the_step)
{
    hone_tensor *a = leaf(T(HONE_F32, (1), 1)), *b = leaf(T(HONE_F32, (1), 1));
    hone_optim *opt =
        hone_sgd_list(hone_list(a, b), &(hone_sgd_options){ .lr = 1, .weight_decay = 0.5 });
    CHECK_OK(hone_backward(hone_sum(hone_add(a, b))));
    CHECK_OK(hone_optim_zero_grad(opt));
    CHECK_OK(hone_backward(hone_sum(a)));
    hone__fail_allocation(0);
    CHECK_FAILS(hone_optim_step(opt), HONE_E_NOMEM, "out of memory");
    CHECK_VALUES(hone_detach(a), HONE_F32, (1), 1);
    hone__fail_allocation(0);
    cr_assert_null(hone_grad(b));
    CHECK_ERROR(HONE_E_NOMEM, "out of memory");
    hone__fail_allocation(-1);
    CHECK_OK(hone_optim_step(opt));
    CHECK_VALUES(hone_detach(b), HONE_F32, (1), 0.5);
    hone_optim_free(opt);
}

Test(optim, a_module_learns_a_line)
{
    hone_seed(0);
    hone_module *l = hone_nn_linear(2, 1);
    hone_optim *opt = hone_sgd(l, &(hone_sgd_options){ .lr = 0.1 });
    hone_tensor *x = hone_randn(HONE_F32, 64, 2);
    hone_tensor *y = hone_add_scalar(hone_matmul(x, T(HONE_F32, (2, 1), 3, -2)), 0.5);
    for (int i = 0; i < 200; i++) {
        HONE_SCOPE();
        CHECK_OK(hone_optim_zero_grad(opt));
        CHECK_OK(hone_backward(hone_mean(hone_square(hone_sub(hone_forward(l, x), y)))));
        CHECK_OK(hone_optim_step(opt));
    }
    const hone_tensor_list p = hone_parameters(l);
    CHECK_CLOSE(hone_detach(p.at[0]), 1e-3, 1e-3, HONE_F32, (2, 1), 3, -2);
    CHECK_CLOSE(hone_detach(p.at[1]), 1e-3, 1e-3, HONE_F32, (1), 0.5);
    hone_optim_free(opt);
    hone_module_free(l);
}

Test(optim, the_parameters_live_as_long_as_the_optimizer)
{
    hone_module *l = hone_nn_linear(2, 1);
    hone_optim *opt = hone_sgd(l, NULL);
    hone_module_free(l);
    CHECK_OK(hone_optim_step(opt));
    hone_optim_free(opt);
}

Test(optim, the_learning_rate)
{
    hone_tensor *p = leaf(T(HONE_F32, (1), 1));
    hone_optim *opt = hone_sgd_list(hone_list(p), NULL);
    cr_assert(hone_optim_lr(opt) == 0.001);
    CHECK_OK(hone_optim_set_lr(opt, 0.25));
    cr_assert(hone_optim_lr(opt) == 0.25);
    CHECK_OK(hone_set_grad(p, T(HONE_F32, (1), 2)));
    CHECK_OK(hone_optim_step(opt));
    CHECK_VALUES(hone_detach(p), HONE_F32, (1), 0.5);
    CHECK_FAILS(hone_optim_set_lr(opt, NAN), HONE_E_VALUE, "sgd: lr");
    CHECK_FAILS(hone_optim_set_lr(opt, -1), HONE_E_VALUE, "lr is -1");
    CHECK_FAILS(hone_optim_set_lr(opt, INFINITY), HONE_E_VALUE, "lr is inf");
    CHECK_OK(hone_optim_set_lr(opt, 0));
    CHECK_OK(hone_optim_step(opt));
    CHECK_VALUES(hone_detach(p), HONE_F32, (1), 0.5);
    hone_optim_free(opt);
    opt = hone_sgd_list(hone_list(p), &(hone_sgd_options){ .lr = HONE_ZERO });
    cr_assert(hone_optim_lr(opt) == 0);
    hone_optim_free(opt);
}

Test(optim, momentum_and_weight_decay)
{
    hone_tensor *p = leaf(T(HONE_F32, (1), 1));
    hone_optim *opt =
        hone_sgd_list(hone_list(p), &(hone_sgd_options){ .momentum = 0.5, .weight_decay = 0.25 });
    cr_assert(hone_optim_momentum(opt) == 0.5 && hone_optim_weight_decay(opt) == 0.25);
    CHECK_OK(hone_optim_set_momentum(opt, 0));
    CHECK_OK(hone_optim_set_weight_decay(opt, 0));
    cr_assert(hone_optim_momentum(opt) == 0 && hone_optim_weight_decay(opt) == 0);
    CHECK_FAILS(hone_optim_set_momentum(opt, -1), HONE_E_VALUE, "sgd: momentum is -1");
    CHECK_FAILS(hone_optim_set_weight_decay(opt, NAN), HONE_E_VALUE, "sgd: weight_decay is nan");
    cr_assert(hone_optim_momentum(opt) == 0 && hone_optim_weight_decay(opt) == 0);
    hone_optim_free(opt);
    opt = hone_sgd_list(hone_list(p), &(hone_sgd_options){ .momentum = 0.5, .nesterov = true });
    CHECK_FAILS(hone_optim_set_momentum(opt, 0), HONE_E_VALUE, "nesterov wants a momentum");
    cr_assert(hone_optim_momentum(opt) == 0.5);
    hone_optim_free(opt);
    CHECK_FAILS(hone_optim_set_momentum(NULL, 1), HONE_E_NULL, "optim_set_momentum");
    CHECK_FAILS(hone_optim_set_weight_decay(NULL, 1), HONE_E_NULL, "optim_set_weight_decay");
    cr_assert(isnan(hone_optim_momentum(NULL)));
    CHECK_ERROR(HONE_E_NULL, "optim_momentum");
    cr_assert(isnan(hone_optim_weight_decay(NULL)));
    CHECK_ERROR(HONE_E_NULL, "optim_weight_decay");
}

/* As torch.optim.SGD (2.13) does when its param_groups are changed: the momentum of before its pause
 * is taken up again. */
Test(optim, numbers_that_change_between_steps)
{
    static const struct {
        double momentum, weight_decay, after[3];
    } steps[] = { { 0, 0, { 0.95, -1.9, 2.8 } },
                  { 0.9, 0, { 0.9249999999999999, -1.9749999999999999, 2.9499999999999997 } },
                  { 0.5, 0.1, { 0.9332499999999999, -2.00275, 2.9755 } },
                  { 0, 0.1, { 0.8739174999999999, -1.8827224999999999, 2.745745 } },
                  { 0.9, 0, { 0.8563424999999999, -1.9826974999999998, 2.918695 } } };
    hone_tensor *p = leaf(T(HONE_F64, (3), 1, -2, 3));
    hone_optim *opt = hone_sgd_list(hone_list(p), &(hone_sgd_options){ .lr = 0.1 });
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const double *g = gradients[i % 3], *after = steps[i].after;
        CHECK_OK(hone_optim_set_momentum(opt, steps[i].momentum));
        CHECK_OK(hone_optim_set_weight_decay(opt, steps[i].weight_decay));
        CHECK_OK(hone_set_grad(p, T(HONE_F64, (3), g[0], g[1], g[2])));
        CHECK_OK(hone_optim_step(opt));
        CHECK_CLOSE(hone_detach(p), 1e-14, 0, HONE_F64, (3), after[0], after[1], after[2]);
    }
    hone_optim_free(opt);
}

typedef struct {
    double lr;
} plain_options;

static hone_status stays(const hone__optim_step *s)
{
    (void)s;
    return HONE_OK;
}

Test(optim, a_number_that_an_optimizer_has_not)
{
    static const hone__option table[] = {
        HONE__OPTIM_REAL(plain_options, lr, 1, HONE__AT_LEAST_0),
        { 0 },
    };
    static const hone__optim_class plain = { .is = HONE__OPTIM_IS("plain", table, plain_options),
                                             .step = stays };
    hone_optim *opt = hone__optim_new(&plain, hone_list(leaf(T(HONE_F32, (1), 1))),
                                      &(plain_options){ .lr = 0.5 });
    CHECK_OK(hone_optim_set_lr(opt, 0.25));
    cr_assert(hone_optim_lr(opt) == 0.25);
    CHECK_FAILS(hone_optim_set_momentum(opt, 0.5), HONE_E_VALUE,
                "optim_set_momentum: plain has no momentum");
    cr_assert(isnan(hone_optim_weight_decay(opt)));
    CHECK_ERROR(HONE_E_VALUE, "optim_weight_decay: plain has no weight_decay");
    hone_optim_free(opt);
}

#define CHECK_REFUSED(text, ...)                                                                   \
    CHECK_FAILS(hone_sgd_list(hone_list(p), (&(hone_sgd_options){ __VA_ARGS__ })), HONE_E_VALUE,   \
                text)

Test(optim, options_that_make_no_sense)
{
    hone_tensor *p = leaf(T(HONE_F32, (1), 1));
    CHECK_REFUSED("lr is nan", .lr = NAN);
    CHECK_REFUSED("lr is -0.1", .lr = -0.1);
    CHECK_REFUSED("momentum is -1", .momentum = -1);
    CHECK_REFUSED("weight_decay is nan", .weight_decay = NAN);
    CHECK_REFUSED("dampening", .dampening = INFINITY);
    CHECK_REFUSED("nesterov", .nesterov = true);
    CHECK_REFUSED("nesterov", .nesterov = true, .momentum = 0.9, .dampening = 0.1);
}

Test(optim, parameters_that_can_not_be)
{
    hone_tensor *p = leaf(T(HONE_F32, (1), 1));
    CHECK_FAILS(hone_sgd(NULL, NULL), HONE_E_NULL, "sgd");
    CHECK_FAILS(hone_sgd_list((hone_tensor_list){ NULL, 0 }, NULL), HONE_E_NULL, "sgd");
    CHECK_FAILS(hone_sgd_list(hone_list(T(HONE_F32, (1), 1), T(HONE_F32, (1), 1)), NULL),
                HONE_E_STATE, "sgd: none of the parameters (2) requires a gradient");
    CHECK_FAILS(hone_sgd_list(hone_list(hone_exp(p)), NULL), HONE_E_STATE, "computed");
    CHECK_FAILS(hone_sgd_list(hone_list(T(HONE_I64, (1), 1)), NULL), HONE_E_DTYPE, "i64 [1]");
    hone_module *relu = hone_nn_relu();
    CHECK_FAILS(hone_sgd(relu, NULL), HONE_E_VALUE, "no parameters");
    hone_module_free(relu);
    CHECK_FAILS(hone_optim_step(NULL), HONE_E_NULL, "optim_step");
    CHECK_FAILS(hone_optim_zero_grad(NULL), HONE_E_NULL, "optim_zero_grad");
    cr_assert(isnan(hone_optim_lr(NULL)));
    CHECK_ERROR(HONE_E_NULL, "optim_lr");
    hone_optim_free(NULL);
}

static bool train(void)
{
    HONE_SCOPE();
    hone_module *l = hone_nn_linear(3, 2);
    hone_optim *opt = hone_sgd(l, &(hone_sgd_options){ .lr = 0.1, .momentum = 0.9 });
    bool ok = opt != NULL;
    for (int i = 0; ok && i < 2; i++) {
        HONE_SCOPE();
        ok = hone_optim_zero_grad(opt) == HONE_OK &&
             hone_backward(hone_sum(hone_forward(l, hone_ones(HONE_F32, 2, 3)))) == HONE_OK &&
             hone_optim_step(opt) == HONE_OK;
    }
    hone_optim_free(opt);
    hone_module_free(l);
    return ok;
}

Test(optim, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(train);
}
