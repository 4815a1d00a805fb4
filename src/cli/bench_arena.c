/* bench_arena.c: operands in memory that holds numbers. */
#include "bench.h"
#include "cli.h"

#include <hone/hone.h>

int64_t bench_level_elements(hone__mem_level level, int operands, hone_dtype dtype, int64_t unit)
{
    const int64_t bytes = hone__mem_level_bytes(level) / operands;
    return bytes / (int64_t)hone_dtype_size(dtype) / unit * unit;
}

/* Elements to skip so that operands made one after the other begin at different places of a page: a
 * load from where a store of another page just went waits for it. */
static int64_t stagger(hone_tensor *all, int64_t size)
{
    static int slot;
    slot = (slot + 1) % 3;
    const int64_t at = (int64_t)((uintptr_t)hone_data(all) % 4096);
    return (4096 - at + slot * 1344) / size;
}

hone_tensor *bench_tensor(hone_dtype dtype, int64_t rows, int64_t cols, double low, double high)
{
    const int64_t n = rows * cols, size = (int64_t)hone_dtype_size(dtype);
    const int64_t room = 8192 / size; /* to stagger, and 1 KiB behind */
    hone_tensor *all = n < hone__physical_bytes() / 4 / size ? hone_empty(dtype, n + room) : NULL;
    if (!all) {
        cli_error(CLI_FAILED, "bench", "out of memory for %lld elements", (long long)n);
        return NULL;
    }
    uint32_t state = 1;
    for (int64_t i = 0; i < n + room; i++) {
        state = state * 1664525 + 1013904223;
        const double x = low + (high - low) * ((double)(state >> 8) + 0.5) / (1 << 24);
        if (dtype == HONE_F64)
            ((double *)hone_data(all))[i] = x;
        else if (dtype == HONE_F32)
            ((float *)hone_data(all))[i] = (float)x;
        else
            ((uint8_t *)hone_data(all))[i] = (uint8_t)(state >> 31);
    }
    const int64_t skip = stagger(all, size);
    return hone_reshape(hone_slice(all, 0, skip, skip + n, 1), rows, cols);
}
