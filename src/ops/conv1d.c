/* conv1d.c: conv1d by conv2d: a row is an image one row high. It records itself. */
#include "core/reserve.h"
#include "op/options.h"
#include "ops/conv.h"

#define MOST 2147483647.0
#define NUMBER(field, least, standard_)                                                            \
    HONE__OPTION(hone_conv1d_options, field, HONE__OPT_INT, .standard = standard_, .min = least,   \
                 .max = MOST)

static const char *const pads[] = { "explicit", "valid", "same", NULL };
static const hone__option conv1d_table[] = {
    NUMBER(stride, 1, 1),
    NUMBER(padding, 0, 0),
    NUMBER(dilation, 1, 1),
    NUMBER(groups, 1, 1),
    HONE__OPTION(hone_conv1d_options, auto_pad, HONE__OPT_CHOICE, .max = 2, .choices = pads),
    { NULL },
};

static bool conv1d_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone_conv1d_options *o = hone__options(ctx);
    if (!hone__conv_operands(ctx, 1, in[0], in[1]))
        return false;
    const hone_conv2d_options image = { .stride = { 1, o->stride },
                                        .padding = { 0, o->padding },
                                        .dilation = { 1, o->dilation },
                                        .groups = o->groups,
                                        .auto_pad = o->auto_pad };
    hone_tensor *y =
        hone_conv2d(hone_unsqueeze(in[0], -2), hone_unsqueeze(in[1], -2), in[2], &image);
    return hone__give(out, hone_squeeze(y, -2));
}

const hone__op hone__op_conv1d = {
    .name = "conv1d",
    .forward = conv1d_forward,
    .in = { { "x" }, { "weight" }, { "bias", HONE__OPTIONAL } },
    .options = conv1d_table,
    .options_bytes = sizeof(hone_conv1d_options),
    .composite = true,
};

hone_tensor *hone_conv1d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                         const hone_conv1d_options *options)
{
    hone_conv1d_options plain;
    if (!HONE__KNOWS_OPTIONS("conv1d", options) ||
        !hone__options_resolve(&hone__op_conv1d, options, &plain))
        return NULL;
    return hone__call(&hone__op_conv1d, IN(x, weight, bias), &plain);
}
