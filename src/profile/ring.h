/* ring.h: how what is recorded gets into the calling thread's ring. */
#ifndef HONE_PROFILE_RING_H
#define HONE_PROFILE_RING_H

#include "profile/record.h"

/** The calling thread's, made now if there is none. NULL: there is no memory for it. */
hone__recorder *hone__recorder_self(void);
/** The same; NULL: it has none so far. */
hone__recorder *hone__recorder_or_null(void);

/** Room for a record, whose head is filled; NULL: it is dropped, and counted. */
void *hone__ring_room(hone__recorder *r, size_t bytes, hone__record_kind kind);
/** It is whole. */
void hone__ring_written(hone__recorder *r, size_t bytes);
/** Between ops, when nobody is in the middle of anything: empties a ring that is half full. */
void hone__ring_relieve(hone__recorder *r);

/* Of numbers that one thread writes and others read. */
static inline void hone__count(_Atomic uint64_t *n)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

#endif
