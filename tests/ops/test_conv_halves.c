/* Convolutions of bf16 and their gradients by x and by the weight: their sums, step by step; any cut of
 * the batch; second derivatives. */
#include "core/core.h"
#include "support.h"

#include <hone/accumulate.h>
#include <hone/autocast.h>
#include <hone/autograd.h>
#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

typedef struct {
    int64_t n, channels, outputs, height, width, kernel_y, kernel_x, stride, padding, dilation;
} shape;

static int64_t places(int64_t extent, int64_t kernel, const shape *s)
{
    return (extent + 2 * s->padding - s->dilation * (kernel - 1) - 1) / s->stride + 1;
}

static float at(const hone_tensor *x, const shape *s, int64_t i, int64_t c, int64_t y, int64_t col)
{
    const bool inside = y >= 0 && y < s->height && col >= 0 && col < s->width;
    const float *data = hone__data(x);
    return inside ? data[((i * s->channels + c) * s->height + y) * s->width + col] : 0;
}

/* sum += over samples and places; in tiles of 32 places, each sample beginning one, if `tiles`. */
static void naive(const shape *s, const hone_tensor *x, const hone_tensor *dy, bool tiles,
                  float *sum)
{
    const int64_t oy = places(s->height, s->kernel_y, s), ox = places(s->width, s->kernel_x, s);
    for (int64_t w = 0; w < s->outputs * s->channels * s->kernel_y * s->kernel_x; w++) {
        const int64_t kx = w % s->kernel_x, ky = w / s->kernel_x % s->kernel_y;
        const int64_t c = w / (s->kernel_x * s->kernel_y) % s->channels;
        const int64_t o = w / (s->kernel_x * s->kernel_y * s->channels);
        const bool each = !tiles && oy * ox >= 256; /* a chain for each sample */
        float chain = each ? 0 : sum[w], half[2] = { 0, 0 };
        for (int64_t k = 0; k < s->n * oy * ox; k++) {
            const int64_t i = k / (oy * ox), y = k / ox % oy, col = k % ox;
            const float a = at(x, s, i, c, y * s->stride + ky * s->dilation - s->padding,
                               col * s->stride + kx * s->dilation - s->padding);
            const float b =
                ((const float *)hone__data(dy))[(i * s->outputs + o) * oy * ox + k % (oy * ox)];
            chain = fmaf(a, b, chain);
            const int64_t place = k % (oy * ox);
            half[place % 2] = fmaf(a, b, half[place % 2]);
            const bool last = place == oy * ox - 1;
            if (tiles && (place % 32 == 31 || last)) {
                sum[w] = sum[w] + (half[0] + half[1]);
                half[0] = half[1] = 0;
            }
            if (each && last) {
                sum[w] = sum[w] + chain;
                chain = 0;
            }
        }
        sum[w] = tiles || each ? sum[w] : chain;
    }
}

static hone_tensor *some(int64_t a, int64_t b, int64_t c, int64_t d)
{
    return hone_to(hone_randn(HONE_F32, a, b, c, d), HONE_BF16);
}

static hone_conv2d_options options_of(const shape *s)
{
    return (hone_conv2d_options){ .stride = { s->stride, s->stride },
                                  .padding = { s->padding, s->padding },
                                  .dilation = { s->dilation, s->dilation } };
}

/* The gradient of `weight` by samples [begin, end). */
static void add_gradient(const shape *s, hone_tensor *x, hone_tensor *weight, hone_tensor *dy,
                         int64_t begin, int64_t end)
{
    const hone_conv2d_options o = options_of(s);
    HONE_AUTOCAST(HONE_BF16);
    hone_tensor *y = hone_conv2d(hone_slice(x, 0, begin, end, 1), weight, HONE_NONE, &o);
    cr_assert(y && hone_dtype_of(y) == HONE_BF16, "%s", hone_error_message());
    hone_tensor *part = hone_slice(dy, 0, begin, end, 1);
    CHECK_OK(hone_backward_with(y, &(hone_backward_options){ .gradient = part }));
}

