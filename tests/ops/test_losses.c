/* Losses where values are special, beside what torch 2.13 gives there, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(losses);

#define MEAN HONE_REDUCE_MEAN
#define SUM  HONE_REDUCE_SUM
#define NONE HONE_REDUCE_NONE

static void is(hone_tensor *t, double want)
{
    const double got = hone_item(hone_detach(t));
    cr_expect(got == want || fabs(got - want) <= 1e-12 * fabs(want) || (isnan(got) && isnan(want)),
              "%.17g, not %.17g: %s", got, want, hone_error_message());
}

static hone_tensor *leaf(hone_tensor *x)
{
    return hone_requires_grad_(x, true);
}

/* The gradient of the sum by x. */
static hone_tensor *slope(hone_tensor *y, hone_tensor *x)
{
    CHECK_OK(hone_backward(hone_sum(y)));
    return hone_grad(x);
}

/* ---- values that torch prints */

Test(losses, cross_entropy_with_weights_and_smoothing)
{
    hone_tensor *x = T(HONE_F64, (3, 3), 1, 2, .5, 0, -1, 3, 2, 2, 2);
    hone_tensor *w = T(HONE_F64, (3), 1, 2, 3);
    is(hone_cross_entropy_loss(x, T(HONE_I64, (3), 1, -100, 2), w, -100, 0.1, MEAN),
       0.8596093077373483);
    hone_tensor *row = T(HONE_F64, (1, 3), 1, 2, .5);
    is(hone_cross_entropy_loss(row, T(HONE_F64, (1, 3), .2, .3, .5), w, -100, 0, MEAN),
       3.518048203448273);
    hone_tensor *rows = T(HONE_F64, (2, 3), 1, 2, .5, 1, 2, .5);
    is(hone_cross_entropy_loss(rows, T(HONE_F64, (2, 3), .2, .3, .5, 0, 0, 0), HONE_NONE, -100, 0,
                               MEAN),
       0.7071843920539724);
}

Test(losses, cross_entropy_beside_infinity)
{
    hone_tensor *x = T(HONE_F64, (1, 2), 0, -INFINITY), *first = T(HONE_I64, (1), 0);
    is(hone_cross_entropy_loss(x, T(HONE_F64, (1, 2), 1, 0), HONE_NONE, -100, 0, MEAN), NAN);
    is(hone_cross_entropy_loss(x, first, HONE_NONE, -100, 0, MEAN), 0);
    is(hone_cross_entropy_loss(x, first, HONE_NONE, -100, 0.1, MEAN), INFINITY);
    hone_tensor *ignored = T(HONE_F64, (2, 2), 0, INFINITY, NAN, 1);
    is(hone_cross_entropy_loss(ignored, T(HONE_I64, (2), -100, -100), HONE_NONE, -100, 0, SUM), 0);
    is(hone_cross_entropy_loss(ignored, T(HONE_I64, (2), -100, -100), HONE_NONE, -100, 0, MEAN),
       NAN);
    is(hone_cross_entropy_loss(hone_zeros(HONE_F64, 0, 3), hone_zeros(HONE_I64, 0), HONE_NONE, -100,
                               0, MEAN),
       NAN);
}

Test(losses, what_is_ignored_has_no_gradient)
{
    hone_tensor *x = leaf(T(HONE_F64, (3, 2), NAN, INFINITY, -1, -2, -3, -4));
    hone_tensor *y = hone_nll_loss(x, T(HONE_I64, (3), -100, 1, 0), HONE_NONE, -100, MEAN);
    is(y, 2.5);
    CHECK_VALUES(slope(y, x), HONE_F64, (3, 2), 0, 0, 0, -.5, -.5, 0);
}

/* The plain form is the same loss. */
Test(losses, cross_entropy_is_its_plain_form)
{
    hone_seed(3);
    hone_tensor *x = hone_randn(HONE_F64, 20, 7), *t = hone_randint(HONE_I64, 0, 7, 20);
    is(hone_cross_entropy_loss(x, t, HONE_NONE, -100, 0, MEAN),
       hone_item(hone_cross_entropy(x, t)));
}

