/* streams.h: the one list of what random streams there are. For one seed, two uses of random
 * numbers never share a stream: its upper 8 bits say what it is for, the lower 56 which of those it
 * is. All code that asks a kernel for random numbers gets the stream from here. */
#ifndef HONE_RUNTIME_STREAMS_H
#define HONE_RUNTIME_STREAMS_H

#include "core/core.h"

/* name, value of the upper 8 bits, what the lower 56 are. A value stays for good: the numbers that
 * a seed gives depend on it. */
#define HONE__STREAM_KINDS(X) X(DRAW, 0x00, "generator's number (20 bits), its draw (36 bits)")

typedef enum {
#define HONE__STREAM_ENUM(name, value, meaning) HONE__STREAM_##name = value,
    HONE__STREAM_KINDS(HONE__STREAM_ENUM)
#undef HONE__STREAM_ENUM
} hone__stream_kind;

enum { HONE__DRAW_BITS = 36 };
#define HONE__STREAM_ENDS (UINT64_C(1) << 56)

/** Stream `which` (below HONE__STREAM_ENDS) of a kind. */
static inline uint64_t hone__stream(hone__stream_kind kind, uint64_t which)
{
    HONE_ASSERT(which < HONE__STREAM_ENDS);
    return (uint64_t)kind << 56 | which;
}

/** Takes the next stream of what this thread draws from, in the name of `op`; false + error if it
 * has no generator. */
bool hone__draw(const char *op, uint64_t *seed, uint64_t *stream);

/** What this thread draws comes from `generator`, an option of the caller's, until the next call;
 * NULL: from the one it uses. Gives what was set before, to set again. */
hone_generator *hone__draw_from(hone_generator *generator);

#endif
