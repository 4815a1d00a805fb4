/* shuffle.c: random orders, and the numbers that they and random integers are made of. */
#include "loops/shuffle.h"
#include "isa/isa.h"
#include "runtime/streams.h"

enum { CHUNK = 256 };

void hone__random_u64(int64_t n, uint64_t *out, uint64_t seed, uint64_t stream, uint64_t first)
{
    uint32_t words[2 * CHUNK];
    for (int64_t begin = 0; begin < n; begin += CHUNK) {
        const int64_t count = n - begin < CHUNK ? n - begin : CHUNK;
        hone__k->random_u32(2 * count, words, seed, stream, 2 * (first + (uint64_t)begin));
        for (int64_t i = 0; i < count; i++)
            out[begin + i] = (uint64_t)words[2 * i + 1] << 32 | words[2 * i];
    }
}

/* From the end; step i takes the stream's i-th number. */
void hone__shuffle(int64_t n, int64_t *order, uint64_t seed, uint64_t stream)
{
    uint64_t numbers[CHUNK];
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = n - 1, step = 0; i > 0; i--, step++) {
        if (step % CHUNK == 0)
            hone__random_u64(CHUNK, numbers, seed, stream, (uint64_t)step);
        const int64_t other = (int64_t)hone__below(numbers[step % CHUNK], (uint64_t)i + 1);
        const int64_t value = order[i];
        order[i] = order[other];
        order[other] = value;
    }
}
