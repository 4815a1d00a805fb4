/* conv.c: 2-D convolution as an implicit GEMM, and its gradients, which are each other's. */
#include "core/reserve.h"
#include "gemm/gemm.h"
#include "loops/conv.h"
#include "loops/elementwise.h"
#include "op/options.h"
#include "ops/common.h"

#include <math.h>
#include <string.h>

/* ---- options: those of the gradients go on with the extents that a shape can't tell */

typedef struct {
    hone_conv2d_options conv;
    int64_t extent[2]; /* of x for its gradient, of the kernel for the weight's */
} grad_options;

static const char *const pads[] = { "explicit", "valid", "same", NULL };

#define MOST 2147483647.0
#define CONV_OPTIONS(type, prefix)                                                                 \
    { .name = "stride",                                                                            \
      .kind = HONE__OPT_PAIR,                                                                      \
      .offset = offsetof(type, prefix stride),                                                     \
      .standard = 1,                                                                               \
      .min = 1,                                                                                    \
      .max = MOST },                                                                               \
        { .name = "padding",                                                                       \
          .kind = HONE__OPT_PAIR,                                                                  \
          .offset = offsetof(type, prefix padding),                                                \
          .max = MOST },                                                                           \
        { .name = "dilation",                                                                      \
          .kind = HONE__OPT_PAIR,                                                                  \
          .offset = offsetof(type, prefix dilation),                                               \
          .standard = 1,                                                                           \
          .min = 1,                                                                                \
          .max = MOST },                                                                           \
        { .name = "groups",                                                                        \
          .kind = HONE__OPT_INT,                                                                   \
          .offset = offsetof(type, prefix groups),                                                 \
          .standard = 1,                                                                           \
          .min = 1,                                                                                \
          .max = MOST },                                                                           \
    {                                                                                              \
        .name = "auto_pad", .kind = HONE__OPT_CHOICE, .offset = offsetof(type, prefix auto_pad),   \
        .max = 2, .choices = pads                                                                  \
    }

static const hone__option conv_table[] = { CONV_OPTIONS(hone_conv2d_options, ), { NULL } };
static const hone__option grad_table[] = {
    { .name = "height",
      .kind = HONE__OPT_INT,
      .offset = offsetof(grad_options, extent[0]),
      .required = true,
      .min = 1,
      .max = MOST },
    { .name = "width",
      .kind = HONE__OPT_INT,
      .offset = offsetof(grad_options, extent[1]),
      .required = true,
      .min = 1,
      .max = MOST },
    CONV_OPTIONS(grad_options, conv.),
    { NULL },
};

/* ---- shapes: all that is known of a convolution */

typedef struct {
    hone_conv2d_options o;
    int64_t n, channels, outputs;     /* samples, C, O */
    int64_t in[2], kernel[2], out[2]; /* extents of height and width */
    int64_t before[2], after[2];      /* padding */
    int64_t group_channels, group_outputs;
} conv;

static bool wrong_shape(const char *name, const char *what, const hone_tensor *a,
                        const hone_tensor *b)
{
    hone_error_set(HONE_E_SHAPE, "%s: %s: %s and %s", name, what, hone__tensor_text(a).s,
                   hone__tensor_text(b).s);
    return false;
}

static bool operands_fit(const char *name, const hone_tensor *a, const hone_tensor *b)
{
    if (a->dtype != b->dtype || !hone_dtype_is_float((hone_dtype)a->dtype)) {
        hone_error_set(HONE_E_DTYPE, "%s: both operands must be f32 or both f64, got %s and %s",
                       name, hone__tensor_text(a).s, hone__tensor_text(b).s);
        return false;
    }
    return (a->ndim == 4 && b->ndim == 4) ||
           wrong_shape(name,
                       "operands of four dims are wanted (samples or outputs, channels, "
                       "height, width)",
                       a, b);
}

