/* parameters.c: ParameterList and ParameterDict. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "runtime/memory.h"

#include <string.h>

/* ---- ParameterList */

typedef struct {
    hone_module base;
    hone_tensor **items;
    int n;
} list;

static const hone_field list_fields[] = {
    { HONE_FIELD_PARAMS, NULL, offsetof(list, items), offsetof(list, n) }, HONE_FIELDS_END
};
static const hone_module_class list_class = { .name = "ParameterList",
                                              .size = sizeof(list),
                                              .fields = list_fields };

/* What the caller has handed over: n tensors, `apart` bytes from one to the next. */
static void *dropped(hone_tensor *const *first, size_t apart, int n)
{
    for (int i = 0; first && i < n; i++) {
        const char *at = (const char *)first + (size_t)i * apart;
        hone_tensor *parameter = *(hone_tensor *const *)(const void *)at;
        if (hone__is_real(parameter))
            hone_release(parameter);
    }
    return NULL;
}

static bool all_there(const char *layer, hone_tensor *const *parameters, int n)
{
    if (n < 0) {
        hone_error_set(HONE_E_VALUE, "%s: %d parameters", layer, n);
        return false;
    }
    if (n > 0 && !parameters) {
        hone__error_missing(layer, "an array");
        return false;
    }
    for (int i = 0; i < n; i++)
        if (!hone__needs_tensor(layer, parameters[i]))
            return false;
    return true;
}

hone_module *hone_nn_parameter_list_n(hone_tensor *const *parameters, int n)
{
    list *l = all_there(list_class.name, parameters, n) ? hone_module_new(&list_class) : NULL;
    hone_tensor **items = l ? hone_module_array(n) : NULL;
    if (!items) {
        hone_module_free(l ? &l->base : NULL);
        return dropped(parameters, sizeof *parameters, n);
    }
    l->items = items;
    l->n = n;
    for (int i = 0; i < n; i++)
        l->items[i] = parameters[i];
    return &l->base;
}

hone_module *hone_nn_parameter_list_v(hone_tensor *const *parameters_then_end)
{
    int n = 0;
    while (parameters_then_end && parameters_then_end[n] != HONE_END_TENSOR)
        n++;
    return hone_nn_parameter_list_n(parameters_then_end, parameters_then_end ? n : 1);
}

/* ---- ParameterDict */

typedef struct {
    hone_module base;
    hone_named *items; /* the names stand behind them, in the same block */
    int n;
} dict;

static const hone_field dict_fields[] = { HONE_NAMED_PARAMS(dict, items, n), HONE_FIELDS_END };
static const hone_module_class dict_class = { .name = "ParameterDict",
                                              .size = sizeof(dict),
                                              .fields = dict_fields };

hone_module *hone_nn_parameter_dict_n(const hone_named *parameters, int n)
{
    hone_tensor **all = hone_module_array(n > 0 && parameters ? n : 0);
    for (int i = 0; all && parameters && i < n; i++)
        all[i] = parameters[i].tensor;
    dict *d = all && all_there(dict_class.name, parameters ? all : NULL, n)
                  ? hone_module_new(&dict_class)
                  : NULL;
    hone_named *items =
        d ? hone__named_items(dict_class.name, parameters, sizeof *parameters, n) : NULL;
    if (items) {
        d->items = items;
        d->n = n;
    } else {
        hone_module_free(d ? &d->base : NULL);
        dropped(parameters ? &parameters->tensor : NULL, sizeof *parameters, n);
    }
    hone__free(all);
    return items ? &d->base : NULL;
}

hone_module *hone_nn_parameter_dict_v(const hone_named *parameters_then_end)
{
    int n = 0;
    while (parameters_then_end && parameters_then_end[n].tensor != HONE_END_TENSOR)
        n++;
    return hone_nn_parameter_dict_n(parameters_then_end, parameters_then_end ? n : 1);
}
