/* optim.c: what all optimizers do alike: their making, their step, their end. */
#include "optim/optim.h"
#include "autograd/leaf.h"
#include "core/core.h"
#include "loops/elementwise.h"
#include "op/options.h"
#include "runtime/memory.h"
#include "runtime/watch.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <math.h>
#include <string.h>

/* ---- parameters */

static bool param_fits(const hone__optim_class *type, hone_tensor *p, int i)
{
    const char *name = type->is.name;
    if (!hone__needs_tensor(name, p))
        return false;
    if (!hone_dtype_is_float(hone_dtype_of(p))) {
        hone_error_set(HONE_E_DTYPE, "%s: parameter %d is %s (a float is wanted)", name, i,
                       hone__tensor_text(p).s);
        return false;
    }
    if (!hone_is_leaf(p)) {
        hone_error_set(HONE_E_STATE, "%s: parameter %d, %s, was computed from others", name, i,
                       hone__tensor_text(p).s);
        return false;
    }
    return !type->takes || type->takes(p, i);
}

static bool params_fit(const hone__optim_class *type, hone_tensor_list params)
{
    const char *name = type->is.name;
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
        if (!param_fits(type, params.at[i], i))
            return false;
        trained |= params.at[i]->requires_grad;
    }
    if (!trained)
        hone_error_set(HONE_E_STATE, "%s: none of the parameters (%d) requires a gradient", name,
                       params.n);
    return trained;
}

bool hone__optim_fits(const hone__optim_class *type, const void *plain)
{
    return !type->fits || type->fits(plain);
}

/* Room for more parameters and one more group; what is there stays where it is on failure. */
static bool make_room(hone_optim *optim, int more)
{
    const int64_t n = (int64_t)optim->n + more;
    hone__optim_param *params = hone__realloc(optim->params, hone__bytes(n, sizeof *optim->params));
    if (!params)
        return false;
    optim->params = params;
    void **groups =
        hone__realloc(optim->groups, hone__bytes((int64_t)optim->n_groups + 1, sizeof *groups));
    if (!groups)
        return false;
    optim->groups = groups;
    double *initial_lr = hone__realloc(
        optim->initial_lr, hone__bytes((int64_t)optim->n_groups + 1, sizeof *initial_lr));
    if (initial_lr)
        optim->initial_lr = initial_lr;
    return initial_lr != NULL;
}

bool hone__optim_add(hone_optim *optim, hone_tensor_list params, const void *plain)
{
    const size_t bytes = optim->type->is.options_bytes;
    if (!params_fit(optim->type, params) || !make_room(optim, params.n))
        return false;
    void *options = hone__malloc(bytes);
    if (!options)
        return false;
    optim->groups[optim->n_groups] = memcpy(options, plain, bytes);
    optim->initial_lr[optim->n_groups] = NAN;
    for (int i = 0; i < params.n; i++)
        optim->params[optim->n++] = (hone__optim_param){ .param = hone_retain(params.at[i]),
                                                         .group = optim->n_groups,
                                                         .number = 1 };
    optim->n_groups++;
    return true;
}

/* ---- making and freeing */

hone_optim *hone__optim_new_plain(const hone__optim_class *type, hone_tensor_list params,
                                  const void *plain)
{
    const size_t bytes = type->is.options_bytes;
    hone_optim *optim = hone__calloc(sizeof *optim);
    if (!optim)
        return NULL;
    optim->type = type;
    optim->initial = hone__malloc(bytes);
    if (optim->initial && hone__optim_add(optim, params, memcpy(optim->initial, plain, bytes)))
        return optim;
    hone_optim_free(optim);
    return NULL;
}

hone_optim *hone__optim_new(const hone__optim_class *type, hone_tensor_list params,
                            const void *options)
{
    hone__optim_options plain;
    HONE_ASSERT(type->is.options_bytes <= sizeof plain);
    return hone__options_resolve(&type->is, options, &plain) && hone__optim_fits(type, &plain)
               ? hone__optim_new_plain(type, params, &plain)
               : NULL;
}

hone_optim *hone__optim_of(const hone__optim_class *type, hone_module *module, const void *options)
{
    HONE_SCOPE();
    if (!module) {
        hone__error_missing(type->is.name, "a module");
        return NULL;
    }
    return hone__optim_new(type, hone_parameters(module), options);
}

