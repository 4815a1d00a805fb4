/** @file net.h
 * More of what networks are made of, beside ops.h: activations, padding, embedding,
 * dropout, norms, attention, recurrence and losses. What ops.h says
 * above its ops holds here, too: names, defaults and meanings are PyTorch's.
 */
#ifndef HONE_NET_H
#define HONE_NET_H

#include <hone/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- activations: [any] -> [same], element by element; integers and bool give f32. Source, where
 * none is named: the function of that name in torch.nn.functional. */

/** x where x > 0, else negative_slope x (default 0.01). Grad: dy; dy negative_slope. */
HONE_API hone_tensor *hone_leaky_relu(hone_tensor *x, double negative_slope);
/** x where x > 0, else weight x.
 *  @param weight  [1], or [C] with x [N, C, ...]: one for each channel (dim 1); of x's dtype.
 *  Grad:    of x as leaky_relu; of weight the sum of dy x over the elements that aren't > 0, by the
 *           rule of broadcasting's gradient.
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE.
 *  Source:  He et al., Delving deep into rectifiers (2015). */
HONE_API hone_tensor *hone_prelu(hone_tensor *x, hone_tensor *weight);
/** x where x > 0, else alpha (e^x - 1); default alpha 1. Grad: dy; dy alpha e^x. Source: Clevert,
 * Unterthiner, Hochreiter: Fast and accurate deep network learning by exponential linear units
 * (2015). */
HONE_API hone_tensor *hone_elu(hone_tensor *x, double alpha);
/** scale elu(x, alpha) with alpha = 1.6732632423543772 and scale = 1.0507009873554805. Source:
 * Klambauer et al., Self-normalizing neural networks (2017). */
HONE_API hone_tensor *hone_selu(hone_tensor *x);
/** x where x > 0, else alpha (e^(x / alpha) - 1); default alpha 1, 0 is HONE_E_VALUE. Grad: dy; dy
 * e^(x / alpha). Source: Barron, Continuously differentiable exponential linear units (2017). */
HONE_API hone_tensor *hone_celu(hone_tensor *x, double alpha);
/** x, but at least min_val (default -1) and at most max_val (default 1); NaN stays. Grad: dy where
 * min_val < x < max_val, else 0. HONE_E_VALUE: min_val > max_val. */
HONE_API hone_tensor *hone_hardtanh(hone_tensor *x, double min_val, double max_val);
/** hardtanh between 0 and 6. Of integers both stay in their dtype, limits being cut to whole numbers. */
HONE_API hone_tensor *hone_relu6(hone_tensor *x);
/** relu6(x + 3) / 6. Grad: dy / 6 where -3 < x < 3, else 0. Source: Howard et al., Searching for
 * MobileNetV3 (2019). */
HONE_API hone_tensor *hone_hardsigmoid(hone_tensor *x);
/** x relu6(x + 3) / 6, so NaN at -inf. Grad: 0 where x <= -3, dy where x >= 3, else dy (x / 3 + 1 /
 * 2). Source: as hardsigmoid. */
HONE_API hone_tensor *hone_hardswish(hone_tensor *x);
/** x t, where t = tanh(softplus(x)). Grad: dy (t + x (1 - t^2) sigmoid(x)). Infinities give what the
 * formulas do: NaN but for the value at inf. Source: Misra, Mish (2019). */
HONE_API hone_tensor *hone_mish(hone_tensor *x);
/** x / (1 + |x|), NaN at infinities. Grad: dy / (1 + |x|)^2, also NaN there by PyTorch's formula and
 * 0 here. */
HONE_API hone_tensor *hone_softsign(hone_tensor *x);
/** log(sigmoid(x)) = -softplus(-x). Grad: dy sigmoid(-x). */
HONE_API hone_tensor *hone_logsigmoid(hone_tensor *x);
/** x - tanh(x). Grad: dy tanh(x)^2. */
HONE_API hone_tensor *hone_tanhshrink(hone_tensor *x);
/** x - lambd where x > lambd, x + lambd where x < -lambd, else 0; default lambd 0.5, below 0 is
 * HONE_E_VALUE; NaN stays. Grad: dy where |x| > lambd, else 0. */
HONE_API hone_tensor *hone_softshrink(hone_tensor *x, double lambd);
/** x where |x| > lambd, else 0; default lambd 0.5; NaN stays. Grad: dy where |x| > lambd, else 0. */
HONE_API hone_tensor *hone_hardshrink(hone_tensor *x, double lambd);
/** x where x > threshold, else value; NaN stays; integers stay so if the value is whole. Grad: 0 where
 * x <= threshold, else dy. */
HONE_API hone_tensor *hone_threshold(hone_tensor *x, double threshold, double value);
/** a sigmoid(b), where a and b are the first and the second half of x along dim (default -1). Grad:
 * dy sigmoid(b); dy a s (1 - s). HONE_E_SHAPE: an odd extent. Source: Dauphin et al., Language
 * modeling with gated convolutional networks (2016). */
