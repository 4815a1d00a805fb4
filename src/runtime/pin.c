/* pin.c: threads bound to cores, if asked for. See pin.h for the rules. */
#include "runtime/pin.h"
#include "core/core.h"
#include "runtime/topology.h"

static bool asked_for; /* this and the next two: written once, by hone_init */
static bool runtime_binds;
static hone__cpus all_cpus; /* that the team may use */
static atomic_bool claimed;
static _Thread_local bool is_owner;
static _Thread_local int bound_as; /* 0: untouched; -1: released; else 1 + its number in the team */

bool hone__pin_init(char *message, size_t size)
{
    long pin = 0;
    if (!hone__env_int("HONE_PIN", 0, 1, &pin, message, size))
        return false;
    runtime_binds = hone__topology_get()->runtime_binds;
    all_cpus = hone__topology_cpus();
    asked_for = pin && !runtime_binds && hone__topology_core_cpu(0) >= 0;
    if (pin && !asked_for)
        hone__debug_print(3, "team: not pinned: %s",
                          runtime_binds ? "OMP_PROC_BIND does it" : "the cores are unknown");
    return true;
}

hone__pin_team hone__pin_team_of_caller(void)
{
    if (__builtin_expect(!asked_for, 1))
        return HONE__UNTOUCHED;
    if (!is_owner && !atomic_load_explicit(&claimed, memory_order_relaxed))
        is_owner = !atomic_exchange(&claimed, true);
    return is_owner ? HONE__PINNED : HONE__RELEASED;
}

/* A program that binds its thread to a core doesn't mean the threads that hone starts from there:
 * all would share that core. */
static void leave_the_callers_core(void)
{
    hone__cpus own;
    if (!runtime_binds && hone__cpus_of_thread(&own) && hone__topology_in_one_core(&own))
        hone__cpus_bind_thread(&all_cpus);
}

void hone__pin_thread(hone__pin_team team, int thread)
{
    const int wanted = team == HONE__PINNED ? 1 + thread : -1;
    if (bound_as == wanted || (team == HONE__UNTOUCHED && thread == 0))
        return;
    bound_as = wanted; /* also if it fails: no further try at each region */
    if (team == HONE__UNTOUCHED) {
        leave_the_callers_core();
        return;
    }
    if (team == HONE__RELEASED) {
        hone__cpus_bind_thread(&all_cpus);
        return;
    }
    const int cpu = hone__topology_core_cpu(thread);
    hone__cpus one = { { 0 } };
    hone__cpus_add(&one, cpu);
    const bool done = hone__cpus_bind_thread(&one);
    hone__debug_print(3, "team: thread %d %s CPU %d", thread, done ? "runs on" : "can't run on",
                      cpu);
}

/* The kernel moves the thread at once; its mask is as before then. */
void hone__pin_leave_cpu(int cpu)
{
    hone__cpus before;
    if (bound_as > 0 || runtime_binds || !hone__cpus_of_thread(&before))
        return;
    hone__cpus others = before;
    hone__cpus_remove(&others, cpu);
    if (hone__cpus_bind_thread(&others)) /* fails if there is no other */
        hone__cpus_bind_thread(&before);
}

void hone__pin_after_fork(void)
{
    if (bound_as > 0)
        hone__cpus_bind_thread(&all_cpus);
    bound_as = 0;
}
