/* test_special_points.c: signed zeros, infinities, NaN and subnormals, in f32 and f64 on every ISA:
 * powers as C17's annex F (F.10.4.4) has them, ties and NaN as PyTorch has them. */
#include "support.h"

#include "isa/isa.h"

#include <hone/hone.h>

#include <float.h>
#include <math.h>

SUITE(special_points);

/* Each (ISA, dtype). */
#define EVERYWHERE(t)                                                                              \
    for (int isa_ = 0; hone__isa_available(isa_); isa_++)                                          \
        for (hone_dtype t = (hone__isa_use(hone__isa_available(isa_)), HONE_F32); t <= HONE_F64;   \
             t++)

enum { LONG = 67 }; /* whole vectors of every ISA and a tail */

static bool same_number(double a, double b)
{
    return isnan(b) ? isnan(a) : a == b && !signbit(a) == !signbit(b);
}

/* All of t are `want`, the sign of a zero too. */
static void all_are(hone_tensor *t, double want, const char *what, double a, double b)
{
    cr_assert(t, "%s: %s", what, hone_error_message());
    for (int64_t i = 0; i < hone_numel(t); i++) {
        const double got = hone_at(hone_reshape(t, -1), i);
        cr_assert(same_number(got, want), "%s: %s of %a and %a is %a, not %a", hone__k->name, what,
                  a, b, got, want);
    }
}

/* ---- ties and NaN */

Test(special_points, of_equal_ones_the_first_and_a_nan_from_either_side)
{
    static const double pairs[][3] = { /* a, b, either extreme */
                                       { 0.0, -0.0, 0.0 }, { -0.0, 0.0, -0.0 },
                                       { NAN, 1, NAN },    { 1, NAN, NAN },
                                       { NAN, NAN, NAN },  { -INFINITY, NAN, NAN }
    };
    EVERYWHERE(t)
    {
        for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
            const double a = pairs[p][0], b = pairs[p][1], want = pairs[p][2];
            for (int64_t n = 1; n <= LONG; n += LONG - 1) {
                hone_tensor *x = hone_full(t, a, n), *y = hone_full(t, b, n);
                all_are(hone_maximum(x, y), want, "maximum", a, b);
                all_are(hone_minimum(x, y), want, "minimum", a, b);
                all_are(hone_maximum(hone_scalar(t, a), y), want, "maximum of 0-d", a, b);
                all_are(hone_minimum(hone_scalar(t, a), y), want, "minimum of 0-d", a, b);
                all_are(hone_maximum_scalar(x, b), want, "maximum_scalar", a, b);
                all_are(hone_minimum_scalar(x, b), want, "minimum_scalar", a, b);
                hone_tensor *wide = hone_full(t, a, n, 2);
                all_are(hone_maximum(hone_select(wide, 1, 1), y), want, "maximum, strided", a, b);
                all_are(hone_minimum(hone_select(wide, 1, 1), y), want, "minimum, strided", a, b);
            }
        }
    }
}

/* To both where one is NaN, half each at a tie. */
Test(special_points, gradients_of_extremes)
{
    EVERYWHERE(t)
    {
        for (int k = 0; k < 2; k++) {
            hone_tensor *a = hone_requires_grad_(T(t, (4), NAN, 1, 0, -0.0), true);
            hone_tensor *b = hone_requires_grad_(T(t, (4), 1, NAN, -0.0, 0), true);
            CHECK_OK(hone_backward(hone_sum(k ? hone_maximum(a, b) : hone_minimum(a, b))));
            CHECK_VALUES(hone_grad(a), t, (4), 1, 1, 0.5, 0.5);
            CHECK_VALUES(hone_grad(b), t, (4), 1, 1, 0.5, 0.5);
            hone_set_grad(a, HONE_NONE);
            hone_tensor *y = k ? hone_maximum_scalar(a, 0) : hone_minimum_scalar(a, 1);
            CHECK_OK(hone_backward(hone_sum(y)));
            CHECK_VALUES(hone_grad(a), t, (4), 1, k ? 1 : 0.5, k ? 0.5 : 1, k ? 0.5 : 1);
        }
    }
}

