/** @file products.h
 * Products of matrices: a part of ops.h, which includes it. What ops.h says above its ops holds here, too.
 */
#ifndef HONE_PRODUCTS_H
#define HONE_PRODUCTS_H

#include <hone/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The order of every sum is chosen by n, k, dtype and whether b lies along k (is contiguous there):
 * never by the rows of a, by its strides or by batch dims. So a row of the result has the same bits alone and among any
 * others; samples are rows of a, and what puts them along n gives that up, as does a b whose samples
 * lie innermost in memory: hone_contiguous() it. A sum is one chain acc =
 * fma(a[i,k], b[k,j], acc) from +0 in the order of k; but with n <= 8 and b along k it is added up as
 * hone_sum_dim does, and else with n <= 64 and k >= 4096 it is min(k / 2048, 64) chains over pieces
 * of k of equal length, added in order.
 *
 * Gradients are chains for every shape. That of a parameter is a sum over samples (dim 0) in their
 * order, within a sample over its positions, which begins with what its .grad holds: autograd.h. */

/** Matrix product by PyTorch's rules: [k] x [k] -> 0-d, [m, k] x [k] -> [m], [k] x [k, n] -> [n],
 * [.., m, k] x [.., k, n] -> [.., m, n] with broadcast batch dims. Of one dtype; integers wrap. Grad:
 * da = dy b^T, db = a^T dy. */
HONE_API hone_tensor *hone_matmul(hone_tensor *a, hone_tensor *b);
/** The same of just these shapes, else HONE_E_SHAPE: [n, k] x [k, m]; [b, n, k] x [b, k, m], without
 * broadcasting; [n, k] x [k]; [k] x [k] -> 0-d. */
HONE_API hone_tensor *hone_mm(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_bmm(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_mv(hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_dot(hone_tensor *a, hone_tensor *b);
/** [n] x [m] -> [n, m]: each of a times each of b, any dtype. */
HONE_API hone_tensor *hone_outer(hone_tensor *a, hone_tensor *b);
/** beta input + alpha p, where p is bmm(a, b), its sum over the batch, mv(a, b), outer(a, b), and input
 * is broadcast to it; with beta 0 the input isn't looked at (a NaN in it doesn't matter) and has no
 * gradient. Defaults of hone_call: 1 and 1. HONE_E_SHAPE, HONE_E_DTYPE. */
HONE_API hone_tensor *hone_addmm_scaled(hone_tensor *input, hone_tensor *a, hone_tensor *b,
                                        double beta, double alpha);
HONE_API hone_tensor *hone_baddbmm(hone_tensor *input, hone_tensor *a, hone_tensor *b, double beta,
                                   double alpha);
HONE_API hone_tensor *hone_addbmm(hone_tensor *input, hone_tensor *a, hone_tensor *b, double beta,
                                  double alpha);
HONE_API hone_tensor *hone_addmv(hone_tensor *input, hone_tensor *a, hone_tensor *b, double beta,
                                 double alpha);
HONE_API hone_tensor *hone_addr(hone_tensor *input, hone_tensor *a, hone_tensor *b, double beta,
                                double alpha);
/** input + a b in one pass: a [m, k], b [k, n], input [m, n] or broadcast to it, all f32 or all f64
 * -> [m, n]; each element is one chain, whatever the shape, that begins with input's. addmm_ changes
 * input, which must be [m, n], and returns it. Grad: dinput = dy, da = dy
 * b^T, db = a^T dy. Integers of one dtype wrap. */
HONE_API hone_tensor *hone_addmm(hone_tensor *input, hone_tensor *a, hone_tensor *b);
HONE_API hone_tensor *hone_addmm_(hone_tensor *input, hone_tensor *a, hone_tensor *b);
/** x W + b in one pass: x [.., in], weight [in, out], bias [out] or HONE_NONE -> [.., out]. Grad:
 * as of matmul and add. */
HONE_API hone_tensor *hone_linear(hone_tensor *x, hone_tensor *weight, hone_tensor *bias);
/** relu(x W + b) in one pass. */
HONE_API hone_tensor *hone_linear_relu(hone_tensor *x, hone_tensor *weight, hone_tensor *bias);
/** gelu(x W + b) and gelu_tanh(x W + b) in one pass. Where a gradient is wanted, x W + b is kept
 * for it. */
HONE_API hone_tensor *hone_linear_gelu(hone_tensor *x, hone_tensor *weight, hone_tensor *bias);
HONE_API hone_tensor *hone_linear_gelu_tanh(hone_tensor *x, hone_tensor *weight, hone_tensor *bias);

/** Sums of products by Einstein's convention: hone_einsum("bij,bjk->bik", hone_list(a, b)).
 *  @param equation  a term for each operand, joined by commas; a letter (a-z, A-Z) names a dim, one
 *                   that is in a term twice takes its diagonal, `...` stands for dims that are
 *                   broadcast. After -> the result's dims; without it these are the dims of `...`
 *                   and then the letters that occur once, capitals first. Blanks mean nothing.
 *  @param operands  both f32 or all f64 where there are several; one may be of any dtype that can
 *                   be summed. Extents of 1 are broadcast.
 *  @return  the result; a view of the operand where nothing is summed or multiplied.
 *  Order:   letters that are in one operand alone and not in the result are summed first
 *           (hone_sum_dims). Then operands are joined two at a time, the pair next whose result is
 *           smallest, the first of equals (by the extents as they are, so an equation of three or
 *           more operands should not name the batch's dim unless it is in all of them), by one
 *           matmul over the letters that no later operand and the result have.
 *  Grad:    that of the ops it is made of: permute, reshape, sum, mul, matmul.
 *  Errors:  HONE_E_VALUE (the equation, the number of operands), HONE_E_SHAPE, HONE_E_DTYPE.
 *  Source:  torch.einsum. */
HONE_API hone_tensor *hone_einsum(const char *equation, hone_tensor_list operands);

#ifdef __cplusplus
}
#endif

#endif
