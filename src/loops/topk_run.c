/* topk_run.c: see topk_run.h. A heap holds the best k so far, the worst of them on top; a kernel finds the
 * best of every few elements, so that most are never looked at. All are told apart by (key, index), so neither
 * the heap nor the cut over threads shows. */
#include "loops/topk_run.h"

#include "isa/isa.h"
#include "loops/indices.h"
#include "loops/order_key.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#define NS_PER_ELEMENT 0.5
#define NS_PER_KEPT    30.0 /* into the heap and out again */

enum {
    GROUP = 16,
    GROUPS = 64,
    TOGETHER = 16,           /* rows that lie across are gathered so many at a time ... */
    TOGETHER_BYTES = 1 << 18 /* ... into so many bytes, or one by one */
};

typedef struct {
    uint64_t key; /* larger is better */
    int64_t index;
} entry;

typedef struct {
    hone__rows x, out; /* [rows, extent]; the values, [rows, k] */
    int64_t *indices;  /* as the values */
    bool largest, sorted;
    bool direct; /* a row's elements lie side by side */
    int64_t together;
    entry *heaps; /* [threads][k] */
    char *rooms;  /* [threads][together] rows, where they don't */
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

static inline uint64_t key_at(const job *j, const char *p)
{
    return hone__key_of(j->x.dtype, p) ^ (j->largest ? 0 : UINT64_MAX);
}

/* Elements [i, end) of the row at `from`. */
static void offer(const job *j, entry *heap, const char *from, int64_t i, int64_t end)
{
    for (; i < end; i++) {
        const entry e = { key_at(j, from + i * j->x.size), i };
        if (e.key > heap[0].key) /* of equal ones the first stays */
            sift_down(heap, j->out.cols, e);
    }
}

/* The same, group by group; of a group with a NaN the kernel knows nothing else. */
static void offer_groups(const job *j, entry *heap, const char *from, int64_t i, int64_t end)
{
    const int64_t size = j->x.size;
    const hone__reduce_rows_fn best_of =
        hone__k->reduce_rows[j->largest ? HONE__K_MAX : HONE__K_MIN][j->x.dtype];
    const bool is_float = hone_dtype_is_float(j->x.dtype);
    const uint64_t nan = j->largest ? UINT64_MAX : 0;
    char best[GROUPS * 8];
    for (int64_t n; end - i >= GROUP; i += n * GROUP) {
        n = hone__min(GROUPS, (end - i) / GROUP);
        best_of(n, GROUP, from + i * size, GROUP, best, 1);
        for (int64_t g = 0; g < n; g++) {
            const uint64_t key = key_at(j, best + g * size);
            if (key > heap[0].key || (is_float && key == nan))
                offer(j, heap, from, i + g * GROUP, i + (g + 1) * GROUP);
        }
    }
    offer(j, heap, from, i, end);
}

/* The row whose elements lie side by side at `from`. */
static void take_row(const job *j, int64_t row, const char *from, entry *heap)
{
    const hone__rows *out = &j->out;
    const int64_t k = out->cols, size = j->x.size;
    for (int64_t i = 0; i < k; i++)
        sift_up(heap, i, (entry){ key_at(j, from + i * size), i });
    offer_groups(j, heap, from, k, j->x.cols);
    if (!j->sorted)
        forget_keys(heap, k);
    sort_heap(heap, k);
    const int64_t apart = out->n_col_dims ? out->col_stride[0] : 1;
    int64_t to = hone__rows_offset(out, row, 0);
    for (int64_t i = 0; i < k; i++, to += apart) {
        j->indices[to] = heap[i].index;
        hone__copy_one(size, out->data + to * size, from + heap[i].index * size);
    }
}

static void take_rows(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const hone__rows *x = &j->x;
    const int64_t end = x->rows * (thread + 1) / n_threads, line = x->cols * x->size;
    entry *heap = j->heaps + thread * j->out.cols;
    char *room = j->rooms + thread * j->together * line;
    for (int64_t row = x->rows * thread / n_threads, n; row < end; row += n) {
        n = hone__min(j->together, end - row);
        if (!j->direct)
            hone__rows_gather(x, (hone__rect){ row, row + n, 0, x->cols }, room, x->cols);
        for (int64_t r = row; r < row + n; r++)
            take_row(j, r,
                     j->direct ? x->data + hone__rows_offset(x, r, 0) * x->size
                               : room + (r - row) * line,
                     heap);
    }
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
    const int64_t line = j.x.cols * j.x.size;
    j.direct = j.x.n_col_dims == 0 || j.x.col_stride[0] == 1;
    j.together = TOGETHER * line <= TOGETHER_BYTES ? TOGETHER : 1;
    const size_t heaps = hone__bytes(n_threads, hone__bytes(j.out.cols, sizeof(entry)));
    const size_t bytes = heaps + (j.direct ? 0 : hone__bytes(n_threads * j.together, (size_t)line));
    j.heaps = hone__pool_alloc(bytes);
    if (!j.heaps)
        return false;
    j.rooms = (char *)j.heaps + heaps;
    hone__parallel_team(n_threads, take_rows, &j);
    hone__pool_free(j.heaps, bytes);
    return true;
}
