/* exp, log, tanh ... against the C library's long double, sampled: error bounds, special values,
 * same bits on every ISA. All 2^32 floats: test_slow_kernels_math.c. */
#include "exact_math.h"
#include "step.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 40000 };

static double x64[N], y64[N], first64[N];
static float x32[N], y32[N], first32[N];

static void fill_samples(const exact_function *f)
{
    for (uint64_t i = 0; i < N; i++) {
        const uint64_t bits = test_bits(i);
        if (i % 4 == 0) {
            test_value(HONE__F64, i, x64 + i);
            test_value(HONE__F32, i, x32 + i);
        } else if (i % 4 == 2) {
            memcpy(x64 + i, &bits, 8);
            memcpy(x32 + i, &bits, 4);
        } else {
            x64[i] = exact_argument(f, i);
            x32[i] = (float)x64[i];
        }
    }
}

static void check_errors(const exact_function *f)
{
    for (int j = 0; j < N; j += test_step()) {
        const long double want32 = f->exact((long double)x32[j]),
                          want64 = f->exact((long double)x64[j]);
        const double e32 = test_ulp_f32(first32[j], want32), e64 = test_ulp_f64(first64[j], want64);
        cr_assert_leq(e32, f->bound, "%s(%a) is %a: %f ulp", f->name, (double)x32[j],
                      (double)first32[j], e32);
        cr_assert_leq(e64, f->bound, "%s(%a) is %a: %f ulp", f->name, x64[j], first64[j], e64);
        cr_assert(want32 != 0 || !signbit(want32) == !signbit(first32[j]), "%s(%a) is %a", f->name,
                  (double)x32[j], (double)first32[j]);
        cr_assert(want64 != 0 || !signbit(want64) == !signbit(first64[j]), "%s(%a) is %a", f->name,
                  x64[j], first64[j]);
    }
}

Test(kernels_math, errors_stay_in_their_bounds_with_the_same_bits_everywhere)
{
    for (int kind = 0; kind < HONE__K_N_UNARY; kind++) {
        const exact_function *f = &exact_functions[kind];
        fill_samples(f);
        const hone__isa *isa;
        for (int i = 0; (isa = hone__isa_available(i)); i++) {
            isa->unary[kind][HONE__F32](N, y32, 1, x32, 1);
            isa->unary[kind][HONE__F64](N, y64, 1, x64, 1);
            if (i == 0) {
                memcpy(first32, y32, sizeof y32);
                memcpy(first64, y64, sizeof y64);
            }
            for (int j = 0; j < N; j++) {
                cr_assert(test_same(HONE__F32, y32 + j, first32 + j), "%s: %s(%a) differs",
                          isa->name, f->name, (double)x32[j]);
                cr_assert(test_same(HONE__F64, y64 + j, first64 + j), "%s: %s(%a) differs",
                          isa->name, f->name, x64[j]);
            }
        }
        check_errors(f);
    }
}

static void check_special(int kind, double x, double want)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        double y;
        const float x_single = (float)x, want_single = (float)want;
        float y_single;
        isa->unary[kind][HONE__F64](1, &y, 1, &x, 1);
        isa->unary[kind][HONE__F32](1, &y_single, 1, &x_single, 1);
        cr_assert(test_same(HONE__F64, &y, &want), "%s: f%d(%a) is %a, not %a", isa->name, kind, x,
                  y, want);
        cr_assert(test_same(HONE__F32, &y_single, &want_single), "%s: f%d(%a) is %a, not %a",
                  isa->name, kind, x, (double)y_single, want);
    }
}

