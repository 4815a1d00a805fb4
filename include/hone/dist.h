/** @file dist.h
 * Many machines: data-parallel training over MPI, and the same bits for any number of ranks.
 *
 *      hone_dist_init();                                   // alone, or as mpirun has started it
 *      hone_dist_model(model, &(hone_dist_options){ .shards = 8 });
 *      hone_loader *loader = hone_loader_new(&set, &(hone_loader_options){ .batch_size = 64 });
 *      while (hone_loader_next(loader, &batch)) {          // batch.x: this rank's samples,
 *          HONE_SCOPE();                                   // batch.size: those of all ranks
 *          hone_optim_zero_grad(optim);
 *          hone_accumulate_begin(batch.size);
 *          hone_accumulate_part(hone_size(batch.x, 0));
 *          hone_backward(hone_cross_entropy(hone_forward(model, batch.x), batch.y));
 *          hone_tensor *loss = hone_accumulate_end();      // of all ranks' samples
 *          hone_optim_step(optim);                         // all ranks end in the same weights
 *      }
 *      hone_dist_finish();
 *
 * Shards. A batch of B samples is cut into S shards, whatever the number of ranks: shard i holds
 * samples [i B / S, (i + 1) B / S), one without samples is left out. A gradient's sum over samples is
 * one chain a shard, begun at +0, and shards are added in a fixed binary tree: the left part of n
 * shards is the largest power of two below n. The sum over all is added to what .grad held. So are
 * the statistics of a batch norm in training, which are those of the whole batch; losses are gathered
 * and added as one process does it. Rank r of n has shards [r S / n, (r + 1) S / n), runs its samples
 * as one batch, and may have any share: ANY number of ranks from 1 to S, on any instruction sets,
 * ends in the same bits as one process with the same S (which has other bits than a run without
 * shards). The tree is joined depth first: of a gradient log2 S + 2 sums at most are alive, while its
 * op runs, and one a subtree of the rank afterwards. A part of a rank's samples may come at a time, as
 * accumulate.h has it, with the same bits and without communication before the last one (but a batch
 * norm in training wants them at once).
 * A gradient that comes as one sum over all samples has no shards, and is refused: a custom
 * function's, that of a weight which is computed (a cast, a low-rank update), a penalty's.
 *
 * Without shards (handed_on). A gradient is one chain over all samples then, as a process alone has it:
 * each rank waits for what the ranks before it have summed, adds its samples, and hands it on, a
 * matrix in tiles of some rows; the last one's sum goes round. So ANY number of ranks ends in the bits of
 * a run without shards. It takes 2 times the gradients' bytes a rank, and each rank's backward is
 * behind the one before by a tile's time; parts of a rank's samples make a rank wait for all parts of
 * the ranks before. A batch norm in training, whose statistics no chain has, is refused.
 *
 * Ranks. hone_dist_model() and what comes after it up to hone_dist_finish() must be called by all
 * ranks alike, in the same order. Gradients go in buckets while the backward still runs: a thread of
 * hone's, the only one that calls MPI (so MPI_THREAD_FUNNELED does), sends a bucket to the ranks that
 * add a slice of it each, in the tree's order, and gets the sums back: 2 (n - 1) / n of the
 * gradients' bytes a rank where each rank's shards are one subtree (S a multiple of n, both powers of
 * two), at most (1 + subtrees) (n - 1) / n else. An all-reduce of MPI's doesn't do: the order of its
 * sums depends on ranks, count and library. All this is the calling thread's own.
 *
 * Faults. A rank that answers nothing, or neither computes nor waits for others, for
 * HONE_DIST_TIMEOUT seconds (20; 0: never) ends the job: the rank after it says so on stderr and calls
 * MPI_Abort with status 1.
 *
 * The MPI part is a shared object, one for Open MPI and one for MPICH, loaded by hone_dist_init() as
 * the launcher's environment says, from HONE_MPI_DIR or beside hone. */
#ifndef HONE_DIST_H
#define HONE_DIST_H

