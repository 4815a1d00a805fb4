/* reduce_run.c: reductions of any layout on the contiguous kernels.
 *
 * What lies in memory as the kernels want it is reduced where it lies; of anything else one block
 * at a time is gathered into a buffer of 16 or 32 KiB on the stack. Work is cut by outputs, or by the blocks
 * of contract 1 when outputs are few and long; both give the same bits. */
#include "loops/reduce_run.h"

#include "isa/isa.h"
#include "loops/reduce_across.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

#define BUFFER_BYTES 16384 /* one block of a row; 128 rows of a few columns */
#define PANEL_BYTES  2048  /* of a row: what a kernel takes in one go */
#define TOGETHER     16    /* rows in pieces that are reduced together */
#define TILE_BYTES   32768 /* of a row, when blocks are reduced where they lie */
#define STRIP        16 /* short rows that lie across are gathered so many at a time, whole lines ... */
#define STRIP_BYTES  (STRIP * 8192) /* ... into a buffer of so many bytes and a block */
#define ACROSS_TILE  24             /* columns that lie across, as many as are summed together */
#define FOURS_TILE   8              /* the same of sums in four chains */
#define LONG_ROW     512            /* elements: where all is summed, each row of so many first */
#define LONG_COLUMN  512            /* elements of f32: sums of so many are four chains */
#define NS_DIRECT    0.1            /* an element read where it lies, and gathered first */
#define NS_GATHERED  0.6

typedef struct {
    int kind;
    hone__rows v;                  /* row rule: an output a row; column rule: an output a column */
    bool direct, across;           /* across: of columns, they lie so */
    bool fours;                    /* of columns: sums in four chains */
    hone__reduce_pieces_fn pieces; /* or NULL: blocks of rows that lie in pieces are gathered */
    int64_t row_stride;
    char *out;
    char *base, *shift;             /* of M2, or NULL; blocks' results know them */
    int64_t out_size, partial_size; /* of an output; of a block's partial result of a column */
    int64_t n_blocks;               /* of one output */
    int64_t block_rows;             /* of columns */
    int64_t tile;                   /* outputs handled together */
    void *partials;
} job;

static bool is_arg(int kind)
{
    return kind == HONE__K_ARGMAX || kind == HONE__K_ARGMIN;
}

static int64_t output_size(int kind, hone_dtype dtype)
{
    const bool index = is_arg(kind) || (kind == HONE__K_SUM && !hone_dtype_is_float(dtype));
    return (int64_t)hone_dtype_size(index ? HONE_I64 : dtype);
}

/* ---- row rule */

/* Rows [begin, end), each reduced by one thread. */
static void rows_whole(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__reduce_rows_fn reduce = hone__k->reduce_rows[j->kind][j->v.dtype];
    if (j->direct) {
        reduce(end - begin, j->v.cols, j->v.data + begin * j->row_stride * j->v.size, j->row_stride,
               j->out + begin * j->out_size, 1);
        return;
    }
    _Alignas(64) char buffer[STRIP_BYTES];
    for (int64_t r = begin; r < end; r += j->tile) {
        const int64_t n = hone__min(j->tile, end - r);
        hone__rows_gather(&j->v, (hone__rect){ r, r + n, 0, j->v.cols }, buffer, j->v.cols);
        reduce(n, j->v.cols, buffer, j->v.cols, j->out + r * j->out_size, 1);
    }
}

/* Blocks [begin, end), counted through all rows, into their partial results. */
static void rows_in_blocks(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__reduce_blocks_fn reduce = hone__k->reduce_blocks[j->kind][j->v.dtype];
    hone__partial *partials = j->partials;
    const int64_t block = hone__reduce_block(j->v.dtype), cols = j->v.cols;
    _Alignas(64) char buffer[BUFFER_BYTES];
    for (int64_t u = begin, n; u < end; u += n) {
        const int64_t row = u / j->n_blocks, b = u % j->n_blocks;
        if (j->direct) {
            n = hone__min(end - u, j->n_blocks - b);
            reduce(cols, j->v.data + row * j->row_stride * j->v.size, b, b + n, &partials[u]);
            continue;
        }
        n = 1;
        const int64_t first = b * block, last = hone__min(cols, first + block);
        hone__rows_gather(&j->v, (hone__rect){ row, row + 1, first, last }, buffer, last - first);
        reduce(last - first, buffer, 0, 1, &partials[u]);
        if (is_arg(j->kind)) /* of M2 it is a count */
            partials[u].index += first;
    }
}

