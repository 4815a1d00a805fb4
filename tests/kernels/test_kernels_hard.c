/* Hard inputs of the f64 functions and of pow; test_slow_kernels_hard.c runs more of them. */
#define INPUTS 200000
#include "hard_math.h"
