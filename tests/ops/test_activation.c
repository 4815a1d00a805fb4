/* Activations where values are special, beside what torch 2.13 gives there, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(activation);

enum { POINTS = 12 };
static const double points[POINTS] = {
    NAN, INFINITY, -INFINITY, 0, -0.0, 3, -3, 6, 1, -1, 0.5, -0.5
};

/* Values and gradients (of the sum) at the points, as torch prints them (but hardsigmoid's slope,
 * which it rounds to f32). */
static const struct {
    const char *op, *attributes;
    double y[POINTS], dx[POINTS];
} torch[] = {
    { "leaky_relu",
      "negative_slope=0.25",
      { NAN, INFINITY, -INFINITY, 0, -0.0, 3, -0.75, 6, 1, -0.25, 0.5, -0.125 },
      { 0.25, 1, 0.25, 0.25, 0.25, 1, 0.25, 1, 1, 0.25, 1, 0.25 } },
    { "relu6",
      NULL,
      { NAN, 6, 0, 0, -0.0, 3, 0, 6, 1, 0, 0.5, 0 },
      { 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0 } },
    { "hardtanh",
      NULL,
      { NAN, 1, -1, 0, -0.0, 1, -1, 1, 1, -1, 0.5, -0.5 },
      { 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1 } },
    { "hardsigmoid",
      NULL,
      { NAN, 1, 0, 0.5, 0.5, 1, 0, 1, 0.6666666666666666, 0.3333333333333333, 0.5833333333333334,
        0.4166666666666667 },
      { 0, 0, 0, 1.0 / 6, 1.0 / 6, 0, 0, 0, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6 } },
    { "hardswish",
      NULL,
      { NAN, INFINITY, NAN, 0, -0.0, 3, -0.0, 6, 0.6666666666666666, -0.3333333333333333,
        0.2916666666666667, -0.20833333333333334 },
      { NAN, 1, 0, 0.5, 0.5, 1, 0, 1, 0.8333333333333333, 0.16666666666666669, 0.6666666666666666,
        0.33333333333333337 } },
    { "elu",
      NULL,
      { NAN, INFINITY, -1, 0, -0.0, 3, -0.950212931632136, 6, 1, -0.6321205588285577, 0.5,
        -0.3934693402873666 },
      { NAN, 1, 0, 1, 1, 1, 0.049787068367863944, 1, 1, 0.36787944117144233, 1,
        0.6065306597126334 } },
    { "selu",
      NULL,
      { NAN, INFINITY, -1.7580993408473766, 0, -0.0, 3.1521029620664414, -1.6705687287671118,
        6.304205924132883, 1.0507009873554805, -1.1113307378125625, 0.5253504936777402,
        -0.6917581878028713 },
      { NAN, 1.0507009873554805, 0, 1.7580993408473766, 1.7580993408473766, 1.0507009873554805,
        0.08753061208026487, 1.0507009873554805, 1.0507009873554805, 0.646768603034814,
        1.0507009873554805, 1.0663411530445053 } },
    { "celu",
      "alpha=2",
      { NAN, INFINITY, -2, 0, -0.0, 3, -1.5537396797031404, 6, 1, -0.7869386805747332, 0.5,
        -0.44239843385719024 },
      { NAN, 1, 0, 1, 1, 1, 0.22313016014842982, 1, 1, 0.6065306597126334, 1,
        0.7788007830714049 } },
    { "mish",
      NULL,
      { NAN, INFINITY, NAN, 0, -0.0, 2.9865350049679575, -0.1456474612756246, 5.999926634065252,
        0.8650983882673103, -0.30340146137410895, 0.3752452113048951, -0.22074377465173 },
      { NAN, NAN, NAN, 0.6, 0.6, 1.0211069109294435, -0.09339311453232084, 1.00013414050621,
        1.0490362200997922, 0.059216755877395014, 0.8864243753577272, 0.28951067791351226 } },
    { "logsigmoid",
      NULL,
      { NAN, 0, -INFINITY, -0.6931471805599453, -0.6931471805599453, -0.04858735157374206,
        -3.048587351573742, -0.0024756851377304495, -0.31326168751822286, -1.3132616875182228,
        -0.4740769841801067, -0.9740769841801067 },
      { NAN, 0, 1, 0.5, 0.5, 0.04742587317756679, 0.9525741268224333, 0.0024726231566347748,
        0.2689414213699951, 0.7310585786300049, 0.37754066879814546, 0.6224593312018545 } },
    { "threshold",
      "threshold=0.5 value=7",
      { NAN, INFINITY, 7, 7, 7, 3, 7, 6, 1, 7, 7, 7 },
      { 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0 } },
    { "tanhshrink",
      NULL,
      { NAN, INFINITY, -INFINITY, 0, 0, 2.0049452463132695, -2.0049452463132695, 5.000012288349204,
        0.23840584404423515, -0.23840584404423515, 0.03788284273999026, -0.03788284273999026 },
      { NAN, 1, 1, 0, 0, 0.9901339628345598, 0.9901339628345598, 0.9999754234525947,
        0.5800256583859739, 0.5800256583859739, 0.2135522670340726, 0.2135522670340726 } },
    { "softshrink",
      NULL,
      { NAN, INFINITY, -INFINITY, 0, 0, 2.5, -2.5, 5.5, 0.5, -0.5, 0, -0.0 },
      { 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0 } },
    { "hardshrink",
      NULL,
      { NAN, INFINITY, -INFINITY, 0, 0, 3, -3, 6, 1, -1, 0, 0 },
      { 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0 } },
    { "clamp",
      "min=-1 max=1",
      { NAN, 1, -1, 0, -0.0, 1, -1, 1, 1, -1, 0.5, -0.5 },
      { 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1 } },
    { "clamp",
      "min=3 max=2",
      { NAN, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 },
      { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 } },
    { "clamp",
      "max=0.5",
      { NAN, 0.5, -INFINITY, 0, -0.0, 0.5, -3, 0.5, 0.5, -1, 0.5, -0.5 },
      { 0, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1, 1 } },
};

