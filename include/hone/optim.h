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

/* ---- making one
 *
 * hone_<name>(module, &options) for all parameters of a module, hone_<name>_list(parameters,
 * &options) for a list of them; options may be NULL, a zero in them means the default, HONE_ZERO an
 * explicit 0. The result is owned by the caller, see hone_optim_free(); NULL on error:
 *  HONE_E_VALUE (an option out of its range, no parameters), HONE_E_DTYPE (a parameter that is not
 *  f32 or f64), HONE_E_STATE (one that is no leaf or belongs to a scope alone; none requires a
 *  gradient), HONE_E_NULL, HONE_E_NOMEM.
 *
 * In all formulas g is the gradient, -gradient with maximize; unless something else is said, g +=
 * weight_decay p comes next. t counts the steps of a parameter from 1. Numbers of a step (bias
 * corrections) are computed in double. Each step is one pass over parameter, gradient and state. */

typedef struct {
    double lr;           /**< default 0.001 */
    double momentum;     /**< default 0 */
    double dampening;    /**< default 0 */
    double weight_decay; /**< default 0 */
    bool nesterov;       /**< needs a momentum and no dampening */
    bool maximize;
    HONE_RESERVE(62);
} hone_sgd_options;

/** Stochastic gradient descent, as PyTorch's: buf = momentum buf + (1 - dampening) g (first step:
 * g); p -= lr (nesterov ? g + momentum buf : buf).
 *  Errors:  as all; HONE_E_VALUE (nesterov without a momentum or with dampening).
 *  Source:  torch.optim.SGD. */
HONE_API hone_optim *hone_sgd(hone_module *module, const hone_sgd_options *options);
/** The same for a list of parameters. */
HONE_API hone_optim *hone_sgd_list(hone_tensor_list parameters, const hone_sgd_options *options);

typedef struct {
    double lr;           /**< default 0.001 */
    double beta1;        /**< default 0.9; 0 to below 1 */
    double beta2;        /**< default 0.999; 0 to below 1 */
    double eps;          /**< default 1e-8 */
    double weight_decay; /**< default 0; of adamw 0.01 */
    bool amsgrad;        /**< divide by the largest second moment so far */
    bool maximize;
    HONE_RESERVE(54);
} hone_adam_options;

/** Adam: m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; p -= lr / (1 - beta1^t) m /
 * (sqrt(v) / sqrt(1 - beta2^t) + eps).
 *  Source:  Kingma and Ba, Adam; torch.optim.Adam. */
HONE_API hone_optim *hone_adam(hone_module *module, const hone_adam_options *options);
HONE_API hone_optim *hone_adam_list(hone_tensor_list parameters, const hone_adam_options *options);
/** The same, but weight_decay isn't part of g: p -= lr weight_decay p comes first.
 *  Source:  Loshchilov and Hutter, Decoupled weight decay; torch.optim.AdamW. */
HONE_API hone_optim *hone_adamw(hone_module *module, const hone_adam_options *options);
HONE_API hone_optim *hone_adamw_list(hone_tensor_list parameters, const hone_adam_options *options);

typedef struct {
    double lr;                   /**< default 0.002 */
    double beta1;                /**< default 0.9; 0 to below 1 */
    double beta2;                /**< default 0.999; 0 to below 1 */
    double eps;                  /**< default 1e-8 */
    double weight_decay;         /**< default 0 */
    double momentum_decay;       /**< default 0.004 */
    bool decoupled_weight_decay; /**< as in AdamW */
    bool maximize;
    HONE_RESERVE(46);
} hone_nadam_options;

/** Adam with Nesterov momentum: mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), and the product of
 * all so far, P; p -= lr ((1 - mu_t) / (1 - P) g + mu_t+1 / (1 - P mu_t+1) m) / (sqrt(v / (1 -
 * beta2^t)) + eps). PyTorch rounds P to f32 after each step, hone doesn't.
 *  Source:  Dozat, Nesterov momentum into Adam; torch.optim.NAdam. */
