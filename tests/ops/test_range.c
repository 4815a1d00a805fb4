/* Variance, standard deviation, layer norm and their gradients over the whole range of f32 and f64:
 * squares that overflow or underflow, sums that overflow, means that a number of the dtype can't
 * tell from their neighbours. Against long double, in every layout, with the same bits on every ISA
 * and any number of threads. */
#include "support.h"

#include "isa/isa.h"

#include <hone/hone.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>

static void force_threads(void)
{
    setenv("HONE_FORCE_THREADS", "5", 1);
    test_begin();
}

TestSuite(range, .init = force_threads, .fini = test_end);

/* ---- rows of many sizes; x[i] = scale (noise + lift) */

typedef struct {
    double scale, lift;
} kind;
static const kind f32_kinds[] = {
    { 1e-45, 5 }, { 1e-44, 0 },  { 1e-41, 1 }, { 1e-38, 0 },    { 1e-30, 3 }, { 1e-23, 0 },
    { 1e-19, 1 }, { 1e-15, 0 },  { 1e-10, 1 }, { 1e-3, 1000 },  { 1, 0 },     { 1, 1e7 },
    { 1e10, 1 },  { 1e18, 0 },   { 1e19, 2 },  { 1e25, -1000 }, { 1e30, 0 },  { 1e37, 1 },
    { 1e38, 0 },  { 3e38, 0.5 }, { 3e38, 0 },
};
static const kind f64_kinds[] = {
    { 5e-324, 4 }, { 1e-320, 0 }, { 1e-305, 1 },  { 1e-250, 0 },    { 1e-162, 1 },  { 1e-155, 0 },
    { 1e-150, 1 }, { 1e-100, 0 }, { 1e-3, 1e6 },  { 1, 0 },         { 1e50, 1 },    { 1e150, 0 },
    { 1e154, 1 },  { 1e160, 0 },  { 1e200, 1e5 }, { 1.7e308, 0.5 }, { 1.7e308, 0 },
};
enum { N_F32 = sizeof f32_kinds / sizeof *f32_kinds, N_F64 = sizeof f64_kinds / sizeof *f64_kinds };

static double noise(int64_t i)
{
    return (double)((i * 2654435761u + 12345) % 1000003 % 2001) / 1000 - 1; /* [-1, 1] */
}

static int64_t n_rows(hone_dtype dtype)
{
    return dtype == HONE_F32 ? N_F32 : N_F64;
}

static hone_tensor *rows_of(hone_dtype dtype, int64_t cols)
{
    const int64_t rows = n_rows(dtype);
    hone_tensor *x = hone_empty(HONE_F64, rows, cols);
    double *at = hone_data(x);
    for (int64_t r = 0; r < rows; r++) {
        const kind k = dtype == HONE_F32 ? f32_kinds[r] : f64_kinds[r];
        for (int64_t j = 0; j < cols; j++)
            at[r * cols + j] = k.scale * ((noise(r * cols + j) + k.lift) / (1 + fabs(k.lift)));
        for (int64_t j = 0; j < cols && fabs(k.lift) >= 1000; j++)
            at[r * cols + j] = k.scale * (noise(r * cols + j) + k.lift);
    }
    return hone_to(x, dtype);
}

/* ---- long double */

typedef struct {
    long double base, shift, m2; /* the mean is base + shift: not even long double holds the sum */
} exact;

static long double deviation(const exact *e, double x)
{
    return ((long double)x - e->base) - e->shift;
}

static exact moments(const double *x, int64_t n)
{
    exact e = { .base = (long double)x[0] };
    for (int64_t j = 0; j < n; j++)
        e.shift += ((long double)x[j] - e.base) / (long double)n;
    for (int64_t j = 0; j < n; j++)
        e.m2 += deviation(&e, x[j]) * deviation(&e, x[j]);
    return e;
}

