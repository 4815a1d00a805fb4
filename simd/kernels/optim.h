/* optim.h: the optimizer steps of kernels.def for f32 and f64, in one pass over the parameters. The
 * formulas stand in kernels.h. (fragment: real_begin.h)
 *
 * A step is a plan, its arguments rounded to the type and spread over the lanes, a function of the
 * lanes, and a kernel that hands both to the loop. */

/* One step of some lanes: p and the states s in place. */
typedef void (*R(step_one))(VREAL *p, VREAL g, VREAL *s, const void *plan);

/* `states`, `reads` and `one` are constants, so that `one` is inlined. */
HONE__INLINE void R(step_lanes)(int64_t i, int64_t count, REAL *p, const REAL *grad,
                                void *const *state, int states, bool reads, R(step_one) one,
                                const void *plan)
{
    VREAL at = R(take)(p + i, count), s[3];
    for (int k = 0; k < states; k++)
        s[k] = reads ? R(take)((const REAL *)state[k] + i, count) : R(set)(0);
    one(&at, R(take)(grad + i, count), s, plan);
    R(put)(p + i, at, count);
    for (int k = 0; k < states; k++)
        R(put)((REAL *)state[k] + i, s[k], count);
}

HONE__INLINE void R(step_all)(int64_t n, REAL *p, const REAL *grad, void *const *state, int states,
                              bool reads, R(step_one) one, const void *plan)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        R(step_lanes)(i, LANES, p, grad, state, states, reads, one, plan);
    if (i < n)
        R(step_lanes)(i, n - i, p, grad, state, states, reads, one, plan);
}

/* What nearly all steps begin with: the gradient's sign, and the decay that is added to it. */
typedef struct {
    VREAL weight_decay;
    bool has_decay, maximize;
} R(step_slope);

HONE__INLINE R(step_slope) R(slope_of)(double weight_decay, bool maximize)
{
    return (R(step_slope)){ R(set)((REAL)weight_decay), weight_decay != 0, maximize };
}

HONE__INLINE VREAL R(step_grad)(VREAL p, VREAL g, const R(step_slope) * slope)
{
    if (slope->maximize)
        g = R(neg)(g);
    return slope->has_decay ? R(fma)(slope->weight_decay, p, g) : g;
}

/* An average that forgets: keep old + (1 - keep) x. */
typedef struct {
    VREAL keep, take;
} R(step_average);

HONE__INLINE R(step_average) R(average_of)(double keep)
{
    return (R(step_average)){ R(set)((REAL)keep), R(set)((REAL)(1 - keep)) };
}

HONE__INLINE VREAL R(step_mean)(VREAL old, VREAL x, const R(step_average) * a)
{
    return R(fma)(a->keep, old, R(mul)(a->take, x));
}

HONE__INLINE VREAL R(step_square)(VREAL old, VREAL x, const R(step_average) * a)
{
    return R(fma)(a->keep, old, R(mul)(R(mul)(a->take, x), x));
}

/* ---- SGD */

typedef struct {
    R(step_slope) slope;
    VREAL lr, momentum, undamped;
    bool has_momentum, nesterov, first;
} R(sgd_plan);

HONE__INLINE void R(sgd_one)(VREAL *p, VREAL g, VREAL *s, const void *planv)
{
    const R(sgd_plan) *plan = planv;
    g = R(step_grad)(*p, g, &plan->slope);
    if (plan->has_momentum) {
        s[0] = plan->first ? g : R(fma)(plan->momentum, s[0], R(mul)(plan->undamped, g));
        g = plan->nesterov ? R(fma)(plan->momentum, s[0], g) : s[0];
    }
    *p = R(sub)(*p, R(mul)(plan->lr, g));
}

