/* test_events.c: event files: each is made of whole records with right checksums, whatever happens. What
 * TensorBoard makes of them is tests/cli/tensorboard.sh's. */
#include "files.h"
#include "support.h"

#include <hone/hone.h>

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

SUITE_WITH_FILES(events);

#ifdef HONE_HAS_PROTOBUF_C

/* By a table, as events.c doesn't. */
static uint32_t masked_crc32c(const unsigned char *data, size_t n)
{
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] & 1 ? table[i] >> 1 ^ 0x82f63b78u : table[i] >> 1;
    }
    for (size_t i = 0; i < n; i++)
        crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* The path of file number `which` in the order of names; NULL: there are fewer. */
static const char *file_of(const char *dir, int which)
{
    struct dirent **names;
    const char *path = NULL;
    char name[300];
    const int n = scandir(test_path(dir), &names, NULL, alphasort);
    cr_assert(n >= 2);
    for (int i = 0, k = 0; i < n; i++) {
        if (strncmp(names[i]->d_name, "events.out.tfevents.", 20) == 0 && k++ == which) {
            snprintf(name, sizeof name, "%s/%s", dir, names[i]->d_name);
            path = test_path(name);
        }
        free(names[i]);
    }
    free(names);
    return path;
}

/* How many records the file has; each is whole, and so is the last one. */
static int records(const char *path)
{
    size_t n, at = 0;
    int count = 0;
    unsigned char *data = (unsigned char *)test_read(path, &n);
    cr_assert(data);
    for (; at < n; count++) {
        uint64_t bytes;
        uint32_t crc;
        cr_assert(n - at >= 12);
        memcpy(&bytes, data + at, 8);
        memcpy(&crc, data + at + 8, 4);
        cr_assert(crc == masked_crc32c(data + at, 8), "record %d: its length", count);
        cr_assert(bytes <= n - at - 16, "record %d is cut", count);
        memcpy(&crc, data + at + 12 + bytes, 4);
        cr_assert(crc == masked_crc32c(data + at + 12, bytes), "record %d: its data", count);
        at += 16 + bytes;
    }
    free(data);
    return count;
}

Test(events, files_of_whole_records)
{
    char long_text[3000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    hone_events *e = hone_events_new(test_path("a/b/c"), NULL); /* the folders are made */
    cr_assert(e, "%s", hone_error_message());
    CHECK_OK(hone_events_scalar(e, "loss", 0, 0.5));
    CHECK_OK(hone_events_scalar(e, "loss", 1, NAN));
    CHECK_OK(hone_events_scalar(e, "loss", INT64_C(1) << 40, -INFINITY));
    CHECK_OK(hone_events_text(e, "text", 3, long_text));
    CHECK_OK(hone_events_text(e, "text", 4, ""));
    cr_assert(records(file_of("a/b/c", 0)) == 2 + 5);
    hone_events_free(e);
}

Test(events, a_file_a_run_one_behind_the_other)
{
    enum { RUNS = 4 };
    test_write("d/events.out.tfevents.9999999990.future.1", "", 0); /* a clock that was wrong */
    test_write("d/other", "", 0);
    for (int i = 0; i < RUNS; i++) {
        hone_events *e = hone_events_new(test_path("d"), &(hone_events_options){ .from_step = i });
        for (int k = 0; k < i; k++)
            CHECK_OK(hone_events_scalar(e, "loss", i + k, 1));
        hone_events_free(e);
    }
    for (int i = 0; i < RUNS; i++)
        cr_assert(records(file_of("d", 1 + i)) == 2 + i, "%d", i);
    cr_assert(!file_of("d", 1 + RUNS));
}

Test(events, an_event_that_can_not_be_written_leaves_nothing)
{
    hone_events *e = hone_events_new(test_path("d"), NULL);
    const struct rlimit small = { 500, RLIM_INFINITY }, none = { RLIM_INFINITY, RLIM_INFINITY };
    int64_t told = 0;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert(setrlimit(RLIMIT_FSIZE, &small) == 0);
    while (hone_events_scalar(e, "loss", told, 1) == HONE_OK)
        told++;
    CHECK_ERROR(HONE_E_IO, "File too large");
    cr_assert(setrlimit(RLIMIT_FSIZE, &none) == 0);
    cr_assert(told > 3 && records(file_of("d", 0)) == 2 + told);
    CHECK_OK(hone_events_scalar(e, "loss", told, 1)); /* there is room again */
    cr_assert(records(file_of("d", 0)) == 3 + told);
    hone_events_free(e);
}

Test(events, arguments_that_can_not_be)
{
    CHECK_FAILS(hone_events_new(NULL, NULL), HONE_E_NULL, "a directory");
    CHECK_FAILS(hone_events_new("x", &(hone_events_options){ .from_step = -1 }), HONE_E_VALUE,
                "from_step is -1");
    test_write("file", "", 0);
    CHECK_FAILS(hone_events_new(test_path("file"), NULL), HONE_E_IO, "file: Not a directory");
    CHECK_FAILS(hone_events_new(test_path("file/d"), NULL), HONE_E_IO, "Not a directory");
    hone_events *e = hone_events_new(test_path("d"), &(hone_events_options){ .from_step = 5 });
    CHECK_FAILS(hone_events_scalar(e, "loss", 4, 1), HONE_E_VALUE,
                "\"loss\" at step 4 of a run from step 5");
    CHECK_FAILS(hone_events_scalar(e, "", 5, 1), HONE_E_VALUE, "\"\"");
    CHECK_FAILS(hone_events_scalar(e, NULL, 5, 1), HONE_E_NULL, "a tag");
    CHECK_FAILS(hone_events_scalar(NULL, "loss", 5, 1), HONE_E_NULL, "an event file");
    CHECK_FAILS(hone_events_text(e, "text", 5, NULL), HONE_E_NULL, "a text");
    cr_assert(records(file_of("d", 0)) == 2);
    hone_events_free(e);
    hone_events_free(NULL);
}

#else

Test(events, needs_protobuf_c)
{
    CHECK_FAILS(hone_events_new(test_path("d"), NULL), HONE_E_CONFIG, "built without protobuf-c");
    CHECK_FAILS(hone_events_scalar(NULL, "loss", 0, 1), HONE_E_NULL, "an event file");
    CHECK_FAILS(hone_events_text(NULL, "text", 0, ""), HONE_E_NULL, "an event file");
    hone_events_free(NULL);
}

#endif