void hone_optim_free(hone_optim *optim)
{
    if (!optim)
        return;
    hone__optim_untie(optim);
    for (int i = 0; i < optim->n; i++) {
        hone_release(optim->params[i].param);
        for (int k = 0; k < HONE__OPTIM_SLOTS; k++)
            hone_release(optim->params[i].slot[k]);
    }
    for (int i = 0; i < optim->n_groups; i++)
        hone__free(optim->groups[i]);
    hone__free(optim->groups);
    hone__free(optim->initial);
    hone__free(optim->initial_lr);
    hone__free(optim->params);
    hone__free(optim);
}

/* ---- a step */

unsigned hone__optim_uses(const hone_optim *optim, const hone__optim_param *p)
{
    const hone__optim_class *type = optim->type;
    if (type->uses)
        return type->uses(optim->groups[p->group]);
    unsigned all = 0;
    for (int k = 0; type->slots[k]; k++)
        all |= 1u << k;
    return all;
}

bool hone__optim_make_slot(const hone_optim *optim, hone__optim_param *p, int k)
{
    const hone__optim_class *type = optim->type;
    if (p->slot[k])
        return true;
    p->slot[k] = hone__new(type->is.name, hone__optim_state_dtype(p->param), p->param->ndim,
                           p->param->shape);
    if (p->slot[k])
        hone__fill_elements(p->slot[k], type->initial ? type->initial(optim->groups[p->group]) : 0);
    return p->slot[k] != NULL;
}

/* What a step moves the parameter by; NULL: it has no gradient or requires none, and the step leaves
 * it and its state alone. False: E_NOMEM, or E_STATE. */
static bool find_grad(hone__optim_param *p)
{
    p->grad = NULL;
    return !p->param->requires_grad ||
           (hone__leaf_is_whole("optim_step", p->param) && hone__leaf_grad(p->param, &p->grad));
}

/* What the step of a parameter needs. */
static bool take_memory(const hone_optim *optim, hone__optim_param *p)
{
    if (!find_grad(p))
        return false;
    const unsigned uses = p->grad ? hone__optim_uses(optim, p) : 0;
    for (int k = 0; k < HONE__OPTIM_SLOTS; k++)
        if (uses & 1u << k && !hone__optim_make_slot(optim, p, k))
            return false;
    return true;
}

/* All of it is taken before the first parameter changes, so that a step is done whole or not. */
static bool take_all_memory(hone_optim *optim)
{
    for (int i = 0; i < optim->n; i++)
        if (!take_memory(optim, &optim->params[i]))
            return false;
    return true;
}

static hone_status step_param(const hone_optim *optim, hone__optim_param *p)
{
    const unsigned uses = hone__optim_uses(optim, p);
    hone_tensor *state[HONE__OPTIM_SLOTS];
    int n = 0;
    for (int k = 0; k < HONE__OPTIM_SLOTS; k++)
        if (uses & 1u << k)
            state[n++] = p->slot[k];
    const hone__optim_step s = { .options = optim->groups[p->group],
                                 .param = p->param,
                                 .grad = p->grad,
                                 .state = state,
                                 .first = (p->begun & uses) != uses,
                                 .count = ++p->count,
                                 .number = &p->number };
    const hone_status status = optim->type->step(&s);
    if (status == HONE_OK)
        p->begun |= uses;
    return status;
}

hone_status hone__optim_step_one(const hone_optim *optim, hone__optim_param *p)
{
    HONE_SCOPE();
    if (!take_memory(optim, p))
        return hone__error_last();
    return p->grad ? step_param(optim, p) : HONE_OK;
}

hone_status hone_optim_step(hone_optim *optim)
{
    if (!optim)
        return hone__error_missing("optim_step", "an optimizer");
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone__span_mark mark;
    hone__span_begin(&mark, HONE__SPAN_UPDATE, optim->type->is.name);
    hone_status status = take_all_memory(optim) ? HONE_OK : hone__error_last();
    for (int i = 0; i < optim->n && status == HONE_OK; i++)
        if (optim->params[i].grad)
            status = step_param(optim, &optim->params[i]);
    hone__span_end(&mark, HONE__SPAN_UPDATE, optim->type->is.name);
    return status;
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
        if (!hone__leaf_reset(optim->params[i].param, options && options->set_to_none))
            return hone__error_last();
    return HONE_OK;
}
