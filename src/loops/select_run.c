/* select_run.c: see select_run.h. A row becomes keys, of which the part that the rank lies in is parted by
 * the median of three until few are left (C. Hoare, Algorithm 65: Find, 1961). */
#include "loops/select_run.h"

#include "loops/indices.h"
#include "loops/order_key.h"
#include "loops/rows.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

enum { FEW = 8 };
#define NS_PER_ELEMENT 12.0

typedef struct {
    hone__rows x; /* [rows, extent] */
    hone__rank rank;
    int64_t k;
    char *values;
    int64_t *indices;
    uint64_t *buffers; /* [threads][extent] */
} job;

/* The k-th smallest of a few: the one that has at most k below it and more than k up to it. */
static uint64_t kth_of_few(const uint64_t *at, int64_t n, int64_t k)
{
    for (int64_t i = 0;; i++) { /* one is it */
        int64_t below = 0, up_to = 0;
        for (int64_t j = 0; j < n; j++) {
            below += at[j] < at[i];
            up_to += at[j] <= at[i];
        }
        if (below <= k && k < up_to)
            return at[i];
    }
}

static uint64_t middle(uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* Those of n keys that are below the pivot, `equal` (a constant): or are it, come to the front -> how
 * many. Nothing is foretold about a key, so nothing branches on it. */
static inline int64_t part(uint64_t *at, int64_t n, uint64_t pivot, bool equal)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        const uint64_t key = at[i];
        at[i] = at[count];
        at[count] = key;
        count += equal ? key <= pivot : key < pivot;
    }
    return count;
}

/* The k-th smallest of n keys, which change places. Where partings hardly help (two of three keys stay in
 * play, often) the rest is left to halving the range of the keys themselves. */
static uint64_t kth_of(uint64_t *at, int64_t n, int64_t k)
{
    for (int bad = 0; n > FEW;) {
        uint64_t pivot = middle(at[0], at[n / 2], at[n - 1]);
        if (bad > 8) {
            uint64_t low = at[0], high = at[0];
            for (int64_t i = 1; i < n; i++) {
                low = at[i] < low ? at[i] : low;
                high = at[i] > high ? at[i] : high;
            }
            if (low == high)
                return low;
            pivot = low + (high - low) / 2 + 1;
        }
        const int64_t below = part(at, n, pivot, false);
        const int64_t end = /* of those that are the pivot */
            k < below ? n : below + part(at + below, n - below, pivot, true);
        const int64_t before = n;
        if (k < below) {
            n = below;
        } else if (k < end) {
            return pivot;
        } else {
            k -= end;
            at += end;
            n -= end;
        }
        bad += n > before / 3 * 2;
    }
    return kth_of_few(at, n, k);
}

static void select_row(const job *j, int64_t row, uint64_t *keys)
{
    const hone__rows *x = &j->x;
    const char *from = x->data + hone__rows_offset(x, row, 0) * x->size;
    const int64_t step = (x->n_col_dims ? x->col_stride[0] : 1) * x->size, n = x->cols;
    int64_t numbers = 0, place = 0;
    for (int64_t i = 0; i < n; i++) {
        keys[i] = hone__key_of(x->dtype, from + i * step);
        numbers += !hone_dtype_is_float(x->dtype) || keys[i] != UINT64_MAX;
    }
    uint64_t key = UINT64_MAX;
    if (j->rank == HONE__RANK_KTH)
        key = kth_of(keys, n, j->k);
    else if (j->rank == HONE__RANK_MEDIAN ? numbers == n : numbers > 0)
        key = kth_of(keys, n, (numbers - 1) / 2);
    while (hone__key_of(x->dtype, from + place * step) != key)
        place++;
    hone__copy_one(x->size, j->values + row * x->size, from + place * step);
    if (j->indices)
        j->indices[row] = place;
}

static void select_rows(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    const int64_t rows = j->x.rows;
    for (int64_t row = rows * thread / n_threads; row < rows * (thread + 1) / n_threads; row++)
        select_row(j, row, j->buffers + thread * j->x.cols);
}

bool hone__select(const hone_tensor *x, int dim, hone__rank rank, int64_t k, hone_tensor *values,
                  hone_tensor *indices)
{
    job j = { .rank = rank,
              .k = k,
              .values = hone__data(values),
              .indices = indices ? hone__data(indices) : NULL };
    hone__rows_of(&j.x, x, 1u << dim);
    const int n_threads =
        hone__team_for(NS_PER_ELEMENT * (double)j.x.rows * (double)j.x.cols, j.x.rows);
    int64_t keys;
    if (!hone__times((int64_t)n_threads, j.x.cols, &keys))
        keys = INT64_MAX;
    const size_t bytes = hone__bytes(keys, sizeof *j.buffers);
    j.buffers = hone__pool_alloc(bytes);
    if (!j.buffers)
        return false;
    hone__parallel_team(n_threads, select_rows, &j);
    hone__pool_free(j.buffers, bytes);
    return true;
}
