/* topk_run.c: see topk_run.h. A row is read once; a heap holds the best k so far, the worst of them
 * on top, so that most elements meet one comparison. All are told apart by (key, index), so neither
 * the heap nor the cut over threads shows. */
#include "loops/topk_run.h"

#include "loops/indices.h"
#include "loops/order_key.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#define NS_PER_ELEMENT 1.5
#define NS_PER_KEPT    30.0 /* into the heap and out again */

typedef struct {
    uint64_t key; /* larger is better */
    int64_t index;
} entry;

typedef struct {
    hone__rows x, out; /* [rows, extent]; the values, [rows, k] */
    int64_t *indices;  /* as the values */
    bool largest, sorted;
    entry *heaps; /* [threads][k] */
} job;

/* ---- the heap: no entry is worse than the one above it */

static bool worse(entry a, entry b)
{
    return a.key < b.key || (a.key == b.key && a.index > b.index);
}

static void sift_down(entry *heap, int64_t n, entry e)
{
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && worse(heap[child + 1], heap[child]))
            child++;
        if (!worse(heap[child], e))
            break;
        heap[at] = heap[child];
    }
    heap[at] = e;
}

static void sift_up(entry *heap, int64_t at, entry e)
{
    for (; at > 0 && worse(e, heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = e;
}

/* Best first. */
static void sort_heap(entry *heap, int64_t k)
{
    for (int64_t n = k; n > 1; n--) {
        const entry worst = heap[0];
        sift_down(heap, n - 1, heap[n - 1]);
        heap[n - 1] = worst;
    }
}

/* The same entries by their indices alone. */
static void forget_keys(entry *heap, int64_t k)
{
    for (int64_t i = 0; i < k; i++)
        sift_up(heap, i, (entry){ 0, heap[i].index });
}

/* ---- rows */

static void take_row(const job *j, int64_t row, entry *heap)
{
    const hone__rows *x = &j->x, *out = &j->out;
    const char *from = x->data + hone__rows_offset(x, row, 0) * x->size;
    const int64_t step = (x->n_col_dims ? x->col_stride[0] : 1) * x->size, k = out->cols;
    const uint64_t turn = j->largest ? 0 : UINT64_MAX;
    for (int64_t i = 0; i < x->cols; i++) {
        const entry e = { hone__key_of(x->dtype, from + i * step) ^ turn, i };
        if (i < k)
            sift_up(heap, i, e);
        else if (e.key > heap[0].key) /* of equal ones the first stays */
            sift_down(heap, k, e);
    }
    if (!j->sorted)
        forget_keys(heap, k);
    sort_heap(heap, k);
    const int64_t apart = out->n_col_dims ? out->col_stride[0] : 1;
    int64_t to = hone__rows_offset(out, row, 0);
    for (int64_t i = 0; i < k; i++, to += apart) {
        j->indices[to] = heap[i].index;
        hone__copy_one(x->size, out->data + to * x->size, from + heap[i].index * step);
    }
}

static void take_rows(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const int64_t rows = j->x.rows;
    for (int64_t row = rows * thread / n_threads; row < rows * (thread + 1) / n_threads; row++)
        take_row(j, row, j->heaps + thread * j->out.cols);
}

bool hone__topk(const hone_tensor *x, int dim, bool largest, bool sorted, hone_tensor *values,
                hone_tensor *indices)
{
    const uint32_t cols = 1u << dim;
    job j = { .largest = largest, .sorted = sorted };
    hone__rows_of(&j.x, x, cols);
    hone__rows_of(&j.out, values, cols);
    j.indices = hone__data(indices);
    const double ns =
        (double)j.x.rows * (NS_PER_ELEMENT * (double)j.x.cols + NS_PER_KEPT * (double)j.out.cols);
    const int n_threads = hone__team_for(ns, j.x.rows);
    const size_t bytes = (size_t)(n_threads * j.out.cols) * sizeof(entry);
    j.heaps = hone__pool_alloc(bytes);
    if (!j.heaps)
        return false;
    hone__parallel_team(n_threads, take_rows, &j);
    hone__pool_free(j.heaps, bytes);
    return true;
}