static bool channels_fit(const char *name, conv *c, const hone_tensor *a, const hone_tensor *b)
{
    const int64_t groups = c->o.groups;
    c->group_outputs = c->outputs / groups;
    if (c->channels == c->group_channels * groups && c->outputs % groups == 0)
        return true;
    hone_error_set(HONE_E_SHAPE,
                   "%s: %s and %s with %lld groups: %lld input channels must be groups times the "
                   "weight's %lld, and %lld output channels a multiple of groups",
                   name, hone__tensor_text(a).s, hone__tensor_text(b).s, (long long)groups,
                   (long long)c->channels, (long long)c->group_channels, (long long)c->outputs);
    return false;
}

static bool pad(const char *name, conv *c)
{
    const hone_conv2d_options *o = &c->o;
    for (int d = 0; d < 2; d++) {
        c->before[d] = c->after[d] = o->padding[d];
        if (o->auto_pad == HONE_PAD_EXPLICIT)
            continue;
        if (o->padding[d] != 0 || (o->auto_pad == HONE_PAD_SAME && o->stride[d] != 1)) {
            hone_error_set(HONE_E_VALUE,
                           "%s: auto_pad=%s wants %s, got padding (%lld, %lld) and stride (%lld, "
                           "%lld)",
                           name, pads[o->auto_pad],
                           o->padding[d] != 0 ? "no other padding" : "stride 1",
                           (long long)o->padding[0], (long long)o->padding[1],
                           (long long)o->stride[0], (long long)o->stride[1]);
            return false;
        }
        const int64_t all = o->auto_pad == HONE_PAD_SAME ? o->dilation[d] * (c->kernel[d] - 1) : 0;
        c->before[d] = all / 2;
        c->after[d] = all - c->before[d];
    }
    return true;
}

static const int64_t LARGEST = INT64_C(1) << 31; /* so that no position overflows */

static bool windows_fit(const char *name, conv *c)
{
    for (int d = 0; d < 2; d++) {
        const bool sane = c->in[d] <= LARGEST && c->kernel[d] <= LARGEST;
        const int64_t span = sane ? c->o.dilation[d] * (c->kernel[d] - 1) + 1 : 0;
        const int64_t room = sane ? c->in[d] + c->before[d] + c->after[d] : 0;
        if (c->kernel[d] > 0 && sane && span <= room) {
            c->out[d] = (room - span) / c->o.stride[d] + 1;
            continue;
        }
        hone_error_set(HONE_E_SHAPE,
                       "%s: a kernel of %lld x %lld with dilation (%lld, %lld) doesn't fit into an "
                       "image of %lld x %lld with padding (%lld, %lld) before and (%lld, %lld) "
                       "after it",
                       name, (long long)c->kernel[0], (long long)c->kernel[1],
                       (long long)c->o.dilation[0], (long long)c->o.dilation[1],
                       (long long)c->in[0], (long long)c->in[1], (long long)c->before[0],
                       (long long)c->before[1], (long long)c->after[0], (long long)c->after[1]);
        return false;
    }
    return true;
}

/* What remains to be known once the extents of x and the kernel are. */
static bool complete(const char *name, conv *c, const hone_tensor *a, const hone_tensor *b)
{
    return channels_fit(name, c, a, b) && pad(name, c) && windows_fit(name, c);
}

static bool take_forward(const char *name, const hone_conv2d_options *o, const hone_tensor *x,
                         const hone_tensor *weight, conv *c)
{
    if (!operands_fit(name, x, weight))
        return false;
    *c = (conv){ .o = *o,
                 .n = x->shape[0],
                 .channels = x->shape[1],
                 .in = { x->shape[2], x->shape[3] },
                 .outputs = weight->shape[0],
                 .group_channels = weight->shape[1],
                 .kernel = { weight->shape[2], weight->shape[3] } };
    return complete(name, c, x, weight);
}

