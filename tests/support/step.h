/* step.h: HONE_TEST_STEP=n has tests that take minutes emulated take one n-th of their cases. */
#ifndef TESTS_STEP_H
#define TESTS_STEP_H

#include <stdlib.h>

/** From case to case; 1 unless HONE_TEST_STEP says otherwise. */
static inline int test_step(void)
{
    const char *asked = getenv("HONE_TEST_STEP");
    const int n = asked ? atoi(asked) : 1;
    return n > 0 ? n : 1;
}

#endif
