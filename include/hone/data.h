/** @file data.h
 * Data sets, and loaders that cut them into batches.
 *
 *      hone_dataset train;
 *      if (hone_mnist("data", HONE_TRAIN, &train) != HONE_OK) ...
 *      hone_loader *loader = hone_loader_new(&train, &(hone_loader_options){ .batch_size = 100 });
 *      hone_batch b;
 *      while (hone_error_code() == HONE_OK && hone_loader_next(loader, &b)) ... // once through
 *      hone_loader_free(loader);
 *      hone_dataset_free(&train);
 */
#ifndef HONE_DATA_H
#define HONE_DATA_H

#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- data sets */

typedef struct hone_dataset hone_dataset;

enum { HONE_SAMPLE_FIELDS = 8 };

/** One tensor of each sample of a set. */
typedef struct {
    const char *name; /**< "x", "y", "mask"; lives as long as the set */
    hone_dtype dtype;
    int ndim;
    int64_t shape[HONE_MAX_DIMS - 1]; /**< -1: not the same in all samples */
} hone_sample_field;

/** The tensors that a sample consists of. */
typedef struct {
    hone_sample_field field[HONE_SAMPLE_FIELDS];
    int n;         /**< fields, at least 1 */
    int n_targets; /**< the last n_targets of them are targets; 0: samples have none */
} hone_sample_layout;

/** Which sample is wanted. What is drawn for it (an augmentation) depends on these three alone. */
typedef struct {
    int64_t index; /**< 0..size-1 */
    int64_t epoch;
    uint64_t seed; /**< of the loader */
} hone_sample_place;

/** What a data set that is not in memory can do. It gives samples as tensors (`sample`), or, if that
 * is NULL, writes them into buffers (`layout` and `read`), which costs no memory a sample and can be
 * done by several threads at once. */
typedef struct {
    const char *name;
    /** Number of samples. */
    int64_t (*size)(const hone_dataset *set);
    /** Sample `index` (0..size-1), owned by the current scope; all samples have one shape and
     * dtype. Called by one thread at a time. */
    hone_status (*sample)(const hone_dataset *set, int64_t index, hone_tensor **x, hone_tensor **y);
    /** Frees set->state; NULL: nothing to free. */
    void (*destroy)(hone_dataset *set);

    /* Looked at only where `sample` is NULL. Called by SEVERAL THREADS AT ONCE: these must not change
     * what hangs on the set, or do it under a lock of their own. */

    /** Tells what samples are made of. index -1: all of them; else that sample, where no extent is -1. */
    hone_status (*layout)(const hone_dataset *set, int64_t index, hone_sample_layout *layout);
    /** Writes sample place->index: each field, contiguous, of its dtype and shape, to out[field]. */
    hone_status (*read)(const hone_dataset *set, const hone_sample_place *place, void *const *out);
    /** Makes a batch of n samples, whose field f is sample[i * n_fields + f]: batch[0..n_fields-1],
     * owned by the current scope, as many or fewer. NULL: fields are stacked along a new first dim,
     * which only fields without a -1 can be. */
    hone_status (*collate)(const hone_dataset *set, hone_tensor *const *sample, int64_t n,
                           int n_fields, hone_tensor **batch);
} hone_dataset_class;

/** A set in memory has x and y (the set owns a reference to each; y is HONE_NONE without targets) and
 * no type; another has a type and a state. A zeroed one is empty and may be freed. */
struct hone_dataset {
    hone_tensor *x; /**< inputs [n, ..]; images are u8 [n, 28, 28] */
    hone_tensor *y; /**< targets [n, ..]; labels are i64 [n] */
    const hone_dataset_class *type;
    void *state;
};

typedef enum { HONE_TRAIN, HONE_TEST } hone_subset;

/** MNIST or a set in its format: the four IDX files as distributed (train-images-idx3-ubyte, ...;
 * also with a '.' before idx), gzipped (.gz) or not, in `dir` or in `dir`/MNIST/raw. Of several
 * files for one of the four, the first that can be read is taken.
 *  @param set  x u8 [n, rows, columns], y i64 [n] with labels 0..9; zeroed on error.
 *  Errors:  HONE_E_IO (no such directory or file, unreadable), HONE_E_FORMAT (truncated, wrong
 *           magic number, a count that doesn't fit the length, labels out of range, as many
 *           labels as images are wanted), HONE_E_NOMEM. The message names the file, or all that
 *           were passed over.
 *  Source:  LeCun, Cortes and Burges, The MNIST database of handwritten digits. */
