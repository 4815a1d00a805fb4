/* pixel_shuffle.c: channels as places and back. They record themselves. */
#include "ops/common.h"

#define FACTOR(type, field)                                                                        \
    HONE__OPTION(type, field, HONE__OPT_INT, .required = true, .min = 1, .max = INT32_MAX)

/* x with its dims before the last three as one. False: an error that names the call. */
static bool take(hone_context *ctx, hone_tensor *x, int64_t r, hone_tensor **flat)
{
    if (r < 1 || r > INT32_MAX) {
        hone_error_set(HONE_E_VALUE, "%s: a factor of %lld, 1 to 2^31 - 1 is wanted",
                       hone__call_name(ctx), (long long)r);
        return false;
    }
    if (x->ndim < 3) {
        hone_error_set(HONE_E_SHAPE, "%s: x is %s, [.., C, H, W] is wanted", hone__call_name(ctx),
                       hone__tensor_text(x).s);
        return false;
    }
    int64_t lead = 1;
    for (int d = 0; d < x->ndim - 3; d++)
        lead *= x->shape[d];
    const int64_t *last = x->shape + x->ndim - 3;
    return hone__give(flat, hone_reshape(x, lead, last[0], last[1], last[2]));
}

/* t as the result: of x's dims, but for the last three. */
static hone_tensor *give(hone_tensor *x, hone_tensor *t, int64_t c, int64_t h, int64_t w)
{
    hone__shape shape = hone__shape_of(x);
    int64_t room[HONE_MAX_DIMS + 1];
    shape.shape[shape.ndim - 3] = c;
    shape.shape[shape.ndim - 2] = h;
    shape.shape[shape.ndim - 1] = w;
    hone_tensor *y = hone_reshape_v(t, hone__ended(&shape, room));
    return y && y->storage == x->storage ? hone_clone(y) : y; /* results are fresh */
}

/* ---- pixel_shuffle */

typedef struct {
    int64_t upscale_factor;
} up_options;
static const hone__option up_table[] = { FACTOR(up_options, upscale_factor), { NULL } };

static bool pixel_shuffle_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                  hone_tensor **out)
{
    const int64_t r = ((const up_options *)hone__options(ctx))->upscale_factor;
    hone_tensor *x;
    (void)n_in;
    if (!take(ctx, in[0], r, &x))
        return false;
    const int64_t n = x->shape[0], c = x->shape[1] / r / r, h = x->shape[2], w = x->shape[3];
    if (x->shape[1] != c * r * r) {
        hone_error_set(HONE_E_SHAPE, "pixel_shuffle: %s has %lld channels, no multiple of %lld^2",
                       hone__tensor_text(in[0]).s, (long long)x->shape[1], (long long)r);
        return false;
    }
    int64_t height, width;
    if (__builtin_mul_overflow(h, r, &height) || __builtin_mul_overflow(w, r, &width)) {
        hone_error_set(HONE_E_SHAPE, "pixel_shuffle: %s by %lld is too large",
                       hone__tensor_text(in[0]).s, (long long)r);
        return false;
    }
    hone_tensor *parts = hone_permute(hone_reshape(x, n, c, r, r, h, w), 0, 1, 4, 2, 5, 3);
    return hone__give(out, give(in[0], parts, c, height, width));
}

const hone__op hone__op_pixel_shuffle = {
    .name = "pixel_shuffle",
    .forward = pixel_shuffle_forward,
    .in = { { "x" } },
    .options = up_table,
    .options_bytes = sizeof(up_options),
    .composite = true,
};

hone_tensor *hone_pixel_shuffle(hone_tensor *x, int64_t upscale_factor)
{
    return hone__call(&hone__op_pixel_shuffle, IN(x), &(up_options){ upscale_factor });
}

/* ---- pixel_unshuffle */

typedef struct {
    int64_t downscale_factor;
} down_options;
static const hone__option down_table[] = { FACTOR(down_options, downscale_factor), { NULL } };

static bool pixel_unshuffle_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                    hone_tensor **out)
{
    const int64_t r = ((const down_options *)hone__options(ctx))->downscale_factor;
    hone_tensor *x;
    (void)n_in;
    if (!take(ctx, in[0], r, &x))
        return false;
    const int64_t n = x->shape[0], c = x->shape[1], h = x->shape[2] / r, w = x->shape[3] / r;
    if (x->shape[2] != h * r || x->shape[3] != w * r) {
        hone_error_set(HONE_E_SHAPE,
                       "pixel_unshuffle: %s has %lld x %lld places, no multiples of %lld",
                       hone__tensor_text(in[0]).s, (long long)x->shape[2], (long long)x->shape[3],
                       (long long)r);
        return false;
    }
    int64_t channels;
    if (__builtin_mul_overflow(c, r * r, &channels)) {
        hone_error_set(HONE_E_SHAPE, "pixel_unshuffle: %s by %lld is too large",
                       hone__tensor_text(in[0]).s, (long long)r);
        return false;
    }
    hone_tensor *parts = hone_permute(hone_reshape(x, n, c, h, r, w, r), 0, 1, 3, 5, 2, 4);
    return hone__give(out, give(in[0], parts, channels, h, w));
}

const hone__op hone__op_pixel_unshuffle = {
    .name = "pixel_unshuffle",
    .forward = pixel_unshuffle_forward,
    .in = { { "x" } },
    .options = down_table,
    .options_bytes = sizeof(down_options),
    .composite = true,
};

hone_tensor *hone_pixel_unshuffle(hone_tensor *x, int64_t downscale_factor)
{
    return hone__call(&hone__op_pixel_unshuffle, IN(x), &(down_options){ downscale_factor });
}
