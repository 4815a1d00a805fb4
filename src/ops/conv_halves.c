/* conv_halves.c: a convolution of bf16 and its gradients. In the order `pairs` Winograd's forms save more
 * products than those of bf16 save time, so where they suit they are taken as for f32, operands widened as
 * they are read, results rounded once, which errs a thousand times more than F(4x4, 3x3): that is taken
 * forward, too. In the order `tiles`, whose instruction is ten times as fast, they are not.
 * All else of one group is a product of bf16 (loops/half_conv.h): one chain over (channel, ky, kx), taps
 * outside of the image being +0; or, by x, over (output, ky, kx) without taps that no output has. In the
 * order `tiles` over (ky, kx, channel or output).
 *
 * A gradient by the weight is one, too, over few places or where Winograd's form isn't taken: one chain
 * over (sample, y, x), or from HONE__MANY_POSITIONS places on one over (y, x) for each sample, these being
 * added in order. In the order `tiles` each sample begins a tile, whatever its places, so the last
 * tile of one may be short; but samples of fewer than half a tile are a chain. */
#include "ops/conv.h"

#include "gemm/pairs.h"
#include "isa/bf16.h"
#include "loops/elementwise.h"
#include "loops/half_conv.h"
#include "loops/half_conv_weight.h"
#include "op/half.h"
#include "ops/samples.h"

/* With more places Winograd's form saves more. */
enum { FEW_PLACES = 144 };

static bool takes_winograd(const hone__conv *c, const int64_t *out)
{
    return !hone__bf16_tiles_now() && hone__conv_suits_winograd(c, out);
}

static hone_tensor *wide(hone_tensor *t)
{
    return t == HONE_NONE || t->dtype != HONE_BF16 ? t : hone__half_cast(t, HONE_F32);
}

static bool take_wide(const hone__conv *c, hone__conv *w)
{
    *w = *c;
    w->rounds = true;
    w->a = wide(c->a);
    w->b = c->b ? wide(c->b) : NULL;
    return w->a && (w->b || !c->b);
}

/* ---- outputs, and the gradient by x */

/* If it is weights times windows where Winograd's form isn't taken. */
static bool suits_product(const hone__conv *c)
{
    return c->channels > 0 && c->outputs > 0 && c->kernel[0] == 1 && c->in[0] == 1 &&
           c->out[0] == 1 && c->o.groups == 1 && c->kernel[1] * c->kernel[2] <= HONE__HALF_TAPS;
}

static hone__half_axis axis_of(const hone__conv *c, int d)
{
    return (hone__half_axis){ c->in[d],     c->kernel[d],     c->o.stride[d],
                              c->before[d], c->o.dilation[d], c->out[d] };
}

static hone__half_conv results_in(const hone__half_windows *w, hone_tensor *to,
                                  const int64_t *extent)
{
    const int64_t plane = extent[1] * extent[2], channels = to->shape[to->ndim - 3];
    return (hone__half_conv){ .windows = w,
                              .to = hone__data(to),
                              .narrow = to->dtype == HONE_BF16,
                              .outputs = channels,
                              .to_sample = channels * plane,
                              .to_output = plane,
                              .to_row = extent[2],
                              .to_column = 1 };
}

static bool product_forward(const hone__conv *c, hone_tensor *weight, hone_tensor *bias,
                            hone_tensor *y)
{
    hone_tensor *x = hone_contiguous(c->a);
    hone_tensor *bias32 = hone__is_real(bias) ? hone_contiguous(wide(bias)) : NULL;
    hone__half_windows w = {
        .n = c->n, .channels = c->channels, .y = axis_of(c, 1), .x = axis_of(c, 2)
    };
    w.pairs = hone__half_conv_wants_pairs(c->channels, w.y.taps * w.x.taps);
    if (!x || (hone__is_real(bias) && !bias32) || !hone__half_windows_begin(&w, hone__data(x)))
        return false;
    hone__half_conv h = results_in(&w, y, c->out);
    h.rows = c->out[1];
    h.columns = c->out[2];
    h.row_step = w.row * c->o.stride[1];
    h.taps = w.y.taps * w.x.taps;
    h.weight = hone__data(weight);
    h.w_out = c->channels * h.taps;
    h.w_in = h.taps;
    h.bias = bias32 ? hone__data(bias32) : NULL;
    for (int64_t t = 0; t < h.taps; t++) {
        h.at[t] = w.tap[t];
        h.which[t] = t;
    }
    const bool ok = hone__half_conv_run(&h);
    hone__half_windows_end(&w);
    return ok;
}