static void check(const shape *s, hone_order order)
{
    HONE_SCOPE();
    HONE_BF16_ORDER(order);
    const int64_t oy = places(s->height, s->kernel_y, s), ox = places(s->width, s->kernel_x, s);
    hone_tensor *x = some(s->n, s->channels, s->height, s->width);
    hone_tensor *dy = some(s->n, s->outputs, oy, ox);
    hone_tensor *weight = hone_requires_grad_(
        hone_randn(HONE_F32, s->outputs, s->channels, s->kernel_y, s->kernel_x), true);
    hone_tensor *want = hone_zeros_like(hone_detach(weight));
    naive(s, hone_to(x, HONE_F32), hone_to(dy, HONE_F32), order == HONE_TILES && oy * ox >= 16,
          hone__data(want));
    for (int64_t part = s->n; part > 0; part--) {
        HONE_SCOPE();
        CHECK_OK(hone_set_grad(weight, HONE_NONE));
        for (int64_t i = 0; i < s->n; i += part)
            add_gradient(s, x, weight, dy, i, i + part < s->n ? i + part : s->n);
        cr_assert(hone_dtype_of(hone_grad(weight)) == HONE_F32);
        cr_assert(test_same_bits(hone_grad(weight), want), "%d x %d, parts of %d", (int)s->height,
                  (int)s->kernel_y, (int)part);
    }
}

static const shape shapes[] = {
    { 3, 5, 7, 8, 8, 3, 3, 1, 1, 1 },
    { 2, 3, 33, 4, 4, 3, 3, 1, 1, 1 },
    { 3, 4, 9, 9, 7, 3, 3, 2, 1, 1 },
    { 2, 6, 5, 8, 8, 1, 1, 2, 0, 1 },
    { 2, 1, 3, 11, 12, 5, 5, 1, 2, 1 },
    { 3, 2, 4, 13, 9, 3, 2, 2, 3, 2 },
    { 1, 3, 2, 20, 5, 7, 3, 3, 3, 1 },
    { 4, 2, 1, 1, 1, 1, 1, 1, 0, 1 },
    { 2, 40, 12, 8, 8, 3, 3, 1, 1, 1 },
    { 2, 2, 3, 3, 3, 3, 3, 2, 4, 1 },
    { 3, 2, 9, 35, 33, 3, 3, 2, 1, 1 },
    { 3, 4, 5, 16, 16, 1, 1, 1, 0, 1 },
    { 3, 16, 33, 8, 8, 3, 3, 1, 1, 1 },
    { 2, 31, 5, 8, 11, 3, 3, 2, 1, 1 },
    { 2, 24, 40, 13, 11, 3, 2, 2, 3, 2 },
    { 2, 16, 3, 40, 40, 3, 3, 1, 1, 1 },
    { 1, 16, 5, 35, 67, 5, 5, 1, 2, 1 },
    { 2, 48, 34, 9, 8, 1, 1, 2, 0, 1 },
    { 5, 65, 16, 4, 4, 3, 3, 1, 1, 1 },
    { 2, 16, 3, 12, 2, 7, 7, 1, 3, 1 },
    { 2, 16, 70, 16, 32, 3, 3, 1, 2, 2 },
    { 2, 32, 96, 8, 8, 3, 3, 1, 1, 1 },   /* outputs by threads */
    { 5, 40, 4096, 4, 4, 1, 1, 1, 0, 1 }, /* rows too many to be kept packed */
};

Test(conv_halves, is_one_chain)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(&shapes[i], HONE_PAIRS);
}

Test(conv_halves, is_in_tiles_that_samples_begin)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(&shapes[i], HONE_TILES);
}

/* ---- outputs, and the gradient by x */

/* A sum as the orders have it, one number after the other. */
typedef struct {
    float chain, half[2], tiles;
    int64_t n;
    bool in_tiles;
} summing;

static void add(summing *s, float a, float b)
{
    s->chain = fmaf(a, b, s->chain);
    s->half[s->n % 2] = fmaf(a, b, s->half[s->n % 2]);
    if (++s->n % 32 == 0) {
        s->tiles = s->tiles + (s->half[0] + s->half[1]);
        s->half[0] = s->half[1] = 0;
    }
}

static float sum_of(const summing *s)
{
    const float rest = s->half[0] + s->half[1];
    return !s->in_tiles ? s->chain : s->n % 32 ? s->tiles + rest : s->tiles;
}

static float element(const hone_tensor *t, int64_t i)
{
    return ((const float *)hone__data(t))[i];
}

static void naive_outputs(const shape *s, const hone_tensor *x, const hone_tensor *weight,
                          const hone_tensor *bias, bool tiles, float *y)
{
    const int64_t oy = places(s->height, s->kernel_y, s), ox = places(s->width, s->kernel_x, s);
    for (int64_t i = 0; i < s->n * s->outputs * oy * ox; i++) {
        const int64_t o = i / (oy * ox) % s->outputs, n = i / (oy * ox * s->outputs);
        summing sum = { .in_tiles = tiles };
        const int64_t taps = s->kernel_y * s->kernel_x;
        for (int64_t k = 0; k < s->channels * taps; k++) {
            const int64_t c = tiles ? k % s->channels : k / taps;
            const int64_t t = tiles ? k / s->channels : k % taps;
            const int64_t ky = t / s->kernel_x, kx = t % s->kernel_x;
            add(&sum, element(weight, (o * s->channels + c) * taps + t),
                at(x, s, n, c, i / ox % oy * s->stride + ky * s->dilation - s->padding,
                   i % ox * s->stride + kx * s->dilation - s->padding));
        }
        y[i] = sum_of(&sum) + element(bias, o);
    }
}

