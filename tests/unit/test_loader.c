#include "support.h"

#include <hone/autograd.h>
#include <hone/data.h>
#include <hone/ops.h>
#include <hone/runtime.h>

#include <stdlib.h>
#include <string.h>

SUITE(loader);

/* x: [n, 2] f32 of 2i and 2i + 1, y: [n] i64 of i */
static hone_dataset counting(int64_t n)
{
    hone_dataset set;
    CHECK_OK(hone_dataset_from(hone_reshape(hone_arange(HONE_F32, 0, (double)(2 * n), 1), n, 2),
                               hone_arange(HONE_I64, 0, (double)n, 1), &set));
    return set;
}

static hone_loader *loader_of(const hone_dataset *set, hone_loader_options options)
{
    hone_loader *loader = hone_loader_new(set, &options);
    cr_assert(loader, "%s", hone_error_message());
    return loader;
}

Test(loader, cuts_in_order)
{
    hone_dataset set = counting(5);
    hone_loader *loader = loader_of(&set, (hone_loader_options){ .batch_size = 2 });
    hone_batch b;
    cr_assert(hone_loader_batches(loader) == 3);
    for (int epoch = 0; epoch < 2; epoch++) {
        cr_assert(hone_loader_next(loader, &b));
        CHECK_VALUES(b.x, HONE_F32, (2, 2), 0, 1, 2, 3);
        CHECK_VALUES(b.y, HONE_I64, (2), 0, 1);
        cr_assert(b.size == 2 && b.index == 0 && b.epoch == epoch);
        cr_assert(hone_data(b.x) == hone_data(set.x), "a batch in order is a view");
        cr_assert(hone_loader_next(loader, &b));
        cr_assert(hone_loader_next(loader, &b));
        CHECK_VALUES(b.x, HONE_F32, (1, 2), 8, 9);
        cr_assert(b.size == 1 && b.index == 2);
        cr_assert(!hone_loader_next(loader, &b) && !b.x && !b.y);
    }
    cr_assert(hone_error_code() == HONE_OK);
    hone_loader_free(loader);
    hone_dataset_free(&set);
}

Test(loader, the_last_batch_can_be_left_out)
{
    hone_dataset set = counting(5);
    hone_loader *loader =
        loader_of(&set, (hone_loader_options){ .batch_size = 2, .drop_last = true });
    hone_batch b;
    int n = 0;
    while (hone_loader_next(loader, &b))
        n++;
    cr_assert(n == 2 && hone_loader_batches(loader) == 2);
    hone_loader_free(loader);
    hone_dataset_free(&set);
}

Test(loader, batches_may_be_larger_than_the_set)
{
    hone_dataset set = counting(3);
    hone_loader *loader = loader_of(&set, (hone_loader_options){ .batch_size = INT64_MAX });
    hone_batch b;
    cr_assert(hone_loader_batches(loader) == 1 && hone_loader_next(loader, &b) && b.size == 3);
    hone_loader_free(loader);
    hone_dataset_free(&set);
}

/* ---- shuffling */

enum { N = 300 };

/* One epoch's order; x and y must belong together. */
static void read_order(hone_loader *loader, int64_t order[N])
{
    hone_batch b;
    int n = 0;
    while (hone_loader_next(loader, &b)) {
        HONE_SCOPE();
        for (int64_t i = 0; i < b.size; i++) {
            const int64_t y = (int64_t)hone_at(b.y, i);
            cr_assert(hone_at(b.x, i, 0) == (double)(2 * y));
            cr_assert(hone_at(b.x, i, 1) == (double)(2 * y + 1));
            order[n++] = y;
        }
    }
    cr_assert(n == N);
}

static void check_permutation(const int64_t order[N])
{
    bool seen[N] = { false };
    for (int i = 0; i < N; i++) {
        cr_assert(order[i] >= 0 && order[i] < N && !seen[order[i]]);
        seen[order[i]] = true;
    }
}

