/* conv_product.c: the products that a convolution and its gradients are, for each sample and group:
 * one operand is windows of an image, which the product reads where it lies (loops/conv.h). Where
 * the shape suits it, Winograd's form instead (loops/winograd.h), or, with many channels, products of
 * pixels (loops/direct.h). */
#include "ops/conv.h"

#include "loops/elementwise.h"

#include "gemm/blocks.h"
#include "gemm/gemm.h"
#include "loops/conv.h"
#include "loops/direct.h"
#include "ops/samples.h"

static hone__gemm_dtype gemm_dtype(const hone_tensor *t)
{
    return t->dtype == HONE_F32 ? HONE__GEMM_F32 : HONE__GEMM_F64;
}

static int64_t positions(const int64_t *extent)
{
    return extent[0] * extent[1] * extent[2];
}

static int64_t taps(const hone__conv *c)
{
    return positions(c->kernel);
}

/* Of an image, by depth (d 0), height or width. */
static int64_t stride_of(const hone__conv *c, const hone_tensor *image, int d)
{
    return d < 3 - c->dims ? 0 : image->stride[image->ndim - 3 + d];
}

static char *element(const hone_tensor *t, int64_t at)
{
    return (char *)hone__data(t) + at * (int64_t)hone_dtype_size((hone_dtype)t->dtype);
}

static hone__conv_windows windows_of(const hone_tensor *image, const int64_t *grid)
{
    return (hone__conv_windows){ .dtype = gemm_dtype(image),
                                 .depth = grid[0],
                                 .height = grid[1],
                                 .width = grid[2],
                                 .channel_stride = image->stride[1] };
}

/* Windows of x at the positions of the result. */
static hone__conv_windows windows_of_x(const hone__conv *c, const hone_tensor *x, bool by_taps)
{
    hone__conv_windows w = windows_of(x, c->out);
    hone__conv_axis *const axes[] = { &w.z, &w.y, &w.x };
    for (int d = 0; d < 3; d++)
        *axes[d] = (hone__conv_axis){ c->in[d],
                                      stride_of(c, x, d),
                                      c->kernel[d],
                                      c->o.stride[d],
                                      -c->before[d],
                                      c->o.dilation[d],
                                      1 };
    hone__conv_windows_init(&w, by_taps);
    return w;
}

/* Windows of dy at the positions of x: the outputs that a position has part in. */
static hone__conv_windows windows_of_dy(const hone__conv *c, const hone_tensor *dy)
{
    hone__conv_windows w = windows_of(dy, c->in);
    hone__conv_axis *const axes[] = { &w.z, &w.y, &w.x };
    for (int d = 0; d < 3; d++)
        *axes[d] = (hone__conv_axis){ c->out[d],    stride_of(c, dy, d), c->kernel[d],  1,
                                      c->before[d], -c->o.dilation[d],   c->o.stride[d] };
    hone__conv_windows_init(&w, false);
    return w;
}

/* ---- Winograd's form */

static _Thread_local hone_conv_form form;

hone_conv_form hone_conv_algorithm(hone_conv_form wanted)
{
    const hone_conv_form before = form;
    form = wanted;
    return before;
}

/* 3 x 3, stride 1, two dims. */
bool hone__conv_suits_winograd(const hone__conv *c, const int64_t *out)
{
    const hone__conv_options *o = &c->o;
    bool plain = form != HONE_CONV_EXACT && o->groups == 1 && c->kernel[0] == 1 && c->in[0] == 1 &&
                 c->out[0] == 1;
    for (int d = 1; d < 3; d++)
        plain = plain && c->kernel[d] == 3 && o->stride[d] == 1 && o->dilation[d] == 1;
    return plain && hone__winograd_suits(c->channels, c->outputs, out[1], out[2]);
}

static bool suits(const hone__conv *c, const int64_t *out)
{
    return (c->a->dtype == HONE_F32 || c->a->dtype == HONE_BF16) &&
           hone__conv_suits_winograd(c, out);
}

