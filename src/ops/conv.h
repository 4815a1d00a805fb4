/* conv.h: what the ops of a convolution share: its options and shapes, and the products it is. */
#ifndef HONE_OPS_CONV_H
#define HONE_OPS_CONV_H

#include "ops/common.h"

/* ---- options */

/** Of two dims and of three, in the order depth, height, width; numbers of a depth that isn't there
 * are 0. The gradients go on with the extents that a shape can't tell. */
typedef struct {
    int64_t stride[3], padding[3], dilation[3];
    int64_t groups;
    hone_auto_pad auto_pad;
    int64_t extent[3]; /* of x for its gradient, of the kernel for the weight's */
} hone__conv_options;

extern const hone__option hone__conv2d_table[], hone__conv2d_grad_table[];
extern const hone__option hone__conv3d_table[], hone__conv3d_grad_table[];

/** A user's, whose zeros mean the defaults; NULL: all of them. */
hone__conv_options hone__conv2d_given(const hone_conv2d_options *o);
hone__conv_options hone__conv3d_given(const hone_conv3d_options *o);

/** Of the convolution whose x and kernel, the last dims of `of`, have these extents. */
hone__conv_options hone__conv_with_extents(const hone__conv_options *o, int dims,
                                           const hone__shape *of);

/** The ops of so many dims. */
typedef struct {
    const hone__op *forward, *input, *weight, *add_weight;
} hone__conv_ops;
const hone__conv_ops *hone__conv_ops_of(int dims);
/** The gradient of input i, a weight: added to the sum in dx[i] that begins with a leaf's, put there,
 * or with a chain for each shard (op/shards.h). */
void hone__conv_give_weight(hone_context *ctx, int i, hone_tensor **dx, const hone__conv_ops *ops,
                            hone_tensor *dy, hone_tensor *x, const hone__conv_options *options);

/* ---- shapes (conv_shape.c) */

/** All that is known of a convolution. What has a number for each dim of places has depth, height
 * and width; images of two dims have depth 1. */
typedef struct {
    hone__conv_options o;
    int dims;                         /* of places: 2 or 3 */
    const hone_tensor *given[2];      /* the op's operands, for messages */
    hone_tensor *a, *b;               /* the same, images with a dim of samples */
    int image_dims;                   /* of results: with that dim or without */
    int64_t n, channels, outputs;     /* samples, C, O */
    int64_t in[3], kernel[3], out[3]; /* extents */
    int64_t before[3], after[3];      /* padding */
    int64_t group_channels, group_outputs;
    bool rounds; /* the result to bf16, which leaves nothing of what F(4x4, 3x3) errs */
} hone__conv;

/** The image [samples, channels, extent] as a result, and the weight. */
hone_tensor *hone__conv_image_out(hone_context *ctx, const hone__conv *c, int64_t channels,
                                  const int64_t *extent);
hone_tensor *hone__conv_weight_out(hone_context *ctx, const hone__conv *c);

/** From the op's operands: x and weight, dy and weight, dy and x. False + an error that names the
 * op. */
bool hone__conv_take(hone_context *ctx, hone_tensor *x, hone_tensor *weight, hone__conv *c);
bool hone__conv_take_input(hone_context *ctx, hone_tensor *dy, hone_tensor *weight, hone__conv *c);
bool hone__conv_take_weight(hone_context *ctx, hone_tensor *dy, hone_tensor *x, hone__conv *c);

/** x [N, C, places] or [C, places] and a weight of `dims` dims of places, numbers of one dtype; else
 * the error that names the call (conv_transpose.c). */
bool hone__conv_operands(hone_context *ctx, int dims, const hone_tensor *x,
                         const hone_tensor *weight);

/** The convolution of integers (conv_integers.c), or back: the image that gives c->a. Sums wrap. bias may
 * be HONE_NONE. False: out of memory. */
bool hone__conv_of_integers(const hone__conv *c, hone_tensor *weight, hone_tensor *bias, bool back,
                            hone_tensor *out);

/* ---- products (conv_product.c). False: out of memory. Results are contiguous. */

/** y; weight is contiguous, bias may be HONE_NONE. */
bool hone__conv_forward(const hone__conv *c, const hone_tensor *weight, hone_tensor *bias,
                        hone_tensor *y);
/** dx; weight is contiguous. */
bool hone__conv_input(const hone__conv *c, hone_tensor *weight, hone_tensor *dx);
/** If f32 takes Winograd's form; out: the extents of the results. */
bool hone__conv_suits_winograd(const hone__conv *c, const int64_t *out);
/** Adds to sum, sample by sample. */
bool hone__conv_add_weight(const hone__conv *c, hone_tensor *sum, bool fresh);

/** The same of bf16 (conv_halves.c); the weight's gradient is f32. */
bool hone__conv_forward_of_halves(const hone__conv *c, hone_tensor *weight, hone_tensor *bias,
                                  hone_tensor *y);
bool hone__conv_input_of_halves(const hone__conv *c, hone_tensor *weight, hone_tensor *dx);
bool hone__conv_add_weight_of_halves(const hone__conv *c, hone_tensor *sum);

/** Of a convolution or one of its gradients: each of `places` (outputs, or their gradients) takes all
 * taps of one output channel of `weight`. The gradients of inputs a and b cost as much. */
void hone__conv_cost(const hone__shape *places, const hone__shape *weight, int a, int b,
                     hone__cost *cost);

#endif
