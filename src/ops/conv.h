/* conv.h: what the ops of a convolution share: its options and shapes, and the products it is. */
#ifndef HONE_OPS_CONV_H
#define HONE_OPS_CONV_H

#include "ops/common.h"

/* ---- options: those of the gradients go on with the extents that a shape can't tell */

typedef struct {
    hone_conv2d_options conv;
    int64_t extent[2]; /* of x for its gradient, of the kernel for the weight's */
} hone__conv_grad_options;

extern const hone__option hone__conv_table[], hone__conv_grad_table[];

/** Of the convolution whose x and kernel have these extents. */
static inline hone__conv_grad_options hone__conv_with_extents(const hone_conv2d_options *o,
                                                              const int64_t *extent)
{
    return (hone__conv_grad_options){ *o, { extent[0], extent[1] } };
}

/* ---- shapes (conv_shape.c) */

/** All that is known of a convolution. */
typedef struct {
    hone_conv2d_options o;
    const hone_tensor *given[2];      /* the op's operands, for messages */
    hone_tensor *a, *b;               /* the same, images with a dim of samples */
    int image_dims;                   /* of results: 4, or 3 without that dim */
    int64_t n, channels, outputs;     /* samples, C, O */
    int64_t in[2], kernel[2], out[2]; /* extents of height and width */
    int64_t before[2], after[2];      /* padding */
    int64_t group_channels, group_outputs;
} hone__conv;

/** From the op's operands: x and weight, dy and weight, dy and x. False + an error that names the
 * op. */
bool hone__conv_take(const char *name, const hone_conv2d_options *o, hone_tensor *x,
                     hone_tensor *weight, hone__conv *c);
bool hone__conv_take_input(const char *name, const hone__conv_grad_options *o, hone_tensor *dy,
                           hone_tensor *weight, hone__conv *c);
bool hone__conv_take_weight(const char *name, const hone__conv_grad_options *o, hone_tensor *dy,
                            hone_tensor *x, hone__conv *c);

/* ---- products (conv_product.c). False: out of memory. Results are contiguous. */

/** y; weight is contiguous, bias may be HONE_NONE. */
bool hone__conv_forward(const hone__conv *c, const hone_tensor *weight, hone_tensor *bias,
                        const hone_tensor *y);
/** by_channel: the weight as [C / groups, O, kh, kw], contiguous. */
bool hone__conv_input(const hone__conv *c, const hone_tensor *by_channel, const hone_tensor *dx);
/** Adds to sum, sample by sample. */
bool hone__conv_add_weight(const hone__conv *c, const hone_tensor *sum);

#endif
