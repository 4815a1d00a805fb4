/* levels.c: how much memory makes a level, and memory that holds numbers. */
#include "profile/roofs.h"

#include <hone/runtime.h>
#include <stdlib.h>
#include <unistd.h>

const char *const hone__mem_level_name[HONE__MEM_LEVELS] = { "L1", "L2", "L3", "DRAM" };

enum { KIB = 1 << 10, MIB = 1 << 20 };

static int64_t cache_bytes(hone__mem_level level)
{
    hone_machine m;
    if (hone_machine_get(&m) != HONE_OK)
        return 0;
    return level == HONE__MEM_L1   ? m.l1_bytes
           : level == HONE__MEM_L2 ? m.l2_bytes
           : level == HONE__MEM_L3 ? m.l3_bytes
                                   : 0;
}

int64_t hone__physical_bytes(void)
{
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

/* Half a level, so that what the system and a neighbour keep there fits too; twice the largest
 * cache for DRAM, but not more than an eighth of the memory. */
int64_t hone__mem_level_bytes(hone__mem_level level)
{
    const int64_t l1 = cache_bytes(HONE__MEM_L1), l2 = cache_bytes(HONE__MEM_L2);
    const int64_t l3 = cache_bytes(HONE__MEM_L3), last = l3 > 0 ? l3 : l2 > 0 ? l2 : 2 * MIB;
    if (level == HONE__MEM_DRAM) {
        const int64_t want = 2 * last > 64 * MIB ? 2 * last : 64 * MIB;
        return want < hone__physical_bytes() / 8 ? want : 0;
    }
    const int64_t bytes = cache_bytes(level) / 2;
    if (level == HONE__MEM_L2 && bytes <= l1)
        return 0;
    if (level == HONE__MEM_L3)
        return bytes <= l2 ? 0 : bytes > 8 * l2 && l2 > 0 ? 8 * l2 : bytes;
    return bytes > 0 ? bytes : level == HONE__MEM_L1 ? 16 * KIB : 0;
}

hone__mem_level hone__mem_level_of(double bytes)
{
    for (hone__mem_level level = HONE__MEM_L1; level < HONE__MEM_DRAM; level++)
        if (bytes <= (double)cache_bytes(level))
            return level;
    return HONE__MEM_DRAM;
}

void *hone__filled(int64_t elements, bool f64)
{
    const size_t size = ((size_t)elements * (f64 ? 8 : 4) + 4095) & ~(size_t)4095;
    /* malloc promises more than there is; touching it would end the program. */
    void *memory = size <= (size_t)hone__physical_bytes() / 4 ? aligned_alloc(4096, size) : NULL;
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
