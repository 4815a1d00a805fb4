/* ranks.h: a command that runs as several ranks (hone/dist.h): rank 0 speaks and writes, the others
 * compute. */
#ifndef HONE_CLI_RANKS_H
#define HONE_CLI_RANKS_H

#include "metrics.h"
#include "progress.h"

/** Joins the job that this process was started in. CLI_OK or a status with an error printed. */
int ranks_join(const char *command);
/** The end of the command with that status, which it gives back; one that isn't 0 ends all ranks. */
int ranks_leave(int status);
/** True: other ranks do their share of this process's work. */
bool ranks_share(void);
/** Who they are, what is to be known about their places. */
void ranks_tell(progress *p);
/** What they sent to each other, after a training. */
void ranks_tell_traffic(progress *p);

/** Adds numbers of all ranks, whose sums are exact. False: an error is pending. */
bool ranks_sum(double *numbers, int n);
/** Each rank has some rows of numbers, the others of which are 0. False: an error is pending. */
bool ranks_merge(hone_tensor *rows);
/** Answers that ranks have counted, rows of one set. False: an error is pending. */
bool ranks_merge_metrics(metrics *m);

#endif
