/* blocks.c: block sizes from cache sizes. */
#include "gemm/plan.h"

static struct {
    size_t l1, l2;
} caches;

void hone__gemm_set_caches(size_t l1, size_t l2, size_t l3)
{
    (void)l3; /* nothing is kept in L3 on purpose: every thread packs for itself (region.c) */
    caches.l1 = l1;
    caches.l2 = l2;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

hone__gemm_blocks hone__gemm_choose_blocks(const hone__gemm_kernel *kernel, int64_t size)
{
    hone__gemm_blocks blocks = kernel->blocks;
    if (caches.l1) { /* a panel of A takes 3/4 of L1; B comes from L2 at a few bytes a cycle */
        blocks.kc = clamp((int64_t)caches.l1 * 3 / 4 / (kernel->mr * size) & ~7, 64, 1024);
    }
    if (caches
            .l2) { /* A passes by from L3, a panel at a time; a higher block repacks B less often */
        blocks.mc = clamp((int64_t)caches.l2 * 3 / (blocks.kc * size), kernel->mr, 2048);
    }
    blocks.mc -= blocks.mc % kernel->mr;
    return blocks;
}