/* t [n, channels, extent], or without n, which must be f32, or bf16 for Winograd's forms, with a stride of 1 along x or channels;
 * else a copy. False: out of memory. */
static bool image_of(const hone__conv *c, hone_tensor *t, const int64_t *extent, hone__image *m)
{
    if (t->ndim == c->dims + 1 && !(t = hone_unsqueeze(t, 0)))
        return false;
    const int last = t->ndim - 1;
    if ((t->stride[last] != 1 || t->shape[last] == 1) && t->stride[1] != 1 &&
        !(t = hone_contiguous(t)))
        return false;
    *m = (hone__image){ hone__data(t),      t->shape[1],        extent[1],
                        extent[2],          t->stride[0],       t->stride[1],
                        stride_of(c, t, 1), stride_of(c, t, 2), t->dtype == HONE_BF16 };
    return true;
}

/* The same, with a stride of 1 along x. */
static bool planes_of(const hone__conv *c, hone_tensor *t, const int64_t *extent, hone__image *m)
{
    const int last = t->ndim - 1;
    if (t->stride[last] != 1 && !(t = hone_contiguous(t)))
        return false;
    return image_of(c, t, extent, m);
}

static bool winograd_forward(const hone__conv *c, const hone_tensor *weight, hone_tensor *bias,
                             hone_tensor *y)
{
    hone__winograd w = { .n = c->n,
                         .before_y = c->before[1],
                         .before_x = c->before[2],
                         .weight = hone__data(weight),
                         .weight_half = weight->dtype == HONE_BF16,
                         .w_out = 9 * c->channels,
                         .w_in = 9 };
    if (hone__is_real(bias)) {
        w.bias = hone__data(bias);
        w.bias_step = bias->stride[0];
    }
    if (!image_of(c, c->a, c->in, &w.in) || !image_of(c, y, c->out, &w.out))
        return false;
    w.wide =
        (form == HONE_CONV_FAST || c->rounds) && hone__winograd_suits_wide(c->out[1], c->out[2]);
    return hone__winograd_run(&w);
}

/* A convolution with the weight turned, of dy with what padding leaves of the kernel. */
static bool winograd_input(const hone__conv *c, const hone_tensor *weight, hone_tensor *dx)
{
    hone__winograd w = { .n = c->n,
                         .before_y = 2 - c->before[1],
                         .before_x = 2 - c->before[2],
                         .weight = hone__data(weight),
                         .weight_half = weight->dtype == HONE_BF16,
                         .w_out = 9,
                         .w_in = 9 * c->channels,
                         .turned = true };
    if (!image_of(c, c->a, c->out, &w.in) || !image_of(c, dx, c->in, &w.out))
        return false;
    w.wide = hone__winograd_suits_wide(c->in[1], c->in[2]);
    return hone__winograd_run(&w);
}

static bool winograd_add_weight(const hone__conv *c, const hone_tensor *sum, bool fresh)
{
    hone__winograd_gradient g = { .n = c->n,
                                  .before_y = c->before[1],
                                  .before_x = c->before[2],
                                  .sum = hone__data(sum),
                                  .fresh = fresh,
                                  .wide =
                                      hone__winograd_gradient_suits_wide(c->out[1], c->out[2]) };
    return image_of(c, c->b, c->in, &g.x) && image_of(c, c->a, c->out, &g.dy) &&
           hone__winograd_add_weight(&g);
}

/* ---- products of pixels, and planes */

static bool is_flat(const hone__conv *c)
{
    return c->a->dtype == HONE_F32 && c->kernel[0] == 1 && c->in[0] == 1 && c->out[0] == 1;
}

/* ---- what a kernel of one tap sees */

static bool sees_pixels(const hone__conv *c)
{
    bool one = c->o.groups == 1 && taps(c) == 1;
    for (int d = 0; d < 3; d++)
        one = one && c->before[d] == 0 && c->after[d] == 0;
    return one;
}

