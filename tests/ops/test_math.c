/* Functions of math.h where the catalog does not go: their accuracy against 40 digits, special points, what
 * PyTorch gives at corners, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <float.h>
#include <math.h>

SUITE(math);

/* Made by mpmath 1.3 with 40 digits. */
static const struct {
    double x, lgamma, digamma, polygamma[3];
} gammas[] = {
    /* x, lgamma, digamma, trigamma, polygamma 2 and 5 */
    { 1e-300, 690.7755278982137, -9.999999999999999e+299, { INFINITY, -INFINITY, INFINITY } },
    { 1e-10,
      23.025850929882736,
      -10000000000.577215,
      { 1e+20, -1.9999999999999998e+30, 1.1999999999999998e+62 } },
    { 0.125,
      2.0194183575537963,
      -8.388492663295855,
      { 65.38813344498803, -1025.7533381181356, 31457340.659602646 } },
    { 0.9,
      0.06637623973474295,
      -0.7549269499470513,
      { 1.9225399594772035, -3.20179704379472, 228.60140011674952 } },
    { 0.9999999,
      5.772157468444193e-08,
      -0.5772158293949515,
      { 1.6449343072596394, -2.4041144557132528, 122.08124003930713 } },
    { 1.0000001,
      -5.772155829918507e-08,
      -0.5772155004081381,
      { 1.6449338264368782, -2.4041131569253724, 122.08109483701118 } },
    { 1.25,
      -0.09827183642181316,
      -0.22745353337626542,
      { 1.1973291545071107, -1.3277399375369203, 32.513767681292045 } },
    { 1.4616,
      -0.12148629003589732,
      -3.110625123034165e-05,
      { 0.9677007114650835, -0.8855761967999034, 12.94055722392193 } },
    { 1.5,
      -0.12078223763524522,
      0.03648997397857652,
      { 0.9348022005446793, -0.82879664423432, 11.113548602435497 } },
    { 1.9999,
      -4.227520877215346e-05,
      0.42271983967113097,
      { 0.6449744806987031, -0.40416320469109274, 2.0817686888682694 } },
    { 2.5,
      0.2846828704729192,
      0.7031566406452432,
      { 0.49035775610023485, -0.2362040516417274, 0.5785691785671835 } },
    { 3,
      0.6931471805599453,
      0.9227843350984671,
      { 0.39493406684822646, -0.15411380631918858, 0.20616743813389676 } },
    { 3.5,
      1.2009736023470743,
      1.103156640645243,
      { 0.3303577561002349, -0.1082040516417274, 0.08704917856718349 } },
    { 5.999,
      4.785785715780557,
      1.7059363290792255,
      { 0.1813557513843386, -0.03280156326566668, 0.004585612128835158 } },
    { 7.9,
      8.32426586800881,
      2.002238487563571,
      { 0.13493078345663442, -0.018179004838322604, 0.001057582598695834 } },
    { 8,
      8.525161361065415,
      2.01564147795561,
      { 0.1331370146940314, -0.017699569195767775, 0.0009895100047713388 } },
    { 30.5,
      72.9534711841694,
      3.401243668961661,
      { 0.03333024811280161, -0.0011108026689359417, 9.862850617952512e-07 } },
    { 100000.0,
      1051287.7089736569,
      11.512920464961896,
      { 1.0000050000166667e-05, -1.00001000005e-10, 2.4000600006e-24 } },
    { 1e+300, 6.897755278982137e+302, 690.7755278982137, { 1e-300, -0.0, 0.0 } },
    { -0.5,
      1.2655121234846454,
      0.03648997397857652,
      { 8.934802200544679, -0.82879664423432, 15371.113548602436 } },
    { -1.25,
      1.3664317612369763,
      3.714139120213528,
      { 19.181879647671607, 123.72136678366236, 492230.21062287455 } },
    { -2.7,
      -0.07140708531564569,
      -1.1153471291406896,
      { 14.769375845132314, -68.9329390232638, 165660.11051361315 } },
    { -7.999,
      -3.6947053961091894,
      -997.856186170324,
      { 1000003.17234815, -1999999999.9988048, 1.1999999999975955e+20 } },
    { -100.3,
      -363.7662061826763,
      6.895643124860435,
      { 15.06949314924401, 68.8374452979615, 165660.1744533735 } },
    { -1000000.25,
      -12815520.347232489,
      16.957103961553827,
      { 19.739207802179468, 124.02510672119828, 492231.2671105559 } },
};

static double off(double got, double want)
{
    return got == want || (isinf(want) && got == want) ? 0
           : fabs(want) < DBL_MIN                      ? fabs(got - want) / DBL_MIN
                                                       : fabs(got - want) / fabs(want);
}

