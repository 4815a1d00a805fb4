/* adagrad.c: steps over the root of the sum of all squared gradients. */
#include "ops/optimize.h"
#include "optim/optim.h"

typedef hone_adagrad_options adagrad;

static const hone__option table[] = {
    HONE__OPTIM_REAL(adagrad, lr, 0.01, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(adagrad, lr_decay, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(adagrad, weight_decay, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(adagrad, initial_accumulator_value, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(adagrad, eps, 1e-10, HONE__AT_LEAST_0),
    HONE__OPTIM_FLAG(adagrad, maximize),
    { 0 },
};

static double initial(const void *options)
{
    return ((const adagrad *)options)->initial_accumulator_value;
}

static hone_status step(const hone__optim_step *s)
{
    const adagrad *o = s->options;
    const double slower = 1 + (double)(s->count - 1) * o->lr_decay;
    return hone__adagrad_step(s->param, s->grad, s->state,
                              &(hone__adagrad_args){ .rate = o->lr / slower,
                                                     .eps = o->eps,
                                                     .weight_decay = o->weight_decay,
                                                     .maximize = o->maximize });
}

const hone__optim_class hone__optim_adagrad = {
    .is = HONE__OPTIM_IS("adagrad", table, adagrad),
    .slots = { "sum" },
    .initial = initial,
    .counts = true,
    .step = step,
};

HONE__OPTIM_ENTRIES(adagrad, hone_adagrad_options)
