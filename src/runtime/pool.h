/* pool.h: where blocks come from. For src/runtime/ only; everybody else uses memory.h.
 *
 * Sizes are rounded up to classes, four per doubling, of 64-byte units. Small blocks (up to 64 KiB)
 * belong to a thread's heap: they are carved off 1 MiB spans one after the other, whatever their
 * class, and wait in the heap's list of their class when free. A span is aligned to its size, so a
 * block's span, and by its header the owner, is found by masking; a block freed on another thread
 * goes to the owner's remote list, which the owner drains when a list of its own is empty. A heap
 * outlives its thread and is taken over, with all it keeps, by the next one that starts.
 *
 * Large blocks wait per place (placement.h). Where one node will use them all, those of a mebibyte
 * and more lie in regions side by side, in holes of any size (holes.h), and smaller ones are carved
 * off chunks of huge pages and wait in lists by class. Elsewhere they are mappings of their own, in
 * such lists.
 * Before a mapping would take what is reserved past KEPT_TIMES the peak of what was in use and
 * KEPT_BYTES, the large blocks that wait are given back. */
#ifndef HONE_RUNTIME_POOL_H
#define HONE_RUNTIME_POOL_H

#include "runtime/lock.h"

#include <hone/runtime.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HONE__UNIT          ((size_t)64)
#define HONE__SMALL_BYTES   ((size_t)64 << 10)
#define HONE__SMALL_CLASSES 36
#define HONE__SPAN_BYTES    ((size_t)1 << 20)
#define HONE__CLASSES       200
#define HONE__HOLE_LEAST    ((size_t)1 << 20) /* smaller blocks are not worth a hole */
#define HONE__KEPT_TIMES    2
#define HONE__KEPT_BYTES    ((int64_t)64 << 20)

/* ---- size classes ------------------------------------------------------------------------- */

typedef struct {
    int index;
    size_t bytes;
} hone__size_class;

static inline hone__size_class hone__size_class_of(size_t bytes)
{
    const size_t last = (bytes - 1) / HONE__UNIT; /* units less one; bytes > 0 */
    if (last < 4)
        return (hone__size_class){ (int)last, (last + 1) * HONE__UNIT };
    const int shift = 61 - __builtin_clzll(last); /* keeps the top three bits */
    const size_t top = last >> shift;             /* 4..7 */
    return (hone__size_class){ shift * 4 + (int)top, ((top + 1) << shift) * HONE__UNIT };
}

/** What a block counts as: from a mebibyte on its size is hardly rounded. */
static inline int64_t hone__counted(hone__size_class size, size_t wanted)
{
    return (int64_t)(wanted < HONE__HOLE_LEAST ? size.bytes
                                               : (wanted + HONE__UNIT - 1) & ~(HONE__UNIT - 1));
}

/* ---- what is counted ---------------------------------------------------------------------- */

/* Written by the owner alone, read by hone_memory_stats: relaxed, never a locked instruction. */
typedef _Atomic int64_t hone__counter;