#include <hone/nn.h>
#include <hone/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Joins the job that a launcher (mpirun, mpiexec, srun) has started this process in; without one
 * there is one rank. Again: nothing happens. Call it before anything else of hone where ranks share a
 * machine: a process that nobody has bound takes its share of the cores and leaves the others to the
 * ranks beside it.
 *  Errors: HONE_E_CONFIG (there is a launcher, but hone was built without MPI, or the MPI part or its
 *          library isn't found, or finds other processes than the launcher has started),
 *          HONE_E_STATE (a job that was left can't be joined again), HONE_E_NOMEM. */
HONE_API hone_status hone_dist_init(void);
/** 0 .. size - 1; 0 before hone_dist_init() and alone. */
HONE_API int hone_dist_rank(void);
HONE_API int hone_dist_size(void);
/** "Open MPI 4.1.4"; "" alone. */
HONE_API const char *hone_dist_library(void);
/** What a user should know about how the launcher has placed this process, in one line, for
 * instance that it is bound to one core, and the remedy; NULL: nothing. */
HONE_API const char *hone_dist_advice(void);
/** All ranks have come to this call: leaves the job. Again, or alone: nothing happens. */
HONE_API hone_status hone_dist_finish(void);
/** Ends all ranks now; status 1 .. 255. Doesn't return unless there is one rank: then nothing
 * happens. */
HONE_API void hone_dist_abort(int status);

/* ---- training */

typedef struct {
    int64_t shards;       /**< 0: 8, or as many as there are ranks if these are more; alone none */
    int64_t bucket_bytes; /**< of gradients that are sent together; default 4 MiB */
    bool handed_on;       /**< no shards: chains are handed from rank to rank, as below */
    HONE_RESERVE(47);
} hone_dist_options;

/** From now on batches that this thread begins (hone_accumulate_begin) and loaders that it makes are
 * cut into shards over all ranks. Compares hone's version, the model's names, shapes and weights on
 * all ranks. NULL options: the defaults.
 *  Errors:  HONE_E_VALUE (shards negative, fewer than ranks, above 2^20), HONE_E_STATE (a rank whose version or
 *           model differs, which is named; a batch is open), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_dist_model(hone_module *model, const hone_dist_options *options);
/** Of this thread; 0: batches aren't cut, or chains are handed on. */
HONE_API int64_t hone_dist_shards(void);
/** Which of a batch's samples are this rank's: *n from *first on (NULL: isn't asked for). False: it has
 * none; it is given the batch's first one, and adds nothing to what ranks do together. */
HONE_API bool hone_dist_share(int64_t batch, int64_t *first, int64_t *n);
/** This thread's batches are no longer cut. */
HONE_API void hone_dist_stop(void);

/** hone_optim_step() with ZeRO stage 1: a rank updates, and keeps the state of, the parameters that
 * are its own alone (whole ones, shared out by size), and sends them to the others: the same bits,
 * about 1/n of the state's memory, and (n - 1) / n of the parameters' bytes more to send. All steps of
 * an optimizer must be of this kind, or none. Alone it is hone_optim_step().
 *  Errors:  as hone_optim_step(). */
HONE_API hone_status hone_dist_optim_step(hone_optim *optim);

/* ---- tensors, on all ranks at once. Errors: HONE_E_NULL, HONE_E_SHAPE or HONE_E_DTYPE (contiguous
 * tensors of one shape and dtype on all ranks), HONE_E_NOMEM. */

/** t, f32 or f64, becomes the sum over all ranks, added in the tree of this file with a rank for a
 * shard. */
HONE_API hone_status hone_dist_all_reduce(hone_tensor *t);
/** t becomes what it is on rank `root`. */
HONE_API hone_status hone_dist_broadcast(hone_tensor *t, int root);
/** The tensors of all ranks, [size, ..same as t], owned by the current scope. */
HONE_API hone_tensor *hone_dist_gather(hone_tensor *t);
HONE_API hone_status hone_dist_barrier(void);
/** Whether all ranks have the same bytes. `what` names them for the error.
 *  Errors:  HONE_E_STATE that names the first rank that has others than rank 0. */
HONE_API hone_status hone_dist_same(const char *what, const void *bytes, size_t n);

/* ---- what it costs */

typedef struct {
    int64_t steps;          /**< batches since hone_dist_model() */
    int64_t gradient_bytes; /**< of all of them; a weight that is used k times counts k times */
    int64_t sent_bytes;     /**< by this rank for gradients */
    int64_t other_bytes;    /**< by this rank for batch norms, losses and the rest */
    int subtrees;           /**< of this rank's shards, in a batch that fills all */
    double busy_seconds;    /**< in which gradients were on their way */
    double waited_seconds;  /**< of them, after the backward had ended */
    HONE_RESERVE(32);
} hone_dist_statistics;
HONE_API hone_status hone_dist_statistics_get(hone_dist_statistics *statistics);

#ifdef __cplusplus
}
#endif
#endif
