/* members.c: what is inside of a layer, by name. */
#include "run/build.h"

#include "core/core.h"

#include <string.h>

static void *at(hone_module *module, size_t offset)
{
    return (char *)module + offset;
}

static const hone_field *find_field(const hone_module *module, const char *name)
{
    const hone_field *field = module->type->fields;
    for (; field && field->kind != HONE_FIELD_END; field++)
        if (field->name && strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

/* A parameter of a list with names ("weight_ih_l0"); NULL: there is none. */
static hone_tensor **find_named(hone_module *module, const char *name)
{
    const hone_field *field = module->type->fields;
    for (; field && field->kind != HONE_FIELD_END; field++) {
        hone_named *named =
            field->kind == HONE_FIELD_NAMED ? *(hone_named **)at(module, field->offset) : NULL;
        for (int i = 0; named && i < *(int *)at(module, field->count); i++)
            if (strcmp(named[i].name, name) == 0)
                return &named[i].tensor;
    }
    return NULL;
}

static const hone_field *items_field(const hone_module *module)
{
    const hone_field *field = module->type->fields;
    for (; field && field->kind != HONE_FIELD_END; field++)
        if (!field->name && field->kind == HONE_FIELD_CHILDREN)
            return field;
    return NULL;
}

static hone__value value_of(hone_module *module, hone_field_kind kind, void *slot)
{
    void *value = *(void **)slot;
    if (!value)
        return (hone__value){ .kind = HONE__VALUE_NONE };
    if (kind == HONE_FIELD_CHILD || kind == HONE_FIELD_CHILDREN)
        return (hone__value){ .kind = HONE__VALUE_MODULE, .module = value };
    return (hone__value){ .kind = HONE__VALUE_FIELD,
                          .module = module,
                          .tensor = value,
                          .slot = slot,
                          .field = kind == HONE_FIELD_PARAMS    ? HONE_FIELD_PARAM
                                   : kind == HONE_FIELD_WEIGHTS ? HONE_FIELD_WEIGHT
                                                                : kind };
}

static bool list_of(hone__frame *f, hone__place place, hone_module *module, const hone_field *field,
                    hone__value *out)
{
    void **array = *(void ***)at(module, field->offset);
    const int n = array ? *(int *)at(module, field->count) : 0;
    if (!hone__values_new(f, place, n, out))
        return false;
    for (int i = 0; i < n; i++)
        out->list[i] = value_of(module, field->kind, &array[i]);
    return true;
}

bool hone__items_of(hone__frame *f, hone__place place, hone_module *module, hone__value *out)
{
    const hone_field *field = items_field(module);
    return field ? list_of(f, place, module, field, out)
                 : hone__complain(place, "%s is no list of layers", module->type->name);
}

bool hone__member_of(hone__frame *f, hone__place place, hone_module *module, const char *name,
                     hone__value *out)
{
    const hone_field *field = find_field(module, name);
    if (field && (field->kind == HONE_FIELD_PARAMS || field->kind == HONE_FIELD_WEIGHTS ||
                  field->kind == HONE_FIELD_CHILDREN))
        return list_of(f, place, module, field, out);
    if (field) {
        *out = value_of(module, field->kind, at(module, field->offset));
        return true;
    }
    hone_tensor **named = find_named(module, name);
    if (named) {
        *out = value_of(module, HONE_FIELD_PARAM, named);
        return true;
    }
    return hone__complain(place, "%s has no %s", module->type->name, name);
}

/* ---- one tensor in two places */

static bool fits(hone__place place, const hone_module *module, const char *name,
                 hone_field_kind kind, const hone_tensor *have, const hone__value *value)
{
    if (kind != value->field)
        return hone__complain(place, "%s.%s can't be this one: %s", module->type->name, name,
                              kind == HONE_FIELD_WEIGHT || value->field == HONE_FIELD_WEIGHT
                                  ? "Linear's weight is [in, out] in memory, others are not"
                                  : "one is learned, the other isn't");
    if (have && (!hone__same_shape(have, value->tensor) || have->dtype != value->tensor->dtype))
        return hone__complain(place, "%s.%s is %s, but this is %s", module->type->name, name,
                              hone__tensor_text(have).s, hone__tensor_text(value->tensor).s);
    return true;
}

bool hone__tie(hone__frame *f, hone__place place, hone_module *module, const char *name,
               const hone__value *value)
{
    const hone_field *field = find_field(module, name);
    const hone_field_kind kind = field ? field->kind : HONE_FIELD_PARAM;
    hone_tensor **slot =
        field ? (hone_tensor **)at(module, field->offset) : find_named(module, name);
    if (!slot ||
        (kind != HONE_FIELD_PARAM && kind != HONE_FIELD_WEIGHT && kind != HONE_FIELD_BUFFER))
        return hone__complain(place, "%s has no parameter %s", module->type->name, name);
    if (value->kind != HONE__VALUE_FIELD || value->field == HONE_FIELD_END)
        return hone__complain(place, "a parameter of a layer is wanted here, not %s",
                              hone__value_text(value));
    if (!fits(place, module, name, kind, *slot, value))
        return false;
    hone_tensor *old = *slot, *kept = hone_retain(value->tensor);
    if (!kept)
        return false;
    *slot = kept;
    return !old || hone__made_new(f->b, NULL, old); /* a name may stand for it still */
}
