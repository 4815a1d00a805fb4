/* adam.c: Adam and AdamW, which differ in what weight decay is added to. */
#include "loops/scalar.h"
#include "ops/optimize.h"
#include "optim/optim.h"

#include <math.h>

typedef hone_adam_options adam;

#define ADAM_TABLE(decay)                                                                          \
    {                                                                                              \
        HONE__OPTIM_REAL(adam, lr, 0.001, HONE__AT_LEAST_0),                                       \
            HONE__OPTIM_REAL(adam, beta1, 0.9, HONE__BELOW_1),                                     \
            HONE__OPTIM_REAL(adam, beta2, 0.999, HONE__BELOW_1),                                   \
            HONE__OPTIM_REAL(adam, eps, 1e-8, HONE__AT_LEAST_0),                                   \
            HONE__OPTIM_REAL(adam, weight_decay, decay, HONE__AT_LEAST_0),                         \
            HONE__OPTIM_FLAG(adam, amsgrad), HONE__OPTIM_FLAG(adam, maximize), { 0 },              \
    }
static const hone__option adam_table[] = ADAM_TABLE(0), adamw_table[] = ADAM_TABLE(0.01);

static unsigned uses(const void *options)
{
    return ((const adam *)options)->amsgrad ? 7 : 3;
}

static hone_status step(const hone__optim_step *s, bool decoupled)
{
    const adam *o = s->options;
    const double t = (double)s->count;
    return hone__adam_step(
        s->param, s->grad, s->state,
        &(hone__adam_args){ .beta1 = o->beta1,
                            .beta2 = o->beta2,
                            .eps = o->eps,
                            .weight_decay = decoupled ? 0 : o->weight_decay,
                            .shrink = decoupled ? 1 - o->lr * o->weight_decay : 1,
                            .root = 1 / sqrt(1 - hone__scalar_pow(o->beta2, t)),
                            .rate = o->lr / (1 - hone__scalar_pow(o->beta1, t)),
                            .amsgrad = o->amsgrad,
                            .maximize = o->maximize });
}

static hone_status adam_step(const hone__optim_step *s)
{
    return step(s, false);
}

static hone_status adamw_step(const hone__optim_step *s)
{
    return step(s, true);
}

const hone__optim_class hone__optim_adam = {
    .is = HONE__OPTIM_IS("adam", adam_table, adam),
    .slots = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq" },
    .counts = true,
    .uses = uses,
    .step = adam_step,
};

const hone__optim_class hone__optim_adamw = {
    .is = HONE__OPTIM_IS("adamw", adamw_table, adam),
    .slots = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq" },
    .counts = true,
    .uses = uses,
    .step = adamw_step,
};

HONE__OPTIM_ENTRIES(adam, hone_adam_options)
HONE__OPTIM_ENTRIES(adamw, hone_adam_options)
