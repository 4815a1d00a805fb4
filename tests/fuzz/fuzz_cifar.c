/* fuzz_cifar.c: a file of CIFAR's records, or of tokens. */
#include "fuzz.h"

#include <hone/formats.h>

#include <stdio.h>

static void open_as(const char *kind, const char *path, const char *arguments)
{
    HONE_SCOPE();
    char what[160];
    hone_source source;
    const hone_source_options o = { .arguments = arguments, .window = 4 };
    snprintf(what, sizeof what, "%s:%s", kind, path);
    if (hone_source_open(what, &o, &source) == HONE_OK && hone_dataset_size(&source.test) > 0) {
        const int64_t last = hone_dataset_size(&source.test) - 1;
        hone_dataset_batch(&source.test, &last, 1);
    }
    hone_source_free(&source);
    hone_error_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_write("a", data, size);
    open_as("cifar", path, "damaged=skip");
    open_as("cifar", path, NULL);
    open_as("tokens", path, NULL);
    open_as("tokens", path, "dtype=uint32, vocab=1000");
    return 0;
}
