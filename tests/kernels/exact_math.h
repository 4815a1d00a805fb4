/* exact_math.h: the cases of the unary kernels, a row of kernels.def each: the functions in long
 * double (on x86 with 64 bits, on ARM with 113) and in double, and which arguments to take. */
#ifndef TESTS_EXACT_MATH_H
#define TESTS_EXACT_MATH_H

#include "guard.h"
#include "isa/isa.h"

#include <math.h>

#define REAL    long double
#define E(name) exact_##name
#define F(name) name##l
#include "exact_functions.h"
#undef REAL
#undef E
#undef F

#define REAL    double
#define E(name) double_##name
#define F(name) name
#include "exact_functions.h"
#undef REAL
#undef E
#undef F

typedef struct {
    const char *name;
    int kind;
    long double (*exact)(long double);
    double (*exact_double)(double);
    double bound, low, high;
} exact_function;

#define UNARY_KERNEL(NAME, name, dtypes, cost, past, ulp, low, high)                               \
    { #name, HONE__K_##NAME, exact_##name, double_##name, ulp, low, high },
static const exact_function exact_functions[HONE__K_N_UNARY] = {
#include "kernels/kernels.def"
};

/** Argument i: of the usual size, negative, small, or far. */
static inline double exact_argument(const exact_function *f, uint64_t i)
{
    static const double scales[] = { 1, -0.25, 1e-3, 8, 32 };
    return scales[i % 5] * (f->low + (f->high - f->low) * test_uniform(i));
}

#endif