HONE_API hone_tensor *hone_glu(hone_tensor *x, int dim);
/** softmax(-x, dim). */
HONE_API hone_tensor *hone_softmin(hone_tensor *x, int dim);
/** x, but at least min and at most max (which wins where min > max); -INFINITY and INFINITY, the
 * defaults of hone_call, are no limits. Any dtype but bool, which stays; integers with a limit that
 * is no whole number give f32. NaN stays. Grad: dy where min <= x <= max, else 0. */
HONE_API hone_tensor *hone_clamp(hone_tensor *x, double min, double max);

/* ---- channels and windows as places */

/** x [.., C r^2, H, W] -> [.., C, H r, W r], r = upscale_factor: channel (c, i, j) goes to the places
 * (h r + i, w r + j). Any dtype and strides. Grad: hone_pixel_unshuffle. HONE_E_SHAPE, HONE_E_VALUE.
 * Source: Shi et al., Real-time single image and video super-resolution (2016). */
HONE_API hone_tensor *hone_pixel_shuffle(hone_tensor *x, int64_t upscale_factor);
/** Back: [.., C, H r, W r] -> [.., C r^2, H, W]. */
HONE_API hone_tensor *hone_pixel_unshuffle(hone_tensor *x, int64_t downscale_factor);

/** Pairs are (height, width). */
typedef struct {
    int64_t kernel_size[2]; /**< needed */
    int64_t dilation[2];    /**< default 1 */
    int64_t padding[2];     /**< default 0 */
    int64_t stride[2];      /**< default 1 */
    HONE_RESERVE(32);
} hone_unfold_options;
/** The windows of an image as columns (im2col).
 *  @param x  [N, C, H, W] or [C, H, W] f32|f64, any strides; only N may be 0.
 *  @return   [N, C kh kw, L], or without N: element (c, ky, kx) of window (y, x) of the L = ((H + 2
 *            padding - dilation (kh - 1) - 1) / stride + 1) (.. W alike), +0 in the padding.
 *  Grad:     hone_fold. Twice differentiable.
 *  Errors:   HONE_E_SHAPE (also: a kernel larger than the padded image), HONE_E_DTYPE, HONE_E_VALUE,
 *            HONE_E_NOMEM. Source: torch.nn.functional.unfold. */
HONE_API hone_tensor *hone_unfold(hone_tensor *x, const hone_unfold_options *options);
/** Columns added up to the image that they would be taken from (col2im): x [N, C kh kw, L] or [C kh
 * kw, L] -> [N, C, height, width], or without N.
 *  Order:    one chain of additions an element from +0 over (ky, kx).
 *  Grad:     hone_unfold. Errors: as there. Source: torch.nn.functional.fold. */
HONE_API hone_tensor *hone_fold(hone_tensor *x, int64_t height, int64_t width,
                                const hone_unfold_options *options);

/* ---- sampling */

typedef enum {
    HONE_INTERPOLATE_NEAREST,       /**< floor(o step); the coordinate is computed in f32 */
    HONE_INTERPOLATE_NEAREST_EXACT, /**< floor((o + 1/2) step), in f32 too */
    HONE_INTERPOLATE_LINEAR,        /**< of [N, C, L] */
    HONE_INTERPOLATE_BILINEAR,      /**< of [N, C, H, W] */
    HONE_INTERPOLATE_BICUBIC,       /**< of [N, C, H, W]; Keys' kernel with a = -3/4 */
    HONE_INTERPOLATE_TRILINEAR      /**< of [N, C, D, H, W] */
} hone_interpolate_mode;

/** Lists have a number for each dim of places (depth, height, width), as many as x has, or one for
 * all. Either size or scale_factor is needed. */
typedef struct {
    int64_t size[3];        /**< of the result */
    double scale_factor[3]; /**< the result has floor(extent scale_factor) elements */
    hone_interpolate_mode mode;
    bool align_corners;          /**< the outermost elements lie on each other; not for nearest */
    bool recompute_scale_factor; /**< coordinates go by the extents also where factors are given */
    HONE_RESERVE(42);
} hone_interpolate_options;

/** x [N, C, places] f32|f64 in another size. Result o of an axis lies at (o + 1/2) step - 1/2, step
 * being extent / size, or 1 / scale_factor where that is given, or with align_corners at o (extent -
 * 1) / (size - 1); the linear modes take the two elements beside it (none below 0), bicubic four,
 * those past an edge being the edge's.
 *  Order:   an axis after the other, width first: w0 x0 + w1 x1 + .., each product and sum rounded.
 *           Weights are computed in f64, and rounded. Of an axis whose extent stays linear modes give
 *           1 x + 0 x (PyTorch: the same), so inf there makes NaN.
 *  Grad:    the weighted sum of all dy that an element is part of, from width to depth, each in their
 *           order. Twice differentiable.
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE (f32, f64, or u8, which is rounded), HONE_E_VALUE, HONE_E_NOMEM.
 *  Source:  torch.nn.functional.interpolate without antialias; Keys, Cubic convolution interpolation
 *           for digital image processing (1981). */
HONE_API hone_tensor *hone_interpolate(hone_tensor *x, const hone_interpolate_options *options);