Test(loader, the_order_depends_on_seed_and_epoch_alone)
{
    int64_t first[N], second[N], again[N], other[N];
    hone_dataset set = counting(N);
    hone_loader *a =
        loader_of(&set, (hone_loader_options){ .batch_size = 7, .shuffle = true, .seed = 5 });
    hone_loader *b =
        loader_of(&set, (hone_loader_options){ .batch_size = 64, .shuffle = true, .seed = 5 });
    hone_loader *c =
        loader_of(&set, (hone_loader_options){ .batch_size = 7, .shuffle = true, .seed = 6 });
    read_order(a, first);
    read_order(a, second);
    read_order(c, other);
    check_permutation(first);
    check_permutation(second);
    check_permutation(other);
    cr_assert(memcmp(first, second, sizeof first) != 0);
    cr_assert(memcmp(first, other, sizeof first) != 0);
    CHECK_OK(hone_loader_set_epoch(b, 1)); /* other batches, the same order; no epoch 0 before */
    hone_seed(99);
    read_order(b, again);
    cr_assert(memcmp(second, again, sizeof second) == 0);
    hone_loader_free(a);
    hone_loader_free(b);
    hone_loader_free(c);
    hone_dataset_free(&set);
}

/* From each place of a run, the epoch's end too, another loader gives what follows. */
Test(loader, goes_on_from_a_position)
{
    enum { SAMPLES = 7, STEPS = 6 }; /* 3 batches an epoch; each end is a step, too */
    hone_dataset set = counting(SAMPLES);
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        const hone_loader_options o = { .batch_size = 3, .shuffle = shuffle, .seed = 5 };
        hone_loader *all = loader_of(&set, o);
        for (int at = 0; at < STEPS; at++) {
            hone_loader *part = loader_of(&set, o);
            int64_t epoch, batch;
            hone_batch a, b;
            CHECK_OK(hone_loader_position(all, &epoch, &batch));
            cr_assert(epoch == at / 4 && batch == at % 4);
            CHECK_OK(hone_loader_set_position(part, epoch, batch));
            cr_assert(hone_loader_next(all, &a) == hone_loader_next(part, &b));
            cr_assert(a.size == b.size && a.index == b.index && a.epoch == b.epoch);
            for (int i = 0; i < a.size; i++)
                cr_assert(hone_at(a.y, i) == hone_at(b.y, i));
            hone_loader_free(part);
        }
        CHECK_FAILS(hone_loader_set_position(all, 0, 4), HONE_E_VALUE, "batch 4 of an epoch of 3");
        CHECK_FAILS(hone_loader_set_position(all, 0, -1), HONE_E_VALUE, "batch -1");
        CHECK_FAILS(hone_loader_set_position(all, -1, 0), HONE_E_VALUE,
                    "loader_set_position: epoch -1 (0 to 2^53");
        int64_t n;
        CHECK_FAILS(hone_loader_position(NULL, &n, &n), HONE_E_NULL, "loader_position");
        CHECK_FAILS(hone_loader_position(all, NULL, &n), HONE_E_NULL, "loader_position");
        CHECK_FAILS(hone_loader_set_position(NULL, 0, 0), HONE_E_NULL, "loader_set_position");
        hone_loader_free(all);
    }
    hone_dataset_free(&set);
}

/* Over many epochs each sample is in each place about equally often. */
Test(loader, every_place_is_as_likely_as_another)
{
    enum { SAMPLES = 4, EPOCHS = 4000 };
    int counts[SAMPLES][SAMPLES] = { { 0 } };
    hone_dataset set = counting(SAMPLES);
    hone_loader *loader =
        loader_of(&set, (hone_loader_options){ .batch_size = 4, .shuffle = true });
    hone_batch b;
    for (int e = 0; e < EPOCHS; e++) {
        cr_assert(hone_loader_next(loader, &b));
        for (int i = 0; i < SAMPLES; i++)
            counts[i][(int)hone_at(b.y, i)]++;
        cr_assert(!hone_loader_next(loader, &b));
    }
    for (int i = 0; i < SAMPLES; i++) /* 1000 +- 4 standard deviations of 27 */
        for (int k = 0; k < SAMPLES; k++)
            cr_assert(abs(counts[i][k] - EPOCHS / SAMPLES) < 110, "%d", counts[i][k]);
    hone_loader_free(loader);
    hone_dataset_free(&set);
}

Test(loader, a_shuffled_batch_reuses_its_memory_unless_somebody_holds_it)
{
    hone_dataset set = counting(8);
    hone_loader *loader =
        loader_of(&set, (hone_loader_options){ .batch_size = 2, .shuffle = true });
    hone_batch b;
    cr_assert(hone_loader_next(loader, &b));
    const void *memory = hone_data(b.x);
    cr_assert(hone_loader_next(loader, &b));
    cr_assert(hone_data(b.x) == memory);

    hone_tensor *held = hone_retain(b.x), *copy = hone_clone(held);
    cr_assert(hone_loader_next(loader, &b));
    cr_assert(hone_data(b.x) != memory && hone_equal(held, copy));
    hone_release(held);

    hone_tensor *view = hone_retain(hone_slice(b.y, 0, 0, 1, 1));
    const double was = hone_at(view, 0);
    cr_assert(hone_loader_next(loader, &b));
    cr_assert(hone_at(view, 0) == was);
    hone_release(view);
    hone_loader_free(loader);
    hone_dataset_free(&set);
}

