/* crew.h: threads that make a loader's batches ahead of it. One thread, the loader's caller, adds batches
 * and takes them in the same order. */
#ifndef HONE_DATA_CREW_H
#define HONE_DATA_CREW_H

#include "data/data.h"

typedef struct hone__crew hone__crew;

/** Room for `prefetch` batches of up to batch_size samples; threads begin to run. NULL: an error is set,
 * or, without one, the system makes no thread: the caller works by itself. */
hone__crew *hone__crew_new(const hone_dataset *set, uint64_t seed, int workers, int prefetch,
                           int64_t batch_size);
/** Where the next batch's samples go, if there is room for one; NULL: there is none. */
int64_t *hone__crew_next(hone__crew *crew);
/** These are its first n samples, of this epoch. False: an error is set, nothing was added. */
bool hone__crew_add(hone__crew *crew, int64_t n, int64_t epoch);
/** Waits for the batch that was added first and puts it in *batch; what was in there serves again. False:
 * its error is set. */
bool hone__crew_take(hone__crew *crew, hone__batch *batch);
/** Forgets all batches, after the samples that are being read. */
void hone__crew_forget(hone__crew *crew);
/** True in the process that made it; else E_STATE is set in the name of `where`. */
bool hone__crew_is_here(const char *where, const hone__crew *crew);
/** Ends the threads. */
void hone__crew_free(hone__crew *crew);

#endif