typedef enum {
    HONE_GRID_BILINEAR, /**< of two elements along each dim (trilinear of volumes) */
    HONE_GRID_NEAREST,  /**< halves go to the even element */
    HONE_GRID_BICUBIC   /**< of four along each dim; a = -3/4; not of volumes */
} hone_grid_mode;
/** What lies outside of an image. */
typedef enum {
    HONE_GRID_ZEROS,
    HONE_GRID_BORDER,    /**< its outermost elements */
    HONE_GRID_REFLECTION /**< the image mirrored about its ends, or with align_corners about its
                              outermost elements */
} hone_grid_padding;
/** x at the places of a grid.
 *  @param x     [N, C, H, W] or [N, C, D, H, W] f32|f64, any strides.
 *  @param grid  [N, OH, OW, 2] or [N, OD, OH, OW, 3] of x's dtype: a place (x, y) or (x, y, z); -1 and
 *               1 are the ends of the image, with align_corners its outermost elements.
 *  @return      [N, C, OH, OW] or [N, C, OD, OH, OW].
 *  Order:   coordinates and weights are computed in f64; then an axis after the other, width first:
 *           w0 x0 + w1 x1 + .., each product and sum rounded, a tap outside being a +0. So a place
 *           that is NaN or infinite gives NaN; but 0 with nearest, and with border or reflection,
 *           unless bicubic, the first element, or with border at inf the last.
 *  Grad:    of x dy times the weights, added from +0 in the order of the places and their taps; of
 *           grid the sum over the channels (hone_sum_dim) of dy times the slope at the place, which
 *           is 0 where border or reflection put it on the edge, and 0 for nearest. Twice
 *           differentiable, by both (PyTorch: once).
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (bicubic of volumes), HONE_E_NOMEM.
 *  Source:  torch.nn.functional.grid_sample; Jaderberg et al., Spatial transformer networks (2015). */
HONE_API hone_tensor *hone_grid_sample(hone_tensor *x, hone_tensor *grid, hone_grid_mode mode,
                                       hone_grid_padding padding_mode, bool align_corners);

/* ---- padding */

typedef enum {
    HONE_PAD_CONSTANT,  /**< with a number */
    HONE_PAD_REFLECT,   /**< mirrored about the first and the last element, less than the extent */
    HONE_PAD_REPLICATE, /**< with the first and the last element */
    HONE_PAD_CIRCULAR   /**< from the other end of what is left, at most all of it */
} hone_pad_mode;

/** x with elements before and after its last dims: hone_pad(x, HONE_PAD_REFLECT, 0, 1, 2) puts 1
 * before and 2 after each row, two numbers more are of the dim before it, and so on (at most 4
 * dims); numbers below 0 cut off.
 *  @param x      any dtype and strides.
 *  @param value  that of HONE_PAD_CONSTANT, in x's dtype.
 *  Grad:    dy cut or filled up with zeros; of the other modes dy's elements added, in order, to
 *           those that they came from, dim by dim from the last.
 *  Errors:  HONE_E_SHAPE (an odd number, or too many; more is cut off than there is, less is left
 *           than the mode needs), HONE_E_VALUE (a value that doesn't fit the dtype).
 *  Source:  torch.nn.functional.pad. */
#define hone_pad(x, mode, value, ...) hone_pad_v(x, HONE_DIM_ARGS(__VA_ARGS__), mode, value)
HONE_API hone_tensor *hone_pad_v(hone_tensor *x, const int64_t *pad_end, hone_pad_mode mode,
                                 double value);

/* ---- embedding */

#define HONE_NO_PADDING INT64_MIN /* no row of hone_embedding's weight is without a gradient */

/** Rows of a table: indices i64|i32 [..], weight [rows, width] of any dtype -> [.., width].
 *  @param padding_idx  the row that takes no gradient (below 0: from the end), or HONE_NO_PADDING,
 *                      the default of hone_call; it is read as it is.
 *  Grad:    of weight by hone_embedding_backward; to one that is there only the rows that are named
 *           are added, in the order of the indices. Twice differentiable.
 *  Errors:  HONE_E_INDEX (an index that is no row, named with its place; none may be below 0),
 *           HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (padding_idx). Source:
 *           torch.nn.functional.embedding. */
HONE_API hone_tensor *hone_embedding(hone_tensor *indices, hone_tensor *weight,
                                     int64_t padding_idx);
/** Its gradient: zeros [rows, width] to whose rows those of dy [.., width] are added, in the order of
 * the indices; 0 in the padding's row. */
HONE_API hone_tensor *hone_embedding_backward(hone_tensor *dy, hone_tensor *indices, int64_t rows,
                                              int64_t padding_idx);
