/* hooks.c: what users see of hooks and retained gradients. A tensor that was computed has them in
 * its node, a leaf in its list of sums. */
#include <hone/hooks.h>

#include "autograd/leaf.h"
#include "op/node.h"

static bool can_have_hooks(const char *name, const hone_tensor *t)
{
    if (!hone__needs_tensor(name, t) || !hone__leaf_is_whole(name, t))
        return false;
    if (hone__is_stale(t))
        return hone__refuse_stale(name, "operand", 0, t);
    if (t->requires_grad || t->node)
        return true;
    hone_error_set(HONE_E_STATE, "%s: %s doesn't require a gradient", name, hone__tensor_text(t).s);
    return false;
}

static int64_t add_to_node(hone_context *node, hone__grad_hook hook)
{
    hone__hooks *hooks = node->hooked || node->noted ? node->hooks : NULL;
    const int64_t id = hone__hooks_add(&hooks, hook);
    node->hooks = hooks;
    node->hooked = node->hooked || hooks;
    return id;
}

static int64_t add(hone_tensor *t, hone__grad_hook hook)
{
    if (t->node) {
        hook.out = t->out_index;
        return add_to_node(t->node, hook);
    }
    hone__mark_held(t); /* what hone_release() looks at before it looks for hooks */
    hone__hooks **place = hone__leaf_hooks_place(t);
    return place ? hone__hooks_add(place, hook) : 0;
}

static hone__hooks *hooks_of(const hone_tensor *t)
{
    if (!t->node)
        return hone__leaf_hooks(t);
    return t->node->hooked ? t->node->hooks : NULL;
}

int64_t hone_register_hook(hone_tensor *t, hone_grad_hook hook, void *user)
{
    if (!can_have_hooks("register_hook", t))
        return 0;
    if (!hook)
        return hone__error_missing("register_hook", "a function"), 0;
    return add(t, (hone__grad_hook){ .kind = HONE__HOOK_GRADIENT, .gradient = hook, .user = user });
}

int64_t hone_register_post_accumulate_grad_hook(hone_tensor *leaf,
                                                hone_post_accumulate_grad_hook hook, void *user)
{
    static const char name[] = "register_post_accumulate_grad_hook";
    if (!can_have_hooks(name, leaf))
        return 0;
    if (!hook)
        return hone__error_missing(name, "a function"), 0;
    if (leaf->node) {
        hone_error_set(HONE_E_STATE, "%s: %s is not a leaf", name, hone__tensor_text(leaf).s);
        return 0;
    }
    return add(leaf, (hone__grad_hook){
                         .kind = HONE__HOOK_ACCUMULATED, .accumulated = hook, .user = user });
}

hone_status hone_remove_hook(hone_tensor *t, int64_t hook)
{
    if (!hone__needs_tensor("remove_hook", t))
        return hone__error_last();
    if (hone__hooks_remove(hooks_of(t), hook))
        return HONE_OK;
    return hone_error_set(HONE_E_VALUE, "remove_hook: %s has no hook %lld", hone__tensor_text(t).s,
                          (long long)hook);
}

hone_status hone_retain_grad(hone_tensor *t)
{
    if (!can_have_hooks("retain_grad", t))
        return hone__error_last();
    if (!t->node || hone__hooks_retainer(hooks_of(t), t->out_index))
        return HONE_OK;
    return add(t, (hone__grad_hook){ .kind = HONE__HOOK_RETAIN }) ? HONE_OK : HONE_E_NOMEM;
}

bool hone_retains_grad(const hone_tensor *t)
{
    return hone__needs_tensor("retains_grad", t) && t->node &&
           hone__hooks_retainer(hooks_of(t), t->out_index);
}
