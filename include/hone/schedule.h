/** @file schedule.h
 * Schedules: learning rates that change from step to step, as PyTorch's lr_scheduler.
 *
 *      hone_schedule *schedule = hone_lr_cosine(optim, &(hone_lr_cosine_options){ .t_max = 1000 });
 *      for (...) {
 *          ...
 *          hone_optim_step(optim);
 *          hone_schedule_step(schedule);
 *      }
 *      hone_schedule_free(schedule);
 *
 * Making one sets the rate of step 0, each hone_schedule_step() that of the next. The group's
 * initial rate is the one it had when its first schedule was made. Most go on from the rate that
 * stands in the group, so two on one optimizer multiply, and a rate set by hand stays in effect;
 * cosine_restarts and one_cycle overwrite it. Computed in double by hone's own cos and pow: the same
 * rates on every machine.
 */
#ifndef HONE_SCHEDULE_H
#define HONE_SCHEDULE_H

#include <hone/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Belongs to the caller; doesn't keep the optimizer, which has to live as long as it steps. */
typedef struct hone_schedule hone_schedule;

/** NULL is ignored. The optimizer keeps the rate that it has. */
HONE_API void hone_schedule_free(hone_schedule *schedule);

/** The next step's rates.
 *  Errors:  HONE_E_STATE (a plateau, which wants a metric; one_cycle behind its end; the optimizer
 *           has got another group), HONE_E_NULL. */
HONE_API hone_status hone_schedule_step(hone_schedule *schedule);
/** The same for a plateau; others don't look at the metric. */
HONE_API hone_status hone_schedule_step_metric(hone_schedule *schedule, double metric);
/** The rate of a group that it set last; NaN on error (HONE_E_INDEX, HONE_E_NULL). */
HONE_API double hone_schedule_last_lr(const hone_schedule *schedule, int group);

/** Where it stands, by PyTorch's names: "last_epoch", "last_lr.0", "best" ..., of a sequence its
 * parts' with their number before them; owned by the current scope. at == NULL on error. */
HONE_API hone_named_list hone_schedule_state(const hone_schedule *schedule);
/** Goes on from such a state, in a schedule made as that one was; names besides its own are ignored.
 * The rates are the optimizer's: hone_optim_load_state() comes after the making of a schedule.
 *  Errors:  HONE_E_STATE (a name is missing), HONE_E_VALUE, HONE_E_NULL, HONE_E_NOMEM; nothing has
 *           changed. */
HONE_API hone_status hone_schedule_load_state(hone_schedule *schedule, hone_named_list state);

/* ---- making one; NULL on error: HONE_E_VALUE (an option out of range, or one that is needed and
 * missing), HONE_E_NULL, HONE_E_NOMEM */

typedef struct {
    int64_t step_size; /**< needed */
    double gamma;      /**< default 0.1 */
    HONE_RESERVE(48);
} hone_lr_step_options;
/** Times gamma every step_size steps. Source: StepLR. */
HONE_API hone_schedule *hone_lr_step(hone_optim *optim, const hone_lr_step_options *options);

/** Times gamma (0: 0.1, HONE_ZERO: 0) at each of the n milestones, which may be equal but not fall.
 *  Source: MultiStepLR. */
HONE_API hone_schedule *hone_lr_multistep(hone_optim *optim, const int64_t *milestones, int n,
                                          double gamma);

typedef struct {
    double gamma; /**< needed */
    HONE_RESERVE(56);
} hone_lr_exponential_options;
/** Times gamma every step. Source: ExponentialLR. */
HONE_API hone_schedule *hone_lr_exponential(hone_optim *optim,
                                            const hone_lr_exponential_options *options);

typedef struct {
    double factor;       /**< default 1/3; 0 to 1 */
    int64_t total_iters; /**< default 5 */
    HONE_RESERVE(48);
} hone_lr_constant_options;
/** Times factor for total_iters steps, then as it was. Source: ConstantLR. */
HONE_API hone_schedule *hone_lr_constant(hone_optim *optim,
                                         const hone_lr_constant_options *options);

typedef struct {
    double start_factor; /**< default 1/3; above 0, up to 1 */
    double end_factor;   /**< default 1; 0 to 1 */
    int64_t total_iters; /**< default 5 */
    HONE_RESERVE(40);
} hone_lr_linear_options;
/** Times a factor that goes from start_factor to end_factor in total_iters steps. Source: LinearLR. */
HONE_API hone_schedule *hone_lr_linear(hone_optim *optim, const hone_lr_linear_options *options);