Test(math, gamma_functions_have_their_accuracy)
{
    for (size_t i = 0; i < sizeof gammas / sizeof *gammas; i++) {
        hone_tensor *x = hone_scalar(HONE_F64, gammas[i].x);
        const double a = gammas[i].x, scale = a < 0 ? fmax(1, fabs(a) * log(fabs(a) + 1)) : 0;
        const double lg = hone_item(hone_lgamma(x)), dg = hone_item(hone_digamma(x));
        cr_expect_leq(fabs(lg - gammas[i].lgamma),
                      8 * DBL_EPSILON * fmax(fabs(gammas[i].lgamma), scale), "lgamma(%g) is %.17g",
                      a, lg);
        /* of a negative x the reflection's angle has an ulp of x times pi */
        const double slack = a < 0 ? 1e-16 * fmax(8, fabs(gammas[i].polygamma[0])) * 40 : 0;
        cr_expect_leq(fabs(dg - gammas[i].digamma),
                      8 * DBL_EPSILON * fabs(gammas[i].digamma) + slack, "digamma(%g) is %.17g", a,
                      dg);
        static const int orders[] = { 1, 2, 5 };
        for (int k = 0; k < 3; k++) {
            const double y = hone_item(hone_polygamma(x, orders[k]));
            cr_expect_leq(off(y, gammas[i].polygamma[k]), 1e-13, "polygamma(%d, %g) is %.17g",
                          orders[k], a, y);
        }
    }
}

/* What PyTorch gives at ends and poles. */
Test(math, special_points)
{
    const double inf = INFINITY, nan = (double)NAN;
    const double x[] = { 0, -0.0, 1, 2, -1, -3, inf, -inf, nan };
    hone_tensor *t = hone_from_data(HONE_F64, x, 9);
    CHECK_VALUES(hone_lgamma(t), HONE_F64, (9), inf, inf, 0, 0, inf, inf, inf, inf, nan);
    CHECK_VALUES(hone_slice(hone_digamma(t), 0, 4, 9, 1), HONE_F64, (5), nan, nan, inf, nan, nan);
    CHECK_VALUES(hone_slice(hone_digamma(t), 0, 0, 2, 1), HONE_F64, (2), -inf, inf);
    CHECK_VALUES(hone_erfinv(t), HONE_F64, (9), 0, -0.0, inf, nan, -inf, nan, nan, nan, nan);
    CHECK_VALUES(hone_atanh(t), HONE_F64, (9), 0, -0.0, inf, nan, -inf, nan, nan, nan, nan);
    CHECK_VALUES(hone_exp2(t), HONE_F64, (9), 1, 1, 2, 4, 0.5, 0.125, inf, 0, nan);
    CHECK_VALUE0(hone_sum(hone_ne(hone_log2(hone_exp2(hone_arange(HONE_F64, -1074, 1024, 1))),
                                  hone_arange(HONE_F64, -1074, 1024, 1))),
                 HONE_I64, 0);
    CHECK_VALUES(hone_log10(T(HONE_F64, (3), 1, 1000, 1e-5)), HONE_F64, (3), 0, 3, -5);
    CHECK_VALUES(
        hone_heaviside(T(HONE_F64, (5), nan, 0, -0.0, -1, 3), T(HONE_F64, (5), 5, 0.5, 0.25, 5, 5)),
        HONE_F64, (5), 0, 0.5, 0.25, 0, 1);
    CHECK_VALUES(hone_xlogy(T(HONE_F64, (5), 0, 0, 0, 1, 2), T(HONE_F64, (5), 0, nan, -1, 0, inf)),
                 HONE_F64, (5), 0, nan, 0, -inf, inf);
    CHECK_VALUES(hone_copysign(T(HONE_F64, (3), 0, 1, -2), T(HONE_F64, (3), -1, -0.0, 1)), HONE_F64,
                 (3), -0.0, -1, 2);
    CHECK_CLOSE(hone_hypot(T(HONE_F64, (3), inf, 1e300, 3), T(HONE_F64, (3), nan, 1e300, 4)), 1e-15,
                0, HONE_F64, (3), inf, 1.41421356237309505e300, 5);
    CHECK_VALUES(hone_round_decimals(T(HONE_F64, (3), 1.25, 2.5, -0.125), 1), HONE_F64, (3), 1.2,
                 2.5, -0.1);
    CHECK_VALUES(hone_round_decimals(T(HONE_I64, (3), 15, 25, -15), -1), HONE_I64, (3), 20, 20,
                 -20);
}

