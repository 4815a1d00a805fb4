/* softmax_cols.c: softmax and its kin along a dim that others lie behind, on the column kernels.
 *
 * The tensor is [outer, rows, cols] with the columns side by side; what doesn't lie so is copied
 * first. Work is cut into tiles of columns and blocks of 128 rows, which walk memory in its own
 * order; sums and maxima of the blocks wait in a block of the pool. */
#include "isa/isa.h"
#include "ops/elementwise.h"
#include "ops/past.h"
#include "ops/rows.h"
#include "ops/softmax_run.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <hone/ops.h>

#include <math.h>

#define NS_PER_ELEMENT 0.4 /* of one of two passes */
#define TILE_BYTES     4096

typedef struct {
    char *data;
    int64_t outer_stride, row_stride;
} operand;

typedef struct {
    hone__softmax_kind kind;
    hone_dtype dtype;
    int64_t size, outer, rows, cols;
    int64_t blocks, tile, tiles; /* of rows, of columns */
    operand out, a, b;
    char *stats;
    bool past; /* out is written past the caches */
} job;

/* ---- geometry */

/* False if t's columns don't lie side by side or its matrices not one stride apart. */
static bool take_operand(const hone_tensor *t, int dim, operand *o)
{
    int64_t step = 1, run = 0;
    for (int d = t->ndim - 1; d > dim; d--) {
        if (t->shape[d] == 1)
            continue;
        if (t->stride[d] != step)
            return false;
        step *= t->shape[d];
    }
    *o = (operand){ .data = hone__data(t), .row_stride = t->shape[dim] == 1 ? 0 : t->stride[dim] };
    for (int d = dim - 1; d >= 0; d--) {
        if (t->shape[d] == 1)
            continue;
        if (run == 0)
            o->outer_stride = t->stride[d];
        else if (t->stride[d] != run)
            return false;
        run = t->stride[d] * t->shape[d];
    }
    return true;
}

/* The same for any t, if need be for a copy. False: out of memory. */
static bool take_any(hone_tensor *t, int dim, operand *o)
{
    if (take_operand(t, dim, o))
        return true;
    t = hone_contiguous(t);
    return t && take_operand(t, dim, o);
}

/* ---- work: tiles are counted within a matrix, blocks within a tile's rows, tiles innermost */

static hone__softmax_cols matrix_at(const job *j, int64_t outer, int64_t tile, void *stats)
{
    const int64_t c = tile * j->tile;
    hone__softmax_cols m = { .kind = j->kind,
                             .rows = j->rows,
                             .cols = hone__min(j->tile, j->cols - c) };
    const operand *const all[] = { &j->out, &j->a, &j->b };
    char *at[3];
    for (int i = 0; i < 3; i++)
        at[i] = all[i]->data ? all[i]->data + (outer * all[i]->outer_stride + c) * j->size : NULL;
    m.out = at[0], m.a = at[1], m.b = at[2];
    m.past = j->past;
    m.so = j->out.row_stride, m.sa = j->a.row_stride, m.sb = j->b.row_stride;
    m.stats = stats ? stats : j->stats + 2 * j->blocks * (outer * j->cols + c) * j->size;
    return m;
}

static void begin_blocks(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t u = begin; u < end; u++) {
        const int64_t block = u / j->tiles % j->blocks;
        const hone__softmax_cols m = matrix_at(j, u / j->tiles / j->blocks, u % j->tiles, NULL);
        hone__k->softmax_cols_begin[j->dtype](&m, block);
    }
}

static void end_blocks(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t u = begin; u < end; u++) {
        const int64_t block = u / j->tiles % j->blocks;
        const hone__softmax_cols m = matrix_at(j, u / j->tiles / j->blocks, u % j->tiles, NULL);
        hone__k->softmax_cols_end[j->dtype](&m, block);
    }
}

static void combine_tiles(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t u = begin; u < end; u++) {
        const hone__softmax_cols m = matrix_at(j, u / j->tiles, u % j->tiles, NULL);
        hone__k->softmax_cols_combine[j->dtype](&m);
    }
}

/* Tiles of one block: all three steps at once. */
static void whole_tiles(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    _Alignas(64) char stats[2 * TILE_BYTES];
    for (int64_t u = begin; u < end; u++) {
        const hone__softmax_cols m = matrix_at(j, u / j->tiles, u % j->tiles, stats);
        hone__k->softmax_cols_begin[j->dtype](&m, 0);
        hone__k->softmax_cols_combine[j->dtype](&m);
        hone__k->softmax_cols_end[j->dtype](&m, 0);
    }
}

static bool run(job *j)
{
    const double ns = NS_PER_ELEMENT * (double)hone__min(j->rows, HONE__COLS_BLOCK) *
                      (double)hone__min(j->tile, j->cols);
    if (j->blocks == 1) {
        hone__parallel_for(j->outer * j->tiles, 1, 2.0 * ns, whole_tiles, j);
        return true;
    }
    const size_t bytes = (size_t)(2 * j->blocks * j->outer * j->cols * j->size);
    j->stats = hone__pool_alloc(bytes);
    if (!j->stats)
        return false;
    const int64_t units = j->outer * j->blocks * j->tiles;
    hone__parallel_for(units, 1, ns, begin_blocks, j);
    hone__parallel_for(j->outer * j->tiles, 1, ns * (double)j->blocks / 64.0, combine_tiles, j);
    if (j->kind != HONE__LOGSUMEXP)
        hone__parallel_for(units, 1, ns, end_blocks, j);
    hone__pool_free(j->stats, bytes);
    return true;
}

/* A block of a tile fits L2. But memory takes long pieces of rows best: then tiles are as wide as
 * kernels take them, and alike. */
static void take_tiles(job *j)
{
    const int64_t line = 64 / j->size;
    const int64_t most = j->past ? HONE__SOFTMAX_COLS_BYTES / j->size : TILE_BYTES / j->size;
    j->tiles = (j->cols + most - 1) / most;
    j->tile = ((j->cols + j->tiles - 1) / j->tiles + line - 1) / line * line;
}

bool hone__softmax_cols_run(hone__softmax_kind kind, int dim, hone_tensor *out, hone_tensor *a,
                            hone_tensor *b)
{
    HONE_SCOPE(); /* of the copies */
    if (out->numel == 0)
        return true;
    if (a->numel == 0) { /* LOGSUMEXP of nothing */
        hone__fill_elements(out, -INFINITY);
        return true;
    }
    job j = { .kind = kind, .dtype = (hone_dtype)a->dtype, .outer = 1, .cols = 1 };
    j.size = (int64_t)hone_dtype_size(j.dtype);
    j.rows = a->shape[dim];
    for (int d = 0; d < a->ndim; d++) {
        j.outer *= d < dim ? a->shape[d] : 1;
        j.cols *= d > dim ? a->shape[d] : 1;
    }
    j.blocks = hone__cols_blocks(j.rows);
    j.past = j.blocks > 1 && hone__exceeds_caches((b ? 3 : 2) * a->numel * j.size);
    take_tiles(&j);
    const int64_t out_rows = kind == HONE__LOGSUMEXP ? 1 : j.rows;
    j.out = (operand){ hone__data(out), out_rows * j.cols, j.cols };
    return take_any(a, dim, &j.a) && (!b || take_any(b, dim, &j.b)) && run(&j);
}
