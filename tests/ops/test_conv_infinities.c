/* Convolutions and means of windows of numbers of which one is infinite or NaN: what lies beside what a vector
 * needs is no part of a sum, so it may not make one NaN; and on every ISA it is the same sums that it is in. (That
 * one NaN has the bits of another isn't asked for.) */
#include "../support/support.h"

#include "isa/bf16.h"
#include "isa/isa.h"

#include <hone/hone.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

SUITE(conv_infinities);

enum { HEIGHT = 4, MOST = 6 };

typedef struct {
    const char *name;
    hone_tensor *of[MOST]; /* results, up to a NULL */
} results;

static double *values_of(hone_tensor *t)
{
    double *const v = malloc((size_t)hone_numel(t) * sizeof *v + 1);
    cr_assert(v);
    CHECK_OK(hone_copy_out(hone_to(t, HONE_F64), v, (size_t)hone_numel(t) * sizeof *v));
    return v;
}

/* The same bits, or both NaN; finite: it is enough that the same ones are finite. */
static bool agree(hone_tensor *a, hone_tensor *b, bool finite)
{
    double *const x = values_of(a), *const y = values_of(b);
    bool same = hone_numel(a) == hone_numel(b);
    for (int64_t i = 0; same && i < hone_numel(a); i++)
        same = finite ? isfinite(x[i]) == isfinite(y[i])
                      : (isnan(x[i]) && isnan(y[i])) || memcmp(&x[i], &y[i], sizeof *x) == 0;
    free(x);
    free(y);
    return same;
}

typedef struct {
    hone_tensor *x, *w, *dy, *x_beside, *dy_beside; /* beside: with `value` in it */
    int64_t height, width, kernel;
    hone_conv2d_options with;
} operands;

static void run(const operands *d, hone_tensor **got)
{
    got[0] = hone_conv2d(d->x_beside, d->w, HONE_NONE, &d->with);
    got[1] = hone_conv2d_backward_input(d->dy_beside, d->w, d->height, d->width, &d->with);
    got[2] = hone_conv2d_backward_weight(d->dy, d->x_beside, d->kernel, d->kernel, &d->with);
    got[3] = hone_conv2d_backward_weight(d->dy_beside, d->x, d->kernel, d->kernel, &d->with);
    for (int k = 0; k < 4; k++)
        cr_assert(got[k], "%s", hone_error_message());
}
enum { RESULTS = 4 };
static const char *const of_result[RESULTS] = { "forward", "by x", "by the weight, x",
                                                "by the weight, dy" };

static operands as(const operands *d, hone_dtype dtype)
{
    operands to = *d;
    hone_tensor **const all[] = { &to.x, &to.w, &to.dy, &to.x_beside, &to.dy_beside };
    for (int i = 0; i < 5; i++)
        *all[i] = hone_to(*all[i], dtype);
    return to;
}

/* apart: sums of what has the value are all that isn't finite, as in f64, where the padding counts, too. */
static void check(const operands *of, hone_dtype dtype, bool apart, const char *what)
{
    const operands d = as(of, dtype), wide = as(of, HONE_F64);
    hone_tensor *want[RESULTS], *got[RESULTS];
    const hone__bf16_kernel *kernel;
    for (int a = 0; (kernel = hone__bf16_available(a)); a++) {
        hone__isa_use(hone__isa_find(kernel->isa));
        hone__bf16_use(kernel);
        run(&d, a ? got : want);
        for (int k = 0; a && k < RESULTS; k++)
            cr_expect(agree(got[k], want[k], false),
                      "%s: width %d, %d taps, stride %d, padding %d, %s, on %s", what, (int)d.width,
                      (int)d.kernel, (int)d.with.stride[0], (int)d.with.padding[0], of_result[k],
                      kernel->name);
    }
    hone__isa_use(hone__isa_best());
    hone__bf16_use(NULL);
    if (!apart)
        return;
    run(&wide, got);
    for (int k = 0; k < 3; k++)
        cr_expect(agree(got[k], want[k], true),
                  "%s: width %d, %d taps, stride %d, padding %d, %s, is finite elsewhere", what,
                  (int)d.width, (int)d.kernel, (int)d.with.stride[0], (int)d.with.padding[0],
                  of_result[k]);
}

