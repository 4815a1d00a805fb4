/** @file profile.h
 * Where a step's time, bytes, multiply-adds, memory and joules go. What `hone profile` does, from C:
 *
 *      hone_profile_begin(&(hone_profile_options){ .warmup = 3, .html = "step.html" });
 *      for (int i = 0; i < 23; i++) {
 *          HONE_PROFILE_SCOPE("train");                  // optional: a name of one's own
 *          train_one_batch();
 *          hone_profile_step();
 *      }
 *      hone_profile_end();                               // writes the files
 *      hone_profile_print(stdout);
 *
 * Every call of an op is recorded, forward, backward and update, of all threads that call hone; with
 * it the module that it ran in, its shapes, what the team's threads did and waited, and memory. An
 * op's own time is without the ops that it calls. What it had to do at least (multiply-adds, bytes)
 * follows from its shapes, and with the machine's limits, measured at the end, how far it is from the
 * best that could be. Functions of hone_apply() are ops under their own names.
 *
 * While a profile runs results have the same bits as without. One runs at a time. Records wait in a
 * buffer of each thread until the step ends; what doesn't fit is dropped, counted and told. */
#ifndef HONE_PROFILE_H
#define HONE_PROFILE_H

#include <hone/tensor.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int64_t warmup; /**< steps that are left out of the result at first */
    const char
        *trace;       /**< file for Perfetto and chrome://tracing, written as it runs; NULL: none */
    const char *html; /**< page of pictures; NULL: none */
    const char *json; /**< what hone_profile_diff() compares; NULL: none */
    const char *events; /**< counted a call and a thread: names of perf's with commas between
                             ("cycles,instructions"); NULL: the generic ones; "none" */
    const char *title;  /**< for the page and the files; NULL: "hone profile" */
    bool no_roofs;      /**< don't measure the machine's limits (about a second) */
    HONE_RESERVE(63);
} hone_profile_options;

/** Begins a profile. options may be NULL.
 *  Errors: HONE_E_STATE (one runs), HONE_E_VALUE (an event that doesn't exist), HONE_E_IO (a file
 *          that can't be written), HONE_E_NOMEM. Counters that the machine refuses are no error: the
 *          report says why. */
HONE_API hone_status hone_profile_begin(const hone_profile_options *options);
/** A step ends here and the next begins. Without this all is one step. Nothing if none runs. */
HONE_API void hone_profile_step(void);
/** Ends it, measures the limits, writes the files.
 *  Errors: HONE_E_STATE (none runs), HONE_E_IO, HONE_E_NOMEM; what was gathered can be printed all the
 *          same. */
HONE_API hone_status hone_profile_end(void);
/** The last profile as tables.
 *  Errors: HONE_E_STATE (there is none, or one runs), HONE_E_NOMEM. */
HONE_API hone_status hone_profile_print(FILE *to);
/** What changed between two files of options.json, and whether that is more than their spread.
 *  Errors: HONE_E_IO, HONE_E_VALUE (no such file). */
HONE_API hone_status hone_profile_diff(const char *before, const char *after, FILE *to);

/** Names a part of the calling thread's time, in the trace, the page and the tables; they nest. Cheap
 * when no profile runs. */
typedef struct {
    const char *name;
    int64_t begin;
    bool on;
} hone_profile_scope;
HONE_API hone_profile_scope hone_profile_scope_enter(const char *name);
HONE_API void hone_profile_scope_leave(hone_profile_scope *scope);
/** Until this block is left. */
#define HONE_PROFILE_SCOPE(name)                                                                   \
    __attribute__((cleanup(hone_profile_scope_leave), unused)) hone_profile_scope HONE_CAT(        \
        hone_profile_guard_, __COUNTER__) = hone_profile_scope_enter(name)

/* ---- the last profile's numbers */

typedef enum {
    HONE_PROFILE_FORWARD,
    HONE_PROFILE_BACKWARD,
    HONE_PROFILE_UPDATE
} hone_profile_phase;
/** What holds it back, in one word. */
typedef enum {
    HONE_PROFILE_COMPUTE,  /**< multiply-adds */
    HONE_PROFILE_MEMORY,   /**< bytes */
    HONE_PROFILE_OVERHEAD, /**< it is so small that the call itself costs most */
    HONE_PROFILE_IMBALANCE /**< threads wait for others */
} hone_profile_verdict;

/** Calls of one op in one module with the same shapes. Sums over the measured steps. */
typedef struct {
    const char *op;     /**< "conv2d"; of a node's own work in the backward "conv2d backward" */
    const char *module; /**< "features.0"; "": outside of modules */
    const char *shapes; /**< "f32 [100, 784] x [784, 100]" */
    hone_profile_phase phase;
    int64_t calls;
    double seconds;              /**< own time */
    double multiply_adds, bytes; /**< least */
    double wait_share;           /**< of its time, how long the mean thread of its regions waits */
    double roof_seconds;         /**< at the machine's limit; 0: limits weren't measured */
    hone_profile_verdict verdict;
    double remote_share; /**< of its pages, on another NUMA node than the thread that works on them;
                               negative: one node, or not known */
    int64_t leaked_bytes; /**< a step, of its results: alive after each step, more after each */
} hone_profile_row;

typedef struct {
    int64_t steps;           /**< measured */
    double seconds;          /**< of all of them; a step's: / steps */
    double op_seconds;       /**< the ops' own times */
    double overhead_seconds; /**< what recording took, already taken off both */
    double multiply_adds, bytes;
    int64_t records, dropped;
    int64_t peak_bytes; /**< of memory in use */
    int n_rows;
    const hone_profile_row *rows; /**< by seconds, most first */
} hone_profile_summary;

/** Numbers of the last profile; they live until the next one begins.
 *  Errors: HONE_E_STATE (there is none, or one runs). */
HONE_API hone_status hone_profile_get(hone_profile_summary *summary);

#ifdef __cplusplus
}
#endif

#endif
