/* cost.h: what it costs to use the team, in one place. Nanoseconds.
 *
 * A job of t ns on one thread takes about REGION + team * PER_THREAD + t / (n * EFFICIENCY) when n
 * of the team's threads share it. It goes to the team if that is less by the factor GAIN: contract
 * 2 is that more threads never make anything slower, so a doubtful case stays on one.
 *
 * Measured with libgomp on a 2-core Zen 4 VM: an empty region takes 0.9 to 1.2 us while the workers
 * still spin (up to about 100 us after the last one). */
#ifndef HONE_RUNTIME_COST_H
#define HONE_RUNTIME_COST_H

#define HONE__COST_REGION_NS     1500.0 /* to start a region and to leave it */
#define HONE__COST_PER_THREAD_NS 250.0  /* each thread of the team: to release and to wait for */
#define HONE__COST_EFFICIENCY    0.85   /* shared caches, memory and clock */
#define HONE__COST_GAIN          1.25

/* A region that takes longer than STALL_FACTOR times its one-thread estimate and STALL_NS was held
 * up by others on this machine: a thread of the team waited for a core. Then hone works on one
 * thread for PAUSE_NS, twice as long after each further stall, up to PAUSE_MOST_NS; RELIEF good
 * regions in a row make the next pause short again. */
#define HONE__STALL_FACTOR  4.0
#define HONE__STALL_NS      2e6
#define HONE__PAUSE_NS      20000000
#define HONE__PAUSE_MOST_NS 1280000000
#define HONE__RELIEF        200

/** Estimated time of a job of `total_ns` shared by n > 1 threads of a team. */
static inline double hone__cost_parallel_ns(double total_ns, int n, int team)
{
    return HONE__COST_REGION_NS + team * HONE__COST_PER_THREAD_NS +
           total_ns / (n * HONE__COST_EFFICIENCY);
}

#endif