Test(losses, of_distributions)
{
    hone_tensor *q = T(HONE_F64, (2), -1, -2), *p = T(HONE_F64, (2), 0, .5);
    hone_tensor *kl = hone_kl_div(q, p, false, NONE);
    is(hone_select(kl, 0, 0), 0);
    is(hone_select(kl, 0, 1), 0.6534264097200273);
    is(hone_kl_div(T(HONE_F64, (1), -INFINITY), T(HONE_F64, (1), 0), false, NONE), NAN);
    is(hone_kl_div(T(HONE_F64, (1, 2), -1, -2), T(HONE_F64, (1, 2), .5, .5), false,
                   HONE_REDUCE_BATCHMEAN),
       0.8068528194400546);
    is(hone_poisson_nll_loss(T(HONE_F64, (1), 1), T(HONE_F64, (1), 3), true, false, 1e-8, NONE),
       -0.2817181715409549);
    is(hone_poisson_nll_loss(T(HONE_F64, (1), 0), T(HONE_F64, (1), 0), false, false, 1e-8, MEAN),
       0);
    hone_tensor *ones = hone_ones(HONE_F64, 3), *counts = T(HONE_F64, (3), 1, 2, .5);
    hone_tensor *full = hone_poisson_nll_loss(ones, counts, true, true, 1e-8, NONE);
    is(hone_select(full, 0, 0), 1.718281828459045);
    is(hone_select(full, 0, 1), 1.370088313063581);
    is(hone_select(full, 0, 2), 2.218281828459045);
}

Test(losses, gaussian_variance_passes_its_gradient)
{
    hone_tensor *x = T(HONE_F64, (1), 1), *t = T(HONE_F64, (1), 2);
    hone_tensor *var = leaf(T(HONE_F64, (1), 1e-8));
    hone_tensor *y = hone_gaussian_nll_loss(x, t, var, false, 1e-6, NONE);
    is(y, 499993.092244721);
    is(slope(y, var), -499999500000.0);
    is(hone_gaussian_nll_loss(x, t, T(HONE_F64, (1), .5), true, 1e-6, MEAN), 1.5723649429247);
    /* a variance for each row */
    hone_tensor *rows =
        hone_gaussian_nll_loss(hone_zeros(HONE_F64, 2, 3), hone_ones(HONE_F64, 2, 3),
                               T(HONE_F64, (2), 1, 4), false, 1e-6, NONE);
    is(hone_select(hone_select(rows, 0, 0), 0, 2), 0.5);
}

/* At infinity no branch that isn't taken makes a NaN; at 0 the slope is 0. */
Test(losses, slopes_at_kinks)
{
    hone_tensor *zero = hone_zeros(HONE_F64, 4);
    hone_tensor *x = leaf(T(HONE_F64, (4), INFINITY, 1, -1, 0));
    CHECK_VALUES(slope(hone_smooth_l1_loss(x, zero, 1, NONE), x), HONE_F64, (4), 1, 1, -1, 0);
    x = leaf(T(HONE_F64, (4), INFINITY, 2, -3, 0));
    CHECK_VALUES(slope(hone_huber_loss(x, zero, 2, NONE), x), HONE_F64, (4), 2, 2, -2, 0);
    hone_tensor *a = leaf(T(HONE_F64, (2), 1, 2)), *b = leaf(T(HONE_F64, (2), 0, 0));
    hone_tensor *y = hone_margin_ranking_loss(a, b, hone_ones(HONE_F64, 2), 1, SUM);
    CHECK_VALUES(slope(y, a), HONE_F64, (2), -1, 0);
    CHECK_VALUES(hone_grad(b), HONE_F64, (2), 1, 0);
}

Test(losses, of_elements)
{
    hone_tensor *zero = hone_zeros(HONE_F64, 3), *t = T(HONE_F64, (3), .5, 1, 2);
    CHECK_VALUES(hone_smooth_l1_loss(zero, t, 2, NONE), HONE_F64, (3), .0625, .25, 1);
    CHECK_VALUES(hone_huber_loss(zero, t, 2, NONE), HONE_F64, (3), .125, .5, 2);
    CHECK_VALUES(hone_smooth_l1_loss(zero, t, 0, NONE), HONE_F64, (3), .5, 1, 2);
    is(hone_hinge_embedding_loss(T(HONE_F64, (1), .5), T(HONE_F64, (1), 0), 1, MEAN), 1);
    is(hone_triplet_margin_loss(T(HONE_F64, (1, 2), 0, 0), T(HONE_F64, (1, 2), 1, 0),
                                T(HONE_F64, (1, 2), 0, 1.5), 1, 2, 1e-6, false, MEAN),
       0.5000000000001665);
    is(hone_triplet_margin_loss(T(HONE_F64, (2), 0, 0), T(HONE_F64, (2), 1, 2),
                                T(HONE_F64, (2), 0, 3), 1, INFINITY, 0, false, MEAN),
       0);
    is(hone_cosine_embedding_loss(T(HONE_F64, (1, 2), 0, 0), T(HONE_F64, (1, 2), 1, 0),
                                  T(HONE_F64, (1), 1), 0, MEAN),
       1);
    is(hone_mse_loss(hone_zeros(HONE_F64, 0), hone_zeros(HONE_F64, 0), MEAN), NAN);
}

