/* hooks.c: see hooks.h. */
#include "op/hooks.h"

#include "runtime/memory.h"

#include <stdatomic.h>

int64_t hone__hooks_add(hone__hooks **hooks, hone__grad_hook hook)
{
    static atomic_int_fast64_t last;
    if (!*hooks && !(*hooks = hone__calloc(sizeof **hooks)))
        return 0;
    hone__hooks *h = *hooks;
    if (!hone__grow(&h->at, &h->room, h->n + 1, sizeof *h->at))
        return 0;
    hook.id = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    h->at[h->n++] = hook;
    return hook.id;
}

void hone__hooks_sweep(hone__hooks *h)
{
    int kept = 0;
    for (int i = 0; i < h->n; i++)
        if (h->at[i].kind != HONE__HOOK_GONE)
            h->at[kept++] = h->at[i];
    h->n = kept;
}

bool hone__hooks_remove(hone__hooks *hooks, int64_t id)
{
    for (int i = 0; hooks && i < hooks->n; i++) {
        if (hooks->at[i].id != id || hooks->at[i].kind == HONE__HOOK_GONE)
            continue;
        hooks->at[i].kind = HONE__HOOK_GONE;
        if (hooks->running == 0)
            hone__hooks_sweep(hooks);
        return true;
    }
    return false;
}

bool hone__hooks_have(const hone__hooks *hooks, hone__hook_kind kind)
{
    for (int i = 0; i < hooks->n; i++)
        if (hooks->at[i].kind == kind)
            return true;
    return false;
}

const hone__grad_hook *hone__hooks_retainer(const hone__hooks *hooks, int out)
{
    for (int i = 0; hooks && i < hooks->n; i++)
        if (hooks->at[i].kind == HONE__HOOK_RETAIN && hooks->at[i].out == out)
            return &hooks->at[i];
    return NULL;
}

void hone__hooks_free(hone__hooks *hooks)
{
    if (!hooks)
        return;
    for (int i = 0; i < hooks->n; i++)
        hone_release(hooks->at[i].retained);
    hone_release(hooks->before);
    hone__free(hooks->at);
    hone__free(hooks);
}