/* True if a row is short lines that lie across: element after element of a block would come from
 * another cache line, and the next block would read the same ones again. */
static bool in_strips(const job *j)
{
    const hone__rows *v = &j->v;
    return !j->direct && v->n_col_dims == 2 && v->col_stride[0] == 1 && v->col_stride[1] > 1 &&
           v->col_shape[0] >= STRIP && v->col_shape[1] * v->size * STRIP <= STRIP_BYTES;
}

/* Blocks as above, groups of them: lines are gathered a strip at a time and reduced as soon as blocks
 * are whole. Units are counted [row][group]. */
static void rows_in_strips(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__rows *v = &j->v;
    const hone__reduce_blocks_fn reduce = hone__k->reduce_blocks[j->kind][v->dtype];
    const int64_t block = hone__reduce_block(v->dtype), run = v->col_shape[1];
    const int64_t groups = (j->n_blocks + j->tile - 1) / j->tile;
    _Alignas(64) char buffer[STRIP_BYTES + BUFFER_BYTES];
    for (int64_t u = begin; u < end; u++) {
        const int64_t row = u / groups, b_end = hone__min(j->n_blocks, (u % groups + 1) * j->tile);
        const int64_t last = hone__min(v->cols, b_end * block);
        int64_t b = u % groups * j->tile, line = b * block / run, skip = b * block - line * run;
        for (int64_t have = 0; b < b_end;) {
            const int64_t lines =
                hone__min((last - 1) / run + 1, (line / STRIP + 1) * STRIP) - line;
            hone__k->transpose[v->dtype](run, lines, buffer + have * v->size, run,
                                         v->data + hone__rows_offset(v, row, line * run) * v->size,
                                         v->col_stride[1]);
            line += lines;
            have += lines * run;
            int64_t at = skip;
            for (int64_t n; b < b_end && have - at >= (n = hone__min(block, v->cols - b * block));
                 b++, at += n) {
                hone__partial *partial = (hone__partial *)j->partials + row * j->n_blocks + b;
                reduce(n, buffer + at * v->size, 0, 1, partial);
                if (is_arg(j->kind)) /* of M2 it is a count */
                    partial->index += b * block;
            }
            have -= at;
            skip = 0;
            memmove(buffer, buffer + at * v->size, (size_t)(have * v->size));
        }
    }
}

/* The same where rows lie in pieces, those of `tile` rows at a time: what they read lies side by
 * side more often than one row does. Units are counted [tile][block]. */
static void rows_in_pieces(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__rows *v = &j->v;
    const int last = v->n_row_dims - 1;
    const int64_t block = hone__reduce_block(v->dtype), run = v->col_shape[1];
    const int64_t row_run = last >= 0 ? v->row_shape[last] : 1;
    for (int64_t u = begin; u < end; u++) {
        const int64_t b = u % j->n_blocks, first = b * block, at = first % run;
        const int64_t row = u / j->n_blocks * j->tile, row_end = hone__min(v->rows, row + j->tile);
        hone__pieces p = { .row_stride = last >= 0 ? v->row_stride[last] : 0,
                           .n = hone__min(v->cols, first + block) - first,
                           .at = at,
                           .run = run,
                           .apart = v->col_stride[0] };
        for (int64_t r = row; r < row_end; r += p.rows) {
            p.rows = hone__min(row_end - r, row_run - r % row_run);
            p.x = v->data + hone__rows_offset(v, r, first - at) * v->size;
            j->pieces(&p, (hone__partial *)j->partials + r * j->n_blocks + b, j->n_blocks);
        }
    }
}

/* Of outputs [first, first + n), if they are wanted. */
static void put_means(const job *j, int64_t first, int64_t n, const void *base, const void *shift)
{
    if (!j->base)
        return;
    memcpy(j->base + first * j->v.size, base, (size_t)(n * j->v.size));
    memcpy(j->shift + first * j->v.size, shift, (size_t)(n * j->v.size));
}

static void rows_combine(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    hone__partial *partials = j->partials;
    for (int64_t r = begin; r < end; r++) {
        hone__partial *row = &partials[r * j->n_blocks];
        hone__k->reduce_combine[j->kind][j->v.dtype](j->n_blocks, row, j->out + r * j->out_size);
        put_means(j, r, 1, &row->base, &row->shift);
    }
}

