/* data.h: what the files of src/data share. */
#ifndef HONE_DATA_DATA_H
#define HONE_DATA_DATA_H

#include <hone/data.h>

/** True if x and y can be a set in memory: tensors with equal first extents; else an error in the
 * name of `where`. */
bool hone__dataset_fits(const char *where, const hone_tensor *x, const hone_tensor *y);

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
