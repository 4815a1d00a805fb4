/* The f32 functions over all 2^32 inputs, against the C library's double: its error, below 2 ulp of
 * a double, is 2^-28 ulp of a float. HONE_TEST_STEP=n looks at every n-th input only. Negative
 * inputs of odd and even functions are compared with the positive ones. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double sigmoid_exact(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}
static double rsqrt_exact(double x)
{
    return 1 / sqrt(x);
}
static double gelu_exact(double x)
{
    return x < -1e3 ? -0.0 : x * (0.5 * erfc(-x * 0.70710678118654752440));
}
static double gelu_tanh_exact(double x)
{
    return x < -1e3 ? -0.0 : x / (1 + exp(-1.5957691216057307117 * (x + 0.044715 * x * x * x)));
}
static double silu_exact(double x)
{
    return x < -1e3 ? -0.0 : x / (1 + exp(-x));
}
static double softplus_exact(double x)
{
    return isnan(x) ? x : (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

#define POWER(name, s)                                                                             \
    static double name(double x)                                                                   \
    {                                                                                              \
        return pow(x, s);                                                                          \
    }
POWER(pow_3_exact, 3)
POWER(pow_4_exact, 4)
POWER(pow_minus_2_exact, -2)
POWER(pow_half_exact, 0.5)
POWER(pow_3_halves_exact, 1.5)
POWER(pow_minus_half_exact, -0.5)

typedef enum { PLAIN, ODD, EVEN } symmetry;

typedef struct {
    const char *name;
    int kind;
    double (*exact)(double);
    double bound;
    symmetry symmetry;
    hone__unary_fn kernel; /* check sets it: looking for the best ISA takes longer than a chunk */
} function;

enum { CHUNK = 4096 };

/* The error of y in ulps; 0 if y is what `exact` rounds to. */
static inline double ulp(float y, double exact)
{
    if ((float)exact == y || (exact != exact && y != y))
        return 0;
    if (isnan(exact) || isnan(y) || isinf(y))
        return INFINITY;
    uint64_t bits;
    memcpy(&bits, &exact, sizeof bits);
    const uint64_t biased = bits >> 52 & 0x7ff, least = 1023 - 126;
    const uint64_t per_ulp = (uint64_t)(2 * 1023 + 23 - (biased < least ? least : biased)) << 52;
    double scale; /* 2^(23 - exponent) */
    memcpy(&scale, &per_ulp, sizeof scale);
    return fabs((double)y - exact) * scale;
}

static void inputs(float *x, uint64_t first, uint64_t step, uint32_t sign)
{
    for (uint64_t i = 0; i < CHUNK; i++) {
        const uint32_t bits = (uint32_t)(first + i * step) ^ sign;
        memcpy(x + i, &bits, sizeof bits);
    }
}

/* Whether y, at the negated inputs, is what the symmetry asks for. */
static bool mirrored(const function *f, const float *x, const float *y)
{
    float other[CHUNK], negated[CHUNK];
    for (int i = 0; i < CHUNK; i++)
        negated[i] = -x[i];
    f->kernel(CHUNK, other, 1, negated, 1);
    bool same = true;
    for (int i = 0; i < CHUNK; i++) {
        const float want = f->symmetry == ODD ? -y[i] : y[i];
        same = same && test_same(HONE__F32, other + i, &want);
    }
    return same;
}

/* The worst of the chunk that starts at `first`; its input goes to *at. */
static double worst_of(const function *f, uint64_t first, uint64_t step, float *at)
{
    float x[CHUNK], y[CHUNK];
    inputs(x, first, step, 0);
    f->kernel(CHUNK, y, 1, x, 1);
    double worst = 0;
    *at = x[0];
    if (f->symmetry != PLAIN && !mirrored(f, x, y))
        return INFINITY;
    for (int i = 0; i < CHUNK; i++) {
        const double error = ulp(y[i], f->exact((double)x[i]));
        if (error > worst) {
            worst = error;
            *at = x[i];
        }
    }
    return worst;
}

static void check(function f)
{
    const char *env = getenv("HONE_TEST_STEP");
    const uint64_t step = env ? strtoull(env, NULL, 10) : 1;
    const uint64_t all = UINT64_C(1) << (f.symmetry == PLAIN ? 32 : 31);
    double worst = 0;
    float at = 0;
    f.kernel = hone__isa_best()->unary[f.kind][HONE__F32];
#pragma omp parallel for schedule(dynamic, 64)
    for (uint64_t first = 0; first < all; first += CHUNK * step) {
        float here = 0;
        const double error = worst_of(&f, first, step, &here);
#pragma omp critical
        if (error > worst) {
            worst = error;
            at = here;
        }
    }
    printf("%s: %.3f ulp at %a\n", f.name, worst, (double)at);
    fflush(stdout); /* a test may end without */
    cr_assert_leq(worst, f.bound, "%s(%a): %f ulp", f.name, (double)at, worst);
}

#define EVERY_FLOAT(name, kind, exact, bound, symmetry)                                            \
    Test(slow_kernels_math, name)                                                                  \
    {                                                                                              \
        check((function){ #name, kind, exact, bound, symmetry });                                  \
    }

EVERY_FLOAT(every_exp, HONE__K_EXP, exp, 1, PLAIN)
EVERY_FLOAT(every_log, HONE__K_LOG, log, 1, PLAIN)
EVERY_FLOAT(every_sigmoid, HONE__K_SIGMOID, sigmoid_exact, 2, PLAIN)
EVERY_FLOAT(every_tanh, HONE__K_TANH, tanh, 2, ODD)
EVERY_FLOAT(every_log1p, HONE__K_LOG1P, log1p, 2, PLAIN)
EVERY_FLOAT(every_expm1, HONE__K_EXPM1, expm1, 2, PLAIN)
EVERY_FLOAT(every_sqrt, HONE__K_SQRT, sqrt, 0.5, PLAIN)
EVERY_FLOAT(every_rsqrt, HONE__K_RSQRT, rsqrt_exact, 2, PLAIN)
EVERY_FLOAT(every_sin, HONE__K_SIN, sin, 2, ODD)
EVERY_FLOAT(every_cos, HONE__K_COS, cos, 2, EVEN)
EVERY_FLOAT(every_tan, HONE__K_TAN, tan, 2, ODD)
EVERY_FLOAT(every_erf, HONE__K_ERF, erf, 2, ODD)
EVERY_FLOAT(every_gelu, HONE__K_GELU, gelu_exact, 4, PLAIN)
EVERY_FLOAT(every_gelu_tanh, HONE__K_GELU_TANH, gelu_tanh_exact, 4, PLAIN)
EVERY_FLOAT(every_silu, HONE__K_SILU, silu_exact, 4, PLAIN)
EVERY_FLOAT(every_softplus, HONE__K_SOFTPLUS, softplus_exact, 4, PLAIN)
EVERY_FLOAT(every_pow_3, HONE__K_POW_3, pow_3_exact, 2, ODD)
EVERY_FLOAT(every_pow_4, HONE__K_POW_4, pow_4_exact, 2, EVEN)
EVERY_FLOAT(every_pow_minus_2, HONE__K_POW_MINUS_2, pow_minus_2_exact, 2, EVEN)
EVERY_FLOAT(every_pow_half, HONE__K_POW_HALF, pow_half_exact, 0.5, PLAIN)
EVERY_FLOAT(every_pow_3_halves, HONE__K_POW_3_HALVES, pow_3_halves_exact, 2, PLAIN)
EVERY_FLOAT(every_pow_minus_half, HONE__K_POW_MINUS_HALF, pow_minus_half_exact, 2, PLAIN)
