/** @file checkpoint.h
 * Checkpoints: all that a run of training is, in one file, so that a run that was stopped, or killed
 * at any moment, goes on and ends in the same bits as one that never was; also on another machine, by
 * another instruction set and another number of threads.
 *
 *      int64_t epoch = 0;
 *      hone_checkpoint *run = hone_checkpoint_new("run.ckpt", NULL);
 *      hone_checkpoint_module(run, "model", model);
 *      hone_checkpoint_optim(run, "optim", optim);
 *      hone_checkpoint_loader(run, "loader", loader);
 *      hone_checkpoint_generator(run, "generator", hone_generator_current());
 *      hone_checkpoint_numbers(run, "epoch", HONE_I64, &epoch, 1);
 *      hone_checkpoint_fact(run, "batch", "100");
 *      if (hone_checkpoint_exists(run))
 *          hone_checkpoint_load(run, NULL, NULL);
 *      for (; epoch < 20; epoch++) {
 *          ... hone_checkpoint_save(run); after any step
 *      }
 *      hone_checkpoint_wait(run);
 *      hone_checkpoint_free(run);
 *
 * What belongs to the run is named once; saving and loading go by these parts. A file is written
 * beside its place and moved there when it is whole and on the disk, so a full disk, a limit or a
 * kill leaves the one before. It is a safetensors file: tensors in hone's layout ([in, out]) under
 * "PART.NAME" ("model.0.weight"), facts as metadata, and a checksum of each tensor and of the
 * metadata, which loading compares. Its bytes depend on the state alone.
 *
 * hone_checkpoint_save() copies the state and returns; the file is written by a thread of its own,
 * of a lower priority, while training goes on. A checkpoint is used by one thread.
 */
#ifndef HONE_CHECKPOINT_H
#define HONE_CHECKPOINT_H

#include <hone/data.h>
#include <hone/optim.h>
#include <hone/random.h>
#include <hone/schedule.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The parts of a run and the file that they go to. It doesn't keep the parts: they must live as
 * long as it saves and loads. */
typedef struct hone_checkpoint hone_checkpoint;

typedef struct {
    /** Default 1: `path` alone. The newest is `path`, those before it are path.1, path.2, ... up to
     * path.(keep - 1). */
    int64_t keep;
    bool foreground; /**< hone_checkpoint_save() returns when the file is there */
    HONE_RESERVE(55);
} hone_checkpoint_options;

/** @param options  may be NULL.
 *  @return         owned by the caller; NULL on error. Nothing is read or written yet.
 *  Errors:  HONE_E_VALUE (keep below 0 or above 1,000,000, a path too long for the system), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_checkpoint *hone_checkpoint_new(const char *path,
                                              const hone_checkpoint_options *options);
/** Waits for the file that is being written; an error of that is lost, see hone_checkpoint_wait().
 * NULL is ignored. */
HONE_API void hone_checkpoint_free(hone_checkpoint *checkpoint);

/* ---- the parts of a run, each under a name
 *
 *  Errors of all:  HONE_E_VALUE (a name that is there already, is empty or "checksum"), HONE_E_NULL,
 *                  HONE_E_NOMEM. Names and facts are UTF-8: saving says if one isn't. */

/** Parameters and buffers. */
HONE_API hone_status hone_checkpoint_module(hone_checkpoint *checkpoint, const char *name,
                                            hone_module *module);
/** What hone_optim_state() gives: moments, counts of steps, and the options of each group. */
HONE_API hone_status hone_checkpoint_optim(hone_checkpoint *checkpoint, const char *name,
                                           hone_optim *optim);
HONE_API hone_status hone_checkpoint_schedule(hone_checkpoint *checkpoint, const char *name,
                                              hone_schedule *schedule);
/** An average of weights (EMA or SWA) and how many updates it has seen. */
HONE_API hone_status hone_checkpoint_average(hone_checkpoint *checkpoint, const char *name,
                                             hone_average *average);
/** Where a generator stands; loading goes there. Dropout and all other random ops draw from the
 * thread's: hone_generator_current(). */
HONE_API hone_status hone_checkpoint_generator(hone_checkpoint *checkpoint, const char *name,
                                               hone_generator *generator);
/** The epoch and the batch that come next. */
HONE_API hone_status hone_checkpoint_loader(hone_checkpoint *checkpoint, const char *name,
                                            hone_loader *loader);
/** n numbers of a dtype at `data`: a count of epochs, the best loss so far. */
HONE_API hone_status hone_checkpoint_numbers(hone_checkpoint *checkpoint, const char *name,
                                             hone_dtype dtype, void *data, int64_t n);
/** The tensor in *slot, of any shape; NULL: none, in the file neither. Loading gives *slot a new
 * tensor, as hone_assign() does, or NULL. */
HONE_API hone_status hone_checkpoint_tensor(hone_checkpoint *checkpoint, const char *name,
                                            hone_tensor **slot);
/** A choice that the run was made with and that its bits depend on: ("batch", "100"). No part of the
 * state: loading refuses a file with another one. A fact that is told again is changed; both texts
 * are copied.
 *  Errors:  HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_checkpoint_fact(hone_checkpoint *checkpoint, const char *name,
                                          const char *value);

/* ---- writing */

/** Copies the state, between two steps, and begins to write it. If the file before is still being
 * written it waits for that one first: hone_checkpoint_busy() tells.
 *  Errors:  of the copying: HONE_E_NOMEM, and what the parts' states give. Of the file: with
 *           .foreground, or of the one before if nobody has asked yet (this one is being written all
 *           the same): HONE_E_IO, names the file and the reason; the last good one stays. */
HONE_API hone_status hone_checkpoint_save(hone_checkpoint *checkpoint);
/** Whether a file is being written now. */
HONE_API bool hone_checkpoint_busy(const hone_checkpoint *checkpoint);
/** Waits until it is there. Errors: as hone_checkpoint_save()'s of the file, once. */
HONE_API hone_status hone_checkpoint_wait(hone_checkpoint *checkpoint);

/* ---- taking a run up again */

typedef struct {
    /** Other facts are no error; parts that the file hasn't stay as they are, and what belongs to no
     * part isn't read. A loader of batches of another size goes to about the same place. */
    bool anyway;
    HONE_RESERVE(31);
} hone_checkpoint_load_options;

/** Whether the checkpoint's file, or one before it that was kept, is there. */
HONE_API bool hone_checkpoint_exists(const hone_checkpoint *checkpoint);
/** Puts the state of a file into the parts. All of it is read and compared with the checksums before
 * anything changes, and when a part can't take it all are as they were.
 *  @param path     NULL: the checkpoint's own, or, if that is gone or damaged, the newest kept one
 *                  that isn't.
 *  @param options  may be NULL.
 *  Errors:  HONE_E_IO, HONE_E_FORMAT (no checkpoint, damaged: names the tensor), HONE_E_VALUE (other
 *           facts: says which, what they were and are), HONE_E_STATE (a tensor that is missing or
 *           belongs to no part), HONE_E_SHAPE, HONE_E_DTYPE (names the tensor and what both sides
 *           have), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_checkpoint_load(hone_checkpoint *checkpoint, const char *path,
                                          const hone_checkpoint_load_options *options);
/** The file that was loaded last ("": none), and, if newer ones were passed over, the reason of the
 * first ("": none were). Both belong to the checkpoint until the next load. */
HONE_API const char *hone_checkpoint_loaded(const hone_checkpoint *checkpoint);
HONE_API const char *hone_checkpoint_passed_over(const hone_checkpoint *checkpoint);

#ifdef __cplusplus
}
#endif
#endif
