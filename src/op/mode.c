/* mode.c: see mode.h. */
#include "op/mode.h"

#include <hone/hooks.h>

_Thread_local bool hone__grad_disabled;
_Thread_local bool hone__anomaly_on;

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

bool hone_anomaly_enabled(void)
{
    return hone__anomaly_on;
}

bool hone_set_detect_anomaly(bool on)
{
    const bool previous = hone__anomaly_on;
    hone__anomaly_on = on;
    return previous;
}

void hone_anomaly_mode_guard(const bool *previous)
{
    hone__anomaly_on = *previous;
}
