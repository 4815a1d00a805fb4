/* hone_accumulate_*: misuse, and what a failure leaves. That parts have the bits of the whole is
 * tests/bits/cuts.c. */
#include "support.h"

#include <hone/hone.h>

static hone_tensor *leaf(void)
{
    return hone_requires_grad_(hone_ones(HONE_F32, 3, 2), true);
}

static hone_status walk(hone_tensor *w, int64_t samples)
{
    return hone_backward(hone_cross_entropy(hone_matmul(hone_ones(HONE_F32, samples, 3), w),
                                            hone_zeros(HONE_I64, samples)));
}

Test(accumulate, misuse)
{
    hone_tensor *w = leaf();
    CHECK_FAILS(hone_accumulate_end(), HONE_E_STATE, "accumulate_end: no batch is open");
    CHECK_FAILS(hone_accumulate_part(1), HONE_E_STATE, "accumulate_part: no batch is open");
    CHECK_FAILS(hone_accumulate_begin(0), HONE_E_VALUE, "accumulate_begin: a batch of 0 samples");
    CHECK_OK(hone_accumulate_begin(8));
    CHECK_FAILS(hone_accumulate_begin(8), HONE_E_STATE, "a batch of 8 samples is open");
    CHECK_FAILS(walk(w, 4), HONE_E_STATE, "backward: hone_accumulate_begin() has announced");
    CHECK_FAILS(hone_accumulate_part(-1), HONE_E_VALUE, "a part of -1 samples");
    CHECK_OK(hone_accumulate_part(5));
    CHECK_FAILS(hone_accumulate_part(4), HONE_E_STATE,
                "4 samples after 5 of the 8 that were announced");
    CHECK_FAILS(
        hone_cross_entropy(hone_matmul(hone_ones(HONE_F32, 4, 3), w), hone_zeros(HONE_I64, 4)),
        HONE_E_SHAPE, "cross_entropy: 4 rows in a part of 5 samples");
    CHECK_FAILS(hone_accumulate_end(), HONE_E_STATE, "5 samples came of the 8");
}

Test(accumulate, in_the_middle)
{
    hone_tensor *w = leaf();
    hone_optim *optim = hone_sgd_list(hone_list(w), &(hone_sgd_options){ .lr = 0.1 });
    CHECK_OK(hone_accumulate_begin(8));
    CHECK_OK(hone_accumulate_part(4));
    CHECK_OK(walk(w, 4));
    CHECK_FAILS(hone_grad(w), HONE_E_STATE, "grad: parts of the batch are still to come");
    CHECK_FAILS(hone_set_grad(w, HONE_NONE), HONE_E_STATE, "set_grad: parts of the batch");
    CHECK_FAILS(hone_optim_step(optim), HONE_E_STATE, "optim_step: parts of the batch");
    CHECK_FAILS(hone_optim_zero_grad(optim), HONE_E_STATE, "zero_grad: parts of the batch");
    CHECK_OK(hone_accumulate_part(4));
    CHECK_FAILS(
        hone_cross_entropy(hone_matmul(hone_ones(HONE_F32, 8, 3), w), hone_zeros(HONE_I64, 8)),
        HONE_E_SHAPE, "2 rows of f32 a sample, but 1 of f32 in the part before");
    CHECK_FAILS(hone_set_grad(w, HONE_NONE) == HONE_OK ? w : NULL, HONE_E_STATE, "set_grad");
    cr_assert(hone_accumulate_end());
    cr_assert(hone_grad(w));
    CHECK_OK(hone_optim_step(optim));
    hone_optim_free(optim);
}

/* What came before a failure ends; the next batch is none the worse. */
Test(accumulate, after_a_failure)
{
    hone_tensor *w = leaf();
    CHECK_OK(hone_accumulate_begin(8));
    CHECK_OK(hone_accumulate_part(4));
    CHECK_OK(walk(w, 4));
    CHECK_FAILS(hone_accumulate_end(), HONE_E_STATE, "4 samples came of the 8");
    cr_assert(hone_grad(w));
    CHECK_OK(hone_set_grad(w, HONE_NONE));
    CHECK_OK(hone_accumulate_begin(4));
    CHECK_OK(hone_accumulate_part(4));
    CHECK_OK(walk(w, 4));
    hone_tensor *loss = hone_accumulate_end();
    cr_assert(loss);
    hone_tensor *other = leaf();
    CHECK_OK(walk(other, 4));
    cr_assert(hone_equal(hone_grad(w), hone_grad(other)));
}

