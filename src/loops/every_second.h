/* every_second.h: what convolutions of stride 2 see of a row. */
#ifndef HONE_LOOPS_EVERY_SECOND_H
#define HONE_LOOPS_EVERY_SECOND_H

#include <stdint.h>
#include <string.h>

typedef float hone__four __attribute__((vector_size(16)));

#define HONE__OF_PAIRS(a, b, i) __builtin_shufflevector(a, b, (i), 2 + (i), 4 + (i), 6 + (i))

/** to[i] = from[2 i] for i < n, four at a time. Elements are only moved, and none behind the last one is read. */
static inline void hone__every_second(int64_t n, float *restrict to, const float *restrict from)
{
    enum { SOME = 4 };
    hone__four a, b;
    int64_t i = 0;
    for (; i + SOME < n; i += SOME) { /* the last pair may end with the row */
        memcpy(&a, from + 2 * i, sizeof a);
        memcpy(&b, from + 2 * i + SOME, sizeof b);
        a = HONE__OF_PAIRS(a, b, 0);
        memcpy(to + i, &a, sizeof a);
    }
    if (i > 0) { /* the last four: each the second of a pair */
        i = n - SOME;
        memcpy(&a, from + 2 * i - 1, sizeof a);
        memcpy(&b, from + 2 * i - 1 + SOME, sizeof b);
        a = HONE__OF_PAIRS(a, b, 1);
        memcpy(to + i, &a, sizeof a);
        return;
    }
    for (; i < n; i++)
        to[i] = from[2 * i];
}

#endif