Test(math, quotients)
{
    const double inf = INFINITY, nan = (double)NAN;
    hone_tensor *a = T(HONE_F64, (12), 5, -5, 5, -5, 0, -0.0, inf, 1, -1, 7, -7, 5.5);
    hone_tensor *b = T(HONE_F64, (12), inf, inf, -inf, -inf, 2, 2, 2, 0, 0, -2, -2, 0.1);
    CHECK_VALUES(hone_floor_divide(a, b), HONE_F64, (12), 0, -1, -1, 0, 0, -0.0, nan, inf, -inf, -4,
                 3, 54);
    CHECK_VALUES(hone_trunc_divide(a, b), HONE_F64, (12), 0, -0.0, -0.0, 0, 0, -0.0, inf, inf, -inf,
                 -3, 3, 55);
    CHECK_VALUES(hone_floor_divide(T(HONE_I64, (4), 7, -7, 7, -7), T(HONE_I64, (4), 2, 2, -2, -2)),
                 HONE_I64, (4), 3, -4, -4, 3);
    CHECK_FAILS(hone_floor_divide_scalar(hone_ones(HONE_I32, 2), 0), HONE_E_VALUE,
                "floor_divide_scalar: a division of integers by 0");
    CHECK_FAILS(hone_trunc_divide(hone_ones(HONE_BOOL, 2), hone_ones(HONE_BOOL, 2)), HONE_E_DTYPE,
                "trunc_divide: bool can't be divided");
}

Test(math, bits)
{
    CHECK_VALUES(hone_bitwise_left_shift(T(HONE_I64, (3), 1, -3, 1), T(HONE_I64, (3), 63, 64, -1)),
                 HONE_I64, (3), -0x1p63, 0, 0);
    CHECK_VALUES(hone_bitwise_right_shift(T(HONE_I64, (3), -8, 8, -8), T(HONE_I64, (3), 1, 70, 64)),
                 HONE_I64, (3), -4, 0, -1);
    CHECK_VALUES(hone_bitwise_and_scalar(T(HONE_BOOL, (2), 0, 1), 3), HONE_I64, (2), 0, 1);
    CHECK_VALUES(hone_bitwise_and_scalar(T(HONE_I64, (2), -1024, 5), INT64_MAX), HONE_I64, (2),
                 0x1p63 - 1024, 5);
    CHECK_VALUES(hone_bitwise_not(T(HONE_BOOL, (2), 0, 1)), HONE_BOOL, (2), 1, 0);
    CHECK_FAILS(hone_bitwise_or_scalar(hone_ones(HONE_U8, 2), -1), HONE_E_VALUE,
                "bitwise_or_scalar");
    CHECK_FAILS(hone_bitwise_xor(hone_ones(HONE_F32, 2), hone_ones(HONE_I32, 2)), HONE_E_DTYPE,
                "bitwise_xor: got f32 [2], integers or bool are wanted");
    CHECK_FAILS(hone_bitwise_left_shift_scalar(hone_ones(HONE_BOOL, 2), 1), HONE_E_DTYPE,
                "integers are wanted");
}

Test(math, refusals)
{
    hone_tensor *a = hone_ones(HONE_F32, 2, 3), *b = hone_ones(HONE_F32, 4);
    CHECK_FAILS(hone_atan2(a, b), HONE_E_SHAPE, "atan2");
    CHECK_FAILS(hone_hypot(a, b), HONE_E_SHAPE, "hypot");
    CHECK_FAILS(hone_copysign(a, b), HONE_E_SHAPE, "copysign");
    CHECK_FAILS(hone_xlogy(a, b), HONE_E_SHAPE, "xlogy");
    CHECK_FAILS(hone_heaviside(a, b), HONE_E_SHAPE, "heaviside");
    CHECK_FAILS(hone_heaviside(a, hone_ones(HONE_F64, 3)), HONE_E_DTYPE, "one dtype is wanted");
    CHECK_FAILS(hone_bitwise_and(hone_ones(HONE_I32, 2, 3), hone_ones(HONE_I32, 4)), HONE_E_SHAPE,
                "bitwise_and");
    CHECK_FAILS(hone_polygamma(a, 0), HONE_E_VALUE, "polygamma");
    CHECK_FAILS(hone_polygamma(a, 61), HONE_E_VALUE, "polygamma");
    CHECK_FAILS(hone_round_decimals(a, 301), HONE_E_VALUE, "round_decimals");
    CHECK_FAILS(hone_round_decimals(hone_ones(HONE_BOOL, 2), 0), HONE_E_DTYPE, "round_decimals");
    CHECK_FAILS(hone_asin_(hone_ones(HONE_I64, 2)), HONE_E_DTYPE, "asin");
}
