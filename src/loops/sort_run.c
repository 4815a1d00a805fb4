/* sort_run.c: see sort_run.h. A row becomes (key, index) pairs: short runs sorted by insertion, then
 * merged, two at a time, to and fro between two buffers. Long rows are sorted by the digits of their keys
 * instead, the lowest first; both ways keep equal keys in their order, so the result is the same. */
#include "loops/sort_run.h"

#include "loops/indices.h"
#include "loops/order_key.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

enum {
    RUN = 16,    /* elements that are sorted by insertion */
    LONG = 1024, /* from here on by digits */
    DIGIT = 8,   /* bits of one */
};
#define NS_PER_STEP 2.0

typedef struct {
    uint64_t key;
    int64_t index;
} entry;

typedef struct {
    hone__rows x, out; /* [rows, extent]; the indices, of the same geometry */
    char *values;      /* laid out as the indices; NULL: not wanted */
    bool descending;
    entry *buffers; /* [threads][2][extent] */
} job;

static void insertion_sort(entry *at, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const entry e = at[i];
        int64_t k = i;
        for (; k > 0 && at[k - 1].key > e.key; k--)
            at[k] = at[k - 1];
        at[k] = e;
    }
}

/* The runs [0, half) and [half, n) of from in order into to; of equal keys the first run's first. */
static void merge(const entry *from, int64_t half, int64_t n, entry *to)
{
    const entry *a = from, *b = from + half, *a_end = b, *b_end = from + n;
    while (a < a_end && b < b_end)
        *to++ = b->key < a->key ? *b++ : *a++;
    while (a < a_end)
        *to++ = *a++;
    while (b < b_end)
        *to++ = *b++;
}

/* The sorted entries, in one of both buffers. */
static const entry *sort_entries(entry *at, entry *other, int64_t n)
{
    for (int64_t i = 0; i < n; i += RUN)
        insertion_sort(at + i, hone__min(RUN, n - i));
    for (int64_t run = RUN; run < n; run *= 2) {
        for (int64_t i = 0; i < n; i += 2 * run)
            merge(at + i, hone__min(run, n - i), hone__min(2 * run, n - i), other + i);
        entry *done = other;
        other = at;
        at = done;
    }
    return at;
}

/* The same by digits; one in which all keys are equal costs nothing. */
static const entry *sort_digits(entry *at, entry *other, int64_t n)
{
    uint64_t differ = 0;
    for (int64_t i = 1; i < n; i++)
        differ |= at[i].key ^ at[0].key;
    for (int shift = 0; shift < 64; shift += DIGIT) {
        int64_t place[1 << DIGIT] = { 0 }, sum = 0;
        if ((differ >> shift & ((1 << DIGIT) - 1)) == 0)
            continue;
        for (int64_t i = 0; i < n; i++)
            place[at[i].key >> shift & ((1 << DIGIT) - 1)]++;
        for (int d = 0; d < 1 << DIGIT; d++) {
            const int64_t count = place[d];
            place[d] = sum;
            sum += count;
        }
        for (int64_t i = 0; i < n; i++)
            other[place[at[i].key >> shift & ((1 << DIGIT) - 1)]++] = at[i];
        entry *done = other;
        other = at;
        at = done;
    }
    return at;
}

static void sort_row(const job *j, int64_t row, entry *buffers)
{
    const hone__rows *x = &j->x, *out = &j->out;
    const char *from = x->data + hone__rows_offset(x, row, 0) * x->size;
    const int64_t step = (x->n_col_dims ? x->col_stride[0] : 1) * x->size, n = x->cols;
    const uint64_t turn = j->descending ? UINT64_MAX : 0;
    for (int64_t i = 0; i < n; i++)
        buffers[i] = (entry){ hone__key_of(x->dtype, from + i * step) ^ turn, i };
    const entry *sorted =
        n < LONG ? sort_entries(buffers, buffers + n, n) : sort_digits(buffers, buffers + n, n);
    const int64_t apart = out->n_col_dims ? out->col_stride[0] : 1;
    int64_t to = hone__rows_offset(out, row, 0), *places = (int64_t *)(void *)out->data;
    for (int64_t i = 0; i < n; i++, to += apart) {
        places[to] = sorted[i].index;
        if (j->values)
            hone__copy_one(x->size, j->values + to * x->size, from + sorted[i].index * step);
    }
}

static void sort_rows(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const int64_t rows = j->x.rows;
    for (int64_t row = rows * thread / n_threads; row < rows * (thread + 1) / n_threads; row++)
        sort_row(j, row, j->buffers + 2 * thread * j->x.cols);
}

bool hone__sort(const hone_tensor *x, int dim, bool descending, hone_tensor *values,
                hone_tensor *indices)
{
    job j = { .values = values ? hone__data(values) : NULL, .descending = descending };
    hone__rows_of(&j.x, x, 1u << dim);
    hone__rows_of(&j.out, indices, 1u << dim);
    double steps = 8;
    for (int64_t run = RUN; run < j.x.cols; run *= 2)
        steps++;
    const int n_threads =
        hone__team_for(NS_PER_STEP * steps * (double)j.x.rows * (double)j.x.cols, j.x.rows);
    int64_t entries;
    if (!hone__times(2 * (int64_t)n_threads, j.x.cols, &entries))
        entries = INT64_MAX;
    const size_t bytes = hone__bytes(entries, sizeof *j.buffers);
    j.buffers = hone__pool_alloc(bytes);
    if (!j.buffers)
        return false;
    hone__parallel_team(n_threads, sort_rows, &j);
    hone__pool_free(j.buffers, bytes);
    return true;
}
