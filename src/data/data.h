/* data.h: what the files of src/data share. */
#ifndef HONE_DATA_DATA_H
#define HONE_DATA_DATA_H

#include <hone/data.h>

/** True if x and y can be a set in memory: tensors with equal first extents, y perhaps HONE_NONE; else
 * an error in the name of `where`. */
bool hone__dataset_fits(const char *where, const hone_tensor *x, const hone_tensor *y);

/** A batch's fields, targets at the end, a reference to each; zeroed: none. */
typedef struct {
    hone_tensor *at[HONE_SAMPLE_FIELDS];
    int n, n_targets;
} hone__batch;

/** Makes it a batch of the samples index[0..n-1] (which there must be) in the epoch and by the seed of
 * `of`. Its memory serves again where nobody else can see it. False: an error is set, and what is in it
 * is to be dropped. */
bool hone__batch_fill(const char *where, const hone_dataset *set, const int64_t *index, int64_t n,
                      const hone_sample_place *of, hone__batch *b);
void hone__batch_drop(hone__batch *b);

/** Whether its samples can be written into a batch one by one, by any thread: then a batch is filled in
 * two steps, room (memory, as above) and any number of reads of its rows begin..end-1, whose samples are
 * index[begin..end-1]. False: an error is set. */
bool hone__batch_by_rows(const hone_dataset *set);
bool hone__batch_room(const char *where, const hone_dataset *set, int64_t n, hone__batch *b);
bool hone__batch_read(const hone_dataset *set, const int64_t *index, int64_t begin, int64_t end,
                      const hone_sample_place *of, const hone__batch *b);

/** Why a file can't be used; HONE_OK: nothing is wrong with it. */
typedef struct {
    hone_status code;
    char text[400]; /* a sentence with its path */
} hone__idx_problem;

/** Reads an IDX file in the name of `where` and checks that it has `ndim` dims of u8 (ndim 0: any
 * content); owned by the current scope. NULL: the problem with the file is told, or, if there is
 * none, an error is set (out of memory). */
hone_tensor *hone__idx_read(const char *where, const char *path, int ndim,
                            hone__idx_problem *problem);

/** Draws one digit as a 28 x 28 image; depends on (seed, subset, index) alone. Gives its label. */
int hone__digit_draw(uint64_t seed, hone_subset subset, int64_t index, uint8_t *image);
/** The same of a picture: [3, 32, 32]. */
int hone__picture_draw(uint64_t seed, hone_subset subset, int64_t index, uint8_t *picture);

#endif
