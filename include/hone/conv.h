/** @file conv.h
 * Convolution, a part of ops.h, which includes it. What ops.h says above its ops holds here, too.
 */
#ifndef HONE_CONV_H
#define HONE_CONV_H

#include <hone/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- hone_conv2d */

/** What `padding` of hone_conv2d_options is. */
typedef enum {
    HONE_PAD_EXPLICIT, /**< as given */
    HONE_PAD_VALID,    /**< none: PyTorch's padding='valid' */
    HONE_PAD_SAME      /**< so that the result is as large as x; an odd row or column more is at the
                            bottom or the right (stride 1): padding='same' */
} hone_auto_pad;

/** Pairs are (height, width). A 0 is PyTorch's default: stride 1, padding 0, dilation 1, groups 1;
 * each of a pair has its own. */
typedef struct {
    int64_t stride[2];
    int64_t padding[2]; /**< rows above and below, columns left and right, all +0 */
    int64_t dilation[2];
    int64_t groups;
    hone_auto_pad auto_pad;
    HONE_RESERVE(36);
} hone_conv2d_options;

/** 2-D convolution (the kernel is not flipped): out[n, o, y, x] = bias[o] + the sum over c, ky, kx
 * of x[n, c, y stride - padding + ky dilation, x stride - padding + kx dilation] weight[o, c, ky,
 * kx]. With groups, output channel o sees the channels of its group alone.
 *  @param x        [N, C, H, W] or [C, H, W] of numbers, read where it lies: any strides,
 *                  channels-last too.
 *  @param weight   [O, C / groups, kh, kw] of x's dtype.
 *  @param bias     [O], or HONE_NONE.
 *  @param options  NULL: all defaults.
 *  @return  [N, O, (H + padding - dilation (kh - 1) - 1) / stride + 1, and for W alike],
 *           contiguous; without N as x. Without input channels it is the bias (PyTorch: no output
 *           channels).
 *  Order:   an output is one chain acc = fma(x, weight, acc) from +0 over (c, ky, kx); a tap in the
 *           padding counts as +0 times the weight. Integers wrap. f32 of one group with 16 channels or more on
 *           both sides and at most 64 taps: over (ky, kx, c), where taps in rows outside the image
 *           are left out (pixels are read where they lie, which takes two thirds of the time), as
 *           they are of f32 with 8 groups or more of one channel in and out; of 3 x 3 taps, stride 1
 *           and one group: see hone_conv_algorithm(). The bias is added last.
 *  Grad:    of x and weight the ops below; of the bias a sum of dy by the reductions' rule for
 *           each sample, these being added from +0 in the order of samples. Twice differentiable.
 *  Errors:  HONE_E_SHAPE (not so many dims; channels that groups don't divide, or that don't fit
 *           the weight; a kernel larger than the padded image; a bias of another extent),
 *           HONE_E_DTYPE, HONE_E_VALUE (stride, dilation or groups below 1, padding below 0;
 *           padding with auto_pad; a stride with HONE_PAD_SAME), HONE_E_NOMEM.
 *  Source:  torch.nn.functional.conv2d; Chetlur et al.: cuDNN (2014), implicit GEMM. */
HONE_API hone_tensor *hone_conv2d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                  const hone_conv2d_options *options);
/** How convolutions of this thread are computed. Returns what it was. */
typedef enum {
    HONE_CONV_DEFAULT, /**< f32 of 3 x 3 taps, stride 1, no dilation, one group, at least 16 channels
                            in and out, and an output that 2 x 2 tiles fill well (not 1 x 1 or 3 x 3):
                            Winograd's F(2x2, 3x3), 16 products for 36, with a smaller error. The
                            shape decides, never the batch. A tile is four outputs, whose sums over
                            channels are a chain in each of 16 points (simd/isa/images.h); an
                            infinity in one of its 16 pixels makes all four NaN. The gradient by x alike, but
                            in tiles of 4 x 4, F(4x4, 3x3), where that saves a tenth of the products or more: 36
                            for 144, with the points 0, 5/8, -5/8, 3/2, -3/2 and infinity, whose error is
                            at most 2.5 times that of one chain an output. The weight's gradient from 49
                            outputs a channel on is a chain over a sample's tiles in each point, transformed,
                            and added sample by sample, in the larger tiles where that is less work.
                            Of bf16, which rounds its results, F(4x4, 3x3) forward, too, where it saves a tenth. */
    HONE_CONV_EXACT,   /**< one chain an output, as hone_conv2d() says, whatever the shape */
    HONE_CONV_FAST     /**< as by default, and F(4x4, 3x3) forward, too, where it saves a tenth */
} hone_conv_form;
HONE_API hone_conv_form hone_conv_algorithm(hone_conv_form form);

/** Its gradient by x, of height x width: dy [N, O, ..], weight -> [N, C, height, width], all
 * without N if dy is. Order: one chain of fma(dy, weight, acc) from +0 over (o, ky, kx); a tap that
 * no output has counts as +0 times the weight. With as many channels as above, over (ky, kx, o):
 * those and rows outside are left out. Source: torch.nn.grad.conv2d_input. */
HONE_API hone_tensor *hone_conv2d_backward_input(hone_tensor *dy, hone_tensor *weight,
                                                 int64_t height, int64_t width,
                                                 const hone_conv2d_options *options);
