/* again.c: see again.h. */
#include "core/again.h"
#include "core/storage.h"
#include "runtime/memory.h"

static void unlink_shell(hone__again *again)
{
    if (hone__refs_drop(&again->refs))
        hone__free(again);
}

void hone__storage_forgets(hone__storage *storage)
{
    unlink_shell(storage->again);
    storage->again = NULL;
}

void hone__storage_changes(const hone__storage *storage)
{
    atomic_store_explicit(&storage->again->changed, true, memory_order_relaxed);
}

void hone__storage_shown(const hone__storage *storage)
{
    atomic_store_explicit(&storage->again->shown, true, memory_order_relaxed);
}

static void let_go(hone__again *again)
{
    for (int i = 0; i < again->n; i++)
        hone_release(again->of[i]);
    again->n = 0;
}

hone__again *hone__again_new(hone_tensor *result, hone__again_run run, int n,
                             hone_tensor *const *of)
{
    hone__again *again = hone__calloc(sizeof *again);
    if (!again)
        return NULL;
    for (; again->n < n; again->n++) {
        hone_tensor *t = of[again->n], *own = t;
        if (hone__is_real(t)) {
            own = hone__alias(t, t->ndim, t->shape, t->stride, t->offset);
            again->version[again->n] = hone__version(t);
        }
        if (!own) {
            let_go(again);
            hone__free(again);
            return NULL;
        }
        again->of[again->n] = own;
    }
    again->run = run;
    atomic_init(&again->refs, 2);
    atomic_init(&again->users, 1);
    result->storage->again = again;
    return again;
}

hone__again *hone__again_use(const hone_tensor *t)
{
    hone__again *again = t->storage->again;
    if (!again || !t->dense || t->offset != 0 ||
        (size_t)t->numel * hone__size_of(t->dtype) != t->storage->bytes ||
        atomic_load_explicit(&again->changed, memory_order_relaxed) ||
        atomic_load_explicit(&again->shown, memory_order_relaxed))
        return NULL;
    int users = atomic_load_explicit(&again->users, memory_order_relaxed);
    while (users > 0)
        if (atomic_compare_exchange_weak_explicit(&again->users, &users, users + 1,
                                                  memory_order_acquire, memory_order_relaxed)) {
            atomic_fetch_add_explicit(&again->refs, 1, memory_order_relaxed);
            return again;
        }
    return NULL;
}

void hone__again_drop(hone__again *again)
{
    if (atomic_fetch_sub_explicit(&again->users, 1, memory_order_acq_rel) == 1)
        let_go(again);
    unlink_shell(again);
}

bool hone__again_holds(const hone__again *again)
{
    bool holds = !atomic_load_explicit(&again->changed, memory_order_relaxed);
    for (int i = 0; i < again->n; i++)
        holds = holds &&
                (!hone__is_real(again->of[i]) || hone__version(again->of[i]) == again->version[i]);
    return holds;
}
