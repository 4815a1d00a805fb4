/* again.h: results that whoever saves them for a gradient need not keep: the op that made one has
 * saved what it is made of, and makes it again when it is asked for. */
#ifndef HONE_CORE_AGAIN_H
#define HONE_CORE_AGAIN_H

#include "core/core.h"

enum { HONE__AGAIN_OF = 4 };

/** The result itself, contiguous and owned by the current scope, of what it is made of; NULL: an error
 * is pending. */
typedef hone_tensor *(*hone__again_run)(hone_tensor *const *of);

typedef struct hone__again {
    atomic_int refs;     /* the result's storage and the users */
    atomic_int users;    /* the op's node, and the nodes that need it; without any `of` is let go */
    atomic_bool changed; /* the result is no longer what it was */
    atomic_bool shown;   /* somebody has its address, and may have written there */
    hone__again_run run;
    int n;
    hone_tensor *of[HONE__AGAIN_OF]; /* held: handles without history */
    uint32_t version[HONE__AGAIN_OF];
} hone__again;

/** For the storage of `result`, and for its first user. NULL + E_NOMEM. */
hone__again *hone__again_new(hone_tensor *result, hone__again_run run, int n,
                             hone_tensor *const *of);
/** One more user of how the memory that t shows all of, as it lies, is made; NULL: nobody knows, or it
 * was changed since, or may have been: who needs it keeps it. */
hone__again *hone__again_use(const hone_tensor *t);
/** The address of data that can be made again is given away. */
void hone__storage_shown(const hone__storage *storage);
/** A user less. */
void hone__again_drop(hone__again *again);
/** True if what it is made of is as it was, and so is what was made. */
bool hone__again_holds(const hone__again *again);

#endif
