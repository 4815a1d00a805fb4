/* optim.c: what all optimizers do alike. */
#include "optim/optim.h"
#include "autograd/leaf.h"
#include "core/core.h"
#include "core/reserve.h"
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
    bool trained = false;
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
        if (!hone_is_leaf(p)) {
            hone_error_set(HONE_E_STATE, "%s: parameter %d, %s, was computed from others", name, i,
                           hone__tensor_text(p).s);
            return false;
        }
        trained |= p->requires_grad;
    }
    if (!trained)
        hone_error_set(HONE_E_STATE, "%s: none of the parameters (%d) requires a gradient", name,
                       params.n);
    return trained;
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
    if (optim->type->destroy)
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

bool hone__optim_grad(hone_tensor *param, hone_tensor **grad)
{
    *grad = NULL;
    return !param->requires_grad ||
           (hone__leaf_is_whole("optim_step", param) && hone__leaf_grad(param, grad));
}

hone_status hone_optim_zero_grad(hone_optim *optim)
{
    return hone_optim_zero_grad_with(optim, NULL);
}

hone_status hone_optim_zero_grad_with(hone_optim *optim, const hone_zero_grad_options *options)
{
    if (!optim)
        return hone__error_missing("optim_zero_grad", "an optimizer");
    if (!HONE__KNOWS_OPTIONS("optim_zero_grad", options))
        return hone__error_last();
    HONE_NO_GRAD();
    for (int i = 0; i < optim->n; i++)
        if (!hone__leaf_reset(optim->params[i], options && options->set_to_none))
            return hone__error_last();
    return HONE_OK;
}

/* ---- numbers ------------------------------------------------------------------------------ */

static const char *const number_names[HONE__NUMBERS] = { "lr", "momentum", "weight_decay" };

/* NULL and an error, in the name of the getter or setter, if there is none. */
static double *number_of(const hone_optim *optim, hone__number which, const char *prefix)
{
    char where[48];
    hone__format(where, sizeof where, "%s_%s", prefix, number_names[which]);
    if (!optim) {
        hone__error_missing(where, "an optimizer");
        return NULL;
    }
    const size_t at = optim->type->numbers[which];
    if (at == 0)
        hone_error_set(HONE_E_VALUE, "%s: %s has no such number", where, optim->type->name);
    return at > 0 ? (double *)((char *)(uintptr_t)optim + at) : NULL;
}

static double get(const hone_optim *optim, hone__number which)
{
    const double *number = number_of(optim, which, "optim");
    return number ? *number : NAN;
}

static hone_status set(hone_optim *optim, hone__number which, double value)
{
    double *number = number_of(optim, which, "optim_set");
    if (!number)
        return optim ? HONE_E_VALUE : HONE_E_NULL;
    const double before = *number;
    *number = value;
    if (optim->type->fits(optim))
        return HONE_OK;
    *number = before;
    return HONE_E_VALUE;
}

double hone_optim_lr(const hone_optim *optim)
{
    return get(optim, HONE__LR);
}

hone_status hone_optim_set_lr(hone_optim *optim, double lr)
{
    return set(optim, HONE__LR, lr);
}

double hone_optim_momentum(const hone_optim *optim)
{
    return get(optim, HONE__MOMENTUM);
}

hone_status hone_optim_set_momentum(hone_optim *optim, double momentum)
{
    return set(optim, HONE__MOMENTUM, momentum);
}

double hone_optim_weight_decay(const hone_optim *optim)
{
    return get(optim, HONE__WEIGHT_DECAY);
}

hone_status hone_optim_set_weight_decay(hone_optim *optim, double weight_decay)
{
    return set(optim, HONE__WEIGHT_DECAY, weight_decay);
}
