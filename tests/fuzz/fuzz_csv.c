/* fuzz_csv.c: a table, as it is and as data to learn from. Its first byte chooses the options. */
#include "fuzz.h"

#include <hone/formats.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const arguments[] = { NULL, "missing=mean", "missing=drop, damaged=skip",
                                             "header=no, task=classes, separator=;" };
    HONE_SCOPE();
    if (size < 1)
        return 0;
    const char *path = fuzz_write("a.csv", data + 1, size - 1);
    const hone_csv_options o = { .no_header = data[0] & 1, .skip_damaged = data[0] & 2 };
    hone_table table;
    hone_csv_read(path, &o, &table);
    hone_table_free(&table);
    hone_error_clear();
    hone_source source;
    const hone_source_options with = { .arguments = arguments[data[0] & 3] };
    hone_source_open(path, &with, &source);
    hone_source_free(&source);
    hone_error_clear();
    return 0;
}
