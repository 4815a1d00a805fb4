/* nadam.c: Adam with Nesterov momentum. */
#include "loops/scalar.h"
#include "ops/optimize.h"
#include "optim/optim.h"

#include <math.h>

typedef hone_nadam_options nadam;

static const hone__option table[] = {
    HONE__OPTIM_REAL(nadam, lr, 0.002, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(nadam, beta1, 0.9, HONE__BELOW_1),
    HONE__OPTIM_REAL(nadam, beta2, 0.999, HONE__BELOW_1),
    HONE__OPTIM_REAL(nadam, eps, 1e-8, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(nadam, weight_decay, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(nadam, momentum_decay, 0.004, HONE__AT_LEAST_0),
    HONE__OPTIM_FLAG(nadam, decoupled_weight_decay),
    HONE__OPTIM_FLAG(nadam, maximize),
    { 0 },
};

/* The momentum of step t. */
static double momentum(const nadam *o, double t)
{
    return o->beta1 * (1 - 0.5 * hone__scalar_pow(0.96, t * o->momentum_decay));
}

static hone_status step(const hone__optim_step *s)
{
    const nadam *o = s->options;
    const double t = (double)s->count, now = momentum(o, t), next = momentum(o, t + 1);
    const double product = *s->number *= now;
    const double decay = o->weight_decay;
    return hone__adam_step(s->param, s->grad, s->state,
                           &(hone__adam_args){
                               .beta1 = o->beta1,
                               .beta2 = o->beta2,
                               .eps = o->eps,
                               .weight_decay = o->decoupled_weight_decay ? 0 : decay,
                               .shrink = o->decoupled_weight_decay ? 1 - o->lr * decay : 1,
                               .root = 1 / sqrt(1 - hone__scalar_pow(o->beta2, t)),
                               .rate = o->lr * next / (1 - product * next),
                               .grad_rate = o->lr * (1 - now) / (1 - product),
                               .maximize = o->maximize,
                           });
}

const hone__optim_class hone__optim_nadam = {
    .is = HONE__OPTIM_IS("nadam", table, nadam),
    .slots = { "exp_avg", "exp_avg_sq" },
    .number = "mu_product",
    .counts = true,
    .step = step,
};

HONE__OPTIM_ENTRIES(nadam, hone_nadam_options)
