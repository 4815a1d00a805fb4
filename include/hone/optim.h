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
} hone_sgd_options;

/** Stochastic gradient descent, as PyTorch's: g = grad + weight_decay p; buf = momentum buf +
 * (1 - dampening) g (first step: g); p -= lr (nesterov ? g + momentum buf : buf).
 *  @param options  may be NULL.
 *  @return         owned by the caller, see hone_optim_free(); NULL on error.
 *  Errors:  HONE_E_VALUE (lr, momentum or weight_decay negative or not finite, a number that is
 *           NaN, no parameters), HONE_E_DTYPE (a parameter that is not f32 or f64), HONE_E_STATE
 *           (one that is no leaf or requires no gradient), HONE_E_NULL, HONE_E_NOMEM.
 *  Source:  torch.optim.SGD. */
HONE_API hone_optim *hone_sgd(hone_module *module, const hone_sgd_options *options);
/** The same for a list of parameters. */
HONE_API hone_optim *hone_sgd_list(hone_tensor_list parameters, const hone_sgd_options *options);

/** Frees the optimizer, not the parameters. NULL is ignored. */
HONE_API void hone_optim_free(hone_optim *optim);

/** One step for every parameter that has a gradient; records nothing. */
HONE_API hone_status hone_optim_step(hone_optim *optim);
/** Sets the parameters' gradients to zero (those that exist), also where someone holds them. Memory
 * that nobody else holds serves other tensors until the next gradient comes, which is taken over
 * instead of added to zeros: keep a reference to a gradient (hone_retain) as long as you use its
 * hone_data. A gradient of -0 stays -0 where it is taken over. */
HONE_API hone_status hone_optim_zero_grad(hone_optim *optim);

/** The learning rate; NaN and an error for NULL. */
HONE_API double hone_optim_lr(const hone_optim *optim);
/** HONE_E_VALUE if it is negative or not finite; here 0 is 0. */
HONE_API hone_status hone_optim_set_lr(hone_optim *optim, double lr);

#ifdef __cplusplus
}
#endif
#endif