/** Its gradient by a weight of height x width: dy [N, O, ..], x [N, C, H, W] (or both without N) ->
 * [O, C / groups, height, width]. Order: for each sample one chain of fma(dy, x, acc) from +0 over
 * the positions (y, x) of dy (of one channel, or 8 such groups: 16, each of every 16th column, folded
 * by halves); these are added, from +0, in the order of samples. Where a gradient of it has begun,
 * backward() goes on adding to it sample by sample. Source: torch.nn.grad.conv2d_weight. */
HONE_API hone_tensor *hone_conv2d_backward_weight(hone_tensor *dy, hone_tensor *x, int64_t height,
                                                  int64_t width,
                                                  const hone_conv2d_options *options);

/* ---- of one dim, and transposed ones. Channels that don't fit, an impossible
 * output_padding and the like are HONE_E_SHAPE or HONE_E_VALUE. All are twice differentiable. */

/** As hone_conv2d_options, of one dim. */
typedef struct {
    int64_t stride;   /**< default 1 */
    int64_t padding;  /**< default 0 */
    int64_t dilation; /**< default 1 */
    int64_t groups;   /**< default 1 */
    hone_auto_pad auto_pad;
    HONE_RESERVE(28);
} hone_conv1d_options;
/** x [N, C, L] or [C, L], weight [O, C / groups, k], bias [O] or HONE_NONE -> [N, O, L']: hone_conv2d
 * of images one row high, with its order and its gradients. Source: torch.nn.functional.conv1d. */
HONE_API hone_tensor *hone_conv1d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                  const hone_conv1d_options *options);

/** As hone_conv2d_options, of three dims: (depth, height, width). */
typedef struct {
    int64_t stride[3];   /**< default 1 */
    int64_t padding[3];  /**< default 0 */
    int64_t dilation[3]; /**< default 1 */
    int64_t groups;      /**< default 1 */
    hone_auto_pad auto_pad;
    HONE_RESERVE(44);
} hone_conv3d_options;
/** x [N, C, D, H, W] or [C, D, H, W], weight [O, C / groups, kd, kh, kw], bias [O] or HONE_NONE -> [N,
 * O, D', H', W'], or without N: what hone_conv2d says, of three dims. Of images of depth 1 and
 * kernels of depth 1 it has hone_conv2d's bits.
 *  Order:   that of hone_conv2d over (c, kz, ky, kx). Grad: as there; of the bias a sum over (D H, W)
 *           for each sample.
 *  Source:  torch.nn.functional.conv3d. */
HONE_API hone_tensor *hone_conv3d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                  const hone_conv3d_options *options);
/** Its gradient by x of depth x height x width, and by a weight of these extents: as those of
 * hone_conv2d, over (o, kz, ky, kx) and over the positions (z, y, x). */
HONE_API hone_tensor *hone_conv3d_backward_input(hone_tensor *dy, hone_tensor *weight,
                                                 int64_t depth, int64_t height, int64_t width,
                                                 const hone_conv3d_options *options);
HONE_API hone_tensor *hone_conv3d_backward_weight(hone_tensor *dy, hone_tensor *x, int64_t depth,
                                                  int64_t height, int64_t width,
                                                  const hone_conv3d_options *options);

/** Pairs are (height, width). */
typedef struct {
    int64_t stride[2];         /**< default 1 */
    int64_t padding[2];        /**< rows and columns that are cut off the result; default 0 */
    int64_t output_padding[2]; /**< more of them at the bottom and the right; default 0; less than
                                    the stride or the dilation */
    int64_t dilation[2];       /**< default 1 */
    int64_t groups;            /**< default 1 */
    HONE_RESERVE(56);
} hone_conv_transpose2d_options;
/** Transposed convolution: each element of x adds weight to a place of the result, what
 * hone_conv2d_backward_input is.
 *  @param x       [N, C, H, W] or [C, H, W] f32|f64.
 *  @param weight  [C, O / groups, kh, kw]; bias [O], or HONE_NONE.
 *  @return  [N, O, (H - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1, and for W
 *           alike], or without N.
 *  Order:   that of hone_conv2d_backward_input over (c, ky, kx); the bias is added after it.
 *  Source:  torch.nn.functional.conv_transpose2d. */
HONE_API hone_tensor *hone_conv_transpose2d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                            const hone_conv_transpose2d_options *options);

typedef struct {
    int64_t stride;         /**< default 1 */
    int64_t padding;        /**< default 0 */
    int64_t output_padding; /**< default 0 */
    int64_t dilation;       /**< default 1 */
    int64_t groups;         /**< default 1 */
    HONE_RESERVE(24);
} hone_conv_transpose1d_options;
/** The same of x [N, C, L] or [C, L] and a weight [C, O / groups, k]. */
HONE_API hone_tensor *hone_conv_transpose1d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                            const hone_conv_transpose1d_options *options);

/** As hone_conv_transpose2d_options, of three dims: (depth, height, width). */
typedef struct {
    int64_t stride[3];         /**< default 1 */
    int64_t padding[3];        /**< default 0 */
    int64_t output_padding[3]; /**< default 0 */
    int64_t dilation[3];       /**< default 1 */
    int64_t groups;            /**< default 1 */
    HONE_RESERVE(24);
} hone_conv_transpose3d_options;
/** The same of x [N, C, D, H, W] or [C, D, H, W] and a weight [C, O / groups, kd, kh, kw]; order: over
 * (c, kz, ky, kx). */
HONE_API hone_tensor *hone_conv_transpose3d(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                            const hone_conv_transpose3d_options *options);

#ifdef __cplusplus
}
#endif
#endif
