/* cost.h: what it costs to use the team, in one place. Nanoseconds.
 *
 * A job of t ns on one thread takes about REGION + n * PER_THREAD + t / (n * EFFICIENCY) on n. It
 * goes to the team if that is less by the factor GAIN: contract 2 is that more threads never make
 * anything slower, so a doubtful case stays on one. */
#ifndef HONE_RUNTIME_COST_H
#define HONE_RUNTIME_COST_H

#define HONE__COST_REGION_NS     2500.0 /* libgomp: fork and join, workers still spinning */
#define HONE__COST_PER_THREAD_NS 150.0  /* each one more to release and to wait for */
#define HONE__COST_EFFICIENCY    0.85   /* shared caches, memory and clock */
#define HONE__COST_GAIN          1.25

/** Estimated time of a job of `total_ns` on n > 1 threads. */
static inline double hone__cost_parallel_ns(double total_ns, int n)
{
    return HONE__COST_REGION_NS + n * HONE__COST_PER_THREAD_NS +
           total_ns / (n * HONE__COST_EFFICIENCY);
}

#endif
