/* module.c: making, owning and running modules. */
#include <hone/nn.h>
#include "autograd/leaf.h"
#include "core/core.h"
#include "core/reserve.h"
#include "nn/walk.h"
#include "runtime/memory.h"
#include "runtime/watch.h"

#include <hone/autograd.h>
#include <hone/ops.h>

/* ---- hooks */

struct hone__hook {
    hone_tensor *(*call)(hone_module *module, hone_tensor *const *in, int n_in, hone_tensor *out,
                         void *user);
    void *user;
    struct hone__hook *next;
};

static void drop_hooks(hone_module *module)
{
    for (struct hone__hook *hook = module->own.hooks, *next; hook; hook = next) {
        next = hook->next;
        hone__free(hook);
    }
    module->own.hooks = NULL;
}

hone_status hone_module_forward_hook(hone_module *module,
                                     hone_tensor *(*hook)(hone_module *module,
                                                          hone_tensor *const *in, int n_in,
                                                          hone_tensor *out, void *user),
                                     void *user)
{
    if (!module)
        return hone__error_missing("module_forward_hook", "a module");
    if (!hook) {
        drop_hooks(module);
        return HONE_OK;
    }
    struct hone__hook *added = hone__malloc(sizeof *added), **last = &module->own.hooks;
    if (!added)
        return hone__error_last();
    *added = (struct hone__hook){ hook, user, NULL };
    while (*last)
        last = &(*last)->next;
    *last = added;
    return HONE_OK;
}

static hone_tensor *call_hooks(hone_module *module, hone_tensor *const *in, int n_in,
                               hone_tensor *out)
{
    const struct hone__hook *hook = module->own.hooks;
    const uint64_t errors = hone__error_count();
    for (; hook && out; hook = hook->next) {
        out = hook->call(module, in, n_in, out, hook->user);
        out = out && hone__needs_tensor(module->type->name, out) ? out : NULL;
    }
    if (!out && hone__error_count() == errors)
        hone_error_set(HONE_E_NULL, "%s: a forward hook returned NULL", module->type->name);
    return out;
}

/* ---- making and freeing */

void *hone_module_new(const hone_module_class *type)
{
    if (!type || !type->name) {
        hone_error_set(HONE_E_NULL, "module_new: no class, or one without a name");
        return NULL;
    }
    if (type->size < sizeof(hone_module)) {
        hone_error_set(
            HONE_E_VALUE,
            "module_new: %s has size %zu, but its struct begins with a hone_module (%zu)",
            type->name, type->size, sizeof(hone_module));
        return NULL;
    }
    hone_module *module = hone__calloc(type->size);
    if (module)
        *module = (hone_module){ .type = type, .owners = 1, .training = true };
    return module;
}

hone_module *hone_module_retain(hone_module *module)
{
    if (module)
        module->owners++;
    return module;
}

/* What the module holds; children that nobody else owns go to the head of the list, in order. */
static void free_one(hone_module *module, hone_module **list)
{
    if (hone__watch.module_gone) /* a profile may know its name */
        hone__watch.module_gone(module);
    if (module->type->destroy)
        module->type->destroy(module);
    hone__slots walk = hone__slots_of(module);
    hone__slot slot;
    while (hone__slot_next(module, &walk, &slot)) {
        hone_module *child = slot.value;
        if (slot.kind != HONE_FIELD_CHILD) {
            if (!hone__scopes_own_alone(slot.value)) /* a scope will drop what is its own */
                hone_release(slot.value);
        } else if (--child->owners == 0) {
            drop_hooks(child);
            child->own.next_to_free = *list;
            *list = child;
            list = &child->own.next_to_free;
        }
    }
    const hone_field *field = module->type->fields;
    for (; field && field->kind != HONE_FIELD_END; field++)
        if (field->kind == HONE_FIELD_PARAMS || field->kind == HONE_FIELD_WEIGHTS ||
            field->kind == HONE_FIELD_CHILDREN || field->kind == HONE_FIELD_DICT ||
            field->kind == HONE_FIELD_NAMED)
            hone__free(*(void **)((char *)module + field->offset));
    hone__free(module);
}

/* By a list and not by recursion: modules may be nested deeper than a stack could follow. */
void hone_module_free(hone_module *module)
{
    if (!module || --module->owners > 0)
        return;
    drop_hooks(module);
    module->own.next_to_free = NULL;
    for (hone_module *list = module; list;) {
        hone_module *first = list;
        list = first->own.next_to_free;
        free_one(first, &list);
    }
}

void *hone_module_array(int n)
{
    if (n < 0) {
        hone_error_set(HONE_E_VALUE, "module_array: %d elements", n);
        return NULL;
    }
    return hone__calloc(hone__bytes(n > 0 ? n : 1, sizeof(void *)));
}

