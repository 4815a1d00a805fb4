/* row.c: one row of A times a B that is read where it lies, along its rows. Nothing but the memory
 * should be waited for. */
#include "gemm/plan.h"

#include <stdalign.h>
#include <string.h>

enum { PAGE = 4096, BEHIND = 512 };

/* A store makes later loads wait whose addresses differ by whole pages. If the rows of B lie so
 * that all run at the same place of their pages, it matters where y runs: a little behind them. */
static char *behind(const char *b, char *buffer)
{
    const uintptr_t wanted = ((uintptr_t)b - BEHIND) % PAGE;
    return buffer + (wanted - (uintptr_t)buffer) % PAGE;
}

void hone__gemm_row(const hone__gemm_plan *plan, const hone__gemm_region *region, char *y)
{
    const hone__gemm_args *x = &plan->x;
    const int64_t size = plan->size, n = region->n1 - region->n0, row_bytes = x->b_rs * size;
    const char *const b = region->b + region->n0 * x->b_cs * size;
    const hone__gemm_row_blocks blocks = hone__gemm_choose_row_blocks(
        x->k, x->n * size, row_bytes < 0 ? -row_bytes : row_bytes, plan->threads);
    const int64_t run = min64(n, blocks.run_bytes / size), band = min64(region->k, blocks.band);
    alignas(64) char buffer[PAGE + HONE__GEMM_RUN_BYTES];
    const bool apart =
        row_bytes % (PAGE / 4) == 0 && run * size <= HONE__GEMM_RUN_BYTES && band == region->k;
    for (int64_t p = 0; p < region->k; p += band) {
        for (int64_t j = 0; j < n; j += run) {
            const char *from = b + (p * x->b_rs + j) * size;
            char *const to = apart ? behind(from, buffer) : y + j * size;
            const int64_t columns = min64(run, n - j);
            plan->kernel->row(min64(band, region->k - p), columns, region->a + p * x->a_cs * size,
                              x->a_cs, from, x->b_rs, to, p > 0, blocks.distance);
            if (apart) {
                memcpy(y + j * size, to, (size_t)(columns * size));
            }
        }
    }
}