/* Within tol of `scale`, or of the dtype's least number; infinite where the dtype ends. */
static void check(hone_dtype dtype, double got, long double want, long double scale,
                  const char *what, int64_t row, int64_t col)
{
    const long double tol = dtype == HONE_F32 ? 3e-6L : 6e-15L;
    const long double most = dtype == HONE_F32 ? (long double)FLT_MAX : (long double)DBL_MAX;
    const long double least = dtype == HONE_F32 ? 0x1p-149L : 0x1p-1074L;
    if (scale * tol >= most || isnan(want)) /* what rounds to infinity; 0 / 0 */
        return;
    const bool right = fabsl(want) > most * (1 + tol) ? isinf(got) && (got > 0) == (want > 0)
                       : isinf(got)                   ? fabsl(want) > most * (1 - tol)
                                    : fabsl((long double)got - want) <= tol * scale + 2 * least;
    cr_assert(right, "%s of %s, row %d, element %d: %g, not %Lg", what, hone_dtype_name(dtype),
              (int)row, (int)col, got, want);
}

static const double *numbers(hone_tensor *t)
{
    cr_assert(t, "%s", hone_error_message());
    return hone_data(hone_contiguous(hone_to(hone_detach(t), HONE_F64)));
}

/* ---- every layout of [rows, cols], reduced over cols */

typedef enum { ROWS, ACROSS, COLUMNS, PIECES, N_LAYOUTS } layout;

/* x so laid out, and the dim that holds a row. */
static hone_tensor *lay(hone_tensor *x, layout how, int *dim)
{
    *dim = how == COLUMNS ? 0 : 1;
    hone_tensor *turned = hone_contiguous(hone_transpose(x, 0, 1));
    if (how == ROWS)
        return x;
    if (how == COLUMNS)
        return turned;
    if (how == ACROSS)
        return hone_transpose(turned, 0, 1);
    hone_tensor *wide = hone_cat(hone_list(x, x), 1);
    return hone_slice(wide, 1, 0, hone_size(x, 1), 1);
}

/* [rows, cols] again. */
static hone_tensor *straight(hone_tensor *t, layout how)
{
    return how == COLUMNS && t ? hone_transpose(t, 0, 1) : t;
}

/* The gradient of sum(f(x) dy). */
static hone_tensor *gradient(hone_tensor *y, hone_tensor *x, hone_tensor *dy)
{
    hone_tensor_list g = hone_autograd_grad(
        hone_list(y), hone_list(x), &(hone_autograd_options){ .grad_outputs = hone_list(dy) });
    cr_assert(g.at, "%s", hone_error_message());
    return g.at[0];
}

static void check_variance(hone_tensor *x, layout how, double correction)
{
    HONE_SCOPE();
    int dim;
    const hone_dtype dtype = hone_dtype_of(x);
    const int64_t rows = hone_size(x, 0), n = hone_size(x, 1);
    hone_tensor *laid = hone_requires_grad_(hone_detach(lay(x, how, &dim)), true);
    hone_tensor *var = hone_var_dim(laid, dim, correction, false);
    hone_tensor *std = hone_std_dim(laid, dim, correction, false);
    const double *at = numbers(x), *v = numbers(var), *s = numbers(std);
    hone_tensor *dy = hone_full(dtype, 0.75, rows);
    const double *dv = numbers(straight(gradient(var, laid, dy), how));
    const double *ds = numbers(straight(gradient(std, laid, dy), how));
    const long double free = (long double)n - (long double)correction;
    for (int64_t r = 0; r < rows; r++) {
        const exact e = moments(at + r * n, n);
        const long double root = sqrtl(e.m2 / free);
        check(dtype, v[r], e.m2 / free, e.m2 / free, "var", r, 0);
        check(dtype, s[r], root, root, "std", r, 0);
        for (int64_t j = 0; j < n; j++) {
            const long double d = deviation(&e, at[r * n + j]);
            const long double most = sqrtl(e.m2);
            check(dtype, dv[r * n + j], 1.5L * d / free, 2 * (most + fabsl(d)) / free, "dvar", r,
                  j);
            if (s[r] > 0)
                check(dtype, ds[r * n + j], 0.75L * d / root / free,
                      2 * (most + fabsl(d)) / root / free, "dstd", r, j);
            else
                cr_assert_eq(ds[r * n + j], 0);
        }
    }
}