static bool close_to(double got, double want)
{
    return (isnan(got) && isnan(want)) || got == want || fabs(got - want) <= 1e-12;
}

Test(activation, special_points)
{
    for (size_t i = 0; i < sizeof torch / sizeof *torch; i++) {
        HONE_SCOPE();
        hone_tensor *x = hone_from_data(HONE_F64, points, POINTS);
        hone_requires_grad_(x, true);
        hone_tensor_list y = hone_call(torch[i].op, hone_list(x), torch[i].attributes);
        cr_assert(y.n == 1, "%s: %s", torch[i].op, hone_error_message());
        CHECK_OK(hone_backward_with(
            y.at[0], &(hone_backward_options){ .gradient = hone_ones_like(y.at[0]) }));
        for (int k = 0; k < POINTS; k++) {
            const double got = hone_at(hone_detach(y.at[0]), k), slope = hone_at(hone_grad(x), k);
            cr_expect(close_to(got, torch[i].y[k]), "%s(%g) is %.17g, not %.17g", torch[i].op,
                      points[k], got, torch[i].y[k]);
            cr_expect(close_to(slope, torch[i].dx[k]), "%s'(%g) is %.17g, not %.17g", torch[i].op,
                      points[k], slope, torch[i].dx[k]);
        }
    }
}

/* The weight's gradient meets no 0 * inf where x is positive. */
Test(activation, prelu_beside_infinity)
{
    hone_tensor *x = hone_requires_grad_(T(HONE_F64, (1, 2, 2), INFINITY, -1, 0, -3), true);
    hone_tensor *w = hone_requires_grad_(T(HONE_F64, (2), 0.25, 0.5), true);
    hone_tensor *y = hone_prelu(x, w);
    CHECK_VALUES(hone_detach(y), HONE_F64, (1, 2, 2), INFINITY, -0.25, 0, -1.5);
    CHECK_OK(hone_backward(hone_sum(y)));
    CHECK_VALUES(hone_grad(w), HONE_F64, (2), -1, -3);
    CHECK_VALUES(hone_grad(x), HONE_F64, (1, 2, 2), 1, 0.25, 0.5, 0.5);
}

Test(activation, clamp_stays_in_integers)
{
    hone_tensor *x = T(HONE_I64, (4), -5, 0, 3, 9);
    CHECK_VALUES(hone_clamp(x, -2, 4), HONE_I64, (4), -2, 0, 3, 4);
    CHECK_VALUES(hone_clamp(x, -INFINITY, 4), HONE_I64, (4), -5, 0, 3, 4);
    CHECK_VALUES(hone_clamp(x, 0.5, INFINITY), HONE_F32, (4), 0.5, 0.5, 3, 9);
    cr_expect(hone_clamp(x, -INFINITY, INFINITY) != x, "a copy");
}

Test(activation, errors)
{
    hone_tensor *x = hone_zeros(HONE_F32, 2, 3);
    CHECK_FAILS(hone_hardtanh(x, 2, 1), HONE_E_VALUE, "min_val 2 must not be more than max_val 1");
    CHECK_FAILS(hone_celu(x, 0), HONE_E_VALUE, "alpha is 0");
    CHECK_FAILS(hone_softshrink(x, -1), HONE_E_VALUE, "lambd is -1");
    CHECK_FAILS(hone_glu(x, 1), HONE_E_SHAPE, "glu: dim 1 of x f32 [2, 3] has an odd extent");
    CHECK_FAILS(hone_glu(x, 2), HONE_E_SHAPE, "glu");
    CHECK_FAILS(hone_prelu(x, hone_zeros(HONE_F32, 2)), HONE_E_SHAPE,
                "weight f32 [2] must have one element, or one for each channel");
    CHECK_FAILS(hone_prelu(x, hone_zeros(HONE_F64, 3)), HONE_E_DTYPE, "prelu");
    CHECK_FAILS(hone_clamp(hone_zeros(HONE_BOOL, 2), 0, 1), HONE_E_DTYPE, "clamp: bool");
}
