/* The forms a convolution is computed in (hone_conv_algorithm): each against f64, which knows but
 * one, and what their bits may depend on. */
#include "../support/support.h"

#include "isa/isa.h"

#include <hone/hone.h>

#include <math.h>

SUITE(conv_forms);

/* images [n, c, h, w] and a weight [o, c, kh, kw] */
typedef struct {
    int64_t n, c, h, w, o, kh, kw;
    hone_conv2d_options with;
} shape;

static const shape shapes[] = {
    /* Winograd: borders, tiles that aren't full, channels that fill no vector, small images
     * together, bands of large ones */
    { 3, 16, 4, 4, 16, 3, 3, { .padding = { 1, 1 } } },
    { 3, 17, 7, 9, 33, 3, 3, { .padding = { 1, 1 } } },
    { 2, 16, 13, 13, 48, 3, 3, { .stride = { 1, 1 } } },
    { 2, 32, 12, 15, 20, 3, 3, { .padding = { 2, 2 } } },
    { 2, 16, 12, 15, 20, 3, 3, { .padding = { 4, 0 } } },
    { 40, 24, 5, 6, 40, 3, 3, { .padding = { 1, 1 } } },
    { 2, 16, 70, 66, 18, 3, 3, { .padding = { 1, 1 } } },
    /* pixels: one tap, strides, dilation, a page between pixels, rows and columns that see nothing,
     * more positions than a product takes */
    { 3, 16, 8, 8, 24, 1, 1, { .stride = { 1, 1 } } },
    { 3, 16, 6, 7, 20, 1, 1, { .stride = { 2, 2 } } },
    { 5, 24, 11, 9, 40, 3, 3, { .stride = { 2, 2 }, .padding = { 1, 1 } } },
    { 2, 24, 40, 37, 19, 5, 3, { .stride = { 3, 2 }, .padding = { 2, 1 } } },
    { 2, 16, 6, 7, 20, 3, 3, { .padding = { 1, 1 }, .dilation = { 2, 2 } } },
    { 2, 512, 9, 9, 16, 3, 3, { .stride = { 2, 2 }, .padding = { 1, 1 } } },
    { 2, 16, 2, 3, 20, 2, 2, { .padding = { 3, 2 } } },
    { 2, 16, 50, 43, 16, 1, 2, { .stride = { 1, 1 } } },
    { 20, 16, 1, 30, 32, 1, 3, { .padding = { 0, 1 } } },
    /* depthwise: positions few and many, strides, dilation, taps of no group of nine */
    { 3, 20, 9, 11, 20, 3, 3, { .padding = { 1, 1 }, .groups = 20 } },
    { 3, 70, 33, 20, 70, 5, 3, { .stride = { 2, 3 }, .padding = { 2, 1 }, .groups = 70 } },
    { 3, 9, 19, 20, 9, 3, 3, { .padding = { 2, 3 }, .dilation = { 1, 2 }, .groups = 9 } },
    { 2, 8, 2, 2, 8, 3, 3, { .padding = { 4, 1 }, .groups = 8 } },
    /* of 3 x 3 taps: rows that fill half a vector, more than one, bands; one row; strides */
    { 2, 11, 8, 8, 11, 3, 3, { .padding = { 1, 1 }, .groups = 11 } },
    { 2, 9, 7, 5, 9, 3, 3, { .stride = { 2, 2 }, .padding = { 1, 1 }, .groups = 9 } },
    { 2, 8, 260, 300, 8, 3, 3, { .padding = { 1, 1 }, .groups = 8 } },
    { 2, 8, 1, 33, 8, 3, 3, { .stride = { 1, 2 }, .padding = { 2, 0 }, .groups = 8 } },
    { 2, 8, 40, 34, 8, 3, 3, { .stride = { 2, 1 }, .padding = { 0, 1 }, .groups = 8 } },
    { 2, 8, 5, 70, 8, 3, 3, { .padding = { 1, 20 }, .groups = 8 } },
    { 2, 8, 6, 75, 8, 3, 3, { .stride = { 2, 2 }, .padding = { 1, 1 }, .groups = 8 } },
    { 2, 8, 9, 40, 8, 3, 3, { .stride = { 2, 2 }, .padding = { 5, 18 }, .groups = 8 } },
    /* few channels: chains over samples, one a sample, and in pieces; strides, dilation, padding */
    { 3, 3, 9, 17, 21, 3, 3, { .padding = { 1, 1 } } },
    { 3, 3, 32, 32, 64, 3, 3, { .padding = { 1, 1 } } },
    { 2, 2, 70, 66, 18, 7, 7, { .stride = { 1, 1 }, .padding = { 3, 3 } } },
    { 2, 15, 20, 31, 70, 5, 3, { .stride = { 2, 2 }, .padding = { 7, 9 } } },
    { 2, 4, 12, 30, 16, 2, 3, { .padding = { 0, 2 }, .dilation = { 1, 3 } } },
    /* one tap: more channels or more outputs, chains over samples and one a sample */
    { 3, 40, 9, 9, 19, 1, 1, { .stride = { 1, 1 } } },
    { 3, 16, 24, 30, 150, 1, 1, { .stride = { 1, 1 } } },
    { 2, 33, 40, 20, 16, 1, 1, { .stride = { 1, 1 } } },
    { 2, 20, 30, 31, 24, 1, 1, { .stride = { 2, 2 } } },
    /* one channel, which all outputs see: more of them than go together, bands */
    { 3, 1, 28, 28, 32, 3, 3, { .stride = { 1, 1 } } },
    { 3, 1, 23, 18, 21, 5, 5, { .stride = { 2, 1 }, .padding = { 2, 2 } } },
    { 2, 1, 300, 260, 3, 7, 7, { .stride = { 2, 2 }, .padding = { 3, 3 } } },
};
enum { SHAPES = sizeof shapes / sizeof *shapes, RESULTS = 3 };