HONE_API hone_optim *hone_nadam(hone_module *module, const hone_nadam_options *options);
HONE_API hone_optim *hone_nadam_list(hone_tensor_list parameters,
                                     const hone_nadam_options *options);

typedef struct {
    double lr;                   /**< default 0.001 */
    double beta1;                /**< default 0.9; 0 to below 1 */
    double beta2;                /**< default 0.999; 0 to below 1 */
    double eps;                  /**< default 1e-8 */
    double weight_decay;         /**< default 0 */
    bool decoupled_weight_decay; /**< as in AdamW */
    bool maximize;
    HONE_RESERVE(54);
} hone_radam_options;

/** Adam whose second moment counts as far as its variance is known: with n = 2 / (1 - beta2) - 1
 * and r = n - 2 t beta2^t / (1 - beta2^t), p -= lr / (1 - beta1^t) m while r <= 5 (5 steps of the
 * default beta2), then times sqrt((r - 4) (r - 2) n / ((n - 4) (n - 2) r)) sqrt(1 - beta2^t) /
 * (sqrt(v) + eps).
 *  Source:  Liu et al., On the variance of the adaptive learning rate; torch.optim.RAdam. */
HONE_API hone_optim *hone_radam(hone_module *module, const hone_radam_options *options);
HONE_API hone_optim *hone_radam_list(hone_tensor_list parameters,
                                     const hone_radam_options *options);

typedef struct {
    double lr;           /**< default 0.002 */
    double beta1;        /**< default 0.9; 0 to below 1 */
    double beta2;        /**< default 0.999; 0 to below 1 */
    double eps;          /**< default 1e-8 */
    double weight_decay; /**< default 0 */
    bool maximize;
    HONE_RESERVE(55);
} hone_adamax_options;

/** Adam by the infinity norm: u = max(beta2 u, |g| + eps); p -= lr / (1 - beta1^t) m / u.
 *  Source:  Kingma and Ba, Adam, section 7.1; torch.optim.Adamax. */
HONE_API hone_optim *hone_adamax(hone_module *module, const hone_adamax_options *options);
HONE_API hone_optim *hone_adamax_list(hone_tensor_list parameters,
                                      const hone_adamax_options *options);

typedef struct {
    double lr;           /**< default 0.01 */
    double alpha;        /**< default 0.99 */
    double eps;          /**< default 1e-8 */
    double weight_decay; /**< default 0 */
    double momentum;     /**< default 0 */
    bool centered;       /**< the variance instead of the mean square */
    bool maximize;
    HONE_RESERVE(54);
} hone_rmsprop_options;

/** v = alpha v + (1 - alpha) g^2; d = sqrt(v) + eps; p -= lr g / d, or with momentum buf = momentum
 * buf + g / d and p -= lr buf. centered: a = alpha a + (1 - alpha) g and d = sqrt(v - a^2) + eps,
 * where a difference that rounding leaves below 0 is 0 (PyTorch's is NaN).
 *  Source:  Hinton's lecture 6e; torch.optim.RMSprop. */
HONE_API hone_optim *hone_rmsprop(hone_module *module, const hone_rmsprop_options *options);
HONE_API hone_optim *hone_rmsprop_list(hone_tensor_list parameters,
                                       const hone_rmsprop_options *options);

typedef struct {
    double lr;                        /**< default 0.01 */
    double lr_decay;                  /**< default 0 */
    double weight_decay;              /**< default 0 */
    double initial_accumulator_value; /**< default 0 */
    double eps;                       /**< default 1e-10 */
    bool maximize;
    HONE_RESERVE(55);
} hone_adagrad_options;

/** s += g^2; p -= lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps).
 *  Source:  Duchi et al., Adaptive subgradient methods; torch.optim.Adagrad. */
HONE_API hone_optim *hone_adagrad(hone_module *module, const hone_adagrad_options *options);
HONE_API hone_optim *hone_adagrad_list(hone_tensor_list parameters,
                                       const hone_adagrad_options *options);

