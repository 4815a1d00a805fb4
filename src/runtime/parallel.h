/* parallel.h: how work is spread over threads (DESIGN: never slower with more threads).
 *
 * One cost model decides per call between running inline and using the whole team; a result never
 * depends on the decision (contract 1), only on the shape. Nothing may fail inside a region:
 * validate and allocate before it. */
#ifndef HONE_RUNTIME_PARALLEL_H
#define HONE_RUNTIME_PARALLEL_H

#include "runtime/cost.h"
#include "runtime/topology.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Decides the team from the machine and the environment; false with one line in `message`. Called
 * by hone_init. */
bool hone__team_init(char *message, size_t size);
/** Threads that suit a machine, whatever the environment asks for, and the reason in a few words.
 */
int hone__machine_threads(const hone__topology *machine, char *reason, size_t size);
/** Threads that a region of the calling thread's has now, asked inside of one, and why so many:
 * "HONE_NUM_THREADS=2". */
int hone__team_now(char *reason, size_t size);

/** Threads that a region runs: the affinity mask, cgroup quota, OMP_NUM_THREADS and
 * HONE_NUM_THREADS bound it, with hone_set_threads the CPUs of the mask do; HONE_FORCE_THREADS
 * fixes it. Inside a parallel region (the caller's or ours) it is 1. */
int hone__team_size(void);

/** Where the operands of the running op are, by the op that used them last; written by the caller
 * of the op, read by hone__team_for. */
typedef struct {
    int64_t near_bytes;   /* in the calling thread's core */
    int64_t spread_bytes; /* among the team's cores */
    int64_t read_bytes;   /* of operands that aren't changed, wherever they are */
    int64_t passing_near; /* what of near_bytes is of those that are larger than a core's cache */
    unsigned regions;     /* that this thread has started so far */
    bool large;           /* one of them, or of the results, is worth a thought */
} hone__data_place;
extern _Thread_local hone__data_place hone__data_now __attribute__((tls_model("initial-exec")));

/** Team for a job of `total_ns` (estimated single-thread nanoseconds) that can be cut into at most
 * `parts` pieces: 1 = run inline, else min(team, parts) threads. With HONE_FORCE_THREADS=N: min(N,
 * parts). */
int hone__team_for(double total_ns, int64_t parts);

/** Of a core's own cache. */
double hone__core_bytes(void);

/** What it costs each of n threads to change its share of `bytes` that all of them have read. */
double hone__changing_ns(int64_t bytes, int n);

/** From now on the calling thread, one of hone's own beside the team, runs its regions alone. */
void hone__team_never(void);

extern atomic_bool hone__team_forced; /* by HONE_FORCE_THREADS */
/** True if a job of so many ns is run inline, whatever the machine is. */
static inline bool hone__runs_inline(double total_ns)
{
    return total_ns < HONE__COST_REGION_NS &&
           !atomic_load_explicit(&hone__team_forced, memory_order_relaxed);
}

typedef void (*hone__range_body)(void *ctx, int64_t begin, int64_t end);

/** Runs body over [0, n), cut into one contiguous range a thread; every cut lies on a multiple of
 * `grain`.
 *  @param ns_per_item  estimated single-thread cost of one item, for the cost model. */
void hone__parallel_for(int64_t n, int64_t grain, double ns_per_item, hone__range_body body,
                        void *ctx);

typedef void (*hone__team_body)(void *ctx, int thread, int n_threads);

/** Runs body once on each of `n_threads` threads (n_threads from hone__team_for); 1 runs inline.
 * The body must go by the n_threads it is given: inside another parallel region it is 1. The body
 * may synchronise with hone__team_barrier(). Each thread runs with round-to-nearest and hone's
 * denormal mode; the caller's are restored. */
void hone__parallel_team(int n_threads, hone__team_body body, void *ctx);
void hone__team_barrier(void);
/** In a loop that waits for another thread. */
void hone__relax(void);

#endif