static void R(k_sgd)(int64_t n, void *p, const void *grad, void *const *state, const void *argsv)
{
    const hone__sgd_args *args = argsv;
    const R(sgd_plan) plan = {
        .slope = R(slope_of)(args->weight_decay, args->maximize),
        .lr = R(set)((REAL)args->lr),
        .momentum = R(set)((REAL)args->momentum),
        .undamped = R(set)((REAL)(1 - args->dampening)),
        .has_momentum = args->momentum != 0,
        .nesterov = args->nesterov,
        .first = args->first,
    };
    if (!plan.has_momentum)
        R(step_all)(n, p, grad, state, 0, false, R(sgd_one), &plan);
    else if (plan.first)
        R(step_all)(n, p, grad, state, 1, false, R(sgd_one), &plan);
    else
        R(step_all)(n, p, grad, state, 1, true, R(sgd_one), &plan);
}

/* ---- Adam and its family */

typedef struct {
    R(step_slope) slope;
    R(step_average) mean, square;
    VREAL eps, shrink, root, rate, grad_rate;
    bool shrinks, looks_ahead, plain;
} R(adam_plan);

/* largest: v, or with amsgrad the largest v so far */
HONE__INLINE void R(adam_move)(VREAL *p, VREAL g, VREAL m, VREAL largest, const R(adam_plan) * plan)
{
    VREAL up = R(mul)(plan->rate, m);
    if (plan->looks_ahead)
        up = R(fma)(plan->grad_rate, g, up);
    if (!plan->plain)
        up = R(div)(up, R(fma)(R(sqrt)(largest), plan->root, plan->eps));
    *p = R(sub)(*p, up);
}

HONE__INLINE VREAL R(adam_begin)(VREAL *p, VREAL g, VREAL *s, const R(adam_plan) * plan)
{
    g = R(step_grad)(*p, g, &plan->slope);
    if (plan->shrinks)
        *p = R(mul)(*p, plan->shrink);
    s[0] = R(step_mean)(s[0], g, &plan->mean);
    s[1] = R(step_square)(s[1], g, &plan->square);
    return g;
}

HONE__INLINE void R(adam_one)(VREAL *p, VREAL g, VREAL *s, const void *plan)
{
    g = R(adam_begin)(p, g, s, plan);
    R(adam_move)(p, g, s[0], s[1], plan);
}

HONE__INLINE void R(amsgrad_one)(VREAL *p, VREAL g, VREAL *s, const void *plan)
{
    g = R(adam_begin)(p, g, s, plan);
    s[2] = R(max)(s[2], s[1]);
    R(adam_move)(p, g, s[0], s[2], plan);
}

static void R(k_adam)(int64_t n, void *p, const void *grad, void *const *state, const void *argsv)
{
    const hone__adam_args *args = argsv;
    const R(adam_plan) plan = {
        .slope = R(slope_of)(args->weight_decay, args->maximize),
        .mean = R(average_of)(args->beta1),
        .square = R(average_of)(args->beta2),
        .eps = R(set)((REAL)args->eps),
        .shrink = R(set)((REAL)args->shrink),
        .root = R(set)((REAL)args->root),
        .rate = R(set)((REAL)args->rate),
        .grad_rate = R(set)((REAL)args->grad_rate),
        .shrinks = args->shrink != 1,
        .looks_ahead = args->grad_rate != 0,
        .plain = args->plain,
    };
    if (args->amsgrad)
        R(step_all)(n, p, grad, state, 3, true, R(amsgrad_one), &plan);
    else
        R(step_all)(n, p, grad, state, 2, true, R(adam_one), &plan);
}

/* ---- Adamax */

typedef struct {
    R(step_slope) slope;
    R(step_average) mean;
    VREAL beta2, eps, rate;
} R(adamax_plan);

HONE__INLINE void R(adamax_one)(VREAL *p, VREAL g, VREAL *s, const void *planv)
{
    const R(adamax_plan) *plan = planv;
    g = R(step_grad)(*p, g, &plan->slope);
    s[0] = R(step_mean)(s[0], g, &plan->mean);
    s[1] = R(max)(R(mul)(plan->beta2, s[1]), R(add)(R(abs)(g), plan->eps));
    *p = R(sub)(*p, R(div)(R(mul)(plan->rate, s[0]), s[1]));
}

