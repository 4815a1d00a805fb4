/* row_groups.c: see row_groups.h. */
#include "loops/row_groups.h"

#include "runtime/memory.h"
#include "runtime/parallel.h"

#define NS_GATHERED 0.3 /* an element */

enum {
    LINE = 64,
    GROUP_BYTES = 512 << 10, /* of a group: L2 holds it ... */
    PIECE = 4,               /* ... but lines side by side that memory should be asked for ... */
    MOST_BYTES = 1 << 20,    /* ... up to here; longer rows go in fewer */
    SHORT_RUN = 1024,        /* elements: rows that lie in shorter runs are gathered */
};

typedef enum { WHERE_IT_LIES, INTO_RESULT, INTO_BUFFER } way;

typedef struct {
    const hone__row_groups *g;
    int64_t rows, cols, size;
    way way[HONE__GROUP_INPUTS];
    int64_t group;       /* rows that are gathered together */
    int64_t ld;          /* elements from row to row of a buffer */
    int64_t group_bytes; /* of a buffer */
    int n_buffers;       /* a thread's */
    char *buffers;
} plan;

/* True if rows are contiguous and enough of them lie one stride apart. */
static bool can_lie(const hone__rows *v)
{
    if (v->rows == 0 || v->cols == 0)
        return true;
    const bool together = v->n_col_dims == 0 || (v->n_col_dims == 1 && v->col_stride[0] == 1);
    return together &&
           (v->n_row_dims <= 1 || v->row_shape[v->n_row_dims - 1] * v->cols >= SHORT_RUN);
}

static void plan_ways(plan *p)
{
    const hone__row_groups *g = p->g;
    bool result_free = g->result != NULL;
    for (int i = 0; i < g->n; i++) {
        if (!g->scratch && can_lie(g->in[i])) {
            p->way[i] = WHERE_IT_LIES;
        } else if (result_free) {
            p->way[i] = INTO_RESULT;
            result_free = false;
        } else {
            p->way[i] = INTO_BUFFER;
            p->n_buffers++;
        }
    }
}

/* Groups are whole cache lines of neighbours, of every column: what memory hands out is used up.
 * Every thread gets some. */
static void plan_groups(plan *p)
{
    const int64_t line = LINE / p->size, row_bytes = p->cols * p->size;
    const int64_t share = (p->rows / hone__team_size() + line - 1) / line * line;
    int64_t group = hone__min(GROUP_BYTES / row_bytes / line * line, share);
    if (group < PIECE * line)
        group = hone__min(hone__min(PIECE * line, share), MOST_BYTES / row_bytes);
    p->group = hone__min(group > 0 ? group : 1, p->rows);
    /* Rows a multiple of a page apart would share a few places of the caches. */
    p->ld = p->cols + (row_bytes % 4096 == 0 && p->group > 1 ? line : 0);
    p->group_bytes = (p->group * p->ld * p->size + LINE - 1) / LINE * LINE;
}

/* Rows from `row` on that a kernel can take together. */
static int64_t rows_together(const plan *p, int64_t row, int64_t end)
{
    int64_t n = end - row;
    for (int i = 0; i < p->g->n; i++) {
        const hone__rows *v = p->g->in[i];
        if (p->way[i] != WHERE_IT_LIES) {
            n = hone__min(n, p->group);
        } else if (v->n_row_dims > 1) {
            const int64_t run = v->row_shape[v->n_row_dims - 1];
            n = hone__min(n, run - row % run);
        }
    }
    return n;
}

static hone__lines take_rows(const plan *p, int i, hone__rect rect, char **buffer)
{
    const hone__rows *v = p->g->in[i];
    if (p->way[i] == WHERE_IT_LIES) {
        const int64_t stride = v->n_row_dims ? v->row_stride[v->n_row_dims - 1] : p->cols;
        return (hone__lines){ v->data + hone__rows_offset(v, rect.row, 0) * p->size, stride };
    }
    hone__lines to = { p->g->result + rect.row * p->cols * p->size, p->cols };
    if (p->way[i] == INTO_BUFFER) {
        to = (hone__lines){ *buffer, p->ld };
        *buffer += p->group_bytes;
    }
    hone__rows_gather(v, rect, to.p, to.stride);
    return to;
}

static void run_rows(const plan *p, int64_t begin, int64_t end, char *buffers)
{
    for (int64_t r = begin, n; r < end; r += n) {
        hone__lines in[HONE__GROUP_INPUTS];
        char *buffer = buffers;
        n = rows_together(p, r, end);
        if (p->g->wanted && !p->g->wanted(p->g->ctx, r, n))
            continue;
        for (int i = 0; i < p->g->n; i++)
            in[i] = take_rows(p, i, (hone__rect){ r, r + n, 0, p->cols }, &buffer);
        p->g->body(p->g->ctx, r, n, in);
    }
}

static void run_range(void *ctx, int64_t begin, int64_t end)
{
    run_rows(ctx, begin, end, NULL);
}

static void run_share(void *ctx, int thread, int n_threads)
{
    const plan *p = ctx;
    const int64_t groups = (p->rows + p->group - 1) / p->group;
    const int64_t begin = groups * thread / n_threads, end = groups * (thread + 1) / n_threads;
    run_rows(p, begin * p->group, hone__min(end * p->group, p->rows),
             p->buffers + thread * p->n_buffers * p->group_bytes);
}

bool hone__row_groups_run(const hone__row_groups *g)
{
    plan p = { .g = g, .rows = g->in[0]->rows, .cols = g->in[0]->cols, .size = g->in[0]->size };
    plan_ways(&p);
    int gathered = 0;
    for (int i = 0; i < g->n; i++)
        gathered += p.way[i] != WHERE_IT_LIES;
    if (gathered == 0) {
        hone__parallel_for(p.rows, 1, g->ns, run_range, &p);
        return true;
    }
    plan_groups(&p);
    const double ns = g->ns + NS_GATHERED * gathered * (double)p.cols;
    const int n_threads = hone__team_for(ns * (double)p.rows, (p.rows + p.group - 1) / p.group);
    const size_t bytes = hone__bytes((int64_t)n_threads * p.n_buffers, (size_t)p.group_bytes);
    if (bytes > 0 && !(p.buffers = hone__pool_alloc(bytes)))
        return false;
    hone__parallel_team(n_threads, run_share, &p);
    if (bytes > 0)
        hone__pool_free(p.buffers, bytes);
    return true;
}
