/* sgd.c: stochastic gradient descent. */
#include "ops/optimize.h"
#include "optim/optim.h"

typedef hone_sgd_options sgd;

static const hone__option table[] = {
    HONE__OPTIM_REAL(sgd, lr, 0.001, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(sgd, momentum, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(sgd, dampening, 0, HONE__FINITE),
    HONE__OPTIM_REAL(sgd, weight_decay, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_FLAG(sgd, nesterov),
    HONE__OPTIM_FLAG(sgd, maximize),
    { 0 },
};

static unsigned uses(const void *options)
{
    return ((const sgd *)options)->momentum != 0;
}

static bool fits(const void *options)
{
    const sgd *o = options;
    if (!o->nesterov || (o->momentum != 0 && o->dampening == 0))
        return true;
    hone_error_set(HONE_E_VALUE,
                   "sgd: nesterov wants a momentum and no dampening (they are %g and %g)",
                   o->momentum, o->dampening);
    return false;
}

static hone_status step(const hone__optim_step *s)
{
    const sgd *o = s->options;
    return hone__sgd_step(s->param, s->grad, s->state,
                          &(hone__sgd_args){ .lr = o->lr,
                                             .momentum = o->momentum,
                                             .dampening = o->dampening,
                                             .weight_decay = o->weight_decay,
                                             .nesterov = o->nesterov,
                                             .maximize = o->maximize,
                                             .first = s->first });
}

const hone__optim_class hone__optim_sgd = {
    .is = HONE__OPTIM_IS("sgd", table, sgd),
    .slots = { "momentum_buffer" },
    .uses = uses,
    .fits = fits,
    .step = step,
};

HONE__OPTIM_ENTRIES(sgd, hone_sgd_options)