typedef enum {
    HONE_BAG_MEAN, /**< divided by how many there are but the padding's */
    HONE_BAG_SUM,
    HONE_BAG_MAX
} hone_bag_mode;
/** One row for each bag of indices: their sum, mean or largest numbers; zeros for a bag of none, or
 * of the padding alone.
 *  @param indices  i64|i32: [bags, n], or [n] with offsets.
 *  @param weight   [rows, width] f32|f64.
 *  @param offsets  where bags begin among the indices, [bags] of their dtype, from 0 on and not
 *                  falling; with include_last_offset [bags + 1], the last one being n. HONE_NONE
 *                  with [bags, n].
 *  @param per_sample_weights  as indices, of weight's dtype: what each row is multiplied by; or
 *                  HONE_NONE. With HONE_BAG_SUM alone.
 *  @param padding_idx  the row that counts nowhere (below 0: from the end), or HONE_NO_PADDING, the
 *                  default of hone_call.
 *  @return   [bags, width].
 *  Order:    one chain from +0 over a bag's indices, fma(its weight, row, sum) where there are such;
 *            a mean is divided then. The maximum is the first number unless one is larger, so NaN
 *            counts only if it comes first.
 *  Grad:     of weight and per_sample_weights; into a weight's gradient rows are added in the order
 *            of the indices (of a maximum, bags). Twice differentiable.
 *  Errors:   HONE_E_INDEX (an index that is no row, named with its place), HONE_E_VALUE (offsets,
 *            padding_idx, weights beside another mode), HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_NOMEM.
 *  Source:   torch.nn.functional.embedding_bag. */
HONE_API hone_tensor *hone_embedding_bag(hone_tensor *indices, hone_tensor *weight,
                                         hone_tensor *offsets, hone_tensor *per_sample_weights,
                                         hone_bag_mode mode, int64_t padding_idx,
                                         bool include_last_offset);
/** i64 [.., num_classes] with a 1 at each index (i64|i32 [..]) and zeros elsewhere; num_classes -1
 * (the default of hone_call): the largest index and 1. No gradient. HONE_E_INDEX, HONE_E_VALUE (no
 * number, and no indices to tell it). Source: torch.nn.functional.one_hot. */
HONE_API hone_tensor *hone_one_hot(hone_tensor *indices, int64_t num_classes);

/* ---- dropout */

/** x / (1 - p) where a random number is at least p, else 0, whatever x is there; f32|f64. The
 * numbers are those of hone_rand(HONE_F32, ..) from this seed and stream, one for each element in
 * row-major order, in f64, too; with `channels` one for each of the channels of x [N, C, ...]. They
 * begin where `first` samples like those of x would have ended. The mask isn't kept: the gradient
 * computes it again.
 *  Grad:    the same of dy. Twice differentiable. HONE_E_VALUE: p outside 0..1. Source: Srivastava
 *           et al., Dropout (2014). */
HONE_API hone_tensor *hone_philox_dropout(hone_tensor *x, double p, int64_t seed, int64_t stream,
                                          bool channels, int64_t first);
/** In training that with the next stream of the thread's generator (random.h), of which p = 0 and
 * 1 take none; else a copy of x. Defaults: p 0.5, training. */
HONE_API hone_tensor *hone_dropout(hone_tensor *x, double p, bool training);
/** The same for whole channels of x [N, C, ...]. */
HONE_API hone_tensor *hone_feature_dropout(hone_tensor *x, double p, bool training);
/** The same of x [N, C, L] or [C, L]; [N, C, H, W] or [N, C, L]; [N, C, D, H, W] or [C, D, H, W]: a
 * 3-D x of dropout2d is a batch of rows, as in PyTorch. Else HONE_E_SHAPE. */
HONE_API hone_tensor *hone_dropout1d(hone_tensor *x, double p, bool training);
HONE_API hone_tensor *hone_dropout2d(hone_tensor *x, double p, bool training);
HONE_API hone_tensor *hone_dropout3d(hone_tensor *x, double p, bool training);

/* ---- normalisation, beside hone_layer_norm and hone_batch_norm of ops.h */

/** (x - mean) / sqrt(var + eps) * weight + bias, mean and var (correction 0) of each sample's
 * channels in num_groups groups; default eps 1e-5.
 *  @param x  [N, C, ...] f32|f64, any strides; C is a multiple of num_groups.
 *  @param weight, bias  [C] of x's dtype, or HONE_NONE.
 *  Order, Error, Grad: those of hone_layer_norm over the elements of a group, then a product and a
 *           sum. Twice differentiable.
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (num_groups, eps), HONE_E_NOMEM.
 *  Source:  Wu, He: Group Normalization (2018). */
HONE_API hone_tensor *hone_group_norm(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                      int64_t num_groups, double eps);
/** group_norm with as many groups as channels, which must have more than one element each: without
 * running statistics. Source: Ulyanov, Vedaldi, Lempitsky: Instance Normalization (2016). */
HONE_API hone_tensor *hone_instance_norm(hone_tensor *x, hone_tensor *weight, hone_tensor *bias,
                                         double eps);
/** x / sqrt(mean(x^2) + eps) * weight over the last n_dims dims; weight of their shape, or
 * HONE_NONE. eps -1, the default of hone_call: the dtype's epsilon, 2^-23 or 2^-52.
 *  Order:   the mean is hone_mean_dims. Rows with an element above 2^40 (f64: 2^400), and without
 *           eps those below 2^-40 (2^-400), are scaled by a power of two first, so no finite x over-
 *           or underflows.
 *  Grad:    of x and weight. Twice differentiable.
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (n_dims, eps), HONE_E_NOMEM.
 *  Source:  Zhang, Sennrich: Root Mean Square Layer Normalization (2019). */
HONE_API hone_tensor *hone_rms_norm(hone_tensor *x, hone_tensor *weight, int n_dims, double eps);