/* dy is as large as the forward's result. */
static bool gradient_fits(const char *name, const conv *c, const hone_tensor *dy)
{
    const int64_t want[] = { c->n, c->outputs, c->out[0], c->out[1] };
    if (memcmp(dy->shape, want, sizeof want) == 0)
        return true;
    hone_error_set(HONE_E_SHAPE, "%s: dy is %s, but the result of this convolution is %s", name,
                   hone__tensor_text(dy).s, hone__shape_text(4, want).s);
    return false;
}

static bool take_input(const char *name, const grad_options *o, const hone_tensor *dy,
                       const hone_tensor *weight, conv *c)
{
    if (!operands_fit(name, dy, weight))
        return false;
    *c = (conv){ .o = o->conv,
                 .n = dy->shape[0],
                 .channels = weight->shape[1] * o->conv.groups,
                 .in = { o->extent[0], o->extent[1] },
                 .outputs = weight->shape[0],
                 .group_channels = weight->shape[1],
                 .kernel = { weight->shape[2], weight->shape[3] } };
    return complete(name, c, dy, weight) && gradient_fits(name, c, dy);
}

static bool take_weight(const char *name, const grad_options *o, const hone_tensor *dy,
                        const hone_tensor *x, conv *c)
{
    if (!operands_fit(name, dy, x))
        return false;
    *c = (conv){ .o = o->conv,
                 .n = x->shape[0],
                 .channels = x->shape[1],
                 .in = { x->shape[2], x->shape[3] },
                 .outputs = dy->shape[1],
                 .group_channels = x->shape[1] / o->conv.groups,
                 .kernel = { o->extent[0], o->extent[1] } };
    return complete(name, c, dy, x) && gradient_fits(name, c, dy);
}

/* ---- products */

static hone__gemm_dtype gemm_dtype(const hone_tensor *t)
{
    return t->dtype == HONE_F32 ? HONE__GEMM_F32 : HONE__GEMM_F64;
}

static int64_t positions(const int64_t *extent)
{
    return extent[0] * extent[1];
}

static int64_t taps(const conv *c)
{
    return c->kernel[0] * c->kernel[1];
}

static char *element(const hone_tensor *t, int64_t at)
{
    return (char *)hone__data(t) + at * (int64_t)hone_dtype_size((hone_dtype)t->dtype);
}

/* Windows of x at the positions of the result. */
static hone__conv_windows windows_of_x(const conv *c, const hone_tensor *x, bool by_taps)
{
    hone__conv_windows w = { .dtype = gemm_dtype(x),
                             .width = c->out[1],
                             .channel_stride = x->stride[1] };
    hone__conv_axis *const axes[] = { &w.y, &w.x };
    for (int d = 0; d < 2; d++)
        *axes[d] = (hone__conv_axis){ c->in[d],
                                      x->stride[2 + d],
                                      c->kernel[d],
                                      c->o.stride[d],
                                      -c->before[d],
                                      c->o.dilation[d],
                                      1 };
    hone__conv_windows_init(&w, by_taps);
    return w;
}

/* Windows of dy at the positions of x: the outputs that a position has part in. */
static hone__conv_windows windows_of_dy(const conv *c, const hone_tensor *dy)
{
    hone__conv_windows w = { .dtype = gemm_dtype(dy),
                             .width = c->in[1],
                             .channel_stride = dy->stride[1] };
    hone__conv_axis *const axes[] = { &w.y, &w.x };
    for (int d = 0; d < 2; d++)
        *axes[d] = (hone__conv_axis){ c->out[d],    dy->stride[2 + d], c->kernel[d],  1,
                                      c->before[d], -c->o.dilation[d], c->o.stride[d] };
    hone__conv_windows_init(&w, false);
    return w;
}

/* A product for each sample, whose C lies by channels. */
static hone__gemm_args by_samples(const conv *c, const hone_tensor *image, int64_t m, int64_t n,
                                  int64_t k)
{
    hone__gemm_args g = hone__gemm_contiguous(gemm_dtype(image), m, n, k);
    g.c_rs = 1;
    g.c_cs = m;
    g.n_batch_dims = 1;
    g.batch[0] = c->n;
    g.a_batch[0] = image->stride[0];
    g.b_batch[0] = 0;
    return g;
}

