/* sgd.c: stochastic gradient descent. */
#include "core/core.h"
#include "core/reserve.h"
#include "ops/optimize.h"
#include "optim/optim.h"
#include "runtime/memory.h"

#include <stddef.h>

typedef struct {
    hone_optim base;
    double momentum, dampening, weight_decay;
    bool nesterov;
    hone_tensor **buffers; /* one a parameter, NULL until it is needed */
    bool *started;         /* one a parameter: its buffer holds something */
    hone_tensor **grads;   /* one a parameter, of the step that runs */
} sgd;

/* All memory is taken before the first parameter changes, so that a step is done whole or not. */
static bool take_memory(sgd *s)
{
    for (int i = 0; i < s->base.n; i++) {
        hone_tensor *p = s->base.params[i];
        if (!hone__optim_grad(p, &s->grads[i]))
            return false;
        if (s->momentum == 0 || s->buffers[i] || !s->grads[i])
            continue;
        s->buffers[i] = hone__new("sgd", hone_dtype_of(p), p->ndim, p->shape);
        if (!s->buffers[i])
            return false;
    }
    return true;
}

static hone_status sgd_step(hone_optim *optim)
{
    sgd *s = (sgd *)optim;
    const bool moves_on = s->momentum != 0;
    if (!take_memory(s))
        return hone__error_last();
    for (int i = 0; i < optim->n; i++) {
        hone_tensor *grad = s->grads[i];
        if (!grad)
            continue;
        const hone_status status =
            hone__sgd_step(optim->params[i], grad, &s->buffers[i],
                           &(hone__sgd_args){ .lr = optim->lr,
                                              .momentum = s->momentum,
                                              .dampening = s->dampening,
                                              .weight_decay = s->weight_decay,
                                              .nesterov = s->nesterov,
                                              .first = !s->started[i] });
        if (status != HONE_OK)
            return status;
        s->started[i] |= moves_on;
    }
    return HONE_OK;
}

static void sgd_destroy(hone_optim *optim)
{
    sgd *s = (sgd *)optim;
    for (int i = 0; s->buffers && i < optim->n; i++)
        hone_release(s->buffers[i]);
    hone__free(s->buffers);
    hone__free(s->started);
    hone__free(s->grads);
}

static bool sgd_fits(const hone_optim *optim)
{
    const sgd *s = (const sgd *)optim;
    if (!hone__option_fits("sgd", "lr", optim->lr) ||
        !hone__option_fits("sgd", "momentum", s->momentum) ||
        !hone__option_fits("sgd", "weight_decay", s->weight_decay))
        return false;
    if (!(s->dampening - s->dampening == 0)) {
        hone_error_set(HONE_E_VALUE, "sgd: dampening %g (a number is wanted)", s->dampening);
        return false;
    }
    if (s->nesterov && (s->momentum == 0 || s->dampening != 0)) {
        hone_error_set(HONE_E_VALUE,
                       "sgd: nesterov wants a momentum and no dampening (they are %g "
                       "and %g)",
                       s->momentum, s->dampening);
        return false;
    }
    return true;
}

static const hone__optim_class sgd_class = {
    .name = "sgd",
    .size = sizeof(sgd),
    .step = sgd_step,
    .destroy = sgd_destroy,
    .fits = sgd_fits,
    .numbers = { offsetof(sgd, base.lr), offsetof(sgd, momentum), offsetof(sgd, weight_decay) },
};

hone_optim *hone_sgd_list(hone_tensor_list parameters, const hone_sgd_options *options)
{
    const hone_sgd_options o = options ? *options : (hone_sgd_options){ 0 };
    const sgd wanted = {
        .base.lr = hone__option(o.lr, 0.001),
        .momentum = hone__option(o.momentum, 0),
        .dampening = hone__option(o.dampening, 0),
        .weight_decay = hone__option(o.weight_decay, 0),
        .nesterov = o.nesterov,
    };
    if (!HONE__KNOWS_OPTIONS("sgd", options) || !sgd_fits(&wanted.base))
        return NULL;
    sgd *s = hone__optim_new(&sgd_class, parameters, wanted.base.lr);
    if (!s)
        return NULL;
    s->momentum = wanted.momentum;
    s->dampening = wanted.dampening;
    s->weight_decay = wanted.weight_decay;
    s->nesterov = wanted.nesterov;
    s->grads = hone__calloc(hone__bytes(s->base.n, sizeof *s->grads));
    s->buffers = hone__calloc(hone__bytes(s->base.n, sizeof *s->buffers));
    s->started = hone__calloc(hone__bytes(s->base.n, sizeof *s->started));
    if (!s->grads || !s->buffers || !s->started) {
        hone_optim_free(&s->base);
        return NULL;
    }
    return &s->base;
}

hone_optim *hone_sgd(hone_module *module, const hone_sgd_options *options)
{
    HONE_SCOPE();
    if (!module) {
        hone__error_missing("sgd", "a module");
        return NULL;
    }
    return hone_sgd_list(hone_parameters(module), options);
}
