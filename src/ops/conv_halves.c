/* conv_halves.c: a convolution of bf16 and its weight's gradient. What Winograd's forms or products of
 * pixels save is more than what products of bf16 do, so these stay as they are for f32, of widened
 * operands, their results rounded once, which errs a thousand times more than F(4x4, 3x3): that is taken
 * forward, too. But a gradient by the weight over few places is a product of
 * bf16 (gemm/pairs.h): one chain over (sample, y, x), taps outside of the image being +0; in the order
 * `tiles` if a sample has a multiple of 32 places. */
#include "ops/conv.h"

#include "gemm/pairs.h"
#include "loops/elementwise.h"
#include "loops/half_windows.h"
#include "op/half.h"

/* With more places a sample's sum would be one of its own (ops/samples.h), or Winograd's. */
enum { FEW_PLACES = 144 };

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

bool hone__conv_forward_of_halves(const hone__conv *c, hone_tensor *weight, hone_tensor *bias,
                                  hone_tensor *y)
{
    hone__conv w;
    hone_tensor *weight32 = wide(weight), *bias32 = wide(bias);
    hone_tensor *sums = hone__own(hone__new("conv2d", HONE_F32, y->ndim, y->shape));
    return sums && weight32 && bias32 && take_wide(c, &w) &&
           hone__conv_forward(&w, weight32, bias32, sums) && hone__copy_elements(y, sums);
}

/* ---- the gradient by the weight */

bool hone__conv_multiplies_halves(const hone_tensor *dy, int dims, int64_t groups,
                                  const int64_t *kernel)
{
    const int64_t *extent = dy->shape + dy->ndim - 2;
    return dy->dtype == HONE_BF16 && dims == 2 && groups == 1 &&
           extent[0] * extent[1] < FEW_PLACES && kernel[0] * kernel[1] <= HONE__HALF_TAPS;
}

static hone__half_axis axis_of(const hone__conv *c, int d)
{
    return (hone__half_axis){ c->in[d],     c->kernel[d],     c->o.stride[d],
                              c->before[d], c->o.dilation[d], c->out[d] };
}

/* [outputs, n, places], contiguous. */
static hone_tensor *by_outputs(const hone__conv *c)
{
    hone_tensor *dy = hone_reshape(c->a, c->n, c->outputs, c->out[1] * c->out[2]);
    dy = dy ? hone_transpose(dy, 0, 1) : NULL;
    return dy ? hone_contiguous(dy) : NULL;
}

static bool add_product(const hone__conv *c, hone_tensor *sum)
{
    hone_tensor *dy = by_outputs(c), *x = hone_contiguous(c->b);
    hone__half_windows w = {
        .n = c->n, .channels = c->channels, .y = axis_of(c, 1), .x = axis_of(c, 2)
    };
    if (!dy || !x || !hone__half_windows_begin(&w, hone__data(x)))
        return false;
    const int64_t rows = c->channels * w.y.taps * w.x.taps, k = c->n * w.places;
    hone__gemm_args g = hone__gemm_contiguous(HONE__GEMM_BF16, rows, c->outputs, k);
    g.b = hone__data(dy);
    g.b_rs = 1;
    g.b_cs = k;
    g.c = hone__data(sum);
    g.c_rs = 1;
    g.c_cs = rows;
    g.accumulate = HONE__GEMM_BEGIN;
    g.positions = w.places;
    const bool ok = hone__gemm_pairs_from(&g, &w.source) == 0;
    hone__half_windows_end(&w);
    return ok;
}

bool hone__conv_add_weight_of_halves(const hone__conv *c, hone_tensor *sum)
{
    hone__conv w;
    if (sum->numel == 0 || c->a->numel == 0)
        return true;
    if (hone__conv_multiplies_halves(c->a, c->dims, c->o.groups, c->kernel + 1))
        return add_product(c, sum);
    return take_wide(c, &w) && hone__conv_add_weight(&w, sum, false);
}
