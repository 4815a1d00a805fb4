/* test_scan.c: running sums and products, products, norms, truth values: zeros, no elements, NaN, and
 * what is refused. Numbers are PyTorch's. */
#include "support.h"

#include <hone/hone.h>

#include <math.h>

SUITE(scan);

typedef hone_tensor *(*function)(hone_tensor *x);

static hone_tensor *cumprod(hone_tensor *x)
{
    return hone_cumprod(x, 0);
}

/* The gradient of f(x) weighted by 1, 2, .., and the gradient of that gradient of f's sum. */
static void gradients(function f, hone_tensor *x, hone_tensor *first, hone_tensor *second)
{
    hone_requires_grad_(x, true);
    hone_tensor *y = f(x);
    hone_tensor *w = hone_reshape(hone_arange(HONE_F64, 1, (double)hone_numel(y) + 1, 1), -1);
    hone_tensor_list g = hone_autograd_grad(hone_list(hone_sum(hone_mul(hone_reshape(y, -1), w))),
                                            hone_list(x), NULL);
    cr_assert(g.at, "%s", hone_error_message());
    cr_expect(hone_allclose(g.at[0], first, 1e-14, 0));
    const hone_autograd_options again = { .create_graph = true };
    g = hone_autograd_grad(hone_list(hone_sum(f(x))), hone_list(x), &again);
    cr_assert(g.at, "%s", hone_error_message());
    hone_tensor *v = hone_arange(HONE_F64, 1, (double)hone_numel(x) + 1, 1);
    g = hone_autograd_grad(hone_list(hone_sum(hone_mul(g.at[0], v))), hone_list(x), NULL);
    cr_assert(g.at, "%s", hone_error_message());
    cr_expect(hone_allclose(g.at[0], second, 1e-14, 0));
}

Test(scan, gradients_with_zeros)
{
#define V(...) T(HONE_F64, (3), __VA_ARGS__)
    gradients(hone_prod, V(2, 0, 3), V(0, 6, 0), V(6, 9, 4));
    gradients(hone_prod, V(0, 0, 3), V(0, 0, 0), V(6, 3, 0));
    gradients(hone_prod, V(0, 0, 0), V(0, 0, 0), V(0, 0, 0));
    gradients(cumprod, V(2, 0, 3), V(1, 22, 0), V(8, 10, 4));
    gradients(cumprod, V(0, 0, 3), V(1, 0, 0), V(8, 4, 0));
    gradients(cumprod, V(2, 3, 4), V(43, 28, 18), V(19, 11, 7));
}

Test(scan, dtypes_and_ends)
{
    CHECK_VALUES(hone_cumsum(T(HONE_BOOL, (3), 1, 0, 1), 0), HONE_I64, (3), 1, 1, 2);
    CHECK_VALUES(hone_cumprod(T(HONE_U8, (3), 200, 2, 2), 0), HONE_I64, (3), 200, 400, 800);
    CHECK_VALUE0(hone_cumsum(hone_scalar(HONE_F32, 3), -1), HONE_F32, 3);
    CHECK_VALUE0(hone_prod(T(HONE_I32, (2), INT32_MAX, 4)), HONE_I64, 4.0 * INT32_MAX);
    CHECK_VALUE0(hone_prod(T(HONE_BOOL, (2), 1, 0)), HONE_I64, 0);
    CHECK_VALUE0(hone_prod(hone_zeros(HONE_F32, 0)), HONE_F32, 1);
    CHECK_VALUES(hone_prod_dim(hone_zeros(HONE_U8, 2, 0), 1, false), HONE_I64, (2), 1, 1);
    cr_expect_eq(hone_numel(hone_prod_dim(hone_zeros(HONE_F32, 2, 0), 0, false)), 0);
    /* f32 in f64: neither sums nor products lose what comes back */
    CHECK_VALUES(hone_cumsum(T(HONE_F32, (3), 1e8, 1, -1e8), 0), HONE_F32, (3), 1e8, 1e8, 1);
    CHECK_VALUE0(hone_prod(T(HONE_F32, (3), 1e30f, 1e30f, 0)), HONE_F32, 0);
    CHECK_FAILS(hone_cumsum(hone_zeros(HONE_F32, 2), 1), HONE_E_SHAPE, "cumsum: dim 1");
    CHECK_FAILS(hone_cumprod(hone_zeros(HONE_F32, 2), -2), HONE_E_SHAPE, "cumprod: dim -2");
    CHECK_FAILS(hone_prod_dim(hone_zeros(HONE_F32, 2), 1, true), HONE_E_SHAPE, "prod_dim: dim 1");
}

/* Pieces of 4096 elements, the last one of them not whole: every element is there once. */
Test(scan, long_products)
{
    hone_tensor *x = hone_full(HONE_F32, 2, 2, 9001);
    hone_fill_(hone_slice(x, 1, 1, 9001, 2), 0.5);
    hone_fill_(hone_slice(x, 1, 4095, 4097, 1), 3);
    hone_fill_(hone_slice(x, 1, 9000, 9001, 1), 7);
    for (int threads = 1; threads <= 3; threads++) {
        hone_set_threads(threads);
        CHECK_VALUES(hone_prod_dim(x, 1, false), HONE_F32, (2), 63, 63);
        CHECK_VALUE0(hone_prod(x), HONE_F32, 3969);
    }
}

