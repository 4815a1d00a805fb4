/* ring.c: see ring.h. A ring has one writer, its thread, and one reader at a time, under
 * HONE__LOCK_PROFILE: head and tail are what they tell each other. */
#include "profile/ring.h"

#include "profile/counters.h"
#include "runtime/memory.h"
#include "runtime/thread_end.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { RING_BYTES = 1 << 20, RING_MOST = 1 << 26 };

_Atomic(hone__recorder *) hone__recorders;
static _Thread_local hone__recorder *self_or_null;
void (*hone__ring_half_full)(void);

/* ---- a thread's recorder */

static void let_go(void)
{
    hone__counters_thread_ends();
    if (self_or_null)
        atomic_store(&self_or_null->idle, true);
    self_or_null = NULL;
}

bool hone__record_at_thread_end(void)
{
    return hone__at_thread_end(HONE__END_PROFILE, let_go);
}

static bool make_ring(hone__ring *ring, size_t size)
{
    char *base = hone__book_try(size);
    if (!base)
        return false;
    ring->base = base;
    ring->size = size;
    return true;
}

static hone__recorder *take_idle(void)
{
    for (hone__recorder *r = atomic_load(&hone__recorders); r; r = r->next) {
        bool idle = true;
        if (atomic_compare_exchange_strong(&r->idle, &idle, false))
            return r;
    }
    return NULL;
}

static hone__recorder *make_recorder(void)
{
    hone__recorder *r = hone__book_try(sizeof *r);
    if (!r || !make_ring(&r->ring, RING_BYTES))
        return NULL;
    r->next = atomic_load(&hone__recorders);
    while (!atomic_compare_exchange_weak(&hone__recorders, &r->next, r))
        ;
    return r;
}

static __attribute__((noinline)) hone__recorder *attach(void)
{
    static _Thread_local bool refused;
    if (refused || !hone__record_at_thread_end())
        return NULL;
    hone__recorder *r = take_idle();
    if (!r && !(r = make_recorder())) {
        refused = true;
        return NULL;
    }
    atomic_store(&r->tid, (int)syscall(SYS_gettid));
    r->module = 0;
    r->phase = 0;
    r->depth = 0;
    r->node = 0;
    r->root = NULL;
    r->inner = (hone__inner){ 0 };
    return self_or_null = r;
}

hone__recorder *hone__recorder_self(void)
{
    hone__recorder *r = self_or_null;
    return __builtin_expect(r != NULL, 1) ? r : attach();
}

hone__recorder *hone__recorder_or_null(void)
{
    return self_or_null;
}

/* ---- the ring */

void *hone__ring_room(hone__recorder *r, size_t bytes, hone__record_kind kind)
{
    hone__ring *ring = &r->ring;
    const size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    const size_t used = head - atomic_load_explicit(&ring->tail, memory_order_acquire);
    const size_t at = head & (ring->size - 1), to_end = ring->size - at;
    const size_t skipped = bytes > to_end ? to_end : 0;
    hone__count(&r->records);
    if (kind == HONE__RECORD_SPAN || kind >= HONE__RECORD_ALLOC)
        hone__count(&r->light);
    if (ring->size - used < bytes + skipped) {
        hone__count(&r->dropped);
        return NULL;
    }
    hone__record *record = (hone__record *)(void *)(ring->base + at);
    if (skipped) {
        *record = (hone__record){ (uint32_t)skipped, HONE__RECORD_SKIP, 0, 0 };
        atomic_store_explicit(&ring->head, head + skipped, memory_order_release);
        record = (hone__record *)(void *)ring->base;
    }
    *record = (hone__record){ (uint32_t)bytes, (uint8_t)kind, r->phase, (uint16_t)r->depth };
    return record;
}

void hone__ring_written(hone__recorder *r, size_t bytes)
{
    const size_t head = atomic_load_explicit(&r->ring.head, memory_order_relaxed);
    atomic_store_explicit(&r->ring.head, head + bytes, memory_order_release);
}

void hone__ring_relieve(hone__recorder *r)
{
    const size_t used = atomic_load_explicit(&r->ring.head, memory_order_relaxed) -
                        atomic_load_explicit(&r->ring.tail, memory_order_relaxed);
    if (__builtin_expect(r->depth > 0 || used < r->ring.size / 2, 1))
        return;
    const int64_t begin = hone__ticks();
    hone__ring_half_full();
    atomic_fetch_add_explicit(&r->excluded, hone__ticks() - begin, memory_order_relaxed);
}

void hone__rings_drain(void (*take)(hone__recorder *of, const hone__record *record))
{
    for (hone__recorder *r = atomic_load(&hone__recorders); r; r = r->next) {
        hone__ring *ring = &r->ring;
        size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
        const size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
        while (tail != head) {
            const hone__record *record =
                (const hone__record *)(void *)(ring->base + (tail & (ring->size - 1)));
            if (record->kind != HONE__RECORD_SKIP)
                take(r, record);
            tail += record->bytes;
            atomic_store_explicit(&ring->tail, tail, memory_order_release);
        }
    }
}

/* The thread's own ring alone: another one may be writing to its. */
void hone__rings_grow(void)
{
    hone__recorder *r = self_or_null;
    if (!r || atomic_load_explicit(&r->dropped, memory_order_relaxed) == 0 ||
        r->ring.size >= RING_MOST || r->depth > 0)
        return;
    hone__ring *ring = &r->ring;
    char *old = ring->base;
    const size_t old_size = ring->size;
    if (atomic_load(&ring->head) != atomic_load(&ring->tail) || !make_ring(ring, 4 * old_size))
        return;
    atomic_store(&ring->head, 0);
    atomic_store(&ring->tail, 0);
    hone__book_realloc(old, old_size, 0);
}
