/* clock.h: the time of the programs of perf/. */
#ifndef HONE_PERF_CLOCK_H
#define HONE_PERF_CLOCK_H

#include <time.h>

static inline double clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/** On the wall. */
static inline double now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/** Of this thread: what others do counts less. */
static inline double thread_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/** The least time of `runs` calls: other programs only ever add. */
static inline double best_ns(int runs, void (*run)(const void *), const void *of)
{
    double best = 1e18;
    for (int i = 0; i < runs; i++) {
        const double began = now_ns();
        run(of);
        const double took = now_ns() - began;
        best = took < best ? took : best;
    }
    return best;
}

#endif
