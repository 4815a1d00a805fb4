/** @file optim.h
 * Optimizers: hone_optim_zero_grad(), hone_backward(), hone_optim_step(), again and again.
 */
#ifndef HONE_OPTIM_H
#define HONE_OPTIM_H

#include <hone/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An optimizer: the parameters (it keeps a reference to each), the numbers, and its own state. */
typedef struct hone_optim hone_optim;

/** Zero means the default, HONE_ZERO an explicit 0. */
typedef struct {
    double lr;           /**< default 0.001 */
    double momentum;     /**< default 0 */
    double dampening;    /**< default 0 */
    double weight_decay; /**< default 0 */
    bool nesterov;       /**< needs a momentum and no dampening */
    HONE_RESERVE(63);
} hone_sgd_options;

/** Stochastic gradient descent, as PyTorch's: g = grad + weight_decay p; buf = momentum buf +
 * (1 - dampening) g (first step: g); p -= lr (nesterov ? g + momentum buf : buf).
 *  @param options  may be NULL.
 *  @return         owned by the caller, see hone_optim_free(); NULL on error.
 *  Errors:  HONE_E_VALUE (lr, momentum or weight_decay negative or not finite, a number that is
 *           NaN, no parameters), HONE_E_DTYPE (a parameter that is not f32 or f64), HONE_E_STATE
 *           (one that is no leaf or belongs to a scope alone; none requires a gradient),
 *           HONE_E_NULL, HONE_E_NOMEM.
 *  Source:  torch.optim.SGD. */
HONE_API hone_optim *hone_sgd(hone_module *module, const hone_sgd_options *options);
/** The same for a list of parameters. */
HONE_API hone_optim *hone_sgd_list(hone_tensor_list parameters, const hone_sgd_options *options);

/** Frees the optimizer, not the parameters. NULL is ignored. */
HONE_API void hone_optim_free(hone_optim *optim);

/** One step for every parameter that requires a gradient and has one; records nothing. The others
 * stay as they are, whatever the momentum and the weight decay, and so does their state: those that
 * no loss has reached yet, and those that are frozen (hone_requires_grad_(p, false)), also if they
 * hold a gradient of before. A frozen one that is set free is trained again. */
HONE_API hone_status hone_optim_step(hone_optim *optim);
/** Sets the parameters' gradients to zero (those that exist), also where someone holds them. Memory
 * that nobody else holds serves other tensors until the next gradient comes, which is taken over
 * instead of added to zeros: keep a reference to a gradient (hone_retain) as long as you use its
 * hone_data. A gradient of -0 stays -0 where it is taken over.
 *
 * A gradient of zero is one: a parameter that the next loss does not use goes on moving by its
 * momentum and weight decay. In PyTorch, since 2.0, zero_grad leaves no gradient unless told, and
 * such a parameter stays: that is hone_optim_zero_grad_with(). Where each loss uses all parameters,
 * as in `hone train`, which calls this one, both give the same bits. */
HONE_API hone_status hone_optim_zero_grad(hone_optim *optim);
/** The same with options (NULL: none). With .set_to_none the parameters have no gradient
 * afterwards, as before the first hone_backward(): steps pass them by until there is one, and who
 * holds the old one keeps its numbers.
 *  Source:  torch.optim.Optimizer.zero_grad(set_to_none). */
HONE_API hone_status hone_optim_zero_grad_with(hone_optim *optim,
                                               const hone_zero_grad_options *options);

/** Numbers of an optimizer, which may change between steps (a schedule); NaN and an error for NULL
 * and for an optimizer that has no such number. */
HONE_API double hone_optim_lr(const hone_optim *optim);
HONE_API double hone_optim_momentum(const hone_optim *optim);
HONE_API double hone_optim_weight_decay(const hone_optim *optim);
/** HONE_E_VALUE, and nothing changes, if it is negative or not finite, if there is no such number,
 * or if nesterov would be left without a momentum; here 0 is 0. What momentum has gathered stays
 * while it is 0. */
HONE_API hone_status hone_optim_set_lr(hone_optim *optim, double lr);
HONE_API hone_status hone_optim_set_momentum(hone_optim *optim, double momentum);
HONE_API hone_status hone_optim_set_weight_decay(hone_optim *optim, double weight_decay);

#ifdef __cplusplus
}
#endif
#endif
