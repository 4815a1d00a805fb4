/* every_second.h: what convolutions of stride 2 see of a row. */
#ifndef HONE_LOOPS_EVERY_SECOND_H
#define HONE_LOOPS_EVERY_SECOND_H

#include <stdint.h>
#include <string.h>

/** to[i] = from[2 i] for i < n. Elements are only moved; sixteen at a time are shuffled by vectors. */
static inline void hone__every_second(int64_t n, float *restrict to, const float *restrict from)
{
    enum { SOME = 16 };
    int64_t i = 0;
    for (; i + SOME < n; i += SOME) { /* the last pair may end with the row */
        float pairs[2 * SOME];
        memcpy(pairs, from + 2 * i, sizeof pairs);
        for (int k = 0; k < SOME; k++)
            to[i + k] = pairs[2 * k];
    }
    for (; i < n; i++)
        to[i] = from[2 * i];
}

#endif