/* dy with its positions in one line. */
static hone_tensor *in_lines(hone_tensor *dy)
{
    const int last = dy->ndim - 1;
    bool lines = dy->shape[last] != 1;
    for (int64_t d = last - 1, n = dy->shape[last]; d >= 2; n *= dy->shape[d--])
        lines = lines && (dy->shape[d] == 1 || dy->stride[d] == n * dy->stride[last]);
    return lines ? dy : hone_contiguous(dy);
}

/* The pixels of an image that a kernel of one tap sees: a view. */
static hone_tensor *pixels_seen(const hone__conv *c, hone_tensor *image)
{
    if (image && image->ndim == c->dims + 1)
        image = hone_unsqueeze(image, 0);
    for (int d = 3 - c->dims; image && d < 3; d++)
        if (c->o.stride[d] != 1)
            image = hone_slice(image, image->ndim - 3 + d, 0, INT64_MAX, c->o.stride[d]);
    return image;
}

/* The same, contiguous or with their positions in one line. */
static hone_tensor *lines_seen(const hone__conv *c, hone_tensor *image)
{
    hone_tensor *seen = pixels_seen(c, image), *lines;
    hone__image m;
    if (!seen || seen->numel == image->numel || !is_flat(c) || image->stride[image->ndim - 1] != 1)
        return seen ? in_lines(seen) : NULL;
    if (!(lines = hone_empty_like(seen)) || !planes_of(c, image, c->in, &m))
        return NULL;
    hone__thin_planes(&m, seen->shape[0], c->o.stride[1], c->o.stride[2], hone__data(lines));
    return lines;
}

static bool is_depthwise(const hone__conv *c)
{
    return is_flat(c) && c->o.groups == c->channels && c->outputs == c->channels &&
           c->channels >= 8 && taps(c) <= HONE__DIRECT_TAPS;
}

/* Its weight's gradient has too few taps for tiles of a product. */
static bool is_of_one_channel(const hone__conv *c)
{
    return is_flat(c) && c->channels == 1 && taps(c) <= HONE__DIRECT_TAPS;
}

static bool suits_direct(const hone__conv *c)
{
    return is_flat(c) && c->o.groups == 1 && hone__direct_suits(c->channels, c->outputs, taps(c));
}

static hone__direct_axis axis_of(const hone__conv *c, int d)
{
    return (hone__direct_axis){ c->kernel[d], c->o.stride[d], -c->before[d], c->o.dilation[d], 1 };
}

static hone__direct_axis axis_of_dy(const hone__conv *c, int d)
{
    return (hone__direct_axis){ c->kernel[d], 1, c->before[d], -c->o.dilation[d], c->o.stride[d] };
}

/* One tap, few outputs. */
static bool suits_samples(const hone__conv *c, const hone_tensor *y)
{
    return is_flat(c) && sees_pixels(c) && c->a->stride[c->a->ndim - 1] == 1 &&
           hone_is_contiguous(y) && hone__tap_samples_suits(c->n, positions(c->out));
}

typedef bool image_taker(const hone__conv *c, hone_tensor *t, const int64_t *extent,
                         hone__image *m);

static bool direct_forward(const hone__conv *c, const hone_tensor *weight, hone_tensor *bias,
                           hone_tensor *y)
{
    const bool depthwise = is_depthwise(c);
    image_taker *const take = depthwise ? planes_of : image_of;
    hone__direct d = { .n = c->n,
                       .y = axis_of(c, 1),
                       .x = axis_of(c, 2),
                       .weight = hone__data(weight),
                       .w_out = taps(c) * c->channels,
                       .w_in = taps(c) };
    if (hone__is_real(bias)) {
        d.bias = hone__data(bias);
        d.bias_step = bias->stride[0];
    }
    if (!take(c, c->a, c->in, &d.in) || !take(c, y, c->out, &d.out))
        return false;
    if (depthwise)
        return hone__depthwise_run(&d);
    return suits_samples(c, y) ? hone__tap_samples_run(&d) : hone__direct_run(&d);
}

