/* files.h: files that a test makes and that are gone after it. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include <stdbool.h>
#include <stddef.h>

/** A new empty directory / removes it with all that is in it. */
void test_dir_begin(void);
void test_dir_end(void);

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
