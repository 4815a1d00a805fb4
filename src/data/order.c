/* order.c: shuffled, weighted and stratified epochs. Each depends on (seed, epoch) and the set alone. */
#include "data/order.h"

#include "core/core.h"
#include "loops/shuffle.h"
#include "runtime/fpmode.h"
#include "runtime/memory.h"
#include "runtime/streams.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

/* ---- weighted: drawn with replacement, by the running sums of the weights */

static bool add_weights(hone__order *o, hone_tensor *weights)
{
    const char *const where = "loader";
    if (!hone__needs_tensor(where, weights))
        return false;
    if (weights->ndim != 1 || weights->shape[0] != o->n) {
        hone_error_set(HONE_E_SHAPE, "loader: weights %s for %lld samples",
                       hone__tensor_text(weights).s, (long long)o->n);
        return false;
    }
    HONE_SCOPE();
    hone_tensor *wide = hone_to(hone_detach(weights), HONE_F64);
    o->sums = hone__malloc(hone__bytes(o->n, sizeof *o->sums));
    if (!wide || !o->sums ||
        hone_copy_out(wide, o->sums, (size_t)o->n * sizeof *o->sums) != HONE_OK)
        return false;
    double sum = 0;
    for (int64_t i = 0; i < o->n; i++) {
        const double w = o->sums[i];
        if (!(w >= 0 && w <= 1e300)) {
            hone_error_set(HONE_E_VALUE, "loader: the weight of sample %lld is %g", (long long)i,
                           w);
            return false;
        }
        o->sums[i] = sum += w;
    }
    if (sum > 0 && sum <= 1e300)
        return true;
    hone_error_set(HONE_E_VALUE, "loader: the weights add up to %g", sum);
    return false;
}

