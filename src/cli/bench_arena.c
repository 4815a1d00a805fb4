/* bench_arena.c: how much memory makes a level, and memory that holds numbers. */
#include "bench.h"
#include "cli.h"

#include <hone/hone.h>
#include <stdlib.h>
#include <unistd.h>

const char *const bench_level_name[BENCH_LEVELS] = { "L1", "L2", "L3", "DRAM" };

enum { KIB = 1 << 10, MIB = 1 << 20 };

static int64_t cache_bytes(bench_level level)
{
    hone_machine m;
    if (hone_machine_get(&m) != HONE_OK)
        return 0;
    return level == BENCH_L1   ? m.l1_bytes
           : level == BENCH_L2 ? m.l2_bytes
           : level == BENCH_L3 ? m.l3_bytes
                               : 0;
}

static int64_t memory_bytes(void)
{
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

/* Half a level, so that what the system and a neighbour keep there fits too; twice the largest
 * cache for DRAM, but not more than an eighth of the memory. */
int64_t bench_level_bytes(bench_level level)
{
    const int64_t l1 = cache_bytes(BENCH_L1), l2 = cache_bytes(BENCH_L2);
    const int64_t l3 = cache_bytes(BENCH_L3), last = l3 > 0 ? l3 : l2 > 0 ? l2 : 2 * MIB;
    if (level == BENCH_DRAM) {
        const int64_t want = 2 * last > 64 * MIB ? 2 * last : 64 * MIB;
        return want < memory_bytes() / 8 ? want : 0;
    }
    const int64_t bytes = cache_bytes(level) / 2;
    if (level == BENCH_L2 && bytes <= l1)
        return 0;
    if (level == BENCH_L3)
        return bytes <= l2 ? 0 : bytes > 8 * l2 && l2 > 0 ? 8 * l2 : bytes;
    return bytes > 0 ? bytes : level == BENCH_L1 ? 16 * KIB : 0;
}

bench_level bench_level_of(double bytes)
{
    for (bench_level level = BENCH_L1; level < BENCH_DRAM; level++)
        if (bytes <= (double)cache_bytes(level))
            return level;
    return BENCH_DRAM;
}

void *bench_filled(int64_t elements, bool f64)
{
    const size_t size = ((size_t)elements * (f64 ? 8 : 4) + 4095) & ~(size_t)4095;
    /* malloc promises more than there is; touching it would end the program. */
    void *memory = size <= (size_t)memory_bytes() / 4 ? aligned_alloc(4096, size) : NULL;
    uint32_t state = 1;
    for (int64_t i = 0; memory && i < elements; i++) {
        state = state * 1664525 + 1013904223;
        const double x = ((double)(state >> 8) + 0.5) / (1 << 23) - 1;
        if (f64)
            ((double *)memory)[i] = x;
        else
            ((float *)memory)[i] = (float)x;
    }
    return memory;
}

int64_t bench_level_elements(bench_level level, int operands, hone_dtype dtype, int64_t unit)
{
    const int64_t bytes = bench_level_bytes(level) / operands;
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
    hone_tensor *all = n < memory_bytes() / 4 / size ? hone_empty(dtype, n + room) : NULL;
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
