/** @file net.h
 * More of what networks are made of, beside ops.h: activations with parameters. What ops.h says
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
/** hardtanh between 0 and 6. */
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
/** x where x > threshold, else value; NaN stays. Grad: 0 where x <= threshold, else dy. */
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

#ifdef __cplusplus
}
#endif
#endif
