/* walk.c: slots, names and lists. */
#include "nn/walk.h"
#include "core/core.h"
#include "core/map.h"
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
        const bool weights = field->kind == HONE_FIELD_WEIGHTS,
                   params = weights || field->kind == HONE_FIELD_PARAMS,
                   dict = field->kind == HONE_FIELD_DICT, tensors = field->kind == HONE_FIELD_NAMED;
        if (!params && !dict && !tensors && field->kind != HONE_FIELD_CHILDREN) {
            if (!value || walk->index++ > 0)
                continue;
            *slot = (hone__slot){ field->kind, field->name, -1, value };
            return true;
        }
        const int count = value ? *(int *)member(module, field->count) : 0;
        while (walk->index < count) {
            const int index = walk->index++;
            if (dict) {
                const hone_named_module *named = (const hone_named_module *)value + index;
                if (!named->module)
                    continue;
                *slot = (hone__slot){ HONE_FIELD_CHILD, named->name, -1, named->module };
                return true;
            }
            if (tensors) {
                const hone_named *named = (const hone_named *)value + index;
                if (!named->tensor)
                    continue;
                *slot = (hone__slot){ HONE_FIELD_PARAM, named->name, -1, named->tensor };
                return true;
            }
            if (!((void **)value)[index])
                continue;
            *slot = (hone__slot){ weights  ? HONE_FIELD_WEIGHT
                                  : params ? HONE_FIELD_PARAM
                                           : HONE_FIELD_CHILD,
                                  field->name, index, ((void **)value)[index] };
            return true;
        }
    }
    return false;
}

/* ---- the way down */

void hone__descent_begin(hone__descent *d, hone_module *module)
{
    d->at = d->first;
    d->room = sizeof d->first / sizeof *d->first;
    d->n = 1;
    d->first[0] = (hone__level){ module, hone__slots_of(module), 0 };
}

bool hone__descend(hone__descent *d, hone_module *child)
{
    if (d->n == d->room) {
        const size_t bytes = (size_t)d->room * sizeof *d->at;
        hone__level *more = d->room < INT32_MAX / 2 ? hone__malloc(2 * bytes) : NULL;
        if (!more)
            return false;
        memcpy(more, d->at, bytes);
        hone__descent_end(d);
        d->at = more;
        d->room *= 2;
    }
    d->at[d->n++] = (hone__level){ child, hone__slots_of(child), 0 };
    return true;
}

hone_module *hone__descend_next(hone__descent *d, bool *ok)
{
    hone__level *level = &d->at[d->n - 1];
    hone__slot slot;
    while (hone__slot_next(level->module, &level->slots, &slot)) {
        if (slot.kind != HONE_FIELD_CHILD)
            continue;
        *ok = hone__descend(d, slot.value);
        return *ok ? slot.value : NULL;
    }
    return NULL;
}

void hone__ascend(hone__descent *d)
{
    d->n--;
}

void hone__descent_end(hone__descent *d)
{
    if (d->at != d->first)
        hone__free(d->at);
}

/* ---- names */

/* The dotted name of the slot that the walk is at. */
typedef struct {
    char *text;
    size_t length, room;
} dotted_name;

static bool make_room(dotted_name *n, size_t more)
{
    if (n->length + more <= n->room)
        return true;
    const size_t room = 2 * (n->length + more);
    char *text = hone__malloc(room);
    if (!text)
        return false;
    if (n->text)
        memcpy(text, n->text, n->length);
    hone__free(n->text);
    n->text = text;
    n->room = room;
    return true;
}

/* Puts a slot's name after its module's, which has `length` characters. */
static bool name_slot(dotted_name *n, size_t length, const hone__slot *slot)
{
    char digits[16] = "";
    const char *member = slot->name ? slot->name : "";
    const size_t member_length = strlen(member);
    if (slot->index >= 0)
        hone__format(digits, sizeof digits, slot->name ? ".%d" : "%d", slot->index);
    n->length = length;
    if (!make_room(n, 1 + member_length + sizeof digits))
        return false;
    if (length > 0)
        n->text[n->length++] = '.';
    memcpy(n->text + n->length, member, member_length);
    n->length += member_length;
    memcpy(n->text + n->length, digits, strlen(digits));
    n->length += strlen(digits);
    return true;
}

/* ---- who keeps a field */

static bool known_kept(const hone_tensor *t)
{
    return atomic_load_explicit(&t->state, memory_order_relaxed) == HONE__KEPT;
}

bool hone__field_kept(const char *where, const char *name, hone_tensor *t)
{
    if (known_kept(t))
        return true;
    if (!hone__is_real(t)) {
        char field[128];
        hone__format(field, sizeof field, "%s: its field %s", where, name);
        return hone__refuse_tensor(field, t);
    }
    if (hone__scopes_own_alone(t)) {
        hone_error_set(HONE_E_STATE,
                       "%s: its field %s (%s) belongs to a scope, which will drop it: a parameter "
                       "is made by hone_parameter, a buffer kept by hone_retain",
                       where, name, hone__tensor_text(t).s);
        return false;
    }
    /* So the scopes are searched once a tensor. */
    atomic_store_explicit(&t->state, HONE__KEPT, memory_order_relaxed);
    return true;
}

