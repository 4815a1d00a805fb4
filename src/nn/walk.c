/* walk.c: slots, names and lists. */
#include "nn/walk.h"
#include "core/core.h"
#include "runtime/memory.h"

#include <string.h>

/* ---- slots */

static void *member(const hone_module *module, size_t offset)
{
    return (char *)(uintptr_t)module + offset;
}

hone__slots hone__slots_of(const hone_module *module)
{
    return (hone__slots){ module->type->fields, 0 };
}

bool hone__slot_next(const hone_module *module, hone__slots *walk, hone__slot *slot)
{
    for (; walk->field && walk->field->kind != HONE_FIELD_END; walk->field++, walk->index = 0) {
        const hone_field *field = walk->field;
        void *const value = *(void **)member(module, field->offset);
        const bool params = field->kind == HONE_FIELD_PARAMS;
        if (!params && field->kind != HONE_FIELD_CHILDREN) {
            if (!value || walk->index++ > 0)
                continue;
            *slot = (hone__slot){ field->kind, field->name, -1, value };
            return true;
        }
        const int count = value ? *(int *)member(module, field->count) : 0;
        while (walk->index < count) {
            const int index = walk->index++;
            if (!((void **)value)[index])
                continue;
            *slot = (hone__slot){ params ? HONE_FIELD_PARAM : HONE_FIELD_CHILD, field->name, index,
                                  ((void **)value)[index] };
            return true;
        }
    }
    return false;
}

/* ---- names */

/* The way from the root, kept on the stack of the walk. */
typedef struct path {
    const struct path *up;
    const char *name;
    int index;
} path;

static size_t put(char *out, size_t at, const char *text)
{
    const size_t length = strlen(text);
    if (out)
        memcpy(out + at, text, length);
    return at + length;
}

/* Writes the dotted name (no 0) unless out is NULL; returns its length. */
static size_t path_text(const path *p, char *out)
{
    if (!p)
        return 0;
    size_t at = path_text(p->up, out);
    if (p->up)
        at = put(out, at, ".");
    if (p->name)
        at = put(out, at, p->name);
    if (p->index >= 0) {
        char digits[16];
        hone__format(digits, sizeof digits, p->name ? ".%d" : "%d", p->index);
        at = put(out, at, digits);
    }
    return at;
}

/* ---- lists */

typedef struct {
    int kinds, max_depth;
    bool unique;
    int n;
    size_t text_bytes;
    hone__found *at; /* NULL: count only */
    char *text;
} collector;

static bool already_found(const collector *c, const void *value)
{
    for (int i = 0; i < c->n; i++)
        if (c->at[i].value == value)
            return true;
    return false;
}

static void found(collector *c, const path *p, hone_field_kind kind, void *value)
{
    if (!(c->kinds & 1 << kind))
        return;
    if (!c->at) {
        c->n++;
        c->text_bytes += path_text(p, NULL) + 1;
    } else if (!c->unique || !already_found(c, value)) {
        const size_t length = path_text(p, c->text);
        c->text[length] = 0;
        c->at[c->n++] = (hone__found){ c->text, kind, value };
        c->text += length + 1;
    }
}

static void walk_module(collector *c, const path *up, const hone_module *module, int depth)
{
    hone__slots walk = hone__slots_of(module);
    hone__slot slot;
    while (hone__slot_next(module, &walk, &slot)) {
        const path here = { up, slot.name, slot.index };
        found(c, &here, slot.kind, slot.value);
        if (slot.kind == HONE_FIELD_CHILD && depth < c->max_depth)
            walk_module(c, &here, slot.value, depth + 1);
    }
}

hone__found_list hone__collect(const char *where, hone_module *module, int kinds, int depth,
                               bool unique)
{
    const hone__found_list failed = { NULL, 0 };
    if (!module) {
        hone__error_missing(where, "a module");
        return failed;
    }
    collector c = { .kinds = kinds, .max_depth = depth, .unique = unique };
    walk_module(&c, NULL, module, 0);
    const size_t array_bytes = hone__bytes((int64_t)c.n + 1, sizeof *c.at);
    hone__found *block = hone__own_block(hone__malloc(array_bytes + c.text_bytes));
    if (!block)
        return failed;
    c.n = 0;
    c.at = block;
    c.text = (char *)block + array_bytes;
    walk_module(&c, NULL, module, 0);
    return (hone__found_list){ block, c.n };
}

/* ---- the public lists */

static hone_named_list named_tensors(const char *where, hone_module *module, int kinds, bool unique)
{
    const hone_named_list failed = { NULL, 0 };
    const hone__found_list all = hone__collect(where, module, kinds, INT32_MAX, unique);
    if (!all.at)
        return failed;
    hone_named_list list = {
        hone__own_block(hone__malloc(hone__bytes((int64_t)all.n + 1, sizeof *list.at))), all.n
    };
    for (int i = 0; list.at && i < all.n; i++) {
        list.at[i] = (hone_named){ all.at[i].name, hone__own(hone_retain(all.at[i].value)) };
        if (!list.at[i].tensor)
            return failed;
    }
    return list.at ? list : failed;
}

hone_named_list hone_named_parameters(hone_module *module)
{
    return named_tensors("named_parameters", module, HONE__PARAMETERS, true);
}

hone_named_list hone_named_state(hone_module *module)
{
    return named_tensors("named_state", module, HONE__STATE, false);
}

hone_tensor *hone_named_find(hone_named_list list, const char *name)
{
    if (!list.at || !name) {
        hone__error_missing("named_find", name ? "a list" : "a name");
        return NULL;
    }
    for (int i = 0; i < list.n; i++)
        if (strcmp(list.at[i].name, name) == 0)
            return hone__own(hone_retain(list.at[i].tensor));
    hone_error_set(HONE_E_INDEX, "named_find: none of %d tensors is named \"%s\"", list.n, name);
    return NULL;
}

hone_tensor_list hone_parameters(hone_module *module)
{
    const hone_tensor_list failed = { NULL, 0 };
    const hone__found_list all =
        hone__collect("parameters", module, HONE__PARAMETERS, INT32_MAX, true);
    if (!all.at)
        return failed;
    hone_tensor_list list = hone__list_new(all.n);
    for (int i = 0; i < list.n; i++) {
        list.at[i] = hone__own(hone_retain(all.at[i].value));
        if (!list.at[i])
            return failed;
    }
    return list;
}

int64_t hone_parameter_count(hone_module *module)
{
    HONE_SCOPE();
    const hone__found_list all =
        hone__collect("parameter_count", module, HONE__PARAMETERS, INT32_MAX, true);
    if (!all.at)
        return -1;
    int64_t n = 0;
    for (int i = 0; i < all.n; i++)
        n += hone_numel(all.at[i].value);
    return n;
}

static hone_module_list module_list(const char *where, hone_module *module, int depth, bool itself)
{
    const hone__found_list all = hone__collect(where, module, HONE__MODULES, depth, false);
    hone_module_list list = { NULL, 0 };
    if (all.at)
        list.at = hone__own_block(hone__malloc(hone__bytes((int64_t)all.n + 1, sizeof *list.at)));
    if (!list.at)
        return list;
    if (itself)
        list.at[list.n++] = (hone_named_module){ "", module };
    for (int i = 0; i < all.n; i++)
        list.at[list.n++] = (hone_named_module){ all.at[i].name, all.at[i].value };
    return list;
}

hone_module_list hone_children(hone_module *module)
{
    return module_list("children", module, 0, false);
}

hone_module_list hone_modules(hone_module *module)
{
    return module_list("modules", module, INT32_MAX, true);
}