/* ---- attention and recurrence */

/** softmax(scale query key^T + mask) value.
 *  @param query  [.., L, E], key [.., S, E], value [.., S, Ev], all f32, f64 or bf16 (f16 is
 *                computed in f32; autocast rounds several dtypes); the dims before are broadcast.
 *  @param attn_mask  broadcast over [.., L, S]: bool, true where a query may see the key, or numbers
 *                that are added; or HONE_NONE.
 *  @param is_causal  query l sees the keys 0..l alone (also where L != S); not with a mask.
 *  @param scale      0: 1 / sqrt(E).
 *  @param enable_gqa grouped heads: key and value [.., heads, S, E] have fewer heads, each for
 *                several of the query's in turn.
 *  @return  [.., L, Ev]; zeros for a query that sees no key.
 *  Order:   query is multiplied by scale; a score is one chain over E. Keys come in blocks of 128
 *           from the first one on, each relative to the largest score so far: what there is is
 *           multiplied by e to the (old - new) largest where that has changed, the block's weights are
 *           added by the rule of rows, and each number of the result is one chain over the keys; it
 *           is divided by the sum of weights at the end. Keys that a query doesn't see are in none
 *           of this: its bits depend on those alone that it sees, and their places (so a step with
 *           a cache of keys has the bits of the whole), and NaN in a hidden key or value doesn't
 *           show, as it does in PyTorch.
 *           Of bf16: products of bf16 with f32 sums, in the order `pairs` or `tiles`, tiles counting
 *           from the first key, in gradients from each head's first query; query isn't scaled, a
 *           score is, after its sum. Weights are rounded to bf16 where they multiply, not where they
 *           are added up; all else is f32 until the result is rounded, once, a zero being +0. In
 *           gradients weights and their gradients (which are f32: the result's, rounded, counts)
 *           are rounded where they multiply; dq and dk are scaled after their sums.
 *  Memory:  linear in L and S: a block of 256 queries and 128 keys a thread; for the gradient two
 *           numbers a query are kept.
 *  Grad:    of query, key and value: weights are made again, block by block, dq being a chain over the
 *           keys, dk and dv chains over the queries (of grouped heads head by head). Of a mask of
 *           numbers, too, and twice: then scores and weights [.., L, S] are made by hone_matmul and
 *           hone_softmax, so the bits differ in the last places, and weights of 0 do multiply NaN.
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (a mask and is_causal), HONE_E_NOMEM.
 *  Source:  Vaswani et al., Attention is all you need (2017);
 *           torch.nn.functional.scaled_dot_product_attention. */
HONE_API hone_tensor *hone_scaled_dot_product_attention(hone_tensor *query, hone_tensor *key,
                                                        hone_tensor *value, hone_tensor *attn_mask,
                                                        bool is_causal, double scale,
                                                        bool enable_gqa);

/** One step: tanh or relu of w_ih x + b_ih + w_hh h + b_hh.
 *  @param x  [N, inputs], h [N, hidden], or both without N; f32|f64.
 *  @param w_ih, w_hh  [gates hidden, inputs] and [gates hidden, hidden], gate upon gate (here one);
 *            b_ih, b_hh [gates hidden], or HONE_NONE.
 *  @return   the next h.
 *  Order:    of each product hone_linear's; the two are added then. Twice differentiable.
 *  Errors:   HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_NOMEM. Source: torch.nn.RNNCell. */
HONE_API hone_tensor *hone_rnn_tanh_cell(hone_tensor *x, hone_tensor *h, hone_tensor *w_ih,
                                         hone_tensor *w_hh, hone_tensor *b_ih, hone_tensor *b_hh);
HONE_API hone_tensor *hone_rnn_relu_cell(hone_tensor *x, hone_tensor *h, hone_tensor *w_ih,
                                         hone_tensor *w_hh, hone_tensor *b_ih, hone_tensor *b_hh);
/** The same of three gates r, z, n: (1 - z) n + z h with r and z the sigmoids of their sums and n =
 * tanh(w_in x + b_in + r (w_hn h + b_hn)), computed as n + z (h - n). Source: torch.nn.GRUCell; Cho
 * et al. (2014). */
HONE_API hone_tensor *hone_gru_cell(hone_tensor *x, hone_tensor *h, hone_tensor *w_ih,
                                    hone_tensor *w_hh, hone_tensor *b_ih, hone_tensor *b_hh);
/** Both NULL on error. */
typedef struct {
    hone_tensor *h_next, *c_next;
} hone_lstm_state;
/** The same of four gates i, f, g, o and two states: c_next = sigmoid(f) c + sigmoid(i) tanh(g),
 * h_next = sigmoid(o) tanh(c_next). Source: torch.nn.LSTMCell; Hochreiter, Schmidhuber: Long
 * short-term memory (1997). */
HONE_API hone_lstm_state hone_lstm_cell(hone_tensor *x, hone_tensor *h, hone_tensor *c,
                                        hone_tensor *w_ih, hone_tensor *w_hh, hone_tensor *b_ih,
                                        hone_tensor *b_hh);

