/* Sources of the kinds that files have: IDX of every set, CIFAR, numpy's arrays, token shards. */
#include "files.h"
#include "support.h"

#include <hone/files.h>
#include <hone/formats.h>
#include <hone/ops.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SUITE_WITH_FILES(kinds_of_data);

static hone_source opened(const char *what, hone_source_options options)
{
    hone_source s;
    cr_assert(hone_source_open(what, &options, &s) == HONE_OK, "%s", hone_error_message());
    return s;
}

#define PLAIN ((hone_source_options){ 0 })

static void refused(const char *what, const char *arguments, hone_status code, const char *text)
{
    hone_source s;
    const hone_source_options o = { .arguments = arguments };
    CHECK_FAILS(hone_source_open(what, &o, &s), code, text);
    cr_assert(!s.own && !s.train.type && !s.test.x);
}

static hone_tensor_list batch_of(const hone_dataset *set, int64_t n)
{
    int64_t index[64];
    for (int i = 0; i < 64; i++)
        index[i] = i;
    const hone_tensor_list list = hone_dataset_batch(set, index, n);
    cr_assert(list.at, "%s", hone_error_message());
    return list;
}

/* ---- IDX */

#define WRITE(name, ...)                                                                           \
    test_write(name, ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define WRITE_GZ(name, ...)                                                                        \
    test_write_gz(name, ((const uint8_t[]){ __VA_ARGS__ }),                                        \
                  sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void write_qmnist(void)
{
    WRITE("q/QMNIST/raw/qmnist-train-images-idx3-ubyte", 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0,
          0, 2, 1, 2, 3, 4);
    WRITE("q/QMNIST/raw/qmnist-train-labels-idx2-int", 0, 0, 12, 2, 0, 0, 0, 2, 0, 0, 0, 8, /**/
          0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0,
          0, 1, /**/
          0, 0, 0, 9, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0,
          0, 1);
    WRITE_GZ("q/QMNIST/raw/qmnist-test-images-idx3-ubyte.gz", 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0,
             0, 0, 2, 7, 8);
    WRITE_GZ("q/QMNIST/raw/qmnist-test-labels-idx2-int.gz", 0, 0, 12, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0,
             0, 0, 3, 0, 0, 0, 4);
}

static void check_qmnist(const char *arguments)
{
    hone_source s = opened(test_path("q"), (hone_source_options){ .arguments = arguments });
    cr_assert(s.task == HONE_TASK_CLASSES && s.n_classes == 10 && s.pictures);
    hone_tensor_list batch = batch_of(&s.train, 2);
    CHECK_VALUES(batch.at[0], HONE_U8, (2, 1, 2), 1, 2, 3, 4);
    CHECK_VALUES(batch.at[1], HONE_I64, (2), 5, 9);
    batch = batch_of(&s.test, 1);
    CHECK_VALUES(batch.at[0], HONE_U8, (1, 1, 2), 7, 8);
    CHECK_VALUES(batch.at[1], HONE_I64, (1), 3);
    hone_source_free(&s);
}

Test(kinds_of_data, qmnist_has_eight_numbers_a_label)
{
    write_qmnist();
    check_qmnist(NULL);
    check_qmnist("mapped=1");
}

Test(kinds_of_data, emnist_lies_turned_and_its_letters_begin_at_1)
{
    WRITE("e/emnist-letters-train-images-idx3-ubyte", 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,
          3, 1, 2, 3, 4, 5, 6);
    WRITE("e/emnist-letters-train-labels-idx1-ubyte", 0, 0, 8, 1, 0, 0, 0, 1, 26);
    WRITE("e/emnist-letters-test-images-idx3-ubyte", 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3,
          1, 2, 3, 4, 5, 6);
    WRITE("e/emnist-letters-test-labels-idx1-ubyte", 0, 0, 8, 1, 0, 0, 0, 1, 1);
    hone_source s = opened(test_path("e"), PLAIN);
    cr_assert(s.n_classes == 26);
    cr_assert_str_eq(s.class_names[25], "z");
    hone_tensor_list batch = batch_of(&s.train, 1);
    CHECK_VALUES(batch.at[0], HONE_U8, (1, 2, 3), 1, 3, 5, 2, 4, 6);
    CHECK_VALUES(batch.at[1], HONE_I64, (1), 25);
    hone_source_free(&s);
    WRITE("e/emnist-digits-train-images-idx3-ubyte", 0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0,
          3);
    refused(test_path("e"), NULL, HONE_E_VALUE, "has several sets: emnist-");
    s = opened(test_path("e"), (hone_source_options){ .arguments = "which=letters" });
    hone_source_free(&s);
    WRITE("e/emnist-letters-test-labels-idx1-ubyte", 0, 0, 8, 1, 0, 0, 0, 1, 0); /* N/A */
    s = opened(test_path("e"), (hone_source_options){ .arguments = "which=letters" });
    const int64_t first = 0;
    CHECK_FAILS(hone_dataset_batch(&s.test, &first, 1).at, HONE_E_FORMAT,
                "emnist-letters-test-labels-idx1-ubyte: sample 0: label is 0 (1 to 26 are wanted)");
    hone_source_free(&s);
}

Test(kinds_of_data, idx_of_floats)
{
    const uint8_t images[] = {
        0, 0, 13, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0
    };
    const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 1, 0 },
                  few[] = { 0, 0, 8, 1, 0, 0, 0, 1, 1 };
    const char *const names[] = { "f/my-train-images-idx2-float", "f/my-test-images.idx2-float" };
    for (int i = 0; i < 2; i++)
        test_write(names[i], images, sizeof images);
    test_write("f/my-train-labels-idx1-ubyte", labels, sizeof labels);
    test_write("f/my-test-labels-idx1-ubyte", labels, sizeof labels);
    hone_source s = opened(test_path("f"), PLAIN);
    cr_assert(!s.pictures && s.n_classes == 2);
    CHECK_VALUES(batch_of(&s.test, 2).at[0], HONE_F32, (2, 1), 1, -2);
    hone_source_free(&s);
    s = opened(test_path("f"), (hone_source_options){ .arguments = "mapped=1", .limit = 1 });
    cr_assert(hone_dataset_size(&s.train) == 1);
    CHECK_VALUES(batch_of(&s.train, 1).at[0], HONE_F32, (1, 1), 1);
    hone_source_free(&s);
    test_write("f/my-test-labels-idx1-ubyte", few, sizeof few);
    refused(test_path("f"), NULL, HONE_E_FORMAT, "holds 2 samples, but ");
    test_write("f/my-test-images.idx2-float", images, sizeof images - 1);
    refused(test_path("f"), "mapped=1", HONE_E_FORMAT, "[2, 1] elements don't fit its 19 bytes");
    refused(test_path("f"), NULL, HONE_E_FORMAT, "don't fit");
}

/* ---- CIFAR */

/* Records of such labels; the last one cut by so many bytes. */
static void write_cifar(const char *name, const uint8_t *labels, int n, int n_labels, int cut)
{
    const int size = 3072 + n_labels;
    uint8_t *bytes = malloc((size_t)(n * size));
    for (int i = 0; i < n; i++) {
        memcpy(bytes + i * size, labels + i * n_labels, (size_t)n_labels);
        for (int p = 0; p < 3072; p++)
            bytes[i * size + n_labels + p] = (uint8_t)(p / 1024 * 100 + i);
    }
    test_write(name, bytes, (size_t)(n * size - cut));
    free(bytes);
}

static void write_cifar10(void)
{
    const uint8_t labels[] = { 3, 9, 0 };
    char name[64];
    for (int i = 1; i <= 5; i++) {
        snprintf(name, sizeof name, "c/cifar-10-batches-bin/data_batch_%d.bin", i);
        write_cifar(name, labels, 2, 1, 0);
    }
    write_cifar("c/cifar-10-batches-bin/test_batch.bin", labels, 3, 1, 0);
    test_write("c/cifar-10-batches-bin/batches.meta.txt",
               "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n", 62);
}

Test(kinds_of_data, cifar_10)
{
    write_cifar10();
    hone_error_set(HONE_E_VALUE, "an older one"); /* is none of these data */
    hone_source s = opened(test_path("c"), PLAIN);
    hone_error_clear();
    cr_assert_str_eq(s.kind, "cifar");
    cr_assert(hone_dataset_size(&s.train) == 10 && hone_dataset_size(&s.test) == 3 && s.pictures);
    cr_assert(s.n_classes == 10 && s.class_names);
    cr_assert_str_eq(s.class_names[9], "truck");
    hone_tensor *x = batch_of(&s.test, 3).at[0];
    cr_assert(hone_size(x, 1) == 3 && hone_at(x, 2, 1, 31, 31) == 102 &&
              hone_at(x, 0, 2, 0, 0) == 200);
    CHECK_VALUES(batch_of(&s.test, 3).at[1], HONE_I64, (3), 3, 9, 0);
    hone_source_free(&s);
    const uint8_t bad[] = { 3, 10 };
    write_cifar("c/cifar-10-batches-bin/test_batch.bin", bad, 2, 1, 0);
    refused(test_path("c"), NULL, HONE_E_FORMAT,
            "test_batch.bin: record 1, at byte 3073: label 10 (0 to 9 are wanted)");
    write_cifar("c/cifar-10-batches-bin/test_batch.bin", bad, 1, 1, 5);
    refused(test_path("c"), NULL, HONE_E_FORMAT,
            "is truncated: record 0, at byte 0, has 3068 of 3073 bytes");
    write_cifar("c/cifar-10-batches-bin/test_batch.bin", bad, 2, 1, 0);
    s = opened(test_path("c"),
               (hone_source_options){ .arguments = "damaged=skip", .no_train = true });
    cr_assert(hone_dataset_size(&s.test) == 1 && s.skipped == 1);
    hone_source_free(&s);
}

Test(kinds_of_data, cifar_100_has_two_labels)
{
    const uint8_t labels[] = { 19, 99, 0, 5 };
    write_cifar("h/train.bin", labels, 2, 2, 0);
    write_cifar("h/test.bin", labels, 2, 2, 0);
    test_write("h/fine_label_names.txt", "apple\n", 6); /* not 100: no names */
    hone_source s = opened(test_path("h"), PLAIN);
    cr_assert(s.n_classes == 100 && !s.class_names);
    CHECK_VALUES(batch_of(&s.test, 2).at[1], HONE_I64, (2), 99, 5);
    hone_source_free(&s);
    s = opened(test_path("h"), (hone_source_options){ .arguments = "labels=coarse" });
    cr_assert(s.n_classes == 20);
    CHECK_VALUES(batch_of(&s.test, 2).at[1], HONE_I64, (2), 19, 0);
    hone_source_free(&s);
}

/* ---- numpy's arrays */

Test(kinds_of_data, npz)
{
#ifndef HONE_HAS_LIBZIP
    cr_skip_test("hone was built without libzip");
#endif
    hone_tensor *x = hone_reshape(hone_arange(HONE_F32, 0, 60, 1), 20, 3);
    hone_tensor *y = hone_arange(HONE_I64, 0, 20, 1), *z = hone_arange(HONE_F32, 0, 20, 1);
    const char *path = test_path("a.npz");
    CHECK_OK(hone_file_save(path, hone_list_named((hone_named){ "x", x }, (hone_named){ "y", y },
                                                  (hone_named){ "z", z })));
    hone_source s = opened(path, PLAIN);
    cr_assert_str_eq(s.kind, "npz");
    cr_assert(s.task == HONE_TASK_CLASSES && s.n_classes == 20 && hone_dataset_size(&s.test) == 2 &&
              hone_dataset_size(&s.train) == 18);
    const double first = hone_at(s.test.x, 0, 0);
    cr_assert(hone_at(s.test.y, 0) * 3 == first);
    hone_source_free(&s);
    s = opened(path, (hone_source_options){ .arguments = "y=z", .whole = true });
    cr_assert(s.task == HONE_TASK_NUMBERS && hone_dataset_size(&s.test) == 20 &&
              hone_dim(s.test.y) == 2);
    hone_source_free(&s);
    s = opened(path, (hone_source_options){ .arguments = "y=none" });
    cr_assert(s.task == HONE_TASK_NONE && s.test.y == HONE_NONE);
    hone_source_free(&s);
    refused(path, "x=w", HONE_E_VALUE, "a.npz has no array 'w'; it has x, y, z");
    refused(path, "y=z, task=classes", HONE_E_FORMAT, "targets of f32 [20] can't be classes");
}

Test(kinds_of_data, npy_is_mapped)
{
    CHECK_OK(
        hone_npy_save(test_path("x.npy"), hone_reshape(hone_arange(HONE_F32, 0, 60, 1), 20, 3)));
    CHECK_OK(hone_npy_save(test_path("y.npy"), hone_arange(HONE_I64, 0, 20, 1)));
    char arguments[300];
    snprintf(arguments, sizeof arguments, "targets=%s", test_path("y.npy"));
    hone_source s = opened(test_path("x.npy"), (hone_source_options){ .arguments = arguments });
    cr_assert(s.n_classes == 20 && hone_dataset_size(&s.train) == 18);
    hone_source_free(&s);
    s = opened(test_path("x.npy"), (hone_source_options){ .whole = true });
    cr_assert(s.task == HONE_TASK_NONE && hone_at(s.test.x, 19, 2) == 59);
    hone_source_free(&s);
    CHECK_OK(hone_npy_save(test_path("y.npy"), hone_arange(HONE_I64, 0, 19, 1)));
    refused(test_path("x.npy"), arguments, HONE_E_FORMAT,
            "inputs of f32 [20, 3] and targets of i64 [19]");
}

/* ---- token shards */

static void write_shard(const char *name, uint32_t magic, uint32_t version, uint32_t n,
                        int bytes_each, int cut)
{
    uint8_t *bytes = calloc(1, 1024 + (size_t)n * (size_t)bytes_each);
    const uint32_t header[] = { magic, version, n };
    memcpy(bytes, header, sizeof header);
    for (uint32_t i = 0; i < n; i++)
        bytes[1024 + i * (uint32_t)bytes_each] = (uint8_t)i;
    test_write(name, bytes, 1024 + (size_t)n * (size_t)bytes_each - (size_t)cut);
    free(bytes);
}

Test(kinds_of_data, token_shards)
{
    write_shard("s.bin", 20240520, 1, 100, 2, 0);
    hone_source s = opened(test_path("s.bin"), (hone_source_options){ .window = 4 });
    cr_assert_str_eq(s.kind, "tokens");
    cr_assert(s.task == HONE_TASK_TOKENS && s.n_classes == 50257);
    cr_assert(hone_dataset_size(&s.train) == 22 && hone_dataset_size(&s.test) == 2);
    CHECK_VALUES(batch_of(&s.test, 1).at[1], HONE_I64, (1, 4), 91, 92, 93, 94);
    hone_source_free(&s);
    write_shard("s.bin", 20240801, 7, 100, 4, 0);
    s = opened(test_path("s.bin"), (hone_source_options){ .window = 4, .whole = true });
    cr_assert(s.n_classes == 128256 && hone_dataset_size(&s.test) == 24);
    hone_source_free(&s);
    s = opened(test_path("s.bin"), (hone_source_options){ .window = 4, .arguments = "vocab=10" });
    const int64_t first = 0;
    CHECK_FAILS(hone_dataset_batch(&s.test, &first, 1).at, HONE_E_FORMAT,
                "s.bin: sample 0: tokens is 90 (0 to 9 are wanted)");
    hone_source_free(&s);
    write_shard("s.bin", 20240520, 1, 100, 2, 1);
    refused(test_path("s.bin"), NULL, HONE_E_FORMAT,
            "100 tokens of 2 bytes don't fit its 1223 bytes");
}

/* Several shards are one set, whose windows don't cross from one into the next. */
Test(kinds_of_data, a_folder_of_shards)
{
    const char *const names[] = { "d/x_train_000002.bin", "d/x_train_000001.bin",
                                  "d/x_val_000000.bin" };
    char what[300];
    write_shard(names[0], 20240520, 1, 11, 2, 0);
    write_shard(names[1], 20240520, 1, 23, 2, 0);
    write_shard(names[2], 20240520, 1, 9, 2, 0);
    snprintf(what, sizeof what, "tokens:%s", test_path("d"));
    hone_error_set(HONE_E_VALUE, "an older one");
    hone_source s = opened(what, (hone_source_options){ .window = 5 });
    hone_error_clear();
    cr_assert(hone_dataset_size(&s.train) == 6 && hone_dataset_size(&s.test) == 1);
    hone_tensor *x = batch_of(&s.train, 6).at[0];
    cr_assert(hone_at(x, 3, 4) == 19 && hone_at(x, 4, 0) == 0 && hone_at(x, 5, 0) == 5);
    hone_source_free(&s);
    s = opened(what, (hone_source_options){ .window = 5, .limit = 5 });
    cr_assert(hone_dataset_size(&s.train) == 5);
    hone_source_free(&s);
    test_write("n/x_train.bin", "\1\0\2\0", 4);
    snprintf(what, sizeof what, "tokens:%s", test_path("n"));
    refused(what, NULL, HONE_E_IO, "has no file whose name has val or test in it");
}

static const char *tried;

static bool open_it(void)
{
    HONE_SCOPE();
    hone_source s;
    const hone_source_options o = { .window = 2 };
    const bool done = hone_source_open(tried, &o, &s) == HONE_OK;
    hone_source_free(&s);
    return done;
}

Test(kinds_of_data, failed_allocations_leave_nothing)
{
    write_qmnist();
    tried = test_path("q");
    test_each_allocation_fails(open_it);
    write_cifar10();
    tried = test_path("c");
    test_each_allocation_fails(open_it);
    write_shard("d/train.bin", 20240520, 1, 11, 2, 0);
    write_shard("d/val.bin", 20240520, 1, 11, 2, 0);
    char what[300];
    snprintf(what, sizeof what, "tokens:%s", test_path("d"));
    tried = what;
    test_each_allocation_fails(open_it);
}
