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

/* The handlers may be there twice; handlers before a fork run in the reverse of the order in which
 * they came. */
static _Thread_local int forking;

static void before_fork(void)
{
    if (forking++ > 0)
        return;
    for (int lock = 0; lock < HONE__LOCKS; lock++)
        hone__lock((hone__lock_id)lock);
}

static void after_fork(void)
{
    if (--forking > 0)
        return;
    for (int lock = HONE__LOCKS - 1; lock >= 0; lock--)
        hone__unlock((hone__lock_id)lock);
}

void hone__lock_at_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

__attribute__((constructor)) static void watch_from_the_start(void)
{
    hone__lock_at_forks();
}