static void norm_is(double p, hone_tensor *x, double y, hone_tensor *dx)
{
    hone_requires_grad_(x, true);
    hone_tensor *got = hone_norm(x, p);
    cr_expect(hone_item(got) == y || fabs(hone_item(got) - y) <= 1e-14 * y ||
                  (isnan(y) && isnan(hone_item(got))),
              "p %g", p);
    CHECK_OK(hone_backward(got));
    cr_expect(hone_allclose(hone_grad(x), dx, 1e-4, 0), "p %g", p);
}

Test(scan, norms_as_pytorch)
{
#undef V
#define V(...) T(HONE_F64, (2), __VA_ARGS__)
#define W(...) T(HONE_F64, (3), __VA_ARGS__)
    const double inf = (double)INFINITY, nan = (double)NAN,
                 powers[] = { 0, 1, 2, inf, -inf, .5, 3, -1 };
    for (int i = 0; i < 8; i++)
        norm_is(powers[i], V(0, 0), 0, V(0, 0));
    norm_is(0, W(-2, 2, 1), 3, W(0, 0, 0));
    norm_is(1, V(0, 3), 3, V(0, 1));
    norm_is(2, V(inf, 1), inf, V(nan, 0));
    norm_is(inf, W(-2, 2, 1), 2, W(-.5, .5, 0));
    norm_is(inf, V(nan, 1), nan, V(0, 0));
    norm_is(inf, V(inf, 1), inf, V(1, 0));
    norm_is(-inf, W(-2, 2, 1), 1, W(0, 0, 1));
    norm_is(-inf, V(0, 3), 0, V(0, 0));
    norm_is(.5, V(0, 4), 4, V(0, 1));
    norm_is(.5, W(-2, 2, 1), 14.656854249492381, W(-2.707107, 2.707107, 3.828427));
    norm_is(3, W(-2, 2, 1), 2.571281590658235, W(-0.604996, 0.604996, 0.151249));
    norm_is(-1, W(-2, 2, 1), 0.5, W(-0.0625, 0.0625, 0.25));
    norm_is(-1, V(0, 3), 0, V(0, 0));
    CHECK_VALUES(hone_norm_dim(hone_zeros(HONE_F32, 2, 0), 1, 2, false), HONE_F32, (2), 0, 0);
    cr_expect_eq(hone_numel(hone_norm_dim(hone_zeros(HONE_F32, 0, 2), 1, inf, false)), 0);
    CHECK_FAILS(hone_norm(hone_zeros(HONE_F32, 0), inf), HONE_E_SHAPE, "norm: of nothing");
    CHECK_FAILS(hone_norm_dim(hone_zeros(HONE_F32, 2, 0), 1, -1, true), HONE_E_SHAPE, "norm_dim");
    CHECK_FAILS(hone_norm(hone_zeros(HONE_I64, 2), 2), HONE_E_DTYPE, "norm: needs f32 or f64");
    CHECK_FAILS(hone_norm(hone_zeros(HONE_F32, 2), nan), HONE_E_VALUE, "norm: p is NaN");
    CHECK_FAILS(hone_norm_dims(hone_zeros(HONE_F32, 2), 2, true, 0, -1), HONE_E_SHAPE,
                "norm_dims: dim 0 is given twice");
}

Test(scan, truth)
{
    CHECK_VALUE0(hone_any(T(HONE_U8, (2), 0, 3)), HONE_U8, 1);
    CHECK_VALUES(hone_all_dim(T(HONE_U8, (1, 2), 2, 3), 1, false), HONE_U8, (1), 1);
    CHECK_VALUE0(hone_any(T(HONE_F32, (2), 0, NAN)), HONE_BOOL, 1);
    CHECK_VALUE0(hone_any(T(HONE_F32, (2), 0, -0.0)), HONE_BOOL, 0);
    CHECK_VALUE0(hone_all(hone_zeros(HONE_F32, 0)), HONE_BOOL, 1);
    CHECK_VALUE0(hone_any(hone_zeros(HONE_F32, 0)), HONE_BOOL, 0);
    CHECK_VALUES(hone_any_dim(hone_zeros(HONE_F32, 2, 0), 1, false), HONE_BOOL, (2), 0, 0);
    CHECK_FAILS(hone_any_dim(hone_zeros(HONE_F32, 2), 1, false), HONE_E_SHAPE, "any_dim: dim 1");
}

Test(scan, var_mean)
{
    hone_var_and_mean r = hone_var_mean(T(HONE_F32, (2), 1, 2), 1);
    CHECK_VALUE0(r.var, HONE_F32, 0.5);
    CHECK_VALUE0(r.mean, HONE_F32, 1.5);
    hone_std_and_mean s = hone_std_mean_dim(T(HONE_F32, (2, 2), 1, 3, 2, 2), 1, 1, true);
    CHECK_CLOSE(s.std, 1e-6, 0, HONE_F32, (2, 1), sqrt(2), 0);
    CHECK_VALUES(s.mean, HONE_F32, (2, 1), 2, 2);
    r = hone_var_mean(hone_zeros(HONE_I64, 2), 1);
    cr_expect(!r.var && !r.mean);
    CHECK_ERROR(HONE_E_DTYPE, "var_mean: needs f32 or f64");
    r = hone_var_mean_dim(hone_zeros(HONE_F32, 2), 1, 1, false);
    CHECK_ERROR(HONE_E_SHAPE, "var_mean_dim: dim 1");
    s = hone_std_mean_dims(hone_zeros(HONE_F32, 2), 1, false, 0, 0);
    CHECK_ERROR(HONE_E_SHAPE, "std_mean_dims: dim 0 is given twice");
}
