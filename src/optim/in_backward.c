/* in_backward.c: parameters that are stepped as soon as their gradient is complete, within the walk
 * (autograd/update.h). */
#include "autograd/update.h"
#include "core/core.h"
#include "optim/optim.h"
#include "runtime/watch.h"

#include <hone/autocast.h>
#include <hone/autograd.h>

static hone__optim_param *param_of(hone_optim *optim, const hone_tensor *leaf)
{
    hone__optim_param *p = optim->params;
    while (p->param != leaf)
        p++;
    return p;
}

/* The gradient's memory goes to those that come next. */
static hone_status step(hone_tensor *leaf, void *user)
{
    HONE_AUTOCAST(HONE_F32); /* as behind the backward: Muon's products */
    hone_optim *optim = user;
    const char *name = optim->type->is.name;
    hone__span_mark mark;
    hone__span_begin(&mark, HONE__SPAN_UPDATE, name);
    hone_status status = hone__optim_step_one(optim, param_of(optim, leaf));
    hone__span_end(&mark, HONE__SPAN_UPDATE, name);
    return status == HONE_OK ? hone_set_grad(leaf, HONE_NONE) : status;
}

static hone_status tie(hone_optim *optim)
{
    for (int i = 0; i < optim->n; i++) {
        hone__optim_param *p = &optim->params[i];
        p->update = hone__update_set("optim_in_backward", p->param, step, optim);
        if (!p->update)
            return hone__error_last();
    }
    return HONE_OK;
}

void hone__optim_untie(hone_optim *optim)
{
    for (int i = 0; i < optim->n; i++) {
        if (optim->params[i].update)
            hone__update_unset(optim->params[i].param, optim->params[i].update);
        optim->params[i].update = 0;
    }
    optim->in_backward = false;
}

hone_status hone_optim_in_backward(hone_optim *optim, bool on)
{
    if (!optim)
        return hone__error_missing("optim_in_backward", "an optimizer");
    if (!on || optim->in_backward) {
        if (!on)
            hone__optim_untie(optim);
        return HONE_OK;
    }
    const hone_status status = tie(optim);
    if (status != HONE_OK)
        hone__optim_untie(optim);
    optim->in_backward = status == HONE_OK;
    return status;
}
