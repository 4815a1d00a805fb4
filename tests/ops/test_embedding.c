/* Embedding, one_hot and dropout: what is special, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(embedding);

/* The padding's row has no gradient, and is read as it is (torch 2.13). */
Test(embedding, padding)
{
    hone_tensor *w = hone_reshape(hone_arange(HONE_F64, 1, 9, 1), 4, 2);
    hone_requires_grad_(w, true);
    hone_tensor *y = hone_embedding(T(HONE_I64, (3), 1, 1, 2), w, -3);
    CHECK_VALUES(hone_detach(y), HONE_F64, (3, 2), 3, 4, 3, 4, 5, 6);
    CHECK_OK(hone_backward(hone_sum(y)));
    CHECK_VALUES(hone_grad(w), HONE_F64, (4, 2), 0, 0, 0, 0, 1, 1, 0, 0);
}

/* Of a table that other ops use, too, .grad gets what the sum of two whole gradients is, to the bit:
 * where -0 meets no row, too; again into a gradient of the step before; few rows and most of them. */
Test(embedding, a_tied_table_gets_the_sum_of_whole_gradients)
{
    enum { ROWS = 40, WIDTH = 6 };
    hone_tensor *few = T(HONE_I64, (2, 4), 3, 5, 3, 2, 39, 5, 3, 3);
    hone_tensor *tokens[] = { few, hone_cat(hone_list(few, few, few), 0) };
    for (int round = 0; round < 8; round++) {
        HONE_SCOPE();
        hone_tensor *t = tokens[round % 2];
        const int64_t padding = round / 2 % 2 ? 2 : HONE_NO_PADDING;
        hone_tensor *w[3], *scores = hone_randn(HONE_F32, ROWS, WIDTH);
        scores = hone_mul(scores, hone_gt_scalar(scores, 0)); /* half of them -0 or 0 */
        hone_tensor *slopes = hone_randn(HONE_F32, hone_size(t, 0), 4, WIDTH);
        w[0] = hone_requires_grad_(hone_randn(HONE_F32, ROWS, WIDTH), true);
        for (int i = 1; i < 3; i++)
            w[i] = hone_requires_grad_(hone_clone(hone_detach(w[0])), true);
        for (int step = 0; step <= round / 4; step++)
            for (int tied = 0; tied < 2; tied++) {
                hone_tensor *table = tied ? w[0] : w[1], *head = tied ? w[0] : w[2];
                hone_tensor *first = hone_sum(hone_mul(hone_embedding(t, table, padding), slopes));
                CHECK_OK(hone_backward(hone_add(first, hone_sum(hone_mul(head, scores)))));
            }
        if (round < 4)
            cr_expect(test_same_bits(hone_grad(w[0]), hone_add(hone_grad(w[2]), hone_grad(w[1]))));
        else
            cr_expect(hone_item(hone_max(hone_abs(hone_sub(
                          hone_grad(w[0]), hone_add(hone_grad(w[2]), hone_grad(w[1])))))) < 1e-5);
    }
}

Test(embedding, one_hot_counts_for_itself)
{
    CHECK_VALUES(hone_one_hot(T(HONE_I64, (2), 0, 2), -1), HONE_I64, (2, 3), 1, 0, 0, 0, 0, 1);
    cr_expect_eq(hone_size(hone_one_hot(hone_zeros(HONE_I64, 0), 3), 1), 3);
}

Test(embedding, errors)
{
    hone_tensor *w = hone_zeros(HONE_F32, 4, 2);
    CHECK_FAILS(hone_embedding(T(HONE_I64, (2), 0, 4), w, HONE_NO_PADDING), HONE_E_INDEX,
                "embedding: indices[1] is 4, 0 to 3 are possible");
    CHECK_FAILS(hone_embedding(T(HONE_I64, (1), -1), w, HONE_NO_PADDING), HONE_E_INDEX, "is -1");
    CHECK_FAILS(hone_embedding(hone_zeros(HONE_F32, 1), w, 0), HONE_E_DTYPE, "i64 or i32");
    CHECK_FAILS(hone_embedding(hone_zeros(HONE_I64, 1), hone_zeros(HONE_F32, 4), 0), HONE_E_SHAPE,
                "[rows, width]");
    CHECK_FAILS(hone_embedding(hone_zeros(HONE_I64, 1), w, 4), HONE_E_VALUE, "padding_idx is 4");
    CHECK_FAILS(hone_embedding_backward(w, hone_zeros(HONE_I64, 3), 4, HONE_NO_PADDING),
                HONE_E_SHAPE, "embedding_backward: dy");
    CHECK_FAILS(hone_one_hot(hone_zeros(HONE_I64, 0), -1), HONE_E_VALUE, "no indices to tell it");
    CHECK_FAILS(hone_one_hot(T(HONE_I64, (1), 3), 3), HONE_E_INDEX, "indices[0] is 3");
}