static bool direct_input(const hone__conv *c, const hone_tensor *weight, hone_tensor *dx)
{
    const bool depthwise = is_depthwise(c);
    image_taker *const take = depthwise ? planes_of : image_of;
    hone__direct d = { .n = c->n,
                       .y = axis_of_dy(c, 1),
                       .x = axis_of_dy(c, 2),
                       .weight = hone__data(weight),
                       .w_out = taps(c),
                       .w_in = taps(c) * c->channels };
    return take(c, c->a, c->out, &d.in) && take(c, dx, c->in, &d.out) &&
           (depthwise ? hone__depthwise_run(&d) : hone__direct_run(&d));
}

static hone__direct_gradient gradient_of(const hone__conv *c, const hone_tensor *sum)
{
    return (hone__direct_gradient){ .n = c->n,
                                    .y_axis = axis_of(c, 1),
                                    .x_axis = axis_of(c, 2),
                                    .sum = hone__data(sum),
                                    .many_positions = HONE__MANY_POSITIONS };
}

static bool direct_add_weight(const hone__conv *c, const hone_tensor *sum)
{
    const bool depthwise = is_depthwise(c) || is_of_one_channel(c);
    image_taker *const take = depthwise ? planes_of : image_of;
    hone__direct_gradient g = gradient_of(c, sum);
    if (!depthwise && sees_pixels(c)) {
        g.y_axis = g.x_axis = (hone__direct_axis){ 1, 1, 0, 1, 1 };
        hone_tensor *x = lines_seen(c, c->b);
        return x && take(c, x, c->out, &g.x) && take(c, c->a, c->out, &g.dy) &&
               (hone__tap_suits(&g) ? hone__tap_add_weight(&g) : hone__direct_add_weight(&g));
    }
    return take(c, c->b, c->in, &g.x) && take(c, c->a, c->out, &g.dy) &&
           (depthwise ? hone__depthwise_add_weight(&g) : hone__direct_add_weight(&g));
}

/* Few channels, as a first layer has. */
static bool suits_few(const hone__conv *c, const hone_tensor *sum)
{
    hone__direct_gradient g = gradient_of(c, sum);
    g.x.channels = c->channels;
    g.dy.channels = c->outputs;
    g.dy.width = c->out[2];
    return is_flat(c) && c->o.groups == 1 && !sees_pixels(c) && hone__few_suits(&g);
}

static bool few_add_weight(const hone__conv *c, const hone_tensor *sum)
{
    hone__direct_gradient g = gradient_of(c, sum);
    return planes_of(c, c->b, c->in, &g.x) && image_of(c, c->a, c->out, &g.dy) &&
           hone__few_add_weight(&g);
}

/* ---- products */

/* A product for each sample, whose C lies by channels. */
static hone__gemm_args by_samples(const hone__conv *c, const hone_tensor *image, int64_t m,
                                  int64_t n, int64_t k)
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

/* ---- one tap: a pixel of the result is a pixel times the weight, which needs no turning where
 * there are positions enough to fill a tile */

enum { LEAST_LINE = 40 };

static bool is_of_one_tap(const hone__conv *c)
{
    return sees_pixels(c) && positions(c->out) >= LEAST_LINE;
}

/* Parts of a weight that stay in L2, beside what a sample needs, while all samples pass by; 1 if it does whole, or
 * if samples are so large that they had better pass once. */
