/* memory.c: the one door to memory: counts, caps, fails on demand, and turns a refusal into an
 * error. */
#include "runtime/memory.h"
#include "core/core.h"
#include "runtime/pool.h"
#include "runtime/stack.h"
#include "runtime/thread_end.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic int64_t reserved_bytes;
static _Atomic int64_t limit_bytes = INT64_MAX;

/* ---- failing on demand -------------------------------------------------------------------- */

static atomic_bool failure_armed;
static _Atomic int64_t until_failure;
static _Atomic int64_t allocations_before; /* at the last hone__fail_allocation */

/* ---- the tensors in it */

static hone__holdings no_holdings(void)
{
    return (hone__holdings){ .most = 0 };
}

static hone__text no_holdings_text(const hone__holdings *holdings)
{
    (void)holdings;
    return (hone__text){ "no tensors" };
}

static hone_tensor *stays_dead(hone_tensor *t)
{
    return t;
}

hone__tensor_keeper hone__keeper = { no_holdings, no_holdings_text, stays_dead };

void *hone__out_of_memory(size_t bytes)
{
    enum { MANY = 1000 }; /* tensors in one scope, which a step of training hardly needs */
    hone_memory stats;
    char limit[48] = "", text[128];
    const hone__holdings held = hone__keeper.holdings();
    const int64_t most = atomic_load_explicit(&limit_bytes, memory_order_relaxed);
    if (!hone__stack_of_caller_is_enough(text, sizeof text)) {
        hone_error_set(HONE_E_CONFIG, "%s", text);
        return NULL;
    }
    if (!hone__thread_end_is_possible()) {
        hone_error_set(HONE_E_NOMEM,
                       "out of memory: %zu bytes wanted, but the process has no key "
                       "left for what a thread does at its end (pthread_key_create)",
                       bytes);
        return NULL;
    }
    hone__memory_now(&stats);
    if (most < INT64_MAX)
        hone__format(limit, sizeof limit, ", the limit is %lld", (long long)most);
    hone_error_set(HONE_E_NOMEM,
                   "out of memory: %zu bytes wanted (%lld in use, %lld reserved%s); %s%s", bytes,
                   (long long)stats.in_use_bytes, (long long)stats.reserved_bytes, limit,
                   hone__keeper.holdings_text(&held).s,
                   held.most < MANY ? "" : ": is a HONE_SCOPE() missing in a loop?");
    return NULL;
}

int64_t hone__fail_allocation(int64_t n)
{
    int64_t in_use, peak, allocations, live[4];
    hone__heaps_sum(&in_use, &peak, &allocations, live);
    atomic_store(&until_failure, n);
    atomic_store(&failure_armed, n >= 0);
    return allocations - atomic_exchange(&allocations_before, allocations);
}

/* Counts an allocation; true if it is the one that must fail. */
static inline bool must_fail(hone__heap *heap)
{
    hone__counter_add(&heap->allocations, 1);
    if (__builtin_expect(!atomic_load_explicit(&failure_armed, memory_order_relaxed), 1))
        return false;
    if (atomic_fetch_sub(&until_failure, 1) != 0)
        return false;
    atomic_store(&failure_armed, false);
    return true;
}

bool hone__allocation_fails(size_t bytes)
{
    hone__heap *heap = hone__heap_self();
    if (__builtin_expect(heap && !must_fail(heap), 1))
        return false;
    hone__out_of_memory(bytes);
    return true;
}

/* ---- the system --------------------------------------------------------------------------- */

bool hone__reserve(size_t bytes)
{
    const int64_t now = atomic_fetch_add(&reserved_bytes, (int64_t)bytes) + (int64_t)bytes;
    if (now <= atomic_load_explicit(&limit_bytes, memory_order_relaxed))
        return true;
    hone__unreserve(bytes);
    return false;
}

void hone__unreserve(size_t bytes)
{
    atomic_fetch_sub(&reserved_bytes, (int64_t)bytes);
}

static _Atomic size_t page_bytes; /* 0: not asked for yet */

size_t hone__page_bytes(void)
{
    size_t bytes = atomic_load_explicit(&page_bytes, memory_order_relaxed);
    if (bytes == 0) {
        bytes = (size_t)sysconf(_SC_PAGESIZE);
        hone__page_bytes_are(bytes);
    }
    return bytes;
}

void hone__page_bytes_are(size_t bytes)
{
    atomic_store_explicit(&page_bytes, bytes, memory_order_relaxed);
}

static void tell_mapped(size_t bytes)
{
    if (hone__debug() < 4)
        return;
    const hone__holdings held = hone__keeper.holdings();
    hone__debug_print(4, "memory: mapped %zu bytes, %lld reserved; %s", bytes,
                      (long long)atomic_load(&reserved_bytes), hone__keeper.holdings_text(&held).s);
}