Test(accumulate, without_a_loss)
{
    hone_tensor *w = leaf();
    CHECK_OK(hone_accumulate_begin(2));
    CHECK_OK(hone_accumulate_part(2));
    CHECK_OK(hone_backward(hone_sum(hone_matmul(hone_ones(HONE_F32, 2, 3), w))));
    cr_assert_eq(hone_accumulate_end(), HONE_NONE);
    CHECK_VALUES(hone_grad(w), HONE_F32, (3, 2), 2, 2, 2, 2, 2, 2);
}

/* ---- what net.h's losses and dropout have in parts */

typedef hone_tensor *(*loss_fn)(hone_tensor *x, hone_tensor *w, int64_t begin);

static hone_tensor *rows(hone_tensor *x, int64_t begin, int64_t end)
{
    return hone_slice(x, 0, begin, end, 1);
}

static hone_tensor *classes(void)
{
    return hone_from_data(HONE_I64, ((const int64_t[]){ 3, 1, -1, 0, -1, 2, 3 }), 7);
}

/* By class weights, the third and fifth sample left out, smoothed. */
static hone_tensor *weighed(hone_tensor *x, hone_tensor *w, int64_t begin)
{
    hone_tensor *weight = hone_from_data(HONE_F32, ((const float[]){ 0.3F, 1.7F, 0.9F, 2.1F }), 4);
    return hone_cross_entropy_loss(hone_matmul(x, w),
                                   rows(classes(), begin, begin + hone_size(x, 0)), weight, -1, 0.1,
                                   HONE_REDUCE_MEAN);
}

/* The gradient of w and the loss of 7 samples, cut after so many. */
static hone_tensor_list in_parts(loss_fn loss, hone_tensor *x, int64_t cut)
{
    hone_seed(7);
    hone_tensor *w = hone_requires_grad_(hone_full(HONE_F32, 0.3, 5, 4), true);
    CHECK_OK(hone_accumulate_begin(7));
    if (loss == weighed)
        CHECK_OK(hone_accumulate_targets(classes()));
    for (int64_t i = 0; i < 7; i += cut) {
        const int64_t end = i + cut < 7 ? i + cut : 7;
        CHECK_OK(hone_accumulate_part(end - i));
        CHECK_OK(hone_backward(loss(rows(x, i, end), w, i)));
    }
    hone_tensor *mean = hone_accumulate_end();
    return hone_list(hone_grad(w), mean);
}

static void same_for_each_cut(loss_fn loss)
{
    hone_tensor *x = hone_randn(HONE_F32, 7, 5);
    const hone_tensor_list whole = in_parts(loss, x, 7);
    for (int64_t cut = 1; cut < 7; cut++) {
        const hone_tensor_list parts = in_parts(loss, x, cut);
        for (int i = 0; i < 2; i++)
            cr_expect(hone_equal(whole.at[i], parts.at[i]), "cut after %lld", (long long)cut);
    }
    hone_seed(7);
    hone_tensor *w = hone_requires_grad_(hone_full(HONE_F32, 0.3, 5, 4), true);
    CHECK_OK(hone_backward(loss(x, w, 0)));
    cr_expect(hone_equal(whole.at[0], hone_grad(w)), "without parts");
}

static hone_tensor *mse(hone_tensor *x, hone_tensor *w, int64_t begin)
{
    (void)begin;
    return hone_mse_loss(hone_matmul(x, w), hone_full(HONE_F32, 0.7, hone_size(x, 0), 4),
                         HONE_REDUCE_MEAN);
}

static hone_tensor *kl(hone_tensor *x, hone_tensor *w, int64_t begin)
{
    (void)begin;
    hone_tensor *log_p = hone_log_softmax(hone_matmul(x, w), 1);
    return hone_kl_div(log_p, hone_full(HONE_F32, 0.25, hone_size(x, 0), 4), false,
                       HONE_REDUCE_BATCHMEAN);
}

static hone_tensor *smooth(hone_tensor *x, hone_tensor *w, int64_t begin)
{
    hone_tensor *target =
        hone_arange(HONE_I64, (double)begin, (double)(begin + hone_size(x, 0)), 1);
    return hone_cross_entropy_loss(hone_matmul(x, w), hone_remainder_scalar(target, 4), HONE_NONE,
                                   -100, 0.1, HONE_REDUCE_MEAN);
}

