/** @file events.h
 * Event files: what TensorBoard shows of a run while it runs.
 *
 *      hone_events *events = hone_events_new("runs/first", NULL);
 *      hone_events_scalar(events, "loss/train", step, loss);      // as often as you like
 *      hone_events_free(events);
 *
 * and `tensorboard --logdir runs`. Each call of hone_events_new() begins a file of its own, whose name
 * comes behind those of the directory, since TensorBoard's readers go forward only; each event is in
 * the file when the call returns, also if the program is killed then.
 */
#ifndef HONE_EVENTS_H
#define HONE_EVENTS_H

#include <hone/dtype.h>
#include <hone/error.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hone_events hone_events;

typedef struct {
    /** The first step that is told. What earlier files of the directory tell of it and of later ones
     * is void: of a run that goes on from a checkpoint, what was told after that was written. */
    int64_t from_step;
    HONE_RESERVE(56);
} hone_events_options;

/** Begins a file in `dir`, which is made if it isn't there.
 *  @param options  may be NULL: a run from its beginning, in the place of an earlier one.
 *  @return         owned by the caller; NULL on error.
 *  Errors:  HONE_E_IO, HONE_E_CONFIG (hone was built without protobuf-c), HONE_E_VALUE (from_step
 *           negative), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_events *hone_events_new(const char *dir, const hone_events_options *options);
/** NULL is ignored. */
HONE_API void hone_events_free(hone_events *events);

/** One point of a curve, in f32; NaN and infinity are shown as such. Steps of a tag rise.
 *  @param tag  "loss/train": curves with the same beginning stand together.
 *  Errors:  HONE_E_IO (nothing of the event is left in the file), HONE_E_VALUE (a step before
 *           from_step, an empty tag), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_events_scalar(hone_events *events, const char *tag, int64_t step,
                                        double value);
/** A text, in Markdown. Errors: as hone_events_scalar()'s. */
HONE_API hone_status hone_events_text(hone_events *events, const char *tag, int64_t step,
                                      const char *text);

#ifdef __cplusplus
}
#endif
#endif
