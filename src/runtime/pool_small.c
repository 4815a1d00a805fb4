/* pool_small.c: the heaps of threads and their small blocks. See pool.h for the scheme. */
#include "runtime/memory.h"
#include "runtime/pool.h"
#include "runtime/stack.h"
#include "runtime/thread_end.h"

#include <string.h>

#define SPAN_HEADER HONE__UNIT
_Static_assert(sizeof(hone__span) <= SPAN_HEADER, "the header fits its place");

_Thread_local hone__heap *hone__heap_self_or_null __attribute__((tls_model("initial-exec")));

hone__heap hone__strays;

static hone__heap *all_heaps = &hone__strays, *idle_heaps; /* HONE__LOCK_HEAPS */

static _Atomic int64_t global_in_use; /* sum of all heaps' synced */
static _Atomic int64_t global_peak;

/* ---- heaps -------------------------------------------------------------------------------- */

static void detach(void)
{
    hone__heap *heap = hone__heap_self_or_null;
    if (!heap)
        return;
    hone__heap_sync(heap);
    hone__heap_self_or_null = NULL;
    hone__lock(HONE__LOCK_HEAPS);
    heap->next_idle = idle_heaps;
    idle_heaps = heap;
    hone__unlock(HONE__LOCK_HEAPS);
}

static hone__heap *idle_or_new(void)
{
    hone__heap *heap = idle_heaps;
    if (heap) {
        idle_heaps = heap->next_idle;
        return heap;
    }
    heap = hone__map_book(sizeof *heap);
    if (heap) {
        heap->next = all_heaps;
        all_heaps = heap;
    }
    return heap;
}

hone__heap *hone__heap_attach(void)
{
    char ignored[128];
    if (!hone__stack_of_caller_is_enough(ignored, sizeof ignored) ||
        !hone__at_thread_end(HONE__END_HEAP, detach))
        return NULL;
    hone__lock(HONE__LOCK_HEAPS);
    hone__heap *heap = idle_or_new();
    hone__unlock(HONE__LOCK_HEAPS);
    if (heap)
        heap->no_pools = hone__no_pools();
    hone__heap_self_or_null = heap;
    return heap;
}

/* ---- counting ----------------------------------------------------------------------------- */

static void raise_peak(int64_t candidate)
{
    int64_t peak = atomic_load_explicit(&global_peak, memory_order_relaxed);
    while (candidate > peak && !atomic_compare_exchange_weak(&global_peak, &peak, candidate))
        ;
}

void hone__heap_sync(hone__heap *heap)
{
    const int64_t in_use = hone__counter_get(&heap->in_use);
    const int64_t synced = hone__counter_get(&heap->synced);
    const int64_t before = atomic_fetch_add(&global_in_use, in_use - synced);
    raise_peak(before + hone__counter_get(&heap->high) - synced);
    hone__counter_set(&heap->synced, in_use);
    hone__counter_set(&heap->high, in_use);
}

void hone__heaps_sum(int64_t *in_use, int64_t *peak, int64_t *allocations, int64_t live[4])
{
    *in_use = *allocations = 0;
    memset(live, 0, 4 * sizeof *live);
    if (hone__heap_self_or_null)
        hone__heap_sync(hone__heap_self_or_null);
    hone__lock(HONE__LOCK_HEAPS);
    for (const hone__heap *heap = all_heaps; heap; heap = heap->next) {
        *in_use += hone__counter_get(&heap->in_use);
        *allocations += hone__counter_get(&heap->allocations);
        for (int kind = 0; kind < 4; kind++)
            live[kind] += hone__counter_get(&heap->live[kind]);
        raise_peak(atomic_load(&global_in_use) + hone__counter_get(&heap->high) -
                   hone__counter_get(&heap->synced));
    }
    hone__unlock(HONE__LOCK_HEAPS);
    *peak = atomic_load(&global_peak);
}

/* ---- blocks ------------------------------------------------------------------------------- */

static size_t class_bytes(int class_index)
{
    if (class_index < 4)
        return (size_t)(class_index + 1) * HONE__UNIT;
    const int shift = class_index / 4 - 1;
    return ((size_t)(class_index % 4 + 5) << shift) * HONE__UNIT;
}

