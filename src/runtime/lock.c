/* lock.c: see lock.h. */
#include "runtime/lock.h"

#include <pthread.h>

static struct {
    _Alignas(64) pthread_mutex_t mutex; /* a line each */
} locks[HONE__LOCKS] = { [0 ... HONE__LOCKS - 1] = { PTHREAD_MUTEX_INITIALIZER } };

void hone__lock(hone__lock_id lock)
{
    pthread_mutex_lock(&locks[lock].mutex);
}

bool hone__lock_try(hone__lock_id lock)
{
    return pthread_mutex_trylock(&locks[lock].mutex) == 0;
}

void hone__unlock(hone__lock_id lock)
{
    pthread_mutex_unlock(&locks[lock].mutex);
}

static void before_fork(void)
{
    for (int lock = 0; lock < HONE__LOCKS; lock++)
        hone__lock((hone__lock_id)lock);
}

static void after_fork(void)
{
    for (int lock = HONE__LOCKS - 1; lock >= 0; lock--)
        hone__unlock((hone__lock_id)lock);
}

__attribute__((constructor)) static void watch_fork(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}