static bool run_rows(job *j)
{
    const int64_t block = hone__reduce_block(j->v.dtype), cols = j->v.cols;
    const int team = hone__team_size();
    const bool in_pieces = j->v.n_col_dims == 2 && j->v.col_stride[1] == 1;
    j->pieces = in_pieces ? hone__k->reduce_pieces[j->kind][j->v.dtype] : NULL;
    const double ns = j->direct || j->pieces ? NS_DIRECT : NS_GATHERED;
    j->n_blocks = (cols + block - 1) / block;
    if (!j->base && ((j->n_blocks <= 1 && !j->pieces) || (j->direct && j->v.rows >= 4 * team))) {
        const bool across = j->v.n_row_dims > 0 && j->v.row_stride[j->v.n_row_dims - 1] == 1;
        j->tile = block / hone__min(cols, block);
        if (across && j->tile < STRIP && cols * j->v.size * STRIP <= STRIP_BYTES)
            j->tile = STRIP;
        hone__parallel_for(j->v.rows, j->direct ? 1 : j->tile, ns * (double)cols + 2.0, rows_whole,
                           j);
        return true;
    }
    const int64_t units = j->v.rows * j->n_blocks;
    const size_t bytes = hone__bytes(j->v.rows, hone__bytes(j->n_blocks, sizeof(hone__partial)));
    j->partials = hone__pool_alloc(bytes);
    if (!j->partials)
        return false;
    if (j->pieces) {
        j->tile = hone__min(TOGETHER, (j->v.rows + team - 1) / team);
        hone__parallel_for((j->v.rows + j->tile - 1) / j->tile * j->n_blocks, 1,
                           ns * (double)(j->tile * hone__min(cols, block)), rows_in_pieces, j);
    } else if (in_strips(j)) {
        j->tile =
            (j->n_blocks + team - 1) / team; /* a group's first and last strips may be parts */
        hone__parallel_for(j->v.rows * ((j->n_blocks + j->tile - 1) / j->tile), 1,
                           ns * (double)(block * j->tile), rows_in_strips, j);
    } else {
        hone__parallel_for(units, 1, ns * (double)block, rows_in_blocks, j);
    }
    hone__parallel_for(j->v.rows, 1, 2.0 * (double)j->n_blocks, rows_combine, j);
    hone__pool_free(j->partials, bytes);
    return true;
}

/* ---- column rule */

/* Columns [begin, end), each reduced by one thread where it lies. */
static void cols_whole(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t run = j->v.col_shape[j->v.n_col_dims - 1];
    for (int64_t c = begin, n; c < end; c += n) {
        n = hone__min(end - c, run - c % run);
        hone__k->reduce_cols[j->kind][j->v.dtype](
            j->v.rows, n, j->v.data + hone__rows_offset(&j->v, 0, c) * j->v.size, j->row_stride,
            j->out + c * j->out_size);
    }
}

/* Rows [r, r_end), a block, of columns [c, c + n) to out, as sums in four chains. */
static void sum_fours(const job *j, int64_t r, int64_t r_end, int64_t c, int64_t n, float *out)
{
    const hone__rows *v = &j->v;
    const int64_t run = v->col_shape[v->n_col_dims - 1];
    _Alignas(64) char buffer[2 * BUFFER_BYTES];
    if (!j->direct && !j->across) {
        hone__rows_gather(v, (hone__rect){ r, r_end, c, c + n }, buffer, n);
        hone__k->sum_fours(r_end - r, n, (const float *)(const void *)buffer, n, out);
        return;
    }
    for (int64_t end = c + n, m; c < end; c += m, out += m) {
        const char *x = v->data + hone__rows_offset(v, r, c) * v->size;
        m = hone__min(end - c, run - c % run);
        if (j->across)
            hone__k->sum_fours_across(r_end - r, m, (const float *)(const void *)x,
                                      v->col_stride[0], out);
        else
            hone__k->sum_fours(r_end - r, m, (const float *)(const void *)x, j->row_stride, out);
    }
}

/* Blocks [begin, end) of rows, counted through all tiles of columns, into their partial
 * results: [tile][block][column]. */
