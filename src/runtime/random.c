/* random.c: the default generator: a seed and a count of the streams taken from it. */
#include "core/core.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* seed and stream change together */
static uint64_t current_seed, next_stream;

/* A forked child must find the lock free. */
static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void watch_fork(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

void hone_seed(uint64_t seed)
{
    pthread_mutex_lock(&lock);
    current_seed = seed;
    next_stream = 0;
    pthread_mutex_unlock(&lock);
}

void hone_next_stream(uint64_t *seed, uint64_t *stream)
{
    pthread_mutex_lock(&lock);
    const uint64_t s = current_seed, n = next_stream++;
    pthread_mutex_unlock(&lock);
    if (seed)
        *seed = s;
    if (stream)
        *stream = n;
}
