/* data.h: what the files of src/data share. */
#ifndef HONE_DATA_DATA_H
#define HONE_DATA_DATA_H

#include <hone/data.h>

/** True if x and y can be a set in memory: tensors with equal first extents; else an error in the
 * name of `where`. */
bool hone__dataset_fits(const char *where, const hone_tensor *x, const hone_tensor *y);

/** Reads an IDX file in the name of `where` and checks that it has `ndim` dims of u8 (ndim 0: any
 * content); owned by the current scope, NULL on error. */
hone_tensor *hone__idx_read(const char *where, const char *path, int ndim);

/** Draws one digit as a 28 x 28 image; depends on (seed, subset, index) alone. Gives its label. */
int hone__digit_draw(uint64_t seed, hone_subset subset, int64_t index, uint8_t *image);

#endif