static void cols_in_blocks(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__reduce_cols_blocks_fn reduce = hone__k->reduce_cols_blocks[j->kind][j->v.dtype];
    _Alignas(64) char buffer[BUFFER_BYTES];
    for (int64_t u = begin; u < end; u++) {
        const int64_t tile = u / j->n_blocks, b = u % j->n_blocks;
        const int64_t c = tile * j->tile, n = hone__min(j->tile, j->v.cols - c);
        const int64_t r = b * j->block_rows, r_end = hone__min(j->v.rows, r + j->block_rows);
        char *partial = (char *)j->partials + (j->n_blocks * c + b * n) * j->partial_size;
        if (j->fours) {
            sum_fours(j, r, r_end, c, n, (float *)(void *)partial);
            continue;
        }
        if (j->direct) {
            reduce(j->v.rows, n, j->v.data + c * j->v.size, j->row_stride, b, b + 1, partial);
            continue;
        }
        if (j->across) {
            const char *x = j->v.data + hone__rows_offset(&j->v, r, c) * j->v.size;
            hone__k->sum_across(r_end - r, n, (const float *)(const void *)x, j->v.col_stride[0],
                                (float *)(void *)partial);
            continue;
        }
        hone__rows_gather(&j->v, (hone__rect){ r, r_end, c, c + n }, buffer, n);
        reduce(r_end - r, n, buffer, n, 0, 1, partial);
    }
}

static void cols_combine(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    for (int64_t tile = begin; tile < end; tile++) {
        const int64_t c = tile * j->tile, n = hone__min(j->tile, j->v.cols - c);
        char *partials = (char *)j->partials + j->n_blocks * c * j->partial_size;
        hone__k->reduce_cols_combine[j->kind][j->v.dtype](j->fours ? j->n_blocks * HONE__COLS_BLOCK
                                                                   : j->v.rows,
                                                          n, partials, j->out + c * j->out_size);
        put_means(j, c, n, partials + n * j->v.size, partials + 2 * n * j->v.size);
    }
}

/* Blocks of rows read memory in its own order, where columns are too many for the kernel's panel or
 * where threads would share rows. */
static bool suits_blocks(const job *j)
{
    if (j->v.n_col_dims != 1 || j->n_blocks <= 1)
        return false;
    const double ns = NS_DIRECT * (double)j->v.rows * (double)j->v.cols;
    const int team = hone__team_for(ns, j->n_blocks);
    return j->v.cols * j->partial_size > PANEL_BYTES || (team > 1 && j->n_blocks >= team);
}

/* True if a column's elements lie side by side and columns one stride apart. */
static bool sums_across(const job *j)
{
    const hone__rows *v = &j->v;
    return j->kind == HONE__K_SUM && v->dtype == HONE_F32 && v->n_col_dims == 1 &&
           v->n_row_dims == 1 && v->row_stride[0] == 1 && v->col_stride[0] > 1;
}

/* Columns that a unit of work takes of each block of rows. */
static int64_t cols_tile(const job *j)
{
    const int64_t parts = (hone__team_size() + j->n_blocks - 1) / j->n_blocks;
    const int64_t most = (j->direct ? TILE_BYTES : BUFFER_BYTES / HONE__COLS_BLOCK) / j->v.size;
    if (!j->fours)
        return j->across ? ACROSS_TILE : most;
    return j->direct ? hone__min(most, (j->v.cols + parts - 1) / parts)
                     : (j->across ? FOURS_TILE : 2 * FOURS_TILE);
}

static bool run_cols(job *j)
{
    const int64_t rows = j->v.rows, cols = j->v.cols;
    /* Rows one stride apart and columns side by side, if only within the innermost kept dim. */
    const bool in_place = j->v.n_row_dims <= 1 && j->v.col_stride[j->v.n_col_dims - 1] == 1;
    j->block_rows = j->fours ? HONE__FOURS_BLOCK : HONE__COLS_BLOCK;
    j->n_blocks = (rows + j->block_rows - 1) / j->block_rows;
    j->row_stride = j->v.n_row_dims ? j->v.row_stride[0] : cols;
    if (!j->fours && !j->base && ((in_place && !suits_blocks(j)) || is_arg(j->kind))) {
        hone__parallel_for(cols, 64, NS_DIRECT * (double)rows + 1.0, cols_whole, j);
        return true;
    }
    j->direct = in_place;
    j->across = sums_across(j);
    j->tile = cols_tile(j);
    const int64_t tiles = (cols + j->tile - 1) / j->tile;
    const size_t bytes = hone__bytes(j->n_blocks, hone__bytes(cols, (size_t)j->partial_size));
    j->partials = hone__pool_alloc(bytes);
    if (!j->partials)
        return false;
    const double elements = (double)(j->block_rows * hone__min(j->tile, cols));
    const double ns = in_place || (j->fours && j->across) ? NS_DIRECT : NS_GATHERED;
    hone__parallel_for(tiles * j->n_blocks, 1, elements * ns, cols_in_blocks, j);
    hone__parallel_for(tiles, 1, (double)(j->n_blocks * hone__min(j->tile, cols)), cols_combine, j);
    hone__pool_free(j->partials, bytes);
    return true;
}

