/* softmax_cols.c: softmax and its kin along a dim that others lie behind, on the column kernels.
 *
 * The tensor is [outer, rows, cols]. Work is cut into tiles of columns and blocks of 128 rows,
 * which walk memory in its own order; sums and maxima of the blocks wait in a block of the pool.
 * Where an operand's columns don't lie side by side a tile of a block is gathered: into its place
 * in the result, where the kernels then run in place, or into a thread's own room. */
#include "isa/isa.h"
#include "loops/elementwise.h"
#include "loops/past.h"
#include "loops/rows.h"
#include "loops/softmax_run.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <math.h>

#define NS_PER_ELEMENT 0.4 /* of one of two passes */
#define TILE_BYTES     4096
#define ROOM_BYTES     256 /* of a tile that is gathered into a thread's room */

typedef enum { WHERE_IT_LIES, INTO_RESULT, INTO_ROOM } way;

typedef struct {
    hone__rows v; /* [outer * rows, cols] */
    int64_t row_stride;
    way way;
} operand;

typedef struct {
    _Alignas(64) char tile[HONE__COLS_BLOCK * ROOM_BYTES];
} tile_room;

typedef struct {
    hone__softmax_kind kind;
    hone_dtype dtype;
    int64_t size, outer, rows, cols;
    int64_t blocks, tile, tiles; /* of rows, of columns */
    int n;                       /* operands: a, b */
    operand in[2];
    bool in_result; /* one of them */
    char *out;      /* [outer, rows or (LOGSUMEXP) 1, cols] contiguous */
    char *stats;
    bool past; /* out is written past the caches */
} job;

/* ---- work: tiles are counted within a matrix, blocks within a tile's rows, tiles innermost */

/* A tile: where its columns begin, its stats (NULL: in the job's) and this thread's room. */
typedef struct {
    int64_t outer, tile;
    char *stats;
    tile_room *room;
} place;

/* The tile without its operands: what `combine` wants. */
static hone__softmax_cols matrix_at(const job *j, place at)
{
    const int64_t c = at.tile * j->tile;
    const int64_t out_rows = j->kind == HONE__LOGSUMEXP ? 1 : j->rows;
    return (hone__softmax_cols){
        .kind = j->kind,
        .rows = j->rows,
        .cols = hone__min(j->tile, j->cols - c),
        .out = j->out + (at.outer * out_rows * j->cols + c) * j->size,
        .so = j->cols,
        .stats =
            at.stats ? at.stats : j->stats + 2 * j->blocks * (at.outer * j->cols + c) * j->size,
        .past = j->past,
    };
}

/* Operand i of a block of the tile -> its first row, and *stride. `gather`: what goes into the
 * result isn't there yet. */
static const void *operand_at(const job *j, int i, place at, int64_t block,
                              const hone__softmax_cols *m, bool gather, int64_t *stride)
{
    const operand *o = &j->in[i];
    const int64_t row = at.outer * j->rows + block * HONE__COLS_BLOCK, c = at.tile * j->tile;
    const int64_t rows = hone__min(HONE__COLS_BLOCK, j->rows - block * HONE__COLS_BLOCK);
    *stride = o->row_stride;
    if (o->way == WHERE_IT_LIES)
        return o->v.data + hone__rows_offset(&o->v, row, c) * j->size;
    char *to = o->way == INTO_RESULT ? m->out : at.room->tile;
    *stride = o->way == INTO_RESULT ? m->so : j->tile;
    if (gather || o->way == INTO_ROOM)
        hone__rows_gather(&o->v, (hone__rect){ row, row + rows, c, c + m->cols }, to, *stride);
    return to;
}

/* A block of the tile: what `begin` and `end` want. */
static hone__softmax_cols block_at(const job *j, place at, int64_t block, bool gather)
{
    hone__softmax_cols m = matrix_at(j, at);
    if (j->kind != HONE__LOGSUMEXP)
        m.out = (char *)m.out + block * HONE__COLS_BLOCK * j->cols * j->size;
    m.a = operand_at(j, 0, at, block, &m, gather, &m.sa);
    if (j->n == 2)
        m.b = operand_at(j, 1, at, block, &m, gather, &m.sb);
    return m;
}

