/* dead.c: the last rest of handles, and what is said to those who disturb it. */
#include "core/dead.h"
#include "runtime/memory.h"

#include <string.h>

/* In AddressSanitizer's runtime, if the program has it: reads 8 bytes, with a report (which ends
 * the program unless it is told not to) if they belong to nobody. */
__attribute__((weak)) void __asan_load8(void *p);

/* ---- burying ---- */

enum { GRAVES = 1 << 16 };

static _Atomic(hone_tensor *) graves[GRAVES];
static atomic_uint n_buried;

/* How a handle ended is kept where its strides were. */
static void note_end(hone_tensor *t)
{
    const hone__site end = hone__scope_leaving();
    _Static_assert(sizeof end <= sizeof t->stride, "it fits in there");
    memcpy(t->stride, &end, sizeof end);
}

static hone__site end_of(const hone_tensor *t)
{
    hone__site end;
    memcpy(&end, t->stride, sizeof end);
    return end;
}

hone_tensor *hone__bury(hone_tensor *t)
{
    note_end(t);
    if (!hone__debug_tensors())
        return t;
    return atomic_exchange(&graves[atomic_fetch_add(&n_buried, 1u) % GRAVES], t);
}

/* ---- refusing ---- */

static void tell_end(const char *where, const hone_tensor *t)
{
    char end[200] = "HONE_DEBUG_TENSORS=1 tells which scope dropped it";
    if (hone__no_pools()) {
        const hone__site site = end_of(t);
        if (site.function)
            hone__format(end, sizeof end, "dropped at the end of %s", hone__site_text(site).s);
        else
            hone__format(end, sizeof end, "its last reference was released");
    }
    hone_error_set(HONE_E_STATE,
                   "%s: a tensor was used after its end (%s, made by %s; %s): hone_scope_return or "
                   "hone_retain keeps it",
                   where, hone__tensor_text(t).s, t->made_by ? t->made_by : "?", end);
}

bool hone__refuse_tensor(const char *where, const hone_tensor *t)
{
    if (!t) {
        hone__error_null(where);
        return false;
    }
    if (t == HONE_NONE || t == HONE_END_TENSOR) {
        hone_error_set(HONE_E_NULL, "%s: %s was given where a tensor is needed", where,
                       t == HONE_NONE ? "HONE_NONE" : "HONE_END_TENSOR");
        return false;
    }
    const bool was_one = atomic_load_explicit(&t->state, memory_order_relaxed) == HONE__DEAD &&
                         t->ndim <= HONE_MAX_DIMS && t->dtype < HONE_DTYPES;
    if (was_one)
        tell_end(where, t);
    else
        hone_error_set(HONE_E_STATE,
                       "%s: a pointer was given that is no tensor, or none any more (see "
                       "HONE_DEBUG_TENSORS)",
                       where);
    if (__asan_load8)
        __asan_load8((void *)(uintptr_t)t);
    return false;
}
