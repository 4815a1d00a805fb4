/* lines.h: what a cache line costs that several cores have read and one of them changes. It depends
 * on how far apart the threads run, and the kernel, or a hypervisor, moves them: on one virtual
 * machine it was 7 ns for minutes, then 28. So it is measured now and then. */
#ifndef HONE_RUNTIME_LINES_H
#define HONE_RUNTIME_LINES_H

#include <stdint.h>

/** Nanoseconds, as measured last; HONE__COST_LINE_NS before. */
double hone__line_ns(void);
/** Measures with a team of `n_threads` if that was last done HONE__COST_LINES_EVERY_NS ago or more;
 * `now` is CLOCK_MONOTONIC's. One thread at a time, the others do without. */
void hone__line_measure(int n_threads, int64_t now);

#endif
