/* catalog_conv.c: rows of src/ops/conv.c and src/ops/conv_backward.c. */
#include "catalog.h"

#include <string.h>

static const char *const conv_cases[] = {
    "2x4x5x6 6x2x3x2 6",   "1x4x4x3:t 6x2x3x2:t 6:s", "2x4x5x4:s 2x2x3x2 -",
    "3x4x3x4:e 4x2x1x1 4", "0x4x5x4 6x2x3x2 6",       "2x4x5x4 0x2x3x2 0",
    "2x4x3x2 2x2x3x2 2",   "4x5x6:t 6x2x3x2 6",       NULL
};
static const char *const plain_cases[] = { "2x3x5x4 4x3x3x2 4",     "1x1x1x1 1x1x1x1 1",
                                           "2x3x4x5:t 2x3x2x2:t -", "2x0x3x3 4x0x2x2 4",
                                           "1x2x9x1 3x2x4x1 3:e",   "1x2x3x2 4x2x3x2 4",
                                           "2x3x4x3 1x3x2x2 1",     "2x3x2x2 1x3x2x2 1",
                                           "3x5x4:s 4x3x3x2 4",     NULL };
static const char *const depthwise_cases[] = { "2x8x5x6 8x1x3x2 8",   "1x8x4x3:t 8x1x3x2:t 8:s",
                                               "2x8x5x4:s 8x1x3x2 -", "8x5x6:t 8x1x3x2 8",
                                               "0x8x5x4 8x1x3x2 8",   NULL };
static const char *const input_cases[] = { "2x6x4x2 6x2x3x2", "2x6x4x2:t 6x2x3x2:s",
                                           "0x6x4x2 6x2x3x2", "6x4x2:s 6x2x3x2", NULL };
static const char *const weight_cases[] = { "2x6x4x2 2x4x7x5", "2x6x4x2:s 2x4x7x5:t",
                                            "0x6x4x2 0x4x7x5", "2x6x4x2:t 2x4x7x5",
                                            "6x4x2:t 4x7x5:s", NULL };

/* The options as the oracle wants them. */
typedef struct {
    int64_t stride[2], before[2], dilation[2], groups;
    bool same;
} options;

static options options_of(const catalog_row *row, const int64_t *kernel, int64_t *all)
{
    options o;
    catalog_pair(row, "stride", o.stride);
    catalog_pair(row, "padding", o.before);
    catalog_pair(row, "dilation", o.dilation);
    o.groups = catalog_int(row, "groups");
    o.groups = o.groups ? o.groups : 1;
    o.same = catalog_choice(row, "auto_pad", "EXPLICIT, VALID, SAME") == 2;
    for (int d = 0; d < 2; d++) {
        o.stride[d] = o.stride[d] ? o.stride[d] : 1;
        o.dilation[d] = o.dilation[d] ? o.dilation[d] : 1;
        all[d] = 2 * o.before[d];
        if (o.same)
            all[d] = o.dilation[d] * (kernel[d] - 1), o.before[d] = all[d] / 2;
    }
    return o;
}

/* Every product x[n, c, iy, ix] weight[o, c, ky, kx] that is part of out[n, o, y, x]: one of the
 * three is summed into, from the other two. */
typedef struct {
    int64_t n, c, h, w, o, kh, kw, oh, ow;
    options with;
} extents;

static void accumulate(const extents *e, double *out, double *x, double *weight, int into)
{
    const int64_t cg = e->c / e->with.groups, og = e->o / e->with.groups;
    for (int64_t n = 0; n < e->n; n++)
        for (int64_t o = 0; o < e->o; o++)
            for (int64_t y = 0; y < e->oh; y++)
                for (int64_t c = 0; c < cg * e->ow; c++)
                    for (int64_t k = 0; k < e->kh * e->kw; k++) {
                        const int64_t ox = c / cg, ky = k / e->kw, kx = k % e->kw;
                        const options *p = &e->with;
                        const int64_t iy = y * p->stride[0] - p->before[0] + ky * p->dilation[0];
                        const int64_t ix = ox * p->stride[1] - p->before[1] + kx * p->dilation[1];
                        if (iy < 0 || iy >= e->h || ix < 0 || ix >= e->w)
                            continue;
                        double *a = &out[((n * e->o + o) * e->oh + y) * e->ow + ox];
                        const int64_t channel = o / og * cg + c % cg;
                        double *b = &x[((n * e->c + channel) * e->h + iy) * e->w + ix];
                        double *w = &weight[(o * cg + c % cg) * e->kh * e->kw + k];
                        if (into == 0)
                            *a += *b * *w;
                        else if (into == 1)
                            *b += *a * *w;
                        else
                            *w += *a * *b;
                    }
}