/* Pixels stride * i + phase of x are in output i + place of tap. */
typedef struct {
    int64_t n, tap[HONE__HALF_TAPS], place[HONE__HALF_TAPS], pixels;
} phase;

static phase phase_of(const hone__conv *c, int d, int64_t first)
{
    const int64_t stride = c->o.stride[d];
    phase p = { .pixels = (c->in[d] - first + stride - 1) / stride };
    for (int64_t k = 0; k < c->kernel[d]; k++) {
        const int64_t to = first + c->before[d] - k * c->o.dilation[d];
        if (to % stride != 0)
            continue;
        p.tap[p.n] = k;
        p.place[p.n++] = to / stride;
    }
    return p;
}

/* dy with as much padding as the pixels of any phase see. */
static hone__half_axis axis_of_dy(const hone__conv *c, int d)
{
    int64_t least = 0, most = 0, pixels = 0;
    for (int64_t first = 0; first < c->o.stride[d] && first < c->in[d]; first++) {
        const phase p = phase_of(c, d, first);
        for (int64_t t = 0; t < p.n; t++) {
            least = p.place[t] < least ? p.place[t] : least;
            most = p.place[t] > most ? p.place[t] : most;
        }
        pixels = p.pixels > pixels ? p.pixels : pixels;
    }
    const bool wider = most > least;
    return (
        hone__half_axis){ c->out[d], wider ? 2 : 1, 1, -least, wider ? most - least : 1, pixels };
}

static bool run_phase(const hone__conv *c, const hone__half_windows *w, hone__half_conv *h,
                      const phase *y, const phase *x)
{
    h->rows = y->pixels;
    h->columns = x->pixels;
    h->taps = y->n * x->n;
    for (int64_t t = 0; t < h->taps; t++) {
        const int64_t ty = t / x->n, tx = t % x->n;
        h->at[t] = (w->y.before + y->place[ty]) * w->row + w->x.before + x->place[tx];
        h->which[t] = y->tap[ty] * c->kernel[2] + x->tap[tx];
    }
    return h->taps == 0 || hone__half_conv_run(h);
}

static bool product_input(const hone__conv *c, hone_tensor *weight, hone_tensor *dx)
{
    hone_tensor *dy = hone_contiguous(c->a);
    const int64_t taps = c->kernel[1] * c->kernel[2], *stride = c->o.stride;
    hone__half_windows w = {
        .n = c->n, .channels = c->outputs, .y = axis_of_dy(c, 1), .x = axis_of_dy(c, 2)
    };
    w.pairs = hone__half_conv_wants_pairs(c->outputs, taps);
    if (!dy || !hone__half_windows_begin(&w, hone__data(dy)))
        return false;
    if (stride[1] > c->kernel[1] || stride[2] > c->kernel[2] || c->o.dilation[1] > 1 ||
        c->o.dilation[2] > 1)
        hone__fill_elements(dx, 0); /* there may be pixels that no output sees */
    bool ok = true;
    for (int64_t i = 0; ok && i < stride[1] * stride[2]; i++) {
        const int64_t first_y = i / stride[2], first_x = i % stride[2];
        if (first_y >= c->in[1] || first_x >= c->in[2])
            continue;
        const phase y = phase_of(c, 1, first_y), x = phase_of(c, 2, first_x);
        hone__half_conv h = results_in(&w, dx, c->in);
        const int64_t size = h.narrow ? sizeof(uint16_t) : sizeof(float);
        h.to = (char *)h.to + (first_y * c->in[2] + first_x) * size;
        h.to_row = stride[1] * c->in[2];
        h.to_column = stride[2];
        h.row_step = w.row;
        h.weight = hone__data(weight);
        h.w_out = taps;
        h.w_in = c->channels * taps;
        ok = run_phase(c, &w, &h, &y, &x);
    }
    hone__half_windows_end(&w);
    return ok;
}

