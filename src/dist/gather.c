/* gather.c: see gather.h. */
#include "dist/gather.h"

#include "runtime/memory.h"

#include <string.h>

struct hone__gathering {
    hone__work work;
    char *rows;
    int64_t row_bytes;
    int64_t *begin;
    hone__message *out, *in; /* one a rank, or one a round */
    bool begun;
    int round; /* in rounds: 0, 1 .. */
};

static void drop(hone__gathering *g)
{
    hone__free(g->begin);
    hone__free(g->out);
    hone__free(g);
}

static hone__span *rows_of(const hone__gathering *g, int rank, int *n)
{
    return hone__spans_of(g->rows + g->begin[rank] * g->row_bytes,
                          (g->begin[rank + 1] - g->begin[rank]) * g->row_bytes, n);
}

static bool has_rows(const hone__gathering *g, int rank)
{
    return g->row_bytes > 0 && g->begin[rank + 1] > g->begin[rank];
}

/* ---- few ranks: each sends what it has to each other one */

static void begin(hone__gathering *g)
{
    const int size = hone__world_size(), rank = hone__world_rank();
    int n = 0;
    for (int r = 0; r < size; r++) {
        if (r != rank && has_rows(g, r)) {
            hone__span *spans = rows_of(g, r, &n);
            hone__message_receive(&g->in[r], spans, n, r, g->work.tag);
        }
        if (r != rank && has_rows(g, rank)) {
            hone__span *spans = rows_of(g, rank, &n);
            hone__message_send(&g->out[r], spans, n, r, g->work.tag, false);
        }
    }
    g->begun = true;
}

static int step(hone__work *work)
{
    hone__gathering *g = (hone__gathering *)work;
    int state = 1;
    if (!g->begun)
        begin(g);
    for (int i = 0; i < 2 * hone__world_size(); i++) {
        const int one = hone__message_test(&g->out[i]);
        state = one < 0 ? one : state < 0 ? state : state && one;
    }
    return state;
}

/* ---- many: rounds, in each of which what a rank has doubles (Bruck and others, 1997). In round k it has
 * the rows of the 2^k ranks from itself on, sends them to the rank that many before it and gets as
 * many of the one after it. */

enum { FEW = 16 };

/* Of `n` ranks from `first` on, round the end: at most two stretches. NULL: they have none, or out of
 * memory (*spans is not 0 then). */
static hone__span *rows_from(const hone__gathering *g, int first, int n, int *spans)
{
    const int size = hone__world_size(), to_end = size - first;
    const int64_t most = 1 << 30; /* bytes of a span */
    const int a[2] = { first, 0 }, b[2] = { first + (n < to_end ? n : to_end), n - to_end };
    int64_t rows[2] = { 0 };
    *spans = 0;
    for (int i = 0; i < 2 && b[i] > a[i]; i++) {
        rows[i] = (g->begin[b[i]] - g->begin[a[i]]) * g->row_bytes;
        *spans += (int)((rows[i] + most - 1) / most);
    }
    hone__span *all = *spans ? hone__malloc(hone__bytes(*spans, sizeof *all)) : NULL;
    for (int i = 0, k = 0; all && i < 2; i++)
        for (int64_t at = 0; at < rows[i]; at += most)
            all[k++] = (hone__span){ g->rows + g->begin[a[i]] * g->row_bytes + at,
                                     (size_t)(rows[i] - at < most ? rows[i] - at : most) };
    return all;
}

static void begin_round(hone__gathering *g)
{
    const int size = hone__world_size(), rank = hone__world_rank(), far = 1 << g->round;
    const int ranks = far < size - far ? far : size - far;
    const int before = (rank + size - far) % size, after = (rank + far) % size;
    int n;
    hone__span *spans = rows_from(g, after, ranks, &n);
    if (n)
        hone__message_receive(&g->in[g->round], spans, n, after, g->work.tag);
    spans = rows_from(g, rank, ranks, &n);
    if (n)
        hone__message_send(&g->out[g->round], spans, n, before, g->work.tag, false);
    g->begun = true;
}

static int step_in_rounds(hone__work *work)
{
    hone__gathering *g = (hone__gathering *)work;
    while (1 << g->round < hone__world_size()) {
        if (!g->begun)
            begin_round(g);
        const int in = hone__message_test(&g->in[g->round]);
        const int out = hone__message_test(&g->out[g->round]);
        if (in != 1 || out != 1)
            return in < 0 || out < 0 ? -1 : 0;
        g->round++;
        g->begun = false;
    }
    return 1;
}

/* ---- begin and end */

hone__gathering *hone__gather_begin(void *rows, int64_t row_bytes, const int64_t *from)
{
    const int64_t size = hone__world_size();
    hone__gathering *g = hone__calloc(sizeof *g);
    if (!g)
        return NULL;
    g->rows = rows;
    g->row_bytes = row_bytes;
    g->begin = hone__malloc(hone__bytes(size + 1, sizeof *g->begin));
    g->out = hone__calloc(hone__bytes(2 * size, sizeof *g->out));
    if (!g->begin || !g->out) {
        drop(g);
        return NULL;
    }
    memcpy(g->begin, from, (size_t)(size + 1) * sizeof *from);
    g->in = g->out + size;
    g->work.step = size > FEW ? step_in_rounds : step;
    hone__work_begin(&g->work);
    return g;
}

bool hone__gather_end(hone__gathering *g)
{
    if (!g)
        return false;
    const bool ok = hone__work_wait(&g->work);
    drop(g);
    return ok;
}

bool hone__gather_each(void *rows, int64_t row_bytes)
{
    const int64_t size = hone__world_size();
    int64_t *from = hone__malloc(hone__bytes(size + 1, sizeof *from));
    for (int64_t r = 0; from && r <= size; r++)
        from[r] = r;
    const bool ok = from && hone__gather_end(hone__gather_begin(rows, row_bytes, from));
    hone__free(from);
    return ok;
}

hone__gathering *hone__gather_from(int root, void *row, int64_t bytes)
{
    const int64_t size = hone__world_size();
    int64_t *from = hone__malloc(hone__bytes(size + 1, sizeof *from));
    for (int64_t r = 0; from && r <= size; r++)
        from[r] = r > root;
    hone__gathering *g = from ? hone__gather_begin(row, bytes, from) : NULL;
    hone__free(from);
    return g;
}