typedef struct {
    double lr;           /**< default 1 */
    double rho;          /**< default 0.9; 0 to 1 */
    double eps;          /**< default 1e-6 */
    double weight_decay; /**< default 0 */
    bool maximize;
    HONE_RESERVE(63);
} hone_adadelta_options;

/** v = rho v + (1 - rho) g^2; d = sqrt(a + eps) / sqrt(v + eps) g; a = rho a + (1 - rho) d^2; p -=
 * lr d.
 *  Source:  Zeiler, Adadelta; torch.optim.Adadelta. */
HONE_API hone_optim *hone_adadelta(hone_module *module, const hone_adadelta_options *options);
HONE_API hone_optim *hone_adadelta_list(hone_tensor_list parameters,
                                        const hone_adadelta_options *options);

typedef struct {
    double lr;           /**< default 0.0001 */
    double beta1;        /**< default 0.9; 0 to below 1 */
    double beta2;        /**< default 0.99; 0 to below 1 */
    double weight_decay; /**< default 0 */
    bool maximize;
    HONE_RESERVE(63);
} hone_lion_options;

/** p -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay p); m = beta2 m + (1 - beta2) g; g has no
 * weight decay in it.
 *  Source:  Chen et al., Symbolic discovery of optimization algorithms. */
HONE_API hone_optim *hone_lion(hone_module *module, const hone_lion_options *options);
HONE_API hone_optim *hone_lion_list(hone_tensor_list parameters, const hone_lion_options *options);

typedef struct {
    double lr;            /**< default 0.001 */
    double momentum;      /**< default 0.95 */
    double weight_decay;  /**< default 0.1 */
    double ns_a;          /**< default 3.4445: of Newton-Schulz steps, as the next two */
    double ns_b;          /**< default -4.775 */
    double ns_c;          /**< default 2.0315 */
    double eps;           /**< default 1e-7 */
    int64_t ns_steps;     /**< default 5; up to 99 */
    bool no_nesterov;     /**< the momentum itself */
    bool match_rms_adamw; /**< rate lr 0.2 sqrt(max(rows, columns)) */
    HONE_RESERVE(62);
} hone_muon_options;

/** For matrices, parameters of 2 dims: buf = momentum buf + (1 - momentum) g (no weight decay in
 * it); x = buf, or g (1 - momentum) + momentum buf by Nesterov, divided by its norm (eps at least);
 * ns_steps times x = a x + (b x x^T + c (x x^T)^2) x, which brings its singular values to about 1; p
 * -= lr weight_decay p + lr sqrt(max(1, rows / columns)) x. The products are of the parameter's
 * dtype (PyTorch's of bf16).
 *  Errors:  as all; HONE_E_SHAPE (a parameter of another number of dims).
 *  Source:  Jordan, Muon; torch.optim.Muon. */
HONE_API hone_optim *hone_muon(hone_module *module, const hone_muon_options *options);
HONE_API hone_optim *hone_muon_list(hone_tensor_list parameters, const hone_muon_options *options);

/** An optimizer by its name, "adamw", with options as text: "lr=0.01 weight_decay=0.1
 * maximize=true"; what isn't given has its default. options may be NULL.
 *  Errors:  as all; HONE_E_VALUE (no such optimizer or option). */
HONE_API hone_optim *hone_optim_by_name(const char *name, hone_tensor_list parameters,
                                        const char *options);
/** How many optimizers there are, and the name of each; NULL past their end. */
HONE_API int hone_optim_kinds(void);
HONE_API const char *hone_optim_kind(int i);
/** "sgd(parameters, *, lr: float = 0.001, ...)" as snprintf does: returns the length it needs without
 * the 0, -1 for an unknown one (HONE_E_VALUE). */
HONE_API int64_t hone_optim_signature(const char *name, char *buffer, size_t bytes);
/** "sgd"; NULL on error. */
HONE_API const char *hone_optim_name(const hone_optim *optim);

/* ---- steps */

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