HONE_API hone_status hone_mnist(const char *dir, hone_subset subset, hone_dataset *set);

/** n drawn digits: no file needed, like MNIST in shape and in difficulty. Image i depends on seed,
 * subset and i alone, and is the same on every machine; digits come in random order.
 *  @param n    0 for the default: 60000 (HONE_TRAIN) or 10000 (HONE_TEST).
 *  @param set  x u8 [n, 28, 28], y i64 [n]; zeroed on error.
 *  Errors:  HONE_E_VALUE (n negative), HONE_E_NOMEM. */
HONE_API hone_status hone_digits(hone_subset subset, int64_t n, uint64_t seed, hone_dataset *set);

/** n small colour pictures of ten classes: disc, square, triangle, ring, plus, stripes across, upright
 * and aslant, chessboard, dots. Colours, place, size, turn, light and noise vary from picture to
 * picture, so that single pixels say little of the class. Picture i depends on seed, subset and i
 * alone, and is the same on every machine.
 *  @param n    0 for the default: 10000 (HONE_TRAIN) or 2000 (HONE_TEST).
 *  @param set  x u8 [n, 3, 32, 32] (red, green, blue), y i64 [n] with labels 0..9; zeroed on error.
 *  Errors:  HONE_E_VALUE (n negative), HONE_E_NOMEM. */
HONE_API hone_status hone_dataset_pictures(hone_subset subset, int64_t n, uint64_t seed,
                                           hone_dataset *set);

/** Text of a made-up grammar, "the fox eats a red hat at 37. ", as bytes: the same on every machine. A
 * text is the beginning of every longer one of its seed and subset.
 *  @return  u8 [bytes], owned by the current scope; NULL on error.
 *  Errors:  HONE_E_VALUE (bytes negative), HONE_E_NOMEM. */
HONE_API hone_tensor *hone_text(hone_subset subset, int64_t bytes, uint64_t seed);

/** The entropy of that text in nats a byte: no model's loss, however good, stays below it in the long
 * run, and one that knows the grammar comes as near as what it sees of the text lets it. Every choice
 * that the grammar leaves has probabilities that are powers of two, and the text tells all choices:
 * it is the mean number of bits chosen in a sentence over the mean number of its bytes, times ln 2.
 * In windows that begin anywhere there is little to go by at first: the best that can be reached there
 * is about 0.464 of 64 bytes, 0.442 of 128, 0.430 of 256 and 0.425 of 512, where the entropy is 0.419
 * (measured by the exact filter over the grammar's states); 4-grams with back-off reach 0.67. */
HONE_API double hone_text_entropy(void);

/** Tokens cut into windows, for a model of the next token: window i is tokens[i length .. (i + 1)
 * length - 1], its targets are the tokens one further on. What is left at the end is not used.
 *  @param tokens  [n] u8 or i64, at least length + 1.
 *  @param set     x and y i64 [windows, length], which share memory; zeroed on error.
 *  Errors:  HONE_E_SHAPE, HONE_E_DTYPE, HONE_E_VALUE (length below 1, too few tokens), HONE_E_NULL,
 *           HONE_E_NOMEM. */
HONE_API hone_status hone_dataset_windows(hone_tensor *tokens, int64_t length, hone_dataset *set);

/** hone_text in such windows.
 *  @param bytes  0 for the default: 1,000,000 (HONE_TRAIN) or 100,000 (HONE_TEST).
 *  Errors:  as these two. */
HONE_API hone_status hone_dataset_text(hone_subset subset, int64_t bytes, int64_t length,
                                       uint64_t seed, hone_dataset *set);

/** A set in memory of tensors with equal first extents. Keeps a reference to each.
 *  @param y  HONE_NONE: there are no targets.
 *  Errors:   HONE_E_SHAPE (0-d, or first extents differ), HONE_E_NULL. */