bool hone__fields_kept(const hone_module *module)
{
    hone__slots walk = hone__slots_of(module);
    hone__slot slot;
    while (hone__slot_next(module, &walk, &slot)) {
        if (slot.kind == HONE_FIELD_CHILD || known_kept(slot.value))
            continue;
        char name[64], index[16] = "";
        if (slot.index >= 0)
            hone__format(index, sizeof index, slot.name ? ".%d" : "%d", slot.index);
        hone__format(name, sizeof name, "%s%s", slot.name ? slot.name : "", index);
        if (!hone__field_kept(module->type->name, name, slot.value))
            return false;
    }
    return true;
}

/* ---- lists */

enum { FEW = 32 };

typedef struct {
    int kinds, max_depth;
    bool unique;
    int n;
    size_t text_bytes;
    hone__found *at; /* NULL: count only */
    char *text;
    hone__map seen; /* keys NULL: there are few, which are looked through */
} collector;

static bool already_found(collector *c, const void *value)
{
    if (c->seen.keys)
        return !hone__map_add(&c->seen, value, c->n);
    for (int i = 0; i < c->n; i++)
        if (c->at[i].value == value)
            return true;
    return false;
}

static void found(collector *c, const dotted_name *n, hone_field_kind kind, void *value)
{
    if (!(c->kinds & 1 << kind))
        return;
    if (!c->at) {
        c->n++;
        c->text_bytes += n->length + 1;
    } else if (!c->unique || !already_found(c, value)) {
        memcpy(c->text, n->text, n->length);
        c->text[n->length] = 0;
        c->at[c->n++] = (hone__found){ c->text, kind, value };
        c->text += n->length + 1;
    }
}

/* False: E_NOMEM. */
static bool walk_module(collector *c, hone_module *module)
{
    hone__descent way;
    dotted_name here = { NULL, 0, 0 };
    bool ok = true;
    hone__descent_begin(&way, module);
    while (ok && way.n > 0) {
        hone__level *level = &way.at[way.n - 1];
        hone__slot slot;
        if (!hone__slot_next(level->module, &level->slots, &slot)) {
            hone__ascend(&way);
            continue;
        }
        ok = name_slot(&here, level->name_length, &slot);
        if (ok)
            found(c, &here, slot.kind, slot.value);
        if (ok && slot.kind == HONE_FIELD_CHILD && way.n <= c->max_depth) {
            ok = hone__descend(&way, slot.value);
            if (ok)
                way.at[way.n - 1].name_length = here.length;
        }
    }
    hone__descent_end(&way);
    hone__free(here.text);
    return ok;
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
    if (!walk_module(&c, module))
        return failed;
    const size_t array_bytes = hone__bytes((int64_t)c.n + 1, sizeof *c.at);
    hone__found *block = hone__own_block(hone__malloc(array_bytes + c.text_bytes));
    if (!block)
        return failed;
    if (unique && c.n > FEW && !hone__map_begin(&c.seen, c.n, false))
        return failed;
    c.n = 0;
    c.at = block;
    c.text = (char *)block + array_bytes;
    const bool walked = walk_module(&c, module);
    hone__map_end(&c.seen);
    if (!walked)
        return failed;
    for (int i = 0; i < c.n; i++)
        if (block[i].kind != HONE_FIELD_CHILD &&
            !hone__field_kept(where, block[i].name, block[i].value))
            return failed;
    return (hone__found_list){ block, c.n };
}

/* ---- the public lists */

hone_named_list hone_list_named_n(const hone_named *named, int n)
{
    const hone_named_list failed = { NULL, 0 };
    if (n < 0 || (!named && n > 0)) {
        hone__error_missing("list_named", "an array");
        return failed;
    }
    hone_named_list list = { hone__own_block(hone__malloc((size_t)(n + 1) * sizeof *list.at)), n };
    for (int i = 0; list.at && i < n; i++) {
        if (!named[i].name) {
            hone__error_missing("list_named", "a name");
            return failed;
        }
        if (!hone__needs_tensor("list_named", named[i].tensor))
            return failed;
        list.at[i] = (hone_named){ named[i].name, hone__own(hone_retain(named[i].tensor)) };
        if (!list.at[i].tensor)
            return failed;
    }
    return list.at ? list : failed;
}

hone_named_list hone_list_named_v(const hone_named *named_then_end)
{
    int n = 0;
    while (named_then_end && named_then_end[n].tensor != HONE_END_TENSOR)
        n++;
    return hone_list_named_n(named_then_end, named_then_end ? n : 1);
}

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

hone_named_list hone_named_buffers(hone_module *module)
{
    return named_tensors("named_buffers", module, HONE__BUFFERS, true);
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
            return hone__needs_tensor("named_find", list.at[i].tensor)
                       ? hone__own(hone_retain(list.at[i].tensor))
                       : NULL;
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