/* Taps that no output has are left out. */
static void naive_input(const shape *s, const hone_tensor *dy, const hone_tensor *weight,
                        bool tiles, float *dx)
{
    const int64_t oy = places(s->height, s->kernel_y, s), ox = places(s->width, s->kernel_x, s);
    for (int64_t i = 0; i < s->n * s->channels * s->height * s->width; i++) {
        const int64_t plane = s->height * s->width, c = i / plane % s->channels;
        const int64_t n = i / (plane * s->channels), taps = s->kernel_y * s->kernel_x;
        summing sum = { .in_tiles = tiles };
        for (int64_t k = 0; k < s->outputs * taps; k++) {
            const int64_t o = tiles ? k % s->outputs : k / taps;
            const int64_t t = tiles ? k / s->outputs : k % taps;
            const int64_t ky = t / s->kernel_x, kx = t % s->kernel_x;
            const int64_t y = i / s->width % s->height + s->padding - ky * s->dilation;
            const int64_t x = i % s->width + s->padding - kx * s->dilation;
            if (y % s->stride != 0 || x % s->stride != 0)
                continue;
            const int64_t py = y / s->stride, px = x / s->stride;
            const bool inside = py >= 0 && py < oy && px >= 0 && px < ox;
            add(&sum, element(weight, (o * s->channels + c) * taps + t),
                inside ? element(dy, ((n * s->outputs + o) * oy + py) * ox + px) : 0);
        }
        dx[i] = sum_of(&sum);
    }
}

static void check_results(const shape *s, hone_order order)
{
    HONE_SCOPE();
    HONE_BF16_ORDER(order);
    const hone_conv2d_options o = options_of(s);
    const int64_t oy = places(s->height, s->kernel_y, s), ox = places(s->width, s->kernel_x, s);
    hone_tensor *x = some(s->n, s->channels, s->height, s->width);
    hone_tensor *weight = some(s->outputs, s->channels, s->kernel_y, s->kernel_x);
    hone_tensor *bias = hone_to(hone_randn(HONE_F32, s->outputs), HONE_BF16);
    hone_tensor *dy = some(s->n, s->outputs, oy, ox);
    hone_tensor *w32 = hone_to(weight, HONE_F32);
    hone_tensor *want = hone_zeros(HONE_F32, s->n, s->outputs, oy, ox);
    hone_tensor *want_dx = hone_zeros(HONE_F32, s->n, s->channels, s->height, s->width);
    naive_outputs(s, hone_to(x, HONE_F32), w32, hone_to(bias, HONE_F32), order == HONE_TILES,
                  hone__data(want));
    naive_input(s, hone_to(dy, HONE_F32), w32, order == HONE_TILES, hone__data(want_dx));
    want = hone_to(want, HONE_BF16);
    want_dx = hone_to(want_dx, HONE_BF16);
    for (int64_t i = 0; i <= s->n; i++) { /* all samples, then each alone */
        const int64_t begin = i ? i - 1 : 0, end = i ? i : s->n;
        hone_tensor *y = hone_conv2d(hone_slice(x, 0, begin, end, 1), weight, bias, &o);
        hone_tensor *dx = hone_conv2d_backward_input(hone_slice(dy, 0, begin, end, 1), weight,
                                                     s->height, s->width, &o);
        cr_assert(y && dx, "%s", hone_error_message());
        cr_assert(test_same_bits(y, hone_contiguous(hone_slice(want, 0, begin, end, 1))),
                  "%d x %d, %d", (int)s->height, (int)s->kernel_y, (int)i);
        cr_assert(test_same_bits(dx, hone_contiguous(hone_slice(want_dx, 0, begin, end, 1))),
                  "by x, %d x %d, %d", (int)s->height, (int)s->kernel_y, (int)i);
    }
}

static const shape more_shapes[] = {
    { 2, 5, 9, 6, 35, 1, 1, 1, 0, 1 },  { 3, 3, 4, 5, 5, 2, 2, 3, 0, 1 },
    { 2, 17, 8, 7, 7, 1, 1, 3, 1, 1 },  { 2, 20, 24, 12, 12, 5, 5, 1, 2, 1 },
    { 5, 33, 16, 4, 4, 3, 3, 2, 1, 1 }, { 2, 4, 3, 9, 9, 2, 2, 2, 0, 2 },
};

