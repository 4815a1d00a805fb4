/* mode.c: see mode.h. */
#include "op/mode.h"

_Thread_local bool hone__grad_disabled;

bool hone_grad_enabled(void)
{
    return hone__grad_on();
}

bool hone_set_grad_enabled(bool enabled)
{
    const bool previous = hone__grad_on();
    hone__grad_disabled = !enabled;
    return previous;
}

void hone_grad_mode_guard(const bool *previous)
{
    hone__grad_disabled = !*previous;
}