Test(kernels_math, special_values_are_exact)
{
    const double inf = INFINITY, nan = (double)NAN;
    check_special(HONE__K_EXP, 0, 1);
    check_special(HONE__K_EXP, -0.0, 1);
    check_special(HONE__K_EXP, inf, inf);
    check_special(HONE__K_EXP, -inf, 0);
    check_special(HONE__K_EXP, 1e4, inf);
    check_special(HONE__K_EXP, -1e4, 0);
    check_special(HONE__K_EXP, nan, nan);
    check_special(HONE__K_LOG, 1, 0);
    check_special(HONE__K_LOG, 0, -inf);
    check_special(HONE__K_LOG, -0.0, -inf);
    check_special(HONE__K_LOG, inf, inf);
    check_special(HONE__K_LOG, -1, nan);
    check_special(HONE__K_LOG, -inf, nan);
    check_special(HONE__K_LOG, nan, nan);
    check_special(HONE__K_SIGMOID, 0, 0.5);
    check_special(HONE__K_SIGMOID, inf, 1);
    check_special(HONE__K_SIGMOID, -inf, 0);
    check_special(HONE__K_SIGMOID, nan, nan);
    check_special(HONE__K_TANH, 0, 0);
    check_special(HONE__K_TANH, -0.0, -0.0);
    check_special(HONE__K_TANH, inf, 1);
    check_special(HONE__K_TANH, -inf, -1);
    check_special(HONE__K_TANH, nan, nan);
    check_special(HONE__K_LOG1P, -0.0, -0.0);
    check_special(HONE__K_LOG1P, -1, -inf);
    check_special(HONE__K_LOG1P, -1.5, nan);
    check_special(HONE__K_LOG1P, inf, inf);
    check_special(HONE__K_EXPM1, -0.0, -0.0);
    check_special(HONE__K_EXPM1, -inf, -1);
    check_special(HONE__K_EXPM1, inf, inf);
    check_special(HONE__K_RSQRT, 0, inf);
    check_special(HONE__K_RSQRT, 4, 0.5);
    check_special(HONE__K_RSQRT, inf, 0);
    check_special(HONE__K_RSQRT, -1, nan);
    for (int kind = HONE__K_SIN; kind <= HONE__K_TAN; kind++) {
        check_special(kind, inf, nan);
        check_special(kind, -inf, nan);
        check_special(kind, nan, nan);
        check_special(kind, -0.0, kind == HONE__K_COS ? 1 : -0.0);
    }
    check_special(HONE__K_ERF, -0.0, -0.0);
    check_special(HONE__K_ERF, inf, 1);
    check_special(HONE__K_ERF, -inf, -1);
    for (int kind = HONE__K_GELU; kind <= HONE__K_SILU; kind++) {
        check_special(kind, -0.0, -0.0);
        check_special(kind, inf, inf);
        check_special(kind, -inf, -0.0);
        check_special(kind, nan, nan);
    }
    check_special(HONE__K_SOFTPLUS, inf, inf);
    check_special(HONE__K_SOFTPLUS, -inf, 0);
    check_special(HONE__K_SOFTPLUS, nan, nan);
}

/* ---- pow ---- */

Test(kernels_math, pow_stays_in_its_bound)
{
    static double base[N], exponent[N];
    for (uint64_t i = 0; i < N; i++) {
        const double spread = exp(20 * test_uniform(i) - 10),
                     near = 1 + 1e-3 * (test_uniform(i) - 0.5);
        base[i] = i % 2 ? near : spread;
        exponent[i] = (i % 2 ? 1e6 : i % 5 ? 150 : 4) * (test_uniform(i + N) - 0.5);
    }
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        isa->binary[HONE__K_POW][HONE__F64](N, y64, 1, base, 1, exponent, 1);
        if (i == 0)
            memcpy(first64, y64, sizeof y64);
        cr_assert_eq(memcmp(first64, y64, sizeof y64), 0, "%s differs", isa->name);
        for (int j = 0; j < N; j++) {
            x32[j] = (float)base[j];
            y32[j] = (float)exponent[j];
        }
        isa->binary[HONE__K_POW][HONE__F32](N, first32, 1, x32, 1, y32, 1);
        for (int j = 0; j < N; j++) {
            const double error =
                test_ulp_f32(first32[j], powl((long double)x32[j], (long double)y32[j]));
            cr_assert_leq(error, 0.6, "powf(%a, %a) is %a", (double)x32[j], (double)y32[j],
                          (double)first32[j]);
        }
    }
    for (int j = 0; j < N; j += test_step()) {
        const double error = test_ulp_f64(first64[j], powl(base[j], exponent[j]));
        cr_assert_leq(error, 2, "pow(%a, %a) is %a: %f ulp", base[j], exponent[j], first64[j],
                      error);
    }
}

/* Numbers of all sizes and special ones side by side: every lane gets what it would get alone. */
static void check_pow_pairs(int dtype)
{
    enum { PAIRS = 6000 };
    static double a[PAIRS], b[PAIRS], first[PAIRS], got[PAIRS]; /* room for either type */
    char *x = (char *)a, *y = (char *)b;
    const size_t size = test_size(dtype);
    for (uint64_t i = 0; i < PAIRS; i++) {
        test_value(dtype, i, x + i * size);
        test_value(dtype, i % 3 ? 7 * i + 1 : 1, y + i * size);
        if (i % 3 == 1 && dtype == HONE__F32)
            ((float *)y)[i] = (float)(10 * test_uniform(i) - 5);
        if (i % 3 == 1 && dtype == HONE__F64)
            b[i] = 10 * test_uniform(i) - 5;
    }
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        isa->binary[HONE__K_POW][dtype](PAIRS, i == 0 ? first : got, 1, a, 1, b, 1);
        for (uint64_t j = 0; j < PAIRS && i > 0; j++)
            cr_assert(test_same(dtype, (char *)got + j * size, (char *)first + j * size),
                      "%s: pow(%a, %a) differs", isa->name, test_number(dtype, x + j * size),
                      test_number(dtype, y + j * size));
    }
    for (uint64_t j = 0; j < PAIRS; j++) {
        const long double base = (long double)test_number(dtype, x + j * size),
                          exponent = (long double)test_number(dtype, y + j * size),
                          want = powl(base, exponent);
        const double error = dtype == HONE__F32 ? test_ulp_f32(((float *)first)[j], want)
                                                : test_ulp_f64(first[j], want);
        cr_assert_leq(error, dtype == HONE__F32 ? 0.6 : 2, "pow(%La, %La): %f ulp", base, exponent,
                      error);
    }
}