/* ---- the choice */

/* True if the last dim of extent > 1 is among `dims` (or there is no such dim). */
static bool innermost_is_reduced(const hone_tensor *x, uint32_t dims)
{
    for (int d = x->ndim - 1; d >= 0; d--)
        if (x->shape[d] != 1)
            return dims >> d & 1;
    return true;
}

static bool reduce(int kind, const hone_tensor *x, uint32_t dims, void *out, void *base,
                   void *shift)
{
    job j;
    j.kind = kind;
    j.out = out;
    j.base = base;
    j.shift = shift;
    j.out_size = output_size(kind, (hone_dtype)x->dtype);
    j.direct = false;
    j.partial_size = kind == HONE__K_M2 ? 3 * j.out_size : j.out_size;
    if (x->numel == 0) { /* the sum of nothing; nothing else has outputs then */
        hone__rows_of(&j.v, x, dims);
        if (j.v.rows > 0)
            memset(out, 0, (size_t)(j.v.rows * j.out_size));
        return true;
    }
    bool rule_rows = innermost_is_reduced(x, dims);
    /* A place has no rounding: if its columns don't lie side by side, gathered rows find it too. */
    if (!rule_rows && is_arg(kind)) {
        hone__rows_of(&j.v, x, ~dims);
        rule_rows = j.v.n_row_dims > 1 || j.v.col_stride[j.v.n_col_dims - 1] != 1;
    }
    if (rule_rows) {
        hone__rows_of(&j.v, x, dims);
        j.direct = hone__rows_direct(&j.v, &j.row_stride);
        if (!j.direct && hone__lies_across(kind, &j.v)) {
            hone__reduce_across(kind, &j.v, out);
            return true;
        }
        return run_rows(&j);
    }
    hone__rows_of(&j.v, x, ~dims);
    j.fours = kind == HONE__K_SUM && x->dtype == HONE_F32 && (dims & 1) &&
              j.v.rows >= LONG_COLUMN && j.v.cols <= HONE__FOURS_COLS;
    return run_cols(&j);
}

int hone__reduced_order(int ndim, uint32_t mask, int64_t *order)
{
    int n = 0, kept = 0;
    for (int last = 0; last < 2; last++) {
        for (int d = 0; d < ndim; d++)
            if ((int)(mask >> d & 1) == last)
                order[n++] = d;
        kept = last ? kept : n;
    }
    order[n] = HONE_END_DIM;
    return kept;
}

static uint32_t all_dims(const hone_tensor *x)
{
    return (1U << x->ndim) - 1;
}

/* x with its dims in the order in which they lie, to be read alone; true if that is another one. */
static bool as_it_lies(const hone_tensor *x, hone_tensor *lying)
{
    bool moved = false;
    *lying = *x;
    for (int d = 1; d < x->ndim; d++)
        for (int to = d; to > 0 && lying->stride[to - 1] < x->stride[d]; to--) {
            lying->shape[to] = lying->shape[to - 1];
            lying->stride[to] = lying->stride[to - 1];
            lying->shape[to - 1] = x->shape[d];
            lying->stride[to - 1] = x->stride[d];
            moved = true;
        }
    return moved;
}

/* The extreme of all elements is the same in any order, but for zeros: which of -0 and 0 it is, order
 * decides. */
static bool extreme_in_any_order(int kind, const hone_tensor *x, void *out)
{
    hone_tensor t;
    if (!as_it_lies(x, &t) || !reduce(kind, &t, all_dims(&t), out, NULL, NULL))
        return false;
    return x->dtype == HONE_F32   ? *(const float *)out != 0
           : x->dtype == HONE_F64 ? *(const double *)out != 0
                                  : true;
}

