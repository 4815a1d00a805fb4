/* reduce_across.c: see reduce_across.h. Each of the virtual lanes of a block is a chain down a column of
 * every so manieth row in memory, which is what reduce_cols does, many rows side by side; lanes and
 * blocks are joined as they come. So nothing is turned first. */
#include "loops/reduce_across.h"

#include "isa/isa.h"
#include "runtime/parallel.h"

#include <string.h>

#define NS_PER_ELEMENT 0.15

enum {
    PANEL_BYTES = 4096, /* of rows side by side: memory is read a page at a time */
    FEW_ROWS = 32,      /* are not worth it, nor are ... */
    FEW = 32768,        /* ... elements, which a cache holds while they are gathered */
    LANES_BYTES = 256,  /* of virtual lanes */
    TOGETHER = 2,       /* lanes that lie side by side: what is read goes on in the next row */
    LEVEL_BYTES = TOGETHER * PANEL_BYTES,
    MOST_BLOCKS = 64, /* of a row, and ... */
    LEVELS = 14,      /* ... as many levels of joining lanes and blocks as that takes, and more */
};

typedef struct {
    int kind;
    const hone__rows *v;
    char *out;
    int64_t panel;
} job;

/* a += b, n numbers. */
static void join(const job *j, int64_t n, char *a, const char *b)
{
    hone__k->binary[HONE__K_ADD][j->v->dtype](n, a, 1, a, 1, b, 1);
}

/* The lanes lane, lane + step, ... of a block of n columns at x, m rows each, and those of its
 * neighbours that are taken together, to `to`; the levels behind it are free. */
static void sum_lanes(const job *j, int64_t m, const char *x, int64_t n, int64_t lane, int64_t step,
                      char *to)
{
    const hone__rows *v = j->v;
    const int64_t lanes = LANES_BYTES / v->size, apart = v->col_stride[0];
    if (step == lanes) {
        for (int64_t i = 0; i < TOGETHER; i++) /* of an absent lane: -0.0 */
            hone__k->reduce_cols_blocks[j->kind][v->dtype](
                (n - lane - i + lanes - 1) / lanes, m, x + (lane + i) * apart * v->size,
                lanes * apart, 0, 1, to + i * m * v->size);
        return;
    }
    sum_lanes(j, m, x, n, lane, 2 * step, to);
    if (lane + step < n) { /* else these lanes are absent */
        sum_lanes(j, m, x, n, lane + step, 2 * step, to + LEVEL_BYTES);
        join(j, TOGETHER * m, to, to + LEVEL_BYTES);
    }
}

/* m rows from `row` on, in one run of the innermost row dim. */
static void sum_rows(const job *j, int64_t row, int64_t m)
{
    const hone__rows *v = j->v;
    const int64_t block = hone__reduce_block(v->dtype);
    _Alignas(64) char room[LEVELS * LEVEL_BYTES];
    char *top = room;
    for (int64_t at = 0, b = 1; at < v->cols; at += block, b++, top += LEVEL_BYTES) {
        const char *x = v->data + hone__rows_offset(v, row, at) * v->size;
        sum_lanes(j, m, x, hone__min(block, v->cols - at), 0, TOGETHER, top);
        join(j, m, top, top + m * v->size);
        for (int64_t bits = b; bits % 2 == 0; bits /= 2, top -= LEVEL_BYTES)
            join(j, m, top - LEVEL_BYTES, top);
    }
    for (top -= LEVEL_BYTES; top > room; top -= LEVEL_BYTES)
        join(j, m, top - LEVEL_BYTES, top);
    memcpy(j->out + row * v->size, room, (size_t)(m * v->size));
}

static void sum_panels(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const int64_t run = j->v->row_shape[j->v->n_row_dims - 1];
    for (int64_t row = begin * j->panel, m; row < hone__min(end * j->panel, j->v->rows); row += m) {
        m = hone__min(j->panel, run - row % run);
        m = hone__min(m, hone__min(end * j->panel, j->v->rows) - row);
        sum_rows(j, row, m);
    }
}

bool hone__lies_across(int kind, const hone__rows *v)
{
    const int last = v->n_row_dims - 1;
    return (kind == HONE__K_SUM || kind == HONE__K_SUM_SQUARES) && hone_dtype_is_float(v->dtype) &&
           last >= 0 && v->row_stride[last] == 1 && v->n_col_dims == 1 &&
           v->row_shape[last] >= FEW_ROWS && v->rows * v->cols >= FEW &&
           v->cols <= hone__reduce_block(v->dtype) * MOST_BLOCKS &&
           v->rows >= FEW_ROWS * (int64_t)hone__team_size();
}

void hone__reduce_across(int kind, const hone__rows *v, char *out)
{
    job j = { kind, v, out, 0 };
    const int64_t team = hone__team_size(), share = (v->rows + team - 1) / team;
    j.panel = hone__min(PANEL_BYTES / v->size, share);
    hone__parallel_for((v->rows + j.panel - 1) / j.panel, 1,
                       NS_PER_ELEMENT * (double)(v->cols * j.panel), sum_panels, &j);
}
