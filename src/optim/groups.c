/* groups.c: groups of parameters and their options; optimizers by name. */
#include "core/core.h"
#include "core/text.h"
#include "op/options.h"
#include "optim/optim.h"

#include <math.h>
#include <string.h>

/* ---- by name */

static const hone__optim_class *const all[] = {
#define HONE_OPTIM(name) &hone__optim_##name,
#include "optim/optim.def"
#undef HONE_OPTIM
};
enum { N_ALL = sizeof all / sizeof *all };

int hone_optim_kinds(void)
{
    return N_ALL;
}

const char *hone_optim_kind(int i)
{
    return i >= 0 && i < N_ALL ? all[i]->is.name : NULL;
}

const hone__optim_class *hone__optim_find(const char *name)
{
    for (int i = 0; name && i < N_ALL; i++)
        if (strcmp(all[i]->is.name, name) == 0)
            return all[i];
    return NULL;
}

bool hone__optim_has(const char *name, const char *option)
{
    const hone__optim_class *type = hone__optim_find(name);
    hone__optim_options plain = { 0 };
    double value;
    return type && hone__option_get(&type->is, option, &plain, &value);
}

static const hone__optim_class *find(const char *where, const char *name)
{
    const hone__optim_class *type = hone__optim_find(name);
    char names[160] = "";
    size_t used = 0;
    if (type)
        return type;
    if (!name) {
        hone__error_missing(where, "a name");
        return NULL;
    }
    for (int i = 0; i < N_ALL && used < sizeof names; i++)
        used += (size_t)hone__format(names + used, sizeof names - used, "%s%s",
                                     i == 0          ? ""
                                     : i + 1 < N_ALL ? ", "
                                                     : " or ",
                                     all[i]->is.name);
    hone_error_set(HONE_E_VALUE, "%s: there is no optimizer \"%.60s\": %s is wanted", where, name,
                   names);
    return NULL;
}

hone_optim *hone_optim_by_name(const char *name, hone_tensor_list parameters, const char *options)
{
    hone__optim_options plain;
    const hone__optim_class *type = find("optim_by_name", name);
    if (!type || !hone__options_read(&type->is, options, &plain) || !hone__optim_fits(type, &plain))
        return NULL;
    return hone__optim_new_plain(type, parameters, &plain);
}

int64_t hone_optim_signature(const char *name, char *buffer, size_t bytes)
{
    const hone__optim_class *type = find("optim_signature", name);
    if (!type)
        return -1;
    const size_t begin = (size_t)hone__format(buffer, bytes, "%s(parameters", name);
    const size_t at = begin < bytes ? begin : bytes;
    const size_t options = (size_t)hone__options_print(&type->is, buffer + at, bytes - at);
    const size_t end = begin + options, last = end < bytes ? end : bytes;
    return (int64_t)end + hone__format(buffer + last, bytes - last, ")");
}

const char *hone_optim_name(const hone_optim *optim)
{
    if (!optim)
        hone__error_missing("optim_name", "an optimizer");
    return optim ? optim->type->is.name : NULL;
}

/* ---- groups */

int hone_optim_groups(const hone_optim *optim)
{
    if (!optim)
        hone__error_missing("optim_groups", "an optimizer");
    return optim ? optim->n_groups : -1;
}

static bool is_new(const hone_optim *optim, hone_tensor_list parameters)
{
    for (int i = 0; i < parameters.n; i++)
        for (int k = 0; k < optim->n; k++)
            if (parameters.at[i] == optim->params[k].param) {
                hone_error_set(HONE_E_STATE,
                               "optim_add_group: parameter %d is in group %d of %s already", i,
                               optim->params[k].group, optim->type->is.name);
                return false;
            }
    return true;
}

int hone_optim_add_group(hone_optim *optim, hone_tensor_list parameters, const char *options)
{
    hone__optim_options plain;
    if (!optim) {
        hone__error_missing("optim_add_group", "an optimizer");
        return -1;
    }
    const hone__op *is = &optim->type->is;
    if (optim->in_backward) {
        hone_error_set(HONE_E_STATE,
                       "optim_add_group: %s steps within the backward; "
                       "hone_optim_in_backward(optim, false) comes first",
                       is->name);
        return -1;
    }
    memcpy(&plain, optim->initial, is->options_bytes);
    if (!hone__options_change(is, options, &plain) || !hone__optim_fits(optim->type, &plain) ||
        (parameters.at && !is_new(optim, parameters)) ||
        !hone__optim_add(optim, parameters, &plain))
        return -1;
    return optim->n_groups - 1;
}

