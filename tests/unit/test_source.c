/* Data by name: kinds, arguments, what is built in. */
#include "files.h"
#include "support.h"

#include <hone/formats.h>
#include <hone/ops.h>
#include <hone/tokenizer.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

SUITE_WITH_FILES(source);

static hone_source opened(const char *what, hone_source_options options)
{
    hone_source s;
    cr_assert(hone_source_open(what, &options, &s) == HONE_OK, "%s", hone_error_message());
    return s;
}

Test(source, built_in_sets)
{
    hone_source s = opened("digits", (hone_source_options){ .limit = 20 });
    cr_assert(s.task == HONE_TASK_CLASSES && s.n_classes == 10 && s.pictures);
    cr_assert(hone_dataset_size(&s.train) == 20 && hone_dataset_size(&s.test) == 20);
    hone_source_free(&s);
    s = opened("pictures", (hone_source_options){ .limit = 5, .no_train = true });
    cr_assert(hone_dataset_size(&s.train) == 0 && hone_dataset_size(&s.test) == 5);
    cr_assert_str_eq(s.class_names[9], "dots");
    hone_source_free(&s);
    s = opened("text:4000", (hone_source_options){ .window = 10 });
    cr_assert(s.task == HONE_TASK_TOKENS && s.n_classes == 256 && s.entropy > 0.4);
    cr_assert(hone_dataset_size(&s.train) == 399 && hone_dataset_size(&s.test) == 39);
    hone_source_free(&s);
    hone_source_free(NULL);
}

/* The bytes of a file, mapped: windows without a copy, the last tenth for tests. */
Test(source, the_bytes_of_a_file)
{
    uint8_t bytes[200];
    for (int i = 0; i < 200; i++)
        bytes[i] = (uint8_t)(i + 50);
    char name[400];
    snprintf(name, sizeof name, "text:%s", test_write("a.bin", bytes, sizeof bytes));
    hone_source s = opened(name, (hone_source_options){ .window = 6 });
    cr_assert(hone_dataset_size(&s.train) == 29 && hone_dataset_size(&s.test) == 3);
    const int64_t index[] = { 1 };
    hone_tensor_list batch = hone_dataset_batch(&s.train, index, 1);
    CHECK_VALUES(batch.at[0], HONE_I64, (1, 6), 56, 57, 58, 59, 60, 61);
    CHECK_VALUES(batch.at[1], HONE_I64, (1, 6), 57, 58, 59, 60, 61, 62);
    batch = hone_dataset_batch(&s.test, index, 1);
    CHECK_VALUES(batch.at[0], HONE_I64, (1, 6), 236, 237, 238, 239, 240, 241);
    hone_loader *loader = hone_loader_new(&s.train, &(hone_loader_options){ .batch_size = 29 });
    hone_batch b;
    cr_assert(hone_loader_next(loader, &b) && hone_at(b.y, 28, 5) == 224);
    hone_loader_free(loader);
    hone_source_free(&s);
    s = opened(name, (hone_source_options){ .window = 6, .whole = true });
    cr_assert(hone_dataset_size(&s.train) == 0 && hone_dataset_size(&s.test) == 33);
    hone_source_free(&s);
    test_write("a.txt", "a text that can be read", 23);
    s = opened(test_path("a.txt"), (hone_source_options){ .window = 1 }); /* known by its name */
    cr_assert_str_eq(s.kind, "text");
    hone_source_free(&s);
}

/* Nor does it wait for somebody who writes into it. */
Test(source, a_pipe_is_no_file_of_data, .timeout = 20)
{
    static const char *const kinds[] = { "",      "csv:",    "npz:",   "npy:",   "idx:",
                                         "text:", "tokens:", "cifar:", "images:" };
    cr_assert(mkfifo(test_path("pipe"), 0600) == 0);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char what[4200];
        hone_source s;
        snprintf(what, sizeof what, "%s%s", kinds[i], test_path("pipe"));
        cr_assert(hone_source_open(what, NULL, &s) != HONE_OK, "%s", kinds[i]);
        cr_assert(strstr(hone_error_message(), "pipe"), "%s: %s", kinds[i], hone_error_message());
        hone_error_clear();
    }
    cr_assert(!hone_tokenizer_open(test_path("pipe")));
    cr_assert(strstr(hone_error_message(), "is no regular file"), "%s", hone_error_message());
    hone_error_clear();
}

Test(source, what_is_refused)
{
    hone_source s;
    char name[400];
    CHECK_FAILS(hone_source_open(NULL, NULL, &s), HONE_E_NULL, "a source");
    CHECK_FAILS(hone_source_open("digits", NULL, NULL), HONE_E_NULL, "a place");
    CHECK_FAILS(hone_source_open(test_path("none"), NULL, &s), HONE_E_IO, "No such file");
    CHECK_FAILS(hone_source_open("digits:5", NULL, &s), HONE_E_VALUE, "nothing follows");
    CHECK_FAILS(hone_source_open("text:0", NULL, &s), HONE_E_VALUE, "from 1 to 1073741824 bytes");
    test_write("what", "\1\2\3", 3);
    CHECK_FAILS(hone_source_open(test_path("what"), NULL, &s), HONE_E_FORMAT, "what is none of ");
    CHECK_FAILS(hone_source_open("digits", &(hone_source_options){ .arguments = "size=3" }, &s),
                HONE_E_VALUE, "digits: data of kind digits has no argument 'size'; it takes none");
    CHECK_FAILS(hone_source_open("digits", &(hone_source_options){ .limit = -1 }, &s), HONE_E_VALUE,
                "a limit of -1");
    snprintf(name, sizeof name, "text:%s", test_path("what"));
    CHECK_FAILS(hone_source_open(name, NULL, &s), HONE_E_FORMAT, "too few for a window of 64");
    cr_assert(!s.own && !s.train.type);
}

static bool one_text(void)
{
    HONE_SCOPE();
    char name[400];
    hone_source s;
    snprintf(name, sizeof name, "text:%s", test_path("t"));
    const hone_source_options o = { .window = 2 };
    const bool done = hone_source_open(name, &o, &s) == HONE_OK;
    hone_source_free(&s);
    return done;
}

Test(source, failed_allocations_leave_nothing)
{
    test_write("t", "0123456789012345678901234567890123456789", 40);
    test_each_allocation_fails(one_text);
}