/* t [.., planes, height, width] with the value in some planes, in a column each: `every` 4: in planes 4 j and 4 j + 3
 * column j; 0: in plane n channels + n % channels, of sample n, column n. */
static hone_tensor *with_value(hone_tensor *t, double value, bool top, int64_t channels)
{
    const int64_t height = hone_size(t, 2), width = hone_size(t, 3),
                  planes = hone_numel(t) / (height * width);
    const size_t bytes = (size_t)hone_numel(t) * sizeof(float);
    float *const v = malloc(bytes);
    cr_assert(v);
    CHECK_OK(hone_copy_out(t, v, bytes));
    for (int64_t p = 0; p < planes; p++) {
        const bool there =
            channels ? p % channels == p / channels % channels : p % 4 == 0 || p % 4 == 3;
        const int64_t column = channels ? p / channels : p / 4;
        if (there && column < width)
            v[(p * height + (top ? 0 : height - 1)) * width + column] = (float)value;
    }
    hone_tensor *to = hone_empty_like(t);
    CHECK_OK(hone_copy_in(to, v, bytes));
    free(v);
    return to;
}

/* NULL in x: the kernel is larger than the image. */
static operands draw(int64_t samples, int64_t channels, int64_t outputs, int64_t width,
                     int64_t kernel, int64_t stride, int64_t padding, int64_t groups, double value,
                     bool top)
{
    operands d = {
        .height = HEIGHT,
        .width = width,
        .kernel = kernel,
        .with = { .stride = { stride, stride }, .padding = { padding, padding }, .groups = groups }
    };
    if (width + 2 * padding < kernel || HEIGHT + 2 * padding < kernel)
        return d;
    d.x = hone_randn(HONE_F32, samples, channels, HEIGHT, width);
    d.w = hone_randn(HONE_F32, outputs, channels / groups, kernel, kernel);
    hone_tensor *y = hone_conv2d(d.x, d.w, HONE_NONE, &d.with);
    cr_assert(y, "%s", hone_error_message());
    d.dy = hone_randn_like(y);
    d.x_beside = with_value(d.x, value, top, groups > 1 ? 0 : channels);
    d.dy_beside = with_value(d.dy, value, top, groups > 1 ? 0 : outputs);
    return d;
}

/* Channels that don't meet: in every plane another column has the value, and the planes beside have none. */
static void check_planes(hone_dtype dtype)
{
    for (int64_t width = 1; width <= 40; width += width < 18 ? 1 : 7)
        for (int n = 0; n < 16; n++) {
            HONE_SCOPE();
            if (dtype != HONE_F32 && (width + n) % 4)
                continue;
            const int64_t kernel = n & 1 ? 5 : 3, stride = n & 2 ? 2 : 1,
                          padding = n & 4 ? kernel / 2 : 0;
            const int64_t channels = 4 * width + 5;
            const operands d = draw(1, channels, channels, width, kernel, stride, padding, channels,
                                    (width + n) % 3 ? INFINITY : NAN, n & 8);
            if (d.x)
                check(&d, dtype, true, "planes");
        }
}

Test(conv_infinities, planes)
{
    check_planes(HONE_F32);
}

Test(conv_infinities, planes_of_bf16)
{
    for (int order = 0; order < 2; order++) {
        HONE_BF16_ORDER(order ? HONE_TILES : HONE_PAIRS);
        check_planes(HONE_BF16);
    }
}

