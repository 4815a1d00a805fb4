/* scope.c: who owns what functions return.
 *
 * Each thread has one stack of owned entries; a scope is a mark in it. An entry is a tensor, a
 * block (a list's array), or a tensor on its way to the parent scope, told apart by the two low
 * bits of the pointer. Leaving a scope moves the last kind down to the mark and drops the others,
 * so in the steady state nothing is allocated. */
#include "core/core.h"
#include "runtime/memory.h"
#include "runtime/thread_end.h"

#include <stdint.h>

enum { TENSOR = 0, BLOCK = 1, RETURNED = 2, TAGS = 3 };

/* A scope's mark holds its depth too, so that one left twice or out of turn is noticed. */
#define DEPTH_SHIFT 40
#define INDEX_MASK  (((size_t)1 << DEPTH_SHIFT) - 1)
_Static_assert(sizeof(size_t) == 8, "a mark packs depth and index");

static _Thread_local struct {
    uintptr_t *entries;
    size_t n, capacity;
    size_t depth; /* open scopes; 0: only the root */
} self __attribute__((tls_model("initial-exec")));

static void drop_down_to(size_t mark)
{
    while (self.n > mark) { /* a release callback may push new entries: they go as well */
        const uintptr_t entry = self.entries[--self.n];
        if (entry & BLOCK)
            hone__free((void *)(entry & ~(uintptr_t)TAGS));
        else
            hone_release((hone_tensor *)(entry & ~(uintptr_t)TAGS));
    }
}

static void empty_root(void)
{
    self.depth = 0;
    drop_down_to(0);
    hone__book_realloc(self.entries, self.capacity * sizeof *self.entries, 0);
    self.entries = NULL;
    self.capacity = 0;
}

static bool grow(void)
{
    const size_t capacity = self.capacity ? 2 * self.capacity : 512;
    if (!hone__at_thread_end(HONE__END_SCOPE, empty_root))
        return hone__out_of_memory(capacity * sizeof *self.entries) != NULL;
    uintptr_t *entries = hone__book_realloc(self.entries, self.capacity * sizeof *entries,
                                            hone__bytes((int64_t)capacity, sizeof *entries));
    if (!entries)
        return false;
    self.entries = entries;
    self.capacity = capacity;
    return true;
}

/* Every push counts as an allocation, so that a test can make any of them fail. */
static bool push(void *p, uintptr_t tag)
{
    if (hone__allocation_fails(sizeof *self.entries))
        return false;
    if (__builtin_expect(self.n == self.capacity, 0) && !grow())
        return false;
    self.entries[self.n++] = (uintptr_t)p | tag;
    return true;
}

hone_tensor *hone__own(hone_tensor *t)
{
    if (!t || push(t, TENSOR))
        return t;
    hone_release(t);
    return NULL;
}

void *hone__own_block(void *block)
{
    if (!block || push(block, BLOCK))
        return block;
    hone__free(block);
    return NULL;
}

hone_scope hone_scope_enter(void)
{
    return (hone_scope){ ++self.depth << DEPTH_SHIFT | self.n };
}

/* Brings what returns to the parent down to the mark and gives the index after it. */
static size_t gather_returned(size_t mark)
{
    uintptr_t *entries = self.entries;
    for (size_t i = mark; i < self.n; i++) {
        if (!(entries[i] & RETURNED))
            continue;
        const uintptr_t returned = entries[i] & ~(uintptr_t)RETURNED;
        entries[i] = entries[mark];
        entries[mark++] = returned;
    }
    return mark;
}

void hone_scope_leave(hone_scope scope)
{
    const size_t depth = scope.mark >> DEPTH_SHIFT, mark = scope.mark & INDEX_MASK;
    if (depth == 0 || depth > self.depth || mark > self.n) {
        hone_error_set(HONE_E_STATE, "scope_leave: this scope isn't open on this thread");
        return;
    }
    /* Scopes inside that were never left (longjmp) end here: what they meant to return stays
     * within this one and is gathered with its own. */
    const size_t kept = gather_returned(mark);
    drop_down_to(kept);
    self.depth = depth - 1;
}

void hone_scope_leave_guard(hone_scope *scope)
{
    hone_scope_leave(*scope);
}

size_t hone__scope_mark(void)
{
    return self.n;
}

/* What an op leaves behind is nearly always its result alone, which then is where it should be. */
static void settle_rest(size_t mark, hone_tensor *t)
{
    for (size_t i = mark; i < self.n; i++) {
        if (self.entries[i] != (uintptr_t)t)
            continue;
        self.entries[i] = self.entries[mark];
        self.entries[mark++] = (uintptr_t)t;
        break;
    }
    drop_down_to(mark);
}

void hone__scope_settle(size_t mark, hone_tensor *t)
{
    if (self.n == mark || (self.n == mark + 1 && self.entries[mark] == (uintptr_t)t))
        return;
    settle_rest(mark, t);
}

hone_tensor *hone_scope_return(hone_tensor *t)
{
    if (!t || t == HONE_NONE || t == HONE_END_TENSOR)
        return t;
    /* Without an open scope there is no parent: the root itself owns it. */
    hone_retain(t);
    if (push(t, self.depth > 0 ? RETURNED : TENSOR))
        return t;
    hone_release(t);
    return NULL;
}