static const int64_t lengths[] = { 2, 3, 10, 31, 64, 100, 700, 4097, 9000 };
enum { N_LENGTHS = sizeof lengths / sizeof *lengths };

Test(range, variance_and_its_gradient)
{
    for (int dtype = 0; dtype <= (int)HONE_F64; dtype++)
        for (int i = 0; i < N_LENGTHS; i++)
            for (layout how = 0; how < N_LAYOUTS; how++)
                check_variance(rows_of((hone_dtype)dtype, lengths[i]), how, how == ROWS ? 1 : 0.5);
}

/* ---- layer norm */

static void check_layer_norm(hone_tensor *x, layout how, double eps)
{
    HONE_SCOPE();
    int dim;
    const hone_dtype dtype = hone_dtype_of(x);
    const int64_t rows = hone_size(x, 0), n = hone_size(x, 1);
    hone_tensor *laid = lay(x, how, &dim);
    laid = hone_requires_grad_(hone_detach(straight(laid, how)), true);
    hone_tensor *weight = hone_requires_grad_(hone_full(dtype, 1.5, n), true);
    hone_tensor *y = hone_layer_norm(laid, weight, HONE_NONE, 1, eps);
    hone_tensor *dy = hone_empty(HONE_F64, rows, n);
    for (int64_t i = 0; i < rows * n; i++)
        ((double *)hone_data(dy))[i] = noise(7 * i + 3);
    dy = hone_to(dy, dtype);
    const double *at = numbers(x), *got = numbers(y), *g = numbers(dy);
    const double *dx = numbers(gradient(y, laid, dy));
    y = hone_layer_norm(laid, weight, HONE_NONE, 1, eps);
    const double *dw = numbers(gradient(y, weight, dy));
    const long double rounded = dtype == HONE_F32 ? (long double)(float)eps : (long double)eps;
    long double *weights = calloc((size_t)n, sizeof *weights);
    for (int64_t r = 0; r < rows; r++) {
        const exact e = moments(at + r * n, n);
        const long double scale = 1 / sqrtl(e.m2 / (long double)n + rounded), root = sqrtl(n);
        long double mean_g = 0, mean_gv = 0;
        for (int64_t j = 0; j < n; j++) {
            const long double v = deviation(&e, at[r * n + j]) * scale;
            check(dtype, got[r * n + j], 1.5L * v, 1.5L * root, "y", r, j);
            mean_g += 1.5L * (long double)g[r * n + j] / (long double)n;
            mean_gv += 1.5L * (long double)g[r * n + j] * v / (long double)n;
            weights[j] += (long double)g[r * n + j] * v;
        }
        for (int64_t j = 0; j < n; j++) {
            const long double v = deviation(&e, at[r * n + j]) * scale;
            check(dtype, dx[r * n + j],
                  (1.5L * (long double)g[r * n + j] - mean_g - v * mean_gv) * scale,
                  4 * root * scale, "dx", r, j);
        }
    }
    for (int64_t j = 0; j < n; j++)
        check(dtype, dw[j], weights[j], (long double)rows * sqrtl(n), "dw", 0, j);
    free(weights);
}

Test(range, layer_norm_and_its_gradients)
{
    for (int dtype = 0; dtype <= (int)HONE_F64; dtype++)
        for (int i = 0; i < N_LENGTHS; i++)
            for (layout how = 0; how < N_LAYOUTS; how++) {
                hone_tensor *x = rows_of((hone_dtype)dtype, lengths[i]);
                check_layer_norm(x, how, 0);
                check_layer_norm(x, how, 1e-5);
                check_layer_norm(x, how, dtype == HONE_F32 ? 1e-35 : 1e-300);
            }
}

/* ---- the same bits */

enum { N_RESULTS = 9 };

