/* storage.h: memory that views share. */
#ifndef HONE_CORE_STORAGE_H
#define HONE_CORE_STORAGE_H

#include "core/core.h"

/** One reference to new memory of `bytes`, uninitialised; NULL + E_NOMEM. */
hone__storage *hone__storage_new(size_t bytes);
/** One reference to memory that isn't hone's. NULL + E_NOMEM; then release has been called. */
hone__storage *hone__storage_wrap(void *data, size_t bytes, void (*release)(void *, void *),
                                  void *user);
hone__storage *hone__storage_retain(hone__storage *storage);
void hone__storage_release(hone__storage *storage);

/** Drops one reference of an atomic count; true if it was the last. The sole owner needs no locked
 * instruction: nobody else is there to change the count. */
static inline bool hone__refs_drop(atomic_int *refs)
{
    if (atomic_load_explicit(refs, memory_order_acquire) == 1)
        return true;
    return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

#endif
