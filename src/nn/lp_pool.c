/* lp_pool.c: power means of windows: (the sum of x^p)^(1/p), made of a mean and powers, as PyTorch makes it. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"

#include <hone/net.h>
#include <hone/ops.h>

#include <math.h>

#define FORWARD(name) static hone_tensor *name(const hone__plain *self, hone_tensor *const *in)

enum { NORM, KERNEL, STRIDE, CEIL };

#define LP_POOL(dims)                                                                              \
    [NORM] = { "norm_type", HONE__REAL, .min = -INFINITY, .max = INFINITY },                       \
    [KERNEL] = { "kernel_size", HONE__WHOLES, .count = (dims), .min = 1, .max = INFINITY },        \
    [STRIDE] = { "stride",     HONE__WHOLES, "None",         .count = (dims),                      \
                 .none = true, .min = 1,     .max = INFINITY },                                    \
    [CEIL] = { "ceil_mode", HONE__TRUTH, "False" },                                                \
    {                                                                                              \
        0                                                                                          \
    }

/* 0 is the window's own size. */
static int64_t stride(const hone__plain *self, int d)
{
    return self->at[STRIDE].none ? 0 : self->at[STRIDE].at[d];
}

/* Of the means of x^p in windows of so many elements. */
static hone_tensor *power_mean(const hone__plain *self, hone_tensor *mean, int64_t elements)
{
    hone_tensor *sum = hone_mul(hone_sign(mean), hone_relu(hone_abs(mean)));
    return hone_pow_scalar(hone_mul_scalar(sum, (double)elements), 1 / self->at[NORM].number);
}

static hone_tensor *powers(const hone__plain *self, hone_tensor *x)
{
    return hone_pow_scalar(x, self->at[NORM].number);
}

static const hone__parameter lp_pool1d_arguments[] = { LP_POOL(1) };
FORWARD(lp_pool1d)
{
    const hone__argument *a = self->at;
    return power_mean(self,
                      hone_avg_pool1d(powers(self, in[0]),
                                      &(hone_avg_pool1d_options){ .kernel_size = a[KERNEL].at[0],
                                                                  .stride = stride(self, 0),
                                                                  .ceil_mode = a[CEIL].truth }),
                      a[KERNEL].at[0]);
}
const hone__layer hone__layer_LPPool1d = HONE__PLAIN("LPPool1d", 1, lp_pool1d, lp_pool1d_arguments);

static const hone__parameter lp_pool2d_arguments[] = { LP_POOL(2) };
FORWARD(lp_pool2d)
{
    const hone__argument *a = self->at;
    const hone_avg_pool2d_options o = { .kernel_size = { a[KERNEL].at[0], a[KERNEL].at[1] },
                                        .stride = { stride(self, 0), stride(self, 1) },
                                        .ceil_mode = a[CEIL].truth };
    return power_mean(self, hone_avg_pool2d(powers(self, in[0]), &o),
                      a[KERNEL].at[0] * a[KERNEL].at[1]);
}
const hone__layer hone__layer_LPPool2d = HONE__PLAIN("LPPool2d", 1, lp_pool2d, lp_pool2d_arguments);

static const hone__parameter lp_pool3d_arguments[] = { LP_POOL(3) };
FORWARD(lp_pool3d)
{
    const hone__argument *a = self->at;
    const hone_avg_pool3d_options o = {
        .kernel_size = { a[KERNEL].at[0], a[KERNEL].at[1], a[KERNEL].at[2] },
        .stride = { stride(self, 0), stride(self, 1), stride(self, 2) },
        .ceil_mode = a[CEIL].truth
    };
    return power_mean(self, hone_avg_pool3d(powers(self, in[0]), &o),
                      a[KERNEL].at[0] * a[KERNEL].at[1] * a[KERNEL].at[2]);
}
const hone__layer hone__layer_LPPool3d = HONE__PLAIN("LPPool3d", 1, lp_pool3d, lp_pool3d_arguments);