Test(losses, of_probabilities_at_their_ends)
{
    hone_tensor *p = leaf(T(HONE_F64, (4), 0, 1, 0, .5)), *t = T(HONE_F64, (4), 1, 0, 0, .25);
    hone_tensor *y = hone_binary_cross_entropy(p, t, HONE_NONE, NONE);
    CHECK_VALUES(hone_slice(hone_detach(y), 0, 0, 3, 1), HONE_F64, (3), 100, 100, 0);
    CHECK_VALUES(slope(y, p), HONE_F64, (4), -1e12, 1e12, 0, 1);
    hone_tensor *x = leaf(T(HONE_F64, (2), -100, 2)), *l = T(HONE_F64, (2), 1, 0);
    y = hone_binary_cross_entropy_with_logits(x, l, HONE_NONE, hone_scalar(HONE_F64, 3), NONE);
    is(hone_select(y, 0, 0), 300);
    is(hone_select(y, 0, 1), 2.1269280110429727);
    is(hone_select(slope(y, x), 0, 1), 0.8807970779778823);
}

/* ---- what is refused */

Test(losses, errors)
{
    hone_tensor *x = hone_zeros(HONE_F64, 2, 3), *t = hone_zeros(HONE_I64, 2);
    hone_tensor *one = hone_ones(HONE_F64, 1), *none = HONE_NONE;
    CHECK_FAILS(hone_mse_loss(x, t, MEAN), HONE_E_DTYPE, "mse_loss: needs f32 or f64, got i64 [2]");
    CHECK_FAILS(hone_mse_loss(x, hone_zeros(HONE_F64, 2), MEAN), HONE_E_SHAPE, "mse_loss");
    CHECK_FAILS(hone_mse_loss(x, x, HONE_REDUCE_BATCHMEAN), HONE_E_VALUE,
                "mean, sum or none is wanted");
    CHECK_FAILS(hone_mse_loss(x, x, (hone_reduction)7), HONE_E_VALUE, "reduction is 7");
    CHECK_FAILS(hone_smooth_l1_loss(x, x, -1, MEAN), HONE_E_VALUE, "beta is -1");
    CHECK_FAILS(hone_huber_loss(x, x, 0, MEAN), HONE_E_VALUE, "delta is 0");
    CHECK_FAILS(hone_binary_cross_entropy(hone_mul_scalar(one, 1.5), one, none, MEAN), HONE_E_VALUE,
                "from 1.5 to 1.5, 0 to 1 is wanted");
    CHECK_FAILS(hone_binary_cross_entropy(T(HONE_F64, (1), NAN), one, none, MEAN), HONE_E_VALUE,
                "binary_cross_entropy");
    CHECK_FAILS(hone_binary_cross_entropy_with_logits(one, x, none, none, MEAN), HONE_E_SHAPE,
                "must have the shape of the input");
    CHECK_FAILS(hone_gaussian_nll_loss(one, one, hone_neg(one), false, 1e-6, MEAN), HONE_E_VALUE,
                "the least of var is -1");
    CHECK_FAILS(hone_triplet_margin_loss(x, x, x, 0, 2, 1e-6, false, MEAN), HONE_E_VALUE,
                "margin is 0");
    CHECK_FAILS(hone_triplet_margin_loss(x, one, x, 1, 2, 1e-6, false, MEAN), HONE_E_SHAPE,
                "as many dims");
    CHECK_FAILS(hone_cosine_embedding_loss(x, x, x, 0, MEAN), HONE_E_SHAPE, "a target [N]");
}

