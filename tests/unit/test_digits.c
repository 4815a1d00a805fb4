#include "support.h"

#include "data/data.h"

#include <hone/data.h>
#include <hone/ops.h>

#include <string.h>

SUITE(digits);

Test(digits, look_like_mnist)
{
    hone_dataset set;
    CHECK_OK(hone_digits(HONE_TRAIN, 2000, 0, &set));
    cr_assert(hone_dtype_of(set.x) == HONE_U8 && hone_dtype_of(set.y) == HONE_I64);
    cr_assert(hone_size(set.x, 0) == 2000 && hone_size(set.x, 1) == 28 && hone_dim(set.y) == 1);
    int counts[10] = { 0 };
    const int64_t *labels = hone_data(set.y);
    const uint8_t *pixels = hone_data(set.x);
    for (int i = 0; i < 2000; i++) {
        cr_assert(labels[i] >= 0 && labels[i] <= 9);
        counts[labels[i]]++;
        int bright = 0;
        for (int k = 0; k < 784; k++)
            bright += pixels[i * 784 + k] > 127;
        cr_assert(bright > 12 && bright < 400, "image %d has %d bright pixels", i, bright);
    }
    for (int d = 0; d < 10; d++) /* 200 +- 5 standard deviations of 13 */
        cr_assert(counts[d] > 135 && counts[d] < 265, "%d is there %d times", d, counts[d]);
    hone_dataset_free(&set);
}

static uint64_t hash(const uint8_t *data, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ data[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* The same bytes on every machine and compiler; they change only when somebody wants them to. */
Test(digits, have_always_the_same_bits)
{
    hone_dataset set;
    CHECK_OK(hone_digits(HONE_TRAIN, 500, 1, &set));
    const uint64_t images = hash(hone_data(set.x), 500 * 784);
    const uint64_t labels = hash(hone_data(set.y), 500 * 8);
    cr_assert(images == UINT64_C(0x9d9663e56b92ccb1) && labels == UINT64_C(0x57347b04fa14d445),
              "%#llx %#llx", (unsigned long long)images, (unsigned long long)labels);
    hone_dataset_free(&set);
}

Test(digits, each_depends_on_seed_subset_and_index_alone)
{
    hone_dataset set;
    CHECK_OK(hone_digits(HONE_TEST, 50, 7, &set));
    uint8_t image[784];
    for (int i = 0; i < 50; i++) {
        const int label = hone__digit_draw(7, HONE_TEST, i, image);
        cr_assert(label == (int)hone_at(set.y, i));
        cr_assert(memcmp(image, (uint8_t *)hone_data(set.x) + i * 784, 784) == 0);
        uint8_t other[784];
        hone__digit_draw(8, HONE_TEST, i, other);
        cr_assert(memcmp(image, other, 784) != 0);
        hone__digit_draw(7, HONE_TRAIN, i, other);
        cr_assert(memcmp(image, other, 784) != 0);
    }
    hone_dataset_free(&set);
}

Test(digits, calls_that_make_no_sense)
{
    hone_dataset set;
    CHECK_FAILS(hone_digits(HONE_TRAIN, -1, 0, &set), HONE_E_VALUE, "digits: -1 images");
    cr_assert(!set.x && !set.y);
    CHECK_FAILS(hone_digits((hone_subset)2, 10, 0, &set), HONE_E_VALUE, "subset 2");
    CHECK_FAILS(hone_digits(HONE_TRAIN, 10, 0, NULL), HONE_E_NULL, "digits");
}

static bool draw(void)
{
    HONE_SCOPE();
    hone_dataset set;
    const bool ok = hone_digits(HONE_TRAIN, 3, 0, &set) == HONE_OK;
    hone_dataset_free(&set);
    return ok;
}

Test(digits, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(draw);
}
