/* lion.c: steps of one length, by the sign of a momentum. */
#include "ops/optimize.h"
#include "optim/optim.h"

typedef hone_lion_options lion;

static const hone__option table[] = {
    HONE__OPTIM_REAL(lion, lr, 1e-4, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(lion, beta1, 0.9, HONE__BELOW_1),
    HONE__OPTIM_REAL(lion, beta2, 0.99, HONE__BELOW_1),
    HONE__OPTIM_REAL(lion, weight_decay, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_FLAG(lion, maximize),
    { 0 },
};

static hone_status step(const hone__optim_step *s)
{
    const lion *o = s->options;
    return hone__lion_step(s->param, s->grad, s->state,
                           &(hone__lion_args){ .lr = o->lr,
                                               .beta1 = o->beta1,
                                               .beta2 = o->beta2,
                                               .shrink = 1 - o->lr * o->weight_decay,
                                               .maximize = o->maximize });
}

const hone__optim_class hone__optim_lion = {
    .is = HONE__OPTIM_IS("lion", table, lion),
    .slots = { "exp_avg" },
    .step = step,
};

HONE__OPTIM_ENTRIES(lion, hone_lion_options)
