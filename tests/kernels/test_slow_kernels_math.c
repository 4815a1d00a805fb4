/* The f32 functions over all 2^32 inputs, against the C library's double. HONE_TEST_STEP=n looks at
 * every n-th input only. */
#include "guard.h"

#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
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

static const struct {
    const char *name;
    int kind;
    double (*exact)(double);
    double bound;
} functions[] = {
    { "exp", HONE__K_EXP, exp, 1 },
    { "log", HONE__K_LOG, log, 1 },
    { "sigmoid", HONE__K_SIGMOID, sigmoid_exact, 2 },
    { "tanh", HONE__K_TANH, tanh, 2 },
    { "log1p", HONE__K_LOG1P, log1p, 2 },
    { "expm1", HONE__K_EXPM1, expm1, 2 },
    { "rsqrt", HONE__K_RSQRT, rsqrt_exact, 2 },
    { "sin", HONE__K_SIN, sin, 2 },
    { "cos", HONE__K_COS, cos, 2 },
    { "tan", HONE__K_TAN, tan, 2 },
    { "erf", HONE__K_ERF, erf, 2 },
    { "gelu", HONE__K_GELU, gelu_exact, 4 },
    { "gelu_tanh", HONE__K_GELU_TANH, gelu_tanh_exact, 4 },
    { "silu", HONE__K_SILU, silu_exact, 4 },
    { "softplus", HONE__K_SOFTPLUS, softplus_exact, 4 },
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions, CHUNK = 4096 };

static double ulp(float y, double exact)
{
    if ((float)exact == y || (exact != exact && y != y))
        return 0;
    if (isnan(exact) || isnan(y) || isinf(y))
        return INFINITY;
    int exponent;
    frexp(exact, &exponent);
    return fabs((double)y - exact) * ldexp(1, 24 - (exponent < -125 ? -125 : exponent));
}

/* The worst of the chunk that starts at `first`; its input goes to *at. */
static double worst_of(int f, uint64_t first, uint64_t step, float *at)
{
    float x[CHUNK], y[CHUNK];
    for (uint64_t i = 0; i < CHUNK; i++) {
        const uint32_t bits = (uint32_t)(first + i * step);
        memcpy(x + i, &bits, sizeof bits);
    }
    hone__isa_best()->unary[functions[f].kind][HONE__F32](CHUNK, y, 1, x, 1);
    double worst = 0;
    for (int i = 0; i < CHUNK; i++) {
        const double error = ulp(y[i], functions[f].exact((double)x[i]));
        if (error > worst) {
            worst = error;
            *at = x[i];
        }
    }
    return worst;
}

static void check(int f)
{
    const char *env = getenv("HONE_TEST_STEP");
    const uint64_t step = env ? strtoull(env, NULL, 10) : 1, all = UINT64_C(1) << 32;
    double worst = 0;
    float at = 0;
#pragma omp parallel for schedule(dynamic, 64)
    for (uint64_t first = 0; first < all; first += CHUNK * step) {
        float here = 0;
        const double error = worst_of(f, first, step, &here);
#pragma omp critical
        if (error > worst) {
            worst = error;
            at = here;
        }
    }
    printf("%s: %.3f ulp at %a\n", functions[f].name, worst, (double)at);
    cr_assert_leq(worst, functions[f].bound, "%s(%a): %f ulp", functions[f].name, (double)at,
                  worst);
}

Test(slow_kernels_math, every_float)
{
    for (int f = 0; f < N_FUNCTIONS; f++)
        check(f);
}
