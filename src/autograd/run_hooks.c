/* run_hooks.c: see run_hooks.h. */
#include "autograd/run_hooks.h"

#include <hone/autograd.h>
#include <hone/ops.h>

/* *grad becomes what a hook has given in its place. */
static bool replace(const char *of, hone_tensor **grad, hone_tensor *by)
{
    if (!hone__is_real(by))
        return hone__refuse_tensor("register_hook", by);
    if (by->dtype != (*grad)->dtype || !hone__same_shape(by, *grad)) {
        hone_error_set(by->dtype != (*grad)->dtype ? HONE_E_DTYPE : HONE_E_SHAPE,
                       "register_hook: a hook gave %s in place of the gradient %s of %s",
                       hone__tensor_text(by).s, hone__tensor_text(*grad).s, of);
        return false;
    }
    hone_retain(by);
    hone_release(*grad);
    *grad = by;
    return true;
}

static bool call(const hone__grad_hook *hook, const char *of, hone_tensor **grad)
{
    HONE_SCOPE();
    const uint64_t errors = hone__error_count();
    hone_tensor *by = hook->gradient(*grad, hook->user);
    if (hone__error_since(errors))
        return false;
    return !by || by == *grad || replace(of, grad, by);
}

/* What is kept has no history: it could lead back to the node that keeps it. */
static bool keep(hone__grad_hook *hook, hone_tensor *grad)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor *sum = hook->retained ? hone_add(hook->retained, grad) : hone_clone(grad);
    if (!sum)
        return false;
    hone_release(hook->retained);
    hook->retained = hone_retain(sum);
    return true;
}

bool hone__hooks_run(hone__hooks *hooks, const char *of, int out, hone_tensor **grad)
{
    bool ok = true;
    const int n = hooks->n;
    hooks->running++;
    for (int i = 0; ok && i < n; i++) {
        const hone__grad_hook hook = hooks->at[i]; /* the list may move */
        if (hook.kind == HONE__HOOK_GRADIENT && hook.out == out)
            ok = call(&hook, of, grad);
    }
    for (int i = 0; ok && i < n; i++)
        if (hooks->at[i].kind == HONE__HOOK_RETAIN && hooks->at[i].out == out)
            ok = keep(&hooks->at[i], *grad);
    if (--hooks->running == 0)
        hone__hooks_sweep(hooks);
    return ok;
}

/* Those of one kind, of the first n. */
static bool call_accumulated(const hone__hooks *hooks, int n, hone__hook_kind kind,
                             hone_tensor *leaf)
{
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        const hone__grad_hook hook = hooks->at[i];
        if (hook.kind != kind)
            continue;
        HONE_SCOPE();
        const uint64_t errors = hone__error_count();
        const hone_status status = hook.accumulated(leaf, hook.user);
        ok = status == HONE_OK && !hone__error_since(errors);
        if (status != HONE_OK && !hone__error_since(errors))
            hone_error_set(status, "register_post_accumulate_grad_hook: a hook of %s failed",
                           hone__tensor_text(leaf).s);
    }
    return ok;
}

bool hone__hooks_accumulated(hone__hooks *hooks, hone_tensor *leaf)
{
    const int n = hooks->n;
    hooks->running++;
    const bool ok = call_accumulated(hooks, n, HONE__HOOK_ACCUMULATED, leaf) &&
                    call_accumulated(hooks, n, HONE__HOOK_UPDATE, leaf);
    if (--hooks->running == 0)
        hone__hooks_sweep(hooks);
    return ok;
}