/* ---- bags (torch 2.13) */

static hone_tensor *counted(void)
{
    return hone_reshape(hone_arange(HONE_F64, 1, 9, 1), 4, 2);
}

static hone_tensor *bags(hone_tensor *w, hone_bag_mode mode, int64_t padding)
{
    return hone_embedding_bag(T(HONE_I64, (4), 0, 1, 2, 3), w, T(HONE_I64, (3), 0, 2, 2), HONE_NONE,
                              mode, padding, false);
}

Test(embedding, bags)
{
    CHECK_VALUES(bags(counted(), HONE_BAG_SUM, HONE_NO_PADDING), HONE_F64, (3, 2), 4, 6, 0, 0, 12,
                 14);
    CHECK_VALUES(bags(counted(), HONE_BAG_MEAN, 1), HONE_F64, (3, 2), 1, 2, 0, 0, 6, 7);
    CHECK_VALUES(bags(counted(), HONE_BAG_MAX, -1), HONE_F64, (3, 2), 3, 4, 0, 0, 5, 6);
    hone_tensor *only = hone_embedding_bag(T(HONE_I64, (1, 2), 1, 1), hone_neg(counted()),
                                           HONE_NONE, HONE_NONE, HONE_BAG_MAX, 1, false);
    CHECK_VALUES(only, HONE_F64, (1, 2), 0, 0);
    hone_tensor *nan =
        hone_embedding_bag(T(HONE_I64, (1, 2), 0, 1), T(HONE_F32, (2, 2), 1, NAN, NAN, 1),
                           HONE_NONE, HONE_NONE, HONE_BAG_MAX, HONE_NO_PADDING, false);
    cr_expect(hone_at(nan, 0, 0) == 1 && isnan(hone_at(nan, 0, 1)));
}

Test(embedding, bag_errors)
{
    hone_tensor *w = counted(), *at = T(HONE_I64, (3), 0, 1, 2), *none = HONE_NONE;
    const int64_t no = HONE_NO_PADDING;
    hone_tensor *two = hone_reshape(at, 1, 3);
    CHECK_FAILS(hone_embedding_bag(at, w, none, none, HONE_BAG_SUM, no, false), HONE_E_SHAPE,
                "[bags, n] without offsets");
    CHECK_FAILS(hone_embedding_bag(two, w, T(HONE_I64, (1), 0), none, HONE_BAG_SUM, no, false),
                HONE_E_SHAPE, "[n] with offsets");
    CHECK_FAILS(hone_embedding_bag(two, w, none, none, HONE_BAG_SUM, no, true), HONE_E_VALUE,
                "include_last_offset needs offsets");
    CHECK_FAILS(hone_embedding_bag(at, w, T(HONE_I64, (2), 1, 2), none, HONE_BAG_SUM, no, false),
                HONE_E_VALUE, "offsets[0] is 1");
    CHECK_FAILS(hone_embedding_bag(at, w, T(HONE_I64, (3), 0, 2, 1), none, HONE_BAG_SUM, no, false),
                HONE_E_VALUE, "offsets[2] is 1");
    CHECK_FAILS(hone_embedding_bag(at, w, T(HONE_I64, (2), 0, 4), none, HONE_BAG_SUM, no, false),
                HONE_E_VALUE, "offsets[1] is 4");
    CHECK_FAILS(hone_embedding_bag(at, w, T(HONE_I64, (2), 0, 2), none, HONE_BAG_SUM, no, true),
                HONE_E_VALUE, "the last offset is 2, but there are 3 indices");
    CHECK_FAILS(hone_embedding_bag(at, w, T(HONE_I32, (1), 0), none, HONE_BAG_SUM, no, false),
                HONE_E_DTYPE, "offsets i32 [1]");
    CHECK_FAILS(
        hone_embedding_bag(two, w, none, hone_ones(HONE_F64, 1, 3), HONE_BAG_MAX, no, false),
        HONE_E_VALUE, "the mode sum alone");
    CHECK_FAILS(
        hone_embedding_bag(two, w, none, hone_ones(HONE_F32, 1, 3), HONE_BAG_SUM, no, false),
        HONE_E_DTYPE, "the weight's dtype");
    CHECK_FAILS(
        hone_embedding_bag(two, hone_zeros(HONE_F64, 2, 2), none, none, HONE_BAG_SUM, no, false),
        HONE_E_INDEX, "embedding_bag: indices[2] is 2");
    CHECK_FAILS(
        hone_embedding_bag(two, hone_zeros(HONE_I64, 4, 2), none, none, HONE_BAG_SUM, no, false),
        HONE_E_DTYPE, "f32 or f64");
    CHECK_FAILS(hone_embedding_bag(two, w, none, none, HONE_BAG_SUM, 4, false), HONE_E_VALUE,
                "padding_idx is 4");
    CHECK_FAILS(hone_embedding_bag(two, w, none, none, (hone_bag_mode)3, no, false), HONE_E_VALUE,
                "mode 3");
}

