/* What a data set is: samples of several tensors, with or without a target, by classes of one's own. */
#include "support.h"

#include <hone/data.h>
#include <hone/ops.h>

#include <string.h>

SUITE(dataset);

/* ---- in memory */

Test(dataset, without_a_target)
{
    hone_dataset set;
    CHECK_OK(hone_dataset_from(T(HONE_F32, (3, 2), 1, 2, 3, 4, 5, 6), HONE_NONE, &set));
    cr_assert(hone_dataset_size(&set) == 3);
    hone_sample_layout layout;
    CHECK_OK(hone_dataset_layout(&set, -1, &layout));
    cr_assert(layout.n == 1 && layout.n_targets == 0 && layout.field[0].ndim == 1 &&
              layout.field[0].shape[0] == 2);
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        hone_loader *loader =
            hone_loader_new(&set, &(hone_loader_options){ .batch_size = 3, .shuffle = shuffle });
        hone_batch b;
        cr_assert(hone_loader_next(loader, &b) && b.y == HONE_NONE && hone_size(b.x, 0) == 3);
        cr_assert(hone_loader_fields(loader).n == 1);
        hone_loader_free(loader);
    }
    CHECK_OK(hone_dataset_limit(&set, 2));
    cr_assert(hone_dataset_size(&set) == 2 && set.y == HONE_NONE);
    const int64_t index[] = { 1, 0, 1 };
    const hone_tensor_list batch = hone_dataset_batch(&set, index, 3);
    cr_assert(batch.n == 1);
    CHECK_VALUES(batch.at[0], HONE_F32, (3, 2), 3, 4, 1, 2, 3, 4);
    hone_dataset_free(&set);
}

Test(dataset, several_tensors)
{
    hone_dataset set;
    hone_tensor *x = T(HONE_F32, (2, 2), 1, 2, 3, 4), *mask = T(HONE_BOOL, (2), 1, 0);
    hone_tensor *wide = hone_transpose(T(HONE_I64, (2, 2), 5, 6, 7, 8), 0, 1); /* not contiguous */
    CHECK_OK(hone_dataset_tensors(hone_list(x, mask, wide), 1, &set));
    hone_sample_layout layout;
    CHECK_OK(hone_dataset_layout(&set, 1, &layout));
    cr_assert(layout.n == 3 && layout.n_targets == 1);
    cr_assert_str_eq(layout.field[1].name, "x1");
    cr_assert_str_eq(layout.field[2].name, "y");
    hone_loader *loader = hone_loader_new(&set, &(hone_loader_options){ .batch_size = 2 });
    hone_batch b;
    cr_assert(hone_loader_next(loader, &b));
    CHECK_VALUES(b.x, HONE_F32, (2, 2), 1, 2, 3, 4);
    CHECK_VALUES(b.y, HONE_I64, (2, 2), 5, 7, 6, 8);
    const hone_tensor_list fields = hone_loader_fields(loader);
    cr_assert(fields.n == 3 && fields.at[0] == b.x && fields.at[2] == b.y);
    CHECK_VALUES(fields.at[1], HONE_BOOL, (2), 1, 0);
    hone_loader_free(loader);
    float x1[2];
    bool mask1;
    int64_t y1[2];
    CHECK_OK(hone_dataset_read(&set, &(hone_sample_place){ .index = 1 },
                               (void *const[]){ x1, &mask1, y1 }));
    cr_assert(x1[0] == 3 && x1[1] == 4 && !mask1 && y1[0] == 6 && y1[1] == 8);
    hone_dataset_free(&set);
}

/* ---- classes: words of different lengths, padded to the longest of a batch */

static const char *const words[] = { "a", "list", "of", "words" };

static int64_t words_size(const hone_dataset *set)
{
    (void)set;
    return 4;
}

static hone_status words_layout(const hone_dataset *set, int64_t index, hone_sample_layout *layout)
{
    const int64_t length = index < 0 ? -1 : (int64_t)strlen(words[index]);
    (void)set;
    *layout = (hone_sample_layout){ .field = { { "letters", HONE_U8, 1, { length } },
                                               { "length", HONE_I64, 0, { 0 } } },
                                    .n = 2,
                                    .n_targets = 1 };
    return HONE_OK;
}

static hone_status words_read(const hone_dataset *set, const hone_sample_place *place,
                              void *const *out)
{
    (void)set;
    const size_t n = strlen(words[place->index]);
    memcpy(out[0], words[place->index], n);
    *(int64_t *)out[1] = (int64_t)n;
    return HONE_OK;
}

static hone_status words_collate(const hone_dataset *set, hone_tensor *const *sample, int64_t n,
                                 int n_fields, hone_tensor **batch)
{
    (void)set;
    int64_t longest = 0;
    for (int64_t i = 0; i < n; i++)
        longest =
            hone_numel(sample[i * n_fields]) > longest ? hone_numel(sample[i * n_fields]) : longest;
    batch[0] = hone_zeros(HONE_U8, n, longest);
    batch[1] = hone_zeros(HONE_I64, n);
    for (int64_t i = 0; i < n; i++) {
        hone_tensor *letters = sample[i * n_fields];
        hone_copy_(hone_slice(hone_select(batch[0], 0, i), 0, 0, hone_numel(letters), 1), letters);
        hone_copy_(hone_select(batch[1], 0, i), sample[i * n_fields + 1]);
    }
    return hone_error_code();
}