/* Of bytes that are counted already: if there are none, they no longer are. */
static void *map(size_t bytes, size_t lead, size_t alignment)
{
    /* More than is wanted, cut to size at both ends; mappings are page-aligned by themselves. The
     * cuts must lie between pages too, or the kernel takes a page of what is kept. */
    const size_t page = hone__page_bytes(), kept = (bytes + page - 1) & ~(page - 1);
    const size_t spare = alignment > page ? alignment : 0;
    char *p = mmap(NULL, kept + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        hone__unreserve(bytes);
        return NULL;
    }
    const size_t off = ((uintptr_t)p + lead) & (alignment - 1);
    const size_t front = off ? alignment - off : 0;
    if (spare && front)
        munmap(p, front);
    if (spare && front < spare)
        munmap(p + front + kept, spare - front);
    tell_mapped(bytes);
    return spare ? p + front : p;
}

void *hone__map(size_t bytes, size_t lead, size_t alignment)
{
    return hone__reserve(bytes) ? map(bytes, lead, alignment) : NULL;
}

void *hone__map_at(void *there, size_t bytes)
{
    if (!hone__reserve(bytes))
        return NULL;
    void *p = mmap(there, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == there) {
        tell_mapped(bytes);
        return p;
    }
    if (p != MAP_FAILED)
        munmap(p, bytes);
    hone__unreserve(bytes);
    return NULL;
}

void *hone__map_book(size_t bytes)
{
    atomic_fetch_add(&reserved_bytes, (int64_t)bytes);
    return map(bytes, 0, 1);
}

void hone__unmap(void *p, size_t bytes)
{
    munmap(p, bytes);
    hone__unreserve(bytes);
    hone__debug_print(4, "memory: unmapped %zu bytes, %lld reserved", bytes,
                      (long long)atomic_load(&reserved_bytes));
}

/* Bytes are 1 at least, and so few that no later sum overflows. */
static bool sensible(size_t *bytes)
{
    *bytes += *bytes == 0;
    return *bytes <= (size_t)INT64_MAX / 4;
}

void *hone__book_realloc(void *p, size_t old_bytes, size_t bytes)
{
    if (bytes == 0) {
        free(p);
        hone__unreserve(old_bytes);
        return NULL;
    }
    if (!sensible(&bytes) || !hone__reserve(bytes))
        return hone__out_of_memory(bytes);
    void *grown = realloc(p, bytes);
    if (!grown) {
        hone__unreserve(bytes);
        return hone__out_of_memory(bytes);
    }
    hone__unreserve(old_bytes);
    return grown;
}

void *hone__book_try(size_t bytes)
{
    if (!hone__reserve(bytes))
        return NULL;
    void *p = calloc(1, bytes);
    if (!p)
        hone__unreserve(bytes);
    return p;
}

/* ---- where blocks come from --------------------------------------------------------------- */

/* In AddressSanitizer's runtime, if the program has it. */
__attribute__((weak)) void __asan_init(void);

enum { UNDECIDED, POOLS, SYSTEM, SYSTEM_AND_DEBUG };
static atomic_int block_source = UNDECIDED;

static int wanted_source(void)
{
    long debug = 0;
    char ignored[128]; /* hone_init reports nonsense */
    hone__env_int("HONE_DEBUG_TENSORS", 0, 1, &debug, ignored, sizeof ignored);
    return debug ? SYSTEM_AND_DEBUG : __asan_init ? SYSTEM : POOLS;
}

atomic_bool hone__pools_decided;

/* The first thread decides for all, should the environment change meanwhile. */
static int blocks_from(void)
{
    int source = atomic_load_explicit(&block_source, memory_order_relaxed);
    if (source != UNDECIDED)
        return source;
    const int wanted = wanted_source();
    if (atomic_compare_exchange_strong(&block_source, &source, wanted))
        source = wanted;
    atomic_store_explicit(&hone__pools_decided, source == POOLS, memory_order_relaxed);
    return source;
}

bool hone__no_pools(void)
{
    return blocks_from() != POOLS;
}

bool hone__debug_tensors(void)
{
    return blocks_from() == SYSTEM_AND_DEBUG;
}

/* ---- blocks ------------------------------------------------------------------------------- */

static __attribute__((noinline)) void *take_direct(hone__heap *heap, size_t bytes)
{
    void *p = NULL;
    const size_t most = (size_t)1 << 40; /* past it AddressSanitizer would abort, not refuse */
    if (bytes > most || !hone__reserve(bytes))
        return NULL;
    if (posix_memalign(&p, HONE__UNIT, bytes) != 0) {
        hone__unreserve(bytes);
        return NULL;
    }
    hone__heap_count(heap, (int64_t)bytes);
    return p;
}

