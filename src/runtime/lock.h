/* lock.h: every lock of the library, in the one order in which a thread may take several. A thread
 * that forks holds all of them meanwhile: what they guard is whole in the child, and they are free.
 * So a lock that is not in this list, or a once, would hang a child. */
#ifndef HONE_RUNTIME_LOCK_H
#define HONE_RUNTIME_LOCK_H

#include "runtime/places.h"

#include <stdbool.h>

#define HONE__LEAF_LOCKS 16

/* The outermost first. */
typedef enum {
    HONE__LOCK_LEAVES, /* what changes a leaf's gradient; ops run under it */
    HONE__LOCK_LINES = HONE__LOCK_LEAVES + HONE__LEAF_LOCKS, /* one thread measures */
    HONE__LOCK_PROFILE,                                      /* what a profile has gathered */
    HONE__LOCK_COUNTERS,                                     /* what the CPU counts for it */
    HONE__LOCK_INIT,                                         /* the first call */
    HONE__LOCK_RANDOM,                                       /* the default generator */
    HONE__LOCK_HEAPS,                                        /* the lists of heaps */
    HONE__LOCK_PLACES,                                       /* a place's large blocks */
    HONE__LOCK_TRIAL = HONE__LOCK_PLACES + HONE__PLACES,     /* threads that wait for each other */
    HONE__LOCK_OPENMP,                                       /* looking for OpenMP runtimes */
    HONE__LOCK_TOPOLOGY,                                     /* reading the machine, in hwloc */
    HONE__LOCK_ZIP,                                          /* reading an archive, in libzip */
    HONE__LOCKS
} hone__lock_id;

void hone__lock(hone__lock_id lock);
/** False if another thread has it. */
bool hone__lock_try(hone__lock_id lock);
void hone__unlock(hone__lock_id lock);

/** To be called once more when the OpenMP runtime is up: regions are run under these locks, so a
 * fork must take them before LLVM's runtime takes its own, which it does from its first use on. */
void hone__lock_at_forks(void);

#endif
