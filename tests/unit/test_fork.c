/* A fork in one thread while another one is anywhere inside hone: the child works. */
#include "support.h"

#include <hone/autograd.h>
#include <hone/ops.h>
#include <hone/runtime.h>

#include <dlfcn.h>
#include <hwloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

SUITE(fork);

/* Of every kind of memory and lock: random numbers, large and small blocks, a leaf's gradient, what
 * pools give back. */
static bool works(void)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_ones(HONE_F32, 300, 200), true);
    if (hone_backward(hone_sum(hone_mul_scalar(x, 3))) != HONE_OK)
        return false;
    const bool right = hone_item(hone_sum(hone_grad(x))) == 3.0 * 300 * 200;
    hone_memory_trim();
    return right && hone_item(hone_sum(hone_ones(HONE_F32, 1000, 300))) == 300000;
}

/* A status to exit with. */
static int work_in_child(void)
{
    alarm(30); /* instead of hanging */
    return works() ? 0 : 1;
}

static bool ended_well(pid_t child)
{
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* ---- the first call, held inside hwloc ------------------------------------------------------ */

static sem_t inside, go_on, forked;
static atomic_bool hold;

/* In place of hwloc's own, which it calls. */
int hwloc_topology_load(hwloc_topology_t topology)
{
    int (*load)(hwloc_topology_t);
    void *found = dlsym(RTLD_NEXT, "hwloc_topology_load");
    memcpy(&load, &found, sizeof load);
    if (atomic_exchange(&hold, false)) {
        sem_post(&inside);
        sem_wait(&go_on);
    }
    return load(topology);
}

static void *use(void *result)
{
    *(bool *)result = works();
    return NULL;
}

static void *fork_and_use(void *result)
{
    const pid_t child = fork();
    if (child == 0)
        _exit(work_in_child());
    sem_post(&forked);
    *(bool *)result = ended_well(child);
    return NULL;
}

/* The fork waits for the first call's end: a child of the middle could finish neither hone's nor
 * hwloc's part of it. */
Test(fork, while_the_first_call_reads_the_machine)
{
    pthread_t user, forker;
    bool user_worked = false, child_worked = false;
    sem_init(&inside, 0, 0);
    sem_init(&go_on, 0, 0);
    sem_init(&forked, 0, 0);
    atomic_store(&hold, true);
    cr_assert(pthread_create(&user, NULL, use, &user_worked) == 0);
    sem_wait(&inside);
    cr_assert(pthread_create(&forker, NULL, fork_and_use, &child_worked) == 0);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 1;
    const bool early = sem_timedwait(&forked, &soon) == 0;
    sem_post(&go_on);
    pthread_join(user, NULL);
    pthread_join(forker, NULL);
    cr_assert(!early, "the fork did not wait");
    cr_assert(user_worked && child_worked);
}

/* ---- the first call, anywhere --------------------------------------------------------------- */

/* In a process that has not used hone: a status to exit with. */
static int fork_after(int64_t delay_ns)
{
    pthread_t user;
    bool user_worked = false, child_worked = false;
    struct timespec delay = { .tv_nsec = delay_ns };
    if (pthread_create(&user, NULL, use, &user_worked) != 0)
        return 1;
    nanosleep(&delay, NULL);
    fork_and_use(&child_worked);
    pthread_join(user, NULL);
    return user_worked && child_worked ? 0 : 1;
}

Test(fork, at_any_time_of_the_first_call)
{
    for (int i = 0; i < 60; i++) {
        const pid_t child = fork();
        if (child == 0)
            _exit(fork_after(i * 500000LL));
        cr_expect(ended_well(child), "a fork after %.1f ms", i * 0.5);
    }
}

/* ---- later ---------------------------------------------------------------------------------- */

static atomic_bool enough;

static void *work_until_told(void *failed)
{
    while (!atomic_load(&enough))
        *(bool *)failed |= !works();
    return NULL;
}

Test(fork, while_other_threads_work)
{
    enum { N = 3 };
    pthread_t threads[N];
    bool failed[N] = { false };
    for (int i = 0; i < N; i++)
        cr_assert(pthread_create(&threads[i], NULL, work_until_told, &failed[i]) == 0);
    for (int i = 0; i < 40; i++) {
        const pid_t child = fork();
        if (child == 0)
            _exit(work_in_child());
        cr_expect(ended_well(child), "fork %d", i);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        cr_expect(!failed[i]);
    }
}