hone_tensor_list hone_optim_group_parameters(const hone_optim *optim, int group)
{
    hone_tensor_list list = { NULL, 0 };
    if (!hone__optim_has_group("optim_group_parameters", optim, group))
        return list;
    list = hone__list_new(optim->n);
    if (!list.at)
        return list;
    list.n = 0;
    for (int i = 0; i < optim->n; i++)
        if (optim->params[i].group == group)
            list.at[list.n++] = hone__own(hone_retain(optim->params[i].param));
    for (int i = 0; i < list.n; i++)
        if (!list.at[i])
            return (hone_tensor_list){ NULL, 0 };
    return list;
}

/* ---- numbers */

bool hone__optim_has_group(const char *where, const hone_optim *optim, int group)
{
    if (!optim) {
        hone__error_missing(where, "an optimizer");
        return false;
    }
    if (group >= 0 && group < optim->n_groups)
        return true;
    hone_error_set(HONE_E_INDEX, "%s: %s has no group %d (0 to %d)", where, optim->type->is.name,
                   group, optim->n_groups - 1);
    return false;
}

static double get(const char *where, const hone_optim *optim, int group, const char *option)
{
    double value = NAN;
    if (!hone__optim_has_group(where, optim, group))
        return NAN;
    if (!option)
        hone__error_missing(where, "the name of an option");
    else if (!hone__option_get(&optim->type->is, option, optim->groups[group], &value))
        hone_error_set(HONE_E_VALUE, "%s: %s has no %.60s", where, optim->type->is.name, option);
    return value;
}

/* A group's options with one changed, if they can be used so. */
static bool changed(const hone_optim *optim, int group, const char *option, double value,
                    hone__optim_options *plain)
{
    const hone__optim_class *type = optim->type;
    memcpy(plain, optim->groups[group], type->is.options_bytes);
    return hone__option_set(&type->is, option, value, plain) && hone__optim_fits(type, plain);
}

static hone_status set(const char *where, hone_optim *optim, int first, int end, const char *option,
                       double value)
{
    hone__optim_options plain;
    if (isnan(get(where, optim, first, option)))
        return hone__error_last();
    for (int change = 0; change < 2; change++) /* all are tried first */
        for (int g = first; g < end; g++) {
            if (!changed(optim, g, option, value, &plain))
                return hone__error_last();
            if (change)
                memcpy(optim->groups[g], &plain, optim->type->is.options_bytes);
        }
    return HONE_OK;
}

double hone_optim_get(const hone_optim *optim, int group, const char *option)
{
    return get("optim_get", optim, group, option);
}

hone_status hone_optim_set(hone_optim *optim, int group, const char *option, double value)
{
    return set("optim_set", optim, group, group + 1, option, value);
}

double hone_optim_lr(const hone_optim *optim)
{
    return get("optim_lr", optim, 0, "lr");
}

double hone_optim_momentum(const hone_optim *optim)
{
    return get("optim_momentum", optim, 0, "momentum");
}

double hone_optim_weight_decay(const hone_optim *optim)
{
    return get("optim_weight_decay", optim, 0, "weight_decay");
}

static hone_status set_all(const char *where, hone_optim *optim, const char *option, double value)
{
    return set(where, optim, 0, optim ? optim->n_groups : 1, option, value);
}

hone_status hone_optim_set_lr(hone_optim *optim, double lr)
{
    return set_all("optim_set_lr", optim, "lr", lr);
}

hone_status hone_optim_set_momentum(hone_optim *optim, double momentum)
{
    return set_all("optim_set_momentum", optim, "momentum", momentum);
}

hone_status hone_optim_set_weight_decay(hone_optim *optim, double weight_decay)
{
    return set_all("optim_set_weight_decay", optim, "weight_decay", weight_decay);
}