Test(kernels_math, pow_of_special_neighbours)
{
    check_pow_pairs(HONE__F32);
    check_pow_pairs(HONE__F64);
}

Test(kernels_math, pow_knows_annex_f)
{
    static const double values[] = { 0,         -0.0,        1,    -1,         2,
                                     -2,        0.5,         -0.5, 3,          -3,
                                     INFINITY,  -INFINITY,   NAN,  0x1p1023,   -0x1p1023,
                                     0x1p-1074, 2.5,         -2.5, 0x1p52 + 1, 0x1p53 - 1,
                                     0x1p53,    -0x1p53 - 2, 1024, -1074 };
    enum { N_VALUES = sizeof values / sizeof *values };
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        for (int a = 0; a < N_VALUES; a++) {
            for (int b = 0; b < N_VALUES; b++) {
                double got;
                isa->binary[HONE__K_POW][HONE__F64](1, &got, 1, values + a, 1, values + b, 1);
                const double want = pow(values[a], values[b]);
                const bool ordinary = isfinite(want) && want != 0;
                cr_assert(ordinary ? test_ulp_f64(got, (long double)want) <= 1
                                   : test_same(HONE__F64, &got, &want),
                          "%s: pow(%a, %a) is %a, not %a", isa->name, values[a], values[b], got,
                          want);
                const float x = (float)values[a], y = (float)values[b],
                            wanted = (float)pow((double)x, (double)y);
                float single;
                isa->binary[HONE__K_POW][HONE__F32](1, &single, 1, &x, 1, &y, 1);
                cr_assert(test_same(HONE__F32, &single, &wanted), "%s: powf(%a, %a) is %a",
                          isa->name, (double)x, (double)y, (double)single);
            }
        }
    }
}

/* ---- slopes ---- */

/* f'(x) is the difference of two numbers, for x < 0 and a = -x of the same size: -> their sum, to
 * which the error is compared; *slope is f'(x). */
static long double exact_slope(int kind, long double x, long double *slope)
{
    const long double a = fabsl(x), k = 2 * sqrtl(2 / acosl(-1));
    const long double w = kind == HONE__K_SILU_BACKWARD ? a : k * (a + 0.044715L * a * a * a);
    const long double dw = kind == HONE__K_SILU_BACKWARD ? 1 : k * (1 + 3 * 0.044715L * a * a);
    long double small = 1 / (1 + expl(w)), fall = a * dw * small * (1 - small);
    if (kind == HONE__K_GELU_BACKWARD) {
        small = erfcl(a * sqrtl(0.5L)) / 2;
        fall = a * expl(-a * a / 2) / sqrtl(2 * acosl(-1));
    }
    *slope = x < 0 ? small - fall : 1 - (small - fall);
    return x < 0 ? small + fall : 1;
}

Test(kernels_math, slopes_keep_their_digits)
{
    static const struct {
        int kind;
        double low_f32, low_f64; /* below, results are subnormal */
    } slopes[] = { { HONE__K_GELU_BACKWARD, -12.5, -36 },
                   { HONE__K_GELU_TANH_BACKWARD, -9, -20 },
                   { HONE__K_SILU_BACKWARD, -80, -690 } };
    const hone__isa *isa = hone__isa_best(); /* test_kernels_elementwise.c: every one is the same */
    for (int f = 0; f < 3; f++)
        for (uint64_t i = 0; i < N; i += (uint64_t)test_step()) {
            const double low = i % 2 ? slopes[f].low_f64 : -6;
            const double x = low + (6 - low) * test_uniform(i), three = 3;
            const float fx = (float)(x > slopes[f].low_f32 ? x : slopes[f].low_f32), one = 1;
            double got;
            float fgot;
            long double want, size = exact_slope(slopes[f].kind, (long double)x, &want);
            isa->binary[slopes[f].kind][HONE__F64](1, &got, 1, &three, 1, &x, 1);
            cr_assert_leq(fabsl((long double)got - 3 * want), 3 * size * 0x1p-50L,
                          "slope %d of %a is %a", f, x, got / 3);
            size = exact_slope(slopes[f].kind, (long double)fx, &want);
            isa->binary[slopes[f].kind][HONE__F32](1, &fgot, 1, &one, 1, &fx, 1);
            cr_assert_leq(fabsl((long double)fgot - want), size * 0x1p-21L, "slope %d of %a is %a",
                          f, (double)fx, (double)fgot);
        }
}
