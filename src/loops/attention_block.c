/* attention_block.c: see attention_block.h. */
#include "loops/attention_block.h"

#include "loops/rows.h"

#include <string.h>

/* ---- tiles */

/* Rows [i, i + rows) and columns [col, col + width) over p in [from, to). */
static void tile(const hone__block_product *x, int64_t i, int64_t rows, int64_t col, int64_t width,
                 int64_t from, int64_t to)
{
    const hone__gemm_tile t = {
        .k = to - from,
        .a = x->a + (i * x->a_rs + from * x->a_cs) * x->size,
        .a_rs = x->a_rs,
        .a_cs = x->a_cs,
        .b = x->b + (from * x->b_rs + col) * x->size,
        .b_rs = x->b_rs,
        .c = x->c + (i * x->c_rs + col) * x->size,
        .c_rs = x->c_rs,
        .mr = (int)rows,
        .nr = (int)width,
        .resume = x->resume,
    };
    x->kernel->tile(&t);
}

/* Columns of the next tile: whole vectors, evenly. */
static int64_t next_width(const hone__block_product *x, int64_t left)
{
    const int64_t most = x->kernel->wide, vl = x->kernel->vl;
    if (left <= most)
        return left;
    return left < 2 * most ? ((left + 1) / 2 + vl - 1) / vl * vl : most;
}

/* Along the edge of a triangle narrow columns: fewer scores that nobody sees. */
void hone__block_scores(const hone__block_product *x, int64_t first)
{
    const int64_t narrow = 2 * x->kernel->vl;
    for (int64_t col = 0, width; col < x->n; col += width) {
        width = next_width(x, x->n - col);
        if (width > narrow && col + narrow > first)
            width = narrow;
        const int64_t tall = hone__gemm_tile_rows(x->kernel, width, x->k, x->a_cs);
        for (int64_t i = col > first ? col - first : 0, rows; i < x->m; i += rows) {
            rows = hone__min(tall, x->m - i);
            tile(x, i, rows, col, width, 0, x->k);
        }
    }
}

/* ---- sums over what sees each other */

/* All columns of some rows. */
static void run_rows(const hone__block_product *x, int64_t i, int64_t rows, int64_t from,
                     int64_t to)
{
    for (int64_t col = 0, width; col < x->n && from < to; col += width) {
        width = next_width(x, x->n - col);
        tile(x, i, rows, col, width, from, to);
    }
}

static int64_t strip_rows(const hone__block_product *x)
{
    return hone__gemm_tile_rows(x->kernel, next_width(x, x->n), x->k, x->a_cs);
}

typedef struct {
    int64_t from, to;
} span;

/* What of p row i has, both ends rising with i. */
static span span_of(const hone__block_product *x, int64_t seen, bool turned, int64_t i)
{
    if (!turned)
        return (span){ 0, hone__min(x->k, seen + i) };
    return (span){ hone__min(x->k, i >= seen ? i - seen + 1 : 0), x->k };
}

/* Rows whose spans differ at their ends only: what all have at once, the ends row by row. Turned they
 * resume. */
static void run_spans(const hone__block_product *x, int64_t seen, bool turned)
{
    const int64_t tall = strip_rows(x);
    hone__block_product more = *x;
    more.resume = true;
    for (int64_t i = 0, rows; i < x->m; i += rows) {
        rows = hone__min(tall, x->m - i);
        const int64_t from = span_of(x, seen, turned, i + rows - 1).from;
        const int64_t to = span_of(x, seen, turned, i).to;
        if (from >= to) {
            for (int64_t r = i; r < i + rows; r++) {
                const span s = span_of(x, seen, turned, r);
                run_rows(x, r, 1, s.from, s.to);
            }
            continue;
        }
        for (int64_t r = i; r < i + rows; r++)
            run_rows(x, r, 1, span_of(x, seen, turned, r).from, from);
        run_rows(x, i, rows, from, to);
        for (int64_t r = i; r < i + rows; r++)
            run_rows(&more, r, 1, to, span_of(x, seen, turned, r).to);
    }
}

/* Rows of the same bytes together, run by run of those that are set. */
static void run_masked(const hone__block_product *x, const uint8_t *mask, int64_t ld)
{
    const int64_t tall = strip_rows(x);
    for (int64_t i = 0, rows; i < x->m; i += rows) {
        const uint8_t *row = mask + i * ld;
        for (rows = 1; rows < hone__min(tall, x->m - i); rows++)
            if (memcmp(row, row + rows * ld, (size_t)x->k) != 0)
                break;
        for (int64_t from = 0, to; from < x->k; from = to) {
            const uint8_t *begin = memchr(row + from, 1, (size_t)(x->k - from));
            if (!begin)
                break;
            const uint8_t *end = memchr(begin, 0, (size_t)(row + x->k - begin));
            to = end ? end - row : x->k;
            run_rows(x, i, rows, begin - row, to);
        }
    }
}

void hone__block_sum(const hone__block_product *x, const hone__sight *sight, bool turned)
{
    switch (sight->kind) {
    case HONE__SEE_ALL:
        for (int64_t i = 0, rows; i < x->m; i += rows) {
            rows = hone__min(strip_rows(x), x->m - i);
            run_rows(x, i, rows, 0, x->k);
        }
        break;
    case HONE__SEE_FIRST:
        run_spans(x, sight->seen, turned);
        break;
    case HONE__SEE_MASK:
        run_masked(x, turned ? sight->turned : sight->mask,
                   turned ? HONE__SIGHT_LD : HONE__KEY_BLOCK);
        break;
    case HONE__SEE_NONE:
        break;
    }
}