Test(conv_halves, results_are_one_chain)
{
    const hone_conv_form before = hone_conv_algorithm(HONE_CONV_EXACT);
    for (int order = 0; order < 2; order++) {
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            check_results(&shapes[i], order ? HONE_TILES : HONE_PAIRS);
        for (size_t i = 0; i < sizeof more_shapes / sizeof *more_shapes; i++)
            check_results(&more_shapes[i], order ? HONE_TILES : HONE_PAIRS);
    }
    hone_conv_algorithm(before);
}

/* Zeros, or the bias, as of f32. */
static void check_no_channels(hone_order order, bool with_bias)
{
    HONE_SCOPE();
    HONE_BF16_ORDER(order);
    HONE_AUTOCAST(HONE_BF16);
    hone_tensor *x = hone_requires_grad_(hone_zeros(HONE_F32, 2, 0, 8, 8), true);
    hone_tensor *weight = hone_requires_grad_(hone_zeros(HONE_F32, 4, 0, 3, 3), true);
    hone_tensor *bias =
        with_bias ? hone_requires_grad_(T(HONE_F32, (4), 1, 2, 3, 4), true) : HONE_NONE;
    hone_tensor *y = hone_conv2d(x, weight, bias, NULL);
    cr_assert(y && hone_dtype_of(y) == HONE_BF16, "%s", hone_error_message());
    hone_tensor *want =
        with_bias ? hone_reshape(hone_detach(bias), 4, 1, 1) : hone_zeros(HONE_F32, 1);
    want = hone_contiguous(hone_expand(want, 2, 4, 6, 6));
    cr_assert(test_same_bits(hone_detach(y), hone_to(want, HONE_BF16)));
    CHECK_OK(hone_backward(hone_sum(hone_to(y, HONE_F32))));
    cr_assert(test_same_bits(hone_grad(x), hone_detach(x)));
    cr_assert(test_same_bits(hone_grad(weight), hone_detach(weight)));
    if (with_bias)
        CHECK_VALUES(hone_grad(bias), HONE_F32, (4), 72, 72, 72, 72);
}

Test(conv_halves, without_input_channels)
{
    for (int k = 0; k < 4; k++)
        check_no_channels(k & 1 ? HONE_TILES : HONE_PAIRS, k & 2);
}

/* Gradients of a weight that is bf16 itself, and the gradient's gradient. */
Test(conv_halves, other_gradients)
{
    hone_tensor *x = hone_requires_grad_(some(2, 3, 6, 6), true);
    hone_tensor *weight = hone_requires_grad_(some(4, 3, 3, 3), true);
    hone_tensor *y = hone_conv2d(x, weight, HONE_NONE, NULL);
    hone_tensor *loss = hone_sum(hone_mul(hone_to(y, HONE_F32), hone_to(y, HONE_F32)));
    hone_tensor_list g = hone_autograd_grad(hone_list(loss), hone_list(x, weight),
                                            &(hone_autograd_options){ .create_graph = true });
    cr_assert(g.at, "%s", hone_error_message());
    cr_assert(hone_dtype_of(g.at[0]) == HONE_BF16 && hone_dtype_of(g.at[1]) == HONE_BF16);
    hone_tensor *of =
        hone_add(hone_sum(hone_to(g.at[0], HONE_F32)), hone_sum(hone_to(g.at[1], HONE_F32)));
    hone_tensor_list h = hone_autograd_grad(hone_list(of), hone_list(x, weight), NULL);
    cr_assert(h.at, "%s", hone_error_message());
    /* the same in f32 */
    hone_tensor *x32 = hone_requires_grad_(hone_to(hone_detach(x), HONE_F32), true);
    hone_tensor *w32 = hone_requires_grad_(hone_to(hone_detach(weight), HONE_F32), true);
    hone_tensor *y32 = hone_conv2d(x32, w32, HONE_NONE, NULL);
    hone_tensor_list g32 =
        hone_autograd_grad(hone_list(hone_sum(hone_mul(y32, y32))), hone_list(x32, w32),
                           &(hone_autograd_options){ .create_graph = true });
    hone_tensor_list h32 = hone_autograd_grad(
        hone_list(hone_add(hone_sum(g32.at[0]), hone_sum(g32.at[1]))), hone_list(x32, w32), NULL);
    for (int i = 0; i < 2; i++) {
        hone_tensor *largest = hone_max(hone_abs(hone_detach(h32.at[i])));
        cr_assert(
            hone_allclose(hone_to(h.at[i], HONE_F32), h32.at[i], 0.03, 0.02 * hone_item(largest)));
    }
}
