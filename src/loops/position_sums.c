/* position_sums.c: see position_sums.h. The rows of a panel of columns are widened and added to its
 * accumulators one after the other, both in the first-level cache: one chain an output in blocks of
 * rows, the blocks pairwise, as reduce_cols (kernels.h) does it. */
#include "loops/position_sums.h"

#include "isa/isa.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#define NS_PER_ELEMENT 0.1

enum { PANEL = 512 }; /* columns */

typedef struct {
    const uint16_t *x; /* [samples, positions, cols] */
    float *out, *partials;
    int64_t positions, cols, panels, blocks;
} job;

/* A block of rows of n columns from x on. */
static void sum_block(const job *j, const uint16_t *x, int64_t rows, int64_t n, float *sum)
{
    float row[PANEL];
    hone__k->cast[HONE__BF16][HONE__F32](n, sum, 1, x, 1);
    for (int64_t r = 1; r < rows; r++) {
        hone__k->cast[HONE__BF16][HONE__F32](n, row, 1, x + r * j->cols, 1);
        hone__k->binary[HONE__K_ADD][HONE__F32](n, sum, 1, sum, 1, row, 1);
    }
}

/* Panels [begin, end), counted through all samples. */
static void sum_panels(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t u = begin; u < end; u++) {
        const int64_t sample = u / j->panels, c = u % j->panels * PANEL;
        const int64_t n = hone__min(PANEL, j->cols - c);
        const uint16_t *x = j->x + sample * j->positions * j->cols + c;
        float *out = j->out + sample * j->cols + c;
        float *sum = j->blocks > 1 ? j->partials + (sample * j->cols + c) * j->blocks : out;
        for (int64_t b = 0; b < j->blocks; b++) {
            const int64_t r = b * HONE__COLS_BLOCK;
            sum_block(j, x + r * j->cols, hone__min(HONE__COLS_BLOCK, j->positions - r), n,
                      sum + b * n);
        }
        if (j->blocks > 1)
            hone__k->reduce_cols_combine[HONE__K_SUM][HONE__F32](j->positions, n, sum, out);
    }
}

bool hone__sums_positions(const hone_tensor *x, const int64_t *dims)
{
    int d = 1;
    while (d < x->ndim - 1 && dims[d - 1] == d)
        d++;
    return d == x->ndim - 1 && dims[d - 1] == HONE_END_DIM && x->dtype == HONE_BF16 &&
           x->numel > 0 && x->shape[d] > 1 && hone__contiguous(x);
}

bool hone__sum_positions(const hone_tensor *x, void *out)
{
    const int64_t samples = x->shape[0], cols = x->shape[x->ndim - 1];
    job j = { .x = hone__data(x), .out = out, .cols = cols };
    j.positions = x->numel / samples / cols;
    j.panels = (cols + PANEL - 1) / PANEL;
    j.blocks = hone__cols_blocks(j.positions);
    const size_t bytes =
        j.blocks > 1 ? hone__bytes(samples * cols, hone__bytes(j.blocks, sizeof(float))) : 0;
    if (bytes && !(j.partials = hone__pool_alloc(bytes)))
        return false;
    hone__parallel_for(samples * j.panels, 1,
                       NS_PER_ELEMENT * (double)(j.positions * hone__min(PANEL, cols)), sum_panels,
                       &j);
    if (bytes)
        hone__pool_free(j.partials, bytes);
    return true;
}
