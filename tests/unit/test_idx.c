/* IDX files and MNIST: what is read, and every way in which a file can be wrong. */
#include "files.h"
#include "support.h"

#include <hone/data.h>
#include <hone/ops.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

SUITE_WITH_FILES(idx);

static const uint8_t bytes_2x3[] = { 0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255 };

Test(idx, reads_bytes_plain_and_gzipped)
{
    const char *plain = test_write("a", bytes_2x3, sizeof bytes_2x3);
    const char *gz = test_write_gz("a.gz", bytes_2x3, sizeof bytes_2x3);
    CHECK_VALUES(hone_idx_read(plain), HONE_U8, (2, 3), 1, 2, 3, 4, 5, 255);
    CHECK_VALUES(hone_idx_read(gz), HONE_U8, (2, 3), 1, 2, 3, 4, 5, 255);
}

#define READ(...)                                                                                  \
    hone_idx_read(test_write("a", ((const uint8_t[]){ __VA_ARGS__ }),                              \
                             sizeof((const uint8_t[]){ __VA_ARGS__ })))

Test(idx, reads_the_other_types)
{
    CHECK_VALUES(READ(0, 0, 9, 1, 0, 0, 0, 3, 1, 0x80, 0xff), HONE_I32, (3), 1, -128, -1);
    CHECK_VALUES(READ(0, 0, 11, 1, 0, 0, 0, 2, 1, 2, 0xff, 0xfe), HONE_I32, (2), 258, -2);
    CHECK_VALUES(READ(0, 0, 12, 1, 0, 0, 0, 1, 0xff, 0, 0, 1), HONE_I32, (1), -16777215);
    CHECK_VALUES(READ(0, 0, 13, 1, 0, 0, 0, 1, 0xbf, 0x80, 0, 0), HONE_F32, (1), -1);
    CHECK_VALUE0(READ(0, 0, 14, 0, 0x40, 0, 0, 0, 0, 0, 0, 0), HONE_F64, 2);
    hone_tensor *empty = READ(0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 3);
    cr_assert(empty && hone_size(empty, 0) == 0 && hone_size(empty, 1) == 3);
}

Test(idx, files_that_are_not_there_or_cut)
{
    CHECK_FAILS(hone_idx_read(NULL), HONE_E_NULL, "path");
    CHECK_FAILS(hone_idx_read(test_path("none")), HONE_E_IO, "No such file");
    CHECK_FAILS(hone_idx_read(test_path("")), HONE_E_IO, "directory");
    CHECK_FAILS(hone_idx_read(test_write("a", "", 0)), HONE_E_FORMAT, "truncated");
    CHECK_FAILS(READ(0, 0, 8), HONE_E_FORMAT, "truncated: its magic number has 3 of 4 bytes");
    CHECK_FAILS(READ(0, 0, 8, 2, 0, 0), HONE_E_FORMAT, "its header has 2 of 8 bytes");
}

