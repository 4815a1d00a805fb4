/* optim.c: what all optimizers do alike. */
#include "optim/optim.h"
#include "autograd/leaf.h"
#include "core/core.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <math.h>

bool hone__option_fits(const char *optimizer, const char *option, double value)
{
    if (isfinite(value) && value >= 0)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %s %g (0 or more is wanted)", optimizer, option, value);
    return false;
}

static bool params_fit(const char *name, hone_tensor_list params)
{
    if (!params.at) {
        hone__error_null(name);
        return false;
    }
    if (params.n < 1) {
        hone_error_set(HONE_E_VALUE, "%s: there are no parameters", name);
        return false;
    }
    for (int i = 0; i < params.n; i++) {
        hone_tensor *p = params.at[i];
        if (!hone__needs_tensor(name, p))
            return false;
        if (!hone_dtype_is_float(hone_dtype_of(p))) {
            hone_error_set(HONE_E_DTYPE, "%s: parameter %d is %s (f32 or f64 is wanted)", name, i,
                           hone__tensor_text(p).s);
            return false;
        }
        if (!hone_is_leaf(p) || !hone_requires_grad(p)) {
            hone_error_set(HONE_E_STATE, "%s: parameter %d, %s, %s", name, i,
                           hone__tensor_text(p).s,
                           hone_is_leaf(p) ? "requires no gradient" : "was computed from others");
            return false;
        }
    }
    return true;
}

void *hone__optim_new(const hone__optim_class *type, hone_tensor_list params, double lr)
{
    if (!params_fit(type->name, params))
        return NULL;
    hone_optim *optim = hone__calloc(type->size);
    if (!optim)
        return NULL;
    optim->type = type;
    optim->lr = lr;
    optim->params = hone__malloc(hone__bytes(params.n, sizeof *optim->params));
    if (!optim->params) {
        hone__free(optim);
        return NULL;
    }
    optim->n = params.n;
    for (int i = 0; i < params.n; i++)
        optim->params[i] = hone_retain(params.at[i]);
    return optim;
}

void hone_optim_free(hone_optim *optim)
{
    if (!optim)
        return;
    optim->type->destroy(optim);
    for (int i = 0; i < optim->n; i++)
        hone_release(optim->params[i]);
    hone__free(optim->params);
    hone__free(optim);
}

hone_status hone_optim_step(hone_optim *optim)
{
    if (!optim)
        return hone__error_missing("optim_step", "an optimizer");
    HONE_SCOPE();
    HONE_NO_GRAD();
    return optim->type->step(optim);
}

hone_status hone_optim_zero_grad(hone_optim *optim)
{
    if (!optim)
        return hone__error_missing("optim_zero_grad", "an optimizer");
    HONE_NO_GRAD();
    for (int i = 0; i < optim->n; i++)
        if (!hone__leaf_zero(optim->params[i]))
            return hone_error_code();
    return HONE_OK;
}

double hone_optim_lr(const hone_optim *optim)
{
    if (!optim) {
        hone__error_missing("optim_lr", "an optimizer");
        return NAN;
    }
    return optim->lr;
}

hone_status hone_optim_set_lr(hone_optim *optim, double lr)
{
    if (!optim)
        return hone__error_missing("optim_set_lr", "an optimizer");
    if (!hone__option_fits(optim->type->name, "lr", lr))
        return HONE_E_VALUE;
    optim->lr = lr;
    return HONE_OK;
}