static bool run_forward(const conv *c, const hone_tensor *x, const hone_tensor *weight,
                        const hone_tensor *bias, const hone_tensor *y)
{
    const hone__conv_windows w = windows_of_x(c, x, false);
    const int64_t m = positions(c->out), k = c->group_channels * taps(c);
    hone__gemm_args g = by_samples(c, x, m, c->group_outputs, k);
    g.b_rs = 1;
    g.b_cs = k;
    g.c_batch[0] = c->outputs * m;
    for (int64_t i = 0; i < c->o.groups; i++) {
        const int64_t first = i * c->group_outputs;
        g.a = element(x, i * c->group_channels * x->stride[1]);
        g.b = element(weight, first * k);
        g.c = element(y, first * m);
        if (hone__is_real(bias)) {
            g.bias = element(bias, first * bias->stride[0]);
            g.bias_cs = bias->stride[0];
        }
        if (hone__gemm_from(&g, &w.source) != 0)
            return false;
    }
    return true;
}

/* by_channel: the weight as [C / groups, O, kh, kw], contiguous. */
static bool run_input(const conv *c, const hone_tensor *dy, const hone_tensor *by_channel,
                      const hone_tensor *dx)
{
    const hone__conv_windows w = windows_of_dy(c, dy);
    const int64_t m = positions(c->in), k = c->group_outputs * taps(c);
    hone__gemm_args g = by_samples(c, dy, m, c->group_channels, k);
    g.b_rs = 1;
    g.b_cs = c->outputs * taps(c);
    g.c_batch[0] = c->channels * m;
    for (int64_t i = 0; i < c->o.groups; i++) {
        g.a = element(dy, i * c->group_outputs * dy->stride[1]);
        g.b = element(by_channel, i * k);
        g.c = element(dx, i * c->group_channels * m);
        if (hone__gemm_from(&g, &w.source) != 0)
            return false;
    }
    return true;
}

/* Adds to sum, sample by sample. dy's positions lie in one line. */
static bool run_weight(const conv *c, const hone_tensor *dy, const hone_tensor *x,
                       const hone_tensor *sum)
{
    const hone__conv_windows w = windows_of_x(c, x, true);
    const int64_t m = c->group_channels * taps(c);
    hone__gemm_args g =
        hone__gemm_contiguous(gemm_dtype(x), m, c->group_outputs, positions(c->out));
    g.accumulate = 1;
    g.b_rs = dy->stride[3];
    g.b_cs = dy->stride[1];
    g.c_rs = 1;
    g.c_cs = m;
    g.c = hone__data(sum);
    g.n_batch_dims = 1;
    g.batch[0] = c->o.groups;
    g.a_batch[0] = c->group_channels * x->stride[1];
    g.b_batch[0] = c->group_outputs * dy->stride[1];
    g.c_batch[0] = c->group_outputs * m;
    for (int64_t i = 0; i < c->n; i++) {
        g.a = element(x, i * x->stride[0]);
        g.b = element(dy, i * dy->stride[0]);
        if (hone__gemm_from(&g, &w.source) != 0)
            return false;
    }
    return true;
}

/* ---- results: made contiguous, wherever they are to go */

static hone_tensor *contiguous_for(hone_tensor *out)
{
    return !out || hone__contiguous(out) ? out : hone_empty_like(out);
}

static bool deliver(hone_tensor *out, hone_tensor *made)
{
    return made == out || hone__copy_elements(out, made);
}

static void clear(hone_tensor *t)
{
    if (t->numel > 0) /* an empty tensor has no data */
        memset(hone__data(t), 0, (size_t)t->numel * hone_dtype_size((hone_dtype)t->dtype));
}

/* ---- conv2d */