/* Each call has a mask of its own, the gradient that of its call. */
Test(dropout, masks)
{
    hone_seed(7);
    hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F32, 10000), true);
    hone_tensor *y = hone_dropout(x, 0.25, true), *again = hone_dropout(x, 0.25, true);
    cr_expect(!test_same_bits(hone_detach(y), hone_detach(again)));
    cr_expect(fabs(hone_item(hone_mean(hone_detach(y))) - 1) < 0.02);
    CHECK_OK(hone_backward(hone_sum(y)));
    cr_expect(test_same_bits(hone_grad(x), hone_detach(y)));
    hone_seed(7);
    cr_expect(test_same_bits(hone_detach(hone_dropout(x, 0.25, true)), hone_detach(y)));
    hone_seed(7);
    hone_tensor *wide = hone_dropout(hone_ones(HONE_F64, 10000), 0.25, true);
    cr_expect(test_same_bits(hone_ne_scalar(wide, 0), hone_ne_scalar(hone_detach(y), 0)));
}

Test(dropout, what_is_dropped_is_zero)
{
    hone_tensor *x = hone_full(HONE_F32, INFINITY, 100);
    cr_expect_eq(hone_item(hone_min(hone_dropout(x, 0.5, true))), 0);
    cr_expect_eq(hone_item(hone_max(hone_dropout(x, 1, true))), 0);
    hone_tensor *y = hone_feature_dropout(hone_ones(HONE_F32, 8, 8, 3), 0.5, true);
    cr_expect(test_same_bits(hone_contiguous(hone_select(y, 2, 0)),
                             hone_contiguous(hone_select(y, 2, 2))));
}

/* Of one sample without its dim, too, but dropout2d takes three dims for a batch of rows. */
Test(dropout, of_channels)
{
    hone_tensor *x = hone_ones(HONE_F64, 16, 8, 3), *whole[3], *of[3];
    for (int i = 0; i < 3; i++) {
        hone_seed(7);
        whole[i] = hone_feature_dropout(i < 2 ? x : hone_reshape(x, 1, 16, 4, 6), 0.5, true);
        hone_seed(7);
        of[i] = i == 0   ? hone_dropout1d(x, 0.5, true)
                : i == 1 ? hone_dropout2d(x, 0.5, true)
                         : hone_dropout3d(hone_reshape(x, 16, 4, 3, 2), 0.5, true);
    }
    cr_expect(test_same_bits(of[0], whole[0]) && test_same_bits(of[1], whole[1]));
    cr_expect(test_same_bits(hone_reshape(of[2], -1), hone_reshape(whole[2], -1)));
    hone_seed(7);
    hone_tensor *row = hone_dropout1d(hone_ones(HONE_F32, 64, 5), 0.25, true);
    const double kept = 1 / 0.75;
    for (int i = 0; i < 64; i++) {
        const double first = hone_at(row, i, 0);
        cr_expect(first == 0 || first == (double)(float)kept);
        cr_expect_eq(hone_at(row, i, 4), first);
    }
    CHECK_FAILS(hone_dropout1d(hone_ones(HONE_F32, 2), 0.5, true), HONE_E_SHAPE, "or [C, L]");
    CHECK_FAILS(hone_dropout2d(hone_ones(HONE_F32, 2, 2), 0.5, true), HONE_E_SHAPE, "[N, C, H, W]");
    CHECK_FAILS(hone_dropout3d(x, 0.5, true), HONE_E_SHAPE, "[N, C, D, H, W] or [C, D, H, W]");
}

Test(dropout, errors)
{
    CHECK_FAILS(hone_dropout(hone_ones(HONE_F32, 2), 1.5, true), HONE_E_VALUE, "dropout: p is 1.5");
    CHECK_FAILS(hone_dropout(hone_ones(HONE_I64, 2), 0.5, true), HONE_E_DTYPE, "dropout");
    CHECK_FAILS(hone_feature_dropout(hone_ones(HONE_F32, 2), 0.5, true), HONE_E_SHAPE,
                "[N, C, ...]");
}