Test(loader, a_set_in_memory_need_not_outlive_it)
{
    hone_dataset set = counting(4);
    hone_loader *loader = loader_of(&set, (hone_loader_options){ .batch_size = 4 });
    hone_dataset_free(&set);
    hone_batch b;
    cr_assert(hone_loader_next(loader, &b));
    CHECK_VALUES(b.y, HONE_I64, (4), 0, 1, 2, 3);
    hone_loader_free(loader);
}

/* ---- sets that are not in memory */

static int64_t squares_size(const hone_dataset *set)
{
    return *(int64_t *)set->state;
}

/* In sets of 100 to 103 something is wrong with sample 99. */
static hone_status squares_sample(const hone_dataset *set, int64_t index, hone_tensor **x,
                                  hone_tensor **y)
{
    const int64_t size = squares_size(set);
    if (size == 100 && index == 99)
        return hone_error_set(HONE_E_IO, "squares: sample %lld is lost", (long long)index);
    if (size == 101 && index == 99)
        return HONE_OK; /* gives nothing */
    *x = hone_full(HONE_F32, (double)(index * index), size == 102 && index == 99 ? 3 : 2);
    *y = hone_scalar(size == 103 && index == 99 ? HONE_F32 : HONE_I64, (double)index);
    return HONE_OK;
}

static int destroyed;

static void squares_destroy(hone_dataset *set)
{
    (void)set;
    destroyed++;
}

static const hone_dataset_class squares = { "squares", squares_size, squares_sample,
                                            squares_destroy };

Test(loader, sets_with_a_class_give_samples)
{
    int64_t n = 5;
    hone_dataset set = { .type = &squares, .state = &n };
    hone_loader *loader = loader_of(&set, (hone_loader_options){ .batch_size = 3 });
    hone_batch b;
    cr_assert(hone_dataset_size(&set) == 5);
    cr_assert(hone_loader_next(loader, &b));
    CHECK_VALUES(b.x, HONE_F32, (3, 2), 0, 0, 1, 1, 4, 4);
    CHECK_VALUES(b.y, HONE_I64, (3), 0, 1, 2);
    cr_assert(hone_loader_next(loader, &b));
    CHECK_VALUES(b.x, HONE_F32, (2, 2), 9, 9, 16, 16);
    cr_assert(!hone_loader_next(loader, &b));
    hone_loader_free(loader);
    hone_dataset_free(&set);
    cr_assert(destroyed == 1);
}

static void check_bad_sample(int64_t n, hone_status code, const char *text)
{
    hone_dataset set = { .type = &squares, .state = &n };
    hone_loader *loader = loader_of(&set, (hone_loader_options){ .batch_size = 90 });
    hone_batch b;
    cr_assert(hone_loader_next(loader, &b) && b.size == 90);
    cr_assert(!hone_loader_next(loader, &b) && !b.x);
    CHECK_ERROR(code, text);
    hone_loader_free(loader);
    hone_dataset_free(&set);
}

Test(loader, a_sample_that_fails_ends_the_loop_with_an_error)
{
    check_bad_sample(100, HONE_E_IO, "sample 99 is lost");
    check_bad_sample(101, HONE_E_NULL, "squares gave no sample 99");
    check_bad_sample(102, HONE_E_SHAPE,
                     "loader: the samples of squares differ: x of sample 99 is f32 [3], that of "
                     "sample 90 in the same batch f32 [2]");
    check_bad_sample(103, HONE_E_SHAPE,
                     "y of sample 99 is f32 [], that of sample 90 in the same "
                     "batch i64 []");
}

/* ---- bad calls */