static const hone_conv_form forms[] = { HONE_CONV_DEFAULT, HONE_CONV_FAST };
enum { FORMS = sizeof forms / sizeof *forms };

static hone_tensor *channels_last(hone_tensor *t)
{
    return hone_permute(hone_contiguous(hone_permute(t, 0, 2, 3, 1)), 0, 3, 1, 2);
}

/* y, dx and dw with dy of the same numbers for all. */
static void run(const shape *s, hone_tensor *x, hone_tensor *w, hone_tensor *b, hone_tensor *dy,
                hone_tensor **got)
{
    got[0] = hone_conv2d(x, w, b, &s->with);
    got[1] = hone_conv2d_backward_input(dy, w, s->h, s->w, &s->with);
    got[2] = hone_conv2d_backward_weight(dy, x, s->kh, s->kw, &s->with);
    for (int k = 0; k < RESULTS; k++)
        cr_assert(got[k], "%s", hone_error_message());
}

typedef struct {
    hone_tensor *x, *w, *b, *dy;
} operands;

static operands draw(const shape *s)
{
    operands d = { hone_randn(HONE_F32, s->n, s->c, s->h, s->w),
                   hone_randn(HONE_F32, s->o, s->c / (s->with.groups ? s->with.groups : 1), s->kh,
                              s->kw),
                   hone_randn(HONE_F32, s->o), NULL };
    hone_tensor *y = hone_conv2d(d.x, d.w, d.b, &s->with);
    cr_assert(y, "%s", hone_error_message());
    d.dy = hone_randn(HONE_F32, s->n, s->o, hone_size(y, 2), hone_size(y, 3));
    return d;
}

/* The root of the mean square. */
static double rms(hone_tensor *t)
{
    return sqrt(hone_item(hone_mean(hone_square(hone_to(t, HONE_F64)))));
}

