/* relu_pool.c: ReLU and max pooling of windows of 2 x 2 side by side as one op, and its gradient.
 *
 * The largest of relu(x) is the relu of the largest, and where that is 0 no gradient gets through,
 * whichever element it goes to: so a window's place, a byte, is all that is saved. */
#include "op/relu_pool.h"

#include "isa/images.h"
#include "loops/relu_pool.h"
#include "ops/pool.h"

enum { DY, WHICH };

bool hone__relu_pool_takes(const hone_tensor *x)
{
    const bool half = hone__is_half((hone_dtype)x->dtype);
    if ((x->dtype != HONE_F32 && !half) || (x->ndim != 3 && x->ndim != 4))
        return false;
    const int64_t height = x->shape[x->ndim - 2], width = x->shape[x->ndim - 1];
    return x->numel > 0 && height >= 2 && width >= 2 && height <= INT32_MAX / width &&
           (!half || width <= HONE__RELU_POOL_WIDTH);
}

static hone__relu_pooling pooling_of(const hone_tensor *x, const hone_tensor *y,
                                     const hone_tensor *which)
{
    const int64_t height = x->shape[x->ndim - 2], width = x->shape[x->ndim - 1];
    return (hone__relu_pooling){ .dtype = (hone_dtype)x->dtype,
                                 .planes = x->numel / (height * width),
                                 .height = height,
                                 .width = width,
                                 .x = hone__data(x),
                                 .y = hone__data(y),
                                 .which = hone__data(which) };
}

static bool relu_pool_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out)
{
    (void)n_in;
    hone_tensor *x = hone_contiguous(in[0]);
    if (!x)
        return false;
    const int64_t extent[] = { 1, x->shape[x->ndim - 2] / 2, x->shape[x->ndim - 1] / 2 };
    const hone__shape shape = hone__pooled_shape(x, 2, extent);
    hone_tensor *y = out[0] = hone__out(ctx, 0, (hone_dtype)x->dtype, shape.ndim, shape.shape);
    if (!y || !(out[1] = hone__out(ctx, 1, HONE_U8, shape.ndim, shape.shape)) ||
        !HONE__SAVE(ctx, out[1]))
        return false;
    const hone__relu_pooling p = pooling_of(x, y, out[1]);
    hone__relu_max_pool(&p);
    return true;
}

/* ---- the gradient */

typedef struct {
    int64_t height, width;
} extents;
static const hone__option back_table[] = {
    HONE__OPTION(extents, height, HONE__OPT_INT, .required = true, .min = 2, .max = INT32_MAX),
    HONE__OPTION(extents, width, HONE__OPT_INT, .required = true, .min = 2, .max = INT32_MAX),
    { NULL },
};

static bool back_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const extents *o = hone__options(ctx);
    hone_tensor *dy = hone_contiguous(in[DY]), *which = hone_contiguous(in[WHICH]);
    if (!dy || !which)
        return false;
    const hone__shape shape = hone__pooled_shape(dy, 2, (int64_t[]){ 1, o->height, o->width });
    hone_tensor *dx = out[0] = hone__out(ctx, 0, (hone_dtype)dy->dtype, shape.ndim, shape.shape);
    if (!dx)
        return false;
    const hone__relu_pooling p = pooling_of(dx, dy, which);
    hone__relu_max_pool_back(&p);
    return true;
}

/* i64 like `which`: the places in a plane, of windows without one any. */
static hone_tensor *places_of(const hone_tensor *which, int64_t width)
{
    hone_tensor *places = hone__own(hone__new("max_pool2d", HONE_I64, which->ndim, which->shape));
    const uint8_t *at = hone__data(which);
    const int64_t rows = which->shape[which->ndim - 2], n = which->shape[which->ndim - 1];
    int64_t *to = places ? hone__data(places) : NULL;
    for (int64_t i = 0; to && i < which->numel; i++) {
        const int64_t row = i / n, k = at[i] & 3;
        to[i] = (2 * (row % rows) + k / 2) * width + 2 * (i - row * n) + k % 2;
    }
    return places;
}

static void relu_pool_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone__shape *x = hone__input_shape(ctx, 0);
    const extents o = { x->shape[x->ndim - 2], x->shape[x->ndim - 1] };
    hone_tensor *which = hone_saved(ctx, 0);
    if (!hone_grad_enabled()) {
        dx[0] = hone__call(&hone__op_relu_max_pool2d_backward, IN(dy[0], which), &o);
        return;
    }
    hone_tensor *above = hone_to(hone_lt_scalar(which, HONE__POOL_BELOW), hone_dtype_of(dy[0]));
    hone_tensor *places = which ? places_of(which, o.width) : NULL;
    dx[0] = hone_max_pool2d_backward(hone_relu_backward(dy[0], above), places, o.height, o.width);
}

/* ---- the ops: hone's own, in layers and described networks that have the two (nn/relu_pool.h) */

const hone__op hone__op_relu_max_pool2d = {
    .name = "relu_max_pool2d",
    .forward = relu_pool_forward,
    .backward = relu_pool_backward,
    .in = { { "x" } },
    .out = { { "values" }, { "which", HONE__CONSTANT | HONE__HIDDEN } },
    .forms = HONE__PRIVATE,
};

/* Where a gradient is differentiated again, public ops stand for it. */
const hone__op hone__op_relu_max_pool2d_backward = {
    .name = "relu_max_pool2d_backward",
    .forward = back_forward,
    .in = { { "dy" }, { "which", HONE__CONSTANT } },
    .options = back_table,
    .options_bytes = sizeof(extents),
    .forms = HONE__PRIVATE,
};

hone_tensor *hone__relu_max_pool2d(hone_tensor *x)
{
    return hone__call(&hone__op_relu_max_pool2d, IN(x), NULL);
}
