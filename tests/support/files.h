/* files.h: files that a test makes and that are gone after it. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include <stddef.h>

/** SUITE (support.h) with a new empty directory for each test, removed with all that is in it. */
#define SUITE_WITH_FILES(name) TestSuite(name, .init = test_files_begin, .fini = test_files_end)
void test_files_begin(void);
void test_files_end(void);

/** The path of a file in it; valid until the 8th call after this one. */
const char *test_path(const char *name);
/** Writes a file into it, directories included ("MNIST/raw/x"); the path of test_path. */
const char *test_write(const char *name, const void *data, size_t bytes);
/** The same, gzipped. */
const char *test_write_gz(const char *name, const void *data, size_t bytes);
/** A whole file; the caller frees it. NULL if there is none. */
char *test_read(const char *path, size_t *bytes);
/** Names in the directory, without . and .. */
int test_dir_count(void);

#endif