static inline int64_t hone__counter_get(const hone__counter *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
static inline void hone__counter_set(hone__counter *counter, int64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}
static inline void hone__counter_add(hone__counter *counter, int64_t n)
{
    hone__counter_set(counter, hone__counter_get(counter) + n);
}

typedef struct hone__block { /* a free one */
    struct hone__block *next;
    int class_index;
} hone__block;

typedef struct hone__heap hone__heap;

typedef struct hone__span { /* begins each span; blocks follow from the next unit on */
    hone__heap *owner;
    struct hone__span *next;
    size_t carved_bytes; /* in blocks; up to date unless it is the newest of its heap */
    size_t free_bytes;   /* only while trimming */
} hone__span;

static inline hone__span *hone__span_of(const void *p)
{
    return (hone__span *)((uintptr_t)p & ~(uintptr_t)(HONE__SPAN_BYTES - 1));
}

struct hone__heap {
    hone__block *free[HONE__SMALL_CLASSES];
    bool no_pools;     /* its blocks are the system's: the lists stay empty */
    char *bump, *end;  /* what is left of the newest span */
    hone__span *spans; /* all of them, the newest first */
    struct hone__heap *next, *next_idle;
    hone__counter
        in_use; /* bytes it handed out less what it took back: negative if it frees others' */
    hone__counter synced; /* in_use as it is part of the global sum */
    hone__counter high;   /* highest in_use since then */
    hone__counter allocations;
    hone__counter live[4];                      /* by hone__obj_kind */
    _Alignas(64) _Atomic(hone__block *) remote; /* freed by others; a line of its own */
};

extern _Thread_local hone__heap *hone__heap_self_or_null __attribute__((tls_model("initial-exec")));

/** Takes over an idle heap or makes one; NULL if there is no memory or no way to notice the
 * thread's end. */
hone__heap *hone__heap_attach(void);

static inline hone__heap *hone__heap_self(void)
{
    hone__heap *heap = hone__heap_self_or_null;
    return __builtin_expect(heap != NULL, 1) ? heap : hone__heap_attach();
}

/** What threads without a heap of their own free is counted here, one thread at a time. */
extern hone__heap hone__strays;

/** A heap to free by, which there always is; close it soon. */
static inline hone__heap *hone__heap_open(void)
{
    hone__heap *heap = hone__heap_self();
    if (__builtin_expect(heap != NULL, 1))
        return heap;
    hone__lock(HONE__LOCK_HEAPS);
    return &hone__strays;
}
static inline void hone__heap_close(const hone__heap *heap)
{
    if (__builtin_expect(heap == &hone__strays, 0))
        hone__unlock(HONE__LOCK_HEAPS);
}

/** hone_memory_stats without a look into the scopes. */
void hone__memory_now(hone_memory *stats);
/** Adds up over all heaps. */
void hone__heaps_sum(int64_t *in_use, int64_t *peak, int64_t *allocations, int64_t live[4]);
/** Makes the heap's part of the global sum current, and with it the peak. */
void hone__heap_sync(hone__heap *heap);

/* The peak is exact for one thread; each further thread can hide at most this much from it. */
#define HONE__SYNC_BYTES ((int64_t)64 << 10)

/** False: the caller syncs the heap. */
static inline bool hone__heap_counts(hone__heap *heap, int64_t bytes)
{
    const int64_t in_use = hone__counter_get(&heap->in_use) + bytes;
    hone__counter_set(&heap->in_use, in_use);
    if (in_use > hone__counter_get(&heap->high))
        hone__counter_set(&heap->high, in_use);
    const int64_t drift = in_use - hone__counter_get(&heap->synced);
    return drift <= HONE__SYNC_BYTES && drift >= -HONE__SYNC_BYTES;
}

static inline void hone__heap_count(hone__heap *heap, int64_t bytes)
{
    if (__builtin_expect(!hone__heap_counts(heap, bytes), 0))
        hone__heap_sync(heap);
}

/* ---- blocks ------------------------------------------------------------------------------- */

/** The slow ways: a list is empty, the owner is another thread. */
void *hone__small_refill(hone__heap *heap, hone__size_class size);
void hone__small_free_remote(hone__heap *owner, hone__block *block, int class_index);

/** The first block of a list. */
static inline void *hone__small_pop(hone__heap *heap, hone__block *block, int class_index)
{
    hone__block *next = block->next;
    heap->free[class_index] = next;
    if (next)                        /* of no address a prefetch takes its time to find that out */
        __builtin_prefetch(next, 1); /* its turn comes soon, and it may lie far */
    return block;
}
static inline void hone__small_push(hone__heap *heap, hone__block *block, int class_index)
{
    block->next = heap->free[class_index];
    heap->free[class_index] = block;
}

/** NULL without an error if the system gives nothing. */
static inline void *hone__small_alloc(hone__heap *heap, hone__size_class size)
{
    hone__block *block = heap->free[size.index];
    if (__builtin_expect(!block, 0))
        return hone__small_refill(heap, size);
    return hone__small_pop(heap, block, size.index);
}

static inline void hone__small_free(hone__heap *heap, void *p, int class_index)
{
    hone__block *block = p;
    hone__heap *owner = hone__span_of(p)->owner;
    if (__builtin_expect(owner != heap, 0)) {
        hone__small_free_remote(owner, block, class_index);
        return;
    }
    hone__small_push(heap, block, class_index);
}

/** @param wanted  bytes asked for, before they were rounded up. */
void *hone__large_alloc(hone__size_class size, size_t wanted);
void hone__large_free(void *p);

/** Gives the system what nobody uses: of this thread's heap, of idle heaps, of the large lists. */
void hone__heaps_trim(void);
void hone__large_trim(void);

/* ---- the system --------------------------------------------------------------------------- */

/** Counts bytes as taken from the system; false if that would pass the limit. */
bool hone__reserve(size_t bytes);
void hone__unreserve(size_t bytes);
/** Of the kernel's pages: 4 KiB; on ARM also 16 or 64. */
size_t hone__page_bytes(void);
/** For tests: a multiple of what they are. */
void hone__page_bytes_are(size_t bytes);
/** A mapping of `bytes` whose address at `lead` bytes (whole pages) is aligned; counted. NULL if
 * there is no memory. */
void *hone__map(size_t bytes, size_t lead, size_t alignment);
/** The same for the pools' own books, which the limit does not refuse: what it has given out could
 * not be taken back without them. Never unmapped. */
void *hone__map_book(size_t bytes);
/** The same right there, where that is free; else NULL. */
void *hone__map_at(void *there, size_t bytes);
void hone__unmap(void *p, size_t bytes);

#endif
