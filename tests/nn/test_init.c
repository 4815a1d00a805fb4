/* test_init.c: initial values: their ranges, moments, structure, and what is refused. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(init);

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(t, true);
}

static double mean_of(hone_tensor *t)
{
    return hone_item(hone_mean(hone_to(hone_detach(t), HONE_F64)));
}

static double std_of(hone_tensor *t)
{
    hone_tensor *x = hone_to(hone_detach(t), HONE_F64);
    return sqrt(hone_item(hone_mean(hone_square(hone_sub_scalar(x, mean_of(t))))));
}

static double low_of(hone_tensor *t)
{
    return hone_item(hone_min(hone_detach(t)));
}

static double high_of(hone_tensor *t)
{
    return hone_item(hone_max(hone_detach(t)));
}

#define NEAR(a, b, by) cr_assert(fabs((a) - (b)) <= (by), "%s is %g", #a, (double)(a))

Test(init, uniform_and_normal)
{
    hone_seed(1);
    for (hone_dtype d = HONE_F32; d <= HONE_F64; d++) {
        hone_tensor *t = leaf(hone_zeros(d, 200, 300));
        cr_assert(hone_init_uniform_(t, -3, 5, NULL) == t);
        cr_assert(low_of(t) >= -3 && high_of(t) < 5 && low_of(t) < -2.99 && high_of(t) > 4.99);
        NEAR(mean_of(t), 1, 0.05);
        cr_assert(hone_init_normal_(t, 2, 0.5, NULL) == t && hone_is_leaf(t));
        NEAR(mean_of(t), 2, 0.02);
        NEAR(std_of(t), 0.5, 0.01);
    }
}

Test(init, the_values_do_not_depend_on_strides)
{
    hone_tensor *a = hone_zeros(HONE_F32, 5, 7), *b = hone_zeros(HONE_F32, 7, 5);
    hone_generator *g = hone_generator_new(3, 1);
    const hone_generator_state begin = { .seed = 3, .number = 1 };
    hone_tensor *(*const fill[])(hone_tensor *, double, hone_generator *) = {
        hone_init_xavier_uniform_, hone_init_xavier_normal_, hone_init_orthogonal_
    };
    for (int i = 0; i < 3; i++) {
        CHECK_OK(hone_generator_set(g, &begin));
        fill[i](a, 1, g);
        CHECK_OK(hone_generator_set(g, &begin));
        fill[i](hone_transpose(b, 0, 1), 1, g);
        cr_assert(hone_equal(a, hone_transpose(b, 0, 1)), "%d", i);
    }
    hone_generator_free(g);
}

Test(init, generators)
{
    hone_tensor *a = hone_zeros(HONE_F32, 9), *b = hone_zeros(HONE_F32, 9);
    hone_seed(5);
    hone_tensor *next = hone_rand(HONE_F32, 3);
    hone_generator *g = hone_generator_new(3, 1), *h = hone_generator_new(3, 1);
    hone_seed(5);
    hone_init_uniform_(a, 0, 1, g);
    hone_init_uniform_(b, 0, 1, h);
    cr_assert(hone_equal(a, b));
    cr_assert(hone_equal(next, hone_rand(HONE_F32, 3))); /* the thread's hasn't moved */
    hone_generator_free(g);
    hone_generator_free(h);
}

/* Moments of a normal distribution cut to [a, b] by numerical integration. */
static void truncated_moments(double mean, double std, double a, double b, double *m, double *s)
{
    enum { N = 20000 };
    double weight = 0, first = 0, second = 0;
    a = fmax(a, mean - 12 * std);
    b = fmin(b, mean + 12 * std);
    for (int i = 0; i < N; i++) {
        const double x = a + (b - a) * (i + 0.5) / N, w = exp(-0.5 * pow((x - mean) / std, 2));
        weight += w;
        first += w * x;
        second += w * x * x;
    }
    *m = first / weight;
    *s = sqrt(second / weight - *m * *m);
}