Test(losses, errors_of_classes)
{
    hone_tensor *x = hone_zeros(HONE_F64, 2, 3), *t = hone_zeros(HONE_I64, 2), *none = HONE_NONE;
    CHECK_FAILS(hone_nll_loss(x, T(HONE_I64, (2), 0, 3), none, -100, MEAN), HONE_E_INDEX,
                "nll_loss: target[1] is 3, but there are 3 classes");
    CHECK_FAILS(hone_nll_loss(x, T(HONE_I64, (2), -1, 0), none, -100, MEAN), HONE_E_INDEX,
                "target[0] is -1");
    CHECK_FAILS(hone_nll_loss(x, hone_zeros(HONE_I64, 3), none, -100, MEAN), HONE_E_SHAPE,
                "the target i64 [3]");
    CHECK_FAILS(hone_nll_loss(x, hone_zeros(HONE_F64, 2), none, -100, MEAN), HONE_E_DTYPE,
                "integers");
    CHECK_FAILS(hone_nll_loss(x, t, hone_ones(HONE_F64, 2), -100, MEAN), HONE_E_SHAPE,
                "the weight f64 [2]");
    CHECK_FAILS(hone_nll_loss(x, t, hone_ones(HONE_F32, 3), -100, MEAN), HONE_E_DTYPE, "weight");
    CHECK_FAILS(hone_cross_entropy_loss(hone_scalar(HONE_F64, 1), t, none, -100, 0, MEAN),
                HONE_E_SHAPE, "[N, C, ...] or [C] is wanted");
    CHECK_FAILS(hone_cross_entropy_loss(x, t, none, -100, 1.5, MEAN), HONE_E_VALUE,
                "label_smoothing is 1.5");
    CHECK_FAILS(hone_cross_entropy_loss(x, hone_zeros(HONE_F64, 2, 2), none, -100, 0, MEAN),
                HONE_E_SHAPE, "probabilities f64 [2, 2]");
    CHECK_FAILS(hone_cross_entropy_loss(x, hone_zeros(HONE_F32, 2, 3), none, -100, 0, MEAN),
                HONE_E_DTYPE, "probabilities f32");
}

/* ---- ctc_loss (torch 2.13) */

static hone_tensor *two_steps(void)
{
    return hone_log(T(HONE_F64, (2, 1, 2), .4, .6, .3, .7));
}

static hone_tensor *length(double n)
{
    return T(HONE_I64, (1), n);
}

Test(losses, ctc)
{
    hone_tensor *x = hone_requires_grad_(two_steps(), true);
    hone_tensor *loss =
        hone_ctc_loss(x, T(HONE_I64, (1, 1), 1), length(2), length(1), 0, HONE_REDUCE_SUM, false);
    cr_expect(fabs(hone_item(hone_detach(loss)) - 0.127833371509885) < 1e-14);
    CHECK_OK(hone_backward(loss));
    CHECK_CLOSE(hone_grad(x), 1e-13, 0, HONE_F64, (2, 1, 2), 0.08181818181818185,
                -0.08181818181818179, 0.09545454545454551, -0.09545454545454546);
    hone_tensor *both = hone_contiguous(hone_expand(two_steps(), 2, 2, 2));
    hone_tensor *joined = T(HONE_I32, (1), 1), *lengths = T(HONE_I64, (2), 1, 0);
    hone_tensor *steps = T(HONE_I64, (2), 2, 2), *padded = T(HONE_I64, (2, 2), 1, 1, 1, 1);
    cr_expect(
        fabs(hone_item(hone_ctc_loss(both, padded, steps, lengths, 0, HONE_REDUCE_MEAN, false)) -
             1.124048453854988) < 1e-14);
    cr_expect(
        fabs(hone_item(hone_ctc_loss(both, joined, steps, lengths, 0, HONE_REDUCE_MEAN, false)) -
             1.124048453854988) < 1e-14);
    hone_tensor *bare = hone_squeeze(two_steps(), 1);
    cr_expect(fabs(hone_item(hone_ctc_loss(bare, T(HONE_I64, (1), 1), T0(HONE_I64, 2),
                                           T0(HONE_I64, 1), 0, HONE_REDUCE_NONE, false)) -
                   0.127833371509885) < 1e-14);
}