static void in_f64(const shape *s, const operands *d, hone_tensor **want)
{
    run(s, hone_to(d->x, HONE_F64), hone_to(d->w, HONE_F64), hone_to(d->b, HONE_F64),
        hone_to(d->dy, HONE_F64), want);
}

Test(conv_forms, values)
{
    for (int n = 0; n < FORMS * SHAPES; n++) {
        const int i = n % SHAPES;
        hone_conv_algorithm(forms[n / SHAPES]);
        HONE_SCOPE();
        const operands d = draw(&shapes[i]);
        hone_tensor *want[RESULTS], *got[RESULTS];
        in_f64(&shapes[i], &d, want);
        run(&shapes[i], d.x, d.w, d.b, d.dy, got);
        for (int k = 0; k < RESULTS; k++) {
            const double error = hone_item(hone_max(hone_abs(hone_sub(got[k], want[k]))));
            cr_expect(error <= 2e-5 * rms(want[k]), "shape %d, result %d: %g", i, k, error);
        }
    }
}

Test(conv_forms, bits_depend_on_no_isa_and_no_layout)
{
    for (int n = 0; n < FORMS * SHAPES; n++) {
        const int i = n % SHAPES;
        hone_conv_algorithm(forms[n / SHAPES]);
        HONE_SCOPE();
        const operands d = draw(&shapes[i]);
        hone_tensor *want[RESULTS], *got[RESULTS];
        run(&shapes[i], d.x, d.w, d.b, d.dy, want);
        for (int a = 0; hone__isa_available(a); a++) {
            hone__isa_use(hone__isa_available(a));
            run(&shapes[i], channels_last(d.x), d.w, d.b, channels_last(d.dy), got);
            for (int k = 0; k < RESULTS; k++)
                cr_expect(test_same_bits(want[k], got[k]), "shape %d, result %d on %s", i, k,
                          hone__isa_available(a)->name);
        }
        hone__isa_use(hone__isa_best());
    }
}

/* Nor on the batch: each sample alone, and the weight's gradient in parts of uneven sizes. */
Test(conv_forms, bits_depend_on_no_batch)
{
    for (int n = 0; n < FORMS * SHAPES; n++) {
        const int i = n % SHAPES;
        hone_conv_algorithm(forms[n / SHAPES]);
        HONE_SCOPE();
        const shape *s = &shapes[i];
        const operands d = draw(s);
        hone_tensor *want[RESULTS], *got[RESULTS];
        run(s, d.x, d.w, d.b, d.dy, want);
        hone_tensor *w = hone_requires_grad_(hone_clone(d.w), true);
        for (int64_t at = 0, end; at < s->n; at = end) {
            end = at == 0 ? 1 : s->n;
            hone_tensor *x = hone_slice(d.x, 0, at, end, 1), *dy = hone_slice(d.dy, 0, at, end, 1);
            run(s, x, d.w, d.b, dy, got);
            for (int k = 0; k < 2; k++)
                cr_expect(test_same_bits(got[k], hone_slice(want[k], 0, at, end, 1)),
                          "shape %d, result %d, from sample %d", i, k, (int)at);
            hone_tensor *y = hone_conv2d(x, w, d.b, &s->with);
            const hone_backward_options from = { .gradient = dy };
            CHECK_OK(hone_backward_with(y, &from));
        }
        cr_expect(test_same_bits(hone_grad(w), want[2]), "shape %d", i);
    }
}

Test(conv_forms, of_one_image)
{
    for (int i = 0; i < SHAPES; i++) {
        HONE_SCOPE();
        const operands d = draw(&shapes[i]);
        hone_tensor *want[RESULTS], *got[RESULTS];
        run(&shapes[i], hone_slice(d.x, 0, 1, 2, 1), d.w, d.b, hone_slice(d.dy, 0, 1, 2, 1), want);
        run(&shapes[i], hone_select(d.x, 0, 1), d.w, d.b, hone_select(d.dy, 0, 1), got);
        for (int k = 0; k < RESULTS; k++)
            cr_expect(test_same_bits(k < 2 ? hone_unsqueeze(got[k], 0) : got[k], want[k]),
                      "shape %d, result %d", i, k);
    }
}