bool hone__conv_input_of_halves(const hone__conv *c, hone_tensor *weight, hone_tensor *dx)
{
    hone__conv w = *c;
    w.rounds = true;
    if (takes_winograd(c, c->in))
        return hone__conv_input(&w, weight, dx);
    if (suits_product(c))
        return product_input(c, weight, dx);
    hone_tensor *weight32 = wide(weight);
    hone_tensor *sums = hone__own(hone__new("conv2d", HONE_F32, dx->ndim, dx->shape));
    return sums && weight32 && take_wide(c, &w) && hone__conv_input(&w, weight32, sums) &&
           hone__copy_elements(dx, sums);
}

bool hone__conv_forward_of_halves(const hone__conv *c, hone_tensor *weight, hone_tensor *bias,
                                  hone_tensor *y)
{
    hone__conv w = *c;
    hone_tensor *bias32 = wide(bias);
    w.rounds = true;
    if (takes_winograd(c, c->out))
        return bias32 && hone__conv_forward(&w, weight, bias32, y);
    if (suits_product(c))
        return product_forward(c, weight, bias, y);
    hone_tensor *weight32 = wide(weight);
    hone_tensor *sums = hone__own(hone__new("conv2d", HONE_F32, y->ndim, y->shape));
    return sums && weight32 && bias32 && take_wide(c, &w) &&
           hone__conv_forward(&w, weight32, bias32, sums) && hone__copy_elements(y, sums);
}

/* ---- the gradient by the weight */

static bool multiplies_halves(const hone__conv *c)
{
    return c->dims == 2 && c->o.groups == 1 && c->kernel[1] * c->kernel[2] <= HONE__HALF_TAPS &&
           (c->out[1] * c->out[2] < FEW_PLACES || !takes_winograd(c, c->out));
}

/* [outputs, n, filled], contiguous; what isn't there is +0. */
static hone_tensor *by_outputs(const hone__conv *c, int64_t filled)
{
    const int64_t places = c->out[1] * c->out[2];
    hone_tensor *dy = hone_reshape(c->a, c->n, c->outputs, places);
    dy = dy ? hone_transpose(dy, 0, 1) : NULL;
    if (!dy || filled == places)
        return dy ? hone_contiguous(dy) : NULL;
    hone_tensor *all = hone_zeros(HONE_BF16, c->outputs, c->n, filled);
    hone_tensor *there = all ? hone_slice(all, 2, 0, places, 1) : NULL;
    return there && hone__copy_elements(there, dy) ? all : NULL;
}

static int64_t windows_of(const hone__conv *c)
{
    return c->channels * c->kernel[1] * c->kernel[2];
}

/* sum [outputs, channels, taps] (turned: the other way around) = or goes on with dy [outputs, k] times
 * windows over k places. */
static bool multiply(const hone__conv *c, const hone__half_windows *w, const uint16_t *dy,
                     int64_t k, hone__gemm_accumulate how, bool turned, hone_tensor *sum)
{
    hone__gemm_args g = hone__gemm_contiguous(HONE__GEMM_BF16, windows_of(c), c->outputs, k);
    g.b = dy;
    g.b_rs = 1;
    g.b_cs = k;
    g.c = hone__data(sum);
    if (!turned) {
        g.c_rs = 1;
        g.c_cs = g.m;
    }
    g.accumulate = how;
    g.positions = w->filled;
    return hone__gemm_pairs_from(&g, &w->source) == 0;
}

