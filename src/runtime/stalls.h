/* stalls.h: when threads of the team wait for a core: the account that decides whether hone goes on
 * with the team (cost.h says how). */
#ifndef HONE_RUNTIME_STALLS_H
#define HONE_RUNTIME_STALLS_H

#include <stdbool.h>
#include <stdint.h>

/** CLOCK_MONOTONIC. */
int64_t hone__now_ns(void);

/** Is hone to work on one thread for now? */
bool hone__team_pauses(void);

/** Of one region, kept by the thread that starts it. */
typedef struct {
    int64_t began, own_end; /* of its own part */
    int64_t cpu_began;      /* its CPU time; -1: not asked for */
} hone__stopwatch;

hone__stopwatch hone__watch_begin(void);
void hone__watch_own_end(hone__stopwatch *watch);
/** When all `n_threads` are done. */
void hone__watch_end(const hone__stopwatch *watch, int n_threads);

/** Puts what a region saved (or lost, below 0) to the account, at `now` of hone__now_ns. */
void hone__stalls_account(int64_t gained_ns, int64_t now);

#endif