static void R(k_adamax)(int64_t n, void *p, const void *grad, void *const *state, const void *argsv)
{
    const hone__adamax_args *args = argsv;
    const R(adamax_plan) plan = { .slope = R(slope_of)(args->weight_decay, args->maximize),
                                  .mean = R(average_of)(args->beta1),
                                  .beta2 = R(set)((REAL)args->beta2),
                                  .eps = R(set)((REAL)args->eps),
                                  .rate = R(set)((REAL)args->rate) };
    R(step_all)(n, p, grad, state, 2, true, R(adamax_one), &plan);
}

/* ---- RMSprop */

typedef struct {
    R(step_slope) slope;
    R(step_average) average;
    VREAL lr, eps, momentum;
} R(rmsprop_plan);

/* s: square_avg, momentum_buffer and grad_avg where they are; momentum, centered: constants */
HONE__INLINE void R(rmsprop_lanes)(VREAL *p, VREAL g, VREAL *s, const R(rmsprop_plan) * plan,
                                   bool momentum, bool centered)
{
    g = R(step_grad)(*p, g, &plan->slope);
    s[0] = R(step_square)(s[0], g, &plan->average);
    VREAL variance = s[0];
    if (centered) {
        VREAL *mean = s + 1 + momentum;
        *mean = R(step_mean)(*mean, g, &plan->average);
        variance = R(max)(R(fnma)(*mean, *mean, variance), R(set)(0));
    }
    const VREAL deviation = R(add)(R(sqrt)(variance), plan->eps);
    if (momentum) {
        s[1] = R(fma)(plan->momentum, s[1], R(div)(g, deviation));
        *p = R(sub)(*p, R(mul)(plan->lr, s[1]));
    } else {
        *p = R(sub)(*p, R(div)(R(mul)(plan->lr, g), deviation));
    }
}

HONE__INLINE void R(rmsprop_one)(VREAL *p, VREAL g, VREAL *s, const void *plan)
{
    R(rmsprop_lanes)(p, g, s, plan, false, false);
}

HONE__INLINE void R(rmsprop_momentum_one)(VREAL *p, VREAL g, VREAL *s, const void *plan)
{
    R(rmsprop_lanes)(p, g, s, plan, true, false);
}

HONE__INLINE void R(rmsprop_centered_one)(VREAL *p, VREAL g, VREAL *s, const void *plan)
{
    R(rmsprop_lanes)(p, g, s, plan, false, true);
}

HONE__INLINE void R(rmsprop_both_one)(VREAL *p, VREAL g, VREAL *s, const void *plan)
{
    R(rmsprop_lanes)(p, g, s, plan, true, true);
}

static void R(k_rmsprop)(int64_t n, void *p, const void *grad, void *const *state,
                         const void *argsv)
{
    const hone__rmsprop_args *args = argsv;
    const R(rmsprop_plan) plan = { .slope = R(slope_of)(args->weight_decay, args->maximize),
                                   .average = R(average_of)(args->alpha),
                                   .lr = R(set)((REAL)args->lr),
                                   .eps = R(set)((REAL)args->eps),
                                   .momentum = R(set)((REAL)args->momentum) };
    const bool momentum = args->momentum != 0;
    if (momentum && args->centered)
        R(step_all)(n, p, grad, state, 3, true, R(rmsprop_both_one), &plan);
    else if (momentum)
        R(step_all)(n, p, grad, state, 2, true, R(rmsprop_momentum_one), &plan);
    else if (args->centered)
        R(step_all)(n, p, grad, state, 2, true, R(rmsprop_centered_one), &plan);
    else
        R(step_all)(n, p, grad, state, 1, true, R(rmsprop_one), &plan);
}

/* ---- Adagrad, Adadelta */

typedef struct {
    R(step_slope) slope;
    VREAL rate, eps;
} R(adagrad_plan);

HONE__INLINE void R(adagrad_one)(VREAL *p, VREAL g, VREAL *s, const void *planv)
{
    const R(adagrad_plan) *plan = planv;
    g = R(step_grad)(*p, g, &plan->slope);
    s[0] = R(fma)(g, g, s[0]);
    *p = R(sub)(*p, R(div)(R(mul)(plan->rate, g), R(add)(R(sqrt)(s[0]), plan->eps)));
}

