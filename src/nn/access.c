/* access.c: what is inside a module by its path, and changes of all of it. */
#include <hone/nn.h>
#include "core/core.h"
#include "core/map.h"
#include "nn/walk.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>
#include <hone/runtime.h>

#include <string.h>

/* ---- by path */

hone_module *hone_module_get(hone_module *module, const char *path)
{
    HONE_SCOPE();
    if (!path) {
        hone__error_missing("module_get", "a path");
        return NULL;
    }
    const hone__found_list all =
        hone__collect("module_get", module, HONE__MODULES, INT32_MAX, false);
    if (!all.at || !*path)
        return all.at ? module : NULL;
    for (int i = 0; i < all.n; i++)
        if (strcmp(all.at[i].name, path) == 0)
            return all.at[i].value;
    hone_error_set(HONE_E_INDEX, "module_get: none of the %d modules below %s is \"%.80s\"", all.n,
                   module->type->name, path);
    return NULL;
}

hone_tensor *hone_module_tensor(hone_module *module, const char *path)
{
    if (!path) {
        hone__error_missing("module_tensor", "a path");
        return NULL;
    }
    const hone__found_list all =
        hone__collect("module_tensor", module, HONE__STATE, INT32_MAX, false);
    for (int i = 0; all.at && i < all.n; i++)
        if (strcmp(all.at[i].name, path) == 0)
            return hone__own(hone_retain(all.at[i].value));
    if (all.at)
        hone_error_set(HONE_E_INDEX,
                       "module_tensor: none of the %d parameters and buffers of %s is \"%.80s\"",
                       all.n, module->type->name, path);
    return NULL;
}

/* ---- freezing */

