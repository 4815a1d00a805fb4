/* fuzz.h: what a harness is. fuzz_KIND.c takes bytes as a file of that kind. ctest runs each over
 * corpus/KIND (replay.c); fuzz.sh looks for more by libFuzzer. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** libFuzzer's name: 0. Whatever the bytes are, hone gives an error or a result. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A file of these bytes, in a folder of this process's own that goes with it. */
const char *fuzz_write(const char *name, const uint8_t *data, size_t size);
const char *fuzz_path(const char *name);

#endif
