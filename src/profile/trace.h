/* trace.h: the trace for Perfetto and chrome://tracing, written step by step. */
#ifndef HONE_PROFILE_TRACE_H
#define HONE_PROFILE_TRACE_H

#include "profile/tally.h"

/** Creates the file. False: E_IO. */
bool hone__trace_open(const char *path, const char *title);
/** Writes a step's events, which it sorts; watts: NaN if not told. What doesn't fit on the disk is left
 * out, and the file stays a whole one. */
void hone__trace_step(hone__events *events, const hone__memory_point *points, int64_t n_points,
                      double gflops, double ghz, double watts);
/** False: E_IO: some of it couldn't be written. */
bool hone__trace_close(void);
bool hone__trace_is_open(void);

#endif
