/* watch.h: what may be seen of a run: the flag that everything asks first, the clock of what is
 * seen, and whom regions, storage, modules and phases tell. src/profile is the one that listens.
 *
 * Off, an op pays nothing for it: the flag is part of the word that it asks anyway
 * (runtime/readiness.h), and so it is with the memory of small results. */
#ifndef HONE_RUNTIME_WATCH_H
#define HONE_RUNTIME_WATCH_H

#include "runtime/stalls.h"
#include "runtime/readiness.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the flag, the low half of hone__readiness: its low half counts tools at the probes
 * (op/probes.h), its high one is a profile */

#define HONE__PROFILE_ON ((uint64_t)0x10000)

static inline uint32_t hone__watch_now(void)
{
#ifdef HONE_UNWATCHED /* tests/profile/off.sh measures what the flag costs */
    return 0;
#else
    return (uint32_t)atomic_load_explicit(&hone__readiness, memory_order_relaxed);
#endif
}
/** Hone is set up and nobody looks on. */
static inline bool hone__quiet(void)
{
#ifdef HONE_UNWATCHED
    return __builtin_expect(hone__readiness_now() >> HONE__SET_UP_BITS == 0, 1);
#else
    return __builtin_expect(hone__readiness_now() == 0, 1);
#endif
}
static inline bool hone__watched(void)
{
    return __builtin_expect(hone__watch_now() != 0, 0);
}
/** A profile runs: what it has set before its flag is there. */
static inline bool hone__profiled(void)
{
#ifdef HONE_UNWATCHED
    return false;
#else
    return __builtin_expect((uint32_t)hone__readiness_now() >= HONE__PROFILE_ON, 0);
#endif
}

/* ---- the clock: the CPU's counter where it runs at one rate, else CLOCK_MONOTONIC */

extern bool hone__ticks_are_counter;
/** Finds out what a tick is, in 5 ms, once. */
void hone__ticks_begin(void);
double hone__ns_per_tick(void);

static inline int64_t hone__ticks(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(hone__ticks_are_counter, 1))
        return (int64_t)__builtin_ia32_rdtsc();
    return hone__now_ns();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return (int64_t)ticks;
#else
    return hone__now_ns();
#endif
}

/* ---- what is told */

enum { HONE__EVENTS = 8 }; /* counted by the CPU or the kernel, at most */

/** One thread's part of a region. Times are ticks. */
typedef struct {
    int64_t begin, end;
    int64_t wait; /* at barriers in between */
    int tid, cpu;
    int n_counts;
    uint64_t counts[HONE__EVENTS];
} hone__region_part;

typedef struct {
    int64_t begin, end;
    int n; /* parts */
    hone__region_part *part;
} hone__region_watch;

/** A span of a thread's time that is no op. */
typedef enum {
    HONE__SPAN_MODULE,   /* what: the hone_module */
    HONE__SPAN_BACKWARD, /* NULL */
    HONE__SPAN_UPDATE,   /* the optimizer's name */
    HONE__SPAN_USER,     /* the user's name */
    HONE__SPANS
} hone__span_kind;

/** Where a span began; lies on the stack of whom it is about. */
typedef struct {
    int64_t begin;
    uint32_t outer_module;
    uint8_t outer_phase;
    bool outermost; /* module */
    bool on;
} hone__span_mark;

typedef struct {
    void (*span_begin)(hone__span_mark *mark, hone__span_kind kind, const void *what);
    void (*span_end)(hone__span_mark *mark, hone__span_kind kind, const void *what);
    /* NULL: not watched. Parts are filled by the threads, each by its own. */
    hone__region_watch *(*region_begin)(int n_threads);
    void (*part_begin)(hone__region_part *part);
    void (*part_end)(hone__region_part *part);
    void (*region_end)(hone__region_watch *region);
    /* Memory that was marked with a site is given back: also when no profile runs. */
    void (*storage_gone)(unsigned site, size_t bytes);
    void (*_Atomic module_gone)(const void *module); /* asked for without the flag */
} hone__watcher;
/** Set by src/profile at its first profile, before the flag. */
extern hone__watcher hone__watch;

static inline void hone__span_begin(hone__span_mark *mark, hone__span_kind kind, const void *what)
{
    mark->on = hone__profiled();
    if (mark->on)
        hone__watch.span_begin(mark, kind, what);
}
static inline void hone__span_end(hone__span_mark *mark, hone__span_kind kind, const void *what)
{
    if (__builtin_expect(mark->on, 0))
        hone__watch.span_end(mark, kind, what);
}

#endif
