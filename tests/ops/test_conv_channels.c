/* Convolutions of every number of channels: whatever an instruction set's panels leave over, and however
 * many threads share them, the same bits on all of them. (Values of each form: test_conv_forms.c.) */
#include "../support/step.h"
#include "../support/support.h"

#include "isa/isa.h"

#include <hone/hone.h>

#include <math.h>
#include <stdlib.h>

/* Everything is divided over hone_set_threads(n) threads. */
static void divide_all(void)
{
    setenv("HONE_FORCE_THREADS", "3", 1);
    test_begin();
}
TestSuite(conv_channels, .init = divide_all, .fini = test_end);

enum { RESULTS = 3, SAMPLES = 2, COUNTS = 35 };
static const char *const of_result[RESULTS] = { "forward", "by x", "by the weight" };

typedef struct {
    int64_t height, width, kernel;
    hone_conv2d_options with;
    int64_t samples; /* 0: SAMPLES */
} window;

typedef struct {
    hone_tensor *x, *w, *b, *dy;
} operands;

static operands draw(hone_dtype dtype, int64_t channels, int64_t outputs, const window *s)
{
    const int64_t samples = s->samples ? s->samples : SAMPLES;
    operands d = { hone_to(hone_randn(HONE_F32, samples, channels, s->height, s->width), dtype),
                   hone_to(hone_randn(HONE_F32, outputs, channels, s->kernel, s->kernel), dtype),
                   hone_to(hone_randn(HONE_F32, outputs), dtype), NULL };
    hone_tensor *y = hone_conv2d(d.x, d.w, d.b, &s->with);
    cr_assert(y, "%s", hone_error_message());
    d.dy = hone_to(hone_randn_like(hone_to(y, HONE_F32)), dtype);
    return d;
}

static void run(const operands *d, const window *s, hone_tensor **got)
{
    got[0] = hone_conv2d(d->x, d->w, d->b, &s->with);
    got[1] = hone_conv2d_backward_input(d->dy, d->w, s->height, s->width, &s->with);
    got[2] = hone_conv2d_backward_weight(d->dy, d->x, s->kernel, s->kernel, &s->with);
    for (int k = 0; k < RESULTS; k++)
        cr_assert(got[k], "%s", hone_error_message());
}

static void check_same(hone_tensor **got, hone_tensor **want, int64_t channels, const window *s,
                       int threads)
{
    for (int k = 0; k < RESULTS; k++)
        cr_expect(test_same_bits(got[k], want[k]),
                  "%d channels, %d x %d at stride %d, %s, on %s and %d threads", (int)channels,
                  (int)s->kernel, (int)s->kernel, (int)s->with.stride[0], of_result[k],
                  hone__k->name, threads);
}

static double largest(hone_tensor *t)
{
    return hone_item(hone_max(hone_abs(t)));
}

/* Near to the sums of f64; of f64 itself, to those of the same numbers in f32. */
static void check_values(const operands *d, const window *s, hone_tensor **got, double tolerance)
{
    const hone_dtype other = hone_dtype_of(d->x) == HONE_F64 ? HONE_F32 : HONE_F64;
    const operands o = { hone_to(d->x, other), hone_to(d->w, other), hone_to(d->b, other),
                         hone_to(d->dy, other) };
    hone_tensor *want[RESULTS];
    run(&o, s, want);
    for (int k = 0; k < RESULTS; k++) {
        hone_tensor *of = hone_to(want[k], HONE_F64);
        const double error = largest(hone_sub(hone_to(got[k], HONE_F64), of));
        cr_expect(error <= tolerance * largest(of), "%d x %d, %s: %g", (int)s->kernel,
                  (int)s->kernel, of_result[k], error);
    }
}

/* Rows of few outputs and of more: panels of either width. */
static const window windows[] = {
    { 4, 4, 1, { .stride = { 1, 1 } } },
    { 7, 8, 1, { .stride = { 1, 1 } } },
    { 3, 15, 1, { .stride = { 2, 2 } } },
    { 4, 7, 3, { .stride = { 1, 1 }, .padding = { 1, 1 } } },
    { 5, 7, 3, { .stride = { 2, 2 }, .padding = { 1, 1 } } },
};

/* Odd numbers of channels up to 69 and even ones of outputs up to 72; of every second window the other
 * way round. */
static void check_channels(hone_dtype dtype, double tolerance)
{
    for (int64_t n = 0; n < COUNTS * (int64_t)(sizeof windows / sizeof *windows);
         n += test_step()) {
        HONE_SCOPE();
        const int64_t channels = 1 + 2 * (n % COUNTS) + n / COUNTS % 2;
        const window *s = &windows[n / COUNTS];
        CHECK_OK(hone_set_threads(1));
        const operands d = draw(dtype, channels, channels + 3, s);
        hone_tensor *want[RESULTS], *got[RESULTS];
        run(&d, s, want);
        check_values(&d, s, want, tolerance);
        for (int a = 0; hone__isa_available(a); a++) {
            hone__isa_use(hone__isa_available(a));
            for (int threads = 1; threads <= 3; threads += 2) {
                CHECK_OK(hone_set_threads(threads));
                run(&d, s, got);
                check_same(got, want, channels, s, threads);
            }
        }
        hone__isa_use(hone__isa_best());
    }
}