/* The dim whose rows are summed first, where x is summed over everything; none: -1. */
static int rows_first(int kind, const hone_tensor *x)
{
    int last = x->ndim - 1;
    while (last > 0 && x->shape[last] == 1)
        last--;
    const bool sums = kind == HONE__K_SUM || kind == HONE__K_SUM_SQUARES;
    return sums && hone_dtype_is_float((hone_dtype)x->dtype) && last > 0 &&
                   x->shape[last] >= LONG_ROW && x->shape[last] < x->numel
               ? last
               : -1;
}

static bool sum_of_rows(int kind, const hone_tensor *x, int last, void *out)
{
    const int64_t rows = x->numel / x->shape[last];
    const size_t bytes = hone__bytes(rows, hone_dtype_size((hone_dtype)x->dtype));
    void *sums = hone__pool_alloc(bytes);
    if (!sums)
        return false;
    const bool done = reduce(kind, x, 1U << last, sums, NULL, NULL);
    if (done)
        hone__k->reduce_rows[HONE__K_SUM][x->dtype](1, rows, sums, rows, out, 1);
    hone__pool_free(sums, bytes);
    return done;
}

bool hone__reduce(int kind, const hone_tensor *x, uint32_t dims, void *out)
{
    const bool all = x->ndim > 1 && x->numel && dims == all_dims(x);
    const int last = all ? rows_first(kind, x) : -1;
    if (last >= 0)
        return sum_of_rows(kind, x, last, out);
    if ((kind == HONE__K_MAX || kind == HONE__K_MIN) && all && !hone__contiguous(x) &&
        extreme_in_any_order(kind, x, out))
        return true;
    return reduce(kind, x, dims, out, NULL, NULL);
}

/* Blocks [begin, end) of rows of bf16, counted through all rows, as f32. */
static void widened_blocks(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const hone__rows *v = &j->v;
    const int64_t block = hone__reduce_block(HONE__F32), run = v->col_shape[v->n_col_dims - 1];
    _Alignas(64) float buffer[BUFFER_BYTES / sizeof(float)];
    for (int64_t u = begin; u < end; u++) {
        const int64_t row = u / j->n_blocks, first = u % j->n_blocks * block;
        const int64_t last = hone__min(v->cols, first + block);
        for (int64_t c = first, n; c < last; c += n) {
            n = hone__min(last - c, run - c % run);
            hone__k->cast[HONE__BF16][HONE__F32](n, buffer + (c - first), 1,
                                                 v->data + hone__rows_offset(v, row, c) * v->size,
                                                 v->col_stride[v->n_col_dims - 1]);
        }
        hone__k->reduce_blocks[j->kind][HONE__F32](last - first, buffer, 0, 1,
                                                   (hone__partial *)j->partials + u);
    }
}

/* Of bf16: as those of what it is as f32, which nobody makes as a whole. */
static bool moments_of_halves(job *j)
{
    const int64_t block = hone__reduce_block(HONE__F32);
    j->n_blocks = (j->v.cols + block - 1) / block;
    const size_t bytes = hone__bytes(j->v.rows, hone__bytes(j->n_blocks, sizeof(hone__partial)));
    j->partials = hone__pool_alloc(bytes);
    if (!j->partials)
        return false;
    hone__parallel_for(j->v.rows * j->n_blocks, 1, NS_DIRECT * (double)hone__min(j->v.cols, block),
                       widened_blocks, j);
    j->v.dtype = HONE_F32;
    j->v.size = sizeof(float);
    hone__parallel_for(j->v.rows, 1, 2.0 * (double)j->n_blocks, rows_combine, j);
    hone__pool_free(j->partials, bytes);
    return true;
}

bool hone__moments(const hone_tensor *x, uint32_t dims, void *m2, void *base, void *shift)
{
    if (x->dtype == HONE_BF16) {
        job j = { .kind = HONE__K_M2, .out = m2, .base = base, .shift = shift, .out_size = 4 };
        hone__rows_of(&j.v, x, dims);
        return moments_of_halves(&j);
    }
    return reduce(HONE__K_M2, x, dims, m2, base, shift);
}

void hone__divide(hone_tensor *out, double by)
{
    const float by_f32 = (float)by;
    const void *number = out->dtype == HONE_F32 ? (const void *)&by_f32 : (const void *)&by;
    if (out->numel)
        hone__k->binary[HONE__K_DIV][out->dtype](out->numel, hone__data(out), 1, hone__data(out), 1,
                                                 number, 0);
}