/* The extents of an image, of one sample where it has no dim for them. */
static const int64_t *image(const catalog_array *a, int64_t *room)
{
    if (a->ndim == 4)
        return a->shape;
    room[0] = 1;
    memcpy(room + 1, a->shape, 3 * sizeof *room);
    return room;
}

/* As image() says of `like`. */
static void image_out(catalog_array *out, const catalog_array *like, int64_t n, int64_t c,
                      int64_t h, int64_t w)
{
    catalog_shape(out, like->dtype, like->ndim, (int64_t[]){ n, c, h, w } + 4 - like->ndim);
}

static void conv_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    (void)n_in;
    int64_t all[2], room[4];
    const int64_t *x = image(&in[0], room);
    extents e = {
        x[0],           x[1],           x[2], x[3], in[1].shape[0],
        in[1].shape[2], in[1].shape[3], 0,    0,    options_of(row, in[1].shape + 2, all)
    };
    e.oh = (e.h + all[0] - e.with.dilation[0] * (e.kh - 1) - 1) / e.with.stride[0] + 1;
    e.ow = (e.w + all[1] - e.with.dilation[1] * (e.kw - 1) - 1) / e.with.stride[1] + 1;
    image_out(out, &in[0], e.n, e.o, e.oh, e.ow);
    accumulate(&e, out->at, in[0].at, in[1].at, 0);
    for (int64_t i = 0; i < out->numel; i++)
        out->at[i] += in[2].none ? 0 : in[2].at[i / (e.oh * e.ow) % e.o];
}

static void input_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    (void)n_in;
    int64_t all[2], room[4];
    const int64_t *dy = image(&in[0], room), *w = in[1].shape;
    const options o = options_of(row, w + 2, all);
    const extents e = { dy[0],
                        w[1] * o.groups,
                        catalog_int(row, "height"),
                        catalog_int(row, "width"),
                        w[0],
                        w[2],
                        w[3],
                        dy[2],
                        dy[3],
                        o };
    image_out(out, &in[0], e.n, e.c, e.h, e.w);
    accumulate(&e, in[0].at, out->at, in[1].at, 1);
}

static void weight_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    (void)n_in;
    int64_t all[2], room[8];
    const int64_t *dy = image(&in[0], room), *x = image(&in[1], room + 4);
    const int64_t kernel[] = { catalog_int(row, "height"), catalog_int(row, "width") };
    const options o = options_of(row, kernel, all);
    const extents e = { x[0], x[1], x[2], x[3], dy[1], kernel[0], kernel[1], dy[2], dy[3], o };
    catalog_shape(out, in[0].dtype, 4, (int64_t[]){ e.o, e.c / o.groups, e.kh, e.kw });
    accumulate(&e, in[0].at, in[1].at, out->at, 2);
}

#define CONV .in = { { catalog_any } }, .ulps = 8, .scale = 40
/* 7 x 5 with a kernel of 3 x 2 dilated to 5 x 2, padding (2, 1), stride (2, 3) -> 4 x 2 */
#define HARD "stride=2,3 padding=2,1 dilation=2,1 groups=2"

static const catalog_row rows[] = {
    { "conv2d", "stride, padding, dilation, groups", conv_cases, "3x4x17x23 6x2x3x2 6", CONV,
      .attributes = HARD, .oracle = conv_oracle },
    { "conv2d", "plain", plain_cases, "2x5x40x37 40x5x3x3 40", CONV, .attributes = "",
      .oracle = conv_oracle },
    { "conv2d", "many channels", plain_cases, "2x20x13x14 24x20x3x3 24", CONV,
      .attributes = "padding=1", .oracle = conv_oracle },
    { "conv2d", "many channels, strides", plain_cases, "2x17x35x34 18x17x3x3 18", CONV,
      .attributes = "stride=2 padding=1", .oracle = conv_oracle },
    { "conv2d", "depthwise", depthwise_cases, "3x8x23x20 8x1x3x3 8", CONV,
      .attributes = "stride=1,2 padding=1 groups=8", .oracle = conv_oracle },
    { "conv2d", "same", conv_cases, "2x4x13x14 6x2x4x3 6", CONV,
      .attributes = "auto_pad=same groups=2 dilation=1,3", .oracle = conv_oracle },
    { "conv2d_backward_input", NULL, input_cases, "2x6x4x2 6x40x3x2", CONV,
      .attributes = "height=7 width=5 " HARD, .oracle = input_oracle },
    { "conv2d_backward_weight", NULL, weight_cases, "2x6x4x2 2x40x7x5", CONV,
      .attributes = "height=3 width=2 " HARD, .oracle = weight_oracle },
};
CATALOG_FAMILY(conv);