Test(idx, headers_that_are_wrong)
{
    CHECK_FAILS(READ(0, 1, 8, 1, 0, 0, 0, 1, 0), HONE_E_FORMAT, "magic number is 0x00010801");
    CHECK_FAILS(READ(0, 0, 7, 1, 0, 0, 0, 1, 0), HONE_E_FORMAT, "magic number is 0x00000701");
    CHECK_FAILS(READ(0, 0, 8, 9, 0, 0, 0, 1, 0), HONE_E_FORMAT, "magic number is 0x00000809");
    CHECK_FAILS(READ(0, 0, 8, 1, 0, 0, 0, 3, 1, 2), HONE_E_FORMAT, "[3] elements don't fit its 10");
    CHECK_FAILS(READ(0, 0, 8, 1, 0, 0, 0, 1, 1, 2), HONE_E_FORMAT, "longer than its header says");
    /* more than can be counted, and more than a file of this size can hold: no memory is taken */
    CHECK_FAILS(
        READ(0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
        HONE_E_FORMAT, "don't fit");
    const uint8_t bomb[] = { 0, 0, 8, 1, 0x7f, 0xff, 0xff, 0xff };
    CHECK_FAILS(hone_idx_read(test_write_gz("b.gz", bomb, sizeof bomb)), HONE_E_FORMAT,
                "don't fit");
}

/* Every prefix of a gzipped file, and every changed byte of it. */
Test(idx, truncated_and_damaged_gzip)
{
    size_t n;
    uint8_t data[300] = { 0, 0, 8, 1, 0, 0, 1, 36 };
    for (int i = 8; i < 300; i++)
        data[i] = (uint8_t)(i * i * 7);
    char *gz = test_read(test_write_gz("a.gz", data, sizeof data), &n);
    for (size_t length = 0; length < n; length++) {
        HONE_SCOPE();
        CHECK_FAILS(hone_idx_read(test_write("b.gz", gz, length)), HONE_E_FORMAT, "b.gz");
    }
    const size_t check_sum = n - 8;
    gz[check_sum] ^= 1;
    CHECK_FAILS(hone_idx_read(test_write("b.gz", gz, n)), HONE_E_FORMAT, "damaged");
    free(gz);
}

/* Gzipped in two streams that part at `cut`, with `n_extra` bytes behind them. */
static hone_tensor *read_two_streams(const uint8_t *data, size_t n, size_t cut, const char *extra,
                                     size_t n_extra)
{
    size_t n_first, n_second;
    char *first = test_read(test_write_gz("1.gz", data, cut), &n_first);
    char *second = test_read(test_write_gz("2.gz", data + cut, n - cut), &n_second);
    char *all = malloc(n_first + n_second + n_extra);
    cr_assert(all != NULL);
    memcpy(all, first, n_first);
    memcpy(all + n_first, second, n_second);
    memcpy(all + n_first + n_second, extra, n_extra);
    const char *path = test_write("both.gz", all, n_first + n_second + n_extra);
    free(first);
    free(second);
    free(all);
    return hone_idx_read(path);
}

/* gunzip reads streams one after the other as one, and passes over zeros at the end; all else
 * behind a stream is damage. */
Test(idx, what_follows_a_gzip_stream)
{
    enum { N = 70000 };
    static uint8_t data[8 + N] = { 0, 0, 8, 1, 0, 1, 0x11, 0x70 };
    uint32_t state = 1;
    for (int i = 8; i < 8 + N; i++)
        data[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
    static const size_t cuts[] = { 3, 8, 1000, 8 + N - 1, 8 + N };
    static char zeros[100001];
    static const size_t n_zeros[] = { 1, 2, 3, 5, 512, 8192, 100000 };
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        HONE_SCOPE();
        hone_tensor *t = read_two_streams(data, sizeof data, cuts[i], "", 0);
        cr_assert(t && memcmp(hone_data(t), data + 8, N) == 0);
        CHECK_FAILS(read_two_streams(data, sizeof data, cuts[i], "x", 1), HONE_E_FORMAT,
                    "both.gz has something after its gzip stream");
        for (size_t k = 0; k < sizeof n_zeros / sizeof *n_zeros; k++) {
            t = read_two_streams(data, sizeof data, cuts[i], zeros, n_zeros[k]);
            cr_assert(t && memcmp(hone_data(t), data + 8, N) == 0, "%zu zeros: %s", n_zeros[k],
                      hone_error_message());
            zeros[n_zeros[k]] = '\x1f';
            CHECK_FAILS(read_two_streams(data, sizeof data, cuts[i], zeros, n_zeros[k] + 1),
                        HONE_E_FORMAT, "both.gz has something after its gzip stream");
            zeros[n_zeros[k]] = 0;
        }
    }
}

/* ---- MNIST */

typedef struct {
    int n_images, n_labels;
    uint8_t label; /* of the last one */
    bool gz;
    const char *images_name, *labels_name;
} small_set;

static void write_set(small_set s)
{
    uint8_t images[16 + 8 * 4] = {
        0, 0, 8, 3, 0, 0, 0, (uint8_t)s.n_images, 0, 0, 0, 2, 0, 0, 0, 2
    };
    uint8_t labels[8 + 8] = { 0, 0, 8, 1, 0, 0, 0, (uint8_t)s.n_labels };
    for (int i = 0; i < s.n_images * 4; i++)
        images[16 + i] = (uint8_t)(10 * i);
    for (int i = 0; i < s.n_labels; i++)
        labels[8 + i] = i == s.n_labels - 1 ? s.label : (uint8_t)i;
    (s.gz ? test_write_gz : test_write)(s.images_name, images, 16 + 4 * (size_t)s.n_images);
    (s.gz ? test_write_gz : test_write)(s.labels_name, labels, 8 + (size_t)s.n_labels);
}

#define TRAIN_NAMES "train-images-idx3-ubyte", "train-labels-idx1-ubyte"

static void check_set(hone_subset subset)
{
    hone_dataset set;
    CHECK_OK(hone_mnist(test_path(""), subset, &set));
    CHECK_VALUES(set.x, HONE_U8, (2, 2, 2), 0, 10, 20, 30, 40, 50, 60, 70);
    CHECK_VALUES(set.y, HONE_I64, (2), 0, 9);
    cr_assert(hone_dataset_size(&set) == 2);
    hone_dataset_free(&set);
    cr_assert(!set.x && !set.y);
}

Test(idx, mnist_by_its_usual_names)
{
    write_set((small_set){ 2, 2, 9, false, TRAIN_NAMES });
    check_set(HONE_TRAIN);
}

Test(idx, mnist_gzipped_with_dots_in_mnist_raw)
{
    write_set((small_set){ 2, 2, 9, true, "MNIST/raw/t10k-images.idx3-ubyte.gz",
                           "MNIST/raw/t10k-labels.idx1-ubyte.gz" });
    check_set(HONE_TEST);
}

static void check_no_set(hone_status code, const char *text)
{
    hone_dataset set;
    memset(&set, 1, sizeof set);
    CHECK_FAILS(hone_mnist(test_path(""), HONE_TRAIN, &set), code, text);
    cr_assert(!set.x && !set.y && !set.type && !set.state);
}

Test(idx, mnist_without_a_directory_or_file)
{
    hone_dataset set;
    CHECK_FAILS(hone_mnist("/nowhere", HONE_TRAIN, &set), HONE_E_IO,
                "mnist: can't open the directory /nowhere: No such file");
    CHECK_FAILS(hone_mnist("/dev/null", HONE_TRAIN, &set), HONE_E_IO, "no directory");
    CHECK_FAILS(hone_mnist(NULL, HONE_TRAIN, &set), HONE_E_NULL, "mnist");
    CHECK_FAILS(hone_mnist("/", HONE_TRAIN, NULL), HONE_E_NULL, "mnist");
    CHECK_FAILS(hone_mnist("/", (hone_subset)7, &set), HONE_E_VALUE, "subset 7");
    check_no_set(HONE_E_IO, "there is no train-labels-idx1-ubyte");
    write_set((small_set){ 2, 2, 9, false, "other", "train-labels-idx1-ubyte" });
    check_no_set(HONE_E_IO, "there is no train-images-idx3-ubyte");
}

/* ---- several files for one of the four */

static const char *const image_names[] = {
    "train-images-idx3-ubyte",           "train-images-idx3-ubyte.gz",
    "train-images.idx3-ubyte",           "train-images.idx3-ubyte.gz",
    "MNIST/raw/train-images-idx3-ubyte", "MNIST/raw/train-images-idx3-ubyte.gz",
    "MNIST/raw/train-images.idx3-ubyte", "MNIST/raw/train-images.idx3-ubyte.gz",
};

typedef enum { FOLDER, EMPTY, CUT, WRONG_PAGE, NOWHERE, BAD_KINDS } bad_kind;

static void write_bad(bad_kind kind, const char *name)
{
    static const uint8_t cut[] = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2 };
    static const char page[] = "<!DOCTYPE html><title>404</title>";
    char inside[80];
    size_t n;
    char *gz = NULL;
    switch (kind) {
    case FOLDER:
        snprintf(inside, sizeof inside, "%s/file", name);
        test_write(inside, "", 0);
        return;
    case EMPTY:
        test_write(name, "", 0);
        return;
    case CUT:
        if (!strstr(name, ".gz")) {
            test_write(name, cut, sizeof cut);
            return;
        }
        gz = test_read(test_write_gz(name, cut, sizeof cut), &n);
        test_write(name, gz, n - 7);
        free(gz);
        return;
    case WRONG_PAGE:
        test_write(name, page, sizeof page - 1);
        return;
    case NOWHERE: /* a link to what is gone */
        test_write(name, "", 0);
        cr_assert(unlink(test_path(name)) == 0 && symlink("gone", test_path(name)) == 0);
        return;
    case BAD_KINDS:
        break;
    }
}

