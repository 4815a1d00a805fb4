/* optim.h: the optimizer steps of kernels.def for f32 and f64, in one pass over the parameters.
 * (fragment: real_begin.h) */

/* The arguments, rounded to the type and spread over the lanes. */
typedef struct {
    VREAL lr, momentum, undamped, weight_decay;
    bool has_momentum, has_decay, nesterov, maximize, first;
} R(sgd_plan);

HONE__INLINE VREAL R(sgd_one)(VREAL p, VREAL g, VREAL *buf, const R(sgd_plan) * plan)
{
    if (plan->maximize)
        g = R(neg)(g);
    if (plan->has_decay)
        g = R(fma)(plan->weight_decay, p, g);
    if (plan->has_momentum) {
        *buf = plan->first ? g : R(fma)(plan->momentum, *buf, R(mul)(plan->undamped, g));
        g = plan->nesterov ? R(fma)(plan->momentum, *buf, g) : *buf;
    }
    return R(sub)(p, R(mul)(plan->lr, g));
}

static void R(k_sgd)(int64_t n, void *pv, const void *gradv, void *const *state, const void *argsv)
{
    const hone__sgd_args *args = argsv;
    REAL *p = pv, *buf = args->momentum != 0 ? state[0] : NULL;
    const REAL *grad = gradv;
    const R(sgd_plan) plan = {
        .lr = R(set)((REAL)args->lr),
        .momentum = R(set)((REAL)args->momentum),
        .undamped = R(set)((REAL)(1 - args->dampening)),
        .weight_decay = R(set)((REAL)args->weight_decay),
        .has_momentum = args->momentum != 0,
        .has_decay = args->weight_decay != 0,
        .nesterov = args->nesterov,
        .maximize = args->maximize,
        .first = args->first,
    };
    const VREAL zero = R(set)(0);
    const bool reads = plan.has_momentum && !plan.first;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        VREAL b = reads ? R(load)(buf + i) : zero;
        R(store)(p + i, R(sgd_one)(R(load)(p + i), R(load)(grad + i), &b, &plan));
        if (plan.has_momentum)
            R(store)(buf + i, b);
    }
    if (i < n) {
        VREAL b = reads ? R(load_n)(buf + i, n - i, zero) : zero;
        const VREAL old = R(load_n)(p + i, n - i, zero), g = R(load_n)(grad + i, n - i, zero);
        R(store_n)(p + i, R(sgd_one)(old, g, &b, &plan), n - i);
        if (plan.has_momentum)
            R(store_n)(buf + i, b, n - i);
    }
}