static void R(k_adagrad)(int64_t n, void *p, const void *grad, void *const *state,
                         const void *argsv)
{
    const hone__adagrad_args *args = argsv;
    const R(adagrad_plan) plan = { .slope = R(slope_of)(args->weight_decay, args->maximize),
                                   .rate = R(set)((REAL)args->rate),
                                   .eps = R(set)((REAL)args->eps) };
    R(step_all)(n, p, grad, state, 1, true, R(adagrad_one), &plan);
}

typedef struct {
    R(step_slope) slope;
    R(step_average) average;
    VREAL lr, eps;
} R(adadelta_plan);

HONE__INLINE void R(adadelta_one)(VREAL *p, VREAL g, VREAL *s, const void *planv)
{
    const R(adadelta_plan) *plan = planv;
    g = R(step_grad)(*p, g, &plan->slope);
    s[0] = R(step_square)(s[0], g, &plan->average);
    const VREAL last = R(sqrt)(R(add)(s[1], plan->eps)), now = R(sqrt)(R(add)(s[0], plan->eps));
    const VREAL delta = R(mul)(R(div)(last, now), g);
    s[1] = R(step_square)(s[1], delta, &plan->average);
    *p = R(sub)(*p, R(mul)(plan->lr, delta));
}

static void R(k_adadelta)(int64_t n, void *p, const void *grad, void *const *state,
                          const void *argsv)
{
    const hone__adadelta_args *args = argsv;
    const R(adadelta_plan) plan = { .slope = R(slope_of)(args->weight_decay, args->maximize),
                                    .average = R(average_of)(args->rho),
                                    .lr = R(set)((REAL)args->lr),
                                    .eps = R(set)((REAL)args->eps) };
    R(step_all)(n, p, grad, state, 2, true, R(adadelta_one), &plan);
}

/* ---- Lion, Muon */

typedef struct {
    R(step_average) ahead, mean;
    VREAL lr, shrink;
    bool maximize;
} R(lion_plan);

HONE__INLINE void R(lion_one)(VREAL *p, VREAL g, VREAL *s, const void *planv)
{
    const R(lion_plan) *plan = planv;
    const VREAL zero = R(set)(0), one = R(set)(1);
    if (plan->maximize)
        g = R(neg)(g);
    const VREAL c = R(step_mean)(s[0], g, &plan->ahead);
    const VREAL down = R(select)(R(lt)(c, zero), R(neg)(one), c); /* 0 and NaN stay */
    const VREAL sign = R(select)(R(gt)(c, zero), one, down);
    s[0] = R(step_mean)(s[0], g, &plan->mean);
    *p = R(sub)(R(mul)(*p, plan->shrink), R(mul)(plan->lr, sign));
}

static void R(k_lion)(int64_t n, void *p, const void *grad, void *const *state, const void *argsv)
{
    const hone__lion_args *args = argsv;
    const R(lion_plan) plan = { .ahead = R(average_of)(args->beta1),
                                .mean = R(average_of)(args->beta2),
                                .lr = R(set)((REAL)args->lr),
                                .shrink = R(set)((REAL)args->shrink),
                                .maximize = args->maximize };
    R(step_all)(n, p, grad, state, 1, true, R(lion_one), &plan);
}

typedef struct {
    R(step_average) mean;
    bool nesterov;
} R(muon_plan);

HONE__INLINE void R(muon_one)(VREAL *p, VREAL g, VREAL *s, const void *planv)
{
    const R(muon_plan) *plan = planv;
    s[0] = R(step_mean)(s[0], g, &plan->mean);
    *p = plan->nesterov ? R(fma)(plan->mean.keep, s[0], R(mul)(plan->mean.take, g)) : s[0];
}

static void R(k_muon)(int64_t n, void *p, const void *grad, void *const *state, const void *argsv)
{
    const hone__muon_args *args = argsv;
    const R(muon_plan) plan = { .mean = R(average_of)(args->momentum), .nesterov = args->nesterov };
    R(step_all)(n, p, grad, state, 1, true, R(muon_one), &plan);
}