static void begin_blocks(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    tile_room room;
    for (int64_t u = begin; u < end; u++) {
        const int64_t block = u / j->tiles % j->blocks;
        const place at = { u / j->tiles / j->blocks, u % j->tiles, NULL, &room };
        const hone__softmax_cols m = block_at(j, at, block, true);
        hone__k->softmax_cols_begin[j->dtype](&m, block);
    }
}

static void end_blocks(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    tile_room room;
    for (int64_t u = begin; u < end; u++) {
        const int64_t block = u / j->tiles % j->blocks;
        const place at = { u / j->tiles / j->blocks, u % j->tiles, NULL, &room };
        const hone__softmax_cols m = block_at(j, at, block, false);
        hone__k->softmax_cols_end[j->dtype](&m, block);
    }
}

static void combine_tiles(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t u = begin; u < end; u++) {
        const hone__softmax_cols m =
            matrix_at(j, (place){ .outer = u / j->tiles, .tile = u % j->tiles });
        hone__k->softmax_cols_combine[j->dtype](&m);
    }
}

/* Tiles of one block: all three steps at once. */
static void whole_tiles(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    _Alignas(64) char stats[2 * TILE_BYTES];
    tile_room room;
    for (int64_t u = begin; u < end; u++) {
        const hone__softmax_cols m =
            block_at(j, (place){ u / j->tiles, u % j->tiles, stats, &room }, 0, true);
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
    const size_t bytes =
        hone__bytes(2 * j->blocks, hone__bytes(j->outer, hone__bytes(j->cols, (size_t)j->size)));
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
 * kernels take them, and alike. A thread's room holds few columns. */
static void take_tiles(job *j)
{
    const int64_t line = 64 / j->size;
    int64_t most = j->past ? HONE__SOFTMAX_COLS_BYTES / j->size : TILE_BYTES / j->size;
    for (int i = 0; i < j->n; i++)
        if (j->in[i].way == INTO_ROOM)
            most = ROOM_BYTES / j->size;
    j->tiles = (j->cols + most - 1) / most;
    j->tile = ((j->cols + j->tiles - 1) / j->tiles + line - 1) / line * line;
}

static void place_operand(operand *o, const hone_tensor *t, int dim)
{
    hone__rows_of(&o->v, t, ~((2u << dim) - 1));
    o->row_stride = t->shape[dim] == 1 ? 0 : t->stride[dim];
}

/* One operand can wait in the result. Of what the caches can't hold memory takes larger blocks than
 * those of the kernels: all of it goes there first. False: out of memory. */
static bool take_operand(job *j, hone_tensor *t, int dim, hone_tensor *out)
{
    operand *o = &j->in[j->n++];
    place_operand(o, t, dim);
    if (o->v.n_col_dims == 1 && o->v.col_stride[0] == 1)
        return true;
    if (j->kind == HONE__LOGSUMEXP || j->in_result) {
        o->way = INTO_ROOM;
        return true;
    }
    j->in_result = true;
    o->way = INTO_RESULT;
    if (t->shape[dim] <= HONE__COLS_BLOCK || !hone__exceeds_caches(2 * t->numel * o->v.size))
        return true;
    o->way = WHERE_IT_LIES;
    place_operand(o, out, dim);
    return hone__copy_elements(out, t);
}

bool hone__softmax_cols_run(hone__softmax_kind kind, int dim, hone_tensor *out, hone_tensor *a,
                            hone_tensor *b)
{
    if (out->numel == 0)
        return true;
    if (a->numel == 0) { /* LOGSUMEXP of nothing */
        hone__fill_elements(out, -INFINITY);
        return true;
    }
    job j = { .kind = kind, .dtype = (hone_dtype)a->dtype, .out = hone__data(out) };
    if (!take_operand(&j, a, dim, out) || (b && !take_operand(&j, b, dim, out)))
        return false;
    j.size = j.in[0].v.size;
    j.rows = a->shape[dim];
    j.outer = j.in[0].v.rows / j.rows;
    j.cols = j.in[0].v.cols;
    j.blocks = hone__cols_blocks(j.rows);
    j.past = j.blocks > 1 && hone__exceeds_caches((j.n + 1) * a->numel * j.size);
    take_tiles(&j);
    return run(&j);
}
