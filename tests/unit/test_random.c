#include "support.h"

#include <hone/runtime.h>

#include <pthread.h>
#include <stdlib.h>

SUITE(random);

Test(random, seed_starts_the_streams_again)
{
    uint64_t seed, stream;
    hone_seed(42);
    for (uint64_t i = 0; i < 3; i++) {
        hone_next_stream(&seed, &stream);
        cr_assert(seed == 42 && stream == i);
    }
    hone_seed(7);
    hone_next_stream(&seed, &stream);
    cr_assert(seed == 7 && stream == 0);
    hone_next_stream(NULL, NULL);
    hone_next_stream(NULL, &stream);
    cr_assert(stream == 2);
}

enum { THREADS = 4, EACH = 1000 };

static void *take(void *streams)
{
    uint64_t seed;
    for (int i = 0; i < EACH; i++)
        hone_next_stream(&seed, (uint64_t *)streams + i);
    return NULL;
}

Test(random, no_stream_is_taken_twice)
{
    static uint64_t streams[THREADS][EACH];
    static bool taken[THREADS * EACH];
    pthread_t threads[THREADS];
    hone_seed(0);
    for (int i = 0; i < THREADS; i++)
        cr_assert(pthread_create(&threads[i], NULL, take, streams[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < EACH; j++) {
            cr_assert(streams[i][j] < THREADS * EACH && !taken[streams[i][j]]);
            taken[streams[i][j]] = true;
        }
}