static void check_truncated(double mean, double std, double a, double b)
{
    HONE_SCOPE();
    double m, s;
    truncated_moments(mean, std, a, b, &m, &s);
    hone_tensor *t = hone_zeros(HONE_F32, 200, 250);
    cr_assert(hone_init_trunc_normal_(t, mean, std, a, b, NULL) == t, "%s", hone_error_message());
    cr_assert(low_of(t) >= (float)a && high_of(t) <= (float)b);
    NEAR(mean_of(t), m, 0.03 * s);
    NEAR(std_of(t), s, 0.03 * s);
}

Test(init, truncated_normal)
{
    hone_seed(2);
    check_truncated(0, 1, -2, 2); /* PyTorch's defaults: a deviation of 0.88 */
    check_truncated(0, 0.02, -2, 2);
    check_truncated(1, 2, -1, 0.5);
    check_truncated(0, 1, 3, INFINITY);
    check_truncated(5, 0.5, -2, 4.9);
    check_truncated(0, 1, -0.1, 0.1);
    hone_tensor *t = hone_zeros(HONE_F64, 4);
    hone_init_trunc_normal_(t, 0, 1, 1.5, 1.5, NULL);
    CHECK_VALUES(t, HONE_F64, (4), 1.5, 1.5, 1.5, 1.5);
    cr_assert(hone_init_trunc_normal_(hone_zeros(HONE_F32, 0), 0, 1, -2, 2, NULL));
}

Test(init, constants)
{
    hone_tensor *t = leaf(hone_zeros(HONE_F32, 2, 2));
    CHECK_VALUES(hone_detach(hone_init_constant_(t, 3)), HONE_F32, (2, 2), 3, 3, 3, 3);
    CHECK_VALUES(hone_detach(hone_init_zeros_(t)), HONE_F32, (2, 2), 0, 0, 0, 0);
    CHECK_VALUES(hone_detach(hone_init_ones_(t)), HONE_F32, (2, 2), 1, 1, 1, 1);
    CHECK_VALUES(hone_init_eye_(hone_ones(HONE_F64, 2, 3)), HONE_F64, (2, 3), 1, 0, 0, 0, 1, 0);
}

/* As torch.nn.init.dirac_(torch.empty(4, 2, 3), groups=2). */
Test(init, dirac)
{
    hone_tensor *t = hone_init_dirac_(hone_ones(HONE_F32, 4, 2, 3), 2);
    CHECK_VALUES(t, HONE_F32, (4, 2, 3), 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                 0, 0, 1, 0);
    /* a convolution that gives its input */
    hone_tensor *x = hone_randn(HONE_F32, 2, 3, 5, 5);
    hone_tensor *w = hone_init_dirac_(hone_empty(HONE_F32, 3, 3, 3, 3), 0);
    hone_conv2d_options o = { .padding = { 1, 1 } };
    cr_assert(hone_equal(hone_conv2d(x, w, HONE_NONE, &o), x));
    cr_assert(hone_init_dirac_(hone_empty(HONE_F32, 2, 2, 1, 2, 3), 1));
    cr_assert(hone_init_dirac_(hone_empty(HONE_F32, 2, 0, 3), 1));
}

Test(init, gains)
{
    cr_assert(hone_init_calculate_gain("sigmoid", 0) == 1);
    cr_assert(hone_init_calculate_gain("tanh", 0) == 1.6666666666666667);
    cr_assert(hone_init_calculate_gain("relu", 0) == 1.4142135623730951);
    cr_assert(hone_init_calculate_gain("leaky_relu", 0) == 1.4141428569978354);
    cr_assert(hone_init_calculate_gain("leaky_relu", HONE_ZERO) == 1.4142135623730951);
    cr_assert(hone_init_calculate_gain("leaky_relu", 1) == 1);
    cr_assert(hone_init_calculate_gain("selu", 0) == 0.75);
    cr_assert(isnan(hone_init_calculate_gain("gelu", 0)));
    CHECK_ERROR(HONE_E_VALUE, "there is no gain of \"gelu\"");
}

