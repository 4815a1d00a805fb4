/* blocks.c: block sizes from cache sizes. */
#include "gemm/plan.h"

static struct {
    int64_t l1, l2, l3;
} caches;

void hone__gemm_set_caches(size_t l1, size_t l2, size_t l3)
{
    caches.l1 = (int64_t)l1;
    caches.l2 = (int64_t)l2;
    caches.l3 = (int64_t)l3;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* A long range of k spares loads and stores of C. A panel of A may fill L1, which it passes through
 * once a panel of B; two panels of B, the one in use and the one being packed, stay in L2. */
static int64_t choose_kc(const hone__gemm_kernel *kernel, int64_t size)
{
    const int64_t of_l1 = caches.l1 / (kernel->mr * size);
    const int64_t of_l2 = caches.l2 * 3 / 8 / (kernel->nr * size);
    const int64_t kc = caches.l2 ? min64(of_l1, of_l2) : of_l1;
    return clamp(kc & ~7, 64, 1024);
}

/* A passes by from L3, a panel at a time; the higher the block the less often B is packed. */
static int64_t choose_mc(const hone__gemm_kernel *kernel, int64_t size, int64_t kc)
{
    const int64_t from_l3 = min64(4 * caches.l2, caches.l3), from_l2 = caches.l2 / 2;
    const int64_t bytes = from_l3 > from_l2 ? from_l3 : from_l2;
    return clamp(bytes / (kc * size), kernel->mr, 2048);
}

bool hone__gemm_fits_l2(int64_t bytes)
{
    return bytes <= (caches.l2 ? caches.l2 : 512 << 10);
}

hone__gemm_blocks hone__gemm_choose_blocks(const hone__gemm_kernel *kernel, int64_t size)
{
    hone__gemm_blocks blocks = kernel->blocks;
    if (caches.l1) {
        blocks.kc = choose_kc(kernel, size);
    }
    if (caches.l2) {
        blocks.mc = choose_mc(kernel, size, blocks.kc);
    }
    blocks.mc -= blocks.mc % kernel->mr;
    return blocks;
}
