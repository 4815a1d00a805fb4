/* Orders of an epoch (weighted, stratified) and parts of sets. */
#include "support.h"

#include <hone/data.h>
#include <hone/ops.h>
#include <hone/pictures.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

SUITE(samplers);

/* x: f32 [1] of the number; y: its class, of so many each in turn. */
static hone_dataset classes(const int *count, int n_classes)
{
    int64_t n = 0;
    for (int c = 0; c < n_classes; c++)
        n += count[c];
    hone_tensor *y = hone_zeros(HONE_I64, n);
    int64_t *label = hone_data(y), at = 0;
    for (int c = 0; c < n_classes; c++)
        for (int i = 0; i < count[c]; i++)
            label[at++] = c;
    hone_dataset set;
    CHECK_OK(
        hone_dataset_from(hone_reshape(hone_arange(HONE_F32, 0, (double)n, 1), n, 1), y, &set));
    return set;
}

/* An epoch's samples and classes, one after the other. */
static int64_t read_epoch(hone_loader *loader, int64_t *index, int64_t *label)
{
    hone_batch b;
    int64_t n = 0;
    while (hone_loader_next(loader, &b)) {
        HONE_SCOPE();
        for (int64_t i = 0; i < hone_size(b.x, 0); i++, n++) {
            index[n] = (int64_t)hone_at(b.x, i, 0);
            label[n] = (int64_t)hone_at(b.y, i);
        }
    }
    cr_assert(hone_error_code() == HONE_OK, "%s", hone_error_message());
    return n;
}

Test(samplers, stratified_batches_have_each_class_in_proportion)
{
    const int count[] = { 50, 30, 15, 5 };
    hone_dataset set = classes(count, 4);
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        hone_loader *loader = hone_loader_new(
            &set, &(hone_loader_options){
                      .batch_size = 20, .stratify = true, .shuffle = shuffle, .seed = 5 });
        cr_assert(loader, "%s", hone_error_message());
        int64_t index[2][100], label[2][100];
        for (int e = 0; e < 2; e++) {
            bool seen[100] = { false };
            cr_assert(read_epoch(loader, index[e], label[e]) == 100);
            for (int from = 0; from < 100; from += 20) {
                int here[4] = { 0 };
                for (int i = from; i < from + 20; i++) {
                    here[label[e][i]]++;
                    cr_assert(!seen[index[e][i]], "twice");
                    seen[index[e][i]] = true;
                }
                for (int c = 0; c < 4; c++)
                    cr_assert(fabs(here[c] - count[c] / 5.0) < 2, "class %d: %d", c, here[c]);
            }
            for (int c = 0, far = 0; c < 4; c++) { /* each prefix too */
                double so_far = 0;
                for (int i = 0; i < 100; i++) {
                    so_far += label[e][i] == c;
                    far += fabs(so_far - (i + 1) * count[c] / 100.0) > 2;
                }
                cr_assert(far == 0);
            }
        }
        cr_assert((memcmp(index[0], index[1], sizeof index[0]) == 0) == !shuffle);
        CHECK_OK(hone_loader_set_epoch(loader, 1)); /* of its number alone */
        read_epoch(loader, index[0], label[0]);
        cr_assert(memcmp(index[0], index[1], sizeof index[0]) == 0);
        hone_loader_free(loader);
    }
    hone_dataset_free(&set);
}

Test(samplers, weights_draw_with_replacement)
{
    const int count[] = { 10 };
    hone_dataset set = classes(count, 1);
    hone_tensor *weights = T(HONE_F32, (10), 0, 1, 2, 3, 4, 0, 0, 0, 10, 0);
    hone_loader *loader =
        hone_loader_new(&set, &(hone_loader_options){ .batch_size = 10, .weights = weights });
    int drawn[10] = { 0 };
    int64_t index[10], label[10], again[10];
    for (int e = 0; e < 2000; e++) {
        cr_assert(read_epoch(loader, index, label) == 10);
        for (int i = 0; i < 10; i++)
            drawn[index[i]]++;
    }
    for (int i = 0; i < 10; i++) { /* 5 standard deviations */
        const double p = hone_at(weights, i) / 20, wanted = 20000 * p;
        cr_assert(fabs(drawn[i] - wanted) <= 5 * sqrt(wanted * (1 - p)), "%d: %d", i, drawn[i]);
    }
    CHECK_OK(hone_loader_set_epoch(loader, 1999));
    read_epoch(loader, again, label);
    cr_assert(memcmp(index, again, sizeof index) == 0);
    hone_loader_free(loader);
    hone_dataset_free(&set);
}

