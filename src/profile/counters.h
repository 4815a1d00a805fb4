/* counters.h: events that the CPU or the kernel counts for a thread: perf_event_open. */
#ifndef HONE_PROFILE_COUNTERS_H
#define HONE_PROFILE_COUNTERS_H

#include "runtime/watch.h"

#include <hone/error.h>

/** Opens events for the calling thread, and says that other threads open theirs as they read.
 *  @param names   with commas between; NULL: the generic ones that there are; "none": none.
 *  @param reason  one sentence why there are none, or not all that were asked for, and what would
 *                 help; "" if there is nothing to say.
 *  @return        False: E_VALUE, an event that doesn't exist. */
bool hone__counters_open(const char *names, char *reason, size_t size);
/** Nobody reads them any more; the calling thread's are closed, others' when those end. */
void hone__counters_close(void);
/** Of the calling thread, at its end. */
void hone__counters_thread_ends(void);

/** Number i: its name, and by what its counts are to be multiplied because it shared the CPU's counters
 * with others. */
const char *hone__counter_name(int i);
double hone__counter_scale(void);
/** Values now of the first n; zeros where the calling thread has none. */
void hone__counters_read(uint64_t *counts, int n);
/** How many are open; read and written by any thread. */
extern atomic_int hone__n_counters;
static inline int hone__counters(void)
{
    return atomic_load_explicit(&hone__n_counters, memory_order_relaxed);
}

#endif
