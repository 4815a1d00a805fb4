/* pin.h: HONE_PIN=1 binds each thread of the team to a core of its own, so that the kernel doesn't
 * move it away from its caches and its NUMA node.
 *
 * There is one pinned team: that of the first thread which uses one. A second caller's team on the
 * same cores would only be in its way, so its threads get all CPUs of the process (they may have
 * inherited one). So does a forked child.
 *
 * Where OMP_PROC_BIND and the like make the OpenMP runtime bind the team's threads, hone leaves all
 * of them alone. Where neither binds, threads that the team starts from a thread which the program
 * has bound to one core get all CPUs of the process; that thread itself stays where it is. */
#ifndef HONE_RUNTIME_PIN_H
#define HONE_RUNTIME_PIN_H

#include <stdbool.h>
#include <stddef.h>

/** Reads HONE_PIN; false with one line in `message`. After hone__topology_load. */
bool hone__pin_init(char *message, size_t size);

typedef enum { HONE__UNTOUCHED, HONE__PINNED, HONE__RELEASED } hone__pin_team;

/** What the calling thread's team is to be. */
hone__pin_team hone__pin_team_of_caller(void);
/** By each thread of a team; does nothing if the thread is bound as it should be already. */
void hone__pin_thread(hone__pin_team team, int thread);

/** Moves the calling thread to another CPU of its mask, if there is one and it isn't bound by us:
 * the kernel may leave two threads of a team on one CPU for seconds while the next one is idle. */
void hone__pin_leave_cpu(int cpu);

/** In a forked child: its one thread may run anywhere again. */
void hone__pin_after_fork(void);

#endif