Test(losses, ctc_of_the_impossible)
{
    hone_tensor *x = hone_requires_grad_(two_steps(), true), *twice = T(HONE_I64, (1, 2), 1, 1);
    hone_tensor *loss = hone_ctc_loss(x, twice, length(2), length(2), 0, HONE_REDUCE_NONE, false);
    CHECK_VALUES(hone_detach(loss), HONE_F64, (1), INFINITY);
    CHECK_OK(hone_backward(hone_sum(loss)));
    cr_expect(isnan(hone_at(hone_grad(x), 0, 0, 0)));
    CHECK_OK(hone_set_grad(x, HONE_NONE));
    loss = hone_ctc_loss(x, twice, length(2), length(2), 0, HONE_REDUCE_NONE, true);
    CHECK_VALUES(hone_detach(loss), HONE_F64, (1), 0);
    CHECK_OK(hone_backward(hone_sum(loss)));
    CHECK_VALUES(hone_grad(x), HONE_F64, (2, 1, 2), 0, 0, 0, 0);
    CHECK_VALUES(
        hone_ctc_loss(two_steps(), twice, length(0), length(0), 0, HONE_REDUCE_NONE, false),
        HONE_F64, (1), 0);
}

/* A sample's loss and gradient are those that it has alone. */
Test(losses, ctc_of_one_among_many)
{
    hone_tensor *x = hone_log_softmax(hone_randn(HONE_F32, 9, 5, 6), 2);
    hone_tensor *targets = hone_randint(HONE_I64, 1, 6, 5, 3),
                *steps = T(HONE_I64, (5), 9, 8, 7, 9, 9);
    hone_tensor *lengths = T(HONE_I64, (5), 3, 1, 2, 0, 3);
    hone_tensor *all = hone_ctc_loss(x, targets, steps, lengths, 0, HONE_REDUCE_NONE, false);
    for (int n = 0; n < 5; n++) {
        hone_tensor *one =
            hone_ctc_loss(hone_slice(x, 1, n, n + 1, 1), hone_slice(targets, 0, n, n + 1, 1),
                          hone_slice(steps, 0, n, n + 1, 1), hone_slice(lengths, 0, n, n + 1, 1), 0,
                          HONE_REDUCE_NONE, false);
        cr_expect_eq(hone_item(one), hone_at(all, n));
    }
}

Test(losses, ctc_errors)
{
    hone_tensor *x = hone_requires_grad_(two_steps(), true), *one = T(HONE_I64, (1, 1), 1);
#define CTC(x, targets, steps, lengths, blank)                                                     \
    hone_ctc_loss(x, targets, steps, lengths, blank, HONE_REDUCE_MEAN, false)
    CHECK_FAILS(CTC(x, T(HONE_I64, (1, 1), 2), length(2), length(1), 0), HONE_E_INDEX,
                "targets[0] is 2, but there are 2 classes");
    CHECK_FAILS(CTC(x, one, length(3), length(1), 0), HONE_E_VALUE, "input_lengths[0] is 3");
    CHECK_FAILS(CTC(x, one, length(2), length(2), 0), HONE_E_VALUE, "target_lengths[0] is 2");
    CHECK_FAILS(CTC(x, one, length(-1), length(1), 0), HONE_E_VALUE, "input_lengths[0] is -1");
    CHECK_FAILS(CTC(x, one, T(HONE_I64, (2), 1, 1), length(1), 0), HONE_E_SHAPE, "one a sample");
    CHECK_FAILS(CTC(x, one, length(2), length(1), 2), HONE_E_VALUE, "blank is 2");
    CHECK_FAILS(CTC(x, T(HONE_I64, (2), 1, 1), length(2), length(1), 0), HONE_E_SHAPE, "joined");
    CHECK_FAILS(CTC(x, T(HONE_F32, (1, 1), 1), length(2), length(1), 0), HONE_E_DTYPE,
                "i64 or i32");
    CHECK_FAILS(CTC(hone_zeros(HONE_F32, 2), one, length(2), length(1), 0), HONE_E_SHAPE,
                "log_probs [T, N, C]");
    CHECK_FAILS(CTC(hone_zeros(HONE_I64, 2, 1, 2), one, length(2), length(1), 0), HONE_E_DTYPE,
                "ctc_loss: needs f32 or f64");
    const hone_autograd_options graph = { .create_graph = true };
    hone_tensor_list slope =
        hone_autograd_grad(hone_list(CTC(x, one, length(2), length(1), 0)), hone_list(x), &graph);
    cr_assert(slope.at, "%s", hone_error_message());
    CHECK_FAILS(hone_backward(hone_sum(slope.at[0])), HONE_E_STATE, "can't be differentiated");
}