/* Whatever is wrong with the names that come first, the good one behind them is found. */
Test(idx, mnist_takes_the_first_file_that_can_be_read)
{
    for (bad_kind kind = 0; kind < BAD_KINDS; kind++) {
        for (int good = 1; good < 8; good++) {
            test_files_end();
            test_files_begin();
            for (int i = 0; i < good; i++)
                write_bad((bad_kind)((kind + i) % BAD_KINDS), image_names[i]);
            write_set(
                (small_set){ 2, 2, 9, good & 1, image_names[good],
                             good & 1 ? "train-labels-idx1-ubyte.gz" : "train-labels-idx1-ubyte" });
            check_set(HONE_TRAIN);
            cr_assert(hone_error_code() == HONE_OK);
        }
    }
}

Test(idx, mnist_names_what_was_passed_over)
{
    write_set((small_set){ 2, 2, 9, false, "other", "train-labels-idx1-ubyte" });
    write_bad(FOLDER, image_names[0]);
    check_no_set(HONE_E_IO, "mnist: can't open ");
    write_bad(CUT, image_names[1]);
    check_no_set(HONE_E_IO, "train-images-idx3-ubyte: Is a directory; ");
    check_no_set(HONE_E_IO, "train-images-idx3-ubyte.gz is ");
    write_bad(WRONG_PAGE, image_names[2]);
    check_no_set(HONE_E_IO, "train-images.idx3-ubyte is no IDX file");
}