HONE_API hone_status hone_dataset_from(hone_tensor *x, hone_tensor *y, hone_dataset *set);

/** The same of 1 to HONE_SAMPLE_FIELDS tensors, the last n_targets of which are targets.
 *  Errors:   as hone_dataset_from, HONE_E_VALUE (their number). */
HONE_API hone_status hone_dataset_tensors(hone_tensor_list fields, int n_targets,
                                          hone_dataset *set);

/** Number of samples; -1 on error. */
HONE_API int64_t hone_dataset_size(const hone_dataset *set);

/** What its samples are made of; index -1: all samples, where -1 in a shape is an extent that differs,
 * else that sample.
 *  Errors:  HONE_E_VALUE (no such sample, an empty set, a class that tells nonsense), HONE_E_NULL, and
 *           those of the set. */
HONE_API hone_status hone_dataset_layout(const hone_dataset *set, int64_t index,
                                         hone_sample_layout *layout);

/** Writes one sample: each field, contiguous, of the sample's dtype and shape, to out[field].
 *  Errors:  HONE_E_VALUE (no such sample), HONE_E_NULL, and those of the set. */
HONE_API hone_status hone_dataset_read(const hone_dataset *set, const hone_sample_place *place,
                                       void *const *out);

/** A batch of the samples index[0..n-1], as a loader makes it.
 *  @return  its fields [n, ..], owned by the current scope; .at is NULL on error.
 *  Errors:  HONE_E_VALUE (no such sample, n below 1), HONE_E_SHAPE (fields differ and the set doesn't
 *           say how they are collated), HONE_E_NULL, HONE_E_NOMEM, and those of the set. */
HONE_API hone_tensor_list hone_dataset_batch(const hone_dataset *set, const int64_t *index,
                                             int64_t n);

/** The samples index[0..n-1] of a set (in that order, the same one several times if you like), without a
 * copy: numbers alone. What a loader draws for a sample goes by its number in `set`.
 *  @param set  must outlive it (a set in memory need not).
 *  Errors:  HONE_E_VALUE (n below 1, no such sample), HONE_E_STATE (a class that gives samples as
 *           tensors), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_dataset_subset(const hone_dataset *set, const int64_t *index, int64_t n,
                                         hone_dataset *out);

typedef struct {
    uint64_t seed;
    bool stratify; /**< each part has every class in the set's proportion (to one sample) */
    bool in_order; /**< the first samples are the first part, else they are drawn by seed */
    HONE_RESERVE(22);
} hone_split_options;

/** Cuts a set into such parts: { 0.8, 0.1, 0.1 }; what is left over is in none.
 *  @param part     [n_parts] shares, above 0, 1 together at most.
 *  @param options  may be NULL.
 *  @param out      [n_parts]; zeroed on error.
 *  Errors:  HONE_E_VALUE (shares; a part without a sample), HONE_E_DTYPE (stratify: y is no class),
 *           those of hone_dataset_subset. */
HONE_API hone_status hone_dataset_split(const hone_dataset *set, const double *part, int n_parts,
                                        const hone_split_options *options, hone_dataset *out);

/** Keeps the first n samples of a set in memory (no change if it has fewer).
 *  Errors:  HONE_E_VALUE (n below 1), HONE_E_STATE (not in memory), HONE_E_SHAPE (as
 *           hone_dataset_from), HONE_E_NULL. */
HONE_API hone_status hone_dataset_limit(hone_dataset *set, int64_t n);

/** Drops what the set holds and zeroes it. NULL is ignored. */
HONE_API void hone_dataset_free(hone_dataset *set);

/** One IDX file, gzipped or not: u8, i32 (also 1 and 2-byte integers), f32 or f64, up to 8 dims.
 *  @return  contiguous, owned by the current scope; NULL on error (as hone_mnist). */
HONE_API hone_tensor *hone_idx_read(const char *path);

/* ---- loaders */

/** Cuts a data set into batches, epoch after epoch. */
typedef struct hone_loader hone_loader;