/* Counts a block as given back, and gives p, if any: not yet this one, perhaps (hone__bury). */
static __attribute__((noinline)) void give_direct(hone__heap *heap, void *p, size_t bytes)
{
    hone__heap_count(heap, -(int64_t)bytes);
    if (!p)
        return;
    free(p);
    hone__unreserve(bytes);
}

static inline void *take(hone__heap *heap, size_t bytes)
{
    if (__builtin_expect(heap->no_pools, 0))
        return take_direct(heap, bytes);
    const hone__size_class size = hone__size_class_of(bytes);
    const bool small = size.index < HONE__SMALL_CLASSES;
    void *p = small                        ? hone__small_alloc(heap, size)
              : size.index < HONE__CLASSES ? hone__large_alloc(size, bytes)
                                           : NULL;
    if (__builtin_expect(p != NULL, 1))
        hone__heap_count(heap, hone__counted(size, bytes));
    return p;
}

static inline void give(hone__heap *heap, void *p, size_t bytes)
{
    if (__builtin_expect(heap->no_pools, 0)) {
        give_direct(heap, p, bytes);
        return;
    }
    const hone__size_class size = hone__size_class_of(bytes);
    if (size.index < HONE__SMALL_CLASSES)
        hone__small_free(heap, p, size.index);
    else
        hone__large_free(p);
    hone__heap_count(heap, -hone__counted(size, bytes));
}

static __attribute__((noinline)) void *take_after_trim(hone__heap *heap, size_t bytes)
{
    hone_memory_trim();
    void *p = heap ? take(heap, bytes) : NULL;
    return p ? p : hone__out_of_memory(bytes);
}

static inline void *allocate(hone__heap *heap, size_t bytes)
{
    if (__builtin_expect(!heap, 0))
        return hone__out_of_memory(bytes);
    if (__builtin_expect(must_fail(heap), 0))
        return hone__out_of_memory(bytes);
    void *p = take(heap, bytes);
    return __builtin_expect(p != NULL, 1) ? p : take_after_trim(heap, bytes);
}

static inline void deallocate(void *p, size_t bytes)
{
    hone__heap *heap = hone__heap_open();
    give(heap, p, bytes);
    hone__heap_close(heap);
}

void *hone__pool_alloc(size_t bytes)
{
    return sensible(&bytes) ? allocate(hone__heap_self(), bytes) : hone__out_of_memory(bytes);
}

void hone__pool_free(void *p, size_t bytes)
{
    if (p && sensible(&bytes))
        deallocate(p, bytes);
}

/* ---- small blocks that know their size ---------------------------------------------------- */

#define HEADER 16

void *hone__malloc(size_t bytes)
{
    if (!sensible(&bytes))
        return hone__out_of_memory(bytes);
    size_t *block = allocate(hone__heap_self(), bytes + HEADER);
    if (!block)
        return NULL;
    *block = bytes;
    return (char *)block + HEADER;
}

static size_t *header_of(void *p)
{
    return (size_t *)((char *)p - HEADER);
}