/* "*" stands for any characters, "?" for one. */
static bool fits(const char *pattern, const char *name, const char *end)
{
    const char *star = NULL, *from = NULL; /* the last star, and what it ends before */
    while (name < end) {
        if (*pattern == '*') {
            star = pattern++;
            from = name;
        } else if (*pattern && (*pattern == '?' || *pattern == *name)) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++from;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == 0;
}

/* The name, or that of a module that it is in. */
static bool is_meant(const char *pattern, const char *name)
{
    const char *end = name + strlen(name);
    if (!pattern || fits(pattern, name, end))
        return true;
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
        if (fits(pattern, name, dot))
            return true;
    return false;
}

int hone_module_requires_grad_(hone_module *module, const char *pattern, bool requires_grad)
{
    HONE_SCOPE();
    const hone__found_list all =
        hone__collect("module_requires_grad_", module, HONE__PARAMETERS, INT32_MAX, false);
    int n = 0;
    if (!all.at)
        return -1;
    for (int i = 0; i < all.n; i++) {
        if (!is_meant(pattern, all.at[i].name))
            continue;
        if (!hone_requires_grad_(all.at[i].value, requires_grad))
            return -1;
        n++;
    }
    if (n > 0 || !pattern)
        return n;
    hone_error_set(HONE_E_INDEX,
                   "module_requires_grad_: none of the %d parameters of %s fits \"%.80s\"", all.n,
                   module->type->name, pattern);
    return -1;
}

/* ---- activations that aren't kept */

int hone_module_recompute_(hone_module *module, const char *pattern, bool on)
{
    HONE_SCOPE();
    if (!pattern)
        return hone__error_missing("module_recompute_", "a pattern"), -1;
    const hone__found_list all =
        hone__collect("module_recompute_", module, HONE__MODULES, INT32_MAX, false);
    int n = 0;
    for (int i = -1; all.at && i < all.n; i++) {
        const char *name = i < 0 ? "" : all.at[i].name;
        hone_module *found = i < 0 ? module : all.at[i].value;
        if (!fits(pattern, name, name + strlen(name)) || !found->type->forward)
            continue;
        found->recomputes = on;
        n++;
    }
    if (n > 0 || !all.at)
        return all.at ? n : -1;
    hone_error_set(HONE_E_INDEX,
                   "module_recompute_: none of the %d modules of %s with a forward fits \"%.80s\"",
                   all.n, module->type->name, pattern);
    return -1;
}

/* ---- another dtype */

/* The members that hold tensors, and what goes there. */
typedef struct {
    void ***at;
    hone_tensor **now;
    int n;
} members;

/* Where a slot lies that a walk has just come to. */
static void **place_of(hone_module *module, const hone__slots *walk, const hone__slot *slot)
{
    void *member = (char *)module + walk->field->offset;
    if (walk->field->kind == HONE_FIELD_NAMED)
        return (void **)&(*(hone_named **)member)[walk->index - 1].tensor;
    return slot->index < 0 ? member : *(void ***)member + slot->index;
}

/* Every parameter and buffer, under each of its names, in the order of the tables. */
static bool list_members(hone_module *module, members *m)
{
    hone__descent way;
    bool ok = true;
    int n = 0;
    hone__descent_begin(&way, module);
    while (ok && way.n > 0) {
        hone__level *level = &way.at[way.n - 1];
        hone__slot slot;
        if (!hone__slot_next(level->module, &level->slots, &slot)) {
            hone__ascend(&way);
            continue;
        }
        if (slot.kind == HONE_FIELD_CHILD)
            ok = hone__descend(&way, slot.value);
        else
            m->at[n++] = place_of(level->module, &level->slots, &slot);
    }
    hone__descent_end(&way);
    m->n = n;
    return ok;
}

/* The tensor in another dtype, as the module owns its own: a parameter stays one. */
static hone_tensor *converted(hone_tensor *t, hone_dtype dtype)
{
    if (!hone_dtype_is_float(hone_dtype_of(t)) || hone_dtype_of(t) == dtype)
        return hone_retain(t);
    HONE_SCOPE();
    const bool required = hone_requires_grad(t);
    hone_tensor *fresh = hone__nn_blank
                             ? hone__own(hone__new("module_to", dtype, t->ndim, t->shape))
                             : hone_to(hone_detach(t), dtype);
    if (!required)
        return hone_retain(fresh);
    return hone_parameter(fresh);
}

/* A tensor that several modules share is shared still. */
static bool convert_all(members *m, hone_dtype dtype)
{
    hone__map seen;
    bool ok = hone__map_begin(&seen, m->n, false);
    if (!ok)
        return false;
    for (int i = 0; ok && i < m->n; i++) {
        hone_tensor *t = *m->at[i];
        const bool is_new = hone__map_add(&seen, t, i);
        m->now[i] = is_new ? converted(t, dtype) : hone_retain(m->now[hone__map_find(&seen, t)]);
        ok = m->now[i] != NULL;
    }
    hone__map_end(&seen);
    return ok;
}

hone_status hone_module_to(hone_module *module, hone_dtype dtype)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    if (!hone_dtype_is_float(dtype))
        return hone_error_set(HONE_E_DTYPE, "module_to: %s (a float is wanted)",
                              hone_dtype_name(dtype));
    const hone__found_list all = hone__collect("module_to", module, HONE__STATE, INT32_MAX, false);
    if (!all.at)
        return hone__error_last();
    const int64_t n = (int64_t)all.n + 1;
    members m = { hone__own_block(hone__malloc(hone__bytes(n, sizeof *m.at))),
                  hone__own_block(hone__calloc(hone__bytes(n, sizeof *m.now))), 0 };
    if (!m.at || !m.now || !list_members(module, &m))
        return hone__error_last();
    const bool ok = convert_all(&m, dtype);
    for (int i = 0; i < m.n; i++) {
        hone_tensor *before = *m.at[i];
        if (ok)
            *m.at[i] = m.now[i];
        hone_release(ok ? before : m.now[i]);
    }
    hone_memory_trim(); /* or those of before would stay in the pools, beside what follows */
    return ok ? HONE_OK : hone__error_last();
}