/* The first sample whose sum is above `at`: never one of weight 0. */
static int64_t sample_at(const hone__order *o, double at)
{
    int64_t low = 0, high = o->n - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (o->sums[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void fill_weighted(const hone__order *o, uint64_t stream, int64_t *index)
{
    HONE__FP_GUARD();
    const double sum = o->sums[o->n - 1];
    hone__random_u64(o->n, (uint64_t *)index, o->seed, stream, 0);
    for (int64_t i = 0; i < o->n; i++) {
        const double at = (double)((uint64_t)index[i] >> 11) * 0x1p-53 * sum;
        index[i] = sample_at(o, at < sum ? at : 0);
    }
}

/* ---- stratified: sample j of the n_c of class c comes at (j + u_c) / n_c of the epoch, so that each
 * part of it has every class in the set's proportion, to less than one sample */

typedef struct {
    double at, first;           /* of the class's next sample; u_c */
    int64_t next, class_number; /* that sample's place among the members */
} turn;

static bool add_classes(hone__order *o, const hone_dataset *set)
{
    int64_t *label = hone__malloc(hone__bytes(o->n, sizeof *label));
    bool done = label && hone__labels("loader", set, label);
    for (int64_t i = 0; done && i < o->n; i++) {
        if (label[i] < 0 || label[i] >= o->n) {
            hone_error_set(HONE_E_VALUE,
                           "loader: stratified batches want classes 0, 1, ... that occur: sample "
                           "%lld is of class %lld",
                           (long long)i, (long long)label[i]);
            done = false;
        } else if (label[i] >= o->n_classes) {
            o->n_classes = label[i] + 1;
        }
    }
    o->member = done ? hone__malloc(hone__bytes(o->n, sizeof *o->member)) : NULL;
    o->drawn = done ? hone__malloc(hone__bytes(o->n, sizeof *o->drawn)) : NULL;
    o->ends = done ? hone__calloc(hone__bytes(o->n_classes, sizeof *o->ends)) : NULL;
    o->heap = done ? hone__malloc(hone__bytes(o->n_classes, sizeof(turn))) : NULL;
    done = o->member && o->drawn && o->ends && o->heap;
    for (int64_t i = 0; done && i < o->n; i++)
        o->ends[label[i]]++;
    for (int64_t c = 1; done && c < o->n_classes; c++)
        o->ends[c] += o->ends[c - 1];
    for (int64_t i = o->n - 1; done && i >= 0; i--) /* each class's samples in their order */
        o->member[--o->ends[label[i]]] = i;
    for (int64_t c = 0; done && c < o->n_classes; c++) /* from beginnings to ends */
        o->ends[c] = c + 1 < o->n_classes ? o->ends[c + 1] : o->n;
    hone__free(label);
    return done;
}

static int64_t begin_of(const hone__order *o, int64_t c)
{
    return c > 0 ? o->ends[c - 1] : 0;
}

static bool comes_before(const turn *a, const turn *b)
{
    return a->at < b->at || (a->at == b->at && a->class_number < b->class_number);
}

static void sink(turn *heap, int64_t n, int64_t i)
{
    for (;;) {
        int64_t first = i;
        for (int64_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
            if (comes_before(&heap[child], &heap[first]))
                first = child;
        if (first == i)
            return;
        const turn t = heap[i];
        heap[i] = heap[first];
        heap[first] = t;
        i = first;
    }
}

/* Each class's samples in the epoch's order. */
static void draw_members(const hone__order *o, int64_t epoch)
{
    const uint64_t stream = hone__stream(HONE__STREAM_SHUFFLE, (uint64_t)epoch);
    memcpy(o->drawn, o->member, (size_t)o->n * sizeof *o->drawn);
    for (int64_t c = 0; o->shuffles && c < o->n_classes; c++)
        for (int64_t begin = begin_of(o, c), i = o->ends[c] - 1; i > begin; i--) {
            uint64_t word;
            hone__random_u64(1, &word, o->seed, stream, (uint64_t)i);
            const int64_t j = begin + (int64_t)hone__below(word, (uint64_t)(i - begin + 1));
            const int64_t m = o->drawn[i];
            o->drawn[i] = o->drawn[j];
            o->drawn[j] = m;
        }
}

static void set_time(const hone__order *o, turn *t)
{
    const int64_t begin = begin_of(o, t->class_number), size = o->ends[t->class_number] - begin;
    t->at = (t->first + (double)(t->next - begin)) / (double)size;
}

static void fill_stratified(const hone__order *o, int64_t epoch, int64_t *index)
{
    HONE__FP_GUARD();
    const uint64_t stream = hone__stream(HONE__STREAM_STRATIFIED, (uint64_t)epoch);
    turn *heap = o->heap;
    int64_t n = 0;
    draw_members(o, epoch);
    for (int64_t c = 0; c < o->n_classes; c++) {
        uint64_t random;
        hone__random_u64(1, &random, o->seed, stream, (uint64_t)c);
        turn t = { .next = begin_of(o, c), .class_number = c };
        t.first = o->shuffles ? (double)(random >> 11) * 0x1p-53 : 0.5;
        if (t.next == o->ends[c])
            continue;
        set_time(o, &t);
        heap[n++] = t;
    }
    for (int64_t i = n / 2 - 1; i >= 0; i--)
        sink(heap, n, i);
    for (int64_t i = 0; i < o->n; i++) {
        turn *t = &heap[0];
        index[i] = o->drawn[t->next++];
        if (t->next == o->ends[t->class_number])
            *t = heap[--n];
        else
            set_time(o, t);
        sink(heap, n, 0);
    }
}

/* ---- all of them */

bool hone__order_begin(const hone_dataset *set, const hone_loader_options *options, hone__order *o)
{
    *o = (hone__order){ .shuffles = options->shuffle,
                        .seed = options->seed,
                        .n = hone_dataset_size(set) };
    if (options->weights && options->stratify) {
        hone_error_set(HONE_E_VALUE, "loader: either weights or stratified batches");
        return false;
    }
    o->kind = options->weights    ? HONE__WEIGHTED
              : options->stratify ? HONE__STRATIFIED
              : options->shuffle  ? HONE__SHUFFLED
                                  : HONE__IN_ORDER;
    return o->kind == HONE__WEIGHTED     ? add_weights(o, options->weights)
           : o->kind == HONE__STRATIFIED ? add_classes(o, set)
                                         : true;
}

void hone__order_end(hone__order *o)
{
    hone__free(o->sums);
    hone__free(o->member);
    hone__free(o->ends);
    hone__free(o->drawn);
    hone__free(o->heap);
    *o = (hone__order){ 0 };
}

void hone__order_fill(const hone__order *o, int64_t epoch, int64_t *index)
{
    switch (o->kind) {
    case HONE__IN_ORDER:
        for (int64_t i = 0; i < o->n; i++)
            index[i] = i;
        return;
    case HONE__SHUFFLED:
        hone__shuffle(o->n, index, o->seed, hone__stream(HONE__STREAM_SHUFFLE, (uint64_t)epoch));
        return;
    case HONE__STRATIFIED:
        fill_stratified(o, epoch, index);
        return;
    case HONE__WEIGHTED:
        fill_weighted(o, hone__stream(HONE__STREAM_WEIGHTED, (uint64_t)epoch), index);
    }
}
