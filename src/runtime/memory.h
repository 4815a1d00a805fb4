/* memory.h: every byte the library takes comes through here, so that it can be counted, capped and
 * made to fail in tests. */
#ifndef HONE_RUNTIME_MEMORY_H
#define HONE_RUNTIME_MEMORY_H

#include "core/core.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** a * b of two sizes, neither of them negative; false if an int64 can't count that. Every product
 * of sizes by which memory is taken comes from here, by itself or by the next one. */
static inline bool hone__times(int64_t a, int64_t b, int64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

/** Bytes of n elements: what is negative or more than 2^62 becomes 2^62. The functions below refuse
 * that with HONE_E_NOMEM, and so they do a sum of up to three such numbers. */
static inline size_t hone__bytes(int64_t n, size_t element_bytes)
{
    const int64_t most = INT64_C(1) << 62;
    int64_t bytes;
    const bool fits = n >= 0 && hone__times(n, (int64_t)element_bytes, &bytes) && bytes < most;
    return (size_t)(fits ? bytes : most);
}
/** Whether blocks come from the system's malloc instead of the pools, so that what watches that in
 * the user's program sees the ends of each block and its death: AddressSanitizer is there, or
 * HONE_DEBUG_TENSORS=1. Decided at the first block. */
bool hone__no_pools(void);
extern atomic_bool hone__pools_decided; /* for the pools */
static inline bool hone__has_pools(void)
{
    return __builtin_expect(atomic_load_explicit(&hone__pools_decided, memory_order_relaxed), 1) ||
           !hone__no_pools();
}
/** HONE_DEBUG_TENSORS=1. */
bool hone__debug_tensors(void);

/** Small blocks (modules, lists, strings). NULL sets HONE_E_NOMEM. */
void *hone__malloc(size_t bytes);
void *hone__calloc(size_t bytes);
void *hone__realloc(void *p, size_t bytes);
void hone__free(void *p);
/** Room for `wanted` elements in a growing list: `list` is the address of its pointer, *room what it
 * has room for. A list that is too short gets twice its room, or what is wanted if that is more, and
 * at least 16. False: no memory, and the list is as it was. */
bool hone__grow(void *list, int64_t *room, int64_t wanted, size_t element_bytes);

/** Large or short-lived blocks (tensor storage, pack buffers) from the pools: 64-byte aligned,
 * uninitialised. NULL sets HONE_E_NOMEM. `bytes` must be handed back unchanged to hone__pool_free.
 */
void *hone__pool_alloc(size_t bytes);
void hone__pool_free(void *p, size_t bytes);

/** Fixed-size objects (handles, nodes) from per-thread free lists; an object may be freed on
 * another thread. */
typedef enum {
    HONE__OBJ_TENSOR,
    HONE__OBJ_STORAGE,
    HONE__OBJ_NODE,
    HONE__OBJ_KINDS
} hone__obj_kind;
void *hone__obj_alloc(hone__obj_kind kind, size_t bytes); /* zeroed; `bytes` is constant per kind */
void *hone__obj_take(hone__obj_kind kind, size_t bytes);  /* the same, uninitialised */
void hone__obj_free(hone__obj_kind kind, void *p);
/** An object with room behind it, in one block of `bytes`, uninitialised: hone__pool_alloc and a count. */
void *hone__obj_take_with(hone__obj_kind kind, size_t bytes);
void hone__obj_free_with(hone__obj_kind kind, void *p, size_t bytes);
int64_t hone__obj_live(hone__obj_kind kind);

/** What memory asks about the tensors in it. src/init.c sets it before the first one. */
typedef struct {
    hone__holdings (*holdings)(void);
    hone__text (*holdings_text)(const hone__holdings *holdings);
    hone_tensor *(*bury)(hone_tensor *t); /* see core/dead.h */
} hone__tensor_keeper;
extern hone__tensor_keeper hone__keeper;

/** Sets HONE_E_NOMEM: what was wanted, what is in use, and why it can't be had; NULL. */
void *hone__out_of_memory(size_t bytes);

/** Test hook: the n-th allocation from now (0 = the next) fails, once; -1 switches it off. Counts
 * every function above, also those served from a free list. Returns how many allocations were made
 * since the last call. */
int64_t hone__fail_allocation(int64_t n);
/** The step of an allocating function that need not take memory each time (a scope's growth):
 * counts, and true with HONE_E_NOMEM set if this one must fail. */
bool hone__allocation_fails(size_t bytes);

/** Memory for hone's own books (scopes, pools), in no statistic but reserved_bytes, so that a test
 * can ask for 0 bytes in use. Doesn't count as an allocation. NULL sets HONE_E_NOMEM. */
void *hone__book_realloc(void *p, size_t old_bytes, size_t bytes);
/** New zeroed ones, which are not needed: NULL without an error. */
void *hone__book_try(size_t bytes);

#endif