void *hone__calloc(size_t bytes)
{
    void *p = hone__malloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void hone__free(void *p)
{
    if (p)
        deallocate(header_of(p), *header_of(p) + HEADER);
}

void *hone__realloc(void *p, size_t bytes)
{
    void *grown = hone__malloc(bytes);
    if (!p || !grown)
        return grown; /* NULL: p stays valid, as with realloc */
    const size_t old_bytes = *header_of(p);
    memcpy(grown, p, old_bytes < bytes ? old_bytes : bytes);
    hone__free(p);
    return grown;
}

bool hone__grow(void *list, int64_t *room, int64_t wanted, size_t element_bytes)
{
    if (wanted <= *room)
        return true;
    int64_t more;
    if (!hone__times(2, *room, &more) || more < wanted)
        more = wanted;
    more = more < 16 ? 16 : more;
    void *at;
    memcpy(&at, list, sizeof at);
    if (!(at = hone__realloc(at, hone__bytes(more, element_bytes))))
        return false;
    memcpy(list, &at, sizeof at);
    *room = more;
    return true;
}

/* ---- objects ------------------------------------------------------------------------------ */

static _Atomic size_t obj_bytes[HONE__OBJ_KINDS]; /* constant per kind, known after the first */

/* Of the usual case, a small block that waits in a list of the thread's own, everything is done in
 * place and nothing is called, so that no register is saved; any other is left as it is to the slow
 * functions. */

static __attribute__((noinline)) void *take_slowly(hone__obj_kind kind, size_t bytes)
{
    hone__heap *heap = hone__heap_self();
    void *p = allocate(heap, bytes);
    if (p)
        hone__counter_add(&heap->live[kind], 1);
    return p;
}

static __attribute__((noinline)) void *after_sync(hone__heap *heap, void *p)
{
    hone__heap_sync(heap);
    return p;
}

static inline void *take_object(hone__obj_kind kind, size_t bytes)
{
    hone__heap *heap = hone__heap_self_or_null;
    const hone__size_class size = hone__size_class_of(bytes);
    hone__block *block = heap && size.index < HONE__SMALL_CLASSES ? heap->free[size.index] : NULL;
    if (__builtin_expect(!block || atomic_load_explicit(&failure_armed, memory_order_relaxed), 0))
        return take_slowly(kind, bytes); /* without pools the lists are empty */
    hone__counter_add(&heap->allocations, 1);
    hone__counter_add(&heap->live[kind], 1);
    void *p = hone__small_pop(heap, block, size.index);
    return __builtin_expect(hone__heap_counts(heap, (int64_t)size.bytes), 1) ? p
                                                                             : after_sync(heap, p);
}

static __attribute__((noinline)) void free_slowly(hone__obj_kind kind, void *p, size_t bytes)
{
    hone__heap *heap = hone__heap_open();
    hone__counter_add(&heap->live[kind], -1);
    if (heap->no_pools && kind == HONE__OBJ_TENSOR)
        give_direct(heap, hone__keeper.bury(p), bytes);
    else
        give(heap, p, bytes);
    hone__heap_close(heap);
}

static inline void free_object(hone__obj_kind kind, void *p, size_t bytes)
{
    hone__heap *heap = hone__heap_self_or_null;
    const hone__size_class size = hone__size_class_of(bytes);
    if (__builtin_expect(!heap || heap->no_pools || size.index >= HONE__SMALL_CLASSES ||
                             hone__span_of(p)->owner != heap,
                         0)) {
        free_slowly(kind, p, bytes);
        return;
    }
    hone__counter_add(&heap->live[kind], -1);
    hone__small_push(heap, p, size.index);
    if (__builtin_expect(!hone__heap_counts(heap, -(int64_t)size.bytes), 0))
        hone__heap_sync(heap);
}

void *hone__obj_take_with(hone__obj_kind kind, size_t bytes)
{
    return take_object(kind, bytes);
}

void hone__obj_free_with(hone__obj_kind kind, void *p, size_t bytes)
{
    free_object(kind, p, bytes);
}

void *hone__obj_take(hone__obj_kind kind, size_t bytes)
{
    if (__builtin_expect(atomic_load_explicit(&obj_bytes[kind], memory_order_relaxed) != bytes, 0))
        atomic_store_explicit(&obj_bytes[kind], bytes, memory_order_relaxed);
    return take_object(kind, bytes);
}

void *hone__obj_alloc(hone__obj_kind kind, size_t bytes)
{
    void *p = hone__obj_take(kind, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void hone__obj_free(hone__obj_kind kind, void *p)
{
    if (__builtin_expect(p != NULL, 1))
        free_object(kind, p, atomic_load_explicit(&obj_bytes[kind], memory_order_relaxed));
}

int64_t hone__obj_live(hone__obj_kind kind)
{
    int64_t in_use, peak, allocations, live[4];
    hone__heaps_sum(&in_use, &peak, &allocations, live);
    return live[kind];
}

/* ---- what users see ----------------------------------------------------------------------- */

void hone__memory_now(hone_memory *stats)
{
    int64_t allocations, live[4];
    *stats = (hone_memory){ 0 };
    hone__heaps_sum(&stats->in_use_bytes, &stats->peak_bytes, &allocations, live);
    stats->tensors = live[HONE__OBJ_TENSOR];
    stats->nodes = live[HONE__OBJ_NODE];
    stats->reserved_bytes = atomic_load(&reserved_bytes);
}

void hone_memory_stats(hone_memory *stats)
{
    if (!stats) {
        hone__error_missing("memory_stats", "a struct");
        return;
    }
    const hone__holdings held = hone__keeper.holdings();
    hone__memory_now(stats);
    stats->scope_tensors = held.current;
    stats->thread_tensors = held.all;
}

hone_status hone_memory_limit(int64_t bytes)
{
    if (bytes < 0)
        return hone_error_set(HONE_E_VALUE, "memory_limit: %lld bytes", (long long)bytes);
    atomic_store(&limit_bytes, bytes > 0 ? bytes : INT64_MAX);
    return HONE_OK;
}

void hone_memory_trim(void)
{
    hone__heaps_trim();
    hone__large_trim();
}