/* Panels of columns are filled up, those of rows aren't: are few windows better rows? */
static bool has_few_windows(const hone__conv *c)
{
    const int64_t width = hone__bf16()->shape.nr, rows = windows_of(c);
    const int64_t as_rows = rows * ((c->outputs + width - 1) / width);
    return 2 * as_rows <= c->outputs * ((rows + width - 1) / width);
}

/* A chain for each sample, as ops/samples.h has it. */
static bool add_each(const hone__conv *c, const hone__half_windows *w, hone_tensor *sum)
{
    const bool turned = has_few_windows(c);
    hone_tensor *dy = hone_contiguous(c->a), *flat = hone_reshape(sum, c->outputs, windows_of(c));
    hone_tensor *own =
        turned ? hone_empty(HONE_F32, windows_of(c), c->outputs) : hone_empty_like(flat);
    hone_tensor *seen = turned ? hone_transpose(own, 0, 1) : own;
    bool ok = dy && seen && flat;
    for (int64_t i = 0; ok && i < c->n; i++) {
        hone__half_windows sample = *w;
        sample.image = (const uint16_t *)w->image + i * w->sample;
        const uint16_t *of = (const uint16_t *)hone__data(dy) + i * c->outputs * w->places;
        ok = multiply(c, &sample, of, w->places, HONE__GEMM_OVERWRITE, turned, own) &&
             hone_add_(flat, seen);
    }
    return ok;
}

static bool add_all(const hone__conv *c, const hone__half_windows *w, hone_tensor *sum)
{
    hone_tensor *dy = by_outputs(c, w->filled);
    return dy && multiply(c, w, hone__data(dy), c->n * w->filled, HONE__GEMM_BEGIN, false, sum);
}

/* In the order `tiles` each sample begins one. */
static bool begins_tiles(const hone__conv *c)
{
    return hone__bf16_tiles_now() && c->out[1] * c->out[2] >= HONE__BF16_TILE_K / 2;
}

static bool add_windows(const hone__conv *c, hone_tensor *x, hone_tensor *sum)
{
    hone__half_windows w = {
        .n = c->n, .channels = c->channels, .y = axis_of(c, 1), .x = axis_of(c, 2)
    };
    if (!hone__half_windows_begin(&w, hone__data(x)))
        return false;
    const bool tiles = begins_tiles(c);
    if (tiles)
        w.filled = (w.places + HONE__BF16_TILE_K - 1) / HONE__BF16_TILE_K * HONE__BF16_TILE_K;
    const bool ok = (tiles || w.places < HONE__MANY_POSITIONS ? add_all : add_each)(c, &w, sum);
    hone__half_windows_end(&w);
    return ok;
}

static bool add_product(const hone__conv *c, hone_tensor *sum)
{
    hone_tensor *x = hone_contiguous(c->b), *dy;
    hone__half_conv_weight g = { .n = c->n,
                                 .channels = c->channels,
                                 .outputs = c->outputs,
                                 .y = axis_of(c, 1),
                                 .x = axis_of(c, 2) };
    if (!x || !begins_tiles(c) || !hone__half_conv_weight_suits(&g))
        return x && add_windows(c, x, sum);
    if (!(dy = hone_contiguous(c->a)))
        return false;
    g.images = hone__data(x);
    g.of_places = hone__data(dy);
    g.sum = hone__data(sum);
    return hone__half_conv_weight_run(&g);
}

bool hone__conv_add_weight_of_halves(const hone__conv *c, hone_tensor *sum)
{
    hone__conv w;
    if (sum->numel == 0 || c->a->numel == 0)
        return true;
    if (multiplies_halves(c))
        return add_product(c, sum);
    if (c->dims == 2 && takes_winograd(c, c->out))
        return hone__conv_add_weight(c, sum, false);
    return take_wide(c, &w) && hone__conv_add_weight(&w, sum, false);
}