static void compute(hone_tensor *x, hone_tensor **out)
{
    int dim;
    hone_tensor *laid = hone_requires_grad_(hone_detach(x), true), *y;
    hone_tensor *turned = hone_requires_grad_(hone_detach(lay(x, COLUMNS, &dim)), true);
    hone_tensor *dy = hone_full(hone_dtype_of(x), 0.75, hone_size(x, 0));
    hone_tensor *weight =
        hone_requires_grad_(hone_full(hone_dtype_of(x), 2, hone_size(x, 1)), true);
    out[0] = hone_var(x, 1);
    out[1] = hone_std_dim(laid, 1, 1, false);
    out[2] = gradient(out[1], laid, dy);
    out[3] = hone_std_dim(turned, 0, 1, false);
    out[4] = gradient(out[3], turned, dy);
    out[5] = gradient(hone_var_dim(laid, 1, 0, false), laid, dy);
    out[6] = y = hone_layer_norm(laid, weight, HONE_NONE, 1, 0);
    out[7] = gradient(y, laid, hone_detach(x));
    out[8] = gradient(hone_layer_norm(laid, weight, HONE_NONE, 1, 0), weight,
                      hone_full(hone_dtype_of(x), 2, hone_size(x, 0), hone_size(x, 1)));
}

static bool same(hone_tensor *a, hone_tensor *b)
{
    const double *p = numbers(a), *q = numbers(b);
    for (int64_t i = 0; i < hone_numel(a); i++)
        if (!(p[i] == q[i] && signbit(p[i]) == signbit(q[i])) && !(isnan(p[i]) && isnan(q[i])))
            return false;
    return true;
}

Test(range, same_bits_on_every_isa_and_number_of_threads)
{
    static const int threads[] = { 1, 2, 3, 5 };
    const hone__isa *isa;
    for (int dtype = 0; dtype <= (int)HONE_F64; dtype++)
        for (int l = 0; l < N_LENGTHS; l++) {
            HONE_SCOPE();
            hone_tensor *first[N_RESULTS] = { NULL }, *out[N_RESULTS];
            hone_tensor *x = rows_of((hone_dtype)dtype, lengths[l]);
            for (int i = 0; (isa = hone__isa_available(i)); i++)
                for (int t = 0; t < 4; t++) {
                    hone__isa_use(isa);
                    hone_set_threads(threads[t]);
                    compute(x, i + t == 0 ? first : out);
                    for (int k = 0; k < N_RESULTS && i + t > 0; k++)
                        cr_assert(same(first[k], out[k]), "%s, %d threads, %d numbers, result %d",
                                  isa->name, threads[t], (int)lengths[l], k);
                }
        }
}

/* ---- cases that tell more than a bound */

static hone_tensor *leaf(hone_tensor *t)
{
    return hone_requires_grad_(t, true);
}

static hone_tensor *gradient_of(hone_tensor *y, hone_tensor *x)
{
    return gradient(y, x, hone_ones_like(y));
}

#define LARGE_MEAN T(HONE_F32, (4), 1e8, 1e8 + 8, 1e8 + 16, 1e8 + 24)

Test(range, a_large_mean)
{
    const hone__isa *isa;
    for (int i = 0; (isa = hone__isa_available(i)); i++) {
        hone__isa_use(isa);
        CHECK_CLOSE(hone_layer_norm(LARGE_MEAN, HONE_NONE, HONE_NONE, 1, 1e-5), 1e-6, 0, HONE_F32,
                    (4), -3 / sqrt(5), -1 / sqrt(5), 1 / sqrt(5), 3 / sqrt(5));
        hone_tensor *x = leaf(LARGE_MEAN);
        CHECK_CLOSE(gradient_of(hone_var(x, 1), x), 1e-6, 0, HONE_F32, (4), -8, -8. / 3, 8. / 3, 8);
        CHECK_CLOSE(gradient_of(hone_std(x, 0), x), 1e-6, 0, HONE_F32, (4), -3 / sqrt(80),
                    -1 / sqrt(80), 1 / sqrt(80), 3 / sqrt(80));
    }
}