Test(conv_channels, f32)
{
    check_channels(HONE_F32, 2e-5);
}

/* 3 x 3 taps in no form of Winograd's. */
Test(conv_channels, f32_exact)
{
    hone_conv_algorithm(HONE_CONV_EXACT);
    check_channels(HONE_F32, 2e-5);
}

Test(conv_channels, f64)
{
    check_channels(HONE_F64, 2e-5);
}

Test(conv_channels, bf16)
{
    for (int order = 0; order < 2; order++) {
        HONE_BF16_ORDER(order ? HONE_TILES : HONE_PAIRS);
        check_channels(HONE_BF16, 0.01);
    }
}

/* Winograd's forms give threads blocks of channels, of which there may be fewer than threads. */
Test(conv_channels, fewer_blocks_than_threads)
{
    const int64_t channels[] = { 6, 70, 90 };
    const window s = { 9, 10, 3, { .padding = { 1, 1 } } };
    for (int i = 0; i < 6; i++) {
        HONE_SCOPE();
        hone_conv_algorithm(i < 3 ? HONE_CONV_DEFAULT : HONE_CONV_FAST);
        CHECK_OK(hone_set_threads(1));
        const operands d = draw(HONE_F32, channels[i % 3], channels[i % 3], &s);
        hone_tensor *want[RESULTS], *got[RESULTS];
        run(&d, &s, want);
        for (int a = 0; hone__isa_available(a); a++) {
            hone__isa_use(hone__isa_available(a));
            for (int threads = 2; threads <= 7; threads++) {
                CHECK_OK(hone_set_threads(threads));
                run(&d, &s, got);
                check_same(got, want, channels[i % 3], &s, threads);
            }
        }
        hone__isa_use(hone__isa_best());
    }
}

/* What each of a few threads does for itself: samples of a first layer, half of the outputs, turned pixels. */
Test(conv_channels, shares)
{
    const hone_conv2d_options by_one = { .padding = { 1, 1 } };
    const hone_conv2d_options by_two = { .stride = { 2, 2 }, .padding = { 1, 1 } };
    const struct {
        int64_t channels, outputs;
        window at;
    } cases[] = {
        { 3, 33, { 17, 18, 3, by_one, 21 } },    { 2, 32, { 34, 33, 3, by_two, 9 } },
        { 32, 64, { 9, 10, 3, by_one, 5 } },     { 40, 32, { 5, 5, 3, by_one, 3 } },
        { 33, 64, { 16, 17, 1, { { 0 } }, 5 } }, { 64, 48, { 24, 24, 1, { { 0 } }, 3 } },
        { 70, 48, { 8, 8, 1, { { 0 } }, 3 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        HONE_SCOPE();
        const window *s = &cases[i].at;
        CHECK_OK(hone_set_threads(1));
        const operands d = draw(HONE_F32, cases[i].channels, cases[i].outputs, s);
        hone_tensor *want[RESULTS], *got[RESULTS];
        run(&d, s, want);
        check_values(&d, s, want, 2e-5);
        for (int a = 0; hone__isa_available(a); a++) {
            hone__isa_use(hone__isa_available(a));
            for (int threads = 1; threads <= 5; threads++) {
                CHECK_OK(hone_set_threads(threads));
                run(&d, s, got);
                check_same(got, want, cases[i].channels, s, threads);
            }
        }
        hone__isa_use(hone__isa_best());
    }
}

static hone_tensor *channels_last(hone_tensor *t)
{
    return hone_permute(hone_contiguous(hone_permute(t, 0, 2, 3, 1)), 0, 3, 1, 2);
}

/* One output more than panels have, of images whose channels lie last. */
Test(conv_channels, channels_last_by_the_weight)
{
    hone_conv_algorithm(HONE_CONV_EXACT);
    for (int64_t k = 0; k < 8; k++) {
        HONE_SCOPE();
        const int64_t outputs = k & 1 ? 33 : 17, channels = k & 2 ? 35 : 16, kernel = k & 4 ? 3 : 1;
        const window s = { 9, 10, kernel, { .padding = { kernel / 2, kernel / 2 } } };
        CHECK_OK(hone_set_threads(1));
        operands d = draw(HONE_F32, channels, outputs, &s);
        hone_tensor *want[RESULTS], *got[RESULTS];
        run(&d, &s, want);
        for (int last = 0; last < 2; last++) {
            d.dy = channels_last(d.dy);
            d.x = last ? channels_last(d.x) : d.x;
            for (int a = 0; hone__isa_available(a); a++) {
                hone__isa_use(hone__isa_available(a));
                for (int threads = 1; threads <= 3; threads += 2) {
                    CHECK_OK(hone_set_threads(threads));
                    run(&d, &s, got);
                    check_same(got, want, channels, &s, threads);
                }
            }
            hone__isa_use(hone__isa_best());
        }
    }
}
