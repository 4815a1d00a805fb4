/* machine.h: the machine and the environment, for tests of threads. */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include "support.h"

#include <hone/runtime.h>

#include <stdlib.h>

/** As if nobody had set a number of threads; before the first call of hone. */
static inline void test_clear_environment(void)
{
    unsetenv("HONE_NUM_THREADS");
    unsetenv("HONE_FORCE_THREADS");
    unsetenv("OMP_NUM_THREADS");
}

/** CPUs that this process may run on. */
static inline int test_cpus(void)
{
    hone_machine machine;
    CHECK_OK(hone_machine_get(&machine));
    return machine.affinity_cpus;
}

#endif
