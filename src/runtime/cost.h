/* cost.h: what it costs to use the team, in one place. Nanoseconds.
 *
 * A job of t ns on one thread takes about REGION + team * PER_THREAD + t / (n * EFFICIENCY) when n
 * of the team's threads share it. It goes to the team if that is less by the factor GAIN: contract
 * 2 is that more threads never make anything slower, so a doubtful case stays on one.
 *
 * Data have a place too: the caches of the core that used them last. When an op's operands are in
 * the caller's (`near` bytes), each worker of a team has to fetch its share; when they are spread
 * over the team's, a caller that works alone has to fetch all but its own. A line that one core has
 * and another one now reads or writes costs 1 ns, but one that both have read and one now changes
 * waits for the other's answer: 5 to 9 ns. When the hypervisor puts the cores far apart these are 3
 * and 14 to 28, so LINE is measured as a program runs (lines.h). To read others' lines is charged a
 * MOVEDth of it; to let others read one's own a SHAREDth, as who changes them later waits. A light
 * job, an optimizer's step, thus goes where its data are; a heavy one is spread whatever they cost.
 * What is larger than a core's L2 is in no core's cache, and a result of that size, made from what
 * the team has, draws no op to one thread.
 *
 * Measured on an idle 2-core Zen 4 VM. Regions with libgomp: an empty `omp parallel` after 0 to
 * 300 us of other work takes 0.7 to 2 us, after 1 ms 3 us (the worker still spins), from 10 ms on
 * 70 us (it sleeps): where regions are that far apart, 70 us are nothing. With more threads than
 * CPUs it takes 20 to 70 us always, so a team never runs more threads than there are CPUs. Lines:
 * both threads read 300 KiB, then each changes its half, timed. */
#ifndef HONE_RUNTIME_COST_H
#define HONE_RUNTIME_COST_H

#define HONE__COST_REGION_NS      1500.0 /* to start a region and to leave it */
#define HONE__COST_PER_THREAD_NS  250.0  /* each thread of the team: to release and to wait for */
#define HONE__COST_EFFICIENCY     0.85   /* shared caches, memory and clock */
#define HONE__COST_GAIN           1.25
#define HONE__COST_LINE_NS        7.0 /* a cache line of another core's, before it is measured */
#define HONE__COST_LINE_FACTOR    1.5 /* when all change lines at once: one is measured */
#define HONE__COST_SHARED         2   /* to let others read one's lines costs so much less */
#define HONE__COST_MOVED          6   /* and to read theirs */
#define HONE__COST_LINE_LEAST_NS  1.0
#define HONE__COST_LINE_MOST_NS   100.0
#define HONE__COST_LINE_BYTES     64
#define HONE__COST_LINES_EVERY_NS 200000000 /* then it is measured again, in 20 us */
#define HONE__COST_CORE_BYTES     (1 << 20) /* a core's own cache, if hwloc doesn't know */

/* On a machine with other busy programs, a thread of the team may have to wait for a core while the
 * rest waits for it: a job of 20 us then takes a time slice or two of the kernel. Such a stall
 * shows in the calling thread: it waited for the others longer than STALL_NS and 3 times its own
 * work, or was itself without a core longer than STALL_NS and half the time it had one.
 *
 * A stall now and then costs less than to do without the team. So hone keeps an account: what the
 * team's regions have saved, up to CREDIT_MOST_NS, pays for stalls, and for regions that wait
 * longer for others than they save, if only a little. What it can't pay for makes hone work on one
 * thread for PAUSE_NS, twice as long each further time, up to PAUSE_MOST_NS, until the team has
 * saved CREDIT_FIRST_NS again, with which it starts, or none was needed for FORGET times as long.
 *
 * A try beside a program that keeps a core loses 4 ms or so, a pause that was needless half of
 * itself: at PAUSE_MOST_NS the one is 1 %, and who comes and goes by the second costs as little.
 *
 * Only the kernel knows the second kind, and to ask it takes 0.2 us: hone asks in the WATCHED
 * regions after one that took longer than STALL_NS. */
#define HONE__STALL_NS        2000000
#define HONE__PAUSE_NS        20000000
#define HONE__PAUSE_MOST_NS   320000000
#define HONE__PAUSE_FORGET    4
#define HONE__WATCHED         200
#define HONE__CREDIT_FIRST_NS 10000000
#define HONE__CREDIT_MOST_NS  40000000

/** Estimated time of a job of `total_ns` shared by n > 1 threads of a team. */
static inline double hone__cost_parallel_ns(double total_ns, int n, int team)
{
    return HONE__COST_REGION_NS + team * HONE__COST_PER_THREAD_NS +
           total_ns / (n * HONE__COST_EFFICIENCY);
}

/** To bring `bytes` from one core to another. */
static inline double hone__cost_fetch_ns(double bytes, double line_ns)
{
    return bytes * line_ns / HONE__COST_LINE_BYTES;
}

/** From how long a job is worth the whole team of n > 1 threads. */
static inline double hone__cost_break_even_ns(int n)
{
    return HONE__COST_GAIN * hone__cost_parallel_ns(0, n, n) /
           (1 - HONE__COST_GAIN / (n * HONE__COST_EFFICIENCY));
}

#endif