Test(init, by_fans)
{
    hone_seed(4);
    hone_tensor *t = hone_empty(HONE_F32, 60, 30, 5, 5); /* fans 750 and 1500 */
    double bound = sqrt(6 / 2250.);
    hone_init_xavier_uniform_(t, 0, NULL);
    cr_assert(high_of(t) < bound && high_of(t) > 0.999 * bound && low_of(t) >= -bound);
    hone_init_xavier_normal_(t, 2, NULL);
    NEAR(std_of(t), 2 * sqrt(2 / 2250.), 0.001);
    hone_init_kaiming_uniform_(t, NULL, NULL);
    bound = sqrt(6 / 750.);
    cr_assert(high_of(t) < bound && high_of(t) > 0.999 * bound);
    hone_init_kaiming_normal_(
        t, &(hone_init_kaiming_options){ .fan_out = true, .nonlinearity = "tanh" }, NULL);
    NEAR(std_of(t), 5 / 3. / sqrt(1500), 0.001);
    /* torch.nn.Linear's */
    hone_init_kaiming_uniform_(t, &(hone_init_kaiming_options){ .a = sqrt(5) }, NULL);
    cr_assert(high_of(t) < 1 / sqrt(750) && high_of(t) > 0.999 / sqrt(750));
    cr_assert(hone_init_kaiming_normal_(hone_empty(HONE_F32, 3, 0), NULL, NULL));
    cr_assert(hone_init_xavier_normal_(hone_empty(HONE_F32, 0, 0), 0, NULL));
}

static void check_orthogonal(hone_dtype dtype, hone_tensor *t, double gain)
{
    HONE_SCOPE();
    cr_assert(hone_init_orthogonal_(t, gain, NULL) == t, "%s", hone_error_message());
    const int64_t n = hone_size(t, 0);
    hone_tensor *q = hone_reshape(hone_to(t, HONE_F64), n, -1);
    if (n > hone_size(q, 1))
        q = hone_transpose(q, 0, 1);
    hone_tensor *gram = hone_matmul(q, hone_transpose(q, 0, 1));
    hone_tensor *want = hone_mul_scalar(hone_eye(HONE_F64, hone_size(q, 0), hone_size(q, 0)),
                                        gain == 0 ? 1 : gain * gain);
    cr_assert(hone_allclose(gram, want, 0, dtype == HONE_F64 ? 1e-12 : 1e-5));
}

Test(init, orthogonal)
{
    hone_seed(6);
    for (hone_dtype d = HONE_F32; d <= HONE_F64; d++) {
        check_orthogonal(d, hone_empty(d, 2, 4), 3);
        check_orthogonal(d, hone_empty(d, 40, 7), 0);
        check_orthogonal(d, hone_empty(d, 50, 50), 0);
        check_orthogonal(d, hone_empty(d, 8, 2, 3, 3), 0.5);
    }
    cr_assert(hone_init_orthogonal_(hone_empty(HONE_F32, 0, 4), 0, NULL));
    /* The first row of Q is the first of the normal numbers, of length 1. */
    hone_tensor *t = hone_empty(HONE_F64, 3, 5);
    hone_seed(7);
    hone_tensor *row = hone_select(hone_randn(HONE_F64, 3, 5), 0, 0);
    hone_seed(7);
    hone_init_orthogonal_(t, 0, NULL);
    cr_assert(hone_allclose(hone_select(t, 0, 0),
                            hone_div(row, hone_sqrt(hone_sum(hone_square(row)))), 0, 1e-14));
}

