/* scope.c: who owns what functions return.
 *
 * Each thread has one stack of owned entries; a scope is a mark in it. An entry is a tensor, a
 * block (a list's array), or a tensor on its way to the parent scope, told apart by the two low
 * bits of the pointer. Leaving a scope moves the last kind down to the mark and drops the others,
 * so in the steady state nothing is allocated. */
#include "core/core.h"
#include "core/hooks.h"
#include "runtime/memory.h"
#include "runtime/thread_end.h"

#include <stdint.h>
#include <string.h>

enum { TENSOR = 0, BLOCK = 1, RETURNED = 2, TAGS = 3 };

/* A scope's mark holds its depth too, so that one left twice or out of turn is noticed. */
#define DEPTH_SHIFT 40
#define INDEX_MASK  (((size_t)1 << DEPTH_SHIFT) - 1)
_Static_assert(sizeof(size_t) == 8, "a mark packs depth and index");

static _Thread_local struct {
    uintptr_t *entries;
    size_t n, capacity;
    size_t depth;      /* open scopes; 0: only the root */
    size_t leaving;    /* depth of the scope whose entries are being dropped; 0: none */
    struct open *open; /* the SITES outermost scopes; NULL: no memory, or no scope so far */
} self __attribute__((tls_model("initial-exec")));

/* What messages tell about a scope; those nested deeper than SITES count as part of the last. */
enum { SITES = 64 };
struct open {
    hone__site site;
    size_t mark;
};

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
    hone__book_realloc(self.open, SITES * sizeof *self.open, 0);
    self.entries = NULL;
    self.open = NULL;
    self.capacity = 0;
}

/* ---- looking inside ---- */

hone__text hone__site_text(hone__site site)
{
    hone__text text;
    const char *slash = site.file ? strrchr(site.file, '/') : NULL;
    if (site.function)
        hone__format(text.s, sizeof text.s, "the scope that %.30s opened (%.30s:%d)", site.function,
                     slash ? slash + 1 : site.file, site.line);
    else
        hone__format(text.s, sizeof text.s, "a scope");
    return text;
}

hone__site hone__scope_site(void)
{
    const size_t depth = !self.open ? 0 : self.depth < SITES ? self.depth : SITES;
    return depth > 0 ? self.open[depth - 1].site : (hone__site){ NULL, NULL, 0 };
}

/* Tensors among the entries from..to. */
static int64_t tensors_in(size_t from, size_t to)
{
    int64_t n = 0;
    for (size_t i = from; i < to; i++)
        n += !(self.entries[i] & BLOCK);
    return n;
}

/* Entries of the scope at `depth` begin here; 0 is the root. */
static size_t begin_of(size_t depth)
{
    return depth > 0 ? self.open[depth - 1].mark : 0;
}

hone__holdings hone__scope_holdings(void)
{
    const size_t depth = !self.open ? 0 : self.depth < SITES ? self.depth : SITES;
    hone__holdings h = { .all = tensors_in(0, self.n) };
    size_t end = self.n;
    for (size_t d = depth + 1; d-- > 0; end = begin_of(d)) {
        const int64_t n = tensors_in(begin_of(d), end);
        if (d == depth)
            h.current = n;
        if (n <= h.most)
            continue;
        h.most = n;
        h.fullest = d > 0 ? self.open[d - 1].site : (hone__site){ NULL, NULL, 0 };
        h.fullest_is_root = d == 0;
    }
    return h;
}

hone__text hone__holdings_text(const hone__holdings *h)
{
    hone__text text;
    const hone__text where =
        h->fullest_is_root ? (hone__text){ "no HONE_SCOPE()" } : hone__site_text(h->fullest);
    hone__format(text.s, sizeof text.s, "%lld tensors in %s", (long long)h->most, where.s);
    return text;
}

bool hone__scopes_own_alone(const hone_tensor *t)
{
    if (atomic_load_explicit(&t->state, memory_order_relaxed) == HONE__KEPT)
        return false;
    int owned = 0;
    for (size_t i = 0; i < self.n; i++)
        owned += (self.entries[i] & ~(uintptr_t)RETURNED) == (uintptr_t)t;
    return owned > 0 && atomic_load(&t->refs) <= owned;
}

