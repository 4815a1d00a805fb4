/* hard_math.h: the f64 functions and pow on INPUTS inputs each, random and hard, against long
 * double. The file that includes it defines INPUTS; HONE_TEST_STEP=n takes one n-th of them. */
#include "exact_math.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 4096 };

/* Where functions change their ways, overflow, underflow or round to a constant. */
static const double edges[] = {
    0,
    0x1p-1022,
    0x1p-1074,
    0x1.5bf0a8b145769p-2, /* ln2 / 2 */
    0.25,
    0.5,
    0.625,
    0.70710678118654752,
    0.75,
    0.92,
    1,
    1.4142135623730951,
    2,
    5.93,
    6,
    9,
    10,
    11,
    12,
    14.75,
    20,
    22,
    36,
    36.7368005696771,
    37.5,
    38.6,
    39,
    40,
    44,
    60,
    80,
    690,
    708,
    708.39641853,
    709.78271289338397,
    710,
    744.44007192,
    745.13321910194122,
    746,
    760,
    800,
    0x1p30,
    0x1p52,
    0x1p53,
    0x1p1023,
    0x1.fffffffffffffp1023,
};

/* The doubles nearest to a multiple of pi/2, found with continued fractions of 2^e 2/pi. */
static const double near_quarters[] = {
    0x1.6ac5b262ca1ffp+849, 0x1.6c6cbc45dc8dep+5,   0x1.6ac5b262ca1ffp+850, 0x1.6c6cbc45dc8dep+6,
    0x1.b951f1572eba5p+23,  0x1.504cac51f1eafp+131, 0x1.6ac5b262ca1ffp+851, 0x1.e009c53148be1p+991,
    0x1.6c6cbc45dc8dep+7,   0x1.4c96c11134d36p+577, 0x1.cfe482285f8edp+860, 0x1.db41f3cb71d7bp+680,
    0x1.e7e44a78ac18cp+197, 0x1.b951f1572eba5p+24,  0x1.c45cd11154dfdp+295, 0x1.504cac51f1eafp+132,
    0x1.83009e2e9e2ebp+614, 0x1.b2196364d750bp+253, 0x1.b951f1572eba5p+25,  0x1.b951f1572eba5p+27,
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* x moved by up to 2^10 ulps, or up to 2^40 of them, with either sign */
static double moved(double x, uint64_t bits)
{
    uint64_t i;
    memcpy(&i, &x, sizeof i);
    i += (bits >> 20) & ((UINT64_C(1) << (bits % 2 ? 10 : 40)) - 1);
    i -= UINT64_C(1) << (bits % 2 ? 9 : 39);
    double y;
    memcpy(&y, &i, sizeof y);
    return bits >> 63 ? -y : y;
}

static double hard_input(uint64_t i)
{
    const uint64_t bits = test_bits(3 * i), pick = bits >> 8 & 3;
    if (pick == 0)
        return near_quarters[bits % COUNT(near_quarters)];
    if (pick == 1) { /* next to a multiple of pi/2 */
        const uint64_t n = test_bits(3 * i + 1) >> (34 + bits % 30);
        return (double)((long double)n * (acosl(-1) / 2));
    }
    return moved(edges[bits % COUNT(edges)], test_bits(3 * i + 2));
}

static double input(const exact_function *f, uint64_t i)
{
    const uint64_t bits = test_bits(i);
    double any;
    memcpy(&any, &bits, sizeof any);
    return i % 4 == 0 ? any : i % 4 == 3 ? hard_input(i) : exact_argument(f, i);
}

/* As test_ulp_f32 and test_ulp_f64, but an infinite y counts as the power of 2 behind the largest
 * number where `exact` is next to it: such a result may be an ulp off, too. */
static double ulp_at_edge(double y, long double exact, int most, int digits)
{
    const long double end = copysignl(ldexpl(1, most), (long double)y);
    return isinf(y) && isfinite(exact) ? (double)(fabsl(end - exact) / ldexpl(1, most - digits))
                                       : INFINITY;
}
static double ulp_f64(double y, long double exact)
{
    const double error = test_ulp_f64(y, exact);
    return isinf(error) ? ulp_at_edge(y, exact, 1024, 53) : error;
}
static double ulp_f32(float y, long double exact)
{
    const double error = test_ulp_f32(y, exact);
    return isinf(error) ? ulp_at_edge((double)y, exact, 128, 24) : error;
}

typedef struct {
    double error, x, y;
} worst;

/* Both fill x and y with the chunk's inputs and give the error of each; y is pow's. */
typedef void (*chunk_fn)(const void *what, uint64_t first, double *x, double *y, double *errors);

static void run(const char *name, chunk_fn chunk, const void *what, double bound)
{
    const char *env = getenv("HONE_TEST_STEP");
    const uint64_t count = INPUTS / (env ? strtoull(env, NULL, 10) : 1);
    worst w = { 0, 0, 0 };
#pragma omp parallel for schedule(dynamic)
    for (uint64_t first = 0; first < count; first += CHUNK) {
        double x[CHUNK], y[CHUNK], errors[CHUNK];
        chunk(what, first, x, y, errors);
        int at = 0;
        for (int i = 1; i < CHUNK; i++)
            at = errors[i] > errors[at] ? i : at;
#pragma omp critical
        if (errors[at] > w.error)
            w = (worst){ errors[at], x[at], y[at] };
    }
    printf("%s: %.3f ulp at %a %a\n", name, w.error, w.x, w.y);
    fflush(stdout);
    cr_assert_leq(w.error, bound, "%s(%a, %a): %f ulp", name, w.x, w.y, w.error);
}

static void unary_chunk(const void *what, uint64_t first, double *x, double *y, double *errors)
{
    const exact_function *f = what;
    double got[CHUNK];
    for (uint64_t i = 0; i < CHUNK; i++) {
        x[i] = input(f, first + i);
        y[i] = 0;
    }
    hone__k->unary[f->kind][HONE__F64](CHUNK, got, 1, x, 1);
    for (int i = 0; i < CHUNK; i++)
        errors[i] = ulp_f64(got[i], f->exact((long double)x[i]));
}

static void check_unary(const exact_function *f)
{
    hone__isa_use(hone__isa_best());
    run(f->name, unary_chunk, f, f->bound);
}

#define UNARY_KERNEL(NAME, name, ...)                                                              \
    Test(kernels_hard_math, name)                                                                  \
    {                                                                                              \
        check_unary(&exact_functions[HONE__K_##NAME]);                                             \
    }
#include "kernels/kernels.def"

/* ---- pow */

/* `most` is the exponent of 2 where the type overflows, `digits` its precision. */
static void pow_input(uint64_t i, double most, int digits, double *x, double *y)
{
    const uint64_t bits = test_bits(5 * i);
    const double u = test_uniform(5 * i + 1), v = test_uniform(5 * i + 2);
    switch (bits % 6) {
    case 0: /* any base, a result of any size */
        *x = ldexp(1 + u, (int)(most * (2 * v - 1)));
        *y = most * (2.2 * test_uniform(5 * i + 3) - 1.2) / log2(*x);
        return;
    case 1: /* near 1 */
        *x = 1 + ldexp(u - 0.5, -(int)(v * (digits - 2)));
        *y = most * (2.2 * test_uniform(5 * i + 3) - 1.2) / log2(*x);
        return;
    case 2: /* exact powers, and halfway between two numbers */
        *x = (double)(bits >> 10 & ((UINT64_C(1) << (bits >> 4 & 31)) - 1));
        *y = (double)(bits >> 42 & 7) - 2;
        return;
    case 3: /* roots of squares */
        *x = (double)(bits >> 40) * (double)(bits >> 40);
        *y = 0.5 * (double)(bits >> 8 & 3) + (bits & 1024 ? 0 : -0.5);
        return;
    case 4: /* overflow, underflow, the smallest */
        *x = ldexp(1 + u, (int)(v * 9) - 4);
        *y = (bits & 64 ? most : bits & 128 ? 2 - most : 2 - most - digits) / log2(*x);
        return;
    default: /* both of any kind */
        memcpy(x, &bits, sizeof *x);
        *y = 40 * u - 20;
    }
}

static void pow_f64_chunk(const void *what, uint64_t first, double *x, double *y, double *errors)
{
    double got[CHUNK];
    (void)what;
    for (uint64_t i = 0; i < CHUNK; i++)
        pow_input(first + i, 1024, 53, x + i, y + i);
    hone__k->binary[HONE__K_POW][HONE__F64](CHUNK, got, 1, x, 1, y, 1);
    for (int i = 0; i < CHUNK; i++)
        errors[i] = ulp_f64(got[i], powl((long double)x[i], (long double)y[i]));
}

static void pow_f32_chunk(const void *what, uint64_t first, double *x, double *y, double *errors)
{
    float base[CHUNK], exponent[CHUNK], got[CHUNK];
    (void)what;
    for (uint64_t i = 0; i < CHUNK; i++) {
        pow_input(first + i, 128, 24, x + i, y + i);
        base[i] = (float)x[i];
        exponent[i] = (float)y[i];
        x[i] = (double)base[i];
        y[i] = (double)exponent[i];
    }
    hone__k->binary[HONE__K_POW][HONE__F32](CHUNK, got, 1, base, 1, exponent, 1);
    for (int i = 0; i < CHUNK; i++)
        errors[i] = ulp_f32(got[i], (long double)pow(x[i], y[i]));
}

Test(kernels_hard_math, pow)
{
    hone__isa_use(hone__isa_best());
    run("pow f64", pow_f64_chunk, NULL, 2);
    run("pow f32", pow_f32_chunk, NULL, 0.6);
}