static double largest(hone_tensor *t)
{
    return hone_item(hone_max(hone_abs(hone_detach(t))));
}

Test(range, constant_rows_of_any_size)
{
    static const double sizes[] = { 0, 1e-45, 1e-30, 0.5, 1e30, 3e38 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int dim = 0; dim < 2; dim++) {
            hone_tensor *x = leaf(hone_full(HONE_F32, sizes[i], 70, 64));
            cr_assert_eq(largest(hone_std_dim(x, dim, 1, false)), 0, "%g", sizes[i]);
            cr_assert_eq(largest(gradient_of(hone_std_dim(x, dim, 1, false), x)), 0);
            cr_assert_eq(largest(gradient_of(hone_var_dim(x, dim, 1, false), x)), 0);
            cr_assert_eq(largest(hone_layer_norm(x, HONE_NONE, HONE_NONE, 1, 1e-5)), 0);
        }
    hone_tensor *flat = leaf(T(HONE_F32, (2, 2), 1, 1, 0, 2));
    CHECK_VALUES(gradient_of(hone_std_dim(flat, 1, 0, false), flat), HONE_F32, (2, 2), 0, 0, -0.5,
                 0.5);
}

/* A column that is done again leaves the bits of its neighbours alone. */
Test(range, neighbours_keep_their_bits)
{
    hone_tensor *x = hone_randn(HONE_F32, 300, 8), *wild = hone_clone(x);
    hone_mul_scalar_(hone_select(wild, 1, 3), 1e30);
    hone_mul_scalar_(hone_select(wild, 1, 5), 1e-30);
    leaf(x), leaf(wild);
    hone_tensor *a = gradient_of(hone_std_dim(x, 0, 1, false), x);
    hone_tensor *b = gradient_of(hone_std_dim(wild, 0, 1, false), wild);
    for (int64_t j = 0; j < 8; j++)
        if (j != 3 && j != 5)
            cr_assert(hone_equal(hone_select(a, 1, j), hone_select(b, 1, j)), "%d", (int)j);
}

static bool step(void)
{
    HONE_SCOPE();
    hone_tensor *x = hone_randn(HONE_F32, 40, 30);
    if (!x || !hone_mul_scalar_(x, 1e30) || !hone_requires_grad_(x, true))
        return false;
    hone_tensor *loss = hone_sum(hone_add(hone_std_dim(x, 0, 1, false), hone_std(x, 1)));
    return loss && hone_backward(loss) == HONE_OK;
}

Test(range, out_of_memory)
{
    test_each_allocation_fails(step);
}

/* As PyTorch. */
Test(range, infinities_nan_one_and_none)
{
    hone_tensor *x = leaf(T(HONE_F32, (3, 3), INFINITY, 1, 2, NAN, 1, 2, 1, 2, 3));
    CHECK_VALUES(hone_var_dim(x, 1, 1, false), HONE_F32, (3), NAN, NAN, 1);
    CHECK_VALUES(hone_std_dim(x, 1, 1, false), HONE_F32, (3), NAN, NAN, 1);
    CHECK_VALUES(gradient_of(hone_var_dim(x, 1, 1, false), x), HONE_F32, (3, 3), NAN, -INFINITY,
                 -INFINITY, NAN, NAN, NAN, -1, 0, 1);
    CHECK_CLOSE(gradient_of(hone_std_dim(x, 1, 1, false), x), 1e-6, 0, HONE_F32, (3, 3), NAN, NAN,
                NAN, NAN, NAN, NAN, -0.5, 0, 0.5);
    CHECK_CLOSE(hone_layer_norm(x, HONE_NONE, HONE_NONE, 1, 0), 1e-6, 0, HONE_F32, (3, 3), NAN, NAN,
                NAN, NAN, NAN, NAN, -sqrt(1.5), 0, sqrt(1.5));
    CHECK_VALUES(hone_layer_norm(T(HONE_F32, (1, 1), 3e38), HONE_NONE, HONE_NONE, 1, 1e-5),
                 HONE_F32, (1, 1), 0);
    CHECK_VALUE0(hone_std(T(HONE_F32, (1), 3e38), 0), HONE_F32, 0);
    CHECK_VALUE0(hone_std(T(HONE_F32, (1), 3e38), 1), HONE_F32, NAN);
    CHECK_VALUE0(hone_std(hone_zeros(HONE_F32, 0), 1), HONE_F32, NAN);
    hone_tensor *none = leaf(hone_zeros(HONE_F32, 0, 3));
    CHECK_OK(hone_backward(hone_sum(hone_std_dim(none, 1, 1, false))));
}

