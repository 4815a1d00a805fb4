/* catalog_conv3d.c: rows of the 3-D ops of src/ops/conv.c, conv_backward.c and conv_transpose.c. */
#include "catalog.h"

#include <string.h>

/* Of depth, height and width: the attributes; extents of the image, the kernel and the result. */
typedef struct {
    int64_t stride[3], before[3], dilation[3], more[3], in[3], taps[3], out[3];
    int64_t n, channels, outputs, groups;
} geometry;

static void geometry_of(const catalog_row *row, const int64_t *taps, geometry *g)
{
    memset(g, 0, sizeof *g);
    catalog_triple(row, "stride", g->stride);
    catalog_triple(row, "padding", g->before);
    catalog_triple(row, "dilation", g->dilation);
    catalog_triple(row, "output_padding", g->more);
    g->groups = catalog_int(row, "groups") ? catalog_int(row, "groups") : 1;
    memcpy(g->taps, taps, sizeof g->taps);
    for (int d = 0; d < 3; d++) {
        g->stride[d] = g->stride[d] ? g->stride[d] : 1;
        g->dilation[d] = g->dilation[d] ? g->dilation[d] : 1;
    }
}

/* The result's extents; with "same" the padding. */
static void sizes(const catalog_row *row, geometry *g)
{
    for (int d = 0; d < 3; d++) {
        const int64_t reach = g->dilation[d] * (g->taps[d] - 1);
        g->out[d] = (g->in[d] + 2 * g->before[d] - reach - 1) / g->stride[d] + 1;
        if (strcmp(catalog_text(row, "auto_pad").at, "same") == 0) {
            g->before[d] = reach / 2;
            g->out[d] = g->in[d];
        }
    }
}

/* n of the samples, c of the channels, and the extents of an image with or without samples. */
static void image_of(const catalog_array *a, int64_t *n, int64_t *c, int64_t *extent)
{
    *n = a->ndim == 5 ? a->shape[0] : 1;
    *c = a->shape[a->ndim - 4];
    memcpy(extent, a->shape + a->ndim - 3, 3 * sizeof *extent);
}

static void image_out(catalog_array *out, const catalog_array *like, int64_t n, int64_t c,
                      const int64_t *e)
{
    catalog_shape(out, like->dtype, like->ndim,
                  (int64_t[]){ n, c, e[0], e[1], e[2] } + 5 - like->ndim);
}

/* Every product x weight that is part of an output: one of the three is what is summed. */
static void accumulate(const geometry *g, double *out, double *x, double *weight, int into)
{
    const int64_t cg = g->channels / g->groups, og = g->outputs / g->groups;
    const int64_t taps = g->taps[0] * g->taps[1] * g->taps[2];
    const int64_t places = g->out[0] * g->out[1] * g->out[2];
    const int64_t volume = g->in[0] * g->in[1] * g->in[2];
    for (int64_t i = 0; i < g->n * g->outputs * places * cg * taps; i++) {
        int64_t k = i % taps, c = i / taps % cg, p = i / (taps * cg) % places;
        const int64_t o = i / (taps * cg * places) % g->outputs;
        const int64_t n = i / (taps * cg * places) / g->outputs;
        const int64_t tap[] = { k / (g->taps[1] * g->taps[2]), k / g->taps[2] % g->taps[1],
                                k % g->taps[2] };
        const int64_t at[] = { p / (g->out[1] * g->out[2]), p / g->out[2] % g->out[1],
                               p % g->out[2] };
        int64_t from = 0;
        bool inside = true;
        for (int d = 0; d < 3; d++) {
            const int64_t to = at[d] * g->stride[d] - g->before[d] + tap[d] * g->dilation[d];
            inside = inside && to >= 0 && to < g->in[d];
            from = from * g->in[d] + to;
        }
        if (!inside)
            continue;
        double *a = &out[(n * g->outputs + o) * places + p];
        double *b = &x[(n * g->channels + o / og * cg + c) * volume + from];
        double *w = &weight[(o * cg + c) * taps + k];
        if (into == 0)
            *a += *b * *w;
        else if (into == 1)
            *b += *a * *w;
        else
            *w += *a * *b;
    }
}

static void add_bias(catalog_array *out, const catalog_array *bias, int64_t places)
{
    for (int64_t i = 0; i < out->numel && !bias->none; i++)
        out->at[i] += bias->at[i / places % bias->numel];
}

static void conv_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                        catalog_array *out)
{
    geometry g;
    (void)n_in;
    geometry_of(row, in[1].shape + 2, &g);
    image_of(&in[0], &g.n, &g.channels, g.in);
    g.outputs = in[1].shape[0];
    sizes(row, &g);
    image_out(out, &in[0], g.n, g.outputs, g.out);
    accumulate(&g, out->at, in[0].at, in[1].at, 0);
    add_bias(out, &in[2], g.out[0] * g.out[1] * g.out[2]);
}

static void extents_of(const catalog_row *row, int64_t *extent)
{
    extent[0] = catalog_int(row, "depth");
    extent[1] = catalog_int(row, "height");
    extent[2] = catalog_int(row, "width");
}

static void input_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out)
{
    geometry g;
    (void)n_in;
    geometry_of(row, in[1].shape + 2, &g);
    extents_of(row, g.in);
    sizes(row, &g);
    image_of(&in[0], &g.n, &g.outputs, g.out);
    g.channels = in[1].shape[1] * g.groups;
    image_out(out, &in[0], g.n, g.channels, g.in);
    accumulate(&g, in[0].at, out->at, in[1].at, 1);
}