/** With `on`, hone_backward() steps each parameter as soon as its gradient is complete, and gives the
 * gradient's memory back at once: of all gradients about the largest one is there at a time. The
 * step has the bits of hone_optim_step(), which then finds no gradients and may stay in the loop, as may
 * hone_optim_zero_grad(); hone_grad() has none either. A parameter that the loss doesn't use stays,
 * as behind .set_to_none above. Hooks of leaves (hooks.h) run just before their step. Where a
 * walk fails, parameters that were done before are stepped.
 *
 * What needs all gradients at once is refused: hone_clip_grad_norm_() and hone_clip_grad_value_(),
 * a batch in parts (accumulate.h) or in shards (dist.h). Two calls of hone_backward() are two steps.
 * An op that would read a parameter's old value behind its step (in a graph that uses it by
 * hone_detach() too) fails as after any change in place.
 *  Errors:  HONE_E_STATE (a parameter has a gradient already, or another optimizer steps it so),
 *           HONE_E_NULL, HONE_E_NOMEM; nothing has changed.
 *  Source:  PyTorch's tutorial on optimizer steps in the backward pass. */
HONE_API hone_status hone_optim_in_backward(hone_optim *optim, bool on);

/* ---- groups of parameters, each with options of its own */

/** Adds parameters as another group. Its options are those that the optimizer was made with, but
 * for what the text says: "lr=0.1 weight_decay=0"; NULL: nothing.
 *  @return  the group's number (what the optimizer was made with is group 0); -1 on error.
 *  Errors:  as the making's; HONE_E_STATE (a parameter that is in a group already). */
HONE_API int hone_optim_add_group(hone_optim *optim, hone_tensor_list parameters,
                                  const char *options);
/** How many groups there are; -1 on error. */
HONE_API int hone_optim_groups(const hone_optim *optim);
/** The parameters of a group; at == NULL on error. */
HONE_API hone_tensor_list hone_optim_group_parameters(const hone_optim *optim, int group);

/** A group's option by name: "lr", "beta1", "nesterov" (0 or 1). They may change between steps: a
 * schedule does just that. Here 0 is 0.
 *  @return  NaN on error.
 *  Errors:  HONE_E_INDEX (no such group), HONE_E_VALUE (no such option; a value out of range, or
 *           that doesn't go with the others: nothing changes), HONE_E_NULL. */
HONE_API double hone_optim_get(const hone_optim *optim, int group, const char *option);
HONE_API hone_status hone_optim_set(hone_optim *optim, int group, const char *option, double value);

/** The same of group 0; NaN and an error for an optimizer that has no such number. */
HONE_API double hone_optim_lr(const hone_optim *optim);
HONE_API double hone_optim_momentum(const hone_optim *optim);
HONE_API double hone_optim_weight_decay(const hone_optim *optim);
/** The same for all groups. What momentum has gathered stays while it is 0. */
HONE_API hone_status hone_optim_set_lr(hone_optim *optim, double lr);
HONE_API hone_status hone_optim_set_momentum(hone_optim *optim, double momentum);
HONE_API hone_status hone_optim_set_weight_decay(hone_optim *optim, double weight_decay);

/* ---- state: what a run that is taken up again needs besides the parameters */

/** What the optimizer keeps, by PyTorch's names: "state.3.exp_avg" of the fourth parameter (in the
 * order of the groups), "state.3.step" (i64), of SGD "state.3.momentum_buffer", and so on, for
 * parameters that have been stepped; and the options of each group, "param_groups.0.lr" (f64). The
 * tensors are the state itself, which the next step changes: save them (hone_safetensors_save) or
 * copy them. Owned by the current scope; at == NULL on error. */
HONE_API hone_named_list hone_optim_state(const hone_optim *optim);
/** Takes up such a state, in an optimizer of the same kind with the same parameters and groups, by
 * copies. Options that the list doesn't name stay. Nothing changes on error.
 *  Errors:  HONE_E_STATE (names a tensor that is unexpected or missing), HONE_E_SHAPE, HONE_E_DTYPE
 *           (one that doesn't fit its parameter), HONE_E_VALUE (a number out of range),
 *           HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_optim_load_state(hone_optim *optim, hone_named_list state);

/* ---- gradients cut down, between hone_backward() and hone_optim_step() */

