/* watch.c: see watch.h. */
#include "runtime/watch.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

hone__watcher hone__watch;

bool hone__ticks_are_counter;
static double ns_per_tick = 1;

static bool counter_is_steady(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
#elif defined(__aarch64__)
    return true;
#else
    return false;
#endif
}

void hone__ticks_begin(void)
{
    enum { CALIBRATION_NS = 5000000 };
    if (hone__ticks_are_counter || !counter_is_steady())
        return;
    hone__ticks_are_counter = true;
    const int64_t ns = hone__now_ns(), ticks = hone__ticks();
    int64_t now;
    while ((now = hone__now_ns()) - ns < CALIBRATION_NS)
        ;
    ns_per_tick = (double)(now - ns) / (double)(hone__ticks() - ticks);
}

double hone__ns_per_tick(void)
{
    return ns_per_tick;
}