static void weight_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    geometry g;
    int64_t taps[3];
    (void)n_in;
    extents_of(row, taps);
    geometry_of(row, taps, &g);
    image_of(&in[1], &g.n, &g.channels, g.in);
    sizes(row, &g);
    image_of(&in[0], &g.n, &g.outputs, g.out);
    catalog_shape(out, in[0].dtype, 5,
                  (int64_t[]){ g.outputs, g.channels / g.groups, taps[0], taps[1], taps[2] });
    accumulate(&g, in[0].at, in[1].at, out->at, 2);
}

/* x is the small image, the result the large one. */
static void transpose_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                             catalog_array *out)
{
    geometry g;
    (void)n_in;
    geometry_of(row, in[1].shape + 2, &g);
    image_of(&in[0], &g.n, &g.outputs, g.out);
    g.channels = in[1].shape[1] * g.groups;
    for (int d = 0; d < 3; d++)
        g.in[d] = (g.out[d] - 1) * g.stride[d] - 2 * g.before[d] + g.dilation[d] * (g.taps[d] - 1) +
                  g.more[d] + 1;
    image_out(out, &in[0], g.n, g.channels, g.in);
    accumulate(&g, in[0].at, out->at, in[1].at, 1);
    add_bias(out, &in[2], g.in[0] * g.in[1] * g.in[2]);
}

static const char *const conv_cases[] = { "2x4x3x4x5 4x2x2x3x2 4",
                                          "1x4x3x4x3:t 4x2x2x3x2:t 4:s",
                                          "2x4x3x4x4:s 2x2x2x3x2 -",
                                          "3x4x3x3x3:e 4x2x1x1x1 4",
                                          "0x4x3x4x4 4x2x2x3x2 4",
                                          "4x3x4x3:t 4x2x2x3x2 4",
                                          NULL };
static const char *const plain_cases[] = { "2x3x4x5x4 4x3x2x3x2 4",     "1x1x1x1x1 1x1x1x1x1 1",
                                           "2x3x3x4x5:t 2x3x2x2x3:t -", "1x2x9x1x2 3x2x4x1x1 3:e",
                                           "2x0x3x3x3 4x0x2x2x2 4",     NULL };
static const char *const input_cases[] = { "2x4x2x3x2 4x2x2x3x2", "2x4x2x3x2:t 4x2x2x3x2:s",
                                           "0x4x2x3x2 4x2x2x3x2", "4x2x3x2:s 4x2x2x3x2:t", NULL };
static const char *const weight_cases[] = { "2x4x2x3x2 2x4x3x5x5", "2x4x2x3x2:s 2x4x3x5x5:t",
                                            "0x4x2x3x2 0x4x3x5x5", "2x4x2x3x2:t 2x4x3x5x5",
                                            "4x2x3x2:t 4x3x5x5:s", NULL };
static const char *const back_cases[] = { "2x4x2x3x2 4x3x2x2x3 6", "2x4x2x3x2:t 4x3x2x2x3:t -",
                                          "4x2x2x3:s 4x1x1x2x2:s 2:s", "3x4x1x2x3:e 4x2x3x2x1 4",
                                          NULL };

#define ROW(name, note_, cases_, bits_, oracle_, text)                                             \
    {                                                                                              \
        .op = name, .note = note_, .attributes = text, .cases = cases_, .bits = bits_, .ulps = 8,  \
        .scale = 60, .in = { { catalog_any } }, .oracle = oracle_                                  \
    }
/* 3 x 5 x 5 with a kernel of 2 x 3 x 2 dilated to 3 x 3 x 2, padding (1, 1, 0), stride (2, 2, 3) ->
 * 2 x 3 x 2 */
#define HARD "stride=2,2,3 padding=1,1,0 dilation=2,1,1 groups=2"

static const catalog_row rows[] = {
    ROW("conv3d", "plain", plain_cases, "2x5x9x11x12 20x5x3x2x3 20", conv_oracle, ""),
    ROW("conv3d", "stride, padding, dilation, groups", conv_cases, "3x4x7x13x11 6x2x2x3x2 6",
        conv_oracle, HARD),
    ROW("conv3d", "same", conv_cases, "2x4x5x9x8 6x2x2x3x4 6", conv_oracle,
        "auto_pad=same groups=2 dilation=1,2,3"),
    ROW("conv3d_backward_input", NULL, input_cases, "2x6x2x3x2 6x20x2x3x2", input_oracle,
        "depth=3 height=5 width=5 " HARD),
    ROW("conv3d_backward_weight", NULL, weight_cases, "2x6x2x3x2 2x40x3x5x5", weight_oracle,
        "depth=2 height=3 width=2 " HARD),
    ROW("conv_transpose3d", NULL, back_cases, "3x12x4x7x5 12x4x3x3x2 8", transpose_oracle,
        "groups=2"),
    ROW("conv_transpose3d", "strided", back_cases, "3x12x4x7x5 12x4x3x3x2 8", transpose_oracle,
        "stride=1,2,3 padding=0,1,0 output_padding=0,1,2 groups=2"),
    ROW("conv_transpose3d", "dilated", back_cases, "3x12x4x7x5 12x4x3x3x2 8", transpose_oracle,
        "stride=2 padding=0,0,1 output_padding=1,0,2 dilation=1,1,3 groups=2"),
};
CATALOG_FAMILY(conv3d);
