/* radam.c: Adam whose second moment counts from when its variance is known. */
#include "loops/scalar.h"
#include "ops/optimize.h"
#include "optim/optim.h"

#include <math.h>

typedef hone_radam_options radam;

static const hone__option table[] = {
    HONE__OPTIM_REAL(radam, lr, 0.001, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(radam, beta1, 0.9, HONE__BELOW_1),
    HONE__OPTIM_REAL(radam, beta2, 0.999, HONE__BELOW_1),
    HONE__OPTIM_REAL(radam, eps, 1e-8, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(radam, weight_decay, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_FLAG(radam, decoupled_weight_decay),
    HONE__OPTIM_FLAG(radam, maximize),
    { 0 },
};

static hone_status step(const hone__optim_step *s)
{
    const radam *o = s->options;
    const double t = (double)s->count, power = hone__scalar_pow(o->beta2, t), left = 1 - power;
    const double most = 2 / (1 - o->beta2) - 1, length = most - 2 * t * power / left;
    const bool plain = !(length > 5);
    const double rate = o->lr / (1 - hone__scalar_pow(o->beta1, t)), decay = o->weight_decay;
    const double rectified =
        plain ? 1
              : sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) *
                    sqrt(left);
    return hone__adam_step(s->param, s->grad, s->state,
                           &(hone__adam_args){
                               .beta1 = o->beta1,
                               .beta2 = o->beta2,
                               .eps = o->eps,
                               .weight_decay = o->decoupled_weight_decay ? 0 : decay,
                               .shrink = o->decoupled_weight_decay ? 1 - o->lr * decay : 1,
                               .root = 1,
                               .rate = rate * rectified,
                               .maximize = o->maximize,
                               .plain = plain,
                           });
}

const hone__optim_class hone__optim_radam = {
    .is = HONE__OPTIM_IS("radam", table, radam),
    .slots = { "exp_avg", "exp_avg_sq" },
    .counts = true,
    .step = step,
};

HONE__OPTIM_ENTRIES(radam, hone_radam_options)
