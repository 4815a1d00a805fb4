/* pin.c: threads bound to cores, if asked for. See pin.h for the rules. */
#include "runtime/pin.h"
#include "core/core.h"
#include "runtime/topology.h"

#include <sched.h>

enum { MAX_CPUS = 4096, BITS = 8 * sizeof(unsigned long) };

typedef struct {
    unsigned long bits[MAX_CPUS / BITS];
} mask;

static bool asked_for; /* written once, by hone_init */
static mask all_cpus;  /* of the process, then */
static atomic_bool claimed;
static _Thread_local bool is_owner;
static _Thread_local int bound_as; /* 0: untouched; -1: released; else 1 + its number in the team */

static bool set_mask(const mask *cpus)
{
    return sched_setaffinity(0, sizeof *cpus, (const cpu_set_t *)cpus) == 0;
}

bool hone__pin_init(char *message, size_t size)
{
    long pin = 0;
    if (!hone__env_int("HONE_PIN", 0, 1, &pin, message, size))
        return false;
    asked_for = pin && hone__topology_core_cpu(0) >= 0 &&
                sched_getaffinity(0, sizeof all_cpus, (cpu_set_t *)&all_cpus) == 0;
    if (pin && !asked_for)
        hone__debug_print(3, "team: not pinned: the cores are unknown");
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

void hone__pin_thread(hone__pin_team team, int thread)
{
    const int wanted = team == HONE__PINNED ? 1 + thread : -1;
    if (team == HONE__UNTOUCHED || bound_as == wanted)
        return;
    bound_as = wanted; /* also if it fails: no further try at each region */
    if (team == HONE__RELEASED) {
        set_mask(&all_cpus);
        return;
    }
    const int cpu = hone__topology_core_cpu(thread);
    mask one = { { 0 } };
    one.bits[cpu / BITS] = 1ul << cpu % BITS;
    const bool done = set_mask(&one);
    hone__debug_print(3, "team: thread %d %s CPU %d", thread, done ? "runs on" : "can't run on",
                      cpu);
}

/* The kernel moves the thread at once; its mask is as before then. */
void hone__pin_leave_cpu(int cpu)
{
    mask before = { { 0 } };
    if (bound_as > 0 || cpu < 0 || cpu >= MAX_CPUS ||
        sched_getaffinity(0, sizeof before, (cpu_set_t *)&before) != 0)
        return;
    mask others = before;
    others.bits[cpu / BITS] &= ~(1ul << cpu % BITS);
    if (set_mask(&others)) /* fails if there is no other */
        set_mask(&before);
}

void hone__pin_after_fork(void)
{
    if (bound_as > 0)
        set_mask(&all_cpus);
    bound_as = 0;
}
