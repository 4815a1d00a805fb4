/* shuffle.h: random orders, and the numbers that they and random integers are made of. */
#ifndef HONE_LOOPS_SHUFFLE_H
#define HONE_LOOPS_SHUFFLE_H

#include <stdint.h>

/** Numbers first..first+n-1 of a stream, 64 bits each: number i is its words 2i and 2i + 1. */
void hone__random_u64(int64_t n, uint64_t *out, uint64_t seed, uint64_t stream, uint64_t first);

/** 0..n-1 in the stream's order (Fisher and Yates's shuffle). */
void hone__shuffle(int64_t n, int64_t *order, uint64_t seed, uint64_t stream);

#endif
