/* past.h: results that the caches can't hold go past them to memory: nothing is read that would be
 * overwritten, and what the caches do hold stays. Kernels that wait for memory store so themselves
 * (`..._past` of the table); what others make goes out in pieces. */
#ifndef HONE_LOOPS_PAST_H
#define HONE_LOOPS_PAST_H

#include <stdbool.h>
#include <stdint.h>

enum { HONE__PAST_PIECE = 1024 }; /* bytes: lines go out while the next are read */

/** True if `bytes`, what a pass reads and writes, don't fit into the last caches of the team. */
bool hone__exceeds_caches(int64_t bytes);

/** True if a pass over `bytes` should write its result past the caches; false where the ISA can't. */
bool hone__goes_past(int64_t bytes);

#endif
