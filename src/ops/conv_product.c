/* conv_product.c: the products that a convolution and its gradients are, for each sample and group:
 * one operand is windows of an image, which the product reads where it lies (loops/conv.h). */
#include "ops/conv.h"

#include "gemm/gemm.h"
#include "loops/conv.h"
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

bool hone__conv_forward(const hone__conv *c, const hone_tensor *weight, hone_tensor *bias,
                        const hone_tensor *y)
{
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

bool hone__conv_input(const hone__conv *c, const hone_tensor *by_channel, const hone_tensor *dx)
{
    const hone_tensor *dy = c->a;
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

/* dy with its positions in one line. */
static hone_tensor *in_lines(hone_tensor *dy)
{
    const int last = dy->ndim - 1;
    bool lines = dy->shape[last] != 1;
    for (int64_t d = last - 1, n = dy->shape[last]; d >= 2; n *= dy->shape[d--])
        lines = lines && (dy->shape[d] == 1 || dy->stride[d] == n * dy->stride[last]);
    return lines ? dy : hone_contiguous(dy);
}

bool hone__conv_add_weight(const hone__conv *c, const hone_tensor *sum)
{
    const hone_tensor *x = c->b, *dy;
    if (sum->numel == 0 || c->a->numel == 0)
        return true;
    if (!(dy = in_lines(c->a)))
        return false;
    const hone__conv_windows w = windows_of_x(c, x, true);
    const int64_t m = c->group_channels * taps(c);
    hone__gemm_args g =
        hone__gemm_contiguous(gemm_dtype(x), m, c->group_outputs, positions(c->out));
    g.accumulate =
        g.k < HONE__MANY_POSITIONS ? HONE__GEMM_BEGIN : HONE__GEMM_AFTER; /* ops/samples.h */
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
    for (int64_t i = 0; i < c->n; i++) {
        g.a = element(x, i * x->stride[0]);
        g.b = element(dy, i * dy->stride[0]);
        if (hone__gemm_from(&g, &w.source) != 0)
            return false;
    }
    return true;
}