Test(init, sparse)
{
    hone_seed(8);
    hone_tensor *t = hone_init_sparse_(hone_empty(HONE_F32, 10, 300), 0.25, 0, NULL);
    hone_tensor *zeros = hone_sum_dim(hone_to(hone_eq_scalar(t, 0), HONE_F32), 0, false);
    cr_assert(low_of(zeros) == 3 && high_of(zeros) == 3); /* 2.5, up */
    NEAR(std_of(t), 0.01 * sqrt(0.7), 0.0005);
    hone_tensor *by_row = hone_sum_dim(hone_to(hone_eq_scalar(t, 0), HONE_F32), 1, false);
    cr_assert(low_of(by_row) > 50 && high_of(by_row) < 130);
    cr_assert(high_of(hone_init_sparse_(t, 1, 1, NULL)) == 0);
}

Test(init, that_can_not_be)
{
    hone_tensor *t = hone_empty(HONE_F32, 2, 2), *row = hone_empty(HONE_F32, 4);
    CHECK_FAILS(hone_init_uniform_(t, 1, 0, NULL), HONE_E_VALUE,
                "init_uniform_: a is 1, but no more than b, 0, is wanted");
    CHECK_FAILS(hone_init_uniform_(t, NAN, 0, NULL), HONE_E_VALUE, "a is nan");
    CHECK_FAILS(hone_init_normal_(t, 0, -1, NULL), HONE_E_VALUE,
                "init_normal_: std is -1, but 0 or more is wanted");
    CHECK_FAILS(hone_init_trunc_normal_(t, 0, 0, -2, 2, NULL), HONE_E_VALUE,
                "init_trunc_normal_: std is 0, but more than 0 is wanted");
    CHECK_FAILS(hone_init_trunc_normal_(t, 0, 1, 2, -2, NULL), HONE_E_VALUE, "a is 2");
    CHECK_FAILS(hone_init_ones_(hone_zeros(HONE_I64, 2)), HONE_E_DTYPE,
                "init_ones_: i64 [2] (a float is wanted)");
    CHECK_FAILS(hone_init_eye_(row), HONE_E_SHAPE, "init_eye_: f32 [4], but 2 dims are wanted");
    CHECK_FAILS(hone_init_dirac_(t, 1), HONE_E_SHAPE, "3 to 5 dims are wanted");
    CHECK_FAILS(hone_init_dirac_(hone_empty(HONE_F32, 4, 2, 3), 3), HONE_E_VALUE,
                "init_dirac_: 3 groups don't divide f32 [4, 2, 3]");
    CHECK_FAILS(hone_init_xavier_uniform_(row, 1, NULL), HONE_E_SHAPE,
                "init_xavier_uniform_: f32 [4] has no fans");
    CHECK_FAILS(
        hone_init_kaiming_normal_(t, &(hone_init_kaiming_options){ .nonlinearity = "swish" }, NULL),
        HONE_E_VALUE, "there is no gain of \"swish\"");
    CHECK_FAILS(hone_init_orthogonal_(row, 1, NULL), HONE_E_SHAPE, "init_orthogonal_");
    CHECK_FAILS(hone_init_orthogonal_(t, INFINITY, NULL), HONE_E_VALUE, "gain is inf");
    CHECK_FAILS(hone_init_sparse_(t, 2, 0, NULL), HONE_E_VALUE,
                "init_sparse_: sparsity is 2, but 0 to 1 is wanted");
    CHECK_FAILS(hone_init_sparse_(row, 0.5, 0, NULL), HONE_E_SHAPE, "2 dims are wanted");
    CHECK_FAILS(hone_init_ones_(hone_expand(row, 3, 4)), HONE_E_STATE, "expanded");
}

static bool draw(void)
{
    HONE_SCOPE();
    hone_tensor *t = hone_zeros(HONE_F32, 4, 3);
    return t && hone_init_trunc_normal_(t, 0, 1, -1, 1, NULL) &&
           hone_init_orthogonal_(t, 0, NULL) && hone_init_sparse_(t, 0.5, 0, NULL) &&
           hone_init_eye_(t) && hone_init_kaiming_normal_(t, NULL, NULL);
}

Test(init, failed_allocations_leave_nothing)
{
    hone_seed(1);
    test_each_allocation_fails(draw);
}
