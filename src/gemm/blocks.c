/* blocks.c: block sizes from cache sizes. */
#include "gemm/blocks.h"

enum { PAGE = 4096 };

static struct {
    int64_t l1, l2, l3;
} caches;

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

void hone__gemm_set_caches(size_t l1, size_t l2, size_t l3)
{
    caches.l1 = (int64_t)l1;
    caches.l2 = (int64_t)l2;
    caches.l3 = (int64_t)l3;
    hone__gemm_l1_ways = (int)clamp(caches.l1 / PAGE, 8, 16);
}

bool hone__gemm_l3_is_far(void)
{
    return caches.l2 >= 2 << 20;
}

/* Rows of B, read in place, of which L2 holds those of a panel and of the next one, which is asked
 * for: whole half pages apart, they fall upon the same few sets. */
static int64_t rows_held(int64_t row_bytes)
{
    enum { MOST = 256 };
    const int64_t apart = row_bytes & -row_bytes;
    return apart < PAGE / 2 ? INT64_MAX : clamp(caches.l2 / apart / 2, 64, MOST);
}

/* A long range of k spares loads and stores of C. A panel of A that was just packed may fill L1,
 * which it passes through once a panel of B; prefetchers bring one that is read in place, so it may
 * be longer. Two panels of B, the one in use and the one being packed, stay in L2. */
static int64_t choose_kc(const hone__gemm_plan *plan)
{
    const hone__gemm_kernel *kernel = plan->kernel;
    const int64_t of_l1 = (plan->pack_a ? 1 : 2) * caches.l1 / (kernel->mr * plan->size);
    const int64_t of_l2 = caches.l2 * 3 / 8 / (kernel->nr * plan->size);
    int64_t kc = caches.l2 ? min64(of_l1, of_l2) : of_l1;
    if (hone__gemm_l3_is_far()) {
        kc = min64(kc, (plan->pack_a ? 2048 : 4096) / plan->size);
        kc = plan->pack_b ? kc : min64(kc, rows_held(plan->x.b_rs * plan->size));
    }
    return clamp(kc & ~7, 64, plan->pack_a ? 1024 : 2048);
}

/* A passes by from L3, a panel at a time; the higher the block the less often B is packed, and A if
 * it is. One that is read in place passes faster if a part of it is still in L2. From far away it
 * comes once, and stays beside what of B and C passes by: low blocks, whose B is packed on the way,
 * unless it has to be turned. */
static int64_t choose_mc(const hone__gemm_plan *plan, int64_t kc)
{
    const bool turns = plan->pack_b && (plan->b_from || plan->x.b_cs != 1);
    const int64_t from_l3 = min64((plan->pack_a ? 4 : 2) * caches.l2, caches.l3);
    const int64_t from_l2 = caches.l2 / 2;
    int64_t bytes = from_l3 > from_l2 ? from_l3 : from_l2;
    if (hone__gemm_l3_is_far() && !turns) {
        const int64_t low = caches.l2 / (plan->pack_a ? 8 : 4), all = plan->x.m * kc * plan->size;
        bytes = all <= 2 * low ? 2 * low : low;
    }
    return clamp(bytes / (kc * plan->size), plan->kernel->mr, plan->pack_a ? 2048 : 1024);
}

/* A panel of A, which passes from L2 or L3, takes less time than the tile does. */
hone__gemm_blocks hone__gemm_choose_packed_blocks(const hone__gemm_kernel *kernel, int64_t size,
                                                  int64_t longest, int64_t k)
{
    const int64_t l2 = caches.l2 ? caches.l2 : 512 << 10;
    const int64_t most = clamp((l2 * 3 / 8 / (kernel->nr * size)) & ~7, 64, longest);
    const int64_t kc = k > 0 ? (ceil_div(k, ceil_div(k, most)) + 7) & ~7 : 8;
    const int64_t bytes = caches.l3 > l2 ? min64(4 * l2, caches.l3) : l2 / 2;
    const int64_t mc = clamp(bytes / (kc * size), kernel->mr, 2048);
    return (hone__gemm_blocks){ .mc = mc - mc % kernel->mr, .kc = kc };
}

int64_t hone__gemm_choose_tiled_columns(const hone__gemm_kernel *kernel, int64_t kc, int64_t n)
{
    enum { SIZE = 2 };
    const int64_t l2 = caches.l2 ? caches.l2 : 2048 << 10;
    const int64_t columns = l2 * 3 / 8 / (clamp(kc, 1, INT64_MAX) * SIZE);
    const int64_t most = clamp(columns - columns % kernel->nr, kernel->nr, 4096);
    const int64_t blocks = n > most ? ceil_div(n, most) : 1;
    return clamp(ceil_div(ceil_div(n, blocks), kernel->nr) * kernel->nr, kernel->nr, most);
}

bool hone__gemm_fits_l2(int64_t bytes)
{
    return bytes <= (caches.l2 ? caches.l2 : 512 << 10);
}

hone__gemm_distance hone__gemm_distance_of(int64_t bytes, int threads)
{
    if (hone__gemm_fits_l2(bytes)) {
        return HONE__GEMM_L2;
    }
    return bytes > caches.l3 * threads ? HONE__GEMM_MEMORY : HONE__GEMM_L3;
}

/* From L3 the run of y has to stay in L1 beside those of a group of rows that pass through it.
 * Where a run ends, prefetchers have brought lines beyond: a band of rows stays in L2 until the
 * next run wants them. Rows that lie whole pages apart end where prefetchers end, too. From memory,
 * runs are fastest as long as can be. Few rows make no bands, and short rows that lie across lines
 * need no help: L1 is what they wait for. */
hone__gemm_row_blocks hone__gemm_choose_row_blocks(int64_t rows, int64_t bytes, int64_t row_bytes,
                                                   int threads)
{
    const int64_t l1 = caches.l1 ? caches.l1 : 32 << 10, l2 = caches.l2 ? caches.l2 : 512 << 10;
    const hone__gemm_distance distance = hone__gemm_distance_of(rows * bytes, threads);
    const bool across = row_bytes % 64 != 0 && row_bytes <= l1 * 3 / 16;
    const int64_t most = clamp(l1 / 4, 1024, HONE__GEMM_RUN_BYTES);
    if (distance == HONE__GEMM_L2 || rows < 4 * HONE__GEMM_ROWS || across) {
        return (hone__gemm_row_blocks){ HONE__GEMM_L2, rows, most };
    }
    if (distance == HONE__GEMM_MEMORY) {
        return (hone__gemm_row_blocks){ distance, rows, bytes };
    }
    int64_t band = rows;
    if (row_bytes % PAGE != 0) { /* nor one row that stands for all */
        band = HONE__GEMM_ROWS * clamp(l2 * 3 / 4 / HONE__GEMM_ROWS / row_bytes, 4, 64);
    }
    return (hone__gemm_row_blocks){ HONE__GEMM_L3, band, most / 2 };
}

hone__gemm_blocks hone__gemm_choose_blocks(const hone__gemm_plan *plan)
{
    hone__gemm_blocks blocks = plan->kernel->blocks;
    if (caches.l1) {
        blocks.kc = choose_kc(plan);
    }
    if (plan->piece_k > 0) {
        blocks.kc = ceil_div(plan->piece_k, ceil_div(plan->piece_k, blocks.kc));
    }
    if (caches.l2) {
        blocks.mc = choose_mc(plan, blocks.kc);
    }
    blocks.mc -= blocks.mc % plan->kernel->mr;
    return blocks;
}