static const hone_dataset_class words_class = { .name = "words",
                                                .size = words_size,
                                                .layout = words_layout,
                                                .read = words_read,
                                                .collate = words_collate };

Test(dataset, a_class_collates)
{
    hone_dataset set = { .type = &words_class };
    hone_loader *loader = hone_loader_new(&set, &(hone_loader_options){ .batch_size = 3 });
    hone_batch b;
    cr_assert(hone_loader_next(loader, &b), "%s", hone_error_message());
    CHECK_VALUES(b.x, HONE_U8, (3, 4), 'a', 0, 0, 0, 'l', 'i', 's', 't', 'o', 'f', 0, 0);
    CHECK_VALUES(b.y, HONE_I64, (3), 1, 4, 2);
    cr_assert(hone_loader_next(loader, &b) && hone_size(b.x, 1) == 5);
    cr_assert(!hone_loader_next(loader, &b) && hone_error_code() == HONE_OK);
    CHECK_FAILS(hone_loader_fields(loader).at, HONE_E_STATE, "no batch is given out");
    hone_loader_free(loader);
}

static hone_status no_collate(const hone_dataset *set, hone_tensor *const *sample, int64_t n,
                              int n_fields, hone_tensor **batch)
{
    (void)set, (void)sample, (void)n, (void)n_fields, (void)batch;
    return HONE_OK;
}

static hone_status bad_layout(const hone_dataset *set, int64_t index, hone_sample_layout *layout)
{
    words_layout(set, index, layout);
    layout->n_targets = 2;
    return HONE_OK;
}

static hone_status fails(const hone_dataset *set, const hone_sample_place *place, void *const *out)
{
    (void)set, (void)place, (void)out;
    return HONE_E_IO;
}

static void check_batch_fails(hone_dataset_class class_, hone_status code, const char *text)
{
    const int64_t index[] = { 0, 1 };
    const hone_dataset set = { .type = &class_ };
    CHECK_FAILS(hone_dataset_batch(&set, index, 2).at, code, text);
}

Test(dataset, what_a_class_can_get_wrong)
{
    hone_dataset_class class_ = words_class;
    class_.collate = NULL;
    check_batch_fails(class_, HONE_E_SHAPE, "the samples of words differ in their extents");
    class_.collate = no_collate;
    check_batch_fails(class_, HONE_E_NULL, "words collated no batch");
    class_ = words_class;
    class_.layout = bad_layout;
    check_batch_fails(class_, HONE_E_VALUE, "words gives a layout that makes no sense");
    class_ = words_class;
    class_.read = fails;
    check_batch_fails(class_, HONE_E_IO, "words can't read sample 0");
}

Test(dataset, calls_that_make_no_sense)
{
    hone_dataset set, none = { 0 };
    hone_sample_layout layout;
    const int64_t index[] = { 3 };
    hone_tensor *x = T(HONE_F32, (3), 1, 2, 3);
    CHECK_OK(hone_dataset_from(x, HONE_NONE, &set));
    CHECK_FAILS(hone_dataset_batch(&set, index, 1).at, HONE_E_VALUE, "sample 3 of 3");
    CHECK_FAILS(hone_dataset_batch(&set, index, 0).at, HONE_E_VALUE, "0 samples");
    CHECK_FAILS(hone_dataset_batch(&set, NULL, 1).at, HONE_E_NULL, "numbers");
    CHECK_FAILS(hone_dataset_batch(NULL, index, 1).at, HONE_E_NULL, "a data set");
    CHECK_FAILS(hone_dataset_layout(&set, 3, &layout), HONE_E_VALUE, "sample 3 of 3");
    CHECK_FAILS(hone_dataset_layout(&none, -1, &layout), HONE_E_VALUE, "sample -1 of 0");
    CHECK_FAILS(hone_dataset_layout(NULL, -1, &layout), HONE_E_NULL, "a data set");
    CHECK_FAILS(hone_dataset_read(&set, &(hone_sample_place){ .index = -1 }, (void *[]){ &layout }),
                HONE_E_VALUE, "sample -1 of 3");
    CHECK_FAILS(hone_dataset_read(&set, NULL, (void *[]){ &layout }), HONE_E_NULL, "a place");
    CHECK_FAILS(hone_loader_fields(NULL).at, HONE_E_NULL, "a loader");
    hone_dataset_free(&set);
    CHECK_FAILS(hone_dataset_tensors(hone_list(x, T(HONE_F32, (2), 1, 2)), 1, &set), HONE_E_SHAPE,
                "[3] inputs and [2] targets");
    CHECK_FAILS(hone_dataset_tensors(hone_list(x), 1, &set), HONE_E_VALUE,
                "1 tensors, of which 1 are targets");
    CHECK_FAILS(hone_dataset_tensors((hone_tensor_list){ NULL, 0 }, 1, &set), HONE_E_NULL,
                "a list");
}

static bool one_of_each(void)
{
    HONE_SCOPE();
    const int64_t index[] = { 2, 0 };
    hone_dataset set = { 0 }, all = { .type = &words_class };
    hone_tensor *x = hone_ones(HONE_F32, 5, 2);
    bool done = x && hone_dataset_tensors(hone_list(x, x), 0, &set) == HONE_OK &&
                hone_dataset_batch(&set, index, 2).at && hone_dataset_batch(&all, index, 2).at;
    hone_dataset_free(&set);
    return done;
}

Test(dataset, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(one_of_each);
}