Test(loader, calls_that_make_no_sense)
{
    hone_dataset set = counting(3), none = { 0 }, other;
    hone_batch b;
    CHECK_FAILS(hone_loader_new(NULL, NULL), HONE_E_NULL, "loader");
    CHECK_FAILS(hone_loader_new(&set, (&(hone_loader_options){ .batch_size = -2 })), HONE_E_VALUE,
                "batches of -2");
    CHECK_FAILS(hone_loader_new(&none, NULL), HONE_E_VALUE, "out of 0 samples");
    CHECK_FAILS(
        hone_loader_new(&set, (&(hone_loader_options){ .batch_size = 4, .drop_last = true })),
        HONE_E_VALUE, "left out");
    cr_assert(!hone_loader_next(NULL, &b) && hone_loader_batches(NULL) == -1);
    CHECK_ERROR(HONE_E_NULL, "loader_next");
    hone_loader_free(NULL);
    hone_dataset_free(NULL);
    hone_dataset_free(&none);
    hone_loader *loader = loader_of(&set, (hone_loader_options){ .shuffle = true });
    CHECK_FAILS(hone_loader_set_epoch(loader, -1), HONE_E_VALUE, "epoch -1 (0 to 2^53");
    CHECK_FAILS(hone_loader_set_epoch(loader, INT64_MAX), HONE_E_VALUE,
                "epoch 9223372036854775807");
    CHECK_OK(hone_loader_set_epoch(loader, INT64_C(1) << 53));
    cr_assert(hone_loader_next(loader, &b));
    hone_loader_free(loader);
    CHECK_FAILS(hone_dataset_from(set.x, T(HONE_I64, (2), 1, 2), &other), HONE_E_SHAPE,
                "[3, 2] inputs and [2] targets");
    CHECK_FAILS(hone_dataset_from(T0(HONE_F32, 1), set.y, &other), HONE_E_SHAPE, "[] inputs");
    CHECK_FAILS(hone_dataset_from(NULL, set.y, &other), HONE_E_NULL, "dataset_from");
    CHECK_FAILS(hone_dataset_from(set.x, set.y, NULL), HONE_E_NULL, "dataset_from");
    cr_assert(hone_dataset_size(NULL) == -1);
    CHECK_ERROR(HONE_E_NULL, "dataset_size");
    hone_dataset_free(&set);
}

/* hone_dataset is public: its fields may have been filled by hand. */
Test(loader, sets_filled_by_hand_are_checked)
{
    hone_tensor *x = hone_zeros(HONE_F32, 1000, 4), *scalar = T0(HONE_F32, 1);
    const hone_dataset sets[] = {
        { .x = x, .y = T(HONE_F32, (1), 1) },
        { .x = x, .y = scalar },
        { .x = scalar, .y = x },
        { .x = scalar, .y = scalar },
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        hone_dataset set = sets[i];
        for (int shuffle = 0; shuffle < 2; shuffle++) {
            const hone_loader_options o = { .batch_size = 10, .shuffle = shuffle };
            CHECK_FAILS(hone_loader_new(&set, &o), HONE_E_SHAPE, "loader: ");
        }
        CHECK_FAILS(hone_dataset_limit(&set, 5), HONE_E_SHAPE, "dataset_limit: ");
        cr_assert(set.x == sets[i].x && set.y == sets[i].y);
    }
    hone_dataset half = { .x = x };
    CHECK_FAILS(hone_loader_new(&half, NULL), HONE_E_NULL, "loader");
    CHECK_FAILS(hone_dataset_limit(&half, 5), HONE_E_NULL, "dataset_limit");
}

Test(loader, limits)
{
    hone_dataset set = counting(3), none = { 0 };
    CHECK_OK(hone_dataset_limit(&set, 5));
    cr_assert(hone_dataset_size(&set) == 3);
    CHECK_OK(hone_dataset_limit(&set, 2));
    CHECK_VALUES(set.x, HONE_F32, (2, 2), 0, 1, 2, 3);
    CHECK_VALUES(set.y, HONE_I64, (2), 0, 1);
    CHECK_FAILS(hone_dataset_limit(&set, 0), HONE_E_VALUE, "0 samples");
    CHECK_FAILS(hone_dataset_limit(&none, 1), HONE_E_STATE, "memory");
    CHECK_FAILS(hone_dataset_limit(NULL, 1), HONE_E_NULL, "dataset_limit");
    hone_dataset_free(&set);
}

static bool one_epoch(void)
{
    HONE_SCOPE();
    hone_dataset set = { 0 };
    hone_loader *loader = NULL;
    int n = 0;
    if (hone_dataset_from(hone_ones(HONE_F32, 5, 2), hone_ones(HONE_I64, 5), &set) == HONE_OK)
        loader = hone_loader_new(&set, &(hone_loader_options){ .batch_size = 2, .shuffle = true });
    hone_batch b;
    while (loader && hone_loader_next(loader, &b))
        n++;
    hone_loader_free(loader);
    hone_dataset_free(&set);
    return n == 3;
}

Test(loader, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(one_epoch);
}
