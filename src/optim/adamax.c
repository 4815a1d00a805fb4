/* adamax.c: Adam by the infinity norm. */
#include "loops/scalar.h"
#include "ops/optimize.h"
#include "optim/optim.h"

typedef hone_adamax_options adamax;

static const hone__option table[] = {
    HONE__OPTIM_REAL(adamax, lr, 0.002, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(adamax, beta1, 0.9, HONE__BELOW_1),
    HONE__OPTIM_REAL(adamax, beta2, 0.999, HONE__BELOW_1),
    HONE__OPTIM_REAL(adamax, eps, 1e-8, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(adamax, weight_decay, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_FLAG(adamax, maximize),
    { 0 },
};

static hone_status step(const hone__optim_step *s)
{
    const adamax *o = s->options;
    const double left = 1 - hone__scalar_pow(o->beta1, (double)s->count);
    return hone__adamax_step(s->param, s->grad, s->state,
                             &(hone__adamax_args){ .beta1 = o->beta1,
                                                   .beta2 = o->beta2,
                                                   .eps = o->eps,
                                                   .weight_decay = o->weight_decay,
                                                   .rate = o->lr / left,
                                                   .maximize = o->maximize });
}

const hone__optim_class hone__optim_adamax = {
    .is = HONE__OPTIM_IS("adamax", table, adamax),
    .slots = { "exp_avg", "exp_inf" },
    .counts = true,
    .step = step,
};

HONE__OPTIM_ENTRIES(adamax, hone_adamax_options)