Test(special_points, zeros_of_both_signs_are_equal_in_reductions)
{
    EVERYWHERE(t)
    {
        for (int64_t n = 2; n <= LONG; n += LONG - 2)
            for (int k = 0; k < 2; k++) { /* -0 first, and last */
                hone_tensor *x = hone_full(t, k ? 0.0 : -0.0, n), *m = hone_reshape(x, 1, -1);
                hone_fill_(hone_slice(x, 0, 1, INT64_MAX, 1), k ? -0.0 : 0.0);
                cr_assert_eq(hone_item_i64(hone_argmax(x, 0, false)), 0);
                cr_assert_eq(hone_item_i64(hone_argmin(x, 0, false)), 0);
                cr_assert_eq(hone_item_i64(hone_argmax(hone_transpose(m, 0, 1), 0, false)), 0);
                hone_requires_grad_(x, true);
                CHECK_OK(hone_backward(hone_max_dim(x, 0, false)));
                cr_assert(hone_at(hone_grad(x), 0) == 1 && hone_at(hone_grad(x), 1) == 0);
                hone_set_grad(x, HONE_NONE);
                CHECK_OK(hone_backward(hone_min(x)));
                cr_assert_float_eq(hone_at(hone_grad(x), 1), 1.0 / (double)n, 1e-6);
            }
    }
}

/* The zero that wins is one for every ISA, layout and cut into blocks. */
Test(special_points, the_zero_of_a_reduction_depends_on_places_alone)
{
    double first[2][2][2]; /* what the first ISA gave: max or min, dtype, which dim */
    for (int isa = 0; hone__isa_available(isa); isa++)
        for (int dtype = 0; dtype < 2; dtype++) {
            hone__isa_use(hone__isa_available(isa));
            hone_tensor *x = hone_full(dtype ? HONE_F64 : HONE_F32, 0.0, 5000, 3);
            hone_fill_(hone_slice(hone_reshape(x, -1), 0, 0, INT64_MAX, 3), -0.0);
            hone_fill_(hone_slice(hone_reshape(x, -1), 0, 1, INT64_MAX, 5), -0.0);
            for (int k = 0; k < 2; k++)
                for (int d = 0; d < 2; d++) {
                    hone_tensor *y = k ? hone_max_dim(x, d, false) : hone_min_dim(x, d, false);
                    hone_tensor *turned = hone_contiguous(hone_transpose(x, 0, 1));
                    hone_tensor *view = hone_transpose(turned, 0, 1);
                    hone_tensor *z =
                        k ? hone_max_dim(view, d, false) : hone_min_dim(view, d, false);
                    double signs = 0; /* a sum that tells where the minus signs are */
                    for (int64_t i = 0; i < hone_numel(y); i++) {
                        signs += signbit(hone_at(y, i)) ? (double)i + 1 : 0;
                        cr_assert(same_number(hone_at(z, i), hone_at(y, i)), "a view, %d %d", k, d);
                    }
                    if (isa == 0)
                        first[k][dtype][d] = signs;
                    cr_assert_eq(signs, first[k][dtype][d], "%s: %d %d %d", hone__k->name, k, dtype,
                                 d);
                }
        }
}

Test(special_points, kinks_at_nan)
{
    EVERYWHERE(t)
    {
        hone_tensor *x = hone_requires_grad_(T(t, (4), NAN, 0, -0.0, -2), true);
        CHECK_OK(hone_backward(hone_sum(hone_abs(x))));
        CHECK_VALUES(hone_grad(x), t, (4), 0, 0, 0, -1);
        CHECK_VALUES(hone_sign(x), t, (4), 0, 0, 0, -1);
        hone_set_grad(x, HONE_NONE);
        CHECK_OK(hone_backward(hone_sum(hone_relu(x))));
        CHECK_VALUES(hone_grad(x), t, (4), 1, 0, 0, 0);
        all_are(hone_relu(hone_full(t, -0.0, LONG)), 0.0, "relu", -0.0, 0);
        all_are(hone_sign(hone_full(t, -0.0, LONG)), 0.0, "sign", -0.0, 0);
        all_are(hone_abs(hone_full(t, -0.0, LONG)), 0.0, "abs", -0.0, 0);
    }
}

/* ---- powers */

static const double bases[] = { 0,         -0.0,       1,         -1,         INFINITY,
                                -INFINITY, NAN,        2,         -2,         0.5,
                                -0.5,      0x1p-149,   -0x1p-149, 0x1p-130,   -0x1p-130,
                                0x1p-1074, -0x1p-1074, 0x1p-1040, -0x1p-1040, FLT_MIN,
                                FLT_MAX,   -FLT_MAX,   DBL_MIN,   DBL_MAX,    -DBL_MAX };
static const double exponents[] = { 0,   -0.0, 1,    -1,   2,    -2,   3,    -3,       4,
                                    -4,  0.5,  -0.5, 1.5,  -1.5, 2.5,  -2.5, INFINITY, -INFINITY,
                                    NAN, 5,    -5,   0.25, 1e9,  -1e9, 1e300 };
