/* The team as it really is: for team.sh, which sets the environment.
 *
 *      team          "2 threads of 2, masks 1 2, all CPUs": threads that run a region, as hone says,
 *                    CPUs in the masks of its first and last thread, the reason
 *      team pinned   the same, with the program's first thread bound to its first CPU while another
 *                    thread may run anywhere
 *      team late     the same, bound after hone_init
 */
#include "runtime/parallel.h"

#include <hone/hone.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 64 };

typedef struct {
    atomic_int ids[MOST];
    int cpus[MOST];
} crew;

static int own_cpus(void)
{
    cpu_set_t mask;
    CPU_ZERO(&mask);
    return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : -1;
}

static void note(void *ctx, int thread, int n_threads)
{
    crew *c = ctx;
    (void)n_threads;
    if (thread >= MOST)
        return;
    atomic_store(&c->ids[thread], (int)gettid());
    c->cpus[thread] = own_cpus();
}

static int distinct(crew *c)
{
    int n = 0;
    for (int i = 0; i < MOST; i++) {
        bool first = atomic_load(&c->ids[i]) != 0;
        for (int j = 0; j < i; j++)
            first = first && atomic_load(&c->ids[j]) != atomic_load(&c->ids[i]);
        n += first;
    }
    return n;
}

static void bind_to_first_cpu(void)
{
    cpu_set_t mask, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof mask, &mask) != 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &mask))
            CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
}

static void *wait_here(void *unused)
{
    (void)unused;
    pause();
    return NULL;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    pthread_t other;
    if (strcmp(how, "pinned") == 0) {
        if (pthread_create(&other, NULL, wait_here, NULL) != 0)
            return 1;
        bind_to_first_cpu();
    }
    hone_machine machine;
    static crew c;
    if (hone_init() != HONE_OK) {
        fprintf(stderr, "%s\n", hone_error_message());
        return 1;
    }
    if (strcmp(how, "late") == 0)
        bind_to_first_cpu();
    hone__parallel_team(MOST, note, &c);
    if (hone_machine_get(&machine) != HONE_OK)
        return 1;
    const int n = distinct(&c);
    printf("%d threads of %d, masks %d %d, %s\n", n, machine.threads, c.cpus[0],
           c.cpus[n > 0 ? n - 1 : 0], machine.threads_reason);
    return 0;
}