/** Options of the recurrences over a sequence. */
typedef struct {
    int64_t num_layers; /**< default 1; each reads the one before */
    double dropout;     /**< of what layers but the first read, while training; default 0 */
    bool bidirectional; /**< each layer a second time, from the last step to the first */
    bool batch_first;   /**< x and output are [N, T, ..], not [T, N, ..] */
    bool training;
    HONE_RESERVE(45);
} hone_rnn_options;
/** Both NULL on error. */
typedef struct {
    hone_tensor *output, *h_n;
} hone_rnn_result;
/** All NULL on error. */
typedef struct {
    hone_tensor *output, *h_n, *c_n;
} hone_lstm_result;
/** hone_rnn_tanh_cell step after step.
 *  @param x        [T, N, inputs], with batch_first [N, T, inputs], or [T, inputs]; f32|f64, T > 0.
 *  @param h0       [num_layers, N, hidden] (or without N), with bidirectional twice as many, layer by
 *                  layer, forward before backward; HONE_NONE: zeros.
 *  @param weights  layer by layer, forward before backward: w_ih [gates hidden, inputs], w_hh [gates
 *                  hidden, hidden], b_ih, b_hh [gates hidden], or all of them without the biases. A
 *                  layer but the first has the outputs of the one before it as inputs.
 *  @return  output [T, N, hidden] (as x lies), the last layer's states, with bidirectional those of
 *           both directions side by side; h_n as h0, the states after each direction's last step.
 *  Order:   that of the cell, but each product is one chain for every shape: of x for all steps at
 *           once. So where hidden times gates is more than 8 (and the inputs fewer than 4096) the
 *           bits are those of a loop of cells.
 *  Grad:    of all inputs. Backwards through the steps, then one product for each weight: a chain
 *           over the samples in order, within a sample over the steps by their places in time; a
 *           call is one use of a weight. Kept for it, a step, sample and layer: a GRU's 4 hidden
 *           numbers, an LSTM's 5, and the output. Twice differentiable: then the steps are ops.
 *  Random:  dropout draws by the places of [N, T, ..], also where T comes first.
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (an option, the number of weights),
 *           HONE_E_NOMEM. Source: torch.nn.RNN. */
HONE_API hone_rnn_result hone_rnn_tanh(hone_tensor *x, hone_tensor *h0, hone_tensor_list weights,
                                       const hone_rnn_options *options);
HONE_API hone_rnn_result hone_rnn_relu(hone_tensor *x, hone_tensor *h0, hone_tensor_list weights,
                                       const hone_rnn_options *options);
/** The same of hone_gru_cell. Source: torch.nn.GRU. */
HONE_API hone_rnn_result hone_gru(hone_tensor *x, hone_tensor *h0, hone_tensor_list weights,
                                  const hone_rnn_options *options);
/** The same of hone_lstm_cell; c0 and c_n as h0 and h_n. Source: torch.nn.LSTM. */
HONE_API hone_lstm_result hone_lstm(hone_tensor *x, hone_tensor *h0, hone_tensor *c0,
                                    hone_tensor_list weights, const hone_rnn_options *options);

/* ---- losses. f32|f64, also the targets where nothing else is said; tensors are broadcast where
 * nothing says that they must have one shape. The reduction makes one number of the loss of each
 * element (position, sample): its mean and sum are hone_mean and hone_sum. Gradients reach every
 * float tensor, targets too, and can be differentiated again. Errors: HONE_E_SHAPE, HONE_E_DTYPE,
 * HONE_E_VALUE (an option out of range), HONE_E_NOMEM. Source: the function of that name in
 * torch.nn.functional. */

typedef enum {
    HONE_REDUCE_MEAN,
    HONE_REDUCE_SUM,
    HONE_REDUCE_NONE,     /**< the losses as they are */
    HONE_REDUCE_BATCHMEAN /**< the sum divided by the extent of dim 0; hone_kl_div alone knows it */
} hone_reduction;

/** (input - target)^2. */
HONE_API hone_tensor *hone_mse_loss(hone_tensor *input, hone_tensor *target,
                                    hone_reduction reduction);
/** |input - target|; its slope is 0 at 0. */
HONE_API hone_tensor *hone_l1_loss(hone_tensor *input, hone_tensor *target,
                                   hone_reduction reduction);
/** With d = |input - target|: d^2 / (2 beta) where d < beta (default 1), else d - beta / 2; with
 * beta 0 it is d. Below 0: HONE_E_VALUE. */
HONE_API hone_tensor *hone_smooth_l1_loss(hone_tensor *input, hone_tensor *target, double beta,
                                          hone_reduction reduction);
/** With d = |input - target|: d^2 / 2 where d <= delta (default 1), else delta (d - delta / 2).
 * delta must be more than 0. Source: Huber, Robust estimation of a location parameter (1964). */
HONE_API hone_tensor *hone_huber_loss(hone_tensor *input, hone_tensor *target, double delta,
                                      hone_reduction reduction);
/** -weight (t log(p) + (1 - t) log(1 - p)) of probabilities p = input and t = target of one shape;
 * logarithms count as -100 at least. weight: broadcast, or HONE_NONE. The mean is over all
 * elements. HONE_E_VALUE: elements of input outside 0..1. Grad: by p dy (p - t) / max(p (1 - p),
 * 1e-12), by t that of the logarithms as they count. */
