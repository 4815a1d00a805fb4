/* record.h: what is written down while a profile runs.
 *
 * Each thread that calls hone has a ring of records. It alone writes to it, at the end of each op,
 * node, span and region; the step's end empties all rings (collect.c). No lock, no malloc, no system
 * call but what counters take. Times are ticks (runtime/watch.h). */
#ifndef HONE_PROFILE_RECORD_H
#define HONE_PROFILE_RECORD_H

#include "op/cost.h"
#include "runtime/watch.h"

typedef enum {
    HONE__RECORD_SKIP, /* to the ring's end */
    HONE__RECORD_OP,
    HONE__RECORD_NODE, /* a node's backward */
    HONE__RECORD_SPAN,
    HONE__RECORD_REGION,
    HONE__RECORD_ALLOC,
    HONE__RECORD_FREE,
    HONE__RECORD_PAGES,
} hone__record_kind;

typedef struct {
    uint32_t bytes; /* with this head, a multiple of 8 */
    uint8_t kind, phase;
    uint16_t depth; /* ops, nodes and spans around it */
} hone__record;

/** Of regions that an op started itself. */
typedef struct {
    int64_t ticks, work, wait; /* of the caller; of all threads together */
    int32_t n, team;
} hone__region_sums;

typedef struct {
    hone__record head;
    int64_t begin, end, own;
    const hone__op *op;
    const char *name;
    uint64_t seq;        /* of the node that it made, or that runs; 0: none */
    uint64_t in_node;    /* the node whose backward called it; 0: none */
    const void *subject; /* the first input's storage */
    uint32_t module;
    uint8_t n_shapes, dtype, in_place, unused;
    float remote; /* share of its pages, below 0: nobody looked */
    float written_share;
    double madds, bytes; /* own */
    hone__region_sums regions;
    uint64_t counts[HONE__EVENTS];
    /* n_shapes times: a number of dims, and they */
    int64_t shapes[];
} hone__op_record;

typedef struct {
    hone__record head;
    int64_t begin, end;
    uint32_t module;
    uint32_t kind; /* hone__span_kind */
    const char *name;
} hone__span_record;

typedef struct {
    hone__record head;
    int64_t begin, end;
    int64_t n;
    hone__region_part part[];
} hone__region_record;

typedef struct {
    hone__record head;
    int64_t at, bytes;
    uint32_t site, unused;
} hone__memory_record;

/** Where an operand's pages lie. */
enum { HONE__SEEN_NODES = 8 };
typedef struct {
    hone__record head;
    const void *storage;
    int64_t bytes;
    uint32_t site, module;            /* site 0: from before the profile; of whoever works on it */
    uint16_t pages[HONE__SEEN_NODES]; /* of a sample, by node; the last: of all further ones */
} hone__pages_record;

/* ---- threads */

typedef struct {
    char *base;
    size_t size;        /* a power of 2 */
    atomic_size_t head; /* by the thread */
    char apart[64];
    atomic_size_t tail; /* by who empties it */
} hone__ring;

enum { HONE__CACHE = 256 };

/** What an op around the ones to come adds up. */
typedef struct {
    int64_t ticks;
    double madds, bytes;
    hone__region_sums regions;
    uint64_t counts[HONE__EVENTS];
    uint64_t worker_counts[HONE__EVENTS]; /* of the other threads of its regions */
} hone__inner;

typedef struct hone__recorder hone__recorder;
struct hone__recorder {
    hone__ring ring;
    atomic_int tid;
    atomic_bool idle; /* its thread has ended: the next one takes it */
    /* by the thread: records, those of them that read no counters, those that had no room; at the
     * last step, by who empties the ring */
    _Atomic uint64_t records, light, dropped;
    uint64_t records_before, light_before, dropped_before;
    int64_t unnamed;          /* events of regions whose op has not ended yet, from this one on */
    _Atomic int64_t excluded; /* ticks of emptying rings in the middle of a step */
    uint32_t module;
    uint8_t phase;
    int depth;
    uint64_t node;
    const void *root; /* the outermost module that runs */
    hone__inner inner;
    int64_t last; /* the latest tick that it saw */
    hone__region_watch region;
    int room_parts;
    struct {
        const void *key;
        uint32_t module, generation, value;
    } modules[HONE__CACHE], sites[HONE__CACHE];
    hone__recorder *next;
};

/** All there are; they stay for the process's life. */
extern _Atomic(hone__recorder *) hone__recorders;

/** Makes room before the flag is set; sets the hooks. False: E_NOMEM. */
bool hone__record_ready(void);
/** The calling thread gives back at its end what it has of a profile. False: it can't. */
bool hone__record_at_thread_end(void);
/** A user's span, which changes neither module nor phase. False: nothing is recorded. */
bool hone__span_enter(int64_t *begin);
void hone__span_leave(int64_t begin, const char *name);
/** What a record costs its thread, in ticks: of an op or a region with the counters that are open, and
 * a light one, of memory or a span. Outside of steps. */
typedef struct {
    double op, light;
} hone__record_costs;
hone__record_costs hone__record_cost(void);
/** Sets the hooks of spans.c. */
void hone__watch_spans(void);
/** Of every ring: all that is in it is given to `take`, oldest first, and its room is free. Under
 * HONE__LOCK_PROFILE. */
void hone__rings_drain(void (*take)(hone__recorder *of, const hone__record *record));
/** Makes rings that have dropped something larger, outside of ops. */
void hone__rings_grow(void);
/** The step looks for the places of pages (numa.c). */
extern atomic_bool hone__record_looks;

/** Called where a ring is half full and no op runs on its thread. */
extern void (*hone__ring_half_full)(void);

/* ---- names (names.c) */

/** The id of a running module, whose outermost is `root`. */
uint32_t hone__module_id(const void *module, const void *root);
/** Of the module that has this parameter's storage; 0: unknown. */
uint32_t hone__module_of_storage(const void *storage);
const char *hone__module_path(uint32_t id);
void hone__module_forget(const void *module);
extern atomic_uint hone__module_generation;

/** Where memory comes from: an op in a module. 1..65535; the last stands for all others. */
unsigned hone__site_id(const char *op, uint32_t module);
typedef struct {
    const char *op;
    uint32_t module;
    _Atomic int64_t alive_bytes, alive;
} hone__memory_site;
hone__memory_site *hone__memory_site_at(unsigned id);
unsigned hone__sites(void); /* ids there are, and 1 */
bool hone__sites_ready(void);

/** A copy of a text that stays, one for all equal ones; "" if there is no memory. */
const char *hone__interned(const char *text);

#endif
