/** @file functional.h
 * Derivatives of a function of tensors, without leaves and .grad: products with the Jacobian, whole Jacobians and
 * Hessians, gradients of each sample. The function uses public ops only; it may be called several times.
 * Gradients over a module's parameters are these functions' too: their inputs are hone_parameters(model), which
 * the function reads where they are (it gets the same tensors).
 *
 * Inputs that require no gradient, or are computed, are replaced by leaves of the same values while the function
 * runs: it has to use what it is given. Results record nothing unless it is said.
 */
#ifndef HONE_FUNCTIONAL_H
#define HONE_FUNCTIONAL_H

#include <hone/autograd.h>

#ifdef __cplusplus
extern "C" {
#endif

/** v^T J, reverse mode: gradients of sum(fn(inputs) * v) by each input, zeros where it doesn't depend on it.
 *  @param v  [same as the output]; HONE_NONE: ones, of an output of one element.
 *  @param y  the output, detached, unless NULL.
 *  Errors:  HONE_E_SHAPE, HONE_E_STATE (no gradient leads to an input), the function's; at == NULL. */
HONE_API hone_tensor_list hone_vjp(hone_checkable fn, void *user, hone_tensor_list inputs,
                                   hone_tensor *v, hone_tensor **y);
/** J t: by the gradient of v^T J in v ("double backward"), so every op of fn must be twice
 * differentiable; costs about three runs.
 *  @param tangents  one an input, [same]. */
HONE_API hone_tensor *hone_jvp(hone_checkable fn, void *user, hone_tensor_list inputs,
                               hone_tensor_list tangents, hone_tensor **y);
/** For each input [output's shape .., input's shape ..]: a walk for each of the output's elements. */
HONE_API hone_tensor_list hone_jacobian(hone_checkable fn, void *user, hone_tensor_list inputs);
/** Second derivatives of an output of one element: n * n tensors, number i n + j is [input i's shape .., input
 * j's shape ..]. */
HONE_API hone_tensor_list hone_hessian(hone_checkable fn, void *user, hone_tensor_list inputs);
/** For each parameter [n, its shape ..]: the gradients of fn(sample i of the inputs, in dim 0 alone) for all n
 * samples, which are along dim 0 of each input; fn gives one element. One walk a sample. Parameters require
 * gradients; their .grad stays. */
HONE_API hone_tensor_list hone_sample_gradients(hone_checkable fn, void *user,
                                                hone_tensor_list inputs,
                                                hone_tensor_list parameters);

#ifdef __cplusplus
}
#endif
#endif