HONE_API hone_tensor *hone_binary_cross_entropy(hone_tensor *input, hone_tensor *target,
                                                hone_tensor *weight, hone_reduction reduction);
/** The same of p = sigmoid(input), without its loss of digits: weight ((1 - t) x + l softplus(-x)),
 * l = 1 + (pos_weight - 1) t. weight and pos_weight (of positive targets): broadcast, or
 * HONE_NONE. */
HONE_API hone_tensor *hone_binary_cross_entropy_with_logits(hone_tensor *input, hone_tensor *target,
                                                            hone_tensor *weight,
                                                            hone_tensor *pos_weight,
                                                            hone_reduction reduction);
/** target (log(target) - input), 0 log 0 = 0, where input is a logarithm of probabilities; with
 * log_target the target is one, too: e^target (target - input). PyTorch's reduction='batchmean' is
 * HONE_REDUCE_BATCHMEAN. */
HONE_API hone_tensor *hone_kl_div(hone_tensor *input, hone_tensor *target, bool log_target,
                                  hone_reduction reduction);
/** e^input - target input; without log_input (default true) input - target log(input + eps), eps
 * 1e-8 by default. full adds Stirling's approximation of log(target!) where target > 1: t log t - t
 * + log(2 pi t) / 2. */
HONE_API hone_tensor *hone_poisson_nll_loss(hone_tensor *input, hone_tensor *target, bool log_input,
                                            bool full, double eps, hone_reduction reduction);
/** (log v + (input - target)^2 / v) / 2, v = max(var, eps); full adds log(2 pi) / 2. eps: default
 * 1e-6, more than 0.
 *  @param var  0 or more; broadcast, or [..] beside an input [.., n]: one for all n.
 *  Grad:   of var as of v, also where eps is in its place. */
HONE_API hone_tensor *hone_gaussian_nll_loss(hone_tensor *input, hone_tensor *target,
                                             hone_tensor *var, bool full, double eps,
                                             hone_reduction reduction);

/** -weight[c] input[c] of each position's class c = target.
 *  @param input   logarithms of probabilities, [N, C, ...] or [C].
 *  @param target  integers, of input's shape without C.
 *  @param weight  [C] of input's dtype, or HONE_NONE: 1.
 *  @param ignore_index  positions with this target have loss 0 and no gradient, whatever their
 *                 input is (default -100).
 *  @return  the losses [N, ...]; their sum; or, as the mean, their sum divided by the sum of the
 *           positions' weights, so NaN where all are ignored.
 *  Errors:  HONE_E_INDEX: a target that is none of the classes nor ignored, named with its place. */
HONE_API hone_tensor *hone_nll_loss(hone_tensor *input, hone_tensor *target, hone_tensor *weight,
                                    int64_t ignore_index, hone_reduction reduction);
/** Mean over the batch of logsumexp(logits) - logits[i, target[i]]: logits [batch, classes]
 * f32|f64, target [batch] of integers -> 0-d. HONE_E_INDEX if a target is not in 0..classes-1. Grad:
 * (softmax(logits) - one_hot(target)) dy / batch; where it is wanted, that for dy = 1 is made along
 * with the loss and kept. */
HONE_API hone_tensor *hone_cross_entropy(hone_tensor *logits, hone_tensor *target);
/** That gradient in one pass; dy is 0-d. */
HONE_API hone_tensor *hone_cross_entropy_backward(hone_tensor *dy, hone_tensor *logits,
                                                  hone_tensor *target);

/** Cross entropy with all that PyTorch's has; hone_cross_entropy is its plain and fastest form.
 *  @param input   scores (logits), [N, C, ...] or [C]; log p is their log_softmax over C.
 *  @param target  classes as nll_loss takes them; or probabilities, of input's shape and dtype.
 *  @param weight  [C] of input's dtype, or HONE_NONE: 1.
 *  @param ignore_index     as nll_loss (but the gradient of NaN or inf in an ignored row is NaN, as
 *                 in PyTorch); it has no meaning beside probabilities.
 *  @param label_smoothing  e in 0..1: the target counts as (1 - e) target + e / C.
 *  @return  classes: (1 - e) nll_loss - e / C times the sum of weight log p over C; the mean as in
 *           nll_loss. Probabilities: -the sum of weight target log p over C; the mean is that over
 *           the positions, weights or not.
 *  Errors:  as nll_loss. */
HONE_API hone_tensor *hone_cross_entropy_loss(hone_tensor *input, hone_tensor *target,
                                              hone_tensor *weight, int64_t ignore_index,
                                              double label_smoothing, hone_reduction reduction);

