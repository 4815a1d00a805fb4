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
    if (caches.l1) { /* a panel of A takes 3/8 of L1, the rest is for B passing by */
        blocks.kc = clamp((int64_t)caches.l1 * 3 / 8 / (kernel->mr * size) & ~7, 64, 1024);
    }
    if (caches.l2) { /* a block of A takes half of L2 */
        blocks.mc = clamp((int64_t)caches.l2 / 2 / (blocks.kc * size), kernel->mr, 1024);
    }
    blocks.mc -= blocks.mc % kernel->mr;
    return blocks;
}
