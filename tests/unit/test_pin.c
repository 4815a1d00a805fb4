#include "support.h"

#include "runtime/parallel.h"
#include "runtime/pin.h"

#include <hone/runtime.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

SUITE(pin);

enum { TEAM = 3 };

typedef struct {
    cpu_set_t mask[TEAM];
} masks;

static void note_mask(void *ctx, int thread, int n_threads)
{
    (void)n_threads;
    masks *m = ctx;
    sched_getaffinity(0, sizeof m->mask[thread], &m->mask[thread]);
}

static cpu_set_t own_mask(void)
{
    cpu_set_t mask;
    CPU_ZERO(&mask);
    sched_getaffinity(0, sizeof mask, &mask);
    return mask;
}

static void init(const char *pin)
{
    unsetenv("HWLOC_SYNTHETIC");
    setenv("HONE_FORCE_THREADS", "3", 1);
    setenv("HONE_PIN", pin, 1);
    CHECK_OK(hone_init());
}

static void *run_team(void *m)
{
    memset(m, 0, sizeof(masks));
    hone__parallel_team(TEAM, note_mask, m);
    return NULL;
}

/* Two threads of a team that meet on one CPU: one leaves it, and may still run anywhere. */
Test(pin, a_thread_leaves_a_cpu)
{
    const cpu_set_t before = own_mask();
    cpu_set_t one, after;
    init("0");
    const int cpu = sched_getcpu();
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    cr_assert(sched_setaffinity(0, sizeof one, &one) == 0);
    hone__pin_leave_cpu(cpu); /* there is no other */
    cr_assert(sched_getcpu() == cpu);
    cr_assert(sched_setaffinity(0, sizeof before, &before) == 0);
    if (CPU_COUNT(&before) < 2)
        cr_skip_test("one CPU");
    bool left = false;
    for (int tries = 0; tries < 100 && !left; tries++) { /* the kernel may move it back */
        const int from = sched_getcpu();
        hone__pin_leave_cpu(from);
        left = sched_getcpu() != from;
    }
    cr_assert(left);
    after = own_mask();
    cr_assert(CPU_EQUAL(&before, &after));
}

Test(pin, nothing_is_bound_unless_asked)
{
    const cpu_set_t before = own_mask();
    masks m;
    init("0");
    run_team(&m);
    const cpu_set_t after = own_mask();
    cr_assert(CPU_EQUAL(&before, &after));
    for (int i = 0; i < TEAM; i++)
        cr_assert(CPU_EQUAL(&before, &m.mask[i]));
}

Test(pin, each_thread_has_a_core)
{
    hone_machine machine;
    masks m;
    const cpu_set_t before = own_mask();
    init("1");
    CHECK_OK(hone_machine_get(&machine));
    for (int round = 0; round < 3; round++) {
        run_team(&m);
        for (int i = 0; i < TEAM; i++) {
            cpu_set_t common;
            CPU_AND(&common, &before, &m.mask[i]);
            cr_assert(CPU_COUNT(&m.mask[i]) == 1 && CPU_EQUAL(&common, &m.mask[i]));
        }
        if (machine.affinity_cpus > 1 && machine.cores > 1 &&
            machine.affinity_cpus >= machine.logical_cpus)
            cr_assert(!CPU_EQUAL(&m.mask[0], &m.mask[1]));
    }
}

Test(pin, another_caller_gets_all_cpus)
{
    masks m;
    pthread_t thread;
    const cpu_set_t before = own_mask();
    init("1");
    run_team(&m);
    cr_assert(pthread_create(&thread, NULL, run_team, &m) == 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < TEAM; i++)
        cr_assert(CPU_EQUAL(&before, &m.mask[i]), "thread %d", i);
    const cpu_set_t after = own_mask();
    cr_assert(CPU_COUNT(&after) == 1);
}

Test(pin, a_forked_child_gets_all_cpus)
{
    masks m;
    const cpu_set_t before = own_mask();
    init("1");
    run_team(&m);
    const pid_t child = fork();
    if (child == 0) {
        const cpu_set_t mask = own_mask();
        _exit(CPU_EQUAL(&before, &mask) ? 0 : 1);
    }
    int status = -1;
    cr_assert(waitpid(child, &status, 0) == child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

Test(pin, nonsense)
{
    setenv("HONE_PIN", "yes", 1);
    CHECK_FAILS(hone_init(), HONE_E_CONFIG, "HONE_PIN=yes: a whole number from 0 to 1");
}

Test(pin, a_made_up_machine_pins_nothing)
{
    const cpu_set_t before = own_mask();
    masks m;
    setenv("HWLOC_SYNTHETIC", "NUMANode:2 Core:2 PU:1", 1);
    setenv("HONE_FORCE_THREADS", "3", 1);
    setenv("HONE_PIN", "1", 1);
    CHECK_OK(hone_init());
    run_team(&m);
    for (int i = 0; i < TEAM; i++)
        cr_assert(CPU_EQUAL(&before, &m.mask[i]));
}
