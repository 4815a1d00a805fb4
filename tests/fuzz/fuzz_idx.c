/* fuzz_idx.c: an IDX file, read and as a mapped set. */
#include "fuzz.h"

#include <hone/data.h>
#include <hone/error.h>
#include <hone/tensor.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HONE_SCOPE();
    hone_idx_read(fuzz_write("a", data, size));
    hone_error_clear();
    return 0;
}