typedef struct {
    int64_t total_iters; /**< default 5 */
    double power;        /**< default 1 */
    HONE_RESERVE(48);
} hone_lr_polynomial_options;
/** Times (1 - t / total_iters)^power, 0 from total_iters on. Source: PolynomialLR. */
HONE_API hone_schedule *hone_lr_polynomial(hone_optim *optim,
                                           const hone_lr_polynomial_options *options);

typedef struct {
    int64_t t_max;  /**< needed */
    double eta_min; /**< default 0 */
    HONE_RESERVE(48);
} hone_lr_cosine_options;
/** By half a cosine from the initial rate to eta_min in t_max steps, and back in the next t_max.
 *  Source: CosineAnnealingLR. */
HONE_API hone_schedule *hone_lr_cosine(hone_optim *optim, const hone_lr_cosine_options *options);

typedef struct {
    int64_t t_0;    /**< needed: steps of the first cycle */
    int64_t t_mult; /**< default 1: each cycle is so many times as long as the one before */
    double eta_min; /**< default 0 */
    HONE_RESERVE(40);
} hone_lr_cosine_restarts_options;
/** By half a cosine from the initial rate to eta_min, and again. Source:
 * CosineAnnealingWarmRestarts. */
HONE_API hone_schedule *hone_lr_cosine_restarts(hone_optim *optim,
                                                const hone_lr_cosine_restarts_options *options);

typedef struct {
    double max_lr;           /**< needed */
    int64_t total_steps;     /**< needed */
    double pct_start;        /**< default 0.3: the part of the steps in which the rate rises */
    double base_momentum;    /**< default 0.85: where the rate is highest */
    double max_momentum;     /**< default 0.95 */
    double div_factor;       /**< default 25: it begins at max_lr / div_factor */
    double final_div_factor; /**< default 1e4: and ends at the beginning's / final_div_factor */
    bool linear;             /**< straight lines instead of cosines */
    bool three_phase;        /**< down to the beginning's rate first, then on */
    bool no_cycle_momentum;  /**< the rate alone */
    HONE_RESERVE(37);
} hone_lr_one_cycle_options;
/** Up to max_lr and down, while momentum (or beta1) goes down and up.
 *  Errors:  as all; HONE_E_VALUE (an optimizer that has neither, unless no_cycle_momentum).
 *  Source:  OneCycleLR. */
HONE_API hone_schedule *hone_lr_one_cycle(hone_optim *optim,
                                          const hone_lr_one_cycle_options *options);

typedef struct {
    double factor;      /**< default 0.1; below 1 */
    double patience;    /**< default 10: more steps without progress than these; HONE_ZERO is 0 */
    double threshold;   /**< default 1e-4: of the best, by which a better one has to differ */
    double min_lr;      /**< default 0 */
    double eps;         /**< default 1e-8: a smaller change is not made */
    int64_t cooldown;   /**< default 0: steps after a change that don't count */
    bool mode_max;      /**< more is better */
    bool threshold_abs; /**< not of the best, but as it is */
    HONE_RESERVE(46);
} hone_lr_plateau_options;
/** Times factor when a metric hasn't got better for long: hone_schedule_step_metric(), say once an
 * epoch with the validation loss. NaN is no progress. The bound is best - |best| threshold (best +
 * of mode_max); of a negative best PyTorch's lies on the other side.
 *  Source:  ReduceLROnPlateau. */
HONE_API hone_schedule *hone_lr_plateau(hone_optim *optim, const hone_lr_plateau_options *options);

/** n schedules one after the other: schedules[i] runs from step milestones[i - 1] on, beginning with
 * its own first rate. Owns them from the call on, also when it fails.
 *  Errors:  as all; HONE_E_VALUE (a plateau or a sequence among them, one of another optimizer's or
 *           given twice, milestones that don't rise).
 *  Source:  SequentialLR. */
HONE_API hone_schedule *hone_lr_sequential(hone_optim *optim, hone_schedule *const *schedules,
                                           const int64_t *milestones, int n);
/** A warm-up: from start_factor (0: 1/3) of the initial rate up in so many steps, then `then`, which
 * it owns, from its beginning. */
HONE_API hone_schedule *hone_lr_warmup(hone_schedule *then, int64_t steps, double start_factor);

/** One by its name, with options as text: ("cosine", optim, "t_max=1000"), ("multistep", optim,
 * "milestones=30,80 gamma=0.5"; up to 8 of them). Errors: as all; HONE_E_VALUE (no such one). */
HONE_API hone_schedule *hone_schedule_by_name(const char *name, hone_optim *optim,
                                              const char *options);
/** How many there are by name, and the name of each; NULL past their end. */
HONE_API int hone_schedule_kinds(void);
HONE_API const char *hone_schedule_kind(int i);

#ifdef __cplusplus
}
#endif
#endif
