/* reader.h: any bytes, given to the reader of one format: they may be refused, no more. */
#ifndef TESTS_FUZZ_READER_H
#define TESTS_FUZZ_READER_H

#include "fuzz.h"

#include "io/file.h"

#include <hone/tensor.h>

/* Opened, and every tensor of moderate size read, converted where hone has no dtype for it. */
static void fuzz_read(const uint8_t *data, size_t size, const hone__file_format *format)
{
    HONE_SCOPE();
    enum { MOST = 1 << 16 };
    hone_file *f = hone__file_open("fuzz", fuzz_write("file", data, size), format, NULL);
    for (int i = 0; f && i < f->n; i++) {
        HONE_SCOPE();
        const int64_t n = hone__file_numel(f->at[i].ndim, f->at[i].shape);
        if (n >= 0 && n <= MOST && f->lie[i].stored <= MOST)
            hone__file_read(f, i, HONE__CONVERT_ALL);
        hone_error_clear();
    }
    hone_file_close(f);
    hone_error_clear();
}

#define FUZZ_READER(format)                                                                        \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        fuzz_read(data, size, &(format));                                                          \
        return 0;                                                                                  \
    }

#endif
