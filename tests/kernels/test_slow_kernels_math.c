/* The f32 functions over all 2^32 inputs, against the C library's double: its error, below 2 ulp of
 * a double, is 2^-28 ulp of a float. HONE_TEST_STEP=n looks at every n-th input only. Negative
 * inputs of odd and even functions are compared with the positive ones. */
#include "exact_math.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { PLAIN, ODD, EVEN } symmetry;

typedef struct {
    const exact_function *of;
    symmetry symmetry;
    hone__unary_fn kernel; /* looked up once: that takes longer than a chunk */
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
        const double error = ulp(y[i], f->of->exact_double((double)x[i]));
        if (error > worst) {
            worst = error;
            *at = x[i];
        }
    }
    return worst;
}

/* What the exact function shows at some places, the kernel has to keep everywhere. */
static symmetry symmetry_of(double (*exact)(double))
{
    bool odd = true, even = true;
    for (double x = 0.1; x < 4; x += 0.1) {
        odd = odd && exact(-x) == -exact(x);
        even = even && exact(-x) == exact(x);
    }
    return odd ? ODD : even ? EVEN : PLAIN;
}

static void check(const exact_function *of)
{
    function f = { of, symmetry_of(of->exact_double),
                   hone__isa_best()->unary[of->kind][HONE__F32] };
    const char *env = getenv("HONE_TEST_STEP");
    const uint64_t step = env ? strtoull(env, NULL, 10) : 1;
    const uint64_t all = UINT64_C(1) << (f.symmetry == PLAIN ? 32 : 31);
    double worst = 0;
    float at = 0;
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
    printf("%s: %.3f ulp at %a\n", of->name, worst, (double)at);
    fflush(stdout); /* a test may end without */
    cr_assert_leq(worst, of->bound, "%s(%a): %f ulp", of->name, (double)at, worst);
}

#define UNARY_KERNEL(NAME, name, ...)                                                              \
    Test(slow_kernels_math, every_##name)                                                          \
    {                                                                                              \
        check(&exact_functions[HONE__K_##NAME]);                                                   \
    }
#include "kernels/kernels.def"