typedef struct {
    int64_t batch_size; /**< default 1 */
    bool shuffle;       /**< a new order every epoch, which depends on seed and epoch alone */
    uint64_t seed;
    bool drop_last; /**< leave out a last batch that is smaller */
    /** Every part of an epoch has each class in the set's proportion, to less than a sample: y are
     * classes, i64 []; with shuffle, which samples of a class come first changes. */
    bool stratify;
    uint16_t prefetch; /**< batches made ahead by workers; default 2, or more, small ones */
    int workers;       /**< threads that make batches; 0: the caller's */
    /** Of each batch this loader gives rows rank size / ranks .. (rank + 1) size / ranks - 1 alone;
     * ranks 1: all; ranks 0: all, or after hone_dist_model() with several ranks (dist.h) the samples of
     * this one's shards. */
    int rank;
    int ranks;
    /** [samples]: an epoch draws as many samples as there are, with replacement, by these, which needn't
     * add up to 1. NULL: every sample once. */
    hone_tensor *weights;
    HONE_RESERVE(16);
} hone_loader_options;

typedef struct {
    hone_tensor *x, *y; /**< [size, ..], the first field and the first target (HONE_NONE: there is
                           none); they belong to the loader and hold until the next call, or longer
                           with hone_retain() */
    int64_t size;       /**< samples in this batch, of all ranks */
    int64_t index;      /**< 0, 1, ... in its epoch */
    int64_t epoch;      /**< 0, 1, ... */
} hone_batch;

/** A loader of a set, which must outlive it (a set in memory need not: the loader keeps x and y).
 *
 * With workers, threads of the loader's write samples into the batches to come while the caller works on
 * the one it has; what comes out, and the order, are the same bits for any number of them. The first
 * sample that fails surfaces as hone_loader_next()'s error, in its turn. Sets in memory need no workers
 * and use none; a class whose samples are tensors is asked by one thread at a time. Ops that a set calls
 * run on the worker's thread alone; random ops find no generator there (draw by hone_sample_place). The
 * threads begin with the first batch and end with the loader; a child that is forked later has none, and
 * its calls are HONE_E_STATE. Workers share all memory: beside the batches made ahead each has what it
 * decodes a sample in.
 *  @param options  may be NULL.
 *  @return         owned by the caller, see hone_loader_free(); NULL on error.
 *  Errors:  HONE_E_VALUE (batch_size, workers or rank out of range, an empty set, no whole batch with
 *           drop_last, weights, classes), HONE_E_DTYPE (stratify: y is no class), HONE_E_SHAPE (as
 *           hone_dataset_from), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_loader *hone_loader_new(const hone_dataset *set, const hone_loader_options *options);

/** The next batch: true. At the epoch's end false, and the next call begins the next epoch. Also
 * false on error (hone_error_code()); batch is zeroed then. Without shuffle a batch of a set in
 * memory is a view of its rows. */
HONE_API bool hone_loader_next(hone_loader *loader, hone_batch *batch);

/** All fields of the batch that was given out last, targets at the end; a list owned by the current
 * scope, .at NULL on error.
 *  Errors:  HONE_E_STATE (none is given out), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_tensor_list hone_loader_fields(hone_loader *loader);

/** Batches an epoch; -1 on error. */
HONE_API int64_t hone_loader_batches(const hone_loader *loader);

/** Begins `epoch` (0, 1, ... 2^53) at its first batch, e.g. to continue a training run.
 *  Errors:  HONE_E_VALUE, HONE_E_NULL. */
HONE_API hone_status hone_loader_set_epoch(hone_loader *loader, int64_t epoch);

/** Where a loader stands: the epoch and the batch (0, 1, ...) that hone_loader_next() gives next; the
 * number of batches at an epoch's end. With the loader's options that is all that it is.
 *  Errors:  HONE_E_NULL. */
HONE_API hone_status hone_loader_position(const hone_loader *loader, int64_t *epoch,
                                          int64_t *batch);
/** Goes there, in the middle of a shuffled epoch too.
 *  Errors:  HONE_E_VALUE (epoch as hone_loader_set_epoch's, batch past the epoch's end), HONE_E_NULL. */
HONE_API hone_status hone_loader_set_position(hone_loader *loader, int64_t epoch, int64_t batch);

/** NULL is ignored. Ends the batch it has given out. */
HONE_API void hone_loader_free(hone_loader *loader);

#ifdef __cplusplus
}
#endif
#endif
