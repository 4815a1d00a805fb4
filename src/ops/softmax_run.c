/* softmax_run.c: rows along the last dim, of any layout, on the contiguous row kernels
 * (softmax_cols.c has the other dims).
 *
 * Rows that lie as the kernels want them are used where they lie. Else some rows at a time are
 * gathered into a buffer and the result is put back: along an outer dim of a contiguous tensor both
 * ways are transposes of small tiles. A row's result never depends on which way it went. */
#include "ops/softmax_run.h"

#include "isa/isa.h"
#include "ops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <hone/ops.h>

#define NS_PER_ELEMENT 0.8

/* Rows handled together: bytes of one operand at least and, where they are gathered, a cache line
 * of neighbours (bytes at most). */
#define TILE_BYTES      16384
#define TILE_ROWS       16
#define MOST_TILE_BYTES 1048576

typedef struct {
    hone__rows v;
    bool direct;
    int64_t stride; /* of rows, where they lie */
    char *buffer;   /* all threads' rows, when not direct */
} operand;

typedef struct {
    hone__softmax_kind kind;
    hone_dtype dtype;
    int64_t size, rows, cols;
    operand out, a, b;
    bool has_b;
    int64_t tile; /* rows handled together */
} job;

typedef struct {
    char *p;
    int64_t stride;
} lines;

static void run_kernel(const job *j, int64_t rows, lines out, lines a, lines b)
{
    switch (j->kind) {
    case HONE__SOFTMAX:
        hone__k->softmax[j->dtype](rows, j->cols, out.p, out.stride, a.p, a.stride);
        break;
    case HONE__LOG_SOFTMAX:
        hone__k->log_softmax[j->dtype](rows, j->cols, out.p, out.stride, a.p, a.stride);
        break;
    case HONE__LOGSUMEXP:
        hone__k->logsumexp[j->dtype](rows, j->cols, out.p, 1, a.p, a.stride);
        break;
    case HONE__SOFTMAX_BACKWARD:
        hone__k->softmax_backward[j->dtype](rows, j->cols, out.p, out.stride, a.p, a.stride, b.p,
                                            b.stride);
        break;
    case HONE__LOG_SOFTMAX_BACKWARD:
        hone__k->log_softmax_backward[j->dtype](rows, j->cols, out.p, out.stride, a.p, a.stride,
                                                b.p, b.stride);
        break;
    }
}

/* This thread's place for the rows of an operand. */
static char *own_buffer(const job *j, const operand *o, int thread)
{
    return o->buffer + (int64_t)thread * j->tile * j->cols * j->size;
}

static lines where_it_lies(const job *j, const operand *o, int64_t row)
{
    return (lines){ o->v.data + row * o->stride * j->size, o->stride };
}

static lines fetch(const job *j, const operand *o, hone__rect rect, int thread)
{
    if (o->direct)
        return where_it_lies(j, o, rect.row);
    char *buffer = own_buffer(j, o, thread);
    hone__rows_gather(&o->v, rect, buffer, j->cols);
    return (lines){ buffer, j->cols };
}

static void run_rows(const job *j, int64_t begin, int64_t end, int thread)
{
    for (int64_t r = begin; r < end; r += j->tile) {
        const hone__rect rect = { r, hone__min(r + j->tile, end), 0, j->cols };
        const lines a = fetch(j, &j->a, rect, thread);
        const lines b = j->has_b ? fetch(j, &j->b, rect, thread) : (lines){ NULL, 0 };
        if (j->out.direct) {
            run_kernel(j, rect.row_end - r, where_it_lies(j, &j->out, r), a, b);
            continue;
        }
        const lines out = { own_buffer(j, &j->out, thread), j->cols };
        run_kernel(j, rect.row_end - r, out, a, b);
        hone__rows_scatter(&j->out.v, rect, out.p, j->cols);
    }
}

static void team_body(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const int64_t tiles = (j->rows + j->tile - 1) / j->tile;
    const int64_t begin = tiles * thread / n_threads, end = tiles * (thread + 1) / n_threads;
    run_rows(j, begin * j->tile, hone__min(end * j->tile, j->rows), thread);
}

static operand operand_of(const hone_tensor *t, uint32_t cols)
{
    operand o = { .v = hone__rows_of(t, cols) };
    o.direct = hone__rows_direct(&o.v, &o.stride);
    if (t->numel == 0)
        o.stride = 0; /* there is no memory to step through */
    return o;
}

hone_tensor *hone__softmax_input(hone_tensor *x)
{
    return hone_dtype_is_float((hone_dtype)x->dtype) ? x : hone_to(x, HONE_F32);
}

static int64_t tile_rows(const job *j)
{
    const int64_t row_bytes = j->cols * j->size > 0 ? j->cols * j->size : 1;
    const bool gathers = !j->a.direct || !j->out.direct || (j->has_b && !j->b.direct);
    int64_t tile = TILE_BYTES / row_bytes;
    if (gathers && tile < TILE_ROWS)
        tile = hone__min(TILE_ROWS, MOST_TILE_BYTES / row_bytes);
    return tile > 0 ? tile : 1;
}

/* One block with room for all threads' rows of every operand that is gathered; NULL if none is. */
static bool take_buffers(job *j, int n_threads, char **block, size_t *bytes)
{
    operand *const operands[] = { &j->out, &j->a, &j->b };
    const int64_t each = n_threads * j->tile * j->cols * j->size;
    const int n = j->has_b ? 3 : 2;
    int gathered = 0;
    for (int i = 0; i < n; i++)
        gathered += !operands[i]->direct;
    *bytes = (size_t)(each * gathered);
    *block = *bytes ? hone__pool_alloc(*bytes) : NULL;
    for (int i = 0; i < n; i++)
        if (*block && !operands[i]->direct)
            operands[i]->buffer = *block + each * --gathered;
    return *block || *bytes == 0;
}

bool hone__softmax_run(hone__softmax_kind kind, int dim, hone_tensor *out, hone_tensor *a,
                       hone_tensor *b)
{
    if (!hone__is_innermost(a, dim))
        return hone__softmax_cols_run(kind, dim, out, a, b);
    const uint32_t cols = a->ndim ? 1u << dim : 0;
    job j = { .kind = kind, .dtype = (hone_dtype)a->dtype, .has_b = b != NULL };
    j.a = operand_of(a, cols);
    /* LOGSUMEXP's results lie side by side, in the order of the rows. */
    j.out = kind == HONE__LOGSUMEXP ? operand_of(out, ~0u) : operand_of(out, cols);
    if (kind == HONE__LOGSUMEXP)
        j.out.stride = 1;
    if (b)
        j.b = operand_of(b, cols);
    j.size = j.a.v.size, j.rows = j.a.v.rows, j.cols = j.a.v.cols;
    if (out->numel == 0)
        return true;
    j.tile = tile_rows(&j);
    const int64_t tiles = (j.rows + j.tile - 1) / j.tile;
    const int n_threads =
        hone__team_for(NS_PER_ELEMENT * (double)j.cols * (double)j.rows + (double)j.rows, tiles);
    char *block;
    size_t bytes;
    if (!take_buffers(&j, n_threads, &block, &bytes))
        return false;
    hone__parallel_team(n_threads, team_body, &j);
    if (block)
        hone__pool_free(block, bytes);
    return true;
}
