/* mode.c: whether this thread records what it computes. */
#include <hone/autograd.h>

static _Thread_local bool grad_disabled;

bool hone_grad_enabled(void)
{
    return !grad_disabled;
}

bool hone_set_grad_enabled(bool enabled)
{
    bool previous = !grad_disabled;
    grad_disabled = !enabled;
    return previous;
}

void hone_grad_mode_guard(const bool *previous)
{
    grad_disabled = !*previous;
}