_Thread_local bool hone__nn_blank;

hone_tensor *hone_parameter(hone_tensor *t)
{
    if (!hone__needs_tensor("parameter", t))
        return NULL;
    if (!hone_dtype_is_float(hone_dtype_of(t))) {
        hone_error_set(HONE_E_DTYPE, "parameter: %s can't require a gradient (f32 or f64 can)",
                       hone__tensor_text(t).s);
        return NULL;
    }
    HONE_SCOPE();
    if (!hone_is_leaf(t))
        t = hone_detach(t);
    if (t && !hone_is_contiguous(t)) {
        HONE_NO_GRAD();
        t = hone_contiguous(t);
    }
    if (t && hone__nn_blank)
        t = hone__own(hone__new("parameter", (hone_dtype)t->dtype, t->ndim, t->shape));
    t = hone_retain(hone_requires_grad_(t, true));
    if (t)
        atomic_store_explicit(&t->state, HONE__KEPT, memory_order_relaxed);
    return t;
}

/* ---- running */

static hone_tensor *forward_of(hone_tensor *const *in_then_end, int n_in, void *user)
{
    hone_module *module = user;
    hone__span_mark mark;
    hone__span_begin(&mark, HONE__SPAN_MODULE, module);
    hone_tensor *out = module->type->forward(module, in_then_end, n_in);
    hone__span_end(&mark, HONE__SPAN_MODULE, module);
    return out;
}

hone_tensor *hone_forward_v(hone_module *module, hone_tensor *const *in_then_end)
{
    if (!module) {
        hone__error_missing("forward", "a module");
        return NULL;
    }
    const char *name = module->type->name;
    int n_in = 0;
    if (!in_then_end) {
        hone__error_null(name);
        return NULL;
    }
    for (; in_then_end[n_in] != HONE_END_TENSOR; n_in++)
        if (!hone__needs_tensor_or_none(name, in_then_end[n_in]))
            return NULL;
    if (!module->type->forward) {
        hone_error_set(HONE_E_STATE, "%s has no forward: call its children's", name);
        return NULL;
    }
    if (!hone__fields_kept(module))
        return NULL;
    HONE_SCOPE();
    const uint64_t errors = hone__error_count();
    hone_tensor *out =
        module->recomputes
            ? hone_recompute(forward_of, module,
                             (hone_tensor_list){ (hone_tensor **)(uintptr_t)in_then_end, n_in })
            : forward_of(in_then_end, n_in, module);
    if (!out && hone__error_count() == errors)
        hone_error_set(HONE_E_NULL, "%s: its forward returned NULL", name);
    if (out && module->own.hooks)
        out = hone__needs_tensor(name, out) ? call_hooks(module, in_then_end, n_in, out) : NULL;
    return out && hone__needs_tensor(name, out) ? hone_scope_return(out) : NULL;
}

void hone_module_train(hone_module *module, bool training)
{
    if (!module) {
        hone__error_missing("module_train", "a module");
        return;
    }
    hone__descent way;
    bool ok = true;
    hone__descent_begin(&way, module);
    module->training = training;
    while (ok && way.n > 0) {
        hone_module *child = hone__descend_next(&way, &ok);
        if (child)
            child->training = training;
        else
            hone__ascend(&way);
    }
    hone__descent_end(&way);
}

hone_status hone_module_zero_grad(hone_module *module)
{
    return hone_module_zero_grad_with(module, NULL);
}

hone_status hone_module_zero_grad_with(hone_module *module, const hone_zero_grad_options *options)
{
    if (!HONE__KNOWS_OPTIONS("module_zero_grad", options))
        return hone__error_last();
    HONE_SCOPE();
    HONE_NO_GRAD();
    const hone__found_list all =
        hone__collect("module_zero_grad", module, HONE__PARAMETERS, INT32_MAX, true);
    if (!all.at)
        return hone__error_last();
    for (int i = 0; i < all.n; i++)
        if (!hone__leaf_reset(all.at[i].value, options && options->set_to_none))
            return hone__error_last();
    return HONE_OK;
}

hone_status hone_module_apply(hone_module *module,
                              hone_status (*fn)(hone_module *module, void *user), void *user)
{
    if (!module || !fn)
        return hone__error_missing("module_apply", "a module");
    hone__descent way;
    hone_status status = HONE_OK;
    bool ok = true;
    hone__descent_begin(&way, module);
    while (ok && way.n > 0) {
        if (hone__descend_next(&way, &ok) || !ok)
            continue;
        status = fn(way.at[way.n - 1].module, user);
        ok = status == HONE_OK;
        hone__ascend(&way);
    }
    hone__descent_end(&way);
    return ok || status != HONE_OK ? status : HONE_E_NOMEM;
}