static bool bias_fits(const char *name, const hone_tensor *weight, const hone_tensor *bias)
{
    if (!hone__is_real(bias))
        return true;
    const bool same = bias->dtype == weight->dtype;
    if (same && bias->ndim == 1 && bias->shape[0] == weight->shape[0])
        return true;
    hone_error_set(same ? HONE_E_SHAPE : HONE_E_DTYPE,
                   "%s: the bias %s doesn't fit the weight %s; it must be [outputs] of the same "
                   "dtype",
                   name, hone__tensor_text(bias).s, hone__tensor_text(weight).s);
    return false;
}

static bool conv2d_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    conv c;
    (void)n_in;
    if (!take_forward("conv2d", hone__options(ctx), in[0], in[1], &c) ||
        !bias_fits("conv2d", in[1], in[2]) || !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    const int64_t shape[] = { c.n, c.outputs, c.out[0], c.out[1] };
    out[0] = hone__out(ctx, 0, (hone_dtype)in[0]->dtype, 4, shape);
    hone_tensor *y = contiguous_for(out[0]), *weight = hone_contiguous(in[1]);
    if (!y || !weight)
        return false;
    return y->numel == 0 || (run_forward(&c, in[0], weight, in[2], y) && deliver(out[0], y));
}

/* Of the convolution whose x and kernel have these extents. */
static grad_options with_extents(const hone_conv2d_options *o, const int64_t *extent)
{
    return (grad_options){ *o, { extent[0], extent[1] } };
}

static hone_tensor *grad_input(const hone_conv2d_options *o, hone_tensor *dy, hone_tensor *weight,
                               const int64_t *extent)
{
    const grad_options options = with_extents(o, extent);
    return hone__call(&hone__op_conv2d_backward_input, IN(dy, weight), &options);
}

static hone_tensor *grad_weight(const hone_conv2d_options *o, hone_tensor *dy, hone_tensor *x,
                                const int64_t *kernel)
{
    const grad_options options = with_extents(o, kernel);
    return hone__call(&hone__op_conv2d_backward_weight, IN(dy, x), &options);
}

static void conv2d_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    const hone_conv2d_options *o = hone__options(ctx);
    const int64_t *x = hone__input_shape(ctx, 0)->shape, *w = hone__input_shape(ctx, 1)->shape;
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = grad_input(o, dy[0], hone_saved(ctx, 1), x + 2);
    if (hone_needs_input_grad(ctx, 1)) {
        const grad_options options = with_extents(o, w + 2);
        if (dx[1] && hone__contiguous(dx[1]))
            hone__call_(&hone__op_conv2d_add_weight, IN(dx[1], dy[0], hone_saved(ctx, 0)),
                        &options);
        else
            dx[1] = grad_weight(o, dy[0], hone_saved(ctx, 0), w + 2);
    }
    if (hone_needs_input_grad(ctx, 2)) {
        const int64_t outputs[] = { dy[0]->dtype, w[0], HONE_END_DIM };
        hone_tensor *sum = dx[2] && hone__contiguous(dx[2]) ? dx[2] : hone_zeros_v(outputs);
        dx[2] = hone__call_(&hone__op_conv2d_add_bias, IN(sum, dy[0]), NULL);
    }
}

const hone__op hone__op_conv2d = {
    .name = "conv2d",
    .forward = conv2d_forward,
    .backward = conv2d_backward,
    .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL } },
    .options = conv_table,
    .options_bytes = sizeof(hone_conv2d_options),
    .adds = true,
};

hone_tensor *hone_conv2d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                         const hone_conv2d_options *options)
{
    hone_conv2d_options plain;
    if (!HONE__KNOWS_OPTIONS("conv2d", options) ||
        !hone__options_resolve(&hone__op_conv2d, options, &plain))
        return NULL;
    return hone__call(&hone__op_conv2d, IN(x, weight, bias), &plain);
}

/* ---- conv2d_backward_input */