static int64_t parts_of_weight(const hone__conv *c, int64_t rows, int64_t k)
{
    enum { MOST_PARTS = 64, ROWS = 64 };
    const int64_t size = hone__gemm_size(gemm_dtype(c->a)), bytes = rows * k * size;
    if (c->n == 1 || hone__gemm_fits_l2(bytes) ||
        !hone__gemm_fits_l2(4 * positions(c->out) * k * size))
        return 1;
    int64_t parts = 2;
    while (parts < MOST_PARTS && 2 * ROWS * parts <= rows && !hone__gemm_fits_l2(2 * bytes / parts))
        parts++;
    return parts;
}

static int64_t part_of(int64_t rows, int64_t parts, int64_t i)
{
    return rows / parts * i + (i < rows % parts ? i : rows % parts);
}

/* Outputs [first, end). */
static bool multiply_outputs(const hone__conv *c, hone__gemm_args g, const hone_tensor *weight,
                             hone_tensor *bias, const hone_tensor *y, int64_t first, int64_t end)
{
    g.n = end - first;
    g.b = element(weight, first * c->channels);
    g.c = element(y, first * g.m);
    if (hone__is_real(bias)) {
        g.bias = element(bias, first * bias->stride[0]);
        g.bias_cs = bias->stride[0];
    }
    return hone__gemm(&g) == 0;
}

static bool one_tap_forward(const hone__conv *c, const hone_tensor *weight, hone_tensor *bias,
                            hone_tensor *y)
{
    hone_tensor *x = lines_seen(c, c->a);
    if (!x)
        return false;
    hone__gemm_args g = by_samples(c, x, positions(c->out), c->outputs, c->channels);
    g.chain = 1;
    g.a = hone__data(x);
    g.a_rs = x->stride[x->ndim - 1];
    g.a_cs = x->stride[1];
    g.b_rs = 1;
    g.b_cs = c->channels;
    g.c_batch[0] = c->outputs * g.m;
    const int64_t parts = parts_of_weight(c, c->outputs, c->channels);
    bool done = true;
    for (int64_t i = 0; done && i < parts; i++)
        done = multiply_outputs(c, g, weight, bias, y, part_of(c->outputs, parts, i),
                                part_of(c->outputs, parts, i + 1));
    return done;
}

/* If rows of the weight lie so far apart that a product would turn it for each sample, or read few lines of each
 * cache: turned once it takes less time, with many positions in all. */
static bool turns_weight(const hone__conv *c)
{
    enum { APART = 1024, LEAST_POSITIONS = 768, LEAST_BYTES = 1 << 19 };
    const int64_t row = c->channels * (int64_t)sizeof(float);
    return c->a->dtype == HONE_F32 && row % APART == 0 &&
           c->n * positions(c->out) >= LEAST_POSITIONS && c->outputs * row >= LEAST_BYTES;
}

/* Channels [first, end). */
static bool multiply_channels(const hone__conv *c, hone__gemm_args g, hone_tensor *weight,
                              bool turned, const hone_tensor *to, int64_t first, int64_t end)
{
    HONE_SCOPE();
    weight = hone_slice(weight, 1, first, end, 1);
    if (turned)
        weight = hone_contiguous(hone_transpose(weight, 0, 1));
    if (!weight)
        return false;
    g.n = end - first;
    g.b = hone__data(weight);
    g.b_rs = turned ? 1 : c->channels;
    g.b_cs = turned ? c->outputs : 1;
    g.c = element(to, first * g.m);
    return hone__gemm(&g) == 0;
}

static bool one_tap_input(const hone__conv *c, hone_tensor *weight, hone_tensor *dx)
{
    hone_tensor *dy = in_lines(c->a), *seen = pixels_seen(c, dx);
    const bool all = positions(c->in) == positions(c->out);
    hone_tensor *to = dy && seen && !all ? hone_empty_like(seen) : seen;
    if (!dy || !to)
        return false;
    hone__gemm_args g = by_samples(c, dy, positions(c->out), c->channels, c->outputs);
    g.chain = 1;
    g.a = hone__data(dy);
    g.a_rs = dy->stride[dy->ndim - 1];
    g.a_cs = dy->stride[1];
    g.c_batch[0] = c->channels * g.m;
    const bool turned = turns_weight(c);
    const int64_t parts = turned ? parts_of_weight(c, c->channels, c->outputs) : 1;
    bool done = true;
    for (int64_t i = 0; done && i < parts; i++)
        done = multiply_channels(c, g, weight, turned, to, part_of(c->channels, parts, i),
                                 part_of(c->channels, parts, i + 1));
    if (!done)
        return false;
    if (all)
        return true;
    hone__fill_elements(dx, 0);
    return hone__copy_elements(seen, to);
}

