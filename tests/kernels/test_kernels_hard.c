/* Hard inputs of the f64 functions and of pow; test_slow_kernels_hard.c runs more of them. */
#if defined(__aarch64__)
#define INPUTS 8192 /* long double is done in software */
#else
#define INPUTS 200000
#endif
#include "hard_math.h"