static bool conv2d_backward_input_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                          hone_tensor **out)
{
    conv c;
    (void)n_in;
    if (!take_input("conv2d_backward_input", hone__options(ctx), in[0], in[1], &c) ||
        !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    const int64_t shape[] = { c.n, c.channels, c.in[0], c.in[1] };
    out[0] = hone__out(ctx, 0, (hone_dtype)in[0]->dtype, 4, shape);
    hone_tensor *dx = contiguous_for(out[0]);
    hone_tensor *by_channel = hone_contiguous(hone_permute(in[1], 1, 0, 2, 3));
    if (!dx || !by_channel)
        return false;
    return dx->numel == 0 || (run_input(&c, in[0], by_channel, dx) && deliver(out[0], dx));
}

static void conv2d_backward_input_backward(hone_context *ctx, hone_tensor *const *u,
                                           hone_tensor **dx)
{
    const grad_options *o = hone__options(ctx);
    if (hone_needs_input_grad(ctx, 0))
        dx[0] = hone__call(&hone__op_conv2d, IN(u[0], hone_saved(ctx, 1), HONE_NONE), &o->conv);
    if (hone_needs_input_grad(ctx, 1))
        dx[1] =
            grad_weight(&o->conv, hone_saved(ctx, 0), u[0], hone__input_shape(ctx, 1)->shape + 2);
}

const hone__op hone__op_conv2d_backward_input = {
    .name = "conv2d_backward_input",
    .forward = conv2d_backward_input_forward,
    .backward = conv2d_backward_input_backward,
    .in = { { "dy" }, { "weight" } },
    .options = grad_table,
    .options_bytes = sizeof(grad_options),
};

static hone_tensor *call_gradient(const hone__op *op, hone_tensor *a, hone_tensor *b,
                                  int64_t height, int64_t width, const hone_conv2d_options *options)
{
    const hone_conv2d_options defaults = { .groups = 0 };
    const grad_options given = { options ? *options : defaults, { height, width } };
    grad_options plain;
    const bool known =
        HONE__KNOWS_OPTIONS(op->name, options) && hone__options_resolve(op, &given, &plain);
    return known ? hone__call(op, IN(a, b), &plain) : NULL;
}

hone_tensor *hone_conv2d_backward_input(hone_tensor *dy, hone_tensor *weight, int64_t height,
                                        int64_t width, const hone_conv2d_options *options)
{
    return call_gradient(&hone__op_conv2d_backward_input, dy, weight, height, width, options);
}

/* ---- conv2d_backward_weight, and the same added to what is there */

/* dy as run_weight() wants it. */
static hone_tensor *in_lines(hone_tensor *dy)
{
    const bool lines = dy->shape[2] == 1 || dy->stride[2] == dy->shape[3] * dy->stride[3];
    return lines && dy->shape[3] != 1 ? dy : hone_contiguous(dy);
}

static bool add_weight(const conv *c, hone_tensor *dy, hone_tensor *x, hone_tensor *sum)
{
    if (sum->numel == 0 || dy->numel == 0)
        return true;
    return (dy = in_lines(dy)) && run_weight(c, dy, x, sum);
}

static bool conv2d_backward_weight_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                           hone_tensor **out)
{
    conv c;
    (void)n_in;
    if (!take_weight("conv2d_backward_weight", hone__options(ctx), in[0], in[1], &c) ||
        !HONE__SAVE(ctx, in[0], in[1]))
        return false;
    const int64_t shape[] = { c.outputs, c.group_channels, c.kernel[0], c.kernel[1] };
    out[0] = hone__out(ctx, 0, (hone_dtype)in[0]->dtype, 4, shape);
    hone_tensor *dw = contiguous_for(out[0]);
    if (!dw)
        return false;
    clear(dw);
    return add_weight(&c, in[0], in[1], dw) && deliver(out[0], dw);
}

/* By dy and x, which are the inputs from `first` on and saved as 0 and 1. */
static void weight_grads(hone_context *ctx, hone_tensor *u, int first, hone_tensor **dx)
{
    const grad_options *o = hone__options(ctx);
    if (hone_needs_input_grad(ctx, first))
        dx[first] = hone__call(&hone__op_conv2d, IN(hone_saved(ctx, 1), u, HONE_NONE), &o->conv);
    if (hone_needs_input_grad(ctx, first + 1))
        dx[first + 1] = grad_input(&o->conv, hone_saved(ctx, 0), u,
                                   hone__input_shape(ctx, first + 1)->shape + 2);
}

