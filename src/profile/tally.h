/* tally.h: what steps add up to: rows, memory, and the events of one step. Filled from the rings when
 * a step ends; read when the profile has ended. Under HONE__LOCK_PROFILE. */
#ifndef HONE_PROFILE_TALLY_H
#define HONE_PROFILE_TALLY_H

#include "profile/machine.h"
#include "profile/record.h"
#include "profile/roofs.h"

#include <hone/profile.h>

/* ---- values a step, of which a few dozen spread over all steps are kept */

enum { HONE__SAMPLES = 48 };
typedef struct {
    double at[HONE__SAMPLES];
    int n;
    int64_t stride, until; /* every so many is kept; the next one after so many */
} hone__samples;
void hone__samples_add(hone__samples *s, double value);
/** Quarters: q[0..4] are the least, the quartiles and the largest; zeros if there are none. */
void hone__samples_quarters(const hone__samples *s, double q[5]);

/* ---- rows */

typedef struct {
    const char *op; /* stays */
    uint32_t module;
    uint8_t phase, dtype;
    bool is_node;
    uint64_t hash; /* of op, module, phase and shapes */
    char shapes[112];
    int64_t calls;
    double own, madds, bytes, written; /* own: ticks */
    double region, work, wait;         /* ticks; the last two of all threads */
    int team;
    double counts[HONE__EVENTS];
    double looked, remote; /* calls whose pages were looked at; sum of their remote shares */
    double step;           /* own ticks of the step that is being read */
    hone__samples steps;
    hone_profile_verdict verdict; /* by the report */
    double roof;                  /* seconds, all calls */
} hone__row;

/** Spans of one name: modules are not among them. */
typedef struct {
    const char *name;
    int64_t calls;
    double total; /* ticks */
} hone__span_row;

/* ---- the events of a step, for pictures */

typedef enum {
    HONE__EVENT_OP,
    HONE__EVENT_NODE,
    HONE__EVENT_SPAN,
    HONE__EVENT_WORK,
    HONE__EVENT_WAIT
} hone__event_kind;
typedef struct {
    int64_t begin, end; /* ticks */
    const char *name;
    uint32_t module;
    int32_t tid, row; /* row: -1: none */
    uint64_t seq;     /* of a node; 0: none */
    uint8_t kind, phase;
    uint16_t depth;
} hone__event;
typedef struct {
    hone__event *at;
    int64_t n, room, dropped;
    int64_t begin, end; /* ticks of the step */
} hone__events;

typedef struct {
    int64_t at, bytes; /* in use */
} hone__memory_point;

enum { HONE__MEMORY_POINTS = 4096, HONE__ROWS = 8192, HONE__SPAN_ROWS = 128 };

/** A tensor in the step that looked where pages lie. */
enum { HONE__PLACED = 512 };
typedef struct {
    const void *storage; /* it may be gone */
    const char *op;      /* that made it; NULL: it was there before */
    uint32_t module;
    int64_t bytes;
    uint16_t pages[HONE__SEEN_NODES];
} hone__placed;

/** Memory of one site: bytes alive. */
typedef struct {
    int64_t now, since_peak;   /* change of the second since the peak */
    int64_t first, last, grew; /* at steps' ends; how often it grew */
} hone__site_memory;

typedef struct {
    /* what was asked for */
    int64_t warmup;
    bool wants_events; /* of a step, for pictures */
    /* steps */
    int64_t steps, all_steps; /* measured; with those of the warm-up */
    double wall, own;         /* ticks of all measured steps, without overhead */
    double overhead;          /* ticks that recording took in them, by its measured cost */
    hone__record_costs record_costs;
    int64_t records, dropped;
    hone__samples step_walls;
    double madds, bytes;
    /* rows */
    hone__row *rows;
    int n_rows;
    hone__span_row spans[HONE__SPAN_ROWS];
    int n_spans;
    /* memory */
    hone__site_memory *sites; /* hone__sites() of them count */
    int64_t in_use, peak;     /* as the steps' records say */
    int64_t peak_at_begin;    /* in use before the profile */
    int64_t pool_peak;        /* with what ops take while they run; 0: there was more before */
    hone__memory_point *points, *last_points;
    int64_t n_points, n_last_points;
    /* nodes */
    hone__placed *placed; /* room for HONE__PLACED */
    int n_placed;
    /* events */
    hone__events events, last; /* of the step that runs; of the last measured one */
    /* the machine */
    hone__process_counts process; /* over the measured steps */
    double joules;                /* NaN: not told */
    hone__samples ghz;
    bool ghz_measured;
    double hottest;
    int64_t throttled, slowed_steps;
    char slowed_by[120];
    double little, big; /* ticks of parts on little cores, and on others; both 0: not told */
    char energy_reason[200], counters_reason[300];
    double counter_scale;
    int n_counters;
    char counter_names[HONE__EVENTS][48];
} hone__tallied;

extern hone__tallied hone__tally;

/** Begins; false + E_NOMEM. */
bool hone__tally_begin(int64_t warmup, bool wants_events);
/** Empties the rings into it. */
void hone__tally_drain(void);
/** The step that ran from `begin` to `end` (ticks) is over; `excluded` of them are no part of it. */
void hone__tally_step(int64_t begin, int64_t end, int64_t excluded);
/** What of it is only of use while it runs is given back. */
void hone__tally_end(void);
/** All of it is given back. */
void hone__tally_free(void);
/** A measured step runs: not one of the warm-up. */
bool hone__tally_measures(void);

#endif
