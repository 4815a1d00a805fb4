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
