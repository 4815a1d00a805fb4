/* probes.h: hone:op__begin and hone:op__end for perf, bpftrace, SystemTap and gdb: the op's name, its
 * first input and how many it has; at its end how many outputs it gave, -1 for an error. Found at
 * build (sys/sdt.h of systemtap-sdt-dev); nothing without it. A tool that attaches counts itself in
 * the lowest 16 bits of hone__readiness, so that without one an op pays nothing. */
#ifndef HONE_OP_PROBES_H
#define HONE_OP_PROBES_H

#ifdef HONE_SDT
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
/* Both are the lowest 16 bits of hone__readiness: other names of it, given in readiness.c. */
extern unsigned short hone_op__begin_semaphore __attribute__((visibility("hidden")));
extern unsigned short hone_op__end_semaphore __attribute__((visibility("hidden")));
#define HONE__PROBE_BEGIN(name, first, n) DTRACE_PROBE3(hone, op__begin, name, first, n)
#define HONE__PROBE_END(name, n)          DTRACE_PROBE2(hone, op__end, name, n)
#else
#define HONE__PROBE_BEGIN(name, first, n) ((void)(name), (void)(first), (void)(n))
#define HONE__PROBE_END(name, n)          ((void)(name), (void)(n))
#endif

#endif
