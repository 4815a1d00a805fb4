/* channel_runs.h: batch norm's kernels over [samples, channels, positions]. */
#ifndef HONE_LOOPS_CHANNEL_RUNS_H
#define HONE_LOOPS_CHANNEL_RUNS_H

#include "core/core.h"
#include "isa/isa.h"

/** Elements of a plane of bf16, at most. */
enum { HONE__CHANNELS_OF_HALVES = 4096 };

/** All of it f32 or f64, contiguous and not empty. bf16: x, y, dy and dx are, of 2 to
 * HONE__CHANNELS_OF_HALVES positions, and are widened as they are read and rounded as they are written; all
 * else is f32. */
typedef struct {
    hone_dtype dtype;
    int64_t samples, channels, positions;
    hone__channels of; /* [channels]; its step isn't looked at */
    /* y had a ReLU: in the same pass; dy counts as +0 where y, computed again, is <= 0 */
    bool relu;
} hone__channel_run;

/** y = batch norm of x (kernels.h). */
void hone__channels_normalise(const hone__channel_run *r, void *y, const void *x);

/** g and gv [samples, channels]: the sums of dy and dy * v of each sample's positions. room: of
 * hone__channels_room bytes, NULL if that is 0. */
void hone__channels_sums(const hone__channel_run *r, void *g, void *gv, const void *dy,
                         const void *x, void *room);
size_t hone__channels_room(const hone__channel_run *r);

/** sum [channels] += each sample's sums, in order. */
void hone__channels_chain(const hone__channel_run *r, void *sum, const void *sums);

/** dx of batch norm (kernels.h); of run.relu it may not be dy or x. */
void hone__channels_dx(const hone__channel_run *r, void *dx, const void *dy, const void *x);

#endif