/* ---- owning ---- */

/* A program that forgets its scopes gets here with ever more. */
static void warn_of_many(void)
{
    enum { MANY = 1 << 14 };
    if (self.n < MANY || hone__debug() < 1)
        return;
    const hone__holdings h = hone__scope_holdings();
    hone__debug_print(1, "scope: %s so far: is a HONE_SCOPE() missing in a loop?",
                      hone__holdings_text(&h).s);
}

static __attribute__((noinline)) bool grow(void)
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
    warn_of_many();
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

static hone_scope enter_unnamed(void)
{
    return (hone_scope){ ++self.depth << DEPTH_SHIFT | self.n };
}

static inline hone_scope enter(const char *function, const char *file, int line)
{
    if (self.depth < SITES)
        self.open[self.depth] = (struct open){ { function, file, line }, self.n };
    return enter_unnamed();
}

/* A thread's first scope makes room for sites; without it scopes work as well, but have no names. */
static __attribute__((noinline)) hone_scope enter_first(const char *function, const char *file,
                                                        int line)
{
    if (hone__at_thread_end(HONE__END_SCOPE, empty_root))
        self.open = hone__book_try(SITES * sizeof *self.open);
    return self.open ? enter(function, file, line) : enter_unnamed();
}

hone_scope hone_scope_enter_at(const char *function, const char *file, int line)
{
    if (__builtin_expect(self.open != NULL, 1))
        return enter(function, file, line);
    return enter_first(function, file, line);
}

hone_scope hone_scope_enter(void)
{
    return hone_scope_enter_at(NULL, NULL, 0);
}

hone__site hone__scope_leaving(void)
{
    const bool known = self.open && self.leaving > 0 && self.leaving <= SITES;
    return known ? self.open[self.leaving - 1].site : (hone__site){ NULL, NULL, 0 };
}

/* Brings what returns to the parent down to the mark, as what it is there, and gives the index after
 * it. */
static size_t gather_returned(size_t mark, uintptr_t tag)
{
    uintptr_t *entries = self.entries;
    for (size_t i = mark; i < self.n; i++) {
        if (!(entries[i] & RETURNED))
            continue;
        const uintptr_t returned = entries[i] & ~(uintptr_t)RETURNED;
        entries[i] = entries[mark];
        entries[mark++] = returned | tag;
    }
    return mark;
}

static void drop_entries(size_t depth, size_t mark, uintptr_t returned)
{
    const size_t kept = gather_returned(mark, returned), outer = self.leaving;
    self.leaving = depth;
    drop_down_to(kept);
    self.leaving = outer;
}

static __attribute__((noinline)) void refuse_leaving(void)
{
    hone_error_set(HONE_E_STATE, "scope_leave: this scope isn't open on this thread");
}

static __attribute__((noinline)) void leave_entries(size_t depth, size_t mark)
{
    drop_entries(depth, mark, TENSOR);
    self.depth = depth - 1;
}

static inline void leave(hone_scope scope)
{
    const size_t depth = scope.mark >> DEPTH_SHIFT, mark = scope.mark & INDEX_MASK;
    if (__builtin_expect(depth == 0 || depth > self.depth || mark > self.n, 0))
        refuse_leaving();
    /* Scopes inside that were never left (longjmp) end here: what they meant to return stays
     * within this one and is gathered with its own. */
    else if (self.n > mark)
        leave_entries(depth, mark);
    else
        self.depth = depth - 1;
}

void hone_scope_leave(hone_scope scope)
{
    leave(scope);
}

void hone__scope_empty(hone_scope scope)
{
    const size_t depth = scope.mark >> DEPTH_SHIFT, mark = scope.mark & INDEX_MASK;
    if (self.n > mark)
        drop_entries(depth, mark, RETURNED);
    self.depth = depth;
}

void hone_scope_leave_guard(hone_scope *scope)
{
    leave(*scope);
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
    if (!t || t == HONE_NONE)
        return t;
    if (!hone__needs_tensor("scope_return", t))
        return NULL;
    /* Without an open scope there is no parent: the root itself owns it. */
    hone_retain(t);
    if (push(t, self.depth > 0 ? RETURNED : TENSOR))
        return t;
    hone_release(t);
    return NULL;
}