static void conv2d_backward_weight_backward(hone_context *ctx, hone_tensor *const *u,
                                            hone_tensor **dx)
{
    weight_grads(ctx, u[0], 0, dx);
}

const hone__op hone__op_conv2d_backward_weight = {
    .name = "conv2d_backward_weight",
    .forward = conv2d_backward_weight_forward,
    .backward = conv2d_backward_weight_backward,
    .in = { { "dy" }, { "x" } },
    .options = grad_table,
    .options_bytes = sizeof(grad_options),
};

hone_tensor *hone_conv2d_backward_weight(hone_tensor *dy, hone_tensor *x, int64_t height,
                                         int64_t width, const hone_conv2d_options *options)
{
    return call_gradient(&hone__op_conv2d_backward_weight, dy, x, height, width, options);
}

static bool conv2d_add_weight_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                      hone_tensor **out)
{
    conv c;
    (void)n_in;
    if (!take_weight("conv2d_add_weight", hone__options(ctx), in[1], in[2], &c) ||
        !HONE__SAVE(ctx, in[1], in[2]))
        return false;
    const int64_t shape[] = { c.outputs, c.group_channels, c.kernel[0], c.kernel[1] };
    out[0] = hone__out(ctx, 0, (hone_dtype)in[1]->dtype, 4, shape);
    return out[0] && add_weight(&c, in[1], in[2], out[0]);
}

static void conv2d_add_weight_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    dx[0] = u[0];
    weight_grads(ctx, u[0], 1, dx);
}

/* sum, contiguous, += the gradient by the weight. */
const hone__op hone__op_conv2d_add_weight = {
    .name = "conv2d_add_weight",
    .forward = conv2d_add_weight_forward,
    .backward = conv2d_add_weight_backward,
    .in = { { "sum" }, { "dy" }, { "x" } },
    .options = grad_table,
    .options_bytes = sizeof(grad_options),
    .forms = HONE__PRIVATE,
};

/* ---- the bias's: added to what is there, sample by sample */

static void add_samples(const hone_tensor *of, hone_tensor *sum)
{
    const int64_t n = of->shape[0], outputs = of->shape[1];
    for (int64_t i = 0; i < n; i++)
        for (int64_t o = 0; o < outputs; o++) {
            if (of->dtype == HONE_F32)
                ((float *)hone__data(sum))[o] += ((const float *)hone__data(of))[i * outputs + o];
            else
                ((double *)hone__data(sum))[o] += ((const double *)hone__data(of))[i * outputs + o];
        }
}

static bool conv2d_add_bias_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                    hone_tensor **out)
{
    (void)n_in;
    hone_tensor *dy = in[1], *by_sample = hone_sum_dims(dy, false, 2, 3);
    out[0] = hone__out(ctx, 0, (hone_dtype)dy->dtype, 1, dy->shape + 1);
    if (!by_sample || !out[0])
        return false;
    add_samples(by_sample, out[0]);
    return true;
}

static void conv2d_add_bias_backward(hone_context *ctx, hone_tensor *const *u, hone_tensor **dx)
{
    int64_t room[HONE_MAX_DIMS + 1];
    dx[0] = u[0];
    dx[1] = hone_expand_v(hone_unsqueeze(hone_unsqueeze(u[0], -1), -1),
                          hone__ended(hone__input_shape(ctx, 1), room));
}

/* sum, contiguous, += dy summed to it. */
const hone__op hone__op_conv2d_add_bias = {
    .name = "conv2d_add_bias",
    .forward = conv2d_add_bias_forward,
    .backward = conv2d_add_bias_backward,
    .in = { { "sum" }, { "dy" } },
    .forms = HONE__PRIVATE,
};