bool hone__conv_forward(const hone__conv *c, const hone_tensor *weight, hone_tensor *bias,
                        hone_tensor *y)
{
    if (suits(c, c->out))
        return winograd_forward(c, weight, bias, y);
    if (is_of_one_tap(c))
        return one_tap_forward(c, weight, bias, y);
    if (suits_direct(c) || is_depthwise(c))
        return direct_forward(c, weight, bias, y);
    const hone_tensor *x = c->a;
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

bool hone__conv_input(const hone__conv *c, hone_tensor *weight, hone_tensor *dx)
{
    if (suits(c, c->in))
        return winograd_input(c, weight, dx);
    if (is_of_one_tap(c))
        return one_tap_input(c, weight, dx);
    if (suits_direct(c) || is_depthwise(c))
        return direct_input(c, weight, dx);
    const hone_tensor *dy = c->a, *by_channel = hone_contiguous(hone_transpose(weight, 0, 1));
    if (!by_channel)
        return false;
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

/* Below, adding a sample's points takes longer than what they save. */
enum { LEAST_POSITIONS = 49 };

bool hone__conv_add_weight(const hone__conv *c, hone_tensor *sum, bool fresh)
{
    const hone_tensor *x = c->b, *dy;
    const bool many = positions(c->out) >= HONE__MANY_POSITIONS;
    const bool winograd = positions(c->out) >= LEAST_POSITIONS && suits(c, c->out);
    const bool direct = suits_direct(c) || is_depthwise(c) || is_of_one_channel(c);
    const bool few = !winograd && !direct && suits_few(c, sum);
    if (fresh && ((many && !winograd) || direct || few || c->a->numel == 0))
        hone__fill_elements(sum, 0);
    if (sum->numel == 0 || c->a->numel == 0)
        return true;
    if (winograd)
        return winograd_add_weight(c, sum, fresh);
    if (direct)
        return direct_add_weight(c, sum);
    if (few)
        return few_add_weight(c, sum);
    if (!(dy = in_lines(c->a)))
        return false;
    const hone__conv_windows w = windows_of_x(c, x, true);
    const int64_t m = c->group_channels * taps(c);
    hone__gemm_args g =
        hone__gemm_contiguous(gemm_dtype(x), m, c->group_outputs, positions(c->out));
    g.accumulate = many ? HONE__GEMM_AFTER : HONE__GEMM_BEGIN; /* ops/samples.h */
    g.b_rs = dy->stride[dy->ndim - 1];
    g.b_cs = dy->stride[1];
    g.c_rs = 1;
    g.c_cs = m;
    g.c = hone__data(sum);
    g.n_batch_dims = 1;
    g.batch[0] = c->o.groups;
    g.a_batch[0] = c->group_channels * x->stride[1];
    g.b_batch[0] = c->group_outputs * dy->stride[1];
    g.c_batch[0] = c->group_outputs * m;
    const hone__gemm_accumulate further = g.accumulate;
    for (int64_t i = 0; i < c->n; i++) {
        g.a = element(x, i * x->stride[0]);
        g.b = element(dy, i * dy->stride[0]);
        g.accumulate = fresh && !many && i == 0 ? HONE__GEMM_OVERWRITE : further;
        if (hone__gemm_from(&g, &w.source) != 0)
            return false;
    }
    return true;
}