typedef struct {
    double norm_type; /**< default 2; INFINITY: the largest; HONE_ZERO: how many aren't all 0 */
    bool error_if_nonfinite;
    HONE_RESERVE(55);
} hone_clip_grad_norm_options;

/** Scales the gradients of the parameters by min(1, max_norm / (n + 1e-6)), where n is the norm of
 * all of them together: (sum |g|^p)^(1/p). The sums are taken by gradient, by the rule of hone_sum,
 * and added up in double in the order of the list. As in PyTorch, gradients of a norm that is
 * infinite become 0 and NaN, those of a norm that is NaN all NaN.
 *  @param parameters  those without a gradient are passed by: hone_parameters(model).
 *  @param options     may be NULL.
 *  @param total_norm  n, unless NULL; filled also when the norm is why it fails.
 *  Errors:  HONE_E_VALUE (max_norm negative or NaN; error_if_nonfinite: n is infinite or NaN, and
 *           nothing has changed), HONE_E_NULL, HONE_E_STATE (parts of a batch are to come),
 *           HONE_E_NOMEM.
 *  Source:  torch.nn.utils.clip_grad_norm_, which takes a negative max_norm. */
HONE_API hone_status hone_clip_grad_norm_(hone_tensor_list parameters, double max_norm,
                                          const hone_clip_grad_norm_options *options,
                                          double *total_norm);
/** Brings each element of the gradients into -clip_value .. clip_value; NaN stays.
 *  Errors:  HONE_E_VALUE (negative or NaN), HONE_E_NULL, HONE_E_STATE, HONE_E_NOMEM.
 *  Source:  torch.nn.utils.clip_grad_value_. */
HONE_API hone_status hone_clip_grad_value_(hone_tensor_list parameters, double clip_value);

/* ---- averages of the parameters, which often do better than the last ones */

/** A copy of a module's parameters that follows them; it keeps references to them. */
typedef struct hone_average hone_average;

typedef struct {
    double decay;     /**< default 0.999; 0 to 1; HONE_ZERO is 0 */
    bool equal;       /**< the mean over all updates (SWA), whatever the decay */
    bool use_buffers; /**< buffers, too; those of integers are copied */
    HONE_RESERVE(54);
} hone_average_options;

/** An average of the module's parameters (EMA, or SWA with .equal). options may be NULL.
 *  @return  owned by the caller; NULL on error.
 *  Errors:  HONE_E_VALUE (decay), HONE_E_STATE (a parameter that a scope owns), HONE_E_NULL,
 *           HONE_E_NOMEM.
 *  Source:  torch.optim.swa_utils.AveragedModel, get_ema_multi_avg_fn. */
HONE_API hone_average *hone_average_new(hone_module *module, const hone_average_options *options);
/** NULL is ignored. */
HONE_API void hone_average_free(hone_average *average);
/** Takes in the parameters as they are now: the first time copies them, then mean += (1 - decay) (p
 * - mean), or 1 / (n + 1) (p - mean) after n updates. Once a step. */
HONE_API hone_status hone_average_update(hone_average *average);
/** How many updates there were; -1 on error. */
HONE_API int64_t hone_average_updates(const hone_average *average);
/** Exchanges the module's parameters and their averages: to evaluate or save the averages, and a
 * second time to go on training. */
HONE_API hone_status hone_average_swap(hone_average *average);
/** The averages by the module's names ("0.weight"), the tensors themselves, and "n_averaged" (i64),
 * for saving; owned by the current scope. at == NULL on error. */
HONE_API hone_named_list hone_average_state(const hone_average *average);
/** Takes up such a state, by copies; names besides those are ignored.
 *  Errors:  HONE_E_STATE (a name is missing), HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_NULL,
 *           HONE_E_NOMEM; nothing has changed. */
HONE_API hone_status hone_average_load_state(hone_average *average, hone_named_list state);

#ifdef __cplusplus
}
#endif
#endif
