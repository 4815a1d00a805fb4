/* cpus.h: sets of CPUs by the kernel's numbers, as large as the kernel may have them. */
#ifndef HONE_RUNTIME_CPUS_H
#define HONE_RUNTIME_CPUS_H

#include <sched.h>
#include <stdbool.h>

enum { HONE__MAX_CPUS = 4096, HONE__CPU_BITS = 8 * sizeof(unsigned long) };

typedef struct {
    unsigned long bits[HONE__MAX_CPUS / HONE__CPU_BITS];
} hone__cpus;

static inline void hone__cpus_add(hone__cpus *set, int cpu)
{
    if (cpu >= 0 && cpu < HONE__MAX_CPUS)
        set->bits[cpu / HONE__CPU_BITS] |= 1ul << cpu % HONE__CPU_BITS;
}

static inline void hone__cpus_remove(hone__cpus *set, int cpu)
{
    if (cpu >= 0 && cpu < HONE__MAX_CPUS)
        set->bits[cpu / HONE__CPU_BITS] &= ~(1ul << cpu % HONE__CPU_BITS);
}

static inline int hone__cpus_count(const hone__cpus *set)
{
    return CPU_COUNT_S(sizeof *set, (const cpu_set_t *)set);
}

/** The calling thread's mask; false, and an empty set, if the kernel has more CPUs. */
static inline bool hone__cpus_of_thread(hone__cpus *set)
{
    *set = (hone__cpus){ { 0 } };
    return sched_getaffinity(0, sizeof *set, (cpu_set_t *)set) == 0;
}

static inline bool hone__cpus_bind_thread(const hone__cpus *set)
{
    return sched_setaffinity(0, sizeof *set, (const cpu_set_t *)set) == 0;
}

#endif
