#include "support.h"

#include "data/data.h"

#include <hone/data.h>
#include <hone/ops.h>

#include <string.h>

SUITE(pictures);

static uint64_t hash(const uint8_t *data, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ data[i]) * UINT64_C(0x100000001b3);
    return h;
}

Test(pictures, are_small_and_coloured)
{
    hone_dataset set;
    CHECK_OK(hone_dataset_pictures(HONE_TRAIN, 2000, 0, &set));
    cr_assert(hone_dtype_of(set.x) == HONE_U8 && hone_dtype_of(set.y) == HONE_I64);
    cr_assert(hone_size(set.x, 0) == 2000 && hone_size(set.x, 1) == 3 &&
              hone_size(set.x, 2) == 32 && hone_size(set.x, 3) == 32);
    int counts[10] = { 0 };
    const int64_t *labels = hone_data(set.y);
    for (int i = 0; i < 2000; i++) {
        cr_assert(labels[i] >= 0 && labels[i] <= 9);
        counts[labels[i]]++;
    }
    for (int d = 0; d < 10; d++) /* 200 +- 5 standard deviations of 13 */
        cr_assert(counts[d] > 135 && counts[d] < 265, "%d is there %d times", d, counts[d]);
    hone_dataset_free(&set);
    CHECK_OK(hone_dataset_pictures(HONE_TEST, 0, 0, &set));
    cr_assert(hone_dataset_size(&set) == 2000);
    hone_dataset_free(&set);
}

/* The same bytes on every machine and compiler; they change only when somebody wants them to. */
Test(pictures, have_always_the_same_bits)
{
    hone_dataset set;
    CHECK_OK(hone_dataset_pictures(HONE_TRAIN, 500, 1, &set));
    const uint64_t pictures = hash(hone_data(set.x), 500 * 3072);
    const uint64_t labels = hash(hone_data(set.y), 500 * 8);
    cr_assert(pictures == UINT64_C(0x5f03ab50e639637) && labels == UINT64_C(0x5d258a39c2d7b2c),
              "%#llx %#llx", (unsigned long long)pictures, (unsigned long long)labels);
    hone_dataset_free(&set);
}

Test(pictures, each_depends_on_seed_subset_and_index_alone)
{
    hone_dataset set;
    CHECK_OK(hone_dataset_pictures(HONE_TEST, 50, 7, &set));
    uint8_t picture[3072], other[3072];
    for (int i = 0; i < 50; i++) {
        const int label = hone__picture_draw(7, HONE_TEST, i, picture);
        cr_assert(label == (int)hone_at(set.y, i));
        cr_assert(memcmp(picture, (uint8_t *)hone_data(set.x) + i * 3072, 3072) == 0);
        hone__picture_draw(8, HONE_TEST, i, other);
        cr_assert(memcmp(picture, other, 3072) != 0);
        hone__picture_draw(7, HONE_TRAIN, i, other);
        cr_assert(memcmp(picture, other, 3072) != 0);
    }
    hone_dataset_free(&set);
}

Test(pictures, calls_that_make_no_sense)
{
    hone_dataset set;
    CHECK_FAILS(hone_dataset_pictures(HONE_TRAIN, -1, 0, &set), HONE_E_VALUE,
                "dataset_pictures: -1 pictures");
    cr_assert(!set.x && !set.y);
    CHECK_FAILS(hone_dataset_pictures((hone_subset)2, 10, 0, &set), HONE_E_VALUE, "subset 2");
    CHECK_FAILS(hone_dataset_pictures(HONE_TRAIN, 10, 0, NULL), HONE_E_NULL, "dataset_pictures");
}