/* Takes back what other threads freed. */
static void drain_remote(hone__heap *heap)
{
    if (!atomic_load_explicit(&heap->remote, memory_order_relaxed))
        return;
    hone__block *block = atomic_exchange_explicit(&heap->remote, NULL, memory_order_acquire);
    while (block) {
        hone__block *next = block->next;
        block->next = heap->free[block->class_index];
        heap->free[block->class_index] = block;
        block = next;
    }
}

/* What is left of a span that can't hold the block wanted becomes blocks of the classes that fit,
 * so that no byte is lost. */
static void retire_bump(hone__heap *heap)
{
    while (heap->end - heap->bump >= (ptrdiff_t)HONE__UNIT) {
        size_t left = (size_t)(heap->end - heap->bump);
        if (left > HONE__SMALL_BYTES)
            left = HONE__SMALL_BYTES;
        int c = hone__size_class_of(left).index;
        if (class_bytes(c) > left)
            c--;
        hone__block *block = (hone__block *)heap->bump;
        heap->bump += class_bytes(c);
        block->next = heap->free[c];
        heap->free[c] = block;
    }
    if (heap->spans)
        heap->spans->carved_bytes = HONE__SPAN_BYTES - SPAN_HEADER;
}

static bool new_span(hone__heap *heap)
{
    hone__span *span = hone__map(HONE__SPAN_BYTES, 0, HONE__SPAN_BYTES);
    if (!span)
        return false;
    retire_bump(heap);
    span->owner = heap;
    span->next = heap->spans;
    heap->spans = span;
    heap->bump = (char *)span + SPAN_HEADER;
    heap->end = (char *)span + HONE__SPAN_BYTES;
    return true;
}

void *hone__small_refill(hone__heap *heap, hone__size_class size)
{
    drain_remote(heap);
    hone__block *block = heap->free[size.index];
    if (block) {
        heap->free[size.index] = block->next;
        return block;
    }
    if (heap->end - heap->bump < (ptrdiff_t)size.bytes && !new_span(heap))
        return NULL;
    void *p = heap->bump;
    heap->bump += size.bytes;
    return p;
}

void hone__small_free_remote(hone__heap *owner, hone__block *block, int class_index)
{
    block->class_index = class_index;
    hone__block *first = atomic_load_explicit(&owner->remote, memory_order_relaxed);
    do
        block->next = first;
    while (!atomic_compare_exchange_weak_explicit(&owner->remote, &first, block,
                                                  memory_order_release, memory_order_relaxed));
}

/* ---- giving back -------------------------------------------------------------------------- */

static bool is_empty(const hone__span *span)
{
    return span->free_bytes == span->carved_bytes;
}

static void unlink_blocks_of_empty_spans(hone__heap *heap)
{
    for (int c = 0; c < HONE__SMALL_CLASSES; c++) {
        hone__block **link = &heap->free[c];
        while (*link) {
            if (is_empty(hone__span_of(*link)))
                *link = (*link)->next;
            else
                link = &(*link)->next;
        }
    }
}

/* Only by the heap's own thread, or with the registry locked if it is idle. */
static void trim_heap(hone__heap *heap)
{
    drain_remote(heap);
    if (heap->spans)
        heap->spans->carved_bytes = (size_t)(heap->bump - (char *)heap->spans) - SPAN_HEADER;
    for (hone__span *span = heap->spans; span; span = span->next)
        span->free_bytes = 0;
    for (int c = 0; c < HONE__SMALL_CLASSES; c++)
        for (hone__block *block = heap->free[c]; block; block = block->next)
            hone__span_of(block)->free_bytes += class_bytes(c);
    unlink_blocks_of_empty_spans(heap);
    hone__span **link = &heap->spans;
    while (*link) {
        hone__span *span = *link;
        if (!is_empty(span)) {
            link = &span->next;
            continue;
        }
        if (span == heap->spans)
            heap->bump = heap->end = NULL;
        *link = span->next;
        hone__unmap(span, HONE__SPAN_BYTES);
    }
}

void hone__heaps_trim(void)
{
    if (hone__heap_self_or_null)
        trim_heap(hone__heap_self_or_null);
    hone__lock(HONE__LOCK_HEAPS);
    for (hone__heap *heap = idle_heaps; heap; heap = heap->next_idle)
        trim_heap(heap);
    hone__unlock(HONE__LOCK_HEAPS);
}
