/* adadelta.c: steps in the proportion of the last steps to the last gradients. */
#include "ops/optimize.h"
#include "optim/optim.h"

typedef hone_adadelta_options adadelta;

static const hone__option table[] = {
    HONE__OPTIM_REAL(adadelta, lr, 1, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(adadelta, rho, 0.9, HONE__UP_TO_1),
    HONE__OPTIM_REAL(adadelta, eps, 1e-6, HONE__AT_LEAST_0),
    HONE__OPTIM_REAL(adadelta, weight_decay, 0, HONE__AT_LEAST_0),
    HONE__OPTIM_FLAG(adadelta, maximize),
    { 0 },
};

static hone_status step(const hone__optim_step *s)
{
    const adadelta *o = s->options;
    return hone__adadelta_step(s->param, s->grad, s->state,
                               &(hone__adadelta_args){ .lr = o->lr,
                                                       .rho = o->rho,
                                                       .eps = o->eps,
                                                       .weight_decay = o->weight_decay,
                                                       .maximize = o->maximize });
}

const hone__optim_class hone__optim_adadelta = {
    .is = HONE__OPTIM_IS("adadelta", table, adadelta),
    .slots = { "square_avg", "acc_delta" },
    .counts = true,
    .step = step,
};

HONE__OPTIM_ENTRIES(adadelta, hone_adadelta_options)
