/* shuffle.c: PixelShuffle, PixelUnshuffle and ChannelShuffle. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/ops.h>

#include <math.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)
#define FACTOR(name_)                                                                              \
    {                                                                                              \
        { name_, HONE__WHOLE, .min = 1, .max = 1 << 30 },                                          \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* x [.., c, h, w] with the dims before these made one. */
typedef struct {
    int64_t n, c, h, w;
    bool right;
} images;

static images images_of(const hone__plain *self, const hone_tensor *x, int64_t channels,
                        int64_t extents)
{
    images i = { .n = 1 };
    i.right = x->ndim >= 3;
    for (int d = 0; d < x->ndim - 3; d++)
        i.n *= x->shape[d];
    if (i.right) {
        i.c = x->shape[x->ndim - 3];
        i.h = x->shape[x->ndim - 2];
        i.w = x->shape[x->ndim - 1];
        i.right = i.c % channels == 0 && i.h % extents == 0 && i.w % extents == 0;
    }
    if (!i.right)
        hone_error_set(HONE_E_SHAPE, "%s: wants [.., c, h, w] with %s divisible by %lld, got %s",
                       self->base.type->name, channels > 1 ? "c" : "h and w",
                       (long long)(channels > 1 ? channels : extents), hone__tensor_text(x).s);
    return i;
}

/* The last three dims of x's shape replaced. */
static hone_tensor *as(hone_tensor *y, const hone_tensor *x, int64_t c, int64_t h, int64_t w)
{
    int64_t dims[HONE_MAX_DIMS + 1];
    int n = 0;
    for (; n < x->ndim - 3; n++)
        dims[n] = x->shape[n];
    dims[n++] = c;
    dims[n++] = h;
    dims[n++] = w;
    dims[n] = HONE_END_DIM;
    return hone_reshape_v(y, dims);
}

static const hone__parameter upscale[] = FACTOR("upscale_factor");
FORWARD(pixel_shuffle)
{
    const int64_t r = self->at[0].at[0];
    const images i = images_of(self, in[0], r * r, 1);
    if (!i.right)
        return NULL;
    hone_tensor *y = hone_reshape(in[0], i.n, i.c / (r * r), r, r, i.h, i.w);
    return as(hone_permute(y, 0, 1, 4, 2, 5, 3), in[0], i.c / (r * r), i.h * r, i.w * r);
}
const hone__layer hone__layer_PixelShuffle = HONE__PLAIN("PixelShuffle", 1, pixel_shuffle, upscale);

static const hone__parameter downscale[] = FACTOR("downscale_factor");
FORWARD(pixel_unshuffle)
{
    const int64_t r = self->at[0].at[0];
    const images i = images_of(self, in[0], 1, r);
    if (!i.right)
        return NULL;
    hone_tensor *y = hone_reshape(in[0], i.n, i.c, i.h / r, r, i.w / r, r);
    return as(hone_permute(y, 0, 1, 3, 5, 2, 4), in[0], i.c * r * r, i.h / r, i.w / r);
}
const hone__layer hone__layer_PixelUnshuffle =
    HONE__PLAIN("PixelUnshuffle", 1, pixel_unshuffle, downscale);

static const hone__parameter groups[] = FACTOR("groups");
/* [n, c, ..]: channel j of group i goes to place i of j. */
FORWARD(channel_shuffle)
{
    hone_tensor *x = in[0];
    const int64_t g = self->at[0].at[0];
    if (x->ndim < 3 || x->shape[1] % g) {
        hone_error_set(HONE_E_SHAPE,
                       "ChannelShuffle: wants [n, c, ..] with c divisible by %lld, got %s",
                       (long long)g, hone__tensor_text(x).s);
        return NULL;
    }
    int64_t rest = 1, dims[HONE_MAX_DIMS + 1];
    for (int d = 0; d < x->ndim; d++) {
        dims[d] = x->shape[d];
        rest *= d > 1 ? x->shape[d] : 1;
    }
    dims[x->ndim] = HONE_END_DIM;
    hone_tensor *y = hone_reshape(x, x->shape[0], g, x->shape[1] / g, rest);
    return hone_reshape_v(hone_transpose(y, 1, 2), dims);
}
const hone__layer hone__layer_ChannelShuffle =
    HONE__PLAIN("ChannelShuffle", 1, channel_shuffle, groups);