/* More is corrected for than there is: PyTorch divides a gradient by n - correction all the same. */
Test(range, gradients_of_fewer_than_the_correction)
{
    hone_tensor *one = leaf(T(HONE_F32, (1), 1)), *two = leaf(T(HONE_F32, (2), 1, 2));
    hone_tensor *g = gradient_of(hone_var_dim(one, 0, 2, false), one);
    CHECK_VALUES(g, HONE_F32, (1), 0);
    cr_assert(signbit(*(float *)hone_data(g)));
    cr_assert(signbit(*(float *)hone_data(gradient_of(hone_var(one, 3), one))));
    CHECK_VALUES(gradient_of(hone_var_dim(two, 0, 3, false), two), HONE_F32, (2), 1, -1);
    CHECK_VALUES(gradient_of(hone_var_dim(two, 0, 2, false), two), HONE_F32, (2), -INFINITY,
                 INFINITY);
    CHECK_VALUES(gradient_of(hone_var_dim(one, 0, 1, false), one), HONE_F32, (1), NAN);
    CHECK_VALUES(gradient_of(hone_std_dim(two, 0, 3, false), two), HONE_F32, (2), 0, 0);
    CHECK_VALUES(gradient_of(hone_std_dim(two, 0, 2, false), two), HONE_F32, (2), NAN, NAN);
    CHECK_VALUES(gradient_of(hone_std_dim(one, 0, 2, false), one), HONE_F32, (1), NAN);
}

/* x scaled by a power of two: y of std is scaled alike, the first gradient is the same, the second
 * one is divided by it. So both are right where the squares are out of range. */
static hone_tensor *second(hone_tensor *x, bool norm)
{
    hone_tensor *w = T(HONE_F64, (2, 5), 1, -2, 0.5, 3, 1, 2, 0, 1, -1, 0.25);
    x = leaf(x);
    hone_tensor *y =
        norm ? hone_layer_norm(x, HONE_NONE, HONE_NONE, 1, 0) : hone_std_dim(x, 1, 1, true);
    hone_tensor_list g = hone_autograd_grad(hone_list(hone_sum(hone_mul(y, w))), hone_list(x),
                                            &(hone_autograd_options){ .create_graph = true });
    cr_assert(g.at, "%s", hone_error_message());
    return gradient(g.at[0], x, w);
}

Test(range, second_gradients)
{
    hone_tensor *x = T(HONE_F64, (2, 5), 1, 4, 9, -2, 3, 0.5, 0.25, -1, 2, 8);
    static const double scales[] = { 0x1p-530, 0x1p500, 0x1p510, 0x1p-500 };
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        for (int norm = 0; norm < 2; norm++) {
            const double back = norm ? scales[i] * scales[i] : scales[i];
            hone_tensor *scaled = second(hone_mul_scalar(x, scales[i]), norm);
            hone_tensor *want = hone_detach(second(hone_detach(x), norm));
            if (back == 0 || isinf(back) || isinf(1 / back))
                continue;
            hone_tensor *got = hone_mul_scalar(hone_detach(scaled), back);
            cr_assert_lt(hone_item(hone_max(hone_abs(hone_sub(got, want)))), 1e-11, "%g, %d",
                         scales[i], norm);
        }
}
