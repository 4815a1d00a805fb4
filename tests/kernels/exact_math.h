/* exact_math.h: the functions of an element in long double: on x86 with 64 bits, on ARM with
 * 113. */
#ifndef TESTS_EXACT_MATH_H
#define TESTS_EXACT_MATH_H

#include "isa/isa.h"

#include <math.h>

static inline long double exact_sigmoid(long double x)
{
    return 1 / (1 + expl(-x));
}
static inline long double exact_rsqrt(long double x)
{
    return 1 / sqrtl(x);
}
/* erfc magnifies its argument's error by 2 z^2: what the rounding of z = -x sqrt(1/2) lost is made
 * good with its derivative. */
static inline long double exact_gelu(long double x)
{
    const long double root = sqrtl(0.5L), root_low = fmal(-root, root, 0.5L) / (2 * root);
    if (isinf(x))
        return x < 0 ? -0.0L : x;
    const long double z = -x * root, rest = fmal(-x, root, -z) - x * root_low;
    const long double slope = -2 / sqrtl(acosl(-1)) * expl(-z * z);
    return 0.5L * x * (erfcl(z) + slope * rest);
}
static inline long double exact_gelu_tanh(long double x)
{
    const long double k = 2 * sqrtl(2 / acosl(-1));
    return isinf(x) && x < 0 ? -0.0L : x / (1 + expl(-k * (x + 0.044715L * x * x * x)));
}
static inline long double exact_silu(long double x)
{
    return isinf(x) && x < 0 ? -0.0L : x / (1 + expl(-x));
}
static inline long double exact_softplus(long double x)
{
    return isnan(x) ? x : (x > 0 ? x : 0) + log1pl(expl(-fabsl(x)));
}

static inline long double exact_pow_3(long double x)
{
    return powl(x, 3);
}
static inline long double exact_pow_4(long double x)
{
    return powl(x, 4);
}
static inline long double exact_pow_minus_2(long double x)
{
    return powl(x, -2);
}
static inline long double exact_pow_half(long double x)
{
    return powl(x, 0.5L);
}
static inline long double exact_pow_3_halves(long double x)
{
    return powl(x, 1.5L);
}
static inline long double exact_pow_minus_half(long double x)
{
    return powl(x, -0.5L);
}

typedef struct {
    const char *name;
    int kind;
    long double (*exact)(long double);
    double low, high; /* where most samples are taken, the others are any bits */
    double bound_f32, bound_f64;
} exact_function;

static const exact_function exact_functions[] = {
    { "exp", HONE__K_EXP, expl, -110, 90, 1, 1 },
    { "log", HONE__K_LOG, logl, 0.4, 3, 1, 1 },
    { "sigmoid", HONE__K_SIGMOID, exact_sigmoid, -30, 30, 2, 2 },
    { "tanh", HONE__K_TANH, tanhl, -10, 10, 2, 2 },
    { "log1p", HONE__K_LOG1P, log1pl, -1, 3, 2, 2 },
    { "expm1", HONE__K_EXPM1, expm1l, -40, 90, 2, 2 },
    { "sqrt", HONE__K_SQRT, sqrtl, 0, 10, 0.5, 0.5 },
    { "rsqrt", HONE__K_RSQRT, exact_rsqrt, 0, 10, 2, 2 },
    { "sin", HONE__K_SIN, sinl, -100, 100, 2, 2 },
    { "cos", HONE__K_COS, cosl, -100, 100, 2, 2 },
    { "tan", HONE__K_TAN, tanl, -100, 100, 2, 2 },
    { "erf", HONE__K_ERF, erfl, -5, 5, 2, 2 },
    { "gelu", HONE__K_GELU, exact_gelu, -15, 10, 4, 4 },
    { "gelu_tanh", HONE__K_GELU_TANH, exact_gelu_tanh, -12, 10, 4, 4 },
    { "silu", HONE__K_SILU, exact_silu, -110, 30, 4, 4 },
    { "softplus", HONE__K_SOFTPLUS, exact_softplus, -105, 30, 4, 4 },
    { "pow_3", HONE__K_POW_3, exact_pow_3, -8, 8, 2, 2 },
    { "pow_4", HONE__K_POW_4, exact_pow_4, 1, 2, 2, 2 },
    { "pow_minus_2", HONE__K_POW_MINUS_2, exact_pow_minus_2, 1, 2, 2, 2 },
    { "pow_half", HONE__K_POW_HALF, exact_pow_half, 0, 10, 0.5, 0.5 },
    { "pow_3_halves", HONE__K_POW_3_HALVES, exact_pow_3_halves, 0, 10, 2, 2 },
    { "pow_minus_half", HONE__K_POW_MINUS_HALF, exact_pow_minus_half, 0, 10, 2, 2 },
};
enum { N_EXACT = sizeof exact_functions / sizeof *exact_functions };

#endif