/** Cross entropy of the scores that a linear map gives: hone_cross_entropy_loss of input linear_weight^T +
 * linear_bias, in one op whose scores, a language model's largest tensor, are held once: their gradient takes
 * their place; or a few rows at a time.
 *  @param input   [N, .., features], dim 0 counting samples; or [features].
 *  @param linear_weight  [C, features] of any strides, an Embedding's own for instance; or, beside an input
 *                 [N, features], [C, d1, .., features] for targets [N, d1, ..].
 *  @param target  classes [N, ..] or [], or probabilities [N, C, ..] or [C], as cross_entropy_loss takes them.
 *  @param linear_bias    linear_weight's shape without the last dim, or HONE_NONE.
 *  @param weight  [C], or HONE_NONE: 1.
 *  @param chunk   0: all scores are kept for the backward. Else so many rows at a time are made, and made again
 *                 there, for the price of one product more: memory for so many rows, or of samples with 256
 *                 positions and more for 256. The bits are the same.
 *  @return  as cross_entropy_loss.
 *  Grad:    d = the gradient of the scores: d W, d^T input in one chain over the rows (of samples with 256
 *           positions and more in a chain for each 256 of a sample, whose ends are added), the sum of d in
 *           one chain. Twice differentiable. With smoothing, probabilities, d1, .., floats of 16 bits and
 *           under autocast it is cross_entropy_loss of hone_linear.
 *  Errors:  as cross_entropy_loss.
 *  Source:  torch.nn.functional.linear_cross_entropy. */
HONE_API hone_tensor *hone_linear_cross_entropy(hone_tensor *input, hone_tensor *linear_weight,
                                                hone_tensor *target, hone_tensor *linear_bias,
                                                hone_tensor *weight, int64_t ignore_index,
                                                double label_smoothing, hone_reduction reduction,
                                                int64_t chunk);

/** -log of the probability that a sequence spells a target: the sum over all ways to write its
 * classes, each once or several times, with any number of blanks around them, and at least one
 * between two that are equal.
 *  @param log_probs  [T, N, C] (or [T, C]), logarithms of probabilities, as log_softmax gives them.
 *  @param targets    i64|i32 [N, length], or all samples' joined in one dim.
 *  @param input_lengths, target_lengths  i64|i32 [N]: steps and classes of each sample.
 *  @param blank      the class that stands for none.
 *  @param zero_infinity  impossible targets have loss 0 and no gradient, not inf and NaN.
 *  @return  the losses [N]; their sum; or the mean of each divided by its target's length (1 at
 *           least).
 *  Order:   a sample's steps in order, a state's ways from itself, the one before and the one before
 *           that added in this order; in f64 inside. Samples know nothing of each other.
 *  Grad:    of log_probs, as if they were log_softmax's (PyTorch's, which leaves that function's own
 *           slope unchanged): dy (exp(log_probs) - the part that a class has of all ways at a step);
 *           0 past a sample's steps. Not twice.
 *  Errors:  HONE_E_INDEX (a class that there isn't), HONE_E_VALUE (blank, a length), HONE_E_SHAPE,
 *           HONE_E_DTYPE. Source: Graves et al., Connectionist temporal classification (2006). */
HONE_API hone_tensor *hone_ctc_loss(hone_tensor *log_probs, hone_tensor *targets,
                                    hone_tensor *input_lengths, hone_tensor *target_lengths,
                                    int64_t blank, hone_reduction reduction, bool zero_infinity);

/** input where the target (1 or -1) is 1, max(0, margin - input) where it is -1 (default margin 1);
 * both added where it is neither. */
HONE_API hone_tensor *hone_hinge_embedding_loss(hone_tensor *input, hone_tensor *target,
                                                double margin, hone_reduction reduction);
/** max(0, margin - target (input1 - input2)), default margin 0; its gradient passes where that is
 * exactly 0, here and in the losses below. */
HONE_API hone_tensor *hone_margin_ranking_loss(hone_tensor *input1, hone_tensor *input2,
                                               hone_tensor *target, double margin,
                                               hone_reduction reduction);
/** With the cosine c = a b / sqrt((a a + 1e-12) (b b + 1e-12)) of input1 and input2 [N, D] (or
 * [D]): 1 - c where the target ([N] or []; any dtype) is 1, max(0, c - margin) where it is -1, else
 * 0; default margin 0. */
HONE_API hone_tensor *hone_cosine_embedding_loss(hone_tensor *input1, hone_tensor *input2,
                                                 hone_tensor *target, double margin,
                                                 hone_reduction reduction);
/** max(0, d(anchor, positive) - d(anchor, negative) + margin), d the p-norm of a - b + eps along the
 * last dim (p may be INFINITY); with swap d(positive, negative) takes the second one's place where
 * it is smaller. Defaults: margin 1, p 2, eps 1e-6. Three tensors of as many dims. Source: Balntas
 * et al., Learning shallow convolutional feature descriptors with triplet losses (2016). */
HONE_API hone_tensor *hone_triplet_margin_loss(hone_tensor *anchor, hone_tensor *positive,
                                               hone_tensor *negative, double margin, double p,
                                               double eps, bool swap, hone_reduction reduction);
/** -the mean over the classes (the last dim) of weight (t log sigmoid(x) + (1 - t) log sigmoid(-x)),
 * x = input and t = target of one shape; weight: broadcast, or HONE_NONE. */
HONE_API hone_tensor *hone_multilabel_soft_margin_loss(hone_tensor *input, hone_tensor *target,
                                                       hone_tensor *weight,
                                                       hone_reduction reduction);

#ifdef __cplusplus
}
#endif
#endif