/* Winograd's forward errs less than a chain an output, gradients no more than conv.h says;
 * hone_conv_algorithm() switches it off. */
Test(conv_forms, forward_errs_no_more_than_one_chain)
{
    HONE_SCOPE();
    const shape s = { 2, 64, 16, 16, 64, 3, 3, { .padding = { 1, 1 } } };
    const operands d = draw(&s);
    hone_tensor *want[RESULTS], *plain[RESULTS], *chain[RESULTS];
    in_f64(&s, &d, want);
    run(&s, d.x, d.w, d.b, d.dy, plain);
    cr_expect_eq(hone_conv_algorithm(HONE_CONV_EXACT), HONE_CONV_DEFAULT);
    run(&s, d.x, d.w, d.b, d.dy, chain);
    cr_expect_eq(hone_conv_algorithm(HONE_CONV_DEFAULT), HONE_CONV_EXACT);
    for (int k = 0; k < RESULTS; k++) {
        cr_expect_not(test_same_bits(plain[k], chain[k]));
        const double error = rms(hone_sub(plain[k], want[k]));
        const double of_chain = rms(hone_sub(chain[k], want[k]));
        cr_expect(error <= (k == 0 ? 1.0 : 2.5) * of_chain, "%d: %g, one chain %g", k, error,
                  of_chain);
    }
}

/* F(4x4) errs more, within what conv.h says; gradients are of it by default, too. */
Test(conv_forms, the_fast_form_errs_at_most_two_and_a_half_times_as_much)
{
    const shape sizes[] = { { 2, 64, 16, 16, 64, 3, 3, { .padding = { 1, 1 } } },
                            { 2, 128, 8, 8, 96, 3, 3, { .padding = { 1, 1 } } },
                            { 2, 32, 13, 14, 48, 3, 3, { .padding = { 0, 2 } } } };
    for (int i = 0; i < 3; i++) {
        HONE_SCOPE();
        const shape *s = &sizes[i];
        const operands d = draw(s);
        hone_tensor *want[RESULTS], *plain[RESULTS], *chain[RESULTS], *fast[RESULTS];
        in_f64(s, &d, want);
        run(s, d.x, d.w, d.b, d.dy, plain);
        hone_conv_algorithm(HONE_CONV_EXACT);
        run(s, d.x, d.w, d.b, d.dy, chain);
        hone_conv_algorithm(HONE_CONV_FAST);
        run(s, d.x, d.w, d.b, d.dy, fast);
        hone_conv_algorithm(HONE_CONV_DEFAULT);
        for (int k = 0; k < RESULTS; k++) {
            cr_expect_eq(test_same_bits(plain[k], fast[k]), k > 0, "%d, %d", i, k);
            const double error = rms(hone_sub(fast[k], want[k]));
            const double of_chain = rms(hone_sub(chain[k], want[k]));
            cr_expect(error <= 2.5 * of_chain, "%d, %d: %g, one chain %g", i, k, error, of_chain);
        }
    }
}

/* What direct.h says of taps beside the image. */
Test(conv_forms, rows_outside_are_left_out)
{
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 1, 16, 1, 1);
    const hone_conv2d_options rows = { .padding = { 1, 0 } }, columns = { .padding = { 0, 1 } };
    hone_tensor *w = hone_full(HONE_F32, INFINITY, 16, 16, 3, 1);
    hone_tensor *y = hone_conv2d(x, w, HONE_NONE, &rows);
    cr_expect(isinf(hone_at(y, 0, 0, 0, 0)));
    y = hone_conv2d(x, hone_reshape(w, 16, 16, 1, 3), HONE_NONE, &columns);
    cr_expect(isnan(hone_at(y, 0, 0, 0, 0)));
}
