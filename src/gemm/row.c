/* row.c: one row of A times a B that is read where it lies, along its rows. Nothing but the memory
 * should be waited for. */
#include "gemm/row.h"
#include "gemm/blocks.h"
#include "gemm/plan.h"

#include "isa/isa.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"

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

/* One row of A times columns of B. */
typedef struct {
    const hone__gemm_kernel *kernel;
    int64_t size; /* bytes an element */
    int64_t k, n;
    const char *a, *b;
    int64_t a_cs, b_rs;
    char *y;
    bool begins; /* with what y holds */
} row;

static void run(const row *r, const hone__gemm_row_blocks *blocks)
{
    const int64_t size = r->size, row_bytes = r->b_rs * size;
    const int64_t columns = min64(r->n, blocks->run_bytes / size), band = min64(r->k, blocks->band);
    alignas(64) char buffer[PAGE + HONE__GEMM_RUN_BYTES];
    const bool apart =
        row_bytes % (PAGE / 4) == 0 && columns * size <= HONE__GEMM_RUN_BYTES && band == r->k;
    for (int64_t p = 0; p < r->k; p += band) {
        for (int64_t j = 0; j < r->n; j += columns) {
            const char *from = r->b + (p * r->b_rs + j) * size;
            char *const to = apart ? behind(from, buffer) : r->y + j * size;
            const int64_t n = min64(columns, r->n - j);
            if (apart && r->begins) {
                memcpy(to, r->y + j * size, (size_t)(n * size));
            }
            r->kernel->row(min64(band, r->k - p), n, r->a + p * r->a_cs * size, r->a_cs, from,
                           r->b_rs, to, p > 0 || r->begins, blocks->distance);
            if (apart) {
                memcpy(r->y + j * size, to, (size_t)(n * size));
            }
        }
    }
}

static hone__gemm_row_blocks blocks_of(const row *r, int64_t n, int threads)
{
    const int64_t row_bytes = r->b_rs * r->size;
    return hone__gemm_choose_row_blocks(r->k, n * r->size, row_bytes < 0 ? -row_bytes : row_bytes,
                                        threads);
}

void hone__gemm_row(const hone__gemm_plan *plan, const hone__gemm_region *region, char *y)
{
    const hone__gemm_args *x = &plan->x;
    const row r = { .kernel = plan->kernel,
                    .size = plan->size,
                    .k = region->k,
                    .n = region->n1 - region->n0,
                    .a = region->a,
                    .b = region->b + region->n0 * x->b_cs * plan->size,
                    .a_cs = x->a_cs,
                    .b_rs = x->b_rs,
                    .y = y,
                    .begins = plan->begins };
    const hone__gemm_row_blocks blocks = blocks_of(&r, x->n, plan->threads);
    run(&r, &blocks);
}

/* ---- without a plan ---- */

/* The sums of few columns stay in registers. */
static void run_tiles(const row *r)
{
    hone__gemm_tile t = {
        .k = r->k, .a = r->a, .a_rs = r->k, .a_cs = r->a_cs, .b_rs = r->b_rs, .c_rs = r->n, .mr = 1
    };
    for (int64_t j = 0; j < r->n; j += t.nr) {
        t.b = r->b + j * r->size;
        t.c = r->y + j * r->size;
        t.nr = (int)min64(r->kernel->wide, r->n - j);
        r->kernel->tile(&t);
    }
}

static bool run_chains(const hone__gemm_kernel *kernel, const hone__gemm_args *x, int64_t size)
{
    if (x->m != 1 || x->c_cs != 1) {
        return false;
    }
    if (hone__gemm_suits_few(kernel, x, size)) {
        kernel->few(x->k, 1, x->n, x->a, x->k, x->a_cs, x->b, x->b_cs, x->c, x->n, 0,
                    HONE__GEMM_L2);
        return true;
    }
    if (x->b_cs != 1) {
        return false;
    }
    enum { NEAR_BYTES = 48 << 10, LINE = 64 };
    const row r = { .kernel = kernel,
                    .size = size,
                    .k = x->k,
                    .n = x->n,
                    .a = x->a,
                    .b = x->b,
                    .a_cs = x->a_cs,
                    .b_rs = x->b_rs,
                    .y = x->c };
    /* A second pass comes to lines that the first one has read, too, if rows end within one. */
    const bool near = r.k * r.n * size <= NEAR_BYTES || r.n * size % LINE == 0;
    if ((r.n <= kernel->wide || (r.n <= 2 * kernel->wide && near)) &&
        (kernel->direct_tails || r.n % kernel->vl == 0)) {
        run_tiles(&r);
    } else {
        const hone__gemm_row_blocks blocks = blocks_of(&r, r.n, 1);
        run(&r, &blocks);
    }
    return true;
}

/* A matrix that is contiguous along k, or A along m, with a vector that is contiguous, too. */
static bool run_dots(const hone__gemm_kernel *kernel, const hone__gemm_args *x)
{
    const bool of_b = x->m == 1;
    const int64_t k = x->k;
    if (k > hone__reduce_block((int)x->dtype) || x->b_rs != 1 || (of_b ? x->c_cs : x->c_rs) != 1) {
        return false;
    }
    if (!of_b && x->a_rs == 1 && x->a_cs != 1) {
        kernel->dot_wide(1, x->m, k, x->b, 0, x->a, x->a_cs, x->c, 0);
        return true;
    }
    if (x->a_cs != 1) {
        return false;
    }
    const void *matrix = of_b ? x->b : x->a, *vector = of_b ? x->a : x->b;
    kernel->dot_rows(k, of_b ? x->n : x->m, matrix, of_b ? x->b_cs : x->a_rs, vector, x->c,
                     HONE__GEMM_L2);
    return true;
}

bool hone__gemm_small_row(const hone__gemm_args *x)
{
    enum { MOST = 1 << 20 };
    const int64_t length = x->m == 1 ? x->n : x->m, size = hone__gemm_size(x->dtype);
    if ((x->m != 1 && x->n != 1) || length < 1 || length > MOST || x->k < 2 || x->k > MOST ||
        x->n_batch_dims > 0 || x->act != HONE__GEMM_NO_ACT || x->alpha != 1.0 || x->accumulate ||
        x->bias) {
        return false;
    }
    const hone__gemm_kernel *kernel = &hone__k->gemm.of[x->dtype];
    const int64_t products = length * x->k;
    if (!hone__gemm_fits_l2(products * size) ||
        hone__team_for(2 * (double)products / kernel->flops_per_ns, length) > 1) {
        return false;
    }
    switch (hone__gemm_order_of(x)) {
    case HONE__GEMM_DOT:
        return run_dots(kernel, x);
    case HONE__GEMM_CHAIN:
        return run_chains(kernel, x, size);
    default:
        return false;
    }
}
