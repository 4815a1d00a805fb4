/* trial.c: see trial.h. */
#include "runtime/trial.h"
#include "core/core.h"
#include "runtime/lock.h"
#include "runtime/stalls.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WAIT_MS = 200 };

typedef struct {
    pthread_t thread;
    atomic_int id; /* the kernel's */
} candidate;

/* HONE__LOCK_TRIAL is the gate: held until all are there. */
static void *wait_at_the_gate(void *user)
{
    candidate *c = user;
    atomic_store(&c->id, (int)syscall(SYS_gettid));
    hone__lock(HONE__LOCK_TRIAL);
    hone__unlock(HONE__LOCK_TRIAL);
    return NULL;
}

/* A thread that is joined counts against the limits a little longer, until the kernel doesn't know
 * it any more. */
static void wait_until_gone(int id, int64_t deadline)
{
    while (syscall(SYS_tgkill, getpid(), id, 0) == 0 && hone__now_ns() < deadline)
        sched_yield();
}

int hone__trial_threads(int n, size_t stack_bytes)
{
    candidate *all = calloc((size_t)n, sizeof *all);
    pthread_attr_t attributes;
    if (!all || pthread_attr_init(&attributes) != 0) {
        free(all);
        return 0;
    }
    /* A signal of the program's must not be handled by one of these. */
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int made = 0;
    hone__lock(HONE__LOCK_TRIAL);
    /* What is no size for a stack fails in the runtime, too, which then takes its default. */
    if (stack_bytes > 0)
        (void)pthread_attr_setstacksize(&attributes, stack_bytes);
    for (bool ok = true; ok && made < n; made += ok)
        ok = pthread_create(&all[made].thread, &attributes, wait_at_the_gate, &all[made]) == 0;
    hone__unlock(HONE__LOCK_TRIAL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (int i = 0; i < made; i++)
        pthread_join(all[i].thread, NULL);
    const int64_t deadline = hone__now_ns() + WAIT_MS * (int64_t)1000000;
    for (int i = 0; i < made; i++)
        wait_until_gone(atomic_load(&all[i].id), deadline);
    pthread_attr_destroy(&attributes);
    free(all);
    return made;
}
