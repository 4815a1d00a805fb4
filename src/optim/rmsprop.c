/* rmsprop.c: steps over the root of the mean square of the gradients. */
#include "ops/optimize.h"
#include "optim/optim.h"

typedef hone_rmsprop_options rmsprop;

static const hone__option table[] = {
    HONE__OPTIM_REAL(rmsprop, lr, 0.01, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(rmsprop, alpha, 0.99, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(rmsprop, eps, 1e-8, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(rmsprop, weight_decay, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(rmsprop, momentum, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_FLAG(rmsprop, centered),
    HONE__OPTIM_FLAG(rmsprop, maximize),
    { 0 },
};

static unsigned uses(const void *options)
{
    const rmsprop *o = options;
    return 1u | (o->momentum != 0) << 1 | o->centered << 2;
}

static hone_status step(const hone__optim_step *s)
{
    const rmsprop *o = s->options;
    return hone__rmsprop_step(s->param, s->grad, s->state,
                              &(hone__rmsprop_args){ .lr = o->lr,
                                                     .alpha = o->alpha,
                                                     .eps = o->eps,
                                                     .weight_decay = o->weight_decay,
                                                     .momentum = o->momentum,
                                                     .centered = o->centered,
                                                     .maximize = o->maximize });
}

const hone__optim_class hone__optim_rmsprop = {
    .is = HONE__OPTIM_IS("rmsprop", table, rmsprop),
    .slots = { "square_avg", "momentum_buffer", "grad_avg" },
    .counts = true,
    .uses = uses,
    .step = step,
};

HONE__OPTIM_ENTRIES(rmsprop, hone_rmsprop_options)