Test(samplers, that_make_no_sense)
{
    const int count[] = { 3, 3 };
    hone_dataset set = classes(count, 2), numbers;
    CHECK_OK(hone_dataset_from(hone_ones(HONE_F32, 3, 2), hone_ones(HONE_F32, 3), &numbers));
    const double bad[][6] = { { 1, 1, 1, 1, 1, -1 }, { 0 }, { 1, 1, NAN, 1, 1, 1 } };
    const char *const why[] = { "the weight of sample 5 is -1", "add up to 0", "sample 2 is nan" };
    for (int i = 0; i < 3; i++) {
        hone_tensor *w = hone_from_data(HONE_F64, bad[i], 6);
        CHECK_FAILS(hone_loader_new(&set, &(hone_loader_options){ .weights = w }), HONE_E_VALUE,
                    why[i]);
    }
    hone_tensor *few = hone_ones(HONE_F32, 5);
    CHECK_FAILS(hone_loader_new(&set, &(hone_loader_options){ .weights = few }), HONE_E_SHAPE,
                "loader: weights f32 [5] for 6 samples");
    hone_tensor *w = hone_ones(HONE_F32, 6);
    CHECK_FAILS(hone_loader_new(&set, &(hone_loader_options){ .weights = w, .stratify = true }),
                HONE_E_VALUE, "either weights or stratified");
    CHECK_FAILS(hone_loader_new(&numbers, &(hone_loader_options){ .stratify = true }), HONE_E_DTYPE,
                "loader: classes in i64, one a sample, are wanted, but y is f32 []");
    hone_dataset_free(&numbers);
    hone_dataset_free(&set);
}

/* ---- parts */

Test(samplers, splits_have_every_sample_once)
{
    const int count[] = { 60, 30, 10 };
    hone_dataset set = classes(count, 3);
    const double part[] = { 0.5, 0.3, 0.2 };
    for (int kind = 0; kind < 3; kind++) {
        hone_dataset out[3];
        const hone_split_options o = { .seed = 7, .stratify = kind == 1, .in_order = kind == 2 };
        CHECK_OK(hone_dataset_split(&set, part, 3, &o, out));
        bool seen[100] = { false };
        int64_t index[100], label[100];
        for (int p = 0; p < 3; p++) {
            const int64_t n = hone_dataset_size(&out[p]);
            int here[3] = { 0 };
            cr_assert(n == (int64_t)(100 * part[p] + 0.5));
            hone_loader *loader =
                hone_loader_new(&out[p], &(hone_loader_options){ .batch_size = 9 });
            cr_assert(read_epoch(loader, index, label) == n);
            for (int64_t i = 0; i < n; i++) {
                cr_assert(!seen[index[i]]);
                seen[index[i]] = true;
                here[label[i]]++;
            }
            for (int c = 0; kind == 1 && c < 3; c++)
                cr_assert(fabs(here[c] - count[c] * part[p]) <= 1.5, "%d of %d", here[c], c);
            cr_assert(kind != 2 || index[0] == (p == 0 ? 0 : p == 1 ? 50 : 80));
            hone_loader_free(loader);
            hone_dataset_free(&out[p]);
        }
    }
    hone_dataset_free(&set);
}

/* What is drawn for a sample is the same in a part of the set as in the whole. */
Test(samplers, a_part_keeps_what_is_drawn)
{
    hone_dataset pictures, all, some, stratified;
    CHECK_OK(hone_dataset_pictures(HONE_TRAIN, 20, 0, &pictures));
    CHECK_OK(hone_dataset_transformed(&pictures, "flip+crop:28", NULL, &all));
    const int64_t index[] = { 17, 3, 3, 8 };
    CHECK_OK(hone_dataset_subset(&all, index, 4, &some));
    hone_tensor *want = hone_dataset_batch(&all, index, 4).at[0];
    const int64_t order[] = { 0, 1, 2, 3 };
    cr_assert(test_same_bits(hone_dataset_batch(&some, order, 4).at[0], want), "%s",
              hone_error_message());
    const double half[] = { 0.5 };
    CHECK_OK(hone_dataset_split(&all, half, 1, &(hone_split_options){ .stratify = true },
                                &stratified)); /* classes are told through the transform */
    hone_dataset_free(&stratified);
    hone_dataset_free(&some);
    hone_dataset_free(&all);
    hone_dataset_free(&pictures);
}

Test(samplers, parts_that_make_no_sense)
{
    const int count[] = { 3, 3 };
    hone_dataset set = classes(count, 2), out[2];
    const int64_t index[] = { 0, 6 };
    CHECK_FAILS(hone_dataset_subset(&set, index, 2, out), HONE_E_VALUE,
                "dataset_subset: sample 6 of 6");
    CHECK_FAILS(hone_dataset_subset(&set, index, 0, out), HONE_E_VALUE,
                "dataset_subset: 0 samples");
    const double bad[][2] = { { 0.5, 0.6 }, { 0.5, 0 }, { 0.99, 0.01 } };
    const char *const why[] = { "add up to 1.1", "part 1 is 0", "0.01 of 6 samples is none" };
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(hone_dataset_split(&set, bad[i], 2, NULL, out), HONE_E_VALUE, why[i]);
    CHECK_FAILS(hone_dataset_split(&set, NULL, 2, NULL, out), HONE_E_NULL, "dataset_split");
    hone_dataset_free(&set);
}