/* Looking for a file that can be read is no error. */
Test(idx, mnist_passes_over_files_under_the_abort_policy)
{
    write_bad(EMPTY, image_names[0]);
    write_set((small_set){ 2, 2, 9, true, image_names[1], "train-labels-idx1-ubyte.gz" });
    hone_error_policy(HONE_ABORT);
    check_set(HONE_TRAIN);
    hone_error_policy(HONE_RETURN);
}

Test(idx, mnist_labels_out_of_range)
{
    write_set((small_set){ 2, 2, 10, false, TRAIN_NAMES });
    check_no_set(HONE_E_FORMAT, "train-labels-idx1-ubyte: label 1 is 10");
}

Test(idx, mnist_counts_that_differ)
{
    write_set((small_set){ 3, 2, 1, false, TRAIN_NAMES });
    check_no_set(HONE_E_FORMAT, "has 3 images, but");
}

Test(idx, mnist_files_exchanged)
{
    write_set((small_set){ 2, 2, 1, false, "train-labels-idx1-ubyte", "train-images-idx3-ubyte" });
    check_no_set(HONE_E_FORMAT, "train-labels-idx1-ubyte has the wrong magic number: 0x00000803");
}

static bool read_mnist(void)
{
    HONE_SCOPE();
    hone_dataset set;
    const bool ok = hone_mnist(test_path(""), HONE_TRAIN, &set) == HONE_OK;
    hone_dataset_free(&set);
    return ok;
}

Test(idx, failed_allocations_leave_nothing)
{
    write_set((small_set){ 2, 2, 9, true, TRAIN_NAMES });
    test_each_allocation_fails(read_mnist);
}
