/* Long runs of hard_math.h. On ARM long double is done in software: HONE_TEST_STEP=100 there. */
#define INPUTS 100000000
#include "hard_math.h"
