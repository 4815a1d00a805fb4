/* upright.c: columns of C whose vectors run along m, for an A that is contiguous there (A^T B): few
 * columns would fill a part of each vector along n, while m has many whole ones. The tile computes
 * C^T = B^T A^T on the stack, and what it gives is transposed on its way to C. */
#include "gemm/upright.h"
#include "gemm/turned.h"

#include <stdalign.h>

enum { MAX_ROWS = 16, MAX_BYTES = 256 }; /* of a tile; of a row of it */

/* Vectors that n elements take; a half takes two thirds of one where the tile can do less. */
static double vectors_for(const hone__gemm_kernel *kernel, int64_t n)
{
    const int64_t tail = n & (kernel->vl - 1);
    const bool half = tail > 0 && kernel->half_tails && 2 * tail <= kernel->vl;
    return (double)hone__gemm_vectors(kernel, n) - (half ? 1.0 / 3 : 0);
}

int64_t hone__gemm_upright_columns(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                                   int64_t m, int64_t n)
{
    enum { LONG = 64 }; /* k beside which turning C is little */
    const int64_t tail = n & (kernel->vl - 1);
    if (x->a_rs != 1) {
        return hone__gemm_turned_columns(kernel, x, m, n);
    }
    if (x->c_cs != 1 || tail == 0 || m < 2 * kernel->vl ||
        (!kernel->direct_tails && m % kernel->vl != 0)) {
        return 0;
    }
    const double along_n = (double)m * vectors_for(kernel, tail);
    const double along_m = (double)tail * vectors_for(kernel, m);
    /* A single vector's tile takes a line of A^T at each k, this one several. */
    const double worth = n < kernel->vl && x->k >= LONG ? 1 : 1.25;
    return along_m * worth < along_n ? tail : 0;
}

/* `rows` x `cols` of C from [row, col] on: one tile. */
static void run_tile(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                     const hone__gemm_region *region, const hone__gemm_epilogue *finish,
                     int64_t row, int rows, int64_t col, int cols)
{
    const int64_t size = hone__gemm_size(x->dtype), sums_rs = MAX_BYTES / size;
    alignas(64) char sums[MAX_ROWS * MAX_BYTES];
    char *const c = region->c + (row * region->c_rs + col) * size;
    const bool begins = x->accumulate == HONE__GEMM_BEGIN;
    if (begins || (finish && finish->accumulate)) {
        kernel->transpose(cols, rows, sums, sums_rs, c, region->c_rs);
    }
    const hone__gemm_tile t = {
        .k = region->k,
        .a = region->b + col * x->b_cs * size,
        .a_rs = x->b_cs,
        .a_cs = x->b_rs,
        .b = region->a + row * size,
        .b_rs = x->a_cs,
        .c = sums,
        .c_rs = sums_rs,
        .mr = cols,
        .nr = rows,
        .resume = begins,
        .finish = finish,
        .bias = region->bias ? region->bias + (row * x->bias_rs + col * x->bias_cs) * size : NULL,
    };
    kernel->tile(&t);
    kernel->transpose(rows, cols, c, region->c_rs, sums, sums_rs);
}

void hone__gemm_upright(const hone__gemm_kernel *kernel, const hone__gemm_args *x,
                        const hone__gemm_region *region)
{
    if (x->a_rs != 1) {
        hone__gemm_turned(kernel, x, region);
        return;
    }
    const int vl = kernel->vl;
    const int64_t m = region->m1 - region->m0, n = region->n1 - region->n0;
    hone__gemm_epilogue swapped, *finish = NULL;
    if (region->epilogue) {
        swapped = *region->epilogue;
        swapped.bias_rs = x->bias_cs;
        swapped.bias_cs = x->bias_rs;
        finish = &swapped;
    }
    const hone__gemm_share widths =
        hone__gemm_share_of(hone__gemm_vectors(kernel, m),
                            (int)hone__gemm_vectors(kernel, hone__gemm_widest(kernel, n)));
    int64_t row = 0;
    for (int64_t i = 0; i < widths.parts; i++) {
        const int vectors = widths.length + (i < widths.longer);
        const int rows = (int)min64(vectors * vl, m - row);
        const hone__gemm_share heights = hone__gemm_share_of(n, kernel->rows[vectors]);
        int64_t col = region->n0;
        for (int64_t j = 0; j < heights.parts; j++) {
            const int cols = heights.length + (j < heights.longer);
            run_tile(kernel, x, region, finish, region->m0 + row, rows, col, cols);
            col += cols;
        }
        row += rows;
    }
}
