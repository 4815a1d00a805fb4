/* fuzz_columns.c: what a model's file says of the table that it was trained on, and, behind a 0, another table that
 * is taken so: as rows to be told, or to be judged. */
#include "fuzz.h"

#include <hone/formats.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HONE_SCOPE();
    const uint8_t *zero = memchr(data, 0, size);
    if (!zero)
        return 0;
    const char *path = fuzz_write("a.csv", zero + 1, (size_t)(data + size - zero - 1));
    for (int whole = 0; whole < 2; whole++) {
        hone_source source;
        const hone_source_options with = { .arguments = "missing=mean, test=1",
                                           .columns = (const char *)data,
                                           .whole = whole };
        if (hone_source_open(path, &with, &source) == HONE_OK && !source.columns)
            abort();
        hone_source_free(&source);
        hone_error_clear();
    }
    return 0;
}