/* One group: a sample for each column; each `every`th shape. */
static void check_dense(hone_dtype dtype, bool apart, int every)
{
    static const int64_t channels[][2] = { { 3, 17 }, { 16, 16 }, { 35, 20 }, { 1, 9 } };
    for (int64_t width = 1; width <= 33; width += width < 9 ? 1 : 8)
        for (int n = (int)width % every; n < 24; n += every) {
            HONE_SCOPE();
            const int64_t kernel = n % 3 == 0 ? 1 : 3, stride = n & 1 ? 2 : 1, padding = n % 3 == 2;
            const int64_t *c = channels[n / 6];
            operands d = draw(width, c[0], c[1], width, kernel, stride, padding, 1,
                              (width + n) % 3 ? INFINITY : NAN, (width + n) & 1);
            if (!d.x)
                continue;
            check(&d, dtype, apart, "dense");
            if (width == 1)
                continue;
            const int64_t at = hone_size(d.dy, 3) / 2;
            hone_tensor **const all[] = { &d.x, &d.dy, &d.x_beside, &d.dy_beside };
            for (int i = 0; i < 4; i++)
                *all[i] = hone_slice(*all[i], 0, at, at + 1, 1);
            check(&d, dtype, apart, "dense, one sample");
        }
}

Test(conv_infinities, dense)
{
    check_dense(HONE_F32, false, 5);
}

Test(conv_infinities, dense_fast)
{
    hone_conv_algorithm(HONE_CONV_FAST);
    check_dense(HONE_F32, false, 5);
}

Test(conv_infinities, dense_exact)
{
    hone_conv_algorithm(HONE_CONV_EXACT);
    check_dense(HONE_F32, true, 5);
}

Test(conv_infinities, dense_of_bf16)
{
    for (int n = 0; n < 4; n++) {
        HONE_BF16_ORDER(n & 1 ? HONE_TILES : HONE_PAIRS);
        hone_conv_algorithm(n & 2 ? HONE_CONV_EXACT : HONE_CONV_DEFAULT);
        check_dense(HONE_BF16, n & 2, 7);
    }
}

static void pool(hone_tensor *x, hone_tensor *dy, int64_t width,
                 const hone_avg_pool2d_options *with, hone_tensor **got)
{
    got[0] = hone_avg_pool2d(x, with);
    got[1] = hone_avg_pool2d_backward(dy, HEIGHT, width, with);
    got[2] = hone_adaptive_avg_pool2d(x, 1, 1);
    got[3] = hone_adaptive_avg_pool2d(x, 2, 3);
    for (int k = 0; k < 4; k++)
        cr_assert(got[k], "%s", hone_error_message());
}

static void check_pools(hone_dtype dtype)
{
    for (int64_t width = 3; width <= 40; width += width < 18 ? 1 : 7)
        for (int n = 0; n < 16; n++) {
            HONE_SCOPE();
            const int64_t kernel = n & 1 ? 3 : 2, stride = n & 2 ? 2 : 1;
            const hone_avg_pool2d_options with = { .kernel_size = { kernel, kernel },
                                                   .stride = { stride, stride },
                                                   .padding = { n >> 2 & 1, n >> 2 & 1 } };
            hone_tensor *x = hone_randn(HONE_F32, 1, 4 * width + 5, HEIGHT, width);
            hone_tensor *dy = hone_randn_like(hone_avg_pool2d(x, &with));
            const double value = width & 1 ? INFINITY : NAN;
            x = with_value(x, value, n & 8, 0);
            dy = with_value(dy, value, n & 8, 0);
            hone_tensor *want[4], *got[4];
            for (int a = 0; hone__isa_available(a); a++) {
                hone__isa_use(hone__isa_available(a));
                pool(hone_to(x, dtype), hone_to(dy, dtype), width, &with, a ? got : want);
                for (int k = 0; a && k < 4; k++)
                    cr_expect(agree(got[k], want[k], false), "width %d, shape %d, result %d on %s",
                              (int)width, n, k, hone__k->name);
            }
            hone__isa_use(hone__isa_best());
            pool(hone_to(x, HONE_F64), hone_to(dy, HONE_F64), width, &with, got);
            for (int k = 0; k < 4; k++)
                cr_expect(agree(got[k], want[k], true), "width %d, shape %d, result %d", (int)width,
                          n, k);
        }
}

Test(conv_infinities, means_of_windows)
{
    check_pools(HONE_F32);
    check_pools(HONE_BF16);
}