enum { N_BASES = sizeof bases / sizeof *bases, N_EXPONENTS = sizeof exponents / sizeof *exponents };

/* The C library's, rounded; in f32 of what a float holds. */
static double true_power(hone_dtype t, double x, double s)
{
    return t == HONE_F64 ? pow(x, s) : (double)(float)pow((double)(float)x, (double)(float)s);
}

static bool near_enough(hone_dtype t, double got, double want)
{
    const double ulp = t == HONE_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    const double least = t == HONE_F64 ? 0x1p-1074 : 0x1p-149;
    if (!isfinite(want) || want == 0)
        return same_number(got, want);
    return fabs(got - want) <= 2 * fmax(ulp * fabs(want), least);
}

Test(special_points, powers_are_those_of_annex_f)
{
    EVERYWHERE(t)
    {
        for (int i = 0; i < N_BASES; i++)
            for (int j = 0; j < N_EXPONENTS; j++) {
                const double x = bases[i], s = exponents[j], want = true_power(t, x, s);
                hone_tensor *a = hone_full(t, x, LONG);
                const double by_number = hone_at(hone_pow_scalar(a, s), LONG - 1);
                const double by_tensor = hone_at(hone_pow(a, hone_full(t, s, LONG)), 0);
                cr_assert(near_enough(t, by_number, want),
                          "%s %s: pow_scalar(%a, %a) is %a, not %a", hone__k->name,
                          hone_dtype_name(t), x, s, by_number, want);
                cr_assert(near_enough(t, by_tensor, want), "%s %s: pow(%a, %a) is %a, not %a",
                          hone__k->name, hone_dtype_name(t), x, s, by_tensor, want);
            }
    }
}

/* s x^(s-1), and 0 wherever s is 0. Gradients have no bound, so ordinary values are compared by a
 * wide one, and subnormals by whether they are small. */
Test(special_points, gradients_of_powers)
{
    EVERYWHERE(t)
    {
        for (int i = 0; i < N_BASES; i++)
            for (int j = 0; j < N_EXPONENTS; j++) {
                const double s = t == HONE_F64 ? exponents[j] : (double)(float)exponents[j];
                const double power = true_power(t, bases[i], s - 1);
                double want = s == 0 ? 0 : s * power;
                want = t == HONE_F64 ? want : (double)(float)want;
                hone_tensor *a = hone_requires_grad_(hone_full(t, bases[i], LONG), true);
                hone_tensor *b = hone_requires_grad_(hone_full(t, bases[i], LONG), true);
                CHECK_OK(hone_backward(hone_sum(hone_pow_scalar(a, s))));
                CHECK_OK(hone_backward(hone_sum(hone_pow(b, hone_full(t, s, LONG)))));
                const double least = t == HONE_F64 ? DBL_MIN : (double)FLT_MIN;
                for (int k = 0; k < 2; k++) {
                    const double got = hone_at(hone_grad(k ? b : a), LONG - 1);
                    const bool good = isfinite(want) && want != 0
                                          ? fabs(got - want) <= 1e-6 * fabs(want) + 8 * least
                                      : isnan(want) ? isnan(got)
                                                    : got == want;
                    cr_assert(good, "%s %s: d(%a^%a, %s) is %a, not %a", hone__k->name,
                              hone_dtype_name(t), bases[i], s, k ? "pow" : "pow_scalar", got, want);
                }
            }
    }
}

/* The mixed second derivative at exponent 0 is 1 / a where that is finite. */
Test(special_points, second_derivatives_at_exponent_0)
{
    hone_tensor *a = hone_requires_grad_(T(HONE_F64, (4), 2, 0, NAN, 0x1p-1030), true);
    hone_tensor *b = hone_requires_grad_(hone_zeros(HONE_F64, 4), true);
    hone_tensor *y = hone_sum(hone_pow(a, b));
    const hone_tensor_list outputs = { .at = &y, .n = 1 }, inputs = { .at = &a, .n = 1 };
    hone_tensor_list first =
        hone_autograd_grad(outputs, inputs, &(hone_autograd_options){ .create_graph = true });
    cr_assert(first.at, "%s", hone_error_message());
    CHECK_VALUES(first.at[0], HONE_F64, (4), 0, 0, 0, 0);
    hone_tensor *total = hone_sum(first.at[0]);
    CHECK_OK(hone_backward(total));
    cr_expect_eq(hone_at(hone_grad(b), 0), 0.5);
    for (int i = 1; i < 4; i++)
        cr_expect(i == 2 || isfinite(hone_at(hone_grad(b), i)));
}