static hone_tensor *dropped(hone_tensor *x, hone_tensor *w, int64_t begin)
{
    return mse(hone_dropout(x, 0.5, true), w, begin);
}

static hone_tensor *dropped_channels(hone_tensor *x, hone_tensor *w, int64_t begin)
{
    hone_tensor *deep = hone_reshape(x, hone_size(x, 0), 5, 1);
    return mse(hone_flatten(hone_dropout1d(deep, 0.5, true), 1), w, begin);
}

Test(accumulate, means_of_losses)
{
    same_for_each_cut(mse);
    same_for_each_cut(smooth);
    same_for_each_cut(weighed);
}

Test(accumulate, the_loss_of_announced_targets)
{
    hone_tensor *x = hone_randn(HONE_F32, 7, 5);
    hone_tensor *w = hone_full(HONE_F32, 0.3, 5, 4);
    hone_tensor *at_once = weighed(x, w, 0);
    cr_expect(hone_equal(at_once, in_parts(weighed, x, 2).at[1]));
}

Test(accumulate, targets_that_do_not_fit)
{
    hone_tensor *w = leaf(), *y = hone_matmul(hone_ones(HONE_F32, 4, 3), w);
    hone_tensor *all = hone_zeros(HONE_I64, 8), *ones = hone_ones(HONE_I64, 4);
    CHECK_FAILS(hone_accumulate_targets(all), HONE_E_STATE, "comes between");
    CHECK_OK(hone_accumulate_begin(8));
    CHECK_FAILS(hone_accumulate_targets(hone_zeros(HONE_I64, 7)), HONE_E_SHAPE,
                "i64 [7] for a batch of 8 samples");
    CHECK_FAILS(hone_accumulate_targets(hone_zeros(HONE_F32, 8)), HONE_E_DTYPE, "integers");
    CHECK_OK(hone_accumulate_targets(all));
    CHECK_OK(hone_accumulate_part(4));
    CHECK_FAILS(hone_accumulate_targets(all), HONE_E_STATE, "comes between");
    CHECK_FAILS(hone_cross_entropy_loss(y, ones, HONE_NONE, -100, 0, HONE_REDUCE_MEAN),
                HONE_E_VALUE, "the samples from 0 on are not those");
    CHECK_FAILS(hone_accumulate_end(), HONE_E_STATE, "4 samples came of the 8");
}

Test(accumulate, dropout_by_the_place_in_the_batch)
{
    same_for_each_cut(dropped);
    same_for_each_cut(dropped_channels);
}

Test(accumulate, batchmean)
{
    hone_tensor *x = hone_randn(HONE_F32, 7, 5), *grads[2];
    for (int parts = 0; parts < 2; parts++) {
        hone_tensor *w = hone_requires_grad_(hone_full(HONE_F32, 0.3, 5, 4), true);
        CHECK_OK(hone_accumulate_begin(7));
        for (int64_t i = 0; i < 7; i += parts ? 3 : 7) {
            const int64_t end = !parts || i + 3 > 7 ? 7 : i + 3;
            CHECK_OK(hone_accumulate_part(end - i));
            CHECK_OK(hone_backward(kl(rows(x, i, end), w, i)));
        }
        cr_assert(hone_accumulate_end());
        grads[parts] = hone_grad(w);
    }
    cr_expect(hone_equal(grads[0], grads[1]));
}

Test(accumulate, means_whose_divisor_is_not_known)
{
    hone_tensor *w = leaf();
    hone_tensor *target = hone_from_data(HONE_I64, ((const int64_t[]){ 0, -100, 1, 0 }), 4);
    CHECK_OK(hone_accumulate_begin(8));
    CHECK_OK(hone_accumulate_part(4));
    hone_tensor *y = hone_matmul(hone_ones(HONE_F32, 4, 3), w);
    CHECK_FAILS(hone_cross_entropy_loss(y, target, HONE_NONE, -100, 0, HONE_REDUCE_MEAN),
                HONE_E_STATE, "the mean of a batch in parts is not known with ignored targets");
    CHECK_FAILS(hone_cross_entropy_loss(y, hone_zeros(HONE_I64, 4), hone_ones(HONE_F32, 2), -100, 0,
                                        HONE_REDUCE_MEAN),
                HONE_E_STATE, "not known with weights");
    CHECK_FAILS(hone_accumulate_end(), HONE_E_STATE, "4 samples came of the 8");
}
